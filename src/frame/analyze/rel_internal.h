/* rel_internal.h: what the files of analysis and of the SQL writer share. */
#ifndef CHERT_FRAME_REL_INTERNAL_H
#define CHERT_FRAME_REL_INTERNAL_H

#include "frame/analyze/rel.h"
#include "frame/session/session.h"

/* Deep copies of attributes (names, types, metadata, qualifiers). */
ch_attr *ch_attrs_copy(ch_arena *arena, const ch_attr *attrs, size_t n);

/* As ch_write_rel, but with the hidden columns after the visible ones. */
int ch_write_rel_inner(ch_buf *sql, const ch_rel *rel, ch_error *err);

/* What a query (query.h) was analysed into; and the same with persisted parts replaced, for explain only: that tree
 * cannot be run. */
struct ch_query;
ch_rel *ch_query_rel(struct ch_query *q);
int ch_query_shown(struct ch_query *q, ch_rel **out, ch_error *err);
/* The tree of relations as lines of text, in the look of Spark's plans (explain.c). */
void ch_explain_tree(const ch_rel *rel, ch_buf *out);
/* Runs a statement for its effect that has the query's SELECT (columns c<id>) between two texts. */
int ch_query_run_inside(struct ch_query *q, const char *before, const char *after, ch_task *task, ch_error *err);

#endif
