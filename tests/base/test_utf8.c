/* UTF-8: what is well-formed (RFC 3629), and Java's replacements (new String(bytes, UTF_8)). */
#include "base/utf8.h"
#include "testing.h"

#include <string.h>

static void tells_valid_from_invalid(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "plain text longer than eight",
                                       "\xC3\xA9",
                                       "\xE6\x97\xA5\xE6\x9C\xAC",
                                       "abcdefgh\xF0\x9F\x98\x80z",
                                       "\xF4\x8F\xBF\xBF",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80"};
    static const char *const bad[] = {
        "\x80",         "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xF4\x90\x80\x80",
        "abcdefgh\xFF", "\xE6\x97", "\xC3("};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(ch_utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(ch_utf8_valid(bad[i], strlen(bad[i])));
    assert_true(ch_utf8_valid("a\0b", 3));
}

static void repairs_as_java(void **state)
{
    (void)state;
#define R "\xEF\xBF\xBD"
    static const struct {
        const char *bytes, *text;
    } cases[] = {
        {"ab\xFFz", "ab" R "z"},
        {"\xE6\x97z", R "z"}, /* a cut character is replaced once */
        {"\xE6", R},
        {"\xC0\x80", R R},
        {"\xED\xA0\x80", R},
        {"\xED\xA0", R},
        {"\xED\xA0z", R "z"},
        {"\xF0\x9F\x98x", R "x"},
        {"\xC3\xA9\x80", "\xC3\xA9" R},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_buf buf = {0};
        ch_utf8_repair(&buf, cases[i].bytes, strlen(cases[i].bytes));
        assert_string_equal(ch_buf_text(&buf), cases[i].text);
        assert_true(ch_utf8_valid(buf.data, buf.len));
        ch_buf_reset(&buf);
    }
}

static void converts_latin1(void **state)
{
    (void)state;
    ch_buf buf = {0};
    ch_utf8_from_latin1(&buf, "caf\xE9 \xFF\x80", 7);
    assert_string_equal(buf.data, "caf\xC3\xA9 \xC3\xBF\xC2\x80");
    ch_buf_clear(&buf);
    ch_utf8_from_ascii(&buf, "a\xE9z", 3);
    assert_string_equal(buf.data, "a" R "z");
    ch_buf_reset(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_valid_from_invalid),
        cmocka_unit_test(repairs_as_java),
        cmocka_unit_test(converts_latin1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
