/* udf_decimal.c: decimal arithmetic with Spark's result types, which round where 38 digits do not hold the exact value.
 * Products and dividends have up to 76 digits: they are computed in 256 bits.
 *
 * ch_dec_<op><scale>(a, b, precision) -> DECIMAL(38, scale), rounded half up; overflow raises, ch_trydec_<op><scale>
 * gives NULL instead. ch_dec_round<scale>(a, digits, mode, precision). */
#include "frame/io/io.h"
#include "frame/type/number_text.h"
#include "frame/udf/udf_util.h"

#include <stdio.h>
#include <string.h>

/* ---- 256-bit magnitudes: four 64-bit words, least significant first ---- */

typedef struct wide {
    uint64_t w[4];
} wide;

static wide wide_from(ch_uint128 v)
{
    return (wide){{(uint64_t)v, (uint64_t)(v >> 64), 0, 0}};
}

/* a * b; false on overflow. */
static bool wide_times(const wide *a, uint64_t b, wide *out)
{
    ch_uint128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (ch_uint128)a->w[i] * b;
        out->w[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return carry == 0;
}

static wide wide_product(ch_uint128 a, ch_uint128 b)
{
    wide out = {{0}};
    uint64_t x[2] = {(uint64_t)a, (uint64_t)(a >> 64)}, y[2] = {(uint64_t)b, (uint64_t)(b >> 64)};
    for (int i = 0; i < 2; i++) {
        ch_uint128 carry = 0;
        for (int j = 0; j < 2; j++) {
            carry += (ch_uint128)x[i] * y[j] + out.w[i + j];
            out.w[i + j] = (uint64_t)carry;
            carry >>= 64;
        }
        out.w[i + 2] = (uint64_t)carry;
    }
    return out;
}

/* v * 10^n, n >= 0; false on overflow. */
static bool wide_scale(wide *v, int n)
{
    for (; n > 0; n -= 18) {
        if (!wide_times(v, (uint64_t)ch_pow10(n < 18 ? n : 18), v)) return false;
    }
    return true;
}

static int wide_compare(const wide *a, const wide *b)
{
    for (int i = 3; i >= 0; i--)
        if (a->w[i] != b->w[i]) return a->w[i] < b->w[i] ? -1 : 1;
    return 0;
}

static void wide_subtract(wide *a, const wide *b)
{
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t x = a->w[i], y = b->w[i];
        a->w[i] = x - y - borrow;
        borrow = x < y || (x == y && borrow);
    }
}

static void wide_double(wide *v)
{
    for (int i = 3; i > 0; i--) v->w[i] = v->w[i] << 1 | v->w[i - 1] >> 63;
    v->w[0] <<= 1;
}

static int wide_bits(const wide *v)
{
    for (int i = 3; i >= 0; i--)
        if (v->w[i]) return 64 * i + 64 - __builtin_clzll(v->w[i]);
    return 0;
}

/* Quotient and remainder by shifting and subtracting; divisor not zero. */
static void wide_divide(const wide *a, const wide *b, wide *quotient, wide *rest)
{
    *quotient = *rest = (wide){{0}};
    if (!a->w[1] && !a->w[2] && !a->w[3] && !b->w[1] && !b->w[2] && !b->w[3]) {
        quotient->w[0] = a->w[0] / b->w[0];
        rest->w[0] = a->w[0] % b->w[0];
        return;
    }
    if (!a->w[2] && !a->w[3] && !b->w[2] && !b->w[3]) {
        ch_uint128 x = (ch_uint128)a->w[1] << 64 | a->w[0], y = (ch_uint128)b->w[1] << 64 | b->w[0];
        *quotient = wide_from(x / y);
        *rest = wide_from(x % y);
        return;
    }
    for (int i = wide_bits(a) - 1; i >= 0; i--) {
        wide_double(rest);
        rest->w[0] |= a->w[i >> 6] >> (i & 63) & 1;
        wide_double(quotient);
        if (wide_compare(rest, b) >= 0) {
            wide_subtract(rest, b);
            quotient->w[0] |= 1;
        }
    }
}

typedef enum rounding { HALF_UP, HALF_EVEN, CEILING, FLOOR } rounding;

/* |a| / |b| rounded; `negative` is the sign of the exact quotient. False when it needs more than 127 bits. */
static bool divide_rounded(const wide *a, const wide *b, bool negative, rounding mode, ch_int128 *out)
{
    wide quotient, rest;
    wide_divide(a, b, &quotient, &rest);
    if (quotient.w[2] || quotient.w[3] || quotient.w[1] >> 63) return false;
    ch_uint128 q = (ch_uint128)quotient.w[1] << 64 | quotient.w[0];
    bool exact = wide_bits(&rest) == 0;
    wide twice = rest;
    wide_double(&twice);
    int half = wide_compare(&twice, b);
    bool up = mode == HALF_UP     ? half >= 0
              : mode == HALF_EVEN ? half > 0 || (half == 0 && (q & 1))
              : mode == CEILING   ? !exact && !negative
                                  : !exact && negative;
    if (up) q++;
    *out = negative ? -(ch_int128)q : (ch_int128)q;
    return true;
}

static ch_uint128 magnitude(ch_int128 v)
{
    return v < 0 ? -(ch_uint128)v : (ch_uint128)v;
}

static bool fits(ch_int128 v, int precision)
{
    ch_uint128 limit = precision < 38 ? (ch_uint128)ch_pow10(precision) : (ch_uint128)ch_pow10(37) * 10;
    return magnitude(v) < limit;
}

/* Exact value a / 10^from brought to 10^to. */
static bool rescale_wide(wide a, bool negative, int from, int to, rounding mode, ch_int128 *out)
{
    wide unit = wide_from(1);
    if (to >= from) {
        if (!wide_scale(&a, to - from)) return false;
    } else if (!wide_scale(&unit, from - to)) {
        return false;
    }
    return divide_rounded(&a, &unit, negative, mode, out);
}

/* ---- the operations ---- */

typedef enum op { ADD, SUB, MUL, DIV, MOD, PMOD } op;

typedef struct operation {
    op op;
    int scale;
    bool is_try;
} operation;

typedef enum outcome { DONE, TOO_BIG, BY_ZERO } outcome;

/* Signed sum in 256 bits, as sign and magnitude. */
static void wide_add(wide *a, bool *negative, const wide *b, bool b_negative)
{
    if (*negative == b_negative) {
        uint64_t carry = 0;
        for (int i = 0; i < 4; i++) {
            ch_uint128 sum = (ch_uint128)a->w[i] + b->w[i] + carry;
            a->w[i] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
    } else if (wide_compare(a, b) >= 0) {
        wide_subtract(a, b);
    } else {
        wide t = *b;
        wide_subtract(&t, a);
        *a = t;
        *negative = b_negative;
    }
}

static outcome remainder_of(ch_int128 a, int sa, ch_int128 b, int sb, bool positive, int scale, ch_int128 *out)
{
    int common = sa > sb ? sa : sb;
    wide x = wide_from(magnitude(a)), y = wide_from(magnitude(b)), quotient, rest;
    if (b == 0) return BY_ZERO;
    if (!wide_scale(&x, common - sa) || !wide_scale(&y, common - sb)) return TOO_BIG;
    wide_divide(&x, &y, &quotient, &rest);
    bool negative = a < 0;
    if (positive && negative && wide_bits(&rest)) { /* ((a % b) + b) % b */
        wide_add(&rest, &negative, &y, b < 0);
        wide again = rest;
        wide_divide(&again, &y, &quotient, &rest);
    }
    return rescale_wide(rest, negative, common, scale, HALF_UP, out) ? DONE : TOO_BIG;
}

static outcome compute(const operation *o, ch_int128 a, int sa, ch_int128 b, int sb, ch_int128 *out)
{
    bool negative = a < 0;
    wide x = wide_from(magnitude(a)), y = wide_from(magnitude(b));
    switch (o->op) {
    case ADD:
    case SUB: {
        int common = sa > sb ? sa : sb;
        if (!wide_scale(&x, common - sa) || !wide_scale(&y, common - sb)) return TOO_BIG;
        wide_add(&x, &negative, &y, (b < 0) != (o->op == SUB));
        return rescale_wide(x, negative, common, o->scale, HALF_UP, out) ? DONE : TOO_BIG;
    }
    case MUL:
        x = wide_product(magnitude(a), magnitude(b));
        return rescale_wide(x, negative != (b < 0), sa + sb, o->scale, HALF_UP, out) ? DONE : TOO_BIG;
    case DIV: {
        if (b == 0) return BY_ZERO;
        int shift = o->scale + sb - sa;
        if (!(shift >= 0 ? wide_scale(&x, shift) : wide_scale(&y, -shift))) return TOO_BIG;
        return divide_rounded(&x, &y, negative != (b < 0), HALF_UP, out) ? DONE : TOO_BIG;
    }
    default: return remainder_of(a, sa, b, sb, o->op == PMOD, o->scale, out);
    }
}

static void raise_by_zero(duckdb_function_info info, op which)
{
    ch_error err;
    ch_raise(&err, which == DIV ? "DIVIDE_BY_ZERO" : "REMAINDER_BY_ZERO", "config", "\"spark.sql.ansi.enabled\"",
             (char *)NULL);
    ch_engine_raise(info, &err);
}

/* The digits of a magnitude, most significant first. */
static size_t wide_digits(wide v, char out[80])
{
    static const wide UNIT = {{1000000000000000000U, 0, 0, 0}};
    char reversed[80];
    size_t n = 0;
    while (wide_bits(&v) && n < 72) {
        wide quotient, rest;
        wide_divide(&v, &UNIT, &quotient, &rest);
        for (int i = 0; i < 18; i++, rest.w[0] /= 10) reversed[n++] = (char)('0' + rest.w[0] % 10);
        v = quotient;
    }
    while (n > 1 && reversed[n - 1] == '0') n--;
    if (n == 0) reversed[n++] = '0';
    for (size_t i = 0; i < n; i++) out[i] = reversed[n - 1 - i];
    return n;
}

/* magnitude / 10^scale as BigDecimal rounded to 39 digits prints it. */
static void wide_text(ch_buf *out, wide v, bool negative, int scale)
{
    enum { KEPT = 39 };
    char digits[80];
    size_t n = wide_digits(v, digits);
    if (n > KEPT) {
        bool up = digits[KEPT] >= '5';
        for (size_t i = KEPT; i < n; i++) digits[i] = '0';
        for (size_t i = KEPT; up && i-- > 0;) {
            up = digits[i] == '9';
            digits[i] = up ? '0' : (char)(digits[i] + 1);
        }
        while (scale > 0 && n > KEPT) n--, scale--;
    }
    if (negative) ch_buf_char(out, '-');
    for (int i = (int)n; i <= scale; i++) ch_buf_str(out, i == (int)n && scale ? "0." : "0");
    for (size_t i = 0; i < n; i++) {
        if (scale > 0 && (int)(n - i) == scale && i > 0) ch_buf_char(out, '.');
        ch_buf_char(out, digits[i]);
    }
}

/* Words the result that does not fit: exact for sums and products, as far as it goes for the others. */
static void raise_range(duckdb_function_info info, const char *value, int precision, int scale)
{
    ch_error err;
    char p[12], s[12];
    snprintf(p, sizeof p, "%d", precision);
    snprintf(s, sizeof s, "%d", scale);
    ch_raise(&err, "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "value", value, "precision", p, "scale", s, "config",
             "\"spark.sql.ansi.enabled\"", (char *)NULL);
    ch_engine_raise(info, &err);
}

static void show_result(ch_buf *out, const operation *o, ch_int128 a, int sa, ch_int128 b, int sb)
{
    bool negative = a < 0;
    wide x = wide_from(magnitude(a)), y = wide_from(magnitude(b));
    int common = sa > sb ? sa : sb;
    if (o->op == MUL) {
        wide_text(out, wide_product(magnitude(a), magnitude(b)), negative != (b < 0), sa + sb);
    } else if (o->op == ADD || o->op == SUB) {
        wide_scale(&x, common - sa);
        wide_scale(&y, common - sb);
        wide_add(&x, &negative, &y, (b < 0) != (o->op == SUB));
        wide_text(out, x, negative, common);
    } else {
        wide quotient, rest;
        wide_scale(&x, common - sa);
        wide_scale(&y, common - sb);
        wide_divide(&x, &y, &quotient, &rest);
        wide_text(out, quotient, negative != (b < 0), 0);
    }
}

static void arithmetic(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const operation *o = ch_udf_extra(info);
    const uint64_t *mask = ch_udf_mask(in, out);
    const int32_t *precision = ch_arg(in, 2);
    ch_int128 *data = duckdb_vector_get_data(out);
    ch_decimal_in a, b;
    if (!ch_decimal_open(duckdb_data_chunk_get_vector(in, 0), &a) ||
        !ch_decimal_open(duckdb_data_chunk_get_vector(in, 1), &b)) {
        duckdb_scalar_function_set_error(info, "decimal arithmetic over other types");
        return;
    }
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        outcome result = compute(o, ch_decimal_get(&a, i), a.scale, ch_decimal_get(&b, i), b.scale, &data[i]);
        if (result == DONE && !fits(data[i], precision[i])) result = TOO_BIG;
        if (result == DONE) continue;
        if (o->is_try) {
            ch_udf_null(out, i);
            continue;
        }
        if (result == BY_ZERO) {
            raise_by_zero(info, o->op);
            return;
        }
        ch_buf text = {0};
        show_result(&text, o, ch_decimal_get(&a, i), a.scale, ch_decimal_get(&b, i), b.scale);
        raise_range(info, ch_buf_text(&text), precision[i], o->scale);
        ch_buf_reset(&text);
        return;
    }
}

/* a div b: the whole quotient as a bigint. */
static void whole_quotient(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    ch_decimal_in a, b;
    if (!ch_decimal_open(duckdb_data_chunk_get_vector(in, 0), &a) ||
        !ch_decimal_open(duckdb_data_chunk_get_vector(in, 1), &b))
        return;
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        ch_int128 x = ch_decimal_get(&a, i), y = ch_decimal_get(&b, i);
        if (y == 0) {
            raise_by_zero(info, DIV);
            return;
        }
        wide p = wide_from(magnitude(x)), d = wide_from(magnitude(y));
        int shift = b.scale - a.scale;
        wide quotient = {{0}}, rest;
        /* toward zero; of a quotient that is too long, Spark keeps the low 64 bits (BigDecimal.longValue) */
        if (shift >= 0 ? wide_scale(&p, shift) : wide_scale(&d, -shift)) wide_divide(&p, &d, &quotient, &rest);
        data[i] = (int64_t)((x < 0) != (y < 0) ? 0 - quotient.w[0] : quotient.w[0]);
    }
}

static const bool PLAIN = true;

/* BigDecimal.toString: below 0.000001 with an exponent; or toPlainString. */
static void java_decimal(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    bool plain = ch_udf_extra(info) != NULL;
    ch_decimal_in a;
    ch_buf text = {0};
    if (!ch_decimal_open(duckdb_data_chunk_get_vector(in, 0), &a)) return;
    CH_EACH_ROW(in, out)
    {
        ch_int128 v = ch_decimal_get(&a, i);
        char digits[80];
        size_t n = wide_digits(wide_from(magnitude(v)), digits);
        int exponent = (int)n - 1 - a.scale;
        ch_buf_clear(&text);
        if (plain || exponent >= -6) {
            ch_decimal_text(&text, v, a.scale);
        } else {
            ch_buf_printf(&text, "%s%c", v < 0 ? "-" : "", digits[0]);
            if (n > 1) ch_buf_printf(&text, ".%.*s", (int)n - 1, digits + 1);
            ch_buf_printf(&text, "E%d", exponent);
        }
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

/* ch_dec_round<scale>(a, digits, mode, precision): rounds at `digits` behind the point (negative: before it). */
static void round_decimal(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const operation *o = ch_udf_extra(info);
    const uint64_t *mask = ch_udf_mask(in, out);
    const int32_t *digits = ch_arg(in, 1), *mode = ch_arg(in, 2), *precision = ch_arg(in, 3);
    ch_int128 *data = duckdb_vector_get_data(out);
    ch_decimal_in a;
    if (!ch_decimal_open(duckdb_data_chunk_get_vector(in, 0), &a)) return;
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        ch_int128 v = ch_decimal_get(&a, i), rounded = 0;
        int at = digits[i] < a.scale ? digits[i] : a.scale;
        bool known = true;
        if (at < a.scale - 40) at = a.scale - 40; /* further than any digit */
        known = rescale_wide(wide_from(magnitude(v)), v < 0, a.scale, at, (rounding)mode[i], &rounded);
        if (known && at < o->scale) {
            wide w = wide_from(magnitude(rounded));
            known = rescale_wide(w, rounded < 0, at, o->scale, HALF_UP, &rounded);
        }
        data[i] = rounded;
        if (known && fits(rounded, precision[i])) continue;
        ch_buf text = {0};
        ch_decimal_text(&text, known ? rounded : v, known ? o->scale : a.scale);
        raise_range(info, ch_buf_text(&text), precision[i], o->scale);
        ch_buf_reset(&text);
        return;
    }
}

int ch_register_decimal(duckdb_connection con, ch_error *err)
{
    static const struct {
        const char *name;
        op op;
        bool is_try;
    } OPERATIONS[] = {
        {"ch_dec_add", ADD, false},   {"ch_dec_sub", SUB, false},   {"ch_dec_mul", MUL, false},
        {"ch_dec_div", DIV, false},   {"ch_dec_mod", MOD, false},   {"ch_dec_pmod", PMOD, false},
        {"ch_trydec_add", ADD, true}, {"ch_trydec_sub", SUB, true}, {"ch_trydec_mul", MUL, true},
        {"ch_trydec_div", DIV, true}, {"ch_trydec_mod", MOD, true},
    };
    enum { COUNT = sizeof OPERATIONS / sizeof *OPERATIONS };
    static operation operations[COUNT + 1][39];
    for (size_t i = 0; i <= COUNT; i++) {
        for (int s = 0; s <= 38; s++) {
            char name[32];
            bool round = i == COUNT;
            operations[i][s] = round ? (operation){.scale = s} : (operation){OPERATIONS[i].op, s, OPERATIONS[i].is_try};
            snprintf(name, sizeof name, "%s%d", round ? "ch_dec_round" : OPERATIONS[i].name, s);
            ch_udf row = {.name = name,
                          .types = round ? "Aiii>m" : "AAi>m",
                          .fn = round ? round_decimal : arithmetic,
                          .extra = &operations[i][s],
                          .scale = s};
            CH_TRY(ch_udf_register(con, &row, 1, err));
        }
    }
    static const ch_udf OTHERS[] = {
        {.name = "ch_dec_idiv", .types = "AA>l", .fn = whole_quotient},
        {.name = "ch_java_decimal", .types = "A>s", .fn = java_decimal},
        {.name = "ch_plain_decimal", .types = "A>s", .fn = java_decimal, .extra = &PLAIN},
    };
    return ch_udf_register(con, OTHERS, sizeof OTHERS / sizeof *OTHERS, err);
}
