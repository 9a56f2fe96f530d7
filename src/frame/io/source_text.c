/* source_text.c: spark.read.text: one STRING column, a row for each line or (wholetext) each file. */
#include "frame/io/source_internal.h"
#include "frame/text/lines.h"
#include "frame/text/text_column.h"

#include <stdlib.h>

typedef struct text_reader {
    ch_text_options options;
    bool whole, wanted;
    ch_lines lines;
    const char *path; /* whole: the file still to be given */
} text_reader;

static void text_close(void *arg)
{
    text_reader *r = arg;
    ch_lines_close(&r->lines);
    free(r);
}

static int text_open(const ch_scan *scan, size_t n, const size_t *columns, void **out, ch_error *err)
{
    (void)columns;
    text_reader *r = calloc(1, sizeof *r);
    if (!r) return ch_no_memory(err);
    r->options = *(const ch_text_options *)scan->options;
    r->whole = !scan->format->splittable;
    r->wanted = n > 0;
    *out = r;
    return 0;
}

static int text_start(void *arg, const ch_scan_part *part, ch_error *err)
{
    text_reader *r = arg;
    r->path = part->file->path;
    return r->whole ? 0 : ch_lines_open(&r->lines, part->file->path, part->start, part->end, &r->options, err);
}

static void put(ch_column *out, size_t row, const char *text, size_t len)
{
    if (ch_column_put_text(out, row, text, len)) return;
    ch_buf repaired = {0};
    ch_utf8_repair(&repaired, text, len);
    ch_column_put_utf8(out, row, ch_buf_text(&repaired), repaired.len);
    ch_buf_reset(&repaired);
}

static int text_next(void *arg, ch_column *cols, size_t max, size_t *rows, ch_error *err)
{
    text_reader *r = arg;
    *rows = 0;
    if (r->whole) {
        ch_buf text = {0};
        if (!r->path) return 0;
        CH_TRY(ch_read_file(r->path, r->options.encoding, &text, err));
        if (r->wanted) put(&cols[0], 0, ch_buf_text(&text), text.len);
        ch_buf_reset(&text);
        r->path = NULL;
        *rows = 1;
        return 0;
    }
    while (*rows < max) {
        const char *line;
        size_t len;
        CH_TRY(ch_lines_next(&r->lines, &line, &len, err));
        if (!line) return 0;
        if (r->wanted) put(&cols[0], *rows, line, len);
        ++*rows;
    }
    return 0;
}

static const ch_scan_format LINES = {
    .splittable = true, .open = text_open, .start = text_start, .next = text_next, .close = text_close};
static const ch_scan_format WHOLE = {
    .splittable = false, .open = text_open, .start = text_start, .next = text_next, .close = text_close};

static bool is_string(const ch_type *type)
{
    return type->kind == CH_STRING;
}

int ch_source_text(ch_read *read, ch_rel **out, ch_error *err)
{
    ch_arena *arena = read->scope->arena;
    ch_text_options options;
    bool whole;
    CH_TRY(ch_text_options_read(read->scope->session, arena, "TextOptions", &read->options, &options, err));
    CH_TRY(ch_option_bool(&read->options, "wholetext", false, &whole, err));
    ch_field *value = CH_NEW(arena, ch_field);
    *value = (ch_field){.name = "value", .type = &ch_type_string, .nullable = true};
    ch_schema schema = {.n = 1, .fields = value};
    if (read->has_schema) {
        schema = read->schema;
        CH_TRY(ch_check_schema(read, &schema, is_string, err));
        if (schema.n > 1) {
            return ch_failf(err, CH_E_ANALYSIS,
                            "Text data source supports only a single column, and you have %zu columns.", schema.n);
        }
    }
    ch_scan *scan = ch_scan_new(whole ? &WHOLE : &LINES);
    scan->options = ch_arena_dup(scan->arena, &options, sizeof options);
    scan->data = schema;
    scan->partitions = read->files.partitions;
    ch_scan_set_files(scan, read->files.n, read->files.files);
    return ch_scan_rel(read, scan, true, false, out, err);
}
