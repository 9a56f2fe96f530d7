/* map.c: entries in an array in insertion order, found through an open-addressing index of their places. */
#include "base/map.h"

#include "base/log.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct map_entry {
    char *key; /* NULL: removed */
    void *value;
    uint64_t hash;
} map_entry;

struct ch_map {
    map_entry *entries;
    size_t count, cap; /* entries in use, the removed ones among them */
    size_t live;
    uint32_t *slots; /* place + 1 of an entry, 0 = free; twice as many as `cap`, a power of two */
};

enum { FIRST_CAP = 8 };

static void *checked(void *memory)
{
    if (!memory) {
        ch_log(CH_LOG_ERROR, "out of memory in a map");
        abort();
    }
    return memory;
}

/* FNV-1a, then a finishing mix so that the low bits depend on all of it. */
static uint64_t hash_of(const char *key)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const unsigned char *at = (const unsigned char *)key; *at; at++) hash = (hash ^ *at) * 0x100000001b3u;
    return hash ^ hash >> 29;
}

ch_map *ch_map_new(void)
{
    ch_map *map = checked(calloc(1, sizeof *map));
    map->cap = FIRST_CAP;
    map->entries = checked(calloc(map->cap, sizeof *map->entries));
    map->slots = checked(calloc(map->cap * 2, sizeof *map->slots));
    return map;
}

void ch_map_free(ch_map *map, void (*free_value)(void *value))
{
    if (!map) return;
    for (size_t i = 0; i < map->count; i++) {
        if (!map->entries[i].key) continue;
        if (free_value) free_value(map->entries[i].value);
        free(map->entries[i].key);
    }
    free(map->entries);
    free(map->slots);
    free(map);
}

/* The entry of key, or NULL. Removed entries keep their slot until the next rebuild, so probing passes them. */
static map_entry *find(const ch_map *map, const char *key, uint64_t hash)
{
    size_t mask = map->cap * 2 - 1;
    for (size_t slot = (size_t)hash & mask; map->slots[slot]; slot = (slot + 1) & mask) {
        map_entry *entry = &map->entries[map->slots[slot] - 1];
        if (entry->key && entry->hash == hash && strcmp(entry->key, key) == 0) return entry;
    }
    return NULL;
}

static void index_entry(ch_map *map, size_t place)
{
    size_t mask = map->cap * 2 - 1;
    size_t slot = (size_t)map->entries[place].hash & mask;
    while (map->slots[slot]) slot = (slot + 1) & mask;
    map->slots[slot] = (uint32_t)(place + 1);
}

/* Drops removed entries and makes room: doubles unless half of the places were wasted. */
static void rebuild(ch_map *map)
{
    size_t cap = map->live * 2 > map->cap ? map->cap * 2 : map->cap;
    map_entry *entries = checked(calloc(cap, sizeof *entries));
    size_t count = 0;
    for (size_t i = 0; i < map->count; i++) {
        if (map->entries[i].key) entries[count++] = map->entries[i];
    }
    free(map->entries);
    free(map->slots);
    map->entries = entries;
    map->count = count;
    map->cap = cap;
    map->slots = checked(calloc(cap * 2, sizeof *map->slots));
    for (size_t i = 0; i < count; i++) index_entry(map, i);
}

void *ch_map_get(const ch_map *map, const char *key)
{
    map_entry *entry = find(map, key, hash_of(key));
    return entry ? entry->value : NULL;
}

void *ch_map_put(ch_map *map, const char *key, void *value)
{
    uint64_t hash = hash_of(key);
    map_entry *entry = find(map, key, hash);
    if (entry) {
        void *old = entry->value;
        entry->value = value;
        return old;
    }
    if (map->count == map->cap) rebuild(map);
    map->entries[map->count] = (map_entry){checked(strdup(key)), value, hash};
    index_entry(map, map->count);
    map->count++;
    map->live++;
    return NULL;
}

void *ch_map_remove(ch_map *map, const char *key)
{
    map_entry *entry = find(map, key, hash_of(key));
    if (!entry) return NULL;
    void *value = entry->value;
    free(entry->key);
    *entry = (map_entry){0};
    map->live--;
    return value;
}

size_t ch_map_size(const ch_map *map)
{
    return map->live;
}

bool ch_map_next(const ch_map *map, size_t *at, const char **key, void **value)
{
    while (*at < map->count) {
        const map_entry *entry = &map->entries[(*at)++];
        if (!entry->key) continue;
        if (key) *key = entry->key;
        if (value) *value = entry->value;
        return true;
    }
    return false;
}
