/* json_value.h: values of columns as JSON text and back, by the rules of to_json and from_json. */
#ifndef CHERT_FRAME_JSON_VALUE_H
#define CHERT_FRAME_JSON_VALUE_H

#include "base/buf.h"
#include "frame/type/column.h"
#include "frame/type/timezone.h"

/* JacksonGenerator: NULL fields of structs are left out, timestamps are 2020-01-02T03:04:05.000Z. */
void ch_json_write(ch_buf *out, const ch_column *c, size_t row, const ch_timezone *zone);
/* JacksonParser in PERMISSIVE mode: sets row `row` of the column from the text; what does not fit becomes NULL. Lists'
 * children grow; `row` goes upward from call to call. */
int ch_json_read(ch_column *c, size_t row, const char *text, size_t len, const ch_timezone *zone, ch_error *err);

#endif
