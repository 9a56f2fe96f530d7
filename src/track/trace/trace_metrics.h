/* trace_metrics.h: what can be counted and measured of traces, their spans and their assessments, and the filters of
 * such questions. Source: MLflow's SearchTraceMetricsUtils and its tables of metrics. */
#ifndef CHERT_TRACK_TRACE_METRICS_H
#define CHERT_TRACK_TRACE_METRICS_H

#include "track/call.h"
#include "track/search/select.h"

typedef enum ch_metric_view { CH_VIEW_TRACES, CH_VIEW_SPANS, CH_VIEW_ASSESSMENTS } ch_metric_view;

/* Writes one filter ("trace.tag.x = 'a'", "span.name = 'b'", "assessment.type = 'c'") as " AND ..." for a query of
 * traces t with spans s or assessments a. Fails the call with MLflow's messages. */
int ch_metric_filter_write(ch_call *call, ch_metric_view view, const char *filter, ch_select *query);

#endif
