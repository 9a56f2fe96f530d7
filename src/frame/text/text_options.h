/* text_options.h: what the text formats' readers and writers have in common: looking up options, and those that CSV
 * and JSON share. Option keys are compared without regard to case, the last of equal ones wins. */
#ifndef CHERT_FRAME_TEXT_OPTIONS_H
#define CHERT_FRAME_TEXT_OPTIONS_H

#include "frame/plan/plan.h"
#include "frame/session/session.h"
#include "frame/type/datetime_pattern.h"

/* A source's or writer's options. */
typedef struct ch_options {
    size_t n;
    const ch_option *items;
} ch_options;

const char *ch_option_get(const ch_options *o, const char *key); /* NULL when absent */
/* err: "<key> flag can be true or false." */
int ch_option_bool(const ch_options *o, const char *key, bool otherwise, bool *out, ch_error *err);
/* One ASCII character, '\0' for an empty text. err: "<key> cannot be more than one character." */
int ch_option_char(const ch_options *o, const char *key, char otherwise, char *out, ch_error *err);
/* err: "<key> should be an integer. Found <value>." */
int ch_option_int(const ch_options *o, const char *key, int otherwise, int *out, ch_error *err);

typedef enum ch_parse_mode { CH_PERMISSIVE, CH_DROP_MALFORMED, CH_FAIL_FAST } ch_parse_mode;
typedef enum ch_encoding { CH_UTF8, CH_LATIN1, CH_ASCII, CH_UTF16, CH_UTF16LE, CH_UTF16BE, CH_UTF32 } ch_encoding;

typedef struct ch_text_options {
    bool multi_line;
    ch_parse_mode mode;
    const char *corrupt_column;
    ch_encoding encoding;
    const char *line_sep; /* NULL: any of \n, \r\n, \r */
    size_t line_sep_len;
    double sampling_ratio;
    const ch_timezone *zone;
    bool ntz; /* spark.sql.timestampType: inferred timestamps are without time zone */
    bool case_sensitive;
    /* NULL: Spark's default, which is lenient */
    const ch_pattern *date, *timestamp, *timestamp_ntz;
    const char *date_format;
    bool date_fallback, timestamp_fallback; /* what does not match a format may still be read the lenient way */
} ch_text_options;

/* `what` is the class of options named in errors, e.g. "CSVOptions". Strings are borrowed, patterns in `arena`. */
int ch_text_options_read(ch_session *s, ch_arena *arena, const char *what, const ch_options *options,
                         ch_text_options *out, ch_error *err);

/* How values in text files become dates and times: by the format, and failing that leniently if allowed. */
bool ch_text_date(const ch_text_options *o, const char *text, size_t len, int32_t *days);
bool ch_text_timestamp(const ch_text_options *o, const char *text, size_t len, int64_t *micros);
bool ch_text_timestamp_ntz(const ch_text_options *o, const char *text, size_t len, int64_t *micros);

#endif
