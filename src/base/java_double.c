/* java_double.c: floating point numbers as Java's Double.toString and Float.toString write them since JDK 19.
 *
 * The rule (javadoc of Double.toString): of all decimals that read back as the same number take the shortest ones, of
 * those the closest to it; a decimal of one digit competes with those of two. Printed plain between 1e-3 and 1e7 and as
 * d.dddE-dd elsewhere, always with a digit after the point. Found by Schubfach (Raffaello Giulietti, "The Schubfach way
 * to render doubles", 2022), as Java does.
 */
#include "base/buf.h"
#include "base/powers_of_five.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

/* A positive decimal: 0.d1d2d3... times 10^point; no trailing zeros, d1 is not 0. */
typedef struct decimal {
    char digits[24];
    int count;
    int point;
} decimal;

/* The two types: numbers are c * 2^q. */
typedef struct float_kind {
    uint64_t least_normal; /* the smallest c of normal numbers */
    int least_exponent;    /* the smallest q */
    uint64_t tiny;         /* subnormal c below this have less than two digits */
} float_kind;

static const float_kind KIND_DOUBLE = {UINT64_C(1) << 52, -1074, 3};
static const float_kind KIND_FLOAT = {UINT64_C(1) << 23, -149, 8};

static void set_decimal(uint64_t f, int exponent, decimal *d)
{
    char reversed[24];
    int n = 0;
    while (f % 10 == 0) {
        f /= 10;
        exponent++;
    }
    for (; f; f /= 10) reversed[n++] = (char)('0' + f % 10);
    for (int i = 0; i < n; i++) d->digits[i] = reversed[n - 1 - i];
    d->count = n;
    d->point = n + exponent;
}

/* The paper's names from here on. floor(log10(2^e)), floor(log10(3/4 2^e)), floor(log2(10^e)): */
static int flog10pow2(int e)
{
    return (int)((e * INT64_C(661971961083)) >> 41);
}

static int flog10_three_quarters_pow2(int e)
{
    return (int)((e * INT64_C(661971961083) - INT64_C(274743187321)) >> 41);
}

static int flog2pow10(int e)
{
    return (int)((e * INT64_C(913124641741)) >> 38);
}

/* g: the 126 leading bits of 10^e, plus one */
static uint128 leading_bits(int e)
{
    const uint64_t *power = ch_powers_of_five()[e - CH_POWER_MIN];
    uint128 t = (uint128)power[0] << 64 | power[1];
    if (e < 0 && e >= -27) t--;
    return (t >> 2) + 1;
}

static uint64_t multiply_high(uint64_t a, uint64_t b)
{
    return (uint64_t)((uint128)a * b >> 64);
}

/* cp * g * 2^-127, rounded to odd */
static uint64_t rop(uint64_t g1, uint64_t g0, uint64_t cp)
{
    static const uint64_t MASK = (UINT64_C(1) << 63) - 1;
    uint64_t x1 = multiply_high(g0, cp), y0 = g1 * cp, y1 = multiply_high(g1, cp);
    uint64_t z = (y0 >> 1) + x1, w = y1 + (z >> 63);
    return w | ((z & MASK) + MASK) >> 63;
}

/* The decimal for c * 2^q * 10^dk. */
static void schubfach(const float_kind *kind, int q, uint64_t c, int dk, decimal *d)
{
    uint64_t out = c & 1, cb = c << 2, cbr = cb + 2, cbl;
    int k;
    if (c != kind->least_normal || q == kind->least_exponent) {
        cbl = cb - 2;
        k = flog10pow2(q);
    } else { /* below a power of two the numbers lie twice as dense */
        cbl = cb - 1;
        k = flog10_three_quarters_pow2(q);
    }
    int h = q + flog2pow10(-k) + 2;
    uint128 g = leading_bits(-k);
    uint64_t g1 = (uint64_t)(g >> 63), g0 = (uint64_t)g & ((UINT64_C(1) << 63) - 1);
    uint64_t vb = rop(g1, g0, cb << h), vbl = rop(g1, g0, cbl << h), vbr = rop(g1, g0, cbr << h);
    uint64_t s = vb >> 2;
    if (s >= 100) { /* a digit less? */
        uint64_t sp10 = s / 10 * 10, tp10 = sp10 + 10;
        bool upin = vbl + out <= sp10 << 2, wpin = (tp10 << 2) + out <= vbr;
        if (upin != wpin) {
            set_decimal(upin ? sp10 : tp10, k, d);
            return;
        }
    }
    uint64_t t = s + 1;
    bool uin = vbl + out <= s << 2, win = (t << 2) + out <= vbr;
    bool take_s = uin;
    if (uin == win) { /* both read back: the closer one */
        int64_t difference = (int64_t)(vb - ((s + t) << 1));
        take_s = difference < 0 || (difference == 0 && (s & 1) == 0);
    }
    set_decimal(take_s ? s : t, k + dk, d);
}

/* `fraction` and `biased` exponent as in the bits of the number, which is finite and not zero. */
static void shortest(const float_kind *kind, uint64_t fraction, int biased, decimal *d)
{
    if (biased) {
        uint64_t c = kind->least_normal | fraction;
        int q = kind->least_exponent - 1 + biased;
        if (q <= 0 && q > -63 && (c >> -q) << -q == c) {
            set_decimal(c >> -q, 0, d); /* a whole number */
        } else {
            schubfach(kind, q, c, 0, d);
        }
    } else if (fraction < kind->tiny) {
        schubfach(kind, kind->least_exponent, 10 * fraction, -1, d);
    } else {
        schubfach(kind, kind->least_exponent, fraction, 0, d);
    }
}

/* digits [from, to) of d, zeros beyond its end */
static size_t put_digits(char *out, const decimal *d, int from, int to)
{
    size_t n = 0;
    for (int i = from; i < to; i++) out[n++] = i >= 0 && i < d->count ? d->digits[i] : '0';
    return n;
}

static size_t put_exponent(char *out, int exponent)
{
    size_t n = 0;
    unsigned e = (unsigned)(exponent < 0 ? -exponent : exponent);
    out[n++] = 'E';
    if (exponent < 0) out[n++] = '-';
    if (e >= 100) out[n++] = (char)('0' + e / 100);
    if (e >= 10) out[n++] = (char)('0' + e / 10 % 10);
    out[n++] = (char)('0' + e % 10);
    return n;
}

static size_t put_text(char *out, const char *text)
{
    memcpy(out, text, strlen(text) + 1);
    return strlen(text);
}

static size_t write_java(const float_kind *kind, double value, uint64_t fraction, int biased, char out[32])
{
    if (isnan(value)) return put_text(out, "NaN");
    size_t n = 0;
    if (signbit(value)) out[n++] = '-';
    value = fabs(value);
    if (isinf(value)) return n + put_text(out + n, "Infinity");
    if (value == 0) return n + put_text(out + n, "0.0");
    decimal d;
    shortest(kind, fraction, biased, &d);
    bool plain = value >= 1e-3 && value < 1e7;
    int before = plain ? d.point : 1; /* digits in front of the point; 0 or less: zeros follow it */
    if (before > 0) {
        n += put_digits(out + n, &d, 0, before);
    } else {
        out[n++] = '0';
    }
    out[n++] = '.';
    n += put_digits(out + n, &d, before, d.count > before ? d.count : before + 1);
    if (!plain) n += put_exponent(out + n, d.point - 1);
    out[n] = '\0';
    return n;
}

size_t ch_java_double(double value, char out[32])
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return write_java(&KIND_DOUBLE, value, bits & ((UINT64_C(1) << 52) - 1), (int)(bits >> 52 & 0x7FF), out);
}

size_t ch_java_float(float value, char out[32])
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return write_java(&KIND_FLOAT, (double)value, bits & ((1U << 23) - 1), (int)(bits >> 23 & 0xFF), out);
}
