/* trace_metric_filter.c: the filters of questions about traces: one comparison each, always "=". */
#include "track/names.h"
#include "track/trace/trace_metrics.h"

#include <string.h>

typedef struct entity {
    const char *view, *name;
    bool keyed;
    const char *sql; /* what is compared; NULL: see write_keyed */
} entity;

static const entity ENTITIES[] = {
    {"trace", "status", false, "t.state"},   {"trace", "tag", true, NULL},
    {"trace", "metadata", true, NULL},       {"span", "name", false, "s.name"},
    {"span", "status", false, "s.status"},   {"span", "type", false, "s.type"},
    {"assessment", "name", false, "a.name"}, {"assessment", "type", false, "a.type"},
};
enum { ENTITY_COUNT = sizeof ENTITIES / sizeof *ENTITIES };

/* A filter's three parts, in the arena. */
typedef struct parts {
    const char *identifier, *comparator, *value;
} parts;

/* The length of what `text` begins with up to one of `ends`, quotes and backticks skipped. */
static size_t span_of(const char *text, const char *ends)
{
    const char *at = text;
    while (*at && !strchr(ends, *at)) {
        const char *close = strchr("'\"`", *at) ? strchr(at + 1, *at) : NULL;
        at = close ? close + 1 : at + 1;
    }
    return (size_t)(at - text);
}

static int fail_clause(ch_call *call, const char *filter)
{
    return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid clause(s) in filter string: %s", filter);
}

static int split(ch_call *call, const char *filter, parts *out)
{
    static const char SPACES[] = " \t\r\n", SIGNS[] = "=!<>";
    const char *at = filter + strspn(filter, SPACES);
    size_t len = span_of(at, " \t\r\n=!<>");
    out->identifier = ch_arena_strndup(call->arena, at, len);
    at += len;
    at += strspn(at, SPACES);
    size_t sign = strspn(at, SIGNS);
    if (!sign) sign = strcspn(at, SPACES); /* LIKE and others */
    out->comparator = ch_arena_strndup(call->arena, at, sign);
    at += sign;
    at += strspn(at, SPACES);
    len = span_of(at, SPACES);
    out->value = ch_arena_strndup(call->arena, at, len);
    at += len;
    at += strspn(at, SPACES);
    return len && sign && *out->identifier && !*at ? 0 : fail_clause(call, filter);
}

/* Without the quotes or backticks around it. */
static const char *bare(ch_arena *arena, const char *text, const char *quotes)
{
    size_t len = strlen(text);
    bool quoted = len >= 2 && strchr(quotes, text[0]) && text[len - 1] == text[0];
    return quoted ? ch_arena_strndup(arena, text + 1, len - 2) : text;
}

static int fail_entity(ch_call *call, const char *view, const char *name)
{
    ch_buf names = {0};
    for (int i = 0; i < ENTITY_COUNT; i++)
        if (strcmp(ENTITIES[i].view, view) == 0)
            ch_buf_printf(&names, "%s'%s'", names.len ? ", " : "", ENTITIES[i].name);
    int status = names.len ? ch_call_fail(call, INVALID_PARAMETER_VALUE,
                                          "Invalid entity '%s' specified for view type '%s'. Valid entities are [%s]",
                                          name, view, names.data)
                           : ch_call_fail(call, INVALID_PARAMETER_VALUE,
                                          "Invalid view type '%s'. Valid values are dict_keys(['trace', 'span', "
                                          "'assessment'])",
                                          view);
    ch_buf_reset(&names);
    return status;
}

/* "view.entity" or "view.entity.key". */
static int find_entity(ch_call *call, const char *identifier, const entity **out, const char **key)
{
    const char *dot = strchr(identifier, '.');
    if (!dot)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Invalid identifier '%s'. Columns should be specified as 'trace.<key>', 'span.<key>', "
                            "'assessment.<key>'.",
                            identifier);
    const char *view = bare(call->arena, ch_arena_strndup(call->arena, identifier, (size_t)(dot - identifier)), "`");
    size_t len = strcspn(dot + 1, ".");
    const char *name = ch_arena_strndup(call->arena, dot + 1, len);
    const char *rest = dot[1 + len] ? dot + 2 + len : NULL;
    *out = NULL;
    for (int i = 0; i < ENTITY_COUNT; i++)
        if (strcmp(ENTITIES[i].view, view) == 0 && strcmp(ENTITIES[i].name, name) == 0) *out = &ENTITIES[i];
    if (!*out) return fail_entity(call, view, name);
    if ((*out)->keyed && !rest)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Filtering by %s requires a key, e.g. '%s.%s.<key> = <value>'", name, view, name);
    if (!(*out)->keyed && rest)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Filtering by %s does not require a key, use '%s.%s' instead", name, view, name);
    *key = rest ? bare(call->arena, bare(call->arena, rest, "\"'"), "`") : NULL;
    return 0;
}

/* A pair that the trace has. It belongs to the run it was made in, and to those it was linked with. */
static void write_keyed(const entity *what, const char *key, const char *value, ch_select *query)
{
    bool tag = strcmp(what->name, "tag") == 0, run = !tag && strcmp(key, "mlflow.sourceRun") == 0;
    ch_select_sql(query, run ? " AND (" : " AND ");
    ch_select_sql(query, tag ? "EXISTS (SELECT 1 FROM trace_tags p WHERE p.trace = t.id AND p.key = "
                             : "EXISTS (SELECT 1 FROM trace_metadata p WHERE p.trace = t.id AND p.key = ");
    ch_select_text(query, key);
    ch_select_sql(query, " AND p.value = ");
    ch_select_text(query, value);
    ch_select_sql(query, ")");
    if (!run) return;
    ch_select_sql(query, " OR EXISTS (SELECT 1 FROM trace_runs l WHERE l.trace = t.id AND l.run_id = ");
    ch_select_text(query, value);
    ch_select_sql(query, "))");
}

int ch_metric_filter_write(ch_call *call, ch_metric_view view, const char *filter, ch_select *query)
{
    static const char *const VIEWS[] = {"TRACES", "SPANS", "ASSESSMENTS"};
    const entity *what;
    const char *key;
    parts p;
    CH_TRY(split(call, filter, &p));
    CH_TRY(find_entity(call, p.identifier, &what, &key));
    if (strcmp(p.comparator, "=") != 0)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid comparator: '%s', only '=' operator is supported",
                            p.comparator);
    const char *value = bare(call->arena, p.value, "'\"");
    if (value == p.value && !strchr("0123456789.-+", *value))
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Parameter value is either not quoted or unidentified quote types used for string value "
                            "%s. Use either single or double quotes.",
                            value);
    if (value == p.value)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Expected a quoted string value for %s value (e.g. 'my-value'). Got value %s", what->name,
                            p.value);
    bool span = strcmp(what->view, "span") == 0, assessment = strcmp(what->view, "assessment") == 0;
    if ((span && view != CH_VIEW_SPANS) || (assessment && view != CH_VIEW_ASSESSMENTS))
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Filtering by %s is only supported for %s view type, got %s",
                            what->view, VIEWS[span ? CH_VIEW_SPANS : CH_VIEW_ASSESSMENTS], VIEWS[view]);
    if (what->keyed) {
        write_keyed(what, key, value, query);
        return 0;
    }
    ch_select_sqlf(query, " AND %s = ", what->sql);
    ch_select_text(query, value);
    return 0;
}
