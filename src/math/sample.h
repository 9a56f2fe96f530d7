/* sample.h: drawing rows as Spark's RDD.takeSample does over one partition (org.apache.spark.rdd.RDD,
 * org.apache.spark.util.random.{RandomSampler, SamplingUtils}). Seeded estimators start from such rows.
 */
#ifndef CHERT_MATH_SAMPLE_H
#define CHERT_MATH_SAMPLE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RDD.takeSample(with_replacement, num, seed) over `rows` rows: *picked receives min(num, rows) row numbers (num with
 * replacement) in Spark's order, to be freed by the caller; *count how many. Errors: memory. */
int ch_take_sample(size_t rows, bool with_replacement, size_t num, int64_t seed, size_t **picked, size_t *count,
                   ch_error *err);

#endif
