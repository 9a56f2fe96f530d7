/* registry.c: scoring what is in the model registry: names into loaded models.
 *
 * What a name and a version, stage or alias mean is remembered together with the registry's generation of the time. As
 * long as the generation is the same, a request finds its model in two table look-ups and is answered on the socket's
 * thread; after any change in the registry the next request asks it again, on a worker, and all requests that come
 * meanwhile do the same and wait for one load. Requests that have a model already keep it. */
#include "base/map.h"
#include "serve/serve_internal.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES_MOST = 4096 }; /* remembered; beyond that all are forgotten */

typedef struct meaning {
    int64_t generation;
    char *key; /* of the model: version and path */
} meaning;

static void free_meaning(void *value)
{
    meaning *m = value;
    free(m->key);
    free(m);
}

static void forget(ch_serve *serve)
{
    ch_map_free(serve->resolved, free_meaning);
    serve->resolved = ch_map_new();
}

void ch_serve_forget_names(ch_serve *serve)
{
    pthread_mutex_lock(&serve->lock);
    forget(serve);
    pthread_mutex_unlock(&serve->lock);
}

/* The model that a name meant last, if nothing in the registry has changed since and it is still loaded. */
static ch_served *recall(ch_serve *serve, const char *name)
{
    int64_t generation = ch_track_generation(serve->track);
    pthread_mutex_lock(&serve->lock);
    const meaning *m = ch_map_get(serve->resolved, name);
    ch_served *model = m && m->generation == generation ? ch_models_find(serve->models, m->key) : NULL;
    pthread_mutex_unlock(&serve->lock);
    return model;
}

static void remember(ch_serve *serve, const char *name, int64_t generation, const char *key)
{
    meaning *m = calloc(1, sizeof *m);
    if (m) m->key = strdup(key);
    if (!m || !m->key) {
        free(m);
        return;
    }
    m->generation = generation;
    pthread_mutex_lock(&serve->lock);
    if (ch_map_size(serve->resolved) >= NAMES_MOST) forget(serve);
    meaning *old = ch_map_put(serve->resolved, name, m);
    pthread_mutex_unlock(&serve->lock);
    if (old) free_meaning(old);
}

static bool is_our_fault(const ch_error *err)
{
    return err->kind == CH_E_MEMORY || err->kind == CH_E_IO || err->kind == CH_E_INTERNAL;
}

/* Clients try again what is the server's fault. */
static ch_fault_kind fault_of(const ch_error *err)
{
    if (err->kind == CH_E_NOT_FOUND) return CH_FAULT_NOT_FOUND;
    return is_our_fault(err) ? CH_FAULT_MODEL : CH_FAULT_BAD_REQUEST;
}

/* Asks the registry, and loads the model if need be. */
static int resolve(ch_serve *serve, ch_arena *arena, const char *name, const char *which, ch_served **out,
                   ch_fault *fault)
{
    ch_error err;
    ch_model_version version;
    if (ch_track_model(serve->track, arena, name, which, &version, &err))
        return ch_fault_set(fault, fault_of(&err), "%s", err.message);
    const char *key = ch_arena_printf(arena, "%s\n%s", version.version, version.path);
    ch_model_source source = {.key = key, .path = version.path, .name = version.name, .version = version.version};
    if (ch_models_get(serve->models, &source, out, &err))
        return ch_fault_set(fault, is_our_fault(&err) ? CH_FAULT_MODEL : CH_FAULT_BAD_REQUEST,
                            "Version %s of model '%s' cannot be served: %s", version.version, version.name,
                            err.message);
    remember(serve, ch_arena_printf(arena, "%s\n%s", name, which), version.generation, key);
    return 0;
}

/* A reference to the model that the request means. CH_HTTP_ASK_AGAIN: not known here and now; otherwise the fault. */
static int find_model(ch_serve *serve, ch_http_request *request, const char *name, const char *which, ch_served **out,
                      ch_fault *fault)
{
    ch_arena *arena = ch_http_arena(request);
    if (*which == '@') which++;
    *out = recall(serve, ch_arena_printf(arena, "%s\n%s", name, which));
    if (*out) return 0;
    if (!ch_http_may_wait(request)) return CH_HTTP_ASK_AGAIN;
    return resolve(serve, arena, name, which, out, fault);
}

static int with_model(ch_http_request *request, ch_http_reply *reply, void *app, ch_served **model)
{
    ch_fault fault = {.arena = ch_http_arena(request)};
    int status =
        find_model(app, request, ch_http_param(request, "name"), ch_http_param(request, "which"), model, &fault);
    if (status && status != CH_HTTP_ASK_AGAIN) ch_fault_reply(&fault, reply);
    return status;
}

static int invoke(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    ch_served *model;
    if (ch_serve_too_big(request)) return CH_HTTP_ASK_AGAIN;
    int status = with_model(request, reply, app, &model);
    if (status) return status == CH_HTTP_ASK_AGAIN ? status : 0;
    ch_serve_answer(model, request, reply);
    return 0;
}

/* 200 when the model is there and can be loaded. */
static int ping(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    ch_served *model;
    int status = with_model(request, reply, app, &model);
    if (status) return status == CH_HTTP_ASK_AGAIN ? status : 0;
    ch_served_release(model);
    return ch_serve_healthy(request, reply, app, err);
}

/* The variant that a caller of SageMaker's runtime names, or what is in production, or else the latest version. */
static int find_variant(ch_serve *serve, ch_http_request *request, const char **which, ch_served **model,
                        ch_fault *fault)
{
    const char *name = ch_http_param(request, "name"),
               *wanted = ch_http_header(request, "X-Amzn-SageMaker-Target-Variant");
    *which = wanted && *wanted ? wanted : "Production";
    int status = find_model(serve, request, name, *which, model, fault);
    if (status != CH_FAULT_NOT_FOUND || (wanted && *wanted)) return status;
    *which = "latest";
    return find_model(serve, request, name, *which, model, fault);
}

static int invoke_endpoint(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    ch_served *model;
    ch_fault fault = {.arena = ch_http_arena(request)};
    const char *which;
    if (ch_serve_too_big(request)) return CH_HTTP_ASK_AGAIN;
    int status = find_variant(app, request, &which, &model, &fault);
    if (status == CH_HTTP_ASK_AGAIN) return status;
    if (status) return ch_fault_reply(&fault, reply);
    ch_http_add_header(reply, "x-Amzn-Invoked-Production-Variant", ch_arena_strdup(ch_http_arena(request), which));
    ch_serve_answer(model, request, reply);
    return 0;
}

const ch_http_route ch_serve_registry_routes[] = {
    {.method = "POST",
     .path = "/{name}/{which}/invocations",
     .handler = invoke,
     .flags = CH_HTTP_INLINE,
     .max_body = CH_INVOKE_BODY_MAX},
    {.method = "GET", .path = "/{name}/{which}/invocations", .handler = ch_serve_post_only, .flags = CH_HTTP_INLINE},
    {.method = "POST",
     .path = "/{name}/invocations",
     .handler = invoke_endpoint,
     .flags = CH_HTTP_INLINE,
     .max_body = CH_INVOKE_BODY_MAX},
    {.method = "GET", .path = "/{name}/{which}/ping", .handler = ping, .flags = CH_HTTP_INLINE},
    {.method = "GET", .path = "/{name}/{which}/health", .handler = ping, .flags = CH_HTTP_INLINE},
    {.method = "GET", .path = "/{name}/{which}/version", .handler = ch_serve_version, .flags = CH_HTTP_INLINE},
};
const size_t ch_serve_registry_nroute = sizeof ch_serve_registry_routes / sizeof *ch_serve_registry_routes;

const ch_http_route ch_serve_endpoint_routes[] = {
    {.method = "POST",
     .path = "/{name}/invocations",
     .handler = invoke_endpoint,
     .flags = CH_HTTP_INLINE,
     .max_body = CH_INVOKE_BODY_MAX},
    {.method = "GET", .path = "/{name}/invocations", .handler = ch_serve_post_only, .flags = CH_HTTP_INLINE},
};
const size_t ch_serve_endpoint_nroute = sizeof ch_serve_endpoint_routes / sizeof *ch_serve_endpoint_routes;
