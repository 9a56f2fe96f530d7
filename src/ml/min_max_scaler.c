/* min_max_scaler.c: MinMaxScaler and its model: each feature stretched to a range
 * (org.apache.spark.ml.feature.MinMaxScaler). */
#include "ml/literal.h"
#include "ml/model.h"
#include "ml/param_rows.h"
#include "ml/scaler.h"
#include "ml/schema.h"
#include "ml/stages.h"
#include "ml/vector.h"

#include <stdlib.h>

static const ch_param_row PARAMS[] = {CH_ROW_INPUT_COL,
                                      {.name = "max",
                                       .type = CH_PARAM_DOUBLE,
                                       .from = CH_DEFAULT_VALUE,
                                       .number = 1,
                                       .doc = "upper bound of the output feature range"},
                                      {.name = "min",
                                       .type = CH_PARAM_DOUBLE,
                                       .from = CH_DEFAULT_VALUE,
                                       .doc = "lower bound of the output feature range"},
                                      CH_ROW_OUTPUT_COL,
                                      CH_ROW_END};

static int check(const ch_param_map *params, const ch_schema *schema, size_t *index, ch_error *err)
{
    double min = ch_param_double(params, "min"), max = ch_param_double(params, "max");
    if (!(min < max)) {
        char low[32], high[32];
        ch_java_double(min, low);
        ch_java_double(max, high);
        return ch_require_failed(err, "The specified min(%s) is larger or equal to max(%s)", low, high);
    }
    return ch_scaler_schema(params, schema, index, err);
}

static int fit(const ch_fit *call, ch_fit_result *out, ch_error *err)
{
    size_t index;
    ch_summary summary;
    CH_TRY(check(call->params, &call->schema, &index, err));
    CH_TRY(ch_scaler_summary(call, ch_param_text(call->params, "inputCol"), &summary, err));
    ch_scaler *s = ch_scaler_new(summary.cols, err);
    if (s) {
        memcpy(s->first, summary.min, s->n * sizeof *s->first);
        memcpy(s->second, summary.max, s->n * sizeof *s->second);
        out->data = s;
    }
    ch_summary_reset(&summary);
    return s ? 0 : CH_E_MEMORY;
}

typedef struct stretching {
    size_t n;
    const double *low;
    double *scale; /* 0 for a feature that is constant */
    double min, constant;
} stretching;

/* Vectors.dense(values).compressed: counted in `row`, then written in the smaller form. */
static int write_compressed(ch_vector_writer *w, const double *row, size_t n, ch_error *err)
{
    size_t used = 0;
    double *to;
    for (size_t k = 0; k < n; k++) used += row[k] != 0.0;
    if (1.5 * ((double)used + 1.0) < (double)n) {
        int32_t *index;
        CH_TRY(ch_vector_writer_sparse(w, n, used, &index, &to, err));
        for (size_t k = 0, at = 0; k < n; k++) {
            if (row[k] == 0.0) continue;
            index[at] = (int32_t)k;
            to[at++] = row[k];
        }
        return 0;
    }
    CH_TRY(ch_vector_writer_dense(w, n, &to, err));
    memcpy(to, row, n * sizeof *to);
    return 0;
}

static int stretch_row(const stretching *s, const ch_column *column, size_t i, double *row, ch_error *err)
{
    ch_vector v;
    if (!ch_column_valid(column, i)) {
        return ch_udf_failed(
            err, "MinMaxScalerModel", CH_UDF_VECTOR, CH_UDF_VECTOR,
            "java.lang.NullPointerException: Cannot invoke \"org.apache.spark.ml.linalg.Vector.size()\" "
            "because \"vector\" is null");
    }
    CH_TRY(ch_vector_at(column, i, &v, err));
    if (v.size != s->n) {
        return ch_udf_failed(
            err, "MinMaxScalerModel", CH_UDF_VECTOR, CH_UDF_VECTOR,
            "java.lang.IllegalArgumentException: requirement failed: Number of features must be %zu but "
            "got %zu",
            s->n, v.size);
    }
    if (v.index) {
        memset(row, 0, s->n * sizeof *row);
        for (size_t k = 0; k < v.n; k++) row[v.index[k]] = v.value[k];
    } else {
        memcpy(row, v.value, s->n * sizeof *row);
    }
    for (size_t k = 0; k < s->n; k++) {
        if (row[k] != row[k]) continue;
        row[k] = s->scale[k] != 0 ? (row[k] - s->low[k]) * s->scale[k] + s->min : s->constant;
    }
    return 0;
}

static int eval(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    const stretching *s = state;
    ch_vector_writer w;
    CH_TRY(ch_vector_writer_init(&w, out, in->rows, s->n < 1024 ? s->n : 1024, err));
    double *row = malloc((s->n + 1) * sizeof *row);
    int status = row ? 0 : ch_no_memory(err);
    for (size_t i = 0; i < in->rows && !status; i++) {
        status = stretch_row(s, &in->cols[0], i, row, err);
        if (!status) status = write_compressed(&w, row, s->n, err);
    }
    free(row);
    return status ? status : ch_vector_writer_finish(&w, err);
}

static int bind(const ch_bind *call, ch_binding *out, ch_error *err)
{
    const ch_scaler *fitted = call->fitted->data;
    size_t index;
    CH_TRY(check(call->params, call->in, &index, err));
    ch_arena *arena;
    stretching *s = ch_native_state_new(sizeof *s, call->fitted, &arena);
    double max = ch_param_double(call->params, "max");
    s->min = ch_param_double(call->params, "min");
    s->constant = (s->min + max) / 2;
    s->n = fitted->n;
    s->low = fitted->first;
    s->scale = CH_NEW_ARRAY(arena, double, s->n);
    for (size_t i = 0; i < s->n; i++) {
        double range = fitted->second[i] - fitted->first[i];
        s->scale[i] = range != 0 ? (max - s->min) / range : 0.0;
    }
    ch_scaler_bind(call, index, s->n, eval, s, out);
    return 0;
}

static int get_min(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    const ch_scaler *s = call->self->fitted->data;
    out->literal = ch_lit_compressed(call->arena, s->first, s->n);
    return 0;
}

static int get_max(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    const ch_scaler *s = call->self->fitted->data;
    out->literal = ch_lit_compressed(call->arena, s->second, s->n);
    return 0;
}

static const ch_attribute ATTRIBUTES[] = {{"originalMin", get_min}, {"originalMax", get_max}, {NULL, NULL}};
static const ch_attribute *const TABLES[] = {ch_attributes_identifiable, ATTRIBUTES, NULL};

static void print(const ch_object *self, ch_buf *out)
{
    const ch_scaler *s = self->fitted->data;
    ch_buf_printf(out, "MinMaxScalerModel: uid=%s, numFeatures=%zu, min=", self->uid, s->n);
    ch_buf_java_double(out, ch_param_double(self->params, "min"));
    ch_buf_str(out, ", max=");
    ch_buf_java_double(out, ch_param_double(self->params, "max"));
}

static int save(ch_saver *saver, const ch_object *model, ch_error *err)
{
    return ch_scaler_save(saver, model->fitted->data, "originalMin", "originalMax", err);
}

static int load(ch_loader *loader, void **data, ch_error *err)
{
    return ch_scaler_load(loader, "originalMin", "originalMax", data, err);
}

const ch_stage ch_stage_min_max_scaler = {.class_name = "org.apache.spark.ml.feature.MinMaxScaler",
                                          .kind = CH_STAGE_ESTIMATOR,
                                          .uid_prefix = "minMaxScal",
                                          .params = PARAMS,
                                          .model = &ch_stage_min_max_scaler_model,
                                          .fit = fit};

const ch_stage ch_stage_min_max_scaler_model = {.class_name = "org.apache.spark.ml.feature.MinMaxScalerModel",
                                                .kind = CH_STAGE_MODEL,
                                                .uid_prefix = "minMaxScal",
                                                .params = PARAMS,
                                                .bind = bind,
                                                .save = save,
                                                .load = load,
                                                .attributes = TABLES,
                                                .free_state = ch_scaler_free,
                                                .bytes = ch_scaler_bytes,
                                                .print = print};
