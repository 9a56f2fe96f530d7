/* Models on disk: folders that real Spark 4.0.1 and 4.1.3 wrote are read, what is written
 * reads back the same, hostile folders are refused. */
#include "ml_testing.h"

#include <dirent.h>
#include <sys/stat.h>

#define MODELS TESTS_DIR "/ml/data/"

/* Reads a model; NULL and *err when that fails. */
static const char *try_read(ml_world *w, const char *class_name, const char *path, ch_error *err)
{
    ch_ml_value value;
    const char *full = ch_arena_printf(w->arena, "org.apache.spark.ml.%s", class_name);
    return ch_ml_read(w->ml, w->arena, full, path, NULL, &value, err) ? NULL : value.ids;
}

static const char *read_model(ml_world *w, const char *class_name, const char *path)
{
    ch_error err;
    const char *id = try_read(w, class_name, path, &err);
    if (!id) fail_msg("%s: %s", path, err.message);
    return id;
}

static const char *path_of(ml_world *w, const char *name)
{
    return ch_arena_printf(w->arena, "%s/%s", w->folder, name);
}

/* Writes a model and reads it back. */
static const char *again(ml_world *w, const char *id, const char *class_name, const char *name)
{
    ch_error err;
    const char *path = path_of(w, name);
    if (ch_ml_write(w->ml, id, NULL, NULL, path, false, NULL, &err)) fail_msg("%s", err.message);
    return read_model(w, class_name, path);
}

static void string_indexer(void **state)
{
    ml_world *w = *state;
    ch_ml_value value;
    ch_error err;
    assert_int_equal(ch_ml_read(w->ml, w->arena, "org.apache.spark.ml.feature.StringIndexerModel",
                                MODELS "m_stringindexer", NULL, &value, &err),
                     0);
    assert_int_equal(value.kind, CH_ML_OPERATOR);
    assert_string_equal(value.op.uid, "StringIndexer_d4d925464825");
    assert_int_equal(value.op.params.n, 3);
    const char *id = value.ids;
    for (int round = 0; round < 2; round++) {
        assert_string_equal(attribute(w, id, "labels"), "[a,b,c,d]");
        assert_string_equal(rows_of(w, model_plan(w, id, golden_rows(w), NULL), "ci"),
                            "1.0;0.0;0.0;2.0;1.0;3.0;4.0;2.0");
        if (!round) id = again(w, id, "feature.StringIndexerModel", "si");
    }
}

static void logistic_regression(void **state)
{
    ml_world *w = *state;
    const char *id = read_model(w, "classification.LogisticRegressionModel", MODELS "m_lr"), *first = NULL;
    for (int round = 0; round < 2; round++) {
        const double *coefficients = numbers(w, id, "coefficients", 2);
        assert_close(coefficients[0], -0.0303, 2e-3); /* the recorded run stopped at tol 1e-6 */
        assert_string_equal(attribute(w, id, "hasSummary"), "false");
        const char *rows = rows_of(w, model_plan(w, id, golden_vectors(w), NULL), "rawPrediction,prediction");
        if (round) assert_string_equal(rows, first); /* not a bit is lost on disk */
        first = rows;
        if (!round) id = again(w, id, "classification.LogisticRegressionModel", "lr");
    }
}

static void random_forest(void **state)
{
    ml_world *w = *state;
    const char *id = read_model(w, "classification.RandomForestClassificationModel", MODELS "m_rf");
    for (int round = 0; round < 2; round++) {
        assert_string_equal(attribute(w, id, "toDebugString"), "RandomForestClassificationModel: "
                                                               "uid=RandomForestClassifier_94cb87b66a07, numTrees=2, "
                                                               "numClasses=2, numFeatures=2\n"
                                                               "  Tree 0 (weight 1.0):\n    If (feature 1 <= 17.5)\n  "
                                                               "   Predict: 0.0\n"
                                                               "    Else (feature 1 > 17.5)\n     Predict: 1.0\n"
                                                               "  Tree 1 (weight 1.0):\n    If (feature 1 <= 17.5)\n  "
                                                               "   Predict: 0.0\n"
                                                               "    Else (feature 1 > 17.5)\n     Predict: 1.0\n");
        assert_string_equal(rows_of(w, model_plan(w, id, golden_vectors(w), NULL), "probability"),
                            "[1.0,0.0];[0.0,1.0];[1.0,0.0];[0.0,1.0];[1.0,0.0];[0.0,1.0];[1.0,0.0];"
                            "[0.0,1.0]");
        if (!round) id = again(w, id, "classification.RandomForestClassificationModel", "rf");
    }
    /* one of its trees */
    const char *tree = strtok(ch_arena_strdup(w->arena, attribute(w, id, "trees")), ",");
    tree = again(w, tree, "classification.DecisionTreeClassificationModel", "tree");
    assert_string_equal(attribute(w, tree, "numNodes"), "3");
}

static void boosted_trees(void **state)
{
    ml_world *w = *state;
    const char *id = read_model(w, "classification.GBTClassificationModel", MODELS "m_gbt");
    for (int round = 0; round < 2; round++) {
        assert_string_equal(attribute(w, id, "treeWeights"), "[1.0,0.1,0.1]");
        double raw;
        const char *rows = rows_of(w, model_plan(w, id, golden_vectors(w), NULL), "rawPrediction");
        assert_int_equal(sscanf(rows, "[%lf", &raw), 1);
        assert_close(raw, 1.0915005269131191, 1e-12);
        if (!round) id = again(w, id, "classification.GBTClassificationModel", "gbt");
    }
}

/* Trees of Spark 4.1.3, whose columns of treesMetadata are called otherwise; what Spark itself says of them. */
static void ensembles_of_spark_4_1(void **state)
{
    ml_world *w = *state;
    static const double AT[4][3] = {{0.5, 0.5, 0.5}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    static const double RAW[4] = {3.7778456837280365, 1, 0.8428571428571429, 0};
    static const double PREDICTED[4] = {26.554839743589742, 0, 47.36, 2.1149999999999998};
    const char *forest = read_model(w, "classification.RandomForestClassificationModel", MODELS "m41_rf");
    const char *boosted = read_model(w, "regression.GBTRegressionModel", MODELS "m41_gbtr");
    for (int round = 0; round < 2; round++) {
        assert_string_equal(attribute(w, forest, "totalNumNodes"), "111");
        assert_string_equal(attribute(w, forest, "treeWeights"), "[1.0,1.0,1.0,1.0,1.0]");
        assert_string_equal(attribute(w, boosted, "totalNumNodes"), "125");
        assert_string_equal(attribute(w, boosted, "treeWeights"), "[1.0,0.1,0.1]");
        for (int i = 0; i < 4; i++) {
            ch_literal x = ch_lit_dense(w->arena, AT[i], 3);
            ch_fetch_arg arg = {.literal = &x};
            ch_fetch raw = {"predictRaw", 1, &arg}, predict = {"predict", 1, &arg};
            ch_ml_value value;
            ch_error err;
            double *got;
            size_t n;
            assert_int_equal(ch_ml_fetch(w->ml, w->arena, forest, 1, &raw, NULL, &value, &err), 0);
            assert_int_equal(ch_lit_to_vector(w->arena, &value.literal, "raw", &got, &n, &err), 0);
            assert_int_equal(n, 2);
            assert_close(got[0], RAW[i], 1e-14); /* sums of five shares */
            assert_int_equal(ch_ml_fetch(w->ml, w->arena, boosted, 1, &predict, NULL, &value, &err), 0);
            assert_close(value.literal.v.real, PREDICTED[i], 1e-13); /* a sum of three terms */
        }
        if (round) break;
        forest = again(w, forest, "classification.RandomForestClassificationModel", "rf41");
        boosted = again(w, boosted, "regression.GBTRegressionModel", "gbtr41");
    }
}

static void kmeans(void **state)
{
    ml_world *w = *state;
    const char *id = read_model(w, "clustering.KMeansModel", MODELS "m_kmeans");
    for (int round = 0; round < 2; round++) {
        assert_string_equal(attribute(w, id, "clusterCenterMatrix"),
                            "[1,2,2,NULL,NULL,[6.0,60.0,3.6,11.200000000000001],true]");
        assert_string_equal(rows_of(w, model_plan(w, id, golden_vectors(w), NULL), "prediction"), "1;1;1;0;1;0;1;0");
        if (!round) id = again(w, id, "clustering.KMeansModel", "km");
    }
}

static void the_stages_of_a_pipeline(void **state)
{
    ml_world *w = *state;
    ch_plan *data = golden_rows(w);
    data = model_plan(
        w, read_model(w, "feature.StringIndexerModel", MODELS "m_pipeline/stages/0_StringIndexer_75b71951da1a"), data,
        NULL);
    ch_ml_value assembler;
    ch_error err;
    assert_int_equal(ch_ml_read(w->ml, w->arena, "org.apache.spark.ml.feature.VectorAssembler",
                                MODELS "m_pipeline/stages/1_VectorAssembler_2a2a69c228d2", NULL, &assembler, &err),
                     0);
    assert_null(assembler.ids);
    ch_transform *t;
    assert_int_equal(ch_ml_transformer(w->ml, &assembler.op, &t, &err), 0);
    data = ch_plan_new(w->arena, CH_PLAN_TRANSFORM, data);
    data->u.transform = ch_transform_hold(w->arena, t);
    ch_transform_release(t);
    const char *lr = read_model(w, "classification.LogisticRegressionModel",
                                MODELS "m_pipeline/stages/2_LogisticRegression_6467400c22f9");
    const char *rows = rows_of(w, model_plan(w, lr, data, NULL), "prediction");
    assert_int_equal(strlen(rows), 8 * 4 - 1);
}

static void fitted_feature_models_round_trip(void **state)
{
    ml_world *w = *state;
    ch_error err;
    static const char *const CASES[][3] = {
        {"feature.StandardScaler", "feature.StandardScalerModel", "std"},
        {"feature.MinMaxScaler", "feature.MinMaxScalerModel", "originalMax"},
    };
    for (size_t i = 0; i < 2; i++) {
        const char *id = try_fit(w, golden_vectors(w), &err, CASES[i][0], "inputCol", text_of(w, "x"), NULL);
        assert_non_null(id);
        const char *back = again(w, id, CASES[i][1], CASES[i][2]);
        assert_string_equal(attribute(w, back, CASES[i][2]), attribute(w, id, CASES[i][2]));
    }
    const char *id = try_fit(w, golden_rows(w), &err, "feature.OneHotEncoder", "inputCol", text_of(w, "x1"),
                             "outputCol", text_of(w, "v"), NULL);
    assert_string_equal(attribute(w, again(w, id, "feature.OneHotEncoderModel", "ohe"), "categorySizes"), "[9]");
}

static void unfitted_stages_round_trip(void **state)
{
    ml_world *w = *state;
    ch_error err;
    ch_param params[2] = {{"metricName", text_of(w, "areaUnderPR")}, {"numBins", ch_lit_int(7)}};
    ch_operator op = {.class_name = "org.apache.spark.ml.evaluation.BinaryClassificationEvaluator",
                      .uid = "Binary_1",
                      .params = {2, params}};
    const char *path = path_of(w, "evaluator");
    assert_int_equal(ch_ml_write(w->ml, NULL, &op, NULL, path, false, NULL, &err), 0);
    ch_ml_value value;
    assert_int_equal(ch_ml_read(w->ml, w->arena, op.class_name, path, NULL, &value, &err), 0);
    assert_string_equal(value.op.uid, "Binary_1");
    assert_null(value.ids);
    assert_int_equal(value.op.params.n, 2);
}

static void an_existing_path_is_kept_unless_told_otherwise(void **state)
{
    ml_world *w = *state;
    ch_error err;
    const char *id = read_model(w, "clustering.KMeansModel", MODELS "m_kmeans"), *path = path_of(w, "twice");
    assert_int_equal(ch_ml_write(w->ml, id, NULL, NULL, path, false, NULL, &err), 0);
    assert_int_equal(ch_ml_write(w->ml, id, NULL, NULL, path, false, NULL, &err), CH_E_IO);
    assert_string_equal(err.message, ch_arena_printf(w->arena,
                                                     "Path %s already exists. To overwrite it, please use "
                                                     "write.overwrite().save(path) for Scala and use "
                                                     "write().overwrite().save(path) "
                                                     "for Java and Python.",
                                                     path));
    assert_int_equal(
        ch_ml_write(w->ml, id, NULL, NULL, ch_arena_printf(w->arena, "file://%s/", path), true, NULL, &err), 0);
    read_model(w, "clustering.KMeansModel", path);
    /* nothing is left beside it */
    DIR *dir = opendir(w->folder);
    for (struct dirent *e; (e = readdir(dir));) assert_null(strstr(e->d_name, "chert_"));
    closedir(dir);
}

static void a_failed_save_leaves_what_was_there(void **state)
{
    ml_world *w = *state;
    ch_error err;
    const char *id = read_model(w, "clustering.KMeansModel", MODELS "m_kmeans");
    assert_int_not_equal(ch_ml_write(w->ml, id, NULL, NULL, "/proc/nope/model", false, NULL, &err), 0);
    assert_int_not_equal(ch_ml_write(w->ml, id, NULL, NULL, "", false, NULL, &err), 0);
    assert_int_equal(ch_ml_write(w->ml, id, NULL, NULL, "hdfs://host/x", false, NULL, &err), CH_E_UNSUPPORTED);
}

/* ---- hostile folders ---- */

/* A copy of a recorded model to be damaged: the metadata with `from` replaced
 * by `to`. */
static const char *damaged(ml_world *w, const char *model, const char *from, const char *to)
{
    static int counter;
    const char *path = path_of(w, ch_arena_printf(w->arena, "damaged%d", counter++));
    char command[1024];
    snprintf(command, sizeof command, "cp -r '%s%s' '%s' && chmod -R u+w '%s'", MODELS, model, path, path);
    assert_int_equal(system(command), 0);
    if (!from) return path;
    snprintf(command, sizeof command, "sed -i 's/%s/%s/' '%s'/metadata/part-*", from, to, path);
    assert_int_equal(system(command), 0);
    return path;
}

static void damaged_metadata_are_refused(void **state)
{
    ml_world *w = *state;
    static const struct {
        const char *class_name, *model, *from, *to;
    } CASES[] = {
        {"clustering.KMeansModel", "m_kmeans", "\"class\"", "\"klass\""},
        {"clustering.KMeansModel", "m_kmeans", "^{", "["},
        {"clustering.KMeansModel", "m_kmeans", "KMeansModel", "GaussianMixtureModel"},
        {"clustering.KMeansModel", "m_kmeans", "\"k\":2", "\"kk\":2"},
        {"clustering.KMeansModel", "m_kmeans", "\"k\":2", "\"k\":\"x\""},
        {"classification.RandomForestClassificationModel", "m_rf", "\"numTrees\":2}$", "\"numTrees\":3}"},
        {"classification.RandomForestClassificationModel", "m_rf", "\"numTrees\":2}$", "\"numTrees\":-1}"},
        {"classification.RandomForestClassificationModel", "m_rf", "\"numFeatures\":2", "\"numFeatures\":1"},
        {"classification.RandomForestClassificationModel", "m_rf", "\"numClasses\":2", "\"numClasses\":3"},
        {"classification.RandomForestClassificationModel", "m_rf", "\"numClasses\":2", "\"numClasses\":1e9"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        ch_error err;
        const char *path = damaged(w, CASES[i].model, CASES[i].from, CASES[i].to);
        if (try_read(w, CASES[i].class_name, path, &err)) fail_msg("case %zu was accepted", i);
        assert_true(err.message[0] != '\0');
    }
}

static void damaged_folders_are_refused(void **state)
{
    ml_world *w = *state;
    static const char *const DAMAGE[] = {
        "rm -r %s/data",
        "rm -r %s/metadata",
        "rm %s/metadata/part-*",
        "truncate -s 100 %s/data/*.parquet",
        "truncate -s 0 %s/metadata/part-*",
        "head -c 5000 /dev/urandom > %s/data/part-0.parquet",
        "rm %s/data/* && cp " MODELS "m_lr/data/*.parquet %s/data/",
    };
    for (size_t i = 0; i < sizeof DAMAGE / sizeof *DAMAGE; i++) {
        ch_error err;
        const char *path = damaged(w, "m_kmeans", NULL, NULL);
        char command[2048];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
        snprintf(command, sizeof command, DAMAGE[i], path, path);
#pragma GCC diagnostic pop
        assert_int_equal(system(command), 0);
        if (try_read(w, "clustering.KMeansModel", path, &err)) fail_msg("'%s' was accepted", DAMAGE[i]);
    }
    ch_error err;
    assert_null(try_read(w, "clustering.KMeansModel", path_of(w, "nowhere"), &err));
    assert_string_equal(err.condition, "PATH_NOT_FOUND");
    assert_null(try_read(w, "clustering.Nope", MODELS "m_kmeans", &err));
    assert_string_equal(err.condition, "CONNECT_ML.UNSUPPORTED_EXCEPTION");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(string_indexer),
        cmocka_unit_test(logistic_regression),
        cmocka_unit_test(random_forest),
        cmocka_unit_test(boosted_trees),
        cmocka_unit_test(ensembles_of_spark_4_1),
        cmocka_unit_test(kmeans),
        cmocka_unit_test(the_stages_of_a_pipeline),
        cmocka_unit_test(fitted_feature_models_round_trip),
        cmocka_unit_test(unfitted_stages_round_trip),
        cmocka_unit_test(an_existing_path_is_kept_unless_told_otherwise),
        cmocka_unit_test(a_failed_save_leaves_what_was_there),
        cmocka_unit_test(damaged_metadata_are_refused),
        cmocka_unit_test(damaged_folders_are_refused),
    };
    return cmocka_run_group_tests(tests, ml_setup, ml_teardown);
}
