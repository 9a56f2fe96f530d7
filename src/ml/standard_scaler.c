/* standard_scaler.c: StandardScaler and its model: features brought to unit standard deviation and, if wanted, zero
 * mean (org.apache.spark.ml.feature.StandardScaler). */
#include "ml/literal.h"
#include "ml/model.h"
#include "ml/param_rows.h"
#include "ml/scaler.h"
#include "ml/schema.h"
#include "ml/stages.h"
#include "ml/vector.h"

static const ch_param_row PARAMS[] = {
    CH_ROW_INPUT_COL, CH_ROW_OUTPUT_COL, CH_ROW_BOOLEAN("withMean", false, "whether to centre data with the mean"),
    CH_ROW_BOOLEAN("withStd", true, "whether to scale to unit standard deviation"), CH_ROW_END};

static int fit(const ch_fit *call, ch_fit_result *out, ch_error *err)
{
    size_t index;
    ch_summary summary;
    CH_TRY(ch_scaler_schema(call->params, &call->schema, &index, err));
    CH_TRY(ch_scaler_summary(call, ch_param_text(call->params, "inputCol"), &summary, err));
    ch_scaler *s = ch_scaler_new(summary.cols, err);
    if (s) {
        memcpy(s->first, summary.std, s->n * sizeof *s->first);
        memcpy(s->second, summary.mean, s->n * sizeof *s->second);
        out->data = s;
    }
    ch_summary_reset(&summary);
    return s ? 0 : CH_E_MEMORY;
}

typedef struct scaling {
    size_t n;
    const double *shift, *scale; /* NULL: none */
} scaling;

/* Shorter vectors pass, as in Spark. */
static int too_long(size_t n, ch_error *err)
{
    return ch_udf_failed(err, "StandardScalerModel", CH_UDF_VECTOR, CH_UDF_VECTOR,
                         "java.lang.ArrayIndexOutOfBoundsException: Index %zu out of bounds for length %zu", n, n);
}

/* (x - shift) * scale; sparse vectors stay sparse when there is no shift. */
static int scale_row(const scaling *s, const ch_vector *v, ch_vector_writer *w, ch_error *err)
{
    double *to;
    if (v->index && !s->shift) {
        int32_t *index;
        CH_TRY(ch_vector_writer_sparse(w, v->size, v->n, &index, &to, err));
        memcpy(index, v->index, v->n * sizeof *index);
        for (size_t k = 0; k < v->n; k++) to[k] = s->scale ? v->value[k] * s->scale[index[k]] : v->value[k];
        return 0;
    }
    CH_TRY(ch_vector_writer_dense(w, v->size, &to, err));
    if (v->index) {
        memset(to, 0, v->size * sizeof *to);
        for (size_t k = 0; k < v->n; k++) to[v->index[k]] = v->value[k];
    } else {
        memcpy(to, v->value, v->size * sizeof *to);
    }
    if (s->shift) {
        for (size_t k = 0; k < v->size; k++) to[k] -= s->shift[k];
    }
    if (s->scale) {
        for (size_t k = 0; k < v->size; k++) to[k] *= s->scale[k];
    }
    return 0;
}

static int eval(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    const scaling *s = state;
    const ch_column *column = &in->cols[0];
    ch_vector_writer w;
    CH_TRY(ch_vector_writer_init(&w, out, in->rows, s->n < 1024 ? s->n : 1024, err));
    for (size_t i = 0; i < in->rows; i++) {
        ch_vector v;
        if (!ch_column_valid(column, i)) {
            return ch_udf_failed(err, "StandardScalerModel", CH_UDF_VECTOR, CH_UDF_VECTOR, "scala.MatchError: null");
        }
        CH_TRY(ch_vector_at(column, i, &v, err));
        if (v.size > s->n && (s->shift || s->scale)) return too_long(s->n, err);
        CH_TRY(scale_row(s, &v, &w, err));
    }
    return ch_vector_writer_finish(&w, err);
}

static int bind(const ch_bind *call, ch_binding *out, ch_error *err)
{
    const ch_scaler *fitted = call->fitted->data;
    size_t index;
    CH_TRY(ch_scaler_schema(call->params, call->in, &index, err));
    ch_arena *arena;
    scaling *s = ch_native_state_new(sizeof *s, call->fitted, &arena);
    s->n = fitted->n;
    if (ch_param_bool(call->params, "withMean")) s->shift = fitted->second;
    if (ch_param_bool(call->params, "withStd")) {
        double *scale = CH_NEW_ARRAY(arena, double, s->n);
        for (size_t i = 0; i < s->n; i++) scale[i] = fitted->first[i] == 0 ? 0.0 : 1.0 / fitted->first[i];
        s->scale = scale;
    }
    ch_scaler_bind(call, index, s->n, eval, s, out);
    return 0;
}

static int get_std(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    const ch_scaler *s = call->self->fitted->data;
    out->literal = ch_lit_compressed(call->arena, s->first, s->n);
    return 0;
}

static int get_mean(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    const ch_scaler *s = call->self->fitted->data;
    out->literal = ch_lit_compressed(call->arena, s->second, s->n);
    return 0;
}

static const ch_attribute ATTRIBUTES[] = {{"std", get_std}, {"mean", get_mean}, {NULL, NULL}};
static const ch_attribute *const TABLES[] = {ch_attributes_identifiable, ATTRIBUTES, NULL};

static void print(const ch_object *self, ch_buf *out)
{
    const ch_scaler *s = self->fitted->data;
    ch_buf_printf(out, "StandardScalerModel: uid=%s, numFeatures=%zu, withMean=%s, withStd=%s", self->uid, s->n,
                  ch_param_bool(self->params, "withMean") ? "true" : "false",
                  ch_param_bool(self->params, "withStd") ? "true" : "false");
}

static int save(ch_saver *saver, const ch_object *model, ch_error *err)
{
    return ch_scaler_save(saver, model->fitted->data, "std", "mean", err);
}

static int load(ch_loader *loader, void **data, ch_error *err)
{
    return ch_scaler_load(loader, "std", "mean", data, err);
}

const ch_stage ch_stage_standard_scaler = {.class_name = "org.apache.spark.ml.feature.StandardScaler",
                                           .kind = CH_STAGE_ESTIMATOR,
                                           .uid_prefix = "stdScal",
                                           .params = PARAMS,
                                           .model = &ch_stage_standard_scaler_model,
                                           .fit = fit};

const ch_stage ch_stage_standard_scaler_model = {.class_name = "org.apache.spark.ml.feature.StandardScalerModel",
                                                 .kind = CH_STAGE_MODEL,
                                                 .uid_prefix = "stdScal",
                                                 .params = PARAMS,
                                                 .bind = bind,
                                                 .save = save,
                                                 .load = load,
                                                 .attributes = TABLES,
                                                 .free_state = ch_scaler_free,
                                                 .bytes = ch_scaler_bytes,
                                                 .print = print};
