/* matrix.h: training data as kernels see it: one contiguous matrix of doubles, row-major or compressed sparse rows.
 *
 * A ch_matrix is a view and owns nothing; whoever built the data (ml/ingest) keeps it alive and unchanged while a
 * kernel runs, and may have put it in a file-backed mapping. Kernels walk it in row blocks of CH_BLOCK_ROWS in parallel
 * and combine the blocks' partial sums in block order, so the result has the same bits whatever the number of threads.
 */
#ifndef CHERT_MATH_MATRIX_H
#define CHERT_MATH_MATRIX_H

#include <stddef.h>
#include <stdint.h>

enum { CH_BLOCK_ROWS = 4096 };

typedef struct ch_matrix {
    size_t rows, cols;
    const double *dense;     /* (rows, cols) row-major; NULL when the matrix is sparse */
    const size_t *row_start; /* (rows + 1) offsets into index and value; only when dense is NULL */
    const int32_t *index;    /* column of each stored value, ascending within a row, 0 <= index < cols */
    const double *value;
    const double *label;  /* (rows) or NULL */
    const double *weight; /* (rows), all >= 0, or NULL: every weight is 1 */
} ch_matrix;

static inline double ch_matrix_weight(const ch_matrix *m, size_t row)
{
    return m->weight ? m->weight[row] : 1.0;
}

/* Number of row blocks a kernel walks. */
static inline size_t ch_matrix_blocks(const ch_matrix *m)
{
    return (m->rows + CH_BLOCK_ROWS - 1) / CH_BLOCK_ROWS;
}

#endif
