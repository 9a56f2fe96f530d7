/* logistic_loss.h: the objective of logistic regression in the scaled space, for logistic.c alone.
 *
 * A parameter vector x has `sets` values for each feature, then `sets` intercepts (when fit_intercept): the weight of
 * feature j in class k is x[j * sets + k] per standard deviation of the feature, Spark's own layout. Features are
 * scaled, and with `centred` shifted to mean 0, by arithmetic on x alone: the data stays as it is.
 */
#ifndef CHERT_MATH_LOGISTIC_LOSS_H
#define CHERT_MATH_LOGISTIC_LOSS_H

#include "base/error.h"
#include "base/task.h"
#include "math/comm.h"
#include "math/matrix.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct ch_logistic_loss {
    /* Set by the caller; arrays are borrowed. */
    const ch_matrix *m;
    size_t sets; /* 1, or the number of classes when multinomial */
    bool multinomial, fit_intercept, centred;
    const double *inverse_std; /* (cols), 0 where the standard deviation is 0 */
    const double *scaled_mean; /* (cols) mean * inverse_std */
    double weight_sum;         /* over all workers */
    double l2;                 /* penalty l2 / 2 sum of x^2 over the features */
    bool l2_unscaled;          /* ... of (x / std)^2 instead; not for features of standard deviation 0 */
    ch_comm *comm;
    ch_task *task;

    /* Working memory. */
    int threads;
    size_t parts, tile;      /* row ranges summed on their own; rows looked at together */
    size_t part_size;        /* doubles of one part's sums: gradient (cols, sets), multipliers (sets), loss */
    double *partial;         /* (parts, part_size) */
    double *scaled, *offset; /* (cols, sets) x / std; (sets) margin of a row of zeros */
    double *scratch;         /* (threads, scratch_size) */
    size_t scratch_size;
} ch_logistic_loss;

/* Allocates the working memory. On failure there is nothing to reset. */
int ch_logistic_loss_init(ch_logistic_loss *loss, ch_error *err);
void ch_logistic_loss_reset(ch_logistic_loss *loss);

/* Number of parameters. */
size_t ch_logistic_loss_size(const ch_logistic_loss *loss);

/* A ch_objective's eval; context is a ch_logistic_loss. */
int ch_logistic_loss_eval(void *context, const double *x, double *value, double *gradient, ch_error *err);

#endif
