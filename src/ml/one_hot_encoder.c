/* one_hot_encoder.c: OneHotEncoder and its model: category indices to vectors with one 1
 * (org.apache.spark.ml.feature.OneHotEncoder). */
#include "ml/literal.h"
#include "ml/metadata.h"
#include "ml/model.h"
#include "ml/param_rows.h"
#include "ml/persist.h"
#include "ml/schema.h"
#include "ml/stages.h"
#include "ml/vector.h"

#include <stdio.h>
#include <stdlib.h>

static const ch_param_row PARAMS[] = {
    CH_ROW_BOOLEAN("dropLast", true, "whether the last category has no dimension of its own"),
    CH_ROW_CHOICE("handleInvalid", "error", "keep error",
                  "what becomes of values not seen when fitting: an error, or one more category (keep)"),
    CH_ROW_INPUT_COL,
    CH_ROW_INPUT_COLS,
    CH_ROW_OUTPUT_COL,
    CH_ROW_OUTPUT_COLS,
    CH_ROW_END};

typedef struct encoder {
    size_t n;
    int32_t size[]; /* categories of each column */
} encoder;

static encoder *new_encoder(size_t n, ch_error *err)
{
    encoder *e = calloc(1, sizeof *e + n * sizeof *e->size);
    if (!e) ch_no_memory(err);
    if (e) e->n = n;
    return e;
}

/* ---- schema ---- */

typedef struct column_pair {
    const char *in, *out;
    size_t index;
    ch_ml_group group; /* of the output as the input's metadata give it; size -1: they do not */
} column_pair;

/* OneHotEncoderCommon.transformOutputColumnSchema: names of the output's dimensions from the input's metadata. */
static int output_group(ch_arena *arena, const ch_field *field, bool drop_last, bool keep, ch_ml_group *out,
                        ch_error *err)
{
    ch_ml_attr attr;
    *out = (ch_ml_group){.size = -1};
    CH_TRY(ch_ml_attr_read(arena, field, &attr, err));
    if (attr.type == CH_ML_NUMERIC) {
        return ch_failf(err, CH_E_SPARK, "The input column %s cannot be continuous-value.", field->name);
    }
    int64_t n = ch_ml_attr_values(&attr);
    if (n < 0) return 0;
    if (drop_last && !keep && n <= 1) {
        return ch_require_failed(err, "The input column %s should have at least two distinct values.", field->name);
    }
    out->size = n + (!drop_last && keep) - (drop_last && !keep);
    if (out->size > 1 << 24)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "column %s has too many categories", field->name);
    out->attrs = CH_NEW_ARRAY(arena, ch_ml_attr, out->size);
    for (int64_t i = 0; i < out->size; i++) {
        out->attrs[i] = ch_ml_attr_numeric;
        out->attrs[i].type = CH_ML_BINARY;
        out->attrs[i].name = i >= n        ? "invalidValues"
                             : attr.values ? attr.values[i]
                                           : ch_arena_printf(arena, "%lld", (long long)i);
    }
    return 0;
}

/* validateAndTransformSchema */
static int check_schema(const ch_param_map *params, ch_arena *arena, const ch_schema *schema, bool drop_last, bool keep,
                        size_t *n, column_pair **pairs, ch_error *err)
{
    size_t nout;
    const char *const *in, *const *out;
    CH_TRY(ch_param_in_out(params, arena, n, &in, &nout, &out, err));
    if (*n != nout) {
        return ch_require_failed(err,
                                 "The number of input columns %zu must be the same as the number of output columns "
                                 "%zu.",
                                 *n, nout);
    }
    *pairs = CH_NEW_ARRAY(arena, column_pair, *n);
    for (size_t i = 0; i < *n; i++) {
        (*pairs)[i].in = in[i];
        (*pairs)[i].out = ch_arena_strdup(arena, out[i]);
        CH_TRY(ch_schema_numeric(schema, in[i], &(*pairs)[i].index, err));
    }
    for (size_t i = 0; i < *n; i++) {
        column_pair *p = &(*pairs)[i];
        CH_TRY(output_group(arena, &schema->fields[p->index], drop_last, keep, &p->group, err));
    }
    for (size_t i = 0; i < *n; i++) {
        CH_TRY(ch_schema_new_column(schema, out[i], err));
        for (size_t k = 0; k < i; k++) {
            if (strcmp(out[i], out[k]) == 0) return ch_require_failed(err, "Column %s already exists.", out[i]);
        }
    }
    return 0;
}

/* ---- fit ---- */

typedef struct maxima {
    encoder *e;
    const size_t *column; /* which column of e each scanned column is */
    const column_pair *pairs;
} maxima;

static int take_maxima(void *context, const ch_batch *batch, ch_error *err)
{
    maxima *m = context;
    for (size_t c = 0; c < batch->ncol; c++) {
        const double *x = batch->cols[c].data;
        int32_t *size = &m->e->size[m->column[c]];
        const char *name = m->pairs[m->column[c]].in;
        for (size_t i = 0; i < batch->rows; i++) {
            if (!ch_column_valid(&batch->cols[c], i)) {
                char index[24];
                snprintf(index, sizeof index, "%zu", c);
                return ch_raise(err, "ROW_VALUE_IS_NULL", "index", index, (char *)NULL);
            }
            if (x[i] > INT32_MAX - 1) {
                return ch_failf(
                    err, CH_E_SPARK,
                    "assertion failed: OneHotEncoder only supports up to 2147483647 indices, but got %.17g.", x[i]);
            }
            if (!(x[i] >= 0) || x[i] != (double)(int32_t)x[i]) {
                char text[32];
                ch_java_double(x[i], text);
                return ch_failf(err, CH_E_SPARK, "assertion failed: Values from column %s must be indices, but got %s.",
                                name, text);
            }
            if ((int32_t)x[i] + 1 > *size) *size = (int32_t)x[i] + 1;
        }
    }
    return 0;
}

static int scan_sizes(const ch_fit *call, const column_pair *pairs, size_t n, encoder *e, ch_error *err)
{
    size_t *column = CH_NEW_ARRAY(call->arena, size_t, n), scanned = 0;
    ch_projection p = ch_project(call->arena, call->dataset);
    for (size_t i = 0; i < n; i++) {
        if (pairs[i].group.size >= 0) {
            e->size[i] = (int32_t)pairs[i].group.size;
            continue;
        }
        e->size[i] = 1; /* what Spark makes of no rows */
        column[scanned++] = i;
        CH_TRY(ch_project_column(&p, pairs[i].in, &ch_type_double, NULL, err));
    }
    maxima m = {e, column, pairs};
    return scanned ? ch_scan(call->session, p.plan, call->task, take_maxima, &m, err) : 0;
}

static int fit(const ch_fit *call, ch_fit_result *out, ch_error *err)
{
    size_t n;
    column_pair *pairs;
    bool keep = strcmp(ch_param_text(call->params, "handleInvalid"), "keep") == 0;
    CH_TRY(check_schema(call->params, call->arena, &call->schema, ch_param_bool(call->params, "dropLast"), keep, &n,
                        &pairs, err));
    /* The plain number of categories, without regard to dropLast and handleInvalid. */
    CH_TRY(check_schema(call->params, call->arena, &call->schema, false, false, &n, &pairs, err));
    encoder *e = new_encoder(n, err);
    if (!e) return CH_E_MEMORY;
    int status = scan_sizes(call, pairs, n, e, err);
    if (status) {
        free(e);
    } else {
        out->data = e;
    }
    return status;
}

/* ---- transform ---- */

typedef struct encoding {
    size_t n;
    bool keep, single;
    int32_t *size, *width; /* categories; dimensions of the output */
} encoding;

static int bad_value(double x, ch_error *err)
{
    char text[32];
    ch_java_double(x, text);
    if (x < 0) {
        return ch_udf_failed(err, "OneHotEncoderModel", "double, int", CH_UDF_VECTOR,
                             "org.apache.spark.SparkException: Negative value: %s. Input can't be negative. To handle "
                             "invalid values, set Param handleInvalid to keep",
                             text);
    }
    return ch_udf_failed(err, "OneHotEncoderModel", "double, int", CH_UDF_VECTOR,
                         "org.apache.spark.SparkException: Unseen value: %s. To handle unseen values, set Param "
                         "handleInvalid to keep.",
                         text);
}

static int eval(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    const encoding *e = state;
    for (size_t c = 0; c < e->n; c++) {
        const double *x = in->cols[c].data;
        ch_vector_writer w;
        CH_TRY(ch_vector_writer_init(&w, e->single ? out : &out->child[c], in->rows, 1, err));
        for (size_t i = 0; i < in->rows; i++) {
            if (!ch_column_valid(&in->cols[c], i)) {
                ch_vector_writer_null(&w);
                continue;
            }
            bool known = x[i] >= 0 && x[i] < e->size[c];
            if (!known && !e->keep) return bad_value(x[i], err);
            int32_t at = known ? (int32_t)x[i] : e->size[c], *index;
            double *value;
            bool one = at < e->width[c];
            CH_TRY(ch_vector_writer_sparse(&w, (size_t)e->width[c], one, &index, &value, err));
            if (one) {
                *index = at;
                *value = 1.0;
            }
        }
        CH_TRY(ch_vector_writer_finish(&w, err));
    }
    return 0;
}

/* Dimensions named by their numbers, when the input's metadata name nothing. */
static const char *numbered_metadata(ch_arena *arena, int32_t size, int32_t width)
{
    ch_ml_group group = {.size = width, .attrs = CH_NEW_ARRAY(arena, ch_ml_attr, width)};
    for (int32_t i = 0; i < width; i++) {
        group.attrs[i] = ch_ml_attr_numeric;
        group.attrs[i].type = CH_ML_BINARY;
        group.attrs[i].name = i < size ? ch_arena_printf(arena, "%d", i) : "invalidValues";
    }
    return ch_ml_group_write(arena, &group);
}

static int prepare(const ch_bind *call, const encoder *fitted, ch_arena *arena, encoding *e, column_pair **pairs,
                   ch_field *outputs, ch_error *err)
{
    bool drop_last = ch_param_bool(call->params, "dropLast");
    e->keep = strcmp(ch_param_text(call->params, "handleInvalid"), "keep") == 0;
    CH_TRY(check_schema(call->params, call->arena, call->in, drop_last, e->keep, &e->n, pairs, err));
    e->single = e->n == 1;
    e->size = CH_NEW_ARRAY(arena, int32_t, e->n);
    e->width = CH_NEW_ARRAY(arena, int32_t, e->n);
    for (size_t i = 0; i < e->n; i++) {
        const column_pair *p = &(*pairs)[i];
        e->size[i] = fitted->size[i];
        e->width[i] = fitted->size[i] + (!drop_last && e->keep) - (drop_last && !e->keep);
        if (p->group.size >= 0 && p->group.size != e->width[i]) {
            return ch_require_failed(err,
                                     "OneHotEncoderModel expected %d categorical values for input column %s, but the "
                                     "input column had metadata specifying %lld values.",
                                     e->width[i], p->in, (long long)p->group.size);
        }
        outputs[i] = (ch_field){.name = p->out, .type = &ch_type_vector, .nullable = true};
        outputs[i].metadata = p->group.size >= 0 ? ch_ml_group_write(call->arena, &p->group)
                                                 : numbered_metadata(call->arena, e->size[i], e->width[i]);
    }
    return 0;
}

static int bind(const ch_bind *call, ch_binding *out, ch_error *err)
{
    const encoder *fitted = call->fitted->data;
    size_t nin, nout;
    const char *const *in, *const *outs;
    CH_TRY(ch_param_in_out(call->params, call->arena, &nin, &in, &nout, &outs, err));
    if (nin != fitted->n) {
        return ch_require_failed(err,
                                 "The number of input columns %zu must be the same as the number of features %zu "
                                 "during fitting.",
                                 nin, fitted->n);
    }
    ch_arena *arena;
    encoding *e = ch_native_state_new(sizeof *e, call->fitted, &arena);
    column_pair *pairs;
    ch_field *outputs = CH_NEW_ARRAY(call->arena, ch_field, nin);
    int status = prepare(call, fitted, arena, e, &pairs, outputs, err);
    if (status) {
        ch_native_state_free(e);
        return status;
    }
    size_t *input = CH_NEW_ARRAY(call->arena, size_t, nin);
    const ch_type **types = CH_NEW_ARRAY(call->arena, const ch_type *, nin);
    ch_field *fields = CH_NEW_ARRAY(arena, ch_field, nin);
    for (size_t i = 0; i < nin; i++) {
        input[i] = pairs[i].index;
        types[i] = &ch_type_double;
        fields[i] = (ch_field){.name = ch_arena_printf(arena, "o%zu", i), .type = &ch_type_vector, .nullable = true};
    }
    ch_bind_native(call, out, e->single ? &ch_type_vector : ch_type_struct(arena, fields, nin), eval, e, nin, input,
                   types, nin, outputs);
    return 0;
}

/* ---- attributes, persistence ---- */

static int get_sizes(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    const encoder *e = call->self->fitted->data;
    out->literal = ch_lit_ints(call->arena, e->size, e->n);
    return 0;
}

static const ch_attribute ATTRIBUTES[] = {{"categorySizes", get_sizes}, {NULL, NULL}};
static const ch_attribute *const TABLES[] = {ch_attributes_identifiable, ATTRIBUTES, NULL};

static void print(const ch_object *self, ch_buf *out)
{
    size_t n;
    ch_buf_printf(out, "OneHotEncoderModel: uid=%s, dropLast=%s, handleInvalid=%s", self->uid,
                  ch_param_bool(self->params, "dropLast") ? "true" : "false",
                  ch_param_text(self->params, "handleInvalid"));
    if (ch_param_texts(self->params, "inputCols", &n)) ch_buf_printf(out, ", numInputCols=%zu", n);
    if (ch_param_texts(self->params, "outputCols", &n)) ch_buf_printf(out, ", numOutputCols=%zu", n);
}

static ch_field data_field(ch_arena *arena)
{
    return (ch_field){.name = "categorySizes", .type = ch_type_array(arena, &ch_type_int, false), .nullable = true};
}

static int save(ch_saver *saver, const ch_object *model, ch_error *err)
{
    const encoder *e = model->fitted->data;
    ch_field field = data_field(saver->arena);
    ch_literal row = ch_lit_ints(saver->arena, e->size, e->n);
    return ch_save_row(saver, "data", &field, &row, 1, err);
}

static int load(ch_loader *loader, void **data, ch_error *err)
{
    ch_field field = data_field(loader->arena);
    ch_literal *row;
    CH_TRY(ch_load_row(loader, "data", &field, 1, &row, err));
    if (row->type->kind != CH_ARRAY) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "categorySizes is no array");
    encoder *e = new_encoder(row->v.list.n, err);
    if (!e) return CH_E_MEMORY;
    for (size_t i = 0; i < e->n; i++) {
        double size;
        if (!ch_lit_number(&row->v.list.items[i], &size) || size < 0 || size > INT32_MAX - 1) {
            free(e);
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                            "categorySizes of a OneHotEncoderModel hold a value out of range");
        }
        e->size[i] = (int32_t)size;
    }
    *data = e;
    return 0;
}

const ch_stage ch_stage_one_hot_encoder = {.class_name = "org.apache.spark.ml.feature.OneHotEncoder",
                                           .kind = CH_STAGE_ESTIMATOR,
                                           .uid_prefix = "oneHotEncoder",
                                           .params = PARAMS,
                                           .model = &ch_stage_one_hot_encoder_model,
                                           .fit = fit};

const ch_stage ch_stage_one_hot_encoder_model = {.class_name = "org.apache.spark.ml.feature.OneHotEncoderModel",
                                                 .kind = CH_STAGE_MODEL,
                                                 .uid_prefix = "oneHotEncoder",
                                                 .params = PARAMS,
                                                 .bind = bind,
                                                 .save = save,
                                                 .load = load,
                                                 .attributes = TABLES,
                                                 .print = print};
