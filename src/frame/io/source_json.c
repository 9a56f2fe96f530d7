/* source_json.c: spark.read.json: a record a line, or (multiLine) a file. */
#include "frame/io/source_internal.h"
#include "frame/text/json.h"
#include "frame/text/lines.h"

#include "base/random.h"
#include "base/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a JSON scan's readers need: ch_scan.options. */
typedef struct json_spec {
    ch_json_options options;
    size_t corrupt; /* data column that gets malformed records, or SIZE_MAX */
} json_spec;

/* --- reading --------------------------------------------------------------------------------------------- */

typedef struct json_reader {
    const json_spec *spec;
    const ch_json_options *o;
    size_t n;         /* columns wanted but the corrupt one */
    ch_field *fields; /* theirs */
    size_t *place;    /* where each stands among the columns wanted */
    ch_column *cols;  /* theirs, in one piece */
    size_t corrupt;   /* where malformed records go, or SIZE_MAX */
    const ch_scan_part *part;
    ch_lines lines;
    ch_buf whole, scratch;
    bool whole_due;
    bool in_array, first; /* inside a root array: `at` is behind a row of it */
    ch_json_reader j;
} json_reader;

static void json_close(void *arg)
{
    json_reader *r = arg;
    ch_lines_close(&r->lines);
    ch_buf_reset(&r->whole);
    ch_buf_reset(&r->scratch);
    free(r->fields);
    free(r->place);
    free(r->cols);
    free(r);
}

static int json_open(const ch_scan *scan, size_t n, const size_t *columns, void **out, ch_error *err)
{
    json_reader *r = calloc(1, sizeof *r);
    if (!r) return ch_no_memory(err);
    *out = r;
    r->spec = scan->options;
    r->o = &r->spec->options;
    r->corrupt = SIZE_MAX;
    r->fields = calloc(n + 1, sizeof *r->fields);
    r->place = calloc(n + 1, sizeof *r->place);
    r->cols = calloc(n + 1, sizeof *r->cols);
    if (!r->fields || !r->place || !r->cols) return ch_no_memory(err);
    for (size_t i = 0; i < n; i++) {
        if (columns[i] == r->spec->corrupt) {
            r->corrupt = i;
            continue;
        }
        r->fields[r->n] = scan->data.fields[columns[i]];
        r->place[r->n++] = i;
    }
    if (r->corrupt != SIZE_MAX && !r->n) {
        return ch_raise(err, "UNSUPPORTED_FEATURE.QUERY_ONLY_CORRUPT_RECORD_COLUMN", (char *)NULL);
    }
    return 0;
}

static int json_start(void *arg, const ch_scan_part *part, ch_error *err)
{
    json_reader *r = arg;
    r->part = part;
    r->in_array = false;
    r->whole_due = r->o->text.multi_line;
    if (!r->o->text.multi_line) {
        return ch_lines_open(&r->lines, part->file->path, part->start, part->end, &r->o->text, err);
    }
    ch_buf_clear(&r->whole);
    return ch_read_file(part->file->path, r->o->text.encoding, &r->whole, err);
}

/* The next record that is not blank; *record = NULL at the end. */
static int next_record(json_reader *r, const char **record, size_t *len, ch_error *err)
{
    for (;;) {
        *record = NULL;
        if (r->o->text.multi_line) {
            if (!r->whole_due) return 0;
            r->whole_due = false;
            *record = ch_buf_text(&r->whole);
            *len = r->whole.len;
        } else {
            CH_TRY(ch_lines_next(&r->lines, record, len, err));
            if (!*record) return 0;
        }
        r->j = (ch_json_reader){*record, *record + *len, r->o};
        if (!ch_json_space(&r->j) || r->j.at < r->j.end) return 0;
    }
}

static void put_corrupt(ch_column *out, size_t row, const char *record, size_t len)
{
    if (ch_column_put_text(out, row, record, len)) return;
    ch_buf repaired = {0};
    ch_utf8_repair(&repaired, record, len);
    ch_column_put_utf8(out, row, ch_buf_text(&repaired), repaired.len);
    ch_buf_reset(&repaired);
}

/* What becomes of a row once it is converted: kept, dropped, or an error. */
static int finish_row(json_reader *r, ch_column *cols, size_t row, ch_json_result result, const char *record,
                      size_t len, bool *kept, ch_error *err)
{
    *kept = true;
    if (result != CH_JSON_GOOD && r->o->text.mode == CH_FAIL_FAST) {
        char uri[1100];
        snprintf(uri, sizeof uri, "file://%s", r->part->file->path);
        return ch_raise(err, "FAILED_READ_FILE.NO_HINT", "path", uri, (char *)NULL);
    }
    if (result != CH_JSON_GOOD && r->o->text.mode == CH_DROP_MALFORMED) {
        for (size_t i = 0; i < r->n; i++) ch_column_set_valid(&r->cols[i], row);
        *kept = false;
    } else if (r->corrupt != SIZE_MAX && result == CH_JSON_GOOD) {
        ch_column_set_null(&cols[r->corrupt], row);
    } else if (r->corrupt != SIZE_MAX) {
        put_corrupt(&cols[r->corrupt], row, record, len);
    }
    return 0;
}

/* The next row, of the record at hand or a new one. *done at the end of the part. */
static int next_row(json_reader *r, ch_column *cols, size_t row, bool *kept, bool *done, ch_error *err)
{
    const char *record = NULL;
    size_t len = 0;
    ch_json_result result = CH_JSON_MALFORMED;
    bool more = false;
    *done = *kept = false;
    if (r->in_array) {
        r->in_array = ch_json_next(&r->j, ']', r->first, &more) && more;
        r->first = false;
        if (!r->in_array) return 0;
        CH_TRY(ch_json_convert(&r->j, r->fields, r->n, r->cols, row, &r->scratch, &result, err));
        return finish_row(r, cols, row, result, r->j.at, 0, kept, err);
    }
    CH_TRY(next_record(r, &record, &len, err));
    if (!record) {
        *done = true;
        return 0;
    }
    bool readable = r->j.at < r->j.end && ch_utf8_valid(record, len);
    if (readable && *r->j.at == '[' && ch_json_is_rows(r->j)) {
        r->j.at++;
        r->in_array = r->first = true;
        return 0;
    }
    if (readable && *r->j.at == '{') {
        CH_TRY(ch_json_convert(&r->j, r->fields, r->n, r->cols, row, &r->scratch, &result, err));
    } else {
        for (size_t i = 0; i < r->n; i++) ch_column_set_null(&r->cols[i], row);
    }
    return finish_row(r, cols, row, result, record, len, kept, err);
}

static int json_next(void *arg, ch_column *cols, size_t max, size_t *rows, ch_error *err)
{
    json_reader *r = arg;
    for (size_t i = 0; i < r->n; i++) r->cols[i] = cols[r->place[i]];
    int status = 0;
    bool kept, done = false;
    size_t row = 0;
    while (row < max && !done && !status) {
        status = next_row(r, cols, row, &kept, &done, err);
        row += !status && kept;
    }
    for (size_t i = 0; i < r->n; i++) cols[r->place[i]] = r->cols[i];
    *rows = row;
    return status;
}

static const ch_scan_format LINES = {
    .splittable = true, .open = json_open, .start = json_start, .next = json_next, .close = json_close};
static const ch_scan_format WHOLE = {
    .splittable = false, .open = json_open, .start = json_start, .next = json_next, .close = json_close};

/* --- schema ---------------------------------------------------------------------------------------------- */

/* What a part of the files shows. */
typedef struct finding {
    ch_arena *arena;
    ch_json_shape *shape;
    bool malformed;
    int status;
    ch_error err;
} finding;

static bool is_blank(const char *text, size_t len)
{
    while (len && (unsigned char)text[len - 1] <= ' ') len--;
    return !len;
}

static void infer_part(const ch_json_options *o, const ch_scan_part *part, ch_random *sample, finding *f)
{
    f->arena = ch_arena_new();
    f->shape = ch_json_shape_new(f->arena);
    if (o->text.multi_line) {
        ch_buf text = {0};
        f->status = ch_read_file(part->file->path, o->text.encoding, &text, &f->err);
        if (!f->status && !is_blank(ch_buf_text(&text), text.len)) {
            f->malformed = !ch_json_observe(f->arena, f->shape, o, ch_buf_text(&text), text.len);
        }
        ch_buf_reset(&text);
        return;
    }
    ch_lines lines = {0};
    f->status = ch_lines_open(&lines, part->file->path, part->start, part->end, &o->text, &f->err);
    while (!f->status) {
        const char *line;
        size_t len;
        f->status = ch_lines_next(&lines, &line, &len, &f->err);
        if (f->status || !line) break;
        if (sample && !(ch_random_double(sample) < o->text.sampling_ratio)) continue;
        if (is_blank(line, len)) continue;
        if (!ch_json_observe(f->arena, f->shape, o, line, len)) f->malformed = true;
    }
    ch_lines_close(&lines);
}

/* What malformed records mean for the schema: a column for them, nothing, or an error. */
static int schema_of(ch_arena *arena, const ch_json_shape *shape, const ch_json_options *o, bool malformed,
                     ch_schema *out, ch_error *err)
{
    if (malformed && o->text.mode == CH_FAIL_FAST) {
        return ch_raise(err, "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", "badRecord", o->text.corrupt_column,
                        "failFastMode", "FAILFAST", (char *)NULL);
    }
    const char *corrupt = malformed && o->text.mode == CH_PERMISSIVE ? o->text.corrupt_column : NULL;
    return ch_json_schema(arena, shape, o, corrupt, out, err);
}

static int infer(ch_arena *arena, const ch_json_options *o, const ch_scan *scan, ch_schema *out, ch_error *err)
{
    size_t n = scan->npart;
    finding *findings = calloc(n ? n : 1, sizeof *findings);
    if (!findings) return ch_no_memory(err);
    if (o->text.sampling_ratio <= 0.99) {
        ch_random random = ch_xorshift_random(1);
        for (size_t i = 0; i < n; i++) infer_part(o, &scan->parts[i], &random, &findings[i]);
    } else {
#pragma omp parallel for schedule(dynamic) num_threads(ch_threads())
        for (size_t i = 0; i < n; i++) infer_part(o, &scan->parts[i], NULL, &findings[i]);
    }
    ch_json_shape *shape = ch_json_shape_new(arena);
    bool malformed = false;
    int status = 0;
    for (size_t i = 0; i < n && !status; i++) {
        status = findings[i].status;
        if (status) *err = findings[i].err;
        if (!status) ch_json_merge(arena, shape, findings[i].shape);
        malformed |= findings[i].malformed;
    }
    if (!status) status = schema_of(arena, shape, o, malformed, out, err);
    for (size_t i = 0; i < n; i++) ch_arena_free(findings[i].arena);
    free(findings);
    return status;
}

static int find_schema(ch_read *read, const ch_json_options *o, const ch_scan *scan, ch_schema *out, ch_error *err)
{
    ch_arena *arena = read->scope->arena;
    if (read->has_schema) {
        *out = read->schema;
        return 0;
    }
    if (!read->files.n) return ch_no_schema(read, err);
    const char *identity = ch_read_identity(read, NULL);
    if (ch_schema_cache_get(arena, identity, out)) return 0;
    CH_TRY(infer(arena, o, scan, out, err));
    ch_schema_cache_put(identity, out);
    return 0;
}

int ch_source_json(ch_read *read, ch_rel **out, ch_error *err)
{
    ch_arena *arena = read->scope->arena;
    ch_json_options o;
    CH_TRY(ch_json_options_read(read->scope->session, arena, &read->options, &o, err));
    ch_scan *scan = ch_scan_new(o.text.multi_line ? &WHOLE : &LINES);
    json_spec *spec = CH_NEW(scan->arena, json_spec);
    *spec = (json_spec){.options = o, .corrupt = SIZE_MAX};
    scan->options = spec;
    scan->partitions = read->files.partitions;
    ch_scan_set_files(scan, read->files.n, read->files.files);
    int status = find_schema(read, &o, scan, &scan->data, err);
    if (!status) status = ch_check_schema(read, &scan->data, ch_json_supports, err);
    if (!status) status = ch_corrupt_column(&o.text, &scan->data, &spec->corrupt, err);
    if (status) {
        ch_scan_release(scan);
        return status;
    }
    bool storable = o.text.mode == CH_PERMISSIVE && spec->corrupt == SIZE_MAX;
    return ch_scan_rel(read, scan, storable, !read->has_schema, out, err);
}
