/* import_fetch.h: a client of HTTP/1.1 that asks one question a connection: all that an import from a running server
 * needs. Private to import*.c. */
#ifndef CHERT_TRACK_IMPORT_FETCH_H
#define CHERT_TRACK_IMPORT_FETCH_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

/* "http://host:port/prefix" taken apart. */
typedef struct ch_fetch_server {
    const char *host, *port, *prefix; /* prefix without a slash at its end */
} ch_fetch_server;

int ch_fetch_parse(ch_arena *arena, const char *url, ch_fetch_server *out, ch_error *err);
/* Asks; the body of a reply with status 200 goes to `out`, or to the descriptor `file` when it is not -1. `path` is
 * encoded already; body NULL: none, otherwise JSON. err: CH_E_NOT_FOUND for a 404, CH_E_IO for anything else but 200.
 */
int ch_fetch(const ch_fetch_server *server, const char *method, const char *path, const char *body, ch_buf *out,
             int file, ch_error *err);
/* Appends text percent-encoded; slashes stay as they are when `slashes`. */
void ch_fetch_encode(ch_buf *out, const char *text, bool slashes);

#endif
