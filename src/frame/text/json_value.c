/* json_value.c: see json_value.h. */
#include "frame/text/json_value.h"

#include "frame/io/io.h"
#include "frame/type/datetime.h"
#include "frame/type/number_text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- writing ---- */

static void write_text(ch_buf *out, const char *bytes, size_t len)
{
    ch_buf text = {0};
    ch_buf_add(&text, bytes, len);
    ch_buf_json_string(out, ch_buf_text(&text));
    ch_buf_reset(&text);
}

/* yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX] */
static void write_timestamp(ch_buf *out, int64_t micros, const ch_timezone *zone)
{
    int64_t seconds = micros / 1000000 - (micros % 1000000 < 0);
    int32_t offset = zone ? ch_timezone_offset(zone, seconds) : 0;
    int64_t local = seconds + offset, days = local / 86400 - (local % 86400 < 0), rest = local - days * 86400, year;
    int month, day;
    ch_civil_from_days(days, &year, &month, &day);
    ch_buf_printf(out, "\"%04lld-%02d-%02dT%02lld:%02lld:%02lld.%03lld", (long long)year, month, day,
                  (long long)(rest / 3600), (long long)(rest / 60 % 60), (long long)(rest % 60),
                  (long long)((micros - seconds * 1000000) / 1000));
    if (zone && offset == 0)
        ch_buf_char(out, 'Z');
    else if (zone)
        ch_buf_printf(out, "%c%02d:%02d", offset < 0 ? '-' : '+', abs(offset) / 3600, abs(offset) / 60 % 60);
    ch_buf_char(out, '"');
}

static void write_real(ch_buf *out, double v, bool single)
{
    if (!isfinite(v)) {
        ch_buf_str(out, isnan(v) ? "\"NaN\"" : v < 0 ? "\"-Infinity\"" : "\"Infinity\"");
        return;
    }
    if (single)
        ch_buf_java_float(out, (float)v);
    else
        ch_buf_java_double(out, v);
}

static void write_struct(ch_buf *out, const ch_column *c, size_t row, const ch_timezone *zone)
{
    const ch_type *t = ch_type_storage(c->type);
    bool first = true;
    ch_buf_char(out, '{');
    for (size_t i = 0; i < c->nchild; i++) {
        if (!ch_column_valid(&c->child[i], row)) continue;
        if (!first) ch_buf_char(out, ',');
        first = false;
        ch_buf_json_string(out, t->fields[i].name);
        ch_buf_char(out, ':');
        ch_json_write(out, &c->child[i], row, zone);
    }
    ch_buf_char(out, '}');
}

static void write_map(ch_buf *out, const ch_column *c, size_t row, const ch_timezone *zone)
{
    const ch_list *l = &((const ch_list *)c->data)[row];
    const ch_column *entries = &c->child[0];
    ch_buf_char(out, '{');
    for (uint64_t i = l->offset; i < l->offset + l->length; i++) {
        ch_buf key = {0};
        if (i > l->offset) ch_buf_char(out, ',');
        ch_value_text(&key, &entries->child[0], i, CH_TEXT_CAST, zone);
        ch_buf_json_string(out, ch_buf_text(&key));
        ch_buf_reset(&key);
        ch_buf_char(out, ':');
        ch_json_write(out, &entries->child[1], i, zone);
    }
    ch_buf_char(out, '}');
}

void ch_json_write(ch_buf *out, const ch_column *c, size_t row, const ch_timezone *zone)
{
    if (!ch_column_valid(c, row)) {
        ch_buf_str(out, "null");
        return;
    }
    switch (c->type->kind) {
    case CH_NULL: ch_buf_str(out, "null"); break;
    case CH_FLOAT: write_real(out, (double)((const float *)c->data)[row], true); break;
    case CH_DOUBLE: write_real(out, ((const double *)c->data)[row], false); break;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR: {
        const ch_string *s = &((const ch_string *)c->data)[row];
        write_text(out, ch_string_data(s), ch_string_len(s));
        break;
    }
    case CH_TIMESTAMP: write_timestamp(out, ((const int64_t *)c->data)[row], zone); break;
    case CH_TIMESTAMP_NTZ: write_timestamp(out, ((const int64_t *)c->data)[row], NULL); break;
    case CH_ARRAY: {
        const ch_list *l = &((const ch_list *)c->data)[row];
        ch_buf_char(out, '[');
        for (uint64_t i = l->offset; i < l->offset + l->length; i++) {
            if (i > l->offset) ch_buf_char(out, ',');
            ch_json_write(out, &c->child[0], i, zone);
        }
        ch_buf_char(out, ']');
        break;
    }
    case CH_MAP: write_map(out, c, row, zone); break;
    case CH_STRUCT:
    case CH_VECTOR:
    case CH_MATRIX: write_struct(out, c, row, zone); break;
    case CH_BOOLEAN:
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG:
    case CH_DECIMAL: ch_value_text(out, c, row, CH_TEXT_CAST, zone); break;
    default: {
        ch_buf text = {0};
        ch_value_text(&text, c, row, CH_TEXT_CAST, zone);
        ch_buf_json_string(out, ch_buf_text(&text));
        ch_buf_reset(&text);
        break;
    }
    }
}

/* ---- reading ---- */

static int read_value(ch_column *c, size_t row, const json_t *v, const ch_timezone *zone, ch_error *err);

static bool read_integral(ch_column *c, size_t row, const json_t *v)
{
    if (!json_is_integer(v)) return false;
    json_int_t n = json_integer_value(v);
    switch (c->type->kind) {
    case CH_BYTE: return n == (int8_t)n && (((int8_t *)c->data)[row] = (int8_t)n, true);
    case CH_SHORT: return n == (int16_t)n && (((int16_t *)c->data)[row] = (int16_t)n, true);
    case CH_INT: return n == (int32_t)n && (((int32_t *)c->data)[row] = (int32_t)n, true);
    default: ((int64_t *)c->data)[row] = n; return true;
    }
}

static bool read_double(const json_t *v, double *out)
{
    if (json_is_number(v)) {
        *out = json_number_value(v);
        return true;
    }
    if (!json_is_string(v)) return false;
    const char *s = json_string_value(v);
    if (strcmp(s, "NaN") == 0)
        *out = NAN;
    else if (strcmp(s, "Infinity") == 0 || strcmp(s, "+INF") == 0 || strcmp(s, "INF") == 0)
        *out = INFINITY;
    else if (strcmp(s, "-Infinity") == 0 || strcmp(s, "-INF") == 0)
        *out = -INFINITY;
    else
        return false;
    return true;
}

/* Everything that is no string goes into a string column as its JSON text. */
static bool read_string(ch_column *c, size_t row, const json_t *v)
{
    if (json_is_string(v)) {
        ch_column_set_string(c, row, json_string_value(v), json_string_length(v));
        return true;
    }
    char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);
    if (!text) return false;
    ch_column_set_string(c, row, text, strlen(text));
    free(text);
    return true;
}

static bool read_decimal(ch_column *c, size_t row, const json_t *v)
{
    char text[64];
    const char *s = text;
    ch_int128 value;
    if (json_is_integer(v))
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v))
        ch_java_double(json_real_value(v), text);
    else if (json_is_string(v))
        s = json_string_value(v);
    else
        return false;
    if (ch_parse_decimal(s, strlen(s), c->type->precision, c->type->scale, &value)) return false;
    int p = c->type->precision;
    if (p <= 4)
        ((int16_t *)c->data)[row] = (int16_t)value;
    else if (p <= 9)
        ((int32_t *)c->data)[row] = (int32_t)value;
    else if (p <= 18)
        ((int64_t *)c->data)[row] = (int64_t)value;
    else
        ((ch_int128 *)c->data)[row] = value;
    return true;
}

static bool read_atomic(ch_column *c, size_t row, const json_t *v, const ch_timezone *zone)
{
    double real;
    const char *s = json_is_string(v) ? json_string_value(v) : NULL;
    switch (c->type->kind) {
    case CH_BOOLEAN:
        if (!json_is_boolean(v)) return false;
        ((uint8_t *)c->data)[row] = json_is_true(v);
        return true;
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG: return read_integral(c, row, v);
    case CH_FLOAT: return read_double(v, &real) && (((float *)c->data)[row] = (float)real, true);
    case CH_DOUBLE: return read_double(v, &real) && (((double *)c->data)[row] = real, true);
    case CH_DECIMAL: return read_decimal(c, row, v);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR: return read_string(c, row, v);
    case CH_DATE: return s && ch_parse_date(s, strlen(s), &((int32_t *)c->data)[row]);
    case CH_TIMESTAMP: return s && ch_parse_timestamp(s, strlen(s), zone, &((int64_t *)c->data)[row]);
    case CH_TIMESTAMP_NTZ: return s && ch_parse_timestamp_ntz(s, strlen(s), false, &((int64_t *)c->data)[row]);
    default: return false;
    }
}

static int read_array(ch_column *c, size_t row, const json_t *v, const ch_timezone *zone, ch_error *err)
{
    ch_list *lists = c->data;
    size_t n = json_array_size(v), start = c->child[0].rows;
    lists[row] = (ch_list){start, n};
    CH_TRY(ch_column_resize_list(c, start + n, err));
    for (size_t i = 0; i < n; i++) CH_TRY(read_value(&c->child[0], start + i, json_array_get(v, i), zone, err));
    return CH_OK;
}

static int read_map(ch_column *c, size_t row, json_t *v, const ch_timezone *zone, ch_error *err)
{
    ch_list *lists = c->data;
    size_t n = json_object_size(v), start = c->child[0].rows, i = 0;
    const char *key;
    json_t *value;
    lists[row] = (ch_list){start, n};
    CH_TRY(ch_column_resize_list(c, start + n, err));
    json_object_foreach(v, key, value)
    {
        json_t *name = json_string(key);
        int status = name ? read_value(&c->child[0].child[0], start + i, name, zone, err) : ch_no_memory(err);
        json_decref(name);
        CH_TRY(status);
        CH_TRY(read_value(&c->child[0].child[1], start + i, value, zone, err));
        i++;
    }
    return CH_OK;
}

static int read_struct(ch_column *c, size_t row, const json_t *v, const ch_timezone *zone, ch_error *err)
{
    for (size_t i = 0; i < c->nchild; i++)
        CH_TRY(read_value(&c->child[i], row, json_object_get(v, c->type->fields[i].name), zone, err));
    return CH_OK;
}

static int read_value(ch_column *c, size_t row, const json_t *v, const ch_timezone *zone, ch_error *err)
{
    if (v && !json_is_null(v)) {
        if (c->type->kind == CH_ARRAY && json_is_array(v)) return read_array(c, row, v, zone, err);
        if (c->type->kind == CH_MAP && json_is_object(v)) return read_map(c, row, (json_t *)(uintptr_t)v, zone, err);
        if (c->type->kind == CH_STRUCT && json_is_object(v)) return read_struct(c, row, v, zone, err);
        if (read_atomic(c, row, v, zone)) return CH_OK;
    }
    if (c->type->kind == CH_ARRAY || c->type->kind == CH_MAP)
        ((ch_list *)c->data)[row] = (ch_list){c->child[0].rows, 0};
    ch_column_set_null(c, row);
    return CH_OK;
}

int ch_json_read(ch_column *c, size_t row, const char *text, size_t len, const ch_timezone *zone, ch_error *err)
{
    json_error_t bad;
    json_t *v = json_loadb(text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &bad);
    bool blank = true;
    for (size_t i = 0; i < len && blank; i++) blank = (unsigned char)text[i] <= ' ';
    if (!v && c->type->kind == CH_STRUCT && !blank) { /* a malformed record is a row of NULLs */
        for (size_t i = 0; i < c->nchild; i++) CH_TRY(read_value(&c->child[i], row, NULL, zone, err));
        return CH_OK;
    }
    int status;
    if (v && c->type->kind == CH_STRUCT && json_is_array(v)) /* [{...}] stands for its only record */
        status = read_value(c, row, json_array_size(v) ? json_array_get(v, 0) : NULL, zone, err);
    else if (v && c->type->kind == CH_ARRAY && json_is_object(v) && c->type->fields[0].type->kind == CH_STRUCT) {
        json_t *list = json_pack("[O]", v);
        status = list ? read_value(c, row, list, zone, err) : ch_no_memory(err);
        json_decref(list);
    } else {
        status = read_value(c, row, v, zone, err);
    }
    json_decref(v);
    return status;
}
