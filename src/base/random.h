/* random.h: the generators of the JVM world, bit for bit, since Spark's users see their numbers.
 *
 * java.util.Random (48-bit congruential), Spark's XORShiftRandom (org.apache.spark.util.random.XORShiftRandom, a
 * java.util.Random whose `next` is a xorshift) and commons-math3's Well19937c-driven Poisson sampling.
 */
#ifndef CHERT_BASE_RANDOM_H
#define CHERT_BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A generator with java.util.Random's interface; the kind decides what `next(bits)` does. */
typedef struct ch_random {
    uint64_t state;
    bool xorshift;
    bool has_gaussian;
    double gaussian; /* the second value of the polar method, kept for the next call */
} ch_random;

ch_random ch_java_random(int64_t seed);     /* java.util.Random(seed) */
ch_random ch_xorshift_random(int64_t seed); /* XORShiftRandom(seed): state = hashSeed(seed) */

int32_t ch_random_next(ch_random *r, int bits); /* protected int next(int bits), 1..32 */
int32_t ch_random_int(ch_random *r);
int32_t ch_random_int_below(ch_random *r, int32_t bound); /* nextInt(bound), bound > 0 */
int64_t ch_random_long(ch_random *r);
float ch_random_float(ch_random *r);
double ch_random_double(ch_random *r); /* [0, 1): two draws of `next` */
double ch_random_gaussian(ch_random *r);

/* The xorshift state after `steps` further draws of `next` from `state`, in O(log steps): the step is linear over
 * GF(2). Lets any batch of rows compute its own part of one sequential stream. */
uint64_t ch_xorshift_skip(uint64_t state, uint64_t steps);
/* XORShiftRandom.hashSeed */
uint64_t ch_xorshift_hash_seed(int64_t seed);

/* Scala's MurmurHash3.bytesHash (standard murmur3_x86_32) of `len` bytes. */
uint32_t ch_murmur3_scala(const void *bytes, size_t len, uint32_t seed);

/* commons-math3 PoissonDistribution(mean).sample() driven by Well19937c, as Spark's bagging and sample-with-
 * replacement use it. */
typedef struct ch_poisson ch_poisson;
ch_poisson *ch_poisson_new(double mean, int64_t seed); /* reseedRandomGenerator(seed) done; NULL on no memory */
int32_t ch_poisson_next(ch_poisson *p);
void ch_poisson_fill(ch_poisson *p, int32_t *out, size_t n); /* the next n, as n calls would give them, but faster */
void ch_poisson_free(ch_poisson *p);

#endif
