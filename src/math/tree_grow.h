/* tree_grow.h: what the files that grow trees share: binned features, histograms, split search and the grower. Private
 * to math/tree_*.c, forest.c and gbt.c; users of trees include math/tree.h.
 *
 * How a fit goes: ch_bins_build (tree_bins.c) turns the matrix into bins once; a ch_grower (tree_grow.c) grows any
 * number of trees over them, collecting histograms (tree_hist.c) of the rows of each node and searching them for the
 * best split (tree_split.c) in the order Spark does.
 */
#ifndef CHERT_MATH_TREE_GROW_H
#define CHERT_MATH_TREE_GROW_H

#include "math/tree.h"

/* Seed of a worker's row sampling: Spark adds the number of the partition and 1. */
static inline int64_t ch_tree_sampling_seed(int64_t seed, const ch_comm *comm)
{
    return (int64_t)((uint64_t)seed + (comm ? (uint64_t)comm->rank : 0) + 1);
}

/* Spark compares impurities with 2^-52 (Utils.EPSILON). */
#define CH_TREE_EPSILON 0x1p-52

enum {
    CH_TREE_CHUNK = 65536,   /* rows that are summed in row order; larger nodes add up such chunks */
    CH_TREE_MAX_DEPTH = 30,  /* Spark's bound */
    CH_TREE_ROW_BITS = 28,   /* a sample entry is row | copies << 28 */
    CH_TREE_MAX_COPIES = 15, /* a row drawn more often takes several entries */
};

/* ---- binned features (tree_bins.c) ---- */

typedef enum ch_bin_kind {
    CH_BIN_CONTINUOUS, /* bin b: thresholds[b - 1] < value <= thresholds[b] */
    CH_BIN_ORDERED,    /* category = bin; splits are prefixes of the categories ordered by centroid */
    CH_BIN_UNORDERED,  /* category = bin; splits are subsets of the categories */
    CH_BIN_SINGLE      /* one category: never split */
} ch_bin_kind;

typedef struct ch_bin_feature {
    ch_bin_kind kind;
    int32_t bins;       /* histogram bins */
    int32_t splits;     /* candidate splits; 0 = the feature is skipped */
    int32_t spark_bins; /* metadata.numBins, which Spark's memory estimate counts */
    double *thresholds; /* (splits) ascending, of continuous features; owned */
} ch_bin_feature;

typedef struct ch_bins {
    size_t rows;
    int32_t features;
    bool wide;           /* uint16_t bins, else uint8_t */
    size_t stride;       /* bytes from one row's bins to the next */
    unsigned char *data; /* (rows, features) row-major: a node's rows lie scattered, their features should not */
    ch_bin_feature *feature;
    double weight_sum; /* of all rows of all workers */
} ch_bins;

/* The feature's bin in row 0; further rows follow at multiples of stride. */
static inline const unsigned char *ch_bins_column(const ch_bins *bins, int32_t feature)
{
    return bins->data + (size_t)feature * (bins->wide ? 2 : 1);
}

static inline uint32_t ch_bin_read(const unsigned char *at, bool wide)
{
    if (!wide) return *at;
    uint16_t bin;
    __builtin_memcpy(&bin, at, sizeof bin);
    return bin;
}

/* Finds the split candidates of m as RandomForest.findSplits does and bins all rows. classes 0 = regression. */
int ch_bins_build(const ch_matrix *m, const int32_t *arity, int32_t classes, const ch_tree_params *params, ch_bins *out,
                  ch_error *err);
/* Bins other rows with the splits of `model` (validation data); shares model's features, which must outlive it. */
int ch_bins_apply(const ch_bins *model, const ch_matrix *m, ch_task *task, ch_bins *out, ch_error *err);
void ch_bins_reset(ch_bins *bins);         /* of ch_bins_build */
void ch_bins_reset_applied(ch_bins *bins); /* of ch_bins_apply */

/* ---- targets and histograms (tree_hist.c) ---- */

/* What is summed up. Exactly one of the three forms:
 *   counts:   classes > 0, weight NULL: bins hold classes uint32_t counts
 *   weighted: classes > 0, weight given: classes doubles and the raw count as a double
 *   moments:  classes == 0: {sum w, sum wy, sum wyy, raw count} doubles
 * These doubles are Spark's sufficient statistics; ch_hist_stats turns counts into them. */
typedef struct ch_target {
    int32_t classes;
    const uint8_t *label8;   /* (rows) class, when classes <= 256 */
    const uint32_t *label32; /* (rows) class otherwise */
    const double *y;         /* (rows) regression target */
    const double *weight;    /* (rows) or NULL */
    bool copies;             /* sample entries carry copies in their high bits; else they are plain rows */
} ch_target;

/* Doubles of sufficient statistics per bin: raw count last. */
static inline size_t ch_target_stats(const ch_target *target)
{
    return target->classes > 0 ? (size_t)target->classes + 1 : 4;
}

/* Rows of a feature's statistics: one for each bin; for an unordered feature one for each split, of its left side. */
static inline size_t ch_stats_rows(const ch_bin_feature *feature)
{
    return (size_t)(feature->kind == CH_BIN_UNORDERED ? feature->splits : feature->bins);
}

/* Are the left sides of an unordered feature's splits summed row by row, as Spark does? Counts of categories can be put
 * together afterwards; sums of weights would differ in the last bits, and where all of a class goes left, right = all -
 * left would not be exactly 0. */
static inline bool ch_hist_by_split(const ch_target *target, const ch_bin_feature *feature)
{
    return feature->kind == CH_BIN_UNORDERED && target->weight;
}

/* Bins of a feature's histogram. */
static inline size_t ch_hist_bins(const ch_target *target, const ch_bin_feature *feature)
{
    return ch_hist_by_split(target, feature) ? ch_stats_rows(feature) : (size_t)feature->bins;
}

/* Bytes of one histogram bin as ch_hist_add collects it. */
static inline size_t ch_target_bin_bytes(const ch_target *target)
{
    if (target->classes > 0 && !target->weight) return (size_t)target->classes * sizeof(uint32_t);
    return ch_target_stats(target) * sizeof(double);
}

/* Rows of a node: entries[0..n) in row order, or, entries NULL, the plain rows first..first+n. */
typedef struct ch_sample {
    const uint32_t *entries;
    size_t first, n;
} ch_sample;

/* Adds the sample to the histograms of the given features. hist[j] is feature j's histogram (ch_hist_bins x
 * ch_target_bin_bytes), 32-byte aligned. Sums in row order. */
void ch_hist_add(const ch_bins *bins, const ch_target *target, ch_sample sample, const int32_t *features, size_t n,
                 void *const *hist);
/* a += b, or a -= b, over `bytes` of histograms. */
void ch_hist_merge(const ch_target *target, void *a, const void *b, size_t bytes);
void ch_hist_subtract(const ch_target *target, void *a, const void *b, size_t bytes);
/* Sufficient statistics (ch_stats_rows, ch_target_stats) of a feature's histogram. */
void ch_hist_stats(const ch_target *target, const ch_bin_feature *feature, const void *hist, double *stats);
/* Statistics of a whole sample in row order, out (ch_target_stats). */
void ch_target_sum(const ch_target *target, ch_sample sample, double *out);

/* ---- split search (tree_split.c) ---- */

typedef struct ch_split_rules {
    ch_tree_impurity impurity;
    int32_t classes; /* 0 = regression */
    size_t stats;    /* ch_target_stats */
    double min_instances, min_weight, min_info_gain;
} ch_split_rules;

/* The best split of a node found so far. Start with ch_split_init. */
typedef struct ch_split {
    bool valid; /* false: no split seen that obeys the rules */
    double gain;
    int32_t feature;
    int32_t index;        /* continuous: last bin that goes left */
    int32_t ncategories;  /* categorical: how many of them go left ... */
    uint16_t *categories; /* ... and which; room for the largest arity */
    double *left, *right; /* (stats) statistics of the sides */
    double *work, *key;   /* scratch: (stats), and (stats) or (largest arity), whichever is more */
    uint16_t *order, *spare;
} ch_split;

int ch_split_init(ch_split *split, const ch_bins *bins, size_t stats, ch_error *err);
void ch_split_reset(ch_split *split);
/* Forgets what was found, keeps the memory. */
void ch_split_clear(ch_split *split);
/* *a = *b if b is better; both have memory of their own. */
void ch_split_keep_better(ch_split *a, const ch_split *b, size_t stats);

double ch_tree_impurity_of(ch_tree_impurity impurity, int32_t classes, const double *stats);
double ch_tree_weight_of(int32_t classes, const double *stats);  /* ImpurityCalculator.count */
double ch_tree_predict_of(int32_t classes, const double *stats); /* ImpurityCalculator.predict */

/* Improves `best` by the splits of one feature that has some, from its statistics (stats (ch_stats_rows, rules->stats),
 * destroyed). `parent` are the node's statistics: known to all nodes but a root; for a root (*have_parent false) they
 * are set from the first split looked at, as Spark does. `sum` are the node's statistics summed directly; read for
 * unordered features only. Features must come in Spark's order: the first of equals wins. */
void ch_split_search(const ch_split_rules *rules, const ch_bins *bins, int32_t feature, double *stats,
                     const double *sum, double *parent, bool *have_parent, ch_split *best);

/* ---- work on one node (tree_node.c) ---- */

/* Working memory of a thread. */
typedef struct ch_node_worker {
    void *hist, *part;   /* histograms of a block of features; `part` for one chunk of the rows */
    double *stats, *sum; /* the block's statistics; the node's own */
    void **pointer;      /* (features) */
    int32_t *live;       /* (features) features that can be split */
    uint32_t *entries;   /* (entries_cap), at least CH_TREE_CHUNK, for partitioning */
    size_t entries_cap;
    unsigned char *goes_left; /* (largest number of bins) */
    ch_split best;
} ch_node_worker;

typedef struct ch_node_ctx {
    const ch_bins *bins;
    const ch_target *target;
    const ch_split_rules *rules;
    ch_comm *comm;
    size_t bin_bytes, block_bytes; /* of one histogram bin; of a worker's `hist` */
    int threads;
    ch_node_worker *worker; /* (threads) */
} ch_node_ctx;

int ch_node_ctx_init(ch_node_ctx *ctx, const ch_bins *bins, const ch_target *target, const ch_split_rules *rules,
                     ch_comm *comm, ch_error *err);
void ch_node_ctx_reset(ch_node_ctx *ctx);

/* A node to be searched for its best split. */
typedef struct ch_node_job {
    ch_sample sample;
    const int32_t *features; /* (n) in Spark's order */
    int32_t n;
    double *parent; /* see ch_split_search; at the end always set */
    bool have_parent;
    void *hist; /* the node's histograms of all `features` (ch_node_hist_bytes), already made; or NULL */
} ch_node_job;

/* Bytes of the histograms of these features, laid one after the other. */
size_t ch_node_hist_bytes(const ch_node_ctx *ctx, const int32_t *features, int32_t n);
/* Makes them, using all threads. hist is zeroed memory, 32-byte aligned. */
int ch_node_hist(ch_node_ctx *ctx, ch_sample sample, const int32_t *features, int32_t n, void *hist, ch_error *err);

/* Best split of a node into worker->best, by one thread; the second form uses all threads and worker 0. */
int ch_node_search(ch_node_ctx *ctx, ch_node_worker *worker, ch_node_job *job, ch_error *err);
int ch_node_search_wide(ch_node_ctx *ctx, ch_node_job *job, ch_error *err);

/* A split as rows are sent by it: by bin, or by category. */
typedef struct ch_route {
    int32_t feature, index;     /* continuous: bins <= index go left */
    const uint16_t *categories; /* or these bins, when ncategories > 0 */
    int32_t ncategories;
} ch_route;

/* Orders the sample's entries so that the rows that go left come first, both sides in row order; returns how many go
 * left, SIZE_MAX when there is no memory. When the sample has no entries (all rows), they are written to `entries`. */
size_t ch_node_partition(ch_node_ctx *ctx, ch_node_worker *worker, ch_sample sample, uint32_t *entries,
                         const ch_route *route);
/* The same with all threads; scratch has room for the sample. */
size_t ch_node_partition_wide(ch_node_ctx *ctx, ch_sample sample, uint32_t *entries, const ch_route *route,
                              uint32_t *scratch);
/* margin[row] += left or right, by side. */
void ch_node_add_sides(ch_node_ctx *ctx, ch_node_worker *worker, ch_sample sample, const ch_route *route, double left,
                       double right, double *margin);

/* ---- the grower (tree_grow.c) ---- */

/* The rows a tree learns from. */
typedef struct ch_tree_rows {
    uint32_t *entries; /* (n) ascending rows; permuted by growing; owned by the caller */
    size_t n;
    bool all; /* every row once: entries need not be filled */
} ch_tree_rows;

/* Grows `trees` trees together, as RandomForest.runBagged. */
typedef struct ch_grow_job {
    const ch_bins *bins;
    const ch_target *target;
    const ch_tree_params *params;
    int32_t subset; /* features per node; == features: no subsets */
    int64_t seed;   /* of the feature subsets */
    int32_t trees;
    ch_tree_rows *rows; /* (trees) */
    bool progress;      /* report progress to params->task */
    /* When given (one tree, moments, no copies): margin[row] += rate * prediction for every row of the sample, whose
     * leaf is known anyway. */
    double *margin;
    double rate;
} ch_grow_job;

/* out (trees), each to be released by ch_tree_reset; none is on failure. */
int ch_trees_grow(const ch_grow_job *job, ch_tree *out, ch_error *err);
void ch_tree_reset(ch_tree *tree);

/* Checks what no data can excuse (Spark's `require`s). */
int ch_tree_params_check(const ch_tree_params *params, ch_error *err);
/* Checks labels and weights as Spark's DatasetUtils does; classes 0 = regression. */
int ch_tree_labels_check(const ch_matrix *m, int32_t classes, ch_error *err);

/* margin[row] += rate * prediction of `tree` for all rows of bins. */
int ch_tree_add_binned(const ch_tree *tree, const ch_bins *bins, double rate, double *margin, ch_error *err);

/* ---- models (tree_model.c, tree_score.c) ---- */

/* A forest around trees already made: takes them over (the array too). */
int ch_forest_wrap(ch_tree_impurity impurity, int32_t features, int32_t classes, int32_t trees, ch_tree *tree,
                   ch_forest **out, ch_error *err);
int ch_tree_scorer_new(const ch_forest *forest, struct ch_tree_scorer **out, ch_error *err);
void ch_tree_scorer_free(struct ch_tree_scorer *scorer);
size_t ch_tree_scorer_bytes(const struct ch_tree_scorer *scorer);

#endif
