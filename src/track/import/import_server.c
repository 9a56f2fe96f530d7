/* import_server.c: what a running server tells through MLflow's REST API. Artifacts that it hands out are downloaded
 * into a folder of the artifact folder's own, from where the import takes them. */
#include "track/artifact/artifact_store.h"
#include "track/import/import_sink.h"
#include "track/import/remote.h"
#include "track/names.h"
#include "track/trace/trace_store.h"

#include <stdlib.h>
#include <string.h>

typedef struct source {
    ch_sink *sink;
    ch_fetch *server;
    const char *staging;  /* what options->artifacts is */
    const char **run_ids; /* of the experiment being imported, in the sink's arena */
    size_t nrun;
    int64_t traces; /* of it */
} source;

/* --- questions ---- */

/* Called with each page of an answer. */
typedef int (*page_fn)(source *s, json_t *page, const void *arg, ch_error *err);

/* Posts a question again and again with the page tokens of the answers. */
static int post_pages(source *s, const char *path, json_t *question, page_fn fn, const void *arg, ch_error *err)
{
    int status = 0;
    for (bool more = true; more && !status;) {
        json_t *page = NULL;
        status = ch_remote_ask(s->server, "POST", path, question, &page, err);
        if (!status) status = fn(s, page, arg, err);
        json_t *token = json_object_get(page, "next_page_token");
        more = !status && json_string_length(token) > 0;
        if (more) json_object_set(question, "page_token", token);
        json_decref(page);
    }
    json_decref(question);
    return status;
}

static int get_pages(source *s, const char *path, page_fn fn, const void *arg, ch_error *err)
{
    ch_buf full = {0};
    int status = 0;
    ch_buf_str(&full, path);
    for (bool more = true; more && !status;) {
        json_t *page = NULL;
        status = ch_remote_ask(s->server, "GET", full.data, NULL, &page, err);
        if (!status) status = fn(s, page, arg, err);
        const char *token = ch_item_string(page, "next_page_token");
        more = !status && token && *token;
        ch_buf_clear(&full);
        if (more) {
            ch_buf_printf(&full, "%s&page_token=", path);
            ch_fetch_encode(&full, token, false);
        }
        json_decref(page);
    }
    ch_buf_reset(&full);
    return status;
}

static const ch_key_value *read_pairs(ch_arena *arena, json_t *list, const char *key, const char *value, size_t *count)
{
    ch_key_value *pairs = CH_NEW_ARRAY(arena, ch_key_value, json_array_size(list));
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        pairs[i] = (ch_key_value){ch_or_empty(ch_item_string(item, key)), ch_or_empty(ch_item_string(item, value))};
    }
    *count = json_array_size(list);
    return pairs;
}

/* --- artifacts ---- */

static int download(source *s, ch_arena *arena, const ch_remote_artifacts *artifacts, const char *folder, ch_error *err)
{
    int64_t files = 0; /* they are counted as they are moved to where they belong */
    const char *target = ch_arena_printf(arena, "%s/%s", s->staging, folder);
    return ch_remote_download(s->server, arena, artifacts, "", target, &files, err);
}

static int download_proxied(source *s, ch_arena *arena, const char *uri, ch_error *err)
{
    const char *folder = ch_artifact_clean(arena, uri + strspn(uri, "/"));
    if (!folder || !*folder) return 0;
    ch_remote_artifacts artifacts = ch_remote_of_proxy(arena, folder);
    return download(s, arena, &artifacts, folder, err);
}

/* Artifacts that the server has on a disk that is not ours are asked for by what they belong to; the sink finds them in
 * the experiment's folder. */
static int fetch_artifacts(source *s, ch_arena *arena, const ch_sink_experiment *of, const ch_remote_artifacts *owned,
                           const char *uri, ch_error *err)
{
    static const char PROXY[] = "mlflow-artifacts:/";
    const char *rest = ch_sink_below(of->old_location, uri);
    if (strncmp(uri, PROXY, sizeof PROXY - 1) == 0) return download_proxied(s, arena, uri + sizeof PROXY - 1, err);
    bool is_path = *uri == '/' || *uri == '.' || strncmp(uri, "file:", 5) == 0;
    if (!is_path || !rest || ch_sink_local(s->sink, arena, of, uri)) return 0;
    return download(s, arena, owned, ch_arena_printf(arena, "%s%s", of->old_id, rest), err);
}

/* --- runs ---- */

typedef struct history {
    ch_arena *arena;
    ch_sink_run *run;
    const char *key;
} history;

static int take_points(source *s, json_t *page, const void *arg, ch_error *err)
{
    (void)s;
    (void)err;
    const history *h = arg;
    ch_sink_run *run = h->run;
    json_t *item;
    size_t i;
    json_array_foreach(json_object_get(page, "metrics"), i, item)
    {
        run->points = ch_sink_room(h->arena, run->points, run->npoint, sizeof *run->points);
        ch_point *point = &run->points[run->npoint++];
        *point = (ch_point){
            .key = h->key, .timestamp = ch_item_int(item, "timestamp", 0), .step = ch_item_int(item, "step", 0)};
        ch_point_set_value(point, ch_item_double(item, "value", 0));
    }
    return 0;
}

static int read_points(source *s, ch_arena *arena, ch_sink_run *run, json_t *latest, ch_error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach(latest, i, item)
    {
        history h = {arena, run, ch_or_empty(ch_item_string(item, "key"))};
        const char *path =
            ch_arena_printf(arena, "/api/2.0/mlflow/metrics/get-history?run_id=%s&metric_key=%s&max_results=10000",
                            ch_remote_encoded(arena, run->run.run_id, false), ch_remote_encoded(arena, h.key, false));
        CH_TRY(get_pages(s, path, take_points, &h, err));
    }
    return 0;
}

static void read_datasets(ch_arena *arena, ch_sink_run *run, json_t *list)
{
    json_t *input;
    size_t i;
    json_array_foreach(list, i, input)
    {
        json_t *d = json_object_get(input, "dataset");
        run->datasets = ch_sink_room(arena, run->datasets, run->ndataset, sizeof *run->datasets);
        ch_sink_dataset *to = &run->datasets[run->ndataset++];
        *to = (ch_sink_dataset){
            .name = ch_or_empty(ch_item_string(d, "name")),
            .digest = ch_or_empty(ch_item_string(d, "digest")),
            .source_type = ch_or_empty(ch_item_string(d, "source_type")),
            .source = ch_or_empty(ch_item_string(d, "source")),
            .schema = ch_item_string(d, "schema"),
            .profile = ch_item_string(d, "profile"),
        };
        to->tags = read_pairs(arena, json_object_get(input, "tags"), "key", "value", &to->ntag);
    }
}

static void read_models(ch_arena *arena, ch_sink_run *run, json_t *list, bool is_output)
{
    json_t *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        run->models = ch_sink_room(arena, run->models, run->nmodel, sizeof *run->models);
        run->models[run->nmodel++] = (ch_sink_model_link){.model_id = ch_or_empty(ch_item_string(item, "model_id")),
                                                          .step = ch_item_int(item, "step", 0),
                                                          .is_output = is_output};
    }
}

/* The whole of a run: a search leaves out the models that it read. */
static int add_run(source *s, ch_arena *arena, ch_sink_experiment *of, json_t *whole, ch_error *err)
{
    json_t *info = json_object_get(whole, "info"), *data = json_object_get(whole, "data");
    json_t *inputs = json_object_get(whole, "inputs"), *outputs = json_object_get(whole, "outputs");
    ch_sink_run run = {
        .run = {.run_id = ch_or_empty(ch_item_string(info, "run_id")),
                .name = ch_or_empty(ch_item_string(info, "run_name")),
                .user_id = ch_or_empty(ch_item_string(info, "user_id")),
                .status = ch_or_empty(ch_item_string(info, "status")),
                .start_time = ch_item_int(info, "start_time", 0),
                .end_time = ch_item_int(info, "end_time", 0),
                .has_end = json_object_get(info, "end_time") != NULL,
                .deleted = strcmp(ch_or_empty(ch_item_string(info, "lifecycle_stage")), "deleted") == 0},
        .old_artifact_uri = ch_or_empty(ch_item_string(info, "artifact_uri")),
    };
    run.params = read_pairs(arena, json_object_get(data, "params"), "key", "value", &run.nparam);
    run.tags = read_pairs(arena, json_object_get(data, "tags"), "key", "value", &run.ntag);
    read_datasets(arena, &run, json_object_get(inputs, "dataset_inputs"));
    read_models(arena, &run, json_object_get(inputs, "model_inputs"), false);
    read_models(arena, &run, json_object_get(outputs, "model_outputs"), true);
    CH_TRY(read_points(s, arena, &run, json_object_get(data, "metrics"), err));
    ch_remote_artifacts owned = ch_remote_of_run(arena, run.run.run_id);
    CH_TRY(fetch_artifacts(s, arena, of, &owned, run.old_artifact_uri, err));
    return ch_sink_add_run(s->sink, arena, of, &run, err);
}

static int import_run(source *s, ch_arena *arena, ch_sink_experiment *of, json_t *item, ch_error *err)
{
    const char *id = ch_or_empty(ch_item_string(json_object_get(item, "info"), "run_id"));
    json_t *answer;
    bool known;
    s->run_ids = ch_sink_room(s->sink->arena, s->run_ids, s->nrun, sizeof *s->run_ids);
    s->run_ids[s->nrun++] = ch_arena_strdup(s->sink->arena, id);
    CH_TRY(ch_sink_knows(s->sink, CH_SINK_RUN, id, &known, err));
    if (known) return 0;
    const char *path =
        ch_arena_printf(arena, "/api/2.0/mlflow/runs/get?run_id=%s", ch_remote_encoded(arena, id, false));
    CH_TRY(ch_remote_ask(s->server, "GET", path, NULL, &answer, err));
    int status = add_run(s, arena, of, json_object_get(answer, "run"), err);
    json_decref(answer);
    return status;
}

static void read_model_points(ch_arena *arena, ch_sink_logged_model *model, json_t *list)
{
    json_t *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        model->points = ch_sink_room(arena, model->points, model->npoint, sizeof *model->points);
        ch_sink_model_point *p = &model->points[model->npoint++];
        *p = (ch_sink_model_point){
            .point = {.key = ch_or_empty(ch_item_string(item, "key")),
                      .timestamp = ch_item_int(item, "timestamp", 0),
                      .step = ch_item_int(item, "step", 0),
                      .dataset_name = ch_item_string(item, "dataset_name"),
                      .dataset_digest = ch_item_string(item, "dataset_digest")},
            .run_id = ch_or_empty(ch_item_string(item, "run_id")),
        };
        ch_point_set_value(&p->point, ch_item_double(item, "value", 0));
    }
}

static int import_logged_model(source *s, ch_arena *arena, ch_sink_experiment *of, json_t *item, ch_error *err)
{
    static const char *const STATUSES[] = {"", "LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY",
                                           "LOGGED_MODEL_UPLOAD_FAILED"};
    json_t *info = json_object_get(item, "info"), *data = json_object_get(item, "data");
    bool known;
    CH_TRY(ch_sink_knows(s->sink, CH_SINK_LOGGED_MODEL, ch_or_empty(ch_item_string(info, "model_id")), &known, err));
    if (known) return 0;
    ch_sink_logged_model model = {
        .model_id = ch_or_empty(ch_item_string(info, "model_id")),
        .name = ch_or_empty(ch_item_string(info, "name")),
        .old_artifact_uri = ch_or_empty(ch_item_string(info, "artifact_uri")),
        .model_type = ch_item_string(info, "model_type"),
        .source_run_id = ch_item_string(info, "source_run_id"),
        .status_message = ch_item_string(info, "status_message"),
        .created = ch_item_int(info, "creation_timestamp_ms", 0),
        .updated = ch_item_int(info, "last_updated_timestamp_ms", 0),
        .status = 2,
    };
    for (int i = 1; i < 4; i++) {
        if (strcmp(ch_or_empty(ch_item_string(info, "status")), STATUSES[i]) == 0) model.status = i;
    }
    model.params = read_pairs(arena, json_object_get(data, "params"), "key", "value", &model.nparam);
    model.tags = read_pairs(arena, json_object_get(info, "tags"), "key", "value", &model.ntag);
    read_model_points(arena, &model, json_object_get(data, "metrics"));
    ch_remote_artifacts owned = ch_remote_of_model(arena, model.model_id);
    CH_TRY(fetch_artifacts(s, arena, of, &owned, model.old_artifact_uri, err));
    return ch_sink_add_logged_model(s->sink, arena, of, &model, err);
}

/* --- pages of things ---- */

typedef int (*item_fn)(source *s, ch_arena *arena, ch_sink_experiment *of, json_t *item, ch_error *err);

typedef struct each {
    const char *member;
    item_fn fn;
    ch_sink_experiment *of;
} each;

static int import_page(source *s, json_t *page, const void *arg, ch_error *err)
{
    const each *e = arg;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(page, e->member), i, item)
    {
        ch_arena *arena = ch_arena_new();
        int status = e->fn(s, arena, e->of, item, err);
        ch_arena_free(arena);
        CH_TRY(status);
    }
    return 0;
}

/* --- traces ---- */

static const ch_key_value *pairs_of(ch_arena *arena, json_t *map, size_t *count)
{
    const char *key;
    json_t *value;
    ch_key_value *pairs = CH_NEW_ARRAY(arena, ch_key_value, json_object_size(map));
    *count = 0;
    json_object_foreach(map, key, value) pairs[(*count)++] = (ch_key_value){key, ch_or_empty(json_string_value(value))};
    return pairs;
}

static int add_trace(source *s, ch_arena *arena, ch_sink_experiment *of, json_t *whole, ch_error *err)
{
    json_t *info = json_object_get(whole, "trace_info");
    ch_sink_trace trace = {
        .trace_id = ch_or_empty(ch_item_string(info, "trace_id")),
        .state = ch_item_string(info, "state"),
        .client_request_id = ch_item_string(info, "client_request_id"),
        .request_preview = ch_item_string(info, "request_preview"),
        .response_preview = ch_item_string(info, "response_preview"),
        .request_time = ch_time_read(ch_item_string(info, "request_time")),
        .duration = ch_duration_read(ch_item_string(info, "execution_duration")),
        .assessments = json_object_get(info, "assessments"),
        .spans = json_object_get(whole, "spans"),
    };
    trace.tags = pairs_of(arena, json_object_get(info, "tags"), &trace.ntag);
    trace.metadata = pairs_of(arena, json_object_get(info, "trace_metadata"), &trace.nmetadata);
    const char *uri = ch_sink_tag(trace.tags, trace.ntag, "mlflow.artifactLocation");
    if (uri && strncmp(uri, "mlflow-artifacts:/", 18) == 0) CH_TRY(download_proxied(s, arena, uri + 18, err));
    return ch_sink_add_trace(s->sink, arena, of, &trace, err);
}

/* A trace of a search: its spans are asked for where the server has them; those of other traces are artifacts. */
static int import_trace(source *s, ch_arena *arena, ch_sink_experiment *of, json_t *item, ch_error *err)
{
    const char *id = ch_or_empty(ch_item_string(item, "trace_id"));
    const char *location = ch_item_string(json_object_get(item, "tags"), "mlflow.trace.spansLocation");
    json_t *answer = NULL;
    bool known;
    s->traces++;
    CH_TRY(ch_sink_knows(s->sink, CH_SINK_TRACE, id, &known, err));
    if (known) return 0;
    if (location && strcmp(location, "TRACKING_STORE") == 0) {
        const char *path =
            ch_arena_printf(arena, "/api/3.0/mlflow/traces/get?trace_id=%s", ch_remote_encoded(arena, id, false));
        CH_TRY(ch_remote_ask(s->server, "GET", path, NULL, &answer, err));
    } else {
        answer = json_pack("{s:{s:O}}", "trace", "trace_info", item);
    }
    int status = add_trace(s, arena, of, json_object_get(answer, "trace"), err);
    json_decref(answer);
    return status;
}

/* The question for traces of an experiment, `filter` may be NULL. */
static json_t *trace_question(const ch_sink_experiment *e, const char *filter)
{
    json_t *question = json_pack("{s:[{s:s,s:{s:s}}],s:i}", "locations", "type", "MLFLOW_EXPERIMENT",
                                 "mlflow_experiment", "experiment_id", e->old_id, "max_results", 100);
    if (filter) json_object_set_new(question, "filter", json_string(filter));
    return question;
}

static int link_page(source *s, json_t *page, const void *run_id, ch_error *err)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(page, "traces"), i, item)
        CH_TRY(ch_sink_link_trace(s->sink, ch_or_empty(ch_item_string(item, "trace_id")), run_id, err));
    return 0;
}

/* Which traces are linked to a run, only a search by the run tells. */
static int import_links(source *s, const ch_sink_experiment *e, ch_error *err)
{
    for (size_t i = 0; s->traces > 0 && i < s->nrun; i++) {
        const char *filter = ch_arena_printf(s->sink->arena, "attributes.run_id = '%s'", s->run_ids[i]);
        CH_TRY(
            post_pages(s, "/api/3.0/mlflow/traces/search", trace_question(e, filter), link_page, s->run_ids[i], err));
    }
    return 0;
}

/* --- experiments ---- */

static int import_experiment(source *s, ch_arena *unused, ch_sink_experiment *of, json_t *item, ch_error *err)
{
    (void)unused; /* experiments are needed to the end */
    (void)of;
    ch_arena *arena = s->sink->arena;
    ch_sink_experiment *e = CH_NEW(arena, ch_sink_experiment);
    *e = (ch_sink_experiment){
        .old_id = ch_arena_strdup(arena, ch_or_empty(ch_item_string(item, "experiment_id"))),
        .name = ch_arena_strdup(arena, ch_or_empty(ch_item_string(item, "name"))),
        .old_location = ch_arena_strdup(arena, ch_or_empty(ch_item_string(item, "artifact_location"))),
        .deleted = strcmp(ch_or_empty(ch_item_string(item, "lifecycle_stage")), "deleted") == 0,
        .created = ch_item_int(item, "creation_time", 0),
        .updated = ch_item_int(item, "last_update_time", 0),
    };
    e->folder = ch_arena_printf(arena, "%s/%s", s->staging, e->old_id);
    e->tags = read_pairs(arena, json_object_get(item, "tags"), "key", "value", &e->ntag);
    CH_TRY(ch_sink_add_experiment(s->sink, e, err));
    s->nrun = 0;
    s->traces = 0;
    each runs = {"runs", import_run, e}, models = {"models", import_logged_model, e},
         traces = {"traces", import_trace, e};
    CH_TRY(post_pages(
        s, "/api/2.0/mlflow/runs/search",
        json_pack("{s:[s],s:s,s:i}", "experiment_ids", e->old_id, "run_view_type", "ALL", "max_results", 200),
        import_page, &runs, err));
    int status =
        post_pages(s, "/api/2.0/mlflow/logged-models/search",
                   json_pack("{s:[s],s:i}", "experiment_ids", e->old_id, "max_results", 50), import_page, &models, err);
    if (status) return status == CH_E_NOT_FOUND ? 0 : status; /* MLflow 2 has neither these nor the traces below */
    CH_TRY(post_pages(s, "/api/3.0/mlflow/traces/search", trace_question(e, NULL), import_page, &traces, err));
    return import_links(s, e, err);
}

/* --- registry ---- */

static int import_version(source *s, ch_arena *arena, ch_sink_experiment *of, json_t *item, ch_error *err)
{
    (void)of;
    ch_sink_version version = {
        .model = ch_or_empty(ch_item_string(item, "name")),
        .version = ch_item_int(item, "version", 0),
        .created = ch_item_int(item, "creation_timestamp", 0),
        .updated = ch_item_int(item, "last_updated_timestamp", 0),
        .description = ch_item_string(item, "description"),
        .user_id = ch_item_string(item, "user_id"),
        .stage = ch_item_string(item, "current_stage"),
        .source = ch_item_string(item, "source"),
        .run_id = ch_item_string(item, "run_id"),
        .run_link = ch_item_string(item, "run_link"),
        .status = ch_item_string(item, "status"),
        .status_message = ch_item_string(item, "status_message"),
        .model_id = ch_item_string(item, "model_id"),
    };
    version.tags = read_pairs(arena, json_object_get(item, "tags"), "key", "value", &version.ntag);
    return ch_sink_add_version(s->sink, arena, &version, err);
}

static int import_model(source *s, ch_arena *arena, ch_sink_experiment *of, json_t *item, ch_error *err)
{
    (void)of;
    ch_sink_model model = {
        .name = ch_or_empty(ch_item_string(item, "name")),
        .description = ch_item_string(item, "description"),
        .created = ch_item_int(item, "creation_timestamp", 0),
        .updated = ch_item_int(item, "last_updated_timestamp", 0),
    };
    model.tags = read_pairs(arena, json_object_get(item, "tags"), "key", "value", &model.ntag);
    model.aliases = read_pairs(arena, json_object_get(item, "aliases"), "alias", "version", &model.nalias);
    CH_TRY(ch_sink_add_model(s->sink, &model, err));
    each versions = {"model_versions", import_version, NULL};
    const char *filter = ch_remote_encoded(arena, ch_arena_printf(arena, "name='%s'", model.name), false);
    return get_pages(s,
                     ch_arena_printf(arena, "/api/2.0/mlflow/model-versions/search?max_results=1000&filter=%s", filter),
                     import_page, &versions, err);
}

static int import_all(source *s, ch_error *err)
{
    each experiments = {"experiments", import_experiment, NULL}, models = {"registered_models", import_model, NULL};
    CH_TRY(post_pages(s, "/api/2.0/mlflow/experiments/search",
                      json_pack("{s:s,s:i}", "view_type", "ALL", "max_results", 1000), import_page, &experiments, err));
    return get_pages(s, "/api/2.0/mlflow/registered-models/search?max_results=200", import_page, &models, err);
}

int ch_import_server(ch_sink *sink, const char *url, ch_error *err)
{
    static const char STAGING[] = ".import";
    source s = {.sink = sink, .staging = ch_arena_printf(sink->arena, "%s/%s", sink->track->artifacts, STAGING)};
    ch_error ignored;
    ch_import_options options = *sink->options;
    options.artifacts = s.staging;
    sink->options = &options;
    sink->take_files = true;
    CH_TRY(ch_fetch_open(url, &s.server, err));
    int status = import_all(&s, err);
    ch_artifact_remove(sink->track->artifacts, STAGING, &ignored);
    ch_fetch_close(s.server);
    return status;
}
