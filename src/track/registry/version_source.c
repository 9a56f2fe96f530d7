/* version_source.c: what a new model version may be made from.
 *
 * A version's source is read by whoever loads the model, through this server, so a client must not point it at files
 * that it could not otherwise read: a source in the artifact store must lie in the folder of the run or the logged
 * model that the request names, a local path in a run's local folder, and nothing may climb with "..". The order of the
 * checks and their messages are MLflow's.
 */
#include "frame/type/regex.h"
#include "track/names.h"
#include "track/registry/registry.h"

#include <stdlib.h>
#include <string.h>

/* "scheme://host:port/path" in its parts; text that is absent is "". */
typedef struct uri_parts {
    const char *scheme, *authority, *path;
} uri_parts;

static bool is_scheme_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("+.-", c);
}

static void split_uri(ch_arena *arena, const char *uri, uri_parts *out)
{
    *out = (uri_parts){"", "", ""};
    size_t len = 0;
    while (uri[len] && is_scheme_byte(uri[len])) len++;
    bool letter = (*uri >= 'a' && *uri <= 'z') || (*uri >= 'A' && *uri <= 'Z');
    if (letter && uri[len] == ':') {
        char *scheme = ch_arena_strndup(arena, uri, len);
        for (char *c = scheme; *c; c++)
            if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + 32);
        out->scheme = scheme;
        uri += len + 1;
    }
    if (strncmp(uri, "//", 2) == 0) {
        len = strcspn(uri + 2, "/?#");
        out->authority = ch_arena_strndup(arena, uri + 2, len);
        uri += 2 + len;
    }
    out->path = ch_arena_strndup(arena, uri, strcspn(uri, "?#"));
}

/* The host without user, port and brackets. */
static const char *host_of(ch_arena *arena, const char *authority)
{
    const char *at = strrchr(authority, '@');
    const char *host = at ? at + 1 : authority;
    return ch_arena_strndup(arena, host, strcspn(host, ":"));
}

static bool is_remote_host(ch_arena *arena, const uri_parts *parts)
{
    const char *host = host_of(arena, parts->authority);
    return *host && strcmp(host, ".") != 0 && strncmp(host, "localhost", 9) != 0 && strncmp(host, "127.0.0.1", 9) != 0;
}

/* Percent-decoded until nothing changes; `plus` reads '+' as a space, too. */
static const char *unquote(ch_arena *arena, const char *text, bool plus)
{
    char *out = ch_arena_strdup(arena, text);
    for (bool changed = true; changed;) {
        changed = false;
        char *to = out;
        for (const char *from = out; *from; to++) {
            char digits[3] = {from[0] == '%' ? from[1] : '\0', from[0] == '%' && from[1] ? from[2] : '\0', '\0'};
            char *end = NULL;
            long byte = strspn(digits, "0123456789abcdefABCDEF") == 2 ? strtol(digits, &end, 16) : -1;
            *to = byte > 0 ? (char)byte : plus && *from == '+' ? ' ' : *from;
            changed |= byte > 0 || (plus && *from == '+');
            from += byte > 0 ? 3 : 1;
        }
        *to = '\0';
    }
    return out;
}

/* ---- failures ------------------------------------------------------------------------------------------------- */

static int fail_foreign(ch_call *call, const char *source, const char *parameter)
{
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Invalid model version source: '%s'. The %s request parameter must identify the resource that "
                        "contains the source.",
                        source, parameter);
}

static int fail_local(ch_call *call, const char *source, const char *parameter)
{
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Invalid model version source: '%s'. To use a local path as a model version source, the %s "
                        "request parameter has to be specified and the local path has to be contained within the "
                        "artifact directory of the run specified by the %s.",
                        source, parameter, parameter);
}

/* ---- what the source is compared with ------------------------------------------------------------------------- */

/* The text in column 0 of the chosen statement's row, and in column 1 when wanted; NULL without a row. */
static int read_texts(ch_db *db, ch_arena *arena, const char **first, const char **second, ch_error *err)
{
    bool more;
    *first = NULL;
    CH_TRY(ch_db_next(db, &more, err));
    if (!more) return 0;
    *first = ch_arena_strdup(arena, ch_db_get_text(db, 0));
    if (second) *second = ch_arena_strdup(arena, ch_db_get_text(db, 1));
    return 0;
}

static int run_folder(ch_db *db, ch_arena *arena, const char *run_id, const char **uri, ch_error *err)
{
    ch_db_sql(db, "SELECT artifact_uri FROM runs WHERE run_id = ?1");
    ch_db_text(db, 1, run_id);
    return read_texts(db, arena, uri, NULL, err);
}

static int logged_folder(ch_db *db, ch_arena *arena, const char *model_id, const char **uri, const char **run_id,
                         ch_error *err)
{
    ch_db_sql(db, "SELECT artifact_uri, source_run_id FROM logged_models WHERE model_id = ?1 AND deleted = 0");
    ch_db_text(db, 1, model_id);
    return read_texts(db, arena, uri, run_id, err);
}

/* Whether the parts of `path` begin with all of `root`'s, percent-decoded. */
static bool path_within(ch_arena *arena, const char *path, const char *root)
{
    const char *inner = unquote(arena, path, false), *outer = unquote(arena, root, false);
    inner += strspn(inner, "/");
    outer += strspn(outer, "/");
    if (!*outer) return false;
    while (*outer) {
        size_t len = strcspn(outer, "/");
        if (strcspn(inner, "/") != len || memcmp(inner, outer, len) != 0) return false;
        inner += len + strspn(inner + len, "/");
        outer += len + strspn(outer + len, "/");
    }
    return true;
}

static bool uri_within(ch_arena *arena, const char *source, const char *root)
{
    uri_parts inner, outer;
    split_uri(arena, source, &inner);
    split_uri(arena, root, &outer);
    return strcmp(inner.scheme, outer.scheme) == 0 && strcasecmp(inner.authority, outer.authority) == 0 &&
           path_within(arena, inner.path, outer.path);
}

static bool is_local(const uri_parts *parts)
{
    return !*parts->scheme || strcmp(parts->scheme, "file") == 0;
}

/* The folder of the run or logged model that the request names: NULL when it names none or one that is not there. */
static int named_folder(ch_db *db, ch_arena *arena, const ch_version_source *s, const char **uri, ch_error *err)
{
    *uri = NULL;
    if (s->model_id && *s->model_id) return logged_folder(db, arena, s->model_id, uri, NULL, err);
    return s->run_id && *s->run_id ? run_folder(db, arena, s->run_id, uri, err) : 0;
}

/* ---- the checks ----------------------------------------------------------------------------------------------- */

static int check_local(ch_db *db, ch_call *call, const ch_version_source *s, const uri_parts *parts,
                       const char *parameter, ch_error *err)
{
    if (*parts->scheme && is_remote_host(call->arena, parts))
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "%s is not a valid remote uri.", s->source);
    const char *folder;
    bool named = (s->model_id && *s->model_id) || (s->run_id && *s->run_id);
    if (!named) return fail_local(call, s->source, parameter);
    CH_TRY(named_folder(db, call->arena, s, &folder, err));
    if (!folder) return fail_foreign(call, s->source, parameter);
    const char *path = ch_path_normal(call->arena, parts->path);
    uri_parts root;
    split_uri(call->arena, folder, &root);
    if (*path == '/' && is_local(&root) && path_within(call->arena, path, ch_path_normal(call->arena, root.path)))
        return 0;
    return fail_local(call, path, parameter);
}

static int check_not_relative(ch_call *call, const char *source)
{
    const char *plain = unquote(call->arena, source, true);
    bool climbs = strcasestr(plain, "%00") != NULL;
    for (const char *at = plain; *at && !climbs; at += strcspn(at, "/"), at += *at == '/')
        climbs = strcspn(at, "/") == 2 && memcmp(at, "..", 2) == 0;
    uri_parts parts;
    split_uri(call->arena, plain, &parts);
    ch_buf path = {0};
    for (const char *c = parts.path; *c; c++)
        if (*c != '/' || !path.len || path.data[path.len - 1] != '/') ch_buf_char(&path, *c);
    while (path.len && path.data[path.len - 1] == '/') path.data[--path.len] = '\0';
    const char *text = ch_buf_text(&path);
    bool absolute = *text == '/' && strcmp(ch_path_normal(call->arena, text), text) == 0;
    ch_buf_reset(&path);
    if (!climbs && absolute) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Invalid model version source: '%s'. If supplying a source as an http, https, local file "
                        "path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without "
                        "relative path references present. Please provide an absolute path.",
                        source);
}

/* Schemes that make whoever reads them connect to a host of the client's choice. */
static int check_scheme(ch_call *call, const char *source)
{
    static const char *const ADDRESSED[] = {"ftp", "sftp", "hdfs",  "viewfs", "http", "https", "mlflow-artifacts",
                                            "r2",  "b2",   "abfss", NULL};
    uri_parts parts;
    split_uri(call->arena, source, &parts);
    for (int i = 0; ADDRESSED[i]; i++) {
        if (strcmp(parts.scheme, ADDRESSED[i]) != 0) continue;
        if (strcmp(parts.scheme, "mlflow-artifacts") == 0 && !*parts.authority) return 0;
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "'source' cannot use the '%s' scheme: the '%s' scheme addresses a host other than the "
                            "tracking server's configured artifact storage, so the server would connect to the host "
                            "named in the URI. Set the MLFLOW_ALLOWED_HOST_ADDRESSED_ARTIFACT_SCHEMES environment "
                            "variable on the server to allow it.",
                            parts.scheme, parts.scheme);
    }
    return 0;
}

/* A source outside of the registry: it must lie in the run or logged model that the request names. */
static int check_contained(ch_db *db, ch_call *call, const ch_version_source *s, ch_error *err)
{
    bool by_model = s->model_id && *s->model_id;
    const char *parameter = by_model ? "model_id" : "run_id";
    uri_parts parts;
    split_uri(call->arena, s->source, &parts);
    if (is_local(&parts)) return check_local(db, call, s, &parts, parameter, err);
    CH_TRY(check_not_relative(call, s->source));
    if (strcmp(parts.scheme, "runs") == 0) {
        const char *path = parts.path + strspn(parts.path, "/");
        size_t len = strcspn(path, "/");
        bool same = !by_model && s->run_id && strlen(s->run_id) == len && strncmp(s->run_id, path, len) == 0;
        return same && !*parts.authority ? 0 : fail_foreign(call, s->source, parameter);
    }
    ch_models_uri model;
    if (strcmp(parts.scheme, "models") == 0 && ch_models_uri_parse(call->arena, s->source, &model) && model.model_id) {
        bool same = by_model && strcmp(model.model_id, s->model_id) == 0;
        return same ? 0 : fail_foreign(call, s->source, "model_id");
    }
    if (strcmp(parts.scheme, "mlflow-artifacts") != 0) return 0;
    const char *folder;
    CH_TRY(named_folder(db, call->arena, s, &folder, err));
    return folder && uri_within(call->arena, s->source, folder) ? 0 : fail_foreign(call, s->source, parameter);
}

/* ---- sources in the registry ---------------------------------------------------------------------------------- */

static int fail_no_version(ch_call *call, const ch_models_uri *uri)
{
    if (uri->alias)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Registered model alias %s not found.", uri->alias);
    if (uri->version)
        return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "Model Version (name=%s, version=%s) not found", uri->name,
                            uri->version);
    return ch_call_fail(call, INVALID_PARAMETER_VALUE, "No versions of model with name '%s'%s%s%s found", uri->name,
                        uri->stage ? " and stage '" : "", uri->stage ? uri->stage : "", uri->stage ? "'" : "");
}

static bool differs(bool given, const char *asked, const char *stored)
{
    return given && strcmp(asked ? asked : "", stored ? stored : "") != 0;
}

/* Follows "models:/NAME/..." to the version it names: the new one has its run and its logged model. */
static int follow_version(ch_db *db, ch_call *call, ch_version_source *s, const ch_models_uri *uri, ch_error *err)
{
    ch_registered *model;
    ch_version *version;
    int64_t number;
    CH_TRY(ch_check_model_name(call, uri->name));
    CH_TRY(ch_registered_read(db, call->arena, uri->name, &model, err));
    if (!model)
        return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "Registered Model with name=%s not found", uri->name);
    if (ch_is_prompt(&model->tags))
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Invalid model version source: '%s'. Prompt versions cannot be used as model version "
                            "sources.",
                            s->source);
    if (uri->stage && !ch_check_stage(call, uri->stage)) return (int)call->code;
    CH_TRY(ch_models_uri_version(db, uri, model->id, &number, err));
    if (!number) return fail_no_version(call, uri);
    CH_TRY(ch_version_read(db, call->arena, model->id, number, &version, err));
    if (!version) return fail_no_version(call, uri);
    if (differs(s->has_run_id, s->run_id, version->run_id) || differs(s->has_model_id, s->model_id, version->model_id))
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Invalid model version source: '%s'. The run_id and model_id request parameters must match "
                            "the referenced model version.",
                            s->source);
    s->source = ch_arena_printf(call->arena, "models:/%s/%lld", uri->name, (long long)number);
    if (!s->has_run_id) s->run_id = version->run_id;
    if (!s->has_model_id) s->model_id = version->model_id;
    s->storage_location = version->storage_location ? version->storage_location : version->source;
    return 0;
}

/* ---- the operator's pattern ----------------------------------------------------------------------------------- */

static const ch_regex *operators_pattern(bool *wanted, ch_error *err)
{
    const char *pattern = getenv("MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX");
    *wanted = pattern && *pattern;
    return *wanted ? ch_regex_find(pattern, strlen(pattern), 0, "regexp", err) : NULL;
}

int ch_version_source_pattern_check(ch_error *err)
{
    bool wanted;
    if (operators_pattern(&wanted, err) || !wanted) return 0;
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                    "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX is no regular expression");
}

int ch_version_source_allowed(ch_call *call, const char *source)
{
    bool wanted;
    ch_error *err = &call->error;
    const ch_regex *regex = operators_pattern(&wanted, err);
    if (!wanted) return 0;
    /* what the pattern runs wild on is refused, too */
    if (regex && ch_regex_search(regex, source, strlen(source), 0, NULL, 0, err) == 1) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid model version source: '%s'.", source);
}

int ch_version_source_check(ch_db *db, ch_call *call, ch_version_source *s, ch_error *err)
{
    s->storage_location = s->source;
    if (s->prompt && strcmp(s->source, "dummy-source") != 0 && strcmp(s->source, "prompt-template") != 0)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Invalid prompt source: '%s'. Prompt sources must use an MLflow placeholder.", s->source);
    CH_TRY(check_scheme(call, s->source));
    if (s->prompt) return 0;
    uri_parts parts;
    split_uri(call->arena, s->source, &parts);
    if (strcmp(parts.scheme, "models") == 0) {
        ch_models_uri uri;
        if (*parts.authority)
            return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                                "Invalid model version source: '%s'. Registered model sources must use the active "
                                "model registry.",
                                s->source);
        const char *source = s->source;
        if (!ch_models_uri_parse(call->arena, source, &uri) || *uri.tail ||
            (uri.model_id && strncmp(uri.model_id, "m-", 2) != 0))
            return fail_foreign(call, source, "model_id");
        return uri.model_id ? check_contained(db, call, s, err) : follow_version(db, call, s, &uri, err);
    }
    return check_contained(db, call, s, err);
}

int ch_version_source_locate(ch_db *db, ch_call *call, ch_version_source *s, ch_error *err)
{
    bool by_model = s->model_id && *s->model_id && !s->prompt;
    if (!by_model) return 0;
    const char *folder, *run_id = NULL;
    CH_TRY(logged_folder(db, call->arena, s->model_id, &folder, &run_id, err));
    bool is_source = strncmp(s->source, "models:/m-", 10) == 0;
    if (!folder && is_source)
        return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST,
                            "Unable to fetch model from model URI source artifact location '%s'.Error: Logged model "
                            "with ID '%s' not found.",
                            s->source, s->model_id);
    if (!folder) return 0;
    if (is_source) s->storage_location = folder;
    if (!s->run_id || !*s->run_id) s->run_id = run_id;
    return 0;
}
