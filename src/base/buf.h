/* buf.h: a growing string of bytes, always NUL-terminated. Owner calls ch_buf_reset. Zero-initialise before use.
 * Running out of memory ends the process after a log line (see arena.h for why). */
#ifndef CHERT_BASE_BUF_H
#define CHERT_BASE_BUF_H

#include <stddef.h>

typedef struct ch_buf {
    char *data; /* NULL until the first byte; use ch_buf_text for a string that is never NULL */
    size_t len, cap;
} ch_buf;

void ch_buf_reset(ch_buf *buf); /* frees the memory; the buffer may be used again */
void ch_buf_clear(ch_buf *buf); /* length 0, memory kept */
void ch_buf_reserve(ch_buf *buf, size_t extra);
void ch_buf_add(ch_buf *buf, const void *bytes, size_t len);
void ch_buf_str(ch_buf *buf, const char *text);
void ch_buf_char(ch_buf *buf, char c);
void ch_buf_printf(ch_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *ch_buf_text(const ch_buf *buf);

/* "text" with JSON escapes, quotes included; `text` must be UTF-8. */
void ch_buf_json_string(ch_buf *buf, const char *text);
/* 'text' with quotes doubled: an SQL string literal. */
void ch_buf_sql_string(ch_buf *buf, const char *text);
/* "text" with double quotes doubled: an SQL identifier. */
void ch_buf_sql_name(ch_buf *buf, const char *text);
/* A double as Java's Double.toString writes it (JDK 19+ shortest form): 1.0, 1.0E-4, 1.23456789E8, NaN, Infinity. */
void ch_buf_java_double(ch_buf *buf, double value);
void ch_buf_java_float(ch_buf *buf, float value);

/* The same into a caller's array of at least 32 bytes; returns the length. */
size_t ch_java_double(double value, char out[32]);
size_t ch_java_float(float value, char out[32]);

#endif
