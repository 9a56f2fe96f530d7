/* routes.c: which tables of handlers there are, and how they are mounted. */
#include "track/routes.h"

#include <string.h>

const char *const ch_mlflow_prefixes[] = {
    "/api/2.0/mlflow/",
    "/ajax-api/2.0/mlflow/",
    "/api/2.0/preview/mlflow/",
    "/ajax-api/2.0/preview/mlflow/",
    "/api/3.0/mlflow/",
    "/ajax-api/3.0/mlflow/",
    NULL,
};

static const ch_track_table *const TABLES[] = {
    &ch_server_routes,
    &ch_experiment_routes,
    &ch_run_routes,
    &ch_batch_routes,
    &ch_input_routes,
    &ch_metric_routes,
    &ch_run_search_routes,
    &ch_artifact_routes,
    &ch_artifact_proxy_routes,
    &ch_download_routes,
    &ch_registry_routes,
    &ch_version_routes,
    &ch_logged_routes,
    &ch_trace_routes,
    &ch_span_routes,
    &ch_ui_routes,
    &ch_registry_search_routes,
    &ch_logged_search_routes,
    &ch_trace_search_routes,
    &ch_auth_routes,
    &ch_grant_routes,
    &ch_transfer_routes,
    &ch_cloud_routes,
    &ch_trace_start_routes,
    &ch_old_trace_routes,
    &ch_trace_file_routes,
    &ch_trace_metric_routes,
    &ch_trace_correlation_routes,
    &ch_old_trace_search_routes,
    &ch_auth_ui_routes,
};
enum {
    TABLE_COUNT = sizeof TABLES / sizeof *TABLES,
    /* log-batch says itself what is too much; the profiles of datasets are the largest that MLflow takes (16 MB) */
    BODY_MAX = 20 << 20
};

static const ch_http_route *to_http(ch_track *track, const ch_track_table *table)
{
    ch_http_route *routes = CH_NEW_ARRAY(track->arena, ch_http_route, table->nroute);
    for (size_t i = 0; i < table->nroute; i++) {
        const ch_track_route *route = &table->routes[i];
        routes[i] = (ch_http_route){
            .method = route->method,
            .path = ch_arena_printf(track->arena, "/%s", route->path),
            .handler = ch_call_serve,
            .flags = route->flags,
            .max_body = route->flags & CH_HTTP_STREAM ? 0 : BODY_MAX,
            .data = route,
            .permit = route->flags & CH_HTTP_STREAM && strcmp(route->method, "GET") ? ch_call_permit : NULL,
        };
    }
    return routes;
}

size_t ch_track_mounts(ch_track *track, ch_http_mount *mounts, size_t room)
{
    size_t n = 0;
    for (int t = 0; t < TABLE_COUNT; t++) {
        const ch_http_route *routes = to_http(track, TABLES[t]);
        for (const char *const *prefix = TABLES[t]->prefixes; *prefix && n < room; prefix++) {
            size_t len = strlen(*prefix);
            if (len > 0 && (*prefix)[len - 1] == '/') len--;
            mounts[n++] = (ch_http_mount){
                .prefix = ch_arena_strndup(track->arena, *prefix, len),
                .routes = routes,
                .nroute = TABLES[t]->nroute,
                .app = track,
            };
        }
    }
    return n;
}
