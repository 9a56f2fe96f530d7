/* serve.c: `chert serve`: options into ch_server_options, signals into ch_server_stop. */
#include "base/log.h"
#include "base/thread.h"
#include "cli/commands.h"
#include "connect/server.h"

#include <signal.h>
#include <string.h>

typedef struct serve_settings {
    int port;
    const char *host;
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
     .help = "address to listen on; whoever can reach it can read and write files as the server may"},
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
     .help = "what goes to standard error: debug, info, warn, error or off"},
    {.name = "progress",
     .kind = CLI_FLAG,
     .offset = offsetof(serve_settings, progress),
     .help = "tell on standard error how far long operations are"},
};

const cli_command cli_serve = {
    .name = "serve",
    .summary = "run a Spark Connect server",
    .text = "Unmodified Spark Connect clients talk to it as to a Spark cluster:\n\n"
            "  chert serve --port 15002 &\n"
            "  SPARK_REMOTE=sc://127.0.0.1:15002 python3 program.py\n\n"
            "or in Python: SparkSession.builder.remote(\"sc://127.0.0.1:15002\").getOrCreate()\n\n"
            "Any number of clients may be connected at once; each has a session of its own. SIGTERM and SIGINT end\n"
            "the server: running work is cancelled, temporary files are removed.\n",
    .noption = sizeof OPTIONS / sizeof *OPTIONS,
    .options = OPTIONS,
    .run = run_serve,
};

static void on_stop_signal(int number)
{
    (void)number;
    ch_server_stop();
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

static void announce(void *arg, int port)
{
    const serve_settings *settings = arg;
    bool ipv6 = strchr(settings->host, ':');
    printf(CLI_READY_LINE "sc://%s%s%s:%d\n", ipv6 ? "[" : "", settings->host, ipv6 ? "]" : "", port);
    fflush(stdout);
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

static int run_serve(int argc, char **argv)
{
    serve_settings settings = {0};
    int first, status;
    if (!cli_start(&cli_serve, argc, argv, &settings, &first, &status)) return status;
    ch_log_set_level((ch_log_level)settings.log_level);
    ch_threads_set(settings.threads);
    handle_signals();
    ch_server_options options = {
        .host = settings.host,
        .port = settings.port,
        .threads = settings.threads,
        .memory_limit = settings.memory_limit,
        .temp_dir = settings.temp_dir,
        .idle_seconds = settings.idle_timeout,
        .ready = announce,
        .ready_arg = &settings,
        .progress = settings.progress ? tell_progress : NULL,
    };
    ch_error err;
    if (ch_server_run(&options, &err)) {
        fprintf(stderr, "chert serve: %s\n", err.message);
        return 1;
    }
    return 0;
}
