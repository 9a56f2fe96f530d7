/* Rows from the client: Arrow streams written by pyarrow (tests/frame/data), read into tables of the session. */
#include "source_testing.h"

static ch_rel *local(const void *data, size_t size, const char *schema)
{
    ch_plan *plan = ch_arena_alloc(test_arena, sizeof *plan);
    *plan = (ch_plan){.kind = CH_PLAN_LOCAL, .plan_id = -1};
    plan->u.local.data = data;
    plan->u.local.size = size;
    plan->u.local.schema = schema;
    ch_scope scope = test_scope();
    ch_rel *rel = NULL;
    if (ch_source_local(&scope, plan, &rel, &test_err)) return NULL;
    return rel;
}

static ch_rel *local_file(const char *name, const char *schema)
{
    size_t size;
    void *bytes = load_data(name, &size);
    ch_rel *rel = local(bytes, size, schema);
    if (!rel) fail_msg("%s: %s", name, test_err.message);
    return rel;
}

static void all_widths_of_numbers(void **state)
{
    (void)state;
    ch_rel *rel = local_file("numbers.arrows", NULL);
    assert_string_equal(source_ddl(rel), "i8 TINYINT,u8 SMALLINT,i16 SMALLINT,u16 INT,i32 INT,u32 BIGINT,i64 BIGINT,"
                                         "u64 DECIMAL(20,0),f16 FLOAT,f32 FLOAT,f64 DOUBLE,d DECIMAL(22,2),b BOOLEAN");
    assert_string_equal(source_rows(rel),
                        "1|1|1|1|1|1|1|1|1.5|1.5|1.5|1.50|true\n"
                        "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL\n"
                        "-128|255|-32768|65535|-2147483648|4294967295|-9223372036854775808|18446744073709551615|-2.0|"
                        "NaN|1.0E300|-99999999999999999999.99|false\n");
}

static void texts_and_dictionaries(void **state)
{
    (void)state;
    ch_rel *rel = local_file("texts.arrows", NULL);
    assert_string_equal(source_ddl(rel),
                        "s STRING,ls STRING,bi BINARY,lb BINARY,fb BINARY,di STRING,dn STRING,nu VOID");
    assert_string_equal(
        source_rows(rel),
        "a||[41]|[41]|[61 62]|x|NULL|NULL\n"
        "NULL|NULL|NULL|NULL|NULL|y|NULL|NULL\n"
        "a text longer than twelve bytes \xC3\xA9|\xE6\x97\xA5\xE6\x9C\xAC|[FF FF FF FF FF FF FF FF FF FF "
        "FF FF FF FF FF FF FF FF FF FF]|[]|[63 64]|x|p|NULL\n");
}

static void times_of_all_units(void **state)
{
    (void)state;
    ch_rel *rel = local_file("times.arrows", NULL);
    assert_string_equal(source_ddl(rel),
                        "d32 DATE,d64 DATE,ts TIMESTAMP_NTZ,tms TIMESTAMP,tus TIMESTAMP,tns TIMESTAMP_NTZ,"
                        "du INTERVAL DAY TO SECOND,dns INTERVAL DAY TO SECOND,mdn INTERVAL");
    assert_string_equal(source_rows(rel),
                        "2020-01-02|2020-01-02|2020-01-02 03:04:05|2020-01-02 03:04:05.678|2020-01-02 03:04:05.678901|"
                        "2020-01-02 03:04:05.678901|INTERVAL '1 01:01:01.000001' DAY TO SECOND|"
                        "INTERVAL '0 00:00:00.000001' DAY TO SECOND|1 months -2 days 0.000003 seconds\n"
                        "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL\n"
                        "0001-01-01|1960-01-01|1969-12-31 23:59:59|1969-12-31 23:59:59.999|1969-12-31 23:59:59.999999|"
                        "1969-12-31 23:59:59.999999|INTERVAL '-0 00:00:00.000001' DAY TO SECOND|"
                        "INTERVAL '-0 00:00:00.000001' DAY TO SECOND|0 seconds\n");
}

static void nested_lists_maps_structs(void **state)
{
    (void)state;
    ch_rel *rel = local_file("nested.arrows", NULL);
    assert_string_equal(source_ddl(rel),
                        "l ARRAY<INT>,ll ARRAY<STRING>,fl ARRAY<DOUBLE>,lll ARRAY<ARRAY<BIGINT>>,m MAP<STRING, INT>,"
                        "s STRUCT<a: INT, b: STRING>,sl STRUCT<v: ARRAY<DOUBLE>>,ld ARRAY<STRUCT<q: BOOLEAN>>");
    assert_string_equal(source_rows(rel), "[1, NULL, 3]|[a]|[1.0, 2.0]|[[1], []]|{k -> 1, j -> NULL}|{1, x}|{[1.0]}|"
                                          "[{true}]\n"
                                          "NULL|NULL|NULL|[NULL]|NULL|NULL|NULL|NULL\n"
                                          "[]|[b, c]|[3.0, NULL]|NULL|{}|{NULL, NULL}|{NULL}|[NULL]\n");
}

/* The client's schema decides: UDTs, nullability, wider numbers, other names. */
static void schema_given(void **state)
{
    (void)state;
    ch_buf json = {0};
    ch_field field = {.name = "features", .type = &ch_type_vector, .nullable = true, .metadata = "{\"a\":1}"};
    ch_schema schema = {.n = 1, .fields = &field};
    ch_schema_json(&json, &schema);
    ch_rel *rel = local_file("vectors.arrows", ch_buf_text(&json));
    assert_int_equal(rel->cols[0].type->kind, CH_VECTOR);
    assert_string_equal(rel->cols[0].metadata, "{\"a\":1}");
    assert_string_equal(source_rows(rel), "[1.0,2.5]\nNULL\n(3,[0],[1.0])\n");
    ch_buf_reset(&json);

    rel = local_file("batches.arrows", "y DECIMAL(10,1) NOT NULL");
    assert_string_equal(source_ddl(rel), "y DECIMAL(10,1) NOT NULL");
    const char *rows = source_rows(rel);
    assert_memory_equal(rows, "0.0\n1.0\n2.0\n", 12);
    assert_string_equal(rows + strlen(rows) - 7, "4999.0\n");

    rel = local_file("times.arrows", "a DATE, b DATE, c TIMESTAMP, d TIMESTAMP_NTZ, e TIMESTAMP, f TIMESTAMP, "
                                     "g INTERVAL DAY TO SECOND, h INTERVAL DAY, i INTERVAL");
    assert_int_equal(rel->ncol, 9);
}

static void no_rows_or_no_columns(void **state)
{
    (void)state;
    assert_string_equal(source_rows(local_file("empty.arrows", NULL)), "");
    ch_rel *rel = local(NULL, 0, "a INT, b STRING");
    assert_string_equal(source_rows(rel), "");
    assert_string_equal(source_ddl(rel), "a INT,b STRING");
    rel = local_file("bare.arrows", NULL);
    assert_int_equal(rel->ncol, 0);
    assert_null(local(NULL, 0, NULL));
    assert_non_null(strstr(test_err.message, "Schema for LocalRelation is required"));
}

static void equal_bytes_are_stored_once(void **state)
{
    (void)state;
    ch_rel *a = local_file("numbers.arrows", NULL), *b = local_file("numbers.arrows", NULL);
    assert_string_equal(a->u.source.from, b->u.source.from);
    assert_memory_equal(a->fingerprint, b->fingerprint, sizeof a->fingerprint);
    assert_int_not_equal(a->cols[0].id, b->cols[0].id);
    ch_rel *c = local_file("texts.arrows", NULL);
    assert_string_not_equal(a->u.source.from, c->u.source.from);
}

/* Artifacts: chunks that are streams each (4.1), and one that is a whole LocalRelation message (4.0). */
static void cached_relations(void **state)
{
    (void)state;
    size_t size;
    void *bytes = load_data("batches.arrows", &size);
    assert_int_equal(ch_blob_put(test_session, "cache/aa", bytes, size, &test_err), 0);
    assert_int_equal(ch_blob_put(test_session, "cache/ss", "x LONG", 6, &test_err), 0);
    const char *hashes[] = {"aa", "aa"};
    ch_plan plan = {.kind = CH_PLAN_CACHED_LOCAL};
    plan.u.cached_local.nhash = 2;
    plan.u.cached_local.hashes = hashes;
    plan.u.cached_local.schema_hash = "ss";
    ch_scope scope = test_scope();
    ch_rel *rel;
    if (ch_source_local(&scope, &plan, &rel, &test_err)) fail_msg("%s", test_err.message);
    const char *rows = source_rows(rel);
    size_t lines = 0;
    for (const char *at = rows; *at; at++) lines += *at == '\n';
    assert_int_equal(lines, 10000);

    ch_buf message = {0};
    ch_buf_char(&message, '\x0A');
    ch_buf_char(&message, (char)((size & 0x7F) | 0x80));
    ch_buf_char(&message, (char)((size >> 7 & 0x7F) | 0x80));
    ch_buf_char(&message, (char)(size >> 14));
    ch_buf_add(&message, bytes, size);
    ch_buf_str(&message, "\x12\x06x LONG");
    assert_int_equal(ch_blob_put(test_session, "cache/bb", message.data, message.len, &test_err), 0);
    ch_buf_reset(&message);
    hashes[0] = "bb";
    plan.u.cached_local.nhash = 1;
    plan.u.cached_local.schema_hash = NULL;
    if (ch_source_local(&scope, &plan, &rel, &test_err)) fail_msg("%s", test_err.message);
    assert_string_equal(source_ddl(rel), "x BIGINT");
    assert_memory_equal(source_rows(rel), "0\n1\n", 4);

    hashes[0] = "nowhere";
    assert_int_not_equal(ch_source_local(&scope, &plan, &rel, &test_err), 0);
    assert_non_null(strstr(test_err.message, "nowhere"));
}

static void what_does_not_fit_is_an_error(void **state)
{
    (void)state;
    size_t size;
    char *bytes = load_data("numbers.arrows", &size);
    assert_null(local(bytes, size, "a INT")); /* one column for thirteen */
    assert_non_null(strstr(test_err.message, "13 columns"));
    bytes = load_data("batches.arrows", &size);
    assert_null(local(bytes, size, "x TINYINT")); /* 0..4999 */
    assert_string_equal(test_err.condition, "CAST_OVERFLOW");
    assert_null(local(bytes, size, "x STRING"));
    assert_non_null(strstr(test_err.message, "cannot be read as STRING"));
    assert_null(local(bytes, size, "x DECIMAL(3,0)"));
    assert_string_equal(test_err.condition, "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION");
    bytes = load_data("vectors.arrows", &size);
    assert_null(local(bytes, size,
                      "v STRUCT<type: TINYINT, size: INT, indices: ARRAY<INT>, values: ARRAY<DOUBLE>> "
                      "NOT NULL"));
    assert_string_equal(test_err.condition, "NOT_NULL_ASSERT_VIOLATION");
}

/* Every cut and every flipped byte of a stream gives rows or an error, never a crash. */
static void broken_streams_are_errors(void **state)
{
    (void)state;
    static const char *const names[] = {"nested.arrows", "texts.arrows", "vectors.arrows"};
    for (size_t f = 0; f < 3; f++) {
        size_t size, failures = 0;
        char *bytes = load_data(names[f], &size);
        for (size_t cut = 0; cut < size; cut += 41) failures += local(bytes, cut, NULL) == NULL;
        assert_true(failures > 10);
        for (size_t at = 0; at < size; at += 13) {
            bytes[at] = (char)(bytes[at] ^ 0x55);
            ch_rel *rel = local(bytes, size, NULL);
            if (rel) source_rows(rel);
            bytes[at] = (char)(bytes[at] ^ 0x55);
        }
        /* bytes that start anywhere in memory */
        assert_non_null(local(memmove(bytes + 3, bytes, size), size, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_widths_of_numbers),
        cmocka_unit_test(texts_and_dictionaries),
        cmocka_unit_test(times_of_all_units),
        cmocka_unit_test(nested_lists_maps_structs),
        cmocka_unit_test(schema_given),
        cmocka_unit_test(no_rows_or_no_columns),
        cmocka_unit_test(equal_bytes_are_stored_once),
        cmocka_unit_test(cached_relations),
        cmocka_unit_test(what_does_not_fit_is_an_error),
        cmocka_unit_test(broken_streams_are_errors),
    };
    return cmocka_run_group_tests(tests, open_session, close_session);
}
