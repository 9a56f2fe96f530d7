/* Errors: texts are filled from the table, parameters kept, hostile bytes made harmless. */
#include "base/error.h"
#include "testing.h"

#include <string.h>

static void fills_text_and_parameters(void **state)
{
    (void)state;
    ch_error err;
    int status = ch_raise(&err, "COLUMN_ALREADY_EXISTS", "columnName", "`a`", (char *)NULL);
    assert_int_equal(status, CH_E_ANALYSIS);
    assert_int_equal(err.kind, CH_E_ANALYSIS);
    assert_string_equal(err.condition, "COLUMN_ALREADY_EXISTS");
    assert_string_equal(err.sqlstate, "42711");
    assert_string_equal(err.message, "[COLUMN_ALREADY_EXISTS] The column `a` already exists. Choose another name or "
                                     "rename the existing column. SQLSTATE: 42711");
    assert_int_equal(err.nparam, 1);
    assert_string_equal(err.param_name[0], "columnName");
    assert_string_equal(err.param_value[0], "`a`");
}

static void joins_the_texts_of_a_two_part_condition(void **state)
{
    (void)state;
    ch_error err;
    ch_raise(&err, "UNRESOLVED_COLUMN.WITH_SUGGESTION", "objectName", "`x`", "proposal", "`a`, `b`", (char *)NULL);
    assert_string_equal(err.message,
                        "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column, variable, or function parameter with "
                        "name `x` cannot be resolved. Did you mean one of the following? [`a`, `b`]. "
                        "SQLSTATE: 42703");
}

static void a_value_is_not_expanded_again(void **state)
{
    (void)state;
    ch_error err;
    ch_raise(&err, "AMBIGUOUS_REFERENCE", "name", "<referenceNames>", "referenceNames", "[`a`]", (char *)NULL);
    assert_string_equal(err.message, "[AMBIGUOUS_REFERENCE] Reference <referenceNames> is ambiguous, could be: [`a`]. "
                                     "SQLSTATE: 42704");
}

static void a_missing_parameter_stays_visible(void **state)
{
    (void)state;
    ch_error err;
    ch_raise(&err, "PATH_NOT_FOUND", (char *)NULL);
    assert_string_equal(err.message, "[PATH_NOT_FOUND] Path does not exist: <path>. SQLSTATE: 42K03");
}

static void links_to_the_documentation_are_filled_in(void **state)
{
    (void)state;
    ch_error err;
    ch_raise(&err, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "functionName", "`sqrt`", "expectedNum", "1", "actualNum", "2",
             (char *)NULL);
    assert_int_equal(err.nparam, 4);
    assert_string_equal(err.param_name[3], "docroot");
    assert_non_null(strstr(err.message, "refer to 'https://spark.apache.org/docs/latest/sql-ref-functions.html'"));
}

static void legacy_conditions_are_not_shown(void **state)
{
    (void)state;
    ch_error err;
    ch_raise(&err, "_LEGACY_ERROR_TEMP_1201", "colName", "s", "fieldNames", "id, t", (char *)NULL);
    assert_string_equal(err.message, "Cannot resolve column name \"s\" among (id, t).");
    assert_string_equal(err.condition, "_LEGACY_ERROR_TEMP_1201");
    assert_string_equal(err.sqlstate, "");
}

static void an_unknown_condition_is_a_bug(void **state)
{
    (void)state;
    ch_error err;
    assert_int_equal(ch_raise(&err, "NO_SUCH_THING", (char *)NULL), CH_E_INTERNAL);
    assert_string_equal(err.condition, "INTERNAL_ERROR");
    assert_non_null(strstr(err.message, "NO_SUCH_THING"));
}

static void long_values_are_cut_between_characters(void **state)
{
    (void)state;
    ch_error err;
    char value[8001];
    for (size_t i = 0; i < 8000; i += 2) memcpy(value + i, "\xC3\xA9", 2); /* e with acute */
    value[8000] = '\0';
    ch_raise(&err, "PATH_NOT_FOUND", "path", value, (char *)NULL);
    size_t len = strlen(err.message);
    assert_true(len < sizeof err.message);
    assert_string_equal(err.message + len - strlen("\xC3\xA9 SQLSTATE: 42K03"), "\xC3\xA9 SQLSTATE: 42K03");
    assert_int_equal(strlen(err.param_value[0]), 398); /* 399 would split one */
}

static void bytes_that_are_no_utf8_are_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a\xFFz", "a?z"},
        {"\xC3", "?"},
        {"\xC0\xAF", "??"},
        {"\xED\xA0\x80", "???"},
        {"\xF4\x90\x80\x80", "????"},
        {"\xE2\x82\xAC", "\xE2\x82\xAC"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_error err;
        ch_failf(&err, CH_E_IO, "%s", cases[i].in);
        assert_string_equal(err.message, cases[i].out);
        assert_string_equal(err.condition, "");
    }
}

static int fails(ch_error *err)
{
    CH_TRY(ch_failf(err, CH_E_IO, "disk %d", 7));
    return 0;
}

static void try_returns_early(void **state)
{
    (void)state;
    ch_error err;
    assert_int_equal(fails(&err), CH_E_IO);
    assert_string_equal(err.message, "disk 7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_text_and_parameters),
        cmocka_unit_test(joins_the_texts_of_a_two_part_condition),
        cmocka_unit_test(a_value_is_not_expanded_again),
        cmocka_unit_test(a_missing_parameter_stays_visible),
        cmocka_unit_test(links_to_the_documentation_are_filled_in),
        cmocka_unit_test(legacy_conditions_are_not_shown),
        cmocka_unit_test(an_unknown_condition_is_a_bug),
        cmocka_unit_test(long_values_are_cut_between_characters),
        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
        cmocka_unit_test(try_returns_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
