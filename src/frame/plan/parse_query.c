/* parse_query.c: SELECT and what is around it: WITH, FROM and joins, LATERAL VIEW, GROUP BY, set operations, ORDER BY.
 */
#include "frame/plan/parse_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int parse_query_term(ch_parser *p, int level, ch_plan **out, ch_error *err);
static int parse_relation(ch_parser *p, ch_plan **out, ch_error *err);

/* One row without columns: what a SELECT without FROM reads. */
static ch_plan *one_row(ch_parser *p)
{
    ch_plan *plan = ch_plan_new(p->arena, CH_PLAN_VALUES, NULL);
    plan->u.values.nrow = 1;
    plan->u.values.rows = CH_NEW_ARRAY(p->arena, ch_expr **, 1);
    return plan;
}

static ch_plan *alias_of(ch_parser *p, ch_plan *input, const char *name)
{
    ch_plan *plan = ch_plan_new(p->arena, CH_PLAN_ALIAS, input);
    CH_APPEND(p->arena, plan->u.alias.parts, plan->u.alias.nparts, name);
    return plan;
}

static ch_plan *project_of(ch_parser *p, ch_plan *input, size_t n, ch_expr **exprs)
{
    ch_plan *plan = ch_plan_new(p->arena, CH_PLAN_PROJECT, input);
    plan->u.project.n = n;
    plan->u.project.exprs = exprs;
    return plan;
}

static ch_plan *filter_of(ch_parser *p, ch_plan *input, ch_expr *condition)
{
    ch_plan *plan = ch_plan_new(p->arena, CH_PLAN_FILTER, input);
    plan->u.condition = condition;
    return plan;
}

/* --- FROM --- */

/* [AS] alias [(a, b)] */
static int parse_table_alias(ch_parser *p, ch_plan **plan, ch_error *err)
{
    const char *name;
    bool as = ch_accept_word(p, "AS");
    if (!as && !ch_is_implicit_alias(p)) return 0;
    CH_TRY(ch_parse_identifier(p, &name, err));
    if (ch_is_op(p, 0, "(")) {
        ch_plan *renamed = ch_plan_new(p->arena, CH_PLAN_TO_DF, *plan);
        CH_TRY(ch_parse_names(p, &renamed->u.names.n, &renamed->u.names.names, err));
        *plan = renamed;
    }
    *plan = alias_of(p, *plan, name);
    return 0;
}

/* VALUES (1, 'a'), (2, 'b') | VALUES 1, 2 */
static int parse_values(ch_parser *p, ch_plan **out, ch_error *err)
{
    ch_plan *plan = ch_plan_new(p->arena, CH_PLAN_VALUES, NULL);
    ch_expr ***rows = NULL;
    size_t nrow = 0, ncol = 0;
    do {
        ch_expr *e, **cells;
        size_t n;
        CH_TRY(ch_parse_expr(p, &e, err));
        bool tuple = e->kind == CH_EX_CALL && !strcmp(e->u.call.name, "struct");
        cells = tuple ? e->u.call.args : ch_arena_dup(p->arena, &e, sizeof e);
        n = tuple ? e->u.call.n : 1;
        if (nrow && n != ncol)
            return ch_raise(err, "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH", "expectedNumCols",
                            ch_arena_printf(p->arena, "%zu", ncol), "actualNumCols",
                            ch_arena_printf(p->arena, "%zu", n), "rowIndex", ch_arena_printf(p->arena, "%zu", nrow),
                            (char *)NULL);
        ncol = n;
        CH_APPEND(p->arena, rows, nrow, cells);
    } while (ch_accept_op(p, ","));
    plan->u.values.nrow = nrow;
    plan->u.values.ncol = ncol;
    plan->u.values.rows = rows;
    *out = plan;
    return 0;
}

static bool long_of(const ch_expr *e, int64_t *value)
{
    if (e->kind != CH_EX_LITERAL || e->u.literal.is_null || !ch_type_is_integral(e->u.literal.type)) return false;
    *value = e->u.literal.v.integer;
    return true;
}

/* range(end) | range(start, end [, step [, partitions]]), explode(...) and the other generators in FROM */
static int parse_table_function(ch_parser *p, ch_plan **out, ch_error *err)
{
    const char *name = ch_peek(p)->text;
    ch_expr *call;
    CH_TRY(ch_parse_primary(p, &call, err));
    if (call->kind != CH_EX_CALL) return ch_syntax_error(p, err);
    size_t n = call->u.call.n;
    if (strcasecmp(name, "range")) {
        *out = project_of(p, one_row(p), 1, ch_arena_dup(p->arena, &call, sizeof call));
        return 0;
    }
    int64_t v[4] = {0, 0, 1, 0};
    if (n < 1 || n > 4) return ch_syntax_error(p, err);
    for (size_t i = 0; i < n; i++)
        if (!long_of(call->u.call.args[i], &v[n == 1 ? 1 : i]))
            return ch_unsupported_syntax(p, "arguments of range that are not integer literals", err);
    ch_plan *plan = ch_plan_new(p->arena, CH_PLAN_RANGE, NULL);
    plan->u.range.start = v[0];
    plan->u.range.end = v[1];
    plan->u.range.step = v[2];
    *out = plan;
    return 0;
}

/* parquet.`/a/path` reads files. */
static bool is_file_format(const char *name)
{
    static const char *const formats[] = {"csv", "json", "parquet", "text", "orc"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcasecmp(name, formats[i])) return true;
    return false;
}

static int parse_table_name(ch_parser *p, ch_plan **out, ch_error *err)
{
    size_t n;
    const char **parts;
    CH_TRY(ch_parse_name_parts(p, &n, &parts, err));
    if (n == 2 && is_file_format(parts[0])) {
        *out = ch_plan_new(p->arena, CH_PLAN_READ, NULL);
        (*out)->u.read.format = parts[0];
        (*out)->u.read.npath = 1;
        (*out)->u.read.paths = parts + 1;
        return 0;
    }
    *out = ch_plan_new(p->arena, CH_PLAN_TABLE, NULL);
    (*out)->u.table.nparts = n;
    (*out)->u.table.parts = parts;
    return 0;
}

static int parse_primary_relation(ch_parser *p, ch_plan **out, ch_error *err)
{
    bool sampled = true;
    if (ch_accept_op(p, "(")) {
        if (ch_is_word(p, 0, "SELECT") || ch_is_word(p, 0, "WITH") || ch_is_word(p, 0, "VALUES") || ch_is_op(p, 0, "("))
            CH_TRY(ch_parse_subquery(p, out, err));
        else
            CH_TRY(parse_relation(p, out, err));
        CH_TRY(ch_expect_op(p, ")", err));
    } else if (ch_accept_word(p, "VALUES")) {
        CH_TRY(parse_values(p, out, err));
        sampled = false;
    } else if (ch_is_identifier(p, 0) && ch_is_op(p, 1, "(")) {
        CH_TRY(parse_table_function(p, out, err));
        sampled = false;
    } else {
        CH_TRY(parse_table_name(p, out, err));
    }
    if (sampled && ch_accept_word(p, "TABLESAMPLE")) CH_TRY(ch_parse_sample(p, out, err));
    return parse_table_alias(p, out, err);
}

/* Consumes [NATURAL] [INNER|CROSS|LEFT ...] JOIN; false when there is no join here. */
static int accept_join(ch_parser *p, bool *is_join, ch_join_kind *kind, bool *natural, ch_error *err)
{
    size_t at = p->at;
    *natural = ch_accept_word(p, "NATURAL");
    *kind = CH_JOIN_INNER;
    if (ch_accept_word(p, "CROSS"))
        *kind = CH_JOIN_CROSS;
    else if (ch_accept_word(p, "INNER"))
        *kind = CH_JOIN_INNER;
    else if (ch_accept_word(p, "SEMI"))
        *kind = CH_JOIN_SEMI;
    else if (ch_accept_word(p, "ANTI"))
        *kind = CH_JOIN_ANTI;
    else if (ch_accept_word(p, "LEFT")) {
        *kind = ch_accept_word(p, "SEMI") ? CH_JOIN_SEMI : ch_accept_word(p, "ANTI") ? CH_JOIN_ANTI : CH_JOIN_LEFT;
        ch_accept_word(p, "OUTER");
    } else if (ch_accept_word(p, "RIGHT")) {
        *kind = CH_JOIN_RIGHT;
        ch_accept_word(p, "OUTER");
    } else if (ch_accept_word(p, "FULL")) {
        *kind = CH_JOIN_FULL;
        ch_accept_word(p, "OUTER");
    }
    *is_join = p->at > at || ch_is_word(p, 0, "JOIN");
    return *is_join ? ch_expect_word(p, "JOIN", err) : 0;
}

/* PIVOT, UNPIVOT [[AS] name] */
static int parse_turning(ch_parser *p, ch_plan **out, ch_error *err)
{
    for (;;) {
        if (ch_accept_word(p, "PIVOT")) {
            CH_TRY(ch_parse_pivot(p, out, err));
        } else if (ch_accept_word(p, "UNPIVOT")) {
            CH_TRY(ch_parse_unpivot(p, out, err));
            CH_TRY(parse_table_alias(p, out, err));
        } else {
            return 0;
        }
    }
}

static int parse_joins(ch_parser *p, ch_plan **out, ch_error *err)
{
    for (;;) {
        bool is_join, natural;
        ch_join_kind kind;
        CH_TRY(parse_turning(p, out, err));
        CH_TRY(accept_join(p, &is_join, &kind, &natural, err));
        if (!is_join) return 0;
        ch_plan *join = ch_plan_new(p->arena, CH_PLAN_JOIN, *out);
        join->u.join.kind = kind;
        join->u.join.natural = natural;
        if (ch_is_word(p, 0, "LATERAL")) return ch_unsupported_syntax(p, "LATERAL joins", err);
        CH_TRY(parse_primary_relation(p, &join->right, err));
        if (ch_accept_word(p, "ON"))
            CH_TRY(ch_parse_expr(p, &join->u.join.condition, err));
        else if (ch_accept_word(p, "USING"))
            CH_TRY(ch_parse_names(p, &join->u.join.nusing, &join->u.join.using_columns, err));
        *out = join;
    }
}

static int parse_relation(ch_parser *p, ch_plan **out, ch_error *err)
{
    CH_TRY(ch_parse_enter(p, err));
    CH_TRY(parse_primary_relation(p, out, err));
    CH_TRY(parse_joins(p, out, err));
    p->depth--;
    return 0;
}

/* LATERAL VIEW [OUTER] explode(x) t AS a, b: one more projection over the rows so far. */
static int parse_lateral_view(ch_parser *p, ch_plan **plan, ch_error *err)
{
    bool outer = ch_accept_word(p, "OUTER");
    ch_expr *call, *star = ch_expr_star(p->arena), *named = ch_expr_new(p->arena, CH_EX_ALIAS), **exprs = NULL;
    size_t n = 0;
    CH_TRY(ch_parse_primary(p, &call, err));
    if (call->kind != CH_EX_CALL) return ch_syntax_error(p, err);
    size_t name_len = strlen(call->u.call.name);
    bool already = name_len > 6 && !strcasecmp(call->u.call.name + name_len - 6, "_outer");
    if (outer && !already) call->u.call.name = ch_arena_printf(p->arena, "%s_outer", call->u.call.name);
    named->u.alias.child = call;
    if (ch_is_implicit_alias(p)) CH_TRY(ch_parse_identifier(p, &named->u.alias.qualifier, err));
    if (ch_accept_word(p, "AS")) {
        do {
            const char *name;
            CH_TRY(ch_parse_identifier(p, &name, err));
            CH_APPEND(p->arena, named->u.alias.names, named->u.alias.n, name);
        } while (ch_accept_op(p, ","));
    }
    CH_APPEND(p->arena, exprs, n, star);
    CH_APPEND(p->arena, exprs, n, named);
    *plan = project_of(p, *plan, n, exprs);
    return 0;
}

static int parse_from(ch_parser *p, ch_plan **out, ch_error *err)
{
    CH_TRY(parse_relation(p, out, err));
    while (ch_accept_op(p, ",")) {
        ch_plan *join = ch_plan_new(p->arena, CH_PLAN_JOIN, *out);
        join->u.join.kind = CH_JOIN_CROSS;
        CH_TRY(parse_relation(p, &join->right, err));
        *out = join;
    }
    while (ch_is_word(p, 0, "LATERAL") && ch_is_word(p, 1, "VIEW")) {
        p->at += 2;
        CH_TRY(parse_lateral_view(p, out, err));
    }
    return parse_turning(p, out, err);
}

/* --- GROUP BY --- */

typedef struct select_parts {
    bool distinct, has_group;
    size_t nitem;
    ch_expr **items;
    ch_plan *from;
    ch_expr *where, *having;
    ch_group_kind group_kind;
    size_t ngroup;
    ch_expr **groups;
    size_t nset;
    size_t *set_size;
    ch_expr ***sets;
} select_parts;

/* GROUP BY 2 means the second item of the SELECT list. */
static ch_expr *by_position(const select_parts *s, ch_expr *e)
{
    int64_t at;
    if (!long_of(e, &at) || at < 1 || (uint64_t)at > s->nitem) return e;
    ch_expr *item = s->items[at - 1];
    if (item->kind == CH_EX_STAR) return e;
    return item->kind == CH_EX_ALIAS ? item->u.alias.child : item;
}

static int parse_grouping_sets(ch_parser *p, select_parts *s, ch_error *err)
{
    size_t nsize = 0, nset = 0;
    CH_TRY(ch_expect_op(p, "(", err));
    do {
        ch_expr **set = NULL;
        size_t n = 0;
        if (ch_accept_op(p, "(")) {
            if (!ch_is_op(p, 0, ")")) CH_TRY(ch_parse_exprs(p, &n, &set, err));
            CH_TRY(ch_expect_op(p, ")", err));
        } else {
            ch_expr *e;
            CH_TRY(ch_parse_expr(p, &e, err));
            CH_APPEND(p->arena, set, n, e);
        }
        for (size_t i = 0; i < n; i++) set[i] = by_position(s, set[i]);
        CH_APPEND(p->arena, s->set_size, nsize, n);
        CH_APPEND(p->arena, s->sets, nset, set);
    } while (ch_accept_op(p, ","));
    s->nset = nset;
    s->group_kind = CH_GROUP_SETS;
    return ch_expect_op(p, ")", err);
}

static int parse_group_by(ch_parser *p, select_parts *s, ch_error *err)
{
    s->has_group = true;
    if (ch_is_word(p, 0, "ALL") && !ch_is_op(p, 1, ",")) { /* each item without an aggregate: the analyzer sees to it */
        p->at++;
        CH_APPEND(p->arena, s->groups, s->ngroup, ch_expr_name(p->arena, "all"));
        return 0;
    }
    bool rollup = ch_is_word(p, 0, "ROLLUP"), cube = ch_is_word(p, 0, "CUBE");
    if ((rollup || cube) && ch_is_op(p, 1, "(")) {
        p->at += 2;
        s->group_kind = rollup ? CH_GROUP_ROLLUP : CH_GROUP_CUBE;
        CH_TRY(ch_parse_exprs(p, &s->ngroup, &s->groups, err));
        CH_TRY(ch_expect_op(p, ")", err));
        if (ch_is_op(p, 0, ",")) return ch_unsupported_syntax(p, "GROUP BY with several groupings", err);
    } else if (ch_is_word(p, 0, "GROUPING") && ch_is_word(p, 1, "SETS")) {
        p->at += 2;
        CH_TRY(parse_grouping_sets(p, s, err));
    } else {
        CH_TRY(ch_parse_exprs(p, &s->ngroup, &s->groups, err));
        if (ch_accept_word(p, "WITH")) {
            s->group_kind = ch_accept_word(p, "ROLLUP") ? CH_GROUP_ROLLUP : CH_GROUP_CUBE;
            if (s->group_kind == CH_GROUP_CUBE) CH_TRY(ch_expect_word(p, "CUBE", err));
        } else if (ch_is_word(p, 0, "GROUPING") && ch_is_word(p, 1, "SETS")) {
            p->at += 2;
            CH_TRY(parse_grouping_sets(p, s, err));
        }
    }
    for (size_t i = 0; i < s->ngroup; i++) s->groups[i] = by_position(s, s->groups[i]);
    return 0;
}

/* --- windows by name --- */

int ch_parse_window_name(ch_parser *p, ch_expr *window, ch_error *err)
{
    ch_window_use use = {.window = window, .at = p->at};
    CH_TRY(ch_parse_identifier(p, &use.name, err));
    CH_APPEND(p->arena, p->window_uses, p->nwindow_use, use);
    return 0;
}

/* WINDOW w AS (...), v AS (...): puts the definitions where OVER w stood in this SELECT. */
static int parse_window_clause(ch_parser *p, size_t first_use, ch_error *err)
{
    while (ch_accept_word(p, "WINDOW")) {
        do {
            const char *name;
            ch_window defined = {0};
            CH_TRY(ch_parse_identifier(p, &name, err));
            CH_TRY(ch_expect_word(p, "AS", err));
            CH_TRY(ch_parse_window(p, &defined, err));
            for (size_t i = first_use; i < p->nwindow_use; i++) {
                ch_window_use *use = &p->window_uses[i];
                if (!use->window || strcasecmp(use->name, name)) continue;
                ch_expr *function = use->window->u.window.function;
                use->window->u.window = defined;
                use->window->u.window.function = function;
                use->window = NULL;
            }
        } while (ch_accept_op(p, ","));
    }
    for (size_t i = first_use; i < p->nwindow_use; i++)
        if (p->window_uses[i].window)
            return ch_raise(err, "MISSING_WINDOW_SPECIFICATION", "windowName", p->window_uses[i].name, "docroot",
                            "https://spark.apache.org/docs/latest", (char *)NULL);
    p->nwindow_use = first_use;
    return 0;
}

/* --- SELECT --- */

static int parse_select_list(ch_parser *p, select_parts *s, ch_error *err)
{
    s->distinct = ch_accept_word(p, "DISTINCT");
    if (!s->distinct) ch_accept_word(p, "ALL");
    do {
        ch_expr *e;
        CH_TRY(ch_parse_named_expr(p, &e, err));
        CH_APPEND(p->arena, s->items, s->nitem, e);
    } while (ch_accept_op(p, ","));
    return 0;
}

static ch_plan *build_select(ch_parser *p, const select_parts *s)
{
    ch_plan *plan = s->from;
    if (s->where) plan = filter_of(p, plan, s->where);
    if (s->has_group || s->having) {
        ch_plan *a = ch_plan_new(p->arena, CH_PLAN_AGGREGATE, plan);
        a->u.aggregate.kind = s->group_kind;
        a->u.aggregate.ngroup = s->ngroup;
        a->u.aggregate.groups = s->groups;
        a->u.aggregate.nagg = s->nitem;
        a->u.aggregate.aggs = s->items;
        a->u.aggregate.having = s->having;
        a->u.aggregate.sql_select = true;
        a->u.aggregate.nset = s->nset;
        a->u.aggregate.set_size = s->set_size;
        a->u.aggregate.sets = s->sets;
        plan = a;
    } else {
        plan = project_of(p, plan, s->nitem, s->items);
    }
    return s->distinct ? ch_plan_new(p->arena, CH_PLAN_DEDUPLICATE, plan) : plan;
}

static int parse_select(ch_parser *p, ch_plan **out, ch_error *err)
{
    select_parts s = {0};
    size_t first_use = p->nwindow_use;
    CH_TRY(ch_expect_word(p, "SELECT", err));
    CH_TRY(parse_select_list(p, &s, err));
    if (ch_accept_word(p, "FROM"))
        CH_TRY(parse_from(p, &s.from, err));
    else
        s.from = one_row(p);
    if (ch_accept_word(p, "WHERE")) CH_TRY(ch_parse_expr(p, &s.where, err));
    if (ch_is_word(p, 0, "GROUP") && ch_is_word(p, 1, "BY")) {
        p->at += 2;
        CH_TRY(parse_group_by(p, &s, err));
    }
    if (ch_accept_word(p, "HAVING")) CH_TRY(ch_parse_expr(p, &s.having, err));
    if (ch_is_word(p, 0, "QUALIFY")) return ch_unsupported_syntax(p, "QUALIFY", err);
    CH_TRY(parse_window_clause(p, first_use, err));
    *out = build_select(p, &s);
    return 0;
}

static int parse_query_primary(ch_parser *p, ch_plan **out, ch_error *err)
{
    if (ch_accept_word(p, "VALUES")) {
        CH_TRY(parse_values(p, out, err));
        return parse_table_alias(p, out, err);
    }
    if (ch_accept_word(p, "TABLE")) return parse_table_name(p, out, err);
    if (ch_accept_op(p, "(")) {
        CH_TRY(ch_parse_subquery(p, out, err));
        return ch_expect_op(p, ")", err);
    }
    return parse_select(p, out, err);
}

/* Set operations: INTERSECT (level 1) binds tighter than UNION and EXCEPT (level 0). */
static bool accept_set_op(ch_parser *p, int level, ch_set_kind *kind)
{
    if (level == 1) return *kind = CH_SET_INTERSECT, ch_accept_word(p, "INTERSECT");
    if (ch_accept_word(p, "UNION")) return *kind = CH_SET_UNION, true;
    return *kind = CH_SET_EXCEPT, ch_accept_word(p, "EXCEPT") || ch_accept_word(p, "MINUS");
}

static int parse_query_term(ch_parser *p, int level, ch_plan **out, ch_error *err)
{
    if (level == 2) return parse_query_primary(p, out, err);
    CH_TRY(parse_query_term(p, level + 1, out, err));
    ch_set_kind kind;
    while (accept_set_op(p, level, &kind)) {
        ch_plan *op = ch_plan_new(p->arena, CH_PLAN_SET_OP, *out);
        op->u.set_op.kind = kind;
        op->u.set_op.all = ch_accept_word(p, "ALL");
        if (!op->u.set_op.all) ch_accept_word(p, "DISTINCT");
        CH_TRY(parse_query_term(p, level + 1, &op->right, err));
        *out = op;
        /* SQL's UNION drops duplicates; the plan node, like Spark's Union, keeps them. */
        if (kind == CH_SET_UNION && !op->u.set_op.all) {
            op->u.set_op.all = true;
            *out = ch_plan_new(p->arena, CH_PLAN_DEDUPLICATE, op);
        }
    }
    return 0;
}

static int parse_count(ch_parser *p, int64_t *out, ch_error *err)
{
    ch_expr *e;
    CH_TRY(ch_parse_expr(p, &e, err));
    if (!long_of(e, out)) return ch_unsupported_syntax(p, "LIMIT or OFFSET that is not an integer literal", err);
    return 0;
}

static int parse_query_tail(ch_parser *p, ch_plan **out, ch_error *err)
{
    bool order = ch_is_word(p, 0, "ORDER"), sort = ch_is_word(p, 0, "SORT");
    if ((order || sort) && ch_is_word(p, 1, "BY")) {
        ch_plan *plan = ch_plan_new(p->arena, CH_PLAN_SORT, *out);
        p->at += 2;
        CH_TRY(ch_parse_orders(p, &plan->u.sort.n, &plan->u.sort.orders, err));
        plan->u.sort.global = order;
        *out = plan;
    } else if ((ch_is_word(p, 0, "CLUSTER") || ch_is_word(p, 0, "DISTRIBUTE")) && ch_is_word(p, 1, "BY")) {
        return ch_unsupported_syntax(p, "CLUSTER BY and DISTRIBUTE BY", err);
    }
    int64_t limit = -1, offset = -1;
    for (;;) {
        if (ch_accept_word(p, "LIMIT")) {
            if (!ch_accept_word(p, "ALL")) CH_TRY(parse_count(p, &limit, err));
        } else if (ch_accept_word(p, "OFFSET")) {
            CH_TRY(parse_count(p, &offset, err));
        } else {
            break;
        }
    }
    if (offset >= 0) {
        *out = ch_plan_new(p->arena, CH_PLAN_OFFSET, *out);
        (*out)->u.count = offset;
    }
    if (limit >= 0) {
        *out = ch_plan_new(p->arena, CH_PLAN_LIMIT, *out);
        (*out)->u.count = limit;
    }
    return 0;
}

/* WITH a AS (...), b(x) AS (...) */
static int parse_with(ch_parser *p, ch_plan **with, ch_error *err)
{
    ch_plan *plan = ch_plan_new(p->arena, CH_PLAN_WITH, NULL);
    size_t nname = 0, nplan = 0;
    if (ch_accept_word(p, "RECURSIVE")) return ch_unsupported_syntax(p, "WITH RECURSIVE", err);
    do {
        const char *name, **columns = NULL;
        size_t ncolumn = 0;
        ch_plan *body;
        CH_TRY(ch_parse_identifier(p, &name, err));
        if (ch_is_op(p, 0, "(")) CH_TRY(ch_parse_names(p, &ncolumn, &columns, err));
        ch_accept_word(p, "AS");
        CH_TRY(ch_expect_op(p, "(", err));
        CH_TRY(ch_parse_subquery(p, &body, err));
        CH_TRY(ch_expect_op(p, ")", err));
        if (ncolumn) {
            ch_plan *renamed = ch_plan_new(p->arena, CH_PLAN_TO_DF, body);
            renamed->u.names.n = ncolumn;
            renamed->u.names.names = columns;
            body = renamed;
        }
        CH_APPEND(p->arena, plan->u.with.names, nname, name);
        CH_APPEND(p->arena, plan->u.with.plans, nplan, body);
    } while (ch_accept_op(p, ","));
    plan->u.with.n = nname;
    *with = plan;
    return 0;
}

int ch_parse_subquery(ch_parser *p, ch_plan **out, ch_error *err)
{
    ch_plan *with = NULL;
    CH_TRY(ch_parse_enter(p, err));
    if (ch_accept_word(p, "WITH")) CH_TRY(parse_with(p, &with, err));
    CH_TRY(parse_query_term(p, 0, out, err));
    CH_TRY(parse_query_tail(p, out, err));
    if (with) {
        with->input = *out;
        *out = with;
    }
    p->depth--;
    return 0;
}
