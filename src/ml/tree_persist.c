/* tree_persist.c: tree models on disk: a row a node (org.apache.spark.ml.tree.{DecisionTreeModelReadWrite,
 * EnsembleModelReadWrite}). */
#include "ml/literal.h"
#include "ml/model.h"
#include "ml/schema.h"
#include "ml/stages.h"
#include "ml/tree_model.h"

#include <stdlib.h>

enum { NODE_FIELDS = 9, SPLIT_FIELDS = 3 };

/* ---- writing ---- */

/* NodeData: id, prediction, impurity, impurityStats, rawCount, gain, leftChild, rightChild, split. */
static void node_fields(ch_arena *arena, ch_field out[NODE_FIELDS])
{
    const ch_type *doubles = ch_type_array(arena, &ch_type_double, false);
    const ch_field split[SPLIT_FIELDS] = {{.name = "featureIndex", .type = &ch_type_int},
                                          {.name = "leftCategoriesOrThreshold", .type = doubles, .nullable = true},
                                          {.name = "numCategories", .type = &ch_type_int}};
    const ch_field fields[NODE_FIELDS] = {
        {.name = "id", .type = &ch_type_int},
        {.name = "prediction", .type = &ch_type_double},
        {.name = "impurity", .type = &ch_type_double},
        {.name = "impurityStats", .type = doubles, .nullable = true},
        {.name = "rawCount", .type = &ch_type_long},
        {.name = "gain", .type = &ch_type_double},
        {.name = "leftChild", .type = &ch_type_int},
        {.name = "rightChild", .type = &ch_type_int},
        {.name = "split", .type = ch_type_struct(arena, split, SPLIT_FIELDS), .nullable = true}};
    memcpy(out, fields, sizeof fields);
}

static void node_literals(ch_arena *arena, const ch_tree_row *row, const ch_field fields[NODE_FIELDS],
                          ch_literal out[NODE_FIELDS])
{
    out[0] = ch_lit_int(row->id);
    out[1] = ch_lit_double(row->prediction);
    out[2] = ch_lit_double(row->impurity);
    out[3] = ch_lit_doubles(arena, row->stats, row->nstats);
    out[4] = ch_lit_long(row->raw_count);
    out[5] = ch_lit_double(row->gain);
    out[6] = ch_lit_int(row->left);
    out[7] = ch_lit_int(row->right);
    out[8] = (ch_literal){.type = fields[8].type};
    out[8].v.list.n = SPLIT_FIELDS;
    out[8].v.list.items = CH_NEW_ARRAY(arena, ch_literal, SPLIT_FIELDS);
    out[8].v.list.items[0] = ch_lit_int(row->feature);
    out[8].v.list.items[1] = ch_lit_doubles(arena, row->split_values, row->nsplit_values);
    out[8].v.list.items[2] = ch_lit_int(row->num_categories);
}

/* Writes all nodes of a forest; with the tree's number in front (`ensemble`) the node is a struct. */
static int save_nodes(ch_saver *saver, const ch_forest *forest, bool ensemble, ch_error *err)
{
    ch_field nodes[NODE_FIELDS], outer[2];
    node_fields(saver->arena, nodes);
    outer[0] = (ch_field){.name = "treeID", .type = &ch_type_int};
    outer[1] =
        (ch_field){.name = "nodeData", .type = ch_type_struct(saver->arena, nodes, NODE_FIELDS), .nullable = true};
    ch_table_writer *table;
    CH_TRY(ch_table_open(saver, "data", ensemble ? outer : nodes, ensemble ? 2 : NODE_FIELDS, &table, err));
    int status = 0;
    for (int32_t t = 0; t < forest->trees && !status; t++) {
        ch_arena *scratch = ch_arena_new(); /* a tree's literals are gone before the next one's come */
        for (int32_t i = 0; i < forest->tree[t].nodes && !status; i++) {
            ch_tree_row row;
            ch_literal node[NODE_FIELDS], pair[2] = {ch_lit_int(t), {.type = outer[1].type}};
            ch_forest_row(forest, t, i, &row);
            node_literals(scratch, &row, nodes, node);
            pair[1].v.list.n = NODE_FIELDS;
            pair[1].v.list.items = node;
            status = ch_table_add(table, ensemble ? pair : node, err);
        }
        ch_arena_free(scratch);
    }
    if (!status) return ch_table_close(table, err);
    ch_table_abandon(table);
    return status;
}

int ch_tree_save(ch_saver *saver, const ch_object *model, ch_error *err)
{
    const ch_forest *forest;
    CH_TRY(ch_tree_state_forest(model->fitted->data, &forest, err));
    ch_saver_extra_int(saver, "numFeatures", forest->features);
    if (forest->classes) ch_saver_extra_int(saver, "numClasses", forest->classes);
    return save_nodes(saver, forest, false, err);
}

/* treesMetadata/: treeID, the metadata line of each tree, its weight. */
static int save_trees(ch_saver *saver, const ch_object *model, const ch_forest *forest, ch_error *err)
{
    const ch_field fields[3] = {{.name = "treeID", .type = &ch_type_int},
                                {.name = "metadata", .type = &ch_type_string, .nullable = true},
                                {.name = "weights", .type = &ch_type_double}};
    const ch_stage *stage =
        forest->classes ? &ch_stage_decision_tree_classification_model : &ch_stage_decision_tree_regression_model;
    ch_table_writer *table;
    CH_TRY(ch_table_open(saver, "treesMetadata", fields, 3, &table, err));
    ch_param_map *params = ch_param_map_copy(model->params, stage, stage->uid_prefix);
    ch_buf line = {0};
    int status = 0;
    for (int32_t t = 0; t < forest->trees && !status; t++) {
        char uid[40];
        ch_random_uid(stage->uid_prefix, uid, sizeof uid);
        ch_buf_clear(&line);
        ch_metadata_json(stage->class_name, uid, params, "", &line);
        ch_literal row[3] = {ch_lit_int(t),
                             {.type = &ch_type_string, .v.bytes = {line.data, line.len}},
                             ch_lit_double(forest->weight[t])};
        status = ch_table_add(table, row, err);
    }
    ch_buf_reset(&line);
    ch_param_map_release(params);
    if (!status) return ch_table_close(table, err);
    ch_table_abandon(table);
    return status;
}

int ch_ensemble_save(ch_saver *saver, const ch_object *model, bool classes_in_metadata, ch_error *err)
{
    const ch_forest *forest = ((const ch_tree_state *)model->fitted->data)->forest;
    ch_saver_extra_int(saver, "numFeatures", forest->features);
    if (classes_in_metadata) ch_saver_extra_int(saver, "numClasses", forest->classes);
    ch_saver_extra_int(saver, "numTrees", forest->trees);
    CH_TRY(save_trees(saver, model, forest, err));
    return save_nodes(saver, forest, true, err);
}

/* ---- reading ---- */

/* Rows as they come; their arrays are offsets into `values` until all are there. */
typedef struct node_reader {
    bool ensemble;
    ch_tree_row *rows;
    size_t n, room;
    double *values;
    size_t used, value_room;
    size_t *offsets; /* of stats and split values of each row */
} node_reader;

static int reserve_rows(node_reader *r, size_t more, ch_error *err)
{
    if (r->n + more <= r->room) return 0;
    r->room = 2 * (r->n + more);
    ch_tree_row *rows = realloc(r->rows, r->room * sizeof *rows);
    if (rows) r->rows = rows;
    size_t *offsets = realloc(r->offsets, 2 * r->room * sizeof *offsets);
    if (offsets) r->offsets = offsets;
    return rows && offsets ? 0 : ch_no_memory(err);
}

/* Appends the doubles of a list; *n and *offset say where they are. */
static int read_list(node_reader *r, const ch_column *c, size_t row, size_t *n, size_t *offset, ch_error *err)
{
    *n = 0;
    *offset = r->used;
    if (!ch_column_valid(c, row)) return 0;
    ch_list list = ((const ch_list *)c->data)[row];
    const ch_column *items = &c->child[0];
    if (list.offset > items->rows || list.length > items->rows - list.offset)
        return ch_bug(err, "a list out of bounds");
    if (r->used + list.length > r->value_room) {
        r->value_room = 2 * (r->used + list.length) + 1024;
        double *values = realloc(r->values, r->value_room * sizeof *values);
        if (!values) return ch_no_memory(err);
        r->values = values;
    }
    for (size_t i = 0; i < list.length; i++) {
        if (!ch_column_valid(items, list.offset + i))
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "a tree node has a NULL");
        r->values[r->used + i] = ((const double *)items->data)[list.offset + i];
    }
    *n = list.length;
    r->used += list.length;
    return 0;
}

static int32_t int_at(const ch_column *c, size_t row)
{
    return ((const int32_t *)c->data)[row];
}

/* Columns in the order of read_nodes. */
static int take_nodes(void *context, const ch_batch *batch, ch_error *err)
{
    node_reader *r = context;
    CH_TRY(reserve_rows(r, batch->rows, err));
    const ch_column *c = batch->cols;
    for (size_t i = 0; i < batch->rows; i++) {
        for (size_t k = 0; k < batch->ncol; k++) {
            if (!ch_column_valid(&c[k], i)) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "a tree node has a NULL");
        }
        ch_tree_row *row = &r->rows[r->n];
        *row = (ch_tree_row){.id = int_at(&c[0], i),
                             .prediction = ((const double *)c[1].data)[i],
                             .impurity = ((const double *)c[2].data)[i],
                             .raw_count = ((const int64_t *)c[4].data)[i],
                             .gain = ((const double *)c[5].data)[i],
                             .left = int_at(&c[6], i),
                             .right = int_at(&c[7], i),
                             .feature = int_at(&c[8], i),
                             .num_categories = int_at(&c[10], i)};
        CH_TRY(read_list(r, &c[3], i, &row->nstats, &r->offsets[2 * r->n], err));
        CH_TRY(read_list(r, &c[9], i, &row->nsplit_values, &r->offsets[2 * r->n + 1], err));
        if (r->ensemble) row->tree = int_at(&c[11], i);
        r->n++;
    }
    return 0;
}

static int read_nodes(ch_loader *loader, bool ensemble, node_reader *r, ch_error *err)
{
    const ch_type *doubles = ch_type_array(loader->arena, &ch_type_double, true);
    const struct {
        const char *name;
        const ch_type *type;
    } columns[] = {{"id", &ch_type_int},
                   {"prediction", &ch_type_double},
                   {"impurity", &ch_type_double},
                   {"impurityStats", doubles},
                   {"rawCount", &ch_type_long},
                   {"gain", &ch_type_double},
                   {"leftChild", &ch_type_int},
                   {"rightChild", &ch_type_int},
                   {"split.featureIndex", &ch_type_int},
                   {"split.leftCategoriesOrThreshold", doubles},
                   {"split.numCategories", &ch_type_int}};
    enum { N = sizeof columns / sizeof *columns };
    ch_field fields[N + 1];
    for (size_t i = 0; i < N; i++) {
        const char *name = columns[i].name;
        if (ensemble) name = ch_arena_printf(loader->arena, "nodeData.%s", name);
        fields[i] = (ch_field){.name = name, .type = columns[i].type};
    }
    fields[N] = (ch_field){.name = "treeID", .type = &ch_type_int};
    *r = (node_reader){.ensemble = ensemble};
    CH_TRY(ch_load_rows(loader, "data", fields, N + ensemble, take_nodes, r, err));
    for (size_t i = 0; i < r->n; i++) {
        r->rows[i].stats = r->values + r->offsets[2 * i];
        r->rows[i].split_values = r->values + r->offsets[2 * i + 1];
    }
    return 0;
}

static void free_reader(node_reader *r)
{
    free(r->rows);
    free(r->values);
    free(r->offsets);
}

static int build(node_reader *r, ch_tree_impurity impurity, int64_t features, int64_t classes, int64_t trees,
                 const double *weights, void **data, ch_error *err)
{
    ch_forest *forest;
    CH_TRY(ch_forest_build(impurity, (int32_t)features, (int32_t)classes, (int32_t)trees, weights, r->rows, r->n,
                           &forest, err));
    *data = ch_tree_state_new(forest, err);
    return *data ? 0 : CH_E_MEMORY;
}

int ch_tree_load(ch_loader *loader, bool classifier, void **data, ch_error *err)
{
    int64_t features, classes = 0;
    CH_TRY(ch_metadata_int(loader->metadata, "numFeatures", 0, &features, err));
    if (classifier) CH_TRY(ch_metadata_int(loader->metadata, "numClasses", 1, &classes, err));
    node_reader r;
    int status = read_nodes(loader, false, &r, err);
    if (!status) status = build(&r, ch_impurity_param(loader->params), features, classes, 1, NULL, data, err);
    free_reader(&r);
    return status;
}

typedef struct weight_reader {
    int64_t trees;
    double *weights;
    bool *seen;
    int64_t n;
} weight_reader;

static int take_weights(void *context, const ch_batch *batch, ch_error *err)
{
    weight_reader *w = context;
    for (size_t i = 0; i < batch->rows; i++) {
        int32_t tree = int_at(&batch->cols[0], i);
        if (!ch_column_valid(&batch->cols[0], i) || !ch_column_valid(&batch->cols[1], i) || tree < 0 ||
            tree >= w->trees || w->seen[tree]) {
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "treesMetadata do not list each of the %lld trees once",
                            (long long)w->trees);
        }
        w->weights[tree] = ((const double *)batch->cols[1].data)[i];
        w->seen[tree] = true;
        w->n++;
    }
    return 0;
}

enum { MOST_TREES = 1 << 24 };

int ch_ensemble_load(ch_loader *loader, ch_tree_impurity impurity, int32_t classes, void **data, ch_error *err)
{
    int64_t features, trees, n = classes;
    CH_TRY(ch_metadata_int(loader->metadata, "numFeatures", 0, &features, err));
    CH_TRY(ch_metadata_int(loader->metadata, "numTrees", 1, &trees, err));
    if (classes < 0) CH_TRY(ch_metadata_int(loader->metadata, "numClasses", 1, &n, err));
    if (trees > MOST_TREES) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "a model of %lld trees", (long long)trees);
    bool named; /* Spark 4.1 writes a tuple's names: _1, _2, _3 */
    CH_TRY(ch_table_has_column(loader, "treesMetadata", "treeID", &named, err));
    const ch_field fields[2] = {{.name = named ? "treeID" : "_1", .type = &ch_type_int},
                                {.name = named ? "weights" : "_3", .type = &ch_type_double}};
    weight_reader w = {.trees = trees,
                       .weights = CH_NEW_ARRAY(loader->arena, double, trees),
                       .seen = CH_NEW_ARRAY(loader->arena, bool, trees)};
    CH_TRY(ch_load_rows(loader, "treesMetadata", fields, 2, take_weights, &w, err));
    if (w.n != trees) {
        return ch_require_failed(err, "%s.load expected %lld trees based on metadata but found %lld trees.",
                                 ch_stage_name(ch_param_map_stage(loader->params)), (long long)trees, (long long)w.n);
    }
    node_reader r;
    int status = read_nodes(loader, true, &r, err);
    if (!status) status = build(&r, impurity, features, n, trees, w.weights, data, err);
    free_reader(&r);
    return status;
}
