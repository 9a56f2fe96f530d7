/* multiclass_evaluator.c: MulticlassClassificationEvaluator
 * (org.apache.spark.ml.evaluation.MulticlassClassificationEvaluator). */
#include "math/metrics.h"
#include "ml/evaluator.h"
#include "ml/param_rows.h"
#include "ml/schema.h"
#include "ml/stages.h"

static const ch_param_row PARAMS[] = {
    CH_ROW_NUMBER(CH_PARAM_DOUBLE, "beta", 1, 0, true, (double)INFINITY, false,
                  "weight of recall against precision in f-measures (> 0)"),
    CH_ROW_NUMBER(CH_PARAM_DOUBLE, "eps", 1e-15, 0, true, 0.5, true,
                  "probabilities are clipped to [eps, 1 - eps] for the log loss"),
    CH_ROW_LABEL_COL,
    CH_ROW_DOUBLE_FROM("metricLabel", 0, 0, "the class whose metric is wanted by the metrics by label (>= 0)"),
    CH_ROW_CHOICE("metricName", "f1",
                  "f1 accuracy weightedPrecision weightedRecall weightedTruePositiveRate weightedFalsePositiveRate "
                  "weightedFMeasure truePositiveRateByLabel falsePositiveRateByLabel precisionByLabel recallByLabel "
                  "fMeasureByLabel logLoss hammingLoss",
                  "which metric"),
    CH_ROW_PREDICTION_COL,
    CH_ROW_PROBABILITY_COL,
    CH_ROW_WEIGHT_COL,
    CH_ROW_END};

typedef struct counting {
    ch_multiclass_metrics *metrics;
    const ch_eval_batch *batch; /* being added with probabilities */
    size_t classes;
} counting;

static int add_block(void *context, const double *block, size_t first, size_t n, ch_error *err)
{
    counting *c = context;
    const ch_eval_batch *b = c->batch;
    return ch_multiclass_metrics_add(c->metrics, (const double *)b->cols[0].data + first,
                                     (const double *)b->cols[1].data + first, b->weight ? b->weight + first : NULL,
                                     block, c->classes, n, err);
}

static int take(void *context, const ch_eval_batch *batch, ch_error *err)
{
    counting *c = context;
    return ch_multiclass_metrics_add(c->metrics, batch->cols[0].data, batch->cols[1].data, batch->weight, NULL, 0,
                                     batch->rows, err);
}

static int take_probabilities(void *context, const ch_eval_batch *batch, ch_error *err)
{
    counting *c = context;
    ch_vector v;
    if (!batch->rows) return 0;
    if (!c->classes) {
        ch_vector_rows first;
        CH_TRY(ch_vector_rows_init(&first, &batch->cols[2], 1, 0, NULL, err));
        v.size = first.m.cols;
        ch_vector_rows_reset(&first);
        c->classes = v.size;
    }
    c->batch = batch;
    return ch_dense_blocks(&batch->cols[2], batch->rows, c->classes, add_block, c, err);
}

/* The metric that a name means: of all classes, or of one. */
static int answer(const ch_param_map *params, const ch_multiclass_metrics *m, double *value, ch_error *err)
{
    static const struct {
        const char *name;
        bool by_label;
        int metric;
    } METRICS[] = {{"f1", false, CH_MULTI_WEIGHTED_F},
                   {"accuracy", false, CH_MULTI_ACCURACY},
                   {"weightedPrecision", false, CH_MULTI_WEIGHTED_PRECISION},
                   {"weightedRecall", false, CH_MULTI_WEIGHTED_RECALL},
                   {"weightedTruePositiveRate", false, CH_MULTI_WEIGHTED_TPR},
                   {"weightedFalsePositiveRate", false, CH_MULTI_WEIGHTED_FPR},
                   {"weightedFMeasure", false, CH_MULTI_WEIGHTED_F},
                   {"hammingLoss", false, CH_MULTI_HAMMING_LOSS},
                   {"logLoss", false, CH_MULTI_LOG_LOSS},
                   {"truePositiveRateByLabel", true, CH_LABEL_TPR},
                   {"falsePositiveRateByLabel", true, CH_LABEL_FPR},
                   {"precisionByLabel", true, CH_LABEL_PRECISION},
                   {"recallByLabel", true, CH_LABEL_RECALL},
                   {"fMeasureByLabel", true, CH_LABEL_F}};
    const char *name = ch_param_text(params, "metricName");
    size_t i = 0;
    while (strcmp(METRICS[i].name, name) != 0) i++; /* the param's row allows no other */
    double beta = i == 0 ? 1.0 : ch_param_double(params, "beta");
    if (METRICS[i].by_label) {
        return ch_multiclass_metrics_by_label(m, (ch_label_metric)METRICS[i].metric,
                                              ch_param_double(params, "metricLabel"), beta, value, err);
    }
    *value = ch_multiclass_metrics_get(m, (ch_multiclass_metric)METRICS[i].metric, beta);
    return 0;
}

static int evaluate(const ch_evaluation *call, double *value, ch_error *err)
{
    const char *const names[3] = {ch_param_text(call->params, "predictionCol"), ch_param_text(call->params, "labelCol"),
                                  ch_param_text(call->params, "probabilityCol")};
    const ch_type *const types[3] = {NULL, &ch_type_double, NULL};
    size_t index;
    CH_TRY(ch_schema_double(&call->schema, names[0], &index, err));
    CH_TRY(ch_evaluator_schema(call, true, err));
    bool log_loss = strcmp(ch_param_text(call->params, "metricName"), "logLoss") == 0;
    if (log_loss && !ch_schema_has(&call->schema, names[2])) {
        return ch_require_failed(err, "probabilityCol is needed to compute logloss");
    }
    if (log_loss) CH_TRY(ch_schema_vector_like(&call->schema, names[2], &index, err));
    counting c = {.metrics = ch_multiclass_metrics_new(ch_param_double(call->params, "eps"))};
    if (!c.metrics) return ch_no_memory(err);
    int status = ch_evaluator_scan(call, log_loss ? 3 : 2, names, types, log_loss ? take_probabilities : take, &c, err);
    if (!status) status = answer(call->params, c.metrics, value, err);
    ch_multiclass_metrics_free(c.metrics);
    return status;
}

const ch_stage ch_stage_multiclass_evaluator = {.class_name =
                                                    "org.apache.spark.ml.evaluation.MulticlassClassificationEvaluator",
                                                .kind = CH_STAGE_EVALUATOR,
                                                .uid_prefix = "mcEval",
                                                .params = PARAMS,
                                                .evaluate = evaluate};
