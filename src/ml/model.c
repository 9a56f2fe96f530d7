/* model.c: objects, their transforms, the cache of ids. */
#include "ml/model.h"

#include "base/map.h"
#include "ml/literal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* ---- fitted states ---- */

static atomic_ulong next_fitted = 1;

ch_fitted *ch_fitted_new(const ch_stage *stage, void *data)
{
    ch_fitted *f = calloc(1, sizeof *f);
    if (!f) abort(); /* a few bytes: no memory left at all */
    atomic_init(&f->refs, 1);
    f->stage = stage;
    f->data = data;
    f->id = atomic_fetch_add(&next_fitted, 1);
    return f;
}

ch_fitted *ch_fitted_retain(ch_fitted *fitted)
{
    atomic_fetch_add(&fitted->refs, 1);
    return fitted;
}

void ch_fitted_release(ch_fitted *fitted)
{
    if (!fitted || atomic_fetch_sub(&fitted->refs, 1) > 1) return;
    if (fitted->stage->free_state) {
        fitted->stage->free_state(fitted->data);
    } else {
        free(fitted->data);
    }
    free(fitted);
}

static void release_fitted(void *fitted)
{
    ch_fitted_release(fitted);
}

ch_fitted *ch_fitted_hold(ch_arena *arena, ch_fitted *fitted)
{
    ch_arena_defer(arena, release_fitted, ch_fitted_retain(fitted));
    return fitted;
}

/* ---- objects ---- */

/* 16 random bytes as 32 hex digits; from the clock if the system has no randomness to give. */
static void random_hex(char out[33])
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes) {
        static atomic_ulong counter;
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        unsigned long parts[2] = {(unsigned long)now.tv_nsec ^ (unsigned long)now.tv_sec << 30,
                                  atomic_fetch_add(&counter, 1)};
        memcpy(bytes, parts, sizeof bytes);
    }
    for (size_t i = 0; i < 16; i++) snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

void ch_random_uid(const char *prefix, char *out, size_t size)
{
    char hex[33];
    random_hex(hex);
    snprintf(out, size, "%s_%.12s", prefix, hex);
}

ch_object *ch_object_new(const ch_stage *stage, const char *uid, ch_param_map *params, ch_fitted *fitted)
{
    ch_object *o = calloc(1, sizeof *o);
    char *copy = strdup(uid);
    if (!o || !copy) abort();
    atomic_init(&o->refs, 1);
    o->stage = stage;
    o->uid = copy;
    o->params = params;
    o->fitted = fitted;
    pthread_mutex_init(&o->lock, NULL);
    return o;
}

ch_object *ch_object_retain(ch_object *object)
{
    atomic_fetch_add(&object->refs, 1);
    return object;
}

void ch_object_release(ch_object *object)
{
    if (!object || atomic_fetch_sub(&object->refs, 1) > 1) return;
    ch_object_release(object->summary);
    ch_param_map_release(object->params);
    ch_fitted_release(object->fitted);
    pthread_mutex_destroy(&object->lock);
    free(object->uid);
    free(object);
}

size_t ch_object_bytes(const ch_object *object)
{
    size_t bytes = sizeof *object + (object->params ? ch_param_map_bytes(object->params) : 0);
    if (object->fitted && object->stage->bytes) bytes += object->stage->bytes(object->fitted->data);
    return bytes;
}

void ch_object_print(const ch_object *object, ch_buf *out)
{
    if (object->stage->print) {
        object->stage->print(object, out);
    } else {
        ch_buf_str(out, object->uid);
    }
}

ch_object *ch_object_summary(ch_object *object)
{
    pthread_mutex_lock(&object->lock);
    ch_object *summary = object->summary ? ch_object_retain(object->summary) : NULL;
    pthread_mutex_unlock(&object->lock);
    return summary;
}

void ch_object_set_summary(ch_object *object, ch_object *summary)
{
    pthread_mutex_lock(&object->lock);
    ch_object *old = object->summary;
    object->summary = summary;
    pthread_mutex_unlock(&object->lock);
    ch_object_release(old);
}

/* ---- attributes of everything ---- */

static int get_to_string(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    ch_buf text = {0};
    ch_object_print(call->self, &text);
    out->literal = ch_lit_text(call->arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return 0;
}

const ch_attribute ch_attributes_identifiable[] = {{"toString", get_to_string}, {NULL, NULL}};

static int get_has_summary(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    (void)err;
    ch_object *summary = ch_object_summary(call->self);
    out->literal = ch_lit_bool(summary != NULL);
    ch_object_release(summary);
    return 0;
}

static int get_summary(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    ch_object *summary = ch_object_summary(call->self);
    if (!summary) {
        return ch_failf(err, CH_E_SPARK, "No training summary available for this %s", ch_stage_name(call->self->stage));
    }
    out->kind = CH_ATTR_OBJECTS;
    out->nobject = 1;
    out->objects = CH_NEW(call->arena, ch_object *);
    out->objects[0] = summary;
    return 0;
}

const ch_attribute ch_attributes_summary[] = {{"hasSummary", get_has_summary}, {"summary", get_summary}, {NULL, NULL}};

/* ---- transforms ---- */

typedef struct stage_transform {
    ch_transform base; /* first: the frame layer holds a pointer to it */
    ch_session *session;
    const ch_stage *stage;
    ch_param_map *params;
    ch_fitted *fitted;
    char *identity;
} stage_transform;

static int bind_stage(ch_transform *self, ch_arena *arena, const ch_schema *in, const ch_plan *input_plan,
                      ch_binding *out, ch_error *err)
{
    stage_transform *t = (stage_transform *)self;
    ch_bind bind = {
        .session = t->session, .arena = arena, .params = t->params, .fitted = t->fitted, .in = in, .input = input_plan};
    *out = (ch_binding){0};
    return t->stage->bind(&bind, out, err);
}

static void free_stage_transform(ch_transform *self)
{
    stage_transform *t = (stage_transform *)self;
    ch_param_map_release(t->params);
    ch_fitted_release(t->fitted);
    if (t->session) ch_session_release(t->session);
    free(t->identity);
    free(t);
}

ch_transform *ch_stage_transform(ch_session *session, const ch_stage *stage, ch_param_map *params, ch_fitted *fitted)
{
    stage_transform *t = calloc(1, sizeof *t);
    if (!t) abort();
    ch_buf identity = {0};
    ch_buf_printf(&identity, "%s %lu ", stage->class_name, fitted ? fitted->id : 0);
    ch_param_map_json(params, false, &identity);
    ch_param_map_json(params, true, &identity);
    t->identity = identity.data; /* the buffer's memory, handed over */
    t->base.name = ch_stage_name(stage);
    t->base.bind = bind_stage;
    t->base.identity = t->identity;
    t->base.free = free_stage_transform;
    atomic_init(&t->base.refs, 1);
    t->session = session ? ch_session_retain(session) : NULL;
    t->stage = stage;
    t->params = params;
    t->fitted = fitted ? ch_fitted_retain(fitted) : NULL;
    return &t->base;
}

ch_plan *ch_stage_plan(ch_arena *arena, ch_session *session, const ch_stage *stage, ch_param_map *params,
                       ch_fitted *fitted, const ch_plan *input)
{
    ch_transform *transform = ch_stage_transform(session, stage, params, fitted);
    ch_plan *plan = ch_plan_new(arena, CH_PLAN_TRANSFORM, (ch_plan *)(uintptr_t)input);
    plan->u.transform = ch_transform_hold(arena, transform);
    ch_transform_release(transform);
    return plan;
}

/* ---- the cache ---- */

struct ch_object_cache {
    pthread_mutex_t lock;
    ch_map *objects;
};

ch_object_cache *ch_object_cache_new(void)
{
    ch_object_cache *cache = calloc(1, sizeof *cache);
    if (!cache) abort();
    pthread_mutex_init(&cache->lock, NULL);
    cache->objects = ch_map_new();
    return cache;
}

static void release_object(void *object)
{
    ch_object_release(object);
}

void ch_object_cache_free(ch_object_cache *cache)
{
    if (!cache) return;
    ch_map_free(cache->objects, release_object);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

const char *ch_object_cache_add(ch_object_cache *cache, ch_arena *arena, ch_object *object)
{
    char hex[33];
    random_hex(hex);
    const char *id = ch_arena_printf(arena, "%.8s-%.4s-4%.3s-a%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
    pthread_mutex_lock(&cache->lock);
    ch_map_put(cache->objects, id, object);
    pthread_mutex_unlock(&cache->lock);
    return id;
}

ch_object *ch_object_cache_get(ch_object_cache *cache, const char *id)
{
    pthread_mutex_lock(&cache->lock);
    ch_object *object = ch_map_get(cache->objects, id);
    if (object) ch_object_retain(object);
    pthread_mutex_unlock(&cache->lock);
    return object;
}

bool ch_object_cache_remove(ch_object_cache *cache, const char *id)
{
    pthread_mutex_lock(&cache->lock);
    ch_object *object = ch_map_remove(cache->objects, id);
    pthread_mutex_unlock(&cache->lock);
    ch_object_release(object);
    return object != NULL;
}

size_t ch_object_cache_clear(ch_object_cache *cache)
{
    ch_map *fresh = ch_map_new();
    pthread_mutex_lock(&cache->lock);
    ch_map *old = cache->objects;
    cache->objects = fresh;
    pthread_mutex_unlock(&cache->lock);
    size_t n = ch_map_size(old);
    ch_map_free(old, release_object);
    return n;
}

void ch_object_cache_each(ch_object_cache *cache, void (*visit)(void *context, const char *id, ch_object *object),
                          void *context)
{
    pthread_mutex_lock(&cache->lock);
    size_t at = 0;
    const char *id;
    void *object;
    while (ch_map_next(cache->objects, &at, &id, &object)) visit(context, id, object);
    pthread_mutex_unlock(&cache->lock);
}
