/* submit.c: `chert submit`: a server for the length of one program.
 *
 * Three processes: this one, the server (the same executable as `chert serve` on a free port) and the program. Nothing
 * is ever left behind: the server is told to end when the program has ended, and the kernel tells it when this process
 * dies. The server has a process group of its own, so that Ctrl-C in a terminal reaches the program alone, which may
 * want to clean up through the server.
 */
#include "cli/commands.h"

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

enum { START_MS = 30000, STOP_MS = 5000, EXIT_NO_SERVER = 1, EXIT_NO_PROGRAM = 127 };

typedef struct submit_settings {
    const char *python;
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
    .text = "Starts a server on a free port, runs the program with SPARK_REMOTE set to it, stops the server and exits\n"
            "with the program's exit status. The program gets its session as ever:\n\n"
            "  spark = SparkSession.builder.appName(\"leads\").getOrCreate()\n\n"
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

/* The arguments of the server's command line; `room` has place for all of them. */
static void server_arguments(const submit_settings *settings, char threads[16], const char **room)
{
    int n = 0;
    room[n++] = "chert";
    room[n++] = "serve";
    room[n++] = "--port=0";
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
    const char *arguments[16];
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

/* Reads the server's first line into `line`; false if none came in time or a signal asked to stop. */
static bool read_ready_line(int output, int signals, char *line, size_t size)
{
    size_t used = 0;
    long end = now_ms() + START_MS;
    while (used + 1 < size) {
        struct pollfd waits[] = {{.fd = output, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
        long left = end - now_ms();
        if (left <= 0 || poll(waits, 2, (int)left) <= 0) return false;
        if (waits[1].revents) return false; /* the server died, or we are to stop */
        ssize_t got = read(output, line + used, size - 1 - used);
        if (got <= 0) return false;
        used += (size_t)got;
        line[used] = '\0';
        char *newline = strchr(line, '\n');
        if (newline) {
            *newline = '\0';
            return true;
        }
    }
    return false;
}

/* Starts the program; `arguments` begins with the interpreter. Returns its process id, or -1. */
static pid_t start_program(char **arguments, const char *remote)
{
    pid_t child = fork();
    if (child == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        setenv("SPARK_REMOTE", remote, 1);
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
        if (!server_gone && waitpid(server, &status, WNOHANG) == server) {
            server_gone = true;
            fprintf(stderr, "chert submit: the server has ended before the program\n");
        }
        if (waitpid(program, &status, WNOHANG) == program) return status;
    }
}

static void stop_server(pid_t server)
{
    kill(server, SIGTERM);
    long end = now_ms() + STOP_MS;
    while (waitpid(server, NULL, WNOHANG) == 0) {
        if (now_ms() > end) {
            kill(server, SIGKILL);
            waitpid(server, NULL, 0);
            return;
        }
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
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

static int run_with_server(char **arguments, pid_t server, int output, int signals)
{
    char line[512];
    if (!read_ready_line(output, signals, line, sizeof line) ||
        strncmp(line, CLI_READY_LINE, strlen(CLI_READY_LINE)) != 0) {
        fprintf(stderr, "chert submit: the server did not start\n");
        return EXIT_NO_SERVER;
    }
    pid_t program = start_program(arguments, line + strlen(CLI_READY_LINE));
    if (program < 0) {
        perror("chert submit");
        return EXIT_NO_PROGRAM;
    }
    int status = watch_program(program, server, signals);
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
    int signals = catch_signals(), output;
    pid_t server = start_server(&settings, &output);
    if (server < 0) {
        perror("chert submit");
        return EXIT_NO_SERVER;
    }
    status = run_with_server(argv + first - 1, server, output, signals);
    stop_server(server);
    close(output);
    close(signals);
    return status;
}
