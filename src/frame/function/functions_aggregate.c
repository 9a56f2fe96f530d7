/* functions_aggregate.c: aggregate functions, over groups and over windows. */
#include "frame/analyze/resolve.h"

#include <math.h>
#include <string.h>

/* ---- sum, avg ---- */

static int need_number(ch_scope *scope, ch_expr *e, ch_error *err)
{
    ch_expr *a = e->u.call.args[0];
    if (ch_type_is_string(a->type) || a->type->kind == CH_NULL || a->type->kind == CH_TIMESTAMP)
        a = e->u.call.args[0] = ch_coerce(scope->arena, a, &ch_type_double);
    if (ch_type_is_numeric(a->type) || a->type->kind == CH_INTERVAL_DAY_TIME || a->type->kind == CH_INTERVAL_YEAR_MONTH)
        return CH_OK;
    return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", "first", "requiredType",
                       "\"NUMERIC\" or \"ANSI INTERVAL\"", "inputSql", ch_quote_expr(scope->arena, a), "inputType",
                       ch_quote_type(scope->arena, a->type), (char *)NULL);
}

static const ch_type *bounded_decimal(ch_scope *scope, int precision, int scale)
{
    return ch_type_decimal(scope->arena, precision < 38 ? precision : 38, scale < 38 ? scale : 38);
}

static int type_sum(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(need_number(scope, e, err));
    const ch_type *t = e->u.call.args[0]->type;
    e->nullable = true;
    if (t->kind == CH_DECIMAL)
        e->type = bounded_decimal(scope, t->precision + 10, t->scale);
    else if (ch_type_is_integral(t))
        e->type = &ch_type_long;
    else if (ch_type_is_numeric(t))
        e->type = &ch_type_double;
    else
        e->type = t;
    return CH_OK;
}

static bool is_try(const ch_expr *e)
{
    return strncmp(e->u.call.fn->name, "try_", 4) == 0;
}

enum { ENGINE_DECIMAL_SUM = 28 }; /* digits of which ten billion values still fit into the engine's own 38 */

/* The sum of decimals for sum and avg, of the sum's type. */
static int write_decimal_sum(ch_writer *w, const ch_expr *e, const char *alternative)
{
    const ch_type *t = e->u.call.args[0]->type;
    if (t->precision <= ENGINE_DECIMAL_SUM) return ch_write_template(w, e, "sum($D$1)$F");
    ch_buf_printf(w->sql, "ch_sum_decimal%d(", t->scale);
    CH_TRY(ch_write_template(w, e, "$DCAST($1 AS "));
    ch_buf_printf(w->sql, "DECIMAL(38,%d)), %s", t->scale, e->u.call.lenient || is_try(e) ? "''" : alternative);
    return ch_write_template(w, e, ")$F");
}

static int write_sum(ch_writer *w, const ch_expr *e)
{
    if (e->type->kind == CH_LONG && e->u.call.lenient && !is_try(e))
        return ch_write_template(w, e, "ch_wrap_long(sum($D$1)$F)");
    if (e->type->kind == CH_LONG) {
        return ch_write_template(w, e, is_try(e) ? "TRY_CAST(sum($D$1)$F AS BIGINT)" : "ch_sum_long(sum($D$1)$F)");
    }
    if (e->type->kind == CH_DECIMAL) {
        ch_buf_str(w->sql, "CAST(");
        CH_TRY(write_decimal_sum(w, e, "'try_sum'"));
        return ch_write_template(w, e, " AS $t)");
    }
    if (e->type->kind == CH_DOUBLE) return ch_write_template(w, e, "sum($DCAST($1 AS DOUBLE))$F");
    return ch_write_template(w, e, "sum($D$1)$F");
}

static int type_avg(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(need_number(scope, e, err));
    const ch_type *t = e->u.call.args[0]->type;
    e->nullable = true;
    if (t->kind == CH_DECIMAL)
        e->type = bounded_decimal(scope, t->precision + 4, t->scale + 4);
    else if (ch_type_is_numeric(t))
        e->type = &ch_type_double;
    else
        e->type = t;
    return CH_OK;
}

static int write_avg(ch_writer *w, const ch_expr *e)
{
    if (e->type->kind == CH_DOUBLE) return ch_write_template(w, e, "avg($DCAST($1 AS DOUBLE))$F");
    if (e->type->kind != CH_DECIMAL)
        return ch_raise(w->err, "UNSUPPORTED_FEATURE", "feature", "avg of intervals", (char *)NULL);
    ch_buf_printf(w->sql, "CAST(ch_try%s_div%d(", "dec", e->type->scale);
    CH_TRY(write_decimal_sum(w, e, "'try_avg'"));
    CH_TRY(ch_write_template(w, e, ", CAST(count($D$1)$F AS DECIMAL(20,0))"));
    ch_buf_printf(w->sql, ", %d) AS DECIMAL(%d,%d))", e->type->precision, e->type->precision, e->type->scale);
    return CH_OK;
}

static int write_corr(ch_writer *w, const ch_expr *e)
{
    return ch_write_template(w, e, e->u.call.lenient ? "ch_try_corr($1, $2)$F" : "ch_corr($1, $2)$F");
}

/* ---- count ---- */

static int type_count(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)scope;
    (void)err;
    e->type = &ch_type_long;
    e->nullable = false;
    return CH_OK;
}

static bool is_constant(const ch_expr *e)
{
    return e->kind == CH_EX_LITERAL && !e->u.literal.is_null;
}

/* Spark counts the rows whose arguments are all there. */
static int write_count(ch_writer *w, const ch_expr *e)
{
    size_t n = e->u.call.n;
    if (n == 1) {
        if (is_constant(e->u.call.args[0]) && !e->u.call.distinct) return ch_write_template(w, e, "count(*)$F");
        return ch_write_template(w, e, "count($D$1)$F");
    }
    ch_buf present = {0};
    for (size_t i = 0; i < n && i < 9; i++) ch_buf_printf(&present, "%s$%zu IS NOT NULL", i ? " AND " : "", i + 1);
    if (n > 9) { /* templates reach nine arguments: a list of tests does the rest */
        ch_buf_clear(&present);
        ch_buf_str(&present, "row($*) IS NOT NULL AND list_min([");
        ch_writer inner = {.sql = &present, .err = w->err, .variables = w->variables, .depth = w->depth};
        for (size_t i = 0; i < n; i++) {
            if (i) ch_buf_str(&present, ", ");
            int status = ch_write_node(&inner, e->u.call.args[i]);
            if (status) {
                ch_buf_reset(&present);
                return status;
            }
            ch_buf_str(&present, " IS NOT NULL");
        }
        ch_buf_str(&present, "])");
    }
    int status = ch_write_template(w, e, e->u.call.distinct ? "count(DISTINCT row($*))" : "count(*)");
    if (!status) status = ch_write_filter(w, e, ch_buf_text(&present));
    ch_buf_reset(&present);
    return status;
}

/* ---- first, last ---- */

static int type_first(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.ignore_nulls && e->u.call.n == 1) { /* first_value(x) IGNORE NULLS goes by the name of first */
        if (strcmp(e->u.call.fn->name, "first_value") == 0) e->u.call.name = "first";
        if (strcmp(e->u.call.fn->name, "last_value") == 0) e->u.call.name = "last";
    }
    if (e->u.call.n == 2) {
        ch_literal v;
        if (!ch_fold(scope->arena, e->u.call.args[1], &v) || v.type->kind != CH_BOOLEAN || v.is_null) {
            return ch_failf(err, CH_E_ANALYSIS, "The second argument in %s should be a boolean literal.",
                            e->u.call.fn->name);
        }
        e->u.call.ignore_nulls = v.v.boolean;
        e->u.call.n = 1;
    }
    e->type = e->u.call.args[0]->type;
    e->nullable = true;
    return CH_OK;
}

static int write_first(ch_writer *w, const ch_expr *e)
{
    bool last = strncmp(e->u.call.fn->name, "last", 4) == 0, ignore = e->u.call.ignore_nulls;
    if (w->over) {
        ch_buf_str(w->sql, last ? "last_value(" : "first_value(");
        CH_TRY(ch_write_template(w, e, ignore ? "$1 IGNORE NULLS)" : "$1)"));
        return ch_write_filter(w, e, NULL);
    }
    ch_buf_str(w->sql, last ? "last(" : "first(");
    return ch_write_template(w, e, ignore ? "$1)$N" : "$1)$F");
}

/* ---- min, max ---- */

static int type_extreme(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_expr *key = e->u.call.args[e->u.call.n - 1];
    if (!ch_type_orderable(key->type)) {
        return ch_mismatch(scope, err, "INVALID_ORDERING_TYPE", e, "functionName",
                           ch_backquoted(scope->arena, e->u.call.fn->name), "dataType",
                           ch_quote_type(scope->arena, key->type), (char *)NULL);
    }
    return CH_OK;
}

static int write_extreme(ch_writer *w, const ch_expr *e)
{
    bool max = strcmp(e->u.call.fn->name, "max") == 0;
    if (!ch_has_sort_key(e->type)) return ch_write_template(w, e, max ? "max($1)$F" : "min($1)$F");
    return ch_write_template(w, e, max ? "arg_max($1, $K1)$F" : "arg_min($1, $K1)$F");
}

/* ---- collections ---- */

static int type_collect(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_type *t = e->u.call.args[0]->type;
    if (strcmp(e->u.call.fn->name, "collect_set") == 0 && !ch_type_orderable(t)) {
        return ch_mismatch(scope, err, "UNSUPPORTED_INPUT_TYPE", e, "functionName", "`collect_set`", "dataType",
                           "\"MAP\"", (char *)NULL);
    }
    e->type = ch_type_array(scope->arena, t, false);
    e->nullable = false;
    return CH_OK;
}

static int type_pivot_list(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    e->type = ch_type_array(scope->arena, e->u.call.args[0]->type, true);
    e->nullable = true;
    return CH_OK;
}

static int write_collect(ch_writer *w, const ch_expr *e)
{
    bool set = strcmp(e->u.call.fn->name, "collect_set") == 0 || e->u.call.distinct;
    return ch_write_template(
        w, e, set ? "coalesce(list(DISTINCT $1)$N, CAST([] AS $t))" : "coalesce(list($1)$N, CAST([] AS $t))");
}

/* listagg(x, delimiter) */
static int type_listagg(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.n == 1) {
        ch_expr **args = CH_NEW_ARRAY(scope->arena, ch_expr *, 2);
        args[0] = e->u.call.args[0];
        args[1] = ch_expr_null(scope->arena, &ch_type_null);
        e->u.call.args = args;
        e->u.call.n = 2;
    }
    if (!ch_foldable(e->u.call.args[1])) {
        return ch_mismatch(scope, err, "NON_FOLDABLE_INPUT", e, "inputName", "`delimiter`", "inputType", "\"STRING\"",
                           "inputExpr", ch_quote_expr(scope->arena, e->u.call.args[1]), (char *)NULL);
    }
    e->type = e->u.call.args[0]->type;
    e->nullable = true;
    return CH_OK;
}

static int write_listagg(ch_writer *w, const ch_expr *e)
{
    bool plain = e->u.call.args[1]->kind == CH_EX_LITERAL && e->u.call.args[1]->u.literal.is_null;
    return ch_write_template(w, e, plain ? "string_agg($D$1, '')$F" : "string_agg($D$1, $2)$F");
}

/* ---- percentiles ---- */

static const char *percentage_text(ch_scope *scope, double value)
{
    ch_buf text = {0};
    ch_buf_java_double(&text, value);
    const char *out = ch_arena_printf(scope->arena, "%sD", ch_buf_text(&text));
    ch_buf_reset(&text);
    return out;
}

/* A constant for a parameter of a percentile. */
static int check_constant(ch_scope *scope, ch_expr *e, size_t at, const char *name, const char *type, ch_error *err)
{
    const ch_expr *p = e->u.call.args[at];
    ch_literal v;
    if (!ch_foldable(p)) {
        return ch_mismatch(scope, err, "NON_FOLDABLE_INPUT", e, "inputName", ch_backquoted(scope->arena, name),
                           "inputType", type, "inputExpr", ch_quote_expr(scope->arena, p), (char *)NULL);
    }
    if (p->type->kind == CH_NULL || (ch_fold(scope->arena, p, &v) && v.is_null))
        return ch_mismatch(scope, err, "UNEXPECTED_NULL", e, "exprName", name, (char *)NULL);
    return CH_OK;
}

/* The number, or numbers, between 0 and 1, as far as they are known by now. Arrays come as calls of array() or as
 * literals, maybe in a cast. */
static int check_percentage(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(check_constant(scope, e, 1, "percentage", "\"DOUBLE\"", err));
    ch_expr *p = e->u.call.args[1], **items = &p;
    size_t n = 1;
    if (p->type->kind == CH_ARRAY) {
        if (p->kind == CH_EX_CAST) p = p->u.cast.child;
        if (p->kind != CH_EX_CALL || strcmp(p->u.call.name, "array") != 0) return CH_OK;
        items = p->u.call.args;
        n = p->u.call.n;
    }
    bool bad = false;
    const char *text = "";
    for (size_t i = 0; i < n; i++) {
        ch_literal v;
        ch_expr *item = items[i];
        while (item->kind == CH_EX_CAST) item = item->u.cast.child; /* implicit ones, to a common decimal */
        if (!ch_fold(scope->arena, ch_coerce(scope->arena, item, &ch_type_double), &v) || v.is_null) return CH_OK;
        bad |= !(v.v.real >= 0 && v.v.real <= 1);
        text = ch_arena_printf(scope->arena, "%s%s%s", text, i ? "," : "", percentage_text(scope, v.v.real));
    }
    if (!bad) return CH_OK;
    return ch_mismatch(scope, err, "VALUE_OUT_OF_RANGE", e, "exprName", "percentage", "valueRange", "[0.0, 1.0]",
                       "currentValue", text, (char *)NULL);
}

/* Makes the percentage a double or an array of them. */
static int coerce_percentage(ch_scope *scope, ch_expr *e, const char *required, ch_error *err)
{
    const ch_type *t = e->u.call.args[1]->type;
    if (t->kind == CH_NULL) return CH_OK;
    if (t->kind != CH_ARRAY) return ch_coerce_argument(scope, e, 1, "double", err);
    if (t->fields[0].nullable) {
        return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", "second", "requiredType", required,
                           "inputSql", ch_quote_expr(scope->arena, e->u.call.args[1]), "inputType",
                           ch_quote_type(scope->arena, t), (char *)NULL);
    }
    return ch_coerce_argument(scope, e, 1, "array<double>", err);
}

static int check_accuracy(ch_scope *scope, ch_expr *e, ch_error *err)
{
    int64_t accuracy;
    CH_TRY(check_constant(scope, e, 2, "accuracy", "\"BIGINT\"", err));
    if (!ch_fold_int(scope->arena, e->u.call.args[2], &accuracy) || (accuracy > 0 && accuracy <= INT32_MAX))
        return CH_OK;
    return ch_mismatch(scope, err, "VALUE_OUT_OF_RANGE", e, "exprName", "accuracy", "valueRange", "(0, 2147483647]",
                       "currentValue", ch_arena_printf(scope->arena, "%lldL", (long long)accuracy), (char *)NULL);
}

static int append_argument(ch_scope *scope, ch_expr *e, size_t want, ch_expr *value)
{
    if (e->u.call.n >= want) return CH_OK;
    e->u.call.args = ch_arena_grow(scope->arena, e->u.call.args, sizeof(ch_expr *), e->u.call.n, want);
    e->u.call.args[e->u.call.n++] = value;
    return CH_OK;
}

static int type_percentile(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "number|interval", err));
    CH_TRY(append_argument(scope, e, 3, ch_expr_int(scope->arena, 1)));
    CH_TRY(coerce_percentage(scope, e, "\"ARRAY<DOUBLE>\"", err));
    CH_TRY(check_percentage(scope, e, err));
    int64_t frequency;
    if (!ch_fold_int(scope->arena, e->u.call.args[2], &frequency) || frequency != 1)
        return ch_raise(err, "UNSUPPORTED_FEATURE", "feature", "percentile with frequencies", (char *)NULL);
    bool several = e->u.call.args[1]->type->kind == CH_ARRAY;
    e->type = several ? ch_type_array(scope->arena, &ch_type_double, false) : &ch_type_double;
    e->nullable = true;
    return CH_OK;
}

static int type_percentile_approx(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "number|date|timestamp|timestamp_ntz|yearmonth|daytime", err));
    CH_TRY(append_argument(scope, e, 3, ch_expr_int(scope->arena, 10000)));
    CH_TRY(coerce_percentage(scope, e, "(\"DOUBLE\" or \"ARRAY<DOUBLE>\")", err));
    CH_TRY(ch_coerce_argument(scope, e, 2, "integral", err));
    CH_TRY(check_accuracy(scope, e, err));
    CH_TRY(check_percentage(scope, e, err));
    const ch_type *t = e->u.call.args[0]->type;
    bool several = e->u.call.args[1]->type->kind == CH_ARRAY;
    e->type = several ? ch_type_array(scope->arena, t, false) : t;
    e->nullable = true;
    return CH_OK;
}

/* An exact percentile: $2 is a number or an array of them. */
static int write_percentile(ch_writer *w, const ch_expr *e)
{
    bool median = e->u.call.n < 2, several = !median && e->u.call.args[1]->type->kind == CH_ARRAY;
    CH_TRY(ch_write_template(w, e, "ch_quantiles(list($DCAST($1 AS DOUBLE))$N, CAST(-1 AS DOUBLE), "));
    return ch_write_template(w, e, median ? "[CAST(0.5 AS DOUBLE)])[1]" : several ? "$2)" : "[$2])[1]");
}

/* A number that orders as the values do, and the way back from the number `v`; NULL for what has none. */
static const char *as_number(const ch_type *t)
{
    switch (t->kind) {
    case CH_DATE: return "CAST(($1 - DATE '1970-01-01') AS DOUBLE)";
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: return "CAST(epoch_us($1) AS DOUBLE)";
    default: return ch_type_is_numeric(t) ? "CAST($1 AS DOUBLE)" : NULL;
    }
}

static void write_from_number(ch_writer *w, const ch_type *t)
{
    switch (t->kind) {
    case CH_DATE: ch_buf_str(w->sql, "(DATE '1970-01-01' + CAST(v AS INTEGER))"); return;
    case CH_TIMESTAMP: ch_buf_str(w->sql, "make_timestamptz(CAST(v AS BIGINT))"); return;
    case CH_TIMESTAMP_NTZ: ch_buf_str(w->sql, "make_timestamp(CAST(v AS BIGINT))"); return;
    default:
        ch_buf_str(w->sql, "CAST(v AS ");
        ch_type_duckdb(w->sql, t);
        ch_buf_char(w->sql, ')');
    }
}

/* percentile_approx(x, p, accuracy): the summary's error is 1 / accuracy. approx_quantile(x, p, error) has it itself.
 */
static int write_percentile_approx(ch_writer *w, const ch_expr *e)
{
    const ch_type *t = e->u.call.args[0]->type;
    const char *number = as_number(t);
    bool several = e->u.call.args[1]->type->kind == CH_ARRAY;
    if (!number) return ch_write_template(w, e, "quantile_disc($D$1, $2)$F");
    bool direct = strcmp(e->u.call.fn->name, "approx_quantile") == 0;
    ch_buf_str(w->sql, "list_transform(ch_quantiles(list(");
    CH_TRY(ch_write_template(w, e, "$D"));
    CH_TRY(ch_write_template(w, e, number));
    CH_TRY(ch_write_template(w, e, direct ? ")$N, CAST($3 AS DOUBLE), " : ")$N, 1e0 / $3, "));
    CH_TRY(ch_write_template(w, e, several ? "$2), lambda v: " : "[$2]), lambda v: "));
    write_from_number(w, t);
    ch_buf_str(w->sql, several ? ")" : ")[1]");
    return CH_OK;
}

/* ---- distinct values, about ---- */

enum { HLL_BITS_MIN = 4, HLL_BITS_MAX = 25 }; /* as ch_hll takes them */

/* HyperLogLogPlusPlusHelper: the number of bits that the relative error asks for. */
static int hll_bits(const ch_expr *e)
{
    double error = e->u.call.n > 1 ? e->u.call.args[1]->u.literal.v.real : 0.05;
    return (int)ceil(2.0 * log(1.106 / error) / log(2.0));
}

static int type_count_distinct(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.n < 2) return CH_OK;
    ch_expr *error = e->u.call.args[1];
    ch_literal v;
    if (error->kind == CH_EX_LITERAL && error->type->kind == CH_DECIMAL)
        error = ch_coerce(scope->arena, error, &ch_type_double);
    if (!ch_fold(scope->arena, error, &v) || v.is_null || v.type->kind != CH_DOUBLE)
        return ch_raise(err, "_LEGACY_ERROR_TEMP_1104", (char *)NULL);
    e->u.call.args[1] = ch_expr_literal(scope->arena, &v);
    if (v.v.real > 0 && hll_bits(e) >= HLL_BITS_MIN && hll_bits(e) <= HLL_BITS_MAX) return CH_OK;
    return ch_raise(err, "FAILED_FUNCTION_CALL", "funcName", ch_backquoted(scope->arena, e->u.call.fn->name),
                    (char *)NULL);
}

static int write_count_distinct(ch_writer *w, const ch_expr *e)
{
    CH_TRY(ch_write_template(w, e, "coalesce(ch_hll(ch_xxhash64(CAST(42 AS BIGINT), $1), "));
    ch_buf_printf(w->sql, "%d", hll_bits(e));
    return ch_write_template(w, e, ")$N, 0)");
}

/* percentile_cont(p) WITHIN GROUP (ORDER BY x) comes as percentile_cont(x, p). */
static void print_within(ch_buf *out, const ch_expr *e)
{
    ch_buf_printf(out, "%s(", e->u.call.fn->name);
    ch_print_expr(out, e->u.call.args[1]);
    ch_buf_str(out, ") WITHIN GROUP (ORDER BY ");
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_char(out, ')');
}

static int type_same_as_first(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)scope;
    (void)err;
    e->type = e->u.call.args[0]->type;
    e->nullable = true;
    return CH_OK;
}

static void print_first_only(ch_buf *out, const ch_expr *e)
{
    ch_buf_printf(out, "%s(%s", e->u.call.fn->pretty ? e->u.call.fn->pretty : e->u.call.fn->name,
                  e->u.call.distinct ? "DISTINCT " : "");
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_char(out, ')');
}

/* grouping(c) and grouping_id(...) are replaced by the analyzer of grouping sets before they are written. */
static int write_grouping(ch_writer *w, const ch_expr *e)
{
    (void)e;
    return ch_raise(w->err, "UNSUPPORTED_GROUPING_EXPRESSION", (char *)NULL);
}

#define AGG(name_, types_, sql_)                                                                                       \
    {                                                                                                                  \
        .name = name_, .kind = CH_FN_AGGREGATE, .types = types_, .nulls = CH_NULL_ALWAYS, .sql = sql_                  \
    }
#define AGG_COUNT(name_, types_, sql_)                                                                                 \
    {                                                                                                                  \
        .name = name_, .kind = CH_FN_AGGREGATE, .types = types_, .nulls = CH_NULL_NEVER, .sql = sql_                   \
    }
#define AGG_RULE(name_, min_, max_, type_, write_)                                                                     \
    {                                                                                                                  \
        .name = name_, .kind = CH_FN_AGGREGATE, .min_args = min_, .max_args = max_, .type = type_, .write = write_     \
    }
#define EXTREME(name_, types_, sql_, write_)                                                                           \
    {                                                                                                                  \
        .name = name_, .kind = CH_FN_AGGREGATE, .types = types_, .nulls = CH_NULL_ALWAYS, .type = type_extreme,        \
        .sql = sql_, .write = write_, .flags = CH_FN_NO_DISTINCT                                                       \
    }
/* Regressions look only at rows where both are there. */
#define REGR(name_, sql_) AGG(name_, "double, double > double", sql_)

const ch_function ch_functions_aggregate[] = {
    AGG_RULE("sum", 1, 1, type_sum, write_sum),
    AGG_RULE("try_sum", 1, 1, type_sum, write_sum),
    AGG_RULE("avg", 1, 1, type_avg, write_avg),
    AGG_RULE("mean", 1, 1, type_avg, write_avg),
    AGG_RULE("try_avg", 1, 1, type_avg, write_avg),
    AGG_RULE("count", 1, -1, type_count, write_count),
    AGG_COUNT("count_if", "boolean > long", "CAST(coalesce(count_if($D$1)$F, 0) AS BIGINT)"),
    EXTREME("min", "any > $1", NULL, write_extreme),
    EXTREME("max", "any > $1", NULL, write_extreme),
    EXTREME("min_by", "any, any > $1", "arg_min_null($1, $K2)$F", NULL),
    EXTREME("max_by", "any, any > $1", "arg_max_null($1, $K2)$F", NULL),
    AGG_RULE("first", 1, 2, type_first, write_first),
    AGG_RULE("first_value", 1, 2, type_first, write_first),
    AGG_RULE("any_value", 1, 2, type_first, write_first),
    AGG_RULE("last", 1, 2, type_first, write_first),
    AGG_RULE("last_value", 1, 2, type_first, write_first),
    AGG_RULE("collect_list", 1, 1, type_collect, write_collect),
    AGG_RULE("collect_set", 1, 1, type_collect, write_collect),
    {.name = "pivot_list", /* of all values, nulls too */
     .kind = CH_FN_AGGREGATE,
     .min_args = 1,
     .max_args = 1,
     .type = type_pivot_list,
     .sql = "list($1)",
     .flags = CH_FN_HIDDEN},
    {.name = "array_agg",
     .kind = CH_FN_AGGREGATE,
     .pretty = "collect_list",
     .min_args = 1,
     .max_args = 1,
     .type = type_collect,
     .write = write_collect},
    {.name = "listagg",
     .kind = CH_FN_AGGREGATE,
     .types = "string, string? > -",
     .type = type_listagg,
     .write = write_listagg},
    {.name = "string_agg",
     .kind = CH_FN_AGGREGATE,
     .types = "string, string? > -",
     .type = type_listagg,
     .write = write_listagg},
    AGG("stddev", "double > double", "ch_stddev_samp($D$1)$F"),
    AGG("std", "double > double", "ch_stddev_samp($D$1)$F"),
    AGG("stddev_samp", "double > double", "ch_stddev_samp($D$1)$F"),
    AGG("stddev_pop", "double > double", "ch_stddev_pop($D$1)$F"),
    AGG("variance", "double > double", "ch_var_samp($D$1)$F"),
    AGG("var_samp", "double > double", "ch_var_samp($D$1)$F"),
    AGG("var_pop", "double > double", "ch_var_pop($D$1)$F"),
    AGG("skewness", "double > double", "ch_skewness($D$1)$F"),
    AGG("kurtosis", "double > double", "ch_kurtosis($D$1)$F"),
    {.name = "corr",
     .kind = CH_FN_AGGREGATE,
     .types = "double, double > double",
     .nulls = CH_NULL_ALWAYS,
     .write = write_corr},
    AGG("covar_pop", "double, double > double", "ch_covar_pop($1, $2)$F"),
    AGG("covar_samp", "double, double > double", "ch_covar_samp($1, $2)$F"),
    AGG_COUNT("regr_count", "double, double > long", "CAST(regr_count($1, $2)$F AS BIGINT)"),
    REGR("regr_avgx", "regr_avgx($1, $2)$F"),
    REGR("regr_avgy", "regr_avgy($1, $2)$F"),
    REGR("regr_sxx", "ch_regr_sxx($1, $2)$F"),
    REGR("regr_syy", "ch_regr_syy($1, $2)$F"),
    REGR("regr_sxy", "ch_regr_sxy($1, $2)$F"),
    REGR("regr_slope", "ch_regr_slope($1, $2)$F"),
    REGR("regr_intercept", "ch_regr_intercept($1, $2)$F"),
    REGR("regr_r2", "ch_regr_r2($1, $2)$F"),
    {.name = "median",
     .kind = CH_FN_AGGREGATE,
     .types = "number > double",
     .nulls = CH_NULL_ALWAYS,
     .write = write_percentile},
    {.name = "percentile",
     .kind = CH_FN_AGGREGATE,
     .min_args = 2,
     .max_args = 3,
     .type = type_percentile,
     .write = write_percentile},
    {.name = "percentile_cont",
     .kind = CH_FN_AGGREGATE,
     .min_args = 2,
     .max_args = 2,
     .type = type_percentile,
     .write = write_percentile,
     .print = print_within},
    {.name = "percentile_disc",
     .kind = CH_FN_AGGREGATE,
     .min_args = 2,
     .max_args = 2,
     .type = type_percentile,
     .sql = "quantile_disc($DCAST($1 AS DOUBLE), $2)$F",
     .print = print_within},
    {.name = "percentile_approx",
     .kind = CH_FN_AGGREGATE,
     .min_args = 2,
     .max_args = 3,
     .type = type_percentile_approx,
     .write = write_percentile_approx},
    {.name = "approx_percentile",
     .kind = CH_FN_AGGREGATE,
     .min_args = 2,
     .max_args = 3,
     .type = type_percentile_approx,
     .write = write_percentile_approx},
    /* what DataFrame.stat.approxQuantile becomes: (x, probabilities, relative error) */
    {.name = "approx_quantile",
     .kind = CH_FN_AGGREGATE,
     .types = "double, array<double>, double > array<double>",
     .nulls = CH_NULL_ALWAYS,
     .write = write_percentile_approx,
     .flags = CH_FN_HIDDEN},
    {.name = "approx_count_distinct",
     .kind = CH_FN_AGGREGATE,
     .types = "any, any? > long",
     .nulls = CH_NULL_NEVER,
     .type = type_count_distinct,
     .write = write_count_distinct,
     .print = print_first_only},
    {.name = "mode",
     .kind = CH_FN_AGGREGATE,
     .min_args = 1,
     .max_args = 2,
     .type = type_same_as_first,
     .sql = "mode($1)$F",
     .print = print_first_only},
    AGG("product", "double > double", "product($D$1)$F"),
    AGG("bool_and", "boolean > boolean", "bool_and($1)$F"),
    AGG("every", "boolean > boolean", "bool_and($1)$F"),
    AGG("bool_or", "boolean > boolean", "bool_or($1)$F"),
    AGG("some", "boolean > boolean", "bool_or($1)$F"),
    AGG("any", "boolean > boolean", "bool_or($1)$F"),
    AGG("bit_and", "integral > $1", "bit_and($1)$F"),
    AGG("bit_or", "integral > $1", "bit_or($1)$F"),
    AGG("bit_xor", "integral > $1", "bit_xor($D$1)$F"),
    {.name = "grouping",
     .kind = CH_FN_AGGREGATE,
     .types = "any > byte",
     .nulls = CH_NULL_NEVER,
     .write = write_grouping},
    {.name = "grouping_id",
     .kind = CH_FN_AGGREGATE,
     .types = "any* > long",
     .nulls = CH_NULL_NEVER,
     .write = write_grouping},
    {.name = NULL},
};
