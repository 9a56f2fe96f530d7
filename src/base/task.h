/* task.h: a running piece of work as its owner sees it: can be cancelled from any thread, reports its progress.
 *
 * Whoever starts work owns the ch_task and keeps it alive until the work returned. Kernels call ch_task_check at least
 * every few milliseconds of work (once a block of rows, a tree level, an iteration) and return its status if non-zero.
 */
#ifndef CHERT_BASE_TASK_H
#define CHERT_BASE_TASK_H

#include "base/error.h"

#include <stdatomic.h>

typedef struct ch_task {
    atomic_bool cancelled;
    atomic_long done, total;    /* progress in the work's own units; total 0 = not known */
    _Atomic(const char *) what; /* static text: what is being done, e.g. "boosting rounds"; NULL at first */
} ch_task;

void ch_task_init(ch_task *task);
void ch_task_cancel(ch_task *task); /* from any thread, any number of times */
/* 0, or CH_E_CANCELLED with err filled (condition OPERATION_CANCELED, as Spark's). task may be NULL: always 0. */
int ch_task_check(ch_task *task, ch_error *err);
/* Tells how far the work is; `what` must be a string literal. task may be NULL. */
void ch_task_progress(ch_task *task, const char *what, long done, long total);

#endif
