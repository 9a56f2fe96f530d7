/* score_server.c: `chert score-server`: one model behind MLflow's scoring contract, also as a SageMaker container. */
#include "base/log.h"
#include "base/thread.h"
#include "cli/commands.h"
#include "cli/store_path.h"
#include "serve/serve.h"
#include "track/artifact/artifact_store.h"
#include "track/import/remote.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STOP_GRACE_MS = 25000 }; /* SageMaker kills 30 s after SIGTERM */

#define SAGEMAKER_MODEL "/opt/ml/model"
#define SAGEMAKER_PORT  8080

typedef struct score_settings {
    int port;
    const char *host;
    int threads;
    bool multi_model, access_log;
    const char *store, *artifacts;
    const char *tls_cert, *tls_key;
    int log_level;
} score_settings;

static int run_score_server(int argc, char **argv);

static const cli_option OPTIONS[] = {
    {.name = "port",
     .kind = CLI_INT,
     .argument = "PORT",
     .default_text = "5001",
     .max = 65535,
     .offset = offsetof(score_settings, port),
     .help = "port to listen on; 0 takes a free one, which the first line of output tells"},
    {.name = "host",
     .kind = CLI_TEXT,
     .argument = "ADDRESS",
     .default_text = "127.0.0.1",
     .offset = offsetof(score_settings, host),
     .help = "address to listen on"},
    {.name = "threads",
     .kind = CLI_INT,
     .argument = "N",
     .max = 256,
     .offset = offsetof(score_settings, threads),
     .help = "threads that answer requests; one for each core when not given"},
    {.name = "multi-model",
     .kind = CLI_FLAG,
     .offset = offsetof(score_settings, multi_model),
     .help = "start without a model and serve those that POST /models names, as SageMaker's multi-model endpoints do"},
    {.name = "store",
     .kind = CLI_TEXT,
     .argument = "FILE|URL",
     .offset = offsetof(score_settings, store),
     .help = "where models:/ and runs:/ are looked up: the store of a `chert serve`, which may be running; when not "
             "given, the server that MLFLOW_TRACKING_URI names, or else " CLI_DEFAULT_STORE},
    {.name = "artifacts",
     .kind = CLI_TEXT,
     .argument = "FOLDER",
     .offset = offsetof(score_settings, artifacts),
     .help = "where the store's artifacts are; the folder artifacts beside its file when not given"},
    {.name = "tls-cert",
     .kind = CLI_TEXT,
     .argument = "FILE",
     .offset = offsetof(score_settings, tls_cert),
     .help = "certificate (PEM): the server speaks HTTPS; with --tls-key"},
    {.name = "tls-key",
     .kind = CLI_TEXT,
     .argument = "FILE",
     .offset = offsetof(score_settings, tls_key),
     .help = "the certificate's key (PEM)"},
    {.name = "access-log",
     .kind = CLI_FLAG,
     .offset = offsetof(score_settings, access_log),
     .help = "a line of JSON for each request on standard error"},
    {.name = "log-level",
     .kind = CLI_CHOICE,
     .argument = "LEVEL",
     .default_text = "warn",
     .choices = cli_log_levels,
     .offset = offsetof(score_settings, log_level),
     .help = "what goes to standard error: debug, info, warn, error or off"},
};

const cli_command cli_score_server = {
    .name = "score-server",
    .operands = "MODEL",
    .summary = "serve a model's predictions over REST, as `mlflow models serve` does",
    .text =
        "MODEL is the folder of an MLflow model with the spark flavor, a pipeline that Spark or chert saved, or a\n"
        "models:/, runs:/ or mlflow-artifacts:/ URI of a store on this machine, or of the tracking server (chert's\n"
        "or MLflow's own) at MLFLOW_TRACKING_URI, from which it is downloaded with MLflow's settings for\n"
        "credentials:\n\n"
        "  chert score-server --port 5001 models:/LeadScoringModel/Production &\n"
        "  curl http://127.0.0.1:5001/invocations -H 'Content-Type: application/json' \\\n"
        "       -d '{\"dataframe_split\": {\"columns\": [\"age\"], \"data\": [[30]]}}'\n\n"
        "POST /invocations takes dataframe_split, dataframe_records, instances or inputs as JSON, or CSV with a\n"
        "header; ?columns=prediction,probability asks for other columns. GET /ping, /health and /version answer\n"
        "as MLflow's server does. MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT limits a request's seconds (60).\n\n"
        "A registered model needs no server of its own: `chert serve` answers at\n"
        "/serve/NAME/VERSION-or-stage-or-alias/invocations.\n\n"
        "In a SageMaker container the word `serve` in MODEL's place means the model in " SAGEMAKER_MODEL ",\n"
        "on all addresses, port 8080 or $SAGEMAKER_BIND_TO_PORT; $SAGEMAKER_MULTI_MODEL=true means\n"
        "--multi-model.\n",
    .noption = sizeof OPTIONS / sizeof *OPTIONS,
    .options = OPTIONS,
    .run = run_score_server,
};

/* "serve" is what SageMaker starts containers with, unless there is a model of that name. */
static bool is_container(const char *model)
{
    struct stat info;
    return strcmp(model, "serve") == 0 && stat("serve", &info) != 0;
}

static void as_container(score_settings *settings)
{
    const char *port = getenv("SAGEMAKER_BIND_TO_PORT"), *multi = getenv("SAGEMAKER_MULTI_MODEL");
    settings->port = port ? (int)strtol(port, NULL, 10) : SAGEMAKER_PORT;
    settings->host = "0.0.0.0";
    settings->multi_model |= multi && strcmp(multi, "true") == 0;
}

/* --- the model's files ---- */

/* Where the model is while it is loaded. */
typedef struct place {
    const char *path;
    char *temporary; /* a folder that was downloaded to; NULL: none */
} place;

/* A store that is looked into, beside the server that may have it open. */
static int resolve_in_store(const score_settings *settings, ch_arena *arena, const char *uri, place *out, ch_error *err)
{
    const char *file = strncmp(settings->store, "sqlite:///", 10) == 0 ? settings->store + 10 : settings->store;
    ch_track *track;
    ch_track_options options = {.store = settings->store,
                                .artifacts = settings->artifacts ? settings->artifacts
                                                                 : cli_artifacts_beside(arena, settings->store),
                                .read_only = true};
    if (!strstr(file, "://") && access(file, F_OK) != 0) {
        return ch_failf(err, CH_E_FILE_NOT_FOUND,
                        "no store %s to look %s up in; --store names another, MLFLOW_TRACKING_URI a server", file, uri);
    }
    CH_TRY(ch_track_open(&options, &track, err));
    int status = ch_track_resolve(track, arena, uri, &out->path, err);
    ch_track_close(track);
    if (status || access(out->path, F_OK) == 0) return status;
    return ch_failf(err, CH_E_FILE_NOT_FOUND, "%s is %s, which is not there; --artifacts names the folder of artifacts",
                    uri, out->path);
}

static int download(ch_arena *arena, const char *server, const char *uri, place *out, ch_error *err)
{
    const char *above = getenv("TMPDIR");
    ch_fetch *fetch;
    out->temporary = ch_arena_printf(arena, "%s/chert-model-XXXXXX", above && *above ? above : "/tmp");
    if (!mkdtemp(out->temporary)) {
        int code = errno;
        out->temporary = NULL;
        return ch_failf(err, CH_E_IO, "no folder to download to can be made: %s", strerror(code));
    }
    CH_TRY(ch_fetch_open(server, &fetch, err));
    int status = ch_remote_model(fetch, arena, uri, out->temporary, &out->path, err);
    ch_fetch_close(fetch);
    return status;
}

static void clean_up(const place *at)
{
    ch_error ignored;
    if (!at->temporary) return;
    char *slash = strrchr(at->temporary, '/');
    *slash = '\0';
    ch_artifact_remove(at->temporary, slash + 1, &ignored);
}

static bool is_address(const char *uri)
{
    return uri && (strncmp(uri, "http://", 7) == 0 || strncmp(uri, "https://", 8) == 0);
}

/* The server that MLflow's own settings name for a URI, unless a store was named; NULL: none. */
static const char *server_of(const score_settings *settings, const char *uri)
{
    const char *tracking = getenv("MLFLOW_TRACKING_URI"), *registry = getenv("MLFLOW_REGISTRY_URI");
    if (settings->store) return NULL;
    if (strncmp(uri, "models:/", 8) == 0 && is_address(registry)) return registry;
    return is_address(tracking) ? tracking : NULL;
}

static int find_model(score_settings *settings, ch_arena *arena, const char *model, place *out, ch_error *err)
{
    out->path = model;
    if (!ch_track_is_uri(model)) return 0;
    const char *server = server_of(settings, model);
    if (server) return download(arena, server, model, out, err);
    if (!settings->store) settings->store = CLI_DEFAULT_STORE;
    return resolve_in_store(settings, arena, model, out, err);
}

static int open_model(score_settings *settings, const char *model, ch_serve **out, ch_error *err)
{
    if (settings->multi_model) return ch_serve_many(NULL, out, err);
    ch_arena *arena = ch_arena_new();
    place at = {0};
    int status = find_model(settings, arena, model, &at, err);
    if (!status) status = ch_serve_one(NULL, at.path, out, err);
    clean_up(&at);
    ch_arena_free(arena);
    return status;
}

/* --- the server ---- */

static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0;
}

static int start(const score_settings *settings, ch_serve *serve, ch_http_server **out, ch_error *err)
{
    ch_http_mount mounts[2];
    ch_http_options options = {.host = settings->host,
                               .port = settings->port,
                               .loops = ch_threads(),
                               .workers = ch_threads() + 2,
                               .mounts = mounts,
                               .nmount = ch_serve_one_mounts(serve, mounts, 2),
                               /* behind other addresses it is reached by names we cannot know */
                               .any_host = !is_loopback(settings->host),
                               .tls_cert = settings->tls_cert,
                               .tls_key = settings->tls_key,
                               .access_log = settings->access_log};
    return ch_http_start(&options, out, err);
}

static void announce(const score_settings *settings, int port)
{
    bool ipv6 = strchr(settings->host, ':');
    printf("chert score-server: listening on %s://%s%s%s:%d\n", settings->tls_cert ? "https" : "http", ipv6 ? "[" : "",
           settings->host, ipv6 ? "]" : "", port);
    fflush(stdout);
}

static sem_t told_to_stop;

static void on_stop_signal(int number)
{
    (void)number;
    sem_post(&told_to_stop);
}

static void handle_signals(void)
{
    sem_init(&told_to_stop, 0, 0);
    struct sigaction action = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN; /* a client that went away is an error code */
    sigaction(SIGPIPE, &action, NULL);
}

static int serve_until_told(score_settings *settings, const char *model, ch_error *err)
{
    ch_serve *serve;
    ch_http_server *http;
    CH_TRY(open_model(settings, model, &serve, err));
    int status = start(settings, serve, &http, err);
    if (!status) {
        announce(settings, ch_http_port(http));
        while (sem_wait(&told_to_stop) && errno == EINTR) {
        }
        ch_http_stop(http, STOP_GRACE_MS);
    }
    ch_serve_free(serve);
    return status;
}

static int run_score_server(int argc, char **argv)
{
    score_settings settings = {0};
    int first, status;
    if (!cli_start(&cli_score_server, argc, argv, &settings, &first, &status)) return status;
    const char *model = first < argc ? argv[first] : "serve";
    bool container = is_container(model);
    if (first + 1 < argc || (first == argc && !settings.multi_model)) {
        fprintf(stderr, "chert score-server: name one model; `chert score-server --help` tells more\n");
        return 2;
    }
    if (container && first < argc) {
        as_container(&settings);
        model = SAGEMAKER_MODEL;
    }
    ch_log_set_level((ch_log_level)settings.log_level);
    ch_threads_set(settings.threads);
    handle_signals();
    ch_error err;
    if (serve_until_told(&settings, model, &err)) {
        fprintf(stderr, "chert score-server: %s\n", err.message);
        return 1;
    }
    return 0;
}
