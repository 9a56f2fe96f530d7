/* metrics_regression.c: errors of predicted numbers (org.apache.spark.mllib.evaluation.RegressionMetrics), from the
 * column statistics of (label, label - prediction, prediction).
 */
#include "math/metrics.h"
#include "math/summarize.h"

#include <math.h>
#include <stdlib.h>

enum { LABEL, ERROR, PREDICTION, COLS, BATCH = 256 };

struct ch_regression_metrics {
    bool through_origin;
    ch_summarizer *columns;
};

ch_regression_metrics *ch_regression_metrics_new(bool through_origin)
{
    ch_regression_metrics *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->through_origin = through_origin;
    r->columns = ch_summarizer_new(COLS);
    if (r->columns) return r;
    free(r);
    return NULL;
}

void ch_regression_metrics_free(ch_regression_metrics *r)
{
    if (!r) return;
    ch_summarizer_free(r->columns);
    free(r);
}

void ch_regression_metrics_add(ch_regression_metrics *r, const double *prediction, const double *label,
                               const double *weight, size_t n)
{
    double rows[BATCH][COLS];
    for (size_t at = 0; at < n; at += BATCH) {
        const size_t take = n - at < BATCH ? n - at : BATCH;
        for (size_t i = 0; i < take; i++) {
            rows[i][LABEL] = label[at + i];
            rows[i][ERROR] = label[at + i] - prediction[at + i];
            rows[i][PREDICTION] = prediction[at + i];
        }
        ch_summarizer_add(r->columns, &rows[0][0], weight ? weight + at : NULL, take);
    }
}

static double metric_of(const ch_summary *s, bool through_origin, ch_regression_metric metric)
{
    const double squared_error = s->norm_l2[ERROR] * s->norm_l2[ERROR], weight = s->weight_sum;
    switch (metric) {
    case CH_REGRESSION_MSE: return squared_error / weight;
    case CH_REGRESSION_RMSE: return sqrt(squared_error / weight);
    case CH_REGRESSION_MAE: return s->norm_l1[ERROR] / weight;
    case CH_REGRESSION_R2:
        return 1 - squared_error /
                       (through_origin ? s->norm_l2[LABEL] * s->norm_l2[LABEL] : s->variance[LABEL] * (weight - 1));
    case CH_REGRESSION_VAR:
        return (s->norm_l2[PREDICTION] * s->norm_l2[PREDICTION] + s->mean[LABEL] * s->mean[LABEL] * weight -
                2 * s->mean[LABEL] * s->mean[PREDICTION] * weight) /
               weight;
    }
    return NAN;
}

int ch_regression_metrics_get(const ch_regression_metrics *r, ch_regression_metric metric, double *value, ch_error *err)
{
    ch_summary s;
    CH_TRY(ch_summarizer_finish(r->columns, &s, err));
    const int64_t count = s.count;
    *value = metric_of(&s, r->through_origin, metric);
    ch_summary_reset(&s);
    if (count == 0)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: Nothing has been added to this summarizer.");
    return 0;
}
