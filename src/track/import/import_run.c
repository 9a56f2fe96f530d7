/* import_run.c: what an import adds to the store of runs and logged models. */
#include "track/import/import_sink.h"

#include <string.h>

typedef struct addition {
    ch_sink *sink;
    ch_arena *arena;
    const ch_sink_experiment *of;
    ch_sink_run *run;
    const ch_sink_logged_model *model;
    bool added;
} addition;

/* --- what is there ---- */

typedef struct question {
    ch_sink_kind kind;
    const char *id;
    bool known;
} question;

static int look_up(ch_db *db, void *arg, ch_error *err)
{
    static const char *const SQL[] = {
        [CH_SINK_RUN] = "SELECT 1 FROM runs WHERE run_id = ?1",
        [CH_SINK_LOGGED_MODEL] = "SELECT 1 FROM logged_models WHERE model_id = ?1",
        [CH_SINK_TRACE] = "SELECT 1 FROM traces WHERE trace_id = ?1",
    };
    question *q = arg;
    ch_db_sql(db, SQL[q->kind]);
    ch_db_text(db, 1, q->id);
    return ch_db_next(db, &q->known, err);
}

int ch_sink_knows(ch_sink *sink, ch_sink_kind kind, const char *id, bool *known, ch_error *err)
{
    question q = {.kind = kind, .id = id};
    CH_TRY(ch_db_read(sink->track->pool, look_up, &q, err));
    *known = q.known;
    if (q.known) ch_sink_count(sink, NULL, false);
    return 0;
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
    if (!more) return 0;
    return ch_sink_put_pairs(
        db, "INSERT INTO dataset_input_tags(input, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        ch_db_get_int(db, 0), d->tags, d->ntag, err);
}

static int add_model_link(ch_db *db, int64_t run, const ch_sink_model_link *link, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO run_models(run, is_output, model_id, step) VALUES (?1, ?2, ?3, ?4) "
                  "ON CONFLICT DO NOTHING");
    ch_db_int(db, 1, run);
    ch_db_int(db, 2, link->is_output);
    ch_db_text(db, 3, link->model_id);
    ch_db_int(db, 4, link->step);
    return ch_db_run(db, err);
}

static int insert_run(ch_db *db, ch_sink_run *r, ch_error *err)
{
    bool more;
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
    CH_TRY(ch_db_next(db, &more, err));
    r->run.id = ch_db_get_int(db, 0);
    return 0;
}

static int add_run(ch_db *db, void *arg, ch_error *err)
{
    addition *a = arg;
    ch_sink_run *r = a->run;
    CH_TRY(insert_run(db, r, err));
    CH_TRY(ch_sink_put_pairs(db, "INSERT INTO params(run, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                             r->run.id, r->params, r->nparam, err));
    CH_TRY(ch_sink_put_pairs(db, "INSERT INTO tags(run, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                             r->run.id, r->tags, r->ntag, err));
    for (size_t i = 0; i < r->ndataset; i++) CH_TRY(add_dataset(db, r, &r->datasets[i], err));
    for (size_t i = 0; i < r->nmodel; i++) CH_TRY(add_model_link(db, r->run.id, &r->models[i], err));
    return ch_run_log_metrics(db, &r->run, r->points, r->npoint, err);
}

int ch_sink_add_run(ch_sink *sink, ch_arena *arena, ch_sink_experiment *of, ch_sink_run *run, ch_error *err)
{
    addition a = {.sink = sink, .arena = arena, .of = of, .run = run};
    /* the name of a run is in its tag since MLflow 2 */
    const char *named = ch_sink_tag(run->tags, run->ntag, "mlflow.runName");
    if (!*run->run.name && named) run->run.name = named;
    run->run.experiment = of->id;
    run->run.artifact_uri = ch_sink_moved(arena, of, run->old_artifact_uri);
    CH_TRY(ch_sink_copy(sink, arena, of, run->old_artifact_uri, err));
    CH_TRY(ch_db_write(sink->track->pool, add_run, &a, err));
    sink->counts->points += (int64_t)run->npoint;
    ch_sink_count(sink, &sink->counts->runs, true);
    return 0;
}

/* --- logged models ---- */

static int insert_model(ch_db *db, const addition *a, int64_t *id, ch_error *err)
{
    const ch_sink_logged_model *m = a->model;
    bool more;
    ch_db_sql(db, "INSERT INTO logged_models(model_id, experiment, name, artifact_uri, created, updated, status, "
                  "deleted, model_type, source_run_id, status_message) "
                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) RETURNING id");
    ch_db_text(db, 1, m->model_id);
    ch_db_int(db, 2, a->of->id);
    ch_db_text(db, 3, m->name);
    ch_db_text(db, 4, ch_sink_moved(a->arena, a->of, m->old_artifact_uri));
    ch_db_int(db, 5, m->created);
    ch_db_int(db, 6, m->updated);
    ch_db_int(db, 7, m->status);
    ch_db_int(db, 8, m->deleted);
    ch_db_text(db, 9, m->model_type);
    ch_db_text(db, 10, m->source_run_id);
    ch_db_text(db, 11, m->status_message);
    CH_TRY(ch_db_next(db, &more, err));
    *id = ch_db_get_int(db, 0);
    return 0;
}

static int add_model_point(ch_db *db, int64_t model, const ch_sink_model_point *p, ch_error *err)
{
    ch_db_sql(db, "INSERT INTO logged_model_metrics(model, run_id, key, timestamp, step, value, is_nan, dataset_name, "
                  "dataset_digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING");
    ch_db_int(db, 1, model);
    ch_db_text(db, 2, p->run_id);
    ch_db_text(db, 3, p->point.key);
    ch_db_int(db, 4, p->point.timestamp);
    ch_db_int(db, 5, p->point.step);
    ch_db_double(db, 6, p->point.value);
    ch_db_int(db, 7, p->point.is_nan);
    ch_db_text(db, 8, p->point.dataset_name ? p->point.dataset_name : "");
    ch_db_text(db, 9, p->point.dataset_digest ? p->point.dataset_digest : "");
    return ch_db_run(db, err);
}

static int add_logged_model(ch_db *db, void *arg, ch_error *err)
{
    addition *a = arg;
    const ch_sink_logged_model *m = a->model;
    int64_t id;
    CH_TRY(insert_model(db, a, &id, err));
    CH_TRY(ch_sink_put_pairs(db, "INSERT INTO logged_model_params(model, key, value) VALUES (?1, ?2, ?3)", id,
                             m->params, m->nparam, err));
    CH_TRY(ch_sink_put_pairs(db, "INSERT INTO logged_model_tags(model, key, value) VALUES (?1, ?2, ?3)", id, m->tags,
                             m->ntag, err));
    for (size_t i = 0; i < m->npoint; i++) CH_TRY(add_model_point(db, id, &m->points[i], err));
    return 0;
}

int ch_sink_add_logged_model(ch_sink *sink, ch_arena *arena, ch_sink_experiment *of, const ch_sink_logged_model *model,
                             ch_error *err)
{
    addition a = {.sink = sink, .arena = arena, .of = of, .model = model};
    CH_TRY(ch_sink_copy(sink, arena, of, model->old_artifact_uri, err));
    CH_TRY(ch_db_write(sink->track->pool, add_logged_model, &a, err));
    ch_sink_count(sink, &sink->counts->logged_models, true);
    return 0;
}
