/* models.c: the table of loaded models. */
#include "serve/models.h"

#include "base/log.h"
#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FAILURE_SECONDS = 2 };

typedef struct entry {
    ch_served *model; /* NULL: being loaded, or failed */
    bool loading;
    time_t failed; /* when; 0: it did not */
    ch_error *error;
    uint64_t used; /* the table's clock at the last use */
} entry;

struct ch_models {
    ch_engine *engine;
    size_t most, loaded;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t done;  /* some load has ended */
    ch_map *entries;
    uint64_t clock;
};

static time_t seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1; /* never 0 */
}

ch_models *ch_models_new(ch_engine *engine, size_t most)
{
    ch_models *m = calloc(1, sizeof *m);
    if (!m) abort(); /* as any arena does */
    m->engine = engine;
    m->most = most ? most : 1;
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->done, NULL);
    m->entries = ch_map_new();
    return m;
}

static void free_entry(void *value)
{
    entry *e = value;
    ch_served_release(e->model);
    free(e->error);
    free(e);
}

void ch_models_free(ch_models *models)
{
    if (!models) return;
    ch_map_free(models->entries, free_entry);
    pthread_cond_destroy(&models->done);
    pthread_mutex_destroy(&models->lock);
    free(models);
}

static ch_served *use(ch_models *m, entry *e)
{
    e->used = ++m->clock;
    return ch_served_retain(e->model);
}

ch_served *ch_models_find(ch_models *models, const char *key)
{
    pthread_mutex_lock(&models->lock);
    entry *e = ch_map_get(models->entries, key);
    ch_served *found = e && e->model ? use(models, e) : NULL;
    pthread_mutex_unlock(&models->lock);
    return found;
}

static void remove_entry(ch_models *m, const char *key)
{
    entry *e = ch_map_remove(m->entries, key);
    if (!e) return;
    m->loaded -= e->model != NULL;
    free_entry(e);
}

/* Failures that are over are forgotten. */
static void remove_failures(ch_models *m)
{
    size_t at = 0;
    const char *key;
    void *value;
    while (ch_map_next(m->entries, &at, &key, &value)) {
        const entry *e = value;
        if (!e->model && !e->loading && seconds() - e->failed >= FAILURE_SECONDS) remove_entry(m, key);
    }
}

/* Makes room for one more model: those that were not used for longest go. */
static void make_room(ch_models *m)
{
    while (m->loaded >= m->most) {
        const char *key, *oldest = NULL;
        void *value;
        uint64_t used = UINT64_MAX;
        for (size_t at = 0; ch_map_next(m->entries, &at, &key, &value);) {
            const entry *e = value;
            if (!e->model || e->used >= used) continue;
            used = e->used;
            oldest = key;
        }
        remove_entry(m, oldest);
    }
}

/* Loads outside of the lock; the entry is there all the while, since entries being loaded are never removed. */
static int load(ch_models *m, const ch_model_source *source, entry *e, ch_served **out, ch_error *err)
{
    e->loading = true;
    pthread_mutex_unlock(&m->lock);
    ch_served *model = NULL;
    int status = ch_served_load(m->engine, source->path, source->name, source->version, &model, err);
    ch_error *copy = status ? malloc(sizeof *copy) : NULL;
    if (copy) *copy = *err;
    pthread_mutex_lock(&m->lock);
    if (!status) make_room(m);
    e->loading = false;
    free(e->error);
    e->error = copy;
    e->failed = status ? seconds() : 0;
    e->model = model;
    m->loaded += model != NULL;
    if (model) *out = use(m, e);
    pthread_cond_broadcast(&m->done);
    if (status) ch_log(CH_LOG_WARN, "serve: %s: %s", source->path, err->message);
    return status;
}

int ch_models_get(ch_models *models, const ch_model_source *source, ch_served **out, ch_error *err)
{
    int status = 0;
    pthread_mutex_lock(&models->lock);
    for (bool ready = false; !ready;) {
        entry *e = ch_map_get(models->entries, source->key);
        if (!e) {
            remove_failures(models);
            e = calloc(1, sizeof *e);
            if (!e) abort();
            ch_map_put(models->entries, source->key, e);
        }
        if (e->loading) {
            pthread_cond_wait(&models->done, &models->lock); /* the entry may be another one afterwards */
            continue;
        }
        ready = true;
        if (e->model) {
            *out = use(models, e);
        } else if (e->error && seconds() - e->failed < FAILURE_SECONDS) {
            *err = *e->error;
            status = (int)err->kind;
        } else {
            status = load(models, source, e, out, err);
        }
    }
    pthread_mutex_unlock(&models->lock);
    return status;
}

bool ch_models_drop(ch_models *models, const char *key)
{
    pthread_mutex_lock(&models->lock);
    const entry *e = ch_map_get(models->entries, key);
    bool loaded = e && e->model;
    if (loaded) remove_entry(models, key);
    pthread_mutex_unlock(&models->lock);
    return loaded;
}

void ch_models_each(ch_models *models, void (*visit)(void *context, const char *key, const ch_served *model),
                    void *context)
{
    size_t at = 0;
    const char *key;
    void *value;
    pthread_mutex_lock(&models->lock);
    while (ch_map_next(models->entries, &at, &key, &value)) {
        const entry *e = value;
        if (e->model) visit(context, key, e->model);
    }
    pthread_mutex_unlock(&models->lock);
}

size_t ch_models_count(ch_models *models)
{
    pthread_mutex_lock(&models->lock);
    size_t n = models->loaded;
    pthread_mutex_unlock(&models->lock);
    return n;
}
