/* decode_expression.c: expressions out of messages. */
#include "connect/decode.h"
#include "connect/decode_internal.h"
#include "connect/errors.h"
#include "frame/plan/parse.h"

#include <string.h>

static ch_expr *new_expr(ch_decoder *d, ch_expr_kind kind)
{
    return ch_expr_new(d->arena, kind);
}

int ch_decode_expressions(ch_decoder *d, size_t n, PB(Expression) *const *list, ch_expr ***out, ch_error *err)
{
    *out = CH_NEW_ARRAY(d->arena, ch_expr *, n);
    for (size_t i = 0; i < n; i++) CH_TRY(ch_decode_expression(d, list[i], &(*out)[i], err));
    return CH_OK;
}

static int decode_attribute(ch_decoder *d, const PB(Expression__UnresolvedAttribute) *in, ch_expr **out, ch_error *err)
{
    ch_expr *e = *out = new_expr(d, CH_EX_NAME);
    e->u.name.plan_id = in->_plan_id_case ? in->plan_id : -1;
    e->u.name.metadata_column = in->_is_metadata_column_case && in->is_metadata_column;
    return ch_split_name(d->arena, in->unparsed_identifier, &e->u.name.nparts, &e->u.name.parts, err);
}

static int decode_star(ch_decoder *d, const PB(Expression__UnresolvedStar) *in, ch_expr **out, ch_error *err)
{
    ch_expr *e = *out = new_expr(d, CH_EX_STAR);
    e->u.star.plan_id = in->_plan_id_case ? in->plan_id : -1;
    if (!in->_unparsed_target_case) return CH_OK;
    size_t n = strlen(in->unparsed_target);
    if (n < 2 || strcmp(in->unparsed_target + n - 2, ".*") != 0) {
        return ch_invalid_plan(err, "UnresolvedStar requires a unparsed target ending with '.*', but got %s.",
                               in->unparsed_target);
    }
    const char *target = ch_arena_strndup(d->arena, in->unparsed_target, n - 2);
    return ch_split_name(d->arena, target, &e->u.star.nparts, &e->u.star.parts, err);
}

/* df.colRegex: a pattern stands in backquotes; anything else is a plain name. */
static int decode_regex(ch_decoder *d, const PB(Expression__UnresolvedRegex) *in, ch_expr **out, ch_error *err)
{
    const char *text = in->col_name;
    size_t n = strlen(text);
    int64_t plan_id = in->_plan_id_case ? in->plan_id : -1;
    if (n > 2 && text[n - 1] == '`') {
        if (text[0] != '`') return ch_unsupported(err, "Column patterns with a qualifier (%s)", text);
        ch_expr *e = *out = new_expr(d, CH_EX_REGEX);
        e->u.regex.pattern = ch_arena_strndup(d->arena, text + 1, n - 2);
        e->u.regex.plan_id = plan_id;
        return CH_OK;
    }
    ch_expr *e = *out = new_expr(d, CH_EX_NAME);
    e->u.name.plan_id = plan_id;
    return ch_split_name(d->arena, text, &e->u.name.nparts, &e->u.name.parts, err);
}

static int decode_call(ch_decoder *d, const char *name, size_t n, PB(Expression) *const *args, bool distinct,
                       ch_expr **out, ch_error *err)
{
    ch_expr *e = *out = new_expr(d, CH_EX_CALL);
    e->u.call.name = name;
    e->u.call.distinct = distinct;
    e->u.call.n = n;
    return ch_decode_expressions(d, n, args, &e->u.call.args, err);
}

static int decode_alias(ch_decoder *d, const PB(Expression__Alias) *in, ch_expr **out, ch_error *err)
{
    if (in->n_name == 0) return ch_invalid_plan(err, "An alias has no name.");
    if (in->n_name > 1 && in->_metadata_case) {
        return ch_invalid_plan(err, "Alias expressions with more than 1 identifier must not use optional metadata.");
    }
    ch_expr *e = *out = new_expr(d, CH_EX_ALIAS);
    e->u.alias.n = in->n_name;
    e->u.alias.names = ch_borrow_names(d, in->n_name, in->name);
    if (in->_metadata_case && in->metadata[0]) e->u.alias.metadata = in->metadata;
    return ch_decode_expression(d, in->expr, &e->u.alias.child, err);
}

static int cast_mode(ch_decoder *d, int eval_mode, ch_cast_mode *out, ch_error *err)
{
    switch (eval_mode) {
    case SPARK__CONNECT__EXPRESSION__CAST__EVAL_MODE__EVAL_MODE_UNSPECIFIED: {
        bool ansi = !d->session || ch_config_bool(d->session, "spark.sql.ansi.enabled");
        *out = ansi ? CH_CAST_ANSI : CH_CAST_LEGACY;
        return CH_OK;
    }
    case SPARK__CONNECT__EXPRESSION__CAST__EVAL_MODE__EVAL_MODE_LEGACY: *out = CH_CAST_LEGACY; return CH_OK;
    case SPARK__CONNECT__EXPRESSION__CAST__EVAL_MODE__EVAL_MODE_ANSI: *out = CH_CAST_ANSI; return CH_OK;
    case SPARK__CONNECT__EXPRESSION__CAST__EVAL_MODE__EVAL_MODE_TRY: *out = CH_CAST_TRY; return CH_OK;
    default: return ch_enum_invalid(err, PB_TYPE(expression__cast__eval_mode), eval_mode);
    }
}

static int decode_cast(ch_decoder *d, const PB(Expression__Cast) *in, ch_expr **out, ch_error *err)
{
    ch_expr *e = *out = new_expr(d, CH_EX_CAST);
    CH_TRY(cast_mode(d, (int)in->eval_mode, &e->u.cast.mode, err));
    switch (in->cast_to_type_case) {
    case SPARK__CONNECT__EXPRESSION__CAST__CAST_TO_TYPE_TYPE:
        CH_TRY(ch_decode_type(d->arena, in->type, &e->u.cast.to, err));
        break;
    case SPARK__CONNECT__EXPRESSION__CAST__CAST_TO_TYPE_TYPE_STR:
        CH_TRY(ch_parse_one_type(d->arena, in->type_str, &e->u.cast.to, err));
        break;
    default: return ch_oneof_unset(err, PB_TYPE(expression__cast), "CASTTOTYPE");
    }
    return ch_decode_expression(d, in->expr, &e->u.cast.child, err);
}

int ch_decode_sort_order(ch_decoder *d, const PB(Expression__SortOrder) *in, ch_order *out, ch_error *err)
{
    if (!in) return ch_invalid_plan(err, "A sort order is missing.");
    switch (in->direction) {
    case SPARK__CONNECT__EXPRESSION__SORT_ORDER__SORT_DIRECTION__SORT_DIRECTION_DESCENDING:
        out->descending = true;
        break;
    case SPARK__CONNECT__EXPRESSION__SORT_ORDER__SORT_DIRECTION__SORT_DIRECTION_UNSPECIFIED:
    case SPARK__CONNECT__EXPRESSION__SORT_ORDER__SORT_DIRECTION__SORT_DIRECTION_ASCENDING:
        out->descending = false;
        break;
    default: return ch_enum_invalid(err, PB_TYPE(expression__sort_order__sort_direction), (int)in->direction);
    }
    switch (in->null_ordering) {
    case SPARK__CONNECT__EXPRESSION__SORT_ORDER__NULL_ORDERING__SORT_NULLS_FIRST: out->nulls_last = false; break;
    case SPARK__CONNECT__EXPRESSION__SORT_ORDER__NULL_ORDERING__SORT_NULLS_LAST: out->nulls_last = true; break;
    case SPARK__CONNECT__EXPRESSION__SORT_ORDER__NULL_ORDERING__SORT_NULLS_UNSPECIFIED:
        out->nulls_last = out->descending;
        break;
    default: return ch_enum_invalid(err, PB_TYPE(expression__sort_order__null_ordering), (int)in->null_ordering);
    }
    return ch_decode_expression(d, in->child, &out->expr, err);
}

static int decode_bound(ch_decoder *d, const PB(Expression__Window__WindowFrame__FrameBoundary) *in, ch_bound *out,
                        ch_error *err)
{
    int boundary = in ? (int)in->boundary_case : 0;
    switch (boundary) {
    case SPARK__CONNECT__EXPRESSION__WINDOW__WINDOW_FRAME__FRAME_BOUNDARY__BOUNDARY_CURRENT_ROW:
        out->kind = CH_BOUND_CURRENT;
        return CH_OK;
    case SPARK__CONNECT__EXPRESSION__WINDOW__WINDOW_FRAME__FRAME_BOUNDARY__BOUNDARY_UNBOUNDED:
        out->kind = CH_BOUND_UNBOUNDED;
        return CH_OK;
    case SPARK__CONNECT__EXPRESSION__WINDOW__WINDOW_FRAME__FRAME_BOUNDARY__BOUNDARY_VALUE:
        out->kind = CH_BOUND_VALUE;
        return ch_decode_expression(d, in->value, &out->value, err);
    default: return ch_oneof_unset(err, PB_TYPE(expression__window__window_frame__frame_boundary), "BOUNDARY");
    }
}

static int decode_window(ch_decoder *d, const PB(Expression__Window) *in, ch_expr **out, ch_error *err)
{
    ch_expr *e = *out = new_expr(d, CH_EX_WINDOW);
    ch_window *w = &e->u.window;
    CH_TRY(ch_decode_expression(d, in->window_function, &w->function, err));
    w->npartition = in->n_partition_spec;
    CH_TRY(ch_decode_expressions(d, in->n_partition_spec, in->partition_spec, &w->partition, err));
    w->norder = in->n_order_spec;
    w->order = CH_NEW_ARRAY(d->arena, ch_order, in->n_order_spec);
    for (size_t i = 0; i < in->n_order_spec; i++) {
        CH_TRY(ch_decode_sort_order(d, in->order_spec[i], &w->order[i], err));
    }
    const PB(Expression__Window__WindowFrame) *frame = in->frame_spec;
    if (!frame) return CH_OK;
    w->has_frame = true;
    switch (frame->frame_type) {
    case SPARK__CONNECT__EXPRESSION__WINDOW__WINDOW_FRAME__FRAME_TYPE__FRAME_TYPE_ROW: w->rows = true; break;
    case SPARK__CONNECT__EXPRESSION__WINDOW__WINDOW_FRAME__FRAME_TYPE__FRAME_TYPE_RANGE: w->rows = false; break;
    default: return ch_enum_invalid(err, PB_TYPE(expression__window__window_frame__frame_type), (int)frame->frame_type);
    }
    CH_TRY(decode_bound(d, frame->lower, &w->lower, err));
    return decode_bound(d, frame->upper, &w->upper, err);
}

/* A lambda variable has one name here: parts are joined as they are printed. */
static int variable_name(ch_decoder *d, const PB(Expression__UnresolvedNamedLambdaVariable) *in, const char **out,
                         ch_error *err)
{
    if (!in || in->n_name_parts == 0) return ch_invalid_plan(err, "A lambda variable has no name.");
    if (in->n_name_parts == 1) {
        *out = in->name_parts[0];
        return CH_OK;
    }
    ch_buf joined = {0};
    for (size_t i = 0; i < in->n_name_parts; i++) {
        if (i) ch_buf_char(&joined, '.');
        ch_buf_str(&joined, in->name_parts[i]);
    }
    *out = ch_arena_strdup(d->arena, ch_buf_text(&joined));
    ch_buf_reset(&joined);
    return CH_OK;
}

static int decode_lambda(ch_decoder *d, const PB(Expression__LambdaFunction) *in, ch_expr **out, ch_error *err)
{
    if (in->n_arguments == 0 || in->n_arguments > 3) {
        return ch_invalid_plan(err, "LambdaFunction requires 1 ~ 3 arguments, but got %zu ones!", in->n_arguments);
    }
    ch_expr *e = *out = new_expr(d, CH_EX_LAMBDA);
    e->u.lambda.n = in->n_arguments;
    e->u.lambda.params = CH_NEW_ARRAY(d->arena, const char *, in->n_arguments);
    for (size_t i = 0; i < in->n_arguments; i++) {
        CH_TRY(variable_name(d, in->arguments[i], &e->u.lambda.params[i], err));
    }
    return ch_decode_expression(d, in->function, &e->u.lambda.body, err);
}

static int decode_update(ch_decoder *d, const PB(Expression__UpdateFields) *in, ch_expr **out, ch_error *err)
{
    ch_expr *e = *out = new_expr(d, CH_EX_UPDATE);
    e->u.update.field = in->field_name;
    CH_TRY(ch_decode_expression(d, in->struct_expression, &e->u.update.child, err));
    if (in->value_expression) CH_TRY(ch_decode_expression(d, in->value_expression, &e->u.update.value, err));
    return CH_OK;
}

static int decode_subquery(ch_decoder *d, const PB(SubqueryExpression) *in, ch_expr **out, ch_error *err)
{
    ch_expr *e = *out = new_expr(d, CH_EX_SUBQUERY);
    switch (in->subquery_type) {
    case SPARK__CONNECT__SUBQUERY_EXPRESSION__SUBQUERY_TYPE__SUBQUERY_TYPE_SCALAR:
        e->u.subquery.kind = CH_SUBQUERY_SCALAR;
        break;
    case SPARK__CONNECT__SUBQUERY_EXPRESSION__SUBQUERY_TYPE__SUBQUERY_TYPE_EXISTS:
        e->u.subquery.kind = CH_SUBQUERY_EXISTS;
        break;
    case SPARK__CONNECT__SUBQUERY_EXPRESSION__SUBQUERY_TYPE__SUBQUERY_TYPE_IN:
        e->u.subquery.kind = CH_SUBQUERY_IN;
        break;
    case SPARK__CONNECT__SUBQUERY_EXPRESSION__SUBQUERY_TYPE__SUBQUERY_TYPE_TABLE_ARG:
        return ch_unsupported(err, "Table arguments of table-valued functions");
    default: return ch_enum_invalid(err, PB_TYPE(subquery_expression__subquery_type), (int)in->subquery_type);
    }
    e->u.subquery.plan = ch_find_reference(d, in->plan_id);
    if (!e->u.subquery.plan) {
        return ch_invalid_plan(err, "The plan %lld of a subquery is not among the references.", (long long)in->plan_id);
    }
    e->u.subquery.nvalues = in->n_in_subquery_values;
    return ch_decode_expressions(d, in->n_in_subquery_values, in->in_subquery_values, &e->u.subquery.values, err);
}

static int decode_extract(ch_decoder *d, const PB(Expression__UnresolvedExtractValue) *in, ch_expr **out, ch_error *err)
{
    ch_expr *e = *out = new_expr(d, CH_EX_EXTRACT);
    CH_TRY(ch_decode_expression(d, in->child, &e->u.extract.child, err));
    return ch_decode_expression(d, in->extraction, &e->u.extract.key, err);
}

static int refuse_udf(const PB(CommonInlineUserDefinedFunction) *in, ch_error *err)
{
    switch (in->function_case) {
    case SPARK__CONNECT__COMMON_INLINE_USER_DEFINED_FUNCTION__FUNCTION_PYTHON_UDF:
        return ch_unsupported(err, "Python user-defined function %s", in->function_name);
    case SPARK__CONNECT__COMMON_INLINE_USER_DEFINED_FUNCTION__FUNCTION_SCALAR_SCALA_UDF:
    case SPARK__CONNECT__COMMON_INLINE_USER_DEFINED_FUNCTION__FUNCTION_JAVA_UDF:
        return ch_unsupported(err, "JVM user-defined function %s", in->function_name);
    default: return ch_oneof_unset(err, PB_TYPE(common_inline_user_defined_function), "FUNCTION");
    }
}

int ch_decode_expression(ch_decoder *d, const PB(Expression) *in, ch_expr **out, ch_error *err)
{
    if (!in) return ch_oneof_unset(err, PB_TYPE(expression), "EXPRTYPE");
    switch (in->expr_type_case) {
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_LITERAL:
        *out = new_expr(d, CH_EX_LITERAL);
        return ch_decode_literal(d->arena, in->literal, &(*out)->u.literal, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UNRESOLVED_ATTRIBUTE:
        return decode_attribute(d, in->unresolved_attribute, out, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UNRESOLVED_FUNCTION: {
        const PB(Expression__UnresolvedFunction) *f = in->unresolved_function;
        return decode_call(d, f->function_name, f->n_arguments, f->arguments, f->is_distinct != 0, out, err);
    }
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_CALL_FUNCTION: {
        const PB(CallFunction) *f = in->call_function;
        return decode_call(d, f->function_name, f->n_arguments, f->arguments, false, out, err);
    }
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_EXPRESSION_STRING:
        *out = new_expr(d, CH_EX_STRING);
        (*out)->u.text = in->expression_string->expression;
        return CH_OK;
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UNRESOLVED_STAR: return decode_star(d, in->unresolved_star, out, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UNRESOLVED_REGEX: return decode_regex(d, in->unresolved_regex, out, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_ALIAS: return decode_alias(d, in->alias, out, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_CAST: return decode_cast(d, in->cast, out, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_SORT_ORDER:
        *out = new_expr(d, CH_EX_SORT);
        return ch_decode_sort_order(d, in->sort_order, &(*out)->u.sort, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_WINDOW: return decode_window(d, in->window, out, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_LAMBDA_FUNCTION: return decode_lambda(d, in->lambda_function, out, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UNRESOLVED_NAMED_LAMBDA_VARIABLE:
        *out = new_expr(d, CH_EX_VARIABLE);
        return variable_name(d, in->unresolved_named_lambda_variable, &(*out)->u.variable.name, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UNRESOLVED_EXTRACT_VALUE:
        return decode_extract(d, in->unresolved_extract_value, out, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UPDATE_FIELDS: return decode_update(d, in->update_fields, out, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_SUBQUERY_EXPRESSION:
        return decode_subquery(d, in->subquery_expression, out, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_COMMON_INLINE_USER_DEFINED_FUNCTION:
        return refuse_udf(in->common_inline_user_defined_function, err);
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE_EXTENSION: return ch_invalid_plan(err, "No handler found for extension");
    case SPARK__CONNECT__EXPRESSION__EXPR_TYPE__NOT_SET: return ch_oneof_unset(err, PB_TYPE(expression), "EXPRTYPE");
    default: return ch_oneof_unsupported(err, PB_TYPE(expression), (int)in->expr_type_case, "Expression");
    }
}
