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

enum { BLOCK = 256, LANES = 4 };

/* A block of rows, decoded. */
typedef struct row_block {
    size_t n;
    size_t row[BLOCK];
    size_t offset[BLOCK];   /* of the row's bins */
    uint32_t copies[BLOCK]; /* 1 unless the target has copies */
} row_block;

static void decode_rows(const ch_target *target, ch_sample sample, size_t at, size_t stride, row_block *block)
{
    block->n = sample.n - at < BLOCK ? sample.n - at : BLOCK;
    const uint32_t *entries = sample.entries ? sample.entries + at : NULL;
    for (size_t i = 0; i < block->n; i++) {
        if (!entries) {
            block->row[i] = sample.first + at + i;
            block->copies[i] = 1;
        } else if (!target->copies) {
            block->row[i] = entries[i];
            block->copies[i] = 1;
        } else {
            block->row[i] = entries[i] & ((1u << CH_TREE_ROW_BITS) - 1);
            block->copies[i] = entries[i] >> CH_TREE_ROW_BITS;
        }
        block->offset[i] = block->row[i] * stride;
    }
}

static inline uint32_t row_label(const ch_target *target, size_t row)
{
    return target->label8 ? target->label8[row] : target->label32[row];
}

/* ---- the kinds of addition; `lanes` features at a time, all flags known at compile time ---- */

#define INLINE static inline __attribute__((always_inline))

INLINE void add_moments(const row_block *block, const moments *value, const unsigned char *const *column, bool wide,
                        size_t lanes, void *const *hist)
{
    moments *h[LANES];
    for (size_t j = 0; j < lanes; j++) h[j] = hist[j];
    for (size_t i = 0; i < block->n; i++) {
        const size_t offset = block->offset[i];
        moments v = value[i];
        for (size_t j = 0; j < lanes; j++) h[j][ch_bin_read(column[j] + offset, wide)] += v;
    }
}

INLINE void add_counts(const row_block *block, const uint32_t *label, size_t classes,
                       const unsigned char *const *column, bool wide, size_t lanes, void *const *hist)
{
    uint32_t *h[LANES];
    for (size_t j = 0; j < lanes; j++) h[j] = hist[j];
    for (size_t i = 0; i < block->n; i++) {
        const size_t offset = block->offset[i];
        for (size_t j = 0; j < lanes; j++)
            h[j][ch_bin_read(column[j] + offset, wide) * classes + label[i]] += block->copies[i];
    }
}

INLINE void add_weighted(const row_block *block, const uint32_t *label, const double *weight, size_t classes,
                         const unsigned char *const *column, bool wide, size_t lanes, void *const *hist)
{
    double *h[LANES];
    for (size_t j = 0; j < lanes; j++) h[j] = hist[j];
    for (size_t i = 0; i < block->n; i++) {
        const size_t offset = block->offset[i];
        for (size_t j = 0; j < lanes; j++) {
            double *bin = h[j] + ch_bin_read(column[j] + offset, wide) * (classes + 1);
            bin[label[i]] += weight[i];
            bin[classes] += block->copies[i];
        }
    }
}

/* Calls ADD with the flags `wide` and `lanes` as constants. */
#define DISPATCH_LANES(ADD, wide)                                                                                      \
    switch (lanes) {                                                                                                   \
    case 1: ADD(wide, 1); break;                                                                                       \
    case 2: ADD(wide, 2); break;                                                                                       \
    case 3: ADD(wide, 3); break;                                                                                       \
    default: ADD(wide, 4);                                                                                             \
    }
#define DISPATCH(ADD)                                                                                                  \
    do {                                                                                                               \
        if (wide) {                                                                                                    \
            DISPATCH_LANES(ADD, true)                                                                                  \
        } else {                                                                                                       \
            DISPATCH_LANES(ADD, false)                                                                                 \
        }                                                                                                              \
    } while (0)

static void dispatch_moments(const row_block *block, const moments *value, const unsigned char *const *column,
                             bool wide, size_t lanes, void *const *hist)
{
#define ADD(w, l) add_moments(block, value, column, w, l, hist)
    DISPATCH(ADD);
#undef ADD
}

static void dispatch_counts(const row_block *block, const uint32_t *label, size_t classes,
                            const unsigned char *const *column, bool wide, size_t lanes, void *const *hist)
{
#define ADD_TWO(w, l) add_counts(block, label, 2, column, w, l, hist)
#define ADD(w, l)     add_counts(block, label, classes, column, w, l, hist)
    if (classes == 2)
        DISPATCH(ADD_TWO);
    else
        DISPATCH(ADD);
#undef ADD
#undef ADD_TWO
}

static void dispatch_weighted(const row_block *block, const uint32_t *label, const double *weight, size_t classes,
                              const unsigned char *const *column, bool wide, size_t lanes, void *const *hist)
{
#define ADD(w, l) add_weighted(block, label, weight, classes, column, w, l, hist)
    DISPATCH(ADD);
#undef ADD
}

/* An unordered feature's histogram by split: bin i are the rows of the categories of the bits of i + 1. */
static void add_subsets(const row_block *block, const uint32_t *label, const double *weight, size_t classes,
                        const ch_bin_feature *feature, const unsigned char *column, bool wide, double *hist)
{
    for (size_t i = 0; i < block->n; i++) {
        const uint32_t category = ch_bin_read(column + block->offset[i], wide);
        double *bin = hist;
        for (uint32_t subset = 1; subset <= (uint32_t)feature->splits; subset++, bin += classes + 1) {
            if (!(subset >> category & 1)) continue;
            bin[label[i]] += weight[i];
            bin[classes] += block->copies[i];
        }
    }
}

/* ---- targets of a block ---- */

static inline moments row_moments(const ch_target *target, const row_block *block, size_t i)
{
    const size_t row = block->row[i];
    const double n = block->copies[i], y = target->y[row];
    const double w = target->weight ? n * target->weight[row] : n;
    const double wy = w * y;
    return (moments){w, wy, wy * y, n};
}

static void block_labels(const ch_target *target, const row_block *block, uint32_t *label, double *weight)
{
    for (size_t i = 0; i < block->n; i++) label[i] = row_label(target, block->row[i]);
    if (!target->weight) return;
    for (size_t i = 0; i < block->n; i++) weight[i] = block->copies[i] * target->weight[block->row[i]];
}

/* ---- interface ---- */

/* Columns of the next features to be added together; 0 when the first one is summed by split. */
static size_t lanes_from(const ch_bins *bins, const ch_target *target, const int32_t *features, size_t n,
                         const unsigned char **column)
{
    size_t lanes = 0;
    for (; lanes < n && lanes < LANES; lanes++) {
        column[lanes] = ch_bins_column(bins, features[lanes]);
        if (ch_hist_by_split(target, &bins->feature[features[lanes]])) break;
    }
    return lanes;
}

/* Asks for the bins of the block that follows, which lie scattered over memory, while this one is worked on. */
static void prefetch_rows(const ch_bins *bins, const ch_target *target, ch_sample sample, size_t at)
{
    if (!sample.entries) return;
    const uint32_t mask = target->copies ? (1u << CH_TREE_ROW_BITS) - 1 : UINT32_MAX;
    const size_t end = sample.n - at < BLOCK ? sample.n : at + BLOCK;
    for (size_t i = at; i < end; i++) __builtin_prefetch(bins->data + (sample.entries[i] & mask) * bins->stride);
}

/* ---- two classes, not weighted: the usual forest ---- */

enum { TWIN_BINS = 256 }; /* bins are bytes */

/* What is a sample entry? */
typedef enum entry_kind { NO_ENTRIES, PLAIN_ROWS, ROWS_AND_COPIES } entry_kind;

/* One block of rows without any of the arrays of row_block: an entry is read, its row's bins are read, counts are
 * added. Rows take turns between two histograms, because an addition that meets the bin of the row before it waits. */
INLINE void count_block(const ch_bins *bins, const uint8_t *label, ch_sample sample, entry_kind kind,
                        const unsigned char *const *column, size_t lanes, uint32_t *const *even, uint32_t *const *odd)
{
    const unsigned char *from[LANES];
    uint32_t *h[2][LANES];
    for (size_t j = 0; j < lanes; j++) {
        from[j] = column[j];
        h[0][j] = even[j];
        h[1][j] = odd[j];
    }
    for (size_t i = 0; i < sample.n; i += 2) {
        for (size_t k = 0; k < 2 && i + k < sample.n; k++) {
            const uint32_t entry = kind == NO_ENTRIES ? 0 : sample.entries[i + k];
            const size_t row = kind == NO_ENTRIES        ? sample.first + i + k
                               : kind == ROWS_AND_COPIES ? entry & ((1u << CH_TREE_ROW_BITS) - 1)
                                                         : entry;
            const uint32_t copies = kind == ROWS_AND_COPIES ? entry >> CH_TREE_ROW_BITS : 1;
            const size_t offset = row * bins->stride, y = label[row];
            for (size_t j = 0; j < lanes; j++) h[k][j][from[j][offset] * 2u + y] += copies;
        }
    }
}

static void dispatch_block(const ch_bins *bins, const uint8_t *label, ch_sample sample, entry_kind kind,
                           const unsigned char *const *column, size_t lanes, uint32_t *const *even,
                           uint32_t *const *odd)
{
#define ADD(kind_, lanes_) count_block(bins, label, sample, kind_, column, lanes_, even, odd)
    switch (kind) {
    case NO_ENTRIES: DISPATCH_LANES(ADD, NO_ENTRIES) break;
    case PLAIN_ROWS: DISPATCH_LANES(ADD, PLAIN_ROWS) break;
    case ROWS_AND_COPIES: DISPATCH_LANES(ADD, ROWS_AND_COPIES) break;
    }
#undef ADD
}

/* The next at most LANES features over all of the sample. */
static void count_lanes(const ch_bins *bins, const ch_target *target, ch_sample sample, entry_kind kind,
                        const int32_t *features, size_t lanes, void *const *hist)
{
    uint32_t twin[LANES][2 * TWIN_BINS], *even[LANES], *odd[LANES];
    const unsigned char *column[LANES];
    for (size_t j = 0; j < lanes; j++) {
        column[j] = ch_bins_column(bins, features[j]);
        even[j] = hist[j];
        odd[j] = twin[j];
        memset(twin[j], 0, (size_t)bins->feature[features[j]].bins * 2 * sizeof **twin);
    }
    for (size_t at = 0; at < sample.n; at += BLOCK) {
        size_t n = sample.n - at < BLOCK ? sample.n - at : BLOCK;
        ch_sample block = {sample.entries ? sample.entries + at : NULL, sample.first + at, n};
        if (at + BLOCK < sample.n) prefetch_rows(bins, target, sample, at + BLOCK);
        dispatch_block(bins, target->label8, block, kind, column, lanes, even, odd);
    }
    for (size_t j = 0; j < lanes; j++)
        for (size_t i = 0; i < (size_t)bins->feature[features[j]].bins * 2; i++) even[j][i] += odd[j][i];
}

/* Each LANES features take a pass over the sample, so this is for few of them. */
static bool is_two_counts(const ch_bins *bins, const ch_target *target, size_t features)
{
    return target->classes == 2 && !target->weight && target->label8 && !bins->wide && features <= 2 * LANES;
}

void ch_hist_add(const ch_bins *bins, const ch_target *target, ch_sample sample, const int32_t *features, size_t n,
                 void *const *hist)
{
    if (is_two_counts(bins, target, n)) {
        const entry_kind kind = !sample.entries ? NO_ENTRIES : target->copies ? ROWS_AND_COPIES : PLAIN_ROWS;
        for (size_t f = 0; f < n; f += LANES)
            count_lanes(bins, target, sample, kind, features + f, n - f < LANES ? n - f : LANES, hist + f);
        return;
    }
    row_block block;
    moments value[BLOCK];
    uint32_t label[BLOCK];
    double weight[BLOCK];
    const size_t classes = (size_t)target->classes;
    for (size_t at = 0; at < sample.n; at += BLOCK) {
        decode_rows(target, sample, at, bins->stride, &block);
        if (at + BLOCK < sample.n) prefetch_rows(bins, target, sample, at + BLOCK);
        if (classes == 0)
            for (size_t i = 0; i < block.n; i++) value[i] = row_moments(target, &block, i);
        else
            block_labels(target, &block, label, weight);
        for (size_t f = 0, lanes; f < n; f += lanes) {
            const unsigned char *column[LANES];
            lanes = lanes_from(bins, target, features + f, n - f, column);
            if (lanes == 0) {
                lanes = 1;
                add_subsets(&block, label, weight, classes, &bins->feature[features[f]], column[0], bins->wide,
                            hist[f]);
            } else if (classes == 0) {
                dispatch_moments(&block, value, column, bins->wide, lanes, hist + f);
            } else if (target->weight) {
                dispatch_weighted(&block, label, weight, classes, column, bins->wide, lanes, hist + f);
            } else {
                dispatch_counts(&block, label, classes, column, bins->wide, lanes, hist + f);
            }
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

/* Statistics of one row of a feature: the counts of its bin or, of an unordered feature, of the split's categories. */
static void counts_to_stats(const uint32_t *hist, size_t classes, uint32_t bins, double *stats)
{
    uint64_t raw = 0;
    for (size_t k = 0; k <= classes; k++) stats[k] = 0;
    for (; bins; bins &= bins - 1) {
        const uint32_t *count = hist + (size_t)__builtin_ctz(bins) * classes;
        for (size_t k = 0; k < classes; k++) {
            stats[k] += (double)count[k];
            raw += count[k];
        }
    }
    stats[classes] = (double)raw;
}

void ch_hist_stats(const ch_target *target, const ch_bin_feature *feature, const void *hist, double *stats)
{
    const size_t rows = ch_stats_rows(feature), classes = (size_t)target->classes;
    if (!is_counts(target)) {
        memcpy(stats, hist, rows * ch_target_stats(target) * sizeof *stats);
        return;
    }
    const uint32_t *count = hist;
    for (uint32_t i = 0; i < rows; i++, stats += classes + 1) {
        if (feature->kind == CH_BIN_UNORDERED)
            counts_to_stats(count, classes, i + 1, stats);
        else
            counts_to_stats(count + i * classes, classes, 1, stats);
    }
}

void ch_target_sum(const ch_target *target, ch_sample sample, double *out)
{
    row_block block;
    const size_t classes = (size_t)target->classes;
    memset(out, 0, ch_target_stats(target) * sizeof *out);
    for (size_t at = 0; at < sample.n; at += BLOCK) {
        decode_rows(target, sample, at, 0, &block);
        for (size_t i = 0; i < block.n; i++) {
            if (classes == 0) {
                moments v = row_moments(target, &block, i);
                for (int k = 0; k < 4; k++) out[k] += v[k];
                continue;
            }
            const size_t row = block.row[i];
            const double n = block.copies[i];
            out[row_label(target, row)] += target->weight ? n * target->weight[row] : n;
            out[classes] += n;
        }
    }
}
