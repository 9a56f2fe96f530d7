/* router.h: route tables compiled into a tree of path segments. */
#ifndef CHERT_HTTP_ROUTER_H
#define CHERT_HTTP_ROUTER_H

#include "http/http.h"

enum { CH_ROUTER_PARAMS_MAX = 8, CH_ROUTER_SEGMENTS_MAX = 64 };

typedef struct ch_router ch_router;

/* A route of a mount. */
typedef struct ch_router_entry {
    const ch_http_route *route;
    void *app;
    const char *pattern; /* with the mount's prefix */
    size_t index;        /* entries are numbered from 0 */
    int nparam;
    struct {
        const char *name;
        size_t segment; /* which segment of the path; of "{name*}" the first of the rest */
        bool rest;
    } params[CH_ROUTER_PARAMS_MAX];
} ch_router_entry;

typedef struct ch_router_match {
    const ch_router_entry *entry; /* NULL: none */
    const char *values[CH_ROUTER_PARAMS_MAX];
    const char *allowed; /* when no entry has the method: those that there are, "GET, POST"; NULL: unknown path */
} ch_router_match;

/* Compiles the tables; the router holds pointers into them. err: two rows for one method and path, a broken pattern. */
int ch_router_new(const ch_http_mount *mounts, size_t nmount, ch_router **out, ch_error *err);
void ch_router_free(ch_router *router); /* NULL is fine */
size_t ch_router_size(const ch_router *router);
const ch_router_entry *ch_router_at(const ch_router *router, size_t index);

/* Finds the route of a raw path (percent escapes in it, no query). HEAD finds GET. Values are decoded into `arena`.
 * False: the path is malformed. */
bool ch_router_find(const ch_router *router, ch_arena *arena, const char *method, const char *path,
                    ch_router_match *match);

#endif
