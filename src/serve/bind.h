/* bind.h: a request's table as the columns a model wants: MLflow's schema enforcement, and types for models without a
 * signature. */
#ifndef CHERT_SERVE_BIND_H
#define CHERT_SERVE_BIND_H

#include "serve/model.h"

typedef struct ch_bound_input {
    const ch_table_column *column;
    ch_input_type type; /* never CH_INPUT_ANY */
    const char *name;
} ch_bound_input;

typedef struct ch_bound_table {
    const ch_table *table;
    size_t n;
    ch_bound_input *inputs; /* of the model's wanted inputs, in their order */
    ch_field *fields;       /* for ch_served_prepare */
    const char *key;
} ch_bound_table;

/* Finds the columns and their types. Everything in the table's arena. Faults: columns missing, columns of a type the
 * signature does not allow, values of several types in one column. */
int ch_bind_table(const ch_served *model, const ch_rows *rows, ch_bound_table *out, ch_fault *fault);
/* Puts rows first .. first + s->rows of the table into the scorer's input columns. Faults: values that are not of the
 * signature's type. */
int ch_bind_rows(const ch_bound_table *bound, size_t first, ch_scoring *s, ch_fault *fault);

#endif
