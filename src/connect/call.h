/* call.h: one gRPC call as blocking code sees it, over gRPC core's completion queues.
 *
 * Two poller threads do all network events; a call is served by a thread of the pool, which waits for the completion of
 * its own batches. A call reaches its thread only once its first message is there, so silent clients cost no thread.
 */
#ifndef CHERT_CONNECT_CALL_H
#define CHERT_CONNECT_CALL_H

#include "connect/errors.h"
#include "connect/operation.h"
#include "connect/secure.h"

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

typedef struct ch_call ch_call;
typedef struct ch_transport ch_transport;

typedef struct ch_method {
    const char *path; /* "/spark.connect.SparkConnectService/Config" */
    /* Serves a call: reads, sends, and ends it, once. After that the call is not there any more. */
    void (*serve)(ch_call *call, void *service, const void *detail);
    const void *detail;
    bool quick; /* needs no thread of its own: one message is read, nothing is waited for */
} ch_method;

/* Listens on host:port (0: any) and serves the methods, to those whom `secure` admits, until stopped. err: the address
 * cannot be had, the certificate cannot be used. */
int ch_transport_start(const char *host, int port, const ch_secure *secure, const ch_method *methods, size_t nmethod,
                       void *service, ch_transport **out, int *bound_port, ch_error *err);
/* Takes no new calls and waits up to grace_ms for the running ones; then breaks them off. */
void ch_transport_stop(ch_transport *t, long grace_ms);
/* After ch_transport_stop. False when calls are still running on their threads: nothing was freed. */
bool ch_transport_free(ch_transport *t);
struct ch_pool *ch_transport_pool(ch_transport *t);

/* Who calls, as the credentials say; NULL when the server asks for none. */
const char *ch_call_user(const ch_call *call);
/* The bytes of the next message of the client, valid until the next read; false at the end of its stream, when it is
 * gone or stays silent for timeout_ms. */
bool ch_call_read(ch_call *call, long timeout_ms, const void **bytes, size_t *size);
/* Frees the bytes last read, which may be many while a stream may last long. */
void ch_call_forget_message(ch_call *call);
/* Sends one response of a stream; false when the client is gone. */
bool ch_call_send(ch_call *call, ch_response *r);
/* Ends the call; status NULL: OK. */
void ch_call_end(ch_call *call, const ch_rpc_status *status);
/* Sends the last response of a stream and ends the call with OK. */
void ch_call_send_last(ch_call *call, ch_response *r);
/* Sends the only response and ends the call with OK. */
void ch_call_reply(ch_call *call, const ProtobufCMessage *message);
/* Becomes true when the client went away, or the server is ending. */
const atomic_bool *ch_call_gone(const ch_call *call);
/* `op` is woken (ch_operation_wake) when that happens. The call keeps a reference. */
void ch_call_watch(ch_call *call, ch_operation *op);

#endif
