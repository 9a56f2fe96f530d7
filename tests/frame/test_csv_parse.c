/* CSV records: every line of up to four characters out of a " , \ and space, as a Spark 4.1.3 server split it
 * (tests/frame/data/csv_records.tsv: mode, record, fields; ~ is an absent field, absent ones at the end are left out).
 */
#include "frame/text/csv.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ch_csv_options options(char mode)
{
    bool doubled = mode == 'q' || mode == 'Q', trim = mode == 'B' || mode == 'Q';
    return (ch_csv_options){.delimiter = ",",
                            .delimiter_len = 1,
                            .quote = '"',
                            .escape = doubled ? '"' : '\\',
                            .escape_escape = doubled ? '\0' : '\\',
                            .ignore_leading = trim,
                            .ignore_trailing = trim,
                            .null_value = "N",
                            .empty_value = "",
                            .max_columns = 20};
}

static void splits_as_spark(void **state)
{
    (void)state;
    char *line = NULL, path[500];
    size_t cap = 0, cases = 0;
    snprintf(path, sizeof path, "%s/frame/data/csv_records.tsv", TESTS_DIR);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    for (ssize_t n; (n = getline(&line, &cap, file)) > 0; cases++) {
        line[n - 1] = '\0';
        ch_csv_options o = options(line[0]);
        ch_csv_parser p;
        ch_error err;
        const char *next;
        char *at = line + 2, *record = strsep(&at, "\t");
        ch_csv_parser_init(&p, &o);
        assert_int_equal(ch_csv_parse(&p, record, record + strlen(record), &next, &err), 0);
        assert_ptr_equal(next, record + strlen(record));
        for (size_t i = 0; i < p.n || at; i++) {
            char *want = at ? strsep(&at, "\t") : NULL;
            bool absent = !want || strcmp(want, "~") == 0;
            if (i >= p.n) fail_msg("mode %c, record <%s>: field %zu is missing", line[0], record, i);
            const ch_csv_field *f = &p.fields[i];
            bool same = absent ? f->absent : !f->absent && f->len == strlen(want) && memcmp(f->text, want, f->len) == 0;
            if (!same) fail_msg("mode %c, record <%s>: field %zu is <%.*s>", line[0], record, i, (int)f->len, f->text);
        }
        ch_csv_parser_reset(&p);
    }
    free(line);
    fclose(file);
    assert_int_equal(cases, 2224);
}

/* Records over several lines: a quote keeps a newline in its field. */
static void multi_line_records(void **state)
{
    (void)state;
    static const char TEXT[] = "a,\"x\ny\",\n\n\"\\\"\n\",b\nlast";
    static const char *const fields[] = {"a", "x\ny", "", NULL, NULL, "\"\n", "b", NULL, "last", NULL};
    ch_csv_options o = options('b');
    o.text.multi_line = true;
    ch_csv_parser p;
    ch_error err;
    ch_csv_parser_init(&p, &o);
    size_t f = 0;
    for (const char *at = TEXT, *end = TEXT + strlen(TEXT); at < end;) {
        assert_int_equal(ch_csv_parse(&p, at, end, &at, &err), 0);
        for (size_t i = 0; i < p.n; i++, f++) {
            assert_non_null(fields[f]);
            assert_int_equal(p.fields[i].len, strlen(fields[f]));
            assert_memory_equal(p.fields[i].text, fields[f], p.fields[i].len);
        }
        assert_null(fields[f++]);
    }
    assert_int_equal(f, sizeof fields / sizeof *fields);
    ch_csv_parser_reset(&p);
}

static void too_many_columns(void **state)
{
    (void)state;
    static const char TEXT[] = ",,,,,,,,,,,,,,,,,,,,,,,,";
    ch_csv_options o = options('b');
    ch_csv_parser p;
    ch_error err;
    const char *next;
    ch_csv_parser_init(&p, &o);
    assert_int_not_equal(ch_csv_parse(&p, TEXT, TEXT + strlen(TEXT), &next, &err), 0);
    assert_non_null(strstr(err.message, "exceeded limit of 20 columns"));
    ch_csv_parser_reset(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_as_spark),
        cmocka_unit_test(multi_line_records),
        cmocka_unit_test(too_many_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
