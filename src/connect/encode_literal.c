/* encode_literal.c: constants as messages: ML attributes, parameters of read stages, observed metrics. */
#include "connect/encode.h"

#include <string.h>

/* Unscaled 128-bit value and scale as text, e.g. -12.30. */
static char *decimal_text(ch_arena *arena, ch_int128 value, int scale)
{
    char digits[64];
    size_t at = sizeof digits;
    bool negative = value < 0;
    digits[--at] = '\0';
    int written = 0;
    do {
        int digit = (int)(value % 10);
        digits[--at] = (char)('0' + (digit < 0 ? -digit : digit));
        value /= 10;
        if (++written == scale) digits[--at] = '.';
    } while (value != 0 || written <= scale);
    if (negative) digits[--at] = '-';
    return ch_arena_strdup(arena, digits + at);
}

static void encode_decimal(ch_arena *arena, const ch_literal *in, PB(Expression__Literal) *out)
{
    PB(Expression__Literal__Decimal) *d = PB_NEW(arena, expression__literal__decimal);
    d->value = decimal_text(arena, in->v.decimal, in->type->scale);
    d->_precision_case = SPARK__CONNECT__EXPRESSION__LITERAL__DECIMAL___PRECISION_PRECISION;
    d->precision = in->type->precision;
    d->_scale_case = SPARK__CONNECT__EXPRESSION__LITERAL__DECIMAL___SCALE_SCALE;
    d->scale = in->type->scale;
    out->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_DECIMAL;
    out->decimal = d;
}

static PB(Expression__Literal) **encode_items(ch_arena *arena, const ch_literal *items, size_t n, size_t step)
{
    PB(Expression__Literal) **out = CH_NEW_ARRAY(arena, PB(Expression__Literal) *, n);
    for (size_t i = 0; i < n; i++) out[i] = ch_encode_literal(arena, &items[i * step]);
    return out;
}

static void encode_array(ch_arena *arena, const ch_literal *in, PB(Expression__Literal) *out)
{
    PB(Expression__Literal__Array) *a = PB_NEW(arena, expression__literal__array);
    a->element_type = ch_encode_type(arena, in->type->fields[0].type);
    a->n_elements = in->v.list.n;
    a->elements = encode_items(arena, in->v.list.items, in->v.list.n, 1);
    out->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_ARRAY;
    out->array = a;
}

static void encode_map(ch_arena *arena, const ch_literal *in, PB(Expression__Literal) *out)
{
    PB(Expression__Literal__Map) *m = PB_NEW(arena, expression__literal__map);
    size_t n = in->v.list.n / 2;
    m->key_type = ch_encode_type(arena, in->type->fields[0].type);
    m->value_type = ch_encode_type(arena, in->type->fields[1].type);
    m->n_keys = m->n_values = n;
    m->keys = encode_items(arena, in->v.list.items, n, 2);
    m->values = encode_items(arena, in->v.list.items + 1, n, 2);
    out->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_MAP;
    out->map = m;
}

/* An array of int or double as the packed form, which is what clients expect inside vectors and matrices. */
static PB(Expression__Literal) *encode_packed(ch_arena *arena, const ch_literal *in)
{
    PB(Expression__Literal) *out = PB_NEW(arena, expression__literal);
    PB(Expression__Literal__SpecializedArray) *a = PB_NEW(arena, expression__literal__specialized_array);
    size_t n = in->v.list.n;
    if (in->type->fields[0].type->kind == CH_INT) {
        a->value_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__SPECIALIZED_ARRAY__VALUE_TYPE_INTS;
        a->ints = PB_NEW(arena, ints);
        a->ints->n_values = n;
        a->ints->values = CH_NEW_ARRAY(arena, int32_t, n);
        for (size_t i = 0; i < n; i++) a->ints->values[i] = (int32_t)in->v.list.items[i].v.integer;
    } else {
        a->value_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__SPECIALIZED_ARRAY__VALUE_TYPE_DOUBLES;
        a->doubles = PB_NEW(arena, doubles);
        a->doubles->n_values = n;
        a->doubles->values = CH_NEW_ARRAY(arena, double, n);
        for (size_t i = 0; i < n; i++) a->doubles->values[i] = in->v.list.items[i].v.real;
    }
    out->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_SPECIALIZED_ARRAY;
    out->specialized_array = a;
    return out;
}

static void encode_struct(ch_arena *arena, const ch_literal *in, PB(Expression__Literal) *out)
{
    PB(Expression__Literal__Struct) *s = PB_NEW(arena, expression__literal__struct);
    bool udt = in->type->kind != CH_STRUCT;
    s->struct_type = ch_encode_type(arena, in->type);
    s->n_elements = in->v.list.n;
    s->elements = CH_NEW_ARRAY(arena, PB(Expression__Literal) *, s->n_elements);
    for (size_t i = 0; i < s->n_elements; i++) {
        const ch_literal *item = &in->v.list.items[i];
        bool packed = udt && !item->is_null && item->type->kind == CH_ARRAY;
        s->elements[i] = packed ? encode_packed(arena, item) : ch_encode_literal(arena, item);
    }
    out->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_STRUCT;
    out->struct_ = s;
}

static void encode_interval(ch_arena *arena, const ch_literal *in, PB(Expression__Literal) *out)
{
    out->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_CALENDAR_INTERVAL;
    out->calendar_interval = PB_NEW(arena, expression__literal__calendar_interval);
    out->calendar_interval->months = in->v.interval.months;
    out->calendar_interval->days = in->v.interval.days;
    out->calendar_interval->microseconds = in->v.interval.micros;
}

#define VALUE(name, member, value)                                                                                     \
    out->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_##name;                                 \
    out->member = value;                                                                                               \
    break

PB(Expression__Literal) *ch_encode_literal(ch_arena *arena, const ch_literal *in)
{
    PB(Expression__Literal) *out = PB_NEW(arena, expression__literal);
    if (in->is_null) {
        out->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_NULL;
        out->null = ch_encode_type(arena, in->type);
        return out;
    }
    switch (in->type->kind) {
    case CH_NULL: VALUE(NULL, null, ch_encode_type(arena, in->type));
    case CH_BOOLEAN: VALUE(BOOLEAN, boolean, in->v.boolean);
    case CH_BYTE: VALUE(BYTE, byte, (int32_t)in->v.integer);
    case CH_SHORT: VALUE(SHORT, short_, (int32_t)in->v.integer);
    case CH_INT: VALUE(INTEGER, integer, (int32_t)in->v.integer);
    case CH_LONG: VALUE(LONG, long_, in->v.integer);
    case CH_FLOAT: VALUE(FLOAT, float_, (float)in->v.real);
    case CH_DOUBLE: VALUE(DOUBLE, double_, in->v.real);
    case CH_DATE: VALUE(DATE, date, (int32_t)in->v.integer);
    case CH_TIMESTAMP: VALUE(TIMESTAMP, timestamp, in->v.integer);
    case CH_TIMESTAMP_NTZ: VALUE(TIMESTAMP_NTZ, timestamp_ntz, in->v.integer);
    case CH_INTERVAL_DAY_TIME: VALUE(DAY_TIME_INTERVAL, day_time_interval, in->v.integer);
    case CH_INTERVAL_YEAR_MONTH: VALUE(YEAR_MONTH_INTERVAL, year_month_interval, (int32_t)in->v.integer);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR: VALUE(STRING, string, ch_arena_strndup(arena, in->v.bytes.data, in->v.bytes.len));
    case CH_BINARY:
        out->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_BINARY;
        out->binary.data = ch_arena_dup(arena, in->v.bytes.data, in->v.bytes.len);
        out->binary.len = in->v.bytes.len;
        break;
    case CH_DECIMAL: encode_decimal(arena, in, out); break;
    case CH_INTERVAL_CALENDAR: encode_interval(arena, in, out); break;
    case CH_ARRAY: encode_array(arena, in, out); break;
    case CH_MAP: encode_map(arena, in, out); break;
    case CH_STRUCT:
    case CH_VECTOR:
    case CH_MATRIX: encode_struct(arena, in, out); break;
    }
    return out;
}
