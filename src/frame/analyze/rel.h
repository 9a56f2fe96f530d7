/* rel.h: analysed relations. Every column has an id that is unique in its query and is written `c17` in SQL; user
 * names, duplicates included, are only labels here. Few kinds: all of Spark's operations come down to these.
 *
 * Life: ch_plan --(analyze.c)--> ch_rel --(sql_rel.c)--> SQL text --(engine.c)--> batches.
 */
#ifndef CHERT_FRAME_REL_H
#define CHERT_FRAME_REL_H

#include "frame/plan/plan.h"

typedef struct ch_rel ch_rel;

typedef enum ch_rel_kind {
    CH_REL_SOURCE, /* something DuckDB reads by itself: a table function, a table */
    CH_REL_VALUES,
    CH_REL_PROJECT, /* cols[i] = exprs[i] */
    CH_REL_FILTER,
    CH_REL_AGGREGATE, /* cols = keys then aggregates; grouping sets by index into keys */
    CH_REL_JOIN,
    CH_REL_SET_OP,
    CH_REL_SORT,
    CH_REL_LIMIT,      /* limit and offset; tail */
    CH_REL_DISTINCT,   /* over all columns, or the first row of each key */
    CH_REL_ROW_NUMBER, /* input's columns and one more: the row's position, from 0 */
    CH_REL_GENERATE    /* input's columns joined with the rows an array or map column explodes into */
} ch_rel_kind;

typedef struct ch_attr {
    int id;
    const char *name;
    const ch_type *type;
    bool nullable;
    const char *metadata; /* JSON or NULL */
    size_t nqualifier;
    const char **qualifier; /* table alias or catalog path the name may be prefixed with */
    uint32_t name_hash;     /* of the lower-case name, for quick lookups; 0: not computed yet */
} ch_attr;

struct ch_rel {
    ch_rel_kind kind;
    size_t ncol;
    ch_attr *cols; /* the visible output, in order */
    size_t nhidden;
    ch_attr *hidden; /* columns that exist for names only (the other side of USING), not part of the output */
    ch_rel *input, *right;
    size_t nplan_id;
    int64_t *plan_ids;       /* DataFrames of the client that this very node is */
    uint64_t fingerprint[2]; /* equal plans have equal ones: kinds, expressions with columns by position, sources with
                              * their files' stamps. Key of the cache of persisted relations. Whoever makes a SOURCE
                              * sets its own; the others are computed when needed (ch_rel_fingerprints). */
    bool placed;             /* analyze.c: it went from a CH_PLAN_REL into the tree already */
    bool closed;             /* a subquery with a name: what its columns do not show is out of reach */
    bool ordered; /* the row order means something to the user: files, local rows, sorts, and what keeps them */
    union {
        struct {
            const char *from;   /* SQL of a FROM item */
            const char **exprs; /* SQL that gives each column over it */
            const char *shown;  /* for explain: "FileScan csv [a,b] file:/..." */
            size_t nfile;
            const char **files; /* df.inputFiles() */
        } source;
        struct {
            size_t nrow;
            ch_expr ***rows;
        } values;
        ch_expr **exprs;    /* PROJECT */
        ch_expr *condition; /* FILTER */
        struct {
            size_t nkey, nagg;
            ch_expr **keys, **aggs;
            size_t nset; /* 0: one set of all keys */
            size_t *set_size;
            size_t **sets;   /* indexes into keys */
            int grouping_id; /* column id that gets Spark's grouping_id, or -1 */
        } aggregate;
        struct {
            ch_join_kind kind;
            ch_expr *condition; /* NULL: cross */
            bool lateral;       /* right refers to columns of input */
        } join;
        struct {
            ch_set_kind kind;
            bool all;
        } set_op;
        struct {
            size_t n;
            ch_order *orders;
            bool implicit; /* not asked for, but how Spark leaves rows: dropped where the order means nothing */
        } sort;
        struct {
            int64_t limit, offset; /* limit -1: none */
            bool tail;
        } limit;
        struct {
            size_t nkey;
            int *keys; /* column ids; none: all columns */
        } distinct;
        int row_number_id;
        struct {
            ch_expr *array; /* ARRAY or MAP typed */
            bool outer, position;
            bool spread; /* an element is a struct (inline) or a map's entry whose fields become columns */
            /* cols ends with [position,] element columns (map: key, value; inline: the struct's fields) */
            size_t nout;
        } generate;
    } u;
};

/* Where expressions find names while they are resolved: one relation, or two for a join condition. */
typedef struct ch_scope {
    struct ch_session *session;
    ch_arena *arena;
    int *next_id; /* counter of column ids of this query */
    const ch_rel *input[2];
    size_t ninput;
    struct ch_scope *outer;               /* of a correlated subquery, or NULL */
    const struct ch_lambda_scope *lambda; /* parameters of lambdas around, innermost first; expr.c's */
    bool allow_aggregate;                 /* aggregates may stand here */
    bool allow_window;
    bool allow_generator;
    int row_number_id;            /* set to a fresh id (LONG, from 0) when an expression needs the row's position (rand,
                                   * monotonically_increasing_id, and aggregates whose result depends on the order of rows,
                                   * like first and collect_list, if input[0]->ordered); the caller then puts ROW_NUMBER
                                   * below. 0: not asked for */
    int depth;                    /* of recursion, bounded */
    bool over;                    /* the next call is the function of a window: its arguments may be aggregates */
    struct ch_analysis *analysis; /* the analysis this is part of; NULL outside of one */
    struct ch_missing *missing;   /* names.c: SORT and FILTER may reach for columns that their input dropped */
} ch_scope;

/* A resolved projection item. */
typedef struct ch_named {
    const char *name;
    const char *metadata;
    ch_expr *expr;
    size_t nqualifier; /* kept from a plain column */
    const char **qualifier;
    size_t nnames; /* names the user gave: none, one, or several for a generator */
    const char **names;
} ch_named;

/* --- names (names.c) ------------------------------------------------------------------------------------------------
 * Finds a column as Spark does: by plan id (searching the tree below the scope, AMBIGUOUS_COLUMN_REFERENCE when found
 * on both sides, falling back to the name), by qualified or plain name, case-insensitively; then a struct field path.
 * err: UNRESOLVED_COLUMN.*, AMBIGUOUS_REFERENCE, AMBIGUOUS_COLUMN_REFERENCE, CANNOT_RESOLVE_DATAFRAME_COLUMN. */
int ch_lookup(ch_scope *scope, size_t nparts, const char **parts, int64_t plan_id, ch_expr **out, ch_error *err);
/* All columns of *, t.* or df["*"], as CH_EX_COLUMN nodes. */
int ch_lookup_star(ch_scope *scope, size_t nparts, const char **parts, int64_t plan_id, size_t *n, ch_expr ***out,
                   ch_error *err);
/* The columns whose names match a Java regular expression, as CH_EX_COLUMN nodes (resolve_regex.c). */
int ch_lookup_regex(ch_scope *scope, const char *pattern, int64_t plan_id, size_t *n, ch_expr ***out, ch_error *err);
/* The attribute a CH_EX_COLUMN of this scope stands for. */
const ch_attr *ch_scope_attr(const ch_scope *scope, int id);

/* --- expressions (resolve.c, function table) ------------------------------------------------------------------------
 * Resolves one expression: names, functions, Spark's implicit casts; sets type and nullable everywhere. */
int ch_resolve(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err);
/* Resolves a projection list: stars expanded, aliases taken off, automatic names given. Generators (explode) come back
 * as CALLs to a generator function at top level; the caller makes GENERATE of them. */
int ch_resolve_list(ch_scope *scope, size_t n, ch_expr *const *in, size_t *nout, ch_named **out, ch_error *err);
/* The text Spark gives an unnamed column: "sum((k + 1))", "CASE WHEN ...". Works on resolved trees. */
const char *ch_auto_name(ch_arena *arena, const ch_expr *e);
/* Puts the cast around e that Spark's store assignment / implicit coercion would; no-op when the types agree. */
ch_expr *ch_coerce(ch_arena *arena, ch_expr *e, const ch_type *to);
/* The common type of two under Spark's ANSI rules (set operations, CASE, coalesce), or NULL when there is none. */
const ch_type *ch_common_type(ch_arena *arena, const ch_type *a, const ch_type *b);
/* The same without ANSI mode: a string makes other values strings. */
const ch_type *ch_lenient_type(ch_arena *arena, const ch_type *a, const ch_type *b);
bool ch_contains_aggregate(const ch_expr *e);
bool ch_contains_window(const ch_expr *e);
/* Writes a resolved expression as DuckDB SQL. */
int ch_write_expr(ch_buf *sql, const ch_expr *e, ch_error *err);
/* Structural hash with columns by their position in the input(s) (for fingerprints). */
void ch_hash_expr(uint64_t fingerprint[2], const ch_expr *e, const ch_rel *input, const ch_rel *right);

/* --- relations (analyze.c, sql_rel.c) -------------------------------------------------------------------------------
 * Analyses a plan in a session: its views, its cache. */
int ch_analyze(struct ch_session *session, ch_arena *arena, const ch_plan *plan, int *next_id, ch_rel **out,
               ch_error *err);
/* The plan of a subquery inside an expression of `outer`, whose columns it may refer to. Shares outer's analysis: its
 * limits, its common table expressions. */
int ch_analyze_subquery(ch_scope *outer, const ch_plan *plan, ch_rel **out, ch_error *err);
/* One SELECT statement that gives rel->cols in order under the names c<id>. */
int ch_write_rel(ch_buf *sql, const ch_rel *rel, ch_error *err);
/* Mixes into a fingerprint (fingerprint.c). */
void ch_hash_bytes(uint64_t fingerprint[2], const void *bytes, size_t size);
void ch_hash_text(uint64_t fingerprint[2], const char *text); /* NULL and "" differ */
void ch_hash_number(uint64_t fingerprint[2], uint64_t number);
/* Computes the fingerprints of a whole tree; sources have theirs already. */
void ch_rel_fingerprints(ch_rel *root);

/* Constructor: zeroed columns, no plan ids, fingerprint of zeros; copies nothing. */
ch_rel *ch_rel_new(ch_arena *arena, ch_rel_kind kind, ch_rel *input, size_t ncol);

#endif
