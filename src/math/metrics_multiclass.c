/* metrics_multiclass.c: accuracy, precision, recall, F and log loss over any number of classes
 * (org.apache.spark.mllib.evaluation.MulticlassMetrics).
 */
#include "math/class_index.h"
#include "math/metrics.h"

#include "base/buf.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Weights of rows by their true and predicted class; kept for labels and for predictions that are no label. */
typedef struct class_counts {
    double labelled; /* rows with this label */
    double hits;     /* ... that were predicted so */
    double misses;   /* rows with another label predicted to be this */
    bool is_label;
} class_counts;

/* One cell of the confusion matrix beyond the first CH_CLASS_SMALL classes. */
typedef struct cell {
    uint32_t label, prediction; /* class numbers + 1; 0: free */
    double weight;
} cell;

struct ch_multiclass_metrics {
    double eps, log_loss, log_weight;
    ch_class_index index;
    class_counts *classes; /* (index.count) */
    double *labels;        /* scratch for the sorted labels, as large as `classes` */
    size_t capacity;
    double small[CH_CLASS_SMALL][CH_CLASS_SMALL]; /* confusion of the first classes, by number */
    cell *cells;                                  /* hash table of the rest, (ncells, a power of two) */
    size_t ncells, used;
};

ch_multiclass_metrics *ch_multiclass_metrics_new(double eps)
{
    ch_multiclass_metrics *m = calloc(1, sizeof *m);
    if (m) m->eps = eps;
    return m;
}

void ch_multiclass_metrics_free(ch_multiclass_metrics *m)
{
    if (!m) return;
    ch_class_index_reset(&m->index);
    free(m->classes);
    free(m->labels);
    free(m->cells);
    free(m);
}

/* ---- adding ---- */

static int class_number(ch_multiclass_metrics *m, double value, size_t *number, ch_error *err)
{
    CH_TRY(ch_class_index_add(&m->index, value, number, err));
    if (*number < m->capacity) return 0;
    const size_t capacity = m->capacity ? m->capacity * 2 : 16;
    class_counts *classes = realloc(m->classes, capacity * sizeof *classes);
    if (classes) m->classes = classes;
    double *labels = realloc(m->labels, capacity * sizeof *labels);
    if (labels) m->labels = labels;
    if (!classes || !labels) return ch_no_memory(err);
    memset(m->classes + m->capacity, 0, (capacity - m->capacity) * sizeof *classes);
    m->capacity = capacity;
    return 0;
}

static cell *find_cell(cell *cells, size_t ncells, uint32_t label, uint32_t prediction)
{
    const uint64_t hash = ((uint64_t)label << 32 | prediction) * 0x9e3779b97f4a7c15ULL;
    size_t at = (size_t)(hash >> 20) & (ncells - 1);
    while (cells[at].label && (cells[at].label != label || cells[at].prediction != prediction))
        at = (at + 1) & (ncells - 1);
    return &cells[at];
}

static int add_cell(ch_multiclass_metrics *m, size_t label, size_t prediction, double weight, ch_error *err)
{
    if (2 * (m->used + 1) > m->ncells) {
        const size_t ncells = m->ncells ? m->ncells * 2 : 1024;
        cell *cells = calloc(ncells, sizeof *cells);
        if (!cells) return ch_no_memory(err);
        for (size_t i = 0; i < m->ncells; i++)
            if (m->cells[i].label) *find_cell(cells, ncells, m->cells[i].label, m->cells[i].prediction) = m->cells[i];
        free(m->cells);
        m->cells = cells;
        m->ncells = ncells;
    }
    cell *c = find_cell(m->cells, m->ncells, (uint32_t)label + 1, (uint32_t)prediction + 1);
    m->used += c->label == 0;
    *c = (cell){(uint32_t)label + 1, (uint32_t)prediction + 1, c->weight + weight};
    return 0;
}

static int add_log_loss(ch_multiclass_metrics *m, double label, double weight, const double *probability,
                        size_t classes, ch_error *err)
{
    if (!(label >= 0 && label <= INT32_MAX && label == floor(label))) {
        char text[32];
        ch_java_double(label, text);
        return ch_failf(err, CH_E_SPARK, "requirement failed: Invalid label %s", text);
    }
    if (label >= (double)classes)
        return ch_failf(err, CH_E_SPARK, "Index %.0f out of bounds for length %zu", label, classes);
    const double p = probability[(size_t)label];
    const double loss = p < m->eps ? -log(m->eps) : p > 1 - m->eps ? -log1p(-m->eps) : -log(p);
    m->log_loss += loss * weight;
    m->log_weight += weight;
    return 0;
}

int ch_multiclass_metrics_add(ch_multiclass_metrics *m, const double *prediction, const double *label,
                              const double *weight, const double *probability, size_t classes, size_t n, ch_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const double w = weight ? weight[i] : 1.0;
        size_t y, p;
        CH_TRY(class_number(m, label[i], &y, err));
        CH_TRY(class_number(m, prediction[i], &p, err));
        m->classes[y].is_label = true;
        m->classes[y].labelled += w;
        if (y == p)
            m->classes[y].hits += w;
        else
            m->classes[p].misses += w;
        if (y < CH_CLASS_SMALL && p < CH_CLASS_SMALL)
            m->small[y][p] += w;
        else
            CH_TRY(add_cell(m, y, p, w, err));
        if (probability) CH_TRY(add_log_loss(m, label[i], w, probability + i * classes, classes, err));
    }
    return 0;
}

/* ---- asking ---- */

static double total_weight(const ch_multiclass_metrics *m)
{
    double sum = 0;
    for (size_t k = 0; k < m->index.count; k++) sum += m->classes[k].labelled;
    return sum;
}

static double class_metric(const class_counts *c, double total, ch_label_metric metric, double beta)
{
    const double recall = c->hits / c->labelled;
    const double precision = c->hits + c->misses == 0 ? 0 : c->hits / (c->hits + c->misses);
    const double beta2 = beta * beta;
    switch (metric) {
    case CH_LABEL_PRECISION: return precision;
    case CH_LABEL_RECALL:
    case CH_LABEL_TPR: return recall;
    case CH_LABEL_FPR: return c->misses / (total - c->labelled);
    case CH_LABEL_F:
        return precision + recall == 0 ? 0 : (1 + beta2) * precision * recall / (beta2 * precision + recall);
    }
    return NAN;
}

/* The metric of each label, weighted by the label's share. */
static double weighted(const ch_multiclass_metrics *m, ch_label_metric metric, double beta)
{
    const double total = total_weight(m);
    double sum = 0;
    for (size_t k = 0; k < m->index.count; k++) {
        const class_counts *c = &m->classes[k];
        if (c->is_label) sum += class_metric(c, total, metric, beta) * c->labelled / total;
    }
    return sum;
}

double ch_multiclass_metrics_get(const ch_multiclass_metrics *m, ch_multiclass_metric metric, double beta)
{
    double hits = 0, misses = 0;
    for (size_t k = 0; k < m->index.count; k++) {
        hits += m->classes[k].hits;
        misses += m->classes[k].misses;
    }
    switch (metric) {
    case CH_MULTI_ACCURACY: return hits / total_weight(m);
    case CH_MULTI_WEIGHTED_PRECISION: return weighted(m, CH_LABEL_PRECISION, beta);
    case CH_MULTI_WEIGHTED_RECALL:
    case CH_MULTI_WEIGHTED_TPR: return weighted(m, CH_LABEL_RECALL, beta);
    case CH_MULTI_WEIGHTED_FPR: return weighted(m, CH_LABEL_FPR, beta);
    case CH_MULTI_WEIGHTED_F: return weighted(m, CH_LABEL_F, beta);
    case CH_MULTI_HAMMING_LOSS: return misses / (hits + misses);
    case CH_MULTI_LOG_LOSS: return m->log_loss / m->log_weight;
    }
    return NAN;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

size_t ch_multiclass_metrics_labels(ch_multiclass_metrics *m, const double **labels)
{
    size_t count = 0;
    for (size_t k = 0; k < m->index.count; k++)
        if (m->classes[k].is_label) m->labels[count++] = m->index.values[k];
    if (count > 0) qsort(m->labels, count, sizeof *m->labels, ascending);
    *labels = m->labels;
    return count;
}

int ch_multiclass_metrics_by_label(const ch_multiclass_metrics *m, ch_label_metric metric, double label, double beta,
                                   double *value, ch_error *err)
{
    const size_t k = ch_class_index_find(&m->index, label);
    if (k == SIZE_MAX || !m->classes[k].is_label) {
        char text[32];
        ch_java_double(label, text);
        return ch_failf(err, CH_E_NOT_FOUND, "key not found: %s", text);
    }
    *value = class_metric(&m->classes[k], total_weight(m), metric, beta);
    return 0;
}

double ch_multiclass_metrics_confusion(const ch_multiclass_metrics *m, double label, double prediction)
{
    const size_t y = ch_class_index_find(&m->index, label), p = ch_class_index_find(&m->index, prediction);
    if (y == SIZE_MAX || p == SIZE_MAX) return 0;
    if (y < CH_CLASS_SMALL && p < CH_CLASS_SMALL) return m->small[y][p];
    return m->ncells ? find_cell(m->cells, m->ncells, (uint32_t)y + 1, (uint32_t)p + 1)->weight : 0;
}
