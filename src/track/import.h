/* import.h: taking over what MLflow has stored: a folder mlruns, the file of an SQLite store, or what a running
 * server tells. */
#ifndef CHERT_TRACK_IMPORT_H
#define CHERT_TRACK_IMPORT_H

#include "track/track.h"

#include <stdint.h>

typedef struct ch_import_options {
    const char *source;    /* a folder, an SQLite file or "sqlite:///path", or "http://..." */
    const char *artifacts; /* folder of artifacts that the source names mlflow-artifacts:/...; NULL: "mlartifacts"
                              beside the source */
} ch_import_options;

typedef struct ch_import_counts {
    int64_t experiments, runs, skipped_runs, points, models, versions, logged_models, files;
} ch_import_counts;

/* Adds everything that is not there yet: experiments and registered models are told by their names, runs and logged
 * models by their ids, so that an import can be repeated. Artifacts are copied into the artifact folder; those that
 * lie elsewhere (S3) stay, and stay named. err: the source cannot be read or is no store of MLflow's. */
int ch_track_import(ch_track *track, const ch_import_options *options, ch_import_counts *counts, ch_error *err);

#endif
