/* type.c: the types themselves: constants, constructors, copies, comparison. How they are written is in type_text.c,
 * their JSON in type_json.c. */
#include "frame/type/type.h"

#include <string.h>
#include <strings.h>

const ch_type ch_type_null = {.kind = CH_NULL};
const ch_type ch_type_boolean = {.kind = CH_BOOLEAN};
const ch_type ch_type_byte = {.kind = CH_BYTE};
const ch_type ch_type_short = {.kind = CH_SHORT};
const ch_type ch_type_int = {.kind = CH_INT};
const ch_type ch_type_long = {.kind = CH_LONG};
const ch_type ch_type_float = {.kind = CH_FLOAT};
const ch_type ch_type_double = {.kind = CH_DOUBLE};
const ch_type ch_type_string = {.kind = CH_STRING};
const ch_type ch_type_binary = {.kind = CH_BINARY};
const ch_type ch_type_date = {.kind = CH_DATE};
const ch_type ch_type_timestamp = {.kind = CH_TIMESTAMP};
const ch_type ch_type_timestamp_ntz = {.kind = CH_TIMESTAMP_NTZ};
const ch_type ch_type_day_time = {.kind = CH_INTERVAL_DAY_TIME, .precision = 0, .scale = 3};
const ch_type ch_type_year_month = {.kind = CH_INTERVAL_YEAR_MONTH, .precision = 0, .scale = 1};
const ch_type ch_type_calendar = {.kind = CH_INTERVAL_CALENDAR};

static const ch_field INTS_ELEMENT[] = {{.name = "element", .type = &ch_type_int}};
static const ch_field DOUBLES_ELEMENT[] = {{.name = "element", .type = &ch_type_double}};
static const ch_type INTS = {.kind = CH_ARRAY, .nfield = 1, .fields = INTS_ELEMENT};
static const ch_type DOUBLES = {.kind = CH_ARRAY, .nfield = 1, .fields = DOUBLES_ELEMENT};

static const ch_field VECTOR_FIELDS[] = {
    {.name = "type", .type = &ch_type_byte}, /* 0 sparse, 1 dense */
    {.name = "size", .type = &ch_type_int, .nullable = true},
    {.name = "indices", .type = &INTS, .nullable = true},
    {.name = "values", .type = &DOUBLES, .nullable = true},
};
static const ch_field MATRIX_FIELDS[] = {
    {.name = "type", .type = &ch_type_byte}, /* 0 sparse, 1 dense */
    {.name = "numRows", .type = &ch_type_int},
    {.name = "numCols", .type = &ch_type_int},
    {.name = "colPtrs", .type = &INTS, .nullable = true},
    {.name = "rowIndices", .type = &INTS, .nullable = true},
    {.name = "values", .type = &DOUBLES, .nullable = true},
    {.name = "isTransposed", .type = &ch_type_boolean},
};
const ch_type ch_type_vector_storage = {.kind = CH_STRUCT, .nfield = 4, .fields = VECTOR_FIELDS};
const ch_type ch_type_matrix_storage = {.kind = CH_STRUCT, .nfield = 7, .fields = MATRIX_FIELDS};
/* The UDTs carry their storage's fields too, so that code that walks fields needs no special case. */
const ch_type ch_type_vector = {.kind = CH_VECTOR, .nfield = 4, .fields = VECTOR_FIELDS};
const ch_type ch_type_matrix = {.kind = CH_MATRIX, .nfield = 7, .fields = MATRIX_FIELDS};

static const ch_type *const CONSTANTS[] = {
    &ch_type_null,   &ch_type_boolean,   &ch_type_byte,           &ch_type_short,          &ch_type_int,
    &ch_type_long,   &ch_type_float,     &ch_type_double,         &ch_type_string,         &ch_type_binary,
    &ch_type_date,   &ch_type_timestamp, &ch_type_timestamp_ntz,  &ch_type_day_time,       &ch_type_year_month,
    &ch_type_vector, &ch_type_matrix,    &ch_type_vector_storage, &ch_type_matrix_storage, &ch_type_calendar,
};

const ch_type *ch_type_sized(ch_arena *arena, ch_kind kind, int precision, int scale)
{
    ch_type *t = CH_NEW(arena, ch_type);
    t->kind = kind;
    t->precision = precision;
    t->scale = scale;
    return t;
}

const ch_type *ch_type_decimal(ch_arena *arena, int precision, int scale)
{
    return ch_type_sized(arena, CH_DECIMAL, precision, scale);
}

const ch_type *ch_type_array(ch_arena *arena, const ch_type *element, bool contains_null)
{
    ch_field *fields = CH_NEW_ARRAY(arena, ch_field, 1);
    fields[0] = (ch_field){.name = "element", .type = element, .nullable = contains_null};
    ch_type *t = CH_NEW(arena, ch_type);
    *t = (ch_type){.kind = CH_ARRAY, .nfield = 1, .fields = fields};
    return t;
}

const ch_type *ch_type_map(ch_arena *arena, const ch_type *key, const ch_type *value, bool value_contains_null)
{
    ch_field *fields = CH_NEW_ARRAY(arena, ch_field, 2);
    fields[0] = (ch_field){.name = "key", .type = key, .nullable = false};
    fields[1] = (ch_field){.name = "value", .type = value, .nullable = value_contains_null};
    ch_type *t = CH_NEW(arena, ch_type);
    *t = (ch_type){.kind = CH_MAP, .nfield = 2, .fields = fields};
    return t;
}

const ch_type *ch_type_struct(ch_arena *arena, const ch_field *fields, size_t n)
{
    ch_type *t = CH_NEW(arena, ch_type);
    *t = (ch_type){.kind = CH_STRUCT, .nfield = n, .fields = ch_arena_dup(arena, fields, n * sizeof *fields)};
    return t;
}

static ch_field *copy_fields(ch_arena *arena, const ch_field *fields, size_t n)
{
    ch_field *out = CH_NEW_ARRAY(arena, ch_field, n);
    for (size_t i = 0; i < n; i++) {
        out[i] = (ch_field){
            .name = ch_arena_strdup(arena, fields[i].name),
            .type = ch_type_copy(arena, fields[i].type),
            .nullable = fields[i].nullable,
            .metadata = ch_arena_strdup(arena, fields[i].metadata),
        };
    }
    return out;
}

const ch_type *ch_type_copy(ch_arena *arena, const ch_type *type)
{
    if (!type) return NULL;
    for (size_t i = 0; i < sizeof CONSTANTS / sizeof *CONSTANTS; i++) {
        if (type == CONSTANTS[i]) return type;
    }
    ch_type *t = CH_NEW(arena, ch_type);
    *t = *type;
    if (type->nfield) t->fields = copy_fields(arena, type->fields, type->nfield);
    return t;
}

ch_schema ch_schema_copy(ch_arena *arena, const ch_schema *schema)
{
    return (ch_schema){.n = schema->n, .fields = copy_fields(arena, schema->fields, schema->n)};
}

static bool fields_equal(const ch_type *a, const ch_type *b, bool exact)
{
    if (a->nfield != b->nfield) return false;
    for (size_t i = 0; i < a->nfield; i++) {
        const ch_field *x = &a->fields[i], *y = &b->fields[i];
        if (exact ? strcmp(x->name, y->name) != 0 : strcasecmp(x->name, y->name) != 0) return false;
        if (exact && x->nullable != y->nullable) return false;
        if (!ch_type_equal(x->type, y->type, exact)) return false;
    }
    return true;
}

bool ch_type_equal(const ch_type *a, const ch_type *b, bool exact)
{
    if (a == b) return true;
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case CH_DECIMAL:
    case CH_INTERVAL_DAY_TIME:
    case CH_INTERVAL_YEAR_MONTH: return a->precision == b->precision && a->scale == b->scale;
    case CH_CHAR:
    case CH_VARCHAR: return a->precision == b->precision;
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT: return fields_equal(a, b, exact);
    default: return true;
    }
}

bool ch_type_is_integral(const ch_type *t)
{
    return t->kind >= CH_BYTE && t->kind <= CH_LONG;
}

bool ch_type_is_numeric(const ch_type *t)
{
    return t->kind >= CH_BYTE && t->kind <= CH_DECIMAL;
}

bool ch_type_is_string(const ch_type *t)
{
    return t->kind >= CH_STRING && t->kind <= CH_VARCHAR;
}

bool ch_type_is_atomic(const ch_type *t)
{
    return t->kind != CH_NULL && t->kind < CH_INTERVAL_CALENDAR;
}

const ch_type *ch_type_storage(const ch_type *t)
{
    if (t->kind == CH_VECTOR) return &ch_type_vector_storage;
    if (t->kind == CH_MATRIX) return &ch_type_matrix_storage;
    return t;
}
