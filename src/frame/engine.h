/* engine.h: the DuckDB side of the frame layer, private to src/frame. */
#ifndef CHERT_FRAME_ENGINE_H
#define CHERT_FRAME_ENGINE_H

#include "frame/column.h"
#include "frame/session.h"

#include <duckdb.h>

/* A connection set up for a session (time zone, catalog). Cheap; one for each running query. */
int ch_engine_connect(ch_session *s, duckdb_connection *out, ch_error *err);
/* Runs a statement for its effect. */
int ch_engine_run(duckdb_connection con, const char *sql, ch_error *err);
/* Name of the session's own catalog, e.g. "sess_3": tables of cached and local relations go there. */
const char *ch_session_catalog(const ch_session *s);

/* Turns DuckDB's text of a failure into Spark's error. Errors raised by our own C functions come as
 * "[CONDITION] name\x1fvalue\x1f..." and are rebuilt exactly; engine errors (overflow, conversion, missing file, out of
 * memory, disk full, interrupt) are mapped by a table. */
int ch_engine_error(const char *text, ch_error *err);
/* Raises an error inside an engine function (scalar function info), in the form that ch_engine_error rebuilds. */
void ch_engine_raise(duckdb_function_info info, const ch_error *err);

/* Views of engine data as columns: `type` gives the Spark type. Fields of *out are valid as long as the chunk; child
 * arrays live in `arena`. For outputs `writable` makes validity masks and list sizes settable. */
void ch_column_wrap(ch_arena *arena, duckdb_vector vector, const ch_type *type, size_t rows, bool writable,
                    ch_column *out);
/* Logical type for a Spark type; caller destroys. */
duckdb_logical_type ch_engine_type(const ch_type *type);

/* Registers all C scalar and aggregate functions (udf_*.c) with a new database. Each udf_*.c has one
 * `int ch_register_<family>(duckdb_connection, ch_error *)`, listed in one table in udf.c. */
int ch_register_functions(duckdb_connection con, ch_error *err);
/* SQL of a call of a native function: registers the engine function for its return type when first needed.
 * `args` is the SQL of the arguments, comma separated. */
int ch_native_sql(ch_buf *sql, const ch_native *fn, const char *args, ch_error *err);

#endif
