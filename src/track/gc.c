/* gc.c: removing for good what was deleted softly: rows, artifacts and names. */
#include "track/gc.h"
#include "track/artifact_store.h"
#include "track/call.h"

#include "base/log.h"

#include <string.h>

/* Something to remove: a run, an experiment or a logged model. */
typedef struct victim {
    int64_t id;
    const char *name; /* the outside name of runs and models */
    const char *artifacts;
} victim;

typedef struct victims {
    victim *items;
    size_t count, room;
} victims;

typedef struct sweep {
    ch_track *track;
    ch_arena *arena;
    const ch_gc_request *request;
    victims runs, experiments, models;
    const victim *current;
    int64_t removed; /* 1 when the current one was there still */
} sweep;

/* --- what to remove ---- */

/* All rows of the chosen statement: id, name, artifacts. */
static int collect(sweep *s, ch_db *db, victims *list, ch_error *err)
{
    for (bool more;;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) return 0;
        if (list->count == list->room) {
            size_t room = list->room ? 2 * list->room : 64;
            list->items = ch_arena_grow(s->arena, list->items, sizeof *list->items, list->count, room);
            list->room = room;
        }
        list->items[list->count++] = (victim){
            .id = ch_db_get_int(db, 0),
            .name = ch_arena_strdup(s->arena, ch_db_get_text(db, 1)),
            .artifacts = ch_arena_strdup(s->arena, ch_db_get_text(db, 2)),
        };
    }
}

static int find_named_runs(sweep *s, ch_db *db, ch_error *err)
{
    for (size_t i = 0; i < s->request->nrun; i++) {
        const char *run_id = s->request->run_ids[i];
        bool more;
        ch_db_sql(db, "SELECT deleted FROM runs WHERE run_id = ?1");
        ch_db_text(db, 1, run_id);
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) return ch_failf(err, CH_E_NOT_FOUND, "Run with id=%s not found", run_id);
        if (!ch_db_get_int(db, 0)) {
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                            "Run %s is not in the deleted state: only deleted runs can be removed for good", run_id);
        }
        ch_db_sql(db, "SELECT id, run_id, artifact_uri FROM runs WHERE run_id = ?1");
        ch_db_text(db, 1, run_id);
        CH_TRY(collect(s, db, &s->runs, err));
    }
    return 0;
}

static int find_named_experiments(sweep *s, ch_db *db, ch_error *err)
{
    for (size_t i = 0; i < s->request->nexperiment; i++) {
        int64_t id = s->request->experiments[i];
        bool more;
        ch_db_sql(db, "SELECT deleted FROM experiments WHERE id = ?1");
        ch_db_int(db, 1, id);
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) return ch_failf(err, CH_E_NOT_FOUND, "No Experiment with id=%lld exists", (long long)id);
        if (!ch_db_get_int(db, 0)) {
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                            "Experiment %lld is not in the deleted state: only deleted experiments can be removed for "
                            "good",
                            (long long)id);
        }
        ch_db_sql(db, "SELECT id, name, artifact_location FROM experiments WHERE id = ?1");
        ch_db_int(db, 1, id);
        CH_TRY(collect(s, db, &s->experiments, err));
    }
    return 0;
}

static int find_deleted(sweep *s, ch_db *db, ch_error *err)
{
    int64_t before = ch_clock_ms() - s->request->older_than_ms;
    ch_db_sql(db, "SELECT id, name, artifact_location FROM experiments WHERE deleted = 1 AND updated <= ?1");
    ch_db_int(db, 1, before);
    CH_TRY(collect(s, db, &s->experiments, err));
    ch_db_sql(db, "SELECT id, run_id, artifact_uri FROM runs WHERE deleted = 1 AND COALESCE(deleted_time, 0) <= ?1");
    ch_db_int(db, 1, before);
    CH_TRY(collect(s, db, &s->runs, err));
    ch_db_sql(db, "SELECT id, model_id, artifact_uri FROM logged_models WHERE deleted = 1 AND updated <= ?1");
    ch_db_int(db, 1, before);
    return collect(s, db, &s->models, err);
}

/* What goes with the experiments. A run may come up twice, which does no harm. */
static int find_contents(sweep *s, ch_db *db, ch_error *err)
{
    for (size_t i = 0; i < s->experiments.count; i++) {
        ch_db_sql(db, "SELECT id, run_id, artifact_uri FROM runs WHERE experiment = ?1");
        ch_db_int(db, 1, s->experiments.items[i].id);
        CH_TRY(collect(s, db, &s->runs, err));
        ch_db_sql(db, "SELECT id, model_id, artifact_uri FROM logged_models WHERE experiment = ?1");
        ch_db_int(db, 1, s->experiments.items[i].id);
        CH_TRY(collect(s, db, &s->models, err));
    }
    return 0;
}

static int find(ch_db *db, void *arg, ch_error *err)
{
    sweep *s = arg;
    CH_TRY(find_named_runs(s, db, err));
    CH_TRY(find_named_experiments(s, db, err));
    if (s->request->everything) CH_TRY(find_deleted(s, db, err));
    return find_contents(s, db, err);
}

/* --- removing ---- */

/* Runs statements of one parameter, ?1. */
static int run_each(ch_db *db, const char *const *statements, int64_t id, const char *text, ch_error *err)
{
    for (; *statements; statements++) {
        ch_db_sql(db, *statements);
        if (text)
            ch_db_text(db, 1, text);
        else
            ch_db_int(db, 1, id);
        CH_TRY(ch_db_run(db, err));
    }
    return 0;
}

static int remove_run(ch_db *db, void *arg, ch_error *err)
{
    static const char *const BY_NUMBER[] = {
        "DELETE FROM metrics WHERE run = ?1",
        "DELETE FROM latest_metrics WHERE run = ?1",
        "DELETE FROM params WHERE run = ?1",
        "DELETE FROM tags WHERE run = ?1",
        "DELETE FROM dataset_input_tags WHERE input IN (SELECT id FROM dataset_inputs WHERE run = ?1)",
        "DELETE FROM dataset_inputs WHERE run = ?1",
        "DELETE FROM run_models WHERE run = ?1",
        "DELETE FROM runs WHERE id = ?1",
        NULL,
    };
    static const char *const BY_NAME[] = {
        "DELETE FROM trace_runs WHERE run_id = ?1",
        NULL,
    };
    sweep *s = arg;
    CH_TRY(run_each(db, BY_NAME, 0, s->current->name, err));
    CH_TRY(run_each(db, BY_NUMBER, s->current->id, NULL, err));
    s->removed = ch_db_changes(db);
    return 0;
}

static int remove_model(ch_db *db, void *arg, ch_error *err)
{
    static const char *const BY_NUMBER[] = {
        "DELETE FROM logged_model_params WHERE model = ?1",
        "DELETE FROM logged_model_tags WHERE model = ?1",
        "DELETE FROM logged_model_metrics WHERE model = ?1",
        "DELETE FROM logged_models WHERE id = ?1",
        NULL,
    };
    sweep *s = arg;
    CH_TRY(run_each(db, BY_NUMBER, s->current->id, NULL, err));
    s->removed = ch_db_changes(db);
    return 0;
}

/* The Default experiment is where runs without one go: its row stays, empty. */
static int remove_experiment(ch_db *db, void *arg, ch_error *err)
{
    static const char *const BY_NUMBER[] = {
        "DELETE FROM trace_tags WHERE trace IN (SELECT id FROM traces WHERE experiment = ?1)",
        "DELETE FROM trace_metadata WHERE trace IN (SELECT id FROM traces WHERE experiment = ?1)",
        "DELETE FROM trace_runs WHERE trace IN (SELECT id FROM traces WHERE experiment = ?1)",
        "DELETE FROM spans WHERE trace IN (SELECT id FROM traces WHERE experiment = ?1)",
        "DELETE FROM assessments WHERE trace IN (SELECT id FROM traces WHERE experiment = ?1)",
        "DELETE FROM traces WHERE experiment = ?1",
        "DELETE FROM datasets WHERE experiment = ?1",
        "DELETE FROM experiment_tags WHERE experiment = ?1",
        "DELETE FROM experiment_permissions WHERE experiment = ?1",
        "DELETE FROM experiments WHERE id = ?1 AND id <> 0",
        NULL,
    };
    sweep *s = arg;
    CH_TRY(run_each(db, BY_NUMBER, s->current->id, NULL, err));
    s->removed = ch_db_changes(db);
    return 0;
}

/* Artifacts that lie elsewhere (in S3) are left to their owner. */
static int remove_artifacts(const sweep *s, const victim *v, ch_error *err)
{
    const char *path = ch_artifact_of_uri(s->arena, s->track->artifacts, v->artifacts);
    if (path && *path) return ch_artifact_remove(s->track->artifacts, path, err);
    ch_log(CH_LOG_WARN, "the artifacts of %s lie in %s and were not removed", v->name, v->artifacts);
    return 0;
}

static int remove_all(sweep *s, const victims *list, int (*remove_rows)(ch_db *db, void *arg, ch_error *err),
                      int64_t *count, ch_error *err)
{
    *count = 0;
    for (size_t i = 0; i < list->count; i++) {
        s->current = &list->items[i];
        CH_TRY(remove_artifacts(s, s->current, err));
        CH_TRY(ch_db_write(s->track->pool, remove_rows, s, err));
        *count += s->removed;
    }
    return 0;
}

int ch_track_gc(ch_track *track, ch_arena *arena, const ch_gc_request *request, ch_gc_result *result, ch_error *err)
{
    sweep s = {.track = track, .arena = arena, .request = request};
    CH_TRY(ch_db_read(track->pool, find, &s, err));
    CH_TRY(remove_all(&s, &s.runs, remove_run, &result->runs, err));
    CH_TRY(remove_all(&s, &s.models, remove_model, &result->models, err));
    return remove_all(&s, &s.experiments, remove_experiment, &result->experiments, err);
}
