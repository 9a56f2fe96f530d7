/* expand_pivot.c: relations that turn rows into columns and back: pivot, unpivot, transpose
 * (org.apache.spark.sql.catalyst.analysis.ResolvePivot, ResolveUnpivot, ResolveTranspose). */
#include "frame/analyze/expand_internal.h"
#include "frame/analyze/resolve.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static size_t config_count(ch_expander *x, const char *key, size_t otherwise)
{
    const char *text = ch_config_find(x->session, x->arena, key);
    return text ? (size_t)strtoul(text, NULL, 10) : otherwise;
}

/* --- pivot --- */

/* The distinct values of the pivot column, sorted, and their text (which names the new columns). */
static int find_values(ch_expander *x, size_t *n, ch_literal **values, const char ***names, ch_error *err)
{
    size_t max = config_count(x, "spark.sql.pivotMaxValues", 10000), ncol;
    ch_literal **rows;
    ch_expr **one = CH_NEW_ARRAY(x->arena, ch_expr *, 1), **two = CH_NEW_ARRAY(x->arena, ch_expr *, 2);
    one[0] = ch_expr_alias(x->arena, x->plan->u.aggregate.pivot, "value");
    two[0] = ch_expr_name(x->arena, "value");
    two[1] = ch_expr_cast(x->arena, ch_expr_name(x->arena, "value"), &ch_type_string);
    ch_plan *distinct = ch_plan_new(x->arena, CH_PLAN_DEDUPLICATE, ch_x_project(x, (ch_plan *)x->plan->input, 1, one));
    ch_plan *sort = ch_plan_new(x->arena, CH_PLAN_SORT, distinct);
    sort->u.sort.n = 1;
    sort->u.sort.global = true;
    sort->u.sort.orders = CH_NEW(x->arena, ch_order);
    sort->u.sort.orders[0].expr = ch_expr_name(x->arena, "value");
    ch_plan *limit = ch_plan_new(x->arena, CH_PLAN_LIMIT, ch_x_project(x, sort, 2, two));
    limit->u.count = (int64_t)max + 1;
    CH_TRY(ch_query_rows(x->session, limit, max + 1, NULL, x->arena, n, &ncol, &rows, err));
    if (*n > max)
        return ch_failf(
            err, CH_E_ANALYSIS,
            "The pivot column has more than %zu distinct values, this could indicate an error. If this was "
            "intended, set spark.sql.pivotMaxValues to at least the number of distinct values of the pivot column.",
            max);
    *values = CH_NEW_ARRAY(x->arena, ch_literal, *n);
    *names = CH_NEW_ARRAY(x->arena, const char *, *n);
    for (size_t i = 0; i < *n; i++) {
        (*values)[i] = rows[i][0];
        (*names)[i] =
            rows[i][1].is_null ? "null" : ch_arena_strndup(x->arena, rows[i][1].v.bytes.data, rows[i][1].v.bytes.len);
    }
    return 0;
}

/* The text of values the user gave. */
static int name_values(ch_expander *x, size_t n, const ch_literal *values, const char ***names, ch_error *err)
{
    size_t ncol;
    ch_literal *row;
    ch_expr **cells = CH_NEW_ARRAY(x->arena, ch_expr *, n);
    for (size_t i = 0; i < n; i++)
        cells[i] = ch_expr_cast(x->arena, ch_expr_literal(x->arena, &values[i]), &ch_type_string);
    CH_TRY(ch_query_row(x->session, ch_x_row(x, n, cells, NULL), NULL, x->arena, &ncol, &row, err));
    *names = CH_NEW_ARRAY(x->arena, const char *, n);
    for (size_t i = 0; i < n; i++)
        (*names)[i] = row[i].is_null ? "null" : ch_arena_strndup(x->arena, row[i].v.bytes.data, row[i].v.bytes.len);
    return 0;
}

/* The aggregates by group and pivot value; columns: groups, pivot value, aggregates. */
static int inner_aggregate(ch_expander *x, ch_rel **out, ch_error *err)
{
    size_t ngroup = x->plan->u.aggregate.ngroup;
    ch_expr **groups = CH_NEW_ARRAY(x->arena, ch_expr *, ngroup + 1);
    memcpy(groups, x->plan->u.aggregate.groups, ngroup * sizeof *groups);
    groups[ngroup] = ch_expr_alias(x->arena, x->plan->u.aggregate.pivot, "pivot");
    ch_plan *inner =
        ch_x_aggregate(x, ch_x_input(x), ngroup + 1, groups, x->plan->u.aggregate.nagg, x->plan->u.aggregate.aggs);
    return ch_analyze(x->session, x->arena, inner, x->next_id, out, err);
}

/* first(aggregate) of the one row of a group that has the value: null where there is none. */
static ch_expr *picked(ch_expander *x, const ch_rel *inner, size_t agg, const ch_literal *value, const char *name)
{
    size_t ngroup = x->plan->u.aggregate.ngroup;
    ch_expr *first = ch_expr_call(x->arena, "first", 1, ch_x_column(x, inner, ngroup + 1 + agg));
    first->u.call.filter =
        ch_expr_call(x->arena, "<=>", 2, ch_x_column(x, inner, ngroup), ch_expr_literal(x->arena, value));
    return ch_expr_alias(x->arena, first, name);
}

typedef struct mention {
    ch_expander *x;
    ch_scope *scope;
    bool *mentioned; /* of x->input's columns */
    ch_error *err;
    int status;
} mention;

static bool note_mention(const ch_expr *e, void *arg)
{
    mention *m = arg;
    ch_expr *found;
    if (e->kind == CH_EX_NAME) {
        m->status = ch_lookup(m->scope, e->u.name.nparts, e->u.name.parts, -1, &found, m->err);
        return m->status || note_mention(found, m);
    }
    if (e->kind != CH_EX_COLUMN) return ch_any_child(e, note_mention, m);
    for (size_t i = 0; i < m->x->input->ncol; i++) m->mentioned[i] |= m->x->input->cols[i].id == e->u.column.id;
    return false;
}

/* The groups of SQL's PIVOT: the columns that neither the aggregates nor the pivot mention. */
static int find_groups(ch_expander *x, ch_error *err)
{
    ch_scope scope = {
        .session = x->session, .arena = x->arena, .next_id = x->next_id, .input = {x->input}, .ninput = 1};
    mention m = {.x = x, .scope = &scope, .mentioned = CH_NEW_ARRAY(x->arena, bool, x->input->ncol), .err = err};
    ch_plan *plan = ch_arena_dup(x->arena, x->plan, sizeof *x->plan);
    if (note_mention(plan->u.aggregate.pivot, &m)) return m.status;
    for (size_t i = 0; i < plan->u.aggregate.nagg; i++)
        if (note_mention(plan->u.aggregate.aggs[i], &m)) return m.status;
    plan->u.aggregate.ngroup = 0;
    plan->u.aggregate.groups = CH_NEW_ARRAY(x->arena, ch_expr *, x->input->ncol);
    for (size_t i = 0; i < x->input->ncol; i++)
        if (!m.mentioned[i]) plan->u.aggregate.groups[plan->u.aggregate.ngroup++] = ch_x_column(x, x->input, i);
    x->plan = plan;
    return 0;
}

/* The constants of SQL's PIVOT, as the pivot column's type, and what the new columns are called. */
static int evaluate_values(ch_expander *x, const ch_type *type, ch_literal **values, const char ***names, ch_error *err)
{
    size_t n = x->plan->u.aggregate.nvalue, ncol;
    ch_expr **cells = CH_NEW_ARRAY(x->arena, ch_expr *, n);
    for (size_t i = 0; i < n; i++) cells[i] = ch_expr_cast(x->arena, x->plan->u.aggregate.value_exprs[i], type);
    CH_TRY(ch_query_row(x->session, ch_x_row(x, n, cells, NULL), NULL, x->arena, &ncol, values, err));
    CH_TRY(name_values(x, n, *values, names, err));
    for (size_t i = 0; i < n; i++)
        if (x->plan->u.aggregate.value_names[i]) (*names)[i] = x->plan->u.aggregate.value_names[i];
    return 0;
}

/* A few values: each new column filters for its own. */
static ch_plan *pivot_by_filters(ch_expander *x, ch_rel *inner, size_t n, const ch_literal *values, const char **names)
{
    size_t ngroup = x->plan->u.aggregate.ngroup, nagg = x->plan->u.aggregate.nagg;
    ch_expr **groups = CH_NEW_ARRAY(x->arena, ch_expr *, ngroup), **aggs = CH_NEW_ARRAY(x->arena, ch_expr *, n * nagg);
    for (size_t i = 0; i < ngroup; i++) groups[i] = ch_x_column(x, inner, i);
    for (size_t i = 0; i < n * nagg; i++) aggs[i] = picked(x, inner, i % nagg, &values[i / nagg], names[i]);
    return ch_x_aggregate(x, ch_x_rel(x, inner), ngroup, groups, n * nagg, aggs);
}

static ch_expr *hidden_call(ch_expander *x, const char *name, size_t n, ch_expr **args)
{
    ch_expr *e = ch_expr_new(x->arena, CH_EX_CALL);
    e->u.call.name = name;
    e->u.call.fn = ch_function_find(name);
    e->u.call.n = n;
    e->u.call.args = ch_arena_dup(x->arena, args, n * sizeof *args);
    return e;
}

/* The aggregates with the position of their pivot value, null for one that is not wanted; columns: inner's, value,
 * position. */
static int with_positions(ch_expander *x, ch_rel *inner, size_t n, const ch_literal *values, ch_rel **out,
                          ch_error *err)
{
    size_t ngroup = x->plan->u.aggregate.ngroup;
    static const char *names[] = {"value", "position"};
    ch_plan *table = ch_plan_new(x->arena, CH_PLAN_VALUES, NULL);
    table->u.values.nrow = n;
    table->u.values.ncol = 2;
    table->u.values.names = names;
    table->u.values.rows = CH_NEW_ARRAY(x->arena, ch_expr **, n);
    for (size_t i = 0; i < n; i++) {
        table->u.values.rows[i] = CH_NEW_ARRAY(x->arena, ch_expr *, 2);
        table->u.values.rows[i][0] =
            ch_expr_cast(x->arena, ch_expr_literal(x->arena, &values[i]), inner->cols[ngroup].type);
        table->u.values.rows[i][1] = ch_expr_int(x->arena, (int32_t)i + 1);
    }
    ch_rel *right;
    CH_TRY(ch_analyze(x->session, x->arena, table, x->next_id, &right, err));
    ch_plan *join = ch_plan_new(x->arena, CH_PLAN_JOIN, ch_x_rel(x, inner));
    join->right = ch_x_rel(x, right);
    join->u.join.kind = CH_JOIN_LEFT;
    join->u.join.condition = ch_expr_call(x->arena, "<=>", 2, ch_x_column(x, inner, ngroup), ch_x_column(x, right, 0));
    return ch_analyze(x->session, x->arena, join, x->next_id, out, err);
}

/* Many values: a group's aggregates become lists, beside a list of the positions of their pivot values, from which each
 * new column is picked. The work is that of the rows and of the cells of the result, not of rows times columns. */
static int pivot_by_lists(ch_expander *x, ch_rel *inner, size_t n, const ch_literal *values, const char **names,
                          ch_plan **out, ch_error *err)
{
    size_t ngroup = x->plan->u.aggregate.ngroup, nagg = x->plan->u.aggregate.nagg;
    ch_rel *rows, *lists;
    CH_TRY(with_positions(x, inner, n, values, &rows, err));
    ch_expr **keep = CH_NEW_ARRAY(x->arena, ch_expr *, ngroup + n * nagg),
            **made = CH_NEW_ARRAY(x->arena, ch_expr *, nagg + 1);
    for (size_t i = 0; i < ngroup; i++) keep[i] = ch_x_column(x, rows, i);
    for (size_t j = 0; j <= nagg; j++) {
        ch_expr *item = ch_x_column(x, rows, j < nagg ? ngroup + 1 + j : inner->ncol + 1);
        made[j] = ch_expr_alias(x->arena, hidden_call(x, "pivot_list", 1, &item), "list");
    }
    ch_plan *grouped = ch_x_aggregate(x, ch_x_rel(x, rows), ngroup, keep, nagg + 1, made);
    CH_TRY(ch_analyze(x->session, x->arena, grouped, x->next_id, &lists, err));
    ch_expr **exprs = CH_NEW_ARRAY(x->arena, ch_expr *, ngroup + nagg + 1);
    for (size_t i = 0; i < ngroup + nagg; i++) exprs[i] = ch_x_column(x, lists, i);
    ch_expr *index[] = {ch_x_column(x, lists, ngroup + nagg), ch_expr_int(x->arena, (int32_t)n)};
    exprs[ngroup + nagg] = ch_expr_alias(x->arena, hidden_call(x, "pivot_index", 2, index), "index");
    ch_plan *indexed = ch_x_project(x, ch_x_rel(x, lists), ngroup + nagg + 1, exprs);
    CH_TRY(ch_analyze(x->session, x->arena, indexed, x->next_id, &lists, err));
    for (size_t i = 0; i < ngroup; i++) keep[i] = ch_x_column(x, lists, i);
    for (size_t i = 0; i < n * nagg; i++) {
        ch_expr *cell[] = {ch_x_column(x, lists, ngroup + i % nagg), ch_x_column(x, lists, ngroup + nagg),
                           ch_expr_int(x->arena, (int32_t)(i / nagg) + 1)};
        keep[ngroup + i] = ch_expr_alias(x->arena, hidden_call(x, "pivot_at", 3, cell), names[i]);
    }
    *out = ch_x_project(x, ch_x_rel(x, lists), ngroup + n * nagg, keep);
    return 0;
}

int ch_expand_pivot(ch_expander *x, ch_plan **out, ch_error *err)
{
    enum { FILTERED_MAX = 16 }; /* more columns: lists are quicker */
    if (x->plan->u.aggregate.other_groups) CH_TRY(find_groups(x, err));
    size_t n = x->plan->u.aggregate.nvalue, ngroup = x->plan->u.aggregate.ngroup, nagg = x->plan->u.aggregate.nagg;
    ch_literal *values = x->plan->u.aggregate.values;
    const char **names, **columns;
    ch_rel *inner;
    if (n && !x->plan->u.aggregate.value_exprs)
        CH_TRY(name_values(x, n, values, &names, err));
    else if (!n)
        CH_TRY(find_values(x, &n, &values, &names, err));
    CH_TRY(inner_aggregate(x, &inner, err));
    if (x->plan->u.aggregate.value_exprs) CH_TRY(evaluate_values(x, inner->cols[ngroup].type, &values, &names, err));
    columns = CH_NEW_ARRAY(x->arena, const char *, n *nagg);
    for (size_t i = 0; i < n * nagg; i++) {
        columns[i] = names[i / nagg];
        if (nagg > 1)
            columns[i] = ch_arena_printf(x->arena, "%s_%s", columns[i], inner->cols[ngroup + 1 + i % nagg].name);
    }
    if (n > FILTERED_MAX) return pivot_by_lists(x, inner, n, values, columns, out, err);
    *out = pivot_by_filters(x, inner, n, values, columns);
    return 0;
}

/* --- unpivot --- */

/* Resolves the columns an unpivot names (stars allowed); they must be plain columns. */
static int plain_columns(ch_expander *x, size_t n, ch_expr **exprs, size_t *nout, size_t **at, ch_error *err)
{
    ch_scope scope = {
        .session = x->session, .arena = x->arena, .next_id = x->next_id, .input = {x->input}, .ninput = 1};
    ch_named *found;
    CH_TRY(ch_resolve_list(&scope, n, exprs, nout, &found, err));
    *at = CH_NEW_ARRAY(x->arena, size_t, *nout);
    for (size_t i = 0; i < *nout; i++) {
        size_t c = 0;
        while (c < x->input->ncol &&
               !(found[i].expr->kind == CH_EX_COLUMN && x->input->cols[c].id == found[i].expr->u.column.id))
            c++;
        if (c == x->input->ncol)
            return ch_raise(err, "UNPIVOT_REQUIRES_ATTRIBUTES", "given", "value", "empty", "id", "expressions",
                            found[i].name, (char *)NULL);
        (*at)[i] = c;
    }
    return 0;
}

/* Without a list, every column that is no id is a value. */
static void other_columns(ch_expander *x, size_t nid, const size_t *ids, size_t *n, size_t **at)
{
    *at = CH_NEW_ARRAY(x->arena, size_t, x->input->ncol);
    *n = 0;
    for (size_t c = 0; c < x->input->ncol; c++) {
        bool is_id = false;
        for (size_t i = 0; i < nid; i++) is_id |= ids[i] == c;
        if (!is_id) (*at)[(*n)++] = c;
    }
}

static int by_type_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "\"BOOLEAN\" (`b`)", sorted, as Spark lists the types that do not go together. */
static int value_mismatch(ch_expander *x, size_t n, const size_t *at, ch_error *err)
{
    const char **shown = CH_NEW_ARRAY(x->arena, const char *, n);
    ch_buf list = {0};
    for (size_t i = 0; i < n; i++) {
        ch_buf type = {0};
        ch_type_sql(&type, x->input->cols[at[i]].type);
        shown[i] = ch_arena_printf(x->arena, "\"%s\" (`%s`)", ch_buf_text(&type), x->input->cols[at[i]].name);
        ch_buf_reset(&type);
    }
    qsort(shown, n, sizeof *shown, by_type_name);
    for (size_t i = 0; i < n; i++) ch_buf_printf(&list, "%s%s", i ? ", " : "", shown[i]);
    int status = ch_raise(err, "UNPIVOT_VALUE_DATA_TYPE_MISMATCH", "types", ch_buf_text(&list), (char *)NULL);
    ch_buf_reset(&list);
    return status;
}

int ch_expand_unpivot(ch_expander *x, ch_plan **out, ch_error *err)
{
    size_t nid, nvalue, *ids, *values;
    CH_TRY(plain_columns(x, x->plan->u.unpivot.nid, x->plan->u.unpivot.ids, &nid, &ids, err));
    if (x->plan->u.unpivot.has_values)
        CH_TRY(plain_columns(x, x->plan->u.unpivot.nvalue, x->plan->u.unpivot.values, &nvalue, &values, err));
    else
        other_columns(x, nid, ids, &nvalue, &values);
    if (x->plan->u.unpivot.other_ids) other_columns(x, nvalue, values, &nid, &ids);
    if (!nvalue) return ch_raise(err, "UNPIVOT_REQUIRES_VALUE_COLUMNS", (char *)NULL);
    const ch_type *common = x->input->cols[values[0]].type;
    for (size_t i = 1; i < nvalue; i++) {
        const ch_type *next = x->input->cols[values[i]].type;
        /* Text does not mix with numbers here, unlike in CASE or UNION. */
        common = ch_type_is_string(common) != ch_type_is_string(next) ? NULL : ch_common_type(x->arena, common, next);
        if (!common) return value_mismatch(x, nvalue, values, err);
    }
    ch_expr **keep = CH_NEW_ARRAY(x->arena, ch_expr *, nid + 1), ***cells = CH_NEW_ARRAY(x->arena, ch_expr **, nvalue);
    const char **names = CH_NEW_ARRAY(x->arena, const char *, nid + 2);
    for (size_t i = 0; i < nid; i++) {
        keep[i] = ch_x_column(x, x->input, ids[i]);
        names[i] = x->input->cols[ids[i]].name;
    }
    names[nid] = x->plan->u.unpivot.variable;
    names[nid + 1] = x->plan->u.unpivot.value;
    for (size_t i = 0; i < nvalue; i++) {
        cells[i] = CH_NEW_ARRAY(x->arena, ch_expr *, 2);
        const char *given = x->plan->u.unpivot.value_names ? x->plan->u.unpivot.value_names[i] : NULL;
        cells[i][0] = ch_expr_string(x->arena, given ? given : x->input->cols[values[i]].name);
        cells[i][1] = ch_expr_cast(x->arena, ch_x_column(x, x->input, values[i]), common);
    }
    *out = ch_x_unfold(x, ch_x_input(x), nid, keep, nvalue, 2, cells, names);
    return 0;
}

/* --- transpose --- */

/* The common type of all columns but the index, text when there are none. */
static int transposed_type(ch_expander *x, size_t index, const ch_type **out, ch_error *err)
{
    const ch_type *common = NULL;
    for (size_t c = 0; c < x->input->ncol; c++) {
        const ch_type *type = x->input->cols[c].type, *before = common;
        if (c == index) continue;
        common = before ? ch_common_type(x->arena, before, type) : type;
        if (common) continue;
        ch_buf a = {0}, b = {0};
        ch_type_sql(&a, before);
        ch_type_sql(&b, type);
        int status = ch_raise(err, "TRANSPOSE_NO_LEAST_COMMON_TYPE", "dt1", ch_buf_text(&a), "dt2", ch_buf_text(&b),
                              (char *)NULL);
        ch_buf_reset(&a);
        ch_buf_reset(&b);
        return status;
    }
    *out = common ? common : &ch_type_string;
    return 0;
}

/* All rows, sorted by the index: its text first, then the other columns in their common type. */
static int transposed_rows(ch_expander *x, size_t index, const ch_type *common, size_t *n, ch_literal ***rows,
                           ch_error *err)
{
    size_t max = config_count(x, "spark.sql.transposeMaxValues", 500), k = 0, ncol;
    ch_expr **exprs = CH_NEW_ARRAY(x->arena, ch_expr *, x->input->ncol);
    exprs[k++] = ch_expr_cast(x->arena, ch_x_column(x, x->input, index), &ch_type_string);
    for (size_t c = 0; c < x->input->ncol; c++)
        if (c != index) exprs[k++] = ch_expr_cast(x->arena, ch_x_column(x, x->input, c), common);
    ch_plan *sort = ch_plan_new(x->arena, CH_PLAN_SORT, ch_x_input(x));
    sort->u.sort.n = 1;
    sort->u.sort.global = true;
    sort->u.sort.orders = CH_NEW(x->arena, ch_order);
    sort->u.sort.orders[0].expr = ch_x_column(x, x->input, index);
    ch_plan *limit = ch_plan_new(x->arena, CH_PLAN_LIMIT, ch_x_project(x, sort, k, exprs));
    limit->u.count = (int64_t)max + 1;
    CH_TRY(ch_query_rows(x->session, limit, max + 1, NULL, x->arena, n, &ncol, rows, err));
    if (*n <= max) return 0;
    return ch_raise(err, "TRANSPOSE_EXCEED_ROW_LIMIT", "maxValues", ch_arena_printf(x->arena, "%zu", max), "config",
                    "spark.sql.transposeMaxValues", (char *)NULL);
}

/* Rows become columns named by the index column (the first unless given), columns become rows. Needs all rows at once,
 * which spark.sql.transposeMaxValues bounds. */
int ch_expand_transpose(ch_expander *x, ch_plan **out, ch_error *err)
{
    size_t n, index = 0, nindex, *at, kept = 0;
    ch_literal **rows;
    const ch_type *common;
    if (!x->input->ncol) return ch_failf(err, CH_E_ANALYSIS, "transpose needs at least one column");
    if (x->plan->u.transpose.n) {
        CH_TRY(plain_columns(x, x->plan->u.transpose.n, x->plan->u.transpose.index, &nindex, &at, err));
        index = at[0];
    }
    CH_TRY(transposed_type(x, index, &common, err));
    CH_TRY(transposed_rows(x, index, common, &n, &rows, err));
    const char **names = CH_NEW_ARRAY(x->arena, const char *, n + 1);
    names[0] = "key";
    for (size_t i = 0; i < n; i++)
        if (!rows[i][0].is_null) { /* rows without a name are left out */
            names[++kept] = ch_arena_strndup(x->arena, rows[i][0].v.bytes.data, rows[i][0].v.bytes.len);
            rows[kept - 1] = rows[i];
        }
    ch_plan *plan = ch_plan_new(x->arena, CH_PLAN_VALUES, NULL);
    plan->u.values.nrow = x->input->ncol - 1;
    plan->u.values.ncol = kept + 1;
    plan->u.values.names = names;
    plan->u.values.rows = CH_NEW_ARRAY(x->arena, ch_expr **, x->input->ncol);
    for (size_t c = 0, r = 0; c < x->input->ncol; c++) {
        if (c == index) continue;
        ch_expr **cells = CH_NEW_ARRAY(x->arena, ch_expr *, kept + 1);
        cells[0] = ch_expr_string(x->arena, x->input->cols[c].name);
        for (size_t i = 0; i < kept; i++) cells[i + 1] = ch_expr_literal(x->arena, &rows[i][r + 1]);
        plan->u.values.rows[r++] = cells;
    }
    *out = plan;
    return 0;
}
