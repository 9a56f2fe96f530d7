/* sessions.h: the table of sessions, by user and session id, and what belongs to each: the frame session, the models,
 * the operations, the errors whose details may still be asked for (Spark's SessionHolder). */
#ifndef CHERT_CONNECT_SESSIONS_H
#define CHERT_CONNECT_SESSIONS_H

#include "connect/operation.h"
#include "frame/session/session.h"
#include "ml/ml.h"

#include <stdint.h>

typedef struct ch_sessions ch_sessions;
typedef struct ch_holder ch_holder;

ch_sessions *ch_sessions_new(ch_engine *engine);
/* From now on sessions use only files that `fence` lets their user have. Before there are any. */
typedef int (*ch_user_fence)(void *arg, const char *user, const char *path, bool write, ch_error *err);
void ch_sessions_set_fence(ch_sessions *table, ch_user_fence fence, void *arg);
/* The server is about to end: running operations fail, and so do all requests from now on except those that release,
 * with INVALID_HANDLE.SESSION_CHANGED, on which clients close themselves instead of trying again for minutes. Waits up
 * to grace_ms for the clients to have heard it. */
void ch_sessions_abort_all(ch_sessions *table, long grace_ms);
/* Closes every session; running operations are cancelled. */
void ch_sessions_close_all(ch_sessions *table);
/* All references to holders must be gone. */
void ch_sessions_free(ch_sessions *table);

/* Finds a session, or creates it when `create`; one reference for the caller. Sessions of different users never meet,
 * whatever their ids: `user` is whom the credentials tell of, or where nobody is asked, whom the client claims to be.
 * `observed` is the server-side id the
 * client knows (NULL or "": none). err: INVALID_HANDLE.FORMAT, SESSION_CHANGED, SESSION_CLOSED, SESSION_NOT_FOUND. */
int ch_sessions_enter(ch_sessions *table, const char *user, const char *session_id, const char *observed, bool create,
                      ch_holder **out, ch_error *err);
void ch_holder_retain(ch_holder *h);
void ch_holder_release(ch_holder *h); /* NULL is fine */

/* Ends a session: its operations are cancelled, later requests get SESSION_CLOSED unless allow_reconnect. Fills the
 * server-side id; false when there is no such session. */
bool ch_sessions_close(ch_sessions *table, const char *user, const char *session_id, bool allow_reconnect,
                       char server_id[CH_UUID_SIZE]);
/* A copy of a session under a new id (NULL or "": made up). One reference in *out. err:
 * INVALID_CLONE_SESSION_REQUEST.*. */
int ch_sessions_clone(ch_sessions *table, ch_holder *from, const char *new_id, ch_holder **out, ch_error *err);

/* Housekeeping, to be called about every second: ends sessions unused for idle_ms (negative: none), and operations
 * whose client went away and did not come back. */
void ch_sessions_reap(ch_sessions *table, long idle_ms);

/* All sessions there are now, in `arena`: a reference each. */
size_t ch_sessions_list(ch_sessions *table, ch_arena *arena, ch_holder ***out);
/* Calls fn for every operation of every session that has been running for at least min_ms. It may not call back into
 * the table. */
void ch_sessions_each_running(ch_sessions *table, long min_ms, void (*fn)(void *arg, ch_operation *op), void *arg);

const char *ch_holder_session_id(const ch_holder *h);
const char *ch_holder_server_id(const ch_holder *h);
const char *ch_holder_user(const ch_holder *h);
/* When it was opened and last used, in milliseconds since 1970; its operations, those running now and all so far. */
typedef struct ch_holder_times {
    int64_t created_ms, last_used_ms;
    size_t running, total;
} ch_holder_times;
ch_holder_times ch_holder_look(ch_holder *h);
ch_session *ch_holder_frame(const ch_holder *h);
ch_ml *ch_holder_ml(const ch_holder *h);

/* --- operations ---- */

/* Starts an operation or finds the one that has this id already and came from an equal plan (*existing). One reference
 * in *out. err: INVALID_HANDLE.OPERATION_ALREADY_EXISTS, OPERATION_ABANDONED, SESSION_CLOSED. */
int ch_holder_start(ch_holder *h, const char *id, uint64_t plan_hash, bool reattachable, size_t ntag, char *const *tags,
                    ch_operation **out, bool *existing, ch_error *err);
/* One reference, or NULL. */
ch_operation *ch_holder_find(ch_holder *h, const char *id);
/* Takes an operation out of the session and closes it; false when it was not there. */
bool ch_holder_remove(ch_holder *h, const char *id);
/* Cancels what runs: all (tag and id NULL), those with a tag, or one id. Ids of the cancelled come in `arena`. */
size_t ch_holder_interrupt(ch_holder *h, const char *tag, const char *id, ch_arena *arena, char ***ids);

/* --- errors ---- */

/* Keeps an error for FetchErrorDetails; the oldest are forgotten. */
void ch_holder_keep_error(ch_holder *h, const ch_error *failure, char id[CH_UUID_SIZE]);
bool ch_holder_find_error(ch_holder *h, const char *id, ch_error *out);

#endif
