/* Dates, timestamps and time zones. The table was printed by a Spark 4.1.3 server with session time zone
 * America/New_York: try_cast(text AS date), ... AS timestamp_ntz, ... AS timestamp, and unix_micros of the last. */
#include "frame/type/datetime.h"
#include "testing.h"

#include <string.h>

static const struct {
    const char *text, *date, *ntz, *timestamp;
    int64_t micros;
} CASES[] = {
    /* clang-format off */
        {"2020", "2020-01-01", "2020-01-01 00:00:00", "2020-01-01 00:00:00", INT64_C(1577854800000000)},
        {"2020-1", "2020-01-01", "2020-01-01 00:00:00", "2020-01-01 00:00:00", INT64_C(1577854800000000)},
        {"2020-01-02", "2020-01-02", "2020-01-02 00:00:00", "2020-01-02 00:00:00", INT64_C(1577941200000000)},
        {"2020-1-2 ", "2020-01-02", "2020-01-02 00:00:00", "2020-01-02 00:00:00", INT64_C(1577941200000000)},
        {"2020-01-02T", "2020-01-02", NULL, NULL, INT64_MIN},
        {"2020-01-02 3", "2020-01-02", "2020-01-02 03:00:00", "2020-01-02 03:00:00", INT64_C(1577952000000000)},
        {"2020-01-02 3:4", "2020-01-02", "2020-01-02 03:04:00", "2020-01-02 03:04:00", INT64_C(1577952240000000)},
        {"2020-01-02 3:4:5", "2020-01-02", "2020-01-02 03:04:05", "2020-01-02 03:04:05", INT64_C(1577952245000000)},
        {"2020-01-02 3:4:5.", "2020-01-02", "2020-01-02 03:04:05", "2020-01-02 03:04:05", INT64_C(1577952245000000)},
        {"2020-01-02 3:4:5.1", "2020-01-02", "2020-01-02 03:04:05.1", "2020-01-02 03:04:05.1", INT64_C(1577952245100000)},
        {"2020-01-02 3:4:5.1234567", "2020-01-02", "2020-01-02 03:04:05.123456", "2020-01-02 03:04:05.123456", INT64_C(1577952245123456)},
        {"2020-01-02 3:4:5.1234567890", "2020-01-02", "2020-01-02 03:04:05.123456", "2020-01-02 03:04:05.123456", INT64_C(1577952245123456)},
        {"2020-01-02 3:4:5Z", "2020-01-02", "2020-01-02 03:04:05", "2020-01-01 22:04:05", INT64_C(1577934245000000)},
        {"2020-01-02T03:04:05.5+01:00", "2020-01-02", "2020-01-02 03:04:05.5", "2020-01-01 21:04:05.5", INT64_C(1577930645500000)},
        {"2020-01-02 03:04:05 Europe/Berlin", "2020-01-02", "2020-01-02 03:04:05", "2020-01-01 21:04:05", INT64_C(1577930645000000)},
        {"2020-01-02 03:04:05Europe/Berlin", "2020-01-02", "2020-01-02 03:04:05", "2020-01-01 21:04:05", INT64_C(1577930645000000)},
        {"2020-01-02 03:04:05 UTC+3", "2020-01-02", "2020-01-02 03:04:05", "2020-01-01 19:04:05", INT64_C(1577923445000000)},
        {"2020-01-02 03:04:05 +3", "2020-01-02", "2020-01-02 03:04:05", "2020-01-01 19:04:05", INT64_C(1577923445000000)},
        {"2020-01-02 03:04:05+0300", "2020-01-02", "2020-01-02 03:04:05", "2020-01-01 19:04:05", INT64_C(1577923445000000)},
        {"2020-01-02 03:04:05 PST", "2020-01-02", "2020-01-02 03:04:05", "2020-01-02 06:04:05", INT64_C(1577963045000000)},
        {"2020-13-01", NULL, NULL, NULL, INT64_MIN},
        {"2020-02-30", NULL, NULL, NULL, INT64_MIN},
        {" 2020-01-02 ", "2020-01-02", "2020-01-02 00:00:00", "2020-01-02 00:00:00", INT64_C(1577941200000000)},
        {"99999-01-01", "+99999-01-01", "+99999-01-01 00:00:00", "+99999-01-01 00:00:00", INT64_C(3093496462800000000)},
        {"-2020-01-01", "-2020-01-01", "-2020-01-01 00:00:00", "-2020-01-01 00:00:00", INT64_C(-125912257438000000)},
        {"+12020-01-01", "+12020-01-01", "+12020-01-01 00:00:00", "+12020-01-01 00:00:00", INT64_C(317147374800000000)},
        {"t10:20", NULL, NULL, NULL, INT64_MIN},
        {"2020-01-02 25:00:00", "2020-01-02", NULL, NULL, INT64_MIN},
        {"2020-01-02 10:60:00", "2020-01-02", NULL, NULL, INT64_MIN},
        {"2020-03-08 02:30:00", "2020-03-08", "2020-03-08 02:30:00", "2020-03-08 03:30:00", INT64_C(1583652600000000)},
        {"2020-11-01 01:30:00", "2020-11-01", "2020-11-01 01:30:00", "2020-11-01 01:30:00", INT64_C(1604208600000000)},
        {"2020/01/02", NULL, NULL, NULL, INT64_MIN},
        {"20200102", NULL, NULL, NULL, INT64_MIN},
        {"202001", "+202001-01-01", "+202001-01-01 00:00:00", "+202001-01-01 00:00:00", INT64_C(6312368725200000000)},
        {"2020-01-02t10:00:00", NULL, NULL, NULL, INT64_MIN},
        {"2020-01-02 10:00:00.123 America/Los_Angeles", "2020-01-02", "2020-01-02 10:00:00.123", "2020-01-02 13:00:00.123", INT64_C(1577988000123000)},
        {"1582-10-10", "1582-10-10", "1582-10-10 00:00:00", "1582-10-10 00:00:00", INT64_C(-12219707038000000)},
        {"0000-01-01", "0000-01-01", "0000-01-01 00:00:00", "0000-01-01 00:00:00", INT64_C(-62167201438000000)},
        {"2020-01-02 10", "2020-01-02", "2020-01-02 10:00:00", "2020-01-02 10:00:00", INT64_C(1577977200000000)},
        {"2020-01-02 10:11:12.123456789 ", "2020-01-02", "2020-01-02 10:11:12.123456", "2020-01-02 10:11:12.123456", INT64_C(1577977872123456)},
        {"2020-01-02 24:00:00", "2020-01-02", NULL, NULL, INT64_MIN},
        {"2020-01-02 23:59:60", "2020-01-02", NULL, NULL, INT64_MIN},
        {"300000-01-01", "+300000-01-01", NULL, NULL, INT64_MIN},
        {"1234567-01-01", "+1234567-01-01", NULL, NULL, INT64_MIN},
        {"2020-1-2", "2020-01-02", "2020-01-02 00:00:00", "2020-01-02 00:00:00", INT64_C(1577941200000000)},
        {"2020-01-2", "2020-01-02", "2020-01-02 00:00:00", "2020-01-02 00:00:00", INT64_C(1577941200000000)},
        {"2020-001-02", NULL, NULL, NULL, INT64_MIN},
        {"2020-01-02 10:00:00 Foo/Bar", "2020-01-02", NULL, NULL, INT64_MIN},
        {"epoch", NULL, NULL, NULL, INT64_MIN},
        {"now", NULL, NULL, NULL, INT64_MIN},
        {"2020-01-02 10:00:00-04", "2020-01-02", "2020-01-02 10:00:00", "2020-01-02 09:00:00", INT64_C(1577973600000000)},
        {"1900-01-01 00:00:00", "1900-01-01", "1900-01-01 00:00:00", "1900-01-01 00:00:00", INT64_C(-2208970800000000)},
        {"1883-11-18 12:00:00", "1883-11-18", "1883-11-18 12:00:00", "1883-11-18 12:00:00", INT64_C(-2717651038000000)},
        {"1700-01-01 00:00:00", "1700-01-01", "1700-01-01 00:00:00", "1700-01-01 00:00:00", INT64_C(-8520318238000000)},
        {"2100-07-01 00:00:00", "2100-07-01", "2100-07-01 00:00:00", "2100-07-01 00:00:00", INT64_C(4118097600000000)},
        {"2020-01-02+01:00", NULL, NULL, NULL, INT64_MIN},
        {"2020-01-02Z", NULL, NULL, NULL, INT64_MIN},
        {"-0044-03-15", "-0044-03-15", "-0044-03-15 00:00:00", "-0044-03-15 00:00:00", INT64_C(-63549342238000000)},
        {"-44-03-15", NULL, NULL, NULL, INT64_MIN},
        {"2020-01-02 1a:00", "2020-01-02", NULL, NULL, INT64_MIN},
        {"\xD9\xA1\xD9\xA2\xD9\xA3\xD9\xA4", NULL, NULL, NULL, INT64_MIN},
    /* clang-format on */
};

static void parses_and_prints_as_spark(void **state)
{
    (void)state;
    const ch_timezone *zone = ch_timezone_find("America/New_York");
    assert_non_null(zone);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const char *text = CASES[i].text;
        char out[CH_TIMESTAMP_TEXT];
        int32_t days;
        int64_t micros;
        bool ok = ch_parse_date(text, strlen(text), &days);
        if (ok != (CASES[i].date != NULL)) fail_msg("date of '%s'", text);
        if (ok) {
            assert_int_equal(ch_date_text(out, days), strlen(CASES[i].date));
            assert_string_equal(out, CASES[i].date);
        }
        ok = ch_parse_timestamp_ntz(text, strlen(text), true, &micros);
        if (ok != (CASES[i].ntz != NULL)) fail_msg("timestamp_ntz of '%s'", text);
        if (ok) {
            assert_int_equal(ch_timestamp_text(out, micros, NULL), strlen(CASES[i].ntz));
            assert_string_equal(out, CASES[i].ntz);
        }
        ok = ch_parse_timestamp(text, strlen(text), zone, &micros);
        if (ok != (CASES[i].timestamp != NULL)) fail_msg("timestamp of '%s'", text);
        if (ok) {
            if (micros != CASES[i].micros) fail_msg("'%s' gives %lld", text, (long long)micros);
            ch_timestamp_text(out, micros, zone);
            assert_string_equal(out, CASES[i].timestamp);
        }
    }
}

static void times_alone_are_of_today(void **state)
{
    (void)state;
    int64_t first, second;
    assert_true(ch_parse_timestamp("T10:20", 6, ch_timezone_utc(), &first));
    assert_true(ch_parse_timestamp("10:20:30", 8, ch_timezone_utc(), &second));
    int64_t of_day = first % INT64_C(86400000000);
    assert_int_equal(of_day, INT64_C(37200000000));
    assert_true(second - first == 30000000 || second - first == 30000000 + INT64_C(86400000000)); /* over midnight */
    assert_false(ch_parse_timestamp_ntz("T10:20", 6, true, &first));
    assert_true(ch_parse_timestamp_ntz("2020-01-02 03:04:05Z", 20, true, &first));
    assert_false(ch_parse_timestamp_ntz("2020-01-02 03:04:05Z", 20, false, &first));
}

static void calendar_is_proleptic(void **state)
{
    (void)state;
    assert_int_equal(ch_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(ch_days_from_civil(0, 1, 1), -719528);
    for (int64_t days = -1000000; days < 3000000; days += 997) {
        int64_t year;
        int month, day;
        ch_civil_from_days(days, &year, &month, &day);
        assert_true(ch_civil_valid(year, month, day));
        assert_int_equal(ch_days_from_civil(year, month, day), days);
    }
    assert_true(ch_civil_valid(2000, 2, 29));
    assert_false(ch_civil_valid(1900, 2, 29));
}

/* Offsets from java.time: ZoneId.of(id).getRules().getOffset(instant). */
static void zones_have_java_s_offsets(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        int64_t utc;
        int32_t offset;
    } cases[] = {
        {"UTC", 0, 0},
        {"Z", 0, 0},
        {"Europe/Berlin", 1577836800, 3600},
        {"Europe/Berlin", 1593561600, 7200},
        {"Europe/Berlin", -3000000000, 3208}, /* local mean time */
        {"Europe/Berlin", 4118083200, 7200},  /* July 2100: by rule */
        {"Europe/Berlin", 4102444800, 3600},
        {"Australia/Sydney", 4102444800, 39600}, /* summer in January */
        {"+02:00", 0, 7200},
        {"+2", 0, 7200},
        {"-0330", 0, -12600},
        {"+01:02:03", 0, 3723},
        {"GMT-3", 0, -10800},
        {"UTC+5:30", 0, 19800},
        {"PST", 0, -28800},
        {"EST", 0, -18000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ch_timezone *zone = ch_timezone_find(cases[i].id);
        if (!zone) fail_msg("no zone %s", cases[i].id);
        assert_int_equal(ch_timezone_offset(zone, cases[i].utc), cases[i].offset);
    }
    static const char *const bad[] = {"Foo/Bar", "",       "../etc/passwd",  "/UTC",
                                      "+19:00",  "+1:2:3", "europe/berlin ", "+"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_null(ch_timezone_find(bad[i]));
    assert_ptr_equal(ch_timezone_find("Europe/Berlin"), ch_timezone_find("Europe/Berlin"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_and_prints_as_spark),
        cmocka_unit_test(times_alone_are_of_today),
        cmocka_unit_test(calendar_is_proleptic),
        cmocka_unit_test(zones_have_java_s_offsets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
