/* Bad input: each kind of it gives the error that real Spark 4.1.3 gives, or
 * its result. */
#include "ml_testing.h"

/* Four rows of label, s, features (two dimensions); the label of the first row
 * is what the case says. */
static ch_plan *rows_with_label(ml_world *w, ch_literal label)
{
    static const char *const NAMES[5] = {"label", "s", "w", "a", "b"};
    static const double A[4] = {1, 3, 0, 0}, B[4] = {2, 1, 5, 7};
    ch_literal rows[4][5];
    for (int i = 0; i < 4; i++) {
        rows[i][0] = i ? ch_lit_double(i % 2) : label;
        rows[i][1] = ch_lit_text(w->arena, "a");
        rows[i][2] = ch_lit_double(-1);
        rows[i][3] = ch_lit_double(A[i]);
        rows[i][4] = ch_lit_double(B[i]);
    }
    return transformed(w, values_plan(w, NAMES, 5, rows[0], 4), "feature.VectorAssembler", "inputCols",
                       texts_of(w, 2, "a", "b"), "outputCol", text_of(w, "features"), NULL);
}

static ch_plan *filtered(ml_world *w, ch_plan *input, const char *condition)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_FILTER, input);
    plan->u.condition = ch_expr_new(w->arena, CH_EX_STRING);
    plan->u.condition->u.text = condition;
    return plan;
}

static const char *const CLASSIFIERS[] = {"classification.LogisticRegression", "classification.DecisionTreeClassifier",
                                          "classification.RandomForestClassifier", "classification.GBTClassifier"};

static void bad_labels_are_refused(void **state)
{
    ml_world *w = *state;
    const struct {
        ch_literal label;
        const char *message, *boosting; /* NULL: accepted */
    } CASES[] = {
        {ch_lit_null(&ch_type_double), "Labels MUST NOT be Null or NaN", "Labels MUST NOT be Null or NaN"},
        {ch_lit_double((double)NAN), "Labels MUST NOT be Null or NaN", "Labels MUST NOT be Null or NaN"},
        {ch_lit_double(-1), "Labels MUST be in [0, 100), but got -1.0", "Labels MUST be in {0, 1}, but got -1.0"},
        {ch_lit_double(0.5), "Labels MUST be Integers, but got 0.5", "Labels MUST be in {0, 1}, but got 0.5"},
        {ch_lit_double(1000), "Labels MUST be in [0, 100), but got 1000.0", "Labels MUST be in {0, 1}, but got 1000.0"},
        {ch_lit_double((double)INFINITY), "Labels MUST be in [0, 100), but got Infinity",
         "Labels MUST be in {0, 1}, but got Infinity"},
        {ch_lit_double(2), NULL, "Labels MUST be in {0, 1}, but got 2.0"},
    };
    for (size_t c = 0; c < 4; c++) {
        for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
            ch_error err;
            const char *want = c == 3 ? CASES[i].boosting : CASES[i].message;
            const char *id = try_fit(w, rows_with_label(w, CASES[i].label), &err, CLASSIFIERS[c], NULL);
            if (!want) {
                if (!id) fail_msg("%s: %s", CLASSIFIERS[c], err.message);
                continue;
            }
            assert_null(id);
            assert_string_equal(err.condition, "USER_RAISED_EXCEPTION");
            assert_string_equal(err.message,
                                ch_arena_printf(w->arena, "[USER_RAISED_EXCEPTION] %s SQLSTATE: P0001", want));
        }
    }
}

static void columns_are_checked(void **state)
{
    ml_world *w = *state;
    ch_plan *data = rows_with_label(w, ch_lit_double(0));
    for (size_t c = 0; c < 4; c++) {
        ch_error err;
        assert_null(try_fit(w, data, &err, CLASSIFIERS[c], "featuresCol", text_of(w, "nope"), NULL));
        assert_string_equal(err.message, "[FIELD_NOT_FOUND] No such struct field "
                                         "`nope` in `label`, `s`, `w`, `a`, `b`, "
                                         "`features`. SQLSTATE: 42704");
        assert_null(try_fit(w, data, &err, CLASSIFIERS[c], "labelCol", text_of(w, "nope"), NULL));
        assert_string_equal(err.condition, "FIELD_NOT_FOUND");
        assert_null(try_fit(w, data, &err, CLASSIFIERS[c], "featuresCol", text_of(w, "s"), NULL));
        assert_string_equal(err.message, "requirement failed: Column s must be of type class "
                                         "org.apache.spark.ml.linalg.VectorUDT:"
                                         "struct<type:tinyint,size:int,indices:array<int>,"
                                         "values:array<double>> but was actually class "
                                         "org.apache.spark.sql.types.StringType$:string.");
        assert_null(try_fit(w, data, &err, CLASSIFIERS[c], "labelCol", text_of(w, "s"), NULL));
        assert_string_equal(err.message, "requirement failed: Column s must be of type numeric "
                                         "but was actually of type string.");
        assert_null(try_fit(w, data, &err, CLASSIFIERS[c], "weightCol", text_of(w, "w"), NULL));
        assert_string_equal(err.message, "[USER_RAISED_EXCEPTION] Weights MUST NOT "
                                         "be Negative or Infinity, but got -1.0 "
                                         "SQLSTATE: P0001");
        assert_null(try_fit(w, data, &err, CLASSIFIERS[c], "predictionCol", text_of(w, "a"), NULL));
        assert_string_equal(err.message, "requirement failed: Column a already exists.");
    }
}

static void bad_features_are_refused(void **state)
{
    ml_world *w = *state;
    ch_error err;
    ch_plan *with = ch_plan_new(w->arena, CH_PLAN_WITH_COLUMNS, rows_with_label(w, ch_lit_double(0)));
    with->u.project.n = 1;
    with->u.project.exprs = CH_NEW(w->arena, ch_expr *);
    with->u.project.exprs[0] = ch_expr_alias(w->arena, ch_expr_double(w->arena, (double)NAN), "n");
    ch_plan *data = transformed(w, with, "feature.VectorAssembler", "inputCols", texts_of(w, 2, "n", "a"), "outputCol",
                                text_of(w, "v"), "handleInvalid", text_of(w, "keep"), NULL);
    for (size_t c = 0; c < 4; c++) {
        assert_null(try_fit(w, data, &err, CLASSIFIERS[c], "featuresCol", text_of(w, "v"), NULL));
        assert_string_equal(err.message, "[USER_RAISED_EXCEPTION] Vector values "
                                         "MUST NOT be NaN or Infinity, but got "
                                         "[NaN,1.0] SQLSTATE: P0001");
    }
}

static void empty_and_tiny_data(void **state)
{
    ml_world *w = *state;
    ch_plan *data = rows_with_label(w, ch_lit_double(0));
    ch_error err;
    for (size_t c = 0; c < 4; c++) {
        assert_null(try_fit(w, filtered(w, data, "b > 100"), &err, CLASSIFIERS[c], NULL));
        assert_string_equal(err.message, c == 3 ? "DecisionTree requires size of input RDD > 0, "
                                                  "but was given by empty one."
                                                : "ML algorithm was given empty dataset.");
        const char *id = try_fit(w, filtered(w, data, "b = 2"), &err, CLASSIFIERS[c], NULL);
        if (!id) fail_msg("%s: %s", CLASSIFIERS[c], err.message);
        assert_string_equal(attribute(w, id, "numClasses"), c == 3 ? "2" : "1");
    }
    assert_null(try_fit(w, filtered(w, data, "b > 100"), &err, "clustering.KMeans", NULL));
    assert_string_equal(err.message, "requirement failed: Nothing has been added to this summarizer.");
    assert_null(try_fit(w, filtered(w, data, "b > 100"), &err, "feature.StandardScaler", "inputCol",
                        text_of(w, "features"), NULL));
    assert_string_equal(err.message, "requirement failed: Nothing has been added to this summarizer.");
    const char *id =
        try_fit(w, filtered(w, data, "b > 100"), &err, "feature.StringIndexer", "inputCol", text_of(w, "s"), NULL);
    assert_string_equal(attribute(w, id, "labels"), "[]");
    id = try_fit(w, data, &err, "clustering.KMeans", "k", ch_lit_int(10), "seed", ch_lit_int(1), NULL);
    if (!id) fail_msg("%s", err.message);
    assert_true(number(w, id, "numFeatures") == 2); /* more clusters than rows: as many as there are points */
}

static void constant_labels_give_sparks_models(void **state)
{
    ml_world *w = *state;
    ch_error err;
    ch_plan *ones = filtered(w, rows_with_label(w, ch_lit_double(0)), "label = 1");
    const char *id = try_fit(w, ones, &err, CLASSIFIERS[0], NULL);
    assert_string_equal(rows_of(w, model_plan(w, id, ones, NULL), "rawPrediction,probability,prediction"),
                        "[-Infinity,Infinity],[0.0,1.0],1.0;[-Infinity,Infinity],[0.0,1.0],1.0");
    id = try_fit(w, ones, &err, CLASSIFIERS[1], NULL);
    assert_string_equal(rows_of(w, model_plan(w, id, ones, NULL), "rawPrediction,probability,prediction"),
                        "[0.0,2.0],[0.0,1.0],1.0;[0.0,2.0],[0.0,1.0],1.0");
    id = try_fit(w, ones, &err, CLASSIFIERS[3], "maxIter", ch_lit_int(2), NULL);
    double raw;
    assert_int_equal(sscanf(rows_of(w, model_plan(w, id, ones, NULL), "rawPrediction"), "[%*f,%lf", &raw), 1);
    assert_close(raw, 1.0477, 1e-4); /* printed by Spark with 4 digits */
}

static void wrong_dimensions_are_refused_when_scoring(void **state)
{
    ml_world *w = *state;
    ch_error err;
    ch_plan *data = rows_with_label(w, ch_lit_double(0));
    ch_plan *narrow = transformed(w, rows_with_label(w, ch_lit_double(0)), "feature.VectorAssembler", "inputCols",
                                  texts_of(w, 1, "a"), "outputCol", text_of(w, "v"), NULL);
    const char *id = try_fit(w, data, &err, CLASSIFIERS[0], NULL);
    const char *rows = rows_of(w, model_plan(w, id, narrow, "featuresCol", text_of(w, "v"), NULL), "prediction");
    assert_non_null(strstr(rows, "BLAS.dot(x: Vector, y:Vector) was given "
                                 "Vectors with non-matching sizes: x.size = 1, "
                                 "y.size = 2"));
    id = try_fit(w, data, &err, CLASSIFIERS[1], NULL);
    rows = rows_of(w, model_plan(w, id, narrow, "featuresCol", text_of(w, "v"), NULL), "prediction");
    assert_non_null(strstr(rows, "java.lang.ArrayIndexOutOfBoundsException: "
                                 "Index 1 out of bounds for length 1"));
}

static void bad_params_are_refused(void **state)
{
    ml_world *w = *state;
    ch_error err;
    ch_plan *data = rows_with_label(w, ch_lit_double(0));
    const double three[3] = {0.1, 0.2, 0.3};
    ch_literal thresholds = ch_lit_doubles(w->arena, three, 3);
    assert_null(try_fit(w, data, &err, CLASSIFIERS[0], "thresholds", thresholds, NULL));
    assert_string_equal(err.message, "requirement failed: LogisticRegression.train() called with non-matching "
                                     "numClasses "
                                     "and thresholds.length. numClasses=2, but thresholds has length 3");
    assert_null(
        try_fit(w, rows_with_label(w, ch_lit_double(2)), &err, CLASSIFIERS[0], "family", text_of(w, "binomial"), NULL));
    assert_string_equal(err.message, "requirement failed: Binomial family only supports 1 or "
                                     "2 outcome classes but found 3.");
    assert_null(try_fit(w, data, &err, CLASSIFIERS[0], "regParam", ch_lit_double(-1), NULL));
    assert_string_equal(err.message, "uid parameter regParam given invalid value -1.0.");
    assert_null(try_fit(w, data, &err, "feature.StringIndexer", "outputCol", text_of(w, "o"), NULL));
    assert_string_equal(err.message, "StringIndexer uid requires exactly one of "
                                     "inputCol, inputCols Params to be set, but "
                                     "neither is set.");
}

static void evaluators_check_their_columns(void **state)
{
    ml_world *w = *state;
    ch_error err;
    double value;
    ch_plan *data = rows_with_label(w, ch_lit_double(0));
    assert_int_not_equal(try_evaluate(w, data, &value, &err, "evaluation.BinaryClassificationEvaluator", NULL), 0);
    assert_string_equal(err.message, "[FIELD_NOT_FOUND] No such struct field "
                                     "`rawPrediction` in `label`, `s`, `w`, `a`, "
                                     "`b`, `features`. SQLSTATE: 42704");
    assert_int_not_equal(try_evaluate(w, data, &value, &err, "evaluation.BinaryClassificationEvaluator",
                                      "rawPredictionCol", text_of(w, "s"), NULL),
                         0);
    assert_string_equal(err.message, "requirement failed: Column s must be of type equal to "
                                     "one of the following types: [double, "
                                     "struct<type:tinyint,size:int,indices:array<int>,values:"
                                     "array<double>>] but was actually of type "
                                     "string.");
    assert_int_not_equal(try_evaluate(w, data, &value, &err, "evaluation.MulticlassClassificationEvaluator",
                                      "predictionCol", text_of(w, "a"), "metricName", text_of(w, "precisionByLabel"),
                                      "metricLabel", ch_lit_double(7), NULL),
                         0);
    assert_string_equal(err.message, "key not found: 7.0");
    assert_int_not_equal(try_evaluate(w, data, &value, &err, "evaluation.MulticlassClassificationEvaluator",
                                      "predictionCol", text_of(w, "a"), "metricName", text_of(w, "logLoss"), NULL),
                         0);
    assert_string_equal(err.message, "requirement failed: probabilityCol is needed to compute logloss");
    assert_int_not_equal(try_evaluate(w, filtered(w, data, "b > 100"), &value, &err, "evaluation.RegressionEvaluator",
                                      "predictionCol", text_of(w, "a"), NULL),
                         0);
    assert_string_equal(err.message, "requirement failed: Nothing has been added to this summarizer.");
    assert_int_equal(try_evaluate(w, filtered(w, data, "b > 100"), &value, &err,
                                  "evaluation.BinaryClassificationEvaluator", "rawPredictionCol", text_of(w, "a"),
                                  NULL),
                     0);
    assert_true(value == 0.5); /* Spark's area under nothing */
    assert_int_not_equal(
        try_evaluate(w, data, &value, &err, "evaluation.ClusteringEvaluator", "predictionCol", text_of(w, "w"), NULL),
        0);
    assert_string_equal(err.message, "assertion failed: Number of clusters must be greater than one.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_labels_are_refused),
        cmocka_unit_test(columns_are_checked),
        cmocka_unit_test(bad_features_are_refused),
        cmocka_unit_test(empty_and_tiny_data),
        cmocka_unit_test(constant_labels_give_sparks_models),
        cmocka_unit_test(wrong_dimensions_are_refused_when_scoring),
        cmocka_unit_test(bad_params_are_refused),
        cmocka_unit_test(evaluators_check_their_columns),
    };
    return cmocka_run_group_tests(tests, ml_setup, ml_teardown);
}
