/* Metrics against Spark 4.1.3's evaluators over the same 1,000 rows, and cases small enough to work out by hand. */
#include "base/thread.h"
#include "math/class_index.h"
#include "math/metrics.h"
#include "testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 1000, CLASSES = 4 };

typedef struct fixture {
    double score[ROWS], label[ROWS], weight[ROWS];
    double y[ROWS], p[ROWS], probability[ROWS * CLASSES];
    double number[ROWS], guess[ROWS];
    double cluster[ROWS], point[ROWS * 2];
} fixture;

static uint32_t lcg;

static uint32_t draw(uint32_t below)
{
    lcg = (lcg * 1103515245u + 12345u) & 0x7fffffffu;
    return (lcg >> 8) % below;
}

/* The same generator as in the Python script that asked Spark. */
static fixture make_fixture(void)
{
    fixture f;
    lcg = 4711;
    for (size_t i = 0; i < ROWS; i++) {
        f.score[i] = draw(300) / 7.0 - 20;
        f.label[i] = draw(300) / 7.0 - 20 < f.score[i];
        f.weight[i] = draw(5) / 4.0;
        f.y[i] = draw(4);
        f.p[i] = draw(3) ? f.y[i] : (double)draw(5);
        double sum = 0, *pr = f.probability + i * CLASSES;
        for (size_t k = 0; k < CLASSES; k++) sum += pr[k] = draw(100) + (k < 3 ? 1 : 0);
        for (size_t k = 0; k < CLASSES; k++) pr[k] /= sum;
        f.number[i] = draw(1000) / 10.0 - 30;
        f.guess[i] = f.number[i] + draw(200) / 20.0 - 4;
        const uint32_t c = draw(4);
        f.cluster[i] = c * 10;
        f.point[2 * i] = c * 2.0 + draw(100) / 25.0;
        f.point[2 * i + 1] = (c % 2) * 3.0 + draw(100) / 30.0 + 0.1;
    }
    return f;
}

/* Up to a thousand roundings in another order than Spark's. */
#define ROUNDING 1e-13

static void assert_close(double actual, double expected, double tolerance)
{
    if (!(fabs(actual - expected) <= tolerance * fmax(1, fabs(expected))))
        fail_msg("%.17g is not %.17g", actual, expected);
}

/* ---- binary ---- */

static ch_binary_metrics *binary(const double *score, const double *label, const double *weight, size_t n, int bins)
{
    ch_error err;
    ch_binary_metrics *b = ch_binary_metrics_new();
    assert_non_null(b);
    for (size_t at = 0; at < n; at += 300) {
        const size_t take = n - at < 300 ? n - at : 300;
        assert_int_equal(ch_binary_metrics_add(b, score + at, label + at, weight ? weight + at : NULL, take, &err), 0);
    }
    assert_int_equal(ch_binary_metrics_finish(b, bins, NULL, &err), 0);
    return b;
}

static void areas_are_sparks(void **state)
{
    (void)state;
    static const struct {
        int bins;
        bool weighted;
        double roc, pr;
    } goldens[] = {
        {0, false, 0.8426060000000001, 0.852588670880275},
        {0, true, 0.8474857255647137, 0.8624813553667823},
        {1000, false, 0.8426060000000001, 0.852588670880275},
        {1000, true, 0.8474857255647137, 0.8624813553667823},
        {50, false, 0.8426, 0.8526339629799875},
        {50, true, 0.8474443059244403, 0.8623481860891743},
        {7, false, 0.8366060000000001, 0.8476769343121167},
        {7, true, 0.8425700835654026, 0.8569795601573049},
    };
    fixture f = make_fixture();
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        ch_binary_metrics *b = binary(f.score, f.label, goldens[i].weighted ? f.weight : NULL, ROWS, goldens[i].bins);
        assert_close(ch_binary_metrics_area(b, CH_CURVE_ROC), goldens[i].roc, ROUNDING);
        assert_close(ch_binary_metrics_area(b, CH_CURVE_PR), goldens[i].pr, ROUNDING);
        ch_binary_metrics_free(b);
    }
}

/* Spark 4.1.3 on these rows: 0 and -0 are one score and NaN is the highest. */
static void odd_scores_are_ordered_as_in_spark(void **state)
{
    (void)state;
    static const double score[] = {0.1, 0.4, 0.4, 0.8, 0.8, NAN, -0.0, 0.0}, label[] = {0, 1, 0, 1, 1, 0, 1, 0};
    ch_binary_metrics *b = binary(score, label, NULL, 8, 0);
    assert_close(ch_binary_metrics_area(b, CH_CURVE_ROC), 0.5625, 1e-15); /* a few roundings */
    assert_close(ch_binary_metrics_area(b, CH_CURVE_PR), 0.44999999999999996, 1e-15);
    double x[8], y[8];
    assert_int_equal(ch_binary_metrics_points(b, CH_CURVE_RECALL), 5);
    ch_binary_metrics_curve(b, CH_CURVE_RECALL, 1, x, y);
    assert_true(isnan(x[0]) && x[1] == 0.8 && x[2] == 0.4 && x[3] == 0.1 && x[4] == 0);
    ch_binary_metrics_free(b);
}

/* Three thresholds by hand: 0.9 {+}, 0.5 {+ -}, 0.1 {-}. */
static void curves_have_their_points(void **state)
{
    (void)state;
    static const double score[] = {0.1, 0.5, 0.9, 0.5}, label[] = {0, 1, 1, 0};
    ch_binary_metrics *b = binary(score, label, NULL, 4, 1000);
    static const struct {
        ch_binary_curve curve;
        size_t n;
        double x[5], y[5];
    } expected[] = {
        {CH_CURVE_ROC, 5, {0, 0, .5, 1, 1}, {0, .5, 1, 1, 1}},
        {CH_CURVE_PR, 4, {0, .5, 1, 1}, {1, 1, 2 / 3.0, .5}},
        {CH_CURVE_PRECISION, 3, {.9, .5, .1}, {1, 2 / 3.0, .5}},
        {CH_CURVE_RECALL, 3, {.9, .5, .1}, {.5, 1, 1}},
        {CH_CURVE_F_MEASURE, 3, {.9, .5, .1}, {2 / 3.0, .8, 2 / 3.0}},
    };
    for (size_t c = 0; c < sizeof expected / sizeof *expected; c++) {
        double x[5], y[5];
        assert_int_equal(ch_binary_metrics_points(b, expected[c].curve), expected[c].n);
        ch_binary_metrics_curve(b, expected[c].curve, 1, x, y);
        for (size_t i = 0; i < expected[c].n; i++) {
            assert_close(x[i], expected[c].x[i], 1e-15); /* at most two roundings */
            assert_close(y[i], expected[c].y[i], 1e-15);
        }
    }
    assert_close(ch_binary_metrics_area(b, CH_CURVE_ROC), .875, 1e-15);
    double x[3], y[3];
    ch_binary_metrics_curve(b, CH_CURVE_F_MEASURE, 2, x, y);
    assert_close(y[0], 5 * .5 / (4 * 1 + .5), 1e-15);
    ch_binary_metrics_free(b);
}

static void one_kind_of_label_has_curves_too(void **state)
{
    (void)state;
    static const double score[] = {0.1, 0.5}, none[] = {0, 0}, all[] = {1, 1};
    ch_binary_metrics *b = binary(score, none, NULL, 2, 0);
    assert_true(ch_binary_metrics_area(b, CH_CURVE_ROC) == 0); /* recall stays 0 until the end */
    ch_binary_metrics_free(b);
    b = binary(score, all, NULL, 2, 0);
    assert_true(ch_binary_metrics_area(b, CH_CURVE_PR) == 1);
    ch_binary_metrics_free(b);
    b = binary(score, all, NULL, 0, 0); /* Spark 4.1.3: 0.5 without rows */
    assert_true(ch_binary_metrics_area(b, CH_CURVE_ROC) == 0.5);
    assert_int_equal(ch_binary_metrics_points(b, CH_CURVE_PR), 0);
    ch_binary_metrics_free(b);
}

/* ---- multiclass ---- */

static void multiclass_metrics_are_sparks(void **state)
{
    (void)state;
    /* accuracy, precision, recall, F(0.5), TPR, FPR, hamming, log loss */
    static const double overall[2][8] = {
        {0.732, 0.7772713777106484, 0.732, 0.7669007803790412, 0.732, 0.07035400854559258, 0.268, 1.705766212227257},
        {0.7441860465116279, 0.7851919695199444, 0.7441860465116279, 0.7757244693990475, 0.7441860465116279,
         0.06876309610434045, 0.2558139534883721, 1.7324767847402531},
    };
    /* precision, recall, F(2), TPR, FPR of each label */
    static const double by_label[2][5][CLASSES] = {
        {{0.7565217391304347, 0.7983870967741935, 0.8, 0.7538461538461538},
         {0.696, 0.7734375, 0.6666666666666666, 0.7903225806451613},
         {0.7073170731707316, 0.7783018867924528, 0.689655172413793, 0.7827476038338658},
         {0.696, 0.7734375, 0.6666666666666666, 0.7903225806451613},
         {0.07466666666666667, 0.06720430107526881, 0.054376657824933686, 0.0851063829787234}},
        {{0.7761506276150628, 0.7992424242424242, 0.7945945945945946, 0.7715430861723447},
         {0.6960600375234521, 0.8131021194605009, 0.6666666666666666, 0.7938144329896907},
         {0.710727969348659, 0.8102918586789554, 0.6888472352389877, 0.7892578925789258},
         {0.6960600375234521, 0.8131021194605009, 0.6666666666666666, 0.7938144329896907},
         {0.07404844290657439, 0.0726525017135024, 0.0494469746258946, 0.07635632953784327}},
    };
    fixture f = make_fixture();
    ch_error err;
    for (int weighted = 0; weighted < 2; weighted++) {
        ch_multiclass_metrics *m = ch_multiclass_metrics_new(1e-15);
        assert_non_null(m);
        for (size_t at = 0; at < ROWS; at += 100)
            assert_int_equal(ch_multiclass_metrics_add(m, f.p + at, f.y + at, weighted ? f.weight + at : NULL,
                                                       f.probability + at * CLASSES, CLASSES, 100, &err),
                             0);
        for (int metric = CH_MULTI_ACCURACY; metric <= CH_MULTI_LOG_LOSS; metric++)
            assert_close(ch_multiclass_metrics_get(m, (ch_multiclass_metric)metric, 0.5), overall[weighted][metric],
                         ROUNDING);
        const double *labels;
        assert_int_equal(ch_multiclass_metrics_labels(m, &labels), CLASSES);
        for (size_t k = 0; k < CLASSES; k++) {
            assert_true(labels[k] == (double)k);
            for (int metric = CH_LABEL_PRECISION; metric <= CH_LABEL_FPR; metric++) {
                double value;
                assert_int_equal(ch_multiclass_metrics_by_label(m, (ch_label_metric)metric, (double)k, 2, &value, &err),
                                 0);
                assert_close(value, by_label[weighted][metric][k], ROUNDING);
            }
        }
        double value; /* 4 is predicted and never a label */
        assert_int_equal(ch_multiclass_metrics_by_label(m, CH_LABEL_RECALL, 4, 1, &value, &err), CH_E_NOT_FOUND);
        assert_string_equal(err.message, "key not found: 4.0");
        ch_multiclass_metrics_free(m);
    }
}

static void confusion_holds_many_and_odd_classes(void **state)
{
    (void)state;
    ch_error err;
    ch_multiclass_metrics *m = ch_multiclass_metrics_new(1e-15);
    assert_non_null(m);
    enum { MANY = 1000 };
    for (int round = 0; round < 3; round++) {
        for (int k = 0; k < MANY; k++) {
            const double label = k * 1.5 - 20, prediction = round ? label : ((k + 7) % MANY) * 1.5 - 20;
            assert_int_equal(ch_multiclass_metrics_add(m, &prediction, &label, NULL, NULL, 0, 1, &err), 0);
        }
    }
    for (int k = 0; k < MANY; k++) {
        const double label = k * 1.5 - 20, prediction = ((k + 7) % MANY) * 1.5 - 20;
        assert_true(ch_multiclass_metrics_confusion(m, label, label) == 2);
        assert_true(ch_multiclass_metrics_confusion(m, label, prediction) == 1);
        assert_true(ch_multiclass_metrics_confusion(m, prediction, label) == 0);
    }
    assert_true(ch_multiclass_metrics_confusion(m, 0.25, 1) == 0);
    assert_close(ch_multiclass_metrics_get(m, CH_MULTI_ACCURACY, 1), 2 / 3.0, 1e-15); /* one division */
    const double *labels;
    assert_int_equal(ch_multiclass_metrics_labels(m, &labels), MANY);
    for (int k = 0; k < MANY; k++) assert_true(labels[k] == k * 1.5 - 20);
    ch_multiclass_metrics_free(m);
}

static void log_loss_checks_its_labels(void **state)
{
    (void)state;
    static const double p[] = {0, 1}, half = 0.5, two = 2, zero = 0, one = 1;
    ch_error err;
    ch_multiclass_metrics *m = ch_multiclass_metrics_new(0.01);
    assert_non_null(m);
    assert_int_equal(ch_multiclass_metrics_add(m, &zero, &half, NULL, p, 2, 1, &err), CH_E_SPARK);
    assert_string_equal(err.message, "requirement failed: Invalid label 0.5");
    assert_int_equal(ch_multiclass_metrics_add(m, &zero, &two, NULL, p, 2, 1, &err), CH_E_SPARK);
    assert_int_equal(ch_multiclass_metrics_add(m, &zero, &zero, NULL, p, 2, 1, &err), 0);
    assert_close(ch_multiclass_metrics_get(m, CH_MULTI_LOG_LOSS, 1), -log(0.01), 1e-15); /* clipped from below */
    assert_int_equal(ch_multiclass_metrics_add(m, &zero, &one, NULL, p, 2, 1, &err), 0);
    assert_close(ch_multiclass_metrics_get(m, CH_MULTI_LOG_LOSS, 1), (-log(0.01) - log1p(-0.01)) / 2, 1e-15);
    ch_multiclass_metrics_free(m);
}

static void values_are_numbered_once(void **state)
{
    (void)state;
    static const double values[] = {3, 0.5, -0.0, 1e300, NAN, 63, 64, 3, 0, -NAN, 64, INFINITY};
    static const size_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 0, 2, 4, 6, 7};
    ch_class_index index = {0};
    ch_error err;
    assert_true(ch_class_index_find(&index, 100) == SIZE_MAX && ch_class_index_find(&index, 1) == SIZE_MAX);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        size_t number;
        assert_int_equal(ch_class_index_add(&index, values[i], &number, &err), 0);
        assert_int_equal(number, numbers[i]);
    }
    assert_int_equal(index.count, 8);
    assert_true(ch_class_index_find(&index, 1) == SIZE_MAX && ch_class_index_find(&index, 65) == SIZE_MAX);
    ch_class_index_reset(&index);
}

/* ---- regression ---- */

static void regression_metrics_are_sparks(void **state)
{
    (void)state;
    /* rmse, mse, r2, mae, var, r2 through the origin */
    static const double expected[2][6] = {
        {3.0890220944499553, 9.54205749999999, 0.9884827751873401, 2.6289500000000006, 837.0636938199987,
         0.992211925707867},
        {3.1016874627014017, 9.62046511627906, 0.9885045828143567, 2.634074823053593, 842.003872700821,
         0.9920698943864996},
    };
    fixture f = make_fixture();
    ch_error err;
    for (int weighted = 0; weighted < 2; weighted++) {
        for (int origin = 0; origin < 2; origin++) {
            ch_regression_metrics *r = ch_regression_metrics_new(origin);
            assert_non_null(r);
            double value;
            assert_int_equal(ch_regression_metrics_get(r, CH_REGRESSION_MSE, &value, &err), CH_E_ILLEGAL_ARGUMENT);
            for (size_t at = 0; at < ROWS; at += 500)
                ch_regression_metrics_add(r, f.guess + at, f.number + at, weighted ? f.weight + at : NULL, 500);
            for (int metric = CH_REGRESSION_RMSE; metric <= CH_REGRESSION_VAR; metric++) {
                assert_int_equal(ch_regression_metrics_get(r, (ch_regression_metric)metric, &value, &err), 0);
                const bool other = origin && metric == CH_REGRESSION_R2;
                assert_close(value, expected[weighted][other ? 5 : metric], ROUNDING);
            }
            ch_regression_metrics_free(r);
        }
    }
}

/* ---- silhouette ---- */

static double silhouette(const double *rows, size_t cols, const double *cluster, const double *weight, size_t n,
                         size_t batch, bool cosine)
{
    ch_error err;
    double value = NAN;
    ch_silhouette *s = ch_silhouette_new(cols, cosine);
    assert_non_null(s);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t at = 0; at < n; at += batch) {
            const size_t take = n - at < batch ? n - at : batch;
            const double *w = weight ? weight + at : NULL;
            int status = pass ? ch_silhouette_score(s, rows + at * cols, cluster + at, w, take, &err)
                              : ch_silhouette_collect(s, rows + at * cols, cluster + at, w, take, &err);
            assert_int_equal(status, 0);
        }
    }
    assert_int_equal(ch_silhouette_get(s, &value, &err), 0);
    ch_silhouette_free(s);
    return value;
}

static void silhouettes_are_sparks(void **state)
{
    (void)state;
    fixture f = make_fixture();
    assert_close(silhouette(f.point, 2, f.cluster, NULL, ROWS, 100, false), 0.5630019266866063, ROUNDING);
    assert_close(silhouette(f.point, 2, f.cluster, NULL, ROWS, 100, true), 0.10095969523529633, ROUNDING);
    assert_close(silhouette(f.point, 2, f.cluster, f.weight, ROWS, 100, false), 0.5535684301225374, ROUNDING);
    assert_close(silhouette(f.point, 2, f.cluster, f.weight, ROWS, 100, true), 0.08283977712218252, ROUNDING);
    /* Spark 4.0.1 */
    static const double eight[] = {1, 10, 2, 20, 3, 15, 4, 40, 5, 5, 6, 60, 7, 6, 8, 80};
    static const double labels[] = {1, 1, 1, 0, 1, 0, 1, 0};
    assert_close(silhouette(eight, 2, labels, NULL, 8, 3, false), 0.7870467707705557, ROUNDING);
    assert_close(silhouette(eight, 2, labels, NULL, 8, 3, true), 0.0831189797883564, ROUNDING);
}

static void silhouette_needs_two_clusters(void **state)
{
    (void)state;
    static const double rows[] = {1, 2, 5}, same[] = {7, 7, 7}, lonely[] = {0, 0, 1}, stranger[] = {0, 0, 2};
    ch_error err;
    double value;
    ch_silhouette *s = ch_silhouette_new(1, false);
    assert_non_null(s);
    assert_int_equal(ch_silhouette_collect(s, rows, same, NULL, 3, &err), 0);
    assert_int_equal(ch_silhouette_score(s, rows, same, NULL, 3, &err), 0);
    assert_int_equal(ch_silhouette_get(s, &value, &err), CH_E_SPARK);
    assert_string_equal(err.message, "assertion failed: Number of clusters must be greater than one.");
    assert_int_equal(ch_silhouette_score(s, rows, stranger, NULL, 3, &err), CH_E_INTERNAL);
    ch_silhouette_free(s);
    /* By hand: 1 and 2 are 1 apart (squared) and 16 and 9 from 5, which is alone and scores 0. */
    assert_close(silhouette(rows, 1, lonely, NULL, 3, 3, false), (1 - 1 / 16.0 + 1 - 1 / 9.0) / 3, 1e-14);
}

static void silhouette_blocks_add_up(void **state)
{
    (void)state;
    enum { MANY = 10000 };
    double *rows = malloc(MANY * sizeof *rows), *cluster = malloc(MANY * sizeof *cluster);
    assert_true(rows && cluster);
    for (size_t i = 0; i < MANY; i++) {
        cluster[i] = (double)(i % 3);
        rows[i] = cluster[i] * 5 + (double)(i % 7);
    }
    double values[3];
    for (int threads = 1; threads <= 3; threads++) {
        ch_threads_set(threads);
        values[threads - 1] = silhouette(rows, 1, cluster, NULL, MANY, MANY, false);
    }
    ch_threads_set(0);
    assert_true(values[0] == values[1] && values[0] == values[2]);
    assert_close(values[0], silhouette(rows, 1, cluster, NULL, MANY, 1, false), ROUNDING);
    free(rows);
    free(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(areas_are_sparks),
        cmocka_unit_test(odd_scores_are_ordered_as_in_spark),
        cmocka_unit_test(curves_have_their_points),
        cmocka_unit_test(one_kind_of_label_has_curves_too),
        cmocka_unit_test(multiclass_metrics_are_sparks),
        cmocka_unit_test(confusion_holds_many_and_odd_classes),
        cmocka_unit_test(log_loss_checks_its_labels),
        cmocka_unit_test(values_are_numbered_once),
        cmocka_unit_test(regression_metrics_are_sparks),
        cmocka_unit_test(silhouettes_are_sparks),
        cmocka_unit_test(silhouette_needs_two_clusters),
        cmocka_unit_test(silhouette_blocks_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
