/* parse.c: the parser's tools (tokens, identifiers, errors) and its entry points. */
#include "frame/plan/parse_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

int ch_parser_init(ch_parser *p, ch_arena *arena, const char *text, ch_error *err)
{
    size_t count;
    *p = (ch_parser){.arena = arena, .text = text};
    CH_TRY(ch_lex(arena, text, &p->tokens, &count, err));
    /* A trailing semicolon ends a statement and is no part of it. */
    while (count > 1 && p->tokens[count - 2].kind == CH_TK_OPERATOR && !strcmp(p->tokens[count - 2].text, ";")) {
        p->tokens[count - 2] = p->tokens[count - 1];
        count--;
    }
    return 0;
}

bool ch_is_word(const ch_parser *p, size_t ahead, const char *keyword)
{
    for (size_t i = 0; i < ahead; i++)
        if (p->tokens[p->at + i].kind == CH_TK_END) return false;
    const ch_token *t = &p->tokens[p->at + ahead];
    return t->kind == CH_TK_WORD && !strcasecmp(t->text, keyword);
}

bool ch_is_op(const ch_parser *p, size_t ahead, const char *op)
{
    for (size_t i = 0; i < ahead; i++)
        if (p->tokens[p->at + i].kind == CH_TK_END) return false;
    const ch_token *t = &p->tokens[p->at + ahead];
    return t->kind == CH_TK_OPERATOR && !strcmp(t->text, op);
}

bool ch_accept_word(ch_parser *p, const char *keyword)
{
    bool hit = ch_is_word(p, 0, keyword);
    p->at += hit;
    return hit;
}

bool ch_accept_op(ch_parser *p, const char *op)
{
    bool hit = ch_is_op(p, 0, op);
    p->at += hit;
    return hit;
}

/* `hint`: what the parser would do about the token, or "" */
static int syntax_error(const ch_parser *p, const char *hint, ch_error *err)
{
    const ch_token *t = ch_peek(p);
    const char *shown = "end of input";
    if (t->kind != CH_TK_END) shown = ch_arena_printf(p->arena, "'%.*s'", (int)(t->end - t->start), p->text + t->start);
    if (*hint) hint = ch_arena_printf(p->arena, "%s%s", hint, shown);
    int status = ch_raise(err, "PARSE_SYNTAX_ERROR", "error", shown, "hint", hint, (char *)NULL);
    ch_locate_error(p, t, err);
    return status;
}

int ch_expect_word(ch_parser *p, const char *keyword, ch_error *err)
{
    return ch_accept_word(p, keyword) ? 0 : ch_syntax_error(p, err);
}

int ch_expect_op(ch_parser *p, const char *op, ch_error *err)
{
    return ch_accept_op(p, op) ? 0 : ch_syntax_error(p, err);
}

int ch_expect_end(ch_parser *p, ch_error *err)
{
    if (ch_peek(p)->kind == CH_TK_END) return 0;
    bool last = p->tokens[p->at + 1].kind == CH_TK_END;
    return syntax_error(p, last ? ": extra input " : "", err);
}

void ch_locate_error(const ch_parser *p, const ch_token *at, ch_error *err)
{
    ch_locate_in_text(p->text, at->start, err);
}

int ch_syntax_error(const ch_parser *p, ch_error *err)
{
    return syntax_error(p, "", err);
}

int ch_unsupported_syntax(const ch_parser *p, const char *what, ch_error *err)
{
    int status = ch_raise(err, "UNSUPPORTED_FEATURE.SQL_SYNTAX", "feature", what, (char *)NULL);
    ch_locate_error(p, ch_peek(p), err);
    return status;
}

int ch_parse_enter(ch_parser *p, ch_error *err)
{
    if (++p->depth > CH_PARSE_DEPTH_MAX) {
        int status = ch_raise(err, "FAILED_TO_PARSE_TOO_COMPLEX", (char *)NULL);
        ch_locate_error(p, ch_peek(p), err);
        return status;
    }
    return 0;
}

/* Words that end or join clauses; after an expression or a table they never are an alias. */
static bool is_reserved(const char *word)
{
    static const char *const words[] = {
        "AND",     "ANTI",      "AS",     "BETWEEN", "CLUSTER", "CROSS",       "DISTRIBUTE", "DIV",     "ELSE",
        "END",     "ESCAPE",    "EXCEPT", "FROM",    "FULL",    "GROUP",       "HAVING",     "ILIKE",   "IN",
        "INNER",   "INTERSECT", "IS",     "JOIN",    "LATERAL", "LEFT",        "LIKE",       "LIMIT",   "MINUS",
        "NATURAL", "NOT",       "OFFSET", "ON",      "OR",      "ORDER",       "PIVOT",      "QUALIFY", "REGEXP",
        "RIGHT",   "RLIKE",     "SELECT", "SEMI",    "SORT",    "TABLESAMPLE", "THEN",       "UNION",   "UNPIVOT",
        "USING",   "WHEN",      "WHERE",  "WINDOW"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(word, words[i])) return true;
    return false;
}

bool ch_is_identifier(const ch_parser *p, size_t ahead)
{
    for (size_t i = 0; i < ahead; i++)
        if (p->tokens[p->at + i].kind == CH_TK_END) return false;
    const ch_token *t = &p->tokens[p->at + ahead];
    return t->kind == CH_TK_QUOTED || t->kind == CH_TK_WORD;
}

bool ch_is_implicit_alias(const ch_parser *p)
{
    const ch_token *t = ch_peek(p);
    return t->kind == CH_TK_QUOTED || (t->kind == CH_TK_WORD && !is_reserved(t->text));
}

int ch_parse_identifier(ch_parser *p, const char **out, ch_error *err)
{
    if (!ch_is_identifier(p, 0)) return ch_syntax_error(p, err);
    *out = ch_peek(p)->text;
    p->at++;
    return 0;
}

int ch_parse_name_parts(ch_parser *p, size_t *n, const char ***parts, ch_error *err)
{
    *n = 0;
    *parts = NULL;
    do {
        const char *part;
        CH_TRY(ch_parse_identifier(p, &part, err));
        CH_APPEND(p->arena, *parts, *n, part);
    } while (ch_is_op(p, 0, ".") && ch_is_identifier(p, 1) && ch_accept_op(p, "."));
    return 0;
}

int ch_parse_string(ch_parser *p, const char **out, ch_error *err)
{
    if (ch_peek(p)->kind != CH_TK_STRING) return ch_syntax_error(p, err);
    *out = ch_peek(p)->text;
    p->at++;
    return 0;
}

int ch_parse_names(ch_parser *p, size_t *n, const char ***names, ch_error *err)
{
    *n = 0;
    *names = NULL;
    CH_TRY(ch_expect_op(p, "(", err));
    do {
        const char *name;
        CH_TRY(ch_parse_identifier(p, &name, err));
        CH_APPEND(p->arena, *names, *n, name);
    } while (ch_accept_op(p, ","));
    return ch_expect_op(p, ")", err);
}

/* --- entry points --- */

static int start(ch_parser *p, ch_arena *arena, const char *text, ch_error *err)
{
    CH_TRY(ch_parser_init(p, arena, text, err));
    if (ch_peek(p)->kind == CH_TK_END) {
        int status = ch_raise(err, "PARSE_EMPTY_STATEMENT", (char *)NULL);
        ch_locate_error(p, ch_peek(p), err);
        return status;
    }
    return 0;
}

int ch_parse_expression(ch_arena *arena, const char *text, ch_expr **out, ch_error *err)
{
    ch_parser p;
    CH_TRY(start(&p, arena, text, err));
    CH_TRY(ch_parse_named_expr(&p, out, err));
    return ch_expect_end(&p, err);
}

int ch_parse_query(ch_arena *arena, const char *text, ch_plan **out, ch_error *err)
{
    ch_parser p;
    CH_TRY(start(&p, arena, text, err));
    CH_TRY(ch_parse_subquery(&p, out, err));
    return ch_expect_end(&p, err);
}

int ch_parse_sql_plan(ch_arena *arena, const ch_plan *sql, ch_plan **out, ch_error *err)
{
    ch_parser p;
    CH_TRY(start(&p, arena, sql->u.sql.query, err));
    p.arguments = sql;
    CH_TRY(ch_parse_subquery(&p, out, err));
    return ch_expect_end(&p, err);
}
