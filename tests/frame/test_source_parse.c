/* spark.read.csv(df) and spark.read.json(df): records in a column of strings, through the whole analysis. Rows are
 * those of a Spark 4.1.3 server. */
#include "source_testing.h"

#include "frame/engine/query.h"

/* A DataFrame of one string column with the given lines. */
static ch_plan *strings(const char *const *lines, size_t n)
{
    ch_plan *plan = ch_plan_new(test_arena, CH_PLAN_VALUES, NULL);
    plan->u.values.nrow = n;
    plan->u.values.ncol = 1;
    plan->u.values.rows = CH_NEW_ARRAY(test_arena, ch_expr **, n);
    for (size_t i = 0; i < n; i++) {
        plan->u.values.rows[i] = CH_NEW(test_arena, ch_expr *);
        plan->u.values.rows[i][0] =
            lines[i] ? ch_expr_string(test_arena, lines[i]) : ch_expr_null(test_arena, &ch_type_string);
    }
    return plan;
}

static void expect(const char *format, const char *const *lines, size_t n, const char *schema, const char *option,
                   const char *value, const char *ddl, const char *rows)
{
    ch_plan *plan = ch_plan_new(test_arena, CH_PLAN_PARSE, strings(lines, n));
    ch_option options[] = {{option, value}};
    ch_schema given = {0};
    plan->u.parse.format = format;
    plan->u.parse.options = ch_arena_dup(test_arena, options, sizeof options);
    plan->u.parse.noption = option ? 1 : 0;
    if (schema) {
        assert_int_equal(ch_parse_schema(test_arena, schema, &given, &test_err), 0);
        plan->u.parse.schema = ch_type_struct(test_arena, given.fields, given.n);
    }
    ch_query *q;
    const ch_batch *batch;
    ch_buf out = {0}, names = {0};
    if (ch_query_open(test_session, plan, &q, &test_err)) fail_msg("%s", test_err.message);
    ch_schema_ddl(&names, ch_query_schema(q));
    assert_string_equal(ch_buf_text(&names), ddl);
    if (ch_query_start(q, NULL, &test_err)) fail_msg("%s", test_err.message);
    for (;;) {
        if (ch_query_next(q, &batch, &test_err)) fail_msg("%s", test_err.message);
        if (!batch) break;
        for (size_t r = 0; r < batch->rows; r++) {
            for (size_t c = 0; c < batch->ncol; c++) {
                if (c) ch_buf_char(&out, '|');
                ch_value_text(&out, &batch->cols[c], r, CH_TEXT_SHOW, ch_timezone_utc());
            }
            ch_buf_char(&out, '\n');
        }
    }
    assert_string_equal(ch_buf_text(&out), rows);
    ch_query_close(q);
    ch_buf_reset(&out);
    ch_buf_reset(&names);
}

static void json_strings(void **state)
{
    (void)state;
    static const char *const lines[] = {"{\"a\":1,\"b\":\"x\"}", "",        NULL,
                                        "[{\"a\":2},{\"a\":3}]", "{\"a\":", "{\"b\":\"y\"}"};
    expect("json", lines, 6, NULL, NULL, NULL, "_corrupt_record STRING,a BIGINT,b STRING",
           "NULL|1|x\nNULL|NULL|NULL\nNULL|2|NULL\nNULL|3|NULL\n{\"a\":|NULL|NULL\nNULL|NULL|y\n");
    expect("json", lines, 6, "a int", NULL, NULL, "a INT", "1\nNULL\n2\n3\nNULL\nNULL\n");
    expect("json", lines, 6, "a int", "mode", "DROPMALFORMED", "a INT", "1\n2\n3\nNULL\n");
}

static void csv_strings(void **state)
{
    (void)state;
    static const char *const lines[] = {"a,b", "1,x", "", "2,\"y,z\"", "3", "4,5,6"}, *const gap[] = {NULL, "1,x"};
    expect("csv", gap, 2, "a int, b string, _corrupt_record string", NULL, NULL,
           "a INT,b STRING,_corrupt_record STRING", "1|x|NULL\n");
    expect("csv", lines, 6, NULL, "header", "true", "a STRING,b STRING", "1|x\n2|y,z\n3|NULL\n4|5\n");
    expect("csv", lines + 1, 3, NULL, "inferSchema", "true", "_c0 INT,_c1 STRING", "1|x\n2|y,z\n");
    expect("csv", lines + 1, 5, "a int, b string, _corrupt_record string", NULL, NULL,
           "a INT,b STRING,_corrupt_record STRING", "1|x|NULL\n2|y,z|NULL\n3|NULL|3\n4|5|4,5,6\n");
    expect("csv", lines + 1, 5, "a int, b string", "mode", "DROPMALFORMED", "a INT,b STRING", "1|x\n2|y,z\n");
}

/* What FAILFAST raises while running. */
static void expect_failure(const char *format, const char *const *lines, size_t n, const char *schema, const char *text)
{
    ch_plan *plan = ch_plan_new(test_arena, CH_PLAN_PARSE, strings(lines, n));
    ch_option mode = {"mode", "FAILFAST"};
    ch_schema given;
    plan->u.parse.format = format;
    plan->u.parse.options = &mode;
    plan->u.parse.noption = 1;
    assert_int_equal(ch_parse_schema(test_arena, schema, &given, &test_err), 0);
    plan->u.parse.schema = ch_type_struct(test_arena, given.fields, given.n);
    ch_query *q;
    const ch_batch *batch;
    if (ch_query_open(test_session, plan, &q, &test_err)) fail_msg("%s", test_err.message);
    int status = ch_query_start(q, NULL, &test_err);
    if (!status) status = ch_query_next(q, &batch, &test_err);
    assert_int_not_equal(status, 0);
    assert_string_equal(test_err.condition, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION");
    if (!strstr(test_err.message, text)) fail_msg("%s", test_err.message);
    ch_query_close(q);
}

static void failing_fast(void **state)
{
    (void)state;
    static const char *const csv[] = {"1,x", "3"}, *const json[] = {"{\"a\":\"x\",\"b\":2.5,\"c\":\"q\"}"},
                             *const nothing[] = {NULL};
    expect_failure("csv", csv, 2, "a int, b string", "in record parsing: [3,null].");
    expect_failure("json", json, 1, "a int, b double, c string", "in record parsing: [null,2.5,q].");
    expect_failure("json", nothing, 1, "a int", "in record parsing: [null].");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_strings),
        cmocka_unit_test(csv_strings),
        cmocka_unit_test(failing_fast),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
