/* test_artifact_store.c: no path leads out of the artifact folder, whatever it says and whatever lies inside. */
#include "testing.h"

#include "track/artifact/artifact_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct fixture {
    ch_arena *arena;
    char folder[64];
} fixture;

static int begin(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    f->arena = ch_arena_new();
    strcpy(f->folder, "/tmp/chert-artifacts-XXXXXX");
    *state = f;
    return mkdtemp(f->folder) ? 0 : -1;
}

static int end(void **state)
{
    fixture *f = *state;
    ch_error err;
    ch_artifact_entry *entries;
    size_t count;
    ch_artifact_list(f->arena, f->folder, "", &entries, &count, &err);
    for (size_t i = 0; i < count; i++) ch_artifact_remove(f->folder, entries[i].name, &err);
    ch_artifact_remove(f->folder, "link", &err);
    rmdir(f->folder);
    ch_arena_free(f->arena);
    free(f);
    return 0;
}

static void put(const fixture *f, const char *path, const char *text)
{
    ch_error err;
    const char *source = ch_arena_printf(f->arena, "%s.new", f->folder);
    FILE *file = fopen(source, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(ch_artifact_put(f->folder, source, path, &err), 0);
}

static void cleans_paths(void **state)
{
    ch_arena *arena = ((fixture *)*state)->arena;
    static const char *const GOOD[][2] = {
        {"", ""},           {"a/b.txt", "a/b.txt"},   {"a//./b/", "a/b"}, {"%61%2562", "ab"}, {"..a/b..", "..a/b.."},
        {"a%0Ab", "a%0Ab"}, {"\xc3\xa4", "\xc3\xa4"}, {"100%", "100%"},
    };
    static const char *const BAD[] = {"..",       "a/../b",       "%2e%2e/x", "..%252f..%252fetc", "/etc",  "%2fetc",
                                      "a#b",      "a%23b",        "C:/x",     "file:///etc",       "a%00b", "\xff",
                                      "\\\\h\\s", ".uploads/x/1", ".uploads"};
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++)
        assert_string_equal(ch_artifact_clean(arena, GOOD[i][0]), GOOD[i][1]);
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) assert_null(ch_artifact_clean(arena, BAD[i]));
}

static void reads_uris(void **state)
{
    ch_arena *arena = ((fixture *)*state)->arena;
    assert_string_equal(ch_artifact_of_uri(arena, "/data", "mlflow-artifacts:/1/r/artifacts"), "1/r/artifacts");
    assert_string_equal(ch_artifact_of_uri(arena, "/data", "mlflow-artifacts://host:5000/1/r"), "1/r");
    assert_string_equal(ch_artifact_of_uri(arena, "/data", "file:///data/1"), "1");
    assert_string_equal(ch_artifact_of_uri(arena, "/data", "/data"), "");
    assert_null(ch_artifact_of_uri(arena, "/data", "/database/1"));
    assert_null(ch_artifact_of_uri(arena, "/data", "s3://bucket/1"));
    assert_null(ch_artifact_of_uri(arena, "/data", "mlflow-artifacts:/../1"));
}

static void replaces_and_lists(void **state)
{
    const fixture *f = *state;
    ch_artifact_entry *entries;
    size_t count;
    ch_error err;
    put(f, "d/b", "one");
    put(f, "d/b", "other");
    put(f, "d/a/c", "");
    put(f, "d/.artifact.uploading.1", "half");
    assert_int_equal(ch_artifact_list(f->arena, f->folder, "d", &entries, &count, &err), 0);
    assert_int_equal(count, 2);
    assert_string_equal(entries[0].name, "a");
    assert_true(entries[0].is_dir);
    assert_string_equal(entries[1].name, "b");
    assert_int_equal(entries[1].size, 5);
    assert_int_equal(ch_artifact_list(f->arena, f->folder, "none", &entries, &count, &err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(ch_artifact_remove(f->folder, "d", &err), 0);
    assert_int_equal(ch_artifact_remove(f->folder, "d", &err), 0);
}

static void refuses_files_as_folders(void **state)
{
    const fixture *f = *state;
    ch_error err;
    put(f, "file", "x");
    put(f, "folder/x", "x");
    const char *source = ch_artifact_absolute(f->arena, f->folder, "folder/x");
    assert_int_equal(ch_artifact_put(f->folder, source, "file/x", &err), CH_E_ILLEGAL_ARGUMENT);
    assert_int_equal(ch_artifact_put(f->folder, source, "folder", &err), CH_E_ILLEGAL_ARGUMENT);
}

static void follows_no_links(void **state)
{
    const fixture *f = *state;
    ch_artifact_entry *entries;
    size_t count;
    bool is_dir;
    ch_error err;
    assert_int_equal(symlink("/etc", ch_artifact_absolute(f->arena, f->folder, "link")), 0);
    assert_int_equal(ch_artifact_open(f->folder, "link/passwd", &is_dir), -1);
    assert_int_equal(ch_artifact_open(f->folder, "link", &is_dir), -1);
    assert_int_equal(ch_artifact_list(f->arena, f->folder, "", &entries, &count, &err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(ch_artifact_list(f->arena, f->folder, "link", &entries, &count, &err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(ch_artifact_remove(f->folder, "link/nothing", &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cleans_paths, begin, end),
        cmocka_unit_test_setup_teardown(reads_uris, begin, end),
        cmocka_unit_test_setup_teardown(replaces_and_lists, begin, end),
        cmocka_unit_test_setup_teardown(refuses_files_as_folders, begin, end),
        cmocka_unit_test_setup_teardown(follows_no_links, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
