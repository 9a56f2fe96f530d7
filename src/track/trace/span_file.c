/* span_file.c: from protobuf's JSON of a span to MLflow's own. */
#include "track/trace/span_file.h"

#include "base/json_write.h"
#include "track/names.h"

#include <stdlib.h>
#include <string.h>

/* What an AnyValue of OpenTelemetry stands for; a new reference. */
static json_t *plain_value(json_t *any)
{
    size_t i;
    json_t *inner, *item;
    if ((inner = json_object_get(any, "array_value"))) {
        json_t *list = json_array();
        json_array_foreach(json_object_get(inner, "values"), i, item) json_array_append_new(list, plain_value(item));
        return list;
    }
    if ((inner = json_object_get(any, "kvlist_value"))) {
        json_t *map = json_object();
        json_array_foreach(json_object_get(inner, "values"), i, item) json_object_set_new_nocheck(
            map, ch_or_empty(ch_item_string(item, "key")), plain_value(json_object_get(item, "value")));
        return map;
    }
    const char *kind;
    json_object_foreach(any, kind, inner) return json_incref(inner); /* of the plain kinds there is one */
    return json_null();
}

/* As Python's json.dumps writes it, which is what MLflow puts into the texts. */
static void write_python(ch_buf *out, json_t *value)
{
    size_t i;
    const char *key, *before = "";
    json_t *item;
    ch_json number = {.out = out};
    switch (json_typeof(value)) {
    case JSON_ARRAY:
        ch_buf_char(out, '[');
        json_array_foreach(value, i, item)
        {
            ch_buf_str(out, i ? ", " : "");
            write_python(out, item);
        }
        ch_buf_char(out, ']');
        return;
    case JSON_OBJECT:
        ch_buf_char(out, '{');
        json_object_foreach(value, key, item)
        {
            ch_buf_str(out, before);
            ch_buf_json_string(out, key);
            ch_buf_str(out, ": ");
            write_python(out, item);
            before = ", ";
        }
        ch_buf_char(out, '}');
        return;
    case JSON_STRING: ch_buf_json_string(out, json_string_value(value)); return;
    case JSON_INTEGER: ch_buf_printf(out, "%lld", (long long)json_integer_value(value)); return;
    case JSON_REAL: ch_json_double(&number, json_real_value(value)); return;
    default: ch_buf_str(out, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
    }
}

/* "attributes": {...} of a list of pairs; each value a text of JSON, or the value itself. */
static void write_attributes(ch_json *json, json_t *pairs, bool as_texts)
{
    size_t i;
    json_t *item;
    ch_buf text = {0};
    ch_json_key(json, "attributes");
    ch_json_begin(json, '{');
    json_array_foreach(pairs, i, item)
    {
        json_t *value = plain_value(json_object_get(item, "value"));
        ch_buf_clear(&text);
        write_python(&text, value);
        json_decref(value);
        ch_json_key(json, ch_or_empty(ch_item_string(item, "key")));
        if (as_texts)
            ch_json_string(json, ch_buf_text(&text));
        else
            ch_json_raw(json, ch_buf_text(&text));
    }
    ch_json_end(json, '}');
    ch_buf_reset(&text);
}

static void write_events(ch_json *json, json_t *events)
{
    size_t i;
    json_t *event;
    ch_json_key(json, "events");
    ch_json_begin(json, '[');
    json_array_foreach(events, i, event)
    {
        ch_json_begin(json, '{');
        ch_json_member(json, "name", ch_or_empty(ch_item_string(event, "name")));
        ch_json_member_int(json, "time_unix_nano", ch_item_int(event, "time_unix_nano", 0));
        write_attributes(json, json_object_get(event, "attributes"), false);
        ch_json_end(json, '}');
    }
    ch_json_end(json, ']');
}

static void write_links(ch_json *json, json_t *links)
{
    size_t i;
    json_t *link;
    ch_json_key(json, "links");
    ch_json_begin(json, '[');
    json_array_foreach(links, i, link)
    {
        ch_json_begin(json, '{');
        ch_json_member(json, "trace_id", ch_or_empty(ch_item_string(link, "trace_id")));
        ch_json_member(json, "span_id", ch_or_empty(ch_item_string(link, "span_id")));
        write_attributes(json, json_object_get(link, "attributes"), false);
        ch_json_end(json, '}');
    }
    ch_json_end(json, ']');
}

static void write_span(ch_json *json, json_t *span)
{
    const char *parent = ch_item_string(span, "parent_span_id");
    json_t *status = json_object_get(span, "status");
    ch_json_begin(json, '{');
    ch_json_member(json, "trace_id", ch_or_empty(ch_item_string(span, "trace_id")));
    ch_json_member(json, "span_id", ch_or_empty(ch_item_string(span, "span_id")));
    ch_json_key(json, "parent_span_id");
    ch_json_string(json, parent);
    ch_json_member(json, "name", ch_or_empty(ch_item_string(span, "name")));
    ch_json_member_int(json, "start_time_unix_nano", ch_item_int(span, "start_time_unix_nano", 0));
    ch_json_member_int(json, "end_time_unix_nano", ch_item_int(span, "end_time_unix_nano", 0));
    write_events(json, json_object_get(span, "events"));
    ch_json_key(json, "status");
    ch_json_begin(json, '{');
    ch_json_member(json, "code", ch_or_empty(ch_item_string(status, "code")));
    ch_json_member(json, "message", ch_or_empty(ch_item_string(status, "message")));
    ch_json_end(json, '}');
    write_attributes(json, json_object_get(span, "attributes"), true);
    write_links(json, json_object_get(span, "links"));
    ch_json_end(json, '}');
}

void ch_span_file_write(ch_buf *out, const char *const *spans, size_t count)
{
    ch_json json = {.out = out};
    ch_json_begin(&json, '{');
    ch_json_key(&json, "spans");
    ch_json_begin(&json, '[');
    for (size_t i = 0; i < count; i++) {
        json_t *span = json_loads(spans[i], 0, NULL); /* of our own making */
        write_span(&json, span);
        json_decref(span);
    }
    ch_json_end(&json, ']');
    ch_json_end(&json, '}');
}

json_t *ch_span_attribute(const char *text, const char *name)
{
    size_t i;
    json_t *span = json_loads(text, 0, NULL), *item, *found = NULL;
    json_array_foreach(json_object_get(span, "attributes"), i, item)
    {
        if (found || strcmp(ch_or_empty(ch_item_string(item, "key")), name) != 0) continue;
        found = plain_value(json_object_get(item, "value"));
        json_t *inner = json_is_string(found) ? json_loads(json_string_value(found), JSON_DECODE_ANY, NULL) : NULL;
        if (!inner) continue;
        json_decref(found);
        found = inner;
    }
    json_decref(span);
    return found;
}
