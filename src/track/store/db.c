/* db.c: connections, transactions and the version of the store, whatever the database: what differs is behind a
 * ch_db_driver (db_sqlite.c, db_postgres.c). */
#include "track/store/db.h"
#include "track/store/db_driver.h"
#include "track/store/schema.h"

#include "base/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    GROUP_MAX = 64, /* functions that share one transaction: bounds what the last of them waits for */
    RETRY_MAX = 20  /* times that a transaction is run again because others got in its way */
};

/* Connections of one kind. */
typedef struct connections {
    ch_db *idle;
    int open, most;
    bool writes;
    pthread_cond_t freed;
} connections;

/* A function that waits for the one writer. */
typedef struct job {
    int (*fn)(ch_db *db, void *arg, ch_error *err);
    void *arg;
    ch_error *err;
    int status;
    bool done;
    pthread_cond_t wake; /* done, or first in the queue with nobody leading */
    struct job *next;
} job;

struct ch_db_pool {
    const ch_db_driver *driver;
    void *shared; /* the driver's */
    pthread_mutex_t lock;
    connections readers, writers;
    job *first, *last; /* the queue for the one writer */
    bool leading;      /* a thread runs a group */
    bool is_new;       /* the schema was made by this process */
};

ch_dialect ch_db_pool_dialect(const ch_db_pool *pool)
{
    return pool->driver->dialect;
}

ch_dialect ch_db_dialect(const ch_db *db)
{
    return db->driver->dialect;
}

/* --- the current statement ---- */

void ch_db_sql(ch_db *db, const char *sql)
{
    db->driver->sql(db, sql, false);
}

void ch_db_sql_once(ch_db *db, const char *sql)
{
    db->driver->sql(db, sql, true);
}

void ch_db_int(ch_db *db, int parameter, int64_t value)
{
    db->driver->bind_int(db, parameter, value);
}

void ch_db_double(ch_db *db, int parameter, double value)
{
    db->driver->bind_double(db, parameter, value);
}

void ch_db_text(ch_db *db, int parameter, const char *text)
{
    db->driver->bind_text(db, parameter, text);
}

void ch_db_null(ch_db *db, int parameter)
{
    db->driver->bind_text(db, parameter, NULL);
}

int ch_db_run(ch_db *db, ch_error *err)
{
    return db->driver->run(db, err);
}

void ch_db_begin_bulk(ch_db *db)
{
    if (db->driver->begin_bulk) db->driver->begin_bulk(db);
}

int ch_db_end_bulk(ch_db *db, ch_error *err)
{
    return db->driver->end_bulk ? db->driver->end_bulk(db, err) : 0;
}

int64_t ch_db_changes(const ch_db *db)
{
    return db->driver->changes(db);
}

int ch_db_next(ch_db *db, bool *more, ch_error *err)
{
    return db->driver->next_row(db, more, err);
}

int64_t ch_db_get_int(const ch_db *db, int column)
{
    return db->driver->get_int(db, column);
}

double ch_db_get_double(const ch_db *db, int column)
{
    return db->driver->get_double(db, column);
}

const char *ch_db_get_text(const ch_db *db, int column)
{
    return db->driver->get_text(db, column);
}

bool ch_db_is_null(const ch_db *db, int column)
{
    return db->driver->is_null(db, column);
}

bool ch_db_is_duplicate(const ch_error *err)
{
    return strcmp(err->condition, CH_DB_DUPLICATE) == 0;
}

int ch_db_script(ch_db *db, const char *sql, ch_error *err)
{
    return db->driver->script(db, sql, err);
}

/* --- connections ---- */

/* Waits for a connection that is free. The lock is held. */
static int take(ch_db_pool *pool, connections *from, ch_db **out, ch_error *err)
{
    while (!from->idle && from->open >= from->most) pthread_cond_wait(&from->freed, &pool->lock);
    *out = from->idle;
    if (*out) {
        from->idle = (*out)->next;
        return 0;
    }
    from->open++;
    pthread_mutex_unlock(&pool->lock);
    int status = pool->driver->connect(pool->shared, from->writes, out, err);
    pthread_mutex_lock(&pool->lock);
    if (status) {
        from->open--;
        pthread_cond_signal(&from->freed);
    }
    return status;
}

static int take_one(ch_db_pool *pool, connections *from, ch_db **out, ch_error *err)
{
    pthread_mutex_lock(&pool->lock);
    int status = take(pool, from, out, err);
    pthread_mutex_unlock(&pool->lock);
    return status;
}

static void give_back(ch_db_pool *pool, connections *to, ch_db *db)
{
    bool broken = pool->driver->is_broken(db);
    if (broken) pool->driver->disconnect(db);
    pthread_mutex_lock(&pool->lock);
    if (broken) {
        to->open--;
    } else {
        db->next = to->idle;
        to->idle = db;
    }
    pthread_cond_signal(&to->freed);
    pthread_mutex_unlock(&pool->lock);
}

static void close_all(ch_db_pool *pool, connections *list)
{
    while (list->idle) {
        ch_db *db = list->idle;
        list->idle = db->next;
        pool->driver->disconnect(db);
    }
    pthread_cond_destroy(&list->freed);
}

/* --- transactions ---- */

/* Runs a statement of transaction control. */
static int control(ch_db *db, const char *sql, ch_error *err)
{
    ch_db_sql(db, sql);
    return ch_db_run(db, err);
}

/* Undoes; what goes wrong with it leaves a broken connection, which give_back sees. */
static void undo(ch_db *db)
{
    ch_error ignored;
    if (db->driver->in_transaction(db)) control(db, "ROLLBACK", &ignored);
}

/* A connection with a transaction begun. Idle connections that were lost meanwhile are replaced. */
static int take_begun(ch_db_pool *pool, connections *from, const char *begin, ch_db **out, ch_error *err)
{
    int status = 1;
    for (int i = 0; i <= from->most && status; i++) {
        CH_TRY(take_one(pool, from, out, err));
        status = control(*out, begin, err);
        if (!status) return 0;
        bool broken = pool->driver->is_broken(*out);
        undo(*out);
        give_back(pool, from, *out);
        *out = NULL;
        if (!broken) return status;
    }
    return status;
}

int ch_db_read(ch_db_pool *pool, int (*fn)(ch_db *db, void *arg, ch_error *err), void *arg, ch_error *err)
{
    ch_db *db;
    CH_TRY(take_begun(pool, &pool->readers, pool->driver->begin_read, &db, err));
    int status = fn(db, arg, err);
    undo(db);
    give_back(pool, &pool->readers, db);
    return status;
}

/* Runs fn in the transaction that was begun, and ends it. */
static int finish(ch_db *db, int (*fn)(ch_db *db, void *arg, ch_error *err), void *arg, ch_error *err)
{
    err->kind = CH_OK; /* fn may fail for reasons of its own without filling it */
    err->condition[0] = '\0';
    int status = fn(db, arg, err);
    if (!status) status = control(db, "COMMIT", err);
    if (status) undo(db);
    return status;
}

static int write_alone(ch_db_pool *pool, int (*fn)(ch_db *db, void *arg, ch_error *err), void *arg, ch_error *err)
{
    for (unsigned attempt = 0;; attempt++) {
        ch_db *db;
        CH_TRY(take_begun(pool, &pool->writers, pool->driver->begin_write, &db, err));
        int status = finish(db, fn, arg, err);
        give_back(pool, &pool->writers, db);
        if (!status || attempt == RETRY_MAX || !pool->driver->should_retry(err)) return status;
        usleep((unsigned)rand() % (1000 * (attempt + 1))); /* let the others finish */
    }
}

/* Runs the jobs of a group behind a savepoint each. Fails when the transaction itself was lost, in which case nothing
 * that the jobs did is left; otherwise each job's status is its own. */
static int run_jobs(ch_db *db, job *group, ch_error *err)
{
    for (job *j = group; j; j = j->next) {
        CH_TRY(control(db, "SAVEPOINT job", err));
        j->status = j->fn(db, j->arg, j->err);
        if (j->status && !db->driver->in_transaction(db)) {
            *err = *j->err;
            return j->status;
        }
        if (j->status) CH_TRY(control(db, "ROLLBACK TO job", err));
        CH_TRY(control(db, "RELEASE job", err));
    }
    return control(db, "COMMIT", err);
}

/* Runs a group of jobs in one transaction. */
static void run_group(ch_db_pool *pool, job *group)
{
    ch_db *db;
    ch_error err;
    int status = take_begun(pool, &pool->writers, pool->driver->begin_write, &db, &err);
    if (!status && !group->next) { /* alone: no need of a savepoint */
        group->status = finish(db, group->fn, group->arg, group->err);
    } else if (!status) {
        status = run_jobs(db, group, &err);
        if (status) undo(db);
    }
    for (job *j = group; j && status; j = j->next) {
        j->status = status;
        *j->err = err;
    }
    if (!db) return;
    if (pool->driver->committed) pool->driver->committed(pool->shared, db);
    give_back(pool, &pool->writers, db);
}

/* The first of the queue leads: it runs its own function and those that queued up behind it, which meanwhile sleep. */
static int write_in_group(ch_db_pool *pool, job *own)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->last)
        pool->last->next = own;
    else
        pool->first = own;
    pool->last = own;
    while (!own->done && (pool->leading || pool->first != own)) pthread_cond_wait(&own->wake, &pool->lock);
    if (!own->done) {
        job *end = own;
        for (int n = 1; n < GROUP_MAX && end->next; n++) end = end->next;
        pool->first = end->next;
        if (!pool->first) pool->last = NULL;
        end->next = NULL;
        pool->leading = true;
        pthread_mutex_unlock(&pool->lock);

        run_group(pool, own);

        pthread_mutex_lock(&pool->lock);
        pool->leading = false;
        for (job *j = own, *next; j; j = next) {
            next = j->next;
            j->done = true;
            pthread_cond_signal(&j->wake);
        }
        if (pool->first) pthread_cond_signal(&pool->first->wake);
    }
    pthread_mutex_unlock(&pool->lock);
    return own->status;
}

int ch_db_write(ch_db_pool *pool, int (*fn)(ch_db *db, void *arg, ch_error *err), void *arg, ch_error *err)
{
    if (!pool->driver->one_writer) return write_alone(pool, fn, arg, err);
    job own = {.fn = fn, .arg = arg, .err = err};
    pthread_cond_init(&own.wake, NULL);
    int status = write_in_group(pool, &own);
    pthread_cond_destroy(&own.wake);
    return status;
}

/* --- opening ---- */

/* The version of the store, 0 when it is empty. */
static int read_version(ch_db *db, int *version, ch_error *err)
{
    bool more;
    ch_db_sql(db, db->driver->dialect == CH_SQLITE
                      ? "SELECT count(*) FROM sqlite_master WHERE name = 'meta'"
                      : "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'meta'");
    CH_TRY(ch_db_next(db, &more, err));
    *version = 0;
    if (ch_db_get_int(db, 0) == 0) return 0;
    ch_db_sql(db, "SELECT value FROM meta WHERE key = 'schema_version'");
    CH_TRY(ch_db_next(db, &more, err));
    if (!more) return ch_failf(err, CH_E_IO, "the store has a table 'meta' but no schema version: it is not chert's");
    *version = atoi(ch_db_get_text(db, 0));
    return 0;
}

/* Of several processes that start on one database, one makes or migrates the schema and the others see what it did:
 * they wait for a lock that ends with the transaction, and look only then. */
static int take_turns(ch_db *db, ch_error *err)
{
    if (db->driver->dialect != CH_POSTGRES) return 0; /* the lock file keeps others away */
    return ch_db_script(db,
                        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED;"
                        "DO $$ BEGIN PERFORM pg_advisory_xact_lock(1667786098, 1); END $$;", /* "cher" in ASCII */
                        err);
}

static int migrate(ch_db *db, void *arg, ch_error *err)
{
    bool *is_new = arg;
    int version;
    CH_TRY(take_turns(db, err));
    CH_TRY(read_version(db, &version, err));
    *is_new = version == 0;
    int newest = ch_schema_version();
    if (version > newest) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "the store has schema version %d, made by a newer chert; this one knows versions up to %d",
                        version, newest);
    }
    ch_buf script = {0};
    for (int at = version; at < newest; at++) ch_schema_script(at, db->driver->dialect, &script);
    int status = version < newest ? ch_db_script(db, script.data, err) : 0;
    ch_buf_reset(&script);
    if (!status && version > 0 && version < newest) {
        ch_log(CH_LOG_INFO, "store migrated from schema version %d to %d", version, newest);
    }
    return status;
}

static int check_version(ch_db *db, void *arg, ch_error *err)
{
    const char *store = arg;
    int version;
    CH_TRY(read_version(db, &version, err));
    if (version == ch_schema_version()) return 0;
    return ch_failf(
        err, CH_E_ILLEGAL_ARGUMENT,
        "the store %s has schema version %d, this program reads version %d; `chert serve` brings older ones "
        "up to date",
        store, version, ch_schema_version());
}

static int open_pool(const char *store, int readers, bool read_only, ch_db_pool **out, ch_error *err)
{
    bool is_postgres = strncmp(store, "postgresql://", 13) == 0 || strncmp(store, "postgres://", 11) == 0;
    ch_db_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return ch_no_memory(err);
    pool->driver = is_postgres ? &ch_db_postgres : &ch_db_sqlite;
    pthread_mutex_init(&pool->lock, NULL);
    pool->readers = (connections){.most = readers};
    pool->writers = (connections){.most = pool->driver->one_writer ? 1 : readers, .writes = true};
    pthread_cond_init(&pool->readers.freed, NULL);
    pthread_cond_init(&pool->writers.freed, NULL);
    int status = pool->driver->open(store, read_only, &pool->shared, err);
    if (!status) {
        status = read_only ? ch_db_read(pool, check_version, (void *)(uintptr_t)store, err)
                           : ch_db_write(pool, migrate, &pool->is_new, err);
    }
    if (status) {
        ch_db_close(pool);
        return status;
    }
    *out = pool;
    return 0;
}

int ch_db_open(const char *store, int readers, ch_db_pool **out, ch_error *err)
{
    return open_pool(store, readers, false, out, err);
}

int ch_db_open_reading(const char *store, ch_db_pool **out, ch_error *err)
{
    return open_pool(store, 1, true, out, err);
}

bool ch_db_is_new(const ch_db_pool *pool)
{
    return pool->is_new;
}

static void close_pool(ch_db_pool *pool, bool discard)
{
    if (!pool) return;
    close_all(pool, &pool->readers);
    close_all(pool, &pool->writers);
    if (pool->shared) pool->driver->close(pool->shared, discard);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void ch_db_close(ch_db_pool *pool)
{
    close_pool(pool, false);
}

void ch_db_discard(ch_db_pool *pool)
{
    close_pool(pool, true);
}
