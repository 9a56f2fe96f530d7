/* import_mlflow.c: `chert import-mlflow`: takes over what MLflow has stored. */
#include "cli/commands.h"
#include "cli/store_path.h"
#include "track/call.h"
#include "track/import/import.h"

#include <stdio.h>

enum { PROGRESS_MS = 5000 };

typedef struct import_settings {
    const char *store, *artifacts, *artifacts_from;
} import_settings;

static int run_import(int argc, char **argv);

static const cli_option OPTIONS[] = {
    {.name = "store",
     .kind = CLI_TEXT,
     .argument = "FILE|URL",
     .default_text = CLI_DEFAULT_STORE,
     .offset = offsetof(import_settings, store),
     .help = "the store to import into, see `chert serve`; it must not be in use"},
    {.name = "artifacts",
     .kind = CLI_TEXT,
     .argument = "FOLDER",
     .offset = offsetof(import_settings, artifacts),
     .help = "its artifacts; the folder artifacts beside the store when not given"},
    {.name = "artifacts-from",
     .kind = CLI_TEXT,
     .argument = "FOLDER",
     .offset = offsetof(import_settings, artifacts_from),
     .help = "where MLflow's server kept the artifacts it names mlflow-artifacts:/...; the folder mlartifacts "
             "beside the source when not given"},
};

const cli_command cli_import_mlflow = {
    .name = "import-mlflow",
    .operands = "SOURCE",
    .summary = "take over experiments, runs and models from an MLflow store",
    .text =
        "SOURCE is a folder mlruns, the file of an SQLite store, or the address of a running server (the way in for\n"
        "stores that are kept in another database):\n\n"
        "  chert import-mlflow mlruns\n"
        "  chert import-mlflow --artifacts-from mlartifacts sqlite:///mlflow.db\n"
        "  chert import-mlflow https://mlflow.example.org\n\n"
        "It takes experiments and runs (deleted ones too), params, whole metric histories, tags, datasets, logged\n"
        "models, traces with spans and assessments, registered models with versions, stages and aliases, and copies\n"
        "the artifacts. Artifacts in S3 and the like stay there. A server is asked with MLflow's own settings:\n"
        "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN; the certificate of an\n"
        "https address must be good, MLFLOW_TRACKING_SERVER_CERT_PATH names others to trust.\n\n"
        "Runs, models and traces keep their ids, experiments their numbers where those are free. Each comes whole or\n"
        "not at all: when an import ends early, start it again and it goes on. What is there already stays as it is,\n"
        "so a second import adds only what is new; an experiment of a name that exists gets the runs.\n",
    .noption = sizeof OPTIONS / sizeof *OPTIONS,
    .options = OPTIONS,
    .run = run_import,
};

/* A line now and then while it goes on. */
static void tell_progress(const ch_import_counts *counts, void *arg)
{
    int64_t *told = arg, now = ch_clock_ms();
    if (now - *told < PROGRESS_MS) return;
    *told = now;
    fprintf(stderr, "... %lld runs with %lld metric points, %lld logged models, %lld traces, %lld versions, %lld files",
            (long long)counts->runs, (long long)counts->points, (long long)counts->logged_models,
            (long long)counts->traces, (long long)counts->versions, (long long)counts->files);
    if (counts->known) fprintf(stderr, "; %lld were there already", (long long)counts->known);
    fprintf(stderr, "\n");
}

static void tell_counts(const ch_import_counts *counts)
{
    printf("imported %lld experiments, %lld runs with %lld metric points, %lld logged models, %lld traces, "
           "%lld registered models with %lld versions, %lld files\n",
           (long long)counts->experiments, (long long)counts->runs, (long long)counts->points,
           (long long)counts->logged_models, (long long)counts->traces, (long long)counts->models,
           (long long)counts->versions, (long long)counts->files);
    if (counts->known)
        printf("%lld runs, logged models, traces and versions were there already\n", (long long)counts->known);
    if (counts->broken) printf("%lld could not be read and were left out\n", (long long)counts->broken);
}

static int import_into(ch_arena *arena, const import_settings *settings, const char *source, ch_error *err)
{
    ch_track *track;
    ch_import_counts counts;
    int64_t told = ch_clock_ms();
    ch_track_options options = {.store = settings->store,
                                .artifacts = settings->artifacts ? settings->artifacts
                                                                 : cli_artifacts_beside(arena, settings->store)};
    ch_import_options what = {
        .source = source, .artifacts = settings->artifacts_from, .progress = tell_progress, .progress_arg = &told};
    CH_TRY(ch_track_open(&options, &track, err));
    int status = ch_track_import(track, &what, &counts, err);
    ch_track_close(track);
    if (!status || counts.experiments + counts.runs > 0) tell_counts(&counts);
    if (status && counts.experiments + counts.runs > 0)
        fprintf(stderr,
                "the import did not come to its end; what was imported is kept, another one goes on from there\n");
    return !status && counts.broken ? ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the source is damaged") : status;
}

static int run_import(int argc, char **argv)
{
    import_settings settings = {0};
    int first, status;
    ch_error err;
    if (!cli_start(&cli_import_mlflow, argc, argv, &settings, &first, &status)) return status;
    if (argc - first != 1) {
        fprintf(stderr, "chert import-mlflow: name one source; `chert import-mlflow --help` tells more\n");
        return 2;
    }
    ch_arena *arena = ch_arena_new();
    status = import_into(arena, &settings, argv[first], &err);
    if (status)
        fprintf(stderr, "chert import-mlflow: %s\nwhat was imported is kept; another import goes on from there\n",
                err.message);
    ch_arena_free(arena);
    return status ? 1 : 0;
}
