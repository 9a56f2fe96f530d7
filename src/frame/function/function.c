/* function.c: the function table: looks rows up by name. The rows are in functions_*.c. */
#include "frame/function/function.h"

#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const ch_function *const FAMILIES[] = {
    ch_functions_operator, ch_functions_conditional, ch_functions_math,   ch_functions_string,
    ch_functions_datetime, ch_functions_aggregate,   ch_functions_window, ch_functions_collection,
    ch_functions_higher,   ch_functions_generator,   ch_functions_misc,   ch_functions_json,
    ch_functions_vector,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static ch_map *by_name; /* read-only once built; lives as long as the process */
static const ch_function **all;
static size_t count;

static void build(void)
{
    size_t families = sizeof FAMILIES / sizeof *FAMILIES, n = 0;
    for (size_t i = 0; i < families; i++)
        for (const ch_function *f = FAMILIES[i]; f->name; f++) n++;
    by_name = ch_map_new();
    all = malloc((n ? n : 1) * sizeof *all);
    if (!all) return;
    for (size_t i = 0; i < families; i++) {
        for (const ch_function *f = FAMILIES[i]; f->name; f++) {
            all[count++] = f;
            ch_map_put(by_name, f->name, (void *)f);
        }
    }
}

const ch_function *ch_function_find(const char *name)
{
    pthread_once(&once, build);
    char lower[64];
    size_t n = 0;
    for (; name[n] && n < sizeof lower - 1; n++)
        lower[n] = name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] + 32) : name[n];
    if (name[n]) return NULL;
    lower[n] = '\0';
    return ch_map_get(by_name, lower);
}

size_t ch_function_all(const ch_function *const **out)
{
    pthread_once(&once, build);
    *out = all;
    return count;
}
