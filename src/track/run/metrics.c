/* metrics.c: /metrics/...: the history of metrics, whole, in pages, of many runs, and sampled for charts. */
#include "track/run/run_data.h"
#include "track/validate.h"

#include <stdlib.h>
#include <string.h>

enum {
    BULK_RUNS_MOST = 100,
    BULK_RESULTS_MOST = 25000,
    SAMPLE_MOST = 2500 /* points of a run in a chart */
};

typedef struct point {
    double value;
    bool is_nan;
    int64_t timestamp, step;
} point;

static void write_point(ch_json *json, const char *key, const point *p, const char *run_id)
{
    ch_json_begin(json, '{');
    ch_json_member(json, "key", key);
    if (p->is_nan)
        ch_json_member(json, "value", "NaN");
    else
        ch_json_member_double(json, "value", p->value);
    ch_json_member_int(json, "timestamp", p->timestamp);
    ch_json_member_int(json, "step", p->step);
    ch_json_member(json, "run_id", run_id);
    ch_json_end(json, '}');
}

static point read_point(const ch_db *db)
{
    return (point){.timestamp = ch_db_get_int(db, 0),
                   .step = ch_db_get_int(db, 1),
                   .value = ch_db_get_double(db, 2),
                   .is_nan = ch_db_get_int(db, 3) != 0};
}

/* The number of a run; 0 when there is none, for which histories are empty. */
static int find_run(ch_db *db, const char *run_id, int64_t *run, ch_error *err)
{
    bool more;
    ch_db_sql(db, "SELECT id FROM runs WHERE run_id = ?1");
    ch_db_text(db, 1, run_id);
    CH_TRY(ch_db_next(db, &more, err));
    *run = more ? ch_db_get_int(db, 0) : 0;
    return 0;
}

/* Begins reading a history; the rows are as read_point wants them. */
static void start_history(ch_db *db, int64_t run, const char *key, int64_t most, int64_t offset)
{
    ch_db_sql(db, "SELECT timestamp, step, value, is_nan FROM metrics WHERE run = ?1 AND key = ?2 "
                  "ORDER BY timestamp, step, value LIMIT ?3 OFFSET ?4");
    ch_db_int(db, 1, run);
    ch_db_text(db, 2, key);
    ch_db_int(db, 3, most);
    ch_db_int(db, 4, offset);
}

/* --- one history ---- */

typedef struct page {
    ch_call *call;
    int64_t most, offset;
} page;

static int get_history_in(ch_db *db, void *arg, ch_error *err)
{
    page *p = arg;
    ch_json *out = &p->call->out;
    const char *key = ch_call_string(p->call, "metric_key");
    int64_t run, n = 0;
    bool more;
    CH_TRY(find_run(db, ch_call_string(p->call, "run_id"), &run, err));
    start_history(db, run, key, p->most < INT64_MAX ? p->most + 1 : p->most, p->offset);
    for (;; n++) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more || n == p->most) break;
        if (n == 0) {
            ch_json_key(out, "metrics");
            ch_json_begin(out, '[');
        }
        point at = read_point(db);
        write_point(out, key, &at, NULL);
    }
    if (n > 0) ch_json_end(out, ']');
    if (more) ch_page_token_write(p->call, p->offset + p->most);
    return 0;
}

static int get_history(ch_call *call)
{
    page p = {.call = call, .most = INT64_MAX};
    if (ch_call_has(call, "max_results")) {
        p.most = ch_call_int(call, "max_results", 0);
        if (p.most <= 0) {
            return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                                "Invalid value %lld for parameter 'max_results' supplied. It must be a positive "
                                "integer.",
                                (long long)p.most);
        }
    }
    CH_TRY(ch_page_token_read(call, ch_call_string(call, "page_token"), &p.offset));
    CH_DB(call, ch_db_read(call->track->pool, get_history_in, &p, &call->error));
    return 0;
}

/* --- the histories of many runs ---- */

typedef struct bulk {
    ch_call *call;
    const char **run_ids; /* sorted */
    size_t nrun;
    int64_t most, start_step, end_step;
    bool has_steps;
} bulk;

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void read_run_ids(bulk *b, const char *name)
{
    json_t *list = ch_call_list(b->call, name), *item;
    size_t i;
    b->run_ids = CH_NEW_ARRAY(b->call->arena, const char *, json_array_size(list));
    json_array_foreach(list, i, item)
    {
        if (json_is_string(item)) b->run_ids[b->nrun++] = json_string_value(item);
    }
}

static int get_bulk_in(ch_db *db, void *arg, ch_error *err)
{
    bulk *b = arg;
    ch_json *out = &b->call->out;
    const char *key = ch_call_string(b->call, "metric_key");
    int64_t left = b->most;
    ch_json_key(out, "metrics");
    ch_json_begin(out, '[');
    for (size_t i = 0; i < b->nrun && left > 0; i++) {
        int64_t run;
        CH_TRY(find_run(db, b->run_ids[i], &run, err));
        start_history(db, run, key, left, 0);
        for (bool more;; left--) {
            CH_TRY(ch_db_next(db, &more, err));
            if (!more) break;
            point at = read_point(db);
            write_point(out, key, &at, b->run_ids[i]);
        }
    }
    ch_json_end(out, ']');
    return 0;
}

static int get_history_bulk(ch_call *call)
{
    bulk b = {.call = call};
    read_run_ids(&b, "run_id");
    qsort(b.run_ids, b.nrun, sizeof *b.run_ids, by_text);
    if (b.nrun == 0) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "GetMetricHistoryBulk request must specify at least one run_id.");
    }
    if (b.nrun > BULK_RUNS_MOST) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "GetMetricHistoryBulk request cannot specify more than %d run_ids. Received %zu run_ids.",
                            BULK_RUNS_MOST, b.nrun);
    }
    if (!ch_call_has(call, "metric_key")) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "GetMetricHistoryBulk request must specify a metric_key.");
    }
    b.most = ch_call_int(call, "max_results", BULK_RESULTS_MOST);
    if (b.most > BULK_RESULTS_MOST) b.most = BULK_RESULTS_MOST;
    CH_DB(call, ch_db_read(call->track->pool, get_bulk_in, &b, &call->error));
    return 0;
}

/* --- samples ---- */

/* All points of a run within the steps, by step. */
static int read_by_step(ch_db *db, bulk *b, int64_t run, point **out, size_t *count, ch_error *err)
{
    size_t room = 512;
    *count = 0;
    *out = malloc(room * sizeof **out);
    ch_db_sql(db, "SELECT timestamp, step, value, is_nan FROM metrics WHERE run = ?1 AND key = ?2 AND step >= ?3 "
                  "AND step <= ?4 ORDER BY step, timestamp, value, is_nan");
    ch_db_int(db, 1, run);
    ch_db_text(db, 2, ch_call_string(b->call, "metric_key"));
    ch_db_int(db, 3, b->has_steps ? b->start_step : INT64_MIN);
    ch_db_int(db, 4, b->has_steps ? b->end_step : INT64_MAX);
    for (bool more; *out;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) return 0;
        if (*count == room) {
            point *grown = realloc(*out, 2 * room * sizeof **out);
            if (!grown) break;
            *out = grown;
            room *= 2;
        }
        (*out)[(*count)++] = read_point(db);
    }
    return ch_no_memory(err);
}

/* Writes the first point of each of `most` buckets of equal size, as SQL's NTILE deals them, and the last point of all:
 * in the place of the last bucket's when there are `most` already. */
static void write_sample(bulk *b, const char *run_id, const point *points, size_t count)
{
    const char *key = ch_call_string(b->call, "metric_key");
    size_t most = (size_t)b->most, buckets = count < most ? count : most, at = 0;
    for (size_t i = 0; i < buckets; i++) {
        size_t size = count / buckets + (i < count % buckets);
        bool is_last = i + 1 == buckets;
        write_point(&b->call->out, key, &points[is_last ? count - 1 : at], run_id);
        at += size;
    }
}

static int get_sample_in(ch_db *db, void *arg, ch_error *err)
{
    bulk *b = arg;
    ch_json *out = &b->call->out;
    size_t begun = out->out->len;
    bool comma = out->comma;
    ch_json_key(out, "metrics");
    ch_json_begin(out, '[');
    size_t empty = out->out->len;
    for (size_t i = 0; i < b->nrun; i++) {
        int64_t run;
        point *points = NULL;
        size_t count;
        CH_TRY(find_run(db, b->run_ids[i], &run, err));
        int status = read_by_step(db, b, run, &points, &count, err);
        if (!status) write_sample(b, b->run_ids[i], points, count);
        free(points);
        CH_TRY(status);
    }
    if (out->out->len == empty) { /* nothing: no member at all */
        out->out->len = begun;
        out->out->data[begun] = '\0';
        out->comma = comma;
        return 0;
    }
    ch_json_end(out, ']');
    return 0;
}

static int read_steps(bulk *b)
{
    ch_call *call = b->call;
    bool has_start = ch_call_has(call, "start_step");
    b->has_steps = ch_call_has(call, "end_step");
    if (has_start != b->has_steps) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "If either start step or end step are specified, both must be specified.");
    }
    b->start_step = ch_call_int(call, "start_step", 0);
    b->end_step = ch_call_int(call, "end_step", 0);
    if (!b->has_steps || b->start_step <= b->end_step) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "end_step must be greater than start_step. Found start_step=%lld and end_step=%lld.",
                        (long long)b->start_step, (long long)b->end_step);
}

static int get_history_sample(ch_call *call)
{
    static const char MORE[] = "See the API docs for more information about request parameters.";
    bulk b = {.call = call};
    read_run_ids(&b, "run_ids");
    if (b.nrun > BULK_RUNS_MOST) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "GetMetricHistoryBulkInterval request must specify at most %d run_ids. Received %zu "
                            "run_ids. %s",
                            BULK_RUNS_MOST, b.nrun, MORE);
    }
    b.most = ch_call_int(call, "max_results", SAMPLE_MOST);
    if (b.most < 1 || b.most > SAMPLE_MOST) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "max_results must be between 1 and %d. %s", SAMPLE_MOST,
                            MORE);
    }
    CH_TRY(read_steps(&b));
    CH_DB(call, ch_db_read(call->track->pool, get_sample_in, &b, &call->error));
    return 0;
}

/* --- routes ---- */

static const ch_track_route ROUTES[] = {
    {.method = "GET",
     .path = "metrics/get-history",
     .handler = get_history,
     .params = {{"run_id", CH_P_STRING, true},
                {"metric_key", CH_P_STRING, true},
                {"max_results", CH_P_INT, false},
                {"page_token", CH_P_STRING, false}},
     .needs = CH_READ,
     .on = CH_ON_RUN,
     .key = "run_id"},
    {.method = "GET",
     .path = "metrics/get-history-bulk",
     .handler = get_history_bulk,
     .params = {{"run_id", CH_P_LIST, false}, {"metric_key", CH_P_STRING, false}, {"max_results", CH_P_INT, false}},
     .needs = CH_READ,
     .on = CH_ON_RUN,
     .key = "run_id"},
    {.method = "GET",
     .path = "metrics/get-history-bulk-interval",
     .handler = get_history_sample,
     .params = {{"run_ids", CH_P_LIST, true},
                {"metric_key", CH_P_STRING, true},
                {"start_step", CH_P_INT, false},
                {"end_step", CH_P_INT, false},
                {"max_results", CH_P_INT, false}},
     .needs = CH_READ,
     .on = CH_ON_RUN,
     .key = "run_ids"},
};

const ch_track_table ch_metric_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
