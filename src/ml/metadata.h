/* metadata.h: the ml_attr part of column metadata: what a column's or a vector's features are called and which values
 * they take. Source: org.apache.spark.ml.attribute. Everything read or made lives in the arena given. */
#ifndef CHERT_ML_METADATA_H
#define CHERT_ML_METADATA_H

#include "frame/type/type.h"

#include <stdint.h>

typedef enum ch_ml_attr_type { CH_ML_UNRESOLVED, CH_ML_NUMERIC, CH_ML_NOMINAL, CH_ML_BINARY } ch_ml_attr_type;

/* One feature. */
typedef struct ch_ml_attr {
    ch_ml_attr_type type;
    const char *name;    /* NULL: none */
    const char *numeric; /* JSON members "min":..,"max":.. of a numeric attribute, as read; NULL: none */
    int ordinal;         /* nominal: 1 true, 0 false, -1 not said */
    int64_t num_values;  /* nominal without values: how many there are; -1 not said */
    size_t nvalue;
    const char **values; /* nominal and binary: names of the values; NULL: not said */
} ch_ml_attr;

/* The features of a vector column. */
typedef struct ch_ml_group {
    int64_t size;      /* -1: not said */
    ch_ml_attr *attrs; /* (size), or NULL when only the size is known */
} ch_ml_group;

extern const ch_ml_attr ch_ml_attr_numeric; /* the default: numeric, nothing known */

/* The attribute of a scalar column, named after the field; UNRESOLVED when it has none. err: metadata that is none. */
int ch_ml_attr_read(ch_arena *arena, const ch_field *field, ch_ml_attr *out, ch_error *err);
/* The attributes of a vector column. */
int ch_ml_group_read(ch_arena *arena, const ch_field *field, ch_ml_group *out, ch_error *err);

/* Number of values of a nominal attribute, 2 for a binary one, -1 when unknown or numeric. */
int64_t ch_ml_attr_values(const ch_ml_attr *attr);

/* Metadata texts {"ml_attr":{...}}. */
const char *ch_ml_attr_write(ch_arena *arena, const ch_ml_attr *attr);
const char *ch_ml_group_write(ch_arena *arena, const ch_ml_group *group);
/* {"ml_attr":{"num_attrs":n}}, {"ml_attr":{"num_vals":n,"type":"nominal"}} and {"ml_attr":{}} (a numeric one). */
const char *ch_ml_size_metadata(ch_arena *arena, int64_t n);
const char *ch_ml_classes_metadata(ch_arena *arena, int64_t n);
const char *ch_ml_numeric_metadata(void);

#endif
