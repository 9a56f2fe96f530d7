/* engine.c: the DuckDB database that all sessions share: opening, connections, running statements, watching them. */
#include "frame/engine/engine.h"

#include "base/log.h"
#include "base/thread.h"
#include "frame/session/session_internal.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    PAUSE_NS = 20000, /* first and longest wait for other threads' tasks, see ch_engine_execute */
    PAUSE_NS_MAX = 1000000,
    WATCH_MS = 10,           /* how soon a cancelled task stops its query */
    EXPRESSION_DEPTH = 10000 /* generated SQL nests deeper than the 1,000 that are meant for people's */
};

static char *make_temp_dir(const char *under)
{
    if (!under) under = getenv("TMPDIR");
    if (!under || !*under) under = "/tmp";
    size_t size = strlen(under) + sizeof "/chert-XXXXXX";
    char *path = malloc(size);
    if (!path) return NULL;
    snprintf(path, size, "%s/chert-XXXXXX", under);
    if (!mkdtemp(path)) {
        free(path);
        return NULL;
    }
    return path;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    remove(path);
    return 0;
}

static void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* Interrupts what was cancelled and passes on progress, every few milliseconds while anything is watched. An interrupt
 * that meets a query which is only about to start is lost, so a cancelled one gets it again each time. */
static void *watch_thread(void *arg)
{
    ch_engine *engine = arg;
    pthread_mutex_lock(&engine->lock);
    while (!engine->closing) {
        if (!engine->watched) {
            pthread_cond_wait(&engine->wake, &engine->lock);
            continue;
        }
        for (ch_watch *w = engine->watched; w; w = w->next) {
            if (atomic_load(&w->task->cancelled)) {
                duckdb_interrupt(w->con);
                continue;
            }
            duckdb_query_progress_type progress = duckdb_query_progress(w->con);
            if (progress.percentage > 0) ch_task_progress(w->task, "query", (long)progress.percentage, 100);
        }
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += WATCH_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        /* `wake` is signalled for new watches too; waiting again at once would be a busy loop, so sleep outside it */
        pthread_mutex_unlock(&engine->lock);
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        pthread_mutex_lock(&engine->lock);
    }
    pthread_mutex_unlock(&engine->lock);
    return NULL;
}

void ch_engine_watch(ch_engine *engine, ch_watch *watch, duckdb_connection con, ch_task *task)
{
    *watch = (ch_watch){.con = con, .task = task};
    if (!task) return;
    pthread_mutex_lock(&engine->lock);
    watch->next = engine->watched;
    watch->link = &engine->watched;
    if (watch->next) watch->next->link = &watch->next;
    engine->watched = watch;
    pthread_cond_signal(&engine->wake);
    pthread_mutex_unlock(&engine->lock);
}

void ch_engine_unwatch(ch_engine *engine, ch_watch *watch)
{
    if (!watch->link) return;
    pthread_mutex_lock(&engine->lock);
    *watch->link = watch->next;
    if (watch->next) watch->next->link = watch->link;
    watch->link = NULL;
    pthread_mutex_unlock(&engine->lock);
}

static int set_option(duckdb_config config, const char *key, const char *value, ch_error *err)
{
    if (duckdb_set_config(config, key, value) == DuckDBSuccess) return 0;
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The engine does not accept %s = %s", key, value);
}

static int make_config(const ch_engine *engine, const ch_engine_options *options, duckdb_config config, ch_error *err)
{
    char number[16];
    snprintf(number, sizeof number, "%d", options->threads > 0 ? options->threads : ch_threads());
    CH_TRY(set_option(config, "threads", number, err));
    snprintf(number, sizeof number, "%d", EXPRESSION_DEPTH);
    CH_TRY(set_option(config, "max_expression_depth", number, err));
    if (options->memory_limit) CH_TRY(set_option(config, "memory_limit", options->memory_limit, err));
    CH_TRY(set_option(config, "temp_directory", engine->temp_dir, err));
    /* sorting by a constant means nothing, but is no mistake */
    CH_TRY(set_option(config, "order_by_non_integer_literal", "true", err));
    /* no code is ever fetched */
    CH_TRY(set_option(config, "autoinstall_known_extensions", "false", err));
    CH_TRY(set_option(config, "autoload_known_extensions", "false", err));
    return set_option(config, "custom_user_agent", "chert", err);
}

static int open_database(ch_engine *engine, const ch_engine_options *options, ch_error *err)
{
    duckdb_config config;
    if (duckdb_create_config(&config) != DuckDBSuccess) return ch_no_memory(err);
    int status = make_config(engine, options, config, err);
    char *text = NULL;
    if (!status && duckdb_open_ext(NULL, &engine->db, config, &text) != DuckDBSuccess) {
        status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Cannot open the engine: %s", text ? text : "unknown reason");
    }
    duckdb_free(text);
    duckdb_destroy_config(&config);
    if (status) return status;
    duckdb_connection con;
    if (duckdb_connect(engine->db, &con) != DuckDBSuccess) return ch_no_memory(err);
    status = ch_engine_run(con, "BEGIN", err); /* one transaction: hundreds of small ones take twice the time */
    if (!status) status = ch_register_functions(con, err);
    if (!status) status = ch_engine_run(con, "COMMIT", err);
    duckdb_disconnect(&con);
    return status;
}

int ch_engine_open(const ch_engine_options *options, ch_engine **out, ch_error *err)
{
    static const ch_engine_options DEFAULTS = {0};
    if (!options) options = &DEFAULTS;
    *out = NULL;
    ch_engine *engine = calloc(1, sizeof *engine);
    if (!engine) return ch_no_memory(err);
    pthread_mutex_init(&engine->lock, NULL);
    pthread_cond_init(&engine->wake, NULL);
    engine->global_views = ch_map_new();
    engine->temp_dir = make_temp_dir(options->temp_dir);
    int status = 0;
    if (!engine->temp_dir) {
        status = ch_failf(err, CH_E_IO, "Cannot make a temporary folder: %s", strerror(errno));
    } else {
        status = open_database(engine, options, err);
    }
    if (!status && pthread_create(&engine->watcher, NULL, watch_thread, engine)) status = ch_no_memory(err);
    if (status) {
        engine->closing = true; /* there is no watcher to stop */
        ch_engine_close(engine);
        return status;
    }
    *out = engine;
    return 0;
}

void ch_engine_close(ch_engine *engine)
{
    if (!engine) return;
    if (!engine->closing) {
        pthread_mutex_lock(&engine->lock);
        engine->closing = true;
        pthread_cond_signal(&engine->wake);
        if (engine->nsession) ch_log(CH_LOG_WARN, "the engine is closed under %zu sessions", engine->nsession);
        pthread_mutex_unlock(&engine->lock);
        pthread_join(engine->watcher, NULL);
    }
    ch_map_free(engine->global_views, ch_view_release);
    if (engine->db) duckdb_close(&engine->db);
    if (engine->temp_dir) remove_tree(engine->temp_dir);
    free(engine->temp_dir);
    pthread_cond_destroy(&engine->wake);
    pthread_mutex_destroy(&engine->lock);
    free(engine);
}

const char *ch_engine_temp_dir(const ch_engine *engine)
{
    return engine->temp_dir;
}

/* --- connections --- */

/* "+02:00", "UTC+2", "GMT-03:00" name fixed offsets, whose whole hours the engine knows as Etc/GMT zones with the sign
 * turned round. */
bool ch_engine_zone(const char *spark_zone, char *out, size_t size)
{
    const char *offset = spark_zone;
    for (int i = 0; i < 3; i++) {
        static const char *const PREFIX[] = {"UTC", "GMT", "UT"};
        size_t len = strlen(PREFIX[i]);
        if (strncmp(spark_zone, PREFIX[i], len) == 0 && spark_zone[len] && strchr("+-", spark_zone[len])) {
            offset = spark_zone + len;
        }
    }
    if (strcmp(spark_zone, "Z") == 0) offset = "+0";
    if (*offset != '+' && *offset != '-') return (size_t)snprintf(out, size, "%s", spark_zone) < size;
    int hours = 0, minutes = 0, seconds = 0, end = 0;
    if (strspn(offset + 1, "0123456789:") != strlen(offset + 1)) return false;
    int found = sscanf(offset + 1, "%2d%n:%2d%n:%2d%n", &hours, &end, &minutes, &end, &seconds, &end);
    if (found < 1 || offset[1 + end] || hours > 18 || minutes || seconds) return false;
    if (hours == 0) return (size_t)snprintf(out, size, "UTC") < size;
    bool east = *offset == '+';
    if (hours > (east ? 14 : 12)) return false;
    return (size_t)snprintf(out, size, "Etc/GMT%c%d", east ? '-' : '+', hours) < size;
}

static int set_up(ch_session *s, duckdb_connection con, bool fresh, ch_error *err)
{
    ch_arena *arena = ch_arena_new();
    const char *zone = ch_config_find(s, arena, "spark.sql.session.timeZone");
    char name[128];
    ch_buf sql = {0};
    if (!zone || !ch_engine_zone(zone, name, sizeof name)) snprintf(name, sizeof name, "UTC");
    if (fresh) {
        /* The buffer of a stream holds some row groups of wide rows: with less, only one thread can fill it. */
        ch_buf_str(&sql, "SET enable_progress_bar = true; SET enable_progress_bar_print = false; "
                         "SET progress_bar_time = 0; SET streaming_buffer_size = '32MB'; ");
    }
    ch_buf_str(&sql, "SET TimeZone = ");
    ch_buf_sql_string(&sql, name);
    int status = ch_engine_run(con, ch_buf_text(&sql), err);
    ch_buf_reset(&sql);
    ch_arena_free(arena);
    return status;
}

/* Notes that con is given out. A connection that was closed rather than given back left its entry, which is found by
 * the address that is used again. */
static bool note_live(ch_session *s, ch_pooled entry)
{
    for (size_t i = 0; i < s->nlive; i++) {
        if (s->live[i].con != entry.con) continue;
        s->live[i] = entry;
        return true;
    }
    if (s->nlive == s->live_cap) {
        size_t cap = s->live_cap ? s->live_cap * 2 : 8;
        ch_pooled *live = realloc(s->live, cap * sizeof *live);
        if (!live) return false;
        s->live = live;
        s->live_cap = cap;
    }
    s->live[s->nlive++] = entry;
    return true;
}

int ch_engine_connect(ch_session *s, duckdb_connection *out, ch_error *err)
{
    *out = NULL;
    ch_pooled entry = {0};
    pthread_mutex_lock(&s->lock);
    unsigned long version = s->zone_version;
    if (s->npool) entry = s->pool[--s->npool];
    pthread_mutex_unlock(&s->lock);
    bool fresh = !entry.con;
    if (fresh && duckdb_connect(s->engine->db, &entry.con) != DuckDBSuccess) return ch_no_memory(err);
    int status = fresh || entry.zone_version != version ? set_up(s, entry.con, fresh, err) : 0;
    if (!status) {
        entry.zone_version = version;
        pthread_mutex_lock(&s->lock);
        if (!note_live(s, entry)) status = ch_no_memory(err);
        pthread_mutex_unlock(&s->lock);
    }
    if (status) {
        duckdb_disconnect(&entry.con);
        return status;
    }
    *out = entry.con;
    return 0;
}

void ch_engine_disconnect(ch_session *s, duckdb_connection *con)
{
    if (!*con) return;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->nlive; i++) {
        if (s->live[i].con != *con) continue;
        if (s->npool < CH_POOL_MAX) {
            s->pool[s->npool++] = s->live[i];
            *con = NULL;
        }
        s->live[i] = s->live[--s->nlive];
        break;
    }
    pthread_mutex_unlock(&s->lock);
    if (*con) duckdb_disconnect(con);
}

int ch_engine_run(duckdb_connection con, const char *sql, ch_error *err)
{
    duckdb_result result;
    int status = 0;
    if (duckdb_query(con, sql, &result) != DuckDBSuccess) status = ch_engine_error(duckdb_result_error(&result), err);
    duckdb_destroy_result(&result);
    return status;
}

int ch_engine_execute(duckdb_pending_result pending, duckdb_result *result, ch_error *err)
{
    struct timespec pause = {.tv_nsec = PAUSE_NS};
    for (;;) {
        duckdb_pending_state state = duckdb_pending_execute_task(pending);
        if (state == DUCKDB_PENDING_ERROR) return ch_engine_error(duckdb_pending_error(pending), err);
        if (duckdb_pending_execution_is_finished(state)) break;
        if (state != DUCKDB_PENDING_NO_TASKS_AVAILABLE) {
            pause.tv_nsec = PAUSE_NS;
            continue;
        }
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < PAUSE_NS_MAX) pause.tv_nsec *= 2;
    }
    if (duckdb_execute_pending(pending, result) == DuckDBSuccess) return 0;
    return ch_engine_error(duckdb_result_error(result), err);
}

void ch_engine_memory(ch_engine *engine, int64_t *memory, int64_t *spilled)
{
    static const char SQL[] = "SELECT sum(memory_usage_bytes)::BIGINT, sum(temporary_storage_bytes)::BIGINT "
                              "FROM duckdb_memory()";
    *memory = *spilled = 0;
    duckdb_connection con;
    duckdb_result result;
    if (duckdb_connect(engine->db, &con) != DuckDBSuccess) return;
    duckdb_state state = duckdb_query(con, SQL, &result);
    duckdb_data_chunk chunk = state == DuckDBSuccess ? duckdb_fetch_chunk(result) : NULL;
    if (chunk) {
        *memory = *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
        *spilled = *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1));
        duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    duckdb_disconnect(&con);
}

/* *changed: rows that the statement wrote. */
static int run_long(duckdb_connection con, const char *sql, long *changed, ch_error *err)
{
    duckdb_prepared_statement statement = NULL;
    duckdb_pending_result pending = NULL;
    duckdb_result result = {0};
    int status = 0;
    if (duckdb_prepare(con, sql, &statement) != DuckDBSuccess) {
        status = ch_engine_error(duckdb_prepare_error(statement), err);
    } else if (duckdb_pending_prepared(statement, &pending) != DuckDBSuccess) {
        status = ch_engine_error(pending ? duckdb_pending_error(pending) : "cannot start the statement", err);
    } else {
        status = ch_engine_execute(pending, &result, err);
        *changed = status ? 0 : (long)duckdb_rows_changed(&result);
        duckdb_destroy_result(&result);
    }
    duckdb_destroy_pending(&pending);
    duckdb_destroy_prepare(&statement);
    return status;
}

int ch_engine_run_long(duckdb_connection con, const char *sql, ch_error *err)
{
    long changed;
    return run_long(con, sql, &changed, err);
}

int ch_engine_run_task(ch_session *s, duckdb_connection con, const char *sql, ch_task *task, ch_error *err)
{
    CH_TRY(ch_task_check(task, err));
    ch_watch watch;
    ch_engine_watch(s->engine, &watch, con, task);
    long changed = 0;
    int status = run_long(con, sql, &changed, err);
    ch_engine_unwatch(s->engine, &watch);
    ch_task_count_rows(task, changed);
    return status;
}
