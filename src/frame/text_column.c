/* text_column.c: long strings, which need memory of the engine's or of the column's. */
#include "frame/text_column.h"

#include <duckdb.h>

void ch_column_put_long_text(ch_column *c, size_t row, const char *bytes, size_t len)
{
    if (c->engine) {
        duckdb_unsafe_vector_assign_string_element_len(c->engine, row, bytes, len);
    } else {
        ch_column_set_string(c, row, bytes, len);
    }
}
