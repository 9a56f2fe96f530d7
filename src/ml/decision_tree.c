/* decision_tree.c: DecisionTreeClassifier and DecisionTreeRegressor with their models
 * (org.apache.spark.ml.{classification.DecisionTreeClassifier, regression.DecisionTreeRegressor}). */
#include "ml/model.h"
#include "ml/stages.h"
#include "ml/tree_model.h"

static const ch_param_row CLASSIFIER_PARAMS[] = {CH_ROWS_TREE, CH_ROWS_TREE_CLASSIFIER, CH_ROW_IMPURITY_CLASSES,
                                                 CH_ROW_END};
static const ch_param_row REGRESSOR_PARAMS[] = {
    CH_ROWS_TREE, CH_ROW_IMPURITY_VARIANCE,
    CH_ROW_TEXT_UNSET("varianceCol", "column name for the biased sample variance of prediction"), CH_ROW_END};

/* ---- fit ---- */

static int fit_classifier(const ch_fit *call, ch_fit_result *out, ch_error *err)
{
    return ch_forest_fit_classifier(call, "DecisionTreeClassifier", 1, false, out, err);
}

static int fit_regressor(const ch_fit *call, ch_fit_result *out, ch_error *err)
{
    return ch_forest_fit_regressor(call, 1, false, out, err);
}

/* ---- scoring ---- */

static int raw_classes(const void *state, const ch_matrix *m, double *out, ch_error *err)
{
    const ch_forest *forest;
    CH_TRY(ch_tree_state_forest(state, &forest, err));
    return ch_forest_predict(forest, CH_FOREST_STATS, m, out, err);
}

static int raw_mean(const void *state, const ch_matrix *m, double *out, ch_error *err)
{
    const ch_forest *forest;
    CH_TRY(ch_tree_state_forest(state, &forest, err));
    return ch_forest_predict(forest, CH_FOREST_MEAN, m, out, err);
}

static int variance(const void *state, const ch_matrix *m, double *out, ch_error *err)
{
    const ch_forest *forest;
    CH_TRY(ch_tree_state_forest(state, &forest, err));
    return ch_forest_predict(forest, CH_FOREST_VARIANCE, m, out, err);
}

static const ch_predictor CLASSIFIER = {.features = ch_tree_features,
                                        .needed = ch_tree_needed,
                                        .classes = ch_tree_classes,
                                        .raw = raw_classes,
                                        .probability = ch_tree_votes_probability,
                                        .leaf_width = ch_tree_leaf_width,
                                        .leaf = ch_tree_leaf,
                                        .leaf_metadata = ch_tree_leaf_metadata,
                                        .udf = "ProbabilisticClassificationModel"};
static const ch_predictor REGRESSOR = {.features = ch_tree_features,
                                       .needed = ch_tree_needed,
                                       .raw = raw_mean,
                                       .variance = variance,
                                       .leaf_width = ch_tree_leaf_width,
                                       .leaf = ch_tree_leaf,
                                       .leaf_metadata = ch_tree_leaf_metadata,
                                       .udf = "DecisionTreeRegressionModel"};

/* ---- models ---- */

static const ch_attribute *const CLASSIFIER_TABLES[] = {ch_attributes_identifiable,
                                                        ch_attributes_prediction,
                                                        ch_attributes_classification,
                                                        ch_attributes_probabilistic,
                                                        ch_attributes_leaf,
                                                        ch_attributes_tree,
                                                        NULL};
static const ch_attribute *const REGRESSOR_TABLES[] = {ch_attributes_identifiable, ch_attributes_prediction,
                                                       ch_attributes_leaf, ch_attributes_tree, NULL};

/* "<Class>: uid=..., depth=2, numNodes=5, numClasses=2, numFeatures=2"; a tree of a forest is looked up there. */
static void print(const ch_object *self, ch_buf *out)
{
    const ch_tree_state *s = self->fitted->data;
    const ch_forest *forest = s->parent ? ((const ch_tree_state *)s->parent->data)->forest : s->forest;
    const ch_tree *tree = &forest->tree[s->parent ? s->index : 0];
    ch_buf_printf(out, "%s: uid=%s, depth=%d, numNodes=%d", ch_stage_name(self->stage), self->uid, tree->depth,
                  tree->nodes);
    if (forest->classes) ch_buf_printf(out, ", numClasses=%d", forest->classes);
    ch_buf_printf(out, ", numFeatures=%d", forest->features);
}

static int load_classifier(ch_loader *loader, void **data, ch_error *err)
{
    return ch_tree_load(loader, true, data, err);
}

static int load_regressor(ch_loader *loader, void **data, ch_error *err)
{
    return ch_tree_load(loader, false, data, err);
}

const ch_stage ch_stage_decision_tree_classifier = {.class_name =
                                                        "org.apache.spark.ml.classification.DecisionTreeClassifier",
                                                    .kind = CH_STAGE_ESTIMATOR,
                                                    .uid_prefix = "dtc",
                                                    .params = CLASSIFIER_PARAMS,
                                                    .model = &ch_stage_decision_tree_classification_model,
                                                    .fit = fit_classifier};

const ch_stage ch_stage_decision_tree_classification_model = {
    .class_name = "org.apache.spark.ml.classification.DecisionTreeClassificationModel",
    .kind = CH_STAGE_MODEL,
    .uid_prefix = "dtc",
    .params = CLASSIFIER_PARAMS,
    .bind = ch_predictor_bind,
    .predictor = &CLASSIFIER,
    .save = ch_tree_save,
    .load = load_classifier,
    .attributes = CLASSIFIER_TABLES,
    .free_state = ch_tree_state_free,
    .bytes = ch_tree_state_bytes,
    .print = print};

const ch_stage ch_stage_decision_tree_regressor = {.class_name = "org.apache.spark.ml.regression.DecisionTreeRegressor",
                                                   .kind = CH_STAGE_ESTIMATOR,
                                                   .uid_prefix = "dtr",
                                                   .params = REGRESSOR_PARAMS,
                                                   .model = &ch_stage_decision_tree_regression_model,
                                                   .fit = fit_regressor};

const ch_stage ch_stage_decision_tree_regression_model = {
    .class_name = "org.apache.spark.ml.regression.DecisionTreeRegressionModel",
    .kind = CH_STAGE_MODEL,
    .uid_prefix = "dtr",
    .params = REGRESSOR_PARAMS,
    .bind = ch_predictor_bind,
    .predictor = &REGRESSOR,
    .save = ch_tree_save,
    .load = load_regressor,
    .attributes = REGRESSOR_TABLES,
    .free_state = ch_tree_state_free,
    .bytes = ch_tree_state_bytes,
    .print = print};
