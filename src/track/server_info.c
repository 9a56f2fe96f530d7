/* server_info.c: what is asked about the server itself, and the reset of a server under test. */
#include "track/call.h"
#include "track/store/schema.h"

#include <stdatomic.h>

static int health(ch_call *call)
{
    ch_http_text(call->reply, 200, "text/plain; charset=utf-8", "OK");
    return 0;
}

static int version(ch_call *call)
{
    ch_http_text(call->reply, 200, "text/html; charset=utf-8", CH_MLFLOW_VERSION);
    return 0;
}

/* What clients ask before they move big files. Parts of uploads and downloads by signed address they transfer with
 * requests that know nothing of the certificates they were told to trust (MLFLOW_TRACKING_SERVER_CERT_PATH): over a
 * certificate of our own they had better not start with it, unless told to. */
static int server_info(ch_call *call)
{
    ch_json *out = &call->out;
    bool plain = !ch_http_is_tls(call->request);
    ch_json_member(out, "store_type", "SqlStore");
    ch_json_member_bool(out, "workspaces_enabled", false);
    ch_json_member_bool(out, "trace_archival_enabled", false);
    ch_json_member_bool(out, "multipart_uploads_enabled", plain);
    ch_json_member_bool(out, "multipart_downloads_enabled", plain);
    ch_json_member_bool(out, "presigned_upload_run_id_supported", true);
    ch_json_member_bool(out, "presigned_upload_model_id_supported", true);
    ch_json_key(out, "features_enabled");
    ch_json_begin(out, '{');
    ch_json_member_bool(out, "gateway", false);
    ch_json_end(out, '}');
    return 0;
}

static int empty_store(ch_db *db, void *arg, ch_error *err)
{
    (void)arg;
    ch_buf script = {0};
    ch_schema_reset_script(ch_db_dialect(db), &script);
    int status = ch_db_script(db, script.data, err);
    ch_buf_reset(&script);
    return status;
}

static int reset(ch_call *call)
{
    ch_track *track = call->track;
    if (!track->testing) return ch_call_fail(call, ENDPOINT_NOT_FOUND, "The server was not started for tests");
    CH_DB(call, ch_db_write(track->pool, empty_store, NULL, &call->error));
    atomic_fetch_add(&track->generation, 1);
    return 0;
}

static const char *const PREFIXES[] = {"", NULL};

static const ch_track_route ROUTES[] = {
    {.method = "GET", .path = "health", .handler = health, .flags = CH_HTTP_OPEN | CH_HTTP_INLINE},
    {.method = "GET", .path = "version", .handler = version, .flags = CH_HTTP_OPEN | CH_HTTP_INLINE},
    {.method = "GET",
     .path = "api/3.0/mlflow/server-info",
     .handler = server_info,
     .flags = CH_HTTP_OPEN | CH_HTTP_INLINE},
    {.method = "GET",
     .path = "ajax-api/3.0/mlflow/server-info",
     .handler = server_info,
     .flags = CH_HTTP_OPEN | CH_HTTP_INLINE},
    {.method = "POST", .path = "__reset", .handler = reset, .on = CH_ON_ADMIN, .needs = CH_MANAGE},
};

const ch_track_table ch_server_routes = {PREFIXES, ROUTES, sizeof ROUTES / sizeof *ROUTES};
