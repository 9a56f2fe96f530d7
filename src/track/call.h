/* call.h: what the REST handlers of src/track/ share: checked parameters in, JSON out, MLflow's errors.
 *
 * Each file of handlers ends in a table of ch_track_route rows; routes.c lists the tables and mounts each row under
 * every prefix that MLflow's clients and pages use (/api/2.0/mlflow, /ajax-api/2.0/mlflow, .../preview/mlflow, 3.0).
 *
 *     static int get_run(ch_call *call)
 *     {
 *         const char *id = ch_call_string(call, "run_id");
 *         ...
 *         return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "Run with id=%s not found", id);
 *     }
 */
#ifndef CHERT_TRACK_CALL_H
#define CHERT_TRACK_CALL_H

#include "base/json_write.h"
#include "track/store/db.h"
#include "track/track.h"

#include <jansson.h>

/* MLflow's error codes: X(code, HTTP status). */
#define CH_MLFLOW_CODES(X)                                                                                             \
    X(INVALID_PARAMETER_VALUE, 400)                                                                                    \
    X(BAD_REQUEST, 400)                                                                                                \
    X(RESOURCE_ALREADY_EXISTS, 400)                                                                                    \
    X(UNAUTHENTICATED, 401)                                                                                            \
    X(PERMISSION_DENIED, 403)                                                                                          \
    X(RESOURCE_DOES_NOT_EXIST, 404)                                                                                    \
    X(NOT_FOUND, 404)                                                                                                  \
    X(ENDPOINT_NOT_FOUND, 404)                                                                                         \
    X(RESOURCE_CONFLICT, 409)                                                                                          \
    X(REQUEST_LIMIT_EXCEEDED, 429)                                                                                     \
    X(INTERNAL_ERROR, 500)                                                                                             \
    X(INVALID_STATE, 500)                                                                                              \
    X(NOT_IMPLEMENTED, 501)                                                                                            \
    X(TEMPORARILY_UNAVAILABLE, 503)

typedef enum ch_mlflow_code {
    CH_MLFLOW_OK = 0,
#define CH_MLFLOW_CODE(code, status) CH_MLFLOW_##code,
    CH_MLFLOW_CODES(CH_MLFLOW_CODE)
#undef CH_MLFLOW_CODE
} ch_mlflow_code;

struct ch_track {
    ch_db_pool *pool;
    const char *artifacts; /* absolute path of the artifact folder, without a trailing slash */
    bool testing;
    bool has_company; /* other processes may change the store, too */
    ch_arena *arena;  /* of what lives as long as the track */
    _Atomic int64_t generation;
    struct ch_signer *signer; /* signed_url.h */
    _Atomic int64_t swept_ms; /* when abandoned uploads were last looked for */
    struct ch_auth *auth;     /* auth.h; NULL: everybody may do everything */
};

/* One request to a handler. */
typedef struct ch_call {
    ch_track *track;
    ch_http_request *request;
    ch_http_reply *reply; /* handlers of JSON leave it alone */
    ch_arena *arena;      /* of the request */
    void *parsed;         /* by the route's reader; NULL: args has all */
    json_t *args;         /* an object: the JSON body, or the query's arguments (repeated ones as arrays of strings) */
    ch_json out;          /* the reply's object, already begun: handlers add members */
    ch_error error;       /* for ch_db calls: `CH_DB(call, ch_db_read(...))` */
    ch_mlflow_code code;  /* of ch_call_fail */
    ch_buf message;
} ch_call;

/* What a parameter must be: checked before the handler runs, with MLflow's messages. */
typedef enum ch_param_kind {
    CH_P_STRING,
    CH_P_INT,    /* JSON numbers and numeric strings */
    CH_P_DOUBLE, /* also "NaN", "Infinity", "-Infinity" */
    CH_P_BOOL,
    CH_P_LIST, /* a single query argument counts as a list of one */
    CH_P_OBJECT
} ch_param_kind;

typedef struct ch_param_rule {
    const char *name;
    ch_param_kind kind;
    bool required;
} ch_param_rule;

/* What a request touches, for permissions (auth.c): the kind of thing and the parameter that names it. */
typedef enum ch_access_on {
    CH_ON_NOTHING,
    CH_ON_EXPERIMENT,      /* `key` holds an experiment id */
    CH_ON_EXPERIMENT_NAME, /* ... its name */
    CH_ON_RUN,
    CH_ON_MODEL, /* a registered model's name */
    CH_ON_LOGGED_MODEL,
    CH_ON_ARTIFACT, /* a path of the artifact folder: by its experiment */
    CH_ON_TRACE,
    CH_ON_SIGNED, /* the address is its own permission (signed_url.h) */
    CH_ON_ADMIN   /* administrators only */
} ch_access_on;
typedef enum ch_permission { CH_NO_PERMISSIONS, CH_READ, CH_EDIT, CH_MANAGE } ch_permission;

typedef int (*ch_track_handler)(ch_call *call);
/* Reads a body in a quicker way than as a tree: puts what is of use to the handler into call->parsed, and into
 * call->args what the rules and permissions look at. False leaves the body to be read as usual. */
typedef bool (*ch_track_reader)(ch_call *call, const char *body, size_t len);

enum { CH_TRACK_PARAMS_MAX = 12 };
typedef struct ch_track_route {
    const char *method;
    const char *path; /* below the prefixes: "runs/create" */
    ch_track_handler handler;
    ch_param_rule params[CH_TRACK_PARAMS_MAX]; /* up to the first without a name */
    ch_permission needs;
    ch_access_on on;
    const char *key;
    unsigned flags;       /* of ch_http_flags; a handler of CH_HTTP_STREAM fills call->reply itself */
    ch_track_reader read; /* mostly NULL */
} ch_track_route;

typedef struct ch_track_table {
    const char *const *prefixes; /* NULL at the end */
    const ch_track_route *routes;
    size_t nroute;
} ch_track_table;

extern const ch_track_table ch_experiment_routes;        /* experiments.c */
extern const ch_track_table ch_run_routes;               /* runs.c */
extern const ch_track_table ch_metric_routes;            /* metrics.c */
extern const ch_track_table ch_batch_routes;             /* batch.c: log-metric, log-batch */
extern const ch_track_table ch_input_routes;             /* inputs.c: datasets and models of runs */
extern const ch_track_table ch_run_search_routes;        /* search_runs.c */
extern const ch_track_table ch_registry_routes;          /* registered_models.c */
extern const ch_track_table ch_registry_search_routes;   /* registry_search.c */
extern const ch_track_table ch_logged_search_routes;     /* logged_search.c */
extern const ch_track_table ch_trace_search_routes;      /* trace_search.c */
extern const ch_track_table ch_version_routes;           /* model_versions.c */
extern const ch_track_table ch_logged_routes;            /* logged_models.c */
extern const ch_track_table ch_artifact_routes;          /* artifacts.c */
extern const ch_track_table ch_artifact_proxy_routes;    /* artifacts.c: below /api/2.0/mlflow-artifacts/ */
extern const ch_track_table ch_transfer_routes;          /* transfers.c: uploads in parts, signed addresses */
extern const ch_track_table ch_cloud_routes;             /* transfers.c: what only clouds have */
extern const ch_track_table ch_download_routes;          /* artifacts.c: /get-artifact, /model-versions/get-artifact */
extern const ch_track_table ch_span_routes;              /* spans.c: /v1/traces */
extern const ch_track_table ch_trace_start_routes;       /* traces.c: in 3.0 of the API */
extern const ch_track_table ch_old_trace_routes;         /* trace_legacy.c: in 2.0 */
extern const ch_track_table ch_trace_correlation_routes; /* trace_correlation.c */
extern const ch_track_table ch_trace_metric_routes;      /* trace_metrics.c */
extern const ch_track_table ch_trace_file_routes;        /* trace_legacy.c */
extern const ch_track_table ch_old_trace_search_routes;  /* trace_search.c */
extern const ch_track_table ch_trace_routes;             /* traces.c */
extern const ch_track_table ch_server_routes;            /* server_info.c: /health, /version, /__reset, ... */
extern const ch_track_table ch_ui_routes;                /* ui_api.c: below /api/chert/v1/ */
extern const ch_track_table ch_auth_routes;              /* auth_routes.c: users and tokens */
extern const ch_track_table ch_grant_routes;             /* auth_grants.c: permissions */
extern const ch_track_table ch_auth_ui_routes;           /* auth_ui.c: below /api/chert/v1/ */
extern const char *const ch_mlflow_prefixes[];           /* /api/2.0/mlflow/, /ajax-api/2.0/mlflow/, preview, 3.0 */
extern const char *const ch_mlflow_2_prefixes[];         /* the same without 3.0 */

/* Ends a call with an error: `return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "...")`. Returns the code. */
#define ch_call_fail(call, code, ...) ch_call_fail_((call), CH_MLFLOW_##code, __VA_ARGS__)
int ch_call_fail_(ch_call *call, ch_mlflow_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* `CH_DB(call, ch_db_run(db, &call->error))`: returns from the handler when a database call failed; what has been said
 * with ch_call_fail inside the transaction stands, anything else becomes INTERNAL_ERROR (or TEMPORARILY_UNAVAILABLE on
 * a full disk). */
int ch_call_db_failed(ch_call *call);
#define CH_DB(call, expression)                                                                                        \
    do {                                                                                                               \
        if (expression) return ch_call_db_failed(call);                                                                \
    } while (0)

/* Runs fn, with the call as its argument, in a transaction: the whole of a handler that only changes something and has
 * nothing to tell. */
int ch_call_write(ch_call *call, int (*fn)(ch_db *db, void *call, ch_error *err));

/* The messages of the parameter rules, for what handlers find themselves. */
int ch_call_missing(ch_call *call, const char *name);
int ch_call_invalid(ch_call *call, const char *name, const json_t *value);

/* Parameters by name: NULL, 0, false when absent. Dotted names reach into objects ("trace.trace_info"). */
bool ch_call_has(const ch_call *call, const char *name);
const char *ch_call_string(ch_call *call, const char *name);
int64_t ch_call_int(ch_call *call, const char *name, int64_t otherwise);
double ch_call_double(ch_call *call, const char *name, double otherwise);
bool ch_call_bool(ch_call *call, const char *name);
json_t *ch_call_list(ch_call *call, const char *name);   /* borrowed array, NULL when absent */
json_t *ch_call_object(ch_call *call, const char *name); /* borrowed */
/* Of an element of a list: numbers also from numeric strings. */
const char *ch_item_string(json_t *item, const char *name);
int64_t ch_item_int(json_t *item, const char *name, int64_t otherwise);
double ch_item_double(json_t *item, const char *name, double otherwise);
bool ch_item_is_number(json_t *item, const char *name); /* or a text that is one */

/* --- permissions (auth_permission.c); without --auth everybody may do everything ---- */

/* Fails the call with PERMISSION_DENIED unless its user may do what the row needs; of a list of ids keeps those that
 * may be touched. Asked by ch_call_serve. */
int ch_auth_permit(ch_call *call, const ch_track_route *route);
/* For what a row cannot say: fails the call unless its user may READ the thing. No key (NULL, ""): fine. */
int ch_auth_require_read(ch_call *call, ch_access_on on, const char *key);
int ch_auth_require_edit(ch_call *call, ch_access_on on, const char *key); /* the same for EDIT */
/* What to put behind the WHERE of a list so that it has what the caller may read: "" or " AND column IN (...)", text of
 * the call's arena. `column` is the number of an experiment or of a registered model. */
const char *ch_auth_visible_experiments(ch_call *call, const char *column);
const char *ch_auth_visible_models(ch_call *call, const char *column);
/* In the transaction that makes one: its maker may MANAGE it. */
int ch_auth_own_experiment(ch_db *db, ch_call *call, int64_t experiment, ch_error *err);
int ch_auth_own_model(ch_db *db, ch_call *call, int64_t model, ch_error *err);

/* Milliseconds since 1970. */
int64_t ch_clock_ms(void);
/* 32 hexadecimal digits at random. */
void ch_new_id(char out[33]);
/* base64 of {"offset": N} and back. Invalid text: INVALID_PARAMETER_VALUE, "Invalid page token, could not
 * base64-decode". NULL or "" is 0. */
int ch_page_token_read(ch_call *call, const char *token, int64_t *offset);
void ch_page_token_write(ch_call *call, int64_t offset); /* adds the member next_page_token */
/* max_results within [1, most]; `otherwise` when absent. */
int ch_max_results(ch_call *call, int64_t otherwise, int64_t most, int64_t *out);

#endif
