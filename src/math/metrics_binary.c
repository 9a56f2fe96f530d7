/* metrics_binary.c: ROC and precision-recall curves (org.apache.spark.mllib.evaluation.BinaryClassificationMetrics over
 * one partition): the distinct scores in descending order, with the weights of positives and negatives down to each.
 */
#include "math/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A row: its score as a whole number that sorts as the score does, and its weight, negative for a negative label. */
typedef struct scored {
    uint64_t key;
    double weight;
} scored;

/* Weights of the labels of all rows with at least this score. */
typedef struct bin {
    double score, positives, negatives;
} bin;

struct ch_binary_metrics {
    scored *rows;
    size_t count, capacity;
    bin *bins;
    size_t nbins;
};

ch_binary_metrics *ch_binary_metrics_new(void)
{
    return calloc(1, sizeof(ch_binary_metrics));
}

void ch_binary_metrics_free(ch_binary_metrics *b)
{
    if (!b) return;
    free(b->rows);
    free(b->bins);
    free(b);
}

/* Descending order with NaN, all of it one value, first; 0 and -0 are one value too. */
static uint64_t descending_key(double score)
{
    score = isnan(score) ? fabs((double)NAN) : score + 0.0;
    uint64_t bits;
    memcpy(&bits, &score, sizeof bits);
    const uint64_t ascending = bits >> 63 ? ~bits : bits | 1ULL << 63;
    return ~ascending;
}

static double key_score(uint64_t key)
{
    const uint64_t ascending = ~key, bits = ascending >> 63 ? ascending & INT64_MAX : ~ascending;
    double score;
    memcpy(&score, &bits, sizeof score);
    return score;
}

int ch_binary_metrics_add(ch_binary_metrics *b, const double *score, const double *label, const double *weight,
                          size_t n, ch_error *err)
{
    assert(!b->bins);
    if (n > b->capacity - b->count) {
        size_t capacity = b->capacity ? b->capacity * 2 : 1024;
        if (capacity < b->count + n) capacity = b->count + n;
        scored *grown = realloc(b->rows, capacity * sizeof *grown);
        if (!grown) return ch_no_memory(err);
        b->rows = grown;
        b->capacity = capacity;
    }
    for (size_t i = 0; i < n; i++) {
        const double w = weight ? weight[i] : 1.0;
        b->rows[b->count++] = (scored){descending_key(score[i]), label[i] > 0.5 ? w : -w};
    }
    return 0;
}

/* Stable radix sort by key, eleven bits at a time; `other` has room for as many rows. Returns the array that holds the
 * result. Digits that are the same in all rows, as the exponents' often are, cost nothing. */
static scored *radix_sort(scored *rows, scored *other, size_t n)
{
    enum { BITS = 11, DIGITS = 1 << BITS, PASSES = 6 };
    size_t(*counts)[DIGITS] = calloc(PASSES, sizeof *counts);
    if (!counts) return NULL;
    for (size_t i = 0; i < n; i++)
        for (int p = 0; p < PASSES; p++) counts[p][rows[i].key >> (BITS * p) & (DIGITS - 1)]++;
    for (int p = 0; p < PASSES; p++) {
        if (counts[p][rows[0].key >> (BITS * p) & (DIGITS - 1)] == n) continue;
        size_t start = 0;
        for (size_t d = 0; d < DIGITS; d++) {
            const size_t count = counts[p][d];
            counts[p][d] = start;
            start += count;
        }
        for (size_t i = 0; i < n; i++) other[counts[p][rows[i].key >> (BITS * p) & (DIGITS - 1)]++] = rows[i];
        scored *sorted = other;
        other = rows;
        rows = sorted;
    }
    free(counts);
    return rows;
}

static int sort_rows(ch_binary_metrics *b, ch_error *err)
{
    if (b->count == 0) return 0;
    scored *other = malloc(b->count * sizeof *other);
    scored *sorted = other ? radix_sort(b->rows, other, b->count) : NULL;
    if (!sorted) {
        free(other);
        return ch_no_memory(err);
    }
    free(sorted == other ? b->rows : other);
    b->rows = sorted;
    b->capacity = b->count;
    return 0;
}

/* Sums each distinct score's rows, then `group` neighbouring scores together under the last of them, then from the
 * highest down: Spark's order of additions. */
static void accumulate(ch_binary_metrics *b, size_t group)
{
    double positives = 0, negatives = 0;
    bin together = {0};
    size_t in_group = 0;
    for (size_t i = 0; i < b->count;) {
        const uint64_t key = b->rows[i].key;
        bin one = {0};
        for (; i < b->count && b->rows[i].key == key; i++) {
            const double w = b->rows[i].weight;
            if (signbit(w))
                one.negatives -= w;
            else
                one.positives += w;
        }
        together.score = key_score(key);
        together.positives += one.positives;
        together.negatives += one.negatives;
        if (++in_group < group && i < b->count) continue;
        positives += together.positives;
        negatives += together.negatives;
        b->bins[b->nbins++] = (bin){together.score, positives, negatives};
        together = (bin){0};
        in_group = 0;
    }
}

int ch_binary_metrics_finish(ch_binary_metrics *b, int num_bins, ch_task *task, ch_error *err)
{
    assert(num_bins >= 0 && !b->bins);
    CH_TRY(ch_task_check(task, err));
    CH_TRY(sort_rows(b, err));
    CH_TRY(ch_task_check(task, err));
    size_t distinct = 0;
    for (size_t i = 0; i < b->count; i++) distinct += i == 0 || b->rows[i].key != b->rows[i - 1].key;
    size_t group = num_bins > 0 ? distinct / (size_t)num_bins : 1;
    if (group < 2) group = 1;
    b->bins = malloc((distinct / group + 1) * sizeof *b->bins);
    if (!b->bins) return ch_no_memory(err);
    accumulate(b, group);
    free(b->rows);
    b->rows = NULL;
    b->count = b->capacity = 0;
    return 0;
}

/* ---- the curves ---- */

static double total_positives(const ch_binary_metrics *b)
{
    return b->nbins ? b->bins[b->nbins - 1].positives : 0;
}

static double total_negatives(const ch_binary_metrics *b)
{
    return b->nbins ? b->bins[b->nbins - 1].negatives : 0;
}

static double precision(const bin *c)
{
    const double all = c->positives + c->negatives;
    return all == 0 ? 1.0 : c->positives / all;
}

static double recall(const ch_binary_metrics *b, const bin *c)
{
    const double all = total_positives(b);
    return all == 0 ? 0.0 : c->positives / all;
}

static double false_positive_rate(const ch_binary_metrics *b, const bin *c)
{
    const double all = total_negatives(b);
    return all == 0 ? 0.0 : c->negatives / all;
}

static double f_measure(const ch_binary_metrics *b, const bin *c, double beta)
{
    const double p = precision(c), r = recall(b, c), beta2 = beta * beta;
    return p + r == 0 ? 0.0 : (1 + beta2) * (p * r) / (beta2 * p + r);
}

size_t ch_binary_metrics_points(const ch_binary_metrics *b, ch_binary_curve curve)
{
    if (curve == CH_CURVE_ROC) return b->nbins + 2;
    return curve == CH_CURVE_PR && b->nbins ? b->nbins + 1 : b->nbins;
}

void ch_binary_metrics_curve(const ch_binary_metrics *b, ch_binary_curve curve, double beta, double *x, double *y)
{
    size_t at = 0;
    if (curve == CH_CURVE_ROC || (curve == CH_CURVE_PR && b->nbins)) {
        x[at] = 0;
        y[at++] = curve == CH_CURVE_ROC ? 0 : precision(&b->bins[0]);
    }
    for (size_t i = 0; i < b->nbins; i++, at++) {
        const bin *c = &b->bins[i];
        x[at] = c->score;
        switch (curve) {
        case CH_CURVE_ROC:
            x[at] = false_positive_rate(b, c);
            y[at] = recall(b, c);
            break;
        case CH_CURVE_PR:
            x[at] = recall(b, c);
            y[at] = precision(c);
            break;
        case CH_CURVE_PRECISION: y[at] = precision(c); break;
        case CH_CURVE_RECALL: y[at] = recall(b, c); break;
        case CH_CURVE_F_MEASURE: y[at] = f_measure(b, c, beta); break;
        }
    }
    if (curve == CH_CURVE_ROC) x[at] = y[at] = 1;
}

double ch_binary_metrics_area(const ch_binary_metrics *b, ch_binary_curve curve)
{
    assert(curve == CH_CURVE_ROC || curve == CH_CURVE_PR);
    double area = 0, x = 0, y = curve == CH_CURVE_PR && b->nbins ? precision(&b->bins[0]) : 0;
    for (size_t i = 0; i < b->nbins; i++) {
        const bin *c = &b->bins[i];
        const double next_x = curve == CH_CURVE_ROC ? false_positive_rate(b, c) : recall(b, c);
        const double next_y = curve == CH_CURVE_ROC ? recall(b, c) : precision(c);
        area += (next_x - x) * (next_y + y) / 2.0;
        x = next_x;
        y = next_y;
    }
    return curve == CH_CURVE_ROC ? area + (1.0 - x) * (1.0 + y) / 2.0 : area;
}
