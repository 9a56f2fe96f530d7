/* udf_cast.c: casts whose meaning DuckDB does not share: strings to numbers by Spark's grammar, numbers to narrower
 * ones by truncation with an error on overflow, floating point and dates to text as Java writes them.
 *
 * Each comes as ch_cast_<type>, which raises Spark's errors, ch_try_<type>, which gives NULL, and ch_legacy_<type>, the
 * same with the looser grammar of spark.sql.ansi.enabled=false. */
#include "frame/io/io.h"
#include "frame/type/datetime.h"
#include "frame/type/number_text.h"
#include "frame/udf/udf_util.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef enum cast_mode { RAISE, TRY, LEGACY } cast_mode;

/* An integral type and what to do with what does not fit it. */
typedef struct integral {
    int size;
    int64_t low, high;
    const char *name;
    cast_mode mode;
} integral;

static const integral BYTES[] = {{1, INT8_MIN, INT8_MAX, "TINYINT", RAISE},
                                 {1, INT8_MIN, INT8_MAX, "TINYINT", TRY},
                                 {1, INT8_MIN, INT8_MAX, "TINYINT", LEGACY}};
static const integral SHORTS[] = {{2, INT16_MIN, INT16_MAX, "SMALLINT", RAISE},
                                  {2, INT16_MIN, INT16_MAX, "SMALLINT", TRY},
                                  {2, INT16_MIN, INT16_MAX, "SMALLINT", LEGACY}};
static const integral INTS[] = {{4, INT32_MIN, INT32_MAX, "INT", RAISE},
                                {4, INT32_MIN, INT32_MAX, "INT", TRY},
                                {4, INT32_MIN, INT32_MAX, "INT", LEGACY}};
static const integral LONGS[] = {{8, INT64_MIN, INT64_MAX, "BIGINT", RAISE},
                                 {8, INT64_MIN, INT64_MAX, "BIGINT", TRY},
                                 {8, INT64_MIN, INT64_MAX, "BIGINT", LEGACY}};

static inline void store(void *data, int size, idx_t row, int64_t value)
{
    switch (size) {
    case 1: ((int8_t *)data)[row] = (int8_t)value; break;
    case 2: ((int16_t *)data)[row] = (int16_t)value; break;
    case 4: ((int32_t *)data)[row] = (int32_t)value; break;
    default: ((int64_t *)data)[row] = value; break;
    }
}

static void overflow(duckdb_function_info info, const char *value, const char *from, const char *to)
{
    ch_error err;
    char source[64], target[64];
    snprintf(source, sizeof source, "\"%s\"", from);
    snprintf(target, sizeof target, "\"%s\"", to);
    ch_raise(&err, "CAST_OVERFLOW", "value", value, "sourceType", source, "targetType", target, "ansiConfig",
             "\"spark.sql.ansi.enabled\"", (char *)NULL);
    ch_engine_raise(info, &err);
}

/* ---- to integral types ---- */

static void string_to_integral(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const integral *t = ch_udf_extra(info);
    const ch_string *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    void *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        int64_t value = 0;
        bool good = ch_parse_long(ch_string_data(&a[i]), ch_string_len(&a[i]), t->mode == LEGACY, &value) &&
                    value >= t->low && value <= t->high;
        if (good) {
            store(data, t->size, i, value);
        } else if (t->mode == RAISE) {
            ch_udf_bad_cast(info, ch_string_data(&a[i]), ch_string_len(&a[i]), t->name, 0);
            return;
        } else {
            ch_udf_null(out, i);
        }
    }
}

/* Java's conversion of floating point to integral types: toward zero, at the limits when it does not fit, 0 for NaN;
 * narrow types by way of int. */
static int64_t java_integral(double value, const integral *t)
{
    if (isnan(value)) return 0;
    if (t->size == 8) {
        if (value >= 0x1p63) return INT64_MAX;
        return value < -0x1p63 ? INT64_MIN : (int64_t)value;
    }
    int32_t whole = value >= 0x1p31 ? INT32_MAX : value < -0x1p31 ? INT32_MIN : (int32_t)value;
    return t->size == 1 ? (int8_t)whole : t->size == 2 ? (int16_t)whole : whole;
}

static bool double_fits(double value, const integral *t)
{
    if (t->size == 8) return floor(value) <= 0x1p63 - 1 && ceil(value) >= -0x1p63;
    return floor(value) <= (double)t->high && ceil(value) >= (double)t->low;
}

static void double_overflow(duckdb_function_info info, double value, bool single, const integral *t)
{
    char text[64], number[32];
    size_t len = single ? ch_java_float((float)value, number) : ch_java_double(value, number);
    if (single)
        snprintf(text, sizeof text, "CAST(%.*s AS FLOAT)", (int)len, number);
    else
        snprintf(text, sizeof text, "%.*s%s", (int)len, number, isfinite(value) ? "D" : "");
    overflow(info, text, single ? "FLOAT" : "DOUBLE", t->name);
}

#define REAL_TO_INTEGRAL(name, real, single)                                                                           \
    static void name(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)                               \
    {                                                                                                                  \
        const integral *t = ch_udf_extra(info);                                                                        \
        const real *a = ch_arg(in, 0);                                                                                 \
        const uint64_t *mask = ch_udf_mask(in, out);                                                                   \
        void *data = duckdb_vector_get_data(out);                                                                      \
        idx_t rows = duckdb_data_chunk_get_size(in);                                                                   \
        for (idx_t i = 0; i < rows; i++) {                                                                             \
            if (!ch_bit(mask, i)) continue;                                                                            \
            double value = (double)a[i];                                                                               \
            if (t->mode == LEGACY) {                                                                                   \
                store(data, t->size, i, java_integral(value, t));                                                      \
            } else if (double_fits(value, t)) {                                                                        \
                store(data, t->size, i, (int64_t)value);                                                               \
            } else if (t->mode == RAISE) {                                                                             \
                double_overflow(info, value, single, t);                                                               \
                return;                                                                                                \
            } else {                                                                                                   \
                ch_udf_null(out, i);                                                                                   \
            }                                                                                                          \
        }                                                                                                              \
    }

REAL_TO_INTEGRAL(double_to_integral, double, false)
REAL_TO_INTEGRAL(float_to_integral, float, true)

#define NARROW(fn_, wide, type_name, suffix)                                                                           \
    static void fn_(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)                                \
    {                                                                                                                  \
        const integral *t = ch_udf_extra(info);                                                                        \
        const wide *a = ch_arg(in, 0);                                                                                 \
        const uint64_t *mask = ch_udf_mask(in, out);                                                                   \
        void *data = duckdb_vector_get_data(out);                                                                      \
        idx_t rows = duckdb_data_chunk_get_size(in);                                                                   \
        for (idx_t i = 0; i < rows; i++) {                                                                             \
            int64_t value = a[i];                                                                                      \
            if (t->mode == LEGACY || (value >= t->low && value <= t->high)) {                                          \
                store(data, t->size, i, value);                                                                        \
            } else if (!ch_bit(mask, i)) {                                                                             \
                continue;                                                                                              \
            } else if (t->mode == RAISE) {                                                                             \
                char text[40];                                                                                         \
                snprintf(text, sizeof text, "%lld" suffix, (long long)value);                                          \
                overflow(info, text, type_name, t->name);                                                              \
                return;                                                                                                \
            } else {                                                                                                   \
                ch_udf_null(out, i);                                                                                   \
            }                                                                                                          \
        }                                                                                                              \
    }

NARROW(long_to_integral, int64_t, "BIGINT", "L")
NARROW(int_to_integral, int32_t, "INT", "")
NARROW(short_to_integral, int16_t, "SMALLINT", "S")

/* Decimals lose their fraction. */
static void decimal_to_integral(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const integral *t = ch_udf_extra(info);
    const uint64_t *mask = ch_udf_mask(in, out);
    ch_decimal_in d;
    if (!ch_decimal_open(duckdb_data_chunk_get_vector(in, 0), &d)) return;
    void *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    ch_int128 unit = ch_pow10(d.scale);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        ch_int128 value = ch_decimal_get(&d, i), whole = value / unit;
        if (t->mode == LEGACY || (whole >= t->low && whole <= t->high)) {
            store(data, t->size, i, (int64_t)whole);
        } else if (t->mode == RAISE) {
            ch_buf text = {0};
            char type[40];
            ch_decimal_text(&text, value, d.scale);
            ch_buf_str(&text, "BD");
            snprintf(type, sizeof type, "DECIMAL(%d,%d)", d.precision, d.scale);
            overflow(info, ch_buf_text(&text), type, t->name);
            ch_buf_reset(&text);
            return;
        } else {
            ch_udf_null(out, i);
        }
    }
}

/* ---- to floating point ---- */

static const cast_mode MODES[] = {RAISE, TRY, LEGACY};

static void string_to_double(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    cast_mode mode = *(const cast_mode *)ch_udf_extra(info);
    const ch_string *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    double *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i) || ch_parse_double(ch_string_data(&a[i]), ch_string_len(&a[i]), &data[i])) continue;
        if (mode == RAISE) {
            ch_udf_bad_cast(info, ch_string_data(&a[i]), ch_string_len(&a[i]), "DOUBLE", 0);
            return;
        }
        ch_udf_null(out, i);
    }
}

static void string_to_float(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    cast_mode mode = *(const cast_mode *)ch_udf_extra(info);
    const ch_string *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    float *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i) || ch_parse_float(ch_string_data(&a[i]), ch_string_len(&a[i]), &data[i])) continue;
        if (mode == RAISE) {
            ch_udf_bad_cast(info, ch_string_data(&a[i]), ch_string_len(&a[i]), "FLOAT", 0);
            return;
        }
        ch_udf_null(out, i);
    }
}

/* double to float: what does not fit is infinite. */
static void narrow_double(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const double *a = ch_arg(in, 0);
    float *data = duckdb_vector_get_data(out);
    ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) data[i] = (float)a[i];
}

/* ---- to decimals: ch_cast_dec<scale>(anything, precision) ---- */

/* A value as text: what decimals are read from when it is no decimal. */
typedef struct text_in {
    duckdb_type type;
    const void *data;
} text_in;

static size_t value_text(const text_in *in, idx_t row, char number[32], const char **text)
{
    const ch_string *s = in->data;
    *text = number;
    switch (in->type) {
    case DUCKDB_TYPE_DOUBLE: return ch_java_double(((const double *)in->data)[row], number);
    case DUCKDB_TYPE_FLOAT: return ch_java_double((double)((const float *)in->data)[row], number);
    default: *text = ch_string_data(&s[row]); return ch_string_len(&s[row]);
    }
}

static void out_of_range(duckdb_function_info info, const char *value, int precision, int scale)
{
    ch_error err;
    char p[12], s[12];
    snprintf(p, sizeof p, "%d", precision);
    snprintf(s, sizeof s, "%d", scale);
    ch_raise(&err, "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION", "value", value, "precision", p, "scale", s, "config",
             "\"spark.sql.ansi.enabled\"", (char *)NULL);
    ch_engine_raise(info, &err);
}

typedef struct decimal_target {
    int scale;
    cast_mode mode;
} decimal_target;

static void text_to_decimal(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out, const text_in *from,
                            const uint64_t *mask)
{
    const decimal_target *t = ch_udf_extra(info);
    const int32_t *precision = ch_arg(in, 1);
    ch_int128 *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        char number[32];
        const char *text;
        size_t len = value_text(from, i, number, &text);
        int status = ch_parse_decimal(text, len, precision[i], t->scale, &data[i]);
        if (status == 0) continue;
        bool real = text == number; /* NaN and infinity become NULL */
        if (t->mode != RAISE || (real && status == 1)) {
            ch_udf_null(out, i);
            continue;
        }
        ch_buf shown = {0};
        if (status == 1) {
            char type[40];
            snprintf(type, sizeof type, "DECIMAL(%d,%d)", precision[i], t->scale);
            ch_udf_bad_cast(info, text, len, type, 0);
        } else {
            ch_plain_decimal(&shown, text, len);
            out_of_range(info, ch_buf_text(&shown), precision[i], t->scale);
        }
        ch_buf_reset(&shown);
        return;
    }
}

/* value * 10^(to - from), rounded half up; false when it needs more digits than `precision`. */
static bool rescale(ch_int128 value, int from, int to, int precision, ch_int128 *out)
{
    if (to >= from) {
        ch_int128 factor = ch_pow10(to - from);
        if (__builtin_mul_overflow(value, factor, out)) return false;
    } else {
        ch_int128 unit = ch_pow10(from - to), half = unit / 2, rest = value % unit;
        *out = value / unit;
        if (rest >= half)
            *out += 1;
        else if (rest <= -half)
            *out -= 1;
    }
    ch_int128 limit = precision < 38 ? ch_pow10(precision) : ch_pow10(37) * 10;
    return *out<limit && * out> - limit;
}

static void any_to_decimal(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const decimal_target *t = ch_udf_extra(info);
    const uint64_t *mask = ch_udf_mask(in, out);
    duckdb_vector arg = duckdb_data_chunk_get_vector(in, 0);
    ch_decimal_in d;
    if (!ch_decimal_open(arg, &d)) {
        duckdb_logical_type type = duckdb_vector_get_column_type(arg);
        text_in from = {duckdb_get_type_id(type), duckdb_vector_get_data(arg)};
        duckdb_destroy_logical_type(&type);
        text_to_decimal(info, in, out, &from, mask);
        return;
    }
    const int32_t *precision = ch_arg(in, 1);
    ch_int128 *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        ch_int128 value = ch_decimal_get(&d, i);
        if (rescale(value, d.scale, t->scale, precision[i], &data[i])) continue;
        if (t->mode == RAISE) {
            ch_buf shown = {0};
            ch_decimal_text(&shown, value, d.scale);
            out_of_range(info, ch_buf_text(&shown), precision[i], t->scale);
            ch_buf_reset(&shown);
            return;
        }
        ch_udf_null(out, i);
    }
}

/* ---- to boolean, dates and timestamps ---- */

static int boolean_of(const char *text, size_t len)
{
    static const char *const TRUE_WORDS[] = {"t", "true", "y", "yes", "1"}, *const FALSE_WORDS[] = {"f", "false", "n",
                                                                                                    "no", "0"};
    ch_trim_text(&text, &len);
    for (size_t i = 0; i < 5; i++) {
        if (strlen(TRUE_WORDS[i]) == len && strncasecmp(TRUE_WORDS[i], text, len) == 0) return 1;
        if (strlen(FALSE_WORDS[i]) == len && strncasecmp(FALSE_WORDS[i], text, len) == 0) return 0;
    }
    return -1;
}

static void string_to_boolean(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    cast_mode mode = *(const cast_mode *)ch_udf_extra(info);
    const ch_string *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    bool *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        int value = boolean_of(ch_string_data(&a[i]), ch_string_len(&a[i]));
        if (value >= 0) {
            data[i] = value;
        } else if (mode == RAISE) {
            ch_udf_bad_cast(info, ch_string_data(&a[i]), ch_string_len(&a[i]), "BOOLEAN", CH_E_RUNTIME);
            return;
        } else {
            ch_udf_null(out, i);
        }
    }
}

static void string_to_date(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    cast_mode mode = *(const cast_mode *)ch_udf_extra(info);
    const ch_string *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    int32_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i) || ch_parse_date(ch_string_data(&a[i]), ch_string_len(&a[i]), &data[i])) continue;
        if (mode == RAISE) {
            ch_udf_bad_cast(info, ch_string_data(&a[i]), ch_string_len(&a[i]), "DATE", CH_E_DATETIME);
            return;
        }
        ch_udf_null(out, i);
    }
}

static void string_to_timestamp(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    cast_mode mode = *(const cast_mode *)ch_udf_extra(info);
    const ch_timezone *zone = ch_udf_zone(info, in, 1);
    if (!zone) return;
    const ch_string *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i) || ch_parse_timestamp(ch_string_data(&a[i]), ch_string_len(&a[i]), zone, &data[i]))
            continue;
        if (mode == RAISE) {
            ch_udf_bad_cast(info, ch_string_data(&a[i]), ch_string_len(&a[i]), "TIMESTAMP", CH_E_DATETIME);
            return;
        }
        ch_udf_null(out, i);
    }
}

static void string_to_ntz(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    cast_mode mode = *(const cast_mode *)ch_udf_extra(info);
    const ch_string *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i) || ch_parse_timestamp_ntz(ch_string_data(&a[i]), ch_string_len(&a[i]), true, &data[i]))
            continue;
        if (mode == RAISE) {
            ch_udf_bad_cast(info, ch_string_data(&a[i]), ch_string_len(&a[i]), "TIMESTAMP_NTZ", CH_E_DATETIME);
            return;
        }
        ch_udf_null(out, i);
    }
}

/* ---- to text ---- */

static void double_to_string(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const double *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    char text[32];
    for (idx_t i = 0; i < rows; i++)
        if (ch_bit(mask, i)) ch_udf_string(out, i, text, ch_java_double(a[i], text));
}

static void float_to_string(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const float *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    char text[32];
    for (idx_t i = 0; i < rows; i++)
        if (ch_bit(mask, i)) ch_udf_string(out, i, text, ch_java_float(a[i], text));
}

static void date_to_string(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int32_t *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    char text[CH_DATE_TEXT];
    for (idx_t i = 0; i < rows; i++)
        if (ch_bit(mask, i)) ch_udf_string(out, i, text, ch_date_text(text, a[i]));
}

static void timestamp_to_string(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int64_t *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    char text[CH_TIMESTAMP_TEXT];
    for (idx_t i = 0; i < rows; i++)
        if (ch_bit(mask, i)) ch_udf_string(out, i, text, ch_timestamp_text(text, a[i], NULL));
}

/* Bytes are taken as they are; what is no UTF-8 becomes U+FFFD, as Java's decoder has it. */
static void blob_to_string(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    ch_buf text = {0};
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        duckdb_error_data valid = duckdb_valid_utf8_check(ch_string_data(&a[i]), ch_string_len(&a[i]));
        if (!valid) {
            ch_udf_string(out, i, ch_string_data(&a[i]), ch_string_len(&a[i]));
            continue;
        }
        duckdb_destroy_error_data(&valid);
        ch_buf_clear(&text);
        for (size_t j = 0; j < ch_string_len(&a[i]); j++) {
            char c = ch_string_data(&a[i])[j];
            if ((unsigned char)c < 0x80)
                ch_buf_char(&text, c);
            else
                ch_buf_str(&text, "\xEF\xBF\xBD");
        }
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

/* ch_text(value, type, zone): nested values and intervals. */
static void any_to_string(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_timezone *zone = ch_udf_zone(info, in, 2);
    if (!zone) return;
    idx_t rows = duckdb_data_chunk_get_size(in);
    const uint64_t *mask = ch_udf_mask(in, out);
    ch_arena *arena = ch_arena_new();
    ch_column column = {0};
    ch_column_wrap(arena, duckdb_data_chunk_get_vector(in, 0), ch_udf_bound_type(info), rows, false, &column);
    ch_buf text = {0};
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        ch_buf_clear(&text);
        ch_value_text(&text, &column, i, CH_TEXT_CAST, zone);
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
    ch_arena_free(arena);
}

/* ---- registering ---- */

static int register_integral(duckdb_connection con, const char *type, const char *letter, const integral *targets,
                             ch_error *err)
{
    static const char *const PREFIXES[] = {"ch_cast_", "ch_try_", "ch_legacy_"};
    for (size_t m = 0; m < 3; m++) {
        char name[40], decimal[40], types[6][8];
        static const char SOURCES[] = "sdflih";
        static const duckdb_scalar_function_t FUNCTIONS[] = {string_to_integral, double_to_integral, float_to_integral,
                                                             long_to_integral,   int_to_integral,    short_to_integral};
        ch_udf rows[7] = {{0}};
        snprintf(name, sizeof name, "%s%s", PREFIXES[m], type);
        snprintf(decimal, sizeof decimal, "%sdec_%s", PREFIXES[m], type);
        for (size_t i = 0; i < 6; i++) {
            snprintf(types[i], sizeof types[i], "%c>%s", SOURCES[i], letter);
            rows[i] = (ch_udf){.name = name, .types = types[i], .fn = FUNCTIONS[i], .extra = &targets[m]};
        }
        char any[8];
        snprintf(any, sizeof any, "A>%s", letter);
        rows[6] = (ch_udf){.name = decimal, .types = any, .fn = decimal_to_integral, .extra = &targets[m]};
        CH_TRY(ch_udf_register(con, rows, 7, err));
    }
    return CH_OK;
}

static int register_decimals(duckdb_connection con, ch_error *err)
{
    static decimal_target targets[2][39];
    for (int m = 0; m < 2; m++) {
        for (int s = 0; s <= 38; s++) {
            char name[24];
            targets[m][s] = (decimal_target){s, m ? TRY : RAISE};
            snprintf(name, sizeof name, "ch_%s_dec%d", m ? "try" : "cast", s);
            ch_udf row = {.name = name, .types = "Ai>m", .fn = any_to_decimal, .extra = &targets[m][s], .scale = s};
            CH_TRY(ch_udf_register(con, &row, 1, err));
        }
    }
    return CH_OK;
}

int ch_register_cast(duckdb_connection con, ch_error *err)
{
#define THREE(type, types_, fn_)                                                                                       \
    {.name = "ch_cast_" type, .types = types_, .fn = fn_, .extra = &MODES[0]},                                         \
        {.name = "ch_try_" type, .types = types_, .fn = fn_, .extra = &MODES[1]},                                      \
    {                                                                                                                  \
        .name = "ch_legacy_" type, .types = types_, .fn = fn_, .extra = &MODES[2]                                      \
    }
    static const ch_udf ROWS[] = {
        THREE("double", "s>d", string_to_double),
        THREE("float", "s>f", string_to_float),
        THREE("boolean", "s>b", string_to_boolean),
        THREE("date", "s>D", string_to_date),
        THREE("timestamp", "ss>Z", string_to_timestamp),
        THREE("ntz", "s>T", string_to_ntz),
        {.name = "ch_narrow", .types = "d>f", .fn = narrow_double},
        {.name = "ch_str", .types = "d>s", .fn = double_to_string},
        {.name = "ch_str", .types = "f>s", .fn = float_to_string},
        {.name = "ch_str", .types = "D>s", .fn = date_to_string},
        {.name = "ch_str", .types = "T>s", .fn = timestamp_to_string},
        {.name = "ch_str", .types = "x>s", .fn = blob_to_string},
        {.name = "ch_text", .types = "Ass>s", .fn = any_to_string, .bind = ch_udf_bind_type},
    };
#undef THREE
    CH_TRY(ch_udf_register(con, ROWS, sizeof ROWS / sizeof *ROWS, err));
    CH_TRY(register_integral(con, "byte", "y", BYTES, err));
    CH_TRY(register_integral(con, "short", "h", SHORTS, err));
    CH_TRY(register_integral(con, "int", "i", INTS, err));
    CH_TRY(register_integral(con, "long", "l", LONGS, err));
    return register_decimals(con, err);
}
