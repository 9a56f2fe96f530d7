/* Column statistics against Spark 4.1.3's ml.stat.Summarizer over the same 200 rows in one partition. */
#include "base/thread.h"
#include "math/summarize.h"
#include "testing.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 200, COLS = 5 };

typedef struct fixture {
    double rows[ROWS * COLS], weight[ROWS];
    size_t row_start[ROWS + 1];
    int32_t index[ROWS * COLS];
    double value[ROWS * COLS];
} fixture;

/* The linear congruential generator of the Python script that asked Spark. */
static fixture make_fixture(void)
{
    fixture f = {0};
    uint32_t s = 12345;
#define NEXT() (s = (s * 1103515245u + 12345u) & 0x7fffffffu)
    for (size_t i = 0; i < ROWS; i++) {
        double *row = f.rows + i * COLS;
        row[0] = NEXT() % 1000 / 7.0 - 50;
        row[1] = NEXT() % 3 ? 0.0 : NEXT() % 100 / 3.0;
        row[2] = -(double)(NEXT() % 50) / 10.0;
        row[3] = 1e6 + NEXT() % 10 / 10.0;
        f.weight[i] = NEXT() % 4 / 2.0;
    }
#undef NEXT
    size_t nnz = 0;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < COLS; j++) {
            if (f.rows[i * COLS + j] == 0) continue;
            f.index[nnz] = (int32_t)j;
            f.value[nnz++] = f.rows[i * COLS + j];
        }
        f.row_start[i + 1] = nnz;
    }
    return f;
}

/* Spark's numbers in the order mean, sum, variance, std, nonzeros, max, min, L1, L2. */
static const double unweighted[9][COLS] = {
    {21.217857142857138, 4.12, -2.329999999999999, 1000000.4010000003, 0},
    {4243.5714285714275, 824, -465.9999999999999, 200000080.20000005, 0},
    {1775.4215849656441, 71.66726968174204, 2.01075376884422, 0.07818994974312207, 0},
    {42.13575186187668, 8.465652348268387, 1.4180104967327358, 0.27962465868217357, 0},
    {200, 53, 197, 200, 0},
    {92.28571428571428, 33, 0, 1000000.9, 0},
    {-50, 0, -4.9, 1000000, 0},
    {7889.285714285711, 824.0000000000001, 465.9999999999999, 200000080.20000002, 0},
    {665.8441167083345, 132.87839051804724, 38.547632871552565, 14142141.294727886, 0},
};
static const double weighted[9][COLS] = {
    {20.921768707482997, 3.7392290249433113, -2.30204081632653, 1000000.4054421767, 0},
    {3075.5000000000005, 549.6666666666667, -338.39999999999986, 147000059.6, 0},
    {1757.5204893180332, 62.62866042644941, 2.1843562832353762, 0.08348819854019482, 0},
    {41.922792002895434, 7.913827166829549, 1.477956793426444, 0.288943244496553, 0},
    {146, 37, 145, 146, 0},
    {92.28571428571428, 33, 0, 1000000.9, 0},
    {-48.714285714285715, 0, -4.9, 1000000, 0},
    {5771.78571428571, 549.6666666666666, 338.4, 147000059.60000002, 0},
    {566.2649106024422, 105.77754435081621, 33.12959402105616, 12124360.568707792, 0},
};

/* Bit for bit: same operations in the same order. */
static void assert_is(const ch_summary *s, const double expected[9][COLS], int64_t count)
{
    const double *actual[9] = {s->mean, s->sum, s->variance, s->std,    s->nonzeros,
                               s->max,  s->min, s->norm_l1,  s->norm_l2};
    assert_true(s->count == count);
    for (size_t a = 0; a < 9; a++)
        for (size_t j = 0; j < COLS; j++)
            if (actual[a][j] != expected[a][j])
                fail_msg("array %zu column %zu: %.17g is not %.17g", a, j, actual[a][j], expected[a][j]);
}

static void dense_and_sparse_are_sparks(void **state)
{
    (void)state;
    fixture f = make_fixture();
    ch_error err;
    for (int sparse = 0; sparse < 2; sparse++) {
        ch_matrix m = {.rows = ROWS, .cols = COLS};
        if (sparse) {
            m.row_start = f.row_start;
            m.index = f.index;
            m.value = f.value;
        } else {
            m.dense = f.rows;
        }
        ch_summary s;
        assert_int_equal(ch_summarize(&m, NULL, NULL, &s, &err), 0);
        assert_is(&s, unweighted, ROWS);
        assert_true(s.weight_sum == 200);
        ch_summary_reset(&s);
        m.weight = f.weight;
        assert_int_equal(ch_summarize(&m, NULL, NULL, &s, &err), 0);
        assert_is(&s, weighted, 146);
        ch_summary_reset(&s);
    }
}

static void batches_are_the_same_as_a_matrix(void **state)
{
    (void)state;
    fixture f = make_fixture();
    ch_error err;
    ch_summarizer *stream = ch_summarizer_new(COLS);
    assert_non_null(stream);
    for (size_t at = 0; at < ROWS; at += 30)
        ch_summarizer_add(stream, f.rows + at * COLS, f.weight + at, at + 30 > ROWS ? ROWS - at : 30);
    ch_summary s;
    assert_int_equal(ch_summarizer_finish(stream, &s, &err), 0);
    assert_is(&s, weighted, 146);
    ch_summary_reset(&s);
    ch_summarizer_free(stream);
}

static void no_rows_count_nothing(void **state)
{
    (void)state;
    fixture f = make_fixture();
    memset(f.weight, 0, sizeof f.weight);
    ch_error err;
    for (size_t rows = 0; rows <= ROWS; rows += ROWS) {
        ch_matrix m = {.rows = rows, .cols = COLS, .dense = f.rows, .weight = f.weight};
        ch_summary s;
        assert_int_equal(ch_summarize(&m, NULL, NULL, &s, &err), 0);
        assert_true(s.count == 0 && s.weight_sum == 0 && s.mean[0] == 0 && s.std[3] == 0);
        assert_true(s.max[0] == -DBL_MAX && s.min[0] == DBL_MAX);
        ch_summary_reset(&s);
    }
}

/* Chunks are merged with another formula than rows: the merged result must agree with the whole within rounding, and
 * must not depend on the number of threads. */
static void chunks_merge_into_the_whole(void **state)
{
    (void)state;
    const size_t rows = CH_SUMMARY_CHUNK_ROWS + 5000, cols = 2;
    double *values = malloc(rows * cols * sizeof *values);
    assert_non_null(values);
    double exact_sum = 0;
    for (size_t i = 0; i < rows; i++) {
        values[2 * i] = (double)(i % 1000);
        values[2 * i + 1] = i % 2 ? 0.0 : (double)(i / 2);
        exact_sum += values[2 * i];
    }
    double exact_square = 0; /* of deviations, from integers that a double holds exactly */
    for (size_t i = 0; i < rows; i++) exact_square += values[2 * i] * values[2 * i];
    const double n = (double)rows, variance = (exact_square - exact_sum * exact_sum / n) / (n - 1);
    ch_matrix m = {.rows = rows, .cols = cols, .dense = values};
    ch_error err;
    ch_summary first;
    for (int threads = 1; threads <= 3; threads++) {
        ch_threads_set(threads);
        ch_summary s;
        assert_int_equal(ch_summarize(&m, NULL, NULL, &s, &err), 0);
        /* A million roundings of 1e-16, mostly cancelling. */
        assert_true(fabs(s.mean[0] - exact_sum / n) < 1e-11 * s.mean[0]);
        assert_true(fabs(s.variance[0] - variance) < 1e-11 * variance);
        assert_true(s.max[1] == (double)((rows - 1) / 2) && s.min[1] == 0);
        if (threads > 1) {
            assert_memory_equal(s.mean, first.mean, cols * 9 * sizeof(double));
            ch_summary_reset(&s);
        } else {
            first = s;
        }
    }
    ch_threads_set(0);
    ch_summary_reset(&first);
    free(values);
}

/* Two workers, each with half of the rows: the second's share is added by hand as a comm would. */
typedef struct fake_comm {
    ch_comm base;
    const double *other; /* what the other worker contributes */
    double *seen;        /* or: where to keep what this one contributed */
} fake_comm;

static int fake_sum(ch_comm *comm, double *values, size_t n, ch_error *err)
{
    (void)err;
    fake_comm *fake = (fake_comm *)comm;
    if (fake->seen) memcpy(fake->seen, values, n * sizeof *values);
    if (fake->other)
        for (size_t i = 0; i < n; i++) values[i] += fake->other[i];
    return 0;
}

static void workers_add_up(void **state)
{
    (void)state;
    fixture f = make_fixture();
    ch_error err;
    double share[2 * (3 + 8 * COLS)];
    fake_comm second = {.base = {.rank = 1, .size = 2, .sum = fake_sum}, .seen = share};
    ch_matrix m = {.rows = ROWS / 2, .cols = COLS, .dense = f.rows + ROWS / 2 * COLS};
    ch_summary s;
    assert_int_equal(ch_summarize(&m, &second.base, NULL, &s, &err), 0);
    ch_summary_reset(&s);
    fake_comm first = {.base = {.rank = 0, .size = 2, .sum = fake_sum}, .other = share};
    m.dense = f.rows;
    assert_int_equal(ch_summarize(&m, &first.base, NULL, &s, &err), 0);
    assert_true(s.count == ROWS);
    for (size_t j = 0; j < COLS; j++) { /* 200 roundings, each relative to the values and not to their spread */
        assert_true(fabs(s.mean[j] - unweighted[0][j]) <= 1e-13 * fabs(unweighted[0][j]));
        assert_true(fabs(s.std[j] - unweighted[3][j]) <= 1e-14 * fmax(unweighted[5][j], -unweighted[6][j]));
        assert_true(s.max[j] == unweighted[5][j] && s.min[j] == unweighted[6][j]);
    }
    ch_summary_reset(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense_and_sparse_are_sparks),
        cmocka_unit_test(batches_are_the_same_as_a_matrix),
        cmocka_unit_test(no_rows_count_nothing),
        cmocka_unit_test(chunks_merge_into_the_whole),
        cmocka_unit_test(workers_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
