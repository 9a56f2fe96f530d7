/* powers_of_five.c: made once, when the first number needs it. */
#include "base/powers_of_five.h"

#include <pthread.h>
#include <string.h>

__extension__ typedef unsigned __int128 uint128;

enum { LIMBS = 56 };

static ch_power_of_five powers[CH_POWER_MAX - CH_POWER_MIN + 1];
static pthread_once_t powers_made = PTHREAD_ONCE_INIT;

static void multiply(uint32_t *limbs, uint32_t factor)
{
    uint64_t carry = 0;
    for (int i = 0; i < LIMBS; i++) {
        carry += (uint64_t)limbs[i] * factor;
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void divide(uint32_t *limbs, uint32_t divisor)
{
    uint64_t rest = 0;
    for (int i = LIMBS - 1; i >= 0; i--) {
        rest = rest << 32 | limbs[i];
        limbs[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
}

static int bit_length(const uint32_t *limbs)
{
    for (int i = LIMBS - 1; i >= 0; i--) {
        if (limbs[i]) return 32 * i + 32 - __builtin_clz(limbs[i]);
    }
    return 0;
}

/* Bits [length - 128, length) of a number, shifted up if it is shorter. */
static void leading_bits(const uint32_t *limbs, int length, uint64_t out[2])
{
    uint128 value = 0;
    for (int bit = length - 1; bit >= length - 128; bit--) {
        value = value << 1 | (bit >= 0 ? limbs[bit / 32] >> (bit % 32) & 1 : 0);
    }
    out[0] = (uint64_t)(value >> 64);
    out[1] = (uint64_t)value;
}

static void make_powers(void)
{
    uint32_t limbs[LIMBS] = {1};
    for (int q = 0; q <= CH_POWER_MAX; q++) {
        leading_bits(limbs, bit_length(limbs), powers[q - CH_POWER_MIN]);
        multiply(limbs, 5);
    }
    uint32_t power[LIMBS] = {1}; /* 5^-q */
    for (int q = -1; q >= CH_POWER_MIN; q--) {
        multiply(power, 5);
        int z = bit_length(power), bits = q >= -27 ? z + 127 : 2 * z + 128;
        memset(limbs, 0, sizeof limbs);
        limbs[bits / 32] = 1u << (bits % 32);
        int n = -q;
        for (; n >= 13; n -= 13) divide(limbs, 1220703125); /* 5^13 */
        for (; n > 0; n--) divide(limbs, 5);
        for (int i = 0; i < LIMBS && ++limbs[i] == 0; i++) continue; /* + 1 */
        leading_bits(limbs, bit_length(limbs), powers[q - CH_POWER_MIN]);
    }
}

const ch_power_of_five *ch_powers_of_five(void)
{
    pthread_once(&powers_made, make_powers);
    return (const ch_power_of_five *)powers;
}
