/* save.c: models and pipelines on disk. A pipeline model is a folder with metadata/ and stages/<i>_<uid>/, as
 * org.apache.spark.ml.Pipeline.SharedReadWrite lays it out; the stages are written by ml. */
#include "api/api_internal.h"
#include "ml/saved.h"
#include "ml/stage.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define PIPELINE_MODEL "org.apache.spark.ml.PipelineModel"
enum { DEPTH_MAX = 20 };

static int make_folder(const char *path, ch_error *err)
{
    if (!mkdir(path, 0777) || errno == EEXIST) return 0;
    return ch_failf(err, CH_E_IO, "Cannot create %s: %s", path, strerror(errno));
}

static int write_file(const char *path, const char *text, ch_error *err)
{
    FILE *f = fopen(path, "we");
    if (!f) return ch_failf(err, CH_E_IO, "Cannot write %s: %s", path, strerror(errno));
    int failed = fputs(text, f) < 0;
    failed |= fclose(f) != 0;
    return failed ? ch_failf(err, CH_E_IO, "Cannot write %s: %s", path, strerror(errno)) : 0;
}

/* {"class":...,"paramMap":{"stageUids":[...]}} */
static int write_pipeline_metadata(const chert_model *model, ch_arena *arena, const char *path, ch_error *err)
{
    ch_buf json = {0};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    ch_buf_printf(&json, "{\"class\":\"%s\",\"timestamp\":%lld,\"sparkVersion\":\"%s\",\"uid\":", PIPELINE_MODEL,
                  (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, CH_SPARK_VERSION);
    ch_buf_json_string(&json, model->uid);
    ch_buf_str(&json, ",\"paramMap\":{\"stageUids\":[");
    for (size_t i = 0; i < model->n; i++) {
        ch_buf_str(&json, i ? "," : "");
        ch_buf_json_string(&json, model->stages[i]->uid);
    }
    ch_buf_str(&json, "]},\"defaultParamMap\":{}}\n");
    int status = make_folder(ch_arena_printf(arena, "%s/metadata", path), err);
    if (!status) status = write_file(ch_arena_printf(arena, "%s/metadata/part-00000", path), ch_buf_text(&json), err);
    if (!status) status = write_file(ch_arena_printf(arena, "%s/metadata/_SUCCESS", path), "", err);
    ch_buf_reset(&json);
    return status;
}

static int save_into(const chert_model *model, ch_arena *arena, const char *path, ch_error *err)
{
    ch_operator op;
    if (!model->pipeline) {
        op = api_operator(model->params, arena);
        return ch_ml_write(model->context->ml, model->id, model->id ? NULL : &op, &op.params, path, false, NULL, err);
    }
    CH_TRY(make_folder(path, err));
    CH_TRY(write_pipeline_metadata(model, arena, path, err));
    CH_TRY(make_folder(ch_arena_printf(arena, "%s/stages", path), err));
    for (size_t i = 0; i < model->n; i++)
        CH_TRY(save_into(model->stages[i], arena, ch_saved_stage_path(arena, path, i, model->n, model->stages[i]->uid),
                         err));
    return 0;
}

/* A pipeline is written beside its target and renamed at the end; single models ml writes the same way. */
int api_save(const chert_model *model, const char *path, bool overwrite, ch_error *err)
{
    ch_arena *arena = ch_arena_new();
    int status;
    if (!model->pipeline) {
        ch_operator op = api_operator(model->params, arena);
        status =
            ch_ml_write(model->context->ml, model->id, model->id ? NULL : &op, &op.params, path, overwrite, NULL, err);
    } else {
        struct stat st;
        char unique[80];
        size_t len = strlen(path);
        while (len > 1 && path[len - 1] == '/') len--;
        const char *target = ch_arena_strndup(arena, path, len);
        ch_random_uid("tmp", unique, sizeof unique);
        const char *slash = strrchr(target, '/');
        const char *temporary = slash ? ch_arena_printf(arena, "%.*s/.%s", (int)(slash - target), target, unique)
                                      : ch_arena_printf(arena, ".%s", unique);
        status = !overwrite && !stat(target, &st) ? ch_handle_overwrite(target, false, err) : 0;
        if (!status) status = save_into(model, arena, temporary, err);
        if (!status) status = ch_handle_overwrite(target, overwrite, err);
        if (!status && rename(temporary, target))
            status = ch_failf(err, CH_E_IO, "Cannot rename %s to %s: %s", temporary, target, strerror(errno));
        if (status) {
            ch_error ignored; /* what went wrong first is what the caller hears */
            (void)ch_handle_overwrite(temporary, true, &ignored);
        }
    }
    ch_arena_free(arena);
    return status;
}

static int load_leaf(chert_context *context, ch_arena *arena, const ch_saved *saved, const char *path,
                     chert_model **out, ch_error *err)
{
    ch_ml_value value;
    CH_TRY(ch_ml_read(context->ml, arena, saved->class_name, path, NULL, &value, err));
    const ch_stage *stage = ch_stage_find(saved->class_name);
    if (!stage || (stage->kind != CH_STAGE_MODEL && stage->kind != CH_STAGE_TRANSFORMER))
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s holds a %s, which is no model", path, saved->class_name);
    chert_model *model = api_model_new(context, value.op.uid);
    if (!model) return ch_no_memory(err);
    model->id = value.ids ? strdup(value.ids) : NULL;
    model->params = ch_param_map_new(stage, value.op.uid);
    int status = ch_param_map_set(model->params, &value.op.params, err);
    if (status)
        chert_model_free(model);
    else
        *out = model;
    return status;
}

static int load_nested(chert_context *context, const ch_saved *saved, int depth, chert_model **out, ch_error *err)
{
    chert_model *model = api_model_new(context, saved->uid);
    if (!model) return ch_no_memory(err);
    model->pipeline = true;
    model->stages = calloc(saved->n + 1, sizeof *model->stages);
    int status = model->stages ? 0 : ch_no_memory(err);
    for (size_t i = 0; !status && i < saved->n; i++) {
        status = api_load(context, saved->paths[i], depth + 1, &model->stages[i], err);
        if (!status) model->n++;
    }
    if (status)
        chert_model_free(model);
    else
        *out = model;
    return status;
}

int api_load(chert_context *context, const char *path, int depth, chert_model **out, ch_error *err)
{
    ch_saved saved;
    if (depth > DEPTH_MAX) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s: pipelines nested too deeply", path);
    ch_arena *arena = ch_arena_new();
    int status = ch_saved_read(arena, path, &saved, err);
    if (!status)
        status = saved.nested ? load_nested(context, &saved, depth, out, err)
                              : load_leaf(context, arena, &saved, path, out, err);
    ch_arena_free(arena);
    return status;
}

int chert_save(const chert_model *model, const char *path, int overwrite, chert_error *err)
{
    ch_error inner;
    return api_save(model, path, overwrite != 0, &inner) ? api_report(&inner, err) : 0;
}

int chert_load(chert_context *context, const char *path, chert_model **out, chert_error *err)
{
    ch_error inner;
    return api_load(context, path, 0, out, &inner) ? api_report(&inner, err) : 0;
}
