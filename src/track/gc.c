/* gc.c: removing for good what was deleted softly: rows, artifacts and names. */
#include "track/gc.h"
#include "track/artifact/artifact_store.h"
#include "track/artifact/uploads.h"
#include "track/call.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
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
    ch_gc_result *result;
    int64_t before; /* what was deleted later stays */
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

/* How something that a request names is looked for. */
typedef struct kind {
    const char *state; /* deleted, and since when */
    const char *row;   /* id, name, artifacts */
    const char *absent, *active, *recent;
} kind;

static const kind RUN = {
    "SELECT deleted, COALESCE(deleted_time, 0) FROM runs WHERE run_id = ?1",
    "SELECT id, run_id, artifact_uri FROM runs WHERE run_id = ?1",
    "Run with id=%s not found",
    "Run %s is not in the deleted state: only deleted runs can be removed for good",
    "Run %s was deleted more recently than asked for",
};
static const kind EXPERIMENT = {
    "SELECT deleted, updated FROM experiments WHERE CAST(id AS TEXT) = ?1",
    "SELECT id, name, artifact_location FROM experiments WHERE CAST(id AS TEXT) = ?1",
    "No Experiment with id=%s exists",
    "Experiment %s is not in the deleted state: only deleted experiments can be removed for good",
    "Experiment %s was deleted more recently than asked for",
};
static const kind MODEL = {
    "SELECT deleted, updated FROM logged_models WHERE model_id = ?1",
    "SELECT id, model_id, artifact_uri FROM logged_models WHERE model_id = ?1",
    "Logged model with ID '%s' not found.",
    "Logged model %s is not in the deleted state: only deleted models can be removed for good",
    "Logged model %s was deleted more recently than asked for",
};

__attribute__((format(printf, 3, 4))) static int refuse(ch_error *err, ch_errkind error, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return ch_failf(err, error, "%s", text);
}

static int find_named(sweep *s, ch_db *db, const kind *k, const char *name, victims *list, ch_error *err)
{
    bool more;
    ch_db_sql(db, k->state);
    ch_db_text(db, 1, name);
    CH_TRY(ch_db_next(db, &more, err));
    if (!more) return refuse(err, CH_E_NOT_FOUND, k->absent, name);
    if (!ch_db_get_int(db, 0)) return refuse(err, CH_E_ILLEGAL_ARGUMENT, k->active, name);
    if (ch_db_get_int(db, 1) > s->before) return refuse(err, CH_E_ILLEGAL_ARGUMENT, k->recent, name);
    ch_db_sql(db, k->row);
    ch_db_text(db, 1, name);
    return collect(s, db, list, err);
}

static int find_all_named(sweep *s, ch_db *db, ch_error *err)
{
    const ch_gc_request *r = s->request;
    for (size_t i = 0; i < r->nrun; i++) CH_TRY(find_named(s, db, &RUN, r->run_ids[i], &s->runs, err));
    for (size_t i = 0; i < r->nmodel; i++) CH_TRY(find_named(s, db, &MODEL, r->model_ids[i], &s->models, err));
    for (size_t i = 0; i < r->nexperiment; i++) {
        const char *id = ch_arena_printf(s->arena, "%lld", (long long)r->experiments[i]);
        CH_TRY(find_named(s, db, &EXPERIMENT, id, &s->experiments, err));
    }
    return 0;
}

static int find_deleted(sweep *s, ch_db *db, ch_error *err)
{
    ch_db_sql(db, "SELECT id, name, artifact_location FROM experiments WHERE deleted = 1 AND updated <= ?1");
    ch_db_int(db, 1, s->before);
    CH_TRY(collect(s, db, &s->experiments, err));
    /* those of experiments that go are found with them */
    ch_db_sql(db, "SELECT id, run_id, artifact_uri FROM runs WHERE deleted = 1 AND COALESCE(deleted_time, 0) <= ?1 AND "
                  "experiment NOT IN (SELECT id FROM experiments WHERE deleted = 1 AND updated <= ?1)");
    ch_db_int(db, 1, s->before);
    CH_TRY(collect(s, db, &s->runs, err));
    ch_db_sql(db, "SELECT id, model_id, artifact_uri FROM logged_models WHERE deleted = 1 AND updated <= ?1 AND "
                  "experiment NOT IN (SELECT id FROM experiments WHERE deleted = 1 AND updated <= ?1)");
    ch_db_int(db, 1, s->before);
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

/* Registered versions whose files are below a victim's artifacts. */
static int find_versions(sweep *s, ch_db *db, const victim *v, ch_error *err)
{
    ch_gc_result *r = s->result;
    ch_db_sql(db, "SELECT m.name, v.version FROM model_versions v JOIN registered_models m ON m.id = v.model "
                  "WHERE SUBSTR(COALESCE(v.storage_location, v.source), 1, LENGTH(?1)) = ?1 "
                  "OR SUBSTR(v.source, 1, LENGTH(?2)) = ?2");
    ch_db_text(db, 1, ch_arena_printf(s->arena, "%s/", v->artifacts));
    ch_db_text(db, 2, ch_arena_printf(s->arena, "runs:/%s/", v->name));
    for (bool more;;) {
        CH_TRY(ch_db_next(db, &more, err));
        if (!more) return 0;
        if ((r->nversion & (r->nversion - 1)) == 0) /* full at every power of two */
            r->versions = ch_arena_grow(s->arena, r->versions, sizeof *r->versions, r->nversion, 2 * r->nversion + 1);
        r->versions[r->nversion++] =
            ch_arena_printf(s->arena, "%s/%lld", ch_db_get_text(db, 0), (long long)ch_db_get_int(db, 1));
    }
}

static int list_all(sweep *s, ch_db *db, const char *what, const victims *list, ch_error *err)
{
    ch_gc_result *r = s->result;
    bool whole = strcmp(what, "experiment") == 0; /* whose runs were asked for already */
    r->items = ch_arena_grow(s->arena, r->items, sizeof *r->items, r->nitem, r->nitem + list->count);
    for (size_t i = 0; i < list->count; i++) {
        const victim *v = &list->items[i];
        r->items[r->nitem++] = (ch_gc_item){what, v->name, v->artifacts};
        if (!whole) CH_TRY(find_versions(s, db, v, err));
    }
    return 0;
}

static int find(ch_db *db, void *arg, ch_error *err)
{
    sweep *s = arg;
    CH_TRY(find_all_named(s, db, err));
    if (s->request->everything) CH_TRY(find_deleted(s, db, err));
    CH_TRY(find_contents(s, db, err));
    CH_TRY(list_all(s, db, "run", &s->runs, err));
    CH_TRY(list_all(s, db, "logged model", &s->models, err));
    return list_all(s, db, "experiment", &s->experiments, err);
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
        "DELETE FROM run_models WHERE model_id = (SELECT model_id FROM logged_models WHERE id = ?1)",
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
    sweep s = {.track = track, .arena = arena, .request = request, .result = result};
    s.before = ch_clock_ms() - request->older_than_ms;
    *result = (ch_gc_result){0};
    CH_TRY(ch_db_read(track->pool, find, &s, err));
    if (request->dry_run) {
        result->runs = (int64_t)s.runs.count;
        result->models = (int64_t)s.models.count;
        result->experiments = (int64_t)s.experiments.count;
        return 0;
    }
    ch_upload_sweep(track->artifacts, CH_UPLOAD_SECONDS);
    CH_TRY(remove_all(&s, &s.runs, remove_run, &result->runs, err));
    CH_TRY(remove_all(&s, &s.models, remove_model, &result->models, err));
    return remove_all(&s, &s.experiments, remove_experiment, &result->experiments, err);
}
