/* string_indexer.h: StringIndexerModel.from_labels and from_arrays_of_labels. */
#ifndef CHERT_ML_STRING_INDEXER_H
#define CHERT_ML_STRING_INDEXER_H

#include "ml/stage.h"

/* `columns`: n arrays of strings, one a column. err: anything else. */
int ch_string_indexer_from_labels(const ch_literal *columns, size_t n, ch_fitted **out, ch_error *err);

#endif
