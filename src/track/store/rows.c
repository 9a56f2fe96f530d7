/* rows.c: the loop over the rows of a statement, once for all who want them as an array. */
#include "track/store/rows.h"

int ch_rows_read(ch_db *db, ch_arena *arena, size_t item_size, int64_t limit, ch_row_reader read, ch_rows *out,
                 ch_error *err)
{
    size_t room = 0;
    *out = (ch_rows){0};
    for (bool more;;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) return 0;
        if ((int64_t)out->count == limit) {
            out->more = true;
            return 0;
        }
        if (out->count == room) {
            out->items = ch_arena_grow(arena, out->items, item_size, room, room * 2 + 8);
            room = room * 2 + 8;
        }
        read(db, arena, (char *)out->items + item_size * out->count++);
    }
}

void ch_row_text(const ch_db *db, ch_arena *arena, void *item)
{
    *(const char **)item = ch_arena_strdup(arena, ch_db_get_text(db, 0));
}

void ch_row_int(const ch_db *db, ch_arena *arena, void *item)
{
    (void)arena;
    *(int64_t *)item = ch_db_get_int(db, 0);
}
