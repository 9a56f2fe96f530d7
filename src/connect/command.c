/* command.c: the commands of ExecutePlan: SQL, writes, views, checkpoints. Those of machine learning are in
 * ml_command.c. */
#include "connect/decode_internal.h"
#include "connect/errors.h"
#include "connect/execute.h"
#include "frame/engine/query.h"
#include "frame/plan/parse.h"

#include <ctype.h>
#include <string.h>

static int decode(ch_execution *x, const PB(Relation) *in, ch_plan **out, ch_error *err)
{
    ch_decoder d = ch_execution_decoder(x);
    CH_TRY(ch_decode_relation(&d, in, out, err));
    ch_record_enter(x->record, "analyze");
    return CH_OK;
}

/* --- spark.sql ---------------------------------------------------------------------------------------------------- */

static int send_sql_result(ch_execution *x, PB(Relation) *relation, ch_error *err)
{
    ch_arena *arena = ch_arena_new();
    PB(ExecutePlanResponse) *message = ch_response_message(arena, x->holder, x->op);
    message->response_type_case = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_SQL_COMMAND_RESULT;
    message->sql_command_result = PB_NEW(arena, execute_plan_response__sql_command_result);
    message->sql_command_result->relation = relation;
    int status = ch_execution_send(x, message, err);
    ch_arena_free(arena);
    return status;
}

/* The rows of a command's answer go back as a local relation. */
static int send_answer_rows(ch_execution *x, const ch_plan *rows, ch_error *err)
{
    ch_buf arrow = {0}, schema = {0};
    ch_arena *arena = ch_arena_new();
    int status = ch_collect_arrow(x, rows, &arrow, &schema, err);
    if (!status) {
        PB(LocalRelation) *local = PB_NEW(arena, local_relation);
        local->_data_case = SPARK__CONNECT__LOCAL_RELATION___DATA_DATA;
        local->data.data = (uint8_t *)arrow.data;
        local->data.len = arrow.len;
        local->_schema_case = SPARK__CONNECT__LOCAL_RELATION___SCHEMA_SCHEMA;
        local->schema = schema.data;
        PB(Relation) *relation = PB_NEW(arena, relation);
        relation->rel_type_case = SPARK__CONNECT__RELATION__REL_TYPE_LOCAL_RELATION;
        relation->local_relation = local;
        status = send_sql_result(x, relation, err);
    }
    ch_arena_free(arena);
    ch_buf_reset(&schema);
    ch_buf_reset(&arrow);
    return status;
}

/* The SQL of a command, as a relation: newer clients send one, older ones the text and its arguments. */
static PB(Relation) *sql_relation(ch_execution *x, const PB(SqlCommand) *in)
{
    if (in->input) return in->input;
    PB(SQL) *sql = PB_NEW(x->arena, sql);
    sql->query = in->sql;
    sql->n_pos_args = in->n_pos_args;
    sql->pos_args = in->pos_args;
    sql->n_pos_arguments = in->n_pos_arguments;
    sql->pos_arguments = in->pos_arguments;
    sql->n_args = in->n_args;
    sql->args = CH_NEW_ARRAY(x->arena, PB(SQL__ArgsEntry) *, in->n_args);
    for (size_t i = 0; i < in->n_args; i++) {
        sql->args[i] = PB_NEW(x->arena, sql__args_entry);
        sql->args[i]->key = in->args[i]->key;
        sql->args[i]->value = in->args[i]->value;
    }
    sql->n_named_arguments = in->n_named_arguments;
    sql->named_arguments = CH_NEW_ARRAY(x->arena, PB(SQL__NamedArgumentsEntry) *, in->n_named_arguments);
    for (size_t i = 0; i < in->n_named_arguments; i++) {
        sql->named_arguments[i] = PB_NEW(x->arena, sql__named_arguments_entry);
        sql->named_arguments[i]->key = in->named_arguments[i]->key;
        sql->named_arguments[i]->value = in->named_arguments[i]->value;
    }
    PB(Relation) *relation = PB_NEW(x->arena, relation);
    relation->rel_type_case = SPARK__CONNECT__RELATION__REL_TYPE_SQL;
    relation->sql = sql;
    return relation;
}

/* A query is checked and sent back as it came, to be run when its rows are wanted; a command is run now. */
static int execute_sql(ch_execution *x, const PB(SqlCommand) *in, ch_error *err)
{
    PB(Relation) *relation = sql_relation(x, in);
    ch_plan *plan;
    CH_TRY(decode(x, relation, &plan, err));
    if (plan->kind == CH_PLAN_SQL) {
        ch_plan *answer;
        bool is_query;
        CH_TRY(ch_run_statement(ch_holder_frame(x->holder), x->arena, plan, &answer, &is_query, err));
        if (!is_query) return send_answer_rows(x, answer, err);
        plan = answer;
    }
    ch_query *q;
    CH_TRY(ch_query_open(ch_holder_frame(x->holder), plan, &q, err));
    ch_query_close(q);
    return send_sql_result(x, relation, err);
}

/* --- writes ------------------------------------------------------------------------------------------------------- */

static int save_mode(int mode, ch_save_mode *out, ch_error *err)
{
    switch (mode) {
    case SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_UNSPECIFIED:
    case SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_ERROR_IF_EXISTS: *out = CH_SAVE_ERROR; return CH_OK;
    case SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_APPEND: *out = CH_SAVE_APPEND; return CH_OK;
    case SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_OVERWRITE: *out = CH_SAVE_OVERWRITE; return CH_OK;
    case SPARK__CONNECT__WRITE_OPERATION__SAVE_MODE__SAVE_MODE_IGNORE: *out = CH_SAVE_IGNORE; return CH_OK;
    default: return ch_enum_invalid(err, PB_TYPE(write_operation__save_mode), mode);
    }
}

static int refuse_layouts(const PB(WriteOperation) *in, ch_error *err)
{
    if (in->bucket_by) return ch_failf(err, CH_E_ANALYSIS, "'save' does not support bucketBy right now.");
    if (in->n_sort_column_names) return ch_failf(err, CH_E_ANALYSIS, "'save' does not support sortBy right now.");
    if (in->n_clustering_columns) return ch_unsupported(err, "Writing with clusterBy");
    return CH_OK;
}

static int execute_write(ch_execution *x, const PB(WriteOperation) *in, ch_error *err)
{
    CH_TRY(refuse_layouts(in, err));
    ch_decoder d = ch_execution_decoder(x);
    ch_write w = {.format = in->_source_case && in->source[0] ? in->source : NULL};
    CH_TRY(save_mode((int)in->mode, &w.mode, err));
    w.npartition_by = in->n_partitioning_columns;
    w.partition_by = ch_borrow_names(&d, in->n_partitioning_columns, in->partitioning_columns);
    CH_DECODE_OPTIONS(&d, in->n_options, in->options, &w.noption, &w.options);
    if (in->save_type_case == SPARK__CONNECT__WRITE_OPERATION__SAVE_TYPE_TABLE) w.table = in->table->table_name;
    if (in->save_type_case == SPARK__CONNECT__WRITE_OPERATION__SAVE_TYPE_PATH) w.path = in->path;
    for (size_t i = 0; i < w.noption && !w.path && !w.table; i++) {
        if (strcasecmp(w.options[i].key, "path") == 0) w.path = w.options[i].value;
    }
    if (w.path) CH_TRY(ch_path_to_write(d.track, d.user, x->arena, w.path, &w.path, err));
    ch_plan *plan;
    CH_TRY(ch_decode_relation(&d, in->input, &plan, err));
    ch_record_enter(x->record, "analyze");
    CH_TRY(ch_write_plan(ch_holder_frame(x->holder), plan, &w, ch_operation_task(x->op), err));
    return ch_send_observed(x, plan, err);
}

/* --- views and checkpoints ---------------------------------------------------------------------------------------- */

/* The name of a view as SQL would take it: an identifier, or anything in backquotes. As in Spark, a database in front
 * of it means nothing. */
static int view_name(ch_execution *x, const char *text, const char **name, ch_error *err)
{
    size_t nparts;
    const char **parts;
    ch_error ignored;
    bool plain = text[0] != '\0' && text[strspn(text, "0123456789")] != '\0';
    for (const char *at = text; *at && text[0] != '`'; at++)
        plain = plain && (isalnum((unsigned char)*at) || strchr("_.", *at));
    if (!plain || ch_split_name(x->arena, text, &nparts, &parts, &ignored)) {
        return ch_failf(err, CH_E_ANALYSIS, "Invalid view name: %s.", text);
    }
    if (nparts > 2) return ch_failf(err, CH_E_ANALYSIS, "Invalid view name: %s.", text);
    *name = parts[nparts - 1];
    return CH_OK;
}

/* The view keeps the request's arena, which its plan lives in: one more owner. */
static int execute_view(ch_execution *x, const PB(CreateDataFrameViewCommand) *in, ch_error *err)
{
    const char *name;
    ch_plan *plan;
    CH_TRY(view_name(x, in->name, &name, err));
    CH_TRY(decode(x, in->input, &plan, err));
    return ch_view_create(ch_holder_frame(x->holder), name, plan, ch_arena_retain(x->arena), in->replace != 0,
                          in->is_global != 0, err);
}

static int execute_checkpoint(ch_execution *x, const PB(CheckpointCommand) *in, ch_error *err)
{
    ch_plan *plan;
    CH_TRY(decode(x, in->relation, &plan, err));
    char id[CH_UUID_SIZE];
    ch_uuid_new(id);
    CH_TRY(ch_checkpoint(ch_holder_frame(x->holder), plan, ch_operation_task(x->op), id, err));
    ch_arena *arena = ch_arena_new();
    PB(ExecutePlanResponse) *message = ch_response_message(arena, x->holder, x->op);
    message->response_type_case = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_CHECKPOINT_COMMAND_RESULT;
    message->checkpoint_command_result = PB_NEW(arena, checkpoint_command_result);
    message->checkpoint_command_result->relation = PB_NEW(arena, cached_remote_relation);
    message->checkpoint_command_result->relation->relation_id = id;
    int status = ch_execution_send(x, message, err);
    ch_arena_free(arena);
    return status;
}

static int execute_remove(ch_execution *x, const PB(RemoveCachedRemoteRelationCommand) *in)
{
    if (in->relation) ch_checkpoint_remove(ch_holder_frame(x->holder), in->relation->relation_id);
    return CH_OK;
}

static int execute_get_resources(ch_execution *x, ch_error *err)
{
    ch_arena *arena = ch_arena_new();
    PB(ExecutePlanResponse) *message = ch_response_message(arena, x->holder, x->op);
    message->response_type_case = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_GET_RESOURCES_COMMAND_RESULT;
    message->get_resources_command_result = PB_NEW(arena, get_resources_command_result);
    int status = ch_execution_send(x, message, err);
    ch_arena_free(arena);
    return status;
}

int ch_execute_command(ch_execution *x, const PB(Command) *in, ch_error *err)
{
    switch (in->command_type_case) {
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_SQL_COMMAND: return execute_sql(x, in->sql_command, err);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_WRITE_OPERATION: return execute_write(x, in->write_operation, err);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_CREATE_DATAFRAME_VIEW:
        return execute_view(x, in->create_dataframe_view, err);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_CHECKPOINT_COMMAND:
        return execute_checkpoint(x, in->checkpoint_command, err);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_REMOVE_CACHED_REMOTE_RELATION_COMMAND:
        return execute_remove(x, in->remove_cached_remote_relation_command);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_ML_COMMAND: return ch_execute_ml(x, in->ml_command, err);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_GET_RESOURCES_COMMAND: return execute_get_resources(x, err);
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE_EXTENSION: return ch_invalid_plan(err, "No handler found for extension");
    case SPARK__CONNECT__COMMAND__COMMAND_TYPE__NOT_SET: return ch_oneof_unset(err, PB_TYPE(command), "COMMANDTYPE");
    default: return ch_oneof_unsupported(err, PB_TYPE(command), (int)in->command_type_case, "Command");
    }
}
