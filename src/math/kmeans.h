/* kmeans.h: k-means as org.apache.spark.mllib.clustering.KMeans runs it on one partition: k-means|| (Bahmani et al.,
 * "Scalable k-means++", 2012) or random start with Spark's random streams, then Lloyd's algorithm.
 */
#ifndef CHERT_MATH_KMEANS_H
#define CHERT_MATH_KMEANS_H

#include "base/error.h"
#include "base/task.h"
#include "math/comm.h"
#include "math/matrix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ch_kmeans_params {
    size_t k;         /* > 1 in Spark's params; fewer clusters come out when there are fewer distinct points */
    int max_iter;     /* >= 0 */
    double tol;       /* a centre that moves no more has converged */
    bool cosine;      /* distance 1 - cos on normalised rows, else squared euclidean */
    bool random_init; /* k distinct rows, else k-means|| */
    int init_steps;   /* of k-means||, > 0 */
    int64_t seed;
    const double *initial; /* (k, cols) start centres instead of either, or NULL */
    ch_comm *comm;         /* may be NULL; start centres are then those of rank 0's rows */
    ch_task *task;         /* may be NULL */
} ch_kmeans_params;

typedef struct ch_kmeans_model {
    size_t k, cols; /* k here: clusters found */
    bool cosine;
    double *centers;            /* (k, cols) row-major; owned */
    double cost;                /* trainingCost: weighted distances of the last pass */
    int iterations;             /* numIter */
    struct ch_nearest *nearest; /* the centres as ch_kmeans_predict wants them; owned */
} ch_kmeans_model;

/* Spark's defaults: k 2, 20 iterations, tol 1e-4, euclidean, k-means|| with 2 steps; seed 0. */
ch_kmeans_params ch_kmeans_defaults(void);

/* Fits m (weights honoured). `out` is overwritten and owned by the caller, who resets it. Errors: no rows; with
 * `cosine` a row of norm 0 ("Cosine distance is not defined for zero-length vectors."). */
int ch_kmeans_fit(const ch_matrix *m, const ch_kmeans_params *params, ch_kmeans_model *out, ch_error *err);
void ch_kmeans_model_reset(ch_kmeans_model *model);

/* A model from stored centres (copied). */
int ch_kmeans_model_init(ch_kmeans_model *out, const double *centers, size_t k, size_t cols, bool cosine,
                         ch_error *err);

/* Nearest centre of each row of m, the lowest index among equals; distance (rows) is NULL or receives the cost of the
 * row: squared distance, or 1 - cos. One thread: callers batch. */
int ch_kmeans_predict(const ch_kmeans_model *model, const ch_matrix *m, int32_t *cluster, double *distance,
                      ch_error *err);

#endif
