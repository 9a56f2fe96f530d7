/* monitor.c: the records of operations: a list of those running, a ring of those that ended. */
#include "connect/monitor.h"

#include "base/cpu.h"
#include "base/metrics.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ENDED_KEPT = 1000,
    TEXT_MAX = 32 << 10, /* bytes of a record's statements, and of its plans */
    STATEMENTS_MAX = 20, /* a cross-validation runs hundreds that look alike */
    MINOR_MS = 100       /* minor operations that succeed within this time are not kept */
};

struct ch_monitor {
    pthread_mutex_t lock; /* guards all records but their atomic fields */
    ch_record *running;   /* newest first */
    size_t nrunning;
    ch_record *ended[ENDED_KEPT];
    size_t nended, next; /* `next` is where the next one goes */
    ch_monitor_totals totals;
    ch_meter *meter;
};

static ch_metric ended_total = {.kind = CH_COUNTER,
                                .name = "chert_operations_total",
                                .help = "Operations that ended, by kind and how.",
                                .labels = {"kind", "state"}};
static ch_metric seconds_spent = {
    .kind = CH_HISTOGRAM, .name = "chert_operation_seconds", .help = "How long operations took.", .labels = {"kind"}};
static ch_metric cpu_used = {.kind = CH_HISTOGRAM,
                             .name = "chert_operation_cpu_seconds",
                             .help = "CPU time of operations; of those that ran together, shared out evenly.",
                             .labels = {"kind"}};
static ch_metric memory_used = {.kind = CH_HISTOGRAM_BYTES,
                                .name = "chert_operation_peak_bytes",
                                .help = "By how much the process grew during operations.",
                                .labels = {"kind"}};
static ch_metric rows_sent = {.kind = CH_COUNTER, .name = "chert_rows_sent_total", .help = "Rows sent to clients."};

const char *ch_record_state_name(ch_record_state state)
{
    static const char *const NAMES[CH_RECORD_STATES] = {"running", "finished", "failed", "cancelled"};
    return NAMES[state];
}

static void count(const ch_record *r)
{
    ch_metric_add(ch_metric_cell_of(&ended_total, r->kind, ch_record_state_name(r->state), NULL), 1);
    ch_metric_observe(ch_metric_cell_of(&seconds_spent, r->kind, NULL, NULL), (double)r->duration_ms / 1000);
    ch_metric_observe(ch_metric_cell_of(&cpu_used, r->kind, NULL, NULL), (double)r->cost.cpu_ns * 1e-9);
    ch_metric_observe(ch_metric_cell_of(&memory_used, r->kind, NULL, NULL), (double)r->cost.peak_bytes);
}

static void *checked(void *memory)
{
    if (!memory) abort(); /* as ch_buf */
    return memory;
}

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void free_record(ch_record *r)
{
    if (!r) return;
    ch_operation_release(r->op);
    ch_buf_reset(&r->sql);
    ch_buf_reset(&r->plan);
    free(r->user);
    free(r->description);
    free(r->error);
    free(r);
}

ch_monitor *ch_monitor_new(void)
{
    ch_monitor *m = checked(calloc(1, sizeof *m));
    pthread_mutex_init(&m->lock, NULL);
    m->meter = ch_meter_new();
    return m;
}

void ch_monitor_free(ch_monitor *m)
{
    if (!m) return;
    for (size_t i = 0; i < ENDED_KEPT; i++) free_record(m->ended[i]);
    ch_meter_free(m->meter);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

/* --- notes of the work -------------------------------------------------------------------------------------------- */

static void add_text(ch_buf *to, const char *text)
{
    size_t room = to->len < TEXT_MAX ? TEXT_MAX - to->len : 0, n = strlen(text);
    if (to->len) ch_buf_str(to, "\n\n");
    ch_buf_add(to, text, n < room ? n : room);
    if (n > room) ch_buf_str(to, " ...");
}

static int64_t clock_us(void)
{
    return ch_clock_ns(CLOCK_MONOTONIC) / 1000;
}

/* Phases come in turns (a cross-validation fits again and again): each has one row. Beyond the last row all is the last
 * one's. The lock is held. */
static void enter_phase(ch_record *r, const char *name)
{
    int64_t now = clock_us();
    r->phases[r->phase].us += now - r->phase_since_us;
    r->phase_since_us = now;
    size_t i = 0;
    while (i < r->nphase && strcmp(r->phases[i].name, name) != 0) i++;
    if (i == r->nphase && i < CH_RECORD_PHASES) r->phases[r->nphase++] = (ch_record_phase){.name = name};
    r->phase = i < r->nphase ? i : r->nphase - 1;
}

const char *ch_record_enter(ch_record *r, const char *phase)
{
    pthread_mutex_lock(&r->monitor->lock);
    const char *before = r->phases[r->phase].name;
    enter_phase(r, phase);
    pthread_mutex_unlock(&r->monitor->lock);
    return before;
}

int64_t ch_record_phase_us(const ch_record *r, size_t phase)
{
    bool goes_on = r->op && phase == r->phase;
    return r->phases[phase].us + (goes_on ? clock_us() - r->phase_since_us : 0);
}

void ch_record_cost(const ch_record *r, ch_cost *cost)
{
    *cost = r->cost;
    if (r->op) ch_meter_look(r->monitor->meter, &r->measure, cost);
}

static void take_note(void *arg, ch_note kind, const char *text)
{
    ch_record *r = arg;
    pthread_mutex_lock(&r->monitor->lock);
    switch (kind) {
    case CH_NOTE_PHASE:
        /* how far a statement is, which another thread tells: that is part of executing it */
        if (strcmp(text, "query") != 0) enter_phase(r, text);
        break;
    case CH_NOTE_SQL:
        if (r->statements++ < STATEMENTS_MAX && r->sql.len < TEXT_MAX) add_text(&r->sql, text);
        break;
    case CH_NOTE_PLAN: add_text(&r->plan, text); break;
    }
    bool enough = r->plan.len >= TEXT_MAX || r->statements >= STATEMENTS_MAX;
    pthread_mutex_unlock(&r->monitor->lock);
    if (enough) atomic_fetch_and(&ch_operation_task(r->op)->wanted, ~(unsigned)CH_NOTE_PLAN);
}

/* --- the life of a record ----------------------------------------------------------------------------------------- */

ch_record *ch_monitor_begin(ch_monitor *m, ch_operation *op, const char *session_id, const char *user,
                            const ch_summary *summary)
{
    ch_record *r = checked(calloc(1, sizeof *r));
    r->monitor = m;
    memcpy(r->id, ch_operation_id(op), CH_UUID_SIZE);
    memcpy(r->session_id, session_id, strnlen(session_id, CH_UUID_SIZE - 1));
    r->user = checked(strdup(user));
    r->kind = summary->kind;
    r->minor = summary->minor;
    r->description = checked(strdup(summary->description));
    r->started_ms = clock_ms();
    r->began_ms = ch_now_ms();
    r->phases[r->nphase++] = (ch_record_phase){.name = "parse"};
    r->phase_since_us = clock_us();
    r->op = op;
    ch_operation_retain(op);
    ch_meter_begin(m->meter, &r->measure);
    ch_task *task = ch_operation_task(op);
    task->note = take_note;
    task->note_arg = r;
    atomic_store(&task->wanted, CH_NOTE_PHASE | CH_NOTE_SQL | CH_NOTE_PLAN);
    pthread_mutex_lock(&m->lock);
    r->next = m->running;
    if (r->next) r->next->previous = r;
    m->running = r;
    m->nrunning++;
    pthread_mutex_unlock(&m->lock);
    return r;
}

/* Takes a record out of the running ones; the lock is held. */
static void remove_running(ch_monitor *m, ch_record *r)
{
    if (r->next) r->next->previous = r->previous;
    if (r->previous) {
        r->previous->next = r->next;
    } else {
        m->running = r->next;
    }
    r->next = r->previous = NULL;
    m->nrunning--;
}

/* Puts a record among those that ended and returns the one to free: the one that makes way, or this one when nobody
 * would want to read of it. The lock is held. */
static ch_record *keep_ended(ch_monitor *m, ch_record *r)
{
    if (r->minor && r->state == CH_RECORD_FINISHED && r->duration_ms < MINOR_MS) return r;
    ch_record *oldest = m->ended[m->next];
    m->ended[m->next] = r;
    m->next = (m->next + 1) % ENDED_KEPT;
    if (m->nended < ENDED_KEPT) m->nended++;
    return oldest;
}

void ch_monitor_end(ch_monitor *m, ch_record *r, const ch_error *failure)
{
    char *error = failure ? checked(strdup(failure->message)) : NULL;
    ch_task *task = ch_operation_task(r->op);
    bool cancelled = atomic_load(&task->cancelled);
    atomic_store(&task->wanted, 0);
    ch_metric_add(ch_metric_cell_of(&rows_sent, NULL, NULL, NULL), (uint64_t)atomic_load(&r->rows));
    if (atomic_load(&r->rows) == 0) atomic_store(&r->rows, atomic_load(&task->rows));
    pthread_mutex_lock(&m->lock);
    ch_meter_end(m->meter, &r->measure, &r->cost);
    r->phases[r->phase].us += clock_us() - r->phase_since_us;
    ch_operation *op = r->op;
    r->op = NULL;
    r->error = error;
    r->duration_ms = ch_now_ms() - r->began_ms;
    r->state = !failure ? CH_RECORD_FINISHED : cancelled ? CH_RECORD_CANCELLED : CH_RECORD_FAILED;
    m->totals.count[r->state]++;
    count(r);
    remove_running(m, r);
    ch_record *gone = keep_ended(m, r);
    pthread_mutex_unlock(&m->lock);
    ch_operation_release(op);
    free_record(gone);
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

static ch_record *ended_at(const ch_monitor *m, size_t age)
{
    return m->ended[(m->next + ENDED_KEPT - 1 - age) % ENDED_KEPT];
}

static bool is_of(const ch_record *r, const char *user)
{
    return !user || strcmp(r->user, user) == 0;
}

size_t ch_monitor_each(ch_monitor *m, bool running, const char *user, size_t limit,
                       void (*fn)(void *arg, const ch_record *record), void *arg)
{
    pthread_mutex_lock(&m->lock);
    size_t all = running ? m->nrunning : m->nended, total = 0;
    const ch_record *next = m->running;
    for (size_t i = 0; i < all; i++) {
        const ch_record *r = running ? next : ended_at(m, i);
        if (is_of(r, user) && total++ < limit) fn(arg, r);
        next = r->next;
    }
    pthread_mutex_unlock(&m->lock);
    return total;
}

bool ch_monitor_find(ch_monitor *m, const char *id, const char *user, void (*fn)(void *arg, const ch_record *record),
                     void *arg)
{
    pthread_mutex_lock(&m->lock);
    const ch_record *found = m->running;
    while (found && strcmp(found->id, id) != 0) found = found->next;
    for (size_t i = 0; i < m->nended && !found; i++) {
        if (strcmp(ended_at(m, i)->id, id) == 0) found = ended_at(m, i);
    }
    if (found && !is_of(found, user)) found = NULL;
    if (found) fn(arg, found);
    pthread_mutex_unlock(&m->lock);
    return found != NULL;
}

ch_monitor_totals ch_monitor_sum(ch_monitor *m)
{
    pthread_mutex_lock(&m->lock);
    ch_monitor_totals totals = m->totals;
    totals.count[CH_RECORD_RUNNING] = m->nrunning;
    pthread_mutex_unlock(&m->lock);
    return totals;
}
