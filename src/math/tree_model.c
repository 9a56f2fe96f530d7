/* tree_model.c: fitted forests as data: memory, rows for persistence and back, importances, the debug text.
 */
#include "math/tree_grow.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

void ch_forest_free(ch_forest *forest)
{
    if (!forest) return;
    for (int32_t t = 0; forest->tree && t < forest->trees; t++) ch_tree_reset(&forest->tree[t]);
    free(forest->tree);
    free(forest->weight);
    ch_tree_scorer_free(forest->scorer);
    free(forest);
}

/* Takes `tree` over on success. */
int ch_forest_wrap(ch_tree_impurity impurity, int32_t features, int32_t classes, int32_t trees, ch_tree *tree,
                   ch_forest **out, ch_error *err)
{
    ch_forest *forest = calloc(1, sizeof *forest);
    double *weight = malloc((size_t)trees * sizeof *weight);
    int status = forest && weight ? 0 : ch_no_memory(err);
    if (!status) {
        for (int32_t t = 0; t < trees; t++) weight[t] = 1;
        *forest = (ch_forest){.impurity = impurity,
                              .features = features,
                              .classes = classes,
                              .stats = classes > 0 ? classes : 3,
                              .trees = trees,
                              .tree = tree,
                              .weight = weight};
        status = ch_tree_scorer_new(forest, &forest->scorer, err);
    }
    if (status) {
        free(weight);
        free(forest);
        return status;
    }
    *out = forest;
    return 0;
}

static int allocate_tree(ch_tree *tree, int32_t stats, ch_error *err)
{
    tree->node = calloc((size_t)tree->nodes, sizeof *tree->node);
    tree->stats = calloc((size_t)tree->nodes * (size_t)stats, sizeof *tree->stats);
    tree->categories = calloc((size_t)tree->categories_len + 1, sizeof *tree->categories);
    if (tree->node && tree->stats && tree->categories) return 0;
    ch_tree_reset(tree);
    return ch_no_memory(err);
}

int ch_forest_tree(const ch_forest *forest, int32_t t, ch_forest **out, ch_error *err)
{
    const ch_tree *from = &forest->tree[t];
    ch_tree *tree = malloc(sizeof *tree);
    if (!tree) return ch_no_memory(err);
    *tree = *from;
    int status = allocate_tree(tree, forest->stats, err);
    if (!status) {
        memcpy(tree->node, from->node, (size_t)from->nodes * sizeof *from->node);
        memcpy(tree->stats, from->stats, (size_t)from->nodes * (size_t)forest->stats * sizeof *from->stats);
        memcpy(tree->categories, from->categories, (size_t)from->categories_len * sizeof *from->categories);
        status = ch_forest_wrap(forest->impurity, forest->features, forest->classes, 1, tree, out, err);
        if (status) ch_tree_reset(tree);
    }
    if (status) free(tree);
    return status;
}

int64_t ch_forest_nodes(const ch_forest *forest)
{
    int64_t n = 0;
    for (int32_t t = 0; t < forest->trees; t++) n += forest->tree[t].nodes;
    return n;
}

size_t ch_forest_bytes(const ch_forest *forest)
{
    size_t bytes = sizeof *forest + ch_tree_scorer_bytes(forest->scorer);
    for (int32_t t = 0; t < forest->trees; t++) {
        const ch_tree *tree = &forest->tree[t];
        bytes += sizeof *tree + (size_t)tree->nodes * (sizeof *tree->node + (size_t)forest->stats * sizeof(double)) +
                 (size_t)tree->categories_len * sizeof(double);
    }
    return bytes;
}

/* ---- what the trees say ---- */

static double node_weight(const ch_forest *forest, const ch_tree *tree, int32_t node)
{
    return ch_tree_weight_of(forest->classes, tree->stats + (size_t)node * (size_t)forest->stats);
}

void ch_forest_importances(const ch_forest *forest, bool per_tree_normalization, double *out)
{
    const size_t features = (size_t)forest->features;
    memset(out, 0, features * sizeof *out);
    double *of_tree = calloc(features + 1, sizeof *of_tree);
    for (int32_t t = 0; of_tree && t < forest->trees; t++) {
        const ch_tree *tree = &forest->tree[t];
        memset(of_tree, 0, features * sizeof *of_tree);
        double norm = 0;
        for (int32_t i = 0; i < tree->nodes; i++) {
            if (tree->node[i].left < 0) continue;
            of_tree[tree->node[i].feature] += tree->node[i].gain * node_weight(forest, tree, i);
        }
        for (size_t f = 0; f < features; f++) norm += of_tree[f];
        if (norm == 0) continue;
        for (size_t f = 0; f < features; f++) out[f] += per_tree_normalization ? of_tree[f] / norm : of_tree[f];
    }
    free(of_tree);
    double total = 0;
    for (size_t f = 0; f < features; f++) total += out[f];
    if (total == 0) return;
    for (size_t f = 0; f < features; f++) out[f] /= total;
}

static void print_test(const ch_tree *tree, const ch_tree_node *node, bool left, ch_buf *out)
{
    ch_buf_printf(out, "feature %d ", node->feature);
    if (node->num_categories < 0) {
        ch_buf_str(out, left ? "<= " : "> ");
        ch_buf_java_double(out, node->threshold);
        return;
    }
    ch_buf_str(out, left ? "in {" : "not in {");
    for (int32_t i = 0; i < node->category_count; i++) {
        if (i) ch_buf_char(out, ',');
        ch_buf_java_double(out, tree->categories[node->category_start + i]);
    }
    ch_buf_char(out, '}');
}

/* Depth is bounded: by the grower, or by ch_forest_build. */
static void print_subtree(const ch_tree *tree, int32_t i, int indent, ch_buf *out)
{
    const ch_tree_node *node = &tree->node[i];
    if (node->left < 0) {
        ch_buf_printf(out, "%*sPredict: ", indent, "");
        ch_buf_java_double(out, node->prediction);
        ch_buf_char(out, '\n');
        return;
    }
    for (int side = 0; side < 2; side++) {
        ch_buf_printf(out, "%*s%s (", indent, "", side == 0 ? "If" : "Else");
        print_test(tree, node, side == 0, out);
        ch_buf_str(out, ")\n");
        print_subtree(tree, side == 0 ? node->left : node->right, indent + 1, out);
    }
}

void ch_tree_debug_string(const ch_forest *forest, ch_buf *out)
{
    print_subtree(&forest->tree[0], 0, 2, out);
}

void ch_forest_debug_string(const ch_forest *forest, ch_buf *out)
{
    for (int32_t t = 0; t < forest->trees; t++) {
        ch_buf_printf(out, "  Tree %d (weight ", t);
        ch_buf_java_double(out, forest->weight[t]);
        ch_buf_str(out, "):\n");
        print_subtree(&forest->tree[t], 0, 4, out);
    }
}

/* ---- rows ---- */

void ch_forest_row(const ch_forest *forest, int32_t t, int32_t i, ch_tree_row *out)
{
    const ch_tree *tree = &forest->tree[t];
    const ch_tree_node *node = &tree->node[i];
    *out = (ch_tree_row){.tree = t,
                         .id = i,
                         .prediction = node->prediction,
                         .impurity = node->impurity,
                         .stats = tree->stats + (size_t)i * (size_t)forest->stats,
                         .nstats = (size_t)forest->stats,
                         .raw_count = node->raw_count,
                         .gain = node->gain,
                         .left = node->left,
                         .right = node->right,
                         .feature = node->feature,
                         .num_categories = node->num_categories};
    if (node->left < 0) return;
    out->split_values = node->num_categories < 0 ? &node->threshold : tree->categories + node->category_start;
    out->nsplit_values = node->num_categories < 0 ? 1 : (size_t)node->category_count;
}

/* Deeper trees than Spark can grow are refused, since work on them is recursive. */
enum { MAX_LOADED_DEPTH = 256 };

static int bad_row(const ch_tree_row *row, const char *what, ch_error *err)
{
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Decision Tree load failed. Tree %d, node %d: %s", row->tree, row->id,
                    what);
}

static int check_split(const ch_tree_row *row, int32_t features, ch_error *err)
{
    if (row->feature < 0 || row->feature >= features) return bad_row(row, "split on a feature out of range", err);
    if (row->num_categories == -1) {
        if (row->nsplit_values != 1) return bad_row(row, "expected 1 threshold for a continuous split", err);
        return isnan(row->split_values[0]) ? bad_row(row, "threshold is NaN", err) : 0;
    }
    if (row->num_categories < 1 || row->num_categories > UINT16_MAX + 1)
        return bad_row(row, "number of categories out of range", err);
    if (row->nsplit_values > (size_t)row->num_categories)
        return bad_row(row, "more left categories than categories", err);
    for (size_t i = 0; i < row->nsplit_values; i++) {
        double c = row->split_values[i];
        if (!(c >= 0 && c < row->num_categories && c == floor(c)))
            return bad_row(row, "Invalid leftCategories: not a category", err);
        if (i > 0 && c <= row->split_values[i - 1]) return bad_row(row, "Invalid leftCategories: not ascending", err);
    }
    return 0;
}

static int check_row(const ch_tree_row *row, const ch_forest *forest, ch_error *err)
{
    if (row->nstats != (size_t)forest->stats) return bad_row(row, "impurityStats of the wrong length", err);
    if (forest->classes > 0 && !(row->prediction >= 0 && row->prediction < forest->classes))
        return bad_row(row, "prediction is no class", err);
    if ((row->left == -1) != (row->right == -1)) return bad_row(row, "one child", err);
    return row->left == -1 ? 0 : check_split(row, forest->features, err);
}

/* Puts pointers to the rows in order of tree and id; start[t] is where tree t begins. Every id 0..n-1 must occur once.
 */
static int sort_rows(const ch_tree_row *rows, size_t nrows, int32_t trees, const ch_tree_row **sorted, size_t *start,
                     ch_error *err)
{
    for (size_t i = 0; i < nrows; i++) {
        if (rows[i].tree < 0 || rows[i].tree >= trees) return bad_row(&rows[i], "no such tree", err);
        start[rows[i].tree + 1]++;
    }
    for (int32_t t = 0; t < trees; t++) {
        if (start[t + 1] == 0)
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Decision Tree load failed. Tree %d has no nodes", t);
        if (start[t + 1] > INT32_MAX / 4)
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Decision Tree load failed. Tree %d has too many nodes", t);
        start[t + 1] += start[t];
    }
    for (size_t i = 0; i < nrows; i++) {
        const ch_tree_row *row = &rows[i];
        size_t n = start[row->tree + 1] - start[row->tree];
        if (row->id < 0 || (size_t)row->id >= n) return bad_row(row, "ids are not 0 to n - 1", err);
        const ch_tree_row **place = &sorted[start[row->tree] + (size_t)row->id];
        if (*place) return bad_row(row, "id occurs twice", err);
        *place = row;
    }
    return 0;
}

/* Checks that the rows of a tree are one tree in pre-order and finds its size in nodes, leaves, categories and depth.
 * size and depth have room for the tree's nodes. From the last node to the first, so that children come before parents:
 * in pre-order the left child follows its parent and the right child follows the left one's subtree. */
static int check_tree(const ch_tree_row *const *rows, int32_t *size, int32_t *depth, ch_tree *tree, ch_error *err)
{
    const int32_t n = tree->nodes;
    int64_t categories = 0;
    for (int32_t i = n - 1; i >= 0; i--) {
        const ch_tree_row *row = rows[i];
        size[i] = 1;
        depth[i] = 0;
        if (row->left == -1) {
            tree->leaves++;
            continue;
        }
        if (row->left != i + 1 || row->left >= n) return bad_row(row, "left child is not the next node", err);
        if (row->right != row->left + size[row->left] || row->right >= n)
            return bad_row(row, "right child does not follow the left subtree", err);
        size[i] += size[row->left] + size[row->right];
        depth[i] = 1 + (depth[row->left] > depth[row->right] ? depth[row->left] : depth[row->right]);
        if (depth[i] > MAX_LOADED_DEPTH) return bad_row(row, "tree is too deep", err);
        if (row->num_categories != -1) categories += (int64_t)row->nsplit_values;
    }
    if (size[0] != n) return bad_row(rows[0], "not all nodes hang on the root", err);
    if (categories > INT32_MAX) return bad_row(rows[0], "too many categories", err);
    tree->categories_len = (int32_t)categories;
    tree->depth = depth[0];
    return 0;
}

static void copy_tree(const ch_tree_row *const *rows, int32_t stats, ch_tree *tree)
{
    int32_t categories = 0;
    for (int32_t i = 0; i < tree->nodes; i++) {
        const ch_tree_row *row = rows[i];
        ch_tree_node *node = &tree->node[i];
        *node = (ch_tree_node){.prediction = row->prediction,
                               .impurity = row->impurity,
                               .gain = row->left == -1 ? -1 : row->gain,
                               .raw_count = row->raw_count,
                               .left = row->left,
                               .right = row->right,
                               .feature = row->left == -1 ? -1 : row->feature,
                               .num_categories = row->left == -1 ? -1 : row->num_categories};
        memcpy(tree->stats + (size_t)i * (size_t)stats, row->stats, (size_t)stats * sizeof *row->stats);
        if (row->left == -1) continue;
        if (row->num_categories == -1) {
            node->threshold = row->split_values[0];
            continue;
        }
        node->category_start = categories;
        node->category_count = (int32_t)row->nsplit_values;
        memcpy(tree->categories + categories, row->split_values, row->nsplit_values * sizeof(double));
        categories += node->category_count;
    }
}

static int build_tree(const ch_forest *forest, const ch_tree_row *const *rows, size_t n, ch_tree *out, ch_error *err)
{
    for (size_t i = 0; i < n; i++) CH_TRY(check_row(rows[i], forest, err));
    int32_t *size = malloc(2 * n * sizeof *size);
    if (!size) return ch_no_memory(err);
    ch_tree tree = {.nodes = (int32_t)n};
    int status = check_tree(rows, size, size + n, &tree, err);
    free(size);
    if (!status) status = allocate_tree(&tree, forest->stats, err);
    if (status) return status;
    copy_tree(rows, forest->stats, &tree);
    *out = tree;
    return 0;
}

static int build_trees(const ch_forest *shape, const ch_tree_row *rows, size_t nrows, ch_tree *tree, ch_error *err)
{
    const size_t trees = (size_t)shape->trees;
    const ch_tree_row **sorted = calloc(nrows, sizeof *sorted);
    size_t *start = calloc(trees + 1, sizeof *start);
    int status = sorted && start ? sort_rows(rows, nrows, shape->trees, sorted, start, err) : ch_no_memory(err);
    for (size_t t = 0; !status && t < trees; t++)
        status = build_tree(shape, sorted + start[t], start[t + 1] - start[t], &tree[t], err);
    free(sorted);
    free(start);
    return status;
}

int ch_forest_build(ch_tree_impurity impurity, int32_t features, int32_t classes, int32_t trees, const double *weights,
                    const ch_tree_row *rows, size_t nrows, ch_forest **out, ch_error *err)
{
    if (trees < 1 || (size_t)trees > nrows || features < 0 || classes < 0 ||
        (classes > 0) == (impurity == CH_TREE_VARIANCE))
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "Decision Tree load failed. %d trees of %zu nodes, %d features and %d classes cannot be", trees,
                        nrows, features, classes);
    ch_forest shape = {.features = features, .classes = classes, .trees = trees, .stats = classes > 0 ? classes : 3};
    ch_tree *tree = calloc((size_t)trees, sizeof *tree);
    int status = tree ? build_trees(&shape, rows, nrows, tree, err) : ch_no_memory(err);
    if (!status) status = ch_forest_wrap(impurity, features, classes, trees, tree, out, err);
    if (status) {
        for (int32_t t = 0; tree && t < trees; t++) ch_tree_reset(&tree[t]);
        free(tree);
        return status;
    }
    if (weights) memcpy((*out)->weight, weights, (size_t)trees * sizeof *weights);
    return 0;
}
