/* resolve_regex.c: df.colRegex("`...`"): the columns whose whole names match a regular expression, case-insensitively.
 */
#include "frame/analyze/resolve.h"
#include "frame/type/regex.h"

#include <string.h>

/* The pattern comes in backquotes, perhaps behind a table's name: `a.*` or t.`a.*`. */
static const char *bare_pattern(ch_arena *arena, const char *text)
{
    size_t len = strlen(text);
    const char *open = strchr(text, '`');
    if (!open || len < 2 || text[len - 1] != '`' || open == text + len - 1) return text;
    return ch_arena_strndup(arena, open + 1, (size_t)(text + len - 1 - (open + 1)));
}

int ch_lookup_regex(ch_scope *scope, const char *pattern, int64_t plan_id, size_t *n, ch_expr ***out, ch_error *err)
{
    size_t all;
    ch_expr **columns;
    CH_TRY(ch_lookup_star(scope, 0, NULL, plan_id, &all, &columns, err));
    const char *bare = bare_pattern(scope->arena, pattern);
    const ch_regex *regex = ch_regex_find(bare, strlen(bare), CH_REGEX_CASELESS, "colRegex", err);
    if (!regex) return (int)err->kind;
    ch_expr **found = CH_NEW_ARRAY(scope->arena, ch_expr *, all);
    *n = 0;
    for (size_t i = 0; i < all; i++) {
        const char *name = ch_auto_name(scope->arena, columns[i]);
        int match = ch_regex_matches(regex, name, strlen(name), err);
        if (match < 0) return (int)err->kind;
        if (match) found[(*n)++] = columns[i];
    }
    *out = found;
    return CH_OK;
}
