/* span_file.h: spans as MLflow's traces.json has them. */
#ifndef CHERT_TRACK_SPAN_FILE_H
#define CHERT_TRACK_SPAN_FILE_H

#include "base/buf.h"

#include <jansson.h>

/* Appends {"spans": [...]} for spans as the store holds them (protobuf's JSON): attributes become one object whose
 * values are texts of JSON, and what is absent is null or empty. */
void ch_span_file_write(ch_buf *out, const char *const *spans, size_t count);

/* What an attribute of a stored span holds: a new reference, or NULL when it has none of that name. Texts that are
 * JSON, as MLflow's clients send them, are read. */
json_t *ch_span_attribute(const char *span, const char *name);

#endif
