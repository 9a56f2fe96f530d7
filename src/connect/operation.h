/* operation.h: one running request of a session and the responses it has produced so far.
 *
 * The thread that executes pushes responses; one stream at a time, the one attached last, takes them off. Responses are
 * kept until the client releases them, so that a cut stream can be picked up where it broke (ReattachExecute). Memory
 * is bounded: the producer waits when too much is unsent, and the oldest sent responses go when too much is unreleased
 * (as Spark's spark.connect.execute.reattachable.observerRetryBufferSize).
 *
 *     producer: push, push, ..., finish          consumer: attach, next, next, ..., detach
 *
 * Everything may be called from any thread. An operation is a counted reference.
 */
#ifndef CHERT_CONNECT_OPERATION_H
#define CHERT_CONNECT_OPERATION_H

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { CH_UUID_SIZE = 37 }; /* with the NUL */

/* A new random UUID in text. */
void ch_uuid_new(char out[CH_UUID_SIZE]);
/* Whether the text looks like 00112233-4455-6677-8899-aabbccddeeff. */
bool ch_uuid_valid(const char *text);
/* Milliseconds of a clock that never jumps. */
long ch_now_ms(void);

/* The bytes of an ExecutePlanResponse: head, lead and all of body one after the other. A big payload is kept apart so
 * that it need not be copied: lead is what stands before it in its field. A counted reference; the pusher gives its own
 * away. */
typedef struct ch_response {
    atomic_int refs;
    ch_buf head; /* whole fields; response_id is added by the push */
    ch_buf lead;
    size_t nbody;
    ch_buf *body;
} ch_response;

ch_response *ch_response_new(void);
void ch_response_retain(ch_response *r);
void ch_response_release(ch_response *r);
size_t ch_response_size(const ch_response *r);

typedef struct ch_operation ch_operation;

/* Tags are copied. One reference, owned by the caller. */
ch_operation *ch_operation_new(const char *id, bool reattachable, size_t ntag, char *const *tags);
void ch_operation_retain(ch_operation *op);
void ch_operation_release(ch_operation *op); /* NULL is fine */
const char *ch_operation_id(const ch_operation *op);
bool ch_operation_reattachable(const ch_operation *op);
bool ch_operation_has_tag(const ch_operation *op, const char *tag);
ch_task *ch_operation_task(ch_operation *op);

/* --- producer ---- */

/* Adds a response, after writing its response_id into its head, and takes over the reference. Waits while the client is
 * too far behind. err: OPERATION_CANCELED when the operation was cancelled or closed meanwhile. */
int ch_operation_push(ch_operation *op, ch_response *r, ch_error *err);
/* The same without waiting, for reports of progress; dropped when the operation has finished. */
void ch_operation_push_progress(ch_operation *op, ch_response *r);
/* The end: `failure` NULL for success. The first end counts. */
void ch_operation_finish(ch_operation *op, const ch_error *failure);
/* The end of a success with a last response, whose reference it takes over. */
void ch_operation_complete(ch_operation *op, ch_response *last);

/* --- control ---- */

/* Cancels the work; whether it was still running. */
bool ch_operation_interrupt(ch_operation *op);
/* Cancels the work, drops all responses and disconnects the stream: release_all, abandonment, end of the session. */
void ch_operation_close(ch_operation *op);
/* Cancels the work and makes it fail with this error, whatever it still does; nothing happens if it has finished. */
void ch_operation_abort(ch_operation *op, const ch_error *failure);
/* Drops all responses up to this one. err: INVALID_CURSOR.POSITION_NOT_FOUND. */
int ch_operation_release_until(ch_operation *op, const char *response_id, ch_error *err);
bool ch_operation_running(ch_operation *op);
long ch_operation_age_ms(const ch_operation *op);

/* Since when nobody is attached, and whether the last client was cut off rather than served to the end. False while a
 * stream is attached. */
bool ch_operation_detached(ch_operation *op, long *since_ms, bool *cut_off);

/* --- consumer ---- */

typedef struct ch_cursor {
    ch_operation *op;
    unsigned long stream; /* number of this attachment */
    size_t next;          /* index of the response to come */
} ch_cursor;

/* Attaches a stream behind the given response (NULL or "": at the start) and disconnects the one before. err:
 * INVALID_CURSOR.POSITION_NOT_FOUND, POSITION_NOT_AVAILABLE. */
int ch_operation_attach(ch_operation *op, const char *last_response_id, ch_cursor *out, ch_error *err);

typedef enum ch_next {
    CH_NEXT_RESPONSE,     /* *out is a reference for the caller */
    CH_NEXT_LAST,         /* the same, and it is the last one of an operation that succeeded */
    CH_NEXT_END,          /* all was sent before and the operation succeeded */
    CH_NEXT_FAILED,       /* all was sent and the operation failed: *failure is filled */
    CH_NEXT_QUIET,        /* nothing came within the time */
    CH_NEXT_DISCONNECTED, /* another stream took over, or the operation was closed */
    CH_NEXT_GONE          /* *gone became true */
} ch_next;

/* Waits up to timeout_ms for the next response. Whoever sets *gone calls ch_operation_wake after. */
ch_next ch_operation_next(ch_cursor *cursor, long timeout_ms, const atomic_bool *gone, ch_response **out,
                          ch_error *failure);
void ch_operation_wake(ch_operation *op);
/* Ends the stream. `cut_off`: the client did not get everything. */
void ch_operation_detach(ch_cursor *cursor, bool cut_off);

#endif
