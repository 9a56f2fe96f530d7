/* kmeans.c: Lloyd's iterations and prediction, as org.apache.spark.ml.clustering.KMeans' block solver runs them.
 *
 * Rows are summed in parts whose number depends on the problem only, parts in order: same bits for any number of
 * threads.
 */
#include "math/kmeans.h"

#include "base/thread.h"
#include "math/kmeans_init.h"
#include "math/nearest.h"

#include <assert.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 64, PARTS_MIN = 8, PART_DOUBLES = 1 << 23 };

ch_kmeans_params ch_kmeans_defaults(void)
{
    return (ch_kmeans_params){.k = 2, .max_iter = 20, .tol = 1e-4, .init_steps = 2};
}

void ch_kmeans_model_reset(ch_kmeans_model *model)
{
    free(model->centers);
    if (model->nearest) ch_nearest_reset(model->nearest);
    free(model->nearest);
    *model = (ch_kmeans_model){0};
}

/* Gives the model its search structure. */
static int prepare_model(ch_kmeans_model *model, ch_error *err)
{
    model->nearest = calloc(1, sizeof *model->nearest);
    if (!model->nearest) return ch_no_memory(err);
    return ch_nearest_init(model->nearest, model->centers, model->k, model->cols, model->cosine, err);
}

int ch_kmeans_model_init(ch_kmeans_model *out, const double *centers, size_t k, size_t cols, bool cosine, ch_error *err)
{
    assert(k > 0);
    *out = (ch_kmeans_model){.k = k, .cols = cols, .cosine = cosine};
    out->centers = malloc((k * cols + 1) * sizeof *centers);
    if (!out->centers) return ch_no_memory(err);
    memcpy(out->centers, centers, k * cols * sizeof *centers);
    int status = prepare_model(out, err);
    if (status) ch_kmeans_model_reset(out);
    return status;
}

/* ---- one pass of Lloyd's algorithm ---- */

typedef struct lloyd {
    const ch_matrix *m;
    const ch_kmeans_params *params;
    size_t k, cols;
    ch_nearest nearest;
    int threads;
    size_t parts, part_size; /* sums (k, cols), weights (k), cost */
    double *partial;         /* (parts, part_size) */
    double *scratch;         /* (threads, scratch_size) */
    size_t scratch_size;
    bool zero_norm;
} lloyd;

static int lloyd_init(lloyd *l, ch_error *err)
{
    const size_t blocks = ch_matrix_blocks(l->m);
    l->part_size = l->k * l->cols + l->k + 1;
    l->parts = PART_DOUBLES / l->part_size;
    if (l->parts < PARTS_MIN) l->parts = PARTS_MIN;
    if (l->parts > PARTS_MAX) l->parts = PARTS_MAX;
    if (l->parts > blocks) l->parts = blocks;
    l->threads = ch_threads();
    const ch_nearest shape = {.k = l->k, .cols = l->cols};
    l->scratch_size = ch_nearest_scratch(&shape);
    l->partial = malloc((l->parts * l->part_size + (size_t)l->threads * l->scratch_size) * sizeof *l->partial);
    if (!l->partial) return ch_no_memory(err);
    l->scratch = l->partial + l->parts * l->part_size;
    return 0;
}

/* sum (cols) += factor * row, of the row scaled to norm 1 when cosine. */
static void add_row(const lloyd *l, size_t row, double weight, double *sum)
{
    const ch_matrix *m = l->m;
    const double norm = l->params->cosine ? ch_row_norm(m, row) : 1;
    if (m->dense) {
        const double *x = m->dense + row * m->cols;
        if (l->params->cosine)
            for (size_t j = 0; j < m->cols; j++) sum[j] += x[j] / norm * weight;
        else
            for (size_t j = 0; j < m->cols; j++) sum[j] += x[j] * weight;
    } else {
        for (size_t at = m->row_start[row]; at < m->row_start[row + 1]; at++)
            sum[m->index[at]] += m->value[at] / norm * weight;
    }
}

static void sum_part(lloyd *l, size_t part, double *scratch)
{
    const ch_matrix *m = l->m;
    double *sums = l->partial + part * l->part_size, *weights = sums + l->k * l->cols, *cost = weights + l->k;
    memset(sums, 0, l->part_size * sizeof *sums);
    const size_t blocks = ch_matrix_blocks(m);
    size_t row = part * blocks / l->parts * CH_BLOCK_ROWS, end = (part + 1) * blocks / l->parts * CH_BLOCK_ROWS;
    if (end > m->rows) end = m->rows;
    for (size_t n; row < end; row += n) {
        int32_t best[CH_NEAREST_TILE];
        double distance[CH_NEAREST_TILE];
        ch_task *task = l->params->task;
        if (task && atomic_load_explicit(&task->cancelled, memory_order_relaxed)) return;
        n = end - row < CH_NEAREST_TILE ? end - row : CH_NEAREST_TILE;
        if (!ch_nearest_tile(&l->nearest, m, row, n, scratch, best, distance)) {
#pragma omp atomic write
            l->zero_norm = true;
            return;
        }
        for (size_t i = 0; i < n; i++) {
            const double w = ch_matrix_weight(m, row + i);
            if (!(w > 0)) continue;
            *cost += w * distance[i];
            weights[best[i]] += w;
            add_row(l, row + i, w, sums + (size_t)best[i] * l->cols);
        }
    }
}

/* Fills the first part with the sums over all rows of all workers. */
static int pass(lloyd *l, const double *centers, ch_error *err)
{
    CH_TRY(ch_nearest_init(&l->nearest, centers, l->k, l->cols, l->params->cosine, err));
#pragma omp parallel for schedule(dynamic) num_threads(l->threads) if (l->parts > 1)
    for (size_t part = 0; part < l->parts; part++)
        sum_part(l, part, l->scratch + (size_t)omp_get_thread_num() * l->scratch_size);
    ch_nearest_reset(&l->nearest);
    CH_TRY(ch_task_check(l->params->task, err));
    if (l->zero_norm) return ch_zero_norm(err);
    for (size_t part = 1; part < l->parts; part++)
        for (size_t i = 0; i < l->part_size; i++) l->partial[i] += l->partial[part * l->part_size + i];
    return ch_comm_sum(l->params->comm, l->partial, l->part_size, err);
}

/* How far a centre moved: euclidean, or 1 - cos. */
static double moved(const double *from, const double *to, size_t cols, bool cosine)
{
    double square = 0, dot = 0, from_square = 0, to_square = 0;
    for (size_t j = 0; j < cols; j++) {
        square += (from[j] - to[j]) * (from[j] - to[j]);
        dot += from[j] * to[j];
        from_square += from[j] * from[j];
        to_square += to[j] * to[j];
    }
    return cosine ? 1 - dot / sqrt(from_square) / sqrt(to_square) : sqrt(square);
}

static void normalise(double *center, size_t cols)
{
    double square = 0;
    for (size_t j = 0; j < cols; j++) square += center[j] * center[j];
    const double norm = sqrt(square);
    for (size_t j = 0; norm != 0 && j < cols; j++) center[j] /= norm;
}

/* Moves each centre that has rows to their mean (scaled to norm 1 when cosine). Returns whether all stayed within tol.
 */
static bool move_centers(const lloyd *l, double *centers)
{
    double *weights = l->partial + l->k * l->cols;
    bool converged = true;
    for (size_t c = 0; c < l->k; c++) {
        if (!(weights[c] > 0)) continue;
        double *mean = l->partial + c * l->cols, *center = centers + c * l->cols;
        const double scale = 1.0 / weights[c];
        for (size_t j = 0; j < l->cols; j++) mean[j] *= scale;
        if (l->params->cosine) normalise(mean, l->cols);
        if (moved(center, mean, l->cols, l->params->cosine) > l->params->tol) converged = false;
        memcpy(center, mean, l->cols * sizeof *center);
    }
    return converged;
}

static int iterate(lloyd *l, ch_kmeans_model *model, ch_error *err)
{
    bool converged = false;
    while (model->iterations < l->params->max_iter && !converged) {
        CH_TRY(pass(l, model->centers, err));
        model->cost = l->partial[l->part_size - 1];
        converged = move_centers(l, model->centers);
        model->iterations++;
        ch_task_progress(l->params->task, "iterations", model->iterations, l->params->max_iter);
    }
    return 0;
}

/* ---- fitting ---- */

/* Every worker takes rank 0's start centres: the others add zeros. */
static int share_start(ch_comm *comm, size_t limit, ch_kmeans_model *model, ch_error *err)
{
    if (!comm || comm->size <= 1) return 0;
    double count = comm->rank == 0 ? (double)model->k : 0;
    CH_TRY(comm->sum(comm, &count, 1, err));
    if (!(count >= 1 && count <= (double)limit)) return ch_bug(err, "%g start centres arrived", count);
    const size_t k = (size_t)count;
    double *centers = calloc(k * model->cols + 1, sizeof *centers);
    if (!centers) return ch_no_memory(err);
    if (comm->rank == 0) memcpy(centers, model->centers, k * model->cols * sizeof *centers);
    free(model->centers);
    model->centers = centers;
    model->k = k;
    return comm->sum(comm, centers, k * model->cols, err);
}

static int start(const ch_matrix *m, const ch_kmeans_params *params, ch_kmeans_model *out, ch_error *err)
{
    if (params->initial) {
        out->k = params->k;
        out->centers = malloc((out->k * out->cols + 1) * sizeof *out->centers);
        if (!out->centers) return ch_no_memory(err);
        memcpy(out->centers, params->initial, out->k * out->cols * sizeof *out->centers);
    } else {
        CH_TRY(ch_kmeans_init(m, params, &out->centers, &out->k, err));
        CH_TRY(share_start(params->comm, params->k, out, err));
    }
    if (params->cosine)
        for (size_t c = 0; c < out->k; c++) normalise(out->centers + c * out->cols, out->cols);
    return 0;
}

static int fit(const ch_matrix *m, const ch_kmeans_params *params, ch_kmeans_model *out, ch_error *err)
{
    if (m->rows == 0)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: Nothing has been added to this summarizer.");
    if (params->k > INT32_MAX || m->cols > SIZE_MAX / sizeof(double) / 64 / params->k) return ch_no_memory(err);
    CH_TRY(start(m, params, out, err));
    lloyd l = {.m = m, .params = params, .k = out->k, .cols = m->cols};
    int status = lloyd_init(&l, err);
    if (!status) status = iterate(&l, out, err);
    free(l.partial);
    return status ? status : prepare_model(out, err);
}

int ch_kmeans_fit(const ch_matrix *m, const ch_kmeans_params *params, ch_kmeans_model *out, ch_error *err)
{
    assert(params->k > 0 && params->init_steps > 0);
    *out = (ch_kmeans_model){.cols = m->cols, .cosine = params->cosine};
    int status = fit(m, params, out, err);
    if (status) ch_kmeans_model_reset(out);
    return status;
}

/* ---- prediction ---- */

int ch_kmeans_predict(const ch_kmeans_model *model, const ch_matrix *m, int32_t *cluster, double *distance,
                      ch_error *err)
{
    double *scratch = malloc(ch_nearest_scratch(model->nearest) * sizeof *scratch);
    if (!scratch) return ch_no_memory(err);
    bool ok = true;
    for (size_t row = 0; row < m->rows && ok; row += CH_NEAREST_TILE) {
        double here[CH_NEAREST_TILE];
        const size_t n = m->rows - row < CH_NEAREST_TILE ? m->rows - row : CH_NEAREST_TILE;
        ok = ch_nearest_tile(model->nearest, m, row, n, scratch, cluster + row, distance ? distance + row : here);
    }
    free(scratch);
    return ok ? 0 : ch_zero_norm(err);
}
