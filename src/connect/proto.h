/* proto.h: Spark Connect's messages as protobuf-c generates them, under shorter names. No type of these leaves
 * connect/.
 *
 *     PB(Relation) *r = PB_NEW(arena, relation);
 *
 * An `optional` field of the protocol is a union with a case of its own (`_plan_id_case`), zero when unset; strings and
 * messages that are unset are then NULL.
 */
#ifndef CHERT_CONNECT_PROTO_H
#define CHERT_CONNECT_PROTO_H

#include "base/arena.h"

/* Spark's clients still use the fields it calls deprecated. */
#define PROTOBUF_C__NO_DEPRECATED
#include <spark/connect/base.pb-c.h>

#define PB(type)            Spark__Connect__##type
#define PB_TYPE(name)       (&spark__connect__##name##__descriptor)
#define PB_NEW(arena, name) ch_pb_new((arena), PB_TYPE(name))

/* A message with all fields unset, in the arena. */
static inline void *ch_pb_new(ch_arena *arena, const ProtobufCMessageDescriptor *type)
{
    void *message = ch_arena_alloc(arena, type->sizeof_message);
    protobuf_c_message_init(type, message);
    return message;
}

#endif
