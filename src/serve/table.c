/* table.c: untyped columns that grow row by row. */
#include "serve/table.h"

#include "base/java_number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { INDEX_FROM = 9 }; /* columns from which on names are looked up by hash */

void ch_table_clear(ch_table *table)
{
    for (size_t i = 0; i < table->ncol; i++) free(table->columns[i].cells);
    table->nrow = table->ncol = table->ncell = 0;
    table->index = NULL;
}

void ch_table_reset(ch_table *table)
{
    ch_table_clear(table);
    table->columns = NULL;
    table->room = 0;
}

/* FNV-1a */
static uint64_t hash_name(const char *name, size_t len)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++) h = (h ^ (unsigned char)name[i]) * 0x100000001b3u;
    return h ^ h >> 32;
}

static bool is_named(const ch_table_column *c, const char *name, size_t len)
{
    return c->name && c->name_len == len && memcmp(c->name, name, len) == 0;
}

/* Of columns of one name the first is found. */
static void index_column(ch_table *table, size_t at)
{
    const ch_table_column *c = &table->columns[at];
    if (!c->name) return;
    size_t slot = hash_name(c->name, c->name_len) & table->index_mask;
    for (; table->index[slot]; slot = (slot + 1) & table->index_mask)
        if (is_named(&table->columns[table->index[slot] - 1], c->name, c->name_len)) return;
    table->index[slot] = (uint32_t)at + 1;
}

static void grow_index(ch_table *table)
{
    size_t slots = 64;
    while (slots < 4 * table->ncol) slots *= 2;
    table->index = CH_NEW_ARRAY(table->arena, uint32_t, slots);
    table->index_mask = slots - 1;
    for (size_t i = 0; i < table->ncol; i++) index_column(table, i);
}

size_t ch_table_find(const ch_table *table, const char *name, size_t len, size_t guess)
{
    if (guess < table->ncol && is_named(&table->columns[guess], name, len)) return guess;
    if (!table->index) {
        for (size_t i = 0; i < table->ncol; i++)
            if (is_named(&table->columns[i], name, len)) return i;
        return SIZE_MAX;
    }
    for (size_t slot = hash_name(name, len) & table->index_mask; table->index[slot];
         slot = (slot + 1) & table->index_mask) {
        size_t at = table->index[slot] - 1;
        if (is_named(&table->columns[at], name, len)) return at;
    }
    return SIZE_MAX;
}

int ch_table_add_column(ch_table *table, const char *name, size_t len, size_t *at, ch_error *err)
{
    if (table->ncol == CH_TABLE_COLUMNS_MAX)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the data have more than %d columns", CH_TABLE_COLUMNS_MAX);
    if (table->ncol == table->room) {
        table->room = table->room ? 2 * table->room : 16;
        table->columns = ch_arena_grow(table->arena, table->columns, sizeof *table->columns, table->ncol, table->room);
    }
    *at = table->ncol++;
    table->columns[*at] = (ch_table_column){.name = name, .name_len = len};
    if (table->index && 2 * table->ncol <= table->index_mask)
        index_column(table, *at);
    else if (table->ncol >= INDEX_FROM)
        grow_index(table);
    return 0;
}

static int reserve(ch_table *table, ch_table_column *c, size_t rows, ch_error *err)
{
    if (rows <= c->room) return 0;
    if (table->ncell > table->cells_max || rows > table->cells_max)
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "the data have more than %zu cells", table->cells_max);
    size_t room = c->room ? 2 * c->room : 8;
    if (room < rows) room = rows;
    ch_cell *cells = realloc(c->cells, room * sizeof *cells);
    if (!cells) return ch_no_memory(err);
    c->cells = cells;
    c->room = room;
    return 0;
}

int ch_table_cell(ch_table *table, size_t column, size_t row, ch_cell **out, ch_error *err)
{
    ch_table_column *c = &table->columns[column];
    if (row >= c->room) CH_TRY(reserve(table, c, row + 1, err));
    if (c->n < row) {
        memset(c->cells + c->n, 0, (row - c->n) * sizeof *c->cells);
        table->ncell += row - c->n;
        c->n = row;
    }
    if (c->n == row) {
        c->n++;
        table->ncell++;
    }
    *out = &c->cells[row];
    return 0;
}

int ch_table_finish(ch_table *table, ch_error *err)
{
    for (size_t i = 0; i < table->ncol; i++) {
        ch_table_column *c = &table->columns[i];
        if (c->n < table->nrow) {
            CH_TRY(reserve(table, c, table->nrow, err));
            memset(c->cells + c->n, 0, (table->nrow - c->n) * sizeof *c->cells);
            table->ncell += table->nrow - c->n;
            c->n = table->nrow;
        }
        c->kinds = 0;
        for (size_t row = 0; row < c->n; row++) c->kinds |= 1u << c->cells[row].kind;
    }
    return 0;
}

bool ch_cell_real(const char *text, size_t len, double *out)
{
    bool sign = len && (*text == '-' || *text == '+');
    const char *word = text + sign;
    size_t rest = len - sign;
    if ((rest == 3 && strncasecmp(word, "inf", 3) == 0) || (rest == 8 && strncasecmp(word, "infinity", 8) == 0)) {
        *out = *text == '-' ? -INFINITY : INFINITY;
        return true;
    }
    return ch_java_parse_double(text, len, out);
}
