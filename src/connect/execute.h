/* execute.h: the work of one ExecutePlan request on its own thread: the plan decoded, run, and its results pushed into
 * the operation's buffer. */
#ifndef CHERT_CONNECT_EXECUTE_H
#define CHERT_CONNECT_EXECUTE_H

#include "connect/decode.h"
#include "connect/service.h"

typedef struct ch_execution {
    ch_service *service;
    ch_holder *holder; /* a reference */
    ch_operation *op;  /* a reference */
    ch_record *record; /* of the monitor, while it runs */
    ch_arena *arena;   /* of the request and its plan; summaries may go on reading it, so results are built elsewhere */
    const PB(ExecutePlanRequest) *request;
    int64_t chunk_bytes; /* Arrow batches may be cut into pieces of this size; 0: they may not */
} ch_execution;

/* Runs the request to its end, finishes the operation and frees the execution. A job for ch_pool_run. */
void ch_execution_run(void *execution);
void ch_execution_free(ch_execution *x);

ch_decoder ch_execution_decoder(ch_execution *x);
/* Who must be allowed what it does with the tracking server's things; NULL: everybody may. */
const char *ch_execution_user(const ch_execution *x);

/* describe.c: what a plan does, for people; made in `arena`. `plan` may be NULL. */
ch_summary ch_describe(ch_arena *arena, const PB(Plan) *plan);

/* A response with the ids that all responses carry. */
PB(ExecutePlanResponse) *ch_response_message(ch_arena *arena, const ch_holder *holder, const ch_operation *op);
/* Gives a response away to the operation; `rows` it carries are counted. */
int ch_execution_push(ch_execution *x, ch_response *r, int64_t rows, ch_error *err);
int ch_execution_send(ch_execution *x, const PB(ExecutePlanResponse) *message, ch_error *err);

/* result.c: schema, Arrow batches, metrics. */
int ch_execute_relation(ch_execution *x, const PB(Relation) *root, ch_error *err);
int ch_execute_plan(ch_execution *x, const ch_plan *plan, ch_error *err);
/* The metrics of the observations (df.observe) in a plan that has been run. */
int ch_send_observed(ch_execution *x, const ch_plan *plan, ch_error *err);
/* All rows of a plan as one Arrow IPC stream, for answers that are embedded in messages. err: too many bytes. */
int ch_collect_arrow(ch_execution *x, const ch_plan *plan, ch_buf *arrow, ch_buf *schema_json, ch_error *err);

/* command.c, ml_command.c */
int ch_execute_command(ch_execution *x, const PB(Command) *command, ch_error *err);
int ch_execute_ml(ch_execution *x, const PB(MlCommand) *command, ch_error *err);

#endif
