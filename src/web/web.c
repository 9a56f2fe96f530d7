/* web.c: serves the pages. index.html is asked for anew each time (an ETag makes that cheap); everything else lies
 * below the hash of all files and is kept by browsers for good. The pages' addresses are behind a '#', so they never
 * get here.
 */
#include "web/web.h"

#include "web/files.h"
#include "web/web_internal.h"

#include <stdlib.h>
#include <string.h>

/* Nothing but our own files runs in a page. Styles in charts are set through the object model, which CSP allows. Images
 * are also made of artifacts that were fetched. */
static const char POLICY[] =
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'";
/* The frame in which an HTML artifact is shown: its scripts run, but in an origin of their own and without any network,
 * so they reach neither our API nor anybody else. */
static const char PREVIEW_POLICY[] =
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "style-src 'unsafe-inline' data:; img-src data: blob:; font-src data:; media-src data: blob:; frame-ancestors "
    "'self'";

static int compare_path(const void *key, const void *row)
{
    return strcmp(key, ((const ch_web_file *)row)->path);
}

static const ch_web_file *find_file(const char *path)
{
    return bsearch(path, CH_WEB_FILES, CH_WEB_NFILE, sizeof CH_WEB_FILES[0], compare_path);
}

/* Whether a comma-separated header lists a token, and not to refuse it: "br, gzip;q=0.8" lists gzip, "gzip;q=0" does
 * not.
 */
static bool lists(const char *header, const char *token)
{
    size_t len = strlen(token);
    for (const char *at = header; at && *at;) {
        at += strspn(at, " ,\t");
        size_t word = strcspn(at, " ,;\t"), item = strcspn(at, ",");
        if (word == len && !strncmp(at, token, len)) return !memmem(at, item, "q=0", 3) || memmem(at, item, "q=0.", 4);
        at += item;
    }
    return false;
}

static void send_file(const ch_http_request *request, ch_http_reply *reply, const ch_web_file *file, const char *cache,
                      const char *policy)
{
    ch_http_add_header(reply, "ETag", file->etag);
    ch_http_add_header(reply, "Cache-Control", cache);
    ch_http_add_header(reply, "Vary", "Accept-Encoding");
    ch_http_add_header(reply, "Content-Security-Policy", policy);
    ch_http_add_header(reply, "Referrer-Policy", "same-origin");
    const char *known = ch_http_header(request, "If-None-Match");
    if (known && (lists(known, file->etag) || !strcmp(known, "*"))) {
        reply->status = 304;
        return;
    }
    reply->content_type = file->content_type;
    if (lists(ch_http_header(request, "Accept-Encoding"), "gzip")) {
        ch_http_add_header(reply, "Content-Encoding", "gzip");
        reply->fixed = file->packed;
        reply->fixed_len = file->packed_len;
    } else {
        reply->fixed = file->plain;
        reply->fixed_len = file->plain_len;
    }
}

static int get_index(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)app;
    (void)err;
    send_file(request, reply, find_file("index.html"), "no-cache", POLICY);
    return 0;
}

static int get_file(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)app;
    (void)err;
    const char *path = ch_http_param(request, "path");
    const ch_web_file *file = find_file(path);
    if (!file || !strcmp(path, "index.html")) {
        ch_http_text(reply, 404, "text/plain; charset=utf-8", "no such file\n");
        return 0;
    }
    /* A page that was loaded before the program was replaced asks for what is no more: the newest file is the best
     * answer, but not one to keep. */
    bool current = !strcmp(ch_http_param(request, "version"), CH_WEB_VERSION);
    send_file(request, reply, file, current ? "public, max-age=31536000, immutable" : "no-cache",
              strcmp(path, "preview.html") ? POLICY : PREVIEW_POLICY);
    return 0;
}

static const ch_http_route ROUTES[] = {
    {.method = "GET", .path = "/", .handler = get_index, .flags = CH_HTTP_INLINE},
    {.method = "GET",
     .path = "/static-files/{version}/{path*}",
     .handler = get_file,
     .flags = CH_HTTP_INLINE | CH_HTTP_OPEN},
};

size_t ch_web_mounts(ch_track *track, ch_http_mount *mounts, size_t room)
{
    if (room < 2) return 0;
    mounts[0] = (ch_http_mount){"", ROUTES, sizeof ROUTES / sizeof ROUTES[0], NULL};
    mounts[1] = (ch_http_mount){"/api/chert/v1", ch_web_model_routes, ch_web_model_nroute, track};
    return 2;
}
