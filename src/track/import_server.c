/* import_server.c: what a running server tells through MLflow's REST API. Artifacts that it hands out are downloaded
 * into a folder of the artifact folder's own, from where the import takes them. */
#include "track/artifact_store.h"
#include "track/import_fetch.h"
#include "track/import_sink.h"
#include "track/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MOST = 30 };

typedef struct source {
    ch_sink *sink;
    ch_fetch_server server;
    const char *staging; /* what options->artifacts is */
} source;

/* --- questions ---- */

/* Asks for JSON, which is the caller's. */
static int ask(source *s, const char *method, const char *path, json_t *question, json_t **answer, ch_error *err)
{
    ch_buf text = {0};
    char *body = question ? json_dumps(question, 0) : NULL;
    int status = ch_fetch(&s->server, method, path, body, &text, -1, err);
    free(body);
    *answer = status ? NULL : json_loadb(ch_buf_text(&text), text.len, 0, NULL);
    if (!status && !json_is_object(*answer)) {
        status = ch_failf(err, CH_E_IO, "the server to import from gave no JSON for %s", path);
    }
    ch_buf_reset(&text);
    return status;
}

/* Called with each page of an answer. */
typedef int (*page_fn)(source *s, json_t *page, const void *arg, ch_error *err);

/* Posts a question again and again with the page tokens of the answers. */
static int post_pages(source *s, const char *path, json_t *question, page_fn fn, const void *arg, ch_error *err)
{
    int status = 0;
    for (bool more = true; more && !status;) {
        json_t *page = NULL;
        status = ask(s, "POST", path, question, &page, err);
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
        status = ask(s, "GET", full.data, NULL, &page, err);
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

static const char *encoded(ch_arena *arena, const char *text, bool slashes)
{
    ch_buf out = {0};
    ch_fetch_encode(&out, text, slashes);
    const char *kept = ch_arena_strdup(arena, ch_buf_text(&out));
    ch_buf_reset(&out);
    return kept;
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

static int make_folders(const char *path, ch_error *err)
{
    char *copy = strdup(path);
    int failed = copy ? 0 : 1;
    for (char *slash = copy ? strchr(copy + 1, '/') : NULL; slash && !failed; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        failed = mkdir(copy, 0755) && errno != EEXIST;
        *slash = '/';
    }
    free(copy);
    return failed ? ch_failf(err, CH_E_IO, "%s: %s", path, strerror(errno)) : 0;
}

static int download(source *s, ch_arena *arena, const char *path, ch_error *err)
{
    const char *target = ch_arena_printf(arena, "%s/%s", s->staging, path);
    ch_buf rest = {0};
    CH_TRY(make_folders(target, err));
    int file = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) return ch_failf(err, CH_E_IO, "%s: %s", target, strerror(errno));
    const char *url = ch_arena_printf(arena, "/api/2.0/mlflow-artifacts/artifacts/%s", encoded(arena, path, true));
    int status = ch_fetch(&s->server, "GET", url, NULL, &rest, file, err);
    close(file);
    ch_buf_reset(&rest);
    return status;
}

/* Everything below a folder of the server's artifacts. */
static int download_folder(source *s, ch_arena *arena, const char *folder, int depth, ch_error *err)
{
    json_t *answer, *item;
    size_t i;
    int status = ask(
        s, "GET", ch_arena_printf(arena, "/api/2.0/mlflow-artifacts/artifacts?path=%s", encoded(arena, folder, false)),
        NULL, &answer, err);
    if (status) return status == CH_E_NOT_FOUND ? 0 : status;
    json_array_foreach(json_object_get(answer, "files"), i, item)
    {
        const char *path = ch_arena_printf(arena, "%s/%s", folder, ch_or_empty(ch_item_string(item, "path")));
        const char *clean = ch_artifact_clean(arena, path);
        if (status || !clean || depth > DEPTH_MOST) continue;
        status = json_is_true(json_object_get(item, "is_dir")) ? download_folder(s, arena, clean, depth + 1, err)
                                                               : download(s, arena, clean, err);
    }
    json_decref(answer);
    return status;
}

static int fetch_artifacts(source *s, ch_arena *arena, const char *uri, ch_error *err)
{
    static const char PROXY[] = "mlflow-artifacts:/";
    if (!uri || strncmp(uri, PROXY, sizeof PROXY - 1) != 0) return 0;
    const char *path = ch_artifact_clean(arena, uri + sizeof PROXY - 1 + strspn(uri + sizeof PROXY - 1, "/"));
    return path && *path ? download_folder(s, arena, path, 0, err) : 0;
}

/* --- runs ---- */

typedef struct history {
    ch_arena *arena;
    ch_sink_run *run;
    size_t *room;
    const char *key;
} history;

static int take_points(source *s, json_t *page, const void *arg, ch_error *err)
{
    (void)s;
    (void)err;
    const history *h = arg;
    json_t *item, *list = json_object_get(page, "metrics");
    size_t i, need = h->run->npoint + json_array_size(list);
    if (need > *h->room) {
        size_t grown = need > 2 * *h->room ? need : 2 * *h->room;
        h->run->points = ch_arena_grow(h->arena, h->run->points, sizeof(ch_point), h->run->npoint, grown);
        *h->room = grown;
    }
    json_array_foreach(list, i, item)
    {
        ch_point *point = &h->run->points[h->run->npoint++];
        *point = (ch_point){
            .key = h->key, .timestamp = ch_item_int(item, "timestamp", 0), .step = ch_item_int(item, "step", 0)};
        ch_point_set_value(point, ch_item_double(item, "value", 0));
    }
    return 0;
}

static int read_points(source *s, ch_arena *arena, ch_sink_run *run, json_t *latest, ch_error *err)
{
    size_t i, room = 0;
    json_t *item;
    json_array_foreach(latest, i, item)
    {
        history h = {arena, run, &room, ch_or_empty(ch_item_string(item, "key"))};
        const char *path =
            ch_arena_printf(arena, "/api/2.0/mlflow/metrics/get-history?run_id=%s&metric_key=%s&max_results=10000",
                            encoded(arena, run->run.run_id, false), encoded(arena, h.key, false));
        CH_TRY(get_pages(s, path, take_points, &h, err));
    }
    return 0;
}

static void read_datasets(ch_arena *arena, ch_sink_run *run, json_t *inputs)
{
    ch_sink_dataset *list = CH_NEW_ARRAY(arena, ch_sink_dataset, json_array_size(inputs));
    size_t i, t;
    json_t *input, *tag;
    json_array_foreach(inputs, i, input)
    {
        json_t *d = json_object_get(input, "dataset");
        list[i] = (ch_sink_dataset){
            .name = ch_or_empty(ch_item_string(d, "name")),
            .digest = ch_or_empty(ch_item_string(d, "digest")),
            .source_type = ch_or_empty(ch_item_string(d, "source_type")),
            .source = ch_or_empty(ch_item_string(d, "source")),
            .schema = ch_item_string(d, "schema"),
            .profile = ch_item_string(d, "profile"),
        };
        json_array_foreach(json_object_get(input, "tags"), t, tag)
        {
            if (strcmp(ch_or_empty(ch_item_string(tag, "key")), "mlflow.data.context") == 0) {
                list[i].context = ch_item_string(tag, "value");
            }
        }
    }
    run->datasets = list;
    run->ndataset = json_array_size(inputs);
}

static int import_run(source *s, ch_arena *arena, const ch_sink_experiment *of, json_t *item, ch_error *err)
{
    json_t *info = json_object_get(item, "info"), *data = json_object_get(item, "data");
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
    read_datasets(arena, &run, json_object_get(json_object_get(item, "inputs"), "dataset_inputs"));
    CH_TRY(read_points(s, arena, &run, json_object_get(data, "metrics"), err));
    CH_TRY(fetch_artifacts(s, arena, run.old_artifact_uri, err));
    return ch_sink_add_run(s->sink, arena, of, &run, err);
}

static int import_logged_model(source *s, ch_arena *arena, const ch_sink_experiment *of, json_t *item, ch_error *err)
{
    static const char *const STATUSES[] = {"", "LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY",
                                           "LOGGED_MODEL_UPLOAD_FAILED"};
    json_t *info = json_object_get(item, "info"), *data = json_object_get(item, "data");
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
    CH_TRY(fetch_artifacts(s, arena, model.old_artifact_uri, err));
    return ch_sink_add_logged_model(s->sink, arena, of, &model, err);
}

/* --- pages of things ---- */

typedef int (*item_fn)(source *s, ch_arena *arena, const ch_sink_experiment *of, json_t *item, ch_error *err);

typedef struct each {
    const char *member;
    item_fn fn;
    const ch_sink_experiment *of;
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

static int import_experiment(source *s, ch_arena *unused, const ch_sink_experiment *of, json_t *item, ch_error *err)
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
    e->tags = read_pairs(arena, json_object_get(item, "tags"), "key", "value", &e->ntag);
    CH_TRY(ch_sink_add_experiment(s->sink, e, err));
    each runs = {"runs", import_run, e}, models = {"models", import_logged_model, e};
    CH_TRY(post_pages(
        s, "/api/2.0/mlflow/runs/search",
        json_pack("{s:[s],s:s,s:i}", "experiment_ids", e->old_id, "run_view_type", "ALL", "max_results", 200),
        import_page, &runs, err));
    int status =
        post_pages(s, "/api/2.0/mlflow/logged-models/search",
                   json_pack("{s:[s],s:i}", "experiment_ids", e->old_id, "max_results", 50), import_page, &models, err);
    return status == CH_E_NOT_FOUND ? 0 : status; /* MLflow 2 has none */
}

/* --- registry ---- */

static int import_version(source *s, ch_arena *arena, const ch_sink_experiment *of, json_t *item, ch_error *err)
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

static int import_model(source *s, ch_arena *arena, const ch_sink_experiment *of, json_t *item, ch_error *err)
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
    const char *filter = encoded(arena, ch_arena_printf(arena, "name='%s'", model.name), false);
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
    CH_TRY(ch_fetch_parse(sink->arena, url, &s.server, err));
    int status = import_all(&s, err);
    ch_artifact_remove(sink->track->artifacts, STAGING, &ignored);
    return status;
}
