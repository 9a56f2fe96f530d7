/* expand_internal.h: what the files of the expansion share. */
#ifndef CHERT_FRAME_EXPAND_INTERNAL_H
#define CHERT_FRAME_EXPAND_INTERNAL_H

#include "frame/analyze/expand.h"
#include "frame/engine/query.h"

typedef struct ch_expander {
    ch_session *session;
    ch_arena *arena;
    const ch_plan *plan; /* the node being expanded */
    ch_rel *input;       /* its analysed child */
    int *next_id;
} ch_expander;

/* A relation that was analysed already, as a plan. */
ch_plan *ch_x_rel(ch_expander *x, ch_rel *rel);
/* The child as a plan, and its i-th column as an expression. */
ch_plan *ch_x_input(ch_expander *x);
ch_expr *ch_x_column(ch_expander *x, const ch_rel *rel, size_t i);
/* The index of the column called `name`, case-insensitively. err: UNRESOLVED_COLUMN.WITH_SUGGESTION as the analyzer
 * raises it. */
int ch_x_find(ch_expander *x, const char *name, size_t *index, ch_error *err);

ch_plan *ch_x_project(ch_expander *x, ch_plan *input, size_t n, ch_expr **exprs);
ch_plan *ch_x_aggregate(ch_expander *x, ch_plan *input, size_t ngroup, ch_expr **groups, size_t nagg, ch_expr **aggs);
ch_plan *ch_x_to_df(ch_expander *x, ch_plan *input, size_t n, const char **names);
/* One row of constants. */
ch_plan *ch_x_row(ch_expander *x, size_t n, ch_expr **cells, const char **names);
/* `inline(array(struct, ...))` over an input: each input row becomes nrow rows of ncol columns, called names[0..ncol).
 */
ch_plan *ch_x_unfold(ch_expander *x, ch_plan *input, size_t nkeep, ch_expr **keep, size_t nrow, size_t ncol,
                     ch_expr ***cells, const char **names);

int ch_expand_describe(ch_expander *x, ch_plan **out, ch_error *err);
int ch_expand_correlation(ch_expander *x, ch_plan **out, ch_error *err);
int ch_expand_quantile(ch_expander *x, ch_plan **out, ch_error *err);
int ch_expand_freq_items(ch_expander *x, ch_plan **out, ch_error *err);
int ch_expand_crosstab(ch_expander *x, ch_plan **out, ch_error *err);
int ch_expand_sample_by(ch_expander *x, ch_plan **out, ch_error *err);
int ch_expand_na_fill(ch_expander *x, ch_plan **out, ch_error *err);
int ch_expand_na_drop(ch_expander *x, ch_plan **out, ch_error *err);
int ch_expand_na_replace(ch_expander *x, ch_plan **out, ch_error *err);
int ch_expand_pivot(ch_expander *x, ch_plan **out, ch_error *err);
int ch_expand_unpivot(ch_expander *x, ch_plan **out, ch_error *err);
int ch_expand_transpose(ch_expander *x, ch_plan **out, ch_error *err);

#endif
