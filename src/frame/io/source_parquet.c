/* source_parquet.c: reading Parquet: the engine reads the bytes, the footer key that Spark writes says which types and
 * metadata the columns have (org.apache.spark.sql.execution.datasources.parquet.ParquetFileFormat). */
#include "base/map.h"
#include "frame/engine/engine.h"
#include "frame/io/source_files.h"
#include "frame/io/source_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROW_METADATA "org.apache.spark.sql.parquet.row.metadata"

/* What the engine finds in files. */
typedef struct engine_columns {
    size_t n;
    const char **names;
    duckdb_logical_type *types;
} engine_columns;

typedef struct parquet_source {
    ch_read *read;
    ch_arena *arena;
    ch_files files;   /* in the order of reading: the largest first, as Spark */
    ch_schema schema; /* data columns */
    engine_columns all;
} parquet_source;

/* --- what the engine sees --- */

/* All files by one reader: columns by name, missing ones NULL; the values of partition folders as text columns. */
static void reader_sql(ch_buf *sql, const ch_file *files, size_t n, bool partitioned)
{
    ch_buf_str(sql, "read_parquet([");
    for (size_t i = 0; i < n; i++) {
        ch_buf_str(sql, i ? ", " : "");
        ch_buf_sql_string(sql, files[i].path);
    }
    ch_buf_printf(sql, "], union_by_name = %s, hive_partitioning = %s%s)", n > 1 ? "true" : "false",
                  partitioned ? "true" : "false", partitioned ? ", hive_types_autocast = false" : "");
}

static void free_columns(engine_columns *c)
{
    for (size_t i = 0; i < c->n; i++) duckdb_destroy_logical_type(&c->types[i]);
    c->n = 0;
}

/* Which file has a footer that cannot be read: the engine's message names it. */
static int footer_error(const parquet_source *p, const ch_file *files, size_t n, const char *text, ch_error *err)
{
    const char *path = files[0].path, *query = strstr(text, "LINE 1:");
    for (size_t i = 1; i < n; i++) {
        const char *hit = strstr(text, files[i].path);
        if (hit && (!query || hit < query)) path = files[i].path;
    }
    /* Spark meets it while it looks for the schema or, when that is given, while it reads. */
    const char *condition =
        p->read->has_schema ? "FAILED_READ_FILE.NO_HINT" : "FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER";
    return ch_raise(err, condition, "path", ch_arena_printf(p->arena, "file://%s", path), (char *)NULL);
}

static int find_columns(const parquet_source *p, duckdb_connection con, const ch_file *files, size_t n,
                        engine_columns *out, ch_error *err)
{
    ch_buf sql = {0};
    duckdb_prepared_statement statement = NULL;
    ch_buf_str(&sql, "SELECT * FROM ");
    reader_sql(&sql, files, n, false);
    int status = 0;
    if (duckdb_prepare(con, ch_buf_text(&sql), &statement) != DuckDBSuccess) {
        status = footer_error(p, files, n, duckdb_prepare_error(statement), err);
    } else {
        size_t count = duckdb_prepared_statement_column_count(statement);
        *out = (engine_columns){count, CH_NEW_ARRAY(p->arena, const char *, count),
                                CH_NEW_ARRAY(p->arena, duckdb_logical_type, count)};
        for (size_t i = 0; i < count; i++) {
            const char *name = duckdb_prepared_statement_column_name(statement, i);
            out->names[i] = ch_arena_strdup(p->arena, name);
            duckdb_free((void *)(uintptr_t)name);
            out->types[i] = duckdb_prepared_statement_column_logical_type(statement, i);
        }
    }
    duckdb_destroy_prepare(&statement);
    ch_buf_reset(&sql);
    return status;
}

/* --- the schema of a file --- */

/* Spark's own schema of a file, if it wrote one; *found tells. */
static int footer_schema(const parquet_source *p, duckdb_connection con, const ch_file *file, bool *found,
                         ch_schema *out, ch_error *err)
{
    ch_buf sql = {0};
    duckdb_result result;
    *found = false;
    ch_buf_str(&sql, "SELECT decode(value) FROM parquet_kv_metadata(");
    ch_buf_sql_string(&sql, file->path);
    ch_buf_str(&sql, ") WHERE decode(key) = '" ROW_METADATA "'");
    int status = 0;
    if (duckdb_query(con, ch_buf_text(&sql), &result) != DuckDBSuccess) {
        status = footer_error(p, file, 1, "", err);
    } else {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(result);
        if (chunk && duckdb_data_chunk_get_size(chunk) > 0) {
            const ch_type *type;
            ch_error ignored; /* a footer that is no schema is as good as none */
            const ch_string *text = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
            const char *json = ch_arena_strndup(p->arena, ch_string_data(text), ch_string_len(text));
            *found = !ch_type_from_json(p->arena, json, strlen(json), &type, &ignored) && type->kind == CH_STRUCT;
            if (*found)
                *out = (ch_schema){type->nfield, ch_arena_dup(p->arena, type->fields, type->nfield * sizeof(ch_field))};
        }
        if (chunk) duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
    ch_buf_reset(&sql);
    return status;
}

/* Spark's type for what the engine found; it has no unsigned integers. */
static int spark_type(const parquet_source *p, const ch_file *file, const char *name, duckdb_logical_type from,
                      const ch_type **out, ch_error *err)
{
    switch (duckdb_get_type_id(from)) {
    case DUCKDB_TYPE_UTINYINT: return *out = &ch_type_short, 0;
    case DUCKDB_TYPE_USMALLINT: return *out = &ch_type_int, 0;
    case DUCKDB_TYPE_UINTEGER: return *out = &ch_type_long, 0;
    case DUCKDB_TYPE_UBIGINT: return *out = ch_type_decimal(p->arena, 20, 0), 0;
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_TIME_NS:
    case DUCKDB_TYPE_TIME_TZ: return ch_raise(err, "UNSUPPORTED_TIME_TYPE", (char *)NULL);
    case DUCKDB_TYPE_TIMESTAMP_NS:
        return ch_raise(err, "PARQUET_TYPE_ILLEGAL", "parquetType", "INT64 (TIMESTAMP(NANOS,false))", (char *)NULL);
    default: *out = ch_type_of_engine(p->arena, from);
    }
    if (*out) return 0;
    return ch_failf(err, CH_E_ANALYSIS, "Column %s of %s has a Parquet type that is not supported.", name, file->path);
}

static const ch_type *nullable_type(ch_arena *arena, const ch_type *t);

static int file_schema(const parquet_source *p, duckdb_connection con, const ch_file *file, ch_schema *out,
                       ch_error *err)
{
    bool found;
    engine_columns columns = {0};
    CH_TRY(footer_schema(p, con, file, &found, out, err));
    int status = 0;
    if (!found) {
        status = find_columns(p, con, file, 1, &columns, err);
        *out = (ch_schema){columns.n, CH_NEW_ARRAY(p->arena, ch_field, columns.n)};
        for (size_t i = 0; !status && i < columns.n; i++) {
            out->fields[i] = (ch_field){columns.names[i], NULL, true, NULL};
            status = spark_type(p, file, columns.names[i], columns.types[i], &out->fields[i].type, err);
        }
        free_columns(&columns);
    }
    for (size_t i = 0; !status && i < out->n; i++) {
        out->fields[i].nullable = true;
        out->fields[i].type = nullable_type(p->arena, out->fields[i].type);
    }
    return status;
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

/* StructType.merge: the fields of both, those of one name merged; NULL if they cannot be. */
static const ch_type *merge_types(ch_arena *arena, const ch_type *a, const ch_type *b)
{
    if (ch_type_equal(a, b, false)) return a;
    if (a->kind != b->kind || (a->kind != CH_STRUCT && a->kind != CH_ARRAY && a->kind != CH_MAP)) return NULL;
    size_t n = a->nfield;
    ch_field *fields = CH_NEW_ARRAY(arena, ch_field, a->nfield + b->nfield);
    memcpy(fields, a->fields, n * sizeof *fields);
    for (size_t i = 0; i < b->nfield; i++) {
        size_t at = a->kind == CH_STRUCT ? 0 : i;
        while (at < a->nfield && strcasecmp(a->fields[at].name, b->fields[i].name)) at++;
        if (at == a->nfield) {
            fields[n++] = b->fields[i];
        } else if (!(fields[at].type = merge_types(arena, fields[at].type, b->fields[i].type))) {
            return NULL;
        }
    }
    ch_type *merged = ch_arena_dup(arena, a, sizeof *a);
    merged->fields = fields;
    merged->nfield = n;
    return merged;
}

static int cannot_merge(ch_arena *arena, const ch_type *a, const ch_type *b, ch_error *err)
{
    ch_buf left = {0}, right = {0};
    ch_type_sql(&left, a);
    ch_type_sql(&right, b);
    int status = ch_raise(err, "CANNOT_MERGE_SCHEMAS", "left", ch_arena_printf(arena, "\"%s\"", ch_buf_text(&left)),
                          "right", ch_arena_printf(arena, "\"%s\"", ch_buf_text(&right)), (char *)NULL);
    ch_buf_reset(&left);
    ch_buf_reset(&right);
    return status;
}

/* What the files say: the first one by name, or all of them together. */
static int inferred_schema(parquet_source *p, duckdb_connection con, ch_error *err)
{
    bool merge;
    const ch_files *files = &p->read->files;
    CH_TRY(ch_option_bool(&p->read->options, "mergeSchema", false, &merge, err));
    CH_TRY(file_schema(p, con, &files->files[0], &p->schema, err));
    const ch_type *all = ch_type_struct(p->arena, p->schema.fields, p->schema.n);
    for (size_t i = 1; merge && i < files->n; i++) {
        ch_schema one;
        CH_TRY(file_schema(p, con, &files->files[i], &one, err));
        const ch_type *type = ch_type_struct(p->arena, one.fields, one.n);
        const ch_type *merged = merge_types(p->arena, all, type);
        if (!merged) return cannot_merge(p->arena, all, type, err);
        all = merged;
    }
    p->schema = (ch_schema){all->nfield, ch_arena_dup(p->arena, all->fields, all->nfield * sizeof(ch_field))};
    return 0;
}

static bool is_partition(const parquet_source *p, const char *name)
{
    for (size_t i = 0; i < p->files.partitions.n; i++)
        if (!strcasecmp(p->files.partitions.fields[i].name, name)) return true;
    return false;
}

static int find_schema(parquet_source *p, duckdb_connection con, ch_error *err)
{
    size_t kept = 0;
    const char *identity = ch_read_identity(p->read, NULL);
    if (p->read->has_schema) {
        p->schema = ch_schema_copy(p->arena, &p->read->schema);
    } else if (!p->files.n) {
        return ch_no_schema(p->read, err);
    } else if (!ch_schema_cache_get(p->arena, identity, &p->schema)) {
        CH_TRY(inferred_schema(p, con, err));
        ch_schema_cache_put(identity, &p->schema);
    }
    for (size_t i = 0; i < p->schema.n; i++)
        if (!is_partition(p, p->schema.fields[i].name)) p->schema.fields[kept++] = p->schema.fields[i];
    p->schema.n = kept;
    CH_TRY(ch_check_duplicates(&p->schema, ch_config_bool(p->read->scope->session, "spark.sql.caseSensitive"), err));
    return p->files.n ? find_columns(p, con, p->files.files, p->files.n, &p->all, err) : 0;
}

/* --- do the files have what is asked for? --- */

static const char *physical_type(duckdb_logical_type type)
{
    switch (duckdb_get_type_id(type)) {
    case DUCKDB_TYPE_BOOLEAN: return "BOOLEAN";
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_DATE: return "INT32";
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ: return "INT64";
    case DUCKDB_TYPE_FLOAT: return "FLOAT";
    case DUCKDB_TYPE_DOUBLE: return "DOUBLE";
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB: return "BINARY";
    default: return "FIXED_LEN_BYTE_ARRAY";
    }
}

/* Which columns Spark's vectorized reader takes for which types (ParquetVectorUpdaterFactory). */
static bool is_readable(duckdb_logical_type from, const ch_type *to)
{
    duckdb_type id = duckdb_get_type_id(from);
    bool text = id == DUCKDB_TYPE_VARCHAR || id == DUCKDB_TYPE_BLOB;
    bool time = id == DUCKDB_TYPE_TIMESTAMP || id == DUCKDB_TYPE_TIMESTAMP_TZ || id == DUCKDB_TYPE_DATE;
    bool small = !text && !time && strcmp(physical_type(from), "INT32") == 0;
    bool big = id == DUCKDB_TYPE_BIGINT || id == DUCKDB_TYPE_UBIGINT || id == DUCKDB_TYPE_UINTEGER;
    switch (to->kind) {
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_INTERVAL_YEAR_MONTH: return small;
    case CH_LONG: return small || big;
    case CH_INTERVAL_DAY_TIME: return big;
    case CH_FLOAT: return id == DUCKDB_TYPE_FLOAT;
    case CH_DOUBLE: return id == DUCKDB_TYPE_FLOAT || id == DUCKDB_TYPE_DOUBLE || small;
    case CH_DECIMAL: return small || big || id == DUCKDB_TYPE_DECIMAL;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY: return text;
    case CH_DATE: return id == DUCKDB_TYPE_DATE;
    case CH_TIMESTAMP: return id == DUCKDB_TYPE_TIMESTAMP || id == DUCKDB_TYPE_TIMESTAMP_TZ;
    case CH_TIMESTAMP_NTZ: return time;
    case CH_BOOLEAN: return id == DUCKDB_TYPE_BOOLEAN;
    default: return true; /* the engine will tell */
    }
}

static size_t find_column(const parquet_source *p, const char *name)
{
    size_t at = 0;
    while (at < p->all.n && strcasecmp(p->all.names[at], name)) at++;
    return at;
}

static int check_types(const parquet_source *p, ch_error *err)
{
    for (size_t i = 0; i < p->schema.n; i++) {
        const ch_field *f = &p->schema.fields[i];
        size_t at = find_column(p, f->name);
        if (at == p->all.n || ch_engine_type_matches(p->all.types[at], f->type)) continue;
        if (is_readable(p->all.types[at], f->type)) continue;
        ch_buf type = {0};
        ch_type_simple(&type, f->type);
        int status = ch_raise(err, "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH", "path",
                              ch_arena_printf(p->arena, "file://%s", p->files.files[0].path), "column",
                              ch_arena_printf(p->arena, "[%s]", f->name), "expectedType", ch_buf_text(&type),
                              "actualType", physical_type(p->all.types[at]), (char *)NULL);
        ch_buf_reset(&type);
        return status;
    }
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
    size_t at = find_column(p, f->name);
    if (at == p->all.n) { /* asked for, but not in the files */
        null_sql(sql, f->type);
        return;
    }
    if (ch_engine_type_matches(p->all.types[at], f->type)) {
        ch_buf_sql_name(sql, p->all.names[at]);
        return;
    }
    /* Times without a zone in the file (INT96) are UTC. */
    bool utc = f->type->kind == CH_TIMESTAMP && duckdb_get_type_id(p->all.types[at]) == DUCKDB_TYPE_TIMESTAMP;
    bool micros = f->type->kind == CH_INTERVAL_DAY_TIME, months = f->type->kind == CH_INTERVAL_YEAR_MONTH;
    ch_buf_str(sql, micros ? "to_microseconds(" : months ? "to_months(" : "CAST(");
    ch_buf_sql_name(sql, p->all.names[at]);
    if (utc) ch_buf_str(sql, " AT TIME ZONE 'UTC'");
    if (!micros && !months) {
        ch_buf_str(sql, " AS ");
        ch_type_duckdb(sql, f->type);
    }
    ch_buf_char(sql, ')');
}

/* The key=value folder of a file for a partition column: the last one of that name. */
static bool partition_folder(ch_arena *arena, const char *path, const char *column, const char **key,
                             const char **value)
{
    bool found = false;
    for (const char *at = path, *slash; (slash = strchr(at, '/')); at = slash + 1) {
        const char *equals = memchr(at, '=', (size_t)(slash - at));
        if (!equals || strcmp(ch_unescape_path(arena, at, (size_t)(equals - at)), column) != 0) continue;
        *key = ch_arena_strndup(arena, at, (size_t)(equals - at));
        *value = ch_unescape_path(arena, equals + 1, (size_t)(slash - equals - 1));
        found = true;
    }
    return found;
}

/* Can the engine's own cast read all the folders' texts as Spark does? */
static bool is_castable(const ch_type *type, const char *text)
{
    switch (type->kind) {
    case CH_DATE: return strlen(text) == 10;
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: return false;
    default: return true;
    }
}

/* A partition column: the folder's text, cast, or looked up among all there are. */
static int partition_sql(ch_buf *sql, const parquet_source *p, size_t column, ch_error *err)
{
    const ch_field *f = &p->files.partitions.fields[column];
    const char *key = NULL, *value;
    bool castable = true;
    ch_map *seen = ch_map_new();
    ch_buf texts = {0}, values = {0};
    for (size_t i = 0; i < p->files.n; i++) {
        const ch_file *file = &p->files.files[i];
        if (!partition_folder(p->arena, file->path, f->name, &key, &value)) continue;
        if (file->values[column].is_null || ch_map_get(seen, value)) continue;
        ch_map_put(seen, value, sql);
        castable = castable && is_castable(f->type, value);
        ch_buf_str(&texts, texts.len ? ", " : "");
        ch_buf_sql_string(&texts, value);
        ch_buf_str(&values, values.len ? ", " : "");
        literal_sql(&values, &file->values[column], f->type);
    }
    ch_map_free(seen, NULL);
    if (!key) {
        ch_buf_reset(&texts);
        ch_buf_reset(&values);
        return ch_bug(err, "no folder for the partition column %s", f->name);
    }
    if (!texts.len) {
        null_sql(sql, f->type);
    } else if (ch_type_is_string(f->type)) {
        ch_buf_sql_name(sql, key);
    } else if (castable) {
        ch_buf_str(sql, "CAST(");
        ch_buf_sql_name(sql, key);
        ch_buf_str(sql, " AS ");
        ch_type_duckdb(sql, f->type);
        ch_buf_char(sql, ')');
    } else {
        ch_buf_printf(sql, "map_extract_value(MAP([%s], [%s]), ", ch_buf_text(&texts), ch_buf_text(&values));
        ch_buf_sql_name(sql, key);
        ch_buf_char(sql, ')');
    }
    ch_buf_reset(&texts);
    ch_buf_reset(&values);
    return 0;
}

static int from_sql(const parquet_source *p, const char **out, ch_error *err)
{
    ch_buf sql = {0};
    int status = 0;
    bool files = p->files.n > 0;
    ch_buf_str(&sql, "(SELECT ");
    for (size_t c = 0; c < p->schema.n; c++) {
        if (files)
            column_sql(&sql, p, &p->schema.fields[c]);
        else
            null_sql(&sql, p->schema.fields[c].type);
        ch_buf_printf(&sql, " AS c%zu, ", c);
    }
    for (size_t c = 0; !status && c < p->files.partitions.n; c++) {
        if (files)
            status = partition_sql(&sql, p, c, err);
        else
            null_sql(&sql, p->files.partitions.fields[c].type);
        ch_buf_printf(&sql, " AS c%zu, ", p->schema.n + c);
    }
    sql.len -= 2; /* the last comma */
    ch_buf_str(&sql, files ? " FROM " : " WHERE false");
    if (files) reader_sql(&sql, p->files.files, p->files.n, p->files.partitions.n > 0);
    ch_buf_char(&sql, ')');
    *out = ch_arena_strdup(p->arena, ch_buf_text(&sql));
    ch_buf_reset(&sql);
    return status;
}

/* The largest first, else by name; sorts pointers into the list. */
static int by_size(const void *a, const void *b)
{
    const ch_file *x = *(const ch_file *const *)a, *y = *(const ch_file *const *)b;
    if (x->size != y->size) return x->size > y->size ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void order_files(parquet_source *p)
{
    const ch_files *files = &p->read->files;
    const ch_file **order = CH_NEW_ARRAY(p->arena, const ch_file *, files->n);
    for (size_t i = 0; i < files->n; i++) order[i] = &files->files[i];
    qsort(order, files->n, sizeof *order, by_size);
    p->files = *files;
    p->files.files = CH_NEW_ARRAY(p->arena, ch_file, files->n);
    for (size_t i = 0; i < files->n; i++) p->files.files[i] = *order[i];
}

int ch_source_parquet(ch_read *read, ch_rel **out, ch_error *err)
{
    parquet_source p = {.read = read, .arena = read->scope->arena};
    duckdb_connection con;
    const char *from = NULL;
    order_files(&p);
    CH_TRY(ch_engine_connect(read->scope->session, &con, err));
    int status = find_schema(&p, con, err);
    ch_engine_disconnect(read->scope->session, &con);
    if (!status) status = check_types(&p, err);
    if (!status) status = from_sql(&p, &from, err);
    if (!status) *out = ch_read_rel(read, &p.schema, from, ch_read_identity(read, &p.schema));
    free_columns(&p.all);
    return status;
}
