/* Params: every stage declares what Spark declares, values are coerced and
 * checked as Spark does, JSON round trips. */
#include "ml/literal.h"
#include "ml/params.h"
#include "ml/stages.h"
#include "testing.h"

#include <math.h>
#include <string.h>

static const ch_param_row *find_row(const ch_stage *stage, const char *name)
{
    for (const ch_param_row *row = stage->params; row->name; row++) {
        if (strcmp(row->name, name) == 0) return row;
    }
    return NULL;
}

static size_t count_rows(const ch_stage *stage)
{
    size_t n = 0;
    while (stage->params[n].name) n++;
    return n;
}

/* data/params.json is the list of params and defaults that a real client of
 * Spark 4.1.3 shows. */
static void stages_declare_what_spark_declares(void **state)
{
    (void)state;
    json_t *expected = json_load_file(TESTS_DIR "/ml/data/params.json", 0, NULL);
    assert_non_null(expected);
    size_t seen = 0;
    const char *class_name;
    json_t *entry;
    json_object_foreach(expected, class_name, entry)
    {
        const ch_stage *stage = ch_stage_find(class_name);
        if (!stage) fail_msg("no stage %s", class_name);
        seen++;
        size_t i;
        json_t *name;
        json_array_foreach(json_object_get(entry, "params"), i, name)
        {
            if (!find_row(stage, json_string_value(name)))
                fail_msg("%s has no %s", class_name, json_string_value(name));
        }
        assert_int_equal(count_rows(stage), json_array_size(json_object_get(entry, "params")));

        ch_param_map *map = ch_param_map_new(stage, "uid");
        ch_buf text = {0};
        ch_param_map_json(map, true, &text);
        json_t *defaults = json_loads(ch_buf_text(&text), 0, NULL);
        assert_non_null(defaults);
        json_object_del(defaults, "seed");
        json_object_del(defaults, "outputCol");
        if (!json_equal(defaults, json_object_get(entry, "defaults"))) {
            fail_msg("%s: defaults %s", class_name, ch_buf_text(&text));
        }
        json_decref(defaults);
        ch_buf_reset(&text);
        ch_param_map_release(map);
    }
    assert_true(seen >= 18);
    json_decref(expected);
}

/* A model takes over what its estimator was given, so it must know those
 * params. */
static void models_know_the_params_of_their_estimators(void **state)
{
    (void)state;
    const ch_stage *const *stages;
    size_t n = ch_stage_all(&stages);
    for (size_t i = 0; i < n; i++) {
        if (stages[i]->kind != CH_STAGE_ESTIMATOR) continue;
        assert_non_null(stages[i]->model);
        for (const ch_param_row *row = stages[i]->params; row->name; row++) {
            if (!find_row(stages[i]->model, row->name)) fail_msg("%s: %s", stages[i]->model->class_name, row->name);
        }
    }
}

static void default_seed_is_the_hash_of_the_class_name(void **state)
{
    (void)state;
    /* "Hello".hashCode() in Java */
    assert_int_equal(ch_java_hash("Hello"), 69609650);
    ch_param_map *map = ch_param_map_new(&ch_stage_gbt_classifier, "u");
    assert_int_equal(ch_param_long(map, "seed"), ch_java_hash("org.apache.spark.ml.classification.GBTClassifier"));
    ch_param_map_release(map);
}

static void values_are_coerced(void **state)
{
    (void)state;
    ch_error err;
    ch_param_map *map = ch_param_map_new(&ch_stage_gbt_classifier, "g");
    ch_param items[] = {{"maxIter", ch_lit_long(7)},
                        {"stepSize", ch_lit_int(1)},
                        {"seed", ch_lit_int(42)},
                        {"maxDepth", ch_lit_double(3.7)}};
    ch_params params = {4, items};
    assert_int_equal(ch_param_map_set(map, &params, &err), 0);
    assert_int_equal(ch_param_int(map, "maxIter"), 7);
    assert_true(ch_param_double(map, "stepSize") == 1.0);
    assert_int_equal(ch_param_long(map, "seed"), 42);
    assert_int_equal(ch_param_int(map, "maxDepth"), 3);
    assert_true(ch_param_is_set(map, "seed"));
    assert_false(ch_param_is_set(map, "labelCol"));
    assert_string_equal(ch_param_text(map, "labelCol"), "label");

    ch_literal text = {.type = &ch_type_string, .v.bytes = {"x", 1}};
    assert_int_equal(ch_param_set_literal(map, "maxIter", &text, &err), CH_E_ILLEGAL_ARGUMENT);
    ch_literal null = ch_lit_null(&ch_type_int);
    assert_int_not_equal(ch_param_set_literal(map, "maxIter", &null, &err), 0);
    ch_param_map_release(map);
}

static void bad_values_are_refused_in_sparks_words(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    const double bad_thresholds[] = {-0.1, 0.2};
    const struct {
        const ch_stage *stage;
        const char *name;
        ch_literal value;
        const char *message; /* texts of real Spark 4.1.3, but for the uid */
    } cases[] = {
        {&ch_stage_logistic_regression, "regParam", ch_lit_double(-1),
         "u parameter regParam given invalid value -1.0."},
        {&ch_stage_logistic_regression, "family", ch_lit_text(arena, "x"), "u parameter family given invalid value x."},
        {&ch_stage_logistic_regression, "thresholds", ch_lit_doubles(arena, bad_thresholds, 2),
         "u parameter thresholds given invalid value [-0.1,0.2]."},
        {&ch_stage_decision_tree_classifier, "maxDepth", ch_lit_int(31),
         "u parameter maxDepth given invalid value 31."},
        {&ch_stage_random_forest_classifier, "featureSubsetStrategy", ch_lit_text(arena, "1.5"),
         "u parameter featureSubsetStrategy given invalid value 1.5."},
        {&ch_stage_kmeans, "k", ch_lit_int(1), "u parameter k given invalid value 1."},
        {&ch_stage_kmeans, "initMode", ch_lit_text(arena, "k-means"),
         "u parameter initMode given invalid value k-means."},
        {&ch_stage_kmeans, "initMode", ch_lit_text(arena, ""), "u parameter initMode given invalid value ."},
        {&ch_stage_kmeans, "nope", ch_lit_int(1), "Param nope does not exist."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_error err = {0};
        ch_param_map *map = ch_param_map_new(cases[i].stage, "u");
        assert_int_not_equal(ch_param_set_literal(map, cases[i].name, &cases[i].value, &err), 0);
        assert_string_equal(err.message, cases[i].message);
        ch_param_map_release(map);
    }
    ch_arena_free(arena);
}

static void good_values_pass(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    static const char *const SUBSETS[] = {"auto", "SQRT", "onethird", "3", "0.5", "1.0", "1"};
    ch_param_map *map = ch_param_map_new(&ch_stage_random_forest_classifier, "u");
    for (size_t i = 0; i < sizeof SUBSETS / sizeof *SUBSETS; i++) {
        ch_error err;
        ch_literal value = ch_lit_text(arena, SUBSETS[i]);
        if (ch_param_set_literal(map, "featureSubsetStrategy", &value, &err)) fail_msg("%s", err.message);
    }
    ch_param_map_release(map);
    static const char *const MODES[] = {"random", "k-means||"};
    map = ch_param_map_new(&ch_stage_kmeans, "u");
    for (size_t i = 0; i < sizeof MODES / sizeof *MODES; i++) {
        ch_error err;
        ch_literal value = ch_lit_text(arena, MODES[i]);
        if (ch_param_set_literal(map, "initMode", &value, &err)) fail_msg("%s", err.message);
        assert_string_equal(ch_param_text(map, "initMode"), MODES[i]);
    }
    ch_param_map_release(map);
    ch_arena_free(arena);
}

static void json_round_trips(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    ch_error err;
    ch_param_map *map = ch_param_map_new(&ch_stage_logistic_regression, "u"), *back;
    const double thresholds[] = {0.25, 0.5}, bounds[] = {1, 2, 3, 4, 5, 6}, lower[] = {0, 7, 0, 0, 0, 0, 0, 0};
    ch_literal values[] = {ch_lit_doubles(arena, thresholds, 2), ch_lit_matrix(arena, 2, 3, bounds, false),
                           ch_lit_compressed(arena, lower, 8), ch_lit_double((double)INFINITY)};
    assert_int_equal(ch_param_set_literal(map, "thresholds", &values[0], &err), 0);
    assert_int_equal(ch_param_set_literal(map, "lowerBoundsOnCoefficients", &values[1], &err), 0);
    assert_int_equal(ch_param_set_literal(map, "upperBoundsOnIntercepts", &values[2], &err), 0);
    assert_int_equal(ch_param_set_literal(map, "tol", &values[3], &err), 0);
    ch_param_set_text(map, "featuresCol", "a \"b\"\n\xC3\xA9");
    ch_buf text = {0}, again = {0};
    ch_param_map_json(map, false, &text);
    assert_string_equal(ch_buf_text(&text), "{\"featuresCol\":\"a "
                                            "\\\"b\\\"\\n\xC3\xA9\",\"lowerBoundsOnCoefficients\":{\"class\":"
                                            "\"matrix\","
                                            "\"type\":1,\"numRows\":2,\"numCols\":3,\"values\":[1.0,2.0,3.0,4.0,5.0,"
                                            "6.0],"
                                            "\"isTransposed\":false},\"thresholds\":[0.25,0.5],\"tol\":\"Inf\","
                                            "\"upperBoundsOnIntercepts\":{\"type\":0,\"size\":8,\"indices\":[1],"
                                            "\"values\":[7.0]}}");
    json_t *json = json_loads(ch_buf_text(&text), 0, NULL);
    back = ch_param_map_new(&ch_stage_logistic_regression, "u");
    if (ch_param_map_read(back, json, false, NULL, &err)) fail_msg("%s", err.message);
    ch_param_map_json(back, false, &again);
    assert_string_equal(ch_buf_text(&again), ch_buf_text(&text));
    json_decref(json);
    ch_buf_reset(&text);
    ch_buf_reset(&again);
    ch_param_map_release(map);
    ch_param_map_release(back);
    ch_arena_free(arena);
}

static void hostile_json_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "{\"nope\":1}",
        "{\"maxIter\":\"7\"}",
        "{\"maxIter\":-1}",
        "{\"thresholds\":[1,\"x\"]}",
        "{\"thresholds\":3}",
        "{\"tol\":\"x\"}",
        "{\"fitIntercept\":1}",
        "{\"lowerBoundsOnCoefficients\":{\"type\":1,\"numRows\":2,\"numCols\":3,"
        "\"values\":[1.0]}}",
        "{\"lowerBoundsOnCoefficients\":{\"type\":0,\"numRows\":1,\"numCols\":1,"
        "\"colPtrs\":[0,9],"
        "\"rowIndices\":[0],\"values\":[1.0]}}",
        "{\"upperBoundsOnIntercepts\":{\"type\":0,\"size\":2,\"indices\":[5],"
        "\"values\":[7.0]}}",
        "[]",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        ch_error err;
        json_t *json = json_loads(BAD[i], 0, NULL);
        assert_non_null(json);
        ch_param_map *map = ch_param_map_new(&ch_stage_logistic_regression, "u");
        if (ch_param_map_read(map, json, false, NULL, &err) == 0) fail_msg("accepted %s", BAD[i]);
        ch_param_map_release(map);
        json_decref(json);
    }
}

static void copies_keep_values_and_defaults(void **state)
{
    (void)state;
    ch_param_map *map = ch_param_map_new(&ch_stage_string_indexer, "StringIndexer_1");
    ch_param_set_text(map, "inputCol", "a");
    ch_param_map *copy = ch_param_map_copy(map, &ch_stage_string_indexer_model, "other");
    assert_string_equal(ch_param_text(copy, "inputCol"), "a");
    assert_string_equal(ch_param_text(copy, "outputCol"), "StringIndexer_1__output");
    assert_false(ch_param_is_set(copy, "outputCol"));
    ch_param_set_text(copy, "inputCol", "b");
    assert_string_equal(ch_param_text(map, "inputCol"), "a");
    ch_param_map_release(map);
    ch_param_map_release(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stages_declare_what_spark_declares),
        cmocka_unit_test(models_know_the_params_of_their_estimators),
        cmocka_unit_test(default_seed_is_the_hash_of_the_class_name),
        cmocka_unit_test(values_are_coerced),
        cmocka_unit_test(bad_values_are_refused_in_sparks_words),
        cmocka_unit_test(good_values_pass),
        cmocka_unit_test(json_round_trips),
        cmocka_unit_test(hostile_json_is_refused),
        cmocka_unit_test(copies_keep_values_and_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
