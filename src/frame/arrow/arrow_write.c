/* arrow_write.c: column batches into Arrow IPC streams: schema message, one record batch, end mark.
 *
 * Many small batches (the engine's chunks of 2,048 rows) become one record batch: every Arrow buffer is a growing array
 * of its own, fixed-width columns are appended by memcpy, validity by words, lists in runs of adjacent elements. The
 * stream is put together once, in ch_arrow_encoder_finish. Format: Arrow columnar format 1.5, metadata version V5. */
#include "frame/arrow/flatbuf.h"
#include "frame/engine/query.h"

#include <nanoarrow/nanoarrow.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 8 }; /* of buffers in a message body; as Spark's own server writes them */

/* --- growing memory ----------------------------------------------------------------------------------------------- */

typedef struct memory {
    unsigned char *bytes;
    size_t len, cap;
    size_t last_cap; /* of bytes that were given away: what will be needed again */
} memory;

/* Room for `extra` more bytes and SLACK beyond, so that copies may overshoot. New room is not zeroed. */
enum { SLACK = 32 };

static int memory_reserve(memory *m, size_t extra, ch_error *err)
{
    size_t need = m->len + extra + SLACK;
    if (need <= m->cap) return 0;
    size_t cap = m->cap ? m->cap : m->last_cap ? m->last_cap : 4096;
    while (cap < need) cap *= 2;
    unsigned char *bytes = realloc(m->bytes, cap);
    if (!bytes) return ch_no_memory(err);
    m->bytes = bytes;
    m->cap = cap;
    return 0;
}

/* --- the tree of columns being built ------------------------------------------------------------------------------ */

typedef struct node {
    const ch_type *type; /* storage type: no UDT */
    size_t rows, nulls;
    memory validity; /* bits; empty until the first null */
    memory offsets;  /* int32, rows + 1 of them, for strings and lists */
    memory data;
    size_t nchild;
    struct node *child; /* fields; list: the element, or the struct of key and value */
} node;

struct ch_arrow_encoder {
    const ch_schema *schema;
    size_t rows, nnode, nbuffer;
    node *columns;
    ch_buf schema_message; /* encapsulated, ready to be copied */
    ch_buf metadata;       /* scratch for the record batch's header */
};

static bool is_text(const ch_type *t)
{
    return ch_type_is_string(t) || t->kind == CH_BINARY;
}

static bool is_list(const ch_type *t)
{
    return t->kind == CH_ARRAY || t->kind == CH_MAP;
}

/* Bytes of a value in Arrow, 0 for what has no fixed-width data buffer. */
static size_t arrow_width(const ch_type *t)
{
    switch (t->kind) {
    case CH_BYTE: return 1;
    case CH_SHORT: return 2;
    case CH_INT:
    case CH_FLOAT:
    case CH_DATE:
    case CH_INTERVAL_YEAR_MONTH: return 4;
    case CH_LONG:
    case CH_DOUBLE:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ:
    case CH_INTERVAL_DAY_TIME: return 8;
    case CH_DECIMAL:
    case CH_INTERVAL_CALENDAR: return 16;
    default: return 0;
    }
}

static size_t node_buffers(const node *n)
{
    switch (n->type->kind) {
    case CH_NULL: return 0;
    case CH_STRUCT: return 1;
    case CH_ARRAY:
    case CH_MAP: return 2;
    default: return is_text(n->type) ? 3 : 2;
    }
}

/* The struct of key and value that a map's list holds. */
static const ch_type *map_entry(const ch_type *map, ch_type *entry)
{
    *entry = (ch_type){.kind = CH_STRUCT, .nfield = 2, .fields = map->fields};
    return entry;
}

static void node_free(node *n)
{
    for (size_t i = 0; i < n->nchild; i++) node_free(&n->child[i]);
    free(n->validity.bytes);
    free(n->offsets.bytes);
    free(n->data.bytes);
    if (n->type && n->type->kind == CH_MAP && n->nchild) free((void *)n->child[0].type);
    free(n->child);
}

static bool node_init(node *n, const ch_type *type)
{
    n->type = ch_type_storage(type);
    size_t children = n->type->kind == CH_STRUCT ? n->type->nfield : is_list(n->type) ? 1 : 0;
    if (!children) return true;
    n->child = calloc(children, sizeof *n->child);
    if (!n->child) return false;
    n->nchild = children;
    if (n->type->kind == CH_MAP) {
        ch_type *entry = malloc(sizeof *entry);
        return entry && node_init(&n->child[0], map_entry(n->type, entry));
    }
    for (size_t i = 0; i < children; i++) {
        if (!node_init(&n->child[i], n->type->fields[i].type)) return false;
    }
    return true;
}

static void node_clear(node *n)
{
    n->rows = n->nulls = n->validity.len = n->offsets.len = n->data.len = 0;
    for (size_t i = 0; i < n->nchild; i++) node_clear(&n->child[i]);
}

static size_t node_bytes(const node *n)
{
    size_t bytes = n->validity.len + n->offsets.len + n->data.len;
    for (size_t i = 0; i < n->nchild; i++) bytes += node_bytes(&n->child[i]);
    return bytes;
}

static size_t node_count(const node *n, size_t *buffers)
{
    size_t count = 1;
    *buffers += node_buffers(n);
    for (size_t i = 0; i < n->nchild; i++) count += node_count(&n->child[i], buffers);
    return count;
}

/* --- bits --------------------------------------------------------------------------------------------------------- */

/* `count` (at most 64) bits of a bitmap from position `at`. */
static uint64_t get_bits(const uint64_t *bits, size_t at, size_t count)
{
    size_t word = at >> 6, shift = at & 63;
    uint64_t value = bits[word] >> shift;
    if (shift + count > 64) value |= bits[word + 1] << (64 - shift);
    return count < 64 ? value & ((UINT64_C(1) << count) - 1) : value;
}

/* Sets bits of a bitmap whose bits from `at` on are zero. */
static void put_bits(uint64_t *bits, size_t at, size_t count, uint64_t value)
{
    size_t word = at >> 6, shift = at & 63;
    bits[word] |= value << shift;
    if (shift + count > 64) bits[word + 1] |= value >> (64 - shift);
}

static bool all_set(const uint64_t *bits, size_t at, size_t count)
{
    for (; count > 64; at += 64, count -= 64) {
        if (get_bits(bits, at, 64) != UINT64_MAX) return false;
    }
    return get_bits(bits, at, count) == (count < 64 ? (UINT64_C(1) << count) - 1 : UINT64_MAX);
}

/* Grows a bitmap to `bits` bits, new ones zero. */
static int grow_bits(memory *m, size_t bits, ch_error *err)
{
    size_t bytes = (bits + 63) / 64 * 8;
    if (bytes <= m->len) return 0;
    CH_TRY(memory_reserve(m, bytes - m->len, err));
    memset(m->bytes + m->len, 0, bytes - m->len);
    m->len = bytes;
    return 0;
}

static void put_ones(memory *m, size_t at, size_t count)
{
    uint64_t *bits = (uint64_t *)(void *)m->bytes;
    for (size_t n; count; at += n, count -= n) {
        n = count < 64 ? count : 64;
        put_bits(bits, at, n, n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX);
    }
}

/* Validity of rows [start, start + count) of a column; node->rows is still the number of rows before them. */
static int append_validity(node *n, const uint64_t *mask, size_t start, size_t count, ch_error *err)
{
    bool plain = !mask || all_set(mask, start, count);
    if (plain && !n->nulls) return 0;
    size_t had = n->nulls ? n->rows : 0;
    CH_TRY(grow_bits(&n->validity, n->rows + count, err));
    if (!had) put_ones(&n->validity, 0, n->rows);
    if (plain) {
        put_ones(&n->validity, n->rows, count);
        return 0;
    }
    uint64_t *bits = (uint64_t *)(void *)n->validity.bytes;
    for (size_t done = 0, step; done < count; done += step) {
        step = count - done < 64 ? count - done : 64;
        uint64_t word = get_bits(mask, start + done, step);
        put_bits(bits, n->rows + done, step, word);
        n->nulls += step - (size_t)__builtin_popcountll(word);
    }
    return 0;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

/* bool bytes into bits; node->data holds whole words */
static int append_booleans(node *n, const uint8_t *values, size_t count, ch_error *err)
{
    CH_TRY(grow_bits(&n->data, n->rows + count, err));
    uint64_t *bits = (uint64_t *)(void *)n->data.bytes;
    for (size_t done = 0, step; done < count; done += step) {
        step = count - done < 64 ? count - done : 64;
        uint64_t word = 0;
        for (size_t i = 0; i < step; i += 8) {
            uint64_t eight = 0;
            memcpy(&eight, values + done + i, step - i < 8 ? step - i : 8);
            eight &= UINT64_C(0x0101010101010101);
            word |= (eight * UINT64_C(0x0102040810204080) >> 56) << i;
        }
        put_bits(bits, n->rows + done, step, word);
    }
    return 0;
}

static void widen_decimals(ch_int128 *out, const ch_type *type, const void *data, size_t start, size_t count)
{
    if (type->precision <= 4) {
        const int16_t *in = (const int16_t *)data + start;
        for (size_t i = 0; i < count; i++) out[i] = in[i];
    } else if (type->precision <= 9) {
        const int32_t *in = (const int32_t *)data + start;
        for (size_t i = 0; i < count; i++) out[i] = in[i];
    } else if (type->precision <= 18) {
        const int64_t *in = (const int64_t *)data + start;
        for (size_t i = 0; i < count; i++) out[i] = in[i];
    } else {
        memcpy(out, (const ch_int128 *)data + start, count * sizeof *out);
    }
}

/* Values under a null may hold anything, so that the arithmetic must not overflow into undefined behaviour. */
static void convert_intervals(unsigned char *out, ch_kind kind, const ch_interval *in, size_t count)
{
    static const uint64_t DAY = UINT64_C(86400000000);
    for (size_t i = 0; i < count; i++) {
        uint64_t micros = (uint64_t)in[i].micros;
        if (kind == CH_INTERVAL_YEAR_MONTH) {
            memcpy(out + 4 * i, &in[i].months, 4);
        } else if (kind == CH_INTERVAL_DAY_TIME) {
            micros += (uint64_t)in[i].days * DAY;
            memcpy(out + 8 * i, &micros, 8);
        } else {
            uint64_t nanos = micros * 1000;
            memcpy(out + 16 * i, &in[i].months, 4);
            memcpy(out + 16 * i + 4, &in[i].days, 4);
            memcpy(out + 16 * i + 8, &nanos, 8);
        }
    }
}

static int append_fixed(node *n, const ch_column *c, size_t start, size_t count, ch_error *err)
{
    size_t width = arrow_width(n->type);
    CH_TRY(memory_reserve(&n->data, count * width, err));
    unsigned char *out = n->data.bytes + n->data.len;
    switch (n->type->kind) {
    case CH_DECIMAL: widen_decimals((ch_int128 *)(void *)out, n->type, c->data, start, count); break;
    case CH_INTERVAL_DAY_TIME:
    case CH_INTERVAL_YEAR_MONTH:
    case CH_INTERVAL_CALENDAR:
        convert_intervals(out, n->type->kind, (const ch_interval *)c->data + start, count);
        break;
    default: memcpy(out, (const unsigned char *)c->data + start * width, count * width);
    }
    n->data.len += count * width;
    return 0;
}

/* Room for `count` more offsets; the first one of all is 0. */
static int reserve_offsets(node *n, size_t count, ch_error *err)
{
    CH_TRY(memory_reserve(&n->offsets, (count + 1) * 4, err));
    if (n->offsets.len == 0) {
        memset(n->offsets.bytes, 0, 4);
        n->offsets.len = 4;
    }
    return 0;
}

static int too_big(ch_error *err)
{
    return ch_failf(err, CH_E_SPARK, "A column of one Arrow record batch holds more than 2 GiB of values.");
}

static int append_strings(node *n, const ch_string *values, const uint64_t *mask, size_t start, size_t count,
                          ch_error *err)
{
    CH_TRY(reserve_offsets(n, count, err));
    size_t total = 0;
    for (size_t i = start; i < start + count; i++) {
        if (!mask || (mask[i >> 6] >> (i & 63) & 1)) total += ch_string_len(&values[i]);
    }
    if (n->data.len + total > INT32_MAX) return too_big(err);
    CH_TRY(memory_reserve(&n->data, total, err));
    int32_t *offset = (int32_t *)(void *)(n->offsets.bytes + n->offsets.len);
    unsigned char *out = n->data.bytes + n->data.len;
    for (size_t i = start; i < start + count; i++) {
        if (!mask || (mask[i >> 6] >> (i & 63) & 1)) {
            size_t len = ch_string_len(&values[i]);
            /* the slack behind the buffer lets short strings be copied whole, without a branch on their length */
            if (len <= 12) {
                memcpy(out, values[i].value.inlined.inlined, 12);
            } else {
                memcpy(out, values[i].value.pointer.ptr, len);
            }
            out += len;
        }
        *offset++ = (int32_t)(out - n->data.bytes);
    }
    n->data.len = (size_t)(out - n->data.bytes);
    n->offsets.len += 4 * count;
    return 0;
}

static int append(node *n, const ch_column *c, const uint64_t *mask, size_t start, size_t count, ch_error *err);

/* Lists: the elements of adjacent rows usually lie side by side, so they are appended in runs. */
static int append_lists(node *n, const ch_column *c, const uint64_t *mask, size_t start, size_t count, ch_error *err)
{
    CH_TRY(reserve_offsets(n, count, err));
    const ch_list *lists = c->data;
    const ch_column *elements = &c->child[0];
    uint64_t total = n->child[0].rows, run_start = 0, run_length = 0;
    for (size_t i = start; i < start + count; i++) {
        bool valid = !mask || (mask[i >> 6] >> (i & 63) & 1);
        if (valid && lists[i].length) {
            if (run_length && lists[i].offset != run_start + run_length) {
                CH_TRY(append(&n->child[0], elements, elements->validity, run_start, run_length, err));
                run_length = 0;
            }
            if (!run_length) run_start = lists[i].offset;
            run_length += lists[i].length;
            total += lists[i].length;
            if (total > INT32_MAX) return too_big(err);
        }
        int32_t end = (int32_t)total;
        memcpy(n->offsets.bytes + n->offsets.len, &end, 4);
        n->offsets.len += 4;
    }
    return run_length ? append(&n->child[0], elements, elements->validity, run_start, run_length, err) : 0;
}

/* The fields of a struct. Where the struct is NULL its fields count as NULL, whatever the engine left in them. */
static int append_struct(node *n, const ch_column *c, const uint64_t *mask, size_t start, size_t count, ch_error *err)
{
    for (size_t i = 0; i < n->nchild; i++) {
        const ch_column *field = &c->child[i];
        const uint64_t *both = field->validity;
        memory merged = {0};
        if (mask && field->validity) {
            size_t words = (start + count + 63) / 64;
            CH_TRY(memory_reserve(&merged, words * 8, err));
            uint64_t *out = (uint64_t *)(void *)merged.bytes;
            for (size_t w = start / 64; w < words; w++) out[w] = mask[w] & field->validity[w];
            both = out;
        } else if (mask) {
            both = mask;
        }
        int status = append(&n->child[i], field, both, start, count, err);
        free(merged.bytes);
        if (status) return status;
    }
    return 0;
}

/* Appends rows [start, start + count) of a column, valid where `mask` (NULL: everywhere) has a bit. */
static int append(node *n, const ch_column *c, const uint64_t *mask, size_t start, size_t count, ch_error *err)
{
    if (n->type->kind == CH_NULL) {
        n->rows += count;
        n->nulls += count;
        return 0;
    }
    CH_TRY(append_validity(n, mask, start, count, err));
    int status;
    switch (n->type->kind) {
    case CH_BOOLEAN: status = append_booleans(n, (const uint8_t *)c->data + start, count, err); break;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY: status = append_strings(n, c->data, mask, start, count, err); break;
    case CH_ARRAY:
    case CH_MAP: status = append_lists(n, c, mask, start, count, err); break;
    case CH_STRUCT: status = append_struct(n, c, mask, start, count, err); break;
    default: status = append_fixed(n, c, start, count, err);
    }
    n->rows += count;
    return status;
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

/* Members of Arrow's Type union (Schema.fbs). */
enum {
    TYPE_NULL = 1,
    TYPE_INT = 2,
    TYPE_FLOAT = 3,
    TYPE_BINARY = 4,
    TYPE_UTF8 = 5,
    TYPE_BOOL = 6,
    TYPE_DECIMAL = 7,
    TYPE_DATE = 8,
    TYPE_TIMESTAMP = 10,
    TYPE_INTERVAL = 11,
    TYPE_LIST = 12,
    TYPE_STRUCT = 13,
    TYPE_MAP = 17,
    TYPE_DURATION = 18
};
enum { HEADER_SCHEMA = 1, HEADER_RECORD_BATCH = 3 };
enum { METADATA_V5 = 4, UNIT_DAY = 0, UNIT_MICROSECOND = 2, PRECISION_SINGLE = 1, PRECISION_DOUBLE = 2 };
enum { INTERVAL_YEAR_MONTH = 0, INTERVAL_MONTH_DAY_NANO = 2 };

static uint8_t type_tag(const ch_type *t)
{
    switch (t->kind) {
    case CH_NULL: return TYPE_NULL;
    case CH_BOOLEAN: return TYPE_BOOL;
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG: return TYPE_INT;
    case CH_FLOAT:
    case CH_DOUBLE: return TYPE_FLOAT;
    case CH_DECIMAL: return TYPE_DECIMAL;
    case CH_BINARY: return TYPE_BINARY;
    case CH_DATE: return TYPE_DATE;
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: return TYPE_TIMESTAMP;
    case CH_INTERVAL_DAY_TIME: return TYPE_DURATION;
    case CH_INTERVAL_YEAR_MONTH:
    case CH_INTERVAL_CALENDAR: return TYPE_INTERVAL;
    case CH_ARRAY: return TYPE_LIST;
    case CH_MAP: return TYPE_MAP;
    case CH_STRUCT: return TYPE_STRUCT;
    default: return TYPE_UTF8;
    }
}

/* The table that holds a type's parameters. */
static size_t add_type(ch_buf *fb, const ch_type *t, const char *time_zone)
{
    switch (t->kind) {
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG: {
        ch_fb_slot slots[] = {{.id = 0, .size = 4, .value = (int64_t)arrow_width(t) * 8},
                              {.id = 1, .size = 1, .value = 1}};
        return ch_fb_table(fb, slots, 2);
    }
    case CH_FLOAT:
    case CH_DOUBLE: {
        int64_t precision = t->kind == CH_FLOAT ? PRECISION_SINGLE : PRECISION_DOUBLE;
        ch_fb_slot slots[] = {{.id = 0, .size = 2, .value = precision}};
        return ch_fb_table(fb, slots, 1);
    }
    case CH_DECIMAL: {
        ch_fb_slot slots[] = {{.id = 0, .size = 4, .value = t->precision},
                              {.id = 1, .size = 4, .value = t->scale},
                              {.id = 2, .size = 4, .value = 128}};
        return ch_fb_table(fb, slots, 3);
    }
    case CH_DATE: {
        ch_fb_slot slots[] = {{.id = 0, .size = 2, .value = UNIT_DAY}};
        return ch_fb_table(fb, slots, 1);
    }
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: {
        ch_fb_slot slots[] = {{.id = 0, .size = 2, .value = UNIT_MICROSECOND}, {.id = 1}};
        bool zoned = t->kind == CH_TIMESTAMP;
        size_t table = ch_fb_table(fb, slots, zoned ? 2 : 1);
        if (zoned) ch_fb_patch(fb, slots[1].at, ch_fb_string(fb, time_zone));
        return table;
    }
    case CH_INTERVAL_DAY_TIME: {
        ch_fb_slot slots[] = {{.id = 0, .size = 2, .value = UNIT_MICROSECOND}};
        return ch_fb_table(fb, slots, 1);
    }
    case CH_INTERVAL_YEAR_MONTH:
    case CH_INTERVAL_CALENDAR: {
        int64_t unit = t->kind == CH_INTERVAL_YEAR_MONTH ? INTERVAL_YEAR_MONTH : INTERVAL_MONTH_DAY_NANO;
        ch_fb_slot slots[] = {{.id = 0, .size = 2, .value = unit}};
        return ch_fb_table(fb, slots, 1);
    }
    default: return ch_fb_table(fb, NULL, 0);
    }
}

/* ArrowUtils.deduplicateFieldNames: inside of structs, names that come more than once get numbers. */
static size_t add_name(ch_buf *fb, const ch_type *parent, const ch_field *field)
{
    size_t same = 0, before = 0;
    for (size_t i = 0; parent && parent->kind == CH_STRUCT && i < parent->nfield; i++) {
        if (strcmp(parent->fields[i].name, field->name) != 0) continue;
        same++;
        before += &parent->fields[i] < field;
    }
    if (same < 2) return ch_fb_string(fb, field->name);
    ch_buf name = {0};
    ch_buf_printf(&name, "%s_%zu", field->name, before);
    size_t at = ch_fb_string(fb, ch_buf_text(&name));
    ch_buf_reset(&name);
    return at;
}

/* `parent`: the type it is a part of; NULL for a column. */
static size_t add_field(ch_buf *fb, const ch_type *parent, const ch_field *field, const char *time_zone)
{
    const ch_type *t = ch_type_storage(field->type);
    ch_type entry;
    ch_field entries = {.name = "entries", .type = map_entry(t, &entry)};
    const ch_field *children = t->kind == CH_MAP ? &entries : t->fields;
    size_t nchild = t->kind == CH_MAP ? 1 : t->nfield;
    ch_fb_slot slots[] = {{.id = 0},
                          {.id = 1, .size = 1, .value = field->nullable},
                          {.id = 2, .size = 1, .value = type_tag(t)},
                          {.id = 3},
                          {.id = 5}};
    size_t table = ch_fb_table(fb, slots, 5);
    ch_fb_patch(fb, slots[0].at, add_name(fb, parent, field));
    ch_fb_patch(fb, slots[3].at, add_type(fb, t, time_zone));
    size_t vector = ch_fb_vector(fb, nchild, 4, 4);
    ch_fb_patch(fb, slots[4].at, vector);
    for (size_t i = 0; i < nchild; i++) {
        ch_fb_patch(fb, vector + 4 + 4 * i, add_field(fb, t, &children[i], time_zone));
    }
    return table;
}

/* Starts a message of one header: returns the place of the reference to the header table. */
static size_t start_message(ch_buf *fb, int header, size_t body_length)
{
    ch_fb_start(fb);
    ch_fb_slot slots[] = {{.id = 3, .size = 8, .value = (int64_t)body_length},
                          {.id = 2},
                          {.id = 0, .size = 2, .value = METADATA_V5},
                          {.id = 1, .size = 1, .value = header}};
    ch_fb_patch(fb, 0, ch_fb_table(fb, slots, 4));
    return slots[1].at;
}

/* Encapsulates: continuation mark, length, metadata padded to 8 bytes. */
static void add_message(ch_buf *out, const ch_buf *fb)
{
    static const char ZEROS[8] = {0};
    uint32_t head[2] = {UINT32_MAX, (uint32_t)((fb->len + 7) / 8 * 8)};
    ch_buf_add(out, head, sizeof head);
    ch_buf_add(out, fb->data, fb->len);
    ch_buf_add(out, ZEROS, head[1] - fb->len);
}

static void write_schema(ch_arrow_encoder *e, const char *time_zone)
{
    ch_buf *fb = &e->metadata;
    size_t header = start_message(fb, HEADER_SCHEMA, 0);
    ch_fb_slot slots[] = {{.id = 1}};
    size_t table = ch_fb_table(fb, slots, 1);
    ch_fb_patch(fb, header, table);
    size_t vector = ch_fb_vector(fb, e->schema->n, 4, 4);
    ch_fb_patch(fb, slots[0].at, vector);
    for (size_t i = 0; i < e->schema->n; i++) {
        ch_fb_patch(fb, vector + 4 + 4 * i, add_field(fb, NULL, &e->schema->fields[i], time_zone));
    }
    add_message(&e->schema_message, fb);
}

/* A stream in pieces, the last of which is being written. */
typedef struct pieces {
    ch_buf *items;
    size_t n, cap;
    bool failed; /* no memory */
} pieces;

static ch_buf *add_piece(pieces *p)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 16;
        ch_buf *items = realloc(p->items, cap * sizeof *items);
        if (!items) {
            p->failed = true;
            return &p->items[p->n - 1];
        }
        p->items = items;
        p->cap = cap;
    }
    p->items[p->n] = (ch_buf){0};
    return &p->items[p->n++];
}

/* A cursor over the body: where node and buffer rows of the header go, and the offset reached. */
typedef struct layout {
    ch_buf *fb;
    size_t node_at, buffer_at;
    size_t offset;
    ch_buf *out;    /* NULL while only measuring */
    pieces *pieces; /* NULL: everything goes into out */
} layout;

static size_t padded(size_t len)
{
    return (len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Makes `len` bytes of a memory a piece of their own. */
static void give_away(layout *l, memory *m, size_t len)
{
    size_t all = padded(len);
    memset(m->bytes + len, 0, all - len); /* within the slack */
    ch_buf *piece = l->out->len ? add_piece(l->pieces) : l->out;
    if (l->pieces->failed) return;
    ch_buf_reset(piece);
    *piece = (ch_buf){.data = (char *)m->bytes, .len = all, .cap = m->cap};
    *m = (memory){.last_cap = m->cap};
    l->out = add_piece(l->pieces);
}

static void place_buffer(layout *l, memory *m, const void *bytes, size_t len)
{
    enum { GIVEN_AWAY = 64 << 10 }; /* what is smaller is cheaper to copy */
    static const char ZEROS[ALIGNMENT] = {0};
    if (l->out && l->pieces && m && len >= GIVEN_AWAY) {
        give_away(l, m, len);
    } else if (l->out) {
        ch_buf_add(l->out, bytes, len);
        ch_buf_add(l->out, ZEROS, padded(len) - len);
    } else {
        int64_t row[2] = {(int64_t)l->offset, (int64_t)len};
        memcpy(l->fb->data + l->buffer_at, row, sizeof row);
        l->buffer_at += sizeof row;
    }
    l->offset += padded(len);
}

/* All buffers of a column in Arrow's order (depth first): into the header's rows, or into the body. */
static void place_node(layout *l, node *n)
{
    if (!l->out) {
        int64_t row[2] = {(int64_t)n->rows, (int64_t)n->nulls};
        memcpy(l->fb->data + l->node_at, row, sizeof row);
        l->node_at += sizeof row;
    }
    if (n->type->kind == CH_NULL) return;
    place_buffer(l, &n->validity, n->validity.bytes, n->nulls ? (n->rows + 7) / 8 : 0);
    if (is_text(n->type) || is_list(n->type)) {
        static const int32_t ZERO = 0;
        size_t len = n->offsets.len;
        place_buffer(l, len ? &n->offsets : NULL, len ? n->offsets.bytes : (const void *)&ZERO, len ? len : 4);
    }
    if (n->type->kind == CH_BOOLEAN) {
        place_buffer(l, &n->data, n->data.bytes, (n->rows + 7) / 8);
    } else if (node_buffers(n) > 1 && !is_list(n->type)) {
        place_buffer(l, &n->data, n->data.bytes, n->data.len);
    }
    for (size_t i = 0; i < n->nchild; i++) place_node(l, &n->child[i]);
}

/* Into *out, or where there are pieces, into them, *out being the first. */
static void write_batch(ch_arrow_encoder *e, ch_buf *out, pieces *p)
{
    ch_buf *fb = &e->metadata;
    size_t header = start_message(fb, HEADER_RECORD_BATCH, 0);
    ch_fb_slot slots[] = {{.id = 0, .size = 8, .value = (int64_t)e->rows}, {.id = 1}, {.id = 2}};
    ch_fb_patch(fb, header, ch_fb_table(fb, slots, 3));
    size_t nodes = ch_fb_vector(fb, e->nnode, 16, 8), buffers = ch_fb_vector(fb, e->nbuffer, 16, 8);
    ch_fb_patch(fb, slots[1].at, nodes);
    ch_fb_patch(fb, slots[2].at, buffers);
    layout l = {.fb = fb, .node_at = nodes + 4, .buffer_at = buffers + 4};
    for (size_t i = 0; i < e->schema->n; i++) place_node(&l, &e->columns[i]);
    /* the body's length is known only now: it stands 8 bytes before the reference to the header (start_message) */
    int64_t body = (int64_t)l.offset;
    memcpy(fb->data + header - 8, &body, 8);
    ch_buf_reserve(out, fb->len + (p ? 0 : l.offset) + 64);
    add_message(out, fb);
    l = (layout){.out = out, .pieces = p};
    for (size_t i = 0; i < e->schema->n; i++) place_node(&l, &e->columns[i]);
}

/* --- the public functions ----------------------------------------------------------------------------------------- */

ch_arrow_encoder *ch_arrow_encoder_new(const ch_schema *schema, const char *time_zone)
{
    ch_arrow_encoder *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->schema = schema;
    e->columns = calloc(schema->n ? schema->n : 1, sizeof *e->columns);
    bool ok = e->columns != NULL;
    for (size_t i = 0; ok && i < schema->n; i++) {
        ok = node_init(&e->columns[i], schema->fields[i].type);
        if (ok) e->nnode += node_count(&e->columns[i], &e->nbuffer);
    }
    if (!ok) {
        ch_arrow_encoder_free(e);
        return NULL;
    }
    write_schema(e, time_zone ? time_zone : "UTC");
    return e;
}

void ch_arrow_encoder_free(ch_arrow_encoder *e)
{
    if (!e) return;
    for (size_t i = 0; e->columns && i < e->schema->n; i++) node_free(&e->columns[i]);
    free(e->columns);
    ch_buf_reset(&e->schema_message);
    ch_buf_reset(&e->metadata);
    free(e);
}

int ch_arrow_encoder_add(ch_arrow_encoder *e, const ch_batch *batch, ch_error *err)
{
    if (batch->ncol != e->schema->n) {
        return ch_bug(err, "a batch of %zu columns for an Arrow stream of %zu", batch->ncol, e->schema->n);
    }
    if (!batch->rows) return 0;
    for (size_t i = 0; i < batch->ncol; i++) {
        const ch_column *c = &batch->cols[i];
        CH_TRY(append(&e->columns[i], c, c->validity, 0, batch->rows, err));
    }
    e->rows += batch->rows;
    return 0;
}

size_t ch_arrow_encoder_rows(const ch_arrow_encoder *e)
{
    return e->rows;
}

size_t ch_arrow_encoder_bytes(const ch_arrow_encoder *e)
{
    size_t bytes = e->schema_message.len + 256 + 16 * (e->nnode + e->nbuffer);
    for (size_t i = 0; i < e->schema->n; i++) bytes += node_bytes(&e->columns[i]);
    return bytes;
}

/* The end mark of a stream, and the encoder ready for the next. */
static void end_stream(ch_arrow_encoder *e, ch_buf *out)
{
    static const uint32_t END[2] = {UINT32_MAX, 0};
    ch_buf_add(out, END, sizeof END);
    e->rows = 0;
    for (size_t i = 0; i < e->schema->n; i++) node_clear(&e->columns[i]);
}

int ch_arrow_encoder_finish(ch_arrow_encoder *e, ch_buf *out, ch_error *err)
{
    (void)err;
    ch_buf_add(out, e->schema_message.data, e->schema_message.len);
    write_batch(e, out, NULL);
    end_stream(e, out);
    return 0;
}

int ch_arrow_encoder_finish_pieces(ch_arrow_encoder *e, ch_buf **out, size_t *n, ch_error *err)
{
    pieces p = {.items = malloc(sizeof *p.items), .cap = 1};
    *out = NULL;
    *n = 0;
    if (!p.items) return ch_no_memory(err);
    ch_buf *first = add_piece(&p);
    ch_buf_add(first, e->schema_message.data, e->schema_message.len);
    write_batch(e, first, &p);
    end_stream(e, &p.items[p.n - 1]);
    *out = p.items;
    *n = p.n;
    if (!p.failed) return 0;
    for (size_t i = 0; i < p.n; i++) ch_buf_reset(&p.items[i]);
    free(p.items);
    *out = NULL;
    return ch_no_memory(err);
}

/* --- the C data interface ----------------------------------------------------------------------------------------- */

enum { EXPORT_BUFFERS = 3 };

/* What an exported array keeps alive. */
typedef struct exported {
    ch_arrow_encoder *encoder;
    struct ArrowArray *columns, **pointers;
    const void **buffers; /* EXPORT_BUFFERS for each column */
} exported;

static void release_child(struct ArrowArray *array)
{
    array->release = NULL;
}

static void free_exported(exported *x)
{
    ch_arrow_encoder_free(x->encoder);
    free(x->columns);
    free(x->pointers);
    free(x->buffers);
    free(x);
}

static void release_exported(struct ArrowArray *array)
{
    free_exported(array->private_data);
    array->release = NULL;
}

static void export_column(const node *n, struct ArrowArray *out, const void **buffers)
{
    size_t count = 0;
    buffers[count++] = n->nulls ? n->validity.bytes : NULL;
    if (is_text(n->type)) buffers[count++] = n->offsets.bytes;
    buffers[count++] = n->data.bytes;
    *out = (struct ArrowArray){.length = (int64_t)n->rows,
                               .null_count = (int64_t)n->nulls,
                               .n_buffers = (int64_t)count,
                               .buffers = buffers,
                               .release = release_child};
}

int ch_arrow_encoder_export(ch_arrow_encoder *e, struct ArrowArray *out, ch_error *err)
{
    static const void *no_validity[1];
    size_t n = e->schema->n;
    exported *x = calloc(1, sizeof *x);
    if (!x) {
        ch_arrow_encoder_free(e);
        return ch_no_memory(err);
    }
    *x = (exported){.encoder = e,
                    .columns = calloc(n + 1, sizeof *x->columns),
                    .pointers = calloc(n + 1, sizeof *x->pointers),
                    .buffers = calloc(EXPORT_BUFFERS * n + 1, sizeof *x->buffers)};
    if (!x->columns || !x->pointers || !x->buffers) {
        free_exported(x);
        return ch_no_memory(err);
    }
    for (size_t i = 0; i < n; i++) {
        export_column(&e->columns[i], &x->columns[i], x->buffers + EXPORT_BUFFERS * i);
        x->pointers[i] = &x->columns[i];
    }
    *out = (struct ArrowArray){.length = (int64_t)e->rows,
                               .n_buffers = 1,
                               .n_children = (int64_t)n,
                               .buffers = no_validity,
                               .children = x->pointers,
                               .release = release_exported,
                               .private_data = x};
    return 0;
}
