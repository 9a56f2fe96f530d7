/* json_column.c: JSON into columns, guided by their types, as Spark's JacksonParser does it: a value that is not of its
 * field's type makes that field NULL and the record a partial one; broken syntax makes all of the record NULL. */
#include "base/java_number.h"
#include "frame/text/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ch_json_supports(const ch_type *type)
{
    type = ch_type_storage(type);
    for (size_t i = 0; i < type->nfield; i++) {
        if (!ch_json_supports(type->fields[i].type)) return false;
    }
    if (type->kind == CH_MAP) return ch_type_is_string(type->fields[0].type);
    return type->kind == CH_NULL || type->kind >= CH_ARRAY ||
           (ch_type_is_atomic(type) && type->kind != CH_INTERVAL_DAY_TIME && type->kind != CH_INTERVAL_YEAR_MONTH);
}

/* How it went. BAD: the value is not of the type, the row is NULL (or in part), the cursor behind the value. */
typedef enum outcome { GOOD, BAD, BROKEN, FAILED } outcome;

typedef struct converter {
    ch_json_reader *j;
    ch_buf *scratch;
    ch_error *err; /* of FAILED */
} converter;

static outcome convert(converter *c, ch_column *out, size_t row);

static outcome null_row(ch_column *out, size_t row, outcome result)
{
    ch_column_set_null(out, row);
    return result;
}

/* Passes over a value that does not fit. */
static outcome refuse(converter *c, ch_column *out, size_t row)
{
    return ch_json_skip(c->j, 0) ? null_row(out, row, BAD) : BROKEN;
}

/* --- strings --------------------------------------------------------------------------------------------- */

/* The string at the cursor, without escapes. */
static bool take_string(converter *c, const char **text, size_t *len)
{
    bool plain;
    if (!ch_json_read_string(c->j, text, len, &plain)) return false;
    if (plain) return true;
    ch_buf_clear(c->scratch);
    ch_json_unescape(c->j->options, *text, *len, c->scratch);
    *text = ch_buf_text(c->scratch);
    *len = c->scratch->len;
    return true;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool put_base64(ch_column *out, size_t row, const char *text, size_t len)
{
    ch_buf bytes = {0};
    bool ok = len % 4 == 0;
    for (size_t i = 0; ok && i < len; i += 4) {
        int pad = i + 4 == len ? (text[i + 3] == '=') + (text[i + 2] == '=' && text[i + 3] == '=') : 0;
        unsigned value = 0;
        for (size_t k = 0; k < 4 && ok; k++) {
            int digit = k >= 4u - (unsigned)pad ? 0 : base64_digit(text[i + k]);
            ok = digit >= 0;
            value = value << 6 | (unsigned)digit;
        }
        char three[3] = {(char)(value >> 16), (char)(value >> 8), (char)value};
        if (ok) ch_buf_add(&bytes, three, 3u - (unsigned)pad);
    }
    if (ok) ch_column_put_utf8(out, row, ch_buf_text(&bytes), bytes.len);
    ch_buf_reset(&bytes);
    return ok;
}

static bool special_number(const ch_json_options *o, const char *text, size_t len, double *value)
{
    static const struct {
        const char *name;
        double value;
    } NAMES[] = {{"NaN", NAN},       {"Infinity", INFINITY}, {"+Infinity", INFINITY}, {"-Infinity", -INFINITY},
                 {"+INF", INFINITY}, {"INF", INFINITY},      {"-INF", -INFINITY}};
    for (size_t i = 0; o->non_numeric && i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strlen(NAMES[i].name) == len && memcmp(NAMES[i].name, text, len) == 0) {
            *value = NAMES[i].value;
            return true;
        }
    }
    return false;
}

static void put_real(ch_column *out, size_t row, double value)
{
    if (out->type->kind == CH_FLOAT) {
        ((float *)out->data)[row] = (float)value;
    } else {
        ((double *)out->data)[row] = value;
    }
}

/* Dates once were stored as numbers of days in strings. */
static bool put_date(const ch_json_options *o, ch_column *out, size_t row, const char *text, size_t len)
{
    int64_t days;
    int32_t *date = (int32_t *)out->data + row;
    if (ch_text_date(&o->text, text, len, date)) return true;
    if (!o->text.date_fallback || !ch_java_parse_integer(text, len, INT32_MIN, INT32_MAX, &days)) return false;
    *date = (int32_t)days;
    return true;
}

static bool put_decimal_text(ch_column *out, size_t row, const char *text, size_t len)
{
    ch_java_int128 unscaled = 0;
    int digits, scale;
    return ch_java_parse_decimal(text, len, &unscaled, &digits, &scale) && digits <= 38 &&
           ch_column_put_decimal(out, row, unscaled, scale);
}

/* A JSON string into a column of any type. */
static bool put_string(converter *c, ch_column *out, size_t row, const char *text, size_t len)
{
    const ch_json_options *o = c->j->options;
    double value;
    if (ch_type_is_string(out->type)) {
        ch_column_put_utf8(out, row, text, len);
        return true;
    }
    if (!len) return false; /* an empty string is a value of no other type */
    switch (out->type->kind) {
    case CH_FLOAT:
    case CH_DOUBLE:
        if (!special_number(o, text, len, &value)) return false;
        put_real(out, row, value);
        return true;
    case CH_DECIMAL: return put_decimal_text(out, row, text, len);
    case CH_DATE: return put_date(o, out, row, text, len);
    case CH_TIMESTAMP: return ch_text_timestamp(&o->text, text, len, (int64_t *)out->data + row);
    case CH_TIMESTAMP_NTZ: return ch_text_timestamp_ntz(&o->text, text, len, (int64_t *)out->data + row);
    case CH_BINARY: return put_base64(out, row, text, len);
    default: return false;
    }
}

/* --- numbers --------------------------------------------------------------------------------------------- */

static bool put_integer(ch_column *out, size_t row, const char *text, size_t len)
{
    int64_t v;
    if (!ch_java_parse_integer(text, len, INT64_MIN, INT64_MAX, &v)) return false;
    switch (out->type->kind) {
    case CH_BYTE:
        if (v < INT8_MIN || v > UINT8_MAX) return false; /* Jackson takes unsigned bytes, too */
        ((int8_t *)out->data)[row] = (int8_t)(uint8_t)v;
        return true;
    case CH_SHORT:
        if (v < INT16_MIN || v > INT16_MAX) return false;
        ((int16_t *)out->data)[row] = (int16_t)v;
        return true;
    case CH_INT:
        if (v < INT32_MIN || v > INT32_MAX) return false;
        ((int32_t *)out->data)[row] = (int32_t)v;
        return true;
    case CH_TIMESTAMP: return !__builtin_mul_overflow(v, INT64_C(1000000), (int64_t *)out->data + row);
    default: ((int64_t *)out->data)[row] = v; return true;
    }
}

static bool put_number(converter *c, ch_column *out, size_t row, ch_json_kind kind, const char *text, size_t len)
{
    double real;
    float single;
    switch (out->type->kind) {
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG:
    case CH_TIMESTAMP: return kind == CH_JSON_INTEGER && put_integer(out, row, text, len);
    case CH_FLOAT:
        if (kind != CH_JSON_NAN) {
            if (!ch_java_parse_float(text, len, &single)) return false;
            ((float *)out->data)[row] = single;
            return true;
        }
        if (!special_number(c->j->options, text, len, &real)) return false;
        put_real(out, row, real);
        return true;
    case CH_DOUBLE:
        if (kind == CH_JSON_NAN ? !special_number(c->j->options, text, len, &real)
                                : !ch_java_parse_double(text, len, &real)) {
            return false;
        }
        put_real(out, row, real);
        return true;
    case CH_DECIMAL: return kind != CH_JSON_NAN && put_decimal_text(out, row, text, len);
    default: return false;
    }
}

/* --- nested values --------------------------------------------------------------------------------------- */

/* Which of the fields a key means; records mostly have them in one order, so the search starts at `hint`. */
static size_t find_field(const ch_field *fields, size_t n, size_t hint, const char *name, size_t len)
{
    for (size_t k = 0; k < n; k++) {
        size_t i = hint + k < n ? hint + k : hint + k - n;
        if (strncmp(fields[i].name, name, len) == 0 && !fields[i].name[len]) return i;
    }
    return n;
}

/* The object at the cursor into fields' columns; what it lacks is NULL. */
static outcome convert_fields(converter *c, const ch_field *fields, size_t n, ch_column *cols, size_t row)
{
    enum { ON_STACK = 256 };
    bool stack[ON_STACK] = {0}, *seen = n <= ON_STACK ? stack : calloc(n, 1), more;
    if (!seen) {
        ch_no_memory(c->err);
        return FAILED;
    }
    outcome result = GOOD;
    size_t hint = 0;
    c->j->at++;
    for (bool first = true; result != BROKEN && result != FAILED; first = false) {
        const char *name;
        size_t len;
        bool plain;
        if (!ch_json_next(c->j, '}', first, &more) || (more && !ch_json_name(c->j, &name, &len, &plain))) {
            result = BROKEN;
            break;
        }
        if (!more) break;
        if (!plain) {
            ch_buf_clear(c->scratch);
            ch_json_unescape(c->j->options, name, len, c->scratch);
            name = ch_buf_text(c->scratch);
            len = c->scratch->len;
        }
        size_t i = n ? find_field(fields, n, hint, name, len) : 0;
        if (i == n) {
            if (!ch_json_skip(c->j, 0)) result = BROKEN;
            continue;
        }
        hint = i + 1 < n ? i + 1 : 0;
        if (seen[i]) ch_column_set_valid(&cols[i], row); /* the last of equal keys counts */
        seen[i] = true;
        outcome one = convert(c, &cols[i], row);
        if (one > result) result = one;
    }
    for (size_t i = 0; i < n; i++) {
        if (!seen[i]) ch_column_set_null(&cols[i], row);
    }
    if (seen != stack) free(seen);
    return result;
}

/* Room in a list for element number n from `base` on, growing by doubling; *cap is what there is. */
static bool room_for(converter *c, ch_column *list, size_t base, size_t n, size_t *cap)
{
    if (n < *cap) return true;
    *cap = *cap ? *cap * 2 : 8;
    return ch_column_resize_list(list, base + *cap, c->err) == 0;
}

static outcome convert_array(converter *c, ch_column *out, size_t row)
{
    size_t base = out->child[0].rows, n = 0, cap = 0;
    outcome result = GOOD;
    bool more = true;
    c->j->at++;
    for (bool first = true; result != BROKEN && result != FAILED; first = false) {
        if (!ch_json_next(c->j, ']', first, &more)) result = BROKEN;
        if (!more || result == BROKEN) break;
        if (!room_for(c, out, base, n, &cap)) return FAILED;
        outcome one = convert(c, &out->child[0], base + n++);
        if (one > result) result = one;
    }
    if (ch_column_resize_list(out, base + n, c->err)) return FAILED;
    ((ch_list *)out->data)[row] = (ch_list){.offset = base, .length = n};
    return result;
}

static outcome convert_map(converter *c, ch_column *out, size_t row)
{
    size_t base = out->child[0].rows, n = 0, cap = 0;
    outcome result = GOOD;
    bool more = true, plain;
    c->j->at++;
    for (bool first = true; result != BROKEN && result != FAILED; first = false) {
        const char *name;
        size_t len;
        if (!ch_json_next(c->j, '}', first, &more) || (more && !ch_json_name(c->j, &name, &len, &plain))) {
            result = BROKEN;
        }
        if (!more || result == BROKEN) break;
        if (!room_for(c, out, base, n, &cap)) return FAILED;
        ch_column *entry = &out->child[0];
        if (!plain) {
            ch_buf_clear(c->scratch);
            ch_json_unescape(c->j->options, name, len, c->scratch);
            name = ch_buf_text(c->scratch);
            len = c->scratch->len;
        }
        ch_column_put_utf8(&entry->child[0], base + n, name, len);
        outcome one = convert(c, &entry->child[1], base + n++);
        if (one > result) result = one;
    }
    if (ch_column_resize_list(out, base + n, c->err)) return FAILED;
    ((ch_list *)out->data)[row] = (ch_list){.offset = base, .length = n};
    return result;
}

/* The value at the cursor into a row. */
static outcome convert(converter *c, ch_column *out, size_t row)
{
    const ch_type *storage = ch_type_storage(out->type);
    const char *start = c->j->at, *text;
    ch_json_kind kind;
    size_t len;
    if (!ch_json_peek(c->j, &kind, &text, &len)) return BROKEN;
    if (kind == CH_JSON_NULL) return null_row(out, row, GOOD);
    if (kind == CH_JSON_OBJECT && storage->kind == CH_STRUCT) {
        return convert_fields(c, storage->fields, storage->nfield, out->child, row);
    }
    if (kind == CH_JSON_OBJECT && storage->kind == CH_MAP) return convert_map(c, out, row);
    if (kind == CH_JSON_ARRAY && storage->kind == CH_ARRAY) return convert_array(c, out, row);
    if (storage->kind == CH_NULL) { /* of a type without values */
        c->j->at = start;
        return refuse(c, out, row) == BROKEN ? BROKEN : GOOD;
    }
    if (kind == CH_JSON_STRING) {
        if (!take_string(c, &text, &len)) return BROKEN;
        return put_string(c, out, row, text, len) ? GOOD : null_row(out, row, BAD);
    }
    if (ch_type_is_string(out->type)) { /* anything else is kept as it is written */
        c->j->at = start;
        if (!ch_json_skip(c->j, 0)) return BROKEN;
        ch_column_put_utf8(out, row, start, (size_t)(c->j->at - start));
        return GOOD;
    }
    if (kind == CH_JSON_OBJECT || kind == CH_JSON_ARRAY) return refuse(c, out, row);
    if (kind == CH_JSON_TRUE || kind == CH_JSON_FALSE) {
        if (out->type->kind != CH_BOOLEAN) return null_row(out, row, BAD);
        ((uint8_t *)out->data)[row] = kind == CH_JSON_TRUE;
        return GOOD;
    }
    return put_number(c, out, row, kind, text, len) ? GOOD : null_row(out, row, BAD);
}

int ch_json_convert(ch_json_reader *j, const ch_field *fields, size_t n, ch_column *cols, size_t row, ch_buf *scratch,
                    ch_json_result *result, ch_error *err)
{
    converter c = {j, scratch, err};
    outcome o = convert_fields(&c, fields, n, cols, row);
    if (o == FAILED) return (int)err->kind;
    if (o == BROKEN) {
        for (size_t i = 0; i < n; i++) ch_column_set_null(&cols[i], row);
    }
    *result = o == GOOD ? CH_JSON_GOOD : o == BAD ? CH_JSON_PARTIAL : CH_JSON_MALFORMED;
    return 0;
}
