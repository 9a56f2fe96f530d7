/* logistic.c: logistic regression from data to model, step by step as
 * org.apache.spark.ml.classification.LogisticRegression.train does it, and prediction.
 */
#include "math/logistic.h"

#include "math/logistic_loss.h"
#include "math/optimize.h"
#include "math/summarize.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    LBFGS_MEMORY = 10,
    CLASSES_MAX = 1 << 20 /* a label beyond is a mistake, and would cost gigabytes a class histogram */
};

/* Everything train() knows while it runs. */
typedef struct trainer {
    const ch_matrix *m;
    const ch_logistic_params *params;
    ch_summary summary;
    double *histogram; /* (histogram_size) weight of each label */
    size_t histogram_size, classes, sets;
    bool multinomial, centred, bounded;
    double *lower, *upper;             /* (size), where bounded */
    double *inverse_std, *scaled_mean; /* (cols) */
    double *l1;                        /* (size) or NULL */
    double *x;                         /* (size) the parameters, laid out as in logistic_loss.h */
    size_t size;
} trainer;

ch_logistic_params ch_logistic_defaults(void)
{
    return (ch_logistic_params){.fit_intercept = true, .standardization = true, .max_iter = 100, .tol = 1e-6};
}

void ch_logistic_model_reset(ch_logistic_model *model)
{
    free(model->coefficients);
    free(model->intercepts);
    free(model->history);
    *model = (ch_logistic_model){0};
}

/* ---- what the labels say ---- */

/* The largest value that any worker has. */
static int max_over_workers(ch_comm *comm, double *value, ch_error *err)
{
    if (!comm || comm->size <= 1) return 0;
    const size_t workers = (size_t)comm->size;
    double *all = calloc(workers, sizeof *all);
    if (!all) return ch_no_memory(err);
    all[comm->rank] = *value;
    int status = comm->sum(comm, all, workers, err);
    for (size_t r = 0; !status && r < workers; r++) *value = fmax(*value, all[r]);
    free(all);
    return status;
}

/* Weights per label; rows of weight 0 count nowhere. */
static int count_labels(trainer *t, ch_error *err)
{
    const ch_matrix *m = t->m;
    double size = 0, invalid = 0;
    for (size_t i = 0; i < m->rows; i++) {
        const double y = m->label[i];
        if (!(ch_matrix_weight(m, i) > 0)) continue;
        if (!(y >= 0 && y <= INT32_MAX && y == floor(y)))
            invalid++;
        else if (y + 1 > size)
            size = y + 1;
    }
    CH_TRY(max_over_workers(t->params->comm, &size, err));
    CH_TRY(ch_comm_sum(t->params->comm, &invalid, 1, err));
    t->histogram_size = (size_t)size;
    t->classes = t->params->classes ? t->params->classes : t->histogram_size;
    if (t->classes < t->histogram_size)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "requirement failed: Specified number of classes %zu was less than the number of unique "
                        "labels %zu.",
                        t->classes, t->histogram_size);
    if (invalid > 0)
        return ch_failf(err, CH_E_SPARK, "Classification labels should be in [0 to %lld]. Found %.0f invalid labels.",
                        (long long)t->classes - 1, invalid);
    if (t->classes > CLASSES_MAX)
        return ch_failf(err, CH_E_MEMORY, "LogisticRegression supports at most %d classes, but the labels ask for %zu.",
                        CLASSES_MAX, t->classes);
    t->histogram = calloc(t->histogram_size, sizeof *t->histogram);
    if (!t->histogram) return ch_no_memory(err);
    for (size_t i = 0; i < m->rows; i++) {
        const double w = ch_matrix_weight(m, i);
        if (w > 0) t->histogram[(size_t)m->label[i]] += w;
    }
    return ch_comm_sum(t->params->comm, t->histogram, t->histogram_size, err);
}

static int choose_family(trainer *t, ch_error *err)
{
    switch (t->params->family) {
    case CH_LOGISTIC_BINOMIAL:
        if (t->classes > 2)
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                            "requirement failed: Binomial family only supports 1 or 2 outcome classes but found %zu.",
                            t->classes);
        t->multinomial = false;
        break;
    case CH_LOGISTIC_MULTINOMIAL: t->multinomial = true; break;
    case CH_LOGISTIC_AUTO: t->multinomial = t->classes > 2; break;
    }
    t->sets = t->multinomial ? t->classes : 1;
    return 0;
}

static bool label_is_constant(const trainer *t)
{
    size_t seen = 0;
    for (size_t k = 0; k < t->histogram_size; k++) seen += t->histogram[k] != 0;
    return seen == 1;
}

/* ---- the model ---- */

static int allocate_model(const trainer *t, ch_logistic_model *out, ch_error *err)
{
    const size_t cols = t->m->cols;
    out->classes = t->classes;
    out->features = cols;
    out->multinomial = t->multinomial;
    out->sets = t->sets;
    out->coefficients = calloc(t->sets * cols + 1, sizeof(double));
    out->intercepts = calloc(t->sets, sizeof(double));
    if (!out->coefficients || !out->intercepts) return ch_no_memory(err);
    return 0;
}

/* One label only: the intercept says it all, and no training is needed. (With two classes in the metadata Spark gives
 * plus infinity for either label.) */
static int constant_model(const trainer *t, ch_logistic_model *out, ch_error *err)
{
    out->history = calloc(1, sizeof *out->history);
    if (!out->history) return ch_no_memory(err);
    out->nhistory = 1;
    if (t->multinomial) {
        for (size_t k = 0; k < t->histogram_size; k++)
            if (t->histogram[k] != 0) out->intercepts[k] = INFINITY;
    } else {
        out->intercepts[0] = t->classes == 2 ? INFINITY : -INFINITY;
    }
    return 0;
}

/* Takes the parameters back to the original space. */
static void finish_model(const trainer *t, ch_logistic_model *out)
{
    const size_t cols = t->m->cols, sets = t->sets;
    const double *x = t->x;
    for (size_t k = 0; k < sets; k++) {
        double shift = 0;
        for (size_t j = 0; j < cols; j++) {
            const double std = t->summary.std[j];
            out->coefficients[k * cols + j] = std != 0 ? x[j * sets + k] / std : 0;
            shift += x[j * sets + k] * t->scaled_mean[j];
        }
        if (t->params->fit_intercept) out->intercepts[k] = x[cols * sets + k] - (t->centred ? shift : 0);
    }
    if (!t->multinomial || t->bounded) return;
    /* Without a penalty any constant may be added to a feature's coefficients: Spark, as glmnet, takes mean 0. */
    if (t->params->reg_param == 0) {
        for (size_t j = 0; j < cols; j++) {
            double mean = 0;
            for (size_t k = 0; k < sets; k++) mean += out->coefficients[k * cols + j];
            mean /= (double)sets;
            for (size_t k = 0; k < sets; k++) out->coefficients[k * cols + j] -= mean;
        }
    }
    if (t->params->fit_intercept) {
        double mean = 0;
        for (size_t k = 0; k < sets; k++) mean += out->intercepts[k];
        mean /= (double)sets;
        for (size_t k = 0; k < sets; k++) out->intercepts[k] -= mean;
    }
}

/* ---- training ---- */

/* Coefficients 0; intercepts that give each label its share. */
static void start_point(trainer *t)
{
    const size_t first = t->m->cols * t->sets;
    if (!t->params->fit_intercept) return;
    if (!t->multinomial) {
        t->x[first] = log(t->histogram[1] / t->histogram[0]);
        return;
    }
    double mean = 0;
    for (size_t k = 0; k < t->histogram_size; k++) mean += log1p(t->histogram[k]);
    mean /= (double)t->histogram_size;
    for (size_t k = 0; k < t->histogram_size; k++) t->x[first + k] = log1p(t->histogram[k]) - mean;
}

static bool any_finite(const double *values, size_t n)
{
    for (size_t i = 0; values && i < n; i++)
        if (isfinite(values[i])) return true;
    return false;
}

/* The bounds in the space of the parameters: those of coefficients times the features' deviations. */
static int prepare_bounds(trainer *t, ch_error *err)
{
    const size_t cols = t->m->cols, sets = t->sets;
    const ch_logistic_params *p = t->params;
    t->lower = calloc(t->size + 1, sizeof(double));
    t->upper = calloc(t->size + 1, sizeof(double));
    if (!t->lower || !t->upper) return ch_no_memory(err);
    for (size_t i = 0; i < t->size; i++) {
        const size_t j = i / sets, k = i % sets;
        const bool intercept = j == cols;
        const double *low = intercept ? p->lower_intercepts : p->lower_coefficients;
        const double *high = intercept ? p->upper_intercepts : p->upper_coefficients;
        const double std = intercept ? 1 : t->summary.std[j];
        const size_t at = intercept ? k : k * cols + j;
        t->lower[i] = low && std != 0 ? low[at] * std : -INFINITY;
        t->upper[i] = high && std != 0 ? high[at] * std : INFINITY;
    }
    return 0;
}

/* Scales, L1 weights and the start: all arrays of the parameters' size. */
static int prepare(trainer *t, ch_error *err)
{
    const size_t cols = t->m->cols, sets = t->sets;
    const ch_logistic_params *p = t->params;
    t->size = sets * (cols + (p->fit_intercept ? 1 : 0));
    t->inverse_std = calloc(cols + 1, sizeof(double));
    t->scaled_mean = calloc(cols + 1, sizeof(double));
    t->x = calloc(t->size + 1, sizeof(double));
    const double l1 = p->elastic_net_param * p->reg_param;
    if (l1 != 0) t->l1 = calloc(t->size + 1, sizeof(double));
    if (!t->inverse_std || !t->scaled_mean || !t->x || (l1 != 0 && !t->l1)) return ch_no_memory(err);
    for (size_t j = 0; j < cols; j++) {
        const double std = t->summary.std[j];
        t->inverse_std[j] = std != 0 ? 1.0 / std : 0;
        t->scaled_mean[j] = t->inverse_std[j] * t->summary.mean[j];
        for (size_t k = 0; t->l1 && k < sets; k++)
            t->l1[j * sets + k] = p->standardization ? l1 : std != 0 ? l1 / std : 0;
    }
    t->centred = p->fit_intercept && !any_finite(p->lower_intercepts, sets) && !any_finite(p->upper_intercepts, sets);
    start_point(t);
    return t->bounded ? prepare_bounds(t, err) : 0;
}

static int train(trainer *t, ch_logistic_model *out, ch_error *err)
{
    const ch_logistic_params *p = t->params;
    CH_TRY(prepare(t, err));
    ch_logistic_loss loss = {.m = t->m,
                             .sets = t->sets,
                             .multinomial = t->multinomial,
                             .fit_intercept = p->fit_intercept,
                             .centred = t->centred,
                             .inverse_std = t->inverse_std,
                             .scaled_mean = t->scaled_mean,
                             .weight_sum = t->summary.weight_sum,
                             .l2 = (1.0 - p->elastic_net_param) * p->reg_param,
                             .l2_unscaled = !p->standardization,
                             .comm = p->comm,
                             .task = p->task};
    CH_TRY(ch_logistic_loss_init(&loss, err));
    const ch_objective objective = {t->size, ch_logistic_loss_eval, &loss};
    const ch_minimize_options options = {
        .max_iter = p->max_iter, .tolerance = p->tol, .memory = LBFGS_MEMORY, .l1 = t->l1, .task = p->task};
    ch_minimize_result result;
    int status = t->bounded ? ch_minimize_bounded(&objective, &options, t->lower, t->upper, t->x, &result, err)
                            : ch_minimize(&objective, &options, t->x, &result, err);
    ch_logistic_loss_reset(&loss);
    if (status) return status;
    out->history = result.history;
    out->nhistory = result.nhistory;
    finish_model(t, out);
    return 0;
}

static int fit(trainer *t, ch_logistic_model *out, ch_error *err)
{
    const ch_logistic_params *p = t->params;
    CH_TRY(ch_summarize(t->m, p->comm, p->task, &t->summary, err));
    if (t->summary.count == 0)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: Nothing has been added to this summarizer.");
    CH_TRY(count_labels(t, err));
    CH_TRY(choose_family(t, err));
    t->bounded = p->lower_coefficients || p->upper_coefficients || p->lower_intercepts || p->upper_intercepts;
    if (t->m->cols > SIZE_MAX / sizeof(double) / 64 / t->sets) return ch_no_memory(err);
    CH_TRY(allocate_model(t, out, err));
    if (p->fit_intercept && !t->bounded && label_is_constant(t)) return constant_model(t, out, err);
    return train(t, out, err);
}

int ch_logistic_fit(const ch_matrix *m, const ch_logistic_params *params, ch_logistic_model *out, ch_error *err)
{
    *out = (ch_logistic_model){0};
    trainer t = {.m = m, .params = params};
    int status = fit(&t, out, err);
    if (status) ch_logistic_model_reset(out);
    ch_summary_reset(&t.summary);
    free(t.histogram);
    free(t.inverse_std);
    free(t.scaled_mean);
    free(t.l1);
    free(t.lower);
    free(t.upper);
    free(t.x);
    return status;
}

/* ---- prediction ---- */

size_t ch_logistic_width(const ch_logistic_model *model)
{
    return model->multinomial ? model->classes : 2;
}

/* Spark's order of summation, so that margins agree to the last bit with an unvectorised JVM BLAS. */
static double row_margin(const ch_logistic_model *model, const ch_matrix *m, size_t row, size_t set)
{
    const double *a = model->coefficients + set * model->features;
    double sum = 0;
    if (m->dense) {
        const double *x = m->dense + row * m->cols;
        for (size_t j = 0; j < m->cols; j++) sum += x[j] * a[j];
    } else {
        for (size_t at = m->row_start[row]; at < m->row_start[row + 1]; at++) sum += m->value[at] * a[m->index[at]];
    }
    return sum + model->intercepts[set];
}

void ch_logistic_raw(const ch_logistic_model *model, const ch_matrix *m, double *raw)
{
    if (!model->multinomial) {
        for (size_t i = 0; i < m->rows; i++) {
            const double margin = row_margin(model, m, i, 0);
            raw[2 * i] = -margin;
            raw[2 * i + 1] = margin;
        }
        return;
    }
    for (size_t i = 0; i < m->rows; i++)
        for (size_t k = 0; k < model->sets; k++) raw[i * model->sets + k] = row_margin(model, m, i, k);
}

/* org.apache.spark.ml.impl.Utils.softmax: an infinite margin takes all of the probability. */
static void softmax(const double *raw, size_t n, double *out)
{
    double max = raw[0];
    for (size_t k = 0; k < n; k++) {
        if (raw[k] == INFINITY) {
            memset(out, 0, n * sizeof *out);
            out[k] = 1;
            return;
        }
        if (raw[k] > max) max = raw[k];
    }
    double sum = 0;
    for (size_t k = 0; k < n; k++) sum += out[k] = exp(raw[k] - max);
    for (size_t k = 0; k < n; k++) out[k] *= 1.0 / sum;
}

void ch_logistic_probability(const ch_logistic_model *model, const double *raw, size_t rows, double *probability)
{
    const size_t width = ch_logistic_width(model);
    for (size_t i = 0; i < rows; i++, raw += width, probability += width) {
        if (model->multinomial) {
            softmax(raw, width, probability);
        } else {
            probability[0] = 1.0 / (1.0 + exp(-raw[0]));
            probability[1] = 1.0 - probability[0];
        }
    }
}
