/* gc.c: `chert gc`: removes deleted runs and experiments for good. */
#include "track/gc.h"
#include "base/arena.h"
#include "cli/commands.h"
#include "cli/store_path.h"

#include <stdlib.h>
#include <string.h>

typedef struct gc_settings {
    const char *store, *artifacts, *older_than, *run_ids, *experiment_ids, *model_ids;
    bool dry_run;
} gc_settings;

static int run_gc(int argc, char **argv);

static const cli_option OPTIONS[] = {
    {.name = "store",
     .kind = CLI_TEXT,
     .argument = "FILE|URL",
     .default_text = CLI_DEFAULT_STORE,
     .offset = offsetof(gc_settings, store),
     .help = "the store, see `chert serve`"},
    {.name = "artifacts",
     .kind = CLI_TEXT,
     .argument = "FOLDER",
     .offset = offsetof(gc_settings, artifacts),
     .help = "its artifacts; the folder artifacts beside the store when not given"},
    {.name = "older-than",
     .kind = CLI_TEXT,
     .argument = "DURATION",
     .offset = offsetof(gc_settings, older_than),
     .help = "only what was deleted so long ago, such as 7d12h30m; an error for what is named and was not"},
    {.name = "run-ids",
     .kind = CLI_TEXT,
     .argument = "ID,ID,...",
     .offset = offsetof(gc_settings, run_ids),
     .help = "these runs only"},
    {.name = "experiment-ids",
     .kind = CLI_TEXT,
     .argument = "ID,ID,...",
     .offset = offsetof(gc_settings, experiment_ids),
     .help = "these experiments only, with all they hold"},
    {.name = "logged-model-ids",
     .kind = CLI_TEXT,
     .argument = "ID,ID,...",
     .offset = offsetof(gc_settings, model_ids),
     .help = "these logged models only"},
    {.name = "dry-run",
     .kind = CLI_FLAG,
     .offset = offsetof(gc_settings, dry_run),
     .help = "only tell what would be removed"},
};

const cli_command cli_gc = {
    .name = "gc",
    .summary = "remove deleted runs and experiments for good, artifacts included",
    .text = "What was deleted in the pages or by MLflow's API can be restored, and keeps its name and its files. This\n"
            "command removes it for good and frees the names:\n\n"
            "  chert gc --store chert-data/tracking.db --older-than 30d\n\n"
            "It removes what `mlflow gc` removes: deleted runs, logged models and experiments, the latter with their\n"
            "traces, and their artifacts; also what abandoned uploads left. Versions of registered models stay, even\n"
            "when their files were those of a removed run: they are named.\n\n"
            "A running server holds its store; there, the button in the pages does the same.\n",
    .noption = sizeof OPTIONS / sizeof *OPTIONS,
    .options = OPTIONS,
    .run = run_gc,
};

/* "7d12h30m5s" in milliseconds; false when it is none. */
static bool read_duration(const char *text, int64_t *ms)
{
    *ms = 0;
    if (!*text) return false;
    while (*text) {
        char *end;
        double number = strtod(text, &end);
        const char *unit = *end ? strchr("dhms", *end) : NULL;
        if (end == text || !unit || !(number >= 0 && number < 1e6)) return false;
        *ms += (int64_t)(number * (*unit == 'd' ? 86400e3 : *unit == 'h' ? 3600e3 : *unit == 'm' ? 60e3 : 1e3));
        text = end + 1;
    }
    return true;
}

/* The words between commas. */
static size_t split(ch_arena *arena, const char *text, const char ***out)
{
    size_t n = 0;
    *out = CH_NEW_ARRAY(arena, const char *, strlen(text) / 2 + 1);
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, ",");
        if (len > 0) (*out)[n++] = ch_arena_strndup(arena, at, len);
        at += len + (at[len] == ',');
    }
    return n;
}

static int read_request(ch_arena *arena, const gc_settings *settings, ch_gc_request *out, ch_error *err)
{
    const char **words;
    *out = (ch_gc_request){.everything = !settings->run_ids && !settings->experiment_ids && !settings->model_ids,
                           .dry_run = settings->dry_run};
    if (settings->older_than && !read_duration(settings->older_than, &out->older_than_ms)) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "--older-than %s is no duration such as 7d12h",
                        settings->older_than);
    }
    if (settings->run_ids) {
        out->nrun = split(arena, settings->run_ids, &words);
        out->run_ids = words;
    }
    if (settings->model_ids) {
        out->nmodel = split(arena, settings->model_ids, &words);
        out->model_ids = words;
    }
    if (settings->experiment_ids) {
        out->nexperiment = split(arena, settings->experiment_ids, &words);
        int64_t *ids = CH_NEW_ARRAY(arena, int64_t, out->nexperiment);
        for (size_t i = 0; i < out->nexperiment; i++) {
            char *end;
            ids[i] = strtoll(words[i], &end, 10);
            if (*end) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s is no experiment's id", words[i]);
        }
        out->experiments = ids;
    }
    return 0;
}

static int collect(ch_arena *arena, const gc_settings *settings, ch_error *err)
{
    ch_track *track;
    ch_gc_request request;
    ch_gc_result result;
    ch_track_options options = {.store = settings->store,
                                .artifacts = settings->artifacts ? settings->artifacts
                                                                 : cli_artifacts_beside(arena, settings->store)};
    CH_TRY(read_request(arena, settings, &request, err));
    CH_TRY(ch_track_open(&options, &track, err));
    int status = ch_track_gc(track, arena, &request, &result, err);
    ch_track_close(track);
    if (status) return status;
    for (size_t i = 0; settings->dry_run && i < result.nitem; i++)
        printf("%s %s in %s\n", result.items[i].kind, result.items[i].name, result.items[i].artifacts);
    const char *done = settings->dry_run ? "would remove" : "removed";
    printf("%s %lld runs, %lld experiments, %lld logged models\n", done, (long long)result.runs,
           (long long)result.experiments, (long long)result.models);
    for (size_t i = 0; i < result.nversion; i++)
        printf("models:/%s %s its files with them\n", result.versions[i], settings->dry_run ? "would lose" : "lost");
    return 0;
}

static int run_gc(int argc, char **argv)
{
    gc_settings settings = {0};
    int first, status;
    ch_error err;
    if (!cli_start(&cli_gc, argc, argv, &settings, &first, &status)) return status;
    ch_arena *arena = ch_arena_new();
    status = collect(arena, &settings, &err);
    if (status) fprintf(stderr, "chert gc: %s\n", err.message);
    ch_arena_free(arena);
    return status ? 1 : 0;
}
