/* experiments.c: /experiments/...: create, get, search, rename, delete softly and restore, tags. */
#include "track/run/experiment_data.h"
#include "track/search/filter.h"
#include "track/store/rows.h"
#include "track/validate.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEARCH_MOST = 50000 };

typedef enum view { ACTIVE = 1, DELETED, ALL } view;

static int no_experiment(ch_call *call, int64_t id)
{
    return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "No Experiment with id=%lld exists", (long long)id);
}

/* The experiment with that number, if the view has it. */
static int find(ch_call *call, ch_db *db, int64_t id, view wanted, ch_experiment *out, ch_error *err)
{
    bool more;
    ch_db_sql(db, "SELECT " CH_EXPERIMENT_COLUMNS " FROM experiments e WHERE e.id = ?1");
    ch_db_int(db, 1, id);
    CH_TRY(ch_db_next(db, &more, err));
    if (more) ch_experiment_read(db, call->arena, out);
    if (!more || (wanted == ACTIVE && out->deleted) || (wanted == DELETED && !out->deleted)) {
        return no_experiment(call, id);
    }
    return 0;
}

static int find_active(ch_call *call, ch_db *db, int64_t id, ch_experiment *out, ch_error *err)
{
    CH_TRY(find(call, db, id, ALL, out, err));
    if (!out->deleted) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "The experiment %lld must be in the 'active' state. Current state is deleted.", (long long)id);
}

/* --- create ---- */

/* Where the artifacts go: a URI, or a path of this machine, made absolute. */
static int read_location(ch_call *call, const char **location)
{
    const char *given = ch_call_string(call, "artifact_location");
    *location = NULL;
    if (!given || !*given) return 0;
    if (strchr(given, '#') || strchr(given, ';')) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "'artifact_location' URL can't include fragments or params.");
    }
    if (ch_text_length(given) > CH_LOCATION_MAX) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Invalid artifact path length. The length of the artifact path cannot be greater than %d "
                            "characters.",
                            CH_LOCATION_MAX);
    }
    *location = given;
    if (given[0] == '/' || strstr(given, ":/")) return 0;
    char *folder = getcwd(NULL, 0);
    if (folder) *location = ch_arena_printf(call->arena, "%s/%s", folder, given);
    free(folder);
    return 0;
}

static int check_tags(ch_call *call)
{
    size_t i;
    json_t *tag;
    json_array_foreach(ch_call_list(call, "tags"), i, tag)
    {
        CH_TRY(ch_check_experiment_tag(call, ch_item_string(tag, "key"), ch_item_string(tag, "value")));
    }
    return 0;
}

static int put_tag(ch_db *db, int64_t id, const char *key, const char *value, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO experiment_tags(experiment, key, value) VALUES (?1, ?2, ?3) "
                  "ON CONFLICT (experiment, key) DO UPDATE SET value = excluded.value");
    ch_db_int(db, 1, id);
    ch_db_text(db, 2, key);
    ch_db_text(db, 3, value ? value : "");
    return ch_db_run(db, err);
}

static int name_is_taken(ch_call *call, const char *name)
{
    return ch_call_fail(call, RESOURCE_ALREADY_EXISTS,
                        "Experiment(name=%s) already exists. Error: (sqlite3.IntegrityError) UNIQUE constraint failed: "
                        "experiments.name",
                        name);
}

static int is_name_taken(ch_db *db, const char *name, int64_t except, bool *taken, ch_error *err)
{
    ch_db_sql(db, "SELECT 1 FROM experiments WHERE name = ?1 AND id <> ?2");
    ch_db_text(db, 1, name);
    ch_db_int(db, 2, except);
    return ch_db_next(db, taken, err);
}

typedef struct creation {
    ch_call *call;
    const char *name, *location;
    int64_t id;
} creation;

static int create_in(ch_db *db, void *arg, ch_error *err)
{
    creation *c = arg;
    bool taken;
    CH_TRY(is_name_taken(db, c->name, -1, &taken, err));
    if (taken) return name_is_taken(c->call, c->name);
    ch_db_sql(db, "INSERT INTO experiments(name, artifact_location, created, updated) VALUES (?1, ?2, ?3, ?3) "
                  "RETURNING id");
    ch_db_text(db, 1, c->name);
    ch_db_text(db, 2, c->location ? c->location : "");
    ch_db_int(db, 3, ch_clock_ms());
    int status = ch_db_next(db, &taken, err);
    if (status) return ch_db_is_duplicate(err) ? name_is_taken(c->call, c->name) : status;
    c->id = ch_db_get_int(db, 0);
    if (!c->location) {
        ch_db_sql(db, "UPDATE experiments SET artifact_location = ?2 WHERE id = ?1");
        ch_db_int(db, 1, c->id);
        ch_db_text(db, 2, ch_arena_printf(c->call->arena, "mlflow-artifacts:/%lld", (long long)c->id));
        CH_TRY(ch_db_run(db, err));
    }
    size_t i;
    json_t *tag;
    json_array_foreach(ch_call_list(c->call, "tags"), i, tag)
    {
        CH_TRY(put_tag(db, c->id, ch_item_string(tag, "key"), ch_item_string(tag, "value"), err));
    }
    return ch_auth_own_experiment(db, c->call, c->id, err);
}

static int create(ch_call *call)
{
    creation c = {.call = call, .name = ch_call_string(call, "name")};
    CH_TRY(read_location(call, &c.location));
    CH_TRY(ch_check_length(call, "name", CH_EXPERIMENT_NAME_MAX, c.name));
    CH_TRY(check_tags(call));
    CH_DB(call, ch_db_write(call->track->pool, create_in, &c, &call->error));
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)c.id);
    ch_json_member(&call->out, "experiment_id", id);
    return 0;
}

/* --- get ---- */

static int get_in(ch_db *db, void *arg, ch_error *err)
{
    ch_call *call = arg;
    ch_experiment e;
    int64_t id;
    CH_TRY(ch_read_experiment_id(call, ch_call_string(call, "experiment_id"), &id));
    CH_TRY(find(call, db, id, ALL, &e, err));
    ch_json_key(&call->out, "experiment");
    return ch_experiment_write(db, &call->out, &e, NULL, err);
}

static int get(ch_call *call)
{
    CH_DB(call, ch_db_read(call->track->pool, get_in, call, &call->error));
    return 0;
}

static int get_by_name_in(ch_db *db, void *arg, ch_error *err)
{
    ch_call *call = arg;
    const char *name = ch_call_string(call, "experiment_name");
    ch_experiment e;
    bool more;
    ch_db_sql(db, "SELECT " CH_EXPERIMENT_COLUMNS " FROM experiments e WHERE e.name = ?1");
    ch_db_text(db, 1, name);
    CH_TRY(ch_db_next(db, &more, err));
    if (!more) return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "Could not find experiment with name '%s'", name);
    ch_experiment_read(db, call->arena, &e);
    ch_json_key(&call->out, "experiment");
    return ch_experiment_write(db, &call->out, &e, NULL, err);
}

static int get_by_name(ch_call *call)
{
    CH_DB(call, ch_db_read(call->track->pool, get_by_name_in, call, &call->error));
    return 0;
}

/* --- search ---- */

static const ch_filter_attribute ATTRIBUTES[] = {
    {"name", "e.name", 0},
    {"experiment_id", "e.id", CH_ATTR_ID | CH_ATTR_LIST},
    {"creation_time", "e.created", CH_ATTR_NUMBER},
    {"last_update_time", "e.updated", CH_ATTR_NUMBER},
    {0},
};

static const ch_filter_rules RULES = {
    .style = CH_FILTER_EXPERIMENTS,
    .attributes = ATTRIBUTES,
    .tags = {"experiment_tags", "$.experiment = e.id"},
    .order = "e.created DESC, e.id",
    .ties = {{"experiment_id", "e.id DESC", 0}},
};

typedef struct search {
    ch_call *call;
    ch_select query;
    int64_t offset, most;
} search_state;

static void read_row(const ch_db *db, ch_arena *arena, void *item)
{
    ch_experiment_read(db, arena, item);
}

static int search_in(ch_db *db, void *arg, ch_error *err)
{
    search_state *s = arg;
    ch_json *out = &s->call->out;
    ch_rows found;
    ch_select_start(&s->query, db);
    CH_TRY(ch_rows_read(db, s->call->arena, sizeof(ch_experiment), s->most, read_row, &found, err));
    const ch_experiment *experiments = found.items;
    if (found.count) {
        ch_json_key(out, "experiments");
        ch_json_begin(out, '[');
        for (size_t i = 0; i < found.count; i++) CH_TRY(ch_experiment_write(db, out, &experiments[i], NULL, err));
        ch_json_end(out, ']');
    }
    if (found.more) ch_page_token_write(s->call, s->offset + s->most);
    return 0;
}

/* ViewType by its name or number; what is neither counts as absent, as it does for MLflow. */
static view read_view(ch_call *call, const char *name)
{
    const char *text = ch_call_string(call, name);
    if (text && strcmp(text, "DELETED_ONLY") == 0) return DELETED;
    if (text && strcmp(text, "ALL") == 0) return ALL;
    int64_t number = ch_call_int(call, name, ACTIVE);
    return number == DELETED || number == ALL ? (view)number : ACTIVE;
}

static int search(ch_call *call)
{
    search_state s = {.call = call};
    ch_filter filter;
    ch_order_list order;
    CH_TRY(ch_max_results(call, 1000, INT64_MAX, &s.most));
    if (s.most > SEARCH_MOST) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "Invalid value %lld for parameter 'max_results' supplied. It must be at most %d",
                            (long long)s.most, SEARCH_MOST);
    }
    CH_TRY(ch_filter_parse(call, &RULES, ch_call_string(call, "filter"), &filter));
    CH_TRY(ch_order_parse(call, &RULES, ch_call_list(call, "order_by"), &order));
    CH_TRY(ch_page_token_read(call, ch_call_string(call, "page_token"), &s.offset));
    view wanted = read_view(call, "view_type");
    ch_select_init(&s.query, call->arena, ch_db_pool_dialect(call->track->pool));
    ch_select_sql(&s.query, "SELECT " CH_EXPERIMENT_COLUMNS " FROM experiments e WHERE ");
    ch_select_sql(&s.query, wanted == ALL ? "1 = 1" : wanted == ACTIVE ? "e.deleted = 0" : "e.deleted = 1");
    ch_select_sql(&s.query, ch_auth_visible_experiments(call, "e.id"));
    ch_filter_write(&filter, &s.query);
    ch_order_write(&order, &s.query);
    ch_select_page(&s.query, s.most + 1, s.offset);
    int status = ch_db_read(call->track->pool, search_in, &s, &call->error);
    ch_select_reset(&s.query);
    CH_DB(call, status);
    return 0;
}

/* --- change ---- */

static int rename_in(ch_db *db, void *arg, ch_error *err)
{
    ch_call *call = arg;
    const char *name = ch_call_string(call, "new_name");
    ch_experiment e;
    int64_t id;
    bool taken;
    CH_TRY(ch_read_experiment_id(call, ch_call_string(call, "experiment_id"), &id));
    CH_TRY(find(call, db, id, ALL, &e, err));
    if (e.deleted) return ch_call_fail(call, INVALID_STATE, "Cannot rename a non-active experiment.");
    CH_TRY(is_name_taken(db, name, id, &taken, err));
    if (taken) {
        return ch_call_fail(call, BAD_REQUEST,
                            "(sqlite3.IntegrityError) UNIQUE constraint failed: experiments.name: '%s'", name);
    }
    ch_db_sql(db, "UPDATE experiments SET name = ?2, updated = ?3 WHERE id = ?1");
    ch_db_int(db, 1, id);
    ch_db_text(db, 2, name);
    ch_db_int(db, 3, ch_clock_ms());
    return ch_db_run(db, err);
}

static int update(ch_call *call)
{
    CH_TRY(ch_check_length(call, "name", CH_EXPERIMENT_NAME_MAX, ch_call_string(call, "new_name")));
    return ch_call_write(call, rename_in);
}

/* Deletes softly or restores, the runs with it. */
static int set_deleted(ch_call *call, ch_db *db, bool deleted, ch_error *err)
{
    ch_experiment e;
    int64_t id, now = ch_clock_ms();
    CH_TRY(ch_read_experiment_id(call, ch_call_string(call, "experiment_id"), &id));
    CH_TRY(find(call, db, id, deleted ? ACTIVE : DELETED, &e, err));
    ch_db_sql(db, "UPDATE experiments SET deleted = ?2, updated = ?3 WHERE id = ?1");
    ch_db_int(db, 1, id);
    ch_db_int(db, 2, deleted);
    ch_db_int(db, 3, now);
    CH_TRY(ch_db_run(db, err));
    ch_db_sql(db, "UPDATE runs SET deleted = ?2, deleted_time = ?3 WHERE experiment = ?1 AND deleted <> ?2");
    ch_db_int(db, 1, id);
    ch_db_int(db, 2, deleted);
    if (deleted)
        ch_db_int(db, 3, now);
    else
        ch_db_null(db, 3);
    return ch_db_run(db, err);
}

static int delete_in(ch_db *db, void *arg, ch_error *err)
{
    return set_deleted(arg, db, true, err);
}

static int delete_softly(ch_call *call)
{
    return ch_call_write(call, delete_in);
}

static int restore_in(ch_db *db, void *arg, ch_error *err)
{
    return set_deleted(arg, db, false, err);
}

static int restore(ch_call *call)
{
    return ch_call_write(call, restore_in);
}

/* --- tags ---- */

static int set_tag_in(ch_db *db, void *arg, ch_error *err)
{
    ch_call *call = arg;
    ch_experiment e;
    int64_t id;
    CH_TRY(ch_read_experiment_id(call, ch_call_string(call, "experiment_id"), &id));
    CH_TRY(find_active(call, db, id, &e, err));
    return put_tag(db, id, ch_call_string(call, "key"), ch_call_string(call, "value"), err);
}

static int set_tag(ch_call *call)
{
    CH_TRY(ch_check_experiment_tag(call, ch_call_string(call, "key"), ch_call_string(call, "value")));
    return ch_call_write(call, set_tag_in);
}

static int delete_tag_in(ch_db *db, void *arg, ch_error *err)
{
    ch_call *call = arg;
    const char *key = ch_call_string(call, "key");
    ch_experiment e;
    int64_t id;
    CH_TRY(ch_read_experiment_id(call, ch_call_string(call, "experiment_id"), &id));
    CH_TRY(find_active(call, db, id, &e, err));
    ch_db_sql(db, "DELETE FROM experiment_tags WHERE experiment = ?1 AND key = ?2");
    ch_db_int(db, 1, id);
    ch_db_text(db, 2, key);
    CH_TRY(ch_db_run(db, err));
    if (ch_db_changes(db) > 0) return 0;
    return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "No tag with name: %s in experiment with id %lld", key,
                        (long long)id);
}

static int delete_tag(ch_call *call)
{
    return ch_call_write(call, delete_tag_in);
}

/* --- routes ---- */

#define ID                                                                                                             \
    {                                                                                                                  \
        "experiment_id", CH_P_STRING, true                                                                             \
    }
#define SEARCH_PARAMS                                                                                                  \
    {                                                                                                                  \
        {"max_results", CH_P_INT, false}, {"order_by", CH_P_LIST, false}, {"filter", CH_P_STRING, false},              \
        {                                                                                                              \
            "page_token", CH_P_STRING, false                                                                           \
        }                                                                                                              \
    }

static const ch_track_route ROUTES[] = {
    {.method = "POST",
     .path = "experiments/create",
     .handler = create,
     .params = {{"name", CH_P_STRING, true}, {"artifact_location", CH_P_STRING, false}, {"tags", CH_P_LIST, false}}},
    {.method = "GET",
     .path = "experiments/get",
     .handler = get,
     .params = {ID},
     .needs = CH_READ,
     .on = CH_ON_EXPERIMENT,
     .key = "experiment_id"},
    {.method = "GET",
     .path = "experiments/get-by-name",
     .handler = get_by_name,
     .params = {{"experiment_name", CH_P_STRING, true}},
     .needs = CH_READ,
     .on = CH_ON_EXPERIMENT_NAME,
     .key = "experiment_name"},
    {.method = "POST", .path = "experiments/search", .handler = search, .params = SEARCH_PARAMS},
    {.method = "GET", .path = "experiments/search", .handler = search, .params = SEARCH_PARAMS},
    {.method = "POST",
     .path = "experiments/update",
     .handler = update,
     .params = {ID, {"new_name", CH_P_STRING, true}},
     .needs = CH_EDIT,
     .on = CH_ON_EXPERIMENT,
     .key = "experiment_id"},
    {.method = "POST",
     .path = "experiments/delete",
     .handler = delete_softly,
     .params = {ID},
     .needs = CH_MANAGE,
     .on = CH_ON_EXPERIMENT,
     .key = "experiment_id"},
    {.method = "POST",
     .path = "experiments/restore",
     .handler = restore,
     .params = {ID},
     .needs = CH_MANAGE,
     .on = CH_ON_EXPERIMENT,
     .key = "experiment_id"},
    {.method = "POST",
     .path = "experiments/set-experiment-tag",
     .handler = set_tag,
     .params = {ID, {"key", CH_P_STRING, true}, {"value", CH_P_STRING, false}},
     .needs = CH_EDIT,
     .on = CH_ON_EXPERIMENT,
     .key = "experiment_id"},
    {.method = "POST",
     .path = "experiments/delete-experiment-tag",
     .handler = delete_tag,
     .params = {ID, {"key", CH_P_STRING, true}},
     .needs = CH_EDIT,
     .on = CH_ON_EXPERIMENT,
     .key = "experiment_id"},
};

const ch_track_table ch_experiment_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
