/* ml_command.c: the ML commands: fit, evaluate, fetch, read, write, delete and the rest, through ml/ml.h. */
#include "connect/encode.h"
#include "connect/errors.h"
#include "connect/execute.h"

#include <string.h>

/* --- results ------------------------------------------------------------------------------------------------------ */

static PB(MlParams) *encode_params(ch_arena *arena, const ch_params *params)
{
    PB(MlParams) *out = PB_NEW(arena, ml_params);
    out->params = CH_NEW_ARRAY(arena, PB(MlParams__ParamsEntry) *, params->n);
    for (size_t i = 0; i < params->n; i++) {
        PB(MlParams__ParamsEntry) *entry = PB_NEW(arena, ml_params__params_entry);
        entry->key = ch_arena_strdup(arena, params->items[i].name);
        entry->value = ch_encode_literal(arena, &params->items[i].value);
        out->params[out->n_params++] = entry;
    }
    return out;
}

static void set_object(ch_arena *arena, PB(MlCommandResult__MlOperatorInfo) *info, const char *ids)
{
    info->type_case = SPARK__CONNECT__ML_COMMAND_RESULT__ML_OPERATOR_INFO__TYPE_OBJ_REF;
    info->obj_ref = PB_NEW(arena, object_ref);
    info->obj_ref->id = ch_arena_strdup(arena, ids);
}

static PB(MlCommandResult__MlOperatorInfo) *encode_info(ch_arena *arena, const ch_ml_value *value)
{
    PB(MlCommandResult__MlOperatorInfo) *info = PB_NEW(arena, ml_command_result__ml_operator_info);
    if (value->warning) {
        info->_warning_message_case =
            SPARK__CONNECT__ML_COMMAND_RESULT__ML_OPERATOR_INFO___WARNING_MESSAGE_WARNING_MESSAGE;
        info->warning_message = ch_arena_strdup(arena, value->warning);
    }
    if (value->ids) set_object(arena, info, value->ids);
    if (value->kind != CH_ML_OPERATOR) return info;
    if (!value->ids) {
        info->type_case = SPARK__CONNECT__ML_COMMAND_RESULT__ML_OPERATOR_INFO__TYPE_NAME;
        info->name = ch_arena_strdup(arena, value->op.class_name);
    }
    info->_uid_case = SPARK__CONNECT__ML_COMMAND_RESULT__ML_OPERATOR_INFO___UID_UID;
    info->uid = ch_arena_strdup(arena, value->op.uid);
    info->_params_case = SPARK__CONNECT__ML_COMMAND_RESULT__ML_OPERATOR_INFO___PARAMS_PARAMS;
    info->params = encode_params(arena, &value->op.params);
    return info;
}

static PB(MlCommandResult) *encode_value(ch_arena *arena, const ch_ml_value *value)
{
    PB(MlCommandResult) *out = PB_NEW(arena, ml_command_result);
    switch (value->kind) {
    case CH_ML_NOTHING: break;
    case CH_ML_LITERAL:
        out->result_type_case = SPARK__CONNECT__ML_COMMAND_RESULT__RESULT_TYPE_PARAM;
        out->param = ch_encode_literal(arena, &value->literal);
        break;
    case CH_ML_SUMMARY:
        out->result_type_case = SPARK__CONNECT__ML_COMMAND_RESULT__RESULT_TYPE_SUMMARY;
        out->summary = ch_arena_strdup(arena, value->ids);
        break;
    case CH_ML_OBJECT:
    case CH_ML_OPERATOR:
        out->result_type_case = SPARK__CONNECT__ML_COMMAND_RESULT__RESULT_TYPE_OPERATOR_INFO;
        out->operator_info = encode_info(arena, value);
        break;
    }
    return out;
}

/* --- commands: each fills *out, whose parts live in x->arena ------------------------------------------------------ */

static int decode_dataset(ch_execution *x, const PB(Relation) *dataset, ch_plan **out, ch_error *err)
{
    ch_decoder d = ch_execution_decoder(x);
    CH_TRY(ch_decode_relation(&d, dataset, out, err));
    ch_record_enter(x->record, "analyze");
    return CH_OK;
}

static int run_fit(ch_execution *x, const PB(MlCommand__Fit) *fit, ch_ml_value *out, ch_error *err)
{
    ch_operator op;
    ch_plan *dataset;
    CH_TRY(ch_decode_operator(x->arena, fit->estimator, fit->params, &op, err));
    CH_TRY(decode_dataset(x, fit->dataset, &dataset, err));
    return ch_ml_fit(ch_holder_ml(x->holder), x->arena, &op, dataset, ch_operation_task(x->op), out, err);
}

static int run_evaluate(ch_execution *x, const PB(MlCommand__Evaluate) *evaluate, ch_ml_value *out, ch_error *err)
{
    ch_operator op;
    ch_plan *dataset;
    CH_TRY(ch_decode_operator(x->arena, evaluate->evaluator, evaluate->params, &op, err));
    CH_TRY(decode_dataset(x, evaluate->dataset, &dataset, err));
    return ch_ml_evaluate(ch_holder_ml(x->holder), x->arena, &op, dataset, ch_operation_task(x->op), out, err);
}

/* Where a model may be saved to. What reads and writes models asks nobody itself. */
static int place_to_write(ch_execution *x, const char *given, const char **path, ch_error *err)
{
    CH_TRY(ch_path_to_write(x->service->track, ch_execution_user(x), x->arena, given, path, err));
    return ch_session_allow(ch_holder_frame(x->holder), *path, true, err);
}

/* The helper's handleOverwrite(path, overwrite) clears a folder: the path may be one of the tracking server. */
static int resolve_overwritten(ch_execution *x, ch_fetch *step, ch_error *err)
{
    if (strcmp(step->method, "handleOverwrite") != 0 || !step->narg || !step->args[0].literal) return CH_OK;
    const ch_literal *given = step->args[0].literal;
    if (given->is_null || given->type->kind != CH_STRING) return CH_OK;
    const char *text = ch_arena_strndup(x->arena, given->v.bytes.data, given->v.bytes.len), *path;
    CH_TRY(place_to_write(x, text, &path, err));
    ch_fetch_arg *args = CH_NEW_ARRAY(x->arena, ch_fetch_arg, step->narg);
    memcpy(args, step->args, step->narg * sizeof *args);
    ch_literal *resolved = CH_NEW(x->arena, ch_literal);
    *resolved = *given;
    resolved->v.bytes.data = path;
    resolved->v.bytes.len = strlen(path);
    args[0].literal = resolved;
    step->args = args;
    return CH_OK;
}

static int run_fetch(ch_execution *x, const PB(Fetch) *fetch, ch_ml_value *out, ch_error *err)
{
    ch_decoder d = ch_execution_decoder(x);
    size_t n;
    ch_fetch *steps;
    CH_TRY(ch_decode_fetch(&d, fetch, &n, &steps, err));
    if (n == 1) CH_TRY(resolve_overwritten(x, &steps[0], err));
    return ch_ml_fetch(ch_holder_ml(x->holder), x->arena, fetch->obj_ref->id, n, steps, ch_operation_task(x->op), out,
                       err);
}

static int run_delete(ch_execution *x, const PB(MlCommand__Delete) *delete, ch_ml_value *out, ch_error *err)
{
    const char **ids = CH_NEW_ARRAY(x->arena, const char *, delete->n_obj_refs);
    for (size_t i = 0; i < delete->n_obj_refs; i++) ids[i] = delete->obj_refs[i]->id;
    out->kind = CH_ML_OBJECT;
    return ch_ml_delete(ch_holder_ml(x->holder), x->arena, delete->n_obj_refs, ids,
                        delete->_evict_only_case && delete->evict_only, &out->ids, err);
}

static int run_write(ch_execution *x, const PB(MlCommand__Write) *write, ch_ml_value *out, ch_error *err)
{
    bool overwrite = write->_should_overwrite_case && write->should_overwrite;
    out->kind = CH_ML_NOTHING;
    ch_operator op;
    const char *path;
    CH_TRY(place_to_write(x, write->path, &path, err));
    ch_ml *ml = ch_holder_ml(x->holder);
    switch (write->type_case) {
    case SPARK__CONNECT__ML_COMMAND__WRITE__TYPE_OBJ_REF:
        CH_TRY(ch_decode_params(x->arena, write->params, &op.params, err));
        return ch_ml_write(ml, write->obj_ref->id, NULL, &op.params, path, overwrite, ch_operation_task(x->op), err);
    case SPARK__CONNECT__ML_COMMAND__WRITE__TYPE_OPERATOR:
        CH_TRY(ch_decode_operator(x->arena, write->operator_, write->params, &op, err));
        return ch_ml_write(ml, NULL, &op, &op.params, path, overwrite, ch_operation_task(x->op), err);
    default: return ch_oneof_unset(err, PB_TYPE(ml_command__write), "TYPE");
    }
}

static int run_read(ch_execution *x, const PB(MlCommand__Read) *read, ch_ml_value *out, ch_error *err)
{
    if (!read->operator_) return ch_invalid_plan(err, "An ML command has no operator.");
    const char *path;
    CH_TRY(ch_path_to_read(x->service->track, ch_execution_user(x), x->arena, read->path, &path, err));
    CH_TRY(ch_session_allow(ch_holder_frame(x->holder), path, false, err));
    return ch_ml_read(ch_holder_ml(x->holder), x->arena, read->operator_->name, path, ch_operation_task(x->op), out,
                      err);
}

static int run_create_summary(ch_execution *x, const PB(MlCommand__CreateSummary) *create, ch_ml_value *out,
                              ch_error *err)
{
    if (!create->model_ref) return ch_invalid_plan(err, "An ML command has no model.");
    ch_plan *dataset;
    CH_TRY(decode_dataset(x, create->dataset, &dataset, err));
    out->kind = CH_ML_LITERAL;
    out->literal.type = &ch_type_boolean;
    return ch_ml_create_summary(ch_holder_ml(x->holder), create->model_ref->id, dataset, ch_operation_task(x->op),
                                &out->literal.v.boolean, err);
}

static int run_command(ch_execution *x, const PB(MlCommand) *command, ch_ml_value *out, ch_error *err)
{
    ch_ml *ml = ch_holder_ml(x->holder);
    switch (command->command_case) {
    case SPARK__CONNECT__ML_COMMAND__COMMAND_FIT: return run_fit(x, command->fit, out, err);
    case SPARK__CONNECT__ML_COMMAND__COMMAND_EVALUATE: return run_evaluate(x, command->evaluate, out, err);
    case SPARK__CONNECT__ML_COMMAND__COMMAND_FETCH: return run_fetch(x, command->fetch, out, err);
    case SPARK__CONNECT__ML_COMMAND__COMMAND_DELETE: return run_delete(x, command->delete_, out, err);
    case SPARK__CONNECT__ML_COMMAND__COMMAND_WRITE: return run_write(x, command->write, out, err);
    case SPARK__CONNECT__ML_COMMAND__COMMAND_READ: return run_read(x, command->read, out, err);
    case SPARK__CONNECT__ML_COMMAND__COMMAND_CREATE_SUMMARY:
        return run_create_summary(x, command->create_summary, out, err);
    case SPARK__CONNECT__ML_COMMAND__COMMAND_CLEAN_CACHE:
        out->kind = CH_ML_LITERAL;
        out->literal.type = &ch_type_int;
        out->literal.v.integer = (int64_t)ch_ml_clear(ml);
        return CH_OK;
    case SPARK__CONNECT__ML_COMMAND__COMMAND_GET_CACHE_INFO:
        out->kind = CH_ML_LITERAL;
        return ch_ml_cache_info(ml, x->arena, &out->literal, err);
    case SPARK__CONNECT__ML_COMMAND__COMMAND_GET_MODEL_SIZE:
        if (!command->get_model_size->model_ref) return ch_invalid_plan(err, "An ML command has no model.");
        out->kind = CH_ML_LITERAL;
        return ch_ml_model_size(ml, command->get_model_size->model_ref->id, &out->literal, err);
    default:
        return ch_raise(err, "CONNECT_ML.UNSUPPORTED_EXCEPTION", "message", "COMMAND_NOT_SET not supported",
                        (char *)NULL);
    }
}

int ch_execute_ml(ch_execution *x, const PB(MlCommand) *command, ch_error *err)
{
    ch_ml_value value = {0};
    CH_TRY(run_command(x, command, &value, err));
    ch_arena *arena = ch_arena_new();
    PB(ExecutePlanResponse) *message = ch_response_message(arena, x->holder, x->op);
    message->response_type_case = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_ML_COMMAND_RESULT;
    message->ml_command_result = encode_value(arena, &value);
    int status = ch_execution_send(x, message, err);
    ch_arena_free(arena);
    return status;
}
