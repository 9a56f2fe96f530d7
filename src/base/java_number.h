/* java_number.h: text into numbers as Java's parsers take it: Integer.parseInt, Double.parseDouble, BigDecimal. All of
 * the text must be the number; none of these looks at the locale. */
#ifndef CHERT_BASE_JAVA_NUMBER_H
#define CHERT_BASE_JAVA_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* [+-]digits within [low, high]; no spaces. Only ASCII digits. */
bool ch_java_parse_integer(const char *text, size_t len, int64_t low, int64_t high, int64_t *out);
/* Double.parseDouble: spaces around, "1.", ".5", "1e5", "1d", "NaN", "-Infinity", "0x1p3"; correctly rounded. */
bool ch_java_parse_double(const char *text, size_t len, double *out);
/* The grammar only. */
bool ch_java_is_double(const char *text, size_t len);
bool ch_java_parse_float(const char *text, size_t len, float *out);

/* new BigDecimal(text): [+-]digits[.digits][e[+-]digits], no spaces. The value is `unscaled` * 10^-scale; `digits` is
 * its precision (1 for zero). unscaled is only set if digits <= 38. False for what is no number or has a scale beyond
 * +-100000. */
__extension__ typedef __int128 ch_java_int128;
bool ch_java_parse_decimal(const char *text, size_t len, ch_java_int128 *unscaled, int *digits, int *scale);

#endif
