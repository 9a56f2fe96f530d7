/* test_filter.c: what filters and orders become in SQL. Messages of bad ones are compared with MLflow's in
 * test_replies.py. */
#include "track/search/filter.h"
#include "track/search/run_search.h"

#include "testing.h"

#include <string.h>

typedef struct parsed {
    ch_call call;
    ch_filter filter;
    ch_select query;
    int status;
} parsed;

static void parse(parsed *p, const char *text, ch_dialect dialect)
{
    *p = (parsed){.call = {.arena = ch_arena_new()}};
    p->status = ch_filter_parse(&p->call, &ch_run_rules, text, &p->filter);
    ch_select_init(&p->query, p->call.arena, dialect);
    if (!p->status) ch_filter_write(&p->filter, &p->query);
}

static void done(parsed *p)
{
    ch_select_reset(&p->query);
    ch_buf_reset(&p->call.message);
    ch_arena_free(p->call.arena);
}

static void check(const char *text, ch_dialect dialect, const char *sql)
{
    parsed p;
    parse(&p, text, dialect);
    assert_int_equal(p.status, 0);
    assert_string_equal(ch_buf_text(&p.query.text), sql);
    done(&p);
}

static void clauses_become_sql(void **state)
{
    (void)state;
    check("", CH_SQLITE, "");
    check("metrics.`a b` <= 2", CH_SQLITE,
          " AND EXISTS (SELECT 1 FROM latest_metrics m WHERE m.run = r.id AND m.key = ?1 AND (m.is_nan = 0 AND m.value "
          "<= ?2))");
    check(
        "metric.m != 2", CH_SQLITE,
        " AND EXISTS (SELECT 1 FROM latest_metrics m WHERE m.run = r.id AND m.key = ?1 AND (m.is_nan = 1 OR m.value <> "
        "?2))");
    check("params.p = 'x' AND tags.t IS NULL", CH_SQLITE,
          " AND EXISTS (SELECT 1 FROM params k WHERE k.run = r.id AND k.key = ?1 AND k.value = ?2)"
          " AND NOT EXISTS (SELECT 1 FROM tags k WHERE k.run = r.id AND k.key = ?3)");
    check("run_id NOT IN ('a', \"b\")", CH_SQLITE, " AND r.run_id NOT IN (?1, ?2)");
    check("start_time > 5 and created < 1e3", CH_SQLITE, " AND r.start_time > ?1 AND r.start_time < ?2");
}

/* Backslashes are letters as any other in MLflow's patterns, which PostgreSQL must be told. */
static void patterns_have_no_escapes(void **state)
{
    (void)state;
    check("status LIKE 'a\\_'", CH_SQLITE, " AND r.status LIKE ?1");
    check("status LIKE 'a\\_'", CH_POSTGRES, " AND r.status LIKE ?1 ESCAPE ''");
    check("status ILIKE 'a'", CH_POSTGRES, " AND LOWER(r.status) LIKE LOWER(?1) ESCAPE ''");
}

static void values_stay_values(void **state)
{
    (void)state;
    parsed p;
    parse(&p, "params.\"x'; DROP TABLE runs\" = 'y''; DROP TABLE runs'", CH_SQLITE);
    assert_int_equal(p.status, 0);
    assert_null(strstr(ch_buf_text(&p.query.text), "DROP"));
    assert_int_equal(p.query.nvalue, 2);
    assert_string_equal(p.query.values[0].text, "x'; DROP TABLE runs");
    assert_string_equal(p.query.values[1].text, "y''; DROP TABLE runs");
    done(&p);
}

static void numbers_keep_their_kind(void **state)
{
    (void)state;
    parsed p;
    parse(&p, "start_time = 1700000000001 AND end_time > -2.5 AND metrics.m < 1e999", CH_SQLITE);
    assert_int_equal(p.status, 0);
    assert_int_equal(p.query.values[0].kind, CH_SELECT_INT);
    assert_int_equal(p.query.values[0].integer, 1700000000001);
    assert_int_equal(p.query.values[1].kind, CH_SELECT_DOUBLE);
    assert_float_equal(p.query.values[1].real, -2.5, 0);
    assert_true(p.query.values[3].real > 1e308); /* the largest there is, as infinities are stored */
    done(&p);
}

static void too_many_clauses_are_refused(void **state)
{
    (void)state;
    ch_buf text = {0};
    for (int i = 0; i <= CH_FILTER_CLAUSES_MAX; i++) ch_buf_printf(&text, "%sstart_time > 1", i ? " AND " : "");
    parsed p;
    parse(&p, text.data, CH_SQLITE);
    assert_int_equal(p.call.code, CH_MLFLOW_INVALID_PARAMETER_VALUE);
    done(&p);
    ch_buf_reset(&text);
}

static void orders_put_what_is_missing_last(void **state)
{
    (void)state;
    ch_call call = {.arena = ch_arena_new()};
    ch_order_list list;
    ch_select query;
    json_t *orders = json_pack("[s,s]", "metrics.m DESC", "end_time");
    assert_int_equal(ch_order_parse(&call, &ch_run_rules, orders, &list), 0);
    ch_select_init(&query, call.arena, CH_SQLITE);
    ch_order_joins(&list, &query);
    ch_order_write(&list, &query);
    assert_string_equal(ch_buf_text(&query.text),
                        " LEFT JOIN latest_metrics o0 ON o0.run = r.id AND o0.key = ?1"
                        " ORDER BY CASE WHEN o0.value IS NULL THEN 2 ELSE o0.is_nan END, o0.value DESC,"
                        " r.end_time IS NULL, r.end_time, r.start_time DESC, r.run_id");
    ch_select_reset(&query);
    json_decref(orders);
    ch_arena_free(call.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clauses_become_sql),           cmocka_unit_test(patterns_have_no_escapes),
        cmocka_unit_test(values_stay_values),           cmocka_unit_test(numbers_keep_their_kind),
        cmocka_unit_test(too_many_clauses_are_refused), cmocka_unit_test(orders_put_what_is_missing_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
