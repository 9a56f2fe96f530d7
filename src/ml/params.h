/* params.h: the params of a stage: rows that declare them, and maps that hold their values for one instance.
 *
 * A stage lists its params as rows (name, type, default, what is allowed, doc). A ch_param_map holds, for an instance
 * with a uid, which of them the user set and which have a default. The rows serve coercion and validation of what a
 * client sends, persistence, the C API and documentation alike. Source: org.apache.spark.ml.param.
 */
#ifndef CHERT_ML_PARAMS_H
#define CHERT_ML_PARAMS_H

#include "base/buf.h"
#include "ml/ml.h"

#include <jansson.h>

typedef enum ch_param_type {
    CH_PARAM_BOOLEAN,
    CH_PARAM_INT,
    CH_PARAM_LONG,
    CH_PARAM_DOUBLE,
    CH_PARAM_STRING,
    CH_PARAM_STRINGS, /* array<string> */
    CH_PARAM_DOUBLES, /* array<double> */
    CH_PARAM_VECTOR,
    CH_PARAM_MATRIX
} ch_param_type;

/* Where the default comes from. */
typedef enum ch_param_default {
    CH_DEFAULT_NONE,
    CH_DEFAULT_VALUE,  /* `number` or `text` */
    CH_DEFAULT_OUTPUT, /* uid + "__output" */
    CH_DEFAULT_SEED    /* Java's hash code of the class name */
} ch_param_default;

typedef struct ch_param_row {
    const char *name; /* NULL ends a table */
    ch_param_type type;
    ch_param_default from;
    double number;    /* default of BOOLEAN, INT, LONG, DOUBLE */
    const char *text; /* default of STRING */
    /* What is allowed: a range for numbers (bounded: low and high hold) ... */
    bool bounded, low_open, high_open;
    double low, high;
    const char *allowed;                    /* ... or these strings, separated by spaces ... */
    bool any_case;                          /* ... compared without regard to case ... */
    bool (*valid)(const ch_literal *value); /* ... or what this function says. */
    const char *doc;
} ch_param_row;

struct ch_stage;

/* Immutable once shared. Counted references, so that all trees of a forest can have one map. */
typedef struct ch_param_map ch_param_map;

/* No param set; defaults of the stage's rows for an instance called uid. One reference. */
ch_param_map *ch_param_map_new(const struct ch_stage *stage, const char *uid);
/* Params.copyValues: a map for `stage` (NULL: the same) with the values and defaults that `from` has for params of the
 * same name. The copy may be changed until it is shared. */
ch_param_map *ch_param_map_copy(const ch_param_map *from, const struct ch_stage *stage, const char *uid);
ch_param_map *ch_param_map_retain(ch_param_map *map);
void ch_param_map_release(ch_param_map *map); /* NULL is fine */

const char *ch_param_map_uid(const ch_param_map *map);
const struct ch_stage *ch_param_map_stage(const ch_param_map *map);
size_t ch_param_map_bytes(const ch_param_map *map);

/* Sets params as a client sent them: coerced to the declared types and checked, with Spark's texts: "Param x does not
 * exist.", "<uid> parameter x given invalid value y.". */
int ch_param_map_set(ch_param_map *map, const ch_params *params, ch_error *err);
int ch_param_set_literal(ch_param_map *map, const char *name, const ch_literal *value, ch_error *err);
/* Shorthands for code that sets params itself; the row must exist and the value be valid. */
void ch_param_set_text(ch_param_map *map, const char *name, const char *value);

bool ch_param_exists(const ch_param_map *map, const char *name); /* the stage has such a row */
bool ch_param_is_set(const ch_param_map *map, const char *name);
bool ch_param_is_defined(const ch_param_map *map, const char *name);
/* Value in force: the set one, else the default. err: NoSuchElementException "Failed to find a default value for x". */
int ch_param_get(const ch_param_map *map, const char *name, const ch_literal **value, ch_error *err);

/* The value of a param that has a default or was checked to be defined. */
bool ch_param_bool(const ch_param_map *map, const char *name);
int ch_param_int(const ch_param_map *map, const char *name);
int64_t ch_param_long(const ch_param_map *map, const char *name);
double ch_param_double(const ch_param_map *map, const char *name);
const char *ch_param_text(const ch_param_map *map, const char *name);
/* NULL unless defined and not empty: optional column names. */
const char *ch_param_column(const ch_param_map *map, const char *name);
/* Elements of a STRINGS param (NUL-terminated strings, borrowed from the map); *n = 0 and NULL when undefined. */
const char *const *ch_param_texts(const ch_param_map *map, const char *name, size_t *n);
const double *ch_param_doubles(const ch_param_map *map, const char *name, size_t *n);

/* All params that were set, as literals in `arena`. */
ch_params ch_param_map_list(const ch_param_map *map, ch_arena *arena);
/* {"name":value,...} sorted by name, as metadata files hold them: the params set, or the defaults. */
void ch_param_map_json(const ch_param_map *map, bool defaults, ch_buf *out);
/* Reads such an object; `skip` (may be NULL) names a param to leave out. Unknown params are an error, as in Spark. */
int ch_param_map_read(ch_param_map *map, const json_t *object, bool defaults, const char *skip, ch_error *err);

/* ParamValidators.checkSingleVsMultiColumnParams, then the columns that inputCol/outputCol or inputCols/outputCols
 * name. Whether the two lists are of one length is the caller's to check. Arrays in `arena` or the map. */
int ch_param_in_out(const ch_param_map *map, ch_arena *arena, size_t *nin, const char *const **in, size_t *nout,
                    const char *const **out, ch_error *err);

/* java.lang.String.hashCode of ASCII text. */
int32_t ch_java_hash(const char *text);

#endif
