/* nearest.h: the nearest of k centres for each row of a tile: the inner loop of everything around k-means.
 */
#ifndef CHERT_MATH_NEAREST_H
#define CHERT_MATH_NEAREST_H

#include "base/error.h"
#include "math/matrix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CH_NEAREST_TILE = 64 }; /* rows of a tile, at most */

/* Centres laid out for the search; owns its copies. */
typedef struct ch_nearest {
    size_t k, cols;
    bool cosine;
    double *centers;       /* (k, cols); normalised when cosine */
    double *transposed;    /* (cols, k) */
    double *square, *norm; /* (k) squared norms and norms of the centres as given */
} ch_nearest;

/* Copies centers (k, cols), k > 0. On failure there is nothing to reset. With `cosine` a centre of norm 0 is an error
 * ("Cosine distance is not defined for zero-length vectors."). */
int ch_nearest_init(ch_nearest *n, const double *centers, size_t k, size_t cols, bool cosine, ch_error *err);
void ch_nearest_reset(ch_nearest *n);

/* Doubles of scratch that ch_nearest_tile needs. */
size_t ch_nearest_scratch(const ch_nearest *n);

/* For rows [from, from + rows) of m, rows <= CH_NEAREST_TILE: best[i] is the lowest index among the nearest centres,
 * distance[i] its squared distance (or 1 - cos). Returns false when a row has norm 0 and distances are cosines. */
bool ch_nearest_tile(const ch_nearest *n, const ch_matrix *m, size_t from, size_t rows, double *scratch, int32_t *best,
                     double *distance);

/* Norm of one row. */
double ch_row_norm(const ch_matrix *m, size_t row);

/* Fills err with Spark's assertion on rows of norm 0 and returns its kind. */
int ch_zero_norm(ch_error *err);

#endif
