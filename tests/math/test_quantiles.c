/* Quantiles: sorting against the C library's, ranks against the promise of the summary, percentiles worked by hand. The
 * very answers of Spark's summaries are in programs/aggregates.py. */
#include "math/quantiles.h"
#include "testing.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 60000 };

static double drawn[MANY], sorted[MANY], scratch[MANY];

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Numbers of both signs and all sizes, many of them twice. */
static void draw(size_t n)
{
    uint64_t state = UINT64_C(88172645463325252);
    for (size_t i = 0; i < n; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        drawn[i] = ldexp((double)(state % 20011) - 10000, (int)(state >> 40 & 63) - 32);
    }
    memcpy(sorted, drawn, n * sizeof *drawn);
    qsort(sorted, n, sizeof *sorted, ascending);
}

static void sorting(void **state)
{
    (void)state;
    draw(MANY);
    ch_sort_doubles(drawn, scratch, MANY);
    for (size_t i = 0; i < MANY; i++) assert_true(drawn[i] == sorted[i]);
    double few[] = {NAN, 1, -0.0, INFINITY, 0.0, -INFINITY, -1, -NAN};
    ch_sort_doubles(few, scratch, 8);
    assert_true(few[0] == -INFINITY && few[1] == -1 && few[2] == 0 && signbit(few[2]));
    assert_true(few[3] == 0 && !signbit(few[3]) && few[4] == 1 && few[5] == INFINITY);
    assert_true(isnan(few[6]) && isnan(few[7]));
}

/* How many ranks lie between the value and the one asked for. */
static double ranks_off(double value, size_t n, double p)
{
    size_t below = 0, upto = 0;
    while (below < n && sorted[below] < value) below++;
    for (upto = below; upto < n && sorted[upto] == value; upto++) continue;
    assert_true(upto > below); /* one of the values */
    double rank = p * (double)n;
    return rank < (double)below ? (double)below - rank : rank > (double)upto ? rank - (double)upto : 0;
}

static void summaries_keep_their_promise(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 3, 10, 999, 50000, MANY};
    static const double errors[] = {0, 0.0001, 0.01, 0.1, 0.5};
    double probs[21], out[21];
    for (int i = 0; i <= 20; i++) probs[i] = i / 20.0;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
            draw(sizes[s]);
            assert_true(ch_approx_quantiles(drawn, sizes[s], errors[e], probs, 21, out));
            for (int i = 0; i <= 20; i++) {
                double most = errors[e] * (double)sizes[s] + 1; /* a rank is a whole number */
                assert_true(ranks_off(out[i], sizes[s], probs[i]) <= most);
            }
            assert_true(out[0] == sorted[0]);
            if (errors[e] < 0.5) assert_true(out[20] == sorted[sizes[s] - 1]);
        }
    }
}

static void interpolated(void **state)
{
    (void)state;
    double values[] = {40, 10, 30, 20}, out[5];
    static const double probs[] = {0, 0.5, 0.25, 0.9, 1}, expected[] = {10, 25, 17.5, 37, 40};
    assert_true(ch_exact_percentiles(values, 4, probs, 5, out));
    for (int i = 0; i < 5; i++)
        assert_true(fabs(out[i] - expected[i]) < 1e-14); /* one rounding of each product, up to 40 */
    assert_true(ch_exact_percentiles(values, 1, probs, 5, out));
    for (int i = 0; i < 5; i++) assert_true(out[i] == 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorting),
        cmocka_unit_test(summaries_keep_their_promise),
        cmocka_unit_test(interpolated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
