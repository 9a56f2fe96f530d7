/* server.c: the server's life, and a request's way through it.
 *
 * libmicrohttpd calls on_uri with the request line, on_access when the headers are there, again for each piece of the
 * body and once more after it, and on_completed after the answer. A connection that waits for a worker is suspended in
 * between: then only the worker touches the request, until it resumes the connection as its last act. */
#include "http/internal.h"

#include "base/cpu.h"
#include "base/log.h"
#include "base/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    HEADER_BYTES = 128 << 10, /* of a request, bookkeeping included; also the read buffer of bodies */
    BODY_DEFAULT = 1 << 20,
    DISCARD_MOST = 4 << 20, /* a refused body up to this is read to its end: then the client surely sees the answer */
    BACKLOG = 1024
};

int64_t ch_http_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* ---- a request's way ---- */

/* False: nothing was done, the handler wants a worker. */
static bool run_handler(ch_http_request *request)
{
    ch_error err;
    const ch_router_entry *entry = request->match.entry;
    int status = entry->route->handler(request, &request->reply, entry->app, &err);
    if (!status) return true;
    if (status == CH_HTTP_ASK_AGAIN && request->on_loop) return false;
    ch_log(CH_LOG_ERROR, "http: %s %s: %s", request->method, request->path, err.message);
    ch_http_refuse(request, 500, "Internal Server Error");
    return true;
}

static enum MHD_Result send_reply(ch_http_request *request)
{
    ch_http_watch_expect(request, WAIT_REPLY);
    return ch_http_reply_send(request);
}

/* The server's guard, then the route's. */
static int run_guards(ch_http_request *request)
{
    const ch_http_options *options = &request->server->options;
    const ch_router_entry *entry = request->match.entry;
    bool asked = options->guard && !(entry->route->flags & CH_HTTP_OPEN);
    int verdict = asked ? options->guard(request, &request->reply, options->guard_arg) : 0;
    if (!verdict && entry->route->permit) verdict = entry->route->permit(request, &request->reply, entry->app);
    return verdict;
}

/* On a worker. */
static void run_job(ch_http_request *request)
{
    if (request->phase == PHASE_GUARD) {
        request->guard_passed = !run_guards(request);
    } else {
        run_handler(request);
        request->phase = PHASE_REPLY;
    }
    MHD_resume_connection(request->connection); /* from here on the request is the loop's again */
}

static enum MHD_Result hand_to_worker(ch_http_request *request, request_phase phase)
{
    if (!ch_http_workers_reserve(&request->server->pool)) {
        request->close_after = true;
        ch_http_refuse(request, 503, "The server is shutting down");
        return send_reply(request);
    }
    request->phase = phase;
    request->on_loop = false;
    MHD_suspend_connection(request->connection);
    ch_http_workers_add(&request->server->pool, request);
    return MHD_YES;
}

/* The body is complete. */
static enum MHD_Result dispatch(ch_http_request *request)
{
    ch_http_watch_expect(request, WAIT_NOTHING);
    if (!ch_http_finish_body(request)) return send_reply(request);
    if (!(request->match.entry->route->flags & CH_HTTP_INLINE)) return hand_to_worker(request, PHASE_HANDLER);
    request->on_loop = true;
    return run_handler(request) ? send_reply(request) : hand_to_worker(request, PHASE_HANDLER);
}

/* What the headers say about the body: its length, 0 for none, CHUNKED when they do not know. False when they
 * contradict each other, there are two hosts, or a header has a name that others may read as another
 * ("Content-Length : 5"), as in attempts to smuggle a second request past a proxy. */
static const uint64_t CHUNKED = UINT64_MAX;

typedef struct framing {
    int lengths, encodings, hosts;
    bool misnamed;
    const char *length, *encoding;
} framing;

static enum MHD_Result note_framing(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    framing *f = arg;
    if (!ch_http_is_token(name)) f->misnamed = true;
    if (!strcasecmp(name, "Content-Length")) {
        f->lengths++;
        f->length = value;
    } else if (!strcasecmp(name, "Transfer-Encoding")) {
        f->encodings++;
        f->encoding = value;
    } else if (!strcasecmp(name, "Host")) {
        f->hosts++;
    }
    return MHD_YES;
}

static bool read_framing(const ch_http_request *request, uint64_t *len)
{
    framing f = {0};
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, note_framing, &f);
    *len = 0;
    if (f.misnamed || f.hosts > 1 || f.lengths + f.encodings > 1) return false;
    if (f.encodings) {
        *len = CHUNKED;
        return f.encoding && !strcasecmp(f.encoding, "chunked");
    }
    if (!f.lengths) return true;
    if (!f.length || !*f.length || f.length[strspn(f.length, "0123456789")] || strlen(f.length) > 18) return false;
    *len = strtoull(f.length, NULL, 10);
    return true;
}

/* Answers before the body was read: at once when it is long or the client waits for leave to send it, after it
 * otherwise. libmicrohttpd ends the connection after an answer that comes this early. */
static enum MHD_Result refuse_early(ch_http_request *request, uint64_t len)
{
    bool waits = len && ch_http_header(request, "Expect");
    if (request->close_after || waits || (len > DISCARD_MOST && len != CHUNKED)) return send_reply(request);
    request->phase = PHASE_DISCARD;
    request->body_len = 0;
    ch_http_watch_expect(request, len ? WAIT_BODY : WAIT_NOTHING);
    return MHD_YES;
}

/* Finds the route; false when the reply says why there is none. */
static bool find_route(ch_http_request *request)
{
    const ch_http_server *server = request->server;
    if (!ch_router_find(server->router, request->arena, request->method, request->path, &request->match)) {
        ch_http_refuse(request, 400, "The request path is malformed");
        return false;
    }
    size_t len = strlen(request->path);
    char *path = ch_arena_alloc(request->arena, len + 1);
    if (ch_http_decode(request->path, len, false, path) < 0 ||
        !ch_http_parse_query(request->arena, request->query, &request->args, &request->nargs)) {
        request->match.entry = NULL;
        ch_http_refuse(request, 400, "The request has a broken percent escape or is not UTF-8");
        return false;
    }
    request->path = path;
    if (request->match.entry) return true;
    const char *allowed = request->match.allowed;
    if (!allowed) {
        ch_http_refuse(request, 404, NULL);
    } else if (!strcmp(request->method, "OPTIONS")) {
        request->reply.status = 204;
    } else {
        ch_http_refuse(request, 405, NULL);
    }
    if (allowed) ch_http_add_header(&request->reply, "Allow", allowed);
    return false;
}

static uint64_t body_limit(const ch_http_route *route)
{
    if (route->max_body) return route->max_body;
    return route->flags & CH_HTTP_STREAM ? UINT64_MAX - 1 : BODY_DEFAULT;
}

/* The guard has let the request in: its body may come, and when it is complete, or at once if there is none, on_body is
 * called without bytes. */
static enum MHD_Result admit(ch_http_request *request, uint64_t len)
{
    request->phase = PHASE_BODY;
    ch_http_watch_expect(request, len ? WAIT_BODY : WAIT_NOTHING);
    return MHD_YES;
}

/* 0: in; CH_HTTP_ASK_AGAIN: a worker must ask; else the reply is filled. */
static int ask_guard(ch_http_request *request)
{
    request->on_loop = true;
    return run_guards(request);
}

static enum MHD_Result on_head(ch_http_request *request)
{
    uint64_t len;
    if (!read_framing(request, &len)) {
        ch_http_refuse(request, 400, "Malformed or contradicting headers");
        request->close_after = true;
        return refuse_early(request, len);
    }
    if (!ch_http_origin_allowed(request) || !find_route(request)) return refuse_early(request, len);
    request->body_max = body_limit(request->match.entry->route);
    if (len != CHUNKED && len > request->body_max) {
        ch_http_refuse(request, 413, "The request body is too large");
        return refuse_early(request, len);
    }
    int verdict = ask_guard(request);
    if (verdict == CH_HTTP_ASK_AGAIN) {
        ch_http_watch_expect(request, WAIT_NOTHING);
        return hand_to_worker(request, PHASE_GUARD);
    }
    return verdict ? refuse_early(request, len) : admit(request, len);
}

/* A worker has asked the guard. */
static enum MHD_Result on_guarded(ch_http_request *request)
{
    uint64_t len;
    read_framing(request, &len);
    return request->guard_passed ? admit(request, len) : refuse_early(request, len);
}

static enum MHD_Result on_body(ch_http_request *request, const char *bytes, size_t *len)
{
    if (!*len) return dispatch(request);
    if (!ch_http_take_body(request, bytes, *len)) {
        request->phase = PHASE_DISCARD;
        request->close_after = true;
        request->body_len = 0;
    }
    *len = 0;
    return MHD_YES;
}

/* In the middle of a body no answer can be sent: what is left is read, within reason. */
static enum MHD_Result on_discard(ch_http_request *request, size_t *len)
{
    if (!*len) return send_reply(request);
    request->body_len += *len;
    *len = 0;
    return request->body_len > DISCARD_MOST ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
                                 const char *version, const char *upload, size_t *upload_len, void **context)
{
    (void)arg;
    (void)connection;
    (void)url;
    (void)version;
    ch_http_request *request = *context;
    if (!request) return MHD_NO;
    switch (request->phase) {
    case PHASE_HEAD: request->method = method; return on_head(request);
    case PHASE_GUARD: return on_guarded(request);
    case PHASE_BODY: return on_body(request, upload, upload_len);
    case PHASE_DISCARD: return on_discard(request, upload_len);
    case PHASE_REPLY: return send_reply(request);
    default: return MHD_NO;
    }
}

/* ---- what else libmicrohttpd tells us ---- */

static ch_http_request *request_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *connection)
{
    (void)arg;
    ch_http_request *request = request_of(connection);
    if (!request) return NULL;
    request->phase = PHASE_HEAD;
    ch_http_watch_expect(request, WAIT_HEAD);
    request->started_ns = ch_http_now_ns();
    if (!uri) uri = "";
    size_t len = strcspn(uri, "?#");
    request->path = ch_arena_strndup(request->arena, uri, len);
    if (uri[len] == '?') request->query = ch_arena_strdup(request->arena, uri + len + 1);
    return request;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
    (void)arg;
    (void)connection;
    ch_http_request *request = *context;
    *context = NULL;
    if (!request) return;
    const ch_http_options *options = &request->server->options;
    if (request->phase == PHASE_REPLY) {
        double seconds = (double)(ch_http_now_ns() - request->started_ns) * 1e-9;
        uint64_t bytes = code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? request->reply_len : 0;
        int status = request->reply.status;
        const char *route = request->match.entry ? request->match.entry->pattern : NULL;
        ch_http_count(request, status, bytes, seconds);
        if (options->observer) options->observer(options->observer_arg, request, route, status, bytes, seconds);
        if (options->access_log) ch_http_access_log(request, status, bytes, seconds);
    }
    ch_http_request_clear(request);
    ch_http_watch_expect(request, WAIT_IDLE);
}

static void describe_peer(ch_http_request *request, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info || !info->client_addr) return;
    if (info->client_addr->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const void *)info->client_addr;
        inet_ntop(AF_INET, &four->sin_addr, request->remote, sizeof request->remote);
    } else if (info->client_addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const void *)info->client_addr;
        inet_ntop(AF_INET6, &six->sin6_addr, request->remote, sizeof request->remote);
    }
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        ch_http_request *request = *context;
        if (!request) return;
        ch_http_watch_remove(request);
        ch_arena_free(request->arena);
        ch_buf_reset(&request->body);
        free(request);
        *context = NULL;
        return;
    }
    ch_cpu_stand_aside(); /* one of libmicrohttpd's threads */
    ch_http_request *request = calloc(1, sizeof *request);
    if (!request) return;
    request->server = arg;
    request->connection = connection;
    request->body_fd = -1;
    request->arena = ch_arena_new();
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    request->fd = info ? info->connect_fd : -1;
    describe_peer(request, connection);
    ch_http_watch_add(request);
    *context = request;
}

/* The raw path and query are decoded by us. */
static size_t leave_escaped(void *arg, struct MHD_Connection *connection, char *text)
{
    (void)arg;
    (void)connection;
    return strlen(text);
}

__attribute__((format(printf, 2, 0))) static void on_log(void *arg, const char *format, va_list args)
{
    (void)arg;
    char text[512];
    int len = vsnprintf(text, sizeof text, format, args);
    while (len > 0 && len < (int)sizeof text && text[len - 1] == '\n') text[--len] = '\0';
    ch_log(CH_LOG_DEBUG, "http: %s", text);
}

/* ---- starting and stopping ---- */

static int open_socket(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ai_family == AF_INET6) {
        int off = 0;
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (!bind(fd, address->ai_addr, address->ai_addrlen) && !listen(fd, BACKLOG)) return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static int listen_on(ch_http_server *server, ch_error *err)
{
    const char *host = server->options.host;
    char service[16];
    snprintf(service, sizeof service, "%d", server->options.port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found;
    int status = getaddrinfo(host, service, &hints, &found);
    if (status) return ch_failf(err, CH_E_IO, "Cannot listen on %s: %s", host, gai_strerror(status));
    int why = 0;
    for (const struct addrinfo *a = found; a && server->listen_fd < 0; a = a->ai_next) {
        server->listen_fd = open_socket(a);
        why = errno;
    }
    freeaddrinfo(found);
    if (server->listen_fd < 0) {
        return ch_failf(err, CH_E_IO, "Cannot listen on %s:%d: %s", host, server->options.port, strerror(why));
    }
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    if (getsockname(server->listen_fd, (struct sockaddr *)&bound, &len)) {
        return ch_failf(err, CH_E_IO, "Cannot listen on %s: %s", host, strerror(errno));
    }
    server->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&bound)->sin6_port
                                                     : ((struct sockaddr_in *)(void *)&bound)->sin_port);
    return 0;
}

/* A PEM file as text in the server's arena. */
static int read_pem(ch_http_server *server, const char *path, const char **out, ch_error *err)
{
    enum { LONGEST = 1 << 20 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return ch_failf(err, CH_E_IO, "Cannot read %s: %s", path, strerror(errno));
    ch_buf text = {0};
    char piece[4096];
    ssize_t got;
    while ((got = read(fd, piece, sizeof piece)) > 0 && text.len < LONGEST) ch_buf_add(&text, piece, (size_t)got);
    close(fd);
    bool pem = got == 0 && text.len && strstr(text.data, "-----BEGIN ");
    *out = ch_arena_strdup(server->arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return pem ? 0 : ch_failf(err, CH_E_IO, "%s is not a PEM file", path);
}

/* Each connection is a descriptor, and the default limit of 1024 would be reached by them alone. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int start_daemon(ch_http_server *server, ch_error *err)
{
    const ch_http_options *o = &server->options;
    const char *cert = NULL, *key = NULL;
    if (o->tls_cert || o->tls_key) {
        if (!o->tls_cert || !o->tls_key) {
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "TLS needs a certificate and a key");
        }
        CH_TRY(read_pem(server, o->tls_cert, &cert, err));
        CH_TRY(read_pem(server, o->tls_key, &key, err));
    }
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO | MHD_USE_ERROR_LOG;
    server->daemon = MHD_start_daemon(
        flags | (cert ? MHD_USE_TLS : 0), 0, NULL, NULL, on_access, server, MHD_OPTION_EXTERNAL_LOGGER, on_log, server,
        MHD_OPTION_LISTEN_SOCKET, server->listen_fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)o->loops,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, server, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, server,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)o->max_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)o->max_per_address,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)o->timeout_seconds, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY,
        cert ? tls : &tls[3], MHD_OPTION_END);
    if (server->daemon) return 0;
    return ch_failf(err, CH_E_IO,
                    cert ? "Cannot serve HTTPS: the certificate or its key is not usable"
                         : "Cannot start the HTTP server");
}

static void copy_options(ch_http_server *server, const ch_http_options *options)
{
    ch_http_options *o = &server->options;
    *o = *options;
    o->host = ch_arena_strdup(server->arena, options->host ? options->host : "127.0.0.1");
    o->temp_dir = ch_arena_strdup(server->arena, options->temp_dir);
    if (o->loops <= 0) o->loops = 2;
    if (o->workers <= 0) o->workers = 16;
    if (!o->max_connections) o->max_connections = 4000;
    if (!o->max_per_address) o->max_per_address = 1000;
    if (o->timeout_seconds <= 0) o->timeout_seconds = 60;
    if (o->head_seconds <= 0) o->head_seconds = 10;
    if (o->head_seconds > o->timeout_seconds) o->head_seconds = o->timeout_seconds;
    size_t names = 0;
    while (options->allowed_hosts && options->allowed_hosts[names]) names++;
    const char **hosts = CH_NEW_ARRAY(server->arena, const char *, names + 1);
    for (size_t i = 0; i < names; i++) hosts[i] = ch_arena_strdup(server->arena, options->allowed_hosts[i]);
    o->allowed_hosts = hosts;
}

static int start(ch_http_server *server, ch_error *err)
{
    CH_TRY(ch_router_new(server->options.mounts, server->options.nmount, &server->router, err));
    CH_TRY(listen_on(server, err));
    CH_TRY(ch_http_workers_start(&server->pool, server->options.workers, run_job, err));
    CH_TRY(ch_http_watch_start(server, err));
    raise_descriptor_limit();
    ch_metrics_collect(ch_http_count_connections, server);
    return start_daemon(server, err);
}

int ch_http_start(const ch_http_options *options, ch_http_server **out, ch_error *err)
{
    ch_arena *arena = ch_arena_new();
    ch_http_server *server = CH_NEW(arena, ch_http_server);
    server->arena = arena;
    server->listen_fd = -1;
    pthread_mutex_init(&server->live_mutex, NULL);
    copy_options(server, options);
    int status = start(server, err);
    if (status) {
        ch_http_stop(server, 0);
        return status;
    }
    *out = server;
    return 0;
}

int ch_http_port(const ch_http_server *server)
{
    return server->port;
}

void ch_http_stop(ch_http_server *server, long grace_ms)
{
    if (!server) return;
    ch_metrics_forget(ch_http_count_connections, server);
    if (server->daemon) MHD_quiesce_daemon(server->daemon);
    atomic_store(&server->stopping, true);
    if (server->pool.nthread && !ch_http_workers_drain(&server->pool, grace_ms)) {
        /* handlers still use their requests: the memory stays until the process ends */
        ch_log(CH_LOG_WARN, "http: requests are still running at the end");
        if (server->listen_fd >= 0) close(server->listen_fd);
        return;
    }
    ch_http_watch_stop(server);
    if (server->daemon) MHD_stop_daemon(server->daemon);
    if (server->pool.nthread) ch_http_workers_stop(&server->pool);
    if (server->listen_fd >= 0) close(server->listen_fd);
    pthread_mutex_destroy(&server->live_mutex);
    ch_router_free(server->router);
    ch_arena_free(server->arena);
}
