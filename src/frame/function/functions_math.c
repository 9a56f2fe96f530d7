/* functions_math.c: mathematical functions. Those over doubles are C functions (udf_math.c) where DuckDB raises errors
 * and Spark gives NULL or NaN. */
#include "frame/analyze/resolve.h"

#include <string.h>

/* ---- round, bround, ceil, floor ---- */

static const char *rounded(const ch_expr *e)
{
    return e->u.call.fn->name;
}

/* RoundBase: decimals may need one more digit before the point and keep at most `scale` behind it. */
static const ch_type *round_decimal(ch_scope *scope, const ch_type *t, int64_t scale)
{
    int digits = t->precision - t->scale + 1;
    if (scale < 0) {
        int64_t wanted = digits > -scale + 1 ? digits : -scale + 1;
        return ch_type_decimal(scope->arena, wanted < 38 ? (int)wanted : 38, 0);
    }
    int kept = scale < t->scale ? (int)scale : t->scale;
    return ch_type_decimal(scope->arena, digits + kept < 38 ? digits + kept : 38, kept);
}

static int read_scale(ch_scope *scope, ch_expr *e, int64_t *scale, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 1, "int", err));
    ch_literal v;
    if (!ch_fold(scope->arena, e->u.call.args[1], &v)) {
        return ch_mismatch(scope, err, "NON_FOLDABLE_INPUT", e, "inputName", "`scale`", "inputType", "\"INT\"",
                           "inputExpr", ch_quote_expr(scope->arena, e->u.call.args[1]), (char *)NULL);
    }
    *scale = v.is_null ? 0 : v.v.integer;
    return CH_OK;
}

static int type_round(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.n == 1) {
        ch_expr **args = CH_NEW_ARRAY(scope->arena, ch_expr *, 2);
        args[0] = e->u.call.args[0];
        args[1] = ch_expr_int(scope->arena, 0);
        e->u.call.args = args;
        e->u.call.n = 2;
    }
    CH_TRY(ch_coerce_argument(scope, e, 0, "number", err));
    int64_t scale;
    CH_TRY(read_scale(scope, e, &scale, err));
    const ch_type *t = e->u.call.args[0]->type;
    e->type = t->kind == CH_DECIMAL ? round_decimal(scope, t, scale) : t;
    e->nullable = true;
    return CH_OK;
}

static int write_round_decimal(ch_writer *w, const ch_expr *e, int mode)
{
    ch_buf_printf(w->sql, "CAST(ch_dec_round%d(", e->type->scale);
    CH_TRY(ch_write_template(w, e, "$1, $2"));
    ch_buf_printf(w->sql, ", %d, %d) AS DECIMAL(%d,%d))", mode, e->type->precision, e->type->precision, e->type->scale);
    return CH_OK;
}

enum { HALF_UP, HALF_EVEN, CEILING, FLOOR };

static int write_round(ch_writer *w, const ch_expr *e)
{
    bool even = rounded(e)[0] == 'b';
    if (e->type->kind == CH_DECIMAL) return write_round_decimal(w, e, even ? HALF_EVEN : HALF_UP);
    if (ch_type_is_integral(e->type)) {
        int64_t scale = 0;
        if (ch_fold_int(NULL, e->u.call.args[1], &scale) && scale >= 0) return ch_write_template(w, e, "$1");
    }
    ch_buf_printf(w->sql, "CAST(%s(", even ? "ch_bround" : "ch_round");
    CH_TRY(ch_write_template(w, e, "$1, $2) AS $t)"));
    return CH_OK;
}

/* ceil(x) is a bigint, of a decimal a decimal without fraction; ceil(x, scale) is a decimal. */
static int type_ceil(ch_scope *scope, ch_expr *e, ch_error *err)
{
    e->nullable = true;
    if (e->u.call.n == 2) {
        CH_TRY(ch_coerce_argument(scope, e, 0, "decimal", err));
        int64_t scale;
        CH_TRY(read_scale(scope, e, &scale, err));
        e->type = round_decimal(scope, e->u.call.args[0]->type, scale);
        return CH_OK;
    }
    CH_TRY(ch_coerce_argument(scope, e, 0, "double|decimal|long", err));
    ch_expr *a = e->u.call.args[0];
    if (ch_type_is_integral(a->type))
        e->u.call.args[0] = ch_coerce(scope->arena, a, &ch_type_long);
    else if (a->type->kind == CH_FLOAT)
        e->u.call.args[0] = ch_coerce(scope->arena, a, &ch_type_double);
    a = e->u.call.args[0];
    if (a->type->kind != CH_DECIMAL)
        e->type = &ch_type_long;
    else if (a->type->scale == 0)
        e->type = a->type;
    else
        e->type = ch_type_decimal(scope->arena, a->type->precision - a->type->scale + 1, 0);
    return CH_OK;
}

static int write_ceil(ch_writer *w, const ch_expr *e)
{
    bool ceil = rounded(e)[0] == 'c';
    if (e->u.call.n == 2) return write_round_decimal(w, e, ceil ? CEILING : FLOOR);
    if (e->type->kind == CH_DECIMAL) {
        ch_buf_str(w->sql, "CAST(ch_dec_round0(");
        CH_TRY(ch_write_template(w, e, "$1"));
        ch_buf_printf(w->sql, ", 0, %d, %d) AS DECIMAL(%d,0))", ceil ? CEILING : FLOOR, e->type->precision,
                      e->type->precision);
        return CH_OK;
    }
    if (ch_type_is_integral(e->u.call.args[0]->type)) return ch_write_template(w, e, "$1");
    return ch_write_template(w, e, ceil ? "ch_ceil($1)" : "ch_floor($1)");
}

static void print_ceil(ch_buf *out, const ch_expr *e)
{
    bool two = e->u.call.n == 2;
    const char *name = rounded(e);
    if (strcmp(name, "ceiling") == 0)
        ch_buf_str(out, "ceiling");
    else if (name[0] == 'c')
        ch_buf_str(out, two ? "ceil" : "CEIL");
    else
        ch_buf_str(out, two ? "floor" : "FLOOR");
    ch_print_args(out, e, 0);
}

/* ---- log ---- */

/* log(x) shows as log to the base E(). */
static void print_log(ch_buf *out, const ch_expr *e)
{
    ch_buf_str(out, e->u.call.n == 1 ? "LOG(E(), " : "LOG(");
    for (size_t i = 0; i < e->u.call.n; i++) {
        if (i) ch_buf_str(out, ", ");
        ch_print_expr(out, e->u.call.args[i]);
    }
    ch_buf_char(out, ')');
}

static int write_log(ch_writer *w, const ch_expr *e)
{
    return ch_write_template(w, e, e->u.call.n == 1 ? "ch_ln($1)" : "ch_log($1, $2)");
}

static int type_abs(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "number|daytime|yearmonth", err));
    e->type = e->u.call.args[0]->type;
    e->nullable = e->u.call.args[0]->nullable;
    return CH_OK;
}

static int write_abs(ch_writer *w, const ch_expr *e)
{
    if (!ch_type_is_integral(e->type)) return ch_write_template(w, e, "abs($1)");
    return ch_write_template(w, e, e->u.call.lenient ? "ch_wrap_abs($1)" : "ch_abs($1)");
}

static int type_hex(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "long|binary|string", err));
    if (ch_type_is_integral(e->u.call.args[0]->type))
        e->u.call.args[0] = ch_coerce(scope->arena, e->u.call.args[0], &ch_type_long);
    e->type = &ch_type_string;
    e->nullable = e->u.call.args[0]->nullable;
    return CH_OK;
}

/* A function of one double that Spark calls nullable whatever its argument. */
#define UNARY(name_, pretty_, sql_)                                                                                    \
    {                                                                                                                  \
        .name = name_, .pretty = pretty_, .types = "double > double", .nulls = CH_NULL_ALWAYS, .sql = sql_             \
    }
#define BINARY(name_, pretty_, sql_)                                                                                   \
    {                                                                                                                  \
        .name = name_, .pretty = pretty_, .types = "double, double > double", .sql = sql_                              \
    }

const ch_function ch_functions_math[] = {
    UNARY("sqrt", "SQRT", "ch_sqrt($1)"),
    UNARY("cbrt", "CBRT", "ch_cbrt($1)"),
    UNARY("exp", "EXP", "ch_exp($1)"),
    UNARY("expm1", "EXPM1", "ch_expm1($1)"),
    UNARY("ln", NULL, "ch_ln($1)"),
    {.name = "log",
     .types = "double, double? > double",
     .nulls = CH_NULL_ALWAYS,
     .write = write_log,
     .print = print_log},
    UNARY("log10", "LOG10", "ch_log10($1)"),
    UNARY("log2", "LOG2", "ch_log2($1)"),
    UNARY("log1p", "LOG1P", "ch_log1p($1)"),
    BINARY("pow", NULL, "ch_pow($1, $2)"),
    BINARY("power", "POWER", "ch_pow($1, $2)"),
    BINARY("atan2", "ATAN2", "ch_atan2($1, $2)"),
    BINARY("hypot", "HYPOT", "ch_hypot($1, $2)"),
    UNARY("sin", "SIN", "ch_sin($1)"),
    UNARY("cos", "COS", "ch_cos($1)"),
    UNARY("tan", "TAN", "ch_tan($1)"),
    UNARY("cot", "COT", "ch_cot($1)"),
    UNARY("sec", "SEC", "ch_sec($1)"),
    UNARY("csc", "CSC", "ch_csc($1)"),
    UNARY("asin", "ASIN", "ch_asin($1)"),
    UNARY("acos", "ACOS", "ch_acos($1)"),
    UNARY("atan", "ATAN", "ch_atan($1)"),
    UNARY("sinh", "SINH", "ch_sinh($1)"),
    UNARY("cosh", "COSH", "ch_cosh($1)"),
    UNARY("tanh", "TANH", "ch_tanh($1)"),
    UNARY("asinh", "ASINH", "ch_asinh($1)"),
    UNARY("acosh", "ACOSH", "ch_acosh($1)"),
    UNARY("atanh", "ATANH", "ch_atanh($1)"),
    UNARY("degrees", "DEGREES", "ch_degrees($1)"),
    UNARY("radians", "RADIANS", "ch_radians($1)"),
    UNARY("rint", NULL, "round_even($1, 0)"),
    UNARY("sign", NULL, "ch_signum($1)"),
    UNARY("signum", "SIGNUM", "ch_signum($1)"),
    {.name = "pi", .pretty = "PI", .types = "> double", .nulls = CH_NULL_NEVER, .sql = "3.141592653589793e0"},
    {.name = "e", .pretty = "E", .types = "> double", .nulls = CH_NULL_NEVER, .sql = "2.718281828459045e0"},
    {.name = "round", .min_args = 1, .max_args = 2, .type = type_round, .write = write_round},
    {.name = "bround", .min_args = 1, .max_args = 2, .type = type_round, .write = write_round},
    {.name = "ceil", .min_args = 1, .max_args = 2, .type = type_ceil, .write = write_ceil, .print = print_ceil},
    {.name = "ceiling", .min_args = 1, .max_args = 2, .type = type_ceil, .write = write_ceil, .print = print_ceil},
    {.name = "floor", .min_args = 1, .max_args = 2, .type = type_ceil, .write = write_ceil, .print = print_ceil},
    {.name = "abs", .min_args = 1, .max_args = 1, .type = type_abs, .write = write_abs},
    {.name = "factorial", .types = "int > long", .nulls = CH_NULL_ALWAYS, .sql = "ch_factorial($1)"},
    {.name = "conv", .types = "string, int, int > string", .nulls = CH_NULL_ALWAYS, .sql = "ch_conv($1, $2, $3)"},
    {.name = "hex", .min_args = 1, .max_args = 1, .type = type_hex, .sql = "ch_hex($1)"},
    {.name = "unhex", .types = "string > binary", .nulls = CH_NULL_ALWAYS, .sql = "ch_unhex($1)"},
    {.name = "bin", .types = "long > string", .sql = "ch_bin($1)"},
    {.name = "width_bucket",
     .types = "double, double, double, long > long",
     .nulls = CH_NULL_ALWAYS,
     .sql = "ch_width_bucket($1, $2, $3, $4)"},
    {.name = NULL},
};
