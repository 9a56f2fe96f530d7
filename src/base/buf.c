/* buf.c: the growing string and the quoted forms of text. Numbers in Java's form are in java_double.c. */
#include "base/buf.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ch_buf_reset(ch_buf *buf)
{
    free(buf->data);
    *buf = (ch_buf){0};
}

void ch_buf_clear(ch_buf *buf)
{
    buf->len = 0;
    if (buf->data) buf->data[0] = '\0';
}

void ch_buf_reserve(ch_buf *buf, size_t extra)
{
    if (buf->data && buf->cap - buf->len > extra) return;
    size_t cap = buf->cap ? buf->cap : 64;
    char *data = NULL;
    if (extra < SIZE_MAX / 4 && buf->len < SIZE_MAX / 4) {
        while (cap - buf->len <= extra) cap *= 2;
        data = realloc(buf->data, cap);
    }
    if (!data) {
        ch_log(CH_LOG_ERROR, "out of memory: a text of %zu bytes wanted %zu more", buf->len, extra);
        abort();
    }
    buf->data = data;
    buf->cap = cap;
    buf->data[buf->len] = '\0';
}

void ch_buf_add(ch_buf *buf, const void *bytes, size_t len)
{
    ch_buf_reserve(buf, len);
    if (len) memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void ch_buf_str(ch_buf *buf, const char *text)
{
    ch_buf_add(buf, text, strlen(text));
}

void ch_buf_char(ch_buf *buf, char c)
{
    ch_buf_add(buf, &c, 1);
}

void ch_buf_printf(ch_buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    ch_buf_reserve(buf, 64); /* most pieces fit at once */
    size_t room = buf->cap - buf->len;
    int length = vsnprintf(buf->data + buf->len, room, format, args);
    va_end(args);
    if (length > 0 && (size_t)length >= room) {
        ch_buf_reserve(buf, (size_t)length);
        vsnprintf(buf->data + buf->len, (size_t)length + 1, format, again);
    }
    va_end(again);
    if (length > 0) buf->len += (size_t)length;
}

const char *ch_buf_text(const ch_buf *buf)
{
    return buf->data ? buf->data : "";
}

void ch_buf_json_string(ch_buf *buf, const char *text)
{
    ch_buf_char(buf, '"');
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        switch (*at) {
        case '"': ch_buf_str(buf, "\\\""); break;
        case '\\': ch_buf_str(buf, "\\\\"); break;
        case '\b': ch_buf_str(buf, "\\b"); break;
        case '\f': ch_buf_str(buf, "\\f"); break;
        case '\n': ch_buf_str(buf, "\\n"); break;
        case '\r': ch_buf_str(buf, "\\r"); break;
        case '\t': ch_buf_str(buf, "\\t"); break;
        default:
            if (*at < 0x20) {
                ch_buf_printf(buf, "\\u%04x", *at);
            } else {
                ch_buf_char(buf, (char)*at);
            }
        }
    }
    ch_buf_char(buf, '"');
}

/* text between two quotes, every quote inside doubled */
static void add_quoted(ch_buf *buf, const char *text, char quote)
{
    ch_buf_char(buf, quote);
    for (const char *at = text; *at;) {
        const char *end = strchr(at, quote);
        size_t run = end ? (size_t)(end - at) + 1 : strlen(at);
        ch_buf_add(buf, at, run);
        if (end) ch_buf_char(buf, quote);
        at += run;
    }
    ch_buf_char(buf, quote);
}

void ch_buf_sql_string(ch_buf *buf, const char *text)
{
    add_quoted(buf, text, '\'');
}

void ch_buf_sql_name(ch_buf *buf, const char *text)
{
    add_quoted(buf, text, '"');
}

void ch_buf_java_double(ch_buf *buf, double value)
{
    char text[32];
    ch_buf_add(buf, text, ch_java_double(value, text));
}

void ch_buf_java_float(ch_buf *buf, float value)
{
    char text[32];
    ch_buf_add(buf, text, ch_java_float(value, text));
}
