/* k-means against fits by Spark 4.1.3 (one partition, local[1]) on the same rows. */
#include "base/random.h"
#include "base/thread.h"
#include "math/kmeans.h"
#include "testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 600, DENSE_COLS = 3, SPARSE_COLS = 20 };

typedef struct fixture {
    double rows[ROWS * DENSE_COLS], weight[ROWS];
    size_t row_start[ROWS + 1];
    int32_t index[ROWS * 3];
    double value[ROWS * 3];
} fixture;

static uint32_t lcg;

static uint32_t draw(uint32_t below)
{
    lcg = (lcg * 1103515245u + 12345u) & 0x7fffffffu;
    return (lcg >> 8) % below;
}

/* The same generator as in the Python script that asked Spark: five blobs, and sparse rows of five overlapping sets. */
static fixture make_fixture(void)
{
    fixture f = {0};
    lcg = 77;
    size_t nnz = 0;
    for (size_t i = 0; i < ROWS; i++) {
        const uint32_t k = draw(5);
        double *x = f.rows + i * DENSE_COLS, row[SPARSE_COLS] = {0};
        x[0] = k * 3.0 + draw(1000) / 300.0;
        x[1] = (k % 2) * 5.0 + draw(1000) / 400.0;
        x[2] = 1.0 + (k % 3) * 2.0 + draw(1000) / 500.0;
        f.weight[i] = draw(4) / 2.0;
        for (int n = 0; n < 3; n++) {
            const uint32_t j = (k * 4 + draw(5)) % SPARSE_COLS;
            row[j] = 1.0 + draw(10);
        }
        for (size_t j = 0; j < SPARSE_COLS; j++) {
            if (row[j] == 0) continue;
            f.index[nnz] = (int32_t)j;
            f.value[nnz++] = row[j];
        }
        f.row_start[i + 1] = nnz;
    }
    return f;
}

static ch_matrix dense(const fixture *f)
{
    return (ch_matrix){.rows = ROWS, .cols = DENSE_COLS, .dense = f->rows};
}

static ch_matrix sparse(const fixture *f)
{
    return (ch_matrix){
        .rows = ROWS, .cols = SPARSE_COLS, .row_start = f->row_start, .index = f->index, .value = f->value};
}

typedef struct golden {
    bool sparse, weighted, cosine, random;
    size_t k;
    int64_t seed;
    int init_steps, max_iter; /* 0: Spark's default; -1: none */
    double tol;               /* 0: Spark's default; -1: 0 */
    double cost;
    int iterations;
    size_t sizes[8];
    double centers[8]; /* sum over j of (j + 1) * center[j] */
} golden;

static const golden goldens[] = {
    {.k = 2,
     .seed = 42,
     .cost = 8078.880698694562,
     .iterations = 12,
     .sizes = {328, 272},
     .centers = {28.52336483739836, 20.01180392156862}},
    {.k = 3,
     .seed = 42,
     .cost = 5427.465167846959,
     .iterations = 6,
     .sizes = {233, 128, 239},
     .centers = {29.048369098712445, 10.362562500000003, 28.05103068340307}},
    {.k = 5,
     .seed = 1,
     .cost = 1049.2960193588633,
     .iterations = 2,
     .sizes = {105, 128, 134, 122, 111},
     .centers = {28.03270793650794, 10.362562500000003, 28.06538805970149, 29.15377868852459, 28.932513513513516}},
    {.k = 5,
     .seed = 7,
     .random = true,
     .cost = 1049.2960193588633,
     .iterations = 11,
     .sizes = {111, 128, 134, 122, 105},
     .centers = {28.932513513513516, 10.362562500000003, 28.06538805970149, 29.15377868852459, 28.03270793650794}},
    {.k = 8,
     .seed = -3,
     .max_iter = 4,
     .cost = 834.8861910202075,
     .iterations = 4,
     .sizes = {111, 43, 41, 128, 40, 64, 51, 122},
     .centers = {28.932513513513516, 30.07166666666666, 29.245723577235772, 10.362562500000003, 26.309158333333336,
                 27.25561979166666, 27.751254901960777, 29.15377868852459}},
    {.k = 4,
     .seed = 5,
     .weighted = true,
     .init_steps = 5,
     .cost = 2561.9314347761233,
     .iterations = 2,
     .sizes = {239, 122, 128, 111},
     .centers = {28.089524955436723, 29.251934673366833, 10.343551418439716, 29.061227272727272}},
    {.k = 3,
     .seed = 9,
     .cosine = true,
     .cost = 14.417398533037327,
     .iterations = 4,
     .sizes = {189, 187, 224},
     .centers = {2.9841264917146955, 3.4510570018083264, 2.2354588484465703}},
    {.k = 4,
     .seed = 9,
     .cosine = true,
     .weighted = true,
     .random = true,
     .cost = 6.7737736413459295,
     .iterations = 5,
     .sizes = {178, 187, 110, 125},
     .centers = {3.472109258864581, 2.977130184707775, 1.9776581102909068, 2.42666782330579}},
    {.sparse = true,
     .k = 4,
     .seed = 2,
     .cost = 38611.65204321074,
     .iterations = 15,
     .sizes = {328, 89, 45, 138},
     .centers = {120.60365853658537, 195.57303370786516, 170.64444444444447, 98.71014492753625}},
    {.sparse = true,
     .k = 5,
     .seed = 3,
     .cosine = true,
     .cost = 218.6114997704753,
     .iterations = 9,
     .sizes = {117, 86, 104, 163, 130},
     .centers = {35.73784215849078, 23.970322503971662, 20.64123098812458, 19.51990155360527, 13.529819545176345}},
    {.sparse = true,
     .k = 6,
     .seed = 4,
     .weighted = true,
     .tol = -1,
     .max_iter = 50,
     .cost = 25912.723641186654,
     .iterations = 8,
     .sizes = {284, 68, 45, 100, 38, 65},
     .centers = {103.38222222222223, 228.8842105263158, 175.0, 179.08426966292134, 49.83636363636364,
                 77.78494623655914}},
    {.k = 3,
     .seed = 4,
     .max_iter = -1,
     .sizes = {252, 128, 220},
     .centers = {30.048108072916662, 10.930799479166666, 28.034299382716046}},
};

static ch_kmeans_params golden_params(const golden *g)
{
    ch_kmeans_params p = ch_kmeans_defaults();
    p.k = g->k;
    p.seed = g->seed;
    p.cosine = g->cosine;
    p.random_init = g->random;
    if (g->init_steps) p.init_steps = g->init_steps;
    if (g->max_iter) p.max_iter = g->max_iter < 0 ? 0 : g->max_iter;
    if (g->tol != 0) p.tol = 0;
    return p;
}

/* Sums of 600 numbers in another order: 1e-12 is a hundred times their rounding, and far from any other clustering. */
static void assert_close(double actual, double expected)
{
    if (!(fabs(actual - expected) <= 1e-12 * fmax(1, fabs(expected)))) fail_msg("%.17g is not %.17g", actual, expected);
}

static void check_golden(const golden *g, const ch_matrix *m)
{
    ch_kmeans_params p = golden_params(g);
    ch_error err;
    ch_kmeans_model model;
    assert_int_equal(ch_kmeans_fit(m, &p, &model, &err), 0);
    assert_int_equal(model.k, g->k);
    assert_int_equal(model.iterations, g->iterations);
    assert_close(model.cost, g->cost);
    for (size_t c = 0; c < g->k; c++) {
        double sum = 0;
        for (size_t j = 0; j < m->cols; j++) sum += (double)(j + 1) * model.centers[c * m->cols + j];
        assert_close(sum, g->centers[c]);
    }
    int32_t cluster[ROWS];
    size_t sizes[8] = {0};
    assert_int_equal(ch_kmeans_predict(&model, m, cluster, NULL, &err), 0);
    for (size_t i = 0; i < ROWS; i++) sizes[cluster[i]]++;
    assert_memory_equal(sizes, g->sizes, sizeof sizes);
    ch_kmeans_model_reset(&model);
}

static void fits_are_sparks(void **state)
{
    (void)state;
    fixture f = make_fixture();
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        ch_matrix m = goldens[i].sparse ? sparse(&f) : dense(&f);
        if (goldens[i].weighted) m.weight = f.weight;
        check_golden(&goldens[i], &m);
    }
}

/* Spark 4.1.3 on (1,2), (1,2), (5,2), seed 1: k = 3 finds two clusters, by either distance. */
static void fewer_points_than_clusters(void **state)
{
    (void)state;
    static const double rows[] = {1, 2, 1, 2, 5, 2};
    const ch_matrix m = {.rows = 3, .cols = 2, .dense = rows};
    ch_kmeans_params p = ch_kmeans_defaults();
    p.k = 3;
    p.seed = 1;
    ch_error err;
    ch_kmeans_model model;
    assert_int_equal(ch_kmeans_fit(&m, &p, &model, &err), 0);
    static const double expected[] = {5, 2, 1, 2};
    assert_int_equal(model.k, 2);
    assert_memory_equal(model.centers, expected, sizeof expected);
    assert_true(model.cost == 0 && model.iterations == 1);
    ch_kmeans_model_reset(&model);
    p.cosine = true;
    assert_int_equal(ch_kmeans_fit(&m, &p, &model, &err), 0);
    static const double unit[] = {0.92847669, 0.37139068, 0.4472136, 0.89442719}; /* as NumPy prints them */
    for (size_t i = 0; i < 4; i++) assert_true(fabs(model.centers[i] - unit[i]) < 1e-8);
    ch_kmeans_model_reset(&model);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    static const double rows[] = {1, 2, 0, 0, 5, 2};
    ch_matrix m = {.rows = 3, .cols = 2, .dense = rows};
    ch_kmeans_params p = ch_kmeans_defaults();
    p.cosine = true;
    ch_error err;
    ch_kmeans_model model;
    for (int random = 0; random < 2; random++) {
        p.random_init = random;
        assert_int_equal(ch_kmeans_fit(&m, &p, &model, &err), CH_E_SPARK);
        assert_string_equal(err.message, "assertion failed: Cosine distance is not defined for zero-length vectors.");
        assert_null(model.centers);
    }
    m.rows = 0;
    assert_int_equal(ch_kmeans_fit(&m, &p, &model, &err), CH_E_ILLEGAL_ARGUMENT);
    ch_task task;
    ch_task_init(&task);
    ch_task_cancel(&task);
    p.cosine = false;
    p.task = &task;
    m.rows = 3;
    assert_int_equal(ch_kmeans_fit(&m, &p, &model, &err), CH_E_CANCELLED);
}

static void ties_go_to_the_lowest_index(void **state)
{
    (void)state;
    static const double centers[] = {2, 0, -1, 0, 1, 0, -1, 0}, rows[] = {0, 0, -3, 0, 1.5, 0};
    const ch_matrix m = {.rows = 3, .cols = 2, .dense = rows};
    ch_error err;
    ch_kmeans_model model;
    assert_int_equal(ch_kmeans_model_init(&model, centers, 4, 2, false, &err), 0);
    int32_t cluster[3];
    double distance[3];
    assert_int_equal(ch_kmeans_predict(&model, &m, cluster, distance, &err), 0);
    static const int32_t expected[] = {1, 1, 0};
    static const double squares[] = {1, 4, 0.25};
    assert_memory_equal(cluster, expected, sizeof expected);
    assert_memory_equal(distance, squares, sizeof squares);
    ch_kmeans_model_reset(&model);
}

/* The three ways to find distances against a plain loop. */
static void every_path_finds_the_same_centers(void **state)
{
    (void)state;
    enum { N = 150 };
    static const size_t shapes[][2] = {{3, 5}, {40, 30}, {8, 64}, {1, 700}}; /* cols, k: small, BLAS, BLAS, small */
    ch_random r = ch_java_random(3);
    for (size_t s = 0; s < 8; s++) {
        const size_t cols = shapes[s / 2][0], k = shapes[s / 2][1];
        const bool cosine = s % 2;
        double *rows = malloc(N * cols * sizeof *rows), *centers = malloc(k * cols * sizeof *centers);
        size_t row_start[N + 1] = {0};
        int32_t *index = malloc(N * cols * sizeof *index), got[2][N];
        double distance[2][N];
        assert_true(rows && centers && index);
        for (size_t i = 0; i < N * cols; i++) rows[i] = ch_random_double(&r) - 0.5;
        for (size_t i = 0; i < k * cols; i++) centers[i] = ch_random_double(&r) - 0.5;
        for (size_t i = 0; i < N * cols; i++) index[i] = (int32_t)(i % cols);
        for (size_t i = 0; i <= N; i++) row_start[i] = i * cols;
        ch_error err;
        ch_kmeans_model model;
        assert_int_equal(ch_kmeans_model_init(&model, centers, k, cols, cosine, &err), 0);
        const ch_matrix d = {.rows = N, .cols = cols, .dense = rows};
        const ch_matrix c = {.rows = N, .cols = cols, .row_start = row_start, .index = index, .value = rows};
        assert_int_equal(ch_kmeans_predict(&model, &d, got[0], distance[0], &err), 0);
        assert_int_equal(ch_kmeans_predict(&model, &c, got[1], distance[1], &err), 0);
        for (size_t i = 0; i < N; i++) {
            double best = INFINITY;
            for (size_t q = 0; q < k; q++) {
                double square = 0, dot = 0, xx = 0, cc = 0;
                for (size_t j = 0; j < cols; j++) {
                    const double x = rows[i * cols + j], y = centers[q * cols + j];
                    square += (x - y) * (x - y);
                    dot += x * y;
                    xx += x * x;
                    cc += y * y;
                }
                best = fmin(best, cosine ? 1 - dot / sqrt(xx) / sqrt(cc) : square);
            }
            /* |x|^2 - 2xc + |c|^2 rounds relative to the norms, which are below 10 here. */
            for (int path = 0; path < 2; path++) assert_true(fabs(distance[path][i] - best) < 1e-13);
            if (cols > 1) assert_int_equal(got[0][i], got[1][i]);
        }
        ch_kmeans_model_reset(&model);
        free(rows);
        free(centers);
        free(index);
    }
}

static void threads_do_not_change_bits(void **state)
{
    (void)state;
    const size_t rows = 3 * CH_BLOCK_ROWS + 17, cols = 4;
    double *x = malloc(rows * cols * sizeof *x);
    assert_non_null(x);
    ch_random r = ch_java_random(5);
    for (size_t i = 0; i < rows * cols; i++) x[i] = ch_random_gaussian(&r);
    const ch_matrix m = {.rows = rows, .cols = cols, .dense = x};
    ch_kmeans_params p = ch_kmeans_defaults();
    p.k = 7;
    ch_error err;
    ch_kmeans_model first = {0}, model;
    for (int threads = 1; threads <= 3; threads++) {
        ch_threads_set(threads);
        assert_int_equal(ch_kmeans_fit(&m, &p, &model, &err), 0);
        if (threads > 1) {
            assert_memory_equal(model.centers, first.centers, 7 * cols * sizeof(double));
            assert_memory_equal(&model.cost, &first.cost, sizeof(double));
            ch_kmeans_model_reset(&model);
        } else {
            first = model;
        }
    }
    ch_threads_set(0);
    ch_kmeans_model_reset(&first);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fits_are_sparks),
        cmocka_unit_test(fewer_points_than_clusters),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(ties_go_to_the_lowest_index),
        cmocka_unit_test(every_path_finds_the_same_centers),
        cmocka_unit_test(threads_do_not_change_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
