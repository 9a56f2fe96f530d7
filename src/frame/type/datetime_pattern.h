/* datetime_pattern.h: Java's date and time patterns ("dd/MM/yyyy HH:mm:ss[.SSS]") as Spark lets them be used: compiled
 * once, then for formatting or parsing any number of values from any thread. Names are English. */
#ifndef CHERT_FRAME_DATETIME_PATTERN_H
#define CHERT_FRAME_DATETIME_PATTERN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "frame/type/datetime.h"

typedef struct ch_pattern ch_pattern;

/* `parsing`: letters that can only be printed (E, F, q, Q) are errors. The pattern lives in `arena`.
 * err: INVALID_DATETIME_PATTERN.*, INCONSISTENT_BEHAVIOR_CROSS_VERSION.DATETIME_*. */
int ch_pattern_compile(ch_arena *arena, const char *text, bool parsing, const ch_pattern **out, ch_error *err);

/* Prints a local time (microseconds); zone is where it is local, NULL for values without a zone: optional sections that
 * need one are left out then. `utc` is the instant, used for the zone's offset. */
void ch_pattern_format(const ch_pattern *p, ch_buf *out, int64_t local, int64_t utc, const ch_timezone *zone);

/* Parses the whole text. What the pattern has no letters for is 1970-01-01 00:00:00. A zone in the text wins over
 * `zone`. On failure `why`, if given, says what Java's DateTimeParseException would: "Text 'x' could not be parsed at
 * index 5". */
enum { CH_PATTERN_WHY = 200 };
bool ch_pattern_parse_date(const ch_pattern *p, const char *text, size_t len, int32_t *days, char why[CH_PATTERN_WHY]);
bool ch_pattern_parse_timestamp(const ch_pattern *p, const char *text, size_t len, const ch_timezone *zone,
                                int64_t *micros, char why[CH_PATTERN_WHY]);
/* Without a zone: one in the text is a failure. */
bool ch_pattern_parse_ntz(const ch_pattern *p, const char *text, size_t len, int64_t *micros, char why[CH_PATTERN_WHY]);

#endif
