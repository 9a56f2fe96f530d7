/* stored.c: the register of a session's tables of outside data. */
#include "frame/session/stored.h"

#include "base/log.h"
#include "frame/session/session_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum entry_state { FILLING, READY, FAILED } entry_state;

/* Counted by the register (as long as it is listed) and by every plan that uses it. */
typedef struct entry {
    atomic_int refs;
    entry_state state;  /* this and what follows: guarded by the session's lock */
    unsigned long used; /* when it was last asked for, by the register's clock */
    size_t bytes;
    char *key, *table;
} entry;

struct ch_stored {
    ch_map *entries; /* key -> entry */
    unsigned long clock;
    size_t budget; /* bytes; 0: not asked for yet */
};

static void entry_release(void *arg)
{
    entry *e = arg;
    if (atomic_fetch_sub(&e->refs, 1) != 1) return;
    free(e->key);
    free(e->table);
    free(e);
}

static entry *entry_new(const char *key, const char *table)
{
    entry *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    atomic_init(&e->refs, 1);
    e->key = strdup(key);
    e->table = strdup(table);
    if (e->key && e->table) return e;
    entry_release(e);
    return NULL;
}

/* A quarter of the engine's memory limit ("12.3 GiB"). */
static size_t find_budget(duckdb_connection con)
{
    enum { DEFAULT_MB = 512 };
    size_t budget = (size_t)DEFAULT_MB << 20;
    duckdb_result result;
    if (duckdb_query(con, "SELECT current_setting('memory_limit')", &result) == DuckDBSuccess) {
        char *text = duckdb_value_varchar(&result, 0, 0);
        double number = 0;
        char unit = 0;
        if (text && sscanf(text, "%lf %c", &number, &unit) == 2 && number > 0) {
            const char *units = strchr("KMGT", unit);
            double scale = 1024;
            for (const char *u = "KMGT"; units && u < units; u++) scale *= 1024;
            budget = (size_t)(number * scale / 4);
        }
        duckdb_free(text);
    }
    duckdb_destroy_result(&result);
    return budget;
}

/* Takes the longest unused entries off the register until the rest fits; gives them as an array ended by NULL, for the
 * caller to drop without the lock. */
static entry **take_surplus(struct ch_stored *stored)
{
    entry **taken = calloc(ch_map_size(stored->entries) + 1, sizeof *taken);
    for (size_t n = 0; taken; n++) {
        size_t total = 0;
        entry *oldest = NULL;
        const char *key;
        void *value;
        for (size_t at = 0; ch_map_next(stored->entries, &at, &key, &value);) {
            entry *e = value;
            total += e->bytes;
            bool idle = e->state == READY && atomic_load(&e->refs) == 1;
            if (idle && (!oldest || e->used < oldest->used)) oldest = e;
        }
        if (total <= stored->budget || !oldest) break;
        taken[n] = ch_map_remove(stored->entries, oldest->key);
    }
    return taken;
}

static void drop_surplus(ch_session *s, duckdb_connection con)
{
    pthread_mutex_lock(&s->lock);
    entry **taken = take_surplus(s->stored);
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; taken && taken[i]; i++) {
        ch_error err;
        char sql[160];
        snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS %s", taken[i]->table);
        if (ch_engine_run(con, sql, &err)) ch_log(CH_LOG_WARN, "%s: %s", sql, err.message);
        entry_release(taken[i]);
    }
    free(taken);
}

static void hold(entry *e, ch_arena *holder, const char **table)
{
    atomic_fetch_add(&e->refs, 1);
    ch_arena_defer(holder, entry_release, e);
    *table = e->table;
}

/* Under the session's lock: the entry of a key when it is ready, after waiting for whoever fills it. */
static entry *find_ready(ch_session *s, const char *key)
{
    if (!s->stored) return NULL;
    entry *e;
    while ((e = ch_map_get(s->stored->entries, key)) && e->state == FILLING) pthread_cond_wait(&s->filled, &s->lock);
    if (e) e->used = ++s->stored->clock;
    return e;
}

void ch_stored_find(ch_session *s, ch_arena *holder, const char *key, const char **table)
{
    *table = NULL;
    pthread_mutex_lock(&s->lock);
    entry *e = find_ready(s, key);
    if (e) hold(e, holder, table);
    pthread_mutex_unlock(&s->lock);
}

/* Runs fill for a listed entry in state FILLING; takes it off the register again if that fails. */
static int fill_entry(ch_session *s, entry *e, ch_stored_fill fill, void *context, ch_error *err)
{
    duckdb_connection con = NULL;
    size_t bytes = 0, budget = 0;
    int status = ch_engine_connect(s, &con, err);
    if (!status) budget = find_budget(con);
    if (!status) status = fill(context, con, e->table, &bytes, err);
    if (status && con) {
        ch_error ignored;
        char sql[160];
        snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS %s", e->table);
        ch_engine_run(con, sql, &ignored);
    }
    pthread_mutex_lock(&s->lock);
    e->state = status ? FAILED : READY;
    e->bytes = bytes;
    s->stored->budget = budget;
    if (status) ch_map_remove(s->stored->entries, e->key);
    pthread_cond_broadcast(&s->filled);
    pthread_mutex_unlock(&s->lock);
    if (!status) drop_surplus(s, con);
    ch_engine_disconnect(s, &con);
    return status;
}

/* Under the session's lock: the register, made when first needed. */
static struct ch_stored *get_register(ch_session *s)
{
    if (!s->stored) {
        s->stored = calloc(1, sizeof *s->stored);
        if (s->stored) s->stored->entries = ch_map_new();
    }
    return s->stored;
}

size_t ch_stored_budget(ch_session *s)
{
    pthread_mutex_lock(&s->lock);
    struct ch_stored *stored = get_register(s);
    size_t budget = stored ? stored->budget : 0;
    pthread_mutex_unlock(&s->lock);
    duckdb_connection con;
    ch_error ignored;
    if (budget || !stored || ch_engine_connect(s, &con, &ignored)) return budget;
    budget = find_budget(con);
    ch_engine_disconnect(s, &con);
    pthread_mutex_lock(&s->lock);
    stored->budget = budget;
    pthread_mutex_unlock(&s->lock);
    return budget;
}

int ch_stored_get(ch_session *s, ch_arena *holder, const char *key, const char *prefix, ch_stored_fill fill,
                  void *context, const char **table, ch_error *err)
{
    char *name = ch_session_table(s, holder, prefix);
    pthread_mutex_lock(&s->lock);
    get_register(s);
    entry *e = find_ready(s, key);
    bool mine = !e && s->stored && (e = entry_new(key, name));
    if (mine) {
        e->used = ++s->stored->clock;
        ch_map_put(s->stored->entries, key, e);
    }
    if (e) hold(e, holder, table);
    pthread_mutex_unlock(&s->lock);
    if (!e) return ch_no_memory(err);
    if (!mine) return 0;
    int status = fill_entry(s, e, fill, context, err);
    if (status) entry_release(e); /* the register's reference; the holder has its own */
    return status;
}

void ch_stored_close(ch_session *s)
{
    if (!s->stored) return;
    ch_map_free(s->stored->entries, entry_release);
    free(s->stored);
    s->stored = NULL;
}
