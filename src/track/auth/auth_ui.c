/* auth_ui.c: what pages ask about users beyond MLflow's REST: who am I, and who may use a thing. */
#include "track/auth/auth_internal.h"

#include <string.h>

static const char *const WORDS[] = {"NO_PERMISSIONS", "READ", "EDIT", "MANAGE"};

/* Open to everybody who gets in: {"auth": false} where nobody is asked who they are. */
static int who_am_i(ch_call *call)
{
    const ch_auth *auth = call->track->auth;
    auth_user caller;
    ch_json_member_bool(&call->out, "auth", auth != NULL);
    if (!auth) return 0;
    CH_TRY(ch_auth_caller(call, &caller));
    ch_json_member(&call->out, "username", caller.name);
    ch_json_member_bool(&call->out, "is_admin", caller.admin);
    ch_json_member_bool(&call->out, "users_in_file", auth->file != NULL);
    ch_json_member(&call->out, "default_permission", WORDS[auth->otherwise]);
    return 0;
}

/* ---- who may use a thing ---- */

typedef struct given {
    int64_t user;
    const char *permission;
} given;

typedef struct listing {
    ch_call *call;
    const char *sql, *thing;
    given *rows;
    size_t n;
} listing;

static int read_given(ch_db *db, void *arg, ch_error *err)
{
    listing *l = arg;
    ch_db_sql(db, l->sql);
    ch_db_text(db, 1, l->thing);
    l->n = 0;
    for (bool more;;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) return 0;
        if ((l->n & (l->n - 1)) == 0) /* full at every power of two */
            l->rows = ch_arena_grow(l->call->arena, l->rows, sizeof *l->rows, l->n, l->n ? l->n * 2 : 1);
        l->rows[l->n++] = (given){ch_db_get_int(db, 0), ch_arena_strdup(l->call->arena, ch_db_get_text(db, 1))};
    }
}

static void write_person(ch_json *out, const listing *l, const auth_user *user)
{
    ch_json_begin(out, '{');
    ch_json_member(out, "username", user->name);
    ch_json_member_bool(out, "is_admin", user->admin);
    for (size_t i = 0; i < l->n; i++)
        if (l->rows[i].user == user->number) ch_json_member(out, "permission", l->rows[i].permission);
    ch_json_end(out, '}');
}

/* Everybody with what they were given on a thing, for those who manage it; others see themselves. */
static int list_people(ch_call *call)
{
    const char *type = ch_call_string(call, "resource_type"), *thing = ch_call_string(call, "resource_id");
    bool model = strcmp(type, "registered_model") == 0;
    listing l = {.call = call,
                 .thing = thing,
                 .sql = model ? "SELECT p.user_number, p.permission FROM model_permissions p JOIN registered_models m"
                                " ON m.id = p.model WHERE m.name = ?1"
                              : "SELECT user_number, permission FROM experiment_permissions"
                                " WHERE CAST(experiment AS TEXT) = ?1"};
    ch_access_on on = model ? CH_ON_MODEL : CH_ON_EXPERIMENT;
    ch_auth *auth = call->track->auth;
    ch_permission may = CH_MANAGE;
    auth_user caller;
    bool found = true;
    CH_TRY(ch_auth_caller(call, &caller));
    if (!caller.admin) CH_DB(call, ch_auth_permission(auth, &caller, on, thing, &may, &found, &call->error));
    if (!found || may < CH_READ) return ch_call_fail(call, PERMISSION_DENIED, "Permission denied");
    CH_DB(call, ch_db_read(call->track->pool, read_given, &l, &call->error));
    ch_json_member(&call->out, "mine", WORDS[may]);
    ch_json_member(&call->out, "default_permission", WORDS[auth->otherwise]);
    ch_json_key(&call->out, "people");
    ch_json_begin(&call->out, '[');
    pthread_rwlock_rdlock(&auth->lock);
    for (size_t i = 0; i < auth->people->nuser; i++) {
        const auth_user *user = &auth->people->users[i];
        if (may >= CH_MANAGE || strcmp(user->name, caller.name) == 0) write_person(&call->out, &l, user);
    }
    pthread_rwlock_unlock(&auth->lock);
    ch_json_end(&call->out, ']');
    return 0;
}

/* ---- routes ---- */

static const char *const PREFIXES[] = {"/api/chert/v1/", NULL};

static const ch_track_route ROUTES[] = {
    {.method = "GET", .path = "me", .handler = who_am_i, .on = CH_ON_NOTHING},
    {.method = "GET",
     .path = "permissions",
     .handler = list_people,
     .params = {{"resource_type", CH_P_STRING, true}, {"resource_id", CH_P_STRING, true}},
     .on = CH_ON_NOTHING},
};

const ch_track_table ch_auth_ui_routes = {PREFIXES, ROUTES, sizeof ROUTES / sizeof *ROUTES};
