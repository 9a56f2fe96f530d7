/* value_text.c: the text of values, as Spark's casts to string and df.show() print them (ToStringBase, ToPrettyString,
 * IntervalUtils, and breeze for matrices). */
#include "frame/io/io.h"
#include "frame/type/datetime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct text_format {
    ch_text_style style;
    const ch_timezone *zone;
} text_format;

/* --- numbers and intervals -------------------------------------------------------------------------------------------
 */

static void add_digits(ch_buf *out, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0) digits[--at] = '-';
    ch_buf_add(out, digits + at, sizeof digits - at);
}

void ch_decimal_text(ch_buf *out, ch_int128 unscaled, int scale)
{
    char digits[48];
    size_t n = 0;
    bool negative = unscaled < 0;
    do {
        int digit = (int)(unscaled % 10);
        digits[n++] = (char)('0' + (digit < 0 ? -digit : digit));
        unscaled /= 10;
    } while (unscaled || n <= (size_t)scale);
    if (negative) ch_buf_char(out, '-');
    while (n) {
        if (n == (size_t)scale) ch_buf_char(out, '.');
        ch_buf_char(out, digits[--n]);
    }
}

static ch_int128 decimal_value(const ch_column *c, size_t row)
{
    if (c->type->precision <= 4) return ((const int16_t *)c->data)[row];
    if (c->type->precision <= 9) return ((const int32_t *)c->data)[row];
    if (c->type->precision <= 18) return ((const int64_t *)c->data)[row];
    return ((const ch_int128 *)c->data)[row];
}

/* Microseconds as seconds without trailing zeros of the fraction: "7.5", "-0.5", "3". */
static void add_seconds(ch_buf *out, int64_t micros)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%s%lld.%06lld", micros < 0 ? "-" : "", (long long)llabs(micros / 1000000),
                       (long long)llabs(micros % 1000000));
    while (text[len - 1] == '0') len--;
    if (text[len - 1] == '.') len--;
    ch_buf_add(out, text, (size_t)len);
}

/* INTERVAL '1 02:03:04.5' DAY TO SECOND. Fields: 0 day .. 3 second. */
static void add_day_time(ch_buf *out, const ch_type *type, const ch_interval *v)
{
    static const int64_t UNIT[] = {INT64_C(86400000000), INT64_C(3600000000), 60000000, 1};
    ch_int128 total = (ch_int128)v->days * UNIT[0] + v->micros;
    bool negative = total < 0;
    uint64_t rest = (uint64_t)(negative ? -total : total);
    ch_buf_str(out, negative ? "INTERVAL '-" : "INTERVAL '");
    for (int field = type->precision; field <= type->scale; field++) {
        if (field > type->precision) ch_buf_char(out, field == 1 ? ' ' : ':');
        if (field == 3) {
            if (rest < 10000000) ch_buf_char(out, '0');
            add_seconds(out, (int64_t)rest);
        } else {
            ch_buf_printf(out, field == 0 ? "%llu" : "%02llu", (unsigned long long)(rest / (uint64_t)UNIT[field]));
            rest %= (uint64_t)UNIT[field];
        }
    }
    ch_buf_char(out, '\'');
}

static void add_year_month(ch_buf *out, const ch_type *type, const ch_interval *v)
{
    int64_t months = llabs((long long)v->months);
    ch_buf_str(out, v->months < 0 ? "INTERVAL '-" : "INTERVAL '");
    if (type->precision == 1) {
        ch_buf_printf(out, "%lld'", (long long)months);
    } else if (type->scale == 0) {
        ch_buf_printf(out, "%lld'", (long long)(months / 12));
    } else {
        ch_buf_printf(out, "%lld-%lld'", (long long)(months / 12), (long long)(months % 12));
    }
}

/* The words after the quoted part: " DAY TO SECOND". */
static void add_interval_fields(ch_buf *out, const ch_type *type)
{
    ch_buf name = {0};
    ch_type_sql(&name, type); /* "INTERVAL DAY TO SECOND" */
    ch_buf_str(out, ch_buf_text(&name) + strlen("INTERVAL"));
    ch_buf_reset(&name);
}

static void add_calendar_interval(ch_buf *out, const ch_interval *v)
{
    const struct {
        int64_t value;
        const char *unit;
    } parts[] = {
        {v->months / 12, "years"},
        {v->months % 12, "months"},
        {v->days, "days"},
        {v->micros / INT64_C(3600000000), "hours"},
        {v->micros % INT64_C(3600000000) / 60000000, "minutes"},
    };
    size_t start = out->len;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].value) ch_buf_printf(out, "%lld %s ", (long long)parts[i].value, parts[i].unit);
    }
    int64_t rest = v->micros % 60000000;
    if (rest || out->len == start) {
        add_seconds(out, rest);
        ch_buf_str(out, " seconds");
    } else {
        out->data[--out->len] = '\0'; /* the last space */
    }
}

/* --- vectors and matrices ----------------------------------------------------------------------------------------- */

/* The elements of a list field of a UDT in one row. */
static const void *list_items(const ch_column *list, size_t row, size_t item_size, size_t *n)
{
    const ch_list *entry = (const ch_list *)list->data + row;
    *n = ch_column_valid(list, row) ? entry->length : 0;
    return (const char *)list->child[0].data + (*n ? entry->offset * item_size : 0);
}

static void add_doubles(ch_buf *out, const double *values, size_t n)
{
    ch_buf_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i) ch_buf_char(out, ',');
        ch_buf_java_double(out, values[i]);
    }
    ch_buf_char(out, ']');
}

static void add_vector(ch_buf *out, const ch_column *c, size_t row)
{
    bool dense = ((const int8_t *)c->child[0].data)[row] == 1;
    size_t nvalue, nindex;
    const double *values = list_items(&c->child[3], row, sizeof(double), &nvalue);
    if (dense) {
        add_doubles(out, values, nvalue);
        return;
    }
    const int32_t *indices = list_items(&c->child[2], row, sizeof(int32_t), &nindex);
    ch_buf_char(out, '(');
    add_digits(out, ((const int32_t *)c->child[1].data)[row]);
    ch_buf_str(out, ",[");
    for (size_t i = 0; i < nindex; i++) {
        if (i) ch_buf_char(out, ',');
        add_digits(out, indices[i]);
    }
    ch_buf_str(out, "],");
    add_doubles(out, values, nvalue);
    ch_buf_char(out, ')');
}

typedef struct matrix_view {
    size_t rows, cols, nvalue, nindex, npointer;
    const double *values;
    const int32_t *indices, *pointers;
    bool transposed;
} matrix_view;

static size_t cell_text(const matrix_view *m, size_t row, size_t col, char text[32])
{
    size_t at = m->transposed ? row * m->cols + col : col * m->rows + row;
    return at < m->nvalue ? ch_java_double(m->values[at], text) : 0;
}

/* breeze's DenseMatrix.toString for a terminal of 80 columns: padded columns, the last ones replaced by a count. */
static void add_dense_matrix(ch_buf *out, const matrix_view *m)
{
    enum { WIDTH = 80 };
    char text[32];
    size_t *widths = calloc(WIDTH, sizeof *widths), shown = 0, sum = 0;
    if (!widths || m->rows == 0) {
        free(widths);
        return;
    }
    for (; shown < m->cols && sum < WIDTH; shown++) {
        for (size_t r = 0; r < m->rows; r++) {
            size_t len = cell_text(m, r, shown, text) + 2;
            if (len > widths[shown]) widths[shown] = len;
        }
        sum += widths[shown];
    }
    if (shown < m->cols) {
        size_t digits = (size_t)snprintf(text, sizeof text, "%zu", m->cols);
        while (shown && sum + digits + 12 >= WIDTH) sum -= widths[--shown];
        if (!shown) ch_buf_printf(out, "%zu x %zu matrix", m->rows, m->cols);
    }
    for (size_t r = 0; shown && r < m->rows; r++) {
        if (r) ch_buf_char(out, '\n');
        for (size_t c = 0; c < shown; c++) {
            size_t len = cell_text(m, r, c, text);
            ch_buf_add(out, text, len);
            for (; len < widths[c]; len++) ch_buf_char(out, ' ');
        }
        if (shown < m->cols) ch_buf_str(out, "...");
        if (shown < m->cols && r == 0) ch_buf_printf(out, " (%zu total)", m->cols);
    }
    free(widths);
}

/* breeze's CSCMatrix.toString: entries column by column. */
static void add_sparse_matrix(ch_buf *out, const matrix_view *m)
{
    ch_buf_printf(out, "%zu x %zu CSCMatrix", m->rows, m->cols);
    size_t nmajor = m->npointer ? m->npointer - 1 : 0;
    for (size_t col = 0; col < m->cols; col++) {
        /* a transposed matrix lists its entries row by row: every row is searched for the column */
        for (size_t major = m->transposed ? 0 : col; major < (m->transposed ? nmajor : col + 1); major++) {
            if (major >= nmajor) break;
            for (int32_t k = m->pointers[major]; k < m->pointers[major + 1]; k++) {
                if (k < 0 || (size_t)k >= m->nindex || (size_t)k >= m->nvalue) break;
                if (m->transposed && m->indices[k] != (int32_t)col) continue;
                int32_t row = m->transposed ? (int32_t)major : m->indices[k];
                ch_buf_printf(out, "\n(%d,%zu) ", row, col);
                ch_buf_java_double(out, m->values[k]);
            }
        }
    }
}

static void add_matrix(ch_buf *out, const ch_column *c, size_t row)
{
    matrix_view m = {0};
    int32_t rows = ((const int32_t *)c->child[1].data)[row], cols = ((const int32_t *)c->child[2].data)[row];
    m.rows = rows > 0 ? (size_t)rows : 0;
    m.cols = cols > 0 ? (size_t)cols : 0;
    m.pointers = list_items(&c->child[3], row, sizeof(int32_t), &m.npointer);
    m.indices = list_items(&c->child[4], row, sizeof(int32_t), &m.nindex);
    m.values = list_items(&c->child[5], row, sizeof(double), &m.nvalue);
    m.transposed = ((const uint8_t *)c->child[6].data)[row];
    if (((const int8_t *)c->child[0].data)[row] == 1) {
        add_dense_matrix(out, &m);
    } else {
        add_sparse_matrix(out, &m);
    }
}

/* --- everything --------------------------------------------------------------------------------------------------- */

static void add_value(ch_buf *out, const ch_column *c, size_t row, const text_format *f);

static void add_binary(ch_buf *out, const ch_string *value, ch_text_style style)
{
    const unsigned char *bytes = (const unsigned char *)ch_string_data(value);
    size_t len = ch_string_len(value);
    if (style == CH_TEXT_CAST) {
        ch_buf_add(out, bytes, len);
        return;
    }
    ch_buf_char(out, '[');
    for (size_t i = 0; i < len; i++) ch_buf_printf(out, i ? " %02X" : "%02X", bytes[i]);
    ch_buf_char(out, ']');
}

static void add_array(ch_buf *out, const ch_column *c, size_t row, const text_format *f)
{
    ch_list entry = ((const ch_list *)c->data)[row];
    ch_buf_char(out, '[');
    for (size_t i = 0; i < entry.length; i++) {
        if (i) ch_buf_str(out, ", ");
        add_value(out, &c->child[0], entry.offset + i, f);
    }
    ch_buf_char(out, ']');
}

static void add_map(ch_buf *out, const ch_column *c, size_t row, const text_format *f)
{
    ch_list entry = ((const ch_list *)c->data)[row];
    ch_buf_char(out, '{');
    for (size_t i = 0; i < entry.length; i++) {
        if (i) ch_buf_str(out, ", ");
        add_value(out, &c->child[0].child[0], entry.offset + i, f);
        ch_buf_str(out, " -> ");
        add_value(out, &c->child[0].child[1], entry.offset + i, f);
    }
    ch_buf_char(out, '}');
}

static void add_struct(ch_buf *out, const ch_column *c, size_t row, const text_format *f)
{
    ch_buf_char(out, '{');
    for (size_t i = 0; i < c->nchild; i++) {
        if (i) ch_buf_str(out, ", ");
        add_value(out, &c->child[i], row, f);
    }
    ch_buf_char(out, '}');
}

static void add_integer(ch_buf *out, const ch_column *c, size_t row)
{
    switch (c->type->kind) {
    case CH_BYTE: add_digits(out, ((const int8_t *)c->data)[row]); break;
    case CH_SHORT: add_digits(out, ((const int16_t *)c->data)[row]); break;
    case CH_INT: add_digits(out, ((const int32_t *)c->data)[row]); break;
    default: add_digits(out, ((const int64_t *)c->data)[row]);
    }
}

static void add_time(ch_buf *out, const ch_column *c, size_t row, const text_format *f)
{
    char text[CH_TIMESTAMP_TEXT];
    size_t len;
    if (c->type->kind == CH_DATE) {
        len = ch_date_text(text, ((const int32_t *)c->data)[row]);
    } else {
        const ch_timezone *zone = c->type->kind == CH_TIMESTAMP ? f->zone : NULL;
        len = ch_timestamp_text(text, ((const int64_t *)c->data)[row], zone);
    }
    ch_buf_add(out, text, len);
}

static void add_interval(ch_buf *out, const ch_column *c, size_t row)
{
    const ch_interval *value = (const ch_interval *)c->data + row;
    if (c->type->kind == CH_INTERVAL_CALENDAR) {
        add_calendar_interval(out, value);
        return;
    }
    if (c->type->kind == CH_INTERVAL_DAY_TIME) {
        add_day_time(out, c->type, value);
    } else {
        add_year_month(out, c->type, value);
    }
    add_interval_fields(out, c->type);
}

static void add_value(ch_buf *out, const ch_column *c, size_t row, const text_format *f)
{
    if (c->type->kind == CH_NULL || !ch_column_valid(c, row)) {
        ch_buf_str(out, f->style == CH_TEXT_SHOW ? "NULL" : "null");
        return;
    }
    switch (c->type->kind) {
    case CH_NULL: break;
    case CH_BOOLEAN: ch_buf_str(out, ((const uint8_t *)c->data)[row] ? "true" : "false"); break;
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG: add_integer(out, c, row); break;
    case CH_FLOAT: ch_buf_java_float(out, ((const float *)c->data)[row]); break;
    case CH_DOUBLE: ch_buf_java_double(out, ((const double *)c->data)[row]); break;
    case CH_DECIMAL: ch_decimal_text(out, decimal_value(c, row), c->type->scale); break;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR: {
        const ch_string *s = (const ch_string *)c->data + row;
        ch_buf_add(out, ch_string_data(s), ch_string_len(s));
        break;
    }
    case CH_BINARY: add_binary(out, (const ch_string *)c->data + row, f->style); break;
    case CH_DATE:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: add_time(out, c, row, f); break;
    case CH_INTERVAL_DAY_TIME:
    case CH_INTERVAL_YEAR_MONTH:
    case CH_INTERVAL_CALENDAR: add_interval(out, c, row); break;
    case CH_ARRAY: add_array(out, c, row, f); break;
    case CH_MAP: add_map(out, c, row, f); break;
    case CH_STRUCT: add_struct(out, c, row, f); break;
    case CH_VECTOR: add_vector(out, c, row); break;
    case CH_MATRIX: add_matrix(out, c, row); break;
    }
}

void ch_value_text(ch_buf *out, const ch_column *c, size_t row, ch_text_style style, const ch_timezone *zone)
{
    text_format f = {style, zone};
    add_value(out, c, row, &f);
}
