/* analyze_project.c: operations that make, rename, replace or drop columns. */
#include "frame/analyze/analyze_internal.h"

#include <stdlib.h>
#include <string.h>

/* --- lists ---------------------------------------------------------------------------------------------------------
 */

ch_named ch_pass_through(ch_analysis *a, const ch_rel *input, size_t i)
{
    const ch_attr *attr = &input->cols[i];
    ch_expr *e = NULL;
    if (input->kind == CH_REL_PROJECT && input->u.exprs[i]->kind == CH_EX_COLUMN) e = input->u.exprs[i];
    /* the node below serves again where it says just the same: chains of wide projections share theirs */
    bool same = e && e->u.column.id == attr->id && e->nullable == attr->nullable && e->type == attr->type &&
                e->u.column.name == attr->name;
    return (ch_named){.name = attr->name,
                      .metadata = attr->metadata,
                      .expr = same ? e : ch_column_of(a->arena, attr),
                      .nqualifier = attr->nqualifier,
                      .qualifier = attr->qualifier};
}

static void append(ch_arena *arena, size_t *n, ch_named **list, const ch_named *items, size_t count)
{
    *list = ch_arena_grow(arena, *list, sizeof **list, *n, *n + count);
    if (count) memcpy(*list + *n, items, count * sizeof *items);
    *n += count;
}

enum { LATERAL_SIZE_MAX = 100000 }; /* nodes of a list with its aliases put in: each may stand for many */

typedef struct lateral_alias {
    const char *name;
    ch_expr *expr;
    size_t size;
} lateral_alias;

typedef struct lateral_ctx {
    ch_scope *scope;
    bool case_sensitive;
    size_t nalias, size;
    lateral_alias *aliases;
    const char *ambiguous; /* a name that several aliases have */
    size_t found;
} lateral_ctx;

static ch_expr *put_alias(void *ctx, ch_expr *e)
{
    lateral_ctx *l = ctx;
    l->size++;
    if (e->kind != CH_EX_NAME || e->u.name.plan_id >= 0 || e->u.name.nparts != 1) return NULL;
    ch_expr *column;
    ch_error ignored;
    const lateral_alias *alias = NULL;
    size_t found = 0;
    for (size_t i = 0; i < l->nalias; i++) {
        if (!ch_names_equal(l->case_sensitive, l->aliases[i].name, e->u.name.parts[0])) continue;
        alias = &l->aliases[i];
        found++;
    }
    if (!alias || !ch_lookup(l->scope, 1, e->u.name.parts, -1, &column, &ignored)) return e;
    if (found > 1 && !l->ambiguous) {
        l->ambiguous = e->u.name.parts[0];
        l->found = found;
    }
    l->size += alias->size;
    return alias->expr;
}

static int put_aliases(ch_analysis *a, ch_scope *scope, size_t n, ch_expr *const *exprs, ch_expr ***out, ch_error *err)
{
    lateral_ctx l = {.scope = scope, .case_sensitive = a->case_sensitive};
    l.aliases = CH_NEW_ARRAY(a->arena, lateral_alias, n);
    *out = CH_NEW_ARRAY(a->arena, ch_expr *, n);
    for (size_t i = 0; i < n; i++) {
        size_t before = l.size;
        ch_expr *e = ch_expr_rewrite(a->arena, exprs[i], put_alias, &l);
        (*out)[i] = e;
        if (l.ambiguous) {
            return ch_raise(err, "AMBIGUOUS_LATERAL_COLUMN_ALIAS", "name", ch_sql_id(a->arena, 1, &l.ambiguous), "n",
                            ch_arena_printf(a->arena, "%zu", l.found), (char *)NULL);
        }
        if (l.size > LATERAL_SIZE_MAX) {
            return ch_failf(err, CH_E_ANALYSIS, "The aliases of a list refer to each other too often");
        }
        if (e->kind != CH_EX_ALIAS || e->u.alias.n != 1) continue;
        l.aliases[l.nalias++] = (lateral_alias){e->u.alias.names[0], e->u.alias.child, l.size - before};
    }
    return 0;
}

int ch_resolve_lateral(ch_analysis *a, ch_scope *scope, size_t n, ch_expr *const *exprs, size_t *nout, ch_named **out,
                       ch_error *err)
{
    *nout = 0;
    int status = ch_resolve_list(scope, n, exprs, nout, out, err);
    if (!status || strncmp(err->condition, "UNRESOLVED_COLUMN", 17) != 0) return status;
    ch_expr **expanded;
    ch_error first = *err;
    CH_TRY(put_aliases(a, scope, n, exprs, &expanded, err));
    *nout = 0;
    if (!ch_resolve_list(scope, n, expanded, nout, out, err)) return 0;
    *err = first;
    return status;
}

static int resolve_plain(ch_analysis *a, ch_scope *scope, size_t n, ch_expr *const *exprs, size_t *nout, ch_named **out,
                         ch_error *err)
{
    size_t count = 0;
    ch_named *items = NULL;
    if (!n) return 0;
    CH_TRY(ch_resolve_lateral(a, scope, n, exprs, &count, &items, err));
    append(a->arena, nout, out, items, count);
    return 0;
}

int ch_resolve_items(ch_analysis *a, ch_rel **input, size_t n, ch_expr *const *exprs, size_t *nout, ch_named **out,
                     ch_error *err)
{
    ch_scope scope = ch_scope_over(a, *input);
    scope.allow_window = true;
    ch_rel *base = *input;
    *nout = 0;
    *out = NULL;
    size_t start = 0;
    for (size_t i = 0; i < n; i++) {
        if (!ch_is_generator(exprs[i])) continue;
        CH_TRY(resolve_plain(a, &scope, i - start, exprs + start, nout, out, err));
        CH_TRY(ch_add_generate(a, &scope, exprs[i], &base, nout, out, err));
        start = i + 1;
    }
    CH_TRY(resolve_plain(a, &scope, n - start, exprs + start, nout, out, err));
    if (scope.row_number_id) base = ch_rel_number(a, base, scope.row_number_id);
    *input = base;
    return 0;
}

static bool any_aggregate(size_t n, ch_expr *const *exprs)
{
    for (size_t i = 0; i < n; i++) {
        if (ch_calls_aggregate(exprs[i])) return true;
    }
    return false;
}

static void note_window(void *ctx, ch_expr *e)
{
    const ch_expr **last = ctx;
    if (e->kind == CH_EX_WINDOW) *last = e;
    ch_expr_children(e, note_window, ctx);
}

/* Does the function look at rows one by one, so that the order of equal ones shows? */
static bool counts_rows(const ch_window *w)
{
    static const char *const BY_PEERS[] = {"rank", "dense_rank", "percent_rank", "cume_dist"};
    if (!w->has_frame || !w->rows || w->function->kind != CH_EX_CALL) return false;
    for (size_t i = 0; i < sizeof BY_PEERS / sizeof *BY_PEERS; i++) {
        if (strcasecmp(w->function->u.call.name, BY_PEERS[i]) == 0) return false;
    }
    return true;
}

typedef struct tie_ctx {
    ch_arena *arena;
    ch_expr *position;
} tie_ctx;

static ch_expr *break_ties(void *ctx, ch_expr *e)
{
    const tie_ctx *t = ctx;
    if (e->kind != CH_EX_WINDOW || !counts_rows(&e->u.window)) return NULL;
    ch_expr *copy = ch_arena_dup(t->arena, e, sizeof *e);
    ch_window *w = &copy->u.window;
    w->order = ch_arena_grow(t->arena, w->order, sizeof *w->order, w->norder, w->norder + 1);
    w->order[w->norder++] = (ch_order){.expr = t->position};
    return copy;
}

/* Spark computes windows by sorting the rows by partition and order, equal ones staying as they were, and leaves them
 * so; with several windows, as the last one needs them. People see that order, so it is kept: the window's keys become
 * further columns of the projection, and a sort on top of it hides them. */
static ch_rel *leave_sorted(ch_analysis *a, ch_rel *input, size_t n, const ch_named *items, const ch_window *w)
{
    size_t nkey = w->npartition + w->norder + input->ordered;
    ch_named *list = ch_arena_grow(a->arena, items, sizeof *items, n, n + nkey);
    ch_order *orders = CH_NEW_ARRAY(a->arena, ch_order, nkey);
    if (input->ordered) {
        const ch_attr position = {.id = (*a->next_id)++, .name = "position", .type = &ch_type_long};
        input = ch_rel_number(a, input, position.id);
        tie_ctx ties = {.arena = a->arena, .position = ch_column_of(a->arena, &position)};
        for (size_t i = 0; i < n; i++) list[i].expr = ch_expr_rewrite(a->arena, items[i].expr, break_ties, &ties);
        list[n + nkey - 1] = (ch_named){.name = CH_NO_NAME, .expr = ties.position};
    }
    for (size_t i = 0; i < w->npartition + w->norder; i++) {
        ch_named *key = &list[n + i];
        *key = (ch_named){.name = CH_NO_NAME};
        if (i < w->npartition) {
            key->expr = w->partition[i];
        } else {
            orders[i] = w->order[i - w->npartition];
            key->expr = orders[i].expr;
        }
    }
    ch_rel *project = ch_rel_project(a, input, n + nkey, list);
    for (size_t i = 0; i < nkey; i++) orders[i].expr = ch_column_of(a->arena, &project->cols[n + i]);
    ch_rel *sort = ch_rel_same(a->arena, CH_REL_SORT, project);
    sort->ncol = n;
    sort->ordered = true;
    sort->u.sort.n = nkey;
    sort->u.sort.orders = orders;
    sort->u.sort.implicit = true;
    return sort;
}

ch_rel *ch_project_items(ch_analysis *a, ch_rel *input, size_t n, const ch_named *items)
{
    const ch_expr *window = NULL;
    for (size_t i = 0; i < n; i++) {
        if (items[i].expr->kind != CH_EX_COLUMN) note_window(&window, items[i].expr);
    }
    if (!window) return ch_rel_project(a, input, n, items);
    return leave_sorted(a, input, n, items, &window->u.window);
}

/* explode(collect_list(x)): the aggregation first, with the generators' arguments as columns, then the generators. */
static int generate_from_aggregates(ch_analysis *a, ch_rel *input, size_t n, ch_expr *const *exprs, ch_rel **out,
                                    ch_error *err)
{
    ch_expr **below = CH_NEW_ARRAY(a->arena, ch_expr *, n), **above = CH_NEW_ARRAY(a->arena, ch_expr *, n);
    for (size_t i = 0; i < n; i++) {
        below[i] = exprs[i];
        if (!ch_is_generator(exprs[i])) continue;
        const ch_expr *call = exprs[i]->kind == CH_EX_ALIAS ? exprs[i]->u.alias.child : exprs[i];
        if (call->u.call.n != 1)
            return ch_raise(err, "UNSUPPORTED_FEATURE", "feature", call->u.call.name, (char *)NULL);
        below[i] = call->u.call.args[0];
    }
    ch_rel *rel;
    CH_TRY(ch_aggregate_list(a, input, 0, NULL, n, below, &rel, err));
    if (rel->ncol != n) return ch_raise(err, "UNSUPPORTED_FEATURE", "feature", "* beside a generator", (char *)NULL);
    for (size_t i = 0; i < n; i++) {
        above[i] = ch_column_of(a->arena, &rel->cols[i]);
        if (!ch_is_generator(exprs[i])) continue;
        const ch_expr *call = exprs[i]->kind == CH_EX_ALIAS ? exprs[i]->u.alias.child : exprs[i];
        ch_expr *again = ch_expr_call(a->arena, call->u.call.name, 1, above[i]);
        above[i] = again;
        if (exprs[i]->kind != CH_EX_ALIAS) continue;
        above[i] = ch_arena_dup(a->arena, exprs[i], sizeof *exprs[i]);
        above[i]->u.alias.child = again;
    }
    return ch_project_list(a, rel, n, above, out, err);
}

int ch_project_list(ch_analysis *a, ch_rel *input, size_t n, ch_expr *const *exprs, ch_rel **out, ch_error *err)
{
    if (any_aggregate(n, exprs)) {
        for (size_t i = 0; i < n; i++) {
            if (ch_is_generator(exprs[i])) return generate_from_aggregates(a, input, n, exprs, out, err);
        }
        return ch_aggregate_list(a, input, 0, NULL, n, exprs, out, err);
    }
    size_t count;
    ch_named *items;
    CH_TRY(ch_resolve_items(a, &input, n, exprs, &count, &items, err));
    *out = ch_project_items(a, input, count, items);
    return 0;
}

int ch_analyze_project(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    ch_expr **exprs;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    CH_TRY(ch_parse_items(a, plan->u.project.n, plan->u.project.exprs, &exprs, err));
    return ch_project_list(a, input, plan->u.project.n, exprs, out, err);
}

/* --- withColumns ---------------------------------------------------------------------------------------------------
 */

/* Names in a table by their lower-case form: an open-addressing index into `items` by hash. */
typedef struct name_index {
    size_t mask;
    size_t *slots; /* index + 1 */
    const ch_named *items;
    bool case_sensitive;
} name_index;

static size_t *find_slot(const name_index *index, const char *name)
{
    size_t at = ch_name_hash(name) & index->mask;
    while (index->slots[at] && !ch_names_equal(index->case_sensitive, index->items[index->slots[at] - 1].name, name)) {
        at = (at + 1) & index->mask;
    }
    return &index->slots[at];
}

/* Indexes the items; a name that is there twice is the error. */
static int index_names(ch_analysis *a, const ch_named *items, size_t n, name_index *index, ch_error *err)
{
    size_t size = 4;
    while (size < n * 2) size *= 2;
    *index = (name_index){.mask = size - 1, .items = items, .case_sensitive = a->case_sensitive};
    index->slots = CH_NEW_ARRAY(a->arena, size_t, size);
    for (size_t i = 0; i < n; i++) {
        size_t *slot = find_slot(index, items[i].name);
        if (*slot) return ch_already_exists(a, items[i].name, err);
        *slot = i + 1;
    }
    return 0;
}

int ch_analyze_with_columns(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    ch_expr **exprs;
    size_t n = plan->u.project.n, count;
    ch_named *items;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    CH_TRY(ch_parse_items(a, n, plan->u.project.exprs, &exprs, err));
    if (any_aggregate(n, exprs)) return ch_raise(err, "MISSING_GROUP_BY", (char *)NULL);
    ch_rel *base = input;
    CH_TRY(ch_resolve_items(a, &base, n, exprs, &count, &items, err));
    name_index index;
    CH_TRY(index_names(a, items, count, &index, err));
    bool *placed = CH_NEW_ARRAY(a->arena, bool, count);
    ch_named *list = CH_NEW_ARRAY(a->arena, ch_named, input->ncol + count);
    size_t total = 0;
    for (size_t i = 0; i < input->ncol; i++) {
        size_t at = *find_slot(&index, input->cols[i].name);
        list[total++] = at ? items[at - 1] : ch_pass_through(a, input, i);
        if (at) placed[at - 1] = true;
    }
    for (size_t i = 0; i < count; i++) {
        if (!placed[i]) list[total++] = items[i];
    }
    *out = ch_project_items(a, base, total, list);
    return 0;
}

/* --- names and places ----------------------------------------------------------------------------------------------
 */

static ch_named *all_columns(ch_analysis *a, const ch_rel *input)
{
    ch_named *list = CH_NEW_ARRAY(a->arena, ch_named, input->ncol);
    for (size_t i = 0; i < input->ncol; i++) list[i] = ch_pass_through(a, input, i);
    return list;
}

/* PROJECT of columns as they are under new names: those renamed become new columns. */
static ch_rel *relabel(ch_analysis *a, ch_rel *input, ch_named *list, const bool *renamed)
{
    ch_rel *rel = ch_rel_project(a, input, input->ncol, list);
    for (size_t i = 0; i < input->ncol; i++) {
        if (renamed[i] && rel->cols[i].id == input->cols[i].id) rel->cols[i].id = (*a->next_id)++;
    }
    return rel;
}

/* The pairs are applied one after the other, so that {a: b, b: c} makes a c of a, as in Spark. */
int ch_analyze_rename(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    ch_named *list = all_columns(a, input);
    bool *renamed = CH_NEW_ARRAY(a->arena, bool, input->ncol);
    bool any = false;
    for (size_t i = 0; i < plan->u.rename.n; i++) {
        uint32_t hash = ch_name_hash(plan->u.rename.from[i]);
        for (size_t j = 0; j < input->ncol; j++) {
            if (!renamed[j] && input->cols[j].name_hash != hash) continue;
            if (!ch_names_equal(a->case_sensitive, list[j].name, plan->u.rename.from[i])) continue;
            list[j].name = plan->u.rename.to[i];
            list[j].nqualifier = 0;
            renamed[j] = any = true;
        }
    }
    *out = any ? relabel(a, input, list, renamed) : input;
    return 0;
}

int ch_analyze_to_df(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    if (plan->u.names.n != input->ncol) {
        return ch_raise(err, "ASSIGNMENT_ARITY_MISMATCH", "numTarget", ch_arena_printf(a->arena, "%zu", input->ncol),
                        "numExpr", ch_arena_printf(a->arena, "%zu", plan->u.names.n), (char *)NULL);
    }
    ch_named *list = all_columns(a, input);
    bool *renamed = CH_NEW_ARRAY(a->arena, bool, input->ncol);
    for (size_t i = 0; i < input->ncol; i++) {
        renamed[i] = strcmp(list[i].name, plan->u.names.names[i]) != 0;
        list[i].name = plan->u.names.names[i];
        list[i].nqualifier = 0;
    }
    *out = relabel(a, input, list, renamed);
    return 0;
}

/* Columns that are not there are none that would have to go; ambiguous ones are still an error. */
static int mark_dropped(ch_scope *scope, const ch_expr *e, bool *dropped, ch_error *err)
{
    const ch_rel *input = scope->input[0];
    ch_expr *column;
    int status = ch_resolve(scope, e, &column, err);
    if (status) return strncmp(err->condition, "UNRESOLVED_COLUMN", 17) == 0 ? 0 : status;
    if (column->kind != CH_EX_COLUMN) return 0;
    for (size_t i = 0; i < input->ncol; i++) {
        if (input->cols[i].id == column->u.column.id) dropped[i] = true;
    }
    return 0;
}

int ch_analyze_drop(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    bool *dropped = CH_NEW_ARRAY(a->arena, bool, input->ncol);
    ch_scope scope = ch_scope_over(a, input);
    for (size_t i = 0; i < plan->u.drop.ncol; i++) CH_TRY(mark_dropped(&scope, plan->u.drop.cols[i], dropped, err));
    for (size_t i = 0; i < plan->u.drop.nname; i++) {
        uint32_t hash = ch_name_hash(plan->u.drop.names[i]);
        for (size_t j = 0; j < input->ncol; j++) {
            if (input->cols[j].name_hash != hash) continue;
            if (ch_names_equal(a->case_sensitive, input->cols[j].name, plan->u.drop.names[i])) dropped[j] = true;
        }
    }
    ch_named *list = CH_NEW_ARRAY(a->arena, ch_named, input->ncol);
    size_t n = 0;
    for (size_t i = 0; i < input->ncol; i++) {
        if (!dropped[i]) list[n++] = ch_pass_through(a, input, i);
    }
    *out = n == input->ncol ? input : ch_rel_project(a, input, n, list);
    return 0;
}

/* --- df.to(schema) -------------------------------------------------------------------------------------------------
 */

/* May a value of `from` be stored as `to` (Cast.canANSIStoreAssign)? */
static bool can_store(const ch_type *from, const ch_type *to)
{
    if (from->kind == CH_NULL || ch_type_equal(from, to, false)) return true;
    if (ch_type_is_numeric(from) && ch_type_is_numeric(to)) return true;
    if (ch_type_is_string(to)) return ch_type_is_atomic(from);
    bool from_time = from->kind == CH_DATE || from->kind == CH_TIMESTAMP || from->kind == CH_TIMESTAMP_NTZ;
    bool to_time = to->kind == CH_DATE || to->kind == CH_TIMESTAMP || to->kind == CH_TIMESTAMP_NTZ;
    if (from_time && to_time) return true;
    if (from->kind != to->kind) return false;
    if (from->kind == CH_ARRAY) return can_store(from->fields[0].type, to->fields[0].type);
    if (from->kind == CH_MAP) {
        return can_store(from->fields[0].type, to->fields[0].type) &&
               can_store(from->fields[1].type, to->fields[1].type);
    }
    return false;
}

static const char *quoted_type(ch_arena *arena, const ch_type *type)
{
    ch_buf text = {0};
    ch_buf_char(&text, '"');
    ch_type_sql(&text, type);
    ch_buf_char(&text, '"');
    const char *copy = ch_arena_strdup(arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return copy;
}

static int reconcile(ch_analysis *a, const ch_rel *input, const ch_field *field, ch_named *out, ch_error *err)
{
    const char *id = ch_sql_id(a->arena, 1, &field->name);
    ptrdiff_t at = ch_find_column(a, input, field->name);
    *out = (ch_named){.name = field->name, .metadata = field->metadata};
    if (at < 0 && field->nullable) {
        out->expr = ch_expr_null(a->arena, field->type);
        out->expr->type = field->type;
        out->expr->nullable = true;
        return 0;
    }
    if (at < 0) {
        const char *proposal = ch_suggestions(a->arena, &input, 1, 1, &field->name);
        return ch_raise(err, "UNRESOLVED_COLUMN.WITH_SUGGESTION", "objectName", id, "proposal", proposal, (char *)NULL);
    }
    const ch_attr *attr = &input->cols[at];
    if (attr->nullable && !field->nullable) {
        return ch_raise(err, "NULLABLE_COLUMN_OR_FIELD", "name", id, (char *)NULL);
    }
    if (!can_store(attr->type, field->type)) {
        return ch_raise(err, "INVALID_COLUMN_OR_FIELD_DATA_TYPE", "name", id, "type", quoted_type(a->arena, attr->type),
                        "expectedType", quoted_type(a->arena, field->type), (char *)NULL);
    }
    if (!out->metadata) out->metadata = attr->metadata;
    out->expr = ch_coerce(a->arena, ch_column_of(a->arena, attr), field->type);
    return 0;
}

int ch_analyze_to_schema(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    const ch_type *schema = plan->u.to_schema;
    ch_named *list = CH_NEW_ARRAY(a->arena, ch_named, schema->nfield);
    for (size_t i = 0; i < schema->nfield; i++) CH_TRY(reconcile(a, input, &schema->fields[i], &list[i], err));
    *out = ch_rel_project(a, input, schema->nfield, list);
    return 0;
}
