/* stage.h: what an estimator, model, transformer or evaluator is: one const descriptor each, listed once in registry.c.
 *
 * To add an algorithm: write one file that defines a ch_stage for the estimator and one for its model (or one for a
 * transformer or evaluator), and add the lines to registry.c. Everything else (the Connect server's fit, transform,
 * fetch, write and read, the C API, param checks, persistence of params) follows from the descriptor.
 *
 *     estimator: params, fit, model        model: params, bind, attributes, save, load, free_state
 *     transformer: params, bind            evaluator: params, evaluate
 *
 * What fit returns is the model's fitted state: a struct of the stage's own, immutable from then on, shared by counted
 * references between the model, its copies and running transforms.
 */
#ifndef CHERT_ML_STAGE_H
#define CHERT_ML_STAGE_H

#include "ml/ml.h"
#include "ml/params.h"

typedef struct ch_stage ch_stage;
typedef struct ch_object ch_object;

typedef enum ch_stage_kind {
    CH_STAGE_ESTIMATOR,
    CH_STAGE_MODEL,
    CH_STAGE_TRANSFORMER,
    CH_STAGE_EVALUATOR,
    CH_STAGE_SUMMARY /* what model.summary and model.evaluate give: attributes only */
} ch_stage_kind;

/* A fitted state, counted. */
typedef struct ch_fitted {
    atomic_int refs;
    const ch_stage *stage; /* of the model */
    void *data;
    unsigned long id; /* unique in the process */
} ch_fitted;

/* An estimator at work. */
typedef struct ch_fit {
    ch_session *session;
    ch_arena *arena; /* of the request; holds the dataset */
    const char *uid;
    const ch_param_map *params;
    const ch_plan *dataset;
    ch_schema schema; /* of the dataset */
    ch_task *task;    /* may be NULL */
} ch_fit;

typedef struct ch_fit_result {
    void *data;          /* the model's fitted state; the caller takes it over */
    const char *warning; /* for the user, in the arena, or NULL */
} ch_fit_result;

/* A model or transformer about to be applied to a relation of schema `in`. */
typedef struct ch_bind {
    ch_session *session; /* NULL, as `input`, when rows in memory will be scored */
    ch_arena *arena;
    const ch_param_map *params;
    ch_fitted *fitted; /* NULL for a transformer */
    const ch_schema *in;
    const ch_plan *input;
} ch_bind;

typedef struct ch_evaluation {
    ch_session *session;
    ch_arena *arena;
    const ch_param_map *params;
    const ch_plan *dataset;
    ch_schema schema;
    ch_task *task;
} ch_evaluation;

/* An attribute being fetched from an object. */
typedef struct ch_attr_call {
    ch_session *session;
    ch_arena *arena;
    ch_object *self;
    const char *name;
    size_t narg;
    const ch_fetch_arg *args;
    ch_task *task;
} ch_attr_call;

typedef struct ch_attr_value {
    enum { CH_ATTR_LITERAL, CH_ATTR_OBJECTS, CH_ATTR_PLAN } kind;
    ch_literal literal;
    size_t nobject;
    ch_object **objects; /* one reference each, the caller's; array in the arena */
    ch_plan *plan;
} ch_attr_value;

/* An attribute clients may fetch; name NULL ends a table. Several rows of one name differ in their arguments. */
typedef struct ch_attribute {
    const char *name;
    int (*get)(const ch_attr_call *call, ch_attr_value *out, ch_error *err);
} ch_attribute;

struct ch_saver; /* persist.h */
struct ch_loader;

struct ch_stage {
    const char *class_name; /* "org.apache.spark.ml.feature.StringIndexer" */
    ch_stage_kind kind;
    const char *uid_prefix;     /* of uids made here: "strIdx" */
    const ch_param_row *params; /* ended by a row without name; NULL: none */
    const ch_stage *model;      /* of an estimator */
    int (*fit)(const ch_fit *fit, ch_fit_result *out, ch_error *err);
    /* Attaches what model.summary gives to a model just fitted; NULL when there is none. */
    int (*summarize)(const ch_fit *fit, ch_object *model, ch_error *err);
    int (*bind)(const ch_bind *bind, ch_binding *out, ch_error *err);
    const struct ch_predictor *predictor; /* how a model scores rows, for ch_predictor_bind; NULL for other stages */
    int (*evaluate)(const ch_evaluation *evaluation, double *value, ch_error *err);
    /* Writes and reads what is beside metadata/. */
    int (*save)(struct ch_saver *saver, const ch_object *model, ch_error *err);
    int (*load)(struct ch_loader *loader, void **data, ch_error *err);
    const char *skip_on_load;                          /* a param that loading leaves out, or NULL */
    const ch_attribute *const *attributes;             /* tables, ended by NULL; NULL: none */
    void (*free_state)(void *data);                    /* NULL: free() */
    size_t (*bytes)(const void *data);                 /* memory held; NULL: unknown */
    void (*print)(const ch_object *self, ch_buf *out); /* toString; NULL: the uid */
};

/* The part of the class name behind the last dot. */
const char *ch_stage_name(const ch_stage *stage);

/* The registry. NULL when there is no such class. */
const ch_stage *ch_stage_find(const char *class_name);
size_t ch_stage_all(const ch_stage *const **out);

/* "<prefix>_" and 12 hex digits, as Identifiable.randomUID. */
void ch_random_uid(const char *prefix, char *out, size_t size);

#endif
