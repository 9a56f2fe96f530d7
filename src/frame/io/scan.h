/* scan.h: files in formats of our own reading, as a table function of the engine.
 *
 * A ch_scan is the description of what to read: files cut into parts, a schema, and a format that turns parts into
 * rows. The engine reads it as chert_scan(id): columns "c0", "c1", ..., only those a query needs, with as many threads
 * as the query's need for order allows. Scans are counted references; the text of a query names one by its id, so
 * whoever writes the text holds one until the query is closed.
 */
#ifndef CHERT_FRAME_SCAN_H
#define CHERT_FRAME_SCAN_H

#include "frame/engine/engine.h"
#include "frame/io/source_files.h"

typedef struct ch_scan ch_scan;

/* A part of a file. A format that cannot start in the middle has one for each file. */
typedef struct ch_scan_part {
    const ch_file *file;
    int64_t start, end; /* bytes */
} ch_scan_part;

typedef struct ch_scan_format {
    bool splittable;
    /* A reader for one thread. columns[0..n): which of the scan's data columns it shall give, ascending. */
    int (*open)(const ch_scan *scan, size_t n, const size_t *columns, void **reader, ch_error *err);
    int (*start)(void *reader, const ch_scan_part *part, ch_error *err);
    /* Fills up to `max` rows of the n columns, which are fresh; *rows = 0: the part is read. */
    int (*next)(void *reader, ch_column *cols, size_t max, size_t *rows, ch_error *err);
    void (*close)(void *reader);
} ch_scan_format;

struct ch_scan {
    const ch_scan_format *format;
    const void *options;  /* the format's */
    ch_schema data;       /* columns in the files */
    ch_schema partitions; /* columns whose values are the files' ch_file.values; they follow the data columns */
    size_t npart;
    ch_scan_part *parts;
    ch_arena *arena; /* where all this lives; freed with the last reference */
    unsigned long id;
    atomic_int refs;
};

/* A scan with an arena of its own and one reference, listed under an id. Fields but arena, id, refs are the caller's to
 * set before anyone reads it. */
ch_scan *ch_scan_new(const ch_scan_format *format);
void ch_scan_release(ch_scan *scan);
/* Cuts files (in the scan's arena) into parts, in the order Spark reads them in one partition: by pieces of 128 MB, the
 * largest first. */
void ch_scan_set_files(ch_scan *scan, size_t n, const ch_file *files);
/* Registers chert_scan with a database. */
int ch_register_scan(duckdb_connection con, ch_error *err);

#endif
