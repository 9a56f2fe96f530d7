/* model_api.c: what the pages ask of a saved Spark model that its files do not say in plain text: which columns it
 * wants, and what its stages learned (see model_parts.h), with the names of the features.
 *
 *     {"inputs": [{"name": "age", "type": "double"}],
 *      "stages": [{"class": "org...GBTClassificationModel", "uid": "...", "weights": {...}, "trees": {...}}]}
 *
 * The model is read anew for each request: people look at few models, and a look takes some 20 ms.
 */
#include "web/web_internal.h"

#include "ml/metadata.h"
#include "ml/saved.h"
#include "serve/model.h"
#include "track/routes.h"
#include "web/model_parts.h"

#include <string.h>
#include <strings.h>

/* A model being described. */
typedef struct looking {
    ch_call *call;
    ch_served *served;
    size_t nstage;
    ch_saved_stage *stages;
    size_t ninput;
    const ch_wanted_input *inputs;
    const ch_type **types; /* (ninput) */
    ch_prepared prepared;
    bool is_prepared;
} looking;

/* ---- the columns it wants ---- */

static const ch_type *signed_type(ch_input_type type)
{
    switch (type) {
    case CH_INPUT_BOOLEAN: return &ch_type_boolean;
    case CH_INPUT_INTEGER: return &ch_type_int;
    case CH_INPUT_LONG: return &ch_type_long;
    case CH_INPUT_FLOAT: return &ch_type_float;
    case CH_INPUT_STRING: return &ch_type_string;
    case CH_INPUT_VECTOR: return &ch_type_vector;
    default: return &ch_type_double;
    }
}

static bool names_column(const ch_param_map *params, const char *param, const char *column)
{
    if (!ch_param_exists(params, param)) return false;
    if (param[strlen(param) - 1] != 's') {
        const char *name = ch_param_column(params, param);
        return name && strcasecmp(name, column) == 0;
    }
    size_t n;
    const char *const *names = ch_param_texts(params, param, &n);
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(names[i], column) == 0) return true;
    return false;
}

/* The type of a column that no signature tells of: what the first stage that wants it is made for. */
static const ch_type *guessed_type(const looking *l, const char *column)
{
    static const char *const OF_TEXT[] = {"StringIndexerModel", "Tokenizer", "RegexTokenizer"};
    for (size_t i = 0; i < l->nstage; i++) {
        const ch_param_map *params = l->stages[i].params;
        if (names_column(params, "featuresCol", column)) return &ch_type_vector;
        if (!names_column(params, "inputCol", column) && !names_column(params, "inputCols", column)) continue;
        const char *name = ch_stage_name(l->stages[i].stage);
        for (size_t k = 0; k < sizeof OF_TEXT / sizeof *OF_TEXT; k++)
            if (strcmp(name, OF_TEXT[k]) == 0) return &ch_type_string;
        return &ch_type_double;
    }
    return &ch_type_double;
}

static void find_types(looking *l)
{
    const ch_mlmodel *file = ch_served_mlmodel(l->served);
    l->inputs = ch_served_inputs(l->served, &l->ninput);
    l->types = CH_NEW_ARRAY(l->call->arena, const ch_type *, l->ninput);
    for (size_t i = 0; i < l->ninput; i++) {
        size_t at = l->inputs[i].signed_as;
        l->types[i] = at == SIZE_MAX ? guessed_type(l, l->inputs[i].name) : signed_type(file->inputs[at].type);
    }
}

/* Binds the stages to columns of those types: their schema names the features. A model that cannot be bound that way
 * has features without names, no more. */
static void bind_stages(looking *l)
{
    ch_field *fields = CH_NEW_ARRAY(l->call->arena, ch_field, l->ninput);
    for (size_t i = 0; i < l->ninput; i++)
        fields[i] = (ch_field){.name = l->inputs[i].name, .type = l->types[i], .nullable = true};
    ch_error err;
    l->is_prepared = ch_served_prepare(l->served, "described", fields, false, &l->prepared, &err) == 0;
}

/* ---- the answer ---- */

/* The column whose features those of `column` are: scalers keep their order, but Spark forgets their names there. */
static const char *unscaled(const looking *l, const char *column)
{
    static const char *const SCALERS[] = {"StandardScalerModel", "MinMaxScalerModel"};
    for (size_t i = l->nstage; i-- > 0 && column;) {
        const ch_param_map *params = l->stages[i].params;
        const char *name = ch_stage_name(l->stages[i].stage);
        for (size_t k = 0; k < sizeof SCALERS / sizeof *SCALERS; k++)
            if (strcmp(name, SCALERS[k]) == 0 && names_column(params, "outputCol", column))
                return ch_param_column(params, "inputCol");
    }
    return column;
}

/* The features in the stage's vector column; size -1 when they have no names. */
static ch_ml_group feature_names(const looking *l, const ch_saved_stage *stage)
{
    static const char *const PARAMS[] = {"featuresCol", "inputCol"};
    ch_ml_group group = {.size = -1}, none = {.size = -1};
    const char *column = NULL;
    for (size_t i = 0; i < sizeof PARAMS / sizeof *PARAMS && !column; i++)
        if (ch_param_exists(stage->params, PARAMS[i])) column = ch_param_column(stage->params, PARAMS[i]);
    column = unscaled(l, column);
    if (!l->is_prepared || !column) return none;
    size_t at = ch_scorer_find(l->prepared.scorer, column, strlen(column));
    if (at == SIZE_MAX) return none;
    ch_error err;
    ch_schema schema = ch_scorer_schema(l->prepared.scorer);
    return ch_ml_group_read(l->call->arena, &schema.fields[at], &group, &err) ? none : group;
}

static void write_stage(const looking *l, const ch_saved_stage *stage)
{
    ch_json *out = &l->call->out;
    ch_shown_stage shown = {.arena = l->call->arena, .out = out, .stage = stage, .features = feature_names(l, stage)};
    ch_json_begin(out, '{');
    ch_json_member(out, "class", stage->stage->class_name);
    ch_json_member(out, "uid", ch_param_map_uid(stage->params));
    ch_stage_show(&shown);
    ch_json_end(out, '}');
}

static void write_model(const looking *l)
{
    ch_json *out = &l->call->out;
    ch_json_key(out, "inputs");
    ch_json_begin(out, '[');
    for (size_t i = 0; i < l->ninput; i++) {
        ch_buf type = {0};
        ch_type_name(&type, l->types[i]);
        ch_json_begin(out, '{');
        ch_json_member(out, "name", l->inputs[i].name);
        ch_json_member(out, "type", ch_buf_text(&type));
        ch_json_end(out, '}');
        ch_buf_reset(&type);
    }
    ch_json_end(out, ']');
    ch_json_key(out, "stages");
    ch_json_begin(out, '[');
    for (size_t i = 0; i < l->nstage; i++) write_stage(l, &l->stages[i]);
    ch_json_end(out, ']');
}

/* Reads the stages; they live in the request's arena, the engine only while they are read. */
static int load_stages(looking *l, ch_engine *engine, ch_error *err)
{
    ch_session *session;
    CH_TRY(ch_session_open(engine, &session, err));
    int status =
        ch_saved_load(session, l->call->arena, ch_served_mlmodel(l->served)->spark, &l->nstage, &l->stages, err);
    ch_session_release(session);
    return status;
}

static int look(looking *l, const char *path, ch_error *err)
{
    ch_engine_options options = {.threads = 1};
    ch_engine *engine;
    CH_TRY(ch_engine_open(&options, &engine, err));
    int status = ch_served_load(engine, path, "described", "", &l->served, err);
    if (!status) status = load_stages(l, engine, err);
    ch_engine_close(engine);
    if (status) return status;
    find_types(l);
    bind_stages(l);
    write_model(l);
    return 0;
}

static int describe(ch_call *call, const char *uri)
{
    const char *path;
    looking l = {.call = call};
    int status = ch_track_resolve(call->track, call->arena, uri, &path, &call->error);
    if (!status) status = look(&l, path, &call->error);
    if (l.is_prepared) ch_served_done(&l.prepared);
    if (l.served) ch_served_release(l.served);
    if (!status) return 0;
    if (status == CH_E_NOT_FOUND || status == CH_E_FILE_NOT_FOUND)
        return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "%s", call->error.message);
    return ch_call_fail(call, BAD_REQUEST, "%s", call->error.message);
}

static int describe_run_model(ch_call *call)
{
    return describe(call, ch_arena_printf(call->arena, "runs:/%s/%s", ch_call_string(call, "run_id"),
                                          ch_call_string(call, "path")));
}

static int describe_logged_model(ch_call *call)
{
    return describe(call, ch_arena_printf(call->arena, "models:/%s", ch_call_string(call, "model_id")));
}

/* ---- routes: with the tracking server's checks of parameters and rights ---- */

static const ch_track_route RUN_MODEL = {
    .method = "GET",
    .path = "runs/model",
    .handler = describe_run_model,
    .params = {{"run_id", CH_P_STRING, true}, {"path", CH_P_STRING, true}},
    .needs = CH_READ,
    .on = CH_ON_RUN,
    .key = "run_id",
};
static const ch_track_route LOGGED_MODEL = {
    .method = "GET",
    .path = "logged-models/model",
    .handler = describe_logged_model,
    .params = {{"model_id", CH_P_STRING, true}},
    .needs = CH_READ,
    .on = CH_ON_LOGGED_MODEL,
    .key = "model_id",
};

const ch_http_route ch_web_model_routes[] = {
    {.method = "GET", .path = "/runs/model", .handler = ch_call_serve, .data = &RUN_MODEL},
    {.method = "GET", .path = "/logged-models/model", .handler = ch_call_serve, .data = &LOGGED_MODEL},
};
const size_t ch_web_model_nroute = sizeof ch_web_model_routes / sizeof *ch_web_model_routes;
