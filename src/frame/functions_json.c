/* functions_json.c: JSON text into values and back. */
#include "frame/resolve.h"

#include <string.h>

static int type_to_json(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_type *t = e->u.call.args[0]->type;
    bool nested = t->kind == CH_ARRAY || t->kind == CH_MAP || t->kind == CH_STRUCT;
    if (!nested) {
        return ch_mismatch(scope, err, "INVALID_JSON_SCHEMA", e, "schema", ch_quote_type(scope->arena, t), (char *)NULL);
    }
    e->type = &ch_type_string;
    e->nullable = true;
    return CH_OK;
}

static int write_to_json(ch_writer *w, const ch_expr *e)
{
    ch_buf type = {0};
    ch_type_json(&type, e->u.call.args[0]->type);
    ch_buf_str(w->sql, "ch_to_json(");
    int status = ch_write_node(w, e->u.call.args[0]);
    ch_buf_str(w->sql, ", ");
    ch_buf_sql_string(w->sql, ch_buf_text(&type));
    ch_buf_str(w->sql, ", ");
    ch_write_zone(w->sql, e->u.call.zone);
    ch_buf_char(w->sql, ')');
    ch_buf_reset(&type);
    return status;
}

static void print_first(ch_buf *out, const ch_expr *e)
{
    ch_buf_printf(out, "%s(", e->u.call.fn->name);
    ch_print_expr(out, e->u.call.args[0]);
    ch_buf_char(out, ')');
}

const ch_function ch_functions_json[] = {
    {.name = "to_json", .min_args = 1, .max_args = 2, .type = type_to_json, .write = write_to_json, .print = print_first},
    {.name = "get_json_object", .types = "string, string > string", .nulls = CH_NULL_ALWAYS,
     .sql = "ch_get_json_object($1, $2)"},
    {.name = "json_array_length", .types = "string > int", .nulls = CH_NULL_ALWAYS, .sql = "ch_json_array_length($1)"},
    {.name = "json_object_keys", .types = "string > array<string>", .nulls = CH_NULL_ALWAYS,
     .sql = "ch_json_object_keys($1)"},
    {.name = NULL},
};
