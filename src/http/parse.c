/* parse.c: percent escapes, query arguments, hosts, ranges, entity tags. */
#include "http/parse.h"

#include "base/utf8.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

long ch_http_decode(const char *text, size_t len, bool plus, char *out)
{
    size_t n = 0;
    bool ascii = true;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            if (len - i < 3) return -1;
            int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return -1;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if (!c) return -1;
        ascii = ascii && !(c & 0x80);
        out[n++] = c;
    }
    out[n] = '\0';
    return ascii || ch_utf8_valid(out, n) ? (long)n : -1;
}

bool ch_http_parse_query(ch_arena *arena, const char *query, ch_http_arg **args, size_t *count)
{
    *args = NULL;
    *count = 0;
    if (!query || !*query) return true;
    size_t most = 1;
    for (const char *at = query; *at; at++) most += *at == '&';
    ch_http_arg *out = CH_NEW_ARRAY(arena, ch_http_arg, most);
    /* decoded text is never longer, and each argument leaves a '&' or the end's NUL, and a '=' or none */
    char *text = ch_arena_alloc(arena, strlen(query) + most + 1);
    size_t n = 0;
    for (const char *at = query;;) {
        size_t len = strcspn(at, "&");
        const char *equals = memchr(at, '=', len);
        size_t name_len = equals ? (size_t)(equals - at) : len;
        if (len) {
            long got = ch_http_decode(at, name_len, true, text);
            if (got < 0) return false;
            out[n].name = text;
            text += got + 1;
            got = equals ? ch_http_decode(equals + 1, len - name_len - 1, true, text) : 0;
            if (got < 0) return false;
            out[n].value = equals ? text : "";
            if (equals) text += got + 1;
            n++;
        }
        if (!at[len]) break;
        at += len + 1;
    }
    *args = out;
    *count = n;
    return true;
}

bool ch_http_is_token(const char *text)
{
    const char *at = text;
    while (isalnum((unsigned char)*at) || (*at && strchr("!#$%&'*+-.^_`|~", *at))) at++;
    return at > text && !*at;
}

static bool lower_copy(const char *text, size_t len, char host[256])
{
    if (!len || len > 255) return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!isalnum(c) && !strchr("-._:%", c)) return false;
        host[i] = (char)tolower(c);
    }
    host[len] = '\0';
    return true;
}

bool ch_http_parse_host(const char *text, char host[256], const char **rest)
{
    const char *end;
    if (*text == '[') {
        end = strchr(text, ']');
        if (!end || !lower_copy(text + 1, (size_t)(end - text) - 1, host)) return false;
        struct in6_addr address;
        if (inet_pton(AF_INET6, host, &address) != 1) return false;
        end++;
    } else {
        end = text + strcspn(text, ":");
        if (!lower_copy(text, (size_t)(end - text), host)) return false;
        size_t len = strlen(host);
        if (host[len - 1] == '.' && len > 1) host[len - 1] = '\0'; /* "localhost." is localhost */
    }
    if (*end && *end != ':') return false;
    const char *port = *end ? end + 1 : end;
    if (strlen(port) > 5 || port[strspn(port, "0123456789")]) return false;
    if (rest) *rest = port;
    return true;
}

bool ch_http_is_address(const char *host)
{
    struct in6_addr six;
    struct in_addr four;
    return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1;
}

bool ch_http_is_loopback(const char *host)
{
    struct in_addr four;
    if (inet_pton(AF_INET, host, &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
    return !strcmp(host, "localhost") || !strcmp(host, "::1");
}

/* digits into *out; NULL when there are none or too many, else where they end */
static const char *read_number(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    size_t n = strspn(text, "0123456789");
    if (!n || n > 18) return NULL;
    for (size_t i = 0; i < n; i++) value = value * 10 + (uint64_t)(text[i] - '0');
    *out = value;
    return text + n;
}

ch_http_range_kind ch_http_parse_range(const char *text, uint64_t size, uint64_t *offset, uint64_t *len)
{
    if (strncmp(text, "bytes=", 6) != 0) return CH_RANGE_ALL;
    text += 6;
    uint64_t from, to;
    if (*text == '-') { /* the last so many */
        const char *end = read_number(text + 1, &to);
        if (!end || *end) return CH_RANGE_ALL;
        if (!to || !size) return CH_RANGE_OUTSIDE;
        *len = to < size ? to : size;
        *offset = size - *len;
        return CH_RANGE_PART;
    }
    const char *end = read_number(text, &from);
    if (!end || *end != '-') return CH_RANGE_ALL;
    if (end[1]) {
        end = read_number(end + 1, &to);
        if (!end || *end || to < from) return CH_RANGE_ALL;
    } else {
        to = UINT64_MAX;
    }
    if (from >= size) return CH_RANGE_OUTSIDE;
    *offset = from;
    *len = (to < size - 1 ? to : size - 1) - from + 1;
    return CH_RANGE_PART;
}

bool ch_http_tag_matches(const char *header, const char *tag)
{
    size_t len = strlen(tag);
    for (const char *at = header; *at;) {
        at += strspn(at, " \t,");
        if (*at == '*') return true;
        if (!strncmp(at, "W/", 2)) at += 2;
        if (!strncmp(at, tag, len) && (!at[len] || strchr(" \t,", at[len]))) return true;
        at += strcspn(at, ",");
    }
    return false;
}
