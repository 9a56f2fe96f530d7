/* raw.h: a client of raw sockets for the tests of the HTTP server: what it sends and gets is seen byte by byte. */
#ifndef CHERT_TESTS_HTTP_RAW_H
#define CHERT_TESTS_HTTP_RAW_H

#include "base/buf.h"
#include "http/http.h"

#include "testing.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static inline int raw_connect(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    struct timeval patience = {.tv_sec = 20}; /* only a hang of the server is cut short by it */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

/* Whether all was taken; a server may close before. */
static inline bool raw_send_n(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t put = send(fd, bytes, len, MSG_NOSIGNAL);
        if (put <= 0) return false;
        bytes += put;
        len -= (size_t)put;
    }
    return true;
}

static inline bool raw_send(int fd, const char *text)
{
    return raw_send_n(fd, text, strlen(text));
}

typedef struct raw_answer {
    int status; /* 0: the connection was closed without one */
    char head[8192];
    ch_buf body;
} raw_answer;

/* A header's value in `out`, "" when absent. */
static inline const char *raw_header(const raw_answer *answer, const char *name, char out[512])
{
    size_t len = strlen(name);
    out[0] = '\0';
    for (const char *at = strstr(answer->head, "\r\n"); at && at[2]; at = strstr(at + 2, "\r\n")) {
        if (strncasecmp(at + 2, name, len) || at[2 + len] != ':') continue;
        const char *value = at + 2 + len + 1;
        value += strspn(value, " ");
        snprintf(out, 512, "%.*s", (int)strcspn(value, "\r"), value);
        break;
    }
    return out;
}

/* Reads one answer; `head_only` after a HEAD request. Free it with raw_free. */
static inline void raw_receive(int fd, bool head_only, raw_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    size_t len = 0;
    while (!strstr(answer->head, "\r\n\r\n")) {
        assert_true(len + 1 < sizeof answer->head);
        if (recv(fd, answer->head + len, 1, 0) <= 0) return;
        len++;
    }
    answer->status = atoi(answer->head + strcspn(answer->head, " "));
    char text[512];
    size_t expected = strtoul(raw_header(answer, "Content-Length", text), NULL, 10);
    if (head_only || answer->status == 304 || answer->status == 204 || answer->status == 100) return;
    while (answer->body.len < expected) {
        char piece[4096];
        size_t want = expected - answer->body.len;
        ssize_t got = recv(fd, piece, want < sizeof piece ? want : sizeof piece, 0);
        if (got <= 0) return;
        ch_buf_add(&answer->body, piece, (size_t)got);
    }
}

static inline void raw_free(raw_answer *answer)
{
    ch_buf_reset(&answer->body);
}

/* One request on a connection of its own; what came back. */
static inline void raw_ask_n(int port, const char *bytes, size_t len, raw_answer *answer)
{
    int fd = raw_connect(port);
    raw_send_n(fd, bytes, len);
    raw_receive(fd, !strncmp(bytes, "HEAD", 4), answer);
    close(fd);
}

static inline void raw_ask(int port, const char *text, raw_answer *answer)
{
    raw_ask_n(port, text, strlen(text), answer);
}

/* The status alone. */
static inline int raw_status(int port, const char *text)
{
    raw_answer answer;
    raw_ask(port, text, &answer);
    raw_free(&answer);
    return answer.status;
}

/* True when the server closed the connection. */
static inline bool raw_closed(int fd)
{
    char c;
    ssize_t got = recv(fd, &c, 1, 0);
    return got <= 0;
}

#endif
