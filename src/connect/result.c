/* result.c: the rows of a plan as the client gets them: Arrow batches, the schema with the first, metrics with the
 * last. */
#include "connect/encode.h"
#include "connect/errors.h"
#include "connect/execute.h"
#include "connect/wire.h"
#include "frame/engine/query.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BATCH_BYTES = 128 << 10, /* the first batch goes out early ... */
    BATCH_BYTES = 7 << 19, /* ... the others are few, each costs a ReleaseExecute, and below gRPC's usual 4 MB */
    BATCH_MS = 1000,       /* rows that came slowly do not wait for a full batch */
    EMBEDDED_BYTES_MAX = 100 << 20, /* of ch_collect_arrow */
    RESPONSE_ARROW_BATCH = 2,       /* field numbers: ExecutePlanResponse.arrow_batch, and in ArrowBatch: */
    ARROW_ROW_COUNT = 1,
    ARROW_DATA = 2,
    ARROW_START_OFFSET = 3,
    ARROW_CHUNK_INDEX = 4,
    ARROW_NUM_CHUNKS = 5
};

/* --- Arrow batches ------------------------------------------------------------------------------------------------ */

typedef struct batch_sink {
    ch_execution *x;
    ch_arrow_encoder *encoder;
    const ch_schema *schema; /* until it was sent, with the first batch */
    int64_t offset;          /* of the first row of the batch being built */
    size_t limit;            /* bytes at which it is sent */
    long began_ms, started_ms;
    bool any;
} batch_sink;

static size_t varint_size(uint64_t value)
{
    size_t n = 1;
    while (value >>= 7) n++;
    return n;
}

/* One ArrowBatch message of `size` bytes of data: written by hand so that the data is not copied. */
static void write_batch_header(ch_response *r, int64_t rows, int64_t offset, int64_t chunk, int64_t chunks, size_t size)
{
    ch_buf fields = {0};
    ch_wire_varint(&fields, ARROW_ROW_COUNT, (uint64_t)rows);
    ch_wire_varint(&fields, ARROW_START_OFFSET, (uint64_t)offset);
    ch_wire_varint(&fields, ARROW_CHUNK_INDEX, (uint64_t)chunk);
    ch_wire_varint(&fields, ARROW_NUM_CHUNKS, (uint64_t)chunks);
    ch_wire_header(&r->lead, RESPONSE_ARROW_BATCH, fields.len + 1 + varint_size(size) + size);
    ch_buf_add(&r->lead, fields.data, fields.len);
    ch_wire_header(&r->lead, ARROW_DATA, size);
    ch_buf_reset(&fields);
}

/* One node of metrics for the whole query: what clients show is the number of rows and the time. */
static void encode_metrics(ch_arena *arena, int64_t rows, int64_t ms, PB(ExecutePlanResponse) *message)
{
    const struct {
        char *key, *name, *type;
        int64_t value;
    } VALUES[] = {{"numOutputRows", "number of output rows", "sum", rows}, {"duration", "duration", "timing", ms}};
    PB(ExecutePlanResponse__Metrics__MetricObject) *object =
        PB_NEW(arena, execute_plan_response__metrics__metric_object);
    object->name = "Query";
    object->execution_metrics =
        CH_NEW_ARRAY(arena, PB(ExecutePlanResponse__Metrics__MetricObject__ExecutionMetricsEntry) *, 2);
    for (size_t i = 0; i < 2; i++) {
        PB(ExecutePlanResponse__Metrics__MetricObject__ExecutionMetricsEntry) *entry =
            PB_NEW(arena, execute_plan_response__metrics__metric_object__execution_metrics_entry);
        entry->key = VALUES[i].key;
        entry->value = PB_NEW(arena, execute_plan_response__metrics__metric_value);
        entry->value->name = VALUES[i].name;
        entry->value->metric_type = VALUES[i].type;
        entry->value->value = VALUES[i].value;
        object->execution_metrics[object->n_execution_metrics++] = entry;
    }
    message->metrics = PB_NEW(arena, execute_plan_response__metrics);
    message->metrics->metrics = CH_NEW_ARRAY(arena, PB(ExecutePlanResponse__Metrics__MetricObject) *, 1);
    message->metrics->metrics[message->metrics->n_metrics++] = object;
}

/* A response with all but a batch in it: the ids, before the first batch the schema, after the last row (`rows` not
 * negative) the metrics. Each message costs a client a round trip, so small results go in one. */
static ch_response *new_response(batch_sink *s, int64_t rows)
{
    ch_response *r = ch_response_new();
    ch_arena *arena = ch_arena_new();
    PB(ExecutePlanResponse) *message = ch_response_message(arena, s->x->holder, s->x->op);
    if (s->schema) message->schema = ch_encode_schema(arena, s->schema);
    if (rows >= 0) encode_metrics(arena, rows, ch_now_ms() - s->began_ms, message);
    s->schema = NULL;
    ch_wire_pack(&r->head, &message->base);
    ch_arena_free(arena);
    return r;
}

/* A complete Arrow stream, as one batch or, where the client allows it and it is big, cut into several messages. */
typedef struct stream {
    size_t n, size; /* buffers, bytes */
    ch_buf *parts;
} stream;

static void stream_reset(stream *arrow)
{
    for (size_t i = 0; i < arrow->n; i++) ch_buf_reset(&arrow->parts[i]);
    free(arrow->parts);
    *arrow = (stream){0};
}

/* Bytes [from, from + size) of a stream. */
static ch_buf stream_cut(const stream *arrow, size_t from, size_t size)
{
    ch_buf out = {0};
    ch_buf_reserve(&out, size);
    for (size_t i = 0; i < arrow->n && size; i++) {
        size_t len = arrow->parts[i].len;
        if (from >= len) {
            from -= len;
            continue;
        }
        size_t take = len - from < size ? len - from : size;
        ch_buf_add(&out, arrow->parts[i].data + from, take);
        size -= take;
        from = 0;
    }
    return out;
}

/* Pushes a stream, which is taken over. `last`: no rows come after it. */
static int push_arrow(batch_sink *s, stream *arrow, int64_t rows, bool last, ch_error *err)
{
    size_t piece = s->x->chunk_bytes > 0 ? (size_t)s->x->chunk_bytes : arrow->size;
    int64_t all_rows = s->offset + rows;
    if (arrow->size <= piece) {
        ch_response *r = new_response(s, last ? all_rows : -1);
        write_batch_header(r, rows, s->offset, 0, 1, arrow->size);
        r->nbody = arrow->n;
        r->body = arrow->parts;
        *arrow = (stream){0};
        return ch_execution_push(s->x, r, rows, err);
    }
    size_t chunks = (arrow->size + piece - 1) / piece;
    int status = CH_OK;
    for (size_t i = 0; i < chunks && !status; i++) {
        size_t from = i * piece, size = arrow->size - from < piece ? arrow->size - from : piece;
        ch_buf *body = malloc(sizeof *body);
        if (!body) return ch_no_memory(err);
        ch_response *r = new_response(s, last && i + 1 == chunks ? all_rows : -1);
        write_batch_header(r, rows, s->offset, (int64_t)i, (int64_t)chunks, size);
        *body = stream_cut(arrow, from, size);
        r->nbody = 1;
        r->body = body;
        status = ch_execution_push(s->x, r, i ? 0 : rows, err);
    }
    return status;
}

static int flush_batch(batch_sink *s, bool last, ch_error *err)
{
    int64_t rows = (int64_t)ch_arrow_encoder_rows(s->encoder);
    stream arrow = {0};
    int status = ch_arrow_encoder_finish_pieces(s->encoder, &arrow.parts, &arrow.n, err);
    for (size_t i = 0; i < arrow.n; i++) arrow.size += arrow.parts[i].len;
    if (!status) status = push_arrow(s, &arrow, rows, last, err);
    stream_reset(&arrow);
    s->offset += rows;
    s->limit = BATCH_BYTES;
    s->any = true;
    s->started_ms = ch_now_ms();
    return status;
}

static int send_rows(batch_sink *s, ch_query *q, ch_error *err)
{
    for (;;) {
        const ch_batch *batch;
        CH_TRY(ch_query_next(q, &batch, err));
        if (!batch) break;
        CH_TRY(ch_arrow_encoder_add(s->encoder, batch, err));
        bool full = ch_arrow_encoder_bytes(s->encoder) >= s->limit;
        if (full || ch_now_ms() - s->started_ms > BATCH_MS) CH_TRY(flush_batch(s, false, err));
    }
    if (!s->any || ch_arrow_encoder_rows(s->encoder) > 0) return flush_batch(s, true, err);
    return ch_operation_push(s->x->op, new_response(s, s->offset), err); /* only the metrics are left to send */
}

/* --- observed metrics (df.observe) -------------------------------------------------------------------------------- */

typedef struct observed_list {
    ch_arena *arena;
    size_t n;
    const ch_plan **nodes;
} observed_list;

static void find_observed(observed_list *list, const ch_plan *plan)
{
    if (!plan) return;
    if (plan->kind == CH_PLAN_COLLECT_METRICS) {
        list->nodes = ch_arena_grow(list->arena, list->nodes, sizeof *list->nodes, list->n, list->n + 1);
        list->nodes[list->n++] = plan;
    }
    find_observed(list, plan->input);
    find_observed(list, plan->right);
}

/* The metrics of one observation: an aggregate over what it observes, computed by a query of its own. */
static int observe(ch_execution *x, ch_arena *arena, const ch_plan *node,
                   PB(ExecutePlanResponse__ObservedMetrics) **out, ch_error *err)
{
    ch_plan *aggregate = ch_plan_new(arena, CH_PLAN_AGGREGATE, node->input);
    aggregate->u.aggregate.kind = CH_GROUP_BY;
    aggregate->u.aggregate.nagg = node->u.metrics.n;
    aggregate->u.aggregate.aggs = node->u.metrics.exprs;
    ch_query *q;
    CH_TRY(ch_query_open(ch_holder_frame(x->holder), aggregate, &q, err));
    ch_schema schema = ch_schema_copy(arena, ch_query_schema(q));
    ch_query_close(q);
    size_t n;
    ch_literal *row;
    CH_TRY(ch_query_row(ch_holder_frame(x->holder), aggregate, ch_operation_task(x->op), arena, &n, &row, err));
    PB(ExecutePlanResponse__ObservedMetrics) *m = PB_NEW(arena, execute_plan_response__observed_metrics);
    m->name = ch_arena_strdup(arena, node->u.metrics.name);
    m->plan_id = node->plan_id;
    m->keys = CH_NEW_ARRAY(arena, char *, n);
    m->values = CH_NEW_ARRAY(arena, PB(Expression__Literal) *, n);
    for (size_t i = 0; row && i < n; i++) {
        m->keys[m->n_keys++] = ch_arena_strdup(arena, schema.fields[i].name);
        m->values[m->n_values++] = ch_encode_literal(arena, &row[i]);
    }
    *out = m;
    return CH_OK;
}

int ch_send_observed(ch_execution *x, const ch_plan *plan, ch_error *err)
{
    ch_arena *arena = ch_arena_new();
    observed_list list = {.arena = arena};
    find_observed(&list, plan);
    PB(ExecutePlanResponse) *message = ch_response_message(arena, x->holder, x->op);
    message->observed_metrics = CH_NEW_ARRAY(arena, PB(ExecutePlanResponse__ObservedMetrics) *, list.n);
    int status = CH_OK;
    for (size_t i = 0; i < list.n && !status; i++) {
        status = observe(x, arena, list.nodes[i], &message->observed_metrics[i], err);
        message->n_observed_metrics += !status;
    }
    if (!status && list.n) status = ch_execution_send(x, message, err);
    ch_arena_free(arena);
    return status;
}

/* --- a whole result ----------------------------------------------------------------------------------------------- */

static const char *time_zone(ch_execution *x)
{
    const char *zone = ch_config_find(ch_holder_frame(x->holder), x->arena, "spark.sql.session.timeZone");
    return zone ? zone : "UTC";
}

static int send_query(ch_execution *x, ch_query *q, ch_error *err)
{
    long now = ch_now_ms();
    CH_TRY(ch_query_start(q, ch_operation_task(x->op), err));
    batch_sink s = {
        .x = x, .schema = ch_query_schema(q), .limit = FIRST_BATCH_BYTES, .began_ms = now, .started_ms = now};
    s.encoder = ch_arrow_encoder_new(ch_query_schema(q), time_zone(x));
    int status = send_rows(&s, q, err);
    ch_arrow_encoder_free(s.encoder);
    return status;
}

int ch_execute_plan(ch_execution *x, const ch_plan *plan, ch_error *err)
{
    ch_query *q;
    CH_TRY(ch_query_open(ch_holder_frame(x->holder), plan, &q, err));
    int status = send_query(x, q, err);
    ch_query_close(q);
    CH_TRY(status);
    return ch_send_observed(x, plan, err);
}

int ch_execute_relation(ch_execution *x, const PB(Relation) *root, ch_error *err)
{
    ch_decoder d = ch_execution_decoder(x);
    ch_plan *plan;
    CH_TRY(ch_decode_relation(&d, root, &plan, err));
    ch_record_enter(x->record, "analyze");
    return ch_execute_plan(x, plan, err);
}

static int collect_rows(ch_query *q, ch_arrow_encoder *encoder, ch_error *err)
{
    for (;;) {
        const ch_batch *batch;
        CH_TRY(ch_query_next(q, &batch, err));
        if (!batch) return CH_OK;
        CH_TRY(ch_arrow_encoder_add(encoder, batch, err));
        if (ch_arrow_encoder_bytes(encoder) > EMBEDDED_BYTES_MAX) {
            return ch_failf(err, CH_E_SPARK, "The result of the command is too large.");
        }
    }
}

int ch_collect_arrow(ch_execution *x, const ch_plan *plan, ch_buf *arrow, ch_buf *schema_json, ch_error *err)
{
    ch_query *q;
    CH_TRY(ch_query_open(ch_holder_frame(x->holder), plan, &q, err));
    ch_schema_json(schema_json, ch_query_schema(q));
    ch_arrow_encoder *encoder = ch_arrow_encoder_new(ch_query_schema(q), time_zone(x));
    int status = ch_query_start(q, ch_operation_task(x->op), err);
    if (!status) status = collect_rows(q, encoder, err);
    if (!status) status = ch_arrow_encoder_finish(encoder, arrow, err);
    ch_arrow_encoder_free(encoder);
    ch_query_close(q);
    return status;
}
