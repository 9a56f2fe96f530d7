/* tree_order.c: the iteration orders of Scala's hash maps over tree numbers; see tree_order.h. */
#include "math/tree_order.h"

#include <stdlib.h>
#include <string.h>

bool ch_tree_order_init(ch_tree_order *order, int32_t trees)
{
    const size_t n = trees > 0 ? (size_t)trees : 1;
    *order = (ch_tree_order){malloc(n * sizeof(int32_t)), malloc(n * sizeof(int32_t)), calloc(n, sizeof(bool)), 0};
    return order->tree && order->spare && order->seen;
}

void ch_tree_order_reset(ch_tree_order *order)
{
    free(order->tree);
    free(order->spare);
    free(order->seen);
    *order = (ch_tree_order){0};
}

void ch_tree_order_clear(ch_tree_order *order)
{
    for (size_t i = 0; i < order->n; i++) order->seen[order->tree[i]] = false;
    order->n = 0;
}

void ch_tree_order_add(ch_tree_order *order, int32_t tree)
{
    if (order->seen[tree]) return;
    order->seen[tree] = true;
    order->tree[order->n++] = tree;
}

/* Buckets of a mutable.HashMap after n insertions: it starts with 16 and doubles when three quarters would be full. */
static uint32_t bucket_count(size_t n)
{
    uint32_t buckets = 16;
    while (n >= (size_t)(buckets * 0.75)) buckets *= 2;
    return buckets;
}

static uint32_t mutable_hash(int32_t key)
{
    return (uint32_t)key ^ ((uint32_t)key >> 16);
}

/* collection.Hashing.improve, which spreads the keys of an immutable.HashMap. */
static uint32_t immutable_hash(int32_t key)
{
    uint32_t h = (uint32_t)key;
    h += ~(h << 9);
    h ^= h >> 14;
    h += h << 4;
    return h ^ (h >> 10);
}

/* By bucket, and within a bucket by hash, as its chain is kept. */
static int compare_in_table(uint32_t buckets, int32_t a, int32_t b)
{
    uint32_t x = mutable_hash(a), y = mutable_hash(b), mask = buckets - 1;
    if ((x & mask) != (y & mask)) return (x & mask) < (y & mask) ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void order_by_bucket(ch_tree_order *order)
{
    const uint32_t buckets = bucket_count(order->n);
    for (size_t run = 1; run < order->n; run *= 2) { /* merge sort, bottom up */
        for (size_t first = 0; first < order->n; first += 2 * run) {
            size_t a = first, a_end = first + run < order->n ? first + run : order->n;
            size_t b = a_end, b_end = a_end + run < order->n ? a_end + run : order->n;
            for (size_t i = first; i < b_end; i++) {
                bool take_b =
                    b < b_end && (a == a_end || compare_in_table(buckets, order->tree[b], order->tree[a]) < 0);
                order->spare[i] = take_b ? order->tree[b++] : order->tree[a++];
            }
        }
        memcpy(order->tree, order->spare, order->n * sizeof *order->tree);
    }
}

/* Puts keys[0..n), all in one node of the trie at `shift`, in its order: first those alone on their branch, then the
 * branches with several keys, each by branch number. */
static void order_by_trie(int32_t *keys, int32_t *spare, size_t n, int shift)
{
    size_t count[32] = {0}, at = 0;
    for (size_t i = 0; i < n; i++) count[immutable_hash(keys[i]) >> shift & 31]++;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t branch = 0; branch < 32; branch++) {
            if (count[branch] == 0 || (count[branch] > 1) != pass) continue;
            for (size_t i = 0; i < n; i++)
                if ((immutable_hash(keys[i]) >> shift & 31) == branch) spare[at++] = keys[i];
        }
    memcpy(keys, spare, n * sizeof *keys);
    for (size_t i = 0; i < n; i += count[immutable_hash(keys[i]) >> shift & 31]) {
        size_t same = count[immutable_hash(keys[i]) >> shift & 31];
        if (same > 1 && shift < 30) order_by_trie(keys + i, spare, same, shift + 5);
    }
}

const int32_t *ch_tree_order_get(ch_tree_order *order, size_t *n)
{
    order_by_bucket(order);
    if (order->n > 4) order_by_trie(order->tree, order->spare, order->n, 0);
    *n = order->n;
    return order->tree;
}
