/* predictor.c: scoring rows with any classifier or regressor. */
#include "ml/predictor.h"

#include "ml/literal.h"
#include "ml/metadata.h"
#include "ml/model.h"
#include "ml/schema.h"
#include "ml/vector.h"

#include <math.h>
#include <stdlib.h>

/* ---- schema ---- */

/* Output columns in the order in which Spark appends them to the schema. */
static const char *const APPENDED[] = {"predictionCol", "rawPredictionCol", "probabilityCol", "varianceCol", "leafCol"};

static const char *output_name(const ch_param_map *params, const char *param)
{
    return ch_param_exists(params, param) ? ch_param_column(params, param) : NULL;
}

int ch_predictor_schema(const ch_param_map *params, const ch_schema *schema, bool fitting, size_t *features,
                        ch_error *err)
{
    size_t index;
    CH_TRY(ch_schema_vector(schema, ch_param_text(params, "featuresCol"), features, err));
    if (fitting) {
        CH_TRY(ch_schema_numeric(schema, ch_param_text(params, "labelCol"), &index, err));
        const char *weight = ch_param_exists(params, "weightCol") ? ch_param_column(params, "weightCol") : NULL;
        if (weight) CH_TRY(ch_schema_numeric(schema, weight, &index, err));
    }
    for (size_t i = 0; i < sizeof APPENDED / sizeof *APPENDED; i++) {
        const char *name = output_name(params, APPENDED[i]);
        if (!name) continue;
        CH_TRY(ch_schema_new_column(schema, name, err));
        for (size_t k = 0; k < i; k++) {
            const char *other = output_name(params, APPENDED[k]);
            if (other && strcmp(other, name) == 0) return ch_require_failed(err, "Column %s already exists.", name);
        }
    }
    return 0;
}

int ch_check_thresholds(const ch_param_map *params, const char *name, const char *method, size_t classes, ch_error *err)
{
    size_t n;
    if (!ch_param_exists(params, "thresholds") || !ch_param_doubles(params, "thresholds", &n) || n == classes) return 0;
    return ch_require_failed(err,
                             "%s.%s() called with non-matching numClasses and thresholds.length. numClasses=%zu, but "
                             "thresholds has length %zu",
                             name, method, classes, n);
}

/* ---- fitting a classifier ---- */

enum { MOST_INFERRED_CLASSES = 100 };

int ch_classifier_ingest(const ch_fit *fit, bool by_index, ch_dataset **out, int64_t *classes, ch_error *err)
{
    size_t label;
    CH_TRY(ch_schema_find(&fit->schema, ch_param_text(fit->params, "labelCol"), &label, err));
    CH_TRY(ch_label_classes(fit->arena, &fit->schema.fields[label], classes, err));
    if (*classes > INT32_MAX) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the label column has too many classes");
    bool known = *classes >= 0;
    ch_ingest_spec spec = {.features = ch_param_text(fit->params, "featuresCol"),
                           .label = ch_param_text(fit->params, "labelCol"),
                           .rule = CH_LABEL_CLASSES,
                           .classes = known ? (int)*classes : MOST_INFERRED_CLASSES,
                           .weight = ch_param_column(fit->params, "weightCol"),
                           .mismatch_by_index = by_index};
    CH_TRY(ch_ingest(fit->session, fit->arena, fit->dataset, &spec, fit->task, out, err));
    if (known) return 0;
    ch_matrix m = ch_dataset_matrix(*out, 0);
    *classes = ch_max_label(&m);
    if (*classes > 0) return 0;
    ch_dataset_free(*out);
    return ch_failf(err, CH_E_SPARK, "ML algorithm was given empty dataset.");
}

int ch_normalize_rows(double *rows, size_t n, size_t width, ch_error *err)
{
    for (size_t i = 0; i < n; i++, rows += width) {
        double sum = 0;
        for (size_t k = 0; k < width; k++) {
            if (!(rows[k] >= 0)) return ch_require_failed(err, "The input raw predictions should be nonnegative.");
            sum += rows[k];
        }
        if (!(sum > 0)) return ch_require_failed(err, "Can't normalize the 0-vector.");
        for (size_t k = 0; k < width; k++) rows[k] /= sum;
    }
    return 0;
}

/* ---- scoring ---- */

typedef struct scoring {
    const ch_predictor *p;
    const void *data;
    size_t features, width, leaf_width;
    ch_prediction_rule rule;
    bool raw, probability, prediction, variance, leaf; /* the outputs wanted, in their order in the struct */
    size_t outputs;
} scoring;

static size_t needed(const ch_predictor *p, const void *data)
{
    return p->needed ? p->needed(data) : p->features(data);
}

static size_t raw_width(const ch_predictor *p, const void *data)
{
    return p->width ? p->width(data) : p->classes ? p->classes(data) : 1;
}

static int rule_of(const ch_predictor *p, const ch_param_map *params, const void *data, ch_arena *arena,
                   ch_prediction_rule *rule, ch_error *err)
{
    *rule = (ch_prediction_rule){0};
    if (!p->classes) return 0;
    CH_TRY(ch_check_thresholds(params, ch_stage_name(ch_param_map_stage(params)), "transform", p->classes(data), err));
    size_t n;
    const double *thresholds = ch_param_doubles(params, "thresholds", &n);
    if (thresholds) rule->thresholds = ch_arena_dup(arena, thresholds, n * sizeof *thresholds);
    return p->rule ? p->rule(params, data, arena, rule, err) : 0;
}

/* Class of one row; `probability` is needed for thresholds only. */
static double predict_row(const scoring *s, const double *raw, const double *probability)
{
    if (s->rule.binary) return raw[1] > s->rule.raw_threshold ? 1.0 : 0.0;
    size_t best = 0;
    if (!s->rule.thresholds) {
        for (size_t k = 1; k < s->width; k++) {
            if (raw[k] > raw[best]) best = k;
        }
        return (double)best;
    }
    double most = -(double)INFINITY;
    for (size_t k = 0; k < s->width; k++) {
        double scaled = probability[k] / s->rule.thresholds[k];
        if (scaled > most) {
            most = scaled;
            best = k;
        }
    }
    return (double)best;
}

static int write_rows(ch_column *column, const double *values, size_t rows, size_t width, ch_error *err)
{
    ch_vector_writer w;
    CH_TRY(ch_vector_writer_init(&w, column, rows, width, err));
    for (size_t i = 0; i < rows; i++) {
        double *to;
        CH_TRY(ch_vector_writer_dense(&w, width, &to, err));
        memcpy(to, values + i * width, width * sizeof *to);
    }
    return ch_vector_writer_finish(&w, err);
}

/* Everything a classifier says of the rows of m; `at` counts the outputs written. raw and work are (rows, width). */
static int score_classes(const scoring *s, const ch_matrix *m, double *raw, double *work, ch_column *out, size_t *at,
                         ch_error *err)
{
    CH_TRY(s->p->raw(s->data, m, raw, err));
    if (s->raw) CH_TRY(write_rows(&out[(*at)++], raw, m->rows, s->width, err));
    bool wants = s->probability || (s->prediction && s->rule.thresholds && !s->rule.binary);
    if (wants) {
        memcpy(work, raw, m->rows * s->width * sizeof *raw);
        CH_TRY(s->p->probability(s->data, work, m->rows, err));
    }
    if (s->probability) CH_TRY(write_rows(&out[(*at)++], work, m->rows, s->width, err));
    if (!s->prediction) return 0;
    double *prediction = out[(*at)++].data;
    for (size_t i = 0; i < m->rows; i++) prediction[i] = predict_row(s, raw + i * s->width, work + i * s->width);
    return 0;
}

static int score(const scoring *s, const ch_matrix *m, ch_column *out, ch_error *err)
{
    size_t at = 0, widest = s->width > s->leaf_width ? s->width : s->leaf_width;
    double *raw = malloc((m->rows * widest * 2 + 1) * sizeof *raw);
    if (!raw) return ch_no_memory(err);
    double *work = raw + m->rows * widest;
    int status = 0;
    if (s->p->classes) {
        status = score_classes(s, m, raw, work, out, &at, err);
    } else if (s->prediction) {
        status = s->p->raw(s->data, m, out[at++].data, err);
    }
    if (!status && s->variance) status = s->p->variance(s->data, m, out[at++].data, err);
    if (!status && s->leaf) {
        status = s->p->leaf(s->data, m, raw, err);
        if (!status && s->p->leaf_vector) status = write_rows(&out[at], raw, m->rows, s->leaf_width, err);
        if (!status && !s->p->leaf_vector) memcpy(out[at].data, raw, m->rows * sizeof *raw);
    }
    free(raw);
    return status;
}

static int bad_rows(const scoring *s, size_t size, bool null, ch_error *err)
{
    const char *to = s->p->classes ? CH_UDF_VECTOR : "double";
    if (null) {
        return ch_udf_failed(err, s->p->udf, CH_UDF_VECTOR, to,
                             "java.lang.NullPointerException: Cannot invoke \"org.apache.spark.ml.linalg.Vector.%s\" "
                             "because \"%s\" is null",
                             s->p->exact ? "size()" : "apply(int)", s->p->exact ? "x" : "features");
    }
    if (s->p->exact) {
        return ch_udf_failed(
            err, s->p->udf, CH_UDF_VECTOR, to,
            "java.lang.IllegalArgumentException: requirement failed: BLAS.dot(x: Vector, y:Vector) was "
            "given Vectors with non-matching sizes: x.size = %zu, y.size = %zu",
            size, s->features);
    }
    return ch_udf_failed(err, s->p->udf, CH_UDF_VECTOR, to,
                         "java.lang.ArrayIndexOutOfBoundsException: Index %zu out of bounds for length %zu", size,
                         size);
}

static int eval(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    const scoring *s = state;
    ch_vector_rows rows;
    size_t bad = SIZE_MAX;
    int status = ch_vector_rows_init(&rows, &in->cols[0], in->rows, s->p->exact ? s->features : 0, &bad, err);
    if (status) return bad == SIZE_MAX ? status : bad_rows(s, bad, false, err);
    if (rows.nulls) {
        status = bad_rows(s, 0, true, err);
    } else if (in->rows && rows.m.cols < s->features) {
        status = bad_rows(s, rows.m.cols, false, err);
    } else {
        status = score(s, &rows.m, s->outputs == 1 ? out : out->child, err);
    }
    ch_vector_rows_reset(&rows);
    return status;
}

/* ---- binding ---- */

static void add_output(const ch_bind *call, scoring *s, ch_field *outputs, ch_field *fields, const char *param,
                       const ch_type *type, const char *metadata, bool *wanted)
{
    const char *name = output_name(call->params, param);
    *wanted = name != NULL;
    if (!name) return;
    bool nullable = type->kind == CH_VECTOR;
    outputs[s->outputs] = (ch_field){
        .name = ch_arena_strdup(call->arena, name), .type = type, .nullable = nullable, .metadata = metadata};
    fields[s->outputs] = (ch_field){.name = param, .type = type, .nullable = nullable};
    s->outputs++;
}

static void list_outputs(const ch_bind *call, scoring *s, ch_field *outputs, ch_field *fields)
{
    const ch_predictor *p = s->p;
    if (p->classes) {
        int64_t classes = (int64_t)p->classes(s->data);
        const char *size = ch_ml_size_metadata(call->arena, classes);
        add_output(call, s, outputs, fields, "rawPredictionCol", &ch_type_vector, size, &s->raw);
        add_output(call, s, outputs, fields, "probabilityCol", &ch_type_vector, size, &s->probability);
        add_output(call, s, outputs, fields, "predictionCol", &ch_type_double,
                   ch_ml_classes_metadata(call->arena, classes), &s->prediction);
    } else {
        add_output(call, s, outputs, fields, "predictionCol", &ch_type_double, ch_ml_numeric_metadata(),
                   &s->prediction);
    }
    if (p->variance) {
        add_output(call, s, outputs, fields, "varianceCol", &ch_type_double, ch_ml_numeric_metadata(), &s->variance);
    }
    if (p->leaf) {
        const ch_type *type = p->leaf_vector ? &ch_type_vector : &ch_type_double;
        add_output(call, s, outputs, fields, "leafCol", type, p->leaf_metadata(s->data, call->arena), &s->leaf);
    }
}

int ch_predictor_bind(const ch_bind *call, ch_binding *out, ch_error *err)
{
    size_t *index = CH_NEW(call->arena, size_t);
    CH_TRY(ch_predictor_schema(call->params, call->in, false, index, err));
    ch_arena *arena;
    scoring *s = ch_native_state_new(sizeof *s, call->fitted, &arena);
    s->p = ch_param_map_stage(call->params)->predictor;
    s->data = call->fitted->data;
    s->features = needed(s->p, s->data);
    s->width = raw_width(s->p, s->data);
    s->leaf_width = s->p->leaf_width ? s->p->leaf_width(s->data) : 1;
    ch_field *outputs = CH_NEW_ARRAY(call->arena, ch_field, 5), fields[5];
    int status = rule_of(s->p, call->params, s->data, arena, &s->rule, err);
    if (!status) list_outputs(call, s, outputs, fields);
    if (status || !s->outputs) {
        ch_native_state_free(s);
        return status;
    }
    const ch_type *type = s->outputs == 1 ? outputs[0].type : ch_type_struct(arena, fields, s->outputs);
    ch_bind_native(call, out, type, eval, s, 1, index, NULL, s->outputs, outputs);
    return 0;
}

/* ---- attributes ---- */

/* The vector argument of predict and its like, scored by one row of the model. */
typedef struct one_row {
    const ch_predictor *p;
    const void *data;
    ch_matrix m;
    size_t width;
    double *raw;
} one_row;

static int one_vector(const ch_attr_call *call, one_row *row, ch_error *err)
{
    double *values;
    size_t n;
    row->p = call->self->stage->predictor;
    row->data = call->self->fitted->data;
    if (call->narg != 1 || !call->args[0].literal) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s wants one vector", call->name);
    }
    CH_TRY(ch_lit_to_vector(call->arena, call->args[0].literal, call->name, &values, &n, err));
    size_t features = needed(row->p, row->data);
    if (row->p->exact ? n != features : n < features) {
        return ch_require_failed(
            err,
            "BLAS.dot(x: Vector, y:Vector) was given Vectors with non-matching sizes: x.size = %zu, "
            "y.size = %zu",
            n, features);
    }
    row->m = (ch_matrix){.rows = 1, .cols = n, .dense = values};
    row->width = raw_width(row->p, row->data);
    row->raw = CH_NEW_ARRAY(call->arena, double, row->width);
    return row->p->raw(row->data, &row->m, row->raw, err);
}

static int get_predict(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    one_row row;
    CH_TRY(one_vector(call, &row, err));
    if (!row.p->classes) {
        out->literal = ch_lit_double(row.raw[0]);
        return 0;
    }
    scoring s = {.p = row.p, .data = row.data, .width = row.width};
    CH_TRY(rule_of(row.p, call->self->params, row.data, call->arena, &s.rule, err));
    double *probability = ch_arena_dup(call->arena, row.raw, row.width * sizeof *row.raw);
    if (s.rule.thresholds && !s.rule.binary) CH_TRY(row.p->probability(row.data, probability, 1, err));
    out->literal = ch_lit_double(predict_row(&s, row.raw, probability));
    return 0;
}

static int get_raw(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    one_row row;
    CH_TRY(one_vector(call, &row, err));
    out->literal = ch_lit_dense(call->arena, row.raw, row.width);
    return 0;
}

static int get_probability(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    one_row row;
    CH_TRY(one_vector(call, &row, err));
    CH_TRY(row.p->probability(row.data, row.raw, 1, err));
    out->literal = ch_lit_dense(call->arena, row.raw, row.width);
    return 0;
}

static int get_leaf(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    one_row row;
    CH_TRY(one_vector(call, &row, err));
    size_t n = row.p->leaf_width(row.data);
    double *leaf = CH_NEW_ARRAY(call->arena, double, n);
    CH_TRY(row.p->leaf(row.data, &row.m, leaf, err));
    out->literal = row.p->leaf_vector ? ch_lit_dense(call->arena, leaf, n) : ch_lit_double(leaf[0]);
    return 0;
}

static int get_features(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    out->literal = ch_lit_int((int64_t)call->self->stage->predictor->features(call->self->fitted->data));
    return 0;
}

static int get_classes(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    out->literal = ch_lit_int((int64_t)call->self->stage->predictor->classes(call->self->fitted->data));
    return 0;
}

const ch_attribute ch_attributes_prediction[] = {{"predict", get_predict}, {"numFeatures", get_features}, {NULL, NULL}};
const ch_attribute ch_attributes_classification[] = {
    {"predictRaw", get_raw}, {"numClasses", get_classes}, {NULL, NULL}};
const ch_attribute ch_attributes_probabilistic[] = {{"predictProbability", get_probability}, {NULL, NULL}};
const ch_attribute ch_attributes_leaf[] = {{"predictLeaf", get_leaf}, {NULL, NULL}};
