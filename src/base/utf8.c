/* utf8.c: checking and repairing UTF-8; runs of ASCII are passed over eight bytes at a time. */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

static const uint64_t HIGH_BITS = UINT64_C(0x8080808080808080);

/* Length of the run of ASCII at the start. */
static size_t ascii_run(const unsigned char *at, size_t len)
{
    size_t i = 0;
    for (uint64_t word; i + 8 <= len; i += 8) {
        memcpy(&word, at + i, 8);
        if (word & HIGH_BITS) break;
    }
    while (i < len && at[i] < 0x80) i++;
    return i;
}

/* The character at `at` that does not start with ASCII: its length, or 0 if malformed; then *bad is the length of the
 * part that looked like a character (at least 1). */
static size_t character(const unsigned char *at, size_t len, size_t *bad)
{
    size_t n = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    *bad = 1;
    if (at[0] < 0xC2 || at[0] > 0xF4) return 0;
    /* the second byte's range excludes overlong forms, surrogates and what is beyond U+10FFFF */
    unsigned char low = at[0] == 0xE0 ? 0xA0 : at[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = at[0] == 0xED ? 0x9F : at[0] == 0xF4 ? 0x8F : 0xBF;
    if (at[0] == 0xED && len > 1 && at[1] > 0x9F && at[1] < 0xC0) {
        *bad = len > 2 && (at[2] & 0xC0) == 0x80 ? 3 : 2; /* a surrogate is one thing to Java */
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if (i >= len || at[i] < low || at[i] > high) return 0;
        *bad = i + 1;
        low = 0x80;
        high = 0xBF;
    }
    return n;
}

bool ch_utf8_valid(const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + len;
    while (at < end) {
        at += ascii_run(at, (size_t)(end - at));
        if (at == end) break;
        size_t bad, n = character(at, (size_t)(end - at), &bad);
        if (!n) return false;
        at += n;
    }
    return true;
}

void ch_utf8_repair(ch_buf *out, const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + len;
    while (at < end) {
        size_t run = ascii_run(at, (size_t)(end - at));
        ch_buf_add(out, at, run);
        at += run;
        if (at == end) break;
        size_t bad, n = character(at, (size_t)(end - at), &bad);
        if (n) {
            ch_buf_add(out, at, n);
        } else {
            ch_buf_add(out, "\xEF\xBF\xBD", 3);
        }
        at += n ? n : bad;
    }
}

void ch_utf8_from_latin1(ch_buf *out, const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + len;
    while (at < end) {
        size_t run = ascii_run(at, (size_t)(end - at));
        ch_buf_add(out, at, run);
        at += run;
        if (at == end) break;
        char two[2] = {(char)(0xC0 | *at >> 6), (char)(0x80 | (*at & 0x3F))};
        ch_buf_add(out, two, 2);
        at++;
    }
}

void ch_utf8_from_ascii(ch_buf *out, const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + len;
    while (at < end) {
        size_t run = ascii_run(at, (size_t)(end - at));
        ch_buf_add(out, at, run);
        at += run;
        if (at == end) break;
        ch_buf_add(out, "\xEF\xBF\xBD", 3);
        at++;
    }
}
