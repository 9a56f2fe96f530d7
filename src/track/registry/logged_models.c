/* logged_models.c: the models of MLflow 3 that runs log: made pending, filled with files, then ready to be found. */
#include "track/registry/logged_models.h"

#include "track/names.h"
#include "track/trace/trace_store.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const STATUSES[] = {
    "LOGGED_MODEL_STATUS_UNSPECIFIED",
    "LOGGED_MODEL_PENDING",
    "LOGGED_MODEL_READY",
    "LOGGED_MODEL_UPLOAD_FAILED",
};
enum { STATUS_COUNT = sizeof STATUSES / sizeof *STATUSES, STATUS_PENDING = 1 };

int ch_logged_status(const char *name)
{
    const size_t prefix = strlen("LOGGED_MODEL_");
    for (int i = 0; i < STATUS_COUNT; i++)
        if (strcmp(name, STATUSES[i]) == 0 || strcmp(name, STATUSES[i] + prefix) == 0) return i;
    return -1;
}

/* ---- reading and writing -------------------------------------------------------------------------------------- */

void ch_logged_model_row(const ch_db *db, ch_arena *arena, ch_logged_model *out)
{
    *out = (ch_logged_model){
        .id = ch_db_get_int(db, 0),
        .model_id = ch_arena_strdup(arena, ch_db_get_text(db, 1)),
        .experiment = ch_db_get_int(db, 2),
        .name = ch_arena_strdup(arena, ch_db_get_text(db, 3)),
        .artifact_uri = ch_arena_strdup(arena, ch_db_get_text(db, 4)),
        .created = ch_db_get_int(db, 5),
        .updated = ch_db_get_int(db, 6),
        .status = ch_db_get_int(db, 7),
        .model_type = ch_arena_strdup(arena, ch_db_get_text(db, 8)),
        .source_run_id = ch_arena_strdup(arena, ch_db_get_text(db, 9)),
        .status_message = ch_arena_strdup(arena, ch_db_get_text(db, 10)),
    };
}

static int read_metrics(ch_db *db, ch_arena *arena, ch_logged_model *model, ch_error *err)
{
    size_t room = 0;
    ch_db_sql(db, "SELECT key, run_id, dataset_name, dataset_digest, value, is_nan, timestamp, step"
                  " FROM logged_model_metrics WHERE model = ?1 ORDER BY key, timestamp, step, run_id");
    ch_db_int(db, 1, model->id);
    for (bool more;;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) return 0;
        if (model->nmetric == room) {
            model->metrics = ch_arena_grow(arena, model->metrics, sizeof *model->metrics, room, room * 2 + 4);
            room = room * 2 + 4;
        }
        model->metrics[model->nmetric++] = (ch_logged_metric){
            .key = ch_arena_strdup(arena, ch_db_get_text(db, 0)),
            .run_id = ch_arena_strdup(arena, ch_db_get_text(db, 1)),
            .dataset_name = ch_arena_strdup(arena, ch_db_get_text(db, 2)),
            .dataset_digest = ch_arena_strdup(arena, ch_db_get_text(db, 3)),
            .value = ch_db_get_int(db, 5) ? NAN : ch_db_get_double(db, 4),
            .timestamp = ch_db_get_int(db, 6),
            .step = ch_db_get_int(db, 7),
        };
    }
}

int ch_logged_model_complete(ch_db *db, ch_arena *arena, ch_logged_model *model, ch_error *err)
{
    ch_db_sql(db, "SELECT key, value FROM logged_model_tags WHERE model = ?1 ORDER BY key");
    ch_db_int(db, 1, model->id);
    CH_TRY(ch_pairs_read(db, arena, &model->tags, err));
    ch_db_sql(db, "SELECT key, value FROM logged_model_params WHERE model = ?1 ORDER BY key");
    ch_db_int(db, 1, model->id);
    CH_TRY(ch_pairs_read(db, arena, &model->params, err));
    return read_metrics(db, arena, model, err);
}

static void write_info(ch_json *json, const ch_logged_model *model)
{
    char experiment[24];
    snprintf(experiment, sizeof experiment, "%lld", (long long)model->experiment);
    ch_json_begin(json, '{');
    ch_json_member(json, "model_id", model->model_id);
    ch_json_member(json, "experiment_id", experiment);
    ch_json_member(json, "name", model->name);
    ch_json_member_int(json, "creation_timestamp_ms", model->created);
    ch_json_member_int(json, "last_updated_timestamp_ms", model->updated);
    ch_json_member(json, "artifact_uri", model->artifact_uri);
    ch_json_member(json, "status", STATUSES[model->status >= 0 && model->status < STATUS_COUNT ? model->status : 0]);
    ch_json_member(json, "model_type", model->model_type);
    ch_json_member(json, "source_run_id", model->source_run_id);
    ch_json_member(json, "status_message", model->status_message);
    ch_pairs_write(json, "tags", &model->tags, "key", "value");
    ch_json_end(json, '}');
}

static void write_metric(ch_json *json, const ch_logged_model *model, const ch_logged_metric *metric)
{
    ch_json_begin(json, '{');
    ch_json_member(json, "key", metric->key);
    ch_json_member_double(json, "value", metric->value);
    ch_json_member_int(json, "timestamp", metric->timestamp);
    ch_json_member_int(json, "step", metric->step);
    ch_json_member(json, "dataset_name", *metric->dataset_name ? metric->dataset_name : NULL);
    ch_json_member(json, "dataset_digest", *metric->dataset_digest ? metric->dataset_digest : NULL);
    ch_json_member(json, "model_id", model->model_id);
    ch_json_member(json, "run_id", metric->run_id);
    ch_json_end(json, '}');
}

void ch_logged_model_write(ch_json *json, const ch_logged_model *model)
{
    ch_json_begin(json, '{');
    ch_json_key(json, "info");
    write_info(json, model);
    ch_json_key(json, "data");
    ch_json_begin(json, '{');
    ch_pairs_write(json, "params", &model->params, "key", "value");
    if (model->nmetric) {
        ch_json_key(json, "metrics");
        ch_json_begin(json, '[');
        for (size_t i = 0; i < model->nmetric; i++) write_metric(json, model, &model->metrics[i]);
        ch_json_end(json, ']');
    }
    ch_json_end(json, '}');
    ch_json_end(json, '}');
}

/* ---- what the handlers share ---------------------------------------------------------------------------------- */

/* What a request does, for the functions that run in its transaction. */
typedef struct operation {
    ch_call *call;
    const char *model_id, *key, *name, *model_type, *source_run_id, *experiment;
    json_t *params, *tags;
    bool deleted_too; /* whether a deleted model is found */
    int64_t status;
    ch_logged_model model; /* the answer */
} operation;

/* Reads the operation's model without what belongs to it; fails the call when there is none. */
static int find_model(ch_db *db, operation *op, ch_error *err)
{
    bool more;
    ch_db_sql(db, "SELECT " CH_LOGGED_COLUMNS " FROM logged_models m WHERE m.model_id = ?1 AND m.deleted <= ?2");
    ch_db_text(db, 1, op->model_id);
    ch_db_int(db, 2, op->deleted_too);
    CH_TRY(ch_db_next(db, &more, err));
    if (!more)
        return ch_call_fail(op->call, RESOURCE_DOES_NOT_EXIST, "Logged model with ID '%s' not found.", op->model_id);
    ch_logged_model_row(db, op->call->arena, &op->model);
    return 0;
}

static int read_model(ch_db *db, operation *op, ch_error *err)
{
    CH_TRY(find_model(db, op, err));
    return ch_logged_model_complete(db, op->call->arena, &op->model, err);
}

static void write_answer(operation *op)
{
    ch_json_key(&op->call->out, "model");
    ch_logged_model_write(&op->call->out, &op->model);
}

/* Changes are made to deleted models, too, as MLflow does. */
static operation begin(ch_call *call)
{
    return (operation){
        .call = call, .model_id = ch_or_empty(ch_http_param(call->request, "model_id")), .deleted_too = true};
}

/* ---- making --------------------------------------------------------------------------------------------------- */

static int put_tag(ch_db *db, int64_t model, json_t *tag, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO logged_model_tags(model, key, value) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT (model, key) DO UPDATE SET value = excluded.value");
    ch_db_int(db, 1, model);
    ch_db_text(db, 2, ch_or_empty(ch_item_string(tag, "key")));
    ch_db_text(db, 3, ch_or_empty(ch_item_string(tag, "value")));
    return ch_db_run(db, err);
}

static int put_tags(ch_db *db, const operation *op, ch_error *err)
{
    size_t i;
    json_t *tag;
    json_array_foreach(op->tags, i, tag) CH_TRY(put_tag(db, op->model.id, tag, err));
    return 0;
}

/* A parameter may be logged again only with the value it has. */
static int put_param(ch_db *db, const operation *op, const char *key, const char *value, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO logged_model_params(model, key, value) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT (model, key) DO UPDATE SET value = logged_model_params.value"
                  " WHERE logged_model_params.value = excluded.value");
    ch_db_int(db, 1, op->model.id);
    ch_db_text(db, 2, key);
    ch_db_text(db, 3, value);
    CH_TRY(ch_db_run(db, err));
    if (ch_db_changes(db)) return 0;
    return ch_call_fail(op->call, BAD_REQUEST,
                        "Changing param values is not allowed. Param with key='%s' was already logged with another "
                        "value for the logged model with ID '%s'.",
                        key, op->model.model_id);
}

static int put_params(ch_db *db, const operation *op, ch_error *err)
{
    size_t i;
    json_t *param;
    json_array_foreach(op->params, i, param) CH_TRY(
        put_param(db, op, ch_or_empty(ch_item_string(param, "key")), ch_or_empty(ch_item_string(param, "value")), err));
    return 0;
}

/* LOCATION/models/ID/artifacts, in front of a query that the location may have. */
static const char *artifact_uri(ch_arena *arena, const char *location, const char *model_id)
{
    size_t len = strcspn(location, "?#"), path = len;
    while (path > 0 && location[path - 1] == '/') path--;
    return ch_arena_printf(arena, "%.*s/models/%s/artifacts%s", (int)path, location, model_id, location + len);
}

static int do_create(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    const char *location;
    int64_t experiment;
    char id[33];
    CH_TRY(ch_active_experiment(db, op->call, op->experiment, &experiment, &location, err));
    ch_new_id(id);
    op->model_id = ch_arena_printf(op->call->arena, "m-%s", id);
    ch_db_sql(db, "INSERT INTO logged_models(model_id, experiment, name, artifact_uri, created, updated, status,"
                  " model_type, source_run_id) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8)");
    ch_db_text(db, 1, op->model_id);
    ch_db_int(db, 2, experiment);
    ch_db_text(db, 3, op->name);
    ch_db_text(db, 4, artifact_uri(op->call->arena, location, op->model_id));
    ch_db_int(db, 5, ch_clock_ms());
    ch_db_int(db, 6, STATUS_PENDING);
    ch_db_text(db, 7, op->model_type);
    ch_db_text(db, 8, op->source_run_id);
    CH_TRY(ch_db_run(db, err));
    CH_TRY(find_model(db, op, err));
    CH_TRY(put_params(db, op, err));
    CH_TRY(put_tags(db, op, err));
    return ch_logged_model_complete(db, op->call->arena, &op->model, err);
}

static int create_model(ch_call *call)
{
    operation op = {.call = call,
                    .experiment = ch_call_string(call, "experiment_id"),
                    .name = ch_or_empty(ch_call_string(call, "name")),
                    .model_type = ch_or_empty(ch_call_string(call, "model_type")),
                    .source_run_id = ch_or_empty(ch_call_string(call, "source_run_id")),
                    .params = ch_call_list(call, "params"),
                    .tags = ch_call_list(call, "tags")};
    if (!*op.name) op.name = ch_random_name(call->arena);
    CH_TRY(ch_check_logged_name(call, op.name));
    CH_DB(call, ch_db_write(call->track->pool, do_create, &op, &call->error));
    write_answer(&op);
    return 0;
}

/* ---- reading, finishing, deleting ----------------------------------------------------------------------------- */

static int do_get(ch_db *db, void *arg, ch_error *err)
{
    return read_model(db, arg, err);
}

static int get_model(ch_call *call)
{
    operation op = begin(call);
    op.deleted_too = strcasecmp(ch_or_empty(ch_call_string(call, "allow_deleted")), "true") == 0;
    CH_DB(call, ch_db_read(call->track->pool, do_get, &op, &call->error));
    write_answer(&op);
    return 0;
}

static int do_finalize(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    CH_TRY(find_model(db, op, err));
    ch_db_sql(db, "UPDATE logged_models SET status = ?2, updated = ?3 WHERE id = ?1");
    ch_db_int(db, 1, op->model.id);
    ch_db_int(db, 2, op->status);
    ch_db_int(db, 3, ch_clock_ms());
    CH_TRY(ch_db_run(db, err));
    return read_model(db, op, err);
}

/* The status as protobuf's JSON may have it: the name or the number. False when it is neither. */
static bool read_status(ch_call *call, int64_t *status)
{
    json_t *value = json_object_get(call->args, "status");
    const char *text = json_string_value(value);
    *status = text ? ch_logged_status(text) : json_is_integer(value) ? json_integer_value(value) : -1;
    return *status >= 0 && *status < STATUS_COUNT;
}

static int finalize_model(ch_call *call)
{
    operation op = begin(call);
    if (!ch_call_has(call, "status")) return ch_call_missing(call, "status");
    if (!read_status(call, &op.status)) return ch_call_invalid(call, "status", json_object_get(call->args, "status"));
    CH_DB(call, ch_db_write(call->track->pool, do_finalize, &op, &call->error));
    ch_registry_changed(call->track);
    write_answer(&op);
    return 0;
}

static int do_delete(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    CH_TRY(find_model(db, op, err));
    ch_db_sql(db, "UPDATE logged_models SET deleted = 1, updated = ?2 WHERE id = ?1");
    ch_db_int(db, 1, op->model.id);
    ch_db_int(db, 2, ch_clock_ms());
    return ch_db_run(db, err);
}

static int delete_model(ch_call *call)
{
    operation op = begin(call);
    CH_DB(call, ch_db_write(call->track->pool, do_delete, &op, &call->error));
    ch_registry_changed(call->track);
    return 0;
}

/* ---- params and tags ------------------------------------------------------------------------------------------ */

static int do_log_params(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    CH_TRY(find_model(db, op, err));
    return put_params(db, op, err);
}

static int log_params(ch_call *call)
{
    operation op = begin(call);
    op.params = ch_call_list(call, "params");
    CH_DB(call, ch_db_write(call->track->pool, do_log_params, &op, &call->error));
    return 0;
}

static int do_set_tags(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    CH_TRY(find_model(db, op, err));
    return put_tags(db, op, err);
}

static int set_tags(ch_call *call)
{
    operation op = begin(call);
    op.tags = ch_call_list(call, "tags");
    CH_DB(call, ch_db_write(call->track->pool, do_set_tags, &op, &call->error));
    return 0;
}

static int do_delete_tag(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    CH_TRY(find_model(db, op, err));
    ch_db_sql(db, "DELETE FROM logged_model_tags WHERE model = ?1 AND key = ?2");
    ch_db_int(db, 1, op->model.id);
    ch_db_text(db, 2, op->key);
    CH_TRY(ch_db_run(db, err));
    if (ch_db_changes(db)) return 0;
    return ch_call_fail(op->call, RESOURCE_DOES_NOT_EXIST, "No tag with key '%s' found for model with ID '%s'.",
                        op->key, op->model_id);
}

static int delete_tag(ch_call *call)
{
    operation op = begin(call);
    op.key = ch_or_empty(ch_http_param(call->request, "tag_key"));
    CH_DB(call, ch_db_write(call->track->pool, do_delete_tag, &op, &call->error));
    return 0;
}

/* ---- routes --------------------------------------------------------------------------------------------------- */

/* clang-format off */
#define ON_LOGGED(need) .needs = (need), .on = CH_ON_LOGGED_MODEL, .key = "model_id"

static const ch_track_route ROUTES[] = {
    {"POST", "logged-models", create_model,
     {{"experiment_id", CH_P_STRING, true}, {"name", CH_P_STRING, false}, {"model_type", CH_P_STRING, false},
      {"source_run_id", CH_P_STRING, false}, {"params", CH_P_LIST, false}, {"tags", CH_P_LIST, false}},
     .needs = CH_EDIT, .on = CH_ON_EXPERIMENT, .key = "experiment_id"},
    {"GET", "logged-models/{model_id}", get_model, {{0}}, ON_LOGGED(CH_READ)},
    {"PATCH", "logged-models/{model_id}", finalize_model, {{0}}, ON_LOGGED(CH_EDIT)},
    {"DELETE", "logged-models/{model_id}", delete_model, {{0}}, ON_LOGGED(CH_EDIT)},
    {"POST", "logged-models/{model_id}/params", log_params, {{"params", CH_P_LIST, false}}, ON_LOGGED(CH_EDIT)},
    {"PATCH", "logged-models/{model_id}/tags", set_tags, {{"tags", CH_P_LIST, false}}, ON_LOGGED(CH_EDIT)},
    {"DELETE", "logged-models/{model_id}/tags/{tag_key*}", delete_tag, {{0}}, ON_LOGGED(CH_EDIT)},
};
/* clang-format on */

const ch_track_table ch_logged_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
