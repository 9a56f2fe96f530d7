/* models.h: the models that are loaded: found by a key, loaded once however many ask at the same time, the one unused
 * for longest dropped when there are too many. */
#ifndef CHERT_SERVE_MODELS_H
#define CHERT_SERVE_MODELS_H

#include "serve/model.h"

typedef struct ch_models ch_models;

/* What is to be loaded, and under which key it is kept. */
typedef struct ch_model_source {
    const char *key, *path, *name, *version;
} ch_model_source;

/* Keeps at most `most` models (requests under way keep theirs beyond that). `engine` as in ch_served_load. */
ch_models *ch_models_new(ch_engine *engine, size_t most);
void ch_models_free(ch_models *models); /* NULL is fine; nobody may be inside */
/* The model under a key, a reference for the caller; NULL when it is not loaded. Never waits for a load. */
ch_served *ch_models_find(ch_models *models, const char *key);
/* The same, loaded when it is not there; waits while another caller loads it. A failure is remembered for two seconds,
 * so that a model that cannot be loaded is not tried by every request. */
int ch_models_get(ch_models *models, const ch_model_source *source, ch_served **out, ch_error *err);
/* Forgets a model; false when it was not loaded. */
bool ch_models_drop(ch_models *models, const char *key);
/* Calls `visit` for each loaded model, under the lock. */
void ch_models_each(ch_models *models, void (*visit)(void *context, const char *key, const ch_served *model),
                    void *context);
size_t ch_models_count(ch_models *models); /* loaded ones */

#endif
