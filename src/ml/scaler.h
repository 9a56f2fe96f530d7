/* scaler.h: what StandardScaler and MinMaxScaler share: two vectors of numbers a model, a vector column in and out. */
#ifndef CHERT_ML_SCALER_H
#define CHERT_ML_SCALER_H

#include "math/summarize.h"
#include "ml/persist.h"
#include "ml/stage.h"

/* The fitted state: two numbers a feature. */
typedef struct ch_scaler {
    size_t n;
    double *first, *second; /* std and mean; originalMin and originalMax */
} ch_scaler;

ch_scaler *ch_scaler_new(size_t n, ch_error *err);
void ch_scaler_free(void *scaler);
size_t ch_scaler_bytes(const void *scaler);

/* Input and output column of a scaler, checked; *index is the input's. */
int ch_scaler_schema(const ch_param_map *params, const ch_schema *schema, size_t *index, ch_error *err);
/* Statistics of the vectors of a column. err: a NULL, or "Nothing has been added to this summarizer." */
int ch_scaler_summary(const ch_fit *call, const char *column, ch_summary *out, ch_error *err);
/* Binds eval, whose state `state` has `arena`; the output has the size of the model in its metadata. */
void ch_scaler_bind(const ch_bind *call, size_t index, size_t n,
                    int (*eval)(const void *, const ch_batch *, ch_column *, ch_error *), void *state, ch_binding *out);

/* One row of two vector columns of these names. */
int ch_scaler_save(ch_saver *saver, const ch_scaler *scaler, const char *first, const char *second, ch_error *err);
int ch_scaler_load(ch_loader *loader, const char *first, const char *second, void **data, ch_error *err);

#endif
