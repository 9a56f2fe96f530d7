/* tree_order.h: in which order Spark walks a group's trees. Private to math/tree_grow.c.
 *
 * RandomForest.selectNodesToSplit collects a group's nodes in a mutable hash map from tree to nodes and turns it into
 * an immutable one; findBestSplits walks that one and pushes children as it goes. The random streams of a forest depend
 * on this order, so it is reproduced: Scala 2.13's mutable.HashMap (buckets in index order), then immutable.Map
 * (insertion order up to four keys, else the hash trie's order).
 */
#ifndef CHERT_MATH_TREE_ORDER_H
#define CHERT_MATH_TREE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ch_tree_order {
    int32_t *tree; /* distinct trees, in the order they came; after ch_tree_order_get in Spark's order */
    int32_t *spare;
    bool *seen; /* (trees) */
    size_t n;
} ch_tree_order;

bool ch_tree_order_init(ch_tree_order *order, int32_t trees); /* false: no memory */
void ch_tree_order_reset(ch_tree_order *order);
void ch_tree_order_clear(ch_tree_order *order);
void ch_tree_order_add(ch_tree_order *order, int32_t tree); /* 0 <= tree < trees, any number of times */
/* The distinct trees added, in the order Spark walks them; valid until the next call. */
const int32_t *ch_tree_order_get(ch_tree_order *order, size_t *n);

#endif
