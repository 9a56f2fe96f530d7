/* text_column.c: values of text sources into columns: long strings, which need memory, and decimals, which round. */
#include "frame/text/text_column.h"

#include <duckdb.h>

void ch_column_put_long_text(ch_column *c, size_t row, const char *bytes, size_t len)
{
    if (c->engine) {
        duckdb_unsafe_vector_assign_string_element_len(c->engine, row, bytes, len);
    } else {
        ch_column_set_string(c, row, bytes, len);
    }
}

bool ch_column_put_decimal(ch_column *c, size_t row, ch_int128 unscaled, int scale)
{
    const ch_type *t = c->type;
    ch_int128 v = unscaled, limit = 1;
    for (int i = 0; i < t->precision; i++) limit *= 10;
    for (; scale < t->scale && v; scale++) {
        if (v >= limit / 10 || v <= -limit / 10) return false;
        v *= 10;
    }
    for (; scale > t->scale + 1 && v; scale--) v /= 10; /* half up looks at one digit only */
    if (scale > t->scale) v = v / 10 + (v % 10 >= 5) - (v % 10 <= -5);
    if (v >= limit || v <= -limit) return false;
    if (t->precision <= 4) {
        ((int16_t *)c->data)[row] = (int16_t)v;
    } else if (t->precision <= 9) {
        ((int32_t *)c->data)[row] = (int32_t)v;
    } else if (t->precision <= 18) {
        ((int64_t *)c->data)[row] = (int64_t)v;
    } else {
        ((ch_int128 *)c->data)[row] = v;
    }
    return true;
}

void ch_column_set_valid(ch_column *c, size_t row)
{
    if (c->validity) c->validity[row >> 6] |= UINT64_C(1) << (row & 63);
    if (ch_type_storage(c->type)->kind != CH_STRUCT) return;
    for (size_t i = 0; i < c->nchild; i++) ch_column_set_valid(&c->child[i], row);
}
