/* expand_na.c: df.na: fill, drop, replace (org.apache.spark.sql.DataFrameNaFunctions). */
#include "frame/analyze/expand_internal.h"

#include <string.h>

/* The columns an operation is about: those named (unknown ones are errors), or all. chosen[i] = 1 + position in the
 * list, 0 when not chosen. */
static int choose_columns(ch_expander *x, size_t n, const char **names, size_t **chosen, ch_error *err)
{
    *chosen = CH_NEW_ARRAY(x->arena, size_t, x->input->ncol);
    for (size_t i = 0; !n && i < x->input->ncol; i++) (*chosen)[i] = i + 1;
    for (size_t i = 0; i < n; i++) {
        size_t at;
        CH_TRY(ch_x_find(x, names[i], &at, err));
        (*chosen)[at] = i + 1;
    }
    return 0;
}

static bool is_floating(const ch_type *t)
{
    return t->kind == CH_FLOAT || t->kind == CH_DOUBLE;
}

/* Does a value of this literal's type go into a column of type t? Numbers into any numeric column, and so on. */
static bool fits(const ch_literal *value, const ch_type *t)
{
    if (ch_type_is_numeric(value->type)) return ch_type_is_numeric(t);
    if (ch_type_is_string(value->type)) return ch_type_is_string(t);
    return value->type->kind == t->kind;
}

static ch_expr *fill_one(ch_expander *x, size_t i, const ch_literal *value)
{
    const ch_type *type = x->input->cols[i].type;
    ch_expr *column = ch_x_column(x, x->input, i);
    if (is_floating(type)) column = ch_expr_call(x->arena, "nanvl", 2, column, ch_expr_null(x->arena, type));
    ch_expr *filled =
        ch_expr_call(x->arena, "coalesce", 2, column, ch_expr_cast(x->arena, ch_expr_literal(x->arena, value), type));
    return ch_expr_alias(x->arena, filled, x->input->cols[i].name);
}

int ch_expand_na_fill(ch_expander *x, ch_plan **out, ch_error *err)
{
    size_t nvalue = x->plan->u.na.nvalue, n = x->input->ncol, *chosen;
    const ch_literal *values = x->plan->u.na.values;
    if (!nvalue || (nvalue > 1 && nvalue != x->plan->u.na.ncol))
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "na.fill needs one value, or one for each column");
    CH_TRY(choose_columns(x, x->plan->u.na.ncol, x->plan->u.na.cols, &chosen, err));
    ch_expr **exprs = CH_NEW_ARRAY(x->arena, ch_expr *, n);
    for (size_t i = 0; i < n; i++) {
        const ch_literal *value = chosen[i] ? &values[nvalue > 1 ? chosen[i] - 1 : 0] : NULL;
        /* A map of values fills whatever it names; a single value only the columns of its kind. */
        bool fill = value && (nvalue > 1 || fits(value, x->input->cols[i].type));
        exprs[i] = fill ? fill_one(x, i, value) : ch_x_column(x, x->input, i);
    }
    *out = ch_x_project(x, ch_x_input(x), n, exprs);
    return 0;
}

/* 1 when the column is neither null nor NaN. */
static ch_expr *present(ch_expander *x, size_t i)
{
    ch_expr *there = ch_expr_call(x->arena, "isnotnull", 1, ch_x_column(x, x->input, i));
    if (!is_floating(x->input->cols[i].type)) return there;
    ch_expr *nan = ch_expr_call(x->arena, "isnan", 1, ch_x_column(x, x->input, i));
    return ch_expr_call(x->arena, "and", 2, there, ch_expr_call(x->arena, "not", 1, nan));
}

/* A balanced tree of a binary operator: deep chains would hit depth limits with many columns. */
static ch_expr *fold(ch_expander *x, const char *op, ch_expr **items, size_t n)
{
    if (n == 1) return items[0];
    return ch_expr_call(x->arena, op, 2, fold(x, op, items, n / 2), fold(x, op, items + n / 2, n - n / 2));
}

int ch_expand_na_drop(ch_expander *x, ch_plan **out, ch_error *err)
{
    size_t *chosen, n = 0;
    CH_TRY(choose_columns(x, x->plan->u.na.ncol, x->plan->u.na.cols, &chosen, err));
    ch_expr **items = CH_NEW_ARRAY(x->arena, ch_expr *, x->input->ncol);
    for (size_t i = 0; i < x->input->ncol; i++)
        if (chosen[i]) items[n++] = present(x, i);
    int least = x->plan->u.na.min_non_nulls;
    *out = ch_x_input(x);
    if (!n || least == 0) return 0;
    ch_plan *filter = ch_plan_new(x->arena, CH_PLAN_FILTER, *out);
    if (least < 0 || (size_t)least == n) {
        filter->u.condition = fold(x, "and", items, n);
    } else {
        for (size_t i = 0; i < n; i++)
            items[i] = ch_expr_call(x->arena, "when", 3, items[i], ch_expr_int(x->arena, 1), ch_expr_int(x->arena, 0));
        filter->u.condition = ch_expr_call(x->arena, ">=", 2, fold(x, "+", items, n), ch_expr_int(x->arena, least));
    }
    *out = filter;
    return 0;
}

static ch_expr *replace_one(ch_expander *x, size_t i, const ch_literal *pairs, size_t npair)
{
    const ch_type *type = x->input->cols[i].type;
    ch_expr **args = CH_NEW_ARRAY(x->arena, ch_expr *, 2 * npair + 1);
    for (size_t k = 0; k < npair; k++) {
        ch_expr *column = ch_x_column(x, x->input, i), *old = ch_expr_literal(x->arena, &pairs[2 * k]);
        args[2 * k] = old->u.literal.is_null ? ch_expr_call(x->arena, "isnull", 1, column)
                                             : ch_expr_call(x->arena, "==", 2, column, old);
        args[2 * k + 1] = ch_expr_cast(x->arena, ch_expr_literal(x->arena, &pairs[2 * k + 1]), type);
    }
    args[2 * npair] = ch_x_column(x, x->input, i);
    ch_expr *e = ch_expr_new(x->arena, CH_EX_CALL);
    e->u.call.name = "when";
    e->u.call.n = 2 * npair + 1;
    e->u.call.args = args;
    return ch_expr_alias(x->arena, e, x->input->cols[i].name);
}

int ch_expand_na_replace(ch_expander *x, ch_plan **out, ch_error *err)
{
    size_t *chosen, n = x->input->ncol, npair = x->plan->u.na.nvalue / 2;
    const ch_literal *pairs = x->plan->u.na.values, *key = NULL;
    CH_TRY(choose_columns(x, x->plan->u.na.ncol, x->plan->u.na.cols, &chosen, err));
    for (size_t k = 0; k < 2 * npair && !key; k++)
        if (!pairs[k].is_null) key = &pairs[k]; /* the kind of value decides which columns are meant */
    ch_expr **exprs = CH_NEW_ARRAY(x->arena, ch_expr *, n);
    for (size_t i = 0; i < n; i++)
        exprs[i] = chosen[i] && key && fits(key, x->input->cols[i].type) ? replace_one(x, i, pairs, npair)
                                                                         : ch_x_column(x, x->input, i);
    *out = ch_x_project(x, ch_x_input(x), n, exprs);
    return 0;
}
