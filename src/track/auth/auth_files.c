/* auth_files.c: rights on files. The engine reads and writes files as the server's own account; what the tracking
 * server keeps among them must not be had that way by those who may not have it over REST. */
#include "track/auth/auth_internal.h"
#include "track/registry/registry.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int deny(const char *user, bool write, const char *thing, ch_error *err)
{
    char report[600];
    snprintf(report, sizeof report, "User '%.100s' does not have %s on %.400s", user, write ? "EDIT" : "READ", thing);
    return ch_raise(err, "INSUFFICIENT_PERMISSIONS", "report", report, (char *)NULL);
}

/* 0 when the user may; `thing` is for the message. */
static int require(ch_auth *auth, const auth_user *user, ch_access_on on, const char *key, bool write,
                   const char *thing, ch_error *err)
{
    ch_permission may;
    bool found;
    CH_TRY(ch_auth_permission(auth, user, on, key, &may, &found, err));
    if (!found || may >= (write ? CH_EDIT : CH_READ)) return 0; /* what is not there is somebody else's to say */
    return deny(user->name, write, thing, err);
}

/* ---- URIs ---- */

static int allow_uri(ch_auth *auth, ch_arena *arena, const auth_user *user, const char *uri, bool write, ch_error *err)
{
    ch_models_uri model;
    if (strncmp(uri, "runs:/", 6) == 0) {
        const char *at = uri + 6 + strspn(uri + 6, "/");
        const char *id = ch_arena_strndup(arena, at, strcspn(at, "/"));
        return require(auth, user, CH_ON_RUN, id, write, ch_arena_printf(arena, "run '%s'", id), err);
    }
    if (strncmp(uri, "models:/", 8) != 0 || !ch_models_uri_parse(arena, uri, &model)) return 0;
    if (model.model_id) {
        return require(auth, user, CH_ON_LOGGED_MODEL, model.model_id, write,
                       ch_arena_printf(arena, "logged model '%s'", model.model_id), err);
    }
    return require(auth, user, CH_ON_MODEL, model.name, write,
                   ch_arena_printf(arena, "registered model '%s'", model.name), err);
}

int ch_auth_allow_uri(ch_track *track, const char *user, const char *uri, bool write, ch_error *err)
{
    ch_auth *auth = track->auth;
    if (!auth || !user) return 0;
    ch_arena *arena = ch_arena_new();
    auth_user who;
    int status = 0;
    if (!ch_auth_find(auth, arena, user, &who)) {
        status = deny(user, write, uri, err);
    } else if (!who.admin) {
        status = allow_uri(auth, arena, &who, uri, write, err);
    }
    ch_arena_free(arena);
    return status;
}

/* ---- paths ---- */

/* Where a path leads, links followed, as far as it exists. */
static const char *real_place(ch_arena *arena, const char *path)
{
    if (strncmp(path, "file:", 5) == 0) {
        path += 5;
        while (path[0] == '/' && path[1] == '/') path++;
    }
    const char *text = ch_arena_printf(arena, "%s%s", *path == '/' ? "" : "./", path);
    for (size_t n = strlen(text); n > 1;) {
        char real[PATH_MAX];
        if (realpath(ch_arena_strndup(arena, text, n), real)) return ch_arena_printf(arena, "%s%s", real, text + n);
        while (n > 1 && text[n - 1] != '/') n--;
        while (n > 1 && text[n - 1] == '/') n--;
    }
    return text;
}

static bool climbs(const char *path)
{
    for (const char *at = strstr(path, "/.."); at; at = strstr(at + 1, "/..")) {
        if (!at[3] || at[3] == '/') return true;
    }
    return false;
}

/* What of `path` lies behind `folder`: "" for the folder itself, NULL when it is elsewhere. */
static const char *inside(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    if (strncmp(path, folder, n) != 0 || (path[n] && path[n] != '/')) return NULL;
    return path + n + strspn(path + n, "/");
}

static int allow_artifact(ch_auth *auth, ch_arena *arena, const auth_user *user, const char *relative, bool write,
                          ch_error *err)
{
    const char *thing = ch_arena_printf(arena, "artifact '%s'", relative);
    if (*relative == '.' || (write && !*relative)) return deny(user->name, write, thing, err);
    return require(auth, user, CH_ON_ARTIFACT, relative, write, thing, err);
}

static int allow_file(ch_auth *auth, ch_arena *arena, const auth_user *user, const char *path, bool write,
                      ch_error *err)
{
    const char *real = real_place(arena, path), *artifacts = auth->track->artifacts;
    const char *relative = inside(real, artifacts), *thing = ch_arena_printf(arena, "'%s'", path);
    if (climbs(real) || (write && inside(artifacts, real))) return deny(user->name, write, thing, err);
    for (size_t i = 0; i < CH_AUTH_PROTECTED && auth->protected[i]; i++) {
        bool same = strncmp(real, auth->protected[i], strlen(auth->protected[i])) == 0;
        if (same || (write && inside(auth->protected[i], real))) return deny(user->name, write, thing, err);
    }
    return relative ? allow_artifact(auth, arena, user, relative, write, err) : 0;
}

int ch_auth_allow_file(ch_auth *auth, const char *user, const char *path, bool write, ch_error *err)
{
    ch_arena *arena = ch_arena_new();
    auth_user who;
    int status = 0;
    if (!ch_auth_find(auth, arena, user, &who)) {
        status = deny(user, write, path, err);
    } else if (!who.admin) {
        status = allow_file(auth, arena, &who, path, write, err);
    }
    ch_arena_free(arena);
    return status;
}

void ch_auth_protect(ch_auth *auth, const char *path)
{
    char real[PATH_MAX];
    for (size_t i = 0; i < CH_AUTH_PROTECTED; i++) {
        if (auth->protected[i]) continue;
        if (realpath(path, real)) auth->protected[i] = ch_arena_strdup(auth->track->arena, real);
        return;
    }
}
