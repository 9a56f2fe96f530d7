/* metrics_silhouette.c: the silhouette of a clustering without comparing pairs of rows
 * (org.apache.spark.ml.evaluation.ClusteringMetrics): mean distances to a cluster follow from the cluster's sums.
 */
#include "base/thread.h"
#include "math/class_index.h"
#include "math/matrix.h"
#include "math/metrics.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

struct ch_silhouette {
    size_t cols;
    bool cosine;
    ch_class_index index;
    double *sums; /* (capacity, cols + 2): sum of w x (of rows scaled to norm 1 when cosine), of w |x|^2, and of w */
    double *row;  /* (cols) scratch */
    size_t capacity;
    double *transposed; /* (cols, clusters) the sums of w x, once the second pass has begun */
    double score, weight;
};

ch_silhouette *ch_silhouette_new(size_t cols, bool cosine)
{
    ch_silhouette *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->cols = cols;
    s->cosine = cosine;
    s->row = calloc(cols + 1, sizeof *s->row);
    if (s->row) return s;
    free(s);
    return NULL;
}

void ch_silhouette_free(ch_silhouette *s)
{
    if (!s) return;
    ch_class_index_reset(&s->index);
    free(s->sums);
    free(s->row);
    free(s->transposed);
    free(s);
}

/* ---- first pass ---- */

static double *cluster_sums(const ch_silhouette *s, size_t number)
{
    return s->sums + number * (s->cols + 2);
}

static int cluster_number(ch_silhouette *s, double value, size_t *number, ch_error *err)
{
    CH_TRY(ch_class_index_add(&s->index, value, number, err));
    if (*number < s->capacity) return 0;
    const size_t capacity = s->capacity ? s->capacity * 2 : 16, width = s->cols + 2;
    if (capacity > SIZE_MAX / sizeof(double) / width) return ch_no_memory(err);
    double *grown = realloc(s->sums, capacity * width * sizeof *grown);
    if (!grown) return ch_no_memory(err);
    memset(grown + s->capacity * width, 0, (capacity - s->capacity) * width * sizeof *grown);
    s->sums = grown;
    s->capacity = capacity;
    return 0;
}

/* The row as distances see it, in `scratch` (cols) when scaled; *square receives its squared norm. */
static const double *view_row(const ch_silhouette *s, const double *row, double *scratch, double *square)
{
    double sum = 0;
    for (size_t j = 0; j < s->cols; j++) sum += row[j] * row[j];
    const double norm = sqrt(sum), scale = 1.0 / norm;
    *square = norm * norm; /* Spark squares the norm: its rounding, too */
    if (!s->cosine) return row;
    for (size_t j = 0; j < s->cols; j++) scratch[j] = row[j] * scale;
    return scratch;
}

int ch_silhouette_collect(ch_silhouette *s, const double *rows, const double *cluster, const double *weight, size_t n,
                          ch_error *err)
{
    for (size_t i = 0; i < n; i++) {
        size_t number;
        CH_TRY(cluster_number(s, cluster[i], &number, err));
        const double w = weight ? weight[i] : 1.0;
        double square, *sums = cluster_sums(s, number);
        const double *row = view_row(s, rows + i * s->cols, s->row, &square);
        for (size_t j = 0; j < s->cols; j++) sums[j] += w * row[j];
        sums[s->cols] += square * w;
        sums[s->cols + 1] += w;
    }
    return 0;
}

/* ---- second pass ---- */

static int transpose_sums(ch_silhouette *s, ch_error *err)
{
    const size_t clusters = s->index.count;
    s->transposed = malloc((s->cols * clusters + 1) * sizeof *s->transposed);
    if (!s->transposed) return ch_no_memory(err);
    for (size_t k = 0; k < clusters; k++)
        for (size_t j = 0; j < s->cols; j++) s->transposed[j * clusters + k] = cluster_sums(s, k)[j];
    return 0;
}

/* The silhouette of one row of cluster `own`; distance (clusters) is scratch. */
static double row_score(const ch_silhouette *s, const double *row, double square, size_t own, double weight,
                        double *distance)
{
    const size_t clusters = s->index.count;
    const double own_weight = cluster_sums(s, own)[s->cols + 1];
    if (own_weight == weight) return 0; /* alone in its cluster */
    memset(distance, 0, clusters * sizeof *distance);
    for (size_t j = 0; j < s->cols; j++)
        for (size_t k = 0; k < clusters; k++) distance[k] += row[j] * s->transposed[j * clusters + k];
    double other = INFINITY;
    for (size_t k = 0; k < clusters; k++) {
        const double norms = cluster_sums(s, k)[s->cols], w = cluster_sums(s, k)[s->cols + 1];
        distance[k] = s->cosine ? 1 - distance[k] / w : square + norms / w - 2 * distance[k] / w;
        if (k != own) other = fmin(other, distance[k]);
    }
    const double mine = distance[own] * own_weight / (own_weight - weight);
    return mine < other ? 1 - mine / other : mine > other ? other / mine - 1 : 0;
}

/* sums[0] += weighted scores, sums[1] += weights of n rows; false when a cluster is unknown. scratch: (cols +
 * clusters). */
static bool score_block(const ch_silhouette *s, const double *rows, const double *cluster, const double *weight,
                        size_t n, double *scratch, double sums[2])
{
    for (size_t i = 0; i < n; i++) {
        const size_t own = ch_class_index_find(&s->index, cluster[i]);
        if (own == SIZE_MAX) return false;
        const double w = weight ? weight[i] : 1.0;
        double square;
        const double *row = view_row(s, rows + i * s->cols, scratch, &square);
        sums[0] += row_score(s, row, square, own, w, scratch + s->cols) * w;
        sums[1] += w;
    }
    return true;
}

int ch_silhouette_score(ch_silhouette *s, const double *rows, const double *cluster, const double *weight, size_t n,
                        ch_error *err)
{
    if (!s->transposed) CH_TRY(transpose_sums(s, err));
    const size_t blocks = (n + CH_BLOCK_ROWS - 1) / CH_BLOCK_ROWS, width = s->cols + s->index.count;
    const int threads = blocks > 1 ? ch_threads() : 1;
    double *memory = calloc(2 * blocks + (size_t)threads * width + 1, sizeof *memory);
    if (!memory) return ch_no_memory(err);
    double *scratch = memory + 2 * blocks;
    bool known = true;
#pragma omp parallel for schedule(static) num_threads(threads) reduction(&& : known) if (blocks > 1)
    for (size_t b = 0; b < blocks; b++) {
        const size_t from = b * CH_BLOCK_ROWS, rest = n - from < CH_BLOCK_ROWS ? n - from : CH_BLOCK_ROWS;
        known = score_block(s, rows + from * s->cols, cluster + from, weight ? weight + from : NULL, rest,
                            scratch + (size_t)omp_get_thread_num() * width, memory + 2 * b) &&
                known;
    }
    for (size_t b = 0; b < blocks; b++) {
        s->score += memory[2 * b];
        s->weight += memory[2 * b + 1];
    }
    free(memory);
    return known ? 0 : ch_bug(err, "silhouette: a cluster of the second pass was not in the first");
}

int ch_silhouette_get(const ch_silhouette *s, double *value, ch_error *err)
{
    if (s->index.count < 2)
        return ch_failf(err, CH_E_SPARK, "assertion failed: Number of clusters must be greater than one.");
    *value = s->score / s->weight;
    return 0;
}
