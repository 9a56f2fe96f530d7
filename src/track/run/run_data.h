/* run_data.h: runs out of the store and into JSON. */
#ifndef CHERT_TRACK_RUN_DATA_H
#define CHERT_TRACK_RUN_DATA_H

#include "track/call.h"

typedef struct ch_run {
    int64_t id; /* the number inside */
    const char *run_id, *name, *user_id, *status, *artifact_uri;
    int64_t experiment, start_time, end_time;
    bool has_end, deleted;
} ch_run;

/* The columns that ch_run_read expects first, of a table `runs r`. */
#define CH_RUN_COLUMNS                                                                                                 \
    "r.id, r.run_id, r.experiment, r.name, r.user_id, r.status, r.start_time, r.end_time, r.deleted, r.artifact_uri"

void ch_run_read(const ch_db *db, ch_arena *arena, ch_run *out);
/* The run with that outside name. Fails the call: "Run with id=... not found". */
int ch_run_find(ch_call *call, ch_db *db, const char *run_id, ch_run *out, ch_error *err);
/* The same, failing for deleted runs too. */
int ch_run_find_active(ch_call *call, ch_db *db, const char *run_id, ch_run *out, ch_error *err);

void ch_run_write_info(ch_json *json, const ch_run *run); /* the object of run.info */

/* What belongs to runs, as pieces of JSON ready to be put between brackets. */
typedef enum ch_run_part {
    CH_RUN_METRICS,
    CH_RUN_PARAMS,
    CH_RUN_TAGS,
    CH_RUN_DATASETS,
    CH_RUN_MODEL_INPUTS,
    CH_RUN_MODEL_OUTPUTS,
    CH_RUN_PARTS
} ch_run_part;

typedef struct ch_run_slice {
    size_t start, end;
} ch_run_slice;

typedef struct ch_run_data {
    ch_buf text[CH_RUN_PARTS];
    ch_run_slice *slices[CH_RUN_PARTS]; /* [run] in text[part] */
} ch_run_data;

/* Reads the data of `count` runs, in a few statements whatever their number. Owner calls ch_run_data_reset. */
int ch_run_data_load(ch_db *db, ch_arena *arena, const ch_run *runs, size_t count, ch_run_data *out, ch_error *err);
void ch_run_data_reset(ch_run_data *data);
/* The object of a run: info, data, inputs, outputs. `at` is its place in the array that was loaded. */
void ch_run_write(ch_json *json, const ch_run *run, const ch_run_data *data, size_t at);

#endif
