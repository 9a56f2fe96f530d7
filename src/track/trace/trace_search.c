/* trace_search.c: the search of traces. Its language is that of the other searches with kinds of its own: trace.x is an
 * attribute, metadata.x and request_metadata.x are what the client told about the trace; those of trace_filter.h. */
#include "track/trace/trace_search.h"

#include "track/names.h"
#include "track/search/filter.h"
#include "track/store/rows.h"
#include "track/trace/trace_filter.h"
#include "track/trace/trace_store.h"

#include <stdlib.h>
#include <string.h>

enum { RESULTS_DEFAULT = 100, RESULTS_MOST = 500, LOCATIONS_MOST = 1000 };

#define NAME_TAG   "(SELECT n.value FROM trace_tags n WHERE n.trace = t.id AND n.key = 'mlflow.traceName')"
#define SOURCE_RUN "(SELECT n.value FROM trace_metadata n WHERE n.trace = t.id AND n.key = 'mlflow.sourceRun')"
#define END_TIME   "(t.request_time + COALESCE(t.duration, 0))"

static const ch_filter_attribute ATTRIBUTES[] = {
    {"timestamp_ms", "t.request_time", CH_ATTR_NUMBER},
    {"timestamp", "t.request_time", CH_ATTR_NUMBER},
    {"execution_time_ms", "t.duration", CH_ATTR_NUMBER | CH_ATTR_NULLABLE},
    {"execution_time", "t.duration", CH_ATTR_NUMBER | CH_ATTR_NULLABLE},
    {"end_time_ms", END_TIME, CH_ATTR_NUMBER},
    {"end_time", END_TIME, CH_ATTR_NUMBER},
    {"status", "t.state", CH_ATTR_LIST},
    {"state", "t.state", CH_ATTR_LIST | CH_ATTR_ALIAS},
    {"name", NAME_TAG, CH_ATTR_LIST | CH_ATTR_NULLABLE},
    {"prompt", "t.trace_id", CH_ATTR_NO_ORDER}, /* see ch_trace_filter_prompt */
    {"run_id", SOURCE_RUN, CH_ATTR_LIST | CH_ATTR_NULLABLE},
    {"request_id", "t.trace_id", CH_ATTR_LIST},
    {"trace_id", "t.trace_id", CH_ATTR_LIST | CH_ATTR_ALIAS},
    {"text", "t.trace_id", CH_ATTR_NO_ORDER}, /* see write_text */
    {"client_request_id", "t.client_request_id", CH_ATTR_LIST | CH_ATTR_NULLABLE},
    {"request_preview", "t.request_preview", CH_ATTR_NULLABLE | CH_ATTR_ALIAS},
    {"response_preview", "t.response_preview", CH_ATTR_NULLABLE | CH_ATTR_ALIAS},
    {0},
};
static const ch_filter_rules RULES = {
    .style = CH_FILTER_RUNS,
    .attributes = ATTRIBUTES,
    .own = ch_trace_kinds,
    .params = {"trace_metadata", "$.trace = t.id"},
    .tags = {"trace_tags", "$.trace = t.id"},
    .order = "t.request_time DESC, t.trace_id ASC",
    .ties = {{"timestamp_ms", "t.request_time DESC", 0}, {"request_id", "t.trace_id ASC", 0}},
};

typedef struct search {
    ch_call *call;
    ch_filter filter;
    ch_order_list order;
    json_t *locations;
    int64_t offset, limit;
    ch_rows found; /* of ch_trace */
} search;

/* ---- the language --------------------------------------------------------------------------------------------- */

/* What the kinds that only traces have are called by the others. */
static const struct {
    const char *ours, *theirs;
} KINDS[] = {
    {"trace.", "attributes."},
    {"metadata.", "params."},
    {"request_metadata.", "params."},
};

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/* The text with its kinds replaced, but for those in quotes. */
static const char *translate(ch_arena *arena, const char *text)
{
    ch_buf out = {0};
    char quote = '\0', before = ' ';
    for (const char *at = text; *at;) {
        size_t taken = 0;
        for (size_t k = 0; !quote && !is_word_byte(before) && !taken && k < sizeof KINDS / sizeof *KINDS; k++) {
            if (strncmp(at, KINDS[k].ours, strlen(KINDS[k].ours)) != 0) continue;
            ch_buf_str(&out, KINDS[k].theirs);
            taken = strlen(KINDS[k].ours);
        }
        if (!taken) {
            if (quote ? *at == quote : (*at == '\'' || *at == '"' || *at == '`')) quote = quote ? '\0' : *at;
            ch_buf_char(&out, *at);
            taken = 1;
        }
        at += taken;
        before = at[-1];
    }
    const char *result = ch_arena_strndup(arena, ch_buf_text(&out), out.len);
    ch_buf_reset(&out);
    return result;
}

/* order_by, its kinds replaced; NULL when there is none. In the request's arguments, which own it. */
static json_t *translate_order(ch_call *call)
{
    json_t *list = ch_call_list(call, "order_by");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text) json_array_set_new(list, i, json_string(translate(call->arena, text)));
    }
    return list;
}

/* ---- the search ----------------------------------------------------------------------------------------------- */

/* A trace belongs to a run that it was made in, and to those it was linked with. */
static void write_run(const ch_clause *clause, ch_select *query)
{
    ch_select_sql(query, " AND (" SOURCE_RUN " = ");
    ch_select_text(query, clause->text);
    ch_select_sql(query, " OR EXISTS (SELECT 1 FROM trace_runs l WHERE l.trace = t.id AND l.run_id = ");
    ch_select_text(query, clause->text);
    ch_select_sql(query, "))");
}

/* A span's JSON without the names that say only what kind of value follows: nobody looks for those. */
#define WITHOUT(word, text) "REPLACE(" text ", '\"" word "\":', '')"
#define SPAN_TEXT                                                                                                      \
    WITHOUT(                                                                                                           \
        "string_value",                                                                                                \
        WITHOUT("int_value",                                                                                           \
                WITHOUT("double_value",                                                                                \
                        WITHOUT("bool_value",                                                                          \
                                WITHOUT("array_value",                                                                 \
                                        WITHOUT("kvlist_value",                                                        \
                                                WITHOUT("values", WITHOUT("value", WITHOUT("key", "x.content")))))))))

/* Text is looked for in all that the trace's spans hold. */
static void write_text(const ch_clause *clause, ch_select *query)
{
    bool any_case = clause->comparator == CH_CMP_ILIKE;
    ch_select_sql(query, any_case ? " AND EXISTS (SELECT 1 FROM spans x WHERE x.trace = t.id AND LOWER(" SPAN_TEXT
                                    ") LIKE LOWER("
                                  : " AND EXISTS (SELECT 1 FROM spans x WHERE x.trace = t.id AND (" SPAN_TEXT " LIKE ");
    ch_select_text(query, clause->text);
    ch_select_sql(query, "))");
}

static bool is_about(const ch_clause *clause, const char *name)
{
    return clause->attribute && strcmp(clause->attribute->name, name) == 0 && clause->kind == CH_VALUE_TEXT;
}

int ch_trace_search_parse(ch_call *call, const char *text, ch_filter *out)
{
    CH_TRY(ch_filter_parse(call, &RULES, translate(call->arena, ch_or_empty(text)), out));
    return ch_trace_filter_check(call, out);
}

void ch_trace_search_write(const ch_filter *filter, ch_select *query)
{
    for (size_t i = 0; i < filter->nclause; i++) {
        const ch_clause *clause = &filter->clauses[i];
        if (is_about(clause, "run_id") && clause->comparator == CH_CMP_EQ)
            write_run(clause, query);
        else if (is_about(clause, "text"))
            write_text(clause, query);
        else if (is_about(clause, "prompt"))
            ch_trace_filter_prompt(clause, query);
        else if (clause->side != CH_SIDE_OWN)
            ch_clause_write(filter->rules, clause, query);
    }
    ch_trace_filter_write(filter, query);
}

/* The experiment that an element of the request's list names: by its id or, in 3.0 of the API, in an object. */
static int64_t experiment_of(json_t *item)
{
    const char *id = json_string_value(item);
    if (!id) id = ch_item_string(json_object_get(item, "mlflow_experiment"), "experiment_id");
    return strtoll(ch_or_empty(id), NULL, 10);
}

static void write_locations(const search *find, ch_select *query)
{
    size_t i;
    json_t *item;
    ch_select_sql(query, " WHERE t.experiment IN (-1");
    json_array_foreach(find->locations, i, item)
    {
        ch_select_sql(query, ", ");
        ch_select_int(query, experiment_of(item));
    }
    ch_select_sql(query, ")");
    ch_select_sql(query, ch_auth_visible_experiments(find->call, "t.experiment"));
}

static void read_trace(const ch_db *db, ch_arena *arena, void *item)
{
    ch_trace_row(db, arena, item);
}

static int do_search(ch_db *db, void *arg, ch_error *err)
{
    search *find = arg;
    ch_select query;
    ch_select_init(&query, find->call->arena, ch_db_dialect(db));
    ch_select_sql(&query, "SELECT " CH_TRACE_COLUMNS " FROM traces t");
    ch_order_joins(&find->order, &query);
    write_locations(find, &query);
    ch_trace_search_write(&find->filter, &query);
    ch_order_write(&find->order, &query);
    ch_select_page(&query, find->limit + 1, find->offset);
    ch_select_start(&query, db);
    ch_arena *arena = find->call->arena;
    int failed = ch_rows_read(db, arena, sizeof(ch_trace), find->limit, read_trace, &find->found, err);
    ch_select_reset(&query);
    ch_trace *traces = find->found.items;
    for (size_t i = 0; i < find->found.count && !failed; i++)
        failed = ch_trace_complete(db, arena, &traces[i], false, err);
    return failed;
}

static int search_in(ch_call *call, json_t *locations, void (*write)(ch_json *json, const ch_trace *trace))
{
    search find = {.call = call, .locations = locations};
    if (json_array_size(find.locations) > LOCATIONS_MOST)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "At most %d locations can be searched", LOCATIONS_MOST);
    CH_TRY(ch_max_results(call, RESULTS_DEFAULT, RESULTS_MOST, &find.limit));
    CH_TRY(ch_trace_search_parse(call, ch_call_string(call, "filter"), &find.filter));
    CH_TRY(ch_order_parse(call, &RULES, translate_order(call), &find.order));
    CH_TRY(ch_page_token_read(call, ch_call_string(call, "page_token"), &find.offset));
    CH_DB(call, ch_db_read(call->track->pool, do_search, &find, &call->error));
    if (find.found.count) {
        const ch_trace *traces = find.found.items;
        ch_json_key(&call->out, "traces");
        ch_json_begin(&call->out, '[');
        for (size_t i = 0; i < find.found.count; i++) write(&call->out, &traces[i]);
        ch_json_end(&call->out, ']');
    }
    if (find.found.more) ch_page_token_write(call, find.offset + find.limit);
    return 0;
}

static int search_traces(ch_call *call)
{
    return search_in(call, ch_call_list(call, "locations"), ch_trace_write_info);
}

static int search_old_traces(ch_call *call)
{
    return search_in(call, ch_call_list(call, "experiment_ids"), ch_trace_write_old_info);
}

/* clang-format off */
static const ch_track_route OLD[] = {
    {"GET", "traces", search_old_traces,
     {{"experiment_ids", CH_P_LIST, true}, {"filter", CH_P_STRING, false}, {"max_results", CH_P_INT, false},
      {"order_by", CH_P_LIST, false}, {"page_token", CH_P_STRING, false}}, CH_READ, CH_ON_NOTHING, NULL, 0, NULL},
};
static const ch_track_route ROUTES[] = {
    {"POST", "traces/search", search_traces,
     {{"locations", CH_P_LIST, true}, {"filter", CH_P_STRING, false}, {"max_results", CH_P_INT, false},
      {"order_by", CH_P_LIST, false}, {"page_token", CH_P_STRING, false}}, CH_READ, CH_ON_NOTHING, NULL, 0, NULL},
};
/* clang-format on */

const ch_track_table ch_old_trace_search_routes = {ch_mlflow_2_prefixes, OLD, sizeof OLD / sizeof *OLD};
const ch_track_table ch_trace_search_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
