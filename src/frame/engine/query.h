/* query.h: running DataFrames: from a plan to batches of rows, and the commands that write them somewhere. */
#ifndef CHERT_FRAME_QUERY_H
#define CHERT_FRAME_QUERY_H

#include "frame/session/session.h"
#include "frame/type/column.h"

typedef struct ch_query ch_query;

/* Analyses a plan. The query keeps what it needs alive (session, models) but borrows the plan: its arena must outlive
 * the query. */
int ch_query_open(ch_session *s, const ch_plan *plan, ch_query **out, ch_error *err);
void ch_query_close(ch_query *q); /* also in the middle of a run; NULL is fine */

const ch_schema *ch_query_schema(const ch_query *q);
const char *ch_query_sql(ch_query *q); /* the statement the engine gets, for explain and the curious */
bool ch_query_ordered(const ch_query *q);
/* Spark-like text of explain(mode): "simple", "extended", "codegen", "cost", "formatted". */
int ch_query_explain(ch_query *q, const char *mode, ch_buf *out, ch_error *err);
void ch_query_fingerprint(const ch_query *q, uint64_t fingerprint[2]);
size_t ch_query_files(const ch_query *q, ch_arena *arena, const char ***files);

/* Starts running. Rows stream: memory does not grow with the result. `task` (may be NULL) cancels it from any thread
 * and is told the progress; it must live until the query is closed. Big fits pass max threads through base/thread.h. */
int ch_query_start(ch_query *q, ch_task *task, ch_error *err);
/* The next batch, valid until the next call; *batch = NULL at the end. Columns are in schema order; VECTOR columns are
 * structs (column.h). Batches hold up to 2,048 rows. */
int ch_query_next(ch_query *q, const ch_batch **batch, ch_error *err);

/* Runs a query that gives one row, and copies its values into literals in `arena` (n = number of columns). An empty
 * result gives *row = NULL. For estimators and derived relations that need a few numbers first. */
int ch_query_row(ch_session *s, const ch_plan *plan, ch_task *task, ch_arena *arena, size_t *n, ch_literal **row,
                 ch_error *err);
/* The same for at most `max_rows` rows: rows[i][j]. */
int ch_query_rows(ch_session *s, const ch_plan *plan, size_t max_rows, ch_task *task, ch_arena *arena, size_t *nrow,
                  size_t *ncol, ch_literal ***rows, ch_error *err);

/* Arrow IPC out: complete streams (schema + record batches + end) as the Connect client wants them. */
typedef struct ch_arrow_encoder ch_arrow_encoder;
struct ArrowArray;
/* time_zone: the session's, for TIMESTAMP columns. The schema is borrowed. */
ch_arrow_encoder *ch_arrow_encoder_new(const ch_schema *schema, const char *time_zone);
void ch_arrow_encoder_free(ch_arrow_encoder *e);
/* Adds the rows of a batch to the record batch being built. */
int ch_arrow_encoder_add(ch_arrow_encoder *e, const ch_batch *batch, ch_error *err);
size_t ch_arrow_encoder_rows(const ch_arrow_encoder *e);
size_t ch_arrow_encoder_bytes(const ch_arrow_encoder *e); /* about the size of the stream so far */
/* Ends the stream and appends it to out (schema, one record batch, end); the encoder starts a new one. */
int ch_arrow_encoder_finish(ch_arrow_encoder *e, ch_buf *out, ch_error *err);
/* The same without copying what is big: the stream is `*n` buffers one after the other, in an array that is the
 * caller's to free after them. */
int ch_arrow_encoder_finish_pieces(ch_arrow_encoder *e, ch_buf **pieces, size_t *n, ch_error *err);
/* Takes the encoder over and gives its rows as an array of the Arrow C data interface: a struct with a child for each
 * column, whose buffers are the encoder's own. Only the struct is to be released. For columns without fields or
 * elements. On failure the encoder is freed. */
int ch_arrow_encoder_export(ch_arrow_encoder *e, struct ArrowArray *out, ch_error *err);

/* df.write.save: where and how. */
typedef enum ch_save_mode { CH_SAVE_ERROR, CH_SAVE_APPEND, CH_SAVE_OVERWRITE, CH_SAVE_IGNORE } ch_save_mode;

typedef struct ch_write {
    const char *format; /* parquet, csv, json, text, noop; NULL: the session's default */
    const char *path;
    const char *table; /* saveAsTable / insertInto: NULL otherwise */
    ch_save_mode mode;
    size_t npartition_by, noption;
    const char **partition_by;
    ch_option *options;
} ch_write;

/* Runs the plan and writes part files and _SUCCESS, atomically: into a hidden folder beside the target, then renamed.
 */
int ch_write_plan(ch_session *s, const ch_plan *plan, const ch_write *w, ch_task *task, ch_error *err);

#endif
