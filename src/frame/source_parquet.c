/* source_parquet.c: reading Parquet: the engine reads the bytes, the footer key that Spark writes says which types and
 * metadata the columns have (org.apache.spark.sql.execution.datasources.parquet.ParquetFileFormat). */
#include "frame/engine.h"
#include "frame/source_files.h"
#include "frame/source_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROW_METADATA "org.apache.spark.sql.parquet.row.metadata"

typedef struct parquet_source {
    ch_read *read;
    ch_arena *arena;
    const ch_files *files;
    ch_schema schema; /* data columns */
    size_t nengine;   /* columns the engine finds in the files */
    const char **engine_names;
    duckdb_logical_type *engine_types;
    bool merge;
} parquet_source;

/* --- what the engine sees --- */

static void file_list(ch_buf *sql, const ch_file *files, size_t n)
{
    ch_buf_char(sql, '[');
    for (size_t i = 0; i < n; i++) {
        ch_buf_str(sql, i ? ", " : "");
        ch_buf_sql_string(sql, files[i].path);
    }
    ch_buf_char(sql, ']');
}

static void reader_sql(ch_buf *sql, const parquet_source *p, const ch_file *files, size_t n)
{
    ch_buf_str(sql, "read_parquet(");
    file_list(sql, files, n);
    ch_buf_printf(sql, ", hive_partitioning = false, union_by_name = %s)", p->merge ? "true" : "false");
}

static int engine_columns(parquet_source *p, duckdb_connection con, ch_error *err)
{
    ch_buf sql = {0};
    duckdb_prepared_statement statement = NULL;
    ch_buf_str(&sql, "SELECT * FROM ");
    reader_sql(&sql, p, p->files->files, p->merge ? p->files->n : 1);
    int status = 0;
    if (duckdb_prepare(con, ch_buf_text(&sql), &statement) != DuckDBSuccess) {
        status = ch_engine_error(duckdb_prepare_error(statement), err);
    } else {
        p->nengine = duckdb_prepared_statement_column_count(statement);
        p->engine_names = CH_NEW_ARRAY(p->arena, const char *, p->nengine);
        p->engine_types = CH_NEW_ARRAY(p->arena, duckdb_logical_type, p->nengine);
        for (size_t i = 0; i < p->nengine; i++) {
            const char *name = duckdb_prepared_statement_column_name(statement, i);
            p->engine_names[i] = ch_arena_strdup(p->arena, name);
            duckdb_free((void *)(uintptr_t)name);
            p->engine_types[i] = duckdb_prepared_statement_column_logical_type(statement, i);
        }
    }
    duckdb_destroy_prepare(&statement);
    ch_buf_reset(&sql);
    return status;
}

/* --- the schema --- */

/* Spark's own schema of a file, if it wrote one; *found tells. */
static int footer_schema(parquet_source *p, duckdb_connection con, bool *found, ch_error *err)
{
    ch_buf sql = {0};
    duckdb_result result;
    *found = false;
    ch_buf_str(&sql, "SELECT decode(value) FROM parquet_kv_metadata(");
    ch_buf_sql_string(&sql, p->files->files[0].path);
    ch_buf_str(&sql, ") WHERE decode(key) = '" ROW_METADATA "'");
    int status = 0;
    if (duckdb_query(con, ch_buf_text(&sql), &result) != DuckDBSuccess) {
        status = ch_engine_error(duckdb_result_error(&result), err);
    } else {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
        if (chunk && duckdb_data_chunk_get_size(chunk) > 0) {
            const ch_type *type;
            ch_error ignored; /* a footer that is no schema is as good as none */
            const ch_string *text = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
            const char *json = ch_arena_strndup(p->arena, ch_string_data(text), ch_string_len(text));
            *found = !ch_type_from_json(p->arena, json, strlen(json), &type, &ignored) && type->kind == CH_STRUCT;
            if (*found)
                p->schema =
                    (ch_schema){type->nfield, ch_arena_dup(p->arena, type->fields, type->nfield * sizeof(ch_field))};
        }
        if (chunk) duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    ch_buf_reset(&sql);
    return status;
}

static int engine_schema(parquet_source *p, ch_error *err)
{
    p->schema = (ch_schema){p->nengine, CH_NEW_ARRAY(p->arena, ch_field, p->nengine)};
    for (size_t i = 0; i < p->nengine; i++) {
        const ch_type *type = ch_type_of_engine(p->arena, p->engine_types[i]);
        if (!type)
            return ch_failf(err, CH_E_ANALYSIS, "Column %s of %s has a Parquet type that is not supported.",
                            p->engine_names[i], p->files->files[0].path);
        p->schema.fields[i] = (ch_field){p->engine_names[i], type, true, NULL};
    }
    return 0;
}

/* What is read may be null anywhere, whatever the writer promised. */
static const ch_type *nullable_type(ch_arena *arena, const ch_type *t)
{
    if (!t->nfield) return t;
    ch_type *copy = ch_arena_dup(arena, t, sizeof *t);
    ch_field *fields = ch_arena_dup(arena, t->fields, t->nfield * sizeof *fields);
    for (size_t i = 0; i < t->nfield; i++) {
        fields[i].type = nullable_type(arena, fields[i].type);
        fields[i].nullable = !(t->kind == CH_MAP && i == 0);
    }
    copy->fields = fields;
    return copy;
}

static bool is_partition(const parquet_source *p, const char *name)
{
    for (size_t i = 0; i < p->files->partitions.n; i++)
        if (!strcasecmp(p->files->partitions.fields[i].name, name)) return true;
    return false;
}

static int find_schema(parquet_source *p, ch_error *err)
{
    bool found = false, given = p->read->has_schema;
    duckdb_connection con;
    size_t kept = 0;
    if (!p->files->n && !given) return ch_no_schema(p->read, err);
    CH_TRY(ch_engine_connect(p->read->scope->session, &con, err));
    int status = p->files->n ? engine_columns(p, con, err) : 0;
    if (!status && !given && !p->merge) status = footer_schema(p, con, &found, err);
    ch_engine_disconnect(p->read->scope->session, &con);
    if (status) return status;
    if (given)
        p->schema = ch_schema_copy(p->arena, &p->read->schema);
    else if (!found)
        CH_TRY(engine_schema(p, err));
    for (size_t i = 0; i < p->schema.n; i++) {
        ch_field f = p->schema.fields[i];
        if (is_partition(p, f.name)) continue;
        f.nullable = true;
        f.type = nullable_type(p->arena, f.type);
        p->schema.fields[kept++] = f;
    }
    p->schema.n = kept;
    return 0;
}

/* --- the relation --- */

static void null_sql(ch_buf *sql, const ch_type *type)
{
    ch_buf_str(sql, "NULL::");
    ch_type_duckdb(sql, type);
}

static void literal_sql(ch_buf *sql, const ch_literal *value, const ch_type *type)
{
    if (value->is_null) {
        null_sql(sql, type);
        return;
    }
    switch (type->kind) {
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY: {
        ch_buf text = {0};
        ch_buf_add(&text, value->v.bytes.data, value->v.bytes.len);
        ch_buf_sql_string(sql, ch_buf_text(&text));
        ch_buf_reset(&text);
        break;
    }
    case CH_BOOLEAN: ch_buf_str(sql, value->v.boolean ? "true" : "false"); break;
    case CH_FLOAT:
    case CH_DOUBLE: ch_buf_printf(sql, "%.17g", value->v.real); break;
    case CH_DATE: ch_buf_printf(sql, "(DATE '1970-01-01' + %lld)", (long long)value->v.integer); break;
    case CH_TIMESTAMP: ch_buf_printf(sql, "make_timestamptz(%lld)", (long long)value->v.integer); break;
    case CH_TIMESTAMP_NTZ: ch_buf_printf(sql, "make_timestamp(%lld)", (long long)value->v.integer); break;
    default: ch_buf_printf(sql, "%lld", (long long)value->v.integer);
    }
    ch_buf_str(sql, "::");
    ch_type_duckdb(sql, type);
}

/* One data column over read_parquet, as the type it shall have. */
static void column_sql(ch_buf *sql, const parquet_source *p, const ch_field *f)
{
    size_t at = 0;
    while (at < p->nengine && strcasecmp(p->engine_names[at], f->name)) at++;
    if (at == p->nengine) { /* asked for, but not in the files */
        null_sql(sql, f->type);
        return;
    }
    if (ch_engine_type_matches(p->engine_types[at], f->type)) {
        ch_buf_sql_name(sql, p->engine_names[at]);
        return;
    }
    /* Times without a zone in the file (INT96) are UTC. */
    bool utc = f->type->kind == CH_TIMESTAMP && duckdb_get_type_id(p->engine_types[at]) == DUCKDB_TYPE_TIMESTAMP;
    ch_buf_str(sql, "CAST(");
    ch_buf_sql_name(sql, p->engine_names[at]);
    if (utc) ch_buf_str(sql, " AT TIME ZONE 'UTC'");
    ch_buf_str(sql, " AS ");
    ch_type_duckdb(sql, f->type);
    ch_buf_char(sql, ')');
}

static bool same_folder(const ch_file *a, const ch_file *b, size_t npartition)
{
    const char *end_a = strrchr(a->path, '/'), *end_b = strrchr(b->path, '/');
    return !npartition || (end_a - a->path == end_b - b->path && !strncmp(a->path, b->path, (size_t)(end_a - a->path)));
}

/* A SELECT for the files of each partition folder, all of them in one where there are none. */
static const char *from_sql(parquet_source *p)
{
    ch_buf sql = {0};
    ch_buf_char(&sql, '(');
    for (size_t i = 0, n; i < p->files->n || i == 0; i += n) {
        const ch_file *first = &p->files->files[i];
        n = 1;
        while (i + n < p->files->n && same_folder(first, &first[n], p->files->partitions.n)) n++;
        ch_buf_str(&sql, i ? " UNION ALL SELECT " : "SELECT ");
        for (size_t c = 0; c < p->schema.n; c++) {
            if (p->files->n)
                column_sql(&sql, p, &p->schema.fields[c]);
            else
                null_sql(&sql, p->schema.fields[c].type);
            ch_buf_printf(&sql, " AS c%zu, ", c);
        }
        for (size_t c = 0; c < p->files->partitions.n; c++) {
            const ch_type *type = p->files->partitions.fields[c].type;
            if (p->files->n)
                literal_sql(&sql, &first->values[c], type);
            else
                null_sql(&sql, type);
            ch_buf_printf(&sql, " AS c%zu, ", p->schema.n + c);
        }
        sql.len -= 2; /* the last comma */
        if (!p->files->n) {
            ch_buf_str(&sql, " WHERE false");
        } else {
            ch_buf_str(&sql, " FROM ");
            reader_sql(&sql, p, first, n);
        }
    }
    ch_buf_char(&sql, ')');
    const char *text = ch_arena_strdup(p->arena, ch_buf_text(&sql));
    ch_buf_reset(&sql);
    return text;
}

int ch_source_parquet(ch_read *read, ch_rel **out, ch_error *err)
{
    parquet_source p = {.read = read, .arena = read->scope->arena, .files = &read->files};
    CH_TRY(ch_option_bool(&read->options, "mergeSchema", false, &p.merge, err));
    int status = find_schema(&p, err);
    if (!status) *out = ch_read_rel(read, &p.schema, from_sql(&p), ch_read_identity(read, &p.schema));
    for (size_t i = 0; p.engine_types && i < p.nengine; i++) duckdb_destroy_logical_type(&p.engine_types[i]);
    return status;
}
