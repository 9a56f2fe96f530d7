/* run_data.c: runs out of the store and into JSON. The data of a page of runs is read with a handful of statements,
 * each for up to 256 runs, and turned into JSON as the rows come by; the page is then put together from those pieces.
 */
#include "track/run/run_data.h"
#include "track/run/run_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- runs ---- */

void ch_run_read(const ch_db *db, ch_arena *arena, ch_run *out)
{
    *out = (ch_run){
        .id = ch_db_get_int(db, 0),
        .run_id = ch_arena_strdup(arena, ch_db_get_text(db, 1)),
        .experiment = ch_db_get_int(db, 2),
        .name = ch_arena_strdup(arena, ch_db_get_text(db, 3)),
        .user_id = ch_arena_strdup(arena, ch_db_get_text(db, 4)),
        .status = ch_arena_strdup(arena, ch_db_get_text(db, 5)),
        .start_time = ch_db_get_int(db, 6),
        .end_time = ch_db_get_int(db, 7),
        .has_end = !ch_db_is_null(db, 7),
        .deleted = ch_db_get_int(db, 8) != 0,
        .artifact_uri = ch_arena_strdup(arena, ch_db_get_text(db, 9)),
    };
}

int ch_run_find(ch_call *call, ch_db *db, const char *run_id, ch_run *out, ch_error *err)
{
    bool more;
    ch_db_sql(db, "SELECT " CH_RUN_COLUMNS " FROM runs r WHERE r.run_id = ?1");
    ch_db_text(db, 1, run_id);
    CH_TRY(ch_db_next(db, &more, err));
    if (!more) return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "Run with id=%s not found", run_id);
    ch_run_read(db, call->arena, out);
    return 0;
}

int ch_run_find_active(ch_call *call, ch_db *db, const char *run_id, ch_run *out, ch_error *err)
{
    CH_TRY(ch_run_find(call, db, run_id, out, err));
    if (!out->deleted) return 0;
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "The run %s must be in the 'active' state. Current state is deleted.", run_id);
}

void ch_run_write_info(ch_json *json, const ch_run *run)
{
    char experiment[24];
    snprintf(experiment, sizeof experiment, "%lld", (long long)run->experiment);
    ch_json_begin(json, '{');
    ch_json_member(json, "run_uuid", run->run_id);
    ch_json_member(json, "experiment_id", experiment);
    ch_json_member(json, "run_name", run->name);
    ch_json_member(json, "user_id", run->user_id);
    ch_json_member(json, "status", run->status);
    ch_json_member_int(json, "start_time", run->start_time);
    if (run->has_end) ch_json_member_int(json, "end_time", run->end_time);
    ch_json_member(json, "artifact_uri", run->artifact_uri);
    ch_json_member(json, "lifecycle_stage", run->deleted ? "deleted" : "active");
    ch_json_member(json, "run_id", run->run_id);
    ch_json_end(json, '}');
}

/* --- rows into JSON ---- */

static void add_metric(const ch_db *db, ch_json *json)
{
    ch_json_begin(json, '{');
    ch_json_member(json, "key", ch_db_get_text(db, 1));
    if (ch_db_get_int(db, 5))
        ch_json_member(json, "value", "NaN");
    else
        ch_json_member_double(json, "value", ch_db_get_double(db, 2));
    ch_json_member_int(json, "timestamp", ch_db_get_int(db, 3));
    ch_json_member_int(json, "step", ch_db_get_int(db, 4));
    ch_json_end(json, '}');
}

static void add_pair(const ch_db *db, ch_json *json)
{
    ch_json_begin(json, '{');
    ch_json_member(json, "key", ch_db_get_text(db, 1));
    ch_json_member(json, "value", ch_db_get_text(db, 2));
    ch_json_end(json, '}');
}

static void add_model(const ch_db *db, ch_json *json)
{
    ch_json_begin(json, '{');
    ch_json_member(json, "model_id", ch_db_get_text(db, 2));
    if (ch_db_get_int(db, 1)) ch_json_member_int(json, "step", ch_db_get_int(db, 3));
    ch_json_end(json, '}');
}

/* A dataset with its first tag; further tags are rows of their own, so that the object stays open (see close_dataset).
 * Its tags stand last. */
static void open_dataset(const ch_db *db, ch_json *json)
{
    ch_json_begin(json, '{');
    ch_json_key(json, "dataset");
    ch_json_begin(json, '{');
    ch_json_member(json, "name", ch_db_get_text(db, 2));
    ch_json_member(json, "digest", ch_db_get_text(db, 3));
    ch_json_member(json, "source_type", ch_db_get_text(db, 4));
    ch_json_member(json, "source", ch_db_get_text(db, 5));
    ch_json_member(json, "schema", ch_db_get_text(db, 6));
    ch_json_member(json, "profile", ch_db_get_text(db, 7));
    ch_json_end(json, '}');
    if (ch_db_is_null(db, 8)) return;
    ch_json_key(json, "tags");
    ch_json_begin(json, '[');
}

static void add_dataset_tag(const ch_db *db, ch_json *json)
{
    ch_json_begin(json, '{');
    ch_json_member(json, "key", ch_db_get_text(db, 8));
    ch_json_member(json, "value", ch_db_get_text(db, 9));
    ch_json_end(json, '}');
}

static void close_dataset(ch_json *json, bool has_tags)
{
    if (has_tags) ch_json_end(json, ']');
    ch_json_end(json, '}');
}

typedef struct loader {
    ch_run_data *data;
    int64_t input; /* the dataset input whose object is open; -1: none */
    bool has_tags;
    ch_run_slice *open_slice;
} loader;

/* The slice of a run, which begins where the text ends when it has none yet. */
static ch_run_slice *slice_of(loader *l, ch_run_part part, size_t at)
{
    ch_run_slice *slice = &l->data->slices[part][at];
    if (slice->end == 0) slice->start = slice->end = l->data->text[part].len;
    return slice;
}

static void end_dataset(loader *l)
{
    if (l->input < 0) return;
    ch_json json = {.out = &l->data->text[CH_RUN_DATASETS]};
    close_dataset(&json, l->has_tags);
    l->open_slice->end = json.out->len;
    l->input = -1;
}

static void take_dataset_row(loader *l, const ch_db *db, size_t at)
{
    ch_buf *text = &l->data->text[CH_RUN_DATASETS];
    int64_t input = ch_db_get_int(db, 1);
    if (input == l->input) {
        add_dataset_tag(db, &(ch_json){.out = text, .comma = true});
        return;
    }
    end_dataset(l);
    l->open_slice = slice_of(l, CH_RUN_DATASETS, at);
    ch_json json = {.out = text, .comma = l->open_slice->end > l->open_slice->start};
    open_dataset(db, &json);
    l->input = input;
    l->has_tags = !ch_db_is_null(db, 8);
    if (l->has_tags) add_dataset_tag(db, &json);
}

static void take_row(void *arg, const ch_db *db, ch_run_source from, size_t at)
{
    loader *l = arg;
    if (from == CH_ROWS_DATASETS) {
        take_dataset_row(l, db, at);
        return;
    }
    ch_run_part part = from == CH_ROWS_METRICS  ? CH_RUN_METRICS
                       : from == CH_ROWS_PARAMS ? CH_RUN_PARAMS
                       : from == CH_ROWS_TAGS   ? CH_RUN_TAGS
                       : ch_db_get_int(db, 1)   ? CH_RUN_MODEL_OUTPUTS
                                                : CH_RUN_MODEL_INPUTS;
    ch_run_slice *slice = slice_of(l, part, at);
    ch_json json = {.out = &l->data->text[part], .comma = slice->end > slice->start};
    if (from == CH_ROWS_METRICS)
        add_metric(db, &json);
    else if (from == CH_ROWS_MODELS)
        add_model(db, &json);
    else
        add_pair(db, &json);
    slice->end = json.out->len;
}

int ch_run_data_load(ch_db *db, ch_arena *arena, const ch_run *runs, size_t count, ch_run_data *out, ch_error *err)
{
    *out = (ch_run_data){0};
    for (int part = 0; part < CH_RUN_PARTS; part++) out->slices[part] = CH_NEW_ARRAY(arena, ch_run_slice, count);
    loader l = {.data = out, .input = -1};
    for (ch_run_source from = 0; from < CH_ROWS_SOURCES; from++) {
        int status = ch_run_rows(db, arena, from, runs, count, take_row, &l, err);
        if (status) {
            ch_run_data_reset(out);
            return status;
        }
        end_dataset(&l);
    }
    return 0;
}

void ch_run_data_reset(ch_run_data *data)
{
    for (int part = 0; part < CH_RUN_PARTS; part++) ch_buf_reset(&data->text[part]);
}

/* --- a run in JSON ---- */

/* A list of which the pieces are there already; nothing when it is empty. */
static void write_part(ch_json *json, const char *key, const ch_run_data *data, ch_run_part part, size_t at)
{
    ch_run_slice slice = data->slices[part][at];
    if (slice.end == slice.start) return;
    ch_json_key(json, key);
    ch_json_begin(json, '[');
    ch_buf_add(json->out, data->text[part].data + slice.start, slice.end - slice.start);
    ch_json_end(json, ']');
}

void ch_run_write(ch_json *json, const ch_run *run, const ch_run_data *data, size_t at)
{
    ch_json_begin(json, '{');
    ch_json_key(json, "info");
    ch_run_write_info(json, run);
    ch_json_key(json, "data");
    ch_json_begin(json, '{');
    write_part(json, "metrics", data, CH_RUN_METRICS, at);
    write_part(json, "params", data, CH_RUN_PARAMS, at);
    write_part(json, "tags", data, CH_RUN_TAGS, at);
    ch_json_end(json, '}');
    ch_json_key(json, "inputs");
    ch_json_begin(json, '{');
    write_part(json, "dataset_inputs", data, CH_RUN_DATASETS, at);
    write_part(json, "model_inputs", data, CH_RUN_MODEL_INPUTS, at);
    ch_json_end(json, '}');
    ch_json_key(json, "outputs");
    ch_json_begin(json, '{');
    write_part(json, "model_outputs", data, CH_RUN_MODEL_OUTPUTS, at);
    ch_json_end(json, '}');
    ch_json_end(json, '}');
}
