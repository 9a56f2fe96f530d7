/* errors.h: a ch_error as the client gets it: a gRPC status with google.rpc.ErrorInfo, as Spark's ErrorUtils makes it,
 * from which PySpark picks the Python exception. */
#ifndef CHERT_CONNECT_ERRORS_H
#define CHERT_CONNECT_ERRORS_H

#include "base/buf.h"
#include "base/error.h"

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

/* What ends a call: code, message and the bytes of the trailer grpc-status-details-bin (empty when OK). */
typedef struct ch_rpc_status {
    int code; /* a grpc_status_code */
    ch_buf message;
    ch_buf details;
} ch_rpc_status;

void ch_rpc_status_reset(ch_rpc_status *status);

/* The status of an error. When the client cannot get all of it in the trailer (clients refuse headers of more than 8
 * KB) the message is cut, parameters are left out and *cut is set; `error_id`, if not NULL, is then sent along for
 * FetchErrorDetails. */
void ch_rpc_status_from_error(const ch_error *err, const char *error_id, ch_rpc_status *out, bool *cut);
/* A status without details, for failures of the transport (UNAVAILABLE, UNIMPLEMENTED). */
void ch_rpc_status_plain(int code, const char *message, ch_rpc_status *out);

/* The JVM classes of the exception, the most special first. */
size_t ch_error_classes(const ch_error *err, const char *const **classes);

/* A request that makes no sense: Spark's InvalidPlanInput, "[INTERNAL_ERROR] text". Return a non-zero status. */
int ch_invalid_plan(ch_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The oneof of `message` is empty: "This oneOf field in spark.connect.Relation is not set: RELTYPE_NOT_SET". */
int ch_oneof_unset(ch_error *err, const ProtobufCMessageDescriptor *message, const char *oneof);
/* A value that no enum has, or the unspecified one. */
int ch_enum_invalid(ch_error *err, const ProtobufCEnumDescriptor *type, int value);
/* Something Spark has and we have not: UNSUPPORTED_FEATURE naming it. */
int ch_unsupported(ch_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A oneof member we do not support, named as the protocol names it: `what` is "Relation", "Command", ... */
int ch_oneof_unsupported(ch_error *err, const ProtobufCMessageDescriptor *message, int member, const char *what);

#endif
