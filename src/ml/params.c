/* params.c: param maps: values, defaults, coercion, validation, JSON. */
#include "ml/params.h"

#include "ml/literal.h"
#include "ml/stage.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

struct ch_param_map {
    atomic_int refs;
    ch_arena *arena; /* values, strings and the map itself */
    const ch_stage *stage;
    const char *uid;
    size_t n;
    const ch_param_row *rows;
    const ch_literal **set; /* (n) NULL: not set */
    const ch_literal **def; /* (n) NULL: no default */
    const void **array;     /* (n) plain C array of the value in force of STRINGS and DOUBLES params, made on setting */
    const void **def_array;
};

int32_t ch_java_hash(const char *text)
{
    uint32_t h = 0;
    for (; *text; text++) h = 31 * h + (unsigned char)*text;
    return (int32_t)h;
}

bool ch_valid_thresholds(const ch_literal *value)
{
    size_t zeros = 0;
    for (size_t i = 0; i < value->v.list.n; i++) {
        double t = value->v.list.items[i].v.real;
        if (!(t >= 0)) return false;
        zeros += t == 0;
    }
    return zeros <= 1;
}

/* ---- making maps ---- */

static ch_param_map *empty_map(const ch_stage *stage, const char *uid)
{
    ch_arena *arena = ch_arena_new();
    ch_param_map *map = CH_NEW(arena, ch_param_map);
    map->arena = arena;
    map->stage = stage;
    map->uid = ch_arena_strdup(arena, uid);
    map->rows = stage->params;
    while (map->rows && map->rows[map->n].name) map->n++;
    map->set = CH_NEW_ARRAY(arena, const ch_literal *, map->n);
    map->def = CH_NEW_ARRAY(arena, const ch_literal *, map->n);
    map->array = CH_NEW_ARRAY(arena, const void *, map->n);
    map->def_array = CH_NEW_ARRAY(arena, const void *, map->n);
    atomic_init(&map->refs, 1);
    return map;
}

static size_t row_index(const ch_param_map *map, const char *name)
{
    for (size_t i = 0; i < map->n; i++) {
        if (strcmp(map->rows[i].name, name) == 0) return i;
    }
    return SIZE_MAX;
}

/* Index of a param our own code asks for: it must exist. */
static size_t known(const ch_param_map *map, const char *name)
{
    size_t i = row_index(map, name);
    assert(i != SIZE_MAX);
    return i;
}

static const ch_literal *row_default(ch_param_map *map, const ch_param_row *row)
{
    ch_literal value = {0};
    switch (row->from) {
    case CH_DEFAULT_NONE: return NULL;
    case CH_DEFAULT_OUTPUT: value = ch_lit_text(map->arena, ch_arena_printf(map->arena, "%s__output", map->uid)); break;
    case CH_DEFAULT_SEED: value = ch_lit_long(ch_java_hash(map->stage->class_name)); break;
    case CH_DEFAULT_VALUE:
        switch (row->type) {
        case CH_PARAM_BOOLEAN: value = ch_lit_bool(row->number != 0); break;
        case CH_PARAM_INT: value = ch_lit_int((int64_t)row->number); break;
        case CH_PARAM_LONG: value = ch_lit_long((int64_t)row->number); break;
        case CH_PARAM_DOUBLE: value = ch_lit_double(row->number); break;
        default: value = ch_lit_text(map->arena, row->text); break;
        }
    }
    return ch_arena_dup(map->arena, &value, sizeof value);
}

ch_param_map *ch_param_map_new(const ch_stage *stage, const char *uid)
{
    ch_param_map *map = empty_map(stage, uid);
    for (size_t i = 0; i < map->n; i++) map->def[i] = row_default(map, &map->rows[i]);
    return map;
}

ch_param_map *ch_param_map_retain(ch_param_map *map)
{
    atomic_fetch_add(&map->refs, 1);
    return map;
}

void ch_param_map_release(ch_param_map *map)
{
    if (!map || atomic_fetch_sub(&map->refs, 1) > 1) return;
    ch_arena_free(map->arena);
}

const char *ch_param_map_uid(const ch_param_map *map)
{
    return map->uid;
}

const ch_stage *ch_param_map_stage(const ch_param_map *map)
{
    return map->stage;
}

size_t ch_param_map_bytes(const ch_param_map *map)
{
    return ch_arena_used(map->arena);
}

/* ---- setting ---- */

/* Deep copy of a value of one of the param types (arrays hold scalars only, vectors and matrices arrays of them). */
static ch_literal copy_value(ch_arena *arena, const ch_literal *value)
{
    ch_literal out = *value;
    if (out.is_null) return out;
    switch (out.type->kind) {
    case CH_STRING: out.v.bytes.data = ch_arena_strndup(arena, out.v.bytes.data, out.v.bytes.len); break;
    case CH_ARRAY:
    case CH_VECTOR:
    case CH_MATRIX:
        out.type = ch_type_copy(arena, out.type);
        out.v.list.items = CH_NEW_ARRAY(arena, ch_literal, out.v.list.n);
        for (size_t i = 0; i < out.v.list.n; i++) {
            out.v.list.items[i] = copy_value(arena, &value->v.list.items[i]);
        }
        break;
    default: break;
    }
    return out;
}

/* The plain array of a value of an array param. */
static const void *plain_array(ch_arena *arena, const ch_param_row *row, const ch_literal *value)
{
    size_t n = value->type->kind == CH_ARRAY ? value->v.list.n : 0;
    if (row->type == CH_PARAM_DOUBLES) {
        double *out = CH_NEW_ARRAY(arena, double, n);
        for (size_t i = 0; i < n; i++) out[i] = value->v.list.items[i].v.real;
        return out;
    }
    if (row->type == CH_PARAM_STRINGS) {
        const char **out = CH_NEW_ARRAY(arena, const char *, n);
        for (size_t i = 0; i < n; i++) out[i] = value->v.list.items[i].v.bytes.data;
        return out;
    }
    return NULL;
}

static void store(ch_param_map *map, size_t i, bool is_default, const ch_literal *value)
{
    ch_literal *copy = CH_NEW(map->arena, ch_literal);
    *copy = copy_value(map->arena, value);
    (is_default ? map->def : map->set)[i] = copy;
    (is_default ? map->def_array : map->array)[i] = plain_array(map->arena, &map->rows[i], copy);
}

ch_param_map *ch_param_map_copy(const ch_param_map *from, const ch_stage *stage, const char *uid)
{
    ch_param_map *map = empty_map(stage ? stage : from->stage, uid);
    for (size_t i = 0; i < map->n; i++) {
        size_t k = row_index(from, map->rows[i].name);
        if (k != SIZE_MAX && from->def[k]) {
            store(map, i, true, from->def[k]);
        } else {
            map->def[i] = row_default(map, &map->rows[i]);
        }
        if (k != SIZE_MAX && from->set[k]) store(map, i, false, from->set[k]);
    }
    return map;
}

/* Text of a value as Scala prints it in a message. */
static void print_value(ch_buf *out, const ch_literal *value)
{
    switch (value->type->kind) {
    case CH_BOOLEAN: ch_buf_str(out, value->v.boolean ? "true" : "false"); break;
    case CH_INT:
    case CH_LONG: ch_buf_printf(out, "%lld", (long long)value->v.integer); break;
    case CH_DOUBLE: ch_buf_java_double(out, value->v.real); break;
    case CH_STRING: ch_buf_add(out, value->v.bytes.data, value->v.bytes.len); break;
    case CH_ARRAY:
        ch_buf_char(out, '[');
        for (size_t i = 0; i < value->v.list.n; i++) {
            if (i) ch_buf_char(out, ',');
            print_value(out, &value->v.list.items[i]);
        }
        ch_buf_char(out, ']');
        break;
    default: ch_buf_str(out, "(matrix)"); break;
    }
}

static bool is_allowed(const ch_param_row *row, const char *text, size_t len)
{
    for (const char *at = row->allowed; *at; at += *at == ' ') {
        size_t n = strcspn(at, " ");
        if (n == len && (row->any_case ? strncasecmp(at, text, n) : strncmp(at, text, n)) == 0) return true;
        at += n;
    }
    return false;
}

static bool is_valid(const ch_param_row *row, const ch_literal *value)
{
    if (row->valid && !row->valid(value)) return false;
    if (row->allowed && !is_allowed(row, value->v.bytes.data, value->v.bytes.len)) return false;
    if (!row->bounded) return true;
    double x = row->type == CH_PARAM_DOUBLE ? value->v.real : (double)value->v.integer;
    return (row->low_open ? x > row->low : x >= row->low) && (row->high_open ? x < row->high : x <= row->high);
}

static int wrong_type(const ch_param_map *map, const ch_param_row *row, ch_error *err)
{
    static const char *const NAMES[] = {"boolean",          "int",    "long",  "double", "string", "array of strings",
                                        "array of doubles", "vector", "matrix"};
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s parameter %s wants a value of type %s", map->uid, row->name,
                    NAMES[row->type]);
}

/* A number as java.lang.Number gives it: intValue and longValue of a double cut off. */
static int64_t whole(double x, bool is_int)
{
    if (x != x) return 0;
    if (is_int) return x >= INT32_MAX ? INT32_MAX : x <= INT32_MIN ? INT32_MIN : (int64_t)x;
    return x >= 0x1p63 ? INT64_MAX : x <= -0x1p63 ? INT64_MIN : (int64_t)x;
}

/* Brings a client's literal to the type the row declares. */
static int coerce(const ch_param_map *map, const ch_param_row *row, ch_arena *arena, const ch_literal *in,
                  ch_literal *out, ch_error *err)
{
    if (in->is_null || !in->type) return wrong_type(map, row, err);
    double number = 0;
    bool is_number = ch_lit_number(in, &number);
    bool is_real = is_number && (in->type->kind == CH_DOUBLE || in->type->kind == CH_FLOAT);
    switch (row->type) {
    case CH_PARAM_BOOLEAN:
        if (in->type->kind != CH_BOOLEAN) break;
        *out = ch_lit_bool(in->v.boolean);
        return 0;
    case CH_PARAM_INT:
        if (!is_number) break;
        *out = ch_lit_int(is_real ? whole(number, true) : (int32_t)(uint32_t)(uint64_t)in->v.integer);
        return 0;
    case CH_PARAM_LONG:
        if (!is_number) break;
        *out = ch_lit_long(is_real ? whole(number, false) : in->v.integer);
        return 0;
    case CH_PARAM_DOUBLE:
        if (!is_number) break;
        *out = ch_lit_double(number);
        return 0;
    case CH_PARAM_STRING:
        if (!ch_type_is_string(in->type)) break;
        *out = *in;
        out->type = &ch_type_string;
        return 0;
    case CH_PARAM_VECTOR:
    case CH_PARAM_MATRIX:
        if (in->type->kind != (row->type == CH_PARAM_VECTOR ? CH_VECTOR : CH_MATRIX)) break;
        *out = *in;
        return 0;
    case CH_PARAM_STRINGS:
    case CH_PARAM_DOUBLES: {
        if (in->type->kind != CH_ARRAY) break;
        ch_param_row element = {.name = row->name,
                                .type = row->type == CH_PARAM_STRINGS ? CH_PARAM_STRING : CH_PARAM_DOUBLE};
        *out = (ch_literal){
            .type = ch_type_array(arena, row->type == CH_PARAM_STRINGS ? &ch_type_string : &ch_type_double, false)};
        out->v.list.n = in->v.list.n;
        out->v.list.items = CH_NEW_ARRAY(arena, ch_literal, in->v.list.n);
        for (size_t i = 0; i < in->v.list.n; i++) {
            CH_TRY(coerce(map, &element, arena, &in->v.list.items[i], &out->v.list.items[i], err));
        }
        return 0;
    }
    }
    return wrong_type(map, row, err);
}

static int set_value(ch_param_map *map, const char *name, const ch_literal *value, bool is_default, ch_error *err)
{
    size_t i = row_index(map, name);
    if (i == SIZE_MAX) return ch_failf(err, CH_E_NOT_FOUND, "Param %s does not exist.", name);
    ch_literal coerced;
    CH_TRY(coerce(map, &map->rows[i], map->arena, value, &coerced, err));
    if (!is_default && !is_valid(&map->rows[i], &coerced)) {
        ch_buf text = {0};
        print_value(&text, &coerced);
        int status = ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s parameter %s given invalid value %s.", map->uid, name,
                              ch_buf_text(&text));
        ch_buf_reset(&text);
        return status;
    }
    store(map, i, is_default, &coerced);
    return 0;
}

int ch_param_set_literal(ch_param_map *map, const char *name, const ch_literal *value, ch_error *err)
{
    return set_value(map, name, value, false, err);
}

int ch_param_map_set(ch_param_map *map, const ch_params *params, ch_error *err)
{
    for (size_t i = 0; params && i < params->n; i++) {
        CH_TRY(set_value(map, params->items[i].name, &params->items[i].value, false, err));
    }
    return 0;
}

void ch_param_set_text(ch_param_map *map, const char *name, const char *value)
{
    ch_literal text = ch_lit_text(map->arena, value);
    store(map, known(map, name), false, &text);
}

/* ---- getting ---- */

static const ch_literal *in_force(const ch_param_map *map, size_t i)
{
    return map->set[i] ? map->set[i] : map->def[i];
}

bool ch_param_exists(const ch_param_map *map, const char *name)
{
    return row_index(map, name) != SIZE_MAX;
}

bool ch_param_is_set(const ch_param_map *map, const char *name)
{
    return map->set[known(map, name)] != NULL;
}

bool ch_param_is_defined(const ch_param_map *map, const char *name)
{
    return in_force(map, known(map, name)) != NULL;
}

int ch_param_get(const ch_param_map *map, const char *name, const ch_literal **value, ch_error *err)
{
    *value = in_force(map, known(map, name));
    return *value ? 0 : ch_failf(err, CH_E_NOT_FOUND, "Failed to find a default value for %s", name);
}

static const ch_literal *defined(const ch_param_map *map, const char *name)
{
    const ch_literal *value = in_force(map, known(map, name));
    assert(value);
    return value;
}

bool ch_param_bool(const ch_param_map *map, const char *name)
{
    return defined(map, name)->v.boolean;
}

int ch_param_int(const ch_param_map *map, const char *name)
{
    return (int)defined(map, name)->v.integer;
}

int64_t ch_param_long(const ch_param_map *map, const char *name)
{
    return defined(map, name)->v.integer;
}

double ch_param_double(const ch_param_map *map, const char *name)
{
    return defined(map, name)->v.real;
}

const char *ch_param_text(const ch_param_map *map, const char *name)
{
    return defined(map, name)->v.bytes.data; /* copied with a NUL behind it */
}

const char *ch_param_column(const ch_param_map *map, const char *name)
{
    const ch_literal *value = in_force(map, known(map, name));
    return value && value->v.bytes.len ? value->v.bytes.data : NULL;
}

static const void *array_in_force(const ch_param_map *map, const char *name, size_t *n)
{
    size_t i = known(map, name);
    const ch_literal *value = in_force(map, i);
    *n = value ? value->v.list.n : 0;
    return map->set[i] ? map->array[i] : map->def_array[i];
}

const char *const *ch_param_texts(const ch_param_map *map, const char *name, size_t *n)
{
    return array_in_force(map, name, n);
}

const double *ch_param_doubles(const ch_param_map *map, const char *name, size_t *n)
{
    return array_in_force(map, name, n);
}

ch_params ch_param_map_list(const ch_param_map *map, ch_arena *arena)
{
    ch_param *items = CH_NEW_ARRAY(arena, ch_param, map->n);
    size_t n = 0;
    for (size_t i = 0; i < map->n; i++) {
        if (!map->set[i]) continue;
        items[n].name = map->rows[i].name;
        items[n++].value = copy_value(arena, map->set[i]);
    }
    return (ch_params){n, items};
}

/* ---- JSON ---- */

static void json_double(ch_buf *out, double x)
{
    if (x != x) {
        ch_buf_str(out, "\"NaN\"");
    } else if (isinf(x)) {
        ch_buf_str(out, x > 0 ? "\"Inf\"" : "\"-Inf\"");
    } else {
        ch_buf_java_double(out, x);
    }
}

static void print_array(ch_buf *out, const ch_literal *array, bool plain_doubles)
{
    ch_buf_char(out, '[');
    for (size_t i = 0; i < array->v.list.n; i++) {
        const ch_literal *item = &array->v.list.items[i];
        if (i) ch_buf_char(out, ',');
        if (item->type->kind == CH_STRING) {
            ch_buf_json_string(out, item->v.bytes.data);
        } else if (item->type->kind == CH_DOUBLE && plain_doubles) {
            ch_buf_java_double(out, item->v.real);
        } else if (item->type->kind == CH_DOUBLE) {
            json_double(out, item->v.real);
        } else {
            ch_buf_printf(out, "%lld", (long long)item->v.integer);
        }
    }
    ch_buf_char(out, ']');
}

/* JsonVectorConverter, JsonMatrixConverter */
static void json_vector(ch_buf *out, const ch_literal *f)
{
    if (f[0].v.integer == 1) {
        ch_buf_str(out, "{\"type\":1,\"values\":");
    } else {
        ch_buf_printf(out, "{\"type\":0,\"size\":%lld,\"indices\":", (long long)f[1].v.integer);
        print_array(out, &f[2], true);
        ch_buf_str(out, ",\"values\":");
    }
    print_array(out, &f[3], true);
    ch_buf_char(out, '}');
}

static void json_matrix(ch_buf *out, const ch_literal *f)
{
    ch_buf_printf(out, "{\"class\":\"matrix\",\"type\":%lld,\"numRows\":%lld,\"numCols\":%lld,",
                  (long long)f[0].v.integer, (long long)f[1].v.integer, (long long)f[2].v.integer);
    if (f[0].v.integer == 0) {
        ch_buf_str(out, "\"colPtrs\":");
        print_array(out, &f[3], true);
        ch_buf_str(out, ",\"rowIndices\":");
        print_array(out, &f[4], true);
        ch_buf_char(out, ',');
    }
    ch_buf_str(out, "\"values\":");
    print_array(out, &f[5], true);
    ch_buf_printf(out, ",\"isTransposed\":%s}", f[6].v.boolean ? "true" : "false");
}

static void json_value(ch_buf *out, const ch_literal *value)
{
    switch (value->type->kind) {
    case CH_BOOLEAN: ch_buf_str(out, value->v.boolean ? "true" : "false"); break;
    case CH_DOUBLE: json_double(out, value->v.real); break;
    case CH_STRING: ch_buf_json_string(out, value->v.bytes.data); break;
    case CH_ARRAY: print_array(out, value, false); break;
    case CH_VECTOR: json_vector(out, value->v.list.items); break;
    case CH_MATRIX: json_matrix(out, value->v.list.items); break;
    default: ch_buf_printf(out, "%lld", (long long)value->v.integer); break;
    }
}

static int by_name(const void *a, const void *b, void *map)
{
    const ch_param_row *rows = ((const ch_param_map *)map)->rows;
    return strcmp(rows[*(const size_t *)a].name, rows[*(const size_t *)b].name);
}

void ch_param_map_json(const ch_param_map *map, bool defaults, ch_buf *out)
{
    const ch_literal **values = defaults ? map->def : map->set;
    size_t *order = malloc((map->n + 1) * sizeof *order), n = 0;
    ch_buf_char(out, '{');
    if (order) {
        for (size_t i = 0; i < map->n; i++) {
            if (values[i]) order[n++] = i;
        }
        qsort_r(order, n, sizeof *order, by_name, (void *)(uintptr_t)map);
    }
    for (size_t k = 0; k < n; k++) {
        if (k) ch_buf_char(out, ',');
        ch_buf_json_string(out, map->rows[order[k]].name);
        ch_buf_char(out, ':');
        json_value(out, values[order[k]]);
    }
    ch_buf_char(out, '}');
    free(order);
}

static bool read_double(const json_t *json, double *out)
{
    if (json_is_number(json)) {
        *out = json_number_value(json);
        return true;
    }
    const char *text = json_string_value(json);
    if (!text) return false;
    if (strcmp(text, "NaN") == 0) {
        *out = (double)NAN;
    } else if (strcmp(text, "Inf") == 0) {
        *out = (double)INFINITY;
    } else if (strcmp(text, "-Inf") == 0) {
        *out = -(double)INFINITY;
    } else {
        return false;
    }
    return true;
}

/* JSON arrays of numbers as an array literal of ints or doubles; a NULL literal when it is none. */
static ch_literal read_numbers(ch_arena *arena, const json_t *json, bool ints)
{
    const ch_type *type = ch_type_array(arena, ints ? &ch_type_int : &ch_type_double, false);
    ch_literal out = ch_lit_null(type);
    if (!json_is_array(json)) return out;
    size_t n = json_array_size(json);
    out.v.list.n = n;
    out.v.list.items = CH_NEW_ARRAY(arena, ch_literal, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(json, i);
        double x;
        if (ints ? !json_is_integer(item) : !read_double(item, &x)) return ch_lit_null(type);
        out.v.list.items[i] = ints ? ch_lit_int(json_integer_value(item)) : ch_lit_double(x);
    }
    out.is_null = false;
    return out;
}

static ch_literal read_udt(ch_arena *arena, const json_t *json, bool matrix)
{
    static const char *const NAMES[] = {"numRows", "numCols", "colPtrs", "rowIndices"};
    ch_literal f[7] = {0};
    f[0] = (ch_literal){.type = &ch_type_byte, .v.integer = json_integer_value(json_object_get(json, "type"))};
    size_t n;
    if (matrix) {
        for (size_t i = 0; i < 2; i++) f[1 + i] = ch_lit_int(json_integer_value(json_object_get(json, NAMES[i])));
        for (size_t i = 2; i < 4; i++) f[1 + i] = read_numbers(arena, json_object_get(json, NAMES[i]), true);
        f[5] = read_numbers(arena, json_object_get(json, "values"), false);
        f[6] = ch_lit_bool(json_is_true(json_object_get(json, "isTransposed")));
        n = 7;
    } else {
        const json_t *size = json_object_get(json, "size");
        f[1] = json_is_integer(size) ? ch_lit_int(json_integer_value(size)) : ch_lit_null(&ch_type_int);
        f[2] = read_numbers(arena, json_object_get(json, "indices"), true);
        f[3] = read_numbers(arena, json_object_get(json, "values"), false);
        n = 4;
    }
    ch_literal out = {.type = matrix ? &ch_type_matrix : &ch_type_vector};
    out.v.list.n = n;
    out.v.list.items = ch_arena_dup(arena, f, n * sizeof *f);
    return out;
}

/* The JSON value of a param as a literal that `coerce` can judge; false when it is of no use for its type. */
static bool read_value(ch_arena *arena, const ch_param_row *row, const json_t *json, ch_literal *out)
{
    double x;
    switch (row->type) {
    case CH_PARAM_BOOLEAN: *out = ch_lit_bool(json_is_true(json)); return json_is_boolean(json);
    case CH_PARAM_INT:
    case CH_PARAM_LONG: *out = ch_lit_long(json_integer_value(json)); return json_is_integer(json);
    case CH_PARAM_DOUBLE:
        if (!read_double(json, &x)) return false;
        *out = ch_lit_double(x);
        return true;
    case CH_PARAM_STRING:
        if (!json_is_string(json)) return false;
        *out = ch_lit_text(arena, json_string_value(json));
        return true;
    case CH_PARAM_DOUBLES: *out = read_numbers(arena, json, false); return !out->is_null;
    case CH_PARAM_STRINGS: {
        if (!json_is_array(json)) return false;
        size_t n = json_array_size(json);
        const char **texts = CH_NEW_ARRAY(arena, const char *, n);
        for (size_t i = 0; i < n; i++) {
            texts[i] = json_string_value(json_array_get(json, i));
            if (!texts[i]) return false;
        }
        *out = ch_lit_texts(arena, texts, n);
        return true;
    }
    case CH_PARAM_VECTOR:
    case CH_PARAM_MATRIX:
        if (!json_is_object(json)) return false;
        *out = read_udt(arena, json, row->type == CH_PARAM_MATRIX);
        return true;
    }
    return false;
}

int ch_param_map_read(ch_param_map *map, const json_t *object, bool defaults, const char *skip, ch_error *err)
{
    if (!json_is_object(object))
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Cannot recognize JSON metadata: no params.");
    const char *name;
    json_t *json;
    json_object_foreach((json_t *)(uintptr_t)object, name, json)
    {
        if (skip && strcmp(name, skip) == 0) continue;
        size_t i = row_index(map, name);
        if (i == SIZE_MAX) return ch_failf(err, CH_E_NOT_FOUND, "Param %s does not exist.", name);
        ch_literal value;
        if (!read_value(map->arena, &map->rows[i], json, &value)) return wrong_type(map, &map->rows[i], err);
        if (map->rows[i].type == CH_PARAM_VECTOR || map->rows[i].type == CH_PARAM_MATRIX) {
            double *plain;
            size_t rows, cols;
            CH_TRY(map->rows[i].type == CH_PARAM_VECTOR
                       ? ch_lit_to_vector(map->arena, &value, name, &plain, &rows, err)
                       : ch_lit_to_matrix(map->arena, &value, name, &plain, &rows, &cols, err));
        }
        CH_TRY(set_value(map, name, &value, defaults, err));
    }
    return 0;
}

/* ---- single and multiple columns ---- */

static int in_out_error(const ch_param_map *map, ch_error *err, const char *what)
{
    /* The text starts with the class name and toString of the instance, which for most stages is its uid. */
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "%s %s %s", ch_stage_name(map->stage), map->uid, what);
}

int ch_param_in_out(const ch_param_map *map, ch_arena *arena, size_t *nin, const char *const **in, size_t *nout,
                    const char *const **out, ch_error *err)
{
    bool single = ch_param_is_set(map, "inputCol"), multi = ch_param_is_set(map, "inputCols");
    if (single && multi) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "requirement failed: %s %s requires exactly one of inputCol, inputCols Params to be set, but "
                        "both are set.",
                        ch_stage_name(map->stage), map->uid);
    }
    if (!single && !multi) {
        return in_out_error(map, err,
                            "requires exactly one of inputCol, inputCols Params to be set, but neither is set.");
    }
    if (single && ch_param_is_set(map, "outputCols")) {
        return in_out_error(map, err,
                            "has the inputCol Param set for single-column transform. The following Params are not "
                            "applicable and should not be set: outputCols.");
    }
    if (multi && ch_param_is_set(map, "outputCol")) {
        return in_out_error(map, err,
                            "has the inputCols Param set for multi-column transform. The following Params are not "
                            "applicable and should not be set: outputCol.");
    }
    if (multi && !ch_param_is_set(map, "outputCols")) {
        return in_out_error(map, err,
                            "has the inputCols Param set for multi-column transform. The following Params must be "
                            "defined but are not set: outputCols.");
    }
    if (multi) {
        *in = ch_param_texts(map, "inputCols", nin);
        *out = ch_param_texts(map, "outputCols", nout);
        return 0;
    }
    const char **pair = CH_NEW_ARRAY(arena, const char *, 2);
    pair[0] = ch_param_text(map, "inputCol");
    pair[1] = ch_param_text(map, "outputCol");
    *in = pair;
    *out = pair + 1;
    *nin = *nout = 1;
    return 0;
}
