/* functions_higher.c: functions that take lambdas. A lambda's parameters are DuckDB's own, v<id>, or SQL that stands
 * for them (an entry's key, an index counted from 0). */
#include "frame/analyze/resolve.h"

#include <stdio.h>
#include <string.h>

static int need_kind(ch_scope *scope, ch_expr *e, size_t index, const char *kind, ch_error *err)
{
    return ch_coerce_argument(scope, e, index, kind, err);
}

static int need_boolean(ch_scope *scope, ch_expr *e, size_t index, ch_error *err)
{
    const ch_expr *f = e->u.call.args[index];
    if (f->type->kind == CH_BOOLEAN || f->type->kind == CH_NULL) return CH_OK;
    return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", ch_ordinal(scope->arena, index),
                       "requiredType", "\"BOOLEAN\"", "inputSql", ch_quote_expr(scope->arena, f), "inputType",
                       ch_quote_type(scope->arena, f->type), (char *)NULL);
}

static int bind(ch_scope *scope, ch_expr *e, size_t index, size_t n, const ch_type *const *types, const bool *nullables,
                ch_error *err)
{
    return ch_resolve_lambda(scope, e->u.call.args[index], n, types, nullables, &e->u.call.args[index], err);
}

/* ---- transform, filter, exists, forall ---- */

static int type_each(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(need_kind(scope, e, 0, "array", err));
    const char *name = e->u.call.fn->name;
    const ch_field *element = &e->u.call.args[0]->type->fields[0];
    bool index = strcmp(name, "transform") == 0 || strcmp(name, "filter") == 0;
    CH_TRY(bind(scope, e, 1, index ? 2 : 1, (const ch_type *[]){element->type, &ch_type_int},
                (const bool[]){element->nullable, false}, err));
    const ch_expr *f = e->u.call.args[1];
    e->nullable = e->u.call.args[0]->nullable;
    if (strcmp(name, "transform") == 0) {
        e->type = ch_type_array(scope->arena, f->type, f->nullable);
        return CH_OK;
    }
    CH_TRY(need_boolean(scope, e, 1, err));
    if (strcmp(name, "filter") == 0) {
        e->type = e->u.call.args[0]->type;
    } else {
        e->type = &ch_type_boolean;
        e->nullable = e->nullable || f->nullable;
    }
    return CH_OK;
}

/* lambda v1, v2: body, the second parameter an index that DuckDB counts from 1. */
static int write_lambda(ch_writer *w, const ch_expr *f)
{
    if (f->u.lambda.n == 0) {
        ch_buf_printf(w->sql, "lambda u%d: ", w->depth);
        return ch_write_node(w, f->u.lambda.body);
    }
    ch_buf_printf(w->sql, "lambda v%d", f->u.lambda.ids[0]);
    char text[48];
    ch_variable_text index = {.outer = w->variables, .text = text};
    if (f->u.lambda.n > 1) {
        ch_buf_printf(w->sql, ", v%d", f->u.lambda.ids[1]);
        snprintf(text, sizeof text, "CAST((v%d - 1) AS INTEGER)", f->u.lambda.ids[1]);
        index.id = f->u.lambda.ids[1];
        w->variables = &index;
    }
    ch_buf_str(w->sql, ": ");
    int status = ch_write_node(w, f->u.lambda.body);
    w->variables = index.outer;
    return status;
}

static int write_each(ch_writer *w, const ch_expr *e)
{
    const char *name = e->u.call.fn->name;
    const char *open = strcmp(name, "filter") == 0   ? "list_filter("
                       : strcmp(name, "exists") == 0 ? "ch_exists(list_transform("
                       : strcmp(name, "forall") == 0 ? "ch_forall(list_transform("
                                                     : "list_transform(";
    ch_buf_str(w->sql, open);
    CH_TRY(ch_write_node(w, e->u.call.args[0]));
    ch_buf_str(w->sql, ", ");
    CH_TRY(write_lambda(w, e->u.call.args[1]));
    ch_buf_str(w->sql, open[0] == 'c' ? "))" : ")");
    return CH_OK;
}

/* ---- aggregate ---- */

static int type_aggregate(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(need_kind(scope, e, 0, "array", err));
    ch_expr **args = CH_NEW_ARRAY(scope->arena, ch_expr *, 4);
    memcpy(args, e->u.call.args, e->u.call.n * sizeof *args);
    if (e->u.call.n == 3) { /* finish defaults to the identity */
        const char **names = CH_NEW(scope->arena, const char *);
        names[0] = "acc";
        args[3] = ch_expr_new(scope->arena, CH_EX_LAMBDA);
        args[3]->u.lambda.n = 1;
        args[3]->u.lambda.params = names;
        args[3]->u.lambda.body = ch_expr_name(scope->arena, "acc");
    }
    e->u.call.args = args;
    e->u.call.n = 4;
    const ch_field *element = &args[0]->type->fields[0];
    const ch_type *acc = args[1]->type;
    CH_TRY(bind(scope, e, 2, 2, (const ch_type *[]){acc, element->type}, (const bool[]){true, element->nullable}, err));
    if (!ch_type_equal(args[2]->type, acc, false)) {
        if (!ch_can_store(args[2]->type, acc)) {
            return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", "third", "requiredType",
                               ch_quote_type(scope->arena, acc), "inputSql", ch_quote_expr(scope->arena, args[2]),
                               "inputType", ch_quote_type(scope->arena, args[2]->type), (char *)NULL);
        }
        args[2]->u.lambda.body = ch_coerce(scope->arena, args[2]->u.lambda.body, acc);
        args[2]->type = acc;
    }
    CH_TRY(bind(scope, e, 3, 1, (const ch_type *[]){acc}, (const bool[]){true}, err));
    e->type = args[3]->type;
    e->nullable = args[0]->nullable || args[3]->nullable;
    return CH_OK;
}

/* DuckDB's list_reduce keeps the element's type, so it runs over structs {acc, x}: the accumulator travels in `acc`. */
static int write_aggregate(ch_writer *w, const ch_expr *e)
{
    ch_expr *const *args = e->u.call.args;
    int d = w->depth;
    char acc[40], x[40], done[40];
    snprintf(acc, sizeof acc, "struct_extract_at(p%d, 1)", d);
    snprintf(x, sizeof x, "struct_extract_at(q%d, 2)", d);
    snprintf(done, sizeof done, "r%d", d);
    ch_buf element = {0}, state = {0};
    ch_type_duckdb(&element, args[0]->type->fields[0].type);
    ch_type_duckdb(&state, args[1]->type);
    ch_buf_str(w->sql, "list_transform([struct_extract_at(list_reduce(list_transform(");
    int status = ch_write_node(w, args[0]);
    ch_buf_printf(w->sql, ", lambda q%d: struct_pack(\"acc\" := CAST(NULL AS %s), \"x\" := q%d)), lambda p%d, q%d: ", d,
                  ch_buf_text(&state), d, d, d);
    const ch_expr *merge = args[2], *finish = args[3];
    ch_variable_text a = {
        .outer = w->variables, .id = merge->u.lambda.n > 0 ? merge->u.lambda.ids[0] : -1, .text = acc};
    ch_variable_text b = {.outer = &a, .id = merge->u.lambda.n > 1 ? merge->u.lambda.ids[1] : -1, .text = x};
    w->variables = &b;
    ch_buf_str(w->sql, "struct_pack(\"acc\" := CAST(");
    if (!status) status = ch_write_node(w, merge->u.lambda.body);
    w->variables = a.outer;
    ch_buf_printf(w->sql, " AS %s), \"x\" := CAST(NULL AS %s)), struct_pack(\"acc\" := CAST(", ch_buf_text(&state),
                  ch_buf_text(&element));
    if (!status) status = ch_write_node(w, args[1]);
    ch_buf_printf(w->sql, " AS %s), \"x\" := CAST(NULL AS %s))), 1)], lambda %s: ", ch_buf_text(&state),
                  ch_buf_text(&element), done);
    ch_variable_text f = {
        .outer = w->variables, .id = finish->u.lambda.n > 0 ? finish->u.lambda.ids[0] : -1, .text = done};
    w->variables = &f;
    if (!status) status = ch_write_node(w, finish->u.lambda.body);
    w->variables = f.outer;
    ch_buf_str(w->sql, ")[1]");
    ch_buf_reset(&element);
    ch_buf_reset(&state);
    return status;
}

/* ---- zip_with ---- */

static int type_zip_with(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(need_kind(scope, e, 0, "array", err));
    CH_TRY(need_kind(scope, e, 1, "array", err));
    CH_TRY(bind(scope, e, 2, 2,
                (const ch_type *[]){e->u.call.args[0]->type->fields[0].type, e->u.call.args[1]->type->fields[0].type},
                (const bool[]){true, true}, err));
    e->type = ch_type_array(scope->arena, e->u.call.args[2]->type, e->u.call.args[2]->nullable);
    e->nullable = e->u.call.args[0]->nullable || e->u.call.args[1]->nullable;
    return CH_OK;
}

/* Writes a lambda's body with its parameters standing for the given texts. */
static int write_body(ch_writer *w, const ch_expr *f, size_t n, const char *const *texts)
{
    ch_variable_text vars[3];
    const ch_variable_text *before = w->variables;
    for (size_t i = 0; i < n && i < f->u.lambda.n; i++) {
        vars[i] = (ch_variable_text){.outer = w->variables, .id = f->u.lambda.ids[i], .text = texts[i]};
        w->variables = &vars[i];
    }
    int status = ch_write_node(w, f->u.lambda.body);
    w->variables = before;
    return status;
}

static int write_zip_with(ch_writer *w, const ch_expr *e)
{
    int d = w->depth;
    char left[24], right[24];
    snprintf(left, sizeof left, "z%d[1]", d);
    snprintf(right, sizeof right, "z%d[2]", d);
    CH_TRY(
        ch_write_template(w, e, "CASE WHEN $1 IS NOT NULL AND $2 IS NOT NULL THEN list_transform(list_zip($1, $2), "));
    ch_buf_printf(w->sql, "lambda z%d: ", d);
    CH_TRY(write_body(w, e->u.call.args[2], 2, (const char *[]){left, right}));
    ch_buf_str(w->sql, ") END");
    return CH_OK;
}

/* ---- maps ---- */

static int type_map_each(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(need_kind(scope, e, 0, "map", err));
    const ch_type *map = e->u.call.args[0]->type;
    CH_TRY(bind(scope, e, 1, 2, (const ch_type *[]){map->fields[0].type, map->fields[1].type},
                (const bool[]){false, map->fields[1].nullable}, err));
    const ch_expr *f = e->u.call.args[1];
    const char *name = e->u.call.fn->name;
    e->nullable = e->u.call.args[0]->nullable;
    if (strcmp(name, "transform_keys") == 0) {
        e->type = ch_type_map(scope->arena, f->type, map->fields[1].type, map->fields[1].nullable);
    } else if (strcmp(name, "transform_values") == 0) {
        e->type = ch_type_map(scope->arena, map->fields[0].type, f->type, f->nullable);
    } else {
        CH_TRY(need_boolean(scope, e, 1, err));
        e->type = map;
    }
    return CH_OK;
}

static int write_map_each(ch_writer *w, const ch_expr *e)
{
    const char *name = e->u.call.fn->name;
    bool filter = strcmp(name, "map_filter") == 0, keys = strcmp(name, "transform_keys") == 0;
    int d = w->depth;
    char key[40], value[40];
    snprintf(key, sizeof key, "struct_extract_at(m%d, 1)", d);
    snprintf(value, sizeof value, "struct_extract_at(m%d, 2)", d);
    ch_buf_str(w->sql,
               filter ? "map_from_entries(list_filter(map_entries(" : "map_from_entries(list_transform(map_entries(");
    CH_TRY(ch_write_node(w, e->u.call.args[0]));
    ch_buf_printf(w->sql, "), lambda m%d: ", d);
    if (!filter) ch_buf_printf(w->sql, "struct_pack(\"key\" := %s", keys ? "" : key);
    if (!filter && !keys) ch_buf_str(w->sql, ", \"value\" := ");
    CH_TRY(write_body(w, e->u.call.args[1], 2, (const char *[]){key, value}));
    if (keys) ch_buf_printf(w->sql, ", \"value\" := %s", value);
    ch_buf_str(w->sql, filter ? "))" : ")))");
    return CH_OK;
}

static int type_map_zip(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(need_kind(scope, e, 0, "map", err));
    CH_TRY(need_kind(scope, e, 1, "map", err));
    const ch_type *l = e->u.call.args[0]->type, *r = e->u.call.args[1]->type;
    const ch_type *key = ch_common_type(scope->arena, l->fields[0].type, r->fields[0].type);
    if (!key) {
        return ch_mismatch(scope, err, "MAP_ZIP_WITH_DIFF_TYPES", e, "functionName", "`map_zip_with`", "leftType",
                           ch_quote_type(scope->arena, l->fields[0].type), "rightType",
                           ch_quote_type(scope->arena, r->fields[0].type), (char *)NULL);
    }
    e->u.call.args[0] = ch_coerce(scope->arena, e->u.call.args[0],
                                  ch_type_map(scope->arena, key, l->fields[1].type, l->fields[1].nullable));
    e->u.call.args[1] = ch_coerce(scope->arena, e->u.call.args[1],
                                  ch_type_map(scope->arena, key, r->fields[1].type, r->fields[1].nullable));
    CH_TRY(bind(scope, e, 2, 3, (const ch_type *[]){key, l->fields[1].type, r->fields[1].type},
                (const bool[]){false, true, true}, err));
    e->type = ch_type_map(scope->arena, key, e->u.call.args[2]->type, e->u.call.args[2]->nullable);
    e->nullable = e->u.call.args[0]->nullable || e->u.call.args[1]->nullable;
    return CH_OK;
}

static int write_map_zip(ch_writer *w, const ch_expr *e)
{
    int d = w->depth;
    char key[24];
    snprintf(key, sizeof key, "k%d", d);
    ch_buf values[2] = {{0}, {0}};
    int status = CH_OK;
    for (size_t i = 0; i < 2 && !status; i++) {
        ch_writer inner = {.sql = &values[i], .err = w->err, .variables = w->variables, .depth = w->depth};
        status = ch_write_node(&inner, e->u.call.args[i]);
        ch_buf_printf(&values[i], "[%s]", key);
    }
    if (!status) {
        status = ch_write_template(w, e,
                                   "map_from_entries(list_transform(list_select((map_keys($1) || map_keys($2)), "
                                   "ch_distinct_at((map_keys($1) || map_keys($2)))), ");
    }
    ch_buf_printf(w->sql, "lambda %s: struct_pack(\"key\" := %s, \"value\" := ", key, key);
    if (!status) {
        status = write_body(w, e->u.call.args[2], 3,
                            (const char *[]){key, ch_buf_text(&values[0]), ch_buf_text(&values[1])});
    }
    ch_buf_str(w->sql, ")))");
    ch_buf_reset(&values[0]);
    ch_buf_reset(&values[1]);
    return status;
}

/* ---- array_sort ---- */

/* Without a comparator NULLs go last. Spark shows the comparator it makes up. */
static int type_array_sort(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(need_kind(scope, e, 0, "array", err));
    const ch_type *t = e->u.call.args[0]->type;
    e->type = t;
    e->nullable = e->u.call.args[0]->nullable;
    if (e->u.call.n == 1) {
        if (ch_type_orderable(t)) return CH_OK;
        return ch_mismatch(scope, err, "INVALID_ORDERING_TYPE", e, "functionName", "`array_sort`", "dataType",
                           ch_quote_type(scope->arena, t->fields[0].type), (char *)NULL);
    }
    return ch_raise(err, "UNSUPPORTED_FEATURE", "feature", "array_sort with a comparator", (char *)NULL);
}

static void print_array_sort(ch_buf *out, const ch_expr *e)
{
    ch_buf_str(out, "array_sort(");
    ch_print_expr(out, e->u.call.args[0]);
    const char *v = "namedlambdavariable()";
    ch_buf_printf(out,
                  ", lambdafunction((IF(((%s IS NULL) AND (%s IS NULL)), 0, (IF((%s IS NULL), 1, (IF((%s IS NULL), -1, "
                  "(IF((%s < %s), -1, (IF((%s > %s), 1, 0)))))))))), %s, %s))",
                  v, v, v, v, v, v, v, v, v, v);
}

#define HIGHER(name_, n_, type_, write_)                                                                               \
    {                                                                                                                  \
        .name = name_, .min_args = n_, .max_args = n_, .type = type_, .write = write_, .flags = CH_FN_HIGHER_ORDER     \
    }

const ch_function ch_functions_higher[] = {
    HIGHER("transform", 2, type_each, write_each),
    HIGHER("filter", 2, type_each, write_each),
    HIGHER("exists", 2, type_each, write_each),
    HIGHER("forall", 2, type_each, write_each),
    {.name = "aggregate",
     .min_args = 3,
     .max_args = 4,
     .type = type_aggregate,
     .write = write_aggregate,
     .flags = CH_FN_HIGHER_ORDER},
    {.name = "reduce",
     .min_args = 3,
     .max_args = 4,
     .type = type_aggregate,
     .write = write_aggregate,
     .flags = CH_FN_HIGHER_ORDER},
    HIGHER("zip_with", 3, type_zip_with, write_zip_with),
    HIGHER("transform_keys", 2, type_map_each, write_map_each),
    HIGHER("transform_values", 2, type_map_each, write_map_each),
    HIGHER("map_filter", 2, type_map_each, write_map_each),
    HIGHER("map_zip_with", 3, type_map_zip, write_map_zip),
    {.name = "array_sort",
     .min_args = 1,
     .max_args = 2,
     .type = type_array_sort,
     .sql = "list_sort($1, 'ASC', 'NULLS LAST')",
     .print = print_array_sort,
     .flags = CH_FN_HIGHER_ORDER},
    {.name = NULL},
};
