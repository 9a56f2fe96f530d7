/* decode.h: protobuf plans into ours. Everything made lives in the decoder's arena and borrows strings and bytes of the
 * messages, which must live in the same arena. Messages come from anybody: nothing in them is trusted; their nesting
 * was bounded by ch_wire_unpack. */
#ifndef CHERT_CONNECT_DECODE_H
#define CHERT_CONNECT_DECODE_H

#include "connect/proto.h"
#include "frame/plan/plan.h"
#include "frame/session/session.h"
#include "ml/ml.h"

typedef struct ch_reference ch_reference;

typedef struct ch_decoder {
    ch_arena *arena;
    ch_session *session;
    ch_ml *ml;                /* NULL: plans with machine learning are refused */
    ch_task *task;            /* of the operation, or NULL */
    struct ch_track *track;   /* resolves paths of the tracking server; NULL: there is none */
    const char *user;         /* who must be allowed to read there; NULL: everybody may */
    ch_reference *references; /* plans that subquery expressions of the plan being decoded may name by their id */
} ch_decoder;

int ch_decode_relation(ch_decoder *d, const PB(Relation) *rel, ch_plan **out, ch_error *err);
/* The relation of a plan, decompressed when need be. err: also for a plan that is a command. */
int ch_decode_plan(ch_decoder *d, const PB(Plan) *plan, ch_plan **out, ch_error *err);
int ch_decode_expression(ch_decoder *d, const PB(Expression) *e, ch_expr **out, ch_error *err);
int ch_decode_sort_order(ch_decoder *d, const PB(Expression__SortOrder) *order, ch_order *out, ch_error *err);
int ch_decode_expressions(ch_decoder *d, size_t n, PB(Expression) *const *list, ch_expr ***out, ch_error *err);
int ch_decode_type(ch_arena *arena, const PB(DataType) *type, const ch_type **out, ch_error *err);
int ch_decode_literal(ch_arena *arena, const PB(Expression__Literal) *literal, ch_literal *out, ch_error *err);

/* A command's relation or the operation of a compressed plan: gives the plan itself when it is not compressed. */
int ch_decompress_plan(ch_arena *arena, const PB(Plan) *plan, const PB(Plan) **out, ch_error *err);

/* decode_ml.c */
int ch_decode_params(ch_arena *arena, const PB(MlParams) *params, ch_params *out, ch_error *err);
int ch_decode_operator(ch_arena *arena, const PB(MlOperator) *op, const PB(MlParams) *params, ch_operator *out,
                       ch_error *err);
int ch_decode_fetch(ch_decoder *d, const PB(Fetch) *fetch, size_t *n, ch_fetch **steps, ch_error *err);
int ch_decode_ml_relation(ch_decoder *d, const PB(MlRelation) *rel, ch_plan **out, ch_error *err);

/* catalog.c: runs a call of spark.catalog and gives its answer as a plan of constant rows. */
int ch_catalog_call(ch_decoder *d, const PB(Catalog) *call, ch_plan **out, ch_error *err);

#endif
