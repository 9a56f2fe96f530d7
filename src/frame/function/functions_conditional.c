/* functions_conditional.c: CASE and what else chooses between values. */
#include "frame/analyze/resolve.h"

#include <string.h>

/* ---- CASE: when(c1, v1, c2, v2, ..., otherwise) ---- */

static int not_boolean(ch_scope *scope, ch_expr *e, size_t index, ch_error *err)
{
    const ch_expr *a = e->u.call.args[index];
    return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", ch_ordinal(scope->arena, index),
                       "requiredType", "\"BOOLEAN\"", "inputSql", ch_quote_expr(scope->arena, a), "inputType",
                       ch_quote_type(scope->arena, a->type), (char *)NULL);
}

static int coerce_condition(ch_scope *scope, ch_expr *e, size_t index, ch_error *err)
{
    ch_expr *a = e->u.call.args[index];
    if (a->type->kind == CH_NULL)
        e->u.call.args[index] = ch_coerce(scope->arena, a, &ch_type_boolean);
    else if (a->type->kind != CH_BOOLEAN)
        return not_boolean(scope, e, index, err);
    return CH_OK;
}

static bool is_value(const ch_expr *e, size_t index)
{
    return index % 2 == 1 || index + 1 == e->u.call.n;
}

static int differ(ch_scope *scope, const ch_expr *e, const char *name, ch_error *err)
{
    ch_buf types = {0};
    ch_buf_char(&types, '[');
    bool first = true;
    for (size_t i = 0; i < e->u.call.n; i++) {
        bool value = strcmp(name, "`if`") == 0 ? i > 0 : is_value(e, i);
        if (!value) continue;
        ch_buf_printf(&types, "%s%s", first ? "" : ", ", ch_quote_type(scope->arena, e->u.call.args[i]->type));
        first = false;
    }
    ch_buf_char(&types, ']');
    int status = ch_mismatch(scope, err, "DATA_DIFF_TYPES", e, "functionName", name, "dataType", ch_buf_text(&types),
                             (char *)NULL);
    ch_buf_reset(&types);
    return status;
}

static int type_when(ch_scope *scope, ch_expr *e, ch_error *err)
{
    size_t n = e->u.call.n;
    bool otherwise = n % 2 == 1;
    const ch_type *common = &ch_type_null;
    for (size_t i = 0; i + 1 < n; i += 2) CH_TRY(coerce_condition(scope, e, i, err));
    for (size_t i = 0; i < n && common; i++)
        if (is_value(e, i)) common = ch_scope_common_type(scope, common, e->u.call.args[i]->type);
    if (!common) return differ(scope, e, "`casewhen`", err);
    e->type = common;
    e->nullable = !otherwise;
    for (size_t i = 0; i < n; i++) {
        if (!is_value(e, i)) continue;
        e->u.call.args[i] = ch_coerce(scope->arena, e->u.call.args[i], common);
        e->nullable = e->nullable || e->u.call.args[i]->nullable;
    }
    return CH_OK;
}

static int write_when(ch_writer *w, const ch_expr *e)
{
    size_t n = e->u.call.n;
    ch_buf_str(w->sql, "CASE");
    for (size_t i = 0; i + 1 < n; i += 2) {
        ch_buf_str(w->sql, " WHEN ");
        CH_TRY(ch_write_node(w, e->u.call.args[i]));
        ch_buf_str(w->sql, " THEN ");
        CH_TRY(ch_write_node(w, e->u.call.args[i + 1]));
    }
    if (n % 2) {
        ch_buf_str(w->sql, " ELSE ");
        CH_TRY(ch_write_node(w, e->u.call.args[n - 1]));
    }
    ch_buf_str(w->sql, " END");
    return CH_OK;
}

static void print_when(ch_buf *out, const ch_expr *e)
{
    size_t n = e->u.call.n;
    ch_buf_str(out, "CASE");
    for (size_t i = 0; i + 1 < n; i += 2) {
        ch_buf_str(out, " WHEN ");
        ch_print_expr(out, e->u.call.args[i]);
        ch_buf_str(out, " THEN ");
        ch_print_expr(out, e->u.call.args[i + 1]);
    }
    if (n % 2) {
        ch_buf_str(out, " ELSE ");
        ch_print_expr(out, e->u.call.args[n - 1]);
    }
    ch_buf_str(out, " END");
}

/* ---- if ---- */

static int type_if(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(coerce_condition(scope, e, 0, err));
    const ch_type *common = ch_scope_common_type(scope, e->u.call.args[1]->type, e->u.call.args[2]->type);
    if (!common) return differ(scope, e, "`if`", err);
    for (size_t i = 1; i < 3; i++) e->u.call.args[i] = ch_coerce(scope->arena, e->u.call.args[i], common);
    e->type = common;
    e->nullable = e->u.call.args[1]->nullable || e->u.call.args[2]->nullable;
    return CH_OK;
}

static void print_if(ch_buf *out, const ch_expr *e)
{
    ch_buf_str(out, "(IF");
    ch_print_args(out, e, 0);
    ch_buf_char(out, ')');
}

/* ---- the others ---- */

static int type_coalesce(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_unify_arguments(scope, e, 0, 1, true, &e->type, err));
    e->nullable = true;
    for (size_t i = 0; i < e->u.call.n; i++)
        if (!e->u.call.args[i]->nullable) e->nullable = false;
    return CH_OK;
}

static int type_extreme(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_unify_arguments(scope, e, 0, 1, false, &e->type, err));
    if (!ch_type_orderable(e->type)) {
        return ch_mismatch(scope, err, "INVALID_ORDERING_TYPE", e, "functionName",
                           ch_backquoted(scope->arena, e->u.call.fn->name), "dataType",
                           ch_quote_type(scope->arena, e->type), (char *)NULL);
    }
    e->nullable = true;
    for (size_t i = 0; i < e->u.call.n; i++)
        if (!e->u.call.args[i]->nullable) e->nullable = false;
    return CH_OK;
}

static int type_nvl2(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_unify_arguments(scope, e, 1, 1, true, &e->type, err));
    e->nullable = e->u.call.args[1]->nullable || e->u.call.args[2]->nullable;
    return CH_OK;
}

static int type_nullif(ch_scope *scope, ch_expr *e, ch_error *err)
{
    ch_expr *equal, **args = e->u.call.args, *value = args[0];
    CH_TRY(ch_make_call(scope, "=", 2, args, &equal, err));
    e->type = value->type;
    e->nullable = true;
    e->u.call.n = 3;
    e->u.call.args = CH_NEW_ARRAY(scope->arena, ch_expr *, 3);
    e->u.call.args[0] = value;
    e->u.call.args[1] = args[1];
    e->u.call.args[2] = equal; /* written; not shown */
    return CH_OK;
}

static void print_two(ch_buf *out, const ch_expr *e)
{
    ch_buf_printf(out, "%s(", e->u.call.fn->name);
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_str(out, ", ");
    ch_print_expr(out, e->u.call.args[1]);
    ch_buf_char(out, ')');
}

static int type_nanvl(ch_scope *scope, ch_expr *e, ch_error *err)
{
    ch_expr **args = e->u.call.args;
    const ch_type *common =
        args[0]->type->kind == CH_FLOAT && args[1]->type->kind == CH_FLOAT ? &ch_type_float : &ch_type_double;
    for (size_t i = 0; i < 2; i++) {
        CH_TRY(ch_coerce_argument(scope, e, i, "double|float", err));
        e->u.call.args[i] = ch_coerce(scope->arena, e->u.call.args[i], common);
    }
    e->type = common;
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}
/* Arrays and structs are picked by their sort keys: the engine's own order of them is another. */
static int write_extreme(ch_writer *w, const ch_expr *e)
{
    bool greatest = strcmp(e->u.call.fn->name, "greatest") == 0;
    if (!ch_has_sort_key(e->type)) return ch_write_template(w, e, greatest ? "greatest($*)" : "least($*)");
    CH_TRY(ch_write_template(
        w, e, "list_reduce(list_filter([$*], lambda x: x IS NOT NULL), lambda a, b: CASE WHEN a IS NULL OR "));
    ch_sort_key_of(w->sql, "b", e->type);
    ch_buf_str(w->sql, greatest ? " > " : " < ");
    ch_sort_key_of(w->sql, "a", e->type);
    return ch_write_template(w, e, " THEN b ELSE a END, CAST(NULL AS $t))");
}

const ch_function ch_functions_conditional[] = {
    {.name = "when", .min_args = 2, .max_args = -1, .type = type_when, .write = write_when, .print = print_when},
    {.name = "case", .min_args = 2, .max_args = -1, .type = type_when, .write = write_when, .print = print_when},
    {.name = "if",
     .min_args = 3,
     .max_args = 3,
     .type = type_if,
     .sql = "CASE WHEN $1 THEN $2 ELSE $3 END",
     .print = print_if},
    {.name = "coalesce", .min_args = 1, .max_args = -1, .type = type_coalesce, .sql = "coalesce($*)", .arity = "> 0"},
    {.name = "nvl", .min_args = 2, .max_args = 2, .type = type_coalesce, .sql = "coalesce($*)"},
    {.name = "ifnull", .min_args = 2, .max_args = 2, .type = type_coalesce, .sql = "coalesce($*)"},
    {.name = "nvl2",
     .min_args = 3,
     .max_args = 3,
     .type = type_nvl2,
     .sql = "CASE WHEN $1 IS NOT NULL THEN $2 ELSE $3 END"},
    {.name = "nullif",
     .min_args = 2,
     .max_args = 2,
     .type = type_nullif,
     .sql = "CASE WHEN $3 THEN NULL ELSE $1 END",
     .print = print_two},
    {.name = "nullifzero", .types = "number > $1", .nulls = CH_NULL_ALWAYS, .sql = "nullif($1, 0)"},
    {.name = "zeroifnull", .types = "number > $1", .nulls = CH_NULL_NEVER, .sql = "coalesce($1, 0)"},
    {.name = "nanvl",
     .min_args = 2,
     .max_args = 2,
     .type = type_nanvl,
     .sql = "CASE WHEN isnan($1) THEN $2 ELSE $1 END"},
    {.name = "greatest", .min_args = 2, .max_args = -1, .type = type_extreme, .write = write_extreme, .arity = "> 1"},
    {.name = "least", .min_args = 2, .max_args = -1, .type = type_extreme, .write = write_extreme, .arity = "> 1"},
    {.name = NULL},
};
