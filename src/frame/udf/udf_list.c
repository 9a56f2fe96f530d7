/* udf_list.c: positions of array elements, for functions that pick elements of arrays of any type: the SQL picks them
 * by list_select. Positions count from 1. */
#include "frame/type/datetime.h"
#include "frame/udf/udf_util.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* ---- checked indexes ---- */

static void raise_index(duckdb_function_info info, const char *condition, int64_t index, int64_t size)
{
    ch_error err;
    char i[24], n[24];
    snprintf(i, sizeof i, "%lld", (long long)index);
    snprintf(n, sizeof n, "%lld", (long long)size);
    ch_raise(&err, condition, "indexValue", i, "arraySize", n, (char *)NULL);
    ch_engine_raise(info, &err);
}

/* ch_array_index(i, size, base): i + 1, checked; `base` is added to the index in the message. */
static void f_array_index(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const int64_t *index = ch_arg(in, 0), *size = ch_arg(in, 1);
    const int32_t *base = ch_arg(in, 2);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        if (index[i] < 0 || index[i] >= size[i]) {
            raise_index(info, "INVALID_ARRAY_INDEX", index[i] + base[i], size[i]);
            return;
        }
        data[i] = index[i] + 1;
    }
}

/* ch_element_index(i, size, raise): i counts from 1, from the end when negative. */
static void f_element_index(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const int32_t *index = ch_arg(in, 0), *strict = ch_arg(in, 2);
    const int64_t *size = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        int64_t at = index[i];
        if (at == 0) {
            ch_error err;
            ch_raise(&err, "INVALID_INDEX_OF_ZERO", (char *)NULL);
            ch_engine_raise(info, &err);
            return;
        }
        if (llabs(at) > size[i]) {
            if (strict[i]) {
                raise_index(info, "INVALID_ARRAY_INDEX_IN_ELEMENT_AT", at, size[i]);
                return;
            }
            ch_udf_null(out, i);
            continue;
        }
        data[i] = at > 0 ? at : size[i] + at + 1;
    }
}

/* ---- lists of positions as results ---- */

typedef struct positions {
    duckdb_vector out, child;
    ch_list *lists;
    int64_t *data;
    uint64_t n, cap;
} positions;

static void open_positions(positions *p, duckdb_vector out)
{
    *p = (positions){.out = out, .child = duckdb_list_vector_get_child(out), .lists = duckdb_vector_get_data(out)};
}

static void add_position(positions *p, int64_t value)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 2048;
        duckdb_list_vector_reserve(p->out, p->cap);
        p->data = duckdb_vector_get_data(p->child);
    }
    p->data[p->n++] = value;
}

static void close_positions(positions *p)
{
    duckdb_list_vector_set_size(p->out, p->n);
}

/* ---- equality and hashes of any values ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9E3779B185EBCA87U;
    return h ^ (h >> 29);
}

static size_t fixed_size(const ch_type *t)
{
    switch (t->kind) {
    case CH_BOOLEAN:
    case CH_BYTE: return 1;
    case CH_SHORT: return 2;
    case CH_INT:
    case CH_DATE:
    case CH_NULL: return 4;
    case CH_LONG:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: return 8;
    case CH_DECIMAL: return t->precision <= 4 ? 2 : t->precision <= 9 ? 4 : t->precision <= 18 ? 8 : 16;
    case CH_INTERVAL_DAY_TIME:
    case CH_INTERVAL_YEAR_MONTH:
    case CH_INTERVAL_CALENDAR: return sizeof(ch_interval);
    default: return 0;
    }
}

/* Spark's sets of array elements go by the bits: 0.0 and -0.0 are two values there, all NaNs are one. */
static uint64_t real_bits(const ch_column *c, size_t row)
{
    double v = c->type->kind == CH_FLOAT ? (double)((const float *)c->data)[row] : ((const double *)c->data)[row];
    uint64_t bits = 0x7ff8000000000000;
    if (!isnan(v)) memcpy(&bits, &v, sizeof bits);
    return bits;
}

static uint64_t hash_at(const ch_column *c, size_t row)
{
    uint64_t h = 1;
    if (!ch_column_valid(c, row)) return 0;
    size_t size = fixed_size(c->type);
    if (size) {
        const unsigned char *p = (const unsigned char *)c->data + row * size;
        for (size_t i = 0; i < size; i += 8) {
            uint64_t word = 0;
            memcpy(&word, p + i, size - i < 8 ? size - i : 8);
            h = mix(h, word);
        }
        return h;
    }
    switch (c->type->kind) {
    case CH_FLOAT:
    case CH_DOUBLE: return mix(h, real_bits(c, row));
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY: {
        const ch_string *s = &((const ch_string *)c->data)[row];
        size_t len = ch_string_len(s);
        const char *p = ch_string_data(s);
        for (size_t i = 0; i < len; i += 8) {
            uint64_t word = 0;
            memcpy(&word, p + i, len - i < 8 ? len - i : 8);
            h = mix(h, word);
        }
        return mix(h, len);
    }
    case CH_ARRAY:
    case CH_MAP: {
        const ch_list *l = &((const ch_list *)c->data)[row];
        for (uint64_t i = 0; i < l->length; i++) h = mix(h, hash_at(&c->child[0], l->offset + i));
        return mix(h, l->length);
    }
    default:
        for (size_t i = 0; i < c->nchild; i++) h = mix(h, hash_at(&c->child[i], row));
        return h;
    }
}

static bool equal_at(const ch_column *a, size_t x, const ch_column *b, size_t y)
{
    bool there = ch_column_valid(a, x);
    if (there != ch_column_valid(b, y)) return false;
    if (!there) return true;
    size_t size = fixed_size(a->type);
    if (size) return memcmp((const char *)a->data + x * size, (const char *)b->data + y * size, size) == 0;
    switch (a->type->kind) {
    case CH_FLOAT:
    case CH_DOUBLE: return real_bits(a, x) == real_bits(b, y);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY: {
        const ch_string *s = &((const ch_string *)a->data)[x], *t = &((const ch_string *)b->data)[y];
        return ch_string_len(s) == ch_string_len(t) &&
               memcmp(ch_string_data(s), ch_string_data(t), ch_string_len(s)) == 0;
    }
    case CH_ARRAY:
    case CH_MAP: {
        const ch_list *l = &((const ch_list *)a->data)[x], *m = &((const ch_list *)b->data)[y];
        if (l->length != m->length) return false;
        for (uint64_t i = 0; i < l->length; i++)
            if (!equal_at(&a->child[0], l->offset + i, &b->child[0], m->offset + i)) return false;
        return true;
    }
    default:
        for (size_t i = 0; i < a->nchild; i++)
            if (!equal_at(&a->child[i], x, &b->child[i], y)) return false;
        return true;
    }
}

/* ---- sets of elements: open addressing over (column, row), emptied between rows ---- */

typedef struct element_set {
    size_t mask, n;
    struct slot {
        const ch_column *column;
        uint64_t hash;
        size_t row;
    } * slots;
} element_set;

static bool set_open(element_set *s, size_t wanted)
{
    size_t cap = 16;
    while (cap < 2 * wanted) cap *= 2;
    if (cap - 1 > s->mask || !s->slots) {
        free(s->slots);
        s->slots = malloc(cap * sizeof *s->slots);
        if (!s->slots) return false;
        s->mask = cap - 1;
    }
    for (size_t i = 0; i <= s->mask; i++) s->slots[i].column = NULL;
    s->n = 0;
    return true;
}

static bool set_has(const element_set *s, const ch_column *c, size_t row, uint64_t hash, size_t *at)
{
    size_t i = hash & s->mask;
    for (; s->slots[i].column; i = (i + 1) & s->mask) {
        if (s->slots[i].hash == hash && equal_at(s->slots[i].column, s->slots[i].row, c, row)) return true;
    }
    *at = i;
    return false;
}

/* True when the element was not there before. */
static bool set_add(element_set *s, const ch_column *c, size_t row)
{
    size_t at;
    uint64_t hash = hash_at(c, row);
    if (set_has(s, c, row, hash, &at)) return false;
    s->slots[at] = (struct slot){c, hash, row};
    s->n++;
    return true;
}

static bool wrap_arg(ch_arena *arena, duckdb_data_chunk in, idx_t index, ch_column *column)
{
    duckdb_vector v = duckdb_data_chunk_get_vector(in, index);
    duckdb_logical_type engine_type = duckdb_vector_get_column_type(v);
    const ch_type *type = ch_type_of_engine(arena, engine_type);
    duckdb_destroy_logical_type(&engine_type);
    if (!type || type->kind != CH_ARRAY) return false;
    ch_column_wrap(arena, v, type, duckdb_data_chunk_get_size(in), false, column);
    return true;
}

typedef enum set_op { DISTINCT, INTERSECT, EXCEPT } set_op;

static const set_op SET_OPS[] = {DISTINCT, INTERSECT, EXCEPT};

/* The positions in a of its different elements: all, those also in b, those not in b. */
static bool pick(set_op op, const ch_column *a, const ch_list *x, const ch_column *b, const ch_list *y,
                 element_set *seen, element_set *other, positions *p)
{
    if (!set_open(seen, x->length)) return false;
    if (op != DISTINCT) {
        if (!set_open(other, y->length)) return false;
        for (uint64_t i = 0; i < y->length; i++) set_add(other, &b->child[0], y->offset + i);
    }
    for (uint64_t i = 0; i < x->length; i++) {
        size_t row = x->offset + i, at;
        if (op != DISTINCT) {
            bool in = set_has(other, &a->child[0], row, hash_at(&a->child[0], row), &at);
            if (in != (op == INTERSECT)) continue;
        }
        if (set_add(seen, &a->child[0], row)) add_position(p, (int64_t)i + 1);
    }
    return true;
}

static void f_pick(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    set_op op = *(const set_op *)ch_udf_extra(info);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    ch_arena *arena = ch_arena_new();
    ch_column a = {0}, b = {0};
    positions p;
    element_set seen = {0}, other = {0};
    bool good = wrap_arg(arena, in, 0, &a) && (op == DISTINCT || wrap_arg(arena, in, 1, &b));
    open_positions(&p, out);
    for (idx_t i = 0; i < rows && good; i++) {
        p.lists[i] = (ch_list){p.n, 0};
        if (!ch_bit(mask, i)) continue;
        const ch_list *x = &((const ch_list *)a.data)[i], *y = op == DISTINCT ? NULL : &((const ch_list *)b.data)[i];
        good = pick(op, &a, x, &b, y, &seen, &other, &p);
        p.lists[i].length = p.n - p.lists[i].offset;
    }
    if (!good) duckdb_scalar_function_set_error(info, "elements of these arrays cannot be compared");
    close_positions(&p);
    free(seen.slots);
    free(other.slots);
    ch_arena_free(arena);
}

/* ---- slice, insert, shuffle, sequence ---- */

enum { LONGEST = 2147483632 }; /* the longest array of the JVM */

static void raise_value(duckdb_function_info info, const char *condition, const char *parameter, const char *function,
                        const char *name, const char *value)
{
    ch_error err;
    ch_raise(&err, condition, "parameter", parameter, "functionName", function, name, value, (char *)NULL);
    ch_engine_raise(info, &err);
}

/* ch_slice_at(size, start, length) */
static void f_slice(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const int64_t *size = ch_arg(in, 0);
    const int32_t *start = ch_arg(in, 1), *length = ch_arg(in, 2);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    positions p;
    open_positions(&p, out);
    for (idx_t i = 0; i < rows; i++) {
        p.lists[i] = (ch_list){p.n, 0};
        if (!ch_bit(mask, i)) continue;
        if (start[i] == 0) {
            raise_value(info, "INVALID_PARAMETER_VALUE.START", "`start`", "`slice`", "start", "0");
            break;
        }
        if (length[i] < 0) {
            char text[24];
            snprintf(text, sizeof text, "%d", length[i]);
            raise_value(info, "INVALID_PARAMETER_VALUE.LENGTH", "`length`", "`slice`", "length", text);
            break;
        }
        int64_t from = start[i] > 0 ? start[i] - 1 : size[i] + start[i];
        if (from < 0 || from >= size[i]) continue;
        int64_t to = from + length[i] < size[i] ? from + length[i] : size[i];
        for (int64_t k = from; k < to; k++) add_position(&p, k + 1);
        p.lists[i].length = p.n - p.lists[i].offset;
    }
    close_positions(&p);
}

/* ch_insert_at(size, position) over the array with the new element at its end (position size + 1). Gaps are NULL:
 * position size + 2, which is not there. */
static void f_insert(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const int64_t *size = ch_arg(in, 0);
    const int32_t *position = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    positions p;
    open_positions(&p, out);
    for (idx_t i = 0; i < rows; i++) {
        p.lists[i] = (ch_list){p.n, 0};
        if (!ch_bit(mask, i)) continue;
        int64_t at = position[i], fresh = size[i] + 1, gap = size[i] + 2;
        if (at == 0 || llabs(at) > LONGEST) {
            ch_error err;
            ch_raise(&err, "INVALID_INDEX_OF_ZERO", (char *)NULL);
            ch_engine_raise(info, &err);
            break;
        }
        if (at < 0) at = size[i] + 1 + at + 1; /* -1 is behind the last */
        if (at >= 1) {
            int64_t all = at > size[i] + 1 ? at : size[i] + 1;
            for (int64_t k = 1, old = 1; k <= all; k++)
                add_position(&p, k == at ? fresh : old <= size[i] ? old++ : gap);
        } else { /* before the first: gaps between the new element and the old ones */
            add_position(&p, fresh);
            for (int64_t k = at; k < 1; k++) add_position(&p, gap);
            for (int64_t k = 1; k <= size[i]; k++) add_position(&p, k);
        }
        p.lists[i].length = p.n - p.lists[i].offset;
    }
    close_positions(&p);
}

/* ch_pivot_index(given, n): where in `given` each of 1 ... n stands, 0 for those that do not. */
static void f_pivot_index(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_list *lists = ch_arg(in, 0);
    const int32_t *n = ch_arg(in, 1);
    duckdb_vector child = duckdb_list_vector_get_child(duckdb_data_chunk_get_vector(in, 0));
    const int32_t *given = duckdb_vector_get_data(child);
    const uint64_t *there = duckdb_vector_get_validity(child), *mask = ch_udf_mask(in, out);
    ch_list *results = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in), total = 0;
    for (idx_t i = 0; i < rows; i++) {
        results[i] = (ch_list){total, ch_bit(mask, i) ? (uint64_t)n[i] : 0};
        total += results[i].length;
    }
    if (duckdb_list_vector_reserve(out, total) != DuckDBSuccess ||
        duckdb_list_vector_set_size(out, total) != DuckDBSuccess) {
        duckdb_scalar_function_set_error(info, "out of memory");
        return;
    }
    int32_t *data = duckdb_vector_get_data(duckdb_list_vector_get_child(out));
    memset(data, 0, total * sizeof *data);
    for (idx_t i = 0; i < rows; i++) {
        for (uint64_t k = 0; k < lists[i].length && results[i].length; k++) {
            idx_t at = lists[i].offset + k;
            if (ch_bit(there, at) && given[at] >= 1 && given[at] <= n[i])
                data[results[i].offset + (uint64_t)given[at] - 1] = (int32_t)k + 1;
        }
    }
}

/* ch_shuffle_at(size) */
static void f_shuffle(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int64_t *size = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    positions p;
    static _Thread_local uint64_t state;
    while (state == 0)
        if (getrandom(&state, sizeof state, 0) != (ssize_t)sizeof state) state = 0x853c49e6748fea9bU;
    open_positions(&p, out);
    for (idx_t i = 0; i < rows; i++) {
        p.lists[i] = (ch_list){p.n, 0};
        if (!ch_bit(mask, i)) continue;
        for (int64_t k = 0; k < size[i]; k++) {
            state = state * 6364136223846793005U + 1442695040888963407U;
            uint64_t j = p.lists[i].offset + (state >> 33) % (uint64_t)(k + 1);
            add_position(&p, k + 1);
            int64_t last = p.data[p.n - 1];
            p.data[p.n - 1] = p.data[j];
            p.data[j] = last;
        }
        p.lists[i].length = p.n - p.lists[i].offset;
    }
    close_positions(&p);
}

static void bad_bounds(duckdb_function_info info, const char *from, const char *to, const char *step)
{
    ch_error err;
    ch_failf(&err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: Illegal sequence boundaries: %s to %s by %s", from, to,
             step);
    ch_engine_raise(info, &err);
}

/* ch_sequence(from, to, step): the numbers themselves. */
static void f_sequence(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const int64_t *from = ch_arg(in, 0), *to = ch_arg(in, 1), *step = ch_arg(in, 2);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    positions p;
    open_positions(&p, out);
    for (idx_t i = 0; i < rows; i++) {
        p.lists[i] = (ch_list){p.n, 0};
        if (!ch_bit(mask, i)) continue;
        bool good = (step[i] > 0 && from[i] <= to[i]) || (step[i] < 0 && from[i] >= to[i]) ||
                    (step[i] == 0 && from[i] == to[i]);
        ch_int128 span = (ch_int128)to[i] - from[i], count = step[i] == 0 ? 1 : span / step[i] + 1;
        if (!good || count > LONGEST) {
            char a[24], b[24], c[24];
            snprintf(a, sizeof a, "%lld", (long long)from[i]);
            snprintf(b, sizeof b, "%lld", (long long)to[i]);
            snprintf(c, sizeof c, "%lld", (long long)step[i]);
            bad_bounds(info, a, b, c);
            break;
        }
        for (int64_t k = 0; k < (int64_t)count; k++) add_position(&p, from[i] + k * step[i]);
        p.lists[i].length = p.n - p.lists[i].offset;
    }
    close_positions(&p);
}

/* A local timestamp moved by whole months, the day cut to the month's last. */
static int64_t add_months(int64_t micros, int64_t months)
{
    const int64_t day = INT64_C(86400000000);
    int64_t days = micros / day - (micros % day < 0), rest = micros - days * day, year;
    int month, d;
    ch_civil_from_days(days, &year, &month, &d);
    int64_t total = year * 12 + month - 1 + months;
    year = total / 12 - (total % 12 < 0);
    month = (int)(total - year * 12) + 1;
    while (!ch_civil_valid(year, month, d)) d--;
    return ch_days_from_civil(year, month, d) * day + rest;
}

/* ch_sequence_time(from, to, step): local timestamps; each is the first plus a multiple of the step. */
static void f_sequence_time(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const int64_t *from = ch_arg(in, 0), *to = ch_arg(in, 1);
    const ch_interval *step = ch_arg(in, 2);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    positions p;
    open_positions(&p, out);
    for (idx_t i = 0; i < rows; i++) {
        p.lists[i] = (ch_list){p.n, 0};
        if (!ch_bit(mask, i)) continue;
        int64_t micros = step[i].micros + step[i].days * INT64_C(86400000000), months = step[i].months;
        int64_t about = micros + months * INT64_C(2419200000000); /* never longer than the real step */
        bool good = (about > 0 && from[i] <= to[i]) || (about < 0 && from[i] >= to[i]);
        if (!good || (about && (to[i] - from[i]) / about > LONGEST)) {
            char a[48], b[48];
            ch_timestamp_text(a, from[i], NULL);
            ch_timestamp_text(b, to[i], NULL);
            bad_bounds(info, a, b, "the step");
            break;
        }
        for (int64_t k = 0;; k++) {
            int64_t at = (months ? add_months(from[i], k * months) : from[i]) + k * micros;
            if (about > 0 ? at > to[i] : at < to[i]) break;
            add_position(&p, at);
        }
        p.lists[i].length = p.n - p.lists[i].offset;
    }
    close_positions(&p);
}

/* ---- exists, forall: three-valued over a list of answers ---- */

static const bool WHICH[] = {true, false}; /* exists looks for a true, forall for a false */

static void f_quantify(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    bool wanted = *(const bool *)ch_udf_extra(info);
    duckdb_vector v = duckdb_data_chunk_get_vector(in, 0), child = duckdb_list_vector_get_child(v);
    const ch_list *lists = duckdb_vector_get_data(v);
    const bool *answers = duckdb_vector_get_data(child);
    const uint64_t *valid = duckdb_vector_get_validity(child), *mask = ch_udf_mask(in, out);
    bool *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        bool found = false, unknown = false;
        for (uint64_t k = lists[i].offset; k < lists[i].offset + lists[i].length && !found; k++) {
            if (!ch_bit(valid, k))
                unknown = true;
            else
                found = answers[k] == wanted;
        }
        if (!found && unknown)
            ch_udf_null(out, i);
        else
            data[i] = found == wanted;
    }
}

int ch_register_list(duckdb_connection con, ch_error *err)
{
    static const ch_udf ROWS[] = {
        {.name = "ch_array_index", .types = "lli>l", .fn = f_array_index},
        {.name = "ch_element_index", .types = "ili>l", .fn = f_element_index},
        {.name = "ch_distinct_at", .types = "A>[l", .fn = f_pick, .extra = &SET_OPS[0]},
        {.name = "ch_intersect_at", .types = "AA>[l", .fn = f_pick, .extra = &SET_OPS[1]},
        {.name = "ch_except_at", .types = "AA>[l", .fn = f_pick, .extra = &SET_OPS[2]},
        {.name = "ch_slice_at", .types = "lii>[l", .fn = f_slice},
        {.name = "ch_insert_at", .types = "li>[l", .fn = f_insert},
        {.name = "ch_pivot_index", .types = "[ii>[i", .fn = f_pivot_index},
        {.name = "ch_shuffle_at", .types = "l>[l", .fn = f_shuffle, .flags = CH_UDF_VOLATILE},
        {.name = "ch_sequence", .types = "lll>[l", .fn = f_sequence},
        {.name = "ch_sequence_time", .types = "TTI>[T", .fn = f_sequence_time},
        {.name = "ch_exists", .types = "[b>b", .fn = f_quantify, .extra = &WHICH[0]},
        {.name = "ch_forall", .types = "[b>b", .fn = f_quantify, .extra = &WHICH[1]},
    };
    return ch_udf_register(con, ROWS, sizeof ROWS / sizeof *ROWS, err);
}
