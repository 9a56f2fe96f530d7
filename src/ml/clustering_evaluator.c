/* clustering_evaluator.c: ClusteringEvaluator: the silhouette (org.apache.spark.ml.evaluation.ClusteringEvaluator). */
#include "math/metrics.h"
#include "ml/evaluator.h"
#include "ml/param_rows.h"
#include "ml/schema.h"
#include "ml/stages.h"

static const ch_param_row PARAMS[] = {CH_ROW_CHOICE("distanceMeasure", "squaredEuclidean", "squaredEuclidean cosine",
                                                    "distance measure: squaredEuclidean or cosine"),
                                      CH_ROW_FEATURES_COL,
                                      CH_ROW_CHOICE("metricName", "silhouette", "silhouette", "silhouette"),
                                      CH_ROW_PREDICTION_COL,
                                      CH_ROW_WEIGHT_COL,
                                      CH_ROW_END};

/* Two passes over the same rows: collect, then score. */
typedef struct measuring {
    ch_silhouette *silhouette;
    bool cosine, scoring;
    size_t cols;
    const ch_eval_batch *batch;
} measuring;

static int take_block(void *context, const double *block, size_t first, size_t n, ch_error *err)
{
    measuring *m = context;
    const double *cluster = (const double *)m->batch->cols[0].data + first;
    const double *weight = m->batch->weight ? m->batch->weight + first : NULL;
    return m->scoring ? ch_silhouette_score(m->silhouette, block, cluster, weight, n, err)
                      : ch_silhouette_collect(m->silhouette, block, cluster, weight, n, err);
}

static int take(void *context, const ch_eval_batch *batch, ch_error *err)
{
    measuring *m = context;
    if (!batch->rows) return 0;
    if (!m->silhouette) {
        ch_vector_rows first;
        CH_TRY(ch_vector_rows_init(&first, &batch->cols[1], 1, 0, NULL, err));
        m->cols = first.m.cols;
        ch_vector_rows_reset(&first);
        m->silhouette = ch_silhouette_new(m->cols, m->cosine);
        if (!m->silhouette) return ch_no_memory(err);
    }
    m->batch = batch;
    return ch_dense_blocks(&batch->cols[1], batch->rows, m->cols, take_block, m, err);
}

static int evaluate(const ch_evaluation *call, double *value, ch_error *err)
{
    const char *const names[2] = {ch_param_text(call->params, "predictionCol"),
                                  ch_param_text(call->params, "featuresCol")};
    const ch_type *const types[2] = {&ch_type_double, NULL};
    size_t index;
    CH_TRY(ch_schema_vector_like(&call->schema, names[1], &index, err));
    CH_TRY(ch_schema_numeric(&call->schema, names[0], &index, err));
    CH_TRY(ch_evaluator_schema(call, false, err));
    measuring m = {.cosine = ch_param_text(call->params, "distanceMeasure")[0] == 'c'};
    int status = ch_evaluator_scan(call, 2, names, types, take, &m, err);
    m.scoring = true;
    if (!status) status = ch_evaluator_scan(call, 2, names, types, take, &m, err);
    if (!status && !m.silhouette) {
        status = ch_failf(err, CH_E_SPARK, "assertion failed: Number of clusters must be greater than one.");
    }
    if (!status) status = ch_silhouette_get(m.silhouette, value, err);
    ch_silhouette_free(m.silhouette);
    return status;
}

const ch_stage ch_stage_clustering_evaluator = {.class_name = "org.apache.spark.ml.evaluation.ClusteringEvaluator",
                                                .kind = CH_STAGE_EVALUATOR,
                                                .uid_prefix = "cluEval",
                                                .params = PARAMS,
                                                .evaluate = evaluate};
