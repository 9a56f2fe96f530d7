/* The minimisers against runs of Breeze 2.1 itself (breeze.optimize.LBFGS and OWLQN on the same functions). */
#include "math/optimize.h"
#include "testing.h"

#include <math.h>
#include <string.h>

/* Both sides compute in double but sum in different order, and each iteration magnifies that: 1e-9 relative leaves
 * room for some forty iterations and is far below any difference that another line search would make. */
#define SAME_ITERATES 1e-9

static void assert_close(double actual, double expected, double tolerance)
{
    if (!(fabs(actual - expected) <= tolerance * fmax(1, fabs(expected))))
        fail_msg("%.17g is not %.17g (tolerance %g)", actual, expected, tolerance);
}

static void assert_close_array(const double *actual, const double *expected, size_t n, double tolerance)
{
    for (size_t i = 0; i < n; i++) assert_close(actual[i], expected[i], tolerance);
}

/* Extended Rosenbrock function. */
static int rosenbrock(void *context, const double *x, double *value, double *gradient, ch_error *err)
{
    (void)err;
    size_t n = *(size_t *)context;
    memset(gradient, 0, n * sizeof *gradient);
    *value = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
        *value += 100 * a * a + b * b;
        gradient[i] += -400 * a * x[i] - 2 * b;
        gradient[i + 1] += 200 * a;
    }
    return 0;
}

/* A coupled quadratic whose unpenalised minimum lies off the axes. */
static int quadratic(void *context, const double *x, double *value, double *gradient, ch_error *err)
{
    (void)err;
    size_t n = *(size_t *)context;
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        double scale = (double)(i + 1), d = x[i] - (i % 2 ? -0.3 : 1.0) * scale;
        *value += 0.5 * scale * d * d;
        gradient[i] = scale * d;
    }
    for (size_t i = 0; i + 1 < n; i++) {
        double d = x[i] - x[i + 1];
        *value += 0.25 * d * d;
        gradient[i] += 0.5 * d;
        gradient[i + 1] -= 0.5 * d;
    }
    return 0;
}

/* sum (i + 1) x - log x: not a number left of 0, infinite at it. */
static int barrier(void *context, const double *x, double *value, double *gradient, ch_error *err)
{
    (void)err;
    size_t n = *(size_t *)context;
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        *value += x[i] * (double)(i + 1) - log(x[i]);
        gradient[i] = (double)(i + 1) - 1.0 / x[i];
    }
    return 0;
}

/* A gradient of the wrong sign: no line search can succeed. */
static int liar(void *context, const double *x, double *value, double *gradient, ch_error *err)
{
    (void)err;
    size_t n = *(size_t *)context;
    *value = 0;
    for (size_t i = 0; i < n; i++) {
        *value += 0.5 * x[i] * x[i];
        gradient[i] = -x[i];
    }
    return 0;
}

static int broken(void *context, const double *x, double *value, double *gradient, ch_error *err)
{
    if (++*(int *)context == 3) return ch_failf(err, CH_E_SPARK, "worker lost");
    size_t n = 2;
    return rosenbrock(&n, x, value, gradient, err);
}

typedef int evaluate_fn(void *context, const double *x, double *value, double *gradient, ch_error *err);

static ch_minimize_result minimize(evaluate_fn *eval, size_t n, double *x, ch_minimize_options options)
{
    ch_error err;
    ch_minimize_result result;
    if (!options.memory) options.memory = 10;
    int status = ch_minimize(&(ch_objective){n, eval, &n}, &options, x, &result, &err);
    assert_int_equal(status, 0);
    return result;
}

static void rosenbrock_start(double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = i % 2 ? 1.0 : -1.2;
}

static void lbfgs_follows_breeze(void **state)
{
    (void)state;
    static const double expected[] = {
        2057.0000000000005, 707.3707138309857,  295.3293968365444, 118.86964484638774, 39.44642412501241,
        16.576547497337828, 10.283852105136113, 9.607492585721642, 9.55642801051674,   9.54697038931769,
        9.544685291379317,  9.535283445222746,  9.512932210000764, 9.486663945631541,  9.442568184451712,
        9.287625390754883,  9.055064453777364,  8.909859006678214, 8.470865637815065,  8.102119584159068,
        8.021856958975178,  7.864835489653607,  7.48425362429228,  7.322751161992783,  7.118014000264099};
    double x[10];
    rosenbrock_start(x, 10);
    ch_minimize_result r = minimize(rosenbrock, 10, x, (ch_minimize_options){.max_iter = 200, .tolerance = 1e-6});
    assert_int_equal(r.stop, CH_STOP_VALUES_CONVERGED);
    assert_close_array(r.history, expected, sizeof expected / sizeof *expected, SAME_ITERATES);
    for (size_t i = 0; i < 10; i++) assert_close(x[i], 1.0, 1e-6); /* its analytic minimum; tol = 1e-6 */
    ch_minimize_result_reset(&r);
}

static void lbfgs_forgets_beyond_its_memory(void **state)
{
    (void)state;
    static const double expected[] = {2057.0000000000005, 707.3707138309857,  295.3293968365444,  118.86964484638774,
                                      39.44642412501241,  16.664001543947233, 10.305491229404415, 9.598900093426712,
                                      9.560324091092175,  9.547354463484668,  9.543126714170292,  9.428501718640089,
                                      9.415543491951386};
    static const double end[] = {
        -0.21700308162331933, 0.04804835892514507,  -0.007150974342170201, 0.001104449661328342,  0.014105794556713045,
        0.01595320372665457,  0.015147125365997889, 0.004441618165401412,  -0.006535109138577801, 0.013990852935937576};
    double x[10];
    rosenbrock_start(x, 10);
    ch_minimize_result r =
        minimize(rosenbrock, 10, x, (ch_minimize_options){.max_iter = 12, .tolerance = 1e-6, .memory = 3});
    assert_int_equal(r.stop, CH_STOP_MAX_ITERATIONS);
    assert_int_equal(r.nhistory, 13);
    assert_close_array(r.history, expected, 13, SAME_ITERATES);
    assert_close_array(x, end, 10, SAME_ITERATES);
    ch_minimize_result_reset(&r);
}

static void owlqn_follows_breeze(void **state)
{
    (void)state;
    static const double expected[] = {89.46,
                                      79.4288609491123,
                                      35.543866182767324,
                                      35.336618681157255,
                                      35.26233372592821,
                                      35.251744158903776,
                                      35.25074072576202,
                                      35.24992838960523,
                                      35.24989871379461,
                                      35.2498986903959,
                                      35.24989869038795,
                                      35.24989869038794};
    static const double end[] = {0.6666666708446765, 0.0, 1.7486533230761632, -0.010773412713926747, 3.743612552213939,
                                 -1.0658759587621784};
    static const double l1[] = {0, 2, 2, 2, 2, 2};
    double x[6] = {0};
    ch_minimize_result r =
        minimize(quadratic, 6, x, (ch_minimize_options){.max_iter = 100, .tolerance = 1e-9, .l1 = l1});
    assert_int_equal(r.stop, CH_STOP_GRADIENT_CONVERGED);
    assert_int_equal(r.nhistory, 12);
    assert_close_array(r.history, expected, 12, SAME_ITERATES);
    assert_close_array(x, end, 6, SAME_ITERATES);
    assert_true(x[1] == 0); /* exactly: the point of the penalty */
    ch_minimize_result_reset(&r);
}

static void owlqn_crosses_orthants_from_any_start(void **state)
{
    (void)state;
    static const double expected[] = {178.13000000000005, 127.22275455862491, 89.92177674292503, 52.704583742969284,
                                      38.71663748955893,  38.57634018223315,  38.54052319934865, 38.53740650596699,
                                      38.53726411104907,  38.53711879212503,  38.53711828012682, 38.53711827957341};
    static const double l1[] = {0, 0.7, 1.4, 2.1, 2.8, 3.5};
    double x[6];
    rosenbrock_start(x, 6);
    ch_minimize_result r =
        minimize(quadratic, 6, x, (ch_minimize_options){.max_iter = 100, .tolerance = 1e-6, .l1 = l1});
    assert_int_equal(r.nhistory, 12);
    assert_close_array(r.history, expected, 12, SAME_ITERATES);
    ch_minimize_result_reset(&r);
}

/* A curved valley makes OWL-QN's line search fail its own conditions now and then: the objective even rises. */
static void owlqn_takes_breezes_bad_steps_too(void **state)
{
    (void)state;
    static const double expected[] = {1043.8999999999999, 506.73051124237026, 209.23364844681868, 100.6886897580482,
                                      41.416752034943734, 9.108275490262411,  7.235001574075447,  5.947849004760739,
                                      5.918070559505264,  5.855495107849857,  7.302536941495134,  4.524785247134826,
                                      4.422021354121451,  7.005289339064027,  4.312660726404385,  4.311917298906568,
                                      4.308445103050454,  4.306244899590307,  4.2891101682243855, 4.190905973733387};
    static const double l1[] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
    double x[6];
    rosenbrock_start(x, 6);
    ch_minimize_result r =
        minimize(rosenbrock, 6, x, (ch_minimize_options){.max_iter = 60, .tolerance = 1e-6, .l1 = l1});
    assert_int_equal(r.nhistory, 61);
    assert_close_array(r.history, expected, sizeof expected / sizeof *expected, SAME_ITERATES);
    ch_minimize_result_reset(&r);
}

static void search_comes_back_into_the_domain(void **state)
{
    (void)state;
    static const double expected[] = {13.531918412977806, 10.843804395570308, 7.90797431755086,  5.635547330934992,
                                      4.997219137719383,  4.878211867612021,  4.814768637058929, 4.794072737154224,
                                      4.792260512974238,  4.792047360724643,  4.791893247651189, 4.791800839097263,
                                      4.7917596548349275, 4.791759471270464,  4.791759469239292, 4.791759469228211};
    double x[3] = {0.9, 0.01, 3.0};
    ch_minimize_result r = minimize(barrier, 3, x, (ch_minimize_options){.max_iter = 50, .tolerance = 1e-6});
    assert_int_equal(r.nhistory, 16);
    assert_close_array(r.history, expected, 16, SAME_ITERATES);
    ch_minimize_result_reset(&r);
}

/* Breeze drops the history once, then gives up; both attempts leave the start's value in the history. */
static void hopeless_search_ends(void **state)
{
    (void)state;
    double x[3] = {-1.2, 1.0, -1.2};
    ch_minimize_result r = minimize(liar, 3, x, (ch_minimize_options){.max_iter = 50, .tolerance = 1e-6});
    assert_int_equal(r.stop, CH_STOP_SEARCH_FAILED);
    assert_int_equal(r.nhistory, 3);
    for (size_t i = 0; i < 3; i++) assert_close(r.history[i], 1.94, 1e-15); /* one sum of three squares */
    ch_minimize_result_reset(&r);
}

static void no_iterations_means_the_start(void **state)
{
    (void)state;
    double x[4];
    rosenbrock_start(x, 4);
    ch_minimize_result r = minimize(rosenbrock, 4, x, (ch_minimize_options){.max_iter = 0, .tolerance = 1e-6});
    assert_int_equal(r.stop, CH_STOP_MAX_ITERATIONS);
    assert_int_equal(r.nhistory, 1);
    assert_int_equal(r.evaluations, 1);
    assert_close(r.history[0], 532.4, 1e-15); /* exact arithmetic on short decimals, one rounding each */
    assert_true(x[0] == -1.2 && x[3] == 1.0);
    ch_minimize_result_reset(&r);
}

static void objective_errors_come_through(void **state)
{
    (void)state;
    int calls = 0;
    double x[2] = {-1.2, 1.0};
    ch_error err;
    ch_minimize_result r;
    ch_minimize_options options = {.max_iter = 50, .tolerance = 1e-6, .memory = 10};
    assert_int_equal(ch_minimize(&(ch_objective){2, broken, &calls}, &options, x, &r, &err), CH_E_SPARK);
    assert_string_equal(err.message, "worker lost");
    assert_null(r.history);
}

static void cancelling_stops_it(void **state)
{
    (void)state;
    size_t n = 2;
    double x[2] = {-1.2, 1.0};
    ch_error err;
    ch_minimize_result r;
    ch_task task;
    ch_task_init(&task);
    ch_task_cancel(&task);
    ch_minimize_options options = {.max_iter = 50, .tolerance = 1e-6, .memory = 10, .task = &task};
    assert_int_equal(ch_minimize(&(ch_objective){2, rosenbrock, &n}, &options, x, &r, &err), CH_E_CANCELLED);
}

/* (x0 - 3)^2 + (x1 + 2)^2 + x0 x1 + (x2 - 1)^2 */
static int bowl(void *context, const double *x, double *value, double *gradient, ch_error *err)
{
    (void)context;
    (void)err;
    const double a = x[0] - 3, b = x[1] + 2, c = x[2] - 1;
    *value = a * a + b * b + x[0] * x[1] + c * c;
    gradient[0] = 2 * a + x[1];
    gradient[1] = 2 * b + x[0];
    gradient[2] = 2 * c;
    return 0;
}

/* Worked by hand: with x0 <= 2 on its bound, x1 minimises (x1 + 2)^2 + 2 x1, which is at -3, but may not go below -2.5;
 * x2 is free. Without bounds that matter the minimum solves 2 x0 + x1 = 6, x0 + 2 x1 = -4. The tolerance is the square
 * root of the precision of numbers: the function is flat at its minimum. */
static void bounds_hold(void **state)
{
    (void)state;
    ch_error err;
    ch_minimize_result r;
    const ch_objective f = {3, bowl, NULL};
    const ch_minimize_options options = {.max_iter = 100, .tolerance = 1e-6, .memory = 10};
    const double low[3] = {-INFINITY, -2.5, -10}, high[3] = {2, INFINITY, 10};
    double x[3] = {50, -50, 0}; /* outside */
    assert_int_equal(ch_minimize_bounded(&f, &options, low, high, x, &r, &err), 0);
    assert_true(x[0] == 2);
    assert_true(x[1] == -2.5);
    assert_true(fabs(x[2] - 1) < 1e-8);
    assert_int_equal(r.stop, CH_STOP_GRADIENT_CONVERGED);
    for (size_t k = 1; k < r.nhistory; k++) assert_true(r.history[k] <= r.history[k - 1]);
    ch_minimize_result_reset(&r);
    const double none[3] = {-INFINITY, -INFINITY, -INFINITY}, top[3] = {INFINITY, INFINITY, INFINITY};
    assert_int_equal(ch_minimize_bounded(&f, &options, none, top, x, &r, &err), 0);
    assert_true(fabs(x[0] - 16.0 / 3) < 1e-8);
    assert_true(fabs(x[1] + 14.0 / 3) < 1e-8);
    ch_minimize_result_reset(&r);
    const double point[3] = {1, 2, 3}; /* no room at all */
    assert_int_equal(ch_minimize_bounded(&f, &options, point, point, x, &r, &err), 0);
    assert_true(x[0] == 1);
    assert_true(x[2] == 3);
    ch_minimize_result_reset(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lbfgs_follows_breeze),
        cmocka_unit_test(lbfgs_forgets_beyond_its_memory),
        cmocka_unit_test(owlqn_follows_breeze),
        cmocka_unit_test(owlqn_crosses_orthants_from_any_start),
        cmocka_unit_test(owlqn_takes_breezes_bad_steps_too),
        cmocka_unit_test(search_comes_back_into_the_domain),
        cmocka_unit_test(hopeless_search_ends),
        cmocka_unit_test(no_iterations_means_the_start),
        cmocka_unit_test(objective_errors_come_through),
        cmocka_unit_test(cancelling_stops_it),
        cmocka_unit_test(bounds_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
