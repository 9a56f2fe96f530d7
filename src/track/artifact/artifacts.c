/* artifacts.c: artifacts over HTTP: the proxy that clients put and get files through (/api/2.0/mlflow-artifacts/...),
 * and the lists and downloads by run, model version and logged model that pages use.
 *
 * Files never pass through memory: what is put comes as a temporary file that is renamed into place, what is got is
 * read by the HTTP server from its descriptor.
 */
#include "track/artifact/artifacts.h"

#include "track/artifact/artifact_store.h"
#include "track/names.h"
#include "track/registry/registry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { UPLOAD_MOST = 10 << 20 /* bytes of POST upload-artifact */ };

/* ---- paths ---------------------------------------------------------------------------------------------------- */

static int fail_path(ch_call *call)
{
    return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid path");
}

/* The clean form of a path given by the client; NULL (with the call failed) for one that may not be. */
static const char *clean_path(ch_call *call, const char *path)
{
    const char *clean = ch_artifact_clean(call->arena, path);
    if (!clean) fail_path(call);
    return clean;
}

/* The folder of the artifact store that a run's, version's or logged model's URI names; NULL with the call failed. */
static const char *folder_of(ch_call *call, const char *uri)
{
    const char *folder = ch_artifact_of_uri(call->arena, call->track->artifacts, uri);
    if (!folder) ch_call_fail(call, INVALID_PARAMETER_VALUE, "The artifacts at '%s' are not kept by this server", uri);
    return folder;
}

/* ---- where the artifacts of something are --------------------------------------------------------------------- */

typedef struct lookup {
    const char *sql, *id; /* a statement with the id as parameter and the URI in column 0 */
    ch_arena *arena;
    const char *uri; /* the answer; NULL: not there */
} lookup;

static int do_lookup(ch_db *db, void *arg, ch_error *err)
{
    lookup *find = arg;
    bool more;
    ch_db_sql(db, find->sql);
    ch_db_text(db, 1, find->id);
    CH_TRY(ch_db_next(db, &more, err));
    find->uri = more ? ch_arena_strdup(find->arena, ch_db_get_text(db, 0)) : NULL;
    return 0;
}

int ch_run_artifact_uri(ch_call *call, const char *run_id, const char **uri)
{
    lookup find = {"SELECT artifact_uri FROM runs WHERE run_id = ?1", ch_or_empty(run_id), call->arena, NULL};
    CH_DB(call, ch_db_read(call->track->pool, do_lookup, &find, &call->error));
    *uri = find.uri;
    if (*uri) return 0;
    return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "Run with id=%s not found", find.id);
}

int ch_logged_artifact_uri(ch_call *call, const char *model_id, const char **uri)
{
    lookup find = {"SELECT artifact_uri FROM logged_models WHERE model_id = ?1 AND deleted = 0", ch_or_empty(model_id),
                   call->arena, NULL};
    CH_DB(call, ch_db_read(call->track->pool, do_lookup, &find, &call->error));
    *uri = find.uri;
    if (*uri) return 0;
    return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "Logged model with ID '%s' not found.", find.id);
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

/* What MLflow calls text whatever it is, so that browsers show it and run nothing of it. */
static bool is_text(const char *name)
{
    static const char *const ENDINGS[] = {
        "txt", "log", "err",  "cfg", "conf", "cnf", "cf",  "ini", "properties", "prop", "hocon", "toml",    "yaml",
        "yml", "xml", "json", "js",  "py",   "py3", "csv", "tsv", "md",         "rst",  "ipynb", "MLmodel", "mlproject",
    };
    const char *dot = strrchr(name, '.');
    const char *ending = dot && dot != name ? dot + 1 : name;
    for (size_t i = 0; i < sizeof ENDINGS / sizeof *ENDINGS; i++)
        if (strcmp(ending, ENDINGS[i]) == 0) return true;
    return false;
}

static bool is_token(const char *name)
{
    for (; *name; name++) {
        char c = *name;
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!plain && !strchr("!#$%&'*+-.^_`|~", c)) return false;
    }
    return true;
}

/* attachment; filename=NAME, quoted where it must be, and in UTF-8 beside when it is not ASCII (RFC 6266). */
static const char *disposition(ch_arena *arena, const char *name)
{
    ch_buf plain = {0}, encoded = {0}, out = {0};
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
        bool attr = *c < 0x80 && *c > 0x20 && is_token((char[]){(char)*c, '\0'}) && !strchr("%*'", *c);
        if (attr)
            ch_buf_char(&encoded, (char)*c);
        else
            ch_buf_printf(&encoded, "%%%02X", *c);
        if (*c == '"' || *c == '\\') ch_buf_char(&plain, '\\');
        if (*c >= 0x20 && *c < 0x7f) ch_buf_char(&plain, (char)*c);
    }
    bool ascii = plain.len >= strlen(name);
    const char *shown = plain.len ? plain.data : "download";
    ch_buf_printf(&out, is_token(shown) ? "attachment; filename=%s" : "attachment; filename=\"%s\"", shown);
    if (!ascii) ch_buf_printf(&out, "; filename*=UTF-8''%s", encoded.data);
    const char *value = ch_arena_strdup(arena, out.data);
    ch_buf_reset(&plain);
    ch_buf_reset(&encoded);
    ch_buf_reset(&out);
    return value;
}

int ch_artifact_size(ch_call *call, const char *path, uint64_t *size)
{
    bool is_dir;
    struct stat about;
    int file = ch_artifact_open(call->track->artifacts, path, &is_dir);
    bool failed = file >= 0 ? fstat(file, &about) != 0 : errno != ENOENT;
    int kept = errno;
    if (file >= 0) close(file);
    if (failed) return ch_call_fail(call, INTERNAL_ERROR, "Cannot read artifact '%s': %s", path, strerror(kept));
    if (file < 0) return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "No such artifact: '%s'", path);
    if (is_dir)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Artifact path refers to a directory, not a file: '%s'",
                            path);
    *size = (uint64_t)about.st_size;
    return 0;
}

int ch_artifact_send(ch_call *call, const char *path)
{
    uint64_t size;
    CH_TRY(ch_artifact_size(call, path, &size));
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    ch_http_send_file(call->request, call->reply, ch_artifact_absolute(call->arena, call->track->artifacts, path),
                      is_text(name) ? "text/plain" : NULL);
    ch_http_add_header(call->reply, "Content-Disposition", disposition(call->arena, name));
    return 0;
}

/* ---- listing -------------------------------------------------------------------------------------------------- */

/* Adds "files" of a folder, their paths `prefix`/NAME. */
static int write_list(ch_call *call, const char *path, const char *prefix)
{
    ch_artifact_entry *entries;
    size_t count;
    CH_DB(call, ch_artifact_list(call->arena, call->track->artifacts, path, &entries, &count, &call->error));
    if (!count) return 0;
    ch_json_key(&call->out, "files");
    ch_json_begin(&call->out, '[');
    for (size_t i = 0; i < count; i++) {
        ch_json_begin(&call->out, '{');
        ch_json_member(&call->out, "path", ch_artifact_join(call->arena, prefix, entries[i].name));
        ch_json_member_bool(&call->out, "is_dir", entries[i].is_dir);
        if (entries[i].size) ch_json_member_int(&call->out, "file_size", (int64_t)entries[i].size);
        ch_json_end(&call->out, '}');
    }
    ch_json_end(&call->out, ']');
    return 0;
}

/* Lists the folder of a clean path ("": the root) below an artifact URI. */
static int list_below(ch_call *call, const char *uri, const char *clean)
{
    const char *folder = folder_of(call, uri);
    if (!folder) return (int)call->code;
    CH_TRY(write_list(call, ch_artifact_join(call->arena, folder, clean), clean));
    ch_json_member(&call->out, "root_uri", uri);
    return 0;
}

static int send_below(ch_call *call, const char *uri, const char *clean)
{
    const char *folder = folder_of(call, uri);
    return folder ? ch_artifact_send(call, ch_artifact_join(call->arena, folder, clean)) : (int)call->code;
}

/* ---- the proxy ------------------------------------------------------------------------------------------------ */

const char *ch_artifact_url_path(ch_call *call)
{
    const char *path = ch_artifact_clean(call->arena, ch_or_empty(ch_http_param(call->request, "path")));
    if (!path || !*path) {
        fail_path(call);
        return NULL;
    }
    return path;
}

int ch_artifact_check_name(ch_call *call, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (strncmp(slash ? slash + 1 : path, CH_ARTIFACT_TEMP_PREFIX, strlen(CH_ARTIFACT_TEMP_PREFIX)) != 0) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Invalid artifact file name: '%s'. Artifact names starting with '%s' are reserved.", path,
                        CH_ARTIFACT_TEMP_PREFIX);
}

static int put_artifact(ch_call *call)
{
    const char *path = ch_artifact_url_path(call);
    if (!path) return (int)call->code;
    CH_TRY(ch_artifact_check_name(call, path));
    uint64_t len;
    const char *source = ch_http_body_file(call->request, &len);
    if (ch_artifact_put(call->track->artifacts, source, path, &call->error)) return ch_call_db_failed(call);
    call->reply->status = 200;
    return 0;
}

static int get_artifact(ch_call *call)
{
    const char *path = ch_artifact_url_path(call);
    return path ? ch_artifact_send(call, path) : (int)call->code;
}

static int delete_artifact(ch_call *call)
{
    const char *path = ch_artifact_url_path(call);
    if (!path) return (int)call->code;
    return ch_artifact_remove(call->track->artifacts, path, &call->error) ? ch_call_db_failed(call) : 0;
}

static int list_proxied(ch_call *call)
{
    const char *path = clean_path(call, ch_or_empty(ch_call_string(call, "path")));
    return path ? write_list(call, path, "") : (int)call->code;
}

/* ---- by run, version and logged model ------------------------------------------------------------------------- */

static const char *run_argument(ch_call *call)
{
    const char *run_id = ch_call_string(call, "run_id");
    return run_id ? run_id : ch_call_string(call, "run_uuid");
}

static int list_run(ch_call *call)
{
    const char *uri;
    const char *path = clean_path(call, ch_or_empty(ch_call_string(call, "path")));
    if (!path) return (int)call->code;
    CH_TRY(ch_run_artifact_uri(call, run_argument(call), &uri));
    return list_below(call, uri, path);
}

/* The required argument `path` of a download, cleaned; NULL with the call failed. */
static const char *path_argument(ch_call *call)
{
    const char *path = ch_call_string(call, "path");
    if (path) return clean_path(call, path);
    ch_call_fail(call, INVALID_PARAMETER_VALUE, "Missing value for required parameter 'path'.");
    return NULL;
}

static int get_run_artifact(ch_call *call)
{
    const char *uri, *path = path_argument(call);
    if (!path) return (int)call->code;
    CH_TRY(ch_run_artifact_uri(call, run_argument(call), &uri));
    return send_below(call, uri, path);
}

/* Where a version's files are, for the transaction that looks for it. */
typedef struct version_lookup {
    ch_call *call;
    const char *name;
    int64_t number;
    const char *uri;
} version_lookup;

static int do_find_version(ch_db *db, void *arg, ch_error *err)
{
    version_lookup *find = arg;
    int64_t model;
    ch_version *version = NULL;
    CH_TRY(ch_registered_find(db, find->name, &model, err));
    if (model) CH_TRY(ch_version_read(db, find->call->arena, model, find->number, &version, err));
    if (!version)
        return ch_call_fail(find->call, RESOURCE_DOES_NOT_EXIST, "Model Version (name=%s, version=%lld) not found",
                            find->name, (long long)find->number);
    find->uri = version->storage_location && *version->storage_location ? version->storage_location : version->source;
    return 0;
}

static int get_version_artifact(ch_call *call)
{
    version_lookup find = {.call = call, .name = ch_or_empty(ch_call_string(call, "name"))};
    const char *folder, *path = path_argument(call);
    if (!path) return (int)call->code;
    CH_TRY(ch_check_model_name(call, find.name));
    CH_TRY(ch_check_version(call, ch_or_empty(ch_call_string(call, "version")), &find.number));
    CH_DB(call, ch_db_read(call->track->pool, do_find_version, &find, &call->error));
    if (!ch_track_is_uri(find.uri)) return send_below(call, find.uri, path);
    if (ch_track_resolve(call->track, call->arena, find.uri, &folder, &call->error))
        return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "%s", call->error.message);
    return send_below(call, folder, path);
}

static int list_logged_model(ch_call *call)
{
    const char *uri;
    const char *path = clean_path(call, ch_or_empty(ch_call_string(call, "artifact_directory_path")));
    if (!path) return (int)call->code;
    CH_TRY(ch_logged_artifact_uri(call, ch_http_param(call->request, "model_id"), &uri));
    return list_below(call, uri, path);
}

static int get_logged_artifact(ch_call *call)
{
    const char *uri, *path = ch_call_string(call, "artifact_file_path");
    if (!path || !*path)
        return ch_call_fail(call, BAD_REQUEST, "Request must include the \"artifact_file_path\" query parameter.");
    path = clean_path(call, path);
    if (!path) return (int)call->code;
    CH_TRY(ch_logged_artifact_uri(call, ch_http_param(call->request, "model_id"), &uri));
    return send_below(call, uri, path);
}

/* A page's upload: the body becomes the file `path` of a run. */
static int upload_artifact(ch_call *call)
{
    const char *uri, *run_id = ch_call_string(call, "run_uuid"), *path = ch_call_string(call, "path");
    if (!run_id || !*run_id) return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Request must specify run_uuid.");
    if (!path || !*path) return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Request must specify path.");
    path = clean_path(call, path);
    if (!path) return (int)call->code;
    uint64_t len;
    const char *source = ch_http_body_file(call->request, &len);
    if (len > UPLOAD_MOST)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Artifact size is too large. Max size is 10MB.");
    if (!len) return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Request must specify data.");
    CH_TRY(ch_run_artifact_uri(call, run_id, &uri));
    const char *folder = folder_of(call, uri);
    if (!folder) return (int)call->code;
    path = ch_artifact_join(call->arena, folder, path);
    if (ch_artifact_put(call->track->artifacts, source, path, &call->error)) return ch_call_db_failed(call);
    call->reply->status = 200;
    call->reply->content_type = "application/json";
    return 0;
}

/* ---- routes --------------------------------------------------------------------------------------------------- */

/* clang-format off */
static const ch_track_route PROXY[] = {
    {"GET", "artifacts", list_proxied, {{"path", CH_P_STRING, false}}, CH_READ, CH_ON_ARTIFACT, "path", 0, NULL},
    {"PUT", "artifacts/{path*}", put_artifact, {{0}}, CH_EDIT, CH_ON_ARTIFACT, "path", CH_HTTP_STREAM, NULL},
    {"GET", "artifacts/{path*}", get_artifact, {{0}}, CH_READ, CH_ON_ARTIFACT, "path", CH_HTTP_STREAM, NULL},
    {"DELETE", "artifacts/{path*}", delete_artifact, {{0}}, CH_EDIT, CH_ON_ARTIFACT, "path", 0, NULL},
};
static const ch_track_route ROUTES[] = {
    {"GET", "artifacts/list", list_run,
     {{"run_id", CH_P_STRING, true}, {"path", CH_P_STRING, false}, {"page_token", CH_P_STRING, false}},
     CH_READ, CH_ON_RUN, "run_id", 0, NULL},
    {"GET", "logged-models/{model_id}/artifacts/directories", list_logged_model,
     {{"artifact_directory_path", CH_P_STRING, false}}, CH_READ, CH_ON_LOGGED_MODEL, "model_id", 0, NULL},
    {"GET", "logged-models/{model_id}/artifacts/files", get_logged_artifact, {{0}},
     CH_READ, CH_ON_LOGGED_MODEL, "model_id", CH_HTTP_STREAM, NULL},
    {"GET", "get-artifact", get_run_artifact, {{0}}, CH_READ, CH_ON_RUN, "run_id", CH_HTTP_STREAM, NULL},
    {"GET", "model-versions/get-artifact", get_version_artifact, {{0}}, CH_READ, CH_ON_MODEL, "name", CH_HTTP_STREAM, NULL},
    {"POST", "upload-artifact", upload_artifact, {{0}}, CH_EDIT, CH_ON_RUN, "run_uuid", CH_HTTP_STREAM, NULL},
};
/* Two of the downloads have a place of their own, outside of the API's prefixes. */
static const ch_track_route DOWNLOADS[] = {
    {"GET", "get-artifact", get_run_artifact, {{0}}, CH_READ, CH_ON_RUN, "run_id", CH_HTTP_STREAM, NULL},
    {"GET", "model-versions/get-artifact", get_version_artifact, {{0}}, CH_READ, CH_ON_MODEL, "name", CH_HTTP_STREAM, NULL},
};
/* clang-format on */

const char *const ch_proxy_prefixes[] = {"/api/2.0/mlflow-artifacts/", "/ajax-api/2.0/mlflow-artifacts/", NULL};
static const char *const ROOT[] = {"/", NULL};

const ch_track_table ch_artifact_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
const ch_track_table ch_artifact_proxy_routes = {ch_proxy_prefixes, PROXY, sizeof PROXY / sizeof *PROXY};
const ch_track_table ch_download_routes = {ROOT, DOWNLOADS, sizeof DOWNLOADS / sizeof *DOWNLOADS};
