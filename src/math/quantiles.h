/* quantiles.h: quantiles of numbers in memory, with the very answers of Spark's. */
#ifndef CHERT_MATH_QUANTILES_H
#define CHERT_MATH_QUANTILES_H

#include <stdbool.h>
#include <stddef.h>

/* Sorts in ascending order with NaN last, as java.util.Arrays.sort does, in time linear in n. `scratch` has n places,
 * too. */
void ch_sort_doubles(double *values, double *scratch, size_t n);

/* The values approxQuantile and percentile_approx answer for the probabilities `probs` (each in [0, 1]) with relative
 * error `error` (0: exact ranks): the summary of Greenwald and Khanna, "Space-efficient Online Computation of Quantile
 * Summaries" (2001), with Spark's buffer of 50000 values, which it sorts before it compresses (QuantileSummaries). Up
 * to that many values the answer is Spark's for one partition; with more it is the exact one, which is within any
 * error. n > 0; `values` get sorted. False when memory runs out. */
bool ch_approx_quantiles(double *values, size_t n, double error, const double *probs, size_t np, double *out);

/* Spark's percentile(): linear interpolation between the two values around p (n - 1). n > 0; `values` get sorted.
 * False when memory runs out. */
bool ch_exact_percentiles(double *values, size_t n, const double *probs, size_t np, double *out);

#endif
