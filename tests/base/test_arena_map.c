/* Arena, map, task and thread count. */
#include "base/arena.h"
#include "base/map.h"
#include "base/task.h"
#include "base/thread.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void arena_gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    size_t total = 0;
    for (size_t size = 0; size < 5000; size += 7) {
        unsigned char *bytes = ch_arena_alloc(arena, size);
        assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) assert_int_equal(bytes[i], 0);
        memset(bytes, 0xAB, size);
        total += size;
    }
    unsigned char *big = ch_arena_alloc(arena, 5u << 20);
    assert_int_equal(big[(5u << 20) - 1], 0);
    assert_int_equal(ch_arena_used(arena), total + (5u << 20));
    ch_arena_free(arena);
    ch_arena_free(NULL);
}

static char order[4];

static void note(void *arg)
{
    size_t used = strlen(order);
    order[used] = *(const char *)arg;
    order[used + 1] = '\0';
}

static void arena_runs_what_was_deferred_when_the_last_owner_goes(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    ch_arena_defer(arena, note, ch_arena_strdup(arena, "1"));
    ch_arena_defer(arena, note, ch_arena_strdup(arena, "2"));
    assert_ptr_equal(ch_arena_retain(arena), arena);
    ch_arena_free(arena);
    assert_string_equal(order, "");
    ch_arena_free(arena);
    assert_string_equal(order, "21");
}

static void arena_is_empty_and_zeroed_after_recycling(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    const size_t sizes[] = {10, 5000, 100000, 3000};
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            unsigned char *bytes = ch_arena_alloc(arena, sizes[i]);
            for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(bytes[k], 0);
            memset(bytes, 0xff, sizes[i]);
        }
        assert_ptr_equal(ch_arena_recycle(arena), arena);
        assert_int_equal(ch_arena_used(arena), 0);
    }
    ch_arena *owner = ch_arena_retain(arena);
    char *text = ch_arena_strdup(owner, "kept");
    arena = ch_arena_recycle(arena);
    assert_ptr_not_equal(arena, owner);
    assert_string_equal(text, "kept");
    ch_arena_free(owner);
    ch_arena_free(arena);
}

static void arena_copies_text_and_arrays(void **state)
{
    (void)state;
    ch_arena *arena = ch_arena_new();
    assert_null(ch_arena_strdup(arena, NULL));
    assert_string_equal(ch_arena_strdup(arena, "abc"), "abc");
    assert_string_equal(ch_arena_strndup(arena, "abcdef", 4), "abcd");
    assert_string_equal(ch_arena_printf(arena, "%s-%05d", "x", 42), "x-00042");
    int old[] = {1, 2, 3};
    int *grown = ch_arena_grow(arena, old, sizeof *old, 3, 6);
    const int expected[] = {1, 2, 3, 0, 0, 0};
    assert_memory_equal(grown, expected, sizeof expected);
    ch_arena_free(arena);
}

static void map_finds_replaces_and_removes(void **state)
{
    (void)state;
    enum { N = 2000 };
    static int values[N];
    ch_map *map = ch_map_new();
    char key[16];
    for (int i = 0; i < N; i++) {
        snprintf(key, sizeof key, "key%d", i);
        assert_null(ch_map_put(map, key, &values[i]));
    }
    for (int i = 0; i < N; i += 2) {
        snprintf(key, sizeof key, "key%d", i);
        assert_ptr_equal(ch_map_remove(map, key), &values[i]);
        assert_null(ch_map_remove(map, key));
    }
    assert_int_equal(ch_map_size(map), N / 2);
    assert_ptr_equal(ch_map_put(map, "key1", &values[0]), &values[1]);
    assert_ptr_equal(ch_map_get(map, "key1"), &values[0]);
    assert_null(ch_map_get(map, "key2"));
    assert_null(ch_map_get(map, ""));
    ch_map_free(map, NULL);
}

static void map_walks_in_insertion_order(void **state)
{
    (void)state;
    ch_map *map = ch_map_new();
    static char letters[] = "abcdefghijklmnopqrstuvwxyz";
    for (char *at = letters; *at; at++) ch_map_put(map, (char[]){*at, '\0'}, at);
    ch_map_remove(map, "c");
    size_t at = 0;
    const char *key;
    void *value;
    char seen[32] = "";
    while (ch_map_next(map, &at, &key, &value)) {
        strcat(seen, key);
        assert_int_equal(*(char *)value, key[0]);
        ch_map_remove(map, key);
    }
    assert_string_equal(seen, "abdefghijklmnopqrstuvwxyz");
    assert_int_equal(ch_map_size(map), 0);
    ch_map_free(map, NULL);
}

/* A map that many entries pass through must not grow with their number. */
static void map_reuses_places_of_removed_entries(void **state)
{
    (void)state;
    ch_map *map = ch_map_new();
    char key[24];
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "%d", i);
        ch_map_put(map, key, map);
        if (i >= 3) {
            snprintf(key, sizeof key, "%d", i - 3);
            assert_ptr_equal(ch_map_remove(map, key), map);
        }
    }
    assert_int_equal(ch_map_size(map), 3);
    assert_non_null(ch_map_get(map, "99999"));
    ch_map_free(map, NULL);
}

static void map_frees_values(void **state)
{
    (void)state;
    ch_map *map = ch_map_new();
    ch_map_put(map, "a", malloc(10));
    ch_map_put(map, "b", malloc(10));
    ch_map_free(map, free); /* the sanitizer build fails if one is lost */
    ch_map_free(NULL, free);
}

static void task_reports_cancelling(void **state)
{
    (void)state;
    ch_task task;
    ch_error err;
    ch_task_init(&task);
    assert_int_equal(ch_task_check(&task, &err), 0);
    assert_int_equal(ch_task_check(NULL, &err), 0);
    ch_task_progress(&task, "trees", 3, 20);
    assert_int_equal(atomic_load(&task.done), 3);
    assert_string_equal(atomic_load(&task.what), "trees");
    ch_task_cancel(&task);
    assert_int_equal(ch_task_check(&task, &err), CH_E_CANCELLED);
    assert_string_equal(err.condition, "OPERATION_CANCELED");
}

static void thread_count_is_settable(void **state)
{
    (void)state;
    int usual = ch_threads();
    assert_true(usual >= 1);
    ch_threads_set(7);
    assert_int_equal(ch_threads(), 7);
    ch_threads_set(0);
    assert_int_equal(ch_threads(), usual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(arena_runs_what_was_deferred_when_the_last_owner_goes),
        cmocka_unit_test(arena_is_empty_and_zeroed_after_recycling),
        cmocka_unit_test(arena_copies_text_and_arrays),
        cmocka_unit_test(map_finds_replaces_and_removes),
        cmocka_unit_test(map_walks_in_insertion_order),
        cmocka_unit_test(map_reuses_places_of_removed_entries),
        cmocka_unit_test(map_frees_values),
        cmocka_unit_test(task_reports_cancelling),
        cmocka_unit_test(thread_count_is_settable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
