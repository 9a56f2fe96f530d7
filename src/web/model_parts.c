/* model_parts.c: what is drawn of one stage of a saved model: weights, matrices, tables, labels and trees, with the
 * names of the features. */
#include "web/model_parts.h"

#include "ml/literal.h"
#include "ml/tree_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How much is told: what a page can show. */
enum {
    WEIGHTS_MOST = 200, /* features: the heaviest */
    ROWS_MOST = 100,    /* classes or clusters */
    COLUMNS_MOST = 60,  /* features of a matrix: those that tell rows apart the most */
    TABLE_MOST = 500,   /* features of a scaler */
    LABELS_MOST = 200,  /* of one column */
    TREES_MOST = 6,     /* the first */
    DEPTH_MOST = 6,     /* of a tree */
    AMONG_MOST = 12     /* categories of a split */
};

/* The same stage, without names of features unless there are names for all `n`. */
static ch_shown_stage of_features(const ch_shown_stage *shown, size_t n)
{
    ch_shown_stage s = *shown;
    if (s.features.size != (int64_t)n) s.features = (ch_ml_group){.size = -1};
    return s;
}

static const char *feature_name(const ch_shown_stage *s, size_t i)
{
    const char *name = s->features.attrs ? s->features.attrs[i].name : NULL;
    return name ? name : ch_arena_printf(s->arena, "feature %zu", i);
}

/* ---- attributes ---- */

static const ch_attribute *find_attribute(const ch_stage *stage, const char *name)
{
    for (const ch_attribute *const *table = stage->attributes; table && *table; table++)
        for (const ch_attribute *row = *table; row->name; row++)
            if (strcmp(row->name, name) == 0) return row;
    return NULL;
}

static bool has_table(const ch_stage *stage, const ch_attribute *wanted)
{
    for (const ch_attribute *const *table = stage->attributes; table && *table; table++)
        if (*table == wanted) return true;
    return false;
}

/* An attribute that is a literal; false when the stage has none of the name, or refuses to give it. */
static bool read_literal(const ch_shown_stage *s, const char *name, ch_literal *out)
{
    const ch_saved_stage *stage = s->stage;
    const ch_attribute *attribute = find_attribute(stage->stage, name);
    if (!attribute || !stage->fitted) return false;
    const char *uid = ch_param_map_uid(stage->params);
    ch_object *object =
        ch_object_new(stage->stage, uid, ch_param_map_copy(stage->params, NULL, uid), ch_fitted_retain(stage->fitted));
    ch_attr_call call = {.arena = s->arena, .self = object, .name = name};
    ch_attr_value value = {0};
    ch_error err;
    bool found = !attribute->get(&call, &value, &err) && value.kind == CH_ATTR_LITERAL;
    if (found) *out = value.literal;
    ch_object_release(object);
    return found;
}

static bool read_vector(const ch_shown_stage *s, const char *name, double **values, size_t *n)
{
    ch_literal literal;
    ch_error err;
    return read_literal(s, name, &literal) && !ch_lit_to_vector(s->arena, &literal, name, values, n, &err);
}

static void write_doubles(ch_json *out, const char *member, const double *values, size_t n)
{
    ch_json_key(out, member);
    ch_json_begin(out, '[');
    for (size_t i = 0; i < n; i++) ch_json_double(out, values[i]);
    ch_json_end(out, ']');
}

/* ---- features by how much they matter ---- */

typedef struct weight {
    size_t feature;
    double value; /* its size decides */
} weight;

static int heavier(const void *a, const void *b)
{
    const weight *x = a, *y = b;
    double dx = fabs(x->value), dy = fabs(y->value);
    if (dx != dy) return dx < dy ? 1 : -1;
    return (x->feature > y->feature) - (x->feature < y->feature);
}

static void write_names(const ch_shown_stage *s, const char *member, const weight *sorted, size_t n)
{
    ch_json_key(s->out, member);
    ch_json_begin(s->out, '[');
    for (size_t i = 0; i < n; i++) ch_json_string(s->out, feature_name(s, sorted[i].feature));
    ch_json_end(s->out, ']');
}

/* Importances, or the coefficients of a model with one set of them. */
static bool write_weights(const ch_shown_stage *s, const char *what)
{
    double *values;
    size_t n;
    if (!read_vector(s, what, &values, &n)) return false;
    weight *sorted = CH_NEW_ARRAY(s->arena, weight, n);
    for (size_t i = 0; i < n; i++) sorted[i] = (weight){i, values[i]};
    qsort(sorted, n, sizeof *sorted, heavier);
    size_t told = n < WEIGHTS_MOST ? n : WEIGHTS_MOST;
    ch_json_key(s->out, "weights");
    ch_json_begin(s->out, '{');
    ch_json_member(s->out, "what", what);
    ch_json_member_int(s->out, "total", (int64_t)n);
    ch_json_key(s->out, "values");
    ch_json_begin(s->out, '[');
    for (size_t i = 0; i < told; i++) ch_json_double(s->out, sorted[i].value);
    ch_json_end(s->out, ']');
    ch_shown_stage known = of_features(s, n);
    write_names(&known, "names", sorted, told);
    ch_json_end(s->out, '}');
    return true;
}

/* ---- matrices ---- */

/* The columns in which the rows differ the most, in the order of the features. */
static size_t choose_columns(const ch_shown_stage *s, const double *values, size_t rows, size_t cols, weight **out)
{
    weight *sorted = CH_NEW_ARRAY(s->arena, weight, cols);
    for (size_t j = 0; j < cols; j++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < rows; i++) {
            low = fmin(low, values[i * cols + j]);
            high = fmax(high, values[i * cols + j]);
        }
        sorted[j] = (weight){j, high - low};
    }
    if (cols > COLUMNS_MOST) qsort(sorted, cols, sizeof *sorted, heavier);
    *out = sorted;
    return cols < COLUMNS_MOST ? cols : COLUMNS_MOST;
}

static void write_matrix(const ch_shown_stage *s, const char *what, const char *row_word)
{
    ch_literal literal;
    ch_error err;
    double *values, *intercepts;
    weight *columns;
    size_t rows, cols, n;
    if (!read_literal(s, what, &literal) || ch_lit_to_matrix(s->arena, &literal, what, &values, &rows, &cols, &err))
        return;
    size_t told = choose_columns(s, values, rows, cols, &columns), height = rows < ROWS_MOST ? rows : ROWS_MOST;
    ch_json_key(s->out, "matrix");
    ch_json_begin(s->out, '{');
    ch_json_member(s->out, "what", what);
    ch_json_member_int(s->out, "total", (int64_t)cols);
    ch_json_key(s->out, "rows");
    ch_json_begin(s->out, '[');
    for (size_t i = 0; i < height; i++) ch_json_string(s->out, ch_arena_printf(s->arena, "%s %zu", row_word, i));
    ch_json_end(s->out, ']');
    ch_shown_stage known = of_features(s, cols);
    write_names(&known, "columns", columns, told);
    ch_json_key(s->out, "values");
    ch_json_begin(s->out, '[');
    for (size_t i = 0; i < height; i++) {
        ch_json_begin(s->out, '[');
        for (size_t j = 0; j < told; j++) ch_json_double(s->out, values[i * cols + columns[j].feature]);
        ch_json_end(s->out, ']');
    }
    ch_json_end(s->out, ']');
    if (read_vector(s, "interceptVector", &intercepts, &n) && n == rows)
        write_doubles(s->out, "intercepts", intercepts, height);
    ch_json_end(s->out, '}');
}

/* ---- scalers ---- */

static void write_table(const ch_shown_stage *s, const char *const *attributes, size_t nattribute)
{
    double *values;
    size_t n = 0;
    if (!read_vector(s, attributes[0], &values, &n)) return;
    size_t told = n < TABLE_MOST ? n : TABLE_MOST;
    ch_shown_stage known = of_features(s, n);
    ch_json_key(s->out, "table");
    ch_json_begin(s->out, '{');
    ch_json_member_int(s->out, "total", (int64_t)n);
    ch_json_key(s->out, "names");
    ch_json_begin(s->out, '[');
    for (size_t i = 0; i < told; i++) ch_json_string(s->out, feature_name(&known, i));
    ch_json_end(s->out, ']');
    ch_json_key(s->out, "columns");
    ch_json_begin(s->out, '[');
    for (size_t k = 0; k < nattribute; k++) {
        size_t other;
        if (!read_vector(s, attributes[k], &values, &other) || other != n) continue;
        ch_json_begin(s->out, '{');
        ch_json_member(s->out, "name", attributes[k]);
        write_doubles(s->out, "values", values, told);
        ch_json_end(s->out, '}');
    }
    ch_json_end(s->out, ']');
    ch_json_end(s->out, '}');
}

/* ---- labels ---- */

static const char *column_name(const ch_shown_stage *s, size_t i)
{
    size_t n = 0;
    const ch_param_map *params = s->stage->params;
    const char *const *names = ch_param_exists(params, "inputCols") ? ch_param_texts(params, "inputCols", &n) : NULL;
    if (i < n) return names[i];
    const char *name = ch_param_exists(params, "inputCol") ? ch_param_column(params, "inputCol") : NULL;
    return name ? name : "";
}

static void write_labels(const ch_shown_stage *s)
{
    ch_literal columns;
    if (!read_literal(s, "labelsArray", &columns)) return;
    ch_json_key(s->out, "labels");
    ch_json_begin(s->out, '[');
    for (size_t i = 0; i < columns.v.list.n; i++) {
        const ch_literal *list = &columns.v.list.items[i];
        ch_json_begin(s->out, '{');
        ch_json_member(s->out, "column", column_name(s, i));
        ch_json_member_int(s->out, "total", (int64_t)list->v.list.n);
        ch_json_key(s->out, "values");
        ch_json_begin(s->out, '[');
        for (size_t k = 0; k < list->v.list.n && k < LABELS_MOST; k++) {
            const char *label = ch_lit_string(s->arena, &list->v.list.items[k]);
            ch_json_string(s->out, label ? label : "");
        }
        ch_json_end(s->out, ']');
        ch_json_end(s->out, '}');
    }
    ch_json_end(s->out, ']');
}

/* ---- trees ---- */

/* The values of a nominal feature that go to the left, by name where they have names. */
static void write_among(const ch_shown_stage *s, const ch_tree *tree, const ch_tree_node *node)
{
    const ch_ml_attr *attr = s->features.attrs ? &s->features.attrs[node->feature] : NULL;
    ch_json_key(s->out, "among");
    ch_json_begin(s->out, '[');
    for (int32_t i = 0; i < node->category_count && i < AMONG_MOST; i++) {
        double category = tree->categories[node->category_start + i];
        bool named = attr && attr->values && category >= 0 && category < (double)attr->nvalue;
        const char *name = named ? attr->values[(size_t)category] : NULL;
        ch_json_string(s->out, name ? name : ch_arena_printf(s->arena, "%g", category));
    }
    if (node->category_count > AMONG_MOST) ch_json_string(s->out, "…");
    ch_json_end(s->out, ']');
}

/* A subtree in pre-order is a run of nodes: the right child's ends where the parent's does. */
typedef struct place {
    int32_t node, end;
    int depth;
} place;

static void write_split(const ch_shown_stage *s, const ch_tree *tree, const ch_tree_node *node, place at,
                        const int32_t *position)
{
    if (at.depth == DEPTH_MOST) {
        ch_json_member_int(s->out, "more", at.end - at.node - 1);
        return;
    }
    ch_json_key(s->out, "gain");
    ch_json_double(s->out, node->gain);
    ch_json_member(s->out, "feature", feature_name(s, (size_t)node->feature));
    if (node->num_categories >= 0) {
        write_among(s, tree, node);
    } else {
        ch_json_key(s->out, "threshold");
        ch_json_double(s->out, node->threshold);
    }
    ch_json_member_int(s->out, "left", position[node->left]);
    ch_json_member_int(s->out, "right", position[node->right]);
}

/* Which nodes are told, in pre-order, and where each is among them. */
static size_t choose_nodes(ch_arena *arena, const ch_tree *tree, place **out, int32_t **position)
{
    place waiting[DEPTH_MOST + 2];
    size_t nwaiting = 1, n = 0;
    *out = CH_NEW_ARRAY(arena, place, (size_t)1 << (DEPTH_MOST + 1));
    *position = CH_NEW_ARRAY(arena, int32_t, (size_t)tree->nodes);
    waiting[0] = (place){.node = 0, .end = tree->nodes};
    while (nwaiting) {
        place at = waiting[--nwaiting];
        const ch_tree_node *node = &tree->node[at.node];
        (*position)[at.node] = (int32_t)n;
        (*out)[n++] = at;
        if (node->left < 0 || at.depth == DEPTH_MOST) continue;
        waiting[nwaiting++] = (place){node->right, at.end, at.depth + 1};
        waiting[nwaiting++] = (place){node->left, node->right, at.depth + 1};
    }
    return n;
}

static void write_tree(const ch_shown_stage *s, const ch_forest *forest, int32_t index)
{
    const ch_tree *tree = &forest->tree[index];
    place *places;
    int32_t *position;
    size_t n = choose_nodes(s->arena, tree, &places, &position);
    ch_json_begin(s->out, '{');
    ch_json_key(s->out, "weight");
    ch_json_double(s->out, forest->weight[index]);
    ch_json_member_int(s->out, "depth", tree->depth);
    ch_json_member_int(s->out, "total", tree->nodes);
    ch_json_key(s->out, "nodes");
    ch_json_begin(s->out, '[');
    for (size_t i = 0; i < n; i++) {
        const ch_tree_node *node = &tree->node[places[i].node];
        ch_json_begin(s->out, '{');
        ch_json_key(s->out, "value");
        ch_json_double(s->out, node->prediction);
        ch_json_member_int(s->out, "count", node->raw_count);
        ch_json_key(s->out, "impurity");
        ch_json_double(s->out, fmax(0, node->impurity));
        if (node->left >= 0) write_split(s, tree, node, places[i], position);
        ch_json_end(s->out, '}');
    }
    ch_json_end(s->out, ']');
    ch_json_end(s->out, '}');
}

static void write_trees(const ch_shown_stage *s)
{
    const ch_stage *stage = s->stage->stage;
    const ch_forest *forest;
    ch_error err;
    if (!has_table(stage, ch_attributes_tree) && !has_table(stage, ch_attributes_ensemble)) return;
    if (!s->stage->fitted || ch_tree_state_forest(s->stage->fitted->data, &forest, &err)) return;
    ch_shown_stage known = of_features(s, (size_t)forest->features);
    ch_json_key(s->out, "trees");
    ch_json_begin(s->out, '{');
    ch_json_member_int(s->out, "total", forest->trees);
    ch_json_key(s->out, "trees");
    ch_json_begin(s->out, '[');
    for (int32_t i = 0; i < forest->trees && i < TREES_MOST; i++) write_tree(&known, forest, i);
    ch_json_end(s->out, ']');
    ch_json_end(s->out, '}');
}

void ch_stage_show(const ch_shown_stage *shown)
{
    static const char *const STANDARD[] = {"mean", "std"}, *const MIN_MAX[] = {"originalMin", "originalMax"};
    if (!write_weights(shown, "featureImportances") && !write_weights(shown, "coefficients"))
        write_matrix(shown, "coefficientMatrix", "class");
    write_matrix(shown, "clusterCenterMatrix", "cluster");
    write_table(shown, STANDARD, 2);
    write_table(shown, MIN_MAX, 2);
    write_labels(shown);
    write_trees(shown);
}
