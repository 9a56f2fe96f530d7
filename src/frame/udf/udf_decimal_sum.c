/* udf_decimal_sum.c: sums of decimals whose digits can outgrow the engine's 38. They are added up in 192 bits, so that
 * only the sum itself can overflow, as in Spark, where partial sums are as long as they need to be. */
#include "frame/type/number_text.h"
#include "frame/udf/udf_util.h"

#include <stdio.h>
#include <string.h>

typedef struct wide_sum {
    uint64_t w[3]; /* two's complement, least significant first */
    bool any;
    char alternative[8]; /* the function that gives NULL where this one raises; empty: this one gives it */
} wide_sum;

static idx_t sum_size(duckdb_function_info info)
{
    (void)info;
    return sizeof(wide_sum);
}

static void sum_init(duckdb_function_info info, duckdb_aggregate_state state)
{
    (void)info;
    *(wide_sum *)state = (wide_sum){0};
}

static void add_words(wide_sum *s, const uint64_t words[3])
{
    ch_uint128 carry = 0;
    for (int i = 0; i < 3; i++) {
        carry += (ch_uint128)s->w[i] + words[i];
        s->w[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

/* ch_sum_decimal<scale>(x, alternative) */
static void sum_update(duckdb_function_info info, duckdb_data_chunk in, duckdb_aggregate_state *states)
{
    (void)info;
    const ch_int128 *a = ch_arg(in, 0);
    const ch_string *alternative = ch_arg(in, 1);
    const uint64_t *mask = ch_arg_mask(in, 0);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        wide_sum *s = (wide_sum *)states[i];
        if (!s->any) {
            size_t len = ch_string_len(&alternative[i]);
            s->any = true;
            if (len < sizeof s->alternative) memcpy(s->alternative, ch_string_data(&alternative[i]), len);
        }
        ch_uint128 bits = (ch_uint128)a[i];
        add_words(s, (uint64_t[]){(uint64_t)bits, (uint64_t)(bits >> 64), a[i] < 0 ? UINT64_MAX : 0});
    }
}

static void sum_combine(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_aggregate_state *target,
                        idx_t count)
{
    (void)info;
    for (idx_t i = 0; i < count; i++) {
        const wide_sum *b = (const wide_sum *)source[i];
        wide_sum *a = (wide_sum *)target[i];
        if (!b->any) continue;
        if (!a->any)
            *a = *b;
        else
            add_words(a, b->w);
    }
}

static void raise_overflow(duckdb_function_info info, const wide_sum *s)
{
    ch_error err;
    ch_buf text = {0};
    char alternative[80];
    snprintf(alternative, sizeof alternative, " Use '%.8s' to tolerate overflow and return NULL instead.",
             s->alternative);
    ch_raise(&err, "ARITHMETIC_OVERFLOW", "message", "Overflow in sum of decimals", "alternative", alternative,
             "config", "\"spark.sql.ansi.enabled\"", (char *)NULL);
    ch_engine_error_text(&text, &err);
    duckdb_aggregate_function_set_error(info, ch_buf_text(&text));
    ch_buf_reset(&text);
}

static void sum_finish(duckdb_function_info info, duckdb_aggregate_state *source, duckdb_vector result, idx_t count,
                       idx_t offset)
{
    const ch_int128 limit = ch_pow10(38);
    ch_int128 *data = duckdb_vector_get_data(result);
    for (idx_t i = 0; i < count; i++) {
        const wide_sum *s = (const wide_sum *)source[i];
        ch_int128 value = (ch_int128)((ch_uint128)s->w[1] << 64 | s->w[0]);
        bool over = s->w[2] != (value < 0 ? UINT64_MAX : 0) || value >= limit || value <= -limit;
        data[offset + i] = value;
        if (over && s->alternative[0]) {
            raise_overflow(info, s);
            return;
        }
        if (over || !s->any) ch_udf_null(result, offset + i);
    }
}

int ch_register_decimal_sum(duckdb_connection con, ch_error *err)
{
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_state state = DuckDBSuccess;
    for (uint8_t scale = 0; scale <= 38 && state == DuckDBSuccess; scale++) {
        char name[32];
        snprintf(name, sizeof name, "ch_sum_decimal%d", scale);
        duckdb_aggregate_function fn = duckdb_create_aggregate_function();
        duckdb_logical_type type = duckdb_create_decimal_type(38, scale);
        duckdb_aggregate_function_set_name(fn, name);
        duckdb_aggregate_function_add_parameter(fn, type);
        duckdb_aggregate_function_add_parameter(fn, text);
        duckdb_aggregate_function_set_return_type(fn, type);
        duckdb_aggregate_function_set_functions(fn, sum_size, sum_init, sum_update, sum_combine, sum_finish);
        duckdb_aggregate_function_set_special_handling(fn);
        state = duckdb_register_aggregate_function(con, fn);
        duckdb_destroy_logical_type(&type);
        duckdb_destroy_aggregate_function(&fn);
    }
    duckdb_destroy_logical_type(&text);
    return state == DuckDBSuccess ? CH_OK : ch_bug(err, "the engine refuses the sums of decimals");
}
