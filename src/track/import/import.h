/* import.h: taking over what MLflow has stored: a folder mlruns, the file of an SQLite store, or what a running
 * server tells. */
#ifndef CHERT_TRACK_IMPORT_H
#define CHERT_TRACK_IMPORT_H

#include "track/track.h"

#include <stdint.h>

typedef struct ch_import_counts {
    int64_t experiments, runs, points, logged_models, traces, models, versions, files;
    int64_t broken; /* runs and the like of a folder whose files are none: left out, with a warning */
    int64_t known;  /* runs, logged models, traces and versions that were there already */
} ch_import_counts;

typedef struct ch_import_options {
    const char *source;    /* a folder, an SQLite file or "sqlite:///path", or "http(s)://..." (http/fetch.h) */
    const char *artifacts; /* folder of artifacts that the source names mlflow-artifacts:/...; NULL: "mlartifacts"
                              beside the source */
    /* Called after each run, model and trace; NULL: not. */
    void (*progress)(const ch_import_counts *counts, void *arg);
    void *progress_arg;
} ch_import_options;

/* Adds everything that is not there yet: experiments and registered models are told by their names, runs, logged models
 * and traces by their ids. Each of these comes in one transaction, behind its artifacts, so an import that ended half
 * way is finished by another one. Experiments keep their number where it is free and not above a thousand million.
 * Artifacts are copied into the artifact folder; those that lie elsewhere (S3) stay, and stay named. err: the source
 * cannot be read or is no store of MLflow's. */
int ch_track_import(ch_track *track, const ch_import_options *options, ch_import_counts *counts, ch_error *err);

#endif
