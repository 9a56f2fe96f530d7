/* frame_arrow.c: frames from and to the Arrow C stream interface, by way of Arrow IPC: the frame layer reads untrusted
 * IPC with full checks anyway, and nanoarrow does both translations. */
#include "api/api_internal.h"

#include <errno.h>
#include <nanoarrow/nanoarrow.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_ROWS = 65536 };

/* --- in --- */

static int encode_stream(struct ArrowArrayStream *stream, struct ArrowBuffer *bytes, struct ArrowError *error)
{
    struct ArrowIpcOutputStream sink;
    struct ArrowIpcWriter writer;
    int status = ArrowIpcOutputStreamInitBuffer(&sink, bytes);
    if (status) return status;
    status = ArrowIpcWriterInit(&writer, &sink); /* takes sink over */
    if (status) {
        sink.release(&sink);
        return status;
    }
    status = ArrowIpcWriterWriteArrayStream(&writer, stream, error);
    ArrowIpcWriterReset(&writer);
    return status;
}

int chert_from_arrow(chert_context *context, struct ArrowArrayStream *stream, chert_frame **out, chert_error *err)
{
    struct ArrowBuffer bytes;
    struct ArrowError error = {0};
    ArrowBufferInit(&bytes);
    int status = encode_stream(stream, &bytes, &error);
    ArrowArrayStreamRelease(stream);
    chert_frame *frame = status ? NULL : api_frame_new(context, NULL);
    if (frame) {
        ch_plan *plan = ch_plan_new(frame->arena, CH_PLAN_LOCAL, NULL);
        plan->u.local.data = ch_arena_dup(frame->arena, bytes.data, (size_t)bytes.size_bytes);
        plan->u.local.size = (size_t)bytes.size_bytes;
        frame->plan = plan;
    }
    ArrowBufferReset(&bytes);
    if (status)
        return api_fail(err, CHERT_INVALID, "Arrow stream: %s", error.message[0] ? error.message : strerror(status));
    if (!frame) return api_fail(err, CHERT_MEMORY, "out of memory");
    ch_query *q;
    ch_error inner;
    if (ch_query_open(context->session, frame->plan, &q, &inner)) { /* the rows are checked and taken in here */
        chert_frame_free(frame);
        return api_report(&inner, err);
    }
    ch_query_close(q);
    *out = frame;
    return 0;
}

/* --- out --- */

typedef struct rows_out {
    ch_arena *frame_arena; /* keeps the plan alive when the frame goes first */
    chert_context *context;
    ch_query *query;
    ch_arrow_encoder *encoder;
    api_work work;
    bool ended;
    ch_error error;
} rows_out;

/* Reads one IPC stream back: its schema, or its only batch (array->release NULL: none). */
static int decode(const ch_buf *bytes, struct ArrowSchema *schema, struct ArrowArray *array)
{
    struct ArrowBuffer buffer;
    struct ArrowIpcInputStream input;
    struct ArrowArrayStream stream;
    ArrowBufferInit(&buffer);
    if (ArrowBufferAppend(&buffer, bytes->data, (int64_t)bytes->len)) return ENOMEM;
    int status = ArrowIpcInputStreamInitBuffer(&input, &buffer);
    if (status) {
        ArrowBufferReset(&buffer);
        return status;
    }
    status = ArrowIpcArrayStreamReaderInit(&stream, &input, NULL);
    if (status) {
        input.release(&input);
        return status;
    }
    status = schema ? stream.get_schema(&stream, schema) : stream.get_next(&stream, array);
    stream.release(&stream);
    return status;
}

static int finish_batch(rows_out *o, struct ArrowSchema *schema, struct ArrowArray *array)
{
    ch_buf bytes = {0};
    int status = ch_arrow_encoder_finish(o->encoder, &bytes, &o->error) ? EIO : decode(&bytes, schema, array);
    ch_buf_reset(&bytes);
    return status;
}

static int out_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema)
{
    return finish_batch(stream->private_data, schema, NULL);
}

static int out_next(struct ArrowArrayStream *stream, struct ArrowArray *array)
{
    rows_out *o = stream->private_data;
    const ch_batch *batch;
    memset(array, 0, sizeof *array);
    while (!o->ended && ch_arrow_encoder_rows(o->encoder) < BATCH_ROWS) {
        if (ch_query_next(o->query, &batch, &o->error)) return EIO;
        if (!batch)
            o->ended = true;
        else if (ch_arrow_encoder_add(o->encoder, batch, &o->error))
            return EIO;
    }
    return ch_arrow_encoder_rows(o->encoder) ? finish_batch(o, NULL, array) : 0;
}

static const char *out_error(struct ArrowArrayStream *stream)
{
    rows_out *o = stream->private_data;
    return o->error.message[0] ? o->error.message : NULL;
}

static void free_rows_out(rows_out *o)
{
    ch_query_close(o->query);
    ch_arrow_encoder_free(o->encoder);
    api_end(o->context, &o->work);
    ch_arena_free(o->frame_arena);
    free(o);
}

static void out_release(struct ArrowArrayStream *stream)
{
    free_rows_out(stream->private_data);
    stream->release = NULL;
}

int chert_to_arrow(const chert_frame *frame, struct ArrowArrayStream *out, chert_error *err)
{
    rows_out *o = calloc(1, sizeof *o);
    if (!o) return api_fail(err, CHERT_MEMORY, "out of memory");
    o->context = frame->context;
    o->frame_arena = ch_arena_retain(frame->arena);
    api_begin(o->context, &o->work);
    const char *zone = ch_config_find(o->context->session, o->frame_arena, "spark.sql.session.timeZone");
    ch_error inner;
    if (ch_query_open(o->context->session, frame->plan, &o->query, &inner) ||
        ch_query_start(o->query, &o->work.task, &inner)) {
        free_rows_out(o);
        return api_report(&inner, err);
    }
    o->encoder = ch_arrow_encoder_new(ch_query_schema(o->query), zone ? zone : "UTC");
    *out = (struct ArrowArrayStream){.get_schema = out_schema,
                                     .get_next = out_next,
                                     .get_last_error = out_error,
                                     .release = out_release,
                                     .private_data = o};
    return 0;
}
