/* source_libsvm.c: spark.read.format("libsvm"): label and sparse features of each line "1.0 3:0.5 7:2", indices from 1
 * (Spark's LibSVMFileFormat and MLUtils.parseLibSVMRecord). */
#include "base/java_number.h"
#include "frame/io/source_internal.h"
#include "frame/text/lines.h"
#include "frame/text/text_column.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct libsvm_options {
    ch_text_options text;
    bool dense;
    int64_t features;
} libsvm_options;

/* One line taken apart. */
typedef struct record {
    double label;
    size_t n, cap;
    int32_t *indices; /* from 0 */
    double *values;
} record;

typedef struct libsvm_reader {
    const libsvm_options *o;
    size_t label, features; /* position among the columns wanted, or SIZE_MAX */
    const char *path;
    ch_lines lines;
    record r;
} libsvm_reader;

static int bad_line(const char *line, size_t len, ch_error *err)
{
    return ch_failf(err, CH_E_NUMBER_FORMAT, "For input string: \"%.*s\"", (int)(len < 200 ? len : 200), line);
}

static int add_feature(record *r, int64_t index, double value, const char *line, size_t len, ch_error *err)
{
    if (r->n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 64;
        int32_t *indices = realloc(r->indices, cap * sizeof *indices);
        if (indices) r->indices = indices;
        double *values = realloc(r->values, cap * sizeof *values);
        if (values) r->values = values;
        if (!indices || !values) return ch_no_memory(err);
        r->cap = cap;
    }
    int32_t previous = r->n ? r->indices[r->n - 1] : -1;
    if (index - 1 <= previous) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "requirement failed: indices should be one-based and in ascending order; found current=%lld, "
                        "previous=%d; line=\"%.*s\"",
                        (long long)(index - 1), previous, (int)(len < 200 ? len : 200), line);
    }
    r->indices[r->n] = (int32_t)(index - 1);
    r->values[r->n++] = value;
    return 0;
}

static int parse_record(record *r, const char *line, size_t len, ch_error *err)
{
    const char *at = line, *end = line + len;
    r->n = 0;
    bool first = true;
    while (at < end) {
        const char *space = memchr(at, ' ', (size_t)(end - at));
        const char *item_end = space ? space : end, *colon;
        size_t item = (size_t)(item_end - at);
        int64_t index;
        double value;
        if (first) {
            if (!ch_java_parse_double(at, item, &r->label)) return bad_line(at, item, err);
            first = false;
        } else if (item) {
            colon = memchr(at, ':', item);
            if (!colon || !ch_java_parse_integer(at, (size_t)(colon - at), INT32_MIN, INT32_MAX, &index) ||
                !ch_java_parse_double(colon + 1, (size_t)(item_end - colon) - 1, &value)) {
                return bad_line(at, item, err);
            }
            CH_TRY(add_feature(r, index, value, line, len, err));
        }
        at = item_end + 1;
    }
    return 0;
}

/* The next line that is a record, trimmed; *line = NULL at the end. */
static int next_record(ch_lines *lines, const char **line, size_t *len, ch_error *err)
{
    do {
        CH_TRY(ch_lines_next(lines, line, len, err));
        if (!*line) return 0;
        while (*len && (unsigned char)**line <= ' ') ++*line, --*len;
        while (*len && (unsigned char)(*line)[*len - 1] <= ' ') --*len;
    } while (!*len || **line == '#');
    return 0;
}

static void libsvm_close(void *arg)
{
    libsvm_reader *reader = arg;
    ch_lines_close(&reader->lines);
    free(reader->r.indices);
    free(reader->r.values);
    free(reader);
}

static int libsvm_open(const ch_scan *scan, size_t n, const size_t *columns, void **out, ch_error *err)
{
    libsvm_reader *reader = calloc(1, sizeof *reader);
    if (!reader) return ch_no_memory(err);
    *out = reader;
    reader->o = scan->options;
    reader->label = reader->features = SIZE_MAX;
    for (size_t i = 0; i < n; i++) *(columns[i] == 0 ? &reader->label : &reader->features) = i;
    return 0;
}

static int libsvm_start(void *arg, const ch_scan_part *part, ch_error *err)
{
    libsvm_reader *reader = arg;
    reader->path = part->file->path;
    return ch_lines_open(&reader->lines, part->file->path, part->start, part->end, &reader->o->text, err);
}

/* Room for n more elements in a list column; the position of the first. */
static int grow_list(ch_column *list, size_t row, size_t n, size_t *at, ch_error *err)
{
    *at = list->child[0].rows;
    ((ch_list *)list->data)[row] = (ch_list){.offset = *at, .length = n};
    return ch_column_resize_list(list, *at + n, err);
}

static int put_vector(const libsvm_reader *reader, ch_column *out, size_t row, ch_error *err)
{
    const record *r = &reader->r;
    size_t at, size = (size_t)reader->o->features;
    if (r->n && (size_t)r->indices[r->n - 1] >= size) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: Index %d out of bounds for vector of size %zu",
                        r->indices[r->n - 1], size);
    }
    ((int8_t *)out->child[0].data)[row] = reader->o->dense;
    if (reader->o->dense) {
        ch_column_set_null(&out->child[1], row);
        ch_column_set_null(&out->child[2], row);
        CH_TRY(grow_list(&out->child[3], row, size, &at, err));
        double *values = (double *)out->child[3].child[0].data + at;
        memset(values, 0, size * sizeof *values);
        for (size_t i = 0; i < r->n; i++) values[r->indices[i]] = r->values[i];
        return 0;
    }
    ((int32_t *)out->child[1].data)[row] = (int32_t)size;
    CH_TRY(grow_list(&out->child[2], row, r->n, &at, err));
    if (r->n) memcpy((int32_t *)out->child[2].child[0].data + at, r->indices, r->n * sizeof *r->indices);
    CH_TRY(grow_list(&out->child[3], row, r->n, &at, err));
    if (r->n) memcpy((double *)out->child[3].child[0].data + at, r->values, r->n * sizeof *r->values);
    return 0;
}

static int libsvm_next(void *arg, ch_column *cols, size_t max, size_t *rows, ch_error *err)
{
    libsvm_reader *reader = arg;
    for (*rows = 0; *rows < max; ++*rows) {
        const char *line;
        size_t len;
        CH_TRY(next_record(&reader->lines, &line, &len, err));
        if (!line) return 0;
        CH_TRY(parse_record(&reader->r, line, len, err));
        if (reader->label != SIZE_MAX) ((double *)cols[reader->label].data)[*rows] = reader->r.label;
        if (reader->features != SIZE_MAX) CH_TRY(put_vector(reader, &cols[reader->features], *rows, err));
    }
    return 0;
}

static const ch_scan_format LIBSVM = {
    .splittable = true, .open = libsvm_open, .start = libsvm_start, .next = libsvm_next, .close = libsvm_close};

/* The largest index of all files, when the user does not say how many features there are. */
static int count_features(const ch_read *read, libsvm_options *o, ch_error *err)
{
    record r = {0};
    ch_lines lines = {0};
    int status = 0;
    o->features = 0;
    for (size_t i = 0; i < read->files.n && !status; i++) {
        status = ch_lines_open(&lines, read->files.files[i].path, 0, INT64_MAX, &o->text, err);
        while (!status) {
            const char *line;
            size_t len;
            status = next_record(&lines, &line, &len, err);
            if (status || !line) break;
            status = parse_record(&r, line, len, err);
            if (r.n && r.indices[r.n - 1] >= o->features) o->features = r.indices[r.n - 1] + 1;
        }
    }
    ch_lines_close(&lines);
    free(r.indices);
    free(r.values);
    return status;
}

static int read_options(ch_read *read, libsvm_options *o, ch_error *err)
{
    const char *type = ch_option_get(&read->options, "vectorType");
    const char *features = ch_option_get(&read->options, "numFeatures");
    CH_TRY(
        ch_text_options_read(read->scope->session, read->scope->arena, "LibSVMOptions", &read->options, &o->text, err));
    o->dense = type && strcasecmp(type, "dense") == 0;
    if (type && !o->dense && strcasecmp(type, "sparse") != 0) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "Invalid value `%s` for parameter `vectorType`. Expected types are `sparse` and `dense`.",
                        type);
    }
    if (!features) return count_features(read, o, err);
    if (!ch_java_parse_integer(features, strlen(features), 1, INT32_MAX, &o->features)) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: numFeatures must be greater than 0");
    }
    return 0;
}

int ch_source_libsvm(ch_read *read, ch_rel **out, ch_error *err)
{
    ch_arena *arena = read->scope->arena;
    if (!read->files.n) return ch_failf(err, CH_E_IO, "No input path specified for libsvm data");
    libsvm_options o;
    CH_TRY(read_options(read, &o, err));
    ch_field *fields = CH_NEW_ARRAY(arena, ch_field, 2);
    fields[0] = (ch_field){.name = "label", .type = &ch_type_double, .nullable = true};
    fields[1] = (ch_field){.name = "features", .type = &ch_type_vector, .nullable = true};
    fields[1].metadata = ch_arena_printf(arena, "{\"numFeatures\":%lld}", (long long)o.features);
    ch_scan *scan = ch_scan_new(&LIBSVM);
    scan->options = ch_arena_dup(scan->arena, &o, sizeof o);
    scan->data = (ch_schema){.n = 2, .fields = fields};
    scan->partitions = read->files.partitions;
    ch_scan_set_files(scan, read->files.n, read->files.files);
    return ch_scan_rel(read, scan, true, true, out, err);
}
