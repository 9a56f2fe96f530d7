/* test_model_api.c: models that real Spark saved, as the pages are told of them. */
#include "track/track.h"
#include "web/web.h"

#include "../http/raw.h"

#include <jansson.h>

static ch_http_server *server;
static ch_track *track;
static char folder[] = "/tmp/chert-web-XXXXXX";
static char run[64];

static void ask(const char *method, const char *path, const char *body, raw_answer *answer)
{
    char request[2048];
    snprintf(request, sizeof request,
             "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             method, path, strlen(body), body);
    raw_ask(ch_http_port(server), request, answer);
}

static json_t *parsed(raw_answer *answer)
{
    json_t *json = json_loads(ch_buf_text(&answer->body), 0, NULL);
    assert_non_null(json);
    raw_free(answer);
    return json;
}

/* Puts a model of the tests' data ("ml/data/m_gbt") into the run's artifacts. */
static void copy_model(const char *model)
{
    char command[1024];
    snprintf(command, sizeof command,
             "mkdir -p %s/artifacts/0/%s/artifacts && cp -r %s/%s %s/artifacts/0/%s/artifacts/", folder, run, TESTS_DIR,
             model, folder, run);
    assert_int_equal(system(command), 0);
}

static int start(void **state)
{
    (void)state;
    ch_error err;
    char store[128], artifacts[128];
    assert_non_null(mkdtemp(folder));
    snprintf(store, sizeof store, "%s/tracking.db", folder);
    snprintf(artifacts, sizeof artifacts, "%s/artifacts", folder);
    ch_track_options options = {.store = store, .artifacts = artifacts};
    assert_int_equal(ch_track_open(&options, &track, &err), 0);
    ch_http_mount mounts[256];
    size_t n = ch_track_mounts(track, mounts, 256);
    n += ch_web_mounts(track, mounts + n, 128 - n);
    ch_http_options http = {.mounts = mounts, .nmount = n};
    assert_int_equal(ch_http_start(&http, &server, &err), 0);
    raw_answer answer;
    ask("POST", "/api/2.0/mlflow/runs/create", "{\"experiment_id\": \"0\"}", &answer);
    json_t *json = parsed(&answer);
    const char *id;
    assert_int_equal(json_unpack(json, "{s:{s:{s:s}}}", "run", "info", "run_id", &id), 0);
    snprintf(run, sizeof run, "%s", id);
    json_decref(json);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ch_http_stop(server, 1000);
    ch_track_close(track);
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

/* What is told of a model in the run's artifacts; the status is checked. */
static json_t *describe(const char *path, int status)
{
    char address[256];
    snprintf(address, sizeof address, "/api/chert/v1/runs/model?run_id=%s&path=%s", run, path);
    raw_answer answer;
    ask("GET", address, "", &answer);
    assert_int_equal(answer.status, status);
    return parsed(&answer);
}

static const char *text_at(json_t *list, size_t i, const char *member)
{
    return json_string_value(json_object_get(json_array_get(list, i), member));
}

static void test_pipeline(void **state)
{
    (void)state;
    copy_model("ml/data/m_pipeline");
    json_t *json = describe("m_pipeline", 200);
    json_t *inputs = json_object_get(json, "inputs"), *stages = json_object_get(json, "stages");
    assert_int_equal(json_array_size(inputs), 2);
    assert_string_equal(text_at(inputs, 0, "name"), "cat"); /* goes into a StringIndexer */
    assert_string_equal(text_at(inputs, 0, "type"), "string");
    assert_string_equal(text_at(inputs, 1, "name"), "x1");
    assert_string_equal(text_at(inputs, 1, "type"), "double");
    assert_int_equal(json_array_size(stages), 3);
    assert_null(json_object_get(json_array_get(stages, 0), "weights"));
    json_t *weights = json_object_get(json_array_get(stages, 2), "weights");
    assert_string_equal(json_string_value(json_object_get(weights, "what")), "coefficients");
    assert_int_equal(json_integer_value(json_object_get(weights, "total")), 2);
    /* Spark's own names of the features, the heavier first */
    assert_string_equal(json_string_value(json_array_get(json_object_get(weights, "names"), 0)), "x1");
    assert_string_equal(json_string_value(json_array_get(json_object_get(weights, "names"), 1)), "ci");
    json_decref(json);
}

static void test_importances_are_sorted_and_sum_to_one(void **state)
{
    (void)state;
    copy_model("ml/data/m_gbt");
    json_t *json = describe("m_gbt", 200), *value;
    json_t *weights = json_object_get(json_array_get(json_object_get(json, "stages"), 0), "weights");
    assert_string_equal(json_string_value(json_object_get(weights, "what")), "featureImportances");
    double sum = 0, last = 1;
    size_t i;
    json_array_foreach(json_object_get(weights, "values"), i, value)
    {
        assert_true(json_number_value(value) <= last);
        last = json_number_value(value);
        sum += last;
    }
    assert_float_equal(sum, 1, 1e-9); /* rounding of as many additions as there are features */
    json_decref(json);
}

static json_t *part_of(json_t *model, size_t stage, const char *member)
{
    return json_object_get(json_array_get(json_object_get(model, "stages"), stage), member);
}

static double number_at(json_t *list, size_t i)
{
    return json_number_value(json_array_get(list, i));
}

/* StringIndexer, VectorAssembler of a, b and the index, StandardScaler, multinomial LogisticRegression. */
static void test_several_classes(void **state)
{
    (void)state;
    copy_model("web/data/m_multinomial");
    json_t *json = describe("m_multinomial", 200);
    json_t *labels = json_array_get(part_of(json, 0, "labels"), 0);
    assert_string_equal(json_string_value(json_object_get(labels, "column")), "colour");
    assert_int_equal(json_integer_value(json_object_get(labels, "total")), 3);
    assert_int_equal(json_array_size(json_object_get(labels, "values")), 3);

    json_t *table = part_of(json, 2, "table"), *columns = json_object_get(table, "columns");
    assert_string_equal(text_at(columns, 0, "name"), "mean");
    assert_string_equal(text_at(columns, 1, "name"), "std");
    assert_string_equal(json_string_value(json_array_get(json_object_get(table, "names"), 0)), "a");
    /* i % 7 of i = 0..59: eight times 0..6 and 0, 1, 2, 3 once more: 174 / 60; floats are compared */
    assert_float_equal(number_at(json_object_get(json_array_get(columns, 0), "values"), 0), 2.9F, 1e-6F);

    assert_null(part_of(json, 3, "weights"));
    json_t *matrix = part_of(json, 3, "matrix"), *rows = json_object_get(matrix, "values");
    assert_string_equal(json_string_value(json_object_get(matrix, "what")), "coefficientMatrix");
    assert_int_equal(json_array_size(rows), 3);
    assert_string_equal(json_string_value(json_array_get(json_object_get(matrix, "columns"), 2)), "ci");
    assert_int_equal(json_array_size(json_object_get(matrix, "intercepts")), 3);
    assert_string_equal(json_string_value(json_array_get(json_object_get(matrix, "rows"), 2)), "class 2");
    for (size_t j = 0; j < 3; j++) { /* Spark centres the coefficients of a feature over the classes */
        double sum = 0;
        for (size_t i = 0; i < 3; i++) sum += number_at(json_array_get(rows, i), j);
        assert_float_equal(sum, 0, 1e-9); /* rounding of numbers below 100 */
    }
    json_decref(json);
}

static void test_centres(void **state)
{
    (void)state;
    copy_model("ml/data/m_kmeans");
    json_t *json = describe("m_kmeans", 200), *matrix = part_of(json, 0, "matrix");
    assert_string_equal(json_string_value(json_object_get(matrix, "what")), "clusterCenterMatrix");
    size_t k = json_array_size(json_object_get(matrix, "rows"));
    assert_true(k >= 2);
    assert_int_equal(json_array_size(json_object_get(matrix, "values")), k);
    assert_string_equal(json_string_value(json_array_get(json_object_get(matrix, "rows"), 1)), "cluster 1");
    json_decref(json);
}

/* The root's rows are those of its children together, and so on down; leaves have no children. */
static int64_t check_node(json_t *nodes, size_t i)
{
    json_t *node = json_array_get(nodes, i), *left = json_object_get(node, "left");
    int64_t rows = json_integer_value(json_object_get(node, "count"));
    assert_non_null(node);
    if (!left) {
        assert_null(json_object_get(node, "feature"));
        return rows;
    }
    assert_non_null(json_object_get(node, "feature"));
    assert_true((json_object_get(node, "threshold") != NULL) != (json_object_get(node, "among") != NULL));
    int64_t below = check_node(nodes, (size_t)json_integer_value(left)) +
                    check_node(nodes, (size_t)json_integer_value(json_object_get(node, "right")));
    assert_int_equal(rows, below);
    return rows;
}

static void test_a_tree(void **state)
{
    (void)state;
    copy_model("web/data/m_tree");
    json_t *json = describe("m_tree", 200), *trees = part_of(json, 2, "trees");
    assert_int_equal(json_integer_value(json_object_get(trees, "total")), 1);
    json_t *tree = json_array_get(json_object_get(trees, "trees"), 0), *nodes = json_object_get(tree, "nodes");
    assert_int_equal(json_integer_value(json_object_get(tree, "total")), json_array_size(nodes));
    assert_int_equal(json_integer_value(json_object_get(tree, "depth")), 2);
    assert_int_equal(check_node(nodes, 0), 60);
    const char *feature = json_string_value(json_object_get(json_array_get(nodes, 0), "feature"));
    assert_true(strcmp(feature, "a") == 0 || strcmp(feature, "b") == 0);
    json_decref(json);
}

static void test_a_forest(void **state)
{
    (void)state;
    copy_model("ml/data/m_rf");
    json_t *json = describe("m_rf", 200), *trees = part_of(json, 0, "trees");
    size_t told = json_array_size(json_object_get(trees, "trees"));
    assert_true(told >= 1 && (json_int_t)told <= json_integer_value(json_object_get(trees, "total")));
    for (size_t i = 0; i < told; i++)
        check_node(json_object_get(json_array_get(json_object_get(trees, "trees"), i), "nodes"), 0);
    json_decref(json);
}

static void test_what_is_no_model(void **state)
{
    (void)state;
    json_t *json = describe("nothing", 404);
    assert_string_equal(json_string_value(json_object_get(json, "error_code")), "RESOURCE_DOES_NOT_EXIST");
    json_decref(json);
    json = describe("../../../x", 400);
    json_decref(json);
    json = describe("", 400);
    json_decref(json);
    raw_answer answer;
    ask("GET", "/api/chert/v1/runs/model?run_id=00000000000000000000000000000000&path=model", "", &answer);
    assert_int_equal(answer.status, 404);
    raw_free(&answer);
    ask("GET", "/api/chert/v1/logged-models/model?model_id=m-1", "", &answer);
    assert_int_equal(answer.status, 404);
    raw_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipeline),         cmocka_unit_test(test_importances_are_sorted_and_sum_to_one),
        cmocka_unit_test(test_several_classes),  cmocka_unit_test(test_centres),
        cmocka_unit_test(test_a_tree),           cmocka_unit_test(test_a_forest),
        cmocka_unit_test(test_what_is_no_model),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
