/* predictor.h: what classifiers and regressors share: schema checks, the columns a model adds (rawPrediction,
 * probability, prediction, leaves), predictions for one vector (org.apache.spark.ml.Predictor, ml.classification.
 * {Classifier, ProbabilisticClassifier}). */
#ifndef CHERT_ML_PREDICTOR_H
#define CHERT_ML_PREDICTOR_H

#include "math/matrix.h"
#include "ml/ingest.h"
#include "ml/stage.h"

/* How a prediction is made of raw values. */
typedef struct ch_prediction_rule {
    const double *thresholds; /* (classes) argmax of p/t; NULL: argmax of raw */
    bool binary;              /* 1 iff raw[1] > raw_threshold */
    double raw_threshold;
} ch_prediction_rule;

/* How the fitted state of a model scores rows. All functions are thread safe; sizes are values a row. */
typedef struct ch_predictor {
    size_t (*features)(const void *data); /* numFeatures */
    bool exact;                           /* vectors must have exactly these; else at least `needed` */
    size_t (*needed)(const void *data);   /* highest dimension looked at + 1; NULL: as features */
    size_t (*classes)(const void *data);  /* numClasses; NULL for a regressor */
    size_t (*width)(const void *data);    /* of raw values; NULL: as classes, or 1 for a regressor */
    /* (rows, width): raw values of a classifier, predictions of a regressor. */
    int (*raw)(const void *data, const ch_matrix *m, double *out, ch_error *err);
    /* Raw values into probabilities, in place. */
    int (*probability)(const void *data, double *raw, size_t rows, ch_error *err);
    /* Sets the rule when thresholds alone do not; may be NULL. `arena` outlives the rule. */
    int (*rule)(const ch_param_map *params, const void *data, ch_arena *arena, ch_prediction_rule *out, ch_error *err);
    int (*variance)(const void *data, const ch_matrix *m, double *out, ch_error *err); /* varianceCol, or NULL */
    /* leafCol: values a row (a vector of them if `leaf_vector`), or NULL. */
    size_t (*leaf_width)(const void *data);
    int (*leaf)(const void *data, const ch_matrix *m, double *out, ch_error *err);
    const char *(*leaf_metadata)(const void *data, ch_arena *arena);
    bool leaf_vector;
    const char *udf; /* named in errors: "ProbabilisticClassificationModel" */
} ch_predictor;

/* Checks an input schema as validateAndTransformSchema does: features, when fitting label and weight, and that the
 * output columns are new. *features is the index of the column. */
int ch_predictor_schema(const ch_param_map *params, const ch_schema *schema, bool fitting, size_t *features,
                        ch_error *err);
/* ch_stage.bind of models whose stage has a predictor. */
int ch_predictor_bind(const ch_bind *bind, ch_binding *out, ch_error *err);

/* Attributes: predict, numFeatures; predictRaw, numClasses; predictProbability; predictLeaf. */
extern const ch_attribute ch_attributes_prediction[], ch_attributes_classification[], ch_attributes_probabilistic[],
    ch_attributes_leaf[];

/* Reads and checks the rows of a classifier's fit (`classes` from the label's metadata, -1 unknown; see ch_ingest) and
 * finds the number of classes: DatasetUtils.getNumClasses. err also for an empty dataset. */
int ch_classifier_ingest(const ch_fit *fit, bool by_index, ch_dataset **out, int64_t *classes, ch_error *err);
/* "<Name>.train() called with non-matching numClasses and thresholds.length. ..." */
int ch_check_thresholds(const ch_param_map *params, const char *name, const char *method, size_t classes,
                        ch_error *err);

/* Divides each row by its sum: normalizeToProbabilitiesInPlace. */
int ch_normalize_rows(double *rows, size_t n, size_t width, ch_error *err);

#endif
