/* csv_value.c: CSV fields into values, as the converters of Spark's UnivocityParser do it. */
#include "base/java_number.h"
#include "frame/text/csv.h"

#include <math.h>
#include <string.h>
#include <strings.h>

const char *ch_csv_text(const ch_csv_options *o, const ch_csv_field *field, size_t *len)
{
    *len = field->len;
    if (field->len) return field->text;
    /* nothing at all stands for the null value, quotes with nothing between them for the empty value */
    const char *text = field->absent ? o->null_value : o->empty_value;
    *len = strlen(text);
    return text;
}

bool ch_csv_is_null(const ch_csv_options *o, const ch_csv_field *field)
{
    size_t len;
    const char *text = ch_csv_text(o, field, &len);
    return ch_csv_equals(text, len, o->null_value);
}

bool ch_csv_supports(const ch_type *type)
{
    return (ch_type_is_atomic(type) && type->kind != CH_INTERVAL_YEAR_MONTH && type->kind != CH_INTERVAL_DAY_TIME) ||
           type->kind == CH_NULL;
}

static bool put_integer(ch_column *out, size_t row, const char *text, size_t len)
{
    int64_t v;
    switch (out->type->kind) {
    case CH_BYTE:
        if (!ch_java_parse_integer(text, len, INT8_MIN, INT8_MAX, &v)) return false;
        ((int8_t *)out->data)[row] = (int8_t)v;
        return true;
    case CH_SHORT:
        if (!ch_java_parse_integer(text, len, INT16_MIN, INT16_MAX, &v)) return false;
        ((int16_t *)out->data)[row] = (int16_t)v;
        return true;
    case CH_INT:
        if (!ch_java_parse_integer(text, len, INT32_MIN, INT32_MAX, &v)) return false;
        ((int32_t *)out->data)[row] = (int32_t)v;
        return true;
    default: return ch_java_parse_integer(text, len, INT64_MIN, INT64_MAX, (int64_t *)out->data + row);
    }
}

static bool put_double(const ch_csv_options *o, ch_column *out, size_t row, const char *text, size_t len)
{
    double special = ch_csv_equals(text, len, o->nan_value)      ? NAN
                     : ch_csv_equals(text, len, o->negative_inf) ? -INFINITY
                     : ch_csv_equals(text, len, o->positive_inf) ? INFINITY
                                                                 : 0;
    if (out->type->kind == CH_FLOAT) {
        float *v = (float *)out->data + row;
        if (special == 0) return ch_java_parse_float(text, len, v);
        *v = (float)special;
        return true;
    }
    double *v = (double *)out->data + row;
    if (special == 0) return ch_java_parse_double(text, len, v);
    *v = special;
    return true;
}

/* Rounded half up to the column's scale; thousands separators are dropped, as Spark's parser for Locale.US does. */
static bool put_decimal(ch_column *out, size_t row, const char *text, size_t len)
{
    char copy[128];
    if (memchr(text, ',', len)) {
        size_t kept = 0;
        for (size_t i = 0; i < len && kept < sizeof copy; i++) {
            if (text[i] != ',') copy[kept++] = text[i];
        }
        text = copy;
        len = kept;
    }
    ch_java_int128 unscaled = 0;
    int digits, scale;
    if (!ch_java_parse_decimal(text, len, &unscaled, &digits, &scale) || digits > 38) return false;
    return ch_column_put_decimal(out, row, unscaled, scale);
}

static bool put_boolean(ch_column *out, size_t row, const char *text, size_t len)
{
    bool yes = len == 4 && strncasecmp(text, "true", 4) == 0;
    ((uint8_t *)out->data)[row] = yes;
    return yes || (len == 5 && strncasecmp(text, "false", 5) == 0);
}

/* What is no UTF-8 gets replacement characters, as when Java decodes the line. */
static bool put_string(const ch_csv_options *o, ch_column *out, size_t row, const char *text, size_t len)
{
    if (o->text.encoding == CH_UTF8 && !ch_utf8_valid(text, len) && out->type->kind != CH_BINARY) {
        ch_buf repaired = {0};
        ch_utf8_repair(&repaired, text, len);
        ch_column_put_utf8(out, row, ch_buf_text(&repaired), repaired.len);
        ch_buf_reset(&repaired);
    } else {
        ch_column_put_utf8(out, row, text, len);
    }
    return true;
}

bool ch_csv_convert(const ch_csv_options *o, const ch_csv_field *field, ch_column *out, size_t row)
{
    size_t len;
    const char *text = ch_csv_text(o, field, &len);
    if (ch_csv_equals(text, len, o->null_value)) {
        ch_column_set_null(out, row);
        return true;
    }
    bool ok = false;
    switch (out->type->kind) {
    case CH_BOOLEAN: ok = put_boolean(out, row, text, len); break;
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG: ok = put_integer(out, row, text, len); break;
    case CH_FLOAT:
    case CH_DOUBLE: ok = put_double(o, out, row, text, len); break;
    case CH_DECIMAL: ok = put_decimal(out, row, text, len); break;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY: ok = put_string(o, out, row, text, len); break;
    case CH_DATE: ok = ch_text_date(&o->text, text, len, (int32_t *)out->data + row); break;
    case CH_TIMESTAMP: ok = ch_text_timestamp(&o->text, text, len, (int64_t *)out->data + row); break;
    case CH_TIMESTAMP_NTZ: ok = ch_text_timestamp_ntz(&o->text, text, len, (int64_t *)out->data + row); break;
    default: break;
    }
    if (!ok) ch_column_set_null(out, row);
    return ok;
}
