/* test_json_write.c: JSON as it is written. */
#include "base/json_write.h"

#include "testing.h"

#include <float.h>
#include <math.h>

static void test_nesting(void **state)
{
    (void)state;
    ch_buf buf = {0};
    ch_json json = {.out = &buf};
    ch_json_begin(&json, '{');
    ch_json_member(&json, "name", "a \"b\"");
    ch_json_member(&json, "absent", NULL);
    ch_json_key(&json, "values");
    ch_json_begin(&json, '[');
    ch_json_int(&json, 3);
    ch_json_begin(&json, '[');
    ch_json_end(&json, ']');
    ch_json_begin(&json, '{');
    ch_json_member_bool(&json, "yes", true);
    ch_json_member_int(&json, "n", -1);
    ch_json_end(&json, '}');
    ch_json_string(&json, NULL);
    ch_json_raw(&json, "{\"raw\": 1}");
    ch_json_end(&json, ']');
    ch_json_member_double(&json, "d", 0.1);
    ch_json_end(&json, '}');
    assert_string_equal(buf.data,
                        "{\"name\":\"a \\\"b\\\"\",\"values\":[3,[],{\"yes\":true,\"n\":-1},null,{\"raw\": 1}],"
                        "\"d\":0.1}");
    ch_buf_reset(&buf);
}

static void test_strings(void **state)
{
    (void)state;
    ch_buf buf = {0};
    ch_json json = {.out = &buf};
    ch_json_string_n(&json, "\0\x1f\n\t\r\b\f\\\"\x7f", 10);
    ch_json_string(&json, "gr\xc3\xbc\xc3\x9f");
    ch_json_string(&json, "");
    assert_string_equal(buf.data, "\"\\u0000\\u001f\\n\\t\\r\\b\\f\\\\\\\"\x7f\",\"gr\xc3\xbc\xc3\x9f\",\"\"");
    ch_buf_reset(&buf);
}

static void test_numbers(void **state)
{
    (void)state;
    ch_buf buf = {0};
    ch_json json = {.out = &buf};
    ch_json_int(&json, INT64_MIN);
    ch_json_int(&json, INT64_MAX);
    ch_json_int(&json, 0);
    ch_json_double(&json, 1);
    ch_json_double(&json, -DBL_MAX);
    ch_json_double(&json, (double)NAN);
    ch_json_double(&json, (double)INFINITY);
    ch_json_double(&json, -(double)INFINITY);
    assert_string_equal(buf.data, "-9223372036854775808,9223372036854775807,0,1.0,-1.7976931348623157E308,\"NaN\","
                                  "\"Infinity\",\"-Infinity\"");
    ch_buf_reset(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
