/* utf8.h: is it UTF-8, and what to do when it is not. */
#ifndef CHERT_BASE_UTF8_H
#define CHERT_BASE_UTF8_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Well-formed UTF-8 (no surrogates, no overlong forms)? NUL is an ordinary character. */
bool ch_utf8_valid(const char *text, size_t len);
/* Appends `text`, each malformed sequence replaced by U+FFFD as Java's decoder replaces it (one for every maximal part
 * of a character). */
void ch_utf8_repair(ch_buf *out, const char *text, size_t len);
/* Appends Latin-1 bytes as UTF-8. */
void ch_utf8_from_latin1(ch_buf *out, const char *text, size_t len);
/* Appends ASCII; every other byte becomes U+FFFD. */
void ch_utf8_from_ascii(ch_buf *out, const char *text, size_t len);

#endif
