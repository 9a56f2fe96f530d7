/* nearest.c: distances of a tile of rows to k centres, and the smallest of them.
 *
 * Dense rows of few dimensions take the plain sum of squared differences, in Spark's order, over a transposed tile: the
 * rows of the tile lie side by side, so each step handles a vector register of them. Larger products go to BLAS as
 * |x|^2 - 2 x.c + |c|^2, as Spark's own block solver does.
 */
#include "math/nearest.h"

#include "math/blas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TILE = CH_NEAREST_TILE, LANES = 16, GEMM_VALUES = 512, GEMM_COLS = 8 }; /* BLAS from that k * cols and cols on */

int ch_zero_norm(ch_error *err)
{
    return ch_failf(err, CH_E_SPARK, "assertion failed: Cosine distance is not defined for zero-length vectors.");
}

int ch_nearest_init(ch_nearest *n, const double *centers, size_t k, size_t cols, bool cosine, ch_error *err)
{
    *n = (ch_nearest){.k = k, .cols = cols, .cosine = cosine};
    if (cols > SIZE_MAX / sizeof(double) / 4 / k) return ch_no_memory(err);
    n->centers = malloc(2 * (k * cols + k) * sizeof(double));
    if (!n->centers) return ch_no_memory(err);
    n->transposed = n->centers + k * cols;
    n->square = n->transposed + k * cols;
    n->norm = n->square + k;
    for (size_t c = 0; c < k; c++) {
        double square = 0;
        for (size_t j = 0; j < cols; j++) square += centers[c * cols + j] * centers[c * cols + j];
        if (cosine && !(square > 0)) {
            ch_nearest_reset(n);
            return ch_zero_norm(err);
        }
        const double norm = sqrt(square);
        n->square[c] = square;
        n->norm[c] = norm;
        for (size_t j = 0; j < cols; j++) {
            const double v = cosine ? centers[c * cols + j] / norm : centers[c * cols + j];
            n->centers[c * cols + j] = n->transposed[j * k + c] = v;
        }
    }
    ch_blas_setup();
    return 0;
}

void ch_nearest_reset(ch_nearest *n)
{
    free(n->centers);
    *n = (ch_nearest){0};
}

static bool uses_gemm(const ch_nearest *n)
{
    return n->cols >= GEMM_COLS && n->k * n->cols >= GEMM_VALUES;
}

size_t ch_nearest_scratch(const ch_nearest *n)
{
    return TILE * (n->cols > n->k ? n->cols : n->k) + TILE;
}

double ch_row_norm(const ch_matrix *m, size_t row)
{
    double sum = 0;
    if (m->dense) {
        const double *x = m->dense + row * m->cols;
        for (size_t j = 0; j < m->cols; j++) sum += x[j] * x[j];
    } else {
        for (size_t at = m->row_start[row]; at < m->row_start[row + 1]; at++) sum += m->value[at] * m->value[at];
    }
    return sqrt(sum);
}

/* Takes centre c's distances (rows) into account. */
static void keep_smaller(const double *candidate, size_t rows, int32_t c, int32_t *best, double *distance)
{
    for (size_t i = 0; i < rows; i++) {
        const bool closer = candidate[i] < distance[i];
        distance[i] = closer ? candidate[i] : distance[i];
        best[i] = closer ? c : best[i];
    }
}

/* Four numbers that one instruction handles at a time; both gcc and clang know the attribute. Loops over plain arrays
 * came out three times slower: the compilers keep their accumulators in memory. */
typedef double vec __attribute__((vector_size(32)));
typedef double stored_vec __attribute__((vector_size(32), aligned(8))); /* ... in memory of any alignment */
typedef int64_t mask __attribute__((vector_size(32)));
enum { VECS = LANES / 4 };

/* to = where ? from : to. By pointer: builds for processors without such registers pass vectors in another way. */
static inline void take_where(const mask *where, const vec *from, vec *to)
{
    *to = (vec)((*where & (mask)*from) | (~*where & (mask)*to));
}

/* Sums of squared differences, or products when cosine, of LANES rows, transposed as (cols, VECS), to one centre. */
static inline void lane_sums(const stored_vec *lanes, const double *center, size_t cols, bool cosine, vec sum[VECS])
{
    vec s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    for (size_t j = 0; j < cols; j++, lanes += VECS) {
        const double c = center[j];
        if (cosine) {
            s0 += lanes[0] * c;
            s1 += lanes[1] * c;
            s2 += lanes[2] * c;
            s3 += lanes[3] * c;
        } else {
            s0 += (lanes[0] - c) * (lanes[0] - c);
            s1 += (lanes[1] - c) * (lanes[1] - c);
            s2 += (lanes[2] - c) * (lanes[2] - c);
            s3 += (lanes[3] - c) * (lanes[3] - c);
        }
    }
    sum[0] = s0;
    sum[1] = s1;
    sum[2] = s2;
    sum[3] = s3;
}

/* Up to LANES dense rows, side by side in vector registers; `scratch` (cols, LANES) holds them transposed. */
static void dense_lanes(const ch_nearest *n, const double *rows_in, size_t rows, const double *norm, double *scratch,
                        int32_t *best, double *distance)
{
    const size_t cols = n->cols;
    const vec infinity = (vec){0} + INFINITY;
    vec scale[VECS], least[VECS], index[VECS]; /* index as double, to be selected too */
    double ends[LANES];
    for (size_t i = 0; i < LANES; i++) ends[i] = i < rows ? norm[i] : 1;
    memcpy(scale, ends, sizeof ends);
    for (size_t v = 0; v < VECS; v++) {
        least[v] = infinity;
        index[v] = (vec){0};
    }
    for (size_t j = 0; j < cols; j++) {
        for (size_t i = 0; i < rows; i++) scratch[j * LANES + i] = rows_in[i * cols + j];
        for (size_t i = rows; i < LANES; i++) scratch[j * LANES + i] = 0;
    }
    for (size_t c = 0; c < n->k; c++) {
        vec sum[VECS];
        lane_sums((const stored_vec *)scratch, n->centers + c * cols, cols, n->cosine, sum);
        const vec number = (vec){0} + (double)c;
        for (size_t v = 0; v < VECS; v++) {
            if (n->cosine) sum[v] = 1 - sum[v] / scale[v];
            const mask closer = (mask)(sum[v] < least[v]);
            take_where(&closer, &sum[v], &least[v]);
            take_where(&closer, &number, &index[v]);
        }
    }
    memcpy(ends, index, sizeof ends);
    for (size_t i = 0; i < rows; i++) best[i] = (int32_t)ends[i];
    memcpy(distance, least, rows * sizeof *distance);
}

/* Products by BLAS, centres by rows, so that the rows of one centre lie side by side. */
static void dense_gemm(const ch_nearest *n, const double *rows_in, size_t rows, const double *norm, double *product,
                       int32_t *best, double *distance)
{
    const blasint bk = (blasint)n->k, bn = (blasint)rows, bc = (blasint)n->cols;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, bk, bn, bc, 1, n->centers, bc, rows_in, bc, 0, product, bn);
    for (size_t c = 0; c < n->k; c++) {
        double *dot = product + c * rows;
        for (size_t i = 0; i < rows; i++)
            dot[i] = n->cosine ? 1 - dot[i] / norm[i] : (norm[i] * norm[i] - 2 * dot[i]) + n->square[c];
        keep_smaller(dot, rows, (int32_t)c, best, distance);
    }
}

static double sparse_squared_distance(const ch_matrix *m, size_t row, const double *center)
{
    double sum = 0;
    size_t at = m->row_start[row];
    for (size_t j = 0; j < m->cols; j++) {
        const bool stored = at < m->row_start[row + 1] && (size_t)m->index[at] == j;
        const double d = stored ? m->value[at++] - center[j] : center[j];
        sum += d * d;
    }
    return sum;
}

/* MLUtils.fastSquaredDistance: by norms and product where that is precise enough, else the plain sum. Kept with its
 * roundings, since they decide between centres at equal distance (rows of small whole numbers often are). */
static double fast_squared_distance(const ch_nearest *n, const ch_matrix *m, size_t row, double norm, double dot,
                                    size_t c)
{
    static const double EPSILON = 0x1p-52, PRECISION = 1e-6;
    const double squares = n->norm[c] * n->norm[c] + norm * norm, gap = n->norm[c] - norm;
    if (2 * EPSILON * squares / (gap * gap + EPSILON) < PRECISION) return squares - 2 * dot;
    const double d = fmax(squares - 2 * dot, 0);
    if (EPSILON * (squares + 2 * fabs(dot)) / (d + EPSILON) <= PRECISION) return d;
    return sparse_squared_distance(m, row, n->centers + c * n->cols);
}

static void sparse(const ch_nearest *n, const ch_matrix *m, size_t row, double norm, double *product, int32_t *best,
                   double *distance)
{
    const size_t k = n->k;
    memset(product, 0, k * sizeof *product);
    for (size_t at = m->row_start[row]; at < m->row_start[row + 1]; at++) {
        const double v = m->value[at], *center = n->transposed + (size_t)m->index[at] * k;
        for (size_t c = 0; c < k; c++) product[c] += v * center[c];
    }
    for (size_t c = 0; c < k; c++) {
        const double d = n->cosine ? 1 - product[c] / norm : fast_squared_distance(n, m, row, norm, product[c], c);
        if (d < *distance) {
            *distance = d;
            *best = (int32_t)c;
        }
    }
}

bool ch_nearest_tile(const ch_nearest *n, const ch_matrix *m, size_t from, size_t rows, double *scratch, int32_t *best,
                     double *distance)
{
    const bool gemm = m->dense && uses_gemm(n), needs_norm = n->cosine || gemm || !m->dense;
    double norm[TILE];
    for (size_t i = 0; i < rows; i++) {
        best[i] = 0;
        distance[i] = INFINITY;
        norm[i] = needs_norm ? ch_row_norm(m, from + i) : 1;
        if (n->cosine && !(norm[i] > 0)) return false;
    }
    const double *dense_rows = m->dense ? m->dense + from * m->cols : NULL;
    if (gemm)
        dense_gemm(n, dense_rows, rows, norm, scratch, best, distance);
    else if (m->dense)
        for (size_t i = 0; i < rows; i += LANES)
            dense_lanes(n, dense_rows + i * m->cols, rows - i < LANES ? rows - i : LANES, norm + i, scratch, best + i,
                        distance + i);
    else
        for (size_t i = 0; i < rows; i++) sparse(n, m, from + i, norm[i], scratch, &best[i], &distance[i]);
    return true;
}
