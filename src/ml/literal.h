/* literal.h: making and reading the literals that carry values to and from clients: numbers, arrays, vectors,
 * matrices. Everything made lives in the arena given. */
#ifndef CHERT_ML_LITERAL_H
#define CHERT_ML_LITERAL_H

#include "frame/plan/expr.h"

ch_literal ch_lit_bool(bool value);
ch_literal ch_lit_int(int64_t value);  /* INT */
ch_literal ch_lit_long(int64_t value); /* LONG */
ch_literal ch_lit_double(double value);
ch_literal ch_lit_text(ch_arena *arena, const char *text); /* copied */
ch_literal ch_lit_null(const ch_type *type);
/* Arrays without nulls. */
ch_literal ch_lit_ints(ch_arena *arena, const int32_t *values, size_t n);
ch_literal ch_lit_longs(ch_arena *arena, const int64_t *values, size_t n);
ch_literal ch_lit_doubles(ch_arena *arena, const double *values, size_t n);
ch_literal ch_lit_texts(ch_arena *arena, const char *const *values, size_t n);
/* VECTOR and MATRIX: fields as in VectorUDT and MatrixUDT. */
ch_literal ch_lit_dense(ch_arena *arena, const double *values, size_t n);
ch_literal ch_lit_sparse(ch_arena *arena, int32_t size, const int32_t *index, const double *values, size_t n);
/* Vector.compressed: sparse if that takes less room. */
ch_literal ch_lit_compressed(ch_arena *arena, const double *values, size_t n);
/* Dense; row-major values when `transposed`, else column-major. */
ch_literal ch_lit_matrix(ch_arena *arena, int32_t rows, int32_t cols, const double *values, bool transposed);
/* Sparse: CSR when `transposed`, else CSC; `ptr` has rows + 1 or cols + 1 entries. */
ch_literal ch_lit_sparse_matrix(ch_arena *arena, int32_t rows, int32_t cols, const int32_t *ptr, const int32_t *index,
                                const double *values, size_t n, bool transposed);

/* Matrix.compressed of row-major values: dense row-major, or whichever sparse form is smaller. */
ch_literal ch_lit_compressed_matrix(ch_arena *arena, int32_t rows, int32_t cols, const double *values);

/* Reading, with everything checked (literals come from clients and from files). *values is in `arena`, dense.
 * err: CH_E_ILLEGAL_ARGUMENT naming `what`. */
int ch_lit_to_vector(ch_arena *arena, const ch_literal *vector, const char *what, double **values, size_t *n,
                     ch_error *err);
/* Row-major (rows, cols). */
int ch_lit_to_matrix(ch_arena *arena, const ch_literal *matrix, const char *what, double **values, size_t *rows,
                     size_t *cols, ch_error *err);
/* Number types (whole or real) as double; false for anything else or NULL. */
bool ch_lit_number(const ch_literal *value, double *out);
/* NUL-terminated copy of a STRING, NULL for anything else. */
const char *ch_lit_string(ch_arena *arena, const ch_literal *value);

#endif
