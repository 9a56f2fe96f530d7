/* What OpenTelemetry's exporters send: spans in protobuf, which become JSON that must be whole whatever came. */
#include "track/trace/otlp.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ch_arena *arena = ch_arena_new();
    ch_otlp_span *spans;
    size_t count;
    ch_error err;
    if (ch_otlp_read(arena, data, size, &spans, &count, &err) == 0) {
        for (size_t i = 0; i < count; i++) {
            assert(strlen(spans[i].trace_id) == 32 && spans[i].mlflow_id && spans[i].name);
            json_t *json = json_loads(spans[i].json, 0, NULL);
            assert(json_is_object(json));
            json_decref(json);
        }
    }
    ch_arena_free(arena);
    return 0;
}
