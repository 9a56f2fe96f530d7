/* trace_filter.h: what the search of traces asks of other things than traces. Private to trace_search.c. */
#ifndef CHERT_TRACK_TRACE_FILTER_H
#define CHERT_TRACK_TRACE_FILTER_H

#include "track/search/filter.h"

/* span.x, feedback.x and expectation.x, for ch_filter_rules. */
extern const ch_filter_attribute ch_trace_kinds[];

/* Checks the clauses that only traces have, after ch_filter_parse. */
int ch_trace_filter_check(ch_call *call, const ch_filter *filter);
/* Appends " AND condition" for every clause of CH_SIDE_OWN; `t` is the trace. One span must be all that is said of
 * spans, as in MLflow. */
void ch_trace_filter_write(const ch_filter *filter, ch_select *query);
/* Appends " AND condition" for prompt = 'name/version': the trace is linked with it. */
void ch_trace_filter_prompt(const ch_clause *clause, ch_select *query);

#endif
