/* serve.c: `chert serve`: the Spark Connect server and the HTTP side in one process: options in, signals to
 * ch_server_stop. */
#include "base/log.h"
#include "base/thread.h"
#include "cli/address.h"
#include "cli/commands.h"
#include "cli/ui.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

typedef struct serve_settings {
    int port, ui_port;
    const char *host;
    bool no_ui, testing, for_submit, insecure, access_log;
    const char *store, *artifacts;
    const char *auth, *default_permission, *tls_cert, *tls_key, *allowed_hosts;
    int threads;
    const char *memory_limit;
    const char *temp_dir;
    int idle_timeout;
    int log_level;
    bool progress;
} serve_settings;

const char *const cli_log_levels[] = {"debug", "info", "warn", "error", "off", NULL};

static int run_serve(int argc, char **argv);

static const cli_option OPTIONS[] = {
    {.name = "port",
     .kind = CLI_INT,
     .argument = "PORT",
     .default_text = "15002",
     .max = 65535,
     .offset = offsetof(serve_settings, port),
     .help = "port to listen on; 0 takes a free one, which the first line of output tells"},
    {.name = "host",
     .kind = CLI_TEXT,
     .argument = "ADDRESS",
     .default_text = "127.0.0.1",
     .offset = offsetof(serve_settings, host),
     .help = "address to listen on; whoever can reach it can read and write files as the server may, so others than "
             "the loopback address need --auth"},
    {.name = "ui-port",
     .kind = CLI_INT,
     .argument = "PORT",
     .default_text = "5000",
     .max = 65535,
     .offset = offsetof(serve_settings, ui_port),
     .help = "port of the web pages, the MLflow tracking server and scoring; 0 takes a free one, which the second line "
             "of output tells"},
    {.name = "no-ui",
     .kind = CLI_FLAG,
     .offset = offsetof(serve_settings, no_ui),
     .help = "Spark Connect only: no web pages, no tracking server, no store"},
    {.name = "store",
     .kind = CLI_TEXT,
     .argument = "FILE|URL",
     .default_text = CLI_DEFAULT_STORE,
     .offset = offsetof(serve_settings, store),
     .help = "where experiments, runs and models are kept: a file, made when missing, or postgresql://..."},
    {.name = "artifacts",
     .kind = CLI_TEXT,
     .argument = "FOLDER",
     .offset = offsetof(serve_settings, artifacts),
     .help = "where artifacts are kept; the folder artifacts beside the store's file when not given"},
    {.name = "auth",
     .kind = CLI_TEXT,
     .argument = "FILE|store",
     .offset = offsetof(serve_settings, auth),
     .help = "ask who it is, on both ports: users are in a file (see `chert user`) or in the store, whose first "
             "administrator gets the password MLFLOW_AUTH_ADMIN_PASSWORD"},
    {.name = "default-permission",
     .kind = CLI_TEXT,
     .argument = "WORD",
     .default_text = "READ",
     .offset = offsetof(serve_settings, default_permission),
     .help = "what users may do with experiments and models that they were given no permission for: READ, EDIT, MANAGE "
             "or NO_PERMISSIONS"},
    {.name = "insecure",
     .kind = CLI_FLAG,
     .offset = offsetof(serve_settings, insecure),
     .help = "listen on any address without --auth"},
    {.name = "tls-cert",
     .kind = CLI_TEXT,
     .argument = "FILE",
     .offset = offsetof(serve_settings, tls_cert),
     .help = "certificate chain in PEM: both ports then speak TLS"},
    {.name = "tls-key",
     .kind = CLI_TEXT,
     .argument = "FILE",
     .offset = offsetof(serve_settings, tls_key),
     .help = "the certificate's private key in PEM"},
    {.name = "allowed-hosts",
     .kind = CLI_TEXT,
     .argument = "NAMES",
     .offset = offsetof(serve_settings, allowed_hosts),
     .help = "names, with commas between, by which browsers and clients may call this server beside localhost and "
             "addresses; *.example.org for all below, * for any"},
    {.name = "access-log",
     .kind = CLI_FLAG,
     .offset = offsetof(serve_settings, access_log),
     .help = "a line of JSON for each HTTP request on standard error"},
    {.name = "testing",
     .kind = CLI_FLAG,
     .offset = offsetof(serve_settings, testing),
     .help = "POST /__reset empties the store: for test suites"},
    {.name = "for-submit", .kind = CLI_FLAG, .offset = offsetof(serve_settings, for_submit)},
    {.name = "threads",
     .kind = CLI_INT,
     .argument = "N",
     .max = 4096,
     .offset = offsetof(serve_settings, threads),
     .help = "cores to use for queries and training; all when not given"},
    {.name = "memory-limit",
     .kind = CLI_TEXT,
     .argument = "SIZE",
     .offset = offsetof(serve_settings, memory_limit),
     .help = "memory for data, such as 4GB; beyond it work spills to the temporary folder; most of the machine's when "
             "not given"},
    {.name = "temp-dir",
     .kind = CLI_TEXT,
     .argument = "FOLDER",
     .offset = offsetof(serve_settings, temp_dir),
     .help = "where to spill; a folder inside it is made and removed; the system's temporary folder when not given"},
    {.name = "idle-timeout",
     .kind = CLI_INT,
     .argument = "SECONDS",
     .default_text = "3600",
     .min = -1,
     .max = 2000000000,
     .offset = offsetof(serve_settings, idle_timeout),
     .help = "a session that was not used for so long is released with all it holds; -1: never"},
    {.name = "log-level",
     .kind = CLI_CHOICE,
     .argument = "LEVEL",
     .default_text = "warn",
     .choices = cli_log_levels,
     .offset = offsetof(serve_settings, log_level),
     .help = "what goes to standard error: debug, info, warn, error or off; from info on also a line of JSON for each "
             "HTTP request"},
    {.name = "progress",
     .kind = CLI_FLAG,
     .offset = offsetof(serve_settings, progress),
     .help = "tell on standard error how far long operations are"},
};

const cli_command cli_serve = {
    .name = "serve",
    .summary = "run a Spark Connect server with MLflow tracking, scoring and web pages",
    .text = "Unmodified Spark Connect clients talk to it as to a Spark cluster, unmodified MLflow clients as to a\n"
            "tracking server, browsers find its pages at http://127.0.0.1:5000:\n\n"
            "  chert serve &\n"
            "  export SPARK_REMOTE=sc://127.0.0.1:15002 MLFLOW_TRACKING_URI=http://127.0.0.1:5000\n"
            "  python3 program.py\n\n"
            "Runs, models and their files are kept in chert-data/ of the current folder, or where --store says.\n\n"
            "Any number of clients may be connected at once; each has a session of its own. SIGTERM and SIGINT end\n"
            "the server: running work is cancelled, temporary files are removed.\n",
    .noption = sizeof OPTIONS / sizeof *OPTIONS,
    .options = OPTIONS,
    .run = run_serve,
};

/* What is running, for the callbacks. */
typedef struct serving {
    const serve_settings *settings;
    cli_ui *ui; /* NULL: --no-ui */
    cli_address address;
} serving;

/* The server of a `chert submit` does not end as soon as it is asked to: others may be using it. */
static bool lingers;
static atomic_int asked_by; /* the last signal that asked */
static sem_t asked;

static void on_stop_signal(int number)
{
    if (lingers) {
        atomic_store(&asked_by, number);
        sem_post(&asked);
    } else {
        ch_server_stop();
    }
}

static void handle_signals(void)
{
    struct sigaction action = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN; /* a client that went away and a file too big are error codes, not the end */
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

/* Ends the server once it was asked to and no submit uses it; SIGINT ends it at once. */
static void *wait_for_users(void *arg)
{
    serving *s = arg;
    while (sem_wait(&asked)) continue;
    while (atomic_load(&asked_by) != SIGINT && !cli_address_unused(&s->address)) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    ch_server_stop();
    return NULL;
}

static void tell_url(char out[CLI_URL_MAX], const char *scheme, const char *host, int port)
{
    bool ipv6 = strchr(host, ':');
    snprintf(out, CLI_URL_MAX, "%s://%s%.200s%s:%d", scheme, ipv6 ? "[" : "", host, ipv6 ? "]" : "", port);
}

static void announce(void *arg, int port)
{
    serving *s = arg;
    char connect[CLI_URL_MAX], http[CLI_URL_MAX];
    tell_url(connect, "sc", s->settings->host, port);
    if (s->ui) {
        tell_url(http, s->settings->tls_cert ? "https" : "http", s->settings->host, cli_ui_port(s->ui));
        s->address = cli_address_publish(s->settings->store, connect, http, s->settings->auth != NULL);
    }
    printf(CLI_READY_LINE "%s\n", connect);
    if (s->ui) printf(CLI_READY_LINE "%s\n", http);
    fflush(stdout);
    pthread_t thread;
    if (s->settings->for_submit && pthread_create(&thread, NULL, wait_for_users, s) == 0) pthread_detach(thread);
}

static void tell_progress(void *arg, const char *what, long done, long total, long running_ms)
{
    (void)arg;
    const char *work = what ? what : "running";
    if (total > 0) {
        fprintf(stderr, "chert: %s: %ld of %ld (%.0f s)\n", work, done, total, (double)running_ms / 1000);
    } else {
        fprintf(stderr, "chert: %s (%.0f s)\n", work, (double)running_ms / 1000);
    }
}

static cli_ui *open_ui(const serve_settings *settings)
{
    cli_ui_options options = {.host = settings->host,
                              .port = settings->ui_port,
                              .store = settings->store,
                              .artifacts = settings->artifacts,
                              .testing = settings->testing,
                              .auth = settings->auth,
                              .default_permission = settings->default_permission,
                              .tls_cert = settings->tls_cert,
                              .tls_key = settings->tls_key,
                              .allowed_hosts = settings->allowed_hosts,
                              .access_log = settings->access_log || settings->log_level <= CH_LOG_INFO,
                              .tidy = settings->for_submit};
    return settings->no_ui ? NULL : cli_ui_open(&options);
}

static int serve(serving *s, ch_error *err)
{
    const serve_settings *settings = s->settings;
    ch_server_options options = {
        .host = settings->host,
        .port = settings->port,
        .threads = settings->threads,
        .memory_limit = settings->memory_limit,
        .temp_dir = settings->temp_dir,
        .idle_seconds = settings->idle_timeout,
        .ready = announce,
        .ready_arg = s,
        .progress = settings->progress ? tell_progress : NULL,
        .tls_cert = settings->tls_cert,
        .tls_key = settings->tls_key,
        .store = s->ui ? settings->store : NULL,
        .artifacts = s->ui ? cli_ui_artifacts(s->ui) : NULL,
    };
    ch_server *server;
    CH_TRY(ch_server_open(&options, &server, err));
    int status = s->ui ? cli_ui_start(s->ui, server, err) : CH_OK;
    if (!status) status = ch_server_run(server, err);
    cli_address_withdraw(&s->address);
    cli_ui_close(s->ui);
    s->ui = NULL;
    ch_server_close(server);
    return status;
}

/* Combinations that would leave the server open, or leave out what was asked for. */
static const char *find_mistake(const serve_settings *settings)
{
    bool loopback = strncmp(settings->host, "127.", 4) == 0 || strcmp(settings->host, "localhost") == 0 ||
                    strcmp(settings->host, "::1") == 0;
    if (!loopback && !settings->auth && !settings->insecure) {
        return "others than this machine could use everything: give --auth, or --insecure to allow that";
    }
    if (settings->auth && settings->no_ui) return "--auth keeps its users in the store, which --no-ui leaves out";
    if (!settings->tls_cert != !settings->tls_key) return "--tls-cert and --tls-key belong together";
    return NULL;
}

static int run_serve(int argc, char **argv)
{
    serve_settings settings = {0};
    int first, status;
    if (!cli_start(&cli_serve, argc, argv, &settings, &first, &status)) return status;
    const char *mistake = find_mistake(&settings);
    if (mistake) {
        fprintf(stderr, "chert serve: %s\n", mistake);
        return 2;
    }
    ch_log_set_level((ch_log_level)settings.log_level);
    ch_threads_set(settings.threads);
    lingers = settings.for_submit;
    sem_init(&asked, 0, 0);
    handle_signals();
    serving s = {.settings = &settings, .ui = open_ui(&settings), .address = {.fd = -1}};
    ch_error err;
    status = serve(&s, &err);
    cli_ui_close(s.ui);
    if (!status) return 0;
    if (settings.for_submit && cli_store_held(settings.store)) return CLI_STORE_HELD;
    fprintf(stderr, "chert serve: %s\n", err.message);
    return 1;
}
