/* json_write.c: JSON text straight into a buffer. */
#include "base/json_write.h"

#include <math.h>
#include <string.h>

/* A comma in front of what follows something else. */
static void separate(ch_json *json)
{
    if (json->comma) ch_buf_char(json->out, ',');
    json->comma = true;
}

void ch_json_begin(ch_json *json, char bracket)
{
    separate(json);
    ch_buf_char(json->out, bracket);
    json->comma = false;
}

void ch_json_end(ch_json *json, char bracket)
{
    ch_buf_char(json->out, bracket);
    json->comma = true;
}

/* Which bytes cannot stand in a JSON string as they are. */
static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

static void add_escape(ch_buf *out, unsigned char c)
{
    static const char HEX[] = "0123456789abcdef";
    char text[6] = {'\\', (char)c};
    size_t len = 2;
    switch (c) {
    case '"':
    case '\\': break;
    case '\b': text[1] = 'b'; break;
    case '\f': text[1] = 'f'; break;
    case '\n': text[1] = 'n'; break;
    case '\r': text[1] = 'r'; break;
    case '\t': text[1] = 't'; break;
    default:
        memcpy(text + 1, "u00", 3);
        text[4] = HEX[c >> 4];
        text[5] = HEX[c & 15];
        len = 6;
    }
    ch_buf_add(out, text, len);
}

/* Runs of ordinary bytes are copied at once. */
static void add_string(ch_buf *out, const char *text, size_t len)
{
    ch_buf_reserve(out, len + 2);
    ch_buf_char(out, '"');
    size_t done = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!needs_escape(c)) continue;
        ch_buf_add(out, text + done, i - done);
        add_escape(out, c);
        done = i + 1;
    }
    ch_buf_add(out, text + done, len - done);
    ch_buf_char(out, '"');
}

void ch_json_key(ch_json *json, const char *key)
{
    separate(json);
    add_string(json->out, key, strlen(key));
    ch_buf_char(json->out, ':');
    json->comma = false;
}

void ch_json_string_n(ch_json *json, const char *text, size_t len)
{
    separate(json);
    add_string(json->out, text, len);
}

void ch_json_string(ch_json *json, const char *text)
{
    if (text) {
        ch_json_string_n(json, text, strlen(text));
    } else {
        ch_json_null(json);
    }
}

void ch_json_int(ch_json *json, int64_t value)
{
    separate(json);
    char text[24];
    char *at = text + sizeof text;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0) *--at = '-';
    ch_buf_add(json->out, at, (size_t)(text + sizeof text - at));
}

void ch_json_double(ch_json *json, double value)
{
    if (isnan(value)) {
        ch_json_string_n(json, "NaN", 3);
    } else if (isinf(value)) {
        ch_json_string(json, value > 0 ? "Infinity" : "-Infinity");
    } else {
        separate(json);
        ch_buf_java_double(json->out, value);
    }
}

void ch_json_bool(ch_json *json, bool value)
{
    ch_json_raw(json, value ? "true" : "false");
}

void ch_json_null(ch_json *json)
{
    ch_json_raw(json, "null");
}

void ch_json_raw(ch_json *json, const char *text)
{
    separate(json);
    ch_buf_str(json->out, text);
}

void ch_json_member(ch_json *json, const char *key, const char *text)
{
    if (!text) return;
    ch_json_key(json, key);
    ch_json_string(json, text);
}

void ch_json_member_int(ch_json *json, const char *key, int64_t value)
{
    ch_json_key(json, key);
    ch_json_int(json, value);
}

void ch_json_member_double(ch_json *json, const char *key, double value)
{
    ch_json_key(json, key);
    ch_json_double(json, value);
}

void ch_json_member_bool(ch_json *json, const char *key, bool value)
{
    ch_json_key(json, key);
    ch_json_bool(json, value);
}
