/* arrow_read.c: messages of an Arrow IPC stream, one after the other. Values are in arrow_value.c. */
#include "frame/arrow/arrow_internal.h"

#include <stdlib.h>

/* Rows and list elements a stream may claim beyond what its bytes could hold (columns of NULLs take none). */
enum { FREE_ELEMENTS = 10000000 };

static int broken(const struct ArrowError *why, ch_error *err)
{
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The Arrow data is malformed: %s",
                    why->message[0] ? why->message : "unexpected end");
}

/* The rest of the stream from `at` on, for nanoarrow. */
static struct ArrowBufferView rest(const ch_arrow_reader *r)
{
    struct ArrowBufferView view;
    view.data.as_uint8 = r->data + r->at;
    view.size_bytes = (int64_t)(r->size - r->at);
    return view;
}

/* The next message: header decoded, *body set; *end at the end of the stream. */
static int next_message(ch_arrow_reader *r, struct ArrowBufferView *body, bool *end, ch_error *err)
{
    struct ArrowError why = {""};
    int32_t prefix;
    *end = r->at == r->size;
    if (*end) return 0;
    if (r->size - r->at >= 8) { /* nanoarrow adds to the size of the header before it looks at it */
        int32_t words[2];
        memcpy(words, r->data + r->at, sizeof words);
        bool good = words[0] == -1 ? words[1] >= 0 && (size_t)words[1] <= r->size - r->at - 8 : words[0] == 0;
        if (!good) return broken(&why, err);
    }
    int code = ArrowIpcDecoderPeekHeader(&r->decoder, rest(r), &prefix, &why);
    if (code == ENODATA) {
        *end = true;
        return 0;
    }
    if (code) return broken(&why, err);
    size_t header = (size_t)r->decoder.header_size_bytes;
    if (prefix != 8 || header > r->size - r->at) return broken(&why, err);
    if (ArrowIpcDecoderVerifyHeader(&r->decoder, rest(r), &why)) return broken(&why, err);
    r->message = r->data + r->at + prefix;
    if (!ch_arrow_message_sound(r->message)) return broken(&(struct ArrowError){"a part is missing"}, err);
    if (ArrowIpcDecoderDecodeHeader(&r->decoder, rest(r), &why)) return broken(&why, err);
    r->at += header;
    int64_t length = r->decoder.body_size_bytes;
    if (length < 0 || (uint64_t)length > r->size - r->at) return broken(&(struct ArrowError){""}, err);
    *body = rest(r);
    body->size_bytes = length;
    r->at += (size_t)length;
    return 0;
}

static int read_schema(ch_arrow_reader *r, ch_error *err)
{
    struct ArrowError why = {""};
    struct ArrowBufferView body;
    bool end;
    CH_TRY(next_message(r, &body, &end, err));
    if (end || r->decoder.message_type != NANOARROW_IPC_MESSAGE_TYPE_SCHEMA) return broken(&why, err);
    if (r->decoder.feature_flags) {
        return ch_failf(err, CH_E_UNSUPPORTED, "Compressed Arrow data and replaced dictionaries are not supported.");
    }
    if (ArrowIpcDecoderSetEndianness(&r->decoder, r->decoder.endianness)) return broken(&why, err);
    if (ArrowIpcDecoderDecodeSchemaWithDictionaries(&r->decoder, &r->schema, &r->encodings, &why)) {
        return broken(&why, err);
    }
    r->has_schema = true;
    int code = ArrowIpcDictionariesInit(&r->dictionaries, &r->encodings, &why);
    if (!code) {
        r->has_dictionaries = true;
        code = ArrowIpcDecoderSetSchemaWithDictionaries(&r->decoder, &r->schema, &r->encodings, &why);
    }
    return code ? broken(&why, err) : 0;
}

int ch_arrow_reader_open(const void *data, size_t size, ch_arrow_reader **out, ch_error *err)
{
    enum { ALIGNMENT = 8 };
    *out = NULL;
    ch_arrow_reader *r = calloc(1, sizeof *r);
    if (!r) return ch_no_memory(err);
    r->data = data;
    r->size = size;
    r->budget = size < INT64_MAX / 16 ? size * 8 + FREE_ELEMENTS : INT64_MAX / 2;
    int status = ArrowIpcDecoderInit(&r->decoder) ? ch_no_memory(err) : 0;
    if (!status && (uintptr_t)data % ALIGNMENT) {
        r->copy = malloc(size);
        if (r->copy) {
            memcpy(r->copy, data, size);
            r->data = r->copy;
        } else {
            status = ch_no_memory(err);
        }
    }
    if (!status) status = read_schema(r, err);
    if (status) {
        ch_arrow_reader_close(r);
        return status;
    }
    *out = r;
    return 0;
}

void ch_arrow_reader_close(ch_arrow_reader *r)
{
    if (!r) return;
    if (r->has_dictionaries) ArrowIpcDictionariesReset(&r->dictionaries);
    if (r->has_schema) {
        ArrowIpcDictionaryEncodingsReset(&r->encodings);
        ArrowSchemaRelease(&r->schema);
    }
    ArrowIpcDecoderReset(&r->decoder);
    free(r->copy);
    free(r);
}

int ch_arrow_reader_schema(const ch_arrow_reader *r, ch_arena *arena, ch_schema *out, ch_error *err)
{
    size_t n = (size_t)r->schema.n_children;
    out->n = n;
    out->fields = CH_NEW_ARRAY(arena, ch_field, n);
    for (size_t i = 0; i < n; i++) {
        const struct ArrowSchema *child = r->schema.children[i];
        out->fields[i].name = ch_arena_strdup(arena, child->name ? child->name : "");
        out->fields[i].nullable = (child->flags & ARROW_FLAG_NULLABLE) != 0;
        CH_TRY(ch_arrow_spark_type(child, arena, 0, &out->fields[i].type, err));
    }
    return 0;
}

int ch_arrow_reader_want(ch_arrow_reader *r, const ch_schema *want, const ch_timezone *zone, ch_error *err)
{
    if ((int64_t)want->n != r->schema.n_children) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The Arrow data has %lld columns, the schema %zu.",
                        (long long)r->schema.n_children, want->n);
    }
    r->want = want;
    r->zone = zone;
    return 0;
}

/* Values are read where they lie: a writer that does not align them is not one of Arrow's. */
static bool aligned(const struct ArrowArrayView *view)
{
    for (int i = 0; i < NANOARROW_MAX_FIXED_BUFFERS; i++) {
        size_t size = (size_t)view->layout.element_size_bits[i] / 8;
        if (size > 8) size = 8;
        if (size > 1 && (uintptr_t)view->buffer_views[i].data.data % size) return false;
    }
    for (int64_t i = 0; i < view->n_children; i++) {
        if (!aligned(view->children[i])) return false;
    }
    return !view->dictionary || aligned(view->dictionary);
}

/* Moves on to the next record batch that has rows; r->view = NULL at the end. */
static int next_batch(ch_arrow_reader *r, ch_error *err)
{
    for (;;) {
        struct ArrowError why = {""};
        struct ArrowBufferView body;
        bool end;
        r->view = NULL;
        r->row = 0;
        CH_TRY(next_message(r, &body, &end, err));
        if (end) return 0;
        if (r->decoder.message_type == NANOARROW_IPC_MESSAGE_TYPE_DICTIONARY_BATCH) {
            const struct ArrowIpcDictionaryEncoding *encoding =
                ArrowIpcDictionaryEncodingsFindById(&r->encodings, r->decoder.dictionary->id);
            if (!encoding || !ch_arrow_dictionary_complete(r->message, encoding->schema->dictionary)) {
                return broken(&(struct ArrowError){"a dictionary is incomplete"}, err);
            }
            if (ArrowIpcDecoderDecodeDictionary(&r->decoder, body, NANOARROW_VALIDATION_LEVEL_FULL, &r->dictionaries,
                                                &why)) {
                return broken(&why, err);
            }
            continue;
        }
        if (r->decoder.message_type != NANOARROW_IPC_MESSAGE_TYPE_RECORD_BATCH) return broken(&why, err);
        struct ArrowArrayView *view;
        if (ArrowIpcDecoderDecodeArrayViewWithDictionaries(&r->decoder, body, -1, &r->dictionaries, &view, &why)) {
            return broken(&why, err);
        }
        if (!aligned(view)) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The Arrow data is malformed: misaligned");
        if (ArrowArrayViewValidate(view, NANOARROW_VALIDATION_LEVEL_FULL, &why)) return broken(&why, err);
        if (view->length < 0 || (uint64_t)view->length > r->budget) return ch_arrow_too_many(err);
        r->budget -= (uint64_t)view->length;
        if (!view->length) continue;
        r->view = view;
        return 0;
    }
}

int ch_arrow_reader_read(ch_arrow_reader *r, ch_column *cols, size_t max_rows, size_t *rows, ch_error *err)
{
    *rows = 0;
    if (!r->view || r->row == r->view->length) CH_TRY(next_batch(r, err));
    if (!r->view) return 0;
    int64_t left = r->view->length - r->row;
    int64_t n = left < (int64_t)max_rows ? left : (int64_t)max_rows;
    for (size_t i = 0; i < r->want->n; i++) {
        const ch_field *field = &r->want->fields[i];
        CH_TRY(ch_arrow_fill(r, &cols[i], 0, field, r->view->children[i], r->schema.children[i], r->row, n, err));
    }
    r->row += n;
    *rows = (size_t)n;
    return 0;
}
