/* operation.c: the buffer of responses between an executing thread and its client.
 *
 * Responses have indexes 0, 1, 2, ... A response's id is the operation's random prefix followed by its index in the
 * last twelve hexadecimal digits, so an id that comes back needs no table to be understood.
 */
#include "connect/operation.h"

#include "connect/wire.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
    UNSENT_MAX = 16 << 20,     /* bytes: the producer waits beyond */
    UNRELEASED_MAX = 16 << 20, /* bytes of sent responses kept for a reattach */
    UUID_PREFIX = 24,          /* "00112233-4455-6677-8899-" */
    RESPONSE_ID_FIELD = 13     /* of ExecutePlanResponse */
};

struct ch_operation {
    atomic_int refs;
    char id[CH_UUID_SIZE];
    bool reattachable;
    size_t ntag;
    char **tags;
    ch_task task;
    long created_ms;
    char prefix[UUID_PREFIX + 1];

    pthread_mutex_t lock;
    pthread_cond_t changed;
    ch_response **items; /* responses first .. first + count */
    size_t count, cap, first;
    size_t sent; /* index behind the last response handed to a stream */
    size_t unsent_bytes, sent_bytes;
    bool finished, closed;
    ch_error *failure;
    unsigned long streams; /* attachments so far; the last one counts */
    bool attached, cut_off;
    long detached_ms;
};

long ch_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void ch_uuid_new(char out[CH_UUID_SIZE])
{
    unsigned char b[16];
    size_t got = 0;
    while (got < sizeof b) {
        ssize_t n = getrandom(b + got, sizeof b - got, 0);
        if (n > 0) got += (size_t)n;
    }
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    snprintf(out, CH_UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

bool ch_uuid_valid(const char *text)
{
    if (strlen(text) != CH_UUID_SIZE - 1) return false;
    for (size_t i = 0; i < CH_UUID_SIZE - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i])) return false;
    }
    return true;
}

ch_response *ch_response_new(void)
{
    ch_response *r = calloc(1, sizeof *r);
    if (!r) abort(); /* as ch_buf: a few bytes cannot be had */
    atomic_init(&r->refs, 1);
    return r;
}

void ch_response_retain(ch_response *r)
{
    atomic_fetch_add(&r->refs, 1);
}

void ch_response_release(ch_response *r)
{
    if (atomic_fetch_sub(&r->refs, 1) != 1) return;
    ch_buf_reset(&r->head);
    ch_buf_reset(&r->lead);
    for (size_t i = 0; i < r->nbody; i++) ch_buf_reset(&r->body[i]);
    free(r->body);
    free(r);
}

size_t ch_response_size(const ch_response *r)
{
    size_t size = r->head.len + r->lead.len;
    for (size_t i = 0; i < r->nbody; i++) size += r->body[i].len;
    return size;
}

static void *checked(void *memory)
{
    if (!memory) abort(); /* as ch_buf */
    return memory;
}

ch_operation *ch_operation_new(const char *id, bool reattachable, size_t ntag, char *const *tags)
{
    ch_operation *op = checked(calloc(1, sizeof *op));
    atomic_init(&op->refs, 1);
    snprintf(op->id, sizeof op->id, "%s", id);
    op->reattachable = reattachable;
    op->ntag = ntag;
    op->tags = checked(calloc(ntag + 1, sizeof *op->tags));
    for (size_t i = 0; i < ntag; i++) op->tags[i] = checked(strdup(tags[i]));
    ch_task_init(&op->task);
    char uuid[CH_UUID_SIZE];
    ch_uuid_new(uuid);
    snprintf(op->prefix, sizeof op->prefix, "%.*s", UUID_PREFIX, uuid);
    pthread_mutex_init(&op->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&op->changed, &attr);
    pthread_condattr_destroy(&attr);
    op->created_ms = op->detached_ms = ch_now_ms();
    return op;
}

void ch_operation_retain(ch_operation *op)
{
    atomic_fetch_add(&op->refs, 1);
}

void ch_operation_release(ch_operation *op)
{
    if (!op || atomic_fetch_sub(&op->refs, 1) != 1) return;
    for (size_t i = 0; i < op->count; i++) ch_response_release(op->items[i]);
    for (size_t i = 0; i < op->ntag; i++) free(op->tags[i]);
    pthread_cond_destroy(&op->changed);
    pthread_mutex_destroy(&op->lock);
    free(op->items);
    free(op->tags);
    free(op->failure);
    free(op);
}

const char *ch_operation_id(const ch_operation *op)
{
    return op->id;
}

bool ch_operation_reattachable(const ch_operation *op)
{
    return op->reattachable;
}

bool ch_operation_has_tag(const ch_operation *op, const char *tag)
{
    for (size_t i = 0; i < op->ntag; i++) {
        if (strcmp(op->tags[i], tag) == 0) return true;
    }
    return false;
}

ch_task *ch_operation_task(ch_operation *op)
{
    return &op->task;
}

/* Drops the oldest `n` responses; the lock is held. */
static void drop_front(ch_operation *op, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t size = ch_response_size(op->items[i]);
        if (op->first + i < op->sent) {
            op->sent_bytes -= size;
        } else {
            op->unsent_bytes -= size;
        }
        ch_response_release(op->items[i]);
    }
    op->count -= n;
    op->first += n;
    if (n) memmove(op->items, op->items + n, op->count * sizeof *op->items);
}

static void append(ch_operation *op, ch_response *r)
{
    char id[CH_UUID_SIZE];
    snprintf(id, sizeof id, "%s%012zx", op->prefix, op->first + op->count);
    ch_wire_string(&r->head, RESPONSE_ID_FIELD, id);
    if (op->count == op->cap) {
        op->cap = op->cap ? 2 * op->cap : 8;
        op->items = checked(realloc(op->items, op->cap * sizeof *op->items));
    }
    op->items[op->count++] = r;
    op->unsent_bytes += ch_response_size(r);
    pthread_cond_broadcast(&op->changed);
}

int ch_operation_push(ch_operation *op, ch_response *r, ch_error *err)
{
    pthread_mutex_lock(&op->lock);
    while (op->unsent_bytes > UNSENT_MAX && !op->closed && !atomic_load(&op->task.cancelled)) {
        pthread_cond_wait(&op->changed, &op->lock);
    }
    bool stopped = op->closed || op->finished || atomic_load(&op->task.cancelled);
    if (!stopped) append(op, r);
    pthread_mutex_unlock(&op->lock);
    if (!stopped) return CH_OK;
    ch_response_release(r);
    return ch_raise(err, "OPERATION_CANCELED", (char *)NULL);
}

void ch_operation_push_progress(ch_operation *op, ch_response *r)
{
    pthread_mutex_lock(&op->lock);
    bool stopped = op->closed || op->finished;
    if (!stopped) append(op, r);
    pthread_mutex_unlock(&op->lock);
    if (stopped) ch_response_release(r);
}

/* The lock is held. */
static void finish(ch_operation *op, const ch_error *failure)
{
    if (op->finished) return;
    op->finished = true;
    if (failure) {
        op->failure = checked(malloc(sizeof *op->failure));
        *op->failure = *failure;
    }
    pthread_cond_broadcast(&op->changed);
}

void ch_operation_finish(ch_operation *op, const ch_error *failure)
{
    pthread_mutex_lock(&op->lock);
    finish(op, failure);
    pthread_mutex_unlock(&op->lock);
}

void ch_operation_abort(ch_operation *op, const ch_error *failure)
{
    pthread_mutex_lock(&op->lock);
    finish(op, failure);
    ch_task_cancel(&op->task);
    pthread_cond_broadcast(&op->changed);
    pthread_mutex_unlock(&op->lock);
}

void ch_operation_complete(ch_operation *op, ch_response *last)
{
    pthread_mutex_lock(&op->lock);
    bool stopped = op->closed || op->finished;
    op->finished = true;
    if (!stopped) append(op, last);
    pthread_cond_broadcast(&op->changed);
    pthread_mutex_unlock(&op->lock);
    if (stopped) ch_response_release(last);
}

bool ch_operation_running(ch_operation *op)
{
    pthread_mutex_lock(&op->lock);
    bool running = !op->finished && !op->closed;
    pthread_mutex_unlock(&op->lock);
    return running;
}

long ch_operation_age_ms(const ch_operation *op)
{
    return ch_now_ms() - op->created_ms;
}

bool ch_operation_interrupt(ch_operation *op)
{
    pthread_mutex_lock(&op->lock);
    bool running = !op->finished && !op->closed;
    if (running) ch_task_cancel(&op->task);
    pthread_cond_broadcast(&op->changed);
    pthread_mutex_unlock(&op->lock);
    return running;
}

void ch_operation_close(ch_operation *op)
{
    pthread_mutex_lock(&op->lock);
    op->closed = true;
    ch_task_cancel(&op->task);
    drop_front(op, op->count);
    pthread_cond_broadcast(&op->changed);
    pthread_mutex_unlock(&op->lock);
}

/* The index in a response's id, false when the id is not one of this operation's; the lock is held. */
static bool index_of(const ch_operation *op, const char *response_id, size_t *index)
{
    if (!ch_uuid_valid(response_id) || strncmp(response_id, op->prefix, UUID_PREFIX) != 0) return false;
    *index = (size_t)strtoull(response_id + UUID_PREFIX, NULL, 16);
    return *index < op->first + op->count;
}

int ch_operation_release_until(ch_operation *op, const char *response_id, ch_error *err)
{
    pthread_mutex_lock(&op->lock);
    size_t index;
    bool known = index_of(op, response_id, &index);
    if (known && index >= op->first) drop_front(op, index + 1 - op->first);
    pthread_cond_broadcast(&op->changed);
    pthread_mutex_unlock(&op->lock);
    if (known) return CH_OK;
    return ch_raise(err, "INVALID_CURSOR.POSITION_NOT_FOUND", "responseId", response_id, (char *)NULL);
}

bool ch_operation_detached(ch_operation *op, long *since_ms, bool *cut_off)
{
    pthread_mutex_lock(&op->lock);
    bool detached = !op->attached;
    *since_ms = op->detached_ms;
    *cut_off = op->cut_off;
    pthread_mutex_unlock(&op->lock);
    return detached;
}

int ch_operation_attach(ch_operation *op, const char *last_response_id, ch_cursor *out, ch_error *err)
{
    bool from_start = !last_response_id || !last_response_id[0];
    pthread_mutex_lock(&op->lock);
    size_t index = 0;
    bool known = from_start || index_of(op, last_response_id, &index);
    size_t next = from_start ? 0 : index + 1;
    bool available = known && next >= op->first;
    if (available) {
        *out = (ch_cursor){op, ++op->streams, next};
        op->attached = true;
        op->cut_off = false;
        pthread_cond_broadcast(&op->changed);
    }
    pthread_mutex_unlock(&op->lock);
    if (available) return CH_OK;
    const char *id = from_start ? "" : last_response_id;
    if (!known) return ch_raise(err, "INVALID_CURSOR.POSITION_NOT_FOUND", "responseId", id, (char *)NULL);
    char position[24];
    snprintf(position, sizeof position, "%zu", next + 1); /* Spark counts from 1 */
    return ch_raise(err, "INVALID_CURSOR.POSITION_NOT_AVAILABLE", "responseId", id, "index", position, (char *)NULL);
}

/* Marks responses up to `index` as sent and keeps the sent ones within their bound; the lock is held. */
static void mark_sent(ch_operation *op, size_t index)
{
    for (; op->sent <= index; op->sent++) {
        if (op->sent < op->first) continue; /* released before it was sent: by a client that reattached */
        size_t size = ch_response_size(op->items[op->sent - op->first]);
        op->unsent_bytes -= size;
        op->sent_bytes += size;
    }
    size_t surplus = 0, bytes = op->sent_bytes, allowed = op->reattachable ? UNRELEASED_MAX : 0;
    while (surplus < op->count && op->first + surplus < index && bytes > allowed) {
        bytes -= ch_response_size(op->items[surplus++]);
    }
    drop_front(op, surplus);
    pthread_cond_broadcast(&op->changed);
}

/* What a stream finds now; CH_NEXT_QUIET when it has to wait. The lock is held. */
static ch_next look(const ch_cursor *cursor, const atomic_bool *gone, ch_error *failure)
{
    const ch_operation *op = cursor->op;
    if (atomic_load(gone)) return CH_NEXT_GONE;
    if (op->closed || op->streams != cursor->stream || cursor->next < op->first) return CH_NEXT_DISCONNECTED;
    size_t end = op->first + op->count;
    if (cursor->next < end) {
        return op->finished && !op->failure && cursor->next + 1 == end ? CH_NEXT_LAST : CH_NEXT_RESPONSE;
    }
    if (!op->finished) return CH_NEXT_QUIET;
    if (!op->failure) return CH_NEXT_END;
    *failure = *op->failure;
    return CH_NEXT_FAILED;
}

static struct timespec deadline_after(long ms)
{
    long at = ch_now_ms() + ms;
    return (struct timespec){at / 1000, at % 1000 * 1000000};
}

ch_next ch_operation_next(ch_cursor *cursor, long timeout_ms, const atomic_bool *gone, ch_response **out,
                          ch_error *failure)
{
    ch_operation *op = cursor->op;
    struct timespec deadline = deadline_after(timeout_ms);
    pthread_mutex_lock(&op->lock);
    ch_next found;
    while ((found = look(cursor, gone, failure)) == CH_NEXT_QUIET) {
        if (pthread_cond_timedwait(&op->changed, &op->lock, &deadline)) break;
    }
    if (found == CH_NEXT_RESPONSE || found == CH_NEXT_LAST) {
        *out = op->items[cursor->next - op->first];
        ch_response_retain(*out);
        mark_sent(op, cursor->next);
        cursor->next++;
    }
    pthread_mutex_unlock(&op->lock);
    return found;
}

void ch_operation_wake(ch_operation *op)
{
    pthread_mutex_lock(&op->lock);
    pthread_cond_broadcast(&op->changed);
    pthread_mutex_unlock(&op->lock);
}

void ch_operation_detach(ch_cursor *cursor, bool cut_off)
{
    ch_operation *op = cursor->op;
    pthread_mutex_lock(&op->lock);
    if (op->streams == cursor->stream) {
        op->attached = false;
        op->cut_off = cut_off;
        op->detached_ms = ch_now_ms();
    }
    pthread_mutex_unlock(&op->lock);
}
