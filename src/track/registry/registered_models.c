/* registered_models.c: the registry's models: making, renaming, removing and describing them, their tags and aliases.
 */
#include "track/names.h"
#include "track/registry/registry.h"

#include <string.h>

/* What a request does, for the functions that run in its transaction. */
typedef struct operation {
    ch_call *call;
    const char *name, *new_name, *description, *key, *value, *alias;
    json_t *tags, *stages;
    int64_t version;
    ch_registered *model;     /* the answer */
    ch_version_list versions; /* the answer, too */
} operation;

static int fail_absent(ch_call *call, const char *name)
{
    return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "Registered Model with name=%s not found", name);
}

static int fail_version(ch_call *call, const char *name, int64_t version)
{
    return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "Model Version (name=%s, version=%lld) not found", name,
                        (long long)version);
}

/* The id of the operation's model; fails the call when there is none. */
static int find_model(ch_db *db, const operation *op, int64_t *id, ch_error *err)
{
    CH_TRY(ch_registered_find(db, op->name, id, err));
    return *id ? 0 : fail_absent(op->call, op->name);
}

static int read_answer(ch_db *db, operation *op, const char *name, ch_error *err)
{
    CH_TRY(ch_registered_read(db, op->call->arena, name, &op->model, err));
    return op->model ? 0 : fail_absent(op->call, name);
}

static void write_answer(operation *op)
{
    ch_json_key(&op->call->out, "registered_model");
    ch_registered_write(&op->call->out, op->model);
}

/* ---- making --------------------------------------------------------------------------------------------------- */

static int fail_taken(operation *op)
{
    bool old_prompt = ch_is_prompt(&op->model->tags), new_prompt = ch_tags_mark_prompt(op->tags);
    if (old_prompt == new_prompt)
        return ch_call_fail(op->call, RESOURCE_ALREADY_EXISTS, "%s (name=%s) already exists.",
                            new_prompt ? "Prompt" : "Registered Model", op->name);
    return ch_call_fail(op->call, RESOURCE_ALREADY_EXISTS,
                        "Tried to create a %s with name '%s', but the name is already taken by a %s. MLflow does not "
                        "allow creating a model and a prompt with the same name.",
                        new_prompt ? "prompt" : "registered model", op->name,
                        old_prompt ? "prompt" : "registered model");
}

static int put_tag(ch_db *db, int64_t model, const char *key, const char *value, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO registered_model_tags(model, key, value) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT (model, key) DO UPDATE SET value = excluded.value");
    ch_db_int(db, 1, model);
    ch_db_text(db, 2, key);
    ch_db_text(db, 3, value);
    return ch_db_run(db, err);
}

static int do_create(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t now = ch_clock_ms(), id;
    ch_db_sql(db, "INSERT INTO registered_models(name, description, created, updated) VALUES (?1, ?2, ?3, ?3)"
                  " ON CONFLICT (name) DO NOTHING");
    ch_db_text(db, 1, op->name);
    ch_db_text(db, 2, ch_or_empty(op->description));
    ch_db_int(db, 3, now);
    CH_TRY(ch_db_run(db, err));
    if (ch_db_changes(db) == 0) {
        CH_TRY(read_answer(db, op, op->name, err));
        return fail_taken(op);
    }
    CH_TRY(find_model(db, op, &id, err));
    CH_TRY(ch_auth_own_model(db, op->call, id, err));
    size_t i;
    json_t *tag;
    json_array_foreach(op->tags, i, tag) CH_TRY(
        put_tag(db, id, ch_or_empty(ch_item_string(tag, "key")), ch_or_empty(ch_item_string(tag, "value")), err));
    return read_answer(db, op, op->name, err);
}

static int create_model(ch_call *call)
{
    operation op = {.call = call,
                    .name = ch_call_string(call, "name"),
                    .description = ch_call_string(call, "description"),
                    .tags = ch_call_list(call, "tags")};
    CH_TRY(ch_check_model_name(call, op.name));
    size_t i;
    json_t *tag;
    json_array_foreach(op.tags, i, tag) CH_TRY(ch_check_registry_tag(call, ch_or_empty(ch_item_string(tag, "key")),
                                                                     ch_or_empty(ch_item_string(tag, "value"))));
    CH_DB(call, ch_db_write(call->track->pool, do_create, &op, &call->error));
    ch_registry_changed(call->track);
    write_answer(&op);
    return 0;
}

/* ---- reading and changing ------------------------------------------------------------------------------------- */

static int do_get(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    return read_answer(db, op, op->name, err);
}

static int get_model(ch_call *call)
{
    operation op = {.call = call, .name = ch_call_string(call, "name")};
    CH_TRY(ch_check_model_name(call, op.name));
    CH_DB(call, ch_db_read(call->track->pool, do_get, &op, &call->error));
    write_answer(&op);
    return 0;
}

static int do_update(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    ch_db_sql(db, "UPDATE registered_models SET description = ?2, updated = ?3 WHERE name = ?1");
    ch_db_text(db, 1, op->name);
    ch_db_text(db, 2, ch_or_empty(op->description));
    ch_db_int(db, 3, ch_clock_ms());
    CH_TRY(ch_db_run(db, err));
    return read_answer(db, op, op->name, err);
}

static int update_model(ch_call *call)
{
    operation op = {
        .call = call, .name = ch_call_string(call, "name"), .description = ch_call_string(call, "description")};
    CH_TRY(ch_check_model_name(call, op.name));
    CH_DB(call, ch_db_write(call->track->pool, do_update, &op, &call->error));
    ch_registry_changed(call->track);
    write_answer(&op);
    return 0;
}

static int do_rename(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t id, other, now = ch_clock_ms();
    CH_TRY(find_model(db, op, &id, err));
    CH_TRY(ch_registered_find(db, op->new_name, &other, err));
    if (other && other != id)
        return ch_call_fail(op->call, RESOURCE_ALREADY_EXISTS, "Registered Model (name=%s) already exists.",
                            op->new_name);
    ch_db_sql(db, "UPDATE registered_models SET name = ?2, updated = ?3 WHERE id = ?1");
    ch_db_int(db, 1, id);
    ch_db_text(db, 2, op->new_name);
    ch_db_int(db, 3, now);
    CH_TRY(ch_db_run(db, err));
    ch_db_sql(db, "UPDATE model_versions SET updated = ?2 WHERE model = ?1");
    ch_db_int(db, 1, id);
    ch_db_int(db, 2, now);
    CH_TRY(ch_db_run(db, err));
    return read_answer(db, op, op->new_name, err);
}

static int rename_model(ch_call *call)
{
    operation op = {.call = call, .name = ch_call_string(call, "name"), .new_name = ch_call_string(call, "new_name")};
    if (!op.new_name[strspn(op.new_name, " \t\r\n")])
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Missing value for required parameter 'new_name'.");
    CH_TRY(ch_check_model_name(call, op.new_name));
    CH_TRY(ch_check_model_name(call, op.name));
    CH_DB(call, ch_db_write(call->track->pool, do_rename, &op, &call->error));
    ch_registry_changed(call->track);
    write_answer(&op);
    return 0;
}

static int do_delete(ch_db *db, void *arg, ch_error *err)
{
    static const char *const STATEMENTS[] = {
        "DELETE FROM registered_models WHERE id = ?1",           "DELETE FROM registered_model_tags WHERE model = ?1",
        "DELETE FROM registered_model_aliases WHERE model = ?1", "DELETE FROM model_versions WHERE model = ?1",
        "DELETE FROM model_version_tags WHERE model = ?1",       "DELETE FROM model_permissions WHERE model = ?1",
    };
    operation *op = arg;
    int64_t id;
    CH_TRY(find_model(db, op, &id, err));
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; i++) {
        ch_db_sql(db, STATEMENTS[i]);
        ch_db_int(db, 1, id);
        CH_TRY(ch_db_run(db, err));
    }
    return 0;
}

static int delete_model(ch_call *call)
{
    operation op = {.call = call, .name = ch_call_string(call, "name")};
    CH_TRY(ch_check_model_name(call, op.name));
    CH_DB(call, ch_db_write(call->track->pool, do_delete, &op, &call->error));
    ch_registry_changed(call->track);
    return 0;
}

/* ---- latest versions ------------------------------------------------------------------------------------------ */

/* Drops the versions whose stage was not asked for. */
static int keep_stages(operation *op)
{
    bool wanted[64] = {false};
    size_t i, kept = 0;
    json_t *item;
    if (!json_array_size(op->stages)) return 0;
    json_array_foreach(op->stages, i, item)
    {
        const char *stage = ch_check_stage(op->call, ch_or_empty(json_string_value(item)));
        if (!stage) return (int)op->call->code;
        for (size_t v = 0; v < op->versions.count && v < 64; v++)
            if (strcmp(op->versions.items[v].stage, stage) == 0) wanted[v] = true;
    }
    for (size_t v = 0; v < op->versions.count && v < 64; v++)
        if (wanted[v]) op->versions.items[kept++] = op->versions.items[v];
    op->versions.count = kept;
    return 0;
}

static int do_latest(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t id;
    CH_TRY(find_model(db, op, &id, err));
    CH_TRY(ch_versions_latest(db, op->call->arena, id, NULL, &op->versions, err));
    CH_TRY(keep_stages(op));
    return ch_versions_complete(db, op->call->arena, &op->versions, true, err);
}

static int get_latest_versions(ch_call *call)
{
    operation op = {.call = call, .name = ch_call_string(call, "name"), .stages = ch_call_list(call, "stages")};
    CH_TRY(ch_check_model_name(call, op.name));
    CH_DB(call, ch_db_read(call->track->pool, do_latest, &op, &call->error));
    ch_versions_write(&call->out, "model_versions", &op.versions);
    return 0;
}

/* ---- tags ----------------------------------------------------------------------------------------------------- */

static int do_set_tag(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t id;
    CH_TRY(find_model(db, op, &id, err));
    return put_tag(db, id, op->key, op->value, err);
}

static int set_tag(ch_call *call)
{
    operation op = {.call = call,
                    .name = ch_call_string(call, "name"),
                    .key = ch_call_string(call, "key"),
                    .value = ch_or_empty(ch_call_string(call, "value"))};
    CH_TRY(ch_check_model_name(call, op.name));
    CH_TRY(ch_check_registry_tag(call, op.key, op.value));
    CH_DB(call, ch_db_write(call->track->pool, do_set_tag, &op, &call->error));
    ch_registry_changed(call->track);
    return 0;
}

static int do_delete_tag(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t id;
    CH_TRY(find_model(db, op, &id, err));
    ch_db_sql(db, "DELETE FROM registered_model_tags WHERE model = ?1 AND key = ?2");
    ch_db_int(db, 1, id);
    ch_db_text(db, 2, op->key);
    return ch_db_run(db, err);
}

static int delete_tag(ch_call *call)
{
    operation op = {.call = call, .name = ch_call_string(call, "name"), .key = ch_call_string(call, "key")};
    CH_TRY(ch_check_model_name(call, op.name));
    CH_TRY(ch_check_key(call, "key", op.key));
    CH_DB(call, ch_db_write(call->track->pool, do_delete_tag, &op, &call->error));
    ch_registry_changed(call->track);
    return 0;
}

/* ---- aliases -------------------------------------------------------------------------------------------------- */

static int do_set_alias(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t id;
    ch_version *version = NULL;
    CH_TRY(ch_registered_find(db, op->name, &id, err));
    if (id) CH_TRY(ch_version_read(db, op->call->arena, id, op->version, &version, err));
    if (!version) return fail_version(op->call, op->name, op->version);
    ch_db_sql(db, "INSERT INTO registered_model_aliases(model, alias, version) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version");
    ch_db_int(db, 1, id);
    ch_db_text(db, 2, op->alias);
    ch_db_int(db, 3, op->version);
    return ch_db_run(db, err);
}

static int set_alias(ch_call *call)
{
    operation op = {.call = call, .name = ch_call_string(call, "name"), .alias = ch_call_string(call, "alias")};
    CH_TRY(ch_check_model_name(call, op.name));
    CH_TRY(ch_check_alias(call, op.alias));
    CH_TRY(ch_check_alias_free(call, op.alias));
    CH_TRY(ch_check_version(call, ch_call_string(call, "version"), &op.version));
    CH_DB(call, ch_db_write(call->track->pool, do_set_alias, &op, &call->error));
    ch_registry_changed(call->track);
    return 0;
}

static int do_delete_alias(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t id;
    CH_TRY(find_model(db, op, &id, err));
    ch_db_sql(db, "DELETE FROM registered_model_aliases WHERE model = ?1 AND alias = ?2");
    ch_db_int(db, 1, id);
    ch_db_text(db, 2, op->alias);
    return ch_db_run(db, err);
}

static int delete_alias(ch_call *call)
{
    operation op = {.call = call, .name = ch_call_string(call, "name"), .alias = ch_call_string(call, "alias")};
    CH_TRY(ch_check_model_name(call, op.name));
    CH_TRY(ch_check_alias(call, op.alias));
    CH_DB(call, ch_db_write(call->track->pool, do_delete_alias, &op, &call->error));
    ch_registry_changed(call->track);
    return 0;
}

static int do_get_alias(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    int64_t id, number;
    ch_version *version = NULL;
    bool latest = strcasecmp(op->alias, "latest") == 0;
    CH_TRY(find_model(db, op, &id, err));
    CH_TRY(latest ? ch_version_highest(db, id, NULL, &number, err) : ch_alias_find(db, id, op->alias, &number, err));
    if (!number && latest)
        return ch_call_fail(op->call, RESOURCE_DOES_NOT_EXIST, "Latest version not found for model %s.", op->name);
    if (!number)
        return ch_call_fail(op->call, INVALID_PARAMETER_VALUE, "Registered model alias %s not found.", op->alias);
    CH_TRY(ch_version_read(db, op->call->arena, id, number, &version, err));
    if (!version) return fail_version(op->call, op->name, number);
    op->versions = (ch_version_list){version, 1};
    return 0;
}

static int get_by_alias(ch_call *call)
{
    operation op = {.call = call, .name = ch_call_string(call, "name"), .alias = ch_call_string(call, "alias")};
    CH_TRY(ch_check_model_name(call, op.name));
    CH_TRY(ch_check_alias(call, op.alias));
    CH_DB(call, ch_db_read(call->track->pool, do_get_alias, &op, &call->error));
    ch_json_key(&call->out, "model_version");
    ch_version_write(&call->out, op.versions.items);
    return 0;
}

/* ---- routes --------------------------------------------------------------------------------------------------- */

/* clang-format off */
#define NAME           {"name", CH_P_STRING, true}
#define ON_MODEL(need) .needs = (need), .on = CH_ON_MODEL, .key = "name"

static const ch_track_route ROUTES[] = {
    {"POST", "registered-models/create", create_model,
     {NAME, {"tags", CH_P_LIST, false}, {"description", CH_P_STRING, false}}, .needs = CH_EDIT, .on = CH_ON_NOTHING},
    {"GET", "registered-models/get", get_model, {NAME}, ON_MODEL(CH_READ)},
    {"PATCH", "registered-models/update", update_model, {NAME, {"description", CH_P_STRING, false}}, ON_MODEL(CH_EDIT)},
    {"POST", "registered-models/rename", rename_model, {NAME, {"new_name", CH_P_STRING, true}}, ON_MODEL(CH_EDIT)},
    {"DELETE", "registered-models/delete", delete_model, {NAME}, ON_MODEL(CH_MANAGE)},
    {"POST", "registered-models/get-latest-versions", get_latest_versions, {NAME, {"stages", CH_P_LIST, false}},
     ON_MODEL(CH_READ)},
    {"GET", "registered-models/get-latest-versions", get_latest_versions, {NAME, {"stages", CH_P_LIST, false}},
     ON_MODEL(CH_READ)},
    {"POST", "registered-models/set-tag", set_tag, {NAME, {"key", CH_P_STRING, true}, {"value", CH_P_STRING, false}},
     ON_MODEL(CH_EDIT)},
    {"DELETE", "registered-models/delete-tag", delete_tag, {NAME, {"key", CH_P_STRING, true}}, ON_MODEL(CH_EDIT)},
    {"POST", "registered-models/alias", set_alias,
     {NAME, {"alias", CH_P_STRING, true}, {"version", CH_P_STRING, true}}, ON_MODEL(CH_EDIT)},
    {"DELETE", "registered-models/alias", delete_alias, {NAME, {"alias", CH_P_STRING, true}}, ON_MODEL(CH_EDIT)},
    {"GET", "registered-models/alias", get_by_alias, {NAME, {"alias", CH_P_STRING, true}}, ON_MODEL(CH_READ)},
};
/* clang-format on */

const ch_track_table ch_registry_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
