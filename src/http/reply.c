/* reply.c: what handlers answer, and how it becomes a response of libmicrohttpd. */
#include "http/internal.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ch_http_text(ch_http_reply *reply, int status, const char *content_type, const char *text)
{
    reply->status = status;
    reply->content_type = content_type;
    ch_buf_clear(&reply->body);
    ch_buf_str(&reply->body, text);
}

void ch_http_add_header(ch_http_reply *reply, const char *name, const char *value)
{
    int at = 0;
    while (at < reply->nheader && strcasecmp(reply->headers[at], name)) at += 2;
    if (at + 2 > (int)(sizeof reply->headers / sizeof reply->headers[0])) {
        ch_log(CH_LOG_ERROR, "http: no room for the header %s", name);
        return;
    }
    reply->headers[at] = name;
    reply->headers[at + 1] = value;
    if (at == reply->nheader) reply->nheader += 2;
}

static const char *reason(int status)
{
    switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Request Entity Too Large";
    case 503: return "Service Unavailable";
    default: return "Error";
    }
}

void ch_http_refuse(ch_http_request *request, int status, const char *text)
{
    ch_http_reply *reply = &request->reply;
    ch_http_reply_drop(reply);
    *reply = (ch_http_reply){.status = status};
    if (text) {
        ch_http_text(reply, status, "text/plain; charset=utf-8", text);
        return;
    }
    reply->content_type = "text/html; charset=utf-8";
    ch_buf_printf(&reply->body, "<!doctype html>\n<html lang=en>\n<title>%d %s</title>\n<h1>%s</h1>\n", status,
                  reason(status), reason(status));
}

void ch_http_reply_drop(ch_http_reply *reply)
{
    ch_buf_reset(&reply->body);
    if (reply->is_file && reply->file >= 0) close(reply->file);
    reply->is_file = false;
}

/* The response for the reply's content, which it takes over. */
static struct MHD_Response *content_response(ch_http_request *request)
{
    ch_http_reply *reply = &request->reply;
    if (reply->file_len) reply->is_file = true;
    if (reply->is_file && reply->file_len) {
        request->reply_len = reply->file_len;
        int file = reply->file;
        reply->is_file = false;
        struct MHD_Response *response =
            MHD_create_response_from_fd_at_offset64(reply->file_len, file, reply->file_offset);
        if (!response) close(file);
        return response;
    }
    if (reply->fixed) {
        request->reply_len = reply->fixed_len;
        /* libmicrohttpd does not write to it */
        return MHD_create_response_from_buffer(reply->fixed_len, (void *)(uintptr_t)reply->fixed,
                                               MHD_RESPMEM_PERSISTENT);
    }
    request->reply_len = reply->body.len;
    if (!reply->body.len) return MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->body.len, reply->body.data, MHD_RESPMEM_MUST_FREE);
    if (response) reply->body = (ch_buf){0};
    return response;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    if (MHD_add_response_header(response, name, value) != MHD_YES) {
        ch_log(CH_LOG_WARN, "http: the header %s has a value that cannot be sent: left out", name);
    }
}

enum MHD_Result ch_http_reply_send(ch_http_request *request)
{
    ch_http_reply *reply = &request->reply;
    if (!reply->status) reply->status = 200;
    struct MHD_Response *response = content_response(request);
    if (!response) return MHD_NO;
    if (reply->content_type) add_header(response, "Content-Type", reply->content_type);
    add_header(response, "X-Content-Type-Options", "nosniff");
    add_header(response, "X-Frame-Options", "SAMEORIGIN");
    for (int i = 0; i < reply->nheader; i += 2) add_header(response, reply->headers[i], reply->headers[i + 1]);
    if (request->close_after) add_header(response, "Connection", "close");
    request->phase = PHASE_REPLY;
    enum MHD_Result queued = MHD_queue_response(request->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return queued;
}
