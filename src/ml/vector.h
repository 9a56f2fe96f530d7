/* vector.h: VECTOR columns (the struct of type, size, indices, values) row by row: views for reading, a writer, and
 * batches of rows as matrices for the kernels. */
#ifndef CHERT_ML_VECTOR_H
#define CHERT_ML_VECTOR_H

#include "frame/type/column.h"
#include "math/matrix.h"

/* One row. Valid as long as the column is unchanged. */
typedef struct ch_vector {
    size_t size;          /* dimensions */
    size_t n;             /* values given: size when dense */
    const double *value;  /* (n) */
    const int32_t *index; /* (n) dimension of each value, NULL when dense */
} ch_vector;

/* Row `row` of a VECTOR column, which must not be NULL there (ch_column_valid). Sparse indices are checked to ascend
 * inside [0, size). err: CH_E_ILLEGAL_ARGUMENT. */
int ch_vector_at(const ch_column *column, size_t row, ch_vector *out, ch_error *err);

/* How many rows of a VECTOR column, from `row` to before `end`, are dense vectors of `cols` dimensions that lie one
 * behind the other: as one block from *values on. 0 when row `row` is none, whatever is the matter with it. */
size_t ch_vector_run(const ch_column *column, size_t row, size_t end, size_t cols, const double **values);

/* As toString of ml.linalg vectors prints it: [1.0,2.0] or (3,[1],[2.0]). */
void ch_vector_print(ch_buf *out, const ch_vector *v);

/* Writes the rows of a VECTOR output column in order from row 0. */
typedef struct ch_vector_writer {
    ch_column *column;
    size_t row;             /* next */
    size_t indices, values; /* elements used in the two lists */
    size_t index_room, value_room;
} ch_vector_writer;

/* `rows` x `width` elements are expected (a hint). */
int ch_vector_writer_init(ch_vector_writer *w, ch_column *column, size_t rows, size_t width, ch_error *err);
/* Appends a row and gives where its elements go; the pointers hold until the next call. */
int ch_vector_writer_dense(ch_vector_writer *w, size_t size, double **value, ch_error *err);
int ch_vector_writer_sparse(ch_vector_writer *w, size_t size, size_t n, int32_t **index, double **value, ch_error *err);
void ch_vector_writer_null(ch_vector_writer *w);
/* Sets the final sizes of the lists. */
int ch_vector_writer_finish(ch_vector_writer *w, ch_error *err);

/* All rows of a column as one matrix: dense if all rows are, else CSR. Memory of its own only where the column's cannot
 * be used as it is. Rows that are NULL become rows without values and are counted in `nulls`. */
typedef struct ch_vector_rows {
    ch_matrix m;
    size_t nulls;
    double *values;    /* owned */
    size_t *row_start; /* owned */
    int32_t *index;    /* owned */
} ch_vector_rows;

/* cols: the dimensions every row must have; rows of others: `*bad` (not NULL) is set to the number of dimensions of the
 * first such row and the call fails with a text about it; 0 = those of the first row that is not NULL. `type` may be
 * VECTOR or an array of doubles or floats. */
int ch_vector_rows_init(ch_vector_rows *rows, const ch_column *column, size_t nrow, size_t cols, size_t *bad,
                        ch_error *err);
void ch_vector_rows_reset(ch_vector_rows *rows);

#endif
