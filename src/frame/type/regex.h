/* regex.h: regular expressions in Java's dialect, by PCRE2, compiled once and cached. */
#ifndef CHERT_FRAME_REGEX_H
#define CHERT_FRAME_REGEX_H

#include "base/error.h"

#include <stddef.h>

typedef struct ch_regex ch_regex;

enum { CH_REGEX_CASELESS = 1 };

/* The compiled pattern, from a cache of the thread; valid until the thread has used many others. NULL with err filled
 * (INVALID_PARAMETER_VALUE.PATTERN naming `function`) when the pattern is wrong. */
const ch_regex *ch_regex_find(const char *pattern, size_t len, unsigned flags, const char *function, ch_error *err);
/* Searches text from `start`: 1 found, 0 not, -1 with err filled (the pattern runs wild on this text). spans[2 * i] and
 * spans[2 * i + 1] are where group i starts and ends, (size_t)-1 for a group that took no part; at most `groups`
 * groups are filled in. `spans` may be NULL. */
int ch_regex_search(const ch_regex *regex, const char *text, size_t len, size_t start, size_t *spans, size_t groups,
                    ch_error *err);
size_t ch_regex_groups(const ch_regex *regex); /* without group 0 */
/* Does the whole text match? */
int ch_regex_matches(const ch_regex *regex, const char *text, size_t len, ch_error *err);

#endif
