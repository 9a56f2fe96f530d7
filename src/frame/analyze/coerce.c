/* coerce.c: Spark's type lattice under ANSI: which types meet in which, which casts happen by themselves and which may
 * be asked for. Follows AnsiTypeCoercion, TypeCoercionHelper, DecimalPrecision and Cast. */
#include "frame/analyze/resolve.h"

#include <string.h>
#include <strings.h>

/* ---- decimals ---- */

const ch_type *ch_decimal_for(ch_arena *arena, const ch_type *t)
{
    switch (t->kind) {
    case CH_BYTE: return ch_type_decimal(arena, 3, 0);
    case CH_SHORT: return ch_type_decimal(arena, 5, 0);
    case CH_INT: return ch_type_decimal(arena, 10, 0);
    case CH_LONG: return ch_type_decimal(arena, 20, 0);
    case CH_FLOAT: return ch_type_decimal(arena, 14, 7);
    case CH_DOUBLE: return ch_type_decimal(arena, 30, 15);
    case CH_DECIMAL: return t;
    case CH_BOOLEAN: return ch_type_decimal(arena, 1, 0);
    default: return ch_type_decimal(arena, 38, 18);
    }
}

const ch_type *ch_decimal_adjusted(ch_arena *arena, int precision, int scale)
{
    if (precision <= 38) return ch_type_decimal(arena, precision, scale);
    int digits = precision - scale;
    int least = scale < 6 ? scale : 6;
    int kept = 38 - digits > least ? 38 - digits : least;
    return ch_type_decimal(arena, 38, kept);
}

const ch_type *ch_wider_decimal(ch_arena *arena, const ch_type *a, const ch_type *b)
{
    int scale = a->scale > b->scale ? a->scale : b->scale;
    int left = a->precision - a->scale, right = b->precision - b->scale;
    int range = left > right ? left : right;
    if (range + scale > 38) return ch_type_decimal(arena, 38, scale < 38 ? scale : 38);
    return ch_type_decimal(arena, range + scale, scale);
}

const ch_type *ch_decimal_of_literal(ch_arena *arena, const ch_literal *value)
{
    uint64_t rest = value->v.integer < 0 ? 0 - (uint64_t)value->v.integer : (uint64_t)value->v.integer;
    int digits = 1;
    for (; rest >= 10; rest /= 10) digits++;
    return ch_type_decimal(arena, digits, 0);
}

/* DecimalType.isWiderThan */
static bool decimal_holds(const ch_type *wide, const ch_type *t)
{
    int precision, scale;
    switch (t->kind) {
    case CH_BOOLEAN: precision = 1, scale = 0; break;
    case CH_BYTE: precision = 3, scale = 0; break;
    case CH_SHORT: precision = 5, scale = 0; break;
    case CH_INT: precision = 10, scale = 0; break;
    case CH_LONG: precision = 20, scale = 0; break;
    case CH_DECIMAL: precision = t->precision, scale = t->scale; break;
    default: return false;
    }
    return wide->precision - wide->scale >= precision - scale && wide->scale >= scale;
}

/* ---- common types ---- */

typedef const ch_type *(*meet_fn)(ch_arena *, const ch_type *, const ch_type *);

static bool is_datetime(const ch_type *t)
{
    return t->kind == CH_DATE || t->kind == CH_TIMESTAMP || t->kind == CH_TIMESTAMP_NTZ;
}

static const ch_type *meet_structs(ch_arena *arena, const ch_type *a, const ch_type *b, meet_fn meet)
{
    if (a->nfield != b->nfield) return NULL;
    ch_field *fields = CH_NEW_ARRAY(arena, ch_field, a->nfield);
    for (size_t i = 0; i < a->nfield; i++) {
        const ch_field *x = &a->fields[i], *y = &b->fields[i];
        if (strcasecmp(x->name, y->name) != 0) return NULL;
        const ch_type *t = meet(arena, x->type, y->type);
        if (!t) return NULL;
        bool nullable = x->nullable || y->nullable || ch_cast_nullable(x->type, t) || ch_cast_nullable(y->type, t);
        fields[i] = (ch_field){.name = x->name, .type = t, .nullable = nullable, .metadata = x->metadata};
    }
    return ch_type_struct(arena, fields, a->nfield);
}

/* Arrays, maps and structs meet when their parts do (TypeCoercionHelper.findTypeForComplex). */
static const ch_type *meet_nested(ch_arena *arena, const ch_type *a, const ch_type *b, meet_fn meet)
{
    if (a->kind != b->kind) return NULL;
    if (a->kind == CH_STRUCT) return meet_structs(arena, a, b, meet);
    if (a->kind != CH_ARRAY && a->kind != CH_MAP) return NULL;
    size_t last = a->kind == CH_MAP ? 1 : 0;
    const ch_field *x = &a->fields[last], *y = &b->fields[last];
    const ch_type *value = meet(arena, x->type, y->type);
    if (!value) return NULL;
    bool nullable = x->nullable || y->nullable || ch_cast_nullable(x->type, value) || ch_cast_nullable(y->type, value);
    if (a->kind == CH_ARRAY) return ch_type_array(arena, value, nullable);
    const ch_type *key = meet(arena, a->fields[0].type, b->fields[0].type);
    if (!key || ch_cast_nullable(a->fields[0].type, key) || ch_cast_nullable(b->fields[0].type, key)) return NULL;
    return ch_type_map(arena, key, value, nullable);
}

static const ch_type *wider_interval(ch_arena *arena, const ch_type *a, const ch_type *b)
{
    int from = a->precision < b->precision ? a->precision : b->precision;
    int to = a->scale > b->scale ? a->scale : b->scale;
    return ch_type_sized(arena, a->kind, from, to);
}

const ch_type *ch_tightest_type(ch_arena *arena, const ch_type *a, const ch_type *b)
{
    if (ch_type_equal(a, b, true)) return a;
    if (a->kind == CH_NULL) return b;
    if (b->kind == CH_NULL) return a;
    if (ch_type_is_integral(a) && b->kind == CH_DECIMAL) return decimal_holds(b, a) ? b : NULL;
    if (ch_type_is_integral(b) && a->kind == CH_DECIMAL) return decimal_holds(a, b) ? a : NULL;
    if (ch_type_is_numeric(a) && ch_type_is_numeric(b)) {
        if (a->kind == CH_DECIMAL || b->kind == CH_DECIMAL) return NULL;
        const ch_type *wide = a->kind > b->kind ? a : b;
        return wide->kind == CH_FLOAT ? &ch_type_double : wide; /* an integral type meets float in double */
    }
    if (is_datetime(a) && is_datetime(b)) {
        if (a->kind == CH_TIMESTAMP || b->kind == CH_TIMESTAMP) return &ch_type_timestamp;
        return &ch_type_timestamp_ntz;
    }
    if (a->kind == b->kind && (a->kind == CH_INTERVAL_DAY_TIME || a->kind == CH_INTERVAL_YEAR_MONTH))
        return wider_interval(arena, a, b);
    if (ch_type_is_string(a) && ch_type_is_string(b)) return &ch_type_string;
    return meet_nested(arena, a, b, ch_tightest_type);
}

const ch_type *ch_lenient_tightest(ch_arena *arena, const ch_type *a, const ch_type *b)
{
    bool real = a->kind == CH_FLOAT || b->kind == CH_FLOAT, integral = ch_type_is_integral(a) || ch_type_is_integral(b);
    return real && integral ? &ch_type_float : ch_tightest_type(arena, a, b);
}

/* TypeCoercionHelper.findWiderTypeForDecimal */
static const ch_type *meet_decimal(ch_arena *arena, const ch_type *a, const ch_type *b)
{
    if (a->kind != CH_DECIMAL && b->kind != CH_DECIMAL) return NULL;
    const ch_type *other = a->kind == CH_DECIMAL ? b : a;
    if (other->kind == CH_FLOAT || other->kind == CH_DOUBLE) return &ch_type_double;
    if (other->kind != CH_DECIMAL && !ch_type_is_integral(other)) return NULL;
    return ch_wider_decimal(arena, ch_decimal_for(arena, a), ch_decimal_for(arena, b));
}

const ch_type *ch_string_promotion(const ch_type *a, const ch_type *b)
{
    if (!ch_type_is_string(a)) {
        if (!ch_type_is_string(b)) return NULL;
        const ch_type *swap = a;
        a = b;
        b = swap;
    }
    if (ch_type_is_string(b)) return NULL;
    if (ch_type_is_integral(b)) return &ch_type_long;
    if (ch_type_is_numeric(b)) return &ch_type_double;
    if (b->kind == CH_NULL) return a;
    if (b->kind == CH_INTERVAL_DAY_TIME || b->kind == CH_INTERVAL_YEAR_MONTH) return NULL;
    return ch_type_is_atomic(b) ? b : NULL;
}

const ch_type *ch_wider_type_no_string(ch_arena *arena, const ch_type *a, const ch_type *b)
{
    const ch_type *t = ch_tightest_type(arena, a, b);
    if (!t) t = meet_decimal(arena, a, b);
    return t ? t : meet_nested(arena, a, b, ch_wider_type_no_string);
}

const ch_type *ch_common_type(ch_arena *arena, const ch_type *a, const ch_type *b)
{
    const ch_type *t = ch_tightest_type(arena, a, b);
    if (!t) t = meet_decimal(arena, a, b);
    if (!t) t = ch_string_promotion(a, b);
    return t ? t : meet_nested(arena, a, b, ch_common_type);
}

const ch_type *ch_lenient_comparison(const ch_type *a, const ch_type *b)
{
    const ch_type *other = ch_type_is_string(a) ? b : a, *string = ch_type_is_string(a) ? a : b;
    if (!ch_type_is_string(string) || ch_type_is_string(other)) return NULL;
    if (other->kind == CH_NULL) return string;
    if (other->kind == CH_DECIMAL) return &ch_type_double; /* no one decimal fits all texts */
    return ch_type_is_atomic(other) ? other : NULL;
}

static const ch_type *lenient_string(const ch_type *a, const ch_type *b)
{
    const ch_type *other = ch_type_is_string(a) ? b : a, *string = ch_type_is_string(a) ? a : b;
    if (!ch_type_is_string(string) || ch_type_is_string(other)) return NULL;
    bool kept = other->kind == CH_BINARY || other->kind == CH_BOOLEAN;
    return ch_type_is_atomic(other) && !kept ? string : NULL;
}

const ch_type *ch_lenient_type(ch_arena *arena, const ch_type *a, const ch_type *b)
{
    const ch_type *t = ch_lenient_tightest(arena, a, b);
    if (!t) t = meet_decimal(arena, a, b);
    if (!t) t = lenient_string(a, b);
    return t ? t : meet_nested(arena, a, b, ch_lenient_type);
}

/* ---- casts ---- */

static bool is_interval(const ch_type *t)
{
    return t->kind == CH_INTERVAL_DAY_TIME || t->kind == CH_INTERVAL_YEAR_MONTH;
}

bool ch_cast_nullable(const ch_type *from, const ch_type *to)
{
    if (from->kind == CH_NULL || ch_type_equal(from, to, false)) return false;
    if (ch_type_is_string(from)) return to->kind != CH_BINARY && !ch_type_is_string(to);
    if (ch_type_is_string(to)) return false;
    if (from->kind == CH_TIMESTAMP && (to->kind == CH_BYTE || to->kind == CH_SHORT || to->kind == CH_INT)) return true;
    if ((from->kind == CH_FLOAT || from->kind == CH_DOUBLE) && to->kind == CH_TIMESTAMP) return true;
    if (from->kind == CH_TIMESTAMP && to->kind == CH_DATE) return false;
    if (from->kind == CH_DATE && to->kind == CH_TIMESTAMP_NTZ) return true;
    if (to->kind == CH_DATE || to->kind == CH_INTERVAL_CALENDAR) return true;
    /* Cast.canNullSafeCastToDecimal: digits may be cut off behind the point as long as there is room before it. */
    if (to->kind == CH_DECIMAL && from->kind == CH_DECIMAL && to->precision - to->scale > from->precision - from->scale)
        return false;
    if (to->kind == CH_DECIMAL) return !decimal_holds(to, from);
    if (ch_type_is_numeric(from) && !ch_type_is_integral(from) && ch_type_is_integral(to)) return true;
    return false;
}

/* Nested casts may not turn a part that is never null into one that can be. */
static bool keeps_nulls_out(const ch_field *from, const ch_field *to)
{
    return to->nullable || !(from->nullable || ch_cast_nullable(from->type, to->type));
}

typedef bool (*may_fn)(const ch_type *from, const ch_type *to, int mode);

static bool nested_may(const ch_type *from, const ch_type *to, may_fn may, int mode)
{
    if (from->kind != to->kind || from->nfield != to->nfield) return false;
    for (size_t i = 0; i < from->nfield; i++) {
        if (!may(from->fields[i].type, to->fields[i].type, mode)) return false;
        if (!keeps_nulls_out(&from->fields[i], &to->fields[i])) return false;
    }
    return true;
}

static bool store_one(const ch_type *from, const ch_type *to, int mode)
{
    if (from->kind == CH_NULL || ch_type_equal(from, to, false)) return true;
    if (ch_type_is_numeric(from) && ch_type_is_numeric(to)) return true;
    if (is_interval(from) && from->kind == to->kind) return true;
    if (is_datetime(from) && is_datetime(to)) return true;
    if (ch_type_is_atomic(from) && ch_type_is_string(to)) return from->kind != CH_BINARY;
    if (from->kind == CH_INTERVAL_CALENDAR && ch_type_is_string(to)) return true;
    if (from->kind == CH_ARRAY || from->kind == CH_MAP || from->kind == CH_STRUCT)
        return nested_may(from, to, store_one, mode);
    return false;
}

bool ch_can_store(const ch_type *from, const ch_type *to)
{
    return store_one(from, to, 0);
}

static bool cast_atomic(const ch_type *from, const ch_type *to, bool legacy)
{
    bool numeric_to = ch_type_is_numeric(to), numeric_from = ch_type_is_numeric(from);
    switch (from->kind) {
    case CH_BOOLEAN: return numeric_to || (legacy && to->kind == CH_TIMESTAMP);
    case CH_DATE: return is_datetime(to) || (legacy && (numeric_to || to->kind == CH_BOOLEAN));
    case CH_TIMESTAMP: return is_datetime(to) || numeric_to || (legacy && to->kind == CH_BOOLEAN);
    case CH_TIMESTAMP_NTZ: return is_datetime(to);
    case CH_BINARY: return false;
    case CH_INTERVAL_DAY_TIME:
    case CH_INTERVAL_YEAR_MONTH: return to->kind == from->kind || numeric_to;
    default: break;
    }
    if (!numeric_from) return false;
    if (numeric_to || to->kind == CH_BOOLEAN || to->kind == CH_TIMESTAMP) return true;
    if (is_interval(to)) return ch_type_is_integral(from) || from->kind == CH_DECIMAL;
    return to->kind == CH_BINARY && legacy && ch_type_is_integral(from);
}

static bool cast_one(const ch_type *from, const ch_type *to, int mode)
{
    if (from->kind == CH_NULL || ch_type_equal(from, to, false)) return true;
    if (to->kind == CH_VECTOR || to->kind == CH_MATRIX) return ch_type_equal(from, ch_type_storage(to), false);
    if (from->kind == CH_VECTOR || from->kind == CH_MATRIX)
        return ch_type_is_string(to) || ch_type_equal(ch_type_storage(from), to, false);
    if (to->kind == CH_NULL) return false;
    if (ch_type_is_string(to)) return true;
    if (ch_type_is_string(from)) {
        return to->kind == CH_BINARY || to->kind == CH_BOOLEAN || ch_type_is_numeric(to) || is_datetime(to) ||
               is_interval(to) || to->kind == CH_INTERVAL_CALENDAR;
    }
    if (from->kind == CH_ARRAY || from->kind == CH_MAP || from->kind == CH_STRUCT)
        return nested_may(from, to, cast_one, mode);
    return ch_type_is_atomic(to) && cast_atomic(from, to, mode == CH_CAST_LEGACY);
}

bool ch_can_cast(const ch_type *from, const ch_type *to, ch_cast_mode mode)
{
    return cast_one(from, to, (int)mode);
}

bool ch_type_orderable(const ch_type *t)
{
    if (t->kind == CH_MAP || t->kind == CH_INTERVAL_CALENDAR) return false;
    for (size_t i = 0; i < t->nfield; i++)
        if (!ch_type_orderable(t->fields[i].type)) return false;
    return true;
}

ch_expr *ch_coerce(ch_arena *arena, ch_expr *e, const ch_type *to)
{
    if (ch_type_equal(e->type, to, true)) return e;
    if (ch_type_equal(e->type, to, false)) { /* only nullability inside differs: the same value by another type */
        ch_expr *same = CH_NEW(arena, ch_expr);
        *same = *e;
        same->type = to;
        return same;
    }
    if (e->kind == CH_EX_LITERAL && e->u.literal.is_null) return ch_expr_null(arena, to);
    ch_expr *cast = ch_expr_cast(arena, e, to);
    cast->u.cast.implicit = true;
    cast->type = to;
    cast->nullable = e->nullable || ch_cast_nullable(e->type, to);
    return cast;
}
