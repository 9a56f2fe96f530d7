/* strict_math.c: see strict_math.h. Each function reduces its argument to a small range, exactly or in two pieces, and
 * evaluates a minimax polynomial or quotient there. */
#include "base/strict_math.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* ---- the words of a double ---- */

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int32_t high_word(double x)
{
    return (int32_t)(bits_of(x) >> 32);
}

static uint32_t low_word(double x)
{
    return (uint32_t)bits_of(x);
}

static double with_high(double x, int32_t high)
{
    return double_of((uint64_t)(uint32_t)high << 32 | low_word(x));
}

/* x with the lower half of its bits cleared: products of two such are exact. */
static double truncated(double x)
{
    return double_of(bits_of(x) & 0xffffffff00000000U);
}

static const double LN2_HI = 6.93147180369123816490e-01, LN2_LO = 1.90821492927058770002e-10;

/* ---- exp: x = k ln2 + r, e^r = 1 + 2 r / (R - r) with R = r (e^r + 1) / (e^r - 1) ---- */

static double exp_remainder(double x)
{
    double t = x * x;
    return x - t * (1.66666666666666019037e-01 +
                    t * (-2.77777777770155933842e-03 +
                         t * (6.61375632143793436117e-05 +
                              t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))));
}

double ch_strict_exp(double x)
{
    if (isnan(x)) return x;
    if (x > 7.09782712893383973096e+02) return INFINITY;
    if (x < -7.45133219101941108420e+02) return 0;
    uint32_t magnitude = (uint32_t)high_word(x) & 0x7fffffffU;
    double hi = 0, lo = 0;
    int k = 0;
    if (magnitude > 0x3fd62e42) { /* above half of ln2 */
        if (magnitude < 0x3FF0A2B2) {
            k = x < 0 ? -1 : 1;
            hi = x - k * LN2_HI;
            lo = k * LN2_LO;
        } else {
            k = (int)(1.44269504088896338700e+00 * x + (x < 0 ? -0.5 : 0.5));
            hi = x - k * LN2_HI;
            lo = k * LN2_LO;
        }
        x = hi - lo;
    } else if (magnitude < 0x3e300000) { /* below 2^-28 */
        return 1 + x;
    }
    double c = exp_remainder(x);
    if (k == 0) return 1 - ((x * c) / (c - 2.0) - x);
    double y = 1 - ((lo - (x * c) / (2.0 - c)) - hi);
    if (k >= -1021) return double_of(bits_of(y) + ((uint64_t)(int64_t)k << 52));
    return double_of(bits_of(y) + ((uint64_t)(int64_t)(k + 1000) << 52)) * 0x1p-1000;
}

/* ---- log: x = 2^k (1 + f), s = f / (2 + f), log(1 + f) = f - s (f - R(s^2)) ---- */

/* Brings a positive x to [sqrt(2)/2, sqrt(2)); returns the power of two taken out. */
static int reduce_log(double *x)
{
    int k = 0;
    int32_t high = high_word(*x);
    if (high < 0x00100000) { /* subnormal */
        k -= 54;
        *x *= 0x1p54;
        high = high_word(*x);
    }
    k += (high >> 20) - 1023;
    high &= 0x000fffff;
    int32_t carry = (high + 0x95f64) & 0x100000;
    *x = with_high(*x, high | (carry ^ 0x3ff00000));
    return k + (carry >> 20);
}

double ch_strict_log(double x)
{
    if (isnan(x) || x == INFINITY) return x;
    if (x == 0) return -INFINITY;
    if (x < 0) return NAN;
    int k = reduce_log(&x);
    int32_t high = high_word(x) & 0x000fffff;
    double f = x - 1.0, dk = k;
    if ((0x000fffff & (2 + high)) < 3) { /* |f| < 2^-20 */
        if (f == 0) return dk * LN2_HI + dk * LN2_LO;
        double r = f * f * (0.5 - 0.33333333333333333 * f);
        return k == 0 ? f - r : dk * LN2_HI - ((r - dk * LN2_LO) - f);
    }
    double s = f / (2.0 + f), z = s * s, w = z * z;
    double odd = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    double even = z * (6.666666666666735130e-01 +
                       w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    double r = even + odd;
    bool middle = ((high - 0x6147a) | (0x6b851 - high)) > 0;
    if (middle) {
        double half = 0.5 * f * f;
        return k == 0 ? f - (half - s * (half + r)) : dk * LN2_HI - ((half - (s * (half + r) + dk * LN2_LO)) - f);
    }
    return k == 0 ? f - s * (f - r) : dk * LN2_HI - ((s * (f - r) - dk * LN2_LO) - f);
}

double ch_strict_log10(double x)
{
    if (isnan(x) || x == INFINITY) return x;
    if (x == 0) return -INFINITY;
    if (x < 0) return NAN;
    int k = 0;
    int32_t high = high_word(x);
    if (high < 0x00100000) {
        k -= 54;
        x *= 0x1p54;
        high = high_word(x);
    }
    k += (high >> 20) - 1023;
    int odd = k < 0;
    x = with_high(x, (high & 0x000fffff) | (0x3ff - odd) << 20);
    double y = k + odd;
    return y * 3.01029995663611771306e-01 +
           (y * 3.69423907715893078616e-13 + 4.34294481903251816668e-01 * ch_strict_log(x));
}

/* log(1 + x): as log, with what rounding 1 + x loses added at the end. */
double ch_strict_log1p(double x)
{
    if (isnan(x) || x == INFINITY) return x;
    if (x <= -1) return x == -1 ? -INFINITY : NAN;
    double a = fabs(x), f = x, c = 0;
    int32_t rest = 1;
    int k = 0;
    if (a < 0x1p-29) return a < 0x1p-54 ? x : x - x * x * 0.5;
    int32_t high = high_word(x);
    bool small = high < 0x3FDA827A && (high > 0 || high <= (int32_t)0xbfd2bec3U); /* -0.2929 < x < 0.41422 */
    if (!small) {
        double u = high < 0x43400000 ? 1.0 + x : x;
        rest = high_word(u);
        k = (rest >> 20) - 1023;
        if (high < 0x43400000) c = (k > 0 ? 1.0 - (u - x) : x - (u - 1.0)) / u;
        rest &= 0x000fffff;
        if (rest < 0x6a09e) {
            u = with_high(u, rest | 0x3ff00000);
        } else {
            k++;
            u = with_high(u, rest | 0x3fe00000);
            rest = (0x00100000 - rest) >> 2;
        }
        f = u - 1.0;
    }
    double half = 0.5 * f * f;
    if (rest == 0) { /* |f| < 2^-20 */
        if (f == 0) return k == 0 ? 0 : k * LN2_HI + (c + k * LN2_LO);
        double r = half * (1.0 - 0.66666666666666666 * f);
        return k == 0 ? f - r : k * LN2_HI - ((r - (k * LN2_LO + c)) - f);
    }
    double s = f / (2.0 + f), z = s * s;
    double r = z * (6.666666666666735130e-01 +
                    z * (3.999999999940941908e-01 +
                         z * (2.857142874366239149e-01 +
                              z * (2.222219843214978396e-01 +
                                   z * (1.818357216161805012e-01 +
                                        z * (1.531383769920937332e-01 + z * 1.479819860511658591e-01))))));
    return k == 0 ? f - (half - s * (half + r)) : k * LN2_HI - ((half - (s * (half + r) + (k * LN2_LO + c))) - f);
}

/* y * 2^k by its exponent. */
static double shift_exponent(double y, int k)
{
    return double_of(bits_of(y) + ((uint64_t)(int64_t)k << 52));
}

/* (e^x - 1) of the reduced argument x with error c, put together again with 2^k. */
static double expm1_reduced(double x, double c, int k)
{
    double hfx = 0.5 * x, hxs = x * hfx;
    double r1 = 1.0 + hxs * (-3.33333333333331316428e-02 +
                             hxs * (1.58730158725481460165e-03 +
                                    hxs * (-7.93650757867487942473e-05 +
                                           hxs * (4.00821782732936239552e-06 + hxs * -2.01099218183624371326e-07))));
    double t = 3.0 - r1 * hfx, e = hxs * ((r1 - t) / (6.0 - x * t));
    if (k == 0) return x - (x * e - hxs);
    e = (x * (e - c) - c) - hxs;
    if (k == -1) return 0.5 * (x - e) - 0.5;
    if (k == 1) return x < -0.25 ? -2.0 * (e - (x + 0.5)) : 1.0 + 2.0 * (x - e);
    if (k <= -2 || k > 56) {
        double y = 1.0 - (e - x);
        return (k == 1024 ? y * 2.0 * 0x1p1023 : shift_exponent(y, k)) - 1.0;
    }
    if (k < 20) return shift_exponent(with_high(0, 0x3ff00000 - (0x200000 >> k)) - (e - x), k);
    return shift_exponent((x - (e + with_high(0, (0x3ff - k) << 20))) + 1.0, k);
}

double ch_strict_expm1(double x)
{
    if (isnan(x) || x == INFINITY) return x;
    if (x > 7.09782712893383973096e+02) return INFINITY;
    uint32_t magnitude = (uint32_t)high_word(x) & 0x7fffffffU;
    if (magnitude >= 0x4043687A && x < 0) return -1.0; /* below -56 ln2 */
    if (magnitude < 0x3c900000) return x;
    if (magnitude <= 0x3fd62e42) return expm1_reduced(x, 0, 0);
    int k = x < 0 ? -1 : 1;
    if (magnitude >= 0x3FF0A2B2) k = (int)(1.44269504088896338700e+00 * x + (x < 0 ? -0.5 : 0.5));
    double hi = x - k * LN2_HI, lo = k * LN2_LO, r = hi - lo;
    return expm1_reduced(r, (hi - r) - lo, k);
}

double ch_strict_sinh(double x)
{
    double h = x < 0 ? -0.5 : 0.5, a = fabs(x);
    if (!isfinite(x) || a < 0x1p-28) return x;
    if (a < 22) {
        double t = ch_strict_expm1(a);
        return a < 1 ? h * (2.0 * t - t * t / (t + 1.0)) : h * (t + t / (t + 1.0));
    }
    if (a < 709.782712893384) return h * ch_strict_exp(a);
    double w = ch_strict_exp(0.5 * a);
    return h * w * w;
}

double ch_strict_tanh(double x)
{
    double a = fabs(x), z = 1.0;
    if (isnan(x)) return x;
    if (a < 0x1p-55) return x * (1.0 + x);
    if (a < 1) {
        double t = ch_strict_expm1(-2.0 * a);
        z = -t / (t + 2.0);
    } else if (a < 22) {
        z = 1.0 - 2.0 / (ch_strict_expm1(2.0 * a) + 2.0);
    }
    return x < 0 ? -z : z;
}

/* ---- pow: log2(x) in two pieces, times y in two pieces, then 2 to that power ---- */

static const double TWO53 = 9007199254740992.0, HUGE = 1.0e300, TINY = 1.0e-300;

/* 0: y is no whole number, 1: odd, 2: even. */
static int parity(double y)
{
    double a = fabs(y);
    if (a >= TWO53) return 2;
    if (a < 1 || floor(a) != a) return 0;
    return (int64_t)a & 1 ? 1 : 2;
}

/* log2(|x|) as t1 + t2 for x near one: the series of log(1 + t), |t| < 2^-20. */
static void log2_near_one(double x, double *t1, double *t2)
{
    double t = x - 1.0, w = (t * t) * (0.5 - t * (0.3333333333333333333333 - t * 0.25));
    double u = 1.44269502162933349609e+00 * t, v = t * 1.92596299112661746887e-08 - w * 1.44269504088896338700e+00;
    *t1 = truncated(u + v);
    *t2 = v - (*t1 - u);
}

static void log2_in_two(double x, double *t1, double *t2)
{
    static const double BP[] = {1.0, 1.5}, DP_H[] = {0.0, 5.84962487220764160156e-01},
                        DP_L[] = {0.0, 1.35003920212974897128e-08};
    static const double CP = 9.61796693925975554329e-01, CP_H = 9.61796700954437255859e-01,
                        CP_L = -7.02846165095275826516e-09;
    int n = 0, k;
    if (high_word(x) < 0x00100000) {
        x *= TWO53;
        n -= 53;
    }
    int32_t high = high_word(x);
    n += (high >> 20) - 0x3ff;
    int32_t j = high & 0x000fffff;
    high = j | 0x3ff00000;
    if (j <= 0x3988E) {
        k = 0; /* below sqrt(3/2) */
    } else if (j < 0xBB67A) {
        k = 1; /* below sqrt(3) */
    } else {
        k = 0;
        n += 1;
        high -= 0x00100000;
    }
    x = with_high(x, high);
    /* s = (x - bp) / (x + bp), in two pieces */
    double u = x - BP[k], v = 1.0 / (x + BP[k]), s = u * v, s_h = truncated(s);
    double t_h = double_of((uint64_t)(uint32_t)(((high >> 1) | 0x20000000) + 0x00080000 + (k << 18)) << 32);
    double t_l = x - (t_h - BP[k]), s_l = v * ((u - s_h * t_h) - s_h * t_l);
    double s2 = s * s;
    double r = s2 * s2 *
               (5.99999999999994648725e-01 +
                s2 * (4.28571428578550184252e-01 +
                      s2 * (3.33333329818377432918e-01 +
                            s2 * (2.72728123808534006489e-01 +
                                  s2 * (2.30660745775561754067e-01 + s2 * 2.06975017800338417784e-01)))));
    r += s_l * (s_h + s);
    s2 = s_h * s_h;
    t_h = truncated(3.0 + s2 + r);
    t_l = r - ((t_h - 3.0) - s2);
    u = s_h * t_h;
    v = s_l * t_h + t_l * s;
    double p_h = truncated(u + v), p_l = v - (p_h - u);
    double z_h = CP_H * p_h, z_l = CP_L * p_h + p_l * CP + DP_L[k], t = n;
    *t1 = truncated(((z_h + z_l) + DP_H[k]) + t);
    *t2 = z_l - (((*t1 - t) - DP_H[k]) - z_h);
}

/* 2^(p_h + p_l), p_h + p_l within the exponents of doubles. */
static double exp2_of(double p_h, double p_l)
{
    double z = p_l + p_h;
    int32_t j = high_word(z), i = j & 0x7fffffff, n = 0;
    int k = (i >> 20) - 0x3ff;
    if (i > 0x3fe00000) { /* above a half: take the nearest whole number out */
        n = j + (0x00100000 >> (k + 1));
        k = ((n & 0x7fffffff) >> 20) - 0x3ff;
        double t = double_of((uint64_t)(uint32_t)(n & ~(0x000fffff >> k)) << 32);
        n = ((n & 0x000fffff) | 0x00100000) >> (20 - k);
        if (j < 0) n = -n;
        p_h -= t;
    }
    double t = truncated(p_l + p_h), u = t * 6.93147182464599609375e-01;
    double v = (p_l - (t - p_h)) * 6.93147180559945286227e-01 + t * -1.90465429995776804525e-09;
    z = u + v;
    double w = v - (z - u), t1 = exp_remainder(z), r = (z * t1) / (t1 - 2.0) - (w + z * w);
    z = 1.0 - (r - z);
    j = high_word(z) + (int32_t)((uint32_t)n << 20);
    return (j >> 20) <= 0 ? scalbn(z, n) : with_high(z, j);
}

/* |x|^y for finite, ordinary x and y; `sign` goes on the result. */
static double pow_magnitude(double x, double y, double sign)
{
    double t1, t2;
    int32_t iy = high_word(y) & 0x7fffffff, ix = high_word(x) & 0x7fffffff;
    if (iy > 0x41e00000) { /* |y| > 2^31 */
        if (ix < 0x3fefffff) return y < 0 ? sign * HUGE * HUGE : sign * TINY * TINY;
        if (ix > 0x3ff00000) return y > 0 ? sign * HUGE * HUGE : sign * TINY * TINY;
        log2_near_one(x, &t1, &t2);
    } else {
        log2_in_two(x, &t1, &t2);
    }
    double y1 = truncated(y), p_l = (y - y1) * t1 + y * t2, p_h = y1 * t1, z = p_l + p_h;
    int32_t j = high_word(z), i = (int32_t)low_word(z);
    if (j >= 0x40900000) { /* at least 1024 */
        if (((j - 0x40900000) | i) != 0 || p_l + 8.0085662595372944372e-17 > z - p_h) return sign * HUGE * HUGE;
    } else if ((j & 0x7fffffff) >= 0x4090cc00) { /* at most -1075 */
        if (((j - (int32_t)0xc090cc00) | i) != 0 || p_l <= z - p_h) return sign * TINY * TINY;
    }
    return sign * exp2_of(p_h, p_l);
}

double ch_strict_pow(double x, double y)
{
    if (y == 0) return 1;
    if (isnan(x) || isnan(y)) return NAN;
    double ax = fabs(x);
    if (isinf(y)) {
        if (ax == 1) return NAN;
        return (ax > 1) == (y > 0) ? INFINITY : 0;
    }
    if (y == 1) return x;
    if (y == -1) return 1 / x;
    if (y == 2) return x * x;
    if (y == 0.5 && x >= 0 && !isinf(x) && x != 0) return sqrt(x);
    int whole = x < 0 || (x == 0 && signbit(x)) ? parity(y) : 0;
    if (x == 0 || isinf(x) || ax == 1) {
        double z = y < 0 ? 1 / ax : ax;
        if (ax == 1) z = 1;
        if (x < 0 || (x == 0 && signbit(x))) {
            if (ax == 1 && whole == 0) return NAN;
            if (whole == 1) z = -z;
        }
        return z;
    }
    if (x < 0 && whole == 0) return NAN;
    return pow_magnitude(ax, y, x < 0 && whole == 1 ? -1.0 : 1.0);
}

/* ---- roots ---- */

/* Five bits from the exponent, 23 by a rational step, the rest by one of Newton's. */
double ch_strict_cbrt(double x)
{
    if (isnan(x) || isinf(x) || x == 0) return x;
    double a = fabs(x), t;
    if (high_word(a) < 0x00100000)
        t = double_of((uint64_t)(uint32_t)(high_word(0x1p54 * a) / 3 + 696219795) << 32 | low_word(0x1p54 * a));
    else
        t = double_of((uint64_t)(uint32_t)(high_word(a) / 3 + 715094163) << 32);
    double r = t * t / a, s = 5.42857142857142815906e-01 + r * t;
    t *= 3.57142857142857150787e-01 +
         1.60714285714285720630e+00 / (s + 1.41428571428571436819e+00 + -7.05306122448979611050e-01 / s);
    t = double_of((uint64_t)(uint32_t)(high_word(t) + 1) << 32);
    s = t * t;
    r = a / s;
    double w = t + t;
    r = (r - t) / (w + r);
    t += t * r;
    return x < 0 ? -t : t;
}

double ch_strict_hypot(double x, double y)
{
    double a = fabs(x), b = fabs(y);
    if (isinf(a) || isinf(b)) return INFINITY;
    if (isnan(a) || isnan(b)) return NAN;
    if (b > a) {
        double t = a;
        a = b;
        b = t;
    }
    int32_t ha = high_word(a), hb = high_word(b);
    if (ha - hb > 0x3c00000) return a + b; /* ratio above 2^60 */
    int k = 0;
    if (a > 0x1.00000ffffffffp500) {
        a *= 0x1p-600;
        b *= 0x1p-600;
        k = 600;
    } else if (b < 0x1p-500 && b != 0) {
        bool tiny = b < 0x1p-1022;
        a *= tiny ? 0x1p1022 : 0x1p600;
        b *= tiny ? 0x1p1022 : 0x1p600;
        k = tiny ? -1022 : -600;
    } else if (b == 0) {
        return a;
    }
    double w = a - b, t1, t2, y1, y2;
    if (w > b) {
        t1 = truncated(a);
        t2 = a - t1;
        w = sqrt(t1 * t1 - (b * (-b) - t2 * (a + t1)));
    } else {
        a = a + a;
        y1 = truncated(b);
        y2 = b - y1;
        t1 = with_high(0, high_word(a));
        t2 = a - t1;
        w = sqrt(t1 * y1 - (w * (-w) - (t1 * y2 + t2 * b)));
    }
    return k ? scalbn(w, k) : w;
}

double ch_strict_cosh(double x)
{
    double a = fabs(x);
    if (!isfinite(x)) return isnan(x) ? x : INFINITY;
    if (a < 0.5 * 0.693147) {
        double t = ch_strict_expm1(a), w = 1.0 + t;
        return high_word(a) < 0x3c800000 ? w : 1.0 + (t * t) / (w + w);
    }
    if (a < 22) {
        double t = ch_strict_exp(a);
        return 0.5 * t + 0.5 / t;
    }
    if (a < 709.782712893384) return 0.5 * ch_strict_exp(a);
    double w = ch_strict_exp(0.5 * a);
    return 0.5 * w * w;
}

/* ---- arcs ---- */

static const double PIO2_HI = 1.57079632679489655800e+00, PIO2_LO = 6.12323399573676603587e-17,
                    PIO4_HI = 7.85398163397448278999e-01, PI_HI = 3.14159265358979311600e+00,
                    PI_LO = 1.2246467991473531772e-16;

static double atan_series(double x)
{
    double z = x * x, w = z * z;
    double odd = z * (3.33333333333329318027e-01 +
                      w * (1.42857142725034663711e-01 +
                           w * (9.09088713343650656196e-02 +
                                w * (6.66107313738753120669e-02 +
                                     w * (4.97687799461593236017e-02 + w * 1.62858201153657823623e-02)))));
    double even =
        w *
        (-1.99999999998764832476e-01 +
         w * (-1.11111104054623557880e-01 +
              w * (-7.69187620504482999495e-02 + w * (-5.83357013379057348645e-02 + w * -3.65315727442169155270e-02))));
    return x * (odd + even);
}

/* atan(x) = atan(c) + atan((x - c) / (1 + c x)) with c of 1/2, 1, 3/2 or infinity. */
double ch_strict_atan(double x)
{
    static const double HI[] = {4.63647609000806093515e-01, 7.85398163397448278999e-01, 9.82793723247329054082e-01,
                                1.57079632679489655800e+00};
    static const double LO[] = {2.26987774529616870924e-17, 3.06161699786838301793e-17, 1.39033110312309984516e-17,
                                6.12323399573676603587e-17};
    if (isnan(x)) return x;
    double a = fabs(x);
    int part;
    if (a >= 0x1p66) return copysign(HI[3] + LO[3], x);
    if (a < 0.4375) return a < 0x1p-29 ? x : x - atan_series(x);
    if (a < 0.6875) {
        part = 0;
        a = (2.0 * a - 1.0) / (2.0 + a);
    } else if (a < 1.1875) {
        part = 1;
        a = (a - 1.0) / (a + 1.0);
    } else if (a < 2.4375) {
        part = 2;
        a = (a - 1.5) / (1.0 + 1.5 * a);
    } else {
        part = 3;
        a = -1.0 / a;
    }
    double z = HI[part] - ((atan_series(a) - LO[part]) - a);
    return x < 0 ? -z : z;
}

double ch_strict_atan2(double y, double x)
{
    if (isnan(x) || isnan(y) || x == 0 || y == 0 || isinf(x) || isinf(y)) return atan2(y, x);
    if (x == 1) return ch_strict_atan(y);
    int k = (high_word(fabs(y)) - high_word(fabs(x))) >> 20;
    bool left = x < 0;
    double z = k > 60 ? PIO2_HI + 0.5 * PI_LO : left && k < -60 ? 0 : ch_strict_atan(fabs(y / x));
    if (left) z = PI_HI - (z - PI_LO);
    return y < 0 ? -z : z;
}

/* (asin(x) - x) / x as a quotient in t = x^2. */
static double arc_quotient(double t)
{
    double p = t * (1.66666666666666657415e-01 +
                    t * (-3.25565818622400915405e-01 +
                         t * (2.01212532134862925881e-01 +
                              t * (-4.00555345006794114027e-02 +
                                   t * (7.91534994289814532176e-04 + t * 3.47933107596021167570e-05)))));
    double q =
        1.0 +
        t * (-2.40339491173441421878e+00 +
             t * (2.02094576023350569471e+00 + t * (-6.88283971605453293030e-01 + t * 7.70381505559019352791e-02)));
    return p / q;
}

double ch_strict_asin(double x)
{
    double a = fabs(x);
    if (isnan(x) || a > 1) return NAN;
    if (a == 1) return x * PIO2_HI + x * PIO2_LO;
    if (a < 0.5) return a < 0x1p-27 ? x : x + x * arc_quotient(x * x);
    double t = (1.0 - a) * 0.5, r = arc_quotient(t), s = sqrt(t), z;
    if (high_word(a) >= 0x3FEF3333) { /* above 0.975 */
        z = PIO2_HI - (2.0 * (s + s * r) - PIO2_LO);
    } else {
        double w = truncated(s), c = (t - w * w) / (s + w);
        z = PIO4_HI - ((2.0 * s * r - (PIO2_LO - 2.0 * c)) - (PIO4_HI - 2.0 * w));
    }
    return x > 0 ? z : -z;
}

double ch_strict_acos(double x)
{
    double a = fabs(x);
    if (isnan(x) || a > 1) return NAN;
    if (a == 1) return x > 0 ? 0 : PI_HI + 2.0 * PIO2_LO;
    if (a < 0.5) return a <= 0x1p-57 ? PIO2_HI + PIO2_LO : PIO2_HI - (x - (PIO2_LO - x * arc_quotient(x * x)));
    double z = (1.0 - a) * 0.5, s = sqrt(z), r = arc_quotient(z);
    if (x < 0) return PI_HI - 2.0 * (s + (r * s - PIO2_LO));
    double df = truncated(s), c = (z - df * df) / (s + df);
    return 2.0 * (df + (r * s + c));
}
