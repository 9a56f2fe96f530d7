/* MLmodel files: as PyYAML writes them, signatures as MLflow's releases spell them, folders that are no models. */
#include "serve/mlmodel.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODELS TESTS_DIR "/serve/models/"

static const char *find(ch_arena *arena, const char *text, const char *a, const char *b, const char *c)
{
    const char *const path[] = {a, b, c, NULL};
    const char *found = ch_yaml_find(arena, text, strlen(text), path);
    return found ? found : "(none)";
}

static void yaml(void **state)
{
    (void)state;
    static const char TEXT[] = "# a comment\n"
                               "a: 1\n"
                               "b:\n"
                               "  c: plain text\n"
                               "    that goes on\n"
                               "  'd e': 'it''s\n"
                               "    folded\n"
                               "\n"
                               "    twice'\n"
                               "  f: \"x\\ty\\u00e4 \\\n"
                               "    z\"\n"
                               "  list:\n"
                               "  - one: 1\n"
                               "    two: 2\n"
                               "  - three\n"
                               "  g: {\"flow\": 1}\n"
                               "  h:\n"
                               "    i: http://x:80/\n"
                               "j: null\r\n"
                               "c: outer\n";
    ch_arena *arena = ch_arena_new();
    assert_string_equal(find(arena, TEXT, "a", NULL, NULL), "1");
    assert_string_equal(find(arena, TEXT, "b", "c", NULL), "plain text that goes on");
    assert_string_equal(find(arena, TEXT, "b", "d e", NULL), "it's folded\ntwice");
    assert_string_equal(find(arena, TEXT, "b", "f", NULL), "x\ty\xc3\xa4 z");
    assert_string_equal(find(arena, TEXT, "b", "g", NULL), "{\"flow\": 1}");
    assert_string_equal(find(arena, TEXT, "b", "h", "i"), "http://x:80/");
    assert_string_equal(find(arena, TEXT, "j", NULL, NULL), "null");
    assert_string_equal(find(arena, TEXT, "c", NULL, NULL), "outer");
    assert_string_equal(find(arena, TEXT, "b", NULL, NULL), "(none)");
    assert_string_equal(find(arena, TEXT, "b", "a", NULL), "(none)");
    assert_string_equal(find(arena, TEXT, "h", "i", NULL), "(none)");
    assert_string_equal(find(arena, "a: 'never closed\n  x", "a", NULL, NULL), "never closed x");
    assert_string_equal(find(arena, "a:", "a", NULL, NULL), "(none)");
    assert_string_equal(find(arena, "", "a", NULL, NULL), "(none)");
    ch_arena_free(arena);
}

static void real_files(void **state)
{
    (void)state;
    ch_error err;
    ch_mlmodel m;
    ch_arena *arena = ch_arena_new();
    if (ch_mlmodel_read(arena, "file://" MODELS "leads/", &m, &err)) fail_msg("%s", err.message);
    assert_string_equal(m.spark, MODELS "leads/sparkml");
    assert_true(m.signature);
    assert_string_equal(m.schema, "['age': long (required), 'salary': double (required), 'source': string (required), "
                                  "'visits': integer (required), 'note': string (optional)]");
    assert_int_equal(m.inputs[3].type, CH_INPUT_INTEGER);
    assert_false(m.inputs[4].required);
    if (ch_mlmodel_read(arena, MODELS "vector", &m, &err)) fail_msg("%s", err.message);
    assert_int_equal(m.inputs[0].type, CH_INPUT_VECTOR);
    assert_string_equal(m.schema, "['features': SparkML vector (required)]");
    if (ch_mlmodel_read(arena, MODELS "plain", &m, &err)) fail_msg("%s", err.message);
    assert_false(m.signature);
    if (ch_mlmodel_read(arena, MODELS "plain/sparkml", &m, &err)) fail_msg("%s", err.message);
    assert_string_equal(m.spark, MODELS "plain/sparkml");
    assert_int_equal(ch_mlmodel_read(arena, MODELS, &m, &err), CH_E_FILE_NOT_FOUND);
    assert_int_equal(ch_mlmodel_read(arena, MODELS "none", &m, &err), CH_E_FILE_NOT_FOUND);
    ch_arena_free(arena);
}

#define SPARK "flavors:\n  spark:\n    model_data: sparkml\n"

static int parse(ch_arena *arena, const char *text, ch_mlmodel *out, ch_error *err)
{
    return ch_mlmodel_parse(arena, "/m", text, strlen(text), out, err);
}

static void signatures(void **state)
{
    (void)state;
    ch_error err;
    ch_mlmodel m;
    ch_arena *arena = ch_arena_new();
    assert_int_equal(
        parse(arena, SPARK "signature:\n  inputs: '[{\"name\": \"x\", \"type\": \"double\"}]'\n", &m, &err), 0);
    assert_true(m.signature && m.inputs[0].required); /* as before releases that say so */
    assert_int_equal(parse(arena,
                           SPARK "signature:\n  inputs: '[{\"name\": \"x\", \"type\": \"array\", \"items\": {\"type\": "
                                 "\"float\"}}, {\"name\": \"t\", \"type\": \"datetime\", \"optional\": true}]'\n",
                           &m, &err),
                     0);
    assert_int_equal(m.inputs[0].type, CH_INPUT_VECTOR);
    assert_int_equal(m.inputs[1].type, CH_INPUT_OTHER);
    assert_string_equal(m.schema, "['x': Array(float) (required), 't': datetime (optional)]");
    assert_int_equal(parse(arena, SPARK "signature:\n  inputs: '[{\"type\": \"double\"}]'\n", &m, &err), 0);
    assert_false(m.signature); /* without names */
    assert_int_equal(parse(arena, SPARK "signature:\n  inputs: null\n", &m, &err), 0);
    assert_false(m.signature);
    assert_int_equal(parse(arena, SPARK "signature:\n  inputs: '[{\"type\": \"tensor\"}]'\n", &m, &err),
                     CH_E_UNSUPPORTED);
    assert_int_equal(parse(arena, SPARK "signature:\n  inputs: '[{]'\n", &m, &err), CH_E_ILLEGAL_ARGUMENT);
    assert_int_equal(parse(arena, SPARK "signature:\n  inputs: '[5]'\n", &m, &err), CH_E_ILLEGAL_ARGUMENT);
    assert_int_equal(parse(arena, "flavors:\n  sklearn:\n    x: 1\n", &m, &err), CH_E_UNSUPPORTED);
    static const char *const OUTSIDE[] = {"../x", "a/../../x", "/x", "a/..", ""};
    for (size_t i = 0; i < sizeof OUTSIDE / sizeof *OUTSIDE; i++) {
        const char *text = ch_arena_printf(arena, "flavors:\n  spark:\n    model_data: '%s'\n", OUTSIDE[i]);
        assert_int_equal(parse(arena, text, &m, &err), CH_E_ILLEGAL_ARGUMENT);
    }
    assert_int_equal(parse(arena, "flavors:\n  spark:\n    model_data: a..b/c\n", &m, &err), 0);
    assert_string_equal(m.spark, "/m/a..b/c");
    ch_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(yaml),
        cmocka_unit_test(real_files),
        cmocka_unit_test(signatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
