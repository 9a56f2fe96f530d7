/* regression_evaluator.c: RegressionEvaluator (org.apache.spark.ml.evaluation.RegressionEvaluator). */
#include "math/metrics.h"
#include "ml/evaluator.h"
#include "ml/param_rows.h"
#include "ml/schema.h"
#include "ml/stages.h"

static const ch_param_row PARAMS[] = {
    CH_ROW_LABEL_COL,      CH_ROW_CHOICE("metricName", "rmse", "mse rmse r2 mae var", "mse, rmse, r2, mae or var"),
    CH_ROW_PREDICTION_COL, CH_ROW_BOOLEAN("throughOrigin", false, "whether the regression goes through the origin"),
    CH_ROW_WEIGHT_COL,     CH_ROW_END};

static int take(void *context, const ch_eval_batch *batch, ch_error *err)
{
    (void)err;
    ch_regression_metrics_add(context, batch->cols[0].data, batch->cols[1].data, batch->weight, batch->rows);
    return 0;
}

static ch_regression_metric metric_named(const char *name)
{
    switch (name[0]) {
    case 'm': return name[1] == 's' ? CH_REGRESSION_MSE : CH_REGRESSION_MAE;
    case 'v': return CH_REGRESSION_VAR;
    default: return name[1] == '2' ? CH_REGRESSION_R2 : CH_REGRESSION_RMSE;
    }
}

static int evaluate(const ch_evaluation *call, double *value, ch_error *err)
{
    const char *const names[2] = {ch_param_text(call->params, "predictionCol"),
                                  ch_param_text(call->params, "labelCol")};
    const ch_type *const allowed[2] = {&ch_type_double, &ch_type_float};
    const ch_type *const types[2] = {&ch_type_double, &ch_type_double};
    size_t index;
    CH_TRY(ch_schema_one_of(&call->schema, names[0], allowed, 2, &index, err));
    CH_TRY(ch_evaluator_schema(call, true, err));
    ch_regression_metrics *metrics = ch_regression_metrics_new(ch_param_bool(call->params, "throughOrigin"));
    if (!metrics) return ch_no_memory(err);
    int status = ch_evaluator_scan(call, 2, names, types, take, metrics, err);
    if (!status) {
        ch_regression_metric metric = metric_named(ch_param_text(call->params, "metricName"));
        status = ch_regression_metrics_get(metrics, metric, value, err);
    }
    ch_regression_metrics_free(metrics);
    return status;
}

const ch_stage ch_stage_regression_evaluator = {.class_name = "org.apache.spark.ml.evaluation.RegressionEvaluator",
                                                .kind = CH_STAGE_EVALUATOR,
                                                .uid_prefix = "regEval",
                                                .params = PARAMS,
                                                .evaluate = evaluate};
