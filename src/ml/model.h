/* model.h: fitted models and summaries as objects: counted references, and the cache that gives them ids. */
#ifndef CHERT_ML_MODEL_H
#define CHERT_ML_MODEL_H

#include "ml/stage.h"

#include <pthread.h>

ch_fitted *ch_fitted_new(const ch_stage *stage, void *data); /* takes data over; one reference */
ch_fitted *ch_fitted_retain(ch_fitted *fitted);
void ch_fitted_release(ch_fitted *fitted); /* NULL is fine */
/* For as long as the arena lives. */
ch_fitted *ch_fitted_hold(ch_arena *arena, ch_fitted *fitted);

struct ch_object {
    atomic_int refs;
    const ch_stage *stage;
    char *uid;
    ch_param_map *params; /* NULL for a summary */
    ch_fitted *fitted;
    ch_object *summary;   /* the training summary, or NULL; set before the object is shared, or under `lock` */
    pthread_mutex_t lock; /* guards `summary` and what a stage computes late */
};

/* Takes over params and fitted. One reference. */
ch_object *ch_object_new(const ch_stage *stage, const char *uid, ch_param_map *params, ch_fitted *fitted);
ch_object *ch_object_retain(ch_object *object);
void ch_object_release(ch_object *object); /* NULL is fine */
size_t ch_object_bytes(const ch_object *object);
void ch_object_print(const ch_object *object, ch_buf *out); /* toString */
/* The training summary with a reference for the caller, or NULL. */
ch_object *ch_object_summary(ch_object *object);
void ch_object_set_summary(ch_object *object, ch_object *summary); /* takes it over */

/* Attribute functions that all models with a training summary share: hasSummary, summary. */
extern const ch_attribute ch_attributes_summary[];
/* toString of everything identifiable. */
extern const ch_attribute ch_attributes_identifiable[];

/* A transform of a stage with these params. Takes over params, retains session and fitted. `session` may be NULL for
 * one that only a ch_scorer applies. */
ch_transform *ch_stage_transform(ch_session *session, const ch_stage *stage, ch_param_map *params, ch_fitted *fitted);
/* The plan node that applies it to input; the transform is held by the arena. Takes over params. */
ch_plan *ch_stage_plan(ch_arena *arena, ch_session *session, const ch_stage *stage, ch_param_map *params,
                       ch_fitted *fitted, const ch_plan *input);

/* ---- the cache ---- */

typedef struct ch_object_cache ch_object_cache;

ch_object_cache *ch_object_cache_new(void);
void ch_object_cache_free(ch_object_cache *cache);
/* Gives the object a new UUID; takes over one reference. The id is copied into `arena`. */
const char *ch_object_cache_add(ch_object_cache *cache, ch_arena *arena, ch_object *object);
ch_object *ch_object_cache_get(ch_object_cache *cache, const char *id); /* a reference for the caller, or NULL */
bool ch_object_cache_remove(ch_object_cache *cache, const char *id);
size_t ch_object_cache_clear(ch_object_cache *cache); /* number removed */
/* Calls `visit` for each object, oldest first. */
void ch_object_cache_each(ch_object_cache *cache, void (*visit)(void *context, const char *id, ch_object *object),
                          void *context);

#endif
