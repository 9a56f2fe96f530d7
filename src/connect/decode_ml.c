/* decode_ml.c: operators, params and fetches of machine learning out of messages, and relations made by them. */
#include "connect/decode_internal.h"
#include "connect/errors.h"

#include <string.h>

int ch_decode_params(ch_arena *arena, const PB(MlParams) *in, ch_params *out, ch_error *err)
{
    size_t n = in ? in->n_params : 0;
    ch_param *items = CH_NEW_ARRAY(arena, ch_param, n);
    *out = (ch_params){n, items};
    for (size_t i = 0; i < n; i++) {
        items[i].name = in->params[i]->key;
        CH_TRY(ch_decode_literal(arena, in->params[i]->value, &items[i].value, err));
    }
    return CH_OK;
}

int ch_decode_operator(ch_arena *arena, const PB(MlOperator) *in, const PB(MlParams) *params, ch_operator *out,
                       ch_error *err)
{
    if (!in) return ch_invalid_plan(err, "An ML command has no operator.");
    out->class_name = in->name;
    out->uid = in->uid;
    return ch_decode_params(arena, params, &out->params, err);
}

static int decode_argument(ch_decoder *d, const PB(Fetch__Method__Args) *in, ch_fetch_arg *out, ch_error *err)
{
    switch (in->args_type_case) {
    case SPARK__CONNECT__FETCH__METHOD__ARGS__ARGS_TYPE_PARAM: {
        ch_literal *literal = CH_NEW(d->arena, ch_literal);
        out->literal = literal;
        return ch_decode_literal(d->arena, in->param, literal, err);
    }
    case SPARK__CONNECT__FETCH__METHOD__ARGS__ARGS_TYPE_INPUT: {
        ch_plan *plan;
        CH_TRY(ch_decode_relation(d, in->input, &plan, err));
        out->input = plan;
        return CH_OK;
    }
    default: return ch_oneof_unset(err, PB_TYPE(fetch__method__args), "ARGSTYPE");
    }
}

int ch_decode_fetch(ch_decoder *d, const PB(Fetch) *in, size_t *n, ch_fetch **steps, ch_error *err)
{
    if (!in || !in->obj_ref || in->n_methods == 0) return ch_invalid_plan(err, "A fetch names no object or no method.");
    *n = in->n_methods;
    *steps = CH_NEW_ARRAY(d->arena, ch_fetch, in->n_methods);
    for (size_t i = 0; i < in->n_methods; i++) {
        const PB(Fetch__Method) *m = in->methods[i];
        ch_fetch_arg *args = CH_NEW_ARRAY(d->arena, ch_fetch_arg, m->n_args);
        (*steps)[i] = (ch_fetch){m->method, m->n_args, args};
        for (size_t j = 0; j < m->n_args; j++) CH_TRY(decode_argument(d, m->args[j], &args[j], err));
    }
    return CH_OK;
}

static int decode_transform(ch_decoder *d, const PB(MlRelation__Transform) *in, ch_plan **out, ch_error *err)
{
    ch_plan *input;
    CH_TRY(ch_decode_relation(d, in->input, &input, err));
    ch_transform *transform;
    ch_operator op;
    switch (in->operator_case) {
    case SPARK__CONNECT__ML_RELATION__TRANSFORM__OPERATOR_OBJ_REF:
        CH_TRY(ch_decode_params(d->arena, in->params, &op.params, err));
        CH_TRY(ch_ml_model_transform(d->ml, in->obj_ref->id, &op.params, &transform, err));
        break;
    case SPARK__CONNECT__ML_RELATION__TRANSFORM__OPERATOR_TRANSFORMER:
        CH_TRY(ch_decode_operator(d->arena, in->transformer, in->params, &op, err));
        CH_TRY(ch_ml_transformer(d->ml, &op, &transform, err));
        break;
    default: return ch_oneof_unset(err, PB_TYPE(ml_relation__transform), "OPERATOR");
    }
    *out = ch_plan_new(d->arena, CH_PLAN_TRANSFORM, input);
    (*out)->u.transform = ch_transform_hold(d->arena, transform);
    ch_transform_release(transform);
    return CH_OK;
}

int ch_decode_ml_relation(ch_decoder *d, const PB(MlRelation) *in, ch_plan **out, ch_error *err)
{
    if (!d->ml) return ch_unsupported(err, "Machine learning");
    size_t n;
    ch_fetch *steps;
    switch (in->ml_type_case) {
    case SPARK__CONNECT__ML_RELATION__ML_TYPE_TRANSFORM: return decode_transform(d, in->transform, out, err);
    case SPARK__CONNECT__ML_RELATION__ML_TYPE_FETCH:
        CH_TRY(ch_decode_fetch(d, in->fetch, &n, &steps, err));
        return ch_ml_fetch_relation(d->ml, d->arena, in->fetch->obj_ref->id, n, steps, d->task, out, err);
    default: return ch_oneof_unset(err, PB_TYPE(ml_relation), "MLTYPE");
    }
}
