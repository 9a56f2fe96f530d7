/* ml.c: the door: a session's operators, models and summaries by name and id. */
#include "ml/ml.h"

#include "frame/engine/query.h"
#include "ml/helper.h"
#include "ml/literal.h"
#include "ml/model.h"
#include "ml/persist.h"
#include "ml/schema.h"

#include <ctype.h>
#include <stdlib.h>

static const char HELPER_ID[] = "______ML_CONNECT_HELPER______";

struct ch_ml {
    ch_session *session;
    ch_object_cache *cache;
    ch_object *helper;
};

ch_ml *ch_ml_new(ch_session *session)
{
    ch_ml *ml = calloc(1, sizeof *ml);
    if (!ml) abort();
    ml->session = ch_session_retain(session);
    ml->cache = ch_object_cache_new();
    ml->helper = ch_object_new(&ch_stage_helper, "ConnectHelper", NULL, NULL);
    return ml;
}

void ch_ml_free(ch_ml *ml)
{
    if (!ml) return;
    ch_object_cache_free(ml->cache);
    ch_object_release(ml->helper);
    ch_session_release(ml->session);
    free(ml);
}

/* ---- operators ---- */

static int unsupported(ch_error *err, const char *class_name)
{
    char message[300];
    snprintf(message, sizeof message, "Unsupported ML operator, found %s", class_name);
    return ch_raise(err, "CONNECT_ML.UNSUPPORTED_EXCEPTION", "message", message, (char *)NULL);
}

static int find_stage(const char *class_name, ch_stage_kind kind, const ch_stage **out, ch_error *err)
{
    *out = ch_stage_find(class_name);
    return *out && (*out)->kind == kind ? 0 : unsupported(err, class_name);
}

/* Params of an operator as the client named it. */
static int operator_params(const ch_stage *stage, const ch_operator *op, ch_param_map **out, ch_error *err)
{
    char uid[80];
    if (!op->uid || !*op->uid) ch_random_uid(stage->uid_prefix, uid, sizeof uid);
    ch_param_map *map = ch_param_map_new(stage, op->uid && *op->uid ? op->uid : uid);
    int status = ch_param_map_set(map, &op->params, err);
    if (status) {
        ch_param_map_release(map);
    } else {
        *out = map;
    }
    return status;
}

/* Schema of a dataset, copied into the arena. */
static int schema_of(ch_ml *ml, ch_arena *arena, const ch_plan *dataset, ch_schema *out, ch_error *err)
{
    ch_query *query;
    CH_TRY(ch_query_open(ml->session, dataset, &query, err));
    *out = ch_schema_copy(arena, ch_query_schema(query));
    ch_query_close(query);
    return 0;
}

static int fit_stage(ch_ml *ml, const ch_stage *stage, ch_fit *fit, ch_ml_value *out, ch_error *err)
{
    ch_fit_result result = {0};
    CH_TRY(stage->fit(fit, &result, err));
    ch_param_map *params = ch_param_map_copy(fit->params, stage->model, fit->uid);
    ch_object *model = ch_object_new(stage->model, fit->uid, params, ch_fitted_new(stage->model, result.data));
    int status = stage->summarize ? stage->summarize(fit, model, err) : 0;
    if (status) {
        ch_object_release(model);
        return status;
    }
    out->kind = CH_ML_OBJECT;
    out->ids = ch_object_cache_add(ml->cache, fit->arena, model);
    out->warning = result.warning;
    return 0;
}

int ch_ml_fit(ch_ml *ml, ch_arena *arena, const ch_operator *estimator, const ch_plan *dataset, ch_task *task,
              ch_ml_value *out, ch_error *err)
{
    *out = (ch_ml_value){0};
    const ch_stage *stage;
    ch_param_map *params;
    ch_fit fit = {.session = ml->session, .arena = arena, .dataset = dataset, .task = task};
    CH_TRY(schema_of(ml, arena, dataset, &fit.schema, err));
    CH_TRY(find_stage(estimator->class_name, CH_STAGE_ESTIMATOR, &stage, err));
    CH_TRY(operator_params(stage, estimator, &params, err));
    fit.params = params;
    fit.uid = ch_param_map_uid(params);
    int status = fit_stage(ml, stage, &fit, out, err);
    ch_param_map_release(params);
    return status;
}

int ch_ml_transformer(ch_ml *ml, const ch_operator *transformer, ch_transform **out, ch_error *err)
{
    const ch_stage *stage;
    ch_param_map *params;
    CH_TRY(find_stage(transformer->class_name, CH_STAGE_TRANSFORMER, &stage, err));
    CH_TRY(operator_params(stage, transformer, &params, err));
    *out = ch_stage_transform(ml->session, stage, params, NULL);
    return 0;
}

int ch_ml_evaluate(ch_ml *ml, ch_arena *arena, const ch_operator *evaluator, const ch_plan *dataset, ch_task *task,
                   ch_ml_value *out, ch_error *err)
{
    *out = (ch_ml_value){0};
    const ch_stage *stage;
    ch_param_map *params;
    ch_evaluation call = {.session = ml->session, .arena = arena, .dataset = dataset, .task = task};
    CH_TRY(schema_of(ml, arena, dataset, &call.schema, err));
    CH_TRY(find_stage(evaluator->class_name, CH_STAGE_EVALUATOR, &stage, err));
    CH_TRY(operator_params(stage, evaluator, &params, err));
    call.params = params;
    double value = 0;
    int status = stage->evaluate(&call, &value, err);
    ch_param_map_release(params);
    out->kind = CH_ML_LITERAL;
    out->literal = ch_lit_double(value);
    return status;
}

/* ---- models ---- */

/* As java.util.UUID.fromString: five groups of hexadecimal digits, 36 characters at most. */
static bool is_key(const char *id)
{
    size_t groups = 1, digits = 0;
    for (const char *c = id; *c; c++) {
        if (isxdigit((unsigned char)*c)) {
            digits++;
        } else if (*c == '-' && digits) {
            groups++;
            digits = 0;
        } else {
            return false;
        }
    }
    return strlen(id) <= 36 && groups == 5 && digits;
}

static int bad_key(ch_error *err, const char *id)
{
    char message[300];
    snprintf(message, sizeof message, "The MLCache key %s is invalid.", id);
    return ch_raise(err, "INTERNAL_ERROR", "message", message, (char *)NULL);
}

static int no_object(ch_error *err, const char *id)
{
    if (!is_key(id)) return bad_key(err, id);
    return ch_raise(err, "CONNECT_ML.CACHE_INVALID", "objectName", id, "evictTimeoutInMinutes", "15", (char *)NULL);
}

int ch_ml_model_transform(ch_ml *ml, const char *id, const ch_params *params, ch_transform **out, ch_error *err)
{
    ch_object *model = ch_object_cache_get(ml->cache, id);
    if (!model) return no_object(err, id);
    int status = 0;
    if (!model->stage->bind || !model->params) {
        status = unsupported(err, model->stage->class_name);
    } else {
        ch_param_map *map = ch_param_map_copy(model->params, NULL, model->uid);
        status = ch_param_map_set(map, params, err);
        if (status) {
            ch_param_map_release(map);
        } else {
            *out = ch_stage_transform(ml->session, model->stage, map, model->fitted);
        }
    }
    ch_object_release(model);
    return status;
}

/* ---- attributes ---- */

static int not_allowed(ch_error *err, const ch_object *object, const char *name)
{
    return ch_raise(err, "CONNECT_ML.ATTRIBUTE_NOT_ALLOWED", "className", object->stage->class_name, "attribute", name,
                    (char *)NULL);
}

static int get_attribute(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    *out = (ch_attr_value){.kind = CH_ATTR_LITERAL};
    for (const ch_attribute *const *table = call->self->stage->attributes; table && *table; table++) {
        for (const ch_attribute *row = *table; row->name; row++) {
            if (strcmp(row->name, call->name) == 0) return row->get(call, out, err);
        }
    }
    return not_allowed(err, call->self, call->name);
}

/* Walks the chain of methods from an object; takes over the reference to it. */
static int walk(ch_ml *ml, ch_arena *arena, ch_object *self, size_t n, const ch_fetch *steps, ch_task *task,
                ch_attr_value *out, ch_error *err)
{
    for (size_t i = 0; i < n; i++) {
        ch_attr_call call = {.session = ml->session,
                             .arena = arena,
                             .self = self,
                             .name = steps[i].method,
                             .narg = steps[i].narg,
                             .args = steps[i].args,
                             .task = task};
        int status = get_attribute(&call, out, err);
        if (!status && i + 1 < n && (out->kind != CH_ATTR_OBJECTS || out->nobject != 1)) {
            status = not_allowed(err, self, steps[i + 1].method);
        }
        ch_object_release(self);
        if (status) return status;
        self = i + 1 < n ? out->objects[0] : NULL;
    }
    ch_object_release(self);
    return n ? 0 : ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "assertion failed: no attribute named");
}

/* The object an id means, and the steps from it: in "id.summary" the part behind the dot is the first step. */
static int resolve_id(ch_ml *ml, ch_arena *arena, const char *id, size_t *n, const ch_fetch **steps, ch_object **out,
                      ch_error *err)
{
    if (strcmp(id, HELPER_ID) == 0) {
        *out = ch_object_retain(ml->helper);
        return 0;
    }
    size_t head = strcspn(id, ".");
    *out = ch_object_cache_get(ml->cache, ch_arena_strndup(arena, id, head));
    if (!*out) return no_object(err, id);
    if (!id[head]) return 0;
    ch_fetch *longer = CH_NEW_ARRAY(arena, ch_fetch, *n + 1);
    longer[0] = (ch_fetch){.method = ch_arena_strdup(arena, id + head + 1)};
    if (*n) memcpy(longer + 1, *steps, *n * sizeof *longer);
    *steps = longer;
    ++*n;
    return 0;
}

/* Objects that came out of a fetch get ids. */
static void register_objects(ch_ml *ml, ch_arena *arena, const ch_attr_value *value, ch_ml_value *out)
{
    ch_buf ids = {0};
    out->kind = value->nobject && value->objects[0]->stage->kind == CH_STAGE_SUMMARY ? CH_ML_SUMMARY : CH_ML_OBJECT;
    for (size_t i = 0; i < value->nobject; i++) {
        if (i) ch_buf_char(&ids, ',');
        ch_buf_str(&ids, ch_object_cache_add(ml->cache, arena, value->objects[i]));
    }
    out->ids = ch_arena_strdup(arena, ch_buf_text(&ids));
    ch_buf_reset(&ids);
}

int ch_ml_fetch(ch_ml *ml, ch_arena *arena, const char *id, size_t n, const ch_fetch *steps, ch_task *task,
                ch_ml_value *out, ch_error *err)
{
    *out = (ch_ml_value){0};
    ch_object *object;
    ch_attr_value value;
    CH_TRY(resolve_id(ml, arena, id, &n, &steps, &object, err));
    CH_TRY(walk(ml, arena, object, n, steps, task, &value, err));
    switch (value.kind) {
    case CH_ATTR_LITERAL:
        out->kind = CH_ML_LITERAL;
        out->literal = value.literal;
        return 0;
    case CH_ATTR_OBJECTS: register_objects(ml, arena, &value, out); return 0;
    case CH_ATTR_PLAN: break;
    }
    return ch_raise(err, "CONNECT_ML.UNSUPPORTED_EXCEPTION", "message",
                    ch_arena_printf(arena, "%s is a DataFrame and must be fetched as a relation", steps[n - 1].method),
                    (char *)NULL);
}

int ch_ml_fetch_relation(ch_ml *ml, ch_arena *arena, const char *id, size_t n, const ch_fetch *steps, ch_task *task,
                         ch_plan **out, ch_error *err)
{
    ch_object *object;
    ch_attr_value value;
    CH_TRY(resolve_id(ml, arena, id, &n, &steps, &object, err));
    CH_TRY(walk(ml, arena, object, n, steps, task, &value, err));
    if (value.kind == CH_ATTR_PLAN) {
        *out = value.plan;
        return 0;
    }
    for (size_t i = 0; value.kind == CH_ATTR_OBJECTS && i < value.nobject; i++) ch_object_release(value.objects[i]);
    return ch_raise(err, "CONNECT_ML.UNSUPPORTED_EXCEPTION", "message",
                    ch_arena_printf(arena, "%s is no DataFrame", steps[n - 1].method), (char *)NULL);
}

/* ---- on disk ---- */

static int write_model(ch_ml *ml, const char *id, const ch_params *params, const char *path, bool overwrite,
                       ch_task *task, ch_error *err)
{
    ch_object *model = ch_object_cache_get(ml->cache, id);
    if (!model) return no_object(err, id);
    int status;
    if (!model->stage->save || !model->params) {
        char message[300];
        snprintf(message, sizeof message, "%s is not writable", ch_stage_name(model->stage));
        status = ch_raise(err, "CONNECT_ML.UNSUPPORTED_EXCEPTION", "message", message, (char *)NULL);
    } else {
        ch_param_map *map = ch_param_map_copy(model->params, NULL, model->uid);
        status = ch_param_map_set(map, params, err);
        if (!status) status = ch_save(ml->session, model->stage, model, map, path, overwrite, task, err);
        ch_param_map_release(map);
    }
    ch_object_release(model);
    return status;
}

int ch_ml_write(ch_ml *ml, const char *id, const ch_operator *op, const ch_params *params, const char *path,
                bool overwrite, ch_task *task, ch_error *err)
{
    if (id) return write_model(ml, id, params, path, overwrite, task, err);
    const ch_stage *stage = ch_stage_find(op->class_name);
    if (!stage || stage->kind == CH_STAGE_MODEL || stage->kind == CH_STAGE_SUMMARY) {
        return unsupported(err, op->class_name);
    }
    ch_param_map *map;
    CH_TRY(operator_params(stage, op, &map, err));
    int status = ch_param_map_set(map, params, err);
    if (!status) status = ch_save(ml->session, stage, NULL, map, path, overwrite, task, err);
    ch_param_map_release(map);
    return status;
}

int ch_ml_read(ch_ml *ml, ch_arena *arena, const char *class_name, const char *path, ch_task *task, ch_ml_value *out,
               ch_error *err)
{
    *out = (ch_ml_value){0};
    const ch_stage *stage = ch_stage_find(class_name);
    if (!stage || stage->kind == CH_STAGE_SUMMARY) {
        return ch_raise(err, "CONNECT_ML.UNSUPPORTED_EXCEPTION", "message",
                        ch_arena_printf(arena, "Unsupported read for %s", class_name), (char *)NULL);
    }
    ch_param_map *params;
    void *data;
    const char *uid;
    CH_TRY(ch_load(ml->session, arena, stage, path, task, &uid, &params, &data, err));
    out->kind = CH_ML_OPERATOR;
    out->op.class_name = stage->class_name;
    out->op.uid = uid;
    out->op.params = ch_param_map_list(params, arena);
    if (stage->kind == CH_STAGE_MODEL) {
        ch_object *model = ch_object_new(stage, uid, params, ch_fitted_new(stage, data));
        out->ids = ch_object_cache_add(ml->cache, arena, model);
    } else {
        ch_param_map_release(params);
    }
    return 0;
}

/* ---- the cache ---- */

int ch_ml_delete(ch_ml *ml, ch_arena *arena, size_t n, const char *const *ids, bool evict_only, const char **deleted,
                 ch_error *err)
{
    ch_buf gone = {0};
    for (size_t i = 0; i < n; i++) {
        if (strchr(ids[i], '.')) continue; /* part of another object */
        if (!is_key(ids[i])) {
            ch_buf_reset(&gone);
            return bad_key(err, ids[i]);
        }
        bool there;
        if (evict_only) {
            ch_object *object = ch_object_cache_get(ml->cache, ids[i]);
            there = object != NULL;
            ch_object_release(object);
        } else {
            there = ch_object_cache_remove(ml->cache, ids[i]);
        }
        if (there) ch_buf_printf(&gone, "%s%s", gone.len ? "," : "", ids[i]);
    }
    *deleted = ch_arena_strdup(arena, ch_buf_text(&gone));
    ch_buf_reset(&gone);
    return 0;
}

size_t ch_ml_clear(ch_ml *ml)
{
    return ch_object_cache_clear(ml->cache);
}

typedef struct info_list {
    ch_arena *arena;
    size_t n, room;
    ch_ml_info *items;
} info_list;

static void add_info(void *context, const char *id, ch_object *object)
{
    info_list *list = context;
    if (list->n == list->room) {
        list->room = list->room ? 2 * list->room : 16;
        list->items = ch_arena_grow(list->arena, list->items, sizeof *list->items, list->n, list->room);
    }
    list->items[list->n++] = (ch_ml_info){.id = ch_arena_strdup(list->arena, id),
                                          .class_name = object->stage->class_name,
                                          .bytes = ch_object_bytes(object)};
}

size_t ch_ml_list(ch_ml *ml, ch_arena *arena, ch_ml_info **out)
{
    info_list list = {.arena = arena};
    ch_object_cache_each(ml->cache, add_info, &list);
    *out = list.items;
    return list.n;
}

int ch_ml_cache_info(ch_ml *ml, ch_arena *arena, ch_literal *out, ch_error *err)
{
    (void)err;
    ch_ml_info *items;
    size_t n = ch_ml_list(ml, arena, &items);
    const char **texts = CH_NEW_ARRAY(arena, const char *, n);
    for (size_t i = 0; i < n; i++) {
        texts[i] = ch_arena_printf(arena, "id: %s, obj: class %s, size: %zu", items[i].id, items[i].class_name,
                                   items[i].bytes);
    }
    *out = ch_lit_texts(arena, texts, n);
    return 0;
}

int ch_ml_model_size(ch_ml *ml, const char *id, ch_literal *out, ch_error *err)
{
    ch_object *object = ch_object_cache_get(ml->cache, id);
    if (!object) return no_object(err, id);
    *out = ch_lit_long((int64_t)ch_object_bytes(object));
    ch_object_release(object);
    return 0;
}

int ch_ml_create_summary(ch_ml *ml, const char *id, const ch_plan *dataset, ch_task *task, bool *created, ch_error *err)
{
    (void)dataset;
    (void)task;
    /* Summaries are never offloaded here, so there is nothing to restore: a model either has its own or never had. */
    ch_object *object = ch_object_cache_get(ml->cache, id);
    if (!object) return no_object(err, id);
    ch_object *summary = ch_object_summary(object);
    int status =
        summary ? 0
                : ch_failf(err, CH_E_SPARK, "No training summary available for this %s", ch_stage_name(object->stage));
    *created = false;
    ch_object_release(summary);
    ch_object_release(object);
    return status;
}
