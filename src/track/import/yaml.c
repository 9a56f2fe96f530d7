/* yaml.c: YAML into JSON, over libyaml's events. */
#include "track/import/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { DEPTH_MOST = 64 };

typedef struct reading {
    yaml_parser_t parser;
    ch_error *err;
} reading;

static int failed(const reading *r, const char *what)
{
    const char *problem = r->parser.problem ? r->parser.problem : what;
    return ch_failf(r->err, CH_E_ILLEGAL_ARGUMENT, "no YAML at line %zu: %s", r->parser.problem_mark.line + 1, problem);
}

static int next_event(reading *r, yaml_event_t *event)
{
    return yaml_parser_parse(&r->parser, event) ? 0 : failed(r, "it cannot be parsed");
}

/* A number, unless the text is something else. */
static json_t *number_of(const char *text)
{
    char *end;
    if (!*text || strspn(text, "+-.0123456789eE_infaINFA") != strlen(text)) return NULL;
    errno = 0;
    long long whole = strtoll(text, &end, 10);
    if (!*end && end != text && errno == 0) return json_integer(whole);
    double real = strtod(text, &end);
    bool is_float = !*end && end != text && strchr(text, '.') && isfinite(real);
    return is_float ? json_real(real) : NULL;
}

static json_t *scalar_of(const yaml_event_t *event)
{
    static const char *const NULLS[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const TRUES[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL};
    static const char *const FALSES[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL};
    const char *text = (const char *)event->data.scalar.value;
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !event->data.scalar.tag) {
        for (size_t i = 0; NULLS[i]; i++)
            if (strcmp(text, NULLS[i]) == 0) return json_null();
        for (size_t i = 0; TRUES[i]; i++)
            if (strcmp(text, TRUES[i]) == 0) return json_true();
        for (size_t i = 0; FALSES[i]; i++)
            if (strcmp(text, FALSES[i]) == 0) return json_false();
        json_t *number = number_of(text);
        if (number) return number;
    }
    json_t *string = json_stringn(text, event->data.scalar.length);
    return string ? string : json_string("");
}

static int read_node(reading *r, yaml_event_t *event, int depth, json_t **out);

static int read_list(reading *r, int depth, json_t *list)
{
    for (;;) {
        yaml_event_t event;
        json_t *item = NULL;
        CH_TRY(next_event(r, &event));
        bool at_end = event.type == YAML_SEQUENCE_END_EVENT;
        int status = at_end ? 0 : read_node(r, &event, depth + 1, &item);
        yaml_event_delete(&event);
        if (status || at_end) return status;
        json_array_append_new(list, item);
    }
}

static int read_map(reading *r, int depth, json_t *map)
{
    for (;;) {
        yaml_event_t event;
        json_t *value = NULL;
        CH_TRY(next_event(r, &event));
        if (event.type != YAML_SCALAR_EVENT) {
            bool at_end = event.type == YAML_MAPPING_END_EVENT;
            yaml_event_delete(&event);
            return at_end ? 0 : failed(r, "a key is no text");
        }
        char *key = strdup((const char *)event.data.scalar.value);
        yaml_event_delete(&event);
        int status = key ? next_event(r, &event) : ch_no_memory(r->err);
        if (!status) {
            status = read_node(r, &event, depth + 1, &value);
            yaml_event_delete(&event);
        }
        if (!status) json_object_set_new(map, key, value);
        free(key);
        CH_TRY(status);
    }
}

static int read_node(reading *r, yaml_event_t *event, int depth, json_t **out)
{
    if (depth > DEPTH_MOST) return failed(r, "it nests too deep");
    int status;
    switch (event->type) {
    case YAML_SCALAR_EVENT: *out = scalar_of(event); return 0;
    case YAML_SEQUENCE_START_EVENT:
        *out = json_array();
        status = read_list(r, depth, *out);
        break;
    case YAML_MAPPING_START_EVENT:
        *out = json_object();
        status = read_map(r, depth, *out);
        break;
    default: return failed(r, "aliases are not read");
    }
    if (status) {
        json_decref(*out);
        *out = NULL;
    }
    return status;
}

int ch_yaml_read(const char *text, size_t len, json_t **out, ch_error *err)
{
    reading r = {.err = err};
    *out = NULL;
    if (!yaml_parser_initialize(&r.parser)) return ch_no_memory(err);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
    int status = 0;
    for (bool more = true; more && !status;) {
        yaml_event_t event;
        status = next_event(&r, &event);
        if (status) break;
        bool frame = event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT;
        if (!frame && event.type != YAML_STREAM_END_EVENT) status = read_node(&r, &event, 0, out);
        more = frame;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&r.parser);
    return status;
}
