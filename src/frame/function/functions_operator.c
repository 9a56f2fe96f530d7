/* functions_operator.c: operators: arithmetic, comparison, logic, bits, patterns. */
#include "frame/analyze/resolve.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- printing ---- */

static void print_binary(ch_buf *out, const ch_expr *e)
{
    const char *op = e->u.call.fn->pretty ? e->u.call.fn->pretty : e->u.call.fn->name;
    ch_buf_char(out, '(');
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_printf(out, " %s ", op);
    ch_print_expr(out, e->u.call.args[1]);
    ch_buf_char(out, ')');
}

static void print_sum(ch_buf *out, const ch_expr *e)
{
    if (e->u.call.n == 2) {
        print_binary(out, e);
        return;
    }
    ch_buf_printf(out, "(%s ", e->u.call.fn->name[0] == '-' ? "-" : "+");
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_char(out, ')');
}

/* timestamp + interval shows without parentheses. */
static void print_bare(ch_buf *out, const ch_expr *e)
{
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_printf(out, " %s ", e->u.call.fn->pretty);
    ch_print_expr(out, e->u.call.args[1]);
}

static void print_prefix(ch_buf *out, const ch_expr *e)
{
    ch_buf_str(out, e->u.call.fn->pretty);
    ch_print_expr(out, e->u.call.args[0]);
}

static void print_not(ch_buf *out, const ch_expr *e)
{
    ch_buf_str(out, "(NOT ");
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_char(out, ')');
}

static void print_not_equal(ch_buf *out, const ch_expr *e)
{
    ch_buf_str(out, "(NOT (");
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_str(out, " = ");
    ch_print_expr(out, e->u.call.args[1]);
    ch_buf_str(out, "))");
}

static void print_is(ch_buf *out, const ch_expr *e)
{
    ch_buf_char(out, '(');
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_printf(out, " %s)", e->u.call.fn->pretty);
}

static void print_in(ch_buf *out, const ch_expr *e)
{
    ch_buf_char(out, '(');
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_str(out, " IN ");
    ch_print_args(out, e, 1);
    ch_buf_char(out, ')');
}

static void print_like(ch_buf *out, const ch_expr *e)
{
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_printf(out, " %s ", e->u.call.fn->pretty);
    ch_print_expr(out, e->u.call.args[1]);
    if (e->u.call.n < 3) return;
    ch_buf_str(out, " ESCAPE '");
    ch_print_expr(out, e->u.call.args[2]);
    ch_buf_char(out, '\'');
}

/* ---- operand types ---- */

static bool is_real(const ch_type *t)
{
    return t->kind == CH_FLOAT || t->kind == CH_DOUBLE;
}

static bool is_interval(const ch_type *t)
{
    return t->kind == CH_INTERVAL_DAY_TIME || t->kind == CH_INTERVAL_YEAR_MONTH || t->kind == CH_INTERVAL_CALENDAR;
}

static bool is_temporal(const ch_type *t)
{
    return t->kind == CH_DATE || t->kind == CH_TIMESTAMP || t->kind == CH_TIMESTAMP_NTZ;
}

static void set_args(ch_scope *scope, ch_expr *e, const ch_type *left, const ch_type *right)
{
    e->u.call.args[0] = ch_coerce(scope->arena, e->u.call.args[0], left);
    e->u.call.args[1] = ch_coerce(scope->arena, e->u.call.args[1], right);
}

static int different(ch_scope *scope, const ch_expr *e, ch_error *err)
{
    return ch_mismatch(scope, err, "BINARY_OP_DIFF_TYPES", e, "left",
                       ch_quote_type(scope->arena, e->u.call.args[0]->type), "right",
                       ch_quote_type(scope->arena, e->u.call.args[1]->type), (char *)NULL);
}

static int wrong(ch_scope *scope, const ch_expr *e, const char *wanted, ch_error *err)
{
    return ch_mismatch(scope, err, "BINARY_OP_WRONG_TYPE", e, "inputType", wanted, "actualDataType",
                       ch_quote_type(scope->arena, e->u.call.args[0]->type), (char *)NULL);
}

/* Brings an integral side to the decimal it needs next to a decimal: a literal needs only its own digits. */
static const ch_type *decimal_side(ch_scope *scope, const ch_expr *side)
{
    if (side->kind == CH_EX_LITERAL && ch_type_is_integral(side->type) && !side->u.literal.is_null)
        return ch_decimal_of_literal(scope->arena, &side->u.literal);
    return ch_decimal_for(scope->arena, side->type);
}

/* What both operands become before the operator's own rules: strings and NULLs take the other side's type, a decimal
 * makes the other side a decimal or both double, other numbers meet in the wider one. Decimals stay apart. */
static int meet_operands(ch_scope *scope, ch_expr *e, bool compare, ch_error *err)
{
    const ch_type *l = e->u.call.args[0]->type, *r = e->u.call.args[1]->type, *promoted = NULL;
    if (ch_type_is_string(l) || ch_type_is_string(r)) {
        promoted = !e->u.call.lenient ? ch_string_promotion(l, r)
                   : compare          ? ch_lenient_comparison(l, r)
                                      : &ch_type_double;
    }
    if (promoted) set_args(scope, e, promoted, promoted);
    l = e->u.call.args[0]->type;
    r = e->u.call.args[1]->type;
    if (l->kind == CH_DECIMAL && r->kind == CH_DECIMAL) return CH_OK;
    if ((l->kind == CH_DECIMAL || r->kind == CH_DECIMAL) && ch_type_is_numeric(l) && ch_type_is_numeric(r)) {
        if (is_real(l) || is_real(r))
            set_args(scope, e, &ch_type_double, &ch_type_double);
        else
            set_args(scope, e, decimal_side(scope, e->u.call.args[0]), decimal_side(scope, e->u.call.args[1]));
        return CH_OK;
    }
    const ch_type *common =
        e->u.call.lenient ? ch_lenient_tightest(scope->arena, l, r) : ch_tightest_type(scope->arena, l, r);
    if (!common) return different(scope, e, err);
    set_args(scope, e, common, common);
    return CH_OK;
}

/* ---- arithmetic over dates, timestamps and intervals ---- */

/* Makes e the call of another function. */
static int become(ch_scope *scope, ch_expr *e, const char *name, ch_expr *a, ch_expr *b, ch_error *err)
{
    ch_expr *other;
    CH_TRY(ch_make_call(scope, name, b ? 2 : 1, (ch_expr *[]){a, b}, &other, err));
    *e = *other;
    return CH_OK;
}

static int extract_days(ch_scope *scope, ch_expr *interval, bool negate, ch_expr **out, ch_error *err)
{
    CH_TRY(ch_make_call(scope, "extractansiintervaldays", 1, &interval, out, err));
    return negate ? ch_make_call(scope, "-", 1, (ch_expr *[]){*out}, out, err) : CH_OK;
}

static bool whole_days(const ch_type *t)
{
    return t->kind == CH_INTERVAL_DAY_TIME && t->precision == 0 && t->scale == 0;
}

/* date or timestamp plus or minus an interval; `at` is the temporal operand. */
static int shift_by_interval(ch_scope *scope, ch_expr *e, ch_expr *at, ch_expr *by, bool minus, ch_error *err)
{
    if (at->type->kind == CH_DATE && whole_days(by->type)) {
        ch_expr *days;
        CH_TRY(extract_days(scope, by, minus, &days, err));
        return become(scope, e, "date_add", at, days, err);
    }
    return become(scope, e, minus ? "minus_interval" : "plus_interval", at, by, err);
}

/* Resolves what BinaryArithmeticWithDatetimeResolver does; *done says whether it took the call. */
static int resolve_temporal(ch_scope *scope, ch_expr *e, bool *done, ch_error *err)
{
    ch_expr *a = e->u.call.args[0], *b = e->u.call.args[1];
    const ch_type *l = a->type, *r = b->type;
    bool plus = e->u.call.fn->name[0] == '+', minus = e->u.call.fn->name[0] == '-';
    *done = false;
    if (!is_temporal(l) && !is_temporal(r) && !is_interval(l) && !is_interval(r)) return CH_OK;
    *done = true;
    if ((plus || minus) && is_interval(r) && (is_temporal(l) || ch_type_is_string(l))) {
        if (ch_type_is_string(l)) a = ch_coerce(scope->arena, a, &ch_type_timestamp);
        return shift_by_interval(scope, e, a, b, minus, err);
    }
    if (plus && is_interval(l) && is_temporal(r)) return shift_by_interval(scope, e, b, a, false, err);
    bool ts = l->kind == CH_TIMESTAMP || l->kind == CH_TIMESTAMP_NTZ || r->kind == CH_TIMESTAMP ||
              r->kind == CH_TIMESTAMP_NTZ;
    if (minus && ts && !is_interval(l) && !is_interval(r)) {
        if (ch_type_is_numeric(l) || ch_type_is_numeric(r)) return different(scope, e, err);
        return become(scope, e, "subtract_timestamps", a, b, err);
    }
    if (minus && r->kind == CH_DATE) return become(scope, e, "subtract_dates", a, b, err);
    if (minus && l->kind == CH_DATE && !ch_type_is_string(r)) return become(scope, e, "date_sub", a, b, err);
    if (minus && l->kind == CH_DATE) return become(scope, e, "subtract_dates", a, b, err);
    if (plus && l->kind == CH_DATE && !ch_type_is_string(r)) return become(scope, e, "date_add", a, b, err);
    if (plus && r->kind == CH_DATE && !ch_type_is_string(l)) return become(scope, e, "date_add", b, a, err);
    if (!plus && !minus && (is_interval(l) != is_interval(r))) {
        if (e->u.call.fn->name[0] == '*')
            return become(scope, e, "multiply_interval", is_interval(l) ? a : b, is_interval(l) ? b : a, err);
        if (is_interval(l)) return become(scope, e, "divide_interval", a, b, err);
    }
    *done = false;
    return CH_OK;
}

/* ---- arithmetic ---- */

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

/* Precision and scale of decimal results (DecimalType's table in Add, Multiply, Divide, Remainder). */
static const ch_type *decimal_result(ch_scope *scope, char op, const ch_type *a, const ch_type *b)
{
    int p1 = a->precision, s1 = a->scale, p2 = b->precision, s2 = b->scale;
    int scale = max_int(s1, s2);
    if (op == '*') return ch_decimal_adjusted(scope->arena, p1 + p2 + 1, s1 + s2);
    if (op == '/') {
        int digits = p1 - s1 + s2, fraction = max_int(6, s1 + p2 + 1);
        return ch_decimal_adjusted(scope->arena, digits + fraction, fraction);
    }
    if (op == '%') return ch_decimal_adjusted(scope->arena, min_int(p1 - s1, p2 - s2) + scale, scale);
    return ch_decimal_adjusted(scope->arena, max_int(p1 - s1, p2 - s2) + scale + 1, scale);
}

static const char NUMBER_OR_INTERVAL[] =
    "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")";

static int type_unary(ch_scope *scope, ch_expr *e, ch_error *err)
{
    ch_expr *a = e->u.call.args[0];
    if (ch_type_is_string(a->type) || a->type->kind == CH_NULL) a = ch_coerce(scope->arena, a, &ch_type_double);
    e->u.call.args[0] = a;
    if (!ch_type_is_numeric(a->type) && !is_interval(a->type)) {
        return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", "first", "requiredType",
                           NUMBER_OR_INTERVAL, "inputSql", ch_quote_expr(scope->arena, a), "inputType",
                           ch_quote_type(scope->arena, a->type), (char *)NULL);
    }
    e->type = a->type;
    e->nullable = a->nullable;
    return CH_OK;
}

static int type_arithmetic(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.n == 1) return type_unary(scope, e, err);
    bool done;
    CH_TRY(resolve_temporal(scope, e, &done, err));
    if (done) return CH_OK;
    CH_TRY(meet_operands(scope, e, false, err));
    if (e->u.call.args[0]->type->kind == CH_NULL) set_args(scope, e, &ch_type_double, &ch_type_double);
    const ch_type *l = e->u.call.args[0]->type, *r = e->u.call.args[1]->type;
    char op = e->u.call.fn->name[0];
    bool intervals = is_interval(l) && (op == '+' || op == '-');
    if (!ch_type_is_numeric(l) && !intervals)
        return wrong(scope, e, op == '+' || op == '-' ? NUMBER_OR_INTERVAL : "\"NUMERIC\"", err);
    e->type = l->kind == CH_DECIMAL ? decimal_result(scope, op, l, r) : l;
    e->nullable = ch_any_nullable(e) || op == '%' || (e->u.call.lenient && l->kind == CH_DECIMAL);
    return CH_OK;
}

static bool is_integral_or_null(const ch_type *t)
{
    return ch_type_is_integral(t) || t->kind == CH_NULL;
}

static int type_divide(ch_scope *scope, ch_expr *e, ch_error *err)
{
    bool done;
    CH_TRY(resolve_temporal(scope, e, &done, err));
    if (done) return CH_OK;
    CH_TRY(meet_operands(scope, e, false, err));
    const ch_type *l = e->u.call.args[0]->type, *r = e->u.call.args[1]->type;
    if (!ch_type_is_numeric(l) && l->kind != CH_NULL) return wrong(scope, e, "(\"DOUBLE\" or \"DECIMAL\")", err);
    if (l->kind == CH_DECIMAL && r->kind == CH_DECIMAL) {
        e->type = decimal_result(scope, '/', l, r);
    } else {
        set_args(scope, e, &ch_type_double, &ch_type_double);
        e->type = &ch_type_double;
    }
    e->nullable = true;
    return CH_OK;
}

static int type_div(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(meet_operands(scope, e, false, err));
    const ch_type *l = e->u.call.args[0]->type;
    if (l->kind != CH_DECIMAL && !is_integral_or_null(l))
        return wrong(scope, e,
                     "(\"BIGINT\" or \"DECIMAL\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL DAY TO SECOND\")", err);
    if (l->kind != CH_DECIMAL) set_args(scope, e, &ch_type_long, &ch_type_long);
    e->type = &ch_type_long;
    e->nullable = true;
    return CH_OK;
}

/* pmod's decimals: the remainder has the divisor's digits. */
static int type_pmod(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(meet_operands(scope, e, false, err));
    if (e->u.call.args[0]->type->kind == CH_NULL) set_args(scope, e, &ch_type_double, &ch_type_double);
    const ch_type *l = e->u.call.args[0]->type, *r = e->u.call.args[1]->type;
    if (!ch_type_is_numeric(l)) return wrong(scope, e, "\"NUMERIC\"", err);
    e->type = l->kind == CH_DECIMAL ? decimal_result(scope, '%', l, r) : l;
    e->nullable = true;
    return CH_OK;
}

/* A divisor that is a constant other than zero needs no check. */
static bool safe_divisor(const ch_expr *e)
{
    ch_literal v;
    if (!ch_fold(NULL, e, &v) || v.is_null) return false;
    if (ch_type_is_integral(v.type)) return v.v.integer != 0 && v.v.integer != -1;
    if (is_real(v.type)) return v.v.real != 0;
    return false;
}

/* `op`: "add", "sub", "mul", "div", "mod", "pmod" */
static int write_decimal_call(ch_writer *w, const ch_expr *e, const char *op, bool is_try)
{
    ch_buf_printf(w->sql, "CAST(ch_%sdec_%s%d(", is_try ? "try" : "", op, e->type->scale);
    CH_TRY(ch_write_template(w, e, "$1, $2"));
    ch_buf_printf(w->sql, ", %d) AS DECIMAL(%d,%d))", e->type->precision, e->type->precision, e->type->scale);
    return CH_OK;
}

/* DuckDB's decimals: operands of the result's precision cannot overflow below 38 digits. A result that had to give up
 * digits goes through 256-bit arithmetic (udf_decimal.c). */
static int write_decimal(ch_writer *w, const ch_expr *e, const char *op, const char *name)
{
    const ch_type *l = e->u.call.args[0]->type, *r = e->u.call.args[1]->type;
    int exact_scale = op[0] == '*' ? l->scale + r->scale : max_int(l->scale, r->scale);
    int exact_precision = op[0] == '*' ? l->precision + r->precision + 1
                                       : max_int(l->precision - l->scale, r->precision - r->scale) + exact_scale + 1;
    if (exact_precision > 38) return write_decimal_call(w, e, name, e->u.call.lenient);
    int p = e->type->precision;
    ch_buf_str(w->sql, "CAST((");
    for (size_t i = 0; i < 2; i++) {
        const ch_type *t = e->u.call.args[i]->type;
        int scale = op[0] == '*' ? t->scale : exact_scale;
        if (i) ch_buf_printf(w->sql, " %s ", op);
        ch_buf_str(w->sql, "CAST(");
        CH_TRY(ch_write_template(w, e, i ? "$2" : "$1"));
        ch_buf_printf(w->sql, " AS DECIMAL(%d,%d))", p, scale);
    }
    ch_buf_printf(w->sql, ") AS DECIMAL(%d,%d))", p, e->type->scale);
    return CH_OK;
}

/* Sums, differences and products; decimals apart. */
static int write_arithmetic(ch_writer *w, const ch_expr *e, const char *op, const char *name)
{
    char template[40];
    if (ch_type_is_integral(e->type))
        snprintf(template, sizeof template, "ch_%s%s($1, $2)", e->u.call.lenient ? "wrap_" : "", name);
    else
        snprintf(template, sizeof template, "($1 %s $2)", op);
    return ch_write_template(w, e, template);
}

static int write_plus(ch_writer *w, const ch_expr *e)
{
    if (e->u.call.n == 1) return ch_write_template(w, e, "$1");
    if (e->type->kind == CH_DECIMAL) return write_decimal(w, e, "+", "add");
    return write_arithmetic(w, e, "+", "add");
}

static int write_negative(ch_writer *w, const ch_expr *e)
{
    if (!ch_type_is_integral(e->type)) return ch_write_template(w, e, "(- $1)");
    return ch_write_template(w, e, e->u.call.lenient ? "ch_wrap_negate($1)" : "ch_negate($1)");
}

static int write_minus(ch_writer *w, const ch_expr *e)
{
    if (e->u.call.n == 1) return write_negative(w, e);
    if (e->type->kind == CH_DECIMAL) return write_decimal(w, e, "-", "sub");
    return write_arithmetic(w, e, "-", "sub");
}

static int write_times(ch_writer *w, const ch_expr *e)
{
    if (e->type->kind == CH_DECIMAL) return write_decimal(w, e, "*", "mul");
    return write_arithmetic(w, e, "*", "mul");
}

static int write_divide(ch_writer *w, const ch_expr *e)
{
    if (e->type->kind == CH_DECIMAL) return write_decimal_call(w, e, "div", e->u.call.lenient);
    if (safe_divisor(e->u.call.args[1])) return ch_write_template(w, e, "($1 / $2)");
    return ch_write_template(w, e, e->u.call.lenient ? "($1 / nullif($2, 0))" : "ch_div($1, $2)");
}

static int write_div(ch_writer *w, const ch_expr *e)
{
    bool lenient = e->u.call.lenient;
    if (e->u.call.args[0]->type->kind == CH_DECIMAL)
        return ch_write_template(w, e, lenient ? "ch_dec_idiv($1, nullif($2, 0))" : "ch_dec_idiv($1, $2)");
    if (safe_divisor(e->u.call.args[1])) return ch_write_template(w, e, "($1 // $2)");
    return ch_write_template(w, e, lenient ? "ch_wrap_div($1, $2)" : "ch_idiv($1, $2)");
}

static int write_mod(ch_writer *w, const ch_expr *e)
{
    if (e->type->kind == CH_DECIMAL) return write_decimal_call(w, e, "mod", e->u.call.lenient);
    if (safe_divisor(e->u.call.args[1])) return ch_write_template(w, e, "($1 % $2)");
    return ch_write_template(w, e, e->u.call.lenient ? "ch_mod($1, nullif($2, 0))" : "ch_mod($1, $2)");
}

static int write_pmod(ch_writer *w, const ch_expr *e)
{
    if (!e->u.call.lenient) {
        if (e->type->kind == CH_DECIMAL) return write_decimal_call(w, e, "pmod", false);
        return ch_write_template(w, e, "ch_pmod($1, $2)");
    }
    CH_TRY(ch_write_template(w, e, "CASE WHEN $2 <> 0 THEN "));
    CH_TRY(e->type->kind == CH_DECIMAL ? write_decimal_call(w, e, "pmod", false)
                                       : ch_write_template(w, e, "ch_pmod($1, $2)"));
    ch_buf_str(w->sql, " END");
    return CH_OK;
}

/* try_add(a, b) ...: typed like the operator, NULL instead of an error. */
static int type_try(ch_scope *scope, ch_expr *e, ch_error *err)
{
    static const char *const OPERATORS[][2] = {
        {"try_add", "+"}, {"try_subtract", "-"}, {"try_multiply", "*"}, {"try_divide", "/"}, {"try_mod", "%"}};
    const char *op = "+";
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS; i++)
        if (strcmp(e->u.call.fn->name, OPERATORS[i][0]) == 0) op = OPERATORS[i][1];
    ch_expr *inner;
    CH_TRY(ch_make_call(scope, op, 2, e->u.call.args, &inner, err));
    e->type = inner->type;
    e->nullable = true;
    if (inner->u.call.fn->name[0] == op[0]) { /* else it became another function, over dates */
        e->u.call.args = inner->u.call.args;
    } else {
        *e = *inner;
    }
    return CH_OK;
}

static int write_try(ch_writer *w, const ch_expr *e)
{
    char op = e->u.call.fn->name[4]; /* try_[a]dd, try_[s]ubtract ... */
    if (e->u.call.fn->name[4] == 'm' && e->u.call.fn->name[5] == 'o') op = '%';
    if (e->type->kind == CH_DECIMAL) {
        const char *name = op == 'a' ? "add" : op == 's' ? "sub" : op == 'm' ? "mul" : op == 'd' ? "div" : "mod";
        return write_decimal_call(w, e, name, true);
    }
    bool whole = ch_type_is_integral(e->type);
    switch (op) {
    case 'a': return ch_write_template(w, e, whole ? "ch_try_add($1, $2)" : "TRY(($1 + $2))");
    case 's': return ch_write_template(w, e, whole ? "ch_try_sub($1, $2)" : "TRY(($1 - $2))");
    case 'm': return ch_write_template(w, e, whole ? "ch_try_mul($1, $2)" : "TRY(($1 * $2))");
    case 'd': return ch_write_template(w, e, "($1 / nullif($2, 0))");
    default: return ch_write_template(w, e, "($1 % nullif($2, 0))");
    }
}

/* ---- comparison ---- */

/* An integral column against a decimal literal is compared as a whole number (DecimalPrecision's strength reduction),
 * which shows in automatic names. */
static bool reduce_literal(ch_scope *scope, ch_expr *e, size_t column, bool less)
{
    ch_expr *literal = e->u.call.args[1 - column];
    if (!ch_type_is_integral(e->u.call.args[column]->type) || literal->kind != CH_EX_LITERAL ||
        literal->type->kind != CH_DECIMAL || literal->u.literal.is_null)
        return false;
    ch_int128 unit = 1, value = literal->u.literal.v.decimal;
    for (int i = 0; i < literal->type->scale; i++) unit *= 10;
    ch_int128 floored = value / unit - (value % unit < 0), ceiled = floored + (value % unit != 0);
    bool or_equal = e->u.call.fn->name[1] == '=';
    /* column > x: floor; column >= x: ceil; column < x: ceil; column <= x: floor. Mirrored with the literal first. */
    ch_int128 whole = (less != or_equal) ? ceiled : floored;
    if (whole > INT64_MAX || whole < INT64_MIN) return false;
    e->u.call.args[1 - column] = ch_expr_long(scope->arena, (int64_t)whole);
    return true;
}

static int type_compare(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const char *name = e->u.call.fn->name;
    if ((name[0] == '<' || name[0] == '>') && strcmp(name, "<=>") != 0) {
        bool less = name[0] == '<';
        if (!reduce_literal(scope, e, 0, less)) reduce_literal(scope, e, 1, !less);
    }
    CH_TRY(meet_operands(scope, e, true, err));
    const ch_type *l = e->u.call.args[0]->type, *r = e->u.call.args[1]->type;
    if (l->kind == CH_DECIMAL && r->kind == CH_DECIMAL) {
        const ch_type *wide = ch_wider_decimal(scope->arena, l, r);
        set_args(scope, e, wide, wide);
    }
    if (!ch_type_orderable(l)) {
        const char *op = e->u.call.fn->pretty ? e->u.call.fn->pretty : name;
        return ch_mismatch(scope, err, "INVALID_ORDERING_TYPE", e, "functionName", ch_backquoted(scope->arena, op),
                           "dataType", ch_quote_type(scope->arena, l), (char *)NULL);
    }
    e->type = &ch_type_boolean;
    bool null_safe = strcmp(name, "<=>") == 0 || strcmp(name, "equal_null") == 0;
    e->nullable = !null_safe && ch_any_nullable(e);
    return CH_OK;
}

static int type_logic(ch_scope *scope, ch_expr *e, ch_error *err)
{
    for (size_t i = 0; i < 2; i++) {
        ch_expr *a = e->u.call.args[i];
        if (a->type->kind == CH_NULL || (ch_type_is_string(a->type) && !e->u.call.lenient))
            e->u.call.args[i] = ch_coerce(scope->arena, a, &ch_type_boolean);
    }
    const ch_type *l = e->u.call.args[0]->type, *r = e->u.call.args[1]->type;
    if (!ch_type_equal(l, r, false)) return different(scope, e, err);
    if (l->kind != CH_BOOLEAN) return wrong(scope, e, "\"BOOLEAN\"", err);
    e->type = &ch_type_boolean;
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

static int type_bits(ch_scope *scope, ch_expr *e, ch_error *err)
{
    ch_expr *const *args = e->u.call.args;
    if ((ch_type_is_numeric(args[0]->type) && !ch_type_is_integral(args[0]->type)) ||
        (ch_type_is_numeric(args[1]->type) && !ch_type_is_integral(args[1]->type))) {
        if (ch_type_equal(args[0]->type, args[1]->type, false)) return wrong(scope, e, "\"INTEGRAL\"", err);
        return different(scope, e, err);
    }
    CH_TRY(meet_operands(scope, e, false, err));
    if (args[0]->type->kind == CH_NULL) set_args(scope, e, &ch_type_int, &ch_type_int);
    if (!ch_type_is_integral(args[0]->type)) return wrong(scope, e, "\"INTEGRAL\"", err);
    e->type = args[0]->type;
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

static int type_in(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_type *type;
    CH_TRY(ch_unify_arguments(scope, e, 0, 1, true, &type, err));
    if (!ch_type_orderable(type)) {
        return ch_mismatch(scope, err, "INVALID_ORDERING_TYPE", e, "functionName", "`in`", "dataType",
                           ch_quote_type(scope->arena, type), (char *)NULL);
    }
    e->type = &ch_type_boolean;
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

static int write_in(ch_writer *w, const ch_expr *e)
{
    ch_buf_char(w->sql, '(');
    CH_TRY(ch_write_template(w, e, "$1 IN ("));
    for (size_t i = 1; i < e->u.call.n; i++) {
        if (i > 1) ch_buf_str(w->sql, ", ");
        CH_TRY(ch_write_node(w, e->u.call.args[i]));
    }
    ch_buf_str(w->sql, "))");
    return CH_OK;
}

/* between(a, low, high) is (a >= low) AND (a <= high), each side typed on its own. */
static int type_between(ch_scope *scope, ch_expr *e, ch_error *err)
{
    ch_expr **args = e->u.call.args, *low, *high, *both;
    CH_TRY(ch_make_call(scope, ">=", 2, (ch_expr *[]){args[0], args[1]}, &low, err));
    CH_TRY(ch_make_call(scope, "<=", 2, (ch_expr *[]){args[0], args[2]}, &high, err));
    CH_TRY(ch_make_call(scope, "and", 2, (ch_expr *[]){low, high}, &both, err));
    ch_expr **kept = CH_NEW_ARRAY(scope->arena, ch_expr *, 4);
    memcpy(kept, args, 3 * sizeof *args);
    kept[3] = both; /* what is written; the first three are what is shown */
    e->u.call.args = kept;
    e->u.call.n = 4;
    e->type = &ch_type_boolean;
    e->nullable = both->nullable;
    return CH_OK;
}

static void print_between(ch_buf *out, const ch_expr *e)
{
    ch_buf_str(out, "between(");
    for (size_t i = 0; i < 3; i++) {
        if (i) ch_buf_str(out, ", ");
        ch_print_expr(out, e->u.call.args[i]);
    }
    ch_buf_char(out, ')');
}

/* ---- patterns ---- */

static int write_like_op(ch_writer *w, const ch_expr *e, const char *op)
{
    ch_buf_char(w->sql, '(');
    CH_TRY(ch_write_template(w, e, "$1"));
    ch_buf_printf(w->sql, " %s ", op);
    CH_TRY(ch_write_template(w, e, "$2"));
    ch_buf_str(w->sql, " ESCAPE ");
    if (e->u.call.n > 2)
        CH_TRY(ch_write_template(w, e, "$3"));
    else
        ch_buf_str(w->sql, "'\\'");
    ch_buf_char(w->sql, ')');
    return CH_OK;
}

static int write_like(ch_writer *w, const ch_expr *e)
{
    return write_like_op(w, e, "LIKE");
}

static int write_ilike(ch_writer *w, const ch_expr *e)
{
    return write_like_op(w, e, "ILIKE");
}

static int type_shift(ch_scope *scope, ch_expr *e, ch_error *err)
{
    ch_expr *a = e->u.call.args[0];
    if (a->type->kind == CH_BYTE || a->type->kind == CH_SHORT)
        e->u.call.args[0] = ch_coerce(scope->arena, a, &ch_type_int);
    e->type = e->u.call.args[0]->type;
    (void)err;
    return CH_OK;
}

#define ARITHMETIC(op_, write_)                                                                                        \
    {                                                                                                                  \
        .name = op_, .min_args = 2, .max_args = 2, .type = type_arithmetic, .write = write_, .print = print_binary     \
    }
#define COMPARE(op_, pretty_, sql_)                                                                                    \
    {                                                                                                                  \
        .name = op_, .pretty = pretty_, .min_args = 2, .max_args = 2, .type = type_compare, .sql = sql_,               \
        .print = print_binary                                                                                          \
    }
#define BITS(op_, sql_)                                                                                                \
    {                                                                                                                  \
        .name = op_, .min_args = 2, .max_args = 2, .type = type_bits, .sql = sql_, .print = print_binary               \
    }
#define SHIFT(name_, pretty_, print_, sql_)                                                                            \
    {                                                                                                                  \
        .name = name_, .pretty = pretty_, .types = "int|long, int > $1", .type = type_shift, .sql = sql_,              \
        .print = print_                                                                                                \
    }
#define TRY_OP(name_)                                                                                                  \
    {                                                                                                                  \
        .name = name_, .min_args = 2, .max_args = 2, .type = type_try, .write = write_try                              \
    }

const ch_function ch_functions_operator[] = {
    {.name = "+", .min_args = 1, .max_args = 2, .type = type_arithmetic, .write = write_plus, .print = print_sum},
    {.name = "-", .min_args = 1, .max_args = 2, .type = type_arithmetic, .write = write_minus, .print = print_sum},
    ARITHMETIC("*", write_times),
    ARITHMETIC("%", write_mod),
    {.name = "mod", .min_args = 2, .max_args = 2, .type = type_pmod, .write = write_mod},
    {.name = "/", .min_args = 2, .max_args = 2, .type = type_divide, .write = write_divide, .print = print_binary},
    {.name = "div", .min_args = 2, .max_args = 2, .type = type_div, .write = write_div, .print = print_binary},
    {.name = "pmod", .min_args = 2, .max_args = 2, .type = type_pmod, .write = write_pmod},
    {.name = "negative", .min_args = 1, .max_args = 1, .type = type_unary, .write = write_negative},
    {.name = "positive", .min_args = 1, .max_args = 1, .type = type_unary, .write = write_plus, .print = print_sum},
    TRY_OP("try_add"),
    TRY_OP("try_subtract"),
    TRY_OP("try_multiply"),
    TRY_OP("try_divide"),
    TRY_OP("try_mod"),
    COMPARE("=", NULL, "($1 = $2)"),
    COMPARE("==", "=", "($1 = $2)"),
    COMPARE("<=>", NULL, "($1 IS NOT DISTINCT FROM $2)"),
    COMPARE("<", NULL, "($K1 < $K2)"),
    COMPARE(">", NULL, "($K1 > $K2)"),
    COMPARE("<=", NULL, "($K1 <= $K2)"),
    COMPARE(">=", NULL, "($K1 >= $K2)"),
    {.name = "!=",
     .pretty = "=",
     .min_args = 2,
     .max_args = 2,
     .type = type_compare,
     .sql = "($1 <> $2)",
     .print = print_not_equal},
    {.name = "<>",
     .pretty = "=",
     .min_args = 2,
     .max_args = 2,
     .type = type_compare,
     .sql = "($1 <> $2)",
     .print = print_not_equal},
    {.name = "equal_null", .min_args = 2, .max_args = 2, .type = type_compare, .sql = "($1 IS NOT DISTINCT FROM $2)"},
    {.name = "and",
     .pretty = "AND",
     .min_args = 2,
     .max_args = 2,
     .type = type_logic,
     .sql = "($1 AND $2)",
     .print = print_binary},
    {.name = "or",
     .pretty = "OR",
     .min_args = 2,
     .max_args = 2,
     .type = type_logic,
     .sql = "($1 OR $2)",
     .print = print_binary},
    {.name = "not", .types = "boolean > boolean", .sql = "(NOT $1)", .print = print_not},
    {.name = "!", .types = "boolean > boolean", .sql = "(NOT $1)", .print = print_not},
    {.name = "isnull",
     .pretty = "IS NULL",
     .types = "any > boolean",
     .nulls = CH_NULL_NEVER,
     .sql = "($1 IS NULL)",
     .print = print_is},
    {.name = "isnotnull",
     .pretty = "IS NOT NULL",
     .types = "any > boolean",
     .nulls = CH_NULL_NEVER,
     .sql = "($1 IS NOT NULL)",
     .print = print_is},
    {.name = "isnan", .types = "double|float > boolean", .nulls = CH_NULL_NEVER, .sql = "coalesce(isnan($1), false)"},
    {.name = "in", .min_args = 2, .max_args = -1, .type = type_in, .write = write_in, .print = print_in},
    {.name = "between", .min_args = 3, .max_args = 3, .type = type_between, .sql = "$4", .print = print_between},
    BITS("&", "($1 & $2)"),
    BITS("|", "($1 | $2)"),
    BITS("^", "xor($1, $2)"),
    {.name = "~", .pretty = "~", .types = "integral > $1", .sql = "(~ $1)", .print = print_prefix},
    SHIFT("shiftleft", NULL, NULL, "ch_shift_left($1, $2)"),
    SHIFT("shiftright", NULL, NULL, "ch_shift_right($1, $2)"),
    SHIFT("shiftrightunsigned", NULL, NULL, "ch_shift_right_unsigned($1, $2)"),
    SHIFT("<<", "<<", print_binary, "ch_shift_left($1, $2)"),
    SHIFT(">>", ">>", print_binary, "ch_shift_right($1, $2)"),
    SHIFT(">>>", ">>>", print_binary, "ch_shift_right_unsigned($1, $2)"),
    {.name = "bit_count", .types = "integral|boolean > int", .sql = "CAST(bit_count(CAST($1 AS BIGINT)) AS INTEGER)"},
    {.name = "bit_get", .types = "integral, int > byte", .sql = "CAST(((CAST($1 AS BIGINT) >> $2) & 1) AS TINYINT)"},
    {.name = "getbit", .types = "integral, int > byte", .sql = "CAST(((CAST($1 AS BIGINT) >> $2) & 1) AS TINYINT)"},
    {.name = "like",
     .pretty = "LIKE",
     .types = "string, string, string? > boolean",
     .write = write_like,
     .print = print_like},
    {.name = "ilike", .types = "string, string, string? > boolean", .write = write_ilike},
    /* date and interval arithmetic, reached from + - * / */
    {.name = "plus_interval",
     .pretty = "+",
     .min_args = 2,
     .max_args = 2,
     .type = ch_type_shift_interval,
     .write = ch_write_shift_interval,
     .print = print_bare,
     .flags = CH_FN_HIDDEN},
    {.name = "minus_interval",
     .pretty = "-",
     .min_args = 2,
     .max_args = 2,
     .type = ch_type_shift_interval,
     .write = ch_write_shift_interval,
     .print = print_bare,
     .flags = CH_FN_HIDDEN},
    {.name = "subtract_timestamps",
     .pretty = "-",
     .types = "timestamp|timestamp_ntz, timestamp|timestamp_ntz > daytime",
     .sql = "to_microseconds(epoch_us($L1) - epoch_us($L2))",
     .print = print_binary,
     .flags = CH_FN_HIDDEN},
    {.name = "subtract_dates",
     .pretty = "-",
     .types = "date, date > -",
     .type = ch_type_subtract_dates,
     .sql = "to_microseconds(CAST(($1 - $2) AS BIGINT) * 86400000000)",
     .print = print_binary,
     .flags = CH_FN_HIDDEN},
    {.name = "multiply_interval",
     .pretty = "*",
     .types = "any, number > -",
     .type = ch_type_scale_interval,
     .write = ch_write_scale_interval,
     .print = print_binary,
     .flags = CH_FN_HIDDEN},
    {.name = "divide_interval",
     .pretty = "/",
     .types = "any, number > -",
     .type = ch_type_scale_interval,
     .write = ch_write_scale_interval,
     .print = print_binary,
     .flags = CH_FN_HIDDEN},
    {.name = "extractansiintervaldays",
     .types = "daytime > int",
     .sql = "CAST(ch_interval_days($1) AS INTEGER)",
     .flags = CH_FN_HIDDEN},
    {.name = NULL},
};
