/* Scoring in memory gives what the same stages give in a query: the pipeline that real Spark 4.0.1 saved, stages that
 * leave rows out, casts; and folders of pipelines are read as Spark and Python lay them out. */
#include "ml/saved.h"
#include "ml/scorer.h"
#include "ml_testing.h"

#include <sys/stat.h>

#define MODELS TESTS_DIR "/ml/data/"

static const char *const CATEGORY[8] = {"b", "a", "a", "c", "b", "d", NULL, "c"};

static ch_transform **transforms_of(ml_world *w, const char *path, size_t *n)
{
    ch_error err;
    ch_saved_stage *stages;
    if (ch_saved_load(w->session, w->arena, path, n, &stages, &err)) fail_msg("%s", err.message);
    ch_transform **list = CH_NEW_ARRAY(w->arena, ch_transform *, *n);
    for (size_t i = 0; i < *n; i++) list[i] = stages[i].transform;
    return list;
}

static ch_scorer *scorer_of(ch_transform *const *stages, size_t n, const ch_field *inputs, size_t ninput)
{
    ch_error err;
    ch_scorer *scorer;
    ch_schema schema = {ninput, (ch_field *)(uintptr_t)inputs};
    if (ch_scorer_new(stages, n, &schema, &scorer, &err)) fail_msg("%s", err.message);
    return scorer;
}

/* The results of a column as rows_of prints them. */
static const char *results(ml_world *w, const ch_scoring *s, const char *column)
{
    size_t at = ch_scorer_find(s->scorer, column, strlen(column));
    assert_true(at != SIZE_MAX);
    ch_buf text = {0};
    for (size_t i = 0; i < s->rows; i++) {
        if (i) ch_buf_char(&text, ';');
        ch_buf_java_double(&text, ch_scored_number(&s->columns[at], i));
    }
    return keep(w, &text);
}

/* cat and x1 of the recorded rows, x1 as it is or as whole numbers. */
static void fill_golden(ch_scoring *s)
{
    for (size_t i = 0; i < 8; i++) {
        if (CATEGORY[i])
            ch_column_set_string(&s->columns[0], i, CATEGORY[i], strlen(CATEGORY[i]));
        else
            ch_column_set_null(&s->columns[0], i);
        if (s->columns[1].type->kind == CH_LONG)
            ((int64_t *)s->columns[1].data)[i] = (int64_t)i + 1;
        else
            ((double *)s->columns[1].data)[i] = (double)i + 1;
    }
}

static ch_plan *read_stage(ml_world *w, const char *class_name, const char *folder, const ch_plan *input)
{
    ch_error err;
    ch_ml_value value;
    ch_transform *t;
    const char *full = ch_arena_printf(w->arena, "org.apache.spark.ml.%s", class_name);
    const char *path = ch_arena_printf(w->arena, MODELS "m_pipeline/stages/%s", folder);
    if (ch_ml_read(w->ml, w->arena, full, path, NULL, &value, &err)) fail_msg("%s", err.message);
    int status = value.ids ? ch_ml_model_transform(w->ml, value.ids, &value.op.params, &t, &err)
                           : ch_ml_transformer(w->ml, &value.op, &t, &err);
    if (status) fail_msg("%s", err.message);
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_TRANSFORM, (ch_plan *)(uintptr_t)input);
    plan->u.transform = ch_transform_hold(w->arena, t);
    ch_transform_release(t);
    return plan;
}

static void saved_pipeline(void **state)
{
    ml_world *w = *state;
    ch_plan *plan = read_stage(w, "feature.StringIndexerModel", "0_StringIndexer_75b71951da1a", golden_rows(w));
    plan = read_stage(w, "feature.VectorAssembler", "1_VectorAssembler_2a2a69c228d2", plan);
    plan = read_stage(w, "classification.LogisticRegressionModel", "2_LogisticRegression_6467400c22f9", plan);
    const char *expected = rows_of(w, plan, "prediction");
    assert_non_null(strchr(expected, ';'));
    const ch_type *types[2] = {&ch_type_double, &ch_type_long}; /* whole numbers are cast on the way */
    for (int t = 0; t < 2; t++) {
        size_t n;
        ch_error err;
        ch_scoring s;
        ch_transform **stages = transforms_of(w, MODELS "m_pipeline", &n);
        assert_int_equal(n, 3);
        const ch_field inputs[2] = {{.name = "cat", .type = &ch_type_string, .nullable = true},
                                    {.name = "x1", .type = types[t], .nullable = true}};
        ch_scorer *scorer = scorer_of(stages, n, inputs, 2);
        assert_int_equal(ch_scorer_find(scorer, "CAT", 3), 0);
        assert_true(ch_scorer_find(scorer, "ca", 2) == SIZE_MAX);
        assert_int_equal(ch_scoring_init(&s, scorer, 8, &err), 0);
        fill_golden(&s);
        if (ch_scoring_run(&s, &err)) fail_msg("%s", err.message);
        assert_null(s.source);
        assert_string_equal(results(w, &s, "prediction"), expected);
        ch_scoring_reset(&s);
        ch_scorer_free(scorer);
    }
}

/* Indexer and assembler both skip: rows go in two steps, and no later stage sees them. */
static void rows_left_out(void **state)
{
    ml_world *w = *state;
    ch_error err;
    ch_plan *data = golden_rows(w);
    const char *indexer = try_fit(w, data, &err, "feature.StringIndexer", "inputCol", text_of(w, "cat"), "outputCol",
                                  text_of(w, "ci"), "handleInvalid", text_of(w, "skip"), NULL);
    if (!indexer) fail_msg("%s", err.message);
    ch_transform *stages[3];
    ch_params none = {0};
    if (ch_ml_model_transform(w->ml, indexer, &none, &stages[0], &err)) fail_msg("%s", err.message);
    const ch_param assemble[3] = {{"inputCols", texts_of(w, 2, "ci", "x1")},
                                  {"outputCol", text_of(w, "features")},
                                  {"handleInvalid", text_of(w, "skip")}};
    ch_operator op = {"org.apache.spark.ml.feature.VectorAssembler", "va", {3, assemble}};
    if (ch_ml_transformer(w->ml, &op, &stages[1], &err)) fail_msg("%s", err.message);
    const char *regression =
        try_fit(w,
                transformed(w, model_plan(w, indexer, data, NULL), "feature.VectorAssembler", "inputCols",
                            texts_of(w, 2, "ci", "x1"), "outputCol", text_of(w, "features"), NULL),
                &err, "classification.LogisticRegression", "maxIter", ch_lit_int(3), NULL);
    if (!regression) fail_msg("%s", err.message);
    if (ch_ml_model_transform(w->ml, regression, &none, &stages[2], &err)) fail_msg("%s", err.message);

    const ch_field inputs[2] = {{.name = "cat", .type = &ch_type_string, .nullable = true},
                                {.name = "x1", .type = &ch_type_double, .nullable = true}};
    ch_scorer *scorer = scorer_of(stages, 3, inputs, 2);
    for (int i = 0; i < 3; i++) ch_transform_release(stages[i]);
    ch_scoring s;
    assert_int_equal(ch_scoring_init(&s, scorer, 8, &err), 0);
    fill_golden(&s);
    ch_column_set_string(&s.columns[0], 1, "a label that no training row had", 32);
    ch_column_set_null(&s.columns[1], 4);
    ((double *)s.columns[1].data)[5] = (double)NAN;
    if (ch_scoring_run(&s, &err)) fail_msg("%s", err.message);
    static const uint32_t KEPT[4] = {0, 2, 3, 7}; /* not 1 (unseen), 4 and 5 (no number), 6 (NULL category) */
    assert_int_equal(s.rows, 4);
    assert_memory_equal(s.source, KEPT, sizeof KEPT);
    static const double X1[4] = {1, 3, 4, 8}, INDEX[4] = {1, 0, 2, 2};
    size_t ci = ch_scorer_find(scorer, "ci", 2);
    for (size_t i = 0; i < 4; i++) {
        assert_true(ch_scored_number(&s.columns[1], i) == X1[i]);
        assert_true(ch_scored_number(&s.columns[ci], i) == INDEX[i]);
    }
    /* the same four rows alone */
    const char *with_others = results(w, &s, "prediction");
    ch_scoring alone;
    assert_int_equal(ch_scoring_init(&alone, scorer, 4, &err), 0);
    for (size_t i = 0; i < 4; i++) {
        ch_column_set_string(&alone.columns[0], i, CATEGORY[KEPT[i]], 1);
        ((double *)alone.columns[1].data)[i] = X1[i];
    }
    if (ch_scoring_run(&alone, &err)) fail_msg("%s", err.message);
    assert_string_equal(results(w, &alone, "prediction"), with_others);
    ch_scoring_reset(&alone);
    ch_scoring_reset(&s);
    /* none left */
    assert_int_equal(ch_scoring_init(&s, scorer, 1, &err), 0);
    ch_column_set_null(&s.columns[0], 0);
    assert_int_equal(ch_scoring_run(&s, &err), 0);
    assert_int_equal(s.rows, 0);
    ch_scoring_reset(&s);
    ch_scorer_free(scorer);
}

static void put_file(ml_world *w, const char *folder, const char *text)
{
    mkdir(ch_arena_printf(w->arena, "%s/%s", w->folder, folder), 0777);
    mkdir(ch_arena_printf(w->arena, "%s/%s/metadata", w->folder, folder), 0777);
    FILE *f = fopen(ch_arena_printf(w->arena, "%s/%s/metadata/part-00000", w->folder, folder), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void folders(void **state)
{
    ml_world *w = *state;
    ch_error err;
    ch_saved saved;
    const char *path = ch_arena_printf(w->arena, "%s/p", w->folder);
    put_file(w, "p",
             "{\"class\":\"pyspark.ml.pipeline.PipelineModel\",\"uid\":\"P_1\",\"sparkVersion\":\"4.0.1\","
             "\"paramMap\":{\"stageUids\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\"],"
             "\"language\":\"Python\"},\"defaultParamMap\":{}}");
    if (ch_saved_read(w->arena, path, &saved, &err)) fail_msg("%s", err.message);
    assert_true(saved.nested);
    assert_int_equal(saved.n, 10);
    assert_string_equal(saved.uid, "P_1");
    assert_string_equal(saved.paths[3], ch_arena_printf(w->arena, "%s/stages/03_d", path));
    put_file(w, "cv",
             "{\"class\":\"org.apache.spark.ml.tuning.CrossValidatorModel\",\"uid\":\"C\","
             "\"sparkVersion\":\"4.0.1\",\"paramMap\":{},\"defaultParamMap\":{}}");
    path = ch_arena_printf(w->arena, "%s/cv", w->folder);
    if (ch_saved_read(w->arena, path, &saved, &err)) fail_msg("%s", err.message);
    assert_string_equal(saved.paths[0], ch_arena_printf(w->arena, "%s/bestModel", path));
    put_file(w, "out",
             "{\"class\":\"org.apache.spark.ml.PipelineModel\",\"uid\":\"P\",\"sparkVersion\":\"4.0.1\","
             "\"paramMap\":{\"stageUids\":[\"../../x\"]},\"defaultParamMap\":{}}");
    path = ch_arena_printf(w->arena, "%s/out", w->folder);
    assert_int_equal(ch_saved_read(w->arena, path, &saved, &err), CH_E_ILLEGAL_ARGUMENT);
    put_file(w, "estimator",
             "{\"class\":\"org.apache.spark.ml.feature.StringIndexer\",\"uid\":\"S\","
             "\"sparkVersion\":\"4.0.1\",\"paramMap\":{},\"defaultParamMap\":{}}");
    size_t n;
    ch_saved_stage *stages;
    path = ch_arena_printf(w->arena, "%s/estimator", w->folder);
    assert_int_equal(ch_saved_load(w->session, w->arena, path, &n, &stages, &err), CH_E_ILLEGAL_ARGUMENT);
    assert_non_null(strstr(err.message, "which is no model"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(saved_pipeline, ml_setup, ml_teardown),
        cmocka_unit_test_setup_teardown(rows_left_out, ml_setup, ml_teardown),
        cmocka_unit_test_setup_teardown(folders, ml_setup, ml_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
