/* rows.h: the rows of a statement as an array. */
#ifndef CHERT_TRACK_ROWS_H
#define CHERT_TRACK_ROWS_H

#include "base/arena.h"
#include "track/store/db.h"

/* Reads the current row into a zeroed item. */
typedef void (*ch_row_reader)(const ch_db *db, ch_arena *arena, void *item);

typedef struct ch_rows {
    void *items; /* in the arena */
    size_t count;
    bool more; /* there is a row beyond the limit */
} ch_rows;

/* Reads the rows of the chosen statement, `limit` of them at most. */
int ch_rows_read(ch_db *db, ch_arena *arena, size_t item_size, int64_t limit, ch_row_reader read, ch_rows *out,
                 ch_error *err);

/* Readers of a text (const char *) and of a whole number (int64_t) out of the first column. */
void ch_row_text(const ch_db *db, ch_arena *arena, void *item);
void ch_row_int(const ch_db *db, ch_arena *arena, void *item);

#endif
