/* datetime.c: the calendar and Spark's default text of dates and timestamps. */
#include "frame/type/datetime.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const int64_t MICROS_PER_DAY = INT64_C(86400000000);

/* --- calendar: days since 1970-01-01 <-> civil date, eras of 400 years starting in March (Hinnant's method) ---------
 */

int64_t ch_days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void ch_civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

bool ch_civil_valid(int64_t year, int month, int day)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1) return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= DAYS[month - 1] + (month == 2 && leap);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b < 0);
}

int64_t ch_local_micros(const ch_timezone *zone, int64_t micros)
{
    return micros + ch_timezone_offset(zone, floor_div(micros, 1000000)) * INT64_C(1000000);
}

int64_t ch_utc_micros(const ch_timezone *zone, int64_t local_micros)
{
    int64_t seconds = floor_div(local_micros, 1000000);
    return ch_timezone_to_utc(zone, seconds) * 1000000 + (local_micros - seconds * 1000000);
}

/* --- writing -------------------------------------------------------------------------------------------------------
 */

static char *put_digits(char *at, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10) at[i] = (char)('0' + value % 10);
    return at + digits;
}

/* yyyy-MM-dd; years of five or more digits have a sign, negative ones are padded to four digits. */
static char *put_date(char *at, int64_t days)
{
    int64_t year;
    int month, day;
    ch_civil_from_days(days, &year, &month, &day);
    if (year < 0 || year > 9999) {
        at += snprintf(at, 16, year < 0 ? "-%04lld" : "+%lld", (long long)(year < 0 ? -year : year));
    } else {
        at = put_digits(at, year, 4);
    }
    *at++ = '-';
    at = put_digits(at, month, 2);
    *at++ = '-';
    return put_digits(at, day, 2);
}

size_t ch_date_text(char out[CH_DATE_TEXT], int32_t days)
{
    char *end = put_date(out, days);
    *end = '\0';
    return (size_t)(end - out);
}

size_t ch_timestamp_text(char out[CH_TIMESTAMP_TEXT], int64_t micros, const ch_timezone *zone)
{
    if (zone) micros = ch_local_micros(zone, micros);
    int64_t days = floor_div(micros, MICROS_PER_DAY), rest = micros - days * MICROS_PER_DAY;
    int64_t seconds = rest / 1000000, fraction = rest % 1000000;
    char *at = put_date(out, days);
    *at++ = ' ';
    at = put_digits(at, seconds / 3600, 2);
    *at++ = ':';
    at = put_digits(at, seconds / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, seconds % 60, 2);
    if (fraction) {
        *at++ = '.';
        at = put_digits(at, fraction, 6);
        while (at[-1] == '0') at--;
    }
    *at = '\0';
    return (size_t)(at - out);
}

/* --- reading -------------------------------------------------------------------------------------------------------
 */

/* Drops what UTF8String.isWhitespaceOrISOControl drops at both ends. */
static void trim(const char **text, size_t *len)
{
    const char *at = *text, *end = at + *len;
    while (at < end && ((unsigned char)*at <= ' ' || *at == 0x7F)) at++;
    while (end > at && ((unsigned char)end[-1] <= ' ' || end[-1] == 0x7F)) end--;
    *text = at;
    *len = (size_t)(end - at);
}

bool ch_parse_date(const char *text, size_t len, int32_t *days)
{
    trim(&text, &len);
    const char *at = text, *end = text + len;
    if (at == end) return false;
    int sign = 1, segment[3] = {1, 1, 1}, i = 0, value = 0, digits = 0;
    if (*at == '-' || *at == '+') sign = *at++ == '-' ? -1 : 1;
    for (; at < end && *at != ' ' && *at != 'T'; at++) {
        if (i < 2 && *at == '-') {
            if (i == 0 ? digits < 4 || digits > 7 : digits < 1 || digits > 2) return false;
            segment[i++] = value;
            value = digits = 0;
        } else {
            if (*at < '0' || *at > '9' || ++digits > 7) return false;
            value = value * 10 + (*at - '0');
        }
    }
    if (i == 0 ? digits < 4 || digits > 7 : digits < 1 || digits > 2) return false;
    if (i < 2 && at < end) return false; /* yyyy and yyyy-mm must be all there is */
    segment[i] = value;
    if (!ch_civil_valid(sign * segment[0], segment[1], segment[2])) return false;
    int64_t result = ch_days_from_civil(sign * segment[0], segment[1], segment[2]);
    *days = (int32_t)result;
    return result >= INT32_MIN && result <= INT32_MAX;
}

/* What a timestamp's text says. */
typedef struct parts {
    int segment[7]; /* year, month, day, hour, minute, second, microsecond */
    bool just_time;
    const char *zone; /* NULL: none */
    size_t zone_len;
} parts;

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, FRACTION, ZONE };

static bool digits_fit(int segment, int digits)
{
    if (segment == YEAR) return digits >= 4 && digits <= 6;
    if (segment == FRACTION) return true;
    return segment == ZONE ? digits <= 2 : digits > 0 && digits <= 2;
}

/* Which segment a separator at `*at` opens; -1 when it may not stand there. */
static int next_segment(parts *p, int i, char separator, bool first, bool sign)
{
    switch (i) {
    case YEAR:
    case MONTH:
        if (separator == '-') return i + 1;
        if (i == YEAR && first && separator == 'T') return HOUR;
        if (i == YEAR && separator == ':' && !sign) {
            p->just_time = true;
            return MINUTE;
        }
        return -1;
    case DAY: return separator == ' ' || separator == 'T' ? HOUR : -1;
    case HOUR:
    case MINUTE: return separator == ':' ? i + 1 : -1;
    case SECOND: return separator == '.' ? FRACTION : ZONE;
    case FRACTION: return ZONE;
    default: return -1;
    }
}

static bool parse_parts(const char *text, size_t len, parts *p)
{
    const char *whole = text;
    trim(&text, &len);
    const char *at = text, *end = text + len;
    *p = (parts){.segment = {1, 1, 1, 0, 0, 0, 0}};
    if (at == end) return false;
    int sign = 0, i = YEAR, value = 0, digits = 0, fraction_digits = 0;
    if (*at == '-' || *at == '+') sign = *at++ == '-' ? -1 : 1;
    for (; at < end; at++) {
        if (*at >= '0' && *at <= '9') {
            if (i == FRACTION) fraction_digits++;
            if (i == FRACTION ? digits < 6 : digits < 7) value = value * 10 + (*at - '0');
            digits++;
            continue;
        }
        int next = next_segment(p, i, *at, at == whole, sign != 0);
        if (next < 0) return false;
        if (i == YEAR && next == HOUR) { /* "T10:20" */
            p->just_time = true;
        } else {
            int segment = i == YEAR && next == MINUTE ? HOUR : i;
            if (!digits_fit(segment, digits)) return false;
            p->segment[segment] = value;
        }
        i = next;
        value = digits = 0;
        if (i == ZONE) {
            p->zone = at;
            p->zone_len = (size_t)(end - at);
            break;
        }
    }
    if (!digits_fit(i, digits)) return false;
    if (i != ZONE) p->segment[i] = value;
    for (; fraction_digits < 6; fraction_digits++) p->segment[FRACTION] *= 10;
    if (sign) p->segment[YEAR] *= sign;
    return true;
}

/* Local microseconds; `days` is the date. */
static bool combine(const parts *p, int64_t days, int64_t *micros)
{
    const int *s = p->segment;
    if (s[HOUR] > 23 || s[MINUTE] > 59 || s[SECOND] > 59) return false;
    int64_t of_day = (s[HOUR] * 3600 + s[MINUTE] * 60 + s[SECOND]) * INT64_C(1000000) + s[FRACTION];
    return !__builtin_mul_overflow(days, MICROS_PER_DAY, micros) && !__builtin_add_overflow(*micros, of_day, micros);
}

static bool civil_days(const parts *p, int64_t *days)
{
    if (!ch_civil_valid(p->segment[YEAR], p->segment[MONTH], p->segment[DAY])) return false;
    *days = ch_days_from_civil(p->segment[YEAR], p->segment[MONTH], p->segment[DAY]);
    return true;
}

bool ch_parse_timestamp(const char *text, size_t len, const ch_timezone *zone, int64_t *micros)
{
    parts p;
    int64_t days, local;
    if (!parse_parts(text, len, &p)) return false;
    if (p.zone) {
        trim(&p.zone, &p.zone_len);
        zone = ch_timezone_find_len(p.zone, p.zone_len);
        if (!zone) return false;
    }
    if (p.just_time) {
        days = floor_div(ch_local_micros(zone, (int64_t)time(NULL) * 1000000), MICROS_PER_DAY);
    } else if (!civil_days(&p, &days)) {
        return false;
    }
    if (!combine(&p, days, &local)) return false;
    if (local > INT64_MAX - 2 * MICROS_PER_DAY || local < INT64_MIN + 2 * MICROS_PER_DAY) return false;
    *micros = ch_utc_micros(zone, local);
    return true;
}

bool ch_parse_timestamp_ntz(const char *text, size_t len, bool allow_zone, int64_t *micros)
{
    parts p;
    int64_t days;
    if (!parse_parts(text, len, &p) || p.just_time || (p.zone && !allow_zone)) return false;
    if (p.zone) {
        trim(&p.zone, &p.zone_len);
        if (!ch_timezone_find_len(p.zone, p.zone_len)) return false;
    }
    return civil_days(&p, &days) && combine(&p, days, micros);
}
