/* otlp_json.c: an encoder of just the protobuf that carries spans, driven by tables of fields: otlp.c then reads the
 * one form that both become. */
#include "track/trace/otlp_json.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MOST = 64 /* of messages in messages: some more than otlp.c takes of values */ };

typedef enum kind {
    K_TEXT,
    K_ID,     /* bytes, as hexadecimal digits */
    K_BYTES,  /* base64 */
    K_VARINT, /* whole numbers, truth values */
    K_STATUS, /* a number or a name */
    K_FIXED,  /* 64 bits */
    K_DOUBLE,
    K_MESSAGE
} kind;

typedef struct field {
    const char *name;
    unsigned number;
    kind kind;
    bool repeated;
    const struct field *message; /* of K_MESSAGE */
} field;

/* ---- the messages of opentelemetry-proto ---------------------------------------------------------------------- */

static const field VALUE[8];
static const field KEY_VALUE[] = {{"key", 1, K_TEXT, false, NULL}, {"value", 2, K_MESSAGE, false, VALUE}, {0}};
static const field ARRAY[] = {{"values", 1, K_MESSAGE, true, VALUE}, {0}};
static const field MAP[] = {{"values", 1, K_MESSAGE, true, KEY_VALUE}, {0}};
static const field VALUE[8] = {
    {"stringValue", 1, K_TEXT, false, NULL},    {"boolValue", 2, K_VARINT, false, NULL},
    {"intValue", 3, K_VARINT, false, NULL},     {"doubleValue", 4, K_DOUBLE, false, NULL},
    {"arrayValue", 5, K_MESSAGE, false, ARRAY}, {"kvlistValue", 6, K_MESSAGE, false, MAP},
    {"bytesValue", 7, K_BYTES, false, NULL},    {0},
};
static const field EVENT[] = {
    {"timeUnixNano", 1, K_FIXED, false, NULL},
    {"name", 2, K_TEXT, false, NULL},
    {"attributes", 3, K_MESSAGE, true, KEY_VALUE},
    {0},
};
static const field LINK[] = {
    {"traceId", 1, K_ID, false, NULL},
    {"spanId", 2, K_ID, false, NULL},
    {"attributes", 4, K_MESSAGE, true, KEY_VALUE},
    {0},
};
static const field STATUS[] = {{"message", 2, K_TEXT, false, NULL}, {"code", 3, K_STATUS, false, NULL}, {0}};
static const field SPAN[] = {
    {"traceId", 1, K_ID, false, NULL},
    {"spanId", 2, K_ID, false, NULL},
    {"parentSpanId", 4, K_ID, false, NULL},
    {"name", 5, K_TEXT, false, NULL},
    {"startTimeUnixNano", 7, K_FIXED, false, NULL},
    {"endTimeUnixNano", 8, K_FIXED, false, NULL},
    {"attributes", 9, K_MESSAGE, true, KEY_VALUE},
    {"events", 11, K_MESSAGE, true, EVENT},
    {"links", 13, K_MESSAGE, true, LINK},
    {"status", 15, K_MESSAGE, false, STATUS},
    {0},
};
static const field SCOPE_SPANS[] = {{"spans", 2, K_MESSAGE, true, SPAN}, {0}};
static const field RESOURCE_SPANS[] = {{"scopeSpans", 2, K_MESSAGE, true, SCOPE_SPANS}, {0}};
static const field REQUEST[] = {{"resourceSpans", 1, K_MESSAGE, true, RESOURCE_SPANS}, {0}};

/* ---- the wire format ------------------------------------------------------------------------------------------ */

static void put_varint(ch_buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) ch_buf_char(out, (char)(value | 0x80));
    ch_buf_char(out, (char)value);
}

static void put_tag(ch_buf *out, unsigned number, unsigned type)
{
    put_varint(out, number << 3 | type);
}

static void put_bytes(ch_buf *out, unsigned number, const void *bytes, size_t len)
{
    put_tag(out, number, 2);
    put_varint(out, len);
    ch_buf_add(out, bytes, len);
}

static void put_fixed(ch_buf *out, unsigned number, uint64_t value)
{
    put_tag(out, number, 1);
    for (int i = 0; i < 8; i++) ch_buf_char(out, (char)(value >> (8 * i) & 0xff));
}

/* ---- values --------------------------------------------------------------------------------------------------- */

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool put_id(ch_buf *out, unsigned number, const char *hex)
{
    size_t len = strlen(hex);
    char bytes[32];
    if (len % 2 || len > 2 * sizeof bytes) return false;
    for (size_t i = 0; i < len; i += 2) {
        int high = digit_of(hex[i]), low = digit_of(hex[i + 1]);
        if (high < 0 || low < 0) return false;
        bytes[i / 2] = (char)(high * 16 + low);
    }
    put_bytes(out, number, bytes, len / 2);
    return true;
}

static bool put_base64(ch_buf *out, unsigned number, const char *text)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_";
    ch_buf bytes = {0};
    unsigned bits = 0, n = 0;
    bool good = true;
    for (; *text && *text != '=' && good; text++) {
        const char *digit = strchr(DIGITS, *text);
        good = digit != NULL;
        if (!good) break;
        unsigned value = (unsigned)(digit - DIGITS);
        bits = (bits << 6 | (value < 64 ? value : value - 2)) & 0xffff;
        n += 6;
        if (n < 8) continue;
        n -= 8;
        ch_buf_char(&bytes, (char)(bits >> n & 0xff));
    }
    if (good) put_bytes(out, number, ch_buf_text(&bytes), bytes.len);
    ch_buf_reset(&bytes);
    return good;
}

static bool whole_of(json_t *value, uint64_t *out)
{
    if (json_is_boolean(value) || json_is_integer(value)) {
        *out = json_is_integer(value) ? (uint64_t)json_integer_value(value) : (uint64_t)json_is_true(value);
        return true;
    }
    const char *text = json_string_value(value);
    if (!text || !*text || text[strspn(text, "-0123456789")]) return false;
    char *end;
    errno = 0;
    *out = *text == '-' ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 10);
    return !*end && errno == 0;
}

static bool double_of(json_t *value, uint64_t *out)
{
    char *end = NULL;
    const char *text = json_string_value(value);
    if (!text && !json_is_number(value)) return false;
    double real = text ? strtod(text, &end) : json_number_value(value); /* NaN, Infinity and -Infinity come as text */
    memcpy(out, &real, sizeof real);
    return !text || (end != text && !*end);
}

static bool status_of(json_t *value, uint64_t *out)
{
    static const char *const NAMES[] = {"STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"};
    for (size_t i = 0; json_is_string(value) && i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strcmp(json_string_value(value), NAMES[i])) continue;
        *out = i;
        return true;
    }
    return json_is_integer(value) && whole_of(value, out);
}

/* ---- messages ------------------------------------------------------------------------------------------------- */

static bool put_message(ch_buf *out, const field *fields, json_t *object, int depth);

static bool put_value(ch_buf *out, const field *f, json_t *value, int depth)
{
    uint64_t number;
    const char *text = json_string_value(value);
    ch_buf inner = {0};
    bool good = true;
    switch (f->kind) {
    case K_TEXT:
        if (text) put_bytes(out, f->number, text, json_string_length(value));
        return text != NULL;
    case K_ID: return text && put_id(out, f->number, text);
    case K_BYTES: return text && put_base64(out, f->number, text);
    case K_VARINT:
    case K_STATUS:
        if (!(f->kind == K_STATUS ? status_of(value, &number) : whole_of(value, &number))) return false;
        put_tag(out, f->number, 0);
        put_varint(out, number);
        return true;
    case K_FIXED:
    case K_DOUBLE:
        if (!(f->kind == K_DOUBLE ? double_of(value, &number) : whole_of(value, &number))) return false;
        put_fixed(out, f->number, number);
        return true;
    case K_MESSAGE:
        good = put_message(&inner, f->message, value, depth + 1);
        if (good) put_bytes(out, f->number, ch_buf_text(&inner), inner.len);
        ch_buf_reset(&inner);
        return good;
    }
    return false;
}

static bool put_message(ch_buf *out, const field *fields, json_t *object, int depth)
{
    if (!json_is_object(object) || depth > DEPTH_MOST) return false;
    for (const field *f = fields; f->name; f++) {
        json_t *value = json_object_get(object, f->name), *item;
        if (!value || json_is_null(value)) continue;
        if (json_is_array(value) != f->repeated) return false;
        if (!f->repeated && !put_value(out, f, value, depth)) return false;
        size_t i;
        if (f->repeated) json_array_foreach(value, i, item) if (!put_value(out, f, item, depth)) return false;
    }
    return true;
}

int ch_otlp_from_json(const char *text, size_t len, ch_buf *out, ch_error *err)
{
    json_t *request = json_loadb(text, len, JSON_ALLOW_NUL, NULL);
    bool good = put_message(out, REQUEST, request, 0);
    json_decref(request);
    return good ? 0 : ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Invalid OpenTelemetry format");
}
