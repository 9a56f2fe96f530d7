/* arrow_check.c: checks of untrusted Arrow messages that nanoarrow leaves out: it takes optional parts for granted,
 * adds a buffer's offset and length without looking for overflow before it compares them with the body, and does not
 * count the nodes and buffers of a dictionary. The flatbuffer itself has been verified, which bounds its nesting.
 */
#include "frame/arrow/arrow_internal.h"

#include <nanoarrow/ipc/flatcc_generated.h>

#define FB(name) org_apache_arrow_flatbuf_##name

/* Rows an array may claim beyond one a bit of the body (columns of NULLs take no bytes), and bytes or elements of one
 * value of a fixed size: together they keep nanoarrow's products of the two within 64 bits. */
enum { FREE_ROWS = 10000000, FIXED_SIZE_MAX = 1 << 24 };

static bool batch_fits(FB(RecordBatch_table_t) batch, int64_t body)
{
    if (!batch || body < 0 || body > INT64_MAX >> 32) return false;
    int64_t rows_max = body * 8 + FREE_ROWS;
    if (FB(RecordBatch_length)(batch) < 0 || FB(RecordBatch_length)(batch) > rows_max) return false;
    FB(FieldNode_vec_t) nodes = FB(RecordBatch_nodes)(batch);
    for (size_t i = 0; i < FB(FieldNode_vec_len)(nodes); i++) {
        int64_t length = FB(FieldNode_length)(FB(FieldNode_vec_at)(nodes, i));
        if (length < 0 || length > rows_max) return false;
    }
    FB(Buffer_vec_t) buffers = FB(RecordBatch_buffers)(batch);
    for (size_t i = 0; i < FB(Buffer_vec_len)(buffers); i++) {
        FB(Buffer_struct_t) buffer = FB(Buffer_vec_at)(buffers, i);
        int64_t offset = FB(Buffer_offset)(buffer), length = FB(Buffer_length)(buffer);
        if (offset < 0 || length < 0 || offset > body || length > body - offset) return false;
    }
    return true;
}

static bool metadata_complete(FB(KeyValue_vec_t) pairs)
{
    for (size_t i = 0; i < FB(KeyValue_vec_len)(pairs); i++) {
        FB(KeyValue_table_t) pair = FB(KeyValue_vec_at)(pairs, i);
        if (!FB(KeyValue_key)(pair) || !FB(KeyValue_value)(pair)) return false;
    }
    return true;
}

static bool size_bounded(FB(Field_table_t) field)
{
    const void *type = FB(Field_type)(field);
    switch (FB(Field_type_type)(field)) {
    case FB(Type_FixedSizeBinary): return FB(FixedSizeBinary_byteWidth)(type) <= FIXED_SIZE_MAX;
    case FB(Type_FixedSizeList): return FB(FixedSizeList_listSize)(type) <= FIXED_SIZE_MAX;
    default: return true;
    }
}

static bool fields_complete(FB(Field_vec_t) fields)
{
    for (size_t i = 0; i < FB(Field_vec_len)(fields); i++) {
        FB(Field_table_t) field = FB(Field_vec_at)(fields, i);
        FB(DictionaryEncoding_table_t) dictionary = FB(Field_dictionary)(field);
        if (!FB(Field_type)(field) || !size_bounded(field)) return false;
        if (dictionary && !FB(DictionaryEncoding_indexType)(dictionary)) return false;
        if (!metadata_complete(FB(Field_custom_metadata)(field)) || !fields_complete(FB(Field_children)(field))) {
            return false;
        }
    }
    return true;
}

bool ch_arrow_message_sound(const uint8_t *message)
{
    FB(Message_table_t) root = FB(Message_as_root)(message);
    const void *header = FB(Message_header)(root);
    int64_t body = FB(Message_bodyLength)(root);
    if (!header) return false;
    switch (FB(Message_header_type)(root)) {
    case FB(MessageHeader_Schema):
        return fields_complete(FB(Schema_fields)(header)) && metadata_complete(FB(Schema_custom_metadata)(header));
    case FB(MessageHeader_RecordBatch): return batch_fits(header, body);
    case FB(MessageHeader_DictionaryBatch): return batch_fits(FB(DictionaryBatch_data)(header), body);
    default: return false;
    }
}

/* Adds the nodes and buffers that an array of this layout takes in a message. */
static void count_parts(const struct ArrowArrayView *view, size_t *nodes, size_t *buffers)
{
    ++*nodes;
    for (int i = 0; i < NANOARROW_MAX_FIXED_BUFFERS; i++) {
        if (view->layout.buffer_type[i] != NANOARROW_BUFFER_TYPE_NONE) ++*buffers;
    }
    for (int64_t i = 0; i < view->n_children; i++) count_parts(view->children[i], nodes, buffers);
}

bool ch_arrow_dictionary_complete(const uint8_t *message, const struct ArrowSchema *values)
{
    const void *header = FB(Message_header)(FB(Message_as_root)(message));
    FB(RecordBatch_table_t) batch = FB(DictionaryBatch_data)(header);
    struct ArrowArrayView view;
    size_t nodes = 0, buffers = 0;
    int code = ArrowArrayViewInitFromSchema(&view, values, NULL);
    if (!code) count_parts(&view, &nodes, &buffers);
    ArrowArrayViewReset(&view);
    return !code && FB(FieldNode_vec_len)(FB(RecordBatch_nodes)(batch)) == nodes &&
           FB(Buffer_vec_len)(FB(RecordBatch_buffers)(batch)) == buffers;
}
