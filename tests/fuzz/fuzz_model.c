/* fuzz_model.c: what loading a model trusts nobody about: the metadata line,
 * column metadata, vectors and matrices as they come out of a file, and the
 * nodes of trees. Parquet itself is the engine's to decode.
 *
 * An input is two lines, a metadata line and a column's metadata, and then
 * bytes that become literals and tree nodes. */
#include "math/tree.h"
#include "ml/literal.h"
#include "ml/metadata.h"
#include "ml/persist.h"
#include "ml/stages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const uint8_t *at;
    size_t left;
} reader;

static int take(reader *r)
{
    if (!r->left) return 0;
    r->left--;
    return *r->at++;
}

/* Small numbers mostly, so that sizes and indices sometimes fit together. */
static int64_t whole(reader *r)
{
    int b = take(r);
    if (b < 240) return b % 16 - 1;
    int64_t x = 0;
    for (int i = 0; i < 8; i++) x = (int64_t)((uint64_t)x << 8 | (uint64_t)take(r));
    return b & 1 ? x : (int32_t)x;
}

static double real(reader *r)
{
    int b = take(r);
    if (b < 240) return (b % 32 - 8) / 4.0;
    uint64_t bits = (uint64_t)whole(r);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void metadata_line(const char *line, size_t len)
{
    ch_metadata metadata;
    ch_error err;
    if (ch_metadata_parse(line, len, &metadata, &err)) return;
    const ch_stage *stage = ch_stage_find(metadata.class_name);
    if (stage) {
        ch_param_map *map = ch_param_map_new(stage, metadata.uid);
        int64_t n;
        if (!ch_metadata_params(&metadata, stage, map, &err)) {
            ch_buf out = {0};
            ch_metadata_json(stage->class_name, metadata.uid, map, "", &out);
            ch_metadata again;
            if (ch_metadata_parse(out.data, out.len, &again, &err)) abort(); /* what we write we can read */
            ch_metadata_reset(&again);
            ch_buf_reset(&out);
        }
        ch_metadata_int(&metadata, "numTrees", 1, &n, &err);
        ch_param_map_release(map);
    }
    ch_metadata_reset(&metadata);
}

static void column_metadata(const char *line)
{
    ch_arena *arena = ch_arena_new();
    ch_error err;
    ch_ml_group group;
    ch_ml_attr attr;
    ch_field field = {.name = "v", .type = &ch_type_vector, .metadata = line};
    if (!ch_ml_group_read(arena, &field, &group, &err) && group.size < 10000) ch_ml_group_write(arena, &group);
    if (!ch_ml_attr_read(arena, &field, &attr, &err)) ch_ml_attr_write(arena, &attr);
    ch_arena_free(arena);
}

static ch_literal some_numbers(reader *r, ch_arena *arena, bool ints)
{
    int64_t n = whole(r);
    if (n < 0 || n > 64) return ch_lit_null(&ch_type_null);
    ch_literal out = {.type = ch_type_array(arena, ints ? &ch_type_int : &ch_type_double, true)};
    out.v.list.n = (size_t)n;
    out.v.list.items = CH_NEW_ARRAY(arena, ch_literal, n);
    for (int64_t i = 0; i < n; i++) out.v.list.items[i] = ints ? ch_lit_int(whole(r)) : ch_lit_double(real(r));
    return out;
}

static void vectors_and_matrices(reader *r)
{
    ch_arena *arena = ch_arena_new();
    ch_error err;
    double *values;
    size_t n, cols;
    ch_literal v[4] = {ch_lit_int(whole(r)), ch_lit_int(whole(r)), some_numbers(r, arena, true),
                       some_numbers(r, arena, false)};
    ch_literal vector = {.type = &ch_type_vector, .v.list = {4, v}};
    if (!ch_lit_to_vector(arena, &vector, "v", &values, &n, &err) && n < 1000) ch_lit_compressed(arena, values, n);
    ch_literal m[7] = {ch_lit_int(whole(r)),         ch_lit_int(whole(r)),         ch_lit_int(whole(r)),
                       some_numbers(r, arena, true), some_numbers(r, arena, true), some_numbers(r, arena, false),
                       ch_lit_bool(take(r) & 1)};
    ch_literal matrix = {.type = &ch_type_matrix, .v.list = {7, m}};
    if (!ch_lit_to_matrix(arena, &matrix, "m", &values, &n, &cols, &err) && n < 100 && cols < 100) {
        ch_lit_compressed_matrix(arena, (int32_t)n, (int32_t)cols, values);
    }
    ch_arena_free(arena);
}

enum { MOST_ROWS = 64, MOST_VALUES = 4, COLS = 3 };

static void score(const ch_forest *forest)
{
    static const double X[2 * COLS] = {0, 1, 2, -1, 0.5, 3};
    ch_matrix m = {.rows = 2, .cols = COLS, .dense = X};
    ch_error err;
    double *out = malloc(sizeof *out * 2 * (size_t)(forest->trees + forest->stats + 1));
    double importances[COLS];
    if (forest->features <= COLS && out) {
        ch_forest_predict(forest, CH_FOREST_MARGIN, &m, out, &err);
        ch_forest_predict(forest, CH_FOREST_LEAVES, &m, out, &err);
        if (forest->classes) ch_forest_predict(forest, CH_FOREST_VOTES, &m, out, &err);
        ch_forest_importances(forest, true, importances);
    }
    ch_buf text = {0};
    ch_forest_debug_string(forest, &text);
    ch_buf_reset(&text);
    free(out);
}

static void tree_nodes(reader *r)
{
    int32_t classes = (int32_t)(take(r) % 4), trees = (int32_t)(take(r) % 3 + 1);
    ch_tree_impurity impurity = classes ? (take(r) & 1 ? CH_TREE_GINI : CH_TREE_ENTROPY) : CH_TREE_VARIANCE;
    static double values[MOST_ROWS][2][MOST_VALUES];
    ch_tree_row rows[MOST_ROWS];
    size_t n = 0;
    while (r->left && n < MOST_ROWS) {
        ch_tree_row *row = &rows[n];
        *row = (ch_tree_row){.tree = (int32_t)whole(r),
                             .id = (int32_t)whole(r),
                             .prediction = real(r),
                             .impurity = real(r),
                             .raw_count = whole(r),
                             .gain = real(r),
                             .left = (int32_t)whole(r),
                             .right = (int32_t)whole(r),
                             .feature = (int32_t)whole(r),
                             .num_categories = (int32_t)whole(r)};
        row->nstats = (size_t)take(r) % (MOST_VALUES + 1);
        row->nsplit_values = (size_t)take(r) % (MOST_VALUES + 1);
        for (size_t i = 0; i < row->nstats; i++) values[n][0][i] = real(r);
        for (size_t i = 0; i < row->nsplit_values; i++) values[n][1][i] = real(r);
        row->stats = values[n][0];
        row->split_values = values[n][1];
        n++;
    }
    ch_forest *forest;
    ch_error err;
    if (ch_forest_build(impurity, COLS, classes, trees, NULL, rows, n, &forest, &err)) return;
    score(forest);
    ch_forest_free(forest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *first = memchr(data, '\n', size);
    if (!first) return 0;
    metadata_line((const char *)data, (size_t)(first - data));
    size_t left = size - (size_t)(first - data) - 1;
    const uint8_t *second = memchr(first + 1, '\n', left);
    if (!second) return 0;
    char *line = malloc((size_t)(second - first));
    if (!line) return 0;
    memcpy(line, first + 1, (size_t)(second - first) - 1);
    line[second - first - 1] = '\0';
    column_metadata(line);
    free(line);
    reader r = {second + 1, size - (size_t)(second - data) - 1};
    vectors_and_matrices(&r);
    tree_nodes(&r);
    return 0;
}
