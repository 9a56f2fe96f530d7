/* Logistic regression against fits by Spark 4.0.1 and 4.1.3 (one partition, local[1]) on the same rows. */
#include "base/thread.h"
#include "math/logistic.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_close(const char *what, double actual, double expected, double tolerance)
{
    if (!(fabs(actual - expected) <= tolerance * fmax(1, fabs(expected))))
        fail_msg("%s: %.17g is not %.17g (tolerance %g)", what, actual, expected, tolerance);
}

/* ---- eight rows, Spark 4.0.1, tol 1e-10, 200 iterations ---- */

static const double eight_rows[] = {1, 10, 2, 20, 3, 15, 4, 40, 5, 5, 6, 60, 7, 6, 8, 80};
static const double eight_labels[] = {0, 1, 0, 1, 0, 1, 0, 1};

static ch_matrix eight(void)
{
    return (ch_matrix){.rows = 8, .cols = 2, .dense = eight_rows, .label = eight_labels};
}

static void eight_rows_are_sparks(void **state)
{
    (void)state;
    static const struct {
        double lambda, alpha;
        bool standardization;
        double coefficients[2], intercept, objective;
    } rows[] = {
        {.1, 0, true, {-0.030301481841655955, 0.04933496339582395}, -1.2184550154173797, 0.46211689526811717},
        {.1, 0, false, {-0.14164686397912063, 0.7750884788067036}, -13.22780629949339, 0.06299077534698472},
        {.1, .5, true, {0, 0.0530841351294951}, -1.4252454982988947, 0.4834997259256128},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ch_logistic_params p = ch_logistic_defaults();
        p.reg_param = rows[i].lambda;
        p.elastic_net_param = rows[i].alpha;
        p.standardization = rows[i].standardization;
        p.tol = 1e-10;
        p.max_iter = 200;
        ch_matrix m = eight();
        ch_error err;
        ch_logistic_model model;
        assert_int_equal(ch_logistic_fit(&m, &p, &model, &err), 0);
        assert_int_equal(model.classes, 2);
        /* The gradient stops at 1e-10 of the objective, and the optimum is that well conditioned. */
        assert_close("x1", model.coefficients[0], rows[i].coefficients[0], 1e-8);
        assert_close("x2", model.coefficients[1], rows[i].coefficients[1], 1e-8);
        assert_close("intercept", model.intercepts[0], rows[i].intercept, 1e-8);
        assert_close("first objective", model.history[0], 0.6931471805599453, 1e-15);
        assert_close("last objective", model.history[model.nhistory - 1], rows[i].objective, 1e-12);
        ch_logistic_model_reset(&model);
    }
}

/* ---- three hundred rows of an odd shape, Spark 4.1.3: a constant column, a mostly empty one, one far from zero ----
 */

enum { ROWS = 300, COLS = 5 };

typedef struct fixture {
    double rows[ROWS * COLS], binary[ROWS], ternary[ROWS], weight[ROWS];
    size_t row_start[ROWS + 1];
    int32_t index[ROWS * COLS];
    double value[ROWS * COLS];
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
    fixture f = {0};
    lcg = 2024;
    size_t nnz = 0;
    for (size_t i = 0; i < ROWS; i++) {
        double *x = f.rows + i * COLS;
        x[0] = draw(1000) / 100.0 - 5;
        x[1] = draw(3) == 0 ? (double)draw(7) : 0.0;
        x[2] = 1000 + draw(500) / 10.0;
        x[3] = 3;
        x[4] = draw(2);
        const double noise = draw(1000) / 100.0 - 5;
        const double z = x[0] - 0.7 * x[1] + 0.1 * (x[2] - 1025) + 2 * x[4] + noise;
        f.binary[i] = z > 0;
        f.ternary[i] = z < -3 ? 0 : z > 2 + x[0] / 2 ? 2 : 1;
        f.weight[i] = draw(4) / 2.0;
        for (size_t j = 0; j < COLS; j++) {
            if (x[j] == 0) continue;
            f.index[nnz] = (int32_t)j;
            f.value[nnz++] = x[j];
        }
        f.row_start[i + 1] = nnz;
    }
    return f;
}

typedef struct golden {
    size_t sets; /* 1: binary label; 2: binary label, family multinomial; 3: ternary label */
    bool weighted, no_intercept, no_standardization;
    double lambda, alpha, tol;
    int max_iter;
    size_t nhistory;
    double coefficients[3 * COLS], intercepts[3];
    double objective5, objective; /* after 5 iterations (or the last), and the last */
} golden;

static const golden goldens[] = {
    {.sets = 1,
     .nhistory = 9,
     .coefficients = {0.5815234055229108, -0.3970702704520537, 0.05386209131590262, 0.0, 0.4842637859510419},
     .intercepts = {-54.85430502253425},
     .objective5 = 0.46035904503241076,
     .objective = 0.460352985928094},
    {.sets = 1,
     .tol = 1e-12,
     .max_iter = 500,
     .nhistory = 11,
     .coefficients = {0.5815237621406661, -0.3970711367402082, 0.053861999361943975, 0.0, 0.48426290610356765},
     .intercepts = {-54.854208422961854},
     .objective5 = 0.46035904503241076,
     .objective = 0.4603529859275879},
    {.sets = 1,
     .lambda = 0.05,
     .nhistory = 8,
     .coefficients = {0.38131356104763, -0.24638636867736494, 0.032241502338212324, 0.0, 0.2575716238104016},
     .intercepts = {-32.74183683773607},
     .objective5 = 0.5193324203279304,
     .objective = 0.5193324198347213},
    {.sets = 1,
     .no_standardization = true,
     .lambda = 0.05,
     .nhistory = 10,
     .coefficients = {0.5316820276132899, -0.3351809120730229, 0.04963750630286763, 0.0, 0.1917335919075352},
     .intercepts = {-50.442774578580966},
     .objective5 = 0.473734412513119,
     .objective = 0.47372494148901967},
    {.sets = 1,
     .lambda = 0.05,
     .alpha = 0.5,
     .nhistory = 9,
     .coefficients = {0.3747953829567464, -0.20287170483059078, 0.02702251763962185, 0.0, 0.028942401253617196},
     .intercepts = {-27.325379501889838},
     .objective5 = 0.550211995248151,
     .objective = 0.550211982077826},
    {.sets = 1,
     .no_standardization = true,
     .lambda = 0.02,
     .alpha = 1.0,
     .nhistory = 10,
     .coefficients = {0.5354786836712532, -0.32336546994016074, 0.04888613299993807, 0.0, 0},
     .intercepts = {-49.58842814715023},
     .objective5 = 0.48371137580772927,
     .objective = 0.48370249372468105},
    {.sets = 1,
     .no_intercept = true,
     .nhistory = 33,
     .coefficients = {0.49853172676140306, -0.3512483098715554, 0.00038308345044288063, 0.0, 0.3337578971334942},
     .intercepts = {0.0},
     .objective5 = 0.6083159918322103,
     .objective = 0.501594530146413},
    {.sets = 1,
     .no_intercept = true,
     .no_standardization = true,
     .lambda = 0.1,
     .nhistory = 32,
     .coefficients = {0.4421270589903278, -0.27843035816329725, 0.0004229545813668582, 0.0, 0.08808594691383557},
     .intercepts = {0.0},
     .objective5 = 0.6103647041948648,
     .objective = 0.5188688994664922},
    {.sets = 1,
     .max_iter = 3,
     .nhistory = 4,
     .coefficients = {0.5432246677655983, -0.37204395435827003, 0.04730012367656441, 0.0, 0.41234485824995204},
     .intercepts = {-48.123050738318},
     .objective5 = 0.4611751799363864,
     .objective = 0.4611751799363864},
    {.sets = 1,
     .weighted = true,
     .lambda = 0.01,
     .nhistory = 9,
     .coefficients = {0.47943270894922735, -0.41741397588955237, 0.033142850906826955, 0.0, 0.3556502466659757},
     .intercepts = {-33.49470549060452},
     .objective5 = 0.4744704206243943,
     .objective = 0.4744696042702252},
    {.sets = 1,
     .weighted = true,
     .no_intercept = true,
     .lambda = 0.1,
     .alpha = 0.3,
     .nhistory = 24,
     .coefficients = {0.2658124461101444, -0.2035688321799289, 0.00040632314220297806, 0.0, 0},
     .intercepts = {0.0},
     .objective5 = 0.5822272951624556,
     .objective = 0.5811890897286266},
    {.sets = 2,
     .nhistory = 9,
     .coefficients = {-0.2907617978124172, 0.19853559634169488, -0.02693096873690643, 0.0, -0.24213110141449568,
                      0.2907617978124172, -0.19853559634169488, 0.02693096873690643, 0.0, 0.24213110141449568},
     .intercepts = {27.42707261917961, -27.42707261917961},
     .objective5 = 0.4603544495708014,
     .objective = 0.4603529859276774},
    {.sets = 3,
     .nhistory = 15,
     .coefficients = {-0.47543071125778313, 0.3229502411629828, -0.04217394287246185, 0.0, -0.7058343706537707,
                      0.12659522638944723, -0.0665258975217334, 0.0010215414098902976, 0.0, 0.2393112352789053,
                      0.34883548486833593, -0.2564243436412495, 0.041152401462571556, 0.0, 0.4665231353748654},
     .intercepts = {42.39163881738687, -0.4922355395241908, -41.899403277862675},
     .objective5 = 0.8168063608220282,
     .objective = 0.8167691296119199},
    {.sets = 3,
     .lambda = 0.05,
     .nhistory = 11,
     .coefficients = {-0.29728134879036033, 0.19968076793833564, -0.02466260674207078, 0.0, -0.413976852048216,
                      0.07501259976480573, -0.03985962679728457, -0.0026492790517135966, 0.0, 0.14993616107513041,
                      0.22226874902555455, -0.15982114114105112, 0.027311885793783942, 0.0, 0.26404069097308486},
     .intercepts = {24.708549217539307, 3.077785043414707, -27.786334260954018},
     .objective5 = 0.8812273644270328,
     .objective = 0.8812272040418864},
    {.sets = 3,
     .weighted = true,
     .no_standardization = true,
     .lambda = 0.05,
     .nhistory = 14,
     .coefficients = {-0.3707485926331696, 0.29350176685934726, -0.03678034345184922, 0.0, -0.35261559645588664,
                      0.10447242367784829, -0.05705109766686299, 0.007346701148540174, 0.0, 0.19384678325102378,
                      0.26627616895532125, -0.23645066919248411, 0.029433642303309776, 0.0, 0.15876881320486322},
     .intercepts = {36.79541212624821, -7.068158926849153, -29.727253199399055},
     .objective5 = 0.8404199142727476,
     .objective = 0.8403624509189417},
    {.sets = 3,
     .lambda = 0.03,
     .alpha = 0.6,
     .nhistory = 22,
     .coefficients = {-0.40076032922992344, 0.22969890930943768, -0.02052926188582164, 0.0, -0.4246633891706352, 0.0,
                      0.0, 0.0, 0.0, 0.0, 0.15376611032238618, -0.1034407035859503, 0.029318945150494012, 0.0,
                      0.024510680342063527},
     .intercepts = {23.409591129908694, 3.3855366876817494, -26.795127817590444},
     .objective5 = 0.9072577354611916,
     .objective = 0.9063918174049357},
    {.sets = 3,
     .weighted = true,
     .no_intercept = true,
     .nhistory = 73,
     .coefficients = {-0.3794482300806666, 0.3644641736488623, -0.0007958775576972622, 0.0, -0.8290797546546221,
                      0.1246984609590703, -0.09575182176946348, 0.00039198766999350615, 0.0, 0.4253528619403774,
                      0.25474976912159625, -0.2687123518793988, 0.0004038898877037561, 0.0, 0.4037268927142447},
     .intercepts = {0.0, 0.0, 0.0},
     .objective5 = 1.0745553046975602,
     .objective = 0.8550915839726408},
    {.sets = 3,
     .tol = 1e-12,
     .max_iter = 500,
     .nhistory = 17,
     .coefficients = {-0.475430793237262, 0.3229503517944188, -0.04217395046228726, 0.0, -0.7058348127484971,
                      0.12659525879176994, -0.06652596360751853, 0.001021541687001988, 0.0, 0.23931139985879912,
                      0.3488355344454921, -0.2564243881869003, 0.041152408775285275, 0.0, 0.46652341288969795},
     .intercepts = {42.39164682479905, -0.4922359491375316, -41.899410875661516},
     .objective5 = 0.8168063608220282,
     .objective = 0.8167691296118968},
};

static ch_logistic_params golden_params(const golden *g)
{
    ch_logistic_params p = ch_logistic_defaults();
    p.reg_param = g->lambda;
    p.elastic_net_param = g->alpha;
    p.fit_intercept = !g->no_intercept;
    p.standardization = !g->no_standardization;
    if (g->tol > 0) p.tol = g->tol;
    if (g->max_iter > 0) p.max_iter = g->max_iter;
    if (g->sets == 2) p.family = CH_LOGISTIC_MULTINOMIAL;
    return p;
}

static void check_golden(const golden *g, const ch_matrix *m, size_t number)
{
    ch_logistic_params p = golden_params(g);
    ch_error err;
    ch_logistic_model model;
    assert_int_equal(ch_logistic_fit(m, &p, &model, &err), 0);
    char what[64];
    snprintf(what, sizeof what, "golden %zu %s", number, m->dense ? "dense" : "sparse");
    if (model.nhistory != g->nhistory) fail_msg("%s: %zu states, not %zu", what, model.nhistory, g->nhistory);
    assert_int_equal(model.sets, g->sets);
    /* Same iterates, summed in another order; where the last step is small against tol the difference stays at that of
     * the sums, magnified by the 1000 / 14 by which the third column is off centre. */
    for (size_t i = 0; i < g->sets * COLS; i++) assert_close(what, model.coefficients[i], g->coefficients[i], 1e-8);
    for (size_t i = 0; i < g->sets; i++) assert_close(what, model.intercepts[i], g->intercepts[i], 1e-7);
    const size_t five = g->nhistory > 5 ? 5 : g->nhistory - 1;
    assert_close(what, model.history[five], g->objective5, 1e-10);
    assert_close(what, model.history[g->nhistory - 1], g->objective, 1e-10);
    ch_logistic_model_reset(&model);
}

static void fits_are_sparks(void **state)
{
    (void)state;
    fixture f = make_fixture();
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        const golden *g = &goldens[i];
        ch_matrix m = {.rows = ROWS,
                       .cols = COLS,
                       .dense = f.rows,
                       .label = g->sets == 3 ? f.ternary : f.binary,
                       .weight = g->weighted ? f.weight : NULL};
        check_golden(g, &m, i);
        m.dense = NULL;
        m.row_start = f.row_start;
        m.index = f.index;
        m.value = f.value;
        check_golden(g, &m, i);
    }
}

/* ---- what Spark does with odd labels ---- */

static void a_constant_label_needs_no_training(void **state)
{
    (void)state;
    static const double zeros[8] = {0}, ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    ch_error err;
    ch_logistic_model model;
    ch_matrix m = eight();
    ch_logistic_params p = ch_logistic_defaults();
    m.label = ones;
    assert_int_equal(ch_logistic_fit(&m, &p, &model, &err), 0);
    assert_true(model.intercepts[0] == INFINITY && model.coefficients[0] == 0 && model.coefficients[1] == 0);
    assert_true(model.classes == 2 && model.nhistory == 1 && model.history[0] == 0);
    double raw[16], probability[16];
    ch_logistic_raw(&model, &m, raw);
    ch_logistic_probability(&model, raw, 8, probability);
    assert_true(raw[0] == -INFINITY && raw[1] == INFINITY && probability[0] == 0 && probability[1] == 1);
    ch_logistic_model_reset(&model);
    m.label = zeros;
    assert_int_equal(ch_logistic_fit(&m, &p, &model, &err), 0);
    assert_true(model.intercepts[0] == -INFINITY && model.classes == 1 && ch_logistic_width(&model) == 2);
    ch_logistic_model_reset(&model);
    p.family = CH_LOGISTIC_MULTINOMIAL;
    m.label = ones;
    assert_int_equal(ch_logistic_fit(&m, &p, &model, &err), 0);
    assert_true(model.intercepts[0] == 0 && model.intercepts[1] == INFINITY && model.sets == 2);
    ch_logistic_raw(&model, &m, raw);
    ch_logistic_probability(&model, raw, 8, probability);
    assert_true(probability[0] == 0 && probability[1] == 1);
    ch_logistic_model_reset(&model);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    static const double halves[8] = {0, .5, 1, 0, 1, 0, 1, 0}, three[8] = {0, 1, 2, 0, 1, 2, 0, 1};
    static const double negative[8] = {-1, 1, 2, 0, 1, 2, 0, 1}, huge[8] = {0, 1, 2, 0, 1, 2, 0, 2e9}, none[8] = {0};
    ch_error err;
    ch_logistic_model model;
    ch_matrix m = eight();
    ch_logistic_params p = ch_logistic_defaults();
    m.label = halves;
    assert_int_equal(ch_logistic_fit(&m, &p, &model, &err), CH_E_SPARK);
    assert_string_equal(err.message, "Classification labels should be in [0 to 1]. Found 1 invalid labels.");
    m.label = negative;
    assert_int_equal(ch_logistic_fit(&m, &p, &model, &err), CH_E_SPARK);
    m.label = huge;
    assert_int_equal(ch_logistic_fit(&m, &p, &model, &err), CH_E_MEMORY);
    m.label = three;
    p.family = CH_LOGISTIC_BINOMIAL;
    assert_int_equal(ch_logistic_fit(&m, &p, &model, &err), CH_E_ILLEGAL_ARGUMENT);
    assert_string_equal(err.message,
                        "requirement failed: Binomial family only supports 1 or 2 outcome classes but found 3.");
    p.classes = 2;
    assert_int_equal(ch_logistic_fit(&m, &p, &model, &err), CH_E_ILLEGAL_ARGUMENT);
    m.rows = 0;
    assert_int_equal(ch_logistic_fit(&m, &p, &model, &err), CH_E_ILLEGAL_ARGUMENT);
    assert_string_equal(err.message, "requirement failed: Nothing has been added to this summarizer.");
    m = eight();
    m.weight = none;
    assert_int_equal(ch_logistic_fit(&m, &p, &model, &err), CH_E_ILLEGAL_ARGUMENT);
    assert_null(model.coefficients);
}

/* ---- prediction ---- */

/* margin = b + x . a by hand; probability is the logistic function and the softmax of it. */
static void predictions_follow_the_formula(void **state)
{
    (void)state;
    double a[] = {1, -2, 0.5, 0, 3, -1}, b[] = {0.25, -0.5, 1};
    ch_logistic_model binary = {.classes = 2, .features = 2, .sets = 1, .coefficients = a, .intercepts = b};
    static const double rows[] = {2, 1, 0, -1};
    static const size_t row_start[] = {0, 2, 3};
    static const int32_t index[] = {0, 1, 1};
    static const double value[] = {2, 1, -1};
    const ch_matrix dense = {.rows = 2, .cols = 2, .dense = rows};
    const ch_matrix sparse = {.rows = 2, .cols = 2, .row_start = row_start, .index = index, .value = value};
    double raw[6], p[6];
    for (int s = 0; s < 2; s++) {
        ch_logistic_raw(&binary, s ? &sparse : &dense, raw);
        assert_true(raw[0] == -0.25 && raw[1] == 0.25 && raw[2] == -2.25 && raw[3] == 2.25);
        ch_logistic_probability(&binary, raw, 2, p);
        assert_true(p[0] == 1 / (1 + exp(0.25)) && p[1] == 1 - p[0]);
    }
    ch_logistic_model three = {
        .classes = 3, .features = 2, .sets = 3, .multinomial = true, .coefficients = a, .intercepts = b};
    for (int s = 0; s < 2; s++) {
        ch_logistic_raw(&three, s ? &sparse : &dense, raw);
        assert_true(raw[0] == 0.25 && raw[1] == 0.5 && raw[2] == 6);
        ch_logistic_probability(&three, raw, 2, raw);
        const double sum = exp(0.25) + exp(0.5) + exp(6);
        assert_close("softmax", raw[0], exp(0.25) / sum, 1e-15); /* two roundings */
        assert_close("softmax", raw[2], exp(6) / sum, 1e-15);
    }
}

/* ---- our own promises ---- */

static void threads_do_not_change_bits(void **state)
{
    (void)state;
    const size_t rows = 3 * CH_BLOCK_ROWS + 17, cols = 3;
    double *x = malloc(rows * cols * sizeof *x), *y = malloc(rows * sizeof *y);
    assert_non_null(x);
    assert_non_null(y);
    lcg = 7;
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < cols; j++) x[i * cols + j] = draw(1000) / 100.0;
        y[i] = (double)(draw(10) + x[i * cols] > 10) + (draw(5) == 0);
    }
    const ch_matrix m = {.rows = rows, .cols = cols, .dense = x, .label = y};
    ch_logistic_params p = ch_logistic_defaults();
    ch_error err;
    ch_logistic_model first = {0}, model;
    for (int threads = 1; threads <= 3; threads++) {
        ch_threads_set(threads);
        assert_int_equal(ch_logistic_fit(&m, &p, &model, &err), 0);
        assert_int_equal(model.sets, 3);
        if (threads > 1) {
            assert_memory_equal(model.coefficients, first.coefficients, 3 * cols * sizeof(double));
            ch_logistic_model_reset(&model);
        } else {
            first = model;
        }
    }
    ch_threads_set(0);
    ch_logistic_model_reset(&first);
    free(x);
    free(y);
}

static void cancelling_stops_it(void **state)
{
    (void)state;
    ch_task task;
    ch_task_init(&task);
    ch_task_cancel(&task);
    ch_logistic_params p = ch_logistic_defaults();
    p.task = &task;
    ch_matrix m = eight();
    ch_error err;
    ch_logistic_model model;
    assert_int_equal(ch_logistic_fit(&m, &p, &model, &err), CH_E_CANCELLED);
    assert_null(model.coefficients);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_rows_are_sparks),
        cmocka_unit_test(fits_are_sparks),
        cmocka_unit_test(a_constant_label_needs_no_training),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(predictions_follow_the_formula),
        cmocka_unit_test(threads_do_not_change_bits),
        cmocka_unit_test(cancelling_stops_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
