/* run_rows.h: the rows that belong to many runs, whatever their number: a statement is for up to 256 runs. */
#ifndef CHERT_TRACK_RUN_ROWS_H
#define CHERT_TRACK_RUN_ROWS_H

#include "track/run/run_data.h"

/* What rows are read, with their columns. */
typedef enum ch_run_source {
    CH_ROWS_METRICS,  /* run, key, value, timestamp, step, is_nan: the latest of each key */
    CH_ROWS_PARAMS,   /* run, key, value */
    CH_ROWS_TAGS,     /* run, key, value */
    CH_ROWS_DATASETS, /* run, input, name, digest, source_type, source, schema, profile, tag's key, its value */
    CH_ROWS_MODELS,   /* run, is_output, model_id, step */
    CH_ROWS_SOURCES
} ch_run_source;

/* Called with the current row of a run; `at` is the run's place in the array. */
typedef void (*ch_run_row_fn)(void *arg, const ch_db *db, ch_run_source from, size_t at);

/* Reads all rows of one kind. The rows of a run come together, by key; the runs in the order of their numbers. */
int ch_run_rows(ch_db *db, ch_arena *arena, ch_run_source from, const ch_run *runs, size_t count, ch_run_row_fn fn,
                void *arg, ch_error *err);

#endif
