/* gbt.c: gradient-boosted regression trees as GradientBoostedTrees.boost of Spark: the first tree is fitted to the
 * labels themselves, every further one to the negative gradient of the loss, with the plain means of its leaves; all
 * trees use one binning.
 */
#include "base/random.h"
#include "base/thread.h"
#include "math/java_exp.h"
#include "math/tree_grow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ch_gbt_params ch_gbt_defaults(void)
{
    return (ch_gbt_params){.tree = {.impurity = CH_TREE_VARIANCE,
                                    .max_depth = 5,
                                    .max_bins = 32,
                                    .min_instances_per_node = 1,
                                    .max_memory_mb = 256,
                                    .feature_subset = "all",
                                    .subsampling_rate = 1},
                           .loss = CH_GBT_LOGISTIC,
                           .max_iter = 20,
                           .step_size = 0.1,
                           .validation_tol = 0.01};
}

double ch_gbt_probability(double margin)
{
    double e = -2.0 * margin;
    ch_java_exp(&e, &e, 1);
    return 1.0 / (1.0 + e);
}

/* ---- losses (mllib.tree.loss) ---- */

/* What the trees see as label: -1 and 1 for the logistic loss. */
static inline double remap(ch_gbt_loss loss, double label)
{
    return loss == CH_GBT_LOGISTIC ? label * 2 - 1 : label;
}

static inline double loss_of(ch_gbt_loss loss, double margin, double y)
{
    const double error = y - margin;
    switch (loss) {
    case CH_GBT_LOGISTIC: {
        /* 2 log(1 + exp(-2yF)), in the form that does not overflow */
        double x = -(2.0 * y * margin);
        return 2.0 * (x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)));
    }
    case CH_GBT_SQUARED: return error * error;
    case CH_GBT_ABSOLUTE: break;
    }
    return fabs(error);
}

/* ---- boosting ---- */

typedef struct booster {
    const ch_gbt_params *params;
    ch_bins bins;
    const ch_matrix *m;
    double *y;      /* (rows) remapped labels, then the targets of the round */
    double *margin; /* (rows) */
    uint32_t *entries;
    int32_t subset;
    ch_tree *tree; /* (max_iter) */
    int rounds;    /* trees grown */

    const ch_matrix *validation; /* or NULL */
    ch_bins validation_bins;
    double *validation_margin;
    double best_error;
    int best_rounds;
} booster;

/* Negative gradients of the rows first..first+n, into y. */
static void negative_gradients(ch_gbt_loss loss, const double *margin, const double *label, double *y, size_t n)
{
    double e[CH_BLOCK_ROWS];
    switch (loss) {
    case CH_GBT_LOGISTIC:
        for (size_t i = 0; i < n; i++) e[i] = 2.0 * remap(loss, label[i]) * margin[i];
        ch_java_exp(e, e, n);
        for (size_t i = 0; i < n; i++) y[i] = 4.0 * remap(loss, label[i]) / (1.0 + e[i]);
        break;
    case CH_GBT_SQUARED:
        for (size_t i = 0; i < n; i++) y[i] = 2.0 * (label[i] - margin[i]);
        break;
    case CH_GBT_ABSOLUTE:
        for (size_t i = 0; i < n; i++) y[i] = label[i] - margin[i] < 0 ? -1.0 : 1.0;
        break;
    }
}

/* The round's targets, from labels and margins. */
static void update_targets(booster *b)
{
    const size_t rows = b->m->rows;
#pragma omp parallel for schedule(static) num_threads(ch_threads()) if (rows > 4 * CH_BLOCK_ROWS)
    for (size_t block = 0; block < ch_matrix_blocks(b->m); block++) {
        size_t first = block * CH_BLOCK_ROWS, n = rows - first < CH_BLOCK_ROWS ? rows - first : CH_BLOCK_ROWS;
        negative_gradients(b->params->loss, b->margin + first, b->m->label + first, b->y + first, n);
    }
}

/* Rows of a round's sample, kept with probability subsampling_rate (BaggedPoint without replacement). */
static ch_tree_rows draw_rows(booster *b, int64_t seed)
{
    ch_tree_rows rows = {b->entries, b->m->rows, b->params->tree.subsampling_rate == 1};
    if (rows.all) return rows;
    ch_random random = ch_xorshift_random(ch_tree_sampling_seed(seed, b->params->tree.comm));
    rows.n = 0;
    for (size_t i = 0; i < b->m->rows; i++)
        if (ch_random_double(&random) < b->params->tree.subsampling_rate) rows.entries[rows.n++] = (uint32_t)i;
    return rows;
}

/* Grows the next tree on b->y and adds it to the margins. */
static int grow_round(booster *b, ch_error *err)
{
    const int64_t seed = (int64_t)((uint64_t)b->params->tree.seed + (uint64_t)b->rounds);
    const double rate = b->rounds == 0 ? 1.0 : b->params->step_size;
    ch_target target = {.y = b->y, .weight = b->m->weight};
    ch_tree_rows rows = draw_rows(b, seed);
    ch_grow_job job = {.bins = &b->bins,
                       .target = &target,
                       .params = &b->params->tree,
                       .subset = b->subset,
                       .seed = seed,
                       .trees = 1,
                       .rows = &rows,
                       .margin = rows.all ? b->margin : NULL,
                       .rate = rate};
    ch_tree *tree = &b->tree[b->rounds];
    CH_TRY(ch_trees_grow(&job, tree, err));
    b->rounds++;
    if (!rows.all) CH_TRY(ch_tree_add_binned(tree, &b->bins, rate, b->margin, err));
    if (b->validation) CH_TRY(ch_tree_add_binned(tree, &b->validation_bins, rate, b->validation_margin, err));
    ch_task_progress(b->params->tree.task, "boosting rounds", b->rounds, b->params->max_iter);
    return 0;
}

/* Mean weighted loss on the validation rows. */
static int validation_error(const booster *b, double *out, ch_error *err)
{
    const ch_matrix *v = b->validation;
    double sums[2] = {0, 0}; /* of losses and weights */
    for (size_t i = 0; i < v->rows; i++) {
        double w = ch_matrix_weight(v, i);
        sums[0] += loss_of(b->params->loss, b->validation_margin[i], remap(b->params->loss, v->label[i])) * w;
        sums[1] += w;
    }
    CH_TRY(ch_comm_sum(b->params->tree.comm, sums, 2, err));
    *out = sums[0] / sums[1];
    return 0;
}

/* Keeps account of the best number of rounds; *stop tells when it is time to. */
static int stop_early(booster *b, bool *stop, ch_error *err)
{
    double error;
    CH_TRY(validation_error(b, &error, err));
    *stop = b->best_error - error < b->params->validation_tol * fmax(error, 0.01);
    if (!*stop && error < b->best_error) {
        b->best_error = error;
        b->best_rounds = b->rounds;
    }
    return 0;
}

static int boost(booster *b, ch_error *err)
{
    const ch_gbt_params *p = b->params;
    for (size_t i = 0; i < b->m->rows; i++) b->y[i] = remap(p->loss, b->m->label[i]);
    CH_TRY(grow_round(b, err));
    b->best_rounds = 1;
    if (b->validation) CH_TRY(validation_error(b, &b->best_error, err));
    bool stop = false;
    while (b->rounds < p->max_iter && !stop) {
        CH_TRY(ch_task_check(p->tree.task, err));
        update_targets(b);
        CH_TRY(grow_round(b, err));
        if (b->validation) CH_TRY(stop_early(b, &stop, err));
    }
    return 0;
}

static int booster_init(booster *b, const int32_t *arity, ch_error *err)
{
    const ch_tree_params *tree = &b->params->tree;
    CH_TRY(ch_bins_build(b->m, arity, 0, tree, &b->bins, err));
    CH_TRY(ch_tree_subset_size(tree->feature_subset, false, 1, b->bins.features, &b->subset, err));
    b->y = malloc(b->m->rows * sizeof *b->y);
    b->margin = calloc(b->m->rows, sizeof *b->margin);
    b->entries = malloc(b->m->rows * sizeof *b->entries);
    b->tree = calloc((size_t)b->params->max_iter, sizeof *b->tree);
    if (!b->y || !b->margin || !b->entries || !b->tree) return ch_no_memory(err);
    if (!b->validation) return 0;
    b->validation_margin = calloc(b->validation->rows, sizeof *b->validation_margin);
    if (!b->validation_margin) return ch_no_memory(err);
    return ch_bins_apply(&b->bins, b->validation, tree->task, &b->validation_bins, err);
}

static void booster_reset(booster *b)
{
    ch_bins_reset_applied(&b->validation_bins);
    ch_bins_reset(&b->bins);
    free(b->y);
    free(b->margin);
    free(b->entries);
    free(b->validation_margin);
    for (int t = 0; b->tree && t < b->rounds; t++) ch_tree_reset(&b->tree[t]);
    free(b->tree);
}

/* The trees that are kept as a forest, with their weights. */
static int make_model(booster *b, ch_forest **out, ch_error *err)
{
    const int keep = b->validation ? b->best_rounds : b->rounds;
    for (int t = keep; t < b->rounds; t++) ch_tree_reset(&b->tree[t]);
    b->rounds = keep;
    CH_TRY(ch_forest_wrap(CH_TREE_VARIANCE, b->bins.features, 0, keep, b->tree, out, err));
    b->tree = NULL;
    for (int t = 1; t < keep; t++) (*out)->weight[t] = b->params->step_size;
    return 0;
}

static int check_gbt_params(const ch_gbt_params *p, ch_error *err)
{
    CH_TRY(ch_tree_params_check(&p->tree, err));
    if (p->max_iter >= 1 && p->step_size > 0 && p->step_size <= 1 && p->tree.impurity == CH_TREE_VARIANCE) return 0;
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: boosting parameters out of range");
}

int ch_gbt_fit(const ch_matrix *m, const ch_matrix *validation, const int32_t *arity, const ch_gbt_params *params,
               ch_forest **out, ch_error *err)
{
    const int32_t classes = params->loss == CH_GBT_LOGISTIC ? 2 : 0;
    CH_TRY(check_gbt_params(params, err));
    CH_TRY(ch_tree_labels_check(m, classes, err));
    if (validation) CH_TRY(ch_tree_labels_check(validation, classes, err));
    booster b = {.params = params, .m = m, .validation = validation};
    int status = booster_init(&b, arity, err);
    if (!status) status = boost(&b, err);
    if (!status) status = make_model(&b, out, err);
    booster_reset(&b);
    return status;
}

/* ---- evaluateEachIteration ---- */

int ch_gbt_losses(const ch_forest *forest, ch_gbt_loss loss, const ch_matrix *m, double *out, ch_error *err)
{
    CH_TRY(ch_tree_labels_check(m, loss == CH_GBT_LOGISTIC ? 2 : 0, err));
    double *margin = calloc(m->rows + 1, sizeof *margin), *step = malloc((m->rows + 1) * sizeof *step);
    int status = margin && step ? 0 : ch_no_memory(err);
    for (int32_t t = 0; t < forest->trees && !status; t++) {
        ch_forest *tree = NULL;
        status = ch_forest_tree(forest, t, &tree, err);
        if (!status) status = ch_forest_predict(tree, CH_FOREST_MEAN, m, step, err);
        ch_forest_free(tree);
        if (status) break;
        double sum = 0, weights = 0;
        for (size_t i = 0; i < m->rows; i++) {
            double w = ch_matrix_weight(m, i);
            margin[i] += step[i] * forest->weight[t];
            sum += loss_of(loss, margin[i], remap(loss, m->label[i])) * w;
            weights += w;
        }
        out[t] = sum / weights;
    }
    free(margin);
    free(step);
    return status;
}
