/* otlp.c: a reader of just the protobuf that carries spans. What it does not know it skips, as protobuf has it;
 * whatever ends early, nests too deep or has a broken length makes the whole message invalid. */
#include "track/trace/otlp.h"

#include "base/buf.h"
#include "base/json_write.h"
#include "base/utf8.h"

#include <string.h>

enum {
    DEPTH_MOST = 32,    /* of values in values */
    SPANS_MOST = 100000 /* of one request */
};

/* ---- the wire format ------------------------------------------------------------------------------------------ */

typedef struct bytes {
    const uint8_t *data;
    size_t len;
} bytes;

/* One field of a message: its number and what it holds, by wire type. */
typedef struct field {
    unsigned number, type;
    uint64_t integer; /* of varint, fixed64 and fixed32 */
    bytes part;       /* of length-delimited ones */
} field;

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

static bool take_varint(bytes *in, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && in->len > 0; shift += 7) {
        uint8_t byte = *in->data++;
        in->len--;
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

static bool take_fixed(bytes *in, size_t size, uint64_t *out)
{
    if (in->len < size) return false;
    *out = 0;
    for (size_t i = 0; i < size; i++) *out |= (uint64_t)in->data[i] << (8 * i);
    in->data += size;
    in->len -= size;
    return true;
}

/* The next field; false at the end, and (with *bad) where the message is broken. */
static bool next_field(bytes *in, field *out, bool *bad)
{
    uint64_t tag, len;
    if (in->len == 0) return false;
    bool good = take_varint(in, &tag) && tag >> 3 && tag >> 3 <= 0x1fffffff;
    *out = (field){.number = (unsigned)(tag >> 3), .type = (unsigned)(tag & 7)};
    switch (good ? out->type : 7) {
    case VARINT: good = take_varint(in, &out->integer); break;
    case FIXED64: good = take_fixed(in, 8, &out->integer); break;
    case FIXED32: good = take_fixed(in, 4, &out->integer); break;
    case BYTES:
        good = take_varint(in, &len) && len <= in->len;
        if (!good) break;
        out->part = (bytes){in->data, (size_t)len};
        in->data += len;
        in->len -= (size_t)len;
        break;
    default: good = false;
    }
    if (!good) *bad = true;
    return good;
}

/* The last field of a number, zero when there is none. */
static field find_field(bytes message, unsigned number, bool *bad)
{
    field found = {0}, at;
    while (next_field(&message, &at, bad))
        if (at.number == number) found = at;
    return found;
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

static const char *text_of(ch_arena *arena, bytes part)
{
    const char *text = (const char *)part.data;
    if (memchr(part.data ? part.data : (const uint8_t *)"", '\0', part.len) == NULL && ch_utf8_valid(text, part.len))
        return ch_arena_strndup(arena, part.len ? text : "", part.len);
    ch_buf good = {0};
    ch_utf8_repair(&good, text, part.len);
    for (size_t i = 0; i < good.len; i++)
        if (!good.data[i]) good.data[i] = ' ';
    const char *out = ch_arena_strndup(arena, ch_buf_text(&good), good.len);
    ch_buf_reset(&good);
    return out;
}

static const char *hex_of(ch_arena *arena, bytes part)
{
    char *out = ch_arena_alloc(arena, part.len * 2 + 1);
    for (size_t i = 0; i < part.len; i++) {
        out[2 * i] = "0123456789abcdef"[part.data[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[part.data[i] & 15];
    }
    return out;
}

static void write_base64(ch_json *json, const char *member, bytes part)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    ch_buf text = {0};
    for (size_t i = 0; i < part.len; i += 3) {
        size_t have = part.len - i;
        unsigned bits = (unsigned)part.data[i] << 16 | (have > 1 ? (unsigned)part.data[i + 1] << 8 : 0) |
                        (have > 2 ? (unsigned)part.data[i + 2] : 0);
        ch_buf_char(&text, DIGITS[bits >> 18 & 63]);
        ch_buf_char(&text, DIGITS[bits >> 12 & 63]);
        ch_buf_char(&text, have > 1 ? DIGITS[bits >> 6 & 63] : '=');
        ch_buf_char(&text, have > 2 ? DIGITS[bits & 63] : '=');
    }
    ch_json_member(json, member, ch_buf_text(&text));
    ch_buf_reset(&text);
}

/* ---- values and attributes ------------------------------------------------------------------------------------ */

/* What a message becomes JSON with: the arena for texts, where to write, and whether it was broken. */
typedef struct writer {
    ch_arena *arena;
    ch_json *json;
    bool bad;
    int depth;
} writer;

static void write_value(writer *out, bytes value);

/* KeyValue: key 1, value 2. */
static void write_attribute(writer *out, bytes pair)
{
    ch_json_begin(out->json, '{');
    ch_json_member(out->json, "key", text_of(out->arena, find_field(pair, 1, &out->bad).part));
    field value = find_field(pair, 2, &out->bad);
    if (value.number) {
        ch_json_key(out->json, "value");
        write_value(out, value.part);
    }
    ch_json_end(out->json, '}');
}

/* "MEMBER": [...] of all fields of a number; nothing when there are none. */
static void write_list(writer *out, bytes message, unsigned number, const char *member,
                       void (*write)(writer *out, bytes part))
{
    if (!find_field(message, number, &out->bad).number) return;
    ch_json_key(out->json, member);
    ch_json_begin(out->json, '[');
    for (field at; next_field(&message, &at, &out->bad);)
        if (at.number == number && at.type == BYTES) write(out, at.part);
    ch_json_end(out->json, ']');
}

/* ArrayValue and KeyValueList: {"values": [...]}. */
static void write_values(writer *out, const char *member, bytes list, void (*write)(writer *out, bytes part))
{
    ch_json_key(out->json, member);
    ch_json_begin(out->json, '{');
    write_list(out, list, 1, "values", write);
    ch_json_end(out->json, '}');
}

/* AnyValue: text 1, truth 2, whole number 3, double 4, array 5, map 6, bytes 7. */
static void write_value(writer *out, bytes value)
{
    field at = {0};
    if (++out->depth > DEPTH_MOST) out->bad = true;
    ch_json_begin(out->json, '{');
    if (!out->bad && next_field(&value, &at, &out->bad)) {
        double real;
        switch (at.number) {
        case 1: ch_json_member(out->json, "string_value", text_of(out->arena, at.part)); break;
        case 2: ch_json_member_bool(out->json, "bool_value", at.integer != 0); break;
        case 3: ch_json_member_int(out->json, "int_value", (int64_t)at.integer); break;
        case 4:
            memcpy(&real, &at.integer, sizeof real);
            ch_json_member_double(out->json, "double_value", real);
            break;
        case 5: write_values(out, "array_value", at.part, write_value); break;
        case 6: write_values(out, "kvlist_value", at.part, write_attribute); break;
        case 7: write_base64(out->json, "bytes_value", at.part); break;
        default: break;
        }
    }
    ch_json_end(out->json, '}');
    out->depth--;
}

/* ---- spans ---------------------------------------------------------------------------------------------------- */

/* Event: time 1, name 2, attributes 3. */
static void write_event(writer *out, bytes event)
{
    ch_json_begin(out->json, '{');
    ch_json_member_int(out->json, "time_unix_nano", (int64_t)find_field(event, 1, &out->bad).integer);
    ch_json_member(out->json, "name", text_of(out->arena, find_field(event, 2, &out->bad).part));
    write_list(out, event, 3, "attributes", write_attribute);
    ch_json_end(out->json, '}');
}

/* Link: trace 1, span 2, attributes 4. */
static void write_link(writer *out, bytes link)
{
    ch_json_begin(out->json, '{');
    write_base64(out->json, "trace_id", find_field(link, 1, &out->bad).part);
    write_base64(out->json, "span_id", find_field(link, 2, &out->bad).part);
    write_list(out, link, 4, "attributes", write_attribute);
    ch_json_end(out->json, '}');
}

/* Status: message 2, code 3. */
static void write_status(writer *out, bytes status, const char *code)
{
    ch_json_key(out->json, "status");
    ch_json_begin(out->json, '{');
    bytes message = find_field(status, 2, &out->bad).part;
    if (message.len) ch_json_member(out->json, "message", text_of(out->arena, message));
    ch_json_key(out->json, "code");
    ch_json_string(out->json, ch_arena_printf(out->arena, "STATUS_CODE_%s", code));
    ch_json_end(out->json, '}');
}

static void write_span(writer *out, bytes message, const ch_otlp_span *span)
{
    bytes parent = find_field(message, 4, &out->bad).part;
    ch_json_begin(out->json, '{');
    write_base64(out->json, "trace_id", find_field(message, 1, &out->bad).part);
    write_base64(out->json, "span_id", find_field(message, 2, &out->bad).part);
    if (parent.len) write_base64(out->json, "parent_span_id", parent);
    ch_json_member(out->json, "name", span->name);
    ch_json_member_int(out->json, "start_time_unix_nano", span->start_ns);
    ch_json_member_int(out->json, "end_time_unix_nano", span->end_ns);
    write_list(out, message, 9, "attributes", write_attribute);
    write_list(out, message, 11, "events", write_event);
    write_list(out, message, 13, "links", write_link);
    write_status(out, find_field(message, 15, &out->bad).part, span->status);
    ch_json_end(out->json, '}');
}

/* The text of an attribute, without the quotes that MLflow's clients may put around it; NULL when it has none. */
static const char *attribute_text(ch_arena *arena, bytes span, const char *key, bool *bad)
{
    for (field at; next_field(&span, &at, bad);) {
        if (at.number != 9) continue;
        bytes name = find_field(at.part, 1, bad).part;
        if (name.len != strlen(key) || memcmp(name.data, key, name.len) != 0) continue;
        bytes text = find_field(find_field(at.part, 2, bad).part, 1, bad).part;
        if (text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"')
            text = (bytes){text.data + 1, text.len - 2};
        return text.len ? text_of(arena, text) : NULL;
    }
    return NULL;
}

/* Span: trace 1, span 2, parent 4, name 5, start 7, end 8, attributes 9, events 11, links 13, status 15. */
static bool read_span(ch_arena *arena, bytes message, ch_otlp_span *out)
{
    static const char *const STATUS[] = {"UNSET", "OK", "ERROR"};
    bool bad = false;
    uint64_t code = find_field(find_field(message, 15, &bad).part, 3, &bad).integer;
    const char *type = attribute_text(arena, message, "mlflow.spanType", &bad);
    *out = (ch_otlp_span){
        .trace_id = hex_of(arena, find_field(message, 1, &bad).part),
        .span_id = hex_of(arena, find_field(message, 2, &bad).part),
        .parent_id = hex_of(arena, find_field(message, 4, &bad).part),
        .name = text_of(arena, find_field(message, 5, &bad).part),
        .type = type ? type : "",
        .status = STATUS[code < 3 ? code : 0],
        .start_ns = (int64_t)find_field(message, 7, &bad).integer,
        .end_ns = (int64_t)find_field(message, 8, &bad).integer,
    };
    if (bad || strlen(out->trace_id) != 32 || strlen(out->span_id) != 16 || out->start_ns < 0 || out->end_ns < 0)
        return false;
    out->mlflow_id = ch_arena_printf(arena, "tr-%s", out->trace_id);
    ch_buf text = {0};
    ch_json json = {.out = &text};
    writer writing = {.arena = arena, .json = &json};
    write_span(&writing, message, out);
    out->json = ch_arena_strndup(arena, text.data, text.len);
    ch_buf_reset(&text);
    return !writing.bad;
}

/* Appends the spans of a ScopeSpans message; false when it is broken or they are too many. */
static bool read_scope(ch_arena *arena, bytes scope, ch_otlp_span **spans, size_t *count)
{
    bool bad = false;
    for (field at; next_field(&scope, &at, &bad);) {
        if (at.number != 2 || at.type != BYTES) continue;
        if (*count >= SPANS_MOST) return false;
        if ((*count & (*count - 1)) == 0) /* full at every power of two */
            *spans = ch_arena_grow(arena, *spans, sizeof **spans, *count, *count ? *count * 2 : 1);
        if (!read_span(arena, at.part, &(*spans)[(*count)++])) return false;
    }
    return !bad;
}

int ch_otlp_read(ch_arena *arena, const void *data, size_t len, ch_otlp_span **spans, size_t *count, ch_error *err)
{
    bytes request = {data, len};
    bool bad = false;
    *spans = NULL;
    *count = 0;
    for (field resource; !bad && next_field(&request, &resource, &bad);) {
        if (resource.number != 1) continue;
        for (field scope; !bad && next_field(&resource.part, &scope, &bad);)
            if (scope.number == 2 && !read_scope(arena, scope.part, spans, count)) bad = true;
    }
    return bad ? ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Invalid OpenTelemetry format") : 0;
}
