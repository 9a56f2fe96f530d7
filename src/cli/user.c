/* user.c: `chert user`: lines for the file of `chert serve --auth FILE`. */
#include "cli/commands.h"
#include "track/auth/auth.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

typedef struct user_settings {
    bool admin, token;
} user_settings;

static int run_user(int argc, char **argv);

static const cli_option OPTIONS[] = {
    {.name = "admin", .kind = CLI_FLAG, .offset = offsetof(user_settings, admin), .help = "make it an administrator"},
    {.name = "token",
     .kind = CLI_FLAG,
     .offset = offsetof(user_settings, token),
     .help = "make a token instead of asking for a password; it is told on standard error and nowhere else"},
};

const cli_command cli_user = {
    .name = "user",
    .operands = "NAME",
    .summary = "print a line for the file of users of `chert serve --auth FILE`",
    .text = "Asks for a password and prints the line that lets NAME in with it:\n\n"
            "  chert user --admin alice >> users\n"
            "  chert user --token alice >> users\n"
            "  chert serve --auth users &\n"
            "  export MLFLOW_TRACKING_USERNAME=alice MLFLOW_TRACKING_PASSWORD=...   # or MLFLOW_TRACKING_TOKEN\n"
            "  export SPARK_REMOTE='sc://localhost:15002/;token=...'\n\n"
            "A running server reads the file again when it changes.\n",
    .noption = sizeof OPTIONS / sizeof *OPTIONS,
    .options = OPTIONS,
    .run = run_user,
};

/* A line from standard input, not shown when that is a terminal. */
static bool read_password(char *out, size_t room)
{
    struct termios shown, hidden;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &shown) == 0;
    if (terminal) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        fprintf(stderr, "Password: ");
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    bool good = fgets(out, (int)room, stdin) != NULL;
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fprintf(stderr, "\n");
    }
    if (good) out[strcspn(out, "\r\n")] = '\0';
    return good && out[0];
}

static int make_line(const char *name, const user_settings *settings, ch_buf *line, ch_error *err)
{
    if (settings->token) {
        char token[CH_AUTH_TOKEN_SIZE];
        CH_TRY(ch_auth_token_line(name, token, line, err));
        fprintf(stderr, "%s\n", token);
        return 0;
    }
    char password[512];
    if (!read_password(password, sizeof password)) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "no password");
    int status = ch_auth_user_line(name, password, settings->admin, line, err);
    explicit_bzero(password, sizeof password);
    return status;
}

static int run_user(int argc, char **argv)
{
    user_settings settings = {0};
    int first, status;
    if (!cli_start(&cli_user, argc, argv, &settings, &first, &status)) return status;
    if (argc - first != 1) {
        fprintf(stderr, "chert user: give one NAME\n");
        return 2;
    }
    ch_buf line = {0};
    ch_error err;
    status = make_line(argv[first], &settings, &line, &err);
    if (status) {
        fprintf(stderr, "chert user: %s\n", err.message);
    } else {
        printf("%s\n", line.data);
    }
    ch_buf_reset(&line);
    return status ? 1 : 0;
}
