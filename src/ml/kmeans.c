/* kmeans.c: KMeans and its model (org.apache.spark.ml.clustering.KMeans); the algorithm is in math/kmeans. */
#include "math/kmeans.h"

#include "frame/engine/query.h"
#include "ml/ingest.h"
#include "ml/literal.h"
#include "ml/metadata.h"
#include "ml/model.h"
#include "ml/param_rows.h"
#include "ml/persist.h"
#include "ml/schema.h"
#include "ml/stages.h"
#include "ml/vector.h"

#include <stdlib.h>

static const ch_param_row PARAMS[] = {
    CH_ROW_CHOICE("distanceMeasure", "euclidean", "euclidean cosine", "the distance measure: euclidean, cosine"),
    CH_ROW_FEATURES_COL,
    CH_ROW_CHOICE("initMode", "k-means||", "random k-means||", "how the first centres are chosen"),
    CH_ROW_INT_FROM("initSteps", 2, 1, "number of steps of k-means|| (> 0)"),
    CH_ROW_INT_FROM("k", 2, 2, "number of clusters (> 1)"),
    CH_ROW_MAX_BLOCK_SIZE,
    CH_ROW_MAX_ITER(20),
    CH_ROW_PREDICTION_COL,
    CH_ROW_SEED,
    CH_ROW_CHOICE("solver", "auto", "row block auto", "how distances are computed; the result is the same"),
    CH_ROW_TOL(1e-4),
    CH_ROW_WEIGHT_COL,
    CH_ROW_END};

static int check_schema(const ch_param_map *params, const ch_schema *schema, size_t *features, ch_error *err)
{
    CH_TRY(ch_schema_vector_like(schema, ch_param_text(params, "featuresCol"), features, err));
    const char *prediction = ch_param_column(params, "predictionCol");
    return prediction ? ch_schema_new_column(schema, prediction, err) : 0;
}

/* ---- fit ---- */

static int train(const ch_fit *call, const ch_matrix *m, ch_kmeans_model *model, ch_error *err)
{
    if (!m->rows) { /* raised on an executor, so wrapped by Spark */
        return ch_failf(err, CH_E_SPARK, "requirement failed: Nothing has been added to this summarizer.");
    }
    ch_kmeans_params p = ch_kmeans_defaults();
    p.k = (size_t)ch_param_int(call->params, "k");
    p.max_iter = ch_param_int(call->params, "maxIter");
    p.tol = ch_param_double(call->params, "tol");
    p.cosine = ch_param_text(call->params, "distanceMeasure")[0] == 'c';
    p.random_init = ch_param_text(call->params, "initMode")[0] == 'r';
    p.init_steps = ch_param_int(call->params, "initSteps");
    p.seed = ch_param_long(call->params, "seed");
    p.task = call->task;
    return ch_kmeans_fit(m, &p, model, err);
}

static int fit(const ch_fit *call, ch_fit_result *out, ch_error *err)
{
    size_t index;
    ch_dataset *dataset;
    CH_TRY(check_schema(call->params, &call->schema, &index, err));
    ch_ingest_spec spec = {.features = ch_param_text(call->params, "featuresCol"),
                           .weight = ch_param_column(call->params, "weightCol")};
    CH_TRY(ch_ingest(call->session, call->arena, call->dataset, &spec, call->task, &dataset, err));
    ch_matrix m = ch_dataset_matrix(dataset, 0);
    ch_kmeans_model *model = calloc(1, sizeof *model);
    int status = model ? train(call, &m, model, err) : ch_no_memory(err);
    ch_dataset_free(dataset);
    if (status) {
        free(model);
    } else {
        out->data = model;
    }
    return status;
}

/* ---- transform ---- */

static int eval(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    const ch_kmeans_model *model = *(const ch_kmeans_model *const *)state;
    ch_vector_rows rows;
    size_t bad = SIZE_MAX;
    int status = ch_vector_rows_init(&rows, &in->cols[0], in->rows, model->cols, &bad, err);
    if (status && bad != SIZE_MAX) {
        return ch_udf_failed(
            err, "KMeansModel", CH_UDF_VECTOR, "int",
            "java.lang.IllegalArgumentException: requirement failed: BLAS.dot(x: Vector, y:Vector) was "
            "given Vectors with non-matching sizes: x.size = %zu, y.size = %zu",
            bad, model->cols);
    }
    CH_TRY(status);
    status = rows.nulls ? ch_udf_failed(err, "KMeansModel", CH_UDF_VECTOR, "int", "scala.MatchError: null")
                        : ch_kmeans_predict(model, &rows.m, out->data, NULL, err);
    ch_vector_rows_reset(&rows);
    return status;
}

static int bind(const ch_bind *call, ch_binding *out, ch_error *err)
{
    const ch_kmeans_model *model = call->fitted->data;
    size_t *index = CH_NEW(call->arena, size_t);
    CH_TRY(check_schema(call->params, call->in, index, err));
    const char *prediction = ch_param_column(call->params, "predictionCol");
    if (!prediction) return 0;
    ch_arena *arena;
    const ch_kmeans_model **state = ch_native_state_new(sizeof(const ch_kmeans_model *), call->fitted, &arena);
    *state = model;
    ch_field *output = CH_NEW(call->arena, ch_field);
    *output = (ch_field){.name = ch_arena_strdup(call->arena, prediction),
                         .type = &ch_type_int,
                         .metadata = ch_ml_classes_metadata(call->arena, (int64_t)model->k)};
    ch_bind_native(call, out, &ch_type_int, eval, state, 1, index, NULL, 1, output);
    return 0;
}

/* ---- summary ---- */

typedef struct cluster_summary {
    ch_arena *arena;
    const ch_plan *predictions;
    const char *prediction, *features;
    int k, iterations;
    double cost;
    int64_t *sizes; /* (k), computed when first asked for, under the object's lock */
} cluster_summary;

static void free_arena(void *arena)
{
    ch_arena_free(arena);
}

static void free_summary(void *data)
{
    ch_arena_free(((cluster_summary *)data)->arena);
}

static ch_plan *cluster_plan(ch_arena *arena, const cluster_summary *s, ch_error *err)
{
    ch_projection p = ch_project(arena, s->predictions);
    return ch_project_column(&p, s->prediction, NULL, NULL, err) ? NULL : p.plan;
}

static int take_sizes(void *context, const ch_batch *batch, ch_error *err)
{
    cluster_summary *s = context;
    (void)err;
    const int32_t *cluster = batch->cols[0].data;
    for (size_t i = 0; i < batch->rows; i++) {
        if (cluster[i] >= 0 && cluster[i] < s->k) s->sizes[cluster[i]]++;
    }
    return 0;
}

static int get_sizes(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    cluster_summary *s = call->self->fitted->data;
    int status = 0;
    pthread_mutex_lock(&call->self->lock);
    if (!s->sizes) {
        cluster_summary counted = *s;
        counted.sizes = CH_NEW_ARRAY(s->arena, int64_t, s->k);
        ch_plan *plan = cluster_plan(call->arena, s, err);
        status = plan ? ch_scan(call->session, plan, call->task, take_sizes, &counted, err) : (int)err->kind;
        if (!status) s->sizes = counted.sizes;
    }
    pthread_mutex_unlock(&call->self->lock);
    CH_TRY(status);
    out->literal = ch_lit_longs(call->arena, s->sizes, (size_t)s->k);
    return 0;
}

static int get_predictions(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    const cluster_summary *s = call->self->fitted->data;
    ch_arena_defer(call->arena, free_arena, ch_arena_retain(s->arena));
    out->kind = CH_ATTR_PLAN;
    out->plan = (ch_plan *)(uintptr_t)s->predictions;
    if (strcmp(call->name, "cluster") == 0) out->plan = cluster_plan(call->arena, s, err);
    return out->plan ? 0 : (int)err->kind;
}

static int get_fact(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    const cluster_summary *s = call->self->fitted->data;
    switch (call->name[0]) {
    case 'k': out->literal = ch_lit_int(s->k); break;
    case 'n': out->literal = ch_lit_int(s->iterations); break;
    case 't': out->literal = ch_lit_double(s->cost); break;
    case 'p': out->literal = ch_lit_text(call->arena, s->prediction); break;
    default: out->literal = ch_lit_text(call->arena, s->features); break;
    }
    return 0;
}

static const ch_attribute SUMMARY_ATTRIBUTES[] = {{"predictions", get_predictions},
                                                  {"cluster", get_predictions},
                                                  {"clusterSizes", get_sizes},
                                                  {"predictionCol", get_fact},
                                                  {"featuresCol", get_fact},
                                                  {"k", get_fact},
                                                  {"numIter", get_fact},
                                                  {"trainingCost", get_fact},
                                                  {NULL, NULL}};
static const ch_attribute *const SUMMARY_TABLES[] = {SUMMARY_ATTRIBUTES, NULL};
static const ch_stage SUMMARY = {.class_name = "org.apache.spark.ml.clustering.KMeansSummary",
                                 .kind = CH_STAGE_SUMMARY,
                                 .attributes = SUMMARY_TABLES,
                                 .free_state = free_summary};

static int summarize(const ch_fit *call, ch_object *object, ch_error *err)
{
    (void)err;
    const ch_kmeans_model *model = object->fitted->data;
    ch_arena *arena = ch_arena_new();
    cluster_summary *s = CH_NEW(arena, cluster_summary);
    s->arena = arena;
    ch_arena_defer(arena, free_arena, ch_arena_retain(call->arena));
    s->prediction = ch_arena_strdup(arena, ch_param_text(object->params, "predictionCol"));
    s->features = ch_arena_strdup(arena, ch_param_text(object->params, "featuresCol"));
    s->k = ch_param_int(object->params, "k");
    s->iterations = model->iterations;
    s->cost = model->cost;
    s->predictions = ch_stage_plan(arena, call->session, object->stage, ch_param_map_retain(object->params),
                                   object->fitted, call->dataset);
    ch_object_set_summary(object, ch_object_new(&SUMMARY, object->uid, NULL, ch_fitted_new(&SUMMARY, s)));
    return 0;
}

/* ---- attributes ---- */

static int get_predict(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    const ch_kmeans_model *model = call->self->fitted->data;
    double *values;
    size_t n;
    int32_t cluster;
    if (call->narg != 1 || !call->args[0].literal)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "predict wants one vector");
    CH_TRY(ch_lit_to_vector(call->arena, call->args[0].literal, "predict", &values, &n, err));
    if (n != model->cols) {
        return ch_require_failed(err, "a vector has %zu dimensions where the model has %zu", n, model->cols);
    }
    ch_matrix m = {.rows = 1, .cols = n, .dense = values};
    CH_TRY(ch_kmeans_predict(model, &m, &cluster, NULL, err));
    out->literal = ch_lit_int(cluster);
    return 0;
}

static int get_features(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    out->literal = ch_lit_int((int64_t)((const ch_kmeans_model *)call->self->fitted->data)->cols);
    return 0;
}

/* Matrices.fromVectors */
static int get_centers(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    const ch_kmeans_model *model = call->self->fitted->data;
    out->literal = ch_lit_matrix(call->arena, (int32_t)model->k, (int32_t)model->cols, model->centers, true);
    return 0;
}

static const ch_attribute ATTRIBUTES[] = {
    {"predict", get_predict}, {"numFeatures", get_features}, {"clusterCenterMatrix", get_centers}, {NULL, NULL}};
static const ch_attribute *const TABLES[] = {ch_attributes_identifiable, ch_attributes_summary, ATTRIBUTES, NULL};

static void print(const ch_object *self, ch_buf *out)
{
    const ch_kmeans_model *model = self->fitted->data;
    ch_buf_printf(out, "KMeansModel: uid=%s, k=%zu, distanceMeasure=%s, numFeatures=%zu", self->uid, model->k,
                  ch_param_text(self->params, "distanceMeasure"), model->cols);
}

/* ---- persistence ---- */

static const ch_field FIELDS[2] = {{.name = "clusterIdx", .type = &ch_type_int},
                                   {.name = "clusterCenter", .type = &ch_type_vector, .nullable = true}};

static int save(ch_saver *saver, const ch_object *object, ch_error *err)
{
    const ch_kmeans_model *model = object->fitted->data;
    ch_table_writer *table;
    CH_TRY(ch_table_open(saver, "data", FIELDS, 2, &table, err));
    int status = 0;
    for (size_t i = 0; i < model->k && !status; i++) {
        const ch_literal row[2] = {ch_lit_int((int64_t)i),
                                   ch_lit_dense(saver->arena, model->centers + i * model->cols, model->cols)};
        status = ch_table_add(table, row, err);
    }
    if (!status) return ch_table_close(table, err);
    ch_table_abandon(table);
    return status;
}

typedef struct center_reader {
    size_t n, room, cols;
    int32_t *index;
    double *centers;
} center_reader;

static int add_center(center_reader *r, int32_t index, const ch_vector *v, ch_error *err)
{
    if (!r->n) r->cols = v->size;
    if (v->size != r->cols || v->size > INT32_MAX / 8) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "cluster centres differ in size");
    }
    if (r->n == r->room) {
        r->room = 2 * r->room + 8;
        int32_t *grown = realloc(r->index, r->room * sizeof *grown);
        if (grown) r->index = grown;
        double *centers = realloc(r->centers, (r->room * r->cols + 1) * sizeof *centers);
        if (centers) r->centers = centers;
        if (!grown || !centers) return ch_no_memory(err);
    }
    double *to = r->centers + r->n * r->cols;
    memset(to, 0, r->cols * sizeof *to);
    for (size_t k = 0; k < v->n; k++) to[v->index ? (size_t)v->index[k] : k] = v->value[k];
    r->index[r->n++] = index;
    return 0;
}

static int take_centers(void *context, const ch_batch *batch, ch_error *err)
{
    for (size_t i = 0; i < batch->rows; i++) {
        ch_vector v;
        if (!ch_column_valid(&batch->cols[0], i) || !ch_column_valid(&batch->cols[1], i)) {
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "a cluster centre is NULL");
        }
        CH_TRY(ch_vector_at(&batch->cols[1], i, &v, err));
        CH_TRY(add_center(context, ((const int32_t *)batch->cols[0].data)[i], &v, err));
    }
    return 0;
}

/* Puts the centres in the order of their indices, which must be 0..n-1. */
static int order_centers(const center_reader *r, double *out, ch_error *err)
{
    bool *seen = calloc(r->n + 1, sizeof *seen);
    int status = seen ? 0 : ch_no_memory(err);
    for (size_t i = 0; i < r->n && !status; i++) {
        int32_t at = r->index[i];
        if (at < 0 || (size_t)at >= r->n || seen[at]) {
            status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "cluster centres are not numbered 0 to %zu", r->n - 1);
            break;
        }
        seen[at] = true;
        memcpy(out + (size_t)at * r->cols, r->centers + i * r->cols, r->cols * sizeof *out);
    }
    free(seen);
    return status;
}

static int load(ch_loader *loader, void **data, ch_error *err)
{
    center_reader r = {0};
    int status = ch_load_rows(loader, "data", FIELDS, 2, take_centers, &r, err);
    if (!status && !r.n) status = ch_failf(err, CH_E_NOT_FOUND, "a KMeansModel without clusters");
    double *ordered = status ? NULL : malloc((r.n * r.cols + 1) * sizeof *ordered);
    ch_kmeans_model *model = status ? NULL : calloc(1, sizeof *model);
    if (!status && (!ordered || !model)) status = ch_no_memory(err);
    if (!status) status = order_centers(&r, ordered, err);
    if (!status) {
        bool cosine = ch_param_text(loader->params, "distanceMeasure")[0] == 'c';
        status = ch_kmeans_model_init(model, ordered, r.n, r.cols, cosine, err);
    }
    free(r.index);
    free(r.centers);
    free(ordered);
    if (status) {
        free(model);
    } else {
        *data = model;
    }
    return status;
}

static void free_model(void *data)
{
    ch_kmeans_model_reset(data);
    free(data);
}

static size_t bytes(const void *data)
{
    const ch_kmeans_model *model = data;
    return sizeof *model + model->k * (model->cols + 1) * sizeof(double);
}

const ch_stage ch_stage_kmeans = {.class_name = "org.apache.spark.ml.clustering.KMeans",
                                  .kind = CH_STAGE_ESTIMATOR,
                                  .uid_prefix = "kmeans",
                                  .params = PARAMS,
                                  .model = &ch_stage_kmeans_model,
                                  .fit = fit,
                                  .summarize = summarize};

const ch_stage ch_stage_kmeans_model = {.class_name = "org.apache.spark.ml.clustering.KMeansModel",
                                        .kind = CH_STAGE_MODEL,
                                        .uid_prefix = "kmeans",
                                        .params = PARAMS,
                                        .bind = bind,
                                        .save = save,
                                        .load = load,
                                        .attributes = TABLES,
                                        .free_state = free_model,
                                        .bytes = bytes,
                                        .print = print};
