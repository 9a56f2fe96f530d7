/* ui_api.c: what the pages ask of the tracking server beyond MLflow's API, below /api/chert/v1/. */
#include "track/gc.h"
#include "track/run/experiment_data.h"
#include "track/run/run_table.h"
#include "track/validate.h"

#include <string.h>

/* --- experiments ---- */

typedef struct counted {
    ch_experiment experiment;
    ch_experiment_counts counts;
} counted;

/* Every experiment with the counts of its runs, read off the index alone. */
static int list_experiments_in(ch_db *db, void *arg, ch_error *err)
{
    ch_call *call = arg;
    size_t n = 0, room = 64;
    counted *list = CH_NEW_ARRAY(call->arena, counted, room);
    const char *visible = ch_auth_visible_experiments(call, "e.id");
    ch_db_sql_once(db,
                   ch_arena_printf(call->arena,
                                   "SELECT " CH_EXPERIMENT_COLUMNS ", "
                                   "(SELECT count(*) FROM runs r WHERE r.experiment = e.id AND r.deleted = 0), "
                                   "(SELECT count(*) FROM runs r WHERE r.experiment = e.id AND r.deleted = 1), "
                                   "(SELECT max(r.start_time) FROM runs r WHERE r.experiment = e.id AND r.deleted = 0) "
                                   "FROM experiments e WHERE 1 = 1%s ORDER BY e.created DESC, e.id",
                                   visible));
    for (bool more;;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) break;
        if (n == room) {
            list = ch_arena_grow(call->arena, list, sizeof *list, room, 2 * room);
            room *= 2;
        }
        ch_experiment_read(db, call->arena, &list[n].experiment);
        list[n++].counts = (ch_experiment_counts){ch_db_get_int(db, 6), ch_db_get_int(db, 7), ch_db_get_int(db, 8)};
    }
    ch_json_key(&call->out, "experiments");
    ch_json_begin(&call->out, '[');
    for (size_t i = 0; i < n; i++) {
        CH_TRY(ch_experiment_write(db, &call->out, &list[i].experiment, &list[i].counts, err));
    }
    ch_json_end(&call->out, ']');
    return 0;
}

static int list_experiments(ch_call *call)
{
    CH_DB(call, ch_db_read(call->track->pool, list_experiments_in, call, &call->error));
    return 0;
}

/* --- gc ---- */

/* The runs and experiments that are named; everything that is deleted when none is. */
static int gc(ch_call *call)
{
    json_t *runs = ch_call_list(call, "run_ids"), *experiments = ch_call_list(call, "experiment_ids"), *item;
    const char **run_ids = CH_NEW_ARRAY(call->arena, const char *, json_array_size(runs));
    int64_t *ids = CH_NEW_ARRAY(call->arena, int64_t, json_array_size(experiments));
    ch_gc_request request = {.run_ids = run_ids,
                             .experiments = ids,
                             .everything = !runs && !experiments,
                             .dry_run = ch_call_bool(call, "dry_run")};
    ch_gc_result result;
    size_t i;
    json_array_foreach(runs, i, item) run_ids[request.nrun++] = ch_or_empty(json_string_value(item));
    json_array_foreach(experiments, i, item)
    {
        CH_TRY(ch_read_experiment_id(call, ch_or_empty(json_string_value(item)), &ids[request.nexperiment++]));
    }
    int status = ch_track_gc(call->track, call->arena, &request, &result, &call->error);
    if (status == CH_E_NOT_FOUND) return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "%s", call->error.message);
    CH_DB(call, status);
    ch_json_member_int(&call->out, "runs", result.runs);
    ch_json_member_int(&call->out, "experiments", result.experiments);
    ch_json_member_int(&call->out, "logged_models", result.models);
    ch_json_key(&call->out, "model_versions");
    ch_json_begin(&call->out, '[');
    for (size_t v = 0; v < result.nversion; v++) ch_json_string(&call->out, result.versions[v]);
    ch_json_end(&call->out, ']');
    return 0;
}

/* --- routes ---- */

static const char *const PREFIXES[] = {"/api/chert/v1/", NULL};

static const ch_track_route ROUTES[] = {
    {.method = "GET", .path = "experiments", .handler = list_experiments},
    {.method = "POST",
     .path = "runs/table",
     .handler = ch_run_table,
     .params = {{"experiment_ids", CH_P_LIST, true},
                {"filter", CH_P_STRING, false},
                {"order_by", CH_P_LIST, false},
                {"offset", CH_P_INT, false},
                {"limit", CH_P_INT, false},
                {"columns", CH_P_OBJECT, false}},
     .needs = CH_READ,
     .on = CH_ON_EXPERIMENT,
     .key = "experiment_ids"},
    {.method = "POST",
     .path = "gc",
     .handler = gc,
     .params = {{"run_ids", CH_P_LIST, false}, {"experiment_ids", CH_P_LIST, false}, {"dry_run", CH_P_BOOL, false}},
     .needs = CH_MANAGE,
     .on = CH_ON_ADMIN},
};

const ch_track_table ch_ui_routes = {PREFIXES, ROUTES, sizeof ROUTES / sizeof *ROUTES};
