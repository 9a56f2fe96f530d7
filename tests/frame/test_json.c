/* JSON files: schemas and rows as a Spark 4.1.3 server gives them for the same bytes. */
#include "file_testing.h"

static const struct {
    const char *text, *schema, *options;
    const char *ddl, *rows; /* what comes of it */
    const char *condition;  /* or which error, when reading or running */
} CASES[] = {
    /* clang-format off */
    {"{\"b\":1,\"a\":\"x\"}\n{\"a\":null,\"c\":1.5,\"b\":2}\n", NULL, "", "a STRING,b BIGINT,c DOUBLE", "x|1|NULL\nNULL|2|1.5\n", NULL},
    {"{\"i\":1,\"l\":3000000000,\"big\":12345678901234567890,\"huge\":123456789012345678901234567890123456789012,\"d\":1.5,\"e\":1e3,\"b\":true,\"n\":null,\"s\":\"2020-01-01\",\"arr\":[1,2],\"ea\":[],\"eo\":{},\"o\":{\"z\":1,\"y\":\"q\"},\"m\":[1,\"x\"],\"aa\":[[1],[]],\"ao\":[{\"p\":1},{\"q\":2}]}\n", NULL, "", "aa ARRAY<ARRAY<BIGINT>>,ao ARRAY<STRUCT<p: BIGINT, q: BIGINT>>,arr ARRAY<BIGINT>,b BOOLEAN,big DECIMAL(20,0),d DOUBLE,e DOUBLE,ea ARRAY<STRING>,huge DOUBLE,i BIGINT,l BIGINT,m ARRAY<STRING>,n STRING,o STRUCT<y: STRING, z: BIGINT>,s STRING", "[[1], []]|[{1, NULL}, {NULL, 2}]|[1, 2]|true|12345678901234567890|1.5|1000.0|[]|1.2345678901234568E41|1|3000000000|[1, x]|NULL|{q, 1}|2020-01-01\n", NULL},
    {"{\"a\":1}\n{\"a\":1.5}\n", NULL, "", "a DOUBLE", "1.0\n1.5\n", NULL},
    {"{\"a\":1}\n{\"a\":\"x\"}\n", NULL, "", "a STRING", "1\nx\n", NULL},
    {"{\"a\":true}\n{\"a\":1}\n", NULL, "", "a STRING", "true\n1\n", NULL},
    {"{\"a\":{\"x\":1}}\n{\"a\":1}\n", NULL, "", "a STRING", "{\"x\":1}\n1\n", NULL},
    {"{\"a\":[1]}\n{\"a\":1}\n", NULL, "", "a STRING", "[1]\n1\n", NULL},
    {"{\"a\":[1]}\n{\"a\":[\"x\"]}\n{\"a\":[null]}\n", NULL, "", "a ARRAY<STRING>", "[1]\n[x]\n[NULL]\n", NULL},
    {"{\"a\":{\"x\":1}}\n{\"a\":{\"y\":2.5,\"x\":null}}\n", NULL, "", "a STRUCT<x: BIGINT, y: DOUBLE>", "{1, NULL}\n{NULL, 2.5}\n", NULL},
    {"{\"a\":12345678901234567890}\n{\"a\":1.5}\n", NULL, "", "a DOUBLE", "1.2345678901234567E19\n1.5\n", NULL},
    {"{\"a\":12345678901234567890}\n{\"a\":1}\n", NULL, "", "a DECIMAL(20,0)", "12345678901234567890\n1\n", NULL},
    {"{\"a\":null}\n{\"a\":null}\n", NULL, "", "a STRING", "NULL\nNULL\n", NULL},
    {"{\"a\":1}\n{\"a\":\nx\n{\"a\":2}\n", NULL, "", "_corrupt_record STRING,a BIGINT", "NULL|1\n{\"a\":|NULL\nx|NULL\nNULL|2\n", NULL},
    {"{\"a\":1}\n{\"a\":\n{\"a\":\"q\",\"b\":2}\n", "a int, b int, _corrupt_record string", "", "a INT,b INT,_corrupt_record STRING", "1|NULL|NULL\nNULL|NULL|{\"a\":\nNULL|2|{\"a\":\"q\",\"b\":2}\n", NULL},
    {"{\"a\":1}\n{\"a\":\n{\"a\":\"q\",\"b\":2}\n", "a int, b int", "", "a INT,b INT", "1|NULL\nNULL|NULL\nNULL|2\n", NULL},
    {"{\"a\":1}\n{\"a\":\n{\"a\":\"q\",\"b\":2}\n", "a int, b int", "mode=DROPMALFORMED", "a INT,b INT", "1|NULL\n", NULL},
    {"{\"a\":1}\n{\"a\":\n", "a int, b int", "mode=FAILFAST", NULL, NULL, "FAILED_READ_FILE.NO_HINT"},
    {"{\"a\":1}\n{\"a\":\n", NULL, "mode=FAILFAST", NULL, NULL, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION"},
    {"{\"a\":1}\n{\"a\":\n", NULL, "mode=DROPMALFORMED", "a BIGINT", "1\n", NULL},
    {"{\"a\":1}\n\n   \n{\"a\":2}\n", NULL, "", "a BIGINT", "1\n2\n", NULL},
    {"[{\"a\":1},{\"a\":2}]\n{\"a\":3}\n", NULL, "", "a BIGINT", "1\n2\n3\n", NULL},
    {"1\n\"x\"\n{\"a\":3}\n", NULL, "", "_corrupt_record STRING,a BIGINT", "1|NULL\n\"x\"|NULL\nNULL|3\n", NULL},
    {"{\"a\":1} {\"a\":2}\n{\"a\":3}garbage\n", NULL, "", "a BIGINT", "1\n3\n", NULL},
    {"{\"a\":1,\"a\":2}\n", NULL, "", NULL, NULL, "COLUMN_ALREADY_EXISTS"},
    {"{\"a\":1,\"A\":2}\n", NULL, "", NULL, NULL, "COLUMN_ALREADY_EXISTS"},
    {"{\"a\":{\"b\": [1,  2.50 ], \"c\":\"x\\\"y\"}}\n", "a string", "", "a STRING", "{\"b\": [1,  2.50 ], \"c\":\"x\\\"y\"}\n", NULL},
    {"{\"a\":1.50}\n{\"a\":1e5}\n{\"a\":true}\n{\"a\":[1, 2]}\n{\"a\":\"s\"}\n{\"a\":null}\n", "a string", "", "a STRING", "1.50\n1e5\ntrue\n[1, 2]\ns\nNULL\n", NULL},
    {"{\"a\":\"1\"}\n{\"a\":\"1.5\"}\n{\"a\":1.0}\n{\"a\":1.5}\n{\"a\":2147483648}\n", "a int", "", "a INT", "NULL\nNULL\nNULL\nNULL\nNULL\n", NULL},
    {"{\"a\":\"1.5\"}\n{\"a\":\"NaN\"}\n{\"a\":\"Infinity\"}\n{\"a\":\"-INF\"}\n{\"a\":\"+Infinity\"}\n{\"a\":5}\n{\"a\":\"x\"}\n", "a double", "", "a DOUBLE", "NULL\nNaN\nInfinity\n-Infinity\nInfinity\n5.0\nNULL\n", NULL},
    {"{\"a\":NaN}\n{\"a\":-Infinity}\n{\"a\":+INF}\n{\"a\":1.0}\n", NULL, "", "a DOUBLE", "NaN\n-Infinity\nInfinity\n1.0\n", NULL},
    {"{\"a\":NaN}\n{\"a\":1.0}\n", NULL, "allowNonNumericNumbers=false", "_corrupt_record STRING,a DOUBLE", "{\"a\":NaN}|NULL\nNULL|1.0\n", NULL},
    {"{\"a\":\"true\"}\n{\"a\":true}\n{\"a\":1}\n", "a boolean", "", "a BOOLEAN", "NULL\ntrue\nNULL\n", NULL},
    {"{\"d\":\"2020-01-01\",\"t\":\"2020-01-01T10:00:00.5Z\",\"n\":\"2020-01-01 10:00:00\"}\n{\"d\":\"2020-1-1\",\"t\":\"2020-01-01 10:00\",\"n\":\"2020-01-01T10:00:00Z\"}\n{\"d\":18262,\"t\":1577836800,\"n\":5}\n", "d date, t timestamp, n timestamp_ntz", "", "d DATE,t TIMESTAMP,n TIMESTAMP_NTZ", "2020-01-01|2020-01-01 10:00:00.5|2020-01-01 10:00:00\n2020-01-01|2020-01-01 10:00:00|NULL\nNULL|2020-01-01 00:00:00|NULL\n", NULL},
    {"{\"t\":\"2020-01-01T10:00:00\"}\n", NULL, "inferTimestamp=true", "t TIMESTAMP", "2020-01-01 10:00:00\n", NULL},
    {"{\"d\":\"01/02/2020\"}\n", "d date", "dateFormat=dd/MM/yyyy", "d DATE", "2020-02-01\n", NULL},
    {"{\"a\":1.234}\n{\"a\":\"5.678\"}\n{\"a\":99999}\n{\"a\":1e2}\n", "a decimal(5,2)", "", "a DECIMAL(5,2)", "1.23\n5.68\nNULL\n100.00\n", NULL},
    {"{\"a\":1.25}\n{\"a\":10}\n", NULL, "prefersDecimal=true", "a DECIMAL(22,2)", "1.25\n10.00\n", NULL},
    {"{\"a\":1.50,\"b\":true,\"c\":{\"d\":1}}\n", NULL, "primitivesAsString=true", "a STRING,b STRING,c STRUCT<d: STRING>", "1.50|true|{1}\n", NULL},
    {"{\"a\":{\"x\":1,\"y\":null}}\n", "a map<string,int>", "", "a MAP<STRING, INT>", "{x -> 1, y -> NULL}\n", NULL},
    {"{\"a\":[{\"x\":1},{\"x\":\"bad\"},null]}\n", "a array<struct<x:int>>", "", "a ARRAY<STRUCT<x: INT>>", "[{1}, {NULL}, NULL]\n", NULL},
    {"{\"a\":{\"x\":1,\"y\":\"bad\"},\"b\":7}\n", "a struct<x:int,y:int>, b int, _corrupt_record string", "", "a STRUCT<x: INT, y: INT>,b INT,_corrupt_record STRING", "{1, NULL}|7|{\"a\":{\"x\":1,\"y\":\"bad\"},\"b\":7}\n", NULL},
    {"{\"a\":1}\n", "a array<int>", "", "a ARRAY<INT>", "NULL\n", NULL},
    {"{\"a\":{\"x\":1},\"b\":2}\n", "a int, b int", "", "a INT,b INT", "NULL|2\n", NULL},
    {"/* c */ {\"a\":1}\n{\"a\":2} // x\n", NULL, "allowComments=true", "a BIGINT", "1\n2\n", NULL},
    {"{a:1}\n", NULL, "allowUnquotedFieldNames=true", "a BIGINT", "1\n", NULL},
    {"{'a':'x'}\n", NULL, "", "a STRING", "x\n", NULL},
    {"{'a':'x'}\n", NULL, "allowSingleQuotes=false", NULL, NULL, "UNSUPPORTED_FEATURE.QUERY_ONLY_CORRUPT_RECORD_COLUMN"},
    {"{\"a\":001}\n{\"a\":1}\n", NULL, "allowNumericLeadingZeros=true", "a BIGINT", "1\n1\n", NULL},
    {"{\"a\":001}\n{\"a\":1}\n", NULL, "", "_corrupt_record STRING,a BIGINT", "{\"a\":001}|NULL\nNULL|1\n", NULL},
    {"{\"a\":\"x\ty\"}\n", NULL, "", NULL, NULL, "UNSUPPORTED_FEATURE.QUERY_ONLY_CORRUPT_RECORD_COLUMN"},
    {"{\"a\":\"\\u00e9\\n\\/\\ud83d\\ude00\\ud800z\"}\n", NULL, "", "a STRING", "\xC3\xA9\n/\xF0\x9F\x98\x80?z\n", NULL},
    {"{\"a\":\"\\q\"}\n{\"a\":\"ok\"}\n", NULL, "", "_corrupt_record STRING,a STRING", "{\"a\":\"\\q\"}|NULL\nNULL|ok\n", NULL},
    {"{\n \"a\": 1\n}\n", NULL, "multiLine=true", "a BIGINT", "1\n", NULL},
    {"[\n{\"a\": 1},\n{\"a\":2}]\n", NULL, "multiLine=true", "a BIGINT", "1\n2\n", NULL},
    {"{\"a\":1}\n{\"a\":2}\n", NULL, "multiLine=true", "a BIGINT", "1\n", NULL},
    {"", NULL, "", "", "", NULL},
    {"{\"a\":null,\"b\":1,\"c\":[],\"d\":{\"e\":null}}\n", NULL, "dropFieldIfAllNull=true", "b BIGINT", "1\n", NULL},
    {"{\"a\":300,\"b\":40000,\"c\":2147483648,\"d\":9223372036854775808}\n", "a byte,b short,c int,d long", "", "a TINYINT,b SMALLINT,c INT,d BIGINT", "NULL|NULL|NULL|NULL\n", NULL},
    {"{\"a\":1.5,\"b\":\"x\"}\n", "a float, b float", "", "a FLOAT,b FLOAT", "1.5|NULL\n", NULL},
    {"{\"a\":\"QUJD\"}\n{\"a\":\"!!\"}\n", "a binary", "", "a BINARY", "[41 42 43]\nNULL\n", NULL},
    {"\xEF\xBB\xBF{\"a\":1}\n", NULL, "", "a BIGINT", "1\n", NULL},
    {"{\"a\":\"caf\xE9\"}\n", NULL, "", NULL, NULL, "UNSUPPORTED_FEATURE.QUERY_ONLY_CORRUPT_RECORD_COLUMN"},
    {"{\"a\":1E400}\n{\"a\":-0.0}\n{\"a\":0.1e1}\n", NULL, "", "a DOUBLE", "Infinity\n-0.0\n1.0\n", NULL},
    {"{\"a\":0.12345678901234567890123456789}\n", NULL, "", "a DOUBLE", "0.12345678901234568\n", NULL},
    {"{\"\xC3\xA9\":1,\"z\":2,\"Z\":3,\"_\":4,\"1\":5}\n", NULL, "", NULL, NULL, "COLUMN_ALREADY_EXISTS"},
    {"[null,{\"a\":1}]\nnull\n", NULL, "", "a BIGINT", "NULL\nNULL\n", NULL},
    {"{\"a\":\"\"}\n", "a int", "", "a INT", "NULL\n", NULL},
    {"{\"a\":\"\"}\n", "a string, b timestamp", "", "a STRING,b TIMESTAMP", "|NULL\n", NULL},
    {"{\"a\":[1,2}\n{\"a\":[3]}\n", NULL, "", "_corrupt_record STRING,a ARRAY<BIGINT>", "{\"a\":[1,2}|NULL\nNULL|[3]\n", NULL},
    {"{\"a\":{\"b\":1},\"c\":tru}\n{\"a\":{\"b\":2},\"c\":true}\n", NULL, "", "_corrupt_record STRING,a STRUCT<b: BIGINT>,c BOOLEAN", "{\"a\":{\"b\":1},\"c\":tru}|NULL|NULL\nNULL|{2}|true\n", NULL},
    {"{\"a\":1}\n{\"a\":\n", NULL, "columnNameOfCorruptRecord=bad", "a BIGINT,bad STRING", "1|NULL\nNULL|{\"a\":\n", NULL},
    {"{\"_corrupt_record\":\"x\",\"a\":1}\n", NULL, "", "_corrupt_record STRING,a BIGINT", "NULL|1\n", NULL},
    /* clang-format on */
};

static void reads_as_spark(void **state)
{
    (void)state;
    size_t bad = 0;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char name[40];
        snprintf(name, sizeof name, "%zu.json", i);
        const char *path = put(name, CASES[i].text);
        ch_rel *rel = read_with("json", path, CASES[i].schema, CASES[i].options);
        const char *ddl = rel ? source_ddl(rel) : "", *rows = rel ? source_rows(rel) : test_err.message;
        bool same;
        if (CASES[i].condition) {
            same = strstr(rows, CASES[i].condition) != NULL;
        } else {
            same = rel && strcmp(ddl, CASES[i].ddl) == 0 && strcmp(rows, CASES[i].rows) == 0;
        }
        if (same) continue;
        bad++;
        print_message("%s\n  options %s\n  got  %s\n%s  want %s\n%s", CASES[i].text, CASES[i].options, ddl, rows,
                      CASES[i].condition ? CASES[i].condition : CASES[i].ddl, CASES[i].rows ? CASES[i].rows : "\n");
    }
    assert_int_equal(bad, 0);
}

/* One row's list far longer than a vector, with NULLs all over it, and more rows in an array than a chunk takes. */
static void long_arrays(void **state)
{
    (void)state;
    enum { N = 7000 };
    ch_buf text = {0}, want = {0};
    ch_buf_str(&text, "{\"a\":[");
    ch_buf_char(&want, '[');
    for (int i = 0; i < N; i++) {
        ch_buf_printf(&text, i % 3 ? "%s%d" : "%snull", i ? "," : "", i);
        ch_buf_printf(&want, i % 3 ? "%s%d" : "%sNULL", i ? ", " : "", i);
    }
    ch_buf_str(&text, "]}\n{\"a\":[5]}\n");
    ch_buf_str(&want, "]\n[5]\n");
    ch_rel *rel = read_with("json", put("long.json", ch_buf_text(&text)), NULL, "");
    assert_string_equal(source_rows(rel), ch_buf_text(&want));
    ch_buf_clear(&text);
    ch_buf_clear(&want);
    for (int i = 0; i < N; i++) {
        ch_buf_printf(&text, "%s{\"i\":%d}", i ? "," : "[", i);
        ch_buf_printf(&want, "%d\n", i);
    }
    ch_buf_char(&text, ']');
    rel = read_with("json", put("rows.json", ch_buf_text(&text)), NULL, "");
    assert_string_equal(source_rows(rel), ch_buf_text(&want));
    ch_buf_reset(&text);
    ch_buf_reset(&want);
}

/* Every cut of a record is rows or an error. */
static void cut_records(void **state)
{
    (void)state;
    static const char TEXT[] = "{\"a\":[1,{\"b\":\"x\\u00e9\"}],\"c\":-1.5e3,\"d\":{\"e\":null,\"f\":[true]}}";
    for (size_t n = 1; n < strlen(TEXT); n++) {
        char name[40];
        snprintf(name, sizeof name, "cut%zu.json", n);
        ch_rel *rel =
            read_with("json", put_bytes(name, TEXT, n), "a array<string>, c double, d struct<f: array<boolean>>", "");
        assert_non_null(rel);
        assert_string_equal(source_rows(rel), "NULL|NULL|NULL\n");
    }
}

static void deep_nesting_is_malformed(void **state)
{
    (void)state;
    ch_buf text = {0};
    ch_buf_str(&text, "{\"a\":");
    for (int i = 0; i < 100000; i++) ch_buf_char(&text, '[');
    ch_rel *rel = read_with("json", put("deep.json", ch_buf_text(&text)), NULL, "");
    assert_string_equal(source_ddl(rel), "_corrupt_record STRING");
    rel = read_with("json", put("deep2.json", ch_buf_text(&text)), "a string", "");
    assert_string_equal(source_rows(rel), "NULL\n");
    ch_buf_reset(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_spark),
        cmocka_unit_test(long_arrays),
        cmocka_unit_test(cut_records),
        cmocka_unit_test(deep_nesting_is_malformed),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
