/* metrics.h: quality of predictions, as org.apache.spark.mllib.evaluation and ml.evaluation.ClusteringEvaluator define
 * them. Each kind is an accumulator: new, add batches, finish (where needed), ask, free. An accumulator keeps only what
 * its metrics need: the binary one score, label and weight of each row, the others sums.
 *
 * Arrays of a batch are parallel; `weight` may be NULL (all 1). Accumulators are not thread safe.
 */
#ifndef CHERT_MATH_METRICS_H
#define CHERT_MATH_METRICS_H

#include "base/error.h"
#include "base/task.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- binary classification: mllib.evaluation.BinaryClassificationMetrics over one partition ---- */

typedef struct ch_binary_metrics ch_binary_metrics;

typedef enum ch_binary_curve {
    CH_CURVE_ROC,       /* (false positive rate, recall), (0,0) first and (1,1) last */
    CH_CURVE_PR,        /* (recall, precision), (0, first precision) first */
    CH_CURVE_PRECISION, /* (threshold, precision), thresholds descending */
    CH_CURVE_RECALL,    /* (threshold, recall) */
    CH_CURVE_F_MEASURE  /* (threshold, f-measure) */
} ch_binary_curve;

ch_binary_metrics *ch_binary_metrics_new(void); /* NULL on no memory */
/* A label > 0.5 is positive. */
int ch_binary_metrics_add(ch_binary_metrics *b, const double *score, const double *label, const double *weight,
                          size_t n, ch_error *err);
/* Sorts; num_bins > 0 merges neighbouring thresholds as Spark does (0: all kept). Ask nothing before it. */
int ch_binary_metrics_finish(ch_binary_metrics *b, int num_bins, ch_task *task, ch_error *err);
double ch_binary_metrics_area(const ch_binary_metrics *b, ch_binary_curve curve);   /* trapezoid; ROC or PR */
size_t ch_binary_metrics_points(const ch_binary_metrics *b, ch_binary_curve curve); /* points of a curve */
/* Fills x and y (points); beta is used by CH_CURVE_F_MEASURE only. */
void ch_binary_metrics_curve(const ch_binary_metrics *b, ch_binary_curve curve, double beta, double *x, double *y);
void ch_binary_metrics_free(ch_binary_metrics *b);

/* ---- multiclass: mllib.evaluation.MulticlassMetrics ---- */

typedef struct ch_multiclass_metrics ch_multiclass_metrics;

typedef enum ch_multiclass_metric {
    CH_MULTI_ACCURACY,
    CH_MULTI_WEIGHTED_PRECISION,
    CH_MULTI_WEIGHTED_RECALL,
    CH_MULTI_WEIGHTED_F,
    CH_MULTI_WEIGHTED_TPR,
    CH_MULTI_WEIGHTED_FPR,
    CH_MULTI_HAMMING_LOSS,
    CH_MULTI_LOG_LOSS /* needs probabilities in every batch */
} ch_multiclass_metric;

typedef enum ch_label_metric {
    CH_LABEL_PRECISION,
    CH_LABEL_RECALL,
    CH_LABEL_F,
    CH_LABEL_TPR,
    CH_LABEL_FPR
} ch_label_metric;

/* eps: probabilities are clipped to [eps, 1 - eps] for the log loss (Spark's default 1e-15). NULL on no memory. */
ch_multiclass_metrics *ch_multiclass_metrics_new(double eps);
/* probability is NULL or (n, classes) row-major; a label that is no class of it is an error. */
int ch_multiclass_metrics_add(ch_multiclass_metrics *m, const double *prediction, const double *label,
                              const double *weight, const double *probability, size_t classes, size_t n, ch_error *err);
double ch_multiclass_metrics_get(const ch_multiclass_metrics *m, ch_multiclass_metric metric, double beta);
/* The labels seen (not predictions only), ascending; *labels stays valid until the next add. */
size_t ch_multiclass_metrics_labels(ch_multiclass_metrics *m, const double **labels);
/* Of one class, into *value. A label never seen is Spark's NoSuchElementException ("key not found: 3.0"). */
int ch_multiclass_metrics_by_label(const ch_multiclass_metrics *m, ch_label_metric metric, double label, double beta,
                                   double *value, ch_error *err);
/* Sum of weights with this label and this prediction. */
double ch_multiclass_metrics_confusion(const ch_multiclass_metrics *m, double label, double prediction);
void ch_multiclass_metrics_free(ch_multiclass_metrics *m);

/* ---- regression: mllib.evaluation.RegressionMetrics ---- */

typedef struct ch_regression_metrics ch_regression_metrics;

typedef enum ch_regression_metric {
    CH_REGRESSION_RMSE,
    CH_REGRESSION_MSE,
    CH_REGRESSION_R2,
    CH_REGRESSION_MAE,
    CH_REGRESSION_VAR /* explained variance */
} ch_regression_metric;

ch_regression_metrics *ch_regression_metrics_new(bool through_origin); /* NULL on no memory */
void ch_regression_metrics_add(ch_regression_metrics *r, const double *prediction, const double *label,
                               const double *weight, size_t n);
/* Errors: no rows of positive weight; memory. */
int ch_regression_metrics_get(const ch_regression_metrics *r, ch_regression_metric metric, double *value,
                              ch_error *err);
void ch_regression_metrics_free(ch_regression_metrics *r);

/* ---- silhouette: ml.evaluation.ClusteringEvaluator ---- */

/* Two passes over the same rows: first every batch through _collect, then every batch through _score. */
typedef struct ch_silhouette ch_silhouette;

ch_silhouette *ch_silhouette_new(size_t cols, bool cosine); /* NULL on no memory */
/* rows is (n, cols) row-major; cluster holds each row's prediction (any double value: it is a name). */
int ch_silhouette_collect(ch_silhouette *s, const double *rows, const double *cluster, const double *weight, size_t n,
                          ch_error *err);
int ch_silhouette_score(ch_silhouette *s, const double *rows, const double *cluster, const double *weight, size_t n,
                        ch_error *err);
/* Mean silhouette; fewer than 2 clusters is an error, as in Spark. */
int ch_silhouette_get(const ch_silhouette *s, double *value, ch_error *err);
void ch_silhouette_free(ch_silhouette *s);

#endif
