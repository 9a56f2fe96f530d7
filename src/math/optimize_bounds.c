/* optimize_bounds.c: L-BFGS between bounds, by two-metric projection: variables that lie on a bound and want beyond it
 * stand still, the others take a quasi-Newton step, and what leaves the box on the way is put back on its side.
 *
 * Sources: Bertsekas, "Projected Newton methods for optimization problems with simple constraints" (1982); Schmidt, Kim
 * and Sra, "Projected Newton-type methods in machine learning" (2011).
 */
#include "math/optimize.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_HALVINGS = 40 };

static const double ARMIJO = 1e-4;
/* The optimum is what is comparable with other methods, not the way there: converge well below what was asked for. */
static const double TIGHTER = 1e-3;

typedef struct box_minimizer {
    const ch_objective *f;
    const ch_minimize_options *options;
    const double *lower, *upper;
    double *x, *gradient, *direction, *trial, *trial_gradient, *alpha; /* (n), alpha (memory) */
    double *steps, *changes;                                           /* (memory, n): ring of differences */
    size_t pairs, newest;
    bool *held; /* (n) on a bound, and the gradient points outside */
    double value, trial_value;
    double *storage;
    ch_minimize_result *result;
} box_minimizer;

static double clamp(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

static double dot_free(const box_minimizer *b, const double *p, const double *q)
{
    double sum = 0;
    for (size_t i = 0; i < b->f->n; i++) sum += b->held[i] ? 0 : p[i] * q[i];
    return sum;
}

static int eval(box_minimizer *b, const double *x, double *value, double *gradient, ch_error *err)
{
    CH_TRY(ch_task_check(b->options->task, err));
    b->result->evaluations++;
    return b->f->eval(b->f->context, x, value, gradient, err);
}

/* Marks what is held; returns the largest gradient among the rest. */
static double hold(box_minimizer *b)
{
    double most = 0;
    for (size_t i = 0; i < b->f->n; i++) {
        const double g = b->gradient[i];
        b->held[i] = (b->x[i] <= b->lower[i] && g > 0) || (b->x[i] >= b->upper[i] && g < 0);
        if (!b->held[i] && fabs(g) > most) most = fabs(g);
    }
    return most;
}

/* direction = -H gradient over the free variables: the two-loop recursion (Nocedal and Wright, algorithm 7.4), in which
 * pairs without curvature among those variables take no part. */
static void find_direction(box_minimizer *b)
{
    const size_t n = b->f->n, memory = b->options->memory;
    double scale = 1;
    bool scaled = false;
    for (size_t i = 0; i < n; i++) b->direction[i] = b->held[i] ? 0 : -b->gradient[i];
    for (size_t k = 0; k < b->pairs; k++) {
        const size_t at = (b->newest + memory - k) % memory;
        const double *s = b->steps + at * n, *y = b->changes + at * n;
        const double sy = dot_free(b, s, y), yy = dot_free(b, y, y);
        b->alpha[at] = 0;
        if (!(sy > 1e-12 * yy)) continue;
        b->alpha[at] = dot_free(b, s, b->direction) / sy;
        for (size_t i = 0; i < n; i++) b->direction[i] -= b->held[i] ? 0 : b->alpha[at] * y[i];
        if (!scaled) scale = sy / yy;
        scaled = true;
    }
    for (size_t i = 0; i < n; i++) b->direction[i] *= scale;
    for (size_t k = b->pairs; k-- > 0;) {
        const size_t at = (b->newest + memory - k) % memory;
        const double *s = b->steps + at * n, *y = b->changes + at * n;
        const double sy = dot_free(b, s, y), yy = dot_free(b, y, y);
        if (!(sy > 1e-12 * yy)) continue;
        const double beta = dot_free(b, y, b->direction) / sy;
        for (size_t i = 0; i < n; i++) b->direction[i] += b->held[i] ? 0 : (b->alpha[at] - beta) * s[i];
    }
    if (dot_free(b, b->direction, b->gradient) < 0) return;
    b->pairs = 0; /* not downhill: start again from steepest descent */
    for (size_t i = 0; i < n; i++) b->direction[i] = b->held[i] ? 0 : -b->gradient[i];
}

/* The first step length of 1, 1/2, 1/4 ... that lowers the objective enough. *found: trial holds it. */
static int search(box_minimizer *b, bool *found, ch_error *err)
{
    double step = b->pairs ? 1 : 1 / fmax(1, sqrt(dot_free(b, b->gradient, b->gradient)));
    *found = false;
    for (int k = 0; k < STEP_HALVINGS && !*found; k++, step /= 2) {
        double slope = 0;
        for (size_t i = 0; i < b->f->n; i++) {
            b->trial[i] = clamp(b->x[i] + step * b->direction[i], b->lower[i], b->upper[i]);
            slope += b->gradient[i] * (b->trial[i] - b->x[i]);
        }
        if (slope >= 0) continue;
        CH_TRY(eval(b, b->trial, &b->trial_value, b->trial_gradient, err));
        *found = b->trial_value <= b->value + ARMIJO * slope;
    }
    return 0;
}

/* Takes the trial point over and remembers the difference. */
static void move(box_minimizer *b)
{
    const size_t n = b->f->n, memory = b->options->memory;
    b->newest = b->pairs ? (b->newest + 1) % memory : 0;
    double *s = b->steps + b->newest * n, *y = b->changes + b->newest * n;
    for (size_t i = 0; i < n; i++) {
        s[i] = b->trial[i] - b->x[i];
        y[i] = b->trial_gradient[i] - b->gradient[i];
    }
    if (b->pairs < memory) b->pairs++;
    memcpy(b->x, b->trial, n * sizeof *b->x);
    memcpy(b->gradient, b->trial_gradient, n * sizeof *b->gradient);
    b->value = b->trial_value;
}

static int iterate(box_minimizer *b, ch_error *err)
{
    const double tolerance = b->options->tolerance * TIGHTER;
    ch_minimize_result *r = b->result;
    int still = 0; /* iterations in a row that gained next to nothing */
    CH_TRY(eval(b, b->x, &b->value, b->gradient, err));
    r->history[r->nhistory++] = b->value;
    r->stop = CH_STOP_MAX_ITERATIONS;
    for (int k = 0; k < b->options->max_iter; k++) {
        const double before = b->value;
        bool found = false;
        if (hold(b) <= tolerance * fmax(1, fabs(b->value))) {
            r->stop = CH_STOP_GRADIENT_CONVERGED;
            return 0;
        }
        find_direction(b);
        CH_TRY(search(b, &found, err));
        if (!found && b->pairs) { /* once more along the gradient */
            b->pairs = 0;
            find_direction(b);
            CH_TRY(search(b, &found, err));
        }
        if (!found) {
            r->stop = CH_STOP_SEARCH_FAILED; /* no lower value within the precision of numbers */
            return 0;
        }
        move(b);
        r->history[r->nhistory++] = b->value;
        still = before - b->value <= tolerance * fabs(b->value) * TIGHTER ? still + 1 : 0;
        if (still == 3) {
            r->stop = CH_STOP_VALUES_CONVERGED;
            return 0;
        }
    }
    return 0;
}

int ch_minimize_bounded(const ch_objective *f, const ch_minimize_options *options, const double *lower,
                        const double *upper, double *x, ch_minimize_result *result, ch_error *err)
{
    const size_t n = f->n, memory = options->memory;
    box_minimizer b = {.f = f, .options = options, .lower = lower, .upper = upper, .x = x, .result = result};
    *result = (ch_minimize_result){0};
    result->history = calloc((size_t)options->max_iter + 2, sizeof *result->history);
    b.storage = calloc((4 + 2 * memory) * n + memory + 1, sizeof *b.storage);
    b.held = calloc(n + 1, sizeof *b.held);
    int status = result->history && b.storage && b.held ? 0 : ch_no_memory(err);
    if (!status) {
        b.gradient = b.storage;
        b.direction = b.gradient + n;
        b.trial = b.direction + n;
        b.trial_gradient = b.trial + n;
        b.steps = b.trial_gradient + n;
        b.changes = b.steps + memory * n;
        b.alpha = b.changes + memory * n;
        for (size_t i = 0; i < n; i++) x[i] = clamp(x[i], lower[i], upper[i]);
        status = iterate(&b, err);
    }
    free(b.storage);
    free(b.held);
    if (status) ch_minimize_result_reset(result);
    return status;
}
