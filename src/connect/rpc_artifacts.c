/* rpc_artifacts.c: AddArtifacts and ArtifactStatus: blobs that clients send ahead of the plans that use them. A big
 * createDataFrame arrives as "cache/<sha256 of its bytes>"; files and Python modules are kept under their names. */
#include "connect/service.h"
#include "connect/wire.h"

#include <string.h>

enum { MESSAGE_TIMEOUT_MS = 300000, ARTIFACTS_MAX = 100000 };
static const int64_t ARTIFACT_BYTES_MAX = (int64_t)2 << 30;

/* What one AddArtifacts stream is about to receive. */
typedef struct upload {
    ch_request req;
    PB(AddArtifactsResponse) *response;
    size_t cap;
    char *name; /* of the artifact arriving in chunks; NULL: none */
    int64_t total_bytes, chunks_left;
    bool intact;
    ch_buf data;
} upload;

/* CRC-32 as in zip and gzip (polynomial 0xEDB88320), a nibble at a time. */
static uint32_t crc32_of(const uint8_t *bytes, size_t size)
{
    static const uint32_t TABLE[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
                                       0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                       0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc = TABLE[(crc ^ bytes[i]) & 15] ^ crc >> 4;
        crc = TABLE[(crc ^ (uint32_t)bytes[i] >> 4) & 15] ^ crc >> 4;
    }
    return ~crc;
}

static bool chunk_intact(const PB(AddArtifactsRequest__ArtifactChunk) *chunk)
{
    return (uint32_t)chunk->crc == crc32_of(chunk->data.data, chunk->data.len) && chunk->crc >> 32 == 0;
}

/* A relative path that stays below its root. */
static bool name_valid(const char *name)
{
    if (!name[0] || name[0] == '/') return false;
    for (const char *at = name; *at;) {
        size_t n = strcspn(at, "/");
        if (n == 2 && at[0] == '.' && at[1] == '.') return false;
        at += n;
        at += *at == '/';
    }
    return true;
}

static int check_name(const char *name, ch_error *err)
{
    if (!name_valid(name)) return ch_raise(err, "INVALID_ARTIFACT_PATH", "name", name, (char *)NULL);
    if (strncmp(name, "forward_to_fs/", strlen("forward_to_fs/")) == 0) {
        return ch_unsupported(err, "Copying files of the client to the file system of the server");
    }
    return CH_OK;
}

/* Stores a complete artifact; a file under a name that is taken must be the same file. */
static int store(upload *u, const char *name, const void *bytes, size_t size, ch_error *err)
{
    ch_session *session = ch_holder_frame(u->req.holder);
    size_t old_size;
    const void *old = ch_blob_get(session, name, &old_size);
    if (old) {
        if (old_size == size && (size == 0 || memcmp(old, bytes, size) == 0)) return CH_OK;
        return ch_raise(err, "ARTIFACT_ALREADY_EXISTS", "normalizedRemoteRelativePath", name, (char *)NULL);
    }
    return ch_blob_put(session, name, bytes, size, err);
}

static int add_summary(upload *u, const char *name, bool intact, ch_error *err)
{
    PB(AddArtifactsResponse) *response = u->response;
    if (response->n_artifacts >= ARTIFACTS_MAX) return ch_invalid_plan(err, "There are too many artifacts.");
    if (response->n_artifacts == u->cap) {
        size_t cap = u->cap ? 2 * u->cap : 8;
        response->artifacts =
            ch_arena_grow(u->req.arena, response->artifacts, sizeof *response->artifacts, u->cap, cap);
        u->cap = cap;
    }
    PB(AddArtifactsResponse__ArtifactSummary) *summary = PB_NEW(u->req.arena, add_artifacts_response__artifact_summary);
    summary->name = ch_arena_strdup(u->req.arena, name);
    summary->is_crc_successful = intact;
    response->artifacts[response->n_artifacts++] = summary;
    return CH_OK;
}

static int take_batch(upload *u, const PB(AddArtifactsRequest__Batch) *batch, ch_error *err)
{
    for (size_t i = 0; i < batch->n_artifacts; i++) {
        const PB(AddArtifactsRequest__SingleChunkArtifact) *a = batch->artifacts[i];
        CH_TRY(check_name(a->name, err));
        bool intact = a->data && chunk_intact(a->data);
        if (intact) CH_TRY(store(u, a->name, a->data->data.data, a->data->data.len, err));
        CH_TRY(add_summary(u, a->name, intact, err));
    }
    return CH_OK;
}

static int requirement_failed(ch_error *err)
{
    return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed");
}

static int take_chunk(upload *u, const PB(AddArtifactsRequest__ArtifactChunk) *chunk, ch_error *err)
{
    if (!u->name || !chunk || u->chunks_left <= 0) return requirement_failed(err);
    if ((int64_t)(u->data.len + chunk->data.len) > u->total_bytes) return requirement_failed(err);
    u->intact = u->intact && chunk_intact(chunk);
    ch_buf_add(&u->data, chunk->data.data, chunk->data.len);
    if (--u->chunks_left > 0) return CH_OK;
    if ((int64_t)u->data.len != u->total_bytes) return requirement_failed(err);
    if (u->intact) CH_TRY(store(u, u->name, ch_buf_text(&u->data), u->data.len, err));
    CH_TRY(add_summary(u, u->name, u->intact, err));
    u->name = NULL;
    ch_buf_reset(&u->data);
    return CH_OK;
}

static int take_begin(upload *u, const PB(AddArtifactsRequest__BeginChunkedArtifact) *begin, ch_error *err)
{
    if (u->name || begin->num_chunks <= 0 || begin->total_bytes < 0) return requirement_failed(err);
    CH_TRY(check_name(begin->name, err));
    if (begin->total_bytes > ARTIFACT_BYTES_MAX)
        return ch_invalid_plan(err, "The artifact %s is too large.", begin->name);
    u->name = ch_arena_strdup(u->req.arena, begin->name);
    u->total_bytes = begin->total_bytes;
    u->chunks_left = begin->num_chunks;
    u->intact = true;
    return take_chunk(u, begin->initial_chunk, err);
}

/* One message of the stream; `arena` is the message's own. */
static int take_message(upload *u, ch_arena *arena, const void *bytes, size_t size, ch_error *err)
{
    ProtobufCMessage *message;
    CH_TRY(ch_wire_unpack(arena, PB_TYPE(add_artifacts_request), bytes, size, &message, err));
    const PB(AddArtifactsRequest) *msg = (const void *)message;
    if (!u->req.holder) CH_TRY(CH_ENTER(&u->req, msg, true, err));
    switch (msg->payload_case) {
    case SPARK__CONNECT__ADD_ARTIFACTS_REQUEST__PAYLOAD_BATCH:
        return u->name ? requirement_failed(err) : take_batch(u, msg->batch, err);
    case SPARK__CONNECT__ADD_ARTIFACTS_REQUEST__PAYLOAD_BEGIN_CHUNK: return take_begin(u, msg->begin_chunk, err);
    case SPARK__CONNECT__ADD_ARTIFACTS_REQUEST__PAYLOAD_CHUNK: return take_chunk(u, msg->chunk, err);
    default: return ch_failf(err, CH_E_UNSUPPORTED, "Unsupported data transfer request");
    }
}

static int take_stream(upload *u, ch_call *call, ch_error *err)
{
    const void *bytes;
    size_t size;
    while (ch_call_read(call, MESSAGE_TIMEOUT_MS, &bytes, &size)) {
        ch_arena *arena = ch_arena_new();
        int status = take_message(u, arena, bytes, size, err);
        ch_arena_free(arena);
        CH_TRY(status);
    }
    if (u->name) return requirement_failed(err);
    if (!u->req.holder) return ch_invalid_plan(err, "The request has no message.");
    return CH_OK;
}

void ch_rpc_add_artifacts(ch_call *call, void *service, const void *detail)
{
    (void)detail;
    upload u = {0};
    ch_request_begin(&u.req, service, call);
    u.response = PB_NEW(u.req.arena, add_artifacts_response);
    ch_error err;
    if (take_stream(&u, call, &err)) {
        ch_request_fail(&u.req, call, &err);
    } else {
        u.response->session_id = ch_request_session_id(&u.req);
        u.response->server_side_session_id = ch_request_server_id(&u.req);
        ch_call_reply(call, &u.response->base);
    }
    ch_buf_reset(&u.data);
    ch_request_end(&u.req);
}

int ch_rpc_artifact_status(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response, ch_error *err)
{
    const PB(ArtifactStatusesRequest) *msg = (const void *)request;
    CH_TRY(CH_ENTER(req, msg, true, err));
    PB(ArtifactStatusesResponse) *out = PB_NEW(req->arena, artifact_statuses_response);
    out->statuses = CH_NEW_ARRAY(req->arena, PB(ArtifactStatusesResponse__StatusesEntry) *, msg->n_names);
    for (size_t i = 0; i < msg->n_names; i++) {
        const char *name = msg->names[i];
        PB(ArtifactStatusesResponse__StatusesEntry) *entry =
            PB_NEW(req->arena, artifact_statuses_response__statuses_entry);
        entry->key = ch_arena_strdup(req->arena, name);
        entry->value = PB_NEW(req->arena, artifact_statuses_response__artifact_status);
        /* Spark tells of cached blobs only. */
        entry->value->exists =
            strncmp(name, "cache/", strlen("cache/")) == 0 && ch_blob_has(ch_holder_frame(req->holder), name);
        out->statuses[out->n_statuses++] = entry;
    }
    out->session_id = ch_request_session_id(req);
    out->server_side_session_id = ch_request_server_id(req);
    *response = &out->base;
    return CH_OK;
}
