/* serve_internal.h: what stands behind a ch_serve, for the files with its routes. */
#ifndef CHERT_SERVE_SERVE_INTERNAL_H
#define CHERT_SERVE_SERVE_INTERNAL_H

#include "serve/invoke.h"
#include "serve/models.h"
#include "serve/serve.h"

#include <pthread.h>

struct ch_map;

struct ch_serve {
    ch_track *track;   /* of the registry's server */
    ch_models *models; /* NULL in the server of one model */
    ch_served *one;    /* the server of one model */
    pthread_mutex_t lock;
    struct ch_map *resolved; /* under `lock`: what names of the registry mean (registry.c) */
};

/* Everything that POST .../invocations has in common: the model's answer, and SageMaker's headers. Takes the reference
 * over. */
void ch_serve_answer(ch_served *model, ch_http_request *request, ch_http_reply *reply);
/* Whether the request should be put off to a worker: the socket's thread has other connections to look after. */
bool ch_serve_too_big(const ch_http_request *request);

/* Handlers that say the model is there. */
int ch_serve_healthy(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err);
int ch_serve_version(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err);
/* 405 as FastAPI words it. */
int ch_serve_post_only(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err);

/* registry.c */
void ch_serve_forget_names(ch_serve *serve);
extern const ch_http_route ch_serve_registry_routes[], ch_serve_endpoint_routes[];
extern const size_t ch_serve_registry_nroute, ch_serve_endpoint_nroute;

/* multi_model.c */
extern const ch_http_route ch_serve_multi_routes[];
extern const size_t ch_serve_multi_nroute;

#endif
