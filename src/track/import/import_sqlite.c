/* import_sqlite.c: the file of MLflow's SQLite store. */
#include "track/import/import_sink.h"
#include "track/names.h"
#include "track/trace/trace_store.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUSY_MS = 30000 };

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
    ch_key_value *pairs = NULL;
    CH_TRY(query(s, sql, id, err));
    *count = 0;
    for (bool more;;) {
        CH_TRY(next(s, &more, err));
        if (!more) break;
        pairs = ch_sink_room(arena, pairs, *count, sizeof *pairs);
        pairs[(*count)++] = (ch_key_value){text_or_empty(s, arena, 0), text_or_empty(s, arena, 1)};
    }
    *out = pairs;
    return 0;
}

/* The texts of a query's only column. */
static int read_ids(source *s, ch_arena *arena, const char *sql, const char *text, const char ***out, size_t *count,
                    ch_error *err)
{
    *out = NULL;
    *count = 0;
    CH_TRY(query(s, sql, text, err));
    for (bool more;;) {
        CH_TRY(next(s, &more, err));
        if (!more) return 0;
        *out = ch_sink_room(arena, *out, *count, sizeof **out);
        (*out)[(*count)++] = text_or_empty(s, arena, 0);
    }
}

/* Imports each thing that the query's ids name, with an arena for each. */
typedef int (*import_fn)(source *s, ch_arena *arena, ch_sink_experiment *of, const char *id, ch_error *err);

static int each(source *s, ch_sink_experiment *of, const char *sql, const char *text, import_fn fn, ch_error *err)
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
    CH_TRY(
        query(s, "SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ?1 ORDER BY key", id, err));
    const char *key = "";
    for (bool more;;) {
        CH_TRY(next(s, &more, err));
        if (!more) return 0;
        run->points = ch_sink_room(arena, run->points, run->npoint, sizeof *run->points);
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
    const char **inputs = NULL;
    CH_TRY(query(s,
                 "SELECT i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema, "
                 "d.dataset_profile FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id "
                 "WHERE i.destination_id = ?1 AND i.destination_type = 'RUN' AND i.source_type = 'DATASET'",
                 id, err));
    for (bool more;;) {
        CH_TRY(next(s, &more, err));
        if (!more) break;
        inputs = ch_sink_room(arena, inputs, run->ndataset, sizeof *inputs);
        inputs[run->ndataset] = text_or_empty(s, arena, 0);
        run->datasets = ch_sink_room(arena, run->datasets, run->ndataset, sizeof *run->datasets);
        run->datasets[run->ndataset++] = (ch_sink_dataset){
            .name = text_or_empty(s, arena, 1),
            .digest = text_or_empty(s, arena, 2),
            .source_type = text_or_empty(s, arena, 3),
            .source = text_or_empty(s, arena, 4),
            .schema = text_at(s, arena, 5),
            .profile = text_at(s, arena, 6),
        };
    }
    for (size_t i = 0; i < run->ndataset; i++) {
        ch_sink_dataset *d = &run->datasets[i];
        CH_TRY(read_pairs(s, arena, "SELECT name, value FROM input_tags WHERE input_uuid = ?1", inputs[i], &d->tags,
                          &d->ntag, err));
    }
    return 0;
}

/* Logged models that the run read and made. */
static int read_models(source *s, ch_arena *arena, const char *id, ch_sink_run *run, ch_error *err)
{
    bool has_step;
    CH_TRY(has_column(s, "inputs", "step", &has_step, err));
    if (!has_step) return 0; /* before MLflow 3 */
    CH_TRY(query(s,
                 "SELECT destination_id, step, source_type = 'RUN_OUTPUT' FROM inputs WHERE source_id = ?1 AND "
                 "source_type IN ('RUN_INPUT', 'RUN_OUTPUT')",
                 id, err));
    for (bool more;;) {
        CH_TRY(next(s, &more, err));
        if (!more) return 0;
        run->models = ch_sink_room(arena, run->models, run->nmodel, sizeof *run->models);
        run->models[run->nmodel++] = (ch_sink_model_link){
            .model_id = text_or_empty(s, arena, 0), .step = int_at(s, 1), .is_output = int_at(s, 2) != 0};
    }
}

static int read_inputs(source *s, ch_arena *arena, const char *id, ch_sink_run *run, ch_error *err)
{
    bool there;
    CH_TRY(has_table(s, "inputs", &there, err));
    if (!there) return 0;
    CH_TRY(read_datasets(s, arena, id, run, err));
    return read_models(s, arena, id, run, err);
}

static int import_run(source *s, ch_arena *arena, ch_sink_experiment *of, const char *id, ch_error *err)
{
    bool more, known;
    CH_TRY(ch_sink_knows(s->sink, CH_SINK_RUN, id, &known, err));
    if (known) return 0;
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
    CH_TRY(read_inputs(s, arena, id, &run, err));
    return ch_sink_add_run(s->sink, arena, of, &run, err);
}

/* --- logged models ---- */

static int read_model_points(source *s, ch_arena *arena, const char *id, ch_sink_logged_model *model, ch_error *err)
{
    bool there;
    CH_TRY(has_table(s, "logged_model_metrics", &there, err));
    if (!there) return 0;
    CH_TRY(query(s,
                 "SELECT metric_name, metric_value, metric_timestamp_ms, metric_step, run_id, dataset_name, "
                 "dataset_digest FROM logged_model_metrics WHERE model_id = ?1",
                 id, err));
    for (bool more;;) {
        CH_TRY(next(s, &more, err));
        if (!more) return 0;
        model->points = ch_sink_room(arena, model->points, model->npoint, sizeof *model->points);
        ch_sink_model_point *p = &model->points[model->npoint++];
        *p = (ch_sink_model_point){
            .point = {.key = text_or_empty(s, arena, 0),
                      .timestamp = int_at(s, 2),
                      .step = int_at(s, 3),
                      .dataset_name = text_at(s, arena, 5),
                      .dataset_digest = text_at(s, arena, 6)},
            .run_id = text_or_empty(s, arena, 4),
        };
        bool is_null = sqlite3_column_type(s->rows, 1) == SQLITE_NULL; /* how SQLite keeps NaN */
        ch_point_set_value(&p->point, is_null ? NAN : sqlite3_column_double(s->rows, 1));
    }
}

static int import_logged_model(source *s, ch_arena *arena, ch_sink_experiment *of, const char *id, ch_error *err)
{
    bool more, known;
    CH_TRY(ch_sink_knows(s->sink, CH_SINK_LOGGED_MODEL, id, &known, err));
    if (known) return 0;
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
    CH_TRY(read_model_points(s, arena, id, &model, err));
    return ch_sink_add_logged_model(s->sink, arena, of, &model, err);
}

/* --- traces ---- */

/* A column of JSON as a tree, which is the caller's; NULL for none. */
static json_t *json_at(const source *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s->rows, column);
    return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text) json_object_set_new(object, name, json_string(text));
}

/* A row of `assessments` as MLflow's JSON. */
static json_t *assessment_at(const source *s, ch_arena *arena)
{
    json_t *out = json_object(), *held = json_object(), *value = json_at(s, 3), *error = json_at(s, 4);
    json_t *source_of = json_object(), *metadata = json_at(s, 13);
    json_object_set_new(held, "value", value ? value : json_null());
    if (error) json_object_set_new(held, "error", error);
    if (metadata) json_object_set_new(out, "metadata", metadata);
    set_text(source_of, "source_type", text_at(s, arena, 7));
    set_text(source_of, "source_id", text_at(s, arena, 8));
    set_text(out, "assessment_id", text_at(s, arena, 0));
    set_text(out, "assessment_name", text_at(s, arena, 1));
    json_object_set_new(out, text_or_empty(s, arena, 2), held);
    set_text(out, "create_time", ch_time_text(arena, int_at(s, 5)));
    set_text(out, "last_update_time", ch_time_text(arena, int_at(s, 6)));
    json_object_set_new(out, "source", source_of);
    set_text(out, "span_id", text_at(s, arena, 9));
    set_text(out, "rationale", text_at(s, arena, 10));
    set_text(out, "overrides", text_at(s, arena, 11));
    json_object_set_new(out, "valid", json_boolean(int_at(s, 12)));
    return out;
}

static int read_assessments(source *s, ch_arena *arena, const char *id, json_t *list, ch_error *err)
{
    bool more, there;
    CH_TRY(has_table(s, "assessments", &there, err));
    if (!there) return 0;
    CH_TRY(query(s,
                 "SELECT assessment_id, name, assessment_type, value, error, created_timestamp, "
                 "last_updated_timestamp, source_type, source_id, span_id, rationale, overrides, valid, "
                 "assessment_metadata FROM assessments WHERE trace_id = ?1 ORDER BY created_timestamp",
                 id, err));
    for (;;) {
        CH_TRY(next(s, &more, err));
        if (!more) return 0;
        json_array_append_new(list, assessment_at(s, arena));
    }
}

static int read_spans(source *s, const char *id, json_t *list, ch_error *err)
{
    bool more, there;
    CH_TRY(has_table(s, "spans", &there, err));
    if (!there) return 0;
    CH_TRY(query(s, "SELECT content FROM spans WHERE trace_id = ?1 ORDER BY start_time_unix_nano", id, err));
    for (;;) {
        CH_TRY(next(s, &more, err));
        if (!more) return 0;
        json_t *span = json_at(s, 0);
        if (span) json_array_append_new(list, span);
    }
}

/* What MLflow keeps in columns of their own since 3.14: the name, the session, tokens and costs. */
static int read_promoted(source *s, ch_arena *arena, const char *id, ch_sink_trace *trace, ch_error *err)
{
    bool there, more;
    CH_TRY(has_column(s, "trace_info", "total_cost", &there, err));
    if (!there) return 0;
    CH_TRY(query(
        s,
        "SELECT trace_name, session_id, CASE WHEN COALESCE(input_tokens, output_tokens, total_tokens) IS NOT NULL THEN "
        "json_patch('{}', json_object('input_tokens', input_tokens, 'output_tokens', output_tokens, 'total_tokens', "
        "total_tokens, 'cache_read_input_tokens', cache_read_input_tokens, 'cache_creation_input_tokens', "
        "cache_creation_input_tokens)) END, CASE WHEN COALESCE(input_cost, output_cost, total_cost) IS NOT NULL THEN "
        "json_patch('{}', json_object('input_cost', input_cost, 'output_cost', output_cost, 'total_cost', total_cost)) "
        "END FROM trace_info WHERE request_id = ?1",
        id, err));
    CH_TRY(next(s, &more, err));
    if (!more) return 0;
    static const char *const KEYS[] = {"mlflow.traceName", "mlflow.trace.session", "mlflow.trace.tokenUsage",
                                       "mlflow.trace.cost"};
    for (int i = 0; i < 4; i++) {
        const char *text = text_at(s, arena, i);
        const ch_key_value **pairs = i == 0 ? &trace->tags : &trace->metadata;
        size_t *count = i == 0 ? &trace->ntag : &trace->nmetadata;
        if (!text || ch_sink_tag(*pairs, *count, KEYS[i])) continue;
        ch_key_value *more_pairs = ch_arena_grow(arena, *pairs, sizeof **pairs, *count, *count + 1);
        more_pairs[(*count)++] = (ch_key_value){KEYS[i], text};
        *pairs = more_pairs;
    }
    return 0;
}

static int read_trace_parts(source *s, ch_arena *arena, const char *id, ch_sink_trace *trace, ch_error *err)
{
    bool there;
    CH_TRY(read_pairs(s, arena, "SELECT key, value FROM trace_tags WHERE request_id = ?1", id, &trace->tags,
                      &trace->ntag, err));
    CH_TRY(read_pairs(s, arena, "SELECT key, value FROM trace_request_metadata WHERE request_id = ?1", id,
                      &trace->metadata, &trace->nmetadata, err));
    CH_TRY(read_promoted(s, arena, id, trace, err));
    CH_TRY(read_assessments(s, arena, id, trace->assessments, err));
    CH_TRY(read_spans(s, id, trace->spans, err));
    CH_TRY(has_table(s, "entity_associations", &there, err));
    if (!there) return 0;
    return read_ids(s, arena,
                    "SELECT destination_id FROM entity_associations WHERE source_id = ?1 AND source_type = 'trace' AND "
                    "destination_type = 'run'",
                    id, &trace->run_ids, &trace->nrun, err);
}

static int import_trace(source *s, ch_arena *arena, ch_sink_experiment *of, const char *id, ch_error *err)
{
    bool more, known, has_preview;
    CH_TRY(ch_sink_knows(s->sink, CH_SINK_TRACE, id, &known, err));
    if (known) return 0;
    CH_TRY(has_column(s, "trace_info", "request_preview", &has_preview, err));
    CH_TRY(query(s,
                 has_preview ? "SELECT timestamp_ms, execution_time_ms, status, client_request_id, request_preview, "
                               "response_preview FROM trace_info WHERE request_id = ?1"
                             : "SELECT timestamp_ms, execution_time_ms, status FROM trace_info WHERE request_id = ?1",
                 id, err));
    CH_TRY(next(s, &more, err));
    if (!more) return 0;
    ch_sink_trace trace = {
        .trace_id = id,
        .request_time = int_at(s, 0),
        .duration = sqlite3_column_type(s->rows, 1) == SQLITE_NULL ? -1 : int_at(s, 1),
        .state = text_at(s, arena, 2),
        .client_request_id = has_preview ? text_at(s, arena, 3) : NULL,
        .request_preview = has_preview ? text_at(s, arena, 4) : NULL,
        .response_preview = has_preview ? text_at(s, arena, 5) : NULL,
        .assessments = json_array(),
        .spans = json_array(),
    };
    json_t *assessments = trace.assessments, *spans = trace.spans;
    int status = read_trace_parts(s, arena, id, &trace, err);
    if (json_array_size(spans) == 0) trace.spans = NULL;
    if (!status) status = ch_sink_add_trace(s->sink, arena, of, &trace, err);
    json_decref(assessments);
    json_decref(spans);
    return status;
}

/* --- experiments ---- */

/* Where artifacts are that were not found where the store says: beside the store, as MLflow makes folders. */
static const char *folder_beside(const source *s, ch_arena *arena, const char *id)
{
    const char *proxied = ch_arena_printf(arena, "%s/%s", s->sink->options->artifacts, id);
    return access(proxied, F_OK) == 0 ? proxied : ch_arena_printf(arena, "%s/mlruns/%s", s->sink->folder, id);
}

static int import_contents(source *s, ch_sink_experiment *e, ch_error *err)
{
    bool there;
    CH_TRY(each(s, e, "SELECT run_uuid FROM runs WHERE experiment_id = ?1 ORDER BY start_time", e->old_id, import_run,
                err));
    CH_TRY(has_table(s, "logged_models", &there, err));
    if (there) {
        CH_TRY(each(s, e, "SELECT model_id FROM logged_models WHERE experiment_id = ?1 ORDER BY creation_timestamp_ms",
                    e->old_id, import_logged_model, err));
    }
    CH_TRY(has_table(s, "trace_info", &there, err));
    if (!there) return 0;
    return each(s, e, "SELECT request_id FROM trace_info WHERE experiment_id = ?1 ORDER BY timestamp_ms", e->old_id,
                import_trace, err);
}

static int import_experiment(source *s, ch_arena *unused, ch_sink_experiment *of, const char *id, ch_error *err)
{
    (void)unused; /* experiments are needed to the end */
    (void)of;
    bool more;
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
        .folder = folder_beside(s, arena, id),
        .deleted = deleted_at(s, 2),
        .created = int_at(s, 3),
        .updated = int_at(s, 4),
    };
    CH_TRY(read_pairs(s, arena, "SELECT key, value FROM experiment_tags WHERE experiment_id = ?1", id, &e->tags,
                      &e->ntag, err));
    CH_TRY(ch_sink_add_experiment(s->sink, e, err));
    return import_contents(s, e, err);
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

static int import_model(source *s, ch_arena *arena, ch_sink_experiment *of, const char *name, ch_error *err)
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
    int status = sqlite3_open_v2(file, &s.sqlite, SQLITE_OPEN_READONLY, NULL);
    if (status) status = failed(&s, err);
    if (!status) {
        sqlite3_busy_timeout(s.sqlite, BUSY_MS); /* MLflow's server may be writing */
        status = import_all(&s, file, err);
    }
    sqlite3_finalize(s.rows);
    sqlite3_close(s.sqlite);
    return status;
}
