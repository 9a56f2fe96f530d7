/* stages.h: the list of all stages, one line each; the descriptors are in the file of the algorithm. */
#ifndef CHERT_ML_STAGES_H
#define CHERT_ML_STAGES_H

#include "ml/stage.h"

#define CH_STAGES                                                                                                      \
    CH_STAGE(string_indexer)                                                                                           \
    CH_STAGE(string_indexer_model)                                                                                     \
    CH_STAGE(index_to_string)                                                                                          \
    CH_STAGE(one_hot_encoder)                                                                                          \
    CH_STAGE(one_hot_encoder_model)                                                                                    \
    CH_STAGE(vector_assembler)                                                                                         \
    CH_STAGE(standard_scaler)                                                                                          \
    CH_STAGE(standard_scaler_model)                                                                                    \
    CH_STAGE(min_max_scaler)                                                                                           \
    CH_STAGE(min_max_scaler_model)                                                                                     \
    CH_STAGE(logistic_regression)                                                                                      \
    CH_STAGE(logistic_regression_model)                                                                                \
    CH_STAGE(decision_tree_classifier)                                                                                 \
    CH_STAGE(decision_tree_classification_model)                                                                       \
    CH_STAGE(decision_tree_regressor)                                                                                  \
    CH_STAGE(decision_tree_regression_model)                                                                           \
    CH_STAGE(random_forest_classifier)                                                                                 \
    CH_STAGE(random_forest_classification_model)                                                                       \
    CH_STAGE(random_forest_regressor)                                                                                  \
    CH_STAGE(random_forest_regression_model)                                                                           \
    CH_STAGE(gbt_classifier)                                                                                           \
    CH_STAGE(gbt_classification_model)                                                                                 \
    CH_STAGE(gbt_regressor)                                                                                            \
    CH_STAGE(gbt_regression_model)                                                                                     \
    CH_STAGE(kmeans)                                                                                                   \
    CH_STAGE(kmeans_model)                                                                                             \
    CH_STAGE(binary_evaluator)                                                                                         \
    CH_STAGE(multiclass_evaluator)                                                                                     \
    CH_STAGE(regression_evaluator)                                                                                     \
    CH_STAGE(clustering_evaluator)

#define CH_STAGE(name) extern const ch_stage ch_stage_##name;
CH_STAGES
#undef CH_STAGE

#endif
