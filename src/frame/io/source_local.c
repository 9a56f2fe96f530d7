/* source_local.c: rows the client sends along with a plan (createDataFrame): Arrow streams put into tables of the
 * session, once for equal bytes. */
#include "frame/arrow/arrow_read.h"
#include "frame/io/source_internal.h"
#include "frame/session/stored.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_ROWS = 2048 };

/* One or more streams of the same columns, one after the other. */
typedef struct local_rows {
    size_t n;
    const void **data;
    size_t *size;
    const ch_schema *schema;
    const ch_timezone *zone;
} local_rows;

/* --- into a table --------------------------------------------------------------------------------------------------
 */

static int appender_failed(duckdb_appender appender, ch_error *err)
{
    duckdb_error_data data = duckdb_appender_error_data(appender);
    int status = ch_engine_error(duckdb_error_data_message(data), err);
    duckdb_destroy_error_data(&data);
    return status;
}

static int append_stream(const local_rows *rows, size_t index, duckdb_appender appender, duckdb_data_chunk chunk,
                         ch_arena *arena, ch_error *err)
{
    ch_arrow_reader *reader;
    ch_column *cols = CH_NEW_ARRAY(arena, ch_column, rows->schema->n);
    CH_TRY(ch_arrow_reader_open(rows->data[index], rows->size[index], &reader, err));
    int status = ch_arrow_reader_want(reader, rows->schema, rows->zone, err);
    for (size_t n = 1; !status && n;) {
        duckdb_data_chunk_reset(chunk);
        for (size_t i = 0; i < rows->schema->n; i++) {
            duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
            ch_column_wrap(arena, vector, rows->schema->fields[i].type, CHUNK_ROWS, true, &cols[i]);
        }
        status = ch_arrow_reader_read(reader, cols, CHUNK_ROWS, &n, err);
        if (status || !n) break;
        duckdb_data_chunk_set_size(chunk, n);
        if (duckdb_append_data_chunk(appender, chunk) != DuckDBSuccess) status = appender_failed(appender, err);
    }
    ch_arrow_reader_close(reader);
    return status;
}

static int append_streams(const local_rows *rows, duckdb_appender appender, ch_error *err)
{
    size_t n = rows->schema->n;
    duckdb_logical_type *types = calloc(n, sizeof *types);
    if (!types) return ch_no_memory(err);
    for (size_t i = 0; i < n; i++) types[i] = ch_engine_type(rows->schema->fields[i].type);
    duckdb_data_chunk chunk = duckdb_create_data_chunk(types, n);
    ch_arena *arena = ch_arena_new();
    int status = chunk ? 0 : ch_failf(err, CH_E_UNSUPPORTED, "The engine has no table of this schema.");
    for (size_t i = 0; !status && i < rows->n; i++) status = append_stream(rows, i, appender, chunk, arena, err);
    if (!status && duckdb_appender_flush(appender) != DuckDBSuccess) status = appender_failed(appender, err);
    ch_arena_free(arena);
    duckdb_destroy_data_chunk(&chunk);
    for (size_t i = 0; i < n; i++) duckdb_destroy_logical_type(&types[i]);
    free(types);
    return status;
}

/* ch_stored_fill: `table` is "catalog.main.name". */
static int fill_table(void *context, duckdb_connection con, const char *table, size_t *bytes, ch_error *err)
{
    const local_rows *rows = context;
    ch_buf sql = {0};
    ch_create_table_sql(&sql, table, rows->schema);
    int status = ch_engine_run(con, ch_buf_text(&sql), err);
    ch_buf_reset(&sql);
    if (status) return status;
    char catalog[64];
    const char *dot = strchr(table, '.'), *name = strrchr(table, '.') + 1;
    snprintf(catalog, sizeof catalog, "%.*s", (int)(dot - table), table);
    duckdb_appender appender = NULL;
    if (duckdb_appender_create_ext(con, catalog, "main", name, &appender) != DuckDBSuccess) {
        status = appender_failed(appender, err);
    } else {
        status = append_streams(rows, appender, err);
    }
    duckdb_appender_destroy(&appender);
    for (size_t i = 0; i < rows->n; i++) *bytes += rows->size[i];
    return status;
}

/* --- rows without columns ----------------------------------------------------------------------------------------- */

/* A table needs a column, so rows without any are counted and come from range(). */
static int count_rows(const local_rows *rows, uint64_t *total, ch_error *err)
{
    *total = 0;
    for (size_t i = 0; i < rows->n; i++) {
        ch_arrow_reader *reader;
        CH_TRY(ch_arrow_reader_open(rows->data[i], rows->size[i], &reader, err));
        int status = ch_arrow_reader_want(reader, rows->schema, rows->zone, err);
        for (size_t n = 1; !status && n; *total += n)
            status = ch_arrow_reader_read(reader, NULL, SIZE_MAX >> 1, &n, err);
        ch_arrow_reader_close(reader);
        if (status) return status;
    }
    return 0;
}

/* --- what was sent ------------------------------------------------------------------------------------------------ */

/* A length-delimited field of a protobuf message: 4.0 sends the whole LocalRelation (1: data, 2: schema) as one blob.
 */
static bool next_field(const unsigned char **at, const unsigned char *end, unsigned *number, size_t *len)
{
    uint64_t value[2];
    for (int i = 0; i < 2; i++) {
        value[i] = 0;
        for (unsigned shift = 0;; shift += 7) {
            if (*at == end || shift > 56) return false;
            unsigned char byte = *(*at)++;
            value[i] |= (uint64_t)(byte & 0x7F) << shift;
            if (!(byte & 0x80)) break;
        }
    }
    if ((value[0] & 7) != 2 || value[0] >> 3 > 100 || value[1] > (size_t)(end - *at)) return false;
    *number = (unsigned)(value[0] >> 3);
    *len = (size_t)value[1];
    return true;
}

static int split_relation(ch_arena *arena, const void *blob, size_t size, local_rows *rows, const char **schema,
                          ch_error *err)
{
    const unsigned char *at = blob, *end = at + size;
    while (at < end) {
        unsigned number;
        size_t len;
        if (!next_field(&at, end, &number, &len)) {
            return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The cached local relation is malformed.");
        }
        if (number == 1) {
            rows->n = 1;
            rows->data[0] = at;
            rows->size[0] = len;
        } else if (number == 2) {
            *schema = ch_arena_strndup(arena, (const char *)at, len);
        }
        at += len;
    }
    return 0;
}

static int find_blob(ch_scope *scope, const char *hash, const void **data, size_t *size, ch_error *err)
{
    const char *name = ch_arena_printf(scope->arena, "cache/%s", hash);
    *data = ch_blob_get(scope->session, name, size);
    if (*data) return 0;
    return ch_failf(err, CH_E_SPARK, "Not found any cached local relation with the hash: %s", hash);
}

/* The streams of a plan node, its schema text (may be NULL) and what they are known by. */
static int collect_streams(ch_scope *scope, const ch_plan *plan, local_rows *rows, const char **schema, ch_buf *key,
                           ch_error *err)
{
    bool cached = plan->kind == CH_PLAN_CACHED_LOCAL;
    size_t n = cached ? plan->u.cached_local.nhash : 1;
    *schema = NULL;
    rows->data = CH_NEW_ARRAY(scope->arena, const void *, n + 1);
    rows->size = CH_NEW_ARRAY(scope->arena, size_t, n + 1);
    if (!cached) {
        uint64_t hash[2] = {1, 2};
        rows->n = plan->u.local.data != NULL;
        rows->data[0] = plan->u.local.data;
        rows->size[0] = plan->u.local.size;
        *schema = plan->u.local.schema;
        if (rows->n) ch_hash_bytes(hash, rows->data[0], rows->size[0]);
        ch_buf_printf(key, "local:%016llx%016llx", (unsigned long long)hash[0], (unsigned long long)hash[1]);
        return 0;
    }
    ch_buf_str(key, "cached");
    for (size_t i = 0; i < n; i++) {
        CH_TRY(find_blob(scope, plan->u.cached_local.hashes[i], &rows->data[i], &rows->size[i], err));
        ch_buf_printf(key, ":%s", plan->u.cached_local.hashes[i]);
    }
    rows->n = n;
    const char *schema_hash = plan->u.cached_local.schema_hash;
    if (schema_hash && !*schema_hash) return 0;
    if (schema_hash) {
        size_t size;
        const void *text;
        CH_TRY(find_blob(scope, schema_hash, &text, &size, err));
        *schema = ch_arena_strndup(scope->arena, text, size);
        return 0;
    }
    if (n != 1) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "The cached local relation is malformed.");
    rows->n = 0;
    return split_relation(scope->arena, rows->data[0], rows->size[0], rows, schema, err);
}

static int find_schema(ch_scope *scope, const local_rows *rows, const char *text, ch_schema *out, ch_error *err)
{
    if (text && *text) return ch_parse_schema(scope->arena, text, out, err);
    if (!rows->n)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT,
                        "Schema for LocalRelation is required when the input data is not provided.");
    ch_arrow_reader *reader;
    CH_TRY(ch_arrow_reader_open(rows->data[0], rows->size[0], &reader, err));
    int status = ch_arrow_reader_schema(reader, scope->arena, out, err);
    ch_arrow_reader_close(reader);
    return status;
}

int ch_source_local(ch_scope *scope, const ch_plan *plan, ch_rel **out, ch_error *err)
{
    local_rows rows = {.zone = ch_session_zone(scope->session)};
    ch_schema schema;
    const char *schema_text, *from;
    ch_buf key = {0};
    int status = collect_streams(scope, plan, &rows, &schema_text, &key, err);
    if (!status) status = find_schema(scope, &rows, schema_text, &schema, err);
    if (!status && schema_text) {
        uint64_t hash[2] = {3, 4};
        ch_hash_text(hash, schema_text);
        ch_buf_printf(&key, ":%016llx%016llx", (unsigned long long)hash[0], (unsigned long long)hash[1]);
    }
    rows.schema = &schema;
    if (!status && schema.n) {
        status = ch_stored_get(scope->session, scope->arena, ch_buf_text(&key), "local", fill_table, &rows, &from, err);
    } else if (!status) {
        uint64_t total;
        status = count_rows(&rows, &total, err);
        from = ch_arena_printf(scope->arena, "range(%llu)", (unsigned long long)total);
    }
    if (!status) *out = ch_source_rel(scope, &schema, from, "LocalTableScan", ch_buf_text(&key));
    ch_buf_reset(&key);
    return status;
}
