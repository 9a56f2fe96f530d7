/* expr.c: building expressions, and splitting names as users write them. */
#include "frame/plan/expr.h"

#include <string.h>

ch_expr *ch_expr_new(ch_arena *arena, ch_expr_kind kind)
{
    ch_expr *e = CH_NEW(arena, ch_expr);
    e->kind = kind;
    if (kind == CH_EX_NAME) e->u.name.plan_id = -1;
    if (kind == CH_EX_STAR) e->u.star.plan_id = -1;
    if (kind == CH_EX_REGEX) e->u.regex.plan_id = -1;
    return e;
}

ch_expr *ch_expr_name(ch_arena *arena, const char *part)
{
    ch_expr *e = ch_expr_new(arena, CH_EX_NAME);
    const char **parts = CH_NEW(arena, const char *);
    parts[0] = part;
    e->u.name.nparts = 1;
    e->u.name.parts = parts;
    return e;
}

ch_expr *ch_expr_call(ch_arena *arena, const char *name, size_t n, ...)
{
    ch_expr *e = ch_expr_new(arena, CH_EX_CALL);
    e->u.call.name = name;
    e->u.call.n = n;
    e->u.call.args = CH_NEW_ARRAY(arena, ch_expr *, n);
    va_list args;
    va_start(args, n);
    for (size_t i = 0; i < n; i++) e->u.call.args[i] = va_arg(args, ch_expr *);
    va_end(args);
    return e;
}

ch_expr *ch_expr_alias(ch_arena *arena, ch_expr *child, const char *name)
{
    ch_expr *e = ch_expr_new(arena, CH_EX_ALIAS);
    const char **names = CH_NEW(arena, const char *);
    names[0] = name;
    e->u.alias.child = child;
    e->u.alias.n = 1;
    e->u.alias.names = names;
    return e;
}

ch_expr *ch_expr_cast(ch_arena *arena, ch_expr *child, const ch_type *to)
{
    ch_expr *e = ch_expr_new(arena, CH_EX_CAST);
    e->u.cast.child = child;
    e->u.cast.to = to;
    e->u.cast.mode = CH_CAST_ANSI;
    return e;
}

ch_expr *ch_expr_star(ch_arena *arena)
{
    return ch_expr_new(arena, CH_EX_STAR);
}

ch_expr *ch_expr_literal(ch_arena *arena, const ch_literal *value)
{
    ch_expr *e = ch_expr_new(arena, CH_EX_LITERAL);
    e->u.literal = *value;
    e->type = value->type;
    e->nullable = value->is_null;
    return e;
}

ch_expr *ch_expr_int(ch_arena *arena, int32_t value)
{
    return ch_expr_literal(arena, &(ch_literal){.type = &ch_type_int, .v.integer = value});
}

ch_expr *ch_expr_long(ch_arena *arena, int64_t value)
{
    return ch_expr_literal(arena, &(ch_literal){.type = &ch_type_long, .v.integer = value});
}

ch_expr *ch_expr_double(ch_arena *arena, double value)
{
    return ch_expr_literal(arena, &(ch_literal){.type = &ch_type_double, .v.real = value});
}

ch_expr *ch_expr_string(ch_arena *arena, const char *value)
{
    ch_literal literal = {.type = &ch_type_string};
    literal.v.bytes.data = value;
    literal.v.bytes.len = strlen(value);
    return ch_expr_literal(arena, &literal);
}

ch_expr *ch_expr_bool(ch_arena *arena, bool value)
{
    return ch_expr_literal(arena, &(ch_literal){.type = &ch_type_boolean, .v.boolean = value});
}

ch_expr *ch_expr_null(ch_arena *arena, const ch_type *type)
{
    return ch_expr_literal(arena, &(ch_literal){.type = type, .is_null = true});
}

/* Reads one part at *at into out (which has room for the rest of the text); leaves *at behind it. False: bad syntax. */
static bool split_part(const char **at, char *out)
{
    const char *p = *at;
    if (*p == '`') {
        for (p++; *p; p++) {
            if (*p == '`' && p[1] != '`') break;
            if (*p == '`') p++;
            *out++ = *p;
        }
        if (*p != '`') return false;
        p++;
        if (*p && *p != '.') return false;
    } else {
        while (*p && *p != '.') {
            if (*p == '`') return false;
            *out++ = *p++;
        }
    }
    *out = '\0';
    *at = p;
    return true;
}

/* UnresolvedAttribute.parseAttributeName: parts are separated by dots; backquotes make dots part of a name, and two
 * of them inside stand for one. */
int ch_split_name(ch_arena *arena, const char *text, size_t *nparts, const char ***parts, ch_error *err)
{
    size_t most = 1;
    for (const char *p = text; *p; p++) most += *p == '.';
    const char **out = CH_NEW_ARRAY(arena, const char *, most);
    size_t n = 0;
    const char *at = text;
    for (;;) {
        char *part = ch_arena_alloc(arena, strlen(at) + 1);
        if (!split_part(&at, part)) return ch_raise(err, "INVALID_ATTRIBUTE_NAME_SYNTAX", "name", text, (char *)NULL);
        out[n++] = part;
        if (!*at) break;
        at++;
        if (!*at) return ch_raise(err, "INVALID_ATTRIBUTE_NAME_SYNTAX", "name", text, (char *)NULL);
    }
    *nparts = n;
    *parts = out;
    return CH_OK;
}
