/* remote.c: asking a tracking server elsewhere, and downloading from it. */
#include "track/import/remote.h"

#include "track/names.h"
#include "track/registry/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MOST = 30, FOLLOW_MOST = 8 /* URIs that lead to URIs */ };

/* --- questions ---- */

int ch_remote_ask(ch_fetch *server, const char *method, const char *path, json_t *question, json_t **answer,
                  ch_error *err)
{
    ch_buf text = {0};
    char *body = question ? json_dumps(question, 0) : NULL;
    int status = ch_fetch_ask(server, method, path, body, &text, -1, err);
    free(body);
    *answer = status ? NULL : json_loadb(ch_buf_text(&text), text.len, 0, NULL);
    if (!status && !json_is_object(*answer)) {
        json_decref(*answer);
        *answer = NULL;
        status = ch_failf(err, CH_E_IO, "the server's answer to %s is no JSON: it is no tracking server", path);
    }
    ch_buf_reset(&text);
    return status;
}

const char *ch_remote_encoded(ch_arena *arena, const char *text, bool slashes)
{
    ch_buf out = {0};
    ch_fetch_encode(&out, text, slashes);
    const char *kept = ch_arena_strdup(arena, ch_buf_text(&out));
    ch_buf_reset(&out);
    return kept;
}

/* --- artifacts ---- */

ch_remote_artifacts ch_remote_of_proxy(ch_arena *arena, const char *path)
{
    return (ch_remote_artifacts){.list = "/api/2.0/mlflow-artifacts/artifacts?path=",
                                 .file = "/api/2.0/mlflow-artifacts/artifacts/",
                                 .root = *path ? ch_arena_printf(arena, "%s/", path) : ""};
}

ch_remote_artifacts ch_remote_of_run(ch_arena *arena, const char *run_id)
{
    const char *id = ch_remote_encoded(arena, run_id, false);
    return (ch_remote_artifacts){.list = ch_arena_printf(arena, "/api/2.0/mlflow/artifacts/list?run_id=%s&path=", id),
                                 .file = ch_arena_printf(arena, "/get-artifact?run_id=%s&path=", id),
                                 .root = "",
                                 .from_root = true};
}

ch_remote_artifacts ch_remote_of_model(ch_arena *arena, const char *model_id)
{
    const char *id = ch_remote_encoded(arena, model_id, false);
    return (ch_remote_artifacts){
        .list = ch_arena_printf(arena,
                                "/api/2.0/mlflow/logged-models/%s/artifacts/directories?artifact_directory_path=", id),
        .file = ch_arena_printf(arena, "/ajax-api/2.0/mlflow/logged-models/%s/artifacts/files?artifact_file_path=", id),
        .root = "",
        .from_root = true};
}

static int make_folders(const char *path, ch_error *err)
{
    char *copy = strdup(path);
    int failed = copy ? 0 : 1;
    for (char *slash = copy ? strchr(copy + 1, '/') : NULL; slash && !failed; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        failed = mkdir(copy, 0755) && errno != EEXIST;
        *slash = '/';
    }
    free(copy);
    return failed ? ch_failf(err, CH_E_IO, "%s: %s", path, strerror(errno)) : 0;
}

/* A download under way. */
typedef struct download {
    ch_fetch *server;
    ch_arena *arena;
    const ch_remote_artifacts *artifacts;
    const char *folder, *target; /* the first folder, and where it goes */
    int64_t *files;
} download;

static int download_file(const download *d, const char *path, ch_error *err)
{
    const char *rest = path + strlen(d->folder), *asked = ch_arena_printf(d->arena, "%s%s", d->artifacts->root, path);
    const char *target = ch_arena_printf(d->arena, "%s/%s", d->target, rest + strspn(rest, "/"));
    ch_buf none = {0};
    CH_TRY(make_folders(target, err));
    int file = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) return ch_failf(err, CH_E_IO, "%s: %s", target, strerror(errno));
    const char *url = ch_arena_printf(d->arena, "%s%s", d->artifacts->file,
                                      ch_remote_encoded(d->arena, asked, !d->artifacts->from_root));
    int status = ch_fetch_ask(d->server, "GET", url, NULL, &none, file, err);
    close(file);
    ch_buf_reset(&none);
    *d->files += status == 0;
    return status;
}

/* A server could name anything: only what is below the folder that was asked for is taken. */
static bool is_inside(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    if (strncmp(path, folder, len) != 0 || !path[len] || *path == '/') return false;
    for (const char *at = path; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (strcmp(at, "..") == 0 || strncmp(at, "../", 3) == 0) return false;
    }
    return true;
}

static int download_folder(const download *d, const char *folder, int depth, ch_error *err)
{
    json_t *answer, *item;
    size_t i;
    char *asked = ch_arena_printf(d->arena, "%s%s", d->artifacts->root, folder);
    if (!*folder && *asked) asked[strlen(asked) - 1] = '\0';
    const char *url = ch_arena_printf(d->arena, "%s%s", d->artifacts->list, ch_remote_encoded(d->arena, asked, false));
    int status = ch_remote_ask(d->server, "GET", url, NULL, &answer, err);
    if (status) return status == CH_E_NOT_FOUND ? 0 : status;
    json_array_foreach(json_object_get(answer, "files"), i, item)
    {
        const char *path = ch_or_empty(ch_item_string(item, "path"));
        if (!d->artifacts->from_root && *folder) path = ch_arena_printf(d->arena, "%s/%s", folder, path);
        if (status || !is_inside(path, folder) || depth > DEPTH_MOST) continue;
        status = json_is_true(json_object_get(item, "is_dir")) ? download_folder(d, path, depth + 1, err)
                                                               : download_file(d, path, err);
    }
    json_decref(answer);
    return status;
}

int ch_remote_download(ch_fetch *server, ch_arena *arena, const ch_remote_artifacts *artifacts, const char *folder,
                       const char *target, int64_t *files, ch_error *err)
{
    download d = {server, arena, artifacts, folder, target, files};
    return download_folder(&d, folder, 0, err);
}

/* --- models ---- */

/* What is being looked for. */
typedef struct search {
    ch_fetch *server;
    ch_arena *arena;
    const char *target;
    const char *path; /* the answer */
    int64_t files;
    int depth;
} search;

static int follow(search *s, const char *uri, const char *tail, ch_error *err);

/* A text out of the server's answer, in the arena; "" when it has none. */
static int ask_text(const search *s, const char *method, const char *path, json_t *question, const char *const *members,
                    const char **out, ch_error *err)
{
    json_t *answer;
    int status = ch_remote_ask(s->server, method, path, question, &answer, err);
    json_decref(question);
    CH_TRY(status);
    json_t *at = answer;
    for (; *members; members++) at = json_is_array(at) ? json_array_get(at, 0) : json_object_get(at, *members);
    const char *text = json_string_value(at);
    *out = ch_arena_strdup(s->arena, text ? text : "");
    json_decref(answer);
    return 0;
}

/* What is in the folder is the answer, unless it is empty. */
static int take_all(search *s, const ch_remote_artifacts *artifacts, const char *folder, ch_error *err)
{
    CH_TRY(ch_remote_download(s->server, s->arena, artifacts, folder, s->target, &s->files, err));
    if (s->files) s->path = s->target;
    return 0;
}

static const char *joined(ch_arena *arena, const char *folder, const char *tail)
{
    return *folder && *tail ? ch_arena_printf(arena, "%s/%s", folder, tail) : *folder ? folder : tail;
}

/* Artifacts by their URI; `owner`: how else the server hands them out, with `inside` what is asked for of them. */
static int take(search *s, const char *uri, const char *tail, const ch_remote_artifacts *owner, const char *inside,
                ch_error *err)
{
    const char *path = strncmp(uri, "file://", 7) == 0 ? uri + 7 : uri;
    if (strncmp(uri, "mlflow-artifacts:", 17) == 0) {
        path += 17;
        if (strncmp(path, "//", 2) == 0) path += 2 + strcspn(path + 2, "/");
        path += strspn(path, "/");
        ch_remote_artifacts artifacts = ch_remote_of_proxy(s->arena, joined(s->arena, path, tail));
        return take_all(s, &artifacts, "", err);
    }
    if (*path == '/' && access(joined(s->arena, path, tail), F_OK) == 0) {
        s->path = joined(s->arena, path, tail);
        return 0;
    }
    if (owner) return take_all(s, owner, inside, err);
    return ch_failf(err, CH_E_UNSUPPORTED, "the model's files are in %s, which the tracking server does not hand out",
                    uri);
}

static int take_run(search *s, const char *uri, ch_error *err)
{
    static const char *const URI[] = {"run", "info", "artifact_uri", NULL};
    static const char *const EXPERIMENT[] = {"run", "info", "experiment_id", NULL};
    static const char *const MODEL[] = {"models", "", "info", "model_id", NULL};
    const char *at = uri + 6 + strspn(uri + 6, "/"), *slash = strchr(at, '/'), *folder, *experiment, *model_id;
    const char *run_id = slash ? ch_arena_strndup(s->arena, at, (size_t)(slash - at)) : at,
               *tail = slash ? slash + 1 : "";
    const char *question =
        ch_arena_printf(s->arena, "/api/2.0/mlflow/runs/get?run_id=%s", ch_remote_encoded(s->arena, run_id, false));
    ch_remote_artifacts owner = ch_remote_of_run(s->arena, run_id);
    CH_TRY(ask_text(s, "GET", question, NULL, URI, &folder, err));
    CH_TRY(take(s, folder, tail, &owner, tail, err));
    if (s->path || !*tail) return 0;
    /* clients of MLflow 3 put models beside the run and still name them by it */
    CH_TRY(ask_text(s, "GET", question, NULL, EXPERIMENT, &experiment, err));
    json_t *wanted = json_pack(
        "{s:[s],s:s,s:i}", "experiment_ids", experiment, "filter",
        ch_arena_printf(s->arena, "source_run_id = '%s' AND name = '%.*s'", run_id, (int)strcspn(tail, "/"), tail),
        "max_results", 1);
    CH_TRY(ask_text(s, "POST", "/api/2.0/mlflow/logged-models/search", wanted, MODEL, &model_id, err));
    tail += strcspn(tail, "/");
    return *model_id ? follow(s, ch_arena_printf(s->arena, "models:/%s", model_id), tail + strspn(tail, "/"), err) : 0;
}

static int take_logged_model(search *s, const char *model_id, const char *tail, ch_error *err)
{
    static const char *const URI[] = {"model", "info", "artifact_uri", NULL};
    const char *folder;
    const char *question =
        ch_arena_printf(s->arena, "/api/2.0/mlflow/logged-models/%s", ch_remote_encoded(s->arena, model_id, false));
    ch_remote_artifacts owner = ch_remote_of_model(s->arena, model_id);
    CH_TRY(ask_text(s, "GET", question, NULL, URI, &folder, err));
    return take(s, folder, tail, &owner, tail, err);
}

/* The version's number of a stage, an alias or the latest. */
static int find_version(search *s, const ch_models_uri *uri, const char **version, ch_error *err)
{
    static const char *const OF_ALIAS[] = {"model_version", "version", NULL};
    static const char *const LATEST[] = {"model_versions", "", "version", NULL};
    const char *name = ch_remote_encoded(s->arena, uri->name, false);
    *version = uri->version;
    if (uri->version) return 0;
    if (uri->alias) {
        const char *alias = ch_remote_encoded(s->arena, uri->alias, false);
        return ask_text(
            s, "GET",
            ch_arena_printf(s->arena, "/api/2.0/mlflow/registered-models/alias?name=%s&alias=%s", name, alias), NULL,
            OF_ALIAS, version, err);
    }
    if (uri->stage) {
        json_t *question = json_pack("{s:s,s:[s]}", "name", uri->name, "stages", uri->stage);
        return ask_text(s, "POST", "/api/2.0/mlflow/registered-models/get-latest-versions", question, LATEST, version,
                        err);
    }
    const char *filter = ch_remote_encoded(s->arena, ch_arena_printf(s->arena, "name='%s'", uri->name), false);
    return ask_text(s, "GET",
                    ch_arena_printf(s->arena,
                                    "/api/2.0/mlflow/model-versions/search?max_results=1&filter=%s&order_by=%s", filter,
                                    "version_number%20DESC"),
                    NULL, LATEST, version, err);
}

/* A version whose files are a path of the server's: they are asked for by the logged model or the run that has them. */
static int take_owned(search *s, const char *key, const char *folder, const char *tail, ch_error *err)
{
    static const char *const RUN[] = {"model_version", "run_id", NULL}, *const SOURCE[] = {"model_version", "source",
                                                                                           NULL};
    const char *question = ch_arena_printf(s->arena, "/api/2.0/mlflow/model-versions/get?%s", key), *source, *run_id;
    CH_TRY(ask_text(s, "GET", question, NULL, SOURCE, &source, err));
    if (strncmp(source, "models:/", 8) == 0 || strncmp(source, "runs:/", 6) == 0) return follow(s, source, tail, err);
    CH_TRY(ask_text(s, "GET", question, NULL, RUN, &run_id, err));
    const char *of_run = ch_arena_printf(s->arena, "/%s/artifacts/", run_id);
    const char *inside = *run_id ? strstr(folder, of_run) : NULL;
    if (!inside) return take(s, folder, tail, NULL, "", err);
    ch_remote_artifacts owner = ch_remote_of_run(s->arena, run_id);
    return take(s, folder, tail, &owner, joined(s->arena, inside + strlen(of_run), tail), err);
}

static int take_version(search *s, const ch_models_uri *uri, const char *whole, const char *tail, ch_error *err)
{
    static const char *const URI[] = {"artifact_uri", NULL};
    const char *version, *folder, *name = ch_remote_encoded(s->arena, uri->name, false);
    CH_TRY(find_version(s, uri, &version, err));
    if (!*version) return ch_failf(err, CH_E_NOT_FOUND, "the tracking server has no version %s", whole);
    const char *key =
        ch_arena_printf(s->arena, "name=%s&version=%s", name, ch_remote_encoded(s->arena, version, false));
    CH_TRY(ask_text(s, "GET", ch_arena_printf(s->arena, "/api/2.0/mlflow/model-versions/get-download-uri?%s", key),
                    NULL, URI, &folder, err));
    bool is_path = *folder == '/' || strncmp(folder, "file:", 5) == 0;
    return is_path ? take_owned(s, key, folder, tail, err) : follow(s, folder, tail, err);
}

static int follow(search *s, const char *uri, const char *tail, ch_error *err)
{
    ch_models_uri model;
    if (++s->depth > FOLLOW_MOST) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "'%s' leads in circles", uri);
    if (strncmp(uri, "runs:/", 6) == 0) return take_run(s, joined(s->arena, uri, tail), err);
    if (strncmp(uri, "models:/", 8) != 0) return take(s, uri, tail, NULL, "", err);
    if (!ch_models_uri_parse(s->arena, uri, &model))
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Not a proper models:/ URI: %s", uri);
    tail = joined(s->arena, model.tail, tail);
    return model.model_id ? take_logged_model(s, model.model_id, tail, err) : take_version(s, &model, uri, tail, err);
}

int ch_remote_model(ch_fetch *server, ch_arena *arena, const char *uri, const char *target, const char **path,
                    ch_error *err)
{
    search s = {.server = server, .arena = arena, .target = target};
    CH_TRY(follow(&s, uri, "", err));
    if (!s.path) return ch_failf(err, CH_E_NOT_FOUND, "the tracking server has no files of %s", uri);
    *path = s.path;
    return 0;
}
