/* vector_assembler.c: VectorAssembler: numbers, booleans and vectors put into one vector
 * (org.apache.spark.ml.feature.VectorAssembler). */
#include "frame/engine/query.h"
#include "ml/metadata.h"
#include "ml/model.h"
#include "ml/param_rows.h"
#include "ml/schema.h"
#include "ml/stages.h"
#include "ml/vector.h"

#include <stdlib.h>

static const ch_param_row PARAMS[] = {
    CH_ROW_CHOICE("handleInvalid", "error", "skip error keep",
                  "what becomes of NULL and NaN: skip the row, raise an error, or keep them as NaN"),
    CH_ROW_INPUT_COLS, CH_ROW_OUTPUT_COL, CH_ROW_END};

typedef struct assembler {
    size_t n;
    size_t *length; /* (n) dimensions a NULL of this column stands for; 1 for a number */
    bool *vector;   /* (n) */
    bool keep, skip;
    const ch_field *fields;
} assembler;

/* ---- the rows ---- */

/* One row being put together: its non-zero values. Grows over a batch, freed at its end. */
typedef struct row_buffer {
    size_t n, room, size;
    int32_t *index;
    double *value;
} row_buffer;

static int reserve(row_buffer *r, size_t more, ch_error *err)
{
    if (r->n + more <= r->room) return 0;
    r->room = 2 * (r->n + more) + 16;
    int32_t *index = realloc(r->index, r->room * sizeof *index);
    if (index) r->index = index;
    double *value = realloc(r->value, r->room * sizeof *value);
    if (value) r->value = value;
    return index && value ? 0 : ch_no_memory(err);
}

static void append(row_buffer *r, size_t at, double value)
{
    r->index[r->n] = (int32_t)at;
    r->value[r->n++] = value;
}

static int invalid_value(const char *what, ch_error *err)
{
    return ch_udf_failed(
        err, "VectorAssembler", "struct<...>", CH_UDF_VECTOR,
        "org.apache.spark.SparkException: Encountered %s while assembling a row with handleInvalid = "
        "\"error\". Consider\nremoving %ss from dataset or using handleInvalid = \"keep\" or \"skip\".",
        what, what);
}

/* Adds the value of column c of row i; *drop is set when the row is to be skipped. */
static int add_value(const assembler *a, const ch_column *column, size_t c, size_t i, row_buffer *r, bool *drop,
                     ch_error *err)
{
    bool valid = ch_column_valid(column, i);
    if (!valid && a->keep) {
        CH_TRY(reserve(r, a->length[c], err));
        for (size_t k = 0; k < a->length[c]; k++) append(r, r->size + k, (double)NAN);
        r->size += a->length[c];
        return 0;
    }
    if (!valid && !a->skip) return invalid_value("null", err);
    if (!valid) {
        *drop = true;
    } else if (a->vector[c]) {
        ch_vector v;
        CH_TRY(ch_vector_at(column, i, &v, err));
        CH_TRY(reserve(r, v.n, err));
        for (size_t k = 0; k < v.n; k++) {
            if (v.value[k] != 0.0) append(r, r->size + (v.index ? (size_t)v.index[k] : k), v.value[k]);
        }
        r->size += v.size;
    } else {
        double x = ((const double *)column->data)[i];
        CH_TRY(reserve(r, 1, err));
        if (x != x && a->skip) *drop = true;
        if (x != x && !a->keep && !a->skip) return invalid_value("NaN", err);
        if (x != 0.0) append(r, r->size, x);
        r->size++;
    }
    return r->size <= INT32_MAX ? 0 : ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "an assembled vector is too long");
}

/* Vector.compressed of the row. */
static int write_row(const row_buffer *r, ch_vector_writer *w, ch_error *err)
{
    double *value;
    int32_t *index;
    if (1.5 * ((double)r->n + 1.0) < (double)r->size) {
        CH_TRY(ch_vector_writer_sparse(w, r->size, r->n, &index, &value, err));
        memcpy(index, r->index, r->n * sizeof *index);
        memcpy(value, r->value, r->n * sizeof *value);
        return 0;
    }
    CH_TRY(ch_vector_writer_dense(w, r->size, &value, err));
    memset(value, 0, r->size * sizeof *value);
    for (size_t k = 0; k < r->n; k++) value[r->index[k]] = r->value[k];
    return 0;
}

static int eval(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    const assembler *a = state;
    ch_column *vectors = a->skip ? &out->child[1] : out;
    size_t width = 0;
    for (size_t c = 0; c < a->n; c++) width += a->length[c];
    ch_vector_writer w;
    CH_TRY(ch_vector_writer_init(&w, vectors, in->rows, width < 1024 ? width : 1024, err));
    row_buffer r = {0};
    int status = reserve(&r, width < 1024 ? width : 1024, err);
    for (size_t i = 0; i < in->rows && !status; i++) {
        bool drop = false;
        r.n = r.size = 0;
        for (size_t c = 0; c < a->n && !status && !drop; c++) {
            status = add_value(a, &in->cols[c], c, i, &r, &drop, err);
        }
        if (a->skip) ((uint8_t *)out->child[0].data)[i] = !drop;
        if (drop) r.n = r.size = 0;
        if (!status) status = write_row(&r, &w, err);
    }
    free(r.index);
    free(r.value);
    return status ? status : ch_vector_writer_finish(&w, err);
}

/* ---- schema ---- */

static int check_types(const ch_bind *call, const char *const *names, size_t n, size_t *index, ch_error *err)
{
    ch_buf wrong = {0};
    int status = 0;
    for (size_t i = 0; i < n && !status; i++) {
        status = ch_schema_find(call->in, names[i], &index[i], err);
        if (status) break;
        const ch_type *type = call->in->fields[index[i]].type;
        if (ch_type_is_numeric(type) || type->kind == CH_BOOLEAN || type->kind == CH_VECTOR) continue;
        ch_buf_str(&wrong, wrong.len ? "\nData type " : "Data type ");
        ch_type_simple(&wrong, ch_type_storage(type));
        ch_buf_printf(&wrong, " of column %s is not supported.", names[i]);
    }
    if (!status && wrong.len) status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s", ch_buf_text(&wrong));
    ch_buf_reset(&wrong);
    return status;
}

/* Names of the columns in brackets, for messages. */
static const char *bracketed(ch_arena *arena, const char *const *names, size_t n)
{
    ch_buf text = {0};
    for (size_t i = 0; i < n; i++) ch_buf_printf(&text, "%s%s", i ? ", " : "[", names[i]);
    ch_buf_char(&text, ']');
    const char *copy = ch_arena_strdup(arena, text.data);
    ch_buf_reset(&text);
    return copy;
}

/* Sizes of vector columns whose metadata do not tell, from the first row (getVectorLengthsFromFirstRow). */
static int sizes_from_data(const ch_bind *call, const char *const *names, size_t n, bool skip, int64_t *size,
                           ch_error *err)
{
    const ch_plan *input = call->input;
    if (skip) {
        ch_plan *drop = ch_plan_new(call->arena, CH_PLAN_NA_DROP, (ch_plan *)(uintptr_t)input);
        drop->u.na.ncol = n;
        drop->u.na.cols = ch_arena_dup(call->arena, names, n * sizeof *names);
        drop->u.na.min_non_nulls = -1;
        input = drop;
    }
    ch_projection p = ch_project(call->arena, input);
    for (size_t i = 0; i < n; i++) CH_TRY(ch_project_column(&p, names[i], NULL, NULL, err));
    ch_plan *limit = ch_plan_new(call->arena, CH_PLAN_LIMIT, p.plan);
    limit->u.count = 1;
    size_t ncol;
    ch_literal *row;
    CH_TRY(ch_query_row(call->session, limit, NULL, call->arena, &ncol, &row, err));
    if (!row) {
        return ch_failf(err, CH_E_NOT_FOUND,
                        "Encountered empty dataframe while inferring lengths from the first row. Consider using "
                        "VectorSizeHint to add metadata for columns: %s. ",
                        bracketed(call->arena, names, n));
    }
    for (size_t i = 0; i < n; i++) {
        if (row[i].is_null) {
            return ch_failf(err, CH_E_SPARK,
                            "Encountered null value while inferring lengths from the first row. Consider using "
                            "VectorSizeHint to add metadata for columns: %s. ",
                            bracketed(call->arena, names, n));
        }
        const ch_literal *f = row[i].v.list.items;
        size[i] = f[0].v.integer == 1 ? (int64_t)f[3].v.list.n : f[1].v.integer;
    }
    return 0;
}

typedef struct source {
    const ch_field *field;
    const char *name;
    ch_ml_group group; /* of a vector */
} source;

/* Fills in the size of each vector column. */
static int find_sizes(const ch_bind *call, source *sources, size_t n, const assembler *a, ch_error *err)
{
    const char **names = CH_NEW_ARRAY(call->arena, const char *, n);
    size_t *which = CH_NEW_ARRAY(call->arena, size_t, n), missing = 0;
    for (size_t i = 0; i < n; i++) {
        if (sources[i].field->type->kind != CH_VECTOR) continue;
        CH_TRY(ch_ml_group_read(call->arena, sources[i].field, &sources[i].group, err));
        if (sources[i].group.size >= 0) continue;
        which[missing] = i;
        names[missing++] = sources[i].name;
    }
    if (!missing) return 0;
    if (a->keep) {
        return ch_failf(err, CH_E_SPARK,
                        "Can not infer column lengths with handleInvalid = \"keep\". Consider using VectorSizeHint to "
                        "add metadata for columns: %s.",
                        bracketed(call->arena, names, missing));
    }
    if (!call->input)
        return ch_failf(err, CH_E_UNSUPPORTED, "The sizes of the vectors in the columns %s are not known.",
                        bracketed(call->arena, names, missing));
    int64_t *size = CH_NEW_ARRAY(call->arena, int64_t, missing);
    CH_TRY(sizes_from_data(call, names, missing, a->skip, size, err));
    for (size_t i = 0; i < missing; i++) sources[which[i]].group.size = size[i];
    return 0;
}

/* The attributes that one input column contributes, appended to out. */
static int add_attributes(const ch_bind *call, const source *s, ch_ml_attr *out, ch_error *err)
{
    if (s->field->type->kind != CH_VECTOR) {
        *out = ch_ml_attr_numeric;
        if (s->field->type->kind == CH_DOUBLE) CH_TRY(ch_ml_attr_read(call->arena, s->field, out, err));
        if (out->type == CH_ML_UNRESOLVED) *out = ch_ml_attr_numeric;
        out->name = s->name;
        return 0;
    }
    for (int64_t i = 0; i < s->group.size; i++) {
        out[i] = s->group.attrs ? s->group.attrs[i] : ch_ml_attr_numeric;
        out[i].name = out[i].name ? ch_arena_printf(call->arena, "%s_%s", s->name, out[i].name)
                                  : ch_arena_printf(call->arena, "%s_%lld", s->name, (long long)i);
    }
    return 0;
}

static int describe(const ch_bind *call, const source *sources, size_t n, const char **metadata, ch_error *err)
{
    ch_ml_group group = {0};
    for (size_t i = 0; i < n; i++) group.size += sources[i].field->type->kind == CH_VECTOR ? sources[i].group.size : 1;
    if (group.size > INT32_MAX) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the assembled vector would be too long");
    group.attrs = CH_NEW_ARRAY(call->arena, ch_ml_attr, group.size);
    ch_ml_attr *at = group.attrs;
    for (size_t i = 0; i < n; i++) {
        CH_TRY(add_attributes(call, &sources[i], at, err));
        at += sources[i].field->type->kind == CH_VECTOR ? sources[i].group.size : 1;
    }
    *metadata = ch_ml_group_write(call->arena, &group);
    return 0;
}

static int prepare(const ch_bind *call, const char *const *names, size_t n, assembler *a, ch_arena *arena,
                   size_t *index, const char **metadata, ch_error *err)
{
    const char *output = ch_param_text(call->params, "outputCol"),
               *handle = ch_param_text(call->params, "handleInvalid");
    CH_TRY(check_types(call, names, n, index, err));
    if (ch_schema_has(call->in, output)) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Output column %s already exists.", output);
    }
    a->keep = strcmp(handle, "keep") == 0;
    a->skip = strcmp(handle, "skip") == 0;
    a->n = n;
    a->length = CH_NEW_ARRAY(arena, size_t, n);
    a->vector = CH_NEW_ARRAY(arena, bool, n);
    source *sources = CH_NEW_ARRAY(call->arena, source, n);
    for (size_t i = 0; i < n; i++) {
        sources[i].field = &call->in->fields[index[i]];
        sources[i].name = names[i];
    }
    CH_TRY(find_sizes(call, sources, n, a, err));
    for (size_t i = 0; i < n; i++) {
        a->vector[i] = sources[i].field->type->kind == CH_VECTOR;
        a->length[i] = a->vector[i] ? (size_t)sources[i].group.size : 1;
    }
    return describe(call, sources, n, metadata, err);
}

static int bind(const ch_bind *call, ch_binding *out, ch_error *err)
{
    const ch_literal *defined;
    CH_TRY(ch_param_get(call->params, "inputCols", &defined, err));
    size_t n;
    const char *const *names = ch_param_texts(call->params, "inputCols", &n);
    size_t *index = CH_NEW_ARRAY(call->arena, size_t, n);
    ch_arena *arena;
    assembler *a = ch_native_state_new(sizeof *a, NULL, &arena);
    const char *metadata;
    int status = prepare(call, names, n, a, arena, index, &metadata, err);
    if (status) {
        ch_native_state_free(a);
        return status;
    }
    const ch_type **types = CH_NEW_ARRAY(call->arena, const ch_type *, n);
    for (size_t i = 0; i < n; i++) types[i] = a->vector[i] ? NULL : &ch_type_double;
    ch_field *output = CH_NEW(call->arena, ch_field);
    *output = (ch_field){.name = ch_arena_strdup(call->arena, ch_param_text(call->params, "outputCol")),
                         .type = &ch_type_vector,
                         .nullable = true,
                         .metadata = metadata};
    const ch_field fields[2] = {{.name = "keep", .type = &ch_type_boolean}, {.name = "o", .type = &ch_type_vector}};
    out->keep_flag = a->skip;
    ch_bind_native(call, out, a->skip ? ch_type_struct(arena, fields, 2) : &ch_type_vector, eval, a, n, index, types, 1,
                   output);
    return 0;
}

static const ch_attribute *const TABLES[] = {ch_attributes_identifiable, NULL};

const ch_stage ch_stage_vector_assembler = {.class_name = "org.apache.spark.ml.feature.VectorAssembler",
                                            .kind = CH_STAGE_TRANSFORMER,
                                            .uid_prefix = "vecAssembler",
                                            .params = PARAMS,
                                            .bind = bind,
                                            .attributes = TABLES};
