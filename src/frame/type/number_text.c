/* number_text.c: see number_text.h. */
#include "frame/type/number_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

void ch_trim_text(const char **text, size_t *len)
{
    while (*len && is_space(**text)) ++*text, --*len;
    while (*len && is_space((*text)[*len - 1])) --*len;
}

bool ch_parse_long(const char *text, size_t len, bool fraction, int64_t *out)
{
    ch_trim_text(&text, &len);
    size_t i = 0;
    bool negative = len && text[0] == '-';
    if (len && (text[0] == '-' || text[0] == '+')) i++;
    if (i == len) return false;
    int64_t value = 0; /* negative, since there is one more below zero than above */
    size_t digits = 0;
    for (; i < len && is_digit(text[i]); i++, digits++) {
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, text[i] - '0', &value))
            return false;
    }
    if (i < len) {
        if (!fraction || text[i] != '.') return false;
        for (i++; i < len; i++)
            if (!is_digit(text[i])) return false;
    } else if (!digits) {
        return false;
    }
    if (!negative && value == INT64_MIN) return false;
    *out = negative ? value : -value;
    return true;
}

/* ---- doubles ---- */

static bool named_double(const char *text, size_t len, double *out)
{
    static const struct {
        const char *name;
        double value;
    } NAMES[] = {{"inf", INFINITY},
                 {"+inf", INFINITY},
                 {"infinity", INFINITY},
                 {"+infinity", INFINITY},
                 {"-inf", -INFINITY},
                 {"-infinity", -INFINITY},
                 {"nan", NAN}};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strlen(NAMES[i].name) != len || strncasecmp(NAMES[i].name, text, len) != 0) continue;
        *out = NAMES[i].value;
        return true;
    }
    return false;
}

/* FloatValue of java.lang.Double.valueOf: checks the grammar before the C library, which takes more, reads the number.
 * Returns the length without a type suffix, 0 when it is none. */
static size_t double_length(const char *text, size_t len)
{
    size_t i = 0, digits = 0;
    if (i < len && (text[i] == '+' || text[i] == '-')) i++;
    bool hex = len - i > 2 && text[i] == '0' && (text[i + 1] | 32) == 'x';
    if (hex) {
        i += 2;
        bool point = false, power = false;
        for (; i < len; i++) {
            char c = (char)(text[i] | 32);
            if (is_digit(text[i]) || (c >= 'a' && c <= 'f'))
                digits++;
            else if (text[i] == '.' && !point)
                point = true;
            else
                break;
        }
        if (i < len && (text[i] | 32) == 'p') {
            i++;
            if (i < len && (text[i] == '+' || text[i] == '-')) i++;
            for (; i < len && is_digit(text[i]); i++) power = true;
        }
        if (!digits || !power) return 0;
    } else {
        for (; i < len && is_digit(text[i]); i++) digits++;
        if (i < len && text[i] == '.')
            for (i++; i < len && is_digit(text[i]); i++) digits++;
        if (!digits) return 0;
        if (i < len && (text[i] | 32) == 'e') {
            size_t start = ++i;
            if (i < len && (text[i] == '+' || text[i] == '-')) start = ++i;
            while (i < len && is_digit(text[i])) i++;
            if (i == start) return 0;
        }
    }
    size_t end = i;
    if (i < len && ((text[i] | 32) == 'd' || (text[i] | 32) == 'f')) i++;
    return i == len ? end : 0;
}

/* Numbers of up to 15 digits and small powers of ten are exact in two operations (Clinger's fast path). */
static bool quick_double(const char *text, size_t len, double *out)
{
    static const double POWERS[] = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    size_t i = 0;
    bool negative = len && text[0] == '-';
    if (len && (text[0] == '-' || text[0] == '+')) i++;
    if (len - i > 16) return false;
    uint64_t value = 0;
    size_t digits = 0, fraction = 0;
    for (; i < len && is_digit(text[i]); i++, digits++) value = value * 10 + (uint64_t)(text[i] - '0');
    if (i < len && text[i] == '.') {
        for (i++; i < len && is_digit(text[i]); i++, digits++, fraction++)
            value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (i != len || !digits || digits > 15) return false;
    double result = (double)value / POWERS[fraction];
    *out = negative ? -result : result;
    return true;
}

static bool slow_double(const char *text, size_t len, double *out, float *single)
{
    size_t number = double_length(text, len);
    if (!number) return named_double(text, len, out) && (!single || (*single = (float)*out, true));
    char small[128], *copy = number < sizeof small ? small : malloc(number + 1);
    if (!copy) return false;
    memcpy(copy, text, number);
    copy[number] = '\0';
    if (single)
        *single = strtof(copy, NULL);
    else
        *out = strtod(copy, NULL);
    if (copy != small) free(copy);
    return true;
}

bool ch_parse_double(const char *text, size_t len, double *out)
{
    if (quick_double(text, len, out)) return true;
    ch_trim_text(&text, &len);
    return slow_double(text, len, out, NULL);
}

bool ch_parse_float(const char *text, size_t len, float *out)
{
    double ignored;
    ch_trim_text(&text, &len);
    return slow_double(text, len, &ignored, out);
}

/* ---- decimals ---- */

/* The parts of [+-]digits[.digits][e[+-]digits]. */
typedef struct decimal_text {
    bool negative;
    const char *digits; /* first digit; the point may be among them */
    size_t count;       /* characters of the digits and the point */
    int64_t exponent;   /* of the last digit */
} decimal_text;

static bool split_decimal(const char *text, size_t len, decimal_text *out)
{
    size_t i = 0, digits = 0;
    int64_t fraction = 0, exponent = 0;
    out->negative = len && text[0] == '-';
    if (len && (text[0] == '-' || text[0] == '+')) i++;
    out->digits = text + i;
    for (; i < len && is_digit(text[i]); i++) digits++;
    if (i < len && text[i] == '.')
        for (i++; i < len && is_digit(text[i]); i++) digits++, fraction++;
    out->count = (size_t)(text + i - out->digits);
    if (!digits) return false;
    if (i < len && (text[i] | 32) == 'e') {
        i++;
        bool minus = i < len && text[i] == '-';
        if (i < len && (text[i] == '-' || text[i] == '+')) i++;
        if (i == len) return false;
        for (; i < len && is_digit(text[i]); i++)
            if (exponent < 100000000) exponent = exponent * 10 + (text[i] - '0');
        if (minus) exponent = -exponent;
    }
    if (i != len) return false;
    out->exponent = exponent - fraction;
    return true;
}

int ch_parse_decimal(const char *text, size_t len, int precision, int scale, ch_int128 *out)
{
    decimal_text d;
    ch_trim_text(&text, &len);
    if (!split_decimal(text, len, &d)) return 1;
    size_t total = 0;
    for (size_t i = 0; i < d.count; i++) total += d.digits[i] != '.';
    /* Of the digits, the first `keep` are before or at the last place of the result. */
    int64_t keep = (int64_t)total + d.exponent + scale;
    ch_uint128 value = 0;
    int64_t at = 0;
    int next = 0;
    for (size_t i = 0; i < d.count; i++) {
        if (d.digits[i] == '.') continue;
        int digit = d.digits[i] - '0';
        if (at < keep) {
            if (value > (~(ch_uint128)0 - 9) / 10) return 2;
            value = value * 10 + (unsigned)digit;
        } else if (at == keep) {
            next = digit;
        }
        at++;
    }
    for (int64_t i = (int64_t)total; i < keep; i++) {
        if (value == 0) break;
        if (value > ~(ch_uint128)0 / 10) return 2;
        value *= 10;
    }
    if (keep >= 0 && next >= 5) value++;
    ch_uint128 limit = 1;
    for (int i = 0; i < precision; i++) limit *= 10;
    if (value >= limit) return 2;
    *out = d.negative ? -(ch_int128)value : (ch_int128)value;
    return 0;
}

void ch_plain_decimal(ch_buf *out, const char *text, size_t len)
{
    enum { MOST = 200 };
    decimal_text d;
    ch_trim_text(&text, &len);
    if (!split_decimal(text, len, &d)) return;
    char digits[MOST];
    size_t n = 0;
    for (size_t i = 0; i < d.count && n < MOST; i++) {
        if (d.digits[i] == '.' || (n == 0 && d.digits[i] == '0')) continue;
        digits[n++] = d.digits[i];
    }
    if (n == 0) digits[n++] = '0';
    if (d.negative) ch_buf_char(out, '-');
    int64_t point = (int64_t)n + d.exponent; /* digits before the point */
    if (point <= 0) ch_buf_str(out, "0.");
    for (int64_t i = point; i < 0 && i > -MOST; i++) ch_buf_char(out, '0');
    for (size_t i = 0; i < n; i++) {
        if (point > 0 && (int64_t)i == point) ch_buf_char(out, '.');
        ch_buf_char(out, digits[i]);
    }
    for (int64_t i = (int64_t)n; i < point && i < MOST; i++) ch_buf_char(out, '0');
}
