/* trace_search.h: the filters of searches of traces, for others that ask about traces t. */
#ifndef CHERT_TRACK_TRACE_SEARCH_H
#define CHERT_TRACK_TRACE_SEARCH_H

#include "track/search/filter.h"

/* Reads a filter; NULL and "" are all traces. Fails the call with MLflow's messages. */
int ch_trace_search_parse(ch_call *call, const char *text, ch_filter *out);
/* Writes it as " AND ...". */
void ch_trace_search_write(const ch_filter *filter, ch_select *query);

#endif
