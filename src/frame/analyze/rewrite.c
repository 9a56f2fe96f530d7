/* rewrite.c: walking and rebuilding expression trees. */
#include "frame/analyze/rewrite.h"

#include <string.h>

/* A place in a node that holds a child, or an array of them. */
typedef void (*slot_fn)(void *ctx, ch_expr **slot);

static void each(ch_expr **items, size_t n, slot_fn fn, void *ctx)
{
    for (size_t i = 0; i < n; i++) fn(ctx, &items[i]);
}

/* Visits the child slots of a node. Slots may hold NULL. */
static void each_slot(ch_expr *e, slot_fn fn, void *ctx)
{
    switch (e->kind) {
    case CH_EX_ALIAS: fn(ctx, &e->u.alias.child); break;
    case CH_EX_CALL:
        each(e->u.call.args, e->u.call.n, fn, ctx);
        fn(ctx, &e->u.call.filter);
        break;
    case CH_EX_CAST: fn(ctx, &e->u.cast.child); break;
    case CH_EX_SORT: fn(ctx, &e->u.sort.expr); break;
    case CH_EX_WINDOW:
        fn(ctx, &e->u.window.function);
        each(e->u.window.partition, e->u.window.npartition, fn, ctx);
        for (size_t i = 0; i < e->u.window.norder; i++) fn(ctx, &e->u.window.order[i].expr);
        fn(ctx, &e->u.window.lower.value);
        fn(ctx, &e->u.window.upper.value);
        break;
    case CH_EX_LAMBDA: fn(ctx, &e->u.lambda.body); break;
    case CH_EX_EXTRACT:
        fn(ctx, &e->u.extract.child);
        fn(ctx, &e->u.extract.key);
        break;
    case CH_EX_UPDATE:
        fn(ctx, &e->u.update.child);
        fn(ctx, &e->u.update.value);
        break;
    case CH_EX_SUBQUERY: each(e->u.subquery.values, e->u.subquery.nvalues, fn, ctx); break;
    case CH_EX_FIELD: fn(ctx, &e->u.field.child); break;
    case CH_EX_NATIVE: each(e->u.native.args, e->u.native.n, fn, ctx); break;
    case CH_EX_LITERAL:
    case CH_EX_NAME:
    case CH_EX_STAR:
    case CH_EX_REGEX:
    case CH_EX_STRING:
    case CH_EX_VARIABLE:
    case CH_EX_COLUMN: break;
    }
}

typedef struct visit_ctx {
    void (*visit)(void *ctx, ch_expr *child);
    void *ctx;
} visit_ctx;

static void visit_slot(void *ctx, ch_expr **slot)
{
    const visit_ctx *v = ctx;
    if (*slot) v->visit(v->ctx, *slot);
}

void ch_expr_children(const ch_expr *e, void (*visit)(void *ctx, ch_expr *child), void *ctx)
{
    visit_ctx v = {visit, ctx};
    each_slot((ch_expr *)(uintptr_t)e, visit_slot, &v); /* visit_slot changes nothing */
}

/* A copy of a node with child arrays of its own. */
static ch_expr *copy_node(ch_arena *arena, const ch_expr *e)
{
    ch_expr *copy = ch_arena_dup(arena, e, sizeof *e);
    switch (e->kind) {
    case CH_EX_CALL: copy->u.call.args = ch_arena_dup(arena, e->u.call.args, e->u.call.n * sizeof(ch_expr *)); break;
    case CH_EX_WINDOW:
        copy->u.window.partition =
            ch_arena_dup(arena, e->u.window.partition, e->u.window.npartition * sizeof(ch_expr *));
        copy->u.window.order = ch_arena_dup(arena, e->u.window.order, e->u.window.norder * sizeof(ch_order));
        break;
    case CH_EX_SUBQUERY:
        copy->u.subquery.values = ch_arena_dup(arena, e->u.subquery.values, e->u.subquery.nvalues * sizeof(ch_expr *));
        break;
    case CH_EX_NATIVE:
        copy->u.native.args = ch_arena_dup(arena, e->u.native.args, e->u.native.n * sizeof(ch_expr *));
        break;
    default: break;
    }
    return copy;
}

typedef struct rewrite_ctx {
    ch_arena *arena;
    ch_expr *(*replace)(void *ctx, ch_expr *e);
    void *ctx;
    bool apply; /* second pass: the slots are those of a copy and take the new children */
    bool changed;
    size_t at, n; /* the new children, in order */
    ch_expr **made;
} rewrite_ctx;

static void rewrite_slot(void *ctx, ch_expr **slot)
{
    rewrite_ctx *r = ctx;
    if (r->apply) {
        *slot = r->made[r->at++];
        return;
    }
    ch_expr *made = *slot ? ch_expr_rewrite(r->arena, *slot, r->replace, r->ctx) : NULL;
    if (made != *slot) r->changed = true;
    if ((r->n & (r->n - 1)) == 0) {
        r->made = ch_arena_grow(r->arena, r->made, sizeof *r->made, r->n, r->n ? r->n * 2 : 1);
    }
    r->made[r->n++] = made;
}

ch_expr *ch_expr_rewrite(ch_arena *arena, ch_expr *e, ch_expr *(*replace)(void *ctx, ch_expr *e), void *ctx)
{
    ch_expr *other = replace(ctx, e);
    if (other) return other;
    rewrite_ctx r = {.arena = arena, .replace = replace, .ctx = ctx};
    each_slot(e, rewrite_slot, &r);
    if (!r.changed) return e;
    ch_expr *copy = copy_node(arena, e);
    r.apply = true;
    each_slot(copy, rewrite_slot, &r);
    return copy;
}

typedef struct any_ctx {
    bool (*test)(void *ctx, const ch_expr *e);
    void *ctx;
    bool found;
} any_ctx;

static void any_child(void *ctx, ch_expr *child)
{
    any_ctx *a = ctx;
    if (!a->found) a->found = ch_expr_any(child, a->test, a->ctx);
}

bool ch_expr_any(const ch_expr *e, bool (*test)(void *ctx, const ch_expr *e), void *ctx)
{
    if (test(ctx, e)) return true;
    any_ctx a = {test, ctx, false};
    ch_expr_children(e, any_child, &a);
    return a.found;
}
