/* columns.h: columns made by hand for tests, and what transforms make of them as text. */
#ifndef CHERT_TESTS_ML_COLUMNS_H
#define CHERT_TESTS_ML_COLUMNS_H

#include "frame/type/column.h"
#include "ml/vector.h"

#include <math.h>
#include <stdlib.h>

/* NaN stands for itself; a NULL is given by its row in `null_row` (-1: none). */
static inline ch_column *doubles_column(const double *values, size_t n, int null_row)
{
    ch_column *c = ch_column_new(&ch_type_double, n);
    memcpy(c->data, values, n * sizeof *values);
    c->rows = n;
    if (null_row >= 0) ch_column_set_null(c, (size_t)null_row);
    return c;
}

static inline ch_column *ints_column(const int32_t *values, size_t n)
{
    ch_column *c = ch_column_new(&ch_type_int, n);
    memcpy(c->data, values, n * sizeof *values);
    c->rows = n;
    return c;
}

/* NULL pointers are NULLs. */
static inline ch_column *texts_column(const char *const *values, size_t n)
{
    ch_column *c = ch_column_new(&ch_type_string, n);
    c->rows = n;
    for (size_t i = 0; i < n; i++) {
        if (values[i]) {
            ch_column_set_string(c, i, values[i], strlen(values[i]));
        } else {
            ch_column_set_null(c, i);
        }
    }
    return c;
}

/* Rows of `width` values; rows whose first value is +infinity are NULL, every second row is stored sparse if `mixed`.
 */
static inline ch_column *vectors_column(const double *values, size_t n, size_t width, int mixed)
{
    ch_column *c = ch_column_new(&ch_type_vector, n);
    ch_error err;
    ch_vector_writer w;
    c->rows = n;
    if (ch_vector_writer_init(&w, c, n, width, &err)) abort();
    for (size_t i = 0; i < n; i++) {
        const double *row = values + i * width;
        double *to;
        int32_t *index;
        if (row[0] == (double)INFINITY) {
            ch_vector_writer_null(&w);
        } else if (mixed && i % 2) {
            size_t used = 0;
            for (size_t k = 0; k < width; k++) used += row[k] != 0;
            if (ch_vector_writer_sparse(&w, width, used, &index, &to, &err)) abort();
            for (size_t k = 0, at = 0; k < width; k++) {
                if (row[k] == 0) continue;
                index[at] = (int32_t)k;
                to[at++] = row[k];
            }
        } else {
            if (ch_vector_writer_dense(&w, width, &to, &err)) abort();
            memcpy(to, row, width * sizeof *row);
        }
    }
    if (ch_vector_writer_finish(&w, &err)) abort();
    return c;
}

/* Row i as text: numbers as Java prints them, vectors as ml.linalg does. */
static inline const char *cell(const ch_column *c, size_t i)
{
    static ch_buf text;
    ch_buf_clear(&text);
    ch_error err;
    ch_vector v;
    if (!ch_column_valid(c, i)) return "NULL";
    switch (c->type->kind) {
    case CH_DOUBLE: ch_buf_java_double(&text, ((const double *)c->data)[i]); break;
    case CH_INT: ch_buf_printf(&text, "%d", ((const int32_t *)c->data)[i]); break;
    case CH_BOOLEAN: ch_buf_str(&text, ((const uint8_t *)c->data)[i] ? "true" : "false"); break;
    case CH_STRING:
        ch_buf_add(&text, ch_string_data(&((const ch_string *)c->data)[i]),
                   ch_string_len(&((const ch_string *)c->data)[i]));
        break;
    default:
        if (ch_vector_at(c, i, &v, &err)) return "malformed";
        ch_vector_print(&text, &v);
    }
    return ch_buf_text(&text);
}

#endif
