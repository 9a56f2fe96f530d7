/* tree_model.h: what decision trees, random forests and boosted trees share as stages: params, fitted state,
 * attributes, the format on disk (org.apache.spark.ml.tree). Growing and scoring are in math/tree. */
#ifndef CHERT_ML_TREE_MODEL_H
#define CHERT_ML_TREE_MODEL_H

#include "math/tree.h"
#include "ml/param_rows.h"
#include "ml/persist.h"
#include "ml/predictor.h"

/* ---- params ---- */

#define CH_ROWS_TREE                                                                                                   \
    CH_ROW_BOOLEAN("cacheNodeIds", false, "kept for compatibility: node ids are always cached"),                       \
        {.name = "checkpointInterval",                                                                                 \
         .type = CH_PARAM_INT,                                                                                         \
         .from = CH_DEFAULT_VALUE,                                                                                     \
         .number = 10,                                                                                                 \
         .valid = ch_valid_checkpoint_interval,                                                                        \
         .doc = "checkpoint interval (>= 1) or -1; one machine has no use for it"},                                    \
        CH_ROW_FEATURES_COL, CH_ROW_LABEL_COL, CH_ROW_TEXT("leafCol", "", "leaf indices column name; empty: none"),    \
        CH_ROW_INT_FROM("maxBins", 32, 2,                                                                              \
                        "max number of bins of a continuous feature; at least 2 and at least the "                     \
                        "number of categories of any categorical feature"),                                            \
        CH_ROW_NUMBER(CH_PARAM_INT, "maxDepth", 5, 0, false, 30, false, "maximum depth of a tree, in range [0, 30]"),  \
        CH_ROW_INT_FROM("maxMemoryInMB", 256, 0, "maximum memory in MB for histograms"),                               \
        CH_ROW_DOUBLE_FROM("minInfoGain", 0, 0, "minimum information gain for a split to be considered"),              \
        CH_ROW_INT_FROM("minInstancesPerNode", 1, 1, "minimum number of rows each child of a split must have"),        \
        CH_ROW_NUMBER(CH_PARAM_DOUBLE, "minWeightFractionPerNode", 0, 0, false, 0.5, true,                             \
                      "minimum share of the total weight each child of a split must have, in [0.0, 0.5)"),             \
        CH_ROW_PREDICTION_COL, CH_ROW_SEED, CH_ROW_WEIGHT_COL
#define CH_ROWS_TREE_CLASSIFIER CH_ROW_PROBABILITY_COL, CH_ROW_RAW_PREDICTION_COL, CH_ROW_THRESHOLDS
#define CH_ROW_IMPURITY_CLASSES                                                                                        \
    CH_ROW_CHOICE_ANY_CASE("impurity", "gini", "entropy gini", "criterion of information gain: entropy, gini")
#define CH_ROW_IMPURITY_VARIANCE                                                                                       \
    CH_ROW_CHOICE_ANY_CASE("impurity", "variance", "variance", "criterion of information gain: variance")
#define CH_ROWS_ENSEMBLE(subset_)                                                                                      \
    {.name = "featureSubsetStrategy",                                                                                  \
     .type = CH_PARAM_STRING,                                                                                          \
     .from = CH_DEFAULT_VALUE,                                                                                         \
     .text = (subset_),                                                                                                \
     .valid = ch_valid_feature_subset,                                                                                 \
     .doc = "how many features each split considers: auto, all, onethird, sqrt, log2, a fraction in (0.0-1.0], or a "  \
            "number"},                                                                                                 \
        CH_ROW_NUMBER(CH_PARAM_DOUBLE, "subsamplingRate", 1, 0, true, 1, false,                                        \
                      "share of the rows each tree learns from, in range (0, 1]")
#define CH_ROWS_FOREST                                                                                                 \
    CH_ROW_BOOLEAN("bootstrap", true, "whether trees learn from bootstrap samples"),                                   \
        CH_ROW_INT_FROM("numTrees", 20, 1, "number of trees (at least 1)")
#define CH_ROWS_BOOSTING                                                                                               \
    CH_ROW_MAX_ITER(20),                                                                                               \
        CH_ROW_NUMBER(CH_PARAM_DOUBLE, "stepSize", 0.1, 0, true, 1, false,                                             \
                      "learning rate in (0, 1] that shrinks what each tree contributes"),                              \
        CH_ROW_TEXT_UNSET("validationIndicatorCol", "column that is true for the rows of the validation set"),         \
        CH_ROW_DOUBLE_FROM("validationTol", 0.01, 0, "threshold for stopping early when fit with validation")

bool ch_valid_checkpoint_interval(const ch_literal *value);
bool ch_valid_feature_subset(const ch_literal *value);

/* ---- fitted state ---- */

/* A forest of its own, or one tree of another model's, taken out of it when first needed. */
typedef struct ch_tree_state {
    pthread_mutex_t lock;
    ch_forest *forest; /* owned; of one tree for a decision tree. NULL while still in `parent` */
    ch_fitted *parent;
    int32_t index;
    int32_t needed; /* highest feature a split uses + 1 */
} ch_tree_state;

/* Takes the forest over. NULL when out of memory (the forest is freed). */
ch_tree_state *ch_tree_state_new(ch_forest *forest, ch_error *err);
void ch_tree_state_free(void *state);
size_t ch_tree_state_bytes(const void *state);
/* The forest, which may have to be taken out of the parent. */
int ch_tree_state_forest(const void *state, const ch_forest **out, ch_error *err);

/* ---- fit ---- */

/* The params all trees share. */
ch_tree_params ch_tree_params_of(const ch_param_map *params, ch_task *task);
/* Arity of each feature of m from the metadata of the features column. */
int ch_tree_arity(const ch_fit *fit, const ch_matrix *m, const int32_t **arity, ch_error *err);
/* Reads the rows of a regressor or of boosting (rule of the labels; classes 2 or 0). */
int ch_tree_ingest(const ch_fit *fit, ch_label_rule rule, const char *flag, ch_dataset **out, ch_error *err);
/* Reads the rows and grows a forest of so many trees, or one tree, on them. `name` of the estimator, for errors. */
int ch_forest_fit_classifier(const ch_fit *fit, const char *name, int32_t trees, bool bootstrap, ch_fit_result *out,
                             ch_error *err);
int ch_forest_fit_regressor(const ch_fit *fit, int32_t trees, bool bootstrap, ch_fit_result *out, ch_error *err);

/* ---- scoring: functions for ch_predictor ---- */

size_t ch_tree_features(const void *state);
size_t ch_tree_needed(const void *state);
size_t ch_tree_classes(const void *state);
size_t ch_tree_leaf_width(const void *state);
int ch_tree_leaf(const void *state, const ch_matrix *m, double *out, ch_error *err);
const char *ch_tree_leaf_metadata(const void *state, ch_arena *arena);   /* of one tree: a nominal attribute */
const char *ch_forest_leaf_metadata(const void *state, ch_arena *arena); /* of several: a group of them */
int ch_tree_votes_probability(const void *state, double *raw, size_t rows, ch_error *err);

/* ---- attributes ---- */

extern const ch_attribute ch_attributes_tree[];     /* depth, numNodes, toDebugString, featureImportances */
extern const ch_attribute ch_attributes_ensemble[]; /* trees, treeWeights, getNumTrees, ..., featureImportances */

/* ---- on disk ---- */

int ch_tree_save(ch_saver *saver, const ch_object *model, ch_error *err);
int ch_tree_load(ch_loader *loader, bool classifier, void **data, ch_error *err);
int ch_ensemble_save(ch_saver *saver, const ch_object *model, bool classes_in_metadata, ch_error *err);
/* `impurity` of the trees; classes 0 for regression trees, -1: numClasses of the metadata. */
int ch_ensemble_load(ch_loader *loader, ch_tree_impurity impurity, int32_t classes, void **data, ch_error *err);
ch_tree_impurity ch_impurity_param(const ch_param_map *params);

#endif
