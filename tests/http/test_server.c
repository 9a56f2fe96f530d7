/* test_server.c: requests and answers of the HTTP server, seen from a raw socket. */
#include "http/http.h"

#include "raw.h"

#include <stdatomic.h>
#include <sys/stat.h>

static int echo(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)app;
    (void)err;
    size_t len;
    const char *body = ch_http_body(request, &len);
    const char *id = ch_http_param(request, "id"), *rest = ch_http_param(request, "rest");
    reply->content_type = "text/plain";
    ch_buf_printf(&reply->body, "%s %s id=%s rest=%s", ch_http_method(request), ch_http_path(request), id ? id : "-",
                  rest ? rest : "-");
    const char *name, *value;
    for (size_t i = 0; ch_http_query_at(request, i, &name, &value); i++) {
        ch_buf_printf(&reply->body, " %s=%s", name, value);
    }
    if (len) ch_buf_printf(&reply->body, " body=%zu:%s", len, len < 100 ? body : "...");
    return 0;
}

static int stream(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)app;
    (void)err;
    uint64_t len;
    const char *path = ch_http_body_file(request, &len);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, len);
    ch_buf_printf(&reply->body, "%llu %s", (unsigned long long)len, path);
    return 0;
}

static int ask_leave(ch_http_request *request, ch_http_reply *reply, void *app)
{
    (void)app;
    if (!ch_http_may_wait(request)) return CH_HTTP_ASK_AGAIN;
    if (ch_http_header(request, "X-Leave")) return 0;
    ch_http_text(reply, 403, "text/plain", "no");
    return 1;
}

static int broken(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)request;
    ch_http_text(reply, 200, "text/plain", "half done");
    ch_http_add_header(reply, "X-Half", "done");
    (void)app;
    return ch_failf(err, CH_E_IO, "the disk is gone");
}

static int created(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)request;
    (void)app;
    (void)err;
    ch_http_text(reply, 201, "application/json", "{}");
    ch_http_add_header(reply, "X-One", "1");
    ch_http_add_header(reply, "x-one", "2");
    ch_http_add_header(reply, "X-Bad", "a\r\nX-Smuggled: 1");
    return 0;
}

static const ch_http_route ROUTES[] = {
    {.method = "GET", .path = "/echo", .handler = echo, .flags = CH_HTTP_INLINE},
    {.method = "POST", .path = "/echo", .handler = echo},
    {.method = "POST", .path = "/inline", .handler = echo, .flags = CH_HTTP_INLINE, .max_body = 1000},
    {.method = "DELETE", .path = "/thing/{id}", .handler = echo},
    {.method = "GET", .path = "/thing/{id}/of/{rest*}", .handler = echo},
    {.method = "PUT", .path = "/stream", .handler = stream, .flags = CH_HTTP_STREAM},
    {.method = "PUT", .path = "/permitted", .handler = stream, .flags = CH_HTTP_STREAM, .permit = ask_leave},
    {.method = "GET", .path = "/broken", .handler = broken},
    {.method = "GET", .path = "/created", .handler = created},
};

static atomic_int observed, observed_absent, observed_wrong;

/* Runs on the server's threads, where a failed assertion would end the program without a word: counts instead. No bytes
 * are told of an answer whose reader has closed the connection as soon as it had all. */
static void observe(void *arg, const ch_http_request *request, const char *route, int status, uint64_t bytes,
                    double seconds)
{
    (void)bytes;
    if (arg != &observed || strcmp(ch_http_remote(request), "127.0.0.1") != 0 || seconds < 0 || status < 200)
        observed_wrong++;
    if (!route) observed_absent++;
    observed++;
}

static int start(void **state)
{
    static ch_http_server *server;
    ch_error err;
    ch_http_mount mounts[] = {{"/api", ROUTES, sizeof ROUTES / sizeof ROUTES[0], NULL}, ch_http_metrics_mount};
    ch_http_options options = {
        .mounts = mounts, .nmount = 2, .workers = 2, .observer = observe, .observer_arg = &observed};
    assert_int_equal(ch_http_start(&options, &server, &err), 0);
    *state = server;
    return 0;
}

static int stop(void **state)
{
    ch_http_stop(*state, 1000);
    assert_int_equal(observed_wrong, 0);
    return 0;
}

static void expect(int port, const char *request, int status, const char *body)
{
    raw_answer answer;
    raw_ask(port, request, &answer);
    assert_int_equal(answer.status, status);
    if (body) assert_string_equal(ch_buf_text(&answer.body), body);
    raw_free(&answer);
}

static void answers_what_was_asked(void **state)
{
    int port = ch_http_port(*state);
    expect(port, "GET /api/echo?a=1&b=x%20y+z&b=&c HTTP/1.1\r\nHost: localhost\r\n\r\n", 200,
           "GET /api/echo id=- rest=- a=1 b=x y z b= c=");
    expect(port, "DELETE /api/thing/a%2Fb HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", 200,
           "DELETE /api/thing/a/b id=a/b rest=- body=2:{}");
    expect(port, "GET /api/thing/gr%C3%BCn/of/x/%79//z HTTP/1.1\r\nHost: localhost\r\n\r\n", 200,
           "GET /api/thing/gr\xc3\xbcn/of/x/y//z id=gr\xc3\xbcn rest=x/y//z");
    expect(port, "POST /api/echo HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", 200,
           "POST /api/echo id=- rest=- body=5:hello");
    expect(port, "GET /api/broken HTTP/1.1\r\nHost: localhost\r\n\r\n", 500, "Internal Server Error");
}

static void refuses_what_there_is_not(void **state)
{
    int port = ch_http_port(*state);
    char text[512];
    raw_answer answer;
    raw_ask(port, "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", &answer);
    assert_int_equal(answer.status, 404);
    assert_string_equal(raw_header(&answer, "Content-Type", text), "text/html; charset=utf-8");
    raw_free(&answer);
    raw_ask(port, "PATCH /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", &answer);
    assert_int_equal(answer.status, 405);
    assert_string_equal(raw_header(&answer, "Allow", text), "GET, POST");
    raw_free(&answer);
    assert_int_equal(raw_status(port, "OPTIONS /api/echo HTTP/1.1\r\nHost: localhost\r\n\r\n"), 204);
    assert_int_equal(raw_status(port, "GET /api/echo/ HTTP/1.1\r\nHost: localhost\r\n\r\n"), 404);
}

static void sends_headers_that_protect(void **state)
{
    raw_answer answer;
    char text[512];
    raw_ask(ch_http_port(*state), "GET /api/created HTTP/1.1\r\nHost: localhost\r\n\r\n", &answer);
    assert_int_equal(answer.status, 201);
    assert_string_equal(raw_header(&answer, "X-Frame-Options", text), "SAMEORIGIN");
    assert_string_equal(raw_header(&answer, "X-Content-Type-Options", text), "nosniff");
    assert_string_equal(raw_header(&answer, "Content-Type", text), "application/json");
    assert_string_equal(raw_header(&answer, "X-One", text), "2");
    assert_string_equal(raw_header(&answer, "X-Smuggled", text), "");
    raw_free(&answer);
}

static void keeps_connections_and_pipelines(void **state)
{
    int fd = raw_connect(ch_http_port(*state));
    for (int i = 0; i < 50; i++) {
        raw_send(fd, "POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
                     "GET /api/echo?n=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
        raw_answer answer;
        raw_receive(fd, false, &answer);
        assert_string_equal(ch_buf_text(&answer.body), "POST /api/echo id=- rest=- body=3:abc");
        raw_free(&answer);
        raw_receive(fd, false, &answer);
        assert_string_equal(ch_buf_text(&answer.body), "GET /api/echo id=- rest=- n=1");
        raw_free(&answer);
    }
    /* a refusal of something small does not end the connection */
    raw_send(fd, "POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
                 "GET /api/echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    raw_answer answer;
    raw_receive(fd, false, &answer);
    assert_int_equal(answer.status, 404);
    raw_free(&answer);
    raw_receive(fd, false, &answer);
    assert_int_equal(answer.status, 200);
    raw_free(&answer);
    close(fd);
}

static void takes_bodies_in_chunks(void **state)
{
    int port = ch_http_port(*state);
    expect(port,
           "POST /api/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
           "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
           200, "POST /api/echo id=- rest=- body=11:hello world");
}

static void waits_with_the_body_until_told(void **state)
{
    int fd = raw_connect(ch_http_port(*state));
    raw_send(fd, "POST /api/inline HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    raw_answer answer;
    raw_receive(fd, false, &answer);
    assert_int_equal(answer.status, 100);
    raw_send(fd, "body");
    raw_receive(fd, false, &answer);
    assert_string_equal(ch_buf_text(&answer.body), "POST /api/inline id=- rest=- body=4:body");
    raw_free(&answer);
    close(fd);
    assert_int_equal(raw_status(ch_http_port(*state), "POST /api/inline HTTP/1.1\r\nHost: localhost\r\n"
                                                      "Content-Length: 400000\r\nExpect: 100-continue\r\n\r\n"),
                     413 /* in its stead */);
}

static void asks_the_route_before_the_body(void **state)
{
    int port = ch_http_port(*state);
    static const char HEAD[] = "PUT /api/permitted HTTP/1.1\r\nHost: localhost\r\nContent-Length: %s\r\n%s\r\n%s";
    static const struct {
        const char *length, *leave, *body;
        int status;
    } CASES[] = {
        {"9000000000", "", "", 403}, /* nothing of the body was sent */
        {"4", "", "body", 403},
        {"4", "X-Leave: yes\r\n", "body", 200},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char request[256];
        snprintf(request, sizeof request, HEAD, CASES[i].length, CASES[i].leave, CASES[i].body);
        assert_int_equal(raw_status(port, request), CASES[i].status);
    }
}

static void head_is_get_without_the_body(void **state)
{
    int fd = raw_connect(ch_http_port(*state));
    raw_send(fd, "HEAD /api/echo HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    raw_answer answer;
    char text[512];
    raw_receive(fd, true, &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(raw_header(&answer, "Content-Length", text), "26");
    raw_receive(fd, false, &answer);
    assert_string_equal(ch_buf_text(&answer.body), "GET /api/echo id=- rest=-");
    raw_free(&answer);
    close(fd);
}

static void streams_big_bodies_to_a_file(void **state)
{
    enum { LEN = 3000000 };
    int fd = raw_connect(ch_http_port(*state));
    char *body = calloc(1, LEN);
    raw_send(fd, "PUT /api/stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n");
    assert_true(raw_send_n(fd, body, LEN));
    free(body);
    raw_answer answer;
    raw_receive(fd, false, &answer);
    assert_int_equal(answer.status, 200);
    assert_memory_equal(answer.body.data, "3000000 /", 9);
    /* the next request is only read after the file was removed */
    raw_answer next;
    raw_send(fd, "GET /api/echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    raw_receive(fd, false, &next);
    assert_int_equal(access(answer.body.data + 8, F_OK), -1);
    raw_free(&answer);
    raw_free(&next);
    close(fd);
    expect(ch_http_port(*state), "PUT /api/stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 200, NULL);
}

static void tells_the_observer(void **state)
{
    int fd = raw_connect(ch_http_port(*state));
    int before = observed, absent = observed_absent;
    raw_send(fd, "DELETE /api/thing/7 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /no HTTP/1.1\r\nHost: localhost\r\n\r\n"
                 "GET /api/echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        raw_answer answer;
        raw_receive(fd, false, &answer);
        raw_free(&answer);
    }
    close(fd);
    for (int i = 0; i < 1000 && observed < before + 3; i++) usleep(1000);
    assert_int_equal(observed, before + 3);
    assert_int_equal(observed_absent, absent + 1);
}

static void counts_its_requests(void **state)
{
    int port = ch_http_port(*state);
    for (int i = 0; i < 3; i++) expect(port, "DELETE /api/thing/x HTTP/1.1\r\nHost: localhost\r\n\r\n", 200, NULL);
    expect(port, "GET /made/up HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, NULL);
    raw_answer answer;
    raw_ask(port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", &answer);
    assert_int_equal(answer.status, 200);
    assert_non_null(strstr(answer.body.data, "\nchert_http_requests_total{method=\"DELETE\",route=\"/api/thing/{id}\","
                                             "status=\"200\"} "));
    assert_non_null(strstr(answer.body.data, "\nchert_http_requests_total{method=\"\",route=\"\",status=\"404\"} "));
    assert_non_null(strstr(answer.body.data, "\nchert_http_request_seconds_count{method=\"DELETE\","));
    assert_null(strstr(answer.body.data, "/made/up"));
    raw_free(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_what_was_asked, start, stop),
        cmocka_unit_test_setup_teardown(refuses_what_there_is_not, start, stop),
        cmocka_unit_test_setup_teardown(sends_headers_that_protect, start, stop),
        cmocka_unit_test_setup_teardown(keeps_connections_and_pipelines, start, stop),
        cmocka_unit_test_setup_teardown(takes_bodies_in_chunks, start, stop),
        cmocka_unit_test_setup_teardown(waits_with_the_body_until_told, start, stop),
        cmocka_unit_test_setup_teardown(asks_the_route_before_the_body, start, stop),
        cmocka_unit_test_setup_teardown(head_is_get_without_the_body, start, stop),
        cmocka_unit_test_setup_teardown(streams_big_bodies_to_a_file, start, stop),
        cmocka_unit_test_setup_teardown(tells_the_observer, start, stop),
        cmocka_unit_test_setup_teardown(counts_its_requests, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
