/* encode_type.c: data types and schemas as messages. */
#include "connect/encode.h"

static PB(DataType__StructField) *encode_field(ch_arena *arena, const ch_field *field)
{
    PB(DataType__StructField) *out = PB_NEW(arena, data_type__struct_field);
    out->name = ch_arena_strdup(arena, field->name);
    out->data_type = ch_encode_type(arena, field->type);
    out->nullable = field->nullable;
    if (field->metadata) {
        out->_metadata_case = SPARK__CONNECT__DATA_TYPE__STRUCT_FIELD___METADATA_METADATA;
        out->metadata = ch_arena_strdup(arena, field->metadata);
    }
    return out;
}

static PB(DataType) *encode_struct(ch_arena *arena, const ch_field *fields, size_t n)
{
    PB(DataType__Struct) *s = PB_NEW(arena, data_type__struct);
    s->n_fields = n;
    s->fields = CH_NEW_ARRAY(arena, PB(DataType__StructField) *, n);
    for (size_t i = 0; i < n; i++) s->fields[i] = encode_field(arena, &fields[i]);
    PB(DataType) *out = PB_NEW(arena, data_type);
    out->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_STRUCT;
    out->struct_ = s;
    return out;
}

/* Vectors and matrices travel as UDTs without sql_type: clients know theirs. */
static void encode_udt(ch_arena *arena, PB(DataType) *out, char *jvm_class, char *python_class)
{
    PB(DataType__UDT) *udt = PB_NEW(arena, data_type__udt);
    udt->type = ch_arena_strdup(arena, "udt");
    udt->_jvm_class_case = SPARK__CONNECT__DATA_TYPE__UDT___JVM_CLASS_JVM_CLASS;
    udt->jvm_class = jvm_class;
    udt->_python_class_case = SPARK__CONNECT__DATA_TYPE__UDT___PYTHON_CLASS_PYTHON_CLASS;
    udt->python_class = python_class;
    out->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_UDT;
    out->udt = udt;
}

static void encode_decimal(ch_arena *arena, const ch_type *type, PB(DataType) *out)
{
    PB(DataType__Decimal) *d = PB_NEW(arena, data_type__decimal);
    d->_precision_case = SPARK__CONNECT__DATA_TYPE__DECIMAL___PRECISION_PRECISION;
    d->precision = type->precision;
    d->_scale_case = SPARK__CONNECT__DATA_TYPE__DECIMAL___SCALE_SCALE;
    d->scale = type->scale;
    out->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_DECIMAL;
    out->decimal = d;
}

static void encode_interval(ch_arena *arena, const ch_type *type, PB(DataType) *out)
{
    if (type->kind == CH_INTERVAL_DAY_TIME) {
        PB(DataType__DayTimeInterval) *i = PB_NEW(arena, data_type__day_time_interval);
        i->_start_field_case = SPARK__CONNECT__DATA_TYPE__DAY_TIME_INTERVAL___START_FIELD_START_FIELD;
        i->start_field = type->precision;
        i->_end_field_case = SPARK__CONNECT__DATA_TYPE__DAY_TIME_INTERVAL___END_FIELD_END_FIELD;
        i->end_field = type->scale;
        out->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_DAY_TIME_INTERVAL;
        out->day_time_interval = i;
    } else {
        PB(DataType__YearMonthInterval) *i = PB_NEW(arena, data_type__year_month_interval);
        i->_start_field_case = SPARK__CONNECT__DATA_TYPE__YEAR_MONTH_INTERVAL___START_FIELD_START_FIELD;
        i->start_field = type->precision;
        i->_end_field_case = SPARK__CONNECT__DATA_TYPE__YEAR_MONTH_INTERVAL___END_FIELD_END_FIELD;
        i->end_field = type->scale;
        out->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_YEAR_MONTH_INTERVAL;
        out->year_month_interval = i;
    }
}

static void encode_sized(ch_arena *arena, const ch_type *type, PB(DataType) *out)
{
    if (type->kind == CH_CHAR) {
        out->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_CHAR;
        out->char_ = PB_NEW(arena, data_type__char);
        out->char_->length = type->precision;
    } else {
        out->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_VAR_CHAR;
        out->var_char = PB_NEW(arena, data_type__var_char);
        out->var_char->length = type->precision;
    }
}

static void encode_nested(ch_arena *arena, const ch_type *type, PB(DataType) *out)
{
    if (type->kind == CH_ARRAY) {
        out->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_ARRAY;
        out->array = PB_NEW(arena, data_type__array);
        out->array->element_type = ch_encode_type(arena, type->fields[0].type);
        out->array->contains_null = type->fields[0].nullable;
    } else {
        out->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_MAP;
        out->map = PB_NEW(arena, data_type__map);
        out->map->key_type = ch_encode_type(arena, type->fields[0].type);
        out->map->value_type = ch_encode_type(arena, type->fields[1].type);
        out->map->value_contains_null = type->fields[1].nullable;
    }
}

#define SIMPLE(kind_name, member, message)                                                                             \
    out->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_##kind_name;                                                      \
    out->member = PB_NEW(arena, data_type__##message);                                                                 \
    break

PB(DataType) *ch_encode_type(ch_arena *arena, const ch_type *type)
{
    if (type->kind == CH_STRUCT) return encode_struct(arena, type->fields, type->nfield);
    PB(DataType) *out = PB_NEW(arena, data_type);
    switch (type->kind) {
    case CH_NULL: SIMPLE(NULL, null, null);
    case CH_BOOLEAN: SIMPLE(BOOLEAN, boolean, boolean);
    case CH_BYTE: SIMPLE(BYTE, byte, byte);
    case CH_SHORT: SIMPLE(SHORT, short_, short);
    case CH_INT: SIMPLE(INTEGER, integer, integer);
    case CH_LONG: SIMPLE(LONG, long_, long);
    case CH_FLOAT: SIMPLE(FLOAT, float_, float);
    case CH_DOUBLE: SIMPLE(DOUBLE, double_, double);
    case CH_BINARY: SIMPLE(BINARY, binary, binary);
    case CH_DATE: SIMPLE(DATE, date, date);
    case CH_TIMESTAMP: SIMPLE(TIMESTAMP, timestamp, timestamp);
    case CH_TIMESTAMP_NTZ: SIMPLE(TIMESTAMP_NTZ, timestamp_ntz, timestamp_ntz);
    case CH_INTERVAL_CALENDAR: SIMPLE(CALENDAR_INTERVAL, calendar_interval, calendar_interval);
    case CH_STRING:
        out->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_STRING;
        out->string = PB_NEW(arena, data_type__string);
        out->string->collation = ch_arena_strdup(arena, "UTF8_BINARY");
        break;
    case CH_DECIMAL: encode_decimal(arena, type, out); break;
    case CH_CHAR:
    case CH_VARCHAR: encode_sized(arena, type, out); break;
    case CH_INTERVAL_DAY_TIME:
    case CH_INTERVAL_YEAR_MONTH: encode_interval(arena, type, out); break;
    case CH_ARRAY:
    case CH_MAP: encode_nested(arena, type, out); break;
    case CH_VECTOR:
        encode_udt(arena, out, "org.apache.spark.ml.linalg.VectorUDT", "pyspark.ml.linalg.VectorUDT");
        break;
    case CH_MATRIX:
        encode_udt(arena, out, "org.apache.spark.ml.linalg.MatrixUDT", "pyspark.ml.linalg.MatrixUDT");
        break;
    case CH_STRUCT: break; /* above */
    }
    return out;
}

PB(DataType) *ch_encode_schema(ch_arena *arena, const ch_schema *schema)
{
    return encode_struct(arena, schema->fields, schema->n);
}
