/* source_csv.h: CSV files as scans: schema inference and the reader of parts. */
#ifndef CHERT_FRAME_SOURCE_CSV_H
#define CHERT_FRAME_SOURCE_CSV_H

#include "frame/io/scan.h"
#include "frame/text/csv.h"

/* What a CSV scan's readers need: ch_scan.options. */
typedef struct ch_csv_scan {
    ch_csv_options options;
    size_t corrupt; /* data column that gets malformed records, or SIZE_MAX */
    /* Types guessed for the data columns, NULL where nothing was known, or NULL: reading fails as soon as inference
     * would have found another type for a column. */
    const ch_type *const *guess;
} ch_csv_scan;

extern const ch_scan_format ch_csv_format;       /* lines; splittable */
extern const ch_scan_format ch_csv_whole_format; /* multi-line */

/* Names and types of the columns of CSV files; no columns if there is no line. Types are inferred from all rows if the
 * options say so, else all are STRING. */
int ch_csv_infer(ch_arena *arena, const ch_csv_options *o, const ch_scan *scan, ch_schema *out, ch_error *err);
/* The same from the first lines alone, with what inference knows of each column in (*types)[i] (NULL: nothing yet).
 * False if all rows must be seen, or for files in which no line can be told from its first lines. */
bool ch_csv_guess(ch_arena *arena, const ch_csv_options *o, const ch_scan *scan, ch_schema *out,
                  const ch_type *const **types);
/* Lines that inference takes for none. */
bool ch_csv_infer_skips(const ch_csv_options *o, const char *line, size_t len);

/* Lines that are no records: blank ones (inference and reading differ in what is blank) and comments. */
bool ch_csv_skip_line(const ch_csv_options *o, const char *line, size_t len);
/* The line separators of multi-line files as \n, found as uniVocity finds them. */
void ch_csv_normalise(ch_buf *text, const ch_csv_options *o);

#endif
