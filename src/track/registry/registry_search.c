/* registry_search.c: searches of registered models and of model versions. */
#include "track/names.h"
#include "track/registry/registry.h"
#include "track/search/filter.h"
#include "track/store/rows.h"

#include <string.h>

static const char PROMPT_TAG[] = "mlflow.prompt.is_prompt";

enum { MODELS_DEFAULT = 100, MODELS_MOST = 1000, VERSIONS_DEFAULT = 10000, VERSIONS_MOST = 200000 };

static const ch_filter_attribute MODEL_ATTRIBUTES[] = {
    {"name", "m.name", CH_ATTR_LIST},
    {"timestamp", "m.updated", CH_ATTR_NUMBER | CH_ATTR_NO_FILTER},
    {"last_updated_timestamp", "m.updated", CH_ATTR_NUMBER | CH_ATTR_NO_FILTER | CH_ATTR_ALIAS},
    {0},
};
static const ch_filter_rules MODEL_RULES = {
    .style = CH_FILTER_REGISTRY,
    .attributes = MODEL_ATTRIBUTES,
    .tags = {"registered_model_tags", "$.model = m.id"},
    .order = "m.name ASC",
    .ties = {{"name", "m.name ASC", 0}},
};

static const ch_filter_attribute VERSION_ATTRIBUTES[] = {
    {"name", "m.name", CH_ATTR_LIST},
    {"version_number", "v.version", CH_ATTR_NUMBER},
    {"run_id", "v.run_id", CH_ATTR_LIST | CH_ATTR_NO_ORDER},
    {"source_path", "v.source", CH_ATTR_NO_ORDER},
    {"creation_timestamp", "v.created", CH_ATTR_NUMBER | CH_ATTR_NO_FILTER},
    {"last_updated_timestamp", "v.updated", CH_ATTR_NUMBER | CH_ATTR_NO_FILTER},
    {0},
};
static const ch_filter_rules VERSION_RULES = {
    .style = CH_FILTER_REGISTRY,
    .attributes = VERSION_ATTRIBUTES,
    .tags = {"model_version_tags", "$.model = v.model AND $.version = v.version"},
    .order = "v.updated DESC, m.name ASC, v.version DESC",
    .ties = {{"name", "m.name ASC", 0}, {"version_number", "v.version DESC", 0}},
};

/* One search: what was asked, and the page that was found. */
typedef struct search {
    ch_call *call;
    ch_filter filter;
    ch_order_list order;
    int64_t offset, limit;
    ch_rows found; /* of ch_registered, or of ch_version */
    ch_version_list versions;
} search;

static bool is_prompt_clause(const ch_clause *clause)
{
    return clause->side == CH_SIDE_TAG && strcmp(clause->key, PROMPT_TAG) == 0;
}

/* Whether prompts are asked for: the first clause about their mark decides. */
static bool asks_for_prompts(const ch_filter *filter)
{
    for (size_t i = 0; i < filter->nclause; i++) {
        const ch_clause *clause = &filter->clauses[i];
        if (!is_prompt_clause(clause) || clause->kind != CH_VALUE_TEXT) continue;
        return (clause->comparator == CH_CMP_EQ && strcasecmp(clause->text, "true") == 0) ||
               (clause->comparator == CH_CMP_NE && strcasecmp(clause->text, "false") == 0);
    }
    return false;
}

/* Writes the filter's conditions. Prompts share the registry with models and are left out unless asked for: `marked`
 * is the condition that a row is one. */
static void write_filter(const ch_filter *filter, const char *marked, ch_select *query)
{
    if (asks_for_prompts(filter)) {
        ch_filter_write(filter, query);
        return;
    }
    ch_select_sqlf(query, " AND NOT (%s)", marked);
    for (size_t i = 0; i < filter->nclause; i++)
        if (!is_prompt_clause(&filter->clauses[i])) ch_clause_write(filter->rules, &filter->clauses[i], query);
}

/* Ends a query with its order and one row more than the page takes, which tells whether there is another page. */
static void write_page(const search *find, ch_select *query)
{
    ch_order_write(&find->order, query);
    ch_select_page(query, find->limit + 1, find->offset);
}

static int parse(search *find, const ch_filter_rules *rules)
{
    ch_call *call = find->call;
    CH_TRY(ch_filter_parse(call, rules, ch_call_string(call, "filter"), &find->filter));
    CH_TRY(ch_order_parse(call, rules, ch_call_list(call, "order_by"), &find->order));
    return ch_page_token_read(call, ch_call_string(call, "page_token"), &find->offset);
}

/* ---- registered models ---------------------------------------------------------------------------------------- */

static void read_model(const ch_db *db, ch_arena *arena, void *item)
{
    *(ch_registered *)item = (ch_registered){
        .id = ch_db_get_int(db, 0),
        .created = ch_db_get_int(db, 1),
        .updated = ch_db_get_int(db, 2),
        .name = ch_arena_strdup(arena, ch_db_get_text(db, 3)),
        .description = ch_arena_strdup(arena, ch_db_get_text(db, 4)),
    };
}

static int do_search_models(ch_db *db, void *arg, ch_error *err)
{
    search *find = arg;
    ch_select query;
    ch_select_init(&query, find->call->arena, ch_db_dialect(db));
    ch_select_sql(&query, "SELECT m.id, m.created, m.updated, m.name, m.description FROM registered_models m");
    ch_order_joins(&find->order, &query);
    ch_select_sql(&query, " WHERE 1 = 1");
    ch_select_sql(&query, ch_auth_visible_models(find->call, "m.id"));
    write_filter(&find->filter,
                 "EXISTS (SELECT 1 FROM registered_model_tags p WHERE p.model = m.id"
                 " AND p.key = 'mlflow.prompt.is_prompt' AND p.value = 'true')",
                 &query);
    write_page(find, &query);
    ch_select_start(&query, db);
    ch_arena *arena = find->call->arena;
    int failed = ch_rows_read(db, arena, sizeof(ch_registered), find->limit, read_model, &find->found, err);
    ch_select_reset(&query);
    ch_registered *models = find->found.items;
    for (size_t i = 0; i < find->found.count && !failed; i++)
        failed = ch_registered_complete(db, arena, &models[i], err);
    return failed;
}

static int search_models(ch_call *call)
{
    search find = {.call = call};
    CH_TRY(parse(&find, &MODEL_RULES));
    CH_TRY(ch_max_results(call, MODELS_DEFAULT, MODELS_MOST, &find.limit));
    CH_DB(call, ch_db_read(call->track->pool, do_search_models, &find, &call->error));
    if (find.found.count) {
        const ch_registered *models = find.found.items;
        ch_json_key(&call->out, "registered_models");
        ch_json_begin(&call->out, '[');
        for (size_t i = 0; i < find.found.count; i++) ch_registered_write(&call->out, &models[i]);
        ch_json_end(&call->out, ']');
    }
    if (find.found.more) ch_page_token_write(call, find.offset + find.limit);
    return 0;
}

/* ---- versions ------------------------------------------------------------------------------------------------- */

static int do_search_versions(ch_db *db, void *arg, ch_error *err)
{
    search *find = arg;
    ch_select query;
    ch_select_init(&query, find->call->arena, ch_db_dialect(db));
    ch_select_sql(&query, "SELECT " CH_VERSION_COLUMNS " FROM model_versions v"
                          " JOIN registered_models m ON m.id = v.model");
    ch_order_joins(&find->order, &query);
    ch_select_sql(&query, " WHERE 1 = 1");
    ch_select_sql(&query, ch_auth_visible_models(find->call, "v.model"));
    write_filter(&find->filter,
                 "EXISTS (SELECT 1 FROM model_version_tags p WHERE p.model = v.model"
                 " AND p.key = 'mlflow.prompt.is_prompt' AND p.value = 'true')",
                 &query);
    write_page(find, &query);
    ch_select_start(&query, db);
    ch_arena *arena = find->call->arena;
    int failed = ch_rows_read(db, arena, sizeof(ch_version), find->limit, ch_version_row, &find->found, err);
    ch_select_reset(&query);
    find->versions = (ch_version_list){find->found.items, find->found.count};
    return failed ? failed : ch_versions_complete(db, arena, &find->versions, false, err);
}

static int search_versions(ch_call *call)
{
    search find = {.call = call};
    int64_t asked = ch_call_int(call, "max_results", VERSIONS_DEFAULT);
    if (asked < 1)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Invalid value for max_results. It must be a positive integer, but got %lld",
                            (long long)asked);
    CH_TRY(ch_max_results(call, VERSIONS_DEFAULT, VERSIONS_MOST, &find.limit));
    CH_TRY(parse(&find, &VERSION_RULES));
    CH_DB(call, ch_db_read(call->track->pool, do_search_versions, &find, &call->error));
    ch_versions_write(&call->out, "model_versions", &find.versions);
    if (find.found.more) ch_page_token_write(call, find.offset + find.limit);
    return 0;
}

/* ---- routes --------------------------------------------------------------------------------------------------- */

/* clang-format off */
#define SEARCH                                                                                                         \
    {{"filter", CH_P_STRING, false}, {"max_results", CH_P_INT, false}, {"order_by", CH_P_LIST, false},                 \
     {"page_token", CH_P_STRING, false}}

static const ch_track_route ROUTES[] = {
    {"GET", "registered-models/search", search_models, SEARCH, CH_READ, CH_ON_NOTHING, NULL, 0, NULL},
    {"GET", "model-versions/search", search_versions, SEARCH, CH_READ, CH_ON_NOTHING, NULL, 0, NULL},
};
/* clang-format on */

const ch_track_table ch_registry_search_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
