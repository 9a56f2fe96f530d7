/* What clients send to the tracking server: filters and order_by clauses, which are run on a store, and bodies of JSON
 * for every handler of experiments, runs, metrics and tables. The first byte chooses which;
 * 255 is for the quick reader of batches; a run named "r" is there.
 */
#include "track/routes.h"
#include "track/run/batch_reader.h"
#include "track/search/filter.h"
#include "track/search/run_search.h"
#include "track/store/schema.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RUNS_BETWEEN_RESETS = 2000 };

static ch_track track;

static int fill(ch_db *db, void *arg, ch_error *err)
{
    (void)arg;
    ch_buf script = {0};
    ch_schema_reset_script(CH_SQLITE, &script);
    ch_buf_str(&script, "INSERT INTO runs(run_id, experiment, name, status, start_time, artifact_uri)"
                        " VALUES ('r', 0, 'n', 'RUNNING', 5, 'mlflow-artifacts:/0/r/artifacts');"
                        "INSERT INTO params VALUES (1, 'p', 'v'); INSERT INTO tags VALUES (1, 't', 'v');"
                        "INSERT INTO latest_metrics VALUES (1, 'm', 0.5, 1, 1, 0);");
    int status = ch_db_script(db, script.data, err);
    ch_buf_reset(&script);
    return status;
}

static char folder[] = "/tmp/chert-fuzz-XXXXXX";

static void clean_up(void)
{
    char command[sizeof folder + 16];
    ch_db_close(track.pool);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command)) abort();
}

/* A store of this process in a temporary folder. */
static void prepare(void)
{
    static int runs;
    ch_error err;
    if (!track.pool) {
        char path[sizeof folder + 16];
        if (!mkdtemp(folder)) abort();
        atexit(clean_up);
        snprintf(path, sizeof path, "%s/store.db", folder);
        track.artifacts = folder;
        if (ch_db_open(path, 1, &track.pool, &err)) abort();
    }
    if (runs++ % RUNS_BETWEEN_RESETS == 0 && ch_db_write(track.pool, fill, NULL, &err)) abort();
}

typedef struct search {
    ch_call *call;
    ch_select query;
} search;

static int run_query(ch_db *db, void *arg, ch_error *err)
{
    const search *s = arg;
    ch_run *runs;
    size_t count;
    ch_select_start(&s->query, db);
    return ch_runs_collect(db, s->call->arena, &runs, &count, err);
}

/* Whatever was taken for a filter must be good SQL. */
static void search_runs(ch_call *call, const char *filter, const char *order)
{
    ch_run_search what = {.experiments = &(int64_t){0}, .nexperiment = 1};
    json_t *orders = json_pack("[s]", order);
    search s = {.call = call};
    if (orders && ch_filter_parse(call, &ch_run_rules, filter, &what.filter) == 0 &&
        ch_order_parse(call, &ch_run_rules, orders, &what.order) == 0) {
        ch_select_init(&s.query, call->arena, CH_SQLITE);
        ch_run_search_write(&what, &s.query, 10, 0);
        if (ch_db_read(track.pool, run_query, &s, &call->error)) {
            fprintf(stderr, "%s\n%s\n", call->error.message, ch_buf_text(&s.query.text));
            abort();
        }
        ch_select_reset(&s.query);
    }
    json_decref(orders);
}

static const ch_track_table *const TABLES[] = {
    &ch_experiment_routes, &ch_run_routes,        &ch_batch_routes, &ch_input_routes,
    &ch_metric_routes,     &ch_run_search_routes, &ch_ui_routes,
};

static void call_handler(ch_call *call, unsigned which, const char *text, size_t len)
{
    for (size_t t = 0; t < sizeof TABLES / sizeof *TABLES; t++) {
        if (which >= TABLES[t]->nroute) {
            which -= (unsigned)TABLES[t]->nroute;
            continue;
        }
        call->args = json_loadb(text, len, 0, NULL);
        if (json_is_object(call->args) && ch_call_run(call, &TABLES[t]->routes[which]) == 0) {
            ch_json_end(&call->out, '}');
            json_t *reply = json_loadb(call->out.out->data, call->out.out->len, 0, NULL);
            if (!reply) abort();
            json_decref(reply);
        }
        assert(call->code != CH_MLFLOW_INTERNAL_ERROR);
        json_decref(call->args);
        return;
    }
}

/* What the quick reader of batches takes is JSON that says the same. */
static void read_batch(ch_arena *arena, const char *text, size_t len)
{
    ch_batch batch;
    if (!ch_batch_read(arena, text, len, &batch)) return;
    json_t *tree = json_loadb(text, len, 0, NULL);
    json_t *metrics = json_object_get(tree, "metrics"), *metric;
    size_t i;
    if (!tree || strcmp(json_string_value(json_object_get(tree, "run_id")), batch.run_id) != 0 ||
        json_array_size(metrics) != batch.npoint || json_array_size(json_object_get(tree, "params")) != batch.nparam ||
        json_array_size(json_object_get(tree, "tags")) != batch.ntag) {
        abort();
    }
    json_array_foreach(metrics, i, metric)
    {
        const ch_point *point = &batch.points[i];
        json_t *value = json_object_get(metric, "value");
        bool same = ch_item_int(metric, "timestamp", 0) == point->timestamp &&
                    ch_item_int(metric, "step", 0) == point->step &&
                    strcmp(ch_item_string(metric, "key"), point->key) == 0 &&
                    (!json_is_number(value) || json_number_value(value) == point->value);
        if (!same) abort();
    }
    json_decref(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 4000) return 0;
    prepare();
    ch_buf out = {0};
    ch_call call = {.track = &track, .arena = ch_arena_new(), .out = {.out = &out}};
    char *text = ch_arena_strndup(call.arena, (const char *)data + 1, size - 1);
    if (data[0] < 64) {
        char *order = strchr(text, '\n');
        if (order) *order++ = '\0';
        search_runs(&call, text, order ? order : "start_time");
    } else if (data[0] == 255) {
        read_batch(call.arena, text, size - 1);
    } else {
        call_handler(&call, data[0] - 64u, text, size - 1);
    }
    ch_buf_reset(&out);
    ch_buf_reset(&call.message);
    ch_arena_free(call.arena);
    return 0;
}
