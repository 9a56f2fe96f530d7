/* saved.h: the folders that Spark's ML writers make, seen from outside: is it a pipeline, which stages has it, and all
 * of them loaded in order. Source: org.apache.spark.ml.Pipeline.SharedReadWrite, and pyspark.ml.pipeline and
 * pyspark.ml.tuning, whose writers put the same layout under Python class names. */
#ifndef CHERT_ML_SAVED_H
#define CHERT_ML_SAVED_H

#include "ml/persist.h"

/* What the folder of a saved model holds: one stage, or other folders to be applied one after the other (the stages of
 * a pipeline model, the best model of a cross validation). */
typedef struct ch_saved {
    const char *class_name, *uid; /* of its metadata */
    bool nested;
    size_t n;
    const char **paths; /* (n) when nested */
} ch_saved;

/* Reads the metadata of `path`; everything in `arena`. err: no such folder, metadata that are none, uids that would
 * leave the folder. */
int ch_saved_read(ch_arena *arena, const char *path, ch_saved *out, ch_error *err);
/* The folder of a pipeline's stage i of n: "<path>/stages/02_<uid>". */
const char *ch_saved_stage_path(ch_arena *arena, const char *path, size_t i, size_t n, const char *uid);

/* A stage ready to be applied to rows in memory (ml/scorer.h), not in a plan: its transform has no session. */
typedef struct ch_saved_stage {
    const ch_stage *stage;
    const ch_param_map *params;
    ch_fitted *fitted; /* NULL for a transformer */
    ch_transform *transform;
} ch_saved_stage;

/* All stages of a saved model in the order in which they apply, nested ones laid flat, held by `arena`. `session` is
 * used for reading only and may be released after. err: as Spark's readers; a stage that is no model or transformer. */
int ch_saved_load(ch_session *session, ch_arena *arena, const char *path, size_t *n, ch_saved_stage **out,
                  ch_error *err);

#endif
