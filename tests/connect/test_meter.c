/* test_meter.c: CPU time and memory of operations: whose they are when one runs alone, when several do, and when other
 * threads of the process work for something else. */
#include "testing.h"

#include "base/cpu.h"
#include "connect/meter.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const int64_t MS = 1000000;
/* clocks are read one after the other: what runs in between, on a machine that is slow, counts for the one and not yet
 * for the other */
static const int64_t SLACK = 25 * 1000000;

/* Works until this thread has used so much more CPU time. */
static void burn(int64_t ns)
{
    int64_t end = ch_clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;
    while (ch_clock_ns(CLOCK_THREAD_CPUTIME_ID) < end) continue;
}

static void *burn_aside(void *arg)
{
    ch_cpu_stand_aside();
    burn(*(int64_t *)arg);
    return NULL;
}

static void *burn_along(void *arg)
{
    burn(*(int64_t *)arg);
    return NULL;
}

static void in_thread(void *(*fn)(void *), int64_t ns)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fn, &ns), 0);
    pthread_join(thread, NULL);
}

static void one_alone_gets_all_that_worked_for_it(void **state)
{
    (void)state;
    ch_meter *m = ch_meter_new();
    ch_measure measure = {0};
    ch_cost cost;
    int64_t before = ch_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    ch_meter_begin(m, &measure);
    burn(50 * MS);
    in_thread(burn_along, 100 * MS);
    in_thread(burn_aside, 200 * MS);
    ch_meter_look(m, &measure, &cost);
    assert_true(cost.cpu_ns >= 150 * MS - SLACK);
    ch_meter_end(m, &measure, &cost);
    int64_t all = ch_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before;
    assert_true(cost.alone);
    assert_in_range(cost.cpu_ns, 150 * MS - SLACK, all - 200 * MS + SLACK);
    ch_meter_free(m);
}

static void what_was_used_before_is_not_counted(void **state)
{
    (void)state;
    ch_meter *m = ch_meter_new();
    ch_measure measure = {0};
    ch_cost cost;
    burn(100 * MS);
    in_thread(burn_along, 100 * MS);
    ch_meter_begin(m, &measure);
    ch_meter_end(m, &measure, &cost);
    assert_true(cost.cpu_ns < SLACK);
    ch_meter_free(m);
}

typedef struct other {
    ch_meter *meter;
    ch_cost cost;
    pthread_barrier_t both, done;
} other;

static void *run_other(void *arg)
{
    other *o = arg;
    ch_measure measure = {0};
    ch_meter_begin(o->meter, &measure);
    pthread_barrier_wait(&o->both);
    burn(100 * MS);
    pthread_barrier_wait(&o->done);
    ch_meter_end(o->meter, &measure, &o->cost);
    return NULL;
}

static void those_that_run_together_share_what_is_nobodys(void **state)
{
    (void)state;
    other o = {.meter = ch_meter_new()};
    ch_measure measure = {0};
    ch_cost cost;
    pthread_t thread;
    pthread_barrier_init(&o.both, NULL, 2);
    pthread_barrier_init(&o.done, NULL, 2);
    ch_meter_begin(o.meter, &measure);
    assert_int_equal(pthread_create(&thread, NULL, run_other, &o), 0);
    pthread_barrier_wait(&o.both);
    burn(20 * MS);
    in_thread(burn_along, 80 * MS);
    pthread_barrier_wait(&o.done);
    pthread_join(thread, NULL);
    ch_meter_end(o.meter, &measure, &cost);
    assert_false(cost.alone);
    assert_false(o.cost.alone);
    assert_in_range(cost.cpu_ns, 60 * MS - SLACK, 60 * MS + SLACK);     /* its own 20, half of 80 */
    assert_in_range(o.cost.cpu_ns, 140 * MS - SLACK, 140 * MS + SLACK); /* its own 100, the other half */
    ch_meter_free(o.meter);
}

static void memory_is_what_the_process_grew_by(void **state)
{
    enum { BIG = 64 << 20 };
    (void)state;
    ch_meter *m = ch_meter_new();
    ch_measure measure = {0};
    ch_cost cost;
    ch_meter_begin(m, &measure);
    char *big = malloc(BIG);
    assert_non_null(big);
    memset(big, 1, BIG);
    /* the thread looks by itself: nobody asks before the memory has gone again */
    struct timespec pause = {.tv_nsec = 10 * MS};
    for (int i = 0; i < 3000; i++) {
        nanosleep(&pause, NULL);
        if (__atomic_load_n(&measure.bytes_most, __ATOMIC_RELAXED) - measure.bytes_before >= BIG - (8 << 20)) break;
    }
    free(big);
    ch_meter_end(m, &measure, &cost);
    /* what was free before, what others take, and the eighth that AddressSanitizer needs to watch over it */
    assert_in_range(cost.peak_bytes, BIG - (8 << 20), BIG + (16 << 20));
    ch_measure next = {0};
    ch_meter_begin(m, &next);
    ch_meter_end(m, &next, &cost);
    assert_true(cost.peak_bytes < 16 << 20);
    ch_meter_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_alone_gets_all_that_worked_for_it),
        cmocka_unit_test(what_was_used_before_is_not_counted),
        cmocka_unit_test(those_that_run_together_share_what_is_nobodys),
        cmocka_unit_test(memory_is_what_the_process_grew_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
