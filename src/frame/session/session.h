/* session.h: one user's world: configuration, temporary views, persisted relations, rows sent by the client.
 *
 * All sessions of a process share one engine (one DuckDB database, its memory limit and threads); each has a catalog of
 * its own in it, `ATTACH ':memory:' AS sess_<n>`, where its cached relations live. A session may be used by several
 * operations at once: every function here locks what it touches. Sessions are counted references: a running operation
 * holds one, so closing a session never pulls the ground from under it.
 */
#ifndef CHERT_FRAME_SESSION_H
#define CHERT_FRAME_SESSION_H

#include "base/error.h"
#include "base/task.h"
#include "frame/plan/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ch_engine ch_engine;
typedef struct ch_session ch_session;

typedef struct ch_engine_options {
    int threads;              /* 0: all cores */
    const char *memory_limit; /* "4GB"; NULL: 80 % of the machine's */
    const char *temp_dir;     /* where joins and sorts spill, files for big matrices; NULL: under the system's temporary
                               * folder. A folder of our own is made inside and removed by ch_engine_close. */
} ch_engine_options;

int ch_engine_open(const ch_engine_options *options, ch_engine **out, ch_error *err);
void ch_engine_close(ch_engine *engine); /* all sessions must be released before */
const char *ch_engine_temp_dir(const ch_engine *engine);
/* Bytes that the engine holds now for queries and cached tables, in memory and spilled to temporary files. */
void ch_engine_memory(ch_engine *engine, int64_t *memory, int64_t *spilled);

int ch_session_open(ch_engine *engine, ch_session **out, ch_error *err); /* one reference */
ch_session *ch_session_retain(ch_session *s);
void ch_session_release(ch_session *s);
ch_engine *ch_session_engine(const ch_session *s);
/* A new session with the same configuration and views (Connect's CloneSession). */
int ch_session_clone(ch_session *s, ch_session **out, ch_error *err);

/* Asked before a session's plans read or write files: `path` is of this machine, as given or found. err: not allowed.
 * A session without one may use all files that the process may. `arg` becomes the session's, which frees it with
 * `drop`; set it before anybody uses the session. */
typedef int (*ch_fence)(void *arg, const char *path, bool write, ch_error *err);
void ch_session_set_fence(ch_session *s, ch_fence fence, void *arg, void (*drop)(void *arg));
int ch_session_allow(ch_session *s, const char *path, bool write, ch_error *err);

/* Configuration. Known keys have Spark's defaults (config.c's table). Values are copied into `arena`. */
int ch_config_get(ch_session *s, ch_arena *arena, const char *key, const char **value,
                  ch_error *err);                                            /* SQL_CONF_NOT_FOUND */
const char *ch_config_find(ch_session *s, ch_arena *arena, const char *key); /* set or default value, or NULL */
/* err: CANNOT_MODIFY_CONFIG / CANNOT_MODIFY_STATIC_CONFIG, INVALID_CONF_VALUE.* for keys whose type is known. */
int ch_config_set(ch_session *s, const char *key, const char *value, ch_error *err);
int ch_config_unset(ch_session *s, const char *key, ch_error *err);
bool ch_config_modifiable(ch_session *s, const char *key);
/* All keys set in this session that start with prefix (NULL: all). */
void ch_config_all(ch_session *s, ch_arena *arena, const char *prefix, size_t *n, ch_option **out);
bool ch_config_bool(ch_session *s, const char *key);

/* Temporary views. The plan is kept with its arena, which the session takes over (freed when the view goes).
 * err: TEMP_TABLE_OR_VIEW_ALREADY_EXISTS. Global views live in the engine under global_temp. */
int ch_view_create(ch_session *s, const char *name, const ch_plan *plan, ch_arena *arena, bool replace, bool global,
                   ch_error *err);
/* The plan, its arena kept alive by `holder`; NULL when there is no such view. */
const ch_plan *ch_view_find(ch_session *s, size_t nparts, const char **parts, ch_arena *holder);
bool ch_view_drop(ch_session *s, const char *name, bool global);
void ch_view_list(ch_session *s, ch_arena *arena, size_t *n, const char ***names);

/* Persisted relations (cache, persist, checkpoint): filled on first use, replaced wherever an equal plan appears. */
int ch_cache_add(ch_session *s, const ch_plan *plan, const char *storage_level, ch_error *err);
int ch_cache_remove(ch_session *s, const ch_plan *plan, bool *was_cached, ch_error *err);
int ch_cache_level(ch_session *s, const ch_plan *plan, ch_arena *arena, const char **storage_level,
                   ch_error *err); /* NULL: none */
void ch_cache_clear(ch_session *s);
/* What is persisted now, for people to look at. `rows` -1: not filled yet; `bytes`: an estimate by the types. */
typedef struct ch_cache_info {
    const char *plan; /* its tree in text, cut when long */
    const char *storage_level;
    int64_t rows, bytes;
} ch_cache_info;
size_t ch_cache_list(ch_session *s, ch_arena *arena, ch_cache_info **out);
/* Materialises a plan now and names it (localCheckpoint); the name resolves as CH_PLAN_CACHED_REMOTE until removed. */
int ch_checkpoint(ch_session *s, const ch_plan *plan, ch_task *task, const char *id, ch_error *err);
void ch_checkpoint_remove(ch_session *s, const char *id);

/* Blobs sent ahead of the plans that use them (artifacts), by name: "cache/<sha256>". Copied in. */
int ch_blob_put(ch_session *s, const char *name, const void *bytes, size_t size, ch_error *err);
bool ch_blob_has(ch_session *s, const char *name);
/* Borrowed for as long as the session lives; NULL when absent. */
const void *ch_blob_get(ch_session *s, const char *name, size_t *size);

#endif
