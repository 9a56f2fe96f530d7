/* transfers.c: artifacts that come in parts (mpu/...) and go by signed address (presigned/...): what clients do with
 * big files. In MLflow parts and downloads bypass the server, towards a cloud's store; here the addresses are our own
 * (signed/...), and what is gained is that no request is long: proxies with limits let them through, and a part that
 * failed is sent again alone.
 */
#include "track/artifact/artifact_store.h"
#include "track/artifact/artifacts.h"
#include "track/artifact/signed_url.h"
#include "track/artifact/uploads.h"
#include "track/names.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    SWEEP_MS = 3600 * 1000,
    DOWNLOAD_SECONDS = 300, /* MLflow's default of the setting below */
    DOWNLOAD_SECONDS_MOST = 7 * 24 * 3600
};

static int fail_path(ch_call *call)
{
    return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid path");
}

static int upload_failed(ch_call *call)
{
    if (call->error.kind == CH_E_NOT_FOUND)
        return ch_call_fail(call, RESOURCE_DOES_NOT_EXIST, "%s", call->error.message);
    return ch_call_db_failed(call);
}

/* ---- uploads in parts ----------------------------------------------------------------------------------------- */

/* The name of a file that the client has somewhere: behind the last slash, or backslash on Windows. */
static const char *name_of(const char *local)
{
    const char *slash = strrchr(local, '/');
    if (slash) return slash + 1;
    bool windows = (*local && local[1] == ':' && local[2] == '\\') || strncmp(local, "\\\\", 2) == 0;
    return windows ? strrchr(local, '\\') + 1 : local;
}

/* Where the upload goes: the file's name in the folder that the URL names, which is what the permission was asked for.
 * The name must not lead to another folder. NULL with the call failed. */
static const char *upload_path(ch_call *call)
{
    const char *folder = ch_artifact_url_path(call);
    if (!folder) return NULL;
    const char *name = ch_artifact_clean(call->arena, name_of(ch_call_string(call, "path")));
    if (!name || !*name || strchr(name, '/')) {
        fail_path(call);
        return NULL;
    }
    const char *path = ch_artifact_clean(call->arena, ch_artifact_join(call->arena, folder, name));
    if (!path) fail_path(call);
    return path && !ch_artifact_check_name(call, path) ? path : NULL;
}

static void sweep(ch_track *track)
{
    int64_t now = ch_clock_ms(), last = atomic_load(&track->swept_ms);
    if (now - last < SWEEP_MS || !atomic_compare_exchange_strong(&track->swept_ms, &last, now)) return;
    ch_upload_sweep(track->artifacts, CH_UPLOAD_SECONDS);
}

static int write_credentials(ch_call *call, const char *id, int64_t parts)
{
    ch_json *out = &call->out;
    ch_json_member(out, "upload_id", id);
    ch_json_key(out, "credentials");
    ch_json_begin(out, '[');
    for (int64_t part = 1; part <= parts; part++) {
        const char *url;
        const char *path = ch_arena_printf(call->arena, "parts/%s/%lld", id, (long long)part);
        CH_TRY(ch_signed_url(call, "PUT", path, CH_UPLOAD_SECONDS, &url));
        ch_json_begin(out, '{');
        ch_json_member(out, "url", url);
        ch_json_member_int(out, "part_number", part);
        ch_json_end(out, '}');
    }
    ch_json_end(out, ']');
    return 0;
}

static int create_upload(ch_call *call)
{
    const char *path = upload_path(call);
    if (!path) return (int)call->code;
    int64_t parts = ch_call_int(call, "num_parts", 0);
    /* clients that read this sentence send the file in one piece */
    if (parts > CH_UPLOAD_PARTS_MOST)
        return ch_call_fail(call, NOT_IMPLEMENTED,
                            "Multipart upload is not supported for the current artifact repository with more than %d "
                            "parts",
                            CH_UPLOAD_PARTS_MOST);
    if (parts < 1)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid number of parts: %lld", (long long)parts);
    char id[CH_UPLOAD_ID_SIZE];
    sweep(call->track);
    if (ch_upload_create(call->track->artifacts, path, (int)parts, id, &call->error)) return upload_failed(call);
    return write_credentials(call, id, parts);
}

static const char *upload_id(ch_call *call)
{
    const char *id = ch_call_string(call, "upload_id");
    return id ? id : "";
}

static int complete_upload(ch_call *call)
{
    const char *path = upload_path(call);
    if (!path) return (int)call->code;
    json_t *list = ch_call_list(call, "parts");
    size_t count = json_array_size(list);
    if (count > CH_UPLOAD_PARTS_MOST)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Invalid parts: more than %d", CH_UPLOAD_PARTS_MOST);
    ch_upload_part *parts = CH_NEW_ARRAY(call->arena, ch_upload_part, count + 1);
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_array_get(list, i);
        parts[i] = (ch_upload_part){ch_item_int(item, "part_number", 0), ch_item_string(item, "etag")};
    }
    const char *folder = call->track->artifacts;
    return ch_upload_complete(folder, upload_id(call), path, parts, count, &call->error) ? upload_failed(call) : 0;
}

static int abort_upload(ch_call *call)
{
    const char *path = upload_path(call);
    if (!path) return (int)call->code;
    return ch_upload_abort(call->track->artifacts, upload_id(call), path, &call->error) ? upload_failed(call) : 0;
}

/* ---- signed addresses ----------------------------------------------------------------------------------------- */

static int check_signature(ch_call *call)
{
    if (ch_signed_admits(call->track, call->request)) return 0;
    return ch_call_fail(call, PERMISSION_DENIED, "The address is not signed, or its time is over");
}

static int put_part(ch_call *call)
{
    CH_TRY(check_signature(call));
    const char *id = ch_http_param(call->request, "upload"), *number = ch_http_param(call->request, "part");
    char etag[CH_UPLOAD_ETAG_SIZE];
    const char *source = ch_http_body_file(call->request, NULL);
    /* signed by us, so a number it is */
    if (ch_upload_put(call->track->artifacts, id, strtoll(number, NULL, 10), source, etag, &call->error))
        return upload_failed(call);
    call->reply->status = 200;
    ch_http_add_header(call->reply, "ETag", ch_arena_strdup(call->arena, etag));
    return 0;
}

static int get_signed(ch_call *call)
{
    CH_TRY(check_signature(call));
    const char *path = ch_artifact_url_path(call);
    return path ? ch_artifact_send(call, path) : (int)call->code;
}

/* How long a download's address holds: MLflow's own setting, within what clouds allow. */
static int64_t download_seconds(void)
{
    const char *text = getenv("MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS");
    long long seconds = text ? strtoll(text, NULL, 10) : 0;
    return seconds >= 1 && seconds <= DOWNLOAD_SECONDS_MOST ? seconds : DOWNLOAD_SECONDS;
}

static int presign_download(ch_call *call)
{
    uint64_t size;
    const char *url, *path = ch_artifact_url_path(call);
    if (!path) return (int)call->code;
    CH_TRY(ch_artifact_size(call, path, &size));
    const char *below = ch_arena_printf(call->arena, "files/%s", path);
    CH_TRY(ch_signed_url(call, "GET", below, download_seconds(), &url));
    ch_json_member(&call->out, "url", url);
    ch_json_key(&call->out, "headers");
    ch_json_begin(&call->out, '{');
    ch_json_end(&call->out, '}');
    ch_json_member_int(&call->out, "file_size", (int64_t)size);
    ch_http_add_header(call->reply, "Cache-Control", "no-store");
    return 0;
}

/* ---- addresses of a cloud's store ----------------------------------------------------------------------------- */

/* These are for runs whose artifacts lie in a cloud; ours always come through the server, and MLflow says so, too. */
static int refuse_proxied(ch_call *call, const char *what, const char *needs)
{
    return ch_call_fail(call, INVALID_PARAMETER_VALUE,
                        "%s proxied artifact storage (artifact URI scheme: mlflow-artifacts). This endpoint requires "
                        "a %s.",
                        what, needs);
}

static int presign_cloud_upload(ch_call *call)
{
    const char *run = ch_or_empty(ch_call_string(call, "run_id"));
    const char *model = ch_or_empty(ch_call_string(call, "model_id"));
    if (!*run == !*model)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "Exactly one of run_id and model_id must be provided.");
    if (!ch_artifact_clean(call->arena, ch_call_string(call, "path"))) return fail_path(call);
    CH_TRY(ch_auth_require_read(call, *run ? CH_ON_RUN : CH_ON_LOGGED_MODEL, *run ? run : model));
    const char *uri;
    CH_TRY(*run ? ch_run_artifact_uri(call, run, &uri) : ch_logged_artifact_uri(call, model, &uri));
    return refuse_proxied(call, "Presigned upload is not supported for", "direct cloud storage artifact URI");
}

static int presign_cloud_download(ch_call *call)
{
    int64_t seconds = ch_call_int(call, "expiration", DOWNLOAD_SECONDS);
    if (!ch_artifact_clean(call->arena, ch_call_string(call, "path"))) return fail_path(call);
    if (seconds < 1 || seconds > DOWNLOAD_SECONDS_MOST)
        return ch_call_fail(call, INVALID_PARAMETER_VALUE, "expiration must be between 1 and %d seconds (got %lld).",
                            DOWNLOAD_SECONDS_MOST, (long long)seconds);
    const char *uri;
    CH_TRY(ch_run_artifact_uri(call, ch_call_string(call, "run_id"), &uri));
    return refuse_proxied(call, "Presigned download is not supported for runs with",
                          "run with a direct cloud storage artifact URI");
}

/* ---- routes --------------------------------------------------------------------------------------------------- */

/* clang-format off */
static const ch_track_route ROUTES[] = {
    {"POST", "mpu/create/{path*}", create_upload, {{"path", CH_P_STRING, true}, {"num_parts", CH_P_INT, false}},
     CH_EDIT, CH_ON_ARTIFACT, "path", 0, NULL},
    {"POST", "mpu/complete/{path*}", complete_upload,
     {{"path", CH_P_STRING, true}, {"upload_id", CH_P_STRING, false}, {"parts", CH_P_LIST, true}},
     CH_EDIT, CH_ON_ARTIFACT, "path", 0, NULL},
    {"POST", "mpu/abort/{path*}", abort_upload, {{"path", CH_P_STRING, true}, {"upload_id", CH_P_STRING, false}},
     CH_EDIT, CH_ON_ARTIFACT, "path", 0, NULL},
    {"GET", "presigned/{path*}", presign_download, {{0}}, CH_READ, CH_ON_ARTIFACT, "path", 0, NULL},
    {"PUT", "signed/parts/{upload}/{part}", put_part, {{0}}, CH_EDIT, CH_ON_SIGNED, NULL, CH_HTTP_STREAM, NULL},
    {"GET", "signed/files/{path*}", get_signed, {{0}}, CH_READ, CH_ON_SIGNED, NULL, CH_HTTP_STREAM, NULL},
};
static const ch_track_route CLOUD[] = {
    {"POST", "artifacts/presigned-upload-url", presign_cloud_upload,
     {{"run_id", CH_P_STRING, false}, {"model_id", CH_P_STRING, false}, {"path", CH_P_STRING, true},
      {"expiration", CH_P_INT, false}}, CH_EDIT, CH_ON_NOTHING, NULL, 0, NULL},
    {"POST", "artifacts/presigned-download-url", presign_cloud_download,
     {{"run_id", CH_P_STRING, true}, {"path", CH_P_STRING, true}, {"expiration", CH_P_INT, false}},
     CH_READ, CH_ON_RUN, "run_id", 0, NULL},
};
/* clang-format on */

const ch_track_table ch_transfer_routes = {ch_proxy_prefixes, ROUTES, sizeof ROUTES / sizeof *ROUTES};
const ch_track_table ch_cloud_routes = {ch_mlflow_prefixes, CLOUD, sizeof CLOUD / sizeof *CLOUD};
