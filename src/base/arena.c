/* arena.c: a list of blocks, each handed out from front to back; big requests get a block of their own. */
#include "base/arena.h"

#include "base/log.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20, LARGEST_KEPT = 16384 };

/* A block's bytes follow its header. */
typedef struct arena_block {
    struct arena_block *next;
    size_t size, used;
    alignas(max_align_t) unsigned char bytes[];
} arena_block;

/* Something to be done when the arena goes. */
typedef struct arena_defer {
    struct arena_defer *next;
    void (*fn)(void *arg);
    void *arg;
} arena_defer;

struct ch_arena {
    atomic_int refs;
    arena_block *current;  /* the block that small requests are cut from; its `next` leads to all the others */
    arena_defer *deferred; /* last registered first */
    size_t next_size;      /* size of the next ordinary block: doubles up to LARGEST_BLOCK */
    size_t handed_out;
};

static void out_of_memory(size_t size)
{
    ch_log(CH_LOG_ERROR, "out of memory: %zu bytes wanted", size);
    abort();
}

static arena_block *new_block(size_t size)
{
    if (size > SIZE_MAX - sizeof(arena_block)) out_of_memory(size);
    arena_block *block = calloc(1, sizeof(arena_block) + size);
    if (!block) out_of_memory(size);
    block->size = size;
    return block;
}

ch_arena *ch_arena_new(void)
{
    ch_arena *arena = calloc(1, sizeof *arena);
    if (!arena) out_of_memory(sizeof *arena);
    arena->next_size = FIRST_BLOCK;
    atomic_init(&arena->refs, 1);
    return arena;
}

ch_arena *ch_arena_retain(ch_arena *arena)
{
    atomic_fetch_add(&arena->refs, 1);
    return arena;
}

void ch_arena_free(ch_arena *arena)
{
    if (!arena || atomic_fetch_sub(&arena->refs, 1) > 1) return;
    for (arena_defer *d = arena->deferred; d; d = d->next) d->fn(d->arg);
    for (arena_block *block = arena->current; block;) {
        arena_block *next = block->next;
        free(block);
        block = next;
    }
    free(arena);
}

ch_arena *ch_arena_recycle(ch_arena *arena)
{
    if (atomic_load(&arena->refs) > 1) {
        ch_arena_free(arena);
        return ch_arena_new();
    }
    for (arena_defer *d = arena->deferred; d; d = d->next) d->fn(d->arg);
    arena->deferred = NULL;
    arena_block *kept = NULL;
    for (arena_block *block = arena->current; block;) {
        arena_block *next = block->next;
        if (!kept && block->size >= FIRST_BLOCK && block->size <= LARGEST_KEPT) {
            kept = block;
        } else {
            free(block);
        }
        block = next;
    }
    if (kept) {
        memset(kept->bytes, 0, kept->used);
        kept->used = 0;
        kept->next = NULL;
    }
    arena->current = kept;
    arena->next_size = kept ? kept->size * 2 : FIRST_BLOCK;
    arena->handed_out = 0;
    return arena;
}

/* A request that fills most of a block gets its own, placed behind the current one so that what is left of the current
 * one stays in use. */
static void *alloc_big(ch_arena *arena, size_t size)
{
    arena_block *block = new_block(size);
    block->used = size;
    if (arena->current) {
        block->next = arena->current->next;
        arena->current->next = block;
    } else {
        arena->current = block;
    }
    return block->bytes;
}

void *ch_arena_alloc(ch_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2) out_of_memory(size);
    size_t step = alignof(max_align_t);
    size_t rounded = size ? (size + step - 1) / step * step : step;
    arena->handed_out += size;
    arena_block *block = arena->current;
    if (!block || block->size - block->used < rounded) {
        if (rounded >= arena->next_size / 2) return alloc_big(arena, rounded);
        block = new_block(arena->next_size);
        if (arena->next_size < LARGEST_BLOCK) arena->next_size *= 2;
        block->next = arena->current;
        arena->current = block;
    }
    void *place = block->bytes + block->used;
    block->used += rounded;
    return place;
}

void *ch_arena_grow(ch_arena *arena, const void *items, size_t item_size, size_t old_count, size_t new_count)
{
    if (item_size && new_count > SIZE_MAX / 2 / item_size) out_of_memory(SIZE_MAX);
    void *copy = ch_arena_alloc(arena, item_size * new_count);
    size_t kept = old_count < new_count ? old_count : new_count;
    if (kept) memcpy(copy, items, item_size * kept);
    return copy;
}

void *ch_arena_dup(ch_arena *arena, const void *bytes, size_t size)
{
    void *copy = ch_arena_alloc(arena, size);
    if (size) memcpy(copy, bytes, size);
    return copy;
}

char *ch_arena_strdup(ch_arena *arena, const char *text)
{
    return text ? ch_arena_dup(arena, text, strlen(text) + 1) : NULL;
}

char *ch_arena_strndup(ch_arena *arena, const char *text, size_t length)
{
    char *copy = ch_arena_alloc(arena, length + 1);
    if (length) memcpy(copy, text, length);
    return copy;
}

char *ch_arena_printf(ch_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = ch_arena_alloc(arena, length < 0 ? 1 : (size_t)length + 1);
    if (length > 0) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void ch_arena_defer(ch_arena *arena, void (*fn)(void *arg), void *arg)
{
    arena_defer *d = CH_NEW(arena, arena_defer);
    *d = (arena_defer){.next = arena->deferred, .fn = fn, .arg = arg};
    arena->deferred = d;
}

size_t ch_arena_used(const ch_arena *arena)
{
    return arena->handed_out;
}
