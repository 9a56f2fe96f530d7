/* tree.h: decision trees, random forests and gradient-boosted trees, grown exactly as Spark grows them on one partition
 * (org.apache.spark.ml.tree.impl.RandomForest and GradientBoostedTrees, 4.0), and scoring with them.
 *
 *     ch_forest_params p = ch_forest_defaults();
 *     p.classes = 2;
 *     ch_forest *forest = NULL;
 *     if (ch_forest_fit(&matrix, arity, &p, &forest, &err)) return report(&err);
 *     ch_forest_predict(forest, CH_FOREST_VOTES, &batch, votes, &err);
 *     ch_forest_free(forest);
 *
 * One model type serves all: a decision tree is a forest of one tree, a boosted model a forest of regression trees with
 * weights. A forest is immutable once made and may be read by many threads.
 *
 * `arity` describes the features, (cols) values: 0 = continuous; k >= 1 = categorical with values 0..k-1 (k = 1 can
 * never be split, as in Spark); NULL = all continuous.
 *
 * Same bits whatever the number of threads. On nodes of at most 65,536 rows every sum is taken in row order, which is
 * what Spark does on one partition, so even ties between splits fall alike; larger nodes add up blocks of that size.
 * Forests of fewer than 2^18 rows are bagged with the numbers Spark draws on one partition, larger ones with others.
 */
#ifndef CHERT_MATH_TREE_H
#define CHERT_MATH_TREE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/task.h"
#include "math/comm.h"
#include "math/matrix.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ch_tree_impurity { CH_TREE_GINI, CH_TREE_ENTROPY, CH_TREE_VARIANCE } ch_tree_impurity;

/* ---- the model ---- */

/* One node, in pre-order: the left child of node i is i + 1. */
typedef struct ch_tree_node {
    double prediction;      /* class or mean; of inner nodes too */
    double impurity;        /* -1 in a leaf that had no valid split, as Spark stores it */
    double gain;            /* -1 in a leaf */
    int64_t raw_count;      /* rows (bagged: with repetition), unweighted */
    int32_t left, right;    /* node ids; -1 in a leaf */
    int32_t feature;        /* -1 in a leaf */
    int32_t num_categories; /* of a categorical split; -1 otherwise */
    double threshold;       /* continuous split: left iff value <= threshold; else 0 */
    int32_t category_start; /* categorical split: its left categories are */
    int32_t category_count; /* categories[category_start ...), ascending */
} ch_tree_node;

typedef struct ch_tree {
    int32_t nodes, leaves, depth; /* depth of a lone leaf is 0 */
    ch_tree_node *node;           /* (nodes) */
    double *stats;                /* (nodes, forest->stats) impurityStats: class weights, or {sum w, sum wy, sum wyy} */
    double *categories;           /* left categories of all categorical splits */
    int32_t categories_len;
} ch_tree;

typedef struct ch_forest {
    ch_tree_impurity impurity;
    int32_t features;
    int32_t classes; /* 0 = regression */
    int32_t stats;   /* values per node in ch_tree.stats: classes, or 3 */
    int32_t trees;
    ch_tree *tree;                 /* (trees) */
    double *weight;                /* (trees): 1 in random forests, step sizes in boosted ones */
    struct ch_tree_scorer *scorer; /* the trees compiled for ch_forest_predict */
} ch_forest;

void ch_forest_free(ch_forest *forest);           /* NULL is fine */
int64_t ch_forest_nodes(const ch_forest *forest); /* totalNumNodes */
size_t ch_forest_bytes(const ch_forest *forest);  /* memory held */

/* A forest of its own holding a copy of one tree, weight 1: what `model.trees[i]` is. */
int ch_forest_tree(const ch_forest *forest, int32_t tree, ch_forest **out, ch_error *err);

/* featureImportances into out (features): gain times weight, per tree normalised (random forests and single trees; not
 * boosted ones), summed and normalised to 1. All zero when nothing splits. */
void ch_forest_importances(const ch_forest *forest, bool per_tree_normalization, double *out);

/* The body of toDebugString, what follows the line with the model's name: of a forest ("  Tree 0 (weight 1.0):" ...),
 * or of its first tree alone (a decision tree model). */
void ch_forest_debug_string(const ch_forest *forest, ch_buf *out);
void ch_tree_debug_string(const ch_forest *forest, ch_buf *out);

/* ---- to and from disk ---- */

/* A node as Spark stores it (NodeData, SplitData), with the tree it belongs to. Pointers are borrowed. */
typedef struct ch_tree_row {
    int32_t tree, id;
    double prediction, impurity;
    const double *stats; /* (nstats) */
    size_t nstats;
    int64_t raw_count;
    double gain;
    int32_t left, right;
    int32_t feature;            /* split.featureIndex */
    const double *split_values; /* split.leftCategoriesOrThreshold */
    size_t nsplit_values;
    int32_t num_categories;
} ch_tree_row;

/* Row of a node, for writing; its pointers live as long as the forest. */
void ch_forest_row(const ch_forest *forest, int32_t tree, int32_t node, ch_tree_row *out);

/* A forest from rows in any order, read from disk and not to be trusted: ids must be 0..n-1 in each of the `trees`
 * trees, in pre-order, children inside the tree and each used once, features and categories in range, numbers of stats
 * right. weights (trees), or NULL for all 1. classes 0 = regression. Errors: CH_E_ILLEGAL_ARGUMENT naming tree and
 * node. */
int ch_forest_build(ch_tree_impurity impurity, int32_t features, int32_t classes, int32_t trees, const double *weights,
                    const ch_tree_row *rows, size_t nrows, ch_forest **out, ch_error *err);

/* ---- scoring ---- */

typedef enum ch_forest_output {
    CH_FOREST_MARGIN,   /* 1 per row: sum of weight * prediction over the trees (boosted models) */
    CH_FOREST_MEAN,     /* 1: plain mean of the trees' predictions (forest regression; a single tree's prediction) */
    CH_FOREST_VOTES,    /* classes: sum over trees of the leaf's class distribution (forest rawPrediction) */
    CH_FOREST_STATS,    /* stats: impurityStats of the first tree's leaf (decision tree rawPrediction) */
    CH_FOREST_VARIANCE, /* 1: impurity recomputed from those stats (DecisionTreeRegressionModel varianceCol) */
    CH_FOREST_LEAVES    /* trees: leaf numbers, counted from the left (leafCol) */
} ch_forest_output;

size_t ch_forest_width(const ch_forest *forest, ch_forest_output what); /* values per row of m */

/* out (rows of m, width). m->cols must be at least the highest feature a split uses + 1. One thread: callers batch. */
int ch_forest_predict(const ch_forest *forest, ch_forest_output what, const ch_matrix *m, double *out, ch_error *err);

/* ---- growing ---- */

typedef struct ch_tree_params {
    ch_tree_impurity impurity;
    int max_depth;                       /* 0..30 */
    int max_bins;                        /* >= 2; lowered to the number of rows as in Spark */
    int min_instances_per_node;          /* >= 1 */
    double min_weight_fraction_per_node; /* [0, 0.5) */
    double min_info_gain;                /* >= 0 */
    int max_memory_mb;          /* maxMemoryInMB: how many nodes Spark treats at a time, which orders the draws of
                                   feature subsets; also bounds the memory for histograms */
    const char *feature_subset; /* featureSubsetStrategy: auto, all, sqrt, log2, onethird, a number or a fraction;
                                   NULL = all */
    double subsampling_rate;    /* (0, 1] */
    int64_t seed;
    ch_comm *comm; /* may be NULL */
    ch_task *task; /* may be NULL; progress in trees */
} ch_tree_params;

typedef struct ch_forest_params {
    ch_tree_params tree;
    int32_t classes; /* 0 = regression (impurity must be variance); labels are 0..classes-1 otherwise */
    int trees;       /* numTrees, >= 1 */
    bool bootstrap;  /* Poisson(subsampling_rate) copies of each row for each tree; else a Bernoulli sample, or all */
} ch_forest_params;

typedef enum ch_gbt_loss { CH_GBT_LOGISTIC, CH_GBT_SQUARED, CH_GBT_ABSOLUTE } ch_gbt_loss;

typedef struct ch_gbt_params {
    ch_tree_params tree; /* impurity is taken to be variance */
    ch_gbt_loss loss;    /* logistic: labels 0 and 1 */
    int max_iter;        /* number of trees, >= 1 */
    double step_size;    /* (0, 1] */
    double validation_tol;
} ch_gbt_params;

/* Spark's defaults: depth 5, 32 bins, gini, 1 instance, 256 MB, subset auto, rate 1, seed 0; 20 trees with bootstrap
 * and 2 classes. A single decision tree is trees 1, bootstrap false, feature_subset "all". */
ch_forest_params ch_forest_defaults(void);
/* variance, all features, logistic loss, 20 rounds, step 0.1, tolerance 0.01. */
ch_gbt_params ch_gbt_defaults(void);

/* featureSubsetStrategy as a number of features per node, by Spark's rule. */
int ch_tree_subset_size(const char *strategy, bool classification, int trees, int32_t features, int32_t *out,
                        ch_error *err);

/* Grows a forest on m (labels needed, weights honoured). *out is owned by the caller. Errors, with Spark's words: no
 * rows or features, labels or weights out of range, more categories than bins, a value that is no category, depth > 30.
 */
int ch_forest_fit(const ch_matrix *m, const int32_t *arity, const ch_forest_params *params, ch_forest **out,
                  ch_error *err);

/* Boosts trees on m; with `validation` (may be NULL) stops early and keeps the best prefix, as runWithValidation. */
int ch_gbt_fit(const ch_matrix *m, const ch_matrix *validation, const int32_t *arity, const ch_gbt_params *params,
               ch_forest **out, ch_error *err);

/* evaluateEachIteration: mean weighted loss of the first 1..trees trees on m, out (trees). */
int ch_gbt_losses(const ch_forest *forest, ch_gbt_loss loss, const ch_matrix *m, double *out, ch_error *err);
/* Probability of class 1 from a margin under the logistic loss: 1 / (1 + exp(-2 margin)). */
double ch_gbt_probability(double margin);

#endif
