/* test_tree.c: trees beyond what test_tree_spark.c compares: golden models of a real Spark, hand-worked trees, sparse
 * input, large data against a slow reference, threads, persistence and hostile rows, scoring, errors, cancelling.
 */
#include "testing.h"

#include "base/error.h"
#include "base/thread.h"
#include "math/tree.h"
#include "math/tree_order.h"

#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- data ---- */

/* Eight rows that a real Spark 4.0.1 was trained on. */
static const double golden_x[] = {1, 10, 2, 20, 3, 15, 4, 40, 5, 5, 6, 60, 7, 6, 8, 80};
static const double golden_y[] = {0, 1, 0, 1, 0, 1, 0, 1};

/* The labels above follow the rows' order 0, 1, 0, 1: x2 is 10, 20, 15, 40, 5, 60, 6, 80. */
static ch_matrix golden(void)
{
    return (ch_matrix){.rows = 8, .cols = 2, .dense = golden_x, .label = golden_y};
}

static double uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (double)(*state >> 11) * 0x1p-53;
}

typedef struct table {
    double *x, *y, *w;
    size_t rows, cols;
} table;

/* Mixed columns: continuous, mostly zero, small integers (categories 0..4 in the last). */
static table make_table(size_t rows, size_t cols, int classes)
{
    table t = {malloc(rows * cols * sizeof(double)), malloc(rows * sizeof(double)), malloc(rows * sizeof(double)), rows,
               cols};
    assert_true(t.x && t.y && t.w);
    uint64_t state = 7;
    for (size_t i = 0; i < rows; i++) {
        double *x = t.x + i * cols, sum = 0;
        for (size_t j = 0; j < cols; j++) {
            double u = uniform(&state);
            x[j] = j + 1 == cols ? floor(u * 5) : j % 3 == 1 ? (u < 0.8 ? 0 : u - 0.9) : u;
            sum += (j % 2 ? -1.0 : 1.5) * x[j];
        }
        sum = fabs(sum) + uniform(&state);
        t.y[i] = classes ? floor(sum * 1.3 - 3 * floor(sum * 1.3 / 3)) : sum;
        if (classes && t.y[i] >= classes) t.y[i] = 0;
        t.w[i] = 0.5 + uniform(&state);
    }
    return t;
}

static ch_matrix matrix_of(const table *t, bool weighted)
{
    return (ch_matrix){
        .rows = t->rows, .cols = t->cols, .dense = t->x, .label = t->y, .weight = weighted ? t->w : NULL};
}

static void free_table(table *t)
{
    free(t->x);
    free(t->y);
    free(t->w);
}

static ch_forest_params tree_params(int32_t classes)
{
    ch_forest_params p = ch_forest_defaults();
    p.trees = 1;
    p.bootstrap = false;
    p.tree.feature_subset = "all";
    p.classes = classes;
    p.tree.impurity = classes ? CH_TREE_GINI : CH_TREE_VARIANCE;
    return p;
}

static ch_forest *fit(const ch_matrix *m, const int32_t *arity, const ch_forest_params *p)
{
    ch_error err;
    ch_forest *forest = NULL;
    if (ch_forest_fit(m, arity, p, &forest, &err)) fail_msg("%s", err.message);
    return forest;
}

static void assert_debug_string(const ch_forest *forest, bool ensemble, const char *expected)
{
    ch_buf text = {0};
    if (ensemble)
        ch_forest_debug_string(forest, &text);
    else
        ch_tree_debug_string(forest, &text);
    assert_string_equal(ch_buf_text(&text), expected);
    ch_buf_reset(&text);
}

/* Same trees, node by node and bit by bit. */
static void assert_same_forest(const ch_forest *a, const ch_forest *b)
{
    assert_int_equal(a->trees, b->trees);
    assert_int_equal(a->features, b->features);
    assert_int_equal(a->classes, b->classes);
    assert_memory_equal(a->weight, b->weight, (size_t)a->trees * sizeof(double));
    for (int32_t t = 0; t < a->trees; t++) {
        const ch_tree *x = &a->tree[t], *y = &b->tree[t];
        assert_int_equal(x->nodes, y->nodes);
        assert_int_equal(x->leaves, y->leaves);
        assert_int_equal(x->depth, y->depth);
        assert_int_equal(x->categories_len, y->categories_len);
        assert_memory_equal(x->node, y->node, (size_t)x->nodes * sizeof *x->node);
        assert_memory_equal(x->stats, y->stats, (size_t)x->nodes * (size_t)a->stats * sizeof(double));
        assert_memory_equal(x->categories, y->categories, (size_t)x->categories_len * sizeof(double));
    }
}

/* ---- golden models ---- */

/* RandomForestClassifier(numTrees=2, maxDepth=2, seed=1), Spark 4.0.1: toDebugString and the stored nodes. */
static void forest_is_the_golden_one(void **state)
{
    (void)state;
    ch_matrix m = golden();
    ch_forest_params p = ch_forest_defaults();
    p.trees = 2;
    p.tree.max_depth = 2;
    p.tree.seed = 1;
    ch_forest *forest = fit(&m, NULL, &p);
    assert_debug_string(forest, true,
                        "  Tree 0 (weight 1.0):\n"
                        "    If (feature 1 <= 17.5)\n"
                        "     Predict: 0.0\n"
                        "    Else (feature 1 > 17.5)\n"
                        "     Predict: 1.0\n"
                        "  Tree 1 (weight 1.0):\n"
                        "    If (feature 1 <= 17.5)\n"
                        "     Predict: 0.0\n"
                        "    Else (feature 1 > 17.5)\n"
                        "     Predict: 1.0\n");
    ch_tree_row row;
    ch_forest_row(forest, 0, 0, &row);
    assert_true(row.stats[0] == 8 && row.stats[1] == 2 && row.raw_count == 10);
    assert_true(row.impurity == 0.31999999999999984 && row.gain == 0.31999999999999984);
    ch_forest_row(forest, 1, 0, &row);
    assert_true(row.stats[0] == 3 && row.stats[1] == 5 && row.impurity == 0.46875 && row.prediction == 1);
    assert_int_equal(ch_forest_nodes(forest), 6);
    ch_forest_free(forest);
}

/* GBTClassifier(maxIter=3, maxDepth=2, seed=1), Spark 4.0.1. All numbers as stored, to the last bit. */
static void boosted_trees_are_the_golden_ones(void **state)
{
    (void)state;
    ch_matrix m = golden();
    ch_gbt_params p = ch_gbt_defaults();
    p.max_iter = 3;
    p.tree.max_depth = 2;
    p.tree.seed = 1;
    ch_error err;
    ch_forest *forest = NULL;
    assert_int_equal(ch_gbt_fit(&m, NULL, NULL, &p, &forest, &err), 0);
    assert_debug_string(forest, true,
                        "  Tree 0 (weight 1.0):\n"
                        "    If (feature 1 <= 17.5)\n"
                        "     Predict: -1.0\n"
                        "    Else (feature 1 > 17.5)\n"
                        "     Predict: 1.0\n"
                        "  Tree 1 (weight 0.1):\n"
                        "    If (feature 1 <= 17.5)\n"
                        "     Predict: -0.4768116880884702\n"
                        "    Else (feature 1 > 17.5)\n"
                        "     Predict: 0.4768116880884702\n"
                        "  Tree 2 (weight 0.1):\n"
                        "    If (feature 1 <= 17.5)\n"
                        "     Predict: -0.4381935810427206\n"
                        "    Else (feature 1 > 17.5)\n"
                        "     Predict: 0.43819358104272066\n");
    static const double stored[3][3][4] = {
        /* impurity, impurityStats */
        {{1, 8, 0, 8}, {0, 4, -4, 4}, {0, 4, 4, 4}},
        {{0.22734938589777662, 8, 0, 1.818795087182213},
         {0, 4, -1.9072467523538807, 0.9093975435911064},
         {5.551115123125783e-17, 4, 1.9072467523538807, 0.9093975435911066}},
        {{0.19201361446704335, 8, 0, 1.5361089157363468},
         {0, 4, -1.7527743241708824, 0.7680544578681734},
         {-5.551115123125783e-17, 4, 1.7527743241708826, 0.7680544578681734}},
    };
    for (int t = 0; t < 3; t++) {
        for (int i = 0; i < 3; i++) {
            ch_tree_row row;
            ch_forest_row(forest, t, i, &row);
            assert_true(row.impurity == stored[t][i][0]);
            for (int k = 0; k < 3; k++) assert_true(row.stats[k] == stored[t][i][k + 1]);
        }
    }
    double margin[8];
    assert_int_equal(ch_forest_predict(forest, CH_FOREST_MARGIN, &m, margin, &err), 0);
    /* -1 - 0.1 (0.4768... + 0.4381...), and Spark's probability 0.8987 of the first row's class 0 */
    assert_true(fabs(margin[0] + 1.0915005269131192) < 1e-15 && fabs(margin[7] - 1.0915005269131192) < 1e-15);
    assert_true(fabs(1 - ch_gbt_probability(margin[0]) - 0.8987) < 5e-5);
    ch_forest_free(forest);
}

/* ---- by hand ---- */

/* Category 1 has both classes' majority apart: {1} | {0, 2}. Class-1 weights by category: 0, 2, 1; order 0, 2, 1. The
 * splits {0} and {0, 2}: gini before 4/9 + ... worked out below; and a categorical split prints its set. */
static void categories_split_by_class_weight(void **state)
{
    (void)state;
    static const double x[] = {0, 0, 1, 1, 2, 2}, y[] = {0, 0, 1, 1, 0, 1};
    static const int32_t arity[] = {3};
    const ch_matrix m = {.rows = 6, .cols = 1, .dense = x, .label = y};
    ch_forest_params p = tree_params(2);
    p.tree.max_depth = 1;
    ch_forest *tree = fit(&m, arity, &p);
    /* {0} | {1, 2}: 1/2 - 2/3 (1 - 9/16 - 1/16) = 1/4, and so for {0, 2} | {1}: the first wins. */
    assert_debug_string(tree, false,
                        "  If (feature 0 in {0.0})\n"
                        "   Predict: 0.0\n"
                        "  Else (feature 0 not in {0.0})\n"
                        "   Predict: 1.0\n");
    assert_true(fabs(tree->tree[0].node[0].gain - 0.25) < 1e-15);
    double importance;
    ch_forest_importances(tree, true, &importance);
    assert_true(importance == 1);
    ch_forest_free(tree);
}

/* A split that lowers the impurity but predicts the same on both sides is pruned; what is left is one leaf. */
static void equal_siblings_are_merged(void **state)
{
    (void)state;
    static const double x[] = {0, 0, 0, 1, 1, 1}, y[] = {0, 0, 0, 0, 0, 1};
    const ch_matrix m = {.rows = 6, .cols = 1, .dense = x, .label = y};
    ch_forest_params p = tree_params(2);
    ch_forest *tree = fit(&m, NULL, &p);
    assert_debug_string(tree, false, "  Predict: 0.0\n");
    assert_int_equal(tree->tree[0].nodes, 1);
    assert_int_equal(tree->tree[0].depth, 0);
    assert_true(fabs(tree->tree[0].node[0].impurity - 10.0 / 36) < 1e-15);
    double importance = -1;
    ch_forest_importances(tree, true, &importance);
    assert_true(importance == 0);
    ch_forest_free(tree);
}

/* Where no split is allowed Spark stores the impurity -1. */
static void forbidden_splits_leave_a_leaf_without_impurity(void **state)
{
    (void)state;
    ch_matrix m = golden();
    ch_forest_params p = tree_params(2);
    p.tree.min_instances_per_node = 5;
    ch_forest *tree = fit(&m, NULL, &p);
    assert_int_equal(tree->tree[0].nodes, 1);
    assert_true(tree->tree[0].node[0].impurity == -1 && tree->tree[0].node[0].raw_count == 8);
    ch_forest_free(tree);
    p = tree_params(2);
    p.tree.max_depth = 0; /* searched, never split */
    tree = fit(&m, NULL, &p);
    assert_int_equal(tree->tree[0].nodes, 1);
    assert_true(tree->tree[0].node[0].impurity == 0.5);
    ch_forest_free(tree);
}

static void degenerate_data_make_one_leaf(void **state)
{
    (void)state;
    static const double x[] = {3, 3, 3}, y[] = {2.5, -1, 4.5}, zeros[] = {0, 0, 0};
    ch_matrix m = {.rows = 3, .cols = 1, .dense = x, .label = y};
    ch_forest_params p = tree_params(0);
    ch_forest *tree = fit(&m, NULL, &p); /* nothing to split on */
    assert_int_equal(tree->tree[0].nodes, 1);
    assert_true(tree->tree[0].node[0].prediction == 2 && tree->tree[0].node[0].impurity == -1);
    ch_forest_free(tree);
    m.weight = zeros;
    m.dense = y;
    tree = fit(&m, NULL, &p); /* no weight anywhere: Spark's mean is 0 */
    assert_int_equal(tree->tree[0].nodes, 1);
    assert_true(tree->tree[0].node[0].prediction == 0);
    ch_forest_free(tree);
    m = (ch_matrix){.rows = 3, .cols = 1, .dense = y, .label = zeros};
    p = tree_params(1); /* one class */
    tree = fit(&m, NULL, &p);
    assert_int_equal(tree->tree[0].nodes, 1);
    assert_true(tree->tree[0].node[0].prediction == 0 && tree->tree[0].node[0].impurity == 0);
    ch_forest_free(tree);
    m = (ch_matrix){.rows = 1, .cols = 1, .dense = x, .label = y};
    p = tree_params(0);
    tree = fit(&m, NULL, &p);
    assert_true(tree->tree[0].node[0].prediction == 2.5);
    ch_forest_free(tree);
}

static void subset_sizes_are_sparks(void **state)
{
    (void)state;
    static const struct {
        const char *strategy;
        bool classification;
        int trees, features, expected;
    } rows[] = {
        {"auto", true, 1, 10, 10},   {"auto", true, 20, 10, 4}, {"auto", false, 20, 10, 4}, {"all", true, 20, 7, 7},
        {"sqrt", false, 5, 16, 4},   {"sqrt", false, 5, 17, 5}, {"log2", true, 5, 1, 1},    {"log2", true, 5, 9, 4},
        {"onethird", true, 5, 9, 3}, {"3", true, 5, 9, 3},      {"30", true, 5, 9, 9},      {"1", true, 5, 9, 1},
        {"0.5", true, 5, 9, 5},      {"1.0", true, 5, 9, 9},    {NULL, true, 5, 9, 9},      {"0.01", true, 5, 9, 1},
    };
    ch_error err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int32_t n = -1;
        assert_int_equal(
            ch_tree_subset_size(rows[i].strategy, rows[i].classification, rows[i].trees, rows[i].features, &n, &err),
            0);
        assert_int_equal(n, rows[i].expected);
    }
    static const char *const bad[] = {"bogus", "", "0", "-1", "1.5", "0.0", "3x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int32_t n;
        assert_int_equal(ch_tree_subset_size(bad[i], true, 5, 9, &n, &err), CH_E_ILLEGAL_ARGUMENT);
        assert_non_null(strstr(err.message, "Supported values: auto, all, onethird, sqrt, log2, (0.0-1.0], [1-n]."));
    }
}

/* Set(1 to 10) of Scala 2.13 prints HashSet(5, 10, 1, 6, 9, 2, 7, 3, 8, 4); up to four keys keep the order of the
 * mutable map they come from, which is by bucket. */
static void trees_are_walked_in_scalas_order(void **state)
{
    (void)state;
    static const int32_t expected[] = {5, 10, 1, 6, 9, 2, 7, 3, 8, 4};
    ch_tree_order order;
    size_t n;
    assert_true(ch_tree_order_init(&order, 100));
    for (int32_t i = 10; i >= 1; i--) ch_tree_order_add(&order, i);
    ch_tree_order_add(&order, 3);
    const int32_t *trees = ch_tree_order_get(&order, &n);
    assert_int_equal(n, 10);
    assert_memory_equal(trees, expected, sizeof expected);
    ch_tree_order_clear(&order);
    ch_tree_order_add(&order, 33);
    ch_tree_order_add(&order, 5);
    ch_tree_order_add(&order, 17); /* 33 and 17 share bucket 1 of 16, chained by hash */
    trees = ch_tree_order_get(&order, &n);
    assert_int_equal(n, 3);
    assert_true(trees[0] == 17 && trees[1] == 33 && trees[2] == 5);
    ch_tree_order_reset(&order);
}

/* ---- sparse input ---- */

typedef struct sparse {
    size_t *start;
    int32_t *index;
    double *value;
} sparse;

static sparse make_sparse(const table *t)
{
    sparse s = {malloc((t->rows + 1) * sizeof(size_t)), malloc(t->rows * t->cols * sizeof(int32_t)),
                malloc(t->rows * t->cols * sizeof(double))};
    assert_true(s.start && s.index && s.value);
    size_t n = 0;
    for (size_t i = 0; i < t->rows; i++) {
        s.start[i] = n;
        for (size_t j = 0; j < t->cols; j++) {
            if (t->x[i * t->cols + j] == 0 && (i + j) % 7) continue; /* some zeros are stored all the same */
            s.index[n] = (int32_t)j;
            s.value[n++] = t->x[i * t->cols + j];
        }
    }
    s.start[t->rows] = n;
    return s;
}

static void sparse_rows_grow_the_same_trees(void **state)
{
    (void)state;
    static const int32_t arity[] = {0, 0, 0, 0, 0, 5};
    table t = make_table(3000, 6, 3);
    sparse s = make_sparse(&t);
    ch_matrix dense = matrix_of(&t, true), m = dense;
    m.dense = NULL;
    m.row_start = s.start;
    m.index = s.index;
    m.value = s.value;
    ch_forest_params p = tree_params(3);
    p.trees = 4;
    p.bootstrap = true;
    p.tree.feature_subset = "sqrt";
    ch_forest *a = fit(&dense, arity, &p), *b = fit(&m, arity, &p);
    assert_same_forest(a, b);
    double *x = malloc(2 * 3 * t.rows * sizeof *x), *y = x + 3 * t.rows;
    assert_non_null(x);
    ch_error err;
    assert_int_equal(ch_forest_predict(a, CH_FOREST_VOTES, &dense, x, &err), 0);
    assert_int_equal(ch_forest_predict(a, CH_FOREST_VOTES, &m, y, &err), 0);
    assert_memory_equal(x, y, 3 * t.rows * sizeof *x);
    free(x);
    ch_forest_free(a);
    ch_forest_free(b);
    free(s.start);
    free(s.index);
    free(s.value);
    free_table(&t);
}

/* ---- large data: chunks, subtraction, many threads ---- */

static bool goes_left(const ch_tree *tree, const ch_tree_node *node, double x)
{
    if (node->num_categories < 0) return x <= node->threshold;
    for (int32_t i = 0; i < node->category_count; i++)
        if (tree->categories[node->category_start + i] == x) return true;
    return false;
}

/* Statistics of every node by sending every row down the tree, (nodes, stats), and the rows that came by. */
static void count_by_walking(const ch_forest *forest, int32_t t, const ch_matrix *m, double *stats, int64_t *raw)
{
    const ch_tree *tree = &forest->tree[t];
    memset(stats, 0, (size_t)tree->nodes * (size_t)forest->stats * sizeof *stats);
    memset(raw, 0, (size_t)tree->nodes * sizeof *raw);
    for (size_t row = 0; row < m->rows; row++) {
        double w = ch_matrix_weight(m, row), y = m->label[row];
        for (int32_t i = 0; i >= 0;) {
            double *of_node = stats + (size_t)i * (size_t)forest->stats;
            const ch_tree_node *node = &tree->node[i];
            raw[i]++;
            if (forest->classes > 0) {
                of_node[(size_t)y] += w;
            } else {
                of_node[0] += w;
                of_node[1] += w * y;
                of_node[2] += w * y * y;
            }
            if (node->left < 0) break;
            i = goes_left(tree, node, m->dense[row * m->cols + (size_t)node->feature]) ? node->left : node->right;
        }
    }
}

/* 1e-9: sums of 150,000 numbers of about 1, taken in another order. */
static void assert_stats_by_walking(const ch_forest *forest, const ch_matrix *m)
{
    const ch_tree *tree = &forest->tree[0];
    const size_t n = (size_t)tree->nodes * (size_t)forest->stats;
    double *stats = malloc(n * sizeof *stats);
    int64_t *raw = malloc((size_t)tree->nodes * sizeof *raw);
    assert_true(stats && raw);
    count_by_walking(forest, 0, m, stats, raw);
    for (size_t i = 0; i < n; i++) assert_true(fabs(stats[i] - tree->stats[i]) <= 1e-9 * fmax(1, fabs(stats[i])));
    for (int32_t i = 0; i < tree->nodes; i++) assert_int_equal(raw[i], tree->node[i].raw_count);
    free(stats);
    free(raw);
}

static void large_nodes_are_counted_right(void **state)
{
    (void)state;
    static const int32_t arity[] = {0, 0, 0, 5};
    for (int classes = 0; classes <= 3; classes += 3) {
        table t = make_table(150000, 4, classes);
        for (int weighted = 0; weighted < 2; weighted++) {
            ch_matrix m = matrix_of(&t, weighted);
            ch_forest_params p = tree_params(classes);
            p.tree.max_depth = 7;
            ch_threads_set(1);
            ch_forest *one = fit(&m, arity, &p);
            ch_threads_set(3);
            ch_forest *three = fit(&m, arity, &p);
            ch_threads_set(0);
            assert_same_forest(one, three);
            assert_true(one->tree[0].nodes > 60);
            assert_stats_by_walking(one, &m);
            ch_forest_free(one);
            ch_forest_free(three);
        }
        free_table(&t);
    }
}

/* Data too large for one stream of random numbers: each tree draws its own sample, whoever draws it. */
static void large_samples_are_drawn_tree_by_tree(void **state)
{
    (void)state;
    const struct {
        bool bootstrap;
        double rate, variance; /* variance: of the copies of a row */
    } cases[] = {{true, 1, 1}, {true, 0.4, 0.4}, {false, 0.4, 0.4 * 0.6}};
    table t = make_table(300000, 4, 2);
    ch_matrix m = matrix_of(&t, false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_forest_params p = tree_params(2);
        p.trees = 25;
        p.bootstrap = cases[i].bootstrap;
        p.tree.subsampling_rate = cases[i].rate;
        p.tree.max_depth = 3;
        ch_threads_set(1);
        ch_forest *one = fit(&m, NULL, &p);
        ch_threads_set(3);
        ch_forest *three = fit(&m, NULL, &p);
        ch_threads_set(0);
        assert_same_forest(one, three);
        double sum = 0, squares = 0, n = (double)t.rows;
        for (int32_t k = 0; k < p.trees; k++) {
            double copies = one->tree[k].stats[0] + one->tree[k].stats[1];
            double deviation = (copies - n * cases[i].rate) / sqrt(n * cases[i].variance);
            sum += deviation;
            squares += deviation * deviation;
        }
        /* 25 standard normal numbers: their sum is within 5 standard deviations, and the sum of their squares, which is
         * chi-square distributed with 25 degrees of freedom, within the quantiles of 1e-6. */
        assert_true(fabs(sum) < 5 * 5);
        assert_in_range((int)squares, 4, 77);
        ch_forest_free(one);
        ch_forest_free(three);
    }
    free_table(&t);
}

/* Margins kept while growing (no subsample) and margins by scoring must agree: the second tree is fitted to them. */
static void boosting_keeps_its_margins(void **state)
{
    (void)state;
    table t = make_table(90000, 4, 2);
    ch_matrix m = matrix_of(&t, false);
    ch_gbt_params p = ch_gbt_defaults();
    ch_error err;
    p.max_iter = 3;
    p.tree.max_depth = 6;
    ch_forest *forest = NULL;
    ch_threads_set(2);
    assert_int_equal(ch_gbt_fit(&m, NULL, NULL, &p, &forest, &err), 0);
    ch_threads_set(0);
    double *margin = malloc(t.rows * sizeof *margin), sum = 0;
    assert_non_null(margin);
    /* The root of tree 2 has the sum of the targets, which come from the margins after trees 0 and 1. */
    ch_forest first_two = *forest;
    first_two.trees = 2;
    assert_int_equal(ch_forest_predict(&first_two, CH_FOREST_MARGIN, &m, margin, &err), 0);
    for (size_t i = 0; i < t.rows; i++) {
        double y = 2 * t.y[i] - 1;
        sum += 4 * y / (1 + exp(2 * y * margin[i]));
    }
    assert_true(fabs(sum - forest->tree[2].stats[1]) < 1e-6); /* of 90,000 targets of about 1 */
    free(margin);
    ch_forest_free(forest);
    free_table(&t);
}

/* ---- wide bins ---- */

static void more_than_256_bins_work(void **state)
{
    (void)state;
    table t = make_table(4000, 3, 0);
    ch_matrix m = matrix_of(&t, true);
    ch_forest_params p = tree_params(0);
    p.tree.max_bins = 1500;
    p.tree.max_depth = 9;
    ch_forest *tree = fit(&m, NULL, &p);
    assert_stats_by_walking(tree, &m);
    ch_forest_free(tree);
    /* A category beyond 256. */
    for (size_t i = 0; i < t.rows; i++) t.x[i * 3] = (double)(i % 400);
    static const int32_t arity[] = {400, 0, 0};
    tree = fit(&m, arity, &p);
    assert_stats_by_walking(tree, &m);
    ch_forest_free(tree);
    free_table(&t);
}

/* ---- persistence ---- */

static ch_tree_row *rows_of(const ch_forest *forest, size_t *n)
{
    ch_tree_row *rows = malloc((size_t)ch_forest_nodes(forest) * sizeof *rows);
    assert_non_null(rows);
    *n = 0;
    for (int32_t t = forest->trees - 1; t >= 0; t--) /* any order will do */
        for (int32_t i = forest->tree[t].nodes - 1; i >= 0; i--) ch_forest_row(forest, t, i, &rows[(*n)++]);
    return rows;
}

static ch_forest *mixed_forest(void)
{
    static const int32_t arity[] = {0, 0, 0, 5};
    table t = make_table(500, 4, 3);
    ch_matrix m = matrix_of(&t, true);
    ch_forest_params p = ch_forest_defaults();
    p.classes = 3;
    p.trees = 3;
    ch_forest *forest = fit(&m, arity, &p);
    free_table(&t);
    return forest;
}

static void rows_make_the_forest_again(void **state)
{
    (void)state;
    ch_forest *forest = mixed_forest(), *again = NULL, *single = NULL;
    size_t n;
    ch_tree_row *rows = rows_of(forest, &n);
    ch_error err;
    assert_int_equal(ch_forest_build(CH_TREE_GINI, 4, 3, 3, forest->weight, rows, n, &again, &err), 0);
    assert_same_forest(forest, again);
    assert_int_equal(ch_forest_tree(forest, 1, &single, &err), 0);
    assert_int_equal(single->trees, 1);
    assert_memory_equal(single->tree[0].node, forest->tree[1].node,
                        (size_t)single->tree[0].nodes * sizeof(ch_tree_node));
    assert_true(ch_forest_bytes(forest) > ch_forest_bytes(single));
    free(rows);
    ch_forest_free(forest);
    ch_forest_free(again);
    ch_forest_free(single);
}

/* Builds from the rows with one of them changed, and expects a refusal. */
static void assert_refused(const ch_tree_row *rows, size_t n, size_t changed, ch_tree_row row, const char *why)
{
    ch_tree_row *copy = malloc(n * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, rows, n * sizeof *copy);
    copy[changed] = row;
    ch_forest *forest = NULL;
    ch_error err;
    int status = ch_forest_build(CH_TREE_GINI, 4, 3, 3, NULL, copy, n, &forest, &err);
    if (status != CH_E_ILLEGAL_ARGUMENT || !strstr(err.message, why))
        fail_msg("%d: %s, not %s", status, err.message, why);
    free(copy);
}

static void hostile_rows_are_refused(void **state)
{
    (void)state;
    ch_forest *forest = mixed_forest();
    size_t n, inner = SIZE_MAX, categorical = SIZE_MAX, leaf = 0, root = 0;
    ch_tree_row *rows = rows_of(forest, &n);
    for (size_t i = 0; i < n; i++) {
        if (rows[i].id == 0) root = i;
        if (rows[i].left < 0)
            leaf = i;
        else if (rows[i].num_categories > 0 && rows[i].nsplit_values == 2)
            categorical = i;
        else if (rows[i].num_categories < 0 && rows[i].id > 0)
            inner = i;
    }
    assert_true(inner != SIZE_MAX && categorical != SIZE_MAX);
#define REFUSED(which, change, why)                                                                                    \
    do {                                                                                                               \
        ch_tree_row row = rows[which];                                                                                 \
        change;                                                                                                        \
        assert_refused(rows, n, which, row, why);                                                                      \
    } while (0)
    static const double nan_threshold[] = {NAN}, wrong[] = {1, 5}, twice[] = {1, 1}, broken[] = {0.5, 1};
    REFUSED(inner, row.left = row.id, "left child");
    REFUSED(inner, row.left = 0, "left child");
    REFUSED(inner, row.left = INT32_MAX, "left child");
    REFUSED(inner, row.left = -7, "left child");
    REFUSED(inner, row.right = row.left, "right child");
    REFUSED(inner, row.right = row.id, "right child");
    REFUSED(inner, row.right = INT32_MIN, "right child");
    REFUSED(inner, row.right++, "right child");
    REFUSED(inner, row.left = -1, "one child");
    REFUSED(inner, row.left = row.right = -1, "right child does not follow");
    REFUSED(root, row.left = row.right = -1, "not all nodes hang on the root");
    REFUSED(inner, row.feature = 4, "feature out of range");
    REFUSED(inner, row.feature = -1, "feature out of range");
    REFUSED(inner, row.nsplit_values = 0, "1 threshold");
    REFUSED(inner, row.split_values = nan_threshold, "NaN");
    REFUSED(inner, row.id = -1, "ids are not 0 to n - 1");
    REFUSED(inner, row.id = INT32_MAX, "ids are not 0 to n - 1");
    REFUSED(inner, row.id--, "id occurs twice");
    REFUSED(inner, row.tree = 3, "no such tree");
    REFUSED(inner, row.tree = -1, "no such tree");
    REFUSED(inner, row.nstats = 2, "impurityStats");
    REFUSED(categorical, row.split_values = wrong, "not a category");
    REFUSED(categorical, row.split_values = twice, "not ascending");
    REFUSED(categorical, row.split_values = broken, "not a category");
    REFUSED(categorical, row.num_categories = 1, "more left categories");
    REFUSED(categorical, row.num_categories = 0, "number of categories");
    REFUSED(categorical, row.num_categories = INT32_MAX, "number of categories");
    REFUSED(leaf, row.prediction = 3, "no class");
    REFUSED(leaf, row.prediction = NAN, "no class");
    REFUSED(leaf, row.left = 1, "one child");
#undef REFUSED
    ch_error err;
    ch_forest *out = NULL;
    assert_int_equal(ch_forest_build(CH_TREE_GINI, 4, 3, 4, NULL, rows, n, &out, &err), CH_E_ILLEGAL_ARGUMENT);
    assert_non_null(strstr(err.message, "Tree 3 has no nodes"));
    assert_int_equal(ch_forest_build(CH_TREE_GINI, 4, 3, INT32_MAX, NULL, rows, n, &out, &err), CH_E_ILLEGAL_ARGUMENT);
    assert_int_equal(ch_forest_build(CH_TREE_VARIANCE, 4, 3, 3, NULL, rows, n, &out, &err), CH_E_ILLEGAL_ARGUMENT);
    assert_int_equal(ch_forest_build(CH_TREE_GINI, 4, 3, 0, NULL, rows, 0, &out, &err), CH_E_ILLEGAL_ARGUMENT);
    free(rows);
    ch_forest_free(forest);
}

/* A chain of 300 nodes is a tree, but one no Spark grows. */
static void a_bottomless_tree_is_refused(void **state)
{
    (void)state;
    enum { DEPTH = 300, NODES = 2 * DEPTH + 1 };
    static const double stats[] = {1, 1}, threshold[] = {0};
    ch_tree_row rows[NODES];
    for (int i = 0; i < NODES; i++)
        rows[i] = (ch_tree_row){.id = i,
                                .stats = stats,
                                .nstats = 2,
                                .left = i < DEPTH ? i + 1 : -1,
                                .right = i < DEPTH ? NODES - 1 - i : -1,
                                .feature = i < DEPTH ? 0 : -1,
                                .split_values = threshold,
                                .nsplit_values = 1,
                                .num_categories = -1};
    ch_forest *forest = NULL;
    ch_error err;
    assert_int_equal(ch_forest_build(CH_TREE_GINI, 1, 2, 1, NULL, rows, NODES, &forest, &err), CH_E_ILLEGAL_ARGUMENT);
    assert_non_null(strstr(err.message, "too deep"));
}

/* ---- scoring ---- */

/* Against a walk over the model's own nodes. */
static void predictions_are_a_walk_down_the_trees(void **state)
{
    (void)state;
    ch_forest *forest = mixed_forest();
    table t = make_table(200, 4, 3);
    ch_matrix m = matrix_of(&t, false);
    t.x[0] = NAN;
    t.x[5] = -INFINITY;
    double *out = malloc(t.rows * 3 * sizeof *out);
    assert_non_null(out);
    ch_error err;
    for (ch_forest_output what = CH_FOREST_MARGIN; what <= CH_FOREST_LEAVES; what++) {
        if (what == CH_FOREST_VARIANCE) continue;
        size_t width = ch_forest_width(forest, what);
        assert_int_equal(width, what <= CH_FOREST_MEAN ? 1 : 3);
        assert_int_equal(ch_forest_predict(forest, what, &m, out, &err), 0);
        for (size_t row = 0; row < t.rows; row++) {
            double expected[3] = {0};
            for (int32_t tr = 0; tr < forest->trees; tr++) {
                const ch_tree *tree = &forest->tree[tr];
                int32_t i = 0, leaf = 0;
                while (tree->node[i].left >= 0)
                    i = goes_left(tree, &tree->node[i], t.x[row * 4 + (size_t)tree->node[i].feature])
                            ? tree->node[i].left
                            : tree->node[i].right;
                for (int32_t k = 0; k < i; k++) leaf += tree->node[k].left < 0;
                const double *stats = tree->stats + (size_t)i * 3;
                double sum = stats[0] + stats[1] + stats[2];
                if (what == CH_FOREST_LEAVES) expected[tr] = leaf;
                if (what == CH_FOREST_STATS && tr == 0) memcpy(expected, stats, sizeof expected);
                for (int k = 0; k < 3 && what == CH_FOREST_VOTES; k++) expected[k] += stats[k] / sum;
                if (what == CH_FOREST_MARGIN) expected[0] += tree->node[i].prediction;
                if (what == CH_FOREST_MEAN) expected[0] += tree->node[i].prediction / forest->trees;
            }
            for (size_t k = 0; k < width; k++) assert_true(fabs(out[row * width + k] - expected[k]) < 1e-12);
        }
    }
    free(out);
    free_table(&t);
    ch_forest_free(forest);
}

/* A categorical split keeps the smaller side's set; whatever is not in it goes the other way (CategoricalSplit). */
static void unseen_values_follow_the_larger_side(void **state)
{
    (void)state;
    static const double stats[] = {1, 1, 1}, small[] = {1}, large[] = {0, 1, 70};
    ch_tree_row rows[] = {
        {.id = 0, .stats = stats, .nstats = 3, .left = 1, .right = 2, .feature = 2, .num_categories = 100},
        {.id = 1, .prediction = -1, .stats = stats, .nstats = 3, .left = -1, .right = -1, .feature = -1},
        {.id = 2, .prediction = 1, .stats = stats, .nstats = 3, .left = -1, .right = -1, .feature = -1}};
    const double x[] = {0, 0, 1, 0, 0, 0, 0, 0, 70, 0, 0, 99, 0, 0, 100, 0, 0, -1, 0, 0, 0.5, 0, 0, NAN};
    const ch_matrix m = {.rows = 8, .cols = 3, .dense = x};
    static const double left_is_small[] = {-1, 1, 1, 1, 1, 1, 1, 1};
    double out[8];
    ch_error err;
    ch_forest *forest = NULL;
    rows[0].split_values = small;
    rows[0].nsplit_values = 1;
    assert_int_equal(ch_forest_build(CH_TREE_VARIANCE, 3, 0, 1, NULL, rows, 3, &forest, &err), 0);
    assert_int_equal(ch_forest_predict(forest, CH_FOREST_MEAN, &m, out, &err), 0);
    assert_memory_equal(out, left_is_small, sizeof out);
    ch_forest_free(forest);
    rows[0].split_values = large;
    rows[0].nsplit_values = 3;
    rows[0].num_categories = 100;
    assert_int_equal(ch_forest_build(CH_TREE_VARIANCE, 3, 0, 1, NULL, rows, 3, &forest, &err), 0);
    assert_int_equal(ch_forest_predict(forest, CH_FOREST_MEAN, &m, out, &err), 0);
    /* 3 of 100 is still the smaller side */
    static const double three[] = {-1, -1, -1, 1, 1, 1, 1, 1};
    assert_memory_equal(out, three, sizeof out);
    ch_forest_free(forest);
    rows[0].num_categories = 100;
    double most[98];
    for (int i = 0; i < 98; i++) most[i] = i < 70 ? i : i + 1; /* all but 70 and 99 */
    rows[0].split_values = most;
    rows[0].nsplit_values = 98;
    assert_int_equal(ch_forest_build(CH_TREE_VARIANCE, 3, 0, 1, NULL, rows, 3, &forest, &err), 0);
    assert_int_equal(ch_forest_predict(forest, CH_FOREST_MEAN, &m, out, &err), 0);
    static const double all_but_two[] = {-1, -1, 1, 1, -1, -1, -1, -1};
    assert_memory_equal(out, all_but_two, sizeof out);
    ch_forest_free(forest);
}

static void predictions_check_their_input(void **state)
{
    (void)state;
    ch_forest *forest = mixed_forest();
    const double x[2] = {0, 0};
    const ch_matrix narrow = {.rows = 1, .cols = 2, .dense = x}, none = {.rows = 0, .cols = 4, .dense = x};
    double out[3];
    ch_error err;
    assert_int_equal(ch_forest_predict(forest, CH_FOREST_VOTES, &narrow, out, &err), CH_E_ILLEGAL_ARGUMENT);
    assert_int_equal(ch_forest_predict(forest, CH_FOREST_VOTES, &none, out, &err), 0);
    ch_forest_free(forest);
}

/* More features than fit the small buffer, dense and sparse, one row and many. */
static void wide_rows_can_be_scored(void **state)
{
    (void)state;
    enum { COLS = 6000, ROWS = 100 };
    table t = {calloc(COLS * ROWS, sizeof(double)), calloc(ROWS, sizeof(double)), NULL, ROWS, COLS};
    assert_true(t.x && t.y);
    uint64_t seed = 3;
    for (size_t i = 0; i < COLS * ROWS; i++) t.x[i] = uniform(&seed) < 0.02 ? uniform(&seed) : 0;
    for (size_t i = 0; i < ROWS; i++) t.y[i] = uniform(&seed);
    ch_matrix m = matrix_of(&t, false);
    ch_forest_params p = tree_params(0);
    p.trees = 300;
    p.bootstrap = true;
    p.tree.feature_subset = "onethird";
    p.tree.max_depth = 12;
    ch_forest *forest = fit(&m, NULL, &p);
    double all[ROWS], one;
    ch_error err;
    assert_int_equal(ch_forest_predict(forest, CH_FOREST_MEAN, &m, all, &err), 0);
    sparse s = make_sparse(&t);
    for (size_t i = 0; i < ROWS; i++) {
        ch_matrix row = {.rows = 1, .cols = COLS, .row_start = s.start + i, .index = s.index, .value = s.value};
        assert_int_equal(ch_forest_predict(forest, CH_FOREST_MEAN, &row, &one, &err), 0);
        assert_true(one == all[i]);
    }
    ch_forest_free(forest);
    free(s.start);
    free(s.index);
    free(s.value);
    free_table(&t);
}

/* ---- several workers ---- */

/* Two threads that add up their numbers. */
typedef struct pair {
    ch_comm comm;
    struct shared {
        pthread_barrier_t barrier;
        double *values[2];
    } * shared;
} pair;

static int pair_sum(ch_comm *comm, double *values, size_t n, ch_error *err)
{
    (void)err;
    struct shared *shared = ((pair *)comm)->shared;
    double *sum = malloc(n * sizeof *sum + 1);
    assert_non_null(sum);
    shared->values[comm->rank] = values;
    pthread_barrier_wait(&shared->barrier);
    for (size_t i = 0; i < n; i++) sum[i] = shared->values[0][i] + shared->values[1][i];
    pthread_barrier_wait(&shared->barrier);
    memcpy(values, sum, n * sizeof *sum);
    free(sum);
    return 0;
}

typedef struct worker {
    pair pair;
    ch_matrix m;
    bool boosted;
    ch_forest *forest;
} worker;

static const int32_t worker_arity[] = {0, 0, 0, 5};

static void *fit_part(void *argument)
{
    worker *w = argument;
    ch_error err;
    ch_forest_params p = tree_params(3);
    p.tree.comm = w->boosted ? NULL : &w->pair.comm;
    ch_gbt_params g = ch_gbt_defaults();
    g.max_iter = 4;
    g.loss = CH_GBT_SQUARED;
    g.tree.comm = w->boosted ? &w->pair.comm : NULL;
    int status = w->boosted ? ch_gbt_fit(&w->m, &w->m, worker_arity, &g, &w->forest, &err)
                            : ch_forest_fit(&w->m, worker_arity, &p, &w->forest, &err);
    return status ? NULL : w;
}

/* The rows shared out to two workers; the forest of the first, which must be the second's. */
static ch_forest *fit_by_two(const table *t, bool boosted)
{
    struct shared shared;
    assert_int_equal(pthread_barrier_init(&shared.barrier, NULL, 2), 0);
    worker w[2];
    pthread_t thread[2];
    const size_t cut = t->rows / 3;
    for (int i = 0; i < 2; i++) {
        w[i] = (worker){.pair = {{i, 2, pair_sum}, &shared}, .m = matrix_of(t, false), .boosted = boosted};
        if (i) {
            w[i].m.dense += cut * t->cols;
            w[i].m.label += cut;
        }
        w[i].m.rows = i ? t->rows - cut : cut;
        assert_int_equal(pthread_create(&thread[i], NULL, fit_part, &w[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        void *done;
        assert_int_equal(pthread_join(thread[i], &done), 0);
        assert_non_null(done);
    }
    assert_same_forest(w[0].forest, w[1].forest);
    ch_forest_free(w[1].forest);
    pthread_barrier_destroy(&shared.barrier);
    return w[0].forest;
}

static void two_workers_grow_the_tree_of_one(void **state)
{
    (void)state;
    table t = make_table(3000, 4, 3);
    ch_matrix m = matrix_of(&t, false);
    ch_forest_params p = tree_params(3);
    ch_forest *two = fit_by_two(&t, false), *one = fit(&m, worker_arity, &p);
    assert_same_forest(one, two); /* counts are exact in any order */
    ch_forest_free(one);
    ch_forest_free(two);
    free_table(&t);
    t = make_table(3000, 4, 0);
    m = matrix_of(&t, false);
    ch_gbt_params g = ch_gbt_defaults();
    g.max_iter = 4;
    g.loss = CH_GBT_SQUARED;
    ch_error err;
    two = fit_by_two(&t, true);
    assert_int_equal(ch_gbt_fit(&m, &m, worker_arity, &g, &one, &err), 0);
    assert_int_equal(one->trees, two->trees);
    for (int32_t tr = 0; tr < one->trees; tr++) {
        assert_int_equal(one->tree[tr].nodes, two->tree[tr].nodes);
        for (int32_t i = 0; i < one->tree[tr].nodes; i++) /* sums of 3,000 numbers in two orders */
            assert_true(fabs(one->tree[tr].node[i].prediction - two->tree[tr].node[i].prediction) < 1e-12);
    }
    ch_forest_free(one);
    ch_forest_free(two);
    free_table(&t);
}

/* ---- errors, cancelling ---- */

static void assert_fit_fails(const ch_matrix *m, const int32_t *arity, const ch_forest_params *p, int kind,
                             const char *message)
{
    ch_error err;
    ch_forest *forest = NULL;
    assert_int_equal(ch_forest_fit(m, arity, p, &forest, &err), kind);
    if (!strstr(err.message, message)) fail_msg("%s", err.message);
}

/* Texts of a real Spark 4.1.3. */
static void bad_data_raise_sparks_errors(void **state)
{
    (void)state;
    const double x[] = {1, 2, 3, 4, 5, 1, 0, 1}, fine[] = {0, 1, 0, 1};
    ch_matrix m = {.rows = 4, .cols = 2, .dense = x, .label = fine};
    ch_forest_params c = tree_params(2), r = tree_params(0), k = tree_params(3);
    const double half[] = {0, 0.5, 1, 1}, minus[] = {-1, 0, 1, 1}, three[] = {0, 1, 2, 3},
                 not_a_number[] = {0, NAN, 0, 0};
    const double infinite[] = {0, INFINITY, 0, 0}, negative_weight[] = {1, -2, 1, 1};
    m.label = half;
    assert_fit_fails(&m, NULL, &c, CH_E_RUNTIME, "[USER_RAISED_EXCEPTION] Labels MUST be in {0, 1}, but got 0.5");
    assert_fit_fails(&m, NULL, &k, CH_E_RUNTIME, "[USER_RAISED_EXCEPTION] Labels MUST be Integers, but got 0.5");
    m.label = minus;
    assert_fit_fails(&m, NULL, &k, CH_E_RUNTIME, "Labels MUST be in [0, 3), but got -1.0");
    m.label = three;
    assert_fit_fails(&m, NULL, &k, CH_E_RUNTIME, "Labels MUST be in [0, 3), but got 3.0");
    m.label = not_a_number;
    assert_fit_fails(&m, NULL, &c, CH_E_RUNTIME, "Labels MUST NOT be Null or NaN");
    assert_fit_fails(&m, NULL, &r, CH_E_RUNTIME, "Labels MUST NOT be Null or NaN");
    m.label = infinite;
    assert_fit_fails(&m, NULL, &r, CH_E_RUNTIME, "Labels MUST NOT be Infinity, but got Infinity");
    m.label = fine;
    m.weight = negative_weight;
    assert_fit_fails(&m, NULL, &r, CH_E_RUNTIME, "Weights MUST NOT be Negative or Infinity, but got -2.0");
    m.weight = NULL;
    const int32_t too_many[] = {40, 0}, categorical[] = {4, 0};
    assert_fit_fails(&m, too_many, &c, CH_E_ILLEGAL_ARGUMENT,
                     "requirement failed: DecisionTree requires maxBins (= 4) to be at least as large as the number of "
                     "values in each categorical feature, but categorical feature 0 has 40 values. Consider removing "
                     "this and other categorical features with a large number of values, or add more training "
                     "examples.");
    assert_fit_fails(&m, categorical, &c, CH_E_ILLEGAL_ARGUMENT,
                     "DecisionTree given invalid data: Feature 0 is categorical with values in {0,...,3, but a data "
                     "point gives it value 5.0.\n  Bad data point: Instance(0.0,1.0,[5.0,1.0])");
    const double bad_x[] = {1, 2, 3, 4, 5, NAN, 0, 1};
    m.dense = bad_x;
    assert_fit_fails(&m, NULL, &c, CH_E_RUNTIME, "Vector values MUST NOT be NaN or Infinity, but got [5.0,NaN]");
    m.dense = x;
    m.rows = 0;
    assert_fit_fails(&m, NULL, &r, CH_E_ILLEGAL_ARGUMENT,
                     "DecisionTree requires size of input RDD > 0, but was given by empty one.");
    m.rows = 4;
    m.cols = 0;
    assert_fit_fails(&m, NULL, &r, CH_E_ILLEGAL_ARGUMENT,
                     "requirement failed: DecisionTree requires number of features > 0, but was given an empty "
                     "features vector");
    m.cols = 2;
    c.tree.max_depth = 31;
    assert_fit_fails(&m, NULL, &c, CH_E_ILLEGAL_ARGUMENT,
                     "requirement failed: DecisionTree currently only supports maxDepth <= 30, but was given maxDepth "
                     "= 31.");
}

static void sparse_bad_values_are_named(void **state)
{
    (void)state;
    const size_t start[] = {0, 1, 3};
    const int32_t index[] = {1, 0, 2};
    const double value[] = {4, 2, 7}, label[] = {0, 1}, weight[] = {1, 0.5};
    const int32_t arity[] = {2, 0, 0};
    const ch_matrix m = {
        .rows = 2, .cols = 3, .row_start = start, .index = index, .value = value, .label = label, .weight = weight};
    ch_forest_params p = tree_params(2);
    assert_fit_fails(&m, arity, &p, CH_E_ILLEGAL_ARGUMENT,
                     "but a data point gives it value 2.0.\n  Bad data point: Instance(1.0,0.5,(3,[0,2],[2.0,7.0]))");
}

static void a_cancelled_task_stops_the_fit(void **state)
{
    (void)state;
    table t = make_table(2000, 4, 2);
    ch_matrix m = matrix_of(&t, false);
    ch_task task;
    ch_task_init(&task);
    ch_forest_params p = ch_forest_defaults();
    p.tree.task = &task;
    ch_forest *forest = fit(&m, NULL, &p);
    assert_int_equal(atomic_load(&task.done), atomic_load(&task.total));
    assert_true(atomic_load(&task.total) > 0);
    ch_forest_free(forest);
    ch_task_cancel(&task);
    assert_fit_fails(&m, NULL, &p, CH_E_CANCELLED, "");
    ch_gbt_params g = ch_gbt_defaults();
    g.tree.task = &task;
    ch_error err;
    assert_int_equal(ch_gbt_fit(&m, NULL, NULL, &g, &forest, &err), CH_E_CANCELLED);
    free_table(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forest_is_the_golden_one),
        cmocka_unit_test(boosted_trees_are_the_golden_ones),
        cmocka_unit_test(categories_split_by_class_weight),
        cmocka_unit_test(equal_siblings_are_merged),
        cmocka_unit_test(forbidden_splits_leave_a_leaf_without_impurity),
        cmocka_unit_test(degenerate_data_make_one_leaf),
        cmocka_unit_test(subset_sizes_are_sparks),
        cmocka_unit_test(trees_are_walked_in_scalas_order),
        cmocka_unit_test(sparse_rows_grow_the_same_trees),
        cmocka_unit_test(large_nodes_are_counted_right),
        cmocka_unit_test(large_samples_are_drawn_tree_by_tree),
        cmocka_unit_test(boosting_keeps_its_margins),
        cmocka_unit_test(more_than_256_bins_work),
        cmocka_unit_test(rows_make_the_forest_again),
        cmocka_unit_test(hostile_rows_are_refused),
        cmocka_unit_test(a_bottomless_tree_is_refused),
        cmocka_unit_test(predictions_are_a_walk_down_the_trees),
        cmocka_unit_test(unseen_values_follow_the_larger_side),
        cmocka_unit_test(predictions_check_their_input),
        cmocka_unit_test(wide_rows_can_be_scored),
        cmocka_unit_test(two_workers_grow_the_tree_of_one),
        cmocka_unit_test(bad_data_raise_sparks_errors),
        cmocka_unit_test(sparse_bad_values_are_named),
        cmocka_unit_test(a_cancelled_task_stops_the_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
