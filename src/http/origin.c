/* origin.c: requests that a foreign web page makes its visitor's browser send. Through DNS rebinding such a page may
 * read from a server on the visitor's machine: then Host carries the page's name. Without rebinding it may still write:
 * then Origin does. */
#include "http/internal.h"

#include <string.h>

/* Whether a name is one that the operator allowed: the same, or below "*.example.org"; "*" is any. */
static bool is_listed(const ch_http_server *server, const char *host)
{
    size_t len = strlen(host);
    for (const char *const *name = server->options.allowed_hosts; name && *name; name++) {
        if (!strcmp(*name, "*") || !strcasecmp(*name, host)) return true;
        if (strncmp(*name, "*.", 2) != 0) continue;
        size_t tail = strlen(*name) - 1; /* with the dot */
        if (len > tail && !strcasecmp(host + len - tail, *name + 1)) return true;
    }
    return false;
}

static bool host_allowed(const ch_http_server *server, const char *header)
{
    char host[256];
    if (!ch_http_parse_host(header, host, NULL)) return false;
    return ch_http_is_loopback(host) || ch_http_is_address(host) || is_listed(server, host);
}

/* An origin may be the server's own (the same host and port as in Host), this machine's, or a listed one. An address
 * is not enough here: a page may well be served from one. */
static bool origin_allowed(const ch_http_server *server, const char *origin, const char *host_header)
{
    const char *authority = strstr(origin, "://");
    char host[256];
    if (!authority || !ch_http_parse_host(authority + 3, host, NULL)) return false; /* "null", too */
    if (host_header && !strcasecmp(authority + 3, host_header)) return true;
    return ch_http_is_loopback(host) || is_listed(server, host);
}

static bool is_write(const char *method)
{
    return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 && strcmp(method, "OPTIONS") != 0;
}

bool ch_http_origin_allowed(ch_http_request *request)
{
    const ch_http_server *server = request->server;
    const char *host = ch_http_header(request, "Host");
    if (host && !server->options.any_host && !host_allowed(server, host)) {
        ch_http_refuse(request, 403, "Invalid Host header - possible DNS rebinding attack detected");
        return false;
    }
    if (!is_write(request->method)) return true;
    const char *origin = ch_http_header(request, "Origin"), *site = ch_http_header(request, "Sec-Fetch-Site");
    bool foreign =
        !origin && site && !strcmp(site, "cross-site"); /* browsers say so even where they keep Origin back */
    if (foreign || (origin && !origin_allowed(server, origin, host))) {
        ch_http_refuse(request, 403, "Cross-origin request blocked");
        return false;
    }
    return true;
}
