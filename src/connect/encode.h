/* encode.h: our types and values as protobuf messages, in an arena. */
#ifndef CHERT_CONNECT_ENCODE_H
#define CHERT_CONNECT_ENCODE_H

#include "connect/proto.h"
#include "frame/plan/expr.h"
#include "frame/type/type.h"

PB(DataType) *ch_encode_type(ch_arena *arena, const ch_type *type);
/* A schema as a struct type. */
PB(DataType) *ch_encode_schema(ch_arena *arena, const ch_schema *schema);
/* VECTOR and MATRIX become structs typed as UDTs, as the ML client wants them. */
PB(Expression__Literal) *ch_encode_literal(ch_arena *arena, const ch_literal *literal);

#endif
