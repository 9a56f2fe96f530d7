/* utf8.h: is it UTF-8, what to do when it is not, and its characters. */
#ifndef CHERT_BASE_UTF8_H
#define CHERT_BASE_UTF8_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Well-formed UTF-8 (no surrogates, no overlong forms)? NUL is an ordinary character. */
bool ch_utf8_valid(const char *text, size_t len);
/* Appends `text`, each malformed sequence replaced by U+FFFD as Java's decoder replaces it (one for every maximal part
 * of a character). */
void ch_utf8_repair(ch_buf *out, const char *text, size_t len);
/* Appends Latin-1 bytes as UTF-8. */
void ch_utf8_from_latin1(ch_buf *out, const char *text, size_t len);
/* Appends ASCII; every other byte becomes U+FFFD. */
void ch_utf8_from_ascii(ch_buf *out, const char *text, size_t len);

/* ---- characters of well-formed text ---- */

/* Bytes of the character that begins with c. */
static inline size_t ch_utf8_len(unsigned char c)
{
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

/* Characters of well-formed text. */
static inline size_t ch_utf8_count(const char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) n += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n;
}

/* Bytes of the first n characters. */
static inline size_t ch_utf8_bytes(const char *text, size_t len, size_t n)
{
    size_t i = 0;
    for (; n && i < len; n--) i += ch_utf8_len((unsigned char)text[i]);
    return i < len ? i : len;
}

/* p is at the start of a whole character. */
static inline uint32_t ch_utf8_decode(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    if (u[0] < 0x80) return u[0];
    if (u[0] < 0xE0) return (uint32_t)(u[0] & 0x1F) << 6 | (u[1] & 0x3F);
    if (u[0] < 0xF0) return (uint32_t)(u[0] & 0x0F) << 12 | (uint32_t)(u[1] & 0x3F) << 6 | (u[2] & 0x3F);
    return (uint32_t)(u[0] & 0x07) << 18 | (uint32_t)(u[1] & 0x3F) << 12 | (uint32_t)(u[2] & 0x3F) << 6 | (u[3] & 0x3F);
}

static inline void ch_utf8_add(ch_buf *out, uint32_t c)
{
    if (c < 0x80) {
        ch_buf_char(out, (char)c);
        return;
    }
    if (c < 0x800) {
        ch_buf_char(out, (char)(0xC0 | c >> 6));
    } else {
        if (c >= 0x10000) ch_buf_char(out, (char)(0xF0 | c >> 18));
        ch_buf_char(out, (char)(c >= 0x10000 ? 0x80 | (c >> 12 & 0x3F) : 0xE0 | c >> 12));
        ch_buf_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
    }
    ch_buf_char(out, (char)(0x80 | (c & 0x3F)));
}

#endif
