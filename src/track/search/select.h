/* select.h: an SQL statement that is made up while a request is read: its text with the values that go into it.
 *
 *     ch_select query;
 *     ch_select_init(&query, call->arena, ch_db_pool_dialect(call->track->pool));
 *     ch_select_sql(&query, "SELECT id FROM runs WHERE name = ");
 *     ch_select_text(&query, name);      // the text gets ?1, and name is remembered
 *     ...
 *     ch_select_start(&query, db);       // within ch_db_read: then ch_db_next
 *
 * Values never become part of the text: no request can write SQL, and equal requests find their statement prepared. */
#ifndef CHERT_TRACK_SELECT_H
#define CHERT_TRACK_SELECT_H

#include "base/arena.h"
#include "base/buf.h"
#include "track/store/db.h"

typedef struct ch_select_value {
    enum { CH_SELECT_INT, CH_SELECT_DOUBLE, CH_SELECT_TEXT } kind;
    int64_t integer;
    double real;
    const char *text; /* borrowed */
} ch_select_value;

typedef struct ch_select {
    ch_arena *arena;
    ch_dialect dialect;
    ch_buf text;
    ch_select_value *values;
    size_t nvalue, room;
} ch_select;

void ch_select_init(ch_select *query, ch_arena *arena, ch_dialect dialect);
void ch_select_reset(ch_select *query); /* frees the text; the values are the arena's */
void ch_select_sql(ch_select *query, const char *sql);
void ch_select_sqlf(ch_select *query, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ch_select_int(ch_select *query, int64_t value);
void ch_select_double(ch_select *query, double value);
void ch_select_text(ch_select *query, const char *value); /* may be NULL; must live until the query has run */
/* LIMIT and OFFSET. Ask for one row more than a page takes: it tells whether there is another page. */
void ch_select_page(ch_select *query, int64_t limit, int64_t offset);
/* Makes it the connection's statement, with its values. */
void ch_select_start(const ch_select *query, ch_db *db);

#endif
