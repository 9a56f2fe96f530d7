/* auth_routes.c: users and their tokens over REST, as MLflow's basic-auth server has them. Tokens are ours: MLflow's
 * client sends one from MLFLOW_TRACKING_TOKEN, but its server leaves them to plug-ins. */
#include "track/auth/auth_internal.h"

#include <string.h>

typedef struct operation {
    ch_call *call;
    const char *username, *name;
    ch_buf hash;
    auth_user user;
    int64_t id, now, expires;
    bool admin, done;
    char secret[CH_AUTH_HEX];
} operation;

static int fail_absent(ch_call *call, const char *username)
{
    return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "User with username=%s not found", username);
}

/* Users of a file are changed there. */
static int require_store(ch_call *call)
{
    const char *file = call->track->auth->file;
    if (!file) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Users are kept in the file %s: change it there", file);
}

/* The caller, who must be the named user or an administrator. */
static int require_self(ch_call *call, const char *username, auth_user *caller)
{
    CH_TRY(ch_auth_caller(call, caller));
    if (caller->admin || strcmp(caller->name, username) == 0) return 0;
    return ch_call_fail(call, PERMISSION_DENIED, "Permission denied");
}

static int require_admin(ch_call *call, auth_user *caller)
{
    CH_TRY(ch_auth_caller(call, caller));
    return caller->admin ? 0 : ch_call_fail(call, PERMISSION_DENIED, "Permission denied");
}

static int find_user(ch_call *call, const char *username, auth_user *out)
{
    return ch_auth_find(call->track->auth, call->arena, username, out) ? 0 : fail_absent(call, username);
}

/* After users or tokens changed. */
static int reload(ch_call *call)
{
    CH_DB(call, ch_auth_people_load(call->track->auth, &call->error));
    return 0;
}

static void write_base(ch_json *out, const auth_user *user)
{
    ch_json_member_int(out, "id", user->number);
    ch_json_member(out, "username", user->name);
    ch_json_member_bool(out, "is_admin", user->admin);
}

/* ---- permissions as part of a user, for clients before 3.10 ---- */

typedef struct permission_list {
    const auth_user *user;
    ch_json *out;
    bool models;
} permission_list;

static int write_permissions(ch_db *db, void *arg, ch_error *err)
{
    const permission_list *l = arg;
    ch_db_sql(db, l->models ? "SELECT m.name, p.permission FROM model_permissions p JOIN registered_models m"
                              " ON m.id = p.model WHERE p.user_number = ?1 ORDER BY m.name"
                            : "SELECT CAST(experiment AS TEXT), permission FROM experiment_permissions"
                              " WHERE user_number = ?1 ORDER BY experiment");
    ch_db_int(db, 1, l->user->number);
    for (bool more;;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) return 0;
        ch_json_begin(l->out, '{');
        ch_json_member(l->out, l->models ? "name" : "experiment_id", ch_db_get_text(db, 0));
        ch_json_member_int(l->out, "user_id", l->user->number);
        ch_json_member(l->out, "permission", ch_db_get_text(db, 1));
        ch_json_end(l->out, '}');
    }
}

static int write_user(ch_call *call, const auth_user *user)
{
    permission_list list = {.user = user, .out = &call->out};
    ch_json_key(&call->out, "user");
    ch_json_begin(&call->out, '{');
    write_base(&call->out, user);
    for (int i = 0; i < 2; i++) {
        list.models = i == 1;
        ch_json_key(&call->out, list.models ? "registered_model_permissions" : "experiment_permissions");
        ch_json_begin(&call->out, '[');
        CH_DB(call, ch_db_read(call->track->pool, write_permissions, &list, &call->error));
        ch_json_end(&call->out, ']');
    }
    ch_json_end(&call->out, '}');
    return 0;
}

/* ---- users ---- */

static int hash_password(ch_call *call, const char *password, ch_buf *hash)
{
    if (ch_auth_hash(password, hash, &call->error)) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "%s", call->error.message);
    }
    return 0;
}

static int do_create(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    ch_db_sql(db,
              "INSERT INTO users(username, password, is_admin) VALUES (?1, ?2, 0) ON CONFLICT (username) DO NOTHING");
    ch_db_text(db, 1, op->username);
    ch_db_text(db, 2, op->hash.data);
    CH_TRY(ch_db_run(db, err));
    op->done = ch_db_changes(db) > 0;
    return 0;
}

static int create_user(ch_call *call)
{
    auth_user caller, user;
    operation op = {.call = call, .username = ch_call_string(call, "username")};
    const char *password = ch_call_string(call, "password");
    CH_TRY(require_admin(call, &caller));
    CH_TRY(require_store(call));
    if (strlen(op.username) > 127 || strchr(op.username, ':')) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "A username has at most 127 characters, none of them a colon");
    }
    CH_TRY(hash_password(call, password, &op.hash));
    int status = ch_db_write(call->track->pool, do_create, &op, &call->error);
    ch_buf_reset(&op.hash);
    CH_DB(call, status);
    if (!op.done) {
        return ch_call_fail(call, RESOURCE_ALREADY_EXISTS, "User (username=%s) already exists.", op.username);
    }
    CH_TRY(reload(call));
    CH_TRY(find_user(call, op.username, &user));
    return write_user(call, &user);
}

static int get_user(ch_call *call)
{
    auth_user caller, user;
    const char *username = ch_call_string(call, "username");
    CH_TRY(require_self(call, username, &caller));
    CH_TRY(find_user(call, username, &user));
    return write_user(call, &user);
}

static int get_current(ch_call *call)
{
    auth_user caller;
    CH_TRY(ch_auth_caller(call, &caller));
    ch_json_key(&call->out, "user");
    ch_json_begin(&call->out, '{');
    write_base(&call->out, &caller);
    ch_json_end(&call->out, '}');
    ch_json_member_bool(&call->out, "is_basic_auth", true);
    return 0;
}

static int list_users(ch_call *call)
{
    auth_user caller;
    ch_auth *auth = call->track->auth;
    CH_TRY(ch_auth_caller(call, &caller));
    ch_json_key(&call->out, "users");
    ch_json_begin(&call->out, '[');
    pthread_rwlock_rdlock(&auth->lock);
    for (size_t i = 0; i < auth->people->nuser; i++) {
        ch_json_begin(&call->out, '{');
        write_base(&call->out, &auth->people->users[i]);
        ch_json_key(&call->out, "roles");
        ch_json_begin(&call->out, '[');
        ch_json_end(&call->out, ']');
        ch_json_end(&call->out, '}');
    }
    pthread_rwlock_unlock(&auth->lock);
    ch_json_end(&call->out, ']');
    return 0;
}

static int do_update_password(ch_db *db, void *arg, ch_error *err)
{
    const operation *op = arg;
    ch_db_sql(db, "UPDATE users SET password = ?2 WHERE username = ?1");
    ch_db_text(db, 1, op->username);
    ch_db_text(db, 2, op->hash.data);
    return ch_db_run(db, err);
}

/* Who changes their own must know the old one: a browser left open is not enough. */
static int check_current(ch_call *call, const auth_user *caller, const char *password)
{
    const char *current = ch_call_string(call, "current_password");
    if (!current || !*current) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Current password is required when changing your own password.");
    }
    if (!ch_auth_verify(current, caller->hash)) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Current password does not match.");
    }
    if (strcmp(current, password) == 0) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "New password must differ from the current password.");
    }
    return 0;
}

static int update_password(ch_call *call)
{
    auth_user caller, user;
    operation op = {.call = call, .username = ch_call_string(call, "username")};
    const char *password = ch_call_string(call, "password");
    CH_TRY(require_self(call, op.username, &caller));
    CH_TRY(require_store(call));
    CH_TRY(find_user(call, op.username, &user));
    if (user.number == caller.number) CH_TRY(check_current(call, &caller, password));
    CH_TRY(hash_password(call, password, &op.hash));
    int status = ch_db_write(call->track->pool, do_update_password, &op, &call->error);
    ch_buf_reset(&op.hash);
    CH_DB(call, status);
    return reload(call);
}

static int do_update_admin(ch_db *db, void *arg, ch_error *err)
{
    const operation *op = arg;
    ch_db_sql(db, "UPDATE users SET is_admin = ?2 WHERE username = ?1");
    ch_db_text(db, 1, op->username);
    ch_db_int(db, 2, op->admin);
    return ch_db_run(db, err);
}

static int update_admin(ch_call *call)
{
    auth_user caller, user;
    operation op = {
        .call = call, .username = ch_call_string(call, "username"), .admin = ch_call_bool(call, "is_admin")};
    CH_TRY(require_admin(call, &caller));
    CH_TRY(require_store(call));
    CH_TRY(find_user(call, op.username, &user));
    CH_DB(call, ch_db_write(call->track->pool, do_update_admin, &op, &call->error));
    return reload(call);
}

static int do_delete(ch_db *db, void *arg, ch_error *err)
{
    static const char *const STATEMENTS[] = {
        "DELETE FROM user_tokens WHERE user_number = ?1",
        "DELETE FROM experiment_permissions WHERE user_number = ?1",
        "DELETE FROM model_permissions WHERE user_number = ?1",
        "DELETE FROM users WHERE id = ?1",
    };
    const operation *op = arg;
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; i++) {
        ch_db_sql(db, STATEMENTS[i]);
        ch_db_int(db, 1, op->user.number);
        CH_TRY(ch_db_run(db, err));
    }
    return 0;
}

static int delete_user(ch_call *call)
{
    auth_user caller;
    operation op = {.call = call, .username = ch_call_string(call, "username")};
    CH_TRY(require_admin(call, &caller));
    CH_TRY(require_store(call));
    CH_TRY(find_user(call, op.username, &op.user));
    if (op.user.number == caller.number) {
        return ch_call_fail(call, BAD_REQUEST,
                            "Users cannot delete their own account. Ask another admin to delete this "
                            "user instead.");
    }
    CH_DB(call, ch_db_write(call->track->pool, do_delete, &op, &call->error));
    return reload(call);
}

/* ---- tokens ---- */

static int do_create_token(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    ch_db_sql(db, "INSERT INTO user_tokens(user_number, name, secret, created, expires) VALUES (?1, ?2, ?3, ?4, ?5)"
                  " RETURNING id");
    ch_db_int(db, 1, op->user.number);
    ch_db_text(db, 2, op->name);
    ch_db_text(db, 3, op->secret);
    ch_db_int(db, 4, op->now);
    if (op->expires) {
        ch_db_int(db, 5, op->expires);
    } else {
        ch_db_null(db, 5);
    }
    bool more;
    CH_TRY(ch_db_next(db, &more, err));
    op->id = more ? ch_db_get_int(db, 0) : 0;
    while (more) CH_TRY(ch_db_next(db, &more, err));
    return 0;
}

/* The user whose tokens a call is about: the named one, or the caller. */
static int token_owner(ch_call *call, auth_user *owner)
{
    auth_user caller;
    const char *username = ch_call_string(call, "username");
    if (!username) return ch_auth_caller(call, owner);
    CH_TRY(require_self(call, username, &caller));
    return find_user(call, username, owner);
}

static int create_token(ch_call *call)
{
    char token[CH_AUTH_TOKEN_SIZE];
    unsigned char digest[CH_AUTH_DIGEST];
    operation op = {.call = call, .name = ch_call_string(call, "name"), .now = ch_clock_ms()};
    int64_t seconds = ch_call_int(call, "expires_in", 0);
    CH_TRY(token_owner(call, &op.user));
    CH_TRY(require_store(call));
    if (seconds < 0 || seconds > INT64_C(100) * 365 * 86400) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "expires_in is a number of seconds, at most 100 years");
    }
    if (seconds) op.expires = op.now + seconds * 1000;
    if (!op.name) op.name = "";
    ch_auth_new_token(token);
    ch_auth_digest(token, strlen(token), digest);
    ch_auth_to_hex(digest, op.secret);
    CH_DB(call, ch_db_write(call->track->pool, do_create_token, &op, &call->error));
    CH_TRY(reload(call));
    ch_json_member_int(&call->out, "id", op.id);
    ch_json_member(&call->out, "token", token); /* told once: only its digest is kept */
    if (op.expires) ch_json_member_int(&call->out, "expires", op.expires);
    return 0;
}

static int do_list_tokens(ch_db *db, void *arg, ch_error *err)
{
    const operation *op = arg;
    ch_json *out = &op->call->out;
    ch_db_sql(db, "SELECT id, name, created, expires FROM user_tokens WHERE user_number = ?1 ORDER BY id");
    ch_db_int(db, 1, op->user.number);
    for (bool more;;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) return 0;
        ch_json_begin(out, '{');
        ch_json_member_int(out, "id", ch_db_get_int(db, 0));
        ch_json_member(out, "name", ch_db_get_text(db, 1));
        ch_json_member_int(out, "created", ch_db_get_int(db, 2));
        if (!ch_db_is_null(db, 3)) ch_json_member_int(out, "expires", ch_db_get_int(db, 3));
        ch_json_end(out, '}');
    }
}

static int list_tokens(ch_call *call)
{
    operation op = {.call = call};
    CH_TRY(token_owner(call, &op.user));
    ch_json_key(&call->out, "tokens");
    ch_json_begin(&call->out, '[');
    CH_DB(call, ch_db_read(call->track->pool, do_list_tokens, &op, &call->error));
    ch_json_end(&call->out, ']');
    return 0;
}

static int do_delete_token(ch_db *db, void *arg, ch_error *err)
{
    operation *op = arg;
    ch_db_sql(db, "DELETE FROM user_tokens WHERE id = ?1 AND user_number = ?2");
    ch_db_int(db, 1, op->id);
    ch_db_int(db, 2, op->user.number);
    CH_TRY(ch_db_run(db, err));
    op->done = ch_db_changes(db) > 0;
    return 0;
}

static int delete_token(ch_call *call)
{
    operation op = {.call = call, .id = ch_call_int(call, "id", 0)};
    CH_TRY(token_owner(call, &op.user));
    CH_TRY(require_store(call));
    CH_DB(call, ch_db_write(call->track->pool, do_delete_token, &op, &call->error));
    if (!op.done) return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "Token with id=%lld not found", (long long)op.id);
    return reload(call);
}

/* ---- routes ---- */

/* clang-format off */
#define USERNAME {"username", CH_P_STRING, true}
#define OWNER    {"username", CH_P_STRING, false}

static const ch_track_route ROUTES[] = {
    {"POST", "users/create", create_user, {USERNAME, {"password", CH_P_STRING, true}}, 0, CH_ON_NOTHING, NULL, 0, NULL},
    {"GET", "users/get", get_user, {USERNAME}, 0, CH_ON_NOTHING, NULL, 0, NULL},
    {"GET", "users/current", get_current, {{0}}, 0, CH_ON_NOTHING, NULL, 0, NULL},
    {"GET", "users/list", list_users, {{0}}, 0, CH_ON_NOTHING, NULL, 0, NULL},
    {"PATCH", "users/update-password", update_password,
     {USERNAME, {"password", CH_P_STRING, true}, {"current_password", CH_P_STRING, false}}, 0, CH_ON_NOTHING, NULL, 0, NULL},
    {"PATCH", "users/update-admin", update_admin, {USERNAME, {"is_admin", CH_P_BOOL, true}}, 0, CH_ON_NOTHING, NULL, 0, NULL},
    {"DELETE", "users/delete", delete_user, {USERNAME}, 0, CH_ON_NOTHING, NULL, 0, NULL},
    {"POST", "users/tokens/create", create_token,
     {OWNER, {"name", CH_P_STRING, false}, {"expires_in", CH_P_INT, false}}, 0, CH_ON_NOTHING, NULL, 0, NULL},
    {"GET", "users/tokens/list", list_tokens, {OWNER}, 0, CH_ON_NOTHING, NULL, 0, NULL},
    {"DELETE", "users/tokens/delete", delete_token, {OWNER, {"id", CH_P_INT, true}}, 0, CH_ON_NOTHING, NULL, 0, NULL},
};
/* clang-format on */

const ch_track_table ch_auth_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
