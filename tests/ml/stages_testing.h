/* stages_testing.h: running a stage's transform on columns made by hand. */
#ifndef CHERT_TESTS_ML_STAGES_TESTING_H
#define CHERT_TESTS_ML_STAGES_TESTING_H

#include "columns.h"
#include "ml/literal.h"
#include "ml/model.h"
#include "ml/stages.h"
#include "testing.h"

/* What binding and running a stage gave. */
typedef struct outcome {
    ch_arena *arena;
    ch_binding binding;
    ch_column *out; /* of fn's type */
    ch_error err;
    int status;
} outcome;

/* Casts a client would leave to the engine are not done: columns must have the types the stage asks for. */
static inline outcome apply(const ch_stage *stage, ch_param_map *params, ch_fitted *fitted, const ch_field *fields,
                            ch_column *const *columns, size_t n)
{
    outcome o = {.arena = ch_arena_new()};
    ch_schema schema = {n, ch_arena_dup(o.arena, fields, n * sizeof *fields)};
    ch_bind bind = {.arena = o.arena, .params = params, .fitted = fitted, .in = &schema};
    o.status = stage->bind(&bind, &o.binding, &o.err);
    if (o.status || !o.binding.fn) return o;
    ch_batch in = {.rows = n ? columns[0]->rows : 0, .ncol = o.binding.ninput};
    in.cols = CH_NEW_ARRAY(o.arena, ch_column, in.ncol);
    for (size_t i = 0; i < in.ncol; i++) in.cols[i] = *columns[o.binding.input[i]];
    o.out = ch_column_new(o.binding.fn->out_type, in.rows);
    o.out->rows = in.rows;
    o.status = o.binding.fn->eval(o.binding.fn->state, &in, o.out, &o.err);
    return o;
}

static inline void end_outcome(outcome *o)
{
    ch_column_free(o->out);
    ch_arena_free(o->arena);
}

static inline void set_text(ch_param_map *params, const char *name, const char *value)
{
    ch_param_set_text(params, name, value);
}

static inline void set_texts(ch_param_map *params, const char *name, const char *const *values, size_t n)
{
    ch_arena *arena = ch_arena_new();
    ch_literal list = ch_lit_texts(arena, values, n);
    ch_error err;
    assert_int_equal(ch_param_set_literal(params, name, &list, &err), 0);
    ch_arena_free(arena);
}

static inline void set_literal(ch_param_map *params, const char *name, ch_literal value)
{
    ch_error err;
    if (ch_param_set_literal(params, name, &value, &err)) fail_msg("%s", err.message);
}

/* The literals of an array of texts; in the arena. */
static inline ch_literal texts(ch_arena *arena, size_t n, const char *const *values)
{
    return ch_lit_texts(arena, values, n);
}

#endif
