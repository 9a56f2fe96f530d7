/* rewrite.h: walking and rebuilding expression trees without knowing their kinds. */
#ifndef CHERT_FRAME_REWRITE_H
#define CHERT_FRAME_REWRITE_H

#include "frame/plan/expr.h"

/* Calls visit(ctx, child) for each direct child of e, in order; the plan inside a subquery is no child. */
void ch_expr_children(const ch_expr *e, void (*visit)(void *ctx, ch_expr *child), void *ctx);

/* A copy of e in which every subtree for which `replace` gives something is what it gave; the rest is descended into.
 * Nodes are copied only where something below changed, so an untouched tree comes back itself. */
ch_expr *ch_expr_rewrite(ch_arena *arena, ch_expr *e, ch_expr *(*replace)(void *ctx, ch_expr *e), void *ctx);

/* Is there a node in the tree for which `test` holds? */
bool ch_expr_any(const ch_expr *e, bool (*test)(void *ctx, const ch_expr *e), void *ctx);

#endif
