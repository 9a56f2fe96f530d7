/* mlmodel.h: the folder of an MLflow model: its MLmodel file, as far as scoring asks: where the Spark model lies, and
 * the signature. */
#ifndef CHERT_SERVE_MLMODEL_H
#define CHERT_SERVE_MLMODEL_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>

/* MLflow's column types, as far as stages can take them. */
typedef enum ch_input_type {
    CH_INPUT_ANY, /* no signature: what the values are */
    CH_INPUT_BOOLEAN,
    CH_INPUT_INTEGER,
    CH_INPUT_LONG,
    CH_INPUT_FLOAT,
    CH_INPUT_DOUBLE,
    CH_INPUT_STRING,
    CH_INPUT_VECTOR, /* sparkml_vector, or an array of numbers */
    CH_INPUT_OTHER   /* datetime, binary, objects: taken, as long as no stage wants the column */
} ch_input_type;

typedef struct ch_input {
    const char *name;
    ch_input_type type;
    const char *type_name; /* as the signature says: "long" */
    bool required;         /* by the signature */
} ch_input;

typedef struct ch_mlmodel {
    const char *spark; /* the folder that Spark's writer made */
    bool signature;    /* with names; a signature without is as none */
    size_t ninput;
    ch_input *inputs;
    const char *schema; /* the inputs as MLflow's messages spell them: "['age': long (required)]" */
} ch_mlmodel;

/* Reads the folder of an MLflow model, or of a bare model that Spark saved. Everything in `arena`. err: no such folder;
 * a model of another flavour; a file that cannot be understood. */
int ch_mlmodel_read(ch_arena *arena, const char *path, ch_mlmodel *out, ch_error *err);
/* The same of the text of an MLmodel file, `path` being the folder it is said to be in. */
int ch_mlmodel_parse(ch_arena *arena, const char *path, const char *text, size_t len, ch_mlmodel *out, ch_error *err);

/* The scalar at a path of keys ("flavors", "spark", "model_data", NULL) of block mappings in YAML, as PyYAML writes
 * them; NULL: none there. Sequences are passed over. */
const char *ch_yaml_find(ch_arena *arena, const char *text, size_t len, const char *const *path);

#endif
