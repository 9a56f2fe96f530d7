/* functions_generator.c: functions that make several rows of one. They are typed here and turned into GENERATE by the
 * analyzer (analyze_generate.c). */
#include "frame/analyze/resolve.h"

#include <string.h>

static int type_explode(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "array|map", err));
    e->type = e->u.call.args[0]->type->fields[0].type;
    e->nullable = true;
    return CH_OK;
}

static int type_inline(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_type *t = e->u.call.args[0]->type;
    if (t->kind != CH_ARRAY || t->fields[0].type->kind != CH_STRUCT) {
        return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", "first", "requiredType",
                           "\"ARRAY<STRUCT>\"", "inputSql", ch_quote_expr(scope->arena, e->u.call.args[0]), "inputType",
                           ch_quote_type(scope->arena, t), (char *)NULL);
    }
    e->type = t->fields[0].type;
    e->nullable = true;
    return CH_OK;
}

static int type_stack(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)scope;
    (void)err;
    e->type = e->u.call.args[1]->type;
    e->nullable = true;
    return CH_OK;
}

#define EXPLODE(name_, type_)                                                                                          \
    {                                                                                                                  \
        .name = name_, .kind = CH_FN_GENERATOR, .min_args = 1, .max_args = 1, .type = type_                            \
    }

const ch_function ch_functions_generator[] = {
    EXPLODE("explode", type_explode),
    EXPLODE("explode_outer", type_explode),
    EXPLODE("posexplode", type_explode),
    EXPLODE("posexplode_outer", type_explode),
    EXPLODE("inline", type_inline),
    EXPLODE("inline_outer", type_inline),
    {.name = "stack", .kind = CH_FN_GENERATOR, .min_args = 2, .max_args = -1, .type = type_stack, .arity = "> 1"},
    {.name = NULL},
};
