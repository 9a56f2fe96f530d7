/* server.h: the Spark Connect server: what `chert serve` starts.
 *
 *     static void ready(void *arg, int port) { printf("listening on %d\n", port); }
 *     ch_server_options options = {.host = "127.0.0.1", .port = 15002, .ready = ready};
 *     ch_error err;
 *     signal(SIGTERM, on_signal);              // calls ch_server_stop()
 *     if (ch_server_run(&options, &err)) fprintf(stderr, "%s\n", err.message);
 *
 * One server a process. gRPC starts threads of its own: do not fork after ch_server_run was called.
 */
#ifndef CHERT_CONNECT_SERVER_H
#define CHERT_CONNECT_SERVER_H

#include "base/error.h"

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
} ch_server_options;

/* Opens the engine, serves until ch_server_stop is called, cancels what runs, releases all sessions and returns 0;
 * within two seconds of the call unless work does not heed its cancellation. err: the port is taken, the temporary
 * folder is not writable, a bad memory limit. */
int ch_server_run(const ch_server_options *options, ch_error *err);

/* Asks the running server to end. Async-signal-safe, from any thread, any number of times; if called before
 * ch_server_run, that returns as soon as it has started. */
void ch_server_stop(void);

#endif
