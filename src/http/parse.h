/* parse.h: what clients send, taken apart: percent escapes, query arguments, hosts, origins, ranges, entity tags.
 * Functions without state; tests/fuzz/fuzz_http.c feeds them. */
#ifndef CHERT_HTTP_PARSE_H
#define CHERT_HTTP_PARSE_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the %XX of text into `out`, which has room for len + 1 bytes, and ends it with a NUL; `plus` makes '+' a
 * space. Returns the length, or -1 for a broken escape, for an escaped NUL, for what is not UTF-8. */
long ch_http_decode(const char *text, size_t len, bool plus, char *out);

typedef struct ch_http_arg {
    const char *name, *value;
} ch_http_arg;

/* "a=1&b=x%20y&c" in order; an argument without '=' has the value "". NULL query: none. Returns false where
 * ch_http_decode would. */
bool ch_http_parse_query(ch_arena *arena, const char *query, ch_http_arg **args, size_t *count);

/* Whether a text is a token of RFC 9110, as names of headers are. */
bool ch_http_is_token(const char *text);

/* The host of "name", "name:port", "1.2.3.4:port", "[::1]:port", in lower case, without brackets. `rest` (may be NULL)
 * is the port's text or "". False when it is none or longer than 255 bytes. */
bool ch_http_parse_host(const char *text, char host[256], const char **rest);

/* Whether a host is an address (v4 or v6) rather than a name, and whether it is this machine itself: "localhost",
 * 127.0.0.0/8, ::1. */
bool ch_http_is_address(const char *host);
bool ch_http_is_loopback(const char *host);

typedef enum ch_http_range_kind {
    CH_RANGE_ALL,  /* none that is understood: the whole is sent */
    CH_RANGE_PART, /* *offset, *len are set */
    CH_RANGE_OUTSIDE
} ch_http_range_kind;

/* A Range header on something of `size` bytes: "bytes=0-99", "bytes=100-", "bytes=-100". Several ranges at once are
 * answered with the whole, as RFC 9110 allows. */
ch_http_range_kind ch_http_parse_range(const char *text, uint64_t size, uint64_t *offset, uint64_t *len);

/* Whether an If-None-Match header ("*", "\"a\", W/\"b\"") names the tag, compared weakly. */
bool ch_http_tag_matches(const char *header, const char *tag);

#endif
