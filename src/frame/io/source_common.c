/* source_common.c: small things every source needs. */
#include "frame/io/source_internal.h"

#include "frame/plan/parse.h"

#include <string.h>

ch_rel *ch_source_rel(ch_scope *scope, const ch_schema *schema, const char *from, const char *shown,
                      const char *identity)
{
    ch_arena *arena = scope->arena;
    ch_schema copy = ch_schema_copy(arena, schema);
    ch_rel *rel = ch_rel_new(arena, CH_REL_SOURCE, NULL, schema->n);
    rel->ordered = true;
    rel->u.source.from = from;
    rel->u.source.shown = shown;
    rel->u.source.exprs = CH_NEW_ARRAY(arena, const char *, schema->n);
    ch_hash_text(rel->fingerprint, identity);
    for (size_t i = 0; i < schema->n; i++) {
        const ch_field *field = &copy.fields[i];
        rel->cols[i] = (ch_attr){.id = (*scope->next_id)++,
                                 .name = field->name,
                                 .type = field->type,
                                 .nullable = field->nullable,
                                 .metadata = field->metadata};
        rel->u.source.exprs[i] = ch_arena_printf(arena, "c%zu", i);
    }
    return rel;
}

int ch_parse_schema(ch_arena *arena, const char *text, ch_schema *out, ch_error *err)
{
    const ch_type *type;
    size_t blank = strspn(text, " \t\r\n");
    if (text[blank] == '{' || text[blank] == '"') {
        CH_TRY(ch_type_from_json(arena, text, strlen(text), &type, err));
    } else {
        CH_TRY(ch_parse_type(arena, text, &type, err));
    }
    if (type->kind != CH_STRUCT) {
        ch_buf name = {0};
        ch_buf_char(&name, '"');
        ch_type_sql(&name, type);
        ch_buf_char(&name, '"');
        int status = ch_raise(err, "INVALID_SCHEMA.NON_STRUCT_TYPE", "inputSchema", text, "dataType",
                              ch_buf_text(&name), (char *)NULL);
        ch_buf_reset(&name);
        return status;
    }
    *out = (ch_schema){.n = type->nfield, .fields = ch_arena_dup(arena, type->fields, type->nfield * sizeof(ch_field))};
    return 0;
}

const ch_timezone *ch_session_zone(ch_session *s)
{
    ch_arena *arena = ch_arena_new();
    const char *id = ch_config_find(s, arena, "spark.sql.session.timeZone");
    const ch_timezone *zone = id ? ch_timezone_find(id) : NULL;
    ch_arena_free(arena);
    return zone ? zone : ch_timezone_utc();
}

void ch_create_table_sql(ch_buf *sql, const char *table, const ch_schema *schema)
{
    ch_buf_printf(sql, "CREATE TABLE %s (", table);
    for (size_t i = 0; i < schema->n; i++) {
        ch_buf_printf(sql, "%sc%zu ", i ? ", " : "", i);
        ch_type_duckdb(sql, schema->fields[i].type);
    }
    ch_buf_char(sql, ')');
}
