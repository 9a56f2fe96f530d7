/* Java's date and time patterns. Expected texts, values and errors come from a Spark 4.1.3 server (date_format,
 * to_timestamp and to_date) with session time zone America/New_York. */
#include "frame/type/datetime_pattern.h"
#include "testing.h"

#include <string.h>

static const struct {
    const char *pattern, *text; /* of 2024-02-29 15:04:05.678901 */
} PRINTED[] = {
    /* clang-format off */
    {"yyyy-MM-dd", "2024-02-29"},
    {"yy", "24"},
    {"y", "2024"},
    {"yyy", "2024"},
    {"yyyyy", "02024"},
    {"M", "2"},
    {"MM", "02"},
    {"MMM", "Feb"},
    {"MMMM", "February"},
    {"L", "2"},
    {"LLL", "Feb"},
    {"LLLL", "February"},
    {"d", "29"},
    {"dd", "29"},
    {"D", "60"},
    {"DDD", "060"},
    {"E", "Thu"},
    {"EE", "Thu"},
    {"EEE", "Thu"},
    {"EEEE", "Thursday"},
    {"F", "1"},
    {"a", "PM"},
    {"h", "3"},
    {"hh", "03"},
    {"H", "15"},
    {"k", "15"},
    {"kk", "15"},
    {"K", "3"},
    {"m", "4"},
    {"mm", "04"},
    {"s", "5"},
    {"S", "6"},
    {"SSS", "678"},
    {"SSSSSS", "678901"},
    {"SSSSSSSSS", "678901000"},
    {"X", "-05"},
    {"XX", "-0500"},
    {"XXX", "-05:00"},
    {"XXXX", "-0500"},
    {"XXXXX", "-05:00"},
    {"x", "-05"},
    {"xxx", "-05:00"},
    {"Z", "-0500"},
    {"ZZZ", "-0500"},
    {"ZZZZ", "GMT-05:00"},
    {"ZZZZZ", "-05:00"},
    {"VV", "America/New_York"},
    {"z", "EST"},
    {"O", "GMT-5"},
    {"OOOO", "GMT-05:00"},
    {"q", "1"},
    {"qq", "01"},
    {"qqq", "Q1"},
    {"qqqq", "1st quarter"},
    {"Q", "1"},
    {"QQQQ", "1st quarter"},
    {"G", "AD"},
    {"'at' HH''mm", "at 15'04"},
    {"yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", "2024-02-29T15:04:05.678-05:00"},
    {"yyyyMMdd", "20240229"},
    {"[yyyy]-MM", "2024-02"},
    {"a a", "PM PM"},
    {"''", "'"},
    {"[", ""},
    {"DD", "60"},
    /* clang-format on */
};

static const struct {
    const char *pattern, *condition;
    bool parsing;
} REFUSED[] = {
    /* clang-format off */
    {"u", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", false},
    {"w", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", false},
    {"Y", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", false},
    {"e", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_WEEK_BASED_PATTERN", false},
    {"A", "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER", false},
    {"n", "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER", false},
    {"b", "INVALID_DATETIME_PATTERN.WITH_SUGGESTION", false},
    {"MMMMM", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", false},
    {"EEEEE", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", false},
    {"dddd", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", false},
    {"hhh", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", false},
    {"yyyy#", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", false},
    {"{", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", false},
    {"SSSSSSSSSS", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", false},
    {"VVV", "INVALID_DATETIME_PATTERN.WITH_SUGGESTION", false},
    {"V", "INVALID_DATETIME_PATTERN.WITH_SUGGESTION", false},
    {"OO", "INVALID_DATETIME_PATTERN.WITH_SUGGESTION", false},
    {"aa", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", false},
    {"yyyyyyy", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", false},
    {"'unclosed", "INVALID_DATETIME_PATTERN.WITH_SUGGESTION", false},
    {"]", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", false},
    {"EEE, d MMM yyyy", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", true},
    {"EEE, d MMM yyyy", "INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_PATTERN_RECOGNITION", true},
    {"q yyyy", "INVALID_DATETIME_PATTERN.ILLEGAL_CHARACTER", true},
    /* clang-format on */
};

static const struct {
    const char *pattern, *text, *timestamp, *date, *why;
} PARSED[] = {
    /* clang-format off */
    {"yyyy-MM-dd", "2024-2-29", NULL, NULL, "Text '2024-2-29' could not be parsed at index 5"},
    {"yyyy-MM-dd", "2024-02-29 ", NULL, NULL, "Text '2024-02-29 ' could not be parsed, unparsed text found at index 10"},
    {"yyyy-MM-dd", "+12024-02-29", "+12024-02-29 00:00:00", "+12024-02-29", NULL},
    {"yyyy-MM-dd", "12024-02-29", NULL, NULL, "Text '12024-02-29' could not be parsed at index 0"},
    {"yyyy-MM-dd", "-0044-03-15", "-0044-03-15 00:00:00", "-0044-03-15", NULL},
    {"yyyy-M-d", "2024-2-9", "2024-02-09 00:00:00", "2024-02-09", NULL},
    {"yyyy-M-d", "2024-02-09", "2024-02-09 00:00:00", "2024-02-09", NULL},
    {"yyyyMMdd", "20240229", "2024-02-29 00:00:00", "2024-02-29", NULL},
    {"yyyyMMdd HHmmss", "20240229 150405", "2024-02-29 15:04:05", "2024-02-29", NULL},
    {"dd/MM/yyyy", "29/02/2024", "2024-02-29 00:00:00", "2024-02-29", NULL},
    {"dd/MM/yyyy", "30/02/2024", NULL, NULL, "Text '30/02/2024' could not be parsed: Invalid date 'FEBRUARY 30'"},
    {"dd/MM/yy", "29/02/24", "2024-02-29 00:00:00", "2024-02-29", NULL},
    {"dd/MM/yy", "29/02/99", NULL, NULL, "Text '29/02/99' could not be parsed: Invalid date 'February 29' as '2099' is not a leap year"},
    {"MMM d, yyyy", "feb 9, 2024", "2024-02-09 00:00:00", "2024-02-09", NULL},
    {"MMMM d yyyy", "February 9 2024", "2024-02-09 00:00:00", "2024-02-09", NULL},
    {"hh:mm a", "03:04 PM", "1970-01-01 15:04:00", "1970-01-01", NULL},
    {"HH:mm", "15:04", "1970-01-01 15:04:00", "1970-01-01", NULL},
    {"h:mm a", "13:04 PM", NULL, NULL, "Text '13:04 PM' could not be parsed: Invalid value for ClockHourOfAmPm (valid values 1 - 12): 13"},
    {"yyyy", "2024", "2024-01-01 00:00:00", "2024-01-01", NULL},
    {"yyyy-MM", "2024-02", "2024-02-01 00:00:00", "2024-02-01", NULL},
    {"HH:mm:ss.SSS", "10:11:12.5", "1970-01-01 10:11:12.5", "1970-01-01", NULL},
    {"HH:mm:ss.SSS", "10:11:12.5678", NULL, NULL, "Text '10:11:12.5678' could not be parsed, unparsed text found at index 12"},
    {"HH:mm:ss.SSSSSS", "10:11:12.567", "1970-01-01 10:11:12.567", "1970-01-01", NULL},
    {"yyyy-MM-dd HH:mm:ssXXX", "2024-02-29 10:00:00+01:00", "2024-02-29 04:00:00", "2024-02-29", NULL},
    {"yyyy-MM-dd HH:mm:ssXXX", "2024-02-29 10:00:00Z", "2024-02-29 05:00:00", "2024-02-29", NULL},
    {"yyyy-MM-dd HH:mm:ssX", "2024-02-29 10:00:00+01", "2024-02-29 04:00:00", "2024-02-29", NULL},
    {"yyyy-MM-dd HH:mm:ssZ", "2024-02-29 10:00:00+0100", "2024-02-29 04:00:00", "2024-02-29", NULL},
    {"yyyy-MM-dd HH:mm:ss VV", "2024-02-29 10:00:00 Europe/Berlin", "2024-02-29 04:00:00", "2024-02-29", NULL},
    {"yyyy-MM-dd HH:mm:ss z", "2024-02-29 10:00:00 PST", "2024-02-29 13:00:00", "2024-02-29", NULL},
    {"yyyy-MM-dd HH:mm:ss[.SSS]", "2024-02-29 10:00:00", "2024-02-29 10:00:00", "2024-02-29", NULL},
    {"yyyy-MM-dd HH:mm:ss[.SSS]", "2024-02-29 10:00:00.25", "2024-02-29 10:00:00.25", "2024-02-29", NULL},
    {"yyyy-DDD", "2024-060", "2024-02-29 00:00:00", "2024-02-29", NULL},
    {"D yyyy", "60 2024", "2024-02-29 00:00:00", "2024-02-29", NULL},
    {"yyyy-MM-dd'T'HH:mm:ss", "2024-02-29T10:00:00", "2024-02-29 10:00:00", "2024-02-29", NULL},
    {"k:mm", "24:10", "1970-01-01 00:10:00", "1970-01-01", NULL},
    {"K:mm a", "0:10 am", "1970-01-01 00:10:00", "1970-01-01", NULL},
    {"yyyy-MM-dd HH", "2024-02-29 24", NULL, NULL, "Text '2024-02-29 24' could not be parsed: Invalid value for HourOfDay (valid values 0 - 23): 24"},
    {"S", "5", "1970-01-01 00:00:00.5", "1970-01-01", NULL},
    {"yyyyMMddHHmmssSSS", "20240229101112345", NULL, NULL, "Text '20240229101112345' could not be parsed at index 0"},
    {"M/d/yy H:mm", "2/9/24 3:04", "2024-02-09 03:04:00", "2024-02-09", NULL},
    {"ssSSS", "12345", "1970-01-01 00:00:12.345", "1970-01-01", NULL},
    {"yyyy-MM-dd", "2024-02-29x", NULL, NULL, "Text '2024-02-29x' could not be parsed, unparsed text found at index 10"},
    {"yyyy G", "2024 AD", "2024-01-01 00:00:00", "2024-01-01", NULL},
    {"yyyyMMdd", "120240229", NULL, NULL, "Text '120240229' could not be parsed at index 0"},
    {"yyyy-MM-dd HH:mm:ss O", "2024-02-29 10:00:00 GMT+8", "2024-02-28 21:00:00", "2024-02-28", NULL},
    {"a", "PM", "1970-01-01 12:00:00", "1970-01-01", NULL},
    {"hh", "03", "1970-01-01 03:00:00", "1970-01-01", NULL},
    {"yy-M-d", "24-1-2", "2024-01-02 00:00:00", "2024-01-02", NULL},
    {"yyy", "24", NULL, NULL, "Text '24' could not be parsed at index 0"},
    {"y", "24", "0024-01-01 00:00:00", "0024-01-01", NULL},
    /* clang-format on */
};

static ch_arena *arena;

static void prints_as_java(void **state)
{
    (void)state;
    const ch_timezone *zone = ch_timezone_find("America/New_York");
    int64_t local = INT64_C(1709219045678901), utc = local + INT64_C(18000000000);
    for (size_t i = 0; i < sizeof PRINTED / sizeof *PRINTED; i++) {
        const ch_pattern *p;
        ch_error err;
        ch_buf out = {0};
        if (ch_pattern_compile(arena, PRINTED[i].pattern, false, &p, &err)) fail_msg("%s", err.message);
        ch_pattern_format(p, &out, local, utc, zone);
        assert_string_equal(ch_buf_text(&out), PRINTED[i].text);
        ch_buf_reset(&out);
    }
}

static void leaves_out_what_has_no_zone(void **state)
{
    (void)state;
    const ch_pattern *p;
    ch_error err;
    ch_buf out = {0};
    assert_int_equal(ch_pattern_compile(arena, "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", false, &p, &err), 0);
    ch_pattern_format(p, &out, -1, 0, NULL);
    assert_string_equal(out.data, "1969-12-31T23:59:59.999");
    ch_buf_reset(&out);
}

static void refuses_what_spark_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        const ch_pattern *p;
        ch_error err;
        if (!ch_pattern_compile(arena, REFUSED[i].pattern, REFUSED[i].parsing, &p, &err)) {
            fail_msg("'%s' is accepted", REFUSED[i].pattern);
        }
        assert_string_equal(err.condition, REFUSED[i].condition);
    }
}

static void parses_as_java(void **state)
{
    (void)state;
    const ch_timezone *zone = ch_timezone_find("America/New_York");
    for (size_t i = 0; i < sizeof PARSED / sizeof *PARSED; i++) {
        const ch_pattern *p;
        ch_error err;
        char why[CH_PATTERN_WHY], text[CH_TIMESTAMP_TEXT];
        int64_t micros;
        if (ch_pattern_compile(arena, PARSED[i].pattern, true, &p, &err)) fail_msg("%s", err.message);
        bool ok = ch_pattern_parse_timestamp(p, PARSED[i].text, strlen(PARSED[i].text), zone, &micros, why);
        if (ok != (PARSED[i].timestamp != NULL)) fail_msg("'%s' by %s: %s", PARSED[i].text, PARSED[i].pattern, why);
        if (!ok) {
            assert_string_equal(why, PARSED[i].why);
            continue;
        }
        ch_timestamp_text(text, micros, zone);
        assert_string_equal(text, PARSED[i].timestamp);
    }
}

static void parses_dates_and_local_times(void **state)
{
    (void)state;
    const ch_pattern *p;
    ch_error err;
    int32_t days;
    int64_t micros;
    assert_int_equal(ch_pattern_compile(arena, "dd/MM/yyyy", true, &p, &err), 0);
    assert_true(ch_pattern_parse_date(p, "01/02/1970", 10, &days, NULL));
    assert_int_equal(days, 31);
    assert_false(ch_pattern_parse_date(p, "1/2/1970", 8, &days, NULL));
    assert_int_equal(ch_pattern_compile(arena, "yyyy-MM-dd HH:mm[X]", true, &p, &err), 0);
    assert_true(ch_pattern_parse_ntz(p, "1970-01-01 00:01", 16, &micros, NULL));
    assert_int_equal(micros, 60000000);
    assert_false(ch_pattern_parse_ntz(p, "1970-01-01 00:01Z", 17, &micros, NULL));
}

static int set_up(void **state)
{
    (void)state;
    arena = ch_arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ch_arena_free(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_as_java),
        cmocka_unit_test(leaves_out_what_has_no_zone),
        cmocka_unit_test(refuses_what_spark_refuses),
        cmocka_unit_test(parses_as_java),
        cmocka_unit_test(parses_dates_and_local_times),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
