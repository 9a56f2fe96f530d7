/* Writing files and reading Parquet: file names, contents and errors as a Spark 4.1.3 server has them for the same
 * rows, which come from JSON files. */
#include "file_testing.h"
#include "frame/engine/query.h"
#include "frame/text/lines.h"

#include <dirent.h>

/* clang-format off */
#define BASIC "{\"i\":1,\"s\":\"a,b\",\"d\":1.5,\"b\":true,\"dt\":\"2020-01-02\",\"ts\":\"2020-01-02 03:04:05.6\",\"de\":1.50}\n{\"i\":2,\"s\":\"q\\\"uo\\\\te\",\"d\":1e20,\"b\":false,\"dt\":\"1999-12-31\",\"ts\":\"1999-12-31 23:59:59\",\"de\":-2.25}\n{\"s\":\"\",\"d\":\"NaN\"}\n{\"i\":4,\"d\":1e-5,\"b\":true,\"s\":\" l1\\nl2 \"}\n"
#define BASIC_DDL "i int, s string, d double, b boolean, dt date, ts timestamp, de decimal(10,2)"
#define NEST "{\"a\":[1,null],\"m\":{\"k\":1.0,\"n\":null},\"st\":{\"x\":1,\"y\":null},\"e\":[],\"bi\":\"QUI=\"}\n{\"st\":{}}\n"
#define NEST_DDL "a array<int>, m map<string,double>, st struct<x:int,y:string>, e array<string>, bi binary"
#define ONE "{\"a\":\"x\"}\n{}\n{\"a\":\"\"}\n{\"a\":\" \"}\n{\"a\":\"#c\"}\n{\"a\":\"tab\\t\"}\n"
#define PART "{\"i\":1,\"p\":\"a\"}\n{\"i\":2}\n{\"i\":3,\"p\":\"b/c\"}\n{\"i\":4,\"p\":\"a\"}\n{\"i\":5,\"p\":\"\"}\n{\"i\":6,\"p\":\"x=1 %\"}\n"
#define DATES "{\"i\":1,\"p\":\"2020-01-02\",\"q\":1.5}\n{\"i\":2,\"p\":\"2020-01-02\"}\n{\"i\":3,\"q\":2}\n"
static const struct {
    const char *text, *schema, *format, *options, *partition_by;
    const char *files;     /* names and contents */
    const char *condition; /* or the error; "" has none */
} CASES[] = {
    {BASIC, BASIC_DDL, "csv", "", "", "_SUCCESS\npart-00000-*-c000.csv\n1,\"a,b\",1.5,true,2020-01-02,2020-01-02T03:04:05.600Z,1.50\n2,\"q\\\"uo\\\\te\",1.0E20,false,1999-12-31,1999-12-31T23:59:59.000Z,-2.25\n,\"\",NaN,,,,\n4,\"l1\nl2\",1.0E-5,true,,,\n", NULL},
    {BASIC, BASIC_DDL, "csv", "header=true", "", "_SUCCESS\npart-00000-*-c000.csv\ni,s,d,b,dt,ts,de\n1,\"a,b\",1.5,true,2020-01-02,2020-01-02T03:04:05.600Z,1.50\n2,\"q\\\"uo\\\\te\",1.0E20,false,1999-12-31,1999-12-31T23:59:59.000Z,-2.25\n,\"\",NaN,,,,\n4,\"l1\nl2\",1.0E-5,true,,,\n", NULL},
    {BASIC, BASIC_DDL, "csv", "sep=|;nullValue=NA;quoteAll=true;header=true;dateFormat=dd/MM/yyyy;timestampFormat=yyyy/MM/dd HH:mm:ss", "", "_SUCCESS\npart-00000-*-c000.csv\n\"i\"|\"s\"|\"d\"|\"b\"|\"dt\"|\"ts\"|\"de\"\n\"1\"|\"a,b\"|\"1.5\"|\"true\"|\"02/01/2020\"|\"2020/01/02 03:04:05\"|\"1.50\"\n\"2\"|\"q\\\"uo\\\\te\"|\"1.0E20\"|\"false\"|\"31/12/1999\"|\"1999/12/31 23:59:59\"|\"-2.25\"\n\"NA\"|\"\"|\"NaN\"|\"NA\"|\"NA\"|\"NA\"|\"NA\"\n\"4\"|\"l1\nl2\"|\"1.0E-5\"|\"true\"|\"NA\"|\"NA\"|\"NA\"\n", NULL},
    {BASIC, BASIC_DDL, "csv", "escape=\";ignoreLeadingWhiteSpace=false;ignoreTrailingWhiteSpace=false;emptyValue=EE", "", "_SUCCESS\npart-00000-*-c000.csv\n1,\"a,b\",1.5,true,2020-01-02,2020-01-02T03:04:05.600Z,1.50\n2,\"q\"\"uo\\te\",1.0E20,false,1999-12-31,1999-12-31T23:59:59.000Z,-2.25\n,EE,NaN,,,,\n4,\" l1\nl2 \",1.0E-5,true,,,\n", NULL},
    {BASIC, BASIC_DDL, "csv", "escapeQuotes=false;quoteAll=true;emptyValue=E", "", "_SUCCESS\npart-00000-*-c000.csv\n\"1\",\"a,b\",\"1.5\",\"true\",\"2020-01-02\",\"2020-01-02T03:04:05.600Z\",\"1.50\"\n\"2\",\"q\\\"uo\\\\te\",\"1.0E20\",\"false\",\"1999-12-31\",\"1999-12-31T23:59:59.000Z\",\"-2.25\"\n\"\",\"E\",\"NaN\",\"\",\"\",\"\",\"\"\n\"4\",\"l1\nl2\",\"1.0E-5\",\"true\",\"\",\"\",\"\"\n", NULL},
    {BASIC, BASIC_DDL, "csv", "quote=';lineSep=\r\n", "", "_SUCCESS\npart-00000-*-c000.csv\n1,'a,b',1.5,true,2020-01-02,2020-01-02T03:04:05.600Z,1.50\r\n2,q\"uo\\te,1.0E20,false,1999-12-31,1999-12-31T23:59:59.000Z,-2.25\r\n,\"\",NaN,,,,\r\n4,'l1\r\nl2',1.0E-5,true,,,\r\n", NULL},
    {ONE, "a string", "csv", "", "", "_SUCCESS\npart-00000-*-c000.csv\nx\n\"\"\n\"\"\n\"#c\"\ntab\n", NULL},
    {ONE, "a string", "csv", "quoteAll=true", "", "_SUCCESS\npart-00000-*-c000.csv\n\"x\"\n\"\"\n\"\"\n\"\"\n\"#c\"\n\"tab\"\n", NULL},
    {ONE, "a string", "csv", "emptyValue=", "", "_SUCCESS\npart-00000-*-c000.csv\nx\n\"#c\"\ntab\n", NULL},
    {ONE, "a string", "text", "", "", "_SUCCESS\npart-00000-*-c000.txt\nx\n\n\n \n#c\ntab\t\n", NULL},
    {ONE, "a string", "text", "lineSep=|", "", "_SUCCESS\npart-00000-*-c000.txt\nx||| |#c|tab\t|", NULL},
    {BASIC, BASIC_DDL, "json", "", "", "_SUCCESS\npart-00000-*-c000.json\n{\"i\":1,\"s\":\"a,b\",\"d\":1.5,\"b\":true,\"dt\":\"2020-01-02\",\"ts\":\"2020-01-02T03:04:05.600Z\",\"de\":1.50}\n{\"i\":2,\"s\":\"q\\\"uo\\\\te\",\"d\":1.0E20,\"b\":false,\"dt\":\"1999-12-31\",\"ts\":\"1999-12-31T23:59:59.000Z\",\"de\":-2.25}\n{\"s\":\"\",\"d\":\"NaN\"}\n{\"i\":4,\"s\":\" l1\\nl2 \",\"d\":1.0E-5,\"b\":true}\n", NULL},
    {BASIC, BASIC_DDL, "json", "ignoreNullFields=false;dateFormat=dd.MM.yy;timestampFormat=yyyy", "", "_SUCCESS\npart-00000-*-c000.json\n{\"i\":1,\"s\":\"a,b\",\"d\":1.5,\"b\":true,\"dt\":\"02.01.20\",\"ts\":\"2020\",\"de\":1.50}\n{\"i\":2,\"s\":\"q\\\"uo\\\\te\",\"d\":1.0E20,\"b\":false,\"dt\":\"31.12.99\",\"ts\":\"1999\",\"de\":-2.25}\n{\"i\":null,\"s\":\"\",\"d\":\"NaN\",\"b\":null,\"dt\":null,\"ts\":null,\"de\":null}\n{\"i\":4,\"s\":\" l1\\nl2 \",\"d\":1.0E-5,\"b\":true,\"dt\":null,\"ts\":null,\"de\":null}\n", NULL},
    {NEST, NEST_DDL, "json", "", "", "_SUCCESS\npart-00000-*-c000.json\n{\"a\":[1,null],\"m\":{\"k\":1.0,\"n\":null},\"st\":{\"x\":1},\"e\":[],\"bi\":\"QUI=\"}\n{\"st\":{}}\n", NULL},
    {NEST, NEST_DDL, "json", "ignoreNullFields=false", "", "_SUCCESS\npart-00000-*-c000.json\n{\"a\":[1,null],\"m\":{\"k\":1.0,\"n\":null},\"st\":{\"x\":1,\"y\":null},\"e\":[],\"bi\":\"QUI=\"}\n{\"a\":null,\"m\":null,\"st\":{\"x\":null,\"y\":null},\"e\":null,\"bi\":null}\n", NULL},
    {PART, "i int, p string", "csv", "", "p", "_SUCCESS\np=__HIVE_DEFAULT_PARTITION__/part-00000-*.c000.csv\n2\n5\np=a/part-00000-*.c000.csv\n1\n4\np=b%2Fc/part-00000-*.c000.csv\n3\np=x%3D1 %25/part-00000-*.c000.csv\n6\n", NULL},
    {PART, "i int, p string", "json", "", "p", "_SUCCESS\np=__HIVE_DEFAULT_PARTITION__/part-00000-*.c000.json\n{\"i\":2}\n{\"i\":5}\np=a/part-00000-*.c000.json\n{\"i\":1}\n{\"i\":4}\np=b%2Fc/part-00000-*.c000.json\n{\"i\":3}\np=x%3D1 %25/part-00000-*.c000.json\n{\"i\":6}\n", NULL},
    {DATES, "i int, p date, q double", "json", "", "p,q", "_SUCCESS\np=2020-01-02/q=1.5/part-00000-*.c000.json\n{\"i\":1}\np=2020-01-02/q=__HIVE_DEFAULT_PARTITION__/part-00000-*.c000.json\n{\"i\":2}\np=__HIVE_DEFAULT_PARTITION__/q=2.0/part-00000-*.c000.json\n{\"i\":3}\n", NULL},
    {PART, "i int, p string", "text", "", "i", "_SUCCESS\ni=1/part-00000-*.c000.txt\na\ni=2/part-00000-*.c000.txt\n\ni=3/part-00000-*.c000.txt\nb/c\ni=4/part-00000-*.c000.txt\na\ni=5/part-00000-*.c000.txt\n\ni=6/part-00000-*.c000.txt\nx=1 %\n", NULL},
    {BASIC, "i int", "text", "", "", NULL, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE"},
    {NEST, NEST_DDL, "csv", "", "", NULL, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE"},
    {BASIC, BASIC_DDL, "text", "", "", NULL, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE"},
    {BASIC, BASIC_DDL, "csv", "compression=zz", "", NULL, "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION"},
    {BASIC, BASIC_DDL, "csv", "sep=", "", NULL, "INVALID_DELIMITER_VALUE.EMPTY_STRING"},
    {PART, "i int, p string", "csv", "", "p,i", NULL, "ALL_PARTITION_COLUMNS_NOT_ALLOWED"},
    {PART, "i int, p string", "csv", "", "zz", NULL, ""},
    {BASIC, BASIC_DDL, "foo", "", "", NULL, "DATA_SOURCE_NOT_FOUND"},
    {BASIC, "i int", "csv", "quote=ab", "", NULL, ""},
};
/* clang-format on */

static ch_plan *read_plan(const char *format, const char *path, const char *schema)
{
    ch_plan *plan = CH_NEW(test_arena, ch_plan);
    plan->kind = CH_PLAN_READ;
    plan->u.read.format = format;
    plan->u.read.schema = schema;
    const char **paths = CH_NEW(test_arena, const char *);
    paths[0] = path;
    plan->u.read.npath = 1;
    plan->u.read.paths = paths;
    return plan;
}

/* "a;b" cut at `separator` */
static size_t cut(const char *text, const char *separator, const char **out)
{
    size_t n = 0;
    char *save;
    for (char *item = strtok_r(ch_arena_strdup(test_arena, text), separator, &save); item;
         item = strtok_r(NULL, separator, &save)) {
        out[n++] = item;
    }
    return n;
}

static int write_plan(const ch_plan *plan, const char *format, const char *path, ch_save_mode mode, const char *options,
                      const char *partition_by)
{
    const char *items[16], *columns[16];
    ch_option list[16];
    ch_write spec = {.format = format, .path = path, .mode = mode, .options = list, .partition_by = columns};
    spec.noption = cut(options, ";", items);
    spec.npartition_by = cut(partition_by, ",", columns);
    for (size_t i = 0; i < spec.noption; i++) {
        char *equals = strchr(items[i], '=');
        *equals = '\0';
        list[i] = (ch_option){items[i], equals + 1};
    }
    test_err = (ch_error){0};
    return ch_write_plan(test_session, plan, &spec, NULL, &test_err);
}

/* Adds the names below a folder, by name, with '*' for the random part, and what text files contain. */
static void list_files(ch_buf *out, const char *path, const char *below)
{
    struct dirent **entries;
    int n = scandir(*below ? ch_arena_printf(test_arena, "%s/%s", path, below) : path, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        struct stat st;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
        const char *inside = ch_arena_printf(test_arena, "%s%s%s", below, *below ? "/" : "", name);
        const char *full = ch_arena_printf(test_arena, "%s/%s", path, inside);
        assert_int_equal(stat(full, &st), 0);
        if (S_ISDIR(st.st_mode)) {
            list_files(out, path, inside);
        } else if (strncmp(name, "part-00000-", 11) == 0) {
            const char *start = inside + (name - entries[i]->d_name) + strlen(inside) - strlen(name) + 11;
            ch_buf_printf(out, "%.*s*%s\n", (int)(start - inside), inside, start + 36);
            ch_buf text = {0};
            if (!strstr(name, ".parquet") && !strstr(name, ".gz")) ch_read_file(full, CH_UTF8, &text, &test_err);
            ch_buf_str(out, ch_buf_text(&text));
            ch_buf_reset(&text);
        } else {
            ch_buf_printf(out, "%s\n", inside);
        }
    }
    for (int i = 0; i < n; i++) free(entries[i]);
    free(entries);
}

static const char *files_of(const char *path)
{
    ch_buf out = {0};
    list_files(&out, path, "");
    const char *text = ch_arena_strdup(test_arena, ch_buf_text(&out));
    ch_buf_reset(&out);
    return text;
}

static const char *in_folder(const char *name)
{
    return ch_arena_printf(test_arena, "%s/%s", folder, name);
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const char *in = put(ch_arena_printf(test_arena, "in%zu.json", i), CASES[i].text);
        const char *to = in_folder(ch_arena_printf(test_arena, "out%zu", i));
        int status = write_plan(read_plan("json", in, CASES[i].schema), CASES[i].format, to, CH_SAVE_ERROR,
                                CASES[i].options, CASES[i].partition_by);
        if (!CASES[i].condition) {
            if (status) fail_msg("case %zu: %s", i, test_err.message);
            assert_string_equal(files_of(to), CASES[i].files);
        } else {
            assert_int_not_equal(status, 0);
            assert_string_equal(test_err.condition, CASES[i].condition);
            assert_int_not_equal(access(to, F_OK), 0);
        }
    }
}

/* --- Parquet ----------------------------------------------------------------------------------------------- */

static const char *write_parquet(const char *name, const char *text, const char *schema, const char *partition_by)
{
    const char *in = put(ch_arena_printf(test_arena, "%s.json", name), text), *to = in_folder(name);
    if (write_plan(read_plan("json", in, schema), "parquet", to, CH_SAVE_ERROR, "", partition_by)) {
        fail_msg("%s: %s", name, test_err.message);
    }
    return to;
}

static void check_parquet(const char *path, const char *schema, const char *options, const char *ddl, const char *rows)
{
    ch_rel *rel = read_with("parquet", path, schema, options);
    if (!rel) fail_msg("%s: %s", path, test_err.message);
    assert_string_equal(source_ddl(rel), ddl);
    assert_string_equal(source_rows(rel), rows);
}

static void check_failure(const char *path, const char *schema, const char *options, const char *condition)
{
    assert_null(read_with("parquet", path, schema, options));
    assert_string_equal(test_err.condition, condition);
}

static void test_parquet(void **state)
{
    (void)state;
    const char *basic = write_parquet("basic", BASIC, BASIC_DDL, "");
    assert_string_equal(files_of(basic), "_SUCCESS\npart-00000-*-c000.snappy.parquet\n");
    check_parquet(basic, NULL, "", "i INT,s STRING,d DOUBLE,b BOOLEAN,dt DATE,ts TIMESTAMP,de DECIMAL(10,2)",
                  "1|a,b|1.5|true|2020-01-02|2020-01-02 03:04:05.6|1.50\n"
                  "2|q\"uo\\te|1.0E20|false|1999-12-31|1999-12-31 23:59:59|-2.25\n"
                  "NULL||NaN|NULL|NULL|NULL|NULL\n4| l1\nl2 |1.0E-5|true|NULL|NULL|NULL\n");
    check_parquet(write_parquet("nest", NEST, NEST_DDL, ""), NULL, "",
                  "a ARRAY<INT>,m MAP<STRING, DOUBLE>,st STRUCT<x: INT, y: STRING>,e ARRAY<STRING>,bi BINARY",
                  "[1, NULL]|{k -> 1.0, n -> NULL}|{1, NULL}|[]|[41 42]\nNULL|NULL|{NULL, NULL}|NULL|NULL\n");
    check_parquet(basic, "zz string, d double, I int", "", "zz STRING,d DOUBLE,I INT",
                  "NULL|1.5|1\nNULL|1.0E20|2\nNULL|NaN|NULL\nNULL|1.0E-5|4\n");
    check_parquet(basic, "i long, de decimal(12,3)", "", "i BIGINT,de DECIMAL(12,3)",
                  "1|1.500\n2|-2.250\nNULL|NULL\n4|NULL\n");
    check_failure(basic, "i string", "", "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH");
    check_failure(basic, "d int", "", "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH");
}

static void test_parquet_partitions(void **state)
{
    (void)state;
    const char *part = write_parquet("part", PART, "i int, p string", "p");
    assert_string_equal(files_of(part), "_SUCCESS\np=__HIVE_DEFAULT_PARTITION__/part-00000-*.c000.snappy.parquet\n"
                                        "p=a/part-00000-*.c000.snappy.parquet\n"
                                        "p=b%2Fc/part-00000-*.c000.snappy.parquet\n"
                                        "p=x%3D1 %25/part-00000-*.c000.snappy.parquet\n");
    check_parquet(part, NULL, "", "i INT,p STRING", "2|NULL\n5|NULL\n1|a\n4|a\n3|b/c\n6|x=1 %\n");
    const char *dates = write_parquet("dates", DATES, "i int, p date, q double", "p,q");
    check_parquet(dates, NULL, "", "i INT,p DATE,q DOUBLE", "1|2020-01-02|1.5\n2|2020-01-02|NULL\n3|NULL|2.0\n");
    check_parquet(dates, "i int, p string, q string", "", "i INT,p STRING,q STRING",
                  "1|2020-01-02|1.5\n2|2020-01-02|NULL\n3|NULL|2.0\n");
    check_parquet(dates, "i int, p timestamp, q float", "", "i INT,p TIMESTAMP,q FLOAT",
                  "1|2020-01-02 00:00:00|1.5\n2|2020-01-02 00:00:00|NULL\n3|NULL|2.0\n");
}

/* Rows keep their order, by either way of writing: with few folders and with many. */
static void test_many_partitions(void **state)
{
    (void)state;
    static const int FOLDERS[] = {3, 70};
    for (int f = 0; f < 2; f++) {
        ch_buf text = {0}, rows = {0};
        for (int i = 0; i < 2100; i++) ch_buf_printf(&text, "{\"i\":%d,\"p\":%d}\n", i, i % FOLDERS[f]);
        const char *path =
            write_parquet(ch_arena_printf(test_arena, "many%d", f), ch_buf_text(&text), "i int, p int", "p");
        for (int i = 1; i < 2100; i += FOLDERS[f]) ch_buf_printf(&rows, "%d\n", i);
        check_parquet(ch_arena_printf(test_arena, "%s/p=1", path), NULL, "", "i INT", ch_buf_text(&rows));
        ch_rel *rel = read_with("parquet", path, NULL, "");
        assert_string_equal(source_ddl(rel), "i INT,p INT");
        const char *all = source_rows(rel);
        size_t lines = 0;
        for (const char *at = all; (at = strchr(at, '\n')); at++) lines++;
        assert_int_equal(lines, 2100);
        ch_buf_reset(&text);
        ch_buf_reset(&rows);
    }
}

/* The data file of a folder that has one. */
static const char *part_file(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort);
    const char *file = ch_arena_printf(test_arena, "%s/%s", path, entries[n - 1]->d_name);
    for (int i = 0; i < n; i++) free(entries[i]);
    free(entries);
    return file;
}

/* Puts the rows into several/<name>.parquet. */
static void put_parquet(const char *name, const char *text, const char *schema)
{
    const char *from = part_file(write_parquet(name, text, schema, ""));
    mkdir(in_folder("several"), 0755);
    assert_int_equal(rename(from, in_folder(ch_arena_printf(test_arena, "several/%s.parquet", name))), 0);
}

/* The largest file first. */
static void test_several_files(void **state)
{
    (void)state;
    const char *to = in_folder("several");
    put_parquet("a", "{\"a\":1,\"b\":\"x\"}\n", "a int, b string");
    put_parquet("b", "{\"a\":2,\"c\":0.5}\n{\"a\":3,\"c\":1.5}\n{\"a\":4,\"c\":1.25}\n", "a int, c double");
    check_parquet(to, NULL, "", "a INT,b STRING", "2|NULL\n3|NULL\n4|NULL\n1|x\n");
    check_parquet(to, NULL, "mergeSchema=true", "a INT,b STRING,c DOUBLE",
                  "2|NULL|0.5\n3|NULL|1.5\n4|NULL|1.25\n1|x|NULL\n");
    check_parquet(to, "b string, a long", "", "b STRING,a BIGINT", "NULL|2\nNULL|3\nNULL|4\nx|1\n");
    put_parquet("c", "{\"a\":\"x\"}\n", "a string");
    check_failure(to, NULL, "mergeSchema=true", "CANNOT_MERGE_SCHEMAS");
}

static void test_broken_parquet(void **state)
{
    (void)state;
    static const char *const BYTES[] = {"",
                                        "PAR1",
                                        "PAR1xxxx",
                                        "hello world, this is text",
                                        "PAR1\xff\xff\xff\x7fPAR1",
                                        "PAR1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\x10"};
    for (size_t i = 0; i < sizeof BYTES / sizeof *BYTES; i++) {
        char *name = ch_arena_printf(test_arena, "broken%zu/a.parquet", i);
        put(name, BYTES[i]);
        *strchr(name, '/') = '\0';
        check_failure(in_folder(name), NULL, "", "FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER");
        check_failure(in_folder(name), "a int", "", "FAILED_READ_FILE.NO_HINT");
    }
    /* a footer that is fine, before pages that are not */
    const char *good = write_parquet("good", BASIC, BASIC_DDL, "");
    FILE *f = fopen(part_file(good), "r+b");
    assert_non_null(f);
    fseek(f, 4, SEEK_SET);
    for (int i = 0; i < 40; i++) fputc(0xff, f);
    fclose(f);
    ch_rel *rel = read_with("parquet", good, NULL, "");
    assert_non_null(rel);
    assert_int_equal(strncmp(source_rows(rel), "error: ", 7), 0);
}

/* --- modes ------------------------------------------------------------------------------------------------- */

static size_t count_rows(const char *format, const char *path)
{
    ch_rel *rel = read_with(format, path, "i int", "");
    size_t n = 0;
    for (const char *at = source_rows(rel); (at = strchr(at, '\n')); at++) n++;
    return n;
}

static void test_modes(void **state)
{
    (void)state;
    const char *in = put("modes.json", "{\"i\":1}\n{\"i\":2}\n"), *one = put("one.json", "{\"i\":3}\n");
    static const char *const FORMATS[] = {"parquet", "csv", "json"};
    for (size_t f = 0; f < 3; f++) {
        const char *format = FORMATS[f], *to = in_folder(ch_arena_printf(test_arena, "modes/%s", format));
        const ch_plan *two_rows = read_plan("json", in, "i int"), *one_row = read_plan("json", one, "i int");
        assert_int_equal(write_plan(two_rows, format, to, CH_SAVE_ERROR, "", ""), 0);
        assert_int_not_equal(write_plan(two_rows, format, to, CH_SAVE_ERROR, "", ""), 0);
        assert_string_equal(test_err.condition, "PATH_ALREADY_EXISTS");
        assert_int_equal(write_plan(one_row, format, to, CH_SAVE_IGNORE, "", ""), 0);
        assert_int_equal(count_rows(format, to), 2);
        assert_int_equal(write_plan(one_row, format, to, CH_SAVE_APPEND, "", ""), 0);
        assert_int_equal(count_rows(format, to), 3);
        assert_int_not_equal(write_plan(read_plan(format, to, "i int"), format, to, CH_SAVE_OVERWRITE, "", ""), 0);
        assert_string_equal(test_err.condition, "UNSUPPORTED_OVERWRITE.PATH");
        assert_int_equal(count_rows(format, to), 3);
        assert_int_equal(write_plan(one_row, format, to, CH_SAVE_OVERWRITE, "", ""), 0);
        assert_int_equal(count_rows(format, to), 1);
    }
    /* a failure in the middle leaves what was there, and nothing else */
    const char *bad = put("bad.json", "{\"i\":1}\n{\"i\":\n"), *to = in_folder("modes/json");
    ch_plan *plan = read_plan("json", bad, "i int");
    static ch_option failfast = {"mode", "FAILFAST"};
    plan->u.read.noption = 1;
    plan->u.read.options = &failfast;
    assert_int_not_equal(write_plan(plan, "json", to, CH_SAVE_OVERWRITE, "", ""), 0);
    assert_string_equal(test_err.condition, "FAILED_READ_FILE.NO_HINT");
    assert_int_equal(count_rows("json", to), 1);
    struct dirent **entries;
    int n = scandir(in_folder("modes"), &entries, NULL, alphasort);
    assert_int_equal(n, 2 + 3);
    for (int i = 0; i < n; i++) free(entries[i]);
    free(entries);
}

static void test_gzip(void **state)
{
    (void)state;
    ch_buf text = {0}, rows = {0};
    for (int i = 0; i < 50000; i++) {
        ch_buf_printf(&text, "{\"i\":%d,\"p\":%d}\n", i, i % 2);
        ch_buf_printf(&rows, "%d|%d\n", i, i % 2);
    }
    const ch_plan *plan = read_plan("json", put("big.json", ch_buf_text(&text)), "i int, p int");
    static const char *const FORMATS[] = {"csv", "json"};
    for (size_t f = 0; f < 2; f++) {
        const char *to = in_folder(ch_arena_printf(test_arena, "gzip/%s", FORMATS[f]));
        assert_int_equal(write_plan(plan, FORMATS[f], to, CH_SAVE_ERROR, "compression=gzip", ""), 0);
        assert_string_equal(files_of(to),
                            ch_arena_printf(test_arena, "_SUCCESS\npart-00000-*-c000.%s.gz\n", FORMATS[f]));
        ch_rel *rel = read_with(FORMATS[f], to, "i int, p int", "");
        assert_non_null(rel);
        assert_string_equal(source_rows(rel), ch_buf_text(&rows));
    }
    ch_buf_reset(&text);
    ch_buf_reset(&rows);
    /* cut off in the middle */
    static const char CUT[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x33\xd4\x31\xe2\x32\xd2\x31\xe6";
    ch_rel *rel = read_with("csv", put_bytes("cut.csv.gz", CUT, sizeof CUT - 1), "a int, b int", "");
    assert_non_null(rel);
    source_rows(rel);
    assert_string_equal(test_err.condition, "FAILED_READ_FILE.NO_HINT");
    assert_null(read_with("csv", put("a.csv.bz2", "BZh"), NULL, ""));
    assert_int_equal(test_err.kind, CH_E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_parquet),
        cmocka_unit_test(test_parquet_partitions),
        cmocka_unit_test(test_many_partitions),
        cmocka_unit_test(test_several_files),
        cmocka_unit_test(test_broken_parquet),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_gzip),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
