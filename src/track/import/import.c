/* import.c: an import as a whole, and its experiments. */
#include "track/import/import.h"
#include "track/import/import_sink.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEPT_ID_MOST = 1000000000 }; /* numbers of MLflow's folders have 18 digits: too many for a browser */

/* --- helpers ---- */

void ch_sink_count(ch_sink *sink, int64_t *counter, bool added)
{
    *(added ? counter : &sink->counts->known) += 1;
    if (sink->options->progress) sink->options->progress(sink->counts, sink->options->progress_arg);
}

int ch_sink_put_pairs(ch_db *db, const char *sql, int64_t owner, const ch_key_value *pairs, size_t count, ch_error *err)
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

void *ch_sink_room(ch_arena *arena, void *items, size_t count, size_t size)
{
    enum { FIRST = 16 };
    if (count == 0) return ch_arena_alloc(arena, FIRST * size);
    bool is_full = count >= FIRST && (count & (count - 1)) == 0;
    return is_full ? ch_arena_grow(arena, items, size, count, 2 * count) : items;
}

const char *ch_sink_tag(const ch_key_value *tags, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tags[i].key, key) == 0) return tags[i].value;
    }
    return NULL;
}

/* --- experiments ---- */

typedef struct addition {
    ch_sink *sink;
    ch_sink_experiment *experiment;
    bool added;
} addition;

static int find_experiment(ch_db *db, const char *name, bool *found, int64_t *id, ch_error *err)
{
    ch_db_sql(db, "SELECT id FROM experiments WHERE name = ?1");
    ch_db_text(db, 1, name);
    CH_TRY(ch_db_next(db, found, err));
    if (*found) *id = ch_db_get_int(db, 0);
    return 0;
}

/* The old number when it may be kept; otherwise 0. */
static int find_free_id(ch_db *db, const char *old_id, int64_t *id, ch_error *err)
{
    char *end;
    bool taken;
    *id = strtoll(old_id, &end, 10);
    if (end == old_id || *end || *id <= 0 || *id > KEPT_ID_MOST) *id = 0;
    if (!*id) return 0;
    ch_db_sql(db, "SELECT 1 FROM experiments WHERE id = ?1");
    ch_db_int(db, 1, *id);
    CH_TRY(ch_db_next(db, &taken, err));
    if (taken) *id = 0;
    return 0;
}

static int insert_row(ch_db *db, const ch_sink_experiment *e, int64_t *id, ch_error *err)
{
    bool more;
    int64_t kept;
    CH_TRY(find_free_id(db, e->old_id, &kept, err));
    ch_db_sql(db, kept ? "INSERT INTO experiments(name, artifact_location, deleted, created, updated, id) "
                         "VALUES (?1, '', ?2, ?3, ?4, ?5) RETURNING id"
                       : "INSERT INTO experiments(name, artifact_location, deleted, created, updated) "
                         "VALUES (?1, '', ?2, ?3, ?4) RETURNING id");
    ch_db_text(db, 1, e->name);
    ch_db_int(db, 2, e->deleted);
    ch_db_int(db, 3, e->created);
    ch_db_int(db, 4, e->updated);
    if (kept) ch_db_int(db, 5, kept);
    CH_TRY(ch_db_next(db, &more, err));
    *id = ch_db_get_int(db, 0);
    if (!kept || ch_db_dialect(db) != CH_POSTGRES) return 0;
    ch_db_sql(db, "SELECT setval(pg_get_serial_sequence('experiments', 'id'), (SELECT MAX(id) FROM experiments))");
    return ch_db_next(db, &more, err);
}

/* Whether the store names its artifacts by a path or through its server, rather than in S3 or the like. */
static bool is_ours(const char *location)
{
    return !strstr(location, ":/") || strncmp(location, "mlflow-artifacts:", 17) == 0 ||
           strncmp(location, "file:", 5) == 0;
}

static int insert_experiment(ch_db *db, addition *a, ch_error *err)
{
    ch_sink_experiment *e = a->experiment;
    CH_TRY(insert_row(db, e, &e->id, err));
    ch_db_sql(db, "UPDATE experiments SET artifact_location = ?2 WHERE id = ?1");
    ch_db_int(db, 1, e->id);
    ch_db_text(db, 2,
               is_ours(e->old_location) ? ch_arena_printf(a->sink->arena, "mlflow-artifacts:/%lld", (long long)e->id)
                                        : e->old_location);
    return ch_db_run(db, err);
}

static int add_experiment(ch_db *db, void *arg, ch_error *err)
{
    addition *a = arg;
    ch_sink_experiment *e = a->experiment;
    bool found, more;
    CH_TRY(find_experiment(db, e->name, &found, &e->id, err));
    a->added = !found;
    if (!found) CH_TRY(insert_experiment(db, a, err));
    ch_db_sql(db, "SELECT artifact_location FROM experiments WHERE id = ?1");
    ch_db_int(db, 1, e->id);
    CH_TRY(ch_db_next(db, &more, err));
    e->location = ch_arena_strdup(a->sink->arena, ch_db_get_text(db, 0));
    return ch_sink_put_pairs(
        db, "INSERT INTO experiment_tags(experiment, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", e->id,
        e->tags, e->ntag, err);
}

int ch_sink_add_experiment(ch_sink *sink, ch_sink_experiment *experiment, ch_error *err)
{
    addition a = {.sink = sink, .experiment = experiment};
    CH_TRY(ch_db_write(sink->track->pool, add_experiment, &a, err));
    sink->counts->experiments += a.added;
    experiment->next = sink->experiments;
    sink->experiments = experiment;
    return 0;
}

/* --- the whole ---- */

static bool is_url(const char *source)
{
    return strncmp(source, "http://", 7) == 0 || strncmp(source, "https://", 8) == 0;
}

static int import_path(ch_sink *sink, const char *source, ch_error *err)
{
    struct stat st;
    char full[PATH_MAX];
    if (stat(source, &st) || !realpath(source, full)) {
        return ch_failf(err, CH_E_FILE_NOT_FOUND, "%s: %s", source, strerror(errno));
    }
    sink->folder = ch_arena_strndup(sink->arena, full, (size_t)(strrchr(full, '/') - full));
    ch_import_options options = *sink->options;
    if (!options.artifacts) options.artifacts = ch_arena_printf(sink->arena, "%s/mlartifacts", sink->folder);
    sink->options = &options;
    return S_ISDIR(st.st_mode) ? ch_import_folder(sink, full, err) : ch_import_sqlite(sink, full, err);
}

int ch_track_import(ch_track *track, const ch_import_options *options, ch_import_counts *counts, ch_error *err)
{
    *counts = (ch_import_counts){0};
    const char *source = options->source;
    if (strncmp(source, "sqlite:///", 10) == 0) source += 10;
    if (strncmp(source, "file://", 7) == 0) source += 7;
    ch_arena *arena = ch_arena_new();
    ch_sink sink = {.track = track, .options = options, .counts = counts, .arena = arena, .folder = ""};
    int status = is_url(source) ? ch_import_server(&sink, source, err) : import_path(&sink, source, err);
    ch_arena_free(arena);
    return status;
}
