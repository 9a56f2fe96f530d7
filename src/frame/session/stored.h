/* stored.h: data from outside kept in tables of a session's catalog, so that it is read once: rows the client sent,
 * text files once parsed. Found by key. A table lives while some plan uses it; unused ones stay too, until all of them
 * together pass a quarter of the engine's memory limit (the oldest go first) or the session ends. */
#ifndef CHERT_FRAME_STORED_H
#define CHERT_FRAME_STORED_H

#include "frame/engine/engine.h"

/* Makes and fills `table` ("sess_3.main.local_1"); *bytes tells about how much memory it takes. */
typedef int (*ch_stored_fill)(void *context, duckdb_connection con, const char *table, size_t *bytes, ch_error *err);

/* The table of `key`, filled by the first who asks; others wait for him. It stays at least as long as `holder`.
 * *table is in the holder. err: what fill raised; the next who asks tries again. */
int ch_stored_get(ch_session *s, ch_arena *holder, const char *key, const char *prefix, ch_stored_fill fill,
                  void *context, const char **table, ch_error *err);
/* Is it there already? Then as ch_stored_get; otherwise *table = NULL. */
void ch_stored_find(ch_session *s, ch_arena *holder, const char *key, const char **table);
/* How many bytes tables of outside data may take together: a quarter of the engine's memory limit. */
size_t ch_stored_budget(ch_session *s);
/* Forgets everything; called when the session ends. */
void ch_stored_close(ch_session *s);

#endif
