/* literal.c: making and reading literals. */
#include "ml/literal.h"

#include <math.h>

ch_literal ch_lit_bool(bool value)
{
    return (ch_literal){.type = &ch_type_boolean, .v.boolean = value};
}

ch_literal ch_lit_int(int64_t value)
{
    return (ch_literal){.type = &ch_type_int, .v.integer = value};
}

ch_literal ch_lit_long(int64_t value)
{
    return (ch_literal){.type = &ch_type_long, .v.integer = value};
}

ch_literal ch_lit_double(double value)
{
    return (ch_literal){.type = &ch_type_double, .v.real = value};
}

ch_literal ch_lit_text(ch_arena *arena, const char *text)
{
    size_t len = strlen(text);
    return (ch_literal){.type = &ch_type_string, .v.bytes = {ch_arena_strndup(arena, text, len), len}};
}

ch_literal ch_lit_null(const ch_type *type)
{
    return (ch_literal){.type = type, .is_null = true};
}

static ch_literal array_of(ch_arena *arena, const ch_type *element, size_t n)
{
    ch_literal out = {.type = ch_type_array(arena, element, false)};
    out.v.list.n = n;
    out.v.list.items = CH_NEW_ARRAY(arena, ch_literal, n);
    return out;
}

ch_literal ch_lit_ints(ch_arena *arena, const int32_t *values, size_t n)
{
    ch_literal out = array_of(arena, &ch_type_int, n);
    for (size_t i = 0; i < n; i++) out.v.list.items[i] = ch_lit_int(values[i]);
    return out;
}

ch_literal ch_lit_longs(ch_arena *arena, const int64_t *values, size_t n)
{
    ch_literal out = array_of(arena, &ch_type_long, n);
    for (size_t i = 0; i < n; i++) out.v.list.items[i] = ch_lit_long(values[i]);
    return out;
}

ch_literal ch_lit_doubles(ch_arena *arena, const double *values, size_t n)
{
    ch_literal out = array_of(arena, &ch_type_double, n);
    for (size_t i = 0; i < n; i++) out.v.list.items[i] = ch_lit_double(values[i]);
    return out;
}

ch_literal ch_lit_texts(ch_arena *arena, const char *const *values, size_t n)
{
    ch_literal out = array_of(arena, &ch_type_string, n);
    for (size_t i = 0; i < n; i++) out.v.list.items[i] = ch_lit_text(arena, values[i]);
    return out;
}

/* ---- vectors and matrices ---- */

static ch_literal byte_literal(int value)
{
    return (ch_literal){.type = &ch_type_byte, .v.integer = value};
}

static ch_literal udt(ch_arena *arena, const ch_type *type, const ch_literal *fields, size_t n)
{
    ch_literal out = {.type = type};
    out.v.list.n = n;
    out.v.list.items = ch_arena_dup(arena, fields, n * sizeof *fields);
    return out;
}

ch_literal ch_lit_dense(ch_arena *arena, const double *values, size_t n)
{
    ch_literal fields[4] = {byte_literal(1), ch_lit_null(&ch_type_int),
                            ch_lit_null(ch_type_array(arena, &ch_type_int, false)), ch_lit_doubles(arena, values, n)};
    return udt(arena, &ch_type_vector, fields, 4);
}

ch_literal ch_lit_sparse(ch_arena *arena, int32_t size, const int32_t *index, const double *values, size_t n)
{
    ch_literal fields[4] = {byte_literal(0), ch_lit_int(size), ch_lit_ints(arena, index, n),
                            ch_lit_doubles(arena, values, n)};
    return udt(arena, &ch_type_vector, fields, 4);
}

ch_literal ch_lit_compressed(ch_arena *arena, const double *values, size_t n)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) used += values[i] != 0.0;
    if (!(1.5 * ((double)used + 1.0) < (double)n)) return ch_lit_dense(arena, values, n);
    int32_t *index = CH_NEW_ARRAY(arena, int32_t, used);
    double *kept = CH_NEW_ARRAY(arena, double, used);
    for (size_t i = 0, k = 0; i < n; i++) {
        if (values[i] == 0.0) continue;
        index[k] = (int32_t)i;
        kept[k++] = values[i];
    }
    return ch_lit_sparse(arena, (int32_t)n, index, kept, used);
}

ch_literal ch_lit_matrix(ch_arena *arena, int32_t rows, int32_t cols, const double *values, bool transposed)
{
    ch_literal none = ch_lit_null(ch_type_array(arena, &ch_type_int, false));
    ch_literal fields[7] = {byte_literal(1),
                            ch_lit_int(rows),
                            ch_lit_int(cols),
                            none,
                            none,
                            ch_lit_doubles(arena, values, (size_t)rows * (size_t)cols),
                            ch_lit_bool(transposed)};
    return udt(arena, &ch_type_matrix, fields, 7);
}

ch_literal ch_lit_sparse_matrix(ch_arena *arena, int32_t rows, int32_t cols, const int32_t *ptr, const int32_t *index,
                                const double *values, size_t n, bool transposed)
{
    ch_literal fields[7] = {byte_literal(0),
                            ch_lit_int(rows),
                            ch_lit_int(cols),
                            ch_lit_ints(arena, ptr, (size_t)(transposed ? rows : cols) + 1),
                            ch_lit_ints(arena, index, n),
                            ch_lit_doubles(arena, values, n),
                            ch_lit_bool(transposed)};
    return udt(arena, &ch_type_matrix, fields, 7);
}

ch_literal ch_lit_compressed_matrix(ch_arena *arena, int32_t rows, int32_t cols, const double *values)
{
    int64_t cells = (int64_t)rows * cols, used = 0;
    for (int64_t i = 0; i < cells; i++) used += values[i] != 0.0;
    /* Bytes as Matrices.getDenseSize and getSparseSize count them. */
    int64_t dense = 8 * cells + 21, csc = 12 * used + 4 * (cols + 1) + 45, csr = 12 * used + 4 * (rows + 1) + 45;
    if (dense <= (csc < csr ? csc : csr)) return ch_lit_matrix(arena, rows, cols, values, true);
    bool by_row = csr < csc;
    int32_t major = by_row ? rows : cols, minor = by_row ? cols : rows, n = 0;
    int32_t *ptr = CH_NEW_ARRAY(arena, int32_t, major + 1), *index = CH_NEW_ARRAY(arena, int32_t, used);
    double *kept = CH_NEW_ARRAY(arena, double, used);
    for (int32_t i = 0; i < major; i++) {
        for (int32_t k = 0; k < minor; k++) {
            double x = by_row ? values[(int64_t)i * cols + k] : values[(int64_t)k * cols + i];
            if (x == 0.0) continue;
            index[n] = k;
            kept[n++] = x;
        }
        ptr[i + 1] = n;
    }
    return ch_lit_sparse_matrix(arena, rows, cols, ptr, index, kept, (size_t)n, by_row);
}

/* ---- reading ---- */

bool ch_lit_number(const ch_literal *value, double *out)
{
    if (!value || value->is_null || !value->type) return false;
    switch (value->type->kind) {
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG: *out = (double)value->v.integer; return true;
    case CH_FLOAT:
    case CH_DOUBLE: *out = value->v.real; return true;
    default: return false;
    }
}

const char *ch_lit_string(ch_arena *arena, const ch_literal *value)
{
    if (!value || value->is_null || !value->type || !ch_type_is_string(value->type)) return NULL;
    return ch_arena_strndup(arena, value->v.bytes.data, value->v.bytes.len);
}

/* The elements of an array of numbers as doubles; false when it is none. */
static bool numbers(ch_arena *arena, const ch_literal *array, double **values, size_t *n)
{
    if (array->is_null || !array->type || array->type->kind != CH_ARRAY) return false;
    *n = array->v.list.n;
    *values = CH_NEW_ARRAY(arena, double, *n);
    for (size_t i = 0; i < *n; i++) {
        if (!ch_lit_number(&array->v.list.items[i], &(*values)[i])) return false;
    }
    return true;
}

static bool is_index(double value, double end)
{
    return value >= 0 && value < end && value == floor(value);
}

enum { LARGEST_DENSE = 1 << 27 }; /* elements of a sparse literal we agree to spread out */

int ch_lit_to_vector(ch_arena *arena, const ch_literal *vector, const char *what, double **values, size_t *n,
                     ch_error *err)
{
    const char *bad = "%s is not a vector";
    if (vector->is_null || !vector->type || vector->type->kind != CH_VECTOR || vector->v.list.n != 4) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, bad, what);
    }
    const ch_literal *f = vector->v.list.items;
    double kind, size, *kept, *index;
    size_t nkept, nindex;
    if (!ch_lit_number(&f[0], &kind) || !numbers(arena, &f[3], &kept, &nkept)) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, bad, what);
    }
    if (kind == 1) {
        *values = kept;
        *n = nkept;
        return 0;
    }
    if (!ch_lit_number(&f[1], &size) || !numbers(arena, &f[2], &index, &nindex) || nindex != nkept || size < 0 ||
        size > LARGEST_DENSE) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, bad, what);
    }
    *n = (size_t)size;
    *values = CH_NEW_ARRAY(arena, double, *n);
    for (size_t i = 0; i < nkept; i++) {
        if (!is_index(index[i], size)) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, bad, what);
        (*values)[(size_t)index[i]] = kept[i];
    }
    return 0;
}

/* Spreads a sparse matrix, CSC or CSR, over row-major `out`. */
static bool spread(const double *ptr, size_t nptr, const double *index, const double *kept, size_t nkept, bool by_row,
                   size_t rows, size_t cols, double *out)
{
    size_t major = by_row ? rows : cols, minor = by_row ? cols : rows;
    if (nptr != major + 1 || ptr[0] != 0 || !is_index(ptr[major], (double)nkept + 1)) return false;
    for (size_t i = 0; i < major; i++) {
        if (!is_index(ptr[i + 1], (double)nkept + 1) || ptr[i] > ptr[i + 1]) return false;
        for (size_t k = (size_t)ptr[i]; k < (size_t)ptr[i + 1]; k++) {
            if (!is_index(index[k], (double)minor)) return false;
            size_t j = (size_t)index[k];
            out[by_row ? i * cols + j : j * cols + i] = kept[k];
        }
    }
    return true;
}

int ch_lit_to_matrix(ch_arena *arena, const ch_literal *matrix, const char *what, double **values, size_t *rows,
                     size_t *cols, ch_error *err)
{
    const char *bad = "%s is not a matrix";
    if (matrix->is_null || !matrix->type || matrix->type->kind != CH_MATRIX || matrix->v.list.n != 7) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, bad, what);
    }
    const ch_literal *f = matrix->v.list.items;
    double kind, nrow, ncol, *kept;
    size_t nkept;
    if (!ch_lit_number(&f[0], &kind) || !ch_lit_number(&f[1], &nrow) || !ch_lit_number(&f[2], &ncol) ||
        !numbers(arena, &f[5], &kept, &nkept) || f[6].is_null || !f[6].type || f[6].type->kind != CH_BOOLEAN ||
        nrow < 0 || ncol < 0 || nrow * ncol > LARGEST_DENSE) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, bad, what);
    }
    *rows = (size_t)nrow;
    *cols = (size_t)ncol;
    bool by_row = f[6].v.boolean;
    if (kind == 1 && nkept == *rows * *cols) {
        *values = kept;
        if (by_row) return 0;
        *values = CH_NEW_ARRAY(arena, double, nkept);
        for (size_t j = 0; j < *cols; j++) {
            for (size_t i = 0; i < *rows; i++) (*values)[i * *cols + j] = kept[j * *rows + i];
        }
        return 0;
    }
    double *ptr, *index;
    size_t nptr, nindex;
    *values = CH_NEW_ARRAY(arena, double, *rows **cols);
    if (kind != 0 || !numbers(arena, &f[3], &ptr, &nptr) || !numbers(arena, &f[4], &index, &nindex) ||
        nindex != nkept || !spread(ptr, nptr, index, kept, nkept, by_row, *rows, *cols, *values)) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, bad, what);
    }
    return 0;
}
