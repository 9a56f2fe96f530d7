/* column.c: columns in memory of our own, and views of engine vectors as columns. */
#include "frame/type/column.h"

#include "base/arena.h"
#include "base/log.h"
#include "frame/engine/engine.h"

#include <stdlib.h>

enum { ALIGNMENT = 64 }; /* of own data, for vector instructions */

static size_t value_size(const ch_type *type)
{
    switch (type->kind) {
    case CH_BOOLEAN:
    case CH_BYTE: return 1;
    case CH_SHORT: return 2;
    case CH_NULL:
    case CH_INT:
    case CH_FLOAT:
    case CH_DATE: return 4;
    case CH_LONG:
    case CH_DOUBLE:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: return 8;
    case CH_DECIMAL: return type->precision <= 4 ? 2 : type->precision <= 9 ? 4 : type->precision <= 18 ? 8 : 16;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY: return sizeof(ch_string);
    case CH_INTERVAL_DAY_TIME:
    case CH_INTERVAL_YEAR_MONTH:
    case CH_INTERVAL_CALENDAR: return sizeof(ch_interval);
    case CH_ARRAY:
    case CH_MAP: return sizeof(ch_list);
    case CH_STRUCT:
    case CH_VECTOR:
    case CH_MATRIX: return 0;
    }
    return 0;
}

/* The type of a MAP's child: struct<key, value>. A map's two fields already are that struct's. */
static ch_type entry_type(const ch_type *map)
{
    return (ch_type){.kind = CH_STRUCT, .nfield = 2, .fields = map->fields};
}

/* --- own memory ----------------------------------------------------------------------------------------------------
 */

/* What an own column keeps beyond its data: long strings, and a map's entry type. */
typedef struct own_memory {
    ch_arena *strings;
    ch_type entries;
} own_memory;

static void free_parts(ch_column *c)
{
    free(c->data);
    free(c->validity);
    for (size_t i = 0; i < c->nchild; i++) free_parts(&c->child[i]);
    free(c->child);
    own_memory *own = c->strings;
    if (own) ch_arena_free(own->strings);
    free(own);
}

static bool make_parts(ch_column *c, const ch_type *type, size_t capacity)
{
    *c = (ch_column){.type = type, .rows = capacity, .capacity = capacity};
    own_memory *own = calloc(1, sizeof *own);
    c->strings = own;
    if (!own) return false;
    size_t size = value_size(type);
    if (size) {
        size_t bytes = (size * (capacity ? capacity : 1) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        c->data = aligned_alloc(ALIGNMENT, bytes);
        if (!c->data) return false;
        memset(c->data, 0, bytes);
    }
    const ch_type *storage = ch_type_storage(type);
    size_t nchild = storage->kind == CH_STRUCT ? storage->nfield : type->kind == CH_ARRAY || type->kind == CH_MAP;
    if (!nchild) return true;
    c->child = calloc(nchild, sizeof *c->child);
    if (!c->child) return false;
    for (size_t i = 0; i < nchild; i++) {
        const ch_type *child = storage->fields[i].type;
        size_t rows = capacity;
        if (storage->kind != CH_STRUCT) rows = 0;
        if (type->kind == CH_MAP) {
            own->entries = entry_type(type);
            child = &own->entries;
        }
        c->nchild = i + 1;
        if (!make_parts(&c->child[i], child, rows)) return false;
    }
    return true;
}

ch_column *ch_column_new(const ch_type *type, size_t capacity)
{
    ch_column *c = malloc(sizeof *c);
    if (!c) return NULL;
    if (make_parts(c, type, capacity)) return c;
    ch_column_free(c);
    return NULL;
}

void ch_column_free(ch_column *c)
{
    if (!c) return;
    free_parts(c);
    free(c);
}

void ch_column_clear(ch_column *c)
{
    if (c->validity) memset(c->validity, 0xff, (c->capacity + 63) / 64 * sizeof *c->validity);
    own_memory *own = c->strings;
    if (own && own->strings) {
        ch_arena_free(own->strings);
        own->strings = NULL;
    }
    for (size_t i = 0; i < c->nchild; i++) ch_column_clear(&c->child[i]);
}

/* Grows own memory to `capacity` rows; what is new is zero and valid. */
static bool grow(ch_column *c, size_t capacity)
{
    if (capacity <= c->capacity) return true;
    size_t size = value_size(c->type);
    if (size) {
        if (capacity > SIZE_MAX / 2 / size) return false;
        size_t bytes = (size * capacity + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        unsigned char *data = aligned_alloc(ALIGNMENT, bytes);
        if (!data) return false;
        size_t had = size * c->capacity;
        memcpy(data, c->data, had);
        memset(data + had, 0, bytes - had);
        free(c->data);
        c->data = data;
    }
    if (c->validity) {
        size_t had = (c->capacity + 63) / 64, words = (capacity + 63) / 64;
        uint64_t *validity = realloc(c->validity, words * sizeof *validity);
        if (!validity) return false;
        memset(validity + had, 0xff, (words - had) * sizeof *validity);
        c->validity = validity;
    }
    if (ch_type_storage(c->type)->kind == CH_STRUCT) {
        for (size_t i = 0; i < c->nchild; i++) {
            if (!grow(&c->child[i], capacity)) return false;
            c->child[i].rows = capacity;
        }
    }
    c->capacity = capacity;
    return true;
}

/* --- writing -------------------------------------------------------------------------------------------------------
 */

static void make_validity(ch_column *c)
{
    if (c->engine) {
        duckdb_vector_ensure_validity_writable(c->engine);
        c->validity = duckdb_vector_get_validity(c->engine);
        return;
    }
    size_t words = ((c->capacity ? c->capacity : 1) + 63) / 64;
    c->validity = malloc(words * sizeof *c->validity);
    if (!c->validity) {
        ch_log(CH_LOG_ERROR, "out of memory: %zu bytes wanted", words * sizeof *c->validity);
        abort(); /* as any arena does */
    }
    memset(c->validity, 0xff, words * sizeof *c->validity);
}

void ch_column_set_null(ch_column *c, size_t row)
{
    if (!c->validity) make_validity(c);
    c->validity[row >> 6] &= ~((uint64_t)1 << (row & 63));
    if (c->type->kind == CH_ARRAY || c->type->kind == CH_MAP) {
        ((ch_list *)c->data)[row] = (ch_list){0, 0};
    } else if (ch_type_storage(c->type)->kind == CH_STRUCT) {
        for (size_t i = 0; i < c->nchild; i++) ch_column_set_null(&c->child[i], row);
    }
}

void ch_column_set_string(ch_column *c, size_t row, const char *bytes, size_t len)
{
    if (c->engine) {
        duckdb_vector_assign_string_element_len(c->engine, row, bytes, len);
        return;
    }
    ch_string *s = (ch_string *)c->data + row;
    memset(s, 0, sizeof *s);
    s->value.inlined.len = (uint32_t)len;
    if (len <= sizeof s->value.inlined.inlined) {
        memcpy(s->value.inlined.inlined, bytes, len);
        return;
    }
    own_memory *own = c->strings;
    if (!own->strings) own->strings = ch_arena_new();
    memcpy(s->value.pointer.prefix, bytes, sizeof s->value.pointer.prefix);
    s->value.pointer.ptr = ch_arena_dup(own->strings, bytes, len);
}

void ch_column_keep(ch_column *c, const uint8_t *keep)
{
    size_t size = value_size(c->type), kept = 0;
    for (size_t row = 0; row < c->rows; row++) {
        if (!keep[row]) continue;
        if (size && kept != row) memcpy((char *)c->data + kept * size, (char *)c->data + row * size, size);
        if (c->validity) {
            uint64_t bit = (uint64_t)1 << (kept & 63);
            c->validity[kept >> 6] =
                ch_column_valid(c, row) ? c->validity[kept >> 6] | bit : c->validity[kept >> 6] & ~bit;
        }
        kept++;
    }
    bool fields = ch_type_storage(c->type)->kind == CH_STRUCT;
    for (size_t i = 0; fields && i < c->nchild; i++) ch_column_keep(&c->child[i], keep);
    c->rows = kept;
}

/* Points a column and those below it at an engine vector's memory, which moves when lists grow. */
static void refresh(ch_column *c, duckdb_vector vector, size_t rows, bool writable)
{
    c->engine = writable ? vector : NULL;
    c->rows = c->capacity = rows;
    c->validity = duckdb_vector_get_validity(vector);
    const ch_type *storage = ch_type_storage(c->type);
    if (storage->kind == CH_STRUCT) {
        for (size_t i = 0; i < c->nchild; i++)
            refresh(&c->child[i], duckdb_struct_vector_get_child(vector, i), rows, writable);
        return;
    }
    c->data = duckdb_vector_get_data(vector);
    if (storage->kind == CH_ARRAY || storage->kind == CH_MAP) {
        refresh(&c->child[0], duckdb_list_vector_get_child(vector), duckdb_list_vector_get_size(vector), writable);
    }
}

int ch_column_resize_list(ch_column *list, size_t elements, ch_error *err)
{
    if (!list->engine) {
        if (!grow(&list->child[0], elements)) return ch_no_memory(err);
        list->child[0].rows = elements;
        return 0;
    }
    if (duckdb_list_vector_reserve(list->engine, elements) != DuckDBSuccess) return ch_no_memory(err);
    if (duckdb_list_vector_set_size(list->engine, elements) != DuckDBSuccess) return ch_no_memory(err);
    refresh(&list->child[0], duckdb_list_vector_get_child(list->engine), elements, true);
    return 0;
}

/* --- engine vectors ------------------------------------------------------------------------------------------------
 */

/* The child columns of a type, all the way down, with types set. */
static void make_children(ch_arena *arena, ch_column *c, const ch_type *type)
{
    c->type = type;
    const ch_type *storage = ch_type_storage(type);
    if (storage->kind == CH_MAP) {
        ch_type *entries = CH_NEW(arena, ch_type);
        *entries = entry_type(storage);
        c->nchild = 1;
        c->child = CH_NEW(arena, ch_column);
        make_children(arena, c->child, entries);
        return;
    }
    if (storage->kind != CH_STRUCT && storage->kind != CH_ARRAY) return;
    c->nchild = storage->nfield;
    c->child = CH_NEW_ARRAY(arena, ch_column, c->nchild);
    for (size_t i = 0; i < c->nchild; i++) make_children(arena, &c->child[i], storage->fields[i].type);
}

void ch_column_wrap(ch_arena *arena, duckdb_vector vector, const ch_type *type, size_t rows, bool writable,
                    ch_column *out)
{
    if (out->type != type) {
        *out = (ch_column){0};
        make_children(arena, out, type);
    }
    refresh(out, vector, rows, writable);
}
