/* gbt.c: GBTClassifier and GBTRegressor with their models (org.apache.spark.ml.{classification.GBTClassifier,
 * regression.GBTRegressor}). */
#include "ml/literal.h"
#include "ml/model.h"
#include "ml/schema.h"
#include "ml/stages.h"
#include "ml/tree_model.h"

static const ch_param_row CLASSIFIER_PARAMS[] = {
    CH_ROWS_TREE,
    CH_ROWS_TREE_CLASSIFIER,
    CH_ROW_IMPURITY_VARIANCE,
    CH_ROWS_ENSEMBLE("all"),
    CH_ROWS_BOOSTING,
    CH_ROW_CHOICE_ANY_CASE("lossType", "logistic", "logistic", "loss function that boosting minimizes: logistic"),
    CH_ROW_END};
static const ch_param_row REGRESSOR_PARAMS[] = {
    CH_ROWS_TREE,
    CH_ROW_IMPURITY_VARIANCE,
    CH_ROWS_ENSEMBLE("all"),
    CH_ROWS_BOOSTING,
    CH_ROW_CHOICE_ANY_CASE("lossType", "squared", "squared absolute",
                           "loss function that boosting minimizes: squared, absolute"),
    CH_ROW_END};

static int loss_named(const char *name, ch_gbt_loss *out)
{
    switch (name[0] | 0x20) {
    case 'l': *out = CH_GBT_LOGISTIC; return 0;
    case 's': *out = CH_GBT_SQUARED; return 0;
    case 'a': *out = CH_GBT_ABSOLUTE; return 0;
    default: return 1;
    }
}

/* ---- fit ---- */

static int boost(const ch_fit *call, const ch_dataset *dataset, bool validate, ch_fit_result *out, ch_error *err)
{
    ch_matrix m = ch_dataset_matrix(dataset, 0), validation = ch_dataset_matrix(dataset, 1);
    const int32_t *arity;
    CH_TRY(ch_tree_arity(call, &m, &arity, err));
    ch_gbt_params p = ch_gbt_defaults();
    p.tree = ch_tree_params_of(call->params, call->task);
    p.tree.impurity = CH_TREE_VARIANCE;
    loss_named(ch_param_text(call->params, "lossType"), &p.loss);
    p.max_iter = ch_param_int(call->params, "maxIter");
    p.step_size = ch_param_double(call->params, "stepSize");
    p.validation_tol = ch_param_double(call->params, "validationTol");
    ch_forest *forest;
    CH_TRY(ch_gbt_fit(&m, validate ? &validation : NULL, arity, &p, &forest, err));
    out->data = ch_tree_state_new(forest, err);
    return out->data ? 0 : CH_E_MEMORY;
}

static int fit(const ch_fit *call, ch_label_rule rule, ch_fit_result *out, ch_error *err)
{
    size_t index;
    ch_dataset *dataset;
    const char *flag = ch_param_column(call->params, "validationIndicatorCol");
    CH_TRY(ch_predictor_schema(call->params, &call->schema, true, &index, err));
    if (flag) {
        CH_TRY(ch_schema_find(&call->schema, flag, &index, err));
        if (call->schema.fields[index].type->kind != CH_BOOLEAN) {
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "validationIndicatorCol %s must be of type boolean", flag);
        }
    }
    CH_TRY(ch_tree_ingest(call, rule, flag, &dataset, err));
    int status = boost(call, dataset, flag != NULL, out, err);
    ch_dataset_free(dataset);
    return status;
}

static int fit_classifier(const ch_fit *call, ch_fit_result *out, ch_error *err)
{
    CH_TRY(ch_check_thresholds(call->params, "GBTClassifier", "train", 2, err));
    return fit(call, CH_LABEL_CLASSES, out, err);
}

static int fit_regressor(const ch_fit *call, ch_fit_result *out, ch_error *err)
{
    return fit(call, CH_LABEL_REAL, out, err);
}

/* ---- scoring ---- */

static size_t two_classes(const void *state)
{
    (void)state;
    return 2;
}

/* {-margin, margin} */
static int raw_classes(const void *state, const ch_matrix *m, double *out, ch_error *err)
{
    CH_TRY(ch_forest_predict(((const ch_tree_state *)state)->forest, CH_FOREST_MARGIN, m, out, err));
    for (size_t i = m->rows; i-- > 0;) { /* from the end, so that no margin is overwritten before it is read */
        double margin = out[i];
        out[2 * i] = -margin;
        out[2 * i + 1] = margin;
    }
    return 0;
}

static int raw_margin(const void *state, const ch_matrix *m, double *out, ch_error *err)
{
    return ch_forest_predict(((const ch_tree_state *)state)->forest, CH_FOREST_MARGIN, m, out, err);
}

static int probability(const void *state, double *raw, size_t rows, ch_error *err)
{
    (void)state;
    (void)err;
    for (size_t i = 0; i < rows; i++) {
        raw[2 * i] = ch_gbt_probability(raw[2 * i]);
        raw[2 * i + 1] = 1.0 - raw[2 * i];
    }
    return 0;
}

static const ch_predictor CLASSIFIER = {.features = ch_tree_features,
                                        .needed = ch_tree_needed,
                                        .classes = two_classes,
                                        .raw = raw_classes,
                                        .probability = probability,
                                        .leaf_width = ch_tree_leaf_width,
                                        .leaf = ch_tree_leaf,
                                        .leaf_metadata = ch_forest_leaf_metadata,
                                        .leaf_vector = true,
                                        .udf = "ProbabilisticClassificationModel"};
static const ch_predictor REGRESSOR = {.features = ch_tree_features,
                                       .needed = ch_tree_needed,
                                       .raw = raw_margin,
                                       .leaf_width = ch_tree_leaf_width,
                                       .leaf = ch_tree_leaf,
                                       .leaf_metadata = ch_forest_leaf_metadata,
                                       .leaf_vector = true,
                                       .udf = "GBTRegressionModel"};

/* ---- attributes ---- */

/* evaluateEachIteration(df) of a classifier, (df, loss) of a regressor. */
static int get_each_iteration(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    bool classifier = call->self->stage == &ch_stage_gbt_classification_model;
    const char *name = classifier        ? "logistic"
                       : call->narg == 2 ? ch_lit_string(call->arena, call->args[1].literal)
                                         : NULL;
    ch_gbt_loss loss;
    if (call->narg != (classifier ? 1u : 2u) || !call->args[0].input || !name || loss_named(name, &loss)) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "wrong arguments for evaluateEachIteration");
    }
    const ch_forest *forest = ((const ch_tree_state *)call->self->fitted->data)->forest;
    ch_fit fit_call = {.session = call->session,
                       .arena = call->arena,
                       .params = call->self->params,
                       .dataset = call->args[0].input,
                       .task = call->task};
    ch_dataset *dataset;
    CH_TRY(ch_tree_ingest(&fit_call, classifier ? CH_LABEL_CLASSES : CH_LABEL_REAL, NULL, &dataset, err));
    ch_matrix m = ch_dataset_matrix(dataset, 0);
    double *losses = CH_NEW_ARRAY(call->arena, double, forest->trees);
    int status =
        m.rows && m.cols < ch_tree_needed(call->self->fitted->data)
            ? ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "features have %zu dimensions, too few for the model", m.cols)
            : ch_gbt_losses(forest, loss, &m, losses, err);
    ch_dataset_free(dataset);
    if (!status) out->literal = ch_lit_doubles(call->arena, losses, (size_t)forest->trees);
    return status;
}

static const ch_attribute ATTRIBUTES[] = {{"evaluateEachIteration", get_each_iteration}, {NULL, NULL}};
static const ch_attribute *const CLASSIFIER_TABLES[] = {ch_attributes_identifiable,
                                                        ch_attributes_prediction,
                                                        ch_attributes_classification,
                                                        ch_attributes_probabilistic,
                                                        ch_attributes_leaf,
                                                        ch_attributes_ensemble,
                                                        ATTRIBUTES,
                                                        NULL};
static const ch_attribute *const REGRESSOR_TABLES[] = {
    ch_attributes_identifiable, ch_attributes_prediction, ch_attributes_leaf, ch_attributes_ensemble, ATTRIBUTES, NULL};

/* The classifier's text has blanks around its first equals sign, in Spark too. */
static void print_classifier(const ch_object *self, ch_buf *out)
{
    const ch_forest *forest = ((const ch_tree_state *)self->fitted->data)->forest;
    ch_buf_printf(out, "GBTClassificationModel: uid = %s, numTrees=%d, numClasses=2, numFeatures=%d", self->uid,
                  forest->trees, forest->features);
}

static void print_regressor(const ch_object *self, ch_buf *out)
{
    const ch_forest *forest = ((const ch_tree_state *)self->fitted->data)->forest;
    ch_buf_printf(out, "GBTRegressionModel: uid=%s, numTrees=%d, numFeatures=%d", self->uid, forest->trees,
                  forest->features);
}

static int save(ch_saver *saver, const ch_object *model, ch_error *err)
{
    return ch_ensemble_save(saver, model, false, err);
}

static int load(ch_loader *loader, void **data, ch_error *err)
{
    return ch_ensemble_load(loader, CH_TREE_VARIANCE, 0, data, err);
}

const ch_stage ch_stage_gbt_classifier = {.class_name = "org.apache.spark.ml.classification.GBTClassifier",
                                          .kind = CH_STAGE_ESTIMATOR,
                                          .uid_prefix = "gbtc",
                                          .params = CLASSIFIER_PARAMS,
                                          .model = &ch_stage_gbt_classification_model,
                                          .fit = fit_classifier};

/* Old models were saved with an impurity of gini, which means nothing: it is left out on load, as in Spark. */
const ch_stage ch_stage_gbt_classification_model = {.class_name =
                                                        "org.apache.spark.ml.classification.GBTClassificationModel",
                                                    .kind = CH_STAGE_MODEL,
                                                    .uid_prefix = "gbtc",
                                                    .params = CLASSIFIER_PARAMS,
                                                    .bind = ch_predictor_bind,
                                                    .predictor = &CLASSIFIER,
                                                    .save = save,
                                                    .load = load,
                                                    .skip_on_load = "impurity",
                                                    .attributes = CLASSIFIER_TABLES,
                                                    .free_state = ch_tree_state_free,
                                                    .bytes = ch_tree_state_bytes,
                                                    .print = print_classifier};

const ch_stage ch_stage_gbt_regressor = {.class_name = "org.apache.spark.ml.regression.GBTRegressor",
                                         .kind = CH_STAGE_ESTIMATOR,
                                         .uid_prefix = "gbtr",
                                         .params = REGRESSOR_PARAMS,
                                         .model = &ch_stage_gbt_regression_model,
                                         .fit = fit_regressor};

const ch_stage ch_stage_gbt_regression_model = {.class_name = "org.apache.spark.ml.regression.GBTRegressionModel",
                                                .kind = CH_STAGE_MODEL,
                                                .uid_prefix = "gbtr",
                                                .params = REGRESSOR_PARAMS,
                                                .bind = ch_predictor_bind,
                                                .predictor = &REGRESSOR,
                                                .save = save,
                                                .load = load,
                                                .skip_on_load = "impurity",
                                                .attributes = REGRESSOR_TABLES,
                                                .free_state = ch_tree_state_free,
                                                .bytes = ch_tree_state_bytes,
                                                .print = print_regressor};
