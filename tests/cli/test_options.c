/* Command lines are parsed and described by their table. */
#include "cli/options.h"
#include "testing.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    int port;
    const char *host, *temp;
    int level;
    bool quiet;
} settings;

static const char *const LEVELS[] = {"low", "high", NULL};

static const cli_option OPTIONS[] = {
    {.name = "port",
     .kind = CLI_INT,
     .argument = "PORT",
     .default_text = "15002",
     .min = 0,
     .max = 65535,
     .offset = offsetof(settings, port),
     .help = "where to listen"},
    {.name = "host",
     .kind = CLI_TEXT,
     .argument = "ADDRESS",
     .default_text = "127.0.0.1",
     .offset = offsetof(settings, host),
     .help = "whom to listen to"},
    {.name = "temp", .kind = CLI_TEXT, .argument = "FOLDER", .offset = offsetof(settings, temp), .help = "scratch"},
    {.name = "level",
     .kind = CLI_CHOICE,
     .argument = "LEVEL",
     .default_text = "high",
     .choices = LEVELS,
     .offset = offsetof(settings, level),
     .help = "how loud"},
    {.name = "quiet", .kind = CLI_FLAG, .offset = offsetof(settings, quiet), .help = "say nothing"},
};

static const cli_command COMMAND = {
    .name = "try",
    .operands = "[FILE]",
    .summary = "a command for tests",
    .text = "Text.\n",
    .noption = sizeof OPTIONS / sizeof *OPTIONS,
    .options = OPTIONS,
};

/* Parses the arguments given, NULL at the end. */
static int parse(settings *out, int *first, bool *help, ch_error *err, ...)
{
    char *argv[16] = {(char *)(uintptr_t) "try"};
    int argc = 1;
    va_list args;
    va_start(args, err);
    for (char *arg; (arg = va_arg(args, char *));) argv[argc++] = arg;
    va_end(args);
    *out = (settings){0};
    return cli_parse(&COMMAND, argc, argv, out, first, help, err);
}

static void takes_defaults(void **state)
{
    (void)state;
    settings s;
    int first;
    bool help;
    ch_error err;
    assert_int_equal(parse(&s, &first, &help, &err, NULL), 0);
    assert_int_equal(s.port, 15002);
    assert_string_equal(s.host, "127.0.0.1");
    assert_null(s.temp);
    assert_int_equal(s.level, 1);
    assert_false(s.quiet);
    assert_int_equal(first, 1);
    assert_false(help);
}

static void takes_both_forms_and_stops_at_operands(void **state)
{
    (void)state;
    settings s;
    int first;
    bool help;
    ch_error err;
    int status = parse(&s, &first, &help, &err, "--port=0", "--host", "::1", "--level", "low", "--quiet", "file",
                       "--port", "7", NULL);
    assert_int_equal(status, 0);
    assert_int_equal(s.port, 0);
    assert_string_equal(s.host, "::1");
    assert_int_equal(s.level, 0);
    assert_true(s.quiet);
    assert_int_equal(first, 7);
    assert_int_equal(parse(&s, &first, &help, &err, "--quiet", "--", "--port", NULL), 0);
    assert_int_equal(first, 3);
    assert_int_equal(parse(&s, &first, &help, &err, "--help", "--nonsense", NULL), 0);
    assert_true(help);
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second, *message;
    } cases[] = {
        {"--port", "x", "--port wants a number from 0 to 65535, not 'x'"},
        {"--port", "65536", "--port wants a number from 0 to 65535, not '65536'"},
        {"--port", "99999999999999999999", "--port wants a number from 0 to 65535, not '99999999999999999999'"},
        {"--port=", NULL, "--port wants a number from 0 to 65535, not ''"},
        {"--port", NULL, "--port wants a value: --port PORT"},
        {"--level", "loud", "--level is one of low, high, not 'loud'"},
        {"--quiet=yes", NULL, "--quiet takes no value"},
        {"--por", "1", "no option --por; `chert try --help` lists them"},
        {"-p", NULL, "no option -p; options begin with two dashes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        settings s;
        int first;
        bool help;
        ch_error err;
        assert_int_not_equal(parse(&s, &first, &help, &err, cases[i].first, cases[i].second, NULL), 0);
        assert_string_equal(err.message, cases[i].message);
    }
}

static void help_names_every_option_and_default(void **state)
{
    (void)state;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    cli_print_help(&COMMAND, out);
    fclose(out);
    assert_non_null(strstr(text, "usage: chert try [options] [FILE]\n"));
    for (size_t i = 0; i < COMMAND.noption; i++) {
        assert_non_null(strstr(text, OPTIONS[i].name));
        assert_non_null(strstr(text, OPTIONS[i].help));
        if (OPTIONS[i].default_text) assert_non_null(strstr(text, OPTIONS[i].default_text));
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_defaults),
        cmocka_unit_test(takes_both_forms_and_stops_at_operands),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(help_names_every_option_and_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
