/* analyze_aggregate.c: groupBy, rollup, cube, grouping sets, HAVING.
 *
 * The list of an aggregation mixes aggregates, group expressions and what is computed from them. It is split into an
 * AGGREGATE, which computes group keys and pure aggregates, and a PROJECT on top of it.
 */
#include "frame/analyze/analyze_internal.h"

#include <inttypes.h>
#include <string.h>

enum { GROUPING_SETS_MAX = 65535, GROUPING_KEYS_MAX = 64 };

/* --- which expressions aggregate -----------------------------------------------------------------------------------
 */

static bool is_aggregate(const ch_expr *e)
{
    if (e->kind != CH_EX_CALL) return false;
    const ch_function *fn = e->u.call.fn ? e->u.call.fn : ch_function_find(e->u.call.name);
    return fn && fn->kind == CH_FN_AGGREGATE;
}

static bool is_grouping(const ch_expr *e)
{
    if (e->kind != CH_EX_CALL) return false;
    return strcasecmp(e->u.call.name, "grouping") == 0 || strcasecmp(e->u.call.name, "grouping_id") == 0;
}

static void note_call(void *ctx, ch_expr *child)
{
    bool *found = ctx;
    if (!*found) *found = ch_calls_aggregate(child);
}

bool ch_calls_aggregate(const ch_expr *e)
{
    bool found = false;
    if (e->kind == CH_EX_WINDOW) {
        /* the window's own function is none, but its arguments and its specification may aggregate */
        ch_expr_children(e->u.window.function, note_call, &found);
        for (size_t i = 0; i < e->u.window.npartition; i++) note_call(&found, e->u.window.partition[i]);
        for (size_t i = 0; i < e->u.window.norder; i++) note_call(&found, e->u.window.order[i].expr);
        return found;
    }
    if (is_aggregate(e) || is_grouping(e)) return true;
    ch_expr_children(e, note_call, &found);
    return found;
}

/* --- splitting ------------------------------------------------------------------------------------------------------
 */

typedef struct hash128 {
    uint64_t h[2];
} hash128;

/* An aggregation in the making. */
typedef struct builder {
    ch_analysis *a;
    ch_rel *rel;         /* the AGGREGATE */
    hash128 *key_hashes; /* of the group expressions */
    size_t nhash;
    hash128 *agg_hashes; /* of the aggregates */
    int *position;       /* the scope's row_number_id */
    int status;
    ch_error *err;
} builder;

static hash128 hash_of(const ch_expr *e, const ch_rel *input)
{
    hash128 hash = {{0}};
    ch_hash_expr(hash.h, e, input, NULL);
    return hash;
}

static bool same_hash(const hash128 *a, const hash128 *b)
{
    return a->h[0] == b->h[0] && a->h[1] == b->h[1];
}

/* Adds a column to the AGGREGATE and returns it as an expression. */
static ch_expr *add_column(builder *b, const ch_expr *e)
{
    ch_rel *rel = b->rel;
    rel->cols = ch_arena_grow(b->a->arena, rel->cols, sizeof *rel->cols, rel->ncol, rel->ncol + 1);
    rel->cols[rel->ncol] = ch_attr_for(b->a, CH_NO_NAME, e, NULL);
    rel->cols[rel->ncol].name_hash = ch_name_hash(CH_NO_NAME);
    return ch_column_of(b->a->arena, &rel->cols[rel->ncol++]);
}

/* The column of the AGGREGATE that holds this aggregate, which is added if it is new. */
static ch_expr *add_aggregate(builder *b, ch_expr *call)
{
    ch_rel *rel = b->rel;
    hash128 hash = hash_of(call, rel->input);
    size_t at = 0;
    for (size_t i = rel->u.aggregate.nkey; i < rel->ncol; i++) {
        if (rel->cols[i].id == rel->u.aggregate.grouping_id) continue;
        if (same_hash(&b->agg_hashes[at++], &hash)) return ch_column_of(b->a->arena, &rel->cols[i]);
    }
    size_t n = rel->u.aggregate.nagg++;
    if ((n & (n - 1)) == 0) {
        size_t cap = n ? 2 * n : 1;
        rel->u.aggregate.aggs =
            ch_arena_grow(b->a->arena, rel->u.aggregate.aggs, sizeof *rel->u.aggregate.aggs, n, cap);
        b->agg_hashes = ch_arena_grow(b->a->arena, b->agg_hashes, sizeof *b->agg_hashes, n, cap);
    }
    rel->u.aggregate.aggs[n] = call;
    b->agg_hashes[n] = hash;
    return add_column(b, call);
}

/* grouping_id as Spark has it: one bit a key, the first key's the highest, set where the key is not grouped by. */
static ch_expr *grouping_id(builder *b)
{
    ch_rel *rel = b->rel;
    if (rel->u.aggregate.grouping_id >= 0) {
        return ch_column_of(b->a->arena, ch_attr_find(rel, rel->u.aggregate.grouping_id));
    }
    const ch_expr type = {.type = &ch_type_long};
    ch_expr *column = add_column(b, &type);
    rel->u.aggregate.grouping_id = column->u.column.id;
    return column;
}

/* Aggregates whose result depends on the order of the rows, which the engine's threads do not keep: each takes the
 * row's position as a second argument. */
static const struct {
    const char *name;
    ch_function by_position, ignoring_nulls;
} POSITIONAL[] = {
#define POSITIONAL_ROW(name_, sql_, nulls_sql_)                                                                        \
    {                                                                                                                  \
        name_, {.name = name_, .kind = CH_FN_AGGREGATE, .min_args = 2, .max_args = 2, .sql = sql_},                    \
        {                                                                                                              \
            .name = name_, .kind = CH_FN_AGGREGATE, .min_args = 2, .max_args = 2, .sql = nulls_sql_                    \
        }                                                                                                              \
    }
    POSITIONAL_ROW("first", "arg_min_null($1, $2)$F", "arg_min($1, $2)$F"),
    POSITIONAL_ROW("first_value", "arg_min_null($1, $2)$F", "arg_min($1, $2)$F"),
    POSITIONAL_ROW("any_value", "arg_min_null($1, $2)$F", "arg_min($1, $2)$F"),
    POSITIONAL_ROW("last", "arg_max_null($1, $2)$F", "arg_max($1, $2)$F"),
    POSITIONAL_ROW("last_value", "arg_max_null($1, $2)$F", "arg_max($1, $2)$F"),
    POSITIONAL_ROW("collect_list", "coalesce(list($1 ORDER BY $2)$N, [])", "coalesce(list($1 ORDER BY $2)$N, [])"),
    POSITIONAL_ROW("array_agg", "coalesce(list($1 ORDER BY $2)$N, [])", "coalesce(list($1 ORDER BY $2)$N, [])"),
#undef POSITIONAL_ROW
};

/* The aggregate with the row's position as second argument, if it depends on the order and there is one. */
static ch_expr *by_position(builder *b, ch_expr *call)
{
    if (!b->rel->input->ordered || call->u.call.distinct || !call->u.call.n) return call;
    for (size_t i = 0; i < sizeof POSITIONAL / sizeof *POSITIONAL; i++) {
        if (strcasecmp(POSITIONAL[i].name, call->u.call.name) != 0) continue;
        ch_arena *arena = b->a->arena;
        bool ignore_nulls = call->u.call.ignore_nulls;
        if (call->u.call.n == 2) {
            const ch_expr *flag = call->u.call.args[1];
            if (flag->kind != CH_EX_LITERAL || flag->u.literal.type->kind != CH_BOOLEAN) return call;
            ignore_nulls |= !flag->u.literal.is_null && flag->u.literal.v.boolean;
        }
        if (!*b->position) *b->position = (*b->a->next_id)++;
        const ch_attr position = {.id = *b->position, .name = CH_NO_NAME, .type = &ch_type_long};
        ch_expr *copy = ch_arena_dup(arena, call, sizeof *call);
        copy->u.call.fn = ignore_nulls ? &POSITIONAL[i].ignoring_nulls : &POSITIONAL[i].by_position;
        copy->u.call.n = 2;
        copy->u.call.args = CH_NEW_ARRAY(arena, ch_expr *, 2);
        copy->u.call.args[0] = call->u.call.args[0];
        copy->u.call.args[1] = ch_column_of(arena, &position);
        return copy;
    }
    return call;
}

static const ch_function GROUPING_BIT = {
    .name = "grouping", .kind = CH_FN_SCALAR, .min_args = 2, .max_args = 2, .sql = "CAST(($1 >> $2) & 1 AS TINYINT)"};

static ptrdiff_t find_key(const builder *b, const ch_expr *e)
{
    const ch_rel *rel = b->rel;
    if (e->kind == CH_EX_LITERAL) return -1;
    if (e->kind == CH_EX_COLUMN) {
        for (size_t i = 0; i < b->nhash; i++) {
            const ch_expr *key = rel->u.aggregate.keys[i];
            if (key->kind == CH_EX_COLUMN && key->u.column.id == e->u.column.id) return (ptrdiff_t)i;
        }
        return -1;
    }
    if (!b->nhash) return -1;
    hash128 hash = hash_of(e, rel->input);
    for (size_t i = 0; i < b->nhash; i++) {
        if (same_hash(&b->key_hashes[i], &hash)) return (ptrdiff_t)i;
    }
    return -1;
}

static ch_expr *grouping_call(builder *b, ch_expr *e)
{
    ch_rel *rel = b->rel;
    if (!rel->u.aggregate.nset) {
        b->status = ch_raise(b->err, "UNSUPPORTED_GROUPING_EXPRESSION", (char *)NULL);
        return e;
    }
    if (strcasecmp(e->u.call.name, "grouping_id") == 0) return grouping_id(b);
    ptrdiff_t key = e->u.call.n == 1 ? find_key(b, e->u.call.args[0]) : -1;
    if (key < 0) {
        ch_buf keys = {0};
        for (size_t i = 0; i < rel->u.aggregate.nkey; i++) {
            ch_buf_printf(&keys, "%s%s", i ? ", " : "", ch_auto_name(b->a->arena, rel->u.aggregate.keys[i]));
        }
        const char *column = e->u.call.n ? ch_auto_name(b->a->arena, e->u.call.args[0]) : "";
        b->status = ch_raise(b->err, "GROUPING_COLUMN_MISMATCH", "grouping", column, "groupingColumns",
                             ch_buf_text(&keys), (char *)NULL);
        ch_buf_reset(&keys);
        return e;
    }
    ch_expr *bit = ch_expr_new(b->a->arena, CH_EX_CALL);
    bit->type = &ch_type_byte;
    bit->u.call.name = GROUPING_BIT.name;
    bit->u.call.fn = &GROUPING_BIT;
    bit->u.call.n = 2;
    bit->u.call.args = CH_NEW_ARRAY(b->a->arena, ch_expr *, 2);
    bit->u.call.args[0] = grouping_id(b);
    bit->u.call.args[1] = ch_expr_long(b->a->arena, (int64_t)rel->u.aggregate.nkey - 1 - key);
    bit->u.call.args[1]->type = &ch_type_long;
    return bit;
}

static ch_expr *split(void *ctx, ch_expr *e);

static ch_expr *split_tree(builder *b, ch_expr *e)
{
    return e && !b->status ? ch_expr_rewrite(b->a->arena, e, split, b) : e;
}

/* A window over aggregates: its own function stays where it is, what it works on is split. */
static ch_expr *split_window(builder *b, const ch_expr *e)
{
    ch_arena *arena = b->a->arena;
    ch_expr *copy = ch_arena_dup(arena, e, sizeof *e);
    ch_window *w = &copy->u.window;
    ch_expr *function = ch_arena_dup(arena, w->function, sizeof *w->function);
    w->function = function;
    function->u.call.args = ch_arena_dup(arena, function->u.call.args, function->u.call.n * sizeof(ch_expr *));
    for (size_t i = 0; i < function->u.call.n; i++) {
        function->u.call.args[i] = split_tree(b, function->u.call.args[i]);
    }
    function->u.call.filter = split_tree(b, function->u.call.filter);
    w->partition = ch_arena_dup(arena, w->partition, w->npartition * sizeof(ch_expr *));
    for (size_t i = 0; i < w->npartition; i++) w->partition[i] = split_tree(b, w->partition[i]);
    w->order = ch_arena_dup(arena, w->order, w->norder * sizeof *w->order);
    for (size_t i = 0; i < w->norder; i++) w->order[i].expr = split_tree(b, w->order[i].expr);
    return copy;
}

static int missing_aggregation(ch_analysis *a, const ch_expr *column, ch_error *err)
{
    const char *name = column->u.column.name;
    return ch_raise(err, "MISSING_AGGREGATION", "expression", ch_sql_quote(a->arena, name), "expressionAnyValue",
                    ch_arena_printf(a->arena, "\"any_value(%s)\"", name), (char *)NULL);
}

static void not_grouped(builder *b, const ch_expr *column)
{
    if (!b->rel->u.aggregate.nkey) {
        b->status = ch_raise(b->err, "MISSING_GROUP_BY", (char *)NULL);
        return;
    }
    b->status = missing_aggregation(b->a, column, b->err);
}

/* One node of a list's item: what the PROJECT above the AGGREGATE has in its place, or NULL to look inside it. */
static ch_expr *split(void *ctx, ch_expr *e)
{
    builder *b = ctx;
    if (b->status) return e;
    ptrdiff_t key = find_key(b, e);
    if (key >= 0) {
        ch_expr *column = ch_column_of(b->a->arena, &b->rel->cols[key]);
        if (e->kind == CH_EX_COLUMN) column->u.column.name = e->u.column.name;
        return column;
    }
    if (e->kind == CH_EX_WINDOW) return split_window(b, e);
    if (is_grouping(e)) return grouping_call(b, e);
    if (is_aggregate(e)) {
        for (size_t i = 0; i < e->u.call.n; i++) {
            if (!ch_contains_aggregate(e->u.call.args[i])) continue;
            b->status = ch_raise(b->err, "NESTED_AGGREGATE_FUNCTION", (char *)NULL);
            return e;
        }
        return add_aggregate(b, by_position(b, e));
    }
    /* columns of a query around this one are constants here */
    if (e->kind == CH_EX_COLUMN && ch_attr_find(b->rel->input, e->u.column.id)) not_grouped(b, e);
    return NULL;
}

/* --- groups --------------------------------------------------------------------------------------------------------
 */

/* What an aggregation is made of. */
typedef struct spec {
    ch_group_kind kind;
    bool sql_select;
    size_t ngroup, nagg, nset;
    ch_expr **groups, **aggs;
    size_t *set_size;
    ch_expr ***sets;
} spec;

static ch_expr *without_alias(ch_expr *e)
{
    return e->kind == CH_EX_ALIAS ? e->u.alias.child : e;
}

/* GROUP BY 2 means the second item of the SELECT list. */
static int group_ordinal(ch_analysis *a, const spec *s, ch_expr **group, ch_error *err)
{
    const ch_expr *e = *group;
    if (!s->sql_select || e->kind != CH_EX_LITERAL || e->u.literal.is_null || e->u.literal.type->kind != CH_INT)
        return 0;
    if (!ch_config_bool(a->session, "spark.sql.groupByOrdinal")) return 0;
    int64_t at = e->u.literal.v.integer;
    const char *index = ch_arena_printf(a->arena, "%" PRId64, at);
    if (at < 1 || (uint64_t)at > s->nagg) {
        return ch_raise(err, "GROUP_BY_POS_OUT_OF_RANGE", "index", index, "size",
                        ch_arena_printf(a->arena, "%zu", s->nagg), (char *)NULL);
    }
    ch_expr *item = without_alias(s->aggs[at - 1]);
    if (ch_calls_aggregate(item)) {
        const char *name = item->kind == CH_EX_CALL ? item->u.call.name : "an aggregate";
        return ch_raise(err, "GROUP_BY_POS_AGGREGATE", "index", index, "aggExpr", name, (char *)NULL);
    }
    *group = item;
    return 0;
}

/* The SELECT item with this alias, or NULL. */
static ch_expr *find_alias(ch_analysis *a, const spec *s, const ch_expr *name)
{
    if (!s->sql_select || name->kind != CH_EX_NAME || name->u.name.nparts != 1) return NULL;
    if (!ch_config_bool(a->session, "spark.sql.groupByAliases")) return NULL;
    for (size_t i = 0; i < s->nagg; i++) {
        const ch_expr *item = s->aggs[i];
        if (item->kind != CH_EX_ALIAS || item->u.alias.n != 1) continue;
        if (ch_names_equal(a->case_sensitive, item->u.alias.names[0], name->u.name.parts[0]))
            return item->u.alias.child;
    }
    return NULL;
}

static bool is_column(void *ctx, const ch_expr *e)
{
    const ch_expr **found = ctx;
    if (e->kind == CH_EX_COLUMN) *found = e;
    return e->kind == CH_EX_COLUMN;
}

/* Windows are computed from what is grouped, so that their columns are not grouped by. */
static int window_in_group(ch_analysis *a, const ch_expr *e, ch_error *err)
{
    const ch_expr *column = NULL;
    if (!ch_expr_any(e, is_column, &column)) return ch_check_plain(a, e, err);
    return missing_aggregation(a, column, err);
}

static int resolve_group(ch_analysis *a, ch_scope *scope, const spec *s, ch_expr *group, ch_named *out, ch_error *err)
{
    CH_TRY(group_ordinal(a, s, &group, err));
    if (ch_calls_aggregate(group)) {
        ch_scope any = *scope;
        ch_expr *e = NULL;
        any.allow_aggregate = true;
        CH_TRY(ch_resolve(&any, without_alias(group), &e, err));
        return ch_raise(err, "GROUP_BY_AGGREGATE", "sqlExpr", ch_auto_name(a->arena, e), (char *)NULL);
    }
    size_t n = 0;
    ch_named *named = NULL;
    int status = ch_resolve_list(scope, 1, &group, &n, &named, err);
    if (status) {
        ch_expr *alias = find_alias(a, s, group);
        if (!alias || strncmp(err->condition, "UNRESOLVED_COLUMN", 17) != 0) return status;
        CH_TRY(ch_resolve_list(scope, 1, &alias, &n, &named, err));
    }
    if (n == 1 && ch_contains_window(named[0].expr)) return window_in_group(a, named[0].expr, err);
    if (n != 1)
        return ch_raise(err, "INVALID_USAGE_OF_STAR_OR_REGEX", "elem", "'*'", "prettyName", "Aggregate", (char *)NULL);
    *out = named[0];
    return 0;
}

static void append_group(ch_analysis *a, spec *s, ch_expr *e)
{
    s->groups = ch_arena_grow(a->arena, s->groups, sizeof *s->groups, s->ngroup, s->ngroup + 1);
    s->groups[s->ngroup++] = e;
}

/* GROUP BY ALL: every item without an aggregate is a group, unless there is a column `all`. */
static bool expand_group_all(ch_analysis *a, const ch_rel *input, spec *s)
{
    if (!s->sql_select || s->kind != CH_GROUP_BY || s->ngroup != 1 || s->groups[0]->kind != CH_EX_NAME) return false;
    const ch_expr *name = s->groups[0];
    if (name->u.name.nparts != 1 || !ch_names_equal(false, name->u.name.parts[0], "all")) return false;
    if (ch_find_column(a, input, "all") >= 0) return false;
    s->ngroup = 0;
    s->groups = NULL;
    for (size_t i = 0; i < s->nagg; i++) {
        bool constant = without_alias(s->aggs[i])->kind == CH_EX_LITERAL; /* makes no groups, and is no ordinal here */
        if (constant || ch_calls_aggregate(s->aggs[i])) continue;
        bool star = s->aggs[i]->kind == CH_EX_STAR && !s->aggs[i]->u.star.nparts;
        for (size_t c = 0; star && c < input->ncol; c++) append_group(a, s, ch_column_of(a->arena, &input->cols[c]));
        if (!star) append_group(a, s, without_alias(s->aggs[i]));
    }
    return true;
}

/* Index of the key that equals e; a new key if there is none. */
static size_t key_index(builder *b, const ch_named *item, ch_named **keys)
{
    hash128 hash = hash_of(item->expr, b->rel->input);
    for (size_t i = 0; i < b->nhash; i++) {
        if (same_hash(&b->key_hashes[i], &hash)) return i;
    }
    size_t n = b->nhash++;
    b->key_hashes = ch_arena_grow(b->a->arena, b->key_hashes, sizeof hash, n, n + 1);
    b->key_hashes[n] = hash;
    *keys = ch_arena_grow(b->a->arena, *keys, sizeof **keys, n, n + 1);
    (*keys)[n] = *item;
    return n;
}

static int too_many_sets(ch_error *err)
{
    return ch_raise(err, "GROUPING_SIZE_LIMIT_EXCEEDED", "maxSize", "64", (char *)NULL);
}

static void add_set(ch_analysis *a, ch_rel *rel, size_t n, const size_t *members)
{
    size_t at = rel->u.aggregate.nset;
    if ((at & (at - 1)) == 0) {
        size_t cap = at ? 2 * at : 1;
        rel->u.aggregate.sets = ch_arena_grow(a->arena, rel->u.aggregate.sets, sizeof *rel->u.aggregate.sets, at, cap);
        rel->u.aggregate.set_size =
            ch_arena_grow(a->arena, rel->u.aggregate.set_size, sizeof *rel->u.aggregate.set_size, at, cap);
    }
    rel->u.aggregate.sets[at] = ch_arena_dup(a->arena, members, n * sizeof *members);
    rel->u.aggregate.set_size[at] = n;
    rel->u.aggregate.nset++;
}

/* ROLLUP: all prefixes, longest first. CUBE: all subsets. */
static int add_usual_sets(builder *b, ch_group_kind kind, size_t n, const size_t *members, ch_error *err)
{
    ch_analysis *a = b->a;
    if (kind == CH_GROUP_ROLLUP) {
        if (n > GROUPING_KEYS_MAX) return too_many_sets(err);
        for (size_t k = n + 1; k-- > 0;) add_set(a, b->rel, k, members);
        return 0;
    }
    if (n > 16 || ((size_t)1 << n) > GROUPING_SETS_MAX) return too_many_sets(err);
    size_t *set = CH_NEW_ARRAY(a->arena, size_t, n);
    for (size_t mask = (size_t)1 << n; mask-- > 0;) {
        size_t size = 0;
        for (size_t i = 0; i < n; i++) {
            if (mask >> (n - 1 - i) & 1) set[size++] = members[i];
        }
        add_set(a, b->rel, size, set);
    }
    return 0;
}

static int add_given_sets(builder *b, ch_scope *scope, const spec *s, ch_named **keys, ch_error *err)
{
    if (s->nset > GROUPING_SETS_MAX) return too_many_sets(err);
    for (size_t i = 0; i < s->nset; i++) {
        size_t *members = CH_NEW_ARRAY(b->a->arena, size_t, s->set_size[i]);
        for (size_t j = 0; j < s->set_size[i]; j++) {
            ch_named item;
            CH_TRY(resolve_group(b->a, scope, s, s->sets[i][j], &item, err));
            members[j] = key_index(b, &item, keys);
        }
        add_set(b->a, b->rel, s->set_size[i], members);
    }
    return 0;
}

/* Fills in the AGGREGATE's keys. A plain column that is grouped by stays the column it is, except under grouping sets,
 * where it is null in some rows. */
static int make_keys(builder *b, ch_scope *scope, const spec *s, size_t **order, ch_error *err)
{
    ch_analysis *a = b->a;
    ch_rel *rel = b->rel;
    ch_named *keys = NULL;
    *order = CH_NEW_ARRAY(a->arena, size_t, s->ngroup);
    for (size_t i = 0; i < s->ngroup; i++) {
        ch_named item;
        CH_TRY(resolve_group(a, scope, s, s->groups[i], &item, err));
        (*order)[i] = key_index(b, &item, &keys);
        keys[(*order)[i]].name = item.name; /* the last alias of equal keys */
    }
    if (s->kind == CH_GROUP_ROLLUP || s->kind == CH_GROUP_CUBE) {
        CH_TRY(add_usual_sets(b, s->kind, s->ngroup, *order, err));
    } else if (s->kind == CH_GROUP_SETS) {
        CH_TRY(add_given_sets(b, scope, s, &keys, err));
    }
    bool sets = rel->u.aggregate.nset > 0;
    if (sets && b->nhash > GROUPING_KEYS_MAX) return too_many_sets(err);
    rel->ncol = rel->u.aggregate.nkey = b->nhash;
    rel->cols = CH_NEW_ARRAY(a->arena, ch_attr, rel->ncol);
    rel->u.aggregate.keys = CH_NEW_ARRAY(a->arena, ch_expr *, rel->ncol);
    for (size_t i = 0; i < rel->ncol; i++) {
        ch_expr *e = keys[i].expr;
        ch_attr *attr = &rel->cols[i];
        *attr = ch_attr_for(a, keys[i].name, e, keys[i].metadata);
        attr->nqualifier = keys[i].nqualifier;
        attr->qualifier = keys[i].qualifier;
        if (e->kind == CH_EX_COLUMN && !sets) attr->id = e->u.column.id;
        if (sets) attr->nullable = true;
        rel->u.aggregate.keys[i] = e;
    }
    ch_rel_seal(rel);
    return 0;
}

/* --- the whole ------------------------------------------------------------------------------------------------------
 */

static int build(ch_analysis *a, ch_rel *input, spec *s, ch_rel **out, ch_error *err)
{
    bool all = expand_group_all(a, input, s);
    ch_rel *rel = ch_rel_new(a->arena, CH_REL_AGGREGATE, input, 0);
    rel->u.aggregate.grouping_id = -1;
    ch_scope scope = ch_scope_over(a, input);
    builder b = {.a = a, .rel = rel, .position = &scope.row_number_id, .err = err};
    size_t *order;
    CH_TRY(make_keys(&b, &scope, s, &order, err));
    scope.allow_aggregate = true;
    scope.allow_window = true;
    size_t count = 0;
    ch_named *items = NULL;
    if (s->nagg) CH_TRY(ch_resolve_lateral(a, &scope, s->nagg, s->aggs, &count, &items, err));
    size_t ngroup = s->sql_select ? 0 : s->ngroup;
    ch_named *list = CH_NEW_ARRAY(a->arena, ch_named, ngroup + count);
    for (size_t i = 0; i < ngroup; i++) {
        const ch_attr *attr = &rel->cols[order[i]];
        list[i] = (ch_named){.name = attr->name,
                             .metadata = attr->metadata,
                             .expr = ch_column_of(a->arena, attr),
                             .nqualifier = attr->nqualifier,
                             .qualifier = attr->qualifier};
    }
    for (size_t i = 0; i < count; i++) {
        ch_named *item = &list[ngroup + i];
        *item = items[i];
        item->expr = split_tree(&b, items[i].expr);
        if (b.status && all && !s->ngroup) return ch_raise(err, "UNRESOLVED_ALL_IN_GROUP_BY", (char *)NULL);
        if (b.status) return b.status;
    }
    if (scope.row_number_id) rel->input = ch_rel_number(a, input, scope.row_number_id);
    *out = ch_project_items(a, rel, ngroup + count, list);
    return 0;
}

int ch_aggregate_list(ch_analysis *a, ch_rel *input, size_t ngroup, ch_expr *const *groups, size_t nagg,
                      ch_expr *const *aggs, ch_rel **out, ch_error *err)
{
    spec s = {.kind = CH_GROUP_BY, .sql_select = true, .ngroup = ngroup, .nagg = nagg};
    s.groups = ch_arena_dup(a->arena, groups, ngroup * sizeof *groups);
    s.aggs = ch_arena_dup(a->arena, aggs, nagg * sizeof *aggs);
    return build(a, input, &s, out, err);
}

/* HAVING: a filter that sees the list's names, the groups and any aggregate. */
static int add_having(ch_analysis *a, ch_rel *rel, const ch_expr *having, ch_rel **out, ch_error *err)
{
    ch_plan *below = ch_plan_new(a->arena, CH_PLAN_REL, NULL);
    below->u.rel = rel;
    ch_plan *filter = ch_plan_new(a->arena, CH_PLAN_FILTER, below);
    filter->u.condition = ch_arena_dup(a->arena, having, sizeof *having);
    return ch_analyze_filter(a, filter, out, err);
}

int ch_analyze_aggregate(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    spec s = {.kind = plan->u.aggregate.kind,
              .sql_select = plan->u.aggregate.sql_select,
              .ngroup = plan->u.aggregate.ngroup,
              .nagg = plan->u.aggregate.nagg,
              .nset = plan->u.aggregate.nset,
              .set_size = plan->u.aggregate.set_size};
    CH_TRY(ch_parse_items(a, s.ngroup, plan->u.aggregate.groups, &s.groups, err));
    CH_TRY(ch_parse_items(a, s.nagg, plan->u.aggregate.aggs, &s.aggs, err));
    s.sets = CH_NEW_ARRAY(a->arena, ch_expr **, s.nset);
    for (size_t i = 0; i < s.nset; i++) {
        CH_TRY(ch_parse_items(a, s.set_size[i], plan->u.aggregate.sets[i], &s.sets[i], err));
    }
    ch_rel *rel;
    CH_TRY(build(a, input, &s, &rel, err));
    *out = rel;
    return plan->u.aggregate.having ? add_having(a, rel, plan->u.aggregate.having, out, err) : 0;
}

/* --- aggregates from above ------------------------------------------------------------------------------------------
 */

/* The AGGREGATE that rel shows, perhaps through HAVING; NULL if it shows none. */
static ch_rel *aggregation_of(ch_rel *rel)
{
    while (rel->kind == CH_REL_FILTER || (rel->kind == CH_REL_SORT && rel->u.sort.implicit)) rel = rel->input;
    return rel->kind == CH_REL_PROJECT && !rel->closed && rel->input->kind == CH_REL_AGGREGATE ? rel->input : NULL;
}

typedef struct lift_ctx {
    builder b;
    ch_rel *top;
    ch_scope scope;
} lift_ctx;

static ch_expr *lift(void *ctx, ch_expr *e)
{
    lift_ctx *l = ctx;
    builder *b = &l->b;
    if (b->status) return e;
    if (!is_aggregate(e) && !is_grouping(e)) return NULL;
    ch_expr *call = NULL;
    b->status = ch_resolve(&l->scope, e, &call, b->err);
    if (!b->status) call = split_tree(b, call);
    return b->status ? e : call;
}

typedef struct aggregate_names {
    ch_arena *arena;
    ch_buf text;
} aggregate_names;

/* Adds the texts of the aggregates in e, outermost ones only, comma separated. */
static void name_aggregates(void *ctx, ch_expr *e)
{
    aggregate_names *names = ctx;
    if (e->kind != CH_EX_CALL || e->u.call.fn->kind != CH_FN_AGGREGATE) {
        ch_expr_children(e, name_aggregates, names);
        return;
    }
    if (names->text.len) ch_buf_str(&names->text, ", ");
    ch_buf_str(&names->text, ch_auto_name(names->arena, e));
}

static int aggregate_in_where(ch_analysis *a, ch_expr *condition, ch_error *err)
{
    aggregate_names names = {.arena = a->arena};
    name_aggregates(&names, condition);
    int status =
        ch_raise(err, "INVALID_WHERE_CONDITION", "condition", ch_sql_quote(a->arena, ch_auto_name(a->arena, condition)),
                 "expressionList", ch_buf_text(&names.text), (char *)NULL);
    ch_buf_reset(&names.text);
    return status;
}

/* The builder of an aggregation that was built before. */
static void reopen(ch_analysis *a, ch_rel *rel, ch_rel *aggregate, lift_ctx *l, ch_error *err)
{
    *l = (lift_ctx){.top = rel, .scope = ch_scope_over(a, aggregate->input)};
    l->scope.allow_aggregate = true;
    if (aggregate->input->kind == CH_REL_ROW_NUMBER) l->scope.row_number_id = aggregate->input->u.row_number_id;
    size_t nagg = aggregate->u.aggregate.nagg, nkey = aggregate->u.aggregate.nkey, cap = 1;
    while (cap < nagg) cap *= 2;
    l->b = (builder){.a = a, .rel = aggregate, .position = &l->scope.row_number_id, .err = err};
    l->b.agg_hashes = CH_NEW_ARRAY(a->arena, hash128, cap);
    for (size_t i = 0; i < nagg; i++) {
        l->b.agg_hashes[i] = hash_of(aggregate->u.aggregate.aggs[i], aggregate->input);
    }
    l->b.nhash = nkey;
    l->b.key_hashes = CH_NEW_ARRAY(a->arena, hash128, nkey);
    for (size_t i = 0; i < nkey; i++) l->b.key_hashes[i] = hash_of(aggregate->u.aggregate.keys[i], aggregate->input);
}

/* Numbers the aggregation's input if a new aggregate needs it, and shows the new columns up to the top. */
static void close_again(lift_ctx *l)
{
    ch_rel *aggregate = l->b.rel;
    int had = aggregate->input->kind == CH_REL_ROW_NUMBER ? aggregate->input->u.row_number_id : 0;
    if (l->scope.row_number_id != had) {
        aggregate->input = ch_rel_number(l->b.a, aggregate->input, l->scope.row_number_id);
    }
    for (size_t i = 0; i < aggregate->ncol; i++) ch_expose(l->b.a->arena, l->top, &aggregate->cols[i]);
}

int ch_lift_aggregates(ch_analysis *a, ch_rel *rel, bool where, ch_expr **e, ch_error *err)
{
    if (!ch_calls_aggregate(*e)) return 0;
    ch_rel *aggregate = aggregation_of(rel);
    if (!aggregate) {
        ch_scope any = ch_scope_over(a, rel);
        any.allow_aggregate = true;
        ch_expr *resolved;
        CH_TRY(ch_resolve(&any, *e, &resolved, err));
        return where ? aggregate_in_where(a, resolved, err) : ch_check_plain(a, resolved, err);
    }
    lift_ctx l;
    reopen(a, rel, aggregate, &l, err);
    *e = ch_expr_rewrite(a->arena, *e, lift, &l);
    if (!l.b.status) close_again(&l);
    return l.b.status;
}

int ch_resolve_groups(ch_analysis *a, ch_rel *rel, const ch_expr *in, ch_expr **out, int status, ch_error *err)
{
    ch_rel *aggregate = aggregation_of(rel);
    if (!aggregate || strncmp(err->condition, "UNRESOLVED_COLUMN", 17) != 0) return status;
    ch_error ignored;
    lift_ctx l;
    reopen(a, rel, aggregate, &l, &ignored);
    ch_expr *e;
    if (ch_resolve(&l.scope, in, &e, &ignored)) return status;
    e = split_tree(&l.b, e);
    if (l.b.status) return status;
    close_again(&l);
    *out = e;
    return 0;
}
