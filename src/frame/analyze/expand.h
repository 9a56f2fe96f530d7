/* expand.h: relations that Spark defines in terms of others: describe, summary, na.*, stat.*, pivot, samples, unpivot.
 * Each turns a ch_plan node into a plan of plain nodes (project, filter, aggregate, join, values ...) which the
 * analyzer then analyses. `in` is the schema of the analysed child; those that need numbers first (pivot values,
 * quantiles, item counts) run a query on the session. */
#ifndef CHERT_FRAME_EXPAND_H
#define CHERT_FRAME_EXPAND_H

#include "frame/analyze/rel.h"
#include "frame/session/session.h"

/* Expands any of the derived kinds: DESCRIBE, SUMMARY, CROSSTAB, COV, CORR, APPROX_QUANTILE, FREQ_ITEMS, SAMPLE_BY,
 * NA_FILL, NA_DROP, NA_REPLACE, UNPIVOT, TRANSPOSE, and AGGREGATE with a pivot. `input` is the analysed plan->input; it
 * stands in the expansion as one CH_PLAN_REL node, and expressions over it that mean "the child's i-th column" are
 * CH_EX_COLUMN nodes with the id of input->cols[i] (already resolved: ch_resolve passes them through). `next_id` is the
 * query's counter of column ids (the pivot's inner aggregate is analysed here). */
int ch_expand(ch_session *s, ch_arena *arena, const ch_plan *plan, ch_rel *input, int *next_id, ch_plan **out,
              ch_error *err);
bool ch_is_derived(const ch_plan *plan);

#endif
