/* functions_json.c: JSON text into values and back. */
#include "frame/analyze/resolve.h"
#include "frame/plan/parse.h"
#include "frame/text/json_value.h"

#include <stdlib.h>
#include <string.h>

/* ---- from_json: a native function, since its result may have any type ---- */

typedef struct reader {
    ch_arena *arena;
    const ch_type *type;
    const ch_timezone *zone;
} reader;

static int read_rows(const void *state, const ch_batch *in, ch_column *out, ch_error *err)
{
    const reader *r = state;
    const ch_column *text = &in->cols[0];
    const ch_string *strings = text->data;
    for (size_t i = 0; i < in->rows; i++) {
        bool there = ch_column_valid(text, i);
        const char *bytes = there ? ch_string_data(&strings[i]) : "";
        CH_TRY(ch_json_read(out, i, bytes, there ? ch_string_len(&strings[i]) : 0, r->zone, err));
        if (!there) ch_column_set_null(out, i);
    }
    return CH_OK;
}

static void free_reader(void *state)
{
    reader *r = state;
    ch_arena_free(r->arena);
    free(r);
}

/* The schema is DDL or JSON text. */
static int read_schema(ch_scope *scope, const ch_expr *e, const ch_type **type, ch_error *err)
{
    const char *text = ch_fold_string(scope->arena, e->u.call.args[1]);
    if (!text) {
        return ch_raise(err, "INVALID_SCHEMA.NON_STRING_LITERAL", "inputSchema",
                        ch_quote_expr(scope->arena, e->u.call.args[1]), (char *)NULL);
    }
    while (*text == ' ') text++;
    if (*text == '{') return ch_type_from_json(scope->arena, text, strlen(text), type, err);
    return ch_parse_type(scope->arena, text, type, err);
}

/* All that is read may be missing. */
static const ch_type *all_nullable(ch_arena *arena, const ch_type *t)
{
    if (!t->nfield) return t;
    ch_type *copy = CH_NEW(arena, ch_type);
    ch_field *fields = CH_NEW_ARRAY(arena, ch_field, t->nfield);
    for (size_t i = 0; i < t->nfield; i++) {
        fields[i] = t->fields[i];
        fields[i].type = all_nullable(arena, t->fields[i].type);
        fields[i].nullable = !(t->kind == CH_MAP && i == 0);
    }
    *copy = *t;
    copy->fields = fields;
    return copy;
}

static int type_from_json(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_type *type;
    CH_TRY(ch_coerce_argument(scope, e, 0, "string", err));
    CH_TRY(read_schema(scope, e, &type, err));
    reader *r = calloc(1, sizeof *r);
    if (!r) return ch_no_memory(err);
    r->arena = ch_arena_new();
    r->type = ch_type_copy(r->arena, all_nullable(scope->arena, type));
    r->zone = ch_timezone_find(ch_scope_zone(scope));
    if (!r->zone) r->zone = ch_timezone_utc();
    ch_native *fn = ch_native_new("from_json", r->type, read_rows, r, free_reader);
    if (!fn) {
        free_reader(r);
        return ch_no_memory(err);
    }
    ch_expr *native = ch_expr_new(scope->arena, CH_EX_NATIVE), **args = CH_NEW_ARRAY(scope->arena, ch_expr *, 2);
    native->u.native.fn = ch_native_hold(scope->arena, fn);
    ch_native_release(fn);
    native->u.native.n = 1;
    native->u.native.args = CH_NEW_ARRAY(scope->arena, ch_expr *, 1);
    native->u.native.args[0] = e->u.call.args[0];
    native->type = all_nullable(scope->arena, type);
    native->nullable = true;
    args[0] = e->u.call.args[0];
    args[1] = native;
    e->u.call.args = args;
    e->u.call.n = 2;
    e->type = native->type;
    e->nullable = true;
    return CH_OK;
}

/* ---- to_json ---- */

static int type_to_json(ch_scope *scope, ch_expr *e, ch_error *err)
{
    const ch_type *t = e->u.call.args[0]->type;
    bool nested = t->kind == CH_ARRAY || t->kind == CH_MAP || t->kind == CH_STRUCT;
    if (!nested) {
        return ch_mismatch(scope, err, "INVALID_JSON_SCHEMA", e, "schema", ch_quote_type(scope->arena, t),
                           (char *)NULL);
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
    ch_write_zone(w->sql, e->zone);
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
    {.name = "to_json",
     .min_args = 1,
     .max_args = 2,
     .type = type_to_json,
     .write = write_to_json,
     .print = print_first},
    {.name = "from_json", .min_args = 2, .max_args = 3, .type = type_from_json, .sql = "$2", .print = print_first},
    {.name = "get_json_object",
     .types = "string, string > string",
     .nulls = CH_NULL_ALWAYS,
     .sql = "ch_get_json_object($1, $2)"},
    {.name = "json_array_length", .types = "string > int", .nulls = CH_NULL_ALWAYS, .sql = "ch_json_array_length($1)"},
    {.name = "json_object_keys",
     .types = "string > array<string>",
     .nulls = CH_NULL_ALWAYS,
     .sql = "ch_json_object_keys($1)"},
    {.name = NULL},
};
