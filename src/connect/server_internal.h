/* server_internal.h: the insides of the server, for server.c and the API about it, engine_api.c. */
#ifndef CHERT_CONNECT_SERVER_INTERNAL_H
#define CHERT_CONNECT_SERVER_INTERNAL_H

#include "connect/server.h"
#include "connect/service.h"

struct ch_server {
    ch_server_options options;
    ch_service service;
    int port;        /* once it listens */
    long started_ms; /* ch_now_ms */
    bool busy;       /* work went on after all waiting: what it uses must stay */
};

/* engine_metrics.c: tells the numbers of the engine on GET /metrics from now on, and no more. */
void ch_server_begin_metrics(ch_server *server);
void ch_server_end_metrics(ch_server *server);

#endif
