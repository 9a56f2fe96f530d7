/* functions_aggregate.c: aggregate functions, over groups and over windows. */
#include "frame/resolve.h"

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

static int write_sum(ch_writer *w, const ch_expr *e)
{
    if (e->type->kind == CH_LONG) {
        return ch_write_template(w, e, is_try(e) ? "TRY_CAST(sum($D$1)$F AS BIGINT)" : "ch_sum_long(sum($D$1)$F)");
    }
    if (e->type->kind == CH_DECIMAL) return ch_write_template(w, e, "CAST(sum($D$1)$F AS $t)");
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
    CH_TRY(ch_write_template(w, e, "sum($D$1)$F, CAST(count($D$1)$F AS DECIMAL(20,0))"));
    ch_buf_printf(w->sql, ", %d) AS DECIMAL(%d,%d))", e->type->precision, e->type->precision, e->type->scale);
    return CH_OK;
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

/* The number, or numbers, between 0 and 1: a constant. Arrays come as calls of array() or as literals. */
static int check_percentage(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_expr *p = e->u.call.args[1];
    if (!ch_foldable(p)) {
        return ch_mismatch(scope, err, "NON_FOLDABLE_INPUT", e, "inputName", "`percentage`", "inputType", "\"DOUBLE\"",
                           "inputExpr", ch_quote_expr(scope->arena, p), (char *)NULL);
    }
    ch_literal v;
    if (ch_fold(scope->arena, p, &v) && v.type->kind == CH_DOUBLE && !v.is_null && !(v.v.real >= 0 && v.v.real <= 1)) {
        return ch_mismatch(scope, err, "VALUE_OUT_OF_RANGE", e, "exprName", "percentage", "valueRange", "[0.0, 1.0]",
                           "currentValue", percentage_text(scope, v.v.real), (char *)NULL);
    }
    return CH_OK;
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
    if (e->u.call.args[1]->type->kind == CH_ARRAY)
        CH_TRY(ch_coerce_argument(scope, e, 1, "array<double>", err));
    else
        CH_TRY(ch_coerce_argument(scope, e, 1, "double", err));
    append_argument(scope, e, 3, ch_expr_int(scope->arena, 1));
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
    append_argument(scope, e, 3, ch_expr_int(scope->arena, 10000));
    if (e->u.call.args[1]->type->kind == CH_ARRAY)
        CH_TRY(ch_coerce_argument(scope, e, 1, "array<double>", err));
    else
        CH_TRY(ch_coerce_argument(scope, e, 1, "double", err));
    CH_TRY(ch_coerce_argument(scope, e, 2, "integral", err));
    CH_TRY(check_percentage(scope, e, err));
    const ch_type *t = e->u.call.args[0]->type;
    bool several = e->u.call.args[1]->type->kind == CH_ARRAY;
    e->type = several ? ch_type_array(scope->arena, t, false) : t;
    e->nullable = true;
    return CH_OK;
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
#define EXTREME(name_, types_, sql_)                                                                                   \
    {                                                                                                                  \
        .name = name_, .kind = CH_FN_AGGREGATE, .types = types_, .nulls = CH_NULL_ALWAYS, .type = type_extreme,        \
        .sql = sql_, .flags = CH_FN_NO_DISTINCT                                                                        \
    }
/* Regressions look only at rows where both are there; DuckDB's give NaN where Spark gives NULL. */
#define REGR(name_, sql_) AGG(name_, "double, double > double", sql_)

const ch_function ch_functions_aggregate[] = {
    AGG_RULE("sum", 1, 1, type_sum, write_sum),
    AGG_RULE("try_sum", 1, 1, type_sum, write_sum),
    AGG_RULE("avg", 1, 1, type_avg, write_avg),
    AGG_RULE("mean", 1, 1, type_avg, write_avg),
    AGG_RULE("try_avg", 1, 1, type_avg, write_avg),
    AGG_RULE("count", 1, -1, type_count, write_count),
    AGG_COUNT("count_if", "boolean > long", "CAST(coalesce(count_if($D$1)$F, 0) AS BIGINT)"),
    EXTREME("min", "any > $1", "min($1)$F"),
    EXTREME("max", "any > $1", "max($1)$F"),
    EXTREME("min_by", "any, any > $1", "arg_min_null($1, $2)$F"),
    EXTREME("max_by", "any, any > $1", "arg_max_null($1, $2)$F"),
    AGG_RULE("first", 1, 2, type_first, write_first),
    AGG_RULE("first_value", 1, 2, type_first, write_first),
    AGG_RULE("any_value", 1, 2, type_first, write_first),
    AGG_RULE("last", 1, 2, type_first, write_first),
    AGG_RULE("last_value", 1, 2, type_first, write_first),
    AGG_RULE("collect_list", 1, 1, type_collect, write_collect),
    AGG_RULE("collect_set", 1, 1, type_collect, write_collect),
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
    AGG("stddev", "double > double", "stddev_samp($D$1)$F"),
    AGG("std", "double > double", "stddev_samp($D$1)$F"),
    AGG("stddev_samp", "double > double", "stddev_samp($D$1)$F"),
    AGG("stddev_pop", "double > double", "stddev_pop($D$1)$F"),
    AGG("variance", "double > double", "var_samp($D$1)$F"),
    AGG("var_samp", "double > double", "var_samp($D$1)$F"),
    AGG("var_pop", "double > double", "var_pop($D$1)$F"),
    AGG("skewness", "double > double", "ch_skewness($D$1)$F"),
    AGG("kurtosis", "double > double", "ch_kurtosis($D$1)$F"),
    AGG("corr", "double, double > double", "CASE WHEN regr_count($1, $2)$F > 1 THEN corr($1, $2)$F END"),
    AGG("covar_pop", "double, double > double", "covar_pop($1, $2)$F"),
    AGG("covar_samp", "double, double > double", "covar_samp($1, $2)$F"),
    AGG_COUNT("regr_count", "double, double > long", "CAST(regr_count($1, $2)$F AS BIGINT)"),
    REGR("regr_avgx", "regr_avgx($1, $2)$F"),
    REGR("regr_avgy", "regr_avgy($1, $2)$F"),
    REGR("regr_sxx", "regr_sxx($1, $2)$F"),
    REGR("regr_syy", "regr_syy($1, $2)$F"),
    REGR("regr_sxy", "regr_sxy($1, $2)$F"),
    REGR("regr_slope", "CASE WHEN regr_sxx($1, $2)$F <> 0 THEN regr_slope($1, $2)$F END"),
    REGR("regr_intercept", "CASE WHEN regr_sxx($1, $2)$F <> 0 THEN regr_intercept($1, $2)$F END"),
    REGR("regr_r2", "CASE WHEN regr_sxx($1, $2)$F <> 0 THEN regr_r2($1, $2)$F END"),
    AGG("median", "number > double", "quantile_cont($DCAST($1 AS DOUBLE), 0.5)$F"),
    {.name = "percentile",
     .kind = CH_FN_AGGREGATE,
     .min_args = 2,
     .max_args = 3,
     .type = type_percentile,
     .sql = "quantile_cont($DCAST($1 AS DOUBLE), $2)$F"},
    {.name = "percentile_cont",
     .kind = CH_FN_AGGREGATE,
     .min_args = 2,
     .max_args = 2,
     .type = type_percentile,
     .sql = "quantile_cont($DCAST($1 AS DOUBLE), $2)$F",
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
     .sql = "quantile_disc($D$1, $2)$F"},
    {.name = "approx_percentile",
     .kind = CH_FN_AGGREGATE,
     .min_args = 2,
     .max_args = 3,
     .type = type_percentile_approx,
     .sql = "quantile_disc($D$1, $2)$F"},
    {.name = "approx_count_distinct",
     .kind = CH_FN_AGGREGATE,
     .types = "any, double? > long",
     .nulls = CH_NULL_NEVER,
     .sql = "approx_count_distinct($1)$F",
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
