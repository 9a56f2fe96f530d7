/* ingest.h: a dataset poured once, in row order, into a matrix that kernels can train on. Labels, weights and features
 * are checked on the way with Spark's messages (org.apache.spark.ml.util.DatasetUtils).
 *
 * The matrix lives in mappings that grow as rows arrive; beyond a share of the machine's memory they are backed by an
 * unlinked file in the engine's temporary folder, so a fit needs no more memory than that. Rows are dense, or
 * compressed when most values are zero.
 */
#ifndef CHERT_ML_INGEST_H
#define CHERT_ML_INGEST_H

#include "math/matrix.h"
#include "ml/stage.h"

typedef enum ch_label_rule {
    CH_LABEL_NONE,
    CH_LABEL_REAL,   /* not NULL, NaN or infinite */
    CH_LABEL_CLASSES /* whole numbers in [0, classes) */
} ch_label_rule;

typedef struct ch_ingest_spec {
    const char *features; /* a VECTOR column, or an array of doubles or floats */
    const char *label;
    ch_label_rule rule;
    int classes;            /* CH_LABEL_CLASSES: how many; 2 has a text of its own */
    const char *weight;     /* NULL: none */
    const char *flag;       /* a BOOLEAN column that splits the rows in two, or NULL */
    bool mismatch_by_index; /* vectors of other sizes: report them as an array index out of bounds */
} ch_ingest_spec;

typedef struct ch_dataset ch_dataset;

/* Reads the dataset of a fit. Rows whose flag is false (or all) are part 0, the others part 1. err:
 * USER_RAISED_EXCEPTION with Spark's texts for bad labels, weights and features; no error for no rows. */
int ch_ingest(ch_session *session, ch_arena *arena, const ch_plan *input, const ch_ingest_spec *spec, ch_task *task,
              ch_dataset **out, ch_error *err);
void ch_dataset_free(ch_dataset *dataset); /* NULL is fine */
/* A view, valid until the dataset is freed. part is 0 or 1. */
ch_matrix ch_dataset_matrix(const ch_dataset *dataset, int part);

/* MetadataUtils.getNumClasses: from the label column's metadata, or -1. */
int ch_label_classes(ch_arena *arena, const ch_field *label, int64_t *classes, ch_error *err);
/* max(label) + 1 of a matrix; -1 for no rows. */
int64_t ch_max_label(const ch_matrix *m);

/* Memory that grows: anonymous at first, file-backed when large. Zero-initialise before use (dir set). */
typedef struct ch_growing {
    void *base;
    size_t used, cap; /* bytes */
    int fd;           /* of the file behind it + 1; 0: none */
    const char *dir;  /* where the file goes */
} ch_growing;

/* Appends room for `bytes`; *at is where. */
int ch_growing_add(ch_growing *g, size_t bytes, void **at, ch_error *err);
void ch_growing_free(ch_growing *g);

#endif
