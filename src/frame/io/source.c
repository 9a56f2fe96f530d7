/* source.c: spark.read: from a READ node to files, a schema and a relation. Each format has a file source_<format>.c.
 */
#include "frame/io/source_internal.h"

#include "base/log.h"
#include "frame/io/scan_store.h"
#include "frame/session/stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- formats --------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *title;
    ch_source_reader read;
} FORMATS[] = {
    {"csv", "CSV", ch_source_csv},          {"json", "JSON", ch_source_json},          {"text", "Text", ch_source_text},
    {"libsvm", "LibSVM", ch_source_libsvm}, {"parquet", "Parquet", ch_source_parquet},
};

/* Class names Spark also knows the formats by end in these. */
static const char *const ALIASES[][2] = {
    {"com.databricks.spark.csv", "csv"}, {"CSVFileFormat", "csv"},         {"JsonFileFormat", "json"},
    {"TextFileFormat", "text"},          {"ParquetFileFormat", "parquet"}, {"LibSVMFileFormat", "libsvm"},
};

static int find_format(ch_read *read, const char *format, ch_source_reader *out, ch_error *err)
{
    const char *name = format;
    for (size_t i = 0; i < sizeof ALIASES / sizeof *ALIASES; i++) {
        size_t len = strlen(format), tail = strlen(ALIASES[i][0]);
        if (len >= tail && strcmp(format + len - tail, ALIASES[i][0]) == 0) name = ALIASES[i][1];
    }
    for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
        if (strcasecmp(name, FORMATS[i].name) != 0) continue;
        read->format = FORMATS[i].name;
        read->title = FORMATS[i].title;
        *out = FORMATS[i].read;
        return 0;
    }
    static const char *const KNOWN[] = {"json",       "orc",   "avro", "xml",    "jdbc",
                                        "binaryfile", "image", "rate", "socket", "kafka"};
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
        if (strcasecmp(name, KNOWN[i]) == 0) {
            return ch_failf(err, CH_E_UNSUPPORTED, "The data source %s is not supported.", format);
        }
    }
    return ch_raise(err, "DATA_SOURCE_NOT_FOUND", "provider", format, (char *)NULL);
}

/* --- schemas --------------------------------------------------------------------------------------------- */

int ch_no_schema(const ch_read *read, ch_error *err)
{
    return ch_raise(err, "UNABLE_TO_INFER_SCHEMA", "format", read->title, (char *)NULL);
}

int ch_check_duplicates(const ch_schema *schema, bool case_sensitive, ch_error *err)
{
    for (size_t i = 0; i < schema->n; i++) {
        for (size_t j = 0; j < i; j++) {
            const char *a = schema->fields[i].name, *b = schema->fields[j].name;
            if (case_sensitive ? strcmp(a, b) != 0 : strcasecmp(a, b) != 0) continue;
            ch_buf name = {0}, lower = {0};
            for (const char *c = a; *c; c++) {
                ch_buf_char(&lower, (char)(*c >= 'A' && *c <= 'Z' && !case_sensitive ? *c + 32 : *c));
            }
            ch_buf_printf(&name, "`%s`", ch_buf_text(&lower));
            int status = ch_raise(err, "COLUMN_ALREADY_EXISTS", "columnName", ch_buf_text(&name), (char *)NULL);
            ch_buf_reset(&name);
            ch_buf_reset(&lower);
            return status;
        }
    }
    return 0;
}

int ch_check_schema(const ch_read *read, const ch_schema *schema, bool (*supported)(const ch_type *), ch_error *err)
{
    CH_TRY(ch_check_duplicates(schema, ch_config_bool(read->scope->session, "spark.sql.caseSensitive"), err));
    for (size_t i = 0; i < schema->n; i++) {
        if (supported(schema->fields[i].type)) continue;
        ch_buf name = {0}, type = {0};
        ch_buf_printf(&name, "`%s`", schema->fields[i].name);
        ch_buf_char(&type, '"');
        ch_type_sql(&type, schema->fields[i].type);
        ch_buf_char(&type, '"');
        int status = ch_raise(err, "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", "format", read->title, "columnName",
                              ch_buf_text(&name), "columnType", ch_buf_text(&type), (char *)NULL);
        ch_buf_reset(&name);
        ch_buf_reset(&type);
        return status;
    }
    return 0;
}

int ch_corrupt_column(const ch_text_options *o, const ch_schema *schema, size_t *out, ch_error *err)
{
    *out = SIZE_MAX;
    for (size_t i = 0; i < schema->n; i++) {
        const ch_field *field = &schema->fields[i];
        if (strcmp(field->name, o->corrupt_column) != 0) continue;
        if (field->type->kind != CH_STRING) {
            ch_buf name = {0}, type = {0};
            ch_buf_printf(&name, "`%s`", field->name);
            ch_buf_char(&type, '"');
            ch_type_sql(&type, field->type);
            ch_buf_char(&type, '"');
            int status = ch_raise(err, "INVALID_CORRUPT_RECORD_TYPE", "columnName", ch_buf_text(&name), "actualType",
                                  ch_buf_text(&type), (char *)NULL);
            ch_buf_reset(&name);
            ch_buf_reset(&type);
            return status;
        }
        *out = i;
    }
    return 0;
}

ch_schema ch_full_schema(ch_arena *arena, const ch_schema *data, const ch_schema *partitions)
{
    size_t n = data->n + partitions->n;
    ch_field *fields = CH_NEW_ARRAY(arena, ch_field, n);
    memcpy(fields, data->fields, data->n * sizeof *fields);
    if (partitions->n) memcpy(fields + data->n, partitions->fields, partitions->n * sizeof *fields);
    return (ch_schema){.n = n, .fields = fields};
}

static const ch_type *nullable_type(ch_arena *arena, const ch_type *type)
{
    if (type->kind != CH_STRUCT && type->kind != CH_ARRAY && type->kind != CH_MAP) return type;
    ch_field *fields = ch_arena_dup(arena, type->fields, type->nfield * sizeof *fields);
    for (size_t i = 0; i < type->nfield; i++) {
        fields[i].type = nullable_type(arena, fields[i].type);
        fields[i].nullable = type->kind != CH_MAP || i == 1;
    }
    ch_type *copy = CH_NEW(arena, ch_type);
    *copy = *type;
    copy->fields = fields;
    return copy;
}

/* Anything read from files may be NULL, whatever the user's schema says (StructType.asNullable). */
static void make_nullable(ch_arena *arena, ch_schema *schema)
{
    for (size_t i = 0; i < schema->n; i++) {
        schema->fields[i].nullable = true;
        schema->fields[i].type = nullable_type(arena, schema->fields[i].type);
    }
}

/* Partition columns of the user's schema are not in the files. */
static void drop_partitions(ch_read *read)
{
    size_t kept = 0;
    for (size_t i = 0; i < read->schema.n; i++) {
        bool partition = false;
        for (size_t p = 0; p < read->files.partitions.n && !partition; p++) {
            partition = strcasecmp(read->schema.fields[i].name, read->files.partitions.fields[p].name) == 0;
        }
        if (!partition) read->schema.fields[kept++] = read->schema.fields[i];
    }
    read->schema.n = kept;
}

/* --- relations ------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    return strcmp(((const ch_option *)a)->key, ((const ch_option *)b)->key);
}

char *ch_read_identity(ch_read *read, const ch_schema *data)
{
    static const char *const SETTINGS[] = {"spark.sql.session.timeZone", "spark.sql.timestampType",
                                           "spark.sql.caseSensitive", "spark.sql.columnNameOfCorruptRecord",
                                           "spark.sql.csv.parser.columnPruning.enabled"};
    ch_session *s = read->scope->session;
    ch_arena *arena = read->scope->arena;
    ch_buf text = {0};
    ch_buf_printf(&text, "%s\n", read->format);
    ch_files_stamp(&read->files, &text);
    size_t n = read->options.n;
    ch_option *options = CH_NEW_ARRAY(arena, ch_option, n);
    for (size_t i = 0; i < n; i++) options[i] = read->options.items[i];
    qsort(options, n, sizeof *options, by_key); /* clients keep them in a map, in whatever order it gives that time */
    for (size_t i = 0; i < n; i++) ch_buf_printf(&text, "%s=%s\n", options[i].key, options[i].value);
    for (size_t i = 0; i < sizeof SETTINGS / sizeof *SETTINGS; i++) {
        const char *value = ch_config_find(s, arena, SETTINGS[i]);
        ch_buf_printf(&text, "%s\n", value ? value : "");
    }
    if (data) ch_schema_json(&text, data);
    ch_schema_json(&text, &read->files.partitions);
    char *copy = ch_arena_strdup(arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return copy;
}

/* explain's line about a scan of files. */
static char *describe(const ch_read *read, const ch_schema *data)
{
    ch_buf text = {0};
    ch_buf_printf(&text, "FileScan %s [", read->format);
    ch_schema all = ch_full_schema(read->scope->arena, data, &read->files.partitions);
    for (size_t i = 0; i < all.n; i++) ch_buf_printf(&text, "%s%s", i ? "," : "", all.fields[i].name);
    bool batched = strcmp(read->format, "parquet") == 0;
    ch_buf_printf(&text, "] Batched: %s, DataFilters: [], Format: %s, Location: InMemoryFileIndex(%zu paths)[",
                  batched ? "true" : "false", read->title, read->files.nroot);
    for (size_t i = 0; i < read->files.nroot && i < 3; i++) {
        ch_buf_printf(&text, "%sfile:%s", i ? ", " : "", read->files.roots[i]);
    }
    ch_type type = {.kind = CH_STRUCT, .nfield = data->n, .fields = data->fields};
    ch_buf_printf(&text,
                  "%s], PartitionFilters: [], PushedFilters: [], ReadSchema: ", read->files.nroot > 3 ? ", ..." : "");
    ch_type_simple(&text, &type);
    char *copy = ch_arena_strdup(read->scope->arena, ch_buf_text(&text));
    ch_buf_reset(&text);
    return copy;
}

ch_rel *ch_read_rel(ch_read *read, const ch_schema *data, const char *from, const char *identity)
{
    ch_arena *arena = read->scope->arena;
    ch_schema full = ch_full_schema(arena, data, &read->files.partitions);
    ch_rel *rel = ch_source_rel(read->scope, &full, from, describe(read, data), identity);
    rel->u.source.nfile = read->files.n;
    rel->u.source.files = CH_NEW_ARRAY(arena, const char *, read->files.n);
    for (size_t i = 0; i < read->files.n; i++) {
        rel->u.source.files[i] = ch_arena_printf(arena, "file://%s", read->files.files[i].path);
    }
    return rel;
}

/* How often files were asked for: a small table of counters; two that share one only makes a table come early. */
static unsigned times_read(uint64_t hash)
{
    enum { COUNTERS = 4096 };
    static atomic_uint counters[COUNTERS];
    return atomic_fetch_add(&counters[hash % COUNTERS], 1);
}

static int store_scan(void *context, duckdb_connection con, const char *table, size_t *bytes, ch_error *err)
{
    ch_scan *scan = context;
    for (size_t i = 0; i < scan->npart; i++) *bytes += (size_t)(scan->parts[i].end - scan->parts[i].start);
    return ch_scan_store(scan, con, table, err);
}

static void release_scan(void *scan)
{
    ch_scan_release(scan);
}

static int64_t scan_bytes(const ch_scan *scan)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < scan->npart; i++) bytes += scan->parts[i].end - scan->parts[i].start;
    return bytes;
}

/* The table that holds a scan's rows, filled if it is not there yet; NULL if they are too many or cannot be read: what
 * is wrong with the files is told by the query that meets it. */
static const char *stored_table(ch_read *read, ch_scan *scan, const char *identity)
{
    ch_session *s = read->scope->session;
    if (!scan->data.n || (uint64_t)scan_bytes(scan) > ch_stored_budget(s) / 2) return NULL;
    uint64_t hash[2] = {5, 6};
    ch_hash_text(hash, identity);
    const char *table;
    ch_error ignored;
    char key[64];
    snprintf(key, sizeof key, "scan:%016llx%016llx", (unsigned long long)hash[0], (unsigned long long)hash[1]);
    if (!ch_stored_get(s, read->scope->arena, key, "scan", store_scan, scan, &table, &ignored)) return table;
    ch_log(CH_LOG_DEBUG, "%s files are not stored: %s", read->format, ignored.message);
    return NULL;
}

bool ch_scan_stored(ch_read *read, ch_scan *scan, ch_rel **out)
{
    ch_arena_defer(read->scope->arena, release_scan, scan);
    const char *identity = ch_read_identity(read, &scan->data);
    const char *table = stored_table(read, scan, identity);
    if (table) *out = ch_read_rel(read, &scan->data, table, identity);
    return table != NULL;
}

int ch_scan_rel(ch_read *read, ch_scan *scan, bool storable, bool now, ch_rel **out, ch_error *err)
{
    enum { READS_BEFORE_STORING = 2 };
    (void)err;
    ch_arena *arena = read->scope->arena;
    ch_arena_defer(arena, release_scan, scan);
    const char *identity = ch_read_identity(read, &scan->data), *from = NULL;
    uint64_t hash[2] = {5, 6};
    ch_hash_text(hash, identity);
    if (storable && (times_read(hash[0]) >= READS_BEFORE_STORING || now)) from = stored_table(read, scan, identity);
    if (!from) from = ch_arena_printf(arena, "chert_scan(%lu)", scan->id);
    *out = ch_read_rel(read, &scan->data, from, identity);
    return 0;
}

/* --- the entry ------------------------------------------------------------------------------------------- */

int ch_source_read(ch_scope *scope, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    ch_read read = {.scope = scope, .options = {plan->u.read.noption, plan->u.read.options}};
    ch_arena *arena = scope->arena;
    const char *format = plan->u.read.format;
    ch_source_reader reader = NULL;
    if (plan->u.read.streaming) return ch_failf(err, CH_E_UNSUPPORTED, "Streaming reads are not supported.");
    if (!format) format = ch_config_find(scope->session, arena, "spark.sql.sources.default");
    CH_TRY(find_format(&read, format ? format : "parquet", &reader, err));
    read.has_schema = plan->u.read.schema && *plan->u.read.schema;
    if (read.has_schema) {
        CH_TRY(ch_parse_schema(arena, plan->u.read.schema, &read.schema, err));
        make_nullable(arena, &read.schema);
    }
    CH_TRY(ch_files_find(scope->session, arena, plan->u.read.npath, plan->u.read.paths, &read.options,
                         read.has_schema ? &read.schema : NULL, &read.files, err));
    drop_partitions(&read);
    return reader(&read, out, err);
}
