/* classification_summary.c: summaries of classifiers. */
#include "ml/classification_summary.h"

#include "frame/engine/query.h"
#include "math/metrics.h"
#include "ml/literal.h"
#include "ml/predictor.h"
#include "ml/schema.h"
#include "ml/vector.h"

#include <stdlib.h>

enum { NUM_BINS = 1000 }; /* of curves, as Spark fixes it for summaries */

/* The fitted state of a summary object. */
typedef struct class_summary {
    ch_arena *arena; /* owns this, the plan's last nodes and the names; keeps the dataset's arena alive */
    const ch_plan *predictions;
    const char *prediction, *label, *features, *weight, *score, *probability;
    double *history;
    size_t nhistory;
    /* Computed when first asked for, under the object's lock. */
    ch_multiclass_metrics *multi;
    ch_binary_metrics *binary;
} class_summary;

void ch_class_summary_free(void *data)
{
    class_summary *s = data;
    ch_multiclass_metrics_free(s->multi);
    ch_binary_metrics_free(s->binary);
    ch_arena_free(s->arena);
}

static void free_arena(void *arena)
{
    ch_arena_free(arena);
}

/* ---- making one ---- */

/* The name of an output column, made up if the model has none. */
static const char *column_or_made_up(ch_param_map *params, const char *param, const char *prefix, ch_arena *arena)
{
    const char *name = ch_param_column(params, param);
    if (name) return name;
    char text[80];
    ch_random_uid(prefix, text, sizeof text);
    ch_param_set_text(params, param, ch_arena_strdup(arena, text));
    return ch_param_text(params, param);
}

/* withColumn(label, cast(label as double)), its metadata kept. */
static int cast_label(ch_arena *arena, const ch_plan *dataset, const char *label, const char *metadata, ch_plan **out,
                      ch_error *err)
{
    ch_expr *e;
    CH_TRY(ch_column_expr(arena, label, &e, err));
    ch_expr *alias = ch_expr_alias(arena, ch_expr_cast(arena, e, &ch_type_double), label);
    alias->u.alias.metadata = metadata;
    ch_plan *plan = ch_plan_new(arena, CH_PLAN_WITH_COLUMNS, (ch_plan *)(uintptr_t)dataset);
    plan->u.project.n = 1;
    plan->u.project.exprs = CH_NEW(arena, ch_expr *);
    plan->u.project.exprs[0] = alias;
    *out = plan;
    return 0;
}

static int fill(class_summary *s, ch_session *session, const ch_object *model, const ch_plan *dataset,
                const ch_schema *training, ch_error *err)
{
    ch_param_map *params = ch_param_map_copy(model->params, NULL, model->uid);
    s->prediction = ch_arena_strdup(s->arena, column_or_made_up(params, "predictionCol", "prediction", s->arena));
    s->probability = ch_arena_strdup(s->arena, column_or_made_up(params, "probabilityCol", "probability", s->arena));
    s->score = s->probability;
    s->label = ch_arena_strdup(s->arena, ch_param_text(params, "labelCol"));
    s->features = ch_arena_strdup(s->arena, ch_param_text(params, "featuresCol"));
    const char *weight = ch_param_column(params, "weightCol");
    s->weight = weight ? ch_arena_strdup(s->arena, weight) : NULL;
    int status = 0;
    if (training) {
        size_t index;
        ch_plan *cast;
        status = ch_schema_find(training, s->label, &index, err);
        if (!status) {
            const char *metadata = ch_arena_strdup(s->arena, training->fields[index].metadata);
            status = cast_label(s->arena, dataset, s->label, metadata, &cast, err);
        }
        if (!status) dataset = cast;
    }
    if (status) {
        ch_param_map_release(params);
        return status;
    }
    s->predictions = ch_stage_plan(s->arena, session, model->stage, params, model->fitted, dataset);
    return 0;
}

int ch_class_summary_new(const ch_summary_stages *stages, ch_session *session, ch_arena *arena, const ch_object *model,
                         const ch_plan *dataset, const ch_schema *training, const double *history, size_t n,
                         ch_object **out, ch_error *err)
{
    ch_arena *own = ch_arena_new();
    class_summary *s = CH_NEW(own, class_summary);
    s->arena = own;
    ch_arena_defer(own, free_arena, ch_arena_retain(arena));
    s->history = ch_arena_dup(own, history, n * sizeof *history);
    s->nhistory = n;
    int status = fill(s, session, model, dataset, training, err);
    if (status) {
        ch_class_summary_free(s);
        return status;
    }
    bool binary = model->stage->predictor->classes(model->fitted->data) <= 2;
    const ch_stage *stage =
        binary ? (training ? stages->binary_training : stages->binary) : (training ? stages->training : stages->plain);
    *out = ch_object_new(stage, model->uid, NULL, ch_fitted_new(stage, s));
    return 0;
}

int ch_class_summary_evaluate(const ch_summary_stages *stages, const ch_attr_call *call, ch_attr_value *out,
                              ch_error *err)
{
    if (call->narg != 1 || !call->args[0].input)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "evaluate wants a DataFrame");
    ch_object *summary;
    CH_TRY(ch_class_summary_new(stages, call->session, call->arena, call->self, call->args[0].input, NULL, NULL, 0,
                                &summary, err));
    out->kind = CH_ATTR_OBJECTS;
    out->nobject = 1;
    out->objects = CH_NEW(call->arena, ch_object *);
    out->objects[0] = summary;
    return 0;
}

/* ---- metrics ---- */

typedef struct scan {
    class_summary *s;
    ch_multiclass_metrics *multi;
    ch_binary_metrics *binary;
    bool weighted;
} scan;

static int null_value(ch_error *err)
{
    return ch_failf(err, CH_E_SPARK, "scala.MatchError: a prediction, label or weight of a summary is NULL");
}

static bool has_nulls(const ch_column *c, size_t rows)
{
    for (size_t i = 0; c->validity && i < rows; i++) {
        if (!ch_column_valid(c, i)) return true;
    }
    return false;
}

static int take_predictions(void *context, const ch_batch *batch, ch_error *err)
{
    scan *c = context;
    for (size_t i = 0; i < batch->ncol; i++) {
        if (has_nulls(&batch->cols[i], batch->rows)) return null_value(err);
    }
    const double *label = batch->cols[1].data, *weight = c->weighted ? batch->cols[2].data : NULL;
    if (c->multi) {
        return ch_multiclass_metrics_add(c->multi, batch->cols[0].data, label, weight, NULL, 0, batch->rows, err);
    }
    double *score = malloc((batch->rows + 1) * sizeof *score);
    if (!score) return ch_no_memory(err);
    int status = 0;
    for (size_t i = 0; i < batch->rows && !status; i++) {
        ch_vector v;
        status = ch_vector_at(&batch->cols[0], i, &v, err);
        if (!status && (v.index || v.n < 2))
            status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "a probability has no class 1");
        if (!status) score[i] = v.value[1];
    }
    if (!status) status = ch_binary_metrics_add(c->binary, score, label, weight, batch->rows, err);
    free(score);
    return status;
}

/* Runs the predictions through a metric: columns (prediction or score), label and weight if there is one. */
static int run(const ch_attr_call *call, scan *c, ch_error *err)
{
    class_summary *s = c->s;
    size_t index;
    ch_query *query;
    CH_TRY(ch_query_open(call->session, s->predictions, &query, err));
    ch_error ignored;
    c->weighted = s->weight && ch_schema_find(ch_query_schema(query), s->weight, &index, &ignored) == 0;
    ch_query_close(query);
    ch_projection p = ch_project(call->arena, s->predictions);
    CH_TRY(ch_project_column(&p, c->multi ? s->prediction : s->score, c->multi ? &ch_type_double : NULL, NULL, err));
    CH_TRY(ch_project_column(&p, s->label, &ch_type_double, NULL, err));
    if (c->weighted) CH_TRY(ch_project_column(&p, s->weight, &ch_type_double, NULL, err));
    return ch_scan(call->session, p.plan, call->task, take_predictions, c, err);
}

/* The metrics of a summary, computed by the first who asks. They are never changed after and live as long as it. */
static int multi_metrics(const ch_attr_call *call, ch_multiclass_metrics **out, ch_error *err)
{
    class_summary *s = call->self->fitted->data;
    int status = 0;
    pthread_mutex_lock(&call->self->lock);
    if (!s->multi) {
        scan c = {.s = s, .multi = ch_multiclass_metrics_new(1e-15)};
        status = c.multi ? run(call, &c, err) : ch_no_memory(err);
        const double *labels;
        if (!status) ch_multiclass_metrics_labels(c.multi, &labels); /* sorts them now, under the lock */
        if (status) {
            ch_multiclass_metrics_free(c.multi);
        } else {
            s->multi = c.multi;
        }
    }
    *out = s->multi;
    pthread_mutex_unlock(&call->self->lock);
    return status;
}

static int binary_metrics(const ch_attr_call *call, ch_binary_metrics **out, ch_error *err)
{
    class_summary *s = call->self->fitted->data;
    int status = 0;
    pthread_mutex_lock(&call->self->lock);
    if (!s->binary) {
        scan c = {.s = s, .binary = ch_binary_metrics_new()};
        status = c.binary ? run(call, &c, err) : ch_no_memory(err);
        if (!status) status = ch_binary_metrics_finish(c.binary, NUM_BINS, call->task, err);
        if (status) {
            ch_binary_metrics_free(c.binary);
        } else {
            s->binary = c.binary;
        }
    }
    *out = s->binary;
    pthread_mutex_unlock(&call->self->lock);
    return status;
}

/* ---- attributes: all classifiers ---- */

static int get_predictions(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    const class_summary *s = call->self->fitted->data;
    ch_arena_defer(call->arena, free_arena, ch_arena_retain(s->arena));
    out->kind = CH_ATTR_PLAN;
    out->plan = (ch_plan *)(uintptr_t)s->predictions;
    return 0;
}

static int get_column_name(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    const class_summary *s = call->self->fitted->data;
    const struct {
        const char *attribute, *column;
    } names[] = {{"predictionCol", s->prediction}, {"labelCol", s->label},
                 {"featuresCol", s->features},     {"probabilityCol", s->probability},
                 {"scoreCol", s->score},           {"weightCol", s->weight ? s->weight : "weightCol"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(call->name, names[i].attribute) == 0) out->literal = ch_lit_text(call->arena, names[i].column);
    }
    return 0;
}

static int get_labels(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    ch_multiclass_metrics *m;
    const double *labels;
    CH_TRY(multi_metrics(call, &m, err));
    size_t n = ch_multiclass_metrics_labels(m, &labels);
    out->literal = ch_lit_doubles(call->arena, labels, n);
    return 0;
}

/* The optional argument of f-measures. */
static int beta_argument(const ch_attr_call *call, double *beta, ch_error *err)
{
    *beta = 1.0;
    if (!call->narg || ch_lit_number(call->args[0].literal, beta)) return 0;
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s wants a number", call->name);
}

static int get_by_label(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    static const struct {
        const char *name;
        ch_label_metric metric;
    } METRICS[] = {{"truePositiveRateByLabel", CH_LABEL_TPR},
                   {"falsePositiveRateByLabel", CH_LABEL_FPR},
                   {"precisionByLabel", CH_LABEL_PRECISION},
                   {"recallByLabel", CH_LABEL_RECALL},
                   {"fMeasureByLabel", CH_LABEL_F}};
    ch_multiclass_metrics *m;
    const double *labels;
    double beta;
    CH_TRY(beta_argument(call, &beta, err));
    CH_TRY(multi_metrics(call, &m, err));
    size_t n = ch_multiclass_metrics_labels(m, &labels), which = 0;
    while (strcmp(METRICS[which].name, call->name) != 0) which++;
    double *values = CH_NEW_ARRAY(call->arena, double, n);
    for (size_t i = 0; i < n; i++) {
        CH_TRY(ch_multiclass_metrics_by_label(m, METRICS[which].metric, labels[i], beta, &values[i], err));
    }
    out->literal = ch_lit_doubles(call->arena, values, n);
    return 0;
}

static int get_overall(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    static const struct {
        const char *name;
        ch_multiclass_metric metric;
    } METRICS[] = {{"accuracy", CH_MULTI_ACCURACY},
                   {"weightedTruePositiveRate", CH_MULTI_WEIGHTED_TPR},
                   {"weightedFalsePositiveRate", CH_MULTI_WEIGHTED_FPR},
                   {"weightedRecall", CH_MULTI_WEIGHTED_RECALL},
                   {"weightedPrecision", CH_MULTI_WEIGHTED_PRECISION},
                   {"weightedFMeasure", CH_MULTI_WEIGHTED_F}};
    ch_multiclass_metrics *m;
    double beta;
    CH_TRY(beta_argument(call, &beta, err));
    CH_TRY(multi_metrics(call, &m, err));
    size_t which = 0;
    while (strcmp(METRICS[which].name, call->name) != 0) which++;
    out->literal = ch_lit_double(ch_multiclass_metrics_get(m, METRICS[which].metric, beta));
    return 0;
}

const ch_attribute ch_attributes_class_summary[] = {{"predictions", get_predictions},
                                                    {"predictionCol", get_column_name},
                                                    {"labelCol", get_column_name},
                                                    {"weightCol", get_column_name},
                                                    {"labels", get_labels},
                                                    {"truePositiveRateByLabel", get_by_label},
                                                    {"falsePositiveRateByLabel", get_by_label},
                                                    {"precisionByLabel", get_by_label},
                                                    {"recallByLabel", get_by_label},
                                                    {"fMeasureByLabel", get_by_label},
                                                    {"accuracy", get_overall},
                                                    {"weightedTruePositiveRate", get_overall},
                                                    {"weightedFalsePositiveRate", get_overall},
                                                    {"weightedRecall", get_overall},
                                                    {"weightedPrecision", get_overall},
                                                    {"weightedFMeasure", get_overall},
                                                    {NULL, NULL}};

const ch_attribute ch_attributes_logistic_summary[] = {
    {"probabilityCol", get_column_name}, {"featuresCol", get_column_name}, {NULL, NULL}};

/* ---- attributes: two classes ---- */

static int get_area(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    ch_binary_metrics *b;
    CH_TRY(binary_metrics(call, &b, err));
    out->literal = ch_lit_double(ch_binary_metrics_area(b, CH_CURVE_ROC));
    return 0;
}

static int get_curve(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    static const struct {
        const char *name;
        ch_binary_curve curve;
        const char *columns[2];
    } CURVES[] = {{"roc", CH_CURVE_ROC, {"FPR", "TPR"}},
                  {"pr", CH_CURVE_PR, {"recall", "precision"}},
                  {"fMeasureByThreshold", CH_CURVE_F_MEASURE, {"threshold", "F-Measure"}},
                  {"precisionByThreshold", CH_CURVE_PRECISION, {"threshold", "precision"}},
                  {"recallByThreshold", CH_CURVE_RECALL, {"threshold", "recall"}}};
    ch_binary_metrics *b;
    CH_TRY(binary_metrics(call, &b, err));
    size_t which = 0;
    while (strcmp(CURVES[which].name, call->name) != 0) which++;
    size_t n = ch_binary_metrics_points(b, CURVES[which].curve);
    double *x = CH_NEW_ARRAY(call->arena, double, n), *y = CH_NEW_ARRAY(call->arena, double, n);
    ch_binary_metrics_curve(b, CURVES[which].curve, 1.0, x, y);
    ch_plan *plan = ch_plan_new(call->arena, CH_PLAN_VALUES, NULL);
    plan->u.values.nrow = n;
    plan->u.values.ncol = 2;
    plan->u.values.names = ch_arena_dup(call->arena, CURVES[which].columns, sizeof CURVES[which].columns);
    plan->u.values.rows = CH_NEW_ARRAY(call->arena, ch_expr **, n);
    for (size_t i = 0; i < n; i++) {
        plan->u.values.rows[i] = CH_NEW_ARRAY(call->arena, ch_expr *, 2);
        plan->u.values.rows[i][0] = ch_expr_double(call->arena, x[i]);
        plan->u.values.rows[i][1] = ch_expr_double(call->arena, y[i]);
    }
    out->kind = CH_ATTR_PLAN;
    out->plan = plan;
    return 0;
}

const ch_attribute ch_attributes_binary_summary[] = {{"scoreCol", get_column_name},
                                                     {"areaUnderROC", get_area},
                                                     {"roc", get_curve},
                                                     {"pr", get_curve},
                                                     {"fMeasureByThreshold", get_curve},
                                                     {"precisionByThreshold", get_curve},
                                                     {"recallByThreshold", get_curve},
                                                     {NULL, NULL}};

/* ---- attributes: of a training ---- */

static int get_history(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    const class_summary *s = call->self->fitted->data;
    out->literal = ch_lit_doubles(call->arena, s->history, s->nhistory);
    return 0;
}

static int get_iterations(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    const class_summary *s = call->self->fitted->data;
    out->literal = ch_lit_int((int64_t)s->nhistory - 1);
    return 0;
}

const ch_attribute ch_attributes_training_summary[] = {
    {"objectiveHistory", get_history}, {"totalIterations", get_iterations}, {NULL, NULL}};
