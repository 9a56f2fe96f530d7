/* test_hostile.c: clients that want to break the server, to tie it up, or to use somebody's browser against it. */
#include "http/http.h"

#include "raw.h"

#include <errno.h>
#include <stdatomic.h>

static atomic_int handled; /* requests that reached a handler */

static int note(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)request;
    (void)app;
    (void)err;
    handled++;
    ch_http_text(reply, 200, "text/plain", "noted");
    return 0;
}

/* More than socket buffers hold. */
static int big(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    static char bytes[16 << 20];
    (void)request;
    (void)app;
    (void)err;
    reply->fixed = bytes;
    reply->fixed_len = sizeof bytes;
    return 0;
}

static atomic_int ended; /* answers, in whatever way */

static void observe(void *arg, const ch_http_request *request, const char *route, int status, uint64_t bytes,
                    double seconds)
{
    (void)arg;
    (void)request;
    (void)route;
    (void)status;
    (void)bytes;
    (void)seconds;
    ended++;
}

static const ch_http_route ROUTES[] = {
    {.method = "GET", .path = "/big", .handler = big, .flags = CH_HTTP_INLINE},
    {.method = "GET", .path = "/inline", .handler = note, .flags = CH_HTTP_INLINE},
    {.method = "POST", .path = "/small", .handler = note, .max_body = 100},
    {.method = "POST", .path = "/plain", .handler = note},
    {.method = "PUT", .path = "/file/{path*}", .handler = note, .flags = CH_HTTP_STREAM, .max_body = 1 << 20},
};

static ch_http_server *start_with(ch_http_options options)
{
    static const ch_http_mount MOUNT = {"", ROUTES, sizeof ROUTES / sizeof ROUTES[0], NULL};
    ch_http_server *server;
    ch_error err;
    options.mounts = &MOUNT;
    options.nmount = 1;
    options.workers = 2;
    assert_int_equal(ch_http_start(&options, &server, &err), 0);
    handled = 0;
    return server;
}

static int start(void **state)
{
    static const char *const ALLOWED[] = {"tracking.example.org", "*.lab.example.org", NULL};
    *state = start_with((ch_http_options){.allowed_hosts = ALLOWED});
    return 0;
}

static int start_impatient(void **state)
{
    *state = start_with((ch_http_options){.timeout_seconds = 1, .max_connections = 8, .observer = observe});
    return 0;
}

static int start_impatient_for_heads(void **state)
{
    *state = start_with((ch_http_options){.timeout_seconds = 60, .head_seconds = 1});
    return 0;
}

static int start_narrow(void **state)
{
    *state = start_with((ch_http_options){.max_per_address = 4});
    return 0;
}

static int stop(void **state)
{
    ch_http_stop(*state, 1000);
    return 0;
}

/* After anything a client did, the next one is served. */
static void expect_alive(int port)
{
    assert_int_equal(raw_status(port, "GET /inline HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
}

static void refuses_contradicting_lengths(void **state)
{
    int port = ch_http_port(*state);
    static const char *const HEADERS[] = {
        "Content-Length: 4\r\nContent-Length: 5",
        "Content-Length: 4\r\nContent-Length: 4",
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked, identity",
        "Content-Length: -1",
        "Content-Length: +4",
        "Content-Length: 4, 4",
        "Content-Length: 0x4",
        "Content-Length: 99999999999999999999",
        "Content-Length: ",
    };
    for (size_t i = 0; i < sizeof HEADERS / sizeof HEADERS[0]; i++) {
        char request[512];
        snprintf(request, sizeof request,
                 "POST /plain HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n"
                 "GET /inline HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 HEADERS[i]);
        int fd = raw_connect(port);
        raw_send(fd, request);
        raw_answer answer;
        raw_receive(fd, false, &answer);
        assert_true(answer.status == 400 || answer.status == 413 || answer.status == 0);
        raw_free(&answer);
        while (!raw_closed(fd)) continue; /* libmicrohttpd 0.9.75 sends its own refusal's head twice */
        close(fd);
    }
    assert_int_equal(handled, 0); /* nor was what follows taken for a request */
    expect_alive(port);
}

static void refuses_broken_chunks(void **state)
{
    int port = ch_http_port(*state);
    static const char *const BODIES[] = {"zz\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n",
                                         "5\r\nhelloXX0\r\n\r\n", "FFFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"};
    for (size_t i = 0; i < sizeof BODIES / sizeof BODIES[0]; i++) {
        char request[512];
        snprintf(request, sizeof request,
                 "POST /plain HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%s", BODIES[i]);
        assert_int_not_equal(raw_status(port, request), 200);
    }
    assert_int_equal(handled, 0);
    expect_alive(port);
}

static void refuses_malformed_addresses(void **state)
{
    int port = ch_http_port(*state);
    assert_int_equal(raw_status(port, "GET /inline%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400);
    assert_int_equal(raw_status(port, "GET /inline%2 HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400);
    assert_int_equal(raw_status(port, "GET /inline%00 HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400);
    assert_int_equal(raw_status(port, "GET /%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400);
    assert_int_equal(raw_status(port, "GET /inline?a=%0 HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400);
    assert_int_equal(raw_status(port, "GET inline HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400);
    assert_int_equal(raw_status(port, "GET http://localhost/inline HTTP/1.1\r\nHost: localhost\r\n\r\n"), 400);
    assert_int_equal(handled, 0);
    expect_alive(port);
}

static void survives_nonsense(void **state)
{
    int port = ch_http_port(*state);
    static const char NONSENSE[][64] = {"\r\n\r\n\r\n\r\n",
                                        "GET\r\n\r\n",
                                        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                                        "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
                                        "GET /in\0line HTTP/1.1\r\n\r\n",
                                        "GET / HTTP/1.1\r\nNo colon here\r\n\r\n",
                                        "GET / HTTP/1.1\r\n: empty\r\nHost: localhost\r\n\r\n"};
    for (size_t i = 0; i < sizeof NONSENSE / sizeof NONSENSE[0]; i++) {
        int fd = raw_connect(port);
        raw_send_n(fd, NONSENSE[i], sizeof NONSENSE[i]);
        shutdown(fd, SHUT_WR);
        raw_answer answer;
        raw_receive(fd, false, &answer);
        assert_int_not_equal(answer.status, 200);
        raw_free(&answer);
        close(fd);
    }
    expect_alive(port);
}

static void bounds_headers(void **state)
{
    int port = ch_http_port(*state);
    int fd = raw_connect(port);
    char line[1100];
    memset(line, 'x', sizeof line);
    memcpy(line, "X-Flood: ", 9);
    memcpy(line + sizeof line - 3, "\r\n", 3);
    raw_send(fd, "GET /inline HTTP/1.1\r\nHost: localhost\r\n");
    for (int i = 0; i < 1000; i++) {
        if (!raw_send(fd, line)) break;
    }
    raw_send(fd, "\r\n");
    raw_answer answer;
    raw_receive(fd, false, &answer);
    assert_true(answer.status == 0 || answer.status == 431 || answer.status == 413 || answer.status == 414);
    raw_free(&answer);
    close(fd);
    assert_int_equal(handled, 0);
    expect_alive(port);
}

/* Wherever the headers of a request end in the memory that there is for them, it gets an answer, or is closed. */
static void headers_that_just_fill_the_memory_end(void **state)
{
    enum { LARGEST = 132000 };
    static const struct {
        size_t line, from, to, step;
    } BANDS[] = {{30, 41400, 42000, 37}, {1000, 124000, 126000, 151}, {60000, 129900, 131500, 97}};
    int port = ch_http_port(*state);
    char *request = malloc(LARGEST + 100);
    assert_non_null(request);
    for (size_t b = 0; b < sizeof BANDS / sizeof BANDS[0]; b++) {
        for (size_t total = BANDS[b].from; total < BANDS[b].to; total += BANDS[b].step) {
            size_t n = (size_t)sprintf(request, "POST /plain HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                                "Content-Length: 4\r\n");
            while (n < total) {
                size_t len = total - n < BANDS[b].line ? total - n : BANDS[b].line;
                if (len < 10) len = 10;
                memset(request + n, 'x', len);
                memcpy(request + n, "X: ", 3);
                memcpy(request + n + len - 2, "\r\n", 2);
                n += len;
            }
            n += (size_t)sprintf(request + n, "\r\nbody");
            int fd = raw_connect(port);
            raw_send_n(fd, request, n);
            char piece[4096];
            ssize_t got;
            do got = recv(fd, piece, sizeof piece, 0);
            while (got > 0);
            assert_false(got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)); /* 20 seconds without an end */
            close(fd);
        }
    }
    free(request);
    expect_alive(port);
}

static void refuses_big_bodies_unread(void **state)
{
    int port = ch_http_port(*state);
    /* 413 comes although nothing of the body was sent */
    assert_int_equal(raw_status(port, "POST /plain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000000\r\n\r\n"),
                     413);
    assert_int_equal(raw_status(port, "PUT /file/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000000\r\n\r\n"),
                     413);
    /* a somewhat too long one is read, and the connection stays */
    int fd = raw_connect(port);
    char body[200] = {0};
    raw_send(fd, "POST /small HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200\r\n\r\n");
    raw_send_n(fd, body, sizeof body);
    raw_answer answer;
    raw_receive(fd, false, &answer);
    assert_int_equal(answer.status, 413);
    raw_free(&answer);
    raw_send(fd, "GET /inline HTTP/1.1\r\nHost: localhost\r\n\r\n");
    raw_receive(fd, false, &answer);
    assert_int_equal(answer.status, 200);
    raw_free(&answer);
    close(fd);
    /* in chunks, too */
    assert_int_equal(raw_status(port, "POST /small HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                                      "64\r\n0123456789012345678901234567890123456789012345678901234567890123456789"
                                      "012345678901234567890123456789\r\n1\r\nx\r\n0\r\n\r\n"),
                     413);
    assert_int_equal(handled, 1);
}

static void ends_bodies_without_end(void **state)
{
    int fd = raw_connect(ch_http_port(*state));
    static char chunk[65536 + 16];
    size_t head = (size_t)snprintf(chunk, sizeof chunk, "10000\r\n");
    memset(chunk + head, 'x', 65536);
    memcpy(chunk + head + 65536, "\r\n", 2);
    raw_send(fd, "POST /small HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    int sent = 0;
    while (sent < 10000 && raw_send_n(fd, chunk, head + 65536 + 2)) sent++;
    assert_true(sent < 10000); /* 600 MB would have been taken otherwise */
    close(fd);
    expect_alive(ch_http_port(*state));
}

static void refuses_foreign_hosts(void **state)
{
    int port = ch_http_port(*state);
    static const struct {
        const char *host;
        int status;
    } CASES[] = {{"localhost", 200},
                 {"localhost:5000", 200},
                 {"127.0.0.1:5000", 200},
                 {"192.168.1.5:5000", 200},
                 {"[::1]:80", 200},
                 {"tracking.example.org", 200},
                 {"gpu1.lab.example.org", 200},
                 {"lab.example.org", 403},
                 {"evil.example.com", 403},
                 {"localhost.evil.example.com", 403},
                 {"127.0.0.1.evil.example.com", 403},
                 {"evil-tracking.example.org", 403},
                 {"a b", 403}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char request[256];
        snprintf(request, sizeof request, "GET /inline HTTP/1.1\r\nHost: %s\r\n\r\n", CASES[i].host);
        raw_answer answer;
        raw_ask(port, request, &answer);
        assert_int_equal(answer.status, CASES[i].status);
        if (answer.status == 403) {
            assert_string_equal(answer.body.data, "Invalid Host header - possible DNS rebinding attack detected");
        }
        raw_free(&answer);
    }
    assert_int_equal(raw_status(port, "GET /inline HTTP/1.1\r\n\r\n"), 400);
}

static void refuses_writes_of_foreign_pages(void **state)
{
    int port = ch_http_port(*state);
    static const struct {
        const char *origin;
        int status;
    } CASES[] = {{"http://localhost:3000", 200},
                 {"http://127.0.0.1", 200},
                 {"https://tracking.example.org", 200},
                 {"http://10.1.2.3:5000", 200},
                 {"http://10.1.2.4:5000", 403},
                 {"http://10.1.2.3", 403},
                 {"https://evil.example.com", 403},
                 {"null", 403},
                 {"", 403},
                 {"http://localhost.evil.com", 403},
                 {"http://localhost@evil.com", 403}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char request[256];
        snprintf(request, sizeof request,
                 "POST /plain HTTP/1.1\r\nHost: 10.1.2.3:5000\r\nOrigin: %s\r\nContent-Length: 0\r\n\r\n",
                 CASES[i].origin);
        assert_int_equal(raw_status(port, request), CASES[i].status);
        snprintf(request, sizeof request, "GET /inline HTTP/1.1\r\nHost: 10.1.2.3:5000\r\nOrigin: %s\r\n\r\n",
                 CASES[i].origin);
        assert_int_equal(raw_status(port, request), 200);
    }
}

static void refuses_writes_that_browsers_call_foreign(void **state)
{
    int port = ch_http_port(*state);
    static const struct {
        const char *site;
        int status;
    } CASES[] = {{"cross-site", 403}, {"same-origin", 200}, {"same-site", 200}, {"none", 200}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char request[256];
        snprintf(request, sizeof request,
                 "POST /plain HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: %s\r\nContent-Length: 0\r\n\r\n",
                 CASES[i].site);
        assert_int_equal(raw_status(port, request), CASES[i].status);
        snprintf(request, sizeof request, "GET /inline HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: %s\r\n\r\n",
                 CASES[i].site);
        assert_int_equal(raw_status(port, request), 200); /* a link to a page of ours */
    }
}

static void closes_slow_clients(void **state)
{
    int port = ch_http_port(*state);
    static const char *const PARTS[][2] = {
        {"G", "E"},                                                                       /* the request line */
        {"GET /inline HTTP/1.1\r\nX: ", "x"},                                             /* the headers */
        {"POST /plain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n", "b"}, /* the body */
        {"", ""},                                                                         /* nothing at all */
    };
    int fds[4];
    for (size_t i = 0; i < 4; i++) {
        fds[i] = raw_connect(port);
        raw_send(fds[i], PARTS[i][0]);
    }
    /* a byte every now and then keeps none of them open; the longest wait is for the slowest machine */
    bool closed[4] = {false};
    for (int round = 0; round < 150; round++) {
        usleep(100000);
        for (size_t i = 0; i < 4; i++) {
            char c;
            if (!closed[i]) closed[i] = recv(fds[i], &c, 1, MSG_DONTWAIT) == 0 || !raw_send(fds[i], PARTS[i][1]);
        }
        if (closed[0] && closed[1] && closed[2] && closed[3]) break;
    }
    for (size_t i = 0; i < 4; i++) {
        assert_true(closed[i]);
        close(fds[i]);
    }
    expect_alive(port);
}

static void closes_heads_that_dribble_but_keeps_the_idle(void **state)
{
    int port = ch_http_port(*state), kept = raw_connect(port), slow = raw_connect(port);
    raw_answer answer;
    raw_send(kept, "GET /inline HTTP/1.1\r\nHost: localhost\r\n\r\n");
    raw_receive(kept, false, &answer);
    assert_int_equal(answer.status, 200);
    raw_free(&answer);
    raw_send(slow, "GET /inline HTTP/1.1\r\nX: ");
    bool closed = false;
    for (int round = 0; round < 300 && !closed; round++) { /* 30 seconds, half of the time for idling */
        char c;
        usleep(100000);
        closed = recv(slow, &c, 1, MSG_DONTWAIT) == 0 || !raw_send(slow, "x");
    }
    assert_true(closed);
    raw_send(kept, "GET /inline HTTP/1.1\r\nHost: localhost\r\n\r\n");
    raw_receive(kept, false, &answer);
    assert_int_equal(answer.status, 200);
    raw_free(&answer);
    close(slow);
    close(kept);
}

static void ends_answers_that_are_taken_too_slowly(void **state)
{
    int fd = raw_connect(ch_http_port(*state)), before = ended;
    raw_send(fd, "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (int round = 0; round < 300 && ended == before; round++) {
        char some[8];
        usleep(100000);
        recv(fd, some, sizeof some, 0);
    }
    assert_int_equal(ended, before + 1);
    close(fd);
    expect_alive(ch_http_port(*state));
}

/* Hundreds of clients from one address that send nothing, never end their heads or bodies, or read no answers, and a
 * flood of headers: others are served all the while. */
static void serves_others_while_hundreds_hang(void **state)
{
    enum { HANGING = 600 };
    static const char *const STARTS[] = {
        "",
        "GET /inline HTTP/1.1\r\nX: ",
        "POST /plain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\nb",
        "PUT /file/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n",
        "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n",
    };
    int port = ch_http_port(*state), fds[HANGING];
    char line[1000];
    memset(line, 'x', sizeof line);
    memcpy(line + sizeof line - 3, "\r\n", 3);
    memcpy(line, "X: ", 3);
    for (size_t i = 0; i < HANGING; i++) {
        fds[i] = raw_connect(port);
        raw_send(fds[i], STARTS[i % 5]);
        for (int k = 0; k < 60 && i % 5 == 1; k++) raw_send(fds[i], k ? line : "x\r\n");
    }
    for (int i = 0; i < 100; i++) {
        expect_alive(port);
        assert_int_equal(raw_status(port, "POST /plain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nok"),
                         200);
    }
    for (size_t i = 0; i < HANGING; i++) close(fds[i]);
    expect_alive(port);
}

static void bounds_connections_of_an_address(void **state)
{
    int port = ch_http_port(*state), fds[4];
    raw_answer answer;
    static const char REQUEST[] = "GET /inline HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (size_t i = 0; i < 4; i++) {
        fds[i] = raw_connect(port);
        raw_send(fds[i], REQUEST);
        raw_receive(fds[i], false, &answer);
        assert_int_equal(answer.status, 200);
        raw_free(&answer);
    }
    assert_int_equal(raw_status(port, REQUEST), 0);
    /* the neighbour is not to suffer */
    int other = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(other, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(other, (struct sockaddr *)&to, sizeof to), 0);
    raw_send(other, REQUEST);
    raw_receive(other, false, &answer);
    assert_int_equal(answer.status, 200);
    raw_free(&answer);
    close(other);
    for (size_t i = 0; i < 4; i++) close(fds[i]);
}

/* What hides a second request, or a body of another length than a proxy believes. */
static void refuses_smuggling(void **state)
{
    int port = ch_http_port(*state);
    static const char *const HEADERS[] = {
        "Content-Length : 4",                       /* a space before the colon */
        "Content-Length: 4\r\n Content-Length: 40", /* a folded line */
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked\r\nTransfer-encoding: x",
        "Transfer-Encoding:\013chunked",
        "Transfer-Encoding: \"chunked\"",
        "Content-Length: 4\r\nTransfer-Encoding: identity",
        "Content-Length: 4\r\nTransfer_Encoding: chunked\r\nTransfer-Encoding : chunked",
        "Content-Length: 04 4",
        "Content-Length: 4;",
        "Host: localhost",
        "Content-Length: 1e1",
        "Content-Length: \xd9\xa4", /* a digit, but no ASCII one */
    };
    for (size_t i = 0; i < sizeof HEADERS / sizeof HEADERS[0]; i++) {
        char request[512];
        snprintf(request, sizeof request,
                 "POST /plain HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n"
                 "0\r\n\r\nGET /inline HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 HEADERS[i]);
        int fd = raw_connect(port);
        raw_send(fd, request);
        shutdown(fd, SHUT_WR);
        while (!raw_closed(fd)) continue;
        close(fd);
        if (handled) print_message("%s\n", HEADERS[i]);
        assert_int_equal(handled, 0);
    }
    expect_alive(port);
}

static void recovers_from_too_many_connections(void **state)
{
    int port = ch_http_port(*state);
    int fds[40];
    for (size_t i = 0; i < 40; i++) fds[i] = raw_connect(port);
    /* they hold all places, but only until they are found slow */
    expect_alive(port);
    for (size_t i = 0; i < 40; i++) close(fds[i]);
    expect_alive(port);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refuses_contradicting_lengths, start, stop),
        cmocka_unit_test_setup_teardown(refuses_broken_chunks, start, stop),
        cmocka_unit_test_setup_teardown(refuses_malformed_addresses, start, stop),
        cmocka_unit_test_setup_teardown(survives_nonsense, start, stop),
        cmocka_unit_test_setup_teardown(bounds_headers, start, stop),
        cmocka_unit_test_setup_teardown(refuses_smuggling, start, stop),
        cmocka_unit_test_setup_teardown(headers_that_just_fill_the_memory_end, start, stop),
        cmocka_unit_test_setup_teardown(refuses_big_bodies_unread, start, stop),
        cmocka_unit_test_setup_teardown(ends_bodies_without_end, start, stop),
        cmocka_unit_test_setup_teardown(refuses_foreign_hosts, start, stop),
        cmocka_unit_test_setup_teardown(refuses_writes_of_foreign_pages, start, stop),
        cmocka_unit_test_setup_teardown(refuses_writes_that_browsers_call_foreign, start, stop),
        cmocka_unit_test_setup_teardown(closes_slow_clients, start_impatient, stop),
        cmocka_unit_test_setup_teardown(closes_heads_that_dribble_but_keeps_the_idle, start_impatient_for_heads, stop),
        cmocka_unit_test_setup_teardown(ends_answers_that_are_taken_too_slowly, start_impatient, stop),
        cmocka_unit_test_setup_teardown(serves_others_while_hundreds_hang, start, stop),
        cmocka_unit_test_setup_teardown(bounds_connections_of_an_address, start_narrow, stop),
        cmocka_unit_test_setup_teardown(recovers_from_too_many_connections, start_impatient, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
