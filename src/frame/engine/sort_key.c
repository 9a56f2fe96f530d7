/* sort_key.c: values that the engine orders as Spark orders arrays and structs: NULLs inside of them come first. */
#include "frame/analyze/resolve.h"

#include <stdio.h>

/* Inside of structs and arrays the engine puts nulls last, Spark first. */
static bool has_inner_nulls(const ch_type *type)
{
    type = ch_type_storage(type);
    if (type->kind != CH_STRUCT && type->kind != CH_ARRAY) return false;
    for (size_t i = 0; i < type->nfield; i++) {
        if (type->fields[i].nullable || has_inner_nulls(type->fields[i].type)) return true;
    }
    return false;
}

static void write_key(ch_buf *sql, const char *value, const ch_type *type, int depth);

/* One field or element of a key: whether it is there comes before what it is. */
static void write_key_part(ch_buf *sql, const char *value, const ch_field *field, size_t at, int depth)
{
    if (field->nullable) ch_buf_printf(sql, "n%zu := %s IS NOT NULL, ", at, value);
    ch_buf_printf(sql, "v%zu := ", at);
    write_key(sql, value, field->type, depth + 1);
}

/* A value that sorts with nulls first at every level as `value` itself should. */
static void write_key(ch_buf *sql, const char *value, const ch_type *type, int depth)
{
    type = ch_type_storage(type);
    if (!has_inner_nulls(type)) {
        ch_buf_str(sql, value);
        return;
    }
    if (type->kind == CH_ARRAY) {
        char element[24];
        snprintf(element, sizeof element, "e%d_", depth);
        ch_buf_printf(sql, "list_transform(%s, lambda %s: struct_pack(", value, element);
        write_key_part(sql, element, &type->fields[0], 0, depth);
        ch_buf_str(sql, "))");
        return;
    }
    ch_buf_printf(sql, "CASE WHEN %s IS NOT NULL THEN struct_pack(", value);
    for (size_t i = 0; i < type->nfield; i++) {
        ch_buf part = {0};
        ch_buf_printf(&part, "struct_extract_at(%s, %zu)", value, i + 1);
        if (i) ch_buf_str(sql, ", ");
        write_key_part(sql, ch_buf_text(&part), &type->fields[i], i, depth);
        ch_buf_reset(&part);
    }
    ch_buf_str(sql, ") END");
}

bool ch_has_sort_key(const ch_type *type)
{
    /* vectors are told apart by their type field before any null can matter */
    return type->kind != CH_VECTOR && has_inner_nulls(type);
}

void ch_sort_key_of(ch_buf *sql, const char *value, const ch_type *type)
{
    write_key(sql, value, type, 0);
}

int ch_write_sort_key(ch_writer *w, const ch_expr *e)
{
    if (!ch_has_sort_key(e->type)) return ch_write_node(w, e);
    ch_buf value = {0};
    ch_writer inner = *w;
    inner.sql = &value;
    int status = ch_write_node(&inner, e);
    if (!status) write_key(w->sql, ch_buf_text(&value), e->type, 0);
    ch_buf_reset(&value);
    return status;
}
