/* udf_datetime.c: dates and timestamps: zones, patterns, truncation, months between. TIMESTAMP arguments are on the
 * session's clock, TIMESTAMPTZ ones are instants. */
#include "frame/type/datetime.h"
#include "frame/type/datetime_pattern.h"
#include "frame/udf/udf_util.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const int64_t SECOND = 1000000, DAY = INT64_C(86400000000);

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* ---- zones ---- */

/* ch_local(instant, zone), ch_instant(local, zone). The zone mostly is one for all rows. */
#define CONVERT(fn_, function)                                                                                         \
    static void fn_(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)                                \
    {                                                                                                                  \
        const int64_t *a = ch_arg(in, 0);                                                                              \
        const ch_string *names = ch_arg(in, 1);                                                                        \
        const uint64_t *mask = ch_udf_mask(in, out);                                                                   \
        int64_t *data = duckdb_vector_get_data(out);                                                                   \
        idx_t rows = duckdb_data_chunk_get_size(in);                                                                   \
        const ch_timezone *zone = NULL;                                                                                \
        const ch_string *known = NULL;                                                                                 \
        for (idx_t i = 0; i < rows; i++) {                                                                             \
            if (!ch_bit(mask, i)) continue;                                                                            \
            if (!known || memcmp(known, &names[i], sizeof *known) != 0) {                                              \
                zone = find_zone(info, &names[i]);                                                                     \
                if (!zone) return;                                                                                     \
                known = &names[i];                                                                                     \
            }                                                                                                          \
            data[i] = function(zone, a[i]);                                                                            \
        }                                                                                                              \
    }

static const ch_timezone *find_zone(duckdb_function_info info, const ch_string *name)
{
    const ch_timezone *zone = ch_timezone_find_len(ch_string_data(name), ch_string_len(name));
    if (zone) return zone;
    ch_error err;
    char text[80];
    snprintf(text, sizeof text, "%.*s", (int)(ch_string_len(name) < 70 ? ch_string_len(name) : 70),
             ch_string_data(name));
    ch_raise(&err, "INVALID_TIMEZONE", "timeZone", text, (char *)NULL);
    ch_engine_raise(info, &err);
    return NULL;
}

CONVERT(f_local, ch_local_micros)
CONVERT(f_instant, ch_utc_micros)

/* ---- instants and numbers ---- */

static void f_from_long(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const int64_t *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i) || !__builtin_mul_overflow(a[i], SECOND, &data[i])) continue;
        ch_error err;
        ch_raise(&err, "ARITHMETIC_OVERFLOW", "message", "long overflow", "alternative", "", "config",
                 "\"spark.sql.ansi.enabled\"", (char *)NULL);
        ch_engine_raise(info, &err);
        return;
    }
}

static void f_from_double(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const double *a = ch_arg(in, 0);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        double micros = a[i] * 1e6;
        if (!isfinite(a[i]))
            ch_udf_null(out, i);
        else
            data[i] = micros >= 0x1p63 ? INT64_MAX : micros < -0x1p63 ? INT64_MIN : (int64_t)micros;
    }
}

static void f_seconds(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int64_t *a = ch_arg(in, 0);
    double *data = duckdb_vector_get_data(out);
    ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) data[i] = (double)a[i] / 1e6;
}

static void f_epoch(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int64_t *a = ch_arg(in, 0);
    int64_t *data = duckdb_vector_get_data(out);
    ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) data[i] = floor_div(a[i], SECOND);
}

static void overflow(duckdb_function_info info)
{
    ch_error err;
    ch_raise(&err, "ARITHMETIC_OVERFLOW", "message", "long overflow", "alternative", "", "config",
             "\"spark.sql.ansi.enabled\"", (char *)NULL);
    ch_engine_raise(info, &err);
}

static void f_shift_micros(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const int64_t *a = ch_arg(in, 0), *by = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i) || !__builtin_add_overflow(a[i], by[i], &data[i])) continue;
        overflow(info);
        return;
    }
}

static void f_interval_days(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_interval *a = ch_arg(in, 0);
    int64_t *data = duckdb_vector_get_data(out);
    ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) data[i] = a[i].days + a[i].micros / DAY;
}

static void f_interval_months(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_interval *a = ch_arg(in, 0);
    int32_t *data = duckdb_vector_get_data(out);
    ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) data[i] = a[i].months;
}

/* ch_window_start(instant, length, start): TimeWindow's last window start at or before the instant. */
static void f_window_start(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int64_t *a = ch_arg(in, 0), *length = ch_arg(in, 1), *start = ch_arg(in, 2);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        int64_t rest = (a[i] - start[i]) % length[i];
        data[i] = a[i] - (rest < 0 ? rest + length[i] : rest);
    }
}

/* ---- patterns ---- */

/* The compiled pattern of a row, compiled again only when the text changes. */
typedef struct pattern_cache {
    ch_arena *arena;
    const ch_string *text;
    const ch_pattern *pattern;
} pattern_cache;

static const ch_pattern *pattern_of(pattern_cache *c, const ch_string *text, bool parsing, ch_error *err)
{
    size_t len = ch_string_len(text);
    if (c->text && ch_string_len(c->text) == len && memcmp(ch_string_data(c->text), ch_string_data(text), len) == 0)
        return c->pattern;
    const char *copy = ch_arena_strndup(c->arena, ch_string_data(text), len);
    if (ch_pattern_compile(c->arena, copy, parsing, &c->pattern, err)) return NULL;
    c->text = text;
    return c->pattern;
}

static void f_date_format(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_timezone *zone = ch_udf_zone(info, in, 2);
    if (!zone) return;
    const int64_t *a = ch_arg(in, 0);
    const ch_string *patterns = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    pattern_cache cache = {.arena = ch_arena_new()};
    ch_buf text = {0};
    for (idx_t i = 0; i < rows; i++) {
        ch_error err;
        if (!ch_bit(mask, i)) continue;
        const ch_pattern *p = pattern_of(&cache, &patterns[i], false, &err);
        if (!p) {
            ch_engine_raise(info, &err);
            break;
        }
        ch_buf_clear(&text);
        ch_pattern_format(p, &text, ch_local_micros(zone, a[i]), a[i], zone);
        ch_udf_string(out, i, ch_buf_text(&text), text.len);
    }
    ch_buf_reset(&text);
    ch_arena_free(cache.arena);
}

/* Which function to point to in the error; NULL gives NULL instead of an error. */
typedef struct parse_mode {
    const char *alternative;
} parse_mode;

static const parse_mode TO_DATE = {"`try_to_date`"}, TO_TIMESTAMP = {"`try_to_timestamp`"}, TRY_PARSE = {NULL};

static void f_parse(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const parse_mode *mode = ch_udf_extra(info);
    const ch_timezone *zone = ch_udf_zone(info, in, 2);
    if (!zone) return;
    const ch_string *a = ch_arg(in, 0), *patterns = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    pattern_cache cache = {.arena = ch_arena_new()};
    for (idx_t i = 0; i < rows; i++) {
        ch_error err;
        char why[CH_PATTERN_WHY];
        if (!ch_bit(mask, i)) continue;
        const ch_pattern *p = pattern_of(&cache, &patterns[i], true, &err);
        if (p && ch_pattern_parse_timestamp(p, CH_TEXT(a), zone, &data[i], why)) continue;
        if (p && !mode->alternative) {
            ch_udf_null(out, i);
            continue;
        }
        if (p) ch_raise(&err, "CANNOT_PARSE_TIMESTAMP", "message", why, "func", mode->alternative, (char *)NULL);
        ch_engine_raise(info, &err);
        break;
    }
    ch_arena_free(cache.arena);
}

/* ---- truncation ---- */

typedef enum level { MICRO, MILLI, SECONDS, MINUTES, HOURS, DAYS, WEEK, MONTH, QUARTER, YEAR, NO_LEVEL } level;

static level level_of(const char *text, size_t len)
{
    static const struct {
        const char *name;
        level level;
    } LEVELS[] = {{"microsecond", MICRO}, {"millisecond", MILLI}, {"second", SECONDS}, {"minute", MINUTES},
                  {"hour", HOURS},        {"day", DAYS},          {"dd", DAYS},        {"week", WEEK},
                  {"month", MONTH},       {"mon", MONTH},         {"mm", MONTH},       {"quarter", QUARTER},
                  {"year", YEAR},         {"yyyy", YEAR},         {"yy", YEAR}};
    for (size_t i = 0; i < sizeof LEVELS / sizeof *LEVELS; i++)
        if (strlen(LEVELS[i].name) == len && strncasecmp(LEVELS[i].name, text, len) == 0) return LEVELS[i].level;
    return NO_LEVEL;
}

static int64_t truncate_to(int64_t local, level to)
{
    static const int64_t UNITS[] = {1, 1000, 1000000, 60000000, 3600000000, INT64_C(86400000000)};
    if (to <= DAYS) return floor_div(local, UNITS[to]) * UNITS[to];
    int64_t days = floor_div(local, DAY), year;
    int month, day;
    if (to == WEEK) return (days - ((days + 3) % 7 + 7) % 7) * DAY;
    ch_civil_from_days(days, &year, &month, &day);
    if (to == QUARTER) month = (month - 1) / 3 * 3 + 1;
    if (to == YEAR) month = 1;
    return ch_days_from_civil(year, month, 1) * DAY;
}

/* ch_date_trunc(unit, local) for dates: NULL for a unit that is none of theirs. */
static void f_date_trunc(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const ch_string *unit = ch_arg(in, 0);
    const int64_t *a = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        level to = level_of(CH_TEXT(unit));
        if (to == NO_LEVEL || to < WEEK)
            ch_udf_null(out, i);
        else
            data[i] = truncate_to(a[i], to);
    }
}

/* The instant of a local time that came of one with the given offset, which it keeps where it may (ZonedDateTime). */
static int64_t resolve_local(const ch_timezone *zone, int64_t local, int64_t offset)
{
    int64_t same = local - offset * SECOND, seconds = floor_div(local, SECOND);
    if (ch_timezone_offset(zone, floor_div(same, SECOND)) == offset) return same;
    return ch_timezone_to_utc(zone, seconds) * SECOND + (local - seconds * SECOND);
}

/* ch_instant_trunc(unit, instant, zone): DateTimeUtils.truncTimestamp. Where clocks were set back, an hour keeps the
 * offset it had; whole seconds have nothing to do with zones. */
static void f_instant_trunc(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_timezone *zone = ch_udf_zone(info, in, 2);
    const ch_string *unit = ch_arg(in, 0);
    const int64_t *a = ch_arg(in, 1);
    if (!zone) return;
    int64_t *data = duckdb_vector_get_data(out);
    CH_EACH_ROW(in, out)
    {
        level to = level_of(CH_TEXT(unit));
        if (to == NO_LEVEL) {
            ch_udf_null(out, i);
        } else if (to <= SECONDS) {
            data[i] = truncate_to(a[i], to);
        } else {
            int64_t offset = ch_timezone_offset(zone, floor_div(a[i], SECOND));
            data[i] = resolve_local(zone, truncate_to(a[i] + offset * SECOND, to), offset);
        }
    }
}

/* ---- calendar arithmetic ---- */

static bool is_last_day(int64_t year, int month, int day)
{
    return !ch_civil_valid(year, month, day + 1);
}

/* DateTimeUtils.monthsBetween: whole months when the days are the same or both the last, else a fraction of 31 days. */
static double months_between(int64_t a, int64_t b, bool round_off)
{
    int64_t days_a = floor_div(a, DAY), days_b = floor_div(b, DAY), year_a, year_b;
    int month_a, month_b, day_a, day_b;
    ch_civil_from_days(days_a, &year_a, &month_a, &day_a);
    ch_civil_from_days(days_b, &year_b, &month_b, &day_b);
    double months = (double)(year_a * 12 + month_a - year_b * 12 - month_b);
    if (day_a == day_b || (is_last_day(year_a, month_a, day_a) && is_last_day(year_b, month_b, day_b))) return months;
    int64_t seconds_a = (a - days_a * DAY) / SECOND, seconds_b = (b - days_b * DAY) / SECOND;
    double diff = months + (double)((day_a - day_b) * INT64_C(86400) + seconds_a - seconds_b) / (31.0 * 86400);
    return round_off ? round(diff * 1e8) / 1e8 : diff;
}

static void f_months_between(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    const int64_t *a = ch_arg(in, 0), *b = ch_arg(in, 1);
    const bool *round_off = ch_arg(in, 2);
    const uint64_t *mask = ch_udf_mask(in, out);
    double *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++)
        if (ch_bit(mask, i)) data[i] = months_between(a[i], b[i], round_off[i]);
}

/* Sunday = 0; -1 when the text names no day. */
static int day_of_week(const char *text, size_t len)
{
    static const char *const NAMES[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
    for (int i = 0; i < 7; i++) {
        bool whole = strlen(NAMES[i]) == len;
        if ((whole || len == 2 || len == 3) && strncasecmp(NAMES[i], text, len) == 0) return i;
    }
    return -1;
}

static void f_next_day(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const int32_t *a = ch_arg(in, 0);
    const ch_string *name = ch_arg(in, 1);
    const uint64_t *mask = ch_udf_mask(in, out);
    int32_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        int wanted = day_of_week(CH_TEXT(name));
        if (wanted < 0) {
            ch_error err;
            char text[80];
            snprintf(text, sizeof text, "%.*s", (int)(ch_string_len(&name[i]) < 70 ? ch_string_len(&name[i]) : 70),
                     ch_string_data(&name[i]));
            ch_raise(&err, "ILLEGAL_DAY_OF_WEEK", "string", text, (char *)NULL);
            ch_engine_raise(info, &err);
            return;
        }
        int today = (int)(((int64_t)a[i] + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        data[i] = a[i] + (wanted - today + 6) % 7 + 1;
    }
}

/* ---- making ---- */

static void raise_field(duckdb_function_info info, const char *name, int low, int high, int64_t value)
{
    ch_error err;
    char text[160];
    snprintf(text, sizeof text, "Invalid value for %s (valid values %d - %d): %lld", name, low, high, (long long)value);
    ch_raise(&err, "DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION", "rangeMessage", text, "ansiConfig",
             "\"spark.sql.ansi.enabled\"", (char *)NULL);
    ch_engine_raise(info, &err);
}

/* java.time.LocalDate.of's checks. */
static bool make_date(duckdb_function_info info, int64_t year, int32_t month, int32_t day, int64_t *days)
{
    static const char *const MONTHS[] = {"JANUARY", "FEBRUARY", "MARCH",     "APRIL",   "MAY",      "JUNE",
                                         "JULY",    "AUGUST",   "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"};
    if (month < 1 || month > 12) return raise_field(info, "MonthOfYear", 1, 12, month), false;
    if (day < 1 || day > 31) {
        ch_error err;
        char text[120];
        snprintf(text, sizeof text, "Invalid value for DayOfMonth (valid values 1 - 28/31): %d", day);
        ch_raise(&err, "DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION", "rangeMessage", text, "ansiConfig",
                 "\"spark.sql.ansi.enabled\"", (char *)NULL);
        ch_engine_raise(info, &err);
        return false;
    }
    if (!ch_civil_valid(year, month, day)) {
        ch_error err;
        char text[120];
        if (month == 2 && day == 29)
            snprintf(text, sizeof text, "Invalid date 'February 29' as '%lld' is not a leap year", (long long)year);
        else
            snprintf(text, sizeof text, "Invalid date '%s %d'", MONTHS[month - 1], day);
        ch_raise(&err, "DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION", "rangeMessage", text, "ansiConfig",
                 "\"spark.sql.ansi.enabled\"", (char *)NULL);
        ch_engine_raise(info, &err);
        return false;
    }
    *days = ch_days_from_civil(year, month, day);
    return true;
}

static void f_make_date(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const int32_t *year = ch_arg(in, 0), *month = ch_arg(in, 1), *day = ch_arg(in, 2);
    const uint64_t *mask = ch_udf_mask(in, out);
    int32_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        int64_t days;
        if (!ch_bit(mask, i)) continue;
        if (!make_date(info, year[i], month[i], day[i], &days)) return;
        data[i] = (int32_t)days;
    }
}

/* ch_make_timestamp(year, month, day, hour, minute, microseconds of the minute) */
static void f_make_timestamp(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const int32_t *part[5];
    for (idx_t c = 0; c < 5; c++) part[c] = ch_arg(in, c);
    const int64_t *micros = ch_arg(in, 5);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        int64_t days;
        if (!ch_bit(mask, i)) continue;
        if (!make_date(info, part[0][i], part[1][i], part[2][i], &days)) return;
        bool hour = part[3][i] >= 0 && part[3][i] <= 23, minute = part[4][i] >= 0 && part[4][i] <= 59;
        bool second = micros[i] >= 0 && micros[i] <= 60 * SECOND;
        if (!hour)
            raise_field(info, "HourOfDay", 0, 23, part[3][i]);
        else if (!minute)
            raise_field(info, "MinuteOfHour", 0, 59, part[4][i]);
        else if (!second)
            raise_field(info, "SecondOfMinute", 0, 59, micros[i] / SECOND);
        if (!hour || !minute || !second) return;
        data[i] = days * DAY + (part[3][i] * 60LL + part[4][i]) * 60 * SECOND + micros[i];
    }
}

/* ---- timestampadd, timestampdiff ---- */

typedef struct unit {
    const char *name;
    int months;
    int64_t micros;
} unit;

static const unit *unit_of(duckdb_function_info info, const char *text, size_t len, const char *function)
{
    static const unit UNITS[] = {{"microsecond", 0, 1},
                                 {"millisecond", 0, 1000},
                                 {"second", 0, 1000000},
                                 {"minute", 0, 60000000},
                                 {"hour", 0, 3600000000},
                                 {"day", 0, INT64_C(86400000000)},
                                 {"dayofyear", 0, INT64_C(86400000000)},
                                 {"week", 0, INT64_C(604800000000)},
                                 {"month", 1, 0},
                                 {"quarter", 3, 0},
                                 {"year", 12, 0}};
    for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++)
        if (strlen(UNITS[i].name) == len && strncasecmp(UNITS[i].name, text, len) == 0) return &UNITS[i];
    ch_error err;
    char shown[80], name[40];
    snprintf(shown, sizeof shown, "'%.*s'", (int)(len < 70 ? len : 70), text);
    snprintf(name, sizeof name, "`%s`", function);
    ch_raise(&err, "INVALID_PARAMETER_VALUE.DATETIME_UNIT", "functionName", name, "parameter", "`unit`", "invalidValue",
             shown, (char *)NULL);
    ch_engine_raise(info, &err);
    return NULL;
}

static int64_t plus_months(int64_t local, int64_t months)
{
    int64_t days = floor_div(local, DAY), year;
    int month, day;
    ch_civil_from_days(days, &year, &month, &day);
    int64_t total = year * 12 + month - 1 + months;
    year = floor_div(total, 12);
    month = (int)(total - year * 12) + 1;
    while (!ch_civil_valid(year, month, day)) day--;
    return ch_days_from_civil(year, month, day) * DAY + (local - days * DAY);
}

/* DateTimeUtils.timestampAddInterval: months and days go by the calendar of the zone, the rest by the clock. */
static bool shift_instant(int64_t at, int64_t months, int64_t days, int64_t micros, const ch_timezone *zone,
                          int64_t *out)
{
    int64_t shift;
    if (llabs(months) > 1000000 || __builtin_mul_overflow(days, DAY, &shift)) return false;
    if (months || days) {
        int64_t offset = ch_timezone_offset(zone, floor_div(at, SECOND));
        int64_t local = plus_months(at + offset * SECOND, months);
        if (__builtin_add_overflow(local, shift, &local)) return false;
        at = resolve_local(zone, local, offset);
    }
    return !__builtin_add_overflow(at, micros, out);
}

/* ch_plus_interval(instant, interval, sign, whole days, zone): intervals of days to seconds are a number of
 * microseconds, of which the whole days count as days; those of the calendar have a number of each. */
static void f_plus_interval(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_timezone *zone = ch_udf_zone(info, in, 4);
    const int64_t *a = ch_arg(in, 0);
    const ch_interval *by = ch_arg(in, 1);
    const int32_t *sign = ch_arg(in, 2);
    const bool *whole_days = ch_arg(in, 3);
    int64_t *data = duckdb_vector_get_data(out);
    if (!zone) return;
    CH_EACH_ROW(in, out)
    {
        int64_t days = by[i].days, micros = by[i].micros;
        if (whole_days[i]) {
            days += micros / DAY;
            micros %= DAY;
        }
        if (shift_instant(a[i], by[i].months * sign[i], days * sign[i], micros * sign[i], zone, &data[i])) continue;
        overflow(info);
        return;
    }
}

/* ch_instant_add(unit, amount, instant, zone): hours and less go by the clock. */
static void f_instant_add(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_timezone *zone = ch_udf_zone(info, in, 3);
    const ch_string *name = ch_arg(in, 0);
    const int64_t *amount = ch_arg(in, 1), *a = ch_arg(in, 2);
    int64_t *data = duckdb_vector_get_data(out);
    if (!zone) return;
    CH_EACH_ROW(in, out)
    {
        const unit *u = unit_of(info, CH_TEXT(name), "TIMESTAMPADD");
        if (!u) return;
        int64_t each = u->months ? u->months : u->micros % DAY ? u->micros : u->micros / DAY, step;
        bool good = !__builtin_mul_overflow(amount[i], each, &step);
        int64_t months = u->months ? step : 0, days = !u->months && u->micros % DAY == 0 ? step : 0;
        good = good && shift_instant(a[i], months, days, months || days ? 0 : step, zone, &data[i]);
        if (good) continue;
        overflow(info);
        return;
    }
}

static void f_timestampadd(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_string *name = ch_arg(in, 0);
    const int64_t *amount = ch_arg(in, 1), *a = ch_arg(in, 2);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        const unit *u = unit_of(info, CH_TEXT(name), "TIMESTAMPADD");
        if (!u) return;
        int64_t step = 0;
        if (u->months ? llabs(amount[i]) > 1000000 : __builtin_mul_overflow(amount[i], u->micros, &step)) {
            overflow(info);
            return;
        }
        data[i] = u->months ? plus_months(a[i], amount[i] * u->months) : a[i] + step;
    }
}

static void f_timestampdiff(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const ch_string *name = ch_arg(in, 0);
    const int64_t *a = ch_arg(in, 1), *b = ch_arg(in, 2);
    const uint64_t *mask = ch_udf_mask(in, out);
    int64_t *data = duckdb_vector_get_data(out);
    idx_t rows = duckdb_data_chunk_get_size(in);
    for (idx_t i = 0; i < rows; i++) {
        if (!ch_bit(mask, i)) continue;
        const unit *u = unit_of(info, CH_TEXT(name), "TIMESTAMPDIFF");
        if (!u) return;
        if (!u->months) {
            data[i] = (b[i] - a[i]) / u->micros;
            continue;
        }
        int64_t whole = (int64_t)months_between(b[i], a[i], false);
        /* java.time counts a month as over on the same day and time only */
        while (whole > 0 && plus_months(a[i], whole) > b[i]) whole--;
        while (whole < 0 && plus_months(a[i], whole) < b[i]) whole++;
        data[i] = whole / u->months;
    }
}

int ch_register_datetime(duckdb_connection con, ch_error *err)
{
    static const ch_udf ROWS[] = {
        {.name = "ch_local", .types = "Zs>T", .fn = f_local},
        {.name = "ch_instant", .types = "Ts>Z", .fn = f_instant},
        {.name = "ch_from_seconds", .types = "l>Z", .fn = f_from_long},
        {.name = "ch_from_seconds", .types = "d>Z", .fn = f_from_double},
        {.name = "ch_seconds", .types = "Z>d", .fn = f_seconds},
        {.name = "ch_epoch", .types = "Z>l", .fn = f_epoch},
        {.name = "ch_shift_micros", .types = "Zl>Z", .fn = f_shift_micros},
        {.name = "ch_interval_days", .types = "I>l", .fn = f_interval_days},
        {.name = "ch_interval_months", .types = "I>i", .fn = f_interval_months},
        {.name = "ch_window_start", .types = "Zll>Z", .fn = f_window_start},
        {.name = "ch_date_format", .types = "Zss>s", .fn = f_date_format},
        {.name = "ch_parse_to_date", .types = "sss>Z", .fn = f_parse, .extra = &TO_DATE},
        {.name = "ch_parse_to_timestamp", .types = "sss>Z", .fn = f_parse, .extra = &TO_TIMESTAMP},
        {.name = "ch_try_parse", .types = "sss>Z", .fn = f_parse, .extra = &TRY_PARSE},
        {.name = "ch_instant_trunc", .types = "sZs>Z", .fn = f_instant_trunc},
        {.name = "ch_date_trunc", .types = "sT>T", .fn = f_date_trunc},
        {.name = "ch_months_between", .types = "TTb>d", .fn = f_months_between},
        {.name = "ch_next_day", .types = "Ds>D", .fn = f_next_day},
        {.name = "ch_make_date", .types = "iii>D", .fn = f_make_date},
        {.name = "ch_make_timestamp", .types = "iiiiil>T", .fn = f_make_timestamp},
        {.name = "ch_plus_interval", .types = "ZIibs>Z", .fn = f_plus_interval},
        {.name = "ch_instant_add", .types = "slZs>Z", .fn = f_instant_add},
        {.name = "ch_timestampadd", .types = "slT>T", .fn = f_timestampadd},
        {.name = "ch_timestampdiff", .types = "sTT>l", .fn = f_timestampdiff},
    };
    return ch_udf_register(con, ROWS, sizeof ROWS / sizeof *ROWS, err);
}
