/* service.h: what the methods of the Spark Connect service share. */
#ifndef CHERT_CONNECT_SERVICE_H
#define CHERT_CONNECT_SERVICE_H

#include "connect/call.h"
#include "connect/monitor.h"
#include "connect/paths.h"
#include "connect/pool.h"
#include "connect/proto.h"
#include "connect/sessions.h"

/* What AnalyzePlan.spark_version answers: the version whose behaviour is followed. */
#define CH_SPARK_VERSION "4.1.3"

typedef struct ch_service {
    ch_engine *engine;
    ch_sessions *sessions;
    ch_pool *pool;
    ch_monitor *monitor;
    ch_track *track; /* NULL: paths of the tracking server mean nothing */
    ch_auth *auth;   /* NULL: nobody is asked who they are */
} ch_service;

/* One request being answered: what it uses is freed with it. */
typedef struct ch_request {
    ch_service *service;
    ch_arena *arena;   /* of the request, the response and all between */
    const char *user;  /* as the call's credentials say; NULL: nobody was asked */
    ch_holder *holder; /* NULL until ch_request_enter */
} ch_request;

/* Finds (or creates) the session of a request, among those of whom the credentials tell of. `user`, whom the client
 * claims to be, counts only without credentials; may be NULL, `observed` NULL or "". */
int ch_request_enter(ch_request *req, const char *session_id, const PB(UserContext) *user, const char *observed,
                     bool create, ch_error *err);
/* The same for any request message that has the usual fields. */
#define CH_ENTER(req, msg, create, err)                                                                                \
    ch_request_enter((req), (msg)->session_id, (msg)->user_context, (msg)->client_observed_server_side_session_id,     \
                     (create), (err))
/* Whose session a request means. */
const char *ch_request_user(const ch_request *req, const PB(UserContext) *claimed);
/* Ends a call with an error, keeping its details in the session when the trailer cannot hold them. */
void ch_request_fail(const ch_request *req, ch_call *call, const ch_error *err);
/* Takes and drops the things a request uses. */
void ch_request_begin(ch_request *req, ch_service *service, const ch_call *call);
void ch_request_end(ch_request *req);

/* The session's ids as responses carry them; arena copies. */
char *ch_request_session_id(const ch_request *req);
char *ch_request_server_id(const ch_request *req);

/* A method with one request and one response. The response is allocated in req->arena. */
typedef int (*ch_unary_fn)(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response,
                           ch_error *err);
typedef struct ch_unary {
    ch_unary_fn fn;
    const ProtobufCMessageDescriptor *request;
} ch_unary;

int ch_rpc_config(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response, ch_error *err);
int ch_rpc_analyze(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response, ch_error *err);
int ch_rpc_artifact_status(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response,
                           ch_error *err);
int ch_rpc_interrupt(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response, ch_error *err);
int ch_rpc_release_execute(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response,
                           ch_error *err);
int ch_rpc_release_session(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response,
                           ch_error *err);
int ch_rpc_clone_session(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response, ch_error *err);
int ch_rpc_error_details(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response, ch_error *err);

/* Methods with streams. */
void ch_rpc_execute(ch_call *call, void *service, const void *detail);
void ch_rpc_reattach(ch_call *call, void *service, const void *detail);
void ch_rpc_add_artifacts(ch_call *call, void *service, const void *detail);

/* The table of all methods (rpc.c). */
extern const ch_method ch_rpc_methods[];
extern const size_t ch_rpc_method_count;

#endif
