/* trace_legacy.c: traces as clients before MLflow 3 start, end, read and search them, and the spans of a trace as the
 * file that MLflow's pages download. */
#include "track/artifact/artifacts.h"
#include "track/names.h"
#include "track/trace/span_file.h"
#include "track/trace/trace_store.h"

#include "track/artifact/artifact_store.h"

#include <string.h>

typedef struct operation {
    ch_call *call;
    const char *trace_id, *experiment, *state;
    int64_t time;
    json_t *metadata, *tags;
    bool spans;
    ch_trace *trace; /* the answer */
} operation;

/* ---- pairs of a request --------------------------------------------------------------------------------------- */

static int check_pairs(ch_call *call, const char *name, json_t **out)
{
    size_t i;
    json_t *item;
    *out = ch_call_list(call, name);
    json_array_foreach(*out, i, item) if (!*ch_or_empty(ch_item_string(item, "key"))) return ch_call_missing(call,
                                                                                                             name);
    return 0;
}

static int put_pairs(ch_db *db, int64_t id, json_t *pairs,
                     int (*put)(ch_db *db, int64_t id, const char *key, const char *value, ch_error *err),
                     ch_error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach(pairs, i, item)
        CH_TRY(put(db, id, ch_item_string(item, "key"), ch_or_empty(ch_item_string(item, "value")), err));
    return 0;
}

/* ---- starting and ending -------------------------------------------------------------------------------------- */

static int do_start(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    ch_arena *arena = op->call->arena;
    const char *location;
    int64_t experiment, id;
    bool made;
    CH_TRY(ch_active_experiment(db, op->call, op->experiment, &experiment, &location, err));
    CH_TRY(ch_trace_make(db, arena, op->trace_id, experiment, location, &id, &made, err));
    ch_db_sql(db, "UPDATE traces SET request_time = ?2 WHERE id = ?1");
    ch_db_int(db, 1, id);
    ch_db_int(db, 2, op->time);
    CH_TRY(ch_db_run(db, err));
    CH_TRY(put_pairs(db, id, op->tags, ch_trace_put_tag, err));
    CH_TRY(put_pairs(db, id, op->metadata, ch_trace_put_metadata, err));
    return ch_trace_read(db, arena, op->trace_id, false, &op->trace, err);
}

static int answer(operation *op)
{
    ch_json_key(&op->call->out, "trace_info");
    ch_trace_write_old_info(&op->call->out, op->trace);
    return 0;
}

static int start_trace(ch_call *call)
{
    char id[33];
    ch_new_id(id);
    operation op = {.call = call,
                    .trace_id = id,
                    .experiment = ch_or_empty(ch_call_string(call, "experiment_id")),
                    .time = ch_call_int(call, "timestamp_ms", 0)};
    CH_TRY(check_pairs(call, "request_metadata", &op.metadata));
    CH_TRY(check_pairs(call, "tags", &op.tags));
    CH_DB(call, ch_db_write(call->track->pool, do_start, &op, &call->error));
    return answer(&op);
}

static int fail_absent(ch_call *call, const char *trace_id)
{
    return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "Trace with ID '%s' not found.", trace_id);
}

static int do_end(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t id;
    CH_TRY(ch_trace_find(db, op->trace_id, &id, err));
    if (!id) return fail_absent(op->call, op->trace_id);
    ch_db_sql(db, "UPDATE traces SET duration = ?2 - request_time, state = ?3 WHERE id = ?1");
    ch_db_int(db, 1, id);
    ch_db_int(db, 2, op->time);
    ch_db_text(db, 3, op->state);
    CH_TRY(ch_db_run(db, err));
    CH_TRY(put_pairs(db, id, op->metadata, ch_trace_put_metadata, err));
    CH_TRY(put_pairs(db, id, op->tags, ch_trace_put_tag, err));
    return ch_trace_read(db, op->call->arena, op->trace_id, false, &op->trace, err);
}

static int end_trace(ch_call *call)
{
    static const char *const STATES[] = {"OK", "ERROR", "IN_PROGRESS"};
    const char *status = ch_or_empty(ch_call_string(call, "status"));
    operation op = {.call = call,
                    .trace_id = ch_or_empty(ch_http_param(call->request, "request_id")),
                    .state = "STATE_UNSPECIFIED",
                    .time = ch_call_int(call, "timestamp_ms", 0)};
    for (size_t i = 0; i < sizeof STATES / sizeof *STATES; i++)
        if (strcmp(status, STATES[i]) == 0) op.state = STATES[i];
    CH_TRY(check_pairs(call, "request_metadata", &op.metadata));
    CH_TRY(check_pairs(call, "tags", &op.tags));
    CH_DB(call, ch_db_write(call->track->pool, do_end, &op, &call->error));
    return answer(&op);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static int do_read(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    CH_TRY(ch_trace_read(db, op->call->arena, op->trace_id, op->spans, &op->trace, err));
    if (op->trace) return 0;
    if (!op->spans) return fail_absent(op->call, op->trace_id);
    return ch_call_fail(op->call, RESOURCE_DOES_NOT_EXIST, "Trace with ID %s is not found.", op->trace_id);
}

static int get_info(ch_call *call)
{
    operation op = {.call = call, .trace_id = ch_or_empty(ch_http_param(call->request, "request_id"))};
    CH_DB(call, ch_db_read(call->track->pool, do_read, &op, &call->error));
    return answer(&op);
}

/* The folder of a trace's own artifacts; fails the call when it is not ours. */
static int artifact_folder(ch_call *call, const ch_trace *trace, const char **folder)
{
    const char *uri = "";
    for (size_t i = 0; i < trace->tags.count; i++)
        if (strcmp(trace->tags.items[i].key, "mlflow.artifactLocation") == 0) uri = trace->tags.items[i].value;
    *folder = ch_artifact_of_uri(call->arena, call->track->artifacts, uri);
    if (*folder) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE, "The artifacts at '%s' are not kept by this server", uri);
}

/* "01234567-89ab-cdef-0123-456789abcdef". */
static bool is_uuid(const char *text)
{
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (!text[i] || !strchr(dash ? "-" : "0123456789abcdef", text[i])) return false;
    }
    return !text[36];
}

/* What a span refers to, as a file of its own. */
static int send_attachment(ch_call *call, const ch_trace *trace, const char *path)
{
    const char *folder;
    if (!ch_artifact_clean(call->arena, path)) return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid path");
    if (!is_uuid(path))
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Invalid attachment path: '%s'. Attachment path must be a valid UUID.", path);
    CH_TRY(artifact_folder(call, trace, &folder));
    const char *inside = ch_arena_printf(call->arena, "attachments/%s", path);
    return ch_artifact_send(call, ch_artifact_join(call->arena, folder, inside));
}

static int get_artifact(ch_call *call)
{
    const char *folder, *path = ch_or_empty(ch_call_string(call, "path"));
    operation op = {.call = call, .trace_id = ch_or_empty(ch_call_string(call, "request_id")), .spans = !*path};
    if (!*op.trace_id)
        return ch_call_fail(call, BAD_REQUEST, "Request must include the \"request_id\" query parameter.");
    CH_DB(call, ch_db_read(call->track->pool, do_read, &op, &call->error));
    if (*path) return send_attachment(call, op.trace, path);
    if (!op.trace->nspan) { /* clients before 3.6 put the spans there */
        CH_TRY(artifact_folder(call, op.trace, &folder));
        return ch_artifact_send(call, ch_artifact_join(call->arena, folder, "traces.json"));
    }
    ch_span_file_write(&call->reply->body, op.trace->spans, op.trace->nspan);
    call->reply->status = 200;
    call->reply->content_type = "application/octet-stream";
    ch_http_add_header(call->reply, "Content-Disposition", "attachment; filename=traces.json");
    return 0;
}

/* ---- routes --------------------------------------------------------------------------------------------------- */

/* clang-format off */
static const ch_track_route ROUTES[] = {
    {"POST", "traces", start_trace,
     {{"experiment_id", CH_P_STRING, false}, {"timestamp_ms", CH_P_INT, false},
      {"request_metadata", CH_P_LIST, false}, {"tags", CH_P_LIST, false}},
     CH_EDIT, CH_ON_EXPERIMENT, "experiment_id", 0, NULL},
    {"PATCH", "traces/{request_id}", end_trace,
     {{"timestamp_ms", CH_P_INT, false}, {"status", CH_P_STRING, false},
      {"request_metadata", CH_P_LIST, false}, {"tags", CH_P_LIST, false}},
     CH_EDIT, CH_ON_TRACE, "request_id", 0, NULL},
    {"GET", "traces/{request_id}/info", get_info, {{0}}, CH_READ, CH_ON_TRACE, "request_id", 0, NULL},
};
static const ch_track_route DOWNLOADS[] = {
    {"GET", "get-trace-artifact", get_artifact, {{0}}, CH_READ, CH_ON_TRACE, "request_id", CH_HTTP_STREAM, NULL},
};
/* clang-format on */

const char *const ch_mlflow_2_prefixes[] = {
    "/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/", "/api/2.0/preview/mlflow/", "/ajax-api/2.0/preview/mlflow/", NULL,
};

const ch_track_table ch_old_trace_routes = {ch_mlflow_2_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
const ch_track_table ch_trace_file_routes = {ch_mlflow_prefixes, DOWNLOADS, sizeof DOWNLOADS / sizeof *DOWNLOADS};
