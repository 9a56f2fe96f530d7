/* trace_metrics.c: POST traces/metrics: counts, latencies, tokens, costs and assessments of traces, in groups and over
 * time. Rows are chosen by the store and added up here: what is measured is often inside of JSON, and percentiles are
 * asked for, which stores compute in different ways. */
#include "track/trace/trace_metrics.h"

#include "base/map.h"
#include "track/names.h"
#include "track/trace/span_file.h"
#include "track/trace/trace_store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESULTS_DEFAULT = 1000, AGGREGATIONS_MOST = 16, DIMENSIONS_MOST = 5, FILTERS_MOST = 100 };

/* ---- what there is -------------------------------------------------------------------------------------------- */

enum { COUNT = 1, SUM = 2, AVG = 4, MIN = 8, MAX = 16, PERCENTILE = 32 };
static const char *const AGGREGATIONS[] = {"COUNT", "SUM", "AVG", "MIN", "MAX", "PERCENTILE"};
enum { AGGREGATION_COUNT = sizeof AGGREGATIONS / sizeof *AGGREGATIONS };
enum { OF_NUMBERS = AVG | MIN | MAX | PERCENTILE, OF_AMOUNTS = OF_NUMBERS | SUM };

/* How a metric or a dimension is read out of the column that `sql` gives. */
typedef enum source {
    COLUMN,     /* it is the column */
    MEMBER,     /* of a JSON object */
    ATTRIBUTE,  /* of a span */
    COST,       /* a member of the attribute of costs */
    ASSESSMENT, /* the value of an assessment */
} source;

typedef struct dimension {
    const char *name, *sql;
    source from;
    const char *inside; /* the name of the member or attribute */
} dimension;

typedef struct metric {
    const char *name, *sql;
    source from;
    const char *inside;
    bool distinct; /* counted once for each value */
    unsigned aggregations;
    const char *dimensions; /* those it may be grouped by, by name */
} metric;

typedef struct view {
    const char *name, *tables, *time_ms;
    const metric *metrics;
    const dimension *dimensions;
} view;

#define TAG(name)      "(SELECT n.value FROM trace_tags n WHERE n.trace = t.id AND n.key = '" name "')"
#define METADATA(name) "(SELECT n.value FROM trace_metadata n WHERE n.trace = t.id AND n.key = '" name "')"
#define TOKENS(name)                                                                                                   \
    {                                                                                                                  \
        name, METADATA("mlflow.trace.tokenUsage"), MEMBER, name, false, OF_AMOUNTS, "trace_name"                       \
    }
#define COSTS(name)                                                                                                    \
    {                                                                                                                  \
        name, "s.content", COST, name, false, OF_AMOUNTS, "span_model_name span_model_provider"                        \
    }
#define IN_MS "(s.end_ns - s.start_ns) / 1000000"

static const metric TRACE_METRICS[] = {
    {"trace_count", "1", COLUMN, NULL, false, COUNT, "trace_name trace_status"},
    {"session_count", METADATA("mlflow.trace.session"), COLUMN, NULL, true, COUNT, ""},
    {"latency", "t.duration", COLUMN, NULL, false, OF_NUMBERS, "trace_name"},
    TOKENS("input_tokens"),
    TOKENS("output_tokens"),
    TOKENS("total_tokens"),
    TOKENS("cache_read_input_tokens"),
    TOKENS("cache_creation_input_tokens"),
    {0},
};
static const dimension TRACE_DIMENSIONS[] = {
    {"trace_name", TAG("mlflow.traceName"), COLUMN, NULL},
    {"trace_status", "t.state", COLUMN, NULL},
    {0},
};
static const metric SPAN_METRICS[] = {
    {"span_count", "1", COLUMN, NULL, false, COUNT,
     "span_name span_type span_status span_model_name span_model_provider"},
    {"latency", IN_MS, COLUMN, NULL, false, OF_NUMBERS, "span_name span_status"},
    COSTS("input_cost"),
    COSTS("output_cost"),
    COSTS("total_cost"),
    {0},
};
static const dimension SPAN_DIMENSIONS[] = {
    {"span_name", "s.name", COLUMN, NULL},
    {"span_type", "s.type", COLUMN, NULL},
    {"span_status", "s.status", COLUMN, NULL},
    {"span_model_name", "s.content", ATTRIBUTE, "mlflow.llm.model"},
    {"span_model_provider", "s.content", ATTRIBUTE, "mlflow.llm.provider"},
    {0},
};
static const metric ASSESSMENT_METRICS[] = {
    {"assessment_count", "1", COLUMN, NULL, false, COUNT, "assessment_name assessment_value"},
    {"assessment_value", "a.value", ASSESSMENT, NULL, false, OF_NUMBERS, "assessment_name"},
    {0},
};
static const dimension ASSESSMENT_DIMENSIONS[] = {
    {"assessment_name", "a.name", COLUMN, NULL},
    {"assessment_value", "a.value", ASSESSMENT, NULL},
    {0},
};
static const view VIEWS[] = {
    [CH_VIEW_TRACES] = {"TRACES", "traces t", "t.request_time", TRACE_METRICS, TRACE_DIMENSIONS},
    [CH_VIEW_SPANS] = {"SPANS", "spans s JOIN traces t ON t.id = s.trace", "s.start_ns / 1000000", SPAN_METRICS,
                       SPAN_DIMENSIONS},
    [CH_VIEW_ASSESSMENTS] = {"ASSESSMENTS", "assessments a JOIN traces t ON t.id = a.trace AND a.valid = 1",
                             "t.request_time", ASSESSMENT_METRICS, ASSESSMENT_DIMENSIONS},
};
enum { VIEW_COUNT = sizeof VIEWS / sizeof *VIEWS };

/* ---- the question --------------------------------------------------------------------------------------------- */

typedef struct aggregation {
    unsigned what;
    double percentile;
    const char *label;
} aggregation;

/* The rows that agree in their dimensions. */
typedef struct group {
    int64_t bucket;
    const char *dimensions[DIMENSIONS_MOST];
    double *values;
    size_t count, room;
    ch_map *seen; /* of a metric of distinct values */
} group;

typedef struct question {
    ch_call *call;
    const view *view;
    ch_metric_view kind;
    const metric *metric;
    const dimension *dimensions[DIMENSIONS_MOST];
    size_t ndimension;
    aggregation aggregations[AGGREGATIONS_MOST];
    size_t naggregation;
    json_t *experiments, *filters;
    int64_t interval_ms; /* 0: not over time */
    group *groups;
    size_t ngroup, room;
    ch_map *by_key; /* numbers of groups, from 1 */
} question;

static int fail_choice(ch_call *call, const char *what, const char *names, const char *given)
{
    return ch_call_fail(call, INVALID_PARAMETER_VALUE, "%s must be one of [%s], got '%s'", what, names, given);
}

static int read_metric(question *q, const char *name)
{
    ch_buf names = {0};
    for (const metric *m = q->view->metrics; m->name && !q->metric; m++) {
        if (strcmp(m->name, name) == 0) q->metric = m;
        ch_buf_printf(&names, "%s'%s'", names.len ? ", " : "", m->name);
    }
    int status = q->metric ? 0 : fail_choice(q->call, "metric_name", names.data, name);
    ch_buf_reset(&names);
    return status;
}

static int read_view(question *q, const char *name)
{
    for (int i = 0; i < VIEW_COUNT; i++) {
        if (strcmp(VIEWS[i].name, name) != 0) continue;
        q->view = &VIEWS[i];
        q->kind = (ch_metric_view)i;
        return 0;
    }
    return fail_choice(q->call, "view_type", "'TRACES', 'SPANS', 'ASSESSMENTS'", name);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "['AVG', 'MAX']" of the aggregations in a set. */
static const char *list_of(ch_arena *arena, unsigned set)
{
    const char *names[AGGREGATION_COUNT], *text = "";
    size_t n = 0;
    for (size_t i = 0; i < AGGREGATION_COUNT; i++)
        if (set >> i & 1) names[n++] = AGGREGATIONS[i];
    qsort(names, n, sizeof *names, by_text);
    for (size_t i = 0; i < n; i++) text = ch_arena_printf(arena, "%s%s'%s'", text, i ? ", " : "", names[i]);
    return ch_arena_printf(arena, "[%s]", text);
}

/* Name and percentile of one aggregation; its label is what MLflow calls it in the answer: "AVG", "P99.0". */
static int read_aggregation(ch_call *call, json_t *item, aggregation *out)
{
    const char *name = ch_or_empty(ch_item_string(item, "aggregation_type"));
    for (size_t i = 0; i < AGGREGATION_COUNT; i++)
        if (strcmp(AGGREGATIONS[i], name) == 0) *out = (aggregation){1u << i, 0, AGGREGATIONS[i]};
    if (!out->what) return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Unsupported aggregation type: %s", name);
    bool given = ch_item_is_number(item, "percentile_value");
    if (out->what != PERCENTILE)
        return given ? ch_call_fail(call, INVALID_PARAMETER_VALUE,
                                    "Percentile value is only allowed for PERCENTILE aggregation type, got %s", name)
                     : 0;
    out->percentile = ch_item_double(item, "percentile_value", -1);
    if (!given)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Percentile value is required for PERCENTILE aggregation");
    char text[32];
    ch_java_double(out->percentile, text);
    if (!(out->percentile >= 0 && out->percentile <= 100))
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Percentile value must be between 0 and 100, got %s", text);
    out->label = ch_arena_printf(call->arena, "P%s", text);
    return 0;
}

static int read_aggregations(question *q, json_t *list)
{
    size_t i;
    json_t *item;
    unsigned wrong = 0;
    if (json_array_size(list) > AGGREGATIONS_MOST)
        return ch_call_fail(q->call, INVALID_PARAMETER_VALUE, "At most %d aggregations", AGGREGATIONS_MOST);
    json_array_foreach(list, i, item)
    {
        CH_TRY(read_aggregation(q->call, item, &q->aggregations[i]));
        wrong |= q->aggregations[i].what & ~q->metric->aggregations;
        q->naggregation++;
    }
    if (!wrong) return 0;
    return ch_call_fail(q->call, INVALID_PARAMETER_VALUE,
                        "Found invalid aggregation_type(s): %s. Supported aggregation types: %s",
                        list_of(q->call->arena, wrong), list_of(q->call->arena, q->metric->aggregations));
}

static const dimension *find_dimension(const question *q, const char *name)
{
    for (const dimension *d = q->view->dimensions; d->name; d++)
        if (strcmp(d->name, name) == 0 && strstr(q->metric->dimensions, name)) return d;
    return NULL;
}

static int fail_dimension(const question *q, const char *name)
{
    const char *names[DIMENSIONS_MOST], *text = "";
    size_t n = 0;
    for (const dimension *d = q->view->dimensions; d->name; d++)
        if (strstr(q->metric->dimensions, d->name)) names[n++] = d->name;
    qsort(names, n, sizeof *names, by_text);
    for (size_t i = 0; i < n; i++) text = ch_arena_printf(q->call->arena, "%s%s'%s'", text, i ? ", " : "", names[i]);
    return ch_call_fail(q->call, INVALID_PARAMETER_VALUE,
                        "Found invalid dimension(s): ['%s']. Supported dimensions: [%s]", name, text);
}

static int read_dimensions(question *q, json_t *list)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const char *name = ch_or_empty(json_string_value(item));
        const dimension *found = find_dimension(q, name);
        if (!found || q->ndimension == DIMENSIONS_MOST) return fail_dimension(q, name);
        q->dimensions[q->ndimension++] = found;
    }
    return 0;
}

/* ---- rows ----------------------------------------------------------------------------------------------------- */

/* The time of a row is that of its trace; costs have their span's. */
static const char *range_column(const question *q)
{
    return q->metric->from == COST ? q->view->time_ms : "t.request_time";
}

static int write_query(question *q, ch_select *query)
{
    size_t i;
    json_t *item;
    ch_select_sqlf(query, "SELECT %s, %s", q->view->time_ms, q->metric->sql);
    for (i = 0; i < q->ndimension; i++) ch_select_sqlf(query, ", %s", q->dimensions[i]->sql);
    ch_select_sqlf(query, " FROM %s WHERE t.experiment IN (-1", q->view->tables);
    json_array_foreach(q->experiments, i, item)
    {
        ch_select_sql(query, ", ");
        ch_select_int(query, strtoll(ch_or_empty(json_string_value(item)), NULL, 10));
    }
    ch_select_sql(query, ")");
    static const char *const BOUNDS[][2] = {{"start_time_ms", ">="}, {"end_time_ms", "<="}};
    for (i = 0; i < 2; i++) {
        if (!ch_call_has(q->call, BOUNDS[i][0])) continue;
        ch_select_sqlf(query, " AND %s %s ", range_column(q), BOUNDS[i][1]);
        ch_select_int(query, ch_call_int(q->call, BOUNDS[i][0], 0));
    }
    json_array_foreach(q->filters, i, item)
        CH_TRY(ch_metric_filter_write(q->call, q->kind, ch_or_empty(json_string_value(item)), query));
    return 0;
}

/* What a column says by way of JSON: a new reference; NULL for nothing. */
static json_t *dig(source from, const char *inside, const char *text)
{
    json_t *whole = from == ATTRIBUTE ? ch_span_attribute(text, inside)
                    : from == COST    ? ch_span_attribute(text, "mlflow.llm.cost")
                                      : json_loads(text, 0, NULL);
    if (from == ATTRIBUTE) return whole;
    json_t *member = json_incref(json_object_get(whole, from == ASSESSMENT ? "value" : inside));
    json_decref(whole);
    return member;
}

/* Truth values and "yes" and "no" count as 1 and 0. */
static bool number_of(json_t *value, double *out)
{
    const char *text = json_string_value(value);
    if (json_is_number(value) || json_is_boolean(value)) {
        *out = json_is_number(value) ? json_number_value(value) : json_is_true(value);
        return isfinite(*out);
    }
    if (!text || (strcasecmp(text, "yes") != 0 && strcasecmp(text, "no") != 0)) return false;
    *out = strcasecmp(text, "yes") == 0;
    return true;
}

/* The metric's value in column 1 of the row; false when there is none. */
static bool read_value(const question *q, const ch_db *db, double *out)
{
    if (ch_db_is_null(db, 1)) return false;
    *out = 1;
    if (q->metric->from == COLUMN) {
        if (!q->metric->distinct) *out = ch_db_get_double(db, 1);
        return true;
    }
    json_t *value = dig(q->metric->from, q->metric->inside, ch_db_get_text(db, 1));
    bool good = number_of(value, out);
    json_decref(value);
    return good;
}

static const char *read_dimension(const question *q, const ch_db *db, const dimension *d, int column)
{
    const char *text = ch_db_get_text(db, column);
    if (!text || d->from == COLUMN) return ch_arena_strdup(q->call->arena, text);
    json_t *value = dig(d->from, d->inside, text);
    const char *kept = NULL;
    if (d->from == ATTRIBUTE) {
        kept = ch_arena_strdup(q->call->arena, json_string_value(value));
    } else if (value) {
        char *dumped = json_dumps(value, JSON_ENCODE_ANY);
        kept = ch_arena_strdup(q->call->arena, dumped);
        free(dumped);
    }
    json_decref(value);
    return kept;
}

static group *group_of(question *q, int64_t bucket, const char *const dimensions[DIMENSIONS_MOST])
{
    const char *key = ch_arena_printf(q->call->arena, "%lld", (long long)bucket);
    for (size_t i = 0; i < q->ndimension; i++) key = ch_arena_printf(q->call->arena, "%s\x1f%s", key, dimensions[i]);
    size_t number = (size_t)(uintptr_t)ch_map_get(q->by_key, key);
    if (number) return &q->groups[number - 1];
    if (q->ngroup == q->room) {
        q->groups = ch_arena_grow(q->call->arena, q->groups, sizeof *q->groups, q->room, q->room * 2 + 16);
        q->room = q->room * 2 + 16;
    }
    group *made = &q->groups[q->ngroup++];
    *made = (group){.bucket = bucket};
    memcpy(made->dimensions, dimensions, sizeof made->dimensions);
    if (q->metric->distinct) made->seen = ch_map_new();
    ch_map_put(q->by_key, key, (void *)(uintptr_t)q->ngroup);
    return made;
}

static void add_row(question *q, const ch_db *db)
{
    const char *dimensions[DIMENSIONS_MOST] = {0};
    double value;
    if (!read_value(q, db, &value)) return;
    for (size_t i = 0; i < q->ndimension; i++) {
        dimensions[i] = read_dimension(q, db, q->dimensions[i], 2 + (int)i);
        if (!dimensions[i]) return;
    }
    int64_t time = ch_db_get_int(db, 0), bucket = 0;
    if (q->interval_ms) bucket = time - ((time % q->interval_ms) + q->interval_ms) % q->interval_ms;
    group *g = group_of(q, bucket, dimensions);
    if (g->seen && ch_map_put(g->seen, ch_db_get_text(db, 1), g->seen)) return;
    if (g->count == g->room) {
        g->values = ch_arena_grow(q->call->arena, g->values, sizeof *g->values, g->room, g->room * 2 + 16);
        g->room = g->room * 2 + 16;
    }
    g->values[g->count++] = value;
}

static int read_rows(ch_db *db, question *q, ch_error *err)
{
    static const char *const NOTHING[DIMENSIONS_MOST];
    if (!q->ndimension && !q->interval_ms) group_of(q, 0, NOTHING); /* nothing at all is counted, too */
    for (bool more;;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) return 0;
        add_row(q, db);
    }
}

static void forget_groups(question *q)
{
    for (size_t i = 0; i < q->ngroup; i++) ch_map_free(q->groups[i].seen, NULL);
    ch_map_free(q->by_key, NULL);
    q->by_key = NULL;
    q->ngroup = 0;
}

static int do_ask(ch_db *db, void *arg, ch_error *err)
{
    question *q = arg;
    ch_select query;
    forget_groups(q); /* in case it is run again */
    q->by_key = ch_map_new();
    ch_select_init(&query, q->call->arena, ch_db_dialect(db));
    int status = write_query(q, &query);
    if (!status) {
        ch_select_start(&query, db);
        status = read_rows(db, q, err);
    }
    ch_select_reset(&query);
    return status;
}

/* ---- the answer ----------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int by_place(const void *a, const void *b)
{
    const group *x = a, *y = b;
    if (x->bucket != y->bucket) return x->bucket < y->bucket ? -1 : 1;
    for (size_t i = 0; i < DIMENSIONS_MOST && x->dimensions[i]; i++) {
        int order = strcmp(x->dimensions[i], y->dimensions[i]);
        if (order) return order;
    }
    return 0;
}

/* Of sorted values, with what lies between two of them interpolated linearly (Hyndman and Fan's definition 7). */
static double percentile_of(const group *g, double percentile)
{
    double place = percentile / 100 * (double)(g->count - 1), below = floor(place);
    size_t at = (size_t)below;
    if (at + 1 >= g->count) return g->values[g->count - 1];
    return g->values[at] + (place - below) * (g->values[at + 1] - g->values[at]);
}

/* Of a group that has values, sorted. */
static double aggregate(const group *g, const aggregation *a)
{
    double sum = 0;
    switch (a->what) {
    case COUNT: return (double)g->count;
    case MIN: return g->values[0];
    case MAX: return g->values[g->count - 1];
    case PERCENTILE: return percentile_of(g, a->percentile);
    default:
        for (size_t i = 0; i < g->count; i++) sum += g->values[i];
        return a->what == AVG ? sum / (double)g->count : sum;
    }
}

static void write_point(const question *q, const group *g)
{
    ch_json *out = &q->call->out;
    ch_json_begin(out, '{');
    ch_json_member(out, "metric_name", q->metric->name);
    if (q->ndimension || q->interval_ms) {
        ch_json_key(out, "dimensions");
        ch_json_begin(out, '{');
        const char *time = ch_time_text(q->call->arena, g->bucket); /* ends in Z, which MLflow writes as +00:00 */
        if (q->interval_ms)
            ch_json_member(out, "time_bucket",
                           ch_arena_printf(q->call->arena, "%.*s+00:00", (int)strlen(time) - 1, time));
        for (size_t i = 0; i < q->ndimension; i++) ch_json_member(out, q->dimensions[i]->name, g->dimensions[i]);
        ch_json_end(out, '}');
    }
    ch_json_key(out, "values");
    ch_json_begin(out, '{');
    for (size_t i = 0; i < q->naggregation; i++)
        if (g->count || q->aggregations[i].what == COUNT)
            ch_json_member_double(out, q->aggregations[i].label, aggregate(g, &q->aggregations[i]));
    ch_json_end(out, '}');
    ch_json_end(out, '}');
}

static void write_points(question *q, int64_t most)
{
    bool counts = false;
    for (size_t i = 0; i < q->naggregation; i++) counts |= q->aggregations[i].what == COUNT;
    if (!q->ngroup || (!q->groups[0].count && !counts)) return;
    qsort(q->groups, q->ngroup, sizeof *q->groups, by_place);
    ch_json_key(&q->call->out, "data_points");
    ch_json_begin(&q->call->out, '[');
    for (size_t i = 0; i < q->ngroup && (int64_t)i < most; i++) {
        if (q->groups[i].count) qsort(q->groups[i].values, q->groups[i].count, sizeof(double), by_value);
        write_point(q, &q->groups[i]);
    }
    ch_json_end(&q->call->out, ']');
}

static int query_metrics(ch_call *call)
{
    question q = {
        .call = call, .experiments = ch_call_list(call, "experiment_ids"), .filters = ch_call_list(call, "filters")};
    int64_t seconds = ch_call_int(call, "time_interval_seconds", 0);
    int64_t most = ch_call_int(call, "max_results", RESULTS_DEFAULT);
    CH_TRY(read_view(&q, ch_call_string(call, "view_type")));
    CH_TRY(read_metric(&q, ch_call_string(call, "metric_name")));
    CH_TRY(read_aggregations(&q, ch_call_list(call, "aggregations")));
    CH_TRY(read_dimensions(&q, ch_call_list(call, "dimensions")));
    if (json_array_size(q.filters) > FILTERS_MOST)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "At most %d filters", FILTERS_MOST);
    if (seconds && (!ch_call_has(call, "start_time_ms") || !ch_call_has(call, "end_time_ms")))
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "start_time_ms and end_time_ms are required if time_interval_seconds is set");
    if (seconds < 0 || seconds > INT32_MAX)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid time_interval_seconds: %lld", (long long)seconds);
    q.interval_ms = seconds * 1000;
    int failed = ch_db_read(call->track->pool, do_ask, &q, &call->error) ? ch_call_db_failed(call) : 0;
    if (!failed) write_points(&q, most);
    forget_groups(&q);
    return failed;
}

/* clang-format off */
static const ch_track_route ROUTES[] = {
    {"POST", "traces/metrics", query_metrics,
     {{"experiment_ids", CH_P_LIST, true}, {"view_type", CH_P_STRING, true}, {"metric_name", CH_P_STRING, true},
      {"aggregations", CH_P_LIST, true}, {"dimensions", CH_P_LIST, false}, {"filters", CH_P_LIST, false},
      {"time_interval_seconds", CH_P_INT, false}, {"start_time_ms", CH_P_INT, false}, {"end_time_ms", CH_P_INT, false},
      {"max_results", CH_P_INT, false}, {"page_token", CH_P_STRING, false}},
     CH_READ, CH_ON_EXPERIMENT, "experiment_ids", 0, NULL},
};
/* clang-format on */

const ch_track_table ch_trace_metric_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
