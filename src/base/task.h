/* task.h: a running piece of work as its owner sees it: can be cancelled from any thread, reports its progress.
 *
 * Whoever starts work owns the ch_task and keeps it alive until the work returned. Kernels call ch_task_check at least
 * every few milliseconds of work (once a block of rows, a tree level, an iteration) and return its status if non-zero.
 */
#ifndef CHERT_BASE_TASK_H
#define CHERT_BASE_TASK_H

#include "base/error.h"

#include <stdatomic.h>

/* What the owner may be told of running work. */
typedef enum ch_note {
    CH_NOTE_PHASE = 1, /* it has come to something new: the `what` of ch_task_progress */
    CH_NOTE_SQL = 2,   /* a statement that the engine is about to run */
    CH_NOTE_PLAN = 4   /* the relations it was written from, as text */
} ch_note;

typedef struct ch_task {
    atomic_bool cancelled;
    atomic_long done, total;    /* progress in the work's own units; total 0 = not known */
    _Atomic(const char *) what; /* static text: what is being done, e.g. "boosting rounds"; NULL at first */
    atomic_long rows;           /* that queries of the work gave or wrote so far */
    atomic_uint wanted;         /* notes the owner wants: may shrink at any time, grow before the work starts */
    void (*note)(void *arg, ch_note kind, const char *text); /* called by any thread of the work; text is borrowed */
    void *note_arg;
} ch_task;

void ch_task_init(ch_task *task);
void ch_task_cancel(ch_task *task); /* from any thread, any number of times */
/* 0, or CH_E_CANCELLED with err filled (condition OPERATION_CANCELED, as Spark's). task may be NULL: always 0. */
int ch_task_check(ch_task *task, ch_error *err);
/* Tells how far the work is; `what` must be a string literal. task may be NULL. */
void ch_task_progress(ch_task *task, const char *what, long done, long total);
/* Counts rows that a query gave or wrote. task may be NULL. */
void ch_task_count_rows(ch_task *task, long rows);
/* Whether the owner wants notes of this kind, which may be dear to make; and telling one. task may be NULL. */
bool ch_task_wants(const ch_task *task, ch_note kind);
void ch_task_note(ch_task *task, ch_note kind, const char *text);

#endif
