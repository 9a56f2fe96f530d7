/* test_parse.c: percent escapes, queries, hosts, ranges and entity tags. */
#include "http/parse.h"

#include "testing.h"

#include <string.h>

static void decodes_percent_escapes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *out; /* NULL: refused */
        bool plus;
    } CASES[] = {
        {"abc", "abc", false},   {"a%20b", "a b", false}, {"a+b", "a+b", false},
        {"a+b", "a b", true},    {"%2F%2f", "//", false}, {"gr%C3%BC", "gr\xc3\xbc", false},
        {"%", NULL, false},      {"a%2", NULL, false},    {"%zz", NULL, false},
        {"%2", NULL, false},     {"a%00b", NULL, false},  {"%C3", NULL, false},
        {"%C0%AF", NULL, false}, {"\xff", NULL, false},   {"%ED%A0%80", NULL, false},
        {"", "", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char out[64];
        long len = ch_http_decode(CASES[i].text, strlen(CASES[i].text), CASES[i].plus, out);
        if (CASES[i].out) {
            assert_int_equal(len, strlen(CASES[i].out));
            assert_string_equal(out, CASES[i].out);
        } else {
            assert_int_equal(len, -1);
        }
    }
}

static void splits_queries(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    ch_http_arg *args;
    size_t n;
    assert_true(ch_http_parse_query(arena, "a=1&&b=x%3Dy=z&c&=d&a=2", &args, &n));
    static const char *const EXPECTED[][2] = {{"a", "1"}, {"b", "x=y=z"}, {"c", ""}, {"", "d"}, {"a", "2"}};
    assert_int_equal(n, 5);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(args[i].name, EXPECTED[i][0]);
        assert_string_equal(args[i].value, EXPECTED[i][1]);
    }
    assert_true(ch_http_parse_query(arena, NULL, &args, &n) && n == 0);
    assert_true(ch_http_parse_query(arena, "", &args, &n) && n == 0);
    assert_true(ch_http_parse_query(arena, "&", &args, &n) && n == 0);
    assert_false(ch_http_parse_query(arena, "a=%G0", &args, &n));
    assert_false(ch_http_parse_query(arena, "%", &args, &n));
    ch_arena_free(arena);
}

static void reads_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *port;
    } CASES[] = {
        {"localhost", "localhost", ""},
        {"LocalHost:5000", "localhost", "5000"},
        {"localhost.", "localhost", ""},
        {"127.0.0.1:1", "127.0.0.1", "1"},
        {"[::1]:5000", "::1", "5000"},
        {"[::1]", "::1", ""},
        {"", NULL, NULL},
        {":5000", NULL, NULL},
        {"[::1", NULL, NULL},
        {"[nonsense]", NULL, NULL},
        {"a b", NULL, NULL},
        {"localhost:5000x", NULL, NULL},
        {"localhost@evil.example", NULL, NULL},
        {"localhost/evil.example", NULL, NULL},
        {"localhost:123456", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char host[256];
        const char *port;
        bool fine = ch_http_parse_host(CASES[i].text, host, &port);
        assert_int_equal(fine, CASES[i].host != NULL);
        if (!fine) continue;
        assert_string_equal(host, CASES[i].host);
        assert_string_equal(port, CASES[i].port);
    }
    char host[256], big[400];
    memset(big, 'a', 300);
    big[300] = '\0';
    assert_false(ch_http_parse_host(big, host, NULL));
    assert_true(ch_http_is_address("10.0.0.1") && ch_http_is_address("fe80::1") && !ch_http_is_address("10.0.0.1.x"));
    assert_true(ch_http_is_loopback("127.8.8.8") && ch_http_is_loopback("::1") && ch_http_is_loopback("localhost"));
    assert_false(ch_http_is_loopback("10.0.0.1") || ch_http_is_loopback("localhost.evil.example"));
}

static void reads_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t size;
        ch_http_range_kind kind;
        uint64_t offset, len;
    } CASES[] = {
        {"bytes=0-99", 1000, CH_RANGE_PART, 0, 100},
        {"bytes=100-", 1000, CH_RANGE_PART, 100, 900},
        {"bytes=-100", 1000, CH_RANGE_PART, 900, 100},
        {"bytes=-5000", 1000, CH_RANGE_PART, 0, 1000},
        {"bytes=999-5000", 1000, CH_RANGE_PART, 999, 1},
        {"bytes=1000-", 1000, CH_RANGE_OUTSIDE, 0, 0},
        {"bytes=-0", 1000, CH_RANGE_OUTSIDE, 0, 0},
        {"bytes=0-", 0, CH_RANGE_OUTSIDE, 0, 0},
        {"bytes=-1", 0, CH_RANGE_OUTSIDE, 0, 0},
        {"bytes=5-4", 1000, CH_RANGE_ALL, 0, 0},
        {"bytes=0-1,5-6", 1000, CH_RANGE_ALL, 0, 0},
        {"bytes=a-b", 1000, CH_RANGE_ALL, 0, 0},
        {"bytes=", 1000, CH_RANGE_ALL, 0, 0},
        {"bytes=-", 1000, CH_RANGE_ALL, 0, 0},
        {"lines=0-1", 1000, CH_RANGE_ALL, 0, 0},
        {"bytes=99999999999999999999-", 1000, CH_RANGE_ALL, 0, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uint64_t offset = 0, len = 0;
        assert_int_equal(ch_http_parse_range(CASES[i].text, CASES[i].size, &offset, &len), CASES[i].kind);
        if (CASES[i].kind != CH_RANGE_PART) continue;
        assert_int_equal(offset, CASES[i].offset);
        assert_int_equal(len, CASES[i].len);
    }
}

static void matches_tags(void **state)
{
    (void)state;
    assert_true(ch_http_tag_matches("\"a\"", "\"a\""));
    assert_true(ch_http_tag_matches("\"b\", W/\"a\"", "\"a\""));
    assert_true(ch_http_tag_matches("*", "\"a\""));
    assert_false(ch_http_tag_matches("\"ab\"", "\"a\""));
    assert_false(ch_http_tag_matches("", "\"a\""));
    assert_false(ch_http_tag_matches("\"a\"b", "\"a\""));
    assert_false(ch_http_tag_matches(", ,", "\"a\""));
}

static void names_of_headers_are_tokens(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"Content-Length", "x", "X_1.2", "!#$%&'*+-.^_`|~"};
    static const char *const BAD[] = {"",      "Content-Length ", " x",   "a\tb", "a:b",
                                      "a\x7f", "\xc3\xa9",        "a(b)", "a\"",  "a/b"};
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) assert_true(ch_http_is_token(GOOD[i]));
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) assert_false(ch_http_is_token(BAD[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_headers_are_tokens),
        cmocka_unit_test(decodes_percent_escapes),
        cmocka_unit_test(splits_queries),
        cmocka_unit_test(reads_hosts),
        cmocka_unit_test(reads_ranges),
        cmocka_unit_test(matches_tags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
