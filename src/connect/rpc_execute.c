/* rpc_execute.c: ExecutePlan, ReattachExecute and ReleaseExecute: an operation is started or found, its responses are
 * streamed to whoever is attached, and it is let go when the client says so. */
#include "connect/errors.h"
#include "connect/execute.h"
#include "connect/wire.h"

#include <string.h>

enum {
    FIRST_MESSAGE_TIMEOUT_MS = 60000,
    PROGRESS_MS = 2000, /* spark.connect.progress.reportInterval */
    TAG_MAX = 1000,
    TAGS_MAX = 1000,
    PLAN_FIELD = 3, /* of ExecutePlanRequest */
    CHUNK_DEFAULT = 100 << 20,
    CHUNK_MIN = 1024
};

/* --- the executing side ------------------------------------------------------------------------------------------- */

void ch_execution_free(ch_execution *x)
{
    ch_arena *arena = x->arena; /* x lives in it */
    ch_operation_release(x->op);
    ch_holder_release(x->holder);
    ch_arena_free(arena);
}

const char *ch_execution_user(const ch_execution *x)
{
    return x->service->auth ? ch_holder_user(x->holder) : NULL;
}

ch_decoder ch_execution_decoder(ch_execution *x)
{
    return (ch_decoder){.arena = x->arena,
                        .session = ch_holder_frame(x->holder),
                        .ml = ch_holder_ml(x->holder),
                        .task = ch_operation_task(x->op),
                        .track = x->service->track,
                        .user = ch_execution_user(x)};
}

PB(ExecutePlanResponse) *ch_response_message(ch_arena *arena, const ch_holder *holder, const ch_operation *op)
{
    PB(ExecutePlanResponse) *message = PB_NEW(arena, execute_plan_response);
    message->session_id = ch_arena_strdup(arena, ch_holder_session_id(holder));
    message->server_side_session_id = ch_arena_strdup(arena, ch_holder_server_id(holder));
    message->operation_id = ch_arena_strdup(arena, ch_operation_id(op));
    return message;
}

static ch_response *pack_response(const PB(ExecutePlanResponse) *message)
{
    ch_response *r = ch_response_new();
    ch_wire_pack(&r->head, &message->base);
    return r;
}

int ch_execution_push(ch_execution *x, ch_response *r, int64_t rows, ch_error *err)
{
    atomic_fetch_add(&x->record->rows, rows);
    atomic_fetch_add(&x->record->bytes, (int64_t)ch_response_size(r));
    const char *before = ch_record_enter(x->record, "send");
    int status = ch_operation_push(x->op, r, err);
    ch_record_enter(x->record, before);
    return status;
}

int ch_execution_send(ch_execution *x, const PB(ExecutePlanResponse) *message, ch_error *err)
{
    return ch_execution_push(x, pack_response(message), 0, err);
}

/* The end of a success. Only reattachable clients are told that all has come; for others the end of the stream says so.
 */
static void complete(ch_execution *x)
{
    if (!ch_operation_reattachable(x->op)) {
        ch_operation_finish(x->op, NULL);
        return;
    }
    ch_arena *arena = ch_arena_new();
    PB(ExecutePlanResponse) *message = ch_response_message(arena, x->holder, x->op);
    message->response_type_case = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_RESULT_COMPLETE;
    message->result_complete = PB_NEW(arena, execute_plan_response__result_complete);
    ch_operation_complete(x->op, pack_response(message));
    ch_arena_free(arena);
}

static int execute(ch_execution *x, const PB(Plan) *plan, ch_error *err)
{
    switch (plan ? plan->op_type_case : SPARK__CONNECT__PLAN__OP_TYPE__NOT_SET) {
    case SPARK__CONNECT__PLAN__OP_TYPE_ROOT: return ch_execute_relation(x, plan->root, err);
    case SPARK__CONNECT__PLAN__OP_TYPE_COMMAND: return ch_execute_command(x, plan->command, err);
    default: return ch_failf(err, CH_E_UNSUPPORTED, "OPTYPE_NOT_SET not supported.");
    }
}

void ch_execution_run(void *execution)
{
    ch_execution *x = execution;
    ch_error err;
    const PB(Plan) *plan = NULL;
    int status = ch_decompress_plan(x->arena, x->request->plan, &plan, &err);
    ch_summary summary = ch_describe(x->arena, status ? NULL : plan);
    x->record = ch_monitor_begin(x->service->monitor, x->op, ch_holder_session_id(x->holder), ch_holder_user(x->holder),
                                 &summary);
    if (!status) status = execute(x, plan, &err);
    if (status) {
        /* Whatever an interrupted operation fails with, it failed because it was interrupted. */
        if (atomic_load(&ch_operation_task(x->op)->cancelled)) ch_raise(&err, "OPERATION_CANCELED", (char *)NULL);
    }
    ch_monitor_end(x->service->monitor, x->record, status ? &err : NULL);
    if (status) {
        ch_operation_finish(x->op, &err);
    } else {
        complete(x);
    }
    ch_execution_free(x);
}

/* --- the sending side --------------------------------------------------------------------------------------------- */

static int64_t clamp_units(long value)
{
    return value > 0 ? value : 0;
}

/* How far the work is, as one stage whose tasks are the work's own units. */
static void push_progress(const ch_request *req, ch_operation *op)
{
    const ch_task *task = ch_operation_task(op);
    int64_t total = clamp_units(atomic_load(&task->total)), done = clamp_units(atomic_load(&task->done));
    ch_arena *arena = ch_arena_new();
    PB(ExecutePlanResponse) *message = ch_response_message(arena, req->holder, op);
    PB(ExecutePlanResponse__ExecutionProgress) *progress = PB_NEW(arena, execute_plan_response__execution_progress);
    PB(ExecutePlanResponse__ExecutionProgress__StageInfo) *stage =
        PB_NEW(arena, execute_plan_response__execution_progress__stage_info);
    stage->num_tasks = total > 0 ? total : 1;
    stage->num_completed_tasks = done < stage->num_tasks ? done : stage->num_tasks;
    progress->num_inflight_tasks = stage->num_tasks > stage->num_completed_tasks;
    progress->stages = CH_NEW_ARRAY(arena, PB(ExecutePlanResponse__ExecutionProgress__StageInfo) *, 1);
    progress->stages[progress->n_stages++] = stage;
    message->response_type_case = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_EXECUTION_PROGRESS;
    message->execution_progress = progress;
    ch_operation_push_progress(op, pack_response(message));
    ch_arena_free(arena);
}

/* Sends what comes until the end and ends the call; whether the client got everything. */
static bool stream(ch_request *req, ch_call *call, ch_cursor *cursor)
{
    ch_error failure;
    for (;;) {
        ch_response *r;
        bool sent;
        switch (ch_operation_next(cursor, PROGRESS_MS, ch_call_gone(call), &r, &failure)) {
        case CH_NEXT_RESPONSE:
            sent = ch_call_send(call, r);
            ch_response_release(r);
            if (sent) break;
            ch_call_end(call, NULL);
            return false;
        case CH_NEXT_LAST:
            ch_call_send_last(call, r);
            ch_response_release(r);
            return true;
        case CH_NEXT_QUIET: push_progress(req, cursor->op); break;
        case CH_NEXT_END: ch_call_end(call, NULL); return true;
        case CH_NEXT_FAILED: ch_request_fail(req, call, &failure); return true;
        case CH_NEXT_DISCONNECTED:
            ch_raise(&failure, "INVALID_CURSOR.DISCONNECTED", (char *)NULL);
            ch_request_fail(req, call, &failure);
            return true;
        case CH_NEXT_GONE: ch_call_end(call, NULL); return false;
        }
    }
}

/* Serves a stream behind the given response, to its end. */
static void attach(ch_request *req, ch_call *call, ch_operation *op, const char *last_response_id)
{
    ch_error err;
    ch_cursor cursor;
    if (ch_operation_attach(op, last_response_id, &cursor, &err)) {
        ch_request_fail(req, call, &err);
        return;
    }
    ch_call_watch(call, op);
    bool whole = stream(req, call, &cursor);
    ch_operation_detach(&cursor, !whole);
    /* Without reattachment nobody can ask for the operation again. */
    if (!ch_operation_reattachable(op)) ch_holder_remove(req->holder, ch_operation_id(op));
}

/* --- ExecutePlan -------------------------------------------------------------------------------------------------- */

static int check_tags(const PB(ExecutePlanRequest) *msg, ch_error *err)
{
    if (msg->n_tags > TAGS_MAX) return ch_invalid_plan(err, "There are too many tags.");
    for (size_t i = 0; i < msg->n_tags; i++) {
        const char *tag = msg->tags[i];
        if (!tag[0]) {
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Spark Connect tag cannot be an empty string.");
        }
        if (strchr(tag, ',')) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Spark Connect tag cannot contain ','.");
        if (strlen(tag) > TAG_MAX) return ch_invalid_plan(err, "A tag is too long.");
    }
    return CH_OK;
}

/* A hash of the plan's bytes: tells a request sent again from another one with the same id (FNV-1a). */
static uint64_t hash_plan(const void *bytes, size_t size)
{
    const void *plan = "";
    size_t plan_size = 0;
    ch_wire_find(bytes, size, PLAN_FIELD, &plan, &plan_size);
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < plan_size; i++) hash = (hash ^ ((const uint8_t *)plan)[i]) * 0x100000001B3u;
    return hash;
}

static int64_t chunk_size(const PB(ResultChunkingOptions) *options)
{
    if (!options->allow_arrow_batch_chunking) return 0;
    if (!options->_preferred_arrow_chunk_size_case) return CHUNK_DEFAULT;
    int64_t size = options->preferred_arrow_chunk_size;
    return size < CHUNK_MIN ? CHUNK_MIN : size > CHUNK_DEFAULT ? CHUNK_DEFAULT : size;
}

static void read_options(const PB(ExecutePlanRequest) *msg, bool *reattachable, int64_t *chunk_bytes)
{
    *reattachable = false;
    *chunk_bytes = 0;
    for (size_t i = 0; i < msg->n_request_options; i++) {
        const PB(ExecutePlanRequest__RequestOption) *o = msg->request_options[i];
        if (o->request_option_case ==
            SPARK__CONNECT__EXECUTE_PLAN_REQUEST__REQUEST_OPTION__REQUEST_OPTION_REATTACH_OPTIONS) {
            *reattachable = o->reattach_options->reattachable != 0;
        } else if (o->request_option_case ==
                   SPARK__CONNECT__EXECUTE_PLAN_REQUEST__REQUEST_OPTION__REQUEST_OPTION_RESULT_CHUNKING_OPTIONS) {
            *chunk_bytes = chunk_size(o->result_chunking_options);
        }
    }
}

/* Hands the request to a thread of its own. The execution shares the request's arena, which this thread from now on
 * only reads. */
static int launch(ch_request *req, const PB(ExecutePlanRequest) *msg, ch_operation *op, int64_t chunk_bytes,
                  ch_error *err)
{
    ch_execution *x = CH_NEW(req->arena, ch_execution);
    *x = (ch_execution){.service = req->service,
                        .holder = req->holder,
                        .op = op,
                        .arena = ch_arena_retain(req->arena),
                        .request = msg,
                        .chunk_bytes = chunk_bytes};
    ch_holder_retain(x->holder);
    ch_operation_retain(op);
    if (ch_pool_run(req->service->pool, ch_execution_run, x)) return CH_OK;
    ch_execution_free(x);
    ch_holder_remove(req->holder, ch_operation_id(op));
    return ch_failf(err, CH_E_SPARK, "The server has too many operations at once.");
}

static int start(ch_request *req, const void *bytes, size_t size, ch_operation **op, ch_error *err)
{
    ProtobufCMessage *message;
    CH_TRY(ch_wire_unpack(req->arena, PB_TYPE(execute_plan_request), bytes, size, &message, err));
    const PB(ExecutePlanRequest) *msg = (const void *)message;
    CH_TRY(CH_ENTER(req, msg, true, err));
    CH_TRY(check_tags(msg, err));
    char made_up[CH_UUID_SIZE];
    ch_uuid_new(made_up);
    const char *id = msg->_operation_id_case ? msg->operation_id : made_up;
    if (!ch_uuid_valid(id)) return ch_raise(err, "INVALID_HANDLE.FORMAT", "handle", id, (char *)NULL);
    bool reattachable, existing;
    int64_t chunk_bytes;
    read_options(msg, &reattachable, &chunk_bytes);
    CH_TRY(ch_holder_start(req->holder, id, hash_plan(bytes, size), reattachable, msg->n_tags, msg->tags, op, &existing,
                           err));
    if (existing) return CH_OK;
    int status = launch(req, msg, *op, chunk_bytes, err);
    if (status) ch_operation_release(*op);
    return status;
}

void ch_rpc_execute(ch_call *call, void *service, const void *detail)
{
    (void)detail;
    ch_request req;
    ch_request_begin(&req, service, call);
    const void *bytes;
    size_t size;
    ch_error err;
    ch_operation *op;
    int status = CH_OK;
    if (!ch_call_read(call, FIRST_MESSAGE_TIMEOUT_MS, &bytes, &size)) {
        status = ch_invalid_plan(&err, "The request has no message.");
    }
    if (!status) status = start(&req, bytes, size, &op, &err);
    ch_call_forget_message(call);
    if (status) {
        ch_request_fail(&req, call, &err);
    } else {
        attach(&req, call, op, NULL);
        ch_operation_release(op);
    }
    ch_request_end(&req);
}

/* --- ReattachExecute ---------------------------------------------------------------------------------------------- */

static int find(ch_request *req, const void *bytes, size_t size, ch_operation **op, const char **last, ch_error *err)
{
    ProtobufCMessage *message;
    CH_TRY(ch_wire_unpack(req->arena, PB_TYPE(reattach_execute_request), bytes, size, &message, err));
    const PB(ReattachExecuteRequest) *msg = (const void *)message;
    CH_TRY(CH_ENTER(req, msg, false, err));
    *op = ch_holder_find(req->holder, msg->operation_id);
    if (!*op) return ch_raise(err, "INVALID_HANDLE.OPERATION_NOT_FOUND", "handle", msg->operation_id, (char *)NULL);
    if (!ch_operation_reattachable(*op)) {
        ch_operation_release(*op);
        return ch_raise(err, "INVALID_CURSOR.NOT_REATTACHABLE", (char *)NULL);
    }
    *last = msg->_last_response_id_case ? msg->last_response_id : NULL;
    return CH_OK;
}

void ch_rpc_reattach(ch_call *call, void *service, const void *detail)
{
    (void)detail;
    ch_request req;
    ch_request_begin(&req, service, call);
    const void *bytes;
    size_t size;
    ch_error err;
    ch_operation *op;
    const char *last;
    int status = CH_OK;
    if (!ch_call_read(call, FIRST_MESSAGE_TIMEOUT_MS, &bytes, &size)) {
        status = ch_invalid_plan(&err, "The request has no message.");
    }
    if (!status) status = find(&req, bytes, size, &op, &last, &err);
    if (status) {
        ch_request_fail(&req, call, &err);
    } else {
        attach(&req, call, op, last);
        ch_operation_release(op);
    }
    ch_request_end(&req);
}

/* --- ReleaseExecute ----------------------------------------------------------------------------------------------- */

int ch_rpc_release_execute(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response, ch_error *err)
{
    const PB(ReleaseExecuteRequest) *msg = (const void *)request;
    CH_TRY(CH_ENTER(req, msg, false, err));
    ch_operation *op = ch_holder_find(req->holder, msg->operation_id);
    int status = CH_OK;
    switch (msg->release_case) {
    case SPARK__CONNECT__RELEASE_EXECUTE_REQUEST__RELEASE_RELEASE_ALL:
        ch_holder_remove(req->holder, msg->operation_id);
        break;
    case SPARK__CONNECT__RELEASE_EXECUTE_REQUEST__RELEASE_RELEASE_UNTIL:
        if (op) status = ch_operation_release_until(op, msg->release_until->response_id, err);
        break;
    default: status = op ? ch_failf(err, CH_E_UNSUPPORTED, "Unknown ReleaseExecute type!") : CH_OK;
    }
    PB(ReleaseExecuteResponse) *out = PB_NEW(req->arena, release_execute_response);
    out->session_id = ch_request_session_id(req);
    out->server_side_session_id = ch_request_server_id(req);
    if (op) {
        out->_operation_id_case = SPARK__CONNECT__RELEASE_EXECUTE_RESPONSE___OPERATION_ID_OPERATION_ID;
        out->operation_id = ch_arena_strdup(req->arena, ch_operation_id(op));
    }
    ch_operation_release(op);
    *response = &out->base;
    return status;
}
