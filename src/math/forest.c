/* forest.c: random forests and single decision trees: targets, bootstrap samples, and the growing of all trees over one
 * binning. Follows RandomForest.run and BaggedPoint of Spark on one partition.
 */
#include "base/random.h"
#include "base/thread.h"
#include "math/tree_grow.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ch_forest_params ch_forest_defaults(void)
{
    return (ch_forest_params){.tree = {.impurity = CH_TREE_GINI,
                                       .max_depth = 5,
                                       .max_bins = 32,
                                       .min_instances_per_node = 1,
                                       .max_memory_mb = 256,
                                       .feature_subset = "auto",
                                       .subsampling_rate = 1},
                              .classes = 2,
                              .trees = 20,
                              .bootstrap = true};
}

/* ---- feature subsets ---- */

/* A Java-like integer or number that takes all of the text. */
static bool read_integer(const char *text, long *out)
{
    char *end;
    *out = strtol(text, &end, 10);
    return end != text && *end == '\0' && *out > 0 && *out <= INT32_MAX;
}

static bool read_fraction(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out > 0 && *out <= 1;
}

int ch_tree_subset_size(const char *strategy, bool classification, int trees, int32_t features, int32_t *out,
                        ch_error *err)
{
    const char *s = strategy ? strategy : "all";
    const double d = features;
    long count;
    double fraction;
    if (strcmp(s, "auto") == 0) s = trees == 1 ? "all" : classification ? "sqrt" : "onethird";
    if (strcmp(s, "all") == 0)
        *out = features;
    else if (strcmp(s, "sqrt") == 0)
        *out = (int32_t)ceil(sqrt(d));
    else if (strcmp(s, "log2") == 0)
        *out = (int32_t)fmax(1, ceil(log(d) / log(2)));
    else if (strcmp(s, "onethird") == 0)
        *out = (int32_t)ceil(d / 3.0);
    else if (read_integer(s, &count))
        *out = count < features ? (int32_t)count : features;
    else if (read_fraction(s, &fraction))
        *out = (int32_t)ceil(fraction * d);
    else
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "Supported values: auto, all, onethird, sqrt, log2, (0.0-1.0], [1-n].");
    return 0;
}

/* ---- targets ---- */

static int check_weights(const ch_matrix *m, ch_error *err)
{
    if (!m->weight) return 0;
    for (size_t i = 0; i < m->rows; i++) {
        char number[32];
        if (m->weight[i] >= 0 && m->weight[i] < INFINITY) continue;
        if (isnan(m->weight[i]))
            return ch_raise(err, "USER_RAISED_EXCEPTION", "errorMessage", "Weights MUST NOT be Null or NaN",
                            (char *)NULL);
        char message[96] = "Weights MUST NOT be Negative or Infinity, but got ";
        ch_java_double(m->weight[i], number);
        strcat(message, number);
        return ch_raise(err, "USER_RAISED_EXCEPTION", "errorMessage", message, (char *)NULL);
    }
    return 0;
}

/* DatasetUtils.checkClassificationLabels and checkRegressionLabels. */
static int check_label(double y, int32_t classes, ch_error *err)
{
    char message[96], number[32];
    ch_java_double(y, number);
    if (isnan(y))
        snprintf(message, sizeof message, "Labels MUST NOT be Null or NaN");
    else if (classes == 0 && !isfinite(y))
        snprintf(message, sizeof message, "Labels MUST NOT be Infinity, but got %s", number);
    else if (classes == 2 && y != 0 && y != 1)
        snprintf(message, sizeof message, "Labels MUST be in {0, 1}, but got %s", number);
    else if (classes > 0 && !(y >= 0 && y < classes))
        snprintf(message, sizeof message, "Labels MUST be in [0, %d), but got %s", classes, number);
    else if (classes > 0 && y != floor(y))
        snprintf(message, sizeof message, "Labels MUST be Integers, but got %s", number);
    else
        return 0;
    return ch_raise(err, "USER_RAISED_EXCEPTION", "errorMessage", message, (char *)NULL);
}

int ch_tree_labels_check(const ch_matrix *m, int32_t classes, ch_error *err)
{
    if (!m->label) return ch_bug(err, "trees were given no labels");
    for (size_t i = 0; i < m->rows; i++) {
        double y = m->label[i];
        if (classes > 0 ? y >= 0 && y < classes && y == floor(y) : isfinite(y)) continue;
        return check_label(y, classes, err);
    }
    return check_weights(m, err);
}

/* The labels of m as a target; *memory is what the caller frees. */
static int make_target(const ch_matrix *m, int32_t classes, ch_target *out, void **memory, ch_error *err)
{
    *out = (ch_target){.classes = classes, .weight = m->weight};
    if (classes == 0) {
        out->y = m->label;
        return 0;
    }
    const bool narrow = classes <= 256;
    *memory = malloc(m->rows * (narrow ? sizeof(uint8_t) : sizeof(uint32_t)));
    if (!*memory) return ch_no_memory(err);
    uint8_t *label8 = *memory;
    uint32_t *label32 = *memory;
    for (size_t i = 0; i < m->rows; i++) {
        if (narrow)
            label8[i] = (uint8_t)m->label[i];
        else
            label32[i] = (uint32_t)m->label[i];
    }
    out->label8 = narrow ? label8 : NULL;
    out->label32 = narrow ? NULL : label32;
    return 0;
}

/* ---- samples ---- */

/* One tree's sample while it is drawn. */
typedef struct growing_rows {
    uint32_t *entries;
    size_t n, cap;
} growing_rows;

static bool make_room(growing_rows *rows, size_t more)
{
    if (rows->n + more <= rows->cap) return true;
    size_t cap = rows->cap + rows->cap / 4 + more;
    uint32_t *grown = realloc(rows->entries, cap * sizeof *grown);
    if (!grown) return false;
    rows->entries = grown;
    rows->cap = cap;
    return true;
}

/* Appends the rows first..first+n of one tree; copies has one number a row, `step` apart. */
static bool add_copies(growing_rows *rows, size_t first, size_t n, const int32_t *copies, size_t step)
{
    if (!make_room(rows, n)) return false;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = (uint32_t)(first + i), left = (uint32_t)copies[i * step];
        while (left > CH_TREE_MAX_COPIES) { /* next to never: takes several entries */
            rows->entries[rows->n++] = row | (uint32_t)CH_TREE_MAX_COPIES << CH_TREE_ROW_BITS;
            left -= CH_TREE_MAX_COPIES;
            if (!make_room(rows, n - i)) return false;
        }
        rows->entries[rows->n] = row | left << CH_TREE_ROW_BITS;
        rows->n += left > 0;
    }
    return true;
}

/* Draws, row after row and in each row tree after tree, as BaggedPoint does: Poisson counts with `bootstrap`, else kept
 * or not. */
static int draw_samples(size_t rows, const ch_forest_params *p, growing_rows *out, ch_error *err)
{
    const double rate = p->tree.subsampling_rate;
    const int64_t seed = ch_tree_sampling_seed(p->tree.seed, p->tree.comm);
    const size_t trees = (size_t)p->trees, block = trees < 16384 ? 16384 / trees : 1;
    int32_t *copies = malloc(block * trees * sizeof *copies);
    ch_poisson *poisson = p->bootstrap ? ch_poisson_new(rate, seed) : NULL;
    int status = copies && (poisson || !p->bootstrap) ? 0 : ch_no_memory(err);
    ch_random random = ch_xorshift_random(seed);
    for (size_t first = 0; first < rows && !status; first += block) {
        const size_t n = rows - first < block ? rows - first : block;
        if (poisson)
            ch_poisson_fill(poisson, copies, n * trees);
        else
            for (size_t i = 0; i < n * trees; i++) copies[i] = ch_random_double(&random) < rate;
        for (size_t t = 0; t < trees && !status; t++)
            if (!add_copies(&out[t], first, n, copies + t, trees)) status = ch_no_memory(err);
        if (!status) status = ch_task_check(p->tree.task, err);
    }
    ch_poisson_free(poisson);
    free(copies);
    return status;
}

/* Spark draws the samples of a partition from one stream, each number of which hangs on all before it. Data of this
 * many rows would be in several partitions, with samples that hang on where they were cut, so there is nothing to
 * reproduce: such samples come from a stream for each tree that can be entered anywhere, trees side by side. */
enum { OWN_STREAMS_FROM = 1 << 18, DRAWS = 1024, CUTS_MAX = 24 };

/* How many copies of a row a uniform 32-bit number means: as many as there are cuts not above it. */
typedef struct copy_cuts {
    size_t n;
    uint32_t cut[CUTS_MAX];
    bool kept; /* not copies, but whether the row is kept: it is below the only cut */
} copy_cuts;

/* By inversion of the distribution function of a Poisson distribution with a mean of at most 1. */
static copy_cuts poisson_cuts(double mean)
{
    copy_cuts cuts = {0};
    double probability = exp(-mean), below = probability;
    while (cuts.n < CUTS_MAX && below * 0x1p32 < UINT32_MAX) {
        cuts.cut[cuts.n++] = (uint32_t)(below * 0x1p32);
        probability *= mean / (double)cuts.n;
        below += probability;
    }
    return cuts;
}

/* SplitMix64 (Steele, Lea and Flood 2014): number `at` of the stream of `seed`. */
static inline uint64_t split_mix(uint64_t seed, uint64_t at)
{
    uint64_t z = seed + (at + 1) * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static void draw_copies(uint64_t seed, size_t first, size_t n, const copy_cuts *cuts, int32_t *copies)
{
    uint32_t u[DRAWS];
    for (size_t i = 0; i < n; i++) u[i] = (uint32_t)(split_mix(seed, first + i) >> 32);
    for (size_t i = 0; i < n; i++) copies[i] = 0;
    for (size_t c = 0; c < cuts->n; c++)
        for (size_t i = 0; i < n; i++) copies[i] += u[i] >= cuts->cut[c];
    for (size_t i = 0; cuts->kept && i < n; i++) copies[i] = 1 - copies[i];
}

static int draw_tree(size_t rows, uint64_t seed, const copy_cuts *cuts, ch_task *task, growing_rows *out, ch_error *err)
{
    int32_t copies[DRAWS];
    CH_TRY(ch_task_check(task, err));
    for (size_t first = 0; first < rows; first += DRAWS) {
        const size_t n = rows - first < DRAWS ? rows - first : DRAWS;
        draw_copies(seed, first, n, cuts, copies);
        if (!add_copies(out, first, n, copies, 1)) return ch_no_memory(err);
    }
    return 0;
}

static int draw_own_streams(size_t rows, const ch_forest_params *p, growing_rows *out, ch_error *err)
{
    const double rate = p->tree.subsampling_rate;
    const uint64_t seed = (uint64_t)ch_tree_sampling_seed(p->tree.seed, p->tree.comm);
    const copy_cuts cuts =
        p->bootstrap ? poisson_cuts(rate) : (copy_cuts){.n = 1, .cut = {(uint32_t)(rate * 0x1p32)}, .kept = true};
    int status = 0;
#pragma omp parallel for schedule(dynamic) num_threads(ch_threads())
    for (int t = 0; t < p->trees; t++) {
        ch_error own;
        if (!draw_tree(rows, split_mix(seed, (uint64_t)t), &cuts, p->tree.task, &out[t], &own)) continue;
#pragma omp critical
        {
            status = (int)own.kind;
            *err = own;
        }
    }
    return status;
}

/* Each tree's rows; released by free_samples whether it fails or not. */
static int make_samples(size_t rows, const ch_forest_params *p, ch_target *target, ch_tree_rows *out, ch_error *err)
{
    const bool all = !p->bootstrap && p->tree.subsampling_rate == 1;
    if (!all && rows >= (size_t)1 << CH_TREE_ROW_BITS)
        return ch_failf(err, CH_E_UNSUPPORTED, "Forests cannot be bagged from more than %u rows, but there are %zu",
                        1u << CH_TREE_ROW_BITS, rows);
    growing_rows *drawn = calloc((size_t)p->trees, sizeof *drawn);
    if (!drawn) return ch_no_memory(err);
    double expected = all ? 1 : p->bootstrap ? 1 - exp(-p->tree.subsampling_rate) : p->tree.subsampling_rate;
    int status = 0;
    for (int t = 0; t < p->trees && !status; t++) {
        drawn[t].cap = all ? rows : (size_t)((double)rows * expected * 1.01) + 64;
        drawn[t].entries = malloc(drawn[t].cap * sizeof *drawn[t].entries);
        if (!drawn[t].entries) status = ch_no_memory(err);
    }
    if (!status && !all) status = (rows < OWN_STREAMS_FROM ? draw_samples : draw_own_streams)(rows, p, drawn, err);
    for (int t = 0; t < p->trees; t++) out[t] = (ch_tree_rows){drawn[t].entries, all ? rows : drawn[t].n, all};
    target->copies = !all;
    free(drawn);
    return status;
}

static void free_samples(ch_tree_rows *rows, int trees)
{
    for (int t = 0; rows && t < trees; t++) free(rows[t].entries);
    free(rows);
}

/* ---- the fit ---- */

static int check_forest_params(const ch_forest_params *p, ch_error *err)
{
    CH_TRY(ch_tree_params_check(&p->tree, err));
    if (p->trees >= 1 && p->classes >= 0 && (p->classes > 0) == (p->tree.impurity != CH_TREE_VARIANCE)) return 0;
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: forest parameters out of range");
}

static int grow_forest(const ch_bins *bins, const ch_matrix *m, const ch_forest_params *p, ch_tree *tree, ch_error *err)
{
    void *labels = NULL;
    ch_target target;
    ch_tree_rows *rows = calloc((size_t)p->trees, sizeof *rows);
    ch_grow_job job = {.bins = bins,
                       .target = &target,
                       .params = &p->tree,
                       .seed = p->tree.seed,
                       .trees = p->trees,
                       .rows = rows,
                       .progress = true};
    int status = rows ? make_target(m, p->classes, &target, &labels, err) : ch_no_memory(err);
    if (!status)
        status =
            ch_tree_subset_size(p->tree.feature_subset, p->classes > 0, p->trees, bins->features, &job.subset, err);
    if (!status) status = make_samples(m->rows, p, &target, rows, err);
    if (!status) status = ch_trees_grow(&job, tree, err);
    free_samples(rows, p->trees);
    free(labels);
    return status;
}

int ch_forest_fit(const ch_matrix *m, const int32_t *arity, const ch_forest_params *p, ch_forest **out, ch_error *err)
{
    ch_bins bins;
    CH_TRY(check_forest_params(p, err));
    CH_TRY(ch_tree_labels_check(m, p->classes, err));
    CH_TRY(ch_bins_build(m, arity, p->classes, &p->tree, &bins, err));
    ch_tree *tree = calloc((size_t)p->trees, sizeof *tree);
    int status = tree ? grow_forest(&bins, m, p, tree, err) : ch_no_memory(err);
    if (!status) status = ch_forest_wrap(p->tree.impurity, bins.features, p->classes, p->trees, tree, out, err);
    if (status) {
        for (int t = 0; tree && t < p->trees; t++) ch_tree_reset(&tree[t]);
        free(tree);
    }
    ch_bins_reset(&bins);
    return status;
}
