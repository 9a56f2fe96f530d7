/* vector.c: reading and writing VECTOR columns. */
#include "ml/vector.h"

#include <stdlib.h>

enum { TYPE, SIZE, INDICES, VALUES }; /* children of a VECTOR column */

static int malformed(ch_error *err, size_t row)
{
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "row %zu of the batch holds a malformed vector", row);
}

/* The list of a row, checked to lie inside the child. */
static bool list_at(const ch_column *column, size_t row, ch_list *out)
{
    if (!ch_column_valid(column, row)) return false;
    *out = ((const ch_list *)column->data)[row];
    return out->offset <= column->child[0].rows && out->length <= column->child[0].rows - out->offset;
}

int ch_vector_at(const ch_column *column, size_t row, ch_vector *out, ch_error *err)
{
    const ch_column *f = column->child;
    ch_list values, indices;
    if (column->nchild != 4 || !ch_column_valid(&f[TYPE], row) || !list_at(&f[VALUES], row, &values))
        return malformed(err, row);
    out->value = (const double *)f[VALUES].child[0].data + values.offset;
    out->n = out->size = values.length;
    out->index = NULL;
    if (((const int8_t *)f[TYPE].data)[row] == 1) return 0;
    if (!ch_column_valid(&f[SIZE], row) || !list_at(&f[INDICES], row, &indices) || indices.length != values.length) {
        return malformed(err, row);
    }
    int32_t size = ((const int32_t *)f[SIZE].data)[row];
    if (size < 0) return malformed(err, row);
    out->size = (size_t)size;
    out->index = (const int32_t *)f[INDICES].child[0].data + indices.offset;
    int32_t last = -1;
    for (size_t i = 0; i < out->n; i++) {
        if (out->index[i] <= last || out->index[i] >= size) return malformed(err, row);
        last = out->index[i];
    }
    return 0;
}

size_t ch_vector_run(const ch_column *column, size_t row, size_t end, size_t cols, const double **values)
{
    const ch_column *f = column->child;
    if (column->nchild != 4 || !cols) return 0;
    const int8_t *type = f[TYPE].data;
    const ch_list *list = f[VALUES].data;
    const ch_column *items = &f[VALUES].child[0];
    size_t from = row, at = row < end ? list[row].offset : 0;
    if (at > items->rows) return 0;
    *values = (const double *)items->data + at;
    for (; row < end && type[row] == 1 && list[row].offset == at && list[row].length == cols; row++, at += cols) {
        if (cols > items->rows - at) break;
        if (!ch_column_valid(column, row) || !ch_column_valid(&f[TYPE], row) || !ch_column_valid(&f[VALUES], row))
            break;
    }
    return row - from;
}

void ch_vector_print(ch_buf *out, const ch_vector *v)
{
    if (v->index) {
        ch_buf_printf(out, "(%zu,[", v->size);
        for (size_t i = 0; i < v->n; i++) ch_buf_printf(out, "%s%d", i ? "," : "", v->index[i]);
        ch_buf_str(out, "],");
    }
    ch_buf_char(out, '[');
    for (size_t i = 0; i < v->n; i++) {
        if (i) ch_buf_char(out, ',');
        ch_buf_java_double(out, v->value[i]);
    }
    ch_buf_str(out, v->index ? "])" : "]");
}

/* ---- writer ---- */

int ch_vector_writer_init(ch_vector_writer *w, ch_column *column, size_t rows, size_t width, ch_error *err)
{
    *w = (ch_vector_writer){.column = column};
    w->value_room = rows * width;
    return ch_column_resize_list(&column->child[VALUES], w->value_room, err);
}

/* Makes room for n more elements in a list of which `used` are taken. */
static int make_room(ch_column *list, size_t used, size_t n, size_t *room, ch_error *err)
{
    if (used + n <= *room) return 0;
    *room = used + n > 2 * *room ? used + n : 2 * *room;
    return ch_column_resize_list(list, *room, err);
}

static void set_null(ch_column *c, size_t row)
{
    if (c->validity) {
        c->validity[row >> 6] &= ~(UINT64_C(1) << (row & 63));
    } else {
        ch_column_set_null(c, row); /* makes the mask */
    }
}

int ch_vector_writer_dense(ch_vector_writer *w, size_t size, double **value, ch_error *err)
{
    ch_column *f = w->column->child;
    CH_TRY(make_room(&f[VALUES], w->values, size, &w->value_room, err));
    ((int8_t *)f[TYPE].data)[w->row] = 1;
    set_null(&f[SIZE], w->row);
    set_null(&f[INDICES], w->row);
    ((ch_list *)f[INDICES].data)[w->row] = (ch_list){w->indices, 0};
    ((ch_list *)f[VALUES].data)[w->row] = (ch_list){w->values, size};
    *value = (double *)f[VALUES].child[0].data + w->values;
    w->values += size;
    w->row++;
    return 0;
}

int ch_vector_writer_sparse(ch_vector_writer *w, size_t size, size_t n, int32_t **index, double **value, ch_error *err)
{
    ch_column *f = w->column->child;
    CH_TRY(make_room(&f[VALUES], w->values, n, &w->value_room, err));
    CH_TRY(make_room(&f[INDICES], w->indices, n, &w->index_room, err));
    ((int8_t *)f[TYPE].data)[w->row] = 0;
    ((int32_t *)f[SIZE].data)[w->row] = (int32_t)size;
    ((ch_list *)f[INDICES].data)[w->row] = (ch_list){w->indices, n};
    ((ch_list *)f[VALUES].data)[w->row] = (ch_list){w->values, n};
    *index = (int32_t *)f[INDICES].child[0].data + w->indices;
    *value = (double *)f[VALUES].child[0].data + w->values;
    w->indices += n;
    w->values += n;
    w->row++;
    return 0;
}

void ch_vector_writer_null(ch_vector_writer *w)
{
    ch_column *f = w->column->child;
    ch_column_set_null(w->column, w->row);
    ((ch_list *)f[INDICES].data)[w->row] = (ch_list){w->indices, 0};
    ((ch_list *)f[VALUES].data)[w->row] = (ch_list){w->values, 0};
    w->row++;
}

int ch_vector_writer_finish(ch_vector_writer *w, ch_error *err)
{
    CH_TRY(ch_column_resize_list(&w->column->child[INDICES], w->indices, err));
    return ch_column_resize_list(&w->column->child[VALUES], w->values, err);
}

/* ---- rows as a matrix ---- */

/* Row of a VECTOR or array column (the engine knows a VECTOR as the struct it is). Arrays of floats are widened into
 * *wide, a buffer of the caller's that grows. */
static int any_row(const ch_column *column, size_t row, ch_vector *out, double **wide, ch_error *err)
{
    if (column->type->kind != CH_ARRAY) return ch_vector_at(column, row, out, err);
    ch_list list;
    if (!list_at(column, row, &list)) return malformed(err, row);
    const ch_column *items = &column->child[0];
    for (size_t i = 0; items->validity && i < list.length; i++) {
        if (!ch_column_valid(items, list.offset + i)) return malformed(err, row);
    }
    *out = (ch_vector){.size = list.length, .n = list.length};
    if (items->type->kind == CH_DOUBLE) {
        out->value = (const double *)items->data + list.offset;
        return 0;
    }
    double *copy = realloc(*wide, (list.length + 1) * sizeof *copy);
    if (!copy) return ch_no_memory(err);
    *wide = copy;
    for (size_t i = 0; i < list.length; i++) copy[i] = (double)((const float *)items->data)[list.offset + i];
    out->value = copy;
    return 0;
}

/* First pass: dimensions, whether all rows are dense, whether they lie one behind the other in the column. */
typedef struct survey {
    size_t cols, stored;
    bool dense, contiguous;
    const double *first;
} survey;

static int look(ch_vector_rows *rows, const ch_column *column, size_t nrow, size_t cols, size_t *bad, survey *s,
                ch_error *err)
{
    double *wide = NULL;
    int status = 0;
    bool known = cols > 0;
    *s = (survey){.cols = cols, .dense = true, .contiguous = true};
    for (size_t i = 0; i < nrow && !status; i++) {
        ch_vector v;
        if (!ch_column_valid(column, i)) {
            rows->nulls++;
            s->contiguous = s->dense = false;
            continue;
        }
        status = any_row(column, i, &v, &wide, err);
        if (status) break;
        if (!known) {
            s->cols = v.size;
            known = true;
        } else if (v.size != s->cols) {
            if (bad) *bad = v.size;
            status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "a vector has %zu dimensions where %zu were expected", v.size,
                              s->cols);
        }
        if (v.index) s->dense = false;
        if (!s->first) s->first = v.value;
        if (wide || v.value != s->first + s->stored) s->contiguous = false;
        s->stored += v.n;
    }
    free(wide);
    return status;
}

int ch_vector_rows_init(ch_vector_rows *rows, const ch_column *column, size_t nrow, size_t cols, size_t *bad,
                        ch_error *err)
{
    *rows = (ch_vector_rows){0};
    survey s;
    CH_TRY(look(rows, column, nrow, cols, bad, &s, err));
    rows->m.rows = nrow;
    rows->m.cols = s.cols;
    static const double nothing;
    if (s.dense && s.contiguous) {
        rows->m.dense = s.first ? s.first : &nothing;
        return 0;
    }
    rows->values = malloc((s.stored + 1) * sizeof *rows->values);
    if (!s.dense) {
        rows->row_start = malloc((nrow + 1) * sizeof *rows->row_start);
        rows->index = malloc((s.stored + 1) * sizeof *rows->index);
    }
    if (!rows->values || (!s.dense && (!rows->row_start || !rows->index))) {
        ch_vector_rows_reset(rows);
        return ch_no_memory(err);
    }
    double *wide = NULL;
    size_t used = 0;
    int status = 0;
    for (size_t i = 0; i < nrow && !status; i++) {
        ch_vector v = {0};
        if (rows->row_start) rows->row_start[i] = used;
        if (!ch_column_valid(column, i)) continue;
        status = any_row(column, i, &v, &wide, err);
        if (status) break;
        memcpy(rows->values + used, v.value, v.n * sizeof *v.value);
        for (size_t k = 0; rows->index && k < v.n; k++) rows->index[used + k] = v.index ? v.index[k] : (int32_t)k;
        used += v.n;
    }
    free(wide);
    if (status) {
        ch_vector_rows_reset(rows);
        return status;
    }
    if (rows->row_start) {
        rows->row_start[nrow] = used;
        rows->m.row_start = rows->row_start;
        rows->m.index = rows->index;
        rows->m.value = rows->values;
    } else {
        rows->m.dense = rows->values;
    }
    return 0;
}

void ch_vector_rows_reset(ch_vector_rows *rows)
{
    free(rows->values);
    free(rows->row_start);
    free(rows->index);
    *rows = (ch_vector_rows){0};
}
