/* watch.c: slow clients. libmicrohttpd closes a connection on which nothing moves; one that sends a byte now and then
 * would live for ever. So a request's head must be there within the time-out, and its body must keep a least rate.
 *
 * The watcher only shuts a socket down; libmicrohttpd notices and cleans up on its own thread. */
#include "http/internal.h"

#include "base/log.h"

#include <sys/socket.h>
#include <time.h>

enum { LEAST_BYTES_PER_SECOND = 512 };

static const int64_t SECOND = 1000000000;

/* The moment when a connection has taken too long; INT64_MAX: it need not hurry. */
static int64_t deadline(const ch_http_request *request, int64_t timeout_ns)
{
    int64_t since = atomic_load_explicit(&request->waiting_since_ns, memory_order_relaxed);
    switch (atomic_load_explicit(&request->waiting, memory_order_relaxed)) {
    case WAIT_HEAD: return since + timeout_ns;
    case WAIT_BODY: {
        uint64_t received = atomic_load_explicit(&request->received, memory_order_relaxed);
        return since + timeout_ns + (int64_t)(received / LEAST_BYTES_PER_SECOND) * SECOND;
    }
    default: return INT64_MAX;
    }
}

static void sweep(ch_http_server *server, int64_t now, int64_t timeout_ns)
{
    for (ch_http_request *r = server->live; r; r = r->live_after) {
        if (now < deadline(r, timeout_ns)) continue;
        if (atomic_load(&r->waiting) == WAIT_BODY) ch_log(CH_LOG_INFO, "http: %s sends too slowly: closed", r->remote);
        atomic_store(&r->waiting, WAIT_NOTHING);
        shutdown(r->fd, SHUT_RDWR);
    }
}

static void *watch(void *arg)
{
    ch_http_server *server = arg;
    int64_t timeout_ns = server->options.timeout_seconds * SECOND;
    int64_t pause_ns = timeout_ns / 8;
    pthread_mutex_lock(&server->live_mutex);
    while (!atomic_load(&server->stopping)) {
        int64_t now = ch_http_now_ns();
        sweep(server, now, timeout_ns);
        int64_t wake = now + pause_ns;
        struct timespec until = {.tv_sec = wake / SECOND, .tv_nsec = wake % SECOND};
        pthread_cond_timedwait(&server->watcher_wake, &server->live_mutex, &until);
    }
    pthread_mutex_unlock(&server->live_mutex);
    return NULL;
}

int ch_http_watch_start(ch_http_server *server, ch_error *err)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&server->watcher_wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&server->watcher, NULL, watch, server)) {
        return ch_failf(err, CH_E_MEMORY, "Cannot start a thread of the HTTP server");
    }
    server->watcher_started = true;
    return 0;
}

void ch_http_watch_stop(ch_http_server *server)
{
    if (!server->watcher_started) return;
    pthread_mutex_lock(&server->live_mutex);
    pthread_cond_broadcast(&server->watcher_wake);
    pthread_mutex_unlock(&server->live_mutex);
    pthread_join(server->watcher, NULL);
    server->watcher_started = false;
}

void ch_http_watch_add(ch_http_request *request)
{
    ch_http_server *server = request->server;
    ch_http_watch_expect(request, WAIT_HEAD);
    pthread_mutex_lock(&server->live_mutex);
    request->live_after = server->live;
    if (server->live) server->live->live_before = request;
    server->live = request;
    pthread_mutex_unlock(&server->live_mutex);
}

void ch_http_watch_remove(ch_http_request *request)
{
    ch_http_server *server = request->server;
    pthread_mutex_lock(&server->live_mutex);
    if (request->live_before) {
        request->live_before->live_after = request->live_after;
    } else {
        server->live = request->live_after;
    }
    if (request->live_after) request->live_after->live_before = request->live_before;
    pthread_mutex_unlock(&server->live_mutex);
}

void ch_http_watch_expect(ch_http_request *request, int what)
{
    if (what != WAIT_NOTHING) {
        atomic_store_explicit(&request->received, 0, memory_order_relaxed);
        atomic_store_explicit(&request->waiting_since_ns, ch_http_now_ns(), memory_order_relaxed);
    }
    atomic_store_explicit(&request->waiting, what, memory_order_release);
}
