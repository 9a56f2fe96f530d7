/* evaluator.h: what the evaluators share: reading columns of numbers, vectors and weights in batches. */
#ifndef CHERT_ML_EVALUATOR_H
#define CHERT_ML_EVALUATOR_H

#include "ml/stage.h"
#include "ml/vector.h"

/* A batch of an evaluation: columns as the evaluator added them, then the weights. */
typedef struct ch_eval_batch {
    size_t rows;
    const ch_column *cols;
    const double *weight; /* NULL: all 1 */
} ch_eval_batch;

/* Checks labelCol (if `label`) and weightCol as numeric columns. */
int ch_evaluator_schema(const ch_evaluation *call, bool label, ch_error *err);

/* Reads the columns (names with the types they are cast to, NULL: as they are), none of which may hold NULLs, and
 * weightCol if it is set, whose values are checked. */
int ch_evaluator_scan(const ch_evaluation *call, size_t n, const char *const *names, const ch_type *const *types,
                      int (*take)(void *context, const ch_eval_batch *batch, ch_error *err), void *context,
                      ch_error *err);

/* Vectors of a column as dense rows: calls `take` with blocks of them in order; `first` is the block's first row. */
int ch_dense_blocks(const ch_column *column, size_t rows, size_t cols,
                    int (*take)(void *context, const double *block, size_t first, size_t n, ch_error *err),
                    void *context, ch_error *err);

#endif
