/* datetime.h: dates and timestamps as numbers and as Spark's default text. The calendar is proleptic Gregorian, as
 * java.time's. Text follows Spark's SparkDateTimeUtils (stringToDate, stringToTimestamp) and its formatters. */
#ifndef CHERT_FRAME_DATETIME_H
#define CHERT_FRAME_DATETIME_H

#include "frame/type/timezone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t ch_days_from_civil(int64_t year, int month, int day);
void ch_civil_from_days(int64_t days, int64_t *year, int *month, int *day);
bool ch_civil_valid(int64_t year, int month, int day);

enum { CH_DATE_TEXT = 24, CH_TIMESTAMP_TEXT = 48 };

/* "2020-01-31", "-0044-03-15", "+12020-01-01". Returns the length; NUL-terminated. */
size_t ch_date_text(char out[CH_DATE_TEXT], int32_t days);
/* "2020-01-31 10:00:00.5": fraction without trailing zeros. zone NULL: the value is a local time (NTZ). */
size_t ch_timestamp_text(char out[CH_TIMESTAMP_TEXT], int64_t micros, const ch_timezone *zone);

/* Spark's stringToDate: trimmed, [+-]yyyy[-[m]m[-[d]d[(space or T)anything]]]. */
bool ch_parse_date(const char *text, size_t len, int32_t *days);
/* Spark's stringToTimestamp: date, time and zone parts as far as given, `zone` when the text has none; a time alone is
 * of today. */
bool ch_parse_timestamp(const char *text, size_t len, const ch_timezone *zone, int64_t *micros);
/* stringToTimestampWithoutTimeZone: a zone in the text is an error unless allowed, and then ignored. */
bool ch_parse_timestamp_ntz(const char *text, size_t len, bool allow_zone, int64_t *micros);

/* Local microseconds of an instant and back. */
int64_t ch_local_micros(const ch_timezone *zone, int64_t micros);
int64_t ch_utc_micros(const ch_timezone *zone, int64_t local_micros);

#endif
