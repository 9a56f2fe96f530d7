/* number_text.h: numbers from text, by the grammar of Spark's casts. */
#ifndef CHERT_FRAME_NUMBER_TEXT_H
#define CHERT_FRAME_NUMBER_TEXT_H

#include "frame/type/type.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 ch_uint128;

/* Text without white space and control characters at its ends (UTF8String.trimAll). */
void ch_trim_text(const char **text, size_t *len);
/* UTF8String.toLong: [+-]digits; a fraction is an error unless `fraction`, and then cut off. Trims. */
bool ch_parse_long(const char *text, size_t len, bool fraction, int64_t *out);
/* Java's Double.parseDouble, and inf, infinity, nan in any case. Trims. */
bool ch_parse_double(const char *text, size_t len, double *out);
bool ch_parse_float(const char *text, size_t len, float *out);
/* java.math.BigDecimal(text) rounded half up to `scale`. 0: done; 1: no number; 2: does not fit `precision`. Trims. */
int ch_parse_decimal(const char *text, size_t len, int precision, int scale, ch_int128 *out);
/* The number as BigDecimal.toPlainString writes it, for messages: at most 200 characters. */
void ch_plain_decimal(ch_buf *out, const char *text, size_t len);

#endif
