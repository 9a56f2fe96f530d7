/* resolve.c: analysis of expressions: from names, stars and calls by name to columns by id and calls bound to rows of
 * the function table, with Spark's types and implicit casts. */
#include "frame/analyze/resolve.h"

#include "frame/plan/parse.h"
#include "frame/session/session.h"
#include "frame/type/datetime.h"

#include <string.h>
#include <strings.h>

const char *ch_scope_zone(const ch_scope *scope)
{
    const char *zone =
        scope->session ? ch_config_find(scope->session, scope->arena, "spark.sql.session.timeZone") : NULL;
    return zone ? zone : "UTC";
}

bool ch_scope_ansi(const ch_scope *scope)
{
    return !scope->session || ch_config_bool(scope->session, "spark.sql.ansi.enabled");
}

const ch_type *ch_scope_common_type(const ch_scope *scope, const ch_type *a, const ch_type *b)
{
    return ch_scope_ansi(scope) ? ch_common_type(scope->arena, a, b) : ch_lenient_type(scope->arena, a, b);
}

/* ---- names ---- */

/* A lambda's parameter of that name, innermost first; NULL if there is none. */
static ch_expr *find_variable(ch_scope *scope, const char *name)
{
    for (const struct ch_lambda_scope *l = scope->lambda; l; l = l->outer) {
        for (size_t i = 0; i < l->n; i++) {
            if (strcasecmp(l->names[i], name) != 0) continue;
            ch_expr *e = ch_expr_new(scope->arena, CH_EX_VARIABLE);
            e->u.variable.name = l->names[i];
            e->u.variable.id = l->ids[i];
            e->type = l->types[i];
            e->nullable = l->nullables[i];
            return e;
        }
    }
    return NULL;
}

static int resolve_name(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err)
{
    size_t n = in->u.name.nparts;
    ch_expr *variable = in->u.name.plan_id < 0 && n > 0 ? find_variable(scope, in->u.name.parts[0]) : NULL;
    if (!variable) return ch_lookup(scope, n, in->u.name.parts, in->u.name.plan_id, out, err);
    for (size_t i = 1; i < n; i++) CH_TRY(ch_bind_field(scope, variable, in->u.name.parts[i], &variable, err));
    *out = variable;
    return CH_OK;
}

static int resolve_variable(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err)
{
    *out = find_variable(scope, in->u.variable.name);
    if (*out) return CH_OK;
    return ch_raise(err, "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "objectName",
                    ch_backquoted(scope->arena, in->u.variable.name), (char *)NULL);
}

/* ---- casts ---- */

/* Cast.typeCheckFailureMessage: the words that tell the user what to do instead. */
static int cast_refused(ch_scope *scope, const ch_expr *cast, const ch_type *from, const ch_type *to, ch_cast_mode mode,
                        ch_error *err)
{
    const char *source = ch_quote_type(scope->arena, from), *target = ch_quote_type(scope->arena, to);
    const char *function = NULL;
    bool numeric = ch_type_is_numeric(from);
    if (numeric && to->kind == CH_DATE) function = "`DATE_FROM_UNIX_DATE`";
    if (from->kind == CH_DATE && ch_type_is_numeric(to)) function = "`UNIX_DATE`";
    if (function) {
        return ch_mismatch(scope, err, "CAST_WITH_FUNC_SUGGESTION", cast, "srcType", source, "targetType", target,
                           "functionNames", function, (char *)NULL);
    }
    if (mode == CH_CAST_ANSI && ch_can_cast(from, to, CH_CAST_LEGACY)) {
        return ch_mismatch(scope, err, "CAST_WITH_CONF_SUGGESTION", cast, "srcType", source, "targetType", target,
                           "config", "\"spark.sql.ansi.enabled\"", "configVal", "'false'", (char *)NULL);
    }
    return ch_mismatch(scope, err, "CAST_WITHOUT_SUGGESTION", cast, "srcType", source, "targetType", target,
                       (char *)NULL);
}

int ch_bind_cast(ch_scope *scope, ch_expr *child, const ch_type *to, ch_cast_mode mode, ch_expr **out, ch_error *err)
{
    if (to->kind == CH_CHAR || to->kind == CH_VARCHAR) to = &ch_type_string; /* outside of tables they are strings */
    ch_expr *e = ch_expr_cast(scope->arena, child, to);
    e->u.cast.mode = mode;
    e->zone = ch_scope_zone(scope);
    if (!ch_can_cast(child->type, to, mode)) return cast_refused(scope, e, child->type, to, mode, err);
    e->type = to;
    e->nullable = child->nullable || mode != CH_CAST_ANSI || ch_cast_nullable(child->type, to);
    if (mode != CH_CAST_ANSI && ch_type_is_string(to)) e->nullable = child->nullable || mode == CH_CAST_TRY;
    *out = e;
    return CH_OK;
}

/* DATE '...' and TIMESTAMP '...' are literals, whose text must be right. */
static int resolve_typed_literal(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err)
{
    const ch_literal *text = &in->u.cast.child->u.literal;
    const ch_type *to = in->u.cast.to;
    ch_literal v = {.type = to};
    const ch_timezone *zone = ch_timezone_find(ch_scope_zone(scope));
    int32_t days = 0;
    bool good;
    if (to->kind == CH_DATE) {
        good = ch_parse_date(text->v.bytes.data, text->v.bytes.len, &days);
        v.v.integer = days;
    } else if (to->kind == CH_TIMESTAMP) {
        good = ch_parse_timestamp(text->v.bytes.data, text->v.bytes.len, zone ? zone : ch_timezone_utc(), &v.v.integer);
    } else {
        good = ch_parse_timestamp_ntz(text->v.bytes.data, text->v.bytes.len, true, &v.v.integer);
    }
    if (!good) {
        return ch_raise(err, "INVALID_TYPED_LITERAL", "valueType", ch_quote_type(scope->arena, to), "value",
                        ch_arena_printf(scope->arena, "'%.*s'",
                                        (int)(text->v.bytes.len < 300 ? text->v.bytes.len : 300), text->v.bytes.data),
                        (char *)NULL);
    }
    *out = ch_expr_literal(scope->arena, &v);
    (*out)->zone = ch_scope_zone(scope);
    return CH_OK;
}

static int resolve_cast(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err)
{
    if (in->u.cast.implicit && in->u.cast.child->kind == CH_EX_LITERAL && !in->u.cast.child->u.literal.is_null &&
        ch_type_is_string(in->u.cast.child->u.literal.type) && !in->type)
        return resolve_typed_literal(scope, in, out, err);
    ch_expr *child;
    CH_TRY(ch_resolve(scope, in->u.cast.child, &child, err));
    ch_cast_mode mode = in->u.cast.mode;
    if (mode == CH_CAST_ANSI && !ch_scope_ansi(scope)) mode = CH_CAST_LEGACY;
    CH_TRY(ch_bind_cast(scope, child, in->u.cast.to, mode, out, err));
    (*out)->u.cast.implicit = in->u.cast.implicit;
    return CH_OK;
}

/* ---- the rest ---- */

static int resolve_text(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err)
{
    ch_expr *parsed;
    CH_TRY(ch_parse_expression(scope->arena, in->u.text, &parsed, err));
    return ch_resolve(scope, parsed, out, err);
}

static int resolve_native(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err)
{
    ch_expr *e = CH_NEW(scope->arena, ch_expr);
    *e = *in;
    e->u.native.args = CH_NEW_ARRAY(scope->arena, ch_expr *, in->u.native.n);
    for (size_t i = 0; i < in->u.native.n; i++)
        CH_TRY(ch_resolve(scope, in->u.native.args[i], &e->u.native.args[i], err));
    if (!e->type) {
        e->type = in->u.native.fn->out_type;
        e->nullable = true;
    }
    *out = e;
    return CH_OK;
}

static int resolve_kind(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err)
{
    switch (in->kind) {
    case CH_EX_LITERAL:
        *out = ch_expr_literal(scope->arena, &in->u.literal);
        (*out)->zone = ch_scope_zone(scope);
        return CH_OK;
    case CH_EX_NAME: return resolve_name(scope, in, out, err);
    case CH_EX_STRING: return resolve_text(scope, in, out, err);
    case CH_EX_ALIAS:
        return ch_resolve(scope, in->u.alias.child, out, err); /* inside of expressions names mean nothing */
    case CH_EX_SORT: return ch_resolve(scope, in->u.sort.expr, out, err);
    case CH_EX_CALL: return ch_resolve_call(scope, in, out, err);
    case CH_EX_CAST: return resolve_cast(scope, in, out, err);
    case CH_EX_WINDOW: return ch_resolve_window(scope, in, out, err);
    case CH_EX_VARIABLE: return resolve_variable(scope, in, out, err);
    case CH_EX_EXTRACT: return ch_resolve_extract(scope, in, out, err);
    case CH_EX_UPDATE: return ch_resolve_update(scope, in, out, err);
    case CH_EX_SUBQUERY: return ch_resolve_subquery(scope, in, out, err);
    case CH_EX_NATIVE: return resolve_native(scope, in, out, err);
    case CH_EX_COLUMN:
    case CH_EX_FIELD: *out = (ch_expr *)in; return CH_OK; /* built by an expansion, resolved already */
    case CH_EX_LAMBDA:
        return ch_raise(err, "INVALID_LAMBDA_FUNCTION_CALL.PARAMETER_DOES_NOT_ACCEPT_LAMBDA_FUNCTION", (char *)NULL);
    case CH_EX_STAR:
    case CH_EX_REGEX:
        return ch_raise(err, "INVALID_USAGE_OF_STAR_OR_REGEX", "elem", in->kind == CH_EX_STAR ? "'*'" : "regex",
                        "prettyName", "expression", (char *)NULL);
    }
    return ch_bug(err, "expression kind %d", (int)in->kind);
}

int ch_resolve(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err)
{
    if (scope->depth >= CH_RESOLVE_DEPTH_MAX)
        return ch_failf(err, CH_E_ANALYSIS, "Expression nested more than %d levels deep.", CH_RESOLVE_DEPTH_MAX);
    scope->depth++;
    int status = resolve_kind(scope, in, out, err);
    scope->depth--;
    return status;
}

/* ---- projection lists ---- */

typedef struct named_list {
    size_t n, cap;
    ch_named *items;
} named_list;

static ch_named *add_named(ch_scope *scope, named_list *list)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 8;
        list->items = ch_arena_grow(scope->arena, list->items, sizeof *list->items, list->n, cap);
        list->cap = cap;
    }
    ch_named *item = &list->items[list->n++];
    *item = (ch_named){0};
    return item;
}

static void take_attribute(const ch_scope *scope, ch_named *item)
{
    if (item->expr->kind != CH_EX_COLUMN) return;
    const ch_attr *attr = ch_scope_attr(scope, item->expr->u.column.id);
    if (!attr) return;
    if (!item->metadata) item->metadata = attr->metadata;
    item->nqualifier = attr->nqualifier;
    item->qualifier = attr->qualifier;
}

static int add_columns(ch_scope *scope, size_t n, ch_expr *const *columns, named_list *list)
{
    for (size_t i = 0; i < n; i++) {
        ch_named *item = add_named(scope, list);
        item->expr = columns[i];
        item->name =
            columns[i]->kind == CH_EX_FIELD ? columns[i]->u.field.name : ch_auto_name(scope->arena, columns[i]);
        take_attribute(scope, item);
    }
    return CH_OK;
}

/* The name of an item nobody named. A plain column keeps the spelling the user wrote; a nested field is called by its
 * last part; a cast of a column that the user asked for keeps the column's name (AliasResolution). */
static const char *default_name(ch_scope *scope, const ch_expr *in, const ch_expr *e)
{
    if (in->kind == CH_EX_NAME) return in->u.name.parts[in->u.name.nparts - 1];
    if (e->kind == CH_EX_CAST && in->kind == CH_EX_CAST && in->u.cast.child->kind == CH_EX_NAME) {
        const ch_expr *name = in->u.cast.child;
        return name->u.name.parts[name->u.name.nparts - 1];
    }
    if (e->kind == CH_EX_CAST && in->kind == CH_EX_CAST && in->u.cast.child->kind == CH_EX_ALIAS &&
        in->u.cast.child->u.alias.n == 1)
        return in->u.cast.child->u.alias.names[0];
    if (e->kind == CH_EX_COLUMN) return e->u.column.name;
    return ch_auto_name(scope->arena, e);
}

static bool is_generator(const ch_expr *e)
{
    return e->kind == CH_EX_CALL && e->u.call.fn && e->u.call.fn->kind == CH_FN_GENERATOR;
}

static int resolve_item(ch_scope *scope, const ch_expr *in, named_list *list, ch_error *err);

static int resolve_alias(ch_scope *scope, const ch_expr *in, named_list *list, ch_error *err)
{
    const ch_expr *child = in->u.alias.child;
    if (child->kind == CH_EX_STRING) {
        ch_expr *parsed;
        CH_TRY(ch_parse_expression(scope->arena, child->u.text, &parsed, err));
        child = parsed->kind == CH_EX_ALIAS ? parsed->u.alias.child : parsed;
    }
    if (child->kind == CH_EX_ALIAS && in->u.alias.n == 1) child = child->u.alias.child; /* the outer name counts */
    if (child->kind == CH_EX_STAR || child->kind == CH_EX_REGEX) { /* *.alias(x): the name is ignored, as Spark does */
        return resolve_item(scope, child, list, err);
    }
    ch_expr *e;
    CH_TRY(ch_resolve(scope, child, &e, err));
    if (in->u.alias.n > 1 && !is_generator(e)) {
        ch_buf names = {0};
        for (size_t i = 0; i < in->u.alias.n; i++) ch_buf_printf(&names, "%s`%s`", i ? ", " : "", in->u.alias.names[i]);
        const char *text = ch_arena_strdup(scope->arena, ch_buf_text(&names));
        ch_buf_reset(&names);
        return ch_raise(err, "MULTI_ALIAS_WITHOUT_GENERATOR", "names", text, "expr", ch_quote_expr(scope->arena, e),
                        (char *)NULL);
    }
    ch_named *item = add_named(scope, list);
    item->expr = e;
    item->name = in->u.alias.n ? in->u.alias.names[0] : ch_auto_name(scope->arena, e);
    item->metadata = in->u.alias.metadata;
    item->nnames = in->u.alias.n;
    item->names = in->u.alias.names;
    if (!item->metadata && e->kind == CH_EX_COLUMN) {
        const ch_attr *attr = ch_scope_attr(scope, e->u.column.id);
        if (attr) item->metadata = attr->metadata;
    }
    return CH_OK;
}

static int resolve_item(ch_scope *scope, const ch_expr *in, named_list *list, ch_error *err)
{
    size_t n;
    ch_expr **columns;
    switch (in->kind) {
    case CH_EX_STAR:
        CH_TRY(ch_lookup_star(scope, in->u.star.nparts, in->u.star.parts, in->u.star.plan_id, &n, &columns, err));
        return add_columns(scope, n, columns, list);
    case CH_EX_REGEX:
        CH_TRY(ch_lookup_regex(scope, in->u.regex.pattern, in->u.regex.plan_id, &n, &columns, err));
        return add_columns(scope, n, columns, list);
    case CH_EX_STRING: {
        ch_expr *parsed;
        CH_TRY(ch_parse_expression(scope->arena, in->u.text, &parsed, err));
        return resolve_item(scope, parsed, list, err);
    }
    case CH_EX_ALIAS: return resolve_alias(scope, in, list, err);
    default: break;
    }
    ch_expr *e;
    CH_TRY(ch_resolve(scope, in, &e, err));
    ch_named *item = add_named(scope, list);
    item->expr = e;
    item->name = default_name(scope, in, e);
    take_attribute(scope, item);
    return CH_OK;
}

/* CheckAnalysis: what may not stand in a list even though each part of it has a type. */
static bool find_generator(const ch_expr *e, void *arg)
{
    if (is_generator(e)) return true;
    return ch_any_child(e, find_generator, arg);
}

static bool find_bare_window_function(const ch_expr *e, void *arg)
{
    if (e->kind == CH_EX_CALL && e->u.call.fn && e->u.call.fn->kind == CH_FN_WINDOW) {
        *(const ch_expr **)arg = e;
        return true;
    }
    if (e->kind == CH_EX_WINDOW) return ch_any_child(e->u.window.function, find_bare_window_function, arg);
    return ch_any_child(e, find_bare_window_function, arg);
}

static int check_item(ch_scope *scope, const ch_named *item, ch_error *err)
{
    const ch_expr *found = NULL;
    if (find_bare_window_function(item->expr, (void *)&found)) {
        return ch_raise(err, "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE", "funcName", ch_quote_expr(scope->arena, found),
                        (char *)NULL);
    }
    bool nested =
        is_generator(item->expr) ? ch_any_child(item->expr, find_generator, NULL) : find_generator(item->expr, NULL);
    if (nested) {
        return ch_raise(err, "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS", "expression",
                        ch_quote_expr(scope->arena, item->expr), (char *)NULL);
    }
    return CH_OK;
}

int ch_resolve_list(ch_scope *scope, size_t n, ch_expr *const *in, size_t *nout, ch_named **out, ch_error *err)
{
    named_list list = {0};
    for (size_t i = 0; i < n; i++) CH_TRY(resolve_item(scope, in[i], &list, err));
    for (size_t i = 0; i < list.n; i++) CH_TRY(check_item(scope, &list.items[i], err));
    *nout = list.n;
    *out = list.items;
    return CH_OK;
}
