/* java_exp.h: e^x with the bits of Java's Math.exp on x86-64.
 *
 * The C library's exp and the JVM's are both within about half a unit in the last place, but differ in one of 500
 * values. Where sums of such values decide between equally good splits, as in boosting, that is enough for another
 * tree. The JVM uses Intel's algorithm, a form of Tang, "Table-driven implementation of the exponential function in
 * IEEE floating-point arithmetic" (1989): with m = round(64 x / ln 2) = 64 n + j and y = x - m ln 2 / 64, e^x = 2^n
 * 2^(j/64) (1 + p(y)).
 */
#ifndef CHERT_MATH_JAVA_EXP_H
#define CHERT_MATH_JAVA_EXP_H

#include <stddef.h>

/* out[i] = Math.exp(x[i]). Beyond |x| = 600 the C library's exp is used. x and out may be the same. */
void ch_java_exp(const double *x, double *out, size_t n);

#endif
