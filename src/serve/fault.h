/* fault.h: what is wrong with a scoring request, in the words and codes of MLflow's scoring server.
 *
 * Functions of src/serve that may find fault return 0 or a ch_fault_kind, with the fault described:
 *
 *     if (ch_decode_json(text, len, rows, fault)) return ch_fault_reply(fault, reply);
 */
#ifndef CHERT_SERVE_FAULT_H
#define CHERT_SERVE_FAULT_H

#include "http/http.h"

typedef enum ch_fault_kind {
    CH_FAULT_NONE,
    CH_FAULT_BAD_REQUEST, /* 400 BAD_REQUEST: the body is not what it should be, or the model could not take the rows */
    CH_FAULT_SCHEMA,      /* 400 INVALID_PARAMETER_VALUE: the rows do not fit the model's signature */
    CH_FAULT_NOT_FOUND,   /* 404 RESOURCE_DOES_NOT_EXIST: no such model */
    CH_FAULT_CONFLICT,    /* 409 RESOURCE_CONFLICT */
    CH_FAULT_TOO_LARGE,   /* 413 */
    CH_FAULT_MEDIA_TYPE,  /* 415, plain text */
    CH_FAULT_MODEL,       /* 500 INTERNAL_ERROR: the model cannot be loaded */
    CH_FAULT_TIMEOUT,     /* 504, plain text */
    CH_FAULT_NO_ROOM      /* 507 RESOURCE_EXHAUSTED */
} ch_fault_kind;

typedef struct ch_fault {
    ch_fault_kind kind;
    ch_arena *arena; /* of the texts; set by the owner */
    const char *message;
} ch_fault;

/* What MLflow's server says of all that a model raises. */
#define CH_FAULT_EVALUATING                                                                                            \
    "Encountered an unexpected error while evaluating the model. Verify that the serialized input Dataframe is "       \
    "compatible with the model for inference. Error: "

/* Describes a fault and returns its kind. */
int ch_fault_set(ch_fault *fault, ch_fault_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What the stages of a model said of the rows. */
int ch_fault_from_model(ch_fault *fault, const ch_error *err);
/* Answers with it; returns 0, as handlers do. */
int ch_fault_reply(const ch_fault *fault, ch_http_reply *reply);

#endif
