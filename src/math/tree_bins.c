/* tree_bins.c: from feature values to bins: split candidates from a sample of the rows, then every value replaced by
 * the number of its bin. Follows RandomForest.findSplits, DecisionTreeMetadata.buildMetadata and TreePoint of Spark.
 */
#include "base/random.h"
#include "base/thread.h"
#include "math/tree_grow.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- which features are what (DecisionTreeMetadata.buildMetadata) ---- */

static int check_arities(const int32_t *arity, int32_t features, int32_t max_bins, ch_error *err)
{
    int32_t worst = 0;
    for (int32_t f = 1; f < features; f++)
        if (arity[f] > arity[worst]) worst = f;
    if (arity[worst] <= max_bins) return 0;
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                    "requirement failed: DecisionTree requires maxBins (= %d) to be at least as large as the number of "
                    "values in each categorical feature, but categorical feature %d has %d values. Consider removing "
                    "this and other categorical features with a large number of values, or add more training "
                    "examples.",
                    max_bins, worst, arity[worst]);
}

/* Kinds and numbers of bins before the continuous features' splits are known. */
static void describe_features(ch_bin_feature *feature, const int32_t *arity, int32_t features, int32_t classes,
                              int32_t max_bins)
{
    /* Categorical features of few categories may be split into any two subsets, in multiclass classification. */
    int max_unordered = (int)floor(log((double)(max_bins / 2 + 1)) / log(2.0) + 1);
    for (int32_t f = 0; f < features; f++) {
        int32_t k = arity ? arity[f] : 0;
        ch_bin_feature *out = &feature[f];
        *out = (ch_bin_feature){.kind = CH_BIN_CONTINUOUS, .spark_bins = max_bins};
        if (k == 0) continue;
        out->bins = k;
        if (k == 1) {
            out->kind = CH_BIN_SINGLE;
        } else if (classes > 2 && k <= max_unordered) {
            out->kind = CH_BIN_UNORDERED;
            out->splits = out->spark_bins = (1 << (k - 1)) - 1;
        } else {
            out->kind = CH_BIN_ORDERED;
            out->spark_bins = k;
            out->splits = k - 1;
        }
    }
}

/* ---- the sample of rows that the thresholds come from ---- */

typedef struct row_sample {
    uint32_t *rows; /* ascending; NULL: all rows of the matrix */
    size_t n;
    double fraction;
} row_sample;

/* RDD.sample without replacement, of the partition with the comm's rank: BernoulliSampler, with its gap sampling for
 * small fractions. */
static int sample_rows(size_t rows, double fraction, int64_t seed, const ch_comm *comm, row_sample *out, ch_error *err)
{
    *out = (row_sample){.fraction = fraction, .n = rows};
    if (fraction >= 1) return 0;
    out->rows = malloc(rows * sizeof *out->rows);
    if (!out->rows) return ch_no_memory(err);
    ch_random seeds = ch_xorshift_random(seed);
    ch_random partitions = ch_java_random(ch_random_int(&seeds));
    for (int skip = comm ? comm->rank : 0; skip > 0; skip--) (void)ch_random_long(&partitions);
    ch_random r = ch_xorshift_random(ch_random_long(&partitions));
    size_t n = 0;
    if (fraction > 0.4) { /* RandomSampler.defaultMaxGapSamplingFraction */
        for (size_t i = 0; i < rows; i++)
            if (ch_random_double(&r) <= fraction) out->rows[n++] = (uint32_t)i;
    } else {
        const double log_miss = log1p(-fraction);
        for (size_t i = 0; i < rows; i++) {
            double gap = log(fmax(ch_random_double(&r), 5e-11)) / log_miss;
            i += (size_t)gap;
            if (i < rows) out->rows[n++] = (uint32_t)i;
        }
    }
    out->n = n;
    return 0;
}

/* RandomForest.samplesFractionForFindSplits; the square overflows as Spark's Int does. */
static double sample_fraction(double rows, int32_t max_bins)
{
    int32_t square = (int32_t)((uint32_t)max_bins * (uint32_t)max_bins);
    double required = square > 10000 ? square : 10000;
    return required < rows ? required / rows : 1.0;
}

/* ---- thresholds of one continuous feature ---- */

typedef struct value_list {
    double *value, *weight; /* non-zero values of the sample in row order; weight NULL: all 1 */
    size_t n;
} value_list;

/* Order-preserving image of a double among the unsigned numbers, and back. */
static uint64_t sort_key(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits ^ ((bits >> 63) ? UINT64_MAX : 1ULL << 63);
}

/* One stable counting pass on the byte at `shift`; false when all keys agree on it. */
static bool radix_pass(const value_list *from, value_list *to, int shift)
{
    size_t start[256] = {0};
    for (size_t i = 0; i < from->n; i++) start[(sort_key(from->value[i]) >> shift) & 255]++;
    size_t total = 0;
    for (int b = 0; b < 256; b++) {
        if (start[b] == from->n) return false;
        size_t count = start[b];
        start[b] = total;
        total += count;
    }
    for (size_t i = 0; i < from->n; i++) {
        size_t at = start[(sort_key(from->value[i]) >> shift) & 255]++;
        to->value[at] = from->value[i];
        if (from->weight) to->weight[at] = from->weight[i];
    }
    to->n = from->n;
    return true;
}

/* Sorts by value, keeping the row order of equals so that their weights add up as in Spark. `spare` has equal room. */
static value_list sort_values(value_list list, value_list spare)
{
    for (int shift = 0; shift < 64; shift += 8) {
        if (!radix_pass(&list, &spare, shift)) continue;
        value_list swap = list;
        list = spare;
        spare = swap;
    }
    return list;
}

/* Replaces the sorted list by its distinct values and the sum of their weights, kept in `weight`. */
static void merge_equal_values(value_list *list, double *weight)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++) {
        double w = list->weight ? list->weight[i] : 1.0;
        if (n && list->value[n - 1] == list->value[i]) {
            weight[n - 1] += w;
        } else {
            list->value[n] = list->value[i];
            weight[n++] = w;
        }
    }
    list->n = n;
    list->weight = weight;
}

/* Adds the value 0 with the weight that the non-zero values lack, in its place. The arrays have room for one more. */
static void add_zeros(value_list *list, size_t nonzero_rows, double expected)
{
    double present = 0;
    for (size_t i = 0; i < list->n; i++) present += list->weight[i];
    double tolerance = CH_TREE_EPSILON * (double)nonzero_rows * 100;
    if (!(expected - present > tolerance)) return;
    size_t at = 0;
    while (at < list->n && list->value[at] < 0) at++;
    memmove(list->value + at + 1, list->value + at, (list->n - at) * sizeof *list->value);
    memmove(list->weight + at + 1, list->weight + at, (list->n - at) * sizeof *list->weight);
    list->value[at] = 0;
    list->weight[at] = expected - present;
    list->n++;
}

/* RandomForest.findSplitsForContinuousFeature on distinct values: all midpoints when there are few values, else about
 * `max_splits` thresholds a stride of weight apart. out has room for list->n. Returns the number of thresholds. */
static int32_t choose_thresholds(const value_list *list, double expected, int32_t max_splits, double *out)
{
    if (list->n < 2) return 0;
    int32_t n = 0;
    if (list->n - 1 <= (size_t)max_splits) {
        for (size_t i = 1; i < list->n; i++) out[n++] = (list->value[i - 1] + list->value[i]) / 2.0;
        return n;
    }
    double stride = expected / (max_splits + 1), target = stride, count = list->weight[0];
    for (size_t i = 1; i < list->n; i++) {
        double before = count;
        count += list->weight[i];
        if (fabs(before - target) < fabs(count - target)) {
            out[n++] = (list->value[i - 1] + list->value[i]) / 2.0;
            target += stride;
        }
    }
    return n;
}

/* Working memory of one thread for threshold_feature, each array with room for the sample's rows + 1. */
typedef struct threshold_work {
    value_list spare;
    double *merged_weight, *thresholds;
} threshold_work;

static int threshold_feature(ch_bin_feature *feature, value_list list, threshold_work *work, double expected,
                             int32_t max_bins)
{
    size_t nonzero_rows = list.n;
    feature->bins = feature->spark_bins = 1;
    feature->splits = 0;
    if (nonzero_rows == 0) return 0; /* only zeros: no record, no split */
    value_list spare = {work->spare.value, list.weight ? work->spare.weight : NULL, 0};
    value_list sorted = sort_values(list, spare);
    merge_equal_values(&sorted, work->merged_weight);
    add_zeros(&sorted, nonzero_rows, expected);
    int32_t n = choose_thresholds(&sorted, expected, max_bins - 1, work->thresholds);
    if (n == 0) return 0;
    feature->thresholds = malloc((size_t)n * sizeof(double));
    if (!feature->thresholds) return CH_E_MEMORY;
    memcpy(feature->thresholds, work->thresholds, (size_t)n * sizeof(double));
    feature->splits = n;
    feature->bins = feature->spark_bins = n + 1;
    return 0;
}

/* ---- gathering the sample by feature ---- */

static size_t sampled_row(const row_sample *sample, size_t i)
{
    return sample->rows ? sample->rows[i] : i;
}

static void push_value(value_list *list, double value, const ch_matrix *m, size_t row)
{
    if (value == 0.0) return;
    if (list->weight) list->weight[list->n] = m->weight[row];
    list->value[list->n++] = value;
}

/* Fills lists[f - first] for the features first..end from the sampled rows. */
static void gather_values(const ch_matrix *m, const row_sample *sample, int32_t first, int32_t end, value_list *lists)
{
    for (int32_t f = first; f < end; f++) lists[f - first].n = 0;
    for (size_t i = 0; i < sample->n; i++) {
        size_t row = sampled_row(sample, i);
        if (m->dense) {
            const double *x = m->dense + row * m->cols;
            for (int32_t f = first; f < end; f++) push_value(&lists[f - first], x[f], m, row);
            continue;
        }
        for (size_t k = m->row_start[row]; k < m->row_start[row + 1]; k++)
            if (m->index[k] >= first && m->index[k] < end) push_value(&lists[m->index[k] - first], m->value[k], m, row);
    }
}

/* Bytes of gathered values held at a time. */
static const size_t GATHER_BYTES = 64u << 20;

typedef struct threshold_job {
    const ch_matrix *m;
    row_sample sample;
    double expected;
    int32_t max_bins, block; /* features gathered at a time */
    double *memory;          /* block lists, then one threshold_work for each thread */
    value_list *lists;
    size_t room; /* of each array: rows sampled by all workers, and one */
    int threads;
    ch_comm *comm;
} threshold_job;

static threshold_work thread_work(const threshold_job *job, int thread)
{
    size_t per_list = job->m->weight ? 2 : 1;
    double *at = job->memory + job->room * (per_list * (size_t)job->block + 4 * (size_t)thread);
    return (threshold_work){{at, at + job->room, 0}, at + 2 * job->room, at + 3 * job->room};
}

/* Replaces numbers[0..n) of each worker by those of all workers, in rank order: each puts its own between zeros, and
 * the zeros are summed away. counts (comm->size) are the n of all. `spare` has room for the whole. */
static int join_numbers(ch_comm *comm, double *numbers, const double *counts, double *spare, ch_error *err)
{
    size_t before = 0, all = 0;
    for (int r = 0; r < comm->size; r++) {
        if (r < comm->rank) before += (size_t)counts[r];
        all += (size_t)counts[r];
    }
    memset(spare, 0, all * sizeof *spare);
    memcpy(spare + before, numbers, (size_t)counts[comm->rank] * sizeof *spare);
    CH_TRY(ch_comm_sum(comm, spare, all, err));
    memcpy(numbers, spare, all * sizeof *spare);
    return 0;
}

/* Every worker gets the values that any worker sampled. */
static int join_lists(threshold_job *job, int32_t n, ch_error *err)
{
    ch_comm *comm = job->comm;
    if (!comm || comm->size < 2) return 0;
    double *counts = calloc((size_t)comm->size, sizeof *counts);
    if (!counts) return ch_no_memory(err);
    double *spare = thread_work(job, 0).merged_weight;
    int status = 0;
    for (int32_t i = 0; i < n && !status; i++) {
        value_list *list = &job->lists[i];
        memset(counts, 0, (size_t)comm->size * sizeof *counts);
        counts[comm->rank] = (double)list->n;
        status = ch_comm_sum(comm, counts, (size_t)comm->size, err);
        if (!status) status = join_numbers(comm, list->value, counts, spare, err);
        if (!status && list->weight) status = join_numbers(comm, list->weight, counts, spare, err);
        list->n = 0;
        for (int r = 0; r < comm->size; r++) list->n += (size_t)counts[r];
    }
    free(counts);
    return status;
}

static int threshold_block(threshold_job *job, ch_bin_feature *feature, int32_t first, int32_t end, ch_error *err)
{
    gather_values(job->m, &job->sample, first, end, job->lists);
    CH_TRY(join_lists(job, end - first, err));
    int failed = 0;
#pragma omp parallel for schedule(dynamic) num_threads(job->threads) reduction(| : failed)
    for (int32_t f = first; f < end; f++) {
        if (feature[f].kind != CH_BIN_CONTINUOUS) continue;
        threshold_work work = thread_work(job, omp_get_thread_num());
        failed |= threshold_feature(&feature[f], job->lists[f - first], &work, job->expected, job->max_bins);
    }
    return failed ? ch_no_memory(err) : 0;
}

static int find_thresholds(threshold_job *job, ch_bin_feature *feature, int32_t features, ch_task *task, ch_error *err)
{
    size_t per_list = job->m->weight ? 2 : 1;
    double sampled = (double)job->sample.n;
    CH_TRY(ch_comm_sum(job->comm, &sampled, 1, err));
    job->room = (size_t)sampled + 1;
    job->threads = ch_threads() < features ? ch_threads() : features;
    size_t fit = GATHER_BYTES / (job->room * per_list * sizeof(double));
    job->block = fit < 1 ? 1 : fit > (size_t)features ? features : (int32_t)fit;
    job->lists = calloc((size_t)job->block, sizeof *job->lists);
    job->memory = malloc(job->room * (per_list * (size_t)job->block + 4 * (size_t)job->threads) * sizeof *job->memory);
    int status = 0;
    if (!job->lists || !job->memory) status = ch_no_memory(err);
    for (int32_t i = 0; !status && i < job->block; i++) {
        job->lists[i].value = job->memory + job->room * per_list * (size_t)i;
        job->lists[i].weight = job->m->weight ? job->lists[i].value + job->room : NULL;
    }
    for (int32_t first = 0; !status && first < features; first += job->block) {
        int32_t end = features - first < job->block ? features : first + job->block;
        status = ch_task_check(task, err);
        if (!status) status = threshold_block(job, feature, first, end, err);
    }
    free(job->lists);
    free(job->memory);
    return status;
}

static int find_splits(const ch_matrix *m, const ch_bins *bins, double rows, int32_t max_bins,
                       const ch_tree_params *params, ch_error *err)
{
    bool continuous = false;
    for (int32_t f = 0; f < bins->features; f++) continuous |= bins->feature[f].kind == CH_BIN_CONTINUOUS;
    if (!continuous) return 0;
    threshold_job job = {.m = m, .max_bins = max_bins, .comm = params->comm};
    double fraction = sample_fraction(rows, max_bins);
    CH_TRY(sample_rows(m->rows, fraction, params->seed, params->comm, &job.sample, err));
    job.expected = fraction * bins->weight_sum;
    int status = find_thresholds(&job, bins->feature, bins->features, params->task, err);
    free(job.sample.rows);
    return status;
}

/* ---- binning ---- */

/* Rows binned together: their values stay in the cache while feature after feature is done. */
enum { BIN_ROWS = 512 };

/* Number of thresholds below x: the bin whose upper threshold is the first >= x. */
static inline int32_t find_bin(const double *thresholds, int32_t n, double x)
{
    int32_t at = 0;
    for (int32_t half; n > 0; n -= half) {
        half = (n + 1) / 2;
        at += thresholds[at + half - 1] < x ? half : 0;
    }
    return at;
}

/* The same for BIN_ROWS values step by step together, so that they do not wait for one another. */
static void find_bins(const double *thresholds, int32_t n, const double *x, int32_t *at)
{
    for (int32_t i = 0; i < BIN_ROWS; i++) at[i] = 0;
    for (int32_t half; n > 0; n -= half) {
        half = (n + 1) / 2;
        for (int32_t i = 0; i < BIN_ROWS; i++) at[i] += thresholds[at[i] + half - 1] < x[i] ? half : 0;
    }
}

/* The bin of a value, or -1 for a value that a model cannot be fitted on. */
static inline int32_t bin_value(const ch_bin_feature *feature, double x)
{
    if (!isfinite(x)) return -1;
    if (feature->kind == CH_BIN_CONTINUOUS) return find_bin(feature->thresholds, feature->splits, x);
    return x < 0 || x >= feature->bins ? -1 : (int32_t)x;
}

static inline void put_bin(ch_bins *bins, int32_t feature, size_t row, int32_t bin)
{
    unsigned char *at = bins->data + row * bins->stride + (size_t)feature * (bins->wide ? 2 : 1);
    if (bins->wide) {
        uint16_t wide = (uint16_t)bin;
        memcpy(at, &wide, sizeof wide);
    } else {
        *at = (unsigned char)bin;
    }
}

/* Bins of one feature of up to BIN_ROWS dense rows. Returns whether all values have one. */
static bool bin_column(const ch_matrix *m, ch_bins *bins, int32_t f, size_t first, size_t n)
{
    const ch_bin_feature *feature = &bins->feature[f];
    double x[BIN_ROWS];
    int32_t bin[BIN_ROWS];
    const double *from = m->dense + first * m->cols + (size_t)f;
    for (size_t i = 0; i < n; i++) x[i] = from[i * m->cols];
    for (size_t i = n; i < BIN_ROWS; i++) x[i] = 0;
    bool good = true;
    if (feature->kind == CH_BIN_CONTINUOUS) {
        for (size_t i = 0; i < n; i++) good &= isfinite(x[i]);
        find_bins(feature->thresholds, feature->splits, x, bin);
    } else {
        for (size_t i = 0; i < n; i++) {
            bin[i] = bin_value(feature, x[i]);
            good &= bin[i] >= 0;
        }
    }
    for (size_t i = 0; i < n; i++) put_bin(bins, f, first + i, bin[i]);
    return good;
}

static bool bin_sparse_row(const ch_matrix *m, ch_bins *bins, size_t row)
{
    bool good = true;
    for (size_t k = m->row_start[row]; k < m->row_start[row + 1]; k++) {
        int32_t bin = bin_value(&bins->feature[m->index[k]], m->value[k]);
        good &= bin >= 0;
        put_bin(bins, m->index[k], row, bin);
    }
    return good;
}

/* Bins up to BIN_ROWS rows; zero_row are the bins of a row of zeros. Returns whether all values have a bin. */
static bool bin_rows(const ch_matrix *m, ch_bins *bins, const unsigned char *zero_row, size_t first, size_t n)
{
    bool good = true;
    for (int32_t f = 0; m->dense && f < bins->features; f++) good &= bin_column(m, bins, f, first, n);
    for (size_t row = first; !m->dense && row < first + n; row++) {
        memcpy(bins->data + row * bins->stride, zero_row, bins->stride);
        good &= bin_sparse_row(m, bins, row);
    }
    return good;
}

/* The vector as Spark prints it, for an error message. */
static void print_features(const ch_matrix *m, size_t row, ch_buf *out)
{
    char number[32];
    if (m->dense) {
        for (size_t f = 0; f < m->cols; f++) {
            ch_java_double(m->dense[row * m->cols + f], number);
            ch_buf_printf(out, "%s%s", f ? "," : "[", number);
        }
        ch_buf_char(out, ']');
        return;
    }
    ch_buf_printf(out, "(%zu,[", m->cols);
    for (size_t k = m->row_start[row]; k < m->row_start[row + 1]; k++)
        ch_buf_printf(out, "%s%d", k > m->row_start[row] ? "," : "", m->index[k]);
    ch_buf_str(out, "],[");
    for (size_t k = m->row_start[row]; k < m->row_start[row + 1]; k++) {
        ch_java_double(m->value[k], number);
        ch_buf_printf(out, "%s%s", k > m->row_start[row] ? "," : "", number);
    }
    ch_buf_str(out, "])");
}

static double value_at(const ch_matrix *m, size_t row, int32_t feature)
{
    if (m->dense) return m->dense[row * m->cols + (size_t)feature];
    for (size_t k = m->row_start[row]; k < m->row_start[row + 1]; k++)
        if (m->index[k] == feature) return m->value[k];
    return 0;
}

/* Tells what is wrong with the first bad row from `row` on. */
static int bad_value(const ch_matrix *m, const ch_bins *bins, size_t row, ch_error *err)
{
    int32_t f = 0;
    for (;; f++) {
        if (f == bins->features) {
            f = 0;
            if (++row == m->rows) return ch_bug(err, "all values of a block have bins after all");
        }
        if (bin_value(&bins->feature[f], value_at(m, row, f)) < 0) break;
    }
    const double x = value_at(m, row, f);
    ch_buf vector = {0};
    print_features(m, row, &vector);
    int status;
    if (!isfinite(x)) {
        ch_buf message = {0};
        ch_buf_printf(&message, "Vector values MUST NOT be NaN or Infinity, but got %s", ch_buf_text(&vector));
        status = ch_raise(err, "USER_RAISED_EXCEPTION", "errorMessage", ch_buf_text(&message), (char *)NULL);
        ch_buf_reset(&message);
    } else {
        char number[32], label[32], weight[32];
        ch_java_double(x, number);
        ch_java_double(m->label ? m->label[row] : 0, label);
        ch_java_double(ch_matrix_weight(m, row), weight);
        status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                          "DecisionTree given invalid data: Feature %d is categorical with values in {0,...,%d, but a "
                          "data point gives it value %s.\n  Bad data point: Instance(%s,%s,%s)",
                          f, bins->feature[f].bins - 1, number, label, weight, ch_buf_text(&vector));
    }
    ch_buf_reset(&vector);
    return status;
}

/* Rows are read in scattered order, so large data ask for large pages: fewer addresses to translate. */
static unsigned char *allocate_bins(size_t bytes)
{
    const size_t page = 2u << 20;
    if (bytes < page) return malloc(bytes);
    unsigned char *memory = aligned_alloc(page, (bytes + page - 1) / page * page);
    if (memory) (void)madvise(memory, (bytes + page - 1) / page * page, MADV_HUGEPAGE); /* a wish, not a need */
    return memory;
}

static int bin_matrix(const ch_matrix *m, ch_task *task, ch_bins *bins, ch_error *err)
{
    int32_t max = 0;
    for (int32_t f = 0; f < bins->features; f++)
        if (bins->feature[f].bins > max) max = bins->feature[f].bins;
    bins->wide = max > 256;
    bins->stride = (size_t)bins->features * (bins->wide ? 2 : 1);
    bins->data = allocate_bins(bins->stride * m->rows);
    unsigned char *zero_row = malloc(bins->stride);
    if (!bins->data || !zero_row) {
        free(zero_row);
        return ch_no_memory(err);
    }
    for (int32_t f = 0; f < bins->features; f++) put_bin(bins, f, 0, bin_value(&bins->feature[f], 0.0));
    memcpy(zero_row, bins->data, bins->stride);

    size_t bad = m->rows, blocks = (m->rows + BIN_ROWS - 1) / BIN_ROWS;
#pragma omp parallel for schedule(static) num_threads(ch_threads()) reduction(min : bad)
    for (size_t b = 0; b < blocks; b++) {
        if (task && atomic_load_explicit(&task->cancelled, memory_order_relaxed)) continue;
        size_t first = b * BIN_ROWS, end = first + BIN_ROWS < m->rows ? first + BIN_ROWS : m->rows;
        if (!bin_rows(m, bins, zero_row, first, end - first) && first < bad) bad = first;
    }
    free(zero_row);
    CH_TRY(ch_task_check(task, err));
    return bad < m->rows ? bad_value(m, bins, bad, err) : 0;
}

/* ---- the whole ---- */

static int check_matrix(const ch_matrix *m, ch_error *err)
{
    if (m->rows == 0)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "DecisionTree requires size of input RDD > 0, but was given by empty one.");
    if (m->cols == 0)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "requirement failed: DecisionTree requires number of features > 0, but was given an empty "
                        "features vector");
    if (m->rows > UINT32_MAX || m->cols > INT32_MAX / 4)
        return ch_failf(err, CH_E_UNSUPPORTED, "Trees cannot be grown on %zu rows of %zu features", m->rows, m->cols);
    return 0;
}

int ch_bins_build(const ch_matrix *m, const int32_t *arity, int32_t classes, const ch_tree_params *params, ch_bins *out,
                  ch_error *err)
{
    *out = (ch_bins){0};
    CH_TRY(check_matrix(m, err));
    double totals[2] = {(double)m->rows, (double)m->rows}; /* rows and their weight */
    if (m->weight) {
        totals[1] = 0;
        for (size_t i = 0; i < m->rows; i++) totals[1] += m->weight[i];
    }
    CH_TRY(ch_comm_sum(params->comm, totals, 2, err));
    int32_t max_bins = params->max_bins < totals[0] ? params->max_bins : (int32_t)totals[0];
    if (arity) CH_TRY(check_arities(arity, (int32_t)m->cols, max_bins, err));
    out->rows = m->rows;
    out->features = (int32_t)m->cols;
    out->feature = calloc(m->cols, sizeof *out->feature);
    if (!out->feature) return ch_no_memory(err);
    describe_features(out->feature, arity, out->features, classes, max_bins);
    out->weight_sum = totals[1];
    int status = find_splits(m, out, totals[0], max_bins, params, err);
    if (!status) status = bin_matrix(m, params->task, out, err);
    if (status) ch_bins_reset(out);
    return status;
}

int ch_bins_apply(const ch_bins *model, const ch_matrix *m, ch_task *task, ch_bins *out, ch_error *err)
{
    *out = (ch_bins){.rows = m->rows, .features = model->features, .feature = model->feature};
    CH_TRY(check_matrix(m, err));
    if ((int32_t)m->cols != model->features)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Rows of %zu features cannot be binned by splits of %d features",
                        m->cols, model->features);
    int status = bin_matrix(m, task, out, err);
    if (status) ch_bins_reset_applied(out);
    return status;
}

void ch_bins_reset_applied(ch_bins *bins)
{
    free(bins->data);
    *bins = (ch_bins){0};
}

void ch_bins_reset(ch_bins *bins)
{
    for (int32_t f = 0; bins->feature && f < bins->features; f++) free(bins->feature[f].thresholds);
    free(bins->feature);
    ch_bins_reset_applied(bins);
}
