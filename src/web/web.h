/* web.h: the web pages: static files, compressed at build time and linked into the program, and what they ask of saved
 * models. */
#ifndef CHERT_WEB_WEB_H
#define CHERT_WEB_WEB_H

#include "http/http.h"
#include "track/track.h"

/* GET / and /static-files/...: the pages, with long cache lives and ETags; /api/chert/v1/runs/model and
 * logged-models/model: what is in a model. Returns how many mounts were added. `track` must outlive the server. */
size_t ch_web_mounts(ch_track *track, ch_http_mount *mounts, size_t room);

#endif
