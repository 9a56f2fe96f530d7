/* kmeans_init.h: start centres of k-means, for kmeans.c alone. */
#ifndef CHERT_MATH_KMEANS_INIT_H
#define CHERT_MATH_KMEANS_INIT_H

#include "math/kmeans.h"

/* Distinct start centres by params->random_init or k-means||, at least 1 and at most params->k: *centers (*count, cols)
 * is owned by the caller. m has at least one row. */
int ch_kmeans_init(const ch_matrix *m, const ch_kmeans_params *params, double **centers, size_t *count, ch_error *err);

#endif
