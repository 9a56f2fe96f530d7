/* The text of values: expected strings are what a Spark 4.1.3 server printed for CAST(x AS STRING) and show(). */
#include "frame/io/io.h"
#include "testing.h"

#include <math.h>
#include <string.h>

static ch_buf buf;

static void expect(const ch_column *c, ch_text_style style, const char *text)
{
    ch_buf_clear(&buf);
    ch_value_text(&buf, c, 0, style, ch_timezone_find("Europe/Berlin"));
    assert_string_equal(ch_buf_text(&buf), text);
}

static ch_string text_of(const char *s)
{
    ch_string out = {0};
    out.value.inlined.len = (uint32_t)strlen(s);
    memcpy(out.value.inlined.inlined, s, strlen(s));
    return out;
}

static void numbers(void **state)
{
    (void)state;
    float f = 1.5f, inf = INFINITY;
    double d = 1e20;
    int64_t l = INT64_MIN;
    int8_t b = -128;
    uint8_t yes = 1;
    ch_column c = {.type = &ch_type_float, .data = &f};
    expect(&c, CH_TEXT_SHOW, "1.5");
    c.data = &inf;
    expect(&c, CH_TEXT_SHOW, "Infinity");
    c = (ch_column){.type = &ch_type_double, .data = &d};
    expect(&c, CH_TEXT_SHOW, "1.0E20");
    c = (ch_column){.type = &ch_type_long, .data = &l};
    expect(&c, CH_TEXT_CAST, "-9223372036854775808");
    c = (ch_column){.type = &ch_type_byte, .data = &b};
    expect(&c, CH_TEXT_CAST, "-128");
    c = (ch_column){.type = &ch_type_boolean, .data = &yes};
    expect(&c, CH_TEXT_CAST, "true");

    ch_buf_clear(&buf);
    ch_decimal_text(&buf, 15000000000LL, 10);
    ch_buf_char(&buf, ' ');
    ch_decimal_text(&buf, -5, 2);
    ch_buf_char(&buf, ' ');
    ch_decimal_text(&buf, 10000000000LL, 20);
    ch_buf_char(&buf, ' ');
    ch_decimal_text(&buf, 0, 0);
    assert_string_equal(buf.data, "1.5000000000 -0.05 0.00000000010000000000 0");
}

static void times(void **state)
{
    (void)state;
    int32_t days = 18262;
    int64_t micros = INT64_C(1577833200500000), local = INT64_C(1577836800123456);
    ch_column c = {.type = &ch_type_date, .data = &days};
    expect(&c, CH_TEXT_SHOW, "2020-01-01");
    c = (ch_column){.type = &ch_type_timestamp, .data = &micros};
    expect(&c, CH_TEXT_SHOW, "2020-01-01 00:00:00.5");
    c = (ch_column){.type = &ch_type_timestamp_ntz, .data = &local};
    expect(&c, CH_TEXT_SHOW, "2020-01-01 00:00:00.123456");
}

static void intervals(void **state)
{
    (void)state;
    static const struct {
        ch_kind kind;
        int start, end;
        ch_interval value;
        const char *text;
    } cases[] = {
        {CH_INTERVAL_DAY_TIME, 0, 0, {0, 1, 0}, "INTERVAL '1' DAY"},
        {CH_INTERVAL_DAY_TIME, 0, 3, {0, 1, INT64_C(7384500000)}, "INTERVAL '1 02:03:04.5' DAY TO SECOND"},
        {CH_INTERVAL_DAY_TIME, 0, 3, {0, -1, INT64_C(-7384000001)}, "INTERVAL '-1 02:03:04.000001' DAY TO SECOND"},
        {CH_INTERVAL_DAY_TIME, 1, 1, {0, 0, INT64_C(93600000000)}, "INTERVAL '26' HOUR"},
        {CH_INTERVAL_DAY_TIME, 1, 2, {0, 0, INT64_C(3720000000)}, "INTERVAL '01:02' HOUR TO MINUTE"},
        {CH_INTERVAL_DAY_TIME, 3, 3, {0, 0, 0}, "INTERVAL '00' SECOND"},
        {CH_INTERVAL_DAY_TIME, 3, 3, {0, 0, 61500000}, "INTERVAL '61.5' SECOND"},
        {CH_INTERVAL_DAY_TIME, 2, 2, {0, 0, INT64_C(5400000000)}, "INTERVAL '90' MINUTE"},
        {CH_INTERVAL_DAY_TIME, 0, 1, {0, 1, INT64_C(7200000000)}, "INTERVAL '1 02' DAY TO HOUR"},
        {CH_INTERVAL_DAY_TIME, 2, 3, {0, 0, 62500000}, "INTERVAL '01:02.5' MINUTE TO SECOND"},
        {CH_INTERVAL_YEAR_MONTH, 1, 1, {14, 0, 0}, "INTERVAL '14' MONTH"},
        {CH_INTERVAL_YEAR_MONTH, 0, 1, {-14, 0, 0}, "INTERVAL '-1-2' YEAR TO MONTH"},
        {CH_INTERVAL_YEAR_MONTH, 0, 0, {36, 0, 0}, "INTERVAL '3' YEAR"},
        {CH_INTERVAL_CALENDAR,
         0,
         0,
         {14, 25, INT64_C(18367500000)},
         "1 years 2 months 25 days 5 hours 6 minutes 7.5 seconds"},
        {CH_INTERVAL_CALENDAR,
         0,
         0,
         {-14, -4, INT64_C(-18367500000)},
         "-1 years -2 months -4 days -5 hours -6 minutes -7.5 seconds"},
        {CH_INTERVAL_CALENDAR, 0, 0, {0, 0, 0}, "0 seconds"},
        {CH_INTERVAL_CALENDAR, 0, 0, {12, 0, 0}, "1 years"},
        {CH_INTERVAL_CALENDAR, 0, 0, {0, 0, 1}, "0.000001 seconds"},
        {CH_INTERVAL_CALENDAR, 0, 0, {0, 0, -500000}, "-0.5 seconds"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_type type = {.kind = cases[i].kind, .precision = cases[i].start, .scale = cases[i].end};
        ch_interval value = cases[i].value;
        ch_column c = {.type = &type, .data = &value};
        expect(&c, CH_TEXT_SHOW, cases[i].text);
    }
}

static void nested(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    int32_t numbers[] = {1, 0};
    uint64_t mask[] = {1};
    ch_list both = {0, 2}, one = {0, 1};
    ch_column items = {.type = &ch_type_int, .data = numbers, .validity = mask, .rows = 2};
    ch_column array = {.type = ch_type_array(arena, &ch_type_int, true), .data = &both, .child = &items, .nchild = 1};
    expect(&array, CH_TEXT_SHOW, "[1, NULL]");
    expect(&array, CH_TEXT_CAST, "[1, null]");

    ch_string key = text_of("k"), bytes = text_of("A");
    ch_column entry[] = {{.type = &ch_type_string, .data = &key}, {.type = &ch_type_binary, .data = &bytes}};
    ch_column entries = {.child = entry, .nchild = 2};
    ch_column map = {.type = ch_type_map(arena, &ch_type_string, &ch_type_binary, true),
                     .data = &one,
                     .child = &entries,
                     .nchild = 1};
    expect(&map, CH_TEXT_SHOW, "{k -> [41]}");
    expect(&map, CH_TEXT_CAST, "{k -> A}");

    uint64_t none[] = {0};
    ch_field fields[] = {{.name = "a", .type = &ch_type_int}, {.name = "b", .type = array.type}};
    ch_column parts[] = {{.type = &ch_type_int, .data = numbers, .validity = none}, array};
    ch_column tuple = {.type = ch_type_struct(arena, fields, 2), .child = parts, .nchild = 2};
    expect(&tuple, CH_TEXT_SHOW, "{NULL, [1, NULL]}");
    tuple.validity = none;
    expect(&tuple, CH_TEXT_SHOW, "NULL");
    ch_arena_free(arena);
}

static void vectors(void **state)
{
    (void)state;
    double values[] = {1.0, 2.5}, odd[] = {NAN, 1e-5, -INFINITY};
    int32_t index = 0, size = 3;
    int8_t dense = 1, sparse = 0;
    uint64_t none[] = {0};
    ch_list two = {0, 2}, three = {0, 3}, one = {0, 1}, empty = {0, 0};
    ch_column ints = {.type = &ch_type_int, .data = &index}, doubles = {.type = &ch_type_double, .data = values};
    ch_column parts[] = {
        {.data = &dense},
        {.data = &size, .validity = none},
        {.data = &empty, .validity = none, .child = &ints, .nchild = 1},
        {.data = &two, .child = &doubles, .nchild = 1},
    };
    ch_column c = {.type = &ch_type_vector, .child = parts, .nchild = 4};
    expect(&c, CH_TEXT_SHOW, "[1.0,2.5]");
    parts[3].data = &empty;
    expect(&c, CH_TEXT_SHOW, "[]");
    parts[3].data = &three;
    doubles.data = odd;
    expect(&c, CH_TEXT_SHOW, "[NaN,1.0E-5,-Infinity]");
    parts[0].data = &sparse;
    parts[1].validity = parts[2].validity = NULL;
    parts[2].data = parts[3].data = &one;
    doubles.data = values;
    expect(&c, CH_TEXT_CAST, "(3,[0],[1.0])");
    parts[2].data = parts[3].data = &empty;
    expect(&c, CH_TEXT_CAST, "(3,[],[])");
}

static void matrices(void **state)
{
    (void)state;
    double values[] = {1, 2, 3, 4, 5, 6}, wide[40], pair[] = {1.0, -2.5};
    int8_t dense = 1, sparse = 0;
    uint8_t transposed = 0;
    int32_t rows = 2, cols = 3, pointers[] = {0, 1, 2}, indices[] = {0, 2};
    uint64_t none[] = {0};
    ch_list items = {0, 6}, forty = {0, 40}, two = {0, 2}, three = {0, 3};
    ch_column ints = {.data = pointers}, ints2 = {.data = indices}, doubles = {.data = values};
    ch_column parts[] = {
        {.data = &dense},
        {.data = &rows},
        {.data = &cols},
        {.data = &three, .validity = none, .child = &ints, .nchild = 1},
        {.data = &two, .validity = none, .child = &ints2, .nchild = 1},
        {.data = &items, .child = &doubles, .nchild = 1},
        {.data = &transposed},
    };
    ch_column c = {.type = &ch_type_matrix, .child = parts, .nchild = 7};
    expect(&c, CH_TEXT_CAST, "1.0  3.0  5.0  \n2.0  4.0  6.0  ");
    transposed = 1;
    expect(&c, CH_TEXT_CAST, "1.0  2.0  3.0  \n4.0  5.0  6.0  ");
    for (int i = 0; i < 40; i++) wide[i] = i * 1.5;
    rows = 1;
    cols = 40;
    parts[5].data = &forty;
    doubles.data = wide;
    expect(&c, CH_TEXT_CAST, "0.0  1.5  3.0  4.5  6.0  7.5  9.0  10.5  12.0  13.5  15.0  16.5  ... (40 total)");
    dense = sparse;
    parts[3].validity = parts[4].validity = NULL;
    parts[5].data = &two;
    doubles.data = pair;
    rows = 3;
    cols = 2;
    transposed = 0;
    expect(&c, CH_TEXT_CAST, "3 x 2 CSCMatrix\n(0,0) 1.0\n(2,1) -2.5");
    rows = 2;
    cols = 3;
    transposed = 1;
    expect(&c, CH_TEXT_CAST, "2 x 3 CSCMatrix\n(0,0) 1.0\n(1,2) -2.5");
}

static int tear_down(void **state)
{
    (void)state;
    ch_buf_reset(&buf);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers), cmocka_unit_test(times),   cmocka_unit_test(intervals),
        cmocka_unit_test(nested),  cmocka_unit_test(vectors), cmocka_unit_test(matrices),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
