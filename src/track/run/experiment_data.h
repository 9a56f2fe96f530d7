/* experiment_data.h: experiments out of the store and into JSON. */
#ifndef CHERT_TRACK_EXPERIMENT_DATA_H
#define CHERT_TRACK_EXPERIMENT_DATA_H

#include "track/call.h"

typedef struct ch_experiment {
    int64_t id;
    const char *name, *artifact_location;
    bool deleted;
    int64_t created, updated;
} ch_experiment;

/* The columns that ch_experiment_read expects first, of a table `experiments e`. */
#define CH_EXPERIMENT_COLUMNS "e.id, e.name, e.artifact_location, e.deleted, e.created, e.updated"

void ch_experiment_read(const ch_db *db, ch_arena *arena, ch_experiment *out);

/* What the pages want to know beyond MLflow's reply. */
typedef struct ch_experiment_counts {
    int64_t active, deleted, last; /* runs, and the start of the last one; 0: none */
} ch_experiment_counts;

/* The object of an experiment with its tags, and with `counts` unless NULL. */
int ch_experiment_write(ch_db *db, ch_json *json, const ch_experiment *experiment, const ch_experiment_counts *counts,
                        ch_error *err);

#endif
