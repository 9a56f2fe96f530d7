/* rpc.c: the table of the service's methods, and what is common to answering them. */
#include "connect/service.h"
#include "connect/wire.h"

#include <string.h>

enum { FIRST_MESSAGE_TIMEOUT_MS = 60000 };

void ch_request_begin(ch_request *req, ch_service *service, const ch_call *call)
{
    *req = (ch_request){.service = service, .arena = ch_arena_new()};
    req->user = ch_arena_strdup(req->arena, ch_call_user(call));
}

void ch_request_end(ch_request *req)
{
    ch_holder_release(req->holder);
    ch_arena_free(req->arena);
}

const char *ch_request_user(const ch_request *req, const PB(UserContext) *claimed)
{
    return req->user ? req->user : claimed ? claimed->user_id : "";
}

int ch_request_enter(ch_request *req, const char *session_id, const PB(UserContext) *user, const char *observed,
                     bool create, ch_error *err)
{
    const char *user_id = ch_request_user(req, user);
    if (strlen(user_id) > 1000 || strlen(session_id) > 1000)
        return ch_invalid_plan(err, "The session's name is too long.");
    return ch_sessions_enter(req->service->sessions, user_id, session_id, observed, create, &req->holder, err);
}

char *ch_request_session_id(const ch_request *req)
{
    return ch_arena_strdup(req->arena, ch_holder_session_id(req->holder));
}

char *ch_request_server_id(const ch_request *req)
{
    return ch_arena_strdup(req->arena, ch_holder_server_id(req->holder));
}

void ch_request_fail(const ch_request *req, ch_call *call, const ch_error *err)
{
    ch_rpc_status status;
    bool cut;
    ch_rpc_status_from_error(err, NULL, &status, &cut);
    if (cut && req->holder) {
        char id[CH_UUID_SIZE];
        ch_holder_keep_error(req->holder, err, id);
        ch_rpc_status_reset(&status);
        ch_rpc_status_from_error(err, id, &status, &cut);
    }
    ch_call_end(call, &status);
    ch_rpc_status_reset(&status);
}

static void serve_unary(ch_call *call, void *service, const void *detail)
{
    const ch_unary *unary = detail;
    ch_request req;
    ch_request_begin(&req, service, call);
    const void *bytes;
    size_t size;
    ProtobufCMessage *request, *response;
    ch_error err;
    int status = CH_OK;
    if (!ch_call_read(call, FIRST_MESSAGE_TIMEOUT_MS, &bytes, &size)) {
        status = ch_invalid_plan(&err, "The request has no message.");
    }
    if (!status) status = ch_wire_unpack(req.arena, unary->request, bytes, size, &request, &err);
    if (!status) status = unary->fn(&req, request, &response, &err);
    if (status) {
        ch_request_fail(&req, call, &err);
    } else {
        ch_call_reply(call, response);
    }
    ch_request_end(&req);
}

static const ch_unary CONFIG = {ch_rpc_config, PB_TYPE(config_request)};
static const ch_unary ANALYZE = {ch_rpc_analyze, PB_TYPE(analyze_plan_request)};
static const ch_unary ARTIFACT_STATUS = {ch_rpc_artifact_status, PB_TYPE(artifact_statuses_request)};
static const ch_unary INTERRUPT = {ch_rpc_interrupt, PB_TYPE(interrupt_request)};
static const ch_unary RELEASE_EXECUTE = {ch_rpc_release_execute, PB_TYPE(release_execute_request)};
static const ch_unary RELEASE_SESSION = {ch_rpc_release_session, PB_TYPE(release_session_request)};
static const ch_unary CLONE_SESSION = {ch_rpc_clone_session, PB_TYPE(clone_session_request)};
static const ch_unary ERROR_DETAILS = {ch_rpc_error_details, PB_TYPE(fetch_error_details_request)};

#define PATH(name) "/spark.connect.SparkConnectService/" name

const ch_method ch_rpc_methods[] = {
    {PATH("ReleaseExecute"), serve_unary, &RELEASE_EXECUTE, true}, /* by far the most frequent */
    {PATH("ExecutePlan"), ch_rpc_execute, NULL, false},
    {PATH("AnalyzePlan"), serve_unary, &ANALYZE, false},
    {PATH("Config"), serve_unary, &CONFIG, false},
    {PATH("ReattachExecute"), ch_rpc_reattach, NULL, false},
    {PATH("AddArtifacts"), ch_rpc_add_artifacts, NULL, false},
    {PATH("ArtifactStatus"), serve_unary, &ARTIFACT_STATUS, false},
    {PATH("Interrupt"), serve_unary, &INTERRUPT, false},
    {PATH("ReleaseSession"), serve_unary, &RELEASE_SESSION, false},
    {PATH("CloneSession"), serve_unary, &CLONE_SESSION, false},
    {PATH("FetchErrorDetails"), serve_unary, &ERROR_DETAILS, false},
};
const size_t ch_rpc_method_count = sizeof ch_rpc_methods / sizeof *ch_rpc_methods;
