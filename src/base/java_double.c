/* java_double.c: floating point numbers as Java's Double.toString and Float.toString write them since JDK 19.
 *
 * The rule (javadoc of Double.toString): of all decimals that read back as the same number take the shortest ones, of
 * those the closest to it; a decimal of one digit competes with those of two. Printed plain between 1e-3 and 1e7 and as
 * d.dddE-dd elsewhere, always with a digit after the point.
 */
#include "base/buf.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A positive decimal: 0.d1d2d3... times 10^point; no trailing zeros, d1 is not 0. */
typedef struct decimal {
    char digits[24];
    int count;
    int point;
} decimal;

/* What the two types differ in. */
typedef struct float_kind {
    int safe_digits; /* every decimal this short survives the way into the type and back (DBL_DIG, FLT_DIG) */
    int max_digits;  /* this many always identify the number */
    double smallest_normal;
    bool is_float;
} float_kind;

static const float_kind KIND_DOUBLE = {15, 17, 0x1p-1022, false};
static const float_kind KIND_FLOAT = {6, 9, 0x1p-126, true};

static bool reads_back(const float_kind *kind, const decimal *d, double value)
{
    char text[48];
    snprintf(text, sizeof text, "0.%.*se%d", d->count, d->digits, d->point);
    return kind->is_float ? (double)strtof(text, NULL) == value : strtod(text, NULL) == value;
}

static void strip_zeros(decimal *d)
{
    while (d->count > 1 && d->digits[d->count - 1] == '0') d->count--;
}

/* The decimal of `count` digits closest to value, ties to even (the C library rounds exactly). */
static void round_to(double value, int count, decimal *d)
{
    char text[48];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    d->digits[0] = text[0];
    memcpy(d->digits + 1, text + 2, (size_t)(count - 1));
    d->count = count;
    d->point = 1 + (int)strtol(strchr(text, 'e') + 1, NULL, 10);
}

/* d plus or minus one unit of its last digit. */
static void step(decimal *d, int direction)
{
    int at = d->count - 1;
    char from = direction > 0 ? '9' : '0', to = direction > 0 ? '0' : '9';
    while (at >= 0 && d->digits[at] == from) d->digits[at--] = to;
    if (at >= 0) {
        d->digits[at] = (char)(d->digits[at] + direction);
        if (d->digits[0] != '0') return;
    }
    if (direction > 0) { /* 99.9 became 00.0: it is 100 */
        d->digits[0] = '1';
        d->point++;
    } else { /* 10.0 became 09.9: one digit shorter, so 99 of the next decade below is the neighbour */
        memset(d->digits, '9', (size_t)d->count);
        d->point--;
    }
}

/* Whether some decimal of `count` digits reads back as value; if so the closest one is left in d. Below a power of two
 * the numbers lie twice as dense as above it, so there the closest decimal may fail where its neighbour above is
 * good. */
static bool try_digits(const float_kind *kind, double value, int count, decimal *d)
{
    round_to(value, count, d);
    if (reads_back(kind, d, value)) return true;
    int exponent;
    if (frexp(value, &exponent) != 0.5) return false;
    for (int direction = 1; direction >= -1; direction -= 2) {
        decimal neighbour = *d;
        step(&neighbour, direction);
        if (reads_back(kind, &neighbour, value)) {
            *d = neighbour;
            return true;
        }
    }
    return false;
}

/* Whether value is m / 10^k with m and 10^k exact and m of at most safe_digits digits, as most numbers that people
 * write are. The division is then correctly rounded, so m * 10^-k reads back; it is the only decimal that short which
 * does, hence after stripping zeros the shortest. */
static bool try_exact(const float_kind *kind, double value, decimal *d)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9, 1e10,
                                   1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20};
    if (kind->is_float || !(value >= 1e-5 && value < 1e15)) return false;
    int whole = 1; /* digits before the point, at least one */
    while (value >= power[whole]) whole++;
    int shift = kind->safe_digits - whole;
    double m = nearbyint(value * power[shift]);
    if (!(m >= 1 && m < 1e15) || m / power[shift] != value) return false;
    char text[24];
    d->count = snprintf(text, sizeof text, "%lld", (long long)m);
    memcpy(d->digits, text, (size_t)d->count);
    d->point = d->count - shift;
    strip_zeros(d);
    return true;
}

static void shortest(const float_kind *kind, double value, decimal *d)
{
    if (try_exact(kind, value, d)) return;
    int count = 2;
    if (value >= kind->smallest_normal) {
        /* A shorter decimal would show up padded with zeros in this one: no need to search below safe_digits. */
        count = kind->safe_digits;
    }
    while (count < kind->max_digits && !try_digits(kind, value, count, d)) count++;
    if (count == kind->max_digits) round_to(value, count, d);
    strip_zeros(d);
}

/* digits [from, to) of d, zeros beyond its end */
static size_t put_digits(char *out, const decimal *d, int from, int to)
{
    size_t n = 0;
    for (int i = from; i < to; i++) out[n++] = i >= 0 && i < d->count ? d->digits[i] : '0';
    return n;
}

static size_t write_java(const float_kind *kind, double value, char out[32])
{
    if (isnan(value)) return (size_t)snprintf(out, 32, "NaN");
    size_t n = 0;
    if (signbit(value)) out[n++] = '-';
    value = fabs(value);
    if (isinf(value)) return n + (size_t)snprintf(out + n, 32 - n, "Infinity");
    if (value == 0) return n + (size_t)snprintf(out + n, 32 - n, "0.0");
    decimal d;
    shortest(kind, value, &d);
    bool plain = value >= 1e-3 && value < 1e7;
    int before = plain ? d.point : 1; /* digits in front of the point; 0 or less: zeros follow it */
    if (before > 0) {
        n += put_digits(out + n, &d, 0, before);
    } else {
        out[n++] = '0';
    }
    out[n++] = '.';
    n += put_digits(out + n, &d, before, d.count > before ? d.count : before + 1);
    if (!plain) n += (size_t)snprintf(out + n, 32 - n, "E%d", d.point - 1);
    out[n] = '\0';
    return n;
}

size_t ch_java_double(double value, char out[32])
{
    return write_java(&KIND_DOUBLE, value, out);
}

size_t ch_java_float(float value, char out[32])
{
    return write_java(&KIND_FLOAT, (double)value, out);
}
