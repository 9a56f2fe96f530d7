/* class_index.c: see class_index.h. */
#include "math/class_index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double canonical(double value)
{
    return isnan(value) ? NAN : value + 0.0; /* -0 + 0 is 0 */
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The place in the hash table that holds the canonical value, or the free place for it. */
static size_t find_slot(const ch_class_index *index, double value)
{
    const uint64_t bits = bits_of(value);
    uint64_t hash = bits * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 32;
    size_t at = (size_t)hash & (index->nslots - 1);
    while (index->slots[at] && bits_of(index->values[index->slots[at] - 1]) != bits)
        at = (at + 1) & (index->nslots - 1);
    return at;
}

static int is_small(double value)
{
    return value >= 0 && value < CH_CLASS_SMALL && value == (double)(int)value;
}

static int grow(ch_class_index *index, ch_error *err)
{
    if (index->count == INT32_MAX) return ch_no_memory(err);
    if (index->count == index->capacity) {
        const size_t capacity = index->capacity ? index->capacity * 2 : 16;
        double *values = realloc(index->values, capacity * sizeof *values);
        if (!values) return ch_no_memory(err);
        index->values = values;
        index->capacity = capacity;
    }
    if (2 * (index->count + 1) <= index->nslots) return 0;
    ch_class_index wider = *index;
    wider.nslots = index->nslots ? index->nslots * 2 : 64;
    wider.slots = calloc(wider.nslots, sizeof *wider.slots);
    if (!wider.slots) return ch_no_memory(err);
    for (size_t i = 0; i < index->count; i++) wider.slots[find_slot(&wider, index->values[i])] = (uint32_t)i + 1;
    free(index->slots);
    *index = wider;
    return 0;
}

size_t ch_class_index_find(const ch_class_index *index, double value)
{
    value = canonical(value);
    if (is_small(value)) return (size_t)index->small[(int)value] - 1;
    if (!index->nslots) return SIZE_MAX;
    return (size_t)index->slots[find_slot(index, value)] - 1;
}

int ch_class_index_add(ch_class_index *index, double value, size_t *number, ch_error *err)
{
    *number = ch_class_index_find(index, value);
    if (*number != SIZE_MAX) return 0;
    CH_TRY(grow(index, err));
    value = canonical(value);
    *number = index->count++;
    index->values[*number] = value;
    index->slots[find_slot(index, value)] = (uint32_t)*number + 1;
    if (is_small(value)) index->small[(int)value] = (uint32_t)*number + 1;
    return 0;
}

void ch_class_index_reset(ch_class_index *index)
{
    free(index->values);
    free(index->slots);
    *index = (ch_class_index){0};
}
