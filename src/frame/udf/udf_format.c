/* udf_format.c: numbers as text by patterns: format_number and format_string. */
#include "base/utf8.h"
#include "frame/io/io.h"
#include "frame/type/number_text.h"
#include "frame/udf/udf_util.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers as text ---- */

/* The digits of Double.toString(v), v >= 0: value = 0.d1d2d3... * 10^*exponent. Returns their number. */
static size_t java_digits(double v, char digits[32], int *exponent)
{
    char text[32];
    size_t len = ch_java_double(v, text), n = 0;
    int point = -1, shift = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '.') {
            point = (int)n;
        } else if (text[i] == 'E') {
            shift = atoi(text + i + 1);
            break;
        } else {
            digits[n++] = text[i];
        }
    }
    *exponent = (point < 0 ? (int)n : point) + shift;
    size_t zeros = 0;
    while (zeros + 1 < n && digits[zeros] == '0') zeros++;
    memmove(digits, digits + zeros, n - zeros);
    *exponent -= (int)zeros;
    return n - zeros;
}

/* Thousands separators into the digits before the point. */
static void add_grouped(ch_buf *out, const char *digits, size_t whole, const char *fraction, size_t fraction_len)
{
    for (size_t j = 0; j < whole; j++) {
        if (j && (whole - j) % 3 == 0) ch_buf_char(out, ',');
        ch_buf_char(out, digits[j]);
    }
    if (!fraction_len) return;
    ch_buf_char(out, '.');
    ch_buf_add(out, fraction, fraction_len);
}

/* format_number(x, places): java.text.DecimalFormat "#,###,###,###,###,###,##0.00", ties to even of the exact value. */
static void format_places(ch_buf *out, double x, int places)
{
    if (isnan(x)) {
        ch_buf_str(out, "NaN");
        return;
    }
    if (isinf(x)) {
        ch_buf_str(out, x < 0 ? "-∞" : "∞");
        return;
    }
    if (places > 340) places = 340;
    char text[800];
    int n = snprintf(text, sizeof text, "%.*f", places, fabs(x));
    if (fabs(x) >= 1e17) { /* the digits of Double.toString, then zeros */
        char digits[32];
        int exponent;
        size_t known = java_digits(fabs(x), digits, &exponent);
        for (size_t i = 0; i < (size_t)exponent; i++) text[i] = i < known ? digits[i] : '0';
    }
    size_t whole = strcspn(text, ".");
    if (signbit(x)) ch_buf_char(out, '-');
    add_grouped(out, text, whole, text + whole + 1, places ? (size_t)n - whole - 1 : 0);
}

static void f_format_number(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const double *a = ch_arg(in, 0);
    const int32_t *places = ch_arg(in, 1);
    ch_buf text = {0};
    CH_EACH_ROW(in, out)
    {
        if (places[i] < 0) {
            ch_udf_null(out, i);
            continue;
        }
        ch_buf_clear(&text);
        format_places(&text, a[i], places[i]);
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

/* Of whole numbers, all digits. */
static void f_format_long(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int64_t *a = ch_arg(in, 0);
    const int32_t *places = ch_arg(in, 1);
    ch_buf text = {0}, zeros = {0};
    CH_EACH_ROW(in, out)
    {
        if (places[i] < 0) {
            ch_udf_null(out, i);
            continue;
        }
        char digits[32];
        unsigned long long magnitude = a[i] < 0 ? 0 - (unsigned long long)a[i] : (unsigned long long)a[i];
        int n = snprintf(digits, sizeof digits, "%llu", magnitude);
        ch_buf_clear(&text);
        ch_buf_clear(&zeros);
        for (int k = 0; k < places[i] && k < 340; k++) ch_buf_char(&zeros, '0');
        if (a[i] < 0) ch_buf_char(&text, '-');
        add_grouped(&text, digits, (size_t)n, ch_buf_text(&zeros), zeros.len);
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
    ch_buf_reset(&zeros);
}

/* format_number(x, pattern): # and 0 with a comma for grouping and places behind the point. */
static void f_format_pattern(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const double *a = ch_arg(in, 0);
    const ch_string *pattern = ch_arg(in, 1);
    ch_buf text = {0};
    CH_EACH_ROW(in, out)
    {
        const char *p = ch_string_data(&pattern[i]);
        size_t len = ch_string_len(&pattern[i]), most = 0, least = 0, j = 0;
        bool grouped = memchr(p, ',', len) != NULL;
        while (j < len && p[j] != '.') j++;
        for (j++; j < len; j++) {
            most += p[j] == '0' || p[j] == '#';
            least += p[j] == '0';
        }
        char number[800];
        if (most > 340) most = 340;
        snprintf(number, sizeof number, "%.*f", (int)most, fabs(a[i]));
        size_t whole = strcspn(number, "."), fraction = most;
        while (fraction > least && number[whole + fraction] == '0') fraction--;
        ch_buf_clear(&text);
        if (a[i] < 0) ch_buf_char(&text, '-');
        if (grouped) {
            add_grouped(&text, number, whole, number + whole + 1, fraction);
        } else {
            ch_buf_add(&text, number, whole);
            if (fraction) ch_buf_add(&text, number + whole, fraction + 1);
        }
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
}

/* ---- format_string: java.util.Formatter's common conversions ---- */

typedef struct directive {
    char flags[8];
    int width, precision; /* -1: none */
    char conversion;
    size_t argument; /* explicit index, from 1; 0: the next */
} directive;

static bool read_directive(const char **at, const char *end, directive *d)
{
    const char *p = *at;
    size_t nflags = 0;
    *d = (directive){.width = -1, .precision = -1};
    const char *q = p;
    size_t number = 0;
    while (q < end && isdigit((unsigned char)*q) && number < 100000) number = number * 10 + (size_t)(*q++ - '0');
    if (q < end && *q == '$' && number) {
        d->argument = number;
        p = q + 1;
    }
    while (p < end && strchr("-#+ 0,(", *p) && *p && nflags < sizeof d->flags - 1) d->flags[nflags++] = *p++;
    if (p < end && isdigit((unsigned char)*p)) d->width = 0;
    while (p < end && isdigit((unsigned char)*p) && d->width < 100000) d->width = d->width * 10 + (*p++ - '0');
    if (p < end && *p == '.') {
        d->precision = 0;
        for (p++; p < end && isdigit((unsigned char)*p) && d->precision < 1000;)
            d->precision = d->precision * 10 + (*p++ - '0');
    }
    if (p == end) return false;
    d->conversion = *p;
    *at = p + 1;
    return true;
}

static void add_padded(ch_buf *out, const directive *d, const char *text, size_t len)
{
    size_t chars = ch_utf8_count(text, len), wanted = d->width > 0 ? (size_t)d->width : 0;
    bool left = strchr(d->flags, '-') != NULL;
    for (size_t k = chars; !left && k < wanted; k++) ch_buf_char(out, ' ');
    ch_buf_add(out, text, len);
    for (size_t k = chars; left && k < wanted; k++) ch_buf_char(out, ' ');
}

/* A number with sign, grouping and zero padding by the flags. */
static void add_number(ch_buf *out, const directive *d, bool negative, const char *digits, size_t len)
{
    ch_buf text = {0};
    size_t whole = 0;
    while (whole < len && isdigit((unsigned char)digits[whole])) whole++;
    bool paren = negative && strchr(d->flags, '(');
    const char *sign = paren ? "(" : negative ? "-" : strchr(d->flags, '+') ? "+" : strchr(d->flags, ' ') ? " " : "";
    if (strchr(d->flags, ','))
        add_grouped(&text, digits, whole, NULL, 0);
    else
        ch_buf_add(&text, digits, whole);
    ch_buf_add(&text, digits + whole, len - whole);
    if (paren) ch_buf_char(&text, ')');
    ch_buf all = {0};
    ch_buf_str(&all, sign);
    size_t taken = strlen(sign) + text.len;
    if (strchr(d->flags, '0') && !strchr(d->flags, '-'))
        for (size_t k = taken; d->width > 0 && k < (size_t)d->width; k++) ch_buf_char(&all, '0');
    ch_buf_add(&all, ch_buf_text(&text), text.len);
    add_padded(out, d, ch_buf_text(&all), all.len);
    ch_buf_reset(&text);
    ch_buf_reset(&all);
}

static bool is_whole(ch_kind k)
{
    return k == CH_BYTE || k == CH_SHORT || k == CH_INT || k == CH_LONG;
}

static int64_t whole_at(const ch_column *c, size_t row)
{
    switch (c->type->kind) {
    case CH_BYTE: return ((const int8_t *)c->data)[row];
    case CH_SHORT: return ((const int16_t *)c->data)[row];
    case CH_INT: return ((const int32_t *)c->data)[row];
    default: return ((const int64_t *)c->data)[row];
    }
}

static bool format_whole(ch_buf *out, const directive *d, const ch_column *c, size_t row)
{
    int64_t v = whole_at(c, row);
    char text[32];
    int n;
    if (d->conversion == 'd') {
        n = snprintf(text, sizeof text, "%llu", v < 0 ? 0 - (unsigned long long)v : (unsigned long long)v);
        add_number(out, d, v < 0, text, (size_t)n);
        return true;
    }
    unsigned long long bits = c->type->kind == CH_LONG ? (unsigned long long)v : (unsigned long long)(uint32_t)v;
    n = snprintf(text, sizeof text, d->conversion == 'x' ? "%llx" : d->conversion == 'X' ? "%llX" : "%llo", bits);
    add_number(out, d, false, text, (size_t)n);
    return true;
}

/* Rounds to the first `keep` digits, half up, as Formatter rounds the digits it prints; returns how many there are. */
static size_t round_digits(char *digits, size_t n, int keep, int *exponent)
{
    if (keep < 0) return 0;
    if ((size_t)keep >= n) return n;
    bool up = digits[keep] >= '5';
    size_t i = (size_t)keep;
    for (; up && i > 0; i--) {
        if (digits[i - 1] != '9') {
            digits[i - 1]++;
            break;
        }
        digits[i - 1] = '0';
    }
    if (!up || i > 0) return (size_t)keep;
    digits[0] = '1'; /* 9.99 became 10.0 */
    for (i = 1; i < (size_t)keep; i++) digits[i] = '0';
    ++*exponent;
    return keep ? (size_t)keep : 1;
}

/* %f */
static void add_fixed(ch_buf *out, const char *digits, size_t n, int exponent, int precision)
{
    if (exponent <= 0) ch_buf_char(out, '0');
    for (int at = exponent <= 0 ? exponent : 0; at < exponent + precision; at++) {
        if (at == exponent && precision) ch_buf_char(out, '.');
        ch_buf_char(out, at >= 0 && (size_t)at < n ? digits[at] : '0');
    }
}

/* %e */
static void add_scientific(ch_buf *out, const char *digits, size_t n, int exponent, int precision, bool upper)
{
    bool zero = n == 0 || digits[0] == '0';
    ch_buf_char(out, n ? digits[0] : '0');
    if (precision) ch_buf_char(out, '.');
    for (int i = 1; i <= precision; i++) ch_buf_char(out, (size_t)i < n ? digits[i] : '0');
    int power = zero ? 0 : exponent - 1;
    ch_buf_printf(out, "%c%c%02d", upper ? 'E' : 'e', power < 0 ? '-' : '+', power < 0 ? -power : power);
}

/* java.util.Formatter prints the digits of Double.toString, rounded half up, where C prints those of the exact value.
 */
static bool format_real(ch_buf *out, const directive *d, double v)
{
    int precision = d->precision < 0 ? 6 : d->precision, exponent;
    if (!isfinite(v)) {
        const char *name = isnan(v) ? "NaN" : v < 0 ? "-Infinity" : "Infinity";
        add_padded(out, d, name, strlen(name));
        return true;
    }
    char digits[32], conversion = d->conversion;
    size_t n = java_digits(fabs(v), digits, &exponent);
    if (conversion == 'g') {
        if (!precision) precision = 1;
        n = round_digits(digits, n, precision, &exponent);
        bool fixed = v == 0 || (exponent > -4 && exponent <= precision);
        conversion = fixed ? 'f' : 'e';
        precision -= fixed ? (v == 0 ? 1 : exponent) : 1;
    }
    ch_buf text = {0};
    if (conversion == 'f') {
        n = round_digits(digits, n, exponent + precision, &exponent);
        add_fixed(&text, digits, n, exponent, precision);
    } else {
        n = round_digits(digits, n, precision + 1, &exponent);
        add_scientific(&text, digits, n, exponent, precision, conversion == 'E');
    }
    add_number(out, d, signbit(v), ch_buf_text(&text), text.len);
    ch_buf_reset(&text);
    return true;
}

static bool format_value(ch_buf *out, const directive *d, const ch_column *c, size_t row)
{
    bool there = ch_column_valid(c, row);
    char lower = (char)tolower((unsigned char)d->conversion);
    if (lower == 's' || !there || (lower == 'b' && c->type->kind != CH_BOOLEAN)) {
        ch_buf text = {0};
        if (lower == 'b')
            ch_buf_str(&text, there ? "true" : "false");
        else if (!there)
            ch_buf_str(&text, "null");
        else
            ch_value_text(&text, c, row, CH_TEXT_CAST, ch_timezone_utc());
        size_t len = text.len;
        if (d->precision >= 0) len = ch_utf8_bytes(ch_buf_text(&text), text.len, (size_t)d->precision);
        if (d->conversion == 'S')
            for (size_t k = 0; k < len; k++) text.data[k] = (char)toupper((unsigned char)text.data[k]);
        add_padded(out, d, ch_buf_text(&text), len);
        ch_buf_reset(&text);
        return true;
    }
    if (strchr("dxXo", d->conversion)) return is_whole(c->type->kind) && format_whole(out, d, c, row);
    if (strchr("feEg", d->conversion)) {
        if (c->type->kind == CH_DOUBLE) return format_real(out, d, ((const double *)c->data)[row]);
        if (c->type->kind == CH_FLOAT) return format_real(out, d, (double)((const float *)c->data)[row]);
        return false;
    }
    if (lower == 'b')
        return format_value(out, &(directive){.conversion = 's', .width = d->width, .precision = -1}, c, row);
    if (lower == 'c' && is_whole(c->type->kind)) {
        ch_buf text = {0};
        ch_utf8_add(&text, (uint32_t)whole_at(c, row));
        add_padded(out, d, ch_buf_text(&text), text.len);
        ch_buf_reset(&text);
        return true;
    }
    return false;
}

/* What a directive found: no argument, or one that it cannot show. */
typedef struct misfit {
    char conversion;
    const ch_column *argument;
} misfit;

static const char *java_class(ch_kind k)
{
    switch (k) {
    case CH_BOOLEAN: return "java.lang.Boolean";
    case CH_BYTE: return "java.lang.Byte";
    case CH_SHORT: return "java.lang.Short";
    case CH_INT:
    case CH_DATE: return "java.lang.Integer";
    case CH_LONG:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: return "java.lang.Long";
    case CH_FLOAT: return "java.lang.Float";
    case CH_DOUBLE: return "java.lang.Double";
    case CH_DECIMAL: return "org.apache.spark.sql.types.Decimal";
    case CH_STRING: return "org.apache.spark.unsafe.types.UTF8String";
    default: return NULL;
    }
}

static bool format_row(ch_buf *out, const char *format, size_t len, const ch_column *args, size_t n, size_t row,
                       misfit *bad)
{
    size_t next = 0;
    const char *end = format + len;
    for (const char *p = format; p < end;) {
        if (*p != '%') {
            ch_buf_char(out, *p++);
            continue;
        }
        p++;
        directive d;
        *bad = (misfit){.conversion = '%'};
        if (!read_directive(&p, end, &d)) return false;
        bad->conversion = d.conversion;
        if (d.conversion == '%') {
            add_padded(out, &d, "%", 1);
            continue;
        }
        if (d.conversion == 'n') {
            ch_buf_char(out, '\n');
            continue;
        }
        size_t index = d.argument ? d.argument - 1 : next++;
        if (index >= n || !strchr("sSdxXofeEgbBcC", d.conversion)) return false;
        bad->argument = &args[index];
        if (!format_value(out, &d, &args[index], row)) return false;
    }
    return true;
}

static void f_format_string(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    idx_t columns = duckdb_data_chunk_get_column_count(in), rows = duckdb_data_chunk_get_size(in);
    ch_arena *arena = ch_arena_new();
    ch_column *args = CH_NEW_ARRAY(arena, ch_column, columns);
    for (idx_t c = 1; c < columns; c++) {
        duckdb_vector v = duckdb_data_chunk_get_vector(in, c);
        duckdb_logical_type engine_type = duckdb_vector_get_column_type(v);
        const ch_type *type = ch_type_of_engine(arena, engine_type);
        duckdb_destroy_logical_type(&engine_type);
        ch_column_wrap(arena, v, type ? type : &ch_type_null, rows, false, &args[c - 1]);
    }
    const ch_string *format = ch_arg(in, 0);
    const uint64_t *valid = ch_arg_mask(in, 0);
    ch_buf text = {0};
    for (idx_t i = 0; i < rows; i++) {
        misfit bad = {0};
        if (!ch_bit(valid, i)) {
            ch_udf_null(out, i);
            continue;
        }
        ch_buf_clear(&text);
        if (!format_row(&text, CH_TEXT(format), args, (size_t)columns - 1, i, &bad)) {
            ch_error err;
            const char *class = bad.argument ? java_class(bad.argument->type->kind) : NULL;
            if (class)
                ch_failf(&err, CH_E_ILLEGAL_ARGUMENT, "%c != %s", bad.conversion, class);
            else
                ch_failf(&err, CH_E_ILLEGAL_ARGUMENT, "Format specifier '%%%c'", bad.conversion);
            ch_engine_raise(info, &err);
            break;
        }
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
    ch_arena_free(arena);
}

int ch_register_format(duckdb_connection con, ch_error *err)
{
    static const ch_udf ROWS[] = {
        {.name = "ch_format_number", .types = "di>s", .fn = f_format_number},
        {.name = "ch_format_number", .types = "li>s", .fn = f_format_long},
        {.name = "ch_format_number", .types = "ds>s", .fn = f_format_pattern},
        {.name = "ch_format_string", .types = "sA*>s", .fn = f_format_string, .flags = CH_UDF_NULLS},
    };
    return ch_udf_register(con, ROWS, sizeof ROWS / sizeof *ROWS, err);
}
