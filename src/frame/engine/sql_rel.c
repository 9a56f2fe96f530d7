/* sql_rel.c: writing analysed relations as one SELECT statement.
 *
 * Column ids are unique in a query, so a name c<id> means the same wherever it can be seen, and relations nest as plain
 * subqueries without aliases. One SELECT takes in a run of LIMIT, SORT, PROJECT and FILTER; adjacent projections are
 * merged where that repeats no work, and a projection that only passes columns on vanishes in FROM.
 */
#include "frame/analyze/rel_internal.h"
#include "frame/analyze/resolve.h"
#include "frame/analyze/rewrite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MERGE_DEPTH_MAX = 256 }; /* projections merged into one: expressions nest that deep */

typedef struct writer {
    ch_buf *sql;
    ch_arena *arena;
    bool unordered; /* the order of the rows being written means nothing to what is above */
    ch_error *err;
} writer;

static int write_select(writer *w, const ch_rel *rel, bool with_hidden);
static int write_from(writer *w, const ch_rel *rel);

/* --- maps from column ids -------------------------------------------------------------------------------------------
 */

typedef struct id_entry {
    int id; /* 0: free; ids start at 1 */
    ch_expr *expr;
    size_t uses;
} id_entry;

typedef struct id_map {
    size_t mask;
    id_entry *entries;
} id_map;

static id_map id_map_for(ch_arena *arena, size_t n)
{
    size_t size = 4;
    while (size < 2 * n) size *= 2;
    return (id_map){.mask = size - 1, .entries = CH_NEW_ARRAY(arena, id_entry, size)};
}

/* The entry of an id: free (id 0) if it is not there. */
static id_entry *id_find(const id_map *map, int id)
{
    size_t at = (uint32_t)id * 0x9e3779b9u & map->mask;
    while (map->entries[at].id && map->entries[at].id != id) at = (at + 1) & map->mask;
    return &map->entries[at];
}

/* --- lists
 * ------------------------------------------------------------------------------------------------------------ */

/* Writes the items of a SELECT list. */
typedef struct item_list {
    writer *w;
    size_t n;
} item_list;

static void next_item(item_list *list)
{
    if (list->n++) ch_buf_str(list->w->sql, ", ");
}

static void item_column(item_list *list, int id)
{
    next_item(list);
    ch_buf_printf(list->w->sql, "c%d", id);
}

static int item_expr(item_list *list, const ch_expr *e, int id)
{
    next_item(list);
    CH_TRY(ch_write_expr(list->w->sql, e, list->w->err));
    ch_buf_printf(list->w->sql, " AS c%d", id);
    return 0;
}

/* A SELECT needs at least one item. */
static void end_list(item_list *list)
{
    if (!list->n) ch_buf_str(list->w->sql, "1 AS nothing");
}

/* The columns a relation gives: visible ones, each id once unless it is the root's exact list, then the hidden ones. */
static void write_columns(writer *w, const ch_rel *rel, bool with_hidden)
{
    item_list list = {.w = w};
    id_map seen = id_map_for(w->arena, rel->ncol + rel->nhidden);
    for (size_t i = 0; i < rel->ncol; i++) {
        id_entry *entry = id_find(&seen, rel->cols[i].id);
        if (with_hidden && entry->id) continue;
        entry->id = rel->cols[i].id;
        item_column(&list, rel->cols[i].id);
    }
    for (size_t i = 0; with_hidden && i < rel->nhidden; i++) {
        id_entry *entry = id_find(&seen, rel->hidden[i].id);
        if (entry->id) continue;
        entry->id = rel->hidden[i].id;
        item_column(&list, rel->hidden[i].id);
    }
    end_list(&list);
}

/* --- merging projections
 * ---------------------------------------------------------------------------------------------- */

/* A SELECT's list while it is being put together: what each column of `top` is computed by. */
typedef struct select_list {
    size_t n;
    const ch_attr **attrs;
    ch_expr **exprs;
} select_list;

typedef struct merge_ctx {
    ch_arena *arena;
    id_map map;
    size_t weight; /* 1; more inside lambdas, which run many times */
    bool subquery; /* met one: what it refers to is not seen here */
} merge_ctx;

static void count_uses(void *ctx, ch_expr *e)
{
    merge_ctx *m = ctx;
    if (e->kind == CH_EX_COLUMN) {
        id_entry *entry = id_find(&m->map, e->u.column.id);
        if (entry->id) entry->uses += m->weight;
        return;
    }
    if (e->kind == CH_EX_SUBQUERY) m->subquery = true;
    size_t before = m->weight;
    if (e->kind == CH_EX_LAMBDA) m->weight = 2;
    /* a window inside a window cannot be written, so what windows work on counts as used twice, too */
    if (e->kind == CH_EX_WINDOW) m->weight = 2;
    ch_expr_children(e, count_uses, ctx);
    m->weight = before;
}

static bool is_cheap(const ch_expr *e)
{
    return e->kind == CH_EX_COLUMN || e->kind == CH_EX_LITERAL;
}

static bool is_subquery(void *ctx, const ch_expr *e)
{
    (void)ctx;
    return e->kind == CH_EX_SUBQUERY;
}

static ch_expr *put_in(void *ctx, ch_expr *e)
{
    const merge_ctx *m = ctx;
    if (e->kind != CH_EX_COLUMN) return NULL;
    const id_entry *entry = id_find(&m->map, e->u.column.id);
    return entry->id ? entry->expr : e;
}

/* Puts the expressions of `below`, a PROJECT, into the list over it. False, and nothing done, where an expression would
 * be evaluated more often than before. */
static bool merge(writer *w, select_list *list, const ch_rel *below)
{
    merge_ctx m = {.arena = w->arena, .map = id_map_for(w->arena, below->ncol), .weight = 1};
    for (size_t i = 0; i < below->ncol; i++) {
        id_entry *entry = id_find(&m.map, below->cols[i].id);
        *entry = (id_entry){.id = below->cols[i].id, .expr = below->u.exprs[i]};
    }
    for (size_t i = 0; i < list->n; i++) count_uses(&m, list->exprs[i]);
    if (m.subquery) return false;
    for (size_t i = 0; i < below->ncol; i++) {
        const ch_expr *e = below->u.exprs[i];
        if (is_cheap(e)) continue;
        if (id_find(&m.map, below->cols[i].id)->uses > 1) return false;
        if (ch_expr_any(e, is_subquery, NULL)) return false;
    }
    for (size_t i = 0; i < list->n; i++) {
        list->exprs[i] = ch_expr_rewrite(w->arena, list->exprs[i], put_in, &m);
    }
    return true;
}

/* The top relation's list over its PROJECT (NULL: plain columns). */
static select_list start_list(writer *w, const ch_rel *top, const ch_rel *project, bool with_hidden)
{
    size_t most = top->ncol + (with_hidden ? top->nhidden : 0);
    select_list list = {0};
    list.attrs = CH_NEW_ARRAY(w->arena, const ch_attr *, most);
    list.exprs = CH_NEW_ARRAY(w->arena, ch_expr *, most);
    id_map seen = id_map_for(w->arena, most), made = {0};
    if (project) {
        made = id_map_for(w->arena, project->ncol);
        for (size_t i = 0; i < project->ncol; i++) {
            *id_find(&made, project->cols[i].id) = (id_entry){.id = project->cols[i].id, .expr = project->u.exprs[i]};
        }
    }
    for (size_t i = 0; i < most; i++) {
        const ch_attr *attr = i < top->ncol ? &top->cols[i] : &top->hidden[i - top->ncol];
        id_entry *entry = id_find(&seen, attr->id);
        if (entry->id && with_hidden) continue;
        entry->id = attr->id;
        const id_entry *from = project ? id_find(&made, attr->id) : NULL;
        ch_expr *e = from && from->id ? from->expr : NULL;
        if (!e) {
            e = ch_expr_new(w->arena, CH_EX_COLUMN);
            e->type = attr->type;
            e->u.column.id = attr->id;
        }
        list.attrs[list.n] = attr;
        list.exprs[list.n++] = e;
    }
    return list;
}

static int write_list(writer *w, const select_list *list)
{
    item_list items = {.w = w};
    for (size_t i = 0; i < list->n; i++) {
        const ch_expr *e = list->exprs[i];
        if (e->kind == CH_EX_COLUMN && e->u.column.id == list->attrs[i]->id) {
            item_column(&items, e->u.column.id);
        } else {
            CH_TRY(item_expr(&items, e, list->attrs[i]->id));
        }
    }
    end_list(&items);
    return 0;
}

/* --- LIMIT, SORT, PROJECT, FILTER -----------------------------------------------------------------------------------
 */

/* Can the orders be written in the same SELECT as the projection below them? Yes if they are columns that it has as
 * they are, so that FROM shows them. */
static bool sorts_by_passed(writer *w, const ch_rel *sort, const ch_rel *project)
{
    id_map made = id_map_for(w->arena, project->ncol);
    for (size_t i = 0; i < project->ncol; i++) {
        const ch_expr *e = project->u.exprs[i];
        bool same = e->kind == CH_EX_COLUMN && e->u.column.id == project->cols[i].id;
        if (!same) id_find(&made, project->cols[i].id)->id = project->cols[i].id;
    }
    for (size_t i = 0; i < sort->u.sort.n; i++) {
        const ch_expr *e = sort->u.sort.orders[i].expr;
        if (e->kind != CH_EX_COLUMN || id_find(&made, e->u.column.id)->id) return false;
    }
    return true;
}

static int write_order(writer *w, const ch_order *order)
{
    ch_writer inner = {.sql = w->sql, .err = w->err};
    CH_TRY(ch_write_sort_key(&inner, order->expr));
    ch_buf_printf(w->sql, "%s NULLS %s", order->descending ? " DESC" : " ASC", order->nulls_last ? "LAST" : "FIRST");
    return 0;
}

static int write_orders(writer *w, const ch_rel *sort)
{
    const char *before = " ORDER BY ";
    for (size_t i = 0; i < sort->u.sort.n; i++) {
        const ch_order *order = &sort->u.sort.orders[i];
        if (order->expr->kind == CH_EX_LITERAL) continue; /* orders nothing; a bare number would be a position */
        ch_buf_str(w->sql, before);
        CH_TRY(write_order(w, order));
        before = ", ";
    }
    return 0;
}

/* WHERE of a run of filters, the lowest first; *rel is moved below them. */
static int write_filters(writer *w, const ch_rel *first, const ch_rel *end)
{
    size_t n = 0;
    for (const ch_rel *r = first; r != end; r = r->input) n++;
    if (!n) return 0;
    const ch_rel **filters = CH_NEW_ARRAY(w->arena, const ch_rel *, n);
    size_t at = n;
    for (const ch_rel *r = first; r != end; r = r->input) filters[--at] = r;
    for (size_t i = 0; i < n; i++) {
        ch_buf_str(w->sql, i ? " AND (" : " WHERE (");
        CH_TRY(ch_write_expr(w->sql, filters[i]->u.condition, w->err));
        ch_buf_char(w->sql, ')');
    }
    return 0;
}

static int write_block(writer *w, const ch_rel *top, bool with_hidden)
{
    const ch_rel *limit = NULL, *sort = NULL, *project = NULL, *rel = top;
    if (rel->kind == CH_REL_LIMIT) {
        limit = rel;
        rel = rel->input;
    }
    if (rel->kind == CH_REL_SORT) {
        sort = rel;
        rel = rel->input;
    }
    if (rel->kind == CH_REL_PROJECT && (!sort || sorts_by_passed(w, sort, rel))) {
        project = rel;
        rel = rel->input;
    }
    select_list list = start_list(w, top, project, with_hidden);
    for (int i = 0; project && !sort && rel->kind == CH_REL_PROJECT && i < MERGE_DEPTH_MAX; i++) {
        if (!merge(w, &list, rel)) break;
        rel = rel->input;
    }
    const ch_rel *filters = rel;
    while (rel->kind == CH_REL_FILTER) rel = rel->input;
    ch_buf_str(w->sql, "SELECT ");
    CH_TRY(write_list(w, &list));
    ch_buf_str(w->sql, " FROM ");
    CH_TRY(write_from(w, rel));
    CH_TRY(write_filters(w, filters, rel));
    if (sort) CH_TRY(write_orders(w, sort));
    if (limit && limit->u.limit.limit >= 0) ch_buf_printf(w->sql, " LIMIT %" PRId64, limit->u.limit.limit);
    if (limit && limit->u.limit.offset > 0) ch_buf_printf(w->sql, " OFFSET %" PRId64, limit->u.limit.offset);
    return 0;
}

/* The last rows in their order. */
static int write_tail(writer *w, const ch_rel *rel, bool with_hidden)
{
    ch_buf_str(w->sql, "SELECT ");
    write_columns(w, rel, with_hidden);
    ch_buf_str(w->sql, " FROM (SELECT *, row_number() OVER () AS r_ FROM ");
    CH_TRY(write_from(w, rel->input));
    ch_buf_printf(w->sql, " ORDER BY r_ DESC LIMIT %" PRId64 ") ORDER BY r_", rel->u.limit.limit);
    return 0;
}

/* --- leaves
 * ----------------------------------------------------------------------------------------------------------- */

static int write_source(writer *w, const ch_rel *rel)
{
    item_list list = {.w = w};
    ch_buf_str(w->sql, "SELECT ");
    for (size_t i = 0; i < rel->ncol + rel->nhidden; i++) {
        const ch_attr *attr = i < rel->ncol ? &rel->cols[i] : &rel->hidden[i - rel->ncol];
        next_item(&list);
        ch_buf_printf(w->sql, "%s AS c%d", rel->u.source.exprs[i], attr->id);
    }
    end_list(&list);
    ch_buf_printf(w->sql, " FROM %s", rel->u.source.from);
    return 0;
}

static int write_no_rows(writer *w, const ch_rel *rel)
{
    item_list list = {.w = w};
    ch_buf_str(w->sql, "SELECT ");
    for (size_t i = 0; i < rel->ncol; i++) {
        next_item(&list);
        ch_buf_str(w->sql, "CAST(NULL AS ");
        ch_type_duckdb(w->sql, rel->cols[i].type);
        ch_buf_printf(w->sql, ") AS c%d", rel->cols[i].id);
    }
    end_list(&list);
    ch_buf_str(w->sql, " WHERE false");
    return 0;
}

static int write_values(writer *w, const ch_rel *rel)
{
    size_t nrow = rel->u.values.nrow;
    if (!nrow) return write_no_rows(w, rel);
    if (!rel->ncol) {
        ch_buf_printf(w->sql, "SELECT 1 AS nothing FROM range(%zu)", nrow);
        return 0;
    }
    if (nrow == 1) {
        item_list list = {.w = w};
        ch_buf_str(w->sql, "SELECT ");
        for (size_t j = 0; j < rel->ncol; j++) CH_TRY(item_expr(&list, rel->u.values.rows[0][j], rel->cols[j].id));
        return 0;
    }
    ch_buf_str(w->sql, "SELECT ");
    write_columns(w, rel, false);
    ch_buf_str(w->sql, " FROM (VALUES ");
    for (size_t i = 0; i < nrow; i++) {
        for (size_t j = 0; j < rel->ncol; j++) {
            ch_buf_str(w->sql, j ? ", " : i ? "), (" : "(");
            CH_TRY(ch_write_expr(w->sql, rel->u.values.rows[i][j], w->err));
        }
    }
    ch_buf_str(w->sql, ")) AS v_(");
    write_columns(w, rel, false);
    ch_buf_char(w->sql, ')');
    return 0;
}

/* --- aggregates and distinct rows ------------------------------------------------------------------------------------
 */

/* A key of grouping sets is a column of its own below, since it is null in some results but not for aggregates. */
static int write_set_keys(writer *w, const ch_rel *rel)
{
    ch_buf_str(w->sql, " FROM (SELECT *");
    for (size_t i = 0; i < rel->u.aggregate.nkey; i++) {
        ch_buf_str(w->sql, ", ");
        CH_TRY(ch_write_expr(w->sql, rel->u.aggregate.keys[i], w->err));
        ch_buf_printf(w->sql, " AS g%d", rel->cols[i].id);
    }
    ch_buf_str(w->sql, " FROM ");
    CH_TRY(write_from(w, rel->input));
    ch_buf_str(w->sql, ") GROUP BY GROUPING SETS (");
    for (size_t i = 0; i < rel->u.aggregate.nset; i++) {
        ch_buf_str(w->sql, i ? ", (" : "(");
        for (size_t j = 0; j < rel->u.aggregate.set_size[i]; j++) {
            ch_buf_printf(w->sql, "%sg%d", j ? ", " : "", rel->cols[rel->u.aggregate.sets[i][j]].id);
        }
        ch_buf_char(w->sql, ')');
    }
    /* Spark gives no grand total of no rows */
    ch_buf_str(w->sql, ") HAVING count(*) > 0");
    return 0;
}

static void write_grouping_id(writer *w, const ch_rel *rel)
{
    if (!rel->u.aggregate.nkey) {
        ch_buf_str(w->sql, "CAST(0 AS BIGINT)");
        return;
    }
    ch_buf_str(w->sql, "CAST(GROUPING_ID(");
    for (size_t i = 0; i < rel->u.aggregate.nkey; i++) {
        ch_buf_printf(w->sql, "%sg%d", i ? ", " : "", rel->cols[i].id);
    }
    ch_buf_str(w->sql, ") AS BIGINT)");
}

static int write_aggregate(writer *w, const ch_rel *rel)
{
    size_t nkey = rel->u.aggregate.nkey, at = 0;
    bool sets = rel->u.aggregate.nset > 0;
    item_list list = {.w = w};
    ch_buf_str(w->sql, "SELECT ");
    for (size_t i = 0; i < rel->ncol; i++) {
        int id = rel->cols[i].id;
        if (i < nkey && !sets) {
            CH_TRY(item_expr(&list, rel->u.aggregate.keys[i], id));
        } else if (i >= nkey && id != rel->u.aggregate.grouping_id) {
            CH_TRY(item_expr(&list, rel->u.aggregate.aggs[at++], id));
        } else {
            next_item(&list);
            if (i < nkey) {
                ch_buf_printf(w->sql, "g%d", id);
            } else {
                write_grouping_id(w, rel);
            }
            ch_buf_printf(w->sql, " AS c%d", id);
        }
    }
    if (!list.n) ch_buf_str(w->sql, "count(*) AS nothing"); /* still one row */
    if (sets) return write_set_keys(w, rel);
    ch_buf_str(w->sql, " FROM ");
    const ch_rel *input = rel->input;
    while (input->kind == CH_REL_FILTER) input = input->input;
    CH_TRY(write_from(w, input));
    CH_TRY(write_filters(w, rel->input, input));
    for (size_t i = 0; i < nkey; i++) ch_buf_printf(w->sql, "%s%zu", i ? ", " : " GROUP BY ", i + 1);
    return 0;
}

static bool is_distinct_key(const ch_rel *rel, int id)
{
    for (size_t i = 0; i < rel->u.distinct.nkey; i++) {
        if (rel->u.distinct.keys[i] == id) return true;
    }
    return false;
}

/* The first row of each key. All that is not key travels in one struct, so that it comes from one row. */
static int write_first_rows(writer *w, const ch_rel *rel, bool with_hidden)
{
    bool ordered = rel->input->ordered;
    size_t n = rel->ncol + (with_hidden ? rel->nhidden : 0);
    id_map seen = id_map_for(w->arena, n);
    ch_buf rest = {0};
    item_list list = {.w = w};
    ch_buf_str(w->sql, "SELECT ");
    for (size_t i = 0; i < n; i++) {
        int id = i < rel->ncol ? rel->cols[i].id : rel->hidden[i - rel->ncol].id;
        id_entry *entry = id_find(&seen, id);
        bool again = entry->id != 0;
        if (again && with_hidden) continue;
        entry->id = id;
        next_item(&list);
        if (is_distinct_key(rel, id)) {
            ch_buf_printf(w->sql, "c%d", id);
        } else {
            ch_buf_printf(w->sql, "x_.c%d AS c%d", id, id);
            if (!again) ch_buf_printf(&rest, "%sc%d := c%d", rest.len ? ", " : "", id, id);
        }
    }
    end_list(&list);
    ch_buf_str(w->sql, " FROM (SELECT ");
    for (size_t i = 0; i < rel->u.distinct.nkey; i++) ch_buf_printf(w->sql, "c%d, ", rel->u.distinct.keys[i]);
    if (rest.len)
        ch_buf_printf(w->sql, ordered ? "arg_min(struct_pack(%s), r_) AS x_, " : "any_value(struct_pack(%s)) AS x_, ",
                      rest.data);
    ch_buf_reset(&rest);
    ch_buf_printf(w->sql, "min(r_) AS r_ FROM (SELECT *, %s AS r_ FROM ", ordered ? "row_number() OVER ()" : "0");
    CH_TRY(write_from(w, rel->input));
    ch_buf_char(w->sql, ')');
    for (size_t i = 0; i < rel->u.distinct.nkey; i++) ch_buf_printf(w->sql, "%s%zu", i ? ", " : " GROUP BY ", i + 1);
    ch_buf_str(w->sql, ordered ? ") ORDER BY r_" : ")");
    return 0;
}

static int write_distinct(writer *w, const ch_rel *rel, bool with_hidden)
{
    if (rel->u.distinct.nkey) return write_first_rows(w, rel, with_hidden);
    if (!rel->ncol) {
        ch_buf_str(w->sql, "SELECT 1 AS nothing FROM ");
        CH_TRY(write_from(w, rel->input));
        ch_buf_str(w->sql, " LIMIT 1");
        return 0;
    }
    ch_buf_str(w->sql, "SELECT DISTINCT ");
    write_columns(w, rel, with_hidden);
    ch_buf_str(w->sql, " FROM ");
    return write_from(w, rel->input);
}

/* --- joins, set operations, generators
 * -------------------------------------------------------------------------------- */

static const char *const JOINS[] = {
    [CH_JOIN_INNER] = "JOIN",       [CH_JOIN_FULL] = "FULL JOIN", [CH_JOIN_LEFT] = "LEFT JOIN",
    [CH_JOIN_RIGHT] = "RIGHT JOIN", [CH_JOIN_SEMI] = "SEMI JOIN", [CH_JOIN_ANTI] = "ANTI JOIN",
    [CH_JOIN_CROSS] = "JOIN",
};

static int write_sides(writer *w, const ch_rel *rel)
{
    CH_TRY(write_from(w, rel->input));
    ch_buf_printf(w->sql, " %s ", JOINS[rel->u.join.kind]);
    if (rel->u.join.lateral) {
        ch_buf_str(w->sql, "LATERAL (");
        CH_TRY(write_select(w, rel->right, true));
        ch_buf_char(w->sql, ')');
    } else {
        bool group = rel->right->kind == CH_REL_JOIN;
        if (group) ch_buf_char(w->sql, '(');
        CH_TRY(write_from(w, rel->right));
        if (group) ch_buf_char(w->sql, ')');
    }
    ch_buf_str(w->sql, " ON ");
    if (!rel->u.join.condition) {
        ch_buf_str(w->sql, "true");
        return 0;
    }
    ch_buf_char(w->sql, '(');
    CH_TRY(ch_write_expr(w->sql, rel->u.join.condition, w->err));
    ch_buf_char(w->sql, ')');
    return 0;
}

static int write_join(writer *w, const ch_rel *rel)
{
    bool before = w->unordered;
    w->unordered = true;
    int status = write_sides(w, rel);
    w->unordered = before;
    return status;
}

static bool is_union_all(const ch_rel *rel)
{
    return rel->kind == CH_REL_SET_OP && rel->u.set_op.kind == CH_SET_UNION && rel->u.set_op.all;
}

/* A side of a set operation: its exact list of columns, whose places count. */
static int write_operand(writer *w, const ch_rel *rel)
{
    ch_buf_char(w->sql, '(');
    CH_TRY(write_select(w, rel, false));
    ch_buf_char(w->sql, ')');
    return 0;
}

/* Chains of UNION ALL are written flat: they may be thousands long. */
static int write_operands(writer *w, const ch_rel *rel)
{
    const ch_rel *first = rel;
    size_t n = 1;
    while (is_union_all(rel) && is_union_all(first->input)) {
        first = first->input;
        n++;
    }
    static const char *const NAMES[] = {"UNION", "INTERSECT", "EXCEPT"};
    const ch_rel **chain = CH_NEW_ARRAY(w->arena, const ch_rel *, n);
    for (const ch_rel *r = rel; n-- > 0; r = r->input) chain[n] = r;
    CH_TRY(write_operand(w, first->input));
    for (size_t i = 0;; i++) {
        ch_buf_printf(w->sql, " %s%s ", NAMES[rel->u.set_op.kind], rel->u.set_op.all ? " ALL" : "");
        CH_TRY(write_operand(w, chain[i]->right));
        if (chain[i] == rel) return 0;
    }
}

static int write_set_op(writer *w, const ch_rel *rel)
{
    if (!rel->ncol)
        return ch_raise(w->err, "UNSUPPORTED_FEATURE", "feature", "set operations of no columns", (char *)NULL);
    ch_buf_str(w->sql, "SELECT ");
    write_columns(w, rel, false);
    ch_buf_str(w->sql, " FROM (");
    CH_TRY(write_operands(w, rel));
    ch_buf_str(w->sql, ") AS s_(");
    write_columns(w, rel, false);
    ch_buf_char(w->sql, ')');
    return 0;
}

/* What unnest takes: the array (or a map's entries), for the outer forms never empty. */
static void write_unnested(writer *w, const ch_rel *rel, const char *elements)
{
    if (rel->u.generate.outer) {
        const char *size = rel->u.generate.array->type->kind == CH_MAP ? "cardinality" : "len";
        ch_buf_printf(w->sql, "unnest(CASE WHEN %s(a_) > 0 THEN %s ELSE [NULL] END)", size, elements);
    } else {
        ch_buf_printf(w->sql, "unnest(%s)", elements);
    }
}

static int write_generate(writer *w, const ch_rel *rel, bool with_hidden)
{
    size_t nout = rel->u.generate.nout, nin = rel->ncol - nout;
    bool map = rel->u.generate.array->type->kind == CH_MAP, position = rel->u.generate.position;
    item_list list = {.w = w};
    id_map seen = id_map_for(w->arena, rel->ncol + rel->nhidden);
    ch_buf_str(w->sql, "SELECT ");
    for (size_t i = 0; i < nin + (with_hidden ? rel->nhidden : 0); i++) {
        int id = i < nin ? rel->cols[i].id : rel->hidden[i - nin].id;
        id_entry *entry = id_find(&seen, id);
        if (entry->id && with_hidden) continue;
        entry->id = id;
        item_column(&list, id);
    }
    for (size_t i = 0; i < nout; i++) {
        int id = rel->cols[nin + i].id;
        next_item(&list);
        if (i == 0 && position) {
            ch_buf_printf(w->sql, "CAST(p_ AS INTEGER) AS c%d", id);
        } else if (rel->u.generate.spread) {
            ch_buf_printf(w->sql, "struct_extract_at(u_, %zu) AS c%d", i + 1 - position, id);
        } else {
            ch_buf_printf(w->sql, "u_ AS c%d", id);
        }
    }
    ch_buf_str(w->sql, " FROM (SELECT *, ");
    write_unnested(w, rel, map ? "map_entries(a_)" : "a_");
    ch_buf_str(w->sql, " AS u_");
    if (position) {
        ch_buf_str(w->sql, ", ");
        write_unnested(w, rel, map ? "range(cardinality(a_)::BIGINT)" : "range(len(a_))");
        ch_buf_str(w->sql, " AS p_");
    }
    ch_buf_str(w->sql, " FROM (SELECT *, ");
    CH_TRY(ch_write_expr(w->sql, rel->u.generate.array, w->err));
    ch_buf_str(w->sql, " AS a_ FROM ");
    CH_TRY(write_from(w, rel->input));
    ch_buf_str(w->sql, "))");
    return 0;
}

static int write_row_number(writer *w, const ch_rel *rel, bool with_hidden)
{
    ch_buf_str(w->sql, "SELECT ");
    ch_rel shown = *rel;
    shown.ncol--; /* the number itself is the last column */
    write_columns(w, &shown, with_hidden);
    ch_buf_printf(w->sql, ", row_number() OVER () - 1 AS c%d FROM ", rel->u.row_number_id);
    return write_from(w, rel->input);
}

/* --- all
 * --------------------------------------------------------------------------------------------------------------- */

static int write_joined(writer *w, const ch_rel *rel, bool with_hidden)
{
    ch_buf_str(w->sql, "SELECT ");
    write_columns(w, rel, with_hidden);
    ch_buf_str(w->sql, " FROM ");
    return write_join(w, rel);
}

/* Does the order of an input's rows mean nothing to what this relation makes of them? */
static bool forgets_order(const ch_rel *rel)
{
    switch (rel->kind) {
    case CH_REL_AGGREGATE: return rel->input->kind != CH_REL_ROW_NUMBER;
    case CH_REL_JOIN: return true;
    case CH_REL_SORT: return true;
    case CH_REL_SET_OP: return !is_union_all(rel);
    case CH_REL_DISTINCT: return rel->u.distinct.nkey == 0;
    default: return false;
    }
}

/* Does it mean something, whatever is above? */
static bool needs_order(const ch_rel *rel)
{
    return rel->kind == CH_REL_ROW_NUMBER || rel->kind == CH_REL_LIMIT || rel->kind == CH_REL_DISTINCT;
}

static int write_kind(writer *w, const ch_rel *rel, bool with_hidden);

static int write_select(writer *w, const ch_rel *rel, bool with_hidden)
{
    bool before = w->unordered;
    if (forgets_order(rel)) {
        w->unordered = true;
    } else if (needs_order(rel)) {
        w->unordered = false;
    }
    int status = write_kind(w, rel, with_hidden);
    w->unordered = before;
    return status;
}

static int write_kind(writer *w, const ch_rel *rel, bool with_hidden)
{
    switch (rel->kind) {
    case CH_REL_SOURCE: return write_source(w, rel);
    case CH_REL_VALUES: return write_values(w, rel);
    case CH_REL_PROJECT:
    case CH_REL_FILTER:
    case CH_REL_SORT: return write_block(w, rel, with_hidden);
    case CH_REL_LIMIT: return rel->u.limit.tail ? write_tail(w, rel, with_hidden) : write_block(w, rel, with_hidden);
    case CH_REL_AGGREGATE: return write_aggregate(w, rel);
    case CH_REL_JOIN: return write_joined(w, rel, with_hidden);
    case CH_REL_SET_OP: return write_set_op(w, rel);
    case CH_REL_DISTINCT: return write_distinct(w, rel, with_hidden);
    case CH_REL_ROW_NUMBER: return write_row_number(w, rel, with_hidden);
    case CH_REL_GENERATE: return write_generate(w, rel, with_hidden);
    }
    return ch_bug(w->err, "a relation of kind %d", (int)rel->kind);
}

/* Does a projection only pass columns of its input on? Then FROM may show the input itself. */
static bool is_transparent(const ch_rel *rel)
{
    if (rel->kind != CH_REL_PROJECT) return false;
    for (size_t i = 0; i < rel->ncol; i++) {
        const ch_expr *e = rel->u.exprs[i];
        if (e->kind != CH_EX_COLUMN || e->u.column.id != rel->cols[i].id) return false;
    }
    return true;
}

/* May the relation be left out where at least its columns are wanted? */
static bool can_skip(const writer *w, const ch_rel *rel)
{
    return is_transparent(rel) || (rel->kind == CH_REL_SORT && rel->u.sort.implicit && w->unordered);
}

/* A FROM item that shows at least the relation's columns, hidden ones too. */
static int write_from(writer *w, const ch_rel *rel)
{
    while (can_skip(w, rel)) rel = rel->input;
    if (rel->kind == CH_REL_JOIN) return write_join(w, rel);
    ch_buf_char(w->sql, '(');
    CH_TRY(write_select(w, rel, true));
    ch_buf_char(w->sql, ')');
    return 0;
}

static int write_whole(ch_buf *sql, const ch_rel *rel, bool with_hidden, ch_error *err)
{
    writer w = {.sql = sql, .arena = ch_arena_new(), .err = err};
    int status = write_select(&w, rel, with_hidden);
    ch_arena_free(w.arena);
    return status;
}

int ch_write_rel(ch_buf *sql, const ch_rel *rel, ch_error *err)
{
    return write_whole(sql, rel, false, err);
}

int ch_write_rel_inner(ch_buf *sql, const ch_rel *rel, ch_error *err)
{
    return write_whole(sql, rel, true, err);
}
