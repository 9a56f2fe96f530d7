/* tree_hist.c: histograms: the sums of a node's rows by feature and bin. The innermost loops of all tree growing.
 *
 * Rows are taken in blocks small enough for the first-level cache: their targets are fetched once, then four features
 * at a time add them to their histograms. Four, because consecutive rows often fall into the same bin, and an addition
 * to memory has to wait for the one before it to the same place; other features' additions fill the time.
 */
#include "math/tree_grow.h"

#include <string.h>

/* One bin of regression statistics: {sum w, sum wy, sum wyy, raw count}, added by one vector instruction. */
typedef double moments __attribute__((vector_size(32), may_alias));

enum { BLOCK = 512, LANES = 4 };

/* A block of rows, decoded. */
typedef struct row_block {
    size_t n;
    bool dense; /* rows are first, first + 1, ...: row[] is not filled */
    size_t first;
    uint32_t row[BLOCK];
    uint32_t copies[BLOCK]; /* only when the target has copies */
} row_block;

static void decode_rows(const ch_target *target, ch_sample sample, size_t at, row_block *block)
{
    block->n = sample.n - at < BLOCK ? sample.n - at : BLOCK;
    block->dense = !sample.entries;
    block->first = sample.first + at;
    if (block->dense) return;
    const uint32_t *entries = sample.entries + at;
    if (!target->copies) {
        memcpy(block->row, entries, block->n * sizeof *entries);
        return;
    }
    for (size_t i = 0; i < block->n; i++) {
        block->row[i] = entries[i] & ((1u << CH_TREE_ROW_BITS) - 1);
        block->copies[i] = entries[i] >> CH_TREE_ROW_BITS;
    }
}

static inline size_t block_row(const row_block *block, size_t i)
{
    return block->dense ? block->first + i : block->row[i];
}

static inline double block_copies(const ch_target *target, const row_block *block, size_t i)
{
    return target->copies ? (double)block->copies[i] : 1.0;
}

static inline uint32_t row_label(const ch_target *target, size_t row)
{
    return target->label8 ? target->label8[row] : target->label32[row];
}

static inline size_t read_bin(const unsigned char *column, bool wide, size_t row)
{
    if (!wide) return column[row];
    uint16_t bin;
    memcpy(&bin, column + 2 * row, sizeof bin);
    return bin;
}

/* ---- the four kinds of addition; `lanes` features at a time, all flags known at compile time ---- */

#define INLINE static inline __attribute__((always_inline))

INLINE void add_moments(const row_block *block, const moments *value, const unsigned char *const *column, bool wide,
                        bool dense, size_t lanes, void *const *hist)
{
    moments *h[LANES];
    for (size_t j = 0; j < lanes; j++) h[j] = hist[j];
    for (size_t i = 0; i < block->n; i++) {
        size_t row = dense ? block->first + i : block->row[i];
        moments v = value[i];
        for (size_t j = 0; j < lanes; j++) h[j][read_bin(column[j], wide, row)] += v;
    }
}

INLINE void add_counts(const row_block *block, const uint32_t *label, bool copies, size_t classes,
                       const unsigned char *const *column, bool wide, bool dense, size_t lanes, void *const *hist)
{
    uint32_t *h[LANES];
    for (size_t j = 0; j < lanes; j++) h[j] = hist[j];
    for (size_t i = 0; i < block->n; i++) {
        size_t row = dense ? block->first + i : block->row[i];
        uint32_t n = copies ? block->copies[i] : 1;
        for (size_t j = 0; j < lanes; j++) h[j][read_bin(column[j], wide, row) * classes + label[i]] += n;
    }
}

INLINE void add_weighted(const row_block *block, const uint32_t *label, const double *weight, bool copies,
                         size_t classes, const unsigned char *const *column, bool wide, bool dense, size_t lanes,
                         void *const *hist)
{
    double *h[LANES];
    for (size_t j = 0; j < lanes; j++) h[j] = hist[j];
    for (size_t i = 0; i < block->n; i++) {
        size_t row = dense ? block->first + i : block->row[i];
        double n = copies ? (double)block->copies[i] : 1.0;
        for (size_t j = 0; j < lanes; j++) {
            double *bin = h[j] + read_bin(column[j], wide, row) * (classes + 1);
            bin[label[i]] += weight[i];
            bin[classes] += n;
        }
    }
}

/* Calls ADD with the flags `wide`, `dense` and `lanes` as constants. */
#define DISPATCH_LANES(ADD, wide, dense)                                                                               \
    switch (lanes) {                                                                                                   \
    case 1: ADD(wide, dense, 1); break;                                                                                \
    case 2: ADD(wide, dense, 2); break;                                                                                \
    case 3: ADD(wide, dense, 3); break;                                                                                \
    default: ADD(wide, dense, 4);                                                                                      \
    }
#define DISPATCH(ADD)                                                                                                  \
    do {                                                                                                               \
        if (wide && block->dense) {                                                                                    \
            DISPATCH_LANES(ADD, true, true)                                                                            \
        } else if (wide) {                                                                                             \
            DISPATCH_LANES(ADD, true, false)                                                                           \
        } else if (block->dense) {                                                                                     \
            DISPATCH_LANES(ADD, false, true)                                                                           \
        } else {                                                                                                       \
            DISPATCH_LANES(ADD, false, false)                                                                          \
        }                                                                                                              \
    } while (0)

static void dispatch_moments(const row_block *block, const moments *value, const unsigned char *const *column,
                             bool wide, size_t lanes, void *const *hist)
{
#define ADD(w, d, l) add_moments(block, value, column, w, d, l, hist)
    DISPATCH(ADD);
#undef ADD
}

static void dispatch_binary(const row_block *block, const uint32_t *label, bool copies,
                            const unsigned char *const *column, bool wide, size_t lanes, void *const *hist)
{
#define ADD(w, d, l) add_counts(block, label, copies, 2, column, w, d, l, hist)
    DISPATCH(ADD);
#undef ADD
}

static void dispatch_counts(const row_block *block, const uint32_t *label, bool copies, size_t classes,
                            const unsigned char *const *column, bool wide, size_t lanes, void *const *hist)
{
#define ADD(w, d, l) add_counts(block, label, copies, classes, column, w, d, l, hist)
    DISPATCH(ADD);
#undef ADD
}

static void dispatch_weighted(const row_block *block, const uint32_t *label, const double *weight, bool copies,
                              size_t classes, const unsigned char *const *column, bool wide, size_t lanes,
                              void *const *hist)
{
#define ADD(w, d, l) add_weighted(block, label, weight, copies, classes, column, w, d, l, hist)
    DISPATCH(ADD);
#undef ADD
}

/* ---- targets of a block ---- */

static inline moments row_moments(const ch_target *target, const row_block *block, size_t i)
{
    size_t row = block_row(block, i);
    double n = block_copies(target, block, i), y = target->y[row];
    double w = target->weight ? n * target->weight[row] : n;
    double wy = w * y;
    return (moments){w, wy, wy * y, n};
}

static void block_labels(const ch_target *target, const row_block *block, uint32_t *label, double *weight)
{
    for (size_t i = 0; i < block->n; i++) label[i] = row_label(target, block_row(block, i));
    if (!target->weight) return;
    for (size_t i = 0; i < block->n; i++)
        weight[i] = block_copies(target, block, i) * target->weight[block_row(block, i)];
}

/* ---- interface ---- */

void ch_hist_add(const ch_bins *bins, const ch_target *target, ch_sample sample, const int32_t *features, size_t n,
                 void *const *hist)
{
    row_block block;
    moments value[BLOCK];
    uint32_t label[BLOCK];
    double weight[BLOCK];
    const size_t classes = (size_t)target->classes;
    for (size_t at = 0; at < sample.n; at += BLOCK) {
        decode_rows(target, sample, at, &block);
        if (classes == 0)
            for (size_t i = 0; i < block.n; i++) value[i] = row_moments(target, &block, i);
        else
            block_labels(target, &block, label, weight);
        for (size_t f = 0; f < n; f += LANES) {
            const unsigned char *column[LANES] = {NULL};
            size_t lanes = n - f < LANES ? n - f : LANES;
            for (size_t j = 0; j < lanes; j++) column[j] = ch_bins_column(bins, features[f + j]);
            if (classes == 0)
                dispatch_moments(&block, value, column, bins->wide, lanes, hist + f);
            else if (target->weight)
                dispatch_weighted(&block, label, weight, target->copies, classes, column, bins->wide, lanes, hist + f);
            else if (classes == 2)
                dispatch_binary(&block, label, target->copies, column, bins->wide, lanes, hist + f);
            else
                dispatch_counts(&block, label, target->copies, classes, column, bins->wide, lanes, hist + f);
        }
    }
}

static bool is_counts(const ch_target *target)
{
    return target->classes > 0 && !target->weight;
}

void ch_hist_merge(const ch_target *target, void *a, const void *b, size_t bytes)
{
    if (is_counts(target)) {
        uint32_t *x = a;
        const uint32_t *y = b;
        for (size_t i = 0; i < bytes / sizeof *x; i++) x[i] += y[i];
    } else {
        double *x = a;
        const double *y = b;
        for (size_t i = 0; i < bytes / sizeof *x; i++) x[i] += y[i];
    }
}

void ch_hist_subtract(const ch_target *target, void *a, const void *b, size_t bytes)
{
    if (is_counts(target)) {
        uint32_t *x = a;
        const uint32_t *y = b;
        for (size_t i = 0; i < bytes / sizeof *x; i++) x[i] -= y[i];
    } else {
        double *x = a;
        const double *y = b;
        for (size_t i = 0; i < bytes / sizeof *x; i++) x[i] -= y[i];
    }
}

void ch_hist_stats(const ch_target *target, const void *hist, size_t bins, double *stats)
{
    if (!is_counts(target)) {
        memcpy(stats, hist, bins * ch_target_stats(target) * sizeof *stats);
        return;
    }
    const size_t classes = (size_t)target->classes;
    const uint32_t *count = hist;
    for (size_t b = 0; b < bins; b++, count += classes, stats += classes + 1) {
        uint64_t raw = 0;
        for (size_t k = 0; k < classes; k++) {
            stats[k] = (double)count[k];
            raw += count[k];
        }
        stats[classes] = (double)raw;
    }
}

void ch_target_sum(const ch_target *target, ch_sample sample, double *out)
{
    row_block block;
    const size_t classes = (size_t)target->classes;
    memset(out, 0, ch_target_stats(target) * sizeof *out);
    for (size_t at = 0; at < sample.n; at += BLOCK) {
        decode_rows(target, sample, at, &block);
        for (size_t i = 0; i < block.n; i++) {
            if (classes == 0) {
                moments v = row_moments(target, &block, i);
                for (int k = 0; k < 4; k++) out[k] += v[k];
                continue;
            }
            size_t row = block_row(&block, i);
            double n = block_copies(target, &block, i);
            out[row_label(target, row)] += target->weight ? n * target->weight[row] : n;
            out[classes] += n;
        }
    }
}
