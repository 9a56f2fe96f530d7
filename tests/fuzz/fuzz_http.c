/* What an HTTP client sends: paths through the router, queries, hosts, ranges, entity tags, and whole requests to a
 * server in this process. The first byte chooses which. */
#include "http/http.h"
#include "http/parse.h"
#include "http/router.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Looks at everything a handler may look at. */
static int look(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)app;
    (void)err;
    static const char *const NAMES[] = {"id", "rest", "absent"};
    size_t seen = strlen(ch_http_path(request)), len;
    const char *name, *value;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const char *text = ch_http_param(request, NAMES[i]);
        if (text) seen += strlen(text);
    }
    for (size_t i = 0; ch_http_query_at(request, i, &name, &value); i++) seen += strlen(name) + strlen(value);
    seen += strlen(ch_http_body(request, &len));
    ch_buf_printf(&reply->body, "%zu", seen + len);
    return 0;
}

static int send_it(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)app;
    (void)err;
    ch_http_send_file(request, reply, "/proc/self/exe", NULL);
    return 0;
}

static const ch_http_route ROUTES[] = {
    {.method = "GET", .path = "/", .handler = look, .flags = CH_HTTP_INLINE},
    {.method = "GET", .path = "/a", .handler = look, .flags = CH_HTTP_INLINE},
    {.method = "POST", .path = "/a", .handler = look},
    {.method = "GET", .path = "/file", .handler = send_it},
    {.method = "GET", .path = "/a/{id}/b", .handler = look},
    {.method = "DELETE", .path = "/a/{id}", .handler = look},
    {.method = "PUT", .path = "/f/{rest*}", .handler = look, .max_body = 1000},
};
static const ch_http_mount MOUNT = {"", ROUTES, sizeof ROUTES / sizeof ROUTES[0], NULL};

static void route(ch_arena *arena, const char *text)
{
    static ch_router *router;
    ch_error err;
    if (!router && ch_router_new(&MOUNT, 1, &router, &err)) abort();
    static const char *const METHODS[] = {"GET", "POST", "DELETE", "PUT", "HEAD", "PATCH"};
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++) {
        ch_router_match match;
        if (!ch_router_find(router, arena, METHODS[i], text, &match) || !match.entry) continue;
        for (int p = 0; p < match.entry->nparam; p++) assert(strlen(match.values[p]) <= strlen(text));
    }
}

static void query(ch_arena *arena, const char *text)
{
    ch_http_arg *args;
    size_t n, total = 0;
    if (!ch_http_parse_query(arena, text, &args, &n)) return;
    for (size_t i = 0; i < n; i++) total += strlen(args[i].name) + strlen(args[i].value);
    assert(total <= strlen(text));
}

static void headers(const char *text, size_t len)
{
    char host[256];
    const char *port;
    uint64_t size = len * len * len, offset, part;
    if (ch_http_parse_host(text, host, &port)) {
        (void)ch_http_is_address(host);
        (void)ch_http_is_loopback(host);
        assert(strlen(port) <= 5);
    }
    if (ch_http_parse_range(text, size, &offset, &part) == CH_RANGE_PART) {
        assert(part > 0 && offset < size && part <= size - offset);
    }
    (void)ch_http_tag_matches(text, "\"17-42\"");
}

static void whole(const char *bytes, size_t len)
{
    static ch_http_server *server;
    ch_error err;
    ch_http_options options = {.mounts = &MOUNT, .nmount = 1, .workers = 1, .loops = 1};
    if (!server && ch_http_start(&options, &server, &err)) abort();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)ch_http_port(server))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to)) abort();
    struct linger at_once = {.l_onoff = 1}; /* or the ports run out */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    /* an answer takes less, and libmicrohttpd may overlook an end that came with the last bytes of a request */
    struct timeval patience = {.tv_usec = 20000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssize_t put = send(fd, bytes, len, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    char answer[4096];
    size_t most = 1 << 16; /* of the file */
    while (put >= 0 && most) {
        ssize_t got = recv(fd, answer, sizeof answer, 0);
        if (got <= 0) break;
        most -= (size_t)got < most ? (size_t)got : most;
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size || size > 100000) return 0;
    ch_arena *arena = ch_arena_new();
    const char *text = ch_arena_strndup(arena, (const char *)data + 1, size - 1);
    switch (data[0] % 4) {
    case 0: route(arena, text); break;
    case 1: query(arena, text); break;
    case 2: headers(text, size); break;
    default: whole(text, size - 1);
    }
    ch_arena_free(arena);
    return 0;
}
