/* watch.c: slow clients. libmicrohttpd closes a connection on which nothing moves; one that moves a byte now and then
 * would live for ever. So a new connection must bring a request's head soon, a kept one before it was idle for too
 * long, and bodies and answers must keep a least rate.
 *
 * The watcher only shuts a socket down; libmicrohttpd notices and cleans up on its own thread. */
#include "http/internal.h"

#include "base/log.h"

#include <linux/tcp.h>
#include <sys/socket.h>
#include <time.h>

enum { LEAST_BYTES_PER_SECOND = 512 };

static const int64_t SECOND = 1000000000;

/* Bytes of answers that the client's machine has confirmed since the connection began. */
static uint64_t bytes_taken(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) ? 0 : info.tcpi_bytes_acked;
}

/* An answer is looked at once every time-out: since the last look enough of it must have gone. */
static bool takes_too_long(ch_http_request *r, int64_t since, int64_t now, int64_t timeout_ns)
{
    if (r->reply_since_ns != since) {
        r->reply_since_ns = r->looked_ns = since;
        r->taken = 0; /* lenient with what went before this answer */
    }
    if (now < r->looked_ns + timeout_ns) return false;
    uint64_t taken = bytes_taken(r->fd);
    uint64_t least = (uint64_t)((now - r->looked_ns) / SECOND) * LEAST_BYTES_PER_SECOND;
    bool slow = taken - r->taken < least;
    r->taken = taken;
    r->looked_ns = now;
    return slow;
}

static bool is_too_slow(ch_http_request *r, int64_t now)
{
    const ch_http_options *o = &r->server->options;
    int64_t timeout_ns = o->timeout_seconds * SECOND, head_ns = o->head_seconds * SECOND;
    int64_t since = atomic_load_explicit(&r->waiting_since_ns, memory_order_relaxed);
    switch (atomic_load_explicit(&r->waiting, memory_order_relaxed)) {
    case WAIT_IDLE: return now >= since + timeout_ns;
    case WAIT_HEAD: return now >= since + head_ns;
    case WAIT_BODY: {
        uint64_t received = atomic_load_explicit(&r->received, memory_order_relaxed);
        return now >= since + timeout_ns + (int64_t)(received / LEAST_BYTES_PER_SECOND) * SECOND;
    }
    case WAIT_REPLY: return takes_too_long(r, since, now, timeout_ns);
    default: return false;
    }
}

static void sweep(ch_http_server *server, int64_t now)
{
    for (ch_http_request *r = server->live; r; r = r->live_after) {
        if (!is_too_slow(r, now)) continue;
        if (atomic_load(&r->waiting) != WAIT_IDLE) ch_log(CH_LOG_INFO, "http: %s is too slow: closed", r->remote);
        atomic_store(&r->waiting, WAIT_NOTHING);
        shutdown(r->fd, SHUT_RDWR);
    }
}

static void *watch(void *arg)
{
    ch_http_server *server = arg;
    int64_t pause_ns = server->options.head_seconds * SECOND / 8;
    pthread_mutex_lock(&server->live_mutex);
    while (!atomic_load(&server->stopping)) {
        int64_t now = ch_http_now_ns();
        sweep(server, now);
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
