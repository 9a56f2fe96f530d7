/* sessions.c: the table of sessions and their housekeeping. Locks: the table's before a holder's, never the other way.
 */
#include "connect/sessions.h"

#include "base/log.h"
#include "base/map.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SESSIONS_MAX = 1000,
    OPERATIONS_MAX = 500,       /* of one session */
    CLOSED_KEPT = 1000,         /* ids of closed sessions remembered */
    TOMBSTONES_KEPT = 1000,     /* ids of ended operations remembered, of each session */
    ERRORS_KEPT = 20,           /* as Spark's errorIdToError */
    CUT_OFF_GRACE_MS = 5000,    /* a running operation whose client's connection broke waits so long for a reattach */
    DETACHED_GRACE_MS = 300000, /* ... and any other so long: spark.connect.execute.manager.detachedTimeout */
};

/* Remembers the last ids put in. */
typedef struct id_ring {
    ch_map *set;
    char **ids;
    size_t cap, at;
} id_ring;

typedef struct operation_entry {
    ch_operation *op;
    uint64_t plan_hash;
} operation_entry;

typedef struct kept_error {
    char id[CH_UUID_SIZE];
    ch_error *failure;
} kept_error;

struct ch_holder {
    atomic_int refs;
    char *user, *key;
    char session_id[CH_UUID_SIZE], server_id[CH_UUID_SIZE];
    ch_session *frame;
    ch_ml *ml;
    atomic_long last_used_ms;
    long created_ms;

    pthread_mutex_t lock;
    ch_map *operations; /* id -> operation_entry */
    id_ring tombstones;
    kept_error errors[ERRORS_KEPT];
    size_t next_error;
    size_t noperation; /* started so far */
    bool closed;
};

struct ch_sessions {
    ch_engine *engine;
    ch_user_fence fence; /* NULL: none */
    void *fence_arg;
    pthread_mutex_t lock;
    ch_map *holders; /* key -> ch_holder */
    bool ending;
    id_ring closed; /* keys */
};

static void *checked(void *memory)
{
    if (!memory) abort(); /* as ch_buf: a few bytes cannot be had */
    return memory;
}

static void ring_init(id_ring *ring, size_t cap)
{
    *ring = (id_ring){.set = ch_map_new(), .ids = checked(calloc(cap, sizeof *ring->ids)), .cap = cap};
}

static void ring_reset(id_ring *ring)
{
    for (size_t i = 0; i < ring->cap; i++) free(ring->ids[i]);
    free(ring->ids);
    ch_map_free(ring->set, NULL);
}

static bool ring_has(const id_ring *ring, const char *id)
{
    return ch_map_get(ring->set, id) != NULL;
}

static void ring_put(id_ring *ring, const char *id)
{
    if (ring_has(ring, id)) return;
    char **slot = &ring->ids[ring->at];
    if (*slot) {
        ch_map_remove(ring->set, *slot);
        free(*slot);
    }
    *slot = checked(strdup(id));
    ch_map_put(ring->set, *slot, ring);
    ring->at = (ring->at + 1) % ring->cap;
}

/* --- holders ------------------------------------------------------------------------------------------------------ */

static char *make_key(const char *user, const char *session_id)
{
    size_t n = strlen(user) + strlen(session_id) + 2;
    char *key = checked(malloc(n));
    snprintf(key, n, "%s/%s", session_id, user); /* a valid session id has no slash */
    return key;
}

static void free_entry(operation_entry *entry)
{
    ch_operation_close(entry->op);
    ch_operation_release(entry->op);
    free(entry);
}

static void free_holder(ch_holder *h)
{
    ch_map_free(h->operations, NULL);
    ring_reset(&h->tombstones);
    for (size_t i = 0; i < ERRORS_KEPT; i++) free(h->errors[i].failure);
    if (h->ml) ch_ml_free(h->ml);
    if (h->frame) ch_session_release(h->frame);
    pthread_mutex_destroy(&h->lock);
    free(h->user);
    free(h->key);
    free(h);
    malloc_trim(0); /* a session's end is when users look at the memory of a server */
}

void ch_holder_retain(ch_holder *h)
{
    atomic_fetch_add(&h->refs, 1);
}

void ch_holder_release(ch_holder *h)
{
    if (h && atomic_fetch_sub(&h->refs, 1) == 1) free_holder(h);
}

typedef struct fenced_user {
    ch_user_fence fence;
    void *arg;
    char name[];
} fenced_user;

static int ask_fence(void *arg, const char *path, bool write, ch_error *err)
{
    const fenced_user *user = arg;
    return user->fence(user->arg, user->name, path, write, err);
}

static void fence_in(const ch_sessions *table, const char *user, ch_session *frame)
{
    size_t n = strlen(user) + 1;
    fenced_user *fenced = checked(malloc(sizeof *fenced + n));
    fenced->fence = table->fence;
    fenced->arg = table->fence_arg;
    memcpy(fenced->name, user, n);
    ch_session_set_fence(frame, ask_fence, fenced, free);
}

/* Takes over `frame`. */
static ch_holder *new_holder(const ch_sessions *table, const char *user, const char *session_id, ch_session *frame)
{
    if (table->fence) fence_in(table, user, frame);
    ch_holder *h = checked(calloc(1, sizeof *h));
    atomic_init(&h->refs, 1);
    h->user = checked(strdup(user));
    h->key = make_key(user, session_id);
    snprintf(h->session_id, sizeof h->session_id, "%s", session_id);
    ch_uuid_new(h->server_id);
    h->frame = frame;
    h->ml = ch_ml_new(frame);
    h->operations = ch_map_new();
    ring_init(&h->tombstones, TOMBSTONES_KEPT);
    pthread_mutex_init(&h->lock, NULL);
    h->created_ms = ch_now_ms();
    atomic_init(&h->last_used_ms, h->created_ms);
    return h;
}

const char *ch_holder_session_id(const ch_holder *h)
{
    return h->session_id;
}

const char *ch_holder_server_id(const ch_holder *h)
{
    return h->server_id;
}

const char *ch_holder_user(const ch_holder *h)
{
    return h->user;
}

ch_holder_times ch_holder_look(ch_holder *h)
{
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME, &clock);
    int64_t epoch = (int64_t)clock.tv_sec * 1000 + clock.tv_nsec / 1000000 - ch_now_ms(); /* of ch_now_ms */
    ch_holder_times times = {.created_ms = epoch + h->created_ms,
                             .last_used_ms = epoch + atomic_load(&h->last_used_ms)};
    pthread_mutex_lock(&h->lock);
    times.total = h->noperation;
    size_t at = 0;
    const char *id;
    void *value;
    while (ch_map_next(h->operations, &at, &id, &value)) {
        times.running += ch_operation_running(((operation_entry *)value)->op);
    }
    pthread_mutex_unlock(&h->lock);
    return times;
}

ch_session *ch_holder_frame(const ch_holder *h)
{
    return h->frame;
}

ch_ml *ch_holder_ml(const ch_holder *h)
{
    return h->ml;
}

/* Ends all operations; no new ones can start. The holder is already out of the table. */
static void close_holder(ch_holder *h)
{
    pthread_mutex_lock(&h->lock);
    h->closed = true;
    size_t at = 0;
    const char *id;
    void *entry;
    while (ch_map_next(h->operations, &at, &id, &entry)) {
        ch_map_remove(h->operations, id);
        free_entry(entry);
    }
    pthread_mutex_unlock(&h->lock);
    ch_holder_release(h);
}

static int handle_error(ch_error *err, const char *condition, const char *handle)
{
    return ch_raise(err, condition, "handle", handle, (char *)NULL);
}

/* Makes all operations fail; how many there are. */
static size_t abort_operations(ch_holder *h)
{
    ch_error failure;
    handle_error(&failure, "INVALID_HANDLE.SESSION_CHANGED", h->session_id);
    pthread_mutex_lock(&h->lock);
    size_t at = 0;
    const char *id;
    void *entry;
    while (ch_map_next(h->operations, &at, &id, &entry)) ch_operation_abort(((operation_entry *)entry)->op, &failure);
    size_t n = ch_map_size(h->operations);
    pthread_mutex_unlock(&h->lock);
    return n;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

ch_sessions *ch_sessions_new(ch_engine *engine)
{
    ch_sessions *table = checked(calloc(1, sizeof *table));
    table->engine = engine;
    pthread_mutex_init(&table->lock, NULL);
    table->holders = ch_map_new();
    ring_init(&table->closed, CLOSED_KEPT);
    return table;
}

void ch_sessions_set_fence(ch_sessions *table, ch_user_fence fence, void *arg)
{
    table->fence = fence;
    table->fence_arg = arg;
}

static size_t abort_round(ch_sessions *table)
{
    size_t n = 0, at = 0;
    const char *key;
    void *holder;
    pthread_mutex_lock(&table->lock);
    table->ending = true;
    while (ch_map_next(table->holders, &at, &key, &holder)) n += abort_operations(holder);
    pthread_mutex_unlock(&table->lock);
    return n;
}

void ch_sessions_abort_all(ch_sessions *table, long grace_ms)
{
    long end = ch_now_ms() + grace_ms;
    while (abort_round(table) > 0 && ch_now_ms() < end) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

void ch_sessions_close_all(ch_sessions *table)
{
    pthread_mutex_lock(&table->lock);
    size_t at = 0;
    const char *key;
    void *holder;
    while (ch_map_next(table->holders, &at, &key, &holder)) {
        ch_map_remove(table->holders, key);
        close_holder(holder);
    }
    pthread_mutex_unlock(&table->lock);
}

void ch_sessions_free(ch_sessions *table)
{
    if (!table) return;
    ch_sessions_close_all(table);
    ch_map_free(table->holders, NULL);
    ring_reset(&table->closed);
    pthread_mutex_destroy(&table->lock);
    free(table);
}

/* The table's lock is held; *out gets a reference of its own. */
static int create_session(ch_sessions *table, const char *user, const char *session_id, ch_holder **out, ch_error *err)
{
    if (ch_map_size(table->holders) >= SESSIONS_MAX) {
        return ch_failf(err, CH_E_SPARK, "There are too many sessions (%d).", SESSIONS_MAX);
    }
    ch_session *frame;
    CH_TRY(ch_session_open(table->engine, &frame, err));
    *out = new_holder(table, user, session_id, frame);
    ch_map_put(table->holders, (*out)->key, *out);
    return CH_OK;
}

static int enter_locked(ch_sessions *table, const char *key, const char *user, const char *session_id,
                        const char *observed, bool create, ch_holder **out, ch_error *err)
{
    ch_holder *h = ch_map_get(table->holders, key);
    if (create && table->ending) return handle_error(err, "INVALID_HANDLE.SESSION_CHANGED", session_id);
    if (!h) {
        if (create && !ch_uuid_valid(session_id)) return handle_error(err, "INVALID_HANDLE.FORMAT", session_id);
        if (ring_has(&table->closed, key)) return handle_error(err, "INVALID_HANDLE.SESSION_CLOSED", session_id);
        if (!create) return handle_error(err, "INVALID_HANDLE.SESSION_NOT_FOUND", session_id);
        CH_TRY(create_session(table, user, session_id, &h, err));
    }
    if (observed && observed[0] && strcmp(observed, h->server_id) != 0) {
        return handle_error(err, "INVALID_HANDLE.SESSION_CHANGED", session_id);
    }
    atomic_store(&h->last_used_ms, ch_now_ms());
    ch_holder_retain(h);
    *out = h;
    return CH_OK;
}

int ch_sessions_enter(ch_sessions *table, const char *user, const char *session_id, const char *observed, bool create,
                      ch_holder **out, ch_error *err)
{
    char *key = make_key(user, session_id);
    pthread_mutex_lock(&table->lock);
    int status = enter_locked(table, key, user, session_id, observed, create, out, err);
    pthread_mutex_unlock(&table->lock);
    free(key);
    return status;
}

bool ch_sessions_close(ch_sessions *table, const char *user, const char *session_id, bool allow_reconnect,
                       char server_id[CH_UUID_SIZE])
{
    char *key = make_key(user, session_id);
    pthread_mutex_lock(&table->lock);
    ch_holder *h = ch_map_remove(table->holders, key);
    if (ch_uuid_valid(session_id) && !allow_reconnect) ring_put(&table->closed, key);
    pthread_mutex_unlock(&table->lock);
    free(key);
    if (!h) return false;
    memcpy(server_id, h->server_id, CH_UUID_SIZE);
    close_holder(h);
    return true;
}

static int clone_error(ch_error *err, const char *condition, const char *target)
{
    return ch_raise(err, condition, "targetSessionId", target, (char *)NULL);
}

static int clone_locked(ch_sessions *table, ch_holder *from, const char *target, ch_holder **out, ch_error *err)
{
    char *key = make_key(from->user, target);
    bool exists = ch_map_get(table->holders, key), closed = ring_has(&table->closed, key);
    free(key);
    if (exists) return clone_error(err, "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_ALREADY_EXISTS", target);
    if (closed) return clone_error(err, "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_ALREADY_CLOSED", target);
    ch_session *frame;
    CH_TRY(ch_session_clone(from->frame, &frame, err));
    ch_holder *h = new_holder(table, from->user, target, frame);
    ch_map_put(table->holders, h->key, h);
    ch_holder_retain(h);
    *out = h;
    return CH_OK;
}

int ch_sessions_clone(ch_sessions *table, ch_holder *from, const char *new_id, ch_holder **out, ch_error *err)
{
    char made_up[CH_UUID_SIZE];
    ch_uuid_new(made_up);
    const char *target = new_id && new_id[0] ? new_id : made_up;
    if (!ch_uuid_valid(target)) {
        return clone_error(err, "INVALID_CLONE_SESSION_REQUEST.TARGET_SESSION_ID_FORMAT", target);
    }
    pthread_mutex_lock(&table->lock);
    int status = clone_locked(table, from, target, out, err);
    pthread_mutex_unlock(&table->lock);
    return status;
}

/* --- housekeeping ------------------------------------------------------------------------------------------------- */

static bool abandoned(ch_operation *op, long now)
{
    long since;
    bool cut_off;
    if (!ch_operation_detached(op, &since, &cut_off)) return false;
    return now - since > (cut_off ? CUT_OFF_GRACE_MS : DETACHED_GRACE_MS);
}

/* Ends abandoned operations; whether the session has operations left. */
static bool reap_operations(ch_holder *h, long now)
{
    pthread_mutex_lock(&h->lock);
    size_t at = 0;
    const char *id;
    void *value;
    while (ch_map_next(h->operations, &at, &id, &value)) {
        operation_entry *entry = value;
        if (!abandoned(entry->op, now)) continue;
        ch_log(CH_LOG_INFO, "operation %s was abandoned by its client", id);
        ring_put(&h->tombstones, id);
        ch_map_remove(h->operations, id);
        free_entry(entry);
    }
    bool busy = ch_map_size(h->operations) > 0;
    pthread_mutex_unlock(&h->lock);
    return busy;
}

void ch_sessions_reap(ch_sessions *table, long idle_ms)
{
    long now = ch_now_ms();
    pthread_mutex_lock(&table->lock);
    size_t at = 0;
    const char *key;
    void *value;
    while (ch_map_next(table->holders, &at, &key, &value)) {
        ch_holder *h = value;
        if (reap_operations(h, now)) {
            atomic_store(&h->last_used_ms, now);
        } else if (idle_ms >= 0 && now - atomic_load(&h->last_used_ms) > idle_ms) {
            ch_log(CH_LOG_INFO, "session %s was idle and is closed", h->session_id);
            ring_put(&table->closed, key);
            ch_map_remove(table->holders, key);
            close_holder(h);
        }
    }
    pthread_mutex_unlock(&table->lock);
}

static void each_running(ch_holder *h, long min_ms, void (*fn)(void *, ch_operation *), void *arg)
{
    pthread_mutex_lock(&h->lock);
    size_t at = 0;
    const char *id;
    void *value;
    while (ch_map_next(h->operations, &at, &id, &value)) {
        ch_operation *op = ((operation_entry *)value)->op;
        if (ch_operation_running(op) && ch_operation_age_ms(op) >= min_ms) fn(arg, op);
    }
    pthread_mutex_unlock(&h->lock);
}

void ch_sessions_each_running(ch_sessions *table, long min_ms, void (*fn)(void *arg, ch_operation *op), void *arg)
{
    pthread_mutex_lock(&table->lock);
    size_t at = 0;
    const char *key;
    void *value;
    while (ch_map_next(table->holders, &at, &key, &value)) each_running(value, min_ms, fn, arg);
    pthread_mutex_unlock(&table->lock);
}

size_t ch_sessions_list(ch_sessions *table, ch_arena *arena, ch_holder ***out)
{
    size_t n = 0, at = 0;
    const char *key;
    void *value;
    pthread_mutex_lock(&table->lock);
    *out = CH_NEW_ARRAY(arena, ch_holder *, ch_map_size(table->holders));
    while (ch_map_next(table->holders, &at, &key, &value)) {
        ch_holder_retain(value);
        (*out)[n++] = value;
    }
    pthread_mutex_unlock(&table->lock);
    return n;
}

/* --- operations --------------------------------------------------------------------------------------------------- */

static int start_locked(ch_holder *h, const char *id, uint64_t plan_hash, bool reattachable, size_t ntag,
                        char *const *tags, ch_operation **out, bool *existing, ch_error *err)
{
    operation_entry *entry = ch_map_get(h->operations, id);
    *existing = entry != NULL;
    if (entry) {
        if (entry->plan_hash != plan_hash) return handle_error(err, "INVALID_HANDLE.OPERATION_ALREADY_EXISTS", id);
    } else {
        if (h->closed) return handle_error(err, "INVALID_HANDLE.SESSION_CLOSED", h->session_id);
        if (ring_has(&h->tombstones, id)) return handle_error(err, "INVALID_HANDLE.OPERATION_ABANDONED", id);
        if (ch_map_size(h->operations) >= OPERATIONS_MAX) {
            return ch_failf(err, CH_E_SPARK, "There are too many operations in this session (%d).", OPERATIONS_MAX);
        }
        entry = checked(calloc(1, sizeof *entry));
        entry->op = ch_operation_new(id, reattachable, ntag, tags);
        entry->plan_hash = plan_hash;
        ch_map_put(h->operations, id, entry);
        h->noperation++;
    }
    ch_operation_retain(entry->op);
    *out = entry->op;
    return CH_OK;
}

int ch_holder_start(ch_holder *h, const char *id, uint64_t plan_hash, bool reattachable, size_t ntag, char *const *tags,
                    ch_operation **out, bool *existing, ch_error *err)
{
    pthread_mutex_lock(&h->lock);
    int status = start_locked(h, id, plan_hash, reattachable, ntag, tags, out, existing, err);
    pthread_mutex_unlock(&h->lock);
    return status;
}

ch_operation *ch_holder_find(ch_holder *h, const char *id)
{
    pthread_mutex_lock(&h->lock);
    operation_entry *entry = ch_map_get(h->operations, id);
    ch_operation *op = entry ? entry->op : NULL; /* the entry may go as soon as the lock does */
    if (op) ch_operation_retain(op);
    pthread_mutex_unlock(&h->lock);
    return op;
}

bool ch_holder_remove(ch_holder *h, const char *id)
{
    pthread_mutex_lock(&h->lock);
    operation_entry *entry = ch_map_remove(h->operations, id);
    if (entry) ring_put(&h->tombstones, id);
    pthread_mutex_unlock(&h->lock);
    if (!entry) return false;
    free_entry(entry);
    return true;
}

size_t ch_holder_interrupt(ch_holder *h, const char *tag, const char *id, ch_arena *arena, char ***ids)
{
    pthread_mutex_lock(&h->lock);
    size_t n = 0, at = 0;
    *ids = CH_NEW_ARRAY(arena, char *, ch_map_size(h->operations) + 1);
    const char *key;
    void *value;
    while (ch_map_next(h->operations, &at, &key, &value)) {
        operation_entry *entry = value;
        bool wanted = (!tag && !id) || (tag && ch_operation_has_tag(entry->op, tag)) || (id && strcmp(id, key) == 0);
        if (wanted && ch_operation_interrupt(entry->op)) (*ids)[n++] = ch_arena_strdup(arena, key);
    }
    pthread_mutex_unlock(&h->lock);
    return n;
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

void ch_holder_keep_error(ch_holder *h, const ch_error *failure, char id[CH_UUID_SIZE])
{
    ch_uuid_new(id);
    pthread_mutex_lock(&h->lock);
    kept_error *slot = &h->errors[h->next_error];
    h->next_error = (h->next_error + 1) % ERRORS_KEPT;
    if (!slot->failure) slot->failure = checked(malloc(sizeof *slot->failure));
    *slot->failure = *failure;
    memcpy(slot->id, id, CH_UUID_SIZE);
    pthread_mutex_unlock(&h->lock);
}

bool ch_holder_find_error(ch_holder *h, const char *id, ch_error *out)
{
    bool found = false;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < ERRORS_KEPT && !found; i++) {
        kept_error *slot = &h->errors[i];
        if (!slot->failure || strcmp(slot->id, id) != 0) continue;
        *out = *slot->failure;
        found = true;
    }
    pthread_mutex_unlock(&h->lock);
    return found;
}
