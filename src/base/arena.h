/* arena.h: memory that lives and dies together.
 *
 * A plan, its analysis and its SQL text are thousands of small objects with one lifetime, so they share an arena and
 * nobody frees them one by one. Memory is zeroed. Running out of memory ends the process (after a log line), as it
 * would in the middle of any plan; big data never lives in an arena. Not thread safe: one arena, one thread at a time.
 */
#ifndef CHERT_BASE_ARENA_H
#define CHERT_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

typedef struct ch_arena ch_arena;

ch_arena *ch_arena_new(void);
void ch_arena_free(ch_arena *arena); /* gives up one reference; the last one frees. NULL is fine */
/* One more owner, from any thread: the arena lives until each owner has called ch_arena_free. An arena that is shared
 * is only read (a plan that a model summary keeps after the request that sent it). Returns arena. */
ch_arena *ch_arena_retain(ch_arena *arena);

/* Empties the arena for its next use, as freeing it and making a new one would, but keeps a little of its memory.
 * Returns the arena to go on with: another one when this one has other owners. */
ch_arena *ch_arena_recycle(ch_arena *arena);

/* `size` zeroed bytes aligned for any type; never NULL; size 0 gives a valid unique pointer. */
void *ch_arena_alloc(ch_arena *arena, size_t size);
/* A copy of the array with room for `new_count` items (old_count items are copied); the old array stays valid. */
void *ch_arena_grow(ch_arena *arena, const void *items, size_t item_size, size_t old_count, size_t new_count);
void *ch_arena_dup(ch_arena *arena, const void *bytes, size_t size);
char *ch_arena_strdup(ch_arena *arena, const char *text); /* NULL gives NULL */
char *ch_arena_strndup(ch_arena *arena, const char *text, size_t length);
char *ch_arena_printf(ch_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Has `fn(arg)` called when the arena is freed, last registered first: for the few things in a plan that are counted
 * references or handles (models, tables) rather than memory. */
void ch_arena_defer(ch_arena *arena, void (*fn)(void *arg), void *arg);
size_t ch_arena_used(const ch_arena *arena); /* bytes handed out so far */

#define CH_NEW(arena, type)              ((type *)ch_arena_alloc((arena), sizeof(type)))
#define CH_NEW_ARRAY(arena, type, count) ((type *)ch_arena_alloc((arena), sizeof(type) * (size_t)(count)))

#endif
