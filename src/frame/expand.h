/* expand.h: relations that Spark defines in terms of others: describe, summary, na.*, stat.*, pivot, samples, unpivot.
 * Each turns a ch_plan node into a plan of plain nodes (project, filter, aggregate, join, values ...) which the analyzer
 * then analyses. `in` is the schema of the analysed child; those that need numbers first (pivot values, quantiles, item
 * counts) run a query on the session. */
#ifndef CHERT_FRAME_EXPAND_H
#define CHERT_FRAME_EXPAND_H

#include "frame/rel.h"
#include "frame/session.h"

/* Expands any of the derived kinds: DESCRIBE, SUMMARY, CROSSTAB, COV, CORR, APPROX_QUANTILE, FREQ_ITEMS, SAMPLE_BY,
 * NA_FILL, NA_DROP, NA_REPLACE, UNPIVOT, TRANSPOSE, DEDUPLICATE stays native, pivot AGGREGATE. Column references in the
 * expansion that mean "the child's i-th column" are CH_EX_COLUMN nodes with the id from input->cols[i]. */
int ch_expand(ch_session *s, ch_arena *arena, const ch_plan *plan, const ch_rel *input, ch_plan **out, ch_error *err);

#endif
