/* udf_aggregate.c: aggregates DuckDB has in another form: skewness and kurtosis of the population, by Spark's one-pass
 * central moments (CentralMomentAgg: Pebay's update and merge formulas). */
#include "frame/udf_util.h"

#include <math.h>

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

static int register_moments(duckdb_connection con, const char *name, duckdb_aggregate_finalize_t finalize,
                            ch_error *err)
{
    duckdb_aggregate_function fn = duckdb_create_aggregate_function();
    duckdb_logical_type type = duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
    duckdb_aggregate_function_set_name(fn, name);
    duckdb_aggregate_function_add_parameter(fn, type);
    duckdb_aggregate_function_set_return_type(fn, type);
    duckdb_aggregate_function_set_functions(fn, state_size, state_init, update, combine, finalize);
    duckdb_aggregate_function_set_special_handling(fn);
    duckdb_state state = duckdb_register_aggregate_function(con, fn);
    duckdb_destroy_logical_type(&type);
    duckdb_destroy_aggregate_function(&fn);
    return state == DuckDBSuccess ? CH_OK : ch_bug(err, "the engine refuses the aggregate %s", name);
}

int ch_register_aggregate(duckdb_connection con, ch_error *err)
{
    CH_TRY(register_moments(con, "ch_skewness", finish_skewness, err));
    return register_moments(con, "ch_kurtosis", finish_kurtosis, err);
}
