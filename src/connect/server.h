/* server.h: the Spark Connect server: what `chert serve` starts.
 *
 *     static void ready(void *arg, int port) { printf("listening on %d\n", port); }
 *     ch_server_options options = {.host = "127.0.0.1", .port = 15002, .ready = ready};
 *     ch_server *server;
 *     ch_error err;
 *     signal(SIGTERM, on_signal);              // calls ch_server_stop()
 *     if (ch_server_open(&options, &server, &err) || ch_server_run(server, &err)) fprintf(stderr, "%s\n", err.message);
 *     ch_server_close(server);
 *
 * One server a process. gRPC starts threads of its own: do not fork after ch_server_run was called.
 */
#ifndef CHERT_CONNECT_SERVER_H
#define CHERT_CONNECT_SERVER_H

#include "base/error.h"
#include "frame/session/session.h"
#include "http/http.h"
#include "track/auth/auth.h"
#include "track/track.h"

typedef struct ch_server ch_server;

typedef struct ch_server_options {
    const char *host;         /* address to listen on; NULL: 127.0.0.1 */
    int port;                 /* 0: a free one, told through `ready` */
    int threads;              /* of the engine and the kernels; 0: all cores */
    const char *memory_limit; /* of the engine, "4GB"; NULL: the engine's default */
    const char *temp_dir;     /* where big work spills; NULL: under the system's temporary folder */
    int idle_seconds;         /* a session unused for so long is released; 0: 3600, as Spark's; negative: never */
    void (*ready)(void *arg, int port); /* called once, from the thread of ch_server_run, when clients may connect */
    void *ready_arg;
    /* If given, called every two seconds for each operation that has been running for longer than that. `what` is what
     * it is doing ("boosting rounds"), NULL when it does not say; total 0: its end is not known. */
    void (*progress)(void *arg, const char *what, long done, long total, long running_ms);
    void *progress_arg;
    const char *tls_cert, *tls_key; /* PEM files, both or neither: clients then need sc://.../;use_ssl=true */
    const char *store, *artifacts;  /* of the tracking server, to tell on the pages; NULL: none */
} ch_server_options;

/* Opens the engine; nobody can connect yet. The texts of the options must outlive the server. *out is NULL after a
 * failure. err: the temporary folder is not writable, a bad memory limit. */
int ch_server_open(const ch_server_options *options, ch_server **out, ch_error *err);
ch_engine *ch_server_engine(const ch_server *server);
/* From now on paths of the tracking server ("runs:/...", see paths.h) mean its artifacts. Before ch_server_run. */
void ch_server_use_track(ch_server *server, ch_track *track);
/* From now on clients need a token of one of its users: sc://host:port/;token=..., may do what that user may, and see
 * and end only their own operations and sessions unless they are administrators. Before ch_server_run and before the
 * pages' routes serve anybody. NULL: nobody does. */
void ch_server_use_auth(ch_server *server, ch_auth *auth);
/* Listens, serves until ch_server_stop is called, cancels what runs, releases all sessions and returns 0; within two
 * seconds of the call unless work does not heed its cancellation. err: the port is taken. */
int ch_server_run(ch_server *server, ch_error *err);
/* After ch_server_run (or instead of it), and when nobody uses the engine any more. NULL is fine. */
void ch_server_close(ch_server *server);
/* The routes of the engine's pages (engine_api.c), which tell of operations, sessions and memory, and end them. Adds at
 * most `room` mounts to `mounts` and returns how many. */
size_t ch_server_mounts(ch_server *server, ch_http_mount *mounts, size_t room);

/* Asks the running server to end. Async-signal-safe, from any thread, any number of times; if called before
 * ch_server_run, that returns as soon as it has started. */
void ch_server_stop(void);

#endif
