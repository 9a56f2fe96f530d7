/* logged_search.c: the search of logged models: a filter, metrics narrowed to datasets, and an order given as objects.
 */
#include "track/names.h"
#include "track/registry/logged_models.h"
#include "track/search/filter.h"
#include "track/store/rows.h"

#include <stdlib.h>
#include <string.h>

enum { RESULTS_DEFAULT = 100, RESULTS_MOST = 1000, EXPERIMENTS_MOST = 10000 };

/* MLflow compares the number of the status, which no user can know; its word is what people write. */
#define STATUS_WORD "CASE m.status WHEN 1 THEN 'PENDING' WHEN 2 THEN 'READY' WHEN 3 THEN 'UPLOAD_FAILED' ELSE '' END"

static const ch_filter_attribute ATTRIBUTES[] = {
    {"name", "m.name", CH_ATTR_LIST},
    {"model_id", "m.model_id", CH_ATTR_LIST},
    {"model_type", "m.model_type", CH_ATTR_LIST | CH_ATTR_NULLABLE},
    {"status", STATUS_WORD, CH_ATTR_LIST},
    {"source_run_id", "m.source_run_id", CH_ATTR_LIST | CH_ATTR_NULLABLE},
    {"experiment_id", "m.experiment", CH_ATTR_LIST | CH_ATTR_ID},
    {"creation_timestamp", "m.created", CH_ATTR_NUMBER},
    {"creation_time", "m.created", CH_ATTR_NUMBER | CH_ATTR_ALIAS},
    {"creation_timestamp_ms", "m.created", CH_ATTR_NUMBER | CH_ATTR_ALIAS},
    {"last_updated_timestamp", "m.updated", CH_ATTR_NUMBER},
    {"last_updated_timestamp_ms", "m.updated", CH_ATTR_NUMBER | CH_ATTR_ALIAS},
    {0},
};
static const ch_filter_rules RULES = {
    .style = CH_FILTER_LOGGED_MODELS,
    .attributes = ATTRIBUTES,
    .metrics = {"logged_model_metrics", "$.model = m.id"},
    .params = {"logged_model_params", "$.model = m.id"},
    .tags = {"logged_model_tags", "$.model = m.id"},
    .order = "m.created DESC, m.model_id ASC",
};

/* One search: what was asked, and the page that was found. */
typedef struct search {
    ch_call *call;
    ch_filter filter;
    json_t *experiments, *datasets, *order;
    int64_t offset, limit;
    ch_rows found; /* of ch_logged_model */
} search;

/* ---- conditions ----------------------------------------------------------------------------------------------- */

static void write_experiments(const search *find, ch_select *query)
{
    size_t i;
    json_t *item;
    ch_select_sql(query, " AND m.experiment IN (-1");
    json_array_foreach(find->experiments, i, item)
    {
        ch_select_sql(query, ", ");
        ch_select_int(query, strtoll(ch_or_empty(json_string_value(item)), NULL, 10));
    }
    ch_select_sql(query, ")");
}

/* " AND (x is of one of the datasets)" for a row x of logged_model_metrics. */
static void write_datasets(json_t *datasets, ch_select *query)
{
    size_t i;
    json_t *item;
    if (!json_array_size(datasets)) return;
    ch_select_sql(query, " AND (1 = 0");
    json_array_foreach(datasets, i, item)
    {
        const char *digest = ch_item_string(item, "dataset_digest");
        ch_select_sql(query, " OR (x.dataset_name = ");
        ch_select_text(query, ch_item_string(item, "dataset_name"));
        if (digest && *digest) {
            ch_select_sql(query, " AND x.dataset_digest = ");
            ch_select_text(query, digest);
        }
        ch_select_sql(query, ")");
    }
    ch_select_sql(query, ")");
}

/* A comparison of a metric on the search's datasets; without any, on all and on none. */
static void write_metric(const search *find, const ch_clause *clause, ch_select *query)
{
    static const char *const SYMBOLS[] = {[CH_CMP_EQ] = "=",  [CH_CMP_NE] = "<>", [CH_CMP_LT] = "<",
                                          [CH_CMP_LE] = "<=", [CH_CMP_GT] = ">",  [CH_CMP_GE] = ">="};
    ch_select_sql(query, " AND EXISTS (SELECT 1 FROM logged_model_metrics x WHERE x.model = m.id AND x.key = ");
    ch_select_text(query, clause->key);
    ch_select_sqlf(query, " AND x.is_nan = 0 AND x.value %s ", SYMBOLS[clause->comparator]);
    ch_select_double(query, clause->real);
    write_datasets(find->datasets, query);
    ch_select_sql(query, ")");
}

static void write_filter(const search *find, ch_select *query)
{
    bool narrowed = false;
    for (size_t i = 0; i < find->filter.nclause; i++) {
        const ch_clause *clause = &find->filter.clauses[i];
        bool on_metric = clause->side == CH_SIDE_METRIC && clause->comparator <= CH_CMP_GE;
        if (on_metric)
            write_metric(find, clause, query);
        else
            ch_clause_write(find->filter.rules, clause, query);
        narrowed |= on_metric;
    }
    if (narrowed || !json_array_size(find->datasets)) return;
    ch_select_sql(query, " AND EXISTS (SELECT 1 FROM logged_model_metrics x WHERE x.model = m.id");
    write_datasets(find->datasets, query);
    ch_select_sql(query, ")");
}

/* ---- order ---------------------------------------------------------------------------------------------------- */

static const ch_filter_attribute *find_attribute(const char *name)
{
    for (const ch_filter_attribute *a = ATTRIBUTES; a->name; a++)
        if (strcmp(a->name, name) == 0) return a;
    return NULL;
}

/* The value that a model is sorted by: of all that were logged of a metric, the latest. */
static void write_sort_value(json_t *order, ch_select *query)
{
    const char *name = ch_item_string(order, "field_name"), *dataset = ch_item_string(order, "dataset_name");
    const char *digest = ch_item_string(order, "dataset_digest");
    const ch_filter_attribute *attribute = find_attribute(name);
    if (attribute) {
        ch_select_sql(query, attribute->column);
        return;
    }
    ch_select_sql(query, "(SELECT x.value FROM logged_model_metrics x WHERE x.model = m.id AND x.key = ");
    ch_select_text(query, name + strlen("metrics."));
    if (dataset && *dataset) {
        ch_select_sql(query, " AND x.dataset_name = ");
        ch_select_text(query, dataset);
    }
    if (digest && *digest) {
        ch_select_sql(query, " AND x.dataset_digest = ");
        ch_select_text(query, digest);
    }
    ch_select_sql(query, " ORDER BY x.timestamp DESC, x.step DESC, x.run_id LIMIT 1)");
}

static void write_order(const search *find, ch_select *query)
{
    bool created = false;
    size_t i;
    json_t *item;
    ch_select_sql(query, " ORDER BY ");
    json_array_foreach(find->order, i, item)
    {
        json_t *ascending = json_object_get(item, "ascending");
        const ch_filter_attribute *attribute = find_attribute(ch_item_string(item, "field_name"));
        created |= attribute && strcmp(attribute->column, "m.created") == 0;
        ch_select_sql(query, "CASE WHEN ");
        write_sort_value(item, query);
        ch_select_sql(query, " IS NULL THEN 1 ELSE 0 END, ");
        write_sort_value(item, query);
        ch_select_sql(query, json_is_false(ascending) ? " DESC, " : " ASC, ");
    }
    ch_select_sql(query, created ? "m.model_id ASC" : "m.created DESC, m.model_id ASC");
}

static int check_order(ch_call *call, json_t *order)
{
    size_t i;
    json_t *item;
    if (json_array_size(order) > CH_ORDERS_MAX)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "At most %d fields to order by are possible", CH_ORDERS_MAX);
    json_array_foreach(order, i, item)
    {
        const char *name = ch_or_empty(ch_item_string(item, "field_name"));
        const char *dot = strchr(name, '.');
        if (!dot && !find_attribute(name))
            return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid order by field name: %s", name);
        if (dot && strncmp(name, "metrics.", 8) != 0)
            return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                                "Invalid order by field name: %s. Only metrics are supported.", name);
    }
    return 0;
}

/* ---- the search ----------------------------------------------------------------------------------------------- */

static void read_model(const ch_db *db, ch_arena *arena, void *item)
{
    ch_logged_model_row(db, arena, item);
}

static int do_search(ch_db *db, void *arg, ch_error *err)
{
    search *find = arg;
    ch_select query;
    ch_select_init(&query, find->call->arena, ch_db_dialect(db));
    ch_select_sql(&query, "SELECT " CH_LOGGED_COLUMNS " FROM logged_models m WHERE m.deleted = 0");
    ch_select_sql(&query, ch_auth_visible_experiments(find->call, "m.experiment"));
    write_experiments(find, &query);
    write_filter(find, &query);
    write_order(find, &query);
    ch_select_page(&query, find->limit + 1, find->offset);
    ch_select_start(&query, db);
    ch_arena *arena = find->call->arena;
    int failed = ch_rows_read(db, arena, sizeof(ch_logged_model), find->limit, read_model, &find->found, err);
    ch_select_reset(&query);
    ch_logged_model *models = find->found.items;
    for (size_t i = 0; i < find->found.count && !failed; i++)
        failed = ch_logged_model_complete(db, arena, &models[i], err);
    return failed;
}

static int check_datasets(ch_call *call, json_t *datasets)
{
    for (size_t i = 0; i < json_array_size(datasets); i++) {
        const char *name = ch_item_string(json_array_get(datasets, i), "dataset_name");
        if (!name || !*name)
            return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                                "`dataset_name` in the `datasets` clause must be specified.");
    }
    return 0;
}

static int search_models(ch_call *call)
{
    search find = {.call = call,
                   .experiments = ch_call_list(call, "experiment_ids"),
                   .datasets = ch_call_list(call, "datasets"),
                   .order = ch_call_list(call, "order_by")};
    CH_TRY(check_datasets(call, find.datasets));
    if (json_array_size(find.experiments) > EXPERIMENTS_MOST)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "At most %d experiments can be searched", EXPERIMENTS_MOST);
    CH_TRY(ch_page_token_read(call, ch_call_string(call, "page_token"), &find.offset));
    CH_TRY(ch_filter_parse(call, &RULES, ch_call_string(call, "filter"), &find.filter));
    CH_TRY(check_order(call, find.order));
    find.limit = ch_call_int(call, "max_results", 0);
    if (find.limit <= 0) find.limit = RESULTS_DEFAULT;
    if (find.limit > RESULTS_MOST) find.limit = RESULTS_MOST;
    CH_DB(call, ch_db_read(call->track->pool, do_search, &find, &call->error));
    if (find.found.count) {
        const ch_logged_model *models = find.found.items;
        ch_json_key(&call->out, "models");
        ch_json_begin(&call->out, '[');
        for (size_t i = 0; i < find.found.count; i++) ch_logged_model_write(&call->out, &models[i]);
        ch_json_end(&call->out, ']');
    }
    if (find.found.more) ch_page_token_write(call, find.offset + find.limit);
    return 0;
}

/* clang-format off */
static const ch_track_route ROUTES[] = {
    {"POST", "logged-models/search", search_models,
     {{"experiment_ids", CH_P_LIST, true}, {"filter", CH_P_STRING, false}, {"datasets", CH_P_LIST, false},
      {"max_results", CH_P_INT, false}, {"order_by", CH_P_LIST, false}, {"page_token", CH_P_STRING, false}},
     CH_READ, CH_ON_NOTHING, NULL, 0, NULL},
};
/* clang-format on */

const ch_track_table ch_logged_search_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
