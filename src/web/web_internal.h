/* web_internal.h: the tables of src/web that web.c mounts. */
#ifndef CHERT_WEB_WEB_INTERNAL_H
#define CHERT_WEB_WEB_INTERNAL_H

#include "http/http.h"

/* model_api.c, below /api/chert/v1; the mount's app is the ch_track. */
extern const ch_http_route ch_web_model_routes[];
extern const size_t ch_web_model_nroute;

#endif
