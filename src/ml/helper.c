/* helper.c: org.apache.spark.ml.util.ConnectHelper. */
#include "ml/helper.h"

#include "ml/literal.h"
#include "ml/model.h"
#include "ml/persist.h"
#include "ml/stages.h"
#include "ml/string_indexer.h"

static int bad_arguments(const ch_attr_call *call, ch_error *err)
{
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "wrong arguments for %s", call->name);
}

static const ch_literal *literal_at(const ch_attr_call *call, size_t i)
{
    return i < call->narg && call->args[i].literal && !call->args[i].literal->is_null ? call->args[i].literal : NULL;
}

/* handleOverwrite(path, overwrite): makes way for a folder the client is about to write. */
static int handle_overwrite(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    const char *path = ch_lit_string(call->arena, literal_at(call, 0));
    const ch_literal *overwrite = literal_at(call, 1);
    if (!path || !overwrite || overwrite->type->kind != CH_BOOLEAN) return bad_arguments(call, err);
    CH_TRY(ch_handle_overwrite(path, overwrite->v.boolean, err));
    out->literal = ch_lit_bool(true);
    return 0;
}

/* A StringIndexerModel out of labels: (uid, labels) or (uid, array of labels). */
static int model_from_labels(const ch_attr_call *call, ch_attr_value *out, ch_error *err)
{
    const char *uid = ch_lit_string(call->arena, literal_at(call, 0));
    const ch_literal *labels = literal_at(call, 1);
    bool nested = strcmp(call->name, "stringIndexerModelFromLabelsArray") == 0;
    if (!uid || !labels || labels->type->kind != CH_ARRAY) return bad_arguments(call, err);
    ch_fitted *fitted;
    CH_TRY(ch_string_indexer_from_labels(nested ? labels->v.list.items : labels, nested ? labels->v.list.n : 1, &fitted,
                                         err));
    const ch_stage *stage = &ch_stage_string_indexer_model;
    out->kind = CH_ATTR_OBJECTS;
    out->nobject = 1;
    out->objects = CH_NEW(call->arena, ch_object *);
    out->objects[0] = ch_object_new(stage, uid, ch_param_map_new(stage, uid), fitted);
    return 0;
}

static const ch_attribute ATTRIBUTES[] = {{"handleOverwrite", handle_overwrite},
                                          {"stringIndexerModelFromLabels", model_from_labels},
                                          {"stringIndexerModelFromLabelsArray", model_from_labels},
                                          {NULL, NULL}};
static const ch_attribute *const TABLES[] = {ATTRIBUTES, NULL};

const ch_stage ch_stage_helper = {
    .class_name = "org.apache.spark.ml.util.ConnectHelper", .kind = CH_STAGE_SUMMARY, .attributes = TABLES};
