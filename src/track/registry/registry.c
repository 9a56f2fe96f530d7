/* registry.c: reading registered models and versions from the store, and writing them as JSON. */
#include "track/registry/registry.h"

#include "track/names.h"
#include "track/store/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ch_registry_changed(ch_track *track)
{
    track->generation++;
}

/* ---- tags and aliases ----------------------------------------------------------------------------------------- */

static void read_pair(const ch_db *db, ch_arena *arena, void *item)
{
    *(ch_pair *)item =
        (ch_pair){ch_arena_strdup(arena, ch_db_get_text(db, 0)), ch_arena_strdup(arena, ch_db_get_text(db, 1))};
}

int ch_pairs_read(ch_db *db, ch_arena *arena, ch_pairs *out, ch_error *err)
{
    ch_rows rows;
    CH_TRY(ch_rows_read(db, arena, sizeof(ch_pair), INT64_MAX, read_pair, &rows, err));
    *out = (ch_pairs){rows.items, rows.count};
    return 0;
}

void ch_pairs_write(ch_json *json, const char *member, const ch_pairs *pairs, const char *key, const char *value)
{
    if (!pairs->count) return;
    ch_json_key(json, member);
    ch_json_begin(json, '[');
    for (size_t i = 0; i < pairs->count; i++) {
        ch_json_begin(json, '{');
        ch_json_member(json, key, pairs->items[i].key);
        ch_json_member(json, value, pairs->items[i].value);
        ch_json_end(json, '}');
    }
    ch_json_end(json, ']');
}

bool ch_is_prompt(const ch_pairs *tags)
{
    for (size_t i = 0; i < tags->count; i++)
        if (strcmp(tags->items[i].key, "mlflow.prompt.is_prompt") == 0)
            return strcasecmp(tags->items[i].value, "true") == 0;
    return false;
}

bool ch_tags_mark_prompt(json_t *tags)
{
    bool prompt = false;
    size_t i;
    json_t *tag;
    json_array_foreach(tags, i, tag)
    {
        const char *key = ch_item_string(tag, "key");
        if (key && strcmp(key, "mlflow.prompt.is_prompt") == 0)
            prompt = strcasecmp(ch_or_empty(ch_item_string(tag, "value")), "true") == 0;
    }
    return prompt;
}

/* ---- versions ------------------------------------------------------------------------------------------------- */

void ch_version_row(const ch_db *db, ch_arena *arena, void *item)
{
    *(ch_version *)item = (ch_version){
        .model = ch_db_get_int(db, 0),
        .version = ch_db_get_int(db, 1),
        .created = ch_db_get_int(db, 2),
        .updated = ch_db_get_int(db, 3),
        .name = ch_arena_strdup(arena, ch_db_get_text(db, 4)),
        .description = ch_arena_strdup(arena, ch_db_get_text(db, 5)),
        .user_id = ch_arena_strdup(arena, ch_db_get_text(db, 6)),
        .stage = ch_arena_strdup(arena, ch_db_get_text(db, 7)),
        .source = ch_arena_strdup(arena, ch_db_get_text(db, 8)),
        .storage_location = ch_arena_strdup(arena, ch_db_get_text(db, 9)),
        .run_id = ch_arena_strdup(arena, ch_db_get_text(db, 10)),
        .run_link = ch_arena_strdup(arena, ch_db_get_text(db, 11)),
        .status = ch_arena_strdup(arena, ch_db_get_text(db, 12)),
        .status_message = ch_arena_strdup(arena, ch_db_get_text(db, 13)),
        .model_id = ch_arena_strdup(arena, ch_db_get_text(db, 14)),
    };
}

static int read_versions(ch_db *db, ch_arena *arena, ch_version_list *list, ch_error *err)
{
    ch_rows rows;
    CH_TRY(ch_rows_read(db, arena, sizeof(ch_version), INT64_MAX, ch_version_row, &rows, err));
    *list = (ch_version_list){rows.items, rows.count};
    return 0;
}

int ch_versions_complete(ch_db *db, ch_arena *arena, ch_version_list *list, bool aliases, ch_error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        ch_version *v = &list->items[i];
        ch_db_sql(db, "SELECT key, value FROM model_version_tags WHERE model = ?1 AND version = ?2 ORDER BY key");
        ch_db_int(db, 1, v->model);
        ch_db_int(db, 2, v->version);
        CH_TRY(ch_pairs_read(db, arena, &v->tags, err));
        if (!aliases) continue;
        ch_db_sql(db, "SELECT alias, '' FROM registered_model_aliases WHERE model = ?1 AND version = ?2"
                      " ORDER BY alias");
        ch_db_int(db, 1, v->model);
        ch_db_int(db, 2, v->version);
        CH_TRY(ch_pairs_read(db, arena, &v->aliases, err));
    }
    return 0;
}

int ch_version_read(ch_db *db, ch_arena *arena, int64_t model, int64_t version, ch_version **out, ch_error *err)
{
    ch_version_list list;
    ch_db_sql(db, "SELECT " CH_VERSION_COLUMNS " FROM model_versions v JOIN registered_models m ON m.id = v.model"
                  " WHERE v.model = ?1 AND v.version = ?2");
    ch_db_int(db, 1, model);
    ch_db_int(db, 2, version);
    CH_TRY(read_versions(db, arena, &list, err));
    *out = list.count ? list.items : NULL;
    return ch_versions_complete(db, arena, &list, true, err);
}

int ch_versions_latest(ch_db *db, ch_arena *arena, int64_t model, const char *stage, ch_version_list *out,
                       ch_error *err)
{
    ch_db_sql(db, "SELECT " CH_VERSION_COLUMNS " FROM (SELECT MAX(version) AS highest, MIN(version) AS first"
                  "  FROM model_versions WHERE model = ?1 AND (?2 = '' OR stage = ?2) GROUP BY stage) s"
                  " JOIN model_versions v ON v.model = ?1 AND v.version = s.highest"
                  " JOIN registered_models m ON m.id = v.model ORDER BY s.first");
    ch_db_int(db, 1, model);
    ch_db_text(db, 2, stage ? stage : "");
    return read_versions(db, arena, out, err);
}

/* The number in the first column of the chosen statement's only row; 0 without one. */
static int read_number(ch_db *db, int64_t *out, ch_error *err)
{
    bool more;
    CH_TRY(ch_db_next(db, &more, err));
    *out = more ? ch_db_get_int(db, 0) : 0;
    return 0;
}

int ch_version_highest(ch_db *db, int64_t model, const char *stage, int64_t *version, ch_error *err)
{
    ch_db_sql(db, "SELECT MAX(version) FROM model_versions WHERE model = ?1 AND (?2 = '' OR stage = ?2)");
    ch_db_int(db, 1, model);
    ch_db_text(db, 2, stage ? stage : "");
    return read_number(db, version, err);
}

int ch_alias_find(ch_db *db, int64_t model, const char *alias, int64_t *version, ch_error *err)
{
    ch_db_sql(db, "SELECT version FROM registered_model_aliases WHERE model = ?1 AND alias = ?2");
    ch_db_int(db, 1, model);
    ch_db_text(db, 2, alias);
    return read_number(db, version, err);
}

void ch_version_write(ch_json *json, const ch_version *version)
{
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)version->version);
    ch_json_begin(json, '{');
    ch_json_member(json, "name", version->name);
    ch_json_member(json, "version", number);
    ch_json_member_int(json, "creation_timestamp", version->created);
    ch_json_member_int(json, "last_updated_timestamp", version->updated);
    ch_json_member(json, "user_id", version->user_id);
    ch_json_member(json, "current_stage", version->stage);
    ch_json_member(json, "description", version->description);
    ch_json_member(json, "source", version->source);
    ch_json_member(json, "run_id", version->run_id);
    ch_json_member(json, "status", version->status);
    ch_json_member(json, "status_message", version->status_message);
    ch_pairs_write(json, "tags", &version->tags, "key", "value");
    ch_json_member(json, "run_link", version->run_link);
    if (version->aliases.count) {
        ch_json_key(json, "aliases");
        ch_json_begin(json, '[');
        for (size_t i = 0; i < version->aliases.count; i++) ch_json_string(json, version->aliases.items[i].key);
        ch_json_end(json, ']');
    }
    ch_json_end(json, '}');
}

void ch_versions_write(ch_json *json, const char *member, const ch_version_list *list)
{
    if (!list->count) return;
    ch_json_key(json, member);
    ch_json_begin(json, '[');
    for (size_t i = 0; i < list->count; i++) ch_version_write(json, &list->items[i]);
    ch_json_end(json, ']');
}

/* ---- registered models ---------------------------------------------------------------------------------------- */

int ch_registered_find(ch_db *db, const char *name, int64_t *id, ch_error *err)
{
    ch_db_sql(db, "SELECT id FROM registered_models WHERE name = ?1");
    ch_db_text(db, 1, name);
    return read_number(db, id, err);
}

int ch_registered_complete(ch_db *db, ch_arena *arena, ch_registered *model, ch_error *err)
{
    ch_db_sql(db, "SELECT key, value FROM registered_model_tags WHERE model = ?1 ORDER BY key");
    ch_db_int(db, 1, model->id);
    CH_TRY(ch_pairs_read(db, arena, &model->tags, err));
    ch_db_sql(db, "SELECT alias, CAST(version AS TEXT) FROM registered_model_aliases WHERE model = ?1 ORDER BY alias");
    ch_db_int(db, 1, model->id);
    CH_TRY(ch_pairs_read(db, arena, &model->aliases, err));
    CH_TRY(ch_versions_latest(db, arena, model->id, NULL, &model->latest, err));
    return ch_versions_complete(db, arena, &model->latest, false, err);
}

int ch_registered_read(ch_db *db, ch_arena *arena, const char *name, ch_registered **out, ch_error *err)
{
    bool more;
    *out = NULL;
    ch_db_sql(db, "SELECT id, created, updated, name, description FROM registered_models WHERE name = ?1");
    ch_db_text(db, 1, name);
    CH_TRY(ch_db_next(db, &more, err));
    if (!more) return 0;
    ch_registered *model = CH_NEW(arena, ch_registered);
    model->id = ch_db_get_int(db, 0);
    model->created = ch_db_get_int(db, 1);
    model->updated = ch_db_get_int(db, 2);
    model->name = ch_arena_strdup(arena, ch_db_get_text(db, 3));
    model->description = ch_arena_strdup(arena, ch_db_get_text(db, 4));
    *out = model;
    return ch_registered_complete(db, arena, model, err);
}

void ch_registered_write(ch_json *json, const ch_registered *model)
{
    ch_json_begin(json, '{');
    ch_json_member(json, "name", model->name);
    ch_json_member_int(json, "creation_timestamp", model->created);
    ch_json_member_int(json, "last_updated_timestamp", model->updated);
    ch_json_member(json, "description", model->description && *model->description ? model->description : NULL);
    ch_versions_write(json, "latest_versions", &model->latest);
    ch_pairs_write(json, "tags", &model->tags, "key", "value");
    ch_pairs_write(json, "aliases", &model->aliases, "alias", "version");
    ch_json_end(json, '}');
}

/* ---- models:/ URIs -------------------------------------------------------------------------------------------- */

static bool is_model_id(const char *text)
{
    return strncmp(text, "m-", 2) == 0 && strspn(text + 2, "0123456789abcdef") == 32 && !text[34];
}

bool ch_models_uri_parse(ch_arena *arena, const char *uri, ch_models_uri *out)
{
    *out = (ch_models_uri){.tail = ""};
    if (strncmp(uri, "models:/", 8) != 0) return false;
    const char *path = uri + 8 + strspn(uri + 8, "/");
    size_t len = strcspn(path, "/");
    char *first = ch_arena_strndup(arena, path, len);
    if (!first[strspn(first, " ")]) return false;
    const char *rest = path[len] ? path + len + 1 : NULL;
    char *at = strrchr(first, '@');
    if (is_model_id(first) || (!rest && !at)) {
        out->model_id = first;
        out->tail = rest ? rest : "";
        return true;
    }
    out->name = first;
    if (at) {
        *at = '\0';
        out->alias = at + 1;
        out->tail = rest ? rest : "";
        return *out->alias && *first;
    }
    len = strcspn(rest, "/");
    const char *which = ch_arena_strndup(arena, rest, len);
    if (!which[strspn(which, " ")]) return false;
    out->tail = rest[len] ? rest + len + 1 : "";
    if (!which[strspn(which, "0123456789")])
        out->version = which;
    else if (strcasecmp(which, "latest") != 0)
        out->stage = which;
    return true;
}

int ch_models_uri_version(ch_db *db, const ch_models_uri *uri, int64_t model, int64_t *version, ch_error *err)
{
    static const char *const STAGES[] = {"None", "Staging", "Production", "Archived"};
    const char *stage = uri->stage;
    *version = 0;
    if (uri->alias && strcasecmp(uri->alias, "latest") != 0) return ch_alias_find(db, model, uri->alias, version, err);
    if (uri->version) {
        ch_db_sql(db, "SELECT version FROM model_versions WHERE model = ?1 AND version = ?2");
        ch_db_int(db, 1, model);
        ch_db_int(db, 2, strtoll(uri->version, NULL, 10));
        return read_number(db, version, err);
    }
    for (int i = 0; stage && i < 4; i++)
        if (strcasecmp(stage, STAGES[i]) == 0) stage = STAGES[i];
    return ch_version_highest(db, model, stage, version, err);
}
