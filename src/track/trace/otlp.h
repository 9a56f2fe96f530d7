/* otlp.h: spans out of OpenTelemetry's protobuf (ExportTraceServiceRequest of opentelemetry-proto 1.x). */
#ifndef CHERT_TRACK_OTLP_H
#define CHERT_TRACK_OTLP_H

#include "base/arena.h"
#include "base/error.h"

#include <stdint.h>

typedef struct ch_otlp_span {
    const char *trace_id, *span_id, *parent_id; /* hexadecimal digits; parent_id "" for a root */
    const char *mlflow_id;                      /* what MLflow calls the trace: tr- and trace_id */
    const char *name, *type, *status;           /* type "" when not told; status: UNSET, OK or ERROR */
    int64_t start_ns, end_ns;
    const char *json; /* the span as MLflow's servers show it: protobuf's JSON with snake_case names */
} ch_otlp_span;

/* Reads all spans of a request into the arena. err: CH_E_ILLEGAL_ARGUMENT for what is no such message. */
int ch_otlp_read(ch_arena *arena, const void *bytes, size_t len, ch_otlp_span **spans, size_t *count, ch_error *err);

#endif
