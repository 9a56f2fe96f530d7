/* submit.c: `chert submit`: a server for the length of one program.
 *
 * Three processes: this one, the server (the same executable as `chert serve` on free ports) and the program. Nothing
 * is ever left behind: the server is told to end when the program has ended, and the kernel tells it when this process
 * dies. The server has a process group of its own, so that Ctrl-C in a terminal reaches the program alone, which may
 * want to clean up through the server.
 *
 * A store has one server. When one runs already (`chert serve`, or another submit's), the program uses that one: it
 * finds its addresses beside the store (address.h), and a submit's server stays until the last program is done.
 */
#include "cli/address.h"
#include "cli/commands.h"
#include "http/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_MS = 30000, STOP_MS = 5000, HELD_MS = 10000, EXIT_NO_SERVER = 1, EXIT_NO_PROGRAM = 127 };

typedef struct submit_settings {
    const char *python;
    const char *store, *artifacts;
    bool no_ui;
    int threads;
    const char *memory_limit;
    const char *temp_dir;
    int log_level;
    bool quiet;
} submit_settings;

static int run_submit(int argc, char **argv);

static const cli_option OPTIONS[] = {
    {.name = "python",
     .kind = CLI_TEXT,
     .argument = "PROGRAM",
     .offset = offsetof(submit_settings, python),
     .help = "the interpreter; when not given, $PYSPARK_PYTHON, or else python3; it must have pyspark-client, or "
             "pyspark with its connect extra"},
    {.name = "store",
     .kind = CLI_TEXT,
     .argument = "FILE",
     .default_text = CLI_DEFAULT_STORE,
     .offset = offsetof(submit_settings, store),
     .help = "where what the program logs to MLflow is kept, see `chert serve`"},
    {.name = "artifacts",
     .kind = CLI_TEXT,
     .argument = "FOLDER",
     .offset = offsetof(submit_settings, artifacts),
     .help = "where its artifacts are kept; the folder artifacts beside the store when not given"},
    {.name = "no-ui",
     .kind = CLI_FLAG,
     .offset = offsetof(submit_settings, no_ui),
     .help = "no tracking server; so it is when MLFLOW_TRACKING_URI is set already"},
    {.name = "threads",
     .kind = CLI_INT,
     .argument = "N",
     .max = 4096,
     .offset = offsetof(submit_settings, threads),
     .help = "cores for the server; all when not given"},
    {.name = "memory-limit",
     .kind = CLI_TEXT,
     .argument = "SIZE",
     .offset = offsetof(submit_settings, memory_limit),
     .help = "memory for the server's data, such as 4GB; beyond it work spills"},
    {.name = "temp-dir",
     .kind = CLI_TEXT,
     .argument = "FOLDER",
     .offset = offsetof(submit_settings, temp_dir),
     .help = "where the server spills"},
    {.name = "log-level",
     .kind = CLI_CHOICE,
     .argument = "LEVEL",
     .default_text = "warn",
     .choices = cli_log_levels,
     .offset = offsetof(submit_settings, log_level),
     .help = "what the server writes to standard error: debug, info, warn, error or off"},
    {.name = "quiet",
     .kind = CLI_FLAG,
     .offset = offsetof(submit_settings, quiet),
     .help = "say nothing of how far long operations are"},
};

const cli_command cli_submit = {
    .name = "submit",
    .operands = "program.py [arguments]",
    .summary = "run a PySpark program with a server of its own, the way of spark-submit",
    .text =
        "Starts a server on free ports, runs the program with SPARK_REMOTE and MLFLOW_TRACKING_URI set to it, stops\n"
        "the server and exits with the program's exit status. The program gets its session as ever:\n\n"
        "  spark = SparkSession.builder.appName(\"leads\").getOrCreate()\n\n"
        "What it logs to MLflow stays in chert-data/ of the current folder, where `chert serve` shows it. When a\n"
        "server of that folder is running, the program uses it instead of one of its own; if it has users, with the\n"
        "token in MLFLOW_TRACKING_TOKEN, if it has a certificate that is not known to all, with the file of it in\n"
        "MLFLOW_TRACKING_SERVER_CERT_PATH. The certificate must be good for the address that the server listens on.\n\n"
        "What follows the program's name goes to the program:\n\n"
        "  chert submit --memory-limit 4GB train.py --input leads.csv\n",
    .noption = sizeof OPTIONS / sizeof *OPTIONS,
    .options = OPTIONS,
    .run = run_submit,
};

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A server to run the program against. */
typedef struct submit_server {
    pid_t pid; /* of one of our own; 0: another's */
    int output;
    cli_address address;                              /* of another's */
    char connect[CLI_URL_MAX], tracking[CLI_URL_MAX]; /* "" without tracking */
    bool guarded;                                     /* clients need a token */
} submit_server;

/* The arguments of the server's command line; `room` has place for all of them. */
static void server_arguments(const submit_settings *settings, char threads[16], const char **room)
{
    int n = 0;
    room[n++] = "chert";
    room[n++] = "serve";
    room[n++] = "--port=0";
    room[n++] = settings->no_ui ? "--no-ui" : "--ui-port=0";
    if (!settings->no_ui) {
        room[n++] = "--for-submit";
        room[n++] = "--store";
        room[n++] = settings->store;
    }
    if (settings->artifacts) {
        room[n++] = "--artifacts";
        room[n++] = settings->artifacts;
    }
    if (!settings->quiet) room[n++] = "--progress";
    room[n++] = "--log-level";
    room[n++] = cli_log_levels[settings->log_level];
    if (settings->threads) {
        snprintf(threads, 16, "%d", settings->threads);
        room[n++] = "--threads";
        room[n++] = threads;
    }
    if (settings->memory_limit) {
        room[n++] = "--memory-limit";
        room[n++] = settings->memory_limit;
    }
    if (settings->temp_dir) {
        room[n++] = "--temp-dir";
        room[n++] = settings->temp_dir;
    }
    room[n] = NULL;
}

/* Starts the server; its standard output can be read from *output. Returns its process id, or -1. */
static pid_t start_server(const submit_settings *settings, int *output)
{
    const char *arguments[24];
    char threads[16];
    server_arguments(settings, threads, arguments);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) return -1;
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) _exit(EXIT_NO_SERVER); /* died before prctl could tell us */
        dup2(ends[1], STDOUT_FILENO);
        execv("/proc/self/exe", (char *const *)(void *)arguments);
        _exit(EXIT_NO_SERVER);
    }
    close(ends[1]);
    *output = ends[0];
    return child;
}

/* Reads so many lines of the server's output into `text`; false if they did not come in time or a signal asked to stop.
 */
static bool read_lines(int output, int signals, int lines, char *text, size_t size)
{
    size_t used = 0;
    long end = now_ms() + START_MS;
    while (used + 1 < size) {
        struct pollfd waits[] = {{.fd = output, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
        long left = end - now_ms();
        if (left <= 0 || poll(waits, 2, (int)left) <= 0) return false;
        if (waits[1].revents) return false; /* the server died, or we are to stop */
        ssize_t got = read(output, text + used, size - 1 - used);
        if (got <= 0) return false;
        for (char *at = text + used; at < text + used + got; at++) lines -= *at == '\n';
        used += (size_t)got;
        text[used] = '\0';
        if (lines <= 0) return true;
    }
    return false;
}

/* The addresses that the server announces, once it is ready. */
static bool read_addresses(submit_server *server, bool tracking, int signals)
{
    char text[1024];
    if (!read_lines(server->output, signals, tracking ? 2 : 1, text, sizeof text)) return false;
    int want = tracking ? 2 : 1;
    return sscanf(text, CLI_READY_LINE "%299s " CLI_READY_LINE "%299s", server->connect, server->tracking) == want;
}

/* The folder of the Python helpers: beside the program in a build, under share when installed. NULL: there is none. */
static char *helpers_folder(void)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0) return NULL;
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    static const char *const PLACES[] = {"python", "../share/chert/python"};
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        char *folder, *found = NULL;
        if (asprintf(&folder, "%s/%s", self, PLACES[i]) < 0) return NULL;
        char *module;
        if (asprintf(&module, "%s/chert_mlflow/hook.py", folder) >= 0) {
            if (access(module, R_OK) == 0) found = folder;
            free(module);
        }
        if (found) return found;
        free(folder);
    }
    return NULL;
}

/* Puts the helpers on the path of the program and of all processes it starts: mlflow finds them there (python/). */
static void add_helpers(void)
{
    char *folder = helpers_folder(), *path = NULL;
    if (!folder) {
        fprintf(stderr, "chert submit: the Python helpers are not there: mlflow.spark will miss its JVM\n");
        return;
    }
    const char *old = getenv("PYTHONPATH");
    if (asprintf(&path, "%s%s%s", folder, old && *old ? ":" : "", old ? old : "") >= 0) setenv("PYTHONPATH", path, 1);
    free(path);
    free(folder);
}

/* SPARK_REMOTE: of another's server with what it takes to be let in, as MLflow's clients take it from the environment.
 */
static void set_remote(const submit_server *server)
{
    const char *token = server->pid ? NULL : getenv("MLFLOW_TRACKING_TOKEN");
    bool tls = strncmp(server->tracking, "https:", 6) == 0;
    bool has_token = server->guarded && token && *token;
    char *remote = NULL;
    if (tls || has_token) {
        /* Spark's client takes a token to mean TLS, unless the server is called localhost */
        int n = tls ? asprintf(&remote, "%s/;use_ssl=true", server->connect)
                    : asprintf(&remote, "sc://localhost%s/", strrchr(server->connect, ':'));
        if (n < 0) remote = NULL;
    }
    if (remote && has_token) {
        char *with_token;
        if (asprintf(&with_token, "%s;token=%s", remote, token) >= 0) {
            free(remote);
            remote = with_token;
        }
    }
    setenv("SPARK_REMOTE", remote ? remote : server->connect, 1);
    free(remote);
}

/* The Spark client takes certificates to trust from elsewhere than MLflow's: of one server, the same. */
static void set_certificates(const submit_server *server)
{
    const char *trusted = getenv("MLFLOW_TRACKING_SERVER_CERT_PATH");
    bool tls = strncmp(server->tracking, "https:", 6) == 0;
    if (tls && trusted && *trusted) setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", trusted, 1);
}

/* Starts the program; `arguments` begins with the interpreter. Returns its process id, or -1. */
static pid_t start_program(char **arguments, const submit_server *server)
{
    pid_t child = fork();
    if (child == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        set_remote(server);
        set_certificates(server);
        if (*server->tracking) setenv("MLFLOW_TRACKING_URI", server->tracking, 0);
        add_helpers();
        execvp(arguments[0], arguments);
        fprintf(stderr, "chert submit: cannot run %s: %s\n", arguments[0], strerror(errno));
        _exit(EXIT_NO_PROGRAM);
    }
    return child;
}

/* Waits for the program to end, passing signals on to it; returns its wait status. */
static int watch_program(pid_t program, pid_t server, int signals)
{
    bool server_gone = false;
    for (;;) {
        struct signalfd_siginfo signal;
        if (read(signals, &signal, sizeof signal) != sizeof signal) continue;
        if (signal.ssi_signo != SIGCHLD) {
            /* Ctrl-C in a terminal was sent to the whole group already; a signal of a process was for us alone. */
            bool from_terminal = signal.ssi_code == SI_KERNEL && signal.ssi_signo == SIGINT;
            if (!from_terminal) kill(program, (int)signal.ssi_signo);
            continue;
        }
        int status;
        if (server && !server_gone && waitpid(server, &status, WNOHANG) == server) {
            server_gone = true;
            fprintf(stderr, "chert submit: the server has ended before the program\n");
        }
        if (waitpid(program, &status, WNOHANG) == program) return status;
    }
}

/* Ends our own server, or leaves it to the programs of other submits that use it: it ends after the last of them. */
static void stop_server(submit_server *server, const submit_settings *settings)
{
    if (!server->pid) {
        cli_address_leave(&server->address);
        return;
    }
    kill(server->pid, SIGTERM);
    long end = now_ms() + STOP_MS;
    while (waitpid(server->pid, NULL, WNOHANG) == 0) {
        if (!settings->no_ui && cli_address_shared(settings->store)) break;
        if (now_ms() > end) {
            kill(server->pid, SIGKILL);
            waitpid(server->pid, NULL, 0);
            break;
        }
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    close(server->output);
}

/* A descriptor that reads the signals we care about, which are blocked from now on. */
static int catch_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* A server of our own; its exit status when it did not get ready. */
static int start_own(const submit_settings *settings, int signals, submit_server *server)
{
    server->pid = start_server(settings, &server->output);
    if (server->pid < 0) return EXIT_NO_SERVER;
    if (read_addresses(server, !settings->no_ui, signals)) return 0;
    int status;
    kill(server->pid, SIGTERM);
    bool ended = waitpid(server->pid, &status, 0) == server->pid && WIFEXITED(status);
    close(server->output);
    return ended && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_NO_SERVER;
}

/* The store's running server, or one of our own. Whoever starts or ends one meanwhile is waited for. */
static bool find_server(const submit_settings *settings, int signals, submit_server *server)
{
    *server = (submit_server){.address = {.fd = -1}};
    int status = CLI_STORE_HELD;
    for (long end = now_ms() + HELD_MS; status == CLI_STORE_HELD && now_ms() < end;) {
        if (!settings->no_ui &&
            cli_address_use(settings->store, &server->address, server->connect, server->tracking, &server->guarded)) {
            return true;
        }
        bool held = !settings->no_ui && cli_store_held(settings->store);
        if (!held) status = start_own(settings, signals, server);
        if (!status) return true;
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    server->pid = 0;
    if (status == CLI_STORE_HELD) {
        fprintf(stderr, "chert submit: %s is in use by a process that does not serve it\n", settings->store);
    } else {
        fprintf(stderr, "chert submit: the server did not start\n");
    }
    return false;
}

/* Whether another's server lets the program in: its clients would ask for minutes. Says why not. */
static bool is_welcome(const submit_server *server)
{
    const char *token = getenv("MLFLOW_TRACKING_TOKEN");
    if (server->pid || (!server->guarded && strncmp(server->tracking, "https:", 6) != 0)) return true;
    if (server->guarded && !(token && *token)) {
        fprintf(stderr,
                "chert submit: the server of this store asks who its users are: set MLFLOW_TRACKING_TOKEN to a token "
                "(see `chert user --token`)\n");
        return false;
    }
    ch_fetch *fetch;
    ch_error err;
    ch_buf answer = {0};
    int status = ch_fetch_open(server->tracking, &fetch, &err);
    if (!status) {
        status =
            ch_fetch_ask(fetch, "POST", "/api/2.0/mlflow/experiments/search", "{\"max_results\":1}", &answer, -1, &err);
        ch_fetch_close(fetch);
    }
    ch_buf_reset(&answer);
    if (status) fprintf(stderr, "chert submit: %s\n", err.message);
    return status == 0;
}

static int run_with_server(char **arguments, const submit_server *server, int signals)
{
    pid_t program = start_program(arguments, server);
    if (program < 0) {
        perror("chert submit");
        return EXIT_NO_PROGRAM;
    }
    int status = watch_program(program, server->pid, signals);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_submit(int argc, char **argv)
{
    submit_settings settings = {0};
    int first, status;
    if (!cli_start(&cli_submit, argc, argv, &settings, &first, &status)) return status;
    if (first >= argc) {
        fprintf(stderr, "chert submit: which program? `chert submit --help` shows how\n");
        return 2;
    }
    if (access(argv[first], R_OK)) {
        fprintf(stderr, "chert submit: %s: %s\n", argv[first], strerror(errno));
        return 2;
    }
    const char *python = settings.python ? settings.python : getenv("PYSPARK_PYTHON");
    /* argv[first - 1] is an option or the subcommand itself, used up by now: the interpreter takes its place. */
    argv[first - 1] = (char *)(uintptr_t)(python && *python ? python : "python3");
    const char *tracking = getenv("MLFLOW_TRACKING_URI");
    if (tracking && *tracking) settings.no_ui = true;
    int signals = catch_signals();
    submit_server server;
    if (!find_server(&settings, signals, &server)) return EXIT_NO_SERVER;
    status = is_welcome(&server) ? run_with_server(argv + first - 1, &server, signals) : EXIT_NO_SERVER;
    stop_server(&server, &settings);
    close(signals);
    return status;
}
