/* analyze_internal.h: what the files of the analyzer (names.c, analyze*.c) share. */
#ifndef CHERT_FRAME_ANALYZE_INTERNAL_H
#define CHERT_FRAME_ANALYZE_INTERNAL_H

#include "frame/analyze/rel_internal.h"
#include "frame/analyze/rewrite.h"
#include "frame/function/function.h"

enum {
    CH_PLAN_DEPTH_MAX = 1000,     /* nested relations; each level costs up to about 2 KB of stack */
    CH_PLAN_NODES_MAX = 200000,   /* relations analysed in one query: views of views multiply */
    CH_PLAN_COLUMNS_MAX = 100000, /* columns of one relation */
    CH_PLAN_IDS_MAX = 100000000   /* columns of all relations of one query */
};

/* The name of columns that are not the user's: no name he can write finds them. */
#define CH_NO_NAME "\x1f"

/* Common table expressions in sight, innermost first. */
typedef struct ch_cte {
    const char *name;
    const ch_plan *plan;
    const struct ch_cte *outer;
} ch_cte;

/* Views being expanded, innermost first: a view that is among them refers to itself. */
typedef struct ch_view_frame {
    const ch_plan *plan;
    const char *name;
    const struct ch_view_frame *outer;
} ch_view_frame;

/* Analysed relations that CH_PLAN_REL nodes put into the tree. */
typedef struct ch_placed {
    const ch_rel *rel;
    const struct ch_placed *next;
} ch_placed;

/* One analysis: state that all its relations share. */
typedef struct ch_analysis {
    ch_session *session;
    ch_arena *arena;
    int *next_id;
    bool case_sensitive;
    int depth;
    size_t nodes;
    const ch_cte *ctes;
    const ch_view_frame *views;
    const ch_placed *placed;
    ch_scope *outer; /* of the subquery or lateral join being analysed, or NULL */
} ch_analysis;

/* Columns that SORT or FILTER reached for below its input (names.c finds them, ch_expose brings them up). */
typedef struct ch_missing {
    size_t n;
    const ch_attr **attrs;
} ch_missing;

/* --- relations (rel.c) --- */
/* Sets name hashes of the visible columns that have none yet. Call when a relation's columns are complete. */
void ch_rel_seal(ch_rel *rel);
void ch_rel_add_plan_id(ch_arena *arena, ch_rel *rel, int64_t plan_id);
void ch_rel_add_hidden(ch_arena *arena, ch_rel *rel, const ch_attr *attr);
const ch_attr *ch_attr_find(const ch_rel *rel, int id); /* visible or hidden, or NULL */
ch_expr *ch_column_of(ch_arena *arena, const ch_attr *attr);
/* A new column: fresh id, the expression's type. */
ch_attr ch_attr_for(ch_analysis *a, const char *name, const ch_expr *e, const char *metadata);
/* A relation over `input` with the same columns, hidden ones and order. */
ch_rel *ch_rel_same(ch_arena *arena, ch_rel_kind kind, ch_rel *input);
/* PROJECT of n columns; for item i a plain column of the input keeps its id. */
ch_rel *ch_rel_project(ch_analysis *a, ch_rel *input, size_t n, const ch_named *items);
/* Puts ROW_NUMBER with this column id between. */
ch_rel *ch_rel_number(ch_analysis *a, ch_rel *input, int id);

/* --- names (names.c) --- */
bool ch_names_equal(bool case_sensitive, const char *a, const char *b);
uint32_t ch_name_hash(const char *name); /* of the lower-case form; never 0 */
/* `a`.`b` */
const char *ch_sql_id(ch_arena *arena, size_t n, const char *const *parts);
/* "text" */
const char *ch_sql_quote(ch_arena *arena, const char *text);
/* The names of a relation's columns, nearest to the wanted name first: "`a`, `b`" (at most 5). */
const char *ch_suggestions(ch_arena *arena, const ch_rel *const *inputs, size_t ninput, size_t nparts,
                           const char *const *parts);
/* COLUMN_ALREADY_EXISTS, which names the column in lower case as names are compared so. */
int ch_already_exists(ch_analysis *a, const char *name, ch_error *err);
/* First visible column of this name, or -1. */
ptrdiff_t ch_find_column(const ch_analysis *a, const ch_rel *rel, const char *name);
/* Makes a column that a relation of the tree below `rel` has come out of `rel` as a hidden one. False if it cannot. */
bool ch_expose(ch_arena *arena, ch_rel *rel, const ch_attr *attr);

/* --- analysis (analyze.c) --- */
int ch_analyze_plan(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
ch_scope ch_scope_over(ch_analysis *a, const ch_rel *input);
int ch_fresh_id(ch_analysis *a, ch_error *err, int *out);
/* Texts of expressions at the top of a list (expr("...")) parsed; out is a new array. */
int ch_parse_items(ch_analysis *a, size_t n, ch_expr *const *in, ch_expr ***out, ch_error *err);
int ch_parse_item(ch_analysis *a, ch_expr *in, ch_expr **out, ch_error *err);
/* Refuses windows and aggregates where an operator takes none. err: UNSUPPORTED_EXPR_FOR_OPERATOR. */
int ch_check_plain(ch_analysis *a, const ch_expr *e, ch_error *err);
/* Refuses explode and its like outside of lists; `operator` is Spark's name of where the unresolved expression stands.
 */
int ch_check_no_generator(ch_scope *scope, const ch_expr *e, const char *operator, ch_error * err);

/* One relation kind each. */
int ch_analyze_project(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
int ch_analyze_with_columns(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
int ch_analyze_rename(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
int ch_analyze_drop(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
int ch_analyze_to_df(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
int ch_analyze_to_schema(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
int ch_analyze_aggregate(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
int ch_analyze_join(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
int ch_analyze_set_op(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
int ch_analyze_filter(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
int ch_analyze_sort(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
int ch_analyze_deduplicate(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
int ch_analyze_sample(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
int ch_analyze_transform(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);
int ch_analyze_values(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err);

/* A projection list over an analysed input: with aggregates it is a global aggregation. */
int ch_project_list(ch_analysis *a, ch_rel *input, size_t n, ch_expr *const *exprs, ch_rel **out, ch_error *err);
/* Resolves a list without aggregates over *input: its named columns, and in *input the relation that they stand over
 * (the input itself, or GENERATE and ROW_NUMBER put on top of it). */
int ch_resolve_items(ch_analysis *a, ch_rel **input, size_t n, ch_expr *const *exprs, size_t *nout, ch_named **out,
                     ch_error *err);
/* PROJECT of resolved items. Windows among them leave the rows sorted as Spark does. */
ch_rel *ch_project_items(ch_analysis *a, ch_rel *input, size_t n, const ch_named *items);
/* ch_resolve_list where names may also mean earlier aliases of the list that no column of the input is called
 * (SELECT a + 1 AS b, b * 2): their expressions are put in. */
int ch_resolve_lateral(ch_analysis *a, ch_scope *scope, size_t n, ch_expr *const *exprs, size_t *nout, ch_named **out,
                       ch_error *err);
/* Item i of the input as it is. */
ch_named ch_pass_through(ch_analysis *a, const ch_rel *input, size_t i);
/* Is this (an alias of) a call of explode or its like? */
bool ch_is_generator(const ch_expr *item);
/* analyze_generate.c: puts GENERATE for the item on top of *base; the argument is resolved in scope. Its columns are
 * appended to list. */
int ch_add_generate(ch_analysis *a, ch_scope *scope, const ch_expr *item, ch_rel **base, size_t *n, ch_named **list,
                    ch_error *err);
/* The aggregation of groups and aggs over an analysed input; see analyze_aggregate.c. */
int ch_aggregate_list(ch_analysis *a, ch_rel *input, size_t ngroup, ch_expr *const *groups, size_t nagg,
                      ch_expr *const *aggs, ch_rel **out, ch_error *err);
/* Aggregates in a condition or sort order over an aggregation (HAVING, ORDER BY max(x)): each becomes a column of the
 * aggregation, and *e a copy that refers to it. Over other relations they are an error: INVALID_WHERE_CONDITION or
 * UNSUPPORTED_EXPR_FOR_OPERATOR. */
int ch_lift_aggregates(ch_analysis *a, ch_rel *rel, bool where, ch_expr **e, ch_error *err);
/* After `first` could not be resolved over rel: if rel shows an aggregation, takes the expression as made of the
 * groups (ORDER BY k % 2 under GROUP BY k % 2). Otherwise, or if that fails too, *err and the status are first's. */
int ch_resolve_groups(ch_analysis *a, ch_rel *rel, const ch_expr *in, ch_expr **out, int status, ch_error *err);
/* Does the unresolved tree call an aggregate function outside of windows and subqueries? */
bool ch_calls_aggregate(const ch_expr *e);

#endif
