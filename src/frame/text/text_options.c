/* text_options.c: options of text sources. */
#include "frame/text/text_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *ch_option_get(const ch_options *o, const char *key)
{
    for (size_t i = o->n; i-- > 0;) {
        if (strcasecmp(o->items[i].key, key) == 0) return o->items[i].value;
    }
    return NULL;
}

int ch_option_bool(const ch_options *o, const char *key, bool otherwise, bool *out, ch_error *err)
{
    const char *value = ch_option_get(o, key);
    *out = otherwise;
    if (!value) return 0;
    bool yes = strcasecmp(value, "true") == 0;
    if (!yes && strcasecmp(value, "false") != 0) {
        return ch_failf(err, CH_E_SPARK, "%s flag can be true or false.", key);
    }
    *out = yes;
    return 0;
}

int ch_option_char(const ch_options *o, const char *key, char otherwise, char *out, ch_error *err)
{
    const char *value = ch_option_get(o, key);
    *out = otherwise;
    if (!value) return 0;
    if (value[0] && value[1]) {
        if ((unsigned char)value[0] < 0x80) {
            return ch_failf(err, CH_E_RUNTIME, "%s cannot be more than one character.", key);
        }
        return ch_failf(err, CH_E_UNSUPPORTED, "%s must be an ASCII character, but is %s.", key, value);
    }
    *out = value[0];
    return 0;
}

int ch_option_int(const ch_options *o, const char *key, int otherwise, int *out, ch_error *err)
{
    const char *value = ch_option_get(o, key);
    *out = otherwise;
    if (!value) return 0;
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno || end == value || *end || number < INT32_MIN || number > INT32_MAX) {
        return ch_failf(err, CH_E_RUNTIME, "%s should be an integer. Found %s.", key, value);
    }
    *out = (int)number;
    return 0;
}

static int read_encoding(const char *what, const ch_options *options, ch_encoding *out, ch_error *err)
{
    static const struct {
        const char *name;
        ch_encoding encoding;
    } NAMES[] = {{"utf-8", CH_UTF8},       {"utf8", CH_UTF8},        {"iso-8859-1", CH_LATIN1},
                 {"latin1", CH_LATIN1},    {"us-ascii", CH_ASCII},   {"ascii", CH_ASCII},
                 {"utf-16", CH_UTF16},     {"utf-16le", CH_UTF16LE}, {"utf-16be", CH_UTF16BE},
                 {"iso8859_1", CH_LATIN1}, {"utf-32", CH_UTF32}};
    const char *value = ch_option_get(options, "encoding");
    if (!value) value = ch_option_get(options, "charset");
    *out = CH_UTF8;
    if (!value) return 0;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strcasecmp(value, NAMES[i].name) != 0) continue;
        *out = NAMES[i].encoding;
        if (*out <= CH_ASCII) return 0;
        return ch_failf(err, CH_E_UNSUPPORTED, "Text files in %s are not supported yet; convert them to UTF-8.", value);
    }
    char function[64];
    snprintf(function, sizeof function, "`%s`", what);
    ch_raise(err, "INVALID_PARAMETER_VALUE.CHARSET", "parameter", "`charset`", "functionName", function, "charsets",
             "iso-8859-1, us-ascii, utf-16, utf-16be, utf-16le, utf-32, utf-8", "charset", value, (char *)NULL);
    err->kind = CH_E_ILLEGAL_ARGUMENT;
    return (int)err->kind;
}

static int read_pattern(ch_arena *arena, const char *text, const ch_pattern **out, ch_error *err)
{
    *out = NULL;
    return text ? ch_pattern_compile(arena, text, true, out, err) : 0;
}

static int read_formats(ch_arena *arena, const ch_options *options, ch_text_options *o, ch_error *err)
{
    o->date_format = ch_option_get(options, "dateFormat");
    const char *timestamp = ch_option_get(options, "timestampFormat");
    CH_TRY(read_pattern(arena, o->date_format, &o->date, err));
    CH_TRY(read_pattern(arena, timestamp, &o->timestamp, err));
    CH_TRY(read_pattern(arena, ch_option_get(options, "timestampNTZFormat"), &o->timestamp_ntz, err));
    bool fallback = false, set = ch_option_get(options, "enableDateTimeParsingFallback") != NULL;
    CH_TRY(ch_option_bool(options, "enableDateTimeParsingFallback", false, &fallback, err));
    o->date_fallback = set ? fallback : !o->date_format;
    o->timestamp_fallback = set ? fallback : !timestamp;
    return 0;
}

static int read_line_sep(const ch_options *options, ch_text_options *o, ch_error *err)
{
    o->line_sep = ch_option_get(options, "lineSep");
    if (!o->line_sep) return 0;
    o->line_sep_len = strlen(o->line_sep);
    if (!o->line_sep_len) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: 'lineSep' cannot be an empty string.");
    }
    return 0;
}

int ch_text_options_read(ch_session *s, ch_arena *arena, const char *what, const ch_options *options,
                         ch_text_options *o, ch_error *err)
{
    *o = (ch_text_options){.sampling_ratio = 1};
    CH_TRY(ch_option_bool(options, "multiLine", false, &o->multi_line, err));
    const char *mode = ch_option_get(options, "mode"); /* an unknown one is PERMISSIVE, as in Spark */
    if (mode && strcasecmp(mode, "DROPMALFORMED") == 0) o->mode = CH_DROP_MALFORMED;
    if (mode && strcasecmp(mode, "FAILFAST") == 0) o->mode = CH_FAIL_FAST;
    o->corrupt_column = ch_option_get(options, "columnNameOfCorruptRecord");
    if (!o->corrupt_column) o->corrupt_column = ch_config_find(s, arena, "spark.sql.columnNameOfCorruptRecord");
    CH_TRY(read_encoding(what, options, &o->encoding, err));
    CH_TRY(read_line_sep(options, o, err));
    const char *ratio = ch_option_get(options, "samplingRatio");
    if (ratio) o->sampling_ratio = strtod(ratio, NULL);
    if (!(o->sampling_ratio > 0)) {
        return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "requirement failed: samplingRatio (%s) should be greater than 0",
                        ratio);
    }
    const char *zone = ch_option_get(options, "timeZone");
    if (!zone) zone = ch_config_find(s, arena, "spark.sql.session.timeZone");
    o->zone = zone ? ch_timezone_find(zone) : ch_timezone_utc();
    if (!o->zone) return ch_raise(err, "INVALID_TIMEZONE", "timeZone", zone, (char *)NULL);
    const char *type = ch_config_find(s, arena, "spark.sql.timestampType");
    o->ntz = type && strcasecmp(type, "TIMESTAMP_NTZ") == 0;
    o->case_sensitive = ch_config_bool(s, "spark.sql.caseSensitive");
    return read_formats(arena, options, o, err);
}

/* --- dates and times ------------------------------------------------------------------------------------- */

/* Legacy spellings: "2020-01-01GMT+1" style zones had GMT in the middle (DateTimeUtils.cleanLegacyTimestampStr). */
static const char *clean_legacy(const char *text, size_t *len, char out[64])
{
    const char *gmt = *len < 64 ? memmem(text, *len, "GMT", 3) : NULL;
    if (!gmt) return text;
    size_t before = (size_t)(gmt - text), after = *len - before - 3;
    memcpy(out, text, before);
    memcpy(out + before, gmt + 3, after);
    *len = before + after;
    return out;
}

/* "yyyy-MM-dd" and nothing else: what the strict formatter of the default format takes. */
static bool strict_date(const char *text, size_t len, int32_t *days)
{
    if (len != 10 || text[4] != '-' || text[7] != '-') return false;
    int part[3] = {0};
    static const int START[] = {0, 5, 8}, END[] = {4, 7, 10};
    for (int p = 0; p < 3; p++) {
        for (int i = START[p]; i < END[p]; i++) {
            if (text[i] < '0' || text[i] > '9') return false;
            part[p] = part[p] * 10 + (text[i] - '0');
        }
    }
    if (!ch_civil_valid(part[0], part[1], part[2])) return false;
    *days = (int32_t)ch_days_from_civil(part[0], part[1], part[2]);
    return true;
}

bool ch_text_date(const ch_text_options *o, const char *text, size_t len, int32_t *days)
{
    char copy[64];
    if (o->date ? ch_pattern_parse_date(o->date, text, len, days, NULL) : strict_date(text, len, days)) return true;
    if (!o->date_fallback) return false;
    text = clean_legacy(text, &len, copy);
    return ch_parse_date(text, len, days);
}

bool ch_text_timestamp(const ch_text_options *o, const char *text, size_t len, int64_t *micros)
{
    char copy[64];
    bool done = o->timestamp ? ch_pattern_parse_timestamp(o->timestamp, text, len, o->zone, micros, NULL)
                             : ch_parse_timestamp(text, len, o->zone, micros);
    if (done || !o->timestamp_fallback) return done;
    text = clean_legacy(text, &len, copy);
    return ch_parse_timestamp(text, len, o->zone, micros);
}

bool ch_text_timestamp_ntz(const ch_text_options *o, const char *text, size_t len, int64_t *micros)
{
    if (o->timestamp_ntz) return ch_pattern_parse_ntz(o->timestamp_ntz, text, len, micros, NULL);
    return ch_parse_timestamp_ntz(text, len, false, micros);
}
