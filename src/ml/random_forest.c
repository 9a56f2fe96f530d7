/* random_forest.c: RandomForestClassifier and RandomForestRegressor with their models
 * (org.apache.spark.ml.{classification.RandomForestClassifier, regression.RandomForestRegressor}). */
#include "ml/classification_summary.h"
#include "ml/model.h"
#include "ml/stages.h"
#include "ml/tree_model.h"

static const ch_param_row CLASSIFIER_PARAMS[] = {
    CH_ROWS_TREE, CH_ROWS_TREE_CLASSIFIER, CH_ROW_IMPURITY_CLASSES, CH_ROWS_ENSEMBLE("auto"), CH_ROWS_FOREST,
    CH_ROW_END};
static const ch_param_row REGRESSOR_PARAMS[] = {CH_ROWS_TREE, CH_ROW_IMPURITY_VARIANCE, CH_ROWS_ENSEMBLE("auto"),
                                                CH_ROWS_FOREST, CH_ROW_END};

/* ---- fit ---- */

static int fit_classifier(const ch_fit *call, ch_fit_result *out, ch_error *err)
{
    const ch_param_map *params = call->params;
    return ch_forest_fit_classifier(call, "RandomForestClassifier", ch_param_int(params, "numTrees"),
                                    ch_param_bool(params, "bootstrap"), out, err);
}

static int fit_regressor(const ch_fit *call, ch_fit_result *out, ch_error *err)
{
    const ch_param_map *params = call->params;
    return ch_forest_fit_regressor(call, ch_param_int(params, "numTrees"), ch_param_bool(params, "bootstrap"), out,
                                   err);
}

/* ---- scoring ---- */

static int raw_votes(const void *state, const ch_matrix *m, double *out, ch_error *err)
{
    return ch_forest_predict(((const ch_tree_state *)state)->forest, CH_FOREST_VOTES, m, out, err);
}

static int raw_mean(const void *state, const ch_matrix *m, double *out, ch_error *err)
{
    return ch_forest_predict(((const ch_tree_state *)state)->forest, CH_FOREST_MEAN, m, out, err);
}

static const ch_predictor CLASSIFIER = {.features = ch_tree_features,
                                        .needed = ch_tree_needed,
                                        .classes = ch_tree_classes,
                                        .raw = raw_votes,
                                        .probability = ch_tree_votes_probability,
                                        .leaf_width = ch_tree_leaf_width,
                                        .leaf = ch_tree_leaf,
                                        .leaf_metadata = ch_forest_leaf_metadata,
                                        .leaf_vector = true,
                                        .udf = "ProbabilisticClassificationModel"};
static const ch_predictor REGRESSOR = {.features = ch_tree_features,
                                       .needed = ch_tree_needed,
                                       .raw = raw_mean,
                                       .leaf_width = ch_tree_leaf_width,
                                       .leaf = ch_tree_leaf,
                                       .leaf_metadata = ch_forest_leaf_metadata,
                                       .leaf_vector = true,
                                       .udf = "RandomForestRegressionModel"};

/* ---- summaries ---- */

#define SUMMARY_CLASS "org.apache.spark.ml.classification."

static const ch_attribute *const PLAIN_TABLES[] = {ch_attributes_class_summary, NULL};
static const ch_attribute *const TRAINING_TABLES[] = {ch_attributes_class_summary, ch_attributes_training_summary,
                                                      NULL};
static const ch_attribute *const BINARY_TABLES[] = {ch_attributes_class_summary, ch_attributes_binary_summary, NULL};
static const ch_attribute *const BINARY_TRAINING_TABLES[] = {ch_attributes_class_summary, ch_attributes_binary_summary,
                                                             ch_attributes_training_summary, NULL};

static const ch_stage PLAIN = {.class_name = SUMMARY_CLASS "RandomForestClassificationSummaryImpl",
                               .kind = CH_STAGE_SUMMARY,
                               .attributes = PLAIN_TABLES,
                               .free_state = ch_class_summary_free};
static const ch_stage TRAINING = {.class_name = SUMMARY_CLASS "RandomForestClassificationTrainingSummaryImpl",
                                  .kind = CH_STAGE_SUMMARY,
                                  .attributes = TRAINING_TABLES,
                                  .free_state = ch_class_summary_free};
static const ch_stage BINARY = {.class_name = SUMMARY_CLASS "BinaryRandomForestClassificationSummaryImpl",
                                .kind = CH_STAGE_SUMMARY,
                                .attributes = BINARY_TABLES,
                                .free_state = ch_class_summary_free};
static const ch_stage BINARY_TRAINING = {.class_name =
                                             SUMMARY_CLASS "BinaryRandomForestClassificationTrainingSummaryImpl",
                                         .kind = CH_STAGE_SUMMARY,
                                         .attributes = BINARY_TRAINING_TABLES,
                                         .free_state = ch_class_summary_free};
static const ch_summary_stages SUMMARIES = {&PLAIN, &TRAINING, &BINARY, &BINARY_TRAINING};

static int summarize(const ch_fit *call, ch_object *model, ch_error *err)
{
    static const double HISTORY[1] = {0.0}; /* forests have no objective; Spark says 0 */
    ch_object *summary;
    CH_TRY(ch_class_summary_new(&SUMMARIES, call->session, call->arena, model, call->dataset, &call->schema, HISTORY, 1,
                                &summary, err));
    ch_object_set_summary(model, summary);
    return 0;
}

static int get_evaluate(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    return ch_class_summary_evaluate(&SUMMARIES, call, out, err);
}

/* ---- models ---- */

static const ch_attribute ATTRIBUTES[] = {{"evaluate", get_evaluate}, {NULL, NULL}};
static const ch_attribute *const CLASSIFIER_TABLES[] = {ch_attributes_identifiable,
                                                        ch_attributes_prediction,
                                                        ch_attributes_classification,
                                                        ch_attributes_probabilistic,
                                                        ch_attributes_leaf,
                                                        ch_attributes_ensemble,
                                                        ch_attributes_summary,
                                                        ATTRIBUTES,
                                                        NULL};
static const ch_attribute *const REGRESSOR_TABLES[] = {ch_attributes_identifiable, ch_attributes_prediction,
                                                       ch_attributes_leaf, ch_attributes_ensemble, NULL};

static void print(const ch_object *self, ch_buf *out)
{
    const ch_forest *forest = ((const ch_tree_state *)self->fitted->data)->forest;
    ch_buf_printf(out, "%s: uid=%s, numTrees=%d", ch_stage_name(self->stage), self->uid, forest->trees);
    if (forest->classes) ch_buf_printf(out, ", numClasses=%d", forest->classes);
    ch_buf_printf(out, ", numFeatures=%d", forest->features);
}

static int save_classifier(ch_saver *saver, const ch_object *model, ch_error *err)
{
    return ch_ensemble_save(saver, model, true, err);
}

static int save_regressor(ch_saver *saver, const ch_object *model, ch_error *err)
{
    return ch_ensemble_save(saver, model, false, err);
}

static int load_classifier(ch_loader *loader, void **data, ch_error *err)
{
    return ch_ensemble_load(loader, ch_impurity_param(loader->params), -1, data, err);
}

static int load_regressor(ch_loader *loader, void **data, ch_error *err)
{
    return ch_ensemble_load(loader, CH_TREE_VARIANCE, 0, data, err);
}

const ch_stage ch_stage_random_forest_classifier = {.class_name =
                                                        "org.apache.spark.ml.classification.RandomForestClassifier",
                                                    .kind = CH_STAGE_ESTIMATOR,
                                                    .uid_prefix = "rfc",
                                                    .params = CLASSIFIER_PARAMS,
                                                    .model = &ch_stage_random_forest_classification_model,
                                                    .fit = fit_classifier,
                                                    .summarize = summarize};

const ch_stage ch_stage_random_forest_classification_model = {
    .class_name = "org.apache.spark.ml.classification.RandomForestClassificationModel",
    .kind = CH_STAGE_MODEL,
    .uid_prefix = "rfc",
    .params = CLASSIFIER_PARAMS,
    .bind = ch_predictor_bind,
    .predictor = &CLASSIFIER,
    .save = save_classifier,
    .load = load_classifier,
    .attributes = CLASSIFIER_TABLES,
    .free_state = ch_tree_state_free,
    .bytes = ch_tree_state_bytes,
    .print = print};

const ch_stage ch_stage_random_forest_regressor = {.class_name = "org.apache.spark.ml.regression.RandomForestRegressor",
                                                   .kind = CH_STAGE_ESTIMATOR,
                                                   .uid_prefix = "rfr",
                                                   .params = REGRESSOR_PARAMS,
                                                   .model = &ch_stage_random_forest_regression_model,
                                                   .fit = fit_regressor};

const ch_stage ch_stage_random_forest_regression_model = {
    .class_name = "org.apache.spark.ml.regression.RandomForestRegressionModel",
    .kind = CH_STAGE_MODEL,
    .uid_prefix = "rfr",
    .params = REGRESSOR_PARAMS,
    .bind = ch_predictor_bind,
    .predictor = &REGRESSOR,
    .save = save_regressor,
    .load = load_regressor,
    .attributes = REGRESSOR_TABLES,
    .free_state = ch_tree_state_free,
    .bytes = ch_tree_state_bytes,
    .print = print};
