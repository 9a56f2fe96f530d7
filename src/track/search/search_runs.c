/* search_runs.c: runs/search: a page of the runs that a filter takes, in an order, with all their data. */
#include "track/run/run_data.h"
#include "track/search/filter.h"
#include "track/search/run_search.h"
#include "track/store/rows.h"
#include "track/validate.h"

#include <string.h>

enum { SEARCH_MOST = 50000, EXPERIMENTS_MOST = 1000 };

static const ch_filter_attribute ATTRIBUTES[] = {
    {"run_id", "r.run_id", CH_ATTR_LIST},
    {"run_name", "r.name", 0},
    {"run name", "r.name", CH_ATTR_NO_ORDER},
    {"Run name", "r.name", CH_ATTR_NO_ORDER},
    {"Run Name", "r.name", CH_ATTR_NO_ORDER},
    {"user_id", "r.user_id", 0},
    {"status", "r.status", 0},
    {"artifact_uri", "r.artifact_uri", 0},
    {"start_time", "r.start_time", CH_ATTR_NUMBER},
    {"created", "r.start_time", CH_ATTR_NUMBER},
    {"Created", "r.start_time", CH_ATTR_NUMBER},
    {"end_time", "r.end_time", CH_ATTR_NUMBER | CH_ATTR_NULLABLE},
    {0},
};

const ch_filter_rules ch_run_rules = {
    .style = CH_FILTER_RUNS,
    .attributes = ATTRIBUTES,
    .metrics = {"latest_metrics", "$.run = r.id"},
    .params = {"params", "$.run = r.id"},
    .tags = {"tags", "$.run = r.id"},
    .dataset_run = "r.id",
    .ties = {{"start_time", "r.start_time DESC", 0}, {"run_id", "r.run_id", 0}},
};

int ch_run_search_read(ch_call *call, ch_run_search *out)
{
    json_t *ids = ch_call_list(call, "experiment_ids"), *item;
    size_t i;
    *out = (ch_run_search){.deleted = 0};
    if (json_array_size(ids) > EXPERIMENTS_MOST) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "A search can name at most %d experiments",
                            EXPERIMENTS_MOST);
    }
    out->experiments = CH_NEW_ARRAY(call->arena, int64_t, json_array_size(ids));
    json_array_foreach(ids, i, item)
    {
        if (json_is_integer(item))
            out->experiments[i] = json_integer_value(item);
        else
            CH_TRY(ch_read_experiment_id(call, ch_or_empty(json_string_value(item)), &out->experiments[i]));
    }
    out->nexperiment = json_array_size(ids);
    const char *view = ch_call_string(call, "run_view_type");
    int64_t number = ch_call_int(call, "run_view_type", 1);
    if ((view && strcmp(view, "DELETED_ONLY") == 0) || number == 2) out->deleted = 1;
    if ((view && strcmp(view, "ALL") == 0) || number == 3) out->deleted = -1;
    CH_TRY(ch_filter_parse(call, &ch_run_rules, ch_call_string(call, "filter"), &out->filter));
    return ch_order_parse(call, &ch_run_rules, ch_call_list(call, "order_by"), &out->order);
}

void ch_run_search_where(const ch_run_search *search, ch_select *query)
{
    ch_select_sql(query, " WHERE r.experiment IN (");
    for (size_t i = 0; i < search->nexperiment; i++) {
        if (i) ch_select_sql(query, ", ");
        ch_select_int(query, search->experiments[i]);
    }
    ch_select_sql(query, ")");
    if (search->deleted >= 0) ch_select_sqlf(query, " AND r.deleted = %d", search->deleted);
    ch_filter_write(&search->filter, query);
}

void ch_run_search_write(const ch_run_search *search, ch_select *query, int64_t limit, int64_t offset)
{
    ch_select_sql(query, "SELECT " CH_RUN_COLUMNS " FROM runs r");
    ch_order_joins(&search->order, query);
    ch_run_search_where(search, query);
    ch_order_write(&search->order, query);
    ch_select_page(query, limit, offset);
}

static void read_run(const ch_db *db, ch_arena *arena, void *item)
{
    ch_run_read(db, arena, item);
}

int ch_runs_collect(ch_db *db, ch_arena *arena, ch_run **runs, size_t *count, ch_error *err)
{
    ch_rows rows;
    CH_TRY(ch_rows_read(db, arena, sizeof(ch_run), INT64_MAX, read_run, &rows, err));
    *runs = rows.items;
    *count = rows.count;
    return 0;
}

typedef struct search_state {
    ch_call *call;
    ch_select query;
    int64_t most, offset;
} search_state;

static int search_in(ch_db *db, void *arg, ch_error *err)
{
    search_state *s = arg;
    ch_json *out = &s->call->out;
    ch_run *runs;
    size_t count;
    ch_run_data data;
    ch_select_start(&s->query, db);
    CH_TRY(ch_runs_collect(db, s->call->arena, &runs, &count, err));
    bool is_last = (int64_t)count <= s->most;
    if (!is_last) count--;
    if (count == 0) return 0;
    CH_TRY(ch_run_data_load(db, s->call->arena, runs, count, &data, err));
    ch_json_key(out, "runs");
    ch_json_begin(out, '[');
    for (size_t i = 0; i < count; i++) ch_run_write(out, &runs[i], &data, i);
    ch_json_end(out, ']');
    ch_run_data_reset(&data);
    if (!is_last) ch_page_token_write(s->call, s->offset + s->most);
    return 0;
}

static int search(ch_call *call)
{
    search_state s = {.call = call};
    ch_run_search search;
    CH_TRY(ch_max_results(call, 1000, SEARCH_MOST, &s.most));
    CH_TRY(ch_run_search_read(call, &search));
    CH_TRY(ch_page_token_read(call, ch_call_string(call, "page_token"), &s.offset));
    if (search.nexperiment == 0) return 0;
    ch_select_init(&s.query, call->arena, ch_db_pool_dialect(call->track->pool));
    ch_run_search_write(&search, &s.query, s.most + 1, s.offset);
    int status = ch_db_read(call->track->pool, search_in, &s, &call->error);
    ch_select_reset(&s.query);
    CH_DB(call, status);
    return 0;
}

static const ch_track_route ROUTES[] = {
    {.method = "POST",
     .path = "runs/search",
     .handler = search,
     .params = {{"experiment_ids", CH_P_LIST, false},
                {"filter", CH_P_STRING, false},
                {"max_results", CH_P_INT, false},
                {"order_by", CH_P_LIST, false},
                {"page_token", CH_P_STRING, false}},
     .needs = CH_READ,
     .on = CH_ON_EXPERIMENT,
     .key = "experiment_ids"},
};

const ch_track_table ch_run_search_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
