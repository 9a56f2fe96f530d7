/* resolve_window.c: analysis of function OVER (PARTITION BY ... ORDER BY ... frame). */
#include "frame/analyze/resolve.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Errors that Spark has given a number but no name: their text stands without it. */
__attribute__((format(printf, 3, 4))) static int legacy(ch_error *err, const char *condition, const char *format, ...)
{
    char text[1500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int status = ch_failf(err, CH_E_ANALYSIS, "%s", text);
    snprintf(err->condition, sizeof err->condition, "%s", condition);
    return status;
}

static bool is_window_function(const ch_expr *e)
{
    return e->kind == CH_EX_CALL && (e->u.call.fn->kind == CH_FN_WINDOW || e->u.call.fn->kind == CH_FN_AGGREGATE);
}

static int resolve_parts(ch_scope *scope, const ch_window *in, ch_window *w, ch_error *err)
{
    w->partition = CH_NEW_ARRAY(scope->arena, ch_expr *, in->npartition);
    for (size_t i = 0; i < in->npartition; i++) CH_TRY(ch_resolve(scope, in->partition[i], &w->partition[i], err));
    w->order = ch_arena_dup(scope->arena, in->order, in->norder * sizeof *in->order);
    for (size_t i = 0; i < in->norder; i++) {
        CH_TRY(ch_resolve(scope, in->order[i].expr, &w->order[i].expr, err));
        const ch_expr *e = w->order[i].expr;
        if (!ch_type_orderable(e->type)) {
            return ch_raise(err, "EXPRESSION_TYPE_IS_NOT_ORDERABLE", "expr", ch_quote_expr(scope->arena, e), "exprType",
                            ch_quote_type(scope->arena, e->type), (char *)NULL);
        }
    }
    return CH_OK;
}

/* ---- frames ---- */

static void set_frame(ch_window *w, bool rows, ch_bound lower, ch_bound upper)
{
    w->has_frame = true;
    w->rows = rows;
    w->lower = lower;
    w->upper = upper;
}

static const ch_bound UNBOUNDED = {.kind = CH_BOUND_UNBOUNDED};
static const ch_bound CURRENT = {.kind = CH_BOUND_CURRENT};

/* The frame of functions that have one of their own; false for those that take the window's. */
static bool own_frame(ch_scope *scope, ch_window *w, bool *rows, ch_bound *lower, ch_bound *upper)
{
    const ch_expr *call = w->function;
    if (!(call->u.call.fn->flags & CH_FN_OWN_FRAME)) return false;
    const char *name = call->u.call.fn->name;
    *rows = true;
    *lower = UNBOUNDED;
    *upper = CURRENT;
    if (strcmp(name, "cume_dist") == 0) *rows = false;
    if (strcmp(name, "lag") == 0 || strcmp(name, "lead") == 0) {
        int64_t offset = 1;
        if (call->u.call.n > 1) ch_fold_int(scope->arena, call->u.call.args[1], &offset);
        if (name[1] == 'a') offset = -offset;
        *lower = (ch_bound){.kind = CH_BOUND_VALUE, .value = ch_expr_int(scope->arena, (int32_t)offset)};
        *upper = *lower;
    }
    return true;
}

static const char *frame_tree(ch_scope *scope, bool rows, const ch_bound *lower, const ch_bound *upper)
{
    const char *bounds[2];
    const ch_bound *both[2] = {lower, upper};
    for (int i = 0; i < 2; i++) {
        if (both[i]->kind == CH_BOUND_CURRENT)
            bounds[i] = "currentrow$()";
        else if (both[i]->kind == CH_BOUND_UNBOUNDED)
            bounds[i] = i ? "unboundedfollowing$()" : "unboundedpreceding$()";
        else
            bounds[i] = ch_auto_name(scope->arena, both[i]->value);
    }
    return ch_arena_printf(scope->arena, "specifiedwindowframe(%s, %s, %s)", rows ? "RowFrame" : "RangeFrame",
                           bounds[0], bounds[1]);
}

static bool same_bound(const ch_bound *a, const ch_bound *b)
{
    if (a->kind != b->kind) return false;
    if (a->kind != CH_BOUND_VALUE) return true;
    int64_t x, y;
    return ch_fold_int(NULL, a->value, &x) && ch_fold_int(NULL, b->value, &y) && x == y;
}

static int use_own_frame(ch_scope *scope, ch_window *w, bool rows, ch_bound lower, ch_bound upper, ch_error *err)
{
    if (w->has_frame && (w->rows != rows || !same_bound(&w->lower, &lower) || !same_bound(&w->upper, &upper))) {
        return legacy(err, "_LEGACY_ERROR_TEMP_1036", "Window Frame %s must match the required frame %s.",
                      frame_tree(scope, w->rows, &w->lower, &w->upper), frame_tree(scope, rows, &lower, &upper));
    }
    set_frame(w, rows, lower, upper);
    return CH_OK;
}

/* What a RANGE bound must be to be added to the order expression. */
static int check_range_bound(ch_scope *scope, ch_expr *e, ch_bound *bound, const char *location, ch_error *err)
{
    const ch_type *order = e->u.window.order[0].expr->type, *t = bound->value->type;
    bool numeric = ch_type_is_numeric(order) && ch_type_is_numeric(t);
    if (numeric && order->kind != CH_DECIMAL) {
        bool fits = t->kind <= order->kind || t->kind == CH_DECIMAL;
        if (fits) bound->value = ch_coerce(scope->arena, bound->value, order);
        return CH_OK;
    }
    if (numeric) return CH_OK;
    if (order->kind == CH_DATE && (t->kind == CH_INT || t->kind == CH_SHORT || t->kind == CH_BYTE)) return CH_OK;
    bool interval =
        t->kind == CH_INTERVAL_DAY_TIME || t->kind == CH_INTERVAL_YEAR_MONTH || t->kind == CH_INTERVAL_CALENDAR;
    bool temporal = order->kind == CH_DATE || order->kind == CH_TIMESTAMP || order->kind == CH_TIMESTAMP_NTZ;
    if (interval && temporal) return CH_OK;
    if (ch_type_is_string(order)) {
        return ch_mismatch(scope, err, "SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE", e, "location", location, "exprType",
                           ch_quote_type(scope->arena, order), "expectedType",
                           "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL\")",
                           (char *)NULL);
    }
    return ch_mismatch(scope, err, "RANGE_FRAME_INVALID_TYPE", e, "orderSpecType", ch_quote_type(scope->arena, order),
                       "valueBoundaryType", ch_quote_type(scope->arena, t), (char *)NULL);
}

static int resolve_bound(ch_scope *scope, ch_expr *e, ch_bound *bound, const char *location, ch_error *err)
{
    if (bound->kind != CH_BOUND_VALUE) return CH_OK;
    ch_window *w = &e->u.window;
    CH_TRY(ch_resolve(scope, bound->value, &bound->value, err));
    ch_literal value;
    if (!ch_fold(scope->arena, bound->value, &value) || value.is_null) {
        return ch_mismatch(scope, err, "SPECIFIED_WINDOW_FRAME_WITHOUT_FOLDABLE", e, "location", location, "expression",
                           ch_quote_expr(scope->arena, bound->value), (char *)NULL);
    }
    if (w->rows) {
        if (bound->value->type->kind != CH_INT && bound->value->type->kind != CH_LONG) {
            return ch_mismatch(scope, err, "SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE", e, "location", location,
                               "exprType", ch_quote_type(scope->arena, bound->value->type), "expectedType", "\"INT\"",
                               (char *)NULL);
        }
        return CH_OK;
    }
    if (w->norder == 0) return ch_mismatch(scope, err, "RANGE_FRAME_WITHOUT_ORDER", e, (char *)NULL);
    if (w->norder > 1) {
        ch_buf orders = {0};
        for (size_t i = 0; i < w->norder; i++) {
            ch_buf_printf(&orders, "%s%s %s NULLS %s", i ? "," : "", ch_auto_name(scope->arena, w->order[i].expr),
                          w->order[i].descending ? "DESC" : "ASC", w->order[i].nulls_last ? "LAST" : "FIRST");
        }
        const char *text = ch_arena_strdup(scope->arena, ch_buf_text(&orders));
        ch_buf_reset(&orders);
        return ch_mismatch(scope, err, "RANGE_FRAME_MULTI_ORDER", e, "orderSpec", text, (char *)NULL);
    }
    return check_range_bound(scope, e, bound, location, err);
}

static int compare_bounds(ch_scope *scope, const ch_expr *e, ch_error *err)
{
    const ch_window *w = &e->u.window;
    int64_t low = 0, high = 0;
    bool known_low = w->lower.kind == CH_BOUND_CURRENT ||
                     (w->lower.kind == CH_BOUND_VALUE && ch_fold_int(scope->arena, w->lower.value, &low));
    bool known_high = w->upper.kind == CH_BOUND_CURRENT ||
                      (w->upper.kind == CH_BOUND_VALUE && ch_fold_int(scope->arena, w->upper.value, &high));
    if (known_low && known_high && low > high) {
        return ch_mismatch(scope, err, "SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON", e, "comparison", "less than or equal",
                           (char *)NULL);
    }
    return CH_OK;
}

static int resolve_frame(ch_scope *scope, ch_expr *e, ch_error *err)
{
    ch_window *w = &e->u.window;
    bool rows;
    ch_bound lower, upper;
    if (w->has_frame) {
        CH_TRY(resolve_bound(scope, e, &w->lower, "lower", err));
        CH_TRY(resolve_bound(scope, e, &w->upper, "upper", err));
        CH_TRY(compare_bounds(scope, e, err));
    }
    if (own_frame(scope, w, &rows, &lower, &upper)) return use_own_frame(scope, w, rows, lower, upper, err);
    if (w->has_frame) return CH_OK;
    if (w->norder)
        set_frame(w, false, UNBOUNDED, CURRENT);
    else
        set_frame(w, true, UNBOUNDED, UNBOUNDED);
    return CH_OK;
}

/* How Spark's message shows the function: with its hidden arguments. */
static const char *function_tree(ch_scope *scope, const ch_expr *call)
{
    const char *name = call->u.call.fn->name;
    bool lag = strcmp(name, "lag") == 0, lead = strcmp(name, "lead") == 0;
    if (!lag && !lead) return ch_auto_name(scope->arena, call);
    int64_t offset = 1;
    if (call->u.call.n > 1) ch_fold_int(scope->arena, call->u.call.args[1], &offset);
    const char *fallback = call->u.call.n > 2 ? ch_auto_name(scope->arena, call->u.call.args[2]) : "null";
    return ch_arena_printf(scope->arena, "%s(%s, %lld, %s)", name, ch_auto_name(scope->arena, call->u.call.args[0]),
                           (long long)(lag ? -offset : offset), fallback);
}

int ch_resolve_window(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err)
{
    ch_expr *e = CH_NEW(scope->arena, ch_expr);
    *e = *in;
    ch_window *w = &e->u.window;
    scope->over = true;
    int status = ch_resolve(scope, in->u.window.function, &w->function, err);
    scope->over = false;
    CH_TRY(status);
    CH_TRY(resolve_parts(scope, &in->u.window, w, err));
    e->type = w->function->type;
    e->nullable = w->function->nullable;
    if (!is_window_function(w->function)) {
        return ch_raise(err, "UNSUPPORTED_EXPR_FOR_WINDOW", "sqlExpr", ch_quote_expr(scope->arena, w->function),
                        (char *)NULL);
    }
    const ch_expr *call = w->function;
    if (call->u.call.filter) {
        return legacy(err, "_LEGACY_ERROR_TEMP_1030",
                      "Window aggregate function with filter predicate is not supported yet.");
    }
    CH_TRY(resolve_frame(scope, e, err));
    if ((call->u.call.fn->flags & CH_FN_NEEDS_ORDER) && w->norder == 0) {
        const char *shown = function_tree(scope, call);
        return legacy(err, "_LEGACY_ERROR_TEMP_1037",
                      "Window function %s requires window to be ordered, please add ORDER BY clause. For example "
                      "SELECT %s(value_expr) OVER (PARTITION BY window_partition ORDER BY window_ordering) from "
                      "table.",
                      shown, shown);
    }
    if (call->u.call.distinct && !(call->u.call.fn->flags & CH_FN_NO_DISTINCT)) {
        return ch_raise(err, "DISTINCT_WINDOW_FUNCTION_UNSUPPORTED", "windowExpr", ch_quote_expr(scope->arena, e),
                        (char *)NULL);
    }
    *out = e;
    return CH_OK;
}
