/* persist.h: models and operators on disk in Spark's layout: metadata/part-00000 (one line of JSON) and Parquet
 * folders. Source: org.apache.spark.ml.util.{DefaultParamsWriter, DefaultParamsReader}.
 *
 * Saving goes into a hidden folder beside the target, renamed into place at the end, so that a failure leaves what was
 * there before. What is read is not trusted: every value is checked before it is used.
 */
#ifndef CHERT_ML_PERSIST_H
#define CHERT_ML_PERSIST_H

#include "ml/model.h"

/* The Spark release whose formats are written. */
#define CH_SPARK_VERSION "4.0.1"

typedef struct ch_saver {
    ch_session *session;
    ch_arena *arena;
    ch_task *task;
    const char *path; /* the folder being filled */
    ch_buf extra;     /* members of the metadata object: ,"numFeatures":3 */
} ch_saver;

/* Adds a member to the metadata. */
void ch_saver_extra_int(ch_saver *saver, const char *name, int64_t value);

/* A table under the saver's folder, row by row. */
typedef struct ch_table_writer ch_table_writer;
int ch_table_open(ch_saver *saver, const char *name, const ch_field *fields, size_t n, ch_table_writer **out,
                  ch_error *err);
/* One row: n literals of the fields' types. */
int ch_table_add(ch_table_writer *table, const ch_literal *row, ch_error *err);
/* Writes and closes; frees in any case. */
int ch_table_close(ch_table_writer *table, ch_error *err);
void ch_table_abandon(ch_table_writer *table); /* NULL is fine */
/* The common case: one row. */
int ch_save_row(ch_saver *saver, const char *name, const ch_field *fields, const ch_literal *row, size_t n,
                ch_error *err);

/* The metadata line of an instance. `extra` starts with a comma or is empty. */
void ch_metadata_json(const char *class_name, const char *uid, const ch_param_map *params, const char *extra,
                      ch_buf *out);

/* Saves a model (`model`) or an unfitted stage (`params` only). err: CH_E_IO "Path ... already exists. ..." */
int ch_save(ch_session *session, const ch_stage *stage, const ch_object *model, const ch_param_map *params,
            const char *path, bool overwrite, ch_task *task, ch_error *err);

/* FileSystemOverwrite.handleOverwrite: fails on an existing path, or removes it. */
int ch_handle_overwrite(const char *path, bool overwrite, ch_error *err);

/* What metadata/ says. */
typedef struct ch_metadata {
    json_t *json;                                 /* owned */
    const char *class_name, *uid, *spark_version; /* inside json */
    int spark_major;
} ch_metadata;

/* Reads the metadata of a saved model or stage: the folder `path` holds metadata/. */
int ch_metadata_read(ch_arena *arena, const char *path, ch_metadata *out, ch_error *err);
/* Parses a metadata line. err: CH_E_ILLEGAL_ARGUMENT. */
int ch_metadata_parse(const char *text, size_t len, ch_metadata *out, ch_error *err);
void ch_metadata_reset(ch_metadata *metadata);
/* An extra member that must be a whole number of at least `least`. */
int ch_metadata_int(const ch_metadata *metadata, const char *name, int64_t least, int64_t *out, ch_error *err);
/* Sets params and defaults of a map from it. */
int ch_metadata_params(const ch_metadata *metadata, const ch_stage *stage, ch_param_map *map, ch_error *err);

typedef struct ch_loader {
    ch_session *session;
    ch_arena *arena;
    ch_task *task;
    const char *path;
    const ch_metadata *metadata;
    const ch_param_map *params;
} ch_loader;

/* Whether a table under the loader's folder has a column of that name. */
int ch_table_has_column(ch_loader *loader, const char *name, const char *column, bool *out, ch_error *err);

/* The first row of a Parquet folder: the columns named, with the types they must have (vectors and matrices as such;
 * numbers may be narrower or wider). err also when there is no row. */
int ch_load_row(ch_loader *loader, const char *name, const ch_field *fields, size_t n, ch_literal **row, ch_error *err);
/* All rows, in batches. */
int ch_load_rows(ch_loader *loader, const char *name, const ch_field *fields, size_t n,
                 int (*take)(void *context, const ch_batch *batch, ch_error *err), void *context, ch_error *err);

/* Reads what `stage` (or its model) saved. *uid in `arena`; *data is NULL for what has no fitted state. */
int ch_load(ch_session *session, ch_arena *arena, const ch_stage *stage, const char *path, ch_task *task,
            const char **uid, ch_param_map **params, void **data, ch_error *err);

#endif
