/* sha2.c: see sha2.h. The constants are the first bits of the fractional parts of roots of the first primes, as the
 * standard defines them; the 32-bit ones are the upper halves of the 64-bit ones. */
#include "frame/type/sha2.h"

#include <stdint.h>
#include <string.h>

static const uint64_t K[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
    0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
    0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
    0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
    0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
    0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
    0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
    0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817};

static const uint64_t START_512[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
                                      0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
static const uint64_t START_384[8] = {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
                                      0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4};

static inline uint64_t rotate64(uint64_t x, int n)
{
    return x >> n | x << (64 - n);
}

static inline uint32_t rotate32(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void block64(uint64_t h[8], const unsigned char *p)
{
    uint64_t w[80], s[8];
    for (int i = 0; i < 16; i++) {
        w[i] = 0;
        for (int k = 0; k < 8; k++) w[i] = w[i] << 8 | p[8 * i + k];
    }
    for (int i = 16; i < 80; i++) {
        uint64_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotate64(a, 1) ^ rotate64(a, 8) ^ a >> 7) + w[i - 7] +
               (rotate64(b, 19) ^ rotate64(b, 61) ^ b >> 6);
    }
    memcpy(s, h, sizeof s);
    for (int i = 0; i < 80; i++) {
        uint64_t t1 = s[7] + (rotate64(s[4], 14) ^ rotate64(s[4], 18) ^ rotate64(s[4], 41)) +
                      ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i];
        uint64_t t2 = (rotate64(s[0], 28) ^ rotate64(s[0], 34) ^ rotate64(s[0], 39)) +
                      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) h[i] += s[i];
}

static void block32(uint32_t h[8], const unsigned char *p)
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++) {
        w[i] = 0;
        for (int k = 0; k < 4; k++) w[i] = w[i] << 8 | p[4 * i + k];
    }
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotate32(a, 7) ^ rotate32(a, 18) ^ a >> 3) + w[i - 7] +
               (rotate32(b, 17) ^ rotate32(b, 19) ^ b >> 10);
    }
    memcpy(s, h, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = s[7] + (rotate32(s[4], 6) ^ rotate32(s[4], 11) ^ rotate32(s[4], 25)) +
                      ((s[4] & s[5]) ^ (~s[4] & s[6])) + (uint32_t)(K[i] >> 32) + w[i];
        uint32_t t2 = (rotate32(s[0], 2) ^ rotate32(s[0], 13) ^ rotate32(s[0], 22)) +
                      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) h[i] += s[i];
}

bool ch_sha2(int bits, const void *data, size_t len, unsigned char out[CH_SHA2_MAX])
{
    if (bits != 224 && bits != 256 && bits != 384 && bits != 512) return false;
    bool wide = bits > 256;
    size_t block = wide ? 128 : 64, word = wide ? 8 : 4;
    uint64_t h64[8];
    uint32_t h32[8];
    memcpy(h64, bits == 384 ? START_384 : START_512, sizeof h64);
    /* SHA-256 starts from the upper halves of SHA-512's words, SHA-224 from the lower halves of SHA-384's. */
    for (int i = 0; i < 8; i++) h32[i] = bits == 224 ? (uint32_t)START_384[i] : (uint32_t)(START_512[i] >> 32);
    const unsigned char *p = data;
    size_t left = len;
    for (; left >= block; p += block, left -= block) {
        if (wide)
            block64(h64, p);
        else
            block32(h32, p);
    }
    unsigned char last[256] = {0};
    if (left) memcpy(last, p, left);
    last[left] = 0x80;
    size_t total = left + 1 + 2 * word <= block ? block : 2 * block;
    for (size_t i = 0; i < 8; i++) last[total - 1 - i] = (unsigned char)((uint64_t)len * 8 >> (8 * i));
    for (size_t at = 0; at < total; at += block) {
        if (wide)
            block64(h64, last + at);
        else
            block32(h32, last + at);
    }
    for (size_t i = 0; i < (size_t)bits / 8; i++) {
        size_t shift = 8 * (word - 1 - i % word);
        uint64_t bytes = wide ? h64[i / 8] : h32[i / 4];
        out[i] = (unsigned char)(bytes >> shift);
    }
    return true;
}
