/* text_column.h: putting text from outside into columns: checked, without a call where it is short. */
#ifndef CHERT_FRAME_TEXT_COLUMN_H
#define CHERT_FRAME_TEXT_COLUMN_H

#include "base/utf8.h"
#include "frame/type/column.h"

/* Stores text known to be valid UTF-8 (or any bytes in a BINARY column). Short strings lie in the value itself. */
void ch_column_put_long_text(ch_column *c, size_t row, const char *bytes, size_t len);

static inline void ch_column_put_utf8(ch_column *c, size_t row, const char *bytes, size_t len)
{
    ch_string *s = (ch_string *)c->data + row;
    if (len > sizeof s->value.inlined.inlined) {
        ch_column_put_long_text(c, row, bytes, len);
        return;
    }
    s->value.inlined.len = (uint32_t)len;
    memset(s->value.inlined.inlined, 0, sizeof s->value.inlined.inlined);
    memcpy(s->value.inlined.inlined, bytes, len);
}

/* The same for any bytes: false, and nothing stored, when the column is of text and they are not UTF-8. */
static inline bool ch_column_put_text(ch_column *c, size_t row, const char *bytes, size_t len)
{
    if (c->type->kind != CH_BINARY && !ch_utf8_valid(bytes, len)) return false;
    ch_column_put_utf8(c, row, bytes, len);
    return true;
}

/* Stores unscaled * 10^-scale in a DECIMAL column, rounded half up. False if it does not fit; nothing is stored. */
bool ch_column_put_decimal(ch_column *c, size_t row, ch_int128 unscaled, int scale);

/* Takes back a ch_column_set_null, fields of structs included, for a row that is written again. */
void ch_column_set_valid(ch_column *c, size_t row);

#endif
