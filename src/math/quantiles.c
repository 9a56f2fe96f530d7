/* quantiles.c: sorting doubles, Greenwald-Khanna summaries of one batch, interpolated percentiles. */
#include "math/quantiles.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- sorting: by radix, on bits that order as the numbers do ---- */

static uint64_t key_of(double x)
{
    uint64_t bits;
    if (isnan(x)) return UINT64_MAX;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static double value_of(uint64_t key)
{
    uint64_t bits = key >> 63 ? key & ~((uint64_t)1 << 63) : ~key;
    double x;
    if (key == UINT64_MAX) return NAN;
    memcpy(&x, &bits, sizeof x);
    return x;
}

enum { DIGIT = 11, DIGITS = 6, BUCKETS = 1 << DIGIT };

/* One pass over one digit; false when all keys have the same, so that nothing had to move. */
static bool radix_pass(const uint64_t *from, uint64_t *to, size_t n, int digit)
{
    size_t start[BUCKETS] = {0};
    int shift = digit * DIGIT;
    for (size_t i = 0; i < n; i++) start[from[i] >> shift & (BUCKETS - 1)]++;
    if (start[from[0] >> shift & (BUCKETS - 1)] == n) return false;
    size_t at = 0;
    for (size_t b = 0; b < BUCKETS; b++) {
        size_t count = start[b];
        start[b] = at;
        at += count;
    }
    for (size_t i = 0; i < n; i++) to[start[from[i] >> shift & (BUCKETS - 1)]++] = from[i];
    return true;
}

void ch_sort_doubles(double *values, double *scratch, size_t n)
{
    if (n < 2) return;
    _Static_assert(sizeof(double) == sizeof(uint64_t), "keys take the places of doubles");
    uint64_t *a = (uint64_t *)(void *)values, *b = (uint64_t *)(void *)scratch;
    for (size_t i = 0; i < n; i++) {
        double x;
        memcpy(&x, &a[i], sizeof x);
        a[i] = key_of(x);
    }
    for (int d = 0; d < DIGITS; d++) {
        if (!radix_pass(a, b, n, d)) continue;
        uint64_t *swap = a;
        a = b;
        b = swap;
    }
    for (size_t i = 0; i < n; i++) {
        double x = value_of(a[i]);
        memcpy((char *)values + i * sizeof x, &x, sizeof x);
    }
}

static bool sort_values(double *values, size_t n)
{
    double *scratch = malloc((n ? n : 1) * sizeof *scratch);
    if (!scratch) return false;
    ch_sort_doubles(values, scratch, n);
    free(scratch);
    return true;
}

/* ---- Greenwald and Khanna ---- */

enum { BATCH = 50000 };

/* g: how many ranks above the sample before; delta: how many more it may be. */
typedef struct sample {
    double value;
    int64_t g, delta;
} sample;

/* The samples of one sorted batch: every value, of uncertain rank but for the ends, and then neighbours merged from the
 * top down while their spread stays below the error allowed. Returns how many are left, at the end of `samples`. */
static size_t summarize(const double *sorted, size_t n, double error, sample *samples)
{
    double threshold = 2 * error * (double)n;
    for (size_t i = 0; i < n; i++) {
        int64_t delta = i == 0 || i + 1 == n ? 0 : (int64_t)floor(2 * error * (double)(i + 1));
        samples[i] = (sample){sorted[i], 1, delta};
    }
    const sample first = samples[0];
    sample head = samples[n - 1];
    size_t at = n; /* kept: [at, n) */
    for (size_t i = n - 1; i-- > 1;) {
        sample s = samples[i];
        if ((double)(s.g + head.g + head.delta) < threshold) {
            head.g += s.g;
        } else {
            samples[--at] = head;
            head = s;
        }
    }
    samples[--at] = head;
    if (n > 1 && first.value <= head.value) samples[--at] = first;
    return n - at;
}

static double query(const sample *samples, size_t n, size_t count, double error, double p)
{
    if (p <= error || n == 1) return samples[0].value;
    if (p >= 1 - error) return samples[n - 1].value;
    int64_t rank = (int64_t)ceil(p * (double)count), widest = 0, least = 0;
    for (size_t i = 0; i < n; i++)
        if (samples[i].g + samples[i].delta > widest) widest = samples[i].g + samples[i].delta;
    widest /= 2;
    for (size_t i = 0; i + 1 < n; i++) {
        least += samples[i].g;
        if (least + samples[i].delta - widest <= rank && rank <= least + widest) return samples[i].value;
    }
    return samples[n - 1].value;
}

static double exact_query(const double *sorted, size_t n, double error, double p)
{
    if (p <= error) return sorted[0];
    if (p >= 1 - error) return sorted[n - 1];
    size_t rank = (size_t)ceil(p * (double)n);
    return sorted[rank < 1 ? 0 : rank > n ? n - 1 : rank - 1];
}

bool ch_approx_quantiles(double *values, size_t n, double error, const double *probs, size_t np, double *out)
{
    if (!sort_values(values, n)) return false;
    if (n > BATCH || 2 * error * (double)n <= 1) { /* nothing would be merged */
        for (size_t i = 0; i < np; i++) out[i] = exact_query(values, n, error, probs[i]);
        return true;
    }
    sample *samples = malloc(n * sizeof *samples);
    if (!samples) return false;
    size_t kept = summarize(values, n, error, samples);
    for (size_t i = 0; i < np; i++) out[i] = query(samples + n - kept, kept, n, error, probs[i]);
    free(samples);
    return true;
}

/* ---- exact ---- */

bool ch_exact_percentiles(double *values, size_t n, const double *probs, size_t np, double *out)
{
    if (!sort_values(values, n)) return false;
    for (size_t i = 0; i < np; i++) {
        double position = (double)(n - 1) * probs[i], low = floor(position), high = ceil(position);
        double a = values[(size_t)low], b = values[(size_t)high];
        out[i] = low == high || a == b ? a : (high - position) * a + (position - low) * b;
    }
    return true;
}
