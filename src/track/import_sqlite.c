/* import_sqlite.c: the file of MLflow's SQLite store. */
#include "track/import_sink.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct source {
    ch_sink *sink;
    sqlite3 *sqlite;
    sqlite3_stmt *rows; /* of the query being read; one at a time */
} source;

/* --- reading ---- */

static int failed(const source *s, ch_error *err)
{
    return ch_failf(err, CH_E_IO, "the store to import cannot be read: %s", sqlite3_errmsg(s->sqlite));
}

/* Begins a query; `text`, unless NULL, is its ?1. */
static int query(source *s, const char *sql, const char *text, ch_error *err)
{
    sqlite3_finalize(s->rows);
    s->rows = NULL;
    if (sqlite3_prepare_v2(s->sqlite, sql, -1, &s->rows, NULL)) return failed(s, err);
    if (text && sqlite3_bind_text(s->rows, 1, text, -1, SQLITE_TRANSIENT)) return failed(s, err);
    return 0;
}

static int next(source *s, bool *more, ch_error *err)
{
    int code = sqlite3_step(s->rows);
    *more = code == SQLITE_ROW;
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : failed(s, err);
}

static const char *text_at(const source *s, ch_arena *arena, int column)
{
    return ch_arena_strdup(arena, (const char *)sqlite3_column_text(s->rows, column));
}

static const char *text_or_empty(const source *s, ch_arena *arena, int column)
{
    const char *text = text_at(s, arena, column);
    return text ? text : "";
}

static int64_t int_at(const source *s, int column)
{
    return sqlite3_column_int64(s->rows, column);
}

static bool deleted_at(const source *s, int column)
{
    const char *stage = (const char *)sqlite3_column_text(s->rows, column);
    return stage && strcmp(stage, "deleted") == 0;
}

/* Older stores lack tables. */
static int has_table(source *s, const char *name, bool *there, ch_error *err)
{
    CH_TRY(query(s, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1", name, err));
    return next(s, there, err);
}

static int has_column(source *s, const char *table, const char *name, bool *there, ch_error *err)
{
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT 1 FROM pragma_table_info('%s') WHERE name = ?1", table);
    CH_TRY(query(s, sql, name, err));
    return next(s, there, err);
}

/* Rows of (key, value). */
static int read_pairs(source *s, ch_arena *arena, const char *sql, const char *id, const ch_key_value **out,
                      size_t *count, ch_error *err)
{
    size_t room = 16;
    ch_key_value *pairs = CH_NEW_ARRAY(arena, ch_key_value, room);
    CH_TRY(query(s, sql, id, err));
    *count = 0;
    for (bool more;;) {
        CH_TRY(next(s, &more, err));
        if (!more) break;
        if (*count == room) {
            pairs = ch_arena_grow(arena, pairs, sizeof *pairs, room, 2 * room);
            room *= 2;
        }
        pairs[(*count)++] = (ch_key_value){text_or_empty(s, arena, 0), text_or_empty(s, arena, 1)};
    }
    *out = pairs;
    return 0;
}

/* The texts of a query's only column. */
static int read_ids(source *s, ch_arena *arena, const char *sql, const char *text, const char ***out, size_t *count,
                    ch_error *err)
{
    size_t room = 64;
    *out = CH_NEW_ARRAY(arena, const char *, room);
    *count = 0;
    CH_TRY(query(s, sql, text, err));
    for (bool more;;) {
        CH_TRY(next(s, &more, err));
        if (!more) return 0;
        if (*count == room) {
            *out = ch_arena_grow(arena, *out, sizeof **out, room, 2 * room);
            room *= 2;
        }
        (*out)[(*count)++] = text_or_empty(s, arena, 0);
    }
}

/* Imports each thing that the query's ids name, with an arena for each. */
typedef int (*import_fn)(source *s, ch_arena *arena, const ch_sink_experiment *of, const char *id, ch_error *err);

static int each(source *s, const ch_sink_experiment *of, const char *sql, const char *text, import_fn fn, ch_error *err)
{
    const char **ids;
    size_t count;
    CH_TRY(read_ids(s, s->sink->arena, sql, text, &ids, &count, err));
    for (size_t i = 0; i < count; i++) {
        ch_arena *arena = ch_arena_new();
        int status = fn(s, arena, of, ids[i], err);
        ch_arena_free(arena);
        CH_TRY(status);
    }
    return 0;
}

/* --- runs ---- */

static int read_points(source *s, ch_arena *arena, const char *id, ch_sink_run *run, ch_error *err)
{
    size_t room = 256;
    run->points = CH_NEW_ARRAY(arena, ch_point, room);
    CH_TRY(
        query(s, "SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ?1 ORDER BY key", id, err));
    const char *key = "";
    for (bool more;;) {
        CH_TRY(next(s, &more, err));
        if (!more) return 0;
        if (run->npoint == room) {
            run->points = ch_arena_grow(arena, run->points, sizeof *run->points, room, 2 * room);
            room *= 2;
        }
        const char *now = (const char *)sqlite3_column_text(s->rows, 0);
        if (strcmp(key, now ? now : "") != 0) key = text_or_empty(s, arena, 0);
        run->points[run->npoint++] = (ch_point){
            .key = key,
            .value = sqlite3_column_double(s->rows, 1),
            .timestamp = int_at(s, 2),
            .step = int_at(s, 3),
            .is_nan = int_at(s, 4) != 0,
        };
    }
}

static int read_datasets(source *s, ch_arena *arena, const char *id, ch_sink_run *run, ch_error *err)
{
    bool there;
    size_t room = 8;
    CH_TRY(has_table(s, "inputs", &there, err));
    if (!there) return 0;
    ch_sink_dataset *list = CH_NEW_ARRAY(arena, ch_sink_dataset, room);
    CH_TRY(
        query(s,
              "SELECT d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema, d.dataset_profile, "
              "t.value FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id LEFT JOIN input_tags t ON "
              "t.input_uuid = i.input_uuid AND t.name = 'mlflow.data.context' WHERE i.destination_id = ?1 AND "
              "i.destination_type = 'RUN' AND i.source_type = 'DATASET'",
              id, err));
    for (bool more;;) {
        CH_TRY(next(s, &more, err));
        if (!more) break;
        if (run->ndataset == room) {
            list = ch_arena_grow(arena, list, sizeof *list, room, 2 * room);
            room *= 2;
        }
        list[run->ndataset++] = (ch_sink_dataset){
            .name = text_or_empty(s, arena, 0),
            .digest = text_or_empty(s, arena, 1),
            .source_type = text_or_empty(s, arena, 2),
            .source = text_or_empty(s, arena, 3),
            .schema = text_at(s, arena, 4),
            .profile = text_at(s, arena, 5),
            .context = text_at(s, arena, 6),
        };
    }
    run->datasets = list;
    return 0;
}

static int import_run(source *s, ch_arena *arena, const ch_sink_experiment *of, const char *id, ch_error *err)
{
    bool more;
    CH_TRY(query(s,
                 "SELECT name, user_id, status, start_time, end_time, lifecycle_stage, deleted_time, artifact_uri "
                 "FROM runs WHERE run_uuid = ?1",
                 id, err));
    CH_TRY(next(s, &more, err));
    if (!more) return 0;
    ch_sink_run run = {
        .run = {.run_id = id,
                .name = text_or_empty(s, arena, 0),
                .user_id = text_or_empty(s, arena, 1),
                .status = text_or_empty(s, arena, 2),
                .start_time = int_at(s, 3),
                .end_time = int_at(s, 4),
                .has_end = sqlite3_column_type(s->rows, 4) != SQLITE_NULL,
                .deleted = deleted_at(s, 5)},
        .deleted_time = int_at(s, 6),
        .old_artifact_uri = text_or_empty(s, arena, 7),
    };
    CH_TRY(
        read_pairs(s, arena, "SELECT key, value FROM params WHERE run_uuid = ?1", id, &run.params, &run.nparam, err));
    CH_TRY(read_pairs(s, arena, "SELECT key, value FROM tags WHERE run_uuid = ?1", id, &run.tags, &run.ntag, err));
    CH_TRY(read_points(s, arena, id, &run, err));
    CH_TRY(read_datasets(s, arena, id, &run, err));
    return ch_sink_add_run(s->sink, arena, of, &run, err);
}

/* --- logged models ---- */

static int import_logged_model(source *s, ch_arena *arena, const ch_sink_experiment *of, const char *id, ch_error *err)
{
    bool more;
    CH_TRY(query(s,
                 "SELECT name, artifact_location, model_type, source_run_id, status_message, creation_timestamp_ms, "
                 "last_updated_timestamp_ms, status, lifecycle_stage FROM logged_models WHERE model_id = ?1",
                 id, err));
    CH_TRY(next(s, &more, err));
    if (!more) return 0;
    ch_sink_logged_model model = {
        .model_id = id,
        .name = text_or_empty(s, arena, 0),
        .old_artifact_uri = text_or_empty(s, arena, 1),
        .model_type = text_at(s, arena, 2),
        .source_run_id = text_at(s, arena, 3),
        .status_message = text_at(s, arena, 4),
        .created = int_at(s, 5),
        .updated = int_at(s, 6),
        .status = int_at(s, 7),
        .deleted = deleted_at(s, 8),
    };
    CH_TRY(read_pairs(s, arena, "SELECT param_key, param_value FROM logged_model_params WHERE model_id = ?1", id,
                      &model.params, &model.nparam, err));
    CH_TRY(read_pairs(s, arena, "SELECT tag_key, tag_value FROM logged_model_tags WHERE model_id = ?1", id, &model.tags,
                      &model.ntag, err));
    return ch_sink_add_logged_model(s->sink, arena, of, &model, err);
}

/* --- experiments ---- */

static int import_experiment(source *s, ch_arena *unused, const ch_sink_experiment *of, const char *id, ch_error *err)
{
    (void)unused; /* experiments are needed to the end */
    (void)of;
    bool more, has_models;
    ch_arena *arena = s->sink->arena;
    ch_sink_experiment *e = CH_NEW(arena, ch_sink_experiment);
    CH_TRY(query(s,
                 "SELECT name, artifact_location, lifecycle_stage, creation_time, last_update_time FROM experiments "
                 "WHERE experiment_id = ?1",
                 id, err));
    CH_TRY(next(s, &more, err));
    if (!more) return 0;
    *e = (ch_sink_experiment){
        .old_id = ch_arena_strdup(arena, id),
        .name = text_or_empty(s, arena, 0),
        .old_location = text_or_empty(s, arena, 1),
        .deleted = deleted_at(s, 2),
        .created = int_at(s, 3),
        .updated = int_at(s, 4),
    };
    CH_TRY(read_pairs(s, arena, "SELECT key, value FROM experiment_tags WHERE experiment_id = ?1", id, &e->tags,
                      &e->ntag, err));
    CH_TRY(ch_sink_add_experiment(s->sink, e, err));
    CH_TRY(each(s, e, "SELECT run_uuid FROM runs WHERE experiment_id = ?1 ORDER BY start_time", e->old_id, import_run,
                err));
    CH_TRY(has_table(s, "logged_models", &has_models, err));
    if (!has_models) return 0;
    return each(s, e, "SELECT model_id FROM logged_models WHERE experiment_id = ?1 ORDER BY creation_timestamp_ms",
                e->old_id, import_logged_model, err);
}

/* --- registry ---- */

static int import_version(source *s, ch_arena *arena, const char *model, int64_t number, ch_error *err)
{
    bool more, has_storage;
    char sql[400];
    CH_TRY(has_column(s, "model_versions", "storage_location", &has_storage, err));
    snprintf(sql, sizeof sql,
             "SELECT creation_time, last_updated_time, description, user_id, current_stage, source, run_id, run_link, "
             "status, status_message, %s FROM model_versions WHERE name = ?1 AND version = %lld",
             has_storage ? "storage_location" : "NULL", (long long)number);
    CH_TRY(query(s, sql, model, err));
    CH_TRY(next(s, &more, err));
    if (!more) return 0;
    ch_sink_version version = {
        .model = model,
        .version = number,
        .created = int_at(s, 0),
        .updated = int_at(s, 1),
        .description = text_at(s, arena, 2),
        .user_id = text_at(s, arena, 3),
        .stage = text_at(s, arena, 4),
        .source = text_at(s, arena, 5),
        .run_id = text_at(s, arena, 6),
        .run_link = text_at(s, arena, 7),
        .status = text_at(s, arena, 8),
        .status_message = text_at(s, arena, 9),
        .storage_location = text_at(s, arena, 10),
    };
    if (version.stage && strcmp(version.stage, "Deleted_Internal") == 0) return 0;
    snprintf(sql, sizeof sql, "SELECT key, value FROM model_version_tags WHERE name = ?1 AND version = %lld",
             (long long)number);
    CH_TRY(read_pairs(s, arena, sql, model, &version.tags, &version.ntag, err));
    return ch_sink_add_version(s->sink, arena, &version, err);
}

static int import_model(source *s, ch_arena *arena, const ch_sink_experiment *of, const char *name, ch_error *err)
{
    (void)of;
    bool more, has_aliases;
    const char **numbers;
    size_t count;
    CH_TRY(has_table(s, "registered_model_aliases", &has_aliases, err));
    CH_TRY(query(s, "SELECT description, creation_time, last_updated_time FROM registered_models WHERE name = ?1", name,
                 err));
    CH_TRY(next(s, &more, err));
    if (!more) return 0;
    ch_sink_model model = {
        .name = name, .description = text_at(s, arena, 0), .created = int_at(s, 1), .updated = int_at(s, 2)};
    CH_TRY(read_pairs(s, arena, "SELECT key, value FROM registered_model_tags WHERE name = ?1", name, &model.tags,
                      &model.ntag, err));
    if (has_aliases) {
        CH_TRY(read_pairs(s, arena, "SELECT alias, version FROM registered_model_aliases WHERE name = ?1", name,
                          &model.aliases, &model.nalias, err));
    }
    CH_TRY(ch_sink_add_model(s->sink, &model, err));
    CH_TRY(read_ids(s, arena, "SELECT version FROM model_versions WHERE name = ?1 ORDER BY version", name, &numbers,
                    &count, err));
    for (size_t i = 0; i < count; i++) {
        CH_TRY(import_version(s, arena, name, strtoll(numbers[i], NULL, 10), err));
    }
    return 0;
}

static int import_all(source *s, const char *file, ch_error *err)
{
    bool there;
    CH_TRY(has_table(s, "alembic_version", &there, err));
    if (!there) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s is no SQLite store of MLflow's", file);
    CH_TRY(each(s, NULL, "SELECT experiment_id FROM experiments ORDER BY experiment_id", NULL, import_experiment, err));
    CH_TRY(has_table(s, "registered_models", &there, err));
    return there ? each(s, NULL, "SELECT name FROM registered_models ORDER BY name", NULL, import_model, err) : 0;
}

int ch_import_sqlite(ch_sink *sink, const char *file, ch_error *err)
{
    source s = {.sink = sink};
    int status;
    if (sqlite3_open_v2(file, &s.sqlite, SQLITE_OPEN_READONLY, NULL))
        status = failed(&s, err);
    else
        status = import_all(&s, file, err);
    sqlite3_finalize(s.rows);
    sqlite3_close(s.sqlite);
    return status;
}
