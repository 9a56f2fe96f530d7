/* session.c: sessions: their life, temporary views and blobs. */
#include "base/log.h"
#include "frame/session/session_internal.h"
#include "frame/session/stored.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct blob {
    size_t size;
    unsigned char bytes[];
} blob;

/* --- life ----------------------------------------------------------------------------------------------------------
 */

static int attach_catalog(ch_session *s, ch_error *err)
{
    char sql[96];
    duckdb_connection con;
    if (duckdb_connect(s->engine->db, &con) != DuckDBSuccess) return ch_no_memory(err);
    snprintf(sql, sizeof sql, "ATTACH ':memory:' AS %s", s->catalog);
    int status = ch_engine_run(con, sql, err);
    duckdb_disconnect(&con);
    return status;
}

static void detach_catalog(ch_session *s)
{
    char sql[96];
    duckdb_connection con;
    ch_error err;
    if (duckdb_connect(s->engine->db, &con) != DuckDBSuccess) return;
    snprintf(sql, sizeof sql, "DETACH DATABASE IF EXISTS %s", s->catalog);
    if (ch_engine_run(con, sql, &err)) ch_log(CH_LOG_WARN, "cannot drop %s: %s", s->catalog, err.message);
    duckdb_disconnect(&con);
}

int ch_session_open(ch_engine *engine, ch_session **out, ch_error *err)
{
    *out = NULL;
    ch_session *s = calloc(1, sizeof *s);
    if (!s) return ch_no_memory(err);
    atomic_init(&s->refs, 1);
    s->engine = engine;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->filled, NULL);
    s->config = ch_map_new();
    s->views = ch_map_new();
    s->blobs = ch_map_new();
    s->checkpoints = ch_map_new();
    pthread_mutex_lock(&engine->lock);
    unsigned long number = ++engine->next_session;
    engine->nsession++;
    pthread_mutex_unlock(&engine->lock);
    char name[32];
    snprintf(name, sizeof name, "sess_%lu", number);
    s->catalog = strdup(name);
    int status = s->catalog ? attach_catalog(s, err) : ch_no_memory(err);
    if (status) {
        ch_session_release(s);
        return status;
    }
    *out = s;
    return 0;
}

ch_session *ch_session_retain(ch_session *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void ch_session_release(ch_session *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1) return;
    ch_cache_close(s);
    ch_stored_close(s);
    for (size_t i = 0; i < s->npool; i++) duckdb_disconnect(&s->pool[i].con);
    if (s->catalog) detach_catalog(s);
    ch_map_free(s->config, free);
    ch_map_free(s->views, ch_view_release);
    ch_map_free(s->blobs, free);
    free(s->live);
    free(s->catalog);
    if (s->fence_drop) s->fence_drop(s->fence_arg);
    pthread_mutex_lock(&s->engine->lock);
    s->engine->nsession--;
    pthread_mutex_unlock(&s->engine->lock);
    pthread_cond_destroy(&s->filled);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

ch_engine *ch_session_engine(const ch_session *s)
{
    return s->engine;
}

const char *ch_session_catalog(const ch_session *s)
{
    return s->catalog;
}

void ch_session_set_fence(ch_session *s, ch_fence fence, void *arg, void (*drop)(void *arg))
{
    s->fence = fence;
    s->fence_arg = arg;
    s->fence_drop = drop;
}

int ch_session_allow(ch_session *s, const char *path, bool write, ch_error *err)
{
    return s->fence ? s->fence(s->fence_arg, path, write, err) : 0;
}

char *ch_session_table(ch_session *s, ch_arena *arena, const char *prefix)
{
    pthread_mutex_lock(&s->lock);
    unsigned long number = ++s->next_table;
    pthread_mutex_unlock(&s->lock);
    return ch_arena_printf(arena, "%s.main.%s_%lu", s->catalog, prefix, number);
}

int ch_session_clone(ch_session *s, ch_session **out, ch_error *err)
{
    ch_session *copy;
    CH_TRY(ch_session_open(s->engine, &copy, err));
    const char *key;
    void *value;
    pthread_mutex_lock(&s->lock);
    for (size_t at = 0; ch_map_next(s->config, &at, &key, &value);) ch_map_put(copy->config, key, strdup(value));
    for (size_t at = 0; ch_map_next(s->views, &at, &key, &value);) ch_map_put(copy->views, key, ch_view_retain(value));
    for (size_t at = 0; ch_map_next(s->blobs, &at, &key, &value);) {
        const blob *from = value;
        blob *to = malloc(sizeof *to + from->size);
        if (!to) continue; /* the client sends a missing blob again */
        memcpy(to, from, sizeof *to + from->size);
        ch_map_put(copy->blobs, key, to);
    }
    pthread_mutex_unlock(&s->lock);
    *out = copy;
    return 0;
}

/* --- views ---------------------------------------------------------------------------------------------------------
 */

ch_view *ch_view_retain(ch_view *view)
{
    atomic_fetch_add(&view->refs, 1);
    return view;
}

void ch_view_release(void *arg)
{
    ch_view *view = arg;
    if (!view || atomic_fetch_sub(&view->refs, 1) != 1) return;
    ch_arena_free(view->arena);
    free(view);
}

/* View names compare without regard to case. */
static char *view_key(const char *name)
{
    char *key = strdup(name);
    if (!key) {
        ch_log(CH_LOG_ERROR, "out of memory in a view's name");
        abort(); /* as maps and arenas do */
    }
    for (char *c = key; *c; c++) *c = (char)tolower((unsigned char)*c);
    return key;
}

static ch_map *views_of(ch_session *s, bool global, pthread_mutex_t **lock)
{
    *lock = global ? &s->engine->lock : &s->lock;
    return global ? s->engine->global_views : s->views;
}

int ch_view_create(ch_session *s, const char *name, const ch_plan *plan, ch_arena *arena, bool replace, bool global,
                   ch_error *err)
{
    ch_view *view = malloc(sizeof *view);
    if (!view) {
        ch_arena_free(arena);
        return ch_no_memory(err);
    }
    *view = (ch_view){.plan = plan, .arena = arena};
    atomic_init(&view->refs, 1);
    pthread_mutex_t *lock;
    ch_map *views = views_of(s, global, &lock);
    char *key = view_key(name);
    pthread_mutex_lock(lock);
    ch_view *refused = !replace && ch_map_get(views, key) ? view : NULL;
    ch_view *old = refused ? NULL : ch_map_put(views, key, view);
    pthread_mutex_unlock(lock);
    free(key);
    ch_view_release(old);
    ch_view_release(refused);
    if (!refused) return 0;
    ch_buf quoted = {0};
    ch_buf_printf(&quoted, global ? "`global_temp`.`%s`" : "`%s`", name);
    int status = ch_raise(err, "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", "relationName", ch_buf_text(&quoted), (char *)NULL);
    ch_buf_reset(&quoted);
    return status;
}

const ch_plan *ch_view_find(ch_session *s, size_t nparts, const char **parts, ch_arena *holder)
{
    bool global = nparts == 2 && strcasecmp(parts[0], "global_temp") == 0;
    if (nparts != 1 && !global) return NULL;
    pthread_mutex_t *lock;
    ch_map *views = views_of(s, global, &lock);
    char *key = view_key(parts[nparts - 1]);
    pthread_mutex_lock(lock);
    ch_view *view = ch_map_get(views, key);
    if (view) ch_view_retain(view);
    pthread_mutex_unlock(lock);
    free(key);
    if (!view) return NULL;
    ch_arena_defer(holder, ch_view_release, view);
    return view->plan;
}

bool ch_view_drop(ch_session *s, const char *name, bool global)
{
    pthread_mutex_t *lock;
    ch_map *views = views_of(s, global, &lock);
    char *key = view_key(name);
    pthread_mutex_lock(lock);
    ch_view *view = ch_map_remove(views, key);
    pthread_mutex_unlock(lock);
    free(key);
    ch_view_release(view);
    return view != NULL;
}

void ch_view_list(ch_session *s, ch_arena *arena, size_t *n, const char ***names)
{
    const char *key;
    *n = 0;
    pthread_mutex_lock(&s->lock);
    *names = CH_NEW_ARRAY(arena, const char *, ch_map_size(s->views));
    for (size_t at = 0; ch_map_next(s->views, &at, &key, NULL);) (*names)[(*n)++] = ch_arena_strdup(arena, key);
    pthread_mutex_unlock(&s->lock);
}

/* --- blobs ---------------------------------------------------------------------------------------------------------
 */

int ch_blob_put(ch_session *s, const char *name, const void *bytes, size_t size, ch_error *err)
{
    blob *b = malloc(sizeof *b + size);
    if (!b) return ch_no_memory(err);
    b->size = size;
    if (size) memcpy(b->bytes, bytes, size);
    pthread_mutex_lock(&s->lock);
    /* a blob in use is borrowed until the session ends, and names are hashes of the contents: the first one stays */
    bool known = ch_map_get(s->blobs, name) != NULL;
    if (!known) ch_map_put(s->blobs, name, b);
    pthread_mutex_unlock(&s->lock);
    if (known) free(b);
    return 0;
}

bool ch_blob_has(ch_session *s, const char *name)
{
    size_t size;
    return ch_blob_get(s, name, &size) != NULL;
}

const void *ch_blob_get(ch_session *s, const char *name, size_t *size)
{
    pthread_mutex_lock(&s->lock);
    const blob *b = ch_map_get(s->blobs, name);
    pthread_mutex_unlock(&s->lock);
    *size = b ? b->size : 0;
    return b ? b->bytes : NULL;
}
