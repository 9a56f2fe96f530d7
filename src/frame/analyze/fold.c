/* fold.c: values that are known while a plan is analysed, and walks over expression trees. */
#include "frame/analyze/resolve.h"

#include <math.h>
#include <string.h>

bool ch_any_child(const ch_expr *e, bool (*fn)(const ch_expr *child, void *arg), void *arg)
{
    switch (e->kind) {
    case CH_EX_ALIAS: return fn(e->u.alias.child, arg);
    case CH_EX_CALL:
        for (size_t i = 0; i < e->u.call.n; i++)
            if (fn(e->u.call.args[i], arg)) return true;
        return e->u.call.filter && fn(e->u.call.filter, arg);
    case CH_EX_CAST: return fn(e->u.cast.child, arg);
    case CH_EX_SORT: return fn(e->u.sort.expr, arg);
    case CH_EX_WINDOW: {
        const ch_window *w = &e->u.window;
        for (size_t i = 0; i < w->npartition; i++)
            if (fn(w->partition[i], arg)) return true;
        for (size_t i = 0; i < w->norder; i++)
            if (fn(w->order[i].expr, arg)) return true;
        return fn(w->function, arg);
    }
    case CH_EX_LAMBDA: return fn(e->u.lambda.body, arg);
    case CH_EX_EXTRACT: return fn(e->u.extract.child, arg) || fn(e->u.extract.key, arg);
    case CH_EX_UPDATE: return fn(e->u.update.child, arg) || (e->u.update.value && fn(e->u.update.value, arg));
    case CH_EX_FIELD: return fn(e->u.field.child, arg);
    case CH_EX_NATIVE:
        for (size_t i = 0; i < e->u.native.n; i++)
            if (fn(e->u.native.args[i], arg)) return true;
        return false;
    case CH_EX_SUBQUERY:
        for (size_t i = 0; i < e->u.subquery.nvalues; i++)
            if (fn(e->u.subquery.values[i], arg)) return true;
        return false;
    default: return false;
    }
}

static bool has_aggregate(const ch_expr *e, void *arg)
{
    if (e->kind == CH_EX_CALL && e->u.call.fn && e->u.call.fn->kind == CH_FN_AGGREGATE) return true;
    if (e->kind == CH_EX_WINDOW) { /* the function over the window is no aggregate of the query; its arguments may be */
        const ch_window *w = &e->u.window;
        for (size_t i = 0; i < w->npartition; i++)
            if (has_aggregate(w->partition[i], arg)) return true;
        for (size_t i = 0; i < w->norder; i++)
            if (has_aggregate(w->order[i].expr, arg)) return true;
        return ch_any_child(w->function, has_aggregate, arg);
    }
    return ch_any_child(e, has_aggregate, arg);
}

bool ch_contains_aggregate(const ch_expr *e)
{
    return has_aggregate(e, NULL);
}

static bool has_window(const ch_expr *e, void *arg)
{
    return e->kind == CH_EX_WINDOW || ch_any_child(e, has_window, arg);
}

bool ch_contains_window(const ch_expr *e)
{
    return has_window(e, NULL);
}

static bool not_foldable(const ch_expr *e, void *arg)
{
    switch (e->kind) {
    case CH_EX_COLUMN:
    case CH_EX_VARIABLE:
    case CH_EX_SUBQUERY:
    case CH_EX_WINDOW:
    case CH_EX_NAME: return true;
    case CH_EX_CALL:
        if (e->u.call.fn && (e->u.call.fn->kind != CH_FN_SCALAR || (e->u.call.fn->flags & CH_FN_RANDOM))) return true;
        break;
    default: break;
    }
    return ch_any_child(e, not_foldable, arg);
}

bool ch_foldable(const ch_expr *e)
{
    return !not_foldable(e, NULL);
}

/* ---- constants ---- */

static bool is_floating(const ch_type *t)
{
    return t->kind == CH_FLOAT || t->kind == CH_DOUBLE;
}

static double decimal_to_double(ch_int128 unscaled, int scale)
{
    return (double)unscaled / pow(10, scale);
}

static bool fold_cast(ch_literal *v, const ch_type *to)
{
    if (v->is_null || ch_type_equal(v->type, to, false)) {
        v->type = to;
        return true;
    }
    const ch_type *from = v->type;
    if (ch_type_is_integral(from) && ch_type_is_integral(to)) {
        int bits = to->kind == CH_BYTE ? 8 : to->kind == CH_SHORT ? 16 : to->kind == CH_INT ? 32 : 64;
        int64_t limit = bits == 64 ? INT64_MAX : ((int64_t)1 << (bits - 1)) - 1;
        if (v->v.integer > limit || v->v.integer < -limit - 1) return false;
    } else if (ch_type_is_integral(from) && is_floating(to)) {
        v->v.real = to->kind == CH_FLOAT ? (double)(float)v->v.integer : (double)v->v.integer;
    } else if (from->kind == CH_DECIMAL && is_floating(to)) {
        v->v.real = decimal_to_double(v->v.decimal, from->scale);
    } else if (from->kind == CH_DECIMAL && ch_type_is_integral(to) && from->scale == 0) {
        if (v->v.decimal > INT64_MAX || v->v.decimal < INT64_MIN) return false;
        v->v.integer = (int64_t)v->v.decimal;
        v->type = &ch_type_long;
        return fold_cast(v, to);
    } else if (from->kind == CH_FLOAT && to->kind == CH_DOUBLE) {
        /* the same number */
    } else if (from->kind == CH_DATE && to->kind == CH_TIMESTAMP_NTZ) {
        v->v.integer *= INT64_C(86400000000);
    } else {
        return false;
    }
    v->type = to;
    return true;
}

static bool negate(ch_literal *v)
{
    if (v->is_null) return true;
    if (ch_type_is_integral(v->type)) {
        if (v->v.integer == INT64_MIN) return false;
        v->v.integer = -v->v.integer;
    } else if (is_floating(v->type)) {
        v->v.real = -v->v.real;
    } else if (v->type->kind == CH_DECIMAL) {
        v->v.decimal = -v->v.decimal;
    } else if (v->type->kind == CH_INTERVAL_DAY_TIME || v->type->kind == CH_INTERVAL_YEAR_MONTH) {
        v->v.integer = -v->v.integer;
    } else {
        return false;
    }
    return true;
}

bool ch_fold(ch_arena *arena, const ch_expr *e, ch_literal *value)
{
    if (e->kind == CH_EX_LITERAL) {
        *value = e->u.literal;
        return true;
    }
    if (e->kind == CH_EX_CAST && e->type) return ch_fold(arena, e->u.cast.child, value) && fold_cast(value, e->type);
    if (e->kind == CH_EX_CALL && e->u.call.n == 1 && e->u.call.name &&
        (strcmp(e->u.call.name, "-") == 0 || strcmp(e->u.call.name, "negative") == 0))
        return ch_fold(arena, e->u.call.args[0], value) && negate(value);
    return false;
}

bool ch_fold_int(ch_arena *arena, const ch_expr *e, int64_t *value)
{
    ch_literal v;
    if (!ch_fold(arena, e, &v) || v.is_null || !ch_type_is_integral(v.type)) return false;
    *value = v.v.integer;
    return true;
}

const char *ch_fold_string(ch_arena *arena, const ch_expr *e)
{
    ch_literal v;
    if (!ch_fold(arena, e, &v) || v.is_null || !ch_type_is_string(v.type)) return NULL;
    if (memchr(v.v.bytes.data, 0, v.v.bytes.len)) return NULL;
    return ch_arena_strndup(arena, v.v.bytes.data, v.v.bytes.len);
}
