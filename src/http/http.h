/* http.h: an HTTP/1.1 server for route tables: what the tracking, scoring and engine pages are served by.
 *
 *     static int get_version(ch_http_request *request, ch_http_reply *reply, void *app)
 *     {
 *         ch_http_text(reply, 200, "text/plain; charset=utf-8", "0.1.0");
 *         return 0;
 *     }
 *     static const ch_http_route ROUTES[] = {
 *         {.method = "GET", .path = "/version", .handler = get_version},
 *         {.method = "PUT", .path = "/files/{path*}", .handler = put_file, .flags = CH_HTTP_STREAM},
 *     };
 *     ch_http_mount mounts[] = {{"", ROUTES, 2, app}};
 *     ch_http_options options = {.host = "127.0.0.1", .port = 0, .mounts = mounts, .nmount = 1};
 *     ch_http_server *server;
 *     if (ch_http_start(&options, &server, &err)) ...
 *
 * libmicrohttpd reads and writes the sockets on a few threads of its own, each with an epoll loop. A short handler
 * (CH_HTTP_INLINE) runs there; all others run on a pool of workers while their connection is suspended, so that a slow
 * one holds nobody up. Everything a client sends is bounded: header bytes, body size by route, time to send it,
 * connections in all and by address.
 */
#ifndef CHERT_HTTP_HTTP_H
#define CHERT_HTTP_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ch_http_server ch_http_server;
typedef struct ch_http_request ch_http_request;

/* What a handler answers. Zeroed before the handler is called; 200 with an empty body unless it says otherwise. */
typedef struct ch_http_reply {
    int status;
    const char *content_type; /* NULL: none; borrowed: static text or of the request's arena */
    ch_buf body;              /* taken over by the server */
    const void *fixed;        /* instead of body: bytes that outlive the server (static files) */
    size_t fixed_len;
    int file; /* instead of body: a descriptor that the server reads from and closes, when file_len > 0 or is_file */
    bool is_file;
    uint64_t file_offset, file_len;
    const char *headers[16]; /* name, value, name, value, ...: borrowed as content_type is; see ch_http_add_header */
    int nheader;             /* how many of these are used, two a header */
} ch_http_reply;

/* Handlers return 0, or a ch_errkind with the error in the reply's stead: it becomes a 500 with a plain message and a
 * log line; what users cause is answered through the reply. `app` is the mount's. */
typedef int (*ch_http_handler)(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err);

typedef enum ch_http_flags {
    CH_HTTP_INLINE = 1, /* takes microseconds and never waits: run on the socket's thread; where that turns out not to
                         * hold for a request, return CH_HTTP_ASK_AGAIN before anything else: a worker runs it again */
    CH_HTTP_STREAM = 2, /* the body may be big: it is put into a temporary file, see ch_http_body_file */
    CH_HTTP_OPEN = 4,   /* reachable without credentials when the server asks for them (health, static files) */
} ch_http_flags;

/* Asked before the body is read, of routes without CH_HTTP_OPEN. 0: go on (ch_http_set_user may have been called);
 * CH_HTTP_ASK_AGAIN: not here, the answer takes long or waits (only where ch_http_may_wait is false): the guard is
 * asked again on a worker; otherwise the reply is sent as the guard filled it (401, 403). */
enum { CH_HTTP_ASK_AGAIN = -1 };
typedef int (*ch_http_guard)(ch_http_request *request, ch_http_reply *reply, void *arg);

/* A row of a route table. Path segments "{name}" match one segment and "{name*}", last, the rest with its slashes
 * (possibly empty); read them with ch_http_param. Literal segments win over patterns. */
typedef struct ch_http_route {
    const char *method;
    const char *path;
    ch_http_handler handler;
    unsigned flags;
    size_t max_body;  /* bytes; 0: 1 MiB, or without limit for CH_HTTP_STREAM */
    const void *data; /* the table's own (ch_http_route_data) */
    /* Asked after the server's guard, with the mount's app: whether this user may send this route such a body, as far
     * as path, query and headers tell. NULL: the handler asks. */
    ch_http_guard permit;
} ch_http_route;

/* A table of routes below a prefix ("/api/2.0/mlflow"); the same table may be mounted more than once. */
typedef struct ch_http_mount {
    const char *prefix;
    const ch_http_route *routes;
    size_t nroute;
    void *app;
} ch_http_mount;

/* GET /metrics: everything of base/metrics.h as Prometheus text. The server counts its requests by itself. */
extern const ch_http_mount ch_http_metrics_mount;

/* Told after each answer, from the thread that served it: for /metrics and the access log. `route` is the pattern with
 * the mount's prefix, NULL when none matched. */
typedef void (*ch_http_observer)(void *arg, const ch_http_request *request, const char *route, int status,
                                 uint64_t bytes, double seconds);

typedef struct ch_http_options {
    const char *host;            /* NULL: 127.0.0.1 */
    int port;                    /* 0: a free one, see ch_http_port */
    int loops;                   /* threads of the sockets; 0: 2 */
    int workers;                 /* threads for handlers; 0: 16 */
    const ch_http_mount *mounts; /* copied; the tables must outlive the server */
    size_t nmount;
    const char *temp_dir;           /* for streamed bodies; NULL: the system's */
    const char *tls_cert, *tls_key; /* PEM files, both or neither */
    /* Host names beside localhost and addresses that requests may name in Host and Origin; NULL at the end. When
     * any_host is false, others get 403: a page of a foreign site can then not reach us through DNS rebinding. */
    const char *const *allowed_hosts;
    bool any_host;
    size_t max_connections, max_per_address; /* 0: 4000, 0: 1000 */
    int timeout_seconds;                     /* a connection without progress for so long is closed; 0: 60 */
    int head_seconds;                        /* a request's line and headers must be there by then; 0: 10 */
    ch_http_guard guard;
    void *guard_arg;
    ch_http_observer observer;
    void *observer_arg;
    bool access_log; /* one line of JSON a request on standard error */
} ch_http_options;

/* Starts serving. err: the port is taken, bad certificate files. */
int ch_http_start(const ch_http_options *options, ch_http_server **out, ch_error *err);
int ch_http_port(const ch_http_server *server);
/* Stops taking connections, waits up to grace_ms for running handlers, frees. NULL is fine. */
void ch_http_stop(ch_http_server *server, long grace_ms);

/* --- of a request; all text lives as long as the request ---- */

ch_arena *ch_http_arena(ch_http_request *request); /* of this request */
const char *ch_http_method(const ch_http_request *request);
const char *ch_http_path(const ch_http_request *request);                    /* percent-decoded, without the query */
const char *ch_http_param(const ch_http_request *request, const char *name); /* of the route's pattern; NULL: none */
const void *ch_http_route_data(const ch_http_request *request);
const char *ch_http_header(const ch_http_request *request, const char *name); /* NULL when absent */
/* The first value of a query argument, percent-decoded; NULL when absent. ch_http_query_at walks all arguments in their
 * order, repeated ones too: false after the last. */
const char *ch_http_query(const ch_http_request *request, const char *name);
bool ch_http_query_at(const ch_http_request *request, size_t at, const char **name, const char **value);
/* The body: NUL-terminated after len bytes; never NULL. Not for CH_HTTP_STREAM. */
const char *ch_http_body(const ch_http_request *request, size_t *len);
/* How the names of the temporary files of streamed bodies begin. */
#define CH_HTTP_BODY_PREFIX "chert-upload-"
/* The path of the temporary file that holds a streamed body; a handler may rename it to keep it. */
const char *ch_http_body_file(const ch_http_request *request, uint64_t *len);
const char *ch_http_remote(const ch_http_request *request);        /* the client's address in text */
void ch_http_set_user(ch_http_request *request, const char *user); /* by the guard; copied */
const char *ch_http_user(const ch_http_request *request);          /* NULL: nobody asked who it is */
bool ch_http_is_tls(const ch_http_request *request);               /* whether it came over our own TLS */
bool ch_http_may_wait(const ch_http_request *request); /* false on the socket's thread, which serves others, too */

/* --- filling a reply ---- */

void ch_http_text(ch_http_reply *reply, int status, const char *content_type, const char *text);
/* Adds a header, or replaces the one of that name. */
void ch_http_add_header(ch_http_reply *reply, const char *name, const char *value);
/* Answers with a regular file, honouring Range, If-None-Match (the ETag is made of size and time) and HEAD; 404 when it
 * is none. `content_type` NULL: by the name's ending, but never anything a browser would run. */
void ch_http_send_file(ch_http_request *request, ch_http_reply *reply, const char *path, const char *content_type);
/* The type of a file by the ending of its name; "application/octet-stream" when unknown. */
const char *ch_http_type_of(const char *name);

#endif
