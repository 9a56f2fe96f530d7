/* CSV files: schemas and rows as a Spark 4.1.3 server gives them for the same bytes. */
#include "file_testing.h"

#include "frame/text/csv.h"

static ch_rel *read_csv(const char *path, const char *schema, const char *options)
{
    return read_with("csv", path, schema, options);
}

static void expect(const char *text, const char *schema, const char *options, const char *ddl, const char *rows)
{
    static int number;
    char name[40];
    snprintf(name, sizeof name, "%d.csv", number++);
    ch_rel *rel = read_csv(put(name, text), schema, options);
    if (!rel) fail_msg("%s: %s", options, test_err.message);
    assert_string_equal(source_ddl(rel), ddl);
    assert_string_equal(source_rows(rel), rows);
}

static const char BROKEN[] = "a,b,c\n1,2,3\n,\"\",x\n4,5\n6,7,8,9\n";

static void broken_rows(void **state)
{
    (void)state;
    expect(BROKEN, NULL, "header=true;inferSchema=true", "a INT,b INT,c STRING",
           "1|2|3\nNULL|NULL|x\n4|5|NULL\n6|7|8\n");
    expect(BROKEN, "a int, b int, c int, _corrupt_record string", "header=true",
           "a INT,b INT,c INT,_corrupt_record STRING",
           "1|2|3|NULL\nNULL|NULL|NULL|,\"\",x\n4|5|NULL|4,5\n6|7|8|6,7,8,9\n");
    expect(BROKEN, "a int, b int, c int", "header=true;mode=DROPMALFORMED", "a INT,b INT,c INT", "1|2|3\n");
    const char *path = put("broken.csv", BROKEN);
    ch_rel *rel = read_csv(path, "a int, b int, c int", "header=true;mode=FAILFAST");
    assert_non_null(strstr(source_rows(rel), "FAILED_READ_FILE.NO_HINT"));
    /* with the columns a query does not want left out, nothing is wrong with the rows */
    rel->ncol = 1;
    assert_string_equal(source_rows(rel), "1\nNULL\n4\n6\n");
    rel = read_csv(path, "a int, b int, c int, _corrupt_record string", "header=true");
    rel->cols += 3;
    rel->u.source.exprs += 3;
    rel->ncol = 1;
    assert_non_null(strstr(source_rows(rel), "QUERY_ONLY_CORRUPT_RECORD_COLUMN"));
}

static void inferred_types(void **state)
{
    (void)state;
    expect("i,l,dec,d,date,ts,b,s,n,neg,exp,sp,inf\n"
           "1,3000000000,12345678901234567890,1.5,2020-01-01,2020-01-01 10:00:00,true,x,,-1,1.5E1, 1,Inf\n"
           "2,1,1,2,2020-01-02,2020-01-01T10:00:00Z,FALSE,y,,+5,2E0,2,-Inf\n",
           NULL, "header=true;inferSchema=true",
           "i INT,l BIGINT,dec DECIMAL(20,0),d DOUBLE,date DATE,ts TIMESTAMP,b BOOLEAN,s STRING,n STRING,neg INT,"
           "exp DECIMAL(2,0),sp DOUBLE,inf DOUBLE",
           "1|3000000000|12345678901234567890|1.5|2020-01-01|2020-01-01 10:00:00|true|x|NULL|-1|15|1.0|Infinity\n"
           "2|1|1|2.0|2020-01-02|2020-01-01 10:00:00|false|y|NULL|5|2|2.0|-Infinity\n");
    expect(
        "a,b,c,d\n2020-01-01,2020-01-01 10:00,2020-1-1,20200101\n2020-01-02 10:00:00,2020-01-01,2020-01-02,20200102\n",
        NULL, "header=true;inferSchema=true", "a TIMESTAMP,b TIMESTAMP,c TIMESTAMP,d INT",
        "2020-01-01 00:00:00|2020-01-01 10:00:00|2020-01-01 00:00:00|20200101\n"
        "2020-01-02 10:00:00|2020-01-01 00:00:00|2020-01-02 00:00:00|20200102\n");
    expect("a,b\n01/02/2020,01/02/2020 10:11\n03/04/2020,03/04/2020 10:12\n", NULL,
           "header=true;inferSchema=true;dateFormat=dd/MM/yyyy;timestampFormat=dd/MM/yyyy HH:mm", "a DATE,b TIMESTAMP",
           "2020-02-01|2020-02-01 10:11:00\n2020-04-03|2020-04-03 10:12:00\n");
    expect("1,x\n", NULL, "", "_c0 STRING,_c1 STRING", "1|x\n");
    expect("", NULL, "", "", "");
    expect("\n\n", NULL, "header=true;inferSchema=true", "", "");
    expect("a,b\n", NULL, "header=true;inferSchema=true", "a STRING,b STRING", "");
}

static void names_of_headers(void **state)
{
    (void)state;
    expect("a,A,,b,b,\"\",NA\n1,2,3,4,5,6,7\n", NULL, "header=true;nullValue=NA",
           "a0 STRING,A1 STRING,_c2 STRING,b3 STRING,b4 STRING,_c5 STRING,_c6 STRING", "1|2|3|4|5|6|7\n");
}

static void nulls_and_empty_values(void **state)
{
    (void)state;
    expect("a,\"\",\n\"\",\"x\",y\n", NULL, "nullValue=NA", "_c0 STRING,_c1 STRING,_c2 STRING", "a||NULL\n|x|y\n");
    expect("a,\"\",\n\"\",\"x\",NA\n", NULL, "nullValue=NA;emptyValue=EE", "_c0 STRING,_c1 STRING,_c2 STRING",
           "a|EE|NULL\nEE|x|NULL\n");
}

static void lines_and_encodings(void **state)
{
    (void)state;
    expect("\xEF\xBB\xBF"
           "a,b\n1,2\n",
           NULL, "header=true;inferSchema=true", "a INT,b INT", "1|2\n");
    expect("a,b\r\n1,2\r\n3,4\r5,6\n", NULL, "header=true;inferSchema=true", "a INT,b INT", "1|2\n3|4\n5|6\n");
    expect("a,b\ncaf\xE9,2\n", NULL, "header=true;inferSchema=true;encoding=ISO-8859-1", "a STRING,b INT",
           "caf\xC3\xA9|2\n");
    expect("a,b\ncaf\xE9,2\n", NULL, "header=true;inferSchema=true", "a STRING,b INT", "caf\xEF\xBF\xBD|2\n");
    expect("a,b\n1,\"x\ny\"\n2,z\n", NULL, "header=true;inferSchema=true;multiLine=true", "a INT,b STRING",
           "1|x\ny\n2|z\n");
    expect("a,b\n1,\"x\ny\"\n2,z\n", NULL, "header=true;inferSchema=true", "a STRING,b STRING", "1|x\ny\"|NULL\n2|z\n");
    expect("#c\na,b\n#x\n1,2\n", NULL, "header=true;inferSchema=true;comment=#", "a INT,b INT", "1|2\n");
    expect("a\tb\n1\t2\n", NULL, "header=true;inferSchema=true;sep=\\t", "a INT,b INT", "1|2\n");
    expect("a||b\n1||2\n", NULL, "header=true;inferSchema=true;delimiter=||", "a INT,b INT", "1|2\n");
}

static void given_schemas(void **state)
{
    (void)state;
    expect("1000,70000,3000000000,123.45,1e50\n1,2,3,12.36,1.5\n",
           "a tinyint, b smallint, c int, d decimal(3,1), e float", "",
           "a TINYINT,b SMALLINT,c INT,d DECIMAL(3,1),e FLOAT", "NULL|NULL|NULL|NULL|Infinity\n1|2|3|12.4|1.5\n");
    expect("NaN,Inf\n-Inf,nan\nInfinity,-Infinity\n", "a double, b float", "", "a DOUBLE,b FLOAT",
           "NaN|Infinity\n-Infinity|NULL\nInfinity|-Infinity\n");
    expect("1,\n", "a int not null, b int not null", "", "a INT,b INT", "1|NULL\n");
    expect("a,b\n1,2\n", "x int, y int, z int", "header=true", "x INT,y INT,z INT", "1|2|NULL\n");
}

static void several_files_the_largest_first(void **state)
{
    (void)state;
    put("two/m1.csv", "a,b\n1,2\n");
    put("two/m2.csv", "a,b\n3,4\n5,6\n");
    put("two/_SUCCESS", "");
    put("two/.hidden.csv", "9,9\n");
    put("two/sub/below.csv", "8,8\n");
    ch_rel *rel = read_csv(ch_arena_printf(test_arena, "%s/two", folder), NULL, "header=true;inferSchema=true");
    assert_string_equal(source_rows(rel), "3|4\n5|6\n1|2\n");
    assert_int_equal(rel->u.source.nfile, 2);
    rel = read_csv(ch_arena_printf(test_arena, "%s/two/m?.csv", folder), NULL, "header=true;inferSchema=true");
    assert_string_equal(source_rows(rel), "3|4\n5|6\n1|2\n");
}

static void partition_folders(void **state)
{
    (void)state;
    static const struct {
        const char *name, *first, *second, *ddl, *rows;
    } cases[] = {
        {"pa", "k=1", "k=2", "_c0 INT,k INT", "1|1\n2|2\n"},
        {"pc", "d=2020-01-01", "d=2020-01-02", "_c0 INT,d DATE", "1|2020-01-01\n2|2020-01-02\n"},
        {"pe", "t=2020-01-01 10%3A00%3A00", "t=2020-01-02 11%3A00%3A00.5", "_c0 INT,t TIMESTAMP",
         "1|2020-01-01 10:00:00\n2|2020-01-02 11:00:00.5\n"},
        {"pf", "v=1.5", "v=2", "_c0 INT,v DOUBLE", "1|1.5\n2|2.0\n"},
        {"pl", "k=3000000000", "k=1", "_c0 INT,k BIGINT", "2|1\n1|3000000000\n"},
        {"pm", "k=3000000000", "k=1.5", "_c0 INT,k STRING", "2|1.5\n1|3000000000\n"},
        {"pn", "k=a%3Db%2Fc", "k=__HIVE_DEFAULT_PARTITION__", "_c0 INT,k STRING", "2|NULL\n1|a=b/c\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(ch_arena_printf(test_arena, "%s/%s/x.csv", cases[i].name, cases[i].first), "1\n");
        put(ch_arena_printf(test_arena, "%s/%s/x.csv", cases[i].name, cases[i].second), "2\n");
        ch_rel *rel = read_csv(ch_arena_printf(test_arena, "%s/%s", folder, cases[i].name), NULL, "inferSchema=true");
        if (!rel) fail_msg("%s: %s", cases[i].name, test_err.message);
        assert_string_equal(source_ddl(rel), cases[i].ddl);
        assert_string_equal(source_rows(rel), cases[i].rows);
    }
    const char *root = ch_arena_printf(test_arena, "%s/pa", folder);
    assert_string_equal(source_ddl(read_csv(root, "k string, v int", "")), "v INT,k STRING");
    const char *one = ch_arena_printf(test_arena, "%s/pa/k=1", folder);
    assert_string_equal(source_ddl(read_csv(one, NULL, "")), "_c0 STRING");
    char *base = ch_arena_printf(test_arena, "basePath=%s", root);
    assert_string_equal(source_ddl(read_csv(one, NULL, base)), "_c0 STRING,k INT");
    put("ph/k=1/x.csv", "1\n");
    put("ph/j=1/x.csv", "1\n");
    assert_null(read_csv(ch_arena_printf(test_arena, "%s/ph", folder), NULL, ""));
    assert_string_equal(test_err.condition, "CONFLICTING_PARTITION_COLUMN_NAMES");
}

static void errors_are_spark_s(void **state)
{
    (void)state;
    static const struct {
        const char *path, *schema, *options, *condition, *text;
    } cases[] = {
        {"/nowhere/x.csv", NULL, "", "PATH_NOT_FOUND", "Path does not exist: file:/nowhere/x.csv."},
        {"/nowhere/*.csv", NULL, "", "PATH_NOT_FOUND", "Path does not exist: file:/nowhere/*.csv."},
        {"foo://x/y", NULL, "", "", "No FileSystem for scheme \"foo\""},
        {NULL, NULL, "header=maybe", "", "header flag can be true or false."},
        {NULL, NULL, "quote=ab", "", "quote cannot be more than one character."},
        {NULL, NULL, "sep=", "", "Delimiter cannot be empty"},
        {NULL, NULL, "encoding=nope", "INVALID_PARAMETER_VALUE.CHARSET", "but got nope"},
        {NULL, "a array<int>", "", "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
         "The CSV datasource doesn't support the column `a` of the type \"ARRAY<INT>\"."},
        {NULL, "a int, A int", "", "COLUMN_ALREADY_EXISTS", "The column `a` already exists."},
    };
    const char *good = put("good.csv", "1\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = cases[i].path ? cases[i].path : good;
        if (read_csv(path, cases[i].schema, cases[i].options)) fail_msg("case %zu is accepted", i);
        assert_string_equal(test_err.condition, cases[i].condition);
        if (!strstr(test_err.message, cases[i].text)) fail_msg("case %zu: %s", i, test_err.message);
    }
    char *empty = ch_arena_printf(test_arena, "%s/empty", folder);
    mkdir(empty, 0755);
    assert_null(read_csv(empty, NULL, ""));
    assert_string_equal(test_err.condition, "UNABLE_TO_INFER_SCHEMA");
}

/* Three 8 MB parts: rows of all parts, none twice, in order, types merged over the parts. `last` is the value of the
 * last row, where all others have 7. */
static void expect_in_parts(const char *last, const char *ddl, const char *usual_shown, const char *last_shown)
{
    enum { ROWS = 700000 };
    ch_buf text = {0};
    ch_buf_str(&text, "id,name,value\r\n");
    for (int i = 0; i < ROWS; i++) {
        ch_buf_printf(&text, "%d,name of row %d,%s\r\n", i, i, i == ROWS - 1 ? last : "7");
    }
    const char *path = put("large.csv", ch_buf_text(&text));
    assert_true(text.len > 16u << 20);
    ch_buf_reset(&text);
    for (int lazy = 0; lazy < 2; lazy++) {
        ch_rel *rel = lazy ? read_csv(path, ddl, "header=true") : read_csv(path, NULL, "header=true;inferSchema=true");
        assert_string_equal(source_ddl(rel), ddl);
        assert_int_equal(strncmp(rel->u.source.from, "chert_scan", 10) == 0, lazy);
        const char *rows = source_rows(rel);
        char line[80];
        for (int i = 0; i < ROWS; i++) {
            int n =
                snprintf(line, sizeof line, "%d|name of row %d|%s\n", i, i, i == ROWS - 1 ? last_shown : usual_shown);
            if (strncmp(rows, line, (size_t)n) != 0) fail_msg("row %d is %.60s", i, rows);
            rows += n;
        }
        assert_string_equal(rows, "");
    }
}

static void large_files_are_read_in_parts(void **state)
{
    (void)state;
    expect_in_parts("2.5", "id INT,name STRING,value DOUBLE", "7.0", "2.5");
    expect_in_parts("", "id INT,name STRING,value INT", "7", "NULL");
}

/* 1,500 lines alike, then others: what reading with the types of the first lines must not get wrong. */
static void first_lines_that_mislead(void **state)
{
    (void)state;
    static const struct {
        const char *usual, *last, *ddl, *last_row;
    } CASES[] = {
        {"1,x", "2,y", "a INT,b STRING", "2|y\n"},
        {"1,x", "3000000000,y", "a BIGINT,b STRING", "3000000000|y\n"},
        {"3000000000,x", "1.5,", "a DOUBLE,b STRING", "1.5|NULL\n"},
        {"1.5,x", "true,y", "a STRING,b STRING", "true|y\n"},
        {"2020-01-01,x", "2020-01-01 10:00:00,y", "a TIMESTAMP,b STRING", "2020-01-01 10:00:00|y\n"},
        {"true,x", "1,y", "a STRING,b STRING", "1|y\n"},
        {",x", "2020-01-01,y", "a DATE,b STRING", "2020-01-01|y\n"},
        {",x", ",y", "a STRING,b STRING", "NULL|y\n"},
        {"1,x", "a,b", "a INT,b STRING", "NULL|b\n"}, /* the header again: no line for inference, a row for reading */
        {"1,x", "2,y\n\t", "a STRING,b STRING", "2|y\n"}, /* and the other way round */
        {"1,x", "\"2\",\"y,z\"", "a INT,b STRING", "2|y,z\n"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        ch_buf text = {0};
        ch_buf_str(&text, "a,b\n");
        for (int k = 0; k < 1500; k++) ch_buf_printf(&text, "%s\n", CASES[i].usual);
        ch_buf_printf(&text, "%s\n", CASES[i].last);
        char name[40];
        snprintf(name, sizeof name, "misleading%zu.csv", i);
        ch_rel *rel = read_csv(put(name, ch_buf_text(&text)), NULL, "header=true;inferSchema=true");
        assert_string_equal(source_ddl(rel), CASES[i].ddl);
        const char *rows = source_rows(rel);
        size_t lines = 0, len = strlen(rows), tail = strlen(CASES[i].last_row);
        for (const char *c = rows; *c; c++) lines += *c == '\n';
        assert_int_equal(lines, 1501);
        assert_string_equal(rows + len - tail, CASES[i].last_row);
        ch_buf_reset(&text);
    }
}

/* Clients keep options in maps, which have no order. */
static void order_of_options_makes_no_difference(void **state)
{
    (void)state;
    const char *path = put("ordered.csv", "a\n1\n");
    ch_rel *rel = read_csv(path, NULL, "header=true;inferSchema=true;mode=PERMISSIVE");
    ch_rel *same = read_csv(path, NULL, "mode=PERMISSIVE;inferSchema=true;header=true");
    assert_string_equal(rel->u.source.from, same->u.source.from);
    assert_memory_equal(rel->fingerprint, same->fingerprint, sizeof rel->fingerprint);
}

static void changed_files_are_read_again(void **state)
{
    (void)state;
    const char *path = put("changing.csv", "a\n1\n");
    assert_string_equal(source_rows(read_csv(path, NULL, "header=true;inferSchema=true")), "1\n");
    put("changing.csv", "a\nx\ny\n");
    ch_rel *rel = read_csv(path, NULL, "header=true;inferSchema=true");
    assert_string_equal(source_ddl(rel), "a STRING");
    assert_string_equal(source_rows(rel), "x\ny\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_rows),
        cmocka_unit_test(inferred_types),
        cmocka_unit_test(names_of_headers),
        cmocka_unit_test(nulls_and_empty_values),
        cmocka_unit_test(lines_and_encodings),
        cmocka_unit_test(given_schemas),
        cmocka_unit_test(several_files_the_largest_first),
        cmocka_unit_test(partition_folders),
        cmocka_unit_test(errors_are_spark_s),
        cmocka_unit_test(large_files_are_read_in_parts),
        cmocka_unit_test(first_lines_that_mislead),
        cmocka_unit_test(order_of_options_makes_no_difference),
        cmocka_unit_test(changed_files_are_read_again),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
