/* parse_internal.h: what the files of the SQL parser share. */
#ifndef CHERT_FRAME_PARSE_INTERNAL_H
#define CHERT_FRAME_PARSE_INTERNAL_H

#include "frame/plan/lex.h"
#include "frame/plan/parse.h"

enum { CH_PARSE_DEPTH_MAX = 400 }; /* nested expressions and queries; each level costs up to about 1 KB of stack */

/* An OVER name whose definition (WINDOW name AS (...)) stands at the end of the SELECT. */
typedef struct ch_window_use {
    const char *name;
    ch_expr *window;
    size_t at; /* token, for errors */
} ch_window_use;

typedef struct ch_parser {
    ch_arena *arena;
    const char *text;
    ch_token *tokens;
    size_t at;
    int depth;
    const ch_plan *arguments; /* the CH_PLAN_SQL node whose arguments replace ? and :name, or NULL */
    size_t next_argument;
    size_t nwindow_use;
    ch_window_use *window_uses; /* of the SELECT being parsed */
} ch_parser;

int ch_parser_init(ch_parser *p, ch_arena *arena, const char *text, ch_error *err);

static inline ch_token *ch_peek(const ch_parser *p)
{
    return &p->tokens[p->at];
}

/* Is the token `ahead` of the current one this keyword (upper case) / operator? */
bool ch_is_word(const ch_parser *p, size_t ahead, const char *keyword);
bool ch_is_op(const ch_parser *p, size_t ahead, const char *op);
/* Consumes the keyword or operator if it is there. */
bool ch_accept_word(ch_parser *p, const char *keyword);
bool ch_accept_op(ch_parser *p, const char *op);
/* Consumes it or raises PARSE_SYNTAX_ERROR at the current token. */
int ch_expect_word(ch_parser *p, const char *keyword, ch_error *err);
int ch_expect_op(ch_parser *p, const char *op, ch_error *err);
int ch_expect_end(ch_parser *p, ch_error *err);
int ch_syntax_error(const ch_parser *p, ch_error *err);
/* Adds "(line 1, pos 7)" and the text with a mark under the place, as Spark's ParseException does. */
void ch_locate_error(const ch_parser *p, const ch_token *at, ch_error *err);
/* The construct at the current token exists in Spark but not here: UNSUPPORTED_FEATURE-like error that names it. */
int ch_unsupported_syntax(const ch_parser *p, const char *what, ch_error *err);
int ch_parse_enter(ch_parser *p, ch_error *err); /* depth + 1, bounded */

bool ch_is_identifier(const ch_parser *p, size_t ahead); /* a word that is not reserved, or a quoted one */
/* Reserved words cannot be aliases without AS. */
bool ch_is_implicit_alias(const ch_parser *p);
int ch_parse_identifier(ch_parser *p, const char **out, ch_error *err);
int ch_parse_name_parts(ch_parser *p, size_t *n, const char ***parts, ch_error *err); /* a.b.c */
int ch_parse_string(ch_parser *p, const char **out, ch_error *err);
int ch_parse_names(ch_parser *p, size_t *n, const char ***names, ch_error *err); /* ( a, b ) */

int ch_parse_data_type(ch_parser *p, const ch_type **out, ch_error *err);
int ch_parse_expr(ch_parser *p, ch_expr **out, ch_error *err);
/* expr [AS] alias | expr AS (a, b) */
int ch_parse_named_expr(ch_parser *p, ch_expr **out, ch_error *err);
/* A comma-separated list; at least one. */
int ch_parse_exprs(ch_parser *p, size_t *n, ch_expr ***out, ch_error *err);
int ch_parse_orders(ch_parser *p, size_t *n, ch_order **out, ch_error *err);
int ch_parse_window(ch_parser *p, ch_window *out, ch_error *err); /* ( PARTITION BY ... ) */
/* OVER name: notes which window is meant; ch_parse_query_body puts the definition in when it has seen it. */
int ch_parse_window_name(ch_parser *p, ch_expr *window, ch_error *err);
int ch_parse_subquery(ch_parser *p, ch_plan **out, ch_error *err); /* a query, up to but without what ends it */
/* --- parse_pivot.c: what is behind TABLESAMPLE, PIVOT and UNPIVOT, over *plan --- */

int ch_parse_sample(ch_parser *p, ch_plan **plan, ch_error *err);
int ch_parse_pivot(ch_parser *p, ch_plan **plan, ch_error *err);
int ch_parse_unpivot(ch_parser *p, ch_plan **plan, ch_error *err);

ch_token *ch_literal_of(ch_parser *p); /* current token if it is a literal, else NULL */
/* A call by name with arguments already parsed. */
ch_expr *ch_parse_call_of(ch_parser *p, const char *name, size_t n, ch_expr **args);
/* One operand: literal, name, call, CASE, parenthesis, with its subscripts and ::casts. */
int ch_parse_primary(ch_parser *p, ch_expr **out, ch_error *err);
int ch_parse_number(ch_parser *p, bool negative, ch_expr **out, ch_error *err);

/* Appends to an array that grows by doubling in the arena. */
#define CH_APPEND(arena, array, count, item)                                                                           \
    do {                                                                                                               \
        if (((count) & ((count)-1)) == 0)                                                                              \
            (array) = ch_arena_grow((arena), (array), sizeof *(array), (count), (count) ? (count)*2 : 1);              \
        (array)[(count)++] = (item);                                                                                   \
    } while (0)

#endif
