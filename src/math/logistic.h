/* logistic.h: binomial and multinomial logistic regression with Spark's objective, start point and optimiser
 * (org.apache.spark.ml.classification.LogisticRegression and its block aggregators).
 *
 * With sigma_j the unbiased standard deviation of feature j and W the sum of the weights, minimises
 *     1/W sum_i w_i logloss(y_i, x_i) + lambda ((1 - alpha) / 2 |r|_2^2 + alpha |r|_1)
 * where r_j = beta_j sigma_j with `standardization`, else beta_j; intercepts are never penalised.
 */
#ifndef CHERT_MATH_LOGISTIC_H
#define CHERT_MATH_LOGISTIC_H

#include "base/error.h"
#include "base/task.h"
#include "math/comm.h"
#include "math/matrix.h"

#include <stdbool.h>
#include <stddef.h>

/* Auto: multinomial above two classes. */
typedef enum ch_logistic_family { CH_LOGISTIC_AUTO, CH_LOGISTIC_BINOMIAL, CH_LOGISTIC_MULTINOMIAL } ch_logistic_family;

typedef struct ch_logistic_params {
    size_t classes; /* from the label's metadata, or 0: max(label) + 1 */
    ch_logistic_family family;
    double reg_param;         /* lambda >= 0 */
    double elastic_net_param; /* alpha in [0, 1] */
    bool fit_intercept, standardization;
    int max_iter;
    double tol;
    /* Bounds as in Spark's lowerBoundsOnCoefficients...: (sets, features) row-major and (sets), each NULL when not
     * set. Only with elastic_net_param = 0. */
    const double *lower_coefficients, *upper_coefficients, *lower_intercepts, *upper_intercepts;
    ch_comm *comm; /* may be NULL */
    ch_task *task; /* may be NULL */
} ch_logistic_params;

typedef struct ch_logistic_model {
    size_t classes, features;
    bool multinomial;
    size_t sets;          /* coefficient sets: 1, or `classes` when multinomial */
    double *coefficients; /* (sets, features) row-major; owned */
    double *intercepts;   /* (sets); zeros without intercept; owned */
    double *history;      /* objectiveHistory; owned. totalIterations is nhistory - 1 */
    size_t nhistory;
} ch_logistic_model;

/* Spark's defaults: lambda 0, alpha 0, 100 iterations, tol 1e-6, intercept, standardization, family auto. */
ch_logistic_params ch_logistic_defaults(void);

/* Fits m (label required; labels are whole numbers >= 0 and features are not NaN: the caller has checked). `out` is
 * overwritten and owned by the caller, who resets it. A label that is constant gives zero coefficients and an infinite
 * intercept, as Spark does. Errors: no rows; a label >= classes; more than 2 classes with CH_LOGISTIC_BINOMIAL. */
int ch_logistic_fit(const ch_matrix *m, const ch_logistic_params *params, ch_logistic_model *out, ch_error *err);
void ch_logistic_model_reset(ch_logistic_model *model);

/* Width of raw and probability rows: 2 for a binomial model, else `classes`. */
size_t ch_logistic_width(const ch_logistic_model *model);

/* raw (rows, width) row-major for the rows of m: [-margin, margin] or the margins. One thread: callers batch. */
void ch_logistic_raw(const ch_logistic_model *model, const ch_matrix *m, double *raw);

/* probability (rows, width) from raw, which may be the same array (softmax; the logistic function when width is 2 and
 * the model binomial). */
void ch_logistic_probability(const ch_logistic_model *model, const double *raw, size_t rows, double *probability);

#endif
