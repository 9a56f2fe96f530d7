/* traces.c: traces over REST: starting, reading, tagging, linking, assessing and deleting them. Spans come through
 * spans.c; the search is in trace_search.c. */
#include "track/names.h"
#include "track/store/rows.h"
#include "track/trace/trace_store.h"
#include "track/validate.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_MOST = 1000, KEY_MOST = 250, VALUE_MOST = 8000 };

/* What a request does, for the functions that run in its transaction. */
typedef struct operation {
    ch_call *call;
    const char *trace_id, *key, *value, *run_id, *assessment_id, *mask;
    json_t *info, *ids, *assessment, *prompts;
    bool spans;
    int64_t experiment, until, most, count;
    ch_trace *trace; /* the answer */
    ch_trace **traces;
    size_t ntrace;
} operation;

static int fail_absent(ch_call *call, const char *trace_id)
{
    return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "Trace with ID '%s' not found.", trace_id);
}

static int find_trace(ch_db *db, const operation *op, int64_t *id, ch_error *err)
{
    CH_TRY(ch_trace_find(db, op->trace_id, id, err));
    return *id ? 0 : fail_absent(op->call, op->trace_id);
}

static const char *path_param(ch_call *call, const char *name)
{
    return ch_or_empty(ch_http_param(call->request, name));
}

/* ---- starting ------------------------------------------------------------------------------------------------- */

typedef int (*put_pair)(ch_db *db, int64_t id, const char *key, const char *value, ch_error *err);

static int put_map(ch_db *db, int64_t id, json_t *map, put_pair put, ch_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) if (json_is_string(value))
        CH_TRY(put(db, id, key, json_string_value(value), err));
    return 0;
}

static const char *experiment_of(json_t *location)
{
    return ch_or_empty(ch_item_string(json_object_get(location, "mlflow_experiment"), "experiment_id"));
}

static int write_columns(ch_db *db, const operation *op, int64_t id, int64_t experiment, ch_error *err)
{
    json_t *info = op->info;
    int64_t duration = ch_duration_read(ch_item_string(info, "execution_duration"));
    const char *state = ch_item_string(info, "state");
    ch_db_sql(db, "UPDATE traces SET experiment = ?2, request_time = ?3, duration = ?4, state = ?5,"
                  " client_request_id = ?6, request_preview = COALESCE(?7, request_preview),"
                  " response_preview = COALESCE(?8, response_preview) WHERE id = ?1");
    ch_db_int(db, 1, id);
    ch_db_int(db, 2, experiment);
    ch_db_int(db, 3, ch_time_read(ch_item_string(info, "request_time")));
    if (duration >= 0)
        ch_db_int(db, 4, duration);
    else
        ch_db_null(db, 4);
    ch_db_text(db, 5, state ? state : "STATE_UNSPECIFIED");
    ch_db_text(db, 6, ch_item_string(info, "client_request_id"));
    ch_db_text(db, 7, ch_item_string(info, "request_preview"));
    ch_db_text(db, 8, ch_item_string(info, "response_preview"));
    return ch_db_run(db, err);
}

static int do_start(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    const char *location, *assessment_id;
    int64_t experiment, id;
    bool made;
    json_t *where = json_object_get(op->info, "trace_location"), *item;
    size_t i;
    CH_TRY(ch_active_experiment(db, op->call, experiment_of(where), &experiment, &location, err));
    CH_TRY(ch_trace_make(db, op->call->arena, op->trace_id, experiment, location, &id, &made, err));
    CH_TRY(write_columns(db, op, id, experiment, err));
    CH_TRY(put_map(db, id, json_object_get(op->info, "tags"), ch_trace_put_tag, err));
    CH_TRY(put_map(db, id, json_object_get(op->info, "trace_metadata"), ch_trace_put_metadata, err));
    CH_TRY(ch_trace_put_metadata(db, id, "mlflow.trace.infoFinalized", "true", err));
    json_array_foreach(json_object_get(op->info, "assessments"), i, item)
        CH_TRY(ch_assessment_put(db, op->call->arena, id, item, &assessment_id, err));
    return ch_trace_read(db, op->call->arena, op->trace_id, false, &op->trace, err);
}

static int start_trace(ch_call *call)
{
    operation op = {.call = call, .info = ch_call_object(call, "trace.trace_info")};
    if (!op.info) return ch_call_missing(call, "trace");
    op.trace_id = ch_or_empty(ch_item_string(op.info, "trace_id"));
    if (!*op.trace_id) return ch_call_missing(call, "trace_id");
    CH_TRY(ch_auth_require_edit(call, CH_ON_TRACE, op.trace_id)); /* it may be there, in another experiment */
    CH_DB(call, ch_db_write(call->track->pool, do_start, &op, &call->error));
    ch_json_key(&call->out, "trace");
    ch_trace_write(&call->out, op.trace);
    return 0;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static int do_get(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    CH_TRY(ch_trace_read(db, op->call->arena, op->trace_id, op->spans, &op->trace, err));
    return op->trace ? 0 : fail_absent(op->call, op->trace_id);
}

static int answer_trace(operation *op)
{
    ch_call *call = op->call;
    CH_DB(call, ch_db_read(call->track->pool, do_get, op, &call->error));
    ch_json_key(&call->out, "trace");
    ch_trace_write(&call->out, op->trace);
    return 0;
}

static int get_trace_info(ch_call *call)
{
    operation op = {.call = call, .trace_id = path_param(call, "trace_id")};
    return answer_trace(&op);
}

static int get_trace(ch_call *call)
{
    operation op = {.call = call, .trace_id = ch_call_string(call, "trace_id"), .spans = true};
    return answer_trace(&op);
}

/* Those of the ids that exist, in the order asked for. */
static int do_get_batch(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    size_t i;
    json_t *item;
    op->traces = CH_NEW_ARRAY(op->call->arena, ch_trace *, json_array_size(op->ids));
    op->ntrace = 0;
    json_array_foreach(op->ids, i, item)
    {
        ch_trace *trace;
        CH_TRY(ch_trace_read(db, op->call->arena, ch_or_empty(json_string_value(item)), op->spans, &trace, err));
        if (trace) op->traces[op->ntrace++] = trace;
    }
    return 0;
}

static int answer_batch(ch_call *call, bool spans)
{
    operation op = {.call = call, .ids = ch_call_list(call, "trace_ids"), .spans = spans};
    if (json_array_size(op.ids) > BATCH_MOST)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "At most %d traces can be read at once", BATCH_MOST);
    CH_DB(call, ch_db_read(call->track->pool, do_get_batch, &op, &call->error));
    if (!op.ntrace) return 0;
    ch_json_key(&call->out, spans ? "traces" : "trace_infos");
    ch_json_begin(&call->out, '[');
    for (size_t i = 0; i < op.ntrace; i++) (spans ? ch_trace_write : ch_trace_write_info)(&call->out, op.traces[i]);
    ch_json_end(&call->out, ']');
    return 0;
}

static int get_batch(ch_call *call)
{
    return answer_batch(call, true);
}

static int get_batch_infos(ch_call *call)
{
    return answer_batch(call, false);
}

/* ---- tags ----------------------------------------------------------------------------------------------------- */

static int do_set_tag(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t id;
    CH_TRY(find_trace(db, op, &id, err));
    return ch_trace_put_tag(db, id, op->key, op->value, err);
}

static int set_tag(ch_call *call)
{
    operation op = {.call = call,
                    .trace_id = path_param(call, "trace_id"),
                    .key = ch_call_string(call, "key"),
                    .value = ch_shorten(call->arena, ch_or_empty(ch_call_string(call, "value")), VALUE_MOST)};
    CH_TRY(ch_check_length(call, "key", KEY_MOST, op.key));
    CH_DB(call, ch_db_write(call->track->pool, do_set_tag, &op, &call->error));
    return 0;
}

static int do_delete_tag(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t id;
    CH_TRY(ch_trace_find(db, op->trace_id, &id, err));
    ch_db_sql(db, "DELETE FROM trace_tags WHERE trace = ?1 AND key = ?2");
    ch_db_int(db, 1, id);
    ch_db_text(db, 2, op->key);
    CH_TRY(ch_db_run(db, err));
    if (ch_db_changes(db)) return 0;
    return ch_call_fail(op->call, RESOURCE_DOES_NOT_EXIST, "No trace tag with key '%s' for trace with ID '%s'", op->key,
                        op->trace_id);
}

static int delete_tag(ch_call *call)
{
    operation op = {.call = call, .trace_id = path_param(call, "trace_id"), .key = ch_call_string(call, "key")};
    CH_DB(call, ch_db_write(call->track->pool, do_delete_tag, &op, &call->error));
    return 0;
}

/* ---- links ---------------------------------------------------------------------------------------------------- */

static int do_link_runs(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    size_t i;
    json_t *item;
    json_array_foreach(op->ids, i, item)
    {
        int64_t id;
        CH_TRY(ch_trace_find(db, ch_or_empty(json_string_value(item)), &id, err));
        if (id) CH_TRY(ch_trace_link_run(db, id, op->run_id, err));
    }
    return 0;
}

static int link_to_run(ch_call *call)
{
    operation op = {.call = call, .ids = ch_call_list(call, "trace_ids"), .run_id = ch_call_string(call, "run_id")};
    if (json_array_size(op.ids) > 100)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Cannot link more than 100 traces to a run in a single request. Provided %zu traces.",
                            json_array_size(op.ids));
    CH_DB(call, ch_db_write(call->track->pool, do_link_runs, &op, &call->error));
    return 0;
}

/* Once: clients tell of a prompt again with every other one. */
static void add_prompt(json_t *list, const char *name, const char *version)
{
    size_t i;
    json_t *item, *prompt = json_pack("{s:s, s:s}", "name", name, "version", version);
    bool known = false;
    json_array_foreach(list, i, item) known |= json_equal(item, prompt) != 0;
    if (!known) json_array_append(list, prompt);
    json_decref(prompt);
}

/* The prompts of a trace are a tag of JSON: [{"name": ..., "version": "1"}, ...]. */
static int do_link_prompts(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t id;
    bool more;
    CH_TRY(find_trace(db, op, &id, err));
    ch_db_sql(db, "SELECT value FROM trace_tags WHERE trace = ?1 AND key = 'mlflow.linkedPrompts'");
    ch_db_int(db, 1, id);
    CH_TRY(ch_db_next(db, &more, err));
    json_t *list = more ? json_loads(ch_db_get_text(db, 0), 0, NULL) : NULL, *item;
    if (!json_is_array(list)) {
        json_decref(list);
        list = json_array();
    }
    size_t i;
    json_array_foreach(op->prompts, i, item)
        add_prompt(list, ch_or_empty(ch_item_string(item, "name")), ch_or_empty(ch_item_string(item, "version")));
    char *text = json_dumps(list, 0);
    json_decref(list);
    int failed = ch_trace_put_tag(db, id, "mlflow.linkedPrompts", text, err);
    free(text);
    return failed;
}

static int link_prompts(ch_call *call)
{
    operation op = {
        .call = call, .trace_id = ch_call_string(call, "trace_id"), .prompts = ch_call_list(call, "prompt_versions")};
    CH_DB(call, ch_db_write(call->track->pool, do_link_prompts, &op, &call->error));
    return 0;
}

/* ---- deleting ------------------------------------------------------------------------------------------------- */

/* The numbers of the experiment's oldest traces up to `until`. */
static int choose_oldest(ch_db *db, const operation *op, int64_t **ids, size_t *count, ch_error *err)
{
    ch_rows rows;
    ch_db_sql(db, "SELECT id FROM traces WHERE experiment = ?1 AND request_time <= ?2"
                  " ORDER BY request_time, trace_id LIMIT ?3");
    ch_db_int(db, 1, op->experiment);
    ch_db_int(db, 2, op->until);
    ch_db_int(db, 3, op->most);
    CH_TRY(ch_rows_read(db, op->call->arena, sizeof(int64_t), INT64_MAX, ch_row_int, &rows, err));
    *ids = rows.items;
    *count = rows.count;
    return 0;
}

/* The number of a trace of the experiment; 0 when it is another's. */
static int choose_named(ch_db *db, const operation *op, const char *trace_id, int64_t *id, ch_error *err)
{
    bool more;
    ch_db_sql(db, "SELECT id FROM traces WHERE trace_id = ?1 AND experiment = ?2");
    ch_db_text(db, 1, trace_id);
    ch_db_int(db, 2, op->experiment);
    CH_TRY(ch_db_next(db, &more, err));
    *id = more ? ch_db_get_int(db, 0) : 0;
    return 0;
}

static int do_delete(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t *ids = NULL, id;
    size_t count = 0, i;
    json_t *item;
    op->count = 0;
    if (!json_array_size(op->ids)) CH_TRY(choose_oldest(db, op, &ids, &count, err));
    for (i = 0; i < count; i++) CH_TRY(ch_trace_delete(db, ids[i], err));
    op->count = (int64_t)count;
    json_array_foreach(op->ids, i, item)
    {
        CH_TRY(choose_named(db, op, ch_or_empty(json_string_value(item)), &id, err));
        if (!id) continue;
        CH_TRY(ch_trace_delete(db, id, err));
        op->count++;
    }
    return 0;
}

static int delete_traces(ch_call *call)
{
    operation op = {.call = call, .ids = ch_call_list(call, "request_ids")};
    bool by_time = ch_call_has(call, "max_timestamp_millis");
    op.experiment = strtoll(ch_call_string(call, "experiment_id"), NULL, 10);
    op.until = ch_call_int(call, "max_timestamp_millis", INT64_MAX);
    op.most = ch_call_int(call, "max_traces", INT64_MAX);
    if (by_time == (json_array_size(op.ids) > 0))
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Either `max_timestamp_millis` or `trace_ids` must be specified, but not both.");
    if (op.most <= 0)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "`max_traces` must be a positive integer, received %lld.",
                            (long long)op.most);
    CH_DB(call, ch_db_write(call->track->pool, do_delete, &op, &call->error));
    ch_json_member_int(&call->out, "traces_deleted", op.count);
    return 0;
}

/* ---- assessments ---------------------------------------------------------------------------------------------- */

/* The JSON text of the operation's assessment, out of its trace; fails the call when there is none. */
static int find_assessment(ch_db *db, operation *op, const char **text, ch_error *err)
{
    CH_TRY(do_get(db, op, err));
    const char *start = ch_arena_printf(op->call->arena, "{\"assessment_id\":\"%s\",", op->assessment_id);
    for (size_t i = 0; i < op->trace->nassessment; i++)
        if (strncmp(op->trace->assessments[i], start, strlen(start)) == 0) {
            *text = op->trace->assessments[i];
            return 0;
        }
    return ch_call_fail(op->call, RESOURCE_DOES_NOT_EXIST, "Assessment with ID '%s' not found for trace '%s'",
                        op->assessment_id, op->trace_id);
}

static int do_create_assessment(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t id;
    CH_TRY(find_trace(db, op, &id, err));
    CH_TRY(ch_assessment_put(db, op->call->arena, id, op->assessment, &op->assessment_id, err));
    return find_assessment(db, op, &op->value, err);
}

static int do_get_assessment(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    return find_assessment(db, op, &op->value, err);
}

/* Replaces the members that the mask names ("assessmentName,feedback"). */
static void merge(json_t *into, json_t *from, const char *mask)
{
    static const char *const NAMES[][2] = {{"assessmentName", "assessment_name"},
                                           {"feedback", "feedback"},
                                           {"expectation", "expectation"},
                                           {"rationale", "rationale"},
                                           {"metadata", "metadata"},
                                           {"valid", "valid"}};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        json_t *value = json_object_get(from, NAMES[i][1]);
        if (value && (strstr(mask, NAMES[i][0]) || strstr(mask, NAMES[i][1])))
            json_object_set(into, NAMES[i][1], value);
    }
}

static int do_update_assessment(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t id;
    CH_TRY(find_trace(db, op, &id, err));
    CH_TRY(find_assessment(db, op, &op->value, err));
    json_t *assessment = json_loads(op->value, 0, NULL);
    merge(assessment, op->assessment, op->mask);
    json_object_set_new(assessment, "last_update_time", json_string(ch_time_text(op->call->arena, ch_clock_ms())));
    int failed = ch_assessment_put(db, op->call->arena, id, assessment, &op->assessment_id, err);
    json_decref(assessment);
    return failed ? failed : find_assessment(db, op, &op->value, err);
}

static int do_delete_assessment(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t id;
    CH_TRY(find_trace(db, op, &id, err));
    /* what it took the place of holds again */
    ch_db_sql(db, "UPDATE assessments SET valid = 1 WHERE trace = ?1 AND assessment_id ="
                  " (SELECT overrides FROM assessments o WHERE o.trace = ?1 AND o.assessment_id = ?2)");
    ch_db_int(db, 1, id);
    ch_db_text(db, 2, op->assessment_id);
    CH_TRY(ch_db_run(db, err));
    ch_db_sql(db, "DELETE FROM assessments WHERE trace = ?1 AND assessment_id = ?2");
    ch_db_int(db, 1, id);
    ch_db_text(db, 2, op->assessment_id);
    return ch_db_run(db, err);
}

static int write_assessment(operation *op)
{
    ch_json_key(&op->call->out, "assessment");
    ch_json_raw(&op->call->out, op->value);
    return 0;
}

static int create_assessment(ch_call *call)
{
    operation op = {
        .call = call, .trace_id = path_param(call, "trace_id"), .assessment = ch_call_object(call, "assessment")};
    CH_DB(call, ch_db_write(call->track->pool, do_create_assessment, &op, &call->error));
    return write_assessment(&op);
}

static int get_assessment(ch_call *call)
{
    operation op = {
        .call = call, .trace_id = path_param(call, "trace_id"), .assessment_id = path_param(call, "assessment_id")};
    CH_DB(call, ch_db_read(call->track->pool, do_get_assessment, &op, &call->error));
    return write_assessment(&op);
}

static int update_assessment(ch_call *call)
{
    operation op = {.call = call,
                    .trace_id = path_param(call, "trace_id"),
                    .assessment_id = path_param(call, "assessment_id"),
                    .assessment = ch_call_object(call, "assessment"),
                    .mask = ch_or_empty(ch_call_string(call, "update_mask"))};
    CH_DB(call, ch_db_write(call->track->pool, do_update_assessment, &op, &call->error));
    return write_assessment(&op);
}

static int delete_assessment(ch_call *call)
{
    operation op = {
        .call = call, .trace_id = path_param(call, "trace_id"), .assessment_id = path_param(call, "assessment_id")};
    CH_DB(call, ch_db_write(call->track->pool, do_delete_assessment, &op, &call->error));
    return 0;
}

/* ---- routes --------------------------------------------------------------------------------------------------- */

/* clang-format off */
#define ON_TRACE(need)   .needs = (need), .on = CH_ON_TRACE, .key = "trace_id"
#define ASSESSMENT       {"assessment", CH_P_OBJECT, true}
#define TRACE_IDS        {"trace_ids", CH_P_LIST, true}

/* What starts a trace in version 2.0 of the API is something else (trace_legacy.c). */
static const ch_track_route START[] = {
    {"POST", "traces", start_trace, {{"trace", CH_P_OBJECT, true}},
     .needs = CH_EDIT, .on = CH_ON_EXPERIMENT,
     .key = "trace.trace_info.trace_location.mlflow_experiment.experiment_id"},
};
static const ch_track_route ROUTES[] = {
    {"GET", "traces/get", get_trace, {{"trace_id", CH_P_STRING, true}}, ON_TRACE(CH_READ)},
    {"GET", "traces/batchGet", get_batch, {TRACE_IDS}, .needs = CH_READ, .on = CH_ON_TRACE, .key = "trace_ids"},
    {"POST", "traces/batchGetInfos", get_batch_infos, {TRACE_IDS},
     .needs = CH_READ, .on = CH_ON_TRACE, .key = "trace_ids"},
    {"POST", "traces/delete-traces", delete_traces,
     {{"experiment_id", CH_P_STRING, true}, {"max_timestamp_millis", CH_P_INT, false}, {"max_traces", CH_P_INT, false},
      {"request_ids", CH_P_LIST, false}}, .needs = CH_EDIT, .on = CH_ON_EXPERIMENT, .key = "experiment_id"},
    {"POST", "traces/link-to-run", link_to_run, {TRACE_IDS, {"run_id", CH_P_STRING, true}},
     .needs = CH_EDIT, .on = CH_ON_RUN, .key = "run_id"},
    {"POST", "traces/link-prompts", link_prompts,
     {{"trace_id", CH_P_STRING, true}, {"prompt_versions", CH_P_LIST, true}}, ON_TRACE(CH_EDIT)},
    {"GET", "traces/{trace_id}", get_trace_info, {{0}}, ON_TRACE(CH_READ)},
    {"PATCH", "traces/{trace_id}/tags", set_tag, {{"key", CH_P_STRING, true}, {"value", CH_P_STRING, false}},
     ON_TRACE(CH_EDIT)},
    {"DELETE", "traces/{trace_id}/tags", delete_tag, {{"key", CH_P_STRING, true}}, ON_TRACE(CH_EDIT)},
    {"POST", "traces/{trace_id}/assessments", create_assessment, {ASSESSMENT}, ON_TRACE(CH_EDIT)},
    {"GET", "traces/{trace_id}/assessments/{assessment_id}", get_assessment, {{0}}, ON_TRACE(CH_READ)},
    {"PATCH", "traces/{trace_id}/assessments/{assessment_id}", update_assessment,
     {ASSESSMENT, {"update_mask", CH_P_STRING, true}}, ON_TRACE(CH_EDIT)},
    {"DELETE", "traces/{trace_id}/assessments/{assessment_id}", delete_assessment, {{0}}, ON_TRACE(CH_EDIT)},
};
/* clang-format on */

static const char *const PREFIXES[] = {"/api/3.0/mlflow/", "/ajax-api/3.0/mlflow/", NULL};

const ch_track_table ch_trace_start_routes = {PREFIXES, START, sizeof START / sizeof *START};
const ch_track_table ch_trace_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
