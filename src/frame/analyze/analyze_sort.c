/* analyze_sort.c: filters and sorts, which may reach for columns and aggregates that their input does not show, and
 * what picks rows: distinct ones, samples. */
#include "frame/analyze/analyze_internal.h"

#include "base/random.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* --- filters -------------------------------------------------------------------------------------------------------
 */

static const char *quoted_expr(ch_arena *arena, const ch_expr *e)
{
    return ch_sql_quote(arena, ch_auto_name(arena, e));
}

static const char *quoted_type(ch_arena *arena, const ch_type *type)
{
    ch_buf text = {0};
    ch_type_sql(&text, type);
    const char *copy = ch_sql_quote(arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return copy;
}

static int check_boolean(ch_arena *arena, ch_expr **e, ch_error *err)
{
    const ch_type *type = (*e)->type;
    if (type->kind == CH_NULL) *e = ch_coerce(arena, *e, &ch_type_boolean);
    if (type->kind == CH_BOOLEAN || type->kind == CH_NULL) return 0;
    const char *text = quoted_expr(arena, *e);
    return ch_raise(err, "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", "sqlExpr", text, "filter", text, "type",
                    quoted_type(arena, type), (char *)NULL);
}

typedef struct plain_ctx {
    ch_arena *arena;
    ch_buf *found;
} plain_ctx;

static void note_unsupported(void *ctx, ch_expr *e)
{
    plain_ctx *p = ctx;
    bool window = e->kind == CH_EX_WINDOW;
    bool aggregate = e->kind == CH_EX_CALL && e->u.call.fn && e->u.call.fn->kind == CH_FN_AGGREGATE;
    if (window || aggregate) {
        ch_buf_printf(p->found, "%s%s", p->found->len ? ", " : "", quoted_expr(p->arena, e));
        return;
    }
    ch_expr_children(e, note_unsupported, ctx);
}

int ch_check_plain(ch_analysis *a, const ch_expr *e, ch_error *err)
{
    if (!ch_contains_window(e) && !ch_contains_aggregate(e)) return 0;
    ch_buf found = {0};
    plain_ctx p = {.arena = a->arena, .found = &found};
    note_unsupported(&p, (ch_expr *)(uintptr_t)e); /* which is only read */
    int status = ch_raise(err, "UNSUPPORTED_EXPR_FOR_OPERATOR", "invalidExprSqls", ch_buf_text(&found), (char *)NULL);
    ch_buf_reset(&found);
    return status;
}

static bool is_generator(void *ctx, const ch_expr *e)
{
    (void)ctx;
    return ch_is_generator(e);
}

int ch_check_no_generator(ch_scope *scope, const ch_expr *e, const char *operator, ch_error * err)
{
    if (!ch_expr_any(e, is_generator, NULL)) return 0;
    ch_scope any = *scope;
    ch_expr *resolved;
    any.allow_generator = any.allow_aggregate = any.allow_window = true;
    CH_TRY(ch_resolve(&any, e, &resolved, err));
    const char *plan = ch_arena_printf(scope->arena, "'%s %s", operator, ch_auto_name(scope->arena, resolved));
    return ch_raise(err, "UNSUPPORTED_GENERATOR.OUTSIDE_SELECT", "plan", plan, (char *)NULL);
}

/* Brings up the columns that were reached for, and the row's position if it was asked for. */
static int complete_input(ch_analysis *a, const ch_scope *scope, ch_rel **input, ch_error *err)
{
    for (size_t i = 0; i < scope->missing->n; i++) {
        if (ch_expose(a->arena, *input, scope->missing->attrs[i])) continue;
        return ch_bug(err, "column %s cannot be brought up", scope->missing->attrs[i]->name);
    }
    if (scope->row_number_id) *input = ch_rel_number(a, *input, scope->row_number_id);
    return 0;
}

/* A relation over the completed input that shows what the input showed before. */
static ch_rel *over(ch_analysis *a, ch_rel_kind kind, ch_rel *input, const ch_rel *shown)
{
    ch_rel *rel = ch_rel_same(a->arena, kind, input);
    rel->ncol = shown->ncol;
    rel->cols = shown->cols;
    rel->nhidden = shown->nhidden;
    rel->hidden = shown->hidden;
    return rel;
}

int ch_analyze_filter(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    ch_expr *condition;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    CH_TRY(ch_parse_item(a, plan->u.condition, &condition, err));
    ch_scope scope = ch_scope_over(a, input);
    CH_TRY(ch_check_no_generator(&scope, condition, "Filter", err));
    ch_rel shown = *input;
    CH_TRY(ch_lift_aggregates(a, input, true, &condition, err));
    ch_missing missing = {0};
    scope.missing = &missing;
    const ch_expr *unresolved = condition;
    int status = ch_resolve(&scope, condition, &condition, err);
    if (status) CH_TRY(ch_resolve_groups(a, input, unresolved, &condition, status, err));
    CH_TRY(check_boolean(a->arena, &condition, err));
    if (ch_contains_window(condition)) {
        return ch_raise(err, "_LEGACY_ERROR_TEMP_1034", "clauseName", "WHERE", (char *)NULL);
    }
    CH_TRY(complete_input(a, &scope, &input, err));
    ch_rel *rel = over(a, CH_REL_FILTER, input, &shown);
    rel->u.condition = condition;
    *out = rel;
    return 0;
}

/* --- sorts ---------------------------------------------------------------------------------------------------------
 */

/* ORDER BY 2: the second column. */
static int resolve_ordinal(ch_analysis *a, const ch_rel *input, ch_expr **e, ch_error *err)
{
    const ch_expr *in = *e;
    if (in->kind != CH_EX_LITERAL || in->u.literal.is_null || in->u.literal.type->kind != CH_INT) return 0;
    if (!ch_config_bool(a->session, "spark.sql.orderByOrdinal")) return 0;
    int64_t at = in->u.literal.v.integer;
    if (at < 1 || (uint64_t)at > input->ncol) {
        return ch_raise(err, "ORDER_BY_POS_OUT_OF_RANGE", "index", ch_arena_printf(a->arena, "%" PRId64, at), "size",
                        ch_arena_printf(a->arena, "%zu", input->ncol), (char *)NULL);
    }
    *e = ch_column_of(a->arena, &input->cols[at - 1]);
    return 0;
}

static bool has_map(const ch_type *type)
{
    if (type->kind == CH_MAP) return true;
    for (size_t i = 0; i < type->nfield; i++) {
        if (has_map(type->fields[i].type)) return true;
    }
    return false;
}

static int check_orderable(ch_analysis *a, const ch_order *order, ch_error *err)
{
    const ch_type *type = order->expr->type;
    if (!has_map(type) && type->kind != CH_INTERVAL_CALENDAR) return 0;
    const char *text = ch_arena_printf(a->arena, "\"%s %s NULLS %s\"", ch_auto_name(a->arena, order->expr),
                                       order->descending ? "DESC" : "ASC", order->nulls_last ? "LAST" : "FIRST");
    return ch_raise(err, "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE", "sqlExpr", text, "functionName", "`sortorder`",
                    "dataType", quoted_type(a->arena, type), (char *)NULL);
}

/* Rows with equal keys stay in the order they had, as Spark's sort of one partition leaves them: the row's position is
 * the last key. Where the order means nothing that would be wasted work. */
static ch_rel *number_ties(ch_analysis *a, ch_rel *input, int *id)
{
    if (!input->ordered) return input;
    if (!*id) {
        *id = (*a->next_id)++;
        return ch_rel_number(a, input, *id);
    }
    return input;
}

static ch_rel *make_sort(ch_analysis *a, ch_rel *input, const ch_rel *shown, size_t n, ch_order *orders, int position)
{
    if (position) {
        orders = ch_arena_grow(a->arena, orders, sizeof *orders, n, n + 1);
        const ch_attr attr = {.id = position, .name = CH_NO_NAME, .type = &ch_type_long};
        orders[n++] = (ch_order){.expr = ch_column_of(a->arena, &attr)};
    }
    ch_rel *rel = over(a, CH_REL_SORT, input, shown);
    rel->ordered = true;
    rel->u.sort.n = n;
    rel->u.sort.orders = orders;
    return rel;
}

/* ORDER BY ALL: by every column in turn, unless there is a column `all`. */
static bool is_order_by_all(ch_analysis *a, const ch_rel *input, size_t n, const ch_order *orders)
{
    if (n != 1 || orders[0].expr->kind != CH_EX_NAME || orders[0].expr->u.name.nparts != 1) return false;
    return ch_names_equal(false, orders[0].expr->u.name.parts[0], "all") && ch_find_column(a, input, "all") < 0;
}

int ch_analyze_sort(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    ch_rel shown = *input;
    bool all = is_order_by_all(a, input, plan->u.sort.n, plan->u.sort.orders);
    size_t n = all ? input->ncol : plan->u.sort.n;
    ch_order *orders = CH_NEW_ARRAY(a->arena, ch_order, n);
    ch_missing missing = {0};
    ch_scope scope = ch_scope_over(a, input);
    for (size_t i = 0; i < n; i++) {
        orders[i] = plan->u.sort.orders[all ? 0 : i];
        if (all) orders[i].expr = ch_column_of(a->arena, &input->cols[i]);
        CH_TRY(ch_parse_item(a, orders[i].expr, &orders[i].expr, err));
        CH_TRY(resolve_ordinal(a, input, &orders[i].expr, err));
        CH_TRY(ch_check_no_generator(&scope, orders[i].expr, "Sort", err));
        CH_TRY(ch_lift_aggregates(a, input, false, &orders[i].expr, err));
    }
    scope.missing = &missing;
    scope.allow_window = true;
    for (size_t i = 0; i < n; i++) {
        const ch_expr *e = orders[i].expr;
        int status = ch_resolve(&scope, e, &orders[i].expr, err);
        if (status) CH_TRY(ch_resolve_groups(a, input, e, &orders[i].expr, status, err));
        CH_TRY(ch_check_plain(a, orders[i].expr, err));
        CH_TRY(check_orderable(a, &orders[i], err));
    }
    CH_TRY(complete_input(a, &scope, &input, err));
    int position = scope.row_number_id;
    input = number_ties(a, input, &position);
    *out = n ? make_sort(a, input, &shown, n, orders, shown.ordered ? position : 0) : input;
    return 0;
}

/* --- distinct rows -------------------------------------------------------------------------------------------------
 */

static int check_no_maps(ch_analysis *a, const ch_rel *input, ch_error *err)
{
    for (size_t i = 0; i < input->ncol; i++) {
        if (!has_map(input->cols[i].type)) continue;
        return ch_raise(err, "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE", "colName",
                        ch_sql_id(a->arena, 1, &input->cols[i].name), "dataType",
                        quoted_type(a->arena, input->cols[i].type), (char *)NULL);
    }
    return 0;
}

int ch_analyze_deduplicate(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    size_t n = 0;
    int *keys = CH_NEW_ARRAY(a->arena, int, input->ncol);
    for (size_t i = 0; i < plan->u.names.n; i++) {
        const char *name = plan->u.names.names[i];
        uint32_t hash = ch_name_hash(name);
        bool found = false;
        for (size_t j = 0; j < input->ncol; j++) {
            const ch_attr *attr = &input->cols[j];
            if (attr->name_hash != hash || !ch_names_equal(a->case_sensitive, attr->name, name)) continue;
            found = true;
            bool known = false;
            for (size_t k = 0; k < n; k++) known |= keys[k] == attr->id;
            if (!known) keys[n++] = attr->id;
        }
        if (!found) {
            return ch_raise(err, "INTERNAL_ERROR", "message",
                            ch_arena_printf(a->arena, "Invalid deduplicate column %s", name), (char *)NULL);
        }
    }
    if (!plan->u.names.n) CH_TRY(check_no_maps(a, input, err));
    ch_rel *rel = ch_rel_same(a->arena, CH_REL_DISTINCT, input);
    rel->u.distinct.nkey = n;
    rel->u.distinct.keys = keys;
    rel->ordered = input->ordered && n > 0; /* first rows come in the order of the rows */
    *out = rel;
    return 0;
}

/* --- samples -------------------------------------------------------------------------------------------------------
 */

/* Draws of Spark's generators by the row's position: udf_random.c. */
static const ch_function RAND = {
    .name = "ch_rand", .kind = CH_FN_SCALAR, .min_args = 2, .max_args = 2, .sql = "ch_rand($1, $2)"};
static const ch_function POISSON = {
    .name = "ch_poisson", .kind = CH_FN_SCALAR, .min_args = 3, .max_args = 3, .sql = "ch_poisson($1, $2, $3)"};
static const ch_function REPEAT = {
    .name = "array_repeat", .kind = CH_FN_SCALAR, .min_args = 1, .max_args = 1, .sql = "range(CAST($1 AS BIGINT))"};
static const ch_function AT_LEAST = {
    .name = ">=", .kind = CH_FN_SCALAR, .min_args = 2, .max_args = 2, .sql = "($1 >= $2)"};
static const ch_function BELOW = {.name = "<", .kind = CH_FN_SCALAR, .min_args = 2, .max_args = 2, .sql = "($1 < $2)"};
static const ch_function BOTH = {
    .name = "and", .kind = CH_FN_SCALAR, .min_args = 2, .max_args = 2, .sql = "($1 AND $2)"};

static ch_expr *call(ch_arena *arena, const ch_function *fn, const ch_type *type, size_t n, ch_expr *const *args)
{
    ch_expr *e = ch_expr_new(arena, CH_EX_CALL);
    e->type = type;
    e->u.call.name = fn->name;
    e->u.call.fn = fn;
    e->u.call.n = n;
    e->u.call.args = ch_arena_dup(arena, args, n * sizeof *args);
    return e;
}

static ch_expr *typed(ch_expr *literal)
{
    literal->type = literal->u.literal.type;
    return literal;
}

/* Sorts by every column that can be sorted by, in order, so that a sample does not depend on how rows happened to come:
 * Dataset.randomSplit. */
static ch_rel *sort_all(ch_analysis *a, ch_rel *input)
{
    ch_order *orders = CH_NEW_ARRAY(a->arena, ch_order, input->ncol);
    size_t n = 0;
    for (size_t i = 0; i < input->ncol; i++) {
        if (!has_map(input->cols[i].type)) orders[n++].expr = ch_column_of(a->arena, &input->cols[i]);
    }
    if (!n) return input;
    int position = 0;
    ch_rel shown = *input;
    if (n < input->ncol) input = number_ties(a, input, &position); /* otherwise ties are equal rows */
    return make_sort(a, input, &shown, n, orders, position);
}

static int check_sample(const ch_plan *plan, ch_error *err)
{
    double fraction = plan->u.sample.upper - plan->u.sample.lower;
    char text[32];
    ch_java_double(fraction, text);
    if (plan->u.sample.with_replacement && !(fraction >= -1e-6)) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "requirement failed: Sampling fraction (%s) must be nonnegative with replacement", text);
    }
    if (!plan->u.sample.with_replacement && !(fraction >= -1e-6 && fraction <= 1 + 1e-6)) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "requirement failed: Sampling fraction (%s) must be on interval [0, 1] without replacement",
                        text);
    }
    return 0;
}

/* Each row as often as a Poisson draw says. */
static ch_rel *sample_repeated(ch_analysis *a, ch_rel *numbered, const ch_rel *shown, ch_expr *position, double mean,
                               int64_t seed)
{
    /* the generator is reseeded with the first long of the seed's own generator */
    ch_random seeds = ch_java_random(seed);
    ch_expr *args[] = {position, typed(ch_expr_double(a->arena, mean)),
                       typed(ch_expr_long(a->arena, ch_random_long(&seeds)))};
    ch_expr *count = call(a->arena, &POISSON, &ch_type_long, 3, args);
    ch_rel *rel = ch_rel_new(a->arena, CH_REL_GENERATE, numbered, numbered->ncol + 1);
    memcpy(rel->cols, numbered->cols, numbered->ncol * sizeof *rel->cols);
    rel->cols[numbered->ncol] = (ch_attr){.id = (*a->next_id)++, .name = CH_NO_NAME, .type = &ch_type_long};
    rel->nhidden = shown->nhidden;
    rel->hidden = shown->hidden;
    rel->ordered = shown->ordered;
    rel->u.generate.array = call(a->arena, &REPEAT, ch_type_array(a->arena, &ch_type_long, false), 1, &count);
    rel->u.generate.nout = 1;
    ch_rel_seal(rel);
    ch_named *list = CH_NEW_ARRAY(a->arena, ch_named, shown->ncol);
    for (size_t i = 0; i < shown->ncol; i++) list[i] = ch_pass_through(a, shown, i);
    return ch_rel_project(a, rel, shown->ncol, list);
}

int ch_analyze_sample(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    CH_TRY(check_sample(plan, err));
    ch_rel *input;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    if (plan->u.sample.deterministic_order) input = sort_all(a, input);
    double lower = plan->u.sample.lower, upper = plan->u.sample.upper;
    int64_t seed = plan->u.sample.has_seed ? plan->u.sample.seed : 0;
    ch_rel shown = *input;
    if (!(upper - lower > 0)) {
        /* nothing is drawn and nothing kept */
        ch_rel *none = ch_rel_same(a->arena, CH_REL_LIMIT, input);
        *out = none;
        return 0;
    }
    int id = (*a->next_id)++;
    ch_rel *numbered = ch_rel_number(a, input, id);
    ch_expr *position = ch_column_of(a->arena, &numbered->cols[input->ncol]);
    if (plan->u.sample.with_replacement) {
        *out = sample_repeated(a, numbered, &shown, position, upper - lower, seed);
        return 0;
    }
    ch_expr *draw =
        call(a->arena, &RAND, &ch_type_double, 2, (ch_expr *[]){position, typed(ch_expr_long(a->arena, seed))});
    ch_expr *from =
        call(a->arena, &AT_LEAST, &ch_type_boolean, 2, (ch_expr *[]){draw, typed(ch_expr_double(a->arena, lower))});
    ch_expr *to =
        call(a->arena, &BELOW, &ch_type_boolean, 2, (ch_expr *[]){draw, typed(ch_expr_double(a->arena, upper))});
    ch_rel *rel = over(a, CH_REL_FILTER, numbered, &shown);
    rel->u.condition = call(a->arena, &BOTH, &ch_type_boolean, 2, (ch_expr *[]){from, to});
    *out = rel;
    return 0;
}
