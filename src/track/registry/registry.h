/* registry.h: registered models and their versions as the store holds them: what the handlers, the search and the
 * resolver of model URIs share.
 *
 * Functions that look for something give 0 or NULL for what is not there: callers know what to say about it.
 */
#ifndef CHERT_TRACK_REGISTRY_H
#define CHERT_TRACK_REGISTRY_H

#include "track/call.h"

/* Tags (key, value) or aliases (alias, version). */
typedef struct ch_pair {
    const char *key, *value;
} ch_pair;
typedef struct ch_pairs {
    ch_pair *items;
    size_t count;
} ch_pairs;

typedef struct ch_version {
    int64_t model, version, created, updated;
    const char *name, *description, *user_id, *stage, *source, *storage_location, *run_id, *run_link, *status;
    const char *status_message, *model_id;
    ch_pairs tags, aliases; /* aliases: only where MLflow's reply has them; keys without values */
} ch_version;
typedef struct ch_version_list {
    ch_version *items;
    size_t count;
} ch_version_list;

typedef struct ch_registered {
    int64_t id, created, updated;
    const char *name, *description;
    ch_pairs tags, aliases;
    ch_version_list latest; /* the highest version of each stage */
} ch_registered;

/* What ch_version_row reads, of model_versions v and registered_models m. */
#define CH_VERSION_COLUMNS                                                                                             \
    "v.model, v.version, v.created, v.updated, m.name, v.description, v.user_id, v.stage, v.source, "                  \
    "v.storage_location, v.run_id, v.run_link, v.status, v.status_message, v.model_id"

/* Rows of the chosen statement, two columns each. */
int ch_pairs_read(ch_db *db, ch_arena *arena, ch_pairs *out, ch_error *err);
/* Appends the pairs as [{KEY: key, VALUE: value}, ...] under `member`; nothing when there are none. */
void ch_pairs_write(ch_json *json, const char *member, const ch_pairs *pairs, const char *key, const char *value);

/* A ch_row_reader of ch_version. */
void ch_version_row(const ch_db *db, ch_arena *arena, void *item);
/* Fills in the tags and, if asked for, the aliases of all. */
int ch_versions_complete(ch_db *db, ch_arena *arena, ch_version_list *list, bool aliases, ch_error *err);
void ch_version_write(ch_json *json, const ch_version *version);
void ch_versions_write(ch_json *json, const char *member, const ch_version_list *list);

int ch_registered_find(ch_db *db, const char *name, int64_t *id, ch_error *err);
/* The whole model; *out NULL when there is none of that name. */
int ch_registered_read(ch_db *db, ch_arena *arena, const char *name, ch_registered **out, ch_error *err);
/* Fills in tags, aliases and latest versions of one whose own columns are there. */
int ch_registered_complete(ch_db *db, ch_arena *arena, ch_registered *model, ch_error *err);
void ch_registered_write(ch_json *json, const ch_registered *model);
bool ch_is_prompt(const ch_pairs *tags);
/* The same of a request's tags: of equal keys the last counts. */
bool ch_tags_mark_prompt(json_t *tags);

/* One version with tags and aliases; *out NULL when there is none. */
int ch_version_read(ch_db *db, ch_arena *arena, int64_t model, int64_t version, ch_version **out, ch_error *err);
/* The highest version of each stage; with `stage` (canonical) of that one only. */
int ch_versions_latest(ch_db *db, ch_arena *arena, int64_t model, const char *stage, ch_version_list *out,
                       ch_error *err);
int ch_alias_find(ch_db *db, int64_t model, const char *alias, int64_t *version, ch_error *err);
/* The highest version of a stage, or of all when stage is NULL; 0 when there is none. */
int ch_version_highest(ch_db *db, int64_t model, const char *stage, int64_t *version, ch_error *err);

/* Says that something of the registry is different now: what holds models asks ch_track_generation. */
void ch_registry_changed(ch_track *track);

/* "models:/NAME/VERSION", "models:/NAME/STAGE", "models:/NAME/latest", "models:/NAME@ALIAS" or "models:/MODEL_ID" with
 * what follows; all but `tail` NULL when absent. With only a name, the latest version is meant. */
typedef struct ch_models_uri {
    const char *name, *version, *stage, *alias, *model_id;
    const char *tail; /* the path behind, without a slash in front; "" when none */
} ch_models_uri;
bool ch_models_uri_parse(ch_arena *arena, const char *uri, ch_models_uri *out);
/* The number of the version that it names; 0 when there is none of it (or of the model). */
int ch_models_uri_version(ch_db *db, const ch_models_uri *uri, int64_t model, int64_t *version, ch_error *err);

/* What a new version is made from. */
typedef struct ch_version_source {
    const char *source, *run_id, *model_id; /* as asked for; then as they are to be stored */
    bool has_run_id, has_model_id;          /* whether the request named them */
    bool prompt;
    const char *storage_location; /* found: where the files are */
} ch_version_source;
/* Fails the call when MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX is set, as for MLflow's server, and nothing
 * in the source matches it. ch_version_source_pattern_check says beforehand whether it is a regular expression. */
int ch_version_source_allowed(ch_call *call, const char *source);
int ch_version_source_pattern_check(ch_error *err);
/* Checks that the source lies in what run_id or model_id names, follows models:/ URIs; fails the call as MLflow does.
 */
int ch_version_source_check(ch_db *db, ch_call *call, ch_version_source *source, ch_error *err);
/* The second half, after the model's name was found good: where the files are, and the run of a logged model. */
int ch_version_source_locate(ch_db *db, ch_call *call, ch_version_source *source, ch_error *err);

#endif
