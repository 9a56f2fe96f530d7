/* tree_grow.c: growing trees together, as RandomForest.runBagged of Spark does: nodes wait on a stack, groups of them
 * are taken off, searched for splits, split, and their children put on the stack.
 *
 * The results of nodes do not depend on each other, so a group is worked on in any order; but the features a node may
 * use are drawn from one random stream in the order in which nodes leave the stack. That order is part of a seed's
 * meaning and is kept: groups end where Spark's memory estimate says, and children are pushed in the order in which
 * Spark walks its hash maps of trees (tree_order.c).
 */
#include "math/tree_grow.h"
#include "base/random.h"
#include "math/tree_order.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* ---- the tree while it grows ---- */

typedef struct grow_node {
    int32_t left, right; /* -1 until split */
    int32_t level;
    size_t first, n; /* its rows in the tree's entries */
    bool invalid;    /* searched, but no split obeyed the rules */
    double impurity, gain;
    int32_t feature, index, ncategories;
    uint16_t *categories; /* that go left; owned */
    void *hist;           /* histograms of all features, kept so that a child's can be had by subtraction; owned */
} grow_node;

typedef struct grow_tree {
    grow_node *node;
    size_t n, cap;
    double *stats; /* (cap, width) */
    uint32_t *entries;
    bool all;       /* entries are not filled yet: the root holds all rows */
    size_t waiting; /* nodes on the stack */
    size_t grouped; /* nodes in the group */
    int32_t levels; /* levels reached */
} grow_tree;

/* A node taken off the stack. */
typedef struct group_item {
    int32_t tree;
    size_t node, child; /* child: slot of the left child, the right one is next to it */
    const int32_t *features;
    bool split;
} group_item;

typedef struct stack_entry {
    int32_t tree;
    size_t node;
} stack_entry;

typedef struct grower {
    const ch_grow_job *job;
    ch_split_rules rules;
    size_t width; /* rules.stats */
    ch_node_ctx ctx;
    grow_tree *tree;
    stack_entry *stack;
    size_t depth, stack_cap;
    group_item *item;
    size_t items, items_cap;
    int32_t *subsets; /* (items_cap, subset) */
    int32_t *all_features;
    uint32_t *scratch; /* partitioning of large nodes */
    ch_random random;
    ch_tree_order order;
    size_t hist_bytes; /* of one node, all features */
    size_t kept_bytes; /* of kept histograms */
    long finished;
} grower;

/* Nodes of at least this many rows are worked on by all threads together. */
enum { WIDE_NODE = CH_TREE_CHUNK + 1, WIDE_WORK = 1 << 18 };

static grow_node *node_of(const grower *g, int32_t tree, size_t node)
{
    return &g->tree[tree].node[node];
}

static double *stats_of(const grower *g, int32_t tree, size_t node)
{
    return g->tree[tree].stats + node * g->width;
}

/* realloc to room for `need` items, at least doubling; false when there is no memory. */
static bool make_room(void *pointer, size_t *cap, size_t need, size_t item)
{
    if (need <= *cap) return true;
    size_t room = *cap * 2 > need ? *cap * 2 : need;
    void *old, *grown;
    memcpy(&old, pointer, sizeof old);
    grown = realloc(old, room * item);
    if (!grown) return false;
    memcpy(pointer, &grown, sizeof grown);
    *cap = room;
    return true;
}

/* Appends `more` empty nodes. */
static bool add_nodes(const grower *g, grow_tree *tree, size_t more)
{
    size_t cap = tree->cap;
    if (!make_room(&tree->node, &cap, tree->n + more, sizeof *tree->node)) return false;
    cap = tree->cap;
    if (!make_room(&tree->stats, &cap, tree->n + more, g->width * sizeof *tree->stats)) return false;
    tree->cap = cap;
    for (size_t i = 0; i < more; i++) tree->node[tree->n++] = (grow_node){.left = -1, .right = -1, .gain = -1};
    return true;
}

static ch_sample sample_of(const grow_tree *tree, const grow_node *node)
{
    return (ch_sample){tree->all ? NULL : tree->entries + node->first, node->first, node->n};
}

static ch_route route_of(const grow_node *node)
{
    return (ch_route){node->feature, node->index, node->categories, node->ncategories};
}

/* ---- choosing the nodes of a group (selectNodesToSplit) ---- */

/* SamplingUtils.reservoirSampleAndCount over 0..features-1. */
static void draw_subset(int64_t seed, int32_t features, int32_t n, int32_t *out)
{
    for (int32_t i = 0; i < n; i++) out[i] = i;
    ch_random r = ch_xorshift_random(seed);
    for (int32_t i = n; i < features; i++) {
        int64_t at = (int64_t)(ch_random_double(&r) * (double)(i + 1));
        if (at < n) out[at] = i;
    }
}

/* Spark's estimate of a node's memory in bytes (aggregateSizeForNode). */
static int64_t spark_node_bytes(const grower *g, const int32_t *features, int32_t n)
{
    int64_t bins = 0;
    for (int32_t i = 0; i < n; i++) bins += g->job->bins->feature[features[i]].spark_bins;
    return (g->rules.classes >= 2 ? g->rules.classes : 3) * bins * 8;
}

static bool push(grower *g, int32_t tree, size_t node)
{
    if (!make_room(&g->stack, &g->stack_cap, g->depth + 1, sizeof *g->stack)) return false;
    g->stack[g->depth++] = (stack_entry){tree, node};
    g->tree[tree].waiting++;
    return true;
}

static bool grow_group(grower *g)
{
    size_t cap = g->items_cap;
    if (!make_room(&g->item, &cap, g->items + 1, sizeof *g->item)) return false;
    if (g->job->subset == g->job->bins->features) {
        g->items_cap = cap;
        return true;
    }
    size_t old = g->items_cap;
    int32_t *before = g->subsets;
    if (!make_room(&g->subsets, &old, cap, (size_t)g->job->subset * sizeof *g->subsets)) return false;
    g->items_cap = cap;
    if (g->subsets != before)
        for (size_t i = 0; i < g->items; i++) g->item[i].features = g->subsets + i * (size_t)g->job->subset;
    return true;
}

static bool select_group(grower *g)
{
    const int64_t limit = (int64_t)g->job->params->max_memory_mb * 1024 * 1024;
    const int32_t features = g->job->bins->features, subset = g->job->subset;
    int64_t used = 0;
    g->items = 0;
    ch_tree_order_clear(&g->order);
    for (int32_t t = 0; t < g->job->trees; t++) g->tree[t].grouped = 0;
    while (g->depth > 0) {
        if (g->items == g->items_cap && !grow_group(g)) return false;
        const int32_t *chosen = g->all_features;
        if (subset < features) {
            int32_t *drawn = g->subsets + g->items * (size_t)subset;
            draw_subset(ch_random_long(&g->random), features, subset, drawn);
            chosen = drawn;
        }
        int64_t bytes = spark_node_bytes(g, chosen, subset);
        if (used + bytes > limit && used != 0) break; /* the subset drawn for it is lost: Spark draws anew */
        used += bytes;
        stack_entry top = g->stack[--g->depth];
        g->tree[top.tree].waiting--;
        g->tree[top.tree].grouped++;
        g->item[g->items++] = (group_item){.tree = top.tree, .node = top.node, .features = chosen};
        ch_tree_order_add(&g->order, top.tree);
    }
    return true;
}

/* ---- searching the nodes of a group ---- */

static bool keep_categories(grow_node *node, const ch_split *best)
{
    node->ncategories = best->ncategories;
    if (best->ncategories == 0) return true;
    size_t bytes = (size_t)best->ncategories * sizeof *best->categories;
    node->categories = malloc(bytes);
    if (node->categories) memcpy(node->categories, best->categories, bytes);
    return node->categories;
}

/* Writes down what the search of an item found, children included. Items do not touch each other's nodes. */
static bool settle_item(grower *g, group_item *item, const ch_split *best)
{
    grow_tree *tree = &g->tree[item->tree];
    grow_node *node = &tree->node[item->node];
    node->invalid = !best->valid;
    node->impurity = ch_tree_impurity_of(g->rules.impurity, g->rules.classes, stats_of(g, item->tree, item->node));
    if (!best->valid || best->gain <= 0 || node->level == g->job->params->max_depth) return true;
    item->split = true;
    node->gain = best->gain;
    node->feature = best->feature;
    node->index = best->index;
    node->left = (int32_t)item->child;
    node->right = node->left + 1;
    const double *sides[2] = {best->left, best->right};
    for (size_t s = 0; s < 2; s++) {
        memcpy(stats_of(g, item->tree, item->child + s), sides[s], g->width * sizeof(double));
        grow_node *child = &tree->node[item->child + s];
        child->level = node->level + 1;
        child->impurity = ch_tree_impurity_of(g->rules.impurity, g->rules.classes, sides[s]);
    }
    return keep_categories(node, best);
}

static ch_node_job job_of(const grower *g, const group_item *item)
{
    const grow_tree *tree = &g->tree[item->tree];
    const grow_node *node = &tree->node[item->node];
    return (ch_node_job){.sample = sample_of(tree, node),
                         .features = item->features,
                         .n = g->job->subset,
                         .parent = stats_of(g, item->tree, item->node),
                         .have_parent = node->level > 0,
                         .hist = node->hist};
}

/* Are there enough items to keep each thread busy with its own? Then none has to wait for another. */
static bool many_items(const grower *g)
{
    return !g->ctx.comm && g->items >= 8 * (size_t)g->ctx.threads;
}

/* Is the item one for all threads together? */
static bool is_wide(const grower *g, const group_item *item)
{
    const grow_node *node = node_of(g, item->tree, item->node);
    if (node->hist || g->ctx.comm) return true;
    if (many_items(g)) return false;
    if (node->n >= WIDE_NODE) return true;
    return g->items < (size_t)g->ctx.threads && node->n * (size_t)g->job->subset > WIDE_WORK;
}

static bool keeps_histograms(const grower *g, const grow_node *node);

static int search_wide_item(grower *g, group_item *item, ch_error *err)
{
    CH_TRY(ch_task_check(g->job->params->task, err));
    grow_node *node = node_of(g, item->tree, item->node);
    if (!node->hist && keeps_histograms(g, node)) {
        node->hist = aligned_alloc(64, (g->hist_bytes + 63) / 64 * 64);
        if (!node->hist) return ch_no_memory(err);
        memset(node->hist, 0, g->hist_bytes);
        g->kept_bytes += g->hist_bytes;
        CH_TRY(ch_node_hist(&g->ctx, sample_of(&g->tree[item->tree], node), g->all_features, g->job->subset, node->hist,
                            err));
    }
    ch_node_job job = job_of(g, item);
    CH_TRY(ch_node_search_wide(&g->ctx, &job, err));
    return settle_item(g, item, &g->ctx.worker[0].best) ? 0 : ch_no_memory(err);
}

static int search_small_items(grower *g, ch_error *err)
{
    int failed = 0;
    ch_task *task = g->job->params->task;
#pragma omp parallel for schedule(dynamic) num_threads(g->ctx.threads) reduction(| : failed) if (g->items > 1)
    for (size_t i = 0; i < g->items; i++) {
        group_item *item = &g->item[i];
        if (is_wide(g, item) || (task && atomic_load_explicit(&task->cancelled, memory_order_relaxed))) continue;
        ch_node_worker *w = &g->ctx.worker[omp_get_thread_num()];
        ch_node_job job = job_of(g, item);
        ch_error unused; /* without a comm nothing fails in here */
        (void)ch_node_search(&g->ctx, w, &job, &unused);
        failed |= !settle_item(g, item, &w->best);
    }
    CH_TRY(ch_task_check(task, err));
    return failed ? ch_no_memory(err) : 0;
}

static int search_group(grower *g, ch_error *err)
{
    for (size_t i = 0; i < g->items; i++) {
        grow_tree *tree = &g->tree[g->item[i].tree];
        g->item[i].child = tree->n;
        if (!add_nodes(g, tree, 2)) return ch_no_memory(err);
        if (tree->node[g->item[i].node].level >= tree->levels) tree->levels++;
    }
    for (size_t i = 0; i < g->items; i++)
        if (is_wide(g, &g->item[i])) CH_TRY(search_wide_item(g, &g->item[i], err));
    return search_small_items(g, err);
}

/* ---- sending the rows to the children ---- */

/* Will this child be searched itself? */
static bool child_goes_on(const grower *g, const grow_node *child)
{
    return child->level < g->job->params->max_depth && !(fabs(child->impurity) < CH_TREE_EPSILON);
}

static double prediction_of(const grower *g, int32_t tree, size_t node)
{
    return ch_tree_predict_of(g->rules.classes, stats_of(g, tree, node));
}

/* Adds a finished leaf's prediction to its rows' margins. */
static void add_leaf_margin(grower *g, const grow_tree *tree, const grow_node *node, double prediction)
{
    ch_sample sample = sample_of(tree, node);
    double step = prediction * g->job->rate;
#pragma omp parallel for schedule(static) num_threads(g->ctx.threads) if (sample.n > CH_TREE_CHUNK)
    for (size_t i = 0; i < sample.n; i++) g->job->margin[sample.entries ? sample.entries[i] : sample.first + i] += step;
}

/* Both children are leaves: their rows need not be moved to tell the margins. */
static void add_children_margin(grower *g, const group_item *item)
{
    const grow_tree *tree = &g->tree[item->tree];
    const grow_node *node = &tree->node[item->node];
    const ch_route route = route_of(node);
    const ch_sample sample = sample_of(tree, node);
    const double left = prediction_of(g, item->tree, (size_t)node->left) * g->job->rate;
    const double right = prediction_of(g, item->tree, (size_t)node->right) * g->job->rate;
    const size_t chunks = (sample.n + CH_TREE_CHUNK - 1) / CH_TREE_CHUNK;
#pragma omp parallel for schedule(static) num_threads(g->ctx.threads) if (chunks > 1)
    for (size_t c = 0; c < chunks; c++) {
        size_t at = c * CH_TREE_CHUNK, n = sample.n - at < CH_TREE_CHUNK ? sample.n - at : CH_TREE_CHUNK;
        ch_sample part = {sample.entries ? sample.entries + at : NULL, sample.first + at, n};
        ch_node_add_sides(&g->ctx, &g->ctx.worker[omp_get_thread_num()], part, &route, left, right, g->job->margin);
    }
}

static void place_children(grow_tree *tree, const grow_node *node, size_t left)
{
    grow_node *l = &tree->node[node->left], *r = &tree->node[node->right];
    l->first = node->first;
    l->n = left;
    r->first = node->first + left;
    r->n = node->n - left;
}

/* Orders the rows of a split node by side, when one of its children goes on. `wide`: with all threads. */
static bool split_rows(grower *g, const group_item *item, ch_node_worker *w, bool wide)
{
    grow_tree *tree = &g->tree[item->tree];
    const grow_node *node = &tree->node[item->node];
    const ch_route route = route_of(node);
    const ch_sample sample = sample_of(tree, node);
    size_t left;
    if (wide) {
        if (!g->scratch) {
            size_t most = 0;
            for (int32_t t = 0; t < g->job->trees; t++) most = g->job->rows[t].n > most ? g->job->rows[t].n : most;
            g->scratch = malloc(most * sizeof *g->scratch);
            if (!g->scratch) return false;
        }
        left = ch_node_partition_wide(&g->ctx, sample, tree->entries + node->first, &route, g->scratch);
    } else {
        left = ch_node_partition(&g->ctx, w, sample, tree->entries + node->first, &route);
    }
    if (left == SIZE_MAX) return false;
    tree->all = false;
    place_children(tree, node, left);
    return true;
}

static bool needs_rows(const grower *g, const group_item *item)
{
    if (!item->split) return false;
    const grow_tree *tree = &g->tree[item->tree];
    const grow_node *node = &tree->node[item->node];
    return child_goes_on(g, &tree->node[node->left]) || child_goes_on(g, &tree->node[node->right]);
}

/* Are the rows of the item split by all threads together? */
static bool splits_wide(const grower *g, const group_item *item)
{
    return node_of(g, item->tree, item->node)->n >= WIDE_NODE && !many_items(g);
}

static int split_group_rows(grower *g, ch_error *err)
{
    int failed = 0;
    for (size_t i = 0; i < g->items; i++) {
        const group_item *item = &g->item[i];
        if (!needs_rows(g, item) || !splits_wide(g, item)) continue;
        CH_TRY(ch_task_check(g->job->params->task, err));
        failed |= !split_rows(g, item, NULL, true);
    }
#pragma omp parallel for schedule(dynamic) num_threads(g->ctx.threads) reduction(| : failed) if (g->items > 1)
    for (size_t i = 0; i < g->items; i++) {
        const group_item *item = &g->item[i];
        if (!needs_rows(g, item) || splits_wide(g, item)) continue;
        failed |= !split_rows(g, item, &g->ctx.worker[omp_get_thread_num()], false);
    }
    return failed ? ch_no_memory(err) : 0;
}

static void add_group_margins(grower *g)
{
    for (size_t i = 0; i < g->items; i++) {
        const group_item *item = &g->item[i];
        const grow_tree *tree = &g->tree[item->tree];
        const grow_node *node = &tree->node[item->node];
        if (!item->split) {
            add_leaf_margin(g, tree, node, prediction_of(g, item->tree, item->node));
        } else if (!needs_rows(g, item)) {
            add_children_margin(g, item);
        } else {
            const int32_t child[2] = {node->left, node->right};
            for (int s = 0; s < 2; s++)
                if (!child_goes_on(g, &tree->node[child[s]]))
                    add_leaf_margin(g, tree, &tree->node[child[s]], prediction_of(g, item->tree, (size_t)child[s]));
        }
    }
}

/* ---- histograms by subtraction ---- */

/* Rows from which a child's histogram may be had by subtraction. Counts are exact either way. Sums of doubles are not,
 * and the last bits decide between equally good splits: for samples of at most a chunk, where everything is summed in
 * Spark's order, nothing is subtracted. */
static size_t subtract_from(const grower *g)
{
    const bool counts = g->rules.classes > 0 && !g->job->target->weight;
    return counts || g->job->rows[0].n > CH_TREE_CHUNK ? 4096 : SIZE_MAX;
}

static bool keeps_histograms(const grower *g, const grow_node *node)
{
    if (g->job->subset < g->job->bins->features || g->ctx.comm) return false;
    if (node->level + 1 >= g->job->params->max_depth || node->n < subtract_from(g)) return false;
    return g->kept_bytes + 2 * g->hist_bytes <= (size_t)g->job->params->max_memory_mb << 20;
}

static void drop_histograms(grower *g, grow_node *node)
{
    if (!node->hist) return;
    free(node->hist);
    node->hist = NULL;
    g->kept_bytes -= g->hist_bytes;
}

/* Turns the histograms of a split node into those of its children: the smaller one's are collected, the larger one's
 * are what is left. */
static int hand_down_histograms(grower *g, const group_item *item, ch_error *err)
{
    grow_tree *tree = &g->tree[item->tree];
    grow_node *node = &tree->node[item->node];
    if (!node->hist) return 0;
    if (!needs_rows(g, item)) {
        drop_histograms(g, node);
        return 0;
    }
    grow_node *small = &tree->node[node->left], *large = &tree->node[node->right];
    if (small->n > large->n) {
        grow_node *swap = small;
        small = large;
        large = swap;
    }
    if (!child_goes_on(g, large) || large->n < subtract_from(g)) {
        drop_histograms(g, node);
        return 0;
    }
    void *hist = aligned_alloc(64, (g->hist_bytes + 63) / 64 * 64);
    if (!hist) return ch_no_memory(err);
    memset(hist, 0, g->hist_bytes);
    large->hist = node->hist;
    node->hist = NULL;
    small->hist = hist;
    g->kept_bytes += g->hist_bytes;
    CH_TRY(ch_node_hist(&g->ctx, sample_of(tree, small), g->all_features, g->job->subset, hist, err));
    ch_hist_subtract(g->job->target, large->hist, hist, g->hist_bytes);
    if (!child_goes_on(g, small)) drop_histograms(g, small);
    return 0;
}

/* ---- the loop ---- */

/* Puts the children that go on onto the stack: trees in the order of Spark's map, a tree's nodes in the order they
 * came, left before right. */
static bool push_children(grower *g)
{
    size_t ntrees, at = 0;
    const int32_t *trees = ch_tree_order_get(&g->order, &ntrees);
    size_t *sorted = malloc((g->items + (size_t)g->job->trees) * sizeof *sorted), *start = sorted + g->items;
    if (!sorted) return false;
    for (size_t t = 0; t < ntrees; t++) {
        start[trees[t]] = at;
        at += g->tree[trees[t]].grouped;
    }
    for (size_t i = 0; i < g->items; i++) sorted[start[g->item[i].tree]++] = i;
    bool ok = true;
    for (size_t i = 0; ok && i < g->items; i++) {
        const group_item *item = &g->item[sorted[i]];
        for (size_t s = 0; item->split && s < 2; s++)
            if (child_goes_on(g, node_of(g, item->tree, item->child + s)))
                ok = ok && push(g, item->tree, item->child + s);
    }
    free(sorted);
    return ok;
}

static void report_progress(const grower *g)
{
    if (!g->job->progress) return;
    long done = 0, each = g->job->params->max_depth + 1;
    for (int32_t t = 0; t < g->job->trees; t++) done += g->tree[t].waiting ? g->tree[t].levels : each;
    ch_task_progress(g->job->params->task, "tree levels", done, each * g->job->trees);
}

static int grow_all(grower *g, ch_error *err)
{
    while (g->depth > 0) {
        if (!select_group(g)) return ch_no_memory(err);
        CH_TRY(search_group(g, err));
        CH_TRY(split_group_rows(g, err));
        if (g->job->margin) add_group_margins(g);
        for (size_t i = 0; i < g->items; i++) CH_TRY(hand_down_histograms(g, &g->item[i], err));
        if (!push_children(g)) return ch_no_memory(err);
        report_progress(g);
    }
    return 0;
}

/* ---- from the growing tree to the model (LearningNode.toNode) ---- */

/* Merges sibling leaves of equal prediction into their parent. Returns whether the node is a leaf then, and its
 * prediction. */
static bool prune(const grower *g, int32_t t, size_t i, double *prediction, double *predictions)
{
    grow_node *node = node_of(g, t, i);
    if (node->left >= 0) {
        double left, right;
        bool left_leaf = prune(g, t, (size_t)node->left, &left, predictions);
        bool right_leaf = prune(g, t, (size_t)node->right, &right, predictions);
        if (left_leaf && right_leaf && left == right) {
            node->left = node->right = -1;
            *prediction = predictions[i] = left;
            return true;
        }
    }
    *prediction = predictions[i] = prediction_of(g, t, i);
    return node->left < 0;
}

typedef struct emitter {
    const grower *g;
    int32_t t;
    const double *predictions;
    ch_tree *out;
    size_t width; /* of impurityStats */
} emitter;

static void count_nodes(const grow_tree *tree, size_t i, ch_tree *out)
{
    const grow_node *node = &tree->node[i];
    out->nodes++;
    if (node->left < 0) {
        out->leaves++;
        return;
    }
    out->categories_len += node->ncategories;
    count_nodes(tree, (size_t)node->left, out);
    count_nodes(tree, (size_t)node->right, out);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void emit_split(const emitter *e, const grow_node *from, ch_tree_node *to)
{
    const ch_bin_feature *feature = &e->g->job->bins->feature[from->feature];
    to->feature = from->feature;
    to->gain = from->gain;
    if (feature->kind == CH_BIN_CONTINUOUS) {
        to->threshold = feature->thresholds[from->index];
        return;
    }
    to->num_categories = feature->bins;
    to->category_start = e->out->categories_len;
    to->category_count = from->ncategories;
    double *categories = e->out->categories + e->out->categories_len;
    for (int32_t i = 0; i < from->ncategories; i++) categories[i] = from->categories[i];
    qsort(categories, (size_t)from->ncategories, sizeof *categories, compare_doubles);
    e->out->categories_len += from->ncategories;
}

/* Appends the subtree in pre-order; returns its depth. */
static int32_t emit(const emitter *e, size_t i)
{
    const grow_node *from = node_of(e->g, e->t, i);
    const double *stats = stats_of(e->g, e->t, i);
    const int32_t id = e->out->nodes++;
    ch_tree_node *to = &e->out->node[id];
    *to = (ch_tree_node){.prediction = e->predictions[i],
                         .impurity = from->impurity,
                         .gain = -1,
                         .raw_count = (int64_t)stats[e->g->width - 1],
                         .left = -1,
                         .right = -1,
                         .feature = -1,
                         .num_categories = -1};
    memcpy(e->out->stats + (size_t)id * e->width, stats, e->width * sizeof *stats);
    if (from->left < 0) {
        e->out->leaves++;
        if (from->invalid) to->impurity = -1;
        return 0;
    }
    emit_split(e, from, to);
    to->left = e->out->nodes;
    int32_t left = emit(e, (size_t)from->left);
    to->right = e->out->nodes;
    int32_t right = emit(e, (size_t)from->right);
    return 1 + (left > right ? left : right);
}

static int finish_tree(const grower *g, int32_t t, ch_tree *out, ch_error *err)
{
    *out = (ch_tree){0};
    double *predictions = malloc(g->tree[t].n * sizeof *predictions), root;
    if (!predictions) return ch_no_memory(err);
    (void)prune(g, t, 0, &root, predictions);
    emitter e = {g, t, predictions, out, g->width - 1};
    count_nodes(&g->tree[t], 0, out);
    out->node = calloc((size_t)out->nodes, sizeof *out->node);
    out->stats = calloc((size_t)out->nodes * e.width, sizeof *out->stats);
    out->categories = calloc((size_t)out->categories_len + 1, sizeof *out->categories);
    bool ok = out->node && out->stats && out->categories;
    out->nodes = out->leaves = out->categories_len = 0;
    if (ok) out->depth = emit(&e, 0);
    free(predictions);
    if (ok) return 0;
    ch_tree_reset(out);
    return ch_no_memory(err);
}

void ch_tree_reset(ch_tree *tree)
{
    free(tree->node);
    free(tree->stats);
    free(tree->categories);
    *tree = (ch_tree){0};
}

/* ---- interface ---- */

static void grower_reset(grower *g)
{
    for (int32_t t = 0; g->tree && t < g->job->trees; t++) {
        for (size_t i = 0; i < g->tree[t].n; i++) {
            free(g->tree[t].node[i].categories);
            free(g->tree[t].node[i].hist);
        }
        free(g->tree[t].node);
        free(g->tree[t].stats);
    }
    free(g->tree);
    free(g->stack);
    free(g->item);
    free(g->subsets);
    free(g->all_features);
    free(g->scratch);
    ch_tree_order_reset(&g->order);
    ch_node_ctx_reset(&g->ctx);
}

/* Roots on the stack, the last tree's on top. */
static int grower_init(grower *g, const ch_grow_job *job, ch_error *err)
{
    const ch_tree_params *p = job->params;
    const size_t stats = ch_target_stats(job->target);
    *g = (grower){.job = job, .width = stats, .random = ch_java_random(job->seed)};
    g->rules = (ch_split_rules){.impurity = p->impurity,
                                .classes = job->target->classes,
                                .stats = stats,
                                .min_instances = p->min_instances_per_node,
                                .min_weight = p->min_weight_fraction_per_node * job->bins->weight_sum,
                                .min_info_gain = p->min_info_gain};
    CH_TRY(ch_node_ctx_init(&g->ctx, job->bins, job->target, &g->rules, p->comm, err));
    g->all_features = malloc((size_t)job->bins->features * sizeof *g->all_features);
    g->tree = calloc((size_t)job->trees, sizeof *g->tree);
    if (!g->all_features || !g->tree || !ch_tree_order_init(&g->order, job->trees)) return ch_no_memory(err);
    for (int32_t f = 0; f < job->bins->features; f++) g->all_features[f] = f;
    g->hist_bytes = ch_node_hist_bytes(&g->ctx, g->all_features, job->bins->features);
    for (int32_t t = 0; t < job->trees; t++) {
        grow_tree *tree = &g->tree[t];
        tree->entries = job->rows[t].entries;
        tree->all = job->rows[t].all;
        if (!add_nodes(g, tree, 1) || !push(g, t, 0)) return ch_no_memory(err);
        tree->node[0].n = job->rows[t].n;
    }
    return 0;
}

int ch_trees_grow(const ch_grow_job *job, ch_tree *out, ch_error *err)
{
    grower g;
    int status = grower_init(&g, job, err);
    if (!status) status = grow_all(&g, err);
    int32_t made = 0;
    for (; !status && made < job->trees; made++) status = finish_tree(&g, made, &out[made], err);
    if (status)
        while (made-- > 0) ch_tree_reset(&out[made]);
    grower_reset(&g);
    return status;
}

int ch_tree_params_check(const ch_tree_params *p, ch_error *err)
{
    if (p->max_depth > CH_TREE_MAX_DEPTH)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "requirement failed: DecisionTree currently only supports maxDepth <= 30, but was given "
                        "maxDepth = %d.",
                        p->max_depth);
    if (p->max_depth < 0 || p->max_bins < 2 || p->min_instances_per_node < 1 || !(p->min_info_gain >= 0) ||
        !(p->min_weight_fraction_per_node >= 0 && p->min_weight_fraction_per_node < 0.5) || p->max_memory_mb < 0 ||
        !(p->subsampling_rate > 0 && p->subsampling_rate <= 1))
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: tree parameters out of range");
    return 0;
}
