/* parse.h: Spark SQL text into plans, expressions and types. A hand-written lexer and recursive-descent parser of
 * Spark's dialect (SqlBaseParser.g4 is the reference); depth is bounded. err: PARSE_SYNTAX_ERROR,
 * PARSE_EMPTY_STATEMENT, ... with the position as Spark words it. Everything lives in `arena`. */
#ifndef CHERT_FRAME_PARSE_H
#define CHERT_FRAME_PARSE_H

#include "frame/plan/plan.h"

/* A named or plain expression: "a + 1", "a + 1 AS b", "*", "t.*", "count(distinct x)". */
int ch_parse_expression(ch_arena *arena, const char *text, ch_expr **out, ch_error *err);
/* A query: SELECT, WITH, VALUES, set operations, ORDER BY, LIMIT ... */
int ch_parse_query(ch_arena *arena, const char *text, ch_plan **out, ch_error *err);
/* The query of a CH_PLAN_SQL node, its ? and :name parameters replaced by the node's arguments. */
int ch_parse_sql_plan(ch_arena *arena, const ch_plan *sql, ch_plan **out, ch_error *err);
/* A data type and nothing else: what casts are given. */
int ch_parse_one_type(ch_arena *arena, const char *text, const ch_type **out, ch_error *err);
/* A data type ("array<struct<a:int>>") or, failing that, a table schema ("a int, b string NOT NULL COMMENT 'x'") as a
 * STRUCT: what DDL schema strings of the API may be. */
int ch_parse_type(ch_arena *arena, const char *text, const ch_type **out, ch_error *err);

typedef enum ch_statement_kind {
    CH_STMT_QUERY,
    CH_STMT_CREATE_VIEW,
    CH_STMT_DROP_VIEW,
    CH_STMT_SET, /* SET, SET key, SET key = value */
    CH_STMT_RESET,
    CH_STMT_SHOW_VIEWS, /* SHOW VIEWS / TABLES */
    CH_STMT_DESCRIBE,   /* DESCRIBE [TABLE] name | DESCRIBE QUERY */
    CH_STMT_CACHE,
    CH_STMT_UNCACHE,
    CH_STMT_CLEAR_CACHE,
    CH_STMT_EXPLAIN
} ch_statement_kind;

typedef struct ch_statement {
    ch_statement_kind kind;
    ch_plan *query;
    size_t nparts;
    const char **parts; /* name of a view or table */
    bool replace, global, if_exists, if_not_exists;
    const char *key, *value, *mode;
} ch_statement;

/* The statement of a CH_PLAN_SQL node. */
int ch_parse_statement(ch_arena *arena, const ch_plan *sql, ch_statement *out, ch_error *err);

/* spark.sql(text, args): a query comes back lazily as a plan (*plan = a CH_PLAN_SQL, *is_query = true); a command is
 * run at once and its answer rows are a VALUES plan (*is_query = false). Implemented in statement.c. */
struct ch_session;
int ch_run_statement(struct ch_session *s, ch_arena *arena, const ch_plan *sql, ch_plan **plan, bool *is_query,
                     ch_error *err);

#endif
