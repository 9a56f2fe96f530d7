/* expr.h: expressions, before and after analysis.
 *
 * One node type serves both: what a client or the SQL parser writes (names, stars, calls by name) and what analysis
 * makes of it (columns by id, calls bound to a row of the function table, every implicit cast spelled out). Analysis
 * builds a new tree and never changes the one it read, so a plan can be analysed again. Kinds marked U exist only
 * before analysis, those marked R only after; all nodes live in an arena.
 */
#ifndef CHERT_FRAME_EXPR_H
#define CHERT_FRAME_EXPR_H

#include "frame/engine/native.h"
#include "frame/type/type.h"

#include <stdint.h>

typedef struct ch_expr ch_expr;
typedef struct ch_function ch_function; /* a row of the function table: frame/function/function.h */

/* A constant. `is_null` goes with any type. */
typedef struct ch_literal {
    const ch_type *type;
    bool is_null;
    union {
        bool boolean;
        int64_t integer;   /* BYTE..LONG, DATE (days), TIMESTAMP* (micros), INTERVAL_DAY_TIME (micros), _YEAR_MONTH
                              (months) */
        double real;       /* FLOAT, DOUBLE */
        ch_int128 decimal; /* unscaled */
        struct {
            const char *data;
            size_t len;
        } bytes; /* STRING, CHAR, VARCHAR, BINARY; not NUL-terminated in general */
        struct {
            size_t n;
            struct ch_literal
                *items; /* ARRAY: elements; STRUCT, VECTOR, MATRIX: fields; MAP: key, value, key, value ... */
        } list;
        ch_interval interval; /* INTERVAL_CALENDAR */
    } v;
} ch_literal;

typedef enum ch_expr_kind {
    CH_EX_LITERAL,
    CH_EX_NAME,   /* U: a.b.c, perhaps with the plan id of the DataFrame it was taken from */
    CH_EX_STAR,   /* U: * or t.*; with a plan id: df["*"] */
    CH_EX_REGEX,  /* U: df.colRegex("`x.*`") */
    CH_EX_STRING, /* U: text of an expression: expr("a + 1") */
    CH_EX_ALIAS,  /* expr AS name [, name ...] with metadata; after analysis only at the top of a projection */
    CH_EX_CALL,   /* function by name (U) or bound (R); covers operators, CASE ("when"), IN, aggregates, generators */
    CH_EX_CAST,
    CH_EX_SORT, /* U: a sort order used as an expression */
    CH_EX_WINDOW,
    CH_EX_LAMBDA,
    CH_EX_VARIABLE, /* a lambda's parameter */
    CH_EX_EXTRACT,  /* U: a[b], a.b: array element, map value, struct field */
    CH_EX_UPDATE,   /* U: struct.withField / dropFields */
    CH_EX_SUBQUERY, /* scalar, EXISTS or IN subquery */
    CH_EX_COLUMN,   /* R: a column of the input, by id */
    CH_EX_FIELD,    /* R: field of a struct by ordinal */
    CH_EX_NATIVE    /* R: a C function over columns */
} ch_expr_kind;

typedef enum ch_cast_mode { CH_CAST_ANSI, CH_CAST_TRY, CH_CAST_LEGACY } ch_cast_mode;

typedef struct ch_order {
    ch_expr *expr;
    bool descending;
    bool nulls_last; /* always explicit here: readers apply Spark's defaults (asc: first, desc: last) */
} ch_order;

typedef enum ch_bound_kind { CH_BOUND_UNBOUNDED, CH_BOUND_CURRENT, CH_BOUND_VALUE } ch_bound_kind;

typedef struct ch_bound {
    ch_bound_kind kind;
    ch_expr *value; /* signed offset: negative precedes */
} ch_bound;

typedef struct ch_window {
    ch_expr *function;
    size_t npartition, norder;
    ch_expr **partition;
    ch_order *order;
    bool has_frame, rows; /* rows: ROWS, else RANGE */
    ch_bound lower, upper;
} ch_window;

typedef enum ch_subquery_kind { CH_SUBQUERY_SCALAR, CH_SUBQUERY_EXISTS, CH_SUBQUERY_IN } ch_subquery_kind;

struct ch_expr {
    ch_expr_kind kind;
    /* Set by analysis. */
    const ch_type *type;
    bool nullable;
    const char *zone; /* LITERAL, CALL, CAST: the session's time zone; NULL: whatever the engine's is set to */
    union {
        ch_literal literal;
        struct {
            size_t nparts;
            const char **parts; /* unquoted: "a.`b.c`" is {a, b.c} */
            int64_t plan_id;    /* -1: none */
            bool metadata_column;
        } name; /* NAME */
        struct {
            size_t nparts;
            const char **parts; /* target of t.*; none for * */
            int64_t plan_id;
        } star;
        struct {
            const char *pattern;
            int64_t plan_id;
        } regex;
        const char *text; /* STRING */
        struct {
            ch_expr *child;
            size_t n;
            const char **names;
            const char *metadata; /* JSON or NULL */
            const char
                *qualifier; /* table alias of SQL's LATERAL VIEW, which the names may be prefixed with; or NULL */
        } alias;
        struct {
            const char *name;      /* as written: "sum", "+", "when"; kept after analysis for automatic names */
            const ch_function *fn; /* R */
            size_t n;
            ch_expr **args;
            bool distinct;
            bool ignore_nulls;
            bool lenient;    /* R: bound with spark.sql.ansi.enabled off: overflow wraps, what fails gives NULL */
            ch_expr *filter; /* FILTER (WHERE ...) of an aggregate, or NULL */
        } call;
        struct {
            ch_expr *child;
            const ch_type *to;
            ch_cast_mode mode;
            bool implicit; /* put in by analysis: not part of the column's automatic name; before analysis: a literal
                            * written as DATE '...' or TIMESTAMP '...' */
        } cast;
        ch_order sort;
        ch_window window;
        struct {
            size_t n;
            const char **params;
            const int *ids;        /* R: one for each parameter */
            const ch_type **types; /* R */
            ch_expr *body;
        } lambda;
        struct {
            const char *name;
            int id; /* R */
        } variable;
        struct {
            ch_expr *child, *key;
        } extract;
        struct {
            ch_expr *child;
            const char *field;
            ch_expr *value; /* NULL: drop the field */
        } update;
        struct {
            ch_subquery_kind kind;
            struct ch_plan *plan;
            size_t nvalues;
            ch_expr **values;   /* left side of IN */
            struct ch_rel *rel; /* R */
        } subquery;
        struct {
            int id;
            const char *name; /* for automatic names and messages */
        } column;
        struct {
            ch_expr *child;
            size_t ordinal;
            const char *name;
        } field;
        struct {
            ch_native *fn; /* held by the arena */
            size_t n;
            ch_expr **args;
            const char *identity; /* what fn computes (fingerprints use it, as fn is new each time); NULL: fn's id */
        } native;
    } u;
};

/* Builders, used by the decoder, the parser and the expansion of derived relations. Strings are borrowed. */
ch_expr *ch_expr_new(ch_arena *arena, ch_expr_kind kind);
ch_expr *ch_expr_name(ch_arena *arena, const char *part);                /* one part, no plan id */
ch_expr *ch_expr_call(ch_arena *arena, const char *name, size_t n, ...); /* n ch_expr * */
ch_expr *ch_expr_alias(ch_arena *arena, ch_expr *child, const char *name);
ch_expr *ch_expr_cast(ch_arena *arena, ch_expr *child, const ch_type *to);
ch_expr *ch_expr_star(ch_arena *arena);
ch_expr *ch_expr_int(ch_arena *arena, int32_t value);
ch_expr *ch_expr_long(ch_arena *arena, int64_t value);
ch_expr *ch_expr_double(ch_arena *arena, double value);
ch_expr *ch_expr_string(ch_arena *arena, const char *value);
ch_expr *ch_expr_bool(ch_arena *arena, bool value);
ch_expr *ch_expr_null(ch_arena *arena, const ch_type *type);
ch_expr *ch_expr_literal(ch_arena *arena, const ch_literal *value);
/* Splits "a.`b.c`" into parts; err: INVALID_ATTRIBUTE_NAME_SYNTAX. */
int ch_split_name(ch_arena *arena, const char *text, size_t *nparts, const char ***parts, ch_error *err);

#endif
