/* arrow_internal.h: what arrow_read.c and arrow_value.c share. */
#ifndef CHERT_FRAME_ARROW_INTERNAL_H
#define CHERT_FRAME_ARROW_INTERNAL_H

#include "frame/arrow/arrow_read.h"

#include <nanoarrow/nanoarrow.h>
#include <nanoarrow/nanoarrow_ipc.h>

#include <errno.h>

struct ch_arrow_reader {
    const uint8_t *data; /* aligned to 8 bytes */
    size_t size, at;
    void *copy;      /* of the data, when the caller's is not aligned */
    uint64_t budget; /* rows and list elements it may still give */
    struct ArrowIpcDecoder decoder;
    struct ArrowSchema schema;
    struct ArrowIpcDictionaryEncodings encodings; /* point into schema */
    struct ArrowIpcDictionaries dictionaries;
    bool has_schema, has_dictionaries;
    const uint8_t *message; /* the flatbuffer of the last message */
    const ch_schema *want;
    const ch_timezone *zone;
    struct ArrowArrayView *view; /* the record batch being read, or NULL */
    int64_t row;                 /* its next row */
};

/* Whether a verified message (its flatbuffer, behind the 8 bytes of prefix) has all its parts and speaks only of
 * buffers that lie within its body. */
bool ch_arrow_message_sound(const uint8_t *message);
/* Whether a sound dictionary batch holds as many nodes and buffers as values of that type take. */
bool ch_arrow_dictionary_complete(const uint8_t *message, const struct ArrowSchema *values);
int ch_arrow_too_many(ch_error *err);
/* The Spark type of an Arrow field; err: UNSUPPORTED_ARROWTYPE. */
int ch_arrow_spark_type(const struct ArrowSchema *schema, ch_arena *arena, int depth, const ch_type **out,
                        ch_error *err);
/* Converts n values of `in` from row `start` on into rows [at, at + n) of a column of the field's type. */
int ch_arrow_fill(ch_arrow_reader *r, ch_column *out, size_t at, const ch_field *field, const struct ArrowArrayView *in,
                  const struct ArrowSchema *schema, int64_t start, int64_t n, ch_error *err);

#endif
