/* runs.c: /runs/...: create, get, update, delete softly and restore, and everything that is logged into a run. */
#include "track/run/run_log.h"
#include "track/validate.h"

#include <stdlib.h>
#include <string.h>

/* --- create ---- */

/* A tag's value in a request's list; NULL when absent. */
static const char *find_tag(json_t *tags, const char *key)
{
    size_t i;
    json_t *tag;
    json_array_foreach(tags, i, tag)
    {
        const char *name = ch_item_string(tag, "key");
        if (name && strcmp(name, key) == 0) return ch_item_string(tag, "value");
    }
    return NULL;
}

static int choose_name(ch_call *call, const char **name)
{
    const char *given = ch_call_string(call, "run_name");
    const char *tag = find_tag(ch_call_list(call, "tags"), "mlflow.runName");
    if (given && *given && tag && *tag && strcmp(given, tag) != 0) {
        return ch_call_fail(
            call, INVALID_PARAMETER_VALUE,
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
            "(run_name='%s', mlflow.runName='%s').",
            given, tag);
    }
    *name = given && *given ? given : tag && *tag ? tag : ch_random_name(call->arena);
    return 0;
}

/* Where a new run of the experiment keeps its artifacts. Fails for experiments that are not active. */
static int find_artifact_uri(ch_call *call, ch_db *db, ch_run *run, ch_error *err)
{
    bool more;
    ch_db_sql(db, "SELECT artifact_location, deleted FROM experiments WHERE id = ?1");
    ch_db_int(db, 1, run->experiment);
    CH_TRY(ch_db_next(db, &more, err));
    if (!more) {
        return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "No Experiment with id=%lld exists",
                            (long long)run->experiment);
    }
    if (ch_db_get_int(db, 1)) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "The experiment %lld must be in the 'active' state. Current state is deleted.",
                            (long long)run->experiment);
    }
    const char *location = ch_db_get_text(db, 0);
    size_t len = strlen(location), path = strcspn(location, "?");
    size_t end = path;
    while (end > 0 && location[end - 1] == '/') end--;
    run->artifact_uri = ch_arena_printf(call->arena, "%.*s/%s/artifacts%.*s", (int)end, location, run->run_id,
                                        (int)(len - path), location + path);
    return 0;
}

typedef struct creation {
    ch_call *call;
    ch_run run;
} creation;

static int create_in(ch_db *db, void *arg, ch_error *err)
{
    creation *c = arg;
    ch_run *run = &c->run;
    bool more;
    CH_TRY(find_artifact_uri(c->call, db, run, err));
    ch_db_sql(db, "INSERT INTO runs(run_id, experiment, name, user_id, status, start_time, artifact_uri) "
                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id");
    ch_db_text(db, 1, run->run_id);
    ch_db_int(db, 2, run->experiment);
    ch_db_text(db, 3, run->name);
    ch_db_text(db, 4, run->user_id);
    ch_db_text(db, 5, run->status);
    ch_db_int(db, 6, run->start_time);
    ch_db_text(db, 7, run->artifact_uri);
    CH_TRY(ch_db_next(db, &more, err));
    run->id = ch_db_get_int(db, 0);
    size_t i;
    json_t *tag;
    json_array_foreach(ch_call_list(c->call, "tags"), i, tag)
    {
        CH_TRY(ch_run_set_tag(db, run, ch_or_empty(ch_item_string(tag, "key")),
                              ch_or_empty(ch_item_string(tag, "value")), err));
    }
    return ch_run_set_tag(db, run, "mlflow.runName", run->name, err);
}

/* The tags of a new run: those of the request and its name. */
static void write_new_tags(ch_call *call, const ch_run *run)
{
    ch_json *out = &call->out;
    json_t *tags = ch_call_list(call, "tags"), *tag;
    size_t i;
    ch_json_key(out, "tags");
    ch_json_begin(out, '[');
    json_array_foreach(tags, i, tag)
    {
        ch_json_begin(out, '{');
        ch_json_member(out, "key", ch_or_empty(ch_item_string(tag, "key")));
        ch_json_member(out, "value", ch_or_empty(ch_item_string(tag, "value")));
        ch_json_end(out, '}');
    }
    if (!find_tag(tags, "mlflow.runName")) {
        ch_json_begin(out, '{');
        ch_json_member(out, "key", "mlflow.runName");
        ch_json_member(out, "value", run->name);
        ch_json_end(out, '}');
    }
    ch_json_end(out, ']');
}

static int create(ch_call *call)
{
    char id[33];
    creation c = {.call = call};
    ch_new_id(id);
    c.run = (ch_run){
        .run_id = id,
        .user_id = ch_or_empty(ch_call_string(call, "user_id")),
        .status = "RUNNING",
        .start_time = ch_call_int(call, "start_time", 0),
    };
    CH_TRY(ch_read_experiment_id(call, ch_call_string(call, "experiment_id"), &c.run.experiment));
    CH_TRY(choose_name(call, &c.run.name));
    CH_DB(call, ch_db_write(call->track->pool, create_in, &c, &call->error));
    ch_json *out = &call->out;
    ch_json_key(out, "run");
    ch_json_begin(out, '{');
    ch_json_key(out, "info");
    ch_run_write_info(out, &c.run);
    ch_json_key(out, "data");
    ch_json_begin(out, '{');
    write_new_tags(call, &c.run);
    ch_json_end(out, '}');
    ch_json_key(out, "inputs");
    ch_json_begin(out, '{');
    ch_json_end(out, '}');
    ch_json_end(out, '}');
    return 0;
}

/* --- get ---- */

static int get_in(ch_db *db, void *arg, ch_error *err)
{
    ch_call *call = arg;
    ch_run run;
    ch_run_data data;
    CH_TRY(ch_run_find(call, db, ch_call_string(call, "run_id"), &run, err));
    CH_TRY(ch_run_data_load(db, call->arena, &run, 1, &data, err));
    ch_json_key(&call->out, "run");
    ch_run_write(&call->out, &run, &data, 0);
    ch_run_data_reset(&data);
    return 0;
}

static int get(ch_call *call)
{
    CH_DB(call, ch_db_read(call->track->pool, get_in, call, &call->error));
    return 0;
}

/* --- update ---- */

/* RunStatus by its name or number; NULL for what is neither, which changes nothing. */
static const char *read_status(ch_call *call)
{
    static const char *const NAMES[] = {NULL, "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"};
    enum { NAME_COUNT = sizeof NAMES / sizeof *NAMES };
    const char *text = ch_call_string(call, "status");
    int64_t number = text ? 0 : ch_call_int(call, "status", 0);
    if (number > 0 && number < NAME_COUNT) return NAMES[number];
    for (int i = 1; text && i < NAME_COUNT; i++) {
        if (strcmp(text, NAMES[i]) == 0) return NAMES[i];
    }
    return NULL;
}

typedef struct change {
    ch_call *call;
    ch_run run;
} change;

static int update_in(ch_db *db, void *arg, ch_error *err)
{
    change *c = arg;
    ch_run *run = &c->run;
    const char *name = ch_call_string(c->call, "run_name"), *status = read_status(c->call);
    CH_TRY(ch_run_find_active(c->call, db, ch_call_string(c->call, "run_id"), run, err));
    if (status) run->status = status;
    if (ch_call_has(c->call, "end_time")) {
        run->end_time = ch_call_int(c->call, "end_time", 0);
        run->has_end = true;
    }
    if (name && *name) {
        run->name = name;
        CH_TRY(ch_run_set_tag(db, run, "mlflow.runName", name, err));
    }
    ch_db_sql(db, "UPDATE runs SET status = ?2, end_time = ?3 WHERE id = ?1");
    ch_db_int(db, 1, run->id);
    ch_db_text(db, 2, run->status);
    if (run->has_end)
        ch_db_int(db, 3, run->end_time);
    else
        ch_db_null(db, 3);
    return ch_db_run(db, err);
}

static int update(ch_call *call)
{
    change c = {.call = call};
    CH_DB(call, ch_db_write(call->track->pool, update_in, &c, &call->error));
    ch_json_key(&call->out, "run_info");
    ch_run_write_info(&call->out, &c.run);
    return 0;
}

static int set_deleted(ch_call *call, ch_db *db, bool deleted, ch_error *err)
{
    ch_run run;
    CH_TRY(ch_run_find(call, db, ch_call_string(call, "run_id"), &run, err));
    ch_db_sql(db, "UPDATE runs SET deleted = ?2, deleted_time = ?3 WHERE id = ?1");
    ch_db_int(db, 1, run.id);
    ch_db_int(db, 2, deleted);
    if (deleted)
        ch_db_int(db, 3, ch_clock_ms());
    else
        ch_db_null(db, 3);
    return ch_db_run(db, err);
}

static int delete_in(ch_db *db, void *arg, ch_error *err)
{
    return set_deleted(arg, db, true, err);
}

static int delete_softly(ch_call *call)
{
    return ch_call_write(call, delete_in);
}

static int restore_in(ch_db *db, void *arg, ch_error *err)
{
    return set_deleted(arg, db, false, err);
}

static int restore(ch_call *call)
{
    return ch_call_write(call, restore_in);
}

/* --- one param, one tag ---- */

static int log_param_in(ch_db *db, void *arg, ch_error *err)
{
    ch_call *call = arg;
    ch_run run;
    ch_key_value param = {ch_call_string(call, "key"), ch_or_empty(ch_call_string(call, "value"))};
    param.value = ch_shorten(call->arena, param.value, CH_PARAM_MAX);
    CH_TRY(ch_run_find_active(call, db, ch_call_string(call, "run_id"), &run, err));
    return ch_run_log_params(call, db, &run, &param, 1, true, err);
}

static int log_param(ch_call *call)
{
    const char *key = ch_call_string(call, "key");
    CH_TRY(ch_check_name(call, key, "key"));
    CH_TRY(ch_check_length(call, "Param key", CH_KEY_MAX, key));
    return ch_call_write(call, log_param_in);
}

static int set_tag_in(ch_db *db, void *arg, ch_error *err)
{
    ch_call *call = arg;
    ch_run run;
    const char *value = ch_shorten(call->arena, ch_or_empty(ch_call_string(call, "value")), CH_TAG_MAX);
    CH_TRY(ch_run_find_active(call, db, ch_call_string(call, "run_id"), &run, err));
    return ch_run_set_tag(db, &run, ch_call_string(call, "key"), value, err);
}

static int set_tag(ch_call *call)
{
    const char *key = ch_call_string(call, "key");
    CH_TRY(ch_check_name(call, key, "key"));
    CH_TRY(ch_check_length(call, "key", CH_KEY_MAX, key));
    return ch_call_write(call, set_tag_in);
}

static int delete_tag_in(ch_db *db, void *arg, ch_error *err)
{
    ch_call *call = arg;
    ch_run run;
    CH_TRY(ch_run_find_active(call, db, ch_call_string(call, "run_id"), &run, err));
    ch_db_sql(db, "DELETE FROM tags WHERE run = ?1 AND key = ?2");
    ch_db_int(db, 1, run.id);
    ch_db_text(db, 2, ch_call_string(call, "key"));
    CH_TRY(ch_db_run(db, err));
    if (ch_db_changes(db) > 0) return 0;
    return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "No tag with name: %s in run with id %s",
                        ch_call_string(call, "key"), run.run_id);
}

static int delete_tag(ch_call *call)
{
    return ch_call_write(call, delete_tag_in);
}

/* --- routes ---- */

#define RUN_ID                                                                                                         \
    {                                                                                                                  \
        "run_id", CH_P_STRING, true                                                                                    \
    }
#define OF_RUN(permission) .needs = permission, .on = CH_ON_RUN, .key = "run_id"

static const ch_track_route ROUTES[] = {
    {.method = "POST",
     .path = "runs/create",
     .handler = create,
     .params = {{"experiment_id", CH_P_STRING, false},
                {"start_time", CH_P_INT, false},
                {"run_name", CH_P_STRING, false},
                {"tags", CH_P_LIST, false}},
     .needs = CH_EDIT,
     .on = CH_ON_EXPERIMENT,
     .key = "experiment_id"},
    {.method = "GET", .path = "runs/get", .handler = get, .params = {RUN_ID}, OF_RUN(CH_READ)},
    {.method = "POST",
     .path = "runs/update",
     .handler = update,
     .params = {RUN_ID, {"end_time", CH_P_INT, false}, {"run_name", CH_P_STRING, false}},
     OF_RUN(CH_EDIT)},
    {.method = "POST", .path = "runs/delete", .handler = delete_softly, .params = {RUN_ID}, OF_RUN(CH_MANAGE)},
    {.method = "POST", .path = "runs/restore", .handler = restore, .params = {RUN_ID}, OF_RUN(CH_MANAGE)},
    {.method = "POST",
     .path = "runs/log-parameter",
     .handler = log_param,
     .params = {RUN_ID, {"key", CH_P_STRING, true}, {"value", CH_P_STRING, false}},
     OF_RUN(CH_EDIT)},
    {.method = "POST",
     .path = "runs/set-tag",
     .handler = set_tag,
     .params = {RUN_ID, {"key", CH_P_STRING, true}, {"value", CH_P_STRING, false}},
     OF_RUN(CH_EDIT)},
    {.method = "POST",
     .path = "runs/delete-tag",
     .handler = delete_tag,
     .params = {RUN_ID, {"key", CH_P_STRING, true}},
     OF_RUN(CH_EDIT)},
};

const ch_track_table ch_run_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
