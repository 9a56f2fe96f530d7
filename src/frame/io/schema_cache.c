/* schema_cache.c: remembers what schema inference found, so that a file is looked through once as long as it does not
 * change, however many DataFrames are made of it. */
#include "base/map.h"
#include "frame/io/source_internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 256 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ch_map *entries; /* hash of the identity -> schema JSON */

static void make_key(const char *identity, char key[40])
{
    uint64_t hash[2] = {7, 8};
    ch_hash_text(hash, identity);
    snprintf(key, 40, "%016llx%016llx", (unsigned long long)hash[0], (unsigned long long)hash[1]);
}

bool ch_schema_cache_get(ch_arena *arena, const char *identity, ch_schema *out)
{
    char key[40];
    make_key(identity, key);
    pthread_mutex_lock(&lock);
    const char *json = entries ? ch_map_get(entries, key) : NULL;
    const char *copy = ch_arena_strdup(arena, json);
    pthread_mutex_unlock(&lock);
    ch_error err;
    return copy && !ch_parse_schema(arena, copy, out, &err);
}

void ch_schema_cache_put(const char *identity, const ch_schema *schema)
{
    char key[40];
    make_key(identity, key);
    ch_buf json = {0};
    ch_schema_json(&json, schema);
    pthread_mutex_lock(&lock);
    if (entries && ch_map_size(entries) >= ENTRIES_MAX) {
        ch_map_free(entries, free);
        entries = NULL;
    }
    if (!entries) entries = ch_map_new();
    free(ch_map_put(entries, key, strdup(ch_buf_text(&json))));
    pthread_mutex_unlock(&lock);
    ch_buf_reset(&json);
}
