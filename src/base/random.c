/* random.c: java.util.Random, Spark's XORShiftRandom and commons-math3's Poisson sampling, bit for bit.
 *
 * References: the specification of java.util.Random in the Java API; org.apache.spark.util.random.XORShiftRandom;
 * Marsaglia, "Xorshift RNGs" (2003); Panneton, L'Ecuyer, Matsumoto, "Improved long-period generators based on linear
 * recurrences modulo 2" (2006) for WELL19937c; Devroye, "The computer generation of Poisson random variables" (1981);
 * Ahrens and Dieter, "Computer methods for sampling from the exponential and normal distributions" (1972).
 */
#include "base/random.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* ---- the two `next` functions ---- */

static const uint64_t JAVA_MULTIPLIER = 0x5DEECE66DULL;
static const uint64_t JAVA_MASK = (1ULL << 48) - 1;

/* Seed of Scala's MurmurHash3 for arrays, which XORShiftRandom starts from. */
static const uint32_t SCALA_ARRAY_SEED = 0x3c074a61U;

static inline uint32_t rotate_left(uint32_t x, int bits)
{
    return (x << bits) | (x >> (32 - bits));
}

static inline int32_t to_signed(uint32_t x)
{
    int32_t out;
    memcpy(&out, &x, sizeof out);
    return out;
}

static inline uint64_t xorshift_step(uint64_t s)
{
    s ^= s << 21;
    s ^= s >> 35;
    s ^= s << 4;
    return s;
}

ch_random ch_java_random(int64_t seed)
{
    return (ch_random){.state = ((uint64_t)seed ^ JAVA_MULTIPLIER) & JAVA_MASK};
}

ch_random ch_xorshift_random(int64_t seed)
{
    return (ch_random){.state = ch_xorshift_hash_seed(seed), .xorshift = true};
}

int32_t ch_random_next(ch_random *r, int bits)
{
    assert(bits >= 1 && bits <= 32);
    if (r->xorshift) {
        r->state = xorshift_step(r->state);
        return to_signed((uint32_t)(r->state & ((1ULL << bits) - 1)));
    }
    r->state = (r->state * JAVA_MULTIPLIER + 0xBULL) & JAVA_MASK;
    return to_signed((uint32_t)(r->state >> (48 - bits)));
}

/* ---- what java.util.Random builds on `next` ---- */

int32_t ch_random_int(ch_random *r)
{
    return ch_random_next(r, 32);
}

int32_t ch_random_int_below(ch_random *r, int32_t bound)
{
    assert(bound > 0);
    int32_t bits = ch_random_next(r, 31);
    if ((bound & (bound - 1)) == 0) return (int32_t)(((int64_t)bound * bits) >> 31);
    /* Draws from the incomplete last run of `bound` values are rejected: Java detects them by 32-bit overflow. */
    int32_t value = bits % bound;
    while ((int64_t)bits - value + (bound - 1) > INT32_MAX) {
        bits = ch_random_next(r, 31);
        value = bits % bound;
    }
    return value;
}

int64_t ch_random_long(ch_random *r)
{
    uint64_t high = (uint64_t)(uint32_t)ch_random_next(r, 32) << 32;
    uint64_t low = (uint64_t)(int64_t)ch_random_next(r, 32); /* sign-extended, then added: Java's own definition */
    uint64_t bits = high + low;
    int64_t out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

float ch_random_float(ch_random *r)
{
    return (float)ch_random_next(r, 24) * 0x1.0p-24f;
}

double ch_random_double(ch_random *r)
{
    int64_t high = (int64_t)ch_random_next(r, 26) << 27;
    return (double)(high + ch_random_next(r, 27)) * 0x1.0p-53;
}

/* Natural logarithm of a normal x in (0, 1) with the rounding of Java's StrictMath.log (the algorithm of Sun's fdlibm:
 * x = 2^k (1 + f), s = f / (2 + f), log(1 + f) = f - s (f - R) with R a minimax polynomial in s^2). The C library's
 * log is closer to the truth, and that would change the last digit of some gaussians. */
static double strict_log(double x)
{
    static const double LN2_HI = 6.93147180369123816490e-01, LN2_LO = 1.90821492927058770002e-10;
    static const double L[7] = {6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
                                2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
                                1.479819860511658591e-01};
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t high = (uint32_t)(bits >> 32);
    int k = (int)(high >> 20) - 1023;
    high &= 0xfffffU;
    uint32_t carry = (high + 0x95f64U) & 0x100000U; /* set when the mantissa is above sqrt(2) */
    k += (int)(carry >> 20);
    bits = ((uint64_t)(high | (carry ^ 0x3ff00000U)) << 32) | (bits & 0xffffffffULL);
    double m;
    memcpy(&m, &bits, sizeof m);
    double f = m - 1.0, dk = (double)k;
    if ((0xfffffU & (2 + high)) < 3) { /* |f| < 2^-20: two terms of the series */
        if (f == 0.0) return dk * LN2_HI + dk * LN2_LO;
        double r = f * f * (0.5 - 0.33333333333333333 * f);
        return k == 0 ? f - r : dk * LN2_HI - ((r - dk * LN2_LO) - f);
    }
    double s = f / (2.0 + f), z = s * s, w = z * z;
    double odd = w * (L[1] + w * (L[3] + w * L[5])), even = z * (L[0] + w * (L[2] + w * (L[4] + w * L[6])));
    double r = even + odd;
    bool middle = ((int32_t)(high - 0x6147aU) | (int32_t)(0x6b851U - high)) > 0;
    if (middle) {
        double half_square = 0.5 * f * f;
        if (k == 0) return f - (half_square - s * (half_square + r));
        return dk * LN2_HI - ((half_square - (s * (half_square + r) + dk * LN2_LO)) - f);
    }
    if (k == 0) return f - s * (f - r);
    return dk * LN2_HI - ((s * (f - r) - dk * LN2_LO) - f);
}

double ch_random_gaussian(ch_random *r)
{
    if (r->has_gaussian) {
        r->has_gaussian = false;
        return r->gaussian;
    }
    double v1, v2, s;
    do {
        v1 = 2 * ch_random_double(r) - 1;
        v2 = 2 * ch_random_double(r) - 1;
        s = v1 * v1 + v2 * v2;
    } while (s >= 1 || s == 0);
    double multiplier = sqrt(-2 * strict_log(s) / s);
    r->gaussian = v2 * multiplier;
    r->has_gaussian = true;
    return v1 * multiplier;
}

/* ---- skipping ahead ---- */

/* One step is a linear map of the 64 state bits over GF(2). skip_power[i] is the map of 2^i steps as 64 columns: the
 * image of a state is the exclusive-or of the columns of its set bits. */
static uint64_t skip_power[64][64];
static pthread_once_t skip_once = PTHREAD_ONCE_INIT;

static uint64_t apply_map(const uint64_t columns[64], uint64_t state)
{
    uint64_t out = 0;
    for (; state; state &= state - 1) out ^= columns[__builtin_ctzll(state)];
    return out;
}

static void build_skip_powers(void)
{
    for (int bit = 0; bit < 64; bit++) skip_power[0][bit] = xorshift_step(1ULL << bit);
    for (int i = 1; i < 64; i++)
        for (int bit = 0; bit < 64; bit++) skip_power[i][bit] = apply_map(skip_power[i - 1], skip_power[i - 1][bit]);
}

uint64_t ch_xorshift_skip(uint64_t state, uint64_t steps)
{
    pthread_once(&skip_once, build_skip_powers);
    for (; steps; steps &= steps - 1) state = apply_map(skip_power[__builtin_ctzll(steps)], state);
    return state;
}

/* ---- murmur3 ---- */

static uint32_t murmur_mix(uint32_t k)
{
    return rotate_left(k * 0xcc9e2d51U, 15) * 0x1b873593U;
}

uint32_t ch_murmur3_scala(const void *bytes, size_t len, uint32_t seed)
{
    const unsigned char *data = bytes;
    uint32_t h = seed;
    size_t at = 0;
    for (; len - at >= 4; at += 4) {
        uint32_t k = (uint32_t)data[at] | (uint32_t)data[at + 1] << 8 | (uint32_t)data[at + 2] << 16 |
                     (uint32_t)data[at + 3] << 24;
        h = rotate_left(h ^ murmur_mix(k), 13) * 5 + 0xe6546b64U;
    }
    uint32_t tail = 0;
    for (size_t i = 0; i < len - at; i++) tail |= (uint32_t)data[at + i] << (8 * i);
    if (len > at) h ^= murmur_mix(tail);
    h ^= (uint32_t)len;
    h = (h ^ (h >> 16)) * 0x85ebca6bU;
    h = (h ^ (h >> 13)) * 0xc2b2ae35U;
    return h ^ (h >> 16);
}

uint64_t ch_xorshift_hash_seed(int64_t seed)
{
    unsigned char bytes[8]; /* big-endian, as java.nio.ByteBuffer.putLong writes it */
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)seed >> (56 - 8 * i));
    uint32_t low = ch_murmur3_scala(bytes, sizeof bytes, SCALA_ARRAY_SEED);
    uint32_t high = ch_murmur3_scala(bytes, sizeof bytes, low);
    return (uint64_t)high << 32 | low;
}

/* ---- WELL19937c ----
 *
 * One step takes the state word written 1 step ago (z4 of the paper) and words written 70, 179, 449, 622 and 623 steps
 * ago (z3); all of it is linear. So a block of steps is made in two goes: what comes from the older words, for the
 * whole block at once, then the short chain through the newest word. */

enum { WELL_WORDS = 624, WELL_M1 = 70, WELL_M2 = 179, WELL_M3 = 449, WELL_BLOCK = 64, WELL_ROOM = 16 * WELL_BLOCK };

typedef struct well {
    /* z3 of the last WELL_WORDS steps, oldest first, at a[at - WELL_WORDS .. at); later ones are made behind them. */
    uint32_t a[WELL_WORDS + WELL_ROOM];
    size_t at;
    uint32_t newest; /* z4 of the last step */
    uint32_t out[WELL_BLOCK];
    size_t used; /* of out */
} well;

/* Well19937c.setSeed(long): the seed's two halves, then a Knuth-style linear filling in signed 64-bit arithmetic. Slot
 * k > 0 of the state is read as the word of k steps ago, slot 0 as the newest. */
static void well_seed(well *w, int64_t seed)
{
    uint32_t v[WELL_WORDS];
    v[0] = (uint32_t)((uint64_t)seed >> 32);
    v[1] = (uint32_t)((uint64_t)seed & 0xffffffffU);
    for (size_t i = 2; i < WELL_WORDS; i++) {
        int64_t l = to_signed(v[i - 2]);
        uint64_t mixed = (uint64_t)(l ^ (l >> 30));
        v[i] = (uint32_t)(1812433253ULL * mixed + i);
    }
    w->at = WELL_WORDS;
    for (size_t k = 1; k < WELL_WORDS; k++) w->a[WELL_WORDS - k] = v[k];
    w->a[0] = 0; /* never read */
    w->newest = v[0];
    w->used = WELL_BLOCK;
}

static void well_make_block(well *w)
{
    if (w->at == WELL_WORDS + WELL_ROOM) {
        memmove(w->a, w->a + WELL_ROOM, WELL_WORDS * sizeof *w->a);
        w->at = WELL_WORDS;
    }
    uint32_t older[WELL_BLOCK], chain[WELL_BLOCK], *a = w->a + w->at;
    for (size_t i = 0; i < WELL_BLOCK; i++) {
        const uint32_t *now = a + i;
        uint32_t m1 = *(now - WELL_M1), m2 = *(now - WELL_M2), m3 = *(now - WELL_M3);
        uint32_t z0 = (0x80000000U & *(now - 623)) ^ (0x7fffffffU & *(now - 622));
        uint32_t z1 = m1 ^ (m1 >> 27), z2 = (m2 >> 9) ^ (m3 ^ (m3 >> 1)); /* z1 but for the newest word's part */
        older[i] = z1 ^ z2;
        chain[i] = z0 ^ (z1 ^ (z1 << 9)) ^ (z2 ^ (z2 << 21)) ^ (older[i] ^ (older[i] >> 21));
    }
    /* What the newest word x adds to z1 is y = x ^ x << 25, and to the next word (y ^ y << 9) ^ (y ^ y >> 21). */
    uint32_t x = w->newest;
    for (size_t i = 0; i < WELL_BLOCK; i++) {
        a[i] = older[i] ^ x ^ (x << 25);
        x = (chain[i] ^ (x << 9)) ^ ((x >> 21) ^ ((x & 0x7fU) << 4));
        chain[i] = x;
    }
    w->newest = x;
    for (size_t i = 0; i < WELL_BLOCK; i++) { /* tempering */
        uint32_t z = chain[i];
        z ^= (z << 7) & 0xe46e1700U;
        w->out[i] = z ^ ((z << 15) & 0x9b868000U);
    }
    w->at += WELL_BLOCK;
    w->used = 0;
}

static inline uint32_t well_next(well *w, int bits)
{
    if (w->used == WELL_BLOCK) well_make_block(w);
    return w->out[w->used++] >> (32 - bits);
}

/* ---- Poisson ---- */

enum { STARTS = 256, LOOK_AHEAD = 64, LANES = 16, UNIFORMS = STARTS + LOOK_AHEAD + LANES }; /* see ch_poisson_fill */

struct ch_poisson {
    double mean;
    double floor_product; /* exp(-mean) */
    well well;
    double u[UNIFORMS]; /* uniform numbers drawn in advance: u[at .. have) */
    size_t at, have;
    bool has_gaussian;
    double gaussian;
};

static inline double well_draw(well *w)
{
    uint64_t high = (uint64_t)well_next(w, 26) << 26;
    return (double)(high | well_next(w, 26)) * 0x1.0p-52;
}

static double well_double(ch_poisson *p)
{
    return p->at < p->have ? p->u[p->at++] : well_draw(&p->well);
}

/* commons-math's gaussian is Box and Muller's, not java.util.Random's polar method. */
static double well_gaussian(ch_poisson *p)
{
    if (p->has_gaussian) {
        p->has_gaussian = false;
        return p->gaussian;
    }
    double x = well_double(p), y = well_double(p);
    double alpha = 2 * M_PI * x, r = sqrt(-2 * log(y));
    p->gaussian = r * sin(alpha);
    p->has_gaussian = true;
    return r * cos(alpha);
}

/* Algorithm SA of Ahrens and Dieter, mean 1. */
static double well_exponential(ch_poisson *p)
{
    double a = 0, u = well_double(p);
    if (u == 0) return INFINITY; /* commons-math would never return; one draw in 2^52 */
    for (; u < 0.5; u *= 2) a += M_LN2;
    u += u - 1;
    if (u <= M_LN2) return a + u;
    double least = well_double(p), term = M_LN2, q = M_LN2; /* q: sum over j <= i of ln(2)^j / j! */
    int i = 1;
    do {
        double draw = well_double(p);
        if (draw < least) least = draw;
        term *= M_LN2 / ++i;
        q += term;
    } while (u > q && q < 1);
    return a + least * M_LN2;
}

/* Multiplication of uniforms: counts arrivals of a Poisson process in one unit of time. */
static int64_t poisson_small(ch_poisson *p, double mean)
{
    double floor_product = mean == p->mean ? p->floor_product : exp(-mean), product = 1;
    int64_t n = 0;
    while ((double)n < 1000 * mean) {
        product *= well_double(p);
        if (product < floor_product) break;
        n++;
    }
    return n;
}

static double log_factorial(double n)
{
    int sign;
    return lgamma_r(n + 1, &sign);
}

/* Devroye's rejection method. The names are those of the paper. */
static int64_t poisson_large(ch_poisson *p, double mean)
{
    const double lambda = floor(mean), fraction = mean - lambda, log_lambda = log(lambda);
    const int64_t small = fraction > 0 ? poisson_small(p, fraction) : 0;
    const double delta = sqrt(lambda * log(32 * lambda / M_PI + 1)), twolpd = 2 * lambda + delta;
    const double c1 = 1 / (8 * lambda);
    const double a1 = sqrt(M_PI * twolpd) * exp(c1), a2 = (twolpd / delta) * exp(-delta * (1 + delta) / twolpd);
    const double p1 = a1 / (a1 + a2 + 1), p2 = a2 / (a1 + a2 + 1);
    for (;;) {
        double x, y, v, u = well_double(p);
        if (u <= p1) {
            double n = well_gaussian(p);
            x = n * sqrt(lambda + delta / 2) - 0.5;
            if (x > delta || x < -lambda) continue;
            y = x < 0 ? floor(x) : ceil(x);
            v = -well_exponential(p) - n * n / 2 + c1;
        } else if (u > p1 + p2) {
            return small + (int64_t)lambda;
        } else {
            x = delta + (twolpd / delta) * well_exponential(p);
            y = ceil(x);
            v = -well_exponential(p) - delta * (x + 1) / twolpd;
        }
        const double below = x < 0 ? 1 : 0, t = y * (y + 1) / (2 * lambda);
        if (v < -t && below == 0) return small + (int64_t)(lambda + y);
        const double qr = t * ((2 * y + 1) / (6 * lambda) - 1);
        const double qa = qr - t * t / (3 * (lambda + below * (y + 1)));
        if (v < qa) return small + (int64_t)(lambda + y);
        if (v > qr) continue;
        if (v < y * log_lambda - log_factorial(y + lambda) + log_factorial(lambda))
            return small + (int64_t)(lambda + y);
    }
}

ch_poisson *ch_poisson_new(double mean, int64_t seed)
{
    assert(mean > 0);
    ch_poisson *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->mean = mean;
    p->floor_product = exp(-mean);
    well_seed(&p->well, seed);
    return p;
}

int32_t ch_poisson_next(ch_poisson *p)
{
    int64_t n = p->mean < 40 ? poisson_small(p, p->mean) : poisson_large(p, p->mean);
    return n > INT32_MAX ? INT32_MAX : (int32_t)n;
}

/* Many counts of a mean of at most 1. A count is how many uniform numbers can be multiplied before the product falls
 * below exp(-mean), and the next count starts behind the last number used. Where counts start is not known before those
 * in front of them are made, and guessing costs more than working: so the count that would start at each number is
 * found, LANES starts side by side, and then the few starts that count are walked. */
typedef double lanes __attribute__((vector_size(32)));
typedef int64_t lane_flags __attribute__((vector_size(32)));

/* count[i] = numbers u[i], u[i + 1], ... that can be multiplied, i < LANES; false when LOOK_AHEAD numbers do not tell.
 */
static bool counts_from(const double *u, double floor_product, int64_t count[LANES])
{
    enum { WIDTH = 4, VECTORS = LANES / WIDTH };
    lanes product[VECTORS];
    lane_flags n[VECTORS] = {{0}}, alive;
    for (int v = 0; v < VECTORS; v++) product[v] = (lanes){1, 1, 1, 1};
    for (int used = 0; used < LOOK_AHEAD; used++) {
        alive = (lane_flags){0};
        for (int v = 0; v < VECTORS; v++) {
            lanes factor;
            memcpy(&factor, u + used + v * WIDTH, sizeof factor);
            product[v] *= factor;
            lane_flags above = product[v] >= floor_product; /* true is -1 */
            n[v] -= above;
            alive |= above;
        }
        if (alive[0] | alive[1] | alive[2] | alive[3]) continue;
        memcpy(count, n, sizeof n);
        return true;
    }
    return false;
}

void ch_poisson_fill(ch_poisson *p, int32_t *out, size_t n)
{
    int64_t count[STARTS];
    size_t made = 0;
    /* Below 0.2 the method's own limit on the numbers of a count (poisson_small) comes into reach. */
    bool fast = p->mean >= 0.2 && p->mean <= 1;
    while (fast && n - made >= STARTS) {
        memmove(p->u, p->u + p->at, (p->have - p->at) * sizeof *p->u);
        p->have -= p->at;
        p->at = 0;
        for (; p->have < UNIFORMS; p->have++) p->u[p->have] = well_draw(&p->well);
        for (size_t start = 0; start < STARTS && fast; start += LANES)
            fast = counts_from(p->u + start, p->floor_product, count + start);
        for (; fast && p->at < STARTS; p->at += (size_t)count[p->at] + 1) out[made++] = (int32_t)count[p->at];
    }
    while (made < n) out[made++] = ch_poisson_next(p);
}

void ch_poisson_free(ch_poisson *p)
{
    free(p);
}
