/* server.c: the life of the Spark Connect server: start, housekeeping while others serve, orderly end. */
#include "base/log.h"
#include "base/thread.h"
#include "connect/server_internal.h"

#include <grpc/support/log.h>

#include <errno.h>
#include <ftw.h>
#include <malloc.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    IDLE_SECONDS_DEFAULT = 3600, /* spark.connect.session.manager.defaultSessionTimeout */
    HOUSEKEEPING_MS = 1000,
    PROGRESS_MS = 2000,
    TRIM_MS = 5000,
    MEMORY_KEPT = 16 << 20, /* bytes: less of freed memory is not worth giving back */
    CLIENTS_GRACE_MS = 300, /* at the end: for clients to hear of it, */
    CALLS_GRACE_MS = 200,   /* for running calls to end, */
    WORK_GRACE_MS = 1000    /* and for cancelled work to notice */
};

/* What ch_server_stop writes to; made once, never closed, so that a late signal
 * finds it. */
static atomic_int stop_event = -1;
static atomic_bool stop_wanted;

void ch_server_stop(void)
{
    atomic_store(&stop_wanted, true);
    int event = atomic_load(&stop_event);
    uint64_t one = 1;
    int saved = errno;
    if (event >= 0 && write(event, &one, sizeof one) < 0) {
        /* the counter is full: it has been asked before */
    }
    errno = saved;
}

static int make_stop_event(ch_error *err)
{
    if (atomic_load(&stop_event) >= 0) return CH_OK;
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0) return ch_failf(err, CH_E_IO, "Cannot create an event descriptor.");
    atomic_store(&stop_event, event);
    return CH_OK;
}

static void tell_progress(void *arg, ch_operation *op)
{
    const ch_server_options *options = arg;
    const ch_task *task = ch_operation_task(op);
    options->progress(options->progress_arg, atomic_load(&task->what), atomic_load(&task->done),
                      atomic_load(&task->total), ch_operation_age_ms(op));
}

/* Gives memory that was freed back to the system when there is much of it: a big reply leaves holes that the allocator
 * would keep for ever. `kept` is what was free when this was last done; nothing happens until that has changed, as
 * pages given back still count as free. */
static void give_back_memory(size_t *kept)
{
    struct mallinfo2 info = mallinfo2();
    if (info.fordblks < MEMORY_KEPT || info.fordblks == *kept) return;
    malloc_trim(0);
    *kept = mallinfo2().fordblks;
}

/* Keeps house until somebody asks to stop. */
static void wait_for_stop(ch_service *service, const ch_server_options *options)
{
    int idle_seconds = options->idle_seconds;
    ch_server_options told = *options;
    long told_ms = ch_now_ms(), trimmed_ms = told_ms;
    size_t kept = 0;
    long idle_ms = idle_seconds < 0 ? -1 : (idle_seconds ? idle_seconds : IDLE_SECONDS_DEFAULT) * 1000L;
    struct pollfd wait = {.fd = atomic_load(&stop_event), .events = POLLIN};
    while (!atomic_load(&stop_wanted)) {
        poll(&wait, 1, HOUSEKEEPING_MS);
        ch_sessions_reap(service->sessions, idle_ms);
        if (ch_now_ms() - trimmed_ms >= TRIM_MS) {
            trimmed_ms = ch_now_ms();
            give_back_memory(&kept);
        }
        if (!options->progress || ch_now_ms() - told_ms < PROGRESS_MS) continue;
        told_ms = ch_now_ms();
        ch_sessions_each_running(service->sessions, PROGRESS_MS, tell_progress, &told);
    }
}

static void quiet_grpc(gpr_log_func_args *args)
{
    if (args->severity == GPR_LOG_SEVERITY_ERROR) ch_log(CH_LOG_INFO, "grpc: %s", args->message);
}

/* Ends what runs, in order: operations are cancelled, calls end, work stops,
 * sessions go. False when work goes on regardless; what it uses must then stay.
 */
static bool shut_down(ch_service *service, ch_transport *transport)
{
    ch_sessions_abort_all(service->sessions, CLIENTS_GRACE_MS);
    ch_sessions_close_all(service->sessions);
    ch_transport_stop(transport, CALLS_GRACE_MS);
    return ch_pool_drain(service->pool, WORK_GRACE_MS) && ch_transport_free(transport);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *place)
{
    (void)st;
    (void)type;
    (void)place;
    remove(path);
    return 0;
}

static int serve(ch_server *server, ch_error *err)
{
    const ch_server_options *options = &server->options;
    ch_service *service = &server->service;
    const char *host = options->host ? options->host : "127.0.0.1";
    ch_transport *transport = NULL;
    ch_secure secure = {.tls_cert = options->tls_cert, .tls_key = options->tls_key, .auth = service->auth};
    int status = ch_transport_start(host, options->port, &secure, ch_rpc_methods, ch_rpc_method_count, service,
                                    &transport, &server->port, err);
    if (transport) service->pool = ch_transport_pool(transport);
    if (!status) {
        ch_log(CH_LOG_INFO, "serving Spark Connect on %s:%d", host, server->port);
        if (options->ready) options->ready(options->ready_arg, server->port);
        wait_for_stop(service, options);
    }
    if (transport) server->busy = !shut_down(service, transport);
    return status;
}

int ch_server_open(const ch_server_options *options, ch_server **out, ch_error *err)
{
    *out = NULL;
    CH_TRY(make_stop_event(err));
    ch_threads_set(options->threads);
    ch_threads_wait_asleep();
    ch_engine_options engine_options = {
        .threads = options->threads, .memory_limit = options->memory_limit, .temp_dir = options->temp_dir};
    ch_server *server = calloc(1, sizeof *server);
    if (!server) return ch_no_memory(err);
    int status = ch_engine_open(&engine_options, &server->service.engine, err);
    if (status) {
        free(server);
        return status;
    }
    server->options = *options;
    server->started_ms = ch_now_ms();
    server->service.sessions = ch_sessions_new(server->service.engine);
    server->service.monitor = ch_monitor_new();
    ch_server_begin_metrics(server);
    *out = server;
    return CH_OK;
}

ch_engine *ch_server_engine(const ch_server *server)
{
    return server->service.engine;
}

void ch_server_use_track(ch_server *server, ch_track *track)
{
    server->service.track = track;
}

static int allow_file(void *auth, const char *user, const char *path, bool write, ch_error *err)
{
    return ch_auth_allow_file(auth, user, path, write, err);
}

void ch_server_use_auth(ch_server *server, ch_auth *auth)
{
    server->service.auth = auth;
    if (auth) ch_sessions_set_fence(server->service.sessions, allow_file, auth);
}

int ch_server_run(ch_server *server, ch_error *err)
{
    gpr_set_log_function(quiet_grpc);
    grpc_init();
    int status = serve(server, err);
    atomic_store(&stop_wanted, false);
    if (server->busy) { /* threads still use the engine: only its files can go */
        ch_log(CH_LOG_WARN, "some work did not stop in time");
        nftw(ch_engine_temp_dir(server->service.engine), remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        return status;
    }
    grpc_shutdown();
    return status;
}

void ch_server_close(ch_server *server)
{
    if (!server) return;
    ch_server_end_metrics(server);
    if (server->busy) return;
    ch_sessions_free(server->service.sessions);
    ch_monitor_free(server->service.monitor);
    ch_engine_close(server->service.engine);
    free(server);
}
