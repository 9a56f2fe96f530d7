/* resolve.c: from the URIs that MLflow names artifacts and models by to files, for the rest of chert. */
#include "track/artifact/artifact_store.h"
#include "track/registry/registry.h"

#include <string.h>
#include <unistd.h>

enum { FOLLOW_MOST = 8 }; /* models:/ that point at models:/ */

bool ch_track_is_uri(const char *text)
{
    return strncmp(text, "mlflow-artifacts:/", 18) == 0 || strncmp(text, "runs:/", 6) == 0 ||
           strncmp(text, "models:/", 8) == 0;
}

/* What is being looked for, for the functions that run in one transaction. */
typedef struct search {
    ch_track *track;
    ch_arena *arena;
    const char *uri, *name, *which;
    const char *path;    /* the answer: relative to the artifact folder, clean */
    ch_version *version; /* the answer */
    int depth;
} search;

static int resolve_uri(ch_db *db, search *find, const char *uri, ch_error *err);

static int fail_uri(ch_error *err, const char *uri)
{
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The artifacts at '%s' are not kept by this server", uri);
}

/* The answer is `tail` below the place that an artifact URI names. */
static int place(search *find, const char *uri, const char *tail, ch_error *err)
{
    const char *folder = ch_artifact_of_uri(find->arena, find->track->artifacts, uri);
    const char *clean = ch_artifact_clean(find->arena, tail);
    if (!folder || !clean) return fail_uri(err, uri);
    find->path = ch_artifact_join(find->arena, folder, clean);
    return 0;
}

/* The text in the only column of the chosen statement's row; NULL without a row. */
static int read_text(ch_db *db, ch_arena *arena, const char **out, ch_error *err)
{
    bool more;
    CH_TRY(ch_db_next(db, &more, err));
    *out = more ? ch_arena_strdup(arena, ch_db_get_text(db, 0)) : NULL;
    return 0;
}

static bool exists(const search *find)
{
    bool is_dir;
    int file = ch_artifact_open(find->track->artifacts, find->path, &is_dir);
    if (file >= 0) close(file);
    return file >= 0;
}

/* runs:/RUN_ID/path: in the run's folder, or in that of a logged model that the run made under the path's first name:
 * clients of MLflow 3 put models there and still name them by their run. */
static int resolve_run(ch_db *db, search *find, const char *uri, ch_error *err)
{
    const char *path = uri + 6 + strspn(uri + 6, "/");
    size_t len = strcspn(path, "/");
    const char *run_id = ch_arena_strndup(find->arena, path, len), *folder;
    const char *tail = path + len + strspn(path + len, "/");
    ch_db_sql(db, "SELECT artifact_uri FROM runs WHERE run_id = ?1");
    ch_db_text(db, 1, run_id);
    CH_TRY(read_text(db, find->arena, &folder, err));
    if (!folder) return ch_failf(err, CH_E_NOT_FOUND, "Run with id=%s not found", run_id);
    CH_TRY(place(find, folder, tail, err));
    if (!*tail || exists(find)) return 0;
    len = strcspn(tail, "/");
    ch_db_sql(db, "SELECT artifact_uri FROM logged_models WHERE source_run_id = ?1 AND name = ?2 AND deleted = 0"
                  " ORDER BY created DESC, id DESC LIMIT 1");
    ch_db_text(db, 1, run_id);
    ch_db_text(db, 2, ch_arena_strndup(find->arena, tail, len));
    CH_TRY(read_text(db, find->arena, &folder, err));
    return folder ? place(find, folder, tail + len + strspn(tail + len, "/"), err) : 0;
}

static int fail_version(ch_error *err, const ch_models_uri *uri)
{
    if (uri->alias) return ch_failf(err, CH_E_NOT_FOUND, "Registered model alias %s not found.", uri->alias);
    if (uri->version)
        return ch_failf(err, CH_E_NOT_FOUND, "Model Version (name=%s, version=%s) not found", uri->name, uri->version);
    if (uri->stage)
        return ch_failf(err, CH_E_NOT_FOUND, "No versions of model with name '%s' and stage '%s' found", uri->name,
                        uri->stage);
    return ch_failf(err, CH_E_NOT_FOUND, "No versions of model with name '%s' found", uri->name);
}

/* Finds the version that a models:/ URI with a name means. */
static int find_version(ch_db *db, search *find, const ch_models_uri *uri, ch_error *err)
{
    int64_t model, number;
    CH_TRY(ch_registered_find(db, uri->name, &model, err));
    if (!model) return ch_failf(err, CH_E_NOT_FOUND, "Registered Model with name=%s not found", uri->name);
    CH_TRY(ch_models_uri_version(db, uri, model, &number, err));
    if (!number) return fail_version(err, uri);
    CH_TRY(ch_version_read(db, find->arena, model, number, &find->version, err));
    return find->version ? 0 : fail_version(err, uri);
}

static const char *files_of(const ch_version *version)
{
    return version->storage_location && *version->storage_location ? version->storage_location : version->source;
}

static int resolve_model(ch_db *db, search *find, const char *uri, ch_error *err)
{
    ch_models_uri model;
    const char *folder;
    if (!ch_models_uri_parse(find->arena, uri, &model))
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Not a proper models:/ URI: %s", uri);
    if (!model.model_id) {
        CH_TRY(find_version(db, find, &model, err));
        CH_TRY(resolve_uri(db, find, files_of(find->version), err));
    } else {
        ch_db_sql(db, "SELECT artifact_uri FROM logged_models WHERE model_id = ?1 AND deleted = 0");
        ch_db_text(db, 1, model.model_id);
        CH_TRY(read_text(db, find->arena, &folder, err));
        if (!folder) return ch_failf(err, CH_E_NOT_FOUND, "Logged model with ID '%s' not found.", model.model_id);
        CH_TRY(place(find, folder, "", err));
    }
    const char *tail = ch_artifact_clean(find->arena, model.tail);
    if (!tail) return fail_uri(err, uri);
    find->path = ch_artifact_join(find->arena, find->path, tail);
    return 0;
}

static int resolve_uri(ch_db *db, search *find, const char *uri, ch_error *err)
{
    if (++find->depth > FOLLOW_MOST) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "'%s' leads in circles", find->uri);
    if (strncmp(uri, "runs:/", 6) == 0) return resolve_run(db, find, uri, err);
    if (strncmp(uri, "models:/", 8) == 0) return resolve_model(db, find, uri, err);
    return place(find, uri, "", err);
}

static int do_resolve(ch_db *db, void *arg, ch_error *err)
{
    search *find = arg;
    return resolve_uri(db, find, find->uri, err);
}

int ch_track_resolve(ch_track *track, ch_arena *arena, const char *uri, const char **path, ch_error *err)
{
    search find = {.track = track, .arena = arena, .uri = uri};
    if (!ch_track_is_uri(uri))
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "'%s' is not a mlflow-artifacts:/, runs:/ or models:/ URI", uri);
    CH_TRY(ch_db_read(track->pool, do_resolve, &find, err));
    *path = ch_artifact_absolute(arena, track->artifacts, find.path);
    return 0;
}

/* A number, "latest", an alias, or a stage: of two things of one name the alias is meant, which people choose. */
static int do_find_model(ch_db *db, void *arg, ch_error *err)
{
    search *find = arg;
    int64_t model, number = 0;
    const char *which = find->which ? find->which : "latest";
    ch_models_uri uri = {.name = find->name, .tail = ""};
    CH_TRY(ch_registered_find(db, find->name, &model, err));
    if (!model) return ch_failf(err, CH_E_NOT_FOUND, "Registered Model with name=%s not found", find->name);
    bool is_number = *which && !which[strspn(which, "0123456789")];
    if (is_number)
        uri.version = which;
    else if (strcasecmp(which, "latest") != 0) {
        CH_TRY(ch_alias_find(db, model, which, &number, err));
        *(number ? &uri.alias : &uri.stage) = which;
    }
    CH_TRY(find_version(db, find, &uri, err));
    return resolve_uri(db, find, files_of(find->version), err);
}

int ch_track_model(ch_track *track, ch_arena *arena, const char *name, const char *which, ch_model_version *out,
                   ch_error *err)
{
    search find = {.track = track, .arena = arena, .uri = name, .name = name, .which = which};
    int64_t generation = ch_track_generation(track); /* of before: a change meanwhile is seen as one */
    CH_TRY(ch_db_read(track->pool, do_find_model, &find, err));
    *out = (ch_model_version){
        .name = find.version->name,
        .version = ch_arena_printf(arena, "%lld", (long long)find.version->version),
        .stage = find.version->stage,
        .path = ch_artifact_absolute(arena, track->artifacts, find.path),
        .generation = generation,
    };
    return 0;
}
