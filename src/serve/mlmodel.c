/* mlmodel.c: MLmodel files and signatures. */
#include "serve/mlmodel.h"

#include "base/buf.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { LARGEST_FILE = 16 << 20 };

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static int read_file(const char *path, ch_buf *out, ch_error *err)
{
    FILE *f = fopen(path, "rbe");
    if (!f) return ch_failf(err, CH_E_IO, "Cannot read %s: %s", path, strerror(errno));
    char chunk[8192];
    for (size_t n; out->len <= LARGEST_FILE && (n = fread(chunk, 1, sizeof chunk, f)) > 0;) ch_buf_add(out, chunk, n);
    bool failed = ferror(f) != 0;
    fclose(f);
    if (failed) return ch_failf(err, CH_E_IO, "Cannot read %s", path);
    return out->len > LARGEST_FILE ? ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s is too long", path) : 0;
}

/* ---- the signature ---- */

static const struct {
    const char *name;
    ch_input_type type;
} TYPES[] = {
    {"boolean", CH_INPUT_BOOLEAN},       {"integer", CH_INPUT_INTEGER}, {"long", CH_INPUT_LONG},
    {"float", CH_INPUT_FLOAT},           {"double", CH_INPUT_DOUBLE},   {"string", CH_INPUT_STRING},
    {"sparkml_vector", CH_INPUT_VECTOR},
};

static ch_input_type type_named(const char *name)
{
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (strcmp(TYPES[i].name, name) == 0) return TYPES[i].type;
    return CH_INPUT_OTHER;
}

static bool is_number_type(ch_input_type type)
{
    return type >= CH_INPUT_INTEGER && type <= CH_INPUT_DOUBLE;
}

/* One column of the signature's JSON: {"type": "long", "name": "age", "required": true}. */
static int read_input(ch_arena *arena, const json_t *item, ch_input *out, ch_error *err)
{
    const char *type = json_string_value(json_object_get(item, "type")),
               *name = json_string_value(json_object_get(item, "name"));
    if (!type) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the signature has an input without a type");
    if (strcmp(type, "tensor") == 0)
        return ch_failf(err, CH_E_UNSUPPORTED, "the signature has tensor inputs, which Spark models do not take");
    *out = (ch_input){.name = ch_arena_strdup(arena, name),
                      .type = type_named(type),
                      .type_name = ch_arena_strdup(arena, type),
                      .required = true};
    if (out->type == CH_INPUT_VECTOR) out->type_name = "SparkML vector";
    const json_t *items = json_object_get(item, "items"), *required = json_object_get(item, "required"),
                 *optional = json_object_get(item, "optional");
    const char *element = json_string_value(json_object_get(items, "type"));
    if (strcmp(type, "array") == 0 && element) {
        out->type_name = ch_arena_printf(arena, "Array(%s)", element);
        if (is_number_type(type_named(element))) out->type = CH_INPUT_VECTOR;
    }
    if (json_is_boolean(required)) out->required = json_is_true(required);
    if (json_is_true(optional)) out->required = false;
    return 0;
}

static const char *spell_schema(ch_arena *arena, const ch_mlmodel *model)
{
    ch_buf text = {0};
    for (size_t i = 0; i < model->ninput; i++)
        ch_buf_printf(&text, "%s'%s': %s (%s)", i ? ", " : "[", model->inputs[i].name, model->inputs[i].type_name,
                      model->inputs[i].required ? "required" : "optional");
    ch_buf_char(&text, ']');
    const char *copy = ch_arena_strdup(arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return copy;
}

static int read_signature(ch_arena *arena, const char *json, ch_mlmodel *out, ch_error *err)
{
    json_error_t error;
    json_t *list = json_loads(json, 0, &error);
    if (!json_is_array(list)) {
        json_decref(list);
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the signature of the model is no JSON list: %s", error.text);
    }
    size_t n = json_array_size(list);
    ch_input *inputs = CH_NEW_ARRAY(arena, ch_input, n);
    bool named = n > 0;
    int status = 0;
    for (size_t i = 0; i < n && !status; i++) {
        status = read_input(arena, json_array_get(list, i), &inputs[i], err);
        named = named && !status && inputs[i].name;
    }
    json_decref(list);
    if (status || !named) return status;
    out->signature = true;
    out->ninput = n;
    out->inputs = inputs;
    out->schema = spell_schema(arena, out);
    return 0;
}

/* ---- the file ---- */

static const char *find(ch_arena *arena, const char *text, size_t len, const char *a, const char *b, const char *c)
{
    const char *const path[] = {a, b, c, NULL};
    return ch_yaml_find(arena, text, len, path);
}

static bool stays_inside(const char *path)
{
    if (*path == '/' || !*path) return false;
    for (const char *at = path; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || !at[2])) return false;
    }
    return true;
}

int ch_mlmodel_parse(ch_arena *arena, const char *path, const char *text, size_t len, ch_mlmodel *out, ch_error *err)
{
    *out = (ch_mlmodel){0};
    const char *folder = find(arena, text, len, "flavors", "spark", "model_data");
    if (!folder) {
        const char *loader = find(arena, text, len, "flavors", "python_function", "loader_module");
        return ch_failf(err, CH_E_UNSUPPORTED, "%s/MLmodel has no spark flavor%s%s: only Spark pipelines can be served",
                        path, loader ? ", its loader is " : "", loader ? loader : "");
    }
    if (!stays_inside(folder))
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s/MLmodel: model_data %s lies outside the model", path, folder);
    out->spark = ch_arena_printf(arena, "%s/%s", path, folder);
    const char *inputs = find(arena, text, len, "signature", "inputs", NULL);
    if (!inputs || strcmp(inputs, "null") == 0) return 0;
    return read_signature(arena, inputs, out, err);
}

int ch_mlmodel_read(ch_arena *arena, const char *path, ch_mlmodel *out, ch_error *err)
{
    if (strncmp(path, "file://", 7) == 0) path += 7;
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    path = ch_arena_strndup(arena, path, n);
    if (!is_folder(path)) return ch_failf(err, CH_E_FILE_NOT_FOUND, "No model at %s: there is no such folder", path);
    struct stat info;
    const char *file = ch_arena_printf(arena, "%s/MLmodel", path);
    if (stat(file, &info) == 0) {
        ch_buf text = {0};
        int status = read_file(file, &text, err);
        if (!status) status = ch_mlmodel_parse(arena, path, ch_buf_text(&text), text.len, out, err);
        ch_buf_reset(&text);
        return status;
    }
    *out = (ch_mlmodel){.spark = path};
    if (is_folder(ch_arena_printf(arena, "%s/metadata", path))) return 0;
    return ch_failf(err, CH_E_FILE_NOT_FOUND, "No model at %s: it has neither an MLmodel file nor a metadata folder",
                    path);
}
