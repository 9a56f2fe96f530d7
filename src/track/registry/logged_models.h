/* logged_models.h: logged models as the store holds them, shared by their handlers and their search. */
#ifndef CHERT_TRACK_LOGGED_MODELS_H
#define CHERT_TRACK_LOGGED_MODELS_H

#include "track/registry/registry.h"

typedef struct ch_logged_metric {
    const char *key, *run_id, *dataset_name, *dataset_digest;
    double value;
    int64_t timestamp, step;
} ch_logged_metric;

typedef struct ch_logged_model {
    int64_t id, experiment, created, updated, status;
    const char *model_id, *name, *artifact_uri, *model_type, *source_run_id, *status_message;
    ch_pairs tags, params;
    ch_logged_metric *metrics;
    size_t nmetric;
} ch_logged_model;

/* What ch_logged_model_row reads, of logged_models m. */
#define CH_LOGGED_COLUMNS                                                                                              \
    "m.id, m.model_id, m.experiment, m.name, m.artifact_uri, m.created, m.updated, m.status, m.model_type, "           \
    "m.source_run_id, m.status_message"

/* The current row. */
void ch_logged_model_row(const ch_db *db, ch_arena *arena, ch_logged_model *out);
/* Fills in tags, params and metrics. */
int ch_logged_model_complete(ch_db *db, ch_arena *arena, ch_logged_model *model, ch_error *err);
void ch_logged_model_write(ch_json *json, const ch_logged_model *model);
/* The number of "LOGGED_MODEL_READY", "READY", ...; -1 when it is none of them. */
int ch_logged_status(const char *name);

#endif
