/* run_log.h: what is written into a run: metrics, params, tags. Shared by the handlers of one and of many. */
#ifndef CHERT_TRACK_RUN_LOG_H
#define CHERT_TRACK_RUN_LOG_H

#include "track/run/run_data.h"

typedef struct ch_point {
    const char *key;
    double value; /* as it is stored: 0 for NaN, finite for infinities */
    bool is_nan;
    int64_t timestamp, step;
    const char *model_id, *dataset_name, *dataset_digest; /* NULL: none */
} ch_point;

/* NaN and infinities as the store holds them. */
void ch_point_set_value(ch_point *point, double value);
/* Writes points into a run's history and what is now the latest of each key; sorts `points`. Points that are there
 * already stay as they are. */
int ch_run_log_metrics(ch_db *db, const ch_run *run, ch_point *points, size_t count, ch_error *err);

typedef struct ch_key_value {
    const char *key, *value;
} ch_key_value;

/* Params: a value that differs from the one logged before fails the call. `single` chooses the message. */
int ch_run_log_params(ch_call *call, ch_db *db, const ch_run *run, const ch_key_value *params, size_t count,
                      bool single, ch_error *err);
/* A tag; "mlflow.runName" renames the run. */
int ch_run_set_tag(ch_db *db, const ch_run *run, const char *key, const char *value, ch_error *err);

#endif
