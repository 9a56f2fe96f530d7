/* native.h: C functions over columns that run inside a query, and the transformers built on them.
 *
 * A ch_native is what a fitted model becomes in a plan: the engine calls `eval` with batches of rows, from several
 * threads at once. A ch_transform is a lazily applied table operation (model.transform) of which the frame layer knows
 * only how to ask it for new columns. Both are counted references; a plan that uses one holds a reference through its
 * arena (ch_arena_defer).
 */
#ifndef CHERT_FRAME_NATIVE_H
#define CHERT_FRAME_NATIVE_H

#include "base/arena.h"
#include "frame/type/column.h"

#include <stdatomic.h>

typedef struct ch_native {
    const char *name;        /* shown in explain: "StringIndexerModel" */
    const ch_type *out_type; /* STRUCT when there are several outputs; owned by the creator's state */
    /* in: the argument columns, `in->rows` rows; out: a column of out_type with that many rows. Must be thread safe and
     * may not keep pointers. */
    int (*eval)(const void *state, const ch_batch *in, ch_column *out, ch_error *err);
    const void *state;
    void (*free_state)(void *state); /* called when the last reference goes; may be NULL */
    atomic_int refs;
    unsigned long id; /* given by ch_native_new, unique in the process */
} ch_native;

/* One reference, owned by the caller. */
ch_native *ch_native_new(const char *name, const ch_type *out_type,
                         int (*eval)(const void *, const ch_batch *, ch_column *, ch_error *), const void *state,
                         void (*free_state)(void *));
ch_native *ch_native_retain(ch_native *fn);
void ch_native_release(ch_native *fn); /* NULL is fine */
/* Retains for as long as the arena lives. */
ch_native *ch_native_hold(ch_arena *arena, ch_native *fn);

/* What a transformer does to a relation of a given schema. */
typedef struct ch_binding {
    size_t ninput;
    const size_t *input; /* which columns of the input schema are fn's arguments, in order */
    const ch_type *
        *input_type; /* NULL, or per argument the type it must be cast to (implicit, ANSI); NULL = as it is */
    ch_native *fn;   /* borrowed reference (the binding's arena holds it); NULL when there is nothing to compute */
    size_t noutput;
    const ch_field *output;  /* columns appended, in order, with metadata. One output: fn's result; several: its fields.
                              * An output named like an input column replaces it only if `replace` says so. */
    bool replace;            /* an output named like an input column takes its place instead of being appended */
    bool keep_flag;          /* fn's result is struct<keep: boolean, outputs...>: rows with keep = false are dropped */
    struct ch_plan *rewrite; /* not NULL: the whole operation is this plan instead (joins, SQL); the rest is unused */
} ch_binding;

typedef struct ch_transform {
    const char *name;
    /* `in` is the input's schema; everything in *out lives in `arena`. `input_plan` is the child, for rewrites. */
    int (*bind)(struct ch_transform *self, ch_arena *arena, const ch_schema *in, const struct ch_plan *input_plan,
                ch_binding *out, ch_error *err);
    /* Text that identifies what the transform computes (class, params, model id), for same_semantics and caching. */
    const char *identity;
    void (*free)(struct ch_transform *self);
    atomic_int refs;
} ch_transform;

ch_transform *ch_transform_retain(ch_transform *t);
void ch_transform_release(ch_transform *t);
ch_transform *ch_transform_hold(ch_arena *arena, ch_transform *t);

#endif
