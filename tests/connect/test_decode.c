/* test_decode.c: protobuf values into ours and back: types, literals, expressions, relations. */
#include "testing.h"

#include "connect/decode.h"
#include "connect/encode.h"
#include "connect/wire.h"

#include <math.h>
#include <string.h>

static ch_arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = ch_arena_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ch_arena_free(arena);
    return 0;
}

/* --- types -------------------------------------------------------------------------------------------------------- */

static void assert_type_round_trip(const ch_type *type)
{
    const ch_type *back;
    ch_error err;
    assert_int_equal(ch_decode_type(arena, ch_encode_type(arena, type), &back, &err), CH_OK);
    assert_true(ch_type_equal(type, back, true));
}

static void test_types_round_trip(void **state)
{
    (void)state;
    const ch_type *const SIMPLE[] = {
        &ch_type_null,          &ch_type_boolean,   &ch_type_byte,       &ch_type_short,  &ch_type_int,
        &ch_type_long,          &ch_type_float,     &ch_type_double,     &ch_type_string, &ch_type_binary,
        &ch_type_date,          &ch_type_timestamp, &ch_type_matrix,     &ch_type_vector, &ch_type_calendar,
        &ch_type_timestamp_ntz, &ch_type_day_time,  &ch_type_year_month,
    };
    for (size_t i = 0; i < sizeof SIMPLE / sizeof *SIMPLE; i++) assert_type_round_trip(SIMPLE[i]);
    assert_type_round_trip(ch_type_decimal(arena, 38, 18));
    assert_type_round_trip(ch_type_sized(arena, CH_VARCHAR, 12, 0));
    assert_type_round_trip(ch_type_sized(arena, CH_CHAR, 3, 0));
    assert_type_round_trip(ch_type_sized(arena, CH_INTERVAL_DAY_TIME, 1, 2));
    assert_type_round_trip(ch_type_sized(arena, CH_INTERVAL_YEAR_MONTH, 0, 0));
    const ch_type *list = ch_type_array(arena, ch_type_map(arena, &ch_type_string, &ch_type_long, false), true);
    ch_field fields[] = {{"a", list, true, NULL}, {"v", &ch_type_vector, false, NULL}};
    assert_type_round_trip(ch_type_struct(arena, fields, 2));
}

static void test_field_metadata_travels(void **state)
{
    (void)state;
    ch_field field = {"f", &ch_type_double, true, "{\"ml_attr\":{\"type\":\"numeric\"}}"};
    const ch_type *back;
    ch_error err;
    assert_int_equal(ch_decode_type(arena, ch_encode_type(arena, ch_type_struct(arena, &field, 1)), &back, &err),
                     CH_OK);
    assert_string_equal(back->fields[0].metadata, field.metadata);
}

/* Clients know vectors as UDTs without the struct that stores them. */
static void test_vectors_are_udts(void **state)
{
    (void)state;
    const PB(DataType) *type = ch_encode_type(arena, &ch_type_vector);
    assert_int_equal(type->kind_case, SPARK__CONNECT__DATA_TYPE__KIND_UDT);
    assert_string_equal(type->udt->type, "udt");
    assert_string_equal(type->udt->jvm_class, "org.apache.spark.ml.linalg.VectorUDT");
    assert_string_equal(type->udt->python_class, "pyspark.ml.linalg.VectorUDT");
    assert_int_equal(type->udt->_sql_type_case, 0);
}

static void assert_type_refused(PB(DataType) *type, const char *condition)
{
    const ch_type *out;
    ch_error err;
    assert_int_not_equal(ch_decode_type(arena, type, &out, &err), CH_OK);
    assert_string_equal(err.condition, condition);
}

static void test_bad_types_are_refused(void **state)
{
    (void)state;
    PB(DataType) *type = PB_NEW(arena, data_type);
    assert_type_refused(NULL, "INTERNAL_ERROR");
    assert_type_refused(type, "INTERNAL_ERROR");
    type->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_DECIMAL;
    type->decimal = PB_NEW(arena, data_type__decimal);
    type->decimal->_precision_case = SPARK__CONNECT__DATA_TYPE__DECIMAL___PRECISION_PRECISION;
    type->decimal->precision = 39;
    assert_type_refused(type, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION");
    type->decimal->precision = -1;
    assert_type_refused(type, "INTERNAL_ERROR");
    type->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_VARIANT;
    type->variant = PB_NEW(arena, data_type__variant);
    assert_type_refused(type, "UNSUPPORTED_FEATURE");
    for (int i = 0; i < 2 * CH_TYPE_DEPTH_MAX; i++) {
        PB(DataType) *outer = PB_NEW(arena, data_type);
        outer->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_ARRAY;
        outer->array = PB_NEW(arena, data_type__array);
        outer->array->element_type = type;
        type = outer;
    }
    assert_type_refused(type, "INTERNAL_ERROR");
}

/* --- literals ----------------------------------------------------------------------------------------------------- */

static ch_literal decode(const PB(Expression__Literal) *in)
{
    ch_literal out;
    ch_error err;
    assert_int_equal(ch_decode_literal(arena, in, &out, &err), CH_OK);
    return out;
}

static void test_numbers_round_trip(void **state)
{
    (void)state;
    const struct {
        const ch_type *type;
        int64_t value;
    } CASES[] = {
        {&ch_type_byte, -128},      {&ch_type_short, 32767},     {&ch_type_int, INT32_MIN},
        {&ch_type_long, INT64_MIN}, {&ch_type_date, -719162},    {&ch_type_timestamp, 1},
        {&ch_type_day_time, -5},    {&ch_type_year_month, 1200}, {&ch_type_timestamp_ntz, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        ch_literal in = {.type = CASES[i].type, .v.integer = CASES[i].value};
        ch_literal out = decode(ch_encode_literal(arena, &in));
        assert_true(ch_type_equal(out.type, CASES[i].type, true));
        assert_true(out.v.integer == CASES[i].value);
    }
    ch_literal real = {.type = &ch_type_double, .v.real = -0.0};
    ch_literal back = decode(ch_encode_literal(arena, &real));
    assert_true(back.v.real == 0 && signbit(back.v.real));
    real = (ch_literal){.type = &ch_type_float, .v.real = (double)0.1F};
    assert_true(decode(ch_encode_literal(arena, &real)).v.real == (double)0.1F);
}

/* Values and types as Spark's Decimal(value) with the precision and scale the client announces. */
static void test_decimals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int precision, scale; /* announced; 0: not */
        int64_t unscaled;
        int out_precision, out_scale;
    } CASES[] = {
        {"12.50", 0, 0, 1250, 4, 2}, {"-0.05", 0, 0, -5, 2, 2},
        {"1.5", 10, 0, 15, 10, 1},   {"7", 10, 2, 700, 10, 2},
        {"1E+3", 0, 0, 1000, 4, 0},  {"12e-4", 0, 0, 12, 4, 4},
        {"0", 0, 0, 0, 1, 0},        {"000.000", 0, 0, 0, 3, 3},
        {".5", 0, 0, 5, 1, 1},       {"+99999999999", 0, 0, 99999999999, 11, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        PB(Expression__Literal) *in = PB_NEW(arena, expression__literal);
        in->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_DECIMAL;
        in->decimal = PB_NEW(arena, expression__literal__decimal);
        in->decimal->value = ch_arena_strdup(arena, CASES[i].text);
        in->decimal->_precision_case = CASES[i].precision != 0;
        in->decimal->precision = CASES[i].precision;
        in->decimal->_scale_case = CASES[i].precision != 0;
        in->decimal->scale = CASES[i].scale;
        /* the cases of optional fields are their field numbers */
        if (in->decimal->_precision_case) in->decimal->_precision_case = 2;
        if (in->decimal->_scale_case) in->decimal->_scale_case = 3;
        ch_literal out = decode(in);
        assert_int_equal(out.type->precision, CASES[i].out_precision);
        assert_int_equal(out.type->scale, CASES[i].out_scale);
        assert_true(out.v.decimal == CASES[i].unscaled);
    }
}

static void test_bad_decimals(void **state)
{
    (void)state;
    static const char *const CASES[] = {
        "", "abc", "1.2.3", "1e", "e5", ".", "1e99999999999", "123456789012345678901234567890123456789", "0x10", " 1",
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        PB(Expression__Literal) *in = PB_NEW(arena, expression__literal);
        in->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_DECIMAL;
        in->decimal = PB_NEW(arena, expression__literal__decimal);
        in->decimal->value = ch_arena_strdup(arena, CASES[i]);
        ch_literal out;
        ch_error err;
        assert_int_not_equal(ch_decode_literal(arena, in, &out, &err), CH_OK);
    }
}

static void test_decimal_text(void **state)
{
    (void)state;
    static const struct {
        int64_t unscaled;
        int scale;
        const char *text;
    } CASES[] = {{0, 0, "0"}, {5, 2, "0.05"}, {-5, 2, "-0.05"}, {123, 2, "1.23"}, {-120, 1, "-12.0"}, {0, 3, "0.000"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        ch_literal in = {.type = ch_type_decimal(arena, 10, CASES[i].scale), .v.decimal = CASES[i].unscaled};
        assert_string_equal(ch_encode_literal(arena, &in)->decimal->value, CASES[i].text);
    }
}

/* A sparse vector as pyspark.ml sends it, and back as pyspark.ml reads it. */
static void test_vector_literal(void **state)
{
    (void)state;
    int32_t indices[] = {1, 4};
    double values[] = {0.5, -2};
    PB(Expression__Literal) *elements[4];
    for (int i = 0; i < 4; i++) elements[i] = PB_NEW(arena, expression__literal);
    elements[0]->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_BYTE;
    elements[1]->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_INTEGER;
    elements[1]->integer = 7;
    for (int i = 2; i < 4; i++) {
        elements[i]->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_SPECIALIZED_ARRAY;
        elements[i]->specialized_array = PB_NEW(arena, expression__literal__specialized_array);
    }
    elements[2]->specialized_array->value_type_case =
        SPARK__CONNECT__EXPRESSION__LITERAL__SPECIALIZED_ARRAY__VALUE_TYPE_INTS;
    elements[2]->specialized_array->ints = PB_NEW(arena, ints);
    elements[2]->specialized_array->ints->n_values = 2;
    elements[2]->specialized_array->ints->values = indices;
    elements[3]->specialized_array->value_type_case =
        SPARK__CONNECT__EXPRESSION__LITERAL__SPECIALIZED_ARRAY__VALUE_TYPE_DOUBLES;
    elements[3]->specialized_array->doubles = PB_NEW(arena, doubles);
    elements[3]->specialized_array->doubles->n_values = 2;
    elements[3]->specialized_array->doubles->values = values;
    PB(Expression__Literal) *in = PB_NEW(arena, expression__literal);
    in->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_STRUCT;
    in->struct_ = PB_NEW(arena, expression__literal__struct);
    in->struct_->struct_type = ch_encode_type(arena, &ch_type_vector);
    in->struct_->n_elements = 4;
    in->struct_->elements = elements;

    ch_literal out = decode(in);
    assert_int_equal(out.type->kind, CH_VECTOR);
    assert_int_equal(out.v.list.n, 4);
    assert_int_equal(out.v.list.items[1].v.integer, 7);
    assert_true(out.v.list.items[3].v.list.items[1].v.real == -2);
    const PB(Expression__Literal) *back = ch_encode_literal(arena, &out);
    assert_int_equal(back->struct_->elements[2]->specialized_array->ints->values[1], 4);
    assert_true(back->struct_->elements[3]->specialized_array->doubles->values[0] == 0.5);

    in->struct_->n_elements = 3; /* a vector has four fields */
    ch_error err;
    assert_int_not_equal(ch_decode_literal(arena, in, &out, &err), CH_OK);
    in->struct_->n_elements = 4;
    elements[3] = elements[1]; /* and its values are an array */
    assert_int_not_equal(ch_decode_literal(arena, in, &out, &err), CH_OK);
}

static PB(Expression__Literal) *int_literal(int value)
{
    PB(Expression__Literal) *in = PB_NEW(arena, expression__literal);
    in->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_INTEGER;
    in->integer = value;
    return in;
}

static PB(Expression__Literal) *array_literal(size_t n, PB(Expression__Literal) **elements)
{
    PB(Expression__Literal) *in = PB_NEW(arena, expression__literal);
    in->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_ARRAY;
    in->array = PB_NEW(arena, expression__literal__array);
    in->array->n_elements = n;
    in->array->elements = elements;
    return in;
}

static void test_array_types(void **state)
{
    (void)state;
    PB(Expression__Literal) *null = PB_NEW(arena, expression__literal);
    null->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_NULL;
    null->null = ch_encode_type(arena, &ch_type_null);
    PB(Expression__Literal) *elements[] = {null, int_literal(3)};
    ch_literal out = decode(array_literal(2, elements)); /* the type comes from the first item that has one */
    assert_int_equal(out.type->fields[0].type->kind, CH_INT);
    assert_true(out.v.list.items[0].is_null);
    assert_int_equal(out.v.list.items[0].type->kind, CH_INT);
    out = decode(array_literal(0, NULL));
    assert_int_equal(out.v.list.n, 0);
    elements[0] = PB_NEW(arena, expression__literal);
    elements[0]->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_STRING;
    elements[0]->string = ch_arena_strdup(arena, "x");
    ch_error err;
    assert_int_not_equal(ch_decode_literal(arena, array_literal(2, elements), &out, &err), CH_OK);
}

/* Each level is looked at once: a literal nested as deep as allowed takes no time. */
static void test_nested_arrays(void **state)
{
    (void)state;
    PB(Expression__Literal) *in = int_literal(1);
    for (int i = 0; i < CH_TYPE_DEPTH_MAX; i++) {
        PB(Expression__Literal) **one = CH_NEW(arena, PB(Expression__Literal) *);
        *one = in;
        in = array_literal(1, one);
    }
    assert_int_equal(decode(in).type->kind, CH_ARRAY);
    PB(Expression__Literal) **one = CH_NEW(arena, PB(Expression__Literal) *);
    *one = in;
    ch_literal out;
    ch_error err;
    assert_int_not_equal(ch_decode_literal(arena, array_literal(1, one), &out, &err), CH_OK);
}

/* --- relations ---------------------------------------------------------------------------------------------------- */

static int decode_relation(const PB(Relation) *in, ch_plan **out, ch_error *err)
{
    ch_decoder d = {.arena = arena};
    return ch_decode_relation(&d, in, out, err);
}

static PB(Relation) *range_relation(void)
{
    PB(Relation) *r = PB_NEW(arena, relation);
    r->rel_type_case = SPARK__CONNECT__RELATION__REL_TYPE_RANGE;
    r->range = PB_NEW(arena, range);
    r->range->end = 9;
    r->range->step = 1;
    r->common = PB_NEW(arena, relation_common);
    r->common->_plan_id_case = SPARK__CONNECT__RELATION_COMMON___PLAN_ID_PLAN_ID;
    r->common->plan_id = 42;
    return r;
}

static PB(Expression) *attribute(const char *name)
{
    PB(Expression) *e = PB_NEW(arena, expression);
    e->expr_type_case = SPARK__CONNECT__EXPRESSION__EXPR_TYPE_UNRESOLVED_ATTRIBUTE;
    e->unresolved_attribute = PB_NEW(arena, expression__unresolved_attribute);
    e->unresolved_attribute->unparsed_identifier = ch_arena_strdup(arena, name);
    return e;
}

static void test_sort_defaults(void **state)
{
    (void)state;
    PB(Relation) *r = PB_NEW(arena, relation);
    r->rel_type_case = SPARK__CONNECT__RELATION__REL_TYPE_SORT;
    r->sort = PB_NEW(arena, sort);
    r->sort->input = range_relation();
    PB(Expression__SortOrder) *orders[2] = {PB_NEW(arena, expression__sort_order),
                                            PB_NEW(arena, expression__sort_order)};
    orders[0]->child = attribute("id");
    orders[1]->child = attribute("a.`b.c`");
    orders[1]->direction = SPARK__CONNECT__EXPRESSION__SORT_ORDER__SORT_DIRECTION__SORT_DIRECTION_DESCENDING;
    r->sort->n_order = 2;
    r->sort->order = orders;
    ch_plan *plan;
    ch_error err;
    assert_int_equal(decode_relation(r, &plan, &err), CH_OK);
    assert_int_equal(plan->kind, CH_PLAN_SORT);
    assert_int_equal(plan->plan_id, -1);
    assert_int_equal(plan->input->plan_id, 42);
    assert_false(plan->u.sort.orders[0].descending || plan->u.sort.orders[0].nulls_last);
    assert_true(plan->u.sort.orders[1].descending && plan->u.sort.orders[1].nulls_last);
    const ch_expr *name = plan->u.sort.orders[1].expr;
    assert_int_equal(name->u.name.nparts, 2);
    assert_string_equal(name->u.name.parts[1], "b.c");
}

static void test_bad_relations_are_refused(void **state)
{
    (void)state;
    ch_plan *plan;
    ch_error err;
    assert_int_not_equal(decode_relation(NULL, &plan, &err), CH_OK);
    assert_string_equal(err.message, "[INTERNAL_ERROR] This oneOf field in spark.connect.Relation is not set: "
                                     "RELTYPE_NOT_SET SQLSTATE: XX000");
    PB(Relation) *r = PB_NEW(arena, relation);
    r->rel_type_case = SPARK__CONNECT__RELATION__REL_TYPE_JOIN;
    r->join = PB_NEW(arena, join);
    r->join->left = r->join->right = range_relation();
    assert_int_not_equal(decode_relation(r, &plan, &err), CH_OK);
    assert_string_equal(err.message, "[INTERNAL_ERROR] This enum value of spark.connect.Join.JoinType is invalid: "
                                     "JOIN_TYPE_UNSPECIFIED(0) SQLSTATE: XX000");
    r->join->join_type = 99;
    assert_int_not_equal(decode_relation(r, &plan, &err), CH_OK);
    r->rel_type_case = SPARK__CONNECT__RELATION__REL_TYPE_MAP_PARTITIONS;
    r->map_partitions = PB_NEW(arena, map_partitions);
    assert_int_not_equal(decode_relation(r, &plan, &err), CH_OK);
    assert_string_equal(err.condition, "UNSUPPORTED_FEATURE");
    assert_string_equal(err.param_value[0], "Relation map_partitions");
    r = range_relation();
    r->range->step = 0;
    assert_int_not_equal(decode_relation(r, &plan, &err), CH_OK);
}

/* Every relation and expression of the protocol, empty: an error or a plan, never a crash. */
static void test_empty_messages(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *type = PB_TYPE(relation);
    size_t decoded = 0;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &type->fields[i];
        if (!(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)) continue;
        ch_buf bytes = {0};
        ch_wire_bytes(&bytes, f->id, "", 0);
        ProtobufCMessage *message;
        ch_error err;
        assert_int_equal(ch_wire_unpack(arena, type, bytes.data, bytes.len, &message, &err), CH_OK);
        ch_plan *plan;
        if (decode_relation((void *)message, &plan, &err)) {
            assert_true(err.message[0] != '\0');
        } else {
            decoded++;
        }
        ch_buf_reset(&bytes);
    }
    assert_in_range(decoded, 1, 10); /* a project without anything, for one */
}

static void test_compressed_plans(void **state)
{
    (void)state;
    /* zstd's frame of the bytes 7a 02 18 01: Relation.range{step: 1} */
    static const uint8_t FRAME[] = {0x28, 0xB5, 0x2F, 0xFD, 0x20, 0x04, 0x21, 0x00, 0x00, 0x7A, 0x02, 0x18, 0x01};
    PB(Plan) *plan = PB_NEW(arena, plan);
    plan->op_type_case = SPARK__CONNECT__PLAN__OP_TYPE_COMPRESSED_OPERATION;
    plan->compressed_operation = PB_NEW(arena, plan__compressed_operation);
    plan->compressed_operation->op_type = SPARK__CONNECT__PLAN__COMPRESSED_OPERATION__OP_TYPE__OP_TYPE_RELATION;
    plan->compressed_operation->compression_codec = SPARK__CONNECT__COMPRESSION_CODEC__COMPRESSION_CODEC_ZSTD;
    plan->compressed_operation->data.data = ch_arena_dup(arena, FRAME, sizeof FRAME);
    plan->compressed_operation->data.len = sizeof FRAME;
    ch_decoder d = {.arena = arena};
    ch_plan *out;
    ch_error err;
    assert_int_equal(ch_decode_plan(&d, plan, &out, &err), CH_OK);
    assert_int_equal(out->kind, CH_PLAN_RANGE);
    plan->compressed_operation->data.len--;
    assert_int_not_equal(ch_decode_plan(&d, plan, &out, &err), CH_OK);
    assert_string_equal(err.condition, "CONNECT_INVALID_PLAN.CANNOT_PARSE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_round_trip),
        cmocka_unit_test(test_field_metadata_travels),
        cmocka_unit_test(test_vectors_are_udts),
        cmocka_unit_test(test_bad_types_are_refused),
        cmocka_unit_test(test_numbers_round_trip),
        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_bad_decimals),
        cmocka_unit_test(test_decimal_text),
        cmocka_unit_test(test_vector_literal),
        cmocka_unit_test(test_array_types),
        cmocka_unit_test(test_nested_arrays),
        cmocka_unit_test(test_sort_defaults),
        cmocka_unit_test(test_bad_relations_are_refused),
        cmocka_unit_test(test_empty_messages),
        cmocka_unit_test(test_compressed_plans),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
