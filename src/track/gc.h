/* gc.h: removing for good what was deleted softly: rows, artifacts and names. */
#ifndef CHERT_TRACK_GC_H
#define CHERT_TRACK_GC_H

#include "track/track.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ch_gc_request {
    const char *const *run_ids; /* these only; each must be deleted */
    size_t nrun;
    const int64_t *experiments; /* these with all their runs; each must be deleted */
    size_t nexperiment;
    const char *const *model_ids; /* these logged models only; each must be deleted */
    size_t nmodel;
    bool everything;       /* all that is deleted */
    int64_t older_than_ms; /* only what was deleted so long ago; something named that was not is an error */
    bool dry_run;          /* only tell */
} ch_gc_request;

/* Something that goes. */
typedef struct ch_gc_item {
    const char *kind; /* "run", "experiment" or "logged model" */
    const char *name, *artifacts;
} ch_gc_item;

typedef struct ch_gc_result {
    int64_t runs, experiments, models;
    ch_gc_item *items; /* all of them, in the arena */
    size_t nitem;
    const char **versions; /* "NAME/VERSION": registered models whose files go with them; they stay, without files */
    size_t nversion;
} ch_gc_result;

/* As `mlflow gc` has it: an experiment goes with its runs, logged models and traces, a run with what it logged; logged
 * models, traces and registered versions of a run stay. Abandoned uploads go, too. Removes artifacts first, then rows:
 * when it is interrupted, the next one finds the rest. err: CH_E_NOT_FOUND for what is not there, CH_E_ILLEGAL_ARGUMENT
 * for what is not deleted. */
int ch_track_gc(ch_track *track, ch_arena *arena, const ch_gc_request *request, ch_gc_result *result, ch_error *err);

#endif
