/* csv_options.c: the options of Spark's CSV reader (CSVOptions). */
#include "frame/text/csv.h"

#include <string.h>
#include <strings.h>

/* One character of a delimiter, spelled as in Java source ("\t"); returns how much was read, 0 on error. */
static size_t delimiter_char(const char *at, char *out, ch_error *err)
{
    static const char FROM[] = "trbfn\"'\\", TO[] = "\t\r\b\f\n\"'\\";
    if (*at != '\\') {
        *out = *at;
        return 1;
    }
    if (!at[1]) {
        ch_raise(err, "INVALID_DELIMITER_VALUE.SINGLE_BACKSLASH", (char *)NULL);
        return 0;
    }
    const char *known = strchr(FROM, at[1]);
    if (known) {
        *out = TO[known - FROM];
        return 2;
    }
    if (at[1] == '0') {
        *out = '\0';
        return 2;
    }
    char text[3] = {at[0], at[1], '\0'};
    ch_raise(err, "INVALID_DELIMITER_VALUE.UNSUPPORTED_SPECIAL_CHARACTER", "str", text, (char *)NULL);
    return 0;
}

static int read_delimiter(const ch_options *options, ch_csv_options *o, ch_error *err)
{
    const char *text = ch_option_get(options, "sep");
    if (!text) text = ch_option_get(options, "delimiter");
    if (!text) text = ",";
    if (!*text) return ch_failf(err, CH_E_ILLEGAL_ARGUMENT, "Delimiter cannot be empty");
    if (strcmp(text, "\\u0000") == 0) {
        o->delimiter_len = 1;
        return 0;
    }
    while (*text) {
        if (o->delimiter_len == sizeof o->delimiter) {
            return ch_raise(err, "INVALID_DELIMITER_VALUE.DELIMITER_LONGER_THAN_EXPECTED", "str", text, (char *)NULL);
        }
        size_t n = delimiter_char(text, &o->delimiter[o->delimiter_len], err);
        if (!n) return (int)err->kind;
        o->delimiter_len++;
        text += n;
    }
    return 0;
}

static const char *get(const ch_options *options, const char *key, const char *otherwise)
{
    const char *value = ch_option_get(options, key);
    return value ? value : otherwise;
}

/* What would change rows and is not there must not be passed over. */
static int refuse_unsupported(const ch_options *options, ch_error *err)
{
    const char *handling = ch_option_get(options, "unescapedQuoteHandling");
    if (handling && strcasecmp(handling, "STOP_AT_DELIMITER") != 0) {
        return ch_failf(err, CH_E_UNSUPPORTED, "The CSV option unescapedQuoteHandling = %s is not supported.",
                        handling);
    }
    const char *locale = ch_option_get(options, "locale");
    if (locale && strncasecmp(locale, "en", 2) != 0) {
        return ch_failf(err, CH_E_UNSUPPORTED, "The CSV option locale = %s is not supported.", locale);
    }
    if (ch_option_get(options, "singleVariantColumn")) {
        return ch_failf(err, CH_E_UNSUPPORTED, "The CSV option singleVariantColumn is not supported.");
    }
    return 0;
}

int ch_csv_options_read(ch_session *s, ch_arena *arena, const ch_options *options, ch_csv_options *o, ch_error *err)
{
    *o = (ch_csv_options){0};
    CH_TRY(ch_text_options_read(s, arena, "CSVOptions", options, &o->text, err));
    CH_TRY(ch_option_char(options, "quote", '"', &o->quote, err));
    CH_TRY(ch_option_char(options, "escape", '\\', &o->escape, err));
    CH_TRY(ch_option_char(options, "comment", '\0', &o->comment, err));
    CH_TRY(ch_option_bool(options, "header", false, &o->header, err));
    CH_TRY(ch_option_bool(options, "inferSchema", false, &o->infer, err));
    CH_TRY(ch_option_bool(options, "ignoreLeadingWhiteSpace", false, &o->ignore_leading, err));
    CH_TRY(ch_option_bool(options, "ignoreTrailingWhiteSpace", false, &o->ignore_trailing, err));
    CH_TRY(ch_option_bool(options, "enforceSchema", true, &o->enforce_schema, err));
    CH_TRY(ch_option_bool(options, "preferDate", true, &o->prefer_date, err));
    bool prune = !o->text.multi_line && ch_config_bool(s, "spark.sql.csv.parser.columnPruning.enabled");
    CH_TRY(ch_option_bool(options, "columnPruning", prune, &o->prune, err));
    CH_TRY(ch_option_int(options, "maxColumns", 20480, &o->max_columns, err));
    char escape_escape;
    CH_TRY(ch_option_char(options, "charToEscapeQuoteEscaping", '\0', &escape_escape, err));
    o->escape_escape = escape_escape ? escape_escape : o->quote == o->escape ? '\0' : o->escape;
    o->null_value = get(options, "nullValue", "");
    o->empty_value = get(options, "emptyValue", "");
    o->nan_value = get(options, "nanValue", "NaN");
    o->positive_inf = get(options, "positiveInf", "Inf");
    o->negative_inf = get(options, "negativeInf", "-Inf");
    CH_TRY(refuse_unsupported(options, err));
    return read_delimiter(options, o, err);
}
