/* Trees from anywhere: rows of a model as they might lie on disk, built into a forest and used; and small training sets
 * with any values and parameters, fitted. The first byte chooses. */
#include "math/tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS_MAX = 60, COLS_MAX = 6, ROW_BYTES = 14 };

/* The input, taken byte by byte; zeros follow its end. */
typedef struct input {
    const uint8_t *at;
    size_t left;
} input;

static int take(input *in)
{
    if (in->left == 0) return 0;
    in->left--;
    return *in->at++;
}

static int take_signed(input *in)
{
    return (int8_t)take(in);
}

/* Small numbers, halves, and what breaks arithmetic. */
static double take_number(input *in)
{
    static const double odd[] = {INFINITY, -INFINITY, NAN, 1e308, -1e308, 5e-324, -0.0, 1e-17};
    int byte = take_signed(in);
    return byte > 119 ? odd[byte - 120] : byte / 2.0;
}

static void use_forest(const ch_forest *forest)
{
    double x[4 * 16] = {0}, *out = malloc(4 * (64 + (size_t)forest->trees) * sizeof *out), importances[16];
    ch_error err;
    if (!out) abort();
    for (size_t i = 0; i < 64; i++) x[i] = (double)(i % 7) - 1;
    x[3] = NAN;
    const ch_matrix m = {.rows = 4, .cols = 16, .dense = x};
    for (ch_forest_output what = CH_FOREST_MARGIN; what <= CH_FOREST_LEAVES; what++) {
        if (what == CH_FOREST_VOTES && forest->classes == 0) continue;
        if (what == CH_FOREST_VARIANCE && forest->classes > 0) continue;
        if (ch_forest_predict(forest, what, &m, out, &err)) abort();
    }
    ch_forest_importances(forest, true, importances);
    ch_buf text = {0};
    ch_forest_debug_string(forest, &text);
    ch_buf_reset(&text);
    ch_forest *tree = NULL;
    if (ch_forest_tree(forest, forest->trees - 1, &tree, &err)) abort();
    ch_forest_free(tree);
    free(out);
}

static void build(input *in)
{
    static const double stats[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static double values[ROWS_MAX][4];
    ch_tree_row rows[ROWS_MAX];
    const int classes = take(in) % 5, features = take(in) % 16, trees = take_signed(in);
    size_t n = 0;
    for (; n < ROWS_MAX && in->left >= ROW_BYTES; n++) {
        rows[n] = (ch_tree_row){.tree = take_signed(in),
                                .id = take_signed(in),
                                .left = take_signed(in),
                                .right = take_signed(in),
                                .feature = take_signed(in),
                                .num_categories = take_signed(in),
                                .prediction = take_number(in),
                                .impurity = take_number(in),
                                .gain = take_number(in),
                                .stats = stats,
                                .nstats = (size_t)(classes ? classes : 3),
                                .split_values = values[n],
                                .nsplit_values = (size_t)take(in) % 5};
        if (take(in) == 255) rows[n].nstats++;
        for (size_t i = 0; i < rows[n].nsplit_values; i++) values[n][i % 4] = take_number(in);
        if (rows[n].nsplit_values > 4) rows[n].nsplit_values = 4;
    }
    ch_forest *forest = NULL;
    ch_error err;
    if (ch_forest_build(classes ? CH_TREE_GINI : CH_TREE_VARIANCE, features, classes, trees, NULL, rows, n, &forest,
                        &err))
        return;
    use_forest(forest);
    ch_forest_free(forest);
}

static void fit(input *in)
{
    double x[ROWS_MAX * COLS_MAX], y[ROWS_MAX], w[ROWS_MAX];
    int32_t arity[COLS_MAX];
    ch_forest_params p = ch_forest_defaults();
    const size_t cols = 1 + (size_t)take(in) % COLS_MAX;
    p.classes = take(in) % 5;
    p.trees = 1 + take(in) % 5;
    p.tree.impurity = p.classes == 0 ? CH_TREE_VARIANCE : take(in) % 2 ? CH_TREE_GINI : CH_TREE_ENTROPY;
    p.tree.max_depth = take(in) % 12;
    p.tree.max_bins = 2 + take(in) % 40;
    p.tree.min_instances_per_node = 1 + take(in) % 5;
    p.tree.min_info_gain = take(in) % 4 / 8.0;
    p.tree.max_memory_mb = take(in) % 2;
    p.tree.subsampling_rate = 1 - take(in) % 4 / 5.0;
    p.bootstrap = take(in) % 2;
    p.tree.seed = take_signed(in);
    const bool weighted = take(in) % 2;
    for (size_t j = 0; j < cols; j++) arity[j] = take(in) % 3 ? 0 : take(in) % 10;
    size_t rows = 0;
    for (; rows < ROWS_MAX && in->left > cols; rows++) {
        for (size_t j = 0; j < cols; j++) x[rows * cols + j] = arity[j] > 0 ? take(in) % arity[j] : take_number(in);
        y[rows] = p.classes ? take(in) % p.classes : take_number(in);
        w[rows] = weighted ? fabs(take_number(in)) : 1;
    }
    const ch_matrix m = {.rows = rows, .cols = cols, .dense = x, .label = y, .weight = weighted ? w : NULL};
    ch_forest *forest = NULL;
    ch_error err;
    if (ch_forest_fit(&m, arity, &p, &forest, &err)) return;
    use_forest(forest);
    ch_forest_free(forest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input in = {data, size};
    if (take(&in) % 2)
        build(&in);
    else
        fit(&in);
    return 0;
}
