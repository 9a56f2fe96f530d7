/* internal.h: what the files of the HTTP server share. */
#ifndef CHERT_HTTP_INTERNAL_H
#define CHERT_HTTP_INTERNAL_H

#include "http/http.h"
#include "http/parse.h"
#include "http/router.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

/* How far a request has come. */
typedef enum request_phase {
    PHASE_IDLE,    /* no request line yet */
    PHASE_HEAD,    /* reading headers */
    PHASE_GUARD,   /* a worker asks the guard; afterwards the body is read */
    PHASE_BODY,    /* reading the body */
    PHASE_DISCARD, /* the reply is ready; the rest of the body is read and thrown away */
    PHASE_HANDLER, /* a worker runs the handler */
    PHASE_REPLY    /* the reply is ready or on its way */
} request_phase;

/* What the watcher of slow clients is waiting for. */
enum { WAIT_NOTHING, WAIT_IDLE, WAIT_HEAD, WAIT_BODY, WAIT_REPLY };

/* A connection carries one request at a time, so both are one object, made when the connection opens. */
struct ch_http_request {
    ch_http_server *server;
    struct MHD_Connection *connection;
    int fd;
    char remote[INET6_ADDRSTRLEN];

    /* of the current request; cleared by request_clear */
    request_phase phase;
    ch_arena *arena;
    const char *method, *path, *query; /* path and query raw at first; path is decoded once a route is found */
    ch_http_arg *args;
    size_t nargs;
    ch_router_match match;
    ch_buf body;
    uint64_t body_len, body_max;
    int body_fd; /* of the temporary file; -1: none */
    const char *body_file;
    ch_http_reply reply;
    uint64_t reply_len;
    const char *user;
    bool guard_passed, on_loop, close_after;
    int64_t started_ns;

    ch_http_request *next_job; /* in the workers' queue */

    /* for the watcher, which reads them from its thread */
    atomic_int waiting;
    _Atomic int64_t waiting_since_ns;
    _Atomic uint64_t received;
    ch_http_request *live_before, *live_after;
    /* the watcher's own: what the client had taken of which reply when it last looked, and when that was */
    int64_t reply_since_ns, looked_ns;
    uint64_t taken;
};

typedef struct worker_pool {
    pthread_mutex_t mutex;
    pthread_cond_t work, idle;
    ch_http_request *first, *last;
    pthread_t *threads;
    int nthread;
    int reserved; /* requests on their way to, in, or coming from a worker */
    bool closed, stopping;
} worker_pool;

struct ch_http_server {
    ch_arena *arena; /* of copies of the options */
    ch_http_options options;
    ch_router *router;
    struct MHD_Daemon *daemon;
    int listen_fd, port;
    worker_pool pool;
    atomic_bool stopping;

    pthread_mutex_t live_mutex; /* of the list of connections */
    ch_http_request *live;
    pthread_t watcher;
    pthread_cond_t watcher_wake;
    bool watcher_started;
};

/* server.c */
int64_t ch_http_now_ns(void);

/* request.c: the current request of a connection */
void ch_http_request_clear(ch_http_request *request);
/* Adds a piece of the body. False: over the limit, or the temporary file cannot be written (the reply says so). */
bool ch_http_take_body(ch_http_request *request, const char *bytes, size_t len);
/* Closes the temporary file of a streamed body, made now if nothing came. */
bool ch_http_finish_body(ch_http_request *request);

/* reply.c */
/* A short page for what the server itself refuses: "404 Not Found". */
void ch_http_refuse(ch_http_request *request, int status, const char *text);
void ch_http_reply_drop(ch_http_reply *reply); /* frees what the reply holds */
/* Hands the reply to libmicrohttpd. */
enum MHD_Result ch_http_reply_send(ch_http_request *request);

/* origin.c: false when the request names a host that is not ours, or is a write on behalf of a foreign page; the reply
 * says so. */
bool ch_http_origin_allowed(ch_http_request *request);

/* workers.c */
int ch_http_workers_start(worker_pool *pool, int count, void (*run)(ch_http_request *request), ch_error *err);
/* Promises a request that ch_http_workers_add will bring; false when the pool takes no more. */
bool ch_http_workers_reserve(worker_pool *pool);
void ch_http_workers_add(worker_pool *pool, ch_http_request *request);
/* Takes no more and waits for those there are; whether all is done. */
bool ch_http_workers_drain(worker_pool *pool, long grace_ms);
void ch_http_workers_stop(worker_pool *pool); /* only when drained */

/* watch.c: ends connections that take too long to send a request or to take its answer. */
int ch_http_watch_start(ch_http_server *server, ch_error *err);
void ch_http_watch_stop(ch_http_server *server);
void ch_http_watch_add(ch_http_request *request);
void ch_http_watch_remove(ch_http_request *request);
void ch_http_watch_expect(ch_http_request *request, int what);

/* metrics.c */
void ch_http_count(const ch_http_request *request, int status, uint64_t sent, double seconds);
void ch_http_count_connections(void *server); /* before each text of /metrics */

/* access_log.c */
void ch_http_access_log(const ch_http_request *request, int status, uint64_t bytes, double seconds);

#endif
