/* source_csv.c: spark.read.csv. */
#include "frame/io/source_csv.h"

#include "frame/io/source_internal.h"

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

/* Files whose schema nobody knows yet are read once instead of twice: with the types of their first lines, into a
 * table. False, with nothing done, where that is not possible or some later line is of another type. */
static bool read_guessing(ch_read *read, const ch_csv_options *o, ch_rel **out)
{
    ch_arena *arena = read->scope->arena;
    const char *identity = ch_read_identity(read, NULL);
    const ch_csv_scan *spec;
    ch_schema schema;
    ch_error ignored;
    if (!o->infer || read->has_schema || o->text.mode != CH_PERMISSIVE || o->text.multi_line) return false;
    if (ch_schema_cache_get(arena, identity, &schema)) return false;
    ch_scan *scan = new_scan(read, o, &spec);
    const ch_type *const *types;
    size_t corrupt = SIZE_MAX;
    bool good = ch_csv_guess(arena, o, scan, &schema, &types);
    for (size_t i = 0; good && i < schema.n; i++) good = !types[i] || types[i]->kind != CH_DECIMAL; /* may widen */
    if (good) good = !ch_check_schema(read, &schema, ch_csv_supports, &ignored);
    if (good) good = !ch_corrupt_column(&o->text, &schema, &corrupt, &ignored) && corrupt == SIZE_MAX;
    if (!good) {
        ch_scan_release(scan);
        return false;
    }
    ((ch_csv_scan *)spec)->guess = types;
    scan->data = schema;
    scan->partitions = read->files.partitions;
    if (!ch_scan_stored(read, scan, out)) return false;
    ch_schema_cache_put(identity, &schema);
    return true;
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
    if (read_guessing(read, &o, out)) return 0;
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
