/* store_path.c: where the commands that work on a store find what belongs to it. */
#include "cli/store_path.h"

#include <string.h>

const char *cli_artifacts_beside(ch_arena *arena, const char *store)
{
    if (strncmp(store, "sqlite:///", 10) == 0)
        store += 10;
    else if (strstr(store, "://"))
        return "chert-data/artifacts";
    const char *slash = strrchr(store, '/');
    return slash ? ch_arena_printf(arena, "%.*s/artifacts", (int)(slash - store), store) : "./artifacts";
}
