/* test_monitor.c: records of operations: what is kept, in which order, and what notes they take. */
#include "testing.h"

#include "connect/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char SESSION[] = "00112233-4455-6677-8899-aabbccddeeff";

static ch_record *begin(ch_monitor *m, ch_operation **op, ch_summary summary)
{
    char id[CH_UUID_SIZE];
    ch_uuid_new(id);
    *op = ch_operation_new(id, false, 0, NULL);
    return ch_monitor_begin(m, *op, SESSION, "me", &summary);
}

static void run(ch_monitor *m, ch_summary summary, const ch_error *failure)
{
    ch_operation *op;
    ch_record *r = begin(m, &op, summary);
    ch_monitor_end(m, r, failure);
    ch_operation_release(op);
}

typedef struct seen {
    size_t n;
    char kinds[4][16];
    ch_record_state states[4];
    const char *error;
    char sql[200], plan[200];
    size_t nphase;
} seen;

static void look(void *arg, const ch_record *r)
{
    seen *s = arg;
    snprintf(s->kinds[s->n % 4], sizeof s->kinds[0], "%s", r->kind);
    s->states[s->n++ % 4] = r->state;
    s->nphase = r->nphase;
    snprintf(s->sql, sizeof s->sql, "%.199s", ch_buf_text(&r->sql));
    snprintf(s->plan, sizeof s->plan, "%.199s", ch_buf_text(&r->plan));
}

static void newest_come_first_and_states_tell_how_they_ended(void **state)
{
    (void)state;
    ch_monitor *m = ch_monitor_new();
    ch_error failure;
    ch_failf(&failure, CH_E_SPARK, "broken");
    run(m, (ch_summary){"write", "a", false}, NULL);
    run(m, (ch_summary){"sql", "b", false}, &failure);
    ch_operation *op;
    ch_record *r = begin(m, &op, (ch_summary){"fit", "c", false});
    seen s = {0};
    assert_int_equal(ch_monitor_each(m, true, NULL, 10, look, &s), 1);
    assert_string_equal(s.kinds[0], "fit");
    assert_true(ch_operation_interrupt(op));
    ch_monitor_end(m, r, &failure);
    ch_operation_release(op);
    s = (seen){0};
    assert_int_equal(ch_monitor_each(m, false, NULL, 2, look, &s), 3);
    assert_int_equal(s.n, 2);
    assert_string_equal(s.kinds[0], "fit");
    assert_int_equal(s.states[0], CH_RECORD_CANCELLED);
    assert_int_equal(s.states[1], CH_RECORD_FAILED);
    assert_int_equal(ch_monitor_sum(m).count[CH_RECORD_FINISHED], 1);
    assert_int_equal(ch_monitor_sum(m).count[CH_RECORD_RUNNING], 0);
    ch_monitor_free(m);
}

static void minor_operations_are_counted_and_kept_only_when_they_fail(void **state)
{
    (void)state;
    ch_monitor *m = ch_monitor_new();
    ch_error failure;
    ch_failf(&failure, CH_E_SPARK, "broken");
    run(m, (ch_summary){"fetch", "coefficients", true}, NULL);
    run(m, (ch_summary){"fetch", "nonsense", true}, &failure);
    seen s = {0};
    assert_int_equal(ch_monitor_each(m, false, NULL, 10, look, &s), 1);
    assert_int_equal(s.states[0], CH_RECORD_FAILED);
    assert_int_equal(ch_monitor_sum(m).count[CH_RECORD_FINISHED], 1);
    ch_monitor_free(m);
}

static void the_oldest_make_way(void **state)
{
    (void)state;
    ch_monitor *m = ch_monitor_new();
    for (int i = 0; i < 1500; i++) run(m, (ch_summary){i < 1499 ? "execute" : "write", "", false}, NULL);
    seen s = {0};
    assert_int_equal(ch_monitor_each(m, false, NULL, 1, look, &s), 1000);
    assert_string_equal(s.kinds[0], "write");
    ch_monitor_free(m);
}

static void notes_of_the_work_are_taken_and_cut(void **state)
{
    (void)state;
    ch_monitor *m = ch_monitor_new();
    ch_operation *op;
    ch_record *r = begin(m, &op, (ch_summary){"execute", "show", false});
    ch_task *task = ch_operation_task(op);
    ch_task_progress(task, "reading", 1, 10);
    ch_task_progress(task, "reading", 2, 10);
    ch_task_progress(task, "fitting", 1, 2);
    ch_task_progress(task, "reading", 3, 10);
    assert_true(ch_task_wants(task, CH_NOTE_PLAN));
    ch_task_note(task, CH_NOTE_SQL, "SELECT 1");
    ch_task_note(task, CH_NOTE_PLAN, "Range");
    ch_task_note(task, CH_NOTE_SQL, "SELECT 2");
    seen s = {0};
    assert_true(ch_monitor_find(m, ch_operation_id(op), NULL, look, &s));
    assert_string_equal(s.sql, "SELECT 1\n\nSELECT 2");
    assert_string_equal(s.plan, "Range");
    assert_int_equal(s.nphase, 3); /* "parse" is the first */
    char *big = malloc(1 << 20);
    memset(big, 'x', (1 << 20) - 1);
    big[(1 << 20) - 1] = '\0';
    ch_task_note(task, CH_NOTE_PLAN, big);
    ch_task_note(task, CH_NOTE_SQL, big);
    assert_false(ch_task_wants(task, CH_NOTE_PLAN));
    free(big);
    assert_true(r->sql.len < 40000 && r->plan.len < 40000);
    ch_monitor_end(m, r, NULL);
    assert_false(ch_task_wants(task, CH_NOTE_SQL));
    assert_false(ch_monitor_find(m, "nobody", NULL, look, &s));
    ch_operation_release(op);
    ch_monitor_free(m);
}

static void sum_phases(void *arg, const ch_record *r)
{
    int64_t *sum = arg;
    for (size_t i = 0; i < r->nphase; i++) *sum += ch_record_phase_us(r, i);
}

static void phases_take_turns(void **state)
{
    (void)state;
    ch_monitor *m = ch_monitor_new();
    ch_operation *op;
    ch_record *r = begin(m, &op, (ch_summary){"execute", "show", false});
    ch_task_note(ch_operation_task(op), CH_NOTE_PHASE, "execute");
    struct timespec pause = {.tv_nsec = 5000000};
    for (int i = 0; i < 3; i++) {
        const char *before = ch_record_enter(r, "send");
        assert_string_equal(before, "execute");
        nanosleep(&pause, NULL);
        ch_record_enter(r, before);
    }
    ch_task_progress(ch_operation_task(op), "query", 1, 100); /* by the engine's watcher: no phase */
    assert_int_equal(r->nphase, 3);
    assert_string_equal(r->phases[2].name, "send");
    assert_true(ch_record_phase_us(r, 2) >= 15000);
    int64_t so_far = 0, all = 0;
    ch_monitor_find(m, ch_operation_id(op), NULL, sum_phases, &so_far);
    ch_monitor_end(m, r, NULL);
    ch_monitor_find(m, ch_operation_id(op), NULL, sum_phases, &all);
    assert_true(all >= so_far && so_far >= 15000);
    ch_operation_release(op);
    ch_monitor_free(m);
}

static void users_see_their_own(void **state)
{
    (void)state;
    ch_monitor *m = ch_monitor_new();
    ch_operation *op;
    ch_record *r = begin(m, &op, (ch_summary){"execute", "show", false});
    seen s = {0};
    assert_int_equal(ch_monitor_each(m, true, "me", 10, look, &s), 1);
    assert_int_equal(ch_monitor_each(m, true, "you", 10, look, &s), 0);
    assert_true(ch_monitor_find(m, ch_operation_id(op), "me", look, &s));
    assert_false(ch_monitor_find(m, ch_operation_id(op), "you", look, &s));
    ch_monitor_end(m, r, NULL);
    assert_int_equal(ch_monitor_each(m, false, "me", 10, look, &s), 1);
    assert_int_equal(ch_monitor_each(m, false, "", 10, look, &s), 0);
    ch_operation_release(op);
    ch_monitor_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_come_first_and_states_tell_how_they_ended),
        cmocka_unit_test(minor_operations_are_counted_and_kept_only_when_they_fail),
        cmocka_unit_test(the_oldest_make_way),
        cmocka_unit_test(notes_of_the_work_are_taken_and_cut),
        cmocka_unit_test(phases_take_turns),
        cmocka_unit_test(users_see_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
