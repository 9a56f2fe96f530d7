/* schema.h: finding and checking columns in the schema a stage meets, with Spark's errors (ml.util.SchemaUtils), and
 * the plans that hand a stage the columns it wants. */
#ifndef CHERT_ML_SCHEMA_H
#define CHERT_ML_SCHEMA_H

#include "ml/stage.h"

/* Index of the column a name means: parsed as an attribute name (`a.b` in backticks), compared without regard to case.
 * err: FIELD_NOT_FOUND, AMBIGUOUS_REFERENCE. */
int ch_schema_find(const ch_schema *schema, const char *name, size_t *index, ch_error *err);
/* Whether there is a column of exactly this name. */
bool ch_schema_has(const ch_schema *schema, const char *name);

/* "Column x must be of type class ...VectorUDT:struct<...> but was actually ..." */
int ch_schema_vector(const ch_schema *schema, const char *name, size_t *index, ch_error *err);
/* "Column x must be of type double but ..." in the same words. */
int ch_schema_double(const ch_schema *schema, const char *name, size_t *index, ch_error *err);
/* "Column x must be of type numeric but was actually of type string." */
int ch_schema_numeric(const ch_schema *schema, const char *name, size_t *index, ch_error *err);
/* A vector, or an array of doubles or floats (validateVectorCompatibleColumn). */
int ch_schema_vector_like(const ch_schema *schema, const char *name, size_t *index, ch_error *err);
/* "Column x must be of type equal to one of the following types: [...] but was actually of type ..." */
int ch_schema_one_of(const ch_schema *schema, const char *name, const ch_type *const *types, size_t n, size_t *index,
                     ch_error *err);
/* A new output column: err "Column x already exists." */
int ch_schema_new_column(const ch_schema *schema, const char *name, ch_error *err);
/* The same in the words of the feature transformers: "Output column x already exists." */
int ch_schema_new_output(const ch_schema *schema, const char *name, ch_error *err);
/* Scala's name of a type in messages: "StringType", "ArrayType(DoubleType,true)". */
void ch_schema_type_name(ch_buf *out, const ch_type *type);

/* "requirement failed: <text>" */
int ch_require_failed(ch_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* raise_error: USER_RAISED_EXCEPTION with a text. */
int ch_user_raised(ch_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* FAILED_EXECUTE_UDF, as a failure inside a transform comes: `reason` is the message of the
 * exception inside, to which Spark adds a full stop of its own. */
int ch_udf_failed(ch_error *err, const char *function, const char *from, const char *to, const char *reason, ...)
    __attribute__((format(printf, 5, 6)));
/* How the signature of a function of a vector is spelled there. */
#define CH_UDF_VECTOR "struct<type:tinyint,size:int,indices:array<int>,values:array<double>>"

/* A projection of `input` in `arena`. Add columns, then use `plan`. */
typedef struct ch_projection {
    ch_arena *arena;
    ch_plan *plan;
    size_t n, room;
} ch_projection;

ch_projection ch_project(ch_arena *arena, const ch_plan *input);
/* A column by attribute name, cast to `type` unless NULL; its position in *at. */
int ch_project_column(ch_projection *p, const char *name, const ch_type *type, size_t *at, ch_error *err);
void ch_project_expr(ch_projection *p, ch_expr *expr);
/* The expression for a column by attribute name. */
int ch_column_expr(ch_arena *arena, const char *name, ch_expr **out, ch_error *err);

/* Runs a plan and calls `take` with each batch, in order. */
int ch_scan(ch_session *session, const ch_plan *plan, ch_task *task,
            int (*take)(void *context, const ch_batch *batch, ch_error *err), void *context, ch_error *err);

/* State of a native function: allocated in an arena of its own that also owns what it points to (types, arrays) and a
 * reference to `fitted` (may be NULL). Free it, arena and all, with ch_native_state_free. */
void *ch_native_state_new(size_t size, ch_fitted *fitted, ch_arena **arena);
void ch_native_state_free(void *state);

/* Puts a native function with one argument a listed column into a binding: held by the arena of the bind. */
void ch_bind_native(const ch_bind *bind, ch_binding *out, const ch_type *out_type,
                    int (*eval)(const void *, const ch_batch *, ch_column *, ch_error *), void *state, size_t ninput,
                    const size_t *input, const ch_type **input_type, size_t noutput, const ch_field *output);

#endif
