/* SQL text from anywhere: as a statement, an expression and a type. The first byte chooses which. */
#include "frame/plan/parse.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size || size > 20000) return 0;
    ch_arena *arena = ch_arena_new();
    char *text = ch_arena_strndup(arena, (const char *)data + 1, size - 1);
    ch_error err;
    ch_statement statement;
    ch_expr *expr;
    const ch_type *type;
    ch_plan *sql = ch_plan_new(arena, CH_PLAN_SQL, NULL);
    sql->u.sql.query = text;
    switch (data[0] % 3) {
    case 0: (void)ch_parse_statement(arena, sql, &statement, &err); break;
    case 1: (void)ch_parse_expression(arena, text, &expr, &err); break;
    default: (void)ch_parse_type(arena, text, &type, &err);
    }
    ch_arena_free(arena);
    return 0;
}
