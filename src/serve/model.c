/* model.c: loading models, and scorers by the types of their inputs. */
#include "serve/model.h"

#include "ml/model.h"
#include "ml/saved.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SCORERS_MOST = 16 }; /* kept; requests of yet other types get one of their own */

typedef struct cached_scorer {
    char *key;
    bool lean;
    ch_scorer *scorer;
    size_t prediction;
} cached_scorer;

struct ch_served {
    atomic_int refs;
    ch_arena *arena; /* of all below; holds the stages */
    const char *name, *version, *path;
    ch_mlmodel mlmodel;
    size_t nstage, ninput;
    ch_transform **stages;
    ch_transform **lean; /* the same without columns that nobody looks at when only the prediction is asked for */
    ch_wanted_input *inputs;
    const char *prediction; /* name of the answer's column when none is called prediction */
    pthread_mutex_t lock;   /* guards the two below */
    size_t nscorer;
    cached_scorer scorers[SCORERS_MOST];
};

/* Params that name a stage's input columns, and those that name its output columns, in all stages. */
static const char *const INPUT_PARAMS[] = {"inputCol", "inputCols", "featuresCol"};
static const char *const OUTPUT_PARAMS[] = {"outputCol",      "outputCols",  "predictionCol", "rawPredictionCol",
                                            "probabilityCol", "varianceCol", "leafCol"};
/* Those of them that a stage leaves out when they have no name. */
static const char *const EXTRA_PARAMS[] = {"rawPredictionCol", "probabilityCol"};

/* ---- what the stages want ---- */

typedef struct name_list {
    ch_arena *arena;
    size_t n, room;
    const char **names;
} name_list;

static bool has_name(const name_list *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcasecmp(list->names[i], name) == 0) return true;
    return false;
}

static void add_name(name_list *list, const char *name)
{
    if (list->n == list->room) {
        list->room = list->room ? 2 * list->room : 16;
        list->names = ch_arena_grow(list->arena, list->names, sizeof *list->names, list->n, list->room);
    }
    list->names[list->n++] = name;
}

/* The columns that a param names: one, or a list. */
static void add_param(name_list *list, const ch_param_map *params, const char *param, const name_list *except)
{
    const char *single;
    const char *const *names = &single;
    size_t n = 0;
    if (!ch_param_exists(params, param)) return;
    size_t len = strlen(param);
    if (param[len - 1] == 's') {
        names = ch_param_texts(params, param, &n);
    } else {
        single = ch_param_column(params, param);
        n = single != NULL;
    }
    for (size_t i = 0; i < n; i++)
        if (!except || !has_name(except, names[i])) add_name(list, names[i]);
}

static void find_inputs(ch_served *m, const ch_saved_stage *stages)
{
    name_list made = {.arena = m->arena}, wanted = {.arena = m->arena};
    for (size_t i = 0; i < m->nstage; i++) {
        name_list own = {.arena = m->arena};
        for (size_t k = 0; k < sizeof INPUT_PARAMS / sizeof *INPUT_PARAMS; k++)
            add_param(&own, stages[i].params, INPUT_PARAMS[k], &made);
        for (size_t k = 0; k < own.n; k++)
            if (!has_name(&wanted, own.names[k])) add_name(&wanted, own.names[k]);
        for (size_t k = 0; k < sizeof OUTPUT_PARAMS / sizeof *OUTPUT_PARAMS; k++)
            add_param(&made, stages[i].params, OUTPUT_PARAMS[k], NULL);
    }
    m->ninput = wanted.n;
    m->inputs = CH_NEW_ARRAY(m->arena, ch_wanted_input, wanted.n);
    for (size_t i = 0; i < wanted.n; i++) {
        m->inputs[i] = (ch_wanted_input){wanted.names[i], SIZE_MAX};
        for (size_t k = 0; k < m->mlmodel.ninput; k++)
            if (strcasecmp(m->mlmodel.inputs[k].name, wanted.names[i]) == 0) m->inputs[i].signed_as = k;
    }
}

/* mlflow takes the column "prediction", and makes a last stage with an outputCol call it so. */
static void find_prediction(ch_served *m, const ch_saved_stage *stages)
{
    m->prediction = "prediction";
    if (!m->nstage) return;
    const ch_param_map *last = stages[m->nstage - 1].params;
    static const char *const ANSWERS[] = {"predictionCol", "outputCol", "outputCols"};
    for (size_t i = 0; i < sizeof ANSWERS / sizeof *ANSWERS; i++) {
        name_list list = {.arena = m->arena};
        add_param(&list, last, ANSWERS[i], NULL);
        if (!list.n) continue;
        m->prediction = list.names[list.n - 1];
        return;
    }
}

/* ---- stages that do no more than needed ---- */

static bool is_wanted_later(const ch_served *m, const ch_saved_stage *stages, size_t from, const char *column)
{
    name_list wanted = {.arena = m->arena};
    for (size_t i = from; i < m->nstage; i++)
        for (size_t k = 0; k < sizeof INPUT_PARAMS / sizeof *INPUT_PARAMS; k++)
            add_param(&wanted, stages[i].params, INPUT_PARAMS[k], NULL);
    return has_name(&wanted, column) || strcasecmp(column, m->prediction) == 0 || strcasecmp(column, "prediction") == 0;
}

/* The stage with the names of its unneeded columns empty, or as it is. */
static ch_transform *make_lean(const ch_served *m, const ch_saved_stage *stages, size_t i)
{
    ch_param_map *params = NULL;
    for (size_t k = 0; k < sizeof EXTRA_PARAMS / sizeof *EXTRA_PARAMS; k++) {
        bool has = ch_param_exists(stages[i].params, EXTRA_PARAMS[k]);
        const char *column = has ? ch_param_column(stages[i].params, EXTRA_PARAMS[k]) : NULL;
        if (!column || is_wanted_later(m, stages, i + 1, column)) continue;
        if (!params) params = ch_param_map_copy(stages[i].params, NULL, ch_param_map_uid(stages[i].params));
        ch_param_set_text(params, EXTRA_PARAMS[k], "");
    }
    if (!params) return stages[i].transform;
    ch_transform *lean = ch_stage_transform(NULL, stages[i].stage, params, stages[i].fitted);
    ch_transform_hold(m->arena, lean);
    ch_transform_release(lean);
    return lean;
}

/* ---- loading ---- */

static int check_signature(const ch_served *m, ch_error *err)
{
    for (size_t i = 0; m->mlmodel.signature && i < m->ninput; i++) {
        if (m->inputs[i].signed_as == SIZE_MAX)
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The model at %s wants a column '%s' that its signature lacks",
                            m->path, m->inputs[i].name);
        const ch_input *input = &m->mlmodel.inputs[m->inputs[i].signed_as];
        if (input->type == CH_INPUT_OTHER)
            return ch_failf(err, CH_E_UNSUPPORTED,
                            "The model at %s wants the column '%s' as %s, which is not supported", m->path, input->name,
                            input->type_name);
    }
    return 0;
}

static int load_stages(ch_served *m, ch_engine *engine, ch_saved_stage **stages, ch_error *err)
{
    ch_session *session;
    CH_TRY(ch_session_open(engine, &session, err));
    int status = ch_saved_load(session, m->arena, m->mlmodel.spark, &m->nstage, stages, err);
    ch_session_release(session);
    return status;
}

static int load(ch_served *m, ch_engine *engine, ch_error *err)
{
    CH_TRY(ch_mlmodel_read(m->arena, m->path, &m->mlmodel, err));
    ch_engine *own = NULL;
    ch_engine_options options = {.threads = 1};
    ch_saved_stage *stages;
    if (!engine) CH_TRY(ch_engine_open(&options, &own, err));
    int status = load_stages(m, engine ? engine : own, &stages, err);
    if (own) ch_engine_close(own);
    if (status) return status;
    m->stages = CH_NEW_ARRAY(m->arena, ch_transform *, m->nstage);
    for (size_t i = 0; i < m->nstage; i++) m->stages[i] = stages[i].transform;
    find_inputs(m, stages);
    find_prediction(m, stages);
    m->lean = CH_NEW_ARRAY(m->arena, ch_transform *, m->nstage);
    for (size_t i = 0; i < m->nstage; i++) m->lean[i] = make_lean(m, stages, i);
    return check_signature(m, err);
}

int ch_served_load(ch_engine *engine, const char *path, const char *name, const char *version, ch_served **out,
                   ch_error *err)
{
    ch_arena *arena = ch_arena_new();
    ch_served *m = CH_NEW(arena, ch_served);
    m->arena = arena;
    atomic_init(&m->refs, 1);
    pthread_mutex_init(&m->lock, NULL);
    m->path = ch_arena_strdup(arena, path);
    m->name = ch_arena_strdup(arena, name);
    m->version = ch_arena_strdup(arena, version);
    int status = load(m, engine, err);
    if (status)
        ch_served_release(m);
    else
        *out = m;
    return status;
}

ch_served *ch_served_retain(ch_served *model)
{
    atomic_fetch_add(&model->refs, 1);
    return model;
}

void ch_served_release(ch_served *model)
{
    if (!model || atomic_fetch_sub(&model->refs, 1) > 1) return;
    for (size_t i = 0; i < model->nscorer; i++) {
        free(model->scorers[i].key);
        ch_scorer_free(model->scorers[i].scorer);
    }
    pthread_mutex_destroy(&model->lock);
    ch_arena_free(model->arena);
}

const char *ch_served_name(const ch_served *model)
{
    return model->name;
}

const char *ch_served_version(const ch_served *model)
{
    return model->version;
}

const char *ch_served_path(const ch_served *model)
{
    return model->path;
}

const ch_mlmodel *ch_served_mlmodel(const ch_served *model)
{
    return &model->mlmodel;
}

const ch_wanted_input *ch_served_inputs(const ch_served *model, size_t *n)
{
    *n = model->ninput;
    return model->inputs;
}

/* ---- scorers ---- */

static bool find_scorer(ch_served *m, const char *key, bool lean, ch_prepared *out)
{
    bool found = false;
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; !found && i < m->nscorer; i++) {
        found = m->scorers[i].lean == lean && strcmp(m->scorers[i].key, key) == 0;
        if (found) *out = (ch_prepared){.scorer = m->scorers[i].scorer, .prediction = m->scorers[i].prediction};
    }
    pthread_mutex_unlock(&m->lock);
    return found;
}

/* Keeps a new scorer, unless there are enough: then it is the request's own. */
static void keep_scorer(ch_served *m, const char *key, bool lean, ch_prepared *prepared)
{
    char *copy = strdup(key);
    prepared->own = true;
    pthread_mutex_lock(&m->lock);
    if (copy && m->nscorer < SCORERS_MOST) {
        m->scorers[m->nscorer++] = (cached_scorer){copy, lean, prepared->scorer, prepared->prediction};
        copy = NULL;
        prepared->own = false;
    }
    pthread_mutex_unlock(&m->lock);
    free(copy);
}

int ch_served_prepare(ch_served *model, const char *key, const ch_field *fields, bool lean, ch_prepared *out,
                      ch_error *err)
{
    if (find_scorer(model, key, lean, out)) return 0;
    ch_schema schema = {.n = model->ninput, .fields = (ch_field *)(uintptr_t)fields};
    CH_TRY(ch_scorer_new(lean ? model->lean : model->stages, model->nstage, &schema, &out->scorer, err));
    out->prediction = ch_scorer_find(out->scorer, "prediction", strlen("prediction"));
    if (out->prediction == SIZE_MAX)
        out->prediction = ch_scorer_find(out->scorer, model->prediction, strlen(model->prediction));
    if (out->prediction == SIZE_MAX || out->prediction < model->ninput) {
        ch_scorer_free(out->scorer);
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The model at %s gives no column of predictions", model->path);
    }
    keep_scorer(model, key, lean, out);
    return 0;
}

void ch_served_done(ch_prepared *prepared)
{
    if (prepared->own) ch_scorer_free(prepared->scorer);
}
