/* cache.c: persisted relations and checkpoints: tables of a session's catalog that stand in for what made them.
 *
 * A persisted relation is known by its fingerprint. It is filled by the first query that contains it, from that query's
 * own tree; others that need it meanwhile wait. Its table is dropped when it was unpersisted and no query reads it.
 */
#include "base/log.h"
#include "frame/analyze/rel_internal.h"
#include "frame/analyze/rewrite.h"
#include "frame/session/session_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef enum fill_state { EMPTY, FILLING, FILLED } fill_state;

enum { PLAN_SHOWN = 4096 };

struct ch_cached {
    ch_session *session;
    ch_cached *next; /* in the session's list; checkpoints are in its map instead */
    uint64_t fingerprint[2];
    char *level;
    char *plan; /* what it is, for people */
    char *table;
    int64_t rows, row_bytes;
    fill_state state;
    size_t users; /* queries that read the table */
    bool removed;
    ch_arena *arena; /* checkpoints: of cols */
    size_t ncol;
    ch_attr *cols;
    bool ordered;
};

static void drop_table(ch_session *s, const char *table)
{
    char sql[128];
    duckdb_connection con;
    ch_error err;
    snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS %s", table);
    if (ch_engine_connect(s, &con, &err) || ch_engine_run(con, sql, &err)) {
        ch_log(CH_LOG_WARN, "cannot drop %s: %s", table, err.message);
    }
    ch_engine_disconnect(s, &con);
}

/* Frees an entry that nobody can find or use any more. */
static void dispose(ch_cached *entry)
{
    if (entry->table) drop_table(entry->session, entry->table);
    free(entry->table);
    free(entry->level);
    free(entry->plan);
    ch_arena_free(entry->arena);
    free(entry);
}

/* Gives up one use (arena deferral). */
static void release_use(void *arg)
{
    ch_cached *entry = arg;
    ch_session *s = entry->session;
    pthread_mutex_lock(&s->lock);
    bool last = --entry->users == 0 && entry->removed;
    pthread_mutex_unlock(&s->lock);
    if (last) dispose(entry);
}

/* Takes an entry out of use; call without the lock, after nobody can find it any more. */
static void retire(ch_cached *entry)
{
    ch_session *s = entry->session;
    pthread_mutex_lock(&s->lock);
    entry->removed = true;
    bool unused = entry->users == 0;
    pthread_mutex_unlock(&s->lock);
    if (unused) dispose(entry);
}

void ch_cache_close(ch_session *s)
{
    ch_cache_clear(s);
    for (size_t at = 0;;) {
        const char *key;
        void *entry;
        if (!ch_map_next(s->checkpoints, &at, &key, &entry)) break;
        retire(entry);
    }
    ch_map_free(s->checkpoints, NULL);
}

static ch_cached *find(ch_session *s, const uint64_t fingerprint[2])
{
    for (ch_cached *entry = s->cached; entry; entry = entry->next) {
        if (entry->fingerprint[0] == fingerprint[0] && entry->fingerprint[1] == fingerprint[1]) return entry;
    }
    return NULL;
}

/* --- the calls of persist and unpersist ------------------------------------------------------------------------------
 */

/* `text` may be NULL; else it gets the tree of relations. */
static int fingerprint_of(ch_session *s, const ch_plan *plan, uint64_t fingerprint[2], ch_buf *text, ch_error *err)
{
    ch_arena *arena = ch_arena_new();
    int next_id = 1;
    ch_rel *rel;
    int status = ch_analyze(s, arena, plan, &next_id, &rel, err);
    if (!status) {
        ch_rel_fingerprints(rel);
        memcpy(fingerprint, rel->fingerprint, sizeof rel->fingerprint);
        if (text) ch_explain_tree(rel, text);
    }
    ch_arena_free(arena);
    return status;
}

int ch_cache_add(ch_session *s, const ch_plan *plan, const char *storage_level, ch_error *err)
{
    uint64_t fingerprint[2];
    ch_buf text = {0};
    CH_TRY(fingerprint_of(s, plan, fingerprint, &text, err));
    ch_cached *entry = calloc(1, sizeof *entry);
    char *level = strdup(storage_level ? storage_level : "");
    char *shown = strndup(ch_buf_text(&text), PLAN_SHOWN);
    ch_buf_reset(&text);
    if (!entry || !level || !shown) {
        free(entry);
        free(level);
        free(shown);
        return ch_no_memory(err);
    }
    *entry = (ch_cached){.session = s, .level = level, .plan = shown};
    memcpy(entry->fingerprint, fingerprint, sizeof fingerprint);
    pthread_mutex_lock(&s->lock);
    bool known = find(s, fingerprint) != NULL;
    if (!known) {
        entry->next = s->cached;
        s->cached = entry;
    }
    pthread_mutex_unlock(&s->lock);
    if (known) dispose(entry);
    return 0;
}

int ch_cache_remove(ch_session *s, const ch_plan *plan, bool *was_cached, ch_error *err)
{
    uint64_t fingerprint[2];
    CH_TRY(fingerprint_of(s, plan, fingerprint, NULL, err));
    pthread_mutex_lock(&s->lock);
    ch_cached *entry = find(s, fingerprint);
    if (entry) {
        ch_cached **link = &s->cached;
        while (*link != entry) link = &(*link)->next;
        *link = entry->next;
    }
    pthread_mutex_unlock(&s->lock);
    *was_cached = entry != NULL;
    if (entry) retire(entry);
    return 0;
}

int ch_cache_level(ch_session *s, const ch_plan *plan, ch_arena *arena, const char **storage_level, ch_error *err)
{
    uint64_t fingerprint[2];
    CH_TRY(fingerprint_of(s, plan, fingerprint, NULL, err));
    pthread_mutex_lock(&s->lock);
    ch_cached *entry = find(s, fingerprint);
    *storage_level = entry ? ch_arena_strdup(arena, entry->level) : NULL;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

void ch_cache_clear(ch_session *s)
{
    pthread_mutex_lock(&s->lock);
    ch_cached *list = s->cached;
    s->cached = NULL;
    pthread_mutex_unlock(&s->lock);
    while (list) {
        ch_cached *next = list->next;
        retire(list);
        list = next;
    }
}

size_t ch_cache_list(ch_session *s, ch_arena *arena, ch_cache_info **out)
{
    size_t n = 0;
    pthread_mutex_lock(&s->lock);
    for (ch_cached *entry = s->cached; entry; entry = entry->next) n++;
    *out = CH_NEW_ARRAY(arena, ch_cache_info, n);
    n = 0;
    for (ch_cached *entry = s->cached; entry; entry = entry->next) {
        bool filled = entry->state == FILLED;
        (*out)[n++] = (ch_cache_info){.plan = ch_arena_strdup(arena, entry->plan),
                                      .storage_level = ch_arena_strdup(arena, entry->level),
                                      .rows = filled ? entry->rows : -1,
                                      .bytes = filled ? entry->rows * entry->row_bytes : 0};
    }
    pthread_mutex_unlock(&s->lock);
    return n;
}

/* --- filling and reading -------------------------------------------------------------------------------------------
 */

static int replace_below(ch_session *s, ch_arena *holder, ch_rel *rel, bool fill, ch_task *task, ch_rel **out,
                         ch_error *err);

/* Runs CREATE TABLE for a relation; column i of cols then hidden becomes k<i>. */
static int create_table(ch_session *s, const char *table, const ch_rel *rel, ch_task *task, ch_error *err)
{
    ch_buf sql = {0};
    ch_buf_printf(&sql, "CREATE TABLE %s AS SELECT ", table);
    size_t n = rel->ncol + rel->nhidden;
    for (size_t i = 0; i < n; i++) {
        const ch_attr *attr = i < rel->ncol ? &rel->cols[i] : &rel->hidden[i - rel->ncol];
        ch_buf_printf(&sql, "%sc%d AS k%zu", i ? ", " : "", attr->id, i);
    }
    if (!n) ch_buf_str(&sql, "1 AS k");
    ch_buf_str(&sql, " FROM (");
    int status = ch_write_rel_inner(&sql, rel, err);
    ch_buf_str(&sql, ")");
    duckdb_connection con = NULL;
    if (!status) status = ch_engine_connect(s, &con, err);
    if (!status) status = ch_native_register(s->engine, con, err);
    if (!status) status = ch_engine_run_task(s, con, ch_buf_text(&sql), task, err);
    ch_engine_disconnect(s, &con);
    ch_buf_reset(&sql);
    return status;
}

/* The scan of a persisted relation's table, with the columns (and ids) of what it stands for. */
static ch_rel *scan_of(ch_arena *arena, const char *table, const ch_rel *rel)
{
    ch_rel *scan = ch_rel_new(arena, CH_REL_SOURCE, NULL, rel->ncol);
    memcpy(scan->cols, rel->cols, rel->ncol * sizeof *scan->cols);
    scan->nhidden = rel->nhidden;
    scan->hidden = rel->hidden;
    scan->ordered = rel->ordered;
    memcpy(scan->fingerprint, rel->fingerprint, sizeof scan->fingerprint);
    size_t n = rel->ncol + rel->nhidden;
    scan->u.source.from = ch_arena_strdup(arena, table);
    scan->u.source.shown = "InMemoryTableScan";
    scan->u.source.exprs = CH_NEW_ARRAY(arena, const char *, n);
    for (size_t i = 0; i < n; i++) scan->u.source.exprs[i] = ch_arena_printf(arena, "k%zu", i);
    return scan;
}

/* How many rows a table has; -1 when it cannot be told. */
static int64_t count_rows(ch_session *s, const char *table)
{
    char sql[160];
    duckdb_connection con;
    duckdb_result result;
    ch_error ignored;
    int64_t rows = -1;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table); /* known to the engine: nothing is read */
    if (ch_engine_connect(s, &con, &ignored)) return rows;
    if (duckdb_query(con, sql, &result) == DuckDBSuccess) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
        if (chunk) rows = *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
        duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    ch_engine_disconnect(s, &con);
    return rows;
}

/* About what a value of the type takes; text and lists count for a few words each. */
static int64_t width_of(const ch_type *type)
{
    switch (type->kind) {
    case CH_BOOLEAN:
    case CH_BYTE: return 1;
    case CH_SHORT: return 2;
    case CH_INT:
    case CH_FLOAT:
    case CH_DATE: return 4;
    case CH_LONG:
    case CH_DOUBLE:
    case CH_TIMESTAMP: return 8;
    case CH_VECTOR: return 64;
    default: return 24;
    }
}

static int fill_entry(ch_cached *entry, ch_arena *holder, ch_rel *rel, ch_task *task, ch_error *err)
{
    ch_session *s = entry->session;
    /* below a mere renaming of a table stands the same relation: it must not wait for itself */
    while (rel->input && memcmp(rel->input->fingerprint, rel->fingerprint, sizeof rel->fingerprint) == 0) {
        rel = rel->input;
    }
    char *table = strdup(ch_session_table(s, holder, "cache"));
    int status = table ? 0 : ch_no_memory(err);
    ch_rel *own;
    if (!status) status = replace_below(s, holder, rel, true, task, &own, err);
    if (!status) status = create_table(s, table, own, task, err);
    int64_t rows = status ? 0 : count_rows(s, table), row_bytes = 0;
    for (size_t i = 0; !status && i < own->ncol; i++) row_bytes += width_of(own->cols[i].type);
    pthread_mutex_lock(&s->lock);
    entry->state = status ? EMPTY : FILLED;
    if (!status) {
        entry->rows = rows;
        entry->row_bytes = row_bytes;
        entry->table = table;
        table = NULL;
    }
    pthread_cond_broadcast(&s->filled);
    pthread_mutex_unlock(&s->lock);
    free(table);
    return status;
}

/* Waits until nobody fills the entry; called with the lock, which is given up while waiting. */
static int wait_filled(ch_cached *entry, ch_task *task, ch_error *err)
{
    while (entry->state == FILLING) {
        int status = ch_task_check(task, err);
        if (status) return status;
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 50000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&entry->session->filled, &entry->session->lock, &until);
    }
    return 0;
}

/* `entry` is in use by the caller. */
static int use_entry(ch_cached *entry, ch_arena *holder, ch_rel *rel, ch_task *task, ch_rel **out, ch_error *err)
{
    ch_session *s = entry->session;
    pthread_mutex_lock(&s->lock);
    int status = wait_filled(entry, task, err);
    bool mine = !status && entry->state == EMPTY;
    if (mine) entry->state = FILLING;
    pthread_mutex_unlock(&s->lock);
    if (mine) status = fill_entry(entry, holder, rel, task, err);
    if (!status) *out = scan_of(holder, entry->table, rel);
    return status;
}

/* The relation, or the scan of the table that stands in for it, with all persisted parts below replaced. */
static int replace_parts(ch_session *s, ch_arena *holder, ch_rel *rel, bool fill, ch_task *task, ch_rel **out,
                         ch_error *err)
{
    *out = rel;
    if (!rel) return 0;
    pthread_mutex_lock(&s->lock);
    ch_cached *entry = find(s, rel->fingerprint);
    if (entry) entry->users++;
    pthread_mutex_unlock(&s->lock);
    if (entry) ch_arena_defer(holder, release_use, entry);
    if (entry && !fill) {
        *out = scan_of(holder, "", rel);
        return 0;
    }
    if (entry) return use_entry(entry, holder, rel, task, out, err);
    return replace_below(s, holder, rel, fill, task, out, err);
}

/* What a walk over a tree of relations carries along. */
typedef struct replacer {
    ch_session *session;
    ch_arena *holder;
    bool fill;
    ch_task *task;
    ch_error *err;
    int status;
} replacer;

/* A subquery inside an expression, with its persisted parts replaced. */
static ch_expr *replace_subquery(void *ctx, ch_expr *e)
{
    replacer *r = ctx;
    if (e->kind != CH_EX_SUBQUERY || !e->u.subquery.rel || r->status) return NULL;
    ch_rel *rel;
    r->status = replace_parts(r->session, r->holder, e->u.subquery.rel, r->fill, r->task, &rel, r->err);
    if (r->status || rel == e->u.subquery.rel) return NULL;
    ch_expr *copy = ch_arena_dup(r->holder, e, sizeof *e);
    copy->u.subquery.rel = rel;
    return copy;
}

/* The relation with its conditions and projected expressions rewritten; itself if nothing changes. */
static ch_rel *replace_in_exprs(replacer *r, ch_rel *rel)
{
    ch_rel changed = *rel;
    if (rel->kind == CH_REL_FILTER) {
        changed.u.condition = ch_expr_rewrite(r->holder, rel->u.condition, replace_subquery, r);
        if (changed.u.condition == rel->u.condition) return rel;
    } else if (rel->kind == CH_REL_JOIN && rel->u.join.condition) {
        changed.u.join.condition = ch_expr_rewrite(r->holder, rel->u.join.condition, replace_subquery, r);
        if (changed.u.join.condition == rel->u.join.condition) return rel;
    } else if (rel->kind == CH_REL_PROJECT) {
        bool same = true;
        changed.u.exprs = NULL;
        for (size_t i = 0; i < rel->ncol; i++) {
            if (rel->u.exprs[i]->kind == CH_EX_COLUMN) continue;
            ch_expr *e = ch_expr_rewrite(r->holder, rel->u.exprs[i], replace_subquery, r);
            if (e == rel->u.exprs[i]) continue;
            if (same) changed.u.exprs = ch_arena_dup(r->holder, rel->u.exprs, rel->ncol * sizeof(ch_expr *));
            same = false;
            changed.u.exprs[i] = e;
        }
        if (same) return rel;
    } else {
        return rel;
    }
    return ch_arena_dup(r->holder, &changed, sizeof changed);
}

/* The relation itself, with the persisted parts of its inputs and of its expressions replaced. */
static int replace_below(ch_session *s, ch_arena *holder, ch_rel *rel, bool fill, ch_task *task, ch_rel **out,
                         ch_error *err)
{
    ch_rel *input, *right;
    replacer r = {.session = s, .holder = holder, .fill = fill, .task = task, .err = err};
    *out = rel;
    CH_TRY(replace_parts(s, holder, rel->input, fill, task, &input, err));
    CH_TRY(replace_parts(s, holder, rel->right, fill, task, &right, err));
    *out = replace_in_exprs(&r, rel);
    if (r.status || (input == rel->input && right == rel->right)) return r.status;
    *out = ch_arena_dup(holder, *out, sizeof **out); /* the tree itself stays as it was analysed */
    (*out)->input = input;
    (*out)->right = right;
    return 0;
}

int ch_cache_apply(ch_session *s, ch_arena *holder, ch_rel *rel, bool fill, ch_task *task, ch_rel **out, ch_error *err)
{
    pthread_mutex_lock(&s->lock);
    bool any = s->cached != NULL;
    pthread_mutex_unlock(&s->lock);
    *out = rel;
    if (!any) return 0;
    ch_rel_fingerprints(rel);
    return replace_parts(s, holder, rel, fill, task, out, err);
}

/* --- checkpoints ---------------------------------------------------------------------------------------------------
 */

static int make_checkpoint(ch_session *s, const ch_plan *plan, ch_task *task, ch_cached *entry, ch_error *err)
{
    ch_arena *arena = ch_arena_new();
    int next_id = 1;
    ch_rel *rel;
    int status = ch_analyze(s, arena, plan, &next_id, &rel, err);
    if (!status) status = ch_cache_apply(s, arena, rel, true, task, &rel, err);
    if (!status) {
        rel->nhidden = 0;
        char *table = ch_session_table(s, arena, "checkpoint");
        status = create_table(s, table, rel, task, err);
        if (!status) entry->table = strdup(table);
    }
    if (!status) {
        entry->ncol = rel->ncol;
        entry->cols = ch_attrs_copy(entry->arena, rel->cols, rel->ncol);
        entry->ordered = rel->ordered;
    }
    ch_arena_free(arena);
    return status;
}

int ch_checkpoint(ch_session *s, const ch_plan *plan, ch_task *task, const char *id, ch_error *err)
{
    ch_cached *entry = calloc(1, sizeof *entry);
    if (!entry) return ch_no_memory(err);
    *entry = (ch_cached){.session = s, .arena = ch_arena_new(), .state = FILLED};
    int status = make_checkpoint(s, plan, task, entry, err);
    if (status) {
        dispose(entry);
        return status;
    }
    pthread_mutex_lock(&s->lock);
    ch_cached *old = ch_map_put(s->checkpoints, id, entry);
    pthread_mutex_unlock(&s->lock);
    if (old) retire(old);
    return 0;
}

void ch_checkpoint_remove(ch_session *s, const char *id)
{
    pthread_mutex_lock(&s->lock);
    ch_cached *entry = ch_map_remove(s->checkpoints, id);
    pthread_mutex_unlock(&s->lock);
    if (entry) retire(entry);
}

int ch_checkpoint_rel(ch_session *s, ch_arena *arena, const char *id, int *next_id, ch_rel **out, ch_error *err)
{
    pthread_mutex_lock(&s->lock);
    ch_cached *entry = ch_map_get(s->checkpoints, id);
    if (entry) entry->users++;
    pthread_mutex_unlock(&s->lock);
    if (!entry) {
        const char *message = ch_arena_printf(arena, "No DataFrame with id %s is found in the session", id);
        ch_raise(err, "INTERNAL_ERROR", "message", message, (char *)NULL);
        return err->kind = CH_E_ILLEGAL_ARGUMENT; /* Spark's InvalidPlanInput */
    }
    ch_arena_defer(arena, release_use, entry);
    ch_rel *rel = ch_rel_new(arena, CH_REL_SOURCE, NULL, entry->ncol);
    rel->cols = ch_attrs_copy(arena, entry->cols, entry->ncol);
    rel->ordered = entry->ordered;
    rel->u.source.from = ch_arena_strdup(arena, entry->table);
    rel->u.source.shown = "Scan ExistingRDD";
    rel->u.source.exprs = CH_NEW_ARRAY(arena, const char *, entry->ncol);
    for (size_t i = 0; i < entry->ncol; i++) {
        rel->cols[i].id = (*next_id)++;
        rel->u.source.exprs[i] = ch_arena_printf(arena, "k%zu", i);
    }
    ch_hash_text(rel->fingerprint, "checkpoint");
    ch_hash_text(rel->fingerprint, entry->table);
    *out = rel;
    return 0;
}
