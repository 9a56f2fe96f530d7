/* resolve.h: what the parts of expression analysis share; private to the expression files of src/frame (resolve*.c,
 * coerce.c, signature.c, auto_name.c, write*.c, functions_*.c). */
#ifndef CHERT_FRAME_RESOLVE_H
#define CHERT_FRAME_RESOLVE_H

#include "frame/function/function.h"

/* Parameters of the lambdas around an expression, innermost first. */
struct ch_lambda_scope {
    const struct ch_lambda_scope *outer;
    size_t n;
    const char *const *names;
    const int *ids;
    const ch_type *const *types;
    const bool *nullables;
};

enum { CH_RESOLVE_DEPTH_MAX = 1000 };

/* --- coerce.c: Spark's type lattice --- */

/* The decimal type that holds every value of an integral type; (14,7) and (30,15) for float and double. */
const ch_type *ch_decimal_for(ch_arena *arena, const ch_type *t);
/* DecimalType.adjustPrecisionScale: brings a computed precision and scale within 38, keeping at least 6 digits of the
 * fraction where it has to give some up. */
const ch_type *ch_decimal_adjusted(ch_arena *arena, int precision, int scale);
const ch_type *ch_wider_decimal(ch_arena *arena, const ch_type *a, const ch_type *b);
/* findTightestCommonType: no loss of precision, no strings to numbers. NULL when there is none. */
const ch_type *ch_tightest_type(ch_arena *arena, const ch_type *a, const ch_type *b);
/* The same when ANSI mode is off: float holds all integral types. */
const ch_type *ch_lenient_tightest(ch_arena *arena, const ch_type *a, const ch_type *b);
/* findWiderTypeWithoutStringPromotionForTwo (greatest, least). */
const ch_type *ch_wider_type_no_string(ch_arena *arena, const ch_type *a, const ch_type *b);
/* What a string meeting `t` in a binary operation becomes; NULL when there is no such type. */
const ch_type *ch_string_promotion(const ch_type *a, const ch_type *b);
/* What a string and another type become where they are compared without ANSI mode; NULL when there is no such rule. */
const ch_type *ch_lenient_comparison(const ch_type *a, const ch_type *b);
/* Cast.canANSIStoreAssign: the implicit casts to a concrete type. */
bool ch_can_store(const ch_type *from, const ch_type *to);
/* Cast.canAnsiCast / canCast / canTryCast. */
bool ch_can_cast(const ch_type *from, const ch_type *to, ch_cast_mode mode);
/* May a cast of a non-null value give NULL or has Spark's analysis to assume so (Cast.forceNullable)? */
bool ch_cast_nullable(const ch_type *from, const ch_type *to);
bool ch_type_orderable(const ch_type *t);
/* The narrowest type that holds an integer literal as a decimal. */
const ch_type *ch_decimal_of_literal(ch_arena *arena, const ch_literal *value);

/* --- fold.c: values known at analysis --- */

/* The literal an expression is, seen through casts that keep the value and through unary minus; false if it is none.
 * `value` gets the type of the expression. */
bool ch_fold(ch_arena *arena, const ch_expr *e, ch_literal *value);
bool ch_fold_int(ch_arena *arena, const ch_expr *e, int64_t *value);
/* A NUL-terminated copy of a string constant, or NULL. */
const char *ch_fold_string(ch_arena *arena, const ch_expr *e);
/* No column, no lambda variable, nothing random below: Expression.foldable. */
bool ch_foldable(const ch_expr *e);

/* --- signature.c: what a function accepts and gives, as text in its row --- */

void ch_function_arity(const ch_function *fn, int *min, int *max);
/* Checks the arguments of a call against the signature, coerces them and sets type and nullable from it. */
int ch_apply_signature(ch_scope *scope, ch_expr *e, ch_error *err);
/* Coerces one argument to what `accept` (the text of one parameter: "int", "string|binary", "number") takes; `index`
 * from 0, for the message. */
int ch_coerce_argument(ch_scope *scope, ch_expr *call, size_t index, const char *accept, ch_error *err);
/* Brings arguments [from, n) in steps of `step` to their common type; raises DATA_DIFF_TYPES naming `function`. */
int ch_unify_arguments(ch_scope *scope, ch_expr *call, size_t from, size_t step, bool strings, const ch_type **type,
                       ch_error *err);
bool ch_any_nullable(const ch_expr *call);

/* --- errors --- */

/* DATATYPE_MISMATCH.<sub> with sqlExpr first: `...` is name, value, ..., (char *)NULL. */
int ch_mismatch(ch_scope *scope, ch_error *err, const char *sub, const ch_expr *e, ...) __attribute__((sentinel));
/* "\"(a + b)\"" and "\"INT\"", as messages quote expressions and types. */
const char *ch_quote_expr(ch_arena *arena, const ch_expr *e);
const char *ch_quote_type(ch_arena *arena, const ch_type *t);
/* `name` in backquotes. */
const char *ch_backquoted(ch_arena *arena, const char *name);
/* "first", "second", ... as Spark numbers parameters. */
const char *ch_ordinal(ch_arena *arena, size_t index);

/* --- resolve*.c --- */

/* The session's time zone, "UTC" without a session. */
const char *ch_scope_zone(const ch_scope *scope);
/* spark.sql.ansi.enabled: without it overflow wraps as in Java, and what fails gives NULL. */
bool ch_scope_ansi(const ch_scope *scope);
/* The type that values of both become: ch_common_type or, without ANSI mode, ch_lenient_type. */
const ch_type *ch_scope_common_type(const ch_scope *scope, const ch_type *a, const ch_type *b);
int ch_resolve_call(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err);
/* Binds a call whose arguments are resolved already. */
int ch_bind_call(ch_scope *scope, const ch_function *fn, ch_expr *call, ch_error *err);
int ch_resolve_window(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err);
int ch_resolve_lambda(ch_scope *scope, const ch_expr *in, size_t n, const ch_type *const *types, const bool *nullables,
                      ch_expr **out, ch_error *err);
int ch_resolve_extract(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err);
/* child[key] of resolved parts: array element, map value, struct field, the field of all structs of an array. */
int ch_bind_extract(ch_scope *scope, ch_expr *child, ch_expr *key, ch_expr **out, ch_error *err);
/* child.name, as in names with dots. */
int ch_bind_field(ch_scope *scope, ch_expr *child, const char *name, ch_expr **out, ch_error *err);
int ch_resolve_subquery(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err);
int ch_resolve_update(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err);
/* A cast the user asked for. */
int ch_bind_cast(ch_scope *scope, ch_expr *child, const ch_type *to, ch_cast_mode mode, ch_expr **out, ch_error *err);

/* A resolved call of a table function by name, for rewrites inside the function table: types it by its row. */
int ch_make_call(ch_scope *scope, const char *name, size_t n, ch_expr *const *args, ch_expr **out, ch_error *err);

/* Rules of functions_datetime.c for operators over dates and intervals. */
int ch_type_shift_interval(ch_scope *scope, ch_expr *e, ch_error *err);
int ch_type_subtract_dates(ch_scope *scope, ch_expr *e, ch_error *err);
int ch_type_scale_interval(ch_scope *scope, ch_expr *e, ch_error *err);

/* Visits a node's direct children (arguments, window parts, lambda bodies; not subquery plans). Stops at the first
 * true and returns it. */
bool ch_any_child(const ch_expr *e, bool (*fn)(const ch_expr *child, void *arg), void *arg);

/* --- writing --- */

/* SQL that stands for a lambda's parameter where it is not just v<id>. */
typedef struct ch_variable_text {
    const struct ch_variable_text *outer;
    int id;
    const char *text;
} ch_variable_text;

typedef struct ch_writer {
    ch_buf *sql;
    ch_error *err;
    const ch_variable_text *variables;
    const char *over; /* text of OVER (...) for the aggregate or window function being written, or NULL */
    int depth;
} ch_writer;

/* --- sort_key.c --- */

/* True when the engine's order of such values is not Spark's: arrays and structs with NULLs inside. */
bool ch_has_sort_key(const ch_type *type);
/* Writes what orders as Spark orders `value`, SQL of that type that may be repeated, or the expression. NULL of NULL.
 */
void ch_sort_key_of(ch_buf *sql, const char *value, const ch_type *type);
int ch_write_sort_key(ch_writer *w, const ch_expr *e);

int ch_write_node(ch_writer *w, const ch_expr *e);
/* Writes a template: $1..$9 an argument, $* all of them, $D DISTINCT of an aggregate, $F its FILTER and OVER, $N the
 * same with "$1 IS NOT NULL" added, $L1 an argument as local timestamp, $K1 what orders
 * as the argument does, $t the result's engine type,
 * $z the session's time zone, $$ a dollar. */
int ch_write_template(ch_writer *w, const ch_expr *call, const char *text);
/* A cast of `e` to `to`. */
int ch_write_cast(ch_writer *w, const ch_expr *e, const ch_type *to, ch_cast_mode mode, const char *zone);
/* A time zone as SQL: a literal, or the engine's setting for NULL. */
void ch_write_zone(ch_buf *sql, const char *zone);
void ch_write_literal(ch_buf *sql, const ch_literal *value);
/* FILTER (WHERE ...) OVER (...), `extra` being a further condition or NULL. */
int ch_write_filter(ch_writer *w, const ch_expr *call, const char *extra);

int ch_write_shift_interval(ch_writer *w, const ch_expr *e);
int ch_write_scale_interval(ch_writer *w, const ch_expr *e);

void ch_print_expr(ch_buf *out, const ch_expr *e);
void ch_print_args(ch_buf *out, const ch_expr *call, size_t from);

#endif
