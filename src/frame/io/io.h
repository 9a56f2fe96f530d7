/* io.h: sources of relations outside the query: files and rows sent by the client. Called by the analyzer. */
#ifndef CHERT_FRAME_IO_H
#define CHERT_FRAME_IO_H

#include "frame/analyze/rel.h"
#include "frame/session/session.h"
#include "frame/type/column.h"
#include "frame/type/timezone.h"

/* spark.read...load(): lists the files (globs, folders of part files, partition folders key=value), finds or infers the
 * schema by Spark's rules, and gives a SOURCE relation whose columns have Spark's types and nullability. The inferred
 * schema of unchanged files is remembered in the engine. err: PATH_NOT_FOUND, UNABLE_TO_INFER_SCHEMA,
 * DATA_SOURCE_NOT_FOUND, ... */
int ch_source_read(ch_scope *scope, const ch_plan *plan, ch_rel **out, ch_error *err);
/* createDataFrame's rows: the Arrow IPC stream is checked, put into a table of the session (once for equal bytes) and
 * comes back as a SOURCE. Handles CH_PLAN_LOCAL and CH_PLAN_CACHED_LOCAL. */
int ch_source_local(ch_scope *scope, const ch_plan *plan, ch_rel **out, ch_error *err);
/* spark.read.csv/json(df of strings): CH_PLAN_PARSE over an analysed input. */
int ch_source_parse(ch_scope *scope, const ch_plan *plan, ch_rel *input, ch_rel **out, ch_error *err);

/* df.show(): the table as text, as Dataset.showString / vertical form prints it. Runs the input (rows + 1 rows). */
int ch_show_string(ch_session *s, const ch_plan *plan, ch_task *task, ch_buf *out, ch_error *err);
int ch_html_string(ch_session *s, const ch_plan *plan, ch_task *task, ch_buf *out, ch_error *err);

/* Text of one value, nested ones as [1, 2], {a -> 1}, {x, y}, vectors as ml.linalg prints them, timestamps in `zone`.
 * CAST: as CAST(x AS STRING) gives it, a NULL inside is "null", binary is its bytes. SHOW: as df.show() does, NULL is
 * "NULL", binary [41 42]. A NULL at the top is written like one inside; whoever wants a real NULL looks first. */
typedef enum ch_text_style { CH_TEXT_CAST, CH_TEXT_SHOW } ch_text_style;
void ch_value_text(ch_buf *out, const ch_column *c, size_t row, ch_text_style style, const ch_timezone *zone);
/* An unscaled decimal in plain notation, sign and all digits of the scale. */
void ch_decimal_text(ch_buf *out, ch_int128 unscaled, int scale);

#endif
