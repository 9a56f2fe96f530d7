/* metrics.c: what the HTTP server counts of itself, and GET /metrics. */
#include "http/internal.h"

#include "base/metrics.h"

#include <stdio.h>

static ch_metric requests = {.kind = CH_COUNTER,
                             .name = "chert_http_requests_total",
                             .help = "HTTP requests answered.",
                             .labels = {"method", "route", "status"}};
static ch_metric seconds_taken = {.kind = CH_HISTOGRAM,
                                  .name = "chert_http_request_seconds",
                                  .help = "Time from a request's first line to the end of its answer.",
                                  .labels = {"method", "route"}};
static ch_metric bytes_received = {
    .kind = CH_COUNTER, .name = "chert_http_received_bytes_total", .help = "Bytes of request bodies."};
static ch_metric bytes_sent = {
    .kind = CH_COUNTER, .name = "chert_http_sent_bytes_total", .help = "Bytes of answers' bodies."};
static ch_metric connections = {
    .kind = CH_GAUGE, .name = "chert_http_connections", .help = "Open HTTP connections.", .labels = {"port"}};

void ch_http_count(const ch_http_request *request, int status, uint64_t sent, double seconds)
{
    /* a client's own method and path are no labels: they have no bound */
    const ch_router_entry *entry = request->match.entry;
    const char *method = entry ? entry->route->method : "", *route = entry ? entry->pattern : "";
    char code[8] = {(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10), (char)('0' + status % 10)};
    ch_metric_add(ch_metric_cell_of(&requests, method, route, code), 1);
    ch_metric_observe(ch_metric_cell_of(&seconds_taken, method, route, NULL), seconds);
    if (request->body_len) ch_metric_add(ch_metric_cell_of(&bytes_received, NULL, NULL, NULL), request->body_len);
    if (sent) ch_metric_add(ch_metric_cell_of(&bytes_sent, NULL, NULL, NULL), sent);
}

void ch_http_count_connections(void *arg)
{
    ch_http_server *server = arg;
    int n = 0;
    pthread_mutex_lock(&server->live_mutex);
    for (const ch_http_request *r = server->live; r; r = r->live_after) n++;
    pthread_mutex_unlock(&server->live_mutex);
    char port[16];
    snprintf(port, sizeof port, "%d", server->port);
    ch_metric_set(ch_metric_cell_of(&connections, port, NULL, NULL), n);
}

static int get_metrics(ch_http_request *request, ch_http_reply *reply, void *app, ch_error *err)
{
    (void)request;
    (void)app;
    (void)err;
    reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    ch_metrics_write(&reply->body);
    return 0;
}

static const ch_http_route ROUTES[] = {{.method = "GET", .path = "/metrics", .handler = get_metrics}};

const ch_http_mount ch_http_metrics_mount = {"", ROUTES, 1, NULL};
