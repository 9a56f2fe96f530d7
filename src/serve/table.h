/* table.h: the rows of a request as they were written: columns of untyped cells, filled by the readers of the content
 * types (decode_json.c, decode_csv.c), given types by what the model wants (bind.c).
 *
 * Texts and numbers of lists point into the request's body or its arena.
 */
#ifndef CHERT_SERVE_TABLE_H
#define CHERT_SERVE_TABLE_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum ch_cell_kind {
    CH_CELL_ABSENT, /* a record without this member */
    CH_CELL_NULL,
    CH_CELL_BOOL,
    CH_CELL_INT,
    CH_CELL_BIG, /* a whole number beyond 64 bits, rounded to `real` */
    CH_CELL_REAL,
    CH_CELL_TEXT,
    CH_CELL_LIST, /* of numbers */
    CH_CELL_OTHER /* an object, or a list of anything else */
} ch_cell_kind;

typedef struct ch_cell {
    uint8_t kind;
    uint32_t len; /* bytes of a text, numbers of a list */
    union {
        bool boolean;
        int64_t integer;
        double real;
        const char *text;
        const double *list;
    } v;
} ch_cell;

typedef struct ch_table_column {
    const char *name; /* not NUL-terminated; NULL in a table without names */
    size_t name_len;
    ch_cell *cells; /* (rows so far); what is missing up to the table's rows is absent */
    size_t n, room;
    unsigned kinds; /* bits 1 << ch_cell_kind of all cells; a column with gaps has CH_CELL_ABSENT, too */
} ch_table_column;

/* Zero-initialise with `arena` and `cells_max` set; ch_table_reset at the end. */
typedef struct ch_table {
    ch_arena *arena;
    size_t cells_max; /* beyond so many cells in all a request is refused */
    size_t nrow, ncol, room, ncell;
    ch_table_column *columns;
    uint32_t *index; /* hash table of names: column + 1; NULL while there are few */
    size_t index_mask;
} ch_table;

enum { CH_TABLE_COLUMNS_MAX = 100000 };

void ch_table_reset(ch_table *table); /* frees the cells */
/* Removes all rows and columns. */
void ch_table_clear(ch_table *table);
/* A new column at the end. err: too many columns. */
int ch_table_add_column(ch_table *table, const char *name, size_t len, size_t *at, ch_error *err);
/* The column of this name, SIZE_MAX: none. `guess` is looked at first. */
size_t ch_table_find(const ch_table *table, const char *name, size_t len, size_t guess);
/* The cell of a row at or behind the column's end, to be filled by the caller; rows in between are absent. The pointer
 * holds until the column's next cell. err: too many cells, memory. */
int ch_table_cell(ch_table *table, size_t column, size_t row, ch_cell **out, ch_error *err);
/* Sets each column's `kinds` and fills up short columns. Once, after the last row. */
int ch_table_finish(ch_table *table, ch_error *err);

/* Text as a real number, as Python's float and pandas have it: what Java reads, and inf and infinity in any case.
 * False: it is none. */
bool ch_cell_real(const char *text, size_t len, double *out);

#endif
