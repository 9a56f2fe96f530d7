/* Analysis and running of plans: expected rows, schemas and error conditions are those of real Spark 4.1 given the same
 * DataFrame operations (one partition), unless a comment says otherwise. */
#include "frame_testing.h"

#include "frame/analyze/rel.h"
#include "frame/engine/engine.h"

#include <pthread.h>
#include <time.h>

/* --- builders beyond frame_testing.h --- */

static ch_plan *numbered(ch_plan *plan, int64_t plan_id)
{
    plan->plan_id = plan_id;
    return plan;
}

/* a(k, v): (1,x) (2,y) as DataFrame 1; b(k, v): (1,z) (3,w) as DataFrame 2. */
static ch_plan *df_a(frame_world *w)
{
    return numbered(sql_plan(w, "select 1 as k, 'x' as v union all select 2, 'y'"), 1);
}

static ch_plan *df_b(frame_world *w)
{
    return numbered(sql_plan(w, "select 1 as k, 'z' as v union all select 3, 'w'"), 2);
}

static ch_expr *col_of(frame_world *w, const char *name, int64_t plan_id)
{
    ch_expr *e = ch_expr_name(w->arena, name);
    e->u.name.plan_id = plan_id;
    return e;
}

static ch_plan *select_exprs(frame_world *w, ch_plan *input, size_t n, ...)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_PROJECT, input);
    plan->u.project.n = n;
    plan->u.project.exprs = CH_NEW_ARRAY(w->arena, ch_expr *, n);
    va_list args;
    va_start(args, n);
    for (size_t i = 0; i < n; i++) plan->u.project.exprs[i] = va_arg(args, ch_expr *);
    va_end(args);
    return plan;
}

static ch_plan *join_plan(frame_world *w, ch_plan *left, ch_plan *right, ch_join_kind kind, ch_expr *condition)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_JOIN, left);
    plan->right = right;
    plan->u.join.kind = kind;
    plan->u.join.condition = condition;
    return plan;
}

static ch_plan *using_plan(frame_world *w, ch_plan *left, ch_plan *right, ch_join_kind kind, const char *column)
{
    ch_plan *plan = join_plan(w, left, right, kind, NULL);
    plan->u.join.nusing = 1;
    plan->u.join.using_columns = CH_NEW_ARRAY(w->arena, const char *, 1);
    plan->u.join.using_columns[0] = column;
    return plan;
}

static ch_plan *group_plan(frame_world *w, ch_plan *input, ch_group_kind kind, const char *group, size_t nagg, ...)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_AGGREGATE, input);
    plan->u.aggregate.kind = kind;
    plan->u.aggregate.ngroup = group != NULL;
    plan->u.aggregate.groups = CH_NEW_ARRAY(w->arena, ch_expr *, 1);
    if (group) plan->u.aggregate.groups[0] = text_expr(w, group);
    plan->u.aggregate.nagg = nagg;
    plan->u.aggregate.aggs = CH_NEW_ARRAY(w->arena, ch_expr *, nagg);
    va_list args;
    va_start(args, nagg);
    for (size_t i = 0; i < nagg; i++) plan->u.aggregate.aggs[i] = text_expr(w, va_arg(args, const char *));
    va_end(args);
    return plan;
}

static ch_plan *alias_plan(frame_world *w, ch_plan *input, const char *name)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_ALIAS, input);
    plan->u.alias.nparts = 1;
    plan->u.alias.parts = CH_NEW_ARRAY(w->arena, const char *, 1);
    plan->u.alias.parts[0] = name;
    return plan;
}

static ch_plan *names_plan(frame_world *w, ch_plan_kind kind, ch_plan *input, size_t n, ...)
{
    ch_plan *plan = ch_plan_new(w->arena, kind, input);
    plan->u.names.n = n;
    plan->u.names.names = CH_NEW_ARRAY(w->arena, const char *, n);
    va_list args;
    va_start(args, n);
    for (size_t i = 0; i < n; i++) plan->u.names.names[i] = va_arg(args, const char *);
    va_end(args);
    return plan;
}

static ch_plan *rename_plan(frame_world *w, ch_plan *input, size_t n, ...)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_RENAME, input);
    plan->u.rename.n = n;
    plan->u.rename.from = CH_NEW_ARRAY(w->arena, const char *, n);
    plan->u.rename.to = CH_NEW_ARRAY(w->arena, const char *, n);
    va_list args;
    va_start(args, n);
    for (size_t i = 0; i < n; i++) {
        plan->u.rename.from[i] = va_arg(args, const char *);
        plan->u.rename.to[i] = va_arg(args, const char *);
    }
    va_end(args);
    return plan;
}

static ch_plan *drop_plan(frame_world *w, ch_plan *input, const char *name, ch_expr *column)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_DROP, input);
    plan->u.drop.nname = name != NULL;
    plan->u.drop.ncol = column != NULL;
    plan->u.drop.names = CH_NEW_ARRAY(w->arena, const char *, 1);
    plan->u.drop.cols = CH_NEW_ARRAY(w->arena, ch_expr *, 1);
    plan->u.drop.names[0] = name;
    plan->u.drop.cols[0] = column;
    return plan;
}

static ch_plan *set_plan(frame_world *w, ch_plan *left, ch_plan *right, ch_set_kind kind, bool all)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_SET_OP, left);
    plan->right = right;
    plan->u.set_op.kind = kind;
    plan->u.set_op.all = all;
    return plan;
}

static ch_plan *by_name_plan(frame_world *w, ch_plan *left, ch_plan *right, bool allow_missing)
{
    ch_plan *plan = set_plan(w, left, right, CH_SET_UNION, true);
    plan->u.set_op.by_name = true;
    plan->u.set_op.allow_missing = allow_missing;
    return plan;
}

static ch_plan *sample_plan(frame_world *w, ch_plan *input, double lower, double upper, bool replace, int64_t seed)
{
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_SAMPLE, input);
    plan->u.sample.lower = lower;
    plan->u.sample.upper = upper;
    plan->u.sample.with_replacement = replace;
    plan->u.sample.has_seed = true;
    plan->u.sample.seed = seed;
    return plan;
}

#define EXPECT_ROWS(plan, text)   assert_string_equal(rows_of(w, plan), text)
#define EXPECT_SCHEMA(plan, text) assert_string_equal(schema_of(w, plan), text)

/* --- simple kinds --- */

static void test_rows_keep_their_order(void **state)
{
    frame_world *w = *state;
    ch_plan *r = range_plan(w, 0, 10, 1);
    EXPECT_ROWS(r, "0;1;2;3;4;5;6;7;8;9");
    EXPECT_SCHEMA(r, "id BIGINT NOT NULL");
    EXPECT_ROWS(range_plan(w, 10, 0, -3), "10;7;4;1");
    EXPECT_ROWS(filter_plan(w, r, "id > 5"), "6;7;8;9");
    EXPECT_ROWS(count_plan(w, CH_PLAN_LIMIT, r, 3), "0;1;2");
    EXPECT_ROWS(count_plan(w, CH_PLAN_OFFSET, r, 8), "8;9");
    EXPECT_ROWS(count_plan(w, CH_PLAN_TAIL, r, 2), "8;9");
    EXPECT_ROWS(count_plan(w, CH_PLAN_LIMIT, count_plan(w, CH_PLAN_OFFSET, r, 3), 2), "3;4");
    EXPECT_ROWS(count_plan(w, CH_PLAN_OFFSET, count_plan(w, CH_PLAN_LIMIT, r, 5), 3), "3;4");
    EXPECT_ROWS(count_plan(w, CH_PLAN_LIMIT, r, -1), "!INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE");
    EXPECT_ROWS(range_plan(w, 0, 5, 0), "!requirement failed: step (0) cannot be 0");
    /* ties of a sort stay as they were */
    EXPECT_ROWS(sort_plan(w, select_plan(w, r, 2, "id % 3 as m", "id"), "m", false),
                "0,0;0,3;0,6;0,9;1,1;1,4;1,7;2,2;2,5;2,8");
    EXPECT_ROWS(sort_plan(w, select_plan(w, r, 2, "id % 3 as m", "id"), "m", true),
                "2,2;2,5;2,8;1,1;1,4;1,7;0,0;0,3;0,6;0,9");
}

static void test_select_and_names(void **state)
{
    frame_world *w = *state;
    EXPECT_SCHEMA(select_plan(w, df_a(w), 2, "K", "V"), "K INT NOT NULL,V STRING NOT NULL");
    EXPECT_ROWS(select_plan(w, df_a(w), 3, "k", "k", "v"), "1,1,x;2,2,y");
    EXPECT_ROWS(select_plan(w, select_plan(w, df_a(w), 2, "k", "k"), 1, "k"), "1;2");
    EXPECT_ROWS(select_plan(w, df_a(w), 1, "zz"), "!UNRESOLVED_COLUMN.WITH_SUGGESTION");
    EXPECT_ROWS(select_plan(w, select_plan(w, df_a(w), 1, "v"), 1, "k"), "!UNRESOLVED_COLUMN.WITH_SUGGESTION");
    EXPECT_SCHEMA(with_column(w, df_a(w), "K", "0"), "K INT NOT NULL,v STRING NOT NULL");
    EXPECT_ROWS(with_column(w, df_a(w), "z", "concat(v, '!')"), "1,x,x!;2,y,y!");
    EXPECT_ROWS(with_column(w, df_a(w), "z", "max(k)"), "!MISSING_GROUP_BY");
    EXPECT_SCHEMA(rename_plan(w, df_a(w), 2, "k", "v2", "v2", "q"), "q INT NOT NULL,v STRING NOT NULL");
    EXPECT_SCHEMA(rename_plan(w, df_a(w), 1, "nope", "q"), "k INT NOT NULL,v STRING NOT NULL");
    EXPECT_SCHEMA(rename_plan(w, df_a(w), 1, "k", "v"), "v INT NOT NULL,v STRING NOT NULL");
    EXPECT_SCHEMA(drop_plan(w, df_a(w), "K", NULL), "v STRING NOT NULL");
    EXPECT_SCHEMA(drop_plan(w, df_a(w), "nope", NULL), "k INT NOT NULL,v STRING NOT NULL");
    EXPECT_SCHEMA(drop_plan(w, df_a(w), NULL, col_of(w, "nope", -1)), "k INT NOT NULL,v STRING NOT NULL");
    EXPECT_SCHEMA(names_plan(w, CH_PLAN_TO_DF, df_a(w), 2, "q", "q"), "q INT NOT NULL,q STRING NOT NULL");
    EXPECT_SCHEMA(names_plan(w, CH_PLAN_TO_DF, df_a(w), 1, "q"), "!ASSIGNMENT_ARITY_MISMATCH");
    EXPECT_ROWS(select_plan(w, alias_plan(w, df_a(w), "t"), 2, "t.k", "t.*"), "1,1,x;2,2,y");
    EXPECT_ROWS(select_plan(w, alias_plan(w, df_a(w), "t"), 1, "t.zz"), "!UNRESOLVED_COLUMN.WITH_SUGGESTION");
    EXPECT_ROWS(select_plan(w, alias_plan(w, df_a(w), "t"), 1, "u.*"), "!CANNOT_RESOLVE_STAR_EXPAND");
}

static void test_suggestions(void **state)
{
    frame_world *w = *state;
    ch_query *q;
    ch_error err;
    ch_plan *plan = df_a(w);
    for (int i = 0; i < 9; i++) plan = with_column(w, plan, ch_arena_printf(w->arena, "c%d", i), "0");
    assert_int_equal(ch_query_open(w->session, select_plan(w, plan, 1, "z"), &q, &err), CH_E_ANALYSIS);
    assert_string_equal(err.param_value[0], "`z`");
    assert_string_equal(err.param_value[1], "`k`, `v`, `c0`, `c1`, `c2`");
    plan = select_plan(w, alias_plan(w, df_a(w), "t"), 1, "t.zz");
    assert_int_equal(ch_query_open(w->session, plan, &q, &err), CH_E_ANALYSIS);
    assert_string_equal(err.param_value[0], "`t`.`zz`");
    assert_string_equal(err.param_value[1], "`t`.`k`, `t`.`v`");
}

/* --- names by DataFrame --- */

static void test_plan_ids(void **state)
{
    frame_world *w = *state;
    EXPECT_ROWS(select_exprs(w, filter_plan(w, df_a(w), "k > 1"), 1, col_of(w, "v", 1)), "y");
    EXPECT_ROWS(select_exprs(w, df_a(w), 1, col_of(w, "v", 2)), "!CANNOT_RESOLVE_DATAFRAME_COLUMN");
    /* the column of that DataFrame is gone, its name is not: as Spark 4.0 has it */
    EXPECT_ROWS(select_exprs(w, with_column(w, df_a(w), "v", "'new'"), 1, col_of(w, "v", 1)), "new;new");
    EXPECT_ROWS(select_exprs(w, rename_plan(w, df_a(w), 1, "v", "w"), 1, col_of(w, "v", 1)),
                "!UNRESOLVED_COLUMN.WITH_SUGGESTION");
    ch_plan *grouped = sort_plan(w, group_plan(w, df_a(w), CH_GROUP_BY, "k", 1, "count(*)"), "k", false);
    EXPECT_ROWS(select_exprs(w, grouped, 1, col_of(w, "k", 1)), "1;2");
    EXPECT_ROWS(select_exprs(w, set_plan(w, df_a(w), df_b(w), CH_SET_UNION, true), 1, col_of(w, "v", 1)),
                "!CANNOT_RESOLVE_DATAFRAME_COLUMN");
    ch_expr *same = ch_expr_call(w->arena, "==", 2, col_of(w, "k", 1), col_of(w, "k", 2));
    ch_plan *joined = join_plan(w, df_a(w), df_b(w), CH_JOIN_INNER, same);
    EXPECT_ROWS(joined, "1,x,1,z");
    EXPECT_ROWS(select_exprs(w, joined, 2, col_of(w, "v", 1), col_of(w, "v", 2)), "x,z");
    EXPECT_ROWS(select_plan(w, joined, 1, "v"), "!AMBIGUOUS_REFERENCE");
    EXPECT_SCHEMA(drop_plan(w, joined, NULL, col_of(w, "v", 2)), "k INT NOT NULL,v STRING NOT NULL,k INT NOT NULL");
    EXPECT_SCHEMA(drop_plan(w, joined, "v", NULL), "k INT NOT NULL,k INT NOT NULL");
    EXPECT_ROWS(with_column(w, joined, "k", "9"), "9,x,9,z");
}

static void test_self_joins(void **state)
{
    frame_world *w = *state;
    ch_expr *both = ch_expr_call(w->arena, "==", 2, col_of(w, "k", 1), col_of(w, "k", 1));
    EXPECT_ROWS(join_plan(w, df_a(w), df_a(w), CH_JOIN_INNER, both), "!AMBIGUOUS_COLUMN_REFERENCE");
    /* a.join(a2, a.k == a2.k), a2 = a.filter(..): the one at the top wins; from above both are equally deep */
    ch_plan *a2 = numbered(filter_plan(w, df_a(w), "k > 0"), 3);
    ch_expr *same = ch_expr_call(w->arena, "==", 2, col_of(w, "k", 1), col_of(w, "k", 3));
    ch_plan *joined = join_plan(w, df_a(w), a2, CH_JOIN_INNER, same);
    EXPECT_ROWS(select_exprs(w, joined, 1, col_of(w, "v", 1)), "!AMBIGUOUS_COLUMN_REFERENCE");
    EXPECT_ROWS(sort_plan(w, select_exprs(w, joined, 1, col_of(w, "v", 3)), "v", false), "x;y");
    ch_plan *crossed = join_plan(w, alias_plan(w, df_a(w), "p"), alias_plan(w, df_a(w), "q"), CH_JOIN_INNER,
                                 text_expr(w, "p.k < q.k"));
    EXPECT_ROWS(select_plan(w, crossed, 2, "p.v", "q.v"), "x,y");
}

/* --- joins --- */

static void test_using_joins(void **state)
{
    frame_world *w = *state;
    EXPECT_ROWS(using_plan(w, df_a(w), df_b(w), CH_JOIN_INNER, "k"), "1,x,z");
    ch_plan *left = using_plan(w, df_a(w), df_b(w), CH_JOIN_LEFT, "k");
    EXPECT_ROWS(sort_plan(w, left, "k", false), "1,x,z;2,y,NULL");
    EXPECT_SCHEMA(left, "k INT NOT NULL,v STRING NOT NULL,v STRING");
    EXPECT_ROWS(sort_plan(w, using_plan(w, df_a(w), df_b(w), CH_JOIN_RIGHT, "k"), "k", false), "1,x,z;3,NULL,w");
    ch_plan *full = using_plan(w, df_a(w), df_b(w), CH_JOIN_FULL, "k");
    EXPECT_ROWS(sort_plan(w, full, "k", false), "1,x,z;2,y,NULL;3,NULL,w");
    EXPECT_ROWS(sort_plan(w, using_plan(w, df_a(w), df_b(w), CH_JOIN_SEMI, "k"), "k", false), "1,x");
    EXPECT_ROWS(sort_plan(w, using_plan(w, df_a(w), df_b(w), CH_JOIN_ANTI, "k"), "k", false), "2,y");
    /* the other side's key, by its DataFrame, also through further operations */
    EXPECT_ROWS(select_exprs(w, sort_plan(w, left, "k", false), 1, col_of(w, "k", 2)), "1;NULL");
    EXPECT_ROWS(select_exprs(w, with_column(w, sort_plan(w, left, "k", false), "q", "1"), 1, col_of(w, "k", 2)),
                "1;NULL");
    ch_plan *filter = ch_plan_new(w->arena, CH_PLAN_FILTER, left);
    filter->u.condition = ch_expr_call(w->arena, "isnull", 1, col_of(w, "k", 2));
    EXPECT_ROWS(filter, "2,y,NULL");
    ch_plan *named = using_plan(w, alias_plan(w, df_a(w), "x"), alias_plan(w, df_b(w), "y"), CH_JOIN_INNER, "k");
    EXPECT_ROWS(select_plan(w, named, 3, "y.k", "x.v", "y.v"), "1,x,z");
    EXPECT_ROWS(select_plan(w, named, 1, "y.*"), "1,z");
    EXPECT_ROWS(using_plan(w, df_a(w), select_plan(w, df_b(w), 1, "k as j"), CH_JOIN_INNER, "k"),
                "!UNRESOLVED_USING_COLUMN_FOR_JOIN");
    EXPECT_ROWS(join_plan(w, df_a(w), df_b(w), CH_JOIN_INNER, text_expr(w, "1")),
                "!JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE");
    /* keys of different types meet in the wider one but keep their own */
    ch_plan *wide = select_plan(w, df_b(w), 2, "cast(k as bigint) as k", "v as z");
    EXPECT_SCHEMA(using_plan(w, df_a(w), wide, CH_JOIN_INNER, "k"),
                  "k INT NOT NULL,v STRING NOT NULL,z STRING NOT NULL");
    EXPECT_SCHEMA(using_plan(w, df_a(w), wide, CH_JOIN_RIGHT, "k"), "k BIGINT NOT NULL,v STRING,z STRING NOT NULL");
    EXPECT_SCHEMA(using_plan(w, df_a(w), wide, CH_JOIN_FULL, "k"), "k BIGINT,v STRING,z STRING");
}

static void test_joins_by_condition(void **state)
{
    frame_world *w = *state;
    ch_plan *a = alias_plan(w, df_a(w), "a"), *b = alias_plan(w, df_b(w), "b");
    EXPECT_ROWS(sort_plan(w, join_plan(w, a, b, CH_JOIN_LEFT, text_expr(w, "a.k = b.k")), "a.k", false),
                "1,x,1,z;2,y,NULL,NULL");
    EXPECT_ROWS(sort_plan(w, join_plan(w, a, b, CH_JOIN_FULL, text_expr(w, "a.k > b.k")), "a.k", false),
                "NULL,NULL,3,w;1,x,NULL,NULL;2,y,1,z");
    EXPECT_ROWS(sort_plan(w, join_plan(w, a, b, CH_JOIN_ANTI, text_expr(w, "a.k > b.k")), "a.k", false), "1,x");
    EXPECT_ROWS(sort_plan(w, join_plan(w, a, b, CH_JOIN_SEMI, text_expr(w, "a.k > b.k")), "a.k", false), "2,y");
    EXPECT_ROWS(select_plan(w, join_plan(w, a, b, CH_JOIN_CROSS, NULL), 1, "count(*)"), "4");
    EXPECT_ROWS(select_plan(w, join_plan(w, a, b, CH_JOIN_LEFT, NULL), 1, "count(*)"), "4");
    EXPECT_ROWS(sql_plan(w, "select count(*) from (select null k) a join (select null k) b on a.k <=> b.k"), "1");
}

/* --- columns that the input dropped --- */

static void test_missing_references(void **state)
{
    frame_world *w = *state;
    ch_plan *v = select_plan(w, df_a(w), 1, "v");
    EXPECT_ROWS(sort_plan(w, v, "k", true), "y;x");
    EXPECT_SCHEMA(sort_plan(w, v, "k", true), "v STRING NOT NULL");
    EXPECT_ROWS(filter_plan(w, v, "k = 1"), "x");
    EXPECT_ROWS(filter_plan(w, sort_plan(w, v, "k", true), "k = 1"), "x");
    EXPECT_ROWS(filter_plan(w, count_plan(w, CH_PLAN_LIMIT, v, 5), "k = 1"), "x");
    EXPECT_ROWS(filter_plan(w, names_plan(w, CH_PLAN_DEDUPLICATE, v, 0), "k = 1"), "x");
    EXPECT_ROWS(filter_plan(w, alias_plan(w, v, "z"), "k = 1"), "!UNRESOLVED_COLUMN.WITH_SUGGESTION");
    ch_plan *sort = sort_plan(w, v, "k", true);
    sort->u.sort.orders[0].expr = col_of(w, "k", 1);
    EXPECT_ROWS(sort, "y;x");
    EXPECT_ROWS(select_plan(w, filter_plan(w, v, "k = 1"), 1, "k"), "!UNRESOLVED_COLUMN.WITH_SUGGESTION");
}

/* --- aggregates --- */

static void test_groups(void **state)
{
    frame_world *w = *state;
    const char *text = "select * from values (1,'x',10),(2,'y',20),(1,'z',30),(3,null,40) as t(k,v,w)";
    ch_plan *t = sql_plan(w, text);
    EXPECT_ROWS(sort_plan(w, group_plan(w, t, CH_GROUP_BY, "k", 2, "max(w)", "count(v) as n"), "k", false),
                "1,30,2;2,20,1;3,40,0");
    EXPECT_SCHEMA(group_plan(w, t, CH_GROUP_BY, "k", 2, "max(w)", "count(v) as n"),
                  "k INT NOT NULL,`max(w)` INT,n BIGINT NOT NULL");
    EXPECT_ROWS(sort_plan(w, group_plan(w, t, CH_GROUP_BY, "k + 1", 1, "k + 1 + max(w) as z"), "z", false),
                "3,23;2,32;4,44");
    EXPECT_SCHEMA(group_plan(w, t, CH_GROUP_BY, "k + 1", 1, "k + 1 + max(w) as z"), "`(k + 1)` INT NOT NULL,z INT");
    EXPECT_ROWS(group_plan(w, t, CH_GROUP_BY, "k", 1, "v"), "!MISSING_AGGREGATION");
    EXPECT_ROWS(group_plan(w, t, CH_GROUP_BY, "k", 1, "max(w) + w"), "!MISSING_AGGREGATION");
    EXPECT_ROWS(group_plan(w, t, CH_GROUP_BY, "max(k)", 1, "count(*)"), "!GROUP_BY_AGGREGATE");
    EXPECT_ROWS(group_plan(w, t, CH_GROUP_BY, "k", 1, "max(min(k))"), "!NESTED_AGGREGATE_FUNCTION");
    EXPECT_ROWS(group_plan(w, t, CH_GROUP_BY, NULL, 2, "5 as z", "max(k) + 1"), "5,4");
    EXPECT_ROWS(group_plan(w, t, CH_GROUP_BY, NULL, 1, "5 as z"), "5");
    EXPECT_ROWS(group_plan(w, filter_plan(w, t, "false"), CH_GROUP_BY, NULL, 2, "count(*)", "max(k)"), "0,NULL");
    EXPECT_ROWS(group_plan(w, filter_plan(w, t, "false"), CH_GROUP_BY, "k", 1, "count(*)"), "");
    EXPECT_ROWS(select_plan(w, t, 2, "max(k)", "1"), "3,1");
    EXPECT_ROWS(select_plan(w, t, 2, "max(k)", "v"), "!MISSING_GROUP_BY");
    EXPECT_ROWS(filter_plan(w, t, "max(k) > 1"), "!INVALID_WHERE_CONDITION");
    EXPECT_ROWS(group_plan(w, t, CH_GROUP_BY, "1", 1, "count(*)"), "1,4"); /* a constant, not the first column */
    EXPECT_ROWS(names_plan(w, CH_PLAN_DEDUPLICATE, t, 1, "k"), "1,x,10;2,y,20;3,NULL,40");
    EXPECT_ROWS(names_plan(w, CH_PLAN_DEDUPLICATE, t, 1, "zz"), "!INTERNAL_ERROR");
}

static void test_aggregates_from_above(void **state)
{
    frame_world *w = *state;
    ch_plan *t = sql_plan(w, "select * from values (1,'x',10),(2,'y',20),(1,'z',30) as t(k,v,w)");
    ch_plan *g = group_plan(w, t, CH_GROUP_BY, "k", 1, "max(v) as m");
    EXPECT_ROWS(sort_plan(w, g, "min(w)", true), "2,y;1,z");
    EXPECT_ROWS(sort_plan(w, g, "max(v)", true), "1,z;2,y");
    EXPECT_ROWS(filter_plan(w, g, "count(*) > 1"), "1,z");
    EXPECT_SCHEMA(filter_plan(w, g, "count(*) > 1"), "k INT NOT NULL,m STRING");
    EXPECT_ROWS(sort_plan(w, filter_plan(w, g, "count(*) > 0"), "sum(0) + max(w)", false), "2,y;1,z");
    EXPECT_ROWS(sort_plan(w, g, "v", true), "!UNRESOLVED_COLUMN.WITH_SUGGESTION");
    EXPECT_ROWS(sort_plan(w, select_plan(w, g, 1, "m"), "k", false), "z;y");
    EXPECT_ROWS(sql_plan(w, "select max(v) from values (1,'x'),(2,'y'),(1,'z') as t(k,v) group by k "
                            "having count(*) > 0 order by k desc"),
                "y;z");
}

static void test_grouping_sets(void **state)
{
    frame_world *w = *state;
    ch_plan *roll = group_plan(w, df_a(w), CH_GROUP_ROLLUP, "k", 3, "count(*)", "grouping(k)", "grouping_id()");
    EXPECT_ROWS(sort_plan(w, roll, "k", false), "NULL,2,1,1;1,1,0,0;2,1,0,0");
    EXPECT_SCHEMA(roll,
                  "k INT,`count(1)` BIGINT NOT NULL,`grouping(k)` TINYINT NOT NULL,`grouping_id()` BIGINT NOT NULL");
    EXPECT_ROWS(group_plan(w, filter_plan(w, df_a(w), "false"), CH_GROUP_ROLLUP, "k", 1, "count(*)"), "");
    EXPECT_ROWS(sql_plan(w, "select k, v, max(k), grouping_id() from values (1,'x'),(2,'y') as t(k,v) "
                            "group by cube(k, v) order by 4, 1, 2"),
                "1,x,1,0;2,y,2,0;1,NULL,1,1;2,NULL,2,1;NULL,x,1,2;NULL,y,2,2;NULL,NULL,2,3");
    EXPECT_ROWS(sql_plan(w, "select k, v, count(*) from values (1,'x'),(2,'y') as t(k,v) "
                            "group by grouping sets ((k), (v)) order by k, v"),
                "NULL,x,1;NULL,y,1;1,NULL,1;2,NULL,1");
    EXPECT_ROWS(group_plan(w, df_a(w), CH_GROUP_BY, "k", 1, "grouping(k)"), "!UNSUPPORTED_GROUPING_EXPRESSION");
}

static void test_group_expressions_from_above(void **state)
{
    frame_world *w = *state;
    EXPECT_ROWS(
        sql_plan(w, "select k % 2, count(*) from values (1), (2), (3) as t(k) group by k % 2 order by k % 2 desc"),
        "1,2;0,1");
    EXPECT_ROWS(sql_plan(w, "select count(*) from values (1), (2), (3) as t(k) group by k % 2 having k % 2 = 1"), "2");
    EXPECT_ROWS(sql_plan(w, "select k % 2 from values (1), (2) as t(k) group by k % 2 order by k"),
                "!UNRESOLVED_COLUMN.WITH_SUGGESTION");
    EXPECT_ROWS(sql_plan(w, "select v, k + 1, max(k) from values (1, 'x'), (1, 'x') as t(k, v) group by all"), "x,2,1");
    EXPECT_ROWS(select_plan(w, df_a(w), 1, "explode(collect_list(k)) as e"), "1;2");
    EXPECT_ROWS(select_plan(w, df_a(w), 2, "max(v)", "explode(collect_list(k))"), "y,1;y,2");
}

static void test_refused_expressions(void **state)
{
    frame_world *w = *state;
    const char *window = "row_number() over (order by k) = 1";
    EXPECT_ROWS(filter_plan(w, df_a(w), window), "!_LEGACY_ERROR_TEMP_1034");
    EXPECT_ROWS(sort_plan(w, df_a(w), window, false), "!UNSUPPORTED_EXPR_FOR_OPERATOR");
    EXPECT_ROWS(sort_plan(w, df_a(w), "max(k)", false), "!UNSUPPORTED_EXPR_FOR_OPERATOR");
    EXPECT_ROWS(group_plan(w, df_a(w), CH_GROUP_BY, window, 1, "count(*)"), "!MISSING_AGGREGATION");
    EXPECT_ROWS(filter_plan(w, df_a(w), "explode(array(k)) > 0"), "!UNSUPPORTED_GENERATOR.OUTSIDE_SELECT");
    ch_plan *j = select_plan(w, df_b(w), 1, "k as j");
    EXPECT_ROWS(join_plan(w, df_a(w), j, CH_JOIN_INNER, text_expr(w, "max(k) = j")), "!UNSUPPORTED_EXPR_FOR_OPERATOR");
    EXPECT_ROWS(join_plan(w, df_a(w), j, CH_JOIN_INNER, text_expr(w, "row_number() over (order by k) = j")),
                "!UNSUPPORTED_EXPR_FOR_OPERATOR");
}

static void test_nested_sort_keys(void **state)
{
    frame_world *w = *state;
    ch_plan *lists =
        sql_plan(w, "select array(1, null) as l union all select array(1, 2) union all select array(1) union "
                    "all select null union all select array(0, 5)");
    EXPECT_ROWS(sort_plan(w, lists, "l", false), "NULL;[0 5];[1];[1 NULL];[1 2]");
    EXPECT_ROWS(sort_plan(w, lists, "l", true), "[1 2];[1 NULL];[1];[0 5];NULL");
    ch_plan *structs =
        sql_plan(w, "select 1 as i, named_struct('a', 1, 'b', cast(null as int)) as s union all select 2, "
                    "named_struct('a', 1, 'b', 2) union all select 3, named_struct('a', null, 'b', 9) "
                    "union all select 4, null");
    EXPECT_ROWS(select_plan(w, sort_plan(w, structs, "s", false), 1, "i"), "4;3;1;2");
    EXPECT_ROWS(select_plan(w, sort_plan(w, structs, "s", true), 1, "i"), "2;1;3;4");
}

static void test_order_of_rows_in_aggregates(void **state)
{
    frame_world *w = *state;
    ch_plan *t = select_plan(w, range_plan(w, 0, 300000, 1), 2, "id % 2 as m", "id");
    EXPECT_ROWS(sort_plan(w, group_plan(w, t, CH_GROUP_BY, "m", 2, "first(id)", "last(id)"), "m", false),
                "0,0,299998;1,1,299999");
    ch_plan *lists = group_plan(w, t, CH_GROUP_BY, "m", 1, "collect_list(id) as l");
    EXPECT_ROWS(sort_plan(w, select_plan(w, lists, 3, "m", "l[1000]", "size(l)"), "m", false),
                "0,2000,150000;1,2001,150000");
    EXPECT_ROWS(count_plan(w, CH_PLAN_LIMIT, names_plan(w, CH_PLAN_DEDUPLICATE, t, 1, "m"), 5), "0,0;1,1");
    ch_plan *gaps = sql_plan(w, "select null as v union all select 'a' union all select 'b' union all select null");
    EXPECT_ROWS(group_plan(w, gaps, CH_GROUP_BY, NULL, 5, "first(v)", "first(v, true)", "last(v)",
                           "last(v) ignore nulls", "collect_list(v)"),
                "NULL,a,NULL,b,[a b]");
}

/* --- set operations --- */

static void test_set_operations(void **state)
{
    frame_world *w = *state;
    EXPECT_ROWS(set_plan(w, df_a(w), df_b(w), CH_SET_UNION, true), "1,x;2,y;1,z;3,w");
    ch_plan *c = sql_plan(w, "select cast(1 as bigint) k, 2.5D w, 'q' z");
    EXPECT_ROWS(set_plan(w, df_a(w), c, CH_SET_UNION, true), "!NUM_COLUMNS_MISMATCH");
    EXPECT_SCHEMA(
        set_plan(w, select_plan(w, df_a(w), 2, "k", "'1.5' as v"), select_plan(w, c, 2, "k", "w"), CH_SET_UNION, true),
        "k BIGINT NOT NULL,v DOUBLE");
    EXPECT_ROWS(set_plan(w, df_a(w), sql_plan(w, "select 1, map(1, 2)"), CH_SET_UNION, true),
                "!INCOMPATIBLE_COLUMN_TYPE");
    EXPECT_ROWS(by_name_plan(w, df_a(w), select_plan(w, df_b(w), 2, "v", "k"), false), "1,x;2,y;1,z;3,w");
    EXPECT_ROWS(by_name_plan(w, df_a(w), c, false), "!_LEGACY_ERROR_TEMP_1201");
    EXPECT_ROWS(by_name_plan(w, select_plan(w, df_a(w), 1, "k"), c, false), "!NUM_COLUMNS_MISMATCH");
    EXPECT_ROWS(by_name_plan(w, df_a(w), c, true), "1,x,NULL,NULL;2,y,NULL,NULL;1,NULL,2.5,q");
    EXPECT_SCHEMA(by_name_plan(w, df_a(w), c, true), "k BIGINT NOT NULL,v STRING,w DOUBLE,z STRING");
    EXPECT_ROWS(by_name_plan(w, names_plan(w, CH_PLAN_TO_DF, df_a(w), 2, "k", "K"), df_b(w), false),
                "!COLUMN_ALREADY_EXISTS");
    ch_plan *s1 = sql_plan(w, "select named_struct('a', 1, 'b', 2) as s");
    EXPECT_ROWS(by_name_plan(w, s1, sql_plan(w, "select named_struct('b', 3, 'a', 4) as s"), false), "{1 2};{4 3}");
    EXPECT_ROWS(by_name_plan(w, s1, sql_plan(w, "select named_struct('b', 3, 'c', 4) as s"), true),
                "{1 2 NULL};{NULL 3 4}");
    EXPECT_ROWS(by_name_plan(w, s1, sql_plan(w, "select named_struct('b', 3, 'c', 4) as s"), false),
                "!INCOMPATIBLE_COLUMN_TYPE");
    ch_plan *m = sql_plan(w, "select map(1, 2) m");
    EXPECT_ROWS(set_plan(w, m, m, CH_SET_INTERSECT, false), "!UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE");
    EXPECT_ROWS(names_plan(w, CH_PLAN_DEDUPLICATE, m, 0), "!UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE");
    ch_plan *twice = set_plan(w, df_a(w), df_a(w), CH_SET_UNION, true);
    EXPECT_ROWS(sort_plan(w, set_plan(w, twice, filter_plan(w, df_a(w), "k = 1"), CH_SET_EXCEPT, true), "k", false),
                "1,x;2,y;2,y");
    EXPECT_ROWS(set_plan(w, twice, filter_plan(w, df_a(w), "k = 1"), CH_SET_EXCEPT, false), "2,y");
    EXPECT_ROWS(sort_plan(w, set_plan(w, twice, twice, CH_SET_INTERSECT, false), "k", false), "1,x;2,y");
}

/* --- generators --- */

static void test_generators(void **state)
{
    frame_world *w = *state;
    ch_plan *one = range_plan(w, 0, 1, 1);
    EXPECT_ROWS(select_plan(w, one, 2, "*", "explode(array(5, 6))"), "0,5;0,6");
    EXPECT_SCHEMA(select_plan(w, one, 2, "*", "posexplode(array(5, 6))"),
                  "id BIGINT NOT NULL,pos INT NOT NULL,col INT NOT NULL");
    ch_plan *m = sql_plan(w, "select 1 k, map('a', 1, 'b', 2) m union all select 2, map()");
    EXPECT_ROWS(select_plan(w, m, 2, "k", "explode(m)"), "1,a,1;1,b,2");
    EXPECT_ROWS(select_plan(w, m, 2, "k", "posexplode_outer(m)"), "1,0,a,1;1,1,b,2;2,NULL,NULL,NULL");
    EXPECT_SCHEMA(select_plan(w, m, 2, "k", "posexplode_outer(m)"), "k INT NOT NULL,pos INT,key STRING,value INT");
    EXPECT_SCHEMA(select_plan(w, m, 2, "k", "explode(m) as (a, b)"), "k INT NOT NULL,a STRING NOT NULL,b INT NOT NULL");
    EXPECT_SCHEMA(select_plan(w, m, 1, "explode(m) as a"), "!UDTF_ALIAS_NUMBER_MISMATCH");
    EXPECT_ROWS(select_plan(w, one, 2, "explode(array(1, 2)) as x", "explode(array(3, 4)) as y"), "1,3;1,4;2,3;2,4");
    EXPECT_ROWS(select_plan(w, one, 1, "explode(array(1)) + 1"), "!UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS");
    EXPECT_ROWS(with_column(w, df_a(w), "z", "explode(array(k, 7))"), "1,x,1;1,x,7;2,y,2;2,y,7");
    EXPECT_ROWS(sql_plan(w, "select inline(array(struct(1 as a, 'x' as b), null))"), "1,x;NULL,NULL");
    EXPECT_ROWS(sql_plan(w, "select inline_outer(cast(null as array<struct<a:int, b:string>>))"), "NULL,NULL");
    EXPECT_ROWS(sql_plan(w, "select stack(2, 1, 'a', 2)"), "1,a;2,NULL");
    EXPECT_ROWS(sql_plan(w, "select k, x from values (1, array(2, 3)) as t(k, a) lateral view explode(a) e as x"),
                "1,2;1,3");
}

/* --- samples: values of real Spark with one partition --- */

static void test_samples(void **state)
{
    frame_world *w = *state;
    ch_plan *r = range_plan(w, 0, 20, 1);
    EXPECT_ROWS(sample_plan(w, r, 0, 0.3, false, 7), "0;6;8;11;13");
    EXPECT_ROWS(sample_plan(w, r, 0, 0.5, true, 7), "0;3;7;7;9;10;11;11;15;17");
    EXPECT_ROWS(sample_plan(w, r, 0, 1.5, false, 7),
                "!requirement failed: Sampling fraction (1.5) must be on interval [0, 1] without replacement");
    EXPECT_ROWS(sample_plan(w, r, 0.5, 0.5, false, 7), "");
    /* both halves of a split have each row once, whatever the order of the input */
    ch_plan *shuffled = sort_plan(w, select_plan(w, r, 1, "id"), "id * 7 % 20", false);
    ch_plan *part = sample_plan(w, shuffled, 0, 0.7, false, 42), *rest = sample_plan(w, shuffled, 0.7, 1, false, 42);
    part->u.sample.deterministic_order = rest->u.sample.deterministic_order = true;
    EXPECT_ROWS(select_plan(w, set_plan(w, part, rest, CH_SET_UNION, true), 2, "count(*)", "count(distinct id)"),
                "20,20");
    ch_plan *straight = sample_plan(w, r, 0, 0.7, false, 42);
    EXPECT_ROWS(part, rows_of(w, straight));
}

/* --- windows --- */

static void test_windows(void **state)
{
    frame_world *w = *state;
    ch_plan *t =
        sql_plan(w, "select 2 as k, 'c' as v union all select 1, 'b' union all select 2, 'a' union all select 1, 'b'");
    /* Spark leaves rows sorted by the window's partition and order */
    EXPECT_ROWS(with_column(w, t, "n", "row_number() over (partition by k order by v)"), "1,b,1;1,b,2;2,a,1;2,c,2");
    EXPECT_ROWS(with_column(w, t, "n", "row_number() over (order by v desc)"), "2,c,1;1,b,2;1,b,3;2,a,4");
    EXPECT_SCHEMA(with_column(w, t, "n", "row_number() over (order by v desc)"),
                  "k INT NOT NULL,v STRING NOT NULL,n INT NOT NULL");
    EXPECT_ROWS(select_plan(w, t, 1, "rank() over (order by k + 1, v)"), "1;1;3;4");
    EXPECT_ROWS(filter_plan(w, with_column(w, t, "n", "count(*) over (partition by k)"), "v = 'a'"), "2,a,2");
    EXPECT_ROWS(sort_plan(w, with_column(w, t, "n", "min(v) over (partition by k)"), "v", true),
                "2,c,a;1,b,b;1,b,b;2,a,a");
    EXPECT_ROWS(group_plan(w, with_column(w, t, "n", "row_number() over (order by v)"), CH_GROUP_BY, NULL, 1, "max(n)"),
                "4");
    EXPECT_ROWS(group_plan(w, t, CH_GROUP_BY, "k", 1, "max(max(v)) over (order by k) as z"), "1,b;2,c");
}

/* --- subqueries, views, common table expressions --- */

static void test_subqueries(void **state)
{
    frame_world *w = *state;
    EXPECT_ROWS(
        sql_plan(w,
                 "select k from values (1), (2), (3) as t(k) where k > (select avg(k) from values (1), (2) as u(k))"),
        "2;3");
    EXPECT_ROWS(sql_plan(w, "select k from values (1), (2), (3) as t(k) where exists "
                            "(select 1 from values (2), (3) as u(j) where j = t.k) order by k"),
                "2;3");
    EXPECT_ROWS(
        sql_plan(w, "select k from values (1), (2), (3) as t(k) where k in (select j + 1 from values (1) as u(j))"),
        "2");
    EXPECT_ROWS(sql_plan(w, "select k from values (1, 2), (3, 4) as t(k, v) where (k, v) in (select 3, 4)"), "3");
    EXPECT_ROWS(sql_plan(w, "select a, a + 1 as b, b * 2 as c from (select 1 a)"), "1,2,4");
    EXPECT_ROWS(sql_plan(w, "select 1 a, 2 a, a + 1"), "!AMBIGUOUS_LATERAL_COLUMN_ALIAS");
    EXPECT_ROWS(sql_plan(w, "with a as (select 1 x), b as (select x + 1 y from a) select * from a, b"), "1,2");
    EXPECT_ROWS(
        sql_plan(w,
                 "with a as (select 1 x), a2 as (with a as (select 5 x) select * from a) select a.x, a2.x from a, a2"),
        "1,5");
}

static void test_views(void **state)
{
    frame_world *w = *state;
    ch_error err;
    ch_arena *arena = ch_arena_new();
    ch_plan *plan = ch_plan_new(arena, CH_PLAN_RANGE, NULL);
    plan->u.range.end = 3;
    plan->u.range.step = 1;
    assert_int_equal(ch_view_create(w->session, "MyView", plan, arena, true, false, &err), 0);
    EXPECT_ROWS(sql_plan(w, "select myview.id from MYVIEW"), "0;1;2");
    assert_int_equal(ch_view_create(w->session, "myview", plan, ch_arena_new(), false, false, &err), CH_E_ANALYSIS);
    assert_string_equal(err.condition, "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS");
    EXPECT_ROWS(sql_plan(w, "select * from nowhere"), "!TABLE_OR_VIEW_NOT_FOUND");
    /* a view that refers to itself */
    arena = ch_arena_new();
    ch_plan *self = ch_plan_new(arena, CH_PLAN_TABLE, NULL);
    self->u.table.nparts = 1;
    self->u.table.parts = CH_NEW_ARRAY(arena, const char *, 1);
    self->u.table.parts[0] = "myview";
    assert_int_equal(ch_view_create(w->session, "myview", self, arena, true, false, &err), 0);
    EXPECT_ROWS(sql_plan(w, "select * from myview"), "!RECURSIVE_VIEW");
    assert_true(ch_view_drop(w->session, "MYVIEW", false));
    assert_false(ch_view_drop(w->session, "MYVIEW", false));
    EXPECT_ROWS(sql_plan(w, "select * from myview"), "!TABLE_OR_VIEW_NOT_FOUND");
    /* global views are everybody's */
    arena = ch_arena_new();
    plan = ch_plan_new(arena, CH_PLAN_RANGE, NULL);
    plan->u.range.end = plan->u.range.step = 1;
    assert_int_equal(ch_view_create(w->session, "g", plan, arena, true, true, &err), 0);
    ch_session *mine = w->session;
    assert_int_equal(ch_session_open(w->engine, &w->session, &err), 0);
    EXPECT_ROWS(sql_plan(w, "select * from global_temp.g"), "0");
    ch_session_release(w->session);
    w->session = mine;
    assert_true(ch_view_drop(w->session, "g", true));
}

/* --- persisting --- */

/* How many persisted relations have a table by now. */
static int64_t cached_tables(frame_world *w)
{
    duckdb_connection con;
    duckdb_result result;
    ch_error err;
    const char *sql = ch_arena_printf(w->arena,
                                      "SELECT count(*) FROM duckdb_tables() WHERE database_name = '%s' AND "
                                      "table_name LIKE 'cache_%%'",
                                      ch_session_catalog(w->session));
    assert_int_equal(ch_engine_connect(w->session, &con, &err), 0);
    assert_int_equal(duckdb_query(con, sql, &result), DuckDBSuccess);
    int64_t n = duckdb_value_int64(&result, 0, 0);
    duckdb_destroy_result(&result);
    ch_engine_disconnect(w->session, &con);
    return n;
}

static void test_persisted(void **state)
{
    frame_world *w = *state;
    ch_error err;
    const char *level;
    bool was;
    ch_plan *base = with_column(w, range_plan(w, 0, 5, 1), "x", "id * 2");
    assert_int_equal(ch_cache_level(w->session, base, w->arena, &level, &err), 0);
    assert_null(level);
    assert_int_equal(ch_cache_add(w->session, base, "MEMORY_AND_DISK", &err), 0);
    assert_int_equal(ch_cache_level(w->session, base, w->arena, &level, &err), 0);
    assert_string_equal(level, "MEMORY_AND_DISK");
    /* equal plans are found whoever built them, at the root and below, in order */
    ch_plan *again = filter_plan(w, with_column(w, range_plan(w, 0, 5, 1), "x", "id * 2"), "x > 2");
    for (int i = 0; i < 2; i++) {
        EXPECT_ROWS(base, "0,0;1,2;2,4;3,6;4,8");
        EXPECT_ROWS(again, "2,4;3,6;4,8");
    }
    ch_query *q;
    ch_buf text = {0};
    assert_int_equal(ch_query_open(w->session, again, &q, &err), 0);
    assert_int_equal(ch_query_explain(q, "simple", &text, &err), 0);
    assert_non_null(strstr(ch_buf_text(&text), "InMemoryTableScan"));
    /* a query keeps the table it reads */
    assert_int_equal(ch_query_start(q, NULL, &err), 0);
    assert_int_equal(ch_cache_remove(w->session, base, &was, &err), 0);
    assert_true(was);
    const ch_batch *batch;
    assert_int_equal(ch_query_next(q, &batch, &err), 0);
    assert_int_equal(batch->rows, 3);
    ch_query_close(q);
    ch_buf_reset(&text);
    assert_int_equal(ch_cache_remove(w->session, base, &was, &err), 0);
    assert_false(was);
    EXPECT_ROWS(again, "2,4;3,6;4,8");
    /* another name for it is the same relation */
    assert_int_equal(ch_cache_add(w->session, alias_plan(w, base, "x"), "", &err), 0);
    assert_int_equal(ch_cache_level(w->session, base, w->arena, &level, &err), 0);
    assert_non_null(level);
    EXPECT_ROWS(alias_plan(w, alias_plan(w, base, "y"), "z"), "0,0;1,2;2,4;3,6;4,8");
    assert_int_equal(cached_tables(w), 1);
    ch_cache_clear(w->session);
    /* equal but for what a subquery says */
    const char *in_text = "select count(*) from range(10) where id in (select id from range(%d))";
    ch_plan *in_three = sql_plan(w, ch_arena_printf(w->arena, in_text, 3));
    ch_plan *in_four = sql_plan(w, ch_arena_printf(w->arena, in_text, 4));
    assert_int_equal(ch_cache_add(w->session, in_three, "", &err), 0);
    EXPECT_ROWS(in_three, "3");
    EXPECT_ROWS(in_four, "4");
    ch_cache_clear(w->session);
    /* inside of one */
    assert_int_equal(ch_cache_add(w->session, range_plan(w, 0, 4, 1), "", &err), 0);
    EXPECT_ROWS(in_four, "4");
    assert_int_equal(cached_tables(w), 1);
    ch_cache_clear(w->session);
    assert_int_equal(cached_tables(w), 0);
    /* inside of one that belongs to a persisted relation's own condition */
    ch_plan *some = sql_plan(w, "select id from range(10) where id in (select id + 2 from range(4))");
    assert_int_equal(ch_cache_add(w->session, range_plan(w, 0, 4, 1), "", &err), 0);
    assert_int_equal(ch_cache_add(w->session, some, "", &err), 0);
    EXPECT_ROWS(sort_plan(w, some, "id", true), "5;4;3;2");
    assert_int_equal(cached_tables(w), 2);
    ch_cache_clear(w->session);
    /* nested ones */
    assert_int_equal(ch_cache_add(w->session, base, "", &err), 0);
    assert_int_equal(ch_cache_add(w->session, again, "", &err), 0);
    EXPECT_ROWS(sort_plan(w, again, "x", true), "4,8;3,6;2,4");
    EXPECT_ROWS(select_plan(w, base, 1, "count(*)"), "5");
    ch_cache_clear(w->session);
}

static void test_checkpoints(void **state)
{
    frame_world *w = *state;
    ch_error err;
    ch_plan *base = select_plan(w, range_plan(w, 0, 4, 1), 3, "id", "cast(id as string) as s", "array(id) as a");
    assert_int_equal(ch_checkpoint(w->session, base, NULL, "cp1", &err), 0);
    ch_plan *plan = ch_plan_new(w->arena, CH_PLAN_CACHED_REMOTE, NULL);
    plan->u.remote_id = "cp1";
    EXPECT_SCHEMA(plan, schema_of(w, base));
    EXPECT_ROWS(plan, "0,0,[0];1,1,[1];2,2,[2];3,3,[3]");
    EXPECT_ROWS(select_plan(w, using_plan(w, plan, plan, CH_JOIN_INNER, "id"), 1, "count(*)"), "4");
    ch_checkpoint_remove(w->session, "cp1");
    ch_query *q;
    assert_int_not_equal(ch_query_open(w->session, plan, &q, &err), 0);
    assert_non_null(strstr(err.message, "No DataFrame with id cp1 is found"));
}

/* --- several at once --- */

typedef struct runner {
    frame_world *w;
    ch_plan *plan;
    int failures;
} runner;

static void *run_many(void *arg)
{
    runner *r = arg;
    ch_arena *arena = ch_arena_new();
    for (int i = 0; i < 20; i++) {
        size_t n;
        ch_literal *row;
        ch_error err;
        if (ch_query_row(r->w->session, r->plan, NULL, arena, &n, &row, &err) || row[0].v.integer != 1000)
            r->failures++;
    }
    ch_arena_free(arena);
    return NULL;
}

static void test_operations_at_once(void **state)
{
    frame_world *w = *state;
    ch_error err;
    ch_plan *base = with_column(w, range_plan(w, 0, 1000, 1), "x", "id * 2");
    assert_int_equal(ch_cache_add(w->session, base, "", &err), 0);
    runner r[4];
    pthread_t threads[4];
    ch_plan *counted = select_plan(w, base, 1, "count(x)");
    for (int i = 0; i < 4; i++) {
        r[i] = (runner){.w = w, .plan = counted};
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, &r[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(r[i].failures, 0);
    }
    ch_cache_clear(w->session);
}

static void *cancel_soon(void *arg)
{
    struct timespec pause = {.tv_nsec = 30000000};
    nanosleep(&pause, NULL);
    ch_task_cancel(arg);
    return NULL;
}

static void test_cancelling(void **state)
{
    frame_world *w = *state;
    ch_task task;
    ch_error err;
    ch_query *q;
    pthread_t canceller;
    ch_plan *huge = range_plan(w, 0, 10000000000, 1);
    ch_plan *slow = select_plan(w, huge, 1, "max(id % 7)");
    ch_task_init(&task);
    assert_int_equal(ch_query_open(w->session, slow, &q, &err), 0);
    assert_int_equal(pthread_create(&canceller, NULL, cancel_soon, &task), 0);
    const ch_batch *batch = NULL;
    int status = ch_query_start(q, &task, &err);
    if (!status) status = ch_query_next(q, &batch, &err);
    assert_int_equal(status, CH_E_CANCELLED);
    assert_string_equal(err.condition, "OPERATION_CANCELED");
    pthread_join(canceller, NULL);
    ch_query_close(q);
    /* closed in the middle: the connection serves the next one */
    ch_task_init(&task);
    assert_int_equal(ch_query_open(w->session, huge, &q, &err), 0);
    assert_int_equal(ch_query_start(q, &task, &err), 0);
    assert_int_equal(ch_query_next(q, &batch, &err), 0);
    assert_non_null(batch);
    ch_query_close(q);
    EXPECT_ROWS(range_plan(w, 0, 2, 1), "0;1");
}

static void test_errors_while_running(void **state)
{
    frame_world *w = *state;
    EXPECT_ROWS(select_plan(w, range_plan(w, 0, 100000, 1), 1, "cast(id as int) * 100000"), "!ARITHMETIC_OVERFLOW");
    EXPECT_ROWS(sql_plan(w, "select (select k from values (1), (2) as t(k))"), "!SCALAR_SUBQUERY_TOO_MANY_ROWS");
}

/* --- unkind plans --- */

static void test_big_plans(void **state)
{
    frame_world *w = *state;
    ch_plan *plan = range_plan(w, 0, 2, 1);
    for (int i = 0; i < 300; i++) plan = with_column(w, plan, ch_arena_printf(w->arena, "c%d", i), "id + 1");
    EXPECT_ROWS(select_plan(w, plan, 2, "c0", "c299"), "1,1;2,2");
    /* each builds on the one before, twice: merged it would double 300 times */
    plan = range_plan(w, 0, 1, 1);
    for (int i = 0; i < 300; i++) plan = with_column(w, plan, "id", "id + id - id + 1");
    EXPECT_ROWS(plan, "300");
    /* wide: 2,000 columns made at once and selected one by one */
    ch_plan *wide = ch_plan_new(w->arena, CH_PLAN_WITH_COLUMNS, range_plan(w, 0, 1, 1));
    wide->u.project.n = 2000;
    wide->u.project.exprs = CH_NEW_ARRAY(w->arena, ch_expr *, 2000);
    ch_plan *picked = ch_plan_new(w->arena, CH_PLAN_PROJECT, wide);
    picked->u.project.n = 2000;
    picked->u.project.exprs = CH_NEW_ARRAY(w->arena, ch_expr *, 2000);
    for (int i = 0; i < 2000; i++) {
        const char *name = ch_arena_printf(w->arena, "wide_%d", i);
        wide->u.project.exprs[i] = ch_expr_alias(w->arena, ch_expr_int(w->arena, i), name);
        picked->u.project.exprs[i] = ch_expr_name(w->arena, ch_arena_printf(w->arena, "WIDE_%d", 1999 - i));
    }
    EXPECT_ROWS(select_plan(w, picked, 2, "wide_5", "wide_1999"), "5,1999");
    /* unions of many */
    plan = range_plan(w, 0, 1, 1);
    for (int i = 0; i < 500; i++) plan = set_plan(w, plan, range_plan(w, 0, 1, 1), CH_SET_UNION, true);
    EXPECT_ROWS(select_plan(w, plan, 1, "count(*)"), "501");
}

static void test_hostile_plans(void **state)
{
    frame_world *w = *state;
    ch_plan *plan = range_plan(w, 0, 2, 1);
    for (int i = 0; i < 5000; i++) plan = count_plan(w, CH_PLAN_LIMIT, plan, 5);
    EXPECT_ROWS(plan, "!The plan nests more than 1000 relations");
    plan = range_plan(w, 0, 2, 1);
    for (int i = 0; i < 990; i++) plan = count_plan(w, CH_PLAN_LIMIT, plan, 5);
    EXPECT_ROWS(plan, "0;1");
    plan = range_plan(w, 0, 2, 1);
    for (int i = 0; i < 40; i++) plan = set_plan(w, plan, plan, CH_SET_UNION, true); /* 2^40 of them */
    EXPECT_ROWS(plan, "!The plan has more relations or columns than can be analysed");
    EXPECT_ROWS(filter_plan(w, NULL, "true"), "!The plan lacks an input relation");
    char name[5000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    EXPECT_ROWS(select_exprs(w, df_a(w), 1, ch_expr_name(w->arena, name)), "!UNRESOLVED_COLUMN.WITH_SUGGESTION");
    EXPECT_ROWS(select_exprs(w, df_a(w), 1, ch_expr_name(w->arena, "")), "!UNRESOLVED_COLUMN.WITH_SUGGESTION");
    EXPECT_ROWS(select_exprs(w, df_a(w), 0), "");
    EXPECT_SCHEMA(select_exprs(w, df_a(w), 0), "");
    EXPECT_ROWS(select_plan(w, select_exprs(w, df_a(w), 0), 1, "count(*)"), "2");
    EXPECT_ROWS(rename_plan(w, df_a(w), 1, "v", "c1\"; drop table x; --"), "1,x;2,y");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_keep_their_order),
        cmocka_unit_test(test_select_and_names),
        cmocka_unit_test(test_suggestions),
        cmocka_unit_test(test_plan_ids),
        cmocka_unit_test(test_self_joins),
        cmocka_unit_test(test_using_joins),
        cmocka_unit_test(test_joins_by_condition),
        cmocka_unit_test(test_missing_references),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_aggregates_from_above),
        cmocka_unit_test(test_grouping_sets),
        cmocka_unit_test(test_group_expressions_from_above),
        cmocka_unit_test(test_refused_expressions),
        cmocka_unit_test(test_nested_sort_keys),
        cmocka_unit_test(test_order_of_rows_in_aggregates),
        cmocka_unit_test(test_set_operations),
        cmocka_unit_test(test_generators),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_subqueries),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_persisted),
        cmocka_unit_test(test_checkpoints),
        cmocka_unit_test(test_operations_at_once),
        cmocka_unit_test(test_cancelling),
        cmocka_unit_test(test_errors_while_running),
        cmocka_unit_test(test_big_plans),
        cmocka_unit_test(test_hostile_plans),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
