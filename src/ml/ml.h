/* ml.h: machine learning for a session, as protocols and the C API see it: operators by their JVM class names, fitted
 * objects by id. What the operators are is in the registry (ml/stage.h); this is the door.
 *
 * A ch_ml belongs to one ch_session and holds its fitted models, summaries and helper objects under UUID ids.
 * Everything may be called from several threads at once. Models are counted references: a running transform keeps its
 * model alive after a delete.
 */
#ifndef CHERT_ML_ML_H
#define CHERT_ML_ML_H

#include "frame/plan/plan.h"
#include "frame/session/session.h"

typedef struct ch_ml ch_ml;

ch_ml *ch_ml_new(ch_session *session); /* retains the session */
void ch_ml_free(ch_ml *ml);

/* A param as the user set it; defaults are the registry's. Coerced to the declared type (long to int, int to double,
 * inside arrays too). */
typedef struct ch_param {
    const char *name;
    ch_literal value;
} ch_param;

typedef struct ch_params {
    size_t n;
    const ch_param *items;
} ch_params;

/* An operator named by its class: "org.apache.spark.ml.feature.VectorAssembler". */
typedef struct ch_operator {
    const char *class_name;
    const char *uid;
    ch_params params;
} ch_operator;

/* One step of a fetch: a method of the object, with its arguments. */
typedef struct ch_fetch_arg {
    const ch_plan *input;      /* a DataFrame, or NULL */
    const ch_literal *literal; /* otherwise */
} ch_fetch_arg;

typedef struct ch_fetch {
    const char *method;
    size_t narg;
    const ch_fetch_arg *args;
} ch_fetch;

typedef enum ch_ml_value_kind {
    CH_ML_NOTHING,
    CH_ML_LITERAL, /* VECTOR and MATRIX literals included */
    CH_ML_OBJECT,  /* ids: one id, or several joined by commas */
    CH_ML_SUMMARY, /* ids: the summary's id */
    CH_ML_OPERATOR /* a read operator: class name, uid, params, and ids when it is a model */
} ch_ml_value_kind;

typedef struct ch_ml_value {
    ch_ml_value_kind kind;
    ch_literal literal;
    const char *ids;
    ch_operator op;
    const char *warning; /* for the user, or NULL */
} ch_ml_value;

/* All results are in `arena`, which also holds the plans given (`dataset`, a step's `input`) with all they point to:
 * summaries keep their dataset by ch_arena_retain, so the bytes a plan borrows (strings, rows of local relations) must
 * live in that arena or be deferred to its end. One arena a request: a plan that uses a model, put into the arena that
 * the model's summary keeps, would keep both for ever. Unknown class: CONNECT_ML.UNSUPPORTED_EXCEPTION; unknown id:
 * CONNECT_ML.CACHE_INVALID; what is no id at all: INTERNAL_ERROR; attribute not offered:
 * CONNECT_ML.ATTRIBUTE_NOT_ALLOWED; bad param values: Spark's IllegalArgumentException texts. */

/* Trains; out: OBJECT with the model's id. */
int ch_ml_fit(ch_ml *ml, ch_arena *arena, const ch_operator *estimator, const ch_plan *dataset, ch_task *task,
              ch_ml_value *out, ch_error *err);
/* A transformer by class, or a fitted model by id (params override the model's own); goes into a CH_PLAN_TRANSFORM
 * node. One reference, owned by the caller. */
int ch_ml_transformer(ch_ml *ml, const ch_operator *transformer, ch_transform **out, ch_error *err);
int ch_ml_model_transform(ch_ml *ml, const char *id, const ch_params *params, ch_transform **out, ch_error *err);
int ch_ml_evaluate(ch_ml *ml, ch_arena *arena, const ch_operator *evaluator, const ch_plan *dataset, ch_task *task,
                   ch_ml_value *out, ch_error *err);
/* id may be a model, a derived "modelid.summary", or the helper object "______ML_CONNECT_HELPER______". */
int ch_ml_fetch(ch_ml *ml, ch_arena *arena, const char *id, size_t n, const ch_fetch *steps, ch_task *task,
                ch_ml_value *out, ch_error *err);
/* An attribute that is a DataFrame (summary.roc, predictions): the plan that gives it, in `arena`. */
int ch_ml_fetch_relation(ch_ml *ml, ch_arena *arena, const char *id, size_t n, const ch_fetch *steps, ch_task *task,
                         ch_plan **out, ch_error *err);
/* Writes a model (id) or an unfitted operator (op) in Spark's format; exactly one of id and op is given. `params` are
 * the model's current params on the client. err: IO "Path ... already exists. To overwrite it, please use ...". */
int ch_ml_write(ch_ml *ml, const char *id, const ch_operator *op, const ch_params *params, const char *path,
                bool overwrite, ch_task *task, ch_error *err);
/* Reads what class_name's writer wrote (ours or Spark's); out: OPERATOR. */
int ch_ml_read(ch_ml *ml, ch_arena *arena, const char *class_name, const char *path, ch_task *task, ch_ml_value *out,
               ch_error *err);
/* Deletes objects; *deleted = comma-joined ids that were there. evict_only keeps them usable (nothing to do here). */
int ch_ml_delete(ch_ml *ml, ch_arena *arena, size_t n, const char *const *ids, bool evict_only, const char **deleted,
                 ch_error *err);
size_t ch_ml_clear(ch_ml *ml); /* clean_cache: number of objects removed */
/* The objects that are kept now, for people to look at. */
typedef struct ch_ml_info {
    const char *id, *class_name;
    size_t bytes;
} ch_ml_info;
size_t ch_ml_list(ch_ml *ml, ch_arena *arena, ch_ml_info **out);
/* get_cache_info: ARRAY<STRING> literal; get_model_size: LONG literal (bytes). */
int ch_ml_cache_info(ch_ml *ml, ch_arena *arena, ch_literal *out, ch_error *err);
int ch_ml_model_size(ch_ml *ml, const char *id, ch_literal *out, ch_error *err);
/* 4.1's create_summary: attaches a training summary computed on `dataset` if the model has none; *created tells. */
int ch_ml_create_summary(ch_ml *ml, const char *id, const ch_plan *dataset, ch_task *task, bool *created,
                         ch_error *err);

#endif
