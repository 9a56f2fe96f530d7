/* Estimators end to end, through the engine, against values that real Spark 4
 * gave for the same rows. */
#include "ml_testing.h"

static const char *fit(ml_world *w, const char *id, const ch_error *err)
{
    (void)w;
    if (!id) fail_msg("%s", err->message);
    return id;
}

static void string_indexer_orders_labels(void **state)
{
    ml_world *w = *state;
    static const char *const CASES[4][2] = {{"frequencyDesc", "[a,b,c,d]"},
                                            {"frequencyAsc", "[d,a,b,c]"},
                                            {"alphabetDesc", "[d,c,b,a]"},
                                            {"alphabetAsc", "[a,b,c,d]"}};
    ch_error err;
    for (size_t i = 0; i < 4; i++) {
        const char *id = fit(w,
                             try_fit(w, golden_rows(w), &err, "feature.StringIndexer", "inputCol", text_of(w, "cat"),
                                     "outputCol", text_of(w, "ci"), "stringOrderType", text_of(w, CASES[i][0]), NULL),
                             &err);
        assert_string_equal(attribute(w, id, "labels"), CASES[i][1]);
    }
}

static void string_indexer_indexes_numbers_and_several_columns(void **state)
{
    ml_world *w = *state;
    ch_error err;
    const char *id = fit(w,
                         try_fit(w, golden_rows(w), &err, "feature.StringIndexer", "inputCols",
                                 texts_of(w, 2, "label", "x1"), "outputCols", texts_of(w, 2, "a", "b"), NULL),
                         &err);
    assert_string_equal(attribute(w, id, "labelsArray"), "[[0,1],[1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0]]");
    assert_string_equal(attribute(w, id, "labels"), "!requirement failed: This StringIndexerModel is fit on multiple "
                                                    "columns. Call `labelsArray` instead.");
    assert_string_equal(rows_of(w, model_plan(w, id, golden_rows(w), NULL), "a,b"),
                        "0.0,0.0;1.0,1.0;0.0,2.0;1.0,3.0;0.0,4.0;1.0,5.0;0.0,6.0;1.0,7.0");
}

static void invalid_rows_are_skipped(void **state)
{
    ml_world *w = *state;
    ch_error err;
    const char *id = fit(w,
                         try_fit(w, golden_rows(w), &err, "feature.StringIndexer", "inputCol", text_of(w, "cat"),
                                 "outputCol", text_of(w, "ci"), "handleInvalid", text_of(w, "skip"), NULL),
                         &err);
    assert_string_equal(rows_of(w, model_plan(w, id, golden_rows(w), NULL), "x1,ci"),
                        "1.0,1.0;2.0,0.0;3.0,0.0;4.0,2.0;5.0,1.0;6.0,3.0;8.0,2.0");
    const char *rows = rows_of(w, model_plan(w, id, golden_rows(w), "handleInvalid", text_of(w, "error"), NULL), "ci");
    assert_non_null(strstr(rows, "StringIndexer encountered NULL value."));
}

/* cat -> index -> one-hot -> vector -> scaled, as recorded. */
static void the_feature_pipeline_gives_sparks_values(void **state)
{
    ml_world *w = *state;
    ch_error err;
    ch_plan *data = golden_rows(w);
    const char *indexer = fit(w,
                              try_fit(w, data, &err, "feature.StringIndexer", "inputCol", text_of(w, "cat"),
                                      "outputCol", text_of(w, "ci"), "handleInvalid", text_of(w, "keep"), NULL),
                              &err);
    data = model_plan(w, indexer, data, NULL);
    assert_string_equal(schema_from(w, data, 4), "ci double not null {\"ml_attr\":{\"vals\":[\"a\",\"b\",\"c\",\"d\","
                                                 "\"__unknown\"],\"name\":\"ci\",\"type\":\"nominal\"}}");
    const char *encoder = fit(w,
                              try_fit(w, data, &err, "feature.OneHotEncoder", "inputCols", texts_of(w, 1, "ci"),
                                      "outputCols", texts_of(w, 1, "cv"), NULL),
                              &err);
    assert_string_equal(attribute(w, encoder, "categorySizes"), "[5]");
    data = model_plan(w, encoder, data, NULL);
    data = transformed(w, data, "feature.VectorAssembler", "inputCols", texts_of(w, 3, "cv", "x1", "x2"), "outputCol",
                       text_of(w, "f"), NULL);
    assert_string_equal(rows_of(w, data, "f"), "[0.0,1.0,0.0,0.0,1.0,10.0];[1.0,0.0,0.0,0.0,2.0,20.0];["
                                               "1.0,0.0,0.0,0.0,3.0,15.0];"
                                               "[0.0,0.0,1.0,0.0,4.0,40.0];[0.0,1.0,0.0,0.0,5.0,5.0];[0."
                                               "0,0.0,0.0,1.0,6.0,60.0];"
                                               "(6,[4,5],[7.0,6.0]);[0.0,0.0,1.0,0.0,8.0,80.0]");
    const char *scaler = fit(w,
                             try_fit(w, data, &err, "feature.StandardScaler", "inputCol", text_of(w, "f"), "outputCol",
                                     text_of(w, "s"), NULL),
                             &err);
    static const double STD[6] = {0.4629100498862757, 0.4629100498862757, 0.4629100498862757,
                                  0.3535533905932738, 2.449489742783178,  27.836255905871084};
    static const double MEAN[6] = {0.25, 0.25, 0.25, 0.125, 4.5, 29.5};
    const double *std = numbers(w, scaler, "std", 6), *mean = numbers(w, scaler, "mean", 6);
    for (size_t i = 0; i < 6; i++) {
        assert_close(std[i], STD[i], 1e-15); /* the same sums in the same order */
        assert_close(mean[i], MEAN[i], 1e-15);
    }
    assert_string_equal(schema_from(w, model_plan(w, scaler, data, NULL), 7),
                        "s vector {\"ml_attr\":{\"num_attrs\":6}}");
}

static void one_hot_sizes_come_from_data_without_metadata(void **state)
{
    ml_world *w = *state;
    ch_error err;
    const char *id = fit(w,
                         try_fit(w, golden_rows(w), &err, "feature.OneHotEncoder", "inputCol", text_of(w, "x1"),
                                 "outputCol", text_of(w, "v"), NULL),
                         &err);
    assert_string_equal(attribute(w, id, "categorySizes"), "[9]");
}

static void min_max_scaler_learns_the_range(void **state)
{
    ml_world *w = *state;
    ch_error err;
    const char *id = fit(w,
                         try_fit(w, golden_vectors(w), &err, "feature.MinMaxScaler", "inputCol", text_of(w, "x"),
                                 "outputCol", text_of(w, "s"), NULL),
                         &err);
    assert_string_equal(attribute(w, id, "originalMin"), "[1.0,5.0]");
    assert_string_equal(attribute(w, id, "originalMax"), "[8.0,80.0]");
    assert_string_equal(attribute(w, id, "nope"), "![CONNECT_ML.ATTRIBUTE_NOT_ALLOWED] Generic Spark "
                                                  "Connect ML error. nope in "
                                                  "org.apache.spark.ml.feature.MinMaxScalerModel is not "
                                                  "allowed to be accessed. SQLSTATE: XX000");
}

static void logistic_regression_gives_sparks_coefficients(void **state)
{
    ml_world *w = *state;
    static const struct {
        double alpha, coefficients[2], intercept, objective;
        bool standardization;
    } CASES[] = {
        {0, {-0.030301481841655955, 0.04933496339582395}, -1.2184550154173797, 0.46211689526811717, true},
        {0, {-0.14164686397912063, 0.7750884788067036}, -13.22780629949339, 0.06299077534698472, false},
        {0.5, {0.0, 0.0530841351294951}, -1.4252454982988947, 0.4834997259256128, true},
    };
    ch_error err;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const char *id = fit(w,
                             try_fit(w, golden_vectors(w), &err, "classification.LogisticRegression", "featuresCol",
                                     text_of(w, "x"), "maxIter", ch_lit_int(200), "tol", ch_lit_double(1e-10),
                                     "regParam", ch_lit_double(0.1), "elasticNetParam", ch_lit_double(CASES[i].alpha),
                                     "standardization", ch_lit_bool(CASES[i].standardization), NULL),
                             &err);
        const double *coefficients = numbers(w, id, "coefficients", 2);
        /* Two optimisers that stop at a tolerance of 1e-10 agree to about its
         * square root. */
        assert_close(coefficients[0], CASES[i].coefficients[0], 1e-6);
        assert_close(coefficients[1], CASES[i].coefficients[1], 1e-6);
        assert_close(number(w, id, "intercept"), CASES[i].intercept, 1e-6);
        ch_error unused;
        const ch_literal *history = fetched(w, id, "summary.objectiveHistory", &unused);
        assert_close(history->v.list.items[0].v.real, 0.6931471805599453, 1e-12); /* ln 2, at the start */
        assert_close(history->v.list.items[history->v.list.n - 1].v.real, CASES[i].objective, 1e-9);
        assert_int_equal((int)number(w, id, "summary.totalIterations"), (int)history->v.list.n - 1);
    }
}

static void logistic_model_scores_and_summarises(void **state)
{
    ml_world *w = *state;
    ch_error err;
    const char *id = fit(w,
                         try_fit(w, golden_vectors(w), &err, "classification.LogisticRegression", "featuresCol",
                                 text_of(w, "x"), "regParam", ch_lit_double(0.1), NULL),
                         &err);
    ch_plan *scored = model_plan(w, id, golden_vectors(w), NULL);
    assert_string_equal(schema_from(w, scored, 5), "rawPrediction vector {\"ml_attr\":{\"num_attrs\":2}}; probability "
                                                   "vector "
                                                   "{\"ml_attr\":{\"num_attrs\":2}}; prediction double not null "
                                                   "{\"ml_attr\":{\"num_vals\":2,\"type\":\"nominal\"}}");
    assert_string_equal(rows_of(w, scored, "prediction"), "0.0;0.0;0.0;1.0;0.0;1.0;0.0;1.0");
    assert_string_equal(attribute(w, id, "hasSummary"), "true");
    assert_string_equal(attribute(w, id, "numClasses"), "2");
    assert_string_equal(attribute(w, id, "numFeatures"), "2");
    assert_string_equal(attribute(w, id, "summary.areaUnderROC"), "1.0");
    assert_string_equal(attribute(w, id, "summary.accuracy"), "0.875");
    assert_string_equal(attribute(w, id, "summary.labels"), "[0.0,1.0]");
    assert_string_equal(attribute(w, id, "summary.recallByLabel"), "[1.0,0.75]");
    assert_string_equal(attribute(w, id, "summary.predictionCol"), "prediction");
    double area;
    assert_int_equal(try_evaluate(w, scored, &area, &err, "evaluation.BinaryClassificationEvaluator", NULL), 0);
    assert_true(area == 1.0);

    ch_fetch steps[2] = {{.method = "summary"}, {.method = "roc"}};
    ch_plan *roc;
    assert_int_equal(ch_ml_fetch_relation(w->ml, w->arena, id, 2, steps, NULL, &roc, &err), 0);
    assert_string_equal(rows_of(w, roc, NULL), "0.0,0.0;0.0,0.25;0.0,0.5;0.0,0.75;0.0,1.0;0.25,1.0;0.5,1.0;0.75,1.0;"
                                               "1.0,1.0;1.0,1.0");
    steps[1].method = "predictions";
    ch_plan *predictions;
    assert_int_equal(ch_ml_fetch_relation(w->ml, w->arena, id, 2, steps, NULL, &predictions, &err), 0);
    assert_string_equal(rows_of(w, predictions, "label,prediction"),
                        "0.0,0.0;1.0,0.0;0.0,0.0;1.0,1.0;0.0,0.0;1.0,1.0;0.0,0.0;1.0,1.0");

    /* thresholds, names left out, columns that exist already */
    assert_string_equal(
        rows_of(w, model_plan(w, id, golden_vectors(w), "threshold", ch_lit_double(0.9), NULL), "prediction"),
        "0.0;0.0;0.0;0.0;0.0;0.0;0.0;1.0");
    assert_string_equal(schema_from(w,
                                    model_plan(w, id, golden_vectors(w), "rawPredictionCol", text_of(w, ""),
                                               "probabilityCol", text_of(w, ""), NULL),
                                    5),
                        "prediction double not null "
                        "{\"ml_attr\":{\"num_vals\":2,\"type\":\"nominal\"}}");
    assert_string_equal(schema_from(w, model_plan(w, id, scored, NULL), 5),
                        "!requirement failed: Column prediction already exists.");

    /* a summary of an evaluation */
    ch_fetch_arg input = {.input = golden_vectors(w)};
    ch_fetch evaluate = {.method = "evaluate", .narg = 1, .args = &input};
    ch_ml_value summary;
    assert_int_equal(ch_ml_fetch(w->ml, w->arena, id, 1, &evaluate, NULL, &summary, &err), 0);
    assert_int_equal(summary.kind, CH_ML_SUMMARY);
    assert_string_equal(attribute(w, summary.ids, "areaUnderROC"), "1.0");
    assert_string_equal(attribute(w, ch_arena_printf(w->arena, "%s.summary", id), "accuracy"), "0.875");
}

static void multinomial_regression_gives_sparks_coefficients(void **state)
{
    ml_world *w = *state;
    ch_error err;
    const char *id = fit(w,
                         try_fit(w, golden_vectors(w), &err, "classification.LogisticRegression", "featuresCol",
                                 text_of(w, "x"), "maxIter", ch_lit_int(200), "tol", ch_lit_double(1e-10), "regParam",
                                 ch_lit_double(0.1), "family", text_of(w, "multinomial"), NULL),
                         &err);
    const double *intercepts = numbers(w, id, "interceptVector", 2);
    assert_close(intercepts[0], 0.7243122280285524, 1e-6);
    assert_close(intercepts[1], -0.7243122280285524, 1e-6);
    ch_error unused;
    double *matrix;
    size_t rows, cols;
    assert_int_equal(
        ch_lit_to_matrix(w->arena, fetched(w, id, "coefficientMatrix", &unused), "m", &matrix, &rows, &cols, &err), 0);
    assert_int_equal(rows * cols, 4);
    assert_close(matrix[2], -0.04329038, 1e-6); /* printed by Spark with 8 digits */
    assert_close(matrix[3], 0.03438761, 1e-6);
    assert_string_equal(attribute(w, id, "coefficients"), "!Multinomial models contain a matrix of coefficients, "
                                                          "use coefficientMatrix instead.");
}

static void boosted_trees_are_sparks(void **state)
{
    ml_world *w = *state;
    ch_error err;
    const char *id =
        fit(w,
            try_fit(w, golden_vectors(w), &err, "classification.GBTClassifier", "featuresCol", text_of(w, "x"),
                    "maxIter", ch_lit_int(3), "maxDepth", ch_lit_int(2), "seed", ch_lit_int(1), NULL),
            &err);
    assert_string_equal(attribute(w, id, "toDebugString"), "GBTClassificationModel: uid = uid, numTrees=3, "
                                                           "numClasses=2, numFeatures=2\n"
                                                           "  Tree 0 (weight 1.0):\n"
                                                           "    If (feature 1 <= 17.5)\n"
                                                           "     Predict: -1.0\n"
                                                           "    Else (feature 1 > 17.5)\n"
                                                           "     Predict: 1.0\n"
                                                           "  Tree 1 (weight 0.1):\n"
                                                           "    If (feature 1 <= 17.5)\n"
                                                           "     Predict: -0.4768116880884702\n"
                                                           "    Else (feature 1 > 17.5)\n"
                                                           "     Predict: 0.4768116880884702\n"
                                                           "  Tree 2 (weight 0.1):\n"
                                                           "    If (feature 1 <= 17.5)\n"
                                                           "     Predict: -0.4381935810427206\n"
                                                           "    Else (feature 1 > 17.5)\n"
                                                           "     Predict: 0.43819358104272066\n");
    assert_string_equal(attribute(w, id, "treeWeights"), "[1.0,0.1,0.1]");
    assert_string_equal(attribute(w, id, "getNumTrees"), "3");
    assert_string_equal(attribute(w, id, "featureImportances"), "(2,[1],[1.0])");
    const char *first = rows_of(w, model_plan(w, id, golden_vectors(w), NULL), "rawPrediction,probability,prediction");
    double raw, probability;
    assert_int_equal(sscanf(first, "[%lf,%*f],[%lf", &raw, &probability), 2);
    assert_close(raw, 1.0915005269131191, 1e-12);
    assert_close(probability, 0.89872, 1e-4); /* printed by Spark with 4 digits */

    /* each tree is a model of its own */
    char *ids = ch_arena_strdup(w->arena, attribute(w, id, "trees")), *second;
    strtok(ids, ",");
    second = strtok(NULL, ",");
    assert_string_equal(attribute(w, second, "depth"), "1");
    assert_string_equal(attribute(w, second, "numNodes"), "3");
    assert_string_equal(rows_of(w, model_plan(w, second, golden_vectors(w), NULL), "prediction"),
                        "-0.4768116880884702;0.4768116880884702;-0.4768116880884702;0."
                        "4768116880884702;"
                        "-0.4768116880884702;0.4768116880884702;-0.4768116880884702;0."
                        "4768116880884702");
}

static void forests_and_trees_split_where_spark_splits(void **state)
{
    ml_world *w = *state;
    ch_error err;
    const char *id =
        fit(w,
            try_fit(w, golden_vectors(w), &err, "classification.RandomForestClassifier", "featuresCol", text_of(w, "x"),
                    "numTrees", ch_lit_int(2), "maxDepth", ch_lit_int(2), "seed", ch_lit_int(1), NULL),
            &err);
    assert_string_equal(attribute(w, id, "totalNumNodes"), "6");
    assert_string_equal(attribute(w, id, "summary.accuracy"), "1.0");
    assert_string_equal(attribute(w, id, "summary.totalIterations"), "0");
    id = fit(w,
             try_fit(w, golden_vectors(w), &err, "classification.DecisionTreeClassifier", "featuresCol",
                     text_of(w, "x"), "maxDepth", ch_lit_int(2), "leafCol", text_of(w, "leaf"), NULL),
             &err);
    assert_string_equal(attribute(w, id, "toDebugString"), "DecisionTreeClassificationModel: uid=uid, depth=1, "
                                                           "numNodes=3, numClasses=2, numFeatures=2\n"
                                                           "  If (feature 1 <= 17.5)\n"
                                                           "   Predict: 0.0\n"
                                                           "  Else (feature 1 > 17.5)\n"
                                                           "   Predict: 1.0\n");
    assert_string_equal(rows_of(w, model_plan(w, id, golden_vectors(w), NULL), "rawPrediction,probability,leaf"),
                        "[4.0,0.0],[1.0,0.0],0.0;[0.0,4.0],[0.0,1.0],1.0;[4.0,0."
                        "0],[1.0,0.0],0.0;[0.0,4.0],[0.0,1.0],1.0;"
                        "[4.0,0.0],[1.0,0.0],0.0;[0.0,4.0],[0.0,1.0],1.0;[4.0,0."
                        "0],[1.0,0.0],0.0;[0.0,4.0],[0.0,1.0],1.0");
    id = fit(w,
             try_fit(w, golden_vectors(w), &err, "regression.DecisionTreeRegressor", "featuresCol", text_of(w, "x"),
                     "labelCol", text_of(w, "x2"), "maxDepth", ch_lit_int(1), "varianceCol", text_of(w, "v"), NULL),
             &err);
    /* best split of x2 by itself: {5,6,10,15,20} and {40,60,80}; means 11.2 and
     * 60, variances 31.76 and 800/3 */
    assert_string_equal(attribute(w, id, "depth"), "1");
    assert_string_equal(rows_of(w, model_plan(w, id, golden_vectors(w), NULL), "prediction"),
                        "11.2;11.2;11.2;60.0;11.2;60.0;11.2;60.0");
    double error;
    assert_int_equal(try_evaluate(w, model_plan(w, id, golden_vectors(w), NULL), &error, &err,
                                  "evaluation.RegressionEvaluator", "labelCol", text_of(w, "x2"), "metricName",
                                  text_of(w, "mse"), NULL),
                     0);
    assert_close(error, 119.85, 1e-12);
}

static void kmeans_gives_sparks_clusters(void **state)
{
    ml_world *w = *state;
    ch_error err;
    const char *id = fit(w,
                         try_fit(w, golden_vectors(w), &err, "clustering.KMeans", "featuresCol", text_of(w, "x"), "k",
                                 ch_lit_int(2), "seed", ch_lit_int(1), NULL),
                         &err);
    assert_string_equal(attribute(w, id, "clusterCenterMatrix"),
                        "[1,2,2,NULL,NULL,[6.0,60.0,3.6,11.200000000000001],true]");
    assert_string_equal(attribute(w, id, "summary.trainingCost"), "990.0");
    assert_string_equal(attribute(w, id, "summary.numIter"), "2");
    assert_string_equal(attribute(w, id, "summary.clusterSizes"), "[3,5]");
    ch_plan *scored = model_plan(w, id, golden_vectors(w), NULL);
    assert_string_equal(schema_from(w, scored, 5), "prediction int not null "
                                                   "{\"ml_attr\":{\"num_vals\":2,\"type\":\"nominal\"}}");
    assert_string_equal(rows_of(w, scored, "prediction"), "1;1;1;0;1;0;1;0");
    double silhouette, cosine;
    assert_int_equal(try_evaluate(w, scored, &silhouette, &err, "evaluation.ClusteringEvaluator", "featuresCol",
                                  text_of(w, "x"), NULL),
                     0);
    assert_close(silhouette, 0.7870467707705557, 1e-12);
    assert_int_equal(try_evaluate(w, scored, &cosine, &err, "evaluation.ClusteringEvaluator", "featuresCol",
                                  text_of(w, "x"), "distanceMeasure", text_of(w, "cosine"), NULL),
                     0);
    assert_close(cosine, 0.0831189797883564, 1e-12);
}

static void the_cache_knows_what_it_holds(void **state)
{
    ml_world *w = *state;
    ch_error err;
    assert_true(ch_ml_clear(w->ml) < 1000);
    const char *id =
        fit(w, try_fit(w, golden_vectors(w), &err, "clustering.KMeans", "featuresCol", text_of(w, "x"), NULL), &err);
    ch_literal info, size;
    assert_int_equal(ch_ml_cache_info(w->ml, w->arena, &info, &err), 0);
    assert_int_equal(info.v.list.n, 1);
    assert_non_null(strstr(info.v.list.items[0].v.bytes.data, "obj: class org.apache.spark.ml.clustering.KMeansModel"));
    assert_int_equal(ch_ml_model_size(w->ml, id, &size, &err), 0);
    assert_true(size.v.integer > 0);
    ch_plan *running = model_plan(w, id, golden_vectors(w), NULL);
    const char *deleted, *ids[3] = {id, "0d1e2a3b-1111-4222-8333-444455556666", "a.summary"};
    assert_int_equal(ch_ml_delete(w->ml, w->arena, 3, ids, false, &deleted, &err), 0);
    assert_string_equal(deleted, id);
    assert_string_equal(rows_of(w, running, "prediction"),
                        rows_of(w, running, "prediction")); /* a plan keeps its model */
    assert_true(rows_of(w, running, "prediction")[0] != '!');
    assert_string_equal(ch_arena_strndup(w->arena, attribute(w, id, "numFeatures"), 27), "![CONNECT_ML.CACHE_INVALID]");
    ids[1] = "nope";
    assert_int_not_equal(ch_ml_delete(w->ml, w->arena, 3, ids, false, &deleted, &err), 0);
    assert_string_equal(err.message, "[INTERNAL_ERROR] The MLCache key nope is invalid. SQLSTATE: XX000");
    assert_non_null(strstr(attribute(w, "1-2-3-4", "numFeatures"), "The MLCache key 1-2-3-4 is invalid."));
    assert_non_null(strstr(attribute(w, "1-2-3-4-5", "numFeatures"), "Cannot retrieve Summary object 1-2-3-4-5 from"));
    assert_int_equal(ch_ml_clear(w->ml), 0);
}

static void unknown_classes_are_refused(void **state)
{
    ml_world *w = *state;
    ch_error err;
    assert_null(try_fit(w, golden_rows(w), &err, "classification.Nope", NULL));
    assert_string_equal(err.condition, "CONNECT_ML.UNSUPPORTED_EXCEPTION");
    assert_null(try_fit(w, golden_rows(w), &err, "feature.VectorAssembler", NULL)); /* no estimator */
    assert_string_equal(err.condition, "CONNECT_ML.UNSUPPORTED_EXCEPTION");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(string_indexer_orders_labels),
        cmocka_unit_test(string_indexer_indexes_numbers_and_several_columns),
        cmocka_unit_test(invalid_rows_are_skipped),
        cmocka_unit_test(the_feature_pipeline_gives_sparks_values),
        cmocka_unit_test(one_hot_sizes_come_from_data_without_metadata),
        cmocka_unit_test(min_max_scaler_learns_the_range),
        cmocka_unit_test(logistic_regression_gives_sparks_coefficients),
        cmocka_unit_test(logistic_model_scores_and_summarises),
        cmocka_unit_test(multinomial_regression_gives_sparks_coefficients),
        cmocka_unit_test(boosted_trees_are_sparks),
        cmocka_unit_test(forests_and_trees_split_where_spark_splits),
        cmocka_unit_test(kmeans_gives_sparks_clusters),
        cmocka_unit_test(the_cache_knows_what_it_holds),
        cmocka_unit_test(unknown_classes_are_refused),
    };
    return cmocka_run_group_tests(tests, ml_setup, ml_teardown);
}
