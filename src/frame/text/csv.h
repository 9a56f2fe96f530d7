/* csv.h: CSV as Spark reads it: its options, records into fields, fields into types and values.
 *
 * Spark's reader is the uniVocity parser with Spark's settings and conversions on top. What decides is in four files:
 * csv_options.c (CSVOptions), csv_parse.c (the parser), csv_infer.c (CSVInferSchema), csv_value.c (UnivocityParser's
 * converters). None of them does I/O: records come from the scan (scan_csv.c).
 */
#ifndef CHERT_FRAME_CSV_H
#define CHERT_FRAME_CSV_H

#include "frame/text/text_column.h"
#include "frame/text/text_options.h"

typedef struct ch_csv_options {
    ch_text_options text;
    char delimiter[16];
    size_t delimiter_len;
    char quote, escape, escape_escape, comment; /* '\0': none */
    bool header, infer, ignore_leading, ignore_trailing, enforce_schema, prefer_date, prune;
    const char *null_value, *empty_value, *nan_value, *positive_inf, *negative_inf;
    int max_columns;
} ch_csv_options;

/* Strings are borrowed from the options. err: as CSVOptions raises. */
int ch_csv_options_read(ch_session *s, ch_arena *arena, const ch_options *options, ch_csv_options *out, ch_error *err);

/* --- records --- */
typedef struct ch_csv_field {
    const char *text; /* in the record, or in the parser's memory until the next record */
    size_t len;
    bool absent; /* nothing stands between the delimiters: the null value */
    bool copied; /* used while parsing */
} ch_csv_field;

typedef struct ch_csv_parser {
    const ch_csv_options *options;
    ch_csv_field *fields;
    size_t n, cap;
    ch_buf scratch; /* text of fields that are not plain slices of the record */
} ch_csv_parser;

void ch_csv_parser_init(ch_csv_parser *p, const ch_csv_options *options);
void ch_csv_parser_reset(ch_csv_parser *p);
/* Splits the record that starts at `at` into p->fields. It ends at `end`, or in multi-line mode after a newline outside
 * of quotes; *next is where the next one starts. An empty record has no fields. err: too many columns. */
int ch_csv_parse(ch_csv_parser *p, const char *at, const char *end, const char **next, ch_error *err);

/* A field's text once null and empty values are what the options say; the result is borrowed. */
const char *ch_csv_text(const ch_csv_options *o, const ch_csv_field *field, size_t *len);
/* Is a text a word of the options? They mostly differ, or end, at the first character. */
static inline bool ch_csv_equals(const char *text, size_t len, const char *word)
{
    for (size_t i = 0; i < len; i++) {
        if (!word[i] || word[i] != text[i]) return false;
    }
    return !word[len];
}

/* Is it the null value? */
bool ch_csv_is_null(const ch_csv_options *o, const ch_csv_field *field);

/* --- types --- */
/* Widens *type, the type a column has so far (NULL at first), by one more field (CSVInferSchema.inferField). */
void ch_csv_infer_field(const ch_csv_options *o, ch_arena *arena, const ch_type **type, const ch_csv_field *field);
/* The common type of what two parts of the files say about a column (mergeRowTypes); NULL: nothing known. */
const ch_type *ch_csv_merge_types(const ch_csv_options *o, ch_arena *arena, const ch_type *a, const ch_type *b);
/* Column names from the first record (makeSafeHeader). */
void ch_csv_header(const ch_csv_options *o, ch_arena *arena, const ch_csv_field *fields, size_t n, const char **names);

/* --- values --- */
bool ch_csv_supports(const ch_type *type);
/* Stores a field in a column. False if it is not a value of the column's type; the row is NULL then. */
bool ch_csv_convert(const ch_csv_options *o, const ch_csv_field *field, ch_column *out, size_t row);

#endif
