/* model.c: fitting, transforming, attributes. */
#include "api/api_internal.h"
#include "ml/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

chert_model *api_model_new(chert_context *context, const char *uid)
{
    chert_model *model = calloc(1, sizeof *model);
    if (!model) return NULL;
    atomic_init(&model->refs, 1);
    model->context = context;
    snprintf(model->uid, sizeof model->uid, "%s", uid);
    return model;
}

chert_model *api_model_retain(chert_model *model)
{
    atomic_fetch_add(&model->refs, 1);
    return model;
}

void chert_model_free(chert_model *model)
{
    if (!model || atomic_fetch_sub(&model->refs, 1) > 1) return;
    if (model->id) {
        ch_error ignored; /* an id that is gone already is no harm here */
        const char *deleted;
        ch_arena *arena = ch_arena_new();
        (void)ch_ml_delete(model->context->ml, arena, 1, (const char *const *)&model->id, false, &deleted, &ignored);
        ch_arena_free(arena);
    }
    for (size_t i = 0; i < model->n; i++) chert_model_free(model->stages[i]);
    free(model->stages);
    free(model->id);
    ch_param_map_release(model->params);
    free(model);
}

/* --- fitting --- */

static int fit_one(const chert_stage *stage, const ch_plan *plan, ch_arena *arena, ch_task *task, chert_model **out,
                   ch_error *err)
{
    chert_model *model = api_model_new(stage->context, stage->uid);
    if (!model) return ch_no_memory(err);
    const ch_stage *kind = ch_param_map_stage(stage->params);
    if (kind->kind == CH_STAGE_TRANSFORMER) {
        model->params = ch_param_map_copy(stage->params, NULL, stage->uid);
    } else if (kind->kind == CH_STAGE_ESTIMATOR) {
        ch_ml_value value;
        ch_operator op = api_operator(stage->params, arena);
        int status = ch_ml_fit(stage->context->ml, arena, &op, plan, task, &value, err);
        if (status) {
            chert_model_free(model);
            return status;
        }
        model->id = strdup(value.ids);
        model->params = ch_param_map_copy(stage->params, kind->model, stage->uid);
    } else {
        chert_model_free(model);
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s is an evaluator and cannot be fitted", stage->uid);
    }
    *out = model;
    return 0;
}

/* Fits stage after stage, each on what the ones before make of the data; the last one's output is not needed. */
static int fit(const chert_stage *stage, ch_plan *plan, ch_arena *arena, ch_task *task, chert_model **out,
               ch_error *err)
{
    if (!stage->pipeline) return fit_one(stage, plan, arena, task, out, err);
    char uid[sizeof stage->uid];
    ch_random_uid("PipelineModel", uid, sizeof uid);
    chert_model *model = api_model_new(stage->context, uid);
    int status = model ? 0 : ch_no_memory(err);
    if (model) {
        model->pipeline = true;
        model->stages = calloc(stage->n + 1, sizeof *model->stages);
        if (!model->stages) status = ch_no_memory(err);
    }
    for (size_t i = 0; !status && i < stage->n; i++) {
        status = fit(stage->stages[i], plan, arena, task, &model->stages[i], err);
        if (!status) model->n++;
        if (!status && i + 1 < stage->n) status = api_apply(model->stages[i], arena, &plan, err);
    }
    if (status)
        chert_model_free(model);
    else
        *out = model;
    return status;
}

int chert_fit(const chert_stage *stage, const chert_frame *frame, chert_model **out, chert_error *err)
{
    ch_error inner;
    api_work work;
    ch_arena *arena = ch_arena_new();
    api_begin(frame->context, &work);
    int status = fit(stage, frame->plan, arena, &work.task, out, &inner);
    api_end(frame->context, &work);
    ch_arena_free(arena);
    return status ? api_report(&inner, err) : 0;
}

/* --- transforming --- */

int api_model_transform(const chert_model *model, ch_arena *arena, ch_transform **out, ch_error *err)
{
    ch_operator op = api_operator(model->params, arena);
    if (model->id) return ch_ml_model_transform(model->context->ml, model->id, &op.params, out, err);
    return ch_ml_transformer(model->context->ml, &op, out, err);
}

int api_apply(const chert_model *model, ch_arena *arena, ch_plan **plan, ch_error *err)
{
    for (size_t i = 0; i < model->n; i++) CH_TRY(api_apply(model->stages[i], arena, plan, err));
    if (model->pipeline) return 0;
    ch_transform *transform;
    CH_TRY(api_model_transform(model, arena, &transform, err));
    *plan = ch_plan_new(arena, CH_PLAN_TRANSFORM, *plan);
    (*plan)->u.transform = ch_transform_hold(arena, transform);
    ch_transform_release(transform);
    return 0;
}

int chert_transform(const chert_model *model, const chert_frame *frame, chert_frame **out, chert_error *err)
{
    ch_error inner;
    ch_query *q;
    chert_frame *made = api_frame_new(frame->context, frame);
    if (!made) return api_fail(err, CHERT_MEMORY, "out of memory");
    int status = api_apply(model, made->arena, &made->plan, &inner);
    if (!status) status = ch_query_open(made->context->session, made->plan, &q, &inner);
    if (status) {
        chert_frame_free(made);
        return api_report(&inner, err);
    }
    ch_query_close(q);
    *out = made;
    return 0;
}

/* --- looking inside --- */

size_t chert_stage_count(const chert_model *model)
{
    return model->pipeline ? model->n : 1;
}

int chert_stage_at(const chert_model *model, size_t i, chert_model **out, chert_error *err)
{
    if (i >= chert_stage_count(model))
        return api_fail(err, CHERT_INVALID, "stage %zu: the model has %zu", i, chert_stage_count(model));
    *out = api_model_retain(model->pipeline ? model->stages[i] : (chert_model *)model);
    return 0;
}

/* "summary.areaUnderROC" -> two fetch steps. */
static int fetch(const chert_model *model, const char *attribute, ch_arena *arena, ch_literal *out, chert_error *err)
{
    ch_error inner;
    ch_ml_value value;
    ch_fetch *steps = NULL;
    size_t n = 0;
    if (!model->id) return api_fail(err, CHERT_INVALID, "%s has no fitted attributes", model->uid);
    for (const char *part = attribute; part; n++) {
        size_t len = strcspn(part, ".");
        steps = ch_arena_grow(arena, steps, sizeof *steps, n, n + 1);
        steps[n].method = ch_arena_strndup(arena, part, len);
        part = part[len] ? part + len + 1 : NULL;
    }
    if (ch_ml_fetch(model->context->ml, arena, model->id, n, steps, NULL, &value, &inner))
        return api_report(&inner, err);
    if (value.kind != CH_ML_LITERAL) return api_fail(err, CHERT_INVALID, "%s.%s is no value", model->uid, attribute);
    *out = value.literal;
    return 0;
}

static double number_of(const ch_literal *v)
{
    if (v->is_null) return 0;
    if (v->type->kind == CH_BOOLEAN) return v->v.boolean;
    return v->type->kind == CH_DOUBLE || v->type->kind == CH_FLOAT ? v->v.real : (double)v->v.integer;
}

static bool is_number(const ch_type *t)
{
    return t->kind == CH_BOOLEAN || (ch_type_is_numeric(t) && t->kind != CH_DECIMAL);
}

static int64_t whole(const ch_literal *v)
{
    return v->is_null ? 0 : v->v.integer;
}

/* A vector literal (type, size, indices, values), sparse ones filled with zeros. */
static size_t vector_doubles(const ch_literal *v, double *out)
{
    const ch_literal *f = v->v.list.items;
    const ch_literal *indices = &f[2], *values = &f[3];
    bool dense = whole(&f[0]) == 1;
    size_t n = dense ? values->v.list.n : (size_t)whole(&f[1]);
    if (!out) return n;
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < values->v.list.n; i++) {
        size_t at = dense ? i : (size_t)whole(&indices->v.list.items[i]);
        if (at < n) out[at] = number_of(&values->v.list.items[i]);
    }
    return n;
}

/* A matrix literal (type, numRows, numCols, colPtrs, rowIndices, values, isTransposed), column by column. */
static size_t matrix_doubles(const ch_literal *v, double *out)
{
    const ch_literal *f = v->v.list.items, *values = &f[5];
    size_t rows = (size_t)whole(&f[1]), cols = (size_t)whole(&f[2]);
    bool dense = whole(&f[0]) == 1, transposed = f[6].v.boolean;
    if (!out) return rows * cols;
    memset(out, 0, rows * cols * sizeof *out);
    size_t major = transposed ? rows : cols, minor = transposed ? cols : rows;
    for (size_t j = 0; j < major; j++) {
        size_t begin = dense ? j * minor : (size_t)whole(&f[3].v.list.items[j]);
        size_t end = dense ? begin + minor : (size_t)whole(&f[3].v.list.items[j + 1]);
        for (size_t k = begin; k < end && k < values->v.list.n; k++) {
            size_t i = dense ? k - begin : (size_t)whole(&f[4].v.list.items[k]);
            if (i < minor) out[transposed ? i * rows + j : j * rows + i] = number_of(&values->v.list.items[k]);
        }
    }
    return rows * cols;
}

static size_t literal_doubles(const ch_literal *v, double *out)
{
    if (v->type->kind == CH_VECTOR) return vector_doubles(v, out);
    if (v->type->kind == CH_MATRIX) return matrix_doubles(v, out);
    if (v->type->kind == CH_ARRAY && is_number(v->type->fields[0].type)) {
        for (size_t i = 0; out && i < v->v.list.n; i++) out[i] = number_of(&v->v.list.items[i]);
        return v->v.list.n;
    }
    if (out) out[0] = number_of(v);
    return 1;
}

int chert_get_doubles(const chert_model *model, const char *attribute, double **values, size_t *n, chert_error *err)
{
    ch_literal value;
    ch_arena *arena = ch_arena_new();
    int status = fetch(model, attribute, arena, &value, err);
    if (!status) {
        ch_kind kind = value.type->kind;
        bool fits = is_number(value.type) || kind == CH_VECTOR || kind == CH_MATRIX ||
                    (kind == CH_ARRAY && is_number(value.type->fields[0].type));
        if (!fits || value.is_null) status = api_fail(err, CHERT_INVALID, "%s is not numeric", attribute);
    }
    if (!status) {
        *n = literal_doubles(&value, NULL);
        *values = malloc((*n + 1) * sizeof **values);
        if (*values)
            literal_doubles(&value, *values);
        else
            status = api_fail(err, CHERT_MEMORY, "out of memory");
    }
    ch_arena_free(arena);
    return status;
}

int chert_get_text(const chert_model *model, const char *attribute, char **text, chert_error *err)
{
    ch_literal value;
    ch_buf out = {0};
    ch_arena *arena = ch_arena_new();
    int status = fetch(model, attribute, arena, &value, err);
    if (!status && ch_type_is_string(value.type)) {
        ch_buf_add(&out, value.v.bytes.data, value.v.bytes.len);
    } else if (!status && value.type->kind == CH_ARRAY && ch_type_is_string(value.type->fields[0].type)) {
        for (size_t i = 0; i < value.v.list.n; i++) {
            ch_buf_add(&out, value.v.list.items[i].v.bytes.data, value.v.list.items[i].v.bytes.len);
            ch_buf_char(&out, '\n');
        }
    } else if (!status) {
        status = api_fail(err, CHERT_INVALID, "%s is not text", attribute);
    }
    ch_arena_free(arena);
    if (!status) {
        ch_buf_reserve(&out, 1);
        out.data[out.len] = '\0';
        *text = out.data;
    }
    return status;
}
