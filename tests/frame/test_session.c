/* Sessions: configuration as real Spark 4.1 answers it, clones, blobs; and what the engine's failures become. */
#include "frame_testing.h"

#include "frame/engine/engine.h"

#include <pthread.h>
#include <unistd.h>

static const char *get(frame_world *w, const char *key)
{
    ch_error err;
    const char *value;
    if (ch_config_get(w->session, w->arena, key, &value, &err)) return ch_arena_printf(w->arena, "!%s", err.condition);
    return value ? value : "(none)";
}

static const char *set(frame_world *w, const char *key, const char *value)
{
    ch_error err;
    if (ch_config_set(w->session, key, value, &err)) return ch_arena_printf(w->arena, "!%s", err.condition);
    return get(w, key);
}

static void test_configuration(void **state)
{
    frame_world *w = *state;
    ch_error err;
    assert_string_equal(get(w, "spark.sql.shuffle.partitions"), "200");
    assert_string_equal(get(w, "spark.sql.ansi.enabled"), "true");
    assert_string_equal(get(w, "spark.no.such.key"), "!SQL_CONF_NOT_FOUND");
    assert_string_equal(get(w, "spark.executor.memory"), "!SQL_CONF_NOT_FOUND");
    assert_string_equal(get(w, "spark.sql.streaming.checkpointLocation"), "(none)");
    assert_string_equal(set(w, "spark.sql.shuffle.partitions", "7"), "7");
    assert_int_equal(ch_config_unset(w->session, "spark.sql.shuffle.partitions", &err), 0);
    assert_string_equal(get(w, "spark.sql.shuffle.partitions"), "200");
    assert_string_equal(set(w, "spark.sql.shuffle.partitions", "abc"), "!INVALID_CONF_VALUE.TYPE_MISMATCH");
    assert_string_equal(set(w, "spark.sql.shuffle.partitions", "-1"), "!INVALID_CONF_VALUE.REQUIREMENT");
    assert_string_equal(set(w, "spark.sql.ansi.enabled", "maybe"), "!INVALID_CONF_VALUE.TYPE_MISMATCH");
    assert_string_equal(set(w, "spark.sql.mapKeyDedupPolicy", "foo"), "!INVALID_CONF_VALUE.OUT_OF_RANGE_OF_OPTIONS");
    assert_string_equal(set(w, "spark.sql.mapKeyDedupPolicy", "last_win"), "last_win");
    assert_string_equal(set(w, "spark.sql.warehouse.dir", "/x"), "!CANNOT_MODIFY_STATIC_CONFIG");
    assert_string_equal(set(w, "spark.driver.memory", "4g"), "!CANNOT_MODIFY_CONFIG");
    assert_string_equal(set(w, "spark.mlflow.modelRegistryUri", "y"), "y");
    assert_string_equal(set(w, "spark.sql.session.timeZone", "Mars/X"), "!INVALID_CONF_VALUE.TIME_ZONE");
    assert_string_equal(set(w, "spark.sql.session.timeZone", "+02:00"), "+02:00");
    assert_string_equal(set(w, "spark.sql.session.timeZone", "UTC+2"), "UTC+2");
    assert_string_equal(set(w, "spark.sql.session.timeZone", "Europe/Berlin"), "Europe/Berlin");
    assert_true(ch_config_modifiable(w->session, "spark.sql.shuffle.partitions"));
    assert_false(ch_config_modifiable(w->session, "spark.driver.memory"));
    assert_false(ch_config_modifiable(w->session, "spark.no.such.key"));
    size_t n;
    ch_option *all;
    ch_config_all(w->session, w->arena, "spark.sql.session", &n, &all);
    assert_int_equal(n, 1);
    assert_string_equal(all[0].value, "Europe/Berlin");
    assert_false(ch_config_bool(w->session, "spark.sql.caseSensitive"));
}

/* Pooled connections follow the session's zone: the local hour of one moment. */
static void test_time_zone_of_queries(void **state)
{
    frame_world *w = *state;
    ch_plan *hour = sql_plan(w, "select hour(timestamp_seconds(0))");
    assert_string_equal(set(w, "spark.sql.session.timeZone", "UTC"), "UTC");
    assert_string_equal(rows_of(w, hour), "0");
    assert_string_equal(set(w, "spark.sql.session.timeZone", "Asia/Tokyo"), "Asia/Tokyo");
    assert_string_equal(rows_of(w, hour), "9");
    assert_string_equal(set(w, "spark.sql.session.timeZone", "-03:00"), "-03:00");
    assert_string_equal(rows_of(w, hour), "21");
    assert_string_equal(set(w, "spark.sql.session.timeZone", "UTC"), "UTC");
    assert_string_equal(rows_of(w, hour), "0");
}

static void test_case_sensitive_names(void **state)
{
    frame_world *w = *state;
    ch_plan *plan = select_plan(w, sql_plan(w, "select 1 as a, 2 as A"), 1, "A");
    assert_string_equal(rows_of(w, plan), "!AMBIGUOUS_REFERENCE");
    assert_string_equal(set(w, "spark.sql.caseSensitive", "true"), "true");
    assert_string_equal(rows_of(w, plan), "2");
    assert_string_equal(set(w, "spark.sql.caseSensitive", "false"), "false");
}

static void test_clones_and_blobs(void **state)
{
    frame_world *w = *state;
    ch_error err;
    size_t size;
    assert_int_equal(ch_blob_put(w->session, "cache/1", "abc", 3, &err), 0);
    assert_true(ch_blob_has(w->session, "cache/1"));
    assert_false(ch_blob_has(w->session, "cache/2"));
    const void *first = ch_blob_get(w->session, "cache/1", &size);
    assert_int_equal(size, 3);
    assert_int_equal(ch_blob_put(w->session, "cache/1", "abc", 3, &err), 0);
    assert_ptr_equal(ch_blob_get(w->session, "cache/1", &size), first); /* borrowed ones stay */
    set(w, "spark.foo", "bar");
    ch_arena *arena = ch_arena_new();
    ch_plan *view = ch_plan_new(arena, CH_PLAN_RANGE, NULL);
    view->u.range.end = 2;
    view->u.range.step = 1;
    assert_int_equal(ch_view_create(w->session, "v", view, arena, true, false, &err), 0);
    frame_world clone = *w;
    assert_int_equal(ch_session_clone(w->session, &clone.session, &err), 0);
    assert_true(ch_view_drop(w->session, "v", false));
    assert_string_equal(get(&clone, "spark.foo"), "bar");
    assert_memory_equal(ch_blob_get(clone.session, "cache/1", &size), "abc", 3);
    assert_string_equal(rows_of(&clone, sql_plan(w, "select * from v")), "0;1");
    assert_string_equal(rows_of(w, sql_plan(w, "select * from v")), "!TABLE_OR_VIEW_NOT_FOUND");
    ch_session_release(clone.session);
}

static void test_many_sessions(void **state)
{
    frame_world *w = *state;
    ch_error err;
    ch_session *s[50];
    for (int i = 0; i < 50; i++) assert_int_equal(ch_session_open(w->engine, &s[i], &err), 0);
    for (int i = 0; i < 50; i++) {
        frame_world one = *w;
        one.session = s[i];
        assert_int_equal(ch_cache_add(s[i], range_plan(w, 0, 3, 1), "", &err), 0);
        assert_string_equal(rows_of(&one, range_plan(w, 0, 3, 1)), "0;1;2");
    }
    for (int i = 0; i < 50; i++) ch_session_release(s[i]);
    duckdb_connection con;
    assert_int_equal(ch_engine_connect(w->session, &con, &err), 0);
    duckdb_result result;
    assert_int_equal(
        duckdb_query(con, "SELECT count(*) FROM duckdb_databases() WHERE database_name LIKE 'sess_%'", &result),
        DuckDBSuccess);
    assert_int_equal(duckdb_value_int64(&result, 0, 0), 1);
    duckdb_destroy_result(&result);
    ch_engine_disconnect(w->session, &con);
}

typedef struct life {
    ch_engine *engine;
    int failures;
} life;

/* Sessions come and go, each with persisted rows, a checkpoint, a view and a setting of its own. */
static void *live(void *arg)
{
    life *l = arg;
    for (int i = 0; i < 20; i++) {
        frame_world w = {.engine = l->engine, .arena = ch_arena_new()};
        ch_error err;
        if (ch_session_open(l->engine, &w.session, &err)) {
            l->failures++;
            fprintf(stderr, "%s\n", err.message);
            ch_arena_free(w.arena);
            continue;
        }
        ch_plan *plan = with_column(&w, range_plan(&w, 0, 5000, 1), "x", "id + 1");
        ch_plan *again = ch_plan_new(w.arena, CH_PLAN_CACHED_REMOTE, NULL);
        again->u.remote_id = "c";
        bool failed = ch_cache_add(w.session, plan, "", &err) || ch_checkpoint(w.session, plan, NULL, "c", &err) ||
                      ch_config_set(w.session, "spark.sql.session.timeZone", i % 2 ? "UTC" : "Asia/Tokyo", &err);
        if (failed) fprintf(stderr, "%s\n", err.message);
        const char *rows = rows_of(&w, select_plan(&w, plan, 1, "max(x)"));
        const char *checkpoint = rows_of(&w, select_plan(&w, again, 1, "max(x)"));
        if (failed || strcmp(rows, "5000") != 0 || strcmp(checkpoint, "5000") != 0) l->failures++;
        ch_session_release(w.session);
        ch_arena_free(w.arena);
    }
    return NULL;
}

static void test_sessions_come_and_go(void **state)
{
    frame_world *w = *state;
    life l[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        l[i] = (life){.engine = w->engine};
        assert_int_equal(pthread_create(&threads[i], NULL, live, &l[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(l[i].failures, 0);
    }
}

static void test_temporary_folder(void **state)
{
    (void)state;
    ch_engine *engine;
    ch_error err;
    ch_engine_options options = {.temp_dir = "/no/such/folder"};
    assert_int_equal(ch_engine_open(&options, &engine, &err), CH_E_IO);
    options = (ch_engine_options){.threads = 1, .memory_limit = "200MB"};
    assert_int_equal(ch_engine_open(&options, &engine, &err), 0);
    char *path = strdup(ch_engine_temp_dir(engine)), file[512];
    assert_int_equal(access(path, W_OK), 0);
    snprintf(file, sizeof file, "%s/left", path);
    FILE *left = fopen(file, "w");
    assert_non_null(left);
    fclose(left);
    ch_engine_close(engine);
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
    options = (ch_engine_options){.memory_limit = "much"};
    assert_int_equal(ch_engine_open(&options, &engine, &err), CH_E_ILLEGAL_ARGUMENT);
}

/* --- failures of the engine --- */

static void expect_error(const char *text, int kind, const char *condition)
{
    ch_error err;
    assert_int_equal(ch_engine_error(text, &err), kind);
    assert_string_equal(err.condition, condition);
}

static void test_engine_errors(void **state)
{
    (void)state;
    ch_error err;
    expect_error("INTERRUPT Error: Interrupted!", CH_E_CANCELLED, "OPERATION_CANCELED");
    expect_error("Out of Range Error: Overflow in addition of INT32 (2147483647 + 1)!", CH_E_ARITHMETIC,
                 "ARITHMETIC_OVERFLOW");
    expect_error("Out of Range Error: Overflow in multiplication of INT16 (300 * 300)!", CH_E_ARITHMETIC,
                 "BINARY_ARITHMETIC_OVERFLOW");
    ch_engine_error("Out of Range Error: Overflow in subtraction of INT16 (-32768 - 1)!", &err);
    assert_string_equal(err.param_value[0], "-32768S");
    assert_string_equal(err.param_value[3], "`try_subtract`");
    expect_error("Conversion Error: Could not convert string 'it''s' to INT32", CH_E_NUMBER_FORMAT,
                 "CAST_INVALID_INPUT");
    expect_error(
        "Conversion Error: Type INT64 with value 3000000000 can't be cast because the value is out of range for "
        "the destination type INT32",
        CH_E_ARITHMETIC, "CAST_OVERFLOW");
    ch_engine_error(
        "Conversion Error: Type INT64 with value 3000000000 can't be cast because the value is out of range "
        "for the destination type INT32",
        &err);
    assert_string_equal(err.param_value[0], "3000000000L");
    assert_string_equal(err.param_value[2], "\"INT\"");
    expect_error("Conversion Error: Casting value \"123.45\" to type DECIMAL(3,2) failed: value is out of range!",
                 CH_E_ARITHMETIC, "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION");
    expect_error("Out of Memory Error: could not allocate block of size 256.0 KiB", CH_E_MEMORY, "");
    ch_engine_error("Out of Memory Error: failed to offload data block of size 256.0 KiB (17.7 MiB/17.9 MiB used).\n"
                    "You can adjust this setting, by using (for example) PRAGMA max_temp_directory_size='10GiB'",
                    &err);
    assert_string_equal(err.message, "The work does not fit into memory, and there is no room for it in the folder for "
                                     "temporary files (disk full): failed to offload data block of size 256.0 KiB "
                                     "(17.7 MiB/17.9 MiB used).");
    expect_error("IO Error: Cannot open file \"/tmp/x\": No such file or directory", CH_E_SPARK,
                 "FAILED_READ_FILE.FILE_NOT_EXIST");
    expect_error("Binder Error: nonsense", CH_E_INTERNAL, "INTERNAL_ERROR");
    expect_error("Something new", CH_E_SPARK, "");
    expect_error(NULL, CH_E_SPARK, "");
    expect_error("Invalid Input Error: [DIVIDE_BY_ZERO] config\x1f\"spark.sql.ansi.enabled\"", CH_E_ARITHMETIC,
                 "DIVIDE_BY_ZERO");
    /* hostile texts that only look like ours */
    expect_error("Invalid Input Error: [NO_SUCH_CONDITION] a", CH_E_INTERNAL, "INTERNAL_ERROR");
    expect_error("Invalid Input Error: [lower] a", CH_E_SPARK, "");
    expect_error("Invalid Input Error: [UNCLOSED", CH_E_SPARK, "");
    expect_error("Invalid Input Error: []", CH_E_INTERNAL, "INTERNAL_ERROR");
    char longest[4096] = "Invalid Input Error: [";
    memset(longest + strlen(longest), 'A', 3000);
    strcat(longest, "] x");
    expect_error(longest, CH_E_SPARK, "");
}

static void test_spilling(void **state)
{
    (void)state;
    ch_error err;
    void *inner;
    frame_world *w;
    assert_int_equal(world_setup(&inner), 0);
    w = inner;
    ch_session_release(w->session);
    ch_engine_close(w->engine);
    ch_engine_options options = {.threads = 2, .memory_limit = "60MB"};
    assert_int_equal(ch_engine_open(&options, &w->engine, &err), 0);
    assert_int_equal(ch_session_open(w->engine, &w->session, &err), 0);
    /* more rows than fit, persisted and sorted */
    ch_plan *plan =
        select_plan(w, range_plan(w, 0, 1000000, 1), 2, "id", "concat('a long text that takes room ', id) as s");
    assert_int_equal(ch_cache_add(w->session, plan, "", &err), 0);
    ch_plan *sorted = count_plan(w, CH_PLAN_OFFSET, sort_plan(w, plan, "s", true), 999999);
    assert_string_equal(rows_of(w, sorted), "0,a long text that takes room 0");
    assert_int_equal(world_teardown(&inner), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_time_zone_of_queries),
        cmocka_unit_test(test_case_sensitive_names),
        cmocka_unit_test(test_clones_and_blobs),
        cmocka_unit_test(test_many_sessions),
        cmocka_unit_test(test_sessions_come_and_go),
        cmocka_unit_test(test_temporary_folder),
        cmocka_unit_test(test_engine_errors),
        cmocka_unit_test(test_spilling),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
