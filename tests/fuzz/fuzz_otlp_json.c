/* OpenTelemetry's JSON: what becomes protobuf of it must be readable, and its spans be JSON again. */
#include "track/trace/otlp.h"
#include "track/trace/otlp_json.h"
#include "track/trace/span_file.h"

#include <assert.h>
#include <jansson.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ch_arena *arena = ch_arena_new();
    ch_buf bytes = {0}, file = {0};
    ch_otlp_span *spans;
    size_t count;
    ch_error err;
    if (ch_otlp_from_json((const char *)data, size, &bytes, &err) == 0 &&
        ch_otlp_read(arena, ch_buf_text(&bytes), bytes.len, &spans, &count, &err) == 0) {
        for (size_t i = 0; i < count; i++) {
            ch_buf_clear(&file);
            ch_span_file_write(&file, &spans[i].json, 1);
            json_t *json = json_loads(file.data, 0, NULL);
            assert(json_array_size(json_object_get(json, "spans")) == 1);
            json_decref(json);
        }
    }
    ch_buf_reset(&bytes);
    ch_buf_reset(&file);
    ch_arena_free(arena);
    return 0;
}
