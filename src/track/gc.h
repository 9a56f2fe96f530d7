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
    bool everything;       /* all that is deleted */
    int64_t older_than_ms; /* with `everything`: only what was deleted so long ago */
} ch_gc_request;

typedef struct ch_gc_result {
    int64_t runs, experiments, models;
} ch_gc_result;

/* Removes artifacts first, then rows: when it is interrupted, the next one finds the rest. err: CH_E_NOT_FOUND for what
 * is not there, CH_E_ILLEGAL_ARGUMENT for what is not deleted. */
int ch_track_gc(ch_track *track, ch_arena *arena, const ch_gc_request *request, ch_gc_result *result, ch_error *err);

#endif
