/* wire.h: bytes from the network into protobuf messages, safely, and small messages out.
 *
 * protobuf-c recurses once a nesting level, copies everything and knows no limits, so every request is checked first:
 * ch_wire_check walks the bytes without recursion by the very descriptors the parser will use. What passes it can be
 * unpacked into an arena on a thread with a big stack (base for the limits: Spark's
 * spark.connect.grpc.marshallerRecursionLimit).
 */
#ifndef CHERT_CONNECT_WIRE_H
#define CHERT_CONNECT_WIRE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

enum {
    CH_WIRE_DEPTH_MAX = 1024,        /* nested messages */
    CH_WIRE_FIELDS_MAX = 16 << 20,   /* fields of all messages together */
    CH_WIRE_MESSAGE_MAX = 128 << 20, /* bytes of a request */
    CH_WIRE_STACK_BYTES = 256 << 20  /* of threads that parse and analyse plans; only touched pages cost memory */
};

/* Whether the bytes are a well-formed message of this descriptor within the limits: depth, number of fields, strings in
 * UTF-8 without NUL (protobuf-c's strings end there). err: CONNECT_INVALID_PLAN.CANNOT_PARSE, UNSUPPORTED_FEATURE. */
int ch_wire_check(const ProtobufCMessageDescriptor *type, const void *bytes, size_t size, ch_error *err);

/* Checks and unpacks into `arena`, which owns the message; nothing is to be freed. err: as ch_wire_check. */
int ch_wire_unpack(ch_arena *arena, const ProtobufCMessageDescriptor *type, const void *bytes, size_t size,
                   ProtobufCMessage **out, ch_error *err);

/* Where a length-delimited field of a message that passed ch_wire_check is; false when it is not there. */
bool ch_wire_find(const void *bytes, size_t size, unsigned field, const void **value, size_t *value_size);

/* The bytes of a message appended to buf. */
void ch_wire_pack(ch_buf *buf, const ProtobufCMessage *message);

/* Single fields appended by hand, for messages outside Spark's descriptors and for big payloads. */
void ch_wire_varint(ch_buf *buf, unsigned field, uint64_t value);
void ch_wire_bytes(ch_buf *buf, unsigned field, const void *bytes, size_t size);
void ch_wire_string(ch_buf *buf, unsigned field, const char *text);
/* The tag and length of a length-delimited field whose `size` bytes the caller appends itself. */
void ch_wire_header(ch_buf *buf, unsigned field, size_t size);

#endif
