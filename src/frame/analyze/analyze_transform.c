/* analyze_transform.c: lazily applied transformers (model.transform) as projections that call C functions. */
#include "frame/analyze/analyze_internal.h"

#include <string.h>

static ch_expr *argument(ch_analysis *a, const ch_rel *input, const ch_binding *binding, size_t i)
{
    ch_expr *e = ch_column_of(a->arena, &input->cols[binding->input[i]]);
    if (!binding->input_type || !binding->input_type[i]) return e;
    return ch_coerce(a->arena, e, binding->input_type[i]);
}

static ch_expr *native_call(ch_analysis *a, const ch_rel *input, const ch_transform *transform,
                            const ch_binding *binding)
{
    ch_expr *e = ch_expr_new(a->arena, CH_EX_NATIVE);
    e->type = binding->fn->out_type;
    e->nullable = true;
    e->u.native.fn = ch_native_hold(a->arena, binding->fn);
    e->u.native.identity = transform->identity ? ch_arena_strdup(a->arena, transform->identity) : NULL;
    e->u.native.n = binding->ninput;
    e->u.native.args = CH_NEW_ARRAY(a->arena, ch_expr *, binding->ninput);
    for (size_t i = 0; i < binding->ninput; i++) e->u.native.args[i] = argument(a, input, binding, i);
    return e;
}

static ch_expr *field_of(ch_analysis *a, ch_expr *child, size_t ordinal)
{
    const ch_field *field = &child->type->fields[ordinal];
    ch_expr *e = ch_expr_new(a->arena, CH_EX_FIELD);
    e->type = field->type;
    e->nullable = field->nullable;
    e->u.field.child = child;
    e->u.field.ordinal = ordinal;
    e->u.field.name = field->name;
    return e;
}

/* The input's columns and one more, the function's result as it is: evaluated once, here. */
static ch_rel *with_result(ch_analysis *a, ch_rel *input, ch_expr *call)
{
    ch_named *list = CH_NEW_ARRAY(a->arena, ch_named, input->ncol + 1);
    for (size_t i = 0; i < input->ncol; i++) list[i] = ch_pass_through(a, input, i);
    list[input->ncol] = (ch_named){.name = CH_NO_NAME, .expr = call};
    return ch_rel_project(a, input, input->ncol + 1, list);
}

static ch_rel *keep_rows(ch_analysis *a, ch_rel *rel, ch_expr *result)
{
    ch_rel *filter = ch_rel_same(a->arena, CH_REL_FILTER, rel);
    filter->u.condition = field_of(a, result, 0);
    return filter;
}

/* Puts the outputs behind the input's columns; one that is named like an input column takes its place. */
static ch_rel *show_outputs(ch_analysis *a, ch_rel *base, const ch_rel *input, const ch_binding *binding,
                            ch_expr *const *outputs)
{
    ch_named *list = CH_NEW_ARRAY(a->arena, ch_named, input->ncol + binding->noutput);
    for (size_t i = 0; i < input->ncol; i++) list[i] = ch_pass_through(a, input, i);
    size_t n = input->ncol;
    for (size_t i = 0; i < binding->noutput; i++) {
        const ch_field *field = &binding->output[i];
        ch_expr *e = ch_arena_dup(a->arena, outputs[i], sizeof *outputs[i]);
        e->type = field->type; /* the native's type may lack nullability inside */
        e->nullable = field->nullable;
        ch_named item = {.name = ch_arena_strdup(a->arena, field->name),
                         .metadata = ch_arena_strdup(a->arena, field->metadata),
                         .expr = e};
        ptrdiff_t at = binding->replace ? ch_find_column(a, input, field->name) : -1;
        if (at >= 0) {
            list[at] = item;
        } else {
            list[n++] = item;
        }
    }
    return ch_rel_project(a, base, n, list);
}

static int check_binding(const ch_rel *input, const ch_binding *binding, ch_error *err)
{
    size_t fields = binding->noutput + binding->keep_flag;
    for (size_t i = 0; i < binding->ninput; i++) {
        if (binding->input[i] >= input->ncol) return ch_bug(err, "a transformer binds a column that is not there");
    }
    if ((fields > 1 || binding->keep_flag) &&
        (binding->fn->out_type->kind != CH_STRUCT || binding->fn->out_type->nfield != fields)) {
        return ch_bug(err, "%s gives other outputs than it binds", binding->fn->name);
    }
    return 0;
}

int ch_analyze_transform(ch_analysis *a, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    CH_TRY(ch_analyze_plan(a, plan->input, &input, err));
    ch_schema schema = {.n = input->ncol, .fields = CH_NEW_ARRAY(a->arena, ch_field, input->ncol)};
    for (size_t i = 0; i < schema.n; i++) {
        const ch_attr *attr = &input->cols[i];
        schema.fields[i] = (ch_field){attr->name, attr->type, attr->nullable, attr->metadata};
    }
    ch_transform *transform = plan->u.transform;
    ch_binding binding = {0};
    ch_plan *below = ch_plan_new(a->arena, CH_PLAN_REL, plan->input);
    below->u.rel = input;
    CH_TRY(transform->bind(transform, a->arena, &schema, below, &binding, err));
    if (binding.rewrite) return ch_analyze_plan(a, binding.rewrite, out, err);
    if (!binding.fn) {
        *out = input;
        return 0;
    }
    CH_TRY(check_binding(input, &binding, err));
    ch_expr *call = native_call(a, input, transform, &binding);
    if (binding.noutput == 1 && !binding.keep_flag) {
        *out = show_outputs(a, input, input, &binding, &call);
        return 0;
    }
    ch_rel *base = with_result(a, input, call);
    ch_expr *result = ch_column_of(a->arena, &base->cols[input->ncol]);
    ch_expr **outputs = CH_NEW_ARRAY(a->arena, ch_expr *, binding.noutput);
    for (size_t i = 0; i < binding.noutput; i++) outputs[i] = field_of(a, result, i + binding.keep_flag);
    if (binding.keep_flag) base = keep_rows(a, base, result);
    *out = show_outputs(a, base, input, &binding, outputs);
    return 0;
}
