/* saved.c: walking the folders of saved pipelines. */
#include "ml/saved.h"

#include <string.h>

enum {
    DEPTH_MAX = 20,      /* of pipelines inside pipelines */
    FOLDERS_MAX = 10000, /* in all: links that lead back up are not followed for ever */
};

/* Classes whose folders hold other folders, and where. */
static const struct {
    const char *class_name;
    const char *best; /* the one folder below, NULL: stages/<i>_<uid> */
} NESTED[] = {
    {"org.apache.spark.ml.PipelineModel", NULL},
    {"pyspark.ml.pipeline.PipelineModel", NULL},
    {"org.apache.spark.ml.tuning.CrossValidatorModel", "bestModel"},
    {"pyspark.ml.tuning.CrossValidatorModel", "bestModel"},
    {"org.apache.spark.ml.tuning.TrainValidationSplitModel", "bestModel"},
    {"pyspark.ml.tuning.TrainValidationSplitModel", "bestModel"},
};

static int digits(size_t n)
{
    int d = 1;
    while (n >= 10) n /= 10, d++;
    return d;
}

const char *ch_saved_stage_path(ch_arena *arena, const char *path, size_t i, size_t n, const char *uid)
{
    return ch_arena_printf(arena, "%s/stages/%0*zu_%s", path, digits(n), i, uid);
}

static int read_stages(ch_arena *arena, const char *path, const ch_metadata *metadata, ch_saved *out, ch_error *err)
{
    const json_t *uids = json_object_get(json_object_get(metadata->json, "paramMap"), "stageUids");
    if (!json_is_array(uids)) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s/metadata has no list of stages", path);
    out->n = json_array_size(uids);
    out->paths = CH_NEW_ARRAY(arena, const char *, out->n);
    for (size_t i = 0; i < out->n; i++) {
        const char *uid = json_string_value(json_array_get(uids, i));
        if (!uid || strchr(uid, '/'))
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s/metadata: stage %zu has no proper uid", path, i);
        out->paths[i] = ch_saved_stage_path(arena, path, i, out->n, uid);
    }
    return 0;
}

int ch_saved_read(ch_arena *arena, const char *path, ch_saved *out, ch_error *err)
{
    ch_metadata metadata;
    CH_TRY(ch_metadata_read(arena, path, &metadata, err));
    *out = (ch_saved){.class_name = ch_arena_strdup(arena, metadata.class_name),
                      .uid = ch_arena_strdup(arena, metadata.uid)};
    int status = 0;
    for (size_t i = 0; i < sizeof NESTED / sizeof *NESTED; i++) {
        if (strcmp(NESTED[i].class_name, metadata.class_name)) continue;
        out->nested = true;
        if (NESTED[i].best) {
            out->n = 1;
            out->paths = CH_NEW(arena, const char *);
            out->paths[0] = ch_arena_printf(arena, "%s/%s", path, NESTED[i].best);
        } else {
            status = read_stages(arena, path, &metadata, out, err);
        }
    }
    ch_metadata_reset(&metadata);
    return status;
}

typedef struct loading {
    ch_session *session;
    ch_arena *arena;
    size_t n, room, folders;
    ch_saved_stage *stages;
} loading;

static int load_leaf(loading *l, const char *path, const char *class_name, ch_error *err)
{
    const ch_stage *stage = ch_stage_find(class_name);
    if (!stage)
        return ch_raise(err, "CONNECT_ML.UNSUPPORTED_EXCEPTION", "message",
                        ch_arena_printf(l->arena, "Unsupported read for %s", class_name), (char *)NULL);
    if (stage->kind != CH_STAGE_MODEL && stage->kind != CH_STAGE_TRANSFORMER)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s holds a %s, which is no model", path, class_name);
    const char *uid;
    ch_param_map *params;
    void *data;
    CH_TRY(ch_load(l->session, l->arena, stage, path, NULL, &uid, &params, &data, err));
    if (l->n == l->room) {
        l->room = l->room ? 2 * l->room : 16;
        l->stages = ch_arena_grow(l->arena, l->stages, sizeof *l->stages, l->n, l->room);
    }
    ch_fitted *fitted = stage->kind == CH_STAGE_MODEL ? ch_fitted_new(stage, data) : NULL;
    ch_transform *transform = ch_stage_transform(NULL, stage, params, fitted);
    ch_fitted_release(fitted); /* the transform has it, and the params */
    l->stages[l->n++] = (ch_saved_stage){
        .stage = stage, .params = params, .fitted = fitted, .transform = ch_transform_hold(l->arena, transform)};
    ch_transform_release(transform);
    return 0;
}

static int load(loading *l, const char *path, int depth, ch_error *err)
{
    ch_saved saved;
    if (depth > DEPTH_MAX) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s: pipelines nested too deeply", path);
    if (++l->folders > FOLDERS_MAX) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s: too many stages", path);
    CH_TRY(ch_saved_read(l->arena, path, &saved, err));
    if (!saved.nested) return load_leaf(l, path, saved.class_name, err);
    for (size_t i = 0; i < saved.n; i++) CH_TRY(load(l, saved.paths[i], depth + 1, err));
    return 0;
}

int ch_saved_load(ch_session *session, ch_arena *arena, const char *path, size_t *n, ch_saved_stage **out,
                  ch_error *err)
{
    loading l = {.session = session, .arena = arena};
    CH_TRY(load(&l, path, 0, err));
    *n = l.n;
    *out = l.stages;
    return 0;
}
