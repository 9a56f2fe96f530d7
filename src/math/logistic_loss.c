/* logistic_loss.c: loss and gradient of logistic regression in one pass over the rows.
 *
 * As org.apache.spark.ml.optim.aggregator.{Binary,Multinomial}LogisticBlockAggregator with RDDLossFunction and
 * L2Regularization. A tile of rows is small enough to stay in the cache between its margins and its gradient. Tiles are
 * summed in order within a part, parts in order after all: their number depends on the problem only, so the result has
 * the same bits for any number of threads.
 */
#include "math/logistic_loss.h"

#include "base/thread.h"
#include "math/blas.h"
#include "math/elementary.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { TILE_ROWS = 256, TILE_VALUES = 1 << 16, PARTS_MAX = 64, PARTS_MIN = 8, PART_DOUBLES = 1 << 23 };

size_t ch_logistic_loss_size(const ch_logistic_loss *loss)
{
    return loss->sets * (loss->m->cols + (loss->fit_intercept ? 1 : 0));
}

static size_t between(size_t value, size_t low, size_t high)
{
    return value < low ? low : value > high ? high : value;
}

int ch_logistic_loss_init(ch_logistic_loss *loss, ch_error *err)
{
    const size_t cols = loss->m->cols, sets = loss->sets, coefficients = cols * sets;
    const size_t blocks = ch_matrix_blocks(loss->m);
    loss->part_size = coefficients + sets + 1;
    loss->parts = between(PART_DOUBLES / loss->part_size, PARTS_MIN, PARTS_MAX);
    if (loss->parts > blocks) loss->parts = blocks ? blocks : 1;
    loss->tile = between(TILE_VALUES / sets, 16, TILE_ROWS);
    loss->threads = ch_threads();
    loss->scratch_size = loss->tile * (sets + 1);
    const size_t total =
        loss->parts * loss->part_size + coefficients + sets + (size_t)loss->threads * loss->scratch_size;
    double *storage = calloc(total, sizeof *storage);
    if (!storage) return ch_no_memory(err);
    loss->partial = storage;
    loss->scaled = loss->partial + loss->parts * loss->part_size;
    loss->offset = loss->scaled + coefficients;
    loss->scratch = loss->offset + sets;
    ch_blas_setup();
    return 0;
}

void ch_logistic_loss_reset(ch_logistic_loss *loss)
{
    free(loss->partial);
    loss->partial = NULL;
}

/* ---- dense rows, one coefficient set ---- */

static double row_dot(const double *x, const double *a, size_t n)
{
    double sum[8] = {0}; /* eight chains: two vector registers */
    size_t j = 0;
    for (; j + 8 <= n; j += 8)
        for (size_t c = 0; c < 8; c++) sum[c] += x[j + c] * a[j + c];
    double rest = 0;
    for (; j < n; j++) rest += x[j] * a[j];
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7])) + rest;
}

/* gradient (cols) += sum over n rows of factor[i] * row i; four rows at a time, so that the sums are loaded and stored
 * a quarter as often. */
static void add_rows(const double *rows, size_t cols, const double *factor, size_t n, double *gradient)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const double *a = rows + i * cols, *b = a + cols, *c = b + cols, *d = c + cols;
        const double fa = factor[i], fb = factor[i + 1], fc = factor[i + 2], fd = factor[i + 3];
        for (size_t j = 0; j < cols; j++) gradient[j] += (a[j] * fa + b[j] * fb) + (c[j] * fc + d[j] * fd);
    }
    for (; i < n; i++)
        for (size_t j = 0; j < cols; j++) gradient[j] += rows[i * cols + j] * factor[i];
}

/* ---- the binomial loss ---- */

/* Replaces margins (n) by w (p - y), the factor of the row in the gradient; loss (n) is scratch. Adds the sum of the
 * losses w log(1 + e^-m) (+ w m for label 0) and of the factors to sums[1] and sums[0]. */
static void binomial_factors(const double *label, const double *weight, size_t n, double *margin, double *loss,
                             double sums[2])
{
    for (size_t i = 0; i < n; i++) {
        const double m = margin[i], w = weight ? weight[i] : 1.0, y = label[i];
        const double t = ch_exp(-fabs(m)), positive = m >= 0 ? 1.0 : t;
        const double l = ch_log1p_unit(t) + (m < 0 ? -m : 0) + (y > 0 ? 0 : m);
        const double f = positive / (1 + t) - y;
        loss[i] = w > 0 ? w * l : 0;
        margin[i] = w > 0 ? w * f : 0;
    }
    double loss_sum = 0, factor_sum = 0;
    for (size_t i = 0; i < n; i++) {
        loss_sum += loss[i];
        factor_sum += margin[i];
    }
    sums[0] += factor_sum;
    sums[1] += loss_sum;
}

static void binomial_dense(const ch_logistic_loss *loss, size_t from, size_t n, double *scratch, double *sums)
{
    const ch_matrix *m = loss->m;
    const double *rows = m->dense + from * m->cols;
    double *margin = scratch;
    for (size_t i = 0; i < n; i++) margin[i] = loss->offset[0] + row_dot(rows + i * m->cols, loss->scaled, m->cols);
    binomial_factors(m->label + from, m->weight ? m->weight + from : NULL, n, margin, scratch + n, sums + m->cols);
    add_rows(rows, m->cols, margin, n, sums);
}

static void binomial_sparse(const ch_logistic_loss *loss, size_t from, size_t n, double *scratch, double *sums)
{
    const ch_matrix *m = loss->m;
    double *margin = scratch;
    for (size_t i = 0; i < n; i++) {
        double sum = loss->offset[0];
        for (size_t at = m->row_start[from + i]; at < m->row_start[from + i + 1]; at++)
            sum += m->value[at] * loss->scaled[m->index[at]];
        margin[i] = sum;
    }
    binomial_factors(m->label + from, m->weight ? m->weight + from : NULL, n, margin, scratch + n, sums + m->cols);
    for (size_t i = 0; i < n; i++)
        for (size_t at = m->row_start[from + i]; at < m->row_start[from + i + 1]; at++)
            sums[m->index[at]] += m->value[at] * margin[i];
}

/* ---- the multinomial loss ---- */

/* Turns one row of shifted exponentials into probabilities; Spark gives an infinite margin all of the probability. */
static void normalise(double *row, size_t classes, double max, size_t argmax)
{
    if (max == INFINITY) {
        memset(row, 0, classes * sizeof *row);
        row[argmax] = 1;
        return;
    }
    double sum = 0;
    for (size_t k = 0; k < classes; k++) sum += row[k];
    const double scale = 1.0 / sum;
    for (size_t k = 0; k < classes; k++) row[k] *= scale;
}

/* Replaces margins (n, classes) by w (p - [y = k]); adds the factors' column sums to sums[0..classes) and the loss to
 * sums[classes]. `argmax` (n) is scratch. */
static void multinomial_factors(const double *label, const double *weight, size_t n, size_t classes, double *margin,
                                double *argmax, double *sums)
{
    for (size_t i = 0; i < n; i++) {
        double *row = margin + i * classes;
        size_t best = 0;
        for (size_t k = 1; k < classes; k++)
            if (row[k] > row[best]) best = k;
        const double max = row[best];
        if (max != INFINITY)
            for (size_t k = 0; k < classes; k++) row[k] -= max;
        argmax[i] = (double)best;
    }
    /* Exponentials of everything in one run: an infinite margin is found again by its value. */
    for (size_t i = 0; i < n * classes; i++) margin[i] = margin[i] == INFINITY ? INFINITY : ch_exp(margin[i]);
    double loss_sum = 0;
    for (size_t i = 0; i < n; i++) {
        double *row = margin + i * classes;
        const double w = weight ? weight[i] : 1.0;
        if (!(w > 0)) {
            memset(row, 0, classes * sizeof *row);
            continue;
        }
        const size_t best = (size_t)argmax[i], y = (size_t)label[i];
        normalise(row, classes, row[best], best);
        loss_sum -= w * log(row[y]);
        if (w != 1)
            for (size_t k = 0; k < classes; k++) row[k] *= w;
        row[y] -= w;
        for (size_t k = 0; k < classes; k++) sums[k] += row[k];
    }
    sums[classes] += loss_sum;
}

static void multinomial_dense(const ch_logistic_loss *loss, size_t from, size_t n, double *scratch, double *sums)
{
    const ch_matrix *m = loss->m;
    const size_t cols = m->cols, classes = loss->sets;
    const double *rows = m->dense + from * cols;
    const blasint bn = (blasint)n, bc = (blasint)cols, bk = (blasint)classes;
    double *margin = scratch;
    for (size_t i = 0; i < n; i++) memcpy(margin + i * classes, loss->offset, classes * sizeof *margin);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, bn, bk, bc, 1, rows, bc, loss->scaled, bk, 1, margin, bk);
    multinomial_factors(m->label + from, m->weight ? m->weight + from : NULL, n, classes, margin, scratch + n * classes,
                        sums + cols * classes);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, bc, bk, bn, 1, rows, bc, margin, bk, 1, sums, bk);
}

static void multinomial_sparse(const ch_logistic_loss *loss, size_t from, size_t n, double *scratch, double *sums)
{
    const ch_matrix *m = loss->m;
    const size_t classes = loss->sets;
    double *margin = scratch;
    for (size_t i = 0; i < n; i++) {
        double *row = margin + i * classes;
        memcpy(row, loss->offset, classes * sizeof *row);
        for (size_t at = m->row_start[from + i]; at < m->row_start[from + i + 1]; at++) {
            const double v = m->value[at], *a = loss->scaled + (size_t)m->index[at] * classes;
            for (size_t k = 0; k < classes; k++) row[k] += v * a[k];
        }
    }
    multinomial_factors(m->label + from, m->weight ? m->weight + from : NULL, n, classes, margin, scratch + n * classes,
                        sums + m->cols * classes);
    for (size_t i = 0; i < n; i++) {
        const double *row = margin + i * classes;
        for (size_t at = m->row_start[from + i]; at < m->row_start[from + i + 1]; at++) {
            double *g = sums + (size_t)m->index[at] * classes;
            for (size_t k = 0; k < classes; k++) g[k] += m->value[at] * row[k];
        }
    }
}

/* ---- the whole ---- */

/* scaled = x / std, offset = intercept - x . scaled_mean. */
static void prepare(ch_logistic_loss *loss, const double *x)
{
    const size_t cols = loss->m->cols, sets = loss->sets;
    for (size_t k = 0; k < sets; k++) loss->offset[k] = loss->fit_intercept ? x[cols * sets + k] : 0;
    for (size_t j = 0; j < cols; j++) {
        for (size_t k = 0; k < sets; k++) {
            loss->scaled[j * sets + k] = x[j * sets + k] * loss->inverse_std[j];
            if (loss->centred) loss->offset[k] -= x[j * sets + k] * loss->scaled_mean[j];
        }
    }
}

static void sum_part(const ch_logistic_loss *loss, size_t part, double *scratch)
{
    const ch_matrix *m = loss->m;
    double *sums = loss->partial + part * loss->part_size;
    memset(sums, 0, loss->part_size * sizeof *sums);
    const size_t blocks = ch_matrix_blocks(m);
    size_t row = part * blocks / loss->parts * CH_BLOCK_ROWS;
    size_t end = (part + 1) * blocks / loss->parts * CH_BLOCK_ROWS;
    if (end > m->rows) end = m->rows;
    while (row < end) {
        if (loss->task && atomic_load_explicit(&loss->task->cancelled, memory_order_relaxed)) return;
        const size_t n = end - row < loss->tile ? end - row : loss->tile;
        if (loss->multinomial && m->dense)
            multinomial_dense(loss, row, n, scratch, sums);
        else if (loss->multinomial)
            multinomial_sparse(loss, row, n, scratch, sums);
        else if (m->dense)
            binomial_dense(loss, row, n, scratch, sums);
        else
            binomial_sparse(loss, row, n, scratch, sums);
        row += n;
    }
}

/* Adds the parts up into the first, in order. */
static void combine(const ch_logistic_loss *loss)
{
    const size_t size = loss->part_size;
#pragma omp parallel for schedule(static) num_threads(loss->threads) if (size > 4096)
    for (size_t i = 0; i < size; i++) {
        double sum = loss->partial[i];
        for (size_t p = 1; p < loss->parts; p++) sum += loss->partial[p * size + i];
        loss->partial[i] = sum;
    }
}

/* Adds the L2 penalty and its gradient. */
static double penalise(const ch_logistic_loss *loss, const double *x, double *gradient)
{
    double sum = 0;
    for (size_t j = 0; j < loss->m->cols; j++) {
        const double scale = loss->l2_unscaled ? loss->inverse_std[j] * loss->inverse_std[j] : 1.0;
        for (size_t k = 0; k < loss->sets; k++) {
            const size_t i = j * loss->sets + k;
            sum += x[i] * x[i] * scale;
            gradient[i] += loss->l2 * x[i] * scale;
        }
    }
    return 0.5 * loss->l2 * sum;
}

int ch_logistic_loss_eval(void *context, const double *x, double *value, double *gradient, ch_error *err)
{
    ch_logistic_loss *loss = context;
    const size_t cols = loss->m->cols, sets = loss->sets;
    prepare(loss, x);
#pragma omp parallel for schedule(dynamic) num_threads(loss->threads) if (loss->parts > 1)
    for (size_t part = 0; part < loss->parts; part++)
        sum_part(loss, part, loss->scratch + (size_t)omp_get_thread_num() * loss->scratch_size);
    CH_TRY(ch_task_check(loss->task, err));
    combine(loss);
    double *sums = loss->partial;
    CH_TRY(ch_comm_sum(loss->comm, sums, loss->part_size, err));

    const double *factors = sums + cols * sets, scale = 1.0 / loss->weight_sum;
    for (size_t j = 0; j < cols; j++) {
        for (size_t k = 0; k < sets; k++) {
            double g = sums[j * sets + k] * loss->inverse_std[j];
            if (loss->centred) g -= factors[k] * loss->scaled_mean[j];
            gradient[j * sets + k] = g * scale;
        }
    }
    if (loss->fit_intercept)
        for (size_t k = 0; k < sets; k++) gradient[cols * sets + k] = factors[k] * scale;
    *value = factors[sets] / loss->weight_sum;
    if (loss->l2 != 0) *value += penalise(loss, x, gradient);
    return 0;
}
