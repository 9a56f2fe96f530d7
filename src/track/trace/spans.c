/* spans.c: POST /v1/traces: spans as OpenTelemetry's exporters and MLflow's client send them. */
#include "track/names.h"
#include "track/trace/otlp_json.h"
#include "track/trace/trace_store.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { BODY_MOST = 64 << 20 /* bytes of a request, unpacked */ };

/* ---- the body ------------------------------------------------------------------------------------------------- */

/* Errors that MLflow's server words for OpenTelemetry's clients: {"detail": "..."}. Returns 1: the reply is filled. */
static int refuse(ch_call *call, int status, const char *detail)
{
    ch_json json = {.out = &call->reply->body};
    ch_json_begin(&json, '{');
    ch_json_member(&json, "detail", detail);
    ch_json_end(&json, '}');
    call->reply->status = status;
    call->reply->content_type = "application/json";
    return 1;
}

static int fail_body(ch_call *call)
{
    return refuse(call, 400, "Invalid OpenTelemetry format");
}

/* The request's body in the arena. */
static int read_body(ch_call *call, uint8_t **data, size_t *len)
{
    uint64_t size;
    const char *path = ch_http_body_file(call->request, &size);
    if (size > BODY_MOST)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "A request may have at most %d bytes", BODY_MOST);
    *data = ch_arena_alloc(call->arena, size);
    *len = 0;
    int file = size ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    for (ssize_t got = 1; file >= 0 && got > 0 && *len<size; *len += got> 0 ? (size_t)got : 0)
        got = read(file, *data + *len, size - *len);
    if (file >= 0) close(file);
    return *len == size ? 0 : ch_call_fail(call, INTERNAL_ERROR, "The request's body cannot be read");
}

/* Unpacks gzip and deflate bodies into the arena. */
static int unpack(ch_call *call, uint8_t **data, size_t *len)
{
    size_t room = *len * 4 + 1024;
    z_stream stream = {.next_in = *data, .avail_in = (uInt)*len};
    if (inflateInit2(&stream, 15 + 32) != Z_OK) return ch_call_fail(call, INTERNAL_ERROR, "zlib cannot be started");
    uint8_t *out = ch_arena_alloc(call->arena, room);
    int status = Z_OK;
    while (status == Z_OK && stream.total_out <= BODY_MOST) {
        if (stream.total_out == room) {
            out = ch_arena_grow(call->arena, out, 1, room, room * 2);
            room *= 2;
        }
        stream.next_out = out + stream.total_out;
        stream.avail_out = (uInt)(room - stream.total_out);
        status = inflate(&stream, Z_NO_FLUSH);
        if (status == Z_BUF_ERROR && stream.avail_out == 0) status = Z_OK;
    }
    *data = out;
    *len = stream.total_out;
    inflateEnd(&stream);
    return status == Z_STREAM_END && *len <= BODY_MOST ? 0 : fail_body(call);
}

/* ---- storing -------------------------------------------------------------------------------------------------- */

typedef struct operation {
    ch_call *call;
    const char *experiment, *run_id;
    const ch_otlp_span *spans;
    size_t nspan;
} operation;

/* What the spans tell about a trace that its client has not described itself (yet): its times, and from its root the
 * name and the state. */
static int describe_trace(ch_db *db, int64_t trace, const ch_otlp_span *span, ch_error *err)
{
    ch_db_sql(db, "UPDATE traces SET request_time = (SELECT MIN(start_ns) FROM spans WHERE trace = ?1) / 1000000,"
                  " duration = (SELECT (MAX(end_ns) - MIN(start_ns)) / 1000000 FROM spans WHERE trace = ?1)"
                  " WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM trace_metadata f WHERE f.trace = ?1"
                  "  AND f.key = 'mlflow.trace.infoFinalized')");
    ch_db_int(db, 1, trace);
    CH_TRY(ch_db_run(db, err));
    if (*span->parent_id || ch_db_changes(db) == 0) return 0;
    ch_db_sql(db, "UPDATE traces SET state = ?2 WHERE id = ?1");
    ch_db_int(db, 1, trace);
    ch_db_text(db, 2, strcmp(span->status, "ERROR") == 0 ? "ERROR" : "OK");
    CH_TRY(ch_db_run(db, err));
    return ch_trace_put_tag(db, trace, "mlflow.traceName", span->name, err);
}

static int do_log(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    const char *location;
    int64_t experiment, trace;
    bool made;
    CH_TRY(ch_active_experiment(db, op->call, op->experiment, &experiment, &location, err));
    for (size_t i = 0; i < op->nspan; i++) {
        const ch_otlp_span *span = &op->spans[i];
        CH_TRY(ch_trace_make(db, op->call->arena, span->mlflow_id, experiment, location, &trace, &made, err));
        CH_TRY(ch_trace_put_span(db, trace, span, err));
        CH_TRY(ch_trace_put_tag(db, trace, "mlflow.trace.spansLocation", "TRACKING_STORE", err));
        CH_TRY(describe_trace(db, trace, span, err));
        if (op->run_id && !*span->parent_id) CH_TRY(ch_trace_link_run(db, trace, op->run_id, err));
    }
    return 0;
}

/* A trace that is there already may belong to another experiment than the one that the request names. */
static int check_traces(const operation *op)
{
    for (size_t i = 0; i < op->nspan; i++) {
        if (i > 0 && strcmp(op->spans[i].mlflow_id, op->spans[i - 1].mlflow_id) == 0) continue;
        CH_TRY(ch_auth_require_edit(op->call, CH_ON_TRACE, op->spans[i].mlflow_id));
    }
    return 0;
}

/* The spans of the body; when it fails either the call has, or the reply is filled. */
static int read_spans(operation *op, bool is_json)
{
    ch_call *call = op->call;
    const char *encoding = ch_http_header(call->request, "Content-Encoding");
    uint8_t *data;
    size_t len;
    ch_otlp_span *spans;
    CH_TRY(read_body(call, &data, &len));
    if (encoding && (strcasecmp(encoding, "gzip") == 0 || strcasecmp(encoding, "deflate") == 0))
        CH_TRY(unpack(call, &data, &len));
    ch_buf converted = {0};
    int status = is_json ? ch_otlp_from_json((const char *)data, len, &converted, &call->error) : 0;
    if (!status && is_json)
        status = ch_otlp_read(call->arena, ch_buf_text(&converted), converted.len, &spans, &op->nspan, &call->error);
    if (!status && !is_json) status = ch_otlp_read(call->arena, data, len, &spans, &op->nspan, &call->error);
    ch_buf_reset(&converted);
    if (status) return fail_body(call);
    op->spans = spans;
    return op->nspan ? 0 : refuse(call, 400, "Invalid OpenTelemetry format - no spans found");
}

static bool is_type(const char *header, const char *type)
{
    size_t len = strlen(type);
    return strncasecmp(header, type, len) == 0 && strchr("; ", header[len]);
}

static int refuse_without_experiment(ch_call *call)
{
    ch_http_text(call->reply, 422, "application/json",
                 "{\"detail\":[{\"type\":\"missing\",\"loc\":[\"header\",\"x-mlflow-experiment-id\"],"
                 "\"msg\":\"Field required\",\"input\":null}]}");
    return 0;
}

static int post_spans(ch_call *call)
{
    operation op = {.call = call,
                    .experiment = ch_http_header(call->request, "x-mlflow-experiment-id"),
                    .run_id = ch_http_header(call->request, "x-mlflow-run-id")};
    const char *type = ch_or_empty(ch_http_header(call->request, "Content-Type"));
    bool is_json = is_type(type, "application/json");
    if (!op.experiment) return refuse_without_experiment(call);
    if (!is_json && !is_type(type, "application/x-protobuf")) {
        static const char WRONG[] = "Invalid Content-Type: %s. Expected: application/x-protobuf or application/json";
        refuse(call, 400, ch_arena_printf(call->arena, WRONG, *type ? type : "None"));
        return 0;
    }
    if (read_spans(&op, is_json)) return call->code ? (int)call->code : 0;
    CH_TRY(check_traces(&op));
    CH_DB(call, ch_db_write(call->track->pool, do_log, &op, &call->error));
    call->reply->status = 200;
    call->reply->content_type = "application/x-protobuf"; /* an empty ExportTraceServiceResponse has no bytes */
    return 0;
}

/* The experiment is a header's, which permissions are asked for by name like any parameter. */
static const ch_track_route ROUTES[] = {
    {"POST", "v1/traces", post_spans, {{0}}, CH_EDIT, CH_ON_EXPERIMENT, "x-mlflow-experiment-id", CH_HTTP_STREAM, NULL},
};
static const char *const ROOT[] = {"/", NULL};

const ch_track_table ch_span_routes = {ROOT, ROUTES, sizeof ROUTES / sizeof *ROUTES};
