/* auth_grants.c: permissions over REST: experiments/permissions and registered-models/permissions as MLflow has had
 * them from the start, and users/permissions which its client of 3.17 uses instead. */
#include "track/auth/auth_internal.h"

#include <stdlib.h>
#include <string.h>

/* The two kinds of things that permissions are on: where the rows are, and the words of the messages. */
typedef struct grant_kind {
    ch_access_on on;
    const char *type;                               /* resource_type of users/permissions */
    const char *parameter;                          /* that names the thing */
    const char *member;                             /* of the answer */
    const char *absent;                             /* "... with PARAMETER=x and username=y not found" */
    const char *find, *put, *get, *update, *remove; /* SQL: ?1 the thing, ?2 the user's number, ?3 the permission */
} grant_kind;

static const grant_kind EXPERIMENT = {
    .on = CH_ON_EXPERIMENT,
    .type = "experiment",
    .parameter = "experiment_id",
    .member = "experiment_permission",
    .absent = "Experiment permission",
    .find = "SELECT id FROM experiments WHERE CAST(id AS TEXT) = ?1",
    .put = "INSERT INTO experiment_permissions(experiment, user_number, permission) VALUES (?1, ?2, ?3)"
           " ON CONFLICT (experiment, user_number) DO NOTHING",
    .get = "SELECT permission FROM experiment_permissions WHERE experiment = ?1 AND user_number = ?2",
    .update = "UPDATE experiment_permissions SET permission = ?3 WHERE experiment = ?1 AND user_number = ?2",
    .remove = "DELETE FROM experiment_permissions WHERE experiment = ?1 AND user_number = ?2",
};

static const grant_kind MODEL = {
    .on = CH_ON_MODEL,
    .type = "registered_model",
    .parameter = "name",
    .member = "registered_model_permission",
    .absent = "Registered model permission",
    .find = "SELECT id FROM registered_models WHERE name = ?1",
    .put = "INSERT INTO model_permissions(model, user_number, permission) VALUES (?1, ?2, ?3)"
           " ON CONFLICT (model, user_number) DO NOTHING",
    .get = "SELECT permission FROM model_permissions WHERE model = ?1 AND user_number = ?2",
    .update = "UPDATE model_permissions SET permission = ?3 WHERE model = ?1 AND user_number = ?2",
    .remove = "DELETE FROM model_permissions WHERE model = ?1 AND user_number = ?2",
};

typedef enum grant_action { GRANT_CREATE, GRANT_GET, GRANT_UPDATE, GRANT_DELETE, GRANT_PUT } grant_action;

typedef struct grant {
    ch_call *call;
    const grant_kind *kind;
    grant_action action;
    const char *thing, *username, *permission;
    auth_user user;
} grant;

static int fail_absent_thing(const grant *g)
{
    return g->kind == &MODEL
               ? ch_call_fail(g->call, RESOURCE_DOES_NOT_EXIST, "Registered Model with name=%s not found", g->thing)
               : ch_call_fail(g->call, RESOURCE_DOES_NOT_EXIST, "No Experiment with id=%s exists", g->thing);
}

static int fail_absent(const grant *g)
{
    return ch_call_fail(g->call, RESOURCE_DOES_NOT_EXIST, "%s with %s=%s and username=%s not found", g->kind->absent,
                        g->kind->parameter, g->thing, g->username);
}

static int find_thing(ch_db *db, const grant *g, int64_t *id, ch_error *err)
{
    bool more;
    ch_db_sql(db, g->kind->find);
    ch_db_text(db, 1, g->thing);
    CH_TRY(ch_db_next(db, &more, err));
    if (!more) return fail_absent_thing(g);
    *id = ch_db_get_int(db, 0);
    return 0;
}

static void bind(ch_db *db, const grant *g, const char *sql, int64_t id)
{
    ch_db_sql(db, sql);
    ch_db_int(db, 1, id);
    ch_db_int(db, 2, g->user.number);
    if (strstr(sql, "?3")) ch_db_text(db, 3, g->permission);
}

static int read_permission(ch_db *db, grant *g, int64_t id, ch_error *err)
{
    bool more;
    bind(db, g, g->kind->get, id);
    CH_TRY(ch_db_next(db, &more, err));
    if (!more) return fail_absent(g);
    g->permission = ch_arena_strdup(g->call->arena, ch_db_get_text(db, 0));
    return 0;
}

static int do_grant(ch_db *db, void *arg, ch_error *err)
{
    grant *g = arg;
    const grant_kind *kind = g->kind;
    int64_t id;
    CH_TRY(find_thing(db, g, &id, err));
    if (g->action == GRANT_GET) return read_permission(db, g, id, err);
    if (g->action == GRANT_PUT) {
        bind(db, g, kind->remove, id);
        CH_TRY(ch_db_run(db, err));
    }
    bool creates = g->action == GRANT_CREATE || g->action == GRANT_PUT;
    bind(db, g, creates ? kind->put : g->action == GRANT_UPDATE ? kind->update : kind->remove, id);
    CH_TRY(ch_db_run(db, err));
    if (ch_db_changes(db) > 0) return 0;
    if (!creates) return fail_absent(g);
    return ch_call_fail(g->call, RESOURCE_ALREADY_EXISTS, "%s (%s=%s, username=%s) already exists.", kind->absent,
                        kind->parameter, g->thing, g->username);
}

static int check_word(ch_call *call, const char *word)
{
    ch_permission permission;
    if (ch_permission_parse(word, &permission)) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Invalid permission '%s'. Valid permissions are: ('READ', 'USE', 'EDIT', 'MANAGE', "
                        "'NO_PERMISSIONS', 'DENY')",
                        word);
}

/* The caller must MANAGE the thing; who asks for their own may. */
static int run_grant(grant *g)
{
    ch_call *call = g->call;
    auth_user caller;
    CH_TRY(ch_auth_caller(call, &caller));
    bool own = g->action == GRANT_GET && strcmp(caller.name, g->username) == 0;
    if (!own) CH_TRY(ch_auth_require(call, &caller, g->kind->on, g->thing, CH_MANAGE));
    if (g->action != GRANT_GET && g->action != GRANT_DELETE) CH_TRY(check_word(call, g->permission));
    if (!ch_auth_find(call->track->auth, call->arena, g->username, &g->user)) {
        return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "User with username=%s not found", g->username);
    }
    ch_db_pool *pool = call->track->pool;
    CH_DB(call, g->action == GRANT_GET ? ch_db_read(pool, do_grant, g, &call->error)
                                       : ch_db_write(pool, do_grant, g, &call->error));
    if (g->action != GRANT_GET) ch_auth_grants_changed(call->track->auth);
    return 0;
}

/* ---- one pair of endpoints a kind ---- */

static int serve(ch_call *call, const grant_kind *kind, grant_action action)
{
    grant g = {.call = call,
               .kind = kind,
               .action = action,
               .thing = ch_call_string(call, kind->parameter),
               .username = ch_call_string(call, "username"),
               .permission = ch_call_string(call, "permission")};
    CH_TRY(run_grant(&g));
    if (action != GRANT_CREATE && action != GRANT_GET) return 0;
    ch_json_key(&call->out, kind->member);
    ch_json_begin(&call->out, '{');
    ch_json_member(&call->out, kind->parameter, g.thing);
    ch_json_member_int(&call->out, "user_id", g.user.number);
    ch_json_member(&call->out, "permission", g.permission);
    ch_json_end(&call->out, '}');
    return 0;
}

static int create_experiment_permission(ch_call *call)
{
    return serve(call, &EXPERIMENT, GRANT_CREATE);
}

static int get_experiment_permission(ch_call *call)
{
    return serve(call, &EXPERIMENT, GRANT_GET);
}

static int update_experiment_permission(ch_call *call)
{
    return serve(call, &EXPERIMENT, GRANT_UPDATE);
}

static int delete_experiment_permission(ch_call *call)
{
    return serve(call, &EXPERIMENT, GRANT_DELETE);
}

static int create_model_permission(ch_call *call)
{
    return serve(call, &MODEL, GRANT_CREATE);
}

static int get_model_permission(ch_call *call)
{
    return serve(call, &MODEL, GRANT_GET);
}

static int update_model_permission(ch_call *call)
{
    return serve(call, &MODEL, GRANT_UPDATE);
}

static int delete_model_permission(ch_call *call)
{
    return serve(call, &MODEL, GRANT_DELETE);
}

/* ---- users/permissions ---- */

static int read_kind(ch_call *call, grant *g)
{
    const char *type = ch_call_string(call, "resource_type");
    g->call = call;
    g->thing = ch_call_string(call, "resource_id");
    g->username = ch_call_string(call, "username");
    g->permission = ch_call_string(call, "permission");
    g->kind = !strcmp(type, EXPERIMENT.type) ? &EXPERIMENT : !strcmp(type, MODEL.type) ? &MODEL : NULL;
    if (g->kind) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Invalid resource type '%s'. Valid resource types are: ('experiment', 'registered_model')",
                        type);
}

static int grant_permission(ch_call *call)
{
    grant g = {.action = GRANT_PUT};
    CH_TRY(read_kind(call, &g));
    return run_grant(&g);
}

static int revoke_permission(ch_call *call)
{
    grant g = {.action = GRANT_DELETE};
    CH_TRY(read_kind(call, &g));
    return run_grant(&g);
}

/* What the user may do in effect: administrators all, others what they were given or the default; for an unknown
 * thing nothing. */
static int effective_permission(ch_call *call)
{
    static const char *const WORDS[] = {"NO_PERMISSIONS", "READ", "EDIT", "MANAGE"};
    grant g = {0};
    auth_user caller;
    ch_permission may = CH_MANAGE;
    bool found = true;
    CH_TRY(read_kind(call, &g));
    CH_TRY(ch_auth_caller(call, &caller));
    if (!caller.admin && strcmp(caller.name, g.username)) {
        return ch_call_fail(call, PERMISSION_DENIED, "Permission denied");
    }
    if (!ch_auth_find(call->track->auth, call->arena, g.username, &g.user)) {
        return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "User with username=%s not found", g.username);
    }
    if (!g.user.admin) {
        CH_DB(call, ch_auth_permission(call->track->auth, &g.user, g.kind->on, g.thing, &may, &found, &call->error));
    }
    if (!found) may = CH_NO_PERMISSIONS;
    ch_json_member_bool(&call->out, "allowed", may >= CH_EDIT);
    ch_json_member(&call->out, "permission", WORDS[may]);
    return 0;
}

/* ---- routes ---- */

/* clang-format off */
#define USERNAME   {"username", CH_P_STRING, true}
#define PERMISSION {"permission", CH_P_STRING, true}
#define EXPERIMENT_ID {"experiment_id", CH_P_STRING, true}
#define NAME       {"name", CH_P_STRING, true}
#define RESOURCE   {"resource_type", CH_P_STRING, true}, {"resource_id", CH_P_STRING, true}
#define REST       0, CH_ON_NOTHING, NULL, 0, NULL

static const ch_track_route ROUTES[] = {
    {"POST", "experiments/permissions/create", create_experiment_permission, {EXPERIMENT_ID, USERNAME, PERMISSION}, REST},
    {"GET", "experiments/permissions/get", get_experiment_permission, {EXPERIMENT_ID, USERNAME}, REST},
    {"PATCH", "experiments/permissions/update", update_experiment_permission, {EXPERIMENT_ID, USERNAME, PERMISSION}, REST},
    {"DELETE", "experiments/permissions/delete", delete_experiment_permission, {EXPERIMENT_ID, USERNAME}, REST},
    {"POST", "registered-models/permissions/create", create_model_permission, {NAME, USERNAME, PERMISSION}, REST},
    {"GET", "registered-models/permissions/get", get_model_permission, {NAME, USERNAME}, REST},
    {"PATCH", "registered-models/permissions/update", update_model_permission, {NAME, USERNAME, PERMISSION}, REST},
    {"DELETE", "registered-models/permissions/delete", delete_model_permission, {NAME, USERNAME}, REST},
    {"POST", "users/permissions/grant", grant_permission, {USERNAME, RESOURCE, PERMISSION}, REST},
    {"POST", "users/permissions/revoke", revoke_permission, {USERNAME, RESOURCE}, REST},
    {"GET", "users/permissions/get", effective_permission, {USERNAME, RESOURCE}, REST},
};
/* clang-format on */

const ch_track_table ch_grant_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
