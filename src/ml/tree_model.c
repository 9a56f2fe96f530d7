/* tree_model.c: fitted state, fitting, scoring and attributes that all tree models share. */
#include "ml/tree_model.h"

#include "ml/literal.h"
#include "ml/metadata.h"
#include "ml/model.h"
#include "ml/schema.h"
#include "ml/stages.h"

#include <stdlib.h>
#include <strings.h>

/* ---- params ---- */

bool ch_valid_checkpoint_interval(const ch_literal *value)
{
    return value->v.integer == -1 || value->v.integer >= 1;
}

bool ch_valid_feature_subset(const ch_literal *value)
{
    static const char *const NAMES[] = {"auto", "all", "onethird", "sqrt", "log2"};
    char text[64], *end;
    if (value->v.bytes.len == 0 || value->v.bytes.len >= sizeof text) return false;
    memcpy(text, value->v.bytes.data, value->v.bytes.len);
    text[value->v.bytes.len] = '\0';
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strcasecmp(text, NAMES[i]) == 0) return true;
    }
    if (strspn(text, "0123456789") == strlen(text)) return strlen(text) < 10 && atoi(text) > 0;
    double fraction = strtod(text, &end);
    return !*end && fraction > 0 && fraction <= 1.0;
}

ch_tree_impurity ch_impurity_param(const ch_param_map *params)
{
    switch (ch_param_text(params, "impurity")[0] | 0x20) {
    case 'g': return CH_TREE_GINI;
    case 'e': return CH_TREE_ENTROPY;
    default: return CH_TREE_VARIANCE;
    }
}

ch_tree_params ch_tree_params_of(const ch_param_map *params, ch_task *task)
{
    bool ensemble = ch_param_exists(params, "featureSubsetStrategy");
    return (ch_tree_params){
        .impurity = ch_impurity_param(params),
        .max_depth = ch_param_int(params, "maxDepth"),
        .max_bins = ch_param_int(params, "maxBins"),
        .min_instances_per_node = ch_param_int(params, "minInstancesPerNode"),
        .min_weight_fraction_per_node = ch_param_double(params, "minWeightFractionPerNode"),
        .min_info_gain = ch_param_double(params, "minInfoGain"),
        .max_memory_mb = ch_param_int(params, "maxMemoryInMB"),
        .feature_subset = ensemble ? ch_param_text(params, "featureSubsetStrategy") : "all",
        .subsampling_rate = ensemble ? ch_param_double(params, "subsamplingRate") : 1.0,
        .seed = ch_param_long(params, "seed"),
        .task = task,
    };
}

/* ---- fitted state ---- */

static int32_t highest_feature(const ch_forest *forest)
{
    int32_t highest = -1;
    for (int32_t t = 0; t < forest->trees; t++) {
        for (int32_t i = 0; i < forest->tree[t].nodes; i++) {
            if (forest->tree[t].node[i].feature > highest) highest = forest->tree[t].node[i].feature;
        }
    }
    return highest;
}

ch_tree_state *ch_tree_state_new(ch_forest *forest, ch_error *err)
{
    ch_tree_state *s = calloc(1, sizeof *s);
    if (!s) {
        ch_forest_free(forest);
        ch_no_memory(err);
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    s->forest = forest;
    s->needed = highest_feature(forest) + 1;
    return s;
}

void ch_tree_state_free(void *state)
{
    ch_tree_state *s = state;
    ch_forest_free(s->forest);
    ch_fitted_release(s->parent);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

size_t ch_tree_state_bytes(const void *state)
{
    const ch_tree_state *s = state;
    return sizeof *s + (s->forest ? ch_forest_bytes(s->forest) : 0);
}

/* The forest that holds this state's first tree at *index. */
static const ch_forest *home(const ch_tree_state *s, int32_t *index)
{
    if (!s->parent) {
        *index = 0;
        return s->forest;
    }
    *index = s->index;
    return ((const ch_tree_state *)s->parent->data)->forest;
}

int ch_tree_state_forest(const void *state, const ch_forest **out, ch_error *err)
{
    ch_tree_state *s = (ch_tree_state *)(uintptr_t)state;
    if (!s->parent) {
        *out = s->forest;
        return 0;
    }
    pthread_mutex_lock(&s->lock);
    int status = 0, unused;
    if (!s->forest) status = ch_forest_tree(home(s, &unused), s->index, &s->forest, err);
    *out = s->forest;
    pthread_mutex_unlock(&s->lock);
    return status;
}

/* ---- fit ---- */

int ch_tree_arity(const ch_fit *fit, const ch_matrix *m, const int32_t **arity, ch_error *err)
{
    size_t index;
    ch_ml_group group;
    CH_TRY(ch_schema_find(&fit->schema, ch_param_text(fit->params, "featuresCol"), &index, err));
    CH_TRY(ch_ml_group_read(fit->arena, &fit->schema.fields[index], &group, err));
    *arity = NULL;
    if (!group.attrs) return 0;
    int32_t *out = CH_NEW_ARRAY(fit->arena, int32_t, m->cols);
    for (size_t i = 0; i < m->cols && (int64_t)i < group.size; i++) {
        const ch_ml_attr *attr = &group.attrs[i];
        int64_t values = ch_ml_attr_values(attr);
        if (attr->type == CH_ML_NOMINAL && values < 0) {
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                            "Feature %zu is marked as Nominal (categorical), but it does not have the number of values "
                            "specified.",
                            i);
        }
        if (values > 0) out[i] = (int32_t)values;
    }
    *arity = out;
    return 0;
}

int ch_tree_ingest(const ch_fit *fit, ch_label_rule rule, const char *flag, ch_dataset **out, ch_error *err)
{
    ch_ingest_spec spec = {.features = ch_param_text(fit->params, "featuresCol"),
                           .label = ch_param_text(fit->params, "labelCol"),
                           .rule = rule,
                           .classes = 2,
                           .weight = ch_param_column(fit->params, "weightCol"),
                           .flag = flag,
                           .mismatch_by_index = true};
    return ch_ingest(fit->session, fit->arena, fit->dataset, &spec, fit->task, out, err);
}

/* `classes`: 0 for a regressor. */
static int grow(const ch_fit *fit, const ch_dataset *dataset, int64_t classes, int32_t trees, bool bootstrap,
                ch_fit_result *out, ch_error *err)
{
    ch_matrix m = ch_dataset_matrix(dataset, 0);
    const int32_t *arity;
    CH_TRY(ch_tree_arity(fit, &m, &arity, err));
    ch_forest_params p = ch_forest_defaults();
    p.tree = ch_tree_params_of(fit->params, fit->task);
    p.classes = (int32_t)classes;
    p.trees = trees;
    p.bootstrap = bootstrap;
    ch_forest *forest;
    CH_TRY(ch_forest_fit(&m, arity, &p, &forest, err));
    out->data = ch_tree_state_new(forest, err);
    return out->data ? 0 : CH_E_MEMORY;
}

int ch_forest_fit_classifier(const ch_fit *fit, const char *name, int32_t trees, bool bootstrap, ch_fit_result *out,
                             ch_error *err)
{
    size_t index;
    ch_dataset *dataset;
    int64_t classes;
    CH_TRY(ch_predictor_schema(fit->params, &fit->schema, true, &index, err));
    CH_TRY(ch_classifier_ingest(fit, true, &dataset, &classes, err));
    int status = ch_check_thresholds(fit->params, name, "train", (size_t)classes, err);
    if (!status) status = grow(fit, dataset, classes, trees, bootstrap, out, err);
    ch_dataset_free(dataset);
    return status;
}

int ch_forest_fit_regressor(const ch_fit *fit, int32_t trees, bool bootstrap, ch_fit_result *out, ch_error *err)
{
    size_t index;
    ch_dataset *dataset;
    CH_TRY(ch_predictor_schema(fit->params, &fit->schema, true, &index, err));
    CH_TRY(ch_tree_ingest(fit, CH_LABEL_REAL, NULL, &dataset, err));
    int status = grow(fit, dataset, 0, trees, bootstrap, out, err);
    ch_dataset_free(dataset);
    return status;
}

/* ---- scoring ---- */

size_t ch_tree_features(const void *state)
{
    int32_t index;
    return (size_t)home(state, &index)->features;
}

size_t ch_tree_needed(const void *state)
{
    return (size_t)((const ch_tree_state *)state)->needed;
}

size_t ch_tree_classes(const void *state)
{
    int32_t index;
    return (size_t)home(state, &index)->classes;
}

size_t ch_tree_leaf_width(const void *state)
{
    const ch_tree_state *s = state;
    return s->parent ? 1 : (size_t)s->forest->trees;
}

int ch_tree_leaf(const void *state, const ch_matrix *m, double *out, ch_error *err)
{
    const ch_forest *forest;
    CH_TRY(ch_tree_state_forest(state, &forest, err));
    return ch_forest_predict(forest, CH_FOREST_LEAVES, m, out, err);
}

const char *ch_tree_leaf_metadata(const void *state, ch_arena *arena)
{
    int32_t index;
    const ch_forest *forest = home(state, &index);
    return ch_ml_classes_metadata(arena, forest->tree[index].leaves);
}

const char *ch_forest_leaf_metadata(const void *state, ch_arena *arena)
{
    const ch_forest *forest = ((const ch_tree_state *)state)->forest;
    ch_ml_group group = {.size = forest->trees, .attrs = CH_NEW_ARRAY(arena, ch_ml_attr, forest->trees)};
    for (int32_t t = 0; t < forest->trees; t++) {
        group.attrs[t] = ch_ml_attr_numeric;
        group.attrs[t].type = CH_ML_NOMINAL;
        group.attrs[t].num_values = forest->tree[t].leaves;
    }
    return ch_ml_group_write(arena, &group);
}

int ch_tree_votes_probability(const void *state, double *raw, size_t rows, ch_error *err)
{
    return ch_normalize_rows(raw, rows, ch_tree_classes(state), err);
}

/* ---- attributes ---- */

static const ch_tree *tree_of(const ch_attr_call *call)
{
    int32_t index;
    const ch_forest *forest = home(call->self->fitted->data, &index);
    return &forest->tree[index];
}

static int get_depth(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    out->literal = ch_lit_int(tree_of(call)->depth);
    return 0;
}

static int get_nodes(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    out->literal = ch_lit_int(tree_of(call)->nodes);
    return 0;
}

static int get_debug_string(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    const ch_forest *forest;
    CH_TRY(ch_tree_state_forest(call->self->fitted->data, &forest, err));
    ch_buf text = {0};
    ch_object_print(call->self, &text);
    ch_buf_char(&text, '\n');
    if (call->self->stage == &ch_stage_decision_tree_classification_model ||
        call->self->stage == &ch_stage_decision_tree_regression_model) {
        ch_tree_debug_string(forest, &text);
    } else {
        ch_forest_debug_string(forest, &text);
    }
    out->literal = ch_lit_text(call->arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return 0;
}

/* Normalised per tree, except in boosted models; a sparse vector of the features that matter. */
static int get_importances(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    const ch_forest *forest;
    CH_TRY(ch_tree_state_forest(call->self->fitted->data, &forest, err));
    bool boosted =
        call->self->stage == &ch_stage_gbt_classification_model || call->self->stage == &ch_stage_gbt_regression_model;
    size_t n = (size_t)forest->features, used = 0;
    double *values = CH_NEW_ARRAY(call->arena, double, n);
    int32_t *index = CH_NEW_ARRAY(call->arena, int32_t, n);
    ch_forest_importances(forest, !boosted, values);
    for (size_t i = 0; i < n; i++) {
        if (values[i] == 0.0) continue;
        index[used] = (int32_t)i;
        values[used++] = values[i];
    }
    out->literal = ch_lit_sparse(call->arena, (int32_t)n, index, values, used);
    return 0;
}

const ch_attribute ch_attributes_tree[] = {{"depth", get_depth},
                                           {"numNodes", get_nodes},
                                           {"toDebugString", get_debug_string},
                                           {"featureImportances", get_importances},
                                           {NULL, NULL}};

/* Each tree as a model of its own. They cost little: a tree leaves the forest only when it is asked to do something. */
static int get_trees(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    const ch_object *self = call->self;
    const ch_tree_state *state = self->fitted->data;
    const ch_forest *forest = state->forest;
    const ch_stage *stage =
        forest->classes ? &ch_stage_decision_tree_classification_model : &ch_stage_decision_tree_regression_model;
    ch_param_map *params = ch_param_map_copy(self->params, stage, stage->uid_prefix);
    out->kind = CH_ATTR_OBJECTS;
    out->objects = CH_NEW_ARRAY(call->arena, ch_object *, forest->trees);
    int status = 0;
    for (int32_t t = 0; t < forest->trees; t++) {
        ch_tree_state *tree = calloc(1, sizeof *tree);
        if (!tree) {
            status = ch_no_memory(err);
            break;
        }
        pthread_mutex_init(&tree->lock, NULL);
        tree->parent = ch_fitted_retain(self->fitted);
        tree->index = t;
        tree->needed = state->needed;
        char uid[40];
        ch_random_uid(stage->uid_prefix, uid, sizeof uid);
        out->objects[out->nobject++] =
            ch_object_new(stage, uid, ch_param_map_retain(params), ch_fitted_new(stage, tree));
    }
    ch_param_map_release(params);
    for (size_t i = 0; status && i < out->nobject; i++) ch_object_release(out->objects[i]);
    return status;
}

static const ch_forest *forest_of(const ch_attr_call *call)
{
    return ((const ch_tree_state *)call->self->fitted->data)->forest;
}

static int get_weights(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    out->literal = ch_lit_doubles(call->arena, forest_of(call)->weight, (size_t)forest_of(call)->trees);
    return 0;
}

static int get_count(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    out->literal = ch_lit_int(forest_of(call)->trees);
    return 0;
}

static int get_all_nodes(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    out->literal = ch_lit_int(ch_forest_nodes(forest_of(call)));
    return 0;
}

const ch_attribute ch_attributes_ensemble[] = {{"trees", get_trees},
                                               {"treeWeights", get_weights},
                                               {"getNumTrees", get_count},
                                               {"totalNumNodes", get_all_nodes},
                                               {"toDebugString", get_debug_string},
                                               {"featureImportances", get_importances},
                                               {NULL, NULL}};
