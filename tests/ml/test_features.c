/* Feature transformers on columns made by hand, against what real Spark 4 gave
 * for the same rows. */
#include "ml/metadata.h"
#include "ml/string_indexer.h"
#include "stages_testing.h"

/* The rows of the recorded runs: cat b a a c b d NULL c, x1 1..8, x2 10 20 15
 * 40 5 60 6 80. */
static const char *const CAT[8] = {"b", "a", "a", "c", "b", "d", NULL, "c"};
static const double X1[8] = {1, 2, 3, 4, 5, 6, 7, 8}, X2[8] = {10, 20, 15, 40, 5, 60, 6, 80};

static ch_fitted *indexer_of(size_t n, const char *const *labels)
{
    ch_arena *arena = ch_arena_new();
    ch_literal list = ch_lit_texts(arena, labels, n);
    ch_fitted *fitted;
    ch_error err;
    assert_int_equal(ch_string_indexer_from_labels(&list, 1, &fitted, &err), 0);
    ch_arena_free(arena);
    return fitted;
}

static const char *const LABELS[4] = {"a", "b", "c", "d"};

static outcome index_rows(const char *handle_invalid, const char *const *rows, size_t n, size_t nlabel)
{
    ch_fitted *fitted = indexer_of(nlabel, LABELS);
    ch_param_map *params = ch_param_map_new(&ch_stage_string_indexer_model, "si");
    set_text(params, "inputCol", "cat");
    set_text(params, "outputCol", "ci");
    set_text(params, "handleInvalid", handle_invalid);
    ch_field field = {.name = "cat", .type = &ch_type_string, .nullable = true};
    ch_column *column = texts_column(rows, n);
    outcome o = apply(&ch_stage_string_indexer_model, params, fitted, &field, &column, 1);
    ch_column_free(column);
    ch_param_map_release(params);
    ch_fitted_release(fitted);
    return o;
}

static void string_indexer_keeps_invalid_values(void **state)
{
    (void)state;
    static const double WANT[8] = {1, 0, 0, 2, 1, 3, 4, 2};
    outcome o = index_rows("keep", CAT, 8, 4);
    assert_int_equal(o.status, 0);
    for (size_t i = 0; i < 8; i++) assert_true(((double *)o.out->data)[i] == WANT[i]);
    assert_string_equal(o.binding.output[0].metadata, "{\"ml_attr\":{\"vals\":[\"a\",\"b\",\"c\",\"d\",\"__"
                                                      "unknown\"],\"name\":\"ci\",\"type\":\"nominal\"}}");
    assert_false(o.binding.output[0].nullable);
    end_outcome(&o);
}

static void string_indexer_skips_invalid_rows(void **state)
{
    (void)state;
    static const int KEEP[8] = {1, 1, 1, 1, 1, 0, 0, 1};
    outcome o = index_rows("skip", CAT, 8, 3); /* d is not known */
    assert_int_equal(o.status, 0);
    assert_true(o.binding.keep_flag);
    for (size_t i = 0; i < 8; i++) assert_int_equal(((uint8_t *)o.out->child[0].data)[i], KEEP[i]);
    assert_true(((double *)o.out->child[1].data)[3] == 2);
    end_outcome(&o);
}

static void string_indexer_raises_on_invalid_values(void **state)
{
    (void)state;
    outcome o = index_rows("error", CAT, 6, 3);
    assert_int_not_equal(o.status, 0);
    assert_string_equal(o.err.condition, "FAILED_EXECUTE_UDF");
    assert_non_null(strstr(o.err.message, "Unseen label: d. To handle unseen labels, set "
                                          "Param handleInvalid to keep.."));
    end_outcome(&o);
    o = index_rows("error", CAT + 6, 1, 4);
    assert_non_null(strstr(o.err.message, "StringIndexer encountered NULL value."));
    end_outcome(&o);
}

static void string_indexer_finds_any_of_many_labels(void **state)
{
    (void)state;
    enum { N = 5000 };
    static char text[N][40];
    const char *labels[N];
    for (int i = 0; i < N; i++) {
        snprintf(text[i], sizeof text[i], "label %d%s", i, i % 2 ? " of some length" : "");
        labels[i] = text[i];
    }
    ch_fitted *fitted = indexer_of(N, labels);
    ch_param_map *params = ch_param_map_new(&ch_stage_string_indexer_model, "si");
    set_text(params, "inputCol", "cat");
    ch_field field = {.name = "cat", .type = &ch_type_string};
    ch_column *column = texts_column(labels, N);
    outcome o = apply(&ch_stage_string_indexer_model, params, fitted, &field, &column, 1);
    assert_int_equal(o.status, 0);
    for (int i = 0; i < N; i++) assert_true(((double *)o.out->data)[i] == i);
    assert_string_equal(o.binding.output[0].name, "si__output");
    end_outcome(&o);
    ch_column_free(column);
    ch_param_map_release(params);
    ch_fitted_release(fitted);
}

static void string_indexer_leaves_out_missing_columns(void **state)
{
    (void)state;
    ch_fitted *fitted = indexer_of(4, LABELS);
    ch_param_map *params = ch_param_map_new(&ch_stage_string_indexer_model, "si");
    set_text(params, "inputCol", "nope");
    ch_field field = {.name = "cat", .type = &ch_type_string};
    outcome o = apply(&ch_stage_string_indexer_model, params, fitted, &field, NULL, 1);
    assert_int_equal(o.status, 0);
    assert_null(o.binding.fn);
    assert_int_equal(o.binding.noutput, 0);
    end_outcome(&o);
    set_text(params, "inputCol", "CAT"); /* names do not mind case */
    set_text(params, "outputCol", "cat");
    o = apply(&ch_stage_string_indexer_model, params, fitted, &field, NULL, 1);
    assert_string_equal(o.err.message, "requirement failed: Output column cat already exists.");
    end_outcome(&o);
    ch_param_map_release(params);
    ch_fitted_release(fitted);
}

static void index_to_string_reads_labels_from_metadata(void **state)
{
    (void)state;
    const double index[4] = {3, 0, 2.9, 1};
    ch_column *column = doubles_column(index, 4, -1);
    ch_param_map *params = ch_param_map_new(&ch_stage_index_to_string, "its");
    set_text(params, "inputCol", "i");
    ch_field field = {.name = "i",
                      .type = &ch_type_double,
                      .metadata = "{\"ml_attr\":{\"vals\":[\"a\",\"b\",\"c\","
                                  "\"d\"],\"type\":\"nominal\"}}"};
    outcome o = apply(&ch_stage_index_to_string, params, NULL, &field, &column, 1);
    assert_int_equal(o.status, 0);
    static const char *const WANT[4] = {"d", "a", "c", "b"};
    for (size_t i = 0; i < 4; i++) assert_string_equal(cell(o.out, i), WANT[i]);
    end_outcome(&o);
    static const char *const TWO[2] = {"x", "y"};
    set_texts(params, "labels", TWO, 2); /* labels given win */
    o = apply(&ch_stage_index_to_string, params, NULL, &field, &column, 1);
    assert_string_equal(o.err.message, "[USER_RAISED_EXCEPTION] Unseen index: 3 ?? SQLSTATE: P0001");
    end_outcome(&o);
    ch_column_free(column);
    ch_param_map_release(params);
}

/* An encoder as fit makes it: through loading would need files, so its state is
 * written out here. */
static ch_fitted *encoder_of(int32_t size)
{
    struct {
        size_t n;
        int32_t size[1];
    } *e = calloc(1, sizeof *e);
    e->n = 1;
    e->size[0] = size;
    return ch_fitted_new(&ch_stage_one_hot_encoder_model, e);
}

static outcome encode(const char *metadata, const double *values, size_t n, bool drop_last, const char *handle)
{
    ch_fitted *fitted = encoder_of(5);
    ch_param_map *params = ch_param_map_new(&ch_stage_one_hot_encoder_model, "ohe");
    static const char *const IN[1] = {"ci"}, *const OUT[1] = {"cv"};
    set_texts(params, "inputCols", IN, 1);
    set_texts(params, "outputCols", OUT, 1);
    set_literal(params, "dropLast", ch_lit_bool(drop_last));
    set_text(params, "handleInvalid", handle);
    ch_field field = {.name = "ci", .type = &ch_type_double, .metadata = metadata};
    ch_column *column = doubles_column(values, n, -1);
    outcome o = apply(&ch_stage_one_hot_encoder_model, params, fitted, &field, &column, 1);
    ch_column_free(column);
    ch_param_map_release(params);
    ch_fitted_release(fitted);
    return o;
}

static void one_hot_encoder_encodes(void **state)
{
    (void)state;
    static const double CI[8] = {1, 0, 0, 2, 1, 3, 4, 2};
    static const char *const WANT[8] = {"(4,[1],[1.0])", "(4,[0],[1.0])", "(4,[0],[1.0])", "(4,[2],[1.0])",
                                        "(4,[1],[1.0])", "(4,[3],[1.0])", "(4,[],[])",     "(4,[2],[1.0])"};
    outcome o = encode("{\"ml_attr\":{\"vals\":[\"a\",\"b\",\"c\",\"d\",\"__"
                       "unknown\"],\"name\":\"ci\",\"type\":\"nominal\"}}",
                       CI, 8, true, "error");
    assert_int_equal(o.status, 0);
    for (size_t i = 0; i < 8; i++) assert_string_equal(cell(o.out, i), WANT[i]);
    assert_string_equal(o.binding.output[0].metadata,
                        "{\"ml_attr\":{\"num_attrs\":4,\"attrs\":{\"binary\":[{\"name\":\"a\","
                        "\"idx\":0},{\"name\":\"b\","
                        "\"idx\":1},{\"name\":\"c\",\"idx\":2},{\"name\":\"d\",\"idx\":3}]}}}");
    end_outcome(&o);
}

static void one_hot_encoder_sizes_follow_its_params(void **state)
{
    (void)state;
    static const double VALUES[3] = {0, 4, 7};
    static const struct {
        bool drop_last;
        const char *handle, *rows[3];
    } CASES[] = {
        {true, "keep", {"(5,[0],[1.0])", "(5,[4],[1.0])", "(5,[],[])"}},
        {false, "keep", {"(6,[0],[1.0])", "(6,[4],[1.0])", "(6,[5],[1.0])"}},
    };
    for (size_t c = 0; c < 2; c++) {
        outcome o = encode(NULL, VALUES, 3, CASES[c].drop_last, CASES[c].handle);
        assert_int_equal(o.status, 0);
        for (size_t i = 0; i < 3; i++) assert_string_equal(cell(o.out, i), CASES[c].rows[i]);
        end_outcome(&o);
    }
    outcome o = encode(NULL, VALUES, 3, false, "error");
    assert_non_null(strstr(o.err.message, "Unseen value: 7.0. To handle unseen values, set "
                                          "Param handleInvalid to keep.."));
    end_outcome(&o);
    const double negative = -1;
    o = encode(NULL, &negative, 1, false, "error");
    assert_non_null(strstr(o.err.message, "Negative value: -1.0. Input can't be negative."));
    end_outcome(&o);
}

static void one_hot_encoder_checks_metadata(void **state)
{
    (void)state;
    static const double VALUES[1] = {0};
    outcome o = encode("{\"ml_attr\":{\"vals\":[\"a\",\"b\"],\"type\":\"nominal\"}}", VALUES, 1, true, "error");
    assert_string_equal(o.err.message, "requirement failed: OneHotEncoderModel expected 4 categorical values "
                                       "for input "
                                       "column ci, but the input column had metadata specifying 1 values.");
    end_outcome(&o);
    o = encode("{\"ml_attr\":{\"vals\":[\"a\"],\"type\":\"nominal\"}}", VALUES, 1, true, "error");
    assert_string_equal(o.err.message, "requirement failed: The input column ci should have at "
                                       "least two distinct values.");
    end_outcome(&o);
    o = encode("{\"ml_attr\":{\"type\":\"numeric\"}}", VALUES, 1, true, "error");
    assert_string_equal(o.err.message, "The input column ci cannot be continuous-value.");
    end_outcome(&o);
}

static const char OHE_METADATA[] = "{\"ml_attr\":{\"num_attrs\":4,\"attrs\":{"
                                   "\"binary\":[{\"name\":\"a\",\"idx\":0},"
                                   "{\"name\":\"b\",\"idx\":1},{\"name\":\"c\","
                                   "\"idx\":2},{\"name\":\"d\",\"idx\":3}]}}}";
static const double ONE_HOT[8][4] = {{0, 1, 0, 0}, {1, 0, 0, 0}, {1, 0, 0, 0}, {0, 0, 1, 0},
                                     {0, 1, 0, 0}, {0, 0, 0, 1}, {0, 0, 0, 0}, {0, 0, 1, 0}};

static void assembler_assembles(void **state)
{
    (void)state;
    static const char *const WANT[8] = {"[0.0,1.0,0.0,0.0,1.0,10.0]", "[1.0,0.0,0.0,0.0,2.0,20.0]",
                                        "[1.0,0.0,0.0,0.0,3.0,15.0]", "[0.0,0.0,1.0,0.0,4.0,40.0]",
                                        "[0.0,1.0,0.0,0.0,5.0,5.0]",  "[0.0,0.0,0.0,1.0,6.0,60.0]",
                                        "(6,[4,5],[7.0,6.0])",        "[0.0,0.0,1.0,0.0,8.0,80.0]"};
    static const char *const IN[3] = {"cv", "x1", "x2"};
    const ch_field fields[3] = {{.name = "cv", .type = &ch_type_vector, .metadata = OHE_METADATA},
                                {.name = "x1", .type = &ch_type_double},
                                {.name = "x2", .type = &ch_type_double}};
    ch_column *columns[3] = {vectors_column(ONE_HOT[0], 8, 4, 1), doubles_column(X1, 8, -1), doubles_column(X2, 8, -1)};
    ch_param_map *params = ch_param_map_new(&ch_stage_vector_assembler, "va");
    set_texts(params, "inputCols", IN, 3);
    set_text(params, "outputCol", "f");
    outcome o = apply(&ch_stage_vector_assembler, params, NULL, fields, columns, 3);
    assert_int_equal(o.status, 0);
    for (size_t i = 0; i < 8; i++) assert_string_equal(cell(o.out, i), WANT[i]);
    assert_string_equal(o.binding.output[0].metadata, "{\"ml_attr\":{\"num_attrs\":6,\"attrs\":{\"binary\":[{"
                                                      "\"name\":\"cv_a\",\"idx\":0},{\"name\":\"cv_b\",\"idx\":"
                                                      "1},"
                                                      "{\"name\":\"cv_c\",\"idx\":2},{\"name\":\"cv_d\","
                                                      "\"idx\":3}],\"numeric\":[{\"name\":\"x1\",\"idx\":4},"
                                                      "{\"name\":\"x2\",\"idx\":5}]}}}");
    assert_true(o.binding.output[0].nullable);
    end_outcome(&o);
    for (size_t i = 0; i < 3; i++) ch_column_free(columns[i]);
    ch_param_map_release(params);
}

static outcome assemble_invalid(const char *handle)
{
    static const char *const IN[2] = {"a", "v"};
    const ch_field fields[2] = {{.name = "a", .type = &ch_type_double, .nullable = true},
                                {.name = "v", .type = &ch_type_vector, .metadata = "{\"ml_attr\":{\"num_attrs\":2}}"}};
    const double a[4] = {1, (double)NAN, 3, 4}, v[4][2] = {{1, 2}, {3, 4}, {(double)INFINITY, 0}, {5, 6}};
    ch_column *columns[2] = {doubles_column(a, 4, -1), vectors_column(v[0], 4, 2, 0)};
    ch_param_map *params = ch_param_map_new(&ch_stage_vector_assembler, "va");
    set_texts(params, "inputCols", IN, 2);
    set_text(params, "handleInvalid", handle);
    outcome o = apply(&ch_stage_vector_assembler, params, NULL, fields, columns, 2);
    ch_column_free(columns[0]);
    ch_column_free(columns[1]);
    ch_param_map_release(params);
    return o;
}

static void assembler_handles_invalid_values(void **state)
{
    (void)state;
    outcome o = assemble_invalid("keep");
    assert_int_equal(o.status, 0);
    assert_string_equal(cell(o.out, 1), "[NaN,3.0,4.0]");
    assert_string_equal(cell(o.out, 2), "[3.0,NaN,NaN]");
    end_outcome(&o);
    o = assemble_invalid("skip");
    assert_int_equal(o.status, 0);
    static const int KEEP[4] = {1, 0, 0, 1};
    for (size_t i = 0; i < 4; i++) assert_int_equal(((uint8_t *)o.out->child[0].data)[i], KEEP[i]);
    assert_string_equal(cell(&o.out->child[1], 3), "[4.0,5.0,6.0]");
    end_outcome(&o);
    o = assemble_invalid("error");
    assert_non_null(strstr(o.err.message, "Encountered NaN while assembling a "
                                          "row with handleInvalid = \"error\"."));
    end_outcome(&o);
}

static void assembler_refuses_what_is_no_number(void **state)
{
    (void)state;
    static const char *const IN[3] = {"s", "x", "t"};
    const ch_field fields[3] = {{.name = "s", .type = &ch_type_string},
                                {.name = "x", .type = &ch_type_double},
                                {.name = "t", .type = &ch_type_date}};
    ch_param_map *params = ch_param_map_new(&ch_stage_vector_assembler, "va");
    set_texts(params, "inputCols", IN, 3);
    outcome o = apply(&ch_stage_vector_assembler, params, NULL, fields, NULL, 3);
    assert_string_equal(o.err.message, "Data type string of column s is not supported.\nData "
                                       "type date of column t is not "
                                       "supported.");
    end_outcome(&o);
    static const char *const MISSING[1] = {"nope"};
    set_texts(params, "inputCols", MISSING, 1);
    o = apply(&ch_stage_vector_assembler, params, NULL, fields, NULL, 3);
    assert_string_equal(o.err.message, "[FIELD_NOT_FOUND] No such struct field `nope` in `s`, "
                                       "`x`, `t`. SQLSTATE: 42704");
    end_outcome(&o);
    ch_param_map_release(params);
}

#include "ml/scaler.h"

static const double ASSEMBLED_STD[6] = {0.4629100498862757, 0.4629100498862757, 0.4629100498862757,
                                        0.3535533905932738, 2.449489742783178,  27.836255905871084};
static const double ASSEMBLED_MEAN[6] = {0.25, 0.25, 0.25, 0.125, 4.5, 29.5};

static ch_fitted *scaler_of(const ch_stage *stage, const double *first, const double *second, size_t n)
{
    ch_error err;
    ch_scaler *s = ch_scaler_new(n, &err);
    memcpy(s->first, first, n * sizeof *first);
    memcpy(s->second, second, n * sizeof *second);
    return ch_fitted_new(stage, s);
}

static void standard_scaler_scales(void **state)
{
    (void)state;
    ch_fitted *fitted = scaler_of(&ch_stage_standard_scaler_model, ASSEMBLED_STD, ASSEMBLED_MEAN, 6);
    ch_param_map *params = ch_param_map_new(&ch_stage_standard_scaler_model, "ss");
    set_text(params, "inputCol", "f");
    set_text(params, "outputCol", "s");
    const double rows[2][6] = {{0, 1, 0, 0, 1, 10}, {0, 0, 0, 0, 7, 6}};
    ch_field field = {.name = "f", .type = &ch_type_vector};
    ch_column *column = vectors_column(rows[0], 2, 6, 1);
    outcome o = apply(&ch_stage_standard_scaler_model, params, fitted, &field, &column, 1);
    assert_int_equal(o.status, 0);
    /* 1 / 0.4629100498862757, 1 / 2.449489742783178, 10 / 27.836255905871084; the
     * sparse row stays sparse */
    assert_string_equal(cell(o.out, 0), "[0.0,2.160246899469287,0.0,0.0,0.4082482904638631,0.35924371559936874]");
    assert_string_equal(cell(o.out, 1), "(6,[4,5],[2.8577380332470415,0.21554622935962123])");
    assert_string_equal(o.binding.output[0].metadata, "{\"ml_attr\":{\"num_attrs\":6}}");
    end_outcome(&o);
    set_literal(params, "withMean", ch_lit_bool(true));
    set_literal(params, "withStd", ch_lit_bool(false));
    o = apply(&ch_stage_standard_scaler_model, params, fitted, &field, &column, 1);
    assert_string_equal(cell(o.out, 1), "[-0.25,-0.25,-0.25,-0.125,2.5,-23.5]");
    end_outcome(&o);
    ch_column_free(column);
    ch_field text = {.name = "f", .type = &ch_type_string};
    o = apply(&ch_stage_standard_scaler_model, params, fitted, &text, NULL, 1);
    assert_string_equal(o.err.message, "requirement failed: Column f must be of type class "
                                       "org.apache.spark.ml.linalg.VectorUDT:"
                                       "struct<type:tinyint,size:int,indices:array<int>,values:"
                                       "array<double>> but was actually class "
                                       "org.apache.spark.sql.types.StringType$:string.");
    end_outcome(&o);
    ch_param_map_release(params);
    ch_fitted_release(fitted);
}

static void constant_features_scale_to_zero(void **state)
{
    (void)state;
    const double std[2] = {0, 2}, mean[2] = {5, 1}, row[2] = {5, 3};
    ch_fitted *fitted = scaler_of(&ch_stage_standard_scaler_model, std, mean, 2);
    ch_param_map *params = ch_param_map_new(&ch_stage_standard_scaler_model, "ss");
    set_text(params, "inputCol", "f");
    ch_field field = {.name = "f", .type = &ch_type_vector};
    ch_column *column = vectors_column(row, 1, 2, 0);
    outcome o = apply(&ch_stage_standard_scaler_model, params, fitted, &field, &column, 1);
    assert_string_equal(cell(o.out, 0), "[0.0,1.5]");
    end_outcome(&o);
    ch_column_free(column);
    column = vectors_column(row, 2, 1, 0); /* shorter than the model: taken, as in Spark */
    o = apply(&ch_stage_standard_scaler_model, params, fitted, &field, &column, 1);
    assert_string_equal(cell(o.out, 1), "[0.0]");
    end_outcome(&o);
    ch_column_free(column);
    const double longer[3] = {1, 2, 3};
    column = vectors_column(longer, 1, 3, 0);
    o = apply(&ch_stage_standard_scaler_model, params, fitted, &field, &column, 1);
    assert_non_null(strstr(o.err.message, "Index 2 out of bounds for length 2"));
    end_outcome(&o);
    ch_column_free(column);
    ch_param_map_release(params);
    ch_fitted_release(fitted);
}

static void min_max_scaler_stretches(void **state)
{
    (void)state;
    const double low[3] = {0, -1, 4}, high[3] = {10, 1, 4}, rows[2][3] = {{5, 1, 4}, {10, 0, (double)NAN}};
    ch_fitted *fitted = scaler_of(&ch_stage_min_max_scaler_model, low, high, 3);
    ch_param_map *params = ch_param_map_new(&ch_stage_min_max_scaler_model, "mm");
    set_text(params, "inputCol", "f");
    set_literal(params, "max", ch_lit_double(3));
    set_literal(params, "min", ch_lit_double(1));
    ch_field field = {.name = "f", .type = &ch_type_vector};
    ch_column *column = vectors_column(rows[0], 2, 3, 0);
    outcome o = apply(&ch_stage_min_max_scaler_model, params, fitted, &field, &column, 1);
    assert_int_equal(o.status, 0);
    assert_string_equal(cell(o.out, 0), "[2.0,3.0,2.0]"); /* the constant feature becomes (min + max) / 2 */
    assert_string_equal(cell(o.out, 1), "[3.0,2.0,NaN]");
    end_outcome(&o);
    set_literal(params, "min", ch_lit_double(3));
    o = apply(&ch_stage_min_max_scaler_model, params, fitted, &field, &column, 1);
    assert_string_equal(o.err.message, "requirement failed: The specified "
                                       "min(3.0) is larger or equal to max(3.0)");
    end_outcome(&o);
    ch_column_free(column);
    ch_param_map_release(params);
    ch_fitted_release(fitted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(string_indexer_keeps_invalid_values),
        cmocka_unit_test(string_indexer_skips_invalid_rows),
        cmocka_unit_test(string_indexer_raises_on_invalid_values),
        cmocka_unit_test(string_indexer_finds_any_of_many_labels),
        cmocka_unit_test(string_indexer_leaves_out_missing_columns),
        cmocka_unit_test(index_to_string_reads_labels_from_metadata),
        cmocka_unit_test(one_hot_encoder_encodes),
        cmocka_unit_test(one_hot_encoder_sizes_follow_its_params),
        cmocka_unit_test(one_hot_encoder_checks_metadata),
        cmocka_unit_test(assembler_assembles),
        cmocka_unit_test(assembler_handles_invalid_values),
        cmocka_unit_test(assembler_refuses_what_is_no_number),
        cmocka_unit_test(standard_scaler_scales),
        cmocka_unit_test(constant_features_scale_to_zero),
        cmocka_unit_test(min_max_scaler_stretches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
