/* source_csv.c: spark.read.csv. */
#include "frame/source_csv.h"

#include "frame/source_internal.h"

/* The scan of a read's files; its columns are the caller's to set. */
static ch_scan *new_scan(const ch_read *read, const ch_csv_options *o, const ch_csv_scan **spec)
{
    ch_scan *scan = ch_scan_new(o->text.multi_line ? &ch_csv_whole_format : &ch_csv_format);
    ch_csv_scan *copy = CH_NEW(scan->arena, ch_csv_scan);
    copy->options = *o;
    copy->corrupt = SIZE_MAX;
    scan->options = copy;
    ch_scan_set_files(scan, read->files.n, read->files.files);
    *spec = copy;
    return scan;
}

static int find_schema(ch_read *read, const ch_csv_options *o, const ch_scan *scan, ch_schema *out, ch_error *err)
{
    ch_arena *arena = read->scope->arena;
    if (read->has_schema) {
        *out = read->schema;
        return 0;
    }
    if (!read->files.n) return ch_no_schema(read, err);
    const char *identity = ch_read_identity(read, NULL);
    if (ch_schema_cache_get(arena, identity, out)) return 0;
    CH_TRY(ch_csv_infer(arena, o, scan, out, err));
    ch_schema_cache_put(identity, out);
    return 0;
}

int ch_source_csv(ch_read *read, ch_rel **out, ch_error *err)
{
    ch_arena *arena = read->scope->arena;
    ch_csv_options o;
    CH_TRY(ch_csv_options_read(read->scope->session, arena, &read->options, &o, err));
    const ch_csv_scan *spec;
    ch_scan *scan = new_scan(read, &o, &spec);
    ch_schema schema;
    size_t corrupt = SIZE_MAX;
    int status = find_schema(read, &o, scan, &schema, err);
    if (!status) status = ch_check_schema(read, &schema, ch_csv_supports, err);
    if (!status) status = ch_corrupt_column(&o.text, &schema, &corrupt, err);
    if (status) {
        ch_scan_release(scan);
        return status;
    }
    ((ch_csv_scan *)spec)->corrupt = corrupt;
    scan->data = schema;
    scan->partitions = read->files.partitions;
    /* which records are malformed hangs on the columns a query wants, so only what keeps them all may be stored */
    bool storable = o.text.mode == CH_PERMISSIVE && corrupt == SIZE_MAX;
    return ch_scan_rel(read, scan, storable, o.infer && !read->has_schema, out, err);
}
