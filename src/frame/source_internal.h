/* source_internal.h: what the files that make SOURCE relations share. */
#ifndef CHERT_FRAME_SOURCE_INTERNAL_H
#define CHERT_FRAME_SOURCE_INTERNAL_H

#include "frame/io.h"

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

#endif
