/* serve.c: scoring servers: their lives, the routes of one model at the root, what all routes share. */
#include "serve/serve.h"

#include "base/map.h"
#include "base/metrics.h"
#include "serve/serve_internal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    REGISTRY_MODELS = 32, /* loaded at a time */
    MULTI_MODELS = 1000
};

static ch_metric loaded_models = {
    .kind = CH_GAUGE, .name = "chert_scoring_models", .help = "Models loaded for scoring."};

static void collect(void *arg)
{
    const ch_serve *serve = arg;
    ch_metric_set(ch_metric_cell_of(&loaded_models, NULL, NULL, NULL),
                  serve->models ? (double)ch_models_count(serve->models) : 1);
}

static ch_serve *new_serve(void)
{
    ch_serve *s = calloc(1, sizeof *s);
    if (!s) abort(); /* as any arena does */
    pthread_mutex_init(&s->lock, NULL);
    s->resolved = ch_map_new();
    ch_metrics_collect(collect, s);
    return s;
}

int ch_serve_new(ch_engine *engine, ch_track *track, ch_serve **out, ch_error *err)
{
    (void)err;
    *out = new_serve();
    (*out)->track = track;
    (*out)->models = ch_models_new(engine, REGISTRY_MODELS);
    return 0;
}

int ch_serve_one(ch_engine *engine, const char *path, ch_serve **out, ch_error *err)
{
    ch_served *model;
    size_t len = strlen(path);
    while (len && path[len - 1] == '/') len--;
    char *folder = strndup(path, len), *slash = folder ? strrchr(folder, '/') : NULL;
    int status = ch_served_load(engine, path, slash ? slash + 1 : folder ? folder : path, "", &model, err);
    free(folder);
    if (status) return status;
    *out = new_serve();
    (*out)->one = model;
    return 0;
}

int ch_serve_many(ch_engine *engine, ch_serve **out, ch_error *err)
{
    (void)err;
    *out = new_serve();
    (*out)->models = ch_models_new(engine, MULTI_MODELS);
    return 0;
}

void ch_serve_free(ch_serve *serve)
{
    if (!serve) return;
    ch_metrics_forget(collect, serve);
    ch_serve_forget_names(serve);
    ch_map_free(serve->resolved, NULL);
    ch_models_free(serve->models);
    ch_served_release(serve->one);
    pthread_mutex_destroy(&serve->lock);
    free(serve);
}

/* ---- what routes share ---- */

bool ch_serve_too_big(const ch_http_request *request)
{
    size_t len;
    ch_http_body(request, &len);
    return len > CH_INVOKE_INLINE_MAX && !ch_http_may_wait(request);
}

static ch_metric scored_requests = {.kind = CH_COUNTER,
                                    .name = "chert_scoring_requests_total",
                                    .help = "Scoring requests answered.",
                                    .labels = {"model", "version", "status"}};
static ch_metric scored_rows = {.kind = CH_COUNTER,
                                .name = "chert_scoring_rows_total",
                                .help = "Rows that scoring requests brought.",
                                .labels = {"model", "version"}};
static ch_metric scoring_seconds = {.kind = CH_HISTOGRAM,
                                    .name = "chert_scoring_seconds",
                                    .help = "Time from a scoring request's last byte to its answer.",
                                    .labels = {"model", "version"}};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void count(const ch_served *model, int status, size_t rows, double taken)
{
    const char *name = ch_served_name(model), *version = ch_served_version(model);
    char code[4] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10), (char)('0' + status % 10)};
    ch_metric_add(ch_metric_cell_of(&scored_requests, name, version, code), 1);
    if (rows) ch_metric_add(ch_metric_cell_of(&scored_rows, name, version, NULL), rows);
    ch_metric_observe(ch_metric_cell_of(&scoring_seconds, name, version, NULL), taken);
}

void ch_serve_answer(ch_served *model, ch_http_request *request, ch_http_reply *reply)
{
    size_t rows;
    const char *custom = ch_http_header(request, "X-Amzn-SageMaker-Custom-Attributes");
    double began = seconds();
    ch_invoke(model, request, reply, &rows);
    count(model, reply->status, rows, seconds() - began);
    if (custom) ch_http_add_header(reply, "X-Amzn-SageMaker-Custom-Attributes", custom);
    ch_served_release(model);
}

int ch_serve_healthy(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)request;
    (void)app;
    (void)err;
    ch_http_text(reply, 200, "application/json", "\n");
    return 0;
}

int ch_serve_version(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)request;
    (void)app;
    (void)err;
    ch_http_text(reply, 200, "application/json", CH_MLFLOW_VERSION);
    return 0;
}

int ch_serve_post_only(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)request;
    (void)app;
    (void)err;
    ch_http_text(reply, 405, "application/json", "{\"detail\":\"Method Not Allowed\"}");
    ch_http_add_header(reply, "Allow", "POST");
    return 0;
}

/* ---- one model at the root ---- */

static int invoke_one(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    const ch_serve *serve = app;
    if (ch_serve_too_big(request)) return CH_HTTP_ASK_AGAIN;
    ch_serve_answer(ch_served_retain(serve->one), request, reply);
    return 0;
}

static int not_found(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)request;
    (void)app;
    (void)err;
    ch_http_text(reply, 404, "application/json", "{\"detail\":\"Not Found\"}");
    return 0;
}

static const ch_http_route ONE_ROUTES[] = {
    {.method = "GET", .path = "/ping", .handler = ch_serve_healthy, .flags = CH_HTTP_INLINE | CH_HTTP_OPEN},
    {.method = "GET", .path = "/health", .handler = ch_serve_healthy, .flags = CH_HTTP_INLINE | CH_HTTP_OPEN},
    {.method = "GET", .path = "/version", .handler = ch_serve_version, .flags = CH_HTTP_INLINE | CH_HTTP_OPEN},
    {.method = "POST",
     .path = "/invocations",
     .handler = invoke_one,
     .flags = CH_HTTP_INLINE,
     .max_body = CH_INVOKE_BODY_MAX},
    {.method = "GET", .path = "/invocations", .handler = ch_serve_post_only, .flags = CH_HTTP_INLINE},
    {.method = "GET", .path = "/{path*}", .handler = not_found, .flags = CH_HTTP_INLINE},
    {.method = "POST", .path = "/{path*}", .handler = not_found, .flags = CH_HTTP_INLINE},
};

size_t ch_serve_one_mounts(ch_serve *serve, ch_http_mount *mounts, size_t room)
{
    if (room < 2) return 0;
    if (serve->one)
        mounts[0] = (ch_http_mount){"", ONE_ROUTES, sizeof ONE_ROUTES / sizeof *ONE_ROUTES, serve};
    else
        mounts[0] = (ch_http_mount){"", ch_serve_multi_routes, ch_serve_multi_nroute, serve};
    mounts[1] = ch_http_metrics_mount;
    return 2;
}

size_t ch_serve_mounts(ch_serve *serve, ch_http_mount *mounts, size_t room)
{
    if (room < 2) return 0;
    mounts[0] = (ch_http_mount){"/serve", ch_serve_registry_routes, ch_serve_registry_nroute, serve};
    mounts[1] = (ch_http_mount){"/endpoints", ch_serve_endpoint_routes, ch_serve_endpoint_nroute, serve};
    return 2;
}
