/* run_log.c: what is written into a run: metrics, params, tags. */
#include "track/run/run_log.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- metrics ---- */

void ch_point_set_value(ch_point *point, double value)
{
    point->is_nan = isnan(value);
    if (isnan(value))
        value = 0;
    else if (isinf(value))
        value = value > 0 ? DBL_MAX : -DBL_MAX;
    point->value = value + 0.0; /* -0.0 would be a key of its own */
}

static int compare_int(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* By key, then by what makes a point the latest: the last of each key is. */
static int by_key_and_age(const void *a, const void *b)
{
    const ch_point *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    if (!order) order = compare_int(x->step, y->step);
    if (!order) order = compare_int(x->timestamp, y->timestamp);
    if (!order) order = (x->value > y->value) - (x->value < y->value);
    return order;
}

static int add_to_history(ch_db *db, int64_t run, const ch_point *point, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO metrics(run, key, timestamp, step, value, is_nan) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
                  "ON CONFLICT DO NOTHING");
    ch_db_int(db, 1, run);
    ch_db_text(db, 2, point->key);
    ch_db_int(db, 3, point->timestamp);
    ch_db_int(db, 4, point->step);
    ch_db_double(db, 5, point->value);
    ch_db_int(db, 6, point->is_nan);
    return ch_db_run(db, err);
}

static int set_latest(ch_db *db, int64_t run, const ch_point *point, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO latest_metrics AS l (run, key, value, timestamp, step, is_nan) "
                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (run, key) DO UPDATE SET value = excluded.value, "
                  "timestamp = excluded.timestamp, step = excluded.step, is_nan = excluded.is_nan "
                  "WHERE (excluded.step, excluded.timestamp, excluded.value) > (l.step, l.timestamp, l.value)");
    ch_db_int(db, 1, run);
    ch_db_text(db, 2, point->key);
    ch_db_double(db, 3, point->value);
    ch_db_int(db, 4, point->timestamp);
    ch_db_int(db, 5, point->step);
    ch_db_int(db, 6, point->is_nan);
    return ch_db_run(db, err);
}

/* A metric of a logged model; nothing happens when there is no such model. */
static int add_to_model(ch_db *db, const char *run_id, const ch_point *point, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO logged_model_metrics(model, run_id, key, timestamp, step, value, is_nan, dataset_name, "
                  "dataset_digest) SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM logged_models WHERE model_id = ?1 "
                  "ON CONFLICT DO NOTHING");
    ch_db_text(db, 1, point->model_id);
    ch_db_text(db, 2, run_id);
    ch_db_text(db, 3, point->key);
    ch_db_int(db, 4, point->timestamp);
    ch_db_int(db, 5, point->step);
    ch_db_double(db, 6, point->value);
    ch_db_int(db, 7, point->is_nan);
    ch_db_text(db, 8, point->dataset_name ? point->dataset_name : "");
    ch_db_text(db, 9, point->dataset_digest ? point->dataset_digest : "");
    return ch_db_run(db, err);
}

static int write_points(ch_db *db, const ch_run *run, const ch_point *points, size_t count, ch_error *err)
{
    for (size_t i = 0; i < count; i++) CH_TRY(add_to_history(db, run->id, &points[i], err));
    for (size_t i = 0; i < count; i++) {
        bool is_last = i + 1 == count || strcmp(points[i].key, points[i + 1].key) != 0;
        if (is_last) CH_TRY(set_latest(db, run->id, &points[i], err));
    }
    for (size_t i = 0; i < count; i++) {
        if (points[i].model_id) CH_TRY(add_to_model(db, run->run_id, &points[i], err));
    }
    return 0;
}

int ch_run_log_metrics(ch_db *db, const ch_run *run, ch_point *points, size_t count, ch_error *err)
{
    ch_error end;
    if (count == 0) return 0;
    qsort(points, count, sizeof *points, by_key_and_age);
    ch_db_begin_bulk(db);
    int status = write_points(db, run, points, count, err);
    if (!status) return ch_db_end_bulk(db, err);
    ch_db_end_bulk(db, &end);
    return status;
}

/* --- params ---- */

/* What is stored under the key; NULL in *value when nothing is. */
static int find_param(ch_db *db, ch_arena *arena, int64_t run, const char *key, const char **value, ch_error *err)
{
    bool more;
    ch_db_sql(db, "SELECT value FROM params WHERE run = ?1 AND key = ?2");
    ch_db_int(db, 1, run);
    ch_db_text(db, 2, key);
    CH_TRY(ch_db_next(db, &more, err));
    *value = more ? ch_arena_strdup(arena, ch_db_get_text(db, 0)) : NULL;
    return 0;
}

static int param_differs(ch_call *call, const ch_run *run, const ch_key_value *param, const char *before)
{
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "Changing param values is not allowed. Param with key='%s' was already logged with value='%s' "
                        "for run ID='%s'. Attempted logging new value '%s'.",
                        param->key, before, run->run_id, param->value);
}

int ch_run_log_params(ch_call *call, ch_db *db, const ch_run *run, const ch_key_value *params, size_t count,
                      bool single, ch_error *err)
{
    ch_buf differing = {0};
    int status = 0;
    for (size_t i = 0; i < count && !status; i++) {
        const char *before = NULL;
        ch_db_sql(db, "INSERT INTO params(run, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
        ch_db_int(db, 1, run->id);
        ch_db_text(db, 2, params[i].key);
        ch_db_text(db, 3, params[i].value);
        status = ch_db_run(db, err);
        if (status || ch_db_changes(db) > 0) continue;
        status = find_param(db, call->arena, run->id, params[i].key, &before, err);
        if (status || !before || strcmp(before, params[i].value) == 0) continue;
        if (single)
            status = param_differs(call, run, &params[i], before);
        else {
            ch_buf_printf(&differing, "%s{'key': '%s', 'old_value': '%s', 'new_value': '%s'}",
                          differing.len ? ", " : "", params[i].key, before, params[i].value);
        }
    }
    if (!status && differing.len > 0) {
        status =
            ch_call_fail(call, INVALID_PARAMETER_VALUE,
                         "Changing param values is not allowed. Params were already logged='[%s]' for run ID='%s'.",
                         differing.data, run->run_id);
    }
    ch_buf_reset(&differing);
    return status;
}

/* --- tags ---- */

int ch_run_set_tag(ch_db *db, const ch_run *run, const char *key, const char *value, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO tags(run, key, value) VALUES (?1, ?2, ?3) "
                  "ON CONFLICT (run, key) DO UPDATE SET value = excluded.value");
    ch_db_int(db, 1, run->id);
    ch_db_text(db, 2, key);
    ch_db_text(db, 3, value);
    CH_TRY(ch_db_run(db, err));
    if (strcmp(key, "mlflow.runName") != 0) return 0;
    ch_db_sql(db, "UPDATE runs SET name = ?2 WHERE id = ?1");
    ch_db_int(db, 1, run->id);
    ch_db_text(db, 2, value);
    return ch_db_run(db, err);
}
