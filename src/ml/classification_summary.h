/* classification_summary.h: model.summary and model.evaluate(df) of classifiers: metrics computed when first asked for
 * (org.apache.spark.ml.classification.{ClassificationSummary, BinaryClassificationSummary, TrainingSummary}). */
#ifndef CHERT_ML_CLASSIFICATION_SUMMARY_H
#define CHERT_ML_CLASSIFICATION_SUMMARY_H

#include "ml/model.h"

/* Attribute tables for the descriptors of summaries. */
extern const ch_attribute ch_attributes_class_summary[];    /* all */
extern const ch_attribute ch_attributes_binary_summary[];   /* two classes */
extern const ch_attribute ch_attributes_training_summary[]; /* of the fit */
extern const ch_attribute ch_attributes_logistic_summary[]; /* featuresCol, probabilityCol */

/* The ways a summary may be: binary or not, of the training or of an evaluation. */
typedef struct ch_summary_stages {
    const ch_stage *plain, *training, *binary, *binary_training;
} ch_summary_stages;

void ch_class_summary_free(void *data);

/* A summary of `model` on a dataset: applies it (with columns made up where the model has none) and keeps the plan,
 * whose arena it retains. `training`, the schema of the dataset, makes it a training summary with a history of n
 * values, in whose predictions the label is a double, as in Spark; NULL: of an evaluation. One reference. */
int ch_class_summary_new(const ch_summary_stages *stages, ch_session *session, ch_arena *arena, const ch_object *model,
                         const ch_plan *dataset, const ch_schema *training, const double *history, size_t n,
                         ch_object **out, ch_error *err);
/* The attribute `evaluate` of a model: a summary of its one argument. */
int ch_class_summary_evaluate(const ch_summary_stages *stages, const ch_attr_call *call, ch_attr_value *out,
                              ch_error *err);

#endif
