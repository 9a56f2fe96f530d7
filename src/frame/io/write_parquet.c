/* write_parquet.c: Parquet files by the engine's own writer, with the footer keys by which Spark knows its types.
 *
 * partitionBy: the rows go into a table first, with one more column, the hexadecimal text of the partition values, and
 * then from there into a file for each of its values. The engine's own partitioned writing would mix up the order of
 * rows. */
#include "frame/analyze/rel_internal.h"
#include "frame/engine/engine.h"
#include "frame/io/source_files.h"
#include "frame/io/write_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PART_COLUMN       "__chert_partition"
#define ROW_COLUMN        "__chert_row"
#define DEFAULT_PARTITION "__HIVE_DEFAULT_PARTITION__"

enum { SCANS_MAX = 50 }; /* partitions up to which looking through all rows for each is faster than sorting them */

bool ch_parquet_accepts(const ch_type *type)
{
    switch (type->kind) {
    case CH_NULL:
    case CH_INTERVAL_CALENDAR: return false;
    default:
        for (size_t i = 0; i < type->nfield; i++) {
            const ch_type *inner = type->fields[i].type;
            /* inside of other types the conversion of intervals to numbers is not there */
            if (inner->kind == CH_INTERVAL_DAY_TIME || inner->kind == CH_INTERVAL_YEAR_MONTH) return false;
            if (!ch_parquet_accepts(inner)) return false;
        }
        return true;
    }
}

typedef struct codec {
    const char *name, *engine, *suffix;
} codec;

static int find_codec(ch_writing *w, const codec **out, ch_error *err)
{
    static const codec codecs[] = {
        {"snappy", "snappy", ".snappy"},  {"none", "uncompressed", ""}, {"uncompressed", "uncompressed", ""},
        {"gzip", "gzip", ".gz"},          {"zstd", "zstd", ".zstd"},    {"lz4_raw", "lz4_raw", ".lz4raw"},
        {"lz4raw", "lz4_raw", ".lz4raw"}, {"brotli", "brotli", ".br"}};
    const char *name = ch_option_get(&w->options, "compression");
    if (!name) name = ch_option_get(&w->options, "parquet.compression");
    if (!name) name = ch_config_find(w->session, w->arena, "spark.sql.parquet.compression.codec");
    if (!name) name = "snappy";
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (!strcasecmp(name, codecs[i].name)) {
            *out = &codecs[i];
            return 0;
        }
    return ch_raise(err, "CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION", "codecName", name, "availableCodecs",
                    "brotli, uncompressed, snappy, lz4_raw, none, zstd, gzip", (char *)NULL);
}

/* --- one file --- */

/* The columns as they go into the file: intervals are numbers there. */
static void column_list(ch_buf *sql, const ch_schema *schema)
{
    for (size_t i = 0; i < schema->n; i++) {
        const ch_field *f = &schema->fields[i];
        ch_buf name = {0};
        ch_buf_sql_name(&name, f->name);
        const char *n = ch_buf_text(&name);
        ch_buf_str(sql, i ? ", " : "");
        if (f->type->kind == CH_INTERVAL_DAY_TIME) {
            ch_buf_printf(sql, "epoch_us(%s) AS %s", n, n);
        } else if (f->type->kind == CH_INTERVAL_YEAR_MONTH) {
            ch_buf_printf(sql, "CAST(datepart('year', %s) * 12 + datepart('month', %s) AS INTEGER) AS %s", n, n, n);
        } else {
            ch_buf_str(sql, n);
        }
        ch_buf_reset(&name);
    }
}

static void name_list(ch_buf *sql, const ch_schema *schema)
{
    for (size_t i = 0; i < schema->n; i++) {
        ch_buf_str(sql, i ? ", " : "");
        ch_buf_sql_name(sql, schema->fields[i].name);
    }
}

/* COPY (SELECT ... FROM <from>) TO '<folder>/part-00000-...' */
static void copy_before(ch_buf *sql, const ch_schema *schema)
{
    ch_buf_str(sql, "COPY (SELECT ");
    column_list(sql, schema);
    ch_buf_str(sql, " FROM ");
}

static void copy_after(ch_buf *sql, const ch_schema *schema, const codec *c, const char *path)
{
    ch_buf json = {0};
    ch_schema_json(&json, schema);
    ch_buf_str(sql, ") TO ");
    ch_buf_sql_string(sql, path);
    ch_buf_printf(sql,
                  " (FORMAT parquet, COMPRESSION %s, KV_METADATA {'org.apache.spark.version': '4.1.3', "
                  "'org.apache.spark.sql.parquet.row.metadata': ",
                  c->engine);
    ch_buf_sql_string(sql, ch_buf_text(&json));
    ch_buf_str(sql, "})");
    ch_buf_reset(&json);
}

static int write_file(ch_writing *w, ch_query *q, const ch_schema *schema, const codec *c, ch_error *err)
{
    ch_buf before = {0}, after = {0};
    copy_before(&before, schema);
    ch_buf_char(&before, '(');
    ch_buf_str(&after, ") t(");
    name_list(&after, schema);
    ch_buf_char(&after, ')');
    copy_after(&after, schema, c,
               ch_arena_printf(w->arena, "%s/part-00000-%s-c000%s.parquet", w->folder, w->uuid, c->suffix));
    int status = ch_query_run_inside(q, ch_buf_text(&before), ch_buf_text(&after), w->task, err);
    ch_buf_reset(&before);
    ch_buf_reset(&after);
    return status;
}

/* --- a file for each partition folder --- */

/* concat_ws('_', hex(text of the first value), ...): a null becomes an empty text, as folder names treat both alike. */
static ch_expr *partition_expr(ch_writing *w)
{
    ch_expr *call = ch_expr_new(w->arena, CH_EX_CALL);
    call->u.call.name = "concat_ws";
    call->u.call.n = w->npartition + 2;
    call->u.call.args = CH_NEW_ARRAY(w->arena, ch_expr *, w->npartition + 2);
    call->u.call.args[0] = ch_expr_string(w->arena, "_");
    for (size_t i = 0; i < w->npartition; i++) {
        ch_expr *value = ch_expr_name(w->arena, w->schema->fields[w->partition[i]].name);
        value = ch_expr_cast(w->arena, value, &ch_type_string);
        value = ch_expr_call(w->arena, "coalesce", 2, value, ch_expr_string(w->arena, ""));
        call->u.call.args[i + 1] = ch_expr_call(w->arena, "hex", 1, value);
    }
    /* A last constant keeps the text from being empty, which the engine would take for null. */
    call->u.call.args[w->npartition + 1] = ch_expr_string(w->arena, "z");
    return ch_expr_alias(w->arena, call, PART_COLUMN);
}

static bool hex_pair(const char *s, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *high = s[0] ? strchr(digits, s[0]) : NULL, *low = high && s[1] ? strchr(digits, s[1]) : NULL;
    if (!low) return false;
    *out = (char)((high - digits) * 16 + (low - digits));
    return true;
}

/* "6162_31_z" -> "p=ab/q=1" */
static bool folder_of(ch_writing *w, const char *code, ch_buf *out)
{
    for (size_t i = 0; i < w->npartition; i++) {
        ch_buf value = {0};
        char c;
        for (; hex_pair(code, &c); code += 2) ch_buf_char(&value, c);
        ch_buf_str(out, i ? "/" : "");
        ch_escape_path(out, w->schema->fields[w->partition[i]].name);
        ch_buf_char(out, '=');
        if (value.len)
            ch_escape_path(out, ch_buf_text(&value));
        else
            ch_buf_str(out, DEFAULT_PARTITION);
        ch_buf_reset(&value);
        if (*code++ != '_') return false;
    }
    return !strcmp(code, "z");
}

/* Where the rows wait: a table of all, which is sorted by partition when there are many of them. */
typedef struct sorter {
    ch_writing *w;
    const ch_schema *schema;
    const codec *codec;
    duckdb_connection con;
    const char *table;
    bool sorted;
    int64_t written;
} sorter;

static int fill_table(const sorter *s, ch_query *q, ch_error *err)
{
    ch_buf before = {0}, after = {0};
    ch_buf_printf(&before, "CREATE TABLE %s AS SELECT * FROM (", s->table);
    ch_buf_str(&after, ") t(");
    name_list(&after, s->schema);
    ch_buf_str(&after, ", " PART_COLUMN ")");
    int status = ch_query_run_inside(q, ch_buf_text(&before), ch_buf_text(&after), s->w->task, err);
    ch_buf_reset(&before);
    ch_buf_reset(&after);
    return status;
}

static void drop_table(const sorter *s)
{
    ch_error ignored;
    (void)ch_engine_run(s->con, ch_arena_printf(s->w->arena, "DROP TABLE IF EXISTS %s", s->table), &ignored);
}

static int sort_table(sorter *s, ch_error *err)
{
    const char *table = ch_session_table(s->w->session, s->w->arena, "write");
    const char *sql = ch_arena_printf(s->w->arena,
                                      "CREATE TABLE %s AS SELECT *, row_number() OVER () AS " ROW_COLUMN
                                      " FROM (SELECT * FROM %s ORDER BY " PART_COLUMN ", rowid)",
                                      table, s->table);
    CH_TRY(ch_engine_run_task(s->w->session, s->con, sql, s->w->task, err));
    drop_table(s);
    s->table = table;
    s->sorted = true;
    return 0;
}

/* The `rows` rows of the next partition. */
static int write_partition(sorter *s, const ch_string *code, int64_t rows, ch_error *err)
{
    ch_buf folder = {0}, sql = {0};
    const char *text = ch_arena_strndup(s->w->arena, ch_string_data(code), ch_string_len(code));
    int status = 0;
    ch_buf_printf(&folder, "%s/", s->w->folder);
    if (!folder_of(s->w, text, &folder)) status = ch_bug(err, "partition folder %s", text);
    if (!status) status = ch_make_folders(ch_buf_text(&folder), err);
    ch_buf_printf(&folder, "/part-00000-%s.c000%s.parquet", s->w->uuid, s->codec->suffix);
    copy_before(&sql, s->schema);
    if (s->sorted) {
        ch_buf_printf(&sql, "%s WHERE " ROW_COLUMN " BETWEEN %lld AND %lld", s->table, (long long)s->written + 1,
                      (long long)(s->written + rows));
    } else {
        ch_buf_printf(&sql, "%s WHERE " PART_COLUMN " = '%s'", s->table, text);
    }
    copy_after(&sql, s->schema, s->codec, ch_buf_text(&folder));
    if (!status) status = ch_engine_run_task(s->w->session, s->con, ch_buf_text(&sql), s->w->task, err);
    s->written += rows;
    ch_buf_reset(&folder);
    ch_buf_reset(&sql);
    return status;
}

static int write_partitions(sorter *s, ch_error *err)
{
    duckdb_result result;
    int status = 0;
    const char *sql = ch_arena_printf(
        s->w->arena, "SELECT " PART_COLUMN ", count(*) FROM %s GROUP BY " PART_COLUMN " ORDER BY 1", s->table);
    if (duckdb_query(s->con, sql, &result) != DuckDBSuccess)
        status = ch_engine_error(duckdb_result_error(&result), err);
    if (!status && duckdb_row_count(&result) > SCANS_MAX) status = sort_table(s, err);
    while (!status) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
        if (!chunk) break;
        const ch_string *codes = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
        const int64_t *counts = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1));
        size_t n = duckdb_data_chunk_get_size(chunk);
        for (size_t i = 0; !status && i < n; i++) status = write_partition(s, &codes[i], counts[i], err);
        duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    return status;
}

static int write_folders(ch_writing *w, ch_query *q, const ch_schema *schema, const codec *c, ch_error *err)
{
    sorter s = {.w = w, .schema = schema, .codec = c, .table = ch_session_table(w->session, w->arena, "write")};
    CH_TRY(ch_engine_connect(w->session, &s.con, err));
    int status = fill_table(&s, q, err);
    if (!status) status = write_partitions(&s, err);
    drop_table(&s);
    ch_engine_disconnect(w->session, &s.con);
    return status;
}

/* The data columns and the text of the partition values. */
static ch_plan *partition_plan(ch_writing *w)
{
    ch_plan *project = ch_plan_new(w->arena, CH_PLAN_PROJECT, (ch_plan *)w->plan);
    project->u.project.exprs = CH_NEW_ARRAY(w->arena, ch_expr *, w->ndata + 1);
    for (size_t i = 0; i < w->ndata; i++)
        project->u.project.exprs[project->u.project.n++] = ch_expr_name(w->arena, w->schema->fields[w->data[i]].name);
    project->u.project.exprs[project->u.project.n++] = partition_expr(w);
    return project;
}

int ch_write_parquet(ch_writing *w, ch_error *err)
{
    const codec *c;
    ch_query *q;
    ch_schema schema = {w->ndata, CH_NEW_ARRAY(w->arena, ch_field, w->ndata)};
    for (size_t i = 0; i < w->ndata; i++) schema.fields[i] = w->schema->fields[w->data[i]];
    CH_TRY(find_codec(w, &c, err));
    CH_TRY(ch_query_open(w->session, w->npartition ? partition_plan(w) : w->plan, &q, err));
    int status = w->npartition ? write_folders(w, q, &schema, c, err) : write_file(w, q, &schema, c, err);
    ch_query_close(q);
    return status;
}
