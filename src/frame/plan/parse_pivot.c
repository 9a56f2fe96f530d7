/* parse_pivot.c: what may follow a relation in FROM and makes another of it: TABLESAMPLE, PIVOT, UNPIVOT. */
#include "frame/plan/parse_internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* [AS] name, or NULL; FOR is none. */
static int parse_optional_name(ch_parser *p, const char **out, ch_error *err)
{
    *out = NULL;
    if (!ch_accept_word(p, "AS") && (ch_is_word(p, 0, "FOR") || !ch_is_implicit_alias(p))) return 0;
    return ch_parse_identifier(p, out, err);
}

/* --- TABLESAMPLE --- */

static int parse_amount(ch_parser *p, double *out, ch_error *err)
{
    const ch_token *t = ch_peek(p);
    if (t->kind != CH_TK_INTEGER && t->kind != CH_TK_DECIMAL) return ch_syntax_error(p, err);
    *out = strtod(t->text, NULL);
    p->at++;
    return 0;
}

/* [REPEATABLE (seed)] */
static int parse_seed(ch_parser *p, int64_t *seed, ch_error *err)
{
    if (!ch_accept_word(p, "REPEATABLE"))
        return getrandom(seed, sizeof *seed, 0) == sizeof *seed ? 0 : ch_bug(err, "no random numbers");
    double number;
    CH_TRY(ch_expect_op(p, "(", err));
    CH_TRY(parse_amount(p, &number, err));
    *seed = number < 0x1p63 ? (int64_t)number : INT64_MAX;
    return ch_expect_op(p, ")", err);
}

int ch_parse_sample(ch_parser *p, ch_plan **plan, ch_error *err)
{
    double amount, of = 100;
    bool rows = false;
    CH_TRY(ch_expect_op(p, "(", err));
    if (ch_accept_word(p, "BUCKET")) { /* which one plays no part: so many parts of them all */
        CH_TRY(parse_amount(p, &amount, err));
        CH_TRY(ch_expect_word(p, "OUT", err));
        CH_TRY(ch_expect_word(p, "OF", err));
        CH_TRY(parse_amount(p, &of, err));
    } else {
        CH_TRY(parse_amount(p, &amount, err));
        rows = ch_accept_word(p, "ROWS");
        if (!rows) CH_TRY(ch_expect_word(p, "PERCENT", err));
    }
    CH_TRY(ch_expect_op(p, ")", err));
    int64_t seed;
    CH_TRY(parse_seed(p, &seed, err));
    ch_plan *node = ch_plan_new(p->arena, rows ? CH_PLAN_LIMIT : CH_PLAN_SAMPLE, *plan);
    if (rows) {
        node->u.count = amount < (double)INT32_MAX ? (int64_t)amount : INT32_MAX;
    } else if (amount / of <= 1) {
        node->u.sample.upper = amount / of;
        node->u.sample.has_seed = true;
        node->u.sample.seed = seed;
    } else {
        return ch_raise(err, "_LEGACY_ERROR_TEMP_0064", "msg",
                        ch_arena_printf(p->arena, "Sampling fraction (%g) must be on interval [0, 1]", amount / of),
                        (char *)NULL);
    }
    *plan = node;
    return 0;
}

/* --- PIVOT --- */

/* a | (a, b): a struct of them */
static int parse_pivot_column(ch_parser *p, ch_expr **out, ch_error *err)
{
    size_t n = 0;
    const char **names = NULL, *name;
    if (!ch_is_op(p, 0, "(")) {
        CH_TRY(ch_parse_identifier(p, &name, err));
        *out = ch_expr_name(p->arena, name);
        return 0;
    }
    CH_TRY(ch_parse_names(p, &n, &names, err));
    ch_expr **args = CH_NEW_ARRAY(p->arena, ch_expr *, n);
    for (size_t i = 0; i < n; i++) args[i] = ch_expr_name(p->arena, names[i]);
    *out = n == 1 ? args[0] : ch_parse_call_of(p, "struct", n, args);
    return 0;
}

/* (agg [[AS] name], ... FOR column IN (value [[AS] name], ...)); the columns it does not mention make the groups. */
int ch_parse_pivot(ch_parser *p, ch_plan **plan, ch_error *err)
{
    ch_plan *node = ch_plan_new(p->arena, CH_PLAN_AGGREGATE, *plan);
    node->u.aggregate.kind = CH_GROUP_PIVOT;
    node->u.aggregate.other_groups = true;
    CH_TRY(ch_expect_op(p, "(", err));
    do {
        ch_expr *e;
        const char *name;
        CH_TRY(ch_parse_expr(p, &e, err));
        CH_TRY(parse_optional_name(p, &name, err));
        if (name) e = ch_expr_alias(p->arena, e, name);
        CH_APPEND(p->arena, node->u.aggregate.aggs, node->u.aggregate.nagg, e);
    } while (ch_accept_op(p, ","));
    CH_TRY(ch_expect_word(p, "FOR", err));
    CH_TRY(parse_pivot_column(p, &node->u.aggregate.pivot, err));
    CH_TRY(ch_expect_word(p, "IN", err));
    CH_TRY(ch_expect_op(p, "(", err));
    size_t n = 0, named = 0;
    do {
        ch_expr *e;
        const char *name;
        CH_TRY(ch_parse_expr(p, &e, err));
        CH_TRY(parse_optional_name(p, &name, err));
        CH_APPEND(p->arena, node->u.aggregate.value_exprs, n, e);
        CH_APPEND(p->arena, node->u.aggregate.value_names, named, name);
    } while (ch_accept_op(p, ","));
    node->u.aggregate.nvalue = n;
    CH_TRY(ch_expect_op(p, ")", err));
    CH_TRY(ch_expect_op(p, ")", err));
    *plan = node;
    return 0;
}

/* --- UNPIVOT --- */

/* [INCLUDE | EXCLUDE NULLS] (value FOR variable IN (column [[AS] name], ...)) */
int ch_parse_unpivot(ch_parser *p, ch_plan **plan, ch_error *err)
{
    bool keep_nulls = ch_accept_word(p, "INCLUDE");
    if (keep_nulls || ch_accept_word(p, "EXCLUDE")) CH_TRY(ch_expect_word(p, "NULLS", err));
    ch_plan *node = ch_plan_new(p->arena, CH_PLAN_UNPIVOT, *plan);
    node->u.unpivot.has_values = node->u.unpivot.other_ids = true;
    CH_TRY(ch_expect_op(p, "(", err));
    if (ch_is_op(p, 0, "(")) return ch_unsupported_syntax(p, "UNPIVOT into several value columns", err);
    CH_TRY(ch_parse_identifier(p, &node->u.unpivot.value, err));
    CH_TRY(ch_expect_word(p, "FOR", err));
    CH_TRY(ch_parse_identifier(p, &node->u.unpivot.variable, err));
    CH_TRY(ch_expect_word(p, "IN", err));
    CH_TRY(ch_expect_op(p, "(", err));
    size_t n = 0, named = 0;
    do {
        ch_expr *e;
        const char *name;
        CH_TRY(ch_parse_primary(p, &e, err));
        CH_TRY(parse_optional_name(p, &name, err));
        CH_APPEND(p->arena, node->u.unpivot.values, n, e);
        CH_APPEND(p->arena, node->u.unpivot.value_names, named, name);
    } while (ch_accept_op(p, ","));
    node->u.unpivot.nvalue = n;
    CH_TRY(ch_expect_op(p, ")", err));
    CH_TRY(ch_expect_op(p, ")", err));
    *plan = node;
    if (keep_nulls) return 0;
    *plan = ch_plan_new(p->arena, CH_PLAN_FILTER, node);
    (*plan)->u.condition = ch_expr_call(p->arena, "isnotnull", 1, ch_expr_name(p->arena, node->u.unpivot.value));
    return 0;
}
