/* udf_math.c: mathematical functions that differ from DuckDB's: logarithms outside their domain are NULL, roundings go
 * by the number's decimal text. */
#include "base/strict_math.h"
#include "frame/type/number_text.h"
#include "frame/udf/udf_util.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ANSI[] = "\"spark.sql.ansi.enabled\"";

/* ---- functions of one double ---- */

#define UNARY(fn_, body)                                                                                               \
    static void fn_(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)                                \
    {                                                                                                                  \
        (void)info;                                                                                                    \
        const double *a = ch_arg(in, 0);                                                                               \
        double *data = duckdb_vector_get_data(out);                                                                    \
        ch_udf_mask(in, out);                                                                                          \
        idx_t rows = duckdb_data_chunk_get_size(in);                                                                   \
        for (idx_t i = 0; i < rows; i++) {                                                                             \
            double x = a[i];                                                                                           \
            data[i] = (body);                                                                                          \
        }                                                                                                              \
    }

/* NULL where the argument is not above the bound: Spark's logarithms. */
#define LOGARITHM(fn_, bound, body)                                                                                    \
    static void fn_(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)                                \
    {                                                                                                                  \
        (void)info;                                                                                                    \
        const double *a = ch_arg(in, 0);                                                                               \
        double *data = duckdb_vector_get_data(out);                                                                    \
        const uint64_t *mask = ch_udf_mask(in, out);                                                                   \
        idx_t rows = duckdb_data_chunk_get_size(in);                                                                   \
        for (idx_t i = 0; i < rows; i++) {                                                                             \
            double x = a[i];                                                                                           \
            if (x <= (bound)) {                                                                                        \
                if (ch_bit(mask, i)) ch_udf_null(out, i);                                                              \
            } else {                                                                                                   \
                data[i] = (body);                                                                                      \
            }                                                                                                          \
        }                                                                                                              \
    }

#define BINARY(fn_, body)                                                                                              \
    static void fn_(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)                                \
    {                                                                                                                  \
        (void)info;                                                                                                    \
        const double *a = ch_arg(in, 0), *b = ch_arg(in, 1);                                                           \
        double *data = duckdb_vector_get_data(out);                                                                    \
        ch_udf_mask(in, out);                                                                                          \
        idx_t rows = duckdb_data_chunk_get_size(in);                                                                   \
        for (idx_t i = 0; i < rows; i++) {                                                                             \
            double x = a[i], y = b[i];                                                                                 \
            data[i] = (body);                                                                                          \
        }                                                                                                              \
    }

static double signum(double x)
{
    return x > 0 ? 1.0 : x < 0 ? -1.0 : x;
}

UNARY(f_sqrt, sqrt(x))
UNARY(f_cbrt, ch_strict_cbrt(x))
UNARY(f_exp, ch_strict_exp(x))
UNARY(f_expm1, ch_strict_expm1(x))
LOGARITHM(f_ln, 0, ch_strict_log(x))
LOGARITHM(f_log10, 0, ch_strict_log10(x))
LOGARITHM(f_log2, 0, ch_strict_log(x) / ch_strict_log(2))
LOGARITHM(f_log1p, -1, ch_strict_log1p(x))
BINARY(f_pow, ch_strict_pow(x, y))
BINARY(f_atan2, ch_strict_atan2(x + 0.0, y + 0.0))
BINARY(f_hypot, ch_strict_hypot(x, y))
UNARY(f_sin, sin(x))
UNARY(f_cos, cos(x))
UNARY(f_tan, tan(x))
UNARY(f_cot, 1 / tan(x))
UNARY(f_sec, 1 / cos(x))
UNARY(f_csc, 1 / sin(x))
UNARY(f_asin, ch_strict_asin(x))
UNARY(f_acos, ch_strict_acos(x))
UNARY(f_atan, ch_strict_atan(x))
UNARY(f_sinh, ch_strict_sinh(x))
UNARY(f_cosh, ch_strict_cosh(x))
UNARY(f_tanh, ch_strict_tanh(x))
/* As Spark computes them. */
UNARY(f_asinh, x == -INFINITY ? x : ch_strict_log(x + sqrt(x * x + 1.0)))
UNARY(f_acosh, ch_strict_log(x + sqrt(x * x - 1)))
UNARY(f_atanh, 0.5 * (ch_strict_log1p(x) - ch_strict_log1p(-x)))
UNARY(f_degrees, x * 57.29577951308232)
UNARY(f_radians, x * 0.017453292519943295)
UNARY(f_signum, signum(x))

/* log(base, x) */
static void f_log(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const double *base = ch_arg(in, 0), *x = ch_arg(in, 1);
    double *data = duckdb_vector_get_data(out);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (base[i] <= 0 || x[i] <= 0) {
            if (ch_bit(mask, i)) ch_udf_null(out, i);
        } else {
            data[i] = ch_strict_log(x[i]) / ch_strict_log(base[i]);
        }
    }
}

/* Java's shifts count modulo the width. */
#define SHIFT(fn_, type, wide, expr)                                                                                   \
    static void fn_(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)                                \
    {                                                                                                                  \
        (void)info;                                                                                                    \
        const type *a = ch_arg(in, 0);                                                                                 \
        const int32_t *b = ch_arg(in, 1);                                                                              \
        type *data = duckdb_vector_get_data(out);                                                                      \
        ch_udf_mask(in, out);                                                                                          \
        idx_t rows = duckdb_data_chunk_get_size(in);                                                                   \
        for (idx_t i = 0; i < rows; i++) {                                                                             \
            type x = a[i];                                                                                             \
            int n = b[i] & (int)(sizeof(type) * 8 - 1);                                                                \
            data[i] = (type)(expr);                                                                                    \
        }                                                                                                              \
    }

SHIFT(left_int, int32_t, uint32_t, (uint32_t)x << n)
SHIFT(left_long, int64_t, uint64_t, (uint64_t)x << n)
SHIFT(right_int, int32_t, uint32_t, x >> n)
SHIFT(right_long, int64_t, uint64_t, x >> n)
SHIFT(unsigned_int, int32_t, uint32_t, (uint32_t)x >> n)
SHIFT(unsigned_long, int64_t, uint64_t, (uint64_t)x >> n)

/* ---- round ---- */

static const double POWERS[] = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* BigDecimal(text of x).setScale(scale, HALF_UP or HALF_EVEN).doubleValue, the long way. */
static double round_text(double x, int scale, bool even, bool single)
{
    char text[32], digits[400];
    size_t len = single ? ch_java_float((float)x, text) : ch_java_double(x, text);
    /* digits and the power of ten of the last one */
    size_t n = 0, i = 0;
    int exponent = 0, fraction = 0;
    bool negative = text[0] == '-', point = false;
    for (i = negative; i < len && text[i] != 'E'; i++) {
        if (text[i] == '.') {
            point = true;
            continue;
        }
        digits[n++] = text[i];
        fraction += point;
    }
    if (i < len) exponent = atoi(text + i + 1);
    exponent -= fraction;
    int drop = -scale - exponent; /* digits behind the last kept place */
    if (drop <= 0) return x;
    char kept[400];
    size_t m = 0;
    bool up;
    if (drop > (int)n) {
        kept[m++] = '0';
        up = false;
    } else {
        m = n - (size_t)drop;
        memcpy(kept, digits, m);
        char first = digits[m];
        bool rest = false;
        for (size_t j = m + 1; j < n; j++) rest |= digits[j] != '0';
        bool odd = m && (kept[m - 1] - '0') % 2;
        up = first > '5' || (first == '5' && (rest || !even || odd));
        if (m == 0) kept[m++] = '0';
    }
    if (up) {
        size_t j = m;
        while (j > 0 && kept[j - 1] == '9') kept[--j] = '0';
        if (j > 0) {
            kept[j - 1]++;
        } else {
            memmove(kept + 1, kept, m++);
            kept[0] = '1';
        }
    }
    char result[440];
    snprintf(result, sizeof result, "%s%.*se%d", negative ? "-" : "", (int)m, kept, -scale);
    return single ? (double)strtof(result, NULL) : strtod(result, NULL);
}

/* The scaled number says how to round unless it lies so near a tie that its own error could decide: then the decimal
 * text does. */
static double round_double(double x, int scale, bool even)
{
    if (!isfinite(x) || x == 0) return x;
    if (scale >= 0 && scale <= 15) {
        double scaled = fabs(x) * POWERS[scale];
        if (scaled < 4503599627370496.0) {
            double down = floor(scaled), part = scaled - down;
            if (fabs(part - 0.5) > 1e-6 + scaled * 1e-15) {
                double r = (part > 0.5 ? down + 1 : down) / POWERS[scale];
                return x < 0 ? -r : r;
            }
        }
    }
    return round_text(x, scale, even, false);
}

static void round_reals(duckdb_data_chunk in, duckdb_vector out, bool even)
{
    const double *a = ch_arg(in, 0);
    const int32_t *scale = ch_arg(in, 1);
    double *data = duckdb_vector_get_data(out);
    ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) data[i] = round_double(a[i], scale[i], even);
}

static void f_round(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    round_reals(in, out, false);
}

static void f_bround(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    round_reals(in, out, true);
}

static void round_singles(duckdb_data_chunk in, duckdb_vector out, bool even)
{
    const float *a = ch_arg(in, 0);
    const int32_t *scale = ch_arg(in, 1);
    float *data = duckdb_vector_get_data(out);
    ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++)
        data[i] = isfinite(a[i]) ? (float)round_text((double)a[i], scale[i], even, true) : a[i];
}

static void f_round_float(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    round_singles(in, out, false);
}

static void f_bround_float(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    round_singles(in, out, true);
}

/* Whole numbers round at places before the point. */
static void round_wholes(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out, bool even, int bits)
{
    const uint64_t *mask = ch_udf_mask(in, out);
    const int32_t *scale = ch_arg(in, 1);
    const void *a = ch_arg(in, 0);
    void *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    int64_t limit = bits == 64 ? INT64_MAX : INT32_MAX;
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        int64_t x = bits == 64 ? ((const int64_t *)a)[i] : ((const int32_t *)a)[i];
        ch_int128 r = x;
        if (scale[i] < 0) {
            ch_int128 unit = scale[i] > -20 ? ch_pow10(-scale[i]) : ch_pow10(20), rest = x % unit, whole = x - rest;
            ch_int128 twice = 2 * (rest < 0 ? -rest : rest);
            bool up = twice > unit || (twice == unit && (!even || (whole / unit) % 2 != 0));
            r = up ? whole + (x < 0 ? -unit : unit) : whole;
        }
        if (r > limit || r < -(ch_int128)limit - 1) {
            ch_error err;
            ch_raise(&err, "ARITHMETIC_OVERFLOW", "message", "Overflow", "alternative", "", "config", ANSI,
                     (char *)NULL);
            ch_engine_raise(info, &err);
            return;
        }
        if (bits == 64)
            ((int64_t *)data)[i] = (int64_t)r;
        else
            ((int32_t *)data)[i] = (int32_t)r;
    }
}

static void f_round_long(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    round_wholes(info, in, out, false, 64);
}

static void f_round_int(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    round_wholes(info, in, out, false, 32);
}

static void f_bround_long(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    round_wholes(info, in, out, true, 64);
}

static void f_bround_int(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    round_wholes(info, in, out, true, 32);
}

/* (long) of a double, as Java converts it. */
static int64_t saturate(double x)
{
    if (isnan(x)) return 0;
    return x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (int64_t)x;
}

#define TO_LONG(fn_, body)                                                                                             \
    static void fn_(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)                                \
    {                                                                                                                  \
        (void)info;                                                                                                    \
        const double *a = ch_arg(in, 0);                                                                               \
        int64_t *data = duckdb_vector_get_data(out);                                                                   \
        ch_udf_mask(in, out);                                                                                          \
        idx_t rows = duckdb_data_chunk_get_size(in);                                                                   \
        for (idx_t i = 0; i < rows; i++) data[i] = saturate(body(a[i]));                                               \
    }

TO_LONG(f_ceil, ceil)
TO_LONG(f_floor, floor)

/* ---- the rest ---- */

static void f_factorial(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int32_t *a = ch_arg(in, 0);
    int64_t *data = duckdb_vector_get_data(out);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        if (a[i] < 0 || a[i] > 20) {
            ch_udf_null(out, i);
            continue;
        }
        data[i] = 1;
        for (int32_t k = 2; k <= a[i]; k++) data[i] *= k;
    }
}

static void f_width_bucket(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const double *v = ch_arg(in, 0), *low = ch_arg(in, 1), *high = ch_arg(in, 2);
    const int64_t *n = ch_arg(in, 3);
    int64_t *data = duckdb_vector_get_data(out);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        bool bad = n[i] <= 0 || n[i] == INT64_MAX || isnan(v[i]) || low[i] == high[i] || !isfinite(low[i]) ||
                   !isfinite(high[i]);
        if (bad) {
            ch_udf_null(out, i);
            continue;
        }
        bool up = low[i] < high[i];
        double from = up ? low[i] : high[i], to = up ? high[i] : low[i];
        bool before = up ? v[i] < from : v[i] > to, after = up ? v[i] >= to : v[i] <= from;
        double share = up ? (v[i] - low[i]) / (high[i] - low[i]) : (low[i] - v[i]) / (low[i] - high[i]);
        data[i] = before ? 0 : after ? n[i] + 1 : (int64_t)((double)n[i] * share) + 1;
    }
}

static void f_bin(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int64_t *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        char text[64];
        size_t at = sizeof text;
        uint64_t v = (uint64_t)a[i];
        do {
            text[--at] = (char)('0' + (v & 1));
            v >>= 1;
        } while (v);
        ch_udf_string(out, i, text + at, sizeof text - at);
    }
}

static const char DIGITS[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static void f_hex_long(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int64_t *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    char text[24];
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        int n = snprintf(text, sizeof text, "%llX", (unsigned long long)a[i]);
        ch_udf_string(out, i, text, (size_t)n);
    }
}

static void f_hex_bytes(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    ch_buf text = {0};
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        ch_buf_clear(&text);
        for (size_t j = 0; j < ch_string_len(&a[i]); j++) {
            unsigned char c = (unsigned char)ch_string_data(&a[i])[j];
            ch_buf_char(&text, DIGITS[c >> 4]);
            ch_buf_char(&text, DIGITS[c & 15]);
        }
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void f_unhex(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    ch_buf bytes = {0};
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        const char *text = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]), j = 0;
        ch_buf_clear(&bytes);
        bool bad = false;
        if (len % 2) {
            int digit = hex_digit(text[j++]);
            bad = digit < 0;
            ch_buf_char(&bytes, (char)digit);
        }
        for (; j < len && !bad; j += 2) {
            int high = hex_digit(text[j]), low = hex_digit(text[j + 1]);
            bad = high < 0 || low < 0;
            if (!bad) ch_buf_char(&bytes, (char)(high << 4 | low));
        }
        if (bad)
            ch_udf_null(out, i);
        else
            ch_udf_string(out, i, ch_buf_text(&bytes), bytes.len);
    }
    ch_buf_reset(&bytes);
}

/* conv(text, from, to): NumberConverter. Negative `to` gives a signed result. */
static bool convert_base(const char *text, size_t len, int from, int to, char out[72], size_t *out_len)
{
    int target = abs(to);
    if (from < 2 || from > 36 || target < 2 || target > 36 || len == 0) return false;
    bool negative = text[0] == '-';
    size_t i = negative;
    uint64_t value = 0;
    bool too_big = false;
    for (; i < len; i++) {
        char c = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i]);
        const char *at = c ? memchr(DIGITS, c, 36) : NULL;
        if (!at || at - DIGITS >= from) break;
        if (__builtin_mul_overflow(value, (uint64_t)from, &value) ||
            __builtin_add_overflow(value, (uint64_t)(at - DIGITS), &value)) {
            too_big = true;
            break;
        }
    }
    if (too_big) value = UINT64_MAX;
    if (negative && to > 0) value = (int64_t)value < 0 ? UINT64_MAX : (uint64_t)(-(int64_t)value);
    if (to < 0 && (int64_t)value < 0) {
        value = 0 - value;
        negative = true;
    }
    size_t at = 72;
    do {
        out[--at] = DIGITS[value % (uint64_t)target];
        value /= (uint64_t)target;
    } while (value);
    if (negative && to < 0) out[--at] = '-';
    *out_len = 72 - at;
    memmove(out, out + at, *out_len);
    return true;
}

static void f_conv(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    const int32_t *from = ch_arg(in, 1), *to = ch_arg(in, 2);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        const char *text = ch_string_data(&a[i]);
        size_t len = ch_string_len(&a[i]), out_len;
        char result[72];
        ch_trim_text(&text, &len);
        if (convert_base(text, len, from[i], to[i], result, &out_len))
            ch_udf_string(out, i, result, out_len);
        else
            ch_udf_null(out, i);
    }
}

int ch_register_math(duckdb_connection con, ch_error *err)
{
    static const ch_udf ROWS[] = {
        {.name = "ch_sqrt", .types = "d>d", .fn = f_sqrt},
        {.name = "ch_cbrt", .types = "d>d", .fn = f_cbrt},
        {.name = "ch_exp", .types = "d>d", .fn = f_exp},
        {.name = "ch_expm1", .types = "d>d", .fn = f_expm1},
        {.name = "ch_ln", .types = "d>d", .fn = f_ln},
        {.name = "ch_log10", .types = "d>d", .fn = f_log10},
        {.name = "ch_log2", .types = "d>d", .fn = f_log2},
        {.name = "ch_log1p", .types = "d>d", .fn = f_log1p},
        {.name = "ch_log", .types = "dd>d", .fn = f_log},
        {.name = "ch_pow", .types = "dd>d", .fn = f_pow},
        {.name = "ch_atan2", .types = "dd>d", .fn = f_atan2},
        {.name = "ch_hypot", .types = "dd>d", .fn = f_hypot},
        {.name = "ch_sin", .types = "d>d", .fn = f_sin},
        {.name = "ch_cos", .types = "d>d", .fn = f_cos},
        {.name = "ch_tan", .types = "d>d", .fn = f_tan},
        {.name = "ch_cot", .types = "d>d", .fn = f_cot},
        {.name = "ch_sec", .types = "d>d", .fn = f_sec},
        {.name = "ch_csc", .types = "d>d", .fn = f_csc},
        {.name = "ch_asin", .types = "d>d", .fn = f_asin},
        {.name = "ch_acos", .types = "d>d", .fn = f_acos},
        {.name = "ch_atan", .types = "d>d", .fn = f_atan},
        {.name = "ch_sinh", .types = "d>d", .fn = f_sinh},
        {.name = "ch_cosh", .types = "d>d", .fn = f_cosh},
        {.name = "ch_tanh", .types = "d>d", .fn = f_tanh},
        {.name = "ch_asinh", .types = "d>d", .fn = f_asinh},
        {.name = "ch_acosh", .types = "d>d", .fn = f_acosh},
        {.name = "ch_atanh", .types = "d>d", .fn = f_atanh},
        {.name = "ch_degrees", .types = "d>d", .fn = f_degrees},
        {.name = "ch_radians", .types = "d>d", .fn = f_radians},
        {.name = "ch_signum", .types = "d>d", .fn = f_signum},
        {.name = "ch_shift_left", .types = "ii>i", .fn = left_int},
        {.name = "ch_shift_left", .types = "li>l", .fn = left_long},
        {.name = "ch_shift_right", .types = "ii>i", .fn = right_int},
        {.name = "ch_shift_right", .types = "li>l", .fn = right_long},
        {.name = "ch_shift_right_unsigned", .types = "ii>i", .fn = unsigned_int},
        {.name = "ch_shift_right_unsigned", .types = "li>l", .fn = unsigned_long},
        {.name = "ch_round", .types = "di>d", .fn = f_round},
        {.name = "ch_round", .types = "fi>f", .fn = f_round_float},
        {.name = "ch_round", .types = "li>l", .fn = f_round_long},
        {.name = "ch_round", .types = "ii>i", .fn = f_round_int},
        {.name = "ch_bround", .types = "di>d", .fn = f_bround},
        {.name = "ch_bround", .types = "fi>f", .fn = f_bround_float},
        {.name = "ch_bround", .types = "li>l", .fn = f_bround_long},
        {.name = "ch_bround", .types = "ii>i", .fn = f_bround_int},
        {.name = "ch_ceil", .types = "d>l", .fn = f_ceil},
        {.name = "ch_floor", .types = "d>l", .fn = f_floor},
        {.name = "ch_factorial", .types = "i>l", .fn = f_factorial},
        {.name = "ch_width_bucket", .types = "dddl>l", .fn = f_width_bucket},
        {.name = "ch_bin", .types = "l>s", .fn = f_bin},
        {.name = "ch_hex", .types = "l>s", .fn = f_hex_long},
        {.name = "ch_hex", .types = "x>s", .fn = f_hex_bytes},
        {.name = "ch_hex", .types = "s>s", .fn = f_hex_bytes},
        {.name = "ch_unhex", .types = "s>x", .fn = f_unhex},
        {.name = "ch_conv", .types = "sii>s", .fn = f_conv},
    };
    return ch_udf_register(con, ROWS, sizeof ROWS / sizeof *ROWS, err);
}
