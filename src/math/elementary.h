/* elementary.h: exp and log1p as straight-line code, which compilers turn into vector instructions inside a loop.
 *
 * The C library's functions are calls, one element at a time; a kernel that needs one per row spends most of its time
 * in them. These are Taylor series after an exact range reduction, within 2 units in the last place (tested).
 */
#ifndef CHERT_MATH_ELEMENTARY_H
#define CHERT_MATH_ELEMENTARY_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* e^x; 0 below -708 (where results would be subnormal) and infinity above 709. NaN gives NaN. */
static inline double ch_exp(double x)
{
    static const double LN2_HIGH = 0x1.62e42fefa0000p-1, LN2_LOW = 0x1.cf79abc9e3b3ap-40;
    static const double ROUND = 0x1.8p52; /* adding it leaves the nearest whole number in the low bits */
    double bounded = x < -708 ? -708 : x > 709 ? 709 : x;
    double shifted = bounded * 0x1.71547652b82fep0 + ROUND; /* log2(e) */
    double n = shifted - ROUND;
    double r = (bounded - n * LN2_HIGH) - n * LN2_LOW; /* |r| <= ln(2) / 2 */
    double p = 1.0 / 6227020800;                       /* 1 / 13! */
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 1.0 / 2;
    p = p * r * r + r + 1.0;
    uint64_t bits, exponent;
    memcpy(&exponent, &shifted, sizeof exponent);
    memcpy(&bits, &p, sizeof bits);
    bits += exponent << 52; /* times 2^n */
    double scaled;
    memcpy(&scaled, &bits, sizeof scaled);
    scaled = x < -708 ? 0 : scaled;
    scaled = x > 709 ? INFINITY : scaled;
    return x == x ? scaled : x;
}

/* log(1 + t) for 0 <= t <= 1 (NaN gives NaN): 2 atanh(s) with s = t / (2 + t), above sqrt(2) - 1 of (1 + t) / 2. */
static inline double ch_log1p_unit(double t)
{
    double upper = t > 0.41421356237309503 ? 1.0 : 0.0;
    double s = (t - upper) / (t + 2 + upper), z = s * s; /* |s| <= 0.1716 */
    double p = 1.0 / 23;
    p = p * z + 1.0 / 21;
    p = p * z + 1.0 / 19;
    p = p * z + 1.0 / 17;
    p = p * z + 1.0 / 15;
    p = p * z + 1.0 / 13;
    p = p * z + 1.0 / 11;
    p = p * z + 1.0 / 9;
    p = p * z + 1.0 / 7;
    p = p * z + 1.0 / 5;
    p = p * z + 1.0 / 3;
    return upper * 0.69314718055994531 + (2 * s + 2 * s * z * p);
}

#endif
