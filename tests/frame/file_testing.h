/* file_testing.h: a folder of files for a test, and reading them as spark.read does. */
#ifndef CHERT_TESTS_FILE_TESTING_H
#define CHERT_TESTS_FILE_TESTING_H

#include "source_testing.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/chert-files-XXXXXX";

static int make_folder(void **state)
{
    if (!mkdtemp(folder)) return -1;
    return open_session(state);
}

static int drop_folder(void **state)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command)) return -1;
    return close_session(state);
}

/* Writes a file below the test's folder, making the folders it lies in. */
static const char *put_bytes(const char *name, const char *bytes, size_t len)
{
    char *path = ch_arena_printf(test_arena, "%s/%s", folder, name);
    for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    FILE *file = fopen(path, "wb");
    if (!file) fail_msg("cannot write %s", path);
    fwrite(bytes, 1, len, file);
    fclose(file);
    return path;
}

static const char *put(const char *name, const char *text)
{
    return put_bytes(name, text, strlen(text));
}

/* Reads with options "key=value;key=value"; NULL when it fails. */
static ch_rel *read_with(const char *format, const char *path, const char *schema, const char *options)
{
    ch_plan *plan = CH_NEW(test_arena, ch_plan);
    plan->kind = CH_PLAN_READ;
    plan->u.read.format = format;
    plan->u.read.schema = schema;
    const char **paths = CH_NEW(test_arena, const char *);
    paths[0] = path;
    plan->u.read.npath = 1;
    plan->u.read.paths = paths;
    plan->u.read.options = CH_NEW_ARRAY(test_arena, ch_option, 16);
    char *copy = ch_arena_strdup(test_arena, options), *save;
    for (char *item = strtok_r(copy, ";", &save); item; item = strtok_r(NULL, ";", &save)) {
        char *equals = strchr(item, '=');
        *equals = '\0';
        plan->u.read.options[plan->u.read.noption++] = (ch_option){item, equals + 1};
    }
    ch_scope scope = test_scope();
    ch_rel *rel = NULL;
    return ch_source_read(&scope, plan, &rel, &test_err) ? NULL : rel;
}

#endif
