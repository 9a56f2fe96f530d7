/* timezone.h: time zones by Java's ids, from the system's zone files: local time of an instant and back, with the rules
 * of java.time (a local time in a gap moves forward, one in an overlap is the earlier). */
#ifndef CHERT_FRAME_TIMEZONE_H
#define CHERT_FRAME_TIMEZONE_H

#include <stddef.h>
#include <stdint.h>

typedef struct ch_timezone ch_timezone;

/* "UTC", "Europe/Berlin", "Z", "+2", "+02:00", "GMT-3", "PST" (ZoneId.SHORT_IDS); as Spark's getZoneId. Shared and
 * never freed; thread safe. NULL when there is no such zone. */
const ch_timezone *ch_timezone_find(const char *id);
const ch_timezone *ch_timezone_find_len(const char *id, size_t len);
const ch_timezone *ch_timezone_utc(void);

/* Seconds east of UTC at an instant given in seconds since the epoch. */
int32_t ch_timezone_offset(const ch_timezone *zone, int64_t utc);
/* The id it was found by, and what clocks there call the time with that offset ("EST"). */
const char *ch_timezone_id(const ch_timezone *zone);
const char *ch_timezone_name(const ch_timezone *zone, int32_t offset);
/* The instant of a local time given as seconds since 1970-01-01 00:00 local time. */
int64_t ch_timezone_to_utc(const ch_timezone *zone, int64_t local);

#endif
