/* inputs.c: what a run read and made: datasets (runs/log-inputs, experiments/search-datasets), logged models
 * (runs/log-inputs, runs/outputs) and models of MLflow 2 (runs/log-model). */
#include "track/run/run_log.h"
#include "track/validate.h"

#include <string.h>

enum {
    NAME_MOST = 500, /* characters, of datasets */
    DIGEST_MOST = 36,
    SOURCE_MOST = 65535,
    SCHEMA_MOST = 1048575,
    PROFILE_MOST = 16777215,
    TAG_KEY_MOST = 255,
    TAG_VALUE_MOST = 500,
    SUMMARIES_MOST = 1000
};

/* --- datasets ---- */

static int check_dataset(ch_call *call, json_t *input)
{
    json_t *dataset = json_object_get(input, "dataset"), *tag;
    size_t i;
    if (!json_is_object(dataset)) return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Dataset cannot be None");
    static const struct {
        const char *member;
        size_t most;
    } LIMITS[] = {
        {"name", NAME_MOST},     {"digest", DIGEST_MOST},   {"source", SOURCE_MOST},
        {"schema", SCHEMA_MOST}, {"profile", PROFILE_MOST},
    };
    for (size_t m = 0; m < sizeof LIMITS / sizeof *LIMITS; m++) {
        const char *text = ch_or_empty(ch_item_string(dataset, LIMITS[m].member));
        CH_TRY(ch_check_length(call, LIMITS[m].member, LIMITS[m].most, text));
    }
    json_array_foreach(json_object_get(input, "tags"), i, tag)
    {
        CH_TRY(ch_check_length(call, "key", TAG_KEY_MOST, ch_or_empty(ch_item_string(tag, "key"))));
        CH_TRY(ch_check_length(call, "value", TAG_VALUE_MOST, ch_or_empty(ch_item_string(tag, "value"))));
    }
    return 0;
}

/* The number of the experiment's dataset of that name and digest, which is added when new. */
static int put_dataset(ch_db *db, int64_t experiment, json_t *dataset, int64_t *id, ch_error *err)
{
    bool more;
    ch_db_sql(db, "INSERT INTO datasets(experiment, name, digest, source_type, source, schema, profile) "
                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING");
    ch_db_int(db, 1, experiment);
    ch_db_text(db, 2, ch_or_empty(ch_item_string(dataset, "name")));
    ch_db_text(db, 3, ch_or_empty(ch_item_string(dataset, "digest")));
    ch_db_text(db, 4, ch_or_empty(ch_item_string(dataset, "source_type")));
    ch_db_text(db, 5, ch_or_empty(ch_item_string(dataset, "source")));
    ch_db_text(db, 6, ch_item_string(dataset, "schema"));
    ch_db_text(db, 7, ch_item_string(dataset, "profile"));
    CH_TRY(ch_db_run(db, err));
    ch_db_sql(db, "SELECT id FROM datasets WHERE experiment = ?1 AND name = ?2 AND digest = ?3");
    ch_db_int(db, 1, experiment);
    ch_db_text(db, 2, ch_or_empty(ch_item_string(dataset, "name")));
    ch_db_text(db, 3, ch_or_empty(ch_item_string(dataset, "digest")));
    CH_TRY(ch_db_next(db, &more, err));
    if (!more) return ch_bug(err, "a dataset that was just written is not there");
    *id = ch_db_get_int(db, 0);
    return 0;
}

/* The input's tags are written once: with the first mention of the dataset. */
static int put_input(ch_db *db, int64_t run, int64_t dataset, json_t *tags, ch_error *err)
{
    bool added;
    ch_db_sql(db, "INSERT INTO dataset_inputs(run, dataset) VALUES (?1, ?2) ON CONFLICT DO NOTHING RETURNING id");
    ch_db_int(db, 1, run);
    ch_db_int(db, 2, dataset);
    CH_TRY(ch_db_next(db, &added, err));
    if (!added) return 0;
    int64_t input = ch_db_get_int(db, 0);
    size_t i;
    json_t *tag;
    json_array_foreach(tags, i, tag)
    {
        ch_db_sql(db, "INSERT INTO dataset_input_tags(input, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
        ch_db_int(db, 1, input);
        ch_db_text(db, 2, ch_or_empty(ch_item_string(tag, "key")));
        ch_db_text(db, 3, ch_or_empty(ch_item_string(tag, "value")));
        CH_TRY(ch_db_run(db, err));
    }
    return 0;
}

static int put_models(ch_call *call, ch_db *db, int64_t run, bool is_output, ch_error *err)
{
    size_t i;
    json_t *model;
    json_array_foreach(ch_call_list(call, "models"), i, model)
    {
        ch_db_sql(db, "INSERT INTO run_models(run, is_output, model_id, step) VALUES (?1, ?2, ?3, ?4) "
                      "ON CONFLICT (run, is_output, model_id) DO UPDATE SET step = excluded.step");
        ch_db_int(db, 1, run);
        ch_db_int(db, 2, is_output);
        ch_db_text(db, 3, ch_or_empty(ch_item_string(model, "model_id")));
        ch_db_int(db, 4, ch_item_int(model, "step", 0));
        CH_TRY(ch_db_run(db, err));
    }
    return 0;
}

static int log_inputs_in(ch_db *db, void *arg, ch_error *err)
{
    ch_call *call = arg;
    ch_run run;
    size_t i;
    json_t *input;
    CH_TRY(ch_run_find_active(call, db, ch_call_string(call, "run_id"), &run, err));
    json_array_foreach(ch_call_list(call, "datasets"), i, input)
    {
        int64_t dataset;
        CH_TRY(put_dataset(db, run.experiment, json_object_get(input, "dataset"), &dataset, err));
        CH_TRY(put_input(db, run.id, dataset, json_object_get(input, "tags"), err));
    }
    return put_models(call, db, run.id, false, err);
}

static int log_inputs(ch_call *call)
{
    size_t i;
    json_t *input;
    CH_TRY(ch_check_run_id(call, ch_call_string(call, "run_id")));
    json_array_foreach(ch_call_list(call, "datasets"), i, input) CH_TRY(check_dataset(call, input));
    return ch_call_write(call, log_inputs_in);
}

static int log_outputs_in(ch_db *db, void *arg, ch_error *err)
{
    ch_call *call = arg;
    ch_run run;
    CH_TRY(ch_run_find_active(call, db, ch_call_string(call, "run_id"), &run, err));
    return put_models(call, db, run.id, true, err);
}

static int log_outputs(ch_call *call)
{
    return ch_call_write(call, log_outputs_in);
}

/* --- models of MLflow 2 ---- */

/* What the run's tag tells of a model: where it is and its flavours, without their configuration. */
static json_t *model_summary(json_t *model)
{
    static const char *const KEPT[] = {"run_id", "utc_time_created", "artifact_path", "model_uuid"};
    json_t *summary = json_object(), *flavors = json_object(), *config;
    const char *flavor;
    for (size_t i = 0; i < sizeof KEPT / sizeof *KEPT; i++) {
        json_t *value = json_object_get(model, KEPT[i]);
        if (value && !json_is_null(value)) json_object_set(summary, KEPT[i], value);
    }
    if (!json_object_get(summary, "model_uuid")) {
        char id[33];
        ch_new_id(id);
        json_object_set_new(summary, "model_uuid", json_string(id));
    }
    json_object_foreach(json_object_get(model, "flavors"), flavor, config)
    {
        json_t *copy = json_copy(config);
        if (json_is_object(copy)) json_object_del(copy, "config");
        json_object_set_new(flavors, flavor, copy);
    }
    json_object_set_new(summary, "flavors", flavors);
    return summary;
}

typedef struct model_log {
    ch_call *call;
    json_t *summary;
} model_log;

static int log_model_in(ch_db *db, void *arg, ch_error *err)
{
    static const char TAG[] = "mlflow.log-model.history";
    model_log *m = arg;
    ch_run run;
    bool more;
    CH_TRY(ch_run_find_active(m->call, db, ch_call_string(m->call, "run_id"), &run, err));
    ch_db_sql(db, "SELECT value FROM tags WHERE run = ?1 AND key = ?2");
    ch_db_int(db, 1, run.id);
    ch_db_text(db, 2, TAG);
    CH_TRY(ch_db_next(db, &more, err));
    json_t *history = more ? json_loads(ch_db_get_text(db, 0), 0, NULL) : NULL;
    if (!json_is_array(history)) {
        json_decref(history);
        history = json_array();
    }
    json_array_append(history, m->summary);
    char *text = json_dumps(history, JSON_ENSURE_ASCII);
    int status = text ? ch_run_set_tag(db, &run, TAG, text, err) : ch_no_memory(err);
    free(text);
    json_decref(history);
    return status;
}

static int check_model(ch_call *call, json_t *model)
{
    static const char *const NEEDED[] = {"artifact_path", "flavors", "run_id", "utc_time_created"};
    ch_buf missing = {0};
    for (size_t i = 0; i < sizeof NEEDED / sizeof *NEEDED; i++) {
        if (!json_object_get(model, NEEDED[i])) {
            ch_buf_printf(&missing, "%s'%s'", missing.len ? ", " : "", NEEDED[i]);
        }
    }
    int status = 0;
    if (missing.len > 0) {
        status =
            ch_call_fail(call, INVALID_PARAMETER_VALUE, "Model json is missing mandatory fields: {%s}", missing.data);
    }
    ch_buf_reset(&missing);
    return status;
}

static int log_model(ch_call *call)
{
    const char *text = ch_call_string(call, "model_json");
    json_t *model = json_loads(text, 0, NULL);
    if (!json_is_object(model)) {
        json_decref(model);
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Malformed model info. \n %s \n is not a valid JSON.", text);
    }
    model_log m = {.call = call};
    int status = check_model(call, model);
    if (!status) {
        m.summary = model_summary(model);
        status = ch_db_write(call->track->pool, log_model_in, &m, &call->error);
        json_decref(m.summary);
    }
    json_decref(model);
    CH_DB(call, status);
    return 0;
}

/* --- datasets of experiments ---- */

static int search_datasets_in(ch_db *db, void *arg, ch_error *err)
{
    ch_call *call = arg;
    ch_json *out = &call->out;
    size_t i, n = 0;
    json_t *item;
    json_array_foreach(ch_call_list(call, "experiment_ids"), i, item)
    {
        int64_t id;
        CH_TRY(ch_read_experiment_id(call, json_string_value(item), &id));
        ch_db_sql(db, "SELECT DISTINCT d.name, d.digest, g.value FROM datasets d "
                      "JOIN dataset_inputs i ON i.dataset = d.id "
                      "LEFT JOIN dataset_input_tags g ON g.input = i.id AND g.key = 'mlflow.data.context' "
                      "WHERE d.experiment = ?1 ORDER BY d.name, d.digest, g.value LIMIT ?2");
        ch_db_int(db, 1, id);
        ch_db_int(db, 2, SUMMARIES_MOST);
        for (bool more; n < SUMMARIES_MOST; n++) {
            CH_TRY(ch_db_next(db, &more, err));
            if (!more) break;
            if (n == 0) {
                ch_json_key(out, "dataset_summaries");
                ch_json_begin(out, '[');
            }
            ch_json_begin(out, '{');
            ch_json_member(out, "experiment_id", ch_arena_printf(call->arena, "%lld", (long long)id));
            ch_json_member(out, "name", ch_db_get_text(db, 0));
            ch_json_member(out, "digest", ch_db_get_text(db, 1));
            ch_json_member(out, "context", ch_db_get_text(db, 2));
            ch_json_end(out, '}');
        }
    }
    if (n > 0) ch_json_end(out, ']');
    return 0;
}

static int search_datasets(ch_call *call)
{
    enum { EXPERIMENTS_MOST = 20 };
    size_t count = json_array_size(ch_call_list(call, "experiment_ids"));
    if (count == 0) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "SearchDatasets request must specify at least one experiment_id.");
    }
    if (count > EXPERIMENTS_MOST) {
        return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                            "SearchDatasets request cannot specify more than %d experiment_ids. Received %zu "
                            "experiment_ids.",
                            EXPERIMENTS_MOST, count);
    }
    CH_DB(call, ch_db_read(call->track->pool, search_datasets_in, call, &call->error));
    return 0;
}

/* --- routes ---- */

#define RUN_ID                                                                                                         \
    {                                                                                                                  \
        "run_id", CH_P_STRING, true                                                                                    \
    }
#define EDIT_RUN .needs = CH_EDIT, .on = CH_ON_RUN, .key = "run_id"

static const ch_track_route ROUTES[] = {
    {.method = "POST",
     .path = "runs/log-inputs",
     .handler = log_inputs,
     .params = {RUN_ID, {"datasets", CH_P_LIST, false}, {"models", CH_P_LIST, false}},
     EDIT_RUN},
    {.method = "POST",
     .path = "runs/outputs",
     .handler = log_outputs,
     .params = {RUN_ID, {"models", CH_P_LIST, true}},
     EDIT_RUN},
    {.method = "POST",
     .path = "runs/log-model",
     .handler = log_model,
     .params = {RUN_ID, {"model_json", CH_P_STRING, true}},
     EDIT_RUN},
    {.method = "POST",
     .path = "experiments/search-datasets",
     .handler = search_datasets,
     .params = {{"experiment_ids", CH_P_LIST, false}},
     .needs = CH_READ,
     .on = CH_ON_EXPERIMENT,
     .key = "experiment_ids"},
};

const ch_track_table ch_input_routes = {ch_mlflow_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
