/* server.c: the life of the Spark Connect server: start, housekeeping while
 * others serve, orderly end. */
#include "connect/server.h"

#include "base/log.h"
#include "base/thread.h"
#include "connect/service.h"

#include <grpc/support/log.h>

#include <errno.h>
#include <ftw.h>
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

/* Keeps house until somebody asks to stop. */
static void wait_for_stop(ch_service *service, const ch_server_options *options)
{
    int idle_seconds = options->idle_seconds;
    ch_server_options told = *options;
    long told_ms = ch_now_ms();
    long idle_ms = idle_seconds < 0 ? -1 : (idle_seconds ? idle_seconds : IDLE_SECONDS_DEFAULT) * 1000L;
    struct pollfd wait = {.fd = atomic_load(&stop_event), .events = POLLIN};
    while (!atomic_load(&stop_wanted)) {
        poll(&wait, 1, HOUSEKEEPING_MS);
        ch_sessions_reap(service->sessions, idle_ms);
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
    if (!ch_pool_drain(service->pool, WORK_GRACE_MS) || !ch_transport_free(transport)) return false;
    ch_sessions_free(service->sessions);
    return true;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *place)
{
    (void)st;
    (void)type;
    (void)place;
    remove(path);
    return 0;
}

static int serve(const ch_server_options *options, ch_service *service, bool *clean, ch_error *err)
{
    const char *host = options->host ? options->host : "127.0.0.1";
    ch_transport *transport = NULL;
    int port;
    int status =
        ch_transport_start(host, options->port, ch_rpc_methods, ch_rpc_method_count, service, &transport, &port, err);
    if (transport) service->pool = ch_transport_pool(transport);
    if (!status) {
        ch_log(CH_LOG_INFO, "serving Spark Connect on %s:%d", host, port);
        if (options->ready) options->ready(options->ready_arg, port);
        wait_for_stop(service, options);
    }
    *clean = transport ? shut_down(service, transport) : true;
    return status;
}

int ch_server_run(const ch_server_options *options, ch_error *err)
{
    CH_TRY(make_stop_event(err));
    ch_threads_set(options->threads);
    ch_threads_wait_asleep();
    ch_engine_options engine_options = {
        .threads = options->threads, .memory_limit = options->memory_limit, .temp_dir = options->temp_dir};
    ch_service *service = calloc(1, sizeof *service);
    if (!service) return ch_no_memory(err);
    int status = ch_engine_open(&engine_options, &service->engine, err);
    if (status) {
        free(service);
        return status;
    }
    service->sessions = ch_sessions_new(service->engine);
    gpr_set_log_function(quiet_grpc);
    grpc_init();
    bool clean;
    status = serve(options, service, &clean, err);
    if (!clean) { /* threads still use the engine: only its files can go */
        ch_log(CH_LOG_WARN, "some work did not stop in time");
        nftw(ch_engine_temp_dir(service->engine), remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        return status;
    }
    ch_engine_close(service->engine);
    grpc_shutdown();
    free(service);
    atomic_store(&stop_wanted, false);
    return status;
}
