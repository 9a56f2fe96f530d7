/* json_parse.c: the syntax of JSON, with the liberties Jackson is given by Spark's options. */
#include "frame/text/json.h"

#include <string.h>

int ch_json_options_read(ch_session *s, ch_arena *arena, const ch_options *options, ch_json_options *o, ch_error *err)
{
    *o = (ch_json_options){0};
    CH_TRY(ch_text_options_read(s, arena, "JSONOptions", options, &o->text, err));
    CH_TRY(ch_option_bool(options, "allowComments", false, &o->comments, err));
    CH_TRY(ch_option_bool(options, "allowUnquotedFieldNames", false, &o->unquoted_names, err));
    CH_TRY(ch_option_bool(options, "allowSingleQuotes", true, &o->single_quotes, err));
    CH_TRY(ch_option_bool(options, "allowNumericLeadingZeros", false, &o->leading_zeros, err));
    CH_TRY(ch_option_bool(options, "allowBackslashEscapingAnyCharacter", false, &o->escape_any, err));
    CH_TRY(ch_option_bool(options, "allowUnquotedControlChars", false, &o->control_chars, err));
    CH_TRY(ch_option_bool(options, "allowNonNumericNumbers", true, &o->non_numeric, err));
    CH_TRY(ch_option_bool(options, "primitivesAsString", false, &o->primitives_as_string, err));
    CH_TRY(ch_option_bool(options, "prefersDecimal", false, &o->prefers_decimal, err));
    CH_TRY(ch_option_bool(options, "dropFieldIfAllNull", false, &o->drop_all_null, err));
    return ch_option_bool(options, "inferTimestamp", false, &o->infer_timestamp, err);
}

bool ch_json_space(ch_json_reader *j)
{
    if (j->at != j->end && *j->at > ' ' && *j->at != '/') return true; /* the usual case */
    for (;;) {
        while (j->at < j->end && (*j->at == ' ' || *j->at == '\t' || *j->at == '\n' || *j->at == '\r')) j->at++;
        if (j->at == j->end || *j->at != '/' || !j->options->comments) return true;
        if (j->end - j->at < 2) return false;
        const char *stop = NULL;
        if (j->at[1] == '*') {
            stop = memmem(j->at + 2, (size_t)(j->end - j->at) - 2, "*/", 2);
            if (!stop) return false;
            j->at = stop + 2;
        } else if (j->at[1] == '/') {
            stop = memchr(j->at, '\n', (size_t)(j->end - j->at));
            j->at = stop ? stop + 1 : j->end;
        } else {
            return false;
        }
    }
}

/* --- strings --------------------------------------------------------------------------------------------------------
 */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool four_digits(const char *at, const char *end, unsigned *out)
{
    *out = 0;
    if (end - at < 4) return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) return false;
        *out = *out * 16 + (unsigned)digit;
    }
    return true;
}

bool ch_json_read_string(ch_json_reader *j, const char **text, size_t *len, bool *plain)
{
    char quote = *j->at;
    if (quote != '"' && !(quote == '\'' && j->options->single_quotes)) return false;
    const char *at = j->at + 1;
    *text = at;
    *plain = true;
    for (; at < j->end && *at != quote; at++) {
        if ((unsigned char)*at < 0x20 && !j->options->control_chars) return false;
        if (*at != '\\') continue;
        *plain = false;
        if (++at == j->end) return false;
        unsigned code;
        if (*at == 'u') {
            if (!four_digits(at + 1, j->end, &code)) return false;
            at += 4;
        } else if (!strchr("\"\\/bfnrt", *at) && !j->options->escape_any && !(*at == '\'' && quote == '\'')) {
            return false;
        }
    }
    if (at >= j->end) return false;
    *len = (size_t)(at - *text);
    j->at = at + 1;
    return true;
}

static void add_code(ch_buf *out, unsigned code)
{
    char utf8[4];
    size_t n;
    if (code < 0x80) {
        utf8[0] = (char)code;
        n = 1;
    } else if (code < 0x800) {
        utf8[0] = (char)(0xC0 | code >> 6);
        utf8[1] = (char)(0x80 | (code & 0x3F));
        n = 2;
    } else if (code < 0x10000) {
        utf8[0] = (char)(0xE0 | code >> 12);
        utf8[1] = (char)(0x80 | (code >> 6 & 0x3F));
        utf8[2] = (char)(0x80 | (code & 0x3F));
        n = 3;
    } else {
        utf8[0] = (char)(0xF0 | code >> 18);
        utf8[1] = (char)(0x80 | (code >> 12 & 0x3F));
        utf8[2] = (char)(0x80 | (code >> 6 & 0x3F));
        utf8[3] = (char)(0x80 | (code & 0x3F));
        n = 4;
    }
    ch_buf_add(out, utf8, n);
}

void ch_json_unescape(const ch_json_options *o, const char *text, size_t len, ch_buf *out)
{
    static const char FROM[] = "bfnrt", TO[] = "\b\f\n\r\t";
    (void)o;
    const char *end = text + len;
    while (text < end) {
        const char *slash = memchr(text, '\\', (size_t)(end - text));
        size_t run = slash ? (size_t)(slash - text) : (size_t)(end - text);
        ch_buf_add(out, text, run);
        text += run;
        if (!slash) return;
        char c = text[1];
        const char *known = c ? strchr(FROM, c) : NULL;
        unsigned code, low;
        if (c != 'u') {
            ch_buf_char(out, known ? TO[known - FROM] : c);
            text += 2;
            continue;
        }
        four_digits(text + 2, end, &code);
        text += 6;
        bool high = code >= 0xD800 && code < 0xDC00, surrogate = code >= 0xD800 && code < 0xE000;
        if (high && end - text >= 6 && text[0] == '\\' && text[1] == 'u' && four_digits(text + 2, end, &low) &&
            low >= 0xDC00 && low < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            text += 6;
        } else if (surrogate) {
            code = '?'; /* half a character: what Java makes of it when it encodes */
        }
        add_code(out, code);
    }
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           (unsigned char)c >= 0x80;
}

bool ch_json_name(ch_json_reader *j, const char **text, size_t *len, bool *plain)
{
    if (j->at == j->end) return false;
    if (*j->at == '"' || *j->at == '\'') {
        if (!ch_json_read_string(j, text, len, plain)) return false;
    } else {
        if (!j->options->unquoted_names) return false;
        *text = j->at;
        while (j->at < j->end && is_name_char(*j->at)) j->at++;
        *len = (size_t)(j->at - *text);
        *plain = true;
        if (!*len) return false;
    }
    if (!ch_json_space(j) || j->at == j->end || *j->at != ':') return false;
    j->at++;
    return ch_json_space(j);
}

/* --- other values ---------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* May a number or word end here? */
static bool ends(const ch_json_reader *j, const char *at)
{
    if (at == j->end) return true;
    switch (*at) {
    case '\0':
    case ' ':
    case '\t':
    case '\r':
    case '\n':
    case ',':
    case ']':
    case '}':
    case ':':
    case '/': return true;
    default: return false;
    }
}

static bool word(ch_json_reader *j, const char *text, size_t *len)
{
    size_t n = strlen(text);
    if ((size_t)(j->end - j->at) < n || memcmp(j->at, text, n) != 0 || !ends(j, j->at + n)) return false;
    *len = n;
    j->at += n;
    return true;
}

static bool number(ch_json_reader *j, ch_json_kind *kind, const char **text, size_t *len)
{
    const char *at = j->at, *end = j->end;
    *text = at;
    *kind = CH_JSON_INTEGER;
    if (*at == '-') at++;
    const char *digits = at;
    while (at < end && is_digit(*at)) at++;
    if (at == digits || (*digits == '0' && at - digits > 1 && !j->options->leading_zeros)) return false;
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        while (at < end && is_digit(*at)) at++;
        if (at == fraction) return false;
        *kind = CH_JSON_REAL;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '-' || *at == '+')) at++;
        const char *exponent = at;
        while (at < end && is_digit(*at)) at++;
        if (at == exponent) return false;
        *kind = CH_JSON_REAL;
    }
    if (!ends(j, at)) return false;
    *len = (size_t)(at - *text);
    j->at = at;
    return true;
}

static bool non_numeric(ch_json_reader *j, size_t *len)
{
    static const char *const WORDS[] = {"NaN", "Infinity", "-Infinity", "+Infinity", "INF", "-INF", "+INF"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if (word(j, WORDS[i], len)) return j->options->non_numeric;
    }
    return false;
}

bool ch_json_peek(ch_json_reader *j, ch_json_kind *kind, const char **text, size_t *len)
{
    if (j->at == j->end) return false;
    *text = j->at;
    switch (*j->at) {
    case '{': *kind = CH_JSON_OBJECT; return true;
    case '[': *kind = CH_JSON_ARRAY; return true;
    case '"':
    case '\'': *kind = CH_JSON_STRING; return true;
    case 't': *kind = CH_JSON_TRUE; return word(j, "true", len);
    case 'f': *kind = CH_JSON_FALSE; return word(j, "false", len);
    case 'n': *kind = CH_JSON_NULL; return word(j, "null", len);
    default: break;
    }
    bool starts_number = is_digit(*j->at) || (*j->at == '-' && j->end - j->at > 1 && is_digit(j->at[1]));
    if (starts_number) return number(j, kind, text, len);
    *kind = CH_JSON_NAN;
    return non_numeric(j, len);
}

bool ch_json_next(ch_json_reader *j, char close, bool first, bool *more)
{
    if (!ch_json_space(j) || j->at == j->end) return false;
    *more = *j->at != close;
    if (!*more) {
        j->at++;
        return true;
    }
    if (first) return true;
    if (*j->at != ',') return false;
    j->at++;
    return ch_json_space(j) && j->at < j->end && *j->at != close;
}

bool ch_json_skip(ch_json_reader *j, int depth)
{
    ch_json_kind kind;
    const char *text;
    size_t len;
    bool plain, more;
    if (depth > CH_JSON_DEPTH || !ch_json_peek(j, &kind, &text, &len)) return false;
    if (kind == CH_JSON_STRING) return ch_json_read_string(j, &text, &len, &plain);
    if (kind != CH_JSON_OBJECT && kind != CH_JSON_ARRAY) return true;
    char close = kind == CH_JSON_OBJECT ? '}' : ']';
    j->at++;
    for (bool first = true;; first = false) {
        if (!ch_json_next(j, close, first, &more)) return false;
        if (!more) return true;
        if (kind == CH_JSON_OBJECT && !ch_json_name(j, &text, &len, &plain)) return false;
        if (!ch_json_skip(j, depth + 1)) return false;
    }
}

bool ch_json_is_rows(ch_json_reader j)
{
    ch_json_reader check = j;
    bool more = true;
    if (!ch_json_skip(&check, 0)) return false;
    j.at++;
    for (bool first = true; ch_json_next(&j, ']', first, &more) && more; first = false) {
        if (*j.at != '{' || !ch_json_skip(&j, 0)) return false;
    }
    return true;
}
