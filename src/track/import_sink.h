/* import_sink.h: where the sources of an import put what they read. Private to import*.c. */
#ifndef CHERT_TRACK_IMPORT_SINK_H
#define CHERT_TRACK_IMPORT_SINK_H

#include "track/import.h"
#include "track/run_log.h"

typedef struct ch_sink {
    ch_track *track;
    const ch_import_options *options;
    ch_import_counts *counts;
    ch_arena *arena; /* of the whole import: experiments */
    struct ch_sink_experiment *experiments;
} ch_sink;

/* An experiment under its old and its new number, with where its artifacts were and are. */
typedef struct ch_sink_experiment {
    const char *old_id, *name, *old_location;
    bool deleted;
    int64_t created, updated;
    const ch_key_value *tags;
    size_t ntag;
    int64_t id;           /* set by the sink */
    const char *location; /* set by the sink */
    struct ch_sink_experiment *next;
} ch_sink_experiment;

typedef struct ch_sink_dataset {
    const char *name, *digest, *source_type, *source, *schema, *profile, *context;
} ch_sink_dataset;

typedef struct ch_sink_run {
    ch_run run; /* experiment and artifact_uri are the sink's to set */
    const char *old_artifact_uri;
    int64_t deleted_time;
    ch_point *points;
    const ch_key_value *params, *tags;
    const ch_sink_dataset *datasets;
    size_t npoint, nparam, ntag, ndataset;
} ch_sink_run;

typedef struct ch_sink_logged_model {
    const char *model_id, *name, *old_artifact_uri, *model_type, *source_run_id, *status_message;
    int64_t created, updated, status;
    bool deleted;
    const ch_key_value *params, *tags;
    size_t nparam, ntag;
} ch_sink_logged_model;

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
int ch_sink_add_run(ch_sink *sink, ch_arena *arena, const ch_sink_experiment *of, ch_sink_run *run, ch_error *err);
int ch_sink_add_logged_model(ch_sink *sink, ch_arena *arena, const ch_sink_experiment *of,
                             const ch_sink_logged_model *model, ch_error *err);
int ch_sink_add_model(ch_sink *sink, const ch_sink_model *model, ch_error *err);
int ch_sink_add_version(ch_sink *sink, ch_arena *arena, const ch_sink_version *version, ch_error *err);
/* The imported experiment of that old id; NULL: none. */
ch_sink_experiment *ch_sink_find_experiment(const ch_sink *sink, const char *old_id);

/* The sources. */
int ch_import_folder(ch_sink *sink, const char *folder, ch_error *err);
int ch_import_sqlite(ch_sink *sink, const char *file, ch_error *err);
int ch_import_server(ch_sink *sink, const char *url, ch_error *err);

/* Copies a file or a folder with all it holds, links left out; nothing happens when `from` is not there. */
int ch_import_copy(const char *from, const char *to, int64_t *files, ch_error *err);

#endif
