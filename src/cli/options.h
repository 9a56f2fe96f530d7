/* options.h: command-line options as rows of a table that drives parsing, defaults and help text alike.
 *
 *     typedef struct { int port; const char *host; } settings;
 *     static const cli_option OPTIONS[] = {
 *         {"port", CLI_INT, "PORT", "15002", .max = 65535, .offset = offsetof(settings, port), .help = "..."},
 *         {"host", CLI_TEXT, "ADDRESS", "127.0.0.1", .offset = offsetof(settings, host), .help = "..."},
 *     };
 */
#ifndef CHERT_CLI_OPTIONS_H
#define CHERT_CLI_OPTIONS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum cli_kind {
    CLI_INT,    /* an int within [min, max] */
    CLI_TEXT,   /* a const char *, borrowed from argv or from the table */
    CLI_CHOICE, /* an int: the place of the word among `choices` */
    CLI_FLAG    /* a bool: takes no argument */
} cli_kind;

typedef struct cli_option {
    const char *name; /* without the dashes */
    cli_kind kind;
    const char *argument;       /* what help calls its argument; NULL for flags */
    const char *default_text;   /* what the option is when not given; NULL: unset (NULL, 0, false) */
    const char *const *choices; /* CLI_CHOICE: the words, NULL at the end */
    int min, max;               /* CLI_INT */
    size_t offset;              /* of the field in the settings */
    const char *help;           /* NULL: not shown */
} cli_option;

/* A subcommand of `chert`. */
typedef struct cli_command {
    const char *name;
    const char *operands; /* what follows the options in the usage line; NULL: nothing may follow */
    const char *summary;  /* one line */
    const char *text;     /* paragraphs that teach, with examples; shown by `chert NAME --help` */
    size_t noption;
    const cli_option *options;
    int (*run)(int argc, char **argv); /* argv[0] is the subcommand; returns the exit status */
} cli_command;

/* Fills `settings` with the defaults and what argv says, up to the first argument that is no option (or "--").
 * Returns the index of the first operand in *first. `--name value` and `--name=value` both work. "--help" sets *help.
 */
int cli_parse(const cli_command *command, int argc, char **argv, void *settings, int *first, bool *help, ch_error *err);

/* Usage, the text, and a line or more for each option. */
void cli_print_help(const cli_command *command, FILE *out);

/* cli_parse for a subcommand's own use: on --help prints it, on a mistake says so; then *status is what to exit with
 * and false is returned. */
bool cli_start(const cli_command *command, int argc, char **argv, void *settings, int *first, int *status);

#endif
