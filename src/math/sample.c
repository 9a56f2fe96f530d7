/* sample.c: RDD.takeSample over one partition; see sample.h. */
#include "math/sample.h"

#include "base/random.h"

#include <math.h>
#include <stdlib.h>

/* Above this rate Spark draws for each row; below, it draws the gaps between the rows kept. */
static const double GAP_SAMPLING_MAX = 0.4;
static const double GAP_EPSILON = 5e-11;

typedef struct picks {
    size_t *rows, count, capacity;
} picks;

static int add_pick(picks *p, size_t row, ch_error *err)
{
    if (p->count == p->capacity) {
        size_t capacity = p->capacity ? p->capacity * 2 : 64;
        size_t *grown = realloc(p->rows, capacity * sizeof *grown);
        if (!grown) return ch_no_memory(err);
        p->rows = grown;
        p->capacity = capacity;
    }
    p->rows[p->count++] = row;
    return 0;
}

/* Rows to skip before the next one kept; `log_rate` is log(1 - f) without replacement, -f with. */
static uint64_t next_gap(ch_random *r, double log_rate)
{
    const double u = fmax(ch_random_double(r), GAP_EPSILON), gap = log(u) / log_rate;
    return gap >= INT32_MAX ? INT32_MAX : (uint64_t)gap; /* Scala's toInt saturates */
}

/* BernoulliSampler(fraction) */
static int sample_without(size_t rows, double fraction, int64_t seed, picks *out, ch_error *err)
{
    ch_random r = ch_xorshift_random(seed);
    if (fraction > 0 && fraction <= GAP_SAMPLING_MAX) {
        const double log_rate = log1p(-fraction);
        uint64_t row = next_gap(&r, log_rate);
        for (; row < rows; row += 1 + next_gap(&r, log_rate)) CH_TRY(add_pick(out, row, err));
        return 0;
    }
    for (size_t row = 0; row < rows && fraction > 0; row++)
        if (fraction >= 1 || ch_random_double(&r) <= fraction) CH_TRY(add_pick(out, row, err));
    return 0;
}

/* Copies of a row that gap sampling keeps: a Poisson number that is at least 1. `q` = e^-f. */
static uint32_t copies_at_least_one(ch_random *r, double q)
{
    double p = q + (1.0 - q) * ch_random_double(r);
    uint32_t copies = 1;
    for (p *= ch_random_double(r); p > q; p *= ch_random_double(r)) copies++;
    return copies;
}

/* PoissonSampler(fraction) */
static int sample_with(size_t rows, double fraction, int64_t seed, picks *out, ch_error *err)
{
    if (fraction <= GAP_SAMPLING_MAX) {
        ch_random r = ch_xorshift_random(seed);
        const double q = exp(-fraction);
        uint64_t row = next_gap(&r, -fraction);
        while (row < rows) {
            for (uint32_t c = copies_at_least_one(&r, q); c > 0; c--) CH_TRY(add_pick(out, row, err));
            row += 1 + next_gap(&r, -fraction);
        }
        return 0;
    }
    ch_poisson *poisson = ch_poisson_new(fraction, seed);
    if (!poisson) return ch_no_memory(err);
    int status = 0;
    for (size_t row = 0; row < rows && !status; row++)
        for (int32_t c = ch_poisson_next(poisson); c > 0 && !status; c--) status = add_pick(out, row, err);
    ch_poisson_free(poisson);
    return status;
}

/* SamplingUtils.computeFractionForSampleSize: enough that a sample below `num` is rare. */
static double oversampling(size_t num, size_t rows, bool with_replacement)
{
    const double n = (double)rows, s = (double)num;
    if (with_replacement) {
        const double deviations = s < 6 ? 12 : s < 16 ? 9 : 6;
        return fmax(s + deviations * sqrt(s), 1e-10) / n;
    }
    const double fraction = s / n, gamma = -log(1e-4) / n;
    return fmin(1, fmax(1e-10, fraction + gamma + sqrt(gamma * gamma + 2 * gamma * fraction)));
}

/* Utils.randomizeInPlace */
static void shuffle(picks *p, ch_random *r)
{
    for (size_t i = p->count; i-- > 1;) {
        const size_t j = (size_t)ch_random_int_below(r, (int32_t)i + 1), row = p->rows[j];
        p->rows[j] = p->rows[i];
        p->rows[i] = row;
    }
}

static int draw(size_t rows, bool with_replacement, size_t num, int64_t seed, picks *out, ch_error *err)
{
    ch_random r = ch_java_random(seed);
    if (!with_replacement && num >= rows) {
        for (size_t row = 0; row < rows; row++) CH_TRY(add_pick(out, row, err));
    } else {
        const double fraction = oversampling(num, rows, with_replacement);
        do {
            /* The sampled RDD seeds its one partition with the first long of java.util.Random. */
            ch_random partitions = ch_java_random(ch_random_int(&r));
            const int64_t partition_seed = ch_random_long(&partitions);
            out->count = 0;
            if (with_replacement)
                CH_TRY(sample_with(rows, fraction, partition_seed, out, err));
            else
                CH_TRY(sample_without(rows, fraction, partition_seed, out, err));
        } while (out->count < num);
    }
    if (out->count > INT32_MAX) return ch_no_memory(err);
    shuffle(out, &r);
    if (out->count > num) out->count = num;
    return 0;
}

int ch_take_sample(size_t rows, bool with_replacement, size_t num, int64_t seed, size_t **picked, size_t *count,
                   ch_error *err)
{
    picks out = {0};
    int status = rows > 0 && num > 0 ? draw(rows, with_replacement, num, seed, &out, err) : 0;
    if (status) {
        free(out.rows);
        return status;
    }
    *picked = out.rows;
    *count = out.count;
    return 0;
}
