/* source_internal.h: what the files that make SOURCE relations share. */
#ifndef CHERT_FRAME_SOURCE_INTERNAL_H
#define CHERT_FRAME_SOURCE_INTERNAL_H

#include "frame/io/io.h"
#include "frame/io/scan.h"

/* --- relations (source_common.c) --- */

/* A SOURCE whose columns are "c0", "c1", ... of the FROM item `from`, named and typed as `schema` (copied into the
 * scope's arena) says. The fingerprint starts with `identity`. */
ch_rel *ch_source_rel(ch_scope *scope, const ch_schema *schema, const char *from, const char *shown,
                      const char *identity);
/* Schema text as users give it: JSON or DDL. err: parse errors, INVALID_SCHEMA.NON_STRUCT_TYPE. */
int ch_parse_schema(ch_arena *arena, const char *text, ch_schema *out, ch_error *err);
/* The session's time zone; UTC if it has none. */
const ch_timezone *ch_session_zone(ch_session *s);
/* CREATE TABLE table (c0 TYPE, ...). */
void ch_create_table_sql(ch_buf *sql, const char *table, const ch_schema *schema);

/* --- reading files (source.c) --- */

/* What is being read, from the plan. */
typedef struct ch_read {
    ch_scope *scope;
    const char *format; /* "csv", in lower case */
    const char *title;  /* as in explain and errors: "CSV", "Parquet" */
    ch_options options;
    bool has_schema;
    ch_schema schema; /* the user's, all nullable; without partition columns once files are found */
    ch_files files;
} ch_read;

typedef int (*ch_source_reader)(ch_read *read, ch_rel **out, ch_error *err);
/* One for each format: read->files is filled in. */
int ch_source_csv(ch_read *read, ch_rel **out, ch_error *err);
int ch_source_json(ch_read *read, ch_rel **out, ch_error *err);
int ch_source_text(ch_read *read, ch_rel **out, ch_error *err);
int ch_source_parquet(ch_read *read, ch_rel **out, ch_error *err);
int ch_source_libsvm(ch_read *read, ch_rel **out, ch_error *err);

/* err: UNABLE_TO_INFER_SCHEMA */
int ch_no_schema(const ch_read *read, ch_error *err);
/* err: UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE, COLUMN_ALREADY_EXISTS */
int ch_check_schema(const ch_read *read, const ch_schema *schema, bool (*supported)(const ch_type *), ch_error *err);
int ch_check_duplicates(const ch_schema *schema, bool case_sensitive, ch_error *err);
/* The column that gets malformed records, SIZE_MAX if the schema has none. err: INVALID_CORRUPT_RECORD_TYPE */
int ch_corrupt_column(const ch_text_options *o, const ch_schema *schema, size_t *out, ch_error *err);
/* Data columns and then partition columns. */
ch_schema ch_full_schema(ch_arena *arena, const ch_schema *data, const ch_schema *partitions);
/* What the rows depend on: files with their stamps, options, schema, the settings that change reading. */
char *ch_read_identity(ch_read *read, const ch_schema *data);
/* The relation that reads a scan (one reference, taken over): straight from the files, or, where `storable`, from a
 * table they are put in once when they are small enough and read again and again (at once if `now`). */
int ch_scan_rel(ch_read *read, ch_scan *scan, bool storable, bool now, ch_rel **out, ch_error *err);
/* The same for a scan that is to be put in a table now, or else not to be read: false, with nothing done, when it is
 * too big or cannot be read. The reference is taken over either way. */
bool ch_scan_stored(ch_read *read, ch_scan *scan, ch_rel **out);
/* The relation over any FROM item. */
ch_rel *ch_read_rel(ch_read *read, const ch_schema *data, const char *from, const char *identity);

/* Inferred schemas of unchanged files, for the whole process: by identity. */
bool ch_schema_cache_get(ch_arena *arena, const char *identity, ch_schema *out);
void ch_schema_cache_put(const char *identity, const ch_schema *schema);

#endif
