/* udf_aggregate.c: aggregates DuckDB has in another form: variances, covariances and central moments by Spark's
 * one-pass updates (CentralMomentAgg, Covariance, PearsonCorrelation: Pebay's formulas, of which other orders of
 * operations differ in the last digits), HyperLogLog++ over Spark's hashes, and quantiles of lists. */
#include "frame/udf/udf_util.h"

#include "math/quantiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- moments of one number ---- */

typedef struct moments {
    double n, mean, m2, m3, m4;
} moments;

static idx_t state_size(duckdb_function_info info)
{
    (void)info;
    return sizeof(moments);
}

static void state_init(duckdb_function_info info, duckdb_aggregate_state state)
{
    (void)info;
    *(moments *)state = (moments){0};
}

static void add_value(moments *s, double x)
{
    double n = s->n + 1, delta = x - s->mean, delta_n = delta / n, delta2 = delta * delta, delta_n2 = delta_n * delta_n;
    double m2 = s->m2 + delta * (delta - delta_n);
    double m3 = s->m3 - 3.0 * delta_n * m2 + delta * (delta2 - delta_n2);
    s->m4 = s->m4 - 4.0 * delta_n * m3 - 6.0 * delta_n2 * m2 + delta * (delta * delta2 - delta_n * delta_n2);
    s->m3 = m3;
    s->m2 = m2;
    s->mean += delta_n;
    s->n = n;
}

static void update(duckdb_function_info info, duckdb_data_chunk in, duckdb_aggregate_state *states)
{
    (void)info;
    const double *a = ch_arg(in, 0);
    const uint64_t *mask = ch_arg_mask(in, 0);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++)
        if (ch_bit(mask, i)) add_value((moments *)states[i], a[i]);
}

static void merge(moments *a, const moments *b)
{
    double n = a->n + b->n;
    if (b->n == 0) return;
    double delta = b->mean - a->mean, delta_n = n == 0 ? 0 : delta / n;
    double m2 = a->m2 + b->m2 + delta * delta_n * a->n * b->n;
    double m3 = a->m3 + b->m3 + delta_n * delta_n * delta * a->n * b->n * (a->n - b->n) +
                3.0 * delta_n * (a->n * b->m2 - b->n * a->m2);
    a->m4 = a->m4 + b->m4 +
            delta_n * delta_n * delta_n * delta * a->n * b->n * (a->n * a->n - a->n * b->n + b->n * b->n) +
            6.0 * delta_n * delta_n * (a->n * a->n * b->m2 + b->n * b->n * a->m2) +
            4.0 * delta_n * (a->n * b->m3 - b->n * a->m3);
    a->mean += delta_n * b->n;
    a->m2 = m2;
    a->m3 = m3;
    a->n = n;
}

static void combine(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_aggregate_state *target,
                    idx_t count)
{
    (void)info;
    for (idx_t i = 0; i < count; i++) merge((moments *)target[i], (const moments *)source[i]);
}

/* NULL when all values are one, NULL for none. */
static void finish(duckdb_aggregate_state *source, duckdb_vector result, idx_t count, idx_t offset, bool kurtosis)
{
    double *data = duckdb_vector_get_data(result);
    for (idx_t i = 0; i < count; i++) {
        const moments *s = (const moments *)source[i];
        if (s->n == 0 || s->m2 == 0)
            ch_udf_null(result, offset + i);
        else if (kurtosis)
            data[offset + i] = s->n * s->m4 / (s->m2 * s->m2) - 3.0;
        else
            data[offset + i] = sqrt(s->n) * s->m3 / sqrt(s->m2 * s->m2 * s->m2);
    }
}

static void finish_skewness(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_vector result,
                            idx_t count, idx_t offset)
{
    (void)info;
    finish(source, result, count, offset, false);
}

static void finish_kurtosis(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_vector result,
                            idx_t count, idx_t offset)
{
    (void)info;
    finish(source, result, count, offset, true);
}

/* ---- variance of one number ---- */

typedef struct spread {
    double n, mean, m2;
} spread;

static idx_t spread_size(duckdb_function_info info)
{
    (void)info;
    return sizeof(spread);
}

static void spread_init(duckdb_function_info info, duckdb_aggregate_state state)
{
    (void)info;
    *(spread *)state = (spread){0};
}

static void spread_update(duckdb_function_info info, duckdb_data_chunk in, duckdb_aggregate_state *states)
{
    (void)info;
    const double *a = ch_arg(in, 0);
    const uint64_t *mask = ch_arg_mask(in, 0);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        spread *s = (spread *)states[i];
        double delta = a[i] - s->mean;
        s->n += 1;
        double delta_n = delta / s->n;
        s->mean += delta_n;
        s->m2 += delta * (delta - delta_n);
    }
}

static void spread_combine(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_aggregate_state *target,
                           idx_t count)
{
    (void)info;
    for (idx_t i = 0; i < count; i++) {
        spread *a = (spread *)target[i];
        const spread *b = (const spread *)source[i];
        if (b->n == 0) continue;
        if (a->n == 0) {
            *a = *b;
            continue;
        }
        double n = a->n + b->n, delta = b->mean - a->mean, delta_n = delta / n;
        a->m2 = a->m2 + b->m2 + delta * delta_n * a->n * b->n;
        a->mean += delta_n * b->n;
        a->n = n;
    }
}

/* For none NULL; for a sample of one NULL. */
static void spread_finish(duckdb_aggregate_state *source, duckdb_vector result, idx_t count, idx_t offset, bool sample,
                          bool root)
{
    double *data = duckdb_vector_get_data(result);
    for (idx_t i = 0; i < count; i++) {
        const spread *s = (const spread *)source[i];
        double n = sample ? s->n - 1 : s->n;
        if (n <= 0)
            ch_udf_null(result, offset + i);
        else
            data[offset + i] = root ? sqrt(s->m2 / n) : s->m2 / n;
    }
}

#define SPREAD_FINISH(name, sample, root)                                                                              \
    static void name(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_vector result, idx_t count,     \
                     idx_t offset)                                                                                     \
    {                                                                                                                  \
        (void)info;                                                                                                    \
        spread_finish(source, result, count, offset, sample, root);                                                    \
    }
SPREAD_FINISH(finish_var_samp, true, false)
SPREAD_FINISH(finish_var_pop, false, false)
SPREAD_FINISH(finish_stddev_samp, true, true)
SPREAD_FINISH(finish_stddev_pop, false, true)

/* ---- two numbers, both there ---- */

typedef struct pair {
    double n, x, y, xy, xx, yy; /* count, means, sums of products of deviations */
} pair;

static idx_t pair_size(duckdb_function_info info)
{
    (void)info;
    return sizeof(pair);
}

static void pair_init(duckdb_function_info info, duckdb_aggregate_state state)
{
    (void)info;
    *(pair *)state = (pair){0};
}

static void pair_update(duckdb_function_info info, duckdb_data_chunk in, duckdb_aggregate_state *states)
{
    (void)info;
    const double *x = ch_arg(in, 0), *y = ch_arg(in, 1);
    const uint64_t *x_mask = ch_arg_mask(in, 0), *y_mask = ch_arg_mask(in, 1);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(x_mask, i) || !ch_bit(y_mask, i)) continue;
        pair *s = (pair *)states[i];
        double dx = x[i] - s->x, dy = y[i] - s->y;
        s->n += 1;
        s->x += dx / s->n;
        s->y += dy / s->n;
        s->xy += dx * (y[i] - s->y);
        s->xx += dx * (x[i] - s->x);
        s->yy += dy * (y[i] - s->y);
    }
}

static void pair_combine(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_aggregate_state *target,
                         idx_t count)
{
    (void)info;
    for (idx_t i = 0; i < count; i++) {
        pair *a = (pair *)target[i];
        const pair *b = (const pair *)source[i];
        if (b->n == 0) continue;
        if (a->n == 0) {
            *a = *b;
            continue;
        }
        double n = a->n + b->n, dx = b->x - a->x, dy = b->y - a->y, dx_n = dx / n, dy_n = dy / n;
        a->xy = a->xy + b->xy + dx * dy_n * a->n * b->n;
        a->xx = a->xx + b->xx + dx * dx_n * a->n * b->n;
        a->yy = a->yy + b->yy + dy * dy_n * a->n * b->n;
        a->x += dx_n * b->n;
        a->y += dy_n * b->n;
        a->n = n;
    }
}

/* What is made of a pair: false for NULL. */
typedef bool (*pair_result)(const pair *s, double *out);

static bool covar_pop(const pair *s, double *out)
{
    *out = s->xy / s->n;
    return true;
}

static bool covar_samp(const pair *s, double *out)
{
    *out = s->xy / (s->n - 1);
    return s->n > 1;
}

/* Nothing for two columns one of which is constant. */
static bool correlation(const pair *s, double *out)
{
    double scale = sqrt(s->xx * s->yy);
    *out = s->xy / scale;
    return s->n > 1 && scale != 0;
}

/* Regressions take y first: their x is the pair's y. */
static bool slope(const pair *s, double *out)
{
    *out = (s->xy / s->n) / (s->yy / s->n);
    return s->yy != 0;
}

static bool intercept(const pair *s, double *out)
{
    *out = s->x - (s->xy / s->n) / (s->yy / s->n) * s->y;
    return s->yy != 0;
}

static bool determination(const pair *s, double *out)
{
    double r = s->xy / sqrt(s->xx * s->yy);
    *out = s->xx == 0 ? 1 : r * r;
    return s->yy != 0;
}

static bool sum_xx(const pair *s, double *out)
{
    *out = s->yy;
    return true;
}

static bool sum_yy(const pair *s, double *out)
{
    *out = s->xx;
    return true;
}

static bool sum_xy(const pair *s, double *out)
{
    *out = s->xy;
    return true;
}

static void pair_finish(duckdb_aggregate_state *source, duckdb_vector result, idx_t count, idx_t offset,
                        pair_result value)
{
    double *data = duckdb_vector_get_data(result);
    for (idx_t i = 0; i < count; i++) {
        const pair *s = (const pair *)source[i];
        if (s->n == 0 || !value(s, &data[offset + i])) ch_udf_null(result, offset + i);
    }
}

/* As correlation(), but an error for a constant column: Spark divides as in ANSI mode. */
static void finish_strict_correlation(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_vector result,
                                      idx_t count, idx_t offset)
{
    pair_finish(source, result, count, offset, correlation);
    for (idx_t i = 0; i < count; i++) {
        const pair *s = (const pair *)source[i];
        if (!(s->n > 1) || sqrt(s->xx * s->yy) != 0) continue;
        ch_error err;
        ch_buf text = {0};
        ch_raise(&err, "DIVIDE_BY_ZERO", "config", "\"spark.sql.ansi.enabled\"", (char *)NULL);
        ch_engine_error_text(&text, &err);
        duckdb_aggregate_function_set_error(info, ch_buf_text(&text));
        ch_buf_reset(&text);
        return;
    }
}

#define PAIR_FINISH(value)                                                                                             \
    static void finish_##value(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_vector result,        \
                               idx_t count, idx_t offset)                                                              \
    {                                                                                                                  \
        (void)info;                                                                                                    \
        pair_finish(source, result, count, offset, value);                                                             \
    }
PAIR_FINISH(covar_pop)
PAIR_FINISH(covar_samp)
PAIR_FINISH(correlation)
PAIR_FINISH(slope)
PAIR_FINISH(intercept)
PAIR_FINISH(determination)
PAIR_FINISH(sum_xx)
PAIR_FINISH(sum_yy)
PAIR_FINISH(sum_xy)

/* ---- HyperLogLog++ (Heule, Nunkesser, Hall 2013) over 64-bit hashes ---- */

enum { HLL_BITS_MIN = 4, HLL_BITS_MAX = 25 };

typedef struct sketch {
    uint8_t *registers; /* NULL before the first value */
    int bits;
} sketch;

static idx_t sketch_size(duckdb_function_info info)
{
    (void)info;
    return sizeof(sketch);
}

static void sketch_init(duckdb_function_info info, duckdb_aggregate_state state)
{
    (void)info;
    *(sketch *)state = (sketch){0};
}

/* ch_hll(hash, bits): 2^bits registers, each the greatest number of leading zeros, plus one, of the hashes that fell to
 * it. */
static void sketch_update(duckdb_function_info info, duckdb_data_chunk in, duckdb_aggregate_state *states)
{
    const int64_t *hash = ch_arg(in, 0);
    const int32_t *bits = ch_arg(in, 1);
    const uint64_t *mask = ch_arg_mask(in, 0);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        sketch *s = (sketch *)states[i];
        if (!s->registers) {
            s->bits = bits[i] < HLL_BITS_MIN ? HLL_BITS_MIN : bits[i] > HLL_BITS_MAX ? HLL_BITS_MAX : bits[i];
            s->registers = calloc((size_t)1 << s->bits, 1);
            if (!s->registers) {
                duckdb_aggregate_function_set_error(info, "out of memory");
                return;
            }
        }
        uint64_t h = (uint64_t)hash[i], rest = h << s->bits | (uint64_t)1 << (s->bits - 1);
        uint8_t zeros = (uint8_t)(__builtin_clzll(rest) + 1), *at = &s->registers[h >> (64 - s->bits)];
        if (zeros > *at) *at = zeros;
    }
}

static void sketch_combine(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_aggregate_state *target,
                           idx_t count)
{
    for (idx_t i = 0; i < count; i++) {
        const sketch *b = (const sketch *)source[i];
        sketch *a = (sketch *)target[i];
        if (!b->registers) continue;
        size_t m = (size_t)1 << b->bits;
        if (!a->registers) {
            a->bits = b->bits;
            a->registers = malloc(m);
            if (!a->registers) {
                duckdb_aggregate_function_set_error(info, "out of memory");
                return;
            }
            memcpy(a->registers, b->registers, m);
            continue;
        }
        for (size_t k = 0; k < m; k++)
            if (b->registers[k] > a->registers[k]) a->registers[k] = b->registers[k];
    }
}

/* Linear counting below the threshold of the paper's table (Spark's THRESHOLDS), the harmonic mean above five times the
 * number of registers. Between the two the paper corrects the bias by interpolated measurements; here Ertl's estimator
 * ("New cardinality estimation algorithms for HyperLogLog sketches", 2017) takes their place, which has none. */
static double ertl_estimate(const size_t *counts, size_t m, int bits)
{
    int q = 64 - bits;
    double tau = 0, sigma, z, x = 1.0 - (double)counts[q + 1] / (double)m, y = 1.0, last;
    if (x > 0 && x < 1) {
        tau = 1 - x;
        do {
            x = sqrt(x);
            last = tau;
            y *= 0.5;
            tau -= (1 - x) * (1 - x) * y;
        } while (tau != last);
        tau /= 3;
    }
    z = (double)m * tau;
    for (int k = q; k >= 1; k--) z = 0.5 * (z + (double)counts[k]);
    x = (double)counts[0] / (double)m;
    sigma = x;
    for (y = 1.0, last = -1; sigma != last;) {
        x *= x;
        last = sigma;
        sigma += x * y;
        y += y;
    }
    z += (double)m * sigma;
    return (double)m * ((double)m / (2 * log(2.0))) / z;
}

static double estimate(const sketch *s)
{
    static const double THRESHOLDS[] = {10,   20,   40,    80,    220,   400,    900,   1800,
                                        3100, 6500, 11500, 20000, 50000, 120000, 350000};
    size_t m = (size_t)1 << s->bits, counts[66] = {0};
    double inverse = 0, registers = (double)m;
    for (size_t k = 0; k < m; k++) {
        counts[s->registers[k]]++;
        inverse += ldexp(1.0, -s->registers[k]);
    }
    double alpha = s->bits == 4   ? 0.673
                   : s->bits == 5 ? 0.697
                   : s->bits == 6 ? 0.709
                                  : 0.7213 / (1.0 + 1.079 / registers);
    double raw = alpha * registers * registers / inverse;
    if (counts[0]) {
        double linear = registers * log(registers / (double)counts[0]);
        if (s->bits < 19 ? linear <= THRESHOLDS[s->bits - 4] : raw <= 2.5 * registers) return linear;
    }
    return s->bits < 19 && raw < 5.0 * registers ? ertl_estimate(counts, m, s->bits) : raw;
}

static void sketch_finish(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_vector result, idx_t count,
                          idx_t offset)
{
    (void)info;
    int64_t *data = duckdb_vector_get_data(result);
    for (idx_t i = 0; i < count; i++) {
        const sketch *s = (const sketch *)source[i];
        data[offset + i] = s->registers ? (int64_t)floor(estimate(s) + 0.5) : 0;
    }
}

static void sketch_destroy(duckdb_aggregate_state *states, idx_t count)
{
    for (idx_t i = 0; i < count; i++) free(((sketch *)states[i])->registers);
}

/* ---- quantiles of a list ---- */

/* ch_quantiles(values, error, probabilities): by Greenwald and Khanna; error < 0: interpolated. NULL for no values. */
static void f_quantiles(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_list *lists = ch_arg(in, 0), *wanted = ch_arg(in, 2);
    const double *error = ch_arg(in, 1);
    const double *values = duckdb_vector_get_data(duckdb_list_vector_get_child(duckdb_data_chunk_get_vector(in, 0)));
    const double *probs = duckdb_vector_get_data(duckdb_list_vector_get_child(duckdb_data_chunk_get_vector(in, 2)));
    const uint64_t *mask = ch_udf_mask(in, out);
    ch_list *results = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in), total = 0;
    size_t longest = 1;
    for (idx_t i = 0; i < rows; i++) {
        results[i] = (ch_list){total, 0};
        if (!ch_bit(mask, i)) continue;
        if (lists[i].length > longest) longest = lists[i].length;
        total += wanted[i].length;
    }
    double *copy = malloc(longest * sizeof *copy);
    bool room = copy && duckdb_list_vector_reserve(out, total) == DuckDBSuccess &&
                duckdb_list_vector_set_size(out, total) == DuckDBSuccess;
    double *data = duckdb_vector_get_data(duckdb_list_vector_get_child(out));
    for (idx_t i = 0, at = 0; i < rows && room; i++) {
        results[i] = (ch_list){at, 0};
        if (!ch_bit(mask, i)) continue;
        size_t n = lists[i].length, np = wanted[i].length;
        if (n == 0) {
            ch_udf_null(out, i);
            continue;
        }
        memcpy(copy, values + lists[i].offset, n * sizeof *copy);
        const double *p = probs + wanted[i].offset;
        for (size_t k = 0; k < np; k++) {
            if (p[k] >= 0 && p[k] <= 1) continue;
            free(copy);
            duckdb_scalar_function_set_error(info, "The percentage must be between [0.0, 1.0]");
            return;
        }
        room = error[i] < 0 ? ch_exact_percentiles(copy, n, p, np, data + at)
                            : ch_approx_quantiles(copy, n, error[i], p, np, data + at);
        results[i].length = np;
        at += np;
    }
    free(copy);
    if (!room) duckdb_scalar_function_set_error(info, "out of memory");
}

/* ---- registering ---- */

typedef struct aggregate {
    const char *name;
    duckdb_type in[2], result; /* DUCKDB_TYPE_INVALID: one argument only */
    duckdb_aggregate_state_size size;
    duckdb_aggregate_init_t init;
    duckdb_aggregate_update_t update;
    duckdb_aggregate_combine_t combine;
    duckdb_aggregate_finalize_t finish;
    duckdb_aggregate_destroy_t destroy;
} aggregate;

static int register_aggregate(duckdb_connection con, const aggregate *a, ch_error *err)
{
    duckdb_aggregate_function fn = duckdb_create_aggregate_function();
    duckdb_aggregate_function_set_name(fn, a->name);
    for (int i = 0; i < 2 && a->in[i] != DUCKDB_TYPE_INVALID; i++) {
        duckdb_logical_type type = duckdb_create_logical_type(a->in[i]);
        duckdb_aggregate_function_add_parameter(fn, type);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_logical_type result = duckdb_create_logical_type(a->result);
    duckdb_aggregate_function_set_return_type(fn, result);
    duckdb_destroy_logical_type(&result);
    duckdb_aggregate_function_set_functions(fn, a->size, a->init, a->update, a->combine, a->finish);
    if (a->destroy) duckdb_aggregate_function_set_destructor(fn, a->destroy);
    duckdb_aggregate_function_set_special_handling(fn);
    duckdb_state state = duckdb_register_aggregate_function(con, fn);
    duckdb_destroy_aggregate_function(&fn);
    return state == DuckDBSuccess ? CH_OK : ch_bug(err, "the engine refuses the aggregate %s", a->name);
}

#define MOMENTS(name, finish)                                                                                          \
    {                                                                                                                  \
        name, {DUCKDB_TYPE_DOUBLE, DUCKDB_TYPE_INVALID}, DUCKDB_TYPE_DOUBLE, state_size, state_init, update, combine,  \
            finish, NULL                                                                                               \
    }
#define SPREAD(name, finish)                                                                                           \
    {                                                                                                                  \
        name, {DUCKDB_TYPE_DOUBLE, DUCKDB_TYPE_INVALID}, DUCKDB_TYPE_DOUBLE, spread_size, spread_init, spread_update,  \
            spread_combine, finish, NULL                                                                               \
    }
#define PAIR(name, finish)                                                                                             \
    {                                                                                                                  \
        name, {DUCKDB_TYPE_DOUBLE, DUCKDB_TYPE_DOUBLE}, DUCKDB_TYPE_DOUBLE, pair_size, pair_init, pair_update,         \
            pair_combine, finish, NULL                                                                                 \
    }

int ch_register_aggregate(duckdb_connection con, ch_error *err)
{
    static const aggregate rows[] = {
        MOMENTS("ch_skewness", finish_skewness),
        MOMENTS("ch_kurtosis", finish_kurtosis),
        SPREAD("ch_var_samp", finish_var_samp),
        SPREAD("ch_var_pop", finish_var_pop),
        SPREAD("ch_stddev_samp", finish_stddev_samp),
        SPREAD("ch_stddev_pop", finish_stddev_pop),
        PAIR("ch_covar_pop", finish_covar_pop),
        PAIR("ch_covar_samp", finish_covar_samp),
        PAIR("ch_corr", finish_strict_correlation),
        PAIR("ch_try_corr", finish_correlation),
        PAIR("ch_regr_slope", finish_slope),
        PAIR("ch_regr_intercept", finish_intercept),
        PAIR("ch_regr_r2", finish_determination),
        PAIR("ch_regr_sxx", finish_sum_xx),
        PAIR("ch_regr_syy", finish_sum_yy),
        PAIR("ch_regr_sxy", finish_sum_xy),
        {"ch_hll",
         {DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_INTEGER},
         DUCKDB_TYPE_BIGINT,
         sketch_size,
         sketch_init,
         sketch_update,
         sketch_combine,
         sketch_finish,
         sketch_destroy},
    };
    static const ch_udf lists[] = {{.name = "ch_quantiles", .types = "[dd[d>[d", .fn = f_quantiles}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) CH_TRY(register_aggregate(con, &rows[i], err));
    return ch_udf_register(con, lists, sizeof lists / sizeof *lists, err);
}
