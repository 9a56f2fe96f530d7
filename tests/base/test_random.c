/* test_random.c: the generators against values printed by real Spark, by java.util.Random and by commons-math3. */
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Equality to the last bit: these generators have no rounding of their own. */
#define assert_same(a, b) assert_true((a) == (b))

/* 31-polynomial hash of a stream, as the Java program that made the expected values computed it. */
static int64_t mix(int64_t hash, int64_t value)
{
    return (int64_t)((uint64_t)hash * 31U + (uint64_t)value);
}

/* Spark 4.0.1: spark.range(0, 6, 1, 2).select(rand(seed)); partition p uses seed + p. */
static void xorshift_doubles_are_sparks_rand(void **state)
{
    (void)state;
    ch_random r = ch_xorshift_random(0);
    assert_same(ch_random_double(&r), 0.7604953758285915);
    assert_same(ch_random_double(&r), 0.5234194256885571);
    assert_same(ch_random_double(&r), 0.0953472826424725);
    r = ch_xorshift_random(1);
    assert_same(ch_random_double(&r), 0.6363787615254752);
    assert_same(ch_random_double(&r), 0.5993846534021868);
    assert_same(ch_random_double(&r), 0.134842710012538);
    r = ch_xorshift_random(42);
    assert_same(ch_random_double(&r), 0.619189370225301);
    assert_same(ch_random_double(&r), 0.5096018842446481);
    assert_same(ch_random_double(&r), 0.8325259388871524);
    r = ch_xorshift_random(43);
    assert_same(ch_random_double(&r), 0.8017532427858894);
}

/* Spark 4.0.1: randn(0) over the same range. */
static void xorshift_gaussians_are_sparks_randn(void **state)
{
    (void)state;
    ch_random r = ch_xorshift_random(0);
    assert_same(ch_random_gaussian(&r), 1.6034991609278433);
    assert_same(ch_random_gaussian(&r), 0.14416006165776865);
    assert_same(ch_random_gaussian(&r), -0.6253564498627744);
    r = ch_xorshift_random(1);
    assert_same(ch_random_gaussian(&r), 1.6845611254444919);
    assert_same(ch_random_gaussian(&r), 1.2276070094376463);
    assert_same(ch_random_gaussian(&r), 0.7360632906893385);
}

/* OpenJDK 17: new Random(42) asked in this order. */
static void java_random_draws_every_type(void **state)
{
    (void)state;
    ch_random r = ch_java_random(42);
    assert_int_equal(ch_random_int(&r), -1170105035);
    assert_int_equal(ch_random_int_below(&r, 10), 3);
    assert_int_equal(ch_random_int_below(&r, 1 << 10), 699);
    assert_int_equal(ch_random_int_below(&r, 1610612737), 102948884);
    assert_true(ch_random_long(&r) == 5694868678511409995);
    assert_same(ch_random_float(&r), 0.27707845f);
    assert_same(ch_random_double(&r), 0.7077105889551186);
    assert_same(ch_random_gaussian(&r), -0.8761154839986063);
    assert_same(ch_random_gaussian(&r), -0.10449443722947346);
}

/* OpenJDK 17: new Random(7), a million nextGaussian() by their bits, then a million nextInt(1610612737), where a
 * quarter of the draws is rejected. */
static void long_java_streams_agree(void **state)
{
    (void)state;
    ch_random r = ch_java_random(7);
    int64_t hash = 0;
    for (int i = 0; i < 1000000; i++) {
        double value = ch_random_gaussian(&r);
        int64_t bits;
        memcpy(&bits, &value, sizeof bits);
        hash = mix(hash, bits);
    }
    assert_true(hash == 6753225716223565804);
    hash = 0;
    for (int i = 0; i < 1000000; i++) hash = mix(hash, ch_random_int_below(&r, 1610612737));
    assert_true(hash == -5244278029844865071);
}

static void skipping_equals_stepping(void **state)
{
    (void)state;
    ch_random r = ch_xorshift_random(42);
    uint64_t start = r.state;
    assert_true(ch_xorshift_skip(start, 0) == start);
    for (uint64_t step = 1; step <= 1000; step++) {
        ch_random_next(&r, 32);
        assert_true(ch_xorshift_skip(start, step) == r.state);
    }
    /* Composition reaches the powers that stepping cannot. */
    uint64_t far = (1ULL << 63) + 12345;
    assert_true(ch_xorshift_skip(ch_xorshift_skip(start, far), 77) == ch_xorshift_skip(start, far + 77));
}

/* Austin Appleby's published verification vectors of MurmurHash3_x86_32. */
static void murmur3_is_the_standard_one(void **state)
{
    (void)state;
    assert_int_equal(ch_murmur3_scala("", 0, 0), 0);
    assert_int_equal(ch_murmur3_scala("", 0, 1), 0x514E28B7);
    assert_int_equal(ch_murmur3_scala("\0\0\0\0", 4, 0), 0x2362F9DE);
    assert_int_equal(ch_murmur3_scala("aaa", 3, 0x9747b28c), 0x283e0130);
    assert_int_equal(ch_murmur3_scala("Hello, world!", 13, 0x9747b28c), 0x24884CBA);
}

/* commons-math3 3.6.1, OpenJDK 17: PoissonDistribution(mean) reseeded with -12345678901234, 200,000 samples. */
static void poisson_streams_agree(void **state)
{
    (void)state;
    static const struct {
        double mean;
        int64_t hash;
        int32_t first[10];
    } rows[] = {
        {0.5, -4188019687002032633, {1, 0, 2, 0, 0, 0, 0, 1, 3, 0}},
        {1.0, -6425797884735463844, {1, 0, 3, 0, 0, 0, 2, 3, 0, 1}},
        {3.7, -3698589712763045924, {5, 2, 7, 2, 3, 3, 2, 2, 1, 1}},
        {39.9, -5376053909384830030, {35, 37, 42, 38, 37, 48, 41, 31, 48, 32}},
        {40.0, 2076385270616765456, {31, 35, 39, 39, 27, 47, 46, 42, 44, 46}},
        {41.3, -7199623561935517291, {42, 42, 43, 38, 40, 50, 51, 45, 45, 37}},
        {1000.25, 6418172524940503198, {1005, 1006, 1003, 980, 993, 968, 1027, 1010, 990, 988}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ch_poisson *p = ch_poisson_new(rows[i].mean, -12345678901234);
        assert_non_null(p);
        int64_t hash = 0;
        for (int n = 0; n < 200000; n++) {
            int32_t sample = ch_poisson_next(p);
            if (n < 10) assert_int_equal(sample, rows[i].first[n]);
            hash = mix(hash, sample);
        }
        assert_true(hash == rows[i].hash);
        ch_poisson_free(p);
    }
}

/* ch_poisson_fill takes other ways to the same stream: it must agree with ch_poisson_next, call by call. */
static void poisson_fill_is_many_nexts(void **state)
{
    (void)state;
    static const double means[] = {0.001, 0.1, 0.2, 0.632, 1.0, 1.5, 41.0};
    static const size_t sizes[] = {1, 5000, 3, 256, 300, 0, 777};
    for (size_t i = 0; i < sizeof means / sizeof *means; i++) {
        ch_poisson *fast = ch_poisson_new(means[i], 42), *slow = ch_poisson_new(means[i], 42);
        assert_true(fast && slow);
        int32_t out[5000];
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            ch_poisson_fill(fast, out, sizes[k]);
            for (size_t n = 0; n < sizes[k]; n++) assert_int_equal(out[n], ch_poisson_next(slow));
            assert_int_equal(ch_poisson_next(fast), ch_poisson_next(slow));
        }
        ch_poisson_free(fast);
        ch_poisson_free(slow);
    }
}

/* Spark 4.0.1: spark.range(0, 20, 1, 2).sample(True, 0.5, 7): partition p is seeded with the (p+1)-th nextLong of
 * java.util.Random(7). */
static void sample_with_replacement_is_sparks(void **state)
{
    (void)state;
    static const int expected[] = {0, 3, 7, 7, 9, 10, 11, 15, 16, 18};
    ch_random seeds = ch_java_random(7);
    int at = 0;
    for (int id = 0; id < 20; id += 10) {
        ch_poisson *p = ch_poisson_new(0.5, ch_random_long(&seeds));
        assert_non_null(p);
        for (int i = 0; i < 10; i++)
            for (int32_t copies = ch_poisson_next(p); copies > 0; copies--) assert_int_equal(expected[at++], id + i);
        ch_poisson_free(p);
    }
    assert_int_equal(at, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xorshift_doubles_are_sparks_rand),
        cmocka_unit_test(xorshift_gaussians_are_sparks_randn),
        cmocka_unit_test(java_random_draws_every_type),
        cmocka_unit_test(long_java_streams_agree),
        cmocka_unit_test(skipping_equals_stepping),
        cmocka_unit_test(murmur3_is_the_standard_one),
        cmocka_unit_test(poisson_streams_agree),
        cmocka_unit_test(poisson_fill_is_many_nexts),
        cmocka_unit_test(sample_with_replacement_is_sparks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
