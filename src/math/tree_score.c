/* tree_score.c: predicting with forests. The trees are compiled into arrays that a loop without branches can walk: a
 * step from node i is next[i] + !(x[feature[i]] <= threshold[i]); children lie side by side, and a leaf steps to
 * itself. Blocks of rows go down a tree together, so that the steps of one row fill the waits of the others.
 */
#include "base/thread.h"
#include "math/tree_grow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A categorical test: the bits of the left categories, and where values go that are no category. */
typedef struct category_test {
    size_t word, words; /* into bits[] */
    int32_t categories;
    bool others_left;
} category_test;

typedef struct compiled_tree {
    int32_t root, depth;
    bool categorical; /* some split is */
} compiled_tree;

typedef struct ch_tree_scorer {
    int32_t nodes, leaves, used; /* used: features that splits test */
    double *threshold;           /* (nodes); NaN in leaves and categorical splits */
    int32_t *feature;            /* (nodes) index into used_feature */
    int32_t *next;               /* (nodes) left child; in leaves, the node before the leaf */
    int32_t *leaf;               /* (nodes) number of the leaf in the whole forest; in categorical splits -2 - test */
    double *prediction;          /* (leaves) */
    double *votes;               /* (leaves, classes) class distribution; NULL in regression */
    const double **stats;        /* (leaves) impurityStats, in the forest's trees */
    compiled_tree *tree;         /* (trees) */
    int32_t *first_leaf;         /* (trees) number of the tree's leftmost leaf */
    int32_t *used_feature;       /* (used) */
    int32_t *place;              /* (max_feature + 1) of a feature in used_feature, or -1 */
    int32_t max_feature;         /* -1: no split */
    category_test *test;
    uint64_t *bits;
    size_t tests, words;
} ch_tree_scorer;

/* ---- compiling ---- */

void ch_tree_scorer_free(ch_tree_scorer *s)
{
    if (!s) return;
    free(s->threshold);
    free(s->feature);
    free(s->next);
    free(s->leaf);
    free(s->prediction);
    free(s->votes);
    free(s->stats);
    free(s->tree);
    free(s->first_leaf);
    free(s->used_feature);
    free(s->place);
    free(s->test);
    free(s->bits);
    free(s);
}

size_t ch_tree_scorer_bytes(const ch_tree_scorer *s)
{
    return sizeof *s + (size_t)s->nodes * (sizeof(double) + 3 * sizeof(int32_t)) +
           (size_t)s->leaves * (sizeof(double) * 2 + sizeof(void *)) + s->words * sizeof(uint64_t);
}

static size_t words_of(const ch_tree *tree, const ch_tree_node *node)
{
    if (node->category_count == 0) return 0;
    return (size_t)tree->categories[node->category_start + node->category_count - 1] / 64 + 1;
}

/* Counts what has to be allocated; false when the category bits would be out of all proportion. */
static bool measure(const ch_forest *forest, ch_tree_scorer *s)
{
    int64_t nodes = 0, leaves = 0;
    s->max_feature = -1;
    for (int32_t t = 0; t < forest->trees; t++) {
        const ch_tree *tree = &forest->tree[t];
        nodes += tree->nodes;
        leaves += tree->leaves;
        for (int32_t i = 0; i < tree->nodes; i++) {
            const ch_tree_node *node = &tree->node[i];
            if (node->left < 0) continue;
            if (node->feature > s->max_feature) s->max_feature = node->feature;
            if (node->num_categories < 0) continue;
            s->tests++;
            s->words += words_of(tree, node);
        }
    }
    s->nodes = (int32_t)nodes;
    s->leaves = (int32_t)leaves;
    return nodes <= INT32_MAX / 2 && s->words <= (size_t)1 << 28;
}

static bool allocate(const ch_forest *forest, ch_tree_scorer *s)
{
    const size_t nodes = (size_t)s->nodes, leaves = (size_t)s->leaves, trees = (size_t)forest->trees;
    const size_t features = (size_t)(s->max_feature + 1);
    s->threshold = malloc(nodes * sizeof *s->threshold);
    s->feature = calloc(nodes, sizeof *s->feature);
    s->next = malloc(nodes * sizeof *s->next);
    s->leaf = malloc(nodes * sizeof *s->leaf);
    s->prediction = malloc(leaves * sizeof *s->prediction);
    if (forest->classes > 0) s->votes = calloc(leaves * (size_t)forest->classes, sizeof *s->votes);
    s->stats = malloc(leaves * sizeof *s->stats);
    s->tree = calloc(trees, sizeof *s->tree);
    s->first_leaf = malloc(trees * sizeof *s->first_leaf);
    s->used_feature = malloc((features + 1) * sizeof *s->used_feature);
    s->place = malloc((features + 1) * sizeof *s->place);
    s->test = calloc(s->tests + 1, sizeof *s->test);
    s->bits = calloc(s->words + 1, sizeof *s->bits);
    return s->threshold && s->feature && s->next && s->leaf && s->prediction && (s->votes || forest->classes == 0) &&
           s->stats && s->tree && s->first_leaf && s->used_feature && s->place && s->test && s->bits;
}

static void find_used_features(const ch_forest *forest, ch_tree_scorer *s)
{
    for (int32_t f = 0; f <= s->max_feature; f++) s->place[f] = -1;
    for (int32_t t = 0; t < forest->trees; t++)
        for (int32_t i = 0; i < forest->tree[t].nodes; i++)
            if (forest->tree[t].node[i].left >= 0) s->place[forest->tree[t].node[i].feature] = 0;
    for (int32_t f = 0; f <= s->max_feature; f++) {
        if (s->place[f] < 0) continue;
        s->place[f] = s->used;
        s->used_feature[s->used++] = f;
    }
}

/* How far compiling has come. */
typedef struct compiler {
    const ch_forest *forest;
    ch_tree_scorer *s;
    int32_t nodes, leaves;
    size_t tests, words;
} compiler;

static void compile_leaf(compiler *c, const ch_tree *tree, int32_t from, int32_t to)
{
    ch_tree_scorer *s = c->s;
    const int32_t leaf = c->leaves++, classes = c->forest->classes;
    const double *stats = tree->stats + (size_t)from * (size_t)c->forest->stats;
    s->threshold[to] = NAN;
    s->next[to] = to - 1;
    s->leaf[to] = leaf;
    s->prediction[leaf] = tree->node[from].prediction;
    s->stats[leaf] = stats;
    double total = classes > 0 ? ch_tree_weight_of(classes, stats) : 0;
    for (int32_t k = 0; k < classes && total != 0; k++)
        s->votes[(size_t)leaf * (size_t)classes + (size_t)k] = stats[k] / total;
}

static void compile_categories(compiler *c, const ch_tree *tree, const ch_tree_node *node, int32_t to)
{
    ch_tree_scorer *s = c->s;
    category_test *test = &s->test[c->tests];
    /* Spark keeps the smaller side's set; a value outside of it, category or not, goes to the other side. */
    *test = (category_test){.word = c->words,
                            .words = words_of(tree, node),
                            .categories = node->num_categories,
                            .others_left = node->category_count > node->num_categories / 2};
    for (int32_t i = 0; i < node->category_count; i++) {
        size_t category = (size_t)tree->categories[node->category_start + i];
        s->bits[c->words + category / 64] |= 1ULL << (category % 64);
    }
    c->words += test->words;
    s->threshold[to] = NAN;
    s->leaf[to] = -2 - (int32_t)c->tests++;
}

/* Places the subtree whose root `from` has its place `to` already. Pre-order, so leaves are numbered from the left;
 * depth is bounded by ch_forest_build and the grower. */
static void compile_subtree(compiler *c, const ch_tree *tree, compiled_tree *out, int32_t from, int32_t to)
{
    const ch_tree_node *node = &tree->node[from];
    if (node->left < 0) {
        compile_leaf(c, tree, from, to);
        return;
    }
    ch_tree_scorer *s = c->s;
    s->feature[to] = s->place[node->feature];
    s->leaf[to] = -1;
    if (node->num_categories < 0) {
        s->threshold[to] = node->threshold;
    } else {
        compile_categories(c, tree, node, to);
        out->categorical = true;
    }
    int32_t children = c->nodes;
    c->nodes += 2;
    s->next[to] = children;
    compile_subtree(c, tree, out, node->left, children);
    compile_subtree(c, tree, out, node->right, children + 1);
}

int ch_tree_scorer_new(const ch_forest *forest, ch_tree_scorer **out, ch_error *err)
{
    ch_tree_scorer *s = calloc(1, sizeof *s);
    if (!s) return ch_no_memory(err);
    if (!measure(forest, s)) {
        ch_tree_scorer_free(s);
        return ch_failf(err, CH_E_UNSUPPORTED, "A forest of this size cannot be used for prediction");
    }
    if (!allocate(forest, s)) {
        ch_tree_scorer_free(s);
        return ch_no_memory(err);
    }
    find_used_features(forest, s);
    compiler c = {.forest = forest, .s = s};
    for (int32_t t = 0; t < forest->trees; t++) {
        s->tree[t] = (compiled_tree){.root = c.nodes++, .depth = forest->tree[t].depth};
        s->first_leaf[t] = c.leaves;
        compile_subtree(&c, &forest->tree[t], &s->tree[t], 0, s->tree[t].root);
    }
    *out = s;
    return 0;
}

/* ---- walking ---- */

enum { ROWS = 64, STACK_DOUBLES = 4096 };

/* Values of the used features of some rows, (n, used). */
static void gather_dense(const ch_tree_scorer *s, const ch_matrix *m, size_t first, size_t n, double *x)
{
    for (size_t r = 0; r < n; r++) {
        const double *row = m->dense + (first + r) * m->cols;
        for (int32_t u = 0; u < s->used; u++) *x++ = row[s->used_feature[u]];
    }
}

static void gather_sparse(const ch_tree_scorer *s, const ch_matrix *m, size_t first, size_t n, double *x)
{
    memset(x, 0, n * (size_t)s->used * sizeof *x);
    for (size_t r = 0; r < n; r++, x += s->used)
        for (size_t k = m->row_start[first + r]; k < m->row_start[first + r + 1]; k++)
            if (m->index[k] <= s->max_feature && s->place[m->index[k]] >= 0) x[s->place[m->index[k]]] = m->value[k];
}

static inline bool goes_left(const ch_tree_scorer *s, const category_test *test, double x)
{
    if (!(x >= 0 && x < test->categories && x == floor(x))) return test->others_left;
    size_t category = (size_t)x;
    if (category / 64 >= test->words) return false;
    return s->bits[test->word + category / 64] >> (category % 64) & 1;
}

static void walk_mixed(const ch_tree_scorer *s, const compiled_tree *tree, const double *x, size_t n, int32_t *node)
{
    for (size_t r = 0; r < n; r++, x += s->used) {
        int32_t i = tree->root;
        while (s->leaf[i] < 0) {
            double value = x[s->feature[i]];
            bool left = s->leaf[i] == -1 ? value <= s->threshold[i] : goes_left(s, &s->test[-2 - s->leaf[i]], value);
            i = s->next[i] + !left;
        }
        node[r] = i;
    }
}

/* Leaf node of each of the n rows. */
static void walk(const ch_tree_scorer *s, const compiled_tree *tree, const double *x, size_t n, int32_t *node)
{
    if (tree->categorical) {
        walk_mixed(s, tree, x, n, node);
        return;
    }
    const double *threshold = s->threshold;
    const int32_t *feature = s->feature, *next = s->next;
    const size_t used = (size_t)s->used;
    for (size_t r = 0; r < n; r++) node[r] = tree->root;
    for (int32_t level = 0; level < tree->depth; level++) {
        for (size_t r = 0; r < n; r++) {
            const int32_t i = node[r];
            node[r] = next[i] + !(x[r * used + (size_t)feature[i]] <= threshold[i]);
        }
    }
}

/* Adds or stores what tree t says about n rows that have come to `node`. */
static void use_leaves(const ch_forest *forest, ch_forest_output what, int32_t t, const int32_t *node, size_t n,
                       double *out)
{
    const ch_tree_scorer *s = forest->scorer;
    const size_t width = ch_forest_width(forest, what);
    const double weight = what == CH_FOREST_MARGIN ? forest->weight[t] : 1;
    switch (what) {
    case CH_FOREST_MARGIN:
    case CH_FOREST_MEAN:
        for (size_t r = 0; r < n; r++) out[r] += s->prediction[s->leaf[node[r]]] * weight;
        break;
    case CH_FOREST_VOTES:
        for (size_t r = 0; r < n; r++) {
            const double *votes = s->votes + (size_t)s->leaf[node[r]] * width;
            for (size_t k = 0; k < width; k++) out[r * width + k] += votes[k];
        }
        break;
    case CH_FOREST_STATS:
        for (size_t r = 0; r < n; r++) memcpy(out + r * width, s->stats[s->leaf[node[r]]], width * sizeof *out);
        break;
    case CH_FOREST_VARIANCE:
        for (size_t r = 0; r < n; r++) out[r] = ch_tree_impurity_of(CH_TREE_VARIANCE, 0, s->stats[s->leaf[node[r]]]);
        break;
    case CH_FOREST_LEAVES:
        for (size_t r = 0; r < n; r++) out[r * width + (size_t)t] = s->leaf[node[r]] - s->first_leaf[t];
        break;
    }
}

size_t ch_forest_width(const ch_forest *forest, ch_forest_output what)
{
    switch (what) {
    case CH_FOREST_VOTES: return (size_t)forest->classes;
    case CH_FOREST_STATS: return (size_t)forest->stats;
    case CH_FOREST_LEAVES: return (size_t)forest->trees;
    default: return 1;
    }
}

static void predict_block(const ch_forest *forest, ch_forest_output what, const double *x, size_t n, double *out)
{
    const ch_tree_scorer *s = forest->scorer;
    const bool first_only = what == CH_FOREST_STATS || what == CH_FOREST_VARIANCE;
    const int32_t trees = first_only ? 1 : forest->trees;
    int32_t node[ROWS];
    for (int32_t t = 0; t < trees; t++) {
        walk(s, &s->tree[t], x, n, node);
        use_leaves(forest, what, t, node, n, out);
    }
    if (what == CH_FOREST_MEAN)
        for (size_t r = 0; r < n; r++) out[r] /= forest->trees;
}

int ch_forest_predict(const ch_forest *forest, ch_forest_output what, const ch_matrix *m, double *out, ch_error *err)
{
    const ch_tree_scorer *s = forest->scorer;
    if (s->max_feature >= 0 && m->cols <= (size_t)s->max_feature)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "A model that splits on feature %d was given rows of %zu features",
                        s->max_feature, m->cols);
    if ((what == CH_FOREST_VOTES) && forest->classes == 0) return ch_bug(err, "votes of a regression forest");
    const size_t width = ch_forest_width(forest, what), used = (size_t)(s->used > 0 ? s->used : 1);
    memset(out, 0, m->rows * width * sizeof *out);
    double on_stack[STACK_DOUBLES], *x = on_stack;
    size_t rows = STACK_DOUBLES / used;
    if (rows < ROWS && m->rows > rows) { /* many features: blocks of a cacheable size on the heap, at least a row */
        rows = 32 * STACK_DOUBLES / used > 0 ? 32 * STACK_DOUBLES / used : 1;
        x = malloc((rows < ROWS ? rows : ROWS) * used * sizeof *x);
        if (!x) return ch_no_memory(err);
    }
    if (rows > ROWS) rows = ROWS;
    for (size_t first = 0; first < m->rows; first += rows) {
        size_t n = m->rows - first < rows ? m->rows - first : rows;
        if (m->dense)
            gather_dense(s, m, first, n, x);
        else
            gather_sparse(s, m, first, n, x);
        predict_block(forest, what, x, n, out + first * width);
    }
    if (x != on_stack) free(x);
    return 0;
}

/* ---- binned rows, for boosting ---- */

/* A split node as a step over bins. */
typedef struct binned_node {
    const unsigned char *column;
    const unsigned char *goes_left; /* by bin, or NULL */
    uint32_t index;
    int32_t next[2]; /* left, right */
} binned_node;

static uint32_t bin_index(const ch_bin_feature *feature, double threshold)
{
    int32_t low = 0, high = feature->splits;
    while (low < high) {
        int32_t middle = (low + high) / 2;
        if (feature->thresholds[middle] < threshold)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)low;
}

static inline int32_t binned_step(const binned_node *node, const ch_bins *bins, size_t row)
{
    uint32_t bin = ch_bin_read(node->column + row * bins->stride, bins->wide);
    bool left = node->goes_left ? node->goes_left[bin] : bin <= node->index;
    return node->next[!left];
}

/* Tables of the categories that go left, one after the other, into `table` (bins of the tree's categorical splits). */
static void make_binned_nodes(const ch_tree *tree, const ch_bins *bins, binned_node *node, unsigned char *table)
{
    for (int32_t i = 0; i < tree->nodes; i++) {
        const ch_tree_node *from = &tree->node[i];
        if (from->left < 0) continue;
        node[i] = (binned_node){.column = ch_bins_column(bins, from->feature), .next = {from->left, from->right}};
        if (from->num_categories < 0) {
            node[i].index = bin_index(&bins->feature[from->feature], from->threshold);
            continue;
        }
        for (int32_t c = 0; c < from->category_count; c++)
            table[(size_t)tree->categories[from->category_start + c]] = 1;
        node[i].goes_left = table;
        table += from->num_categories;
    }
}

int ch_tree_add_binned(const ch_tree *tree, const ch_bins *bins, double rate, double *margin, ch_error *err)
{
    size_t table_size = 1, nodes = 0;
    for (int32_t i = 0; i < tree->nodes; i++, nodes++)
        if (tree->node[i].num_categories > 0) table_size += (size_t)tree->node[i].num_categories;
    binned_node *node = calloc(nodes, sizeof *node);
    unsigned char *table = calloc(table_size, 1);
    if (!node || !table) {
        free(node);
        free(table);
        return ch_no_memory(err);
    }
    make_binned_nodes(tree, bins, node, table);
#pragma omp parallel for schedule(static) num_threads(ch_threads()) if (bins->rows > CH_TREE_CHUNK)
    for (size_t row = 0; row < bins->rows; row++) {
        int32_t i = 0;
        while (tree->node[i].left >= 0) i = binned_step(&node[i], bins, row);
        margin[row] += tree->node[i].prediction * rate;
    }
    free(node);
    free(table);
    return 0;
}
