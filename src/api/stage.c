/* stage.c: stages: a class, its params, and pipelines of them. */
#include "ml/stage.h"
#include "api/api_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Short names are looked for among what a user may make: not models, not summaries. */
static const ch_stage *find_stage(const char *name)
{
    const ch_stage *const *all;
    size_t n = ch_stage_all(&all);
    for (size_t i = 0; i < n; i++) {
        bool makeable = all[i]->kind != CH_STAGE_MODEL && all[i]->kind != CH_STAGE_SUMMARY;
        if (makeable && (!strcmp(all[i]->class_name, name) || !strcmp(ch_stage_name(all[i]), name))) return all[i];
    }
    return NULL;
}

int chert_stage_new(chert_context *context, const char *name, chert_stage **out, chert_error *err)
{
    const ch_stage *found = find_stage(name);
    if (!found)
        return api_fail(err, CHERT_INVALID,
                        "there is no stage \"%s\"; use a Spark name such as StringIndexer or LogisticRegression", name);
    chert_stage *stage = calloc(1, sizeof *stage);
    if (!stage) return api_fail(err, CHERT_MEMORY, "out of memory");
    stage->context = context;
    ch_random_uid(ch_stage_name(found), stage->uid, sizeof stage->uid);
    stage->params = ch_param_map_new(found, stage->uid);
    *out = stage;
    return 0;
}

static int set(chert_stage *stage, const char *param, const ch_literal *value, chert_error *err)
{
    ch_error inner;
    if (stage->pipeline)
        return api_fail(err, CHERT_INVALID, "a pipeline has no param \"%s\": set it on the stage before", param);
    return ch_param_set_literal(stage->params, param, value, &inner) ? api_report(&inner, err) : 0;
}

int chert_set_int(chert_stage *stage, const char *param, int64_t value, chert_error *err)
{
    ch_literal v = {.type = &ch_type_long};
    v.v.integer = value;
    return set(stage, param, &v, err);
}

int chert_set_double(chert_stage *stage, const char *param, double value, chert_error *err)
{
    ch_literal v = {.type = &ch_type_double};
    v.v.real = value;
    return set(stage, param, &v, err);
}

int chert_set_bool(chert_stage *stage, const char *param, int value, chert_error *err)
{
    ch_literal v = {.type = &ch_type_boolean};
    v.v.boolean = value != 0;
    return set(stage, param, &v, err);
}

static ch_literal text_of(const char *value)
{
    ch_literal v = {.type = &ch_type_string};
    v.v.bytes.data = value;
    v.v.bytes.len = strlen(value);
    return v;
}

int chert_set_string(chert_stage *stage, const char *param, const char *value, chert_error *err)
{
    ch_literal v = text_of(value);
    return set(stage, param, &v, err);
}

/* An array literal of n items, filled by the caller through items. */
static ch_literal list_of(ch_arena *arena, const ch_type *element, size_t n)
{
    ch_literal v = {.type = ch_type_array(arena, element, false)};
    v.v.list.n = n;
    v.v.list.items = CH_NEW_ARRAY(arena, ch_literal, n);
    return v;
}

int chert_set_strings(chert_stage *stage, const char *param, const char *const *values, size_t n, chert_error *err)
{
    ch_arena *arena = ch_arena_new();
    ch_literal v = list_of(arena, &ch_type_string, n);
    for (size_t i = 0; i < n; i++) v.v.list.items[i] = text_of(values[i]);
    int status = set(stage, param, &v, err);
    ch_arena_free(arena);
    return status;
}

int chert_set_doubles(chert_stage *stage, const char *param, const double *values, size_t n, chert_error *err)
{
    ch_arena *arena = ch_arena_new();
    ch_literal v = list_of(arena, &ch_type_double, n);
    for (size_t i = 0; i < n; i++) {
        v.v.list.items[i].type = &ch_type_double;
        v.v.list.items[i].v.real = values[i];
    }
    int status = set(stage, param, &v, err);
    ch_arena_free(arena);
    return status;
}

static chert_stage *copy_stage(const chert_stage *stage)
{
    chert_stage *copy = calloc(1, sizeof *copy);
    if (!copy) return NULL;
    copy->context = stage->context;
    copy->pipeline = stage->pipeline;
    memcpy(copy->uid, stage->uid, sizeof copy->uid);
    if (stage->params) copy->params = ch_param_map_copy(stage->params, NULL, stage->uid);
    if (!stage->pipeline) return copy;
    copy->stages = calloc(stage->n + 1, sizeof *copy->stages);
    for (size_t i = 0; copy->stages && i < stage->n; i++) {
        copy->stages[i] = copy_stage(stage->stages[i]);
        if (!copy->stages[i]) break;
        copy->n++;
    }
    if (copy->n == stage->n && copy->stages) return copy;
    chert_stage_free(copy);
    return NULL;
}

int chert_pipeline_new(chert_context *context, chert_stage *const *stages, size_t n, chert_stage **out,
                       chert_error *err)
{
    chert_stage shell = {.context = context, .pipeline = true, .n = n, .stages = (chert_stage **)stages};
    for (size_t i = 0; i < n; i++)
        if (!stages[i]->pipeline && ch_param_map_stage(stages[i]->params)->kind == CH_STAGE_EVALUATOR)
            return api_fail(err, CHERT_INVALID, "stage %zu of the pipeline is an evaluator", i);
    ch_random_uid("Pipeline", shell.uid, sizeof shell.uid);
    *out = copy_stage(&shell);
    return *out ? 0 : api_fail(err, CHERT_MEMORY, "out of memory");
}

void chert_stage_free(chert_stage *stage)
{
    if (!stage) return;
    for (size_t i = 0; i < stage->n; i++) chert_stage_free(stage->stages[i]);
    free(stage->stages);
    ch_param_map_release(stage->params);
    free(stage);
}

ch_operator api_operator(const ch_param_map *params, ch_arena *arena)
{
    ch_operator op = {.class_name = ch_param_map_stage(params)->class_name,
                      .uid = ch_arena_strdup(arena, ch_param_map_uid(params)),
                      .params = ch_param_map_list(params, arena)};
    return op;
}

int chert_evaluate(const chert_stage *evaluator, const chert_frame *frame, double *metric, chert_error *err)
{
    ch_error inner;
    ch_ml_value value;
    api_work work;
    if (evaluator->pipeline || ch_param_map_stage(evaluator->params)->kind != CH_STAGE_EVALUATOR)
        return api_fail(err, CHERT_INVALID, "%s is no evaluator", evaluator->uid);
    ch_arena *arena = ch_arena_new();
    ch_operator op = api_operator(evaluator->params, arena);
    api_begin(frame->context, &work);
    int status = ch_ml_evaluate(frame->context->ml, arena, &op, frame->plan, &work.task, &value, &inner);
    api_end(frame->context, &work);
    if (!status) *metric = value.literal.v.real;
    ch_arena_free(arena);
    return status ? api_report(&inner, err) : 0;
}

int chert_stage_transform(const chert_stage *stage, const chert_frame *frame, chert_frame **out, chert_error *err)
{
    ch_error inner;
    ch_transform *transform;
    if (stage->pipeline || ch_param_map_stage(stage->params)->kind != CH_STAGE_TRANSFORMER)
        return api_fail(err, CHERT_INVALID, "%s must be fitted before it can transform", stage->uid);
    chert_frame *made = api_frame_new(frame->context, frame);
    if (!made) return api_fail(err, CHERT_MEMORY, "out of memory");
    ch_operator op = api_operator(stage->params, made->arena);
    if (ch_ml_transformer(frame->context->ml, &op, &transform, &inner)) {
        chert_frame_free(made);
        return api_report(&inner, err);
    }
    made->plan = ch_plan_new(made->arena, CH_PLAN_TRANSFORM, frame->plan);
    made->plan->u.transform = ch_transform_hold(made->arena, transform);
    ch_transform_release(transform);
    *out = made;
    return 0;
}
