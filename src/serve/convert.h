/* convert.h: untyped cells into typed columns, with what pandas says of values that are of no use. */
#ifndef CHERT_SERVE_CONVERT_H
#define CHERT_SERVE_CONVERT_H

#include "frame/type/column.h"
#include "serve/fault.h"
#include "serve/mlmodel.h"
#include "serve/table.h"

/* Puts `rows` cells into a column of the type's kind (from its row 0). Whole numbers are taken as real ones, real ones
 * without a fraction as whole ones, digits in text as numbers, anything simple as text. Faults name the column. */
int ch_convert_cells(ch_input_type type, const char *name, const ch_cell *cells, size_t rows, ch_column *out,
                     ch_fault *fault);
/* Checks the columns of the signature that no stage wants, too, as the real server does. */
int ch_convert_unused(const ch_mlmodel *model, const ch_table *table, ch_fault *fault);

#endif
