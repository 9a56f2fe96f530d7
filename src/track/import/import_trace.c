/* import_trace.c: what an import adds to the store of traces. Spans come as a server tells them, or as MLflow's client
 * writes them into its databases and files: attributes as a map to JSON texts. */
#include "track/import/import_sink.h"
#include "track/names.h"
#include "track/trace/trace_store.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MOST = 32 };

typedef struct addition {
    ch_sink *sink;
    ch_arena *arena;
    const ch_sink_experiment *of;
    const ch_sink_trace *trace;
    const ch_otlp_span *spans;
    size_t nspan;
} addition;

/* --- spans ---- */

static json_t *any_value(json_t *value, int depth);

static json_t *list_value(json_t *list, int depth)
{
    json_t *values = json_array(), *item;
    size_t i;
    json_array_foreach(list, i, item) json_array_append_new(values, any_value(item, depth + 1));
    return json_pack("{s:{s:o}}", "array_value", "values", values);
}

static json_t *pairs_of(json_t *map, int depth)
{
    json_t *pairs = json_array(), *value;
    const char *key;
    json_object_foreach(map, key, value)
        json_array_append_new(pairs, json_pack("{s:s, s:o}", "key", key, "value", any_value(value, depth + 1)));
    return pairs;
}

/* OpenTelemetry's AnyValue of a JSON value. */
static json_t *any_value(json_t *value, int depth)
{
    if (depth > DEPTH_MOST) return json_object();
    switch (json_typeof(value)) {
    case JSON_STRING: return json_pack("{s:O}", "string_value", value);
    case JSON_TRUE:
    case JSON_FALSE: return json_pack("{s:O}", "bool_value", value);
    case JSON_INTEGER: return json_pack("{s:O}", "int_value", value);
    case JSON_REAL: return json_pack("{s:O}", "double_value", value);
    case JSON_ARRAY: return list_value(value, depth);
    case JSON_OBJECT: return json_pack("{s:{s:o}}", "kvlist_value", "values", pairs_of(value, depth));
    default: return json_object();
    }
}

/* The attributes of a span as a list of keys and values. Texts of the client's map hold JSON, unless they are `plain`
 * (of events). */
static json_t *attributes_of(json_t *attributes, bool plain)
{
    json_t *list = json_array(), *value;
    const char *key;
    if (json_is_array(attributes)) {
        json_decref(list);
        return json_incref(attributes);
    }
    json_object_foreach(attributes, key, value)
    {
        json_t *inside = NULL;
        if (!plain && json_is_string(value)) inside = json_loads(json_string_value(value), JSON_DECODE_ANY, NULL);
        json_array_append_new(list,
                              json_pack("{s:s, s:o}", "key", key, "value", any_value(inside ? inside : value, 0)));
        json_decref(inside);
    }
    return list;
}

/* The text of an attribute of a list; NULL when there is none. */
static const char *attribute_text(json_t *list, const char *key)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const char *name = ch_item_string(item, "key");
        if (name && strcmp(name, key) == 0) return ch_item_string(json_object_get(item, "value"), "string_value");
    }
    return NULL;
}

static void copy_member(json_t *to, json_t *from, const char *name)
{
    json_t *value = json_object_get(from, name);
    bool empty = !value || json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
    if (!empty) json_object_set(to, name, value);
}

static json_t *events_of(json_t *events)
{
    json_t *list = json_array(), *event;
    size_t i;
    json_array_foreach(events, i, event)
    {
        json_t *out = json_object();
        json_object_set_new(out, "time_unix_nano", json_integer(ch_item_int(event, "time_unix_nano", 0)));
        copy_member(out, event, "name");
        json_t *attributes = attributes_of(json_object_get(event, "attributes"), true);
        if (json_array_size(attributes)) json_object_set(out, "attributes", attributes);
        json_decref(attributes);
        json_array_append_new(list, out);
    }
    return list;
}

/* base64 as MLflow's JSON has ids, in hexadecimal; "" for none. */
static const char *hex_of(ch_arena *arena, const char *text)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    ch_buf out = {0};
    unsigned bits = 0, have = 0;
    for (; text && *text && *text != '='; text++) {
        const char *digit = strchr(DIGITS, *text);
        if (!digit) break;
        bits = bits << 6 | (unsigned)(digit - DIGITS);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        ch_buf_printf(&out, "%02x", bits >> have & 0xff);
    }
    const char *kept = ch_arena_strdup(arena, ch_buf_text(&out));
    ch_buf_reset(&out);
    return kept;
}

static const char *span_text(ch_arena *arena, json_t *span, json_t *attributes)
{
    static const char *const PLAIN[] = {"trace_id", "span_id", "parent_span_id", "name"};
    json_t *out = json_object(), *events = events_of(json_object_get(span, "events"));
    json_t *links = json_object_get(span, "links"), *status = json_object_get(span, "status"), *told = json_object();
    for (size_t i = 0; i < sizeof PLAIN / sizeof *PLAIN; i++) copy_member(out, span, PLAIN[i]);
    json_object_set_new(out, "start_time_unix_nano", json_integer(ch_item_int(span, "start_time_unix_nano", 0)));
    json_object_set_new(out, "end_time_unix_nano", json_integer(ch_item_int(span, "end_time_unix_nano", 0)));
    if (json_array_size(attributes)) json_object_set(out, "attributes", attributes);
    if (json_array_size(events)) json_object_set(out, "events", events);
    if (json_array_size(links)) json_object_set(out, "links", links);
    copy_member(told, status, "message");
    copy_member(told, status, "code");
    json_object_set_new(out, "status", told);
    char *text = json_dumps(out, JSON_COMPACT);
    const char *kept = ch_arena_strdup(arena, text);
    free(text);
    json_decref(events);
    json_decref(out);
    return kept;
}

static ch_otlp_span read_span(ch_arena *arena, json_t *span)
{
    json_t *attributes = attributes_of(json_object_get(span, "attributes"), false);
    const char *code = ch_or_empty(ch_item_string(json_object_get(span, "status"), "code"));
    const char *type = attribute_text(attributes, "mlflow.spanType");
    ch_otlp_span out = {
        .trace_id = hex_of(arena, ch_item_string(span, "trace_id")),
        .span_id = hex_of(arena, ch_item_string(span, "span_id")),
        .parent_id = hex_of(arena, ch_item_string(span, "parent_span_id")),
        .name = ch_arena_strdup(arena, ch_or_empty(ch_item_string(span, "name"))),
        .type = ch_arena_strdup(arena, type ? type : ""),
        .status = strstr(code, "ERROR") ? "ERROR"
                  : strstr(code, "OK")  ? "OK"
                                        : "UNSET",
        .start_ns = ch_item_int(span, "start_time_unix_nano", 0),
        .end_ns = ch_item_int(span, "end_time_unix_nano", 0),
        .json = span_text(arena, span, attributes),
    };
    json_decref(attributes);
    return out;
}

/* The spans of a trace whose client kept them as a file with its artifacts. */
static json_t *spans_of_file(const ch_sink *sink, ch_arena *arena, const ch_sink_experiment *of, const char *uri)
{
    const char *folder = ch_sink_local(sink, arena, of, uri);
    json_t *file = folder ? json_load_file(ch_arena_printf(arena, "%s/traces.json", folder), 0, NULL) : NULL;
    json_t *spans = json_incref(json_object_get(file, "spans"));
    json_decref(file);
    return spans;
}

/* --- traces ---- */

static int insert_trace(ch_db *db, const addition *a, int64_t *id, ch_error *err)
{
    const ch_sink_trace *t = a->trace;
    bool more;
    ch_db_sql(db, "INSERT INTO traces(trace_id, experiment, request_time, duration, state, client_request_id, "
                  "request_preview, response_preview) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id");
    ch_db_text(db, 1, t->trace_id);
    ch_db_int(db, 2, a->of->id);
    ch_db_int(db, 3, t->request_time);
    if (t->duration >= 0)
        ch_db_int(db, 4, t->duration);
    else
        ch_db_null(db, 4);
    ch_db_text(db, 5, t->state && *t->state ? t->state : "STATE_UNSPECIFIED");
    ch_db_text(db, 6, t->client_request_id);
    ch_db_text(db, 7, t->request_preview);
    ch_db_text(db, 8, t->response_preview);
    CH_TRY(ch_db_next(db, &more, err));
    *id = ch_db_get_int(db, 0);
    return 0;
}

static int put_tags(ch_db *db, const addition *a, int64_t id, ch_error *err)
{
    const ch_sink_trace *t = a->trace;
    for (size_t i = 0; i < t->ntag; i++) {
        const char *value = ch_or_empty(t->tags[i].value);
        if (strcmp(t->tags[i].key, "mlflow.artifactLocation") == 0) value = ch_sink_moved(a->arena, a->of, value);
        CH_TRY(ch_trace_put_tag(db, id, t->tags[i].key, value, err));
    }
    return a->nspan ? ch_trace_put_tag(db, id, "mlflow.trace.spansLocation", "TRACKING_STORE", err) : 0;
}

static int add_trace(ch_db *db, void *arg, ch_error *err)
{
    addition *a = arg;
    const ch_sink_trace *t = a->trace;
    int64_t id;
    size_t i;
    json_t *item;
    const char *assessment_id;
    CH_TRY(insert_trace(db, a, &id, err));
    CH_TRY(put_tags(db, a, id, err));
    for (i = 0; i < t->nmetadata; i++)
        CH_TRY(ch_trace_put_metadata(db, id, t->metadata[i].key, ch_or_empty(t->metadata[i].value), err));
    for (i = 0; i < t->nrun; i++) CH_TRY(ch_trace_link_run(db, id, t->run_ids[i], err));
    for (i = 0; i < a->nspan; i++) CH_TRY(ch_trace_put_span(db, id, &a->spans[i], err));
    json_array_foreach(t->assessments, i, item) CH_TRY(ch_assessment_put(db, a->arena, id, item, &assessment_id, err));
    return 0;
}

int ch_sink_add_trace(ch_sink *sink, ch_arena *arena, ch_sink_experiment *of, ch_sink_trace *trace, ch_error *err)
{
    addition a = {.sink = sink, .arena = arena, .of = of, .trace = trace};
    const char *uri = ch_sink_tag(trace->tags, trace->ntag, "mlflow.artifactLocation");
    json_t *spans = trace->spans ? json_incref(trace->spans) : spans_of_file(sink, arena, of, uri);
    ch_otlp_span *list = CH_NEW_ARRAY(arena, ch_otlp_span, json_array_size(spans));
    for (; a.nspan < json_array_size(spans); a.nspan++)
        list[a.nspan] = read_span(arena, json_array_get(spans, a.nspan));
    a.spans = list;
    json_decref(spans);
    CH_TRY(ch_sink_copy(sink, arena, of, uri, err));
    CH_TRY(ch_db_write(sink->track->pool, add_trace, &a, err));
    ch_sink_count(sink, &sink->counts->traces, true);
    return 0;
}

typedef struct trace_link {
    const char *trace_id, *run_id;
} trace_link;

static int add_link(ch_db *db, void *arg, ch_error *err)
{
    const trace_link *l = arg;
    int64_t id;
    CH_TRY(ch_trace_find(db, l->trace_id, &id, err));
    return id ? ch_trace_link_run(db, id, l->run_id, err) : 0;
}

int ch_sink_link_trace(ch_sink *sink, const char *trace_id, const char *run_id, ch_error *err)
{
    trace_link l = {trace_id, run_id};
    return ch_db_write(sink->track->pool, add_link, &l, err);
}
