/* rpc_analyze.c: the AnalyzePlan method: questions about a plan that need no execution, and persist. */
#include "connect/decode.h"
#include "connect/encode.h"
#include "connect/errors.h"
#include "connect/service.h"
#include "frame/engine/query.h"
#include "frame/plan/parse.h"

#include <stdio.h>
#include <string.h>

/* Storage levels are kept by the session as text of this form. */
#define LEVEL_FORMAT "disk=%d memory=%d offheap=%d deserialized=%d replication=%d"

static ch_decoder decoder(const ch_request *req)
{
    return (ch_decoder){.arena = req->arena,
                        .session = ch_holder_frame(req->holder),
                        .ml = ch_holder_ml(req->holder),
                        .track = req->service->track,
                        .user = req->user};
}

/* Decodes and analyses a plan; the caller closes the query. */
static int open_plan(const ch_request *req, const PB(Plan) *plan, ch_query **q, ch_error *err)
{
    ch_decoder d = decoder(req);
    ch_plan *decoded;
    CH_TRY(ch_decode_plan(&d, plan, &decoded, err));
    return ch_query_open(ch_holder_frame(req->holder), decoded, q, err);
}

/* --- schema and texts --------------------------------------------------------------------------------------------- */

static int analyze_schema(ch_request *req, const PB(AnalyzePlanRequest__Schema) *in, PB(AnalyzePlanResponse) *out,
                          ch_error *err)
{
    ch_query *q;
    CH_TRY(open_plan(req, in->plan, &q, err));
    out->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_SCHEMA;
    out->schema = PB_NEW(req->arena, analyze_plan_response__schema);
    out->schema->schema = ch_encode_schema(req->arena, ch_query_schema(q));
    ch_query_close(q);
    return CH_OK;
}

static int explain_mode(int mode, const char **name, ch_error *err)
{
    switch (mode) {
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__EXPLAIN__EXPLAIN_MODE__EXPLAIN_MODE_SIMPLE: *name = "simple"; break;
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__EXPLAIN__EXPLAIN_MODE__EXPLAIN_MODE_EXTENDED: *name = "extended"; break;
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__EXPLAIN__EXPLAIN_MODE__EXPLAIN_MODE_CODEGEN: *name = "codegen"; break;
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__EXPLAIN__EXPLAIN_MODE__EXPLAIN_MODE_COST: *name = "cost"; break;
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__EXPLAIN__EXPLAIN_MODE__EXPLAIN_MODE_FORMATTED:
        *name = "formatted";
        break;
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__EXPLAIN__EXPLAIN_MODE__EXPLAIN_MODE_UNSPECIFIED:
        return ch_failf(err, CH_E_UNSUPPORTED, "Unknown Explain Mode EXPLAIN_MODE_UNSPECIFIED!");
    default: return ch_failf(err, CH_E_UNSUPPORTED, "Unknown Explain Mode UNRECOGNIZED!");
    }
    return CH_OK;
}

static int analyze_explain(ch_request *req, const PB(AnalyzePlanRequest__Explain) *in, PB(AnalyzePlanResponse) *out,
                           ch_error *err)
{
    const char *mode;
    CH_TRY(explain_mode((int)in->explain_mode, &mode, err));
    ch_query *q;
    CH_TRY(open_plan(req, in->plan, &q, err));
    ch_buf text = {0};
    int status = ch_query_explain(q, mode, &text, err);
    out->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_EXPLAIN;
    out->explain = PB_NEW(req->arena, analyze_plan_response__explain);
    out->explain->explain_string = ch_arena_strdup(req->arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    ch_query_close(q);
    return status;
}

static int analyze_tree(ch_request *req, const PB(AnalyzePlanRequest__TreeString) *in, PB(AnalyzePlanResponse) *out,
                        ch_error *err)
{
    ch_query *q;
    CH_TRY(open_plan(req, in->plan, &q, err));
    ch_buf text = {0};
    ch_schema_tree(&text, ch_query_schema(q), in->_level_case && in->level > 0 ? in->level : 0);
    out->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_TREE_STRING;
    out->tree_string = PB_NEW(req->arena, analyze_plan_response__tree_string);
    out->tree_string->tree_string = ch_arena_strdup(req->arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    ch_query_close(q);
    return CH_OK;
}

static int analyze_ddl(ch_request *req, const PB(AnalyzePlanRequest__DDLParse) *in, PB(AnalyzePlanResponse) *out,
                       ch_error *err)
{
    const ch_type *type;
    CH_TRY(ch_parse_type(req->arena, in->ddl_string, &type, err));
    out->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_DDL_PARSE;
    out->ddl_parse = PB_NEW(req->arena, analyze_plan_response__ddlparse);
    out->ddl_parse->parsed = ch_encode_type(req->arena, type);
    return CH_OK;
}

static int analyze_json(ch_request *req, const PB(AnalyzePlanRequest__JsonToDDL) *in, PB(AnalyzePlanResponse) *out,
                        ch_error *err)
{
    const ch_type *type;
    CH_TRY(ch_type_from_json(req->arena, in->json_string, strlen(in->json_string), &type, err));
    ch_buf text = {0};
    if (type->kind == CH_STRUCT) {
        ch_schema schema = {type->nfield, CH_NEW_ARRAY(req->arena, ch_field, type->nfield)};
        for (size_t i = 0; i < type->nfield; i++) schema.fields[i] = type->fields[i];
        ch_schema_ddl(&text, &schema);
    } else {
        ch_type_sql(&text, type);
    }
    out->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_JSON_TO_DDL;
    out->json_to_ddl = PB_NEW(req->arena, analyze_plan_response__json_to_ddl);
    out->json_to_ddl->ddl_string = ch_arena_strdup(req->arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return CH_OK;
}

/* --- properties of plans ------------------------------------------------------------------------------------------ */

static int analyze_is_local(ch_request *req, const PB(AnalyzePlanRequest__IsLocal) *in, PB(AnalyzePlanResponse) *out,
                            ch_error *err)
{
    ch_decoder d = decoder(req);
    ch_plan *plan;
    ch_query *q;
    CH_TRY(ch_decode_plan(&d, in->plan, &plan, err));
    CH_TRY(ch_query_open(ch_holder_frame(req->holder), plan, &q, err));
    ch_query_close(q);
    out->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_IS_LOCAL;
    out->is_local = PB_NEW(req->arena, analyze_plan_response__is_local);
    out->is_local->is_local =
        plan->kind == CH_PLAN_LOCAL || plan->kind == CH_PLAN_CACHED_LOCAL || plan->kind == CH_PLAN_VALUES;
    return CH_OK;
}

static bool is_streaming(const ch_plan *plan)
{
    if (!plan) return false;
    if (plan->kind == CH_PLAN_READ && plan->u.read.streaming) return true;
    return is_streaming(plan->input) || is_streaming(plan->right);
}

static int analyze_is_streaming(ch_request *req, const PB(AnalyzePlanRequest__IsStreaming) *in,
                                PB(AnalyzePlanResponse) *out, ch_error *err)
{
    ch_decoder d = decoder(req);
    ch_plan *plan;
    CH_TRY(ch_decode_plan(&d, in->plan, &plan, err));
    out->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_IS_STREAMING;
    out->is_streaming = PB_NEW(req->arena, analyze_plan_response__is_streaming);
    out->is_streaming->is_streaming = is_streaming(plan);
    return CH_OK;
}

static int analyze_files(ch_request *req, const PB(AnalyzePlanRequest__InputFiles) *in, PB(AnalyzePlanResponse) *out,
                         ch_error *err)
{
    ch_query *q;
    CH_TRY(open_plan(req, in->plan, &q, err));
    const char **files;
    size_t n = ch_query_files(q, req->arena, &files);
    out->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_INPUT_FILES;
    out->input_files = PB_NEW(req->arena, analyze_plan_response__input_files);
    out->input_files->n_files = n;
    out->input_files->files = CH_NEW_ARRAY(req->arena, char *, n);
    for (size_t i = 0; i < n; i++) out->input_files->files[i] = ch_arena_strdup(req->arena, files[i]);
    ch_query_close(q);
    return CH_OK;
}

static int fingerprint(ch_request *req, const PB(Plan) *plan, uint64_t print[2], ch_error *err)
{
    ch_query *q;
    CH_TRY(open_plan(req, plan, &q, err));
    ch_query_fingerprint(q, print);
    ch_query_close(q);
    return CH_OK;
}

static int analyze_same(ch_request *req, const PB(AnalyzePlanRequest__SameSemantics) *in, PB(AnalyzePlanResponse) *out,
                        ch_error *err)
{
    uint64_t a[2], b[2];
    CH_TRY(fingerprint(req, in->target_plan, a, err));
    CH_TRY(fingerprint(req, in->other_plan, b, err));
    out->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_SAME_SEMANTICS;
    out->same_semantics = PB_NEW(req->arena, analyze_plan_response__same_semantics);
    out->same_semantics->result = a[0] == b[0] && a[1] == b[1];
    return CH_OK;
}

static int analyze_hash(ch_request *req, const PB(AnalyzePlanRequest__SemanticHash) *in, PB(AnalyzePlanResponse) *out,
                        ch_error *err)
{
    uint64_t print[2];
    CH_TRY(fingerprint(req, in->plan, print, err));
    uint64_t folded = print[0] ^ print[1];
    out->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_SEMANTIC_HASH;
    out->semantic_hash = PB_NEW(req->arena, analyze_plan_response__semantic_hash);
    out->semantic_hash->result = (int32_t)(uint32_t)(folded ^ folded >> 32);
    return CH_OK;
}

/* --- persist ------------------------------------------------------------------------------------------------------ */

static int decode_relation(ch_request *req, const PB(Relation) *in, ch_plan **out, ch_error *err)
{
    ch_decoder d = decoder(req);
    return ch_decode_relation(&d, in, out, err);
}

static int analyze_persist(ch_request *req, const PB(AnalyzePlanRequest__Persist) *in, PB(AnalyzePlanResponse) *out,
                           ch_error *err)
{
    char level[120];
    if (in->_storage_level_case) {
        const PB(StorageLevel) *l = in->storage_level;
        snprintf(level, sizeof level, LEVEL_FORMAT, l->use_disk != 0, l->use_memory != 0, l->use_off_heap != 0,
                 l->deserialized != 0, l->replication);
    } else { /* MEMORY_AND_DISK */
        snprintf(level, sizeof level, LEVEL_FORMAT, 1, 1, 0, 1, 1);
    }
    ch_plan *plan;
    CH_TRY(decode_relation(req, in->relation, &plan, err));
    CH_TRY(ch_cache_add(ch_holder_frame(req->holder), plan, level, err));
    out->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_PERSIST;
    out->persist = PB_NEW(req->arena, analyze_plan_response__persist);
    return CH_OK;
}

static int analyze_unpersist(ch_request *req, const PB(AnalyzePlanRequest__Unpersist) *in, PB(AnalyzePlanResponse) *out,
                             ch_error *err)
{
    ch_plan *plan;
    bool was_cached;
    CH_TRY(decode_relation(req, in->relation, &plan, err));
    CH_TRY(ch_cache_remove(ch_holder_frame(req->holder), plan, &was_cached, err));
    out->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_UNPERSIST;
    out->unpersist = PB_NEW(req->arena, analyze_plan_response__unpersist);
    return CH_OK;
}

static int analyze_level(ch_request *req, const PB(AnalyzePlanRequest__GetStorageLevel) *in,
                         PB(AnalyzePlanResponse) *out, ch_error *err)
{
    ch_plan *plan;
    const char *text;
    CH_TRY(decode_relation(req, in->relation, &plan, err));
    CH_TRY(ch_cache_level(ch_holder_frame(req->holder), plan, req->arena, &text, err));
    int disk = 0, memory = 0, off_heap = 0, deserialized = 0, replication = 1;
    if (text && sscanf(text, LEVEL_FORMAT, &disk, &memory, &off_heap, &deserialized, &replication) != 5) {
        disk = memory = deserialized = replication = 1; /* cached by SQL */
    }
    out->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_GET_STORAGE_LEVEL;
    out->get_storage_level = PB_NEW(req->arena, analyze_plan_response__get_storage_level);
    PB(StorageLevel) *level = out->get_storage_level->storage_level = PB_NEW(req->arena, storage_level);
    level->use_disk = disk;
    level->use_memory = memory;
    level->use_off_heap = off_heap;
    level->deserialized = deserialized;
    level->replication = replication;
    return CH_OK;
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

static int analyze(ch_request *req, const PB(AnalyzePlanRequest) *in, PB(AnalyzePlanResponse) *out, ch_error *err)
{
    switch (in->analyze_case) {
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_SCHEMA: return analyze_schema(req, in->schema, out, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_EXPLAIN: return analyze_explain(req, in->explain, out, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_TREE_STRING: return analyze_tree(req, in->tree_string, out, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_IS_LOCAL: return analyze_is_local(req, in->is_local, out, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_IS_STREAMING:
        return analyze_is_streaming(req, in->is_streaming, out, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_INPUT_FILES:
        return analyze_files(req, in->input_files, out, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_SPARK_VERSION:
        out->result_case = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__RESULT_SPARK_VERSION;
        out->spark_version = PB_NEW(req->arena, analyze_plan_response__spark_version);
        out->spark_version->version = CH_SPARK_VERSION;
        return CH_OK;
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_DDL_PARSE: return analyze_ddl(req, in->ddl_parse, out, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_JSON_TO_DDL: return analyze_json(req, in->json_to_ddl, out, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_SAME_SEMANTICS:
        return analyze_same(req, in->same_semantics, out, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_SEMANTIC_HASH:
        return analyze_hash(req, in->semantic_hash, out, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_PERSIST: return analyze_persist(req, in->persist, out, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_UNPERSIST:
        return analyze_unpersist(req, in->unpersist, out, err);
    case SPARK__CONNECT__ANALYZE_PLAN_REQUEST__ANALYZE_GET_STORAGE_LEVEL:
        return analyze_level(req, in->get_storage_level, out, err);
    default: return ch_invalid_plan(err, "Unknown Analyze Method ANALYZE_NOT_SET!");
    }
}

/* With a record of the monitor's: finding out the schema of a big file is work that people wait for. */
static int analyze_recorded(ch_request *req, const PB(AnalyzePlanRequest) *in, PB(AnalyzePlanResponse) *out,
                            ch_error *err)
{
    const ProtobufCFieldDescriptor *what =
        protobuf_c_message_descriptor_get_field(PB_TYPE(analyze_plan_request), (unsigned)in->analyze_case);
    ch_summary summary = {"analyze", what ? what->name : "nothing", true};
    char id[CH_UUID_SIZE];
    ch_uuid_new(id);
    ch_operation *op = ch_operation_new(id, false, 0, NULL);
    ch_monitor *monitor = req->service->monitor;
    ch_record *record =
        ch_monitor_begin(monitor, op, ch_holder_session_id(req->holder), ch_holder_user(req->holder), &summary);
    int status = analyze(req, in, out, err);
    ch_monitor_end(monitor, record, status ? err : NULL);
    ch_operation_release(op);
    return status;
}

int ch_rpc_analyze(ch_request *req, const ProtobufCMessage *request, ProtobufCMessage **response, ch_error *err)
{
    const PB(AnalyzePlanRequest) *msg = (const void *)request;
    CH_TRY(CH_ENTER(req, msg, true, err));
    PB(AnalyzePlanResponse) *out = PB_NEW(req->arena, analyze_plan_response);
    CH_TRY(analyze_recorded(req, msg, out, err));
    out->session_id = ch_request_session_id(req);
    out->server_side_session_id = ch_request_server_id(req);
    *response = &out->base;
    return CH_OK;
}
