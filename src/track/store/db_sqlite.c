/* db_sqlite.c: the store in one SQLite file.
 *
 * What a commit promises. The file is in WAL mode with synchronous=NORMAL: a commit hands its pages to the operating
 * system before it returns, so that no end of the process, kill -9 included, loses what a client was told is stored.
 * Waiting for the disk on top of it (FULL) guards against a loss of power only, and would cost each client that logs
 * alone 5 to 10 ms a call on ordinary disks against 0.05 ms. Instead a thread of the store forces the log to disk
 * within a second: that is the most that a power cut can take, and never leaves the file inconsistent.
 * `sqlite:///path?synchronous=full` asks for FULL; clients that log at once share the wait (see ch_db_write).
 *
 * The same thread copies the log back into the file, so that no client waits for it. */
#include "track/store/db_driver.h"

#include "base/buf.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    ONCE_MAX = 8,              /* statements made up for one query that a connection remembers */
    CHECKPOINT_PAGES = 1000,   /* pages in the log from which on they are copied back */
    LOG_PAGES_MAX = 16000,     /* ... even if writers must wait meanwhile: 64 MB */
    READER_CACHE_KB = 6 << 10, /* the most page cache of a connection */
    WRITER_CACHE_KB = 8 << 10,
    BUSY_MS = 10000 /* for tools that have opened the file beside us */
};

/* What all connections share. */
typedef struct store {
    char *path, *log_path;
    int lock_file;
    bool full;      /* synchronous=FULL */
    bool read_only; /* beside its server */
    pthread_t keeper;
    bool keeper_runs;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stopping, dirty; /* dirty: commits that the disk may not have yet */
    _Atomic int log_pages;
} store;

typedef struct prepared {
    const char *text; /* the address of the text is the key; NULL: free */
    sqlite3_stmt *statement;
} prepared;

typedef struct connection {
    ch_db base;
    sqlite3 *sqlite;
    prepared *kept; /* open addressing, capacity a power of two */
    size_t nkept, capacity;
    sqlite3_stmt *once[ONCE_MAX];
    int next_once;
    sqlite3_stmt *current; /* NULL: preparing it failed with `failed` */
    int failed;
} connection;

static connection *of(const ch_db *db)
{
    return (connection *)(void *)(uintptr_t)db;
}

/* --- errors ---- */

static int report(const connection *c, int code, ch_error *err)
{
    const char *text = sqlite3_errmsg(c->sqlite);
    bool no_space = (code & 0xff) == SQLITE_IOERR && sqlite3_system_errno(c->sqlite) == ENOSPC;
    if (code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_ROWID) {
        int status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the store has such a row already: %s", text);
        snprintf(err->condition, sizeof err->condition, "%s", CH_DB_DUPLICATE);
        return status;
    }
    if (no_space || (code & 0xff) == SQLITE_FULL) {
        return ch_failf(err, CH_E_MEMORY, "the disk of the store is full: %s", text);
    }
    switch (code & 0xff) {
    case SQLITE_NOMEM: return ch_no_memory(err);
    case SQLITE_TOOBIG: return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "too much for one row of the store: %s", text);
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE: return ch_bug(err, "the store refused a statement: %s", text);
    default: return ch_failf(err, CH_E_IO, "the store failed: %s (SQLite error %d)", text, code);
    }
}

/* --- statements ---- */

static size_t place_of(const connection *c, const char *text)
{
    size_t mask = c->capacity - 1;
    size_t at = ((uintptr_t)text * (uintptr_t)0x9E3779B97F4A7C15u >> 32) & mask;
    while (c->kept[at].text && c->kept[at].text != text) at = (at + 1) & mask;
    return at;
}

static int prepare(connection *c, const char *text, unsigned flags, sqlite3_stmt **out)
{
    int code = sqlite3_prepare_v3(c->sqlite, text, -1, flags, out, NULL);
    return code ? sqlite3_extended_errcode(c->sqlite) : 0;
}

static int keep(connection *c, const char *text)
{
    if (c->nkept * 2 >= c->capacity) {
        prepared *old = c->kept;
        size_t n = c->capacity;
        c->capacity = n ? n * 2 : 128;
        c->kept = calloc(c->capacity, sizeof *c->kept);
        if (!c->kept) {
            c->kept = old;
            c->capacity = n;
            return SQLITE_NOMEM;
        }
        for (size_t i = 0; i < n; i++) {
            if (old[i].text) c->kept[place_of(c, old[i].text)] = old[i];
        }
        free(old);
    }
    size_t at = place_of(c, text);
    if (!c->kept[at].text) {
        int code = prepare(c, text, SQLITE_PREPARE_PERSISTENT, &c->kept[at].statement);
        if (code) return code;
        c->kept[at].text = text;
        c->nkept++;
    }
    c->current = c->kept[at].statement;
    return 0;
}

/* Statements for one query often come back with other parameters: the last few are found again by their text. */
static int keep_once(connection *c, const char *text)
{
    for (int i = 0; i < ONCE_MAX; i++) {
        if (c->once[i] && strcmp(sqlite3_sql(c->once[i]), text) == 0) {
            c->current = c->once[i];
            return 0;
        }
    }
    sqlite3_stmt **slot = &c->once[c->next_once];
    c->next_once = (c->next_once + 1) % ONCE_MAX;
    sqlite3_finalize(*slot);
    *slot = NULL;
    int code = prepare(c, text, 0, slot);
    c->current = *slot;
    return code;
}

static void choose(ch_db *db, const char *sql, bool once)
{
    connection *c = of(db);
    if (c->current) sqlite3_reset(c->current);
    c->current = NULL;
    c->failed = once ? keep_once(c, sql) : keep(c, sql);
    if (c->current) sqlite3_clear_bindings(c->current);
}

/* A failed binding is remembered until the run. */
static void bound(connection *c, int code)
{
    if (code && !c->failed) c->failed = code;
}

static void bind_int(ch_db *db, int parameter, int64_t value)
{
    connection *c = of(db);
    if (c->current) bound(c, sqlite3_bind_int64(c->current, parameter, value));
}

static void bind_double(ch_db *db, int parameter, double value)
{
    connection *c = of(db);
    if (c->current) bound(c, sqlite3_bind_double(c->current, parameter, value));
}

static void bind_text(ch_db *db, int parameter, const char *text)
{
    connection *c = of(db);
    if (c->current) bound(c, sqlite3_bind_text(c->current, parameter, text, -1, SQLITE_STATIC));
}

static int step(connection *c, bool *more, ch_error *err)
{
    *more = false;
    if (!c->current || c->failed) return report(c, c->failed ? c->failed : SQLITE_MISUSE, err);
    int code = sqlite3_step(c->current);
    if (code == SQLITE_ROW) {
        *more = true;
        return 0;
    }
    int status = code == SQLITE_DONE ? 0 : report(c, sqlite3_extended_errcode(c->sqlite), err);
    sqlite3_reset(c->current);
    return status;
}

static int run(ch_db *db, ch_error *err)
{
    connection *c = of(db);
    bool more;
    CH_TRY(step(c, &more, err));
    if (!more) return 0;
    sqlite3_reset(c->current);
    return ch_bug(err, "a statement of the store gave rows to nobody");
}

static int next_row(ch_db *db, bool *more, ch_error *err)
{
    return step(of(db), more, err);
}

static int script(ch_db *db, const char *sql, ch_error *err)
{
    connection *c = of(db);
    if (c->current) sqlite3_reset(c->current);
    c->current = NULL;
    int code = sqlite3_exec(c->sqlite, sql, NULL, NULL, NULL);
    return code ? report(c, sqlite3_extended_errcode(c->sqlite), err) : 0;
}

static int64_t changes(const ch_db *db)
{
    return sqlite3_changes64(of(db)->sqlite);
}

static int64_t get_int(const ch_db *db, int column)
{
    return sqlite3_column_int64(of(db)->current, column);
}

static double get_double(const ch_db *db, int column)
{
    return sqlite3_column_double(of(db)->current, column);
}

static const char *get_text(const ch_db *db, int column)
{
    return (const char *)sqlite3_column_text(of(db)->current, column);
}

static bool is_null(const ch_db *db, int column)
{
    return sqlite3_column_type(of(db)->current, column) == SQLITE_NULL;
}

static bool in_transaction(const ch_db *db)
{
    return !sqlite3_get_autocommit(of(db)->sqlite);
}

static bool is_broken(const ch_db *db)
{
    return in_transaction(db); /* it could not be undone */
}

static bool should_retry(const ch_error *err)
{
    (void)err;
    return false;
}

/* --- connections ---- */

static void disconnect(ch_db *db)
{
    connection *c = of(db);
    for (size_t i = 0; i < c->capacity; i++) sqlite3_finalize(c->kept[i].statement);
    for (int i = 0; i < ONCE_MAX; i++) sqlite3_finalize(c->once[i]);
    free(c->kept);
    sqlite3_close_v2(c->sqlite);
    free(c);
}

static int on_log_grown(void *arg, sqlite3 *sqlite, const char *name, int pages)
{
    (void)sqlite;
    (void)name;
    atomic_store_explicit(&((store *)arg)->log_pages, pages, memory_order_relaxed);
    return SQLITE_OK;
}

static int set_up(connection *c, const store *s, bool writes, ch_error *err)
{
    char pragmas[400];
    snprintf(pragmas, sizeof pragmas,
             "PRAGMA journal_mode = WAL; PRAGMA synchronous = %s; PRAGMA cache_size = -%d; PRAGMA foreign_keys = ON;"
             "PRAGMA temp_store = MEMORY; PRAGMA case_sensitive_like = ON; PRAGMA query_only = %s;",
             s->full ? "FULL" : "NORMAL", writes ? WRITER_CACHE_KB : READER_CACHE_KB, writes ? "OFF" : "ON");
    return script(&c->base, pragmas, err);
}

static int connect_file(void *shared, bool writes, ch_db **out, ch_error *err)
{
    store *s = shared;
    connection *c = calloc(1, sizeof *c);
    if (!c) return ch_no_memory(err);
    c->base.driver = &ch_db_sqlite;
    int flags = s->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(s->path, &c->sqlite, flags, NULL);
    int status = 0;
    if (code) {
        status = ch_failf(err, CH_E_IO, "the store %s cannot be opened: %s", s->path,
                          c->sqlite ? sqlite3_errmsg(c->sqlite) : sqlite3_errstr(code));
    }
    if (!status) {
        sqlite3_busy_timeout(c->sqlite, BUSY_MS);
        status = set_up(c, s, writes, err);
    }
    if (!status && writes) sqlite3_wal_hook(c->sqlite, on_log_grown, s);
    if (status) {
        disconnect(&c->base);
        return status;
    }
    *out = &c->base;
    return 0;
}

/* --- the thread that keeps the log small and on disk ---- */

static void sync_log(const store *s)
{
    int file = open(s->log_path, O_RDWR | O_CLOEXEC);
    if (file < 0) return; /* copied back and removed */
    if (fdatasync(file)) ch_log(CH_LOG_ERROR, "the log of the store could not be forced to disk: %s", strerror(errno));
    close(file);
}

/* *db: the keeper's own connection, NULL until it is needed. */
static void checkpoint(store *s, ch_db **db)
{
    ch_error err;
    int pages = atomic_load_explicit(&s->log_pages, memory_order_relaxed);
    if (pages < CHECKPOINT_PAGES) return;
    if (!*db && connect_file(s, true, db, &err)) {
        ch_log(CH_LOG_ERROR, "%s", err.message);
        return;
    }
    sqlite3 *sqlite = of(*db)->sqlite;
    int mode = pages < LOG_PAGES_MAX ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART;
    int code = sqlite3_wal_checkpoint_v2(sqlite, NULL, mode, NULL, NULL);
    if (code && (code & 0xff) != SQLITE_BUSY) {
        ch_log(CH_LOG_ERROR, "the log of the store could not be copied back: %s", sqlite3_errmsg(sqlite));
    }
}

static void *keep_log(void *arg)
{
    store *s = arg;
    ch_db *db = NULL;
    pthread_mutex_lock(&s->mutex);
    while (!s->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        while (!s->stopping && pthread_cond_timedwait(&s->wake, &s->mutex, &until) != ETIMEDOUT) {
        }
        if (!s->dirty) continue;
        s->dirty = false;
        pthread_mutex_unlock(&s->mutex);
        sync_log(s);
        checkpoint(s, &db);
        pthread_mutex_lock(&s->mutex);
    }
    pthread_mutex_unlock(&s->mutex);
    if (db) disconnect(db);
    return NULL;
}

static void committed(void *shared, ch_db *db)
{
    (void)db;
    store *s = shared;
    pthread_mutex_lock(&s->mutex);
    s->dirty = true;
    pthread_mutex_unlock(&s->mutex);
}

/* --- opening ---- */

/* Whether the path still leads to the open file. */
static bool is_at(int fd, const char *path)
{
    struct stat here, there;
    return fstat(fd, &here) == 0 && stat(path, &there) == 0 && here.st_dev == there.st_dev &&
           here.st_ino == there.st_ino;
}

/* Opens the lock file and takes it; again when its last owner has removed it between the two. */
static int take_lock(store *s, const char *path, ch_error *err)
{
    for (;;) {
        s->lock_file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (s->lock_file < 0) {
            return ch_failf(err, CH_E_IO, "the store %s cannot be opened: %s: %s", s->path, path, strerror(errno));
        }
        if (flock(s->lock_file, LOCK_EX | LOCK_NB)) {
            char owner[32] = "";
            ssize_t n = pread(s->lock_file, owner, sizeof owner - 1, 0);
            return ch_failf(err, CH_E_IO,
                            "the store %s is in use by another chert process%s%.*s: stop it, or name another store",
                            s->path, n > 0 ? ", number " : "", (int)(n > 0 ? n : 0), owner);
        }
        if (is_at(s->lock_file, path)) return 0;
        close(s->lock_file);
    }
}

/* Takes the lock file beside the store, so that no two servers write into one file; a process that ends in whatever way
 * leaves it free. It holds the owner's number, for the message. */
static int lock_store(store *s, ch_error *err)
{
    char path[4096], owner[32];
    if (snprintf(path, sizeof path, "%s.lock", s->path) >= (int)sizeof path) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the path of the store is too long");
    }
    CH_TRY(take_lock(s, path, err));
    int n = snprintf(owner, sizeof owner, "%ld", (long)getpid());
    if (ftruncate(s->lock_file, 0) || pwrite(s->lock_file, owner, (size_t)n, 0) != n) {
        return ch_failf(err, errno == ENOSPC ? CH_E_MEMORY : CH_E_IO, "%s: %s", path, strerror(errno));
    }
    return 0;
}

/* "sqlite:///relative", "sqlite:////absolute" or a path; "?synchronous=full" may follow the first two. */
static int read_name(store *s, const char *name, ch_error *err)
{
    bool is_url = strncmp(name, "sqlite:", 7) == 0;
    if (is_url && strncmp(name, "sqlite:///", 10) != 0) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the store %s is not written sqlite:///path", name);
    }
    if (is_url) name += 10;
    size_t len = is_url ? strcspn(name, "?") : strlen(name);
    if (is_url && name[len]) {
        if (strcmp(name + len, "?synchronous=full") != 0) {
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "unknown option %s of the store; there is ?synchronous=full",
                            name + len);
        }
        s->full = true;
    }
    if (len == 0 || strncmp(name, ":memory:", 8) == 0) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the store needs the path of a file");
    }
    if (asprintf(&s->path, "%.*s", (int)len, name) < 0 || asprintf(&s->log_path, "%s-wal", s->path) < 0) {
        return ch_no_memory(err);
    }
    return 0;
}

static pthread_once_t configured = PTHREAD_ONCE_INIT;

static void configure(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* counts under a lock that nobody reads */
}

static int open_store(const char *name, bool read_only, void **shared, ch_error *err)
{
    pthread_once(&configured, configure);
    store *s = calloc(1, sizeof *s);
    if (!s) return ch_no_memory(err);
    *shared = s; /* ch_db_close frees what there is also after a failure */
    s->lock_file = -1;
    s->read_only = read_only;
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->wake, NULL);
    CH_TRY(read_name(s, name, err));
    if (read_only) return 0;
    CH_TRY(lock_store(s, err));
    if (pthread_create(&s->keeper, NULL, keep_log, s)) return ch_no_memory(err);
    s->keeper_runs = true;
    return 0;
}

/* The lock file goes last: who finds it gone may make a new store. */
static void remove_files(const store *s)
{
    static const char *const ENDINGS[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++) {
        char path[4096];
        if (snprintf(path, sizeof path, "%s%s", s->path, ENDINGS[i]) < (int)sizeof path) unlink(path);
    }
}

static void close_store(void *shared, bool discard)
{
    store *s = shared;
    if (s->keeper_runs) {
        pthread_mutex_lock(&s->mutex);
        s->stopping = true;
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->mutex);
        pthread_join(s->keeper, NULL);
    }
    if (discard) remove_files(s);
    if (s->lock_file >= 0) close(s->lock_file);
    pthread_mutex_destroy(&s->mutex);
    pthread_cond_destroy(&s->wake);
    free(s->path);
    free(s->log_path);
    free(s);
}

const ch_db_driver ch_db_sqlite = {
    .dialect = CH_SQLITE,
    .one_writer = true,
    .begin_read = "BEGIN",
    .begin_write = "BEGIN IMMEDIATE",
    .open = open_store,
    .close = close_store,
    .connect = connect_file,
    .disconnect = disconnect,
    .is_broken = is_broken,
    .in_transaction = in_transaction,
    .should_retry = should_retry,
    .committed = committed,
    .script = script,
    .sql = choose,
    .bind_int = bind_int,
    .bind_double = bind_double,
    .bind_text = bind_text,
    .run = run,
    .changes = changes,
    .next_row = next_row,
    .get_int = get_int,
    .get_double = get_double,
    .get_text = get_text,
    .is_null = is_null,
};
