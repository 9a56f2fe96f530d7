/* optimize.c: L-BFGS and OWL-QN with Breeze's iterates; see optimize.h for the sources.
 *
 * Where Breeze throws a FirstOrderException (a line search without success, a history that is not positive definite,
 * a step too small), a function here says so through `*failed`; the loop then drops the history and tries once more
 * from steepest descent, as Breeze does. Errors of the objective itself are ordinary ch_errors and end everything.
 */
#include "math/optimize.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    VALUE_WINDOW = 20,     /* objective values that the convergence test looks back on */
    WOLFE_ITERATIONS = 10, /* of the strong Wolfe search, and of its zoom */
    BACKTRACK_ITERATIONS = 20
};

/* A point, its objective and its gradient; "full" ones include the L1 penalty, smooth ones do not. */
typedef struct point {
    double *x, *gradient, *full_gradient; /* (n) */
    double value, full_value;
} point;

typedef struct minimizer {
    const ch_objective *f;
    const ch_minimize_options *options;
    size_t n;
    point now;         /* the state of the iteration */
    point trial;       /* the last point a line search looked at */
    double trial_step; /* and its distance from `now` in units of `direction`; NaN when there is none */
    double *direction; /* (n) */
    int iteration;
    double first_value;

    double *steps, *changes; /* (memory, n): ring of x and gradient differences */
    double *alpha, *rho;     /* (memory) scratch of the two-loop recursion */
    size_t pairs, newest;

    double window[VALUE_WINDOW];
    size_t window_length;
    double *storage;

    ch_minimize_result *result;
    size_t history_capacity;
} minimizer;

/* ---- vectors ---- */

static double dot(const double *a, const double *b, size_t n)
{
    double sum[4] = {0}; /* four chains, so that the additions need not wait for each other */
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (size_t k = 0; k < 4; k++) sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++) sum[0] += a[i] * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double norm(const double *a, size_t n)
{
    return sqrt(dot(a, a, n));
}

static void axpy(double a, const double *x, double *y, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] += a * x[i];
}

static double sign(double v)
{
    return v > 0 ? 1 : v < 0 ? -1 : v;
}

/* ---- the objective ---- */

/* Adds the L1 penalty to the point's value and gives the pseudo-gradient (Andrew and Gao, equation 4). */
static void add_penalty(const minimizer *m, point *p)
{
    p->full_value = p->value;
    const double *l1 = m->options->l1;
    if (!l1) {
        memcpy(p->full_gradient, p->gradient, m->n * sizeof *p->gradient);
        return;
    }
    for (size_t i = 0; i < m->n; i++) {
        double g = p->gradient[i];
        if (l1[i] != 0) {
            p->full_value += fabs(l1[i] * p->x[i]);
            if (p->x[i] != 0)
                g += sign(p->x[i]) * l1[i];
            else
                g = g - l1[i] > 0 ? g - l1[i] : g + l1[i] < 0 ? g + l1[i] : 0.0;
        }
        p->full_gradient[i] = g;
    }
}

static int evaluate(minimizer *m, point *p, ch_error *err)
{
    CH_TRY(ch_task_check(m->options->task, err));
    m->result->evaluations++;
    CH_TRY(m->f->eval(m->f->context, p->x, &p->value, p->gradient, err));
    add_penalty(m, p);
    return 0;
}

/* trial = now + step * direction; with L1, components that would leave the orthant of `now` stop at 0. */
static void place_trial(minimizer *m, double step)
{
    const point *now = &m->now;
    for (size_t i = 0; i < m->n; i++) {
        double v = m->direction[i] * step + now->x[i];
        if (m->options->l1) {
            double orthant = now->x[i] != 0 ? sign(now->x[i]) : sign(-now->full_gradient[i]);
            if (sign(v) != orthant) v *= 0;
        }
        m->trial.x[i] = v;
    }
    m->trial_step = step;
}

static int try_step(minimizer *m, double step, ch_error *err)
{
    if (m->trial_step == step) return 0;
    place_trial(m, step);
    int status = evaluate(m, &m->trial, err);
    if (status) m->trial_step = NAN;
    return status;
}

/* ---- line searches ---- */

/* The objective along the search direction: distance, value, slope. */
typedef struct sample {
    double t, value, slope;
} sample;

/* Smooth objective, for the strong Wolfe search. */
static int sample_at(minimizer *m, double t, sample *out, ch_error *err)
{
    CH_TRY(try_step(m, t, err));
    *out = (sample){t, m->trial.value, dot(m->trial.gradient, m->direction, m->n)};
    return 0;
}

/* Minimum of the cubic through both samples, kept away from the ends of the interval (Nocedal and Wright, p. 59). */
static double interpolate(sample left, sample right)
{
    double d1 = left.slope + right.slope - 3 * (left.value - right.value) / (left.t - right.t);
    double d2 = sqrt(d1 * d1 - left.slope * right.slope);
    double width = right.t - left.t;
    double t = right.t - width * (right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2);
    double low = left.t + 0.1 * (right.t - left.t), high = left.t + 0.9 * (right.t - left.t);
    return t < low ? low : t > high ? high : t;
}

static const double WOLFE_DECREASE = 1e-4, WOLFE_CURVATURE = 0.9;

/* Narrows [low, high], which holds a point that satisfies the strong Wolfe conditions (Nocedal and Wright, 3.6). */
static int zoom(minimizer *m, sample start, sample low, sample high, double *step, bool *failed, ch_error *err)
{
    for (int i = 0; i < WOLFE_ITERATIONS; i++) {
        double t = low.t > high.t ? interpolate(high, low) : interpolate(low, high);
        if (isnan(t)) break;
        sample c;
        CH_TRY(sample_at(m, t, &c, err));
        if (c.value > start.value + WOLFE_DECREASE * c.t * start.slope || c.value >= low.value) {
            high = c;
            continue;
        }
        if (fabs(c.slope) <= WOLFE_CURVATURE * fabs(start.slope)) {
            *step = c.t;
            return 0;
        }
        if (c.slope * (high.t - low.t) >= 0) high = low;
        low = c;
    }
    *failed = true;
    return 0;
}

/* A step from `now` along `direction` that satisfies the strong Wolfe conditions (Nocedal and Wright, 3.5). */
static int strong_wolfe(minimizer *m, double first_step, double *step, bool *failed, ch_error *err)
{
    const sample start = {0, m->now.value, dot(m->now.gradient, m->direction, m->n)};
    if (start.slope > 0) {
        *failed = true;
        return 0;
    }
    sample low = start;
    double t = first_step;
    for (int i = 0; i < WOLFE_ITERATIONS; i++) {
        sample c;
        CH_TRY(sample_at(m, t, &c, err));
        if (!isfinite(c.value)) { /* outside the domain: come closer */
            t /= 2;
            continue;
        }
        if (c.value > start.value + WOLFE_DECREASE * t * start.slope || (c.value >= low.value && i > 0))
            return zoom(m, start, low, c, step, failed, err);
        if (fabs(c.slope) <= WOLFE_CURVATURE * fabs(start.slope)) {
            *step = t;
            return 0;
        }
        if (c.slope >= 0) return zoom(m, start, c, low, step, failed, err);
        low = c;
        t *= 1.5;
    }
    *failed = true;
    return 0;
}

/* Breeze's backtracking search for OWL-QN: shrinks and grows until the strong Wolfe conditions hold. Its first test
 * compares the smooth value at `now`, not the value at the first step: a quirk, kept for equal iterates. */
static int backtrack(minimizer *m, double first_step, double shrink, double *step, bool *failed, ch_error *err)
{
    const double slope = dot(m->now.full_gradient, m->direction, m->n);
    double t = first_step, value = m->now.value;
    CH_TRY(try_step(m, t, err));
    double trial_slope = dot(m->trial.full_gradient, m->direction, m->n);
    for (int i = 0;; i++) {
        double factor;
        if (value > m->now.full_value + t * slope * WOLFE_DECREASE)
            factor = shrink;
        else if (trial_slope < WOLFE_CURVATURE * slope)
            factor = 2.1;
        else if (trial_slope > -WOLFE_CURVATURE * slope)
            factor = shrink;
        else
            break;
        double next = t * factor;
        if (next < 1e-10 || next > 1e10) {
            *failed = true;
            return 0;
        }
        if (i + 1 >= BACKTRACK_ITERATIONS) break; /* the step before the last one tried is taken */
        t = next;
        CH_TRY(try_step(m, t, err));
        value = m->trial.full_value;
        trial_slope = dot(m->trial.full_gradient, m->direction, m->n);
    }
    *step = t;
    return 0;
}

static int find_step(minimizer *m, double *step, bool *failed, ch_error *err)
{
    if (m->options->l1) {
        bool first = m->iteration < 1;
        return backtrack(m, first ? 0.5 / norm(m->now.gradient, m->n) : 1.0, first ? 0.1 : 0.5, step, failed, err);
    }
    CH_TRY(strong_wolfe(m, m->iteration == 0 ? 1.0 / norm(m->direction, m->n) : 1.0, step, failed, err));
    if (!*failed && *step * norm(m->now.gradient, m->n) < 1e-10) *failed = true;
    return 0;
}

/* ---- direction and history ---- */

static double *pair_row(double *ring, const minimizer *m, size_t age)
{
    size_t memory = m->options->memory;
    return ring + (m->newest + memory - age) % memory * m->n;
}

/* direction = -H g by the two-loop recursion (Nocedal and Wright, algorithm 7.4). */
static void choose_direction(minimizer *m, bool *failed)
{
    const size_t n = m->n;
    double *d = m->direction;
    memcpy(d, m->now.full_gradient, n * sizeof *d);
    double scale = 1;
    if (m->pairs > 0) {
        const double *s = pair_row(m->steps, m, 0), *y = pair_row(m->changes, m, 0);
        double sy = dot(s, y, n);
        if (sy < 0 || isnan(sy)) goto no_direction;
        scale = sy / dot(y, y, n);
    }
    for (size_t i = 0; i < m->pairs; i++) {
        const double *s = pair_row(m->steps, m, i), *y = pair_row(m->changes, m, i);
        m->rho[i] = dot(s, y, n);
        m->alpha[i] = dot(s, d, n) / m->rho[i];
        if (isnan(m->alpha[i])) goto no_direction;
        axpy(-m->alpha[i], y, d, n);
    }
    for (size_t i = 0; i < n; i++) d[i] *= scale;
    for (size_t i = m->pairs; i-- > 0;) {
        const double *s = pair_row(m->steps, m, i), *y = pair_row(m->changes, m, i);
        axpy(m->alpha[i] - dot(y, d, n) / m->rho[i], s, d, n);
    }
    for (size_t i = 0; i < n; i++) {
        d[i] = -d[i];
        /* OWL-QN: components that do not descend along the pseudo-gradient are dropped. */
        if (m->options->l1 && !(d[i] * m->now.full_gradient[i] < 0)) d[i] = 0;
    }
    return;
no_direction:
    *failed = true;
}

/* Moves on to the trial point and remembers the pair of differences. */
static void accept_trial(minimizer *m)
{
    const size_t n = m->n;
    m->newest = (m->newest + 1) % m->options->memory;
    if (m->pairs < m->options->memory) m->pairs++;
    double *s = pair_row(m->steps, m, 0), *y = pair_row(m->changes, m, 0);
    for (size_t i = 0; i < n; i++) {
        s[i] = m->trial.x[i] - m->now.x[i];
        y[i] = m->trial.gradient[i] - m->now.gradient[i];
    }
    point old = m->now;
    m->now = m->trial;
    m->trial = old;
    m->trial_step = NAN;
    m->iteration++;
    if (m->window_length == VALUE_WINDOW) {
        memmove(m->window, m->window + 1, (VALUE_WINDOW - 1) * sizeof *m->window);
        m->window_length--;
    }
    m->window[m->window_length++] = m->now.full_value;
}

/* One iteration; *failed when no step was found. */
static int advance(minimizer *m, bool *failed, ch_error *err)
{
    double step = 0;
    m->trial_step = NAN;
    choose_direction(m, failed);
    if (*failed) return 0;
    CH_TRY(find_step(m, &step, failed, err));
    if (*failed) return 0;
    CH_TRY(try_step(m, step, err));
    accept_trial(m);
    return 0;
}

/* ---- the loop ---- */

static bool converged(const minimizer *m, ch_minimize_stop *why)
{
    const ch_minimize_options *o = m->options;
    if (m->iteration >= o->max_iter) {
        *why = CH_STOP_MAX_ITERATIONS;
        return true;
    }
    double most = -INFINITY;
    for (size_t i = 0; i < m->window_length; i++) most = fmax(most, m->window[i]);
    if (m->window_length >= 2 && fabs(m->now.full_value - most) <= o->tolerance * fabs(m->first_value)) {
        *why = CH_STOP_VALUES_CONVERGED;
        return true;
    }
    if (norm(m->now.full_gradient, m->n) <= fmax(o->tolerance * fabs(m->now.full_value), 1e-8)) {
        *why = CH_STOP_GRADIENT_CONVERGED;
        return true;
    }
    return false;
}

static int record(minimizer *m, ch_error *err)
{
    ch_minimize_result *r = m->result;
    if (r->nhistory == m->history_capacity) {
        size_t capacity = m->history_capacity ? m->history_capacity * 2 : 64;
        double *grown = realloc(r->history, capacity * sizeof *grown);
        if (!grown) return ch_no_memory(err);
        r->history = grown;
        m->history_capacity = capacity;
    }
    r->history[r->nhistory++] = m->now.full_value;
    ch_task_progress(m->options->task, "iterations", m->iteration, m->options->max_iter);
    return 0;
}

static int run(minimizer *m, ch_error *err)
{
    CH_TRY(evaluate(m, &m->now, err));
    m->first_value = m->now.full_value;
    /* An infinite first entry keeps the value test silent until the window is full of real values. */
    m->window[m->window_length++] = INFINITY;
    CH_TRY(record(m, err));
    bool failed_before = false;
    while (!converged(m, &m->result->stop)) {
        bool failed = false;
        CH_TRY(advance(m, &failed, err));
        CH_TRY(record(m, err)); /* a failed attempt leaves its entry too: Breeze emits the old state again */
        if (failed && failed_before) {
            m->result->stop = CH_STOP_SEARCH_FAILED;
            break;
        }
        if (failed) m->pairs = 0;
        failed_before = failed;
    }
    return 0;
}

static int allocate(minimizer *m, const double *x, ch_error *err)
{
    const size_t n = m->n, memory = m->options->memory;
    if (n > SIZE_MAX / sizeof(double) / (2 * memory + 8)) return ch_no_memory(err);
    m->storage = malloc(((2 * memory + 7) * n + 2 * memory) * sizeof(double));
    if (!m->storage) return ch_no_memory(err);
    double *at = m->storage;
    double **vectors[] = {&m->now.x,          &m->now.gradient,        &m->now.full_gradient, &m->trial.x,
                          &m->trial.gradient, &m->trial.full_gradient, &m->direction};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++, at += n) *vectors[i] = at;
    m->steps = at;
    m->changes = m->steps + memory * n;
    m->alpha = m->changes + memory * n;
    m->rho = m->alpha + memory;
    memcpy(m->now.x, x, n * sizeof *x);
    return 0;
}

int ch_minimize(const ch_objective *f, const ch_minimize_options *options, double *x, ch_minimize_result *result,
                ch_error *err)
{
    assert(options->memory > 0 && options->max_iter >= 0);
    *result = (ch_minimize_result){0};
    minimizer m = {.f = f, .options = options, .n = f->n, .result = result, .trial_step = NAN};
    int status = allocate(&m, x, err);
    if (!status) status = run(&m, err);
    if (status)
        ch_minimize_result_reset(result);
    else
        memcpy(x, m.now.x, m.n * sizeof *x);
    free(m.storage);
    return status;
}

void ch_minimize_result_reset(ch_minimize_result *result)
{
    free(result->history);
    *result = (ch_minimize_result){0};
}
