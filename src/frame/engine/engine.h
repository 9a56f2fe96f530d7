/* engine.h: the DuckDB side of the frame layer, private to src/frame. */
#ifndef CHERT_FRAME_ENGINE_H
#define CHERT_FRAME_ENGINE_H

#include "frame/engine/native.h"
#include "frame/session/session.h"
#include "frame/type/column.h"

#include <duckdb.h>

/* A connection set up for a session (time zone, progress), from the session's pool or new. Cheap; one for each running
 * query. Give it back with ch_engine_disconnect. */
int ch_engine_connect(ch_session *s, duckdb_connection *out, ch_error *err);
/* Returns a connection to the pool; *con becomes NULL. NULL is fine. */
void ch_engine_disconnect(ch_session *s, duckdb_connection *con);
/* Runs statements for their effect. */
int ch_engine_run(duckdb_connection con, const char *sql, ch_error *err);
/* Runs one statement that may take long. */
int ch_engine_run_long(duckdb_connection con, const char *sql, ch_error *err);
/* The same, interrupted when `task` (may be NULL) is cancelled. */
int ch_engine_run_task(ch_session *s, duckdb_connection con, const char *sql, ch_task *task, ch_error *err);
/* As duckdb_execute_pending, but sleeps while all that is left is in other threads' hands: that function asks for work
 * without a pause until they are done. *result, zeroed before, is the caller's to destroy, whatever happens. */
int ch_engine_execute(duckdb_pending_result pending, duckdb_result *result, ch_error *err);
/* Name of the session's own catalog, e.g. "sess_3": tables of cached and local relations go there. */
const char *ch_session_catalog(const ch_session *s);
/* A table name that no other table of the session's catalog has or had: "sess_3.main.cache_7". */
char *ch_session_table(ch_session *s, ch_arena *arena, const char *prefix);

/* Work on a connection that a task can stop: while it is watched, cancelling the task interrupts the connection, and
 * the engine's progress reaches the task. The struct is the caller's. A NULL task is fine. */
typedef struct ch_watch {
    duckdb_connection con;
    ch_task *task;
    struct ch_watch *next, **link;
} ch_watch;

void ch_engine_watch(ch_engine *engine, ch_watch *watch, duckdb_connection con, ch_task *task);
void ch_engine_unwatch(ch_engine *engine, ch_watch *watch);

/* Turns DuckDB's text of a failure into Spark's error. Errors raised by our own C functions come as
 * "[CONDITION] name\x1fvalue\x1f..." and are rebuilt exactly; engine errors (overflow, conversion, missing file, out of
 * memory, disk full, interrupt) are mapped by a table. SQL text may raise the same with
 * error('[CONDITION] name' || chr(31) || value). */
int ch_engine_error(const char *text, ch_error *err);
/* Raises an error inside an engine function (scalar function info), in the form that ch_engine_error rebuilds. */
void ch_engine_raise(duckdb_function_info info, const ch_error *err);
/* The text ch_engine_raise sends, for other kinds of engine callbacks. */
void ch_engine_error_text(ch_buf *out, const ch_error *err);

/* Views of engine data as columns: `type` gives the Spark type. *out is zeroed before the first call and may be wrapped
 * again for the next chunk: its child array, which lives in `arena`, is reused. Fields are valid as long as the chunk.
 * For outputs `writable` says that rows will be set: lists start empty. */
void ch_column_wrap(ch_arena *arena, duckdb_vector vector, const ch_type *type, size_t rows, bool writable,
                    ch_column *out);
/* Logical type for a Spark type; caller destroys. */
duckdb_logical_type ch_engine_type(const ch_type *type);
/* The Spark type of what an engine type holds: a struct laid out as VectorUDT or MatrixUDT is one; unsigned and other
 * foreign types give NULL. */
const ch_type *ch_type_of_engine(ch_arena *arena, duckdb_logical_type type);
/* Does a column of this engine type hold values of the Spark type as column.h lays them out? */
bool ch_engine_type_matches(duckdb_logical_type engine_type, const ch_type *type);

/* Registers all C scalar and aggregate functions (udf_*.c) with a new database. Each udf_*.c has one
 * `int ch_register_<family>(duckdb_connection, ch_error *)`, listed in one table in udf.c. */
int ch_register_functions(duckdb_connection con, ch_error *err);
/* SQL of a call of a native function. `args` is the SQL of the arguments, comma separated. Whoever runs the text calls
 * ch_native_register first. */
int ch_native_sql(ch_buf *sql, const ch_native *fn, const char *args, ch_error *err);
/* Makes known to the database the engine functions of all return types that ch_native_sql has written so far. */
int ch_native_register(ch_engine *engine, duckdb_connection con, ch_error *err);

#endif
