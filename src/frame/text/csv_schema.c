/* csv_schema.c: the columns of CSV files: names from the first record, types from all of them (CSVDataSource.infer).
 * Parts of files are looked at in parallel and their findings merged in order, so that the result never depends on the
 * number of threads. */
#include "base/random.h"
#include "base/thread.h"
#include "frame/io/source_csv.h"
#include "frame/text/lines.h"

#include <stdlib.h>
#include <string.h>

/* What one part of the files says. */
typedef struct finding {
    ch_arena *arena;
    const ch_type **types;
    ch_error err;
    int status;
} finding;

typedef struct inference {
    const ch_csv_options *o;
    const ch_scan *scan;
    const char *first; /* the first line, which is the header in every file that starts with it */
    size_t first_len;
    size_t ncol;
    ch_random random; /* for samplingRatio below 1 */
    bool sampled;
    size_t max_lines; /* of each part; 0: all */
} inference;

/* Blank for inference are lines of nothing but the space character. */
bool ch_csv_infer_skips(const ch_csv_options *o, const char *line, size_t len)
{
    size_t blank = 0;
    while (blank < len && line[blank] == ' ') blank++;
    return blank == len || (o->comment && line[0] == o->comment);
}

static void look_at(const inference *in, finding *f, const ch_csv_parser *p)
{
    size_t n = p->n < in->ncol ? p->n : in->ncol;
    for (size_t i = 0; i < n; i++) ch_csv_infer_field(in->o, f->arena, &f->types[i], &p->fields[i]);
}

static int infer_lines(inference *in, const ch_scan_part *part, finding *f, ch_csv_parser *p, ch_error *err)
{
    ch_lines lines = {0};
    int status = ch_lines_open(&lines, part->file->path, part->start, part->end, &in->o->text, err);
    for (size_t n = 0; !status && (n < in->max_lines || !in->max_lines); n++) {
        const char *line, *next;
        size_t len;
        status = ch_lines_next(&lines, &line, &len, err);
        if (status || !line) break;
        if (in->sampled && !(ch_random_double(&in->random) < in->o->text.sampling_ratio)) continue;
        if (ch_csv_infer_skips(in->o, line, len)) continue;
        if (in->o->header && len == in->first_len && memcmp(line, in->first, len) == 0) continue;
        status = ch_csv_parse(p, line, line + len, &next, err);
        if (!status) look_at(in, f, p);
    }
    ch_lines_close(&lines);
    return status;
}

/* The next record of a multi-line file's text. */
static int next_record(ch_csv_parser *p, const char **at, const char *end, ch_error *err)
{
    p->n = 0;
    while (*at < end && !p->n) {
        if (p->options->comment && **at == p->options->comment) {
            const char *newline = memchr(*at, '\n', (size_t)(end - *at));
            *at = newline ? newline + 1 : end;
            continue;
        }
        CH_TRY(ch_csv_parse(p, *at, end, at, err));
    }
    return 0;
}

static int infer_whole(inference *in, const ch_scan_part *part, finding *f, ch_csv_parser *p, ch_error *err)
{
    ch_buf text = {0};
    CH_TRY(ch_read_file(part->file->path, in->o->text.encoding, &text, err));
    ch_csv_normalise(&text, in->o);
    const char *at = ch_buf_text(&text), *end = at + text.len;
    int status = in->o->header ? next_record(p, &at, end, err) : 0;
    while (!status) {
        status = next_record(p, &at, end, err);
        if (status || !p->n) break;
        if (in->sampled && !(ch_random_double(&in->random) < in->o->text.sampling_ratio)) continue;
        look_at(in, f, p);
    }
    ch_buf_reset(&text);
    return status;
}

static void infer_part(inference *in, const ch_scan_part *part, finding *f)
{
    ch_csv_parser p;
    ch_csv_parser_init(&p, in->o);
    f->arena = ch_arena_new();
    f->types = CH_NEW_ARRAY(f->arena, const ch_type *, in->ncol);
    f->status = in->o->text.multi_line ? infer_whole(in, part, f, &p, &f->err) : infer_lines(in, part, f, &p, &f->err);
    ch_csv_parser_reset(&p);
}

static int merge(ch_arena *arena, const inference *in, finding *findings, size_t n, ch_schema *out, ch_error *err)
{
    const ch_type **types = CH_NEW_ARRAY(arena, const ch_type *, in->ncol);
    for (size_t i = 0; i < n; i++) {
        if (findings[i].status) {
            *err = findings[i].err;
            return findings[i].status;
        }
        for (size_t c = 0; c < in->ncol; c++) {
            types[c] = ch_csv_merge_types(in->o, arena, types[c], ch_type_copy(arena, findings[i].types[c]));
        }
    }
    for (size_t c = 0; c < in->ncol; c++) out->fields[c].type = types[c] ? types[c] : &ch_type_string;
    return 0;
}

static int infer_types(ch_arena *arena, inference *in, ch_schema *out, ch_error *err)
{
    size_t n = in->scan->npart;
    finding *findings = calloc(n ? n : 1, sizeof *findings);
    if (!findings) return ch_no_memory(err);
    in->sampled = in->o->text.sampling_ratio <= 0.99;
    if (in->sampled) { /* one generator over all rows, in order */
        in->random = ch_xorshift_random(1);
        for (size_t i = 0; i < n; i++) infer_part(in, &in->scan->parts[i], &findings[i]);
    } else {
#pragma omp parallel for schedule(dynamic) num_threads(ch_threads())
        for (size_t i = 0; i < n; i++) infer_part(in, &in->scan->parts[i], &findings[i]);
    }
    int status = merge(arena, in, findings, n, out, err);
    for (size_t i = 0; i < n; i++) ch_arena_free(findings[i].arena);
    free(findings);
    return status;
}

/* The first record of all, parsed into p; p->n = 0 if there is none. Its line (not for multi-line) is kept. */
static int first_record(ch_arena *arena, inference *in, ch_csv_parser *p, ch_error *err)
{
    for (size_t i = 0; i < in->scan->npart; i++) {
        const ch_scan_part *part = &in->scan->parts[i];
        if (in->o->text.multi_line) {
            ch_buf text = {0};
            CH_TRY(ch_read_file(part->file->path, in->o->text.encoding, &text, err));
            ch_csv_normalise(&text, in->o);
            char *copy = ch_arena_strndup(arena, ch_buf_text(&text), text.len);
            const char *at = copy, *end = copy + text.len;
            ch_buf_reset(&text);
            CH_TRY(next_record(p, &at, end, err));
            if (p->n) return 0;
            continue;
        }
        ch_lines lines = {0};
        const char *line = NULL, *next;
        size_t len = 0;
        int status = ch_lines_open(&lines, part->file->path, part->start, part->end, &in->o->text, err);
        do {
            if (!status) status = ch_lines_next(&lines, &line, &len, err);
        } while (!status && line && ch_csv_infer_skips(in->o, line, len));
        if (!status && line) {
            in->first = ch_arena_strndup(arena, line, len);
            in->first_len = len;
            status = ch_csv_parse(p, in->first, in->first + len, &next, err);
        }
        ch_lines_close(&lines);
        if (status || in->first) return status;
    }
    return 0;
}

/* Names from the first record; all columns strings. */
static int find_names(ch_arena *arena, inference *in, ch_schema *out, ch_error *err)
{
    const ch_csv_options *o = in->o;
    ch_csv_parser p;
    ch_csv_parser_init(&p, o);
    int status = first_record(arena, in, &p, err);
    in->ncol = status ? 0 : p.n;
    *out = (ch_schema){.n = in->ncol, .fields = CH_NEW_ARRAY(arena, ch_field, in->ncol)};
    const char **names = CH_NEW_ARRAY(arena, const char *, in->ncol);
    if (!status) ch_csv_header(o, arena, p.fields, p.n, names);
    ch_csv_parser_reset(&p);
    for (size_t i = 0; i < in->ncol; i++) {
        out->fields[i] = (ch_field){.name = names[i], .type = &ch_type_string, .nullable = true};
    }
    return status;
}

int ch_csv_infer(ch_arena *arena, const ch_csv_options *o, const ch_scan *scan, ch_schema *out, ch_error *err)
{
    inference in = {.o = o, .scan = scan};
    CH_TRY(find_names(arena, &in, out, err));
    return o->infer && in.ncol ? infer_types(arena, &in, out, err) : 0;
}

bool ch_csv_guess(ch_arena *arena, const ch_csv_options *o, const ch_scan *scan, ch_schema *out,
                  const ch_type *const **types)
{
    enum { GUESS_LINES = 1000 };
    inference in = {.o = o, .scan = scan, .max_lines = GUESS_LINES};
    ch_error ignored; /* whoever reads the files in earnest tells of it */
    if (!scan->npart || o->text.multi_line || o->text.sampling_ratio <= 0.99) return false;
    if (find_names(arena, &in, out, &ignored) || !in.ncol) return false;
    finding f = {0};
    infer_part(&in, &scan->parts[0], &f);
    const ch_type **found = CH_NEW_ARRAY(arena, const ch_type *, in.ncol);
    for (size_t i = 0; !f.status && i < in.ncol; i++) {
        if (!f.types[i]) continue;
        found[i] = out->fields[i].type = ch_type_copy(arena, f.types[i]);
    }
    ch_arena_free(f.arena);
    *types = found;
    return !f.status;
}
