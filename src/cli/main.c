/* main.c: the `chert` command: finds the subcommand and hands over. */
#include "cli/commands.h"

#include <string.h>

static int run_help(int argc, char **argv);
static int run_version(int argc, char **argv);

static const cli_command HELP = {
    .name = "help",
    .operands = "[COMMAND]",
    .summary = "explain chert or one of its commands",
    .text = "",
    .run = run_help,
};

static const cli_command VERSION = {
    .name = "version",
    .summary = "print the version",
    .text = "",
    .run = run_version,
};

static const cli_command *const COMMANDS[] = {&cli_serve,         &cli_submit, &cli_user, &cli_score_server,
                                              &cli_import_mlflow, &cli_gc,     &HELP,     &VERSION};
enum { COMMAND_COUNT = sizeof COMMANDS / sizeof *COMMANDS };

static const cli_command *find_command(const char *name)
{
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
    if (strcmp(name, "--version") == 0) name = "version";
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(COMMANDS[i]->name, name) == 0) return COMMANDS[i];
    }
    return NULL;
}

static void print_overview(FILE *out)
{
    fprintf(out, "chert: Spark MLlib programs, run by one native program without a JVM\n\n"
                 "usage: chert COMMAND [options]\n\n");
    for (int i = 0; i < COMMAND_COUNT; i++) fprintf(out, "  %-14s%s\n", COMMANDS[i]->name, COMMANDS[i]->summary);
    fprintf(out, "\nTo run a PySpark program that has no master set in its code:\n\n"
                 "  chert submit program.py\n\n"
                 "or, with a server that stays up for many programs and notebooks:\n\n"
                 "  chert serve &\n"
                 "  SPARK_REMOTE=sc://127.0.0.1:15002 python3 program.py\n\n"
                 "`chert COMMAND --help` tells more.\n");
}

static int unknown_command(const char *name)
{
    fprintf(stderr, "chert: no command '%s'; `chert --help` lists them\n", name);
    return 2;
}

static int run_help(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stdout);
        return 0;
    }
    const cli_command *command = find_command(argv[1]);
    if (!command) return unknown_command(argv[1]);
    cli_print_help(command, stdout);
    return 0;
}

static int run_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("chert %s\n", CHERT_VERSION);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_overview(stderr);
        return 2;
    }
    const cli_command *command = find_command(argv[1]);
    return command ? command->run(argc - 1, argv + 1) : unknown_command(argv[1]);
}
