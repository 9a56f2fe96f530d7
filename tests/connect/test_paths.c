/* test_paths.c: paths that name what the tracking server keeps, made paths of files; and those that are refused. */
#include "testing.h"

#include "connect/paths.h"
#include "track/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUN    "0123456789abcdef0123456789abcdef"
#define LOGGED "m-" RUN

typedef struct world {
    char folder[64], artifacts[96];
    ch_track *track;
    ch_arena *arena;
} world;

static int fill(ch_db *db, void *arg, ch_error *err)
{
    (void)arg;
    static const char *const ROWS[] = {
        "INSERT INTO runs(run_id, experiment, status, artifact_uri) VALUES ('" RUN "', 1, 'RUNNING', "
        "'mlflow-artifacts:/1/" RUN "/artifacts')",
        "INSERT INTO registered_models(id, name, created, updated) VALUES (7, 'Leads', 0, 0)",
        "INSERT INTO model_versions(model, version, created, updated, source) VALUES (7, 1, 0, 0, "
        "'runs:/" RUN "/model')",
        "INSERT INTO logged_models(model_id, experiment, name, artifact_uri, created, updated, status) VALUES "
        "('" LOGGED "', 1, 'x', 'mlflow-artifacts:/1/models/" LOGGED "/artifacts', 0, 0, 1)",
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        ch_db_sql(db, ROWS[i]);
        CH_TRY(ch_db_run(db, err));
    }
    return CH_OK;
}

/* Makes a file below the artifacts, with its folders. */
static void put(const world *w, const char *path)
{
    char command[512];
    snprintf(command, sizeof command, "mkdir -p $(dirname %s/%s) && : > %s/%s", w->artifacts, path, w->artifacts, path);
    assert_int_equal(system(command), 0);
}

static int setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    ch_error err;
    snprintf(w->folder, sizeof w->folder, "/tmp/chert-paths-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->artifacts, sizeof w->artifacts, "%s/artifacts", w->folder);
    char store[96];
    snprintf(store, sizeof store, "%s/tracking.db", w->folder);
    ch_track_options options = {.store = store, .artifacts = w->artifacts};
    assert_int_equal(ch_track_open(&options, &w->track, &err), CH_OK);
    assert_int_equal(ch_db_write(w->track->pool, fill, NULL, &err), CH_OK);
    put(w, "1/" RUN "/artifacts/model/MLmodel");
    put(w, "1/" RUN "/artifacts/model/sparkml/metadata/part-0");
    put(w, "1/" RUN "/artifacts/data/t.csv");
    w->arena = ch_arena_new();
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", w->folder);
    ch_track_close(w->track);
    ch_arena_free(w->arena);
    int status = system(command);
    free(w);
    return status;
}

typedef int path_fn(ch_track *track, const char *user, ch_arena *arena, const char *given, const char **path,
                    ch_error *err);

/* `want` is below the artifacts. */
static void check(const world *w, path_fn *fn, const char *given, const char *want)
{
    const char *path;
    ch_error err;
    assert_int_equal(fn(w->track, NULL, w->arena, given, &path, &err), CH_OK);
    assert_string_equal(path, ch_arena_printf(w->arena, "%s/%s", w->artifacts, want));
}

static void refuse(const world *w, path_fn *fn, const char *given, const char *message)
{
    const char *path;
    ch_error err;
    assert_int_not_equal(fn(w->track, NULL, w->arena, given, &path, &err), CH_OK);
    assert_non_null(strstr(err.message, message));
}

static void other_paths_stay_as_they_are(void **state)
{
    const world *w = *state;
    static const char *const GIVEN[] = {"/tmp/x", "file:/tmp/x", "relative", "", "models", "runs:x", "s3://a/b"};
    ch_error err;
    for (size_t i = 0; i < sizeof GIVEN / sizeof *GIVEN; i++) {
        const char *path;
        assert_int_equal(ch_path_to_read(w->track, NULL, w->arena, GIVEN[i], &path, &err), CH_OK);
        assert_ptr_equal(path, GIVEN[i]);
        assert_int_equal(ch_path_to_write(w->track, NULL, w->arena, GIVEN[i], &path, &err), CH_OK);
        assert_ptr_equal(path, GIVEN[i]);
    }
    const char *path, *uri = "runs:/" RUN "/x";
    assert_int_equal(ch_path_to_write(NULL, NULL, w->arena, uri, &path, &err), CH_OK);
    assert_ptr_equal(path, uri); /* without a tracking server */
}

static void reading_looks_into_the_spark_folder_of_models(void **state)
{
    const world *w = *state;
#define MODEL "1/" RUN "/artifacts/model"
    check(w, ch_path_to_read, "runs:/" RUN "/model", MODEL "/sparkml");
    check(w, ch_path_to_read, "runs:/" RUN "/model/metadata", MODEL "/sparkml/metadata");
    check(w, ch_path_to_read, "runs:/" RUN "/model/stages/0_x/data", MODEL "/sparkml/stages/0_x/data");
    check(w, ch_path_to_read, "runs:/" RUN "/model/sparkml/metadata", MODEL "/sparkml/metadata");
    check(w, ch_path_to_read, "runs:/" RUN "/model/MLmodel", MODEL "/MLmodel");
    check(w, ch_path_to_read, "models:/Leads/1", MODEL "/sparkml");
    check(w, ch_path_to_read, "models:/Leads/latest/metadata", MODEL "/sparkml/metadata");
    check(w, ch_path_to_read, "mlflow-artifacts:/1/" RUN "/artifacts/model/", MODEL "/sparkml");
    check(w, ch_path_to_read, "runs:/" RUN "/data/t.csv", "1/" RUN "/artifacts/data/t.csv");
    check(w, ch_path_to_read, "runs:/" RUN "/nothing/there", "1/" RUN "/artifacts/nothing/there");
    refuse(w, ch_path_to_read, "models:/Nobody/1", "Nobody");
    refuse(w, ch_path_to_read, "runs:/" RUN "/../../x", "not kept by this server");
}

static void writing_is_for_runs_and_logged_models_of_the_server(void **state)
{
    const world *w = *state;
    check(w, ch_path_to_write, "runs:/" RUN "/m", "1/" RUN "/artifacts/m");
    check(w, ch_path_to_write, "mlflow-artifacts:/1/" RUN "/artifacts/m/sparkml", "1/" RUN "/artifacts/m/sparkml");
    check(w, ch_path_to_write, "mlflow-artifacts:/1/models/" LOGGED "/artifacts/sparkml",
          "1/models/" LOGGED "/artifacts/sparkml");
    check(w, ch_path_to_write, "models:/" LOGGED "/sparkml", "1/models/" LOGGED "/artifacts/sparkml");
    refuse(w, ch_path_to_write, "mlflow-artifacts:/1/ffffffffffffffffffffffffffffffff/artifacts/m", "No FileSystem");
    refuse(w, ch_path_to_write, "mlflow-artifacts:/2/" RUN "/artifacts/m", "No FileSystem");
    refuse(w, ch_path_to_write, "mlflow-artifacts:/1/" RUN "/artifactsm", "No FileSystem");
    refuse(w, ch_path_to_write, "mlflow-artifacts:/1/" RUN, "No FileSystem");
    refuse(w, ch_path_to_write, "mlflow-artifacts:/", "No FileSystem");
    refuse(w, ch_path_to_write, "mlflow-artifacts:/1/models/m-2/artifacts/x", "No FileSystem");
    refuse(w, ch_path_to_write, "mlflow-artifacts:/1/" RUN "/artifacts/../../x", "not kept by this server");
    refuse(w, ch_path_to_write, "models:/Leads/1/sparkml", "cannot be changed");
    refuse(w, ch_path_to_write, "models:/m-1/sparkml", "cannot be changed");
    refuse(w, ch_path_to_write, "runs:/nobody/m", "not found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(other_paths_stay_as_they_are, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_looks_into_the_spark_folder_of_models, setup, teardown),
        cmocka_unit_test_setup_teardown(writing_is_for_runs_and_logged_models_of_the_server, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
