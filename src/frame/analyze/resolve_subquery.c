/* resolve_subquery.c: scalar, EXISTS and IN subqueries inside expressions. */
#include "frame/analyze/resolve.h"

#include <string.h>

static const ch_type *one_column(ch_scope *scope, const ch_rel *rel)
{
    if (rel->ncol == 1) return rel->cols[0].type;
    ch_field *fields = CH_NEW_ARRAY(scope->arena, ch_field, rel->ncol);
    for (size_t i = 0; i < rel->ncol; i++)
        fields[i] = (ch_field){.name = rel->cols[i].name, .type = rel->cols[i].type, .nullable = rel->cols[i].nullable};
    return ch_type_struct(scope->arena, fields, rel->ncol);
}

static int resolve_scalar(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_rel *rel = e->u.subquery.rel;
    if (rel->ncol != 1) {
        return ch_raise(err, "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN", "number",
                        ch_arena_printf(scope->arena, "%zu", rel->ncol), (char *)NULL);
    }
    e->type = rel->cols[0].type;
    e->nullable = true;
    return CH_OK;
}

/* x IN (SELECT ...): both sides meet in their common type. The casts of the right side are written around its columns
 * when the subquery is (write_expr.c), so only the types are kept here, on the left side. */
static int resolve_in(ch_scope *scope, const ch_expr *in, ch_expr *e, ch_error *err)
{
    const ch_rel *rel = e->u.subquery.rel;
    size_t n = in->u.subquery.nvalues;
    ch_expr *const *values = in->u.subquery.values;
    if (n == 1 && rel->ncol > 1 && values[0]->kind == CH_EX_CALL && strcmp(values[0]->u.call.name, "struct") == 0) {
        n = values[0]->u.call.n; /* (a, b) IN (SELECT ...): the parser's struct is a row of values */
        values = values[0]->u.call.args;
    }
    e->u.subquery.nvalues = n;
    e->u.subquery.values = CH_NEW_ARRAY(scope->arena, ch_expr *, n);
    e->nullable = false;
    for (size_t i = 0; i < n; i++) {
        CH_TRY(ch_resolve(scope, values[i], &e->u.subquery.values[i], err));
        e->nullable = e->nullable || e->u.subquery.values[i]->nullable;
    }
    if (n != rel->ncol) {
        ch_buf left = {0}, right = {0};
        for (size_t i = 0; i < n; i++)
            ch_buf_printf(&left, "%s%s", i ? ", " : "", ch_quote_expr(scope->arena, e->u.subquery.values[i]));
        for (size_t i = 0; i < rel->ncol; i++) ch_buf_printf(&right, "%s\"%s\"", i ? ", " : "", rel->cols[i].name);
        int status = ch_mismatch(scope, err, "IN_SUBQUERY_LENGTH_MISMATCH", e, "leftLength",
                                 ch_arena_printf(scope->arena, "%zu", n), "leftColumns", ch_buf_text(&left),
                                 "rightLength", ch_arena_printf(scope->arena, "%zu", rel->ncol), "rightColumns",
                                 ch_buf_text(&right), (char *)NULL);
        ch_buf_reset(&left);
        ch_buf_reset(&right);
        return status;
    }
    for (size_t i = 0; i < n; i++) {
        ch_expr *value = e->u.subquery.values[i];
        const ch_type *common = ch_common_type(scope->arena, value->type, rel->cols[i].type);
        if (!common) {
            return ch_mismatch(scope, err, "IN_SUBQUERY_DATA_TYPE_MISMATCH", e, "mismatchedColumns",
                               ch_quote_expr(scope->arena, value), "leftType", ch_quote_type(scope->arena, value->type),
                               "rightType", ch_quote_type(scope->arena, one_column(scope, rel)), (char *)NULL);
        }
        e->u.subquery.values[i] = ch_coerce(scope->arena, value, common);
        e->nullable = e->nullable || rel->cols[i].nullable;
    }
    e->type = &ch_type_boolean;
    return CH_OK;
}

int ch_resolve_subquery(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err)
{
    ch_expr *e = CH_NEW(scope->arena, ch_expr);
    *e = *in;
    *out = e;
    CH_TRY(ch_analyze_subquery(scope, in->u.subquery.plan, &e->u.subquery.rel, err));
    switch (in->u.subquery.kind) {
    case CH_SUBQUERY_SCALAR: return resolve_scalar(scope, e, err);
    case CH_SUBQUERY_IN: return resolve_in(scope, in, e, err);
    case CH_SUBQUERY_EXISTS:
        e->type = &ch_type_boolean;
        e->nullable = false;
        return CH_OK;
    }
    return ch_bug(err, "subquery kind %d", (int)in->u.subquery.kind);
}
