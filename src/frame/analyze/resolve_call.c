/* resolve_call.c: analysis of calls: finds the function, counts and types its arguments. */
#include "frame/analyze/resolve.h"

#include "frame/plan/parse.h"

#include <string.h>
#include <strings.h>

/* ---- the number of arguments ---- */

static int wrong_count(ch_scope *scope, const ch_expr *call, const ch_function *fn, ch_error *err)
{
    int min, max;
    ch_function_arity(fn, &min, &max);
    ch_buf expected = {0};
    if (fn->arity) {
        ch_buf_str(&expected, fn->arity);
    } else if (max < 0) {
        ch_buf_printf(&expected, "> %d", min - 1);
    } else if (min == max) {
        ch_buf_printf(&expected, "%d", min);
    } else {
        for (int i = min; i <= max; i++) ch_buf_printf(&expected, "%s%d", i == min ? "[" : ", ", i);
        ch_buf_char(&expected, ']');
    }
    const char *text = ch_arena_strdup(scope->arena, ch_buf_text(&expected));
    ch_buf_reset(&expected);
    const char *name = ch_backquoted(scope->arena, call->u.call.name);
    const char *actual = ch_arena_printf(scope->arena, "%zu", call->u.call.n);
    if (strcasecmp(call->u.call.name, "count") == 0) {
        return ch_raise(err, "WRONG_NUM_ARGS.WITH_SUGGESTION", "functionName", name, "expectedNum", " >= 1",
                        "actualNum", actual, "legacyNum", "0", "legacyConfKey",
                        "\"spark.sql.legacy.allowParameterlessCount\"", "legacyConfValue", "\"true\"", (char *)NULL);
    }
    return ch_raise(err, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "functionName", name, "expectedNum", text, "actualNum",
                    actual, (char *)NULL);
}

/* ---- aggregates ---- */

static int check_aggregate(ch_scope *scope, const ch_expr *call, bool over, ch_error *err)
{
    for (size_t i = 0; i < call->u.call.n && !over; i++) {
        if (ch_contains_aggregate(call->u.call.args[i]))
            return ch_raise(err, "NESTED_AGGREGATE_FUNCTION", (char *)NULL);
    }
    const ch_expr *filter = call->u.call.filter;
    if (!filter) return CH_OK;
    if (filter->type->kind != CH_BOOLEAN) {
        return ch_raise(err, "INVALID_AGGREGATE_FILTER.NOT_BOOLEAN", "filterExpr", ch_quote_expr(scope->arena, filter),
                        (char *)NULL);
    }
    if (ch_contains_aggregate(filter)) {
        return ch_raise(err, "INVALID_AGGREGATE_FILTER.CONTAINS_AGGREGATE", "filterExpr",
                        ch_quote_expr(scope->arena, filter), "aggExpr", ch_quote_expr(scope->arena, filter),
                        (char *)NULL);
    }
    return CH_OK;
}

static int check_modifiers(ch_scope *scope, const ch_expr *call, const ch_function *fn, bool over, ch_error *err)
{
    if (fn->kind == CH_FN_AGGREGATE) return check_aggregate(scope, call, over, err);
    const char *name = ch_backquoted(scope->arena, call->u.call.name);
    if (call->u.call.distinct) {
        return ch_raise(err, "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX", "prettyName", name, "syntax",
                        "DISTINCT", (char *)NULL);
    }
    if (call->u.call.filter) {
        return ch_raise(err, "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX", "prettyName", name, "syntax",
                        "FILTER clause", (char *)NULL);
    }
    return CH_OK;
}

static int bind(ch_scope *scope, const ch_function *fn, ch_expr *call, bool over, ch_error *err)
{
    call->u.call.fn = fn;
    call->u.call.lenient = !ch_scope_ansi(scope);
    int min, max;
    ch_function_arity(fn, &min, &max);
    if (call->u.call.n < (size_t)min || (max >= 0 && call->u.call.n > (size_t)max))
        return wrong_count(scope, call, fn, err);
    CH_TRY(check_modifiers(scope, call, fn, over, err));
    if (fn->types) CH_TRY(ch_apply_signature(scope, call, err));
    if (fn->type) CH_TRY(fn->type(scope, call, err));
    if (!call->type) return ch_bug(err, "function %s has no type", fn->name);
    if (call->kind != CH_EX_CALL) return CH_OK;   /* it turned into something else */
    for (size_t i = 0; i < call->u.call.n; i++) { /* casts that coercion put in know no session */
        ch_expr *arg = call->u.call.args[i];
        if (arg->kind != CH_EX_CAST || !arg->u.cast.implicit) continue;
        if (!arg->zone) arg->zone = call->zone;
        if (call->u.call.lenient && arg->u.cast.mode == CH_CAST_ANSI) arg->u.cast.mode = CH_CAST_LEGACY;
    }
    if (call->u.call.lenient && fn->flags & CH_FN_TRY_LENIENT) call->nullable = true;
    return CH_OK;
}

int ch_bind_call(ch_scope *scope, const ch_function *fn, ch_expr *call, ch_error *err)
{
    return bind(scope, fn, call, false, err);
}

int ch_make_call(ch_scope *scope, const char *name, size_t n, ch_expr *const *args, ch_expr **out, ch_error *err)
{
    const ch_function *fn = ch_function_find(name);
    if (!fn) return ch_bug(err, "no function %s", name);
    ch_expr *call = ch_expr_new(scope->arena, CH_EX_CALL);
    call->u.call.name = name;
    call->zone = ch_scope_zone(scope);
    call->u.call.n = n;
    call->u.call.args = ch_arena_dup(scope->arena, args, n * sizeof *args);
    *out = call;
    return bind(scope, fn, call, false, err);
}

/* ---- arguments ---- */

typedef struct arg_list {
    size_t n, cap;
    ch_expr **items;
} arg_list;

static void add_arg(ch_scope *scope, arg_list *list, ch_expr *e)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 4;
        list->items = ch_arena_grow(scope->arena, list->items, sizeof(ch_expr *), list->n, cap);
        list->cap = cap;
    }
    list->items[list->n++] = e;
}

/* The name a struct's field gets from the argument it is made of (CreateStruct). */
static ch_expr *struct_field_name(ch_scope *scope, const ch_expr *in, const ch_expr *e, size_t position)
{
    const char *name = NULL;
    if (in->kind == CH_EX_ALIAS && in->u.alias.n == 1)
        name = in->u.alias.names[0];
    else if (in->kind == CH_EX_NAME)
        name = in->u.name.parts[in->u.name.nparts - 1];
    else if (e->kind == CH_EX_COLUMN)
        name = e->u.column.name;
    else if (e->kind == CH_EX_FIELD)
        name = e->u.field.name;
    else
        name = ch_arena_printf(scope->arena, "col%zu", position + 1);
    return ch_expr_string(scope->arena, name);
}

static bool makes_struct(const char *name)
{
    return strcasecmp(name, "struct") == 0;
}

/* An argument that is a star or a regex stands for several. */
static int expand_argument(ch_scope *scope, const ch_expr *in, bool as_struct, arg_list *list, ch_error *err)
{
    size_t n = 0;
    ch_expr **columns = NULL;
    if (in->kind == CH_EX_STAR)
        CH_TRY(ch_lookup_star(scope, in->u.star.nparts, in->u.star.parts, in->u.star.plan_id, &n, &columns, err));
    else
        CH_TRY(ch_lookup_regex(scope, in->u.regex.pattern, in->u.regex.plan_id, &n, &columns, err));
    for (size_t i = 0; i < n; i++) {
        if (as_struct) add_arg(scope, list, struct_field_name(scope, columns[i], columns[i], list->n / 2));
        add_arg(scope, list, columns[i]);
    }
    return CH_OK;
}

/* timestampadd(MONTH, ...): the unit is written as a bare word. */
static bool names_unit(const ch_expr *call, size_t index)
{
    static const char *const NAMES[] = {"timestampadd", "timestampdiff", "dateadd",
                                        "date_add",     "datediff",      "date_diff"};
    if (index > 0 || call->u.call.n != 3 || call->u.call.args[0]->kind != CH_EX_NAME ||
        call->u.call.args[0]->u.name.nparts != 1)
        return false;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcasecmp(NAMES[i], call->u.call.name) == 0) return true;
    return false;
}

static int resolve_argument(ch_scope *scope, const ch_expr *in, const ch_function *fn, bool as_struct, arg_list *list,
                            ch_error *err)
{
    if (in->kind == CH_EX_STRING) {
        ch_expr *parsed;
        CH_TRY(ch_parse_expression(scope->arena, in->u.text, &parsed, err));
        in = parsed;
    }
    if (in->kind == CH_EX_STAR || in->kind == CH_EX_REGEX) return expand_argument(scope, in, as_struct, list, err);
    if (in->kind == CH_EX_LAMBDA) {
        if (!(fn->flags & CH_FN_HIGHER_ORDER)) {
            return ch_raise(err, "INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION", "class", fn->name,
                            (char *)NULL);
        }
        add_arg(scope, list, (ch_expr *)in); /* its parameters' types come from the other arguments: typed later */
        return CH_OK;
    }
    ch_expr *e;
    CH_TRY(ch_resolve(scope, in, &e, err));
    if (as_struct) add_arg(scope, list, struct_field_name(scope, in, e, list->n / 2));
    add_arg(scope, list, e);
    return CH_OK;
}

/* count(*) and count(1) are the same thing; count(t.*) counts rows whose columns are all there. */
static bool counts_rows(const ch_expr *in)
{
    return strcasecmp(in->u.call.name, "count") == 0 && in->u.call.n == 1 && !in->u.call.distinct &&
           in->u.call.args[0]->kind == CH_EX_STAR && in->u.call.args[0]->u.star.nparts == 0 &&
           in->u.call.args[0]->u.star.plan_id < 0;
}

static int unresolved(ch_scope *scope, const char *name, ch_error *err)
{
    return ch_raise(err, "UNRESOLVED_ROUTINE", "routineName", ch_backquoted(scope->arena, name), "searchPath",
                    "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]", (char *)NULL);
}

int ch_resolve_call(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err)
{
    const ch_function *fn = in->u.call.fn ? in->u.call.fn : ch_function_find(in->u.call.name);
    bool over = scope->over;
    scope->over = false;
    if (!fn || (fn->flags & CH_FN_HIDDEN && !in->u.call.fn)) return unresolved(scope, in->u.call.name, err);
    ch_expr *call = CH_NEW(scope->arena, ch_expr);
    *call = *in;
    call->type = NULL;
    call->zone = ch_scope_zone(scope);
    arg_list args = {0};
    bool as_struct = makes_struct(in->u.call.name);
    if (counts_rows(in)) {
        add_arg(scope, &args, ch_expr_int(scope->arena, 1));
    } else {
        for (size_t i = 0; i < in->u.call.n; i++) {
            if (names_unit(in, i)) {
                add_arg(scope, &args, ch_expr_string(scope->arena, in->u.call.args[0]->u.name.parts[0]));
                continue;
            }
            CH_TRY(resolve_argument(scope, in->u.call.args[i], fn, as_struct, &args, err));
        }
    }
    call->u.call.n = args.n;
    call->u.call.args = args.items;
    if (in->u.call.filter) CH_TRY(ch_resolve(scope, in->u.call.filter, &call->u.call.filter, err));
    *out = call;
    return bind(scope, fn, call, over, err);
}
