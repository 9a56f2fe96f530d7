/* trace_filter.c: conditions on what belongs to a trace: its spans, what people and judges say of it, its prompts. */
#include "track/trace/trace_filter.h"

#include <string.h>

const ch_filter_attribute ch_trace_kinds[] = {
    {"span", NULL, CH_ATTR_LIST},
    {"feedback", NULL, CH_ATTR_NULLABLE},
    {"expectation", NULL, CH_ATTR_NULLABLE},
    {0},
};

static const char ATTRIBUTE[] = "attributes.";

static bool is_span(const ch_clause *clause)
{
    return clause->side == CH_SIDE_OWN && strcmp(clause->attribute->name, "span") == 0;
}

static bool is_like(const ch_clause *clause)
{
    return clause->comparator == CH_CMP_LIKE || clause->comparator == CH_CMP_ILIKE;
}

/* The attribute that span.attributes.x asks for; NULL: it asks for something else. */
static const char *attribute_of(ch_arena *arena, const ch_clause *clause)
{
    if (strncmp(clause->key, ATTRIBUTE, sizeof ATTRIBUTE - 1) != 0) return NULL;
    const char *name = clause->key + sizeof ATTRIBUTE - 1;
    size_t len = strlen(name);
    bool quoted = len >= 2 && *name == '`' && name[len - 1] == '`';
    return quoted ? ch_arena_strndup(arena, name + 1, len - 2) : name;
}

/* The column of a span that a key names; NULL: it names none. */
static const char *span_column(const char *key)
{
    static const char *const COLUMNS[][2] = {
        {"name", "x.name"}, {"type", "x.type"}, {"status", "x.status"}, {"content", "x.content"}};
    for (size_t i = 0; i < sizeof COLUMNS / sizeof *COLUMNS; i++)
        if (strcmp(COLUMNS[i][0], key) == 0) return COLUMNS[i][1];
    return NULL;
}

static int check_span(ch_call *call, const ch_clause *clause)
{
    bool of_attribute = attribute_of(call->arena, clause) != NULL, of_content = strcmp(clause->key, "content") == 0;
    if (!of_attribute && !span_column(clause->key))
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Invalid span attribute '%s'. Supported attributes: name, status, type, "
                            "attributes.<attribute_name>.",
                            clause->key);
    bool good = is_like(clause) || (of_attribute && clause->comparator == CH_CMP_EQ) || !(of_attribute || of_content);
    if (good) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE, "span.%s comparator '%s' not one of '{%s'ILIKE', 'LIKE'}'",
                        clause->key, clause->comparator_text, of_attribute ? "'=', " : "");
}

static int check_prompt(ch_call *call, const ch_clause *clause)
{
    if (clause->comparator != CH_CMP_EQ)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Invalid comparator '%s' for prompts filter. Only '=' is supported with format: prompt = "
                            "\"name/version\"",
                            clause->comparator_text);
    const char *slash = strchr(clause->text, '/');
    if (slash && !strchr(slash + 1, '/')) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Invalid prompts filter value '%s'. Expected format: prompt = \"name/version\"", clause->text);
}

int ch_trace_filter_check(ch_call *call, const ch_filter *filter)
{
    for (size_t i = 0; i < filter->nclause; i++) {
        const ch_clause *clause = &filter->clauses[i];
        if (is_span(clause)) CH_TRY(check_span(call, clause));
        if (clause->side == CH_SIDE_ATTRIBUTE && strcmp(clause->attribute->name, "prompt") == 0)
            CH_TRY(check_prompt(call, clause));
    }
    return 0;
}

/* ---- SQL ------------------------------------------------------------------------------------------------------ */

static const char *in_json(ch_arena *arena, const char *text)
{
    ch_buf out = {0};
    ch_buf_json_string(&out, text);
    const char *result = ch_arena_strndup(arena, out.data, out.len);
    ch_buf_reset(&out);
    return result;
}

/* "column holds text": without the special characters that LIKE has. */
static void write_holds(const char *column, const char *text, ch_select *query)
{
    ch_select_sqlf(query, "REPLACE(%s, ", column);
    ch_select_text(query, text);
    ch_select_sqlf(query, ", '') <> %s", column);
}

/* A span's attributes are a list of {"key":"name","value":{"string_value":"text"}}. A pattern is looked for from the
 * attribute on, as in MLflow. */
static void write_attribute(const char *name, const ch_clause *clause, ch_select *query)
{
    const char *start = ch_arena_printf(query->arena, "{\"key\":%s,\"value\":{", in_json(query->arena, name));
    if (is_like(clause)) {
        ch_clause pattern = *clause;
        pattern.text = ch_arena_printf(query->arena, "%%%s%s%%", start, clause->text);
        ch_clause_compare(&pattern, "x.content", query);
        return;
    }
    static const char *const TYPES[] = {"int", "double", "bool"};
    ch_select_sql(query, "(");
    write_holds("x.content",
                ch_arena_printf(query->arena, "%s\"string_value\":%s}", start, in_json(query->arena, clause->text)),
                query);
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        ch_select_sql(query, " OR ");
        write_holds("x.content", ch_arena_printf(query->arena, "%s\"%s_value\":%s}", start, TYPES[i], clause->text),
                    query);
    }
    ch_select_sql(query, ")");
}

static void write_spans(const ch_filter *filter, ch_select *query)
{
    bool open = false;
    for (size_t i = 0; i < filter->nclause; i++) {
        const ch_clause *clause = &filter->clauses[i];
        if (!is_span(clause)) continue;
        ch_select_sql(query, open ? " AND " : " AND EXISTS (SELECT 1 FROM spans x WHERE x.trace = t.id AND ");
        open = true;
        const char *name = attribute_of(query->arena, clause);
        if (name)
            write_attribute(name, clause, query);
        else
            ch_clause_compare(clause, span_column(clause->key), query);
    }
    if (open) ch_select_sql(query, ")");
}

/* An assessment's value is kept as {"value":JSON}. What is asked for is the JSON itself, or the text that it means. */
static void write_value(const ch_clause *clause, ch_select *query)
{
    if (is_like(clause)) {
        ch_clause_compare(clause, "SUBSTR(a.value, 10, LENGTH(a.value) - 10)", query);
        return;
    }
    ch_select_sql(query, clause->comparator == CH_CMP_NE ? "a.value NOT IN (" : "a.value IN (");
    ch_select_text(query, ch_arena_printf(query->arena, "{\"value\":%s}", clause->text));
    ch_select_sql(query, ", ");
    ch_select_text(query, ch_arena_printf(query->arena, "{\"value\":%s}", in_json(query->arena, clause->text)));
    ch_select_sql(query, ")");
}

static void write_assessment(const ch_clause *clause, ch_select *query)
{
    ch_select_sqlf(query,
                   " AND %sEXISTS (SELECT 1 FROM assessments a WHERE a.trace = t.id AND a.valid = 1 AND a.type = ",
                   clause->comparator == CH_CMP_IS_NULL ? "NOT " : "");
    ch_select_text(query, clause->attribute->name);
    ch_select_sql(query, " AND a.name = ");
    ch_select_text(query, clause->key);
    if (clause->kind == CH_VALUE_TEXT) {
        ch_select_sql(query, " AND ");
        write_value(clause, query);
    }
    ch_select_sql(query, ")");
}

void ch_trace_filter_write(const ch_filter *filter, ch_select *query)
{
    write_spans(filter, query);
    for (size_t i = 0; i < filter->nclause; i++) {
        const ch_clause *clause = &filter->clauses[i];
        if (clause->side == CH_SIDE_OWN && !is_span(clause)) write_assessment(clause, query);
    }
}

void ch_trace_filter_prompt(const ch_clause *clause, ch_select *query)
{
    const char *slash = strchr(clause->text, '/');
    const char *name = ch_arena_strndup(query->arena, clause->text, (size_t)(slash - clause->text));
    ch_select_sql(query, " AND EXISTS (SELECT 1 FROM trace_tags p WHERE p.trace = t.id AND"
                         " p.key = 'mlflow.linkedPrompts' AND ");
    write_holds("p.value",
                ch_arena_printf(query->arena, "{\"name\": %s, \"version\": %s}", in_json(query->arena, name),
                                in_json(query->arena, slash + 1)),
                query);
    ch_select_sql(query, ")");
}
