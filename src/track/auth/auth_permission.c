/* auth_permission.c: MLflow's permissions on experiments and registered models, and what they mean for a call. Runs,
 * logged models, traces and artifacts are as their experiment is, versions as their model. */
#include "track/artifact/artifact_store.h"
#include "track/auth/auth_internal.h"

#include <stdlib.h>
#include <string.h>

/* USE is newer than the others and lies between READ and EDIT: on a server without a gateway it is READ. */
static const struct {
    const char *word;
    ch_permission permission;
} WORDS[] = {{"READ", CH_READ},
             {"USE", CH_READ},
             {"EDIT", CH_EDIT},
             {"MANAGE", CH_MANAGE},
             {"NO_PERMISSIONS", CH_NO_PERMISSIONS},
             {"DENY", CH_NO_PERMISSIONS}};

bool ch_permission_parse(const char *text, ch_permission *out)
{
    for (size_t i = 0; text && i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (strcmp(WORDS[i].word, text)) continue;
        *out = WORDS[i].permission;
        return true;
    }
    return false;
}

/* ?1 names the thing, ?2 is the user's number: a row with the permission or null, no row for no such thing. */
static const char *const SELECTS[] = {
    [CH_ON_EXPERIMENT] = "SELECT p.permission FROM experiments e LEFT JOIN experiment_permissions p"
                         " ON p.experiment = e.id AND p.user_number = ?2 WHERE e.id = ?1",
    [CH_ON_EXPERIMENT_NAME] = "SELECT p.permission FROM experiments e LEFT JOIN experiment_permissions p"
                              " ON p.experiment = e.id AND p.user_number = ?2 WHERE e.name = ?1",
    [CH_ON_RUN] = "SELECT p.permission FROM runs r LEFT JOIN experiment_permissions p"
                  " ON p.experiment = r.experiment AND p.user_number = ?2 WHERE r.run_id = ?1",
    [CH_ON_LOGGED_MODEL] = "SELECT p.permission FROM logged_models m LEFT JOIN experiment_permissions p"
                           " ON p.experiment = m.experiment AND p.user_number = ?2 WHERE m.model_id = ?1",
    [CH_ON_TRACE] = "SELECT p.permission FROM traces t LEFT JOIN experiment_permissions p"
                    " ON p.experiment = t.experiment AND p.user_number = ?2 WHERE t.trace_id = ?1",
    [CH_ON_MODEL] = "SELECT p.permission FROM registered_models m LEFT JOIN model_permissions p"
                    " ON p.model = m.id AND p.user_number = ?2 WHERE m.name = ?1",
};

typedef struct lookup {
    const ch_auth *auth;
    const auth_user *user;
    ch_access_on on;
    const char *key;
    int64_t number; /* the key as a number, for CH_ON_EXPERIMENT */
    ch_permission permission;
    bool found;
} lookup;

static int look_up(ch_db *db, void *arg, ch_error *err)
{
    lookup *l = arg;
    ch_db_sql(db, SELECTS[l->on]);
    if (l->on == CH_ON_EXPERIMENT) {
        ch_db_int(db, 1, l->number);
    } else {
        ch_db_text(db, 1, l->key);
    }
    ch_db_int(db, 2, l->user->number);
    CH_TRY(ch_db_next(db, &l->found, err));
    l->permission = l->auth->otherwise;
    if (l->found) ch_permission_parse(ch_db_get_text(db, 0), &l->permission);
    return 0;
}

/* The number in front of a path of the artifact folder ("3/RUN/artifacts/x"), which is an experiment's. */
static bool leading_number(const char *text, char end, int64_t *out)
{
    size_t digits = strspn(text, "0123456789");
    if (!digits || digits > 18 || (text[digits] && text[digits] != end)) return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

int ch_auth_permission(ch_auth *auth, const auth_user *user, ch_access_on on, const char *key, ch_permission *out,
                       bool *found, ch_error *err)
{
    lookup l = {.auth = auth, .user = user, .on = on, .key = key ? key : "", .permission = auth->otherwise};
    bool artifact = on == CH_ON_ARTIFACT, numbered = artifact || on == CH_ON_EXPERIMENT;
    if (artifact) l.on = CH_ON_EXPERIMENT;
    if (on == CH_ON_EXPERIMENT && !*l.key) l.key = "0"; /* no experiment is the default one */
    if (numbered && !leading_number(l.key, artifact ? '/' : '\0', &l.number)) {
        /* a file outside of the experiments; or " 3" and "+3", which somebody else may read as a number */
        *out = artifact ? auth->otherwise : CH_NO_PERMISSIONS;
        *found = true;
        return 0;
    }
    CH_TRY(ch_db_read(auth->track->pool, look_up, &l, err));
    *out = l.permission;
    *found = l.found || artifact; /* a file that belongs to no experiment may still be there */
    return 0;
}

/* ---- calls ---- */

static int deny(ch_call *call)
{
    return ch_call_fail(call, PERMISSION_DENIED, "Permission denied");
}

int ch_auth_caller(ch_call *call, auth_user *user)
{
    ch_auth *auth = call->track->auth;
    if (!auth) return ch_call_fail(call, ENDPOINT_NOT_FOUND, "The server has no users: it was started without --auth");
    if (ch_auth_find(auth, call->arena, ch_http_user(call->request), user)) return 0;
    return ch_call_fail(call, UNAUTHENTICATED, "You are not authenticated.");
}

int ch_auth_require(ch_call *call, const auth_user *user, ch_access_on on, const char *key, ch_permission needs)
{
    ch_permission may;
    bool found;
    if (user->admin) return 0;
    CH_DB(call, ch_auth_permission(call->track->auth, user, on, key, &may, &found, &call->error));
    /* what is not there is the handler's to say */
    return may >= needs || !found ? 0 : deny(call);
}

static int require_of_caller(ch_call *call, ch_access_on on, const char *key, ch_permission needs)
{
    auth_user user;
    if (!call->track->auth || !key || !*key) return 0;
    CH_TRY(ch_auth_caller(call, &user));
    return ch_auth_require(call, &user, on, key, needs);
}

int ch_auth_require_read(ch_call *call, ch_access_on on, const char *key)
{
    return require_of_caller(call, on, key, CH_READ);
}

int ch_auth_require_edit(ch_call *call, ch_access_on on, const char *key)
{
    return require_of_caller(call, on, key, CH_EDIT);
}

/* Artifacts are judged by the path that their handler will use, whatever escapes the client wrapped it in. What is no
 * path at all is the handler's to refuse. */
static const char *clean_key(ch_call *call, ch_access_on on, const char *key)
{
    if (on != CH_ON_ARTIFACT) return key;
    const char *clean = ch_artifact_clean(call->arena, key ? key : "");
    return clean ? clean : "";
}

/* Of the ids that a search names in its body it keeps those that the user may see. Elsewhere all must be permitted: a
 * handler may well look at the first only. */
static int permit_list(ch_call *call, const auth_user *user, json_t *list, const ch_track_route *route)
{
    bool keeps = strcmp(ch_http_method(call->request), "POST") == 0 && !(route->flags & CH_HTTP_STREAM);
    size_t before = json_array_size(list);
    for (size_t i = before; i-- > 0;) {
        ch_permission may;
        bool found;
        const char *key = clean_key(call, route->on, json_string_value(json_array_get(list, i)));
        CH_DB(call, ch_auth_permission(call->track->auth, user, route->on, key, &may, &found, &call->error));
        if (!found || may >= route->needs) continue;
        if (!keeps) return deny(call);
        json_array_remove(list, i);
    }
    return before && !json_array_size(list) ? deny(call) : 0;
}

/* What the row says names the thing: a part of the path, a header of ours, or a parameter. */
static const char *named_thing(ch_call *call, const ch_track_route *route)
{
    const char *key = ch_http_param(call->request, route->key);
    if (!key && !strncmp(route->key, "x-", 2)) return ch_http_header(call->request, route->key);
    return key ? key : ch_call_string(call, route->key);
}

int ch_auth_permit(ch_call *call, const ch_track_route *route)
{
    if (!call->track->auth || route->flags & CH_HTTP_OPEN || route->on == CH_ON_SIGNED) return 0;
    auth_user user;
    CH_TRY(ch_auth_caller(call, &user));
    if (user.admin || route->on == CH_ON_NOTHING) return 0;
    if (route->on == CH_ON_ADMIN) return deny(call);
    json_t *value = json_object_get(call->args, route->key);
    if (json_is_array(value)) CH_TRY(permit_list(call, &user, value, route));
    const char *key = named_thing(call, route);
    if (json_is_array(value) && !key) return 0;
    return ch_auth_require(call, &user, route->on, clean_key(call, route->on, key), route->needs);
}

/* ---- lists ---- */

/* Rows whose permission is not enough to read are left out; without a row the default decides. */
static const char *visible(ch_call *call, const char *column, const char *table, const char *thing)
{
    ch_auth *auth = call->track->auth;
    auth_user user;
    if (!auth) return "";
    if (!ch_auth_find(auth, call->arena, ch_http_user(call->request), &user)) return " AND 1 = 0";
    if (user.admin) return "";
    bool all = auth->otherwise >= CH_READ;
    return ch_arena_printf(call->arena,
                           " AND %s %s (SELECT %s FROM %s WHERE user_number = %lld AND permission %s"
                           " ('NO_PERMISSIONS', 'DENY'))",
                           column, all ? "NOT IN" : "IN", thing, table, (long long)user.number, all ? "IN" : "NOT IN");
}

const char *ch_auth_visible_experiments(ch_call *call, const char *column)
{
    return visible(call, column, "experiment_permissions", "experiment");
}

const char *ch_auth_visible_models(ch_call *call, const char *column)
{
    return visible(call, column, "model_permissions", "model");
}

/* ---- owners ---- */

static int put_owner(ch_db *db, ch_call *call, const char *sql, int64_t thing, ch_error *err)
{
    auth_user user;
    ch_auth *auth = call->track->auth;
    if (!auth || !ch_auth_find(auth, call->arena, ch_http_user(call->request), &user)) return 0;
    ch_db_sql(db, sql);
    ch_db_int(db, 1, thing);
    ch_db_int(db, 2, user.number);
    return ch_db_run(db, err);
}

int ch_auth_own_experiment(ch_db *db, ch_call *call, int64_t experiment, ch_error *err)
{
    return put_owner(db, call,
                     "INSERT INTO experiment_permissions(experiment, user_number, permission) VALUES (?1, ?2, 'MANAGE')"
                     " ON CONFLICT (experiment, user_number) DO UPDATE SET permission = excluded.permission",
                     experiment, err);
}

int ch_auth_own_model(ch_db *db, ch_call *call, int64_t model, ch_error *err)
{
    return put_owner(db, call,
                     "INSERT INTO model_permissions(model, user_number, permission) VALUES (?1, ?2, 'MANAGE')"
                     " ON CONFLICT (model, user_number) DO UPDATE SET permission = excluded.permission",
                     model, err);
}
