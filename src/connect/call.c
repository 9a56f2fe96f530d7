/* call.c: gRPC core's events turned into blocking calls.
 *
 * Every event carries a `tag` of ours: what to do when it completes. A call has four: its arrival, its first message,
 * its close (the client went away, or the final status was sent), and the batch its thread is waiting for. Its memory
 * goes when its thread is done and the close was seen.
 */
#include "connect/call.h"

#include "base/log.h"
#include "connect/pool.h"
#include "connect/wire.h"

#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    POLLERS = 2,
    PENDING_CALLS = 16,   /* arrivals asked for at a time */
    THREADS_MAX = 2000,   /* calls and operations at once */
    KEEPALIVE_MS = 60000, /* a silent connection is tried this often, and given up after: */
    KEEPALIVE_TIMEOUT_MS = 20000,
    PING_INTERVAL_MIN_MS = 5000, /* of clients */
    HANDSHAKE_MS = 10000,        /* a new connection must have said what it speaks by then */
    STREAMS_MAX = 500            /* calls at once on one connection */
};

typedef struct tag {
    void (*done)(struct tag *tag, bool ok);
    void *owner;
} tag;

struct ch_transport {
    grpc_server *server;
    grpc_completion_queue *queue;
    pthread_t pollers[POLLERS];
    size_t npoller;
    const ch_method *methods;
    size_t nmethod;
    void *service;
    ch_secure secure;
    ch_pool *pool;
    tag stopped_tag;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t calls; /* alive, arrivals waited for included */
    bool stopping, stopped;
};

struct ch_call {
    ch_transport *transport;
    tag arrival, first_message, close, batch;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array metadata;
    const ch_method *method;
    char user[CH_AUTH_NAME_SIZE]; /* "": nobody was asked */
    grpc_byte_buffer *payload;    /* the message just read */
    grpc_slice bytes;             /* its bytes in one piece, as the reader sees them */
    bool have_bytes;
    int cancelled;
    atomic_bool gone;
    bool initial_sent;
    grpc_byte_buffer *last_bytes; /* what the final batch refers to */
    grpc_slice last_text;
    grpc_metadata last_trailer;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool batch_done, batch_ok, closed;
    bool ending; /* the final batch is under way: the later of its completion and the close frees the call */
    ch_operation *watched;
};

static void on_arrival(tag *t, bool ok);

/* --- life of a call ----------------------------------------------------------------------------------------------- */

static void forget_call(ch_transport *t)
{
    pthread_mutex_lock(&t->lock);
    t->calls--;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

static void free_call(ch_call *call)
{
    ch_transport *t = call->transport;
    if (call->have_bytes) grpc_slice_unref(call->bytes);
    if (call->payload) grpc_byte_buffer_destroy(call->payload);
    if (call->last_bytes) grpc_byte_buffer_destroy(call->last_bytes);
    grpc_slice_unref(call->last_text);
    grpc_slice_unref(call->last_trailer.value);
    if (call->call) grpc_call_unref(call->call);
    grpc_call_details_destroy(&call->details);
    grpc_metadata_array_destroy(&call->metadata);
    ch_operation_release(call->watched);
    pthread_cond_destroy(&call->changed);
    pthread_mutex_destroy(&call->lock);
    free(call);
    forget_call(t);
}

static void on_close(tag *t, bool ok)
{
    (void)ok;
    ch_call *call = t->owner;
    pthread_mutex_lock(&call->lock);
    if (call->cancelled) atomic_store(&call->gone, true);
    ch_operation *watched = call->watched;
    if (watched) ch_operation_retain(watched);
    call->closed = true;
    bool last = call->ending && call->batch_done;
    pthread_mutex_unlock(&call->lock);
    if (last) free_call(call);
    if (!watched) return;
    ch_operation_wake(watched);
    ch_operation_release(watched);
}

static void on_batch(tag *t, bool ok)
{
    ch_call *call = t->owner;
    pthread_mutex_lock(&call->lock);
    call->batch_done = true;
    call->batch_ok = ok;
    pthread_cond_broadcast(&call->changed);
    pthread_mutex_unlock(&call->lock);
}

/* Starts operations and waits until they are done; whether they succeeded. */
static bool run_batch(ch_call *call, const grpc_op *ops, size_t n)
{
    call->batch_done = false;
    if (grpc_call_start_batch(call->call, ops, n, &call->batch, NULL) != GRPC_CALL_OK) return false;
    pthread_mutex_lock(&call->lock);
    while (!call->batch_done) pthread_cond_wait(&call->changed, &call->lock);
    bool ok = call->batch_ok;
    pthread_mutex_unlock(&call->lock);
    return ok;
}

static void on_last_batch(tag *t, bool ok)
{
    (void)ok;
    ch_call *call = t->owner;
    pthread_mutex_lock(&call->lock);
    call->batch_done = true;
    bool last = call->closed;
    pthread_mutex_unlock(&call->lock);
    if (last) free_call(call);
}

/* Starts the final batch: bytes (NULL: none, else taken over) and the status. The call may not be used any more. */
static void end_call(ch_call *call, grpc_byte_buffer *bytes, const ch_rpc_status *status)
{
    grpc_op ops[3];
    memset(ops, 0, sizeof ops);
    size_t n = 0;
    if (!call->initial_sent) ops[n++].op = GRPC_OP_SEND_INITIAL_METADATA;
    call->last_bytes = bytes;
    if (bytes) {
        ops[n].op = GRPC_OP_SEND_MESSAGE;
        ops[n++].data.send_message.send_message = bytes;
    }
    call->last_text = grpc_slice_from_copied_buffer(ch_buf_text(&status->message), status->message.len);
    ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    ops[n].data.send_status_from_server.status = (grpc_status_code)status->code;
    ops[n].data.send_status_from_server.status_details = &call->last_text;
    if (status->details.len) {
        call->last_trailer.key = grpc_slice_from_static_string("grpc-status-details-bin");
        call->last_trailer.value = grpc_slice_from_copied_buffer(status->details.data, status->details.len);
        ops[n].data.send_status_from_server.trailing_metadata_count = 1;
        ops[n].data.send_status_from_server.trailing_metadata = &call->last_trailer;
    }
    n++;
    pthread_mutex_lock(&call->lock);
    call->ending = true;
    call->batch_done = false;
    pthread_mutex_unlock(&call->lock);
    call->batch.done = on_last_batch;
    if (grpc_call_start_batch(call->call, ops, n, &call->batch, NULL) == GRPC_CALL_OK) return;
    grpc_call_cancel(call->call, NULL); /* makes sure that the close is seen */
    on_last_batch(&call->batch, false);
}

static void serve_call(void *arg)
{
    ch_call *call = arg;
    call->method->serve(call, call->transport->service, call->method->detail);
}

static void refuse_call(ch_call *call, grpc_status_code code, const char *why)
{
    ch_rpc_status status;
    ch_rpc_status_plain((int)code, why, &status);
    end_call(call, NULL, &status);
    ch_rpc_status_reset(&status);
}

static void on_first_message(tag *t, bool ok)
{
    (void)ok; /* without a message the method sees an empty stream */
    ch_call *call = t->owner;
    if (call->method->quick && call->payload) {
        serve_call(call);
    } else if (!ch_pool_run(call->transport->pool, serve_call, call)) {
        refuse_call(call, GRPC_STATUS_UNAVAILABLE, "The server has too many requests at once.");
    }
}

static bool expect_call(ch_transport *t)
{
    ch_call *call = calloc(1, sizeof *call);
    if (!call) return false;
    call->transport = t;
    call->arrival = (tag){on_arrival, call};
    call->first_message = (tag){on_first_message, call};
    call->close = (tag){on_close, call};
    call->batch = (tag){on_batch, call};
    grpc_call_details_init(&call->details);
    grpc_metadata_array_init(&call->metadata);
    call->last_text = call->last_trailer.value = grpc_empty_slice();
    pthread_mutex_init(&call->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&call->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_lock(&t->lock);
    t->calls++;
    pthread_mutex_unlock(&t->lock);
    grpc_call_error failed = grpc_server_request_call(t->server, &call->call, &call->details, &call->metadata, t->queue,
                                                      t->queue, &call->arrival);
    if (failed) free_call(call);
    return !failed;
}

static const ch_method *find_method(const ch_transport *t, grpc_slice path)
{
    for (size_t i = 0; i < t->nmethod; i++) {
        if (grpc_slice_str_cmp(path, t->methods[i].path) == 0) return &t->methods[i];
    }
    return NULL;
}

static void on_arrival(tag *tg, bool ok)
{
    ch_call *call = tg->owner;
    ch_transport *t = call->transport;
    if (!ok) { /* the server is ending */
        free_call(call);
        return;
    }
    pthread_mutex_lock(&t->lock);
    bool stopping = t->stopping;
    pthread_mutex_unlock(&t->lock);
    if (!stopping) expect_call(t);
    call->method = find_method(t, call->details.method);
    grpc_op close_op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    close_op.data.recv_close_on_server.cancelled = &call->cancelled;
    if (grpc_call_start_batch(call->call, &close_op, 1, &call->close, NULL)) {
        free_call(call);
        return;
    }
    if (!ch_secure_admits(&t->secure, &call->metadata, call->user)) {
        refuse_call(call, GRPC_STATUS_UNAUTHENTICATED, "Invalid authentication token");
        return;
    }
    if (!call->method) {
        refuse_call(call, GRPC_STATUS_UNIMPLEMENTED, "Method not found.");
        return;
    }
    grpc_op read_op = {.op = GRPC_OP_RECV_MESSAGE};
    read_op.data.recv_message.recv_message = &call->payload;
    if (grpc_call_start_batch(call->call, &read_op, 1, &call->first_message, NULL))
        on_first_message(&call->first_message, false);
}

/* --- what a method does with its call ----------------------------------------------------------------------------- */

const char *ch_call_user(const ch_call *call)
{
    return call->user[0] ? call->user : NULL;
}

const atomic_bool *ch_call_gone(const ch_call *call)
{
    return &call->gone;
}

void ch_call_watch(ch_call *call, ch_operation *op)
{
    ch_operation_retain(op);
    pthread_mutex_lock(&call->lock);
    call->watched = op;
    pthread_mutex_unlock(&call->lock);
}

/* Reads the next message into call->payload; false when there is none within the time. */
static bool read_payload(ch_call *call, long timeout_ms)
{
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &call->payload;
    call->batch_done = false;
    if (grpc_call_start_batch(call->call, &op, 1, &call->batch, NULL)) return false;
    long at = ch_now_ms() + timeout_ms;
    struct timespec deadline = {at / 1000, at % 1000 * 1000000};
    pthread_mutex_lock(&call->lock);
    while (!call->batch_done && pthread_cond_timedwait(&call->changed, &call->lock, &deadline) == 0) {
    }
    bool late = !call->batch_done;
    pthread_mutex_unlock(&call->lock);
    if (late) {
        grpc_call_cancel_with_status(call->call, GRPC_STATUS_DEADLINE_EXCEEDED, "The client went silent.", NULL);
        pthread_mutex_lock(&call->lock);
        while (!call->batch_done) pthread_cond_wait(&call->changed, &call->lock);
        pthread_mutex_unlock(&call->lock);
    }
    return call->batch_ok && call->payload;
}

void ch_call_forget_message(ch_call *call)
{
    if (call->have_bytes) grpc_slice_unref(call->bytes);
    call->have_bytes = false;
}

bool ch_call_read(ch_call *call, long timeout_ms, const void **bytes, size_t *size)
{
    ch_call_forget_message(call);
    if (!call->payload && !read_payload(call, timeout_ms)) return false;
    grpc_byte_buffer_reader reader;
    bool readable = grpc_byte_buffer_reader_init(&reader, call->payload);
    if (readable) {
        call->bytes = grpc_byte_buffer_reader_readall(&reader);
        call->have_bytes = true;
        grpc_byte_buffer_reader_destroy(&reader);
        *bytes = GRPC_SLICE_START_PTR(call->bytes);
        *size = GRPC_SLICE_LENGTH(call->bytes);
    }
    grpc_byte_buffer_destroy(call->payload);
    call->payload = NULL;
    return readable;
}

static void release_slice(void *response)
{
    ch_response_release(response);
}

/* A part of a response as a slice that shares its memory. */
static grpc_slice response_slice(ch_response *r, const ch_buf *part)
{
    ch_response_retain(r);
    return grpc_slice_new_with_user_data(part->data, part->len, release_slice, r);
}

static grpc_byte_buffer *response_bytes(ch_response *r)
{
    grpc_slice few[16],
        *parts = r->nbody + 2 > sizeof few / sizeof *few ? gpr_malloc((r->nbody + 2) * sizeof *parts) : few;
    size_t n = 0;
    if (r->head.len) parts[n++] = response_slice(r, &r->head);
    if (r->lead.len) parts[n++] = response_slice(r, &r->lead);
    for (size_t i = 0; i < r->nbody; i++) {
        if (r->body[i].len) parts[n++] = response_slice(r, &r->body[i]);
    }
    grpc_byte_buffer *bytes = grpc_raw_byte_buffer_create(parts, n);
    for (size_t i = 0; i < n; i++) grpc_slice_unref(parts[i]);
    if (parts != few) gpr_free(parts);
    return bytes;
}

bool ch_call_send(ch_call *call, ch_response *r)
{
    grpc_byte_buffer *bytes = response_bytes(r);
    grpc_op ops[2];
    memset(ops, 0, sizeof ops);
    size_t n = 0;
    if (!call->initial_sent) ops[n++].op = GRPC_OP_SEND_INITIAL_METADATA;
    call->initial_sent = true;
    ops[n].op = GRPC_OP_SEND_MESSAGE;
    ops[n++].data.send_message.send_message = bytes;
    bool ok = run_batch(call, ops, n);
    grpc_byte_buffer_destroy(bytes);
    return ok;
}

static const ch_rpc_status STATUS_OK = {.code = GRPC_STATUS_OK};

void ch_call_end(ch_call *call, const ch_rpc_status *status)
{
    end_call(call, NULL, status ? status : &STATUS_OK);
}

void ch_call_send_last(ch_call *call, ch_response *r)
{
    end_call(call, response_bytes(r), &STATUS_OK);
}

void ch_call_reply(ch_call *call, const ProtobufCMessage *message)
{
    ch_response *r = ch_response_new();
    ch_wire_pack(&r->head, message);
    ch_call_send_last(call, r);
    ch_response_release(r);
}

/* --- the server --------------------------------------------------------------------------------------------------- */

static void *poller_main(void *arg)
{
    ch_transport *t = arg;
    for (;;) {
        grpc_event event = grpc_completion_queue_next(t->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN) return NULL;
        if (event.type != GRPC_OP_COMPLETE) continue;
        tag *done = event.tag;
        done->done(done, event.success != 0);
    }
}

static void on_stopped(tag *tg, bool ok)
{
    (void)ok;
    ch_transport *t = tg->owner;
    pthread_mutex_lock(&t->lock);
    t->stopped = true;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

static int listen_on(ch_transport *t, const char *host, int port, int *bound_port, ch_error *err)
{
    grpc_arg args[] = {
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, .value.integer = CH_WIRE_MESSAGE_MAX},
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_ALLOW_REUSEPORT, .value.integer = 0},
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_KEEPALIVE_TIME_MS, .value.integer = KEEPALIVE_MS},
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_KEEPALIVE_TIMEOUT_MS, .value.integer = KEEPALIVE_TIMEOUT_MS},
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, .value.integer = 0},
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, .value.integer = HANDSHAKE_MS},
        {.type = GRPC_ARG_INTEGER, .key = GRPC_ARG_MAX_CONCURRENT_STREAMS, .value.integer = STREAMS_MAX},
        {.type = GRPC_ARG_INTEGER,
         .key = GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
         .value.integer = PING_INTERVAL_MIN_MS},
    };
    grpc_channel_args all = {sizeof args / sizeof *args, args};
    t->server = grpc_server_create(&all, NULL);
    t->queue = grpc_completion_queue_create_for_next(NULL);
    grpc_server_register_completion_queue(t->server, t->queue, NULL);
    ch_buf address = {0};
    ch_buf_printf(&address, strchr(host, ':') && host[0] != '[' ? "[%s]:%d" : "%s:%d", host, port);
    grpc_server_credentials *credentials = NULL;
    int status = ch_secure_credentials(&t->secure, &credentials, err);
    *bound_port = credentials ? grpc_server_add_http2_port(t->server, ch_buf_text(&address), credentials) : 0;
    grpc_server_credentials_release(credentials);
    if (!status && *bound_port == 0) status = ch_failf(err, CH_E_IO, "Cannot listen on %s.", ch_buf_text(&address));
    ch_buf_reset(&address);
    return status;
}

int ch_transport_start(const char *host, int port, const ch_secure *secure, const ch_method *methods, size_t nmethod,
                       void *service, ch_transport **out, int *bound_port, ch_error *err)
{
    ch_transport *t = calloc(1, sizeof *t);
    if (!t) return ch_no_memory(err);
    t->secure = *secure;
    t->methods = methods;
    t->nmethod = nmethod;
    t->service = service;
    t->pool = ch_pool_new(THREADS_MAX, CH_WIRE_STACK_BYTES);
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->changed, &attr);
    pthread_condattr_destroy(&attr);
    t->stopped_tag = (tag){on_stopped, t};
    *out = t;
    int status = t->pool ? listen_on(t, host, port, bound_port, err) : ch_no_memory(err);
    grpc_server_start(t->server);
    for (; t->npoller < POLLERS; t->npoller++) {
        if (pthread_create(&t->pollers[t->npoller], NULL, poller_main, t)) {
            status = ch_failf(err, CH_E_MEMORY, "Cannot start a thread.");
            break;
        }
    }
    for (int i = 0; !status && i < PENDING_CALLS; i++) expect_call(t);
    return status;
}

/* Waits up to ms for the server to have stopped. */
static bool wait_stopped(ch_transport *t, long ms)
{
    long at = ch_now_ms() + ms;
    struct timespec deadline = {at / 1000, at % 1000 * 1000000};
    pthread_mutex_lock(&t->lock);
    while (!t->stopped && pthread_cond_timedwait(&t->changed, &t->lock, &deadline) == 0) {
    }
    bool stopped = t->stopped;
    pthread_mutex_unlock(&t->lock);
    return stopped;
}

void ch_transport_stop(ch_transport *t, long grace_ms)
{
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    pthread_mutex_unlock(&t->lock);
    grpc_server_shutdown_and_notify(t->server, t->queue, &t->stopped_tag);
    if (!wait_stopped(t, grace_ms)) {
        grpc_server_cancel_all_calls(t->server);
        wait_stopped(t, grace_ms);
    }
}

static bool wait_no_calls(ch_transport *t, long ms)
{
    long at = ch_now_ms() + ms;
    struct timespec deadline = {at / 1000, at % 1000 * 1000000};
    pthread_mutex_lock(&t->lock);
    while (t->calls > 0 && pthread_cond_timedwait(&t->changed, &t->lock, &deadline) == 0) {
    }
    bool none = t->calls == 0;
    pthread_mutex_unlock(&t->lock);
    return none;
}

bool ch_transport_free(ch_transport *t)
{
    if (!t->stopped || !ch_pool_drain(t->pool, 300) || !wait_no_calls(t, 100)) return false;
    grpc_server_destroy(t->server);
    grpc_completion_queue_shutdown(t->queue);
    for (size_t i = 0; i < t->npoller; i++) pthread_join(t->pollers[i], NULL);
    grpc_completion_queue_destroy(t->queue);
    ch_pool_free(t->pool);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    free(t);
    return true;
}

struct ch_pool *ch_transport_pool(ch_transport *t)
{
    return t->pool;
}
