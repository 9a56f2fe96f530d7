/* request.c: what a handler may ask of its request, and the body as it comes in. */
#include "http/internal.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A body buffer up to so big stays with the connection for its next request. */
enum { BODY_KEPT = 16384 };

ch_arena *ch_http_arena(ch_http_request *request)
{
    return request->arena;
}

const char *ch_http_method(const ch_http_request *request)
{
    return request->method;
}

const char *ch_http_path(const ch_http_request *request)
{
    return request->path;
}

const char *ch_http_param(const ch_http_request *request, const char *name)
{
    const ch_router_entry *entry = request->match.entry;
    for (int i = 0; entry && i < entry->nparam; i++) {
        if (!strcmp(entry->params[i].name, name)) return request->match.values[i];
    }
    return NULL;
}

const void *ch_http_route_data(const ch_http_request *request)
{
    return request->match.entry ? request->match.entry->route->data : NULL;
}

const char *ch_http_header(const ch_http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *ch_http_query(const ch_http_request *request, const char *name)
{
    for (size_t i = 0; i < request->nargs; i++) {
        if (!strcmp(request->args[i].name, name)) return request->args[i].value;
    }
    return NULL;
}

bool ch_http_query_at(const ch_http_request *request, size_t at, const char **name, const char **value)
{
    if (at >= request->nargs) return false;
    *name = request->args[at].name;
    *value = request->args[at].value;
    return true;
}

const char *ch_http_body(const ch_http_request *request, size_t *len)
{
    if (len) *len = request->body.len;
    return ch_buf_text(&request->body);
}

const char *ch_http_body_file(const ch_http_request *request, uint64_t *len)
{
    if (len) *len = request->body_len;
    return request->body_file;
}

const char *ch_http_remote(const ch_http_request *request)
{
    return request->remote;
}

void ch_http_set_user(ch_http_request *request, const char *user)
{
    request->user = ch_arena_strdup(request->arena, user);
}

const char *ch_http_user(const ch_http_request *request)
{
    return request->user;
}

bool ch_http_is_tls(const ch_http_request *request)
{
    return request->server->options.tls_cert != NULL;
}

bool ch_http_may_wait(const ch_http_request *request)
{
    return !request->on_loop;
}

/* ---- the body ---- */

static bool open_file(ch_http_request *request)
{
    const char *folder = request->server->options.temp_dir;
    if (!folder) folder = getenv("TMPDIR");
    char *path = ch_arena_printf(request->arena, "%s/" CH_HTTP_BODY_PREFIX "XXXXXX", folder ? folder : "/tmp");
    request->body_fd = mkostemp(path, O_CLOEXEC);
    if (request->body_fd < 0) {
        ch_log(CH_LOG_ERROR, "http: cannot make %s: %s", path, strerror(errno));
        ch_http_refuse(request, errno == ENOSPC ? 507 : 500, "The server cannot store the request");
        return false;
    }
    request->body_file = path;
    return true;
}

static bool write_file(ch_http_request *request, const char *bytes, size_t len)
{
    if (request->body_fd < 0 && !open_file(request)) return false;
    while (len) {
        ssize_t put = write(request->body_fd, bytes, len);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) {
            bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
            ch_log(CH_LOG_ERROR, "http: cannot write %s: %s", request->body_file, strerror(errno));
            ch_http_refuse(request, full ? 507 : 500, "The server cannot store the request");
            return false;
        }
        bytes += put;
        len -= (size_t)put;
    }
    return true;
}

bool ch_http_take_body(ch_http_request *request, const char *bytes, size_t len)
{
    request->body_len += len;
    atomic_store_explicit(&request->received, request->body_len, memory_order_relaxed);
    if (request->body_len > request->body_max) {
        ch_http_refuse(request, 413, "The request body is too large");
        return false;
    }
    if (request->match.entry->route->flags & CH_HTTP_STREAM) return write_file(request, bytes, len);
    ch_buf_add(&request->body, bytes, len);
    return true;
}

bool ch_http_finish_body(ch_http_request *request)
{
    if (!(request->match.entry->route->flags & CH_HTTP_STREAM)) return true;
    if (request->body_fd < 0 && !open_file(request)) return false;
    int failed = close(request->body_fd);
    request->body_fd = -1;
    if (!failed) return true;
    ch_log(CH_LOG_ERROR, "http: cannot write %s: %s", request->body_file, strerror(errno));
    ch_http_refuse(request, 507, "The server cannot store the request");
    return false;
}

void ch_http_request_clear(ch_http_request *request)
{
    if (request->body_fd >= 0) close(request->body_fd);
    if (request->body_file) unlink(request->body_file); /* gone already if its handler kept it */
    if (request->body.cap > BODY_KEPT) {
        ch_buf_reset(&request->body);
    } else {
        ch_buf_clear(&request->body);
    }
    ch_http_reply_drop(&request->reply);
    request->arena = ch_arena_recycle(request->arena);
    request->phase = PHASE_IDLE;
    request->method = request->path = request->query = NULL;
    request->args = NULL;
    request->nargs = 0;
    request->match.entry = NULL;
    request->body_len = request->body_max = 0;
    request->body_fd = -1;
    request->body_file = NULL;
    request->reply = (ch_http_reply){0};
    request->reply_len = 0;
    request->user = NULL;
    request->guard_passed = request->on_loop = request->close_after = false;
}
