/* udf_util.c: see udf_util.h. */
#include "frame/udf/udf_util.h"

#include "frame/io/io.h"
#include "frame/type/timezone.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- registering ---- */

static duckdb_logical_type simple_type(char letter)
{
    static const struct {
        char letter;
        duckdb_type type;
    } TYPES[] = {
        {'b', DUCKDB_TYPE_BOOLEAN},      {'y', DUCKDB_TYPE_TINYINT},  {'h', DUCKDB_TYPE_SMALLINT},
        {'i', DUCKDB_TYPE_INTEGER},      {'l', DUCKDB_TYPE_BIGINT},   {'g', DUCKDB_TYPE_HUGEINT},
        {'f', DUCKDB_TYPE_FLOAT},        {'d', DUCKDB_TYPE_DOUBLE},   {'s', DUCKDB_TYPE_VARCHAR},
        {'x', DUCKDB_TYPE_BLOB},         {'D', DUCKDB_TYPE_DATE},     {'T', DUCKDB_TYPE_TIMESTAMP},
        {'Z', DUCKDB_TYPE_TIMESTAMP_TZ}, {'I', DUCKDB_TYPE_INTERVAL}, {'A', DUCKDB_TYPE_ANY},
    };
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (TYPES[i].letter == letter) return duckdb_create_logical_type(TYPES[i].type);
    return NULL;
}

/* Reads one type at *at. */
static duckdb_logical_type read_type(const char **at, int scale)
{
    char letter = *(*at)++;
    if (letter == 'm') return duckdb_create_decimal_type(38, (uint8_t)scale);
    if (letter == 'v') return ch_engine_type(&ch_type_vector_storage);
    if (letter != '[') return simple_type(letter);
    duckdb_logical_type element = read_type(at, scale);
    duckdb_logical_type list = duckdb_create_list_type(element);
    duckdb_destroy_logical_type(&element);
    return list;
}

static duckdb_scalar_function make_function(const ch_udf *row)
{
    duckdb_scalar_function fn = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(fn, row->name);
    const char *at = row->types;
    while (*at != '>') {
        duckdb_logical_type type = read_type(&at, row->scale);
        if (*at == '*') {
            at++;
            duckdb_scalar_function_set_varargs(fn, type);
        } else {
            duckdb_scalar_function_add_parameter(fn, type);
        }
        duckdb_destroy_logical_type(&type);
    }
    at++;
    duckdb_logical_type result = read_type(&at, row->scale);
    duckdb_scalar_function_set_return_type(fn, result);
    duckdb_destroy_logical_type(&result);
    duckdb_scalar_function_set_function(fn, row->fn);
    duckdb_scalar_function_set_extra_info(fn, (void *)(uintptr_t)row->extra, NULL);
    if (row->flags & CH_UDF_NULLS) duckdb_scalar_function_set_special_handling(fn);
    if (row->flags & CH_UDF_VOLATILE) duckdb_scalar_function_set_volatile(fn);
    if (row->bind) duckdb_scalar_function_set_bind(fn, row->bind);
    return fn;
}

int ch_udf_register(duckdb_connection con, const ch_udf *rows, size_t n, ch_error *err)
{
    for (size_t i = 0; i < n;) {
        duckdb_scalar_function_set set = duckdb_create_scalar_function_set(rows[i].name);
        const char *name = rows[i].name;
        for (; i < n && strcmp(rows[i].name, name) == 0; i++) {
            duckdb_scalar_function fn = make_function(&rows[i]);
            duckdb_add_scalar_function_to_set(set, fn);
            duckdb_destroy_scalar_function(&fn);
        }
        duckdb_state state = duckdb_register_scalar_function_set(con, set);
        duckdb_destroy_scalar_function_set(&set);
        if (state != DuckDBSuccess) return ch_bug(err, "the engine refuses the function %s", name);
    }
    return CH_OK;
}

/* ---- validity ---- */

const uint64_t *ch_udf_mask(duckdb_data_chunk in, duckdb_vector out)
{
    idx_t columns = duckdb_data_chunk_get_column_count(in), rows = duckdb_data_chunk_get_size(in);
    uint64_t *mask = NULL;
    for (idx_t c = 0; c < columns; c++) {
        const uint64_t *valid = ch_arg_mask(in, c);
        if (!valid) continue;
        if (!mask) {
            duckdb_vector_ensure_validity_writable(out);
            mask = duckdb_vector_get_validity(out);
        }
        for (idx_t w = 0; w < (rows + 63) / 64; w++) mask[w] &= valid[w];
    }
    return mask;
}

void ch_udf_null(duckdb_vector out, idx_t row)
{
    duckdb_vector_ensure_validity_writable(out);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(out), row);
}

/* ---- arguments ---- */

const ch_timezone *ch_udf_zone(duckdb_function_info info, duckdb_data_chunk in, idx_t index)
{
    const ch_string *names = ch_arg(in, index);
    if (duckdb_data_chunk_get_size(in) == 0 || !ch_bit(ch_arg_mask(in, index), 0)) return ch_timezone_utc();
    const ch_timezone *zone = ch_timezone_find_len(ch_string_data(names), ch_string_len(names));
    if (zone) return zone;
    ch_error err;
    char text[80];
    snprintf(text, sizeof text, "%.*s", (int)(ch_string_len(names) < 70 ? ch_string_len(names) : 70),
             ch_string_data(names));
    ch_raise(&err, "INVALID_TIMEZONE", "timeZone", text, (char *)NULL);
    ch_engine_raise(info, &err);
    return NULL;
}

bool ch_decimal_open(duckdb_vector v, ch_decimal_in *out)
{
    duckdb_logical_type type = duckdb_vector_get_column_type(v);
    duckdb_type id = duckdb_get_type_id(type), storage = id;
    out->data = duckdb_vector_get_data(v);
    out->scale = 0;
    out->precision = 19;
    if (id == DUCKDB_TYPE_DECIMAL) {
        storage = duckdb_decimal_internal_type(type);
        out->precision = duckdb_decimal_width(type);
        out->scale = duckdb_decimal_scale(type);
    }
    duckdb_destroy_logical_type(&type);
    switch (storage) {
    case DUCKDB_TYPE_TINYINT: out->size = 1; return true;
    case DUCKDB_TYPE_SMALLINT: out->size = 2; return true;
    case DUCKDB_TYPE_INTEGER: out->size = 4; return true;
    case DUCKDB_TYPE_BIGINT: out->size = 8; return true;
    case DUCKDB_TYPE_HUGEINT: out->size = 16; return true;
    default: return false;
    }
}

ch_int128 ch_pow10(int n)
{
    static const int64_t SMALL[] = {1,
                                    10,
                                    100,
                                    1000,
                                    10000,
                                    100000,
                                    1000000,
                                    10000000,
                                    100000000,
                                    1000000000,
                                    10000000000,
                                    100000000000,
                                    1000000000000,
                                    10000000000000,
                                    100000000000000,
                                    1000000000000000,
                                    10000000000000000,
                                    100000000000000000,
                                    1000000000000000000};
    if (n <= 18) return SMALL[n];
    return (ch_int128)SMALL[18] * (n <= 36 ? SMALL[n - 18] : (ch_int128)SMALL[18] * SMALL[n - 36]);
}

/* ---- errors ---- */

void ch_udf_quote(ch_buf *out, const char *bytes, size_t len)
{
    ch_buf_char(out, '\'');
    for (size_t i = 0; i < len && i < 300; i++) {
        if (bytes[i] == '\'' || bytes[i] == '\\') ch_buf_char(out, '\\');
        ch_buf_char(out, bytes[i] ? bytes[i] : '?');
    }
    ch_buf_char(out, '\'');
}

void ch_udf_bad_cast(duckdb_function_info info, const char *bytes, size_t len, const char *type, ch_errkind kind)
{
    ch_buf value = {0};
    ch_error err;
    char target[64];
    snprintf(target, sizeof target, "\"%s\"", type);
    ch_udf_quote(&value, bytes, len);
    ch_raise(&err, "CAST_INVALID_INPUT", "expression", ch_buf_text(&value), "sourceType", "\"STRING\"", "targetType",
             target, "ansiConfig", "\"spark.sql.ansi.enabled\"", (char *)NULL);
    if (kind) err.kind = kind;
    ch_engine_raise(info, &err);
    ch_buf_reset(&value);
}

/* ---- types given as text ---- */

typedef struct bound_type {
    atomic_int refs;
    ch_arena *arena;
    const ch_type *type;
} bound_type;

static void *share(void *arg)
{
    bound_type *b = arg;
    atomic_fetch_add(&b->refs, 1);
    return b;
}

static void release(void *arg)
{
    bound_type *b = arg;
    if (atomic_fetch_sub(&b->refs, 1) != 1) return;
    ch_arena_free(b->arena);
    free(b);
}

void ch_udf_bind_type(duckdb_bind_info info)
{
    duckdb_expression e = duckdb_scalar_function_bind_get_argument(info, 1);
    duckdb_client_context context;
    duckdb_scalar_function_get_client_context(info, &context);
    duckdb_value value = NULL;
    duckdb_error_data failed = duckdb_expression_fold(context, e, &value);
    bool bad = duckdb_error_data_has_error(failed);
    duckdb_destroy_error_data(&failed);
    duckdb_destroy_expression(&e);
    duckdb_destroy_client_context(&context);
    char *text = bad ? NULL : duckdb_get_varchar(value);
    duckdb_destroy_value(&value);
    bound_type *b = calloc(1, sizeof *b);
    ch_error err;
    if (!text || !b) {
        duckdb_scalar_function_bind_set_error(info, "the type of the argument must be a constant");
        free(b);
        duckdb_free(text);
        return;
    }
    b->arena = ch_arena_new();
    atomic_init(&b->refs, 1);
    if (ch_type_from_json(b->arena, text, strlen(text), &b->type, &err))
        duckdb_scalar_function_bind_set_error(info, err.message);
    duckdb_free(text);
    duckdb_scalar_function_set_bind_data(info, b, release);
    duckdb_scalar_function_set_bind_data_copy(info, share);
}

const ch_type *ch_udf_bound_type(duckdb_function_info info)
{
    const bound_type *b = duckdb_scalar_function_get_bind_data(info);
    return b->type;
}
