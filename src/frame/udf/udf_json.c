/* udf_json.c: functions of JSON text. */
#include "frame/text/json_value.h"
#include "frame/udf/udf_util.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void f_to_json(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_timezone *zone = ch_udf_zone(info, in, 2);
    if (!zone) return;
    idx_t rows = duckdb_data_chunk_get_size(in);
    const uint64_t *mask = ch_udf_mask(in, out);
    ch_arena *arena = ch_arena_new();
    ch_column column = {0};
    ch_column_wrap(arena, duckdb_data_chunk_get_vector(in, 0), ch_udf_bound_type(info), rows, false, &column);
    ch_buf text = {0};
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        ch_buf_clear(&text);
        ch_json_write(&text, &column, i, zone);
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
    ch_arena_free(arena);
}

/* ---- get_json_object ---- */

/* One step of a path: .name, ['name'], [3], [*] or .*; false when the path is none. */
typedef struct step {
    enum { NAME, INDEX, ALL } kind;
    const char *name;
    size_t len, index;
} step;

static bool read_step(const char **at, const char *end, step *s)
{
    const char *p = *at;
    if (*p == '.') {
        p++;
        const char *start = p;
        while (p < end && *p != '.' && *p != '[') p++;
        *s = (step){.kind = p - start == 1 && *start == '*' ? ALL : NAME, .name = start, .len = (size_t)(p - start)};
        *at = p;
        return p > start;
    }
    if (*p != '[' || ++p == end) return false;
    if (*p == '\'') {
        const char *start = ++p;
        while (p < end && *p != '\'') p++;
        if (end - p < 2 || p[1] != ']') return false;
        *s = (step){.kind = NAME, .name = start, .len = (size_t)(p - start)};
        *at = p + 2;
        return true;
    }
    if (*p == '*') {
        *s = (step){.kind = ALL};
        p++;
    } else {
        size_t n = 0, digits = 0;
        for (; p < end && isdigit((unsigned char)*p) && n < 100000000; p++, digits++) n = n * 10 + (size_t)(*p - '0');
        if (!digits) return false;
        *s = (step){.kind = INDEX, .index = n};
    }
    if (p == end || *p != ']') return false;
    *at = p + 1;
    return true;
}

static json_t *follow(json_t *v, const char *at, const char *end);

/* [*]: the results of all elements, as a list; a single one stands for itself. */
static json_t *follow_all(json_t *v, const char *at, const char *end)
{
    json_t *list = json_array(), *item;
    size_t i;
    if (!json_is_array(v) || !list) {
        json_decref(list);
        return NULL;
    }
    json_array_foreach(v, i, item)
    {
        json_t *found = follow(item, at, end);
        if (found) json_array_append_new(list, found);
    }
    if (json_array_size(list) > 1) return list;
    json_t *only = json_array_size(list) ? json_incref(json_array_get(list, 0)) : NULL;
    json_decref(list);
    return only;
}

/* The value the rest of a path leads to, as a new reference; NULL when there is none. */
static json_t *follow(json_t *v, const char *at, const char *end)
{
    step s;
    if (at == end) return json_incref(v);
    if (!read_step(&at, end, &s)) return NULL;
    if (s.kind == ALL) return follow_all(v, at, end);
    if (s.kind == INDEX) {
        json_t *item = json_is_array(v) ? json_array_get(v, s.index) : NULL;
        return item ? follow(item, at, end) : NULL;
    }
    json_t *item = json_object_getn(v, s.name, s.len);
    return item ? follow(item, at, end) : NULL;
}

static void f_get_json_object(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0), *path = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        const char *p = ch_string_data(&path[i]), *end = p + ch_string_len(&path[i]);
        json_error_t bad;
        json_t *v = p < end && *p == '$' ? json_loadb(CH_TEXT(a), JSON_DECODE_ANY | JSON_ALLOW_NUL, &bad) : NULL;
        json_t *found = v ? follow(v, p + 1, end) : NULL;
        char *text =
            found && !json_is_string(found) && !json_is_null(found)
                ? json_dumps(found, JSON_COMPACT | JSON_ENCODE_ANY | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(17))
                : NULL;
        if (found && json_is_real(found)) { /* Java's shortest form */
            char number[32];
            ch_udf_string(out, i, number, ch_java_double(json_real_value(found), number));
        } else if (found && json_is_string(found)) {
            ch_udf_string(out, i, json_string_value(found), json_string_length(found));
        } else if (text) {
            ch_udf_string(out, i, text, strlen(text));
        } else {
            ch_udf_null(out, i);
        }
        free(text);
        json_decref(found);
        json_decref(v);
    }
}

static void f_array_length(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    int32_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        json_error_t bad;
        json_t *v = json_loadb(CH_TEXT(a), JSON_DECODE_ANY | JSON_ALLOW_NUL, &bad);
        if (json_is_array(v))
            data[i] = (int32_t)json_array_size(v);
        else
            ch_udf_null(out, i);
        json_decref(v);
    }
}

static void f_object_keys(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    duckdb_vector child = duckdb_list_vector_get_child(out);
    ch_list *lists = duckdb_vector_get_data(out);
    uint64_t n = 0, cap = 0;
    for (idx_t i = 0; i < rows; i++) {
        lists[i] = (ch_list){n, 0};
        if (!ch_bit(mask, i)) continue;
        json_error_t bad;
        json_t *v = json_loadb(CH_TEXT(a), JSON_DECODE_ANY | JSON_ALLOW_NUL, &bad), *ignored;
        const char *key;
        if (!json_is_object(v)) {
            ch_udf_null(out, i);
            json_decref(v);
            continue;
        }
        json_object_foreach(v, key, ignored)
        {
            if (n == cap) {
                cap = cap ? cap * 2 : 2048;
                duckdb_list_vector_reserve(out, cap);
            }
            duckdb_list_vector_set_size(out, n + 1);
            ch_udf_string(child, n++, key, strlen(key));
        }
        lists[i].length = n - lists[i].offset;
        json_decref(v);
    }
}

int ch_register_json(duckdb_connection con, ch_error *err)
{
    static const ch_udf ROWS[] = {
        {.name = "ch_to_json", .types = "Ass>s", .fn = f_to_json, .bind = ch_udf_bind_type},
        {.name = "ch_get_json_object", .types = "ss>s", .fn = f_get_json_object},
        {.name = "ch_json_array_length", .types = "s>i", .fn = f_array_length},
        {.name = "ch_json_object_keys", .types = "s>[s", .fn = f_object_keys},
    };
    return ch_udf_register(con, ROWS, sizeof ROWS / sizeof *ROWS, err);
}
