/* tree_split.c: impurities and the search for a node's best split among the bins of a feature. Follows
 * RandomForest.binsToBestSplit and calculateImpurityStats of Spark operation by operation: the same doubles in the same
 * order give the same gains, and so the same choice between splits that are equally good.
 */
#include "math/tree_grow.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* ---- impurities ---- */

INLINE double weight_of(int32_t classes, const double *stats)
{
    if (classes == 0) return stats[0];
    double sum = 0;
    for (int32_t k = 0; k < classes; k++) sum += stats[k];
    return sum;
}

static double entropy(int32_t classes, const double *stats, double total)
{
    double impurity = 0;
    for (int32_t k = 0; k < classes; k++) {
        if (stats[k] == 0) continue;
        double p = stats[k] / total;
        impurity -= p * (log(p) / M_LN2);
    }
    return impurity;
}

INLINE double impurity_of(ch_tree_impurity impurity, int32_t classes, const double *stats, double weight)
{
    if (weight == 0) return 0;
    if (impurity == CH_TREE_VARIANCE) return (stats[2] - stats[1] * stats[1] / weight) / weight;
    if (impurity == CH_TREE_ENTROPY) return entropy(classes, stats, weight);
    double gini = 1;
    for (int32_t k = 0; k < classes; k++) {
        double p = stats[k] / weight;
        gini -= p * p;
    }
    return gini;
}

double ch_tree_weight_of(int32_t classes, const double *stats)
{
    return weight_of(classes, stats);
}

double ch_tree_impurity_of(ch_tree_impurity impurity, int32_t classes, const double *stats)
{
    return impurity_of(impurity, classes, stats, weight_of(classes, stats));
}

double ch_tree_predict_of(int32_t classes, const double *stats)
{
    double weight = weight_of(classes, stats);
    if (weight == 0) return 0;
    if (classes == 0) return stats[1] / weight;
    int32_t best = 0;
    for (int32_t k = 1; k < classes; k++)
        if (stats[k] > stats[best]) best = k;
    return best;
}

/* ---- the best split so far ---- */

int ch_split_init(ch_split *split, const ch_bins *bins, size_t stats, ch_error *err)
{
    int32_t arity = 1;
    for (int32_t f = 0; f < bins->features; f++)
        if (bins->feature[f].kind != CH_BIN_CONTINUOUS && bins->feature[f].bins > arity) arity = bins->feature[f].bins;
    *split = (ch_split){0};
    size_t key = stats > (size_t)arity ? stats : (size_t)arity;
    split->left = calloc(3 * stats + key, sizeof *split->left);
    split->categories = calloc(3 * (size_t)arity, sizeof *split->categories);
    if (!split->left || !split->categories) {
        ch_split_reset(split);
        return ch_no_memory(err);
    }
    split->right = split->left + stats;
    split->work = split->right + stats;
    split->key = split->work + stats;
    split->order = split->categories + arity;
    split->spare = split->order + arity;
    ch_split_clear(split);
    return 0;
}

void ch_split_reset(ch_split *split)
{
    free(split->left);
    free(split->categories);
    *split = (ch_split){0};
}

void ch_split_clear(ch_split *split)
{
    split->valid = false;
    split->gain = -DBL_MAX;
    split->feature = -1;
    split->ncategories = 0;
}

/* Greater in the order of Java's Double.compare, where NaN is greatest. */
static inline bool is_better(double gain, double than)
{
    return gain > than || (isnan(gain) && !isnan(than));
}

void ch_split_keep_better(ch_split *a, const ch_split *b, size_t stats)
{
    if (!b->valid || !is_better(b->gain, a->gain)) return;
    a->valid = true;
    a->gain = b->gain;
    a->feature = b->feature;
    a->index = b->index;
    a->ncategories = b->ncategories;
    memcpy(a->categories, b->categories, (size_t)b->ncategories * sizeof *a->categories);
    memcpy(a->left, b->left, stats * sizeof *a->left);
    memcpy(a->right, b->right, stats * sizeof *a->right);
}

/* ---- one candidate ---- */

/* What the candidates of a node share. */
typedef struct search {
    const ch_split_rules *rules;
    double *parent, parent_impurity;
    bool *have_parent;
} search;

static void set_parent(search *s, const double *left, const double *right)
{
    for (size_t i = 0; i < s->rules->stats; i++) s->parent[i] = left[i] + right[i];
    *s->have_parent = true;
    s->parent_impurity = ch_tree_impurity_of(s->rules->impurity, s->rules->classes, s->parent);
}

/* The gain of splitting into left and right; false when the rules forbid it. impurity and classes are the rules', as
 * constants where the compiler knows them. */
INLINE bool split_gain(const search *s, ch_tree_impurity impurity, int32_t classes, const double *left,
                       const double *right, double *gain)
{
    const ch_split_rules *rules = s->rules;
    const size_t raw = classes > 0 ? (size_t)classes : 3;
    if (left[raw] < rules->min_instances || right[raw] < rules->min_instances) return false;
    double left_weight = weight_of(classes, left), right_weight = weight_of(classes, right);
    if (left_weight < rules->min_weight || right_weight < rules->min_weight) return false;
    double total = left_weight + right_weight;
    *gain = s->parent_impurity - left_weight / total * impurity_of(impurity, classes, left, left_weight) -
            right_weight / total * impurity_of(impurity, classes, right, right_weight);
    return !(*gain < rules->min_info_gain);
}

/* Tries the splits "the first i + 1 bins in order go left", i < splits, given cumulative statistics. Returns the best
 * i, or -1 if none betters best->gain, which is updated. */
INLINE int32_t search_prefixes(search *s, ch_tree_impurity impurity, int32_t classes, const double *stats,
                               const uint16_t *order, int32_t splits, ch_split *best)
{
    const size_t width = classes > 0 ? (size_t)classes + 1 : 4;
    const double *total = stats + (order ? order[splits] : (size_t)splits) * width;
    double *right = best->work;
    int32_t found = -1;
    for (int32_t i = 0; i < splits; i++) {
        const double *left = stats + (order ? order[i] : (size_t)i) * width;
        for (size_t k = 0; k < width; k++) right[k] = total[k] - left[k];
        if (!*s->have_parent) set_parent(s, left, right);
        double gain;
        if (!split_gain(s, impurity, classes, left, right, &gain) || !is_better(gain, best->gain)) continue;
        best->gain = gain;
        found = i;
    }
    if (found < 0) return -1;
    const double *left = stats + (order ? order[found] : (size_t)found) * width;
    memcpy(best->left, left, width * sizeof *left);
    for (size_t k = 0; k < width; k++) best->right[k] = total[k] - left[k];
    best->valid = true;
    return found;
}

static int32_t search_ordered(search *s, const double *stats, const uint16_t *order, int32_t splits, ch_split *best)
{
    const ch_split_rules *r = s->rules;
    if (r->classes == 0) return search_prefixes(s, CH_TREE_VARIANCE, 0, stats, order, splits, best);
    if (r->impurity == CH_TREE_GINI && r->classes == 2)
        return search_prefixes(s, CH_TREE_GINI, 2, stats, order, splits, best);
    return search_prefixes(s, r->impurity, r->classes, stats, order, splits, best);
}

/* ---- the kinds of features ---- */

static void search_continuous(search *s, const ch_bin_feature *feature, int32_t f, double *stats, ch_split *best)
{
    const size_t width = s->rules->stats;
    for (size_t i = 0; i < (size_t)feature->splits * width; i++) stats[i + width] += stats[i];
    int32_t found = search_ordered(s, stats, NULL, feature->splits, best);
    if (found < 0) return;
    best->feature = f;
    best->index = found;
    best->ncategories = 0;
}

/* What categories are ordered by: class 1's weight, the impurity in multiclass problems, the mean in regression; a
 * category that does not occur comes last. */
static double centroid(const ch_split_rules *rules, const double *stats)
{
    if (ch_tree_weight_of(rules->classes, stats) == 0) return DBL_MAX;
    if (rules->classes > 2) return ch_tree_impurity_of(rules->impurity, rules->classes, stats);
    if (rules->classes == 2) return stats[1];
    return ch_tree_predict_of(rules->classes, stats);
}

/* Stable sort of the categories by centroid: merge sort, bottom up. `key` and both orders have room for n. */
static void sort_by_centroid(const double *key, uint16_t *order, uint16_t *spare, size_t n)
{
    for (size_t i = 0; i < n; i++) order[i] = (uint16_t)i;
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t first = 0; first < n; first += 2 * run) {
            size_t a = first, a_end = first + run < n ? first + run : n;
            size_t b = a_end, b_end = a_end + run < n ? a_end + run : n;
            for (size_t i = first; i < b_end; i++) {
                bool take_b = b < b_end && (a == a_end || key[order[b]] < key[order[a]]);
                spare[i] = take_b ? order[b++] : order[a++];
            }
        }
        memcpy(order, spare, n * sizeof *order);
    }
}

static void search_categories(search *s, const ch_bin_feature *feature, int32_t f, double *stats, ch_split *best)
{
    const size_t width = s->rules->stats, arity = (size_t)feature->bins;
    for (size_t c = 0; c < arity; c++) best->key[c] = centroid(s->rules, stats + c * width);
    sort_by_centroid(best->key, best->order, best->spare, arity);
    for (size_t i = 0; i + 1 < arity; i++) {
        const double *from = stats + best->order[i] * width;
        double *to = stats + best->order[i + 1] * width;
        for (size_t k = 0; k < width; k++) to[k] += from[k];
    }
    int32_t found = search_ordered(s, stats, best->order, feature->splits, best);
    if (found < 0) return;
    best->feature = f;
    best->ncategories = found + 1;
    memcpy(best->categories, best->order, (size_t)best->ncategories * sizeof *best->categories);
}

/* Split i sends the categories of the bits of i + 1 left; stats are those of its left side. */
static void search_subsets(search *s, const ch_bin_feature *feature, int32_t f, const double *stats, const double *sum,
                           ch_split *best)
{
    const size_t width = s->rules->stats;
    uint32_t found = 0;
    for (uint32_t subset = 1; subset <= (uint32_t)feature->splits; subset++, stats += width) {
        for (size_t k = 0; k < width; k++) best->work[k] = sum[k] - stats[k];
        if (!*s->have_parent) set_parent(s, stats, best->work);
        double gain;
        if (!split_gain(s, s->rules->impurity, s->rules->classes, stats, best->work, &gain)) continue;
        if (!is_better(gain, best->gain)) continue;
        best->gain = gain;
        memcpy(best->left, stats, width * sizeof *stats);
        memcpy(best->right, best->work, width * sizeof *stats);
        found = subset;
    }
    if (!found) return;
    best->valid = true;
    best->feature = f;
    best->ncategories = 0;
    for (; found; found &= found - 1) best->categories[best->ncategories++] = (uint16_t)__builtin_ctz(found);
}

void ch_split_search(const ch_split_rules *rules, const ch_bins *bins, int32_t f, double *stats, const double *sum,
                     double *parent, bool *have_parent, ch_split *best)
{
    const ch_bin_feature *feature = &bins->feature[f];
    search s = {rules, parent, 0, have_parent};
    if (*have_parent) s.parent_impurity = ch_tree_impurity_of(rules->impurity, rules->classes, parent);
    switch (feature->kind) {
    case CH_BIN_CONTINUOUS: search_continuous(&s, feature, f, stats, best); break;
    case CH_BIN_ORDERED: search_categories(&s, feature, f, stats, best); break;
    case CH_BIN_UNORDERED: search_subsets(&s, feature, f, stats, sum, best); break;
    case CH_BIN_SINGLE: break;
    }
}
