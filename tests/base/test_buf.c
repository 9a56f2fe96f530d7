/* The growing string, its quoted forms, and numbers in Java's form. */
#include "base/buf.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void grows_and_stays_terminated(void **state)
{
    (void)state;
    ch_buf buf = {0};
    assert_string_equal(ch_buf_text(&buf), "");
    for (int i = 0; i < 1000; i++) ch_buf_printf(&buf, "%d,", i);
    assert_int_equal(buf.len, 10 * 2 + 90 * 3 + 900 * 4);
    assert_int_equal(strlen(buf.data), buf.len);
    ch_buf_clear(&buf);
    assert_string_equal(ch_buf_text(&buf), "");
    ch_buf_add(&buf, "a\0b", 3);
    assert_memory_equal(buf.data, "a\0b", 4);
    ch_buf_reset(&buf);
    assert_null(buf.data);
}

static void quotes_text(void **state)
{
    (void)state;
    ch_buf buf = {0};
    ch_buf_json_string(&buf, "a\"b\\c\n\t\x01\xC3\xA9");
    ch_buf_char(&buf, ' ');
    ch_buf_sql_string(&buf, "it's 'q'");
    ch_buf_char(&buf, ' ');
    ch_buf_sql_name(&buf, "a\"b");
    assert_string_equal(buf.data, "\"a\\\"b\\\\c\\n\\t\\u0001\xC3\xA9\" 'it''s ''q''' \"a\"\"b\"");
    ch_buf_reset(&buf);
}

/* Values from the javadoc of Double.toString, JDK-4511638 and runs of JDK 21. */
static void writes_doubles_as_java(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {-1.5, "-1.5"},
        {100.0, "100.0"},
        {1e7, "1.0E7"},
        {9999999.0, "9999999.0"},
        {9999999.999999998, "9999999.999999998"},
        {123456789.0, "1.23456789E8"},
        {0.001, "0.001"},
        {0.0001, "1.0E-4"},
        {0.00012345, "1.2345E-4"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {2.0 / 3, "0.6666666666666666"},
        {3.141592653589793, "3.141592653589793"},
        {1e15, "1.0E15"},
        {1e21, "1.0E21"},
        {1e22, "1.0E22"},
        {1e23, "1.0E23"},
        {2e23, "2.0E23"},
        {8.41e21, "8.41E21"},
        {9007199254740993.0, "9.007199254740992E15"},
        {4.9e-324, "4.9E-324"},
        {9.9e-324, "9.9E-324"},
        {2.2250738585072014e-308, "2.2250738585072014E-308"},
        {1.7976931348623157e308, "1.7976931348623157E308"},
        {0x1p-44, "5.684341886080802E-14"},
        {2.9802322387695312e-8, "2.9802322387695312E-8"},
        {9.5367431640625e-7, "9.5367431640625E-7"},
        {0x1p63, "9.223372036854776E18"},
        {1.1e-5, "1.1E-5"},
        {INFINITY, "Infinity"},
        {-INFINITY, "-Infinity"},
        {NAN, "NaN"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        assert_int_equal(ch_java_double(cases[i].value, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

static void writes_floats_as_java(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *text;
    } cases[] = {
        {0.1F, "0.1"},
        {1.0F / 3, "0.33333334"},
        {16777216.0F, "1.6777216E7"},
        {1e10F, "1.0E10"},
        {3.4028235e38F, "3.4028235E38"},
        {1.4e-45F, "1.4E-45"},
        {1.17549435e-38F, "1.1754944E-38"},
        {0.001F, "0.001"},
        {2e-5F, "2.0E-5"},
        {8388608.5F, "8388608.0"},
        {-INFINITY, "-Infinity"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        ch_java_float(cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Digits of a number in Java's form, the exponent and the zeros on both ends left out. */
static int count_digits(const char *text)
{
    int count = 0, zeros = 0;
    for (; *text && *text != 'E'; text++) {
        if (*text < '0' || *text > '9') continue;
        if (*text == '0' && count == 0) continue;
        count++;
        zeros = *text == '0' ? zeros + 1 : 0;
    }
    return count - zeros;
}

/* Any bit pattern reads back, and no %.*e form of fewer digits does. */
static void random_doubles_read_back_and_are_shortest(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = next_random(&seed);
        double value;
        if (i % 4 == 0) {
            value = (double)(int64_t)(bits % 2000000) / 1000.0;
        } else if (i % 4 == 1) {
            value = (double)bits / 18446744073709551616.0;
        } else {
            memcpy(&value, &bits, sizeof value);
        }
        if (!isfinite(value) || value == 0) continue;
        char text[32], shorter[48];
        ch_java_double(value, text);
        assert_true(strtod(text, NULL) == value);
        int digits = count_digits(text);
        if (digits < 3) continue;
        snprintf(shorter, sizeof shorter, "%.*e", digits - 2, value);
        assert_true(strtod(shorter, NULL) != value);
        snprintf(shorter, sizeof shorter, "%.*e", digits - 1, value); /* closest of its length */
        assert_true(fabs(strtod(shorter, NULL) - value) == 0);
    }
}

/* Around powers of two the spacing changes: the case where the closest decimal of a length may not read back. */
static void powers_of_two_read_back(void **state)
{
    (void)state;
    for (int exponent = -1074; exponent < 1024; exponent++) {
        char text[32];
        double value = ldexp(1, exponent);
        ch_java_double(value, text);
        assert_true(strtod(text, NULL) == value);
        assert_true(count_digits(text) <= 17);
    }
    for (int exponent = -149; exponent < 128; exponent++) {
        char text[32];
        float value = ldexpf(1, exponent);
        ch_java_float(value, text);
        assert_true(strtof(text, NULL) == value);
        assert_true(count_digits(text) <= 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_stays_terminated),
        cmocka_unit_test(quotes_text),
        cmocka_unit_test(writes_doubles_as_java),
        cmocka_unit_test(writes_floats_as_java),
        cmocka_unit_test(random_doubles_read_back_and_are_shortest),
        cmocka_unit_test(powers_of_two_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
