/* router.c: a tree with a level for each path segment. Literal children are sorted and searched by halves; a node may
 * also have a child for any segment and one for all the rest. What is more literal wins, further to the left first; a
 * route whose method does not fit gives way to the next. Every node is visited at most once. */
#include "http/router.h"

#include "http/parse.h"

#include <string.h>

typedef struct route_node {
    const char *text; /* the literal segment */
    size_t len;
    struct route_node **children; /* sorted by length, then bytes */
    size_t nchild, room;
    struct route_node *any, *rest;
    const ch_router_entry **entries; /* of paths that end here, one a method */
    size_t nentry;
} route_node;

struct ch_router {
    ch_arena *arena;
    route_node root;
    ch_router_entry *entries;
    size_t nentry;
};

typedef struct segment {
    const char *text; /* decoded */
    size_t len;
    const char *raw; /* where it starts in the path */
} segment;

typedef struct walk {
    const char *method;
    segment segments[CH_ROUTER_SEGMENTS_MAX];
    size_t nsegment;
    const route_node *refused; /* the first that has the path but not the method */
} walk;

/* ---- compiling ---- */

static int compare(const route_node *node, const char *text, size_t len)
{
    if (node->len != len) return node->len < len ? -1 : 1;
    return memcmp(node->text, text, len);
}

/* Where a literal child is or would be. */
static size_t child_place(const route_node *node, const char *text, size_t len)
{
    size_t low = 0, high = node->nchild;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare(node->children[middle], text, len) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static route_node *literal_child(const route_node *node, const char *text, size_t len)
{
    size_t at = child_place(node, text, len);
    return at < node->nchild && !compare(node->children[at], text, len) ? node->children[at] : NULL;
}

static route_node *add_literal(ch_arena *arena, route_node *node, const char *text, size_t len)
{
    route_node *child = literal_child(node, text, len);
    if (child) return child;
    if (node->nchild == node->room) {
        size_t room = node->room ? node->room * 2 : 4;
        node->children = ch_arena_grow(arena, node->children, sizeof(route_node *), node->room, room);
        node->room = room;
    }
    child = CH_NEW(arena, route_node);
    child->text = text;
    child->len = len;
    size_t at = child_place(node, text, len);
    memmove(node->children + at + 1, node->children + at, sizeof(route_node *) * (node->nchild - at));
    node->children[at] = child;
    node->nchild++;
    return child;
}

/* One segment of a pattern: "{name}", "{name*}" or literal text. */
static int add_segment(ch_router *router, ch_router_entry *entry, route_node **node, const char *text, size_t len,
                       size_t index, bool last, ch_error *err)
{
    if (text[0] != '{') {
        *node = add_literal(router->arena, *node, text, len);
        return 0;
    }
    bool rest = len > 2 && text[len - 2] == '*';
    if (len < 3 || text[len - 1] != '}' || (rest && !last) || entry->nparam == CH_ROUTER_PARAMS_MAX) {
        return ch_bug(err, "the route %s has a broken pattern", entry->pattern);
    }
    int at = entry->nparam++;
    entry->params[at].name = ch_arena_strndup(router->arena, text + 1, len - 2 - rest);
    entry->params[at].segment = index;
    entry->params[at].rest = rest;
    route_node **place = rest ? &(*node)->rest : &(*node)->any;
    if (!*place) *place = CH_NEW(router->arena, route_node);
    *node = *place;
    return 0;
}

static int add_entry(ch_router *router, ch_router_entry *entry, ch_error *err)
{
    route_node *node = &router->root;
    const char *at = entry->pattern;
    if (*at != '/') return ch_bug(err, "the route %s does not start with a slash", entry->pattern);
    for (size_t index = 0; *at; index++) {
        at++; /* the slash */
        size_t len = strcspn(at, "/");
        if (index == CH_ROUTER_SEGMENTS_MAX) return ch_bug(err, "the route %s is too deep", entry->pattern);
        CH_TRY(add_segment(router, entry, &node, at, len, index, !at[len], err));
        at += len;
    }
    for (size_t i = 0; i < node->nentry; i++) {
        if (!strcmp(node->entries[i]->route->method, entry->route->method)) {
            return ch_bug(err, "two routes for %s %s", entry->route->method, entry->pattern);
        }
    }
    node->entries =
        ch_arena_grow(router->arena, node->entries, sizeof(ch_router_entry *), node->nentry, node->nentry + 1);
    node->entries[node->nentry++] = entry;
    return 0;
}

int ch_router_new(const ch_http_mount *mounts, size_t nmount, ch_router **out, ch_error *err)
{
    ch_arena *arena = ch_arena_new();
    ch_router *router = CH_NEW(arena, ch_router);
    router->arena = arena;
    size_t count = 0;
    for (size_t m = 0; m < nmount; m++) count += mounts[m].nroute;
    router->entries = CH_NEW_ARRAY(arena, ch_router_entry, count);
    int status = 0;
    for (size_t m = 0; m < nmount && !status; m++) {
        for (size_t r = 0; r < mounts[m].nroute && !status; r++) {
            const ch_http_route *route = &mounts[m].routes[r];
            ch_router_entry *entry = &router->entries[router->nentry];
            entry->route = route;
            entry->app = mounts[m].app;
            entry->index = router->nentry++;
            entry->pattern = ch_arena_printf(arena, "%s%s", mounts[m].prefix, route->path);
            status = route->method ? add_entry(router, entry, err)
                                   : ch_bug(err, "the route %s has no method", entry->pattern);
        }
    }
    if (status) {
        ch_arena_free(arena);
        return status;
    }
    *out = router;
    return 0;
}

void ch_router_free(ch_router *router)
{
    if (router) ch_arena_free(router->arena);
}

size_t ch_router_size(const ch_router *router)
{
    return router->nentry;
}

const ch_router_entry *ch_router_at(const ch_router *router, size_t index)
{
    return &router->entries[index];
}

/* ---- finding ---- */

static const ch_router_entry *entry_of(const route_node *node, const char *method)
{
    for (size_t i = 0; i < node->nentry; i++) {
        if (!strcmp(node->entries[i]->route->method, method)) return node->entries[i];
    }
    return strcmp(method, "HEAD") != 0 ? NULL : entry_of(node, "GET");
}

static const ch_router_entry *arrive(const route_node *node, walk *w)
{
    const ch_router_entry *entry = entry_of(node, w->method);
    if (!entry && node->nentry && !w->refused) w->refused = node;
    return entry;
}

/* Recursion is as deep as the deepest pattern. */
static const ch_router_entry *find(const route_node *node, walk *w, size_t at)
{
    if (at == w->nsegment) return arrive(node, w);
    const segment *s = &w->segments[at];
    const route_node *child = literal_child(node, s->text, s->len);
    const ch_router_entry *entry = child ? find(child, w, at + 1) : NULL;
    if (!entry && node->any && s->len) entry = find(node->any, w, at + 1);
    if (!entry && node->rest) entry = arrive(node->rest, w);
    return entry;
}

/* Splits the path; what has too many segments keeps the rest in the last, which then can only match "{name*}". */
static bool split(ch_arena *arena, const char *path, walk *w)
{
    if (*path != '/') return false;
    path += strspn(path, "/") - 1; /* "//version" is what clients make of a base that ends in a slash */
    for (const char *at = path; *at;) {
        at++;
        bool last = w->nsegment == CH_ROUTER_SEGMENTS_MAX - 1;
        size_t len = last ? strlen(at) : strcspn(at, "/");
        segment *s = &w->segments[w->nsegment++];
        *s = (segment){.text = at, .len = len, .raw = at};
        if (memchr(at, '%', len)) {
            char *text = ch_arena_alloc(arena, len + 1);
            long got = ch_http_decode(at, len, false, text);
            if (got < 0) return false;
            s->text = text;
            s->len = (size_t)got;
        }
        at += len;
    }
    return true;
}

static const char *allowed_methods(ch_arena *arena, const route_node *node)
{
    char *text = "";
    for (size_t i = 0; i < node->nentry; i++) {
        text = ch_arena_printf(arena, "%s%s%s", text, i ? ", " : "", node->entries[i]->route->method);
    }
    return text;
}

bool ch_router_find(const ch_router *router, ch_arena *arena, const char *method, const char *path,
                    ch_router_match *match)
{
    match->entry = NULL;
    match->allowed = NULL;
    walk w;
    w.method = method;
    w.nsegment = 0;
    w.refused = NULL;
    if (!split(arena, path, &w)) return false;
    const ch_router_entry *entry = find(&router->root, &w, 0);
    if (!entry) {
        if (w.refused) match->allowed = allowed_methods(arena, w.refused);
        return true;
    }
    for (int i = 0; i < entry->nparam; i++) {
        const segment *s = &w.segments[entry->params[i].segment];
        if (!entry->params[i].rest) {
            match->values[i] = ch_arena_strndup(arena, s->text, s->len);
            continue;
        }
        size_t len = strlen(s->raw);
        char *text = ch_arena_alloc(arena, len + 1);
        if (ch_http_decode(s->raw, len, false, text) < 0) return false;
        match->values[i] = text;
    }
    match->entry = entry;
    return true;
}
