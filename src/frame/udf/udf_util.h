/* udf_util.h: what the C functions of the engine (udf_*.c) share: registering them from tables, and reading and writing
 * the engine's vectors. Vectors come flat: a value a row, one validity bit a row. */
#ifndef CHERT_FRAME_UDF_UTIL_H
#define CHERT_FRAME_UDF_UTIL_H

#include "frame/engine/engine.h"
#include "frame/type/column.h"
#include "frame/type/timezone.h"

enum {
    CH_UDF_NULLS = 1,   /* wants to see NULL arguments */
    CH_UDF_VOLATILE = 2 /* gives another value each time it is called */
};

/* A function. `types` is a letter an argument, '>', a letter for the result: b BOOLEAN, y TINYINT, h SMALLINT, i
 * INTEGER, l BIGINT, g HUGEINT, f FLOAT, d DOUBLE, s VARCHAR, x BLOB, D DATE, T TIMESTAMP, Z TIMESTAMPTZ, I INTERVAL, A
 * any type, m DECIMAL(38, scale), v the struct of vectors; '[' before a letter makes a list of it, '*' behind the last
 * argument lets it repeat. Rows that follow each other with one name are overloads. */
typedef struct ch_udf {
    const char *name;
    const char *types;
    duckdb_scalar_function_t fn;
    unsigned flags;
    const void *extra; /* what ch_udf_extra gives; static */
    int scale;
    duckdb_scalar_function_bind_t bind;
} ch_udf;

int ch_udf_register(duckdb_connection con, const ch_udf *rows, size_t n, ch_error *err);

static inline const void *ch_udf_extra(duckdb_function_info info)
{
    return duckdb_scalar_function_get_extra_info(info);
}

static inline bool ch_bit(const uint64_t *mask, idx_t row)
{
    return !mask || (mask[row >> 6] >> (row & 63) & 1);
}

static inline const void *ch_arg(duckdb_data_chunk in, idx_t index)
{
    return duckdb_vector_get_data(duckdb_data_chunk_get_vector(in, index));
}

static inline const uint64_t *ch_arg_mask(duckdb_data_chunk in, idx_t index)
{
    return duckdb_vector_get_validity(duckdb_data_chunk_get_vector(in, index));
}

/* Gives the result NULL wherever an argument is. The mask of rows to compute, NULL when that is all of them. */
const uint64_t *ch_udf_mask(duckdb_data_chunk in, duckdb_vector out);
void ch_udf_null(duckdb_vector out, idx_t row);
/* The frame of a function that computes a value for each row without NULLs; the row is i. */
#define CH_EACH_ROW(in, out)                                                                                           \
    const uint64_t *mask = ch_udf_mask(in, out);                                                                       \
    idx_t rows = duckdb_data_chunk_get_size(in);                                                                       \
    for (idx_t i = 0; i < rows; i++)                                                                                   \
        if (ch_bit(mask, i))

#define CH_TEXT(s) ch_string_data(&(s)[i]), ch_string_len(&(s)[i])

/* Stores well-formed UTF-8. */
static inline void ch_udf_string(duckdb_vector out, idx_t row, const char *bytes, size_t len)
{
    duckdb_unsafe_vector_assign_string_element_len(out, row, bytes, (idx_t)len);
}

/* The zone named by the constant argument `index`; raises and gives NULL when there is none. */
const ch_timezone *ch_udf_zone(duckdb_function_info info, duckdb_data_chunk in, idx_t index);

/* The value 'abc' as Spark's messages show it. Cut to what a message can hold. */
void ch_udf_quote(ch_buf *out, const char *bytes, size_t len);
/* Raises CAST_INVALID_INPUT for a string. kind 0: the usual one. */
void ch_udf_bad_cast(duckdb_function_info info, const char *bytes, size_t len, const char *type, ch_errkind kind);

/* bind for functions whose argument `index` (in extra: 1) is the JSON of a Spark type: parses it once. */
void ch_udf_bind_type(duckdb_bind_info info);
const ch_type *ch_udf_bound_type(duckdb_function_info info);

/* The unscaled value of a decimal vector's row, whatever its width; scale and precision from the vector's type. */
typedef struct ch_decimal_in {
    const void *data;
    int size, precision, scale; /* size in bytes: 2, 4, 8, 16 */
} ch_decimal_in;
/* False when the vector is no decimal and no integer. Integers count as decimals of scale 0. */
bool ch_decimal_open(duckdb_vector v, ch_decimal_in *out);
static inline ch_int128 ch_decimal_get(const ch_decimal_in *d, idx_t row)
{
    switch (d->size) {
    case 1: return ((const int8_t *)d->data)[row];
    case 2: return ((const int16_t *)d->data)[row];
    case 4: return ((const int32_t *)d->data)[row];
    case 8: return ((const int64_t *)d->data)[row];
    default: return ((const ch_int128 *)d->data)[row];
    }
}

/* 10^n, 0 <= n <= 38 */
ch_int128 ch_pow10(int n);

#endif
