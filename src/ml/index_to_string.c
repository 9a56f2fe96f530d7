/* index_to_string.c: IndexToString: label indices back to their strings (org.apache.spark.ml.feature.IndexToString). */
#include "ml/metadata.h"
#include "ml/model.h"
#include "ml/param_rows.h"
#include "ml/schema.h"
#include "ml/stages.h"

static const ch_param_row PARAMS[] = {
    CH_ROW_INPUT_COL,
    {.name = "labels",
     .type = CH_PARAM_STRINGS,
     .doc = "the labels; not set or empty: those in the metadata of the input column"},
    CH_ROW_OUTPUT_COL,
    CH_ROW_END};

typedef struct naming {
    size_t n;
    const char **label;
    size_t *len;
} naming;

static int eval(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    const naming *names = state;
    const double *index = in->cols[0].data;
    for (size_t i = 0; i < in->rows; i++) {
        if (!ch_column_valid(&in->cols[0], i)) return ch_user_raised(err, "Unseen index: null ??");
        if (!(index[i] > -1 && index[i] < (double)names->n))
            return ch_user_raised(err, "Unseen index: %.0f ??", index[i]);
        size_t k = (size_t)index[i];
        ch_column_set_string(out, i, names->label[k], names->len[k]);
    }
    return 0;
}

static int find_labels(const ch_bind *call, const ch_field *field, size_t *n, const char *const **labels, ch_error *err)
{
    *labels = ch_param_texts(call->params, "labels", n);
    if (*n) return 0;
    ch_ml_attr attr;
    CH_TRY(ch_ml_attr_read(call->arena, field, &attr, err));
    if (attr.type != CH_ML_NOMINAL) {
        const char *name = attr.type == CH_ML_UNRESOLVED ? "UnresolvedAttribute$"
                           : attr.type == CH_ML_NUMERIC  ? "NumericAttribute"
                                                         : "BinaryAttribute";
        return ch_failf(err, CH_E_SPARK,
                        "class org.apache.spark.ml.attribute.%s cannot be cast to class "
                        "org.apache.spark.ml.attribute.NominalAttribute: column %s has no labels in its metadata",
                        name, field->name);
    }
    if (!attr.values) return ch_failf(err, CH_E_NOT_FOUND, "None.get");
    *n = attr.nvalue;
    *labels = (const char *const *)attr.values;
    return 0;
}

static int bind(const ch_bind *call, ch_binding *out, ch_error *err)
{
    const ch_literal *defined;
    CH_TRY(ch_param_get(call->params, "inputCol", &defined, err));
    const char *in = ch_param_text(call->params, "inputCol"), *to = ch_param_text(call->params, "outputCol");
    size_t *index = CH_NEW(call->arena, size_t), n;
    CH_TRY(ch_schema_find(call->in, in, index, err));
    const ch_field *field = &call->in->fields[*index];
    if (!ch_type_is_numeric(field->type)) {
        ch_buf text = {0};
        ch_schema_type_name(&text, field->type);
        int status =
            ch_require_failed(err, "The input column %s must be a numeric type, but got %s.", in, ch_buf_text(&text));
        ch_buf_reset(&text);
        return status;
    }
    CH_TRY(ch_schema_new_output(call->in, to, err));
    const char *const *labels;
    CH_TRY(find_labels(call, field, &n, &labels, err));
    ch_arena *arena;
    naming *names = ch_native_state_new(sizeof *names, NULL, &arena);
    names->n = n;
    names->label = CH_NEW_ARRAY(arena, const char *, n);
    names->len = CH_NEW_ARRAY(arena, size_t, n);
    for (size_t i = 0; i < n; i++) {
        names->label[i] = ch_arena_strdup(arena, labels[i]);
        names->len[i] = strlen(labels[i]);
    }
    const ch_type **types = CH_NEW(call->arena, const ch_type *);
    types[0] = &ch_type_double;
    ch_field *output = CH_NEW(call->arena, ch_field);
    *output = (ch_field){.name = ch_arena_strdup(call->arena, to), .type = &ch_type_string, .nullable = true};
    ch_bind_native(call, out, &ch_type_string, eval, names, 1, index, types, 1, output);
    return 0;
}

static const ch_attribute *const TABLES[] = {ch_attributes_identifiable, NULL};

const ch_stage ch_stage_index_to_string = {.class_name = "org.apache.spark.ml.feature.IndexToString",
                                           .kind = CH_STAGE_TRANSFORMER,
                                           .uid_prefix = "idxToStr",
                                           .params = PARAMS,
                                           .bind = bind,
                                           .attributes = TABLES};
