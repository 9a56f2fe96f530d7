/* optimize.h: smooth (L-BFGS) and L1-penalised (OWL-QN) minimisation with the very iterates of Breeze 2.1, which Spark
 * trains its linear models with: the same line searches, convergence tests and restarts, so that coefficients,
 * objective histories and iteration counts agree.
 *
 * Sources: Liu and Nocedal, "On the limited memory BFGS method for large scale optimization" (1989); Nocedal and
 * Wright, "Numerical Optimization", chapter 3 (strong Wolfe line search); Andrew and Gao, "Scalable training of
 * L1-regularized log-linear models" (2007); breeze.optimize.{LBFGS, StrongWolfeLineSearch, OWLQN,
 * BacktrackingLineSearch, FirstOrderMinimizer}.
 */
#ifndef CHERT_MATH_OPTIMIZE_H
#define CHERT_MATH_OPTIMIZE_H

#include "base/error.h"
#include "base/task.h"

#include <stddef.h>

/* A differentiable function of n variables. `eval` writes *value and gradient[0..n) at x[0..n); it may fail. */
typedef struct ch_objective {
    size_t n;
    int (*eval)(void *context, const double *x, double *value, double *gradient, ch_error *err);
    void *context;
} ch_objective;

typedef struct ch_minimize_options {
    int max_iter;     /* >= 0; iterations after the start point */
    double tolerance; /* relative; Spark's `tol` */
    size_t memory;    /* correction pairs kept, > 0; Spark uses 10 */
    const double *l1; /* (n) weight of |x_i|, all >= 0: OWL-QN. NULL: L-BFGS */
    ch_task *task;    /* cancel and progress; may be NULL */
} ch_minimize_options;

/* Why an iteration stopped (breeze's ConvergenceReason). */
typedef enum ch_minimize_stop {
    CH_STOP_MAX_ITERATIONS,
    CH_STOP_VALUES_CONVERGED,
    CH_STOP_GRADIENT_CONVERGED,
    CH_STOP_SEARCH_FAILED
} ch_minimize_stop;

typedef struct ch_minimize_result {
    double *history;  /* objective (penalty included) at the start and after each iteration; owned */
    size_t nhistory;  /* iterations + 1 */
    long evaluations; /* calls of eval */
    ch_minimize_stop stop;
} ch_minimize_result;

/* Minimises f from x[0..f->n), which receives the last iterate. On failure x is unspecified and result empty. */
int ch_minimize(const ch_objective *f, const ch_minimize_options *options, double *x, ch_minimize_result *result,
                ch_error *err);
/* The same between bounds (optimize_bounds.c): lower[i] <= x[i] <= upper[i], which may be infinite; options without l1.
 * Breeze's L-BFGS-B goes another way: what agrees with it is the optimum, not the iterates. */
int ch_minimize_bounded(const ch_objective *f, const ch_minimize_options *options, const double *lower,
                        const double *upper, double *x, ch_minimize_result *result, ch_error *err);
void ch_minimize_result_reset(ch_minimize_result *result);

#endif
