/* parse_expr.c: expressions by precedence climbing: OR, AND, NOT, predicates, comparison, bit operators, + - ||, * / %
 * DIV, unary. Operators become calls named as Spark Connect's clients name them ("==", "and", "negative"). */
#include "frame/plan/parse_internal.h"

#include <string.h>
#include <strings.h>

static ch_expr *call1(ch_parser *p, const char *name, ch_expr *a)
{
    return ch_expr_call(p->arena, name, 1, a);
}

static ch_expr *call2(ch_parser *p, const char *name, ch_expr *a, ch_expr *b)
{
    return ch_expr_call(p->arena, name, 2, a, b);
}

ch_expr *ch_parse_call_of(ch_parser *p, const char *name, size_t n, ch_expr **args)
{
    ch_expr *e = ch_expr_new(p->arena, CH_EX_CALL);
    e->u.call.name = name;
    e->u.call.n = n;
    e->u.call.args = args;
    return e;
}

/* Binary operators of a level, loosest first. A level's rows end with a NULL. */
typedef struct op_row {
    const char *token; /* operator or keyword */
    const char *name;  /* function it calls */
} op_row;

static const op_row bit_or[] = {{"|", "|"}, {NULL, NULL}};
static const op_row bit_xor[] = {{"^", "^"}, {NULL, NULL}};
static const op_row bit_and[] = {{"&", "&"}, {NULL, NULL}};
static const op_row shifts[] = {{"<<", "shiftleft"}, {">>", "shiftright"}, {">>>", "shiftrightunsigned"}, {NULL, NULL}};
static const op_row sums[] = {{"+", "+"}, {"-", "-"}, {"||", "concat"}, {NULL, NULL}};
static const op_row products[] = {{"*", "*"}, {"/", "/"}, {"%", "%"}, {"DIV", "div"}, {NULL, NULL}};
static const op_row *const levels[] = {bit_or, bit_xor, bit_and, shifts, sums, products};
enum { LEVELS = sizeof levels / sizeof *levels };

static int parse_unary(ch_parser *p, ch_expr **out, ch_error *err)
{
    CH_TRY(ch_parse_enter(p, err));
    if (ch_is_op(p, 0, "-")) {
        const ch_token *next = &p->tokens[p->at + 1];
        p->at++;
        /* -128 is a literal, so that the smallest long can be written. */
        if (next->kind >= CH_TK_INTEGER && next->kind <= CH_TK_SUFFIXED && !ch_is_op(p, 1, "::")) {
            CH_TRY(ch_parse_number(p, true, out, err));
        } else {
            CH_TRY(parse_unary(p, out, err));
            *out = call1(p, "-", *out);
        }
    } else if (ch_accept_op(p, "+")) {
        CH_TRY(parse_unary(p, out, err));
        *out = call1(p, "+", *out);
    } else if (ch_accept_op(p, "~")) {
        CH_TRY(parse_unary(p, out, err));
        *out = call1(p, "~", *out);
    } else {
        CH_TRY(ch_parse_primary(p, out, err));
    }
    p->depth--;
    return 0;
}

static const op_row *accept_level(ch_parser *p, const op_row *rows)
{
    for (; rows->token; rows++)
        if (ch_accept_op(p, rows->token) || ch_accept_word(p, rows->token)) return rows;
    return NULL;
}

static int parse_level(ch_parser *p, int level, ch_expr **out, ch_error *err)
{
    if (level == LEVELS) return parse_unary(p, out, err);
    CH_TRY(parse_level(p, level + 1, out, err));
    const op_row *row;
    while ((row = accept_level(p, levels[level]))) {
        ch_expr *right;
        CH_TRY(parse_level(p, level + 1, &right, err));
        *out = call2(p, row->name, *out, right);
    }
    return 0;
}

static int parse_comparison(ch_parser *p, ch_expr **out, ch_error *err)
{
    static const op_row rows[] = {{"=", "=="},  {"==", "=="}, {"<=>", "<=>"}, {"<>", "!="}, {"!=", "!="},
                                  {"<=", "<="}, {">=", ">="}, {"<", "<"},     {">", ">"},   {NULL, NULL}};
    CH_TRY(parse_level(p, 0, out, err));
    const op_row *row;
    while ((row = accept_level(p, rows))) {
        ch_expr *right;
        CH_TRY(parse_level(p, 0, &right, err));
        *out = call2(p, row->name, *out, right);
    }
    return 0;
}

/* --- predicates: what may follow a value --- */

static int parse_in(ch_parser *p, ch_expr **out, ch_error *err)
{
    ch_expr *left = *out;
    CH_TRY(ch_expect_op(p, "(", err));
    if (ch_is_word(p, 0, "SELECT") || ch_is_word(p, 0, "WITH")) {
        ch_expr *e = ch_expr_new(p->arena, CH_EX_SUBQUERY);
        e->u.subquery.kind = CH_SUBQUERY_IN;
        e->u.subquery.nvalues = 1;
        e->u.subquery.values = ch_arena_dup(p->arena, &left, sizeof left);
        CH_TRY(ch_parse_subquery(p, &e->u.subquery.plan, err));
        *out = e;
        return ch_expect_op(p, ")", err);
    }
    ch_expr **items;
    size_t n;
    CH_TRY(ch_parse_exprs(p, &n, &items, err));
    ch_expr **args = CH_NEW_ARRAY(p->arena, ch_expr *, n + 1);
    args[0] = left;
    memcpy(args + 1, items, n * sizeof *items);
    *out = ch_parse_call_of(p, "in", n + 1, args);
    return ch_expect_op(p, ")", err);
}

/* x LIKE ANY|SOME|ALL (a, b): folded into OR / AND of single LIKEs. */
static int parse_like_list(ch_parser *p, const char *name, bool all, bool negated, ch_expr **out, ch_error *err)
{
    ch_expr *left = *out, **patterns, *folded = NULL;
    size_t n;
    CH_TRY(ch_expect_op(p, "(", err));
    CH_TRY(ch_parse_exprs(p, &n, &patterns, err));
    CH_TRY(ch_expect_op(p, ")", err));
    for (size_t i = 0; i < n; i++) {
        ch_expr *one = call2(p, name, left, patterns[i]);
        if (negated) one = call1(p, "not", one);
        folded = folded ? call2(p, all ? "and" : "or", folded, one) : one;
    }
    *out = folded;
    return 0;
}

static int parse_like(ch_parser *p, const char *name, bool negated, ch_expr **out, ch_error *err)
{
    if (ch_accept_word(p, "ANY") || ch_accept_word(p, "SOME"))
        return parse_like_list(p, name, false, negated, out, err);
    if (ch_accept_word(p, "ALL")) return parse_like_list(p, name, true, negated, out, err);
    ch_expr *pattern, *left = *out;
    CH_TRY(parse_level(p, 0, &pattern, err));
    if (ch_accept_word(p, "ESCAPE")) {
        const char *escape;
        CH_TRY(ch_parse_string(p, &escape, err));
        *out = ch_expr_call(p->arena, name, 3, left, pattern, ch_expr_string(p->arena, escape));
    } else {
        *out = call2(p, name, left, pattern);
    }
    if (negated) *out = call1(p, "not", *out);
    return 0;
}

static int parse_is(ch_parser *p, ch_expr **out, ch_error *err)
{
    bool negated = ch_accept_word(p, "NOT");
    ch_expr *left = *out;
    if (ch_accept_word(p, "NULL") || ch_accept_word(p, "UNKNOWN")) {
        *out = call1(p, negated ? "isnotnull" : "isnull", left);
        return 0;
    }
    if (ch_accept_word(p, "DISTINCT")) {
        ch_expr *right;
        CH_TRY(ch_expect_word(p, "FROM", err));
        CH_TRY(parse_level(p, 0, &right, err));
        *out = call2(p, "<=>", left, right);
        negated = !negated;
    } else if (ch_accept_word(p, "TRUE")) {
        *out = call2(p, "<=>", left, ch_expr_bool(p->arena, true));
    } else if (ch_accept_word(p, "FALSE")) {
        *out = call2(p, "<=>", left, ch_expr_bool(p->arena, false));
    } else {
        return ch_syntax_error(p, err);
    }
    if (negated) *out = call1(p, "not", *out);
    return 0;
}

static int parse_predicate(ch_parser *p, ch_expr **out, ch_error *err)
{
    CH_TRY(parse_comparison(p, out, err));
    for (;;) {
        if (ch_accept_word(p, "IS")) {
            CH_TRY(parse_is(p, out, err));
            continue;
        }
        bool negated = ch_is_word(p, 0, "NOT") || ch_is_op(p, 0, "!");
        if (negated && !(ch_is_word(p, 1, "IN") || ch_is_word(p, 1, "BETWEEN") || ch_is_word(p, 1, "LIKE") ||
                         ch_is_word(p, 1, "ILIKE") || ch_is_word(p, 1, "RLIKE") || ch_is_word(p, 1, "REGEXP")))
            return 0;
        p->at += negated;
        if (ch_accept_word(p, "BETWEEN")) {
            ch_expr *low, *high, *value = *out;
            CH_TRY(parse_level(p, 0, &low, err));
            CH_TRY(ch_expect_word(p, "AND", err));
            CH_TRY(parse_level(p, 0, &high, err));
            *out = ch_expr_call(p->arena, "between", 3, value, low, high);
            if (negated) *out = call1(p, "not", *out);
        } else if (ch_accept_word(p, "IN")) {
            CH_TRY(parse_in(p, out, err));
            if (negated) *out = call1(p, "not", *out);
        } else if (ch_accept_word(p, "LIKE")) {
            CH_TRY(parse_like(p, "like", negated, out, err));
        } else if (ch_accept_word(p, "ILIKE")) {
            CH_TRY(parse_like(p, "ilike", negated, out, err));
        } else if (ch_accept_word(p, "RLIKE") || ch_accept_word(p, "REGEXP")) {
            CH_TRY(parse_like(p, "rlike", negated, out, err));
        } else {
            return 0;
        }
    }
}

static int parse_not(ch_parser *p, ch_expr **out, ch_error *err)
{
    if (!ch_is_word(p, 0, "NOT") && !ch_is_op(p, 0, "!")) return parse_predicate(p, out, err);
    p->at++;
    CH_TRY(ch_parse_enter(p, err));
    CH_TRY(parse_not(p, out, err));
    p->depth--;
    *out = call1(p, "not", *out);
    return 0;
}

static int parse_and(ch_parser *p, ch_expr **out, ch_error *err)
{
    CH_TRY(parse_not(p, out, err));
    while (ch_accept_word(p, "AND")) {
        ch_expr *right;
        CH_TRY(parse_not(p, &right, err));
        *out = call2(p, "and", *out, right);
    }
    return 0;
}

static bool is_lambda(const ch_parser *p)
{
    if (ch_is_identifier(p, 0)) return ch_is_op(p, 1, "->");
    if (!ch_is_op(p, 0, "(")) return false;
    size_t i = 1;
    while (ch_is_identifier(p, i) && ch_is_op(p, i + 1, ",")) i += 2;
    return ch_is_identifier(p, i) && ch_is_op(p, i + 1, ")") && ch_is_op(p, i + 2, "->");
}

static int parse_lambda(ch_parser *p, ch_expr **out, ch_error *err)
{
    ch_expr *e = ch_expr_new(p->arena, CH_EX_LAMBDA);
    if (ch_is_op(p, 0, "(")) {
        CH_TRY(ch_parse_names(p, &e->u.lambda.n, &e->u.lambda.params, err));
    } else {
        const char *name;
        CH_TRY(ch_parse_identifier(p, &name, err));
        CH_APPEND(p->arena, e->u.lambda.params, e->u.lambda.n, name);
    }
    CH_TRY(ch_expect_op(p, "->", err));
    CH_TRY(ch_parse_expr(p, &e->u.lambda.body, err));
    *out = e;
    return 0;
}

int ch_parse_expr(ch_parser *p, ch_expr **out, ch_error *err)
{
    CH_TRY(ch_parse_enter(p, err));
    if (is_lambda(p)) {
        CH_TRY(parse_lambda(p, out, err));
    } else {
        CH_TRY(parse_and(p, out, err));
        while (ch_accept_word(p, "OR")) {
            ch_expr *right;
            CH_TRY(parse_and(p, &right, err));
            *out = call2(p, "or", *out, right);
        }
    }
    p->depth--;
    return 0;
}

int ch_parse_named_expr(ch_parser *p, ch_expr **out, ch_error *err)
{
    CH_TRY(ch_parse_expr(p, out, err));
    const char *name;
    if (ch_accept_word(p, "AS")) {
        if (ch_is_op(p, 0, "(")) {
            ch_expr *e = ch_expr_new(p->arena, CH_EX_ALIAS);
            e->u.alias.child = *out;
            CH_TRY(ch_parse_names(p, &e->u.alias.n, &e->u.alias.names, err));
            *out = e;
            return 0;
        }
        CH_TRY(ch_parse_identifier(p, &name, err));
    } else if (ch_is_implicit_alias(p)) {
        CH_TRY(ch_parse_identifier(p, &name, err));
    } else {
        return 0;
    }
    *out = ch_expr_alias(p->arena, *out, name);
    return 0;
}

int ch_parse_exprs(ch_parser *p, size_t *n, ch_expr ***out, ch_error *err)
{
    *n = 0;
    *out = NULL;
    do {
        ch_expr *e;
        CH_TRY(ch_parse_expr(p, &e, err));
        CH_APPEND(p->arena, *out, *n, e);
    } while (ch_accept_op(p, ","));
    return 0;
}

int ch_parse_orders(ch_parser *p, size_t *n, ch_order **out, ch_error *err)
{
    *n = 0;
    *out = NULL;
    do {
        ch_order o = {0};
        CH_TRY(ch_parse_expr(p, &o.expr, err));
        if (ch_accept_word(p, "DESC"))
            o.descending = true;
        else
            ch_accept_word(p, "ASC");
        o.nulls_last = o.descending;
        if (ch_accept_word(p, "NULLS")) {
            o.nulls_last = ch_accept_word(p, "LAST");
            if (!o.nulls_last) CH_TRY(ch_expect_word(p, "FIRST", err));
        }
        CH_APPEND(p->arena, *out, *n, o);
    } while (ch_accept_op(p, ","));
    return 0;
}
