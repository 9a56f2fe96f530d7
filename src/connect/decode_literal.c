/* decode_literal.c: constants out of messages. */
#include "connect/decode.h"
#include "connect/errors.h"

#include <stdio.h>
#include <string.h>

enum { DECIMAL_DIGITS_MAX = 38, EXPONENT_MAX = 10000 };

static int decode_literal(ch_arena *arena, const PB(Expression__Literal) *in, int depth, ch_literal *out,
                          ch_error *err);

/* --- decimals ----------------------------------------------------------------------------------------------------- */

/* A decimal number as it is being read: digits * 10^-scale, count digits without leading zeros. */
typedef struct digits {
    ch_int128 value;
    int count, scale;
} digits;

static bool add_digit(digits *d, int digit)
{
    if (d->count == 0 && digit == 0) return true;
    if (++d->count > DECIMAL_DIGITS_MAX) return false;
    d->value = d->value * 10 + digit;
    return true;
}

static int too_precise(ch_error *err, int precision)
{
    char text[16];
    snprintf(text, sizeof text, "%d", precision);
    return ch_raise(err, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", "precision", text, "maxPrecision", "38",
                    (char *)NULL);
}

static int not_a_number(ch_error *err, const char *text)
{
    return ch_failf(err, CH_E_NUMBER_FORMAT, "The decimal literal %s is not a number.", text);
}

/* The exponent of "e+12" at *at, bounded; false when it is malformed. */
static bool read_exponent(const char *at, int *exponent)
{
    *exponent = 0;
    if (!*at) return true;
    if (*at != 'e' && *at != 'E') return false;
    at++;
    bool negative = *at == '-';
    if (*at == '-' || *at == '+') at++;
    if (!*at) return false;
    for (; *at; at++) {
        if (*at < '0' || *at > '9') return false;
        if (*exponent < EXPONENT_MAX) *exponent = *exponent * 10 + (*at - '0');
    }
    if (negative) *exponent = -*exponent;
    return true;
}

/* Gives the number n more digits behind the point: value times 10^n. */
static bool widen(digits *d, int n)
{
    for (; n > 0; n--) {
        if (d->count > 0 && ++d->count > DECIMAL_DIGITS_MAX) return false;
        d->value *= 10;
        if (d->value == 0) break;
    }
    return true;
}

/* java.math.BigDecimal's notation: [+-]digits[.digits][e[+-]digits]; a negative scale becomes 0, as in Spark's Decimal.
 */
static int parse_decimal(const char *text, digits *d, ch_error *err)
{
    *d = (digits){0};
    const char *at = text;
    bool negative = *at == '-', point = false, any = false;
    if (*at == '-' || *at == '+') at++;
    int fraction = 0;
    for (; *at == '.' || (*at >= '0' && *at <= '9'); at++) {
        if (*at == '.') {
            if (point) return not_a_number(err, text);
            point = true;
            continue;
        }
        any = true;
        if (point && ++fraction > EXPONENT_MAX) return too_precise(err, fraction);
        if (!add_digit(d, *at - '0')) return too_precise(err, d->count);
    }
    int exponent;
    if (!any || !read_exponent(at, &exponent)) return not_a_number(err, text);
    d->scale = fraction - exponent;
    if (d->scale < 0) {
        if (!widen(d, -d->scale)) return too_precise(err, d->count);
        d->scale = 0;
    }
    if (d->scale > DECIMAL_DIGITS_MAX) return too_precise(err, d->scale);
    if (negative) d->value = -d->value;
    return CH_OK;
}

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

static int decode_decimal(ch_arena *arena, const PB(Expression__Literal__Decimal) *in, ch_literal *out, ch_error *err)
{
    digits d;
    CH_TRY(parse_decimal(in->value, &d, err));
    int precision = max_int(max_int(d.count, d.scale), 1), scale = d.scale;
    if (in->_precision_case) precision = max_int(precision, in->precision);
    if (in->_scale_case) scale = max_int(scale, in->scale);
    precision = max_int(precision, scale);
    if (precision > DECIMAL_DIGITS_MAX) return too_precise(err, precision);
    if (!widen(&d, scale - d.scale)) return too_precise(err, d.count);
    out->type = ch_type_decimal(arena, max_int(precision, max_int(d.count, scale)), scale);
    out->v.decimal = d.value;
    return CH_OK;
}

/* --- nested values ------------------------------------------------------------------------------------------------ */

static ch_literal *new_items(ch_arena *arena, size_t n, ch_literal *out)
{
    out->v.list.n = n;
    out->v.list.items = CH_NEW_ARRAY(arena, ch_literal, n);
    return out->v.list.items;
}

static int check_item(ch_literal *item, const ch_type *type, ch_error *err)
{
    if (item->is_null) {
        item->type = type;
        return CH_OK;
    }
    if (!ch_type_equal(item->type, type, false))
        return ch_invalid_plan(err, "A literal's element is of the wrong type.");
    return CH_OK;
}

/* The type given to an array, map or struct literal: 4.1's data_type, or the deprecated one inside; NULL: none. */
static const PB(DataType) *given_type(const PB(Expression__Literal) *in, const PB(DataType) *inside)
{
    return in->data_type && in->data_type->kind_case ? in->data_type : inside;
}

static int decode_items(ch_arena *arena, size_t n, PB(Expression__Literal) *const *in, int depth, ch_literal *items,
                        size_t step, ch_error *err)
{
    for (size_t i = 0; i < n; i++) CH_TRY(decode_literal(arena, in[i], depth, &items[i * step], err));
    return CH_OK;
}

/* The type of all items: the given one, or that of the first item that is not null. Checks them against it. */
static int common_type(ch_arena *arena, const PB(DataType) *given, ch_literal *items, size_t n, size_t step,
                       const ch_type **out, ch_error *err)
{
    *out = &ch_type_null;
    if (given) CH_TRY(ch_decode_type(arena, given, out, err));
    for (size_t i = 0; i < n && !given && (*out)->kind == CH_NULL; i++) *out = items[i * step].type;
    for (size_t i = 0; i < n; i++) CH_TRY(check_item(&items[i * step], *out, err));
    return CH_OK;
}

static int decode_array(ch_arena *arena, const PB(Expression__Literal) *in, int depth, ch_literal *out, ch_error *err)
{
    const PB(Expression__Literal__Array) *a = in->array;
    const PB(DataType) *given = given_type(in, NULL);
    bool fits = given && given->kind_case == SPARK__CONNECT__DATA_TYPE__KIND_ARRAY;
    ch_literal *items = new_items(arena, a->n_elements, out);
    CH_TRY(decode_items(arena, a->n_elements, a->elements, depth, items, 1, err));
    const ch_type *element;
    CH_TRY(common_type(arena, fits ? given->array->element_type : a->element_type, items, a->n_elements, 1, &element,
                       err));
    out->type = ch_type_array(arena, element, true);
    return CH_OK;
}

static int decode_map(ch_arena *arena, const PB(Expression__Literal) *in, int depth, ch_literal *out, ch_error *err)
{
    const PB(Expression__Literal__Map) *m = in->map;
    if (m->n_keys != m->n_values) return ch_invalid_plan(err, "A map literal has more keys than values or fewer.");
    const PB(DataType) *given = given_type(in, NULL);
    bool fits = given && given->kind_case == SPARK__CONNECT__DATA_TYPE__KIND_MAP;
    ch_literal *items = new_items(arena, 2 * m->n_keys, out);
    CH_TRY(decode_items(arena, m->n_keys, m->keys, depth, items, 2, err));
    CH_TRY(decode_items(arena, m->n_values, m->values, depth, items + 1, 2, err));
    const ch_type *key, *value;
    CH_TRY(common_type(arena, fits ? given->map->key_type : m->key_type, items, m->n_keys, 2, &key, err));
    CH_TRY(common_type(arena, fits ? given->map->value_type : m->value_type, items + 1, m->n_keys, 2, &value, err));
    out->type = ch_type_map(arena, key, value, true);
    return CH_OK;
}

/* The fields of a VectorUDT or MatrixUDT must be just those of its storage; later stages rely on it. */
static int check_udt(const ch_type *udt, ch_literal *out, ch_error *err)
{
    const ch_type *storage = ch_type_storage(udt);
    bool good = out->v.list.n == storage->nfield;
    for (size_t i = 0; good && i < storage->nfield; i++) {
        ch_literal *item = &out->v.list.items[i];
        if (item->is_null) {
            item->type = storage->fields[i].type;
            good = storage->fields[i].nullable;
        } else {
            good = ch_type_equal(item->type, storage->fields[i].type, false);
        }
    }
    return good ? CH_OK : ch_invalid_plan(err, "A vector or matrix literal is malformed.");
}

static int decode_struct(ch_arena *arena, const PB(Expression__Literal) *in, int depth, ch_literal *out, ch_error *err)
{
    const PB(Expression__Literal__Struct) *s = in->struct_;
    const PB(DataType) *given = given_type(in, s->struct_type);
    CH_TRY(ch_decode_type(arena, given, &out->type, err));
    bool udt = out->type->kind == CH_VECTOR || out->type->kind == CH_MATRIX;
    if (!udt && (out->type->kind != CH_STRUCT || out->type->nfield != s->n_elements)) {
        return ch_invalid_plan(err, "A struct literal does not fit its type.");
    }
    ch_literal *items = new_items(arena, s->n_elements, out);
    for (size_t i = 0; i < s->n_elements; i++) {
        CH_TRY(decode_literal(arena, s->elements[i], depth, &items[i], err));
        if (!udt) CH_TRY(check_item(&items[i], out->type->fields[i].type, err));
    }
    return udt ? check_udt(out->type, out, err) : CH_OK;
}

static int decode_specialized(ch_arena *arena, const PB(Expression__Literal__SpecializedArray) *a, ch_literal *out,
                              ch_error *err)
{
#define ITEMS(list, constant, assign)                                                                                  \
    out->type = ch_type_array(arena, &constant, false);                                                                \
    items = new_items(arena, (list)->n_values, out);                                                                   \
    for (size_t i = 0; i < (list)->n_values; i++) {                                                                    \
        items[i].type = &constant;                                                                                     \
        items[i].assign;                                                                                               \
    }                                                                                                                  \
    return CH_OK
    ch_literal *items;
    switch (a->value_type_case) {
    case SPARK__CONNECT__EXPRESSION__LITERAL__SPECIALIZED_ARRAY__VALUE_TYPE_BOOLS:
        ITEMS(a->bools, ch_type_boolean, v.boolean = a->bools->values[i] != 0);
    case SPARK__CONNECT__EXPRESSION__LITERAL__SPECIALIZED_ARRAY__VALUE_TYPE_INTS:
        ITEMS(a->ints, ch_type_int, v.integer = a->ints->values[i]);
    case SPARK__CONNECT__EXPRESSION__LITERAL__SPECIALIZED_ARRAY__VALUE_TYPE_LONGS:
        ITEMS(a->longs, ch_type_long, v.integer = a->longs->values[i]);
    case SPARK__CONNECT__EXPRESSION__LITERAL__SPECIALIZED_ARRAY__VALUE_TYPE_FLOATS:
        ITEMS(a->floats, ch_type_float, v.real = (double)a->floats->values[i]);
    case SPARK__CONNECT__EXPRESSION__LITERAL__SPECIALIZED_ARRAY__VALUE_TYPE_DOUBLES:
        ITEMS(a->doubles, ch_type_double, v.real = a->doubles->values[i]);
    case SPARK__CONNECT__EXPRESSION__LITERAL__SPECIALIZED_ARRAY__VALUE_TYPE_STRINGS:
        ITEMS(a->strings, ch_type_string, v.bytes.data = a->strings->values[i];
              items[i].v.bytes.len = strlen(a->strings->values[i]));
    default: return ch_invalid_plan(err, "Unsupported Literal Type: VALUETYPE_NOT_SET(0)");
    }
#undef ITEMS
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static int integer_literal(ch_literal *out, const ch_type *type, int64_t value)
{
    out->type = type;
    out->v.integer = value;
    return CH_OK;
}

static int real_literal(ch_literal *out, const ch_type *type, double value)
{
    out->type = type;
    out->v.real = value;
    return CH_OK;
}

static int bytes_literal(ch_literal *out, const ch_type *type, const void *bytes, size_t len)
{
    out->type = type;
    out->v.bytes.data = bytes ? bytes : "";
    out->v.bytes.len = len;
    return CH_OK;
}

static int decode_literal(ch_arena *arena, const PB(Expression__Literal) *in, int depth, ch_literal *out, ch_error *err)
{
    if (!in) return ch_invalid_plan(err, "Unsupported Literal Type: LITERALTYPE_NOT_SET(0)");
    if (depth > CH_TYPE_DEPTH_MAX) return ch_invalid_plan(err, "A literal is nested too deeply.");
    switch (in->literal_type_case) {
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_NULL:
        out->is_null = true;
        return ch_decode_type(arena, in->null, &out->type, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_BINARY:
        return bytes_literal(out, &ch_type_binary, in->binary.data, in->binary.len);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_BOOLEAN:
        out->type = &ch_type_boolean;
        out->v.boolean = in->boolean != 0;
        return CH_OK;
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_BYTE:
        return integer_literal(out, &ch_type_byte, (int8_t)in->byte);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_SHORT:
        return integer_literal(out, &ch_type_short, (int16_t)in->short_);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_INTEGER:
        return integer_literal(out, &ch_type_int, in->integer);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_LONG: return integer_literal(out, &ch_type_long, in->long_);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_FLOAT:
        return real_literal(out, &ch_type_float, (double)in->float_);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_DOUBLE:
        return real_literal(out, &ch_type_double, in->double_);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_DECIMAL: return decode_decimal(arena, in->decimal, out, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_STRING:
        return bytes_literal(out, &ch_type_string, in->string, strlen(in->string));
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_DATE: return integer_literal(out, &ch_type_date, in->date);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_TIMESTAMP:
        return integer_literal(out, &ch_type_timestamp, in->timestamp);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_TIMESTAMP_NTZ:
        return integer_literal(out, &ch_type_timestamp_ntz, in->timestamp_ntz);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_CALENDAR_INTERVAL:
        out->type = &ch_type_calendar;
        out->v.interval = (ch_interval){in->calendar_interval->months, in->calendar_interval->days,
                                        in->calendar_interval->microseconds};
        return CH_OK;
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_YEAR_MONTH_INTERVAL:
        return integer_literal(out, &ch_type_year_month, in->year_month_interval);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_DAY_TIME_INTERVAL:
        return integer_literal(out, &ch_type_day_time, in->day_time_interval);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_ARRAY: return decode_array(arena, in, depth + 1, out, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_MAP: return decode_map(arena, in, depth + 1, out, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_STRUCT: return decode_struct(arena, in, depth + 1, out, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_SPECIALIZED_ARRAY:
        return decode_specialized(arena, in->specialized_array, out, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE__NOT_SET:
        return ch_invalid_plan(err, "Unsupported Literal Type: LITERALTYPE_NOT_SET(0)");
    default: return ch_oneof_unsupported(err, PB_TYPE(expression__literal), (int)in->literal_type_case, "Literal");
    }
}

int ch_decode_literal(ch_arena *arena, const PB(Expression__Literal) *literal, ch_literal *out, ch_error *err)
{
    *out = (ch_literal){0};
    return decode_literal(arena, literal, 0, out, err);
}
