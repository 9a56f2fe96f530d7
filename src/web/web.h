/* web.h: the web pages: static files, compressed at build time and linked into the program. */
#ifndef CHERT_WEB_WEB_H
#define CHERT_WEB_WEB_H

#include "http/http.h"

/* GET / and /static-files/...: index.html for every page address, the files with long cache lives and ETags. Returns
 * how many mounts were added. */
size_t ch_web_mounts(ch_http_mount *mounts, size_t room);

#endif
