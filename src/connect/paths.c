/* paths.c: URIs of the tracking server as paths of files. */
#include "connect/paths.h"

#include <string.h>
#include <unistd.h>

enum { RUN_ID_MAX = 256 };
static const char MODEL_FILE[] = "MLmodel", SPARK_FOLDER[] = "sparkml"; /* of an MLflow model */

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

/* `path` with the Spark folder of the MLflow model put in behind the model's own, where that exists; else `path`. */
static const char *inside_model(ch_arena *arena, const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    for (size_t n = end; n > 1;) {
        const char *folder = ch_arena_printf(arena, "%.*s", (int)n, path);
        const char *inner = ch_arena_printf(arena, "%s/%s", folder, SPARK_FOLDER);
        if (exists(ch_arena_printf(arena, "%s/%s", folder, MODEL_FILE)) && exists(inner)) {
            return ch_arena_printf(arena, "%s%.*s", inner, (int)(end - n), path + n);
        }
        if (exists(folder)) return path;
        while (n > 1 && path[n - 1] != '/') n--;
        n--;
    }
    return path;
}

int ch_path_to_read(ch_track *track, const char *user, ch_arena *arena, const char *given, const char **path,
                    ch_error *err)
{
    *path = given;
    if (!track || !ch_track_is_uri(given)) return CH_OK;
    CH_TRY(ch_auth_allow_uri(track, user, given, false, err));
    CH_TRY(ch_track_resolve(track, arena, given, path, err));
    bool whole_model = exists(ch_arena_printf(arena, "%s/%s", *path, MODEL_FILE));
    if (whole_model || !exists(*path)) *path = inside_model(arena, *path);
    return CH_OK;
}

/* The run or logged model an artifact URI is below: "runs:/ID" or "models:/m-ID"; NULL when it has neither's form,
 * mlflow-artifacts:/EXPERIMENT/RUN/artifacts/... or mlflow-artifacts:/EXPERIMENT/models/m-ID/artifacts/... */
static const char *owner_of(ch_arena *arena, const char *uri)
{
    const char *at = strchr(uri, ':') + 1;
    while (*at == '/') at++;
    at += strcspn(at, "/"); /* behind the experiment */
    if (*at) at++;
    const char *id = at;
    bool model = strncmp(at, "models/", 7) == 0;
    if (model) id += 7;
    size_t n = strcspn(id, "/");
    if (!n || n > RUN_ID_MAX || strncmp(id + n, "/artifacts", 10) != 0) return NULL;
    return ch_arena_printf(arena, "%s:/%.*s", model ? "models" : "runs", (int)n, id);
}

/* Whether a models:/ URI names a logged model, which may still be written, and not a version. */
static bool is_logged_model(const char *uri)
{
    const char *id = strchr(uri, ':') + 1;
    while (*id == '/') id++;
    size_t digits = strncmp(id, "m-", 2) == 0 ? strspn(id + 2, "0123456789abcdef") : 0;
    return digits == 32 && (!id[34] || id[34] == '/');
}

static int refuse(const char *given, ch_error *err)
{
    return ch_failf(err, CH_E_IO,
                    "No FileSystem for scheme \"%.*s\": %s is not of a run or logged model of this server.",
                    (int)strcspn(given, ":"), given, given);
}

int ch_path_to_write(ch_track *track, const char *user, ch_arena *arena, const char *given, const char **path,
                     ch_error *err)
{
    *path = given;
    if (!track || !ch_track_is_uri(given)) return CH_OK;
    if (strncmp(given, "models:", 7) == 0 && !is_logged_model(given)) {
        return ch_failf(err, CH_E_IO, "%s names a registered model version; what it holds cannot be changed.", given);
    }
    CH_TRY(ch_auth_allow_uri(track, user, given, true, err));
    CH_TRY(ch_track_resolve(track, arena, given, path, err));
    if (strncmp(given, "mlflow-artifacts:", 17) != 0) return CH_OK;
    const char *owner = owner_of(arena, given), *root;
    ch_error unknown;
    if (!owner || ch_track_resolve(track, arena, owner, &root, &unknown)) return refuse(given, err);
    size_t n = strlen(root);
    while (n > 1 && root[n - 1] == '/') n--;
    return strncmp(*path, root, n) == 0 && (!(*path)[n] || (*path)[n] == '/') ? CH_OK : refuse(given, err);
}
