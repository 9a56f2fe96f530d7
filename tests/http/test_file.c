/* test_file.c: files as answers: ranges, tags, and that none runs as a page of ours. */
#include "http/http.h"

#include "raw.h"

#include <sys/stat.h>

static char folder[64];

static int send_file(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)app;
    (void)err;
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, ch_http_param(request, "name"));
    ch_http_send_file(request, reply, path, ch_http_query(request, "type"));
    return 0;
}

static const ch_http_route ROUTES[] = {
    {.method = "GET", .path = "/{name}", .handler = send_file},
};

static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int start(void **state)
{
    ch_http_server *server;
    ch_error err;
    ch_http_mount mount = {"", ROUTES, 1, NULL};
    ch_http_options options = {.mounts = &mount, .nmount = 1, .workers = 1};
    assert_int_equal(ch_http_start(&options, &server, &err), 0);
    *state = server;
    strcpy(folder, "/tmp/chert-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    put("digits.txt", "0123456789");
    put("empty", "");
    put("page.HTML", "<script>alert(1)</script>");
    put("drawing.svg", "<svg/>");
    put("MLmodel", "flavors:");
    return 0;
}

static int stop(void **state)
{
    static const char *const NAMES[] = {"digits.txt", "empty", "page.HTML", "drawing.svg", "MLmodel"};
    ch_http_stop(*state, 1000);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder, NAMES[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static void ask(int port, const char *method, const char *name, const char *headers, raw_answer *answer)
{
    char request[512];
    snprintf(request, sizeof request, "%s /%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, name, headers);
    raw_ask(port, request, answer);
}

static void sends_whole_files_and_parts(void **state)
{
    static const struct {
        const char *headers, *body, *range;
        int status;
    } CASES[] = {
        {"", "0123456789", "", 200},
        {"Range: bytes=2-4\r\n", "234", "bytes 2-4/10", 206},
        {"Range: bytes=-3\r\n", "789", "bytes 7-9/10", 206},
        {"Range: bytes=10-\r\n", "", "bytes */10", 416},
        {"Range: bytes=1-2,4-5\r\n", "0123456789", "", 200},
        {"Range: bytes=2-4\r\nIf-Range: \"other\"\r\n", "0123456789", "", 200},
        {"If-None-Match: \"other\"\r\n", "0123456789", "", 200},
    };
    int port = ch_http_port(*state);
    char text[512];
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        raw_answer answer;
        ask(port, "GET", "digits.txt", CASES[i].headers, &answer);
        assert_int_equal(answer.status, CASES[i].status);
        assert_string_equal(ch_buf_text(&answer.body), CASES[i].body);
        assert_string_equal(raw_header(&answer, "Content-Range", text), CASES[i].range);
        assert_string_equal(raw_header(&answer, "Accept-Ranges", text), "bytes");
        raw_free(&answer);
    }
    raw_answer answer;
    ask(port, "GET", "empty", "", &answer);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.body.len, 0);
    ask(port, "HEAD", "digits.txt", "", &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(raw_header(&answer, "Content-Length", text), "10");
}

static void knows_what_the_client_has(void **state)
{
    int port = ch_http_port(*state);
    raw_answer answer;
    char tag[512], headers[600];
    ask(port, "GET", "digits.txt", "", &answer);
    raw_header(&answer, "ETag", tag);
    raw_free(&answer);
    snprintf(headers, sizeof headers, "If-None-Match: %s\r\n", tag);
    ask(port, "GET", "digits.txt", headers, &answer);
    assert_int_equal(answer.status, 304);
    snprintf(headers, sizeof headers, "Range: bytes=0-0\r\nIf-Range: %s\r\n", tag);
    ask(port, "GET", "digits.txt", headers, &answer);
    assert_int_equal(answer.status, 206);
    raw_free(&answer);
    put("digits.txt", "9876543210x");
    snprintf(headers, sizeof headers, "If-None-Match: %s\r\n", tag);
    ask(port, "GET", "digits.txt", headers, &answer);
    assert_int_equal(answer.status, 200);
    raw_free(&answer);
    put("digits.txt", "0123456789");
}

static void is_none_of_our_pages(void **state)
{
    static const struct {
        const char *name, *type;
        bool active;
    } CASES[] = {
        {"digits.txt", "text/plain; charset=utf-8", false},
        {"MLmodel", "text/plain; charset=utf-8", false},
        {"empty", "application/octet-stream", false},
        {"page.HTML", "text/html; charset=utf-8", true},
        {"drawing.svg", "image/svg+xml", true},
        {"digits.txt?type=text/html", "text/html", true},
        {"digits.txt?type=application/x-unheard-of", "application/x-unheard-of", true},
    };
    char text[512];
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        raw_answer answer;
        ask(ch_http_port(*state), "GET", CASES[i].name, "", &answer);
        assert_int_equal(answer.status, 200);
        assert_string_equal(raw_header(&answer, "Content-Type", text), CASES[i].type);
        assert_string_equal(raw_header(&answer, "X-Content-Type-Options", text), "nosniff");
        raw_header(&answer, "Content-Disposition", text);
        assert_int_equal(strncmp(text, "attachment", 10) == 0, CASES[i].active);
        raw_header(&answer, "Content-Security-Policy", text);
        assert_int_equal(strncmp(text, "sandbox;", 8) == 0, CASES[i].active);
        raw_free(&answer);
    }
}

static void sends_only_regular_files(void **state)
{
    int port = ch_http_port(*state);
    char path[256];
    snprintf(path, sizeof path, "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    static const char *const NAMES[] = {"absent", ".", "..", "pipe"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        raw_answer answer;
        ask(port, "GET", NAMES[i], "", &answer);
        assert_int_equal(answer.status, 404);
        raw_free(&answer);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_whole_files_and_parts),
        cmocka_unit_test(knows_what_the_client_has),
        cmocka_unit_test(is_none_of_our_pages),
        cmocka_unit_test(sends_only_regular_files),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
