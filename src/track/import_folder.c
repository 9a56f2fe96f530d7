/* import_folder.c: the folder mlruns, as MLflow's file store lays it out:
 *
 *     EXPERIMENT/meta.yaml  tags/KEY  RUN/meta.yaml  RUN/{params,tags,metrics}/KEY  RUN/artifacts/
 * models/MODEL/meta.yaml models/NAME/meta.yaml  tags/KEY  aliases/ALIAS  version-N/meta.yaml  version-N/tags/KEY
 *     .trash/EXPERIMENT/...
 *
 * Keys with slashes are folders. meta.yaml is flat: a scalar a line. A line of a metric is "timestamp value step". */
#include "track/import_sink.h"

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

typedef struct meta {
    ch_arena *arena;
    const char *text; /* NULL: there is no such file */
} meta;

static meta read_meta(ch_arena *arena, const char *folder)
{
    return (meta){arena, read_file(arena, path_of(arena, folder, "meta.yaml"))};
}

/* A scalar without its quotes: 'it''s', "a \"b\"" or plain. */
static char *unquote(ch_arena *arena, const char *text, size_t len)
{
    char *out = ch_arena_strndup(arena, text, len), *to = out;
    char quote = len >= 2 && (text[0] == '\'' || text[0] == '"') && text[len - 1] == text[0] ? text[0] : '\0';
    if (!quote) return out;
    for (size_t i = 1; i + 1 < len; i++) {
        if (quote == '\'' && text[i] == '\'' && text[i + 1] == '\'')
            i++;
        else if (quote == '"' && text[i] == '\\' && i + 2 < len)
            i++;
        *to++ = text[i];
    }
    *to = '\0';
    return out;
}

/* NULL for what is not there or null. */
static const char *meta_text(const meta *m, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = m->text; line && *line;) {
        size_t end = strcspn(line, "\n");
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            const char *value = line + len + 1;
            value += strspn(value, " ");
            size_t n = (size_t)(line + end - value);
            while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\r')) n--;
            if (n == 0 || (n == 4 && memcmp(value, "null", 4) == 0)) return NULL;
            return unquote(m->arena, value, n);
        }
        line += end + (line[end] == '\n');
    }
    return NULL;
}

static const char *text_or_empty(const meta *m, const char *name)
{
    const char *text = meta_text(m, name);
    return text ? text : "";
}

static int64_t meta_int(const meta *m, const char *name)
{
    const char *text = meta_text(m, name);
    return text ? strtoll(text, NULL, 10) : 0;
}

static bool is_deleted(const meta *m)
{
    return strcmp(text_or_empty(m, "lifecycle_stage"), "deleted") == 0;
}

/* --- runs ---- */

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += *text == '\n';
    return n + 1;
}

static void add_points(ch_arena *arena, ch_sink_run *run, const char *key, const char *text, size_t *room)
{
    size_t need = run->npoint + count_lines(text);
    if (need > *room) {
        size_t grown = need > 2 * *room ? need : 2 * *room;
        run->points = ch_arena_grow(arena, run->points, sizeof *run->points, run->npoint, grown);
        *room = grown;
    }
    while (*text) {
        char value[64];
        long long timestamp, step = 0;
        if (sscanf(text, "%lld %63s %lld", &timestamp, value, &step) >= 2) {
            ch_point *point = &run->points[run->npoint++];
            *point = (ch_point){.key = key, .timestamp = timestamp, .step = step};
            ch_point_set_value(point, strtod(value, NULL));
        }
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
}

static const char *status_name(const meta *m)
{
    static const char *const NAMES[] = {"RUNNING", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"};
    int64_t number = meta_int(m, "status");
    return NAMES[number > 0 && number <= 5 ? number : 0];
}

static int import_run(ch_sink *sink, ch_arena *arena, const ch_sink_experiment *of, const char *folder, ch_error *err)
{
    meta m = read_meta(arena, folder);
    const char *id = meta_text(&m, "run_id");
    if (!id) id = meta_text(&m, "run_uuid");
    if (!id) return 0; /* not a run: datasets, traces */
    ch_sink_run run = {
        .run = {.run_id = id,
                .name = text_or_empty(&m, "run_name"),
                .user_id = text_or_empty(&m, "user_id"),
                .status = status_name(&m),
                .start_time = meta_int(&m, "start_time"),
                .end_time = meta_int(&m, "end_time"),
                .has_end = meta_text(&m, "end_time") != NULL,
                .deleted = is_deleted(&m)},
        .deleted_time = meta_int(&m, "deleted_time"),
        .old_artifact_uri = text_or_empty(&m, "artifact_uri"),
    };
    size_t room = 0;
    names keys = {0};
    const char *metrics = path_of(arena, folder, "metrics");
    run.params = read_pairs(arena, path_of(arena, folder, "params"), &run.nparam);
    run.tags = read_pairs(arena, path_of(arena, folder, "tags"), &run.ntag);
    list_files(arena, metrics, "", 0, &keys);
    for (size_t i = 0; i < keys.count; i++) {
        const char *text = read_file(arena, path_of(arena, metrics, keys.items[i]));
        if (text) add_points(arena, &run, keys.items[i], text, &room);
    }
    return ch_sink_add_run(sink, arena, of, &run, err);
}

/* --- logged models ---- */

static int import_logged_model(ch_sink *sink, ch_arena *arena, const ch_sink_experiment *of, const char *folder,
                               ch_error *err)
{
    meta m = read_meta(arena, folder);
    const char *id = meta_text(&m, "model_id");
    if (!id) return 0;
    ch_sink_logged_model model = {
        .model_id = id,
        .name = text_or_empty(&m, "name"),
        .old_artifact_uri = text_or_empty(&m, "artifact_location"),
        .model_type = meta_text(&m, "model_type"),
        .source_run_id = meta_text(&m, "source_run_id"),
        .status_message = meta_text(&m, "status_message"),
        .created = meta_int(&m, "creation_timestamp"),
        .updated = meta_int(&m, "last_updated_timestamp"),
        .status = meta_int(&m, "status"),
        .deleted = is_deleted(&m),
    };
    model.params = read_pairs(arena, path_of(arena, folder, "params"), &model.nparam);
    model.tags = read_pairs(arena, path_of(arena, folder, "tags"), &model.ntag);
    return ch_sink_add_logged_model(sink, arena, of, &model, err);
}

/* Runs fn on each folder of a folder, with an arena for each. */
typedef int (*import_fn)(ch_sink *sink, ch_arena *arena, const ch_sink_experiment *of, const char *folder,
                         ch_error *err);

static int each_folder(ch_sink *sink, const ch_sink_experiment *of, const char *folder, import_fn fn, ch_error *err)
{
    names inside = list_folder(sink->arena, folder);
    for (size_t i = 0; i < inside.count; i++) {
        ch_arena *arena = ch_arena_new();
        int status = fn(sink, arena, of, path_of(arena, folder, inside.items[i]), err);
        ch_arena_free(arena);
        CH_TRY(status);
    }
    return 0;
}

/* --- experiments ---- */

static int import_experiment(ch_sink *sink, const char *folder, ch_error *err)
{
    meta m = read_meta(sink->arena, folder);
    if (!meta_text(&m, "experiment_id")) return 0;
    ch_sink_experiment *e = CH_NEW(sink->arena, ch_sink_experiment);
    *e = (ch_sink_experiment){
        .old_id = meta_text(&m, "experiment_id"),
        .name = text_or_empty(&m, "name"),
        .old_location = text_or_empty(&m, "artifact_location"),
        .deleted = is_deleted(&m),
        .created = meta_int(&m, "creation_time"),
        .updated = meta_int(&m, "last_update_time"),
    };
    e->tags = read_pairs(sink->arena, path_of(sink->arena, folder, "tags"), &e->ntag);
    CH_TRY(ch_sink_add_experiment(sink, e, err));
    CH_TRY(each_folder(sink, e, folder, import_run, err));
    return each_folder(sink, e, path_of(sink->arena, folder, "models"), import_logged_model, err);
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
    meta m = read_meta(arena, folder);
    if (!meta_text(&m, "version")) return 0;
    ch_sink_version version = {
        .model = text_or_empty(&m, "name"),
        .version = meta_int(&m, "version"),
        .created = meta_int(&m, "creation_timestamp"),
        .updated = meta_int(&m, "last_updated_timestamp"),
        .description = meta_text(&m, "description"),
        .user_id = meta_text(&m, "user_id"),
        .stage = meta_text(&m, "current_stage"),
        .source = meta_text(&m, "source"),
        .storage_location = meta_text(&m, "storage_location"),
        .run_id = meta_text(&m, "run_id"),
        .run_link = meta_text(&m, "run_link"),
        .status = meta_text(&m, "status"),
        .status_message = meta_text(&m, "status_message"),
        .model_id = meta_text(&m, "model_id"),
    };
    if (version.stage && strcmp(version.stage, "Deleted_Internal") == 0) return 0;
    version.tags = read_pairs(arena, path_of(arena, folder, "tags"), &version.ntag);
    return ch_sink_add_version(sink, arena, &version, err);
}

static int import_model(ch_sink *sink, ch_arena *arena, const ch_sink_experiment *of, const char *folder, ch_error *err)
{
    (void)of;
    meta m = read_meta(arena, folder);
    const char *name = meta_text(&m, "name");
    if (!name) return 0;
    ch_sink_model model = {
        .name = name,
        .description = meta_text(&m, "description"),
        .created = meta_int(&m, "creation_timestamp"),
        .updated = meta_int(&m, "last_updated_timestamp"),
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
