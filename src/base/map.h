/* map.h: hash map from strings to pointers. Keys are copied, values are borrowed. Not thread safe. */
#ifndef CHERT_BASE_MAP_H
#define CHERT_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ch_map ch_map;

ch_map *ch_map_new(void);
/* Frees the map; `free_value`, if given, is called for every value left. NULL map is fine. */
void ch_map_free(ch_map *map, void (*free_value)(void *value));
void *ch_map_get(const ch_map *map, const char *key);        /* NULL when absent */
void *ch_map_put(ch_map *map, const char *key, void *value); /* returns the value it replaced, or NULL */
void *ch_map_remove(ch_map *map, const char *key);           /* returns the value removed, or NULL */
size_t ch_map_size(const ch_map *map);
/* Walks all entries in insertion order: `size_t at = 0; while (ch_map_next(map, &at, &key, &value)) ...`.
 * The entry just returned may be removed while walking; none may be added. */
bool ch_map_next(const ch_map *map, size_t *at, const char **key, void **value);

#endif
