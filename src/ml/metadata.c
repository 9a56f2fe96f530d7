/* metadata.c: reading and writing ml_attr. The order of keys is the one Spark's own metadata show. */
#include "ml/metadata.h"

#include <jansson.h>
#include <string.h>

enum { MOST_ATTRS = 1 << 24 }; /* features of one vector we read names for */

const ch_ml_attr ch_ml_attr_numeric = {.type = CH_ML_NUMERIC, .ordinal = -1, .num_values = -1};

static int bad_metadata(const ch_field *field, ch_error *err)
{
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Column %s has malformed ml_attr metadata", field->name);
}

/* The ml_attr object, NULL when there is none; *root must be given back by json_decref. */
static json_t *ml_attr_of(const ch_field *field, json_t **root)
{
    *root = field->metadata && strstr(field->metadata, "ml_attr") ? json_loads(field->metadata, 0, NULL) : NULL;
    json_t *attr = json_object_get(*root, "ml_attr");
    return json_is_object(attr) ? attr : NULL;
}

static bool read_values(ch_arena *arena, const json_t *vals, ch_ml_attr *out)
{
    if (!vals) return true;
    out->nvalue = json_array_size(vals);
    out->values = CH_NEW_ARRAY(arena, const char *, out->nvalue);
    for (size_t i = 0; i < out->nvalue; i++) {
        const char *text = json_string_value(json_array_get(vals, i));
        if (!text) return false;
        out->values[i] = ch_arena_strdup(arena, text);
    }
    return json_is_array(vals);
}

/* The statistics a numeric attribute may carry, kept as the text they are. */
static void read_statistics(ch_arena *arena, const json_t *json, ch_ml_attr *out)
{
    static const char *const NAMES[] = {"min", "max", "std", "sparsity"};
    ch_buf text = {0};
    for (size_t i = 0; i < 4; i++) {
        const json_t *value = json_object_get(json, NAMES[i]);
        if (!json_is_number(value)) continue;
        ch_buf_printf(&text, "%s\"%s\":", text.len ? "," : "", NAMES[i]);
        ch_buf_java_double(&text, json_number_value(value));
    }
    if (text.len) out->numeric = ch_arena_strdup(arena, text.data);
    ch_buf_reset(&text);
}

static bool read_attr(ch_arena *arena, const json_t *json, ch_ml_attr_type type, ch_ml_attr *out)
{
    *out = ch_ml_attr_numeric;
    out->type = type;
    const char *name = json_string_value(json_object_get(json, "name"));
    if (name) out->name = ch_arena_strdup(arena, name);
    if (type == CH_ML_NUMERIC) {
        read_statistics(arena, json, out);
        return true;
    }
    if (type == CH_ML_NOMINAL) {
        const json_t *ord = json_object_get(json, "ord"), *count = json_object_get(json, "num_vals");
        if (json_is_boolean(ord)) out->ordinal = json_is_true(ord);
        if (json_is_integer(count)) out->num_values = json_integer_value(count);
        if (count && (out->num_values < 0 || out->num_values > INT32_MAX)) return false;
    }
    return read_values(arena, json_object_get(json, "vals"), out) &&
           (type != CH_ML_BINARY || !out->values || out->nvalue == 2);
}

int ch_ml_attr_read(ch_arena *arena, const ch_field *field, ch_ml_attr *out, ch_error *err)
{
    *out = ch_ml_attr_numeric;
    out->type = CH_ML_UNRESOLVED;
    json_t *root, *json = ml_attr_of(field, &root);
    bool good = true;
    if (json) {
        const json_t *kind = json_object_get(json, "type");
        const char *text = kind ? json_string_value(kind) : "numeric";
        if (text && strcmp(text, "nominal") == 0) {
            good = read_attr(arena, json, CH_ML_NOMINAL, out);
        } else if (text && strcmp(text, "binary") == 0) {
            good = read_attr(arena, json, CH_ML_BINARY, out);
        } else {
            good = text && strcmp(text, "numeric") == 0 && read_attr(arena, json, CH_ML_NUMERIC, out);
        }
        out->name = field->name;
    }
    json_decref(root);
    return good ? 0 : bad_metadata(field, err);
}

static bool read_group_kind(ch_arena *arena, const json_t *list, ch_ml_attr_type type, ch_ml_group *out)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i), *at = json_object_get(item, "idx");
        if (!json_is_integer(at) || json_integer_value(at) < 0 || json_integer_value(at) >= out->size) return false;
        if (!read_attr(arena, item, type, &out->attrs[json_integer_value(at)])) return false;
    }
    return true;
}

int ch_ml_group_read(ch_arena *arena, const ch_field *field, ch_ml_group *out, ch_error *err)
{
    *out = (ch_ml_group){.size = -1};
    json_t *root, *json = ml_attr_of(field, &root);
    const json_t *size = json_object_get(json, "num_attrs"), *attrs = json_object_get(json, "attrs");
    bool good = true;
    if (json_is_integer(size)) {
        out->size = json_integer_value(size);
        good = out->size >= 0 && out->size <= INT32_MAX;
    } else {
        good = !size && !attrs;
    }
    if (good && attrs) {
        good = json_is_object(attrs) && out->size <= MOST_ATTRS;
        if (good) {
            out->attrs = CH_NEW_ARRAY(arena, ch_ml_attr, out->size);
            for (int64_t i = 0; i < out->size; i++) out->attrs[i] = ch_ml_attr_numeric;
            good = read_group_kind(arena, json_object_get(attrs, "numeric"), CH_ML_NUMERIC, out) &&
                   read_group_kind(arena, json_object_get(attrs, "nominal"), CH_ML_NOMINAL, out) &&
                   read_group_kind(arena, json_object_get(attrs, "binary"), CH_ML_BINARY, out);
        }
    }
    json_decref(root);
    return good ? 0 : bad_metadata(field, err);
}

int64_t ch_ml_attr_values(const ch_ml_attr *attr)
{
    if (attr->type == CH_ML_BINARY) return 2;
    if (attr->type != CH_ML_NOMINAL) return -1;
    return attr->values ? (int64_t)attr->nvalue : attr->num_values;
}

/* ---- writing ---- */

static void comma(ch_buf *out)
{
    if (out->len && out->data[out->len - 1] != '{' && out->data[out->len - 1] != '[') ch_buf_char(out, ',');
}

static void write_attr(ch_buf *out, const ch_ml_attr *attr, bool with_type, bool with_name, int64_t index)
{
    ch_buf_char(out, '{');
    if (attr->values) {
        ch_buf_str(out, "\"vals\":[");
        for (size_t i = 0; i < attr->nvalue; i++) {
            comma(out);
            ch_buf_json_string(out, attr->values[i]);
        }
        ch_buf_char(out, ']');
    } else if (attr->num_values >= 0) {
        ch_buf_printf(out, "\"num_vals\":%lld", (long long)attr->num_values);
    }
    if (attr->ordinal >= 0) {
        comma(out);
        ch_buf_printf(out, "\"ord\":%s", attr->ordinal ? "true" : "false");
    }
    if (attr->numeric) {
        comma(out);
        ch_buf_str(out, attr->numeric);
    }
    if (with_name && attr->name) {
        comma(out);
        ch_buf_str(out, "\"name\":");
        ch_buf_json_string(out, attr->name);
    }
    if (index >= 0) {
        comma(out);
        ch_buf_printf(out, "\"idx\":%lld", (long long)index);
    }
    if (with_type && attr->type != CH_ML_NUMERIC) {
        comma(out);
        ch_buf_printf(out, "\"type\":\"%s\"", attr->type == CH_ML_NOMINAL ? "nominal" : "binary");
    }
    ch_buf_char(out, '}');
}

static const char *finish(ch_arena *arena, ch_buf *text)
{
    const char *copy = ch_arena_strdup(arena, ch_buf_text(text));
    ch_buf_reset(text);
    return copy;
}

const char *ch_ml_attr_write(ch_arena *arena, const ch_ml_attr *attr)
{
    ch_buf text = {0};
    ch_buf_str(&text, "{\"ml_attr\":");
    write_attr(&text, attr, true, true, -1);
    ch_buf_char(&text, '}');
    return finish(arena, &text);
}

static void write_group_kind(ch_buf *out, const ch_ml_group *group, ch_ml_attr_type type, const char *name)
{
    bool any = false;
    for (int64_t i = 0; i < group->size; i++) {
        const ch_ml_attr *attr = &group->attrs[i];
        /* A numeric attribute of which nothing is known goes without saying. */
        if (attr->type != type || (type == CH_ML_NUMERIC && !attr->name && !attr->numeric)) continue;
        if (!any) {
            comma(out);
            ch_buf_printf(out, "\"%s\":[", name);
        } else {
            ch_buf_char(out, ',');
        }
        any = true;
        write_attr(out, attr, false, true, i);
    }
    if (any) ch_buf_char(out, ']');
}

const char *ch_ml_group_write(ch_arena *arena, const ch_ml_group *group)
{
    if (group->size < 0) return "{\"ml_attr\":{}}";
    if (!group->attrs) return ch_ml_size_metadata(arena, group->size);
    ch_buf text = {0};
    ch_buf_printf(&text, "{\"ml_attr\":{\"num_attrs\":%lld,\"attrs\":{", (long long)group->size);
    write_group_kind(&text, group, CH_ML_BINARY, "binary");
    write_group_kind(&text, group, CH_ML_NUMERIC, "numeric");
    write_group_kind(&text, group, CH_ML_NOMINAL, "nominal");
    ch_buf_str(&text, "}}}");
    return finish(arena, &text);
}

const char *ch_ml_size_metadata(ch_arena *arena, int64_t n)
{
    return ch_arena_printf(arena, "{\"ml_attr\":{\"num_attrs\":%lld}}", (long long)n);
}

const char *ch_ml_classes_metadata(ch_arena *arena, int64_t n)
{
    return ch_arena_printf(arena, "{\"ml_attr\":{\"num_vals\":%lld,\"type\":\"nominal\"}}", (long long)n);
}

const char *ch_ml_numeric_metadata(void)
{
    return "{\"ml_attr\":{}}";
}
