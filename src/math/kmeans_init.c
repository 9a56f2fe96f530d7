/* kmeans_init.c: where k-means starts: random rows, or k-means|| (Bahmani et al., 2012) finished by k-means++ (Arthur
 * and Vassilvitskii, 2007), with the random streams of org.apache.spark.mllib.clustering.{KMeans, LocalKMeans}.
 */
#include "math/kmeans_init.h"

#include "base/random.h"
#include "base/thread.h"
#include "math/nearest.h"
#include "math/sample.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { LOCAL_ITERATIONS = 30 };

/* A growing table of points (count, cols). */
typedef struct points {
    size_t cols, count, capacity;
    double *values;
} points;

static int reserve_point(points *p, ch_error *err)
{
    if (p->count < p->capacity) return 0;
    size_t capacity = p->capacity ? p->capacity * 2 : 16;
    if (p->cols && capacity > SIZE_MAX / sizeof(double) / p->cols) return ch_no_memory(err);
    double *grown = realloc(p->values, (capacity * p->cols + 1) * sizeof *grown);
    if (!grown) return ch_no_memory(err);
    p->values = grown;
    p->capacity = capacity;
    return 0;
}

static int add_row(points *p, const ch_matrix *m, size_t row, ch_error *err)
{
    CH_TRY(reserve_point(p, err));
    double *to = p->values + p->count++ * p->cols;
    if (m->dense) {
        memcpy(to, m->dense + row * m->cols, m->cols * sizeof *to);
    } else {
        memset(to, 0, m->cols * sizeof *to);
        for (size_t at = m->row_start[row]; at < m->row_start[row + 1]; at++) to[m->index[at]] = m->value[at];
    }
    return 0;
}

static uint64_t point_hash(const double *point, size_t cols)
{
    uint64_t hash = 1469598103934665603ULL;
    for (size_t j = 0; j < cols; j++) {
        double v = point[j] + 0.0; /* -0 and 0 are equal */
        uint64_t bits;
        memcpy(&bits, &v, sizeof bits);
        hash = (hash ^ bits) * 1099511628211ULL;
        hash ^= hash >> 29;
    }
    return hash;
}

static bool same_point(const double *a, const double *b, size_t cols)
{
    for (size_t j = 0; j < cols; j++)
        if (a[j] != b[j]) return false;
    return true;
}

/* Keeps the first of equal points, in order. */
static int remove_duplicates(points *p, ch_error *err)
{
    size_t slots = 16;
    while (slots < 2 * p->count) slots *= 2;
    size_t *table = calloc(slots, sizeof *table); /* number of a point + 1, or 0 */
    if (!table) return ch_no_memory(err);
    size_t kept = 0;
    for (size_t i = 0; i < p->count; i++) {
        const double *point = p->values + i * p->cols;
        size_t slot = point_hash(point, p->cols) & (slots - 1);
        while (table[slot] && !same_point(p->values + (table[slot] - 1) * p->cols, point, p->cols))
            slot = (slot + 1) & (slots - 1);
        if (table[slot]) continue;
        memmove(p->values + kept * p->cols, point, p->cols * sizeof *point);
        table[slot] = ++kept;
    }
    p->count = kept;
    free(table);
    return 0;
}

/* ---- the rows and their nearest candidates ---- */

/* One pass over the rows: best (rows) and distance (rows) may each be NULL; with `lower` a distance is only written
 * where it is smaller than what is there. *sum receives the sum of `distance` afterwards. */
static int nearest_pass(const ch_matrix *m, const points *to, bool cosine, bool lower, int32_t *best, double *distance,
                        double *sum, ch_task *task, ch_error *err)
{
    ch_nearest nearest;
    CH_TRY(ch_nearest_init(&nearest, to->values, to->count, to->cols, cosine, err));
    const size_t blocks = ch_matrix_blocks(m), size = ch_nearest_scratch(&nearest);
    const int threads = ch_threads();
    double *scratch = malloc(((size_t)threads * size + blocks) * sizeof *scratch);
    if (!scratch) {
        ch_nearest_reset(&nearest);
        return ch_no_memory(err);
    }
    double *block_sum = scratch + (size_t)threads * size;
    bool zero_norm = false;
#pragma omp parallel for schedule(dynamic) num_threads(threads) reduction(|| : zero_norm) if (blocks > 1)
    for (size_t b = 0; b < blocks; b++) {
        const size_t end = (b + 1) * CH_BLOCK_ROWS < m->rows ? (b + 1) * CH_BLOCK_ROWS : m->rows;
        int32_t index[CH_NEAREST_TILE];
        double value[CH_NEAREST_TILE];
        block_sum[b] = 0;
        for (size_t row = b * CH_BLOCK_ROWS; row < end; row += CH_NEAREST_TILE) {
            if (task && atomic_load_explicit(&task->cancelled, memory_order_relaxed)) break;
            const size_t n = end - row < CH_NEAREST_TILE ? end - row : CH_NEAREST_TILE;
            double *mine = scratch + (size_t)omp_get_thread_num() * size;
            if (!ch_nearest_tile(&nearest, m, row, n, mine, index, value)) {
                zero_norm = true;
                break;
            }
            if (best) memcpy(best + row, index, n * sizeof *best);
            for (size_t i = 0; distance && i < n; i++) {
                if (!lower || value[i] < distance[row + i]) distance[row + i] = value[i];
                block_sum[b] += distance[row + i];
            }
        }
    }
    *sum = 0;
    for (size_t b = 0; b < blocks; b++) *sum += block_sum[b];
    free(scratch);
    ch_nearest_reset(&nearest);
    CH_TRY(ch_task_check(task, err));
    return zero_norm ? ch_zero_norm(err) : 0;
}

/* Adds each row with probability factor * cost: one double of the stream a row. */
static int choose_rows(const ch_matrix *m, const double *cost, double k, double sum, int64_t seed, points *out,
                       ch_error *err)
{
    unsigned char *chosen = malloc(m->rows);
    if (!chosen) return ch_no_memory(err);
    const ch_random start = ch_xorshift_random(seed);
    const size_t blocks = ch_matrix_blocks(m);
#pragma omp parallel for schedule(static) num_threads(ch_threads()) if (blocks > 1)
    for (size_t b = 0; b < blocks; b++) {
        const size_t end = (b + 1) * CH_BLOCK_ROWS < m->rows ? (b + 1) * CH_BLOCK_ROWS : m->rows;
        ch_random r = start;
        r.state = ch_xorshift_skip(start.state, 2 * b * CH_BLOCK_ROWS); /* two draws make a double */
        for (size_t row = b * CH_BLOCK_ROWS; row < end; row++)
            chosen[row] = ch_random_double(&r) < 2.0 * cost[row] * k / sum;
    }
    int status = 0;
    for (size_t row = 0; row < m->rows && !status; row++)
        if (chosen[row]) status = add_row(out, m, row, err);
    free(chosen);
    return status;
}

/* ---- k-means++ on the candidates ---- */

static double squared_distance(const double *a, const double *b, size_t cols)
{
    double sum = 0;
    for (size_t j = 0; j < cols; j++) sum += (a[j] - b[j]) * (a[j] - b[j]);
    return sum;
}

/* The first point at which the running sum of weight * cost reaches `target`; 0 when the target is 0. */
static size_t pick(const double *weight, const double *cost, size_t n, double target)
{
    double sum = 0;
    size_t i = 0;
    while (i < n && sum < target) {
        sum += weight[i] * (cost ? cost[i] : 1.0);
        i++;
    }
    return i ? i - 1 : 0;
}

/* k centres of weighted points, each drawn with probability proportional to its distance from those before. */
static int plus_plus(const points *p, const double *weight, size_t k, ch_random *r, double *centers, ch_error *err)
{
    const size_t n = p->count, cols = p->cols;
    double *cost = malloc(n * sizeof *cost), total = 0;
    if (!cost) return ch_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        total += weight[i];
        cost[i] = INFINITY;
    }
    for (size_t c = 0; c < k; c++) {
        if (c > 0) {
            total = 0;
            for (size_t i = 0; i < n; i++) total += cost[i] * weight[i];
        }
        const double target = ch_random_double(r) * total;
        double *center = centers + c * cols;
        memcpy(center, p->values + pick(weight, c > 0 ? cost : NULL, n, target) * cols, cols * sizeof *center);
        for (size_t i = 0; i < n; i++) cost[i] = fmin(squared_distance(p->values + i * cols, center, cols), cost[i]);
    }
    free(cost);
    return 0;
}

/* One of LocalKMeans' Lloyd iterations; closest (count) is updated and *moved tells whether it changed. A centre
 * without points becomes a random point. `sums` (k, cols) and `counts` (k) are scratch. */
static int local_step(const points *p, const double *weight, size_t k, ch_random *r, double *centers, int32_t *closest,
                      double *sums, double *counts, bool *moved, ch_error *err)
{
    const size_t cols = p->cols;
    ch_nearest nearest;
    CH_TRY(ch_nearest_init(&nearest, centers, k, cols, false, err));
    double *scratch = malloc(ch_nearest_scratch(&nearest) * sizeof *scratch);
    if (!scratch) {
        ch_nearest_reset(&nearest);
        return ch_no_memory(err);
    }
    const ch_matrix m = {.rows = p->count, .cols = cols, .dense = p->values};
    memset(sums, 0, k * cols * sizeof *sums);
    memset(counts, 0, k * sizeof *counts);
    for (size_t row = 0; row < p->count; row += CH_NEAREST_TILE) {
        int32_t best[CH_NEAREST_TILE];
        double distance[CH_NEAREST_TILE];
        const size_t n = p->count - row < CH_NEAREST_TILE ? p->count - row : CH_NEAREST_TILE;
        ch_nearest_tile(&nearest, &m, row, n, scratch, best, distance);
        for (size_t i = 0; i < n; i++) {
            const double *point = p->values + (row + i) * cols, w = weight[row + i];
            double *sum = sums + (size_t)best[i] * cols;
            for (size_t j = 0; j < cols; j++) sum[j] += w * point[j];
            counts[best[i]] += w;
            if (closest[row + i] != best[i]) *moved = true;
            closest[row + i] = best[i];
        }
    }
    for (size_t c = 0; c < k; c++) {
        double *center = centers + c * cols;
        if (counts[c] == 0) {
            const size_t random = (size_t)ch_random_int_below(r, (int32_t)p->count);
            memcpy(center, p->values + random * cols, cols * sizeof *center);
        } else {
            const double scale = 1.0 / counts[c];
            for (size_t j = 0; j < cols; j++) center[j] = sums[c * cols + j] * scale;
        }
    }
    free(scratch);
    ch_nearest_reset(&nearest);
    return 0;
}

/* LocalKMeans.kMeansPlusPlus: reduces the candidates to k centres (k, cols). */
static int local_kmeans(const points *p, const double *weight, size_t k, double *centers, ch_task *task, ch_error *err)
{
    ch_random r = ch_java_random(0);
    if (p->count > INT32_MAX) return ch_no_memory(err);
    CH_TRY(plus_plus(p, weight, k, &r, centers, err));
    int32_t *closest = malloc(p->count * sizeof *closest);
    double *sums = malloc((k * p->cols + k) * sizeof *sums);
    int status = closest && sums ? 0 : ch_no_memory(err);
    if (!status) memset(closest, -1, p->count * sizeof *closest);
    bool moved = true;
    for (int i = 0; i < LOCAL_ITERATIONS && moved && !status; i++) {
        moved = false;
        status = ch_task_check(task, err);
        if (!status) status = local_step(p, weight, k, &r, centers, closest, sums, sums + k * p->cols, &moved, err);
    }
    free(closest);
    free(sums);
    return status;
}

/* ---- the two ways to start ---- */

/* Weighs the candidates by the rows nearest to them and reduces them to k. */
static int reduce_candidates(const ch_matrix *m, const ch_kmeans_params *params, points *all, ch_error *err)
{
    int32_t *best = malloc(m->rows * sizeof *best);
    double *weight = calloc(all->count, sizeof *weight);
    double *centers = malloc((params->k * all->cols + 1) * sizeof *centers), ignored;
    int status = best && weight && centers ? 0 : ch_no_memory(err);
    if (!status) status = nearest_pass(m, all, params->cosine, false, best, NULL, &ignored, params->task, err);
    if (!status) {
        for (size_t i = 0; i < m->rows; i++) weight[best[i]] += 1;
        status = local_kmeans(all, weight, params->k, centers, params->task, err);
    }
    if (!status) {
        free(all->values);
        all->values = centers;
        all->count = params->k;
        centers = NULL;
    }
    free(best);
    free(weight);
    free(centers);
    return status;
}

/* Steps of k-means|| from one random row on: `all` receives every candidate, `fresh` is scratch. */
static int oversample(const ch_matrix *m, const ch_kmeans_params *params, int32_t seed, double *cost, points *all,
                      points *fresh, ch_error *err)
{
    size_t *picked, count;
    CH_TRY(ch_take_sample(m->rows, false, 1, seed, &picked, &count, err));
    int status = add_row(fresh, m, picked[0], err);
    if (!status) status = add_row(all, m, picked[0], err);
    free(picked);
    for (int step = 0; step < params->init_steps && !status; step++) {
        double sum = 0;
        if (fresh->count > 0)
            status = nearest_pass(m, fresh, params->cosine, true, NULL, cost, &sum, params->task, err);
        else
            for (size_t i = 0; i < m->rows; i++) sum += cost[i];
        if (status) break;
        fresh->count = 0;
        const int32_t stream = seed ^ (int32_t)((uint32_t)step << 16);
        status = choose_rows(m, cost, (double)params->k, sum, stream, fresh, err);
        for (size_t i = 0; i < fresh->count && !status; i++) {
            status = reserve_point(all, err);
            if (!status)
                memcpy(all->values + all->count++ * all->cols, fresh->values + i * all->cols,
                       all->cols * sizeof(double));
        }
    }
    return status;
}

static int parallel_init(const ch_matrix *m, const ch_kmeans_params *params, int32_t seed, points *all, ch_error *err)
{
    points fresh = {.cols = m->cols};
    double *cost = malloc(m->rows * sizeof *cost);
    int status = cost ? 0 : ch_no_memory(err);
    if (!status) {
        for (size_t i = 0; i < m->rows; i++) cost[i] = INFINITY;
        status = oversample(m, params, seed, cost, all, &fresh, err);
    }
    free(cost);
    free(fresh.values);
    if (!status) status = remove_duplicates(all, err);
    if (!status && all->count > params->k) status = reduce_candidates(m, params, all, err);
    return status;
}

static int random_init(const ch_matrix *m, const ch_kmeans_params *params, int32_t seed, points *all, ch_error *err)
{
    size_t *picked, count;
    CH_TRY(ch_take_sample(m->rows, false, params->k, seed, &picked, &count, err));
    int status = 0;
    for (size_t i = 0; i < count && !status; i++) status = add_row(all, m, picked[i], err);
    free(picked);
    return status ? status : remove_duplicates(all, err);
}

int ch_kmeans_init(const ch_matrix *m, const ch_kmeans_params *params, double **centers, size_t *count, ch_error *err)
{
    ch_random seeds = ch_xorshift_random(params->seed);
    const int32_t seed = ch_random_int(&seeds);
    points all = {.cols = m->cols};
    int status =
        params->random_init ? random_init(m, params, seed, &all, err) : parallel_init(m, params, seed, &all, err);
    if (status) {
        free(all.values);
        return status;
    }
    *centers = all.values;
    *count = all.count;
    return 0;
}
