/* decode_type.c: data types out of messages. */
#include "connect/decode.h"
#include "connect/errors.h"
#include "frame/plan/parse.h"

#include <stdio.h>
#include <string.h>

enum { LENGTH_MAX = 1 << 30 };

static int decode_type(ch_arena *arena, const PB(DataType) *type, int depth, const ch_type **out, ch_error *err);

static int decode_decimal(ch_arena *arena, const PB(DataType__Decimal) *d, const ch_type **out, ch_error *err)
{
    int precision = d->_precision_case ? d->precision : 10, scale = d->_scale_case ? d->scale : 0;
    if (precision > 38) {
        char text[16];
        snprintf(text, sizeof text, "%d", precision);
        return ch_raise(err, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", "precision", text, "maxPrecision", "38",
                        (char *)NULL);
    }
    if (precision < 1 || scale < 0 || scale > precision) {
        return ch_invalid_plan(err, "The decimal type (%d, %d) is invalid.", precision, scale);
    }
    *out = ch_type_decimal(arena, precision, scale);
    return CH_OK;
}

static int decode_interval(ch_arena *arena, ch_kind kind, int start, int end, int last, const ch_type **out,
                           ch_error *err)
{
    if (start < 0 || end < start || end > last) {
        return ch_invalid_plan(err, "The interval type from field %d to field %d is invalid.", start, end);
    }
    *out = ch_type_sized(arena, kind, start, end);
    return CH_OK;
}

static int decode_sized(ch_arena *arena, ch_kind kind, int length, const ch_type **out, ch_error *err)
{
    if (length < 1 || length > LENGTH_MAX) return ch_invalid_plan(err, "The length %d of a type is invalid.", length);
    *out = ch_type_sized(arena, kind, length, 0);
    return CH_OK;
}

static int decode_struct(ch_arena *arena, const PB(DataType__Struct) *s, int depth, const ch_type **out, ch_error *err)
{
    ch_field *fields = CH_NEW_ARRAY(arena, ch_field, s->n_fields);
    for (size_t i = 0; i < s->n_fields; i++) {
        const PB(DataType__StructField) *f = s->fields[i];
        fields[i].name = f->name;
        fields[i].nullable = f->nullable != 0;
        if (f->_metadata_case && strcmp(f->metadata, "{}") != 0) fields[i].metadata = f->metadata;
        CH_TRY(decode_type(arena, f->data_type, depth, &fields[i].type, err));
    }
    *out = ch_type_struct(arena, fields, s->n_fields);
    return CH_OK;
}

static int decode_udt(const PB(DataType__UDT) *udt, const ch_type **out, ch_error *err)
{
    const char *name = udt->_jvm_class_case ? udt->jvm_class : "";
    if (strcmp(name, "org.apache.spark.ml.linalg.VectorUDT") == 0) {
        *out = &ch_type_vector;
    } else if (strcmp(name, "org.apache.spark.ml.linalg.MatrixUDT") == 0) {
        *out = &ch_type_matrix;
    } else {
        return ch_unsupported(err, "User-defined type %s", name[0] ? name : "in Python");
    }
    return CH_OK;
}

static int decode_string(const PB(DataType__String) *s, const ch_type **out, ch_error *err)
{
    if (s->collation[0] && strcmp(s->collation, "UTF8_BINARY") != 0) {
        return ch_unsupported(err, "Collation %s", s->collation);
    }
    *out = &ch_type_string;
    return CH_OK;
}

/* The types that have no parameters; NULL for any other. */
static const ch_type *simple_type(PB(DataType__KindCase) kind)
{
    switch ((int)kind) {
    case SPARK__CONNECT__DATA_TYPE__KIND_NULL: return &ch_type_null;
    case SPARK__CONNECT__DATA_TYPE__KIND_BINARY: return &ch_type_binary;
    case SPARK__CONNECT__DATA_TYPE__KIND_BOOLEAN: return &ch_type_boolean;
    case SPARK__CONNECT__DATA_TYPE__KIND_BYTE: return &ch_type_byte;
    case SPARK__CONNECT__DATA_TYPE__KIND_SHORT: return &ch_type_short;
    case SPARK__CONNECT__DATA_TYPE__KIND_INTEGER: return &ch_type_int;
    case SPARK__CONNECT__DATA_TYPE__KIND_LONG: return &ch_type_long;
    case SPARK__CONNECT__DATA_TYPE__KIND_FLOAT: return &ch_type_float;
    case SPARK__CONNECT__DATA_TYPE__KIND_DOUBLE: return &ch_type_double;
    case SPARK__CONNECT__DATA_TYPE__KIND_DATE: return &ch_type_date;
    case SPARK__CONNECT__DATA_TYPE__KIND_TIMESTAMP: return &ch_type_timestamp;
    case SPARK__CONNECT__DATA_TYPE__KIND_TIMESTAMP_NTZ: return &ch_type_timestamp_ntz;
    case SPARK__CONNECT__DATA_TYPE__KIND_CALENDAR_INTERVAL: return &ch_type_calendar;
    default: return NULL;
    }
}

static int decode_nested(ch_arena *arena, const PB(DataType) *type, int depth, const ch_type **out, ch_error *err)
{
    const ch_type *first, *second;
    if (type->kind_case == SPARK__CONNECT__DATA_TYPE__KIND_ARRAY) {
        CH_TRY(decode_type(arena, type->array->element_type, depth, &first, err));
        *out = ch_type_array(arena, first, type->array->contains_null != 0);
        return CH_OK;
    }
    CH_TRY(decode_type(arena, type->map->key_type, depth, &first, err));
    CH_TRY(decode_type(arena, type->map->value_type, depth, &second, err));
    *out = ch_type_map(arena, first, second, type->map->value_contains_null != 0);
    return CH_OK;
}

static int decode_type(ch_arena *arena, const PB(DataType) *type, int depth, const ch_type **out, ch_error *err)
{
    if (!type) return ch_oneof_unset(err, PB_TYPE(data_type), "KIND");
    if (depth > CH_TYPE_DEPTH_MAX) return ch_invalid_plan(err, "A data type is nested too deeply.");
    *out = simple_type(type->kind_case);
    if (*out) return CH_OK;
    switch (type->kind_case) {
    case SPARK__CONNECT__DATA_TYPE__KIND_STRING: return decode_string(type->string, out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_DECIMAL: return decode_decimal(arena, type->decimal, out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_CHAR: return decode_sized(arena, CH_CHAR, type->char_->length, out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_VAR_CHAR:
        return decode_sized(arena, CH_VARCHAR, type->var_char->length, out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_DAY_TIME_INTERVAL: {
        const PB(DataType__DayTimeInterval) *i = type->day_time_interval;
        int start = i->_start_field_case ? i->start_field : 0, end = i->_end_field_case ? i->end_field : 3;
        return decode_interval(arena, CH_INTERVAL_DAY_TIME, start, end, 3, out, err);
    }
    case SPARK__CONNECT__DATA_TYPE__KIND_YEAR_MONTH_INTERVAL: {
        const PB(DataType__YearMonthInterval) *i = type->year_month_interval;
        int start = i->_start_field_case ? i->start_field : 0, end = i->_end_field_case ? i->end_field : 1;
        return decode_interval(arena, CH_INTERVAL_YEAR_MONTH, start, end, 1, out, err);
    }
    case SPARK__CONNECT__DATA_TYPE__KIND_ARRAY:
    case SPARK__CONNECT__DATA_TYPE__KIND_MAP: return decode_nested(arena, type, depth + 1, out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_STRUCT: return decode_struct(arena, type->struct_, depth + 1, out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_UDT: return decode_udt(type->udt, out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_UNPARSED:
        return ch_parse_one_type(arena, type->unparsed->data_type_string, out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND__NOT_SET: return ch_oneof_unset(err, PB_TYPE(data_type), "KIND");
    default: return ch_oneof_unsupported(err, PB_TYPE(data_type), (int)type->kind_case, "Data type");
    }
}

int ch_decode_type(ch_arena *arena, const PB(DataType) *type, const ch_type **out, ch_error *err)
{
    return decode_type(arena, type, 0, out, err);
}
