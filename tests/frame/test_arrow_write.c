/* Arrow streams out: what the encoder writes is read back with nanoarrow, which checks the whole structure, and
 * compared value by value. (pyarrow read the same streams when this was written.) */
#include "frame/engine/query.h"
#include "testing.h"

#include <nanoarrow/nanoarrow.h>
#include <nanoarrow/nanoarrow_ipc.h>

#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 2048 };

/* A stream decoded: schema and the one record batch. */
typedef struct decoded {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct ArrowArrayView view;
} decoded;

static void decode(decoded *d, const ch_buf *bytes)
{
    struct ArrowBuffer input;
    struct ArrowIpcInputStream in;
    struct ArrowArray end;
    ArrowBufferInit(&input);
    assert_int_equal(ArrowBufferAppend(&input, bytes->data, (int64_t)bytes->len), NANOARROW_OK);
    assert_int_equal(ArrowIpcInputStreamInitBuffer(&in, &input), NANOARROW_OK);
    assert_int_equal(ArrowIpcArrayStreamReaderInit(&d->stream, &in, NULL), NANOARROW_OK);
    assert_int_equal(ArrowArrayStreamGetSchema(&d->stream, &d->schema, NULL), NANOARROW_OK);
    struct ArrowError error = {""};
    int status = ArrowArrayStreamGetNext(&d->stream, &d->array, &error);
    if (status) fail_msg("nanoarrow: %s", error.message);
    assert_int_equal(ArrowArrayViewInitFromSchema(&d->view, &d->schema, NULL), NANOARROW_OK);
    assert_int_equal(ArrowArrayViewSetArray(&d->view, &d->array, NULL), NANOARROW_OK);
    assert_int_equal(ArrowArrayViewValidate(&d->view, NANOARROW_VALIDATION_LEVEL_FULL, NULL), NANOARROW_OK);
    assert_int_equal(ArrowArrayStreamGetNext(&d->stream, &end, NULL), NANOARROW_OK);
    assert_null(end.release);
}

static void decoded_free(decoded *d)
{
    ArrowArrayViewReset(&d->view);
    ArrowArrayRelease(&d->array);
    ArrowSchemaRelease(&d->schema);
    ArrowArrayStreamRelease(&d->stream);
}

static ch_string text(const char *s)
{
    ch_string out = {0};
    size_t len = strlen(s);
    out.value.inlined.len = (uint32_t)len;
    if (len <= 12) {
        memcpy(out.value.inlined.inlined, s, len);
    } else {
        memcpy(out.value.pointer.prefix, s, 4);
        out.value.pointer.ptr = s;
    }
    return out;
}

/* Deterministic validity: row i of batch b is NULL when (i + b) % 3 == 0. */
static void make_mask(uint64_t *mask, size_t b)
{
    memset(mask, 0, ROWS / 8);
    for (size_t i = 0; i < ROWS; i++) mask[i >> 6] |= (uint64_t)((i + b) % 3 != 0) << (i & 63);
}

/* Batches of odd sizes, the first without NULLs: bits must line up across every seam. */
static void merges_batches(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    ch_error err;
    ch_field fields[] = {
        {.name = "l", .type = &ch_type_long, .nullable = true},
        {.name = "b", .type = &ch_type_boolean, .nullable = true},
        {.name = "s", .type = &ch_type_string, .nullable = true},
        {.name = "d", .type = ch_type_decimal(arena, 7, 2), .nullable = true},
        {.name = "n", .type = &ch_type_null, .nullable = true},
    };
    ch_schema schema = {.n = 5, .fields = fields};
    static const size_t sizes[] = {67, 1, 2048, 129, 64};
    static int64_t longs[ROWS];
    static uint8_t bools[ROWS];
    static ch_string strings[ROWS];
    static int32_t decimals[ROWS], nothing[ROWS];
    static uint64_t mask[ROWS / 64];
    ch_arrow_encoder *e = ch_arrow_encoder_new(&schema, "UTC");
    ch_buf out = {0};
    for (int round = 0; round < 2; round++) { /* the second stream of the same encoder starts afresh */
        size_t total = 0;
        for (size_t b = 0; b < 5; b++) {
            for (size_t i = 0; i < ROWS; i++) {
                size_t row = total + i;
                longs[i] = (int64_t)row * 3 - 5;
                bools[i] = row % 5 == 0;
                strings[i] = text(row % 4 == 0   ? "a long string of more than twelve bytes"
                                  : row % 4 == 1 ? ""
                                                 : "short");
                decimals[i] = (int32_t)row - 100;
            }
            make_mask(mask, b);
            uint64_t *validity = b == 0 ? NULL : mask;
            ch_column cols[] = {
                {.type = fields[0].type, .data = longs, .validity = validity, .rows = sizes[b]},
                {.type = fields[1].type, .data = bools, .validity = validity, .rows = sizes[b]},
                {.type = fields[2].type, .data = strings, .validity = validity, .rows = sizes[b]},
                {.type = fields[3].type, .data = decimals, .validity = validity, .rows = sizes[b]},
                {.type = fields[4].type, .data = nothing, .validity = validity, .rows = sizes[b]},
            };
            ch_batch batch = {.rows = sizes[b], .ncol = 5, .cols = cols};
            assert_int_equal(ch_arrow_encoder_add(e, &batch, &err), 0);
            total += sizes[b];
        }
        assert_int_equal(ch_arrow_encoder_rows(e), total);
        size_t estimate = ch_arrow_encoder_bytes(e);
        ch_buf_clear(&out);
        assert_int_equal(ch_arrow_encoder_finish(e, &out, &err), 0);
        assert_true(estimate * 2 > out.len && out.len * 2 > estimate);

        decoded d;
        decode(&d, &out);
        assert_int_equal(d.array.length, total);
        size_t row = 0;
        for (size_t b = 0; b < 5; b++) {
            for (size_t i = 0; i < sizes[b]; i++, row++) {
                bool null = b > 0 && (i + b) % 3 == 0;
                for (int c = 0; c < 4; c++) {
                    assert_int_equal(ArrowArrayViewIsNull(d.view.children[c], (int64_t)row), null);
                }
                if (null) continue;
                assert_int_equal(ArrowArrayViewGetIntUnsafe(d.view.children[0], (int64_t)row), (int64_t)row * 3 - 5);
                assert_int_equal(ArrowArrayViewGetIntUnsafe(d.view.children[1], (int64_t)row), row % 5 == 0);
                struct ArrowStringView s = ArrowArrayViewGetStringUnsafe(d.view.children[2], (int64_t)row);
                assert_int_equal(s.size_bytes, row % 4 == 0 ? 39 : row % 4 == 1 ? 0 : 5);
                assert_memory_equal(s.data, row % 4 == 0 ? "a long string of more than twelve bytes" : "short",
                                    (size_t)s.size_bytes);
                struct ArrowDecimal decimal;
                ArrowDecimalInit(&decimal, 128, 7, 2);
                ArrowArrayViewGetDecimalUnsafe(d.view.children[3], (int64_t)row, &decimal);
                assert_int_equal(ArrowDecimalGetIntUnsafe(&decimal), (int64_t)row - 100);
            }
        }
        assert_int_equal(d.array.children[4]->null_count, total);
        decoded_free(&d);
    }
    ch_buf_reset(&out);
    ch_arrow_encoder_free(e);
    ch_arena_free(arena);
}

/* The Arrow type of every kind, with its flags, as the reference server's streams have them. */
static void schemas_match_spark(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    ch_error err;
    ch_field fields[] = {
        {.name = "by", .type = &ch_type_byte},
        {.name = "sh", .type = &ch_type_short},
        {.name = "in", .type = &ch_type_int},
        {.name = "lo", .type = &ch_type_long, .nullable = true},
        {.name = "fl", .type = &ch_type_float},
        {.name = "do", .type = &ch_type_double},
        {.name = "de", .type = ch_type_decimal(arena, 38, 10)},
        {.name = "st", .type = &ch_type_string},
        {.name = "bi", .type = &ch_type_binary},
        {.name = "da", .type = &ch_type_date},
        {.name = "ts", .type = &ch_type_timestamp},
        {.name = "tn", .type = &ch_type_timestamp_ntz},
        {.name = "dt", .type = &ch_type_day_time},
        {.name = "ym", .type = &ch_type_year_month},
        {.name = "ci", .type = &ch_type_calendar},
        {.name = "ar", .type = ch_type_array(arena, &ch_type_int, true)},
        {.name = "ma", .type = ch_type_map(arena, &ch_type_string, &ch_type_int, false)},
        {.name = "ve", .type = &ch_type_vector, .nullable = true},
        {.name = "nu", .type = &ch_type_null, .nullable = true},
        {.name = "bo", .type = &ch_type_boolean},
    };
    static const char *formats[] = {
        "c",    "s",   "i",   "l",   "f",  "g",  "d:38,10", "u", "z", "tdD", "tsu:Europe/Berlin",
        "tsu:", "tDu", "tiM", "tin", "+l", "+m", "+s",      "n", "b"};
    ch_schema schema = {.n = sizeof fields / sizeof *fields, .fields = fields};
    ch_arrow_encoder *e = ch_arrow_encoder_new(&schema, "Europe/Berlin");
    ch_buf out = {0};
    assert_int_equal(ch_arrow_encoder_finish(e, &out, &err), 0); /* no rows: still one record batch */
    decoded d;
    decode(&d, &out);
    assert_int_equal(d.array.length, 0);
    for (size_t i = 0; i < schema.n; i++) {
        assert_string_equal(d.schema.children[i]->name, fields[i].name);
        assert_string_equal(d.schema.children[i]->format, formats[i]);
        assert_int_equal((d.schema.children[i]->flags & ARROW_FLAG_NULLABLE) != 0, fields[i].nullable);
    }
    const struct ArrowSchema *array = d.schema.children[15], *map = d.schema.children[16],
                             *vector = d.schema.children[17];
    assert_string_equal(array->children[0]->name, "element");
    assert_true(array->children[0]->flags & ARROW_FLAG_NULLABLE);
    assert_string_equal(map->children[0]->name, "entries");
    assert_false(map->children[0]->flags & ARROW_FLAG_NULLABLE);
    assert_string_equal(map->children[0]->children[0]->name, "key");
    assert_false(map->children[0]->children[1]->flags & ARROW_FLAG_NULLABLE);
    assert_int_equal(vector->n_children, 4);
    assert_string_equal(vector->children[0]->name, "type");
    assert_false(vector->children[0]->flags & ARROW_FLAG_NULLABLE);
    assert_true(vector->children[1]->flags & ARROW_FLAG_NULLABLE);
    assert_string_equal(vector->children[2]->children[0]->format, "i");
    assert_false(vector->children[3]->children[0]->flags & ARROW_FLAG_NULLABLE);
    decoded_free(&d);
    ch_buf_reset(&out);
    ch_arrow_encoder_free(e);
    ch_arena_free(arena);
}

/* Lists whose elements lie in any order, NULL lists with rubbish in their entry, a struct whose NULL covers fields that
 * are not marked NULL themselves (and hold a wild pointer). */
static void nested_values(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    ch_error err;
    ch_field inner = {.name = "s", .type = &ch_type_string, .nullable = true};
    ch_field fields[] = {
        {.name = "a", .type = ch_type_array(arena, &ch_type_int, true), .nullable = true},
        {.name = "t", .type = ch_type_struct(arena, &inner, 1), .nullable = true},
        {.name = "m", .type = ch_type_map(arena, &ch_type_string, &ch_type_double, true), .nullable = true},
    };
    ch_schema schema = {.n = 3, .fields = fields};
    static int32_t elements[] = {10, 11, 12, 13, 14, 15};
    static uint64_t element_mask[] = {0x3D}; /* element 1 is NULL */
    ch_list lists[] = {{4, 2}, {0, 3}, {UINT64_MAX, UINT64_MAX}, {3, 0}, {3, 1}};
    uint64_t list_mask[] = {0x1B}; /* row 2 is NULL */
    ch_column list_child = {.type = &ch_type_int, .data = elements, .validity = element_mask, .rows = 6};

    ch_string strings[] = {text("x"), text("y"), {.value.pointer = {1000, "", (const char *)8}}, text("z"), text("")};
    uint64_t struct_mask[] = {0x1B};
    ch_column struct_child = {.type = &ch_type_string, .data = strings, .rows = 5};

    ch_string keys[] = {text("k1"), text("k2"), text("k3")};
    double values[] = {1.5, 2.5, 3.5};
    ch_column entry_fields[] = {{.type = &ch_type_string, .data = keys, .rows = 3},
                                {.type = &ch_type_double, .data = values, .rows = 3}};
    ch_column entries = {.rows = 3, .child = entry_fields, .nchild = 2};
    ch_list maps[] = {{0, 1}, {1, 2}, {0, 0}, {0, 0}, {0, 0}};
    ch_column cols[] = {
        {.type = fields[0].type, .data = lists, .validity = list_mask, .rows = 5, .child = &list_child, .nchild = 1},
        {.type = fields[1].type, .validity = struct_mask, .rows = 5, .child = &struct_child, .nchild = 1},
        {.type = fields[2].type, .data = maps, .rows = 5, .child = &entries, .nchild = 1},
    };
    ch_batch batch = {.rows = 5, .ncol = 3, .cols = cols};
    ch_arrow_encoder *e = ch_arrow_encoder_new(&schema, "UTC");
    assert_int_equal(ch_arrow_encoder_add(e, &batch, &err), 0);
    assert_int_equal(ch_arrow_encoder_add(e, &batch, &err), 0);
    ch_buf out = {0};
    assert_int_equal(ch_arrow_encoder_finish(e, &out, &err), 0);
    decoded d;
    decode(&d, &out);
    static const int32_t expected[] = {14, 15, 10, 11, 12, 13};
    static const int32_t ends[] = {0, 2, 5, 5, 5, 6};
    const struct ArrowArrayView *list = d.view.children[0], *tuple = d.view.children[1], *map = d.view.children[2];
    for (int i = 0; i <= 5; i++) {
        assert_int_equal(ArrowArrayViewListChildOffset(list, i), ends[i]);
        assert_int_equal(ArrowArrayViewListChildOffset(list, 5 + i), 6 + ends[i]);
    }
    for (int i = 0; i < 12; i++) {
        assert_int_equal(ArrowArrayViewIsNull(list->children[0], i), i % 6 == 3);
        assert_int_equal(ArrowArrayViewGetIntUnsafe(list->children[0], i), expected[i % 6]);
    }
    for (int i = 0; i < 10; i++) {
        assert_int_equal(ArrowArrayViewIsNull(list, i), i % 5 == 2);
        assert_int_equal(ArrowArrayViewIsNull(tuple, i), i % 5 == 2);
        assert_int_equal(ArrowArrayViewIsNull(tuple->children[0], i), i % 5 == 2);
    }
    assert_int_equal(ArrowArrayViewGetStringUnsafe(tuple->children[0], 8).data[0], 'z');
    assert_int_equal(ArrowArrayViewListChildOffset(map, 7), 6);
    assert_true(ArrowArrayViewGetDoubleUnsafe(map->children[0]->children[1], 5) == 3.5);
    decoded_free(&d);
    ch_buf_reset(&out);
    ch_arrow_encoder_free(e);
    ch_arena_free(arena);
}

static void intervals_and_wide_decimals(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    ch_error err;
    ch_field fields[] = {
        {.name = "dt", .type = &ch_type_day_time}, {.name = "ym", .type = &ch_type_year_month},
        {.name = "ci", .type = &ch_type_calendar}, {.name = "w", .type = ch_type_decimal(arena, 38, 0)},
        {.name = "v", .type = &ch_type_vector},
    };
    ch_schema schema = {.n = 5, .fields = fields};
    ch_interval day_time = {0, 2, -5}, year_month = {-14, 0, 0}, calendar = {1, -2, 3};
    ch_int128 wide = (ch_int128)INT64_MAX * 1000;
    int8_t kind = 1;
    int32_t size = 0;
    uint64_t none[] = {0};
    double numbers[] = {1.0, 2.5};
    ch_list no_indices = {0}, two_numbers = {0, 2};
    ch_column indices = {.type = &ch_type_int}, doubles = {.type = &ch_type_double, .data = numbers, .rows = 2};
    ch_column parts[] = {
        {.data = &kind},
        {.data = &size, .validity = none},
        {.data = &no_indices, .validity = none, .child = &indices, .nchild = 1},
        {.data = &two_numbers, .child = &doubles, .nchild = 1},
    };
    ch_column cols[] = {{.data = &day_time},
                        {.data = &year_month},
                        {.data = &calendar},
                        {.data = &wide},
                        {.child = parts, .nchild = 4}};
    ch_batch batch = {.rows = 1, .ncol = 5, .cols = cols};
    ch_arrow_encoder *e = ch_arrow_encoder_new(&schema, "UTC");
    assert_int_equal(ch_arrow_encoder_add(e, &batch, &err), 0);
    ch_buf out = {0};
    assert_int_equal(ch_arrow_encoder_finish(e, &out, &err), 0);
    decoded d;
    decode(&d, &out);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(d.view.children[0], 0), 2 * INT64_C(86400000000) - 5);
    struct ArrowInterval interval;
    ArrowIntervalInit(&interval, NANOARROW_TYPE_INTERVAL_MONTHS);
    ArrowArrayViewGetIntervalUnsafe(d.view.children[1], 0, &interval);
    assert_int_equal(interval.months, -14);
    ArrowIntervalInit(&interval, NANOARROW_TYPE_INTERVAL_MONTH_DAY_NANO);
    ArrowArrayViewGetIntervalUnsafe(d.view.children[2], 0, &interval);
    assert_true(interval.months == 1 && interval.days == -2 && interval.ns == 3000);
    const struct ArrowArrayView *vector = d.view.children[4];
    assert_memory_equal(d.view.children[3]->buffer_views[1].data.data, &wide, 16);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(vector->children[0], 0), 1);
    assert_true(ArrowArrayViewIsNull(vector->children[1], 0) && ArrowArrayViewIsNull(vector->children[2], 0));
    assert_true(ArrowArrayViewGetDoubleUnsafe(vector->children[3]->children[0], 1) == 2.5);
    decoded_free(&d);
    const char *dump = getenv("CHERT_TEST_DUMP"); /* for a look at the stream with other tools */
    FILE *file = dump ? fopen(dump, "wb") : NULL;
    if (file) {
        fwrite(out.data, 1, out.len, file);
        fclose(file);
    }
    ch_buf_reset(&out);
    ch_arrow_encoder_free(e);
    ch_arena_free(arena);
}

/* Rows enough for big buffers: doubles and strings with and without nulls, odd numbers of rows. */
enum { BIG_BATCHES = 9, BIG_ROWS = 2047 };

static void add_big(ch_arrow_encoder *e, const ch_schema *schema)
{
    static double numbers[ROWS];
    static ch_string words[ROWS];
    static uint8_t flags[ROWS];
    uint64_t mask[ROWS / 64];
    ch_error err;
    for (int b = 0; b < BIG_BATCHES; b++) {
        for (size_t i = 0; i < ROWS; i++) {
            numbers[i] = (double)i + b;
            words[i] = text(i % 3 ? "short" : "a word that is longer than twelve");
            flags[i] = i % 5 == 0;
        }
        for (size_t i = 0; i < ROWS / 64; i++) mask[i] = b % 2 ? UINT64_C(0xFEDCBA9876543210) + i : UINT64_MAX;
        ch_column cols[] = {{.type = schema->fields[0].type, .data = numbers, .validity = mask, .rows = BIG_ROWS},
                            {.type = schema->fields[1].type, .data = words, .validity = mask, .rows = BIG_ROWS},
                            {.type = schema->fields[2].type, .data = flags, .rows = BIG_ROWS}};
        ch_batch batch = {.rows = BIG_ROWS, .ncol = 3, .cols = cols};
        assert_int_equal(ch_arrow_encoder_add(e, &batch, &err), 0);
    }
}

/* The pieces one after the other are the bytes of the whole, for the first stream and for those that follow. */
static void pieces_are_the_stream(void **state)
{
    (void)state;
    ch_error err;
    ch_field fields[] = {{.name = "d", .type = &ch_type_double, .nullable = true},
                         {.name = "s", .type = &ch_type_string, .nullable = true},
                         {.name = "b", .type = &ch_type_boolean}};
    ch_schema schema = {.n = 3, .fields = fields};
    ch_arrow_encoder *whole = ch_arrow_encoder_new(&schema, "UTC"), *cut = ch_arrow_encoder_new(&schema, "UTC");
    for (int round = 0; round < 3; round++) {
        if (round < 2) { /* the last one has no rows */
            add_big(whole, &schema);
            add_big(cut, &schema);
        }
        ch_buf expected = {0}, joined = {0}, *pieces;
        size_t n;
        assert_int_equal(ch_arrow_encoder_finish(whole, &expected, &err), 0);
        assert_int_equal(ch_arrow_encoder_finish_pieces(cut, &pieces, &n, &err), 0);
        for (size_t i = 0; i < n; i++) {
            ch_buf_add(&joined, pieces[i].data, pieces[i].len);
            ch_buf_reset(&pieces[i]);
        }
        free(pieces);
        assert_true(round == 2 ? n == 1 : n > 3);
        assert_int_equal(joined.len, expected.len);
        assert_memory_equal(joined.data, expected.data, joined.len);
        ch_buf_reset(&joined);
        ch_buf_reset(&expected);
    }
    ch_arrow_encoder_free(whole);
    ch_arrow_encoder_free(cut);
}

static void exported_arrays_are_sound(void **state)
{
    (void)state;
    ch_error err;
    ch_field fields[] = {{.name = "d", .type = &ch_type_double, .nullable = true},
                         {.name = "s", .type = &ch_type_string, .nullable = true},
                         {.name = "b", .type = &ch_type_boolean}};
    ch_schema schema = {.n = 3, .fields = fields};
    struct ArrowSchema arrow;
    ArrowSchemaInit(&arrow);
    assert_int_equal(ArrowSchemaSetTypeStruct(&arrow, 3), NANOARROW_OK);
    assert_int_equal(ArrowSchemaSetType(arrow.children[0], NANOARROW_TYPE_DOUBLE), NANOARROW_OK);
    assert_int_equal(ArrowSchemaSetType(arrow.children[1], NANOARROW_TYPE_STRING), NANOARROW_OK);
    assert_int_equal(ArrowSchemaSetType(arrow.children[2], NANOARROW_TYPE_BOOL), NANOARROW_OK);
    ch_arrow_encoder *e = ch_arrow_encoder_new(&schema, "UTC");
    add_big(e, &schema);
    struct ArrowArray array;
    assert_int_equal(ch_arrow_encoder_export(e, &array, &err), 0);
    struct ArrowArrayView view;
    assert_int_equal(ArrowArrayViewInitFromSchema(&view, &arrow, NULL), NANOARROW_OK);
    assert_int_equal(ArrowArrayViewSetArray(&view, &array, NULL), NANOARROW_OK);
    assert_int_equal(ArrowArrayViewValidate(&view, NANOARROW_VALIDATION_LEVEL_FULL, NULL), NANOARROW_OK);
    assert_int_equal(array.length, BIG_BATCHES * BIG_ROWS);
    const int64_t last = array.length - 1; /* of a batch without nulls */
    assert_true(ArrowArrayViewGetDoubleUnsafe(view.children[0], last) == BIG_ROWS - 1 + BIG_BATCHES - 1);
    struct ArrowStringView word = ArrowArrayViewGetStringUnsafe(view.children[1], last);
    assert_int_equal(word.size_bytes, (BIG_ROWS - 1) % 3 ? 5 : 33);
    assert_true(ArrowArrayViewIsNull(view.children[1], BIG_ROWS)); /* the mask's lowest bit in the second batch */
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view.children[2], 5), 1);
    assert_int_equal(ArrowArrayViewGetIntUnsafe(view.children[2], 6), 0);
    ArrowArrayViewReset(&view);
    ArrowArrayRelease(&array);
    ArrowSchemaRelease(&arrow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_batches),        cmocka_unit_test(schemas_match_spark),
        cmocka_unit_test(nested_values),         cmocka_unit_test(intervals_and_wide_decimals),
        cmocka_unit_test(pieces_are_the_stream), cmocka_unit_test(exported_arrays_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
