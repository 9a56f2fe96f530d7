/* functions_collection.c: arrays, maps and structs. Functions that pick elements do it by lists of positions which C
 * functions compute (udf_list.c), so that they work for elements of any type. */
#include "frame/analyze/resolve.h"

#include <stdio.h>
#include <string.h>

/* ---- building ---- */

static int type_array(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_type *t = &ch_type_null;
    CH_TRY(ch_unify_arguments(scope, e, 0, 1, true, &t, err));
    e->type = ch_type_array(scope->arena, t, ch_any_nullable(e));
    e->nullable = false;
    return CH_OK;
}

static int write_array(ch_writer *w, const ch_expr *e)
{
    if (e->u.call.n == 0) return ch_write_template(w, e, "CAST([] AS $t)");
    return ch_write_template(w, e, "[$*]");
}

static int diff_types(ch_scope *scope, const ch_expr *e, size_t from, const char *sub, ch_error *err)
{
    ch_buf types = {0};
    ch_buf_char(&types, '[');
    for (size_t i = from; i < e->u.call.n; i += 2)
        ch_buf_printf(&types, "%s%s", i > from ? ", " : "", ch_quote_type(scope->arena, e->u.call.args[i]->type));
    ch_buf_char(&types, ']');
    int status =
        ch_mismatch(scope, err, sub, e, "functionName", "`map`", "dataType", ch_buf_text(&types), (char *)NULL);
    ch_buf_reset(&types);
    return status;
}

static int odd_arguments(ch_scope *scope, const ch_expr *e, ch_error *err)
{
    return ch_raise(err, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "functionName",
                    ch_backquoted(scope->arena, e->u.call.fn->name), "expectedNum", "2n (n > 0)", "actualNum",
                    ch_arena_printf(scope->arena, "%zu", e->u.call.n), (char *)NULL);
}

static int type_map(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.n % 2) return odd_arguments(scope, e, err);
    const ch_type *types[2] = {&ch_type_null, &ch_type_null};
    bool nullable = false;
    for (size_t part = 0; part < 2; part++) {
        for (size_t i = part; i < e->u.call.n && types[part]; i += 2)
            types[part] = ch_scope_common_type(scope, types[part], e->u.call.args[i]->type);
        if (!types[part])
            return diff_types(scope, e, part, part ? "CREATE_MAP_VALUE_DIFF_TYPES" : "CREATE_MAP_KEY_DIFF_TYPES", err);
        for (size_t i = part; i < e->u.call.n; i += 2) {
            e->u.call.args[i] = ch_coerce(scope->arena, e->u.call.args[i], types[part]);
            if (part) nullable = nullable || e->u.call.args[i]->nullable;
        }
    }
    if (types[0]->kind == CH_MAP)
        return ch_mismatch(scope, err, "INVALID_MAP_KEY_TYPE", e, "keyType", ch_quote_type(scope->arena, types[0]),
                           (char *)NULL);
    e->type = ch_type_map(scope->arena, types[0], types[1], nullable);
    e->nullable = false;
    return CH_OK;
}

static int write_map(ch_writer *w, const ch_expr *e)
{
    if (e->u.call.n == 0) return ch_write_template(w, e, "CAST(map([], []) AS $t)");
    for (size_t part = 0; part < 2; part++) {
        ch_buf_str(w->sql, part ? "], [" : "map([");
        for (size_t i = part; i < e->u.call.n; i += 2) {
            if (i > part) ch_buf_str(w->sql, ", ");
            CH_TRY(ch_write_node(w, e->u.call.args[i]));
        }
    }
    ch_buf_str(w->sql, "])");
    return CH_OK;
}

/* Arguments are name, value, name, value ...; struct() gets its names from resolve_call.c. */
static int type_struct(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.n % 2) return odd_arguments(scope, e, err);
    size_t n = e->u.call.n / 2;
    ch_field *fields = CH_NEW_ARRAY(scope->arena, ch_field, n);
    for (size_t i = 0; i < n; i++) {
        const char *name = ch_fold_string(scope->arena, e->u.call.args[2 * i]);
        const ch_expr *value = e->u.call.args[2 * i + 1];
        if (!name) {
            return ch_mismatch(
                scope, err, "CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING", e, "inputExprs",
                ch_arena_printf(scope->arena, "[%s]", ch_quote_expr(scope->arena, e->u.call.args[2 * i])),
                (char *)NULL);
        }
        fields[i] = (ch_field){.name = name, .type = value->type, .nullable = value->nullable};
        if (value->kind == CH_EX_COLUMN) {
            const ch_attr *attr = ch_scope_attr(scope, value->u.column.id);
            if (attr) fields[i].metadata = attr->metadata;
        }
    }
    e->type = ch_type_struct(scope->arena, fields, n);
    e->nullable = false;
    return CH_OK;
}

static int write_struct(ch_writer *w, const ch_expr *e)
{
    ch_buf_str(w->sql, "struct_pack(");
    for (size_t i = 0; i < e->type->nfield; i++) {
        if (i) ch_buf_str(w->sql, ", ");
        ch_field_duckdb(w->sql, e->type, i);
        ch_buf_str(w->sql, " := ");
        CH_TRY(ch_write_node(w, e->u.call.args[2 * i + 1]));
    }
    ch_buf_char(w->sql, ')');
    return CH_OK;
}

/* struct(k AS x, l): a name shows where it is not the value's own. */
static void print_struct(ch_buf *out, const ch_expr *e)
{
    ch_buf_str(out, "struct(");
    for (size_t i = 0; i + 1 < e->u.call.n; i += 2) {
        const ch_expr *name = e->u.call.args[i], *value = e->u.call.args[i + 1];
        if (i) ch_buf_str(out, ", ");
        ch_print_expr(out, value);
        if (name->kind != CH_EX_LITERAL || name->u.literal.is_null) continue;
        const char *own = value->kind == CH_EX_COLUMN  ? value->u.column.name
                          : value->kind == CH_EX_FIELD ? value->u.field.name
                                                       : NULL;
        char numbered[24];
        snprintf(numbered, sizeof numbered, "col%zu", i / 2 + 1);
        if (!own) own = numbered;
        size_t len = name->u.literal.v.bytes.len;
        if (strlen(own) == len && memcmp(own, name->u.literal.v.bytes.data, len) == 0) continue;
        ch_buf_str(out, " AS ");
        ch_buf_add(out, name->u.literal.v.bytes.data, len);
    }
    ch_buf_char(out, ')');
}

/* The struct, its fields by now, and the changes as names show them (resolve_extract.c). */
static int type_update_fields(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)scope;
    (void)err;
    e->type = e->u.call.args[1]->type;
    e->nullable = e->u.call.args[0]->nullable;
    return CH_OK;
}

static void print_update_fields(ch_buf *out, const ch_expr *e)
{
    ch_buf_str(out, "update_fields(");
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_printf(out, ", %s)", (const char *)e->u.call.args[2]->u.literal.v.bytes.data);
}

/* Without its seed. */
static void print_shuffle(ch_buf *out, const ch_expr *e)
{
    ch_buf_str(out, "shuffle(");
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_char(out, ')');
}

/* ---- taking out ---- */

static void print_item(ch_buf *out, const ch_expr *e)
{
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_char(out, '[');
    ch_print_expr(out, e->u.call.args[1]);
    ch_buf_char(out, ']');
}

static int type_item(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 1, "integral", err));
    e->type = e->u.call.args[0]->type->fields[0].type;
    /* Spark knows better only for array(a, b)[1]; the column counts as nullable otherwise */
    e->nullable = true;
    return CH_OK;
}

static int write_item(ch_writer *w, const ch_expr *e)
{
    return ch_write_template(w, e,
                             e->u.call.lenient ? "CASE WHEN $2 >= 0 THEN $1[CAST($2 AS BIGINT) + 1] END"
                                               : "$1[ch_array_index($2, len($1), 0)]");
}

static int type_pivot_at(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)scope;
    (void)err;
    e->type = e->u.call.args[0]->type->fields[0].type;
    e->nullable = true;
    return CH_OK;
}

static int type_map_value(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_type *map = e->u.call.args[0]->type;
    ch_expr *key = e->u.call.args[1];
    const ch_type *common = ch_common_type(scope->arena, map->fields[0].type, key->type);
    if (!common || !ch_can_cast(key->type, map->fields[0].type, CH_CAST_ANSI)) {
        return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", "second", "requiredType",
                           ch_quote_type(scope->arena, map->fields[0].type), "inputSql",
                           ch_quote_expr(scope->arena, key), "inputType", ch_quote_type(scope->arena, key->type),
                           (char *)NULL);
    }
    e->u.call.args[1] = ch_coerce(scope->arena, key, map->fields[0].type);
    e->type = map->fields[1].type;
    e->nullable = true;
    return CH_OK;
}

static int type_element_at(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "array|map", err));
    if (e->u.call.args[0]->type->kind == CH_MAP) return type_map_value(scope, e, err);
    if (e->u.call.args[1]->type->kind != CH_INT) {
        bool integral = ch_type_is_integral(e->u.call.args[1]->type) && e->u.call.args[1]->type->kind != CH_LONG;
        if (!integral && e->u.call.args[1]->type->kind != CH_NULL) {
            return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", "second", "requiredType",
                               "\"INT\"", "inputSql", ch_quote_expr(scope->arena, e->u.call.args[1]), "inputType",
                               ch_quote_type(scope->arena, e->u.call.args[1]->type), (char *)NULL);
        }
        e->u.call.args[1] = ch_coerce(scope->arena, e->u.call.args[1], &ch_type_int);
    }
    e->type = e->u.call.args[0]->type->fields[0].type;
    e->nullable = true;
    return CH_OK;
}

static int write_element_at(ch_writer *w, const ch_expr *e)
{
    if (e->u.call.args[0]->type->kind == CH_MAP) return ch_write_template(w, e, "$1[$2]");
    bool is_try = e->u.call.fn->name[0] == 't' || e->u.call.lenient;
    return ch_write_template(w, e,
                             is_try ? "$1[ch_element_index($2, len($1), 0)]" : "$1[ch_element_index($2, len($1), 1)]");
}

/* ---- arrays ---- */

static int wrong_element(ch_scope *scope, const ch_expr *e, ch_error *err)
{
    return ch_mismatch(scope, err, "ARRAY_FUNCTION_DIFF_TYPES", e, "functionName",
                       ch_backquoted(scope->arena, e->u.call.fn->name), "dataType", "\"ARRAY\"", "leftType",
                       ch_quote_type(scope->arena, e->u.call.args[0]->type), "rightType",
                       ch_quote_type(scope->arena, e->u.call.args[1]->type), (char *)NULL);
}

/* f(array, element): both meet in a common element type. */
static int meet_element(ch_scope *scope, ch_expr *e, size_t element, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "array", err));
    ch_expr *array = e->u.call.args[0], *value = e->u.call.args[element];
    const ch_field *field = &array->type->fields[0];
    const ch_type *common = ch_wider_type_no_string(scope->arena, field->type, value->type);
    if (!common) return wrong_element(scope, e, err);
    e->u.call.args[0] =
        ch_coerce(scope->arena, array,
                  ch_type_array(scope->arena, common, field->nullable || ch_cast_nullable(field->type, common)));
    e->u.call.args[element] = ch_coerce(scope->arena, value, common);
    return CH_OK;
}

static int type_contains(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.args[1]->type->kind == CH_NULL) {
        return ch_mismatch(scope, err, "NULL_TYPE", e, "functionName", ch_backquoted(scope->arena, e->u.call.fn->name),
                           (char *)NULL);
    }
    CH_TRY(meet_element(scope, e, 1, err));
    bool position = strcmp(e->u.call.fn->name, "array_position") == 0;
    e->type = position ? &ch_type_long : &ch_type_boolean;
    e->nullable = ch_any_nullable(e) || (!position && e->u.call.args[0]->type->fields[0].nullable);
    return CH_OK;
}

static int write_contains(ch_writer *w, const ch_expr *e)
{
    if (!e->u.call.args[0]->type->fields[0].nullable) return ch_write_template(w, e, "list_contains($1, $2)");
    return ch_write_template(w, e,
                             "CASE WHEN list_contains($1, $2) THEN true "
                             "WHEN list_count($1) < len($1) THEN NULL ELSE list_contains($1, $2) END");
}

/* f(array, element) -> array of the common type. */
static int type_with_element(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const char *name = e->u.call.fn->name;
    size_t element = strcmp(name, "array_insert") == 0 ? 2 : 1;
    CH_TRY(meet_element(scope, e, element, err));
    if (element == 2) CH_TRY(ch_coerce_argument(scope, e, 1, "int", err));
    const ch_type *t = e->u.call.args[0]->type;
    bool remove = strcmp(name, "array_remove") == 0;
    bool nulls = t->fields[0].nullable || (!remove && e->u.call.args[element]->nullable) || element == 2;
    e->type = ch_type_array(scope->arena, t->fields[0].type, nulls);
    e->nullable = e->u.call.args[0]->nullable || (remove && e->u.call.args[1]->nullable) ||
                  (element == 2 && e->u.call.args[1]->nullable);
    return CH_OK;
}

/* f(array, array): element types meet. */
static int type_two_arrays(ch_scope *scope, ch_expr *e, ch_error *err)
{
    for (size_t i = 0; i < 2; i++) CH_TRY(ch_coerce_argument(scope, e, i, "array", err));
    const ch_type *l = e->u.call.args[0]->type, *r = e->u.call.args[1]->type;
    const ch_type *common = ch_wider_type_no_string(scope->arena, l, r);
    if (!common) {
        return ch_mismatch(scope, err, "BINARY_ARRAY_DIFF_TYPES", e, "functionName",
                           ch_backquoted(scope->arena, e->u.call.fn->name), "arrayType", "\"ARRAY\"", "leftType",
                           ch_quote_type(scope->arena, l), "rightType", ch_quote_type(scope->arena, r), (char *)NULL);
    }
    bool nulls[2] = {l->fields[0].nullable, r->fields[0].nullable};
    for (size_t i = 0; i < 2; i++) e->u.call.args[i] = ch_coerce(scope->arena, e->u.call.args[i], common);
    const char *name = e->u.call.fn->name;
    if (strcmp(name, "arrays_overlap") == 0) {
        e->type = &ch_type_boolean;
        e->nullable = ch_any_nullable(e) || nulls[0] || nulls[1];
        return CH_OK;
    }
    bool contains = strcmp(name, "array_union") == 0       ? nulls[0] || nulls[1]
                    : strcmp(name, "array_intersect") == 0 ? nulls[0] && nulls[1]
                                                           : nulls[0];
    e->type = ch_type_array(scope->arena, common->fields[0].type, contains);
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

static int write_overlap(ch_writer *w, const ch_expr *e)
{
    const ch_expr *const *args = (const ch_expr *const *)e->u.call.args;
    if (!args[0]->type->fields[0].nullable && !args[1]->type->fields[0].nullable)
        return ch_write_template(w, e, "list_has_any($1, $2)");
    return ch_write_template(w, e,
                             "CASE WHEN list_has_any($1, $2) THEN true WHEN len($1) > 0 AND len($2) > 0 AND "
                             "(list_count($1) < len($1) OR list_count($2) < len($2)) THEN NULL "
                             "ELSE list_has_any($1, $2) END");
}

static int need_orderable(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_type *t = e->u.call.args[0]->type;
    if (ch_type_orderable(t)) return CH_OK;
    return ch_mismatch(scope, err, "INVALID_ORDERING_TYPE", e, "functionName",
                       ch_backquoted(scope->arena, e->u.call.fn->name), "dataType",
                       ch_quote_type(scope->arena, t->fields[0].type), (char *)NULL);
}

static int type_ordered(ch_scope *scope, ch_expr *e, ch_error *err)
{
    return need_orderable(scope, e, err);
}

static int type_sort_array(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.n == 1) {
        e->u.call.args = ch_arena_grow(scope->arena, e->u.call.args, sizeof(ch_expr *), 1, 2);
        e->u.call.args[e->u.call.n++] = ch_expr_bool(scope->arena, true);
    }
    return need_orderable(scope, e, err);
}

static int write_sort_array(ch_writer *w, const ch_expr *e)
{
    ch_literal ascending;
    if (ch_fold(NULL, e->u.call.args[1], &ascending) && !ascending.is_null && ascending.type->kind == CH_BOOLEAN) {
        return ch_write_template(
            w, e, ascending.v.boolean ? "list_sort($1, 'ASC', 'NULLS FIRST')" : "list_sort($1, 'DESC', 'NULLS LAST')");
    }
    return ch_write_template(w, e,
                             "CASE WHEN $2 THEN list_sort($1, 'ASC', 'NULLS FIRST') "
                             "ELSE list_sort($1, 'DESC', 'NULLS LAST') END");
}

static int type_flatten(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_type *t = e->u.call.args[0]->type;
    if (t->fields[0].type->kind != CH_ARRAY) {
        return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", "first", "requiredType",
                           "\"ARRAY\" of \"ARRAY\"", "inputSql", ch_quote_expr(scope->arena, e->u.call.args[0]),
                           "inputType", ch_quote_type(scope->arena, t), (char *)NULL);
    }
    e->type = t->fields[0].type;
    e->nullable = e->u.call.args[0]->nullable || t->fields[0].nullable;
    return CH_OK;
}

static int type_compact(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    e->type = ch_type_array(scope->arena, e->u.call.args[0]->type->fields[0].type, false);
    return CH_OK;
}

static int type_repeat(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 1, "int", err));
    e->type = ch_type_array(scope->arena, e->u.call.args[0]->type, e->u.call.args[0]->nullable);
    e->nullable = e->u.call.args[1]->nullable;
    return CH_OK;
}

static int type_join(ch_scope *scope, ch_expr *e, ch_error *err)
{
    for (size_t i = 1; i < e->u.call.n; i++) CH_TRY(ch_coerce_argument(scope, e, i, "string", err));
    CH_TRY(ch_coerce_argument(scope, e, 0, "array<string>", err));
    e->type = &ch_type_string;
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

/* ---- sequence ---- */

static bool is_temporal(const ch_type *t)
{
    return t->kind == CH_DATE || t->kind == CH_TIMESTAMP || t->kind == CH_TIMESTAMP_NTZ;
}

static int type_sequence(ch_scope *scope, ch_expr *e, ch_error *err)
{
    ch_expr **args = e->u.call.args;
    const ch_type *common = ch_common_type(scope->arena, args[0]->type, args[1]->type);
    bool interval = e->u.call.n > 2 &&
                    (args[2]->type->kind == CH_INTERVAL_DAY_TIME || args[2]->type->kind == CH_INTERVAL_YEAR_MONTH ||
                     args[2]->type->kind == CH_INTERVAL_CALENDAR);
    bool numbers = common && ch_type_is_integral(common);
    if (numbers && e->u.call.n > 2) common = ch_common_type(scope->arena, common, args[2]->type);
    numbers = common && ch_type_is_integral(common);
    if (!numbers && !(common && is_temporal(common) && (interval || e->u.call.n == 2))) {
        return ch_mismatch(scope, err, "SEQUENCE_WRONG_INPUT_TYPES", e, "functionName", "`sequence`", "startType",
                           "(\"TIMESTAMP\" or \"TIMESTAMP_NTZ\" or \"DATE\")", "stepType",
                           "(\"INTERVAL\" or \"INTERVAL YEAR TO MONTH\" or \"INTERVAL DAY TO SECOND\")",
                           "otherStartType", "\"INTEGRAL\"", (char *)NULL);
    }
    for (size_t i = 0; i < (numbers ? e->u.call.n : 2); i++) args[i] = ch_coerce(scope->arena, args[i], common);
    e->type = ch_type_array(scope->arena, common, false);
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

static int write_sequence(ch_writer *w, const ch_expr *e)
{
    bool step = e->u.call.n > 2;
    switch (e->type->fields[0].type->kind) {
    case CH_DATE:
        return ch_write_template(
            w, e,
            step ? "CAST(ch_sequence_time(CAST($1 AS TIMESTAMP), CAST($2 AS TIMESTAMP), $3) AS DATE[])"
                 : "CAST(ch_sequence_time(CAST($1 AS TIMESTAMP), CAST($2 AS TIMESTAMP), to_days(CASE WHEN $2 < $1 THEN "
                   "-1 ELSE 1 END)) AS DATE[])");
    case CH_TIMESTAMP_NTZ:
        return ch_write_template(w, e,
                                 step ? "ch_sequence_time($1, $2, $3)"
                                      : "ch_sequence_time($1, $2, to_days(CASE WHEN $2 < $1 THEN -1 ELSE 1 END))");
    case CH_TIMESTAMP:
        return ch_write_template(w, e,
                                 step ? "list_transform(ch_sequence_time($L1, $L2, $3), lambda t: ch_instant(t, $z))"
                                      : "list_transform(ch_sequence_time($L1, $L2, to_days(CASE WHEN $2 < $1 THEN -1 "
                                        "ELSE 1 END)), lambda t: ch_instant(t, $z))");
    case CH_LONG:
        return ch_write_template(w, e,
                                 step ? "ch_sequence($1, $2, $3)"
                                      : "ch_sequence($1, $2, CAST(CASE WHEN $2 < $1 THEN -1 ELSE 1 END AS BIGINT))");
    default:
        return ch_write_template(
            w, e,
            step ? "CAST(ch_sequence($1, $2, $3) AS $t)"
                 : "CAST(ch_sequence($1, $2, CAST(CASE WHEN $2 < $1 THEN -1 ELSE 1 END AS BIGINT)) AS $t)");
    }
}

/* arrays_zip(a, b, ...): structs named after the arguments. */
static int type_zip(ch_scope *scope, ch_expr *e, ch_error *err)
{
    size_t n = e->u.call.n;
    ch_field *fields = CH_NEW_ARRAY(scope->arena, ch_field, n);
    for (size_t i = 0; i < n; i++) {
        CH_TRY(ch_coerce_argument(scope, e, i, "array", err));
        const ch_expr *a = e->u.call.args[i];
        const char *name = a->kind == CH_EX_COLUMN  ? a->u.column.name
                           : a->kind == CH_EX_FIELD ? a->u.field.name
                                                    : ch_arena_printf(scope->arena, "%zu", i);
        fields[i] = (ch_field){.name = name, .type = a->type->fields[0].type, .nullable = true};
    }
    e->type = ch_type_array(scope->arena, ch_type_struct(scope->arena, fields, n), false);
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

static int write_zip(ch_writer *w, const ch_expr *e)
{
    const ch_type *row = e->type->fields[0].type;
    ch_buf_str(w->sql, "CASE WHEN ");
    for (size_t i = 0; i < e->u.call.n; i++) {
        if (i) ch_buf_str(w->sql, " AND ");
        CH_TRY(ch_write_node(w, e->u.call.args[i]));
        ch_buf_str(w->sql, " IS NOT NULL");
    }
    CH_TRY(ch_write_template(w, e, " THEN list_transform(list_zip($*), "));
    ch_buf_printf(w->sql, "lambda z%d: struct_pack(", w->depth);
    for (size_t i = 0; i < row->nfield; i++) {
        if (i) ch_buf_str(w->sql, ", ");
        ch_field_duckdb(w->sql, row, i);
        ch_buf_printf(w->sql, " := z%d[%zu]", w->depth, i + 1);
    }
    ch_buf_str(w->sql, ")) END");
    return CH_OK;
}

static int type_slice(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    (void)scope;
    e->type = e->u.call.args[0]->type;
    return CH_OK;
}

static int type_size(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "array|map", err));
    e->type = &ch_type_int;
    e->nullable = e->u.call.args[0]->nullable;
    return CH_OK;
}

static int write_size(ch_writer *w, const ch_expr *e)
{
    bool map = e->u.call.args[0]->type->kind == CH_MAP;
    return ch_write_template(w, e, map ? "CAST(cardinality($1) AS INTEGER)" : "CAST(len($1) AS INTEGER)");
}

/* ---- maps ---- */

static int type_map_parts(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "map", err));
    const ch_type *map = e->u.call.args[0]->type;
    const char *name = e->u.call.fn->name;
    if (strcmp(name, "map_keys") == 0) {
        e->type = ch_type_array(scope->arena, map->fields[0].type, false);
    } else if (strcmp(name, "map_values") == 0) {
        e->type = ch_type_array(scope->arena, map->fields[1].type, map->fields[1].nullable);
    } else {
        ch_field fields[2] = {map->fields[0], map->fields[1]};
        fields[0].name = "key";
        fields[0].nullable = false;
        fields[1].name = "value";
        e->type = ch_type_array(scope->arena, ch_type_struct(scope->arena, fields, 2), false);
    }
    e->nullable = e->u.call.args[0]->nullable;
    return CH_OK;
}

static int type_contains_key(ch_scope *scope, ch_expr *e, ch_error *err)
{
    CH_TRY(ch_coerce_argument(scope, e, 0, "map", err));
    CH_TRY(type_map_value(scope, e, err));
    e->type = &ch_type_boolean;
    e->nullable = true;
    return CH_OK;
}

static int type_map_concat(ch_scope *scope, ch_expr *e, ch_error *err)
{
    if (e->u.call.n == 0) {
        e->type = ch_type_map(scope->arena, &ch_type_string, &ch_type_string, false);
        e->nullable = false;
        return CH_OK;
    }
    for (size_t i = 0; i < e->u.call.n; i++) CH_TRY(ch_coerce_argument(scope, e, i, "map", err));
    CH_TRY(ch_unify_arguments(scope, e, 0, 1, true, &e->type, err));
    e->nullable = ch_any_nullable(e);
    return CH_OK;
}

static int write_map_concat(ch_writer *w, const ch_expr *e)
{
    if (e->u.call.n == 0) return ch_write_template(w, e, "CAST(map([], []) AS $t)");
    ch_buf_str(w->sql, "map_from_entries(");
    for (size_t i = 0; i < e->u.call.n; i++) {
        ch_buf_str(w->sql, i ? " || map_entries(" : "map_entries(");
        CH_TRY(ch_write_node(w, e->u.call.args[i]));
        ch_buf_char(w->sql, ')');
    }
    ch_buf_char(w->sql, ')');
    return CH_OK;
}

static int type_from_arrays(ch_scope *scope, ch_expr *e, ch_error *err)
{
    (void)err;
    const ch_type *k = e->u.call.args[0]->type, *v = e->u.call.args[1]->type;
    e->type = ch_type_map(scope->arena, k->fields[0].type, v->fields[0].type, v->fields[0].nullable);
    return CH_OK;
}

static int type_from_entries(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_type *t = e->u.call.args[0]->type, *row = t->fields[0].type;
    if (row->kind != CH_STRUCT || row->nfield != 2) {
        return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", e, "paramIndex", "first", "requiredType",
                           "\"ARRAY\" of pair \"STRUCT\"", "inputSql", ch_quote_expr(scope->arena, e->u.call.args[0]),
                           "inputType", ch_quote_type(scope->arena, t), (char *)NULL);
    }
    e->type = ch_type_map(scope->arena, row->fields[0].type, row->fields[1].type, row->fields[1].nullable);
    e->nullable = e->u.call.args[0]->nullable || t->fields[0].nullable;
    return CH_OK;
}

#define ROW(name_, types_, sql_)                                                                                       \
    {                                                                                                                  \
        .name = name_, .types = types_, .sql = sql_                                                                    \
    }
#define SIZE(name_)                                                                                                    \
    {                                                                                                                  \
        .name = name_, .min_args = 1, .max_args = 1, .type = type_size, .write = write_size                            \
    }
#define SETS(name_, sql_)                                                                                              \
    {                                                                                                                  \
        .name = name_, .min_args = 2, .max_args = 2, .type = type_two_arrays, .sql = sql_                              \
    }
#define PARTS(name_, sql_)                                                                                             \
    {                                                                                                                  \
        .name = name_, .min_args = 1, .max_args = 1, .type = type_map_parts, .sql = sql_                               \
    }

const ch_function ch_functions_collection[] = {
    {.name = "array", .min_args = 0, .max_args = -1, .type = type_array, .write = write_array},
    {.name = "map", .min_args = 0, .max_args = -1, .type = type_map, .write = write_map},
    {.name = "struct",
     .min_args = 0,
     .max_args = -1,
     .type = type_struct,
     .write = write_struct,
     .print = print_struct},
    {.name = "named_struct", .min_args = 0, .max_args = -1, .type = type_struct, .write = write_struct},
    {.name = "update_fields",
     .min_args = 3,
     .max_args = 3,
     .type = type_update_fields,
     .sql = "CASE WHEN $1 IS NULL THEN NULL ELSE $2 END",
     .print = print_update_fields,
     .flags = CH_FN_HIDDEN},
    {.name = "getarrayitem",
     .min_args = 2,
     .max_args = 2,
     .type = type_item,
     .write = write_item,
     .print = print_item,
     .flags = CH_FN_HIDDEN},
    /* many pivoted columns (expand_pivot.c): $3 of the positions $2 says where in the list $1 the value is */
    {.name = "pivot_index",
     .types = "array<int>, int > array<int>",
     .nulls = CH_NULL_ALWAYS,
     .sql = "ch_pivot_index($1, $2)",
     .flags = CH_FN_HIDDEN},
    {.name = "pivot_at",
     .min_args = 3,
     .max_args = 3,
     .type = type_pivot_at,
     .sql = "$1[$2[$3]]",
     .flags = CH_FN_HIDDEN},
    {.name = "getmapvalue", .min_args = 2, .max_args = 2, .type = type_map_value, .sql = "$1[$2]", .print = print_item},
    {.name = "get",
     .types = "array, integral > $1e",
     .nulls = CH_NULL_ALWAYS,
     .sql = "CASE WHEN $2 >= 0 THEN $1[CAST($2 AS BIGINT) + 1] END"},
    {.name = "element_at", .min_args = 2, .max_args = 2, .type = type_element_at, .write = write_element_at},
    {.name = "try_element_at", .min_args = 2, .max_args = 2, .type = type_element_at, .write = write_element_at},
    SIZE("size"),
    SIZE("cardinality"),
    ROW("array_size", "array > int", "CAST(len($1) AS INTEGER)"),
    {.name = "array_contains", .min_args = 2, .max_args = 2, .type = type_contains, .write = write_contains},
    {.name = "array_position",
     .min_args = 2,
     .max_args = 2,
     .type = type_contains,
     .sql = "CASE WHEN $1 IS NULL OR $2 IS NULL THEN NULL ELSE CAST(coalesce(list_position($1, $2), 0) AS BIGINT) END"},
    ROW("array_distinct", "array > $1", "list_select($1, ch_distinct_at($1))"),
    SETS("array_union", "list_select(($1 || $2), ch_distinct_at(($1 || $2)))"),
    SETS("array_intersect", "list_select($1, ch_intersect_at($1, $2))"),
    SETS("array_except", "list_select($1, ch_except_at($1, $2))"),
    {.name = "arrays_overlap", .min_args = 2, .max_args = 2, .type = type_two_arrays, .write = write_overlap},
    {.name = "array_join", .min_args = 2, .max_args = 3, .type = type_join, .sql = "ch_array_join($*)"},
    {.name = "array_max", .types = "array > $1e", .nulls = CH_NULL_ALWAYS, .type = type_ordered, .sql = "list_max($1)"},
    {.name = "array_min", .types = "array > $1e", .nulls = CH_NULL_ALWAYS, .type = type_ordered, .sql = "list_min($1)"},
    {.name = "sort_array", .types = "array, boolean? > $1", .type = type_sort_array, .write = write_sort_array},
    {.name = "array_remove",
     .min_args = 2,
     .max_args = 2,
     .type = type_with_element,
     .sql = "CASE WHEN $2 IS NOT NULL THEN list_filter($1, lambda y: y IS DISTINCT FROM $2) END"},
    {.name = "array_append", .min_args = 2, .max_args = 2, .type = type_with_element, .sql = "($1 || [$2])"},
    {.name = "array_prepend", .min_args = 2, .max_args = 2, .type = type_with_element, .sql = "([$2] || $1)"},
    {.name = "array_insert",
     .min_args = 3,
     .max_args = 3,
     .type = type_with_element,
     .sql = "list_select(($1 || [$3]), ch_insert_at(len($1), $2))"},
    {.name = "array_repeat", .min_args = 2, .max_args = 2, .type = type_repeat, .sql = "repeat([$1], greatest($2, 0))"},
    {.name = "array_compact",
     .types = "array > -",
     .type = type_compact,
     .sql = "list_filter($1, lambda y: y IS NOT NULL)"},
    {.name = "flatten",
     .types = "array > -",
     .type = type_flatten,
     .sql = "CASE WHEN list_count($1) = len($1) THEN flatten($1) END"},
    {.name = "slice",
     .types = "array, int, int > -",
     .type = type_slice,
     .sql = "list_select($1, ch_slice_at(len($1), $2, $3))"},
    {.name = "sequence", .min_args = 2, .max_args = 3, .type = type_sequence, .write = write_sequence},
    {.name = "shuffle",
     .types = "array, long? > $1",
     .sql = "list_select($1, ch_shuffle_at(len($1)))",
     .print = print_shuffle,
     .flags = CH_FN_RANDOM},
    {.name = "arrays_zip", .min_args = 1, .max_args = -1, .type = type_zip, .write = write_zip},
    PARTS("map_keys", "map_keys($1)"),
    PARTS("map_values", "map_values($1)"),
    PARTS("map_entries", "map_entries($1)"),
    {.name = "map_contains_key",
     .min_args = 2,
     .max_args = 2,
     .type = type_contains_key,
     .sql = "map_contains($1, $2)"},
    {.name = "map_concat", .min_args = 0, .max_args = -1, .type = type_map_concat, .write = write_map_concat},
    {.name = "map_from_arrays", .types = "array, array > -", .type = type_from_arrays, .sql = "map($1, $2)"},
    {.name = "map_from_entries", .types = "array > -", .type = type_from_entries, .sql = "map_from_entries($1)"},
    {.name = NULL},
};
