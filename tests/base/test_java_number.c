/* Java's number parsers: grammar by the javadoc of Double.valueOf, Integer.parseInt and BigDecimal; values against
 * strtod, which rounds correctly. */
#include "base/java_number.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"+5", true, 5},
        {"-0", true, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"000000000000000000000000012", true, 12},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"0x1", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;
        bool ok = ch_java_parse_integer(cases[i].text, strlen(cases[i].text), INT64_MIN, INT64_MAX, &value);
        if (ok != cases[i].ok || (ok && value != cases[i].value)) fail_msg("'%s'", cases[i].text);
    }
    int64_t value;
    assert_false(ch_java_parse_integer("128", 3, INT8_MIN, INT8_MAX, &value));
    assert_true(ch_java_parse_integer("-128", 4, INT8_MIN, INT8_MAX, &value));
}

static void grammar_of_doubles(void **state)
{
    (void)state;
    static const char *const good[] = {"1",    "1.",       ".5",        "1e5",   "1E+5",    "1e-5",
                                       " 1 ",  "\t1\n",    "1d",        "1F",    "1e5f",    "NaN",
                                       "-NaN", "Infinity", "-Infinity", "0x1p3", "0x.8P-1", "+1.5"};
    static const char *const bad[] = {"",    " ",   ".",    "e5",  "1e",  "1e+",   "1_0", "nan",   "inf",
                                      "1dd", "0x1", "0xp1", "1 2", "--1", "1.2.3", "1,5", "1e5.0", "d"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!ch_java_is_double(good[i], strlen(good[i]))) fail_msg("'%s' is refused", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (ch_java_is_double(bad[i], strlen(bad[i]))) fail_msg("'%s' is accepted", bad[i]);
    }
}

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Random bit patterns with any number of digits, wild exponents, and the middles between doubles. */
static void doubles_round_correctly(void **state)
{
    (void)state;
    uint64_t seed = UINT64_C(88172645463325252);
    for (int i = 0; i < 300000; i++) {
        double number, got;
        uint64_t bits = draw(&seed);
        char text[200];
        memcpy(&number, &bits, sizeof number);
        if (!isfinite(number)) continue;
        if (i % 4 == 0) {
            snprintf(text, sizeof text, "%.*e", (int)(draw(&seed) % 21), number);
        } else if (i % 4 == 1) {
            snprintf(text, sizeof text, "%.17g", number);
        } else if (i % 4 == 2) {
            snprintf(text, sizeof text, "%llu.%llue%d", (unsigned long long)(draw(&seed) >> (draw(&seed) % 60)),
                     (unsigned long long)(draw(&seed) % 100000), (int)(draw(&seed) % 640) - 320);
        } else {
            number = ldexp(1 + (double)(bits >> 12) * 0x1p-52, (int)(draw(&seed) % 100) - 50);
            long double middle = ((long double)number + (long double)nextafter(number, INFINITY)) / 2;
            snprintf(text, sizeof text, "%.120Lg", middle);
        }
        assert_true(ch_java_parse_double(text, strlen(text), &got));
        if (got != strtod(text, NULL)) fail_msg("'%s' gives %a", text, got);
    }
    static const char *const edges[] = {"4.9e-324",
                                        "2.4703282292062327e-324",
                                        "2.4703282292062328e-324",
                                        "2.2250738585072011e-308",
                                        "1.7976931348623157e308",
                                        "1.7976931348623159e308",
                                        "1e-400",
                                        "1e400",
                                        "0e999999999",
                                        "123456789012345678901234567890"};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        double got;
        assert_true(ch_java_parse_double(edges[i], strlen(edges[i]), &got));
        if (got != strtod(edges[i], NULL)) fail_msg("'%s' gives %a", edges[i], got);
    }
}

static void decimals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        long long unscaled;
        int digits, scale;
    } cases[] = {{"1.50", 150, 3, 2}, {"-0.05", -5, 1, 2}, {"1E5", 1, 1, -5},   {"1.5e1", 15, 2, 0}, {"000", 0, 1, 0},
                 {"0.00", 0, 1, 2},   {"+7", 7, 1, 0},     {"12e-3", 12, 2, 3}, {".5", 5, 1, 1},     {"5.", 5, 1, 0}};
    ch_java_int128 unscaled;
    int digits, scale;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(ch_java_parse_decimal(cases[i].text, strlen(cases[i].text), &unscaled, &digits, &scale));
        assert_true(unscaled == cases[i].unscaled);
        assert_int_equal(digits, cases[i].digits);
        assert_int_equal(scale, cases[i].scale);
    }
    static const char *const bad[] = {"", ".", " 1", "1e", "e5", "1.2.3", "NaN", "1d", "1e99999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(ch_java_parse_decimal(bad[i], strlen(bad[i]), &unscaled, &digits, &scale));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(grammar_of_doubles),
        cmocka_unit_test(doubles_round_correctly),
        cmocka_unit_test(decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
