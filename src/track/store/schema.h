/* schema.h: the tables of the store, as scripts for the database layer. The tables themselves are documented where they
 * are made, in schema.c. */
#ifndef CHERT_TRACK_SCHEMA_H
#define CHERT_TRACK_SCHEMA_H

#include "base/buf.h"
#include "track/store/db.h"

/* The version that this program reads and writes: how many scripts there are. */
int ch_schema_version(void);

/* Appends the statements, ended by semicolons, that take a store of version `from` (0: empty) to version from + 1. */
void ch_schema_script(int from, ch_dialect dialect, ch_buf *out);

/* The statements that empty every table and put back what a new store has (for tests: POST /__reset). */
void ch_schema_reset_script(ch_dialect dialect, ch_buf *out);

#endif
