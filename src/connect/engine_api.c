/* engine_api.c: the engine's pages as JSON, below /api/chert/v1/: the server, operations, sessions, storage; and the
 * calls that cancel operations and close sessions. */
#include "base/json_write.h"
#include "base/thread.h"
#include "connect/server_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { LIMIT_DEFAULT = 200, LIMIT_MAX = 1000 };
static const char JSON_TYPE[] = "application/json";

static ch_json begin_reply(ch_http_reply *reply)
{
    reply->content_type = JSON_TYPE;
    ch_json json = {.out = &reply->body};
    ch_json_begin(&json, '{');
    return json;
}

static void begin_member(ch_json *json, const char *key, char bracket)
{
    ch_json_key(json, key);
    ch_json_begin(json, bracket);
}

static int answer_missing(ch_http_reply *reply, const char *what, const char *id)
{
    reply->status = 404;
    ch_json json = begin_reply(reply);
    ch_json_member(&json, "error_code", "RESOURCE_DOES_NOT_EXIST");
    ch_buf message = {0};
    ch_buf_printf(&message, "No %s with id=%.100s", what, id);
    ch_json_member(&json, "message", ch_buf_text(&message));
    ch_buf_reset(&message);
    ch_json_end(&json, '}');
    return CH_OK;
}

/* Whose operations and sessions a request is about: its user's, or everybody's (NULL) for administrators and where
 * nobody is asked who they are. */
static const char *scope(const ch_server *server, const ch_http_request *request)
{
    ch_auth *auth = server->service.auth;
    const char *user = ch_http_user(request);
    if (!auth) return NULL;
    if (!user) return ""; /* nobody's */
    return ch_auth_is_admin(auth, user) ? NULL : user;
}

/* The sessions that a request is about, a reference each. */
static size_t list_scope(const ch_server *server, ch_http_request *request, ch_holder ***out)
{
    const char *user = scope(server, request);
    size_t n = ch_sessions_list(server->service.sessions, ch_http_arena(request), out), kept = 0;
    for (size_t i = 0; i < n; i++) {
        ch_holder *h = (*out)[i];
        if (!user || strcmp(ch_holder_user(h), user) == 0) {
            (*out)[kept++] = h;
        } else {
            ch_holder_release(h);
        }
    }
    return kept;
}

/* --- the server --------------------------------------------------------------------------------------------------- */

static int64_t resident_bytes(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%*s %ld", &pages) != 1) pages = 0;
    if (f) fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void add_environment(ch_json *json)
{
    struct utsname machine;
    uname(&machine);
    char folder[4096];
    begin_member(json, "environment", '{');
    ch_json_member(json, "host", machine.nodename);
    ch_json_member(json, "system", machine.sysname);
    ch_json_member(json, "kernel", machine.release);
    ch_json_member(json, "machine", machine.machine);
    ch_json_member_int(json, "cores", sysconf(_SC_NPROCESSORS_ONLN));
    ch_json_member_int(json, "memory_bytes", sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
    ch_json_member_int(json, "pid", getpid());
    ch_json_member(json, "folder", getcwd(folder, sizeof folder));
    ch_json_end(json, '}');
}

static void add_config(ch_json *json, const ch_server *server)
{
    const ch_server_options *o = &server->options;
    begin_member(json, "config", '{');
    ch_json_member(json, "host", o->host ? o->host : "127.0.0.1");
    ch_json_member_int(json, "port", server->port);
    ch_json_member_int(json, "threads", ch_threads());
    ch_json_member(json, "memory_limit", o->memory_limit);
    ch_json_member(json, "temp_dir", ch_engine_temp_dir(server->service.engine));
    ch_json_member_int(json, "idle_timeout_seconds", o->idle_seconds);
    ch_json_end(json, '}');
}

/* The store's address as anybody may know it: no password, and no query, which may hold one, too. */
static const char *public_store(ch_arena *arena, const char *store)
{
    const char *authority = store ? strstr(store, "://") : NULL;
    if (!authority) return store;
    authority += 3;
    const char *end = authority + strcspn(authority, "/?"), *rest = end + strcspn(end, "?"), *at = end;
    while (at > authority && *at != '@') at--;
    const char *user = authority + strcspn(authority, ":@/?");
    if (*at != '@' || user > at) user = at = authority; /* nobody is named */
    return ch_arena_printf(arena, "%.*s%.*s", (int)(user - store), store, (int)(rest - at), at);
}

static int get_server(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    ch_server *server = app;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t uptime = ch_now_ms() - server->started_ms;
    ch_monitor_totals totals = ch_monitor_sum(server->service.monitor);
    int64_t memory, spilled;
    ch_engine_memory(server->service.engine, &memory, &spilled);
    ch_json json = begin_reply(reply);
    ch_json_member(&json, "version", CHERT_VERSION);
    ch_json_member(&json, "spark_version", CH_SPARK_VERSION);
    ch_json_member(&json, "mlflow_version", CH_MLFLOW_VERSION);
    ch_json_member_int(&json, "uptime_ms", uptime);
    ch_json_member_int(&json, "started_ms", (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - uptime);
    ch_json_member_int(&json, "threads", ch_threads());
    ch_json_member(&json, "memory_limit", server->options.memory_limit);
    ch_json_member_int(&json, "rss_bytes", resident_bytes());
    ch_json_member_int(&json, "engine_memory_bytes", memory);
    ch_json_member_int(&json, "engine_spilled_bytes", spilled);
    ch_json_member_double(&json, "cpu_seconds", cpu_seconds());
    ch_json_member_int(&json, "connect_port", server->port);
    ch_json_member(&json, "store", public_store(ch_http_arena(request), server->options.store));
    ch_json_member(&json, "artifacts", server->options.artifacts);
    begin_member(&json, "operations", '{');
    for (int i = 0; i < CH_RECORD_STATES; i++)
        ch_json_member_int(&json, ch_record_state_name((ch_record_state)i), (int64_t)totals.count[i]);
    ch_json_end(&json, '}');
    add_environment(&json);
    add_config(&json, server);
    ch_json_end(&json, '}');
    return CH_OK;
}

/* --- operations --------------------------------------------------------------------------------------------------- */

static void add_progress(ch_json *json, const ch_record *r)
{
    const ch_task *task = ch_operation_task(r->op);
    const char *what = atomic_load(&task->what);
    begin_member(json, "progress", '{');
    ch_json_member(json, "what", what ? what : "");
    ch_json_member_int(json, "done", atomic_load(&task->done));
    ch_json_member_int(json, "total", atomic_load(&task->total));
    ch_json_end(json, '}');
}

static void add_record_members(ch_json *json, const ch_record *r)
{
    ch_cost cost;
    ch_json_member(json, "id", r->id);
    ch_json_member(json, "session_id", r->session_id);
    ch_json_member(json, "user", r->user);
    ch_json_member(json, "kind", r->kind);
    ch_json_member(json, "description", r->description);
    ch_json_member(json, "state", ch_record_state_name(r->state));
    ch_json_member_int(json, "started_ms", r->started_ms);
    ch_json_member_int(json, "duration_ms", r->op ? ch_now_ms() - r->began_ms : r->duration_ms);
    ch_json_member_int(json, "rows", atomic_load(&r->rows));
    ch_json_member_int(json, "bytes", atomic_load(&r->bytes));
    ch_record_cost(r, &cost);
    ch_json_member_double(json, "cpu_seconds", (double)(cost.cpu_ns / 1000) / 1e6);
    ch_json_member_int(json, "peak_bytes", cost.peak_bytes);
    ch_json_member_bool(json, "alone", cost.alone); /* or else these two are shared */
    if (r->op) add_progress(json, r);
    ch_json_member(json, "error", r->error);
}

static void add_record(void *arg, const ch_record *r)
{
    ch_json *json = arg;
    ch_json_begin(json, '{');
    add_record_members(json, r);
    ch_json_end(json, '}');
}

static void add_phases(ch_json *json, const ch_record *r)
{
    begin_member(json, "phases", '[');
    for (size_t i = 0; i < r->nphase; i++) {
        ch_json_begin(json, '{');
        ch_json_member(json, "name", r->phases[i].name);
        ch_json_member_double(json, "ms", (double)ch_record_phase_us(r, i) / 1000);
        ch_json_end(json, '}');
    }
    ch_json_end(json, ']');
}

static void add_detail(void *arg, const ch_record *r)
{
    ch_json *json = arg;
    add_record_members(json, r);
    ch_json_member_int(json, "statements", (int64_t)r->statements);
    ch_json_member(json, "sql", ch_buf_text(&r->sql));
    ch_json_member(json, "plan", ch_buf_text(&r->plan));
    add_phases(json, r);
}

static size_t limit_of(ch_http_request *request)
{
    const char *text = ch_http_query(request, "limit");
    long limit = text ? strtol(text, NULL, 10) : LIMIT_DEFAULT;
    return limit < 0 ? 0 : limit > LIMIT_MAX ? LIMIT_MAX : (size_t)limit;
}

static int list_operations(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    ch_server *server = app;
    const char *state = ch_http_query(request, "state");
    bool running = state && strcmp(state, "running") == 0;
    ch_json json = begin_reply(reply);
    begin_member(&json, "operations", '[');
    size_t total =
        ch_monitor_each(server->service.monitor, running, scope(server, request), limit_of(request), add_record, &json);
    ch_json_end(&json, ']');
    ch_json_member_int(&json, "total", (int64_t)total);
    ch_json_end(&json, '}');
    return CH_OK;
}

static int get_operation(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    ch_server *server = app;
    const char *id = ch_http_param(request, "id");
    ch_json json = begin_reply(reply);
    if (ch_monitor_find(server->service.monitor, id, scope(server, request), add_detail, &json)) {
        ch_json_end(&json, '}');
        return CH_OK;
    }
    ch_buf_clear(&reply->body);
    return answer_missing(reply, "operation", id);
}

static void cancel(void *arg, const ch_record *r)
{
    *(bool *)arg = r->op && ch_operation_interrupt(r->op);
}

static int cancel_operation(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    ch_server *server = app;
    const char *id = ch_http_param(request, "id");
    bool was_running;
    if (!ch_monitor_find(server->service.monitor, id, scope(server, request), cancel, &was_running)) {
        return answer_missing(reply, "operation", id);
    }
    ch_json json = begin_reply(reply);
    ch_json_member_bool(&json, "cancelled", was_running);
    ch_json_end(&json, '}');
    return CH_OK;
}

/* --- sessions and what they keep ---------------------------------------------------------------------------------- */

static void add_names(ch_json *json, const char *key, size_t n, const char *const *names)
{
    begin_member(json, key, '[');
    for (size_t i = 0; i < n; i++) ch_json_string(json, names[i]);
    ch_json_end(json, ']');
}

static void add_session(ch_json *json, ch_arena *arena, ch_holder *h)
{
    ch_holder_times times = ch_holder_look(h);
    ch_cache_info *frames;
    ch_ml_info *models;
    const char **views;
    size_t nview, nframe = ch_cache_list(ch_holder_frame(h), arena, &frames);
    ch_view_list(ch_holder_frame(h), arena, &nview, &views);
    ch_json_begin(json, '{');
    ch_json_member(json, "id", ch_holder_session_id(h));
    ch_json_member(json, "user", ch_holder_user(h));
    ch_json_member_int(json, "created_ms", times.created_ms);
    ch_json_member_int(json, "last_used_ms", times.last_used_ms);
    ch_json_member_int(json, "operations_running", (int64_t)times.running);
    ch_json_member_int(json, "operations_total", (int64_t)times.total);
    begin_member(json, "cached", '[');
    for (size_t i = 0; i < nframe; i++) ch_json_string(json, frames[i].plan);
    ch_json_end(json, ']');
    ch_json_member_int(json, "models", (int64_t)ch_ml_list(ch_holder_ml(h), arena, &models));
    add_names(json, "temp_views", nview, views);
    ch_json_end(json, '}');
}

static int list_sessions(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    ch_server *server = app;
    ch_arena *arena = ch_http_arena(request);
    ch_holder **holders;
    size_t n = list_scope(server, request, &holders);
    ch_json json = begin_reply(reply);
    begin_member(&json, "sessions", '[');
    for (size_t i = 0; i < n; i++) {
        add_session(&json, arena, holders[i]);
        ch_holder_release(holders[i]);
    }
    ch_json_end(&json, ']');
    ch_json_end(&json, '}');
    return CH_OK;
}

static int close_session(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    ch_server *server = app;
    const char *id = ch_http_param(request, "id");
    ch_holder **holders;
    size_t n = list_scope(server, request, &holders), closed = 0;
    for (size_t i = 0; i < n; i++) {
        char server_id[CH_UUID_SIZE];
        if (strcmp(ch_holder_session_id(holders[i]), id) == 0) {
            closed += ch_sessions_close(server->service.sessions, ch_holder_user(holders[i]), id, false, server_id);
        }
        ch_holder_release(holders[i]);
    }
    if (!closed) return answer_missing(reply, "session", id);
    ch_json json = begin_reply(reply);
    ch_json_end(&json, '}');
    return CH_OK;
}

static void add_frames(ch_json *json, ch_arena *arena, ch_holder *h)
{
    ch_cache_info *frames;
    size_t n = ch_cache_list(ch_holder_frame(h), arena, &frames);
    for (size_t i = 0; i < n; i++) {
        ch_json_begin(json, '{');
        ch_json_member(json, "session_id", ch_holder_session_id(h));
        ch_json_member(json, "plan", frames[i].plan);
        ch_json_member_int(json, "rows", frames[i].rows);
        ch_json_member_int(json, "bytes", frames[i].bytes);
        ch_json_member(json, "storage_level", frames[i].storage_level);
        ch_json_end(json, '}');
    }
}

static void add_models(ch_json *json, ch_arena *arena, ch_holder *h)
{
    ch_ml_info *models;
    size_t n = ch_ml_list(ch_holder_ml(h), arena, &models);
    for (size_t i = 0; i < n; i++) {
        ch_json_begin(json, '{');
        ch_json_member(json, "session_id", ch_holder_session_id(h));
        ch_json_member(json, "id", models[i].id);
        ch_json_member(json, "class", models[i].class_name);
        ch_json_member_int(json, "bytes", (int64_t)models[i].bytes);
        ch_json_end(json, '}');
    }
}

static int get_storage(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    ch_server *server = app;
    ch_arena *arena = ch_http_arena(request);
    ch_holder **holders;
    size_t n = list_scope(server, request, &holders);
    ch_json json = begin_reply(reply);
    begin_member(&json, "frames", '[');
    for (size_t i = 0; i < n; i++) add_frames(&json, arena, holders[i]);
    ch_json_end(&json, ']');
    begin_member(&json, "models", '[');
    for (size_t i = 0; i < n; i++) add_models(&json, arena, holders[i]);
    ch_json_end(&json, ']');
    ch_json_end(&json, '}');
    for (size_t i = 0; i < n; i++) ch_holder_release(holders[i]);
    return CH_OK;
}

static const ch_http_route ROUTES[] = {
    {.method = "GET", .path = "/server", .handler = get_server},
    {.method = "GET", .path = "/operations", .handler = list_operations},
    {.method = "GET", .path = "/operations/{id}", .handler = get_operation},
    {.method = "POST", .path = "/operations/{id}/cancel", .handler = cancel_operation},
    {.method = "GET", .path = "/sessions", .handler = list_sessions},
    {.method = "POST", .path = "/sessions/{id}/close", .handler = close_session},
    {.method = "GET", .path = "/storage", .handler = get_storage},
};

size_t ch_server_mounts(ch_server *server, ch_http_mount *mounts, size_t room)
{
    if (!room) return 0;
    mounts[0] = (ch_http_mount){"/api/chert/v1", ROUTES, sizeof ROUTES / sizeof *ROUTES, server};
    return 1;
}
