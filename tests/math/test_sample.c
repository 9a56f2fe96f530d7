/* takeSample against Spark 4.1.3: sc.parallelize(0 until rows, 1).takeSample(replace, num, seed). */
#include "math/sample.h"
#include "testing.h"

#include <stdlib.h>

static void picks_are_sparks(void **state)
{
    (void)state;
    static const struct {
        size_t rows;
        bool replace;
        size_t num;
        int64_t seed;
        size_t count;
        size_t first[12]; /* as many as there are */
        int64_t hash;     /* 31-polynomial over all of them */
    } goldens[] = {
        {20, false, 5, 42, 5, {13, 11, 4, 7, 17}, 12337552},
        {20, false, 15, 42, 15, {13, 11, 4, 7, 17, 16, 1, 18, 6, 2, 0, 14}, 3391283291176431795},
        {20, false, 30, 1, 20, {2, 17, 6, 15, 11, 13, 19, 8, 7, 12, 14, 10}, -3859309481798236374},
        {1000, false, 10, -7, 10, {273, 899, 735, 384, 367, 948, 709, 453, 673, 572}, 8005339869282643},
        {1500, false, 1, 123456789, 1, {932}, 932},
        {100000, false, 3, 99, 3, {64208, 2606, 30763}, 61815437},
        {1000, false, 200, 5, 200, {612, 32, 264, 198, 304, 660, 25, 630, 370, 26, 655, 538}, 7724863065776207560},
        {20, true, 5, 42, 5, {10, 1, 0, 7, 12}, 9265230},
        {1000, true, 10, 3, 10, {390, 971, 386, 29, 667, 68, 713, 631, 969, 255}, 11150274626991309},
        {30, true, 40, 8, 40, {8, 2, 16, 4, 29, 17, 20, 17, 1, 14, 7, 22}, -2009114829127906062},
        {1, false, 1, 5, 1, {0}, 0},
    };
    for (size_t g = 0; g < sizeof goldens / sizeof *goldens; g++) {
        size_t *picked, count;
        ch_error err;
        assert_int_equal(
            ch_take_sample(goldens[g].rows, goldens[g].replace, goldens[g].num, goldens[g].seed, &picked, &count, &err),
            0);
        assert_int_equal(count, goldens[g].count);
        uint64_t hash = 0;
        for (size_t i = 0; i < count; i++) {
            if (i < 12) assert_int_equal(picked[i], goldens[g].first[i]);
            hash = hash * 31 + picked[i];
        }
        assert_true(hash == (uint64_t)goldens[g].hash);
        free(picked);
    }
}

static void nothing_comes_from_nothing(void **state)
{
    (void)state;
    size_t *picked, count;
    ch_error err;
    assert_int_equal(ch_take_sample(0, false, 3, 1, &picked, &count, &err), 0);
    assert_int_equal(count, 0);
    free(picked);
    assert_int_equal(ch_take_sample(5, true, 0, 1, &picked, &count, &err), 0);
    assert_int_equal(count, 0);
    free(picked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picks_are_sparks),
        cmocka_unit_test(nothing_comes_from_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
