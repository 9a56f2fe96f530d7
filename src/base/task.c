/* task.c: cancelling and watching a running piece of work. */
#include "base/task.h"

void ch_task_init(ch_task *task)
{
    atomic_init(&task->cancelled, false);
    atomic_init(&task->done, 0);
    atomic_init(&task->total, 0);
    atomic_init(&task->what, NULL);
    atomic_init(&task->rows, 0);
    atomic_init(&task->wanted, 0);
    task->note = NULL;
    task->note_arg = NULL;
}

void ch_task_cancel(ch_task *task)
{
    atomic_store(&task->cancelled, true);
}

int ch_task_check(ch_task *task, ch_error *err)
{
    if (!task || !atomic_load_explicit(&task->cancelled, memory_order_relaxed)) return 0;
    return ch_raise(err, "OPERATION_CANCELED", (char *)NULL);
}

void ch_task_progress(ch_task *task, const char *what, long done, long total)
{
    if (!task) return;
    bool new = atomic_exchange_explicit(&task->what, what, memory_order_relaxed) != what;
    if (new &&what) ch_task_note(task, CH_NOTE_PHASE, what);
    atomic_store_explicit(&task->done, done, memory_order_relaxed);
    atomic_store_explicit(&task->total, total, memory_order_relaxed);
}

void ch_task_count_rows(ch_task *task, long rows)
{
    if (task) atomic_fetch_add_explicit(&task->rows, rows, memory_order_relaxed);
}

bool ch_task_wants(const ch_task *task, ch_note kind)
{
    return task && (atomic_load_explicit(&task->wanted, memory_order_relaxed) & kind);
}

void ch_task_note(ch_task *task, ch_note kind, const char *text)
{
    if (ch_task_wants(task, kind)) task->note(task->note_arg, kind, text);
}
