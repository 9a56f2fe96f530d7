/* YAML as PyYAML writes it and as others might: what becomes of it as JSON. */
#include "testing.h"

#include "track/import/yaml.h"

#include <stdlib.h>
#include <string.h>

/* The document as compact JSON with sorted keys, which the caller frees; NULL with err. */
static char *read_text(const char *yaml, ch_error *err)
{
    json_t *tree;
    if (ch_yaml_read(yaml, strlen(yaml), &tree, err)) return NULL;
    char *text = tree ? json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY) : strdup("nothing");
    json_decref(tree);
    return text;
}

static void assert_reads(const char *yaml, const char *json)
{
    ch_error err = {0};
    char *text = read_text(yaml, &err);
    assert_non_null(text);
    assert_string_equal(text, json);
    free(text);
}

static void assert_refused(const char *yaml, const char *message)
{
    ch_error err = {0};
    assert_null(read_text(yaml, &err));
    assert_int_equal(err.kind, CH_E_ILLEGAL_ARGUMENT);
    assert_non_null(strstr(err.message, message));
}

static void test_scalars(void **state)
{
    (void)state;
    assert_reads("a: 1\nb: -2.5\nc: 1e3\nd: 1.0e+3\ne: x y\n",
                 "{\"a\":1,\"b\":-2.5,\"c\":\"1e3\",\"d\":1000.0,\"e\":\"x y\"}");
    assert_reads("a: null\nb: ~\nc:\nd: true\ne: no\nf: 'null'\n",
                 "{\"a\":null,\"b\":null,\"c\":null,\"d\":true,\"e\":false,\"f\":\"null\"}");
    assert_reads("a: '1'\nb: \"2\"\nc: 12345678901234567890\nd: .nan\n",
                 "{\"a\":\"1\",\"b\":\"2\",\"c\":\"12345678901234567890\",\"d\":\".nan\"}");
    assert_reads("", "nothing");
}

/* PyYAML folds long texts and writes quotes where it must. */
static void test_folded(void **state)
{
    (void)state;
    assert_reads("a: 'it''s\n\n  so'\nb: \"x\\ty\\u263a \\\n  z\"\nc: a long text\n  that goes on\n",
                 "{\"a\":\"it's\\nso\",\"b\":\"x\\ty\u263a z\",\"c\":\"a long text that goes on\"}");
    assert_reads("a:\n- 1\n- b: {}\n- []\n", "{\"a\":[1,{\"b\":{}},[]]}");
}

static void test_refused(void **state)
{
    (void)state;
    char deep[400];
    assert_refused("a: [", "no YAML at line");
    assert_refused("a: 'x", "no YAML at line");
    assert_refused("a: &x [1]\nb: *x\n", "aliases are not read");
    assert_refused("[1]: 2\n", "a key is no text");
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_refused(deep, "it nests too deep");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_folded),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
