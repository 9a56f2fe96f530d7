/* api_internal.h: what stands behind the opaque handles of chert.h. */
#ifndef CHERT_API_INTERNAL_H
#define CHERT_API_INTERNAL_H

#include "chert.h"
#include "frame/engine/query.h"
#include "ml/ml.h"
#include "ml/params.h"

#include <pthread.h>

/* A piece of work under way, so that chert_cancel finds it. */
typedef struct api_work {
    ch_task task;
    struct api_work *next;
} api_work;

struct chert_context {
    ch_engine *engine;
    ch_session *session;
    ch_ml *ml;
    pthread_mutex_t lock; /* guards running */
    api_work *running;
};

struct chert_frame {
    chert_context *context;
    ch_arena *arena; /* holds plan, and keeps the arenas of the frames it was made from alive */
    ch_plan *plan;
};

/* A pipeline has stages; any other stage has a param map. */
struct chert_stage {
    chert_context *context;
    bool pipeline;
    char uid[80];
    ch_param_map *params; /* what stage it is: ch_param_map_stage(params) */
    size_t n;
    chert_stage **stages;
};

/* A pipeline model has stages; a fitted model has an id; a transformer (part of a pipeline) only params. Counted, since
 * chert_stage_at shares. */
struct chert_model {
    atomic_int refs;
    chert_context *context;
    bool pipeline;
    char uid[80];
    char *id;
    ch_param_map *params;
    size_t n;
    chert_model **stages;
};

/* Copies an error of the inside out to the caller; returns its status. NULL out is allowed. */
int api_report(const ch_error *inner, chert_error *err);
int api_fail(chert_error *err, chert_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

void api_begin(chert_context *context, api_work *work);
void api_end(chert_context *context, api_work *work);

/* A frame with an empty arena that keeps `parent` (may be NULL) alive; plan is the caller's to set. */
chert_frame *api_frame_new(chert_context *context, const chert_frame *parent);

chert_model *api_model_new(chert_context *context, const char *uid);
chert_model *api_model_retain(chert_model *model);
/* The model's transform as a counted reference (not for pipelines). */
int api_model_transform(const chert_model *model, ch_arena *arena, ch_transform **out, ch_error *err);
/* The class name behind a model that is no pipeline. */
ch_operator api_operator(const ch_param_map *params, ch_arena *arena);
/* The plan that applies the model (a pipeline stage by stage) to `plan`. */
int api_apply(const chert_model *model, ch_arena *arena, ch_plan **plan, ch_error *err);

int api_save(const chert_model *model, const char *path, bool overwrite, ch_error *err);
int api_load(chert_context *context, const char *path, int depth, chert_model **out, ch_error *err);

#endif
