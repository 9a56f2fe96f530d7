/* rpc_session.c: the methods about sessions and running operations as a whole: Interrupt, ReleaseSession, CloneSession,
 * FetchErrorDetails. */
#include "connect/service.h"

#include <string.h>

static int missing_argument(ch_error *err, const char *condition, const char *parameter)
{
    return ch_raise(err, condition, "parameter", parameter, "functionName", "interrupt", (char *)NULL);
}

int ch_rpc_interrupt(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response, ch_error *err)
{
    const PB(InterruptRequest) *msg = (const void *)request;
    CH_TRY(CH_ENTER(req, msg, true, err));
    const char *tag = NULL, *id = NULL;
    const ProtobufCEnumValue *name;
    switch (msg->interrupt_type) {
    case SPARK__CONNECT__INTERRUPT_REQUEST__INTERRUPT_TYPE__INTERRUPT_TYPE_ALL: break;
    case SPARK__CONNECT__INTERRUPT_REQUEST__INTERRUPT_TYPE__INTERRUPT_TYPE_TAG:
        if (msg->interrupt_case != SPARK__CONNECT__INTERRUPT_REQUEST__INTERRUPT_OPERATION_TAG) {
            return missing_argument(err, "INVALID_PARAMETER_VALUE.INTERRUPT_TYPE_TAG_REQUIRES_TAG", "operation_tag");
        }
        tag = msg->operation_tag;
        break;
    case SPARK__CONNECT__INTERRUPT_REQUEST__INTERRUPT_TYPE__INTERRUPT_TYPE_OPERATION_ID:
        if (msg->interrupt_case != SPARK__CONNECT__INTERRUPT_REQUEST__INTERRUPT_OPERATION_ID) {
            return missing_argument(err, "INVALID_PARAMETER_VALUE.INTERRUPT_TYPE_OPERATION_ID_REQUIRES_ID",
                                    "operation_id");
        }
        id = msg->operation_id;
        break;
    default:
        name =
            protobuf_c_enum_descriptor_get_value(PB_TYPE(interrupt_request__interrupt_type), (int)msg->interrupt_type);
        return ch_raise(err, "UNSUPPORTED_FEATURE.INTERRUPT_TYPE", "interruptType", name ? name->name : "UNRECOGNIZED",
                        (char *)NULL);
    }
    PB(InterruptResponse) *out = PB_NEW(req->arena, interrupt_response);
    out->n_interrupted_ids = ch_holder_interrupt(req->holder, tag, id, req->arena, &out->interrupted_ids);
    out->session_id = ch_request_session_id(req);
    out->server_side_session_id = ch_request_server_id(req);
    *response = &out->base;
    return CH_OK;
}

int ch_rpc_release_session(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response, ch_error *err)
{
    (void)err;
    const PB(ReleaseSessionRequest) *msg = (const void *)request;
    PB(ReleaseSessionResponse) *out = PB_NEW(req->arena, release_session_response);
    char server_id[CH_UUID_SIZE] = "";
    ch_sessions_close(req->service->sessions, ch_request_user(req, msg->user_context), msg->session_id,
                      msg->allow_reconnect != 0, server_id);
    out->session_id = msg->session_id;
    out->server_side_session_id = ch_arena_strdup(req->arena, server_id);
    *response = &out->base;
    return CH_OK;
}

int ch_rpc_clone_session(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response, ch_error *err)
{
    const PB(CloneSessionRequest) *msg = (const void *)request;
    CH_TRY(CH_ENTER(req, msg, false, err));
    ch_holder *copy;
    CH_TRY(ch_sessions_clone(req->service->sessions, req->holder, msg->new_session_id, &copy, err));
    PB(CloneSessionResponse) *out = PB_NEW(req->arena, clone_session_response);
    out->session_id = ch_request_session_id(req);
    out->server_side_session_id = ch_request_server_id(req);
    out->new_session_id = ch_arena_strdup(req->arena, ch_holder_session_id(copy));
    out->new_server_side_session_id = ch_arena_strdup(req->arena, ch_holder_server_id(copy));
    ch_holder_release(copy);
    *response = &out->base;
    return CH_OK;
}

static PB(FetchErrorDetailsResponse__SparkThrowable) *throwable(ch_arena *arena, const ch_error *failure)
{
    PB(FetchErrorDetailsResponse__SparkThrowable) *t = PB_NEW(arena, fetch_error_details_response__spark_throwable);
    t->_error_class_case = SPARK__CONNECT__FETCH_ERROR_DETAILS_RESPONSE__SPARK_THROWABLE___ERROR_CLASS_ERROR_CLASS;
    t->error_class = ch_arena_strdup(arena, failure->condition);
    if (failure->sqlstate[0]) {
        t->_sql_state_case = SPARK__CONNECT__FETCH_ERROR_DETAILS_RESPONSE__SPARK_THROWABLE___SQL_STATE_SQL_STATE;
        t->sql_state = ch_arena_strdup(arena, failure->sqlstate);
    }
    size_t n = (size_t)failure->nparam;
    t->message_parameters =
        CH_NEW_ARRAY(arena, PB(FetchErrorDetailsResponse__SparkThrowable__MessageParametersEntry) *, n);
    for (size_t i = 0; i < n; i++) {
        PB(FetchErrorDetailsResponse__SparkThrowable__MessageParametersEntry) *entry =
            PB_NEW(arena, fetch_error_details_response__spark_throwable__message_parameters_entry);
        entry->key = ch_arena_strdup(arena, failure->param_name[i]);
        entry->value = ch_arena_strdup(arena, failure->param_value[i]);
        t->message_parameters[t->n_message_parameters++] = entry;
    }
    return t;
}

static PB(FetchErrorDetailsResponse__Error) *error_message(ch_arena *arena, const ch_error *failure)
{
    PB(FetchErrorDetailsResponse__Error) *e = PB_NEW(arena, fetch_error_details_response__error);
    const char *const *classes;
    e->n_error_type_hierarchy = ch_error_classes(failure, &classes);
    e->error_type_hierarchy = CH_NEW_ARRAY(arena, char *, e->n_error_type_hierarchy);
    for (size_t i = 0; i < e->n_error_type_hierarchy; i++) {
        e->error_type_hierarchy[i] = ch_arena_strdup(arena, classes[i]);
    }
    e->message = ch_arena_strdup(arena, failure->message);
    if (failure->condition[0]) {
        e->_spark_throwable_case =
            SPARK__CONNECT__FETCH_ERROR_DETAILS_RESPONSE__ERROR___SPARK_THROWABLE_SPARK_THROWABLE;
        e->spark_throwable = throwable(arena, failure);
    }
    return e;
}

int ch_rpc_error_details(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response, ch_error *err)
{
    const PB(FetchErrorDetailsRequest) *msg = (const void *)request;
    CH_TRY(CH_ENTER(req, msg, false, err));
    PB(FetchErrorDetailsResponse) *out = PB_NEW(req->arena, fetch_error_details_response);
    out->session_id = ch_request_session_id(req);
    out->server_side_session_id = ch_request_server_id(req);
    ch_error failure;
    if (ch_holder_find_error(req->holder, msg->error_id, &failure)) { /* an unknown id gets an answer without errors */
        out->_root_error_idx_case = SPARK__CONNECT__FETCH_ERROR_DETAILS_RESPONSE___ROOT_ERROR_IDX_ROOT_ERROR_IDX;
        out->root_error_idx = 0;
        out->n_errors = 1;
        out->errors = CH_NEW_ARRAY(req->arena, PB(FetchErrorDetailsResponse__Error) *, 1);
        out->errors[0] = error_message(req->arena, &failure);
    }
    *response = &out->base;
    return CH_OK;
}
