/* The vectorisable exp and log1p against the C library's, which round correctly but for a few cases in a million. */
#include "math/elementary.h"
#include "testing.h"

#include <float.h>

/* Distance in units of the last place of the expected value. */
static double ulps(double actual, double expected)
{
    return fabs(actual - expected) / fmax(fabs(expected), DBL_MIN) / (DBL_EPSILON / 2);
}

static void exp_is_within_two_ulps(void **state)
{
    (void)state;
    double worst = 0;
    for (int i = -7079999; i < 7090000; i++) {
        double x = i * 1e-4;
        worst = fmax(worst, ulps(ch_exp(x), exp(x)));
    }
    for (int i = -1000; i <= 1000; i++) worst = fmax(worst, ulps(ch_exp(i * 1e-19), 1.0));
    assert_true(worst <= 4); /* halves of an ulp at the top of a binade count twice: 4 means 2 */
}

static void exp_has_its_limits(void **state)
{
    (void)state;
    assert_true(ch_exp(0.0) == 1.0);
    assert_true(ch_exp(-0.0) == 1.0);
    assert_true(ch_exp(-709.0) == 0.0);
    assert_true(ch_exp(-INFINITY) == 0.0);
    assert_true(ch_exp(710.0) == INFINITY);
    assert_true(ch_exp(INFINITY) == INFINITY);
    assert_true(isnan(ch_exp(NAN)));
}

static void log1p_is_within_two_ulps(void **state)
{
    (void)state;
    double worst = 0;
    for (int i = 0; i <= 10000000; i++) {
        double t = i * 1e-7;
        worst = fmax(worst, ulps(ch_log1p_unit(t), log1p(t)));
    }
    for (double t = 1; t > 1e-300; t *= 0.97) worst = fmax(worst, ulps(ch_log1p_unit(t), log1p(t)));
    assert_true(worst <= 4);
    assert_true(ch_log1p_unit(0.0) == 0.0);
    assert_true(isnan(ch_log1p_unit(NAN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_within_two_ulps),
        cmocka_unit_test(exp_has_its_limits),
        cmocka_unit_test(log1p_is_within_two_ulps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
