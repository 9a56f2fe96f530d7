/* import_registry.c: what an import adds to the model registry. */
#include "track/import/import_sink.h"
#include "track/registry/registry.h"

#include <stdlib.h>

typedef struct addition {
    ch_sink *sink;
    ch_arena *arena;
    const ch_sink_model *model;
    const ch_sink_version *version;
    bool added;
} addition;

/* --- models ---- */

static int insert_model(ch_db *db, const ch_sink_model *m, int64_t *id, ch_error *err)
{
    bool more;
    ch_db_sql(db, "INSERT INTO registered_models(name, description, created, updated) VALUES (?1, ?2, ?3, ?4) "
                  "RETURNING id");
    ch_db_text(db, 1, m->name);
    ch_db_text(db, 2, m->description);
    ch_db_int(db, 3, m->created);
    ch_db_int(db, 4, m->updated);
    CH_TRY(ch_db_next(db, &more, err));
    *id = ch_db_get_int(db, 0);
    return 0;
}

static int add_model(ch_db *db, void *arg, ch_error *err)
{
    addition *a = arg;
    const ch_sink_model *m = a->model;
    int64_t id;
    CH_TRY(ch_registered_find(db, m->name, &id, err));
    a->added = id == 0;
    if (id) return 0;
    CH_TRY(insert_model(db, m, &id, err));
    for (size_t i = 0; i < m->nalias; i++) {
        ch_db_sql(db, "INSERT INTO registered_model_aliases(model, alias, version) VALUES (?1, ?2, ?3) "
                      "ON CONFLICT DO NOTHING");
        ch_db_int(db, 1, id);
        ch_db_text(db, 2, m->aliases[i].key);
        ch_db_int(db, 3, strtoll(m->aliases[i].value, NULL, 10));
        CH_TRY(ch_db_run(db, err));
    }
    return ch_sink_put_pairs(db, "INSERT INTO registered_model_tags(model, key, value) VALUES (?1, ?2, ?3)", id,
                             m->tags, m->ntag, err);
}

int ch_sink_add_model(ch_sink *sink, const ch_sink_model *model, ch_error *err)
{
    addition a = {.sink = sink, .model = model};
    CH_TRY(ch_db_write(sink->track->pool, add_model, &a, err));
    sink->counts->models += a.added;
    return 0;
}

/* --- versions ---- */

static int insert_version(ch_db *db, const addition *a, int64_t model, ch_error *err)
{
    const ch_sink_version *v = a->version;
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
    ch_db_text(db, 8, ch_sink_moved_anywhere(a->sink, a->arena, v->source ? v->source : ""));
    ch_db_text(db, 9, ch_sink_moved_anywhere(a->sink, a->arena, v->storage_location));
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
    const ch_sink_version *v = a->version;
    int64_t model;
    CH_TRY(ch_registered_find(db, v->model, &model, err));
    a->added = false;
    if (!model) return 0;
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
    addition a = {.sink = sink, .arena = arena, .version = version};
    CH_TRY(ch_db_write(sink->track->pool, add_version, &a, err));
    ch_sink_count(sink, &sink->counts->versions, a.added);
    return 0;
}
