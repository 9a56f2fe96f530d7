/* java_number.c: parsing numbers. Doubles take the way of Eisel and Lemire ("Number parsing at a gigabyte per second",
 * 2021): a 64-bit mantissa times a 128-bit power of five gives the rounded result but for rare cases, which go to
 * strtod. */
#include "base/java_number.h"

#include "base/powers_of_five.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

bool ch_java_parse_integer(const char *text, size_t len, int64_t low, int64_t high, int64_t *out)
{
    const char *at = text, *end = text + len;
    bool negative = false;
    if (at < end && (*at == '-' || *at == '+')) negative = *at++ == '-';
    if (at == end) return false;
    uint64_t value = 0;
    if (end - at > 18) { /* may pass 64 bits: count digits without leading zeros */
        while (at + 1 < end && *at == '0') at++;
        if (end - at > 19) return false;
    }
    for (; at < end; at++) {
        unsigned digit = (unsigned char)*at - '0';
        if (digit > 9) return false;
        value = value * 10 + digit;
    }
    if (value > (uint64_t)INT64_MAX + negative) return false;
    int64_t number = negative ? (int64_t)(0 - value) : (int64_t)value;
    *out = number;
    return number >= low && number <= high;
}

/* --- doubles of digits and exponent ------------------------------------------------------------------------ */

enum { POWER_MAX = 308 }; /* any more is infinite */

/* w * 10^q rounded to the nearest double, for w != 0; q within the table. */
static double scale_by_ten(uint64_t w, int q)
{
    enum { BITS = 52 };
    const uint64_t *power = ch_powers_of_five()[q - CH_POWER_MIN];
    int zeros = __builtin_clzll(w);
    w <<= zeros;
    uint128 first = (uint128)w * power[0];
    uint64_t high = (uint64_t)(first >> 64), low = (uint64_t)first;
    if ((high & 0x1FF) == 0x1FF) {
        uint64_t more = (uint64_t)((uint128)w * power[1] >> 64);
        low += more;
        if (more > low) high++;
    }
    int upper = (int)(high >> 63), shift = upper + 64 - BITS - 3;
    uint64_t mantissa = high >> shift;
    int exponent = ((217706 * q) >> 16) + 63 + upper - zeros + 1023;
    double result;
    if (exponent <= 0) { /* subnormal */
        if (1 - exponent >= 64) return 0;
        mantissa >>= 1 - exponent;
        mantissa += mantissa & 1;
        mantissa >>= 1;
        memcpy(&result, &mantissa, sizeof result); /* a carry into bit 52 makes it normal */
        return result;
    }
    /* exactly between two doubles? then round to even */
    if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << shift == high) mantissa &= ~UINT64_C(1);
    mantissa += mantissa & 1;
    mantissa >>= 1;
    if (mantissa >= UINT64_C(2) << BITS) {
        mantissa = UINT64_C(1) << BITS;
        exponent++;
    }
    if (exponent >= 0x7FF) return INFINITY;
    mantissa = (mantissa & ~(UINT64_C(1) << BITS)) | (uint64_t)exponent << BITS;
    memcpy(&result, &mantissa, sizeof result);
    return result;
}

/* --- Java's grammar of doubles --------------------------------------------------------------------------- */

/* A decimal literal taken apart: digits * 10^exponent, negative or not. */
typedef struct literal {
    bool negative, special; /* special: NaN, infinities and hexadecimal ones, in `value` */
    double value;
    uint64_t digits; /* the first 19 significant ones */
    bool more;       /* there were others, not all zero */
    int exponent;
} literal;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void trim(const char **text, size_t *len)
{
    while (*len && (unsigned char)**text <= ' ') ++*text, --*len;
    while (*len && (unsigned char)(*text)[*len - 1] <= ' ') --*len;
}

static bool is_suffix(char c)
{
    return c == 'f' || c == 'F' || c == 'd' || c == 'D';
}

/* 0x1.8p-3: checked here, computed by strtod. `at` is behind the sign. */
static bool hex_literal(const char *at, const char *end, literal *out)
{
    static const char HEX[] = "0123456789abcdefABCDEF";
    char copy[64];
    const char *start = at;
    size_t digits = 0;
    for (at += 2; at < end && *at && strchr(HEX, *at); at++) digits++;
    if (at < end && *at == '.') {
        for (at++; at < end && *at && strchr(HEX, *at); at++) digits++;
    }
    if (!digits || at == end || (*at != 'p' && *at != 'P')) return false;
    at++;
    if (at < end && (*at == '-' || *at == '+')) at++;
    const char *exponent = at;
    while (at < end && is_digit(*at)) at++;
    if (at == exponent) return false;
    size_t len = (size_t)(at - start);
    if (at < end && is_suffix(*at)) at++;
    if (at != end || len >= sizeof copy) return false;
    memcpy(copy, start, len);
    copy[len] = '\0';
    out->special = true;
    out->value = strtod(copy, NULL);
    return true;
}

static bool word_is(const char *at, const char *end, const char *word)
{
    return (size_t)(end - at) == strlen(word) && memcmp(at, word, strlen(word)) == 0;
}

/* Digits, at most 19 of them kept; *dropped counts the ones left out. */
static const char *take_digits(const char *at, const char *end, literal *out, int *kept, int *dropped)
{
    for (; at < end && is_digit(*at); at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (*kept < 19) {
            out->digits = out->digits * 10 + digit;
            *kept += out->digits != 0;
        } else {
            ++*dropped;
            out->more |= digit != 0;
        }
    }
    return at;
}

static bool parse_literal(const char *text, size_t len, literal *out)
{
    *out = (literal){0};
    trim(&text, &len);
    const char *at = text, *end = text + len;
    if (at < end && (*at == '-' || *at == '+')) out->negative = *at++ == '-';
    if (at == end) return false;
    if (!is_digit(*at) && *at != '.') {
        out->special = true;
        out->value = word_is(at, end, "NaN") ? NAN : INFINITY;
        return isnan(out->value) || word_is(at, end, "Infinity");
    }
    if (end - at > 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) return hex_literal(at, end, out);
    int kept = 0, dropped = 0;
    const char *start = at;
    at = take_digits(at, end, out, &kept, &dropped);
    size_t digits = (size_t)(at - start);
    int exponent = dropped;
    if (at < end && *at == '.') {
        start = ++at;
        int before = dropped;
        at = take_digits(at, end, out, &kept, &dropped);
        digits += (size_t)(at - start);
        if (at - start > 100000) return false;
        exponent -= (int)(at - start) - (dropped - before);
    }
    if (!digits) return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool negative = false;
        if (at < end && (*at == '-' || *at == '+')) negative = *at++ == '-';
        if (at == end || !is_digit(*at)) return false;
        int value = 0;
        for (; at < end && is_digit(*at); at++) {
            if (value < 1000000) value = value * 10 + (*at - '0');
        }
        exponent += negative ? -value : value;
    }
    if (at < end && is_suffix(*at)) at++;
    out->exponent = exponent;
    return at == end;
}

bool ch_java_is_double(const char *text, size_t len)
{
    literal l;
    return parse_literal(text, len, &l);
}

/* strtod of a checked literal of any length, without its suffix. */
static bool slow_double(const char *text, size_t len, bool single, double *out)
{
    trim(&text, &len);
    if (len && is_suffix(text[len - 1])) len--;
    char small[128], *copy = len < sizeof small ? small : malloc(len + 1);
    if (!copy) return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    *out = single ? (double)strtof(copy, NULL) : strtod(copy, NULL);
    if (copy != small) free(copy);
    return true;
}

bool ch_java_parse_double(const char *text, size_t len, double *out)
{
    static const double TEN[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    literal l;
    if (!parse_literal(text, len, &l)) return false;
    double value;
    if (l.special) {
        value = l.value;
    } else if (!l.digits) {
        value = 0;
    } else if (!l.more && l.digits <= UINT64_C(1) << 53 && l.exponent >= -22 && l.exponent <= 22) {
        value = l.exponent < 0 ? (double)l.digits / TEN[-l.exponent] : (double)l.digits * TEN[l.exponent];
    } else if (l.exponent < CH_POWER_MIN) {
        value = 0; /* below 10^19 * 10^-343 */
    } else if (l.exponent > POWER_MAX) {
        value = INFINITY;
    } else {
        value = scale_by_ten(l.digits, l.exponent);
        if (l.more && value != scale_by_ten(l.digits + 1, l.exponent)) return slow_double(text, len, false, out);
    }
    *out = l.negative ? -value : value;
    return true;
}

bool ch_java_parse_float(const char *text, size_t len, float *out)
{
    literal l;
    double value;
    if (!parse_literal(text, len, &l)) return false;
    if (l.special) {
        *out = (float)(l.negative ? -l.value : l.value);
        return true;
    }
    /* through a double would round twice */
    if (!slow_double(text, len, true, &value)) return false;
    *out = (float)value;
    return true;
}

/* --- BigDecimal ------------------------------------------------------------------------------------------ */

bool ch_java_parse_decimal(const char *text, size_t len, ch_java_int128 *unscaled, int *digits, int *scale)
{
    enum { DIGITS_MAX = 38, SCALE_MAX = 100000 };
    const char *at = text, *end = text + len;
    bool negative = false, point = false;
    if (at < end && (*at == '-' || *at == '+')) negative = *at++ == '-';
    uint128 value = 0;
    int significant = 0, fraction = 0, any = 0;
    for (; at < end && (is_digit(*at) || (*at == '.' && !point)); at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        any = 1;
        fraction += point;
        if (*at != '0' || significant) significant++;
        if (significant <= DIGITS_MAX) value = value * 10 + (unsigned)(*at - '0');
        if (significant > SCALE_MAX || fraction > SCALE_MAX) return false;
    }
    if (!any) return false;
    int exponent = 0;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool minus = false;
        if (at < end && (*at == '-' || *at == '+')) minus = *at++ == '-';
        if (at == end) return false;
        for (; at < end && is_digit(*at); at++) {
            if (exponent < 10 * SCALE_MAX) exponent = exponent * 10 + (*at - '0');
        }
        if (minus) exponent = -exponent;
    }
    if (at != end) return false;
    *scale = fraction - exponent;
    *digits = significant ? significant : 1;
    if (significant <= DIGITS_MAX) *unscaled = negative ? -(ch_java_int128)value : (ch_java_int128)value;
    return *scale <= SCALE_MAX && *scale >= -SCALE_MAX;
}
