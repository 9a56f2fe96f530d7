/* db.h: the database of the tracking store: one set of SQL for SQLite and PostgreSQL.
 *
 * SQL is written with ?1, ?2, ... for parameters and in what both dialects share (ON CONFLICT, RETURNING, LIMIT/OFFSET;
 * whole numbers are BIGINT, truth values 0 and 1, text TEXT, doubles DOUBLE PRECISION). Where they differ, `dialect`
 * tells. Statements are prepared once for each connection and kept, found again by the address of their text: give
 * ch_db_sql string literals or text that outlives the connection; ch_db_sql_once for text made up for one query.
 *
 * Reading: any number of threads, each with a connection of its own out of a pool. Writing: ch_db_write runs a function
 * in a transaction. On SQLite there is one writer; functions that wait for it at the same time are run one after the
 * other inside one transaction, each behind a savepoint, and all return when that was committed: sixteen clients that
 * log at once share one commit. What returned 0 is on disk: no kill of the process loses it.
 *
 *     static int add(ch_db *db, void *arg, ch_error *err)
 *     {
 *         ch_db_sql(db, "INSERT INTO tags(run, key, value) VALUES (?1, ?2, ?3)");
 *         ch_db_int(db, 1, 17); ch_db_text(db, 2, "owner"); ch_db_text(db, 3, "me");
 *         return ch_db_run(db, err);
 *     }
 */
#ifndef CHERT_TRACK_DB_H
#define CHERT_TRACK_DB_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ch_dialect { CH_SQLITE, CH_POSTGRES } ch_dialect;

typedef struct ch_db_pool ch_db_pool;
typedef struct ch_db ch_db; /* a connection, used by one thread at a time, with its current statement */

/* `store` is a path of an SQLite file (or "sqlite:///path") or "postgresql://...". Creates the file and the schema when
 * new, migrates an older schema, refuses a newer one and a file that another process serves. `readers`: the most
 * connections to read with. */
int ch_db_open(const char *store, int readers, ch_db_pool **out, ch_error *err);
/* Opens a store only to read it, beside the process that serves it or not. err also: it does not exist, or its schema
 * is not this program's. */
int ch_db_open_reading(const char *store, ch_db_pool **out, ch_error *err);
void ch_db_close(ch_db_pool *pool); /* NULL is fine; nobody may be inside */
/* Whether ch_db_open made the store. */
bool ch_db_is_new(const ch_db_pool *pool);
/* Closes the store and removes its files before others may open it; as ch_db_close for PostgreSQL. */
void ch_db_discard(ch_db_pool *pool);
ch_dialect ch_db_pool_dialect(const ch_db_pool *pool);

/* Runs fn with a connection that only reads, in one snapshot. Returns what fn returned. */
int ch_db_read(ch_db_pool *pool, int (*fn)(ch_db *db, void *arg, ch_error *err), void *arg, ch_error *err);
/* Runs fn in a transaction that is committed when it returns 0 and undone otherwise. fn may be run again after it was
 * undone (a PostgreSQL serialisation failure): it must set, not add to, what it tells its caller. err also: CH_E_MEMORY
 * when the disk is full. */
int ch_db_write(ch_db_pool *pool, int (*fn)(ch_db *db, void *arg, ch_error *err), void *arg, ch_error *err);

ch_dialect ch_db_dialect(const ch_db *db);

/* Chooses the statement that the calls below are about. Mistakes in it are reported by the run. */
void ch_db_sql(ch_db *db, const char *sql);
void ch_db_sql_once(ch_db *db, const char *sql);
/* Parameters, counted from 1; text and blobs are borrowed until the statement has run to its end. */
void ch_db_int(ch_db *db, int parameter, int64_t value);
void ch_db_double(ch_db *db, int parameter, double value);   /* finite; NaN must be kept in a column of its own */
void ch_db_text(ch_db *db, int parameter, const char *text); /* NULL: null */
void ch_db_null(ch_db *db, int parameter);
/* Runs a statement without rows. */
int ch_db_run(ch_db *db, ch_error *err);
int64_t ch_db_changes(const ch_db *db); /* rows that the last run changed */
/* Between these two, ch_db_run may return before the statement has run, and only ch_db_run may be called: for many
 * statements in a row whose outcome matters all together. ch_db_end_bulk gives the first failure and must be called in
 * any case; calls may not be nested. */
void ch_db_begin_bulk(ch_db *db);
int ch_db_end_bulk(ch_db *db, ch_error *err);
/* The next row of a statement; *more false after the last. The first call runs it. A new ch_db_sql ends it early. A
 * second statement may not be used while rows of the first are read: collect first. */
int ch_db_next(ch_db *db, bool *more, ch_error *err);
/* Columns of the current row, counted from 0; text lives until the next call of ch_db_next or ch_db_sql. */
int64_t ch_db_get_int(const ch_db *db, int column); /* 0 for null */
double ch_db_get_double(const ch_db *db, int column);
const char *ch_db_get_text(const ch_db *db, int column); /* NULL for null */
bool ch_db_is_null(const ch_db *db, int column);
/* Whether a run failed because a row with that key was there already. */
bool ch_db_is_duplicate(const ch_error *err);
/* Runs statements without parameters and rows, separated by semicolons. */
int ch_db_script(ch_db *db, const char *sql, ch_error *err);

#endif
