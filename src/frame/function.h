/* function.h: the function table: every Spark SQL function chert knows is one row.
 *
 * A row gives the name, how many arguments it takes, what kind of function it is, the rule that types it (and inserts
 * the implicit casts of its arguments), and how it is written for the engine: an SQL template with $1, $2, $* in the
 * common case, or a writer. Adding a function is adding a row (functions_*.c, one file a family), and a C scalar
 * function (udf_*.c) where DuckDB has none that behaves like Spark's. facts: Spark's FunctionRegistry.
 */
#ifndef CHERT_FRAME_FUNCTION_H
#define CHERT_FRAME_FUNCTION_H

#include "frame/rel.h"

typedef enum ch_function_kind { CH_FN_SCALAR, CH_FN_AGGREGATE, CH_FN_WINDOW, CH_FN_GENERATOR } ch_function_kind;

struct ch_function {
    const char *name; /* lower case */
    ch_function_kind kind;
    int min_args, max_args; /* max -1: any number */
    /* Types the call: may replace arguments by coerced ones, sets e->type and e->nullable. */
    int (*type)(ch_scope *scope, ch_expr *e, ch_error *err);
    const char *sql; /* template, or NULL */
    int (*write)(ch_buf *sql, const ch_expr *e, ch_error *err); /* when there is no template */
    /* Text for automatic names; NULL: name(arg, arg). */
    void (*print)(ch_buf *out, const ch_expr *e);
    const char *alias_of; /* printed under this name instead (Spark's prettyName), or NULL */
};

/* NULL when there is none (UNRESOLVED_ROUTINE is the caller's). Case-insensitive. */
const ch_function *ch_function_find(const char *name);
/* All rows, for docs and tests: returns the number. */
size_t ch_function_all(const ch_function *const **out);

#endif
