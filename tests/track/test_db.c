/* test_db.c: the database layer: transactions, groups of writers, one server a file. */
#include "track/store/db.h"

#include "testing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITERS = 16, ROUNDS = 25 };

typedef struct fixture {
    char folder[64], path[80];
    ch_db_pool *pool;
} fixture;

static int open_store(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/chert-db-XXXXXX");
    ch_error err;
    if (!mkdtemp(f->folder)) return -1;
    snprintf(f->path, sizeof f->path, "%s/store.db", f->folder);
    *state = f;
    return ch_db_open(f->path, 3, &f->pool, &err);
}

static int close_store(void **state)
{
    fixture *f = *state;
    ch_db_close(f->pool);
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    int status = system(command);
    free(f);
    return status;
}

static int add_tag(ch_db *db, int64_t run, const char *key, const char *value, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO tags(run, key, value) VALUES (?1, ?2, ?3)");
    ch_db_int(db, 1, run);
    ch_db_text(db, 2, key);
    ch_db_text(db, 3, value);
    return ch_db_run(db, err);
}

static int add_one(ch_db *db, void *arg, ch_error *err)
{
    (void)arg;
    return add_tag(db, 1, "a", "b", err);
}

static int add_then_fail(ch_db *db, void *arg, ch_error *err)
{
    (void)arg;
    CH_TRY(add_tag(db, 1, "kept", "no", err));
    return 77;
}

static int count_tags(ch_db *db, void *arg, ch_error *err)
{
    bool more;
    ch_db_sql(db, "SELECT count(*) FROM tags");
    CH_TRY(ch_db_next(db, &more, err));
    *(int64_t *)arg = ch_db_get_int(db, 0);
    return 0;
}

static int64_t tags_in(ch_db_pool *pool)
{
    int64_t n = -1;
    ch_error err;
    assert_int_equal(ch_db_read(pool, count_tags, &n, &err), 0);
    return n;
}

static void a_failed_function_leaves_nothing(void **state)
{
    fixture *f = *state;
    ch_error err;
    assert_int_equal(ch_db_write(f->pool, add_then_fail, NULL, &err), 77);
    assert_int_equal(tags_in(f->pool), 0);
    assert_int_equal(ch_db_write(f->pool, add_one, NULL, &err), 0);
    assert_int_equal(tags_in(f->pool), 1);
}

static void a_second_row_with_the_key_is_told_apart(void **state)
{
    fixture *f = *state;
    ch_error err;
    assert_int_equal(ch_db_write(f->pool, add_one, NULL, &err), 0);
    assert_int_not_equal(ch_db_write(f->pool, add_one, NULL, &err), 0);
    assert_true(ch_db_is_duplicate(&err));
    assert_int_equal(tags_in(f->pool), 1);
}

static int write_in_a_reader(ch_db *db, void *arg, ch_error *err)
{
    return add_one(db, arg, err);
}

static void readers_cannot_write(void **state)
{
    fixture *f = *state;
    ch_error err;
    assert_int_not_equal(ch_db_read(f->pool, write_in_a_reader, NULL, &err), 0);
}

static int bad_sql(ch_db *db, void *arg, ch_error *err)
{
    (void)arg;
    ch_db_sql(db, "SELECT a FROM nowhere WHERE a = ?1");
    ch_db_int(db, 1, 5);
    return ch_db_run(db, err);
}

static void a_mistake_in_sql_is_reported_by_the_run(void **state)
{
    fixture *f = *state;
    ch_error err;
    assert_int_equal(ch_db_write(f->pool, bad_sql, NULL, &err), CH_E_INTERNAL);
    assert_non_null(strstr(err.message, "nowhere"));
}

typedef struct writer {
    ch_db_pool *pool;
    int64_t number, failed;
    char key[16];
    bool fails;
} writer;

static int add_own(ch_db *db, void *arg, ch_error *err)
{
    const writer *w = arg;
    CH_TRY(add_tag(db, w->number, w->key, "x", err));
    return w->fails ? 77 : 0;
}

static void *write_much(void *arg)
{
    writer *w = arg;
    ch_error err;
    for (int i = 0; i < ROUNDS; i++) {
        snprintf(w->key, sizeof w->key, "k%d", i);
        w->fails = (i + w->number) % 3 == 0;
        w->failed += w->fails;
        if (ch_db_write(w->pool, add_own, w, &err) != (w->fails ? 77 : 0)) w->failed = -1000;
    }
    return NULL;
}

static void writers_at_once_keep_their_own_outcomes(void **state)
{
    fixture *f = *state;
    pthread_t threads[WRITERS];
    writer writers[WRITERS] = {0};
    int64_t expected = WRITERS * ROUNDS;
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (writer){.pool = f->pool, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_much, &writers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(writers[i].failed > 0);
        expected -= writers[i].failed;
    }
    assert_int_equal(tags_in(f->pool), expected);
}

static void what_was_written_is_there_after_opening_again(void **state)
{
    fixture *f = *state;
    ch_error err;
    assert_int_equal(ch_db_write(f->pool, add_one, NULL, &err), 0);
    ch_db_close(f->pool);
    char url[128];
    snprintf(url, sizeof url, "sqlite:///%s", f->path);
    assert_int_equal(ch_db_open(url, 3, &f->pool, &err), 0);
    assert_int_equal(tags_in(f->pool), 1);
}

static void a_second_server_is_refused(void **state)
{
    fixture *f = *state;
    ch_error err;
    ch_db_pool *second = NULL;
    assert_int_not_equal(ch_db_open(f->path, 3, &second, &err), 0);
    assert_non_null(strstr(err.message, "in use by another chert process"));
    assert_null(second);
}

static void what_was_discarded_leaves_no_file(void **state)
{
    fixture *f = *state;
    ch_error err;
    assert_true(ch_db_is_new(f->pool));
    assert_int_equal(ch_db_write(f->pool, add_one, NULL, &err), 0);
    ch_db_close(f->pool);
    assert_int_equal(ch_db_open(f->path, 3, &f->pool, &err), 0);
    assert_false(ch_db_is_new(f->pool));
    ch_db_discard(f->pool);
    f->pool = NULL;
    assert_int_equal(rmdir(f->folder), 0); /* as it is empty */
    assert_int_equal(mkdir(f->folder, 0700), 0);
    assert_int_equal(ch_db_open(f->path, 3, &f->pool, &err), 0);
    assert_true(ch_db_is_new(f->pool));
    assert_int_equal(tags_in(f->pool), 0);
}

/* Opens the store in a thread that finds the lock file there and then, perhaps, removed. */
static void *open_and_discard(void *arg)
{
    const char *path = arg;
    for (int i = 0; i < ROUNDS; i++) {
        ch_db_pool *pool;
        ch_error err;
        if (ch_db_open(path, 1, &pool, &err)) continue; /* the other has it */
        if (ch_db_write(pool, add_one, NULL, &err) || tags_in(pool) != 1) return arg;
        ch_db_discard(pool);
    }
    return NULL;
}

static void a_store_is_never_removed_under_another(void **state)
{
    fixture *f = *state;
    char path[80];
    snprintf(path, sizeof path, "%s/brief.db", f->folder);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, open_and_discard, path), 0);
    for (size_t i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_not_equal(access(path, F_OK), 0);
}

static int make_newer(ch_db *db, void *arg, ch_error *err)
{
    (void)arg;
    ch_db_sql(db, "UPDATE meta SET value = '999' WHERE key = 'schema_version'");
    return ch_db_run(db, err);
}

static void a_newer_schema_is_refused(void **state)
{
    fixture *f = *state;
    ch_error err;
    assert_int_equal(ch_db_write(f->pool, make_newer, NULL, &err), 0);
    ch_db_close(f->pool);
    f->pool = NULL;
    assert_int_not_equal(ch_db_open(f->path, 3, &f->pool, &err), 0);
    assert_non_null(strstr(err.message, "schema version 999"));
}

static int limit_size(ch_db *db, void *arg, ch_error *err)
{
    (void)arg;
    return ch_db_script(db, "PRAGMA max_page_count = 1", err); /* means: no page more than there are */
}

static int add_big(ch_db *db, void *arg, ch_error *err)
{
    return add_tag(db, 2, "big", arg, err);
}

/* SQLite treats the limit on pages as it treats a disk without space. */
static void a_full_disk_is_an_error_and_loses_nothing(void **state)
{
    fixture *f = *state;
    ch_error err;
    char *big = calloc(1, 1 << 20);
    memset(big, 'x', (1 << 20) - 1);
    assert_int_equal(ch_db_write(f->pool, add_one, NULL, &err), 0);
    assert_int_equal(ch_db_write(f->pool, limit_size, NULL, &err), 0);
    assert_int_equal(ch_db_write(f->pool, add_big, big, &err), CH_E_MEMORY);
    assert_int_equal(tags_in(f->pool), 1);
    free(big);
}

static void stores_that_cannot_be_are_named(void **state)
{
    (void)state;
    ch_error err;
    ch_db_pool *pool = NULL;
    assert_int_not_equal(ch_db_open("sqlite:///:memory:", 1, &pool, &err), 0);
    assert_int_not_equal(ch_db_open("sqlite://x", 1, &pool, &err), 0);
    assert_int_not_equal(ch_db_open("sqlite:////tmp/x.db?mode=ro", 1, &pool, &err), 0);
    assert_non_null(strstr(err.message, "?mode=ro"));
    assert_int_equal(ch_db_open("/nonexistent/store.db", 1, &pool, &err), CH_E_IO);
    assert_non_null(strstr(err.message, "/nonexistent/store.db"));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_failed_function_leaves_nothing),
        WITH_STORE(a_second_row_with_the_key_is_told_apart),
        WITH_STORE(readers_cannot_write),
        WITH_STORE(a_mistake_in_sql_is_reported_by_the_run),
        WITH_STORE(writers_at_once_keep_their_own_outcomes),
        WITH_STORE(what_was_written_is_there_after_opening_again),
        WITH_STORE(a_second_server_is_refused),
        WITH_STORE(what_was_discarded_leaves_no_file),
        WITH_STORE(a_store_is_never_removed_under_another),
        WITH_STORE(a_newer_schema_is_refused),
        WITH_STORE(a_full_disk_is_an_error_and_loses_nothing),
        cmocka_unit_test(stores_that_cannot_be_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
