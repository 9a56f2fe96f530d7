/* session_internal.h: the insides of engine and session, shared by engine.c, session.c, config.c, cache.c and query.c.
 */
#ifndef CHERT_FRAME_SESSION_INTERNAL_H
#define CHERT_FRAME_SESSION_INTERNAL_H

#include "base/map.h"
#include "frame/analyze/rel.h"
#include "frame/engine/engine.h"

#include <pthread.h>
#include <stdatomic.h>

struct ch_engine {
    duckdb_database db;
    char *temp_dir;
    pthread_mutex_t lock; /* guards everything below */
    unsigned long next_session;
    size_t nsession;      /* sessions alive */
    ch_map *global_views; /* lower-case name -> ch_view * */
    size_t nnative;       /* return types of native functions registered so far (native.c) */
    pthread_t watcher;
    pthread_cond_t wake; /* the watcher has something to do */
    bool closing;
    struct ch_watch *watched;
};

/* A temporary view: counted, since plans that use it outlive its dropping. */
typedef struct ch_view {
    atomic_int refs;
    const ch_plan *plan;
    ch_arena *arena;
} ch_view;

ch_view *ch_view_retain(ch_view *view);
void ch_view_release(void *view);

enum { CH_POOL_MAX = 8 }; /* idle connections a session keeps */

typedef struct ch_pooled {
    duckdb_connection con;
    unsigned long zone_version; /* of the session when the connection's time zone was set */
} ch_pooled;

typedef struct ch_cached ch_cached; /* one persisted relation or checkpoint: cache.c */

struct ch_session {
    atomic_int refs;
    ch_engine *engine;
    char *catalog;
    ch_fence fence; /* NULL: none */
    void *fence_arg;
    void (*fence_drop)(void *arg);
    pthread_mutex_t lock;       /* guards everything below */
    pthread_cond_t filled;      /* a persisted relation was filled, or filling failed */
    ch_map *config;             /* keys set in this session -> char * */
    unsigned long zone_version; /* grows when the time zone is set: pooled connections set theirs again */
    ch_map *views;              /* lower-case name -> ch_view * */
    ch_map *blobs;              /* name -> blob (session.c) */
    ch_cached *cached;          /* list */
    ch_map *checkpoints;        /* id -> ch_cached * */
    struct ch_stored *stored;   /* tables of outside data: stored.c */
    unsigned long next_table;
    size_t npool, nlive, live_cap;
    ch_pooled pool[CH_POOL_MAX]; /* idle connections */
    ch_pooled *live;             /* those given out */
};

/* The engine's name of a Spark time zone ("+02:00" is "Etc/GMT-2" there) in out; false when there is none. */
bool ch_engine_zone(const char *spark_zone, char *out, size_t size);

/* --- persisted relations (cache.c) --- */
/* Replaces the persisted parts of rel by scans of their tables, filling first those nobody has filled yet. The tables
 * stay while `holder` lives. `fill` false: only what is filled already is replaced (explain). */
int ch_cache_apply(ch_session *s, ch_arena *holder, ch_rel *rel, bool fill, ch_task *task, ch_rel **out, ch_error *err);
/* The relation of a checkpoint: a SOURCE with fresh column ids; its table stays while the arena lives. */
int ch_checkpoint_rel(ch_session *s, ch_arena *arena, const char *id, int *next_id, ch_rel **out, ch_error *err);
/* Forgets everything, at the session's end. */
void ch_cache_close(ch_session *s);

#endif
