/* model_versions.c: the versions of registered models: making, stages, tags, descriptions, and where their files are.
 */
#include "track/names.h"
#include "track/registry/registry.h"

#include <stdlib.h>
#include <string.h>

/* What a request does, for the functions that run in its transaction. */
typedef struct operation {
    ch_call *call;
    const char *name, *description, *run_link, *key, *value, *stage;
    json_t *tags;
    int64_t number;
    bool archive;
    ch_version_source source;
    ch_version *version; /* the answer */
} operation;

/* The version of the operation, read whole; fails the call when there is none. */
static int find_version(ch_db *db, operation *op, ch_error *err)
{
    int64_t model;
    op->version = NULL;
    CH_TRY(ch_registered_find(db, op->name, &model, err));
    if (model) CH_TRY(ch_version_read(db, op->call->arena, model, op->number, &op->version, err));
    if (op->version) return 0;
    return ch_call_fail(op->call, RESOURCE_DOES_NOT_EXIST, "Model Version (name=%s, version=%lld) not found", op->name,
                        (long long)op->number);
}

/* Checks the name and number that most requests begin with. */
static int begin(ch_call *call, operation *op)
{
    *op = (operation){.call = call, .name = ch_or_empty(ch_call_string(call, "name"))};
    CH_TRY(ch_check_model_name(call, op->name));
    return ch_check_version(call, ch_or_empty(ch_call_string(call, "version")), &op->number);
}

static void write_answer(operation *op)
{
    ch_json_key(&op->call->out, "model_version");
    ch_version_write(&op->call->out, op->version);
}

/* ---- making --------------------------------------------------------------------------------------------------- */

static int put_tag(ch_db *db, int64_t model, int64_t version, const char *key, const char *value, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO model_version_tags(model, version, key, value) VALUES (?1, ?2, ?3, ?4)"
                  " ON CONFLICT (model, version, key) DO UPDATE SET value = excluded.value");
    ch_db_int(db, 1, model);
    ch_db_int(db, 2, version);
    ch_db_text(db, 3, key);
    ch_db_text(db, 4, value);
    return ch_db_run(db, err);
}

/* Takes the next number of the model; fails the call when there is no such model. */
static int take_number(ch_db *db, operation *op, int64_t now, int64_t *model, ch_error *err)
{
    bool more;
    ch_db_sql(db, "UPDATE registered_models SET next_version = next_version + 1, updated = ?2 WHERE name = ?1"
                  " RETURNING id, next_version - 1");
    ch_db_text(db, 1, op->name);
    ch_db_int(db, 2, now);
    CH_TRY(ch_db_next(db, &more, err));
    if (!more)
        return ch_call_fail(op->call, RESOURCE_DOES_NOT_EXIST, "Registered Model with name=%s not found", op->name);
    *model = ch_db_get_int(db, 0);
    op->number = ch_db_get_int(db, 1);
    while (more) CH_TRY(ch_db_next(db, &more, err));
    return 0;
}

/* Notes the version in the logged model's tag mlflow.modelVersions, a list of {"name", "version"}. */
static int note_in_logged_model(ch_db *db, operation *op, ch_error *err)
{
    bool more;
    const char *old = NULL;
    ch_db_sql(db, "SELECT t.value FROM logged_model_tags t JOIN logged_models m ON m.id = t.model"
                  " WHERE m.model_id = ?1 AND t.key = 'mlflow.modelVersions'");
    ch_db_text(db, 1, op->source.model_id);
    CH_TRY(ch_db_next(db, &more, err));
    if (more) old = ch_arena_strdup(op->call->arena, ch_db_get_text(db, 0));
    json_t *list = old ? json_loads(old, 0, NULL) : NULL;
    if (!json_is_array(list)) {
        json_decref(list);
        list = json_array();
    }
    json_array_append_new(list, json_pack("{s:s, s:I}", "name", op->name, "version", (json_int_t)op->number));
    char *text = json_dumps(list, 0);
    json_decref(list);
    ch_db_sql(db, "INSERT INTO logged_model_tags(model, key, value)"
                  " SELECT id, 'mlflow.modelVersions', ?2 FROM logged_models WHERE model_id = ?1"
                  " ON CONFLICT (model, key) DO UPDATE SET value = excluded.value");
    ch_db_text(db, 1, op->source.model_id);
    ch_db_text(db, 2, text);
    int failed = ch_db_run(db, err);
    free(text);
    return failed;
}

static int insert_version(ch_db *db, const operation *op, int64_t model, int64_t now, ch_error *err)
{
    const ch_version_source *s = &op->source;
    ch_db_sql(db, "INSERT INTO model_versions(model, version, created, updated, description, source, storage_location,"
                  " run_id, run_link, model_id) VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    ch_db_int(db, 1, model);
    ch_db_int(db, 2, op->number);
    ch_db_int(db, 3, now);
    ch_db_text(db, 4, op->description);
    ch_db_text(db, 5, s->source);
    ch_db_text(db, 6, s->storage_location);
    ch_db_text(db, 7, ch_or_empty(s->run_id));
    ch_db_text(db, 8, op->run_link);
    ch_db_text(db, 9, s->model_id && *s->model_id ? s->model_id : NULL);
    CH_TRY(ch_db_run(db, err));
    size_t i;
    json_t *tag;
    json_array_foreach(op->tags, i, tag) CH_TRY(put_tag(db, model, op->number, ch_or_empty(ch_item_string(tag, "key")),
                                                        ch_or_empty(ch_item_string(tag, "value")), err));
    return 0;
}

/* The name and the tags are checked after the source, as MLflow does. */
static int check_names(const operation *op)
{
    CH_TRY(ch_check_model_name(op->call, op->name));
    size_t i;
    json_t *tag;
    json_array_foreach(op->tags, i, tag) CH_TRY(ch_check_registry_tag(op->call, ch_or_empty(ch_item_string(tag, "key")),
                                                                      ch_or_empty(ch_item_string(tag, "value"))));
    return 0;
}

static int do_create(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t model, now = ch_clock_ms();
    CH_TRY(ch_version_source_check(db, op->call, &op->source, err));
    CH_TRY(check_names(op));
    CH_TRY(ch_version_source_locate(db, op->call, &op->source, err));
    CH_TRY(take_number(db, op, now, &model, err));
    CH_TRY(insert_version(db, op, model, now, err));
    bool by_model = op->source.model_id && *op->source.model_id && !op->source.prompt;
    if (by_model) CH_TRY(note_in_logged_model(db, op, err));
    return find_version(db, op, err);
}

/* Who may read a version may read its files: its maker must have been allowed to read where they come from. */
static int check_readable(ch_call *call, const ch_version_source *s)
{
    ch_models_uri uri = {0};
    CH_TRY(ch_auth_require_read(call, CH_ON_RUN, s->run_id));
    CH_TRY(ch_auth_require_read(call, CH_ON_LOGGED_MODEL, s->model_id));
    if (!s->source || !ch_models_uri_parse(call->arena, s->source, &uri)) return 0;
    CH_TRY(ch_auth_require_read(call, CH_ON_LOGGED_MODEL, uri.model_id));
    return ch_auth_require_read(call, CH_ON_MODEL, uri.name);
}

static int create_version(ch_call *call)
{
    operation op = {.call = call,
                    .name = ch_call_string(call, "name"),
                    .description = ch_or_empty(ch_call_string(call, "description")),
                    .run_link = ch_or_empty(ch_call_string(call, "run_link")),
                    .tags = ch_call_list(call, "tags")};
    op.source = (ch_version_source){.source = ch_call_string(call, "source"),
                                    .run_id = ch_call_string(call, "run_id"),
                                    .model_id = ch_call_string(call, "model_id"),
                                    .has_run_id = ch_call_has(call, "run_id"),
                                    .has_model_id = ch_call_has(call, "model_id"),
                                    .prompt = ch_tags_mark_prompt(op.tags)};
    CH_TRY(ch_version_source_allowed(call, op.source.source));
    CH_TRY(check_readable(call, &op.source));
    CH_DB(call, ch_db_write(call->track->pool, do_create, &op, &call->error));
    ch_registry_changed(call->track);
    write_answer(&op);
    return 0;
}

/* ---- reading and changing ------------------------------------------------------------------------------------- */

static int do_get(ch_db *db, void *arg, ch_error *err)
{
    return find_version(db, arg, err);
}

static int get_version(ch_call *call)
{
    operation op;
    CH_TRY(begin(call, &op));
    CH_DB(call, ch_db_read(call->track->pool, do_get, &op, &call->error));
    write_answer(&op);
    return 0;
}

static int get_download_uri(ch_call *call)
{
    operation op;
    CH_TRY(begin(call, &op));
    CH_DB(call, ch_db_read(call->track->pool, do_get, &op, &call->error));
    const char *location = op.version->storage_location;
    ch_json_member(&call->out, "artifact_uri", location && *location ? location : op.version->source);
    return 0;
}

static int do_update(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    CH_TRY(find_version(db, op, err));
    ch_db_sql(db, "UPDATE model_versions SET description = ?3, updated = ?4 WHERE model = ?1 AND version = ?2");
    ch_db_int(db, 1, op->version->model);
    ch_db_int(db, 2, op->number);
    ch_db_text(db, 3, op->description);
    ch_db_int(db, 4, ch_clock_ms());
    CH_TRY(ch_db_run(db, err));
    return find_version(db, op, err);
}

static int update_version(ch_call *call)
{
    operation op;
    CH_TRY(begin(call, &op));
    op.description = ch_call_string(call, "description");
    CH_DB(call, ch_db_write(call->track->pool, do_update, &op, &call->error));
    ch_registry_changed(call->track);
    write_answer(&op);
    return 0;
}

/* Version and model changed now. */
static int touch_model(ch_db *db, int64_t model, int64_t now, ch_error *err)
{
    ch_db_sql(db, "UPDATE registered_models SET updated = ?2 WHERE id = ?1");
    ch_db_int(db, 1, model);
    ch_db_int(db, 2, now);
    return ch_db_run(db, err);
}

static int do_delete(ch_db *db, void *arg, ch_error *err)
{
    static const char *const STATEMENTS[] = {
        "DELETE FROM model_versions WHERE model = ?1 AND version = ?2",
        "DELETE FROM model_version_tags WHERE model = ?1 AND version = ?2",
        "DELETE FROM registered_model_aliases WHERE model = ?1 AND version = ?2",
    };
    operation *op = arg;
    CH_TRY(find_version(db, op, err));
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; i++) {
        ch_db_sql(db, STATEMENTS[i]);
        ch_db_int(db, 1, op->version->model);
        ch_db_int(db, 2, op->number);
        CH_TRY(ch_db_run(db, err));
    }
    return touch_model(db, op->version->model, ch_clock_ms(), err);
}

static int delete_version(ch_call *call)
{
    operation op;
    CH_TRY(begin(call, &op));
    CH_DB(call, ch_db_write(call->track->pool, do_delete, &op, &call->error));
    ch_registry_changed(call->track);
    return 0;
}

/* ---- stages --------------------------------------------------------------------------------------------------- */

static int do_transition(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t now = ch_clock_ms();
    CH_TRY(find_version(db, op, err));
    if (op->archive) {
        ch_db_sql(db, "UPDATE model_versions SET stage = 'Archived', updated = ?4"
                      " WHERE model = ?1 AND version <> ?2 AND stage = ?3");
        ch_db_int(db, 1, op->version->model);
        ch_db_int(db, 2, op->number);
        ch_db_text(db, 3, op->stage);
        ch_db_int(db, 4, now);
        CH_TRY(ch_db_run(db, err));
    }
    ch_db_sql(db, "UPDATE model_versions SET stage = ?3, updated = ?4 WHERE model = ?1 AND version = ?2");
    ch_db_int(db, 1, op->version->model);
    ch_db_int(db, 2, op->number);
    ch_db_text(db, 3, op->stage);
    ch_db_int(db, 4, now);
    CH_TRY(ch_db_run(db, err));
    CH_TRY(touch_model(db, op->version->model, now, err));
    return find_version(db, op, err);
}

static int transition_stage(ch_call *call)
{
    operation op = {.call = call, .name = ch_call_string(call, "name")};
    const char *asked = ch_call_string(call, "stage");
    op.stage = ch_check_stage(call, asked);
    if (!op.stage) return (int)call->code;
    op.archive = ch_call_bool(call, "archive_existing_versions");
    bool active = strcmp(op.stage, "Staging") == 0 || strcmp(op.stage, "Production") == 0;
    if (op.archive && !active)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Model version transition cannot archive existing model versions because '%s' is not an "
                            "Active stage. Valid stages are ['Staging', 'Production']",
                            asked);
    CH_TRY(ch_check_model_name(call, op.name));
    CH_TRY(ch_check_version(call, ch_call_string(call, "version"), &op.number));
    CH_DB(call, ch_db_write(call->track->pool, do_transition, &op, &call->error));
    ch_registry_changed(call->track);
    write_answer(&op);
    return 0;
}

/* ---- tags ----------------------------------------------------------------------------------------------------- */

static int do_set_tag(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    CH_TRY(find_version(db, op, err));
    return put_tag(db, op->version->model, op->number, op->key, op->value, err);
}

static int set_tag(ch_call *call)
{
    operation op;
    CH_TRY(begin(call, &op));
    op.key = ch_call_string(call, "key");
    op.value = ch_or_empty(ch_call_string(call, "value"));
    CH_TRY(ch_check_registry_tag(call, op.key, op.value));
    CH_DB(call, ch_db_write(call->track->pool, do_set_tag, &op, &call->error));
    ch_registry_changed(call->track);
    return 0;
}

static int do_delete_tag(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    CH_TRY(find_version(db, op, err));
    ch_db_sql(db, "DELETE FROM model_version_tags WHERE model = ?1 AND version = ?2 AND key = ?3");
    ch_db_int(db, 1, op->version->model);
    ch_db_int(db, 2, op->number);
    ch_db_text(db, 3, op->key);
    return ch_db_run(db, err);
}

static int delete_tag(ch_call *call)
{
    operation op;
    CH_TRY(begin(call, &op));
    op.key = ch_call_string(call, "key");
    CH_TRY(ch_check_key(call, "key", op.key));
    CH_DB(call, ch_db_write(call->track->pool, do_delete_tag, &op, &call->error));
    ch_registry_changed(call->track);
    return 0;
}

/* ---- routes --------------------------------------------------------------------------------------------------- */

/* clang-format off */
#define VERSION        {"name", CH_P_STRING, true}, {"version", CH_P_STRING, true}
#define ON_MODEL(need) .needs = (need), .on = CH_ON_MODEL, .key = "name"

static const ch_track_route ROUTES[] = {
    {"POST", "model-versions/create", create_version,
     {{"name", CH_P_STRING, true}, {"source", CH_P_STRING, true}, {"run_id", CH_P_STRING, false},
      {"tags", CH_P_LIST, false}, {"run_link", CH_P_STRING, false}, {"description", CH_P_STRING, false},
      {"model_id", CH_P_STRING, false}}, ON_MODEL(CH_EDIT)},
    {"GET", "model-versions/get", get_version, {VERSION}, ON_MODEL(CH_READ)},
    {"PATCH", "model-versions/update", update_version, {VERSION, {"description", CH_P_STRING, false}},
     ON_MODEL(CH_EDIT)},
    {"DELETE", "model-versions/delete", delete_version, {VERSION}, ON_MODEL(CH_MANAGE)},
    {"GET", "model-versions/get-download-uri", get_download_uri, {{0}}, ON_MODEL(CH_READ)},
    {"POST", "model-versions/transition-stage", transition_stage,
     {VERSION, {"stage", CH_P_STRING, true}, {"archive_existing_versions", CH_P_BOOL, false}}, ON_MODEL(CH_EDIT)},
    {"POST", "model-versions/set-tag", set_tag, {VERSION, {"key", CH_P_STRING, true}, {"value", CH_P_STRING, false}},
     ON_MODEL(CH_EDIT)},
    {"DELETE", "model-versions/delete-tag", delete_tag, {VERSION, {"key", CH_P_STRING, true}}, ON_MODEL(CH_EDIT)},
};
/* clang-format on */

const ch_track_table ch_version_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
