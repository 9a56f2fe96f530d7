/* write_text.c: CSV, JSON and text files, row by row from column batches, as Spark's UnivocityGenerator,
 * JacksonGenerator and TextOutputWriter write them. */
#include "base/map.h"
#include "frame/io/io.h"
#include "frame/io/source_files.h"
#include "frame/io/source_internal.h"
#include "frame/io/write_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

enum { OPEN_FILES_MAX = 200, FLUSH_BYTES = 1 << 20 };

/* --- files: one for each partition folder, a bounded number of them open --- */

typedef struct out_file {
    char *path;
    FILE *file; /* NULL: closed for now, goes on in append mode */
} out_file;

typedef struct text_writer text_writer;
struct text_writer {
    ch_writing *w;
    const char *extension;
    bool gzip, skip_empty;                     /* rows without any text */
    void (*head)(text_writer *t, ch_buf *out); /* starts each file, or NULL */
    void (*row)(text_writer *t, const ch_batch *batch, size_t row, ch_buf *out);
    ch_map *files; /* folder -> out_file */
    size_t nopen;
    const ch_timezone *zone;
    const char *line_sep;
    /* CSV */
    bool header, quote_all, escape_quotes, trim_start, trim_end;
    const char *sep, *null_value, *empty_value;
    char quote, escape, escape_escape; /* an empty quote is NUL, which then does quote */
    const ch_pattern *date, *timestamp, *timestamp_ntz;
    /* JSON */
    bool keep_nulls;
    ch_buf value;
};

static void close_all(text_writer *t, bool *failed)
{
    size_t at = 0;
    const char *key;
    void *value;
    while (ch_map_next(t->files, &at, &key, &value)) {
        out_file *f = value;
        if (f->file && fclose(f->file)) *failed = true;
        f->file = NULL;
    }
    t->nopen = 0;
}

static void free_file(void *value)
{
    out_file *f = value;
    free(f->path);
    free(f);
}

static ssize_t gzip_write(void *cookie, const char *data, size_t n)
{
    int written = gzwrite(cookie, data, (unsigned)(n < FLUSH_BYTES ? n : FLUSH_BYTES));
    return written > 0 ? written : 0; /* 0 is how a cookie says that it failed */
}

static int gzip_close(void *cookie)
{
    return gzclose(cookie) == Z_OK ? 0 : -1;
}

/* In append mode a further member is added, which readers take for more of the same text. */
static FILE *open_gzip(const char *path, const char *mode)
{
    gzFile gz = gzopen(path, mode);
    FILE *file = gz ? fopencookie(gz, mode, (cookie_io_functions_t){.write = gzip_write, .close = gzip_close}) : NULL;
    if (gz && !file) gzclose(gz);
    return file;
}

static int file_in(text_writer *t, const char *folder, FILE **out, ch_error *err)
{
    out_file *f = ch_map_get(t->files, folder);
    bool fresh = !f, failed = false;
    if (f && f->file) return *out = f->file, 0;
    if (t->nopen == OPEN_FILES_MAX) {
        close_all(t, &failed);
        if (failed) return ch_io_error("Cannot write", t->w->folder, err);
    }
    if (fresh) {
        const char *path = ch_arena_printf(t->w->arena, "%s%s%s", t->w->folder, *folder ? "/" : "", folder);
        CH_TRY(ch_make_folders(path, err));
        f = calloc(1, sizeof *f);
        if (!f || asprintf(&f->path, "%s/part-00000-%s%cc000.%s%s", path, t->w->uuid, *folder ? '.' : '-', t->extension,
                           t->gzip ? ".gz" : "") < 0) {
            free(f);
            return ch_no_memory(err);
        }
        ch_map_put(t->files, folder, f);
    }
    f->file = t->gzip ? open_gzip(f->path, fresh ? "wbe" : "abe") : fopen(f->path, fresh ? "we" : "ae");
    if (!f->file) return ch_io_error("Cannot write", f->path, err);
    t->nopen++;
    if (fresh && t->head) {
        ch_buf head = {0};
        t->head(t, &head);
        fwrite(ch_buf_text(&head), 1, head.len, f->file);
        ch_buf_reset(&head);
    }
    *out = f->file;
    return 0;
}

/* "p=ab/q=1" of a row. */
static void folder_of_row(text_writer *t, const ch_batch *batch, size_t row, ch_buf *out)
{
    ch_buf_clear(out);
    for (size_t i = 0; i < t->w->npartition; i++) {
        const ch_column *c = &batch->cols[t->w->partition[i]];
        ch_buf_str(out, i ? "/" : "");
        ch_escape_path(out, t->w->schema->fields[t->w->partition[i]].name);
        ch_buf_char(out, '=');
        ch_buf_clear(&t->value);
        if (ch_column_valid(c, row)) ch_value_text(&t->value, c, row, CH_TEXT_CAST, t->zone);
        if (t->value.len)
            ch_escape_path(out, ch_buf_text(&t->value));
        else
            ch_buf_str(out, "__HIVE_DEFAULT_PARTITION__");
    }
}

static int write_batch(text_writer *t, const ch_batch *batch, ch_buf *folder, ch_buf *rows, ch_error *err)
{
    FILE *file;
    ch_buf_clear(rows);
    for (size_t i = 0; i < batch->rows; i++) {
        size_t before = rows->len;
        t->row(t, batch, i, rows);
        if (rows->len > before || !t->skip_empty) ch_buf_str(rows, t->line_sep);
        if (!t->w->npartition && rows->len < FLUSH_BYTES && i + 1 < batch->rows) continue;
        folder_of_row(t, batch, i, folder);
        CH_TRY(file_in(t, ch_buf_text(folder), &file, err));
        if (fwrite(rows->data, 1, rows->len, file) != rows->len) return ch_io_error("Cannot write", t->w->folder, err);
        ch_buf_clear(rows);
    }
    return 0;
}

static int write_rows(text_writer *t, ch_error *err)
{
    ch_query *q;
    const ch_batch *batch;
    ch_buf folder = {0}, rows = {0};
    FILE *first;
    bool failed = false;
    CH_TRY(ch_query_open(t->w->session, t->w->plan, &q, err));
    t->files = ch_map_new();
    t->zone = ch_session_zone(t->w->session);
    int status = ch_query_start(q, t->w->task, err);
    if (!status && !t->w->npartition) status = file_in(t, "", &first, err); /* no rows: an empty file all the same */
    while (!status && !(status = ch_query_next(q, &batch, err)) && batch)
        status = write_batch(t, batch, &folder, &rows, err);
    ch_query_close(q);
    close_all(t, &failed);
    if (!status && failed) status = ch_io_error("Cannot write", t->w->folder, err);
    ch_map_free(t->files, free_file);
    ch_buf_reset(&folder);
    ch_buf_reset(&rows);
    ch_buf_reset(&t->value);
    return status;
}

/* Of Spark's codecs only gzip is there; saying so beats writing something else. */
static int read_codec(text_writer *t, ch_error *err)
{
    const char *name = ch_option_get(&t->w->options, "compression");
    if (!name) name = ch_option_get(&t->w->options, "codec");
    if (!name || !strcasecmp(name, "none") || !strcasecmp(name, "uncompressed")) return 0;
    t->gzip = !strcasecmp(name, "gzip") || !strcmp(name, "org.apache.hadoop.io.compress.GzipCodec");
    if (t->gzip) return 0;
    return ch_raise(err, "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION", "codecName", name, "availableCodecs",
                    "gzip, none, uncompressed", (char *)NULL);
}

static int read_pattern(ch_writing *w, const char *key, const char *otherwise, const ch_pattern **out, ch_error *err)
{
    const char *text = ch_option_get(&w->options, key);
    return ch_pattern_compile(w->arena, text ? text : otherwise, false, out, err);
}

static int read_patterns(text_writer *t, ch_error *err)
{
    CH_TRY(read_pattern(t->w, "dateFormat", "yyyy-MM-dd", &t->date, err));
    CH_TRY(read_pattern(t->w, "timestampFormat", "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", &t->timestamp, err));
    return read_pattern(t->w, "timestampNTZFormat", "yyyy-MM-dd'T'HH:mm:ss[.SSS]", &t->timestamp_ntz, err);
}

static int64_t local_of(int64_t utc, const ch_timezone *zone)
{
    int64_t seconds = utc >= 0 ? utc / 1000000 : -((-utc + 999999) / 1000000);
    return utc + (int64_t)ch_timezone_offset(zone, seconds) * 1000000;
}

/* A date or time by its pattern; false for any other type. */
static bool print_time(const text_writer *t, const ch_column *c, size_t row, ch_buf *out)
{
    int64_t micros;
    switch (c->type->kind) {
    case CH_DATE:
        micros = ((const int32_t *)c->data)[row] * (int64_t)86400000000;
        ch_pattern_format(t->date, out, micros, micros, NULL);
        return true;
    case CH_TIMESTAMP:
        micros = ((const int64_t *)c->data)[row];
        ch_pattern_format(t->timestamp, out, local_of(micros, t->zone), micros, t->zone);
        return true;
    case CH_TIMESTAMP_NTZ:
        micros = ((const int64_t *)c->data)[row];
        ch_pattern_format(t->timestamp_ntz, out, micros, micros, NULL);
        return true;
    default: return false;
    }
}

/* --- CSV --- */

bool ch_csv_accepts(const ch_type *type)
{
    switch (type->kind) {
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT:
    case CH_VECTOR:
    case CH_MATRIX:
    case CH_NULL:
    case CH_INTERVAL_CALENDAR: return false;
    default: return true;
    }
}

static bool needs_quotes(const text_writer *t, const char *s, size_t n, bool first)
{
    char end = t->line_sep[0] && !t->line_sep[1] ? t->line_sep[0] : '\n';
    if (t->quote_all || (first && n && s[0] == '#')) return true;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\n' || s[i] == '\r' || s[i] == end || (t->escape_quotes && s[i] == t->quote)) return true;
        if (s[i] == t->sep[0] && !strncmp(s + i, t->sep, strlen(t->sep))) return true;
    }
    return n && s[0] == t->quote;
}

static void csv_text(const text_writer *t, const char *s, size_t n, bool first, ch_buf *out)
{
    while (t->trim_start && n && (unsigned char)s[0] <= ' ') s++, n--;
    while (t->trim_end && n && (unsigned char)s[n - 1] <= ' ') n--;
    if (!n) {
        bool quotes = t->quote_all && t->empty_value[0] != t->quote;
        if (quotes) ch_buf_char(out, t->quote);
        ch_buf_str(out, t->empty_value);
        if (quotes) ch_buf_char(out, t->quote);
        return;
    }
    if (!needs_quotes(t, s, n, first)) {
        ch_buf_add(out, s, n);
        return;
    }
    ch_buf_char(out, t->quote);
    for (size_t i = 0; i < n; i++) {
        if (s[i] == t->quote) {
            ch_buf_char(out, t->escape);
        } else if (s[i] == t->escape) {
            ch_buf_char(out, t->escape_escape);
        }
        if (s[i] == '\n' && t->line_sep[0] && t->line_sep[1]) { /* uniVocity: ends of lines in values change, too */
            ch_buf_str(out, t->line_sep);
        } else {
            ch_buf_char(out, s[i]);
        }
    }
    ch_buf_char(out, t->quote);
}

static void csv_row(text_writer *t, const ch_batch *batch, size_t row, ch_buf *out)
{
    for (size_t i = 0; i < t->w->ndata; i++) {
        const ch_column *c = &batch->cols[t->w->data[i]];
        if (i) ch_buf_str(out, t->sep);
        if (!ch_column_valid(c, row)) {
            if (t->quote_all) ch_buf_char(out, t->quote);
            ch_buf_str(out, t->null_value);
            if (t->quote_all) ch_buf_char(out, t->quote);
            continue;
        }
        ch_buf_clear(&t->value);
        if (!print_time(t, c, row, &t->value)) ch_value_text(&t->value, c, row, CH_TEXT_CAST, t->zone);
        csv_text(t, ch_buf_text(&t->value), t->value.len, i == 0, out);
    }
}

static void csv_head(text_writer *t, ch_buf *out)
{
    if (!t->header) return;
    for (size_t i = 0; i < t->w->ndata; i++) {
        const char *name = t->w->schema->fields[t->w->data[i]].name;
        if (i) ch_buf_str(out, t->sep);
        csv_text(t, name, strlen(name), i == 0, out);
    }
    ch_buf_str(out, t->line_sep);
}

static const char *option_or(ch_writing *w, const char *key, const char *other, const char *otherwise)
{
    const char *value = ch_option_get(&w->options, key);
    if (!value && other) value = ch_option_get(&w->options, other);
    return value ? value : otherwise;
}

int ch_write_csv(ch_writing *w, ch_error *err)
{
    text_writer t = {.w = w, .extension = "csv", .skip_empty = true, .head = csv_head, .row = csv_row};
    CH_TRY(read_codec(&t, err));
    t.sep = option_or(w, "sep", "delimiter", ",");
    t.null_value = option_or(w, "nullValue", NULL, "");
    t.empty_value = option_or(w, "emptyValue", NULL, "\"\"");
    t.line_sep = option_or(w, "lineSep", NULL, "\n");
    CH_TRY(ch_option_char(&w->options, "quote", '"', &t.quote, err));
    CH_TRY(ch_option_char(&w->options, "escape", '\\', &t.escape, err));
    CH_TRY(ch_option_char(&w->options, "charToEscapeQuoteEscaping", t.escape, &t.escape_escape, err));
    CH_TRY(ch_option_bool(&w->options, "header", false, &t.header, err));
    CH_TRY(ch_option_bool(&w->options, "quoteAll", false, &t.quote_all, err));
    CH_TRY(ch_option_bool(&w->options, "escapeQuotes", true, &t.escape_quotes, err));
    CH_TRY(ch_option_bool(&w->options, "ignoreLeadingWhiteSpace", true, &t.trim_start, err));
    CH_TRY(ch_option_bool(&w->options, "ignoreTrailingWhiteSpace", true, &t.trim_end, err));
    CH_TRY(read_patterns(&t, err));
    if (!*t.sep) return ch_raise(err, "INVALID_DELIMITER_VALUE.EMPTY_STRING", "delimiter", "", (char *)NULL);
    return write_rows(&t, err);
}

/* --- JSON --- */

bool ch_json_accepts(const ch_type *type)
{
    return type->kind != CH_INTERVAL_CALENDAR;
}

static void json_text(ch_buf *out, const char *s, size_t n)
{
    ch_buf_char(out, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        static const char plain[] = "\"\\\b\f\n\r\t", code[] = "\"\\bfnrt";
        const char *hit = c ? strchr(plain, c) : NULL;
        if (hit) {
            ch_buf_char(out, '\\');
            ch_buf_char(out, code[hit - plain]);
        } else if (c < 0x20) {
            ch_buf_printf(out, "\\u%04X", c);
        } else {
            ch_buf_char(out, (char)c);
        }
    }
    ch_buf_char(out, '"');
}

static void json_base64(ch_buf *out, const unsigned char *s, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    ch_buf_char(out, '"');
    for (size_t i = 0; i < n; i += 3) {
        unsigned v = (unsigned)s[i] << 16 | (i + 1 < n ? (unsigned)s[i + 1] << 8 : 0) | (i + 2 < n ? s[i + 2] : 0);
        ch_buf_char(out, digits[v >> 18]);
        ch_buf_char(out, digits[v >> 12 & 63]);
        ch_buf_char(out, i + 1 < n ? digits[v >> 6 & 63] : '=');
        ch_buf_char(out, i + 2 < n ? digits[v & 63] : '=');
    }
    ch_buf_char(out, '"');
}

static void json_value(text_writer *t, const ch_column *c, size_t row, ch_buf *out);

/* Members of a struct-like column; nulls are left out unless asked for. */
static void json_fields(text_writer *t, const ch_column *c, size_t row, ch_buf *out)
{
    const ch_type *s = ch_type_storage(c->type);
    bool any = false;
    ch_buf_char(out, '{');
    for (size_t i = 0; i < s->nfield; i++) {
        bool null = !ch_column_valid(&c->child[i], row);
        if (null && !t->keep_nulls) continue;
        if (any) ch_buf_char(out, ',');
        any = true;
        json_text(out, s->fields[i].name, strlen(s->fields[i].name));
        ch_buf_char(out, ':');
        json_value(t, &c->child[i], row, out);
    }
    ch_buf_char(out, '}');
}

static void json_list(text_writer *t, const ch_column *c, size_t row, ch_buf *out)
{
    const ch_list *list = &((const ch_list *)c->data)[row];
    bool map = c->type->kind == CH_MAP;
    ch_buf_char(out, map ? '{' : '[');
    for (uint64_t i = list->offset; i < list->offset + list->length; i++) {
        if (i > list->offset) ch_buf_char(out, ',');
        if (!map) {
            json_value(t, &c->child[0], i, out);
            continue;
        }
        ch_buf key = {0};
        ch_value_text(&key, &c->child[0].child[0], i, CH_TEXT_CAST, t->zone);
        json_text(out, ch_buf_text(&key), key.len);
        ch_buf_reset(&key);
        ch_buf_char(out, ':');
        json_value(t, &c->child[0].child[1], i, out);
    }
    ch_buf_char(out, map ? '}' : ']');
}

/* NaN and the infinities have no JSON number. */
static void json_real(text_writer *t, const ch_column *c, size_t row, double value, ch_buf *out)
{
    if (!isfinite(value)) ch_buf_char(out, '"');
    ch_value_text(out, c, row, CH_TEXT_CAST, t->zone);
    if (!isfinite(value)) ch_buf_char(out, '"');
}

static void json_value(text_writer *t, const ch_column *c, size_t row, ch_buf *out)
{
    if (!ch_column_valid(c, row)) {
        ch_buf_str(out, "null");
        return;
    }
    const ch_string *s = c->data;
    switch (c->type->kind) {
    case CH_STRUCT:
    case CH_VECTOR:
    case CH_MATRIX: json_fields(t, c, row, out); return;
    case CH_ARRAY:
    case CH_MAP: json_list(t, c, row, out); return;
    case CH_FLOAT: json_real(t, c, row, ((const float *)c->data)[row], out); return;
    case CH_DOUBLE: json_real(t, c, row, ((const double *)c->data)[row], out); return;
    case CH_BOOLEAN:
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG:
    case CH_DECIMAL: ch_value_text(out, c, row, CH_TEXT_CAST, t->zone); return;
    case CH_BINARY: json_base64(out, (const unsigned char *)ch_string_data(&s[row]), ch_string_len(&s[row])); return;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR: json_text(out, ch_string_data(&s[row]), ch_string_len(&s[row])); return;
    default: break;
    }
    ch_buf text = {0};
    if (!print_time(t, c, row, &text)) ch_value_text(&text, c, row, CH_TEXT_CAST, t->zone);
    json_text(out, ch_buf_text(&text), text.len);
    ch_buf_reset(&text);
}

static void json_row(text_writer *t, const ch_batch *batch, size_t row, ch_buf *out)
{
    bool any = false;
    ch_buf_char(out, '{');
    for (size_t i = 0; i < t->w->ndata; i++) {
        const ch_column *c = &batch->cols[t->w->data[i]];
        const char *name = t->w->schema->fields[t->w->data[i]].name;
        if (!ch_column_valid(c, row) && !t->keep_nulls) continue;
        if (any) ch_buf_char(out, ',');
        any = true;
        json_text(out, name, strlen(name));
        ch_buf_char(out, ':');
        json_value(t, c, row, out);
    }
    ch_buf_char(out, '}');
}

int ch_write_json(ch_writing *w, ch_error *err)
{
    text_writer t = {.w = w, .extension = "json", .row = json_row};
    bool ignore_nulls;
    CH_TRY(read_codec(&t, err));
    t.line_sep = option_or(w, "lineSep", NULL, "\n");
    CH_TRY(ch_option_bool(&w->options, "ignoreNullFields", true, &ignore_nulls, err));
    t.keep_nulls = !ignore_nulls;
    CH_TRY(read_patterns(&t, err));
    return write_rows(&t, err);
}

/* --- text --- */

bool ch_text_accepts(const ch_type *type)
{
    return ch_type_is_string(type);
}

static void text_row(text_writer *t, const ch_batch *batch, size_t row, ch_buf *out)
{
    const ch_column *c = &batch->cols[t->w->data[0]];
    const ch_string *s = c->data;
    if (ch_column_valid(c, row)) ch_buf_add(out, ch_string_data(&s[row]), ch_string_len(&s[row]));
}

int ch_write_text(ch_writing *w, ch_error *err)
{
    text_writer t = {.w = w, .extension = "txt", .row = text_row};
    CH_TRY(read_codec(&t, err));
    if (w->ndata != 1)
        return ch_failf(err, CH_E_ANALYSIS, "Text data source supports only a single column, and you have %zu columns.",
                        w->ndata);
    t.line_sep = option_or(w, "lineSep", NULL, "\n");
    return write_rows(&t, err);
}
