/* summarize.c: running column statistics and their merging; see summarize.h.
 *
 * The expressions keep Spark's order of operations, since that is what makes the results equal to the last bit; the
 * parallelism is over groups of columns and over chunks of rows, neither of which changes a column's order.
 */
#include "math/summarize.h"

#include "base/thread.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP_COLS = 32 }; /* columns that one thread walks at a time: their state stays in the first-level cache */

/* The state of one chunk. Every array is (cols) and counts only values that are not 0, as in a sparse vector. */
typedef struct moments {
    double count, weight_sum, weight_square_sum;
    double *mean, *m2n; /* running mean and sum of w (x - mean)^2 of the values not 0 */
    double *m2, *l1;    /* sums of w x^2 and of w |x| */
    double *weight;     /* sum of w */
    double *nonzeros;
    double *max, *min;
} moments;

enum { SCALARS = 3, ARRAYS = 8 };

static size_t moments_size(size_t cols)
{
    return SCALARS + ARRAYS * cols;
}

/* Lays a state out over `storage` (moments_size doubles; the first three belong to the scalars when it is packed). */
static void moments_place(moments *s, double *storage, size_t cols)
{
    double **arrays[ARRAYS] = {&s->mean, &s->m2n, &s->m2, &s->l1, &s->weight, &s->nonzeros, &s->max, &s->min};
    for (size_t i = 0; i < ARRAYS; i++) *arrays[i] = storage + SCALARS + i * cols;
}

static void moments_clear(moments *s, size_t cols)
{
    s->count = s->weight_sum = s->weight_square_sum = 0;
    memset(s->mean, 0, (ARRAYS - 2) * cols * sizeof(double));
    for (size_t j = 0; j < cols; j++) {
        s->max[j] = -DBL_MAX;
        s->min[j] = DBL_MAX;
    }
}

static void count_rows(moments *s, const double *weight, size_t rows)
{
    for (size_t i = 0; i < rows; i++) {
        double w = weight ? weight[i] : 1.0;
        if (w == 0) continue;
        s->weight_sum += w;
        s->weight_square_sum += w * w;
        s->count += 1;
    }
}

/* Adds `rows` dense rows to columns [from, from + n) of the state. */
static void add_dense(moments *s, const double *values, size_t stride, const double *weight, size_t rows, size_t from,
                      size_t n)
{
    double *mean = s->mean + from, *m2n = s->m2n + from, *m2 = s->m2 + from, *l1 = s->l1 + from;
    double *total = s->weight + from, *nonzeros = s->nonzeros + from, *max = s->max + from, *min = s->min + from;
    for (size_t i = 0; i < rows; i++) {
        const double w = weight ? weight[i] : 1.0;
        if (w == 0) continue;
        const double *row = values + i * stride + from;
        for (size_t j = 0; j < n; j++) {
            const double v = row[j], before = mean[j], diff = v - before;
            const double after = before + w * diff / (total[j] + w);
            const bool counts = v != 0;
            mean[j] = counts ? after : before;
            m2n[j] += counts ? w * (v - after) * diff : 0;
            total[j] += counts ? w : 0;
            m2[j] += w * v * v;
            l1[j] += w * fabs(v);
            nonzeros[j] += counts ? 1 : 0;
            max[j] = counts && max[j] < v ? v : max[j];
            min[j] = counts && min[j] > v ? v : min[j];
        }
    }
}

static void add_sparse(moments *s, const ch_matrix *m, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const double w = ch_matrix_weight(m, i);
        if (w == 0) continue;
        for (size_t at = m->row_start[i]; at < m->row_start[i + 1]; at++) {
            const double v = m->value[at];
            if (v == 0) continue;
            const size_t j = (size_t)m->index[at];
            const double diff = v - s->mean[j];
            s->mean[j] += w * diff / (s->weight[j] + w);
            s->m2n[j] += w * (v - s->mean[j]) * diff;
            s->weight[j] += w;
            s->m2[j] += w * v * v;
            s->l1[j] += w * fabs(v);
            s->nonzeros[j] += 1;
            if (s->max[j] < v) s->max[j] = v;
            if (s->min[j] > v) s->min[j] = v;
        }
    }
}

/* Adds the rows of `b`, which come after those of `a` (Chan, Golub and LeVeque's pairwise update). */
static void merge(moments *a, const moments *b, size_t cols)
{
    if (b->weight_sum == 0) return;
    if (a->weight_sum == 0) {
        a->count = b->count;
        a->weight_sum = b->weight_sum;
        a->weight_square_sum = b->weight_square_sum;
        memcpy(a->mean, b->mean, ARRAYS * cols * sizeof(double));
        return;
    }
    a->count += b->count;
    a->weight_sum += b->weight_sum;
    a->weight_square_sum += b->weight_square_sum;
    for (size_t j = 0; j < cols; j++) {
        const double wa = a->weight[j], wb = b->weight[j], w = wa + wb;
        if (w != 0) {
            const double delta = b->mean[j] - a->mean[j];
            a->mean[j] += delta * wb / w;
            a->m2n[j] += b->m2n[j] + delta * delta * wa * wb / w;
        }
        a->weight[j] = w;
        a->m2[j] += b->m2[j];
        a->l1[j] += b->l1[j];
        a->nonzeros[j] += b->nonzeros[j];
        a->max[j] = fmax(a->max[j], b->max[j]);
        a->min[j] = fmin(a->min[j], b->min[j]);
    }
}

/* Merges the states of all workers in rank order into every worker's `s`: each puts its own into one slot of a table
 * of zeros, whose sum is then everybody's table. */
static int merge_workers(moments *s, size_t cols, ch_comm *comm, ch_error *err)
{
    if (!comm || comm->size <= 1) return 0;
    const size_t size = moments_size(cols), workers = (size_t)comm->size;
    double *table = calloc(size * workers, sizeof *table);
    if (!table) return ch_no_memory(err);
    double *mine = table + size * (size_t)comm->rank;
    mine[0] = s->count;
    mine[1] = s->weight_sum;
    mine[2] = s->weight_square_sum;
    memcpy(mine + SCALARS, s->mean, ARRAYS * cols * sizeof(double));
    int status = comm->sum(comm, table, size * workers, err);
    if (!status) {
        moments_clear(s, cols);
        for (size_t r = 0; r < workers; r++) {
            double *slot = table + size * r;
            moments other = {.count = slot[0], .weight_sum = slot[1], .weight_square_sum = slot[2]};
            moments_place(&other, slot, cols);
            merge(s, &other, cols);
        }
    }
    free(table);
    return status;
}

/* Turns a state into the statistics users see. */
static int finish(const moments *s, size_t cols, ch_summary *out, ch_error *err)
{
    double *storage = calloc(9 * (cols ? cols : 1), sizeof *storage);
    if (!storage) return ch_no_memory(err);
    *out = (ch_summary){.cols = cols, .count = (int64_t)s->count, .weight_sum = s->weight_sum, .mean = storage};
    double **arrays[] = {&out->mean, &out->sum,      &out->variance, &out->std,    &out->min,
                         &out->max,  &out->nonzeros, &out->norm_l1,  &out->norm_l2};
    for (size_t i = 0; i < 9; i++) *arrays[i] = storage + i * cols;
    const double total = s->weight_sum;
    const double denominator = total > 0 ? total - s->weight_square_sum / total : 0;
    for (size_t j = 0; j < cols; j++) {
        const double mean = s->mean[j], w = s->weight[j];
        if (total > 0) out->mean[j] = mean * (w / total);
        out->sum[j] = mean * w;
        if (denominator > 0) {
            double variance = (s->m2n[j] + mean * mean * w * (total - w) / total) / denominator;
            out->variance[j] = variance < 0 ? 0 : variance;
        }
        out->std[j] = sqrt(out->variance[j]);
        const bool has_zeros = s->nonzeros[j] < s->count;
        out->max[j] = has_zeros && s->max[j] < 0 ? 0 : s->max[j];
        out->min[j] = has_zeros && s->min[j] > 0 ? 0 : s->min[j];
        out->nonzeros[j] = s->nonzeros[j];
        out->norm_l1[j] = s->l1[j];
        out->norm_l2[j] = sqrt(s->m2[j]);
    }
    return 0;
}

void ch_summary_reset(ch_summary *summary)
{
    free(summary->mean);
    *summary = (ch_summary){0};
}

/* ---- over a matrix ---- */

/* Columns that a thread takes at a time: each column is summed by itself, so that changes no bit. Few columns are cut
 * by whole vector registers. */
static size_t group_width(size_t cols)
{
    const size_t threads = (size_t)ch_threads(), each = (cols + threads - 1) / threads, width = (each + 3) / 4 * 4;
    return width == 0 || width > GROUP_COLS ? GROUP_COLS : width;
}

/* Fills states[0..chunks), one a chunk of rows. */
static int fill_chunks(const ch_matrix *m, moments *states, size_t chunks, ch_task *task, ch_error *err)
{
    const size_t width = group_width(m->cols);
    const size_t groups = m->dense ? (m->cols + width - 1) / width : 1;
#pragma omp parallel for schedule(dynamic) num_threads(ch_threads())
    for (size_t unit = 0; unit < chunks * groups; unit++) {
        const size_t chunk = unit / groups, group = unit % groups;
        size_t row = chunk * CH_SUMMARY_CHUNK_ROWS, end = row + CH_SUMMARY_CHUNK_ROWS;
        if (end > m->rows) end = m->rows;
        if (group == 0) count_rows(&states[chunk], m->weight ? m->weight + row : NULL, end - row);
        while (row < end && !(task && atomic_load_explicit(&task->cancelled, memory_order_relaxed))) {
            const size_t stop = end - row > CH_BLOCK_ROWS ? row + CH_BLOCK_ROWS : end;
            const size_t from = group * width, n = m->cols - from < width ? m->cols - from : width;
            if (m->dense)
                add_dense(&states[chunk], m->dense + row * m->cols, m->cols, m->weight ? m->weight + row : NULL,
                          stop - row, from, n);
            else
                add_sparse(&states[chunk], m, row, stop);
            row = stop;
        }
    }
    return ch_task_check(task, err);
}

int ch_summarize(const ch_matrix *m, ch_comm *comm, ch_task *task, ch_summary *out, ch_error *err)
{
    *out = (ch_summary){0};
    size_t chunks = (m->rows + CH_SUMMARY_CHUNK_ROWS - 1) / CH_SUMMARY_CHUNK_ROWS;
    if (chunks == 0) chunks = 1;
    const size_t size = moments_size(m->cols);
    double *storage = calloc(chunks * size, sizeof *storage);
    moments *states = calloc(chunks, sizeof *states);
    int status = storage && states ? 0 : ch_no_memory(err);
    if (!status) {
        for (size_t c = 0; c < chunks; c++) {
            moments_place(&states[c], storage + c * size, m->cols);
            moments_clear(&states[c], m->cols);
        }
        status = fill_chunks(m, states, chunks, task, err);
    }
    if (!status) {
        for (size_t c = 1; c < chunks; c++) merge(&states[0], &states[c], m->cols);
        status = merge_workers(&states[0], m->cols, comm, err);
    }
    if (!status) status = finish(&states[0], m->cols, out, err);
    free(states);
    free(storage);
    return status;
}

/* ---- over a stream ---- */

struct ch_summarizer {
    size_t cols, chunk_rows;
    moments whole, chunk; /* chunks already full, and the one being filled */
    double storage[];
};

ch_summarizer *ch_summarizer_new(size_t cols)
{
    const size_t size = moments_size(cols);
    ch_summarizer *s = calloc(1, sizeof *s + 2 * size * sizeof(double));
    if (!s) return NULL;
    s->cols = cols;
    moments_place(&s->whole, s->storage, cols);
    moments_place(&s->chunk, s->storage + size, cols);
    moments_clear(&s->whole, cols);
    moments_clear(&s->chunk, cols);
    return s;
}

void ch_summarizer_add(ch_summarizer *s, const double *rows, const double *weight, size_t n)
{
    while (n > 0) {
        size_t take = CH_SUMMARY_CHUNK_ROWS - s->chunk_rows;
        if (take > n) take = n;
        count_rows(&s->chunk, weight, take);
        add_dense(&s->chunk, rows, s->cols, weight, take, 0, s->cols);
        rows += take * s->cols;
        if (weight) weight += take;
        n -= take;
        s->chunk_rows += take;
        if (s->chunk_rows == CH_SUMMARY_CHUNK_ROWS) {
            merge(&s->whole, &s->chunk, s->cols);
            moments_clear(&s->chunk, s->cols);
            s->chunk_rows = 0;
        }
    }
}

int ch_summarizer_finish(const ch_summarizer *s, ch_summary *out, ch_error *err)
{
    *out = (ch_summary){0};
    double *storage = malloc(moments_size(s->cols) * sizeof *storage);
    if (!storage) return ch_no_memory(err);
    moments both;
    moments_place(&both, storage, s->cols);
    moments_clear(&both, s->cols);
    merge(&both, &s->whole, s->cols);
    merge(&both, &s->chunk, s->cols);
    int status = finish(&both, s->cols, out, err);
    free(storage);
    return status;
}

void ch_summarizer_free(ch_summarizer *s)
{
    free(s);
}
