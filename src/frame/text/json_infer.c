/* json_infer.c: the type of JSON records, by the rules of Spark's JsonInferSchema: LONG, DOUBLE, DECIMAL for integers
 * that are longer, BOOLEAN, STRING, arrays and structs with their fields by name; what does not go together is STRING.
 */
#include "base/java_number.h"
#include "frame/text/json.h"

#include <stdio.h>
#include <string.h>

/* Types of what was seen, changed in place as records come by. Kinds used: NULL, BOOLEAN, LONG, DECIMAL, DOUBLE,
 * STRING, TIMESTAMP, STRUCT, ARRAY. */
struct ch_json_shape {
    ch_kind kind;
    int precision, scale;
    size_t n, cap;
    struct member *members; /* STRUCT: by name */
    ch_json_shape *element; /* ARRAY */
    unsigned long object;   /* STRUCT: how many objects were seen, to tell repeated keys */
};

typedef struct member {
    const char *name;
    ch_json_shape *shape;
    unsigned long seen; /* in which object last */
    bool repeated;
} member;

ch_json_shape *ch_json_shape_new(ch_arena *arena)
{
    ch_json_shape *shape = CH_NEW(arena, ch_json_shape);
    shape->kind = CH_NULL;
    return shape;
}

/* The member of a name, made if it is new. */
static member *find_member(ch_arena *arena, ch_json_shape *shape, const char *name, size_t len)
{
    size_t low = 0, high = shape->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strncmp(shape->members[middle].name, name, len);
        if (order == 0) order = shape->members[middle].name[len] != '\0';
        if (order == 0) return &shape->members[middle];
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (shape->n == shape->cap) {
        size_t cap = shape->cap ? shape->cap * 2 : 8;
        shape->members = ch_arena_grow(arena, shape->members, sizeof *shape->members, shape->n, cap);
        shape->cap = cap;
    }
    memmove(shape->members + low + 1, shape->members + low, (shape->n - low) * sizeof *shape->members);
    shape->n++;
    shape->members[low] = (member){.name = ch_arena_strndup(arena, name, len), .shape = ch_json_shape_new(arena)};
    return &shape->members[low];
}

/* --- combining ------------------------------------------------------------------------------------------- */

static void become(ch_json_shape *shape, ch_kind kind)
{
    *shape = (ch_json_shape){.kind = kind};
}

static void widen_decimal(ch_json_shape *shape, int precision, int scale)
{
    int range = shape->precision - shape->scale;
    if (precision - scale > range) range = precision - scale;
    if (scale > shape->scale) shape->scale = scale;
    shape->precision = range + shape->scale;
    if (shape->precision > 38) become(shape, CH_DOUBLE);
}

/* Joins a scalar type (or an empty array or struct) with what was seen: compatibleType. True if the shape is of that
 * kind now, so that members or elements may be added. */
static bool join(ch_json_shape *shape, ch_kind kind, int precision, int scale)
{
    enum { LONG_DIGITS = 20 };
    if (kind == CH_NULL) return false;
    if (shape->kind == CH_NULL) {
        become(shape, kind);
        shape->precision = precision;
        shape->scale = scale;
    } else if (shape->kind == CH_DECIMAL && kind == CH_DECIMAL) {
        widen_decimal(shape, precision, scale);
    } else if (shape->kind == CH_DECIMAL && kind == CH_LONG) {
        widen_decimal(shape, LONG_DIGITS, 0);
    } else if (shape->kind == CH_LONG && kind == CH_DECIMAL) {
        shape->kind = CH_DECIMAL;
        shape->precision = LONG_DIGITS;
        widen_decimal(shape, precision, scale);
    } else if (shape->kind != kind) {
        bool a = shape->kind == CH_LONG || shape->kind == CH_DECIMAL || shape->kind == CH_DOUBLE;
        bool b = kind == CH_LONG || kind == CH_DECIMAL || kind == CH_DOUBLE;
        become(shape, a && b ? CH_DOUBLE : CH_STRING);
    }
    return shape->kind == kind;
}

static void observe(ch_arena *arena, ch_json_shape *shape, ch_json_reader *j);

/* LONG if it fits, else a decimal of as many digits, beyond 38 a double. */
static void observe_number(ch_json_shape *shape, const ch_json_options *o, ch_json_kind kind, const char *text,
                           size_t len)
{
    int64_t value;
    ch_java_int128 unscaled;
    int digits, scale;
    if (o->primitives_as_string) {
        join(shape, CH_STRING, 0, 0);
    } else if (kind == CH_JSON_INTEGER && ch_java_parse_integer(text, len, INT64_MIN, INT64_MAX, &value)) {
        join(shape, CH_LONG, 0, 0);
    } else if ((kind == CH_JSON_INTEGER || (kind == CH_JSON_REAL && o->prefers_decimal)) &&
               ch_java_parse_decimal(text, len, &unscaled, &digits, &scale) && scale >= 0 &&
               (digits > scale ? digits : scale) <= 38) {
        join(shape, CH_DECIMAL, digits > scale ? digits : scale, scale);
    } else {
        join(shape, CH_DOUBLE, 0, 0);
    }
}

static void observe_string(ch_json_shape *shape, ch_json_reader *j)
{
    const ch_json_options *o = j->options;
    const char *text;
    size_t len;
    bool plain;
    int64_t micros;
    ch_java_int128 unscaled;
    int digits, scale;
    if (!ch_json_read_string(j, &text, &len, &plain) || !len) return; /* an empty one could be anything */
    if (plain && o->prefers_decimal && ch_java_parse_decimal(text, len, &unscaled, &digits, &scale) && scale >= 0 &&
        (digits > scale ? digits : scale) <= 38) {
        join(shape, CH_DECIMAL, digits > scale ? digits : scale, scale);
    } else if (plain && o->infer_timestamp && ch_text_timestamp(&o->text, text, len, &micros)) {
        join(shape, CH_TIMESTAMP, 0, 0);
    } else {
        join(shape, CH_STRING, 0, 0);
    }
}

static void observe_object(ch_arena *arena, ch_json_shape *shape, ch_json_reader *j)
{
    bool open = join(shape, CH_STRUCT, 0, 0), more, plain;
    if (!open) {
        ch_json_skip(j, 0);
        return;
    }
    unsigned long object = ++shape->object;
    ch_buf unescaped = {0};
    j->at++;
    for (bool first = true; ch_json_next(j, '}', first, &more) && more; first = false) {
        const char *name;
        size_t len;
        if (!ch_json_name(j, &name, &len, &plain)) break;
        if (!plain) {
            ch_buf_clear(&unescaped);
            ch_json_unescape(j->options, name, len, &unescaped);
            name = ch_buf_text(&unescaped);
            len = unescaped.len;
        }
        member *m = find_member(arena, shape, name, len);
        if (m->seen == object) m->repeated = true;
        m->seen = object;
        observe(arena, m->shape, j);
    }
    ch_buf_reset(&unescaped);
}

static void observe_array(ch_arena *arena, ch_json_shape *shape, ch_json_reader *j)
{
    bool more;
    if (!join(shape, CH_ARRAY, 0, 0)) {
        ch_json_skip(j, 0);
        return;
    }
    if (!shape->element) shape->element = ch_json_shape_new(arena);
    j->at++;
    for (bool first = true; ch_json_next(j, ']', first, &more) && more; first = false) {
        observe(arena, shape->element, j);
    }
}

/* One value, known to be well-formed. */
static void observe(ch_arena *arena, ch_json_shape *shape, ch_json_reader *j)
{
    ch_json_kind kind;
    const char *text;
    size_t len;
    if (!ch_json_peek(j, &kind, &text, &len)) return;
    switch (kind) {
    case CH_JSON_NULL: break;
    case CH_JSON_TRUE:
    case CH_JSON_FALSE: join(shape, j->options->primitives_as_string ? CH_STRING : CH_BOOLEAN, 0, 0); break;
    case CH_JSON_INTEGER:
    case CH_JSON_REAL:
    case CH_JSON_NAN: observe_number(shape, j->options, kind, text, len); break;
    case CH_JSON_STRING: observe_string(shape, j); break;
    case CH_JSON_OBJECT: observe_object(arena, shape, j); break;
    case CH_JSON_ARRAY: observe_array(arena, shape, j); break;
    }
}

/* Is the root an object, an array of nothing but objects (and nulls), or null, which says nothing? */
static bool is_record(ch_json_reader j)
{
    bool more;
    if (j.at == j.end) return false;
    if (*j.at == '{' || *j.at == 'n') return true;
    if (*j.at != '[') return false;
    j.at++;
    for (bool first = true; ch_json_next(&j, ']', first, &more) && more; first = false) {
        if (*j.at != '{' && *j.at != 'n') return false;
        if (!ch_json_skip(&j, 0)) return false;
    }
    return true;
}

bool ch_json_observe(ch_arena *arena, ch_json_shape *shape, const ch_json_options *o, const char *text, size_t len)
{
    ch_json_reader j = {text, text + len, o}, check;
    bool more;
    if (!ch_utf8_valid(text, len) || !ch_json_space(&j)) return false;
    check = j;
    if (!ch_json_skip(&check, 0) || !is_record(j)) return false;
    if (*j.at != '[') {
        observe(arena, shape, &j);
        return true;
    }
    j.at++;
    for (bool first = true; ch_json_next(&j, ']', first, &more) && more; first = false) observe(arena, shape, &j);
    return true;
}

void ch_json_merge(ch_arena *arena, ch_json_shape *shape, const ch_json_shape *other)
{
    if (!join(shape, other->kind, other->precision, other->scale)) return;
    if (other->element) {
        if (!shape->element) shape->element = ch_json_shape_new(arena);
        ch_json_merge(arena, shape->element, other->element);
    }
    for (size_t i = 0; i < other->n; i++) {
        const member *from = &other->members[i];
        member *to = find_member(arena, shape, from->name, strlen(from->name));
        to->repeated |= from->repeated;
        ch_json_merge(arena, to->shape, from->shape);
    }
}

/* --- as a schema ----------------------------------------------------------------------------------------- */

static int repeated(const char *name, ch_error *err)
{
    char quoted[200];
    snprintf(quoted, sizeof quoted, "`%.190s`", name);
    for (char *c = quoted; *c; c++) *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    return ch_raise(err, "COLUMN_ALREADY_EXISTS", "columnName", quoted, (char *)NULL);
}

static int make_type(ch_arena *arena, const ch_json_shape *shape, const ch_json_options *o, const ch_type **out,
                     ch_error *err);

/* Fields that have a type, in order of their names. */
static int make_fields(ch_arena *arena, const ch_json_shape *shape, const ch_json_options *o, ch_field *fields,
                       size_t *n, ch_error *err)
{
    for (size_t i = 0; i < shape->n; i++) {
        const member *m = &shape->members[i];
        const ch_type *type;
        if (m->repeated) return repeated(m->name, err);
        CH_TRY(make_type(arena, m->shape, o, &type, err));
        if (type) fields[(*n)++] = (ch_field){.name = m->name, .type = type, .nullable = true};
    }
    return 0;
}

/* canonicalizeType: *out = NULL for what has no type, an object without fields. */
static int make_type(ch_arena *arena, const ch_json_shape *shape, const ch_json_options *o, const ch_type **out,
                     ch_error *err)
{
    *out = NULL;
    switch (shape->kind) {
    case CH_NULL: *out = o->drop_all_null ? NULL : &ch_type_string; return 0;
    case CH_BOOLEAN: *out = &ch_type_boolean; return 0;
    case CH_LONG: *out = &ch_type_long; return 0;
    case CH_DOUBLE: *out = &ch_type_double; return 0;
    case CH_DECIMAL: *out = ch_type_decimal(arena, shape->precision, shape->scale); return 0;
    case CH_TIMESTAMP: *out = o->text.ntz ? &ch_type_timestamp_ntz : &ch_type_timestamp; return 0;
    case CH_ARRAY: {
        const ch_type *element = NULL;
        if (shape->element) CH_TRY(make_type(arena, shape->element, o, &element, err));
        if (element) *out = ch_type_array(arena, element, true);
        return 0;
    }
    case CH_STRUCT: {
        ch_field *fields = CH_NEW_ARRAY(arena, ch_field, shape->n);
        size_t n = 0;
        CH_TRY(make_fields(arena, shape, o, fields, &n, err));
        if (n) *out = ch_type_struct(arena, fields, n);
        return 0;
    }
    default: *out = &ch_type_string; return 0;
    }
}

int ch_json_schema(ch_arena *arena, const ch_json_shape *shape, const ch_json_options *o, const char *corrupt,
                   ch_schema *out, ch_error *err)
{
    ch_field *fields = CH_NEW_ARRAY(arena, ch_field, shape->n + 1);
    size_t n = 0;
    CH_TRY(make_fields(arena, shape, o, fields, &n, err));
    bool there = false;
    size_t at = 0;
    for (size_t i = 0; corrupt && i < n; i++) {
        int order = strcmp(fields[i].name, corrupt);
        there |= order == 0;
        at += order < 0;
    }
    if (corrupt && !there) {
        memmove(fields + at + 1, fields + at, (n - at) * sizeof *fields);
        fields[at] = (ch_field){.name = corrupt, .type = &ch_type_string, .nullable = true};
        n++;
    }
    *out = (ch_schema){.n = n, .fields = fields};
    return 0;
}
