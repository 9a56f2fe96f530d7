/* monitor.h: what the server is doing and has done lately, for people to look at: running operations and the last ones
 * that ended, with their statement, plan, rows and times. Bounded in number and in bytes; anybody may ask from any
 * thread.
 *
 *     begin (an operation starts) -> rows and notes while it runs -> end
 */
#ifndef CHERT_CONNECT_MONITOR_H
#define CHERT_CONNECT_MONITOR_H

#include "connect/meter.h"
#include "connect/operation.h"

#include <stdint.h>

typedef struct ch_monitor ch_monitor;

typedef enum ch_record_state {
    CH_RECORD_RUNNING,
    CH_RECORD_FINISHED,
    CH_RECORD_FAILED,
    CH_RECORD_CANCELLED,
    CH_RECORD_STATES
} ch_record_state;

const char *ch_record_state_name(ch_record_state state);

enum { CH_RECORD_PHASES = 16 };

/* Something the work was at, and for how long in all: "parse" (the message read into a plan), "analyze" (names and
 * types found), "plan" (the statement written and prepared by the engine), "execute", "send" (waiting until the client
 * takes what there is for it), and what kernels call their own ("boosting rounds"). */
typedef struct ch_record_phase {
    const char *name;
    int64_t us;
} ch_record_phase;

/* What an operation is, in a few words. */
typedef struct ch_summary {
    const char *kind; /* "execute", "fit", "transform", "evaluate", "write", "sql", ...: static text */
    const char *description;
    bool minor; /* an attribute was fetched, an object deleted: there are many */
} ch_summary;

typedef struct ch_record {
    ch_monitor *monitor;
    struct ch_record *next, *previous; /* among the running ones */
    char id[CH_UUID_SIZE], session_id[CH_UUID_SIZE];
    char *user;
    const char *kind;
    char *description;
    bool minor;
    ch_record_state state;
    int64_t started_ms; /* since 1970 */
    long began_ms, duration_ms;
    _Atomic int64_t rows, bytes; /* sent to the client; at the end rows of an operation that sent none are those that
                                  * its queries gave or wrote: what was trained on, what was saved */
    ch_operation *op;            /* a reference, while it runs */
    ch_buf sql, plan;            /* cut when long; of the first statements */
    size_t statements;
    size_t nphase;
    ch_record_phase phases[CH_RECORD_PHASES]; /* in the order of their first time */
    size_t phase;                             /* it is in this one now, */
    int64_t phase_since_us;                   /* since then; see ch_record_phase_us */
    ch_measure measure;
    ch_cost cost; /* see ch_record_cost */
    char *error;
} ch_record;

ch_monitor *ch_monitor_new(void);
void ch_monitor_free(ch_monitor *m); /* NULL is fine; nothing may run any more */

/* An operation is about to run: from now on its task's notes come here. */
ch_record *ch_monitor_begin(ch_monitor *m, ch_operation *op, const char *session_id, const char *user,
                            const ch_summary *summary);
/* The work has come to something else, a static name; what it was at before, to be told again when that goes on. */
const char *ch_record_enter(ch_record *record, const char *phase);
/* Of a record that is being looked at (ch_monitor_each, ch_monitor_find), until now while it runs. */
int64_t ch_record_phase_us(const ch_record *record, size_t phase);
void ch_record_cost(const ch_record *record, ch_cost *cost);
/* It has ended: failure NULL for success. The record is the monitor's own from now on; it is kept until a thousand
 * others have ended, minor ones only when they failed or took their time. */
void ch_monitor_end(ch_monitor *m, ch_record *record, const ch_error *failure);

/* Calls fn for records, newest first, with the monitor locked: at most `limit` of those running or of those ended, of
 * one user (NULL: of all). Returns how many there are in all. */
size_t ch_monitor_each(ch_monitor *m, bool running, const char *user, size_t limit,
                       void (*fn)(void *arg, const ch_record *record), void *arg);
/* The same for the one with this id; false when it is not (or no longer) known or is somebody else's. */
bool ch_monitor_find(ch_monitor *m, const char *id, const char *user, void (*fn)(void *arg, const ch_record *record),
                     void *arg);

/* Operations since the start by how they ended. */
typedef struct ch_monitor_totals {
    uint64_t count[CH_RECORD_STATES]; /* RUNNING: those running now */
} ch_monitor_totals;
ch_monitor_totals ch_monitor_sum(ch_monitor *m);

#endif
