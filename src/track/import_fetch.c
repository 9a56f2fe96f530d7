/* import_fetch.c: a small client of HTTP/1.1. */
#include "track/import_fetch.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_MOST = 64 << 10, WAIT_SECONDS = 120 };

int ch_fetch_parse(ch_arena *arena, const char *url, ch_fetch_server *out, ch_error *err)
{
    if (strncmp(url, "http://", 7) != 0) {
        return ch_failf(err, CH_E_UNSUPPORTED, "%s: only plain http:// can be imported from; use a tunnel for the rest",
                        url);
    }
    url += 7;
    size_t host = strcspn(url, ":/"), port = url[host] == ':' ? strcspn(url + host + 1, "/") : 0;
    out->host = ch_arena_strndup(arena, url, host);
    out->port = port ? ch_arena_strndup(arena, url + host + 1, port) : "80";
    const char *rest = url + host + (port ? port + 1 : 0);
    size_t len = strlen(rest);
    while (len > 0 && rest[len - 1] == '/') len--;
    out->prefix = ch_arena_strndup(arena, rest, len);
    return host > 0 ? 0 : ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "http://%s names no server", url);
}

void ch_fetch_encode(ch_buf *out, const char *text, bool slashes)
{
    for (; *text; text++) {
        bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                     (*text >= '0' && *text <= '9') || strchr("-_.~", *text) || (slashes && *text == '/');
        if (plain)
            ch_buf_char(out, *text);
        else
            ch_buf_printf(out, "%%%02X", (unsigned char)*text);
    }
}

static int open_connection(const ch_fetch_server *server, int *out, ch_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int code = getaddrinfo(server->host, server->port, &hints, &found);
    if (code) return ch_failf(err, CH_E_IO, "%s:%s: %s", server->host, server->port, gai_strerror(code));
    int s = -1;
    for (const struct addrinfo *a = found; a && s < 0; a = a->ai_next) {
        s = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (s >= 0 && connect(s, a->ai_addr, a->ai_addrlen)) {
            close(s);
            s = -1;
        }
    }
    freeaddrinfo(found);
    if (s < 0) return ch_failf(err, CH_E_IO, "%s:%s: %s", server->host, server->port, strerror(errno));
    struct timeval wait = {.tv_sec = WAIT_SECONDS};
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    *out = s;
    return 0;
}

static int send_all(int s, const char *data, size_t len, ch_error *err)
{
    while (len > 0) {
        ssize_t n = send(s, data, len, MSG_NOSIGNAL);
        if (n < 0) return ch_failf(err, CH_E_IO, "the server to import from: %s", strerror(errno));
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* --- the reply ---- */

typedef struct reply {
    int socket, file;
    ch_buf head; /* up to and with the empty line, then what came with it */
    size_t at;   /* of the body, what of it is in `head` first */
    int status;
    long long length; /* -1: until the end of the connection */
    bool chunked;
    ch_buf *out;
} reply;

static int receive(reply *r, char *block, size_t room, size_t *n, ch_error *err)
{
    if (r->at < r->head.len) {
        *n = r->head.len - r->at < room ? r->head.len - r->at : room;
        memcpy(block, r->head.data + r->at, *n);
        r->at += *n;
        return 0;
    }
    ssize_t got = recv(r->socket, block, room, 0);
    if (got < 0) return ch_failf(err, CH_E_IO, "the server to import from: %s", strerror(errno));
    *n = (size_t)got;
    return 0;
}

static int read_head(reply *r, ch_error *err)
{
    char block[4096];
    const char *end;
    while (!(end = r->head.data ? strstr(r->head.data, "\r\n\r\n") : NULL)) {
        ssize_t n = recv(r->socket, block, sizeof block, 0);
        if (n <= 0 || r->head.len > HEAD_MOST) {
            return ch_failf(err, CH_E_IO, "the server to import from does not answer in HTTP");
        }
        ch_buf_add(&r->head, block, (size_t)n);
    }
    r->at = (size_t)(end - r->head.data) + 4;
    if (sscanf(r->head.data, "HTTP/1.%*d %d", &r->status) != 1) {
        return ch_failf(err, CH_E_IO, "the server to import from does not answer in HTTP");
    }
    r->length = -1;
    for (const char *line = strstr(r->head.data, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, "content-length:", 15) == 0) r->length = strtoll(line + 17, NULL, 10);
        if (strncasecmp(line + 2, "transfer-encoding: chunked", 26) == 0) r->chunked = true;
    }
    return 0;
}

static int give(reply *r, const char *data, size_t len, ch_error *err)
{
    if (r->file < 0 || r->status != 200) {
        ch_buf_add(r->out, data, len);
        return 0;
    }
    while (len > 0) {
        ssize_t n = write(r->file, data, len);
        if (n < 0) {
            return ch_failf(err, errno == ENOSPC ? CH_E_MEMORY : CH_E_IO, "an artifact cannot be written: %s",
                            strerror(errno));
        }
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* `length` bytes of the body, or what comes until the end when it is negative. */
static int read_plain(reply *r, long long length, ch_error *err)
{
    char block[1 << 16];
    while (length != 0) {
        size_t n, room = length > 0 && length < (long long)sizeof block ? (size_t)length : sizeof block;
        CH_TRY(receive(r, block, room, &n, err));
        if (n == 0) return length < 0 ? 0 : ch_failf(err, CH_E_IO, "the server to import from stopped in its answer");
        CH_TRY(give(r, block, n, err));
        if (length > 0) length -= (long long)n;
    }
    return 0;
}

static int read_chunks(reply *r, ch_error *err)
{
    for (;;) {
        char line[64], c = 0;
        size_t len = 0, n;
        while (c != '\n' && len + 1 < sizeof line) {
            CH_TRY(receive(r, &c, 1, &n, err));
            if (n == 0) return ch_failf(err, CH_E_IO, "the server to import from stopped in its answer");
            line[len++] = c;
        }
        line[len] = '\0';
        if (strcmp(line, "\r\n") == 0) continue; /* behind a chunk */
        long long size = strtoll(line, NULL, 16);
        if (size <= 0) return 0;
        CH_TRY(read_plain(r, size, err));
    }
}

static int converse(reply *r, const ch_fetch_server *server, const char *method, const char *path, const char *body,
                    ch_error *err)
{
    ch_buf request = {0};
    ch_buf_printf(&request, "%s %s%s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n", method, server->prefix, path,
                  server->host, server->port);
    if (body) ch_buf_printf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    ch_buf_str(&request, "\r\n");
    if (body) ch_buf_str(&request, body);
    int status = send_all(r->socket, request.data, request.len, err);
    ch_buf_reset(&request);
    if (!status) status = read_head(r, err);
    if (!status) status = r->chunked ? read_chunks(r, err) : read_plain(r, r->length, err);
    return status;
}

int ch_fetch(const ch_fetch_server *server, const char *method, const char *path, const char *body, ch_buf *out,
             int file, ch_error *err)
{
    reply r = {.file = file, .out = out};
    CH_TRY(open_connection(server, &r.socket, err));
    int status = converse(&r, server, method, path, body, err);
    close(r.socket);
    ch_buf_reset(&r.head);
    if (status || r.status == 200) return status;
    return ch_failf(err, r.status == 404 ? CH_E_NOT_FOUND : CH_E_IO,
                    "the server to import from answered %d to %s: %.200s", r.status, path, ch_buf_text(out));
}
