/* import.c: what an import adds to the store, whatever the source. */
#include "track/import.h"
#include "track/artifact_store.h"
#include "track/import_sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- artifacts ---- */

/* The local path of artifacts of the source; NULL when they are not on this machine. */
static const char *local_path(const ch_sink *sink, ch_arena *arena, const char *uri)
{
    static const char PROXY[] = "mlflow-artifacts:/";
    if (!uri) return NULL;
    if (strncmp(uri, PROXY, sizeof PROXY - 1) == 0) {
        uri += sizeof PROXY - 1;
        while (*uri == '/') uri++;
        return ch_arena_printf(arena, "%s/%s", sink->options->artifacts, uri);
    }
    if (strncmp(uri, "file://", 7) == 0) return uri + 7;
    if (strncmp(uri, "file:", 5) == 0) return uri + 5;
    return uri[0] == '/' ? uri : NULL;
}

/* Where artifacts are after the import: `uri` within the experiment's new location when it was within the old one and
 * the files are here to be copied; otherwise as it was. */
static const char *moved(const ch_sink *sink, ch_arena *arena, const ch_sink_experiment *of, const char *uri)
{
    if (!uri || !of || !local_path(sink, arena, uri)) return uri;
    size_t len = strlen(of->old_location);
    if (strncmp(uri, of->old_location, len) != 0) return uri;
    return ch_arena_printf(arena, "%s%s", of->location, uri + len);
}

/* Copies artifacts to where their new URI says. */
static int copy_artifacts(ch_sink *sink, ch_arena *arena, const char *from_uri, const char *to_uri, ch_error *err)
{
    const char *from = local_path(sink, arena, from_uri);
    const char *to = ch_artifact_of_uri(arena, sink->track->artifacts, to_uri);
    if (!from || !to || !*to) return 0;
    to = ch_artifact_absolute(arena, sink->track->artifacts, to);
    return strcmp(from, to) == 0 ? 0 : ch_import_copy(from, to, &sink->counts->files, err);
}

/* --- experiments ---- */

typedef struct addition {
    ch_sink *sink;
    ch_arena *arena;
    const void *item;
    const ch_sink_experiment *of;
    bool added; /* or, when asked, is there already */
} addition;

static int put_pairs(ch_db *db, const char *sql, int64_t owner, const ch_key_value *pairs, size_t count, ch_error *err)
{
    for (size_t i = 0; i < count; i++) {
        ch_db_sql(db, sql);
        ch_db_int(db, 1, owner);
        ch_db_text(db, 2, pairs[i].key);
        ch_db_text(db, 3, pairs[i].value ? pairs[i].value : "");
        CH_TRY(ch_db_run(db, err));
    }
    return 0;
}

static int find_experiment(ch_db *db, const char *name, bool *found, int64_t *id, ch_error *err)
{
    ch_db_sql(db, "SELECT id FROM experiments WHERE name = ?1");
    ch_db_text(db, 1, name);
    CH_TRY(ch_db_next(db, found, err));
    if (*found) *id = ch_db_get_int(db, 0);
    return 0;
}

static int add_experiment(ch_db *db, void *arg, ch_error *err)
{
    addition *a = arg;
    const ch_sink_experiment *e = a->item;
    ch_sink_experiment *out = (ch_sink_experiment *)(uintptr_t)a->item;
    bool found, more;
    CH_TRY(find_experiment(db, e->name, &found, &out->id, err));
    a->added = !found;
    if (!found) {
        ch_db_sql(db, "INSERT INTO experiments(name, artifact_location, deleted, created, updated) "
                      "VALUES (?1, '', ?2, ?3, ?4) RETURNING id");
        ch_db_text(db, 1, e->name);
        ch_db_int(db, 2, e->deleted);
        ch_db_int(db, 3, e->created);
        ch_db_int(db, 4, e->updated);
        CH_TRY(ch_db_next(db, &more, err));
        out->id = ch_db_get_int(db, 0);
        bool is_local = local_path(a->sink, a->sink->arena, e->old_location) != NULL;
        ch_db_sql(db, "UPDATE experiments SET artifact_location = ?2 WHERE id = ?1");
        ch_db_int(db, 1, out->id);
        ch_db_text(db, 2,
                   is_local ? ch_arena_printf(a->sink->arena, "mlflow-artifacts:/%lld", (long long)out->id)
                            : e->old_location);
        CH_TRY(ch_db_run(db, err));
    }
    ch_db_sql(db, "SELECT artifact_location FROM experiments WHERE id = ?1");
    ch_db_int(db, 1, out->id);
    CH_TRY(ch_db_next(db, &more, err));
    out->location = ch_arena_strdup(a->sink->arena, ch_db_get_text(db, 0));
    return put_pairs(db,
                     "INSERT INTO experiment_tags(experiment, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                     out->id, e->tags, e->ntag, err);
}

int ch_sink_add_experiment(ch_sink *sink, ch_sink_experiment *experiment, ch_error *err)
{
    addition a = {.sink = sink, .arena = sink->arena, .item = experiment};
    CH_TRY(ch_db_write(sink->track->pool, add_experiment, &a, err));
    sink->counts->experiments += a.added;
    experiment->next = sink->experiments;
    sink->experiments = experiment;
    return 0;
}

ch_sink_experiment *ch_sink_find_experiment(const ch_sink *sink, const char *old_id)
{
    ch_sink_experiment *e = sink->experiments;
    while (e && strcmp(e->old_id, old_id) != 0) e = e->next;
    return e;
}

/* --- runs ---- */

static int add_dataset(ch_db *db, const ch_sink_run *r, const ch_sink_dataset *d, ch_error *err)
{
    bool more;
    ch_db_sql(db, "INSERT INTO datasets(experiment, name, digest, source_type, source, schema, profile) "
                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING");
    ch_db_int(db, 1, r->run.experiment);
    ch_db_text(db, 2, d->name);
    ch_db_text(db, 3, d->digest);
    ch_db_text(db, 4, d->source_type);
    ch_db_text(db, 5, d->source);
    ch_db_text(db, 6, d->schema);
    ch_db_text(db, 7, d->profile);
    CH_TRY(ch_db_run(db, err));
    ch_db_sql(db, "INSERT INTO dataset_inputs(run, dataset) SELECT ?1, id FROM datasets "
                  "WHERE experiment = ?2 AND name = ?3 AND digest = ?4 ON CONFLICT DO NOTHING RETURNING id");
    ch_db_int(db, 1, r->run.id);
    ch_db_int(db, 2, r->run.experiment);
    ch_db_text(db, 3, d->name);
    ch_db_text(db, 4, d->digest);
    CH_TRY(ch_db_next(db, &more, err));
    if (!more || !d->context) return 0;
    int64_t input = ch_db_get_int(db, 0);
    ch_key_value tag = {"mlflow.data.context", d->context};
    return put_pairs(db, "INSERT INTO dataset_input_tags(input, key, value) VALUES (?1, ?2, ?3)", input, &tag, 1, err);
}

static int add_run(ch_db *db, void *arg, ch_error *err)
{
    addition *a = arg;
    ch_sink_run *r = (ch_sink_run *)(uintptr_t)a->item;
    bool found;
    ch_db_sql(db, "SELECT 1 FROM runs WHERE run_id = ?1");
    ch_db_text(db, 1, r->run.run_id);
    CH_TRY(ch_db_next(db, &found, err));
    a->added = !found;
    if (found) return 0;
    ch_db_sql(db, "INSERT INTO runs(run_id, experiment, name, user_id, status, start_time, end_time, deleted, "
                  "deleted_time, artifact_uri) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) RETURNING id");
    ch_db_text(db, 1, r->run.run_id);
    ch_db_int(db, 2, r->run.experiment);
    ch_db_text(db, 3, r->run.name);
    ch_db_text(db, 4, r->run.user_id);
    ch_db_text(db, 5, r->run.status);
    ch_db_int(db, 6, r->run.start_time);
    if (r->run.has_end)
        ch_db_int(db, 7, r->run.end_time);
    else
        ch_db_null(db, 7);
    ch_db_int(db, 8, r->run.deleted);
    if (r->run.deleted)
        ch_db_int(db, 9, r->deleted_time);
    else
        ch_db_null(db, 9);
    ch_db_text(db, 10, r->run.artifact_uri);
    CH_TRY(ch_db_next(db, &found, err));
    r->run.id = ch_db_get_int(db, 0);
    CH_TRY(put_pairs(db, "INSERT INTO params(run, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", r->run.id,
                     r->params, r->nparam, err));
    CH_TRY(put_pairs(db, "INSERT INTO tags(run, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", r->run.id,
                     r->tags, r->ntag, err));
    for (size_t i = 0; i < r->ndataset; i++) CH_TRY(add_dataset(db, r, &r->datasets[i], err));
    return ch_run_log_metrics(db, &r->run, r->points, r->npoint, err);
}

/* The name of a run is in its tag since MLflow 2. */
static void find_name(ch_sink_run *run)
{
    for (size_t i = 0; i < run->ntag && !*run->run.name; i++) {
        if (strcmp(run->tags[i].key, "mlflow.runName") == 0) run->run.name = run->tags[i].value;
    }
}

static int is_known_run(ch_db *db, void *arg, ch_error *err)
{
    addition *a = arg;
    ch_db_sql(db, "SELECT 1 FROM runs WHERE run_id = ?1");
    ch_db_text(db, 1, ((const ch_sink_run *)a->item)->run.run_id);
    return ch_db_next(db, &a->added, err);
}

int ch_sink_add_run(ch_sink *sink, ch_arena *arena, const ch_sink_experiment *of, ch_sink_run *run, ch_error *err)
{
    addition a = {.sink = sink, .arena = arena, .item = run, .of = of};
    CH_TRY(ch_db_read(sink->track->pool, is_known_run, &a, err));
    if (a.added) {
        sink->counts->skipped_runs++;
        return 0;
    }
    find_name(run);
    run->run.experiment = of->id;
    run->run.artifact_uri = moved(sink, arena, of, run->old_artifact_uri);
    CH_TRY(copy_artifacts(sink, arena, run->old_artifact_uri, run->run.artifact_uri, err));
    CH_TRY(ch_db_write(sink->track->pool, add_run, &a, err));
    sink->counts->runs += a.added;
    sink->counts->skipped_runs += !a.added;
    if (a.added) sink->counts->points += (int64_t)run->npoint;
    return 0;
}

/* --- logged models ---- */

static int add_logged_model(ch_db *db, void *arg, ch_error *err)
{
    addition *a = arg;
    const ch_sink_logged_model *m = a->item;
    bool found;
    ch_db_sql(db,
              "INSERT INTO logged_models(model_id, experiment, name, artifact_uri, created, updated, status, deleted, "
              "model_type, source_run_id, status_message) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
              "ON CONFLICT DO NOTHING RETURNING id");
    ch_db_text(db, 1, m->model_id);
    ch_db_int(db, 2, a->of->id);
    ch_db_text(db, 3, m->name);
    ch_db_text(db, 4, moved(a->sink, a->arena, a->of, m->old_artifact_uri));
    ch_db_int(db, 5, m->created);
    ch_db_int(db, 6, m->updated);
    ch_db_int(db, 7, m->status);
    ch_db_int(db, 8, m->deleted);
    ch_db_text(db, 9, m->model_type);
    ch_db_text(db, 10, m->source_run_id);
    ch_db_text(db, 11, m->status_message);
    CH_TRY(ch_db_next(db, &found, err));
    a->added = found;
    if (!found) return 0;
    int64_t id = ch_db_get_int(db, 0);
    CH_TRY(put_pairs(db, "INSERT INTO logged_model_params(model, key, value) VALUES (?1, ?2, ?3)", id, m->params,
                     m->nparam, err));
    return put_pairs(db, "INSERT INTO logged_model_tags(model, key, value) VALUES (?1, ?2, ?3)", id, m->tags, m->ntag,
                     err);
}

int ch_sink_add_logged_model(ch_sink *sink, ch_arena *arena, const ch_sink_experiment *of,
                             const ch_sink_logged_model *model, ch_error *err)
{
    addition a = {.sink = sink, .arena = arena, .item = model, .of = of};
    const char *target = moved(sink, arena, of, model->old_artifact_uri);
    CH_TRY(copy_artifacts(sink, arena, model->old_artifact_uri, target, err));
    CH_TRY(ch_db_write(sink->track->pool, add_logged_model, &a, err));
    sink->counts->logged_models += a.added;
    return 0;
}

/* --- registry ---- */

static int find_model(ch_db *db, const char *name, bool *found, int64_t *id, ch_error *err)
{
    ch_db_sql(db, "SELECT id FROM registered_models WHERE name = ?1");
    ch_db_text(db, 1, name);
    CH_TRY(ch_db_next(db, found, err));
    if (*found) *id = ch_db_get_int(db, 0);
    return 0;
}

static int add_model(ch_db *db, void *arg, ch_error *err)
{
    addition *a = arg;
    const ch_sink_model *m = a->item;
    bool found;
    int64_t id;
    CH_TRY(find_model(db, m->name, &found, &id, err));
    a->added = !found;
    if (found) return 0;
    ch_db_sql(db, "INSERT INTO registered_models(name, description, created, updated) VALUES (?1, ?2, ?3, ?4) "
                  "RETURNING id");
    ch_db_text(db, 1, m->name);
    ch_db_text(db, 2, m->description);
    ch_db_int(db, 3, m->created);
    ch_db_int(db, 4, m->updated);
    CH_TRY(ch_db_next(db, &found, err));
    id = ch_db_get_int(db, 0);
    for (size_t i = 0; i < m->nalias; i++) {
        ch_db_sql(db, "INSERT INTO registered_model_aliases(model, alias, version) VALUES (?1, ?2, ?3)");
        ch_db_int(db, 1, id);
        ch_db_text(db, 2, m->aliases[i].key);
        ch_db_int(db, 3, strtoll(m->aliases[i].value, NULL, 10));
        CH_TRY(ch_db_run(db, err));
    }
    return put_pairs(db, "INSERT INTO registered_model_tags(model, key, value) VALUES (?1, ?2, ?3)", id, m->tags,
                     m->ntag, err);
}

int ch_sink_add_model(ch_sink *sink, const ch_sink_model *model, ch_error *err)
{
    addition a = {.sink = sink, .item = model};
    CH_TRY(ch_db_write(sink->track->pool, add_model, &a, err));
    sink->counts->models += a.added;
    return 0;
}

/* A source within any imported experiment's artifacts, where it is now. */
static const char *moved_anywhere(const ch_sink *sink, ch_arena *arena, const char *uri)
{
    for (const ch_sink_experiment *e = sink->experiments; e && uri; e = e->next) {
        const char *now = moved(sink, arena, e, uri);
        if (now != uri) return now;
    }
    return uri;
}

static int insert_version(ch_db *db, const addition *a, int64_t model, ch_error *err)
{
    const ch_sink_version *v = a->item;
    ch_db_sql(db, "INSERT INTO model_versions(model, version, created, updated, description, user_id, stage, source, "
                  "storage_location, run_id, run_link, status, status_message, model_id) "
                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT DO NOTHING");
    ch_db_int(db, 1, model);
    ch_db_int(db, 2, v->version);
    ch_db_int(db, 3, v->created);
    ch_db_int(db, 4, v->updated);
    ch_db_text(db, 5, v->description);
    ch_db_text(db, 6, v->user_id);
    ch_db_text(db, 7, v->stage && *v->stage ? v->stage : "None");
    ch_db_text(db, 8, moved_anywhere(a->sink, a->arena, v->source ? v->source : ""));
    ch_db_text(db, 9, moved_anywhere(a->sink, a->arena, v->storage_location));
    ch_db_text(db, 10, v->run_id);
    ch_db_text(db, 11, v->run_link);
    ch_db_text(db, 12, v->status && *v->status ? v->status : "READY");
    ch_db_text(db, 13, v->status_message);
    ch_db_text(db, 14, v->model_id);
    return ch_db_run(db, err);
}

static int add_version(ch_db *db, void *arg, ch_error *err)
{
    addition *a = arg;
    const ch_sink_version *v = a->item;
    bool found;
    int64_t model;
    CH_TRY(find_model(db, v->model, &found, &model, err));
    a->added = false;
    if (!found) return 0;
    CH_TRY(insert_version(db, a, model, err));
    a->added = ch_db_changes(db) > 0;
    if (!a->added) return 0;
    ch_db_sql(db, "UPDATE registered_models SET next_version = ?2 + 1 WHERE id = ?1 AND next_version <= ?2");
    ch_db_int(db, 1, model);
    ch_db_int(db, 2, v->version);
    CH_TRY(ch_db_run(db, err));
    for (size_t i = 0; i < v->ntag; i++) {
        ch_db_sql(db, "INSERT INTO model_version_tags(model, version, key, value) VALUES (?1, ?2, ?3, ?4)");
        ch_db_int(db, 1, model);
        ch_db_int(db, 2, v->version);
        ch_db_text(db, 3, v->tags[i].key);
        ch_db_text(db, 4, v->tags[i].value ? v->tags[i].value : "");
        CH_TRY(ch_db_run(db, err));
    }
    return 0;
}

int ch_sink_add_version(ch_sink *sink, ch_arena *arena, const ch_sink_version *version, ch_error *err)
{
    addition a = {.sink = sink, .arena = arena, .item = version};
    CH_TRY(ch_db_write(sink->track->pool, add_version, &a, err));
    sink->counts->versions += a.added;
    return 0;
}

/* --- the whole ---- */

int ch_track_import(ch_track *track, const ch_import_options *options, ch_import_counts *counts, ch_error *err)
{
    *counts = (ch_import_counts){0};
    ch_arena *arena = ch_arena_new();
    ch_import_options full = *options;
    if (strncmp(full.source, "sqlite:///", 10) == 0) full.source += 10;
    if (!full.artifacts) {
        const char *slash = strrchr(full.source, '/');
        int len = slash ? (int)(slash - full.source) : 1;
        full.artifacts = ch_arena_printf(arena, "%.*s/mlartifacts", len, slash ? full.source : ".");
    }
    ch_sink sink = {.track = track, .options = &full, .counts = counts, .arena = arena};
    struct stat st;
    int status = 0;
    if (strncmp(full.source, "http:", 5) == 0 || strncmp(full.source, "https:", 6) == 0) {
        status = ch_import_server(&sink, full.source, err);
    } else if (stat(full.source, &st)) {
        status = ch_failf(err, CH_E_FILE_NOT_FOUND, "%s: %s", full.source, strerror(errno));
    } else if (S_ISDIR(st.st_mode)) {
        status = ch_import_folder(&sink, full.source, err);
    } else {
        status = ch_import_sqlite(&sink, full.source, err);
    }
    ch_arena_free(arena);
    return status;
}
