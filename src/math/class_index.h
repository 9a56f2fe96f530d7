/* class_index.h: numbers the distinct values of a column of class labels or cluster ids, for the metrics alone.
 *
 * Small whole numbers, which labels almost always are, take a table look-up; anything else a hash table. 0 and -0 are
 * one value, and so are all NaNs.
 */
#ifndef CHERT_MATH_CLASS_INDEX_H
#define CHERT_MATH_CLASS_INDEX_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { CH_CLASS_SMALL = 64 };

typedef struct ch_class_index {
    double *values; /* (count) in the order of their first appearance; owned */
    size_t count, capacity;
    uint32_t small[CH_CLASS_SMALL]; /* number + 1 of the values 0..63, or 0 */
    uint32_t *slots;                /* (nslots, a power of two) number + 1, or 0; owned */
    size_t nslots;
} ch_class_index; /* zero-initialise */

/* *number receives the value's number, a new one if it was not seen before. Errors: memory; 2^31 values. */
int ch_class_index_add(ch_class_index *index, double value, size_t *number, ch_error *err);
/* The value's number, or SIZE_MAX. */
size_t ch_class_index_find(const ch_class_index *index, double value);
void ch_class_index_reset(ch_class_index *index);

#endif
