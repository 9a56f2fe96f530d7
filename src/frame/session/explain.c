/* explain.c: df.explain(): the tree of relations in the look of Spark's plans. */
#include "frame/analyze/analyze_internal.h"
#include "frame/engine/query.h"
#include "frame/session/session_internal.h"

#include <inttypes.h>
#include <string.h>

enum { FIELDS_SHOWN = 25, DEPTH_SHOWN = 1000 };

typedef struct explainer {
    ch_arena *arena;
    ch_buf *out;
} explainer;

static void add_attr(explainer *x, const ch_attr *attr)
{
    const char *name = strcmp(attr->name, CH_NO_NAME) == 0 ? "_" : attr->name;
    ch_buf_printf(x->out, "%s#%d%s", name, attr->id, attr->type->kind == CH_LONG ? "L" : "");
}

/* Gives columns that have no name of the user's one to be read: that of the aggregate they hold, or "_". */
typedef struct naming {
    explainer *x;
    const ch_rel *input;
} naming;

static ch_expr *give_name(void *ctx, ch_expr *e)
{
    const naming *n = ctx;
    if (e->kind != CH_EX_COLUMN || strcmp(e->u.column.name, CH_NO_NAME) != 0) return NULL;
    ch_expr *copy = ch_arena_dup(n->x->arena, e, sizeof *e);
    const ch_rel *in = n->input;
    copy->u.column.name = "_";
    if (!in || in->kind != CH_REL_AGGREGATE) return copy;
    size_t at = 0;
    for (size_t i = in->u.aggregate.nkey; i < in->ncol; i++) {
        bool id = in->cols[i].id == in->u.aggregate.grouping_id;
        if (in->cols[i].id == e->u.column.id) {
            copy->u.column.name = id ? "grouping_id()" : ch_auto_name(n->x->arena, in->u.aggregate.aggs[at]);
        }
        at += !id;
    }
    return copy;
}

static void add_text(explainer *x, const ch_rel *rel, ch_expr *e)
{
    naming n = {.x = x, .input = rel->input};
    ch_buf_str(x->out, ch_auto_name(x->arena, ch_expr_rewrite(x->arena, e, give_name, &n)));
}

/* "[a#1, b#2L, ... 3 more fields]" */
static void add_list(explainer *x, size_t n, void (*item)(explainer *x, const ch_rel *rel, size_t i), const ch_rel *rel)
{
    ch_buf_char(x->out, '[');
    size_t shown = n > FIELDS_SHOWN ? FIELDS_SHOWN - 1 : n;
    for (size_t i = 0; i < shown; i++) {
        if (i) ch_buf_str(x->out, ", ");
        item(x, rel, i);
    }
    if (n > shown) ch_buf_printf(x->out, ", ... %zu more fields", n - shown);
    ch_buf_char(x->out, ']');
}

static void projected(explainer *x, const ch_rel *rel, size_t i)
{
    ch_expr *e = rel->u.exprs[i];
    if (e->kind != CH_EX_COLUMN || e->u.column.id != rel->cols[i].id) {
        add_text(x, rel, e);
        ch_buf_str(x->out, " AS ");
    }
    add_attr(x, &rel->cols[i]);
}

static void column(explainer *x, const ch_rel *rel, size_t i)
{
    add_attr(x, &rel->cols[i]);
}

static void group_key(explainer *x, const ch_rel *rel, size_t i)
{
    add_attr(x, &rel->cols[i]);
}

static void aggregate(explainer *x, const ch_rel *rel, size_t i)
{
    add_text(x, rel, rel->u.aggregate.aggs[i]);
}

static void order(explainer *x, const ch_rel *rel, size_t i)
{
    const ch_order *o = &rel->u.sort.orders[i];
    add_text(x, rel, o->expr);
    ch_buf_printf(x->out, " %s NULLS %s", o->descending ? "DESC" : "ASC", o->nulls_last ? "LAST" : "FIRST");
}

static void distinct_key(explainer *x, const ch_rel *rel, size_t i)
{
    add_attr(x, ch_attr_find(rel->input, rel->u.distinct.keys[i]));
}

/* The sort's last key may be the row's position, which is no business of the user's. */
static size_t orders_shown(const ch_rel *rel)
{
    size_t n = rel->u.sort.n;
    if (!n) return 0;
    const ch_expr *last = rel->u.sort.orders[n - 1].expr;
    return last->kind == CH_EX_COLUMN && strcmp(last->u.column.name, CH_NO_NAME) == 0 ? n - 1 : n;
}

static const char *const JOIN_NAMES[] = {
    [CH_JOIN_INNER] = "Inner",      [CH_JOIN_FULL] = "FullOuter", [CH_JOIN_LEFT] = "LeftOuter",
    [CH_JOIN_RIGHT] = "RightOuter", [CH_JOIN_SEMI] = "LeftSemi",  [CH_JOIN_ANTI] = "LeftAnti",
    [CH_JOIN_CROSS] = "Cross",
};

static void add_aggregate(explainer *x, const ch_rel *rel)
{
    ch_buf_str(x->out, "HashAggregate(keys=");
    add_list(x, rel->u.aggregate.nkey, group_key, rel);
    ch_buf_str(x->out, ", functions=");
    add_list(x, rel->u.aggregate.nagg, aggregate, rel);
    ch_buf_char(x->out, ')');
    if (rel->u.aggregate.nset) ch_buf_printf(x->out, ", %zu grouping sets", rel->u.aggregate.nset);
}

static void add_node(explainer *x, const ch_rel *rel)
{
    switch (rel->kind) {
    case CH_REL_SOURCE:
        ch_buf_printf(x->out, "%s ", rel->u.source.shown ? rel->u.source.shown : "Scan");
        add_list(x, rel->ncol, column, rel);
        break;
    case CH_REL_VALUES:
        ch_buf_str(x->out, "LocalTableScan ");
        add_list(x, rel->ncol, column, rel);
        break;
    case CH_REL_PROJECT:
        ch_buf_str(x->out, "Project ");
        add_list(x, rel->ncol, projected, rel);
        break;
    case CH_REL_FILTER:
        ch_buf_str(x->out, "Filter ");
        add_text(x, rel, rel->u.condition);
        break;
    case CH_REL_AGGREGATE: add_aggregate(x, rel); break;
    case CH_REL_JOIN:
        ch_buf_printf(x->out, "%s %s", rel->u.join.condition ? "HashJoin" : "CartesianProduct",
                      JOIN_NAMES[rel->u.join.kind]);
        if (rel->u.join.condition) ch_buf_str(x->out, ", ");
        if (rel->u.join.condition) add_text(x, rel, rel->u.join.condition);
        break;
    case CH_REL_SET_OP: {
        static const char *const NAMES[] = {"Union", "Intersect", "Except"};
        ch_buf_str(x->out, NAMES[rel->u.set_op.kind]);
        if (rel->u.set_op.all && rel->u.set_op.kind != CH_SET_UNION) ch_buf_str(x->out, " All");
        break;
    }
    case CH_REL_SORT:
        ch_buf_str(x->out, "Sort ");
        add_list(x, orders_shown(rel), order, rel);
        ch_buf_str(x->out, ", true, 0");
        break;
    case CH_REL_LIMIT:
        if (rel->u.limit.limit >= 0) {
            ch_buf_printf(x->out, "%s %" PRId64, rel->u.limit.tail ? "CollectTail" : "CollectLimit",
                          rel->u.limit.limit);
        }
        if (rel->u.limit.offset > 0) ch_buf_printf(x->out, "Offset %" PRId64, rel->u.limit.offset);
        break;
    case CH_REL_DISTINCT:
        ch_buf_str(x->out, "Deduplicate ");
        if (rel->u.distinct.nkey) {
            add_list(x, rel->u.distinct.nkey, distinct_key, rel);
        } else {
            add_list(x, rel->ncol, column, rel);
        }
        break;
    case CH_REL_ROW_NUMBER: ch_buf_str(x->out, "RowNumber"); break;
    case CH_REL_GENERATE:
        ch_buf_printf(x->out, "Generate %sexplode%s(", rel->u.generate.position ? "pos" : "",
                      rel->u.generate.outer ? "_outer" : "");
        add_text(x, rel, rel->u.generate.array);
        ch_buf_char(x->out, ')');
        break;
    }
}

/* Positions are numbered for our own purposes; a tree for people is clearer without. */
static const ch_rel *shown_of(const ch_rel *rel)
{
    while (rel->kind == CH_REL_ROW_NUMBER) rel = rel->input;
    return rel;
}

/* `indent` holds the prefix of the lines below this node; it is restored. */
static void add_tree(explainer *x, const ch_rel *rel, ch_buf *indent, const char *mark, int depth)
{
    rel = shown_of(rel);
    ch_buf_printf(x->out, "%s%s", ch_buf_text(indent), mark);
    if (depth > DEPTH_SHOWN) {
        ch_buf_str(x->out, "...\n");
        return;
    }
    add_node(x, rel);
    ch_buf_char(x->out, '\n');
    size_t before = indent->len;
    if (*mark) ch_buf_str(indent, *mark == ':' ? ":  " : "   ");
    if (rel->input) add_tree(x, rel->input, indent, rel->right ? ":- " : "+- ", depth + 1);
    if (rel->right) add_tree(x, rel->right, indent, "+- ", depth + 1);
    indent->len = before;
    if (indent->data) indent->data[before] = '\0';
}

void ch_explain_tree(const ch_rel *rel, ch_buf *out)
{
    explainer x = {.arena = ch_arena_new(), .out = out};
    ch_buf indent = {0};
    add_tree(&x, rel, &indent, "", 0);
    ch_buf_reset(&indent);
    ch_arena_free(x.arena);
}

static void add_plan(explainer *x, const char *title, const ch_rel *rel)
{
    ch_buf indent = {0};
    ch_buf_printf(x->out, "== %s ==\n", title);
    add_tree(x, rel, &indent, "", 0);
    ch_buf_char(x->out, '\n');
    ch_buf_reset(&indent);
}

static void add_schema_line(explainer *x, const ch_rel *rel)
{
    for (size_t i = 0; i < rel->ncol; i++) {
        ch_buf_printf(x->out, "%s%s: ", i ? ", " : "", rel->cols[i].name);
        ch_type_simple(x->out, rel->cols[i].type);
    }
    ch_buf_char(x->out, '\n');
}

int ch_query_explain(ch_query *q, const char *mode, ch_buf *out, ch_error *err)
{
    static const char *const MODES[] = {"simple", "extended", "codegen", "cost", "formatted"};
    bool known = false;
    for (size_t i = 0; i < sizeof MODES / sizeof *MODES; i++) known |= strcasecmp(mode, MODES[i]) == 0;
    if (!known) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "Unknown explain mode: %s. Accepted explain modes are 'simple', 'extended', 'codegen', 'cost', "
                        "'formatted'.",
                        mode);
    }
    explainer x = {.arena = ch_arena_new(), .out = out};
    ch_rel *rel = ch_query_rel(q), *run = NULL;
    bool extended = strcasecmp(mode, "extended") == 0;
    if (extended) {
        add_plan(&x, "Parsed Logical Plan", rel);
        ch_buf_str(out, "== Analyzed Logical Plan ==\n");
        add_schema_line(&x, rel);
        ch_buf indent = {0};
        add_tree(&x, rel, &indent, "", 0);
        ch_buf_char(out, '\n');
        ch_buf_reset(&indent);
    }
    if (extended || strcasecmp(mode, "cost") == 0) add_plan(&x, "Optimized Logical Plan", rel);
    int status = ch_query_shown(q, &run, err);
    if (!status) add_plan(&x, "Physical Plan", run);
    if (!status && (extended || strcasecmp(mode, "formatted") == 0)) {
        ch_buf_printf(out, "== Engine SQL ==\n%s\n", ch_query_sql(q));
    }
    ch_arena_free(x.arena);
    return status;
}
