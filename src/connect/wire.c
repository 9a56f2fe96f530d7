/* wire.c: checking and unpacking protobuf messages, and writing single fields. */
#include "connect/wire.h"

#include <string.h>

/* Memory a message may unpack to beyond its own size: a field of two bytes becomes a struct of some hundred, but what
 * makes messages big is data, which is only copied. */
enum { UNPACK_FACTOR = 48, UNPACK_BASE = 1 << 20, UNPACK_MAX = 1 << 30 };

typedef struct reader {
    const uint8_t *at, *end;
} reader;

static bool read_varint(reader *r, uint64_t *value)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
        uint8_t byte = *r->at++;
        v |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) {
            *value = v;
            return true;
        }
    }
    return false;
}

/* Length of the UTF-8 character at the front of at[0..n), 0 when it is malformed. */
static size_t utf8_char(const uint8_t *at, size_t n)
{
    if (at[0] < 0x80) return 1;
    size_t len = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    if (at[0] < 0xC2 || at[0] > 0xF4 || len > n) return 0;
    uint8_t low = at[0] == 0xE0 ? 0xA0 : at[0] == 0xF0 ? 0x90 : 0x80;
    uint8_t high = at[0] == 0xED ? 0x9F : at[0] == 0xF4 ? 0x8F : 0xBF;
    if (at[1] < low || at[1] > high) return 0;
    for (size_t i = 2; i < len; i++) {
        if ((at[i] & 0xC0) != 0x80) return 0;
    }
    return len;
}

static int bad_message(ch_error *err, const char *what)
{
    return ch_raise(err, "CONNECT_INVALID_PLAN.CANNOT_PARSE", "errorMsg", what, (char *)NULL);
}

static int check_string(const uint8_t *text, size_t size, ch_error *err)
{
    if (memchr(text, '\0', size)) {
        return ch_raise(err, "UNSUPPORTED_FEATURE", "feature", "Strings with NUL characters", (char *)NULL);
    }
    for (size_t i = 0; i < size;) {
        size_t n = utf8_char(text + i, size - i);
        if (!n) return bad_message(err, "a string field is not UTF-8");
        i += n;
    }
    return CH_OK;
}

/* A message being walked: its type, NULL for bytes of an unknown field, and where it ends. */
typedef struct level {
    const ProtobufCMessageDescriptor *type;
    const uint8_t *end;
} level;

/* Steps over the value of a field; one that is a message becomes the next level. */
static int check_field(level *levels, size_t *depth, reader *r, ch_error *err)
{
    uint64_t tag, value;
    if (!read_varint(r, &tag) || tag >> 3 == 0 || tag >> 32) return bad_message(err, "a field has a malformed tag");
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(levels[*depth].type, (unsigned)(tag >> 3));
    size_t left = (size_t)(r->end - r->at);
    switch (tag & 7) {
    case PROTOBUF_C_WIRE_TYPE_VARINT: return read_varint(r, &value) ? CH_OK : bad_message(err, "a number is cut off");
    case PROTOBUF_C_WIRE_TYPE_64BIT:
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        value = (tag & 7) == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
        if (left < value) return bad_message(err, "a number is cut off");
        r->at += value;
        return CH_OK;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        if (!read_varint(r, &value) || value > (size_t)(r->end - r->at)) return bad_message(err, "a field is cut off");
        if (field && field->type == PROTOBUF_C_TYPE_MESSAGE) {
            if (*depth + 1 >= CH_WIRE_DEPTH_MAX) return bad_message(err, "messages are nested too deeply");
            levels[++*depth] = (level){field->descriptor, r->at + value};
            return CH_OK;
        }
        if (field && field->type == PROTOBUF_C_TYPE_STRING) CH_TRY(check_string(r->at, (size_t)value, err));
        r->at += value;
        return CH_OK;
    default: return bad_message(err, "a field has an unknown wire type");
    }
}

int ch_wire_check(const ProtobufCMessageDescriptor *type, const void *bytes, size_t size, ch_error *err)
{
    if (size > CH_WIRE_MESSAGE_MAX) return bad_message(err, "the message is too large");
    level levels[CH_WIRE_DEPTH_MAX];
    const uint8_t *data = bytes;
    reader r = {data, data + size};
    levels[0] = (level){type, r.end};
    size_t depth = 0;
    for (size_t fields = 0;; fields++) {
        while (r.at == levels[depth].end) {
            if (depth == 0) return CH_OK;
            depth--;
        }
        if (fields >= CH_WIRE_FIELDS_MAX) return bad_message(err, "the message has too many fields");
        r.end = levels[depth].end;
        CH_TRY(check_field(levels, &depth, &r, err));
    }
}

/* An allocator over an arena with an upper bound: hostile messages (a submessage repeated and merged a million times)
 * must not eat the machine. */
typedef struct bounded_arena {
    ch_arena *arena;
    size_t left;
} bounded_arena;

static void *bounded_alloc(void *state, size_t size)
{
    bounded_arena *b = state;
    if (size > b->left) return NULL;
    b->left -= size;
    return ch_arena_alloc(b->arena, size);
}

static void bounded_free(void *state, void *pointer)
{
    (void)state;
    (void)pointer;
}

int ch_wire_unpack(ch_arena *arena, const ProtobufCMessageDescriptor *type, const void *bytes, size_t size,
                   ProtobufCMessage **out, ch_error *err)
{
    CH_TRY(ch_wire_check(type, bytes, size, err));
    size_t extra = UNPACK_BASE + size * UNPACK_FACTOR;
    bounded_arena bounded = {arena, size + (extra < UNPACK_MAX ? extra : UNPACK_MAX)};
    ProtobufCAllocator allocator = {bounded_alloc, bounded_free, &bounded};
    *out = protobuf_c_message_unpack(type, &allocator, size, bytes);
    return *out ? CH_OK : bad_message(err, "the bytes are no message of this type");
}

bool ch_wire_find(const void *bytes, size_t size, unsigned field, const void **value, size_t *value_size)
{
    static const size_t FIXED[8] = {[PROTOBUF_C_WIRE_TYPE_64BIT] = 8, [PROTOBUF_C_WIRE_TYPE_32BIT] = 4};
    const uint8_t *data = bytes;
    reader r = {data, data + size};
    uint64_t tag, number;
    while (r.at < r.end && read_varint(&r, &tag)) {
        unsigned wire = tag & 7;
        if (FIXED[wire]) {
            r.at += FIXED[wire];
        } else if (!read_varint(&r, &number)) {
            return false;
        } else if (wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
            if (tag >> 3 == field) {
                *value = r.at;
                *value_size = (size_t)number;
                return true;
            }
            r.at += number;
        }
    }
    return false;
}

void ch_wire_pack(ch_buf *buf, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    ch_buf_reserve(buf, size);
    protobuf_c_message_pack(message, (uint8_t *)buf->data + buf->len);
    buf->len += size;
    buf->data[buf->len] = '\0';
}

static void add_varint(ch_buf *buf, uint64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;
    while (value >= 0x80) {
        bytes[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[n++] = (uint8_t)value;
    ch_buf_add(buf, bytes, n);
}

void ch_wire_varint(ch_buf *buf, unsigned field, uint64_t value)
{
    add_varint(buf, (uint64_t)field << 3 | PROTOBUF_C_WIRE_TYPE_VARINT);
    add_varint(buf, value);
}

void ch_wire_header(ch_buf *buf, unsigned field, size_t size)
{
    add_varint(buf, (uint64_t)field << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    add_varint(buf, size);
}

void ch_wire_bytes(ch_buf *buf, unsigned field, const void *bytes, size_t size)
{
    ch_wire_header(buf, field, size);
    ch_buf_add(buf, bytes, size);
}

void ch_wire_string(ch_buf *buf, unsigned field, const char *text)
{
    ch_wire_bytes(buf, field, text, strlen(text));
}
