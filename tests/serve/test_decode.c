/* Bodies of scoring requests: what becomes of each format, and what is said of those that are none. What MLflow's own
 * server says is recorded in replies.json; here are the shapes underneath. */
#include "base/buf.h"
#include "serve/decode.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>

static void print_cell(ch_buf *out, const ch_cell *cell)
{
    switch (cell->kind) {
    case CH_CELL_ABSENT: ch_buf_char(out, '-'); break;
    case CH_CELL_NULL: ch_buf_str(out, "null"); break;
    case CH_CELL_BOOL: ch_buf_str(out, cell->v.boolean ? "true" : "false"); break;
    case CH_CELL_INT: ch_buf_printf(out, "%lld", (long long)cell->v.integer); break;
    case CH_CELL_BIG: ch_buf_char(out, '~'); /* fall through */
    case CH_CELL_REAL: ch_buf_java_double(out, cell->v.real); break;
    case CH_CELL_TEXT: ch_buf_printf(out, "'%.*s'", (int)cell->len, cell->v.text); break;
    case CH_CELL_LIST:
        for (uint32_t i = 0; i < cell->len; i++) {
            ch_buf_char(out, i ? ' ' : '[');
            ch_buf_java_double(out, cell->v.list[i]);
        }
        ch_buf_str(out, cell->len ? "]" : "[]");
        break;
    default: ch_buf_char(out, '?');
    }
}

/* "rows: name=cell,cell name=cell,cell", a column without a name as its number. */
static const char *print_table(ch_arena *arena, const ch_table *t)
{
    ch_buf out = {0};
    ch_buf_printf(&out, "%zu:", t->nrow);
    for (size_t i = 0; i < t->ncol; i++) {
        const ch_table_column *c = &t->columns[i];
        if (c->name)
            ch_buf_printf(&out, " %.*s=", (int)c->name_len, c->name);
        else
            ch_buf_printf(&out, " %zu=", i);
        assert_int_equal(c->n, t->nrow);
        for (size_t row = 0; row < c->n; row++) {
            if (row) ch_buf_char(&out, ',');
            print_cell(&out, &c->cells[row]);
        }
    }
    const char *text = ch_arena_strdup(arena, ch_buf_text(&out));
    ch_buf_reset(&out);
    return text;
}

static bool only_note(void *context, const char *name, size_t len)
{
    (void)context;
    return len == 4 && memcmp(name, "note", 4) == 0;
}

/* What a body is decoded to, or "!message". */
static const char *decoded_as(ch_arena *arena, bool csv, const char *body, size_t cells_max)
{
    ch_fault fault = {.arena = arena};
    ch_rows rows = {.table = {.arena = arena, .cells_max = cells_max}};
    int status = csv ? ch_decode_csv(body, strlen(body), only_note, NULL, &rows, &fault)
                     : ch_decode_json(body, strlen(body), &rows, &fault);
    const char *text = status ? ch_arena_printf(arena, "!%s", fault.message) : print_table(arena, &rows.table);
    ch_table_reset(&rows.table);
    return text;
}

typedef struct sample {
    const char *body, *expected;
} sample;

static void check(bool csv, const sample *samples, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ch_arena *arena = ch_arena_new();
        const char *got = decoded_as(arena, csv, samples[i].body, 1000);
        if (samples[i].expected[0] == '!') {
            if (got[0] != '!' || !strstr(got, samples[i].expected + 1)) fail_msg("%s\n  %s", samples[i].body, got);
        } else if (strcmp(got, samples[i].expected) != 0) {
            fail_msg("%s\n  got      %s\n  expected %s", samples[i].body, got, samples[i].expected);
        }
        ch_arena_free(arena);
    }
}

static void json(void **state)
{
    (void)state;
    static const sample SAMPLES[] = {
        {"{\"dataframe_split\":{\"columns\":[\"a\",\"b\"],\"data\":[[1,\"x\"],[2.5,null]]}}", "2: a=1,2.5 b='x',null"},
        {"{\"dataframe_split\":{\"data\":[[1,2],[3,4]],\"index\":[9,8],\"columns\":[\"a\",\"b\"]}}", "2: a=1,3 b=2,4"},
        {"{\"dataframe_split\":{\"columns\":[\"a\",7],\"data\":[]}}", "0: a= 7="},
        {"{\"dataframe_split\":{\"columns\":[\"a\",\"b\"],\"data\":[[1],[3,4]]}}", "2: a=1,3 b=-,4"},
        {"{\"dataframe_split\":{\"data\":[1,2]}}", "2: 0=1,2"},
        {"{\"dataframe_split\":{\"columns\":[\"a\"],\"data\":[[1,2]]}}",
         "!'1 columns passed, passed data had 2 columns'"},
        {"{\"dataframe_split\":{\"columns\":5,\"data\":[[1]]}}", "!columns must be a list"},
        {"{\"dataframe_split\":{\"data\":{}}}", "!data must be a list of rows"},
        {"{\"dataframe_records\":[{\"a\":1,\"b\":true},{\"b\":false,\"a\":2},{\"c\":\"z\"}]}",
         "3: a=1,2,- b=true,false,- c=-,-,'z'"},
        {"{\"dataframe_records\":[{\"a\":1,\"a\":2}]}", "1: a=2"},
        {"{\"dataframe_records\":[{},{}]}", "2:"},
        {"{\"dataframe_records\":[{\"a\":1},5]}", "!row 1 is no record, but a type <class 'int'>"},
        {"{\"dataframe_records\":[[1,2],[3]]}", "2: 0=1,3 1=2,-"},
        {"{\"instances\":[{\"a\":[1,2.5]},{\"a\":[]}]}", "2: a=[1.0 2.5],[]"},
        {"{\"instances\":[[1,2],[3,\"x\"],[[1]],5]}", "4: 0=[1.0 2.0],?,?,5"},
        {"{\"instances\":\"x\"}", "1: 0='x'"},
        {"{\"inputs\":{\"a\":[1,2],\"b\":[[1,2],[3,4]]}}", "2: a=1,2 b=[1.0 2.0],[3.0 4.0]"},
        {"{\"inputs\":{\"a\":1,\"b\":\"x\"}}", "1: a=1 b='x'"},
        {"{\"inputs\":{\"a\":[1],\"b\":[1,2]}}", "!All arrays must be of the same length"},
        {"{\"inputs\":{\"a\":[1],\"a\":[2]}}", "!'a' is given more than once"},
        /* numbers and texts */
        {"{\"inputs\":[0,-7,999999999999999999,9223372036854775807,-9223372036854775808]}",
         "5: 0=0,-7,999999999999999999,9223372036854775807,-9223372036854775808"},
        {"{\"inputs\":[9223372036854775808,1e3,-0.0,NaN,-Infinity]}",
         "5: 0=~9.223372036854776E18,1000.0,-0.0,NaN,-Infinity"},
        {"{\"inputs\":[\"a\\\"b\\u00e4\\n\",\"\",\"\\ud83d\\ude00\"]}", "3: 0='a\"b\xc3\xa4\n','','\xf0\x9f\x98\x80'"},
        {"{\"inputs\":[[NaN,1e400],[null],{\"a\":[1]}]}", "3: 0=[NaN Infinity],?,?"},
        /* the envelope */
        {" {\"x\":{\"inputs\":[1]}, \"inputs\" : [ 1 , 2 ] ,\"params\":{\"a\":[1]}} ", "2: 0=1,2"},
        {"{\"inputs\":[1],\"inputs\":[2,3]}", "2: 0=2,3"}, /* as Python's: the last one */
        {"{\"inputs\":[1],\"instances\":[2]}", "!with input fields: ['instances', 'inputs']"},
        {"{\"input\":[1]}", "!with input fields: []"},
        {"[1]", "!Received a list."},
        {"null", "!Received unexpected input type '<class 'NoneType'>."},
        {"\xef\xbb\xbf{\"inputs\":[1]}", "1: 0=1"}, /* a byte order mark */
        /* malformed bodies are so before they are anything else */
        {"{\"dataframe_split\":[1],", "!JSONDecodeError"},
        {"{\"dataframe_records\":[{\"a\":1}", "!JSONDecodeError('Expecting value: line 1 column 30 (char 29)')"},
        {"{\"inputs\":[1]}\n x", "!JSONDecodeError('Extra data: line 2 column 2 (char 16)')"},
        {"{\"inputs\":[01]}", "!JSONDecodeError"},
        {"{\"inputs\":['a']}", "!JSONDecodeError"},
        {"{\"inputs\":[1,]}", "!JSONDecodeError"},
        {"{\"inputs\":[\"\\x\"]}", "!JSONDecodeError"},
        {"{\"inputs\":[\"\xff\"]}", "!UnicodeDecodeError"},
    };
    check(false, SAMPLES, sizeof SAMPLES / sizeof *SAMPLES);
}

static void csv(void **state)
{
    (void)state;
    static const sample SAMPLES[] = {
        {"a,b\n1,x\n2,y\n", "2: a=1,2 b='x','y'"},
        {"a,b\r\n1,x\r\n\r\n2,y", "2: a=1,2 b='x','y'"},
        {"\xef\xbb\xbf"
         "a\n1\n",
         "1: a=1"},
        {"a,b\n\"x, \"\"y\"\"\nz\",2\n", "1: a='x, \"y\"\nz' b=2"},
        {"a,b\n1,\n,NA\n", "2: a=1,null b=null,null"},
        {"a,b\n1\n", "1: a=1 b=-"},
        {"a\n1\n2.5\n", "2: a=1.0,2.5"},
        {"a\nTrue\nfalse\n", "2: a=true,false"},
        {"a\n1\nx\n", "2: a='1','x'"},
        {"a\n1d\nNaN\n", "2: a='1d',null"}, /* Java takes 1d for a number, pandas does not */
        {"a\n1f\n1\n", "2: a='1f','1'"},
        {"a\n1\ninf\n-Infinity\n+INF\n", "4: a=1.0,Infinity,-Infinity,Infinity"},
        {"a\nfin\ninfinity5\n", "2: a='fin','infinity5'"},
        {"note,a\n007,7\n", "1: note='007' a=7"},
        {",a\n0,1\n", "1: Unnamed: 0=0 a=1"},
        {"a,b\n", "0: a= b="},
        {"", "!No columns to parse from file"},
        {"a,b\n1,2\n1,2,3\n", "!Expected 2 fields in line 3, saw 3"},
        {"a\n\"x\n", "!EOF inside string"},
        {"a\n\xff\n", "!UnicodeDecodeError"},
    };
    check(true, SAMPLES, sizeof SAMPLES / sizeof *SAMPLES);
}

static void params(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    ch_fault fault = {.arena = arena};
    ch_rows rows = {.table = {.arena = arena, .cells_max = 100}};
    static const char BODY[] = "{\"params\":{\"x\":[1],\"columns\":[\"prediction\",\"a b\"]},\"inputs\":[1]}";
    assert_int_equal(ch_decode_json(BODY, strlen(BODY), &rows, &fault), 0);
    assert_int_equal(rows.ncolumn, 2);
    assert_string_equal(rows.columns[0], "prediction");
    assert_string_equal(rows.columns[1], "a b");
    ch_table_reset(&rows.table);
    ch_arena_free(arena);
}

/* More values than a request may have, in whatever shape. */
static void limits(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    ch_buf body = {0};
    ch_buf_str(&body, "{\"inputs\":[1");
    for (int i = 0; i < 200; i++) ch_buf_str(&body, ",1");
    ch_buf_str(&body, "]}");
    assert_non_null(strstr(decoded_as(arena, false, ch_buf_text(&body), 100), "more than 100 cells"));
    ch_buf_clear(&body);
    ch_buf_str(&body, "{\"dataframe_records\":[{\"c0\":1}"); /* gaps count, too */
    for (int i = 1; i < 60; i++) ch_buf_printf(&body, ",{\"c%d\":1}", i);
    ch_buf_str(&body, "]}");
    assert_non_null(strstr(decoded_as(arena, false, ch_buf_text(&body), 100), "more than 100 cells"));
    ch_buf_clear(&body);
    ch_buf_str(&body, "{\"inputs\":"); /* nesting */
    for (int i = 0; i < 100000; i++) ch_buf_char(&body, '[');
    assert_non_null(strstr(decoded_as(arena, false, ch_buf_text(&body), 100), "JSONDecodeError"));
    ch_buf_reset(&body);
    ch_arena_free(arena);
}

/* Columns are found by hash when there are many: the first of a name, whatever the guess. */
static void names(void **state)
{
    (void)state;
    ch_error err;
    ch_arena *arena = ch_arena_new();
    ch_table t = {.arena = arena, .cells_max = 100};
    for (size_t i = 0; i < 500; i++) {
        size_t at;
        const char *name = ch_arena_printf(arena, "c%zu", i % 400);
        assert_int_equal(ch_table_add_column(&t, name, strlen(name), &at, &err), 0);
        assert_int_equal(at, i);
    }
    for (size_t i = 0; i < 400; i++) {
        const char *name = ch_arena_printf(arena, "c%zu", i);
        assert_int_equal(ch_table_find(&t, name, strlen(name), 0), i);
    }
    assert_true(ch_table_find(&t, "c400", 4, 3) == SIZE_MAX);
    assert_int_equal(ch_table_find(&t, "c17", 3, 417), 417);
    ch_table_reset(&t);
    ch_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json),   cmocka_unit_test(csv),   cmocka_unit_test(params),
        cmocka_unit_test(limits), cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
