/* test_errors.c: errors as the client gets them; classes and texts are what Spark 4.1.3 answers to the same mistakes.
 */
#include "testing.h"

#include "connect/errors.h"
#include "connect/wire.h"

#include <string.h>

static const char *first_class(const ch_error *err)
{
    const char *const *classes;
    assert_true(ch_error_classes(err, &classes) > 1);
    return classes[0];
}

static bool has_class(const ch_error *err, const char *name)
{
    const char *const *classes;
    size_t n = ch_error_classes(err, &classes);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(classes[i], name) == 0) return true;
    }
    return false;
}

static void test_classes_by_condition(void **state)
{
    (void)state;
    static const struct {
        const char *condition, *class_name;
    } CASES[] = {
        {"UNRESOLVED_COLUMN.WITH_SUGGESTION", "org.apache.spark.sql.AnalysisException"},
        {"PARSE_SYNTAX_ERROR", "org.apache.spark.sql.catalyst.parser.ParseException"},
        {"DIVIDE_BY_ZERO", "org.apache.spark.SparkArithmeticException"},
        {"CAST_INVALID_INPUT", "org.apache.spark.SparkNumberFormatException"},
        {"INVALID_ARRAY_INDEX", "org.apache.spark.SparkArrayIndexOutOfBoundsException"},
        {"INVALID_CONF_VALUE.TYPE_MISMATCH", "org.apache.spark.SparkIllegalArgumentException"},
        {"SQL_CONF_NOT_FOUND", "org.apache.spark.SparkNoSuchElementException"},
        {"DATA_SOURCE_NOT_FOUND", "org.apache.spark.SparkClassNotFoundException"},
        {"OPERATION_CANCELED", "org.apache.spark.SparkSQLException"},
        {"INVALID_HANDLE.SESSION_CLOSED", "org.apache.spark.SparkSQLException"},
        {"INVALID_CURSOR.DISCONNECTED", "org.apache.spark.SparkSQLException"},
        {"UNSUPPORTED_FEATURE.INTERRUPT_TYPE", "org.apache.spark.SparkSQLException"},
        {"ARTIFACT_ALREADY_EXISTS", "org.apache.spark.SparkRuntimeException"},
        {"CONNECT_ML.UNSUPPORTED_EXCEPTION", "org.apache.spark.sql.connect.ml.MlUnsupportedException"},
        {"TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", "org.apache.spark.sql.catalyst.analysis.TempTableAlreadyExistsException"},
        {"INTERNAL_ERROR", "org.apache.spark.SparkException"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        ch_error err;
        ch_raise(&err, CASES[i].condition, (char *)NULL);
        assert_string_equal(err.condition, CASES[i].condition);
        assert_string_equal(first_class(&err), CASES[i].class_name);
        assert_true(has_class(&err, "java.lang.Object"));
    }
}

static void test_classes_without_condition(void **state)
{
    (void)state;
    ch_error err;
    ch_failf(&err, CH_E_ILLEGAL_ARGUMENT, "requirement failed");
    assert_string_equal(first_class(&err), "java.lang.IllegalArgumentException");
    ch_failf(&err, CH_E_IO, "Path /x already exists.");
    assert_string_equal(first_class(&err), "java.io.IOException");
    ch_failf(&err, CH_E_UNSUPPORTED, "OPTYPE_NOT_SET not supported.");
    assert_string_equal(first_class(&err), "java.lang.UnsupportedOperationException");
    ch_failf(&err, CH_E_ANALYSIS, "'save' does not support bucketBy right now.");
    assert_string_equal(first_class(&err), "org.apache.spark.sql.AnalysisException");
}

static void test_invalid_plans(void **state)
{
    (void)state;
    ch_error err;
    assert_int_not_equal(ch_invalid_plan(&err, "Unknown Analyze Method %s!", "ANALYZE_NOT_SET"), CH_OK);
    assert_string_equal(err.message, "[INTERNAL_ERROR] Unknown Analyze Method ANALYZE_NOT_SET! SQLSTATE: XX000");
    assert_string_equal(first_class(&err), "org.apache.spark.sql.connect.common.InvalidPlanInput");
}

/* The text of a length-delimited field. */
static const char *field_text(const void *bytes, size_t size, unsigned field, size_t *len)
{
    const void *value;
    assert_true(ch_wire_find(bytes, size, field, &value, len));
    return value;
}

static bool contains(const ch_buf *bytes, const char *text)
{
    return memmem(bytes->data, bytes->len, text, strlen(text)) != NULL;
}

static void test_status_bytes(void **state)
{
    (void)state;
    ch_error err;
    ch_raise(&err, "DIVIDE_BY_ZERO", "config", "\"spark.sql.ansi.enabled\"", (char *)NULL);
    ch_rpc_status status;
    bool cut;
    ch_rpc_status_from_error(&err, "an-id", &status, &cut);
    assert_false(cut);
    assert_int_equal(status.code, 13);
    assert_string_equal(ch_buf_text(&status.message), err.message);
    /* google.rpc.Status: message = 2 must equal the status text or the client refuses it */
    size_t len;
    const char *text = field_text(status.details.data, status.details.len, 2, &len);
    assert_int_equal(len, status.message.len);
    assert_memory_equal(text, status.message.data, len);
    assert_true(contains(&status.details, "type.googleapis.com/google.rpc.ErrorInfo"));
    assert_true(contains(&status.details, "org.apache.spark.SparkArithmeticException"));
    assert_true(contains(&status.details, "{\"config\":\"\\\"spark.sql.ansi.enabled\\\"\"}"));
    assert_true(contains(&status.details, "22012"));
    assert_false(contains(&status.details, "an-id")); /* all of it is here: no need to ask for more */
    ch_rpc_status_reset(&status);
}

static void test_long_messages_are_cut_to_fit_in_headers(void **state)
{
    (void)state;
    ch_error err;
    char text[3000];
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xbc", 3); /* each takes 6 bytes in a header */
    ch_failf(&err, CH_E_SPARK, "%s", text);
    ch_rpc_status status;
    bool cut;
    ch_rpc_status_from_error(&err, "an-id", &status, &cut);
    assert_true(cut);
    assert_true(contains(&status.details, "an-id"));
    assert_in_range(status.message.len * 3 + status.details.len * 4 / 3, 1000, 8000);
    assert_string_equal(ch_buf_text(&status.message) + status.message.len - 3, "...");
    assert_int_equal(status.message.len % 2, 1); /* whole characters and three dots */
    ch_rpc_status_reset(&status);
}

static void test_long_parameters_are_left_out(void **state)
{
    (void)state;
    char text[390];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const char *names[] = {"a", "b", "c"}, *values[] = {text, text, text};
    ch_error err;
    ch_raise_pairs(&err, "DIVIDE_BY_ZERO", 3, names, values);
    ch_rpc_status status;
    bool cut;
    ch_rpc_status_from_error(&err, "an-id", &status, &cut);
    assert_true(cut);
    assert_false(contains(&status.details, "messageParameters"));
    assert_true(contains(&status.details, "an-id"));
    ch_rpc_status_reset(&status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_by_condition),
        cmocka_unit_test(test_classes_without_condition),
        cmocka_unit_test(test_invalid_plans),
        cmocka_unit_test(test_status_bytes),
        cmocka_unit_test(test_long_messages_are_cut_to_fit_in_headers),
        cmocka_unit_test(test_long_parameters_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
