/* type_json.c: Spark's JSON of types, the form in which schemas travel in Parquet footers, in Python and in the
 * protocol. Reading accepts the keys in any order; writing gives them in Spark's. */
#include "frame/type/type.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- writing --------------------------------------------------------------------------------------------------------
 */

static void add_fields(ch_buf *buf, const ch_field *fields, size_t n)
{
    ch_buf_str(buf, "{\"type\":\"struct\",\"fields\":[");
    for (size_t i = 0; i < n; i++) {
        if (i) ch_buf_char(buf, ',');
        ch_buf_str(buf, "{\"name\":");
        ch_buf_json_string(buf, fields[i].name);
        ch_buf_str(buf, ",\"type\":");
        ch_type_json(buf, fields[i].type);
        ch_buf_printf(buf, ",\"nullable\":%s,\"metadata\":", fields[i].nullable ? "true" : "false");
        ch_buf_str(buf, fields[i].metadata ? fields[i].metadata : "{}");
        ch_buf_char(buf, '}');
    }
    ch_buf_str(buf, "]}");
}

static void add_udt(ch_buf *buf, const ch_type *t)
{
    const char *name = t->kind == CH_VECTOR ? "VectorUDT" : "MatrixUDT";
    ch_buf_printf(buf,
                  "{\"type\":\"udt\",\"class\":\"org.apache.spark.ml.linalg.%s\","
                  "\"pyClass\":\"pyspark.ml.linalg.%s\",\"sqlType\":",
                  name, name);
    ch_type_json(buf, ch_type_storage(t));
    ch_buf_char(buf, '}');
}

void ch_type_json(ch_buf *buf, const ch_type *t)
{
    switch (t->kind) {
    case CH_STRUCT: add_fields(buf, t->fields, t->nfield); break;
    case CH_ARRAY:
        ch_buf_str(buf, "{\"type\":\"array\",\"elementType\":");
        ch_type_json(buf, t->fields[0].type);
        ch_buf_printf(buf, ",\"containsNull\":%s}", t->fields[0].nullable ? "true" : "false");
        break;
    case CH_MAP:
        ch_buf_str(buf, "{\"type\":\"map\",\"keyType\":");
        ch_type_json(buf, t->fields[0].type);
        ch_buf_str(buf, ",\"valueType\":");
        ch_type_json(buf, t->fields[1].type);
        ch_buf_printf(buf, ",\"valueContainsNull\":%s}", t->fields[1].nullable ? "true" : "false");
        break;
    case CH_VECTOR:
    case CH_MATRIX: add_udt(buf, t); break;
    default:
        ch_buf_char(buf, '"');
        ch_type_name(buf, t);
        ch_buf_char(buf, '"');
    }
}

void ch_schema_json(ch_buf *buf, const ch_schema *schema)
{
    add_fields(buf, schema->fields, schema->n);
}

/* A parsed value again as compact text, numbers in Java's spelling: metadata stays text all its life. */
static void add_json(ch_buf *buf, const json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        ch_buf_char(buf, '{');
        i = 0;
        json_object_foreach((json_t *)value, key, item)
        {
            if (i++) ch_buf_char(buf, ',');
            ch_buf_json_string(buf, key);
            ch_buf_char(buf, ':');
            add_json(buf, item);
        }
        ch_buf_char(buf, '}');
        break;
    case JSON_ARRAY:
        ch_buf_char(buf, '[');
        json_array_foreach(value, i, item)
        {
            if (i) ch_buf_char(buf, ',');
            add_json(buf, item);
        }
        ch_buf_char(buf, ']');
        break;
    case JSON_STRING: ch_buf_json_string(buf, json_string_value(value)); break;
    case JSON_INTEGER: ch_buf_printf(buf, "%" JSON_INTEGER_FORMAT, json_integer_value(value)); break;
    case JSON_REAL: ch_buf_java_double(buf, json_real_value(value)); break;
    case JSON_TRUE: ch_buf_str(buf, "true"); break;
    case JSON_FALSE: ch_buf_str(buf, "false"); break;
    case JSON_NULL: ch_buf_str(buf, "null"); break;
    }
}

/* --- reading --------------------------------------------------------------------------------------------------------
 */

static int invalid_type(const json_t *value, ch_error *err)
{
    ch_buf text = {0};
    if (json_is_string(value)) {
        ch_buf_str(&text, json_string_value(value));
    } else {
        add_json(&text, value);
    }
    int status = ch_raise(err, "INVALID_JSON_DATA_TYPE", "invalidType", ch_buf_text(&text), (char *)NULL);
    ch_buf_reset(&text);
    return status;
}

static const struct {
    const char *name;
    const ch_type *type;
} SIMPLE[] = {
    {"void", &ch_type_null},
    {"null", &ch_type_null},
    {"boolean", &ch_type_boolean},
    {"byte", &ch_type_byte},
    {"short", &ch_type_short},
    {"integer", &ch_type_int},
    {"long", &ch_type_long},
    {"float", &ch_type_float},
    {"double", &ch_type_double},
    {"string", &ch_type_string},
    {"binary", &ch_type_binary},
    {"date", &ch_type_date},
    {"timestamp", &ch_type_timestamp},
    {"timestamp_ltz", &ch_type_timestamp},
    {"timestamp_ntz", &ch_type_timestamp_ntz},
    {"interval", &ch_type_calendar},
    {"calendarinterval", &ch_type_calendar},
};

/* "interval day to second" and its like; NULL if `name` is none. */
static const ch_type *interval_type(ch_arena *arena, const char *name)
{
    static const struct {
        ch_kind kind;
        int last;
    } FAMILIES[] = {{CH_INTERVAL_DAY_TIME, 3}, {CH_INTERVAL_YEAR_MONTH, 1}};
    for (size_t f = 0; f < 2; f++) {
        for (int start = 0; start <= FAMILIES[f].last; start++) {
            for (int end = start; end <= FAMILIES[f].last; end++) {
                ch_type type = {.kind = FAMILIES[f].kind, .precision = start, .scale = end};
                ch_buf text = {0};
                ch_type_name(&text, &type);
                bool same = strcmp(ch_buf_text(&text), name) == 0;
                ch_buf_reset(&text);
                if (same) return ch_type_sized(arena, type.kind, start, end);
            }
        }
    }
    return NULL;
}

static int named_type(ch_arena *arena, const json_t *value, const ch_type **out, ch_error *err)
{
    const char *name = json_string_value(value);
    for (size_t i = 0; i < sizeof SIMPLE / sizeof *SIMPLE; i++) {
        if (strcmp(name, SIMPLE[i].name) == 0) {
            *out = SIMPLE[i].type;
            return 0;
        }
    }
    int precision, scale, used = 0;
    if (strcmp(name, "decimal") == 0) {
        *out = ch_type_decimal(arena, 10, 0);
        return 0;
    }
    if (sscanf(name, "decimal( %9d , %9d )%n", &precision, &scale, &used) == 2 && used && !name[used]) {
        if (precision > 38) {
            char text[16];
            snprintf(text, sizeof text, "%d", precision);
            return ch_raise(err, "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION", "precision", text, "maxPrecision", "38",
                            (char *)NULL);
        }
        if (precision < 1 || scale < 0 || scale > precision) return invalid_type(value, err);
        *out = ch_type_decimal(arena, precision, scale);
        return 0;
    }
    bool is_char = sscanf(name, "char( %9d )%n", &precision, &used) == 1 && used && !name[used];
    if (is_char || (sscanf(name, "varchar( %9d )%n", &precision, &used) == 1 && used && !name[used])) {
        if (precision < 1) return invalid_type(value, err);
        *out = ch_type_sized(arena, is_char ? CH_CHAR : CH_VARCHAR, precision, 0);
        return 0;
    }
    *out = interval_type(arena, name);
    return *out ? 0 : invalid_type(value, err);
}

static int read_type(ch_arena *arena, const json_t *value, int depth, const ch_type **out, ch_error *err);

static int read_struct(ch_arena *arena, const json_t *value, int depth, const ch_type **out, ch_error *err)
{
    const json_t *list = json_object_get(value, "fields");
    if (!json_is_array(list)) return invalid_type(value, err);
    size_t n = json_array_size(list);
    ch_field *fields = CH_NEW_ARRAY(arena, ch_field, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i), *name = json_object_get(item, "name");
        const json_t *type = json_object_get(item, "type"), *nullable = json_object_get(item, "nullable");
        const json_t *metadata = json_object_get(item, "metadata");
        if (!json_is_string(name) || !type || (nullable && !json_is_boolean(nullable)) ||
            (metadata && !json_is_object(metadata) && !json_is_null(metadata)))
            return invalid_type(value, err);
        fields[i].name = ch_arena_strdup(arena, json_string_value(name));
        fields[i].nullable = !nullable || json_is_true(nullable);
        CH_TRY(read_type(arena, type, depth + 1, &fields[i].type, err));
        if (metadata && json_object_size(metadata)) {
            ch_buf text = {0};
            add_json(&text, metadata);
            fields[i].metadata = ch_arena_strdup(arena, ch_buf_text(&text));
            ch_buf_reset(&text);
        }
    }
    ch_type *t = CH_NEW(arena, ch_type);
    *t = (ch_type){.kind = CH_STRUCT, .nfield = n, .fields = fields};
    *out = t;
    return 0;
}

/* A user defined type: spark.ml's two, or mllib's of the same layout (old model files). */
static int read_udt(const json_t *value, const ch_type **out, ch_error *err)
{
    const char *name = json_string_value(json_object_get(value, "class"));
    if (!name) name = json_string_value(json_object_get(value, "pyClass"));
    if (!name) return invalid_type(value, err);
    const char *last = strrchr(name, '.');
    bool known = strncmp(name, "org.apache.spark.ml", 19) == 0 || strncmp(name, "pyspark.ml", 10) == 0;
    if (known && last && strcmp(last, ".VectorUDT") == 0) {
        *out = &ch_type_vector;
    } else if (known && last && strcmp(last, ".MatrixUDT") == 0) {
        *out = &ch_type_matrix;
    } else {
        return ch_raise(err, "UNSUPPORTED_DATATYPE", "typeName", name, (char *)NULL);
    }
    return 0;
}

static int read_type(ch_arena *arena, const json_t *value, int depth, const ch_type **out, ch_error *err)
{
    if (depth > CH_TYPE_DEPTH_MAX) {
        return ch_raise(err, "INVALID_JSON_DATA_TYPE", "invalidType", "(nested too deeply)", (char *)NULL);
    }
    if (json_is_string(value)) return named_type(arena, value, out, err);
    const char *kind = json_string_value(json_object_get(value, "type"));
    if (!kind) return invalid_type(value, err);
    if (strcmp(kind, "struct") == 0) return read_struct(arena, value, depth, out, err);
    if (strcmp(kind, "udt") == 0) return read_udt(value, out, err);
    bool map = strcmp(kind, "map") == 0;
    if (!map && strcmp(kind, "array") != 0) return invalid_type(value, err);
    const json_t *key = json_object_get(value, "keyType");
    const json_t *item = json_object_get(value, map ? "valueType" : "elementType");
    const json_t *nullable = json_object_get(value, map ? "valueContainsNull" : "containsNull");
    if ((map && !key) || !item || !json_is_boolean(nullable)) return invalid_type(value, err);
    const ch_type *key_type = NULL, *item_type;
    if (map) CH_TRY(read_type(arena, key, depth + 1, &key_type, err));
    CH_TRY(read_type(arena, item, depth + 1, &item_type, err));
    bool has_null = json_is_true(nullable);
    *out = map ? ch_type_map(arena, key_type, item_type, has_null) : ch_type_array(arena, item_type, has_null);
    return 0;
}

int ch_type_from_json(ch_arena *arena, const char *json, size_t len, const ch_type **out, ch_error *err)
{
    json_error_t problem;
    json_t *value = json_loadb(json, len, JSON_DECODE_ANY, &problem);
    if (!value) {
        char text[200];
        snprintf(text, sizeof text, "%.*s", (int)(len < 150 ? len : 150), json);
        return ch_raise(err, "INVALID_JSON_DATA_TYPE", "invalidType", text, (char *)NULL);
    }
    int status = read_type(arena, value, 0, out, err);
    json_decref(value);
    return status;
}
