/* resolve_lambda.c: analysis of lambda functions, the arguments of transform, filter, aggregate and their kin. */
#include "frame/analyze/resolve.h"

#include <string.h>
#include <strings.h>

static int check_parameters(ch_scope *scope, const ch_expr *in, size_t n, ch_error *err)
{
    if (in->u.lambda.n > n || in->u.lambda.n == 0) {
        return ch_raise(err, "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH", "expectedNumArgs",
                        ch_arena_printf(scope->arena, "%zu", in->u.lambda.n), "actualNumArgs",
                        ch_arena_printf(scope->arena, "%zu", n), (char *)NULL);
    }
    for (size_t i = 0; i < in->u.lambda.n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcasecmp(in->u.lambda.params[i], in->u.lambda.params[j]) != 0) continue;
            return ch_raise(err, "INVALID_LAMBDA_FUNCTION_CALL.DUPLICATE_ARG_NAMES", "args",
                            ch_backquoted(scope->arena, in->u.lambda.params[i]), "caseSensitiveConfig",
                            "\"spark.sql.caseSensitive\"", (char *)NULL);
        }
    }
    return CH_OK;
}

/* `n` parameters are offered; the lambda may take fewer. A value that is no lambda stands for one that ignores them. */
int ch_resolve_lambda(ch_scope *scope, const ch_expr *in, size_t n, const ch_type *const *types, const bool *nullables,
                      ch_expr **out, ch_error *err)
{
    ch_expr *e = ch_expr_new(scope->arena, CH_EX_LAMBDA);
    *out = e;
    if (in->kind != CH_EX_LAMBDA) {
        e->u.lambda.body = (ch_expr *)in;
        e->type = in->type;
        e->nullable = in->nullable;
        return CH_OK;
    }
    CH_TRY(check_parameters(scope, in, n, err));
    size_t count = in->u.lambda.n;
    int *ids = CH_NEW_ARRAY(scope->arena, int, count);
    for (size_t i = 0; i < count; i++) ids[i] = (*scope->next_id)++;
    e->u.lambda.n = count;
    e->u.lambda.params = in->u.lambda.params;
    e->u.lambda.ids = ids;
    e->u.lambda.types = ch_arena_dup(scope->arena, types, count * sizeof(ch_type *));
    struct ch_lambda_scope inner = {.outer = scope->lambda,
                                    .n = count,
                                    .names = in->u.lambda.params,
                                    .ids = ids,
                                    .types = types,
                                    .nullables = nullables};
    scope->lambda = &inner;
    int status = ch_resolve(scope, in->u.lambda.body, &e->u.lambda.body, err);
    scope->lambda = inner.outer;
    if (status) return status;
    e->type = e->u.lambda.body->type;
    e->nullable = e->u.lambda.body->nullable;
    return CH_OK;
}
