/* resolve_extract.c: taking values out of arrays, maps and structs, and changing the fields of structs. */
#include "frame/analyze/resolve.h"

#include <string.h>
#include <strings.h>

/* ---- struct fields ---- */

static const char *field_list(ch_scope *scope, const ch_type *t)
{
    ch_buf text = {0};
    for (size_t i = 0; i < t->nfield; i++)
        ch_buf_printf(&text, "%s%s", i ? ", " : "", ch_backquoted(scope->arena, t->fields[i].name));
    const char *out = ch_arena_strdup(scope->arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return out;
}

static int find_field(ch_scope *scope, const ch_type *t, const char *name, size_t *ordinal, ch_error *err)
{
    size_t found = 0;
    for (size_t i = 0; i < t->nfield; i++) {
        if (strcasecmp(t->fields[i].name, name) != 0) continue;
        *ordinal = i;
        found++;
    }
    if (found == 1) return CH_OK;
    if (found > 1) {
        return ch_raise(err, "AMBIGUOUS_REFERENCE_TO_FIELDS", "field", ch_backquoted(scope->arena, name), "count",
                        ch_arena_printf(scope->arena, "%zu", found), (char *)NULL);
    }
    ch_raise(err, "FIELD_NOT_FOUND", "fieldName", ch_backquoted(scope->arena, name), "fields", field_list(scope, t),
             (char *)NULL);
    return err->kind = CH_E_ANALYSIS;
}

static ch_expr *make_field(ch_scope *scope, ch_expr *child, size_t ordinal, const char *name)
{
    ch_expr *e = ch_expr_new(scope->arena, CH_EX_FIELD);
    const ch_field *field = &child->type->fields[ordinal];
    e->u.field.child = child;
    e->u.field.ordinal = ordinal;
    e->u.field.name = name;
    e->type = field->type;
    e->nullable = child->nullable || field->nullable;
    return e;
}

/* GetArrayStructFields: the same field of every element. */
static ch_expr *make_array_field(ch_scope *scope, ch_expr *child, size_t ordinal, const char *name)
{
    ch_expr *e = ch_expr_new(scope->arena, CH_EX_FIELD);
    const ch_field *element = &child->type->fields[0], *field = &element->type->fields[ordinal];
    e->u.field.child = child;
    e->u.field.ordinal = ordinal;
    e->u.field.name = name;
    e->type = ch_type_array(scope->arena, field->type, element->nullable || field->nullable);
    e->nullable = child->nullable;
    return e;
}

static bool is_array_of_structs(const ch_type *t)
{
    return t->kind == CH_ARRAY && t->fields[0].type->kind == CH_STRUCT;
}

static int bind_named(ch_scope *scope, ch_expr *child, const char *name, ch_expr **out, ch_error *err)
{
    size_t ordinal = 0;
    if (child->type->kind == CH_STRUCT) {
        CH_TRY(find_field(scope, child->type, name, &ordinal, err));
        *out = make_field(scope, child, ordinal, name);
        return CH_OK;
    }
    CH_TRY(find_field(scope, child->type->fields[0].type, name, &ordinal, err));
    *out = make_array_field(scope, child, ordinal, name);
    return CH_OK;
}

int ch_bind_field(ch_scope *scope, ch_expr *child, const char *name, ch_expr **out, ch_error *err)
{
    return ch_bind_extract(scope, child, ch_expr_string(scope->arena, name), out, err);
}

/* ---- a[b] ---- */

int ch_bind_extract(ch_scope *scope, ch_expr *child, ch_expr *key, ch_expr **out, ch_error *err)
{
    const ch_type *t = child->type;
    if (t->kind == CH_STRUCT ||
        (is_array_of_structs(t) && key->kind == CH_EX_LITERAL && ch_type_is_string(key->type))) {
        const char *name = key->kind == CH_EX_LITERAL ? ch_fold_string(scope->arena, key) : NULL;
        if (name) return bind_named(scope, child, name, out, err);
        return ch_raise(err, "INVALID_EXTRACT_FIELD_TYPE", "extraction", ch_quote_expr(scope->arena, key),
                        (char *)NULL);
    }
    if (t->kind == CH_ARRAY) return ch_make_call(scope, "getarrayitem", 2, (ch_expr *[]){child, key}, out, err);
    if (t->kind == CH_MAP) return ch_make_call(scope, "getmapvalue", 2, (ch_expr *[]){child, key}, out, err);
    return ch_raise(err, "INVALID_EXTRACT_BASE_FIELD_TYPE", "base", ch_quote_expr(scope->arena, child), "other",
                    ch_quote_type(scope->arena, t), (char *)NULL);
}

int ch_resolve_extract(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err)
{
    ch_expr *child, *key;
    CH_TRY(ch_resolve(scope, in->u.extract.child, &child, err));
    CH_TRY(ch_resolve(scope, in->u.extract.key, &key, err));
    return ch_bind_extract(scope, child, key, out, err);
}

/* ---- withField, dropFields ---- */

typedef struct update {
    size_t nparts;
    const char **parts;
    ch_expr *value; /* NULL: drop */
} update;

/* A struct being updated: one that was updated before takes the new change besides the old ones. */
typedef struct updated {
    ch_expr *base;          /* the struct as it was */
    const ch_type *type;    /* of the struct by now */
    ch_expr *const *values; /* name, value, name, value ... by now; NULL: base's fields */
    const char *changes;    /* as names show them */
} updated;

static updated open_update(ch_expr *e)
{
    if (e->kind != CH_EX_CALL || strcmp(e->u.call.fn->name, "update_fields") != 0)
        return (updated){.base = e, .type = e->type};
    ch_expr *const *args = e->u.call.args;
    return (updated){.base = args[0],
                     .type = e->type,
                     .values = args[1]->u.call.args,
                     .changes = (const char *)args[2]->u.literal.v.bytes.data};
}

static int apply_update(ch_scope *scope, ch_expr *base, const update *u, size_t level, ch_expr **out, ch_error *err);

/* The value a field gets: the new one at the end of the path, an updated struct on the way. */
static int updated_field(ch_scope *scope, ch_expr *field, const update *u, size_t level, ch_expr **out, ch_error *err)
{
    if (level + 1 == u->nparts) {
        *out = u->value;
        return CH_OK;
    }
    if (field->type->kind != CH_STRUCT) {
        return ch_mismatch(scope, err, "NON_STRUCT_TYPE", field, "inputName", "`struct`", "inputType",
                           ch_quote_type(scope->arena, field->type), (char *)NULL);
    }
    return apply_update(scope, field, u, level + 1, out, err);
}

static const char *change_text(ch_scope *scope, const char *before, const ch_expr *value)
{
    ch_buf text = {0};
    if (before) ch_buf_printf(&text, "%s, ", before);
    ch_buf_str(&text, value ? "WithField(" : "dropfield(");
    if (value) ch_print_expr(&text, value);
    ch_buf_char(&text, ')');
    const char *out = ch_arena_strdup(scope->arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return out;
}

static int no_fields_left(ch_scope *scope, ch_expr *base, const char *changes, ch_error *err)
{
    ch_expr *call = ch_expr_call(scope->arena, "update_fields", 3, base, base, ch_expr_string(scope->arena, changes));
    call->u.call.fn = ch_function_find("update_fields");
    return ch_mismatch(scope, err, "CANNOT_DROP_ALL_FIELDS", call, (char *)NULL);
}

static int apply_update(ch_scope *scope, ch_expr *base, const update *u, size_t level, ch_expr **out, ch_error *err)
{
    updated from = open_update(base);
    const ch_type *t = from.type;
    const char *name = u->parts[level];
    ch_expr **args = CH_NEW_ARRAY(scope->arena, ch_expr *, 2 * (t->nfield + 1)), *changed = u->value;
    size_t n = 0;
    bool found = false;
    for (size_t i = 0; i < t->nfield; i++) {
        ch_expr *value = from.values ? from.values[2 * i + 1] : make_field(scope, base, i, t->fields[i].name);
        bool hit = strcasecmp(t->fields[i].name, name) == 0;
        found = found || hit;
        if (hit) {
            if (!u->value && level + 1 == u->nparts) continue;
            CH_TRY(updated_field(scope, value, u, level, &value, err));
            changed = value;
        }
        args[n++] = ch_expr_string(scope->arena, hit ? name : t->fields[i].name);
        args[n++] = value;
    }
    if (!found && level + 1 < u->nparts) {
        size_t ignored;
        return find_field(scope, t, name, &ignored, err);
    }
    if (!found && u->value) {
        args[n++] = ch_expr_string(scope->arena, name);
        args[n++] = u->value;
    }
    const char *changes = change_text(scope, from.changes, changed);
    if (n == 0) return no_fields_left(scope, from.base, changes, err);
    ch_expr *fields;
    CH_TRY(ch_make_call(scope, "named_struct", n, args, &fields, err));
    return ch_make_call(scope, "update_fields", 3,
                        (ch_expr *[]){from.base, fields, ch_expr_string(scope->arena, changes)}, out, err);
}

int ch_resolve_update(ch_scope *scope, const ch_expr *in, ch_expr **out, ch_error *err)
{
    ch_expr *child;
    update u = {0};
    CH_TRY(ch_resolve(scope, in->u.update.child, &child, err));
    if (in->u.update.value) CH_TRY(ch_resolve(scope, in->u.update.value, &u.value, err));
    if (child->type->kind != CH_STRUCT) {
        return ch_mismatch(scope, err, "UNEXPECTED_INPUT_TYPE", child, "paramIndex", "first", "requiredType",
                           "\"STRUCT\"", "inputSql", ch_quote_expr(scope->arena, child), "inputType",
                           ch_quote_type(scope->arena, child->type), (char *)NULL);
    }
    CH_TRY(ch_split_name(scope->arena, in->u.update.field, &u.nparts, &u.parts, err));
    return apply_update(scope, child, &u, 0, out, err);
}
