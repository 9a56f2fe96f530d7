/* trace_store.h: traces as the store holds them, shared by their handlers, their search and the ingestion of spans. */
#ifndef CHERT_TRACK_TRACE_STORE_H
#define CHERT_TRACK_TRACE_STORE_H

#include "track/registry/registry.h"
#include "track/trace/otlp.h"

typedef struct ch_trace {
    int64_t id, experiment, request_time, duration; /* milliseconds; duration -1: not known */
    const char *trace_id, *state, *client_request_id, *request_preview, *response_preview;
    ch_pairs tags, metadata;
    const char **assessments, **spans; /* JSON texts */
    size_t nassessment, nspan;
} ch_trace;

/* What ch_trace_row reads, of traces t. */
#define CH_TRACE_COLUMNS                                                                                               \
    "t.id, t.trace_id, t.experiment, t.request_time, COALESCE(t.duration, -1), t.state, t.client_request_id, "         \
    "t.request_preview, t.response_preview"

void ch_trace_row(const ch_db *db, ch_arena *arena, ch_trace *out);
/* Fills in tags, metadata and assessments, and the spans when asked for. */
int ch_trace_complete(ch_db *db, ch_arena *arena, ch_trace *trace, bool spans, ch_error *err);
/* The trace of that id; *out NULL when there is none. */
int ch_trace_read(ch_db *db, ch_arena *arena, const char *trace_id, bool spans, ch_trace **out, ch_error *err);
int ch_trace_find(ch_db *db, const char *trace_id, int64_t *id, ch_error *err); /* 0: none */
/* The trace's number, made (with the tag that says where its artifacts are) when it is new. *made tells. */
int ch_trace_make(ch_db *db, ch_arena *arena, const char *trace_id, int64_t experiment, const char *location,
                  int64_t *id, bool *made, ch_error *err);
int ch_trace_put_tag(ch_db *db, int64_t id, const char *key, const char *value, ch_error *err);
int ch_trace_put_metadata(ch_db *db, int64_t id, const char *key, const char *value, ch_error *err);
int ch_trace_put_span(ch_db *db, int64_t id, const ch_otlp_span *span, ch_error *err); /* over one of its id */
int ch_trace_link_run(ch_db *db, int64_t id, const char *run_id, ch_error *err);
int ch_trace_delete(ch_db *db, int64_t id, ch_error *err); /* with all that belongs to it */

void ch_trace_write_info(ch_json *json, const ch_trace *trace);
/* The same as clients before MLflow 3 know it. */
void ch_trace_write_old_info(ch_json *json, const ch_trace *trace);
/* {"trace_info": ..., "spans": [...]}. */
void ch_trace_write(ch_json *json, const ch_trace *trace);

/* Stores an assessment given as MLflow's JSON under its id (made when it has none): *id in the arena. */
int ch_assessment_put(ch_db *db, ch_arena *arena, int64_t trace, json_t *assessment, const char **id, ch_error *err);

/* "2026-11-21T23:33:15.886Z" to milliseconds since 1970; 0 for what is no time. */
int64_t ch_time_read(const char *text);
const char *ch_time_text(ch_arena *arena, int64_t ms);
/* "1.055s" to milliseconds; -1 for what is no duration. */
int64_t ch_duration_read(const char *text);
const char *ch_duration_text(ch_arena *arena, int64_t ms);

/* Where an active experiment keeps its artifacts; fails the call when there is none of that number. */
int ch_active_experiment(ch_db *db, ch_call *call, const char *experiment, int64_t *id, const char **location,
                         ch_error *err);

#endif
