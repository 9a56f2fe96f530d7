/* test_wire.c: the checks that stand between the network and the protobuf parser. */
#include "testing.h"

#include "connect/proto.h"
#include "connect/wire.h"

#include <stdlib.h>
#include <string.h>

/* A Relation nested `levels` times as Relation.limit.input: two messages a level. */
static void nest(ch_buf *out, int levels)
{
    ch_buf inner = {0};
    for (int i = 0; i < levels; i++) {
        ch_buf limit = {0}, relation = {0};
        ch_wire_bytes(&limit, 1, ch_buf_text(&inner), inner.len);
        ch_wire_bytes(&relation, 8, limit.data, limit.len);
        ch_buf_reset(&limit);
        ch_buf_reset(&inner);
        inner = relation;
    }
    *out = inner;
}

static int check(const ch_buf *bytes, ch_error *err)
{
    return ch_wire_check(PB_TYPE(relation), ch_buf_text(bytes), bytes->len, err);
}

static void assert_refused(const void *bytes, size_t size)
{
    ch_error err;
    assert_int_not_equal(ch_wire_check(PB_TYPE(relation), bytes, size, &err), CH_OK);
    assert_string_equal(err.condition, "CONNECT_INVALID_PLAN.CANNOT_PARSE");
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    ch_buf bytes;
    ch_error err;
    nest(&bytes, CH_WIRE_DEPTH_MAX / 2 - 1);
    assert_int_equal(check(&bytes, &err), CH_OK);
    ch_buf_reset(&bytes);
    nest(&bytes, CH_WIRE_DEPTH_MAX / 2);
    assert_refused(bytes.data, bytes.len);
    ch_buf_reset(&bytes);
    nest(&bytes, 20000); /* would overflow an ordinary stack in the parser */
    assert_refused(bytes.data, bytes.len);
    ch_buf_reset(&bytes);
}

static void test_deep_messages_unpack(void **state)
{
    (void)state;
    ch_buf bytes;
    ch_error err;
    nest(&bytes, CH_WIRE_DEPTH_MAX / 2 - 1);
    ch_arena *arena = ch_arena_new();
    ProtobufCMessage *message;
    assert_int_equal(ch_wire_unpack(arena, PB_TYPE(relation), bytes.data, bytes.len, &message, &err), CH_OK);
    int levels = 0;
    for (const PB(Relation) *r = (void *)message; r->rel_type_case; r = r->limit->input) levels++;
    assert_int_equal(levels, CH_WIRE_DEPTH_MAX / 2 - 1);
    ch_arena_free(arena);
    ch_buf_reset(&bytes);
}

static void test_broken_bytes_are_refused(void **state)
{
    (void)state;
    assert_refused("\xff\xff\xff", 3);                                  /* a tag without end */
    assert_refused("\x00\x00", 2);                                      /* field 0 */
    assert_refused("\x42\x05\x01", 3);                                  /* longer than the message */
    assert_refused("\x42\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11); /* a length of 2^64 - 1 */
    assert_refused("\x43", 1);                                          /* groups */
    assert_refused("\x09\x01\x02", 3);                                  /* a cut 64-bit number */
    ch_error err;
    assert_int_equal(ch_wire_check(PB_TYPE(relation), "", 0, &err), CH_OK);
}

/* Relation.sql.query = text. */
static void sql_relation(ch_buf *out, const char *text, size_t len)
{
    ch_buf sql = {0};
    *out = (ch_buf){0};
    ch_wire_bytes(&sql, 1, text, len);
    ch_wire_bytes(out, 10, sql.data, sql.len);
    ch_buf_reset(&sql);
}

static void test_strings_are_utf8_without_nul(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        const char *condition; /* NULL: fine */
    } CASES[] = {
        {"select 'gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8c\x8d'", 24, NULL},
        {"a\xff", 2, "CONNECT_INVALID_PLAN.CANNOT_PARSE"},
        {"a\xc3", 2, "CONNECT_INVALID_PLAN.CANNOT_PARSE"},            /* cut off */
        {"\xc0\xaf", 2, "CONNECT_INVALID_PLAN.CANNOT_PARSE"},         /* overlong */
        {"\xed\xa0\x80", 3, "CONNECT_INVALID_PLAN.CANNOT_PARSE"},     /* a surrogate */
        {"\xf4\x90\x80\x80", 4, "CONNECT_INVALID_PLAN.CANNOT_PARSE"}, /* beyond U+10FFFF */
        {"a\0b", 3, "UNSUPPORTED_FEATURE"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        ch_buf bytes;
        ch_error err;
        sql_relation(&bytes, CASES[i].text, CASES[i].len);
        int status = check(&bytes, &err);
        assert_int_equal(status != CH_OK, CASES[i].condition != NULL);
        if (status) assert_string_equal(err.condition, CASES[i].condition);
        ch_buf_reset(&bytes);
    }
}

/* A message that repeats a singular submessage makes the parser merge and copy each time: its memory must be bounded.
 */
static void test_merging_is_bounded(void **state)
{
    (void)state;
    enum { REPEATS = 60000 };
    ch_buf params = {0}, one = {0}, bytes = {0};
    ch_wire_bytes(&params, 1, "", 0); /* MlParams.params: an empty entry */
    ch_wire_bytes(&one, 4, params.data, params.len);
    for (int i = 0; i < REPEATS; i++) ch_buf_add(&bytes, one.data, one.len);
    ch_arena *arena = ch_arena_new();
    ProtobufCMessage *message;
    ch_error err;
    assert_int_not_equal(ch_wire_unpack(arena, PB_TYPE(ml_relation__transform), bytes.data, bytes.len, &message, &err),
                         CH_OK);
    assert_in_range(ch_arena_used(arena), 0, (size_t)100 << 20);
    ch_arena_free(arena);
    ch_buf_reset(&bytes);
    ch_buf_reset(&one);
    ch_buf_reset(&params);
}

static void test_find_field(void **state)
{
    (void)state;
    ch_buf bytes = {0};
    ch_wire_varint(&bytes, 1, 300);
    ch_wire_string(&bytes, 2, "two");
    ch_wire_string(&bytes, 3, "three");
    const void *value;
    size_t size;
    assert_true(ch_wire_find(bytes.data, bytes.len, 3, &value, &size));
    assert_int_equal(size, 5);
    assert_memory_equal(value, "three", 5);
    assert_false(ch_wire_find(bytes.data, bytes.len, 4, &value, &size));
    ch_buf_reset(&bytes);
}

static void test_pack_and_unpack(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    PB(Relation) *r = PB_NEW(arena, relation);
    r->rel_type_case = SPARK__CONNECT__RELATION__REL_TYPE_RANGE;
    r->range = PB_NEW(arena, range);
    r->range->end = 5;
    r->range->step = -1;
    ch_buf bytes = {0};
    ch_wire_pack(&bytes, &r->base);
    ProtobufCMessage *message;
    ch_error err;
    assert_int_equal(ch_wire_unpack(arena, PB_TYPE(relation), bytes.data, bytes.len, &message, &err), CH_OK);
    const PB(Relation) *back = (void *)message;
    assert_int_equal(back->rel_type_case, SPARK__CONNECT__RELATION__REL_TYPE_RANGE);
    assert_int_equal(back->range->end, 5);
    assert_int_equal(back->range->step, -1);
    assert_int_equal(back->range->_start_case, 0);
    ch_buf_reset(&bytes);
    ch_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth_is_bounded),         cmocka_unit_test(test_deep_messages_unpack),
        cmocka_unit_test(test_broken_bytes_are_refused), cmocka_unit_test(test_strings_are_utf8_without_nul),
        cmocka_unit_test(test_merging_is_bounded),       cmocka_unit_test(test_find_field),
        cmocka_unit_test(test_pack_and_unpack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
