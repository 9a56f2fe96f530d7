/* analyze.c: from what the user wrote to relations of resolved columns: the entry, and the simple kinds of plans. */
#include "frame/analyze/analyze_internal.h"
#include "frame/analyze/expand.h"
#include "frame/analyze/resolve.h"
#include "frame/io/io.h"
#include "frame/plan/parse.h"
#include "frame/session/session_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- entry ---------------------------------------------------------------------------------------------------------
 */

/* The highest column id in a tree. */
static int last_id(const ch_rel *rel)
{
    int last = 0;
    for (; rel; rel = rel->input) {
        for (size_t i = 0; i < rel->ncol; i++) last = rel->cols[i].id > last ? rel->cols[i].id : last;
        for (size_t i = 0; i < rel->nhidden; i++) last = rel->hidden[i].id > last ? rel->hidden[i].id : last;
        int right = rel->right ? last_id(rel->right) : 0;
        last = right > last ? right : last;
    }
    return last;
}

/* Relations analysed elsewhere bring their column ids with them: new ones start above. `budget` bounds the walk: plans
 * may share parts, and one with more relations is refused anyway. */
static void skip_ids(const ch_plan *plan, int *next_id, int depth, size_t *budget)
{
    for (; plan && depth < CH_PLAN_DEPTH_MAX && *budget; plan = plan->input, depth++) {
        --*budget;
        if (plan->kind == CH_PLAN_REL) {
            int last = last_id(plan->u.rel);
            if (*next_id <= last) *next_id = last + 1;
            return;
        }
        if (plan->right) skip_ids(plan->right, next_id, depth + 1, budget);
    }
}

int ch_analyze(ch_session *session, ch_arena *arena, const ch_plan *plan, int *next_id, ch_rel **out, ch_error *err)
{
    size_t budget = CH_PLAN_NODES_MAX;
    skip_ids(plan, next_id, 0, &budget);
    ch_analysis a = {.session = session, .arena = arena, .next_id = next_id};
    a.case_sensitive = ch_config_bool(session, "spark.sql.caseSensitive");
    return ch_analyze_plan(&a, plan, out, err);
}

int ch_analyze_subquery(ch_scope *outer, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_analysis *a = outer->analysis;
    if (!a) return ch_bug(err, "a subquery outside of an analysis");
    ch_scope *before = a->outer;
    a->outer = outer;
    int status = ch_analyze_plan(a, plan, out, err);
    a->outer = before;
    return status;
}

ch_scope ch_scope_over(ch_analysis *a, const ch_rel *input)
{
    return (ch_scope){.session = a->session,
                      .arena = a->arena,
                      .next_id = a->next_id,
                      .input = {input},
                      .ninput = input != NULL,
                      .outer = a->outer,
                      .depth = a->depth,
                      .analysis = a};
}

typedef struct parse_ctx {
    ch_arena *arena;
    int status;
    ch_error *err;
} parse_ctx;

static ch_expr *parse_text(void *ctx, ch_expr *e)
{
    parse_ctx *p = ctx;
    if (e->kind != CH_EX_STRING || p->status) return NULL;
    ch_expr *parsed = NULL;
    p->status = ch_parse_expression(p->arena, e->u.text, &parsed, p->err);
    return p->status ? e : parsed;
}

int ch_parse_item(ch_analysis *a, ch_expr *in, ch_expr **out, ch_error *err)
{
    parse_ctx p = {.arena = a->arena, .err = err};
    *out = ch_expr_rewrite(a->arena, in, parse_text, &p);
    return p.status;
}

int ch_parse_items(ch_analysis *a, size_t n, ch_expr *const *in, ch_expr ***out, ch_error *err)
{
    *out = CH_NEW_ARRAY(a->arena, ch_expr *, n);
    for (size_t i = 0; i < n; i++) CH_TRY(ch_parse_item(a, in[i], &(*out)[i], err));
    return 0;
}

/* --- sources -------------------------------------------------------------------------------------------------------
 */

static int analyze_range(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    if (plan->u.range.step == 0) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: step (0) cannot be 0");
    }
    ch_rel *rel = ch_rel_new(a->arena, CH_REL_SOURCE, NULL, 1);
    rel->cols[0] = (ch_attr){.id = (*a->next_id)++, .name = "id", .type = &ch_type_long};
    rel->ordered = true;
    rel->u.source.from =
        ch_arena_printf(a->arena, "range(%" PRId64 "::BIGINT, %" PRId64 "::BIGINT, %" PRId64 "::BIGINT)",
                        plan->u.range.start, plan->u.range.end, plan->u.range.step);
    rel->u.source.exprs = CH_NEW_ARRAY(a->arena, const char *, 1);
    rel->u.source.exprs[0] = "range";
    rel->u.source.shown = ch_arena_printf(a->arena, "Range (%" PRId64 ", %" PRId64 ", step=%" PRId64 ")",
                                          plan->u.range.start, plan->u.range.end, plan->u.range.step);
    ch_hash_text(rel->fingerprint, rel->u.source.from);
    *out = rel;
    return 0;
}

/* The same columns under another table name. Columns that the relation does not show are out of reach above it. */
static ch_rel *add_alias(ch_analysis *a, ch_rel *input, size_t nqualifier, const char **qualifier)
{
    ch_rel *rel = ch_rel_new(a->arena, CH_REL_PROJECT, input, input->ncol);
    rel->u.exprs = CH_NEW_ARRAY(a->arena, ch_expr *, input->ncol);
    rel->ordered = input->ordered;
    rel->closed = true;
    for (size_t i = 0; i < input->ncol; i++) {
        rel->cols[i] = input->cols[i];
        rel->cols[i].nqualifier = nqualifier;
        rel->cols[i].qualifier = qualifier;
        rel->u.exprs[i] = ch_column_of(a->arena, &input->cols[i]);
    }
    return rel;
}

static const ch_cte *find_cte(const ch_analysis *a, size_t nparts, const char *const *parts)
{
    if (nparts != 1) return NULL;
    for (const ch_cte *cte = a->ctes; cte; cte = cte->outer) {
        if (ch_names_equal(a->case_sensitive, cte->name, parts[0])) return cte;
    }
    return NULL;
}

/* A common table expression sees only those before it. */
static int analyze_cte(ch_analysis *a, const ch_cte *cte, ch_rel **out, ch_error *err)
{
    const ch_cte *before = a->ctes;
    a->ctes = cte->outer;
    int status = ch_analyze_plan(a, cte->plan, out, err);
    a->ctes = before;
    return status;
}

static int recursive_view(ch_analysis *a, const char *name, ch_error *err)
{
    const char *id = ch_sql_id(a->arena, 1, &name);
    const char *path = id;
    for (const ch_view_frame *frame = a->views; frame; frame = frame->outer) {
        path = ch_arena_printf(a->arena, "%s -> %s", ch_sql_id(a->arena, 1, &frame->name), path);
        if (ch_names_equal(false, frame->name, name)) break;
    }
    return ch_raise(err, "RECURSIVE_VIEW", "viewIdent", id, "newPath", path, (char *)NULL);
}

/* A view's plan means what it meant where it was made: nothing of the query around it is in sight. */
static int analyze_view(ch_analysis *a, const ch_plan *plan, const char *name, ch_rel **out, ch_error *err)
{
    for (const ch_view_frame *frame = a->views; frame; frame = frame->outer) {
        if (frame->plan == plan) return recursive_view(a, name, err);
    }
    ch_view_frame frame = {.plan = plan, .name = name, .outer = a->views};
    const ch_cte *ctes = a->ctes;
    ch_scope *outer = a->outer;
    a->views = &frame;
    a->ctes = NULL;
    a->outer = NULL;
    int status = ch_analyze_plan(a, plan, out, err);
    a->views = frame.outer;
    a->ctes = ctes;
    a->outer = outer;
    return status;
}

static bool is_file_format(const char *name)
{
    static const char *const FORMATS[] = {"csv", "json", "parquet", "text", "orc", "avro"};
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
        if (ch_names_equal(false, FORMATS[i], name)) return true;
    }
    return false;
}

/* SELECT ... FROM parquet.`/folder` */
static int analyze_direct_file(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_plan *read = ch_plan_new(a->arena, CH_PLAN_READ, NULL);
    read->u.read.format = plan->u.table.parts[0];
    read->u.read.npath = 1;
    read->u.read.paths = CH_NEW_ARRAY(a->arena, const char *, 1);
    read->u.read.paths[0] = plan->u.table.parts[1];
    read->u.read.noption = plan->u.table.noption;
    read->u.read.options = plan->u.table.options;
    return ch_analyze_plan(a, read, out, err);
}

static int analyze_table(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    size_t nparts = plan->u.table.nparts;
    const char **parts = plan->u.table.parts;
    if (!nparts) return ch_bug(err, "a table without a name");
    ch_rel *rel;
    const ch_cte *cte = find_cte(a, nparts, parts);
    const ch_plan *view = cte ? NULL : ch_view_find(a->session, nparts, parts, a->arena);
    if (cte) {
        CH_TRY(analyze_cte(a, cte, &rel, err));
    } else if (view) {
        CH_TRY(analyze_view(a, view, parts[nparts - 1], &rel, err));
    } else if (nparts == 2 && is_file_format(parts[0])) {
        return analyze_direct_file(a, plan, out, err);
    } else {
        return ch_raise(err, "TABLE_OR_VIEW_NOT_FOUND", "relationName", ch_sql_id(a->arena, nparts, parts),
                        (char *)NULL);
    }
    *out = add_alias(a, rel, nparts, parts);
    return 0;
}

static int analyze_sql(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_plan *query;
    CH_TRY(ch_parse_sql_plan(a->arena, plan, &query, err));
    return ch_analyze_plan(a, query, out, err);
}

static int analyze_with(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    if (plan->u.with.recursive) {
        return ch_raise(err, "UNSUPPORTED_FEATURE", "feature", "WITH RECURSIVE", (char *)NULL);
    }
    const ch_cte *before = a->ctes;
    for (size_t i = 0; i < plan->u.with.n; i++) {
        ch_cte *cte = CH_NEW(a->arena, ch_cte);
        *cte = (ch_cte){.name = plan->u.with.names[i], .plan = plan->u.with.plans[i], .outer = a->ctes};
        a->ctes = cte;
    }
    int status = ch_analyze_plan(a, plan->input, out, err);
    a->ctes = before;
    return status;
}

int ch_analyze_values(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    size_t ncol = plan->u.values.ncol, nrow = plan->u.values.nrow;
    ch_rel *rel = ch_rel_new(a->arena, CH_REL_VALUES, NULL, ncol);
    rel->ordered = true;
    rel->u.values.nrow = nrow;
    rel->u.values.rows = CH_NEW_ARRAY(a->arena, ch_expr **, nrow);
    ch_scope scope = ch_scope_over(a, NULL);
    for (size_t i = 0; i < nrow; i++) {
        rel->u.values.rows[i] = CH_NEW_ARRAY(a->arena, ch_expr *, ncol);
        for (size_t j = 0; j < ncol; j++) {
            CH_TRY(ch_resolve(&scope, plan->u.values.rows[i][j], &rel->u.values.rows[i][j], err));
        }
    }
    for (size_t j = 0; j < ncol; j++) {
        const ch_type *type = nrow ? rel->u.values.rows[0][j]->type : &ch_type_null;
        bool nullable = !nrow;
        for (size_t i = 0; i < nrow; i++) {
            const ch_expr *e = rel->u.values.rows[i][j];
            type = ch_scope_common_type(&scope, type, e->type);
            nullable |= e->nullable;
            if (type) continue;
            return ch_raise(err, "INVALID_INLINE_TABLE.INCOMPATIBLE_TYPES_IN_INLINE_TABLE", "colName",
                            ch_sql_id(a->arena, 1, (const char *const[]){ch_arena_printf(a->arena, "col%zu", j + 1)}),
                            (char *)NULL);
        }
        for (size_t i = 0; i < nrow; i++) {
            rel->u.values.rows[i][j] = ch_coerce(a->arena, rel->u.values.rows[i][j], type);
        }
        const char *name = plan->u.values.names ? plan->u.values.names[j] : ch_arena_printf(a->arena, "col%zu", j + 1);
        rel->cols[j] = (ch_attr){.id = (*a->next_id)++, .name = name, .type = type, .nullable = nullable};
    }
    *out = rel;
    return 0;
}

/* --- plans over one input ------------------------------------------------------------------------------------------
 */

static int analyze_alias(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    *out = add_alias(a, input, plan->u.alias.nparts, plan->u.alias.parts);
    return 0;
}

static int analyze_limit(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    int64_t count = plan->u.count;
    if (count < 0) {
        const char *name = plan->kind == CH_PLAN_OFFSET ? "offset" : plan->kind == CH_PLAN_TAIL ? "tail" : "limit";
        return ch_raise(err, "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", "name", name, "expr",
                        ch_arena_printf(a->arena, "\"%" PRId64 "\"", count), "v",
                        ch_arena_printf(a->arena, "%" PRId64, count), (char *)NULL);
    }
    ch_rel *rel = ch_rel_same(a->arena, CH_REL_LIMIT, input);
    rel->u.limit.limit = plan->kind == CH_PLAN_OFFSET ? -1 : count;
    rel->u.limit.offset = plan->kind == CH_PLAN_OFFSET ? count : 0;
    rel->u.limit.tail = plan->kind == CH_PLAN_TAIL;
    *out = rel;
    return 0;
}

/* On one machine rows stay where they are; hints are advice that nobody needs. */
static int analyze_same(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    return ch_analyze_plan(a, plan->input, out, err);
}

static int analyze_read(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_scope scope = ch_scope_over(a, NULL);
    return ch_source_read(&scope, plan, out, err);
}

static int analyze_local(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_scope scope = ch_scope_over(a, NULL);
    return ch_source_local(&scope, plan, out, err);
}

static int analyze_parse(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    ch_scope scope = ch_scope_over(a, input);
    return ch_source_parse(&scope, plan, input, out, err);
}

static int analyze_cached_remote(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    return ch_checkpoint_rel(a->session, a->arena, plan->u.remote_id, a->next_id, out, err);
}

static int analyze_rel(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *rel = plan->u.rel;
    for (const ch_placed *placed = a->placed; placed; placed = placed->next) {
        if (placed->rel != rel) continue;
        if (plan->input) return ch_analyze_plan(a, plan->input, out, err);
        return ch_bug(err, "an analysed relation stands twice in a plan");
    }
    ch_placed *placed = CH_NEW(a->arena, ch_placed);
    *placed = (ch_placed){.rel = rel, .next = a->placed};
    a->placed = placed;
    *out = rel;
    return 0;
}

/* df.show(): one row of one column with the text. The table is run here, since its text is what the relation is. */
static int analyze_show(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_buf text = {0};
    bool html = plan->kind == CH_PLAN_HTML_STRING;
    int status =
        html ? ch_html_string(a->session, plan, NULL, &text, err) : ch_show_string(a->session, plan, NULL, &text, err);
    if (!status) {
        ch_rel *rel = ch_rel_new(a->arena, CH_REL_VALUES, NULL, 1);
        ch_literal value = {.type = &ch_type_string,
                            .v.bytes = {ch_arena_strndup(a->arena, ch_buf_text(&text), text.len), text.len}};
        rel->cols[0] = (ch_attr){.id = (*a->next_id)++, .name = html ? "html_string" : "show_string"};
        rel->cols[0].type = &ch_type_string;
        rel->u.values.nrow = 1;
        rel->u.values.rows = CH_NEW_ARRAY(a->arena, ch_expr **, 1);
        rel->u.values.rows[0] = CH_NEW_ARRAY(a->arena, ch_expr *, 1);
        ch_expr *e = ch_expr_literal(a->arena, &value);
        e->type = &ch_type_string;
        rel->u.values.rows[0][0] = e;
        *out = rel;
    }
    ch_buf_reset(&text);
    return status;
}

/* Relations that Spark defines by others. */
static int analyze_derived(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    ch_plan *expansion;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    CH_TRY(ch_expand(a->session, a->arena, plan, input, a->next_id, &expansion, err));
    return ch_analyze_plan(a, expansion, out, err);
}

/* --- all of them ---------------------------------------------------------------------------------------------------
 */

typedef int (*analyze_fn)(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);

static const analyze_fn KINDS[] = {
    [CH_PLAN_READ] = analyze_read,
    [CH_PLAN_TABLE] = analyze_table,
    [CH_PLAN_SQL] = analyze_sql,
    [CH_PLAN_LOCAL] = analyze_local,
    [CH_PLAN_CACHED_LOCAL] = analyze_local,
    [CH_PLAN_CACHED_REMOTE] = analyze_cached_remote,
    [CH_PLAN_RANGE] = analyze_range,
    [CH_PLAN_VALUES] = ch_analyze_values,
    [CH_PLAN_PROJECT] = ch_analyze_project,
    [CH_PLAN_FILTER] = ch_analyze_filter,
    [CH_PLAN_WITH_COLUMNS] = ch_analyze_with_columns,
    [CH_PLAN_RENAME] = ch_analyze_rename,
    [CH_PLAN_DROP] = ch_analyze_drop,
    [CH_PLAN_TO_DF] = ch_analyze_to_df,
    [CH_PLAN_TO_SCHEMA] = ch_analyze_to_schema,
    [CH_PLAN_ALIAS] = analyze_alias,
    [CH_PLAN_AGGREGATE] = ch_analyze_aggregate,
    [CH_PLAN_JOIN] = ch_analyze_join,
    [CH_PLAN_SET_OP] = ch_analyze_set_op,
    [CH_PLAN_SORT] = ch_analyze_sort,
    [CH_PLAN_LIMIT] = analyze_limit,
    [CH_PLAN_OFFSET] = analyze_limit,
    [CH_PLAN_TAIL] = analyze_limit,
    [CH_PLAN_DEDUPLICATE] = ch_analyze_deduplicate,
    [CH_PLAN_SAMPLE] = ch_analyze_sample,
    [CH_PLAN_REPARTITION] = analyze_same,
    [CH_PLAN_HINT] = analyze_same,
    [CH_PLAN_TRANSFORM] = ch_analyze_transform,
    [CH_PLAN_SHOW_STRING] = analyze_show,
    [CH_PLAN_HTML_STRING] = analyze_show,
    [CH_PLAN_PARSE] = analyze_parse,
    [CH_PLAN_COLLECT_METRICS] = analyze_same,
    [CH_PLAN_WITH] = analyze_with,
    [CH_PLAN_REL] = analyze_rel,
};

static int check_limits(const ch_analysis *a, ch_error *err)
{
    if (a->depth >= CH_PLAN_DEPTH_MAX) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The plan nests more than %d relations", (int)CH_PLAN_DEPTH_MAX);
    }
    if (a->nodes > CH_PLAN_NODES_MAX || *a->next_id > CH_PLAN_IDS_MAX) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The plan has more relations or columns than can be analysed");
    }
    return 0;
}

int ch_analyze_plan(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    if (!plan) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The plan lacks an input relation");
    a->nodes++;
    CH_TRY(check_limits(a, err));
    size_t kind = plan->kind;
    analyze_fn fn = ch_is_derived(plan) ? analyze_derived : kind < sizeof KINDS / sizeof *KINDS ? KINDS[kind] : NULL;
    if (!fn) return ch_bug(err, "a plan of kind %zu", kind);
    a->depth++;
    int status = fn(a, plan, out, err);
    a->depth--;
    if (status) return status;
    if ((*out)->ncol > CH_PLAN_COLUMNS_MAX) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "A relation has more than %d columns", (int)CH_PLAN_COLUMNS_MAX);
    }
    ch_rel_seal(*out);
    if (plan->plan_id >= 0) ch_rel_add_plan_id(a->arena, *out, plan->plan_id);
    return 0;
}
