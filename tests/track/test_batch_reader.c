/* test_batch_reader.c: which bodies of log-batch the quick reader takes, and what it makes of them. */
#include "track/run/batch_reader.h"

#include "testing.h"

#include <string.h>

static bool read_body(ch_arena *arena, const char *body, ch_batch *out)
{
    return ch_batch_read(arena, body, strlen(body), out);
}

static void a_plain_body_is_read(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    ch_batch b;
    assert_true(read_body(arena,
                          " {\"run_id\": \"r\", \"metrics\": [{\"key\": \"m\", \"value\": 1.5e-3, \"timestamp\": "
                          "1700000000000, \"step\": -2},\n{\"value\":\"NaN\",\"key\":\"n\",\"timestamp\":0,"
                          "\"model_id\":\"m-1\",\"run_id\":\"r\"}], \"params\":[{\"key\":\"p\",\"value\":\"v w\"},"
                          "{\"key\":\"q\"}],\"tags\":[]} ",
                          &b));
    assert_string_equal(b.run_id, "r");
    assert_int_equal(b.npoint, 2);
    assert_string_equal(b.points[0].key, "m");
    assert_float_equal(b.points[0].value, 0.0015, 0);
    assert_int_equal(b.points[0].timestamp, 1700000000000);
    assert_int_equal(b.points[0].step, -2);
    assert_true(b.points[1].is_nan);
    assert_int_equal(b.points[1].step, 0);
    assert_string_equal(b.points[1].model_id, "m-1");
    assert_int_equal(b.nparam, 2);
    assert_string_equal(b.params[0].value, "v w");
    assert_string_equal(b.params[1].value, "");
    assert_int_equal(b.ntag, 0);
    ch_arena_free(arena);
}

/* What is not plain, good or bad, is left to the slow way. */
static void other_bodies_are_left_alone(void **state)
{
    (void)state;
    static const char *const BODIES[] = {
        "",
        "[]",
        "{}",
        "{\"run_id\":\"\"}",
        "{\"run_id\":\"r\"",
        "{\"run_id\":\"r\"}}",
        "{\"run_id\":\"r\",}",
        "{\"run_id\":\"r\",\"run_id\":\"s\"}",
        "{\"run_id\":\"r\",\"more\":1}",
        "{\"run_id\":\"r\\u0041\"}",
        "{\"run_id\":\"\xc3\xa4\"}",
        "{\"run_id\":5}",
        "{\"run_id\":\"r\",\"metrics\":{}}",
        "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"m\",\"value\":1}]}",
        "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"m\",\"value\":1,\"timestamp\":1.5}]}",
        "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"m\",\"value\":01,\"timestamp\":1}]}",
        "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"m\",\"value\":1.,\"timestamp\":1}]}",
        "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"m\",\"value\":0x1,\"timestamp\":1}]}",
        "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"m\",\"value\":\"x\",\"timestamp\":1}]}",
        "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"m\",\"value\":1,\"timestamp\":12345678901234567890}]}",
        "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"m\",\"key\":\"n\",\"value\":1,\"timestamp\":1}]}",
        "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"\",\"value\":1,\"timestamp\":1}]}",
        "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"m\",\"value\":1,\"timestamp\":1},]}",
        "{\"run_id\":\"r\",\"params\":[{\"value\":\"v\"}]}",
        "{\"run_id\":\"r\",\"params\":[{\"key\":\"p\",\"value\":null}]}",
        "{\"run_id\":\"r\",\"tags\":[{\"key\":\"p\",\"value\":\"v\",\"other\":1}]}",
    };
    for (size_t i = 0; i < sizeof BODIES / sizeof *BODIES; i++) {
        ch_arena *arena = ch_arena_new();
        ch_batch b;
        if (read_body(arena, BODIES[i], &b)) fail_msg("was read: %s", BODIES[i]);
        ch_arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_body_is_read),
        cmocka_unit_test(other_bodies_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
