/* functions_window.c: functions that stand only over a window. */
#include "frame/analyze/resolve.h"

#include <string.h>

/* lag(x, offset, default) and lead. */
static int type_lag(ch_scope *scope, ch_expr *e, ch_error *err)
{
    ch_expr **args = CH_NEW_ARRAY(scope->arena, ch_expr *, 3);
    size_t n = e->u.call.n;
    args[0] = e->u.call.args[0];
    args[1] = n > 1 ? e->u.call.args[1] : ch_expr_int(scope->arena, 1);
    args[2] = n > 2 ? e->u.call.args[2] : ch_expr_null(scope->arena, &ch_type_null);
    e->u.call.args = args;
    e->u.call.n = 3;
    CH_TRY(ch_coerce_argument(scope, e, 1, "int", err));
    if (!ch_foldable(args[1])) {
        return ch_mismatch(scope, err, "NON_FOLDABLE_INPUT", e, "inputName", "`offset`", "inputType", "\"INT\"",
                           "inputExpr", ch_quote_expr(scope->arena, args[1]), (char *)NULL);
    }
    if (args[2]->type->kind != CH_NULL && !ch_type_equal(args[2]->type, args[0]->type, false)) {
        if (!ch_can_cast(args[2]->type, args[0]->type, CH_CAST_ANSI)) {
            return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", "third", "requiredType",
                               ch_quote_type(scope->arena, args[0]->type), "inputSql",
                               ch_quote_expr(scope->arena, args[2]), "inputType",
                               ch_quote_type(scope->arena, args[2]->type), (char *)NULL);
        }
        args[2] = ch_coerce(scope->arena, args[2], args[0]->type);
    }
    e->type = args[0]->type;
    e->nullable = args[0]->nullable || args[2]->nullable;
    return CH_OK;
}

static int write_lag(ch_writer *w, const ch_expr *e)
{
    const char *name = e->u.call.fn->name, *nulls = e->u.call.ignore_nulls ? " IGNORE NULLS" : "";
    bool fallback = !(e->u.call.args[2]->kind == CH_EX_LITERAL && e->u.call.args[2]->u.literal.is_null);
    ch_buf_printf(w->sql, "%s(", name);
    CH_TRY(ch_write_template(w, e, fallback ? "$1, $2, $3" : "$1, $2"));
    ch_buf_printf(w->sql, "%s)", nulls);
    return ch_write_filter(w, e, NULL);
}

static int type_ntile(ch_scope *scope, ch_expr *e, ch_error *err)
{
    int64_t buckets = 1;
    const ch_expr *a = e->u.call.n ? e->u.call.args[0] : NULL;
    if (a && !ch_foldable(a)) {
        return ch_mismatch(scope, err, "NON_FOLDABLE_INPUT", e, "inputName", "`buckets`", "inputType", "\"INT\"",
                           "inputExpr", ch_quote_expr(scope->arena, a), (char *)NULL);
    }
    if (a && ch_fold_int(scope->arena, a, &buckets) && (buckets <= 0 || buckets > INT32_MAX)) {
        return ch_mismatch(scope, err, "VALUE_OUT_OF_RANGE", e, "exprName", "`buckets`", "valueRange",
                           "(0, 2147483647]", "currentValue", ch_arena_printf(scope->arena, "%lld", (long long)buckets),
                           (char *)NULL);
    }
    e->nullable = false;
    return CH_OK;
}

/* nth_value(x, n, ignoreNulls) */
static int type_nth(ch_scope *scope, ch_expr *e, ch_error *err)
{
    int64_t n = 0;
    if (!ch_fold_int(scope->arena, e->u.call.args[1], &n)) {
        return ch_mismatch(scope, err, "NON_FOLDABLE_INPUT", e, "inputName", "`offset`", "inputType", "\"INT\"",
                           "inputExpr", ch_quote_expr(scope->arena, e->u.call.args[1]), (char *)NULL);
    }
    if (n <= 0) {
        return ch_mismatch(scope, err, "VALUE_OUT_OF_RANGE", e, "exprName", "`offset`", "valueRange",
                           "(0, 9223372036854775807]", "currentValue",
                           ch_arena_printf(scope->arena, "%lldL", (long long)n), (char *)NULL);
    }
    ch_literal v;
    if (e->u.call.n > 2 && ch_fold(scope->arena, e->u.call.args[2], &v) && v.type->kind == CH_BOOLEAN)
        e->u.call.ignore_nulls = v.v.boolean;
    e->u.call.n = 2;
    e->type = e->u.call.args[0]->type;
    e->nullable = true;
    return CH_OK;
}

static void print_nth(ch_buf *out, const ch_expr *e)
{
    ch_buf_str(out, "nth_value(");
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_str(out, ", ");
    ch_print_expr(out, e->u.call.args[1]);
    ch_buf_str(out, e->u.call.ignore_nulls ? ") ignore nulls" : ")");
}

static int write_nth(ch_writer *w, const ch_expr *e)
{
    CH_TRY(ch_write_template(w, e, e->u.call.ignore_nulls ? "nth_value($1, $2 IGNORE NULLS)" : "nth_value($1, $2)"));
    return ch_write_filter(w, e, NULL);
}

static void print_bare(ch_buf *out, const ch_expr *e)
{
    ch_buf_printf(out, "%s()", e->u.call.fn->pretty);
}

enum { RANK = CH_FN_OWN_FRAME | CH_FN_NEEDS_ORDER };

/* rank() and its kin take their arguments from ORDER BY; Spark lets the class's own constructor take them too. */
#define RANK_ROW(name_, pretty_, type_, sql_)                                                                          \
    {                                                                                                                  \
        .name = name_, .kind = CH_FN_WINDOW, .pretty = pretty_, .types = "any* > " type_, .nulls = CH_NULL_NEVER,      \
        .sql = sql_, .print = print_bare, .flags = RANK                                                                \
    }

const ch_function ch_functions_window[] = {
    {.name = "row_number",
     .kind = CH_FN_WINDOW,
     .types = "> int",
     .nulls = CH_NULL_NEVER,
     .sql = "CAST(row_number()$F AS INTEGER)",
     .flags = RANK},
    RANK_ROW("rank", "RANK", "int", "CAST(rank()$F AS INTEGER)"),
    RANK_ROW("dense_rank", "DENSE_RANK", "int", "CAST(dense_rank()$F AS INTEGER)"),
    RANK_ROW("percent_rank", "PERCENT_RANK", "double", "percent_rank()$F"),
    {.name = "cume_dist",
     .kind = CH_FN_WINDOW,
     .types = "> double",
     .nulls = CH_NULL_NEVER,
     .sql = "cume_dist()$F",
     .flags = RANK},
    {.name = "ntile",
     .kind = CH_FN_WINDOW,
     .types = "int? > int",
     .nulls = CH_NULL_NEVER,
     .type = type_ntile,
     .sql = "CAST(ntile($1)$F AS INTEGER)",
     .flags = RANK},
    {.name = "lag",
     .kind = CH_FN_WINDOW,
     .min_args = 1,
     .max_args = 3,
     .type = type_lag,
     .write = write_lag,
     .flags = RANK},
    {.name = "lead",
     .kind = CH_FN_WINDOW,
     .min_args = 1,
     .max_args = 3,
     .type = type_lag,
     .write = write_lag,
     .flags = RANK},
    {.name = "nth_value",
     .kind = CH_FN_WINDOW,
     .types = "any, long, boolean? > $1",
     .type = type_nth,
     .write = write_nth,
     .print = print_nth,
     .flags = CH_FN_NEEDS_ORDER},
    {.name = NULL},
};
