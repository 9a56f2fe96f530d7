/* trace_store.c: traces, their tags, metadata and assessments: reading, writing, JSON. */
#include "track/trace/trace_store.h"

#include "track/names.h"
#include "track/store/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- times ---------------------------------------------------------------------------------------------------- */

int64_t ch_time_read(const char *text)
{
    struct tm tm = {0};
    const char *at = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
    if (!at) return 0;
    int64_t ms = (int64_t)timegm(&tm) * 1000;
    if (*at == '.') {
        int64_t weight = 100;
        for (at++; *at >= '0' && *at <= '9'; at++, weight /= 10) ms += (*at - '0') * weight;
    }
    int hours, minutes;
    if ((*at == '+' || *at == '-') && sscanf(at + 1, "%2d:%2d", &hours, &minutes) == 2)
        ms -= (*at == '+' ? 1 : -1) * (hours * 60 + minutes) * INT64_C(60000);
    return ms;
}

const char *ch_time_text(ch_arena *arena, int64_t ms)
{
    int64_t rest = ((ms % 1000) + 1000) % 1000;
    time_t seconds = (time_t)((ms - rest) / 1000);
    struct tm tm;
    char text[32];
    if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm))
        return "1970-01-01T00:00:00Z";
    return rest ? ch_arena_printf(arena, "%s.%03dZ", text, (int)rest) : ch_arena_printf(arena, "%sZ", text);
}

int64_t ch_duration_read(const char *text)
{
    char *end = NULL;
    double seconds = text ? strtod(text, &end) : 0;
    bool good = text && end != text && strcmp(end, "s") == 0 && seconds >= 0 && seconds < 1e12;
    return good ? (int64_t)(seconds * 1000 + 0.5) : -1;
}

const char *ch_duration_text(ch_arena *arena, int64_t ms)
{
    long long seconds = ms / 1000, rest = ms % 1000;
    return rest ? ch_arena_printf(arena, "%lld.%03llds", seconds, rest) : ch_arena_printf(arena, "%llds", seconds);
}

/* ---- experiments ---------------------------------------------------------------------------------------------- */

int ch_active_experiment(ch_db *db, ch_call *call, const char *experiment, int64_t *id, const char **location,
                         ch_error *err)
{
    bool more = false;
    char *end;
    *id = strtoll(experiment, &end, 10);
    if (*experiment && !*end) {
        ch_db_sql(db, "SELECT artifact_location, deleted FROM experiments WHERE id = ?1");
        ch_db_int(db, 1, *id);
        CH_TRY(ch_db_next(db, &more, err));
    }
    if (!more) return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "No Experiment with id=%s exists", experiment);
    if (ch_db_get_int(db, 1))
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "The experiment %s must be in the 'active' state. Current state is deleted.", experiment);
    *location = ch_arena_strdup(call->arena, ch_db_get_text(db, 0));
    return 0;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

void ch_trace_row(const ch_db *db, ch_arena *arena, ch_trace *out)
{
    *out = (ch_trace){
        .id = ch_db_get_int(db, 0),
        .trace_id = ch_arena_strdup(arena, ch_db_get_text(db, 1)),
        .experiment = ch_db_get_int(db, 2),
        .request_time = ch_db_get_int(db, 3),
        .duration = ch_db_get_int(db, 4),
        .state = ch_arena_strdup(arena, ch_db_get_text(db, 5)),
        .client_request_id = ch_arena_strdup(arena, ch_db_get_text(db, 6)),
        .request_preview = ch_arena_strdup(arena, ch_db_get_text(db, 7)),
        .response_preview = ch_arena_strdup(arena, ch_db_get_text(db, 8)),
    };
}

/* A row of `assessments` as MLflow's JSON. */
static const char *assessment_text(const ch_db *db, ch_arena *arena, const char *trace_id)
{
    ch_buf text = {0};
    ch_json json = {.out = &text};
    ch_json_begin(&json, '{');
    ch_json_member(&json, "assessment_id", ch_db_get_text(db, 0));
    ch_json_member(&json, "assessment_name", ch_db_get_text(db, 1));
    ch_json_member(&json, "trace_id", trace_id);
    ch_json_member(&json, "span_id", ch_db_get_text(db, 9));
    ch_json_key(&json, "source");
    ch_json_begin(&json, '{');
    ch_json_member(&json, "source_type", ch_db_get_text(db, 6));
    ch_json_member(&json, "source_id", ch_db_get_text(db, 7));
    ch_json_end(&json, '}');
    ch_json_member(&json, "create_time", ch_time_text(arena, ch_db_get_int(db, 4)));
    ch_json_member(&json, "last_update_time", ch_time_text(arena, ch_db_get_int(db, 5)));
    ch_json_key(&json, ch_db_get_text(db, 2));
    ch_json_raw(&json, ch_db_get_text(db, 3));
    ch_json_member(&json, "rationale", ch_db_get_text(db, 8));
    if (ch_db_get_text(db, 10)) {
        ch_json_key(&json, "metadata");
        ch_json_raw(&json, ch_db_get_text(db, 10));
    }
    ch_json_member(&json, "overrides", ch_db_get_text(db, 11));
    ch_json_member_bool(&json, "valid", ch_db_get_int(db, 12));
    ch_json_end(&json, '}');
    const char *out = ch_arena_strndup(arena, text.data, text.len);
    ch_buf_reset(&text);
    return out;
}

static int read_assessments(ch_db *db, ch_arena *arena, ch_trace *trace, ch_error *err)
{
    size_t room = 0;
    ch_db_sql(db, "SELECT assessment_id, name, type, value, created, updated, source_type, source_id, rationale,"
                  " span_id, metadata, overrides, valid FROM assessments WHERE trace = ?1 ORDER BY created, id");
    ch_db_int(db, 1, trace->id);
    for (bool more;;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) return 0;
        if (trace->nassessment == room) {
            trace->assessments = ch_arena_grow(arena, trace->assessments, sizeof(char *), room, room * 2 + 4);
            room = room * 2 + 4;
        }
        trace->assessments[trace->nassessment++] = assessment_text(db, arena, trace->trace_id);
    }
}

int ch_trace_complete(ch_db *db, ch_arena *arena, ch_trace *trace, bool spans, ch_error *err)
{
    ch_db_sql(db, "SELECT key, value FROM trace_tags WHERE trace = ?1 ORDER BY key");
    ch_db_int(db, 1, trace->id);
    CH_TRY(ch_pairs_read(db, arena, &trace->tags, err));
    ch_db_sql(db, "SELECT key, value FROM trace_metadata WHERE trace = ?1 ORDER BY key");
    ch_db_int(db, 1, trace->id);
    CH_TRY(ch_pairs_read(db, arena, &trace->metadata, err));
    CH_TRY(read_assessments(db, arena, trace, err));
    if (!spans) return 0;
    ch_db_sql(db, "SELECT content FROM spans WHERE trace = ?1 ORDER BY start_ns, span_id");
    ch_db_int(db, 1, trace->id);
    ch_rows rows;
    CH_TRY(ch_rows_read(db, arena, sizeof(char *), INT64_MAX, ch_row_text, &rows, err));
    trace->spans = rows.items;
    trace->nspan = rows.count;
    return 0;
}

int ch_trace_read(ch_db *db, ch_arena *arena, const char *trace_id, bool spans, ch_trace **out, ch_error *err)
{
    bool more;
    *out = NULL;
    ch_db_sql(db, "SELECT " CH_TRACE_COLUMNS " FROM traces t WHERE t.trace_id = ?1");
    ch_db_text(db, 1, trace_id);
    CH_TRY(ch_db_next(db, &more, err));
    if (!more) return 0;
    *out = CH_NEW(arena, ch_trace);
    ch_trace_row(db, arena, *out);
    return ch_trace_complete(db, arena, *out, spans, err);
}

int ch_trace_find(ch_db *db, const char *trace_id, int64_t *id, ch_error *err)
{
    bool more;
    ch_db_sql(db, "SELECT id FROM traces WHERE trace_id = ?1");
    ch_db_text(db, 1, trace_id);
    CH_TRY(ch_db_next(db, &more, err));
    *id = more ? ch_db_get_int(db, 0) : 0;
    return 0;
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

int ch_trace_put_tag(ch_db *db, int64_t id, const char *key, const char *value, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO trace_tags(trace, key, value) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT (trace, key) DO UPDATE SET value = excluded.value");
    ch_db_int(db, 1, id);
    ch_db_text(db, 2, key);
    ch_db_text(db, 3, value);
    return ch_db_run(db, err);
}

int ch_trace_put_metadata(ch_db *db, int64_t id, const char *key, const char *value, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO trace_metadata(trace, key, value) VALUES (?1, ?2, ?3)"
                  " ON CONFLICT (trace, key) DO UPDATE SET value = excluded.value");
    ch_db_int(db, 1, id);
    ch_db_text(db, 2, key);
    ch_db_text(db, 3, value);
    return ch_db_run(db, err);
}

int ch_trace_make(ch_db *db, ch_arena *arena, const char *trace_id, int64_t experiment, const char *location,
                  int64_t *id, bool *made, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO traces(trace_id, experiment, request_time, state)"
                  " VALUES (?1, ?2, 0, 'IN_PROGRESS') ON CONFLICT (trace_id) DO NOTHING");
    ch_db_text(db, 1, trace_id);
    ch_db_int(db, 2, experiment);
    CH_TRY(ch_db_run(db, err));
    *made = ch_db_changes(db) > 0;
    CH_TRY(ch_trace_find(db, trace_id, id, err));
    if (!*made) return 0;
    size_t len = strlen(location);
    while (len > 0 && location[len - 1] == '/') len--;
    const char *uri = ch_arena_printf(arena, "%.*s/traces/%s/artifacts", (int)len, location, trace_id);
    return ch_trace_put_tag(db, *id, "mlflow.artifactLocation", uri, err);
}

int ch_trace_put_span(ch_db *db, int64_t trace, const ch_otlp_span *span, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO spans(trace, span_id, parent_id, name, type, status, start_ns, end_ns, content)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (trace, span_id) DO UPDATE SET"
                  " name = excluded.name, type = excluded.type, status = excluded.status,"
                  " start_ns = excluded.start_ns, end_ns = excluded.end_ns, content = excluded.content");
    ch_db_int(db, 1, trace);
    ch_db_text(db, 2, span->span_id);
    ch_db_text(db, 3, *span->parent_id ? span->parent_id : NULL);
    ch_db_text(db, 4, span->name);
    ch_db_text(db, 5, span->type);
    ch_db_text(db, 6, span->status);
    ch_db_int(db, 7, span->start_ns);
    ch_db_int(db, 8, span->end_ns);
    ch_db_text(db, 9, span->json);
    return ch_db_run(db, err);
}

int ch_trace_link_run(ch_db *db, int64_t trace, const char *run_id, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO trace_runs(trace, run_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING");
    ch_db_int(db, 1, trace);
    ch_db_text(db, 2, run_id);
    return ch_db_run(db, err);
}

int ch_trace_delete(ch_db *db, int64_t id, ch_error *err)
{
    static const char *const STATEMENTS[] = {
        "DELETE FROM trace_tags WHERE trace = ?1",  "DELETE FROM trace_metadata WHERE trace = ?1",
        "DELETE FROM trace_runs WHERE trace = ?1",  "DELETE FROM spans WHERE trace = ?1",
        "DELETE FROM assessments WHERE trace = ?1", "DELETE FROM traces WHERE id = ?1",
    };
    for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; i++) {
        ch_db_sql(db, STATEMENTS[i]);
        ch_db_int(db, 1, id);
        CH_TRY(ch_db_run(db, err));
    }
    return 0;
}

/* JSON of a value in the arena; NULL when there is none. */
static const char *json_text(ch_arena *arena, json_t *value)
{
    char *text = value && !json_is_null(value) ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    const char *kept = ch_arena_strdup(arena, text);
    free(text);
    return kept;
}

/* What is expected, as MLflow keeps it: lists and objects (and null) as JSON text. In the arena. */
static const char *expectation_text(ch_arena *arena, json_t *expectation)
{
    json_t *value = json_object_get(expectation, "value");
    if (!value || !(json_is_array(value) || json_is_object(value) || json_is_null(value)))
        return json_text(arena, expectation);
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    json_t *kept =
        json_pack("{s:{s:s, s:s}}", "serialized_value", "serialization_format", "JSON_FORMAT", "value", text);
    const char *out = json_text(arena, kept);
    json_decref(kept);
    free(text);
    return out;
}

int ch_assessment_put(ch_db *db, ch_arena *arena, int64_t trace, json_t *a, const char **id, ch_error *err)
{
    json_t *source = json_object_get(a, "source"), *feedback = json_object_get(a, "feedback");
    json_t *value = feedback ? feedback : json_object_get(a, "expectation"), *valid = json_object_get(a, "valid");
    int64_t now = ch_clock_ms(), created = ch_time_read(ch_item_string(a, "create_time"));
    int64_t updated = ch_time_read(ch_item_string(a, "last_update_time"));
    const char *given = ch_item_string(a, "assessment_id");
    char fresh[33];
    ch_new_id(fresh);
    *id = given && *given ? ch_arena_strdup(arena, given) : ch_arena_printf(arena, "a-%s", fresh);
    ch_db_sql(db, "INSERT INTO assessments(assessment_id, trace, name, type, value, created, updated, source_type,"
                  " source_id, span_id, rationale, overrides, valid, metadata)"
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
                  " ON CONFLICT (assessment_id) DO UPDATE SET name = excluded.name, type = excluded.type,"
                  " value = excluded.value, updated = excluded.updated, rationale = excluded.rationale,"
                  " valid = excluded.valid, metadata = excluded.metadata");
    ch_db_text(db, 1, *id);
    ch_db_int(db, 2, trace);
    ch_db_text(db, 3, ch_or_empty(ch_item_string(a, "assessment_name")));
    ch_db_text(db, 4, feedback ? "feedback" : "expectation");
    ch_db_text(db, 5, feedback ? json_text(arena, value) : value ? expectation_text(arena, value) : "{}");
    ch_db_int(db, 6, created ? created : now);
    ch_db_int(db, 7, updated ? updated : now);
    ch_db_text(db, 8, ch_or_empty(ch_item_string(source, "source_type")));
    ch_db_text(db, 9, ch_item_string(source, "source_id"));
    ch_db_text(db, 10, ch_item_string(a, "span_id"));
    ch_db_text(db, 11, ch_item_string(a, "rationale"));
    ch_db_text(db, 12, ch_item_string(a, "overrides"));
    ch_db_int(db, 13, !json_is_false(valid));
    ch_db_text(db, 14, json_text(arena, json_object_get(a, "metadata")));
    CH_TRY(ch_db_run(db, err));
    if (!ch_item_string(a, "overrides")) return 0;
    ch_db_sql(db, "UPDATE assessments SET valid = 0 WHERE trace = ?1 AND assessment_id = ?2");
    ch_db_int(db, 1, trace);
    ch_db_text(db, 2, ch_item_string(a, "overrides"));
    return ch_db_run(db, err);
}

/* ---- JSON ----------------------------------------------------------------------------------------------------- */

static void write_map(ch_json *json, const char *member, const ch_pairs *pairs)
{
    if (!pairs->count) return;
    ch_json_key(json, member);
    ch_json_begin(json, '{');
    for (size_t i = 0; i < pairs->count; i++) ch_json_member(json, pairs->items[i].key, pairs->items[i].value);
    ch_json_end(json, '}');
}

static void write_texts(ch_json *json, const char *member, const char **texts, size_t count)
{
    if (!count) return;
    ch_json_key(json, member);
    ch_json_begin(json, '[');
    for (size_t i = 0; i < count; i++) ch_json_raw(json, texts[i]);
    ch_json_end(json, ']');
}

void ch_trace_write_info(ch_json *json, const ch_trace *trace)
{
    ch_arena *scratch = ch_arena_new();
    ch_json_begin(json, '{');
    ch_json_member(json, "trace_id", trace->trace_id);
    ch_json_member(json, "client_request_id", trace->client_request_id);
    ch_json_key(json, "trace_location");
    ch_json_begin(json, '{');
    ch_json_member(json, "type", "MLFLOW_EXPERIMENT");
    ch_json_key(json, "mlflow_experiment");
    ch_json_begin(json, '{');
    ch_json_member(json, "experiment_id", ch_arena_printf(scratch, "%lld", (long long)trace->experiment));
    ch_json_end(json, '}');
    ch_json_end(json, '}');
    ch_json_member(json, "request_preview", trace->request_preview);
    ch_json_member(json, "response_preview", trace->response_preview);
    ch_json_member(json, "request_time", ch_time_text(scratch, trace->request_time));
    if (trace->duration >= 0) ch_json_member(json, "execution_duration", ch_duration_text(scratch, trace->duration));
    ch_json_member(json, "state", trace->state);
    write_map(json, "trace_metadata", &trace->metadata);
    write_texts(json, "assessments", trace->assessments, trace->nassessment);
    write_map(json, "tags", &trace->tags);
    ch_json_end(json, '}');
    ch_arena_free(scratch);
}

void ch_trace_write_old_info(ch_json *json, const ch_trace *trace)
{
    char experiment[24];
    bool unknown = strcmp(trace->state, "STATE_UNSPECIFIED") == 0;
    snprintf(experiment, sizeof experiment, "%lld", (long long)trace->experiment);
    ch_json_begin(json, '{');
    ch_json_member(json, "request_id", trace->trace_id);
    ch_json_member(json, "experiment_id", experiment);
    ch_json_member_int(json, "timestamp_ms", trace->request_time);
    ch_json_member_int(json, "execution_time_ms", trace->duration > 0 ? trace->duration : 0);
    ch_json_member(json, "status", unknown ? "TRACE_STATUS_UNSPECIFIED" : trace->state);
    ch_pairs_write(json, "request_metadata", &trace->metadata, "key", "value");
    ch_pairs_write(json, "tags", &trace->tags, "key", "value");
    ch_json_end(json, '}');
}

void ch_trace_write(ch_json *json, const ch_trace *trace)
{
    ch_json_begin(json, '{');
    ch_json_key(json, "trace_info");
    ch_trace_write_info(json, trace);
    write_texts(json, "spans", trace->spans, trace->nspan);
    ch_json_end(json, '}');
}
