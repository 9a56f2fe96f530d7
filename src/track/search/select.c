/* select.c: SQL with its values. */
#include "track/search/select.h"

#include <stdio.h>
#include <stdlib.h>

void ch_select_init(ch_select *query, ch_arena *arena, ch_dialect dialect)
{
    *query = (ch_select){.arena = arena, .dialect = dialect};
}

void ch_select_reset(ch_select *query)
{
    ch_buf_reset(&query->text);
}

void ch_select_sql(ch_select *query, const char *sql)
{
    ch_buf_str(&query->text, sql);
}

void ch_select_sqlf(ch_select *query, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len >= 0) ch_buf_add(&query->text, text, (size_t)len);
    free(text);
}

static void add(ch_select *query, ch_select_value value)
{
    if (query->nvalue == query->room) {
        size_t room = query->room ? query->room * 2 : 16;
        query->values = ch_arena_grow(query->arena, query->values, sizeof value, query->nvalue, room);
        query->room = room;
    }
    query->values[query->nvalue++] = value;
    ch_buf_printf(&query->text, "?%zu", query->nvalue);
}

void ch_select_int(ch_select *query, int64_t value)
{
    add(query, (ch_select_value){.kind = CH_SELECT_INT, .integer = value});
}

void ch_select_double(ch_select *query, double value)
{
    add(query, (ch_select_value){.kind = CH_SELECT_DOUBLE, .real = value});
}

void ch_select_text(ch_select *query, const char *value)
{
    add(query, (ch_select_value){.kind = CH_SELECT_TEXT, .text = value});
}

void ch_select_page(ch_select *query, int64_t limit, int64_t offset)
{
    ch_select_sql(query, " LIMIT ");
    ch_select_int(query, limit);
    ch_select_sql(query, " OFFSET ");
    ch_select_int(query, offset);
}

void ch_select_start(const ch_select *query, ch_db *db)
{
    ch_db_sql_once(db, ch_buf_text(&query->text));
    for (size_t i = 0; i < query->nvalue; i++) {
        const ch_select_value *value = &query->values[i];
        int parameter = (int)i + 1;
        switch (value->kind) {
        case CH_SELECT_INT: ch_db_int(db, parameter, value->integer); break;
        case CH_SELECT_DOUBLE: ch_db_double(db, parameter, value->real); break;
        case CH_SELECT_TEXT: ch_db_text(db, parameter, value->text); break;
        }
    }
}
