/* scan_store.h: a scan's rows put into a table by all cores, in order. */
#ifndef CHERT_FRAME_SCAN_STORE_H
#define CHERT_FRAME_SCAN_STORE_H

#include "frame/io/scan.h"

/* CREATE TABLE `table` with the scan's columns, "c0", "c1", ..., and all its rows. err: what reading raises; the table
 * is not there then. */
int ch_scan_store(ch_scan *scan, duckdb_connection con, const char *table, ch_error *err);

#endif
