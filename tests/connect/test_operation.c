/* test_operation.c: the buffer of responses between a running operation and its client: order, reattachment, release,
 * back-pressure, interruption. */
#include "testing.h"

#include "connect/operation.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const char ID[] = "00112233-4455-6677-8899-aabbccddeeff";
static const atomic_bool HERE = false;

static ch_operation *new_operation(bool reattachable)
{
    return ch_operation_new(ID, reattachable, 0, NULL);
}

static int push_size(ch_operation *op, char name, size_t size, ch_error *err)
{
    ch_response *r = ch_response_new();
    ch_buf_char(&r->head, name);
    r->body = calloc(1, sizeof *r->body);
    assert_non_null(r->body);
    r->nbody = 1;
    ch_buf_reserve(r->body, size);
    r->body->len = size;
    return ch_operation_push(op, r, err);
}

static void push(ch_operation *op, char name)
{
    ch_error err;
    assert_int_equal(push_size(op, name, 0, &err), CH_OK);
}

/* The next response's name, and its id: the 36 characters at the end of its head. */
static char take(ch_cursor *cursor, char id[CH_UUID_SIZE])
{
    ch_response *r;
    ch_error err;
    ch_next next = ch_operation_next(cursor, 1000, &HERE, &r, &err);
    assert_true(next == CH_NEXT_RESPONSE || next == CH_NEXT_LAST);
    char name = r->head.data[0];
    assert_true(r->head.len > CH_UUID_SIZE);
    if (id) memcpy(id, r->head.data + r->head.len - (CH_UUID_SIZE - 1), CH_UUID_SIZE);
    ch_response_release(r);
    return name;
}

static ch_next peek(ch_cursor *cursor)
{
    ch_response *r;
    ch_error err;
    ch_next next = ch_operation_next(cursor, 0, &HERE, &r, &err);
    if (next == CH_NEXT_RESPONSE || next == CH_NEXT_LAST) ch_response_release(r);
    return next;
}

static void attach(ch_operation *op, const char *last, ch_cursor *cursor)
{
    ch_error err;
    assert_int_equal(ch_operation_attach(op, last, cursor, &err), CH_OK);
}

static void test_order_and_end(void **state)
{
    (void)state;
    ch_operation *op = new_operation(true);
    ch_cursor cursor;
    attach(op, NULL, &cursor);
    assert_int_equal(peek(&cursor), CH_NEXT_QUIET);
    push(op, 'a');
    push(op, 'b');
    char id[CH_UUID_SIZE];
    assert_int_equal(take(&cursor, id), 'a');
    assert_true(ch_uuid_valid(id));
    assert_int_equal(take(&cursor, NULL), 'b');
    assert_true(ch_operation_running(op));
    ch_operation_finish(op, NULL);
    assert_false(ch_operation_running(op));
    assert_int_equal(peek(&cursor), CH_NEXT_END);
    ch_operation_release(op);
}

static void test_failure_comes_last(void **state)
{
    (void)state;
    ch_operation *op = new_operation(true);
    push(op, 'a');
    ch_error failure, got;
    ch_failf(&failure, CH_E_IO, "no luck");
    ch_operation_finish(op, &failure);
    ch_operation_finish(op, NULL); /* the first end counts */
    ch_cursor cursor;
    attach(op, "", &cursor);
    assert_int_equal(take(&cursor, NULL), 'a');
    ch_response *r;
    assert_int_equal(ch_operation_next(&cursor, 0, &HERE, &r, &got), CH_NEXT_FAILED);
    assert_string_equal(got.message, "no luck");
    ch_operation_release(op);
}

static void test_reattach_resumes(void **state)
{
    (void)state;
    ch_operation *op = new_operation(true);
    for (char c = 'a'; c <= 'e'; c++) push(op, c);
    ch_operation_finish(op, NULL);
    ch_cursor first, second;
    char id[CH_UUID_SIZE];
    attach(op, NULL, &first);
    take(&first, NULL);
    take(&first, id);
    attach(op, id, &second);
    assert_int_equal(peek(&first), CH_NEXT_DISCONNECTED);
    for (char c = 'c'; c <= 'e'; c++) assert_int_equal(take(&second, NULL), c);
    assert_int_equal(peek(&second), CH_NEXT_END);
    /* from the start again: nothing was released */
    attach(op, NULL, &first);
    assert_int_equal(take(&first, NULL), 'a');
    ch_operation_release(op);
}

static void test_release_until(void **state)
{
    (void)state;
    ch_operation *op = new_operation(true);
    for (char c = 'a'; c <= 'd'; c++) push(op, c);
    ch_cursor cursor;
    char ids[3][CH_UUID_SIZE];
    attach(op, NULL, &cursor);
    for (int i = 0; i < 3; i++) take(&cursor, ids[i]);
    ch_error err;
    assert_int_equal(ch_operation_release_until(op, ids[1], &err), CH_OK);
    assert_int_equal(ch_operation_release_until(op, ids[0], &err), CH_OK); /* again, late: fine */
    assert_int_equal(take(&cursor, NULL), 'd');
    assert_int_not_equal(ch_operation_attach(op, ids[0], &cursor, &err), CH_OK);
    assert_string_equal(err.condition, "INVALID_CURSOR.POSITION_NOT_AVAILABLE");
    attach(op, ids[1], &cursor);
    assert_int_equal(take(&cursor, NULL), 'c');
    ch_operation_release(op);
}

static void test_unknown_positions(void **state)
{
    (void)state;
    ch_operation *op = new_operation(true);
    push(op, 'a');
    ch_cursor cursor;
    char id[CH_UUID_SIZE];
    attach(op, NULL, &cursor);
    take(&cursor, id);
    id[CH_UUID_SIZE - 2] = '7'; /* an index that was never given out */
    const char *const BAD[] = {id, "", "zz", "00112233-4455-6677-8899-aabbccddeeff"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        ch_error err;
        assert_int_not_equal(ch_operation_release_until(op, BAD[i], &err), CH_OK);
        assert_string_equal(err.condition, "INVALID_CURSOR.POSITION_NOT_FOUND");
    }
    ch_operation_release(op);
}

static void test_interrupt(void **state)
{
    (void)state;
    ch_operation *op = new_operation(true);
    assert_true(ch_operation_interrupt(op));
    ch_error err;
    assert_int_equal(push_size(op, 'a', 0, &err), CH_E_CANCELLED);
    assert_string_equal(err.condition, "OPERATION_CANCELED");
    assert_int_equal(ch_task_check(ch_operation_task(op), &err), CH_E_CANCELLED);
    ch_operation_finish(op, &err);
    assert_false(ch_operation_interrupt(op)); /* nothing left to interrupt */
    ch_operation_release(op);
}

static void test_abort_fails_whatever_the_work_says(void **state)
{
    (void)state;
    ch_operation *op = new_operation(true);
    push(op, 'a');
    ch_error failure, err;
    ch_failf(&failure, CH_E_IO, "the end is near");
    ch_operation_abort(op, &failure);
    assert_int_equal(ch_task_check(ch_operation_task(op), &err), CH_E_CANCELLED);
    assert_int_equal(push_size(op, 'b', 0, &err), CH_E_CANCELLED);
    ch_operation_finish(op, &err);
    ch_operation_complete(op, ch_response_new());
    ch_cursor cursor;
    attach(op, NULL, &cursor);
    assert_int_equal(take(&cursor, NULL), 'a');
    ch_response *r;
    assert_int_equal(ch_operation_next(&cursor, 0, &HERE, &r, &err), CH_NEXT_FAILED);
    assert_string_equal(err.message, "the end is near");
    ch_operation_release(op);
}

static void test_complete_marks_the_last_response(void **state)
{
    (void)state;
    ch_operation *op = new_operation(true);
    push(op, 'a');
    ch_response *last = ch_response_new();
    ch_buf_char(&last->head, 'z');
    ch_operation_complete(op, last);
    assert_false(ch_operation_running(op));
    ch_cursor cursor;
    attach(op, NULL, &cursor);
    assert_int_equal(peek(&cursor), CH_NEXT_RESPONSE);
    assert_int_equal(peek(&cursor), CH_NEXT_LAST);
    assert_int_equal(peek(&cursor), CH_NEXT_END);
    ch_operation_release(op);
}

static void test_close_disconnects(void **state)
{
    (void)state;
    ch_operation *op = new_operation(true);
    push(op, 'a');
    ch_cursor cursor;
    attach(op, NULL, &cursor);
    ch_operation_close(op);
    assert_int_equal(peek(&cursor), CH_NEXT_DISCONNECTED);
    ch_error err;
    assert_int_equal(push_size(op, 'b', 0, &err), CH_E_CANCELLED);
    ch_operation_release(op);
}

static void test_detached(void **state)
{
    (void)state;
    ch_operation *op = new_operation(true);
    ch_cursor cursor;
    long since;
    bool cut_off;
    attach(op, NULL, &cursor);
    assert_false(ch_operation_detached(op, &since, &cut_off));
    ch_operation_detach(&cursor, true);
    assert_true(ch_operation_detached(op, &since, &cut_off));
    assert_true(cut_off);
    ch_cursor again;
    attach(op, NULL, &again);
    ch_operation_detach(&cursor, true); /* a late goodbye of the old stream means nothing */
    assert_false(ch_operation_detached(op, &since, &cut_off));
    ch_operation_release(op);
}

static void test_gone_client(void **state)
{
    (void)state;
    ch_operation *op = new_operation(true);
    push(op, 'a');
    ch_cursor cursor;
    attach(op, NULL, &cursor);
    atomic_bool gone = true;
    ch_response *r;
    ch_error err;
    assert_int_equal(ch_operation_next(&cursor, 1000, &gone, &r, &err), CH_NEXT_GONE);
    ch_operation_release(op);
}

static void test_tags(void **state)
{
    (void)state;
    char *tags[] = {"one", "two"};
    ch_operation *op = ch_operation_new(ID, false, 2, tags);
    assert_true(ch_operation_has_tag(op, "two"));
    assert_false(ch_operation_has_tag(op, "three"));
    assert_false(ch_operation_reattachable(op));
    assert_string_equal(ch_operation_id(op), ID);
    ch_operation_release(op);
}

static void test_progress_is_dropped_after_the_end(void **state)
{
    (void)state;
    ch_operation *op = new_operation(true);
    ch_operation_finish(op, NULL);
    ch_operation_push_progress(op, ch_response_new());
    ch_cursor cursor;
    attach(op, NULL, &cursor);
    assert_int_equal(peek(&cursor), CH_NEXT_END);
    ch_operation_release(op);
}

/* --- back-pressure: a producer of big responses and a consumer that only now and then takes one ---- */

enum { BIG = 4 << 20, COUNT = 30 };

typedef struct producer {
    ch_operation *op;
    atomic_int pushed;
    int status;
} producer;

static void *produce(void *arg)
{
    producer *p = arg;
    ch_error err;
    for (int i = 0; i < COUNT && !p->status; i++) {
        p->status = push_size(p->op, 'x', BIG, &err);
        atomic_fetch_add(&p->pushed, !p->status);
    }
    ch_operation_finish(p->op, NULL);
    return NULL;
}

static void settle(producer *p)
{
    for (int last = -1, now; (now = atomic_load(&p->pushed)) != last; last = now) {
        struct timespec pause = {0, 50000000};
        nanosleep(&pause, NULL);
    }
}

static void test_producer_waits_for_the_client(void **state)
{
    (void)state;
    producer p = {.op = new_operation(true)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, produce, &p), 0);
    settle(&p);
    assert_in_range(atomic_load(&p.pushed), 1, 6); /* 16 MB and one more */
    ch_cursor cursor;
    attach(p.op, NULL, &cursor);
    char first[CH_UUID_SIZE];
    assert_int_equal(take(&cursor, first), 'x');
    for (int i = 1; i < COUNT; i++) assert_int_equal(take(&cursor, NULL), 'x');
    pthread_join(thread, NULL);
    assert_int_equal(p.status, CH_OK);
    assert_int_equal(peek(&cursor), CH_NEXT_END);
    /* what a client never released is forgotten beyond a bound */
    ch_error err;
    assert_int_not_equal(ch_operation_attach(p.op, first, &cursor, &err), CH_OK);
    assert_string_equal(err.condition, "INVALID_CURSOR.POSITION_NOT_AVAILABLE");
    ch_operation_release(p.op);
}

static void test_interrupt_wakes_a_waiting_producer(void **state)
{
    (void)state;
    producer p = {.op = new_operation(true)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, produce, &p), 0);
    settle(&p);
    assert_true(ch_operation_interrupt(p.op));
    pthread_join(thread, NULL);
    assert_int_equal(p.status, CH_E_CANCELLED);
    ch_operation_release(p.op);
}

static void test_uuids(void **state)
{
    (void)state;
    char a[CH_UUID_SIZE], b[CH_UUID_SIZE];
    ch_uuid_new(a);
    ch_uuid_new(b);
    assert_true(ch_uuid_valid(a));
    assert_string_not_equal(a, b);
    assert_int_equal(a[14], '4'); /* random UUIDs are of version 4 */
    assert_true(ch_uuid_valid("00112233-4455-6677-8899-AABBCCDDEEFF"));
    assert_false(ch_uuid_valid("00112233-4455-6677-8899-aabbccddeef"));
    assert_false(ch_uuid_valid("00112233-4455-6677-8899-aabbccddeefg"));
    assert_false(ch_uuid_valid("00112233x4455-6677-8899-aabbccddeeff"));
    assert_false(ch_uuid_valid(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_end),
        cmocka_unit_test(test_failure_comes_last),
        cmocka_unit_test(test_reattach_resumes),
        cmocka_unit_test(test_release_until),
        cmocka_unit_test(test_unknown_positions),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_abort_fails_whatever_the_work_says),
        cmocka_unit_test(test_complete_marks_the_last_response),
        cmocka_unit_test(test_close_disconnects),
        cmocka_unit_test(test_detached),
        cmocka_unit_test(test_gone_client),
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_progress_is_dropped_after_the_end),
        cmocka_unit_test(test_producer_waits_for_the_client),
        cmocka_unit_test(test_interrupt_wakes_a_waiting_producer),
        cmocka_unit_test(test_uuids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
