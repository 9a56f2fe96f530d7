/* function.h: the function table: every Spark SQL function chert knows is one row.
 *
 * A row gives the name, what it accepts and gives as the text of a signature (or a typing function where the rule does
 * not fit one), and how it is written for the engine: an SQL template in the common case, or a writer. Adding a
 * function is adding a row (functions_*.c, one file a family), and a C scalar function (udf_*.c) where DuckDB has none
 * that behaves like Spark's. facts: Spark's FunctionRegistry.
 *
 * Signature: parameters separated by commas, " > ", result. A parameter is one or more type words joined by '|', with
 * '?' behind it when it may be missing, '*' or '+' when it repeats. Type words: any, boolean, byte, short, int, long,
 * float, double, decimal, string, binary, date, timestamp, timestamp_ntz, number, integral, interval, daytime,
 * yearmonth, calendar, array, map, struct, vector, array<...>. The result is a type word of one type, $n (the type of
 * argument n), $ne, $nk, $nv (its element, key, value), array<...> of these with '!' behind an element that is never
 * null, or '-' when the row's typing function gives it. Arguments are cast to what is accepted as Spark casts
 * implicitly under ANSI.
 *
 * Template: see ch_write_template in resolve.h.
 */
#ifndef CHERT_FRAME_FUNCTION_H
#define CHERT_FRAME_FUNCTION_H

#include "frame/analyze/rel.h"

typedef enum ch_function_kind { CH_FN_SCALAR, CH_FN_AGGREGATE, CH_FN_WINDOW, CH_FN_GENERATOR } ch_function_kind;

typedef enum ch_null_rule {
    CH_NULL_IF_ANY, /* the result may be NULL when an argument may */
    CH_NULL_NEVER,
    CH_NULL_ALWAYS, /* may be NULL whatever the arguments */
    CH_NULL_IF_ALL  /* only if all arguments may */
} ch_null_rule;

enum {
    CH_FN_HIGHER_ORDER = 1, /* takes lambdas: its typing function resolves them */
    CH_FN_RANDOM = 2,       /* gives another value for every row: not foldable */
    CH_FN_NEEDS_ORDER = 4,  /* a window function without meaning in an unordered window */
    CH_FN_OWN_FRAME = 8,    /* a window function that fixes its frame */
    CH_FN_NO_DISTINCT = 16, /* DISTINCT changes nothing: max, min, collect_set ... */
    CH_FN_HIDDEN = 32,      /* what other rows become: no name a program may call */
    CH_FN_TRY_LENIENT = 64  /* gives NULL for what fails when ANSI mode is off */
};

struct ch_writer;

struct ch_function {
    const char *name; /* lower case */
    ch_function_kind kind;
    const char *types;      /* signature; NULL: min_args, max_args and type() say everything */
    int min_args, max_args; /* without a signature; max -1: any number */
    ch_null_rule nulls;     /* with a signature */
    const char *sql;        /* template, or NULL */
    /* Types the call: may replace arguments by coerced ones, sets e->type and e->nullable. Runs after the signature. */
    int (*type)(ch_scope *scope, ch_expr *e, ch_error *err);
    int (*write)(struct ch_writer *w, const ch_expr *e); /* when there is no template */
    void (*print)(ch_buf *out, const ch_expr *e);        /* text for automatic names; NULL: pretty(arg, arg) */
    const char *pretty;                                  /* name in automatic names when it is not `name` */
    const char *arity; /* how WRONG_NUM_ARGS words the number expected, when "n" or "[n, m]" will not do */
    unsigned flags;
};

/* NULL when there is none (UNRESOLVED_ROUTINE is the caller's). Case-insensitive. */
const ch_function *ch_function_find(const char *name);
/* All rows, for docs and tests: returns the number. */
size_t ch_function_all(const ch_function *const **out);

/* The families, each ended by a row without a name; listed in function.c. */
extern const ch_function ch_functions_operator[], ch_functions_conditional[], ch_functions_math[],
    ch_functions_string[], ch_functions_datetime[], ch_functions_aggregate[], ch_functions_window[],
    ch_functions_collection[], ch_functions_higher[], ch_functions_generator[], ch_functions_misc[],
    ch_functions_json[], ch_functions_vector[];

#endif
