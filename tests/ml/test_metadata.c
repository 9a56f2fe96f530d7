/* ml_attr: texts that real Spark wrote are read and written back the same;
 * hostile ones are refused. */
#include "ml/metadata.h"
#include "testing.h"

#include <string.h>

static const char *round_trip_attr(ch_arena *arena, const char *name, const char *metadata)
{
    ch_field field = {.name = name, .type = &ch_type_double, .metadata = metadata};
    ch_ml_attr attr;
    ch_error err;
    if (ch_ml_attr_read(arena, &field, &attr, &err)) return err.message[0] ? "error" : "";
    return ch_ml_attr_write(arena, &attr);
}

/* All texts are from runs of real Spark. */
static void scalar_attributes(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    const char *nominal = "{\"ml_attr\":{\"vals\":[\"a\",\"b\",\"c\",\"d\",\"__"
                          "unknown\"],\"name\":\"ci\",\"type\":\"nominal\"}}";
    assert_string_equal(round_trip_attr(arena, "ci", nominal), nominal);
    const char *classes = "{\"ml_attr\":{\"num_vals\":2,\"type\":\"nominal\"}}";
    ch_field field = {.name = "prediction", .type = &ch_type_double, .metadata = classes};
    ch_ml_attr attr;
    ch_error err;
    assert_int_equal(ch_ml_attr_read(arena, &field, &attr, &err), 0);
    assert_int_equal(ch_ml_attr_values(&attr), 2);
    assert_string_equal(ch_ml_classes_metadata(arena, 2), classes);
    field.metadata = "{\"comment\":\"x\"}";
    assert_int_equal(ch_ml_attr_read(arena, &field, &attr, &err), 0);
    assert_int_equal(attr.type, CH_ML_UNRESOLVED);
    field.metadata = "{\"ml_attr\":{}}";
    assert_int_equal(ch_ml_attr_read(arena, &field, &attr, &err), 0);
    assert_int_equal(attr.type, CH_ML_NUMERIC);
    assert_int_equal(ch_ml_attr_values(&attr), -1);
    ch_arena_free(arena);
}

static void groups_round_trip(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "{\"ml_attr\":{\"num_attrs\":6}}",
        "{\"ml_attr\":{\"num_attrs\":4,\"attrs\":{\"binary\":[{\"name\":\"a\","
        "\"idx\":0},{\"name\":\"b\",\"idx\":1},"
        "{\"name\":\"c\",\"idx\":2},{\"name\":\"d\",\"idx\":3}]}}}",
        "{\"ml_attr\":{\"num_attrs\":6,\"attrs\":{\"binary\":[{\"name\":\"cv_a\","
        "\"idx\":0},{\"name\":\"cv_b\",\"idx\":"
        "1},"
        "{\"name\":\"cv_c\",\"idx\":2},{\"name\":\"cv_d\",\"idx\":3}],"
        "\"numeric\":[{\"name\":\"x1\",\"idx\":4},"
        "{\"name\":\"x2\",\"idx\":5}]}}}",
    };
    ch_arena *arena = ch_arena_new();
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        ch_field field = {.name = "v", .type = &ch_type_vector, .metadata = TEXTS[i]};
        ch_ml_group group;
        ch_error err;
        assert_int_equal(ch_ml_group_read(arena, &field, &group, &err), 0);
        assert_string_equal(ch_ml_group_write(arena, &group), TEXTS[i]);
    }
    ch_arena_free(arena);
}

static void unnamed_features_are_numeric(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    ch_field field = {.name = "v",
                      .type = &ch_type_vector,
                      .metadata = "{\"ml_attr\":{\"num_attrs\":3,\"attrs\":{"
                                  "\"nominal\":[{\"num_vals\":4,\"idx\":1}]}}}"};
    ch_ml_group group;
    ch_error err;
    assert_int_equal(ch_ml_group_read(arena, &field, &group, &err), 0);
    assert_int_equal(group.size, 3);
    assert_int_equal(group.attrs[0].type, CH_ML_NUMERIC);
    assert_int_equal(ch_ml_attr_values(&group.attrs[1]), 4);
    field.metadata = NULL;
    assert_int_equal(ch_ml_group_read(arena, &field, &group, &err), 0);
    assert_int_equal(group.size, -1);
    ch_arena_free(arena);
}

static void hostile_metadata_are_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "{\"ml_attr\":{\"num_attrs\":-1}}",
        "{\"ml_attr\":{\"num_attrs\":99999999999}}",
        "{\"ml_attr\":{\"num_attrs\":2000000000,\"attrs\":{}}}",
        "{\"ml_attr\":{\"num_attrs\":2,\"attrs\":{\"numeric\":[{\"idx\":2}]}}}",
        "{\"ml_attr\":{\"num_attrs\":2,\"attrs\":{\"binary\":[{\"idx\":-1}]}}}",
        "{\"ml_attr\":{\"num_attrs\":2,\"attrs\":{\"nominal\":[{\"idx\":0,\"vals\":[1]}]}}}",
        "{\"ml_attr\":{\"num_attrs\":2,\"attrs\":7}}",
        "{\"ml_attr\":{\"attrs\":{\"numeric\":[{\"idx\":0}]}}}",
    };
    ch_arena *arena = ch_arena_new();
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        ch_field field = {.name = "v", .type = &ch_type_vector, .metadata = BAD[i]};
        ch_ml_group group;
        ch_error err;
        if (ch_ml_group_read(arena, &field, &group, &err) == 0) fail_msg("accepted %s", BAD[i]);
    }
    assert_string_equal(round_trip_attr(arena, "x", "{\"ml_attr\":{\"type\":\"odd\"}}"), "error");
    assert_string_equal(round_trip_attr(arena, "x", "{\"ml_attr\":{\"type\":\"nominal\",\"vals\":\"abc\"}}"), "error");
    assert_string_equal(round_trip_attr(arena, "x", "{\"ml_attr\":{\"type\":\"nominal\",\"num_vals\":-3}}"), "error");
    ch_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalar_attributes),
        cmocka_unit_test(groups_round_trip),
        cmocka_unit_test(unnamed_features_are_numeric),
        cmocka_unit_test(hostile_metadata_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
