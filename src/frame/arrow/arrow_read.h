/* arrow_read.h: Arrow IPC streams in. The bytes come from outside and are believed nothing: every message is bounded by
 * the bytes there are, checked by the FlatBuffers verifier and by nanoarrow's full validation, every index again where
 * it is used. */
#ifndef CHERT_FRAME_ARROW_READ_H
#define CHERT_FRAME_ARROW_READ_H

#include "frame/type/column.h"
#include "frame/type/timezone.h"

typedef struct ch_arrow_reader ch_arrow_reader;

/* `data` is borrowed until close (copied if it is not aligned). Reads the schema message. */
int ch_arrow_reader_open(const void *data, size_t size, ch_arrow_reader **out, ch_error *err);
void ch_arrow_reader_close(ch_arrow_reader *r); /* NULL is fine */

/* The stream's schema in Spark's types, in `arena`: unsigned integers become the next wider type, times of any unit are
 * microseconds. err: UNSUPPORTED_ARROWTYPE. */
int ch_arrow_reader_schema(const ch_arrow_reader *r, ch_arena *arena, ch_schema *out, ch_error *err);

/* Says which types the rows shall have, columns by position (struct fields by name, or by position if the names
 * differ); `want` and `zone` (the session's: for timestamps without one) are borrowed until close. err: another number
 * of columns. What cannot be converted is an error of the row that has it. */
int ch_arrow_reader_want(ch_arrow_reader *r, const ch_schema *want, const ch_timezone *zone, ch_error *err);

/* Fills rows [0, *rows) of writable, fresh columns with the next rows of the stream, at most max_rows. *rows = 0 at the
 * end. err: broken stream, value out of range, NOT_NULL_ASSERT_VIOLATION for a NULL where `want` has none. */
int ch_arrow_reader_read(ch_arrow_reader *r, ch_column *cols, size_t max_rows, size_t *rows, ch_error *err);

#endif
