/* import_sink.h: where the sources of an import put what they read. Private to import*.c. */
#ifndef CHERT_TRACK_IMPORT_SINK_H
#define CHERT_TRACK_IMPORT_SINK_H

#include "track/import/import.h"
#include "track/run/run_log.h"

#include <jansson.h>

typedef struct ch_sink {
    ch_track *track;
    const ch_import_options *options;
    ch_import_counts *counts;
    ch_arena *arena;    /* of the whole import: experiments */
    const char *folder; /* what relative paths in the source start from */
    bool take_files;    /* artifacts are moved instead of copied: they were downloaded for us */
    struct ch_sink_experiment *experiments;
} ch_sink;

/* An experiment under its old and its new number, with where its artifacts were and are. */
typedef struct ch_sink_experiment {
    const char *old_id, *name, *old_location;
    const char *folder; /* where the artifacts are when old_location is not there: a store that was moved. NULL: none */
    bool deleted;
    int64_t created, updated;
    const ch_key_value *tags;
    size_t ntag;
    int64_t id;           /* set by the sink */
    const char *location; /* set by the sink */
    bool told;            /* that its artifacts are not here */
    struct ch_sink_experiment *next;
} ch_sink_experiment;

typedef struct ch_sink_dataset {
    const char *name, *digest, *source_type, *source, *schema, *profile;
    const ch_key_value *tags;
    size_t ntag;
} ch_sink_dataset;

/* A logged model that a run read or made. */
typedef struct ch_sink_model_link {
    const char *model_id;
    int64_t step;
    bool is_output;
} ch_sink_model_link;

typedef struct ch_sink_run {
    ch_run run; /* experiment and artifact_uri are the sink's to set */
    const char *old_artifact_uri;
    int64_t deleted_time;
    ch_point *points;
    const ch_key_value *params, *tags;
    ch_sink_dataset *datasets;
    ch_sink_model_link *models;
    size_t npoint, nparam, ntag, ndataset, nmodel;
} ch_sink_run;

typedef struct ch_sink_model_point {
    ch_point point; /* model_id unused */
    const char *run_id;
} ch_sink_model_point;

typedef struct ch_sink_logged_model {
    const char *model_id, *name, *old_artifact_uri, *model_type, *source_run_id, *status_message;
    int64_t created, updated, status;
    bool deleted;
    const ch_key_value *params, *tags;
    ch_sink_model_point *points;
    size_t nparam, ntag, npoint;
} ch_sink_logged_model;

typedef struct ch_sink_trace {
    const char *trace_id, *state, *client_request_id, *request_preview, *response_preview;
    int64_t request_time, duration; /* milliseconds; duration -1: not known */
    const ch_key_value *tags, *metadata;
    const char **run_ids; /* linked to it */
    size_t ntag, nmetadata, nrun;
    json_t *assessments; /* list of MLflow's JSON; borrowed, as are the spans. NULL: none */
    json_t *spans;       /* as OpenTelemetry's JSON or as MLflow's client writes them. NULL: in the artifacts or none */
} ch_sink_trace;

typedef struct ch_sink_model {
    const char *name, *description;
    int64_t created, updated;
    const ch_key_value *tags, *aliases; /* aliases: the value is the version */
    size_t ntag, nalias;
} ch_sink_model;

typedef struct ch_sink_version {
    const char *model;
    int64_t version, created, updated;
    const char *description, *user_id, *stage, *source, *storage_location, *run_id, *run_link, *status, *status_message;
    const char *model_id;
    const ch_key_value *tags;
    size_t ntag;
} ch_sink_version;

/* Each adds one thing with its artifacts, unless it is there. `arena` is for that thing. */
int ch_sink_add_experiment(ch_sink *sink, ch_sink_experiment *experiment, ch_error *err);
int ch_sink_add_run(ch_sink *sink, ch_arena *arena, ch_sink_experiment *of, ch_sink_run *run, ch_error *err);
int ch_sink_add_logged_model(ch_sink *sink, ch_arena *arena, ch_sink_experiment *of, const ch_sink_logged_model *model,
                             ch_error *err);
int ch_sink_add_trace(ch_sink *sink, ch_arena *arena, ch_sink_experiment *of, ch_sink_trace *trace, ch_error *err);
int ch_sink_link_trace(ch_sink *sink, const char *trace_id, const char *run_id, ch_error *err);
int ch_sink_add_model(ch_sink *sink, const ch_sink_model *model, ch_error *err);
int ch_sink_add_version(ch_sink *sink, ch_arena *arena, const ch_sink_version *version, ch_error *err);
/* Whether there is such a run, logged model or trace: nothing more needs to be read of it. Counts it, if so. */
typedef enum ch_sink_kind { CH_SINK_RUN, CH_SINK_LOGGED_MODEL, CH_SINK_TRACE } ch_sink_kind;
int ch_sink_knows(ch_sink *sink, ch_sink_kind kind, const char *id, bool *known, ch_error *err);

/* --- what the sources and the sink share ---- */

/* Counts one more of a kind and tells of it. */
void ch_sink_count(ch_sink *sink, int64_t *counter, bool added);
/* Rows of (owner, key, value). */
int ch_sink_put_pairs(ch_db *db, const char *sql, int64_t owner, const ch_key_value *pairs, size_t count,
                      ch_error *err);
/* The array with room for one item more; `count` is what it has, the room its own business. */
void *ch_sink_room(ch_arena *arena, void *items, size_t count, size_t size);
const char *ch_sink_tag(const ch_key_value *tags, size_t count, const char *key); /* NULL: none */

/* --- artifacts (import_copy.c) ---- */

/* What of a URI is below a root: "" or beginning with a slash; NULL when it is not. */
const char *ch_sink_below(const char *root, const char *uri);
/* The path on this machine of artifacts that the source names; NULL when they are not here. `of` may be NULL. */
const char *ch_sink_local(const ch_sink *sink, ch_arena *arena, const ch_sink_experiment *of, const char *uri);
/* Where artifacts are after the import: `uri` within the experiment's new location when it was within the old one;
 * otherwise as it was. */
const char *ch_sink_moved(ch_arena *arena, const ch_sink_experiment *of, const char *uri);
const char *ch_sink_moved_anywhere(const ch_sink *sink, ch_arena *arena, const char *uri);
/* Copies the artifacts of a run, model or trace to where their new URI says. */
int ch_sink_copy(ch_sink *sink, ch_arena *arena, ch_sink_experiment *of, const char *uri, ch_error *err);

/* --- the sources ---- */

int ch_import_folder(ch_sink *sink, const char *folder, ch_error *err);
int ch_import_sqlite(ch_sink *sink, const char *file, ch_error *err);
int ch_import_server(ch_sink *sink, const char *url, ch_error *err);

#endif
