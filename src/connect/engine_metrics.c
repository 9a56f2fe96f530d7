/* engine_metrics.c: the engine's numbers for GET /metrics that are asked for rather than counted: sessions and what
 * they keep. Operations are counted by monitor.c as they end. */
#include "base/metrics.h"
#include "connect/server_internal.h"

static ch_metric running = {.kind = CH_GAUGE, .name = "chert_operations_running", .help = "Operations that run now."};
static ch_metric sessions = {.kind = CH_GAUGE, .name = "chert_sessions", .help = "Spark sessions that are open."};
static ch_metric frames = {
    .kind = CH_GAUGE, .name = "chert_cached_frames", .help = "DataFrames that sessions persist."};
static ch_metric frame_bytes = {
    .kind = CH_GAUGE, .name = "chert_cached_frame_bytes", .help = "About what persisted DataFrames take."};
static ch_metric models = {
    .kind = CH_GAUGE, .name = "chert_cached_models", .help = "Fitted models and summaries that sessions keep."};
static ch_metric model_bytes = {.kind = CH_GAUGE, .name = "chert_cached_model_bytes", .help = "About what they take."};

static ch_metric engine_bytes = {.kind = CH_GAUGE,
                                 .name = "chert_engine_memory_bytes",
                                 .help = "Memory of the engine for queries and cached tables."};
static ch_metric spilled_bytes = {
    .kind = CH_GAUGE, .name = "chert_engine_spilled_bytes", .help = "What the engine has in temporary files."};

static void set(ch_metric *metric, double value)
{
    ch_metric_set(ch_metric_cell_of(metric, NULL, NULL, NULL), value);
}

static void collect(void *arg)
{
    ch_server *server = arg;
    ch_arena *arena = ch_arena_new();
    ch_holder **holders;
    size_t n = ch_sessions_list(server->service.sessions, arena, &holders), nframe = 0, nmodel = 0;
    int64_t bytes = 0, fitted = 0;
    for (size_t i = 0; i < n; i++) {
        ch_cache_info *cached;
        ch_ml_info *objects;
        size_t c = ch_cache_list(ch_holder_frame(holders[i]), arena, &cached);
        size_t m = ch_ml_list(ch_holder_ml(holders[i]), arena, &objects);
        for (size_t k = 0; k < c; k++) bytes += cached[k].bytes;
        for (size_t k = 0; k < m; k++) fitted += (int64_t)objects[k].bytes;
        nframe += c;
        nmodel += m;
        ch_holder_release(holders[i]);
    }
    ch_arena_free(arena);
    int64_t memory, spilled;
    ch_engine_memory(server->service.engine, &memory, &spilled);
    set(&engine_bytes, (double)memory);
    set(&spilled_bytes, (double)spilled);
    set(&running, (double)ch_monitor_sum(server->service.monitor).count[CH_RECORD_RUNNING]);
    set(&sessions, (double)n);
    set(&frames, (double)nframe);
    set(&frame_bytes, (double)bytes);
    set(&models, (double)nmodel);
    set(&model_bytes, (double)fitted);
}

void ch_server_begin_metrics(ch_server *server)
{
    ch_metrics_collect(collect, server);
}

void ch_server_end_metrics(ch_server *server)
{
    ch_metrics_forget(collect, server);
}
