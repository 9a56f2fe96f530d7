/* batch_reader.h: the body of runs/log-batch without a tree of JSON values: a thousand points are read in the time that
 * building their tree would take just to allocate. */
#ifndef CHERT_TRACK_BATCH_READER_H
#define CHERT_TRACK_BATCH_READER_H

#include "track/run/run_log.h"

typedef struct ch_batch {
    const char *run_id;
    ch_point *points;
    ch_key_value *params, *tags;
    size_t npoint, nparam, ntag;
} ch_batch;

/* Reads a body that is plainly good: known members, each once, of the right types, text in ASCII without escapes. False
 * for any other, which may be good as well: it is for the slow way with its messages. All in `arena`. */
bool ch_batch_read(ch_arena *arena, const char *body, size_t len, ch_batch *out);

#endif
