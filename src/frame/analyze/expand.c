/* expand.c: the table of derived relations and the tools their expansions are built with. */
#include "frame/analyze/expand_internal.h"

#include <string.h>
#include <strings.h>

ch_plan *ch_x_rel(ch_expander *x, ch_rel *rel)
{
    ch_plan *plan = ch_plan_new(x->arena, CH_PLAN_REL, NULL);
    plan->u.rel = rel;
    return plan;
}

ch_plan *ch_x_input(ch_expander *x)
{
    return ch_x_rel(x, x->input);
}

ch_expr *ch_x_column(ch_expander *x, const ch_rel *rel, size_t i)
{
    ch_expr *e = ch_expr_new(x->arena, CH_EX_COLUMN);
    e->type = rel->cols[i].type;
    e->nullable = rel->cols[i].nullable;
    e->u.column.id = rel->cols[i].id;
    e->u.column.name = rel->cols[i].name;
    return e;
}

int ch_x_find(ch_expander *x, const char *name, size_t *index, ch_error *err)
{
    size_t nparts, hits = 0;
    const char **parts;
    CH_TRY(ch_split_name(x->arena, name, &nparts, &parts, err));
    for (size_t i = 0; i < x->input->ncol && nparts == 1; i++)
        if (!strcasecmp(x->input->cols[i].name, parts[0])) hits++, *index = i;
    if (hits == 1) return 0;
    /* Let the analyzer's own lookup word the error (unknown, ambiguous) or find a qualified name. */
    ch_scope scope = {
        .session = x->session, .arena = x->arena, .next_id = x->next_id, .input = {x->input}, .ninput = 1};
    ch_expr *found;
    CH_TRY(ch_lookup(&scope, nparts, parts, -1, &found, err));
    for (size_t i = 0; i < x->input->ncol; i++)
        if (found->kind == CH_EX_COLUMN && x->input->cols[i].id == found->u.column.id) {
            *index = i;
            return 0;
        }
    return ch_failf(err, CH_E_UNSUPPORTED, "Nested field %s is not supported.", name);
}

ch_plan *ch_x_project(ch_expander *x, ch_plan *input, size_t n, ch_expr **exprs)
{
    ch_plan *plan = ch_plan_new(x->arena, CH_PLAN_PROJECT, input);
    plan->u.project.n = n;
    plan->u.project.exprs = exprs;
    return plan;
}

ch_plan *ch_x_aggregate(ch_expander *x, ch_plan *input, size_t ngroup, ch_expr **groups, size_t nagg, ch_expr **aggs)
{
    ch_plan *plan = ch_plan_new(x->arena, CH_PLAN_AGGREGATE, input);
    plan->u.aggregate.ngroup = ngroup;
    plan->u.aggregate.groups = groups;
    plan->u.aggregate.nagg = nagg;
    plan->u.aggregate.aggs = aggs;
    return plan;
}

ch_plan *ch_x_to_df(ch_expander *x, ch_plan *input, size_t n, const char **names)
{
    ch_plan *plan = ch_plan_new(x->arena, CH_PLAN_TO_DF, input);
    plan->u.names.n = n;
    plan->u.names.names = names;
    return plan;
}

ch_plan *ch_x_row(ch_expander *x, size_t n, ch_expr **cells, const char **names)
{
    ch_plan *plan = ch_plan_new(x->arena, CH_PLAN_VALUES, NULL);
    plan->u.values.nrow = 1;
    plan->u.values.ncol = n;
    plan->u.values.rows = ch_arena_dup(x->arena, &cells, sizeof cells);
    plan->u.values.names = names;
    return plan;
}

ch_plan *ch_x_unfold(ch_expander *x, ch_plan *input, size_t nkeep, ch_expr **keep, size_t nrow, size_t ncol,
                     ch_expr ***cells, const char **names)
{
    /* User names may repeat, struct fields may not: plain names inside, the user's put on at the end. */
    ch_expr *rows = ch_expr_new(x->arena, CH_EX_CALL);
    rows->u.call.name = "array";
    rows->u.call.n = nrow;
    rows->u.call.args = CH_NEW_ARRAY(x->arena, ch_expr *, nrow);
    for (size_t i = 0; i < nrow; i++) {
        ch_expr *s = ch_expr_new(x->arena, CH_EX_CALL);
        s->u.call.name = "named_struct";
        s->u.call.n = 2 * ncol;
        s->u.call.args = CH_NEW_ARRAY(x->arena, ch_expr *, 2 * ncol);
        for (size_t j = 0; j < ncol; j++) {
            s->u.call.args[2 * j] = ch_expr_string(x->arena, ch_arena_printf(x->arena, "f%zu", j));
            s->u.call.args[2 * j + 1] = cells[i][j];
        }
        rows->u.call.args[i] = s;
    }
    ch_expr **exprs = CH_NEW_ARRAY(x->arena, ch_expr *, nkeep + 1);
    if (nkeep) memcpy(exprs, keep, nkeep * sizeof *keep);
    exprs[nkeep] = ch_expr_call(x->arena, "inline", 1, rows);
    ch_plan *plan = ch_x_project(x, input, nkeep + 1, exprs);
    return ch_x_to_df(x, plan, nkeep + ncol, names);
}

static const struct {
    ch_plan_kind kind;
    int (*expand)(ch_expander *x, ch_plan **out, ch_error *err);
} derived[] = {
    {CH_PLAN_DESCRIBE, ch_expand_describe},     {CH_PLAN_SUMMARY, ch_expand_describe},
    {CH_PLAN_COV, ch_expand_correlation},       {CH_PLAN_CORR, ch_expand_correlation},
    {CH_PLAN_CROSSTAB, ch_expand_crosstab},     {CH_PLAN_APPROX_QUANTILE, ch_expand_quantile},
    {CH_PLAN_FREQ_ITEMS, ch_expand_freq_items}, {CH_PLAN_SAMPLE_BY, ch_expand_sample_by},
    {CH_PLAN_NA_FILL, ch_expand_na_fill},       {CH_PLAN_NA_DROP, ch_expand_na_drop},
    {CH_PLAN_NA_REPLACE, ch_expand_na_replace}, {CH_PLAN_UNPIVOT, ch_expand_unpivot},
    {CH_PLAN_TRANSPOSE, ch_expand_transpose},
};

bool ch_is_derived(const ch_plan *plan)
{
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++)
        if (derived[i].kind == plan->kind) return true;
    return plan->kind == CH_PLAN_AGGREGATE && plan->u.aggregate.pivot;
}

int ch_expand(ch_session *s, ch_arena *arena, const ch_plan *plan, ch_rel *input, int *next_id, ch_plan **out,
              ch_error *err)
{
    ch_expander x = {.session = s, .arena = arena, .plan = plan, .input = input, .next_id = next_id};
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++)
        if (derived[i].kind == plan->kind) return derived[i].expand(&x, out, err);
    if (ch_is_derived(plan)) return ch_expand_pivot(&x, out, err);
    return ch_bug(err, "plan kind %d has no expansion", (int)plan->kind);
}
