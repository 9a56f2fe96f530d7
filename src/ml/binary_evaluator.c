/* binary_evaluator.c: BinaryClassificationEvaluator: areas under the ROC and precision-recall curves
 * (org.apache.spark.ml.evaluation.BinaryClassificationEvaluator). */
#include "math/metrics.h"
#include "ml/evaluator.h"
#include "ml/metadata.h"
#include "ml/param_rows.h"
#include "ml/schema.h"
#include "ml/stages.h"

#include <stdlib.h>

static const ch_param_row PARAMS[] = {
    CH_ROW_LABEL_COL,
    CH_ROW_CHOICE("metricName", "areaUnderROC", "areaUnderROC areaUnderPR", "areaUnderROC or areaUnderPR"),
    CH_ROW_INT_FROM("numBins", 1000, 0, "number of bins the curves are sampled down to; 0: none (>= 0)"),
    CH_ROW_RAW_PREDICTION_COL,
    CH_ROW_WEIGHT_COL,
    CH_ROW_END};

typedef struct scoring {
    ch_binary_metrics *metrics;
    bool vectors;
} scoring;

/* rawPrediction(1) of each row. */
static int second_values(const ch_column *c, size_t rows, double *out, ch_error *err)
{
    for (size_t i = 0; i < rows; i++) {
        ch_vector v;
        CH_TRY(ch_vector_at(c, i, &v, err));
        if (v.size < 2) {
            return ch_failf(err, CH_E_SPARK,
                            "java.lang.ArrayIndexOutOfBoundsException: Index 1 out of bounds for length "
                            "%zu",
                            v.size);
        }
        out[i] = 0;
        for (size_t k = 0; v.index && k < v.n; k++) {
            if (v.index[k] == 1) out[i] = v.value[k];
        }
        if (!v.index) out[i] = v.value[1];
    }
    return 0;
}

static int take(void *context, const ch_eval_batch *batch, ch_error *err)
{
    scoring *s = context;
    const double *label = batch->cols[1].data;
    if (!s->vectors) {
        return ch_binary_metrics_add(s->metrics, batch->cols[0].data, label, batch->weight, batch->rows, err);
    }
    double *score = malloc((batch->rows + 1) * sizeof *score);
    if (!score) return ch_no_memory(err);
    int status = second_values(&batch->cols[0], batch->rows, score, err);
    if (!status) status = ch_binary_metrics_add(s->metrics, score, label, batch->weight, batch->rows, err);
    free(score);
    return status;
}

static int evaluate(const ch_evaluation *call, double *value, ch_error *err)
{
    const char *const names[2] = {ch_param_text(call->params, "rawPredictionCol"),
                                  ch_param_text(call->params, "labelCol")};
    const ch_type *const allowed[2] = {&ch_type_double, &ch_type_vector}, *const types[2] = {NULL, &ch_type_double};
    size_t index;
    CH_TRY(ch_schema_one_of(&call->schema, names[0], allowed, 2, &index, err));
    CH_TRY(ch_evaluator_schema(call, true, err));
    const ch_field *raw = &call->schema.fields[index];
    ch_ml_group group = {.size = -1};
    if (raw->type->kind == CH_VECTOR) CH_TRY(ch_ml_group_read(call->arena, raw, &group, err));
    if (group.size >= 0 && group.size != 2) {
        return ch_require_failed(err, "rawPredictionCol vectors must have length=2, but got %lld",
                                 (long long)group.size);
    }
    scoring s = {.metrics = ch_binary_metrics_new(), .vectors = raw->type->kind == CH_VECTOR};
    if (!s.metrics) return ch_no_memory(err);
    int status = ch_evaluator_scan(call, 2, names, types, take, &s, err);
    if (!status) {
        status = ch_binary_metrics_finish(s.metrics, ch_param_int(call->params, "numBins"), call->task, err);
    }
    if (!status) {
        bool roc = strcmp(ch_param_text(call->params, "metricName"), "areaUnderROC") == 0;
        *value = ch_binary_metrics_area(s.metrics, roc ? CH_CURVE_ROC : CH_CURVE_PR);
    }
    ch_binary_metrics_free(s.metrics);
    return status;
}

const ch_stage ch_stage_binary_evaluator = {.class_name =
                                                "org.apache.spark.ml.evaluation.BinaryClassificationEvaluator",
                                            .kind = CH_STAGE_EVALUATOR,
                                            .uid_prefix = "binEval",
                                            .params = PARAMS,
                                            .evaluate = evaluate};
