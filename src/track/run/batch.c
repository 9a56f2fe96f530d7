/* batch.c: runs/log-metric and runs/log-batch: the calls that training programs make most. */
#include "track/run/batch_reader.h"
#include "track/validate.h"

#include <stdlib.h>
#include <string.h>

enum { METRICS_MOST = 1000, PARAMS_MOST = 100, TAGS_MOST = 100, ENTITIES_MOST = 1000 };

/* --- metrics ---- */

/* A point as MLflow's Metric is checked; `path` is what stands before ".name" in messages: "" or "metrics[3]". */
static int check_point(ch_call *call, const ch_point *point, const char *path)
{
    const char *dot = *path ? "." : "";
    CH_TRY(ch_check_key(call, ch_arena_printf(call->arena, "%s%sname", path, dot), ch_or_empty(point->key)));
    if (point->timestamp < 0) {
        ch_buf value = {0};
        ch_buf_java_double(&value, point->value);
        int status = ch_call_fail(call, INVALID_PARAMETER_VALUE,
                                  "Invalid value %lld for parameter '%s%stimestamp' supplied: metric '%s' (value=%s). "
                                  "Timestamp must be a nonnegative long (64-bit integer) ",
                                  (long long)point->timestamp, path, dot, point->key, value.data);
        ch_buf_reset(&value);
        return status;
    }
    return ch_check_length(call, "Metric name", CH_KEY_MAX, point->key);
}

/* Whether check_point would find nothing, told cheaply for what most points are. */
static bool is_plain_point(const ch_point *point)
{
    return point->timestamp >= 0 && point->key && ch_is_plain_name(point->key) && strlen(point->key) <= CH_KEY_MAX;
}

static const char *non_empty(const char *text)
{
    return text && *text ? text : NULL;
}

/* --- log-metric ---- */

typedef struct logging {
    ch_call *call;
    ch_batch batch;
} logging;

static int log_metric_in(ch_db *db, void *arg, ch_error *err)
{
    logging *l = arg;
    ch_run run;
    CH_TRY(ch_run_find_active(l->call, db, ch_call_string(l->call, "run_id"), &run, err));
    return ch_run_log_metrics(db, &run, l->batch.points, l->batch.npoint, err);
}

static int log_metric(ch_call *call)
{
    ch_point point = {
        .key = ch_call_string(call, "key"),
        .timestamp = ch_call_int(call, "timestamp", 0),
        .step = ch_call_int(call, "step", 0),
        .model_id = non_empty(ch_call_string(call, "model_id")),
        .dataset_name = non_empty(ch_call_string(call, "dataset_name")),
        .dataset_digest = non_empty(ch_call_string(call, "dataset_digest")),
    };
    ch_point_set_value(&point, ch_call_double(call, "value", 0));
    CH_TRY(check_point(call, &point, ""));
    logging l = {.call = call, .batch = {.points = &point, .npoint = 1}};
    CH_DB(call, ch_db_write(call->track->pool, log_metric_in, &l, &call->error));
    return 0;
}

/* --- log-batch ---- */

/* That a member of every item is there: "Missing value for required parameter 'metrics[0].key'". */
static int check_present(ch_call *call, const char *list, const char *const *members)
{
    size_t i;
    json_t *item;
    json_array_foreach(ch_call_list(call, list), i, item)
    {
        for (const char *const *member = members; *member; member++) {
            const json_t *value = json_object_get(item, *member);
            bool empty = !value || json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0);
            if (empty) return ch_call_missing(call, ch_arena_printf(call->arena, "%s[%zu].%s", list, i, *member));
        }
    }
    return 0;
}

static int read_point(ch_call *call, json_t *item, size_t i, ch_point *point)
{
    *point = (ch_point){.key = ch_item_string(item, "key")};
    for (int m = 0; m < 3; m++) {
        static const char *const MEMBERS[] = {"value", "timestamp", "step"};
        const json_t *number = json_object_get(item, MEMBERS[m]);
        if (!number || json_is_number(number) || ch_item_is_number(item, MEMBERS[m])) continue;
        return ch_call_invalid(call, ch_arena_printf(call->arena, "metrics[%zu].%s", i, MEMBERS[m]), number);
    }
    ch_point_set_value(point, ch_item_double(item, "value", 0));
    point->timestamp = ch_item_int(item, "timestamp", 0);
    point->step = ch_item_int(item, "step", 0);
    if (json_object_size(item) > 4) {
        point->model_id = non_empty(ch_item_string(item, "model_id"));
        point->dataset_name = non_empty(ch_item_string(item, "dataset_name"));
        point->dataset_digest = non_empty(ch_item_string(item, "dataset_digest"));
    }
    return 0;
}

static int read_points(ch_call *call, ch_batch *batch)
{
    json_t *list = ch_call_list(call, "metrics"), *item;
    size_t i;
    batch->points = CH_NEW_ARRAY(call->arena, ch_point, json_array_size(list));
    json_array_foreach(list, i, item) CH_TRY(read_point(call, item, i, &batch->points[i]));
    batch->npoint = json_array_size(list);
    return 0;
}

static void read_pairs(ch_call *call, const char *name, ch_key_value **out, size_t *count)
{
    json_t *list = ch_call_list(call, name), *item;
    size_t i;
    *count = json_array_size(list);
    *out = CH_NEW_ARRAY(call->arena, ch_key_value, *count);
    json_array_foreach(list, i, item)
    {
        (*out)[i] = (ch_key_value){ch_item_string(item, "key"), ch_or_empty(ch_item_string(item, "value"))};
    }
}

/* The tree of a body that ch_batch_read would not read, into a batch. */
static int read_batch(ch_call *call, ch_batch *batch)
{
    CH_TRY(check_present(call, "metrics", (const char *const[]){"key", "value", "timestamp", NULL}));
    CH_TRY(check_present(call, "params", (const char *const[]){"key", NULL}));
    CH_TRY(check_present(call, "tags", (const char *const[]){"key", NULL}));
    batch->run_id = ch_call_string(call, "run_id");
    CH_TRY(ch_check_run_id(call, batch->run_id));
    CH_TRY(read_points(call, batch));
    read_pairs(call, "params", &batch->params, &batch->nparam);
    read_pairs(call, "tags", &batch->tags, &batch->ntag);
    return 0;
}

/* --- checks of a batch ---- */

static int check_points(ch_call *call, const ch_batch *batch)
{
    for (size_t i = 0; i < batch->npoint; i++) {
        if (is_plain_point(&batch->points[i])) continue;
        CH_TRY(check_point(call, &batch->points[i], ch_arena_printf(call->arena, "metrics[%zu]", i)));
    }
    return 0;
}

/* Params or tags: names checked, values cut to their greatest length. `key_name`: the key in messages about length. */
static int check_pairs(ch_call *call, const char *name, const char *key_name, size_t most, ch_key_value *pairs,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *path = ch_arena_printf(call->arena, "%s[%zu].key", name, i);
        CH_TRY(ch_check_name(call, pairs[i].key, path));
        CH_TRY(ch_check_length(call, key_name ? key_name : path, CH_KEY_MAX, pairs[i].key));
        pairs[i].value = ch_shorten(call->arena, pairs[i].value, most);
    }
    return 0;
}

static int check_count(ch_call *call, const char *what, size_t most, size_t count)
{
    if (count <= most) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "A batch logging request can contain at most %zu %s. Got %zu %s. Please split up %s across "
                        "multiple requests and try again.",
                        most, what, count, what, what);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const ch_key_value *)a)->key, ((const ch_key_value *)b)->key);
}

static int check_params_differ(ch_call *call, const ch_batch *batch)
{
    ch_key_value *sorted = ch_arena_dup(call->arena, batch->params, batch->nparam * sizeof *batch->params);
    ch_buf twice = {0};
    qsort(sorted, batch->nparam, sizeof *sorted, by_key);
    for (size_t i = 1; i < batch->nparam; i++) {
        if (strcmp(sorted[i - 1].key, sorted[i].key) != 0) continue;
        ch_buf_printf(&twice, "%s'%s'", twice.len ? ", " : "", sorted[i].key);
    }
    int status = 0;
    if (twice.len > 0) {
        status = ch_call_fail(call, INVALID_PARAMETER_VALUE,
                              "Duplicate parameter keys have been submitted: [%s]. Please ensure the request contains "
                              "only one param value per param key.",
                              twice.data);
    }
    ch_buf_reset(&twice);
    return status;
}

static int check_batch(ch_call *call, ch_batch *batch)
{
    CH_TRY(ch_check_run_id(call, batch->run_id));
    CH_TRY(check_points(call, batch));
    CH_TRY(check_pairs(call, "params", "Param key", CH_PARAM_MAX, batch->params, batch->nparam));
    CH_TRY(check_pairs(call, "tags", NULL, CH_TAG_MAX, batch->tags, batch->ntag));
    CH_TRY(check_count(call, "metrics", METRICS_MOST, batch->npoint));
    CH_TRY(check_count(call, "params", PARAMS_MOST, batch->nparam));
    CH_TRY(check_count(call, "tags", TAGS_MOST, batch->ntag));
    CH_TRY(check_count(call, "metrics, params, and tags", ENTITIES_MOST, batch->npoint + batch->nparam + batch->ntag));
    return check_params_differ(call, batch);
}

static int log_batch_in(ch_db *db, void *arg, ch_error *err)
{
    logging *l = arg;
    const ch_batch *batch = &l->batch;
    ch_run run;
    CH_TRY(ch_run_find_active(l->call, db, batch->run_id, &run, err));
    CH_TRY(ch_run_log_params(l->call, db, &run, batch->params, batch->nparam, false, err));
    CH_TRY(ch_run_log_metrics(db, &run, batch->points, batch->npoint, err));
    for (size_t i = 0; i < batch->ntag; i++) {
        CH_TRY(ch_run_set_tag(db, &run, batch->tags[i].key, batch->tags[i].value, err));
    }
    return 0;
}

static bool read_plain_batch(ch_call *call, const char *body, size_t len)
{
    ch_batch batch;
    if (!ch_batch_read(call->arena, body, len, &batch)) return false;
    call->parsed = ch_arena_dup(call->arena, &batch, sizeof batch);
    call->args = json_pack("{s:s}", "run_id", batch.run_id);
    return true;
}

static int log_batch(ch_call *call)
{
    logging l = {.call = call};
    if (call->parsed)
        l.batch = *(const ch_batch *)call->parsed;
    else
        CH_TRY(read_batch(call, &l.batch));
    CH_TRY(check_batch(call, &l.batch));
    CH_DB(call, ch_db_write(call->track->pool, log_batch_in, &l, &call->error));
    return 0;
}

/* --- routes ---- */

static const ch_track_route ROUTES[] = {
    {.method = "POST",
     .path = "runs/log-metric",
     .handler = log_metric,
     .params = {{"run_id", CH_P_STRING, true},
                {"key", CH_P_STRING, true},
                {"value", CH_P_DOUBLE, true},
                {"timestamp", CH_P_INT, true},
                {"step", CH_P_INT, false},
                {"model_id", CH_P_STRING, false},
                {"dataset_name", CH_P_STRING, false},
                {"dataset_digest", CH_P_STRING, false}},
     .needs = CH_EDIT,
     .on = CH_ON_RUN,
     .key = "run_id"},
    {.method = "POST",
     .path = "runs/log-batch",
     .handler = log_batch,
     .read = read_plain_batch,
     .params = {{"run_id", CH_P_STRING, true},
                {"metrics", CH_P_LIST, false},
                {"params", CH_P_LIST, false},
                {"tags", CH_P_LIST, false}},
     .needs = CH_EDIT,
     .on = CH_ON_RUN,
     .key = "run_id"},
};

const ch_track_table ch_batch_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
