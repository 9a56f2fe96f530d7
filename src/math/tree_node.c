/* tree_node.c: what growing does to one node: collect its histograms, search them for the best split, send its rows to
 * the two sides. Each comes in a form for one thread (many small nodes are worked on side by side) and a form for all
 * threads (the few large nodes near the root); both give the same bits.
 */
#include "base/thread.h"
#include "math/tree_grow.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of histograms a thread works on at a time, and bytes of all chunks' histograms of a large node. */
static const size_t WORKER_BYTES = 4u << 20, WIDE_BYTES = 64u << 20;

/* Additions, or numbers looked at, from which threads are woken up: less work is done before they are there. */
enum { SHARED_WORK = 1 << 15 };

static size_t feature_bytes(const ch_node_ctx *ctx, int32_t feature)
{
    size_t bytes = ch_hist_bins(ctx->target, &ctx->bins->feature[feature]) * ctx->bin_bytes;
    return (bytes + 31) / 32 * 32;
}

static size_t max_bins(const ch_bins *bins)
{
    size_t max = 1;
    for (int32_t f = 0; f < bins->features; f++) {
        const ch_bin_feature *feature = &bins->feature[f];
        if ((size_t)feature->bins > max) max = (size_t)feature->bins;
        if (ch_stats_rows(feature) > max) max = ch_stats_rows(feature);
    }
    return max;
}

/* ---- working memory ---- */

static void *aligned_zeros(size_t bytes)
{
    size_t size = (bytes + 63) / 64 * 64;
    void *memory = aligned_alloc(64, size ? size : 64);
    if (memory) memset(memory, 0, size);
    return memory;
}

static bool worker_init(ch_node_worker *w, const ch_node_ctx *ctx, ch_error *err)
{
    const size_t features = (size_t)ctx->bins->features, width = ctx->rules->stats;
    w->hist = aligned_zeros(ctx->block_bytes);
    w->part = aligned_zeros(ctx->block_bytes);
    w->stats = malloc(max_bins(ctx->bins) * width * sizeof *w->stats);
    w->sum = calloc(width, sizeof *w->sum);
    w->pointer = calloc(features, sizeof *w->pointer);
    w->live = calloc(features, sizeof *w->live);
    w->entries = malloc((size_t)CH_TREE_CHUNK * sizeof *w->entries);
    w->entries_cap = CH_TREE_CHUNK;
    w->goes_left = malloc(max_bins(ctx->bins));
    return w->hist && w->part && w->stats && w->sum && w->pointer && w->live && w->entries && w->goes_left &&
           !ch_split_init(&w->best, ctx->bins, width, err);
}

int ch_node_ctx_init(ch_node_ctx *ctx, const ch_bins *bins, const ch_target *target, const ch_split_rules *rules,
                     ch_comm *comm, ch_error *err)
{
    *ctx = (ch_node_ctx){.bins = bins, .target = target, .rules = rules, .comm = comm, .threads = ch_threads()};
    ctx->bin_bytes = ch_target_bin_bytes(target);
    size_t total = 0, largest = 0;
    for (int32_t f = 0; f < bins->features; f++) {
        size_t bytes = feature_bytes(ctx, f);
        total += bytes;
        if (bytes > largest) largest = bytes;
    }
    ctx->block_bytes = total < WORKER_BYTES ? total : largest > WORKER_BYTES ? largest : WORKER_BYTES;
    ctx->worker = calloc((size_t)ctx->threads, sizeof *ctx->worker);
    bool ok = ctx->worker;
    for (int t = 0; ok && t < ctx->threads; t++) ok = worker_init(&ctx->worker[t], ctx, err);
    if (ok) return 0;
    ch_node_ctx_reset(ctx);
    return ch_no_memory(err);
}

void ch_node_ctx_reset(ch_node_ctx *ctx)
{
    for (int t = 0; ctx->worker && t < ctx->threads; t++) {
        ch_node_worker *w = &ctx->worker[t];
        free(w->hist);
        free(w->part);
        free(w->stats);
        free(w->sum);
        free(w->pointer);
        free(w->live);
        free(w->entries);
        free(w->goes_left);
        ch_split_reset(&w->best);
    }
    free(ctx->worker);
    *ctx = (ch_node_ctx){0};
}

/* ---- histograms of a node ---- */

static ch_sample chunk_of(ch_sample sample, size_t chunk, size_t rows)
{
    size_t at = chunk * rows;
    size_t n = sample.n - at < rows ? sample.n - at : rows;
    return (ch_sample){sample.entries ? sample.entries + at : NULL, sample.first + at, n};
}

static size_t chunks_of(ch_sample sample)
{
    return sample.n <= CH_TREE_CHUNK ? 1 : (sample.n + CH_TREE_CHUNK - 1) / CH_TREE_CHUNK;
}

/* How many of the features, from the first on, have histograms that fit into `bytes` (at least one). */
static int32_t features_that_fit(const ch_node_ctx *ctx, const int32_t *features, int32_t n, size_t bytes)
{
    size_t used = 0;
    for (int32_t i = 0; i < n; i++) {
        used += feature_bytes(ctx, features[i]);
        if (used > bytes && i > 0) return i;
    }
    return n;
}

static void point(const ch_node_ctx *ctx, const int32_t *features, int32_t n, void *hist, void **pointer)
{
    char *at = hist;
    for (int32_t i = 0; i < n; i++) {
        pointer[i] = at;
        at += feature_bytes(ctx, features[i]);
    }
}

size_t ch_node_hist_bytes(const ch_node_ctx *ctx, const int32_t *features, int32_t n)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < n; i++) bytes += feature_bytes(ctx, features[i]);
    return bytes;
}

/* One thread: hist (zeroed here) of all chunks of the sample, chunk after chunk. */
static void hist_by_one(const ch_node_ctx *ctx, ch_node_worker *w, ch_sample sample, const int32_t *features, int32_t n,
                        void *hist)
{
    const size_t bytes = ch_node_hist_bytes(ctx, features, n), chunks = chunks_of(sample);
    memset(hist, 0, bytes);
    point(ctx, features, n, hist, w->pointer);
    if (chunks == 1) {
        ch_hist_add(ctx->bins, ctx->target, sample, features, (size_t)n, w->pointer);
        return;
    }
    for (size_t c = 0; c < chunks; c++) {
        memset(w->part, 0, bytes);
        point(ctx, features, n, w->part, w->pointer);
        ch_hist_add(ctx->bins, ctx->target, chunk_of(sample, c, CH_TREE_CHUNK), features, (size_t)n, w->pointer);
        ch_hist_merge(ctx->target, hist, w->part, bytes);
    }
}

/* Adds to the histograms of `n` features the sums of the sample's chunks [first, end), made side by side in `parts`
 * (chunks, bytes of the features) and then added in order. */
static void hist_of_chunks(ch_node_ctx *ctx, ch_sample sample, size_t first, size_t end, const int32_t *features,
                           int32_t n, char *hist, char *parts)
{
    const size_t bytes = ch_node_hist_bytes(ctx, features, n), chunks = end - first;
    /* With fewer chunks than threads, the features are shared out as well. */
    int32_t slices = chunks >= (size_t)ctx->threads ? 1 : (ctx->threads + (int32_t)chunks - 1) / (int32_t)chunks;
    int32_t slice = ((n + slices - 1) / slices + 3) / 4 * 4; /* ch_hist_add takes four features at a time */
    slices = (n + slice - 1) / slice;
#pragma omp parallel for schedule(dynamic) num_threads(ctx->threads) if (sample.n * (size_t)n > SHARED_WORK)
    for (size_t unit = 0; unit < chunks * (size_t)slices; unit++) {
        const size_t c = unit / (size_t)slices;
        const int32_t from = (int32_t)(unit % (size_t)slices) * slice, count = n - from < slice ? n - from : slice;
        const size_t skip = ch_node_hist_bytes(ctx, features, from);
        void **pointer = ctx->worker[omp_get_thread_num()].pointer;
        char *part = parts + c * bytes + skip;
        memset(part, 0, ch_node_hist_bytes(ctx, features + from, count));
        point(ctx, features + from, count, part, pointer);
        ch_hist_add(ctx->bins, ctx->target, chunk_of(sample, first + c, CH_TREE_CHUNK), features + from, (size_t)count,
                    pointer);
    }
    for (size_t c = 0; c < chunks; c++) ch_hist_merge(ctx->target, hist, parts + c * bytes, bytes);
}

int ch_node_hist(ch_node_ctx *ctx, ch_sample sample, const int32_t *features, int32_t n, void *hist, ch_error *err)
{
    char *at = hist;
    const size_t chunks = chunks_of(sample);
    for (int32_t done = 0; done < n;) {
        int32_t count = features_that_fit(ctx, features + done, n - done, WORKER_BYTES);
        size_t bytes = ch_node_hist_bytes(ctx, features + done, count);
        size_t together = bytes * chunks <= WIDE_BYTES ? chunks : WIDE_BYTES / bytes > 0 ? WIDE_BYTES / bytes : 1;
        char *parts = aligned_alloc(64, (bytes * together + 63) / 64 * 64);
        if (!parts) return ch_no_memory(err);
        for (size_t c = 0; c < chunks; c += together) {
            size_t end = c + together < chunks ? c + together : chunks;
            hist_of_chunks(ctx, sample, c, end, features + done, count, at, parts);
        }
        free(parts);
        at += bytes;
        done += count;
    }
    return 0;
}

/* ---- search ---- */

/* The node's features that have splits, in order, into worker->live; sets worker->sum if somebody will read it. */
static int32_t prepare_search(const ch_node_ctx *ctx, ch_node_worker *w, const ch_node_job *job, ch_error *err,
                              int *status)
{
    int32_t n = 0;
    bool need_sum = false;
    for (int32_t i = 0; i < job->n; i++) {
        const ch_bin_feature *feature = &ctx->bins->feature[job->features[i]];
        if (feature->splits == 0) continue;
        w->live[n++] = job->features[i];
        need_sum |= feature->kind == CH_BIN_UNORDERED;
    }
    if (need_sum || n == 0) {
        ch_target_sum(ctx->target, job->sample, w->sum);
        *status = ch_comm_sum(ctx->comm, w->sum, ctx->rules->stats, err);
    }
    ch_split_clear(&w->best);
    return n;
}

/* Searches features with histograms at w->pointer[0..n), one after the other. `searcher` lends stats and best. */
static int search_features(const ch_node_ctx *ctx, const ch_node_worker *w, ch_node_worker *searcher, ch_node_job *job,
                           const int32_t *features, void *const *hist, int32_t n, ch_error *err)
{
    for (int32_t i = 0; i < n; i++) {
        const ch_bin_feature *feature = &ctx->bins->feature[features[i]];
        const size_t n_stats = ch_stats_rows(feature) * ctx->rules->stats;
        ch_hist_stats(ctx->target, feature, hist[i], searcher->stats);
        if (ctx->comm) CH_TRY(ch_comm_sum(ctx->comm, searcher->stats, n_stats, err));
        ch_split_search(ctx->rules, ctx->bins, features[i], searcher->stats, w->sum, job->parent, &job->have_parent,
                        &searcher->best);
    }
    return 0;
}

static void settle_parent(const ch_node_ctx *ctx, const ch_node_worker *w, ch_node_job *job, int32_t live)
{
    /* No feature can be split: Spark takes the node's own sums. */
    if (live == 0) memcpy(job->parent, w->sum, ctx->rules->stats * sizeof *job->parent);
    job->have_parent = true;
}

int ch_node_search(ch_node_ctx *ctx, ch_node_worker *w, ch_node_job *job, ch_error *err)
{
    int status = 0;
    const int32_t live = prepare_search(ctx, w, job, err, &status);
    if (status) return status;
    for (int32_t done = 0; done < live;) {
        int32_t n = features_that_fit(ctx, w->live + done, live - done, ctx->block_bytes);
        hist_by_one(ctx, w, job->sample, w->live + done, n, w->hist);
        point(ctx, w->live + done, n, w->hist, w->pointer);
        CH_TRY(search_features(ctx, w, w, job, w->live + done, w->pointer, n, err));
        done += n;
    }
    settle_parent(ctx, w, job, live);
    return 0;
}

/* Searches n features whose histograms lie one after the other, sharing them out in contiguous ranges, so that taking
 * the ranges' winners in order keeps "the first of equals". */
static int search_wide_block(ch_node_ctx *ctx, ch_node_job *job, const int32_t *features, char *hist, int32_t n,
                             ch_error *err)
{
    ch_node_worker *w = &ctx->worker[0];
    point(ctx, features, n, hist, w->pointer);
    int32_t at = 0;
    if (!job->have_parent && n > 0) { /* the first feature decides what a root's statistics are */
        CH_TRY(search_features(ctx, w, w, job, features, w->pointer, 1, err));
        at = 1;
    }
    size_t bins = 0;
    for (int32_t i = at; i < n; i++) bins += (size_t)ctx->bins->feature[features[i]].bins;
    const bool shared = !ctx->comm && n - at >= 2 && ctx->threads > 1 && bins * ctx->rules->stats > SHARED_WORK;
    if (!shared) return search_features(ctx, w, w, job, features + at, w->pointer + at, n - at, err);
    const int32_t ranges = ctx->threads < n - at ? ctx->threads : n - at;
    for (int32_t t = 1; t < ranges; t++) ch_split_clear(&ctx->worker[t].best);
#pragma omp parallel for schedule(static, 1) num_threads(ranges)
    for (int32_t t = 0; t < ranges; t++) {
        int32_t first = at + (int32_t)((int64_t)(n - at) * t / ranges);
        int32_t end = at + (int32_t)((int64_t)(n - at) * (t + 1) / ranges);
        /* Cannot fail: there is no comm. */
        (void)search_features(ctx, w, &ctx->worker[t], job, features + first, w->pointer + first, end - first, err);
    }
    for (int32_t t = 1; t < ranges; t++) ch_split_keep_better(&w->best, &ctx->worker[t].best, ctx->rules->stats);
    return 0;
}

/* A node whose histograms of all features exist: those of live features are searched in place. */
static int search_made(ch_node_ctx *ctx, ch_node_job *job, int32_t live, ch_error *err)
{
    const int32_t *features = ctx->worker[0].live;
    char *at = job->hist;
    for (int32_t i = 0, j = 0; j < live;) { /* runs of consecutive live features */
        while (job->features[i] != features[j]) at += feature_bytes(ctx, job->features[i++]);
        int32_t n = 0;
        while (j + n < live && job->features[i + n] == features[j + n]) n++;
        CH_TRY(search_wide_block(ctx, job, features + j, at, n, err));
        at += ch_node_hist_bytes(ctx, features + j, n);
        i += n;
        j += n;
    }
    return 0;
}

int ch_node_search_wide(ch_node_ctx *ctx, ch_node_job *job, ch_error *err)
{
    ch_node_worker *w = &ctx->worker[0];
    int status = 0;
    const int32_t live = prepare_search(ctx, w, job, err, &status);
    if (status) return status;
    if (job->hist) {
        CH_TRY(search_made(ctx, job, live, err));
        settle_parent(ctx, w, job, live);
        return 0;
    }
    for (int32_t done = 0; done < live;) {
        int32_t n = features_that_fit(ctx, w->live + done, live - done, ctx->block_bytes);
        memset(w->hist, 0, ch_node_hist_bytes(ctx, w->live + done, n));
        CH_TRY(ch_node_hist(ctx, job->sample, w->live + done, n, w->hist, err));
        CH_TRY(search_wide_block(ctx, job, w->live + done, w->hist, n, err));
        done += n;
    }
    settle_parent(ctx, w, job, live);
    return 0;
}

/* ---- sending rows to the sides ---- */

/* A route with what a loop over rows needs. */
typedef struct router {
    const unsigned char *column;
    size_t stride;
    uint32_t index;
    const unsigned char *goes_left; /* by category, or NULL: by index */
    bool wide;
    uint32_t mask; /* row of an entry */
} router;

static router make_router(const ch_node_ctx *ctx, ch_node_worker *w, const ch_route *route)
{
    router r = {ch_bins_column(ctx->bins, route->feature),
                ctx->bins->stride,
                (uint32_t)route->index,
                NULL,
                ctx->bins->wide,
                ctx->target->copies ? (1u << CH_TREE_ROW_BITS) - 1 : UINT32_MAX};
    if (route->ncategories > 0) {
        memset(w->goes_left, 0, (size_t)ctx->bins->feature[route->feature].bins);
        for (int32_t i = 0; i < route->ncategories; i++) w->goes_left[route->categories[i]] = 1;
        r.goes_left = w->goes_left;
    }
    return r;
}

static inline bool router_left(const router *r, size_t row)
{
    uint32_t bin = ch_bin_read(r->column + row * r->stride, r->wide);
    return r->goes_left ? r->goes_left[bin] : bin <= r->index;
}

static inline uint32_t sample_entry(ch_sample sample, size_t i)
{
    return sample.entries ? sample.entries[i] : (uint32_t)(sample.first + i);
}

/* Writes the sample's entries to the ends of left and right; returns how many went left. Branch-free: both ends are
 * written and one is moved on. left may overlay the sample, never ahead of it. */
static size_t split_entries(const router *r, ch_sample sample, uint32_t *left, uint32_t *right)
{
    enum { AHEAD = 32 }; /* rows asked for before they are needed */
    size_t nleft = 0, nright = 0;
    for (size_t i = 0; i < sample.n; i++) {
        if (sample.entries && i + AHEAD < sample.n)
            __builtin_prefetch(r->column + (sample.entries[i + AHEAD] & r->mask) * r->stride);
        uint32_t entry = sample_entry(sample, i);
        size_t goes = router_left(r, entry & r->mask);
        left[nleft] = entry;
        right[nright] = entry;
        nleft += goes;
        nright += 1 - goes;
    }
    return nleft;
}

size_t ch_node_partition(ch_node_ctx *ctx, ch_node_worker *w, ch_sample sample, uint32_t *entries,
                         const ch_route *route)
{
    if (sample.n > w->entries_cap) {
        uint32_t *grown = realloc(w->entries, sample.n * sizeof *grown);
        if (!grown) return SIZE_MAX;
        w->entries = grown;
        w->entries_cap = sample.n;
    }
    router r = make_router(ctx, w, route);
    size_t left = split_entries(&r, sample, entries, w->entries);
    memcpy(entries + left, w->entries, (sample.n - left) * sizeof *entries);
    return left;
}

enum { WIDE_ROWS = 16384 }; /* rows a thread partitions at a time in a large node */

size_t ch_node_partition_wide(ch_node_ctx *ctx, ch_sample sample, uint32_t *entries, const ch_route *route,
                              uint32_t *scratch)
{
    const router r = make_router(ctx, &ctx->worker[0], route);
    const size_t chunks = (sample.n + WIDE_ROWS - 1) / WIDE_ROWS;
    size_t *left = calloc(chunks, sizeof *left), *start = calloc(chunks, sizeof *start), total = 0;
    if (!left || !start) {
        free(left);
        free(start);
        return SIZE_MAX;
    }
    /* Each chunk by itself, into scratch; then all left sides and all right sides back, now that their places are
     * known. */
#pragma omp parallel for schedule(static) num_threads(ctx->threads)
    for (size_t c = 0; c < chunks; c++) {
        ch_sample chunk = chunk_of(sample, c, WIDE_ROWS);
        uint32_t *there = ctx->worker[omp_get_thread_num()].entries, *here = scratch + c * WIDE_ROWS;
        left[c] = split_entries(&r, chunk, here, there);
        memcpy(here + left[c], there, (chunk.n - left[c]) * sizeof *here);
    }
    for (size_t c = 0; c < chunks; c++) {
        start[c] = total;
        total += left[c];
    }
#pragma omp parallel for schedule(static) num_threads(ctx->threads)
    for (size_t c = 0; c < chunks; c++) {
        const size_t at = c * WIDE_ROWS, n = chunk_of(sample, c, WIDE_ROWS).n;
        memcpy(entries + start[c], scratch + at, left[c] * sizeof *entries);
        memcpy(entries + total + (at - start[c]), scratch + at + left[c], (n - left[c]) * sizeof *entries);
    }
    free(left);
    free(start);
    return total;
}

void ch_node_add_sides(ch_node_ctx *ctx, ch_node_worker *w, ch_sample sample, const ch_route *route, double left,
                       double right, double *margin)
{
    const router r = make_router(ctx, w, route);
    for (size_t i = 0; i < sample.n; i++) {
        uint32_t row = sample_entry(sample, i) & r.mask;
        margin[row] += router_left(&r, row) ? left : right;
    }
}
