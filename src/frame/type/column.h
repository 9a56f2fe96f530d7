/* column.h: a batch of rows as columns in memory, the form in which data passes between the engine, transformers,
 * Arrow and the C API.
 *
 * The layout is DuckDB's flat vector, so that a batch is a view of an engine chunk and costs nothing:
 *
 *   kind                            data is an array of
 *   BOOLEAN                         uint8_t (bool)
 *   BYTE SHORT INT LONG             int8_t int16_t int32_t int64_t
 *   FLOAT DOUBLE                    float double
 *   DECIMAL                         precision <= 4 int16_t, <= 9 int32_t, <= 18 int64_t, else ch_int128 (unscaled)
 *   STRING CHAR VARCHAR BINARY      ch_string
 *   DATE                            int32_t days
 *   TIMESTAMP TIMESTAMP_NTZ         int64_t microseconds
 *   INTERVAL_*                      ch_interval
 *   ARRAY                           ch_list; child[0] holds the elements of all rows
 *   MAP                             ch_list; child[0] is a STRUCT of key and value
 *   STRUCT VECTOR MATRIX            no data; child[i] is field i, row for row (VECTOR: type, size, indices, values)
 *   NULL                            int32_t, never read
 *
 * A value under a cleared validity bit is undefined.
 */
#ifndef CHERT_FRAME_COLUMN_H
#define CHERT_FRAME_COLUMN_H

#include "frame/type/type.h"

#include <stdint.h>
#include <string.h>

/* 16 bytes: strings up to 12 bytes are stored inside, longer ones by pointer (same as duckdb_string_t). */
typedef struct ch_string {
    union {
        struct {
            uint32_t len;
            char prefix[4];
            const char *ptr;
        } pointer;
        struct {
            uint32_t len;
            char inlined[12];
        } inlined;
    } value;
} ch_string;

typedef struct ch_list {
    uint64_t offset, length; /* into child[0] */
} ch_list;

typedef struct ch_interval {
    int32_t months, days;
    int64_t micros;
} ch_interval;

typedef struct ch_column {
    const ch_type *type;
    void *data;
    uint64_t *validity; /* one bit a row, set = valid; NULL = all rows valid */
    size_t rows;        /* rows of this column (for a list's child: elements in all) */
    size_t capacity;
    struct ch_column *child;
    size_t nchild;
    void *engine;  /* the engine's vector behind an output column, NULL for memory of our own */
    void *strings; /* own memory: where long strings live */
} ch_column;

typedef struct ch_batch {
    size_t rows, ncol;
    ch_column *cols;
} ch_batch;

static inline const char *ch_string_data(const ch_string *s)
{
    return s->value.inlined.len <= 12 ? s->value.inlined.inlined : s->value.pointer.ptr;
}

static inline size_t ch_string_len(const ch_string *s)
{
    return s->value.inlined.len;
}

static inline bool ch_column_valid(const ch_column *c, size_t row)
{
    return !c->validity || (c->validity[row >> 6] >> (row & 63) & 1);
}

/* Output side: works on columns of our own (ch_column_new) and on engine vectors alike.
 * set_null creates the validity mask when needed and nulls the fields of a struct too. */
void ch_column_set_null(ch_column *c, size_t row);
/* Copies the bytes. */
void ch_column_set_string(ch_column *c, size_t row, const char *bytes, size_t len);
/* Makes room for `elements` in a list's child and sets its row count; data pointers of the child may move. */
int ch_column_resize_list(ch_column *list, size_t elements, ch_error *err);

/* Leaves out the rows whose keep is 0; those kept move up, and c->rows becomes their number. What lists and strings
 * point to stays where it is. For a column of our own, or a view of one that nothing else looks at. */
void ch_column_keep(ch_column *c, const uint8_t *keep);

/* A column in memory of its own with room for `capacity` rows, all valid, zeroed. NULL only when out of memory.
 * `type` is borrowed and must outlive the column. */
ch_column *ch_column_new(const ch_type *type, size_t capacity);
void ch_column_free(ch_column *c);
/* Makes all rows of an own column valid again and forgets its long strings, so that it can be filled anew. */
void ch_column_clear(ch_column *c);

#endif
