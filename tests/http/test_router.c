/* test_router.c: which route a path finds. */
#include "http/router.h"

#include "testing.h"

#include <stdio.h>
#include <string.h>

static const ch_http_route ROUTES[] = {
    {.method = "GET", .path = "/runs/search"},     {.method = "POST", .path = "/runs/search"},
    {.method = "GET", .path = "/runs/{id}"},       {.method = "DELETE", .path = "/runs/{id}"},
    {.method = "GET", .path = "/runs/{id}/{key}"}, {.method = "PUT", .path = "/files/{path*}"},
    {.method = "GET", .path = "/files"},           {.method = "GET", .path = "/files/special/{name}"},
    {.method = "GET", .path = "/files/{path*}"},   {.method = "GET", .path = "/"},
};

static ch_router *router_of(const ch_http_mount *mounts, size_t n)
{
    ch_error err;
    ch_router *router;
    assert_int_equal(ch_router_new(mounts, n, &router, &err), 0);
    return router;
}

static void finds_the_most_literal_route(void **state)
{
    (void)state;
    ch_http_mount mounts[] = {{"", ROUTES, sizeof ROUTES / sizeof ROUTES[0], NULL},
                              {"/api", ROUTES, sizeof ROUTES / sizeof ROUTES[0], (void *)1}};
    ch_router *router = router_of(mounts, 2);
    static const struct {
        const char *method, *path, *found; /* pattern and values; NULL: none */
    } CASES[] = {
        {"GET", "/runs/search", "/runs/search"},
        {"GET", "/runs/7", "/runs/{id} 7"},
        {"DELETE", "/runs/search", "/runs/{id} search"}, /* the literal one has no DELETE */
        {"HEAD", "/runs/a%20b", "/runs/{id} a b"},
        {"GET", "/runs/a%2Fb", "/runs/{id} a/b"},
        {"GET", "/runs/%73earch", "/runs/search"},
        {"GET", "/runs/", NULL},
        {"GET", "/runs/7/8", "/runs/{id}/{key} 7 8"},
        {"GET", "/runs/search/8", "/runs/{id}/{key} search 8"},
        {"GET", "/runs/7/8/9", NULL},
        {"GET", "/files", "/files"},
        {"GET", "/files/", "/files/{path*} "},
        {"GET", "/files/special", "/files/{path*} special"},
        {"GET", "/files/special/x", "/files/special/{name} x"},
        {"PUT", "/files/special/x", "/files/{path*} special/x"},
        {"PUT", "/files/a/b%2Fc//d/", "/files/{path*} a/b/c//d/"},
        {"GET", "/api/runs/1", "/api/runs/{id} 1"},
        {"GET", "/", "/"},
        {"GET", "/api", NULL},
        {"GET", "/nothing", NULL},
        {"PATCH", "/runs/7", NULL},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        ch_arena *arena = ch_arena_new();
        ch_router_match match;
        assert_true(ch_router_find(router, arena, CASES[i].method, CASES[i].path, &match));
        char text[256] = "";
        if (match.entry) {
            size_t at = (size_t)snprintf(text, sizeof text, "%s", match.entry->pattern);
            for (int p = 0; p < match.entry->nparam; p++) {
                at += (size_t)snprintf(text + at, sizeof text - at, " %s", match.values[p]);
            }
        }
        assert_string_equal(text, CASES[i].found ? CASES[i].found : "");
        ch_arena_free(arena);
    }
    ch_router_free(router);
}

static void tells_the_methods_there_are(void **state)
{
    (void)state;
    ch_http_mount mount = {"", ROUTES, sizeof ROUTES / sizeof ROUTES[0], NULL};
    ch_router *router = router_of(&mount, 1);
    ch_arena *arena = ch_arena_new();
    ch_router_match match;
    assert_true(ch_router_find(router, arena, "PATCH", "/runs/7", &match));
    assert_string_equal(match.allowed, "GET, DELETE");
    assert_true(ch_router_find(router, arena, "GET", "/nothing", &match));
    assert_null(match.allowed);
    assert_false(ch_router_find(router, arena, "GET", "/runs/%zz", &match));
    assert_false(ch_router_find(router, arena, "GET", "no-slash", &match));
    assert_false(ch_router_find(router, arena, "GET", "", &match));
    ch_arena_free(arena);
    ch_router_free(router);
}

static void takes_paths_of_many_segments(void **state)
{
    (void)state;
    ch_http_mount mount = {"", ROUTES, sizeof ROUTES / sizeof ROUTES[0], NULL};
    ch_router *router = router_of(&mount, 1);
    ch_arena *arena = ch_arena_new();
    char path[1200] = "/files";
    for (int i = 0; i < 500; i++) strcat(path, "/a");
    ch_router_match match;
    assert_true(ch_router_find(router, arena, "GET", path, &match));
    assert_string_equal(match.entry->pattern, "/files/{path*}");
    assert_string_equal(match.values[0], path + strlen("/files/"));
    path[1] = 'g';
    assert_true(ch_router_find(router, arena, "GET", path, &match));
    assert_null(match.entry);
    ch_arena_free(arena);
    ch_router_free(router);
}

static void refuses_broken_tables(void **state)
{
    (void)state;
    static const ch_http_route TWICE[] = {{.method = "GET", .path = "/a/{x}"}, {.method = "GET", .path = "/a/{y}"}};
    static const ch_http_route REST[] = {{.method = "GET", .path = "/a/{x*}/b"}};
    static const ch_http_route BROKEN[] = {{.method = "GET", .path = "/a/{x"}};
    static const ch_http_route RELATIVE[] = {{.method = "GET", .path = "a"}};
    const ch_http_mount MOUNTS[] = {
        {"", TWICE, 2, NULL}, {"", REST, 1, NULL}, {"", BROKEN, 1, NULL}, {"", RELATIVE, 1, NULL}};
    for (size_t i = 0; i < sizeof MOUNTS / sizeof MOUNTS[0]; i++) {
        ch_router *router;
        ch_error err;
        assert_int_equal(ch_router_new(&MOUNTS[i], 1, &router, &err), CH_E_INTERNAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_most_literal_route),
        cmocka_unit_test(tells_the_methods_there_are),
        cmocka_unit_test(takes_paths_of_many_segments),
        cmocka_unit_test(refuses_broken_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
