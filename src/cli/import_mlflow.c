/* import_mlflow.c: `chert import-mlflow`: takes over what MLflow has stored. */
#include "cli/commands.h"
#include "cli/store_path.h"
#include "track/import.h"

#include <stdio.h>

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
    .text = "SOURCE is a folder mlruns, the file of an SQLite store, or the address of a running server:\n\n"
            "  chert import-mlflow mlruns\n"
            "  chert import-mlflow --artifacts-from mlartifacts sqlite:///mlflow.db\n"
            "  chert import-mlflow http://127.0.0.1:5000\n\n"
            "Artifacts that lie on this machine are copied. What is there already stays as it is, so that the command\n"
            "may be repeated.\n",
    .noption = sizeof OPTIONS / sizeof *OPTIONS,
    .options = OPTIONS,
    .run = run_import,
};

static int import_into(ch_arena *arena, const import_settings *settings, const char *source, ch_error *err)
{
    ch_track *track;
    ch_import_counts counts;
    ch_track_options options = {.store = settings->store,
                                .artifacts = settings->artifacts ? settings->artifacts
                                                                 : cli_artifacts_beside(arena, settings->store)};
    ch_import_options what = {.source = source, .artifacts = settings->artifacts_from};
    CH_TRY(ch_track_open(&options, &track, err));
    int status = ch_track_import(track, &what, &counts, err);
    ch_track_close(track);
    if (status) return status;
    printf("imported %lld experiments, %lld runs with %lld metric points, %lld logged models, %lld registered models "
           "with %lld versions, %lld files\n",
           (long long)counts.experiments, (long long)counts.runs, (long long)counts.points,
           (long long)counts.logged_models, (long long)counts.models, (long long)counts.versions,
           (long long)counts.files);
    if (counts.skipped_runs) printf("%lld runs were there already\n", (long long)counts.skipped_runs);
    return 0;
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
    if (status) fprintf(stderr, "chert import-mlflow: %s\n", err.message);
    ch_arena_free(arena);
    return status ? 1 : 0;
}
