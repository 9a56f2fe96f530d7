/* multi_model.c: SageMaker's contract for containers that serve many models: they are loaded, listed, asked and dropped
 * by name. Source: the public description of multi-model endpoints. */
#include "base/json_write.h"
#include "serve/serve_internal.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_MOST = 1000 };

/* Answers with a fault: "<subject><what is wrong>". */
static int refuse(ch_http_request *request, ch_http_reply *reply, ch_fault_kind kind, const char *subject,
                  const char *what)
{
    ch_fault fault = {.arena = ch_http_arena(request)};
    ch_fault_set(&fault, kind, "%s%s", subject, what);
    return ch_fault_reply(&fault, reply);
}

static void write_model(ch_json *json, const char *name, const char *url)
{
    ch_json_begin(json, '{');
    ch_json_member(json, "modelName", name);
    ch_json_member(json, "modelUrl", url);
    ch_json_end(json, '}');
}

/* POST /models {"model_name": ..., "url": folder} */
static int load_model(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    ch_serve *serve = app;
    size_t len;
    const char *body = ch_http_body(request, &len);
    json_error_t why;
    json_t *args = json_loadb(body, len, 0, &why);
    const char *name = json_string_value(json_object_get(args, "model_name")),
               *url = json_string_value(json_object_get(args, "url"));
    ch_arena *arena = ch_http_arena(request);
    ch_model_source source = {.key = ch_arena_strdup(arena, name), .path = ch_arena_strdup(arena, url)};
    source.name = source.key;
    source.version = "";
    json_decref(args);
    if (!source.key || !*source.key || !source.path)
        return refuse(request, reply, CH_FAULT_BAD_REQUEST, "POST /models",
                      " wants a JSON object with model_name and url");
    ch_served *model = ch_models_find(serve->models, source.key);
    if (model) {
        ch_served_release(model);
        return refuse(request, reply, CH_FAULT_CONFLICT, source.key, " is loaded already");
    }
    if (ch_models_get(serve->models, &source, &model, err))
        return refuse(request, reply, err->kind == CH_E_MEMORY ? CH_FAULT_NO_ROOM : CH_FAULT_BAD_REQUEST, "",
                      err->message);
    ch_served_release(model);
    ch_json json = {.out = &reply->body};
    write_model(&json, source.key, source.path);
    reply->content_type = "application/json";
    return 0;
}

typedef struct listing {
    ch_json *json;
    size_t skip, room, seen;
} listing;

static void list_one(void *context, const char *key, const ch_served *model)
{
    listing *list = context;
    size_t at = list->seen++;
    if (at >= list->skip && at - list->skip < list->room) write_model(list->json, key, ch_served_path(model));
}

/* GET /models, a page at a time. */
static int list_models(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    ch_serve *serve = app;
    ch_json json = {.out = &reply->body};
    const char *token = ch_http_query(request, "next_page_token"), *size = ch_http_query(request, "page_size");
    listing list = {.json = &json, .room = size ? strtoul(size, NULL, 10) : PAGE_MOST};
    list.skip = token ? strtoul(token, NULL, 10) : 0;
    if (!list.room || list.room > PAGE_MOST) list.room = PAGE_MOST;
    ch_json_begin(&json, '{');
    ch_json_key(&json, "models");
    ch_json_begin(&json, '[');
    ch_models_each(serve->models, list_one, &list);
    ch_json_end(&json, ']');
    if (list.seen > list.skip && list.seen - list.skip > list.room)
        ch_json_member(&json, "nextPageToken", ch_arena_printf(ch_http_arena(request), "%zu", list.skip + list.room));
    ch_json_end(&json, '}');
    reply->content_type = "application/json";
    return 0;
}

/* The model named in the path, or a 404. */
static ch_served *find_model(ch_http_request *request, ch_http_reply *reply, const ch_serve *serve)
{
    const char *name = ch_http_param(request, "name");
    ch_served *model = ch_models_find(serve->models, name);
    if (!model) refuse(request, reply, CH_FAULT_NOT_FOUND, name, " is not loaded");
    return model;
}

static int get_model(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    ch_served *model = find_model(request, reply, app);
    if (!model) return 0;
    ch_json json = {.out = &reply->body};
    write_model(&json, ch_http_param(request, "name"), ch_served_path(model));
    reply->content_type = "application/json";
    ch_served_release(model);
    return 0;
}

static int drop_model(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    const ch_serve *serve = app;
    const char *name = ch_http_param(request, "name");
    if (!ch_models_drop(serve->models, name)) return refuse(request, reply, CH_FAULT_NOT_FOUND, name, " is not loaded");
    ch_http_text(reply, 200, "application/json", "{}");
    return 0;
}

static int invoke_model(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)err;
    if (ch_serve_too_big(request)) return CH_HTTP_ASK_AGAIN;
    ch_served *model = find_model(request, reply, app);
    if (model) ch_serve_answer(model, request, reply);
    return 0;
}

const ch_http_route ch_serve_multi_routes[] = {
    {.method = "GET", .path = "/ping", .handler = ch_serve_healthy, .flags = CH_HTTP_INLINE | CH_HTTP_OPEN},
    {.method = "GET", .path = "/health", .handler = ch_serve_healthy, .flags = CH_HTTP_INLINE | CH_HTTP_OPEN},
    {.method = "GET", .path = "/version", .handler = ch_serve_version, .flags = CH_HTTP_INLINE | CH_HTTP_OPEN},
    {.method = "POST", .path = "/models", .handler = load_model},
    {.method = "GET", .path = "/models", .handler = list_models, .flags = CH_HTTP_INLINE},
    {.method = "GET", .path = "/models/{name}", .handler = get_model, .flags = CH_HTTP_INLINE},
    {.method = "DELETE", .path = "/models/{name}", .handler = drop_model},
    {.method = "POST",
     .path = "/models/{name}/invoke",
     .handler = invoke_model,
     .flags = CH_HTTP_INLINE,
     .max_body = CH_INVOKE_BODY_MAX},
};
const size_t ch_serve_multi_nroute = sizeof ch_serve_multi_routes / sizeof *ch_serve_multi_routes;
