/* test_files.c: the pages' files as they come over HTTP: compression, validators, cache lives, policies. */
#include "web/files.h"
#include "web/web.h"

#include "../http/raw.h"

#include <zlib.h>

static ch_http_server *server;

static int start(void **state)
{
    (void)state;
    ch_http_mount mounts[4];
    ch_http_options options = {.mounts = mounts, .nmount = ch_web_mounts(NULL, mounts, 4)};
    ch_error err;
    return ch_http_start(&options, &server, &err);
}

static int stop(void **state)
{
    (void)state;
    ch_http_stop(server, 1000);
    return 0;
}

static void ask(const char *path, const char *headers, raw_answer *answer)
{
    char request[1024];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, headers);
    raw_ask(ch_http_port(server), request, answer);
}

static const char *versioned(const char *file)
{
    static char path[256];
    snprintf(path, sizeof path, "/static-files/%s/%s", CH_WEB_VERSION, file);
    return path;
}

static void test_files_are_sorted_and_pack_what_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < CH_WEB_NFILE; i++) {
        const ch_web_file *file = &CH_WEB_FILES[i];
        if (i) assert_true(strcmp(CH_WEB_FILES[i - 1].path, file->path) < 0);
        unsigned char *plain = malloc(file->plain_len + 1);
        z_stream stream = {.next_in = (unsigned char *)(uintptr_t)file->packed,
                           .avail_in = (uInt)file->packed_len,
                           .next_out = plain,
                           .avail_out = (uInt)file->plain_len + 1};
        assert_int_equal(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        assert_int_equal(stream.total_out, file->plain_len);
        assert_memory_equal(plain, file->plain, file->plain_len);
        inflateEnd(&stream);
        free(plain);
    }
}

static void test_index(void **state)
{
    (void)state;
    raw_answer answer;
    char text[512];
    ask("/", "", &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(raw_header(&answer, "Content-Type", text), "text/html; charset=utf-8");
    assert_string_equal(raw_header(&answer, "Cache-Control", text), "no-cache");
    assert_string_equal(raw_header(&answer, "Content-Encoding", text), "");
    assert_non_null(strstr(raw_header(&answer, "Content-Security-Policy", text), "default-src 'self'"));
    assert_non_null(strstr(ch_buf_text(&answer.body), CH_WEB_VERSION));
    assert_null(strstr(ch_buf_text(&answer.body), "@VERSION@"));
    raw_free(&answer);
}

static void test_compressed_when_that_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool packed;
    } CASES[] = {
        {"Accept-Encoding: gzip, deflate, br\r\n", true}, {"Accept-Encoding: br;q=1.0, gzip;q=0.5\r\n", true},
        {"Accept-Encoding: gzip;q=0\r\n", false},         {"Accept-Encoding: identity\r\n", false},
        {"Accept-Encoding: xgzip, gzips\r\n", false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        raw_answer answer;
        char text[512];
        ask(versioned("main.js"), CASES[i].header, &answer);
        assert_int_equal(answer.status, 200);
        assert_string_equal(raw_header(&answer, "Content-Encoding", text), CASES[i].packed ? "gzip" : "");
        assert_string_equal(raw_header(&answer, "Vary", text), "Accept-Encoding");
        assert_int_equal(!memcmp(answer.body.data, "\x1f\x8b", 2), CASES[i].packed);
        raw_free(&answer);
    }
}

static void test_kept_for_good_and_not_sent_twice(void **state)
{
    (void)state;
    raw_answer answer;
    char etag[512], text[600];
    ask(versioned("lib/dom.js"), "", &answer);
    assert_string_equal(raw_header(&answer, "Cache-Control", text), "public, max-age=31536000, immutable");
    raw_header(&answer, "ETag", etag);
    raw_free(&answer);
    snprintf(text, sizeof text, "If-None-Match: \"other\", %s\r\n", etag);
    ask(versioned("lib/dom.js"), text, &answer);
    assert_int_equal(answer.status, 304);
    raw_free(&answer);
    ask(versioned("lib/dom.js"), "If-None-Match: W/\"0\"\r\n", &answer);
    assert_int_equal(answer.status, 200);
    raw_free(&answer);
}

static void test_an_older_page_gets_the_newest_file_but_does_not_keep_it(void **state)
{
    (void)state;
    raw_answer answer;
    char text[512];
    ask("/static-files/0123456789abcdef/main.js", "", &answer);
    assert_int_equal(answer.status, 200);
    assert_string_equal(raw_header(&answer, "Cache-Control", text), "no-cache");
    raw_free(&answer);
}

static void test_previews_have_no_rights(void **state)
{
    (void)state;
    raw_answer answer;
    char text[512];
    ask(versioned("preview.html"), "", &answer);
    raw_header(&answer, "Content-Security-Policy", text);
    assert_non_null(strstr(text, "sandbox allow-scripts;"));
    assert_non_null(strstr(text, "default-src 'none'"));
    assert_null(strstr(text, "allow-same-origin"));
    raw_free(&answer);
}

static void test_other_files_are_not_there(void **state)
{
    (void)state;
    static const char *const PATHS[] = {
        "/static-files/x/nothing.js",  "/static-files/x/index.html", "/static-files/x/",
        "/static-files/x/lib",         "/static-files/x/../web.c",   "/static-files/x/%2e%2e/a",
        "/static-files/x//lib/dom.js",
    };
    for (size_t i = 0; i < sizeof PATHS / sizeof *PATHS; i++) {
        raw_answer answer;
        ask(PATHS[i], "", &answer);
        assert_true(answer.status == 404 || answer.status == 400);
        raw_free(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_sorted_and_pack_what_they_are),
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_compressed_when_that_is_understood),
        cmocka_unit_test(test_kept_for_good_and_not_sent_twice),
        cmocka_unit_test(test_an_older_page_gets_the_newest_file_but_does_not_keep_it),
        cmocka_unit_test(test_previews_have_no_rights),
        cmocka_unit_test(test_other_files_are_not_there),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
