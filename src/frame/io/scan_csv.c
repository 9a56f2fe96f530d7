/* scan_csv.c: reading parts of CSV files into columns: Spark's UnivocityParser and FailureSafeParser. */
#include "frame/io/source_csv.h"
#include "frame/text/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct csv_reader {
    const ch_scan *scan;
    const ch_csv_scan *spec;
    const ch_csv_options *o;
    size_t n; /* columns wanted */
    const size_t *columns;
    size_t *field;     /* which field of a record each is */
    size_t corrupt;    /* which of them gets malformed records, or SIZE_MAX */
    size_t nfield;     /* fields a record should have */
    bool checks_count; /* records with another number of fields are malformed */
    bool counts_only;  /* no fields are wanted: every line is a row */
    ch_csv_parser parser;
    const ch_scan_part *part;
    ch_lines lines;
    ch_buf text; /* multi-line: the whole file */
    const char *at, *end;
    bool header_due; /* the next record is the header */
} csv_reader;

bool ch_csv_skip_line(const ch_csv_options *o, const char *line, size_t len)
{
    size_t blank = 0;
    while (blank < len && (unsigned char)line[blank] <= ' ') blank++;
    return blank == len || (o->comment && line[0] == o->comment);
}

void ch_csv_normalise(ch_buf *text, const ch_csv_options *o)
{
    if (!text->len) return;
    char *from = text->data, *end = from + text->len, *to = from;
    if (o->text.line_sep_len) {
        size_t len = o->text.line_sep_len;
        if (len == 1 && o->text.line_sep[0] == '\n') return;
        while (from < end) {
            bool hit = (size_t)(end - from) >= len && memcmp(from, o->text.line_sep, len) == 0;
            *to++ = hit ? '\n' : *from;
            from += hit ? len : 1;
        }
    } else {
        /* the first end of line decides */
        char *first = from;
        while (first < end && *first != '\n' && *first != '\r') first++;
        if (first == end || *first == '\n') return;
        bool pair = first + 1 < end && first[1] == '\n';
        while (from < end) {
            bool hit = *from == '\r' && (pair ? from + 1 < end && from[1] == '\n' : from + 1 < end);
            *to++ = hit ? '\n' : *from;
            from += hit && pair ? 2 : 1;
        }
    }
    text->len = (size_t)(to - text->data);
    *to = '\0';
}

/* --- opening --------------------------------------------------------------------------------------------- */

static void csv_close(void *arg)
{
    csv_reader *r = arg;
    ch_csv_parser_reset(&r->parser);
    ch_lines_close(&r->lines);
    ch_buf_reset(&r->text);
    free(r->field);
    free(r);
}

static int csv_open(const ch_scan *scan, size_t n, const size_t *columns, void **out, ch_error *err)
{
    csv_reader *r = calloc(1, sizeof *r);
    if (!r) return ch_no_memory(err);
    *out = r;
    r->scan = scan;
    r->spec = scan->options;
    r->o = &r->spec->options;
    r->n = n;
    r->columns = columns;
    r->corrupt = SIZE_MAX;
    r->nfield = scan->data.n - (r->spec->corrupt != SIZE_MAX);
    r->field = calloc(n + 1, sizeof *r->field);
    ch_csv_parser_init(&r->parser, r->o);
    if (!r->field) return ch_no_memory(err);
    size_t fields = 0;
    for (size_t i = 0; i < n; i++) {
        if (columns[i] == r->spec->corrupt) {
            r->corrupt = i;
            continue;
        }
        r->field[i] = columns[i] - (columns[i] > r->spec->corrupt);
        fields++;
    }
    if (r->corrupt != SIZE_MAX && !fields) {
        return ch_raise(err, "UNSUPPORTED_FEATURE.QUERY_ONLY_CORRUPT_RECORD_COLUMN", (char *)NULL);
    }
    r->checks_count = !r->o->prune || fields == r->nfield;
    r->counts_only = r->o->prune && !fields;
    return 0;
}

static int read_failed(const csv_reader *r, ch_error *err)
{
    char uri[1100];
    snprintf(uri, sizeof uri, "file://%s", r->part->file->path);
    return ch_raise(err, "FAILED_READ_FILE.NO_HINT", "path", uri, (char *)NULL);
}

static int guessed_wrong(ch_error *err)
{
    return ch_failf(err, CH_E_SPARK, "The types of the columns are not those of the first lines.");
}

/* enforceSchema = false: the header must name the schema's columns. */
static int check_header(csv_reader *r, ch_error *err)
{
    const ch_csv_parser *p = &r->parser;
    if (r->o->enforce_schema) return 0;
    bool same = p->n == r->nfield;
    for (size_t i = 0; same && i < p->n; i++) {
        const char *name = r->scan->data.fields[i + (i >= r->spec->corrupt)].name;
        size_t len;
        const char *text = ch_csv_text(r->o, &p->fields[i], &len);
        same = len == strlen(name) &&
               (r->o->text.case_sensitive ? memcmp(text, name, len) : strncasecmp(text, name, len)) == 0;
    }
    return same ? 0 : read_failed(r, err);
}

static int start_lines(void *arg, const ch_scan_part *part, ch_error *err)
{
    csv_reader *r = arg;
    r->part = part;
    r->header_due = r->o->header && part->start == 0;
    return ch_lines_open(&r->lines, part->file->path, part->start, part->end, &r->o->text, err);
}

static int start_whole(void *arg, const ch_scan_part *part, ch_error *err)
{
    csv_reader *r = arg;
    r->part = part;
    r->header_due = r->o->header;
    ch_buf_clear(&r->text);
    CH_TRY(ch_read_file(part->file->path, r->o->text.encoding, &r->text, err));
    ch_csv_normalise(&r->text, r->o);
    r->at = ch_buf_text(&r->text);
    r->end = r->at + r->text.len;
    return 0;
}

/* --- records --------------------------------------------------------------------------------------------- */

/* The next record of a part, parsed; *record = NULL at the end. */
static int next_line(csv_reader *r, const char **record, size_t *len, ch_error *err)
{
    const char *line, *next;
    for (;;) {
        CH_TRY(ch_lines_next(&r->lines, &line, len, err));
        *record = line;
        if (!line) return 0;
        if (ch_csv_skip_line(r->o, line, *len)) {
            if (r->spec->guess && !ch_csv_infer_skips(r->o, line, *len)) return guessed_wrong(err);
            continue;
        }
        if (r->counts_only && !r->header_due) return 0;
        CH_TRY(ch_csv_parse(&r->parser, line, line + *len, &next, err));
        if (!r->header_due) return 0;
        r->header_due = false;
        CH_TRY(check_header(r, err));
    }
}

static int next_whole(csv_reader *r, const char **record, size_t *len, ch_error *err)
{
    while (r->at < r->end) {
        *record = r->at;
        if (r->o->comment && *r->at == r->o->comment) {
            const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
            r->at = newline ? newline + 1 : r->end;
            continue;
        }
        CH_TRY(ch_csv_parse(&r->parser, r->at, r->end, &r->at, err));
        if (!r->parser.n) continue; /* an empty line */
        *len = (size_t)(r->at - *record);
        while (*len && ((*record)[*len - 1] == '\n' || (*record)[*len - 1] == '\r')) --*len;
        if (!r->header_due) return 0;
        r->header_due = false;
        CH_TRY(check_header(r, err));
    }
    *record = NULL;
    return 0;
}

/* Whether a field leaves the type that was guessed for its column as it is, as inference sees it. `converted` tells
 * whether it is a value of that type. */
static bool fits_guess(csv_reader *r, size_t column, const ch_csv_field *field, bool converted)
{
    const ch_type *type = r->spec->guess[column];
    if (type && type->kind == CH_STRING) return true;
    if (type && (type->kind == CH_INT || type->kind == CH_LONG)) return converted;
    if (!type) return ch_csv_is_null(r->o, field);
    const ch_type *now = type;
    ch_csv_infer_field(r->o, NULL, &now, field); /* needs no memory but for decimals, which are not guessed */
    return now->kind == type->kind;
}

/* One record into a row; *kept tells whether it stays. */
static int put_record(csv_reader *r, ch_column *cols, size_t row, const char *record, size_t len, bool *kept,
                      ch_error *err)
{
    const ch_csv_parser *p = &r->parser;
    bool bad = r->checks_count && p->n != r->nfield;
    for (size_t i = 0; i < r->n; i++) {
        if (i == r->corrupt) continue;
        if (r->field[i] >= p->n) {
            ch_column_set_null(&cols[i], row);
            continue;
        }
        const ch_csv_field *field = &p->fields[r->field[i]];
        bool converted = ch_csv_convert(r->o, field, &cols[i], row);
        if (!converted) bad = true;
        if (r->spec->guess && !fits_guess(r, r->columns[i], field, converted)) return guessed_wrong(err);
    }
    *kept = true;
    if (bad && r->o->text.mode == CH_FAIL_FAST) return read_failed(r, err);
    if (bad && r->o->text.mode == CH_DROP_MALFORMED) {
        for (size_t i = 0; i < r->n; i++) ch_column_set_valid(&cols[i], row);
        *kept = false;
    } else if (r->corrupt != SIZE_MAX) {
        ch_column *out = &cols[r->corrupt];
        if (!bad) {
            ch_column_set_null(out, row);
        } else if (!ch_column_put_text(out, row, record, len)) {
            ch_buf repaired = {0};
            ch_utf8_repair(&repaired, record, len);
            ch_column_put_utf8(out, row, ch_buf_text(&repaired), repaired.len);
            ch_buf_reset(&repaired);
        }
    }
    return 0;
}

static int csv_next(csv_reader *r, int (*next)(csv_reader *, const char **, size_t *, ch_error *), ch_column *cols,
                    size_t max, size_t *rows, ch_error *err)
{
    size_t row = 0;
    while (row < max) {
        const char *record;
        size_t len;
        CH_TRY(next(r, &record, &len, err));
        if (!record) break;
        bool kept = true;
        if (!r->counts_only) CH_TRY(put_record(r, cols, row, record, len, &kept, err));
        row += kept;
    }
    *rows = row;
    return 0;
}

static int csv_next_lines(void *arg, ch_column *cols, size_t max, size_t *rows, ch_error *err)
{
    return csv_next(arg, next_line, cols, max, rows, err);
}

static int csv_next_whole(void *arg, ch_column *cols, size_t max, size_t *rows, ch_error *err)
{
    return csv_next(arg, next_whole, cols, max, rows, err);
}

const ch_scan_format ch_csv_format = {
    .splittable = true, .open = csv_open, .start = start_lines, .next = csv_next_lines, .close = csv_close};
const ch_scan_format ch_csv_whole_format = {
    .splittable = false, .open = csv_open, .start = start_whole, .next = csv_next_whole, .close = csv_close};
