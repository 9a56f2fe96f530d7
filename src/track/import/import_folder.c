/* import_folder.c: the folder mlruns, as MLflow's file store lays it out:
 *
 *     EXPERIMENT/meta.yaml  tags/KEY
 *         RUN/meta.yaml  {params,tags,metrics}/KEY  inputs/ID/meta.yaml  outputs/MODEL/meta.yaml  artifacts/
 *         datasets/ID/meta.yaml
 *         models/MODEL/meta.yaml  {params,tags,metrics}/KEY  artifacts/
 *         traces/TRACE/trace_info.yaml  {tags,request_metadata}/KEY  assessments/ID.yaml  artifacts/
 *     models/NAME/meta.yaml  tags/KEY  aliases/ALIAS  version-N/meta.yaml  version-N/tags/KEY
 *     .trash/EXPERIMENT/...
 *
 * Keys with slashes are folders. A line of a metric is "timestamp value step", with what it was measured on behind. */
#include "base/log.h"
#include "track/import/import_sink.h"
#include "track/import/yaml.h"
#include "track/names.h"
#include "track/trace/trace_store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MOST = 64 << 20, DEPTH_MOST = 20 };

/* --- files ---- */

/* The whole of a file; NULL when it is not there. */
static char *read_file(ch_arena *arena, const char *path)
{
    struct stat st;
    FILE *file = fopen(path, "re");
    if (!file) return NULL;
    char *text = NULL;
    if (fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) && st.st_size < FILE_MOST) {
        text = ch_arena_alloc(arena, (size_t)st.st_size + 1);
        text[fread(text, 1, (size_t)st.st_size, file)] = '\0';
    }
    fclose(file);
    return text;
}

static char *path_of(ch_arena *arena, const char *folder, const char *name)
{
    return ch_arena_printf(arena, "%s/%s", folder, name);
}

typedef struct names {
    const char **items;
    size_t count, room;
} names;

static void add_name(ch_arena *arena, names *list, const char *name)
{
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 32;
        list->items = ch_arena_grow(arena, list->items, sizeof *list->items, list->count, room);
        list->room = room;
    }
    list->items[list->count++] = ch_arena_strdup(arena, name);
}

/* What is in a folder: nothing when there is none. */
static names list_folder(ch_arena *arena, const char *path)
{
    names list = {0};
    DIR *folder = opendir(path);
    for (const struct dirent *entry; folder && (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) add_name(arena, &list, entry->d_name);
    }
    if (folder) closedir(folder);
    return list;
}

/* The names of all files below, with slashes. */
static void list_files(ch_arena *arena, const char *folder, const char *prefix, int depth, names *list)
{
    names here = list_folder(arena, path_of(arena, folder, prefix));
    for (size_t i = 0; i < here.count && depth < DEPTH_MOST; i++) {
        struct stat st;
        const char *name = *prefix ? path_of(arena, prefix, here.items[i]) : here.items[i];
        if (stat(path_of(arena, folder, name), &st)) continue;
        if (S_ISDIR(st.st_mode))
            list_files(arena, folder, name, depth + 1, list);
        else if (S_ISREG(st.st_mode))
            add_name(arena, list, name);
    }
}

/* Every file below a folder as a key with its text. */
static const ch_key_value *read_pairs(ch_arena *arena, const char *folder, size_t *count)
{
    names keys = {0};
    list_files(arena, folder, "", 0, &keys);
    ch_key_value *pairs = CH_NEW_ARRAY(arena, ch_key_value, keys.count);
    for (size_t i = 0; i < keys.count; i++) {
        char *text = read_file(arena, path_of(arena, folder, keys.items[i]));
        pairs[i] = (ch_key_value){keys.items[i], text ? text : ""};
    }
    *count = keys.count;
    return pairs;
}

/* --- meta.yaml ---- */

static void free_json(void *tree)
{
    json_decref(tree);
}

/* The tree of a YAML file, which lives as long as the arena; *out NULL when there is no such file. */
static int read_yaml(ch_arena *arena, const char *folder, const char *name, json_t **out, ch_error *err)
{
    const char *path = path_of(arena, folder, name), *text = read_file(arena, path);
    ch_error why;
    *out = NULL;
    if (!text) return 0;
    if (ch_yaml_read(text, strlen(text), out, &why)) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s: %s", path, why.message);
    }
    if (*out) ch_arena_defer(arena, free_json, *out);
    return 0;
}

static int read_meta(ch_arena *arena, const char *folder, json_t **out, ch_error *err)
{
    return read_yaml(arena, folder, "meta.yaml", out, err);
}

/* Text, also of what is written as a number; NULL for what is not there or null. */
static const char *text_of(ch_arena *arena, json_t *meta, const char *name)
{
    json_t *value = json_object_get(meta, name);
    if (json_is_integer(value)) return ch_arena_printf(arena, "%lld", (long long)json_integer_value(value));
    return json_string_value(value);
}

static const char *text_or_empty(ch_arena *arena, json_t *meta, const char *name)
{
    return ch_or_empty(text_of(arena, meta, name));
}

static int64_t int_of(json_t *meta, const char *name)
{
    return ch_item_int(meta, name, 0);
}

static bool is_deleted(json_t *meta)
{
    return strcmp(ch_or_empty(ch_item_string(meta, "lifecycle_stage")), "deleted") == 0;
}

/* A map to texts as pairs. */
static const ch_key_value *pairs_of(ch_arena *arena, json_t *map, size_t *count)
{
    const char *key;
    json_t *value;
    ch_key_value *pairs = CH_NEW_ARRAY(arena, ch_key_value, json_object_size(map));
    *count = 0;
    json_object_foreach(map, key, value) pairs[(*count)++] = (ch_key_value){key, text_or_empty(arena, map, key)};
    return pairs;
}

/* --- runs ---- */

static void add_points(ch_arena *arena, ch_sink_run *run, const char *key, const char *text)
{
    while (*text) {
        char value[64];
        long long timestamp, step = 0;
        if (sscanf(text, "%lld %63s %lld", &timestamp, value, &step) >= 2) {
            run->points = ch_sink_room(arena, run->points, run->npoint, sizeof *run->points);
            ch_point *point = &run->points[run->npoint++];
            *point = (ch_point){.key = key, .timestamp = timestamp, .step = step};
            ch_point_set_value(point, strtod(value, NULL));
        }
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
}

static void read_points(ch_arena *arena, const char *folder, ch_sink_run *run)
{
    names keys = {0};
    list_files(arena, folder, "", 0, &keys);
    for (size_t i = 0; i < keys.count; i++) {
        const char *text = read_file(arena, path_of(arena, folder, keys.items[i]));
        if (text) add_points(arena, run, keys.items[i], text);
    }
}

static int add_dataset(ch_arena *arena, const ch_sink_experiment *of, const char *id, json_t *tags, ch_sink_run *run,
                       ch_error *err)
{
    json_t *meta;
    CH_TRY(read_meta(arena, ch_arena_printf(arena, "%s/datasets/%s", of->folder, id), &meta, err));
    if (!meta) return 0;
    run->datasets = ch_sink_room(arena, run->datasets, run->ndataset, sizeof *run->datasets);
    ch_sink_dataset *d = &run->datasets[run->ndataset++];
    *d = (ch_sink_dataset){
        .name = text_or_empty(arena, meta, "name"),
        .digest = text_or_empty(arena, meta, "digest"),
        .source_type = text_or_empty(arena, meta, "source_type"),
        .source = text_or_empty(arena, meta, "source"),
        .schema = text_of(arena, meta, "schema"),
        .profile = text_of(arena, meta, "profile"),
    };
    d->tags = pairs_of(arena, tags, &d->ntag);
    return 0;
}

static void add_model(ch_arena *arena, ch_sink_run *run, const char *model_id, int64_t step, bool is_output)
{
    run->models = ch_sink_room(arena, run->models, run->nmodel, sizeof *run->models);
    run->models[run->nmodel++] = (ch_sink_model_link){.model_id = model_id, .step = step, .is_output = is_output};
}

/* Datasets and models that the run read, models that it made. */
static int read_links(ch_arena *arena, const ch_sink_experiment *of, const char *folder, ch_sink_run *run,
                      ch_error *err)
{
    const char *inputs = path_of(arena, folder, "inputs"), *outputs = path_of(arena, folder, "outputs");
    json_t *meta;
    names list = list_folder(arena, inputs);
    for (size_t i = 0; i < list.count; i++) {
        CH_TRY(read_meta(arena, path_of(arena, inputs, list.items[i]), &meta, err));
        const char *id = text_or_empty(arena, meta, "source_id"), *type = text_or_empty(arena, meta, "source_type");
        if (strcmp(type, "DATASET") == 0)
            CH_TRY(add_dataset(arena, of, id, json_object_get(meta, "tags"), run, err));
        else if (strcmp(type, "MODEL") == 0)
            add_model(arena, run, id, 0, false);
    }
    list = list_folder(arena, outputs);
    for (size_t i = 0; i < list.count; i++) {
        CH_TRY(read_meta(arena, path_of(arena, outputs, list.items[i]), &meta, err));
        if (meta) add_model(arena, run, list.items[i], int_of(meta, "step"), true);
    }
    return 0;
}

/* A number in the files; older ones have the word. */
static const char *status_name(json_t *meta)
{
    static const char *const NAMES[] = {"RUNNING", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"};
    const char *word = ch_item_string(meta, "status");
    int64_t number = int_of(meta, "status");
    for (size_t i = 1; word && i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(word, NAMES[i]) == 0) return NAMES[i];
    return NAMES[number > 0 && number <= 5 ? number : 0];
}

static int import_run(ch_sink *sink, ch_arena *arena, ch_sink_experiment *of, const char *folder, ch_error *err)
{
    json_t *meta;
    bool known;
    CH_TRY(read_meta(arena, folder, &meta, err));
    const char *id = text_of(arena, meta, "run_id");
    if (!id) id = text_of(arena, meta, "run_uuid");
    if (!id) return 0; /* not a run: datasets, traces */
    CH_TRY(ch_sink_knows(sink, CH_SINK_RUN, id, &known, err));
    if (known) return 0;
    json_t *end = json_object_get(meta, "end_time");
    ch_sink_run run = {
        .run = {.run_id = id,
                .name = text_or_empty(arena, meta, "run_name"),
                .user_id = text_or_empty(arena, meta, "user_id"),
                .status = status_name(meta),
                .start_time = int_of(meta, "start_time"),
                .end_time = int_of(meta, "end_time"),
                .has_end = end && !json_is_null(end),
                .deleted = is_deleted(meta)},
        .deleted_time = int_of(meta, "deleted_time"),
        .old_artifact_uri = text_or_empty(arena, meta, "artifact_uri"),
    };
    run.params = read_pairs(arena, path_of(arena, folder, "params"), &run.nparam);
    run.tags = read_pairs(arena, path_of(arena, folder, "tags"), &run.ntag);
    read_points(arena, path_of(arena, folder, "metrics"), &run);
    CH_TRY(read_links(arena, of, folder, &run, err));
    return ch_sink_add_run(sink, arena, of, &run, err);
}

/* --- logged models ---- */

/* Lines of "timestamp value step run [dataset digest]". */
static void add_model_points(ch_arena *arena, ch_sink_logged_model *model, const char *key, const char *text)
{
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
        char value[64], run[257], dataset[501] = "", digest[37] = "";
        long long timestamp, step;
        const char *line = ch_arena_strndup(arena, text, strcspn(text, "\n"));
        if (sscanf(line, "%lld %63s %lld %256s %500s %36s", &timestamp, value, &step, run, dataset, digest) < 4)
            continue;
        model->points = ch_sink_room(arena, model->points, model->npoint, sizeof *model->points);
        ch_sink_model_point *p = &model->points[model->npoint++];
        p->run_id = ch_arena_strdup(arena, run);
        p->point = (ch_point){.key = key,
                              .timestamp = timestamp,
                              .step = step,
                              .dataset_name = ch_arena_strdup(arena, dataset),
                              .dataset_digest = ch_arena_strdup(arena, digest)};
        ch_point_set_value(&p->point, strtod(value, NULL));
    }
}

static int import_logged_model(ch_sink *sink, ch_arena *arena, ch_sink_experiment *of, const char *folder,
                               ch_error *err)
{
    json_t *meta;
    bool known;
    names keys = {0};
    const char *metrics = path_of(arena, folder, "metrics");
    CH_TRY(read_meta(arena, folder, &meta, err));
    const char *id = text_of(arena, meta, "model_id");
    if (!id) return 0;
    CH_TRY(ch_sink_knows(sink, CH_SINK_LOGGED_MODEL, id, &known, err));
    if (known) return 0;
    ch_sink_logged_model model = {
        .model_id = id,
        .name = text_or_empty(arena, meta, "name"),
        .old_artifact_uri = text_or_empty(arena, meta, "artifact_location"),
        .model_type = text_of(arena, meta, "model_type"),
        .source_run_id = text_of(arena, meta, "source_run_id"),
        .status_message = text_of(arena, meta, "status_message"),
        .created = int_of(meta, "creation_timestamp"),
        .updated = int_of(meta, "last_updated_timestamp"),
        .status = int_of(meta, "status"),
        .deleted = is_deleted(meta),
    };
    model.params = read_pairs(arena, path_of(arena, folder, "params"), &model.nparam);
    model.tags = read_pairs(arena, path_of(arena, folder, "tags"), &model.ntag);
    list_files(arena, metrics, "", 0, &keys);
    for (size_t i = 0; i < keys.count; i++) {
        const char *text = read_file(arena, path_of(arena, metrics, keys.items[i]));
        if (text) add_model_points(arena, &model, keys.items[i], text);
    }
    return ch_sink_add_logged_model(sink, arena, of, &model, err);
}

/* --- traces ---- */

static int read_assessments(ch_arena *arena, const char *folder, json_t *list, ch_error *err)
{
    names files = list_folder(arena, folder);
    for (size_t i = 0; i < files.count; i++) {
        json_t *assessment;
        CH_TRY(read_yaml(arena, folder, files.items[i], &assessment, err));
        if (json_is_object(assessment)) json_array_append(list, assessment);
    }
    return 0;
}

/* Times are text since MLflow 3 and numbers before. */
static int64_t time_of(json_t *meta)
{
    const char *text = ch_item_string(meta, "request_time");
    return text ? ch_time_read(text) : ch_item_int(meta, "timestamp_ms", int_of(meta, "request_time"));
}

static int import_trace(ch_sink *sink, ch_arena *arena, ch_sink_experiment *of, const char *folder, ch_error *err)
{
    json_t *meta, *assessments = json_array();
    bool known;
    ch_arena_defer(arena, free_json, assessments);
    CH_TRY(read_yaml(arena, folder, "trace_info.yaml", &meta, err));
    const char *id = text_of(arena, meta, "trace_id"), *state = text_of(arena, meta, "state");
    if (!id) id = text_of(arena, meta, "request_id");
    if (!id) return 0;
    CH_TRY(ch_sink_knows(sink, CH_SINK_TRACE, id, &known, err));
    if (known) return 0;
    CH_TRY(read_assessments(arena, path_of(arena, folder, "assessments"), assessments, err));
    ch_sink_trace trace = {
        .trace_id = id,
        .state = state ? state : text_of(arena, meta, "status"),
        .client_request_id = text_of(arena, meta, "client_request_id"),
        .request_preview = text_of(arena, meta, "request_preview"),
        .response_preview = text_of(arena, meta, "response_preview"),
        .request_time = time_of(meta),
        .duration = ch_item_int(meta, "execution_duration_ms", ch_item_int(meta, "execution_time_ms", -1)),
        .assessments = assessments,
    };
    trace.tags = read_pairs(arena, path_of(arena, folder, "tags"), &trace.ntag);
    trace.metadata = read_pairs(arena, path_of(arena, folder, "request_metadata"), &trace.nmetadata);
    return ch_sink_add_trace(sink, arena, of, &trace, err);
}

/* Runs fn on each folder of a folder, with an arena for each. One whose files are broken is left out. */
typedef int (*import_fn)(ch_sink *sink, ch_arena *arena, ch_sink_experiment *of, const char *folder, ch_error *err);

static int each_folder(ch_sink *sink, ch_sink_experiment *of, const char *folder, import_fn fn, ch_error *err)
{
    names inside = list_folder(sink->arena, folder);
    for (size_t i = 0; i < inside.count; i++) {
        ch_arena *arena = ch_arena_new();
        int status = fn(sink, arena, of, path_of(arena, folder, inside.items[i]), err);
        ch_arena_free(arena);
        if (status == CH_E_ILLEGAL_ARGUMENT) {
            ch_log(CH_LOG_WARN, "left out: %s", err->message);
            sink->counts->broken++;
            status = 0;
        }
        CH_TRY(status);
    }
    return 0;
}

/* --- experiments ---- */

static int import_experiment(ch_sink *sink, const char *folder, ch_error *err)
{
    ch_arena *arena = sink->arena;
    json_t *meta;
    CH_TRY(read_meta(arena, folder, &meta, err));
    if (!text_of(arena, meta, "experiment_id")) return 0;
    ch_sink_experiment *e = CH_NEW(arena, ch_sink_experiment);
    *e = (ch_sink_experiment){
        .old_id = text_of(arena, meta, "experiment_id"),
        .name = text_or_empty(arena, meta, "name"),
        .old_location = text_or_empty(arena, meta, "artifact_location"),
        .folder = folder,
        .deleted = is_deleted(meta),
        .created = int_of(meta, "creation_time"),
        .updated = int_of(meta, "last_update_time"),
    };
    e->tags = read_pairs(arena, path_of(arena, folder, "tags"), &e->ntag);
    CH_TRY(ch_sink_add_experiment(sink, e, err));
    CH_TRY(each_folder(sink, e, folder, import_run, err));
    CH_TRY(each_folder(sink, e, path_of(arena, folder, "models"), import_logged_model, err));
    return each_folder(sink, e, path_of(arena, folder, "traces"), import_trace, err);
}

static int import_experiments(ch_sink *sink, const char *folder, ch_error *err)
{
    names inside = list_folder(sink->arena, folder);
    for (size_t i = 0; i < inside.count; i++) {
        if (strcmp(inside.items[i], "models") == 0 || strcmp(inside.items[i], ".trash") == 0) continue;
        CH_TRY(import_experiment(sink, path_of(sink->arena, folder, inside.items[i]), err));
    }
    return 0;
}

/* --- registry ---- */

static int import_version(ch_sink *sink, ch_arena *arena, const char *folder, ch_error *err)
{
    json_t *meta;
    CH_TRY(read_meta(arena, folder, &meta, err));
    if (!int_of(meta, "version")) return 0;
    ch_sink_version version = {
        .model = text_or_empty(arena, meta, "name"),
        .version = int_of(meta, "version"),
        .created = int_of(meta, "creation_timestamp"),
        .updated = int_of(meta, "last_updated_timestamp"),
        .description = text_of(arena, meta, "description"),
        .user_id = text_of(arena, meta, "user_id"),
        .stage = text_of(arena, meta, "current_stage"),
        .source = text_of(arena, meta, "source"),
        .storage_location = text_of(arena, meta, "storage_location"),
        .run_id = text_of(arena, meta, "run_id"),
        .run_link = text_of(arena, meta, "run_link"),
        .status = text_of(arena, meta, "status"),
        .status_message = text_of(arena, meta, "status_message"),
        .model_id = text_of(arena, meta, "model_id"),
    };
    if (version.stage && strcmp(version.stage, "Deleted_Internal") == 0) return 0;
    version.tags = read_pairs(arena, path_of(arena, folder, "tags"), &version.ntag);
    return ch_sink_add_version(sink, arena, &version, err);
}

static int import_model(ch_sink *sink, ch_arena *arena, ch_sink_experiment *of, const char *folder, ch_error *err)
{
    (void)of;
    json_t *meta;
    CH_TRY(read_meta(arena, folder, &meta, err));
    const char *name = text_of(arena, meta, "name");
    if (!name) return 0;
    ch_sink_model model = {
        .name = name,
        .description = text_of(arena, meta, "description"),
        .created = int_of(meta, "creation_timestamp"),
        .updated = int_of(meta, "last_updated_timestamp"),
    };
    model.tags = read_pairs(arena, path_of(arena, folder, "tags"), &model.ntag);
    model.aliases = read_pairs(arena, path_of(arena, folder, "aliases"), &model.nalias);
    CH_TRY(ch_sink_add_model(sink, &model, err));
    names inside = list_folder(arena, folder);
    for (size_t i = 0; i < inside.count; i++) {
        if (strncmp(inside.items[i], "version-", 8) != 0) continue;
        CH_TRY(import_version(sink, arena, path_of(arena, folder, inside.items[i]), err));
    }
    return 0;
}

int ch_import_folder(ch_sink *sink, const char *folder, ch_error *err)
{
    ch_arena *arena = sink->arena;
    CH_TRY(import_experiments(sink, folder, err));
    CH_TRY(import_experiments(sink, path_of(arena, folder, ".trash"), err));
    if (!sink->experiments) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s holds no experiments: it is no folder mlruns", folder);
    }
    return each_folder(sink, NULL, path_of(arena, folder, "models"), import_model, err);
}
