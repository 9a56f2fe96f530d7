/* options.c: parsing and describing command-line options by their table. */
#include "cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_WIDTH = 100, HELP_INDENT = 26 };

static const cli_option *find_option(const cli_command *command, const char *name, size_t len)
{
    for (size_t i = 0; i < command->noption; i++) {
        const cli_option *option = &command->options[i];
        if (strlen(option->name) == len && memcmp(option->name, name, len) == 0) return option;
    }
    return NULL;
}

static int set_int(const cli_option *option, const char *value, int *field, ch_error *err)
{
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno || end == value || *end || number < option->min || number > option->max) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "--%s wants a number from %d to %d, not '%s'", option->name,
                        option->min, option->max, value);
    }
    *field = (int)number;
    return 0;
}

static int set_choice(const cli_option *option, const char *value, int *field, ch_error *err)
{
    char known[256] = "";
    for (int i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], value) == 0) {
            *field = i;
            return 0;
        }
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", option->choices[i]);
    }
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "--%s is one of %s, not '%s'", option->name, known, value);
}

static int set_option(const cli_option *option, const char *value, void *settings, ch_error *err)
{
    char *field = (char *)settings + option->offset;
    switch (option->kind) {
    case CLI_INT: return set_int(option, value, (int *)(void *)field, err);
    case CLI_CHOICE: return set_choice(option, value, (int *)(void *)field, err);
    case CLI_TEXT: *(const char **)(void *)field = value; return 0;
    case CLI_FLAG: *(bool *)(void *)field = true; return 0;
    }
    return ch_bug(err, "option --%s is of no known kind", option->name);
}

/* Takes the option at argv[at]; *used is how many places it filled. */
static int parse_one(const cli_command *command, int argc, char **argv, int at, int *used, void *settings,
                     ch_error *err)
{
    const char *name = argv[at] + 2;
    size_t len = strcspn(name, "=");
    const char *value = name[len] ? name + len + 1 : NULL;
    const cli_option *option = find_option(command, name, len);
    if (!option) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "no option --%.*s; `chert %s --help` lists them", (int)len, name,
                        command->name);
    }
    *used = 1;
    if (option->kind == CLI_FLAG) {
        if (value) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "--%s takes no value", option->name);
    } else if (!value) {
        if (at + 1 >= argc) {
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "--%s wants a value: --%s %s", option->name, option->name,
                            option->argument);
        }
        value = argv[at + 1];
        *used = 2;
    }
    return set_option(option, value, settings, err);
}

int cli_parse(const cli_command *command, int argc, char **argv, void *settings, int *first, bool *help, ch_error *err)
{
    *help = false;
    for (size_t i = 0; i < command->noption; i++) {
        const cli_option *option = &command->options[i];
        if (option->default_text) CH_TRY(set_option(option, option->default_text, settings, err));
    }
    int at = 1;
    while (at < argc && argv[at][0] == '-' && argv[at][1]) {
        if (strcmp(argv[at], "--") == 0) {
            at++;
            break;
        }
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            *help = true;
            return 0;
        }
        if (argv[at][1] != '-') {
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "no option %s; options begin with two dashes", argv[at]);
        }
        int used = 0;
        CH_TRY(parse_one(command, argc, argv, at, &used, settings, err));
        at += used;
    }
    if (at < argc && !command->operands) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "chert %s takes options only, not '%s'", command->name, argv[at]);
    }
    *first = at;
    return 0;
}

/* Prints text from column `column` on, broken at spaces. */
static void print_wrapped(FILE *out, const char *text, int column)
{
    int used = column;
    while (*text) {
        int word = (int)strcspn(text, " ");
        if (used > column && used + 1 + word > HELP_WIDTH) {
            fprintf(out, "\n%*s", column, "");
            used = column;
        } else if (used > column) {
            fputc(' ', out);
            used++;
        }
        fwrite(text, 1, (size_t)word, out);
        used += word;
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_option(FILE *out, const cli_option *option)
{
    if (!option->help) return; /* of chert's own use */
    int used =
        fprintf(out, "  --%s%s%s", option->name, option->argument ? " " : "", option->argument ? option->argument : "");
    if (used >= HELP_INDENT) {
        fputc('\n', out);
        used = 0;
    }
    fprintf(out, "%*s", HELP_INDENT - used, "");
    char text[512];
    size_t len = (size_t)snprintf(text, sizeof text, "%s", option->help);
    if (option->default_text && len < sizeof text) {
        snprintf(text + len, sizeof text - len, " [%s]", option->default_text);
    }
    print_wrapped(out, text, HELP_INDENT);
}

void cli_print_help(const cli_command *command, FILE *out)
{
    fprintf(out, "chert %s: %s\n\nusage: chert %s%s%s%s\n\n%s", command->name, command->summary, command->name,
            command->noption ? " [options]" : "", command->operands ? " " : "",
            command->operands ? command->operands : "", command->text);
    if (command->noption) fprintf(out, "\noptions, with their defaults in brackets:\n");
    for (size_t i = 0; i < command->noption; i++) print_option(out, &command->options[i]);
}

bool cli_start(const cli_command *command, int argc, char **argv, void *settings, int *first, int *status)
{
    ch_error err;
    bool help;
    if (cli_parse(command, argc, argv, settings, first, &help, &err)) {
        fprintf(stderr, "chert %s: %s\n", command->name, err.message);
        *status = 2;
        return false;
    }
    if (help) {
        cli_print_help(command, stdout);
        *status = 0;
        return false;
    }
    return true;
}
