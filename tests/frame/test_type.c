/* Types: spellings, JSON both ways, comparison. Expected texts were printed by a Spark 4.1.3 server. */
#include "frame/type/type.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>

static ch_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = ch_arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ch_arena_free(arena);
    return 0;
}

/* One column of every type without a UDT, as `SELECT array(1) arr, map('k', 1) m, ...` gives it. */
static ch_schema every_type(void)
{
    ch_field inner[] = {{.name = "x", .type = &ch_type_int}, {.name = "y y", .type = &ch_type_string}};
    ch_field fields[] = {
        {.name = "arr", .type = ch_type_array(arena, &ch_type_int, false)},
        {.name = "m", .type = ch_type_map(arena, &ch_type_string, &ch_type_int, false)},
        {.name = "st", .type = ch_type_struct(arena, inner, 2)},
        {.name = "d", .type = ch_type_decimal(arena, 10, 2), .nullable = true},
        {.name = "i1", .type = ch_type_sized(arena, CH_INTERVAL_DAY_TIME, 0, 0)},
        {.name = "i2", .type = ch_type_sized(arena, CH_INTERVAL_YEAR_MONTH, 1, 1)},
        {.name = "i3", .type = &ch_type_day_time},
        {.name = "ci", .type = &ch_type_calendar},
        {.name = "n", .type = &ch_type_null, .nullable = true},
        {.name = "dt", .type = &ch_type_date},
        {.name = "ts", .type = &ch_type_timestamp},
        {.name = "tn", .type = &ch_type_timestamp_ntz},
        {.name = "by", .type = &ch_type_byte},
        {.name = "sh", .type = &ch_type_short},
        {.name = "lo", .type = &ch_type_long},
        {.name = "fl", .type = &ch_type_float},
        {.name = "db", .type = &ch_type_double},
        {.name = "bo", .type = &ch_type_boolean},
        {.name = "bi", .type = &ch_type_binary},
        {.name = "ch", .type = ch_type_sized(arena, CH_CHAR, 3, 0)},
        {.name = "vc", .type = ch_type_sized(arena, CH_VARCHAR, 4, 0)},
    };
    size_t n = sizeof fields / sizeof *fields;
    return (ch_schema){.n = n, .fields = ch_arena_dup(arena, fields, sizeof fields)};
}

static void expect(ch_buf *buf, const char *text)
{
    assert_string_equal(ch_buf_text(buf), text);
    ch_buf_reset(buf);
}

static void writes_ddl(void **state)
{
    (void)state;
    ch_buf buf = {0};
    ch_schema schema = every_type();
    ch_schema_ddl(&buf, &schema);
    expect(&buf,
           "arr ARRAY<INT> NOT NULL,m MAP<STRING, INT> NOT NULL,st STRUCT<x: INT NOT NULL, `y y`: STRING NOT NULL>"
           " NOT NULL,d DECIMAL(10,2),i1 INTERVAL DAY NOT NULL,i2 INTERVAL MONTH NOT NULL,"
           "i3 INTERVAL DAY TO SECOND NOT NULL,ci INTERVAL NOT NULL,n VOID,dt DATE NOT NULL,ts TIMESTAMP NOT NULL,"
           "tn TIMESTAMP_NTZ NOT NULL,by TINYINT NOT NULL,sh SMALLINT NOT NULL,lo BIGINT NOT NULL,"
           "fl FLOAT NOT NULL,db DOUBLE NOT NULL,bo BOOLEAN NOT NULL,bi BINARY NOT NULL,ch CHAR(3) NOT NULL,"
           "vc VARCHAR(4) NOT NULL");
    static const struct {
        const char *name, *quoted;
    } names[] = {{"a", "a"},           {"1a", "`1a`"},   {"a b", "`a b`"},           {"12", "`12`"},
                 {"_x", "_x"},         {"a.b", "`a.b`"}, {"\xC3\xA4", "`\xC3\xA4`"}, {"a`b", "`a``b`"},
                 {"select", "select"}, {"A_1", "A_1"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ch_quote_name(&buf, names[i].name);
        expect(&buf, names[i].quoted);
    }
    ch_field comment = {.name = "a", .type = &ch_type_long, .metadata = "{\"comment\":\"it's\"}"};
    ch_schema one = {.n = 1, .fields = &comment};
    ch_schema_ddl(&buf, &one);
    expect(&buf, "a BIGINT NOT NULL COMMENT 'it\\'s'");
    ch_type_sql(&buf, &ch_type_vector);
    expect(&buf, "STRUCT<type: TINYINT NOT NULL, size: INT, indices: ARRAY<INT>, values: ARRAY<DOUBLE>>");
    ch_type_catalog(&buf, &ch_type_vector);
    expect(&buf, "struct<type:tinyint,size:int,indices:array<int>,values:array<double>>");
    ch_type_simple(&buf, &ch_type_vector);
    expect(&buf, "vector");
}

static void writes_trees(void **state)
{
    (void)state;
    ch_buf buf = {0};
    ch_field inner[] = {{.name = "x\ny", .type = &ch_type_vector, .nullable = true}};
    ch_field fields[] = {
        {.name = "arr", .type = ch_type_array(arena, ch_type_struct(arena, inner, 1), true)},
        {.name = "m", .type = ch_type_map(arena, &ch_type_string, &ch_type_int, false), .nullable = true},
        {.name = "d", .type = ch_type_decimal(arena, 10, 2), .nullable = true},
    };
    ch_schema schema = {.n = 3, .fields = fields};
    ch_schema_tree(&buf, &schema, 0);
    expect(&buf, "root\n"
                 " |-- arr: array (nullable = false)\n"
                 " |    |-- element: struct (containsNull = true)\n"
                 " |    |    |-- x\\ny: vector (nullable = true)\n"
                 " |-- m: map (nullable = true)\n"
                 " |    |-- key: string\n"
                 " |    |-- value: integer (valueContainsNull = false)\n"
                 " |-- d: decimal(10,2) (nullable = true)\n");
    ch_schema_tree(&buf, &schema, 1);
    expect(&buf, "root\n"
                 " |-- arr: array (nullable = false)\n"
                 " |-- m: map (nullable = true)\n"
                 " |-- d: decimal(10,2) (nullable = true)\n");
}

static void writes_simple_and_engine_types(void **state)
{
    (void)state;
    ch_buf buf = {0};
    ch_schema schema = every_type();
    const ch_type *all = ch_type_struct(arena, schema.fields, 4);
    ch_type_simple(&buf, all);
    expect(&buf, "struct<arr:array<int>,m:map<string,int>,st:struct<x:int,y y:string>,d:decimal(10,2)>");
    ch_type_duckdb(&buf, all);
    expect(&buf,
           "STRUCT(\"arr\" INTEGER[], \"m\" MAP(VARCHAR, INTEGER), \"st\" STRUCT(\"x\" INTEGER, \"y y\" VARCHAR), "
           "\"d\" DECIMAL(10,2))");
    ch_field many[27];
    for (int i = 0; i < 27; i++) {
        many[i] = (ch_field){.name = ch_arena_printf(arena, "c%d", i), .type = &ch_type_long};
    }
    ch_type_simple(&buf, ch_type_struct(arena, many, 27));
    assert_non_null(strstr(ch_buf_text(&buf), "c24:bigint,... 2 more fields>"));
    ch_buf_reset(&buf);
    ch_type_duckdb(&buf, &ch_type_vector);
    expect(&buf, "STRUCT(\"type\" TINYINT, \"size\" INTEGER, \"indices\" INTEGER[], \"values\" DOUBLE[])");
}

static const char VECTOR_JSON[] =
    "{\"type\":\"struct\",\"fields\":[{\"name\":\"v\",\"type\":{\"type\":\"udt\","
    "\"class\":\"org.apache.spark.ml.linalg.VectorUDT\",\"pyClass\":\"pyspark.ml.linalg.VectorUDT\","
    "\"sqlType\":{\"type\":\"struct\",\"fields\":[{\"name\":\"type\",\"type\":\"byte\",\"nullable\":false,"
    "\"metadata\":{}},{\"name\":\"size\",\"type\":\"integer\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"indices\",\"type\":{\"type\":\"array\",\"elementType\":\"integer\",\"containsNull\":false},"
    "\"nullable\":true,\"metadata\":{}},{\"name\":\"values\",\"type\":{\"type\":\"array\",\"elementType\":\"double\","
    "\"containsNull\":false},\"nullable\":true,\"metadata\":{}}]}},\"nullable\":true,"
    "\"metadata\":{\"ml_attr\":{\"num_attrs\":2,\"min\":1.0E-6,\"x\":[\"a\\\"\",true,null,-1]}}}]}";

static void json_round_trips(void **state)
{
    (void)state;
    ch_error err;
    ch_buf buf = {0}, again = {0};
    ch_schema schema = every_type();
    ch_schema_json(&buf, &schema);
    const ch_type *back;
    assert_int_equal(ch_type_from_json(arena, buf.data, buf.len, &back, &err), 0);
    ch_type before = {.kind = CH_STRUCT, .nfield = schema.n, .fields = schema.fields};
    assert_true(ch_type_equal(&before, back, true));
    ch_type_json(&again, back);
    expect(&again, ch_buf_text(&buf));
    ch_buf_reset(&buf);

    assert_int_equal(ch_type_from_json(arena, VECTOR_JSON, strlen(VECTOR_JSON), &back, &err), 0);
    assert_int_equal(back->fields[0].type->kind, CH_VECTOR);
    ch_type_json(&again, back);
    expect(&again, VECTOR_JSON);
}

static void json_as_python_writes_it(void **state)
{
    (void)state;
    ch_error err;
    const ch_type *t;
    const char *json = "{\"fields\": [{\"metadata\": {}, \"name\": \"a\", \"nullable\": true, \"type\": "
                       "{\"containsNull\": true, \"elementType\": \"decimal(10, 2)\", \"type\": \"array\"}}], "
                       "\"type\": \"struct\"}";
    assert_int_equal(ch_type_from_json(arena, json, strlen(json), &t, &err), 0);
    assert_int_equal(t->fields[0].type->fields[0].type->precision, 10);
    assert_true(t->fields[0].nullable);
    assert_null(t->fields[0].metadata);
    assert_int_equal(ch_type_from_json(arena, "\"integer\"", 9, &t, &err), 0);
    assert_ptr_equal(t, &ch_type_int);
}

static void json_errors_are_spark_s(void **state)
{
    (void)state;
    static const struct {
        const char *json, *condition, *part;
    } cases[] = {
        {"{\"type\":\"struct\"}", "INVALID_JSON_DATA_TYPE", "'{\"type\":\"struct\"}'"},
        {"{\"type\":\"struct\"", "INVALID_JSON_DATA_TYPE", ""},
        {"\"int\"", "INVALID_JSON_DATA_TYPE", "'int'"},
        {"\"char(3\"", "INVALID_JSON_DATA_TYPE", "char(3"},
        {"\"decimal(50,2)\"", "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION",
         "Decimal precision 50 exceeds max precision 38."},
        {"\"decimal(5,-2)\"", "INVALID_JSON_DATA_TYPE", "decimal(5,-2)"},
        {"{\"type\":\"array\",\"elementType\":\"integer\"}", "INVALID_JSON_DATA_TYPE",
         "'{\"type\":\"array\",\"elementType\":\"integer\"}'"},
        {"{\"type\":\"udt\",\"class\":\"foo.Bar\",\"sqlType\":\"integer\"}", "UNSUPPORTED_DATATYPE", "foo.Bar"},
        {"12", "INVALID_JSON_DATA_TYPE", "12"},
        {"", "INVALID_JSON_DATA_TYPE", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_error err;
        const ch_type *t;
        assert_int_not_equal(ch_type_from_json(arena, cases[i].json, strlen(cases[i].json), &t, &err), 0);
        assert_string_equal(err.condition, cases[i].condition);
        assert_non_null(strstr(err.message, cases[i].part));
    }
    ch_buf deep = {0};
    for (int i = 0; i < 500; i++) ch_buf_str(&deep, "{\"type\":\"array\",\"containsNull\":true,\"elementType\":");
    ch_buf_str(&deep, "\"integer\"");
    for (int i = 0; i < 500; i++) ch_buf_char(&deep, '}');
    ch_error err;
    const ch_type *t;
    assert_int_not_equal(ch_type_from_json(arena, deep.data, deep.len, &t, &err), 0);
    assert_string_equal(err.condition, "INVALID_JSON_DATA_TYPE");
    ch_buf_reset(&deep);
}

static void compares_and_copies(void **state)
{
    (void)state;
    const ch_type *a = ch_type_array(arena, &ch_type_int, true), *b = ch_type_array(arena, &ch_type_int, false);
    assert_true(ch_type_equal(a, b, false));
    assert_false(ch_type_equal(a, b, true));
    ch_field lower = {.name = "a", .type = &ch_type_int}, upper = {.name = "A", .type = &ch_type_int};
    assert_true(ch_type_equal(ch_type_struct(arena, &lower, 1), ch_type_struct(arena, &upper, 1), false));
    assert_false(ch_type_equal(ch_type_struct(arena, &lower, 1), ch_type_struct(arena, &upper, 1), true));
    assert_false(ch_type_equal(ch_type_decimal(arena, 10, 2), ch_type_decimal(arena, 10, 3), false));

    ch_arena *other = ch_arena_new();
    const ch_type *copy = ch_type_copy(arena, ch_type_struct(other, &lower, 1));
    ch_arena_free(other);
    assert_true(ch_type_equal(copy, ch_type_struct(arena, &lower, 1), true));
    assert_ptr_equal(ch_type_copy(arena, &ch_type_vector), &ch_type_vector);
    assert_ptr_equal(ch_type_storage(&ch_type_matrix), &ch_type_matrix_storage);
    assert_true(ch_type_is_integral(&ch_type_byte) && !ch_type_is_integral(&ch_type_float));
    assert_true(ch_type_is_numeric(ch_type_decimal(arena, 3, 1)) && !ch_type_is_numeric(&ch_type_boolean));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_ddl, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_trees, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_simple_and_engine_types, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_round_trips, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_as_python_writes_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(json_errors_are_spark_s, set_up, tear_down),
        cmocka_unit_test_setup_teardown(compares_and_copies, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
