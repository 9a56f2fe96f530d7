/* engine_type.c: Spark types and DuckDB's logical types, both ways. */
#include "frame/engine/engine.h"

#include <stdlib.h>

static duckdb_logical_type simple(duckdb_type id)
{
    return duckdb_create_logical_type(id);
}

static duckdb_logical_type struct_type(const ch_type *type)
{
    size_t n = type->nfield;
    duckdb_logical_type *members = calloc(n ? n : 1, sizeof *members);
    const char **names = calloc(n ? n : 1, sizeof *names);
    duckdb_logical_type made = NULL;
    if (members && names) {
        for (size_t i = 0; i < n; i++) {
            members[i] = ch_engine_type(type->fields[i].type);
            names[i] = type->fields[i].name;
        }
        made = duckdb_create_struct_type(members, names, n);
        for (size_t i = 0; i < n; i++) duckdb_destroy_logical_type(&members[i]);
    }
    free(members);
    free(names);
    return made;
}

duckdb_logical_type ch_engine_type(const ch_type *type)
{
    type = ch_type_storage(type);
    switch (type->kind) {
    case CH_NULL: return simple(DUCKDB_TYPE_INTEGER);
    case CH_BOOLEAN: return simple(DUCKDB_TYPE_BOOLEAN);
    case CH_BYTE: return simple(DUCKDB_TYPE_TINYINT);
    case CH_SHORT: return simple(DUCKDB_TYPE_SMALLINT);
    case CH_INT: return simple(DUCKDB_TYPE_INTEGER);
    case CH_LONG: return simple(DUCKDB_TYPE_BIGINT);
    case CH_FLOAT: return simple(DUCKDB_TYPE_FLOAT);
    case CH_DOUBLE: return simple(DUCKDB_TYPE_DOUBLE);
    case CH_DECIMAL: return duckdb_create_decimal_type((uint8_t)type->precision, (uint8_t)type->scale);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR: return simple(DUCKDB_TYPE_VARCHAR);
    case CH_BINARY: return simple(DUCKDB_TYPE_BLOB);
    case CH_DATE: return simple(DUCKDB_TYPE_DATE);
    case CH_TIMESTAMP: return simple(DUCKDB_TYPE_TIMESTAMP_TZ);
    case CH_TIMESTAMP_NTZ: return simple(DUCKDB_TYPE_TIMESTAMP);
    case CH_INTERVAL_DAY_TIME:
    case CH_INTERVAL_YEAR_MONTH:
    case CH_INTERVAL_CALENDAR: return simple(DUCKDB_TYPE_INTERVAL);
    case CH_ARRAY: {
        duckdb_logical_type element = ch_engine_type(type->fields[0].type);
        duckdb_logical_type list = duckdb_create_list_type(element);
        duckdb_destroy_logical_type(&element);
        return list;
    }
    case CH_MAP: {
        duckdb_logical_type key = ch_engine_type(type->fields[0].type), value = ch_engine_type(type->fields[1].type);
        duckdb_logical_type map = duckdb_create_map_type(key, value);
        duckdb_destroy_logical_type(&key);
        duckdb_destroy_logical_type(&value);
        return map;
    }
    case CH_STRUCT: return struct_type(type);
    case CH_VECTOR:
    case CH_MATRIX: break; /* storage structs, handled above */
    }
    return simple(DUCKDB_TYPE_INVALID);
}

static const ch_type *struct_of_engine(ch_arena *arena, duckdb_logical_type type)
{
    size_t n = duckdb_struct_type_child_count(type);
    ch_field *fields = CH_NEW_ARRAY(arena, ch_field, n);
    for (size_t i = 0; i < n; i++) {
        duckdb_logical_type child = duckdb_struct_type_child_type(type, i);
        char *name = duckdb_struct_type_child_name(type, i);
        fields[i] = (ch_field){.name = ch_arena_strdup(arena, name), .nullable = true};
        fields[i].type = ch_type_of_engine(arena, child);
        duckdb_free(name);
        duckdb_destroy_logical_type(&child);
        if (!fields[i].type) return NULL;
    }
    const ch_type *made = ch_type_struct(arena, fields, n);
    if (ch_type_equal(made, &ch_type_vector_storage, false)) return &ch_type_vector;
    if (ch_type_equal(made, &ch_type_matrix_storage, false)) return &ch_type_matrix;
    return made;
}

static const ch_type *list_of_engine(ch_arena *arena, duckdb_logical_type type)
{
    duckdb_logical_type child = duckdb_list_type_child_type(type);
    const ch_type *element = ch_type_of_engine(arena, child);
    duckdb_destroy_logical_type(&child);
    return element ? ch_type_array(arena, element, true) : NULL;
}

static const ch_type *map_of_engine(ch_arena *arena, duckdb_logical_type type)
{
    duckdb_logical_type child = duckdb_map_type_key_type(type);
    const ch_type *key = ch_type_of_engine(arena, child);
    duckdb_destroy_logical_type(&child);
    child = duckdb_map_type_value_type(type);
    const ch_type *value = ch_type_of_engine(arena, child);
    duckdb_destroy_logical_type(&child);
    return key && value ? ch_type_map(arena, key, value, true) : NULL;
}

const ch_type *ch_type_of_engine(ch_arena *arena, duckdb_logical_type type)
{
    switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_SQLNULL: return &ch_type_null;
    case DUCKDB_TYPE_BOOLEAN: return &ch_type_boolean;
    case DUCKDB_TYPE_TINYINT: return &ch_type_byte;
    case DUCKDB_TYPE_SMALLINT: return &ch_type_short;
    case DUCKDB_TYPE_INTEGER: return &ch_type_int;
    case DUCKDB_TYPE_BIGINT: return &ch_type_long;
    case DUCKDB_TYPE_FLOAT: return &ch_type_float;
    case DUCKDB_TYPE_DOUBLE: return &ch_type_double;
    case DUCKDB_TYPE_DECIMAL: return ch_type_decimal(arena, duckdb_decimal_width(type), duckdb_decimal_scale(type));
    case DUCKDB_TYPE_VARCHAR: return &ch_type_string;
    case DUCKDB_TYPE_BLOB: return &ch_type_binary;
    case DUCKDB_TYPE_DATE: return &ch_type_date;
    case DUCKDB_TYPE_TIMESTAMP_TZ: return &ch_type_timestamp;
    case DUCKDB_TYPE_TIMESTAMP: return &ch_type_timestamp_ntz;
    case DUCKDB_TYPE_INTERVAL: return &ch_type_day_time;
    case DUCKDB_TYPE_LIST: return list_of_engine(arena, type);
    case DUCKDB_TYPE_MAP: return map_of_engine(arena, type);
    case DUCKDB_TYPE_STRUCT: return struct_of_engine(arena, type);
    default: return NULL;
    }
}

static bool struct_matches(duckdb_logical_type engine_type, const ch_type *type)
{
    if (duckdb_get_type_id(engine_type) != DUCKDB_TYPE_STRUCT) return false;
    if (duckdb_struct_type_child_count(engine_type) != type->nfield) return false;
    for (size_t i = 0; i < type->nfield; i++) {
        duckdb_logical_type child = duckdb_struct_type_child_type(engine_type, i);
        bool same = ch_engine_type_matches(child, type->fields[i].type);
        duckdb_destroy_logical_type(&child);
        if (!same) return false;
    }
    return true;
}

bool ch_engine_type_matches(duckdb_logical_type engine_type, const ch_type *type)
{
    type = ch_type_storage(type);
    duckdb_type id = duckdb_get_type_id(engine_type);
    duckdb_logical_type child;
    bool same;
    switch (type->kind) {
    case CH_NULL: return true; /* nothing is read from it */
    case CH_STRUCT: return struct_matches(engine_type, type);
    case CH_ARRAY:
        if (id != DUCKDB_TYPE_LIST) return false;
        child = duckdb_list_type_child_type(engine_type);
        same = ch_engine_type_matches(child, type->fields[0].type);
        duckdb_destroy_logical_type(&child);
        return same;
    case CH_MAP:
        if (id != DUCKDB_TYPE_MAP) return false;
        child = duckdb_map_type_key_type(engine_type);
        same = ch_engine_type_matches(child, type->fields[0].type);
        duckdb_destroy_logical_type(&child);
        if (!same) return false;
        child = duckdb_map_type_value_type(engine_type);
        same = ch_engine_type_matches(child, type->fields[1].type);
        duckdb_destroy_logical_type(&child);
        return same;
    case CH_DECIMAL:
        return id == DUCKDB_TYPE_DECIMAL && duckdb_decimal_width(engine_type) == type->precision &&
               duckdb_decimal_scale(engine_type) == type->scale;
    default: {
        duckdb_logical_type want = ch_engine_type(type);
        same = duckdb_get_type_id(want) == id;
        duckdb_destroy_logical_type(&want);
        return same;
    }
    }
}
