/* Arrow IPC streams from anywhere: read to the end into columns, as createDataFrame does, and written again. */
#include "frame/arrow/arrow_read.h"
#include "frame/engine/query.h"

#include <stdlib.h>

enum { ROWS = 64, COLUMNS_MAX = 64, BATCHES_MAX = 50 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_all(ch_arrow_reader *reader, const ch_schema *schema, ch_error *err)
{
    ch_arrow_encoder *encoder = ch_arrow_encoder_new(schema, "UTC");
    ch_buf out = {0};
    int status = 0;
    for (int i = 0; i < BATCHES_MAX && !status; i++) {
        ch_column cols[COLUMNS_MAX], *own[COLUMNS_MAX];
        for (size_t c = 0; c < schema->n; c++) {
            own[c] = ch_column_new(schema->fields[c].type, ROWS);
            cols[c] = *own[c];
        }
        size_t rows = 0;
        status = ch_arrow_reader_read(reader, cols, ROWS, &rows, err);
        ch_batch batch = {.rows = rows, .ncol = schema->n, .cols = cols};
        if (!status && rows) status = ch_arrow_encoder_add(encoder, &batch, err);
        for (size_t c = 0; c < schema->n; c++) {
            *own[c] = cols[c];
            ch_column_free(own[c]);
        }
        if (!rows) break;
    }
    if (!status) status = ch_arrow_encoder_finish(encoder, &out, err);
    ch_buf_reset(&out);
    ch_arrow_encoder_free(encoder);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ch_error err;
    ch_arrow_reader *reader;
    if (ch_arrow_reader_open(data, size, &reader, &err)) return 0;
    ch_arena *arena = ch_arena_new();
    ch_schema schema;
    if (!ch_arrow_reader_schema(reader, arena, &schema, &err) && schema.n <= COLUMNS_MAX &&
        !ch_arrow_reader_want(reader, &schema, ch_timezone_utc(), &err)) {
        read_all(reader, &schema, &err);
    }
    ch_arena_free(arena);
    ch_arrow_reader_close(reader);
    return 0;
}
