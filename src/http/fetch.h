/* fetch.h: a client of HTTP and HTTPS for servers that speak MLflow's REST API, on libcurl.
 *
 * Certificates are always checked: against the system's list, or the file that MLFLOW_TRACKING_SERVER_CERT_PATH names.
 * Credentials are those of the URL (http://user:password@host), or what MLflow's clients use: MLFLOW_TRACKING_TOKEN, or
 * MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD; MLFLOW_TRACKING_CLIENT_CERT_PATH names a certificate to show.
 */
#ifndef CHERT_HTTP_FETCH_H
#define CHERT_HTTP_FETCH_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

typedef struct ch_fetch ch_fetch; /* one server and the connection to it; used by one thread at a time */

/* Does not connect yet. `url`: "http://host:port/prefix" or https. err: CH_E_ILLEGAL_ARGUMENT for another scheme. */
int ch_fetch_open(const char *url, ch_fetch **out, ch_error *err);
void ch_fetch_close(ch_fetch *fetch); /* NULL is fine */

/* Asks; the body of a reply with status 200 goes to `out`, or to the descriptor `file` (a regular file, written from
 * its start) when that is not -1. `path` is below the URL's prefix and encoded already; body NULL: none, otherwise
 * JSON. A server that is busy or a connection that broke is asked again a few times. err: CH_E_NOT_FOUND for a 404,
 * CH_E_MEMORY when the disk is full, CH_E_IO for anything else but 200, with what the server said. */
int ch_fetch_ask(ch_fetch *fetch, const char *method, const char *path, const char *body, ch_buf *out, int file,
                 ch_error *err);
/* Appends text percent-encoded; slashes stay as they are when `slashes`. */
void ch_fetch_encode(ch_buf *out, const char *text, bool slashes);

#endif
