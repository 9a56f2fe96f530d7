/* Tests of the SQL parser: text in, the tree as a compact s-expression out. Expected trees follow from the grammar of
 * Spark's dialect (precedence, special forms); types and errors were checked against Spark 4.1.3. */
#include "frame/plan/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void show_plan(ch_buf *b, const ch_plan *p);

static void show_literal(ch_buf *b, const ch_literal *l)
{
    if (l->is_null) {
        ch_buf_str(b, "null");
        return;
    }
    switch (l->type->kind) {
    case CH_BOOLEAN: ch_buf_str(b, l->v.boolean ? "true" : "false"); return;
    case CH_FLOAT:
    case CH_DOUBLE: ch_buf_printf(b, "%gd", l->v.real); return;
    case CH_STRING: ch_buf_printf(b, "'%.*s'", (int)l->v.bytes.len, l->v.bytes.data); return;
    case CH_BINARY:
        for (size_t i = 0; i < l->v.bytes.len; i++) ch_buf_printf(b, "%02x", (unsigned char)l->v.bytes.data[i]);
        return;
    case CH_DECIMAL:
        ch_buf_printf(b, "%.0Lfm%d,%d", (long double)l->v.decimal, l->type->precision, l->type->scale);
        return;
    case CH_LONG: ch_buf_printf(b, "%lldL", (long long)l->v.integer); return;
    case CH_INTERVAL_DAY_TIME:
        ch_buf_printf(b, "us%lld[%d,%d]", (long long)l->v.integer, l->type->precision, l->type->scale);
        return;
    case CH_INTERVAL_YEAR_MONTH: ch_buf_printf(b, "mo%lld", (long long)l->v.integer); return;
    default: ch_buf_printf(b, "%lld", (long long)l->v.integer);
    }
}

static void show_names(ch_buf *b, size_t n, const char **names)
{
    for (size_t i = 0; i < n; i++) ch_buf_printf(b, "%s%s", i ? "." : "", names[i]);
}

static void show_expr(ch_buf *b, const ch_expr *e);

static void show_list(ch_buf *b, size_t n, ch_expr *const *list)
{
    for (size_t i = 0; i < n; i++) {
        ch_buf_char(b, ' ');
        show_expr(b, list[i]);
    }
}

static void show_orders(ch_buf *b, size_t n, const ch_order *orders)
{
    for (size_t i = 0; i < n; i++) {
        ch_buf_char(b, ' ');
        show_expr(b, orders[i].expr);
        ch_buf_printf(b, "%s%s", orders[i].descending ? "-" : "+", orders[i].nulls_last ? "L" : "F");
    }
}

static void show_bound(ch_buf *b, const ch_bound *bound)
{
    static const char *const kinds[] = {"unbounded", "current", ""};
    ch_buf_printf(b, " %s", kinds[bound->kind]);
    if (bound->kind == CH_BOUND_VALUE) show_expr(b, bound->value);
}

static void show_window(ch_buf *b, const ch_window *w)
{
    ch_buf_str(b, "(over ");
    show_expr(b, w->function);
    ch_buf_str(b, " by");
    show_list(b, w->npartition, w->partition);
    ch_buf_str(b, " order");
    show_orders(b, w->norder, w->order);
    if (w->has_frame) {
        ch_buf_str(b, w->rows ? " rows" : " range");
        show_bound(b, &w->lower);
        show_bound(b, &w->upper);
    }
    ch_buf_char(b, ')');
}

static void show_expr(ch_buf *b, const ch_expr *e)
{
    switch (e->kind) {
    case CH_EX_LITERAL: show_literal(b, &e->u.literal); return;
    case CH_EX_NAME: show_names(b, e->u.name.nparts, e->u.name.parts); return;
    case CH_EX_STAR:
        show_names(b, e->u.star.nparts, e->u.star.parts);
        ch_buf_char(b, '*');
        return;
    case CH_EX_ALIAS:
        ch_buf_str(b, "(as ");
        show_expr(b, e->u.alias.child);
        ch_buf_char(b, ' ');
        if (e->u.alias.qualifier) ch_buf_printf(b, "%s:", e->u.alias.qualifier);
        show_names(b, e->u.alias.n, e->u.alias.names);
        break;
    case CH_EX_CALL:
        ch_buf_printf(b, "(%s%s", e->u.call.name, e->u.call.distinct ? " distinct" : "");
        show_list(b, e->u.call.n, e->u.call.args);
        if (e->u.call.ignore_nulls) ch_buf_str(b, " ignore-nulls");
        if (e->u.call.filter) {
            ch_buf_str(b, " filter ");
            show_expr(b, e->u.call.filter);
        }
        break;
    case CH_EX_CAST:
        ch_buf_str(b, e->u.cast.mode == CH_CAST_TRY ? "(try_cast " : "(cast ");
        show_expr(b, e->u.cast.child);
        ch_buf_char(b, ' ');
        ch_type_simple(b, e->u.cast.to);
        break;
    case CH_EX_WINDOW: show_window(b, &e->u.window); return;
    case CH_EX_LAMBDA:
        ch_buf_str(b, "(lambda ");
        show_names(b, e->u.lambda.n, e->u.lambda.params);
        ch_buf_char(b, ' ');
        show_expr(b, e->u.lambda.body);
        break;
    case CH_EX_EXTRACT:
        ch_buf_str(b, "(get ");
        show_expr(b, e->u.extract.child);
        ch_buf_char(b, ' ');
        show_expr(b, e->u.extract.key);
        break;
    case CH_EX_SUBQUERY:
        ch_buf_printf(b, "(subquery%d", (int)e->u.subquery.kind);
        show_list(b, e->u.subquery.nvalues, e->u.subquery.values);
        ch_buf_char(b, ' ');
        show_plan(b, e->u.subquery.plan);
        break;
    default: ch_buf_printf(b, "(kind%d", (int)e->kind);
    }
    ch_buf_char(b, ')');
}

static void show_aggregate(ch_buf *b, const ch_plan *p)
{
    static const char *const kinds[] = {"group", "rollup", "cube", "pivot", "sets"};
    ch_buf_printf(b, "%s[", kinds[p->u.aggregate.kind]);
    show_list(b, p->u.aggregate.ngroup, p->u.aggregate.groups);
    for (size_t i = 0; i < p->u.aggregate.nset; i++) {
        ch_buf_str(b, " {");
        show_list(b, p->u.aggregate.set_size[i], p->u.aggregate.sets[i]);
        ch_buf_str(b, " }");
    }
    ch_buf_str(b, " ] select");
    show_list(b, p->u.aggregate.nagg, p->u.aggregate.aggs);
    if (p->u.aggregate.having) {
        ch_buf_str(b, " having ");
        show_expr(b, p->u.aggregate.having);
    }
}

static void show_plan(ch_buf *b, const ch_plan *p)
{
    static const char *const joins[] = {"inner", "full", "left", "right", "semi", "anti", "cross"};
    static const char *const sets[] = {"union", "intersect", "except"};
    ch_buf_char(b, '{');
    switch (p->kind) {
    case CH_PLAN_TABLE: show_names(b, p->u.table.nparts, p->u.table.parts); break;
    case CH_PLAN_READ: ch_buf_printf(b, "read %s %s", p->u.read.format, p->u.read.paths[0]); break;
    case CH_PLAN_RANGE:
        ch_buf_printf(b, "range %lld %lld %lld", (long long)p->u.range.start, (long long)p->u.range.end,
                      (long long)p->u.range.step);
        break;
    case CH_PLAN_VALUES:
        ch_buf_str(b, "values");
        for (size_t i = 0; i < p->u.values.nrow; i++) {
            ch_buf_str(b, " [");
            show_list(b, p->u.values.ncol, p->u.values.rows[i]);
            ch_buf_str(b, " ]");
        }
        break;
    case CH_PLAN_PROJECT:
        ch_buf_str(b, "select");
        show_list(b, p->u.project.n, p->u.project.exprs);
        break;
    case CH_PLAN_FILTER:
        ch_buf_str(b, "where ");
        show_expr(b, p->u.condition);
        break;
    case CH_PLAN_AGGREGATE: show_aggregate(b, p); break;
    case CH_PLAN_ALIAS:
        ch_buf_str(b, "as ");
        show_names(b, p->u.alias.nparts, p->u.alias.parts);
        break;
    case CH_PLAN_TO_DF:
        ch_buf_str(b, "names ");
        show_names(b, p->u.names.n, p->u.names.names);
        break;
    case CH_PLAN_JOIN:
        ch_buf_printf(b, "%s%s", p->u.join.natural ? "natural " : "", joins[p->u.join.kind]);
        if (p->u.join.condition) {
            ch_buf_str(b, " on ");
            show_expr(b, p->u.join.condition);
        }
        if (p->u.join.nusing) ch_buf_str(b, " using ");
        show_names(b, p->u.join.nusing, p->u.join.using_columns);
        break;
    case CH_PLAN_SET_OP: ch_buf_printf(b, "%s%s", sets[p->u.set_op.kind], p->u.set_op.all ? " all" : ""); break;
    case CH_PLAN_SORT:
        ch_buf_str(b, p->u.sort.global ? "order" : "sort");
        show_orders(b, p->u.sort.n, p->u.sort.orders);
        break;
    case CH_PLAN_LIMIT: ch_buf_printf(b, "limit %lld", (long long)p->u.count); break;
    case CH_PLAN_OFFSET: ch_buf_printf(b, "offset %lld", (long long)p->u.count); break;
    case CH_PLAN_DEDUPLICATE: ch_buf_str(b, "distinct"); break;
    case CH_PLAN_WITH:
        ch_buf_str(b, "with");
        for (size_t i = 0; i < p->u.with.n; i++) {
            ch_buf_printf(b, " %s=", p->u.with.names[i]);
            show_plan(b, p->u.with.plans[i]);
        }
        break;
    default: ch_buf_printf(b, "plan%d", (int)p->kind);
    }
    if (p->input) show_plan(b, p->input);
    if (p->right) show_plan(b, p->right);
    ch_buf_char(b, '}');
}

typedef struct text_case {
    const char *sql, *want;
} text_case;

static void test_expressions(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"1 + 2 * 3", "(+ 1 (* 2 3))"},
        {"1 - 2 - 3", "(- (- 1 2) 3)"},
        {"-a * b", "(* (- a) b)"},
        {"-5", "-5"},
        {"2147483648", "2147483648L"},
        {"-9223372036854775808", "-9223372036854775808L"},
        {"9223372036854775808", "9223372036854775808m19,0"},
        {"1.50", "150m3,2"},
        {"0.05", "5m2,2"},
        {"1e3", "1000d"},
        {"1.5D", "1.5d"},
        {"7L", "7L"},
        {"'it''s'", "'it's'"},
        {"'a\\nb\\u0041' 'c'", "'a\nbAc'"},
        {"r'a\\n'", "'a\\n'"},
        {"X'0aFf'", "0aff"},
        {"a or b and not c = d", "(or a (and b (not (== c d))))"},
        {"a between 1 and 2 and b", "(and (between a 1 2) b)"},
        {"a not in (1, 2)", "(not (in a 1 2))"},
        {"a is not null", "(isnotnull a)"},
        {"a is not distinct from b", "(<=> a b)"},
        {"a like 'x%' escape '!'", "(like a 'x%' '!')"},
        {"a not like all ('x', 'y')", "(and (not (like a 'x')) (not (like a 'y')))"},
        {"a <=> b", "(<=> a b)"},
        {"a <> b", "(!= a b)"},
        {"a || 'x' || b", "(concat (concat a 'x') b)"},
        {"a & b | c ^ d", "(| (& a b) (^ c d))"},
        {"a << 1 + 2", "(shiftleft a (+ 1 2))"},
        {"case when a then 1 else 2 end", "(when a 1 2)"},
        {"case x when 1 then 'a' when 2 then 'b' end", "(when (== x 1) 'a' (== x 2) 'b')"},
        {"cast(a as decimal(10, 2))", "(cast a decimal(10,2))"},
        {"a::int + 1", "(+ (cast a int) 1)"},
        {"try_cast(a as array<array<int>>)", "(try_cast a array<array<int>>)"},
        {"date '2020-01-02'", "(cast '2020-01-02' date)"},
        {"interval 1 day 2 hours", "us93600000000[0,1]"},
        {"interval '1-2' year to month", "mo14"},
        {"interval '1 02:03:04.5' day to second", "us93784500000[0,3]"},
        {"interval -3 months", "mo-3"},
        {"interval '2 days'", "us172800000000[0,0]"},
        {"extract(year from d)", "(extract 'year' d)"},
        {"substring(a from 2 for 3)", "(substring a 2 3)"},
        {"substring(a, 2)", "(substring a 2)"},
        {"trim(leading 'x' from a)", "(ltrim 'x' a)"},
        {"position('b' in a)", "(locate 'b' a)"},
        {"count(*)", "(count *)"},
        {"count(distinct a, b)", "(count distinct a b)"},
        {"sum(a) filter (where b > 0)", "(sum a filter (> b 0))"},
        {"first(a ignore nulls)", "(first a ignore-nulls)"},
        {"transform(xs, x -> x + 1)", "(transform xs (lambda x (+ x 1)))"},
        {"aggregate(xs, 0, (acc, x) -> acc + x)", "(aggregate xs 0 (lambda acc.x (+ acc x)))"},
        {"a.b.c[0].d", "(get (get a.b.c 0) 'd')"},
        {"f(x).y", "(get (f x) 'y')"},
        {"`weird name`.`x``y`", "weird name.x`y"},
        {"t.*", "t*"},
        {"(a, b)", "(struct a b)"},
        {"struct(a, b as c)", "(struct a (as b c))"},
        {"a as b", "(as a b)"},
        {"a b", "(as a b)"},
        {"explode(m) as (k, v)", "(as (explode m) k.v)"},
        {"exists(select 1)", "(subquery1 {select 1{values [ ]}})"},
        {"a in (select b from t)", "(subquery2 a {select b{t}})"},
        {"current_date", "(current_date)"},
        {"row_number() over (partition by a order by b desc nulls first)", "(over (row_number) by a order b-F)"},
        {"sum(x) over (order by t rows between 2 preceding and current row)",
         "(over (sum x) by order t+F rows (- 2) current)"},
        {"a -- a comment\n + /* one /* nested */ */ 1", "(+ a 1)"},
        {"left(a, 2)", "(left a 2)"},
        {"if(a > 1, 'x', 'y')", "(if (> a 1) 'x' 'y')"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_arena *arena = ch_arena_new();
        ch_error err;
        ch_expr *e;
        ch_buf b = {0};
        if (ch_parse_expression(arena, cases[i].sql, &e, &err)) fail_msg("%s: %s", cases[i].sql, err.message);
        show_expr(&b, e);
        if (strcmp(ch_buf_text(&b), cases[i].want))
            fail_msg("%s: got %s, want %s", cases[i].sql, ch_buf_text(&b), cases[i].want);
        ch_buf_reset(&b);
        ch_arena_free(arena);
    }
}

static void test_queries(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"select 1", "{select 1{values [ ]}}"},
        {"select a, b as c from t where a > 1;", "{select a (as b c){where (> a 1){t}}}"},
        {"select distinct a from db.t x", "{distinct{select a{as x{db.t}}}}"},
        {"select a, count(*) n from t group by a having n > 1 order by 2 desc limit 3",
         "{limit 3{order 2-L{group[ a ] select a (as (count *) n) having (> n 1){t}}}}"},
        {"select a, sum(b) from t group by 1", "{group[ a ] select a (sum b){t}}"},
        {"select a, sum(b) from t group by rollup(a, c)", "{rollup[ a c ] select a (sum b){t}}"},
        {"select a from t group by a, b grouping sets ((a), (a, b), ())",
         "{sets[ a b { a } { a b } { } ] select a{t}}"},
        {"select * from a join b on a.k = b.k left join c using (k, j)",
         "{select *{left using k.j{inner on (== a.k b.k){a}{b}}{c}}}"},
        {"select * from a, b", "{select *{cross{a}{b}}}"},
        {"select * from a left semi join b on a.x = b.x", "{select *{semi on (== a.x b.x){a}{b}}}"},
        {"select 1 union select 2 intersect select 3",
         "{distinct{union all{select 1{values [ ]}}{intersect{select 2{values [ ]}}{select 3{values [ ]}}}}}"},
        {"select 1 union all select 2 order by 1",
         "{order 1+F{union all{select 1{values [ ]}}{select 2{values [ ]}}}}"},
        {"with a as (select 1 x), b(y) as (select x from a) select * from b",
         "{with a={select (as 1 x){values [ ]}} b={names y{select x{a}}}{select *{b}}}"},
        {"select * from (select 1) t", "{select *{as t{select 1{values [ ]}}}}"},
        {"select * from values (1, 'a'), (2, 'b') as t(x, y)",
         "{select *{as t{names x.y{values [ 1 'a' ] [ 2 'b' ]}}}}"},
        {"select * from range(5)", "{select *{range 0 5 1}}"},
        {"select * from parquet.`/a/b`", "{select *{read parquet /a/b}}"},
        {"select x from t lateral view outer explode(a) e as x", "{select x{select * (as (explode_outer a) e:x){t}}}"},
        {"select sum(a) over w from t window w as (partition by b)", "{select (over (sum a) by b order){t}}"},
        {"values (1), (2)", "{values [ 1 ] [ 2 ]}"},
        {"table t", "{t}"},
        {"select a from t limit 5 offset 2", "{limit 5{offset 2{select a{t}}}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_arena *arena = ch_arena_new();
        ch_error err;
        ch_plan *p;
        ch_buf b = {0};
        if (ch_parse_query(arena, cases[i].sql, &p, &err)) fail_msg("%s: %s", cases[i].sql, err.message);
        show_plan(&b, p);
        if (strcmp(ch_buf_text(&b), cases[i].want))
            fail_msg("%s: got %s, want %s", cases[i].sql, ch_buf_text(&b), cases[i].want);
        ch_buf_reset(&b);
        ch_arena_free(arena);
    }
}

static void test_types(void **state)
{
    (void)state;
    static const text_case cases[] = {
        {"int", "int"},
        {"BIGINT", "bigint"},
        {"decimal", "decimal(10,0)"},
        {"array<struct<a:int,b:map<string,double>>>", "array<struct<a:int,b:map<string,double>>>"},
        {"struct<a: int, `b c`: string>", "struct<a:int,b c:string>"},
        {"a int, b string", "struct<a:int,b:string>"},
        {"a: int, b: array<array<string>>", "struct<a:int,b:array<array<string>>>"},
        {"id long not null comment 'key', v vector", "struct<id:bigint,v:vector>"},
        {"interval day to second", "interval day to second"},
        {"varchar(3)", "varchar(3)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_arena *arena = ch_arena_new();
        ch_error err;
        const ch_type *t;
        ch_buf b = {0};
        if (ch_parse_type(arena, cases[i].sql, &t, &err)) fail_msg("%s: %s", cases[i].sql, err.message);
        ch_type_simple(&b, t);
        if (strcmp(ch_buf_text(&b), cases[i].want))
            fail_msg("%s: got %s, want %s", cases[i].sql, ch_buf_text(&b), cases[i].want);
        ch_buf_reset(&b);
        ch_arena_free(arena);
    }
    ch_arena *arena = ch_arena_new();
    ch_error err;
    const ch_type *t;
    assert_int_equal(ch_parse_type(arena, "id long not null comment 'the key'", &t, &err), 0);
    assert_false(t->fields[0].nullable);
    assert_string_equal(t->fields[0].metadata, "{\"comment\":\"the key\"}");
    ch_arena_free(arena);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *condition, *message;
    } cases[] = {
        {"selec 1", "PARSE_SYNTAX_ERROR", "Syntax error at or near 'selec'"},
        {"select a from", "PARSE_SYNTAX_ERROR", "end of input"},
        {"select a b c from t", "PARSE_SYNTAX_ERROR", "near 'c'"},
        {"select (1 + from t", "PARSE_SYNTAX_ERROR", "near 'from'"},
        {"", "PARSE_EMPTY_STATEMENT", "empty"},
        {"select 'abc", "PARSE_SYNTAX_ERROR", "near '''. SQLSTATE: 42601 (line 1, pos 7)\n\n== SQL ==\nselect 'abc\n"},
        {"select @", "PARSE_SYNTAX_ERROR", "near '@'. SQLSTATE: 42601 (line 1, pos 7)"},
        {"select 1 2", "PARSE_SYNTAX_ERROR", "\n[PARSE_SYNTAX_ERROR] Syntax error at or near '2': extra input '2'."},
        {"select cast(1 as arr<int>)", "PARSE_SYNTAX_ERROR", "near '<'"},
        {"select cast(1 as varchar)", "DATATYPE_MISSING_SIZE", "VARCHAR"},
        {"select /* x", "UNCLOSED_BRACKETED_COMMENT", ""},
        {"select :x", "UNBOUND_SQL_PARAMETER", "x"},
        {"select cast(1 as foo)", "UNSUPPORTED_DATATYPE", "FOO"},
        {"select sum(a) over w from t", "MISSING_WINDOW_SPECIFICATION", "w"},
        {"select * from t unpivot ((a, b) for c in ((d, e)))", "UNSUPPORTED_FEATURE.SQL_SYNTAX", "UNPIVOT"},
        {"select * from t tablesample (5 lines)", "PARSE_SYNTAX_ERROR", "near 'lines'"},
        {"select * from t pivot (sum(a) for b (1))", "PARSE_SYNTAX_ERROR", "near '('"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_arena *arena = ch_arena_new();
        ch_error err;
        ch_plan *p;
        assert_int_not_equal(ch_parse_query(arena, cases[i].sql, &p, &err), 0);
        if (strcmp(err.condition, cases[i].condition) || !strstr(err.message, cases[i].message))
            fail_msg("%s: got %s: %s", cases[i].sql, err.condition, err.message);
        ch_arena_free(arena);
    }
}

/* Deep nesting ends with an error, not with the stack. */
static void test_depth(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    ch_arena *arena = ch_arena_new();
    ch_buf text = {0};
    ch_error err;
    ch_expr *e;
    for (int i = 0; i < DEEP; i++) ch_buf_char(&text, '(');
    ch_buf_char(&text, '1');
    for (int i = 0; i < DEEP; i++) ch_buf_char(&text, ')');
    assert_int_not_equal(ch_parse_expression(arena, ch_buf_text(&text), &e, &err), 0);
    assert_string_equal(err.condition, "FAILED_TO_PARSE_TOO_COMPLEX");
    ch_buf_clear(&text);
    for (int i = 0; i < DEEP; i++) ch_buf_str(&text, "- ");
    assert_int_not_equal(ch_parse_expression(arena, ch_buf_text(&text), &e, &err), 0);
    ch_buf_reset(&text);
    ch_arena_free(arena);
}

static void test_statements(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    ch_error err;
    ch_statement st;
    ch_plan *sql = ch_plan_new(arena, CH_PLAN_SQL, NULL);
    sql->u.sql.query = "create or replace temp view v as select 1";
    assert_int_equal(ch_parse_statement(arena, sql, &st, &err), 0);
    assert_int_equal(st.kind, CH_STMT_CREATE_VIEW);
    assert_true(st.replace);
    assert_string_equal(st.parts[0], "v");
    sql->u.sql.query = "SET spark.sql.shuffle.partitions = 8 ;";
    assert_int_equal(ch_parse_statement(arena, sql, &st, &err), 0);
    assert_int_equal(st.kind, CH_STMT_SET);
    assert_string_equal(st.key, "spark.sql.shuffle.partitions");
    assert_string_equal(st.value, "8");
    sql->u.sql.query = "insert into t values (1)";
    assert_int_not_equal(ch_parse_statement(arena, sql, &st, &err), 0);
    assert_string_equal(err.condition, "UNSUPPORTED_FEATURE.SQL_SYNTAX");
    ch_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expressions), cmocka_unit_test(test_queries), cmocka_unit_test(test_types),
        cmocka_unit_test(test_errors),      cmocka_unit_test(test_depth),   cmocka_unit_test(test_statements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
