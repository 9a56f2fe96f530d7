/* model.h: a model loaded for scoring: its stages, what columns they want, and scorers made for the types of columns
 * that requests brought so far. Shared by counted references; immutable but for the cache of scorers.
 */
#ifndef CHERT_SERVE_MODEL_H
#define CHERT_SERVE_MODEL_H

#include "frame/session/session.h"
#include "ml/scorer.h"
#include "serve/decode.h"
#include "serve/mlmodel.h"

typedef struct ch_served ch_served;

/* What a column of the stages' input is. */
typedef struct ch_wanted_input {
    const char *name;
    size_t signed_as; /* index in the signature; SIZE_MAX: not in it */
} ch_wanted_input;

/* Loads the model in the folder `path`. `engine` reads its Parquet files; NULL: one is opened for that and closed
 * again. name and version are for metrics and messages. One reference. */
int ch_served_load(ch_engine *engine, const char *path, const char *name, const char *version, ch_served **out,
                   ch_error *err);
ch_served *ch_served_retain(ch_served *model);
void ch_served_release(ch_served *model); /* NULL is fine */

const char *ch_served_name(const ch_served *model);
const char *ch_served_version(const ch_served *model);
const char *ch_served_path(const ch_served *model);
const ch_mlmodel *ch_served_mlmodel(const ch_served *model);
/* The columns that the stages want and no stage makes, in the order in which they are met. */
const ch_wanted_input *ch_served_inputs(const ch_served *model, size_t *n);

/* A scorer for columns of these types, one for each wanted input, in order. */
typedef struct ch_prepared {
    ch_scorer *scorer;
    size_t prediction; /* the column that is the answer when none was asked for */
    bool own;          /* to be given back: ch_served_done frees it */
} ch_prepared;

/* `fields` are the inputs with types and metadata; `key` is a text that differs whenever types or metadata do. `lean`:
 * only the prediction will be looked at. err: what the stages say of the types. */
int ch_served_prepare(ch_served *model, const char *key, const ch_field *fields, bool lean, ch_prepared *out,
                      ch_error *err);
void ch_served_done(ch_prepared *prepared);

#endif
