/* analyze_generate.c: explode and its like: a generator in a list becomes GENERATE below the list. */
#include "frame/analyze/analyze_internal.h"

#include <stdio.h>
#include <string.h>

static const ch_expr *call_of(const ch_expr *item)
{
    if (item->kind == CH_EX_ALIAS) item = item->u.alias.child;
    return item->kind == CH_EX_CALL ? item : NULL;
}

bool ch_is_generator(const ch_expr *item)
{
    const ch_expr *call = call_of(item);
    const ch_function *fn = !call ? NULL : call->u.call.fn ? call->u.call.fn : ch_function_find(call->u.call.name);
    return fn && fn->kind == CH_FN_GENERATOR;
}

/* The columns a generator gives, under its own names. */
typedef struct outputs {
    size_t n;
    ch_attr *attrs;
} outputs;

static void add_output(ch_analysis *a, outputs *o, const char *name, const ch_type *type, bool nullable)
{
    o->attrs = ch_arena_grow(a->arena, o->attrs, sizeof *o->attrs, o->n, o->n + 1);
    o->attrs[o->n++] = (ch_attr){.id = (*a->next_id)++, .name = name, .type = type, .nullable = nullable};
}

static bool starts_with(const char *name, const char *prefix)
{
    return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

/* stack(n, e1, e2, ...) is inline(array(struct(e1, e2), struct(e3, ...), ...)). */
static int expand_stack(ch_analysis *a, const ch_expr *call, ch_expr **out, ch_error *err)
{
    size_t nvalue = call->u.call.n ? call->u.call.n - 1 : 0;
    const ch_expr *count = nvalue ? call->u.call.args[0] : NULL;
    bool constant = count && count->kind == CH_EX_LITERAL && !count->u.literal.is_null &&
                    ch_type_is_integral(count->u.literal.type);
    int64_t nrow = constant ? count->u.literal.v.integer : 0;
    if (nrow < 1 || (size_t)nrow > nvalue + 1000) {
        return ch_raise(err, "UNSUPPORTED_FEATURE", "feature", "stack with this number of rows", (char *)NULL);
    }
    size_t width = (nvalue + (size_t)nrow - 1) / (size_t)nrow;
    ch_expr *array = ch_expr_new(a->arena, CH_EX_CALL);
    array->u.call.name = "array";
    array->u.call.n = (size_t)nrow;
    array->u.call.args = CH_NEW_ARRAY(a->arena, ch_expr *, nrow);
    for (size_t i = 0; i < (size_t)nrow; i++) {
        ch_expr *row = ch_expr_new(a->arena, CH_EX_CALL);
        row->u.call.name = "named_struct";
        row->u.call.n = 2 * width;
        row->u.call.args = CH_NEW_ARRAY(a->arena, ch_expr *, 2 * width);
        for (size_t j = 0; j < width; j++) {
            size_t at = i * width + j;
            row->u.call.args[2 * j] = ch_expr_string(a->arena, ch_arena_printf(a->arena, "col%zu", j));
            row->u.call.args[2 * j + 1] =
                at < nvalue ? call->u.call.args[at + 1] : ch_expr_null(a->arena, &ch_type_null);
        }
        array->u.call.args[i] = row;
    }
    *out = ch_expr_call(a->arena, "inline", 1, array);
    return 0;
}

static int resolve_generator(ch_analysis *a, ch_scope *scope, const ch_expr *item, ch_expr **out, ch_error *err)
{
    ch_expr *call = (ch_expr *)(uintptr_t)call_of(item); /* ch_resolve does not change what it reads */
    if (strcasecmp(call->u.call.name, "stack") == 0) CH_TRY(expand_stack(a, call, &call, err));
    bool before = scope->allow_generator;
    scope->allow_generator = true;
    int status = ch_resolve(scope, call, out, err);
    scope->allow_generator = before;
    return status;
}

/* The columns of the GENERATE node, from the generator's name and its argument's type. */
static int find_outputs(ch_analysis *a, const char *name, const ch_type *type, bool outer, bool position, outputs *o,
                        ch_error *err)
{
    if (position) add_output(a, o, "pos", &ch_type_int, outer);
    if (starts_with(name, "inline")) {
        if (type->kind != CH_ARRAY || type->fields[0].type->kind != CH_STRUCT) return ch_bug(err, "inline of no array");
        const ch_type *row = type->fields[0].type;
        for (size_t i = 0; i < row->nfield; i++) {
            bool nullable = outer || type->fields[0].nullable || row->fields[i].nullable;
            add_output(a, o, row->fields[i].name, row->fields[i].type, nullable);
        }
    } else if (type->kind == CH_MAP) {
        add_output(a, o, "key", type->fields[0].type, outer);
        add_output(a, o, "value", type->fields[1].type, outer || type->fields[1].nullable);
    } else if (type->kind == CH_ARRAY) {
        add_output(a, o, "col", type->fields[0].type, outer || type->fields[0].nullable);
    } else {
        return ch_raise(err, "UNSUPPORTED_FEATURE", "feature", name, (char *)NULL);
    }
    return 0;
}

static int name_outputs(ch_analysis *a, const ch_expr *item, outputs *o, ch_error *err)
{
    if (item->kind != CH_EX_ALIAS || !item->u.alias.n) return 0;
    size_t n = item->u.alias.n;
    if (n != o->n) {
        ch_buf names = {0};
        for (size_t i = 0; i < n; i++) ch_buf_printf(&names, "%s%s", i ? "," : "", item->u.alias.names[i]);
        int status = ch_raise(err, "UDTF_ALIAS_NUMBER_MISMATCH", "aliasesSize", ch_arena_printf(a->arena, "%zu", o->n),
                              "aliasesNames", ch_buf_text(&names), (char *)NULL);
        ch_buf_reset(&names);
        return status;
    }
    const char **qualifier = NULL;
    if (item->u.alias.qualifier) {
        qualifier = CH_NEW_ARRAY(a->arena, const char *, 1);
        qualifier[0] = item->u.alias.qualifier;
    }
    for (size_t i = 0; i < n; i++) {
        o->attrs[i].name = item->u.alias.names[i];
        o->attrs[i].nqualifier = qualifier != NULL;
        o->attrs[i].qualifier = qualifier;
        if (n == 1) o->attrs[i].metadata = item->u.alias.metadata;
    }
    return 0;
}

int ch_add_generate(ch_analysis *a, ch_scope *scope, const ch_expr *item, ch_rel **base, size_t *n, ch_named **list,
                    ch_error *err)
{
    ch_expr *call;
    CH_TRY(resolve_generator(a, scope, item, &call, err));
    const char *name = call->u.call.name;
    size_t len = strlen(name);
    bool outer = len > 6 && strcasecmp(name + len - 6, "_outer") == 0;
    bool position = starts_with(name, "posexplode");
    outputs o = {0};
    CH_TRY(find_outputs(a, name, call->u.call.args[0]->type, outer, position, &o, err));
    CH_TRY(name_outputs(a, item, &o, err));
    ch_rel *input = *base;
    ch_rel *rel = ch_rel_new(a->arena, CH_REL_GENERATE, input, input->ncol + o.n);
    memcpy(rel->cols, input->cols, input->ncol * sizeof *rel->cols);
    memcpy(rel->cols + input->ncol, o.attrs, o.n * sizeof *rel->cols);
    rel->nhidden = input->nhidden;
    rel->hidden = input->hidden;
    rel->ordered = input->ordered;
    rel->u.generate.array = call->u.call.args[0];
    rel->u.generate.outer = outer;
    rel->u.generate.position = position;
    rel->u.generate.nout = o.n;
    rel->u.generate.spread = starts_with(name, "inline") || call->u.call.args[0]->type->kind == CH_MAP;
    ch_rel_seal(rel);
    *base = rel;
    *list = ch_arena_grow(a->arena, *list, sizeof **list, *n, *n + o.n);
    for (size_t i = 0; i < o.n; i++) (*list)[(*n)++] = ch_pass_through(a, rel, input->ncol + i);
    return 0;
}
