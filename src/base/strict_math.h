/* strict_math.h: elementary functions with the very roundings of Java's StrictMath, which Spark's SQL functions use:
 * the algorithms and coefficients of Sun's freely distributable math library (fdlibm 5.3). The C library's are a little
 * closer to the truth, so about one result in ten would differ in its last bit. */
#ifndef CHERT_BASE_STRICT_MATH_H
#define CHERT_BASE_STRICT_MATH_H

double ch_strict_exp(double x);
double ch_strict_log(double x);
double ch_strict_log10(double x);
double ch_strict_log1p(double x);
double ch_strict_expm1(double x);
double ch_strict_sinh(double x);
double ch_strict_tanh(double x);
double ch_strict_pow(double x, double y);
double ch_strict_cbrt(double x);
double ch_strict_cosh(double x);
double ch_strict_atan(double x);
double ch_strict_atan2(double y, double x);
double ch_strict_asin(double x);
double ch_strict_acos(double x);
double ch_strict_hypot(double x, double y);

#endif
