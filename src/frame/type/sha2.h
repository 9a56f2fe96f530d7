/* sha2.h: the SHA-2 hashes (FIPS 180-4). */
#ifndef CHERT_FRAME_SHA2_H
#define CHERT_FRAME_SHA2_H

#include <stdbool.h>
#include <stddef.h>

enum { CH_SHA2_MAX = 64 };

/* `bits` is 224, 256, 384 or 512; false for others. Writes bits / 8 bytes. */
bool ch_sha2(int bits, const void *data, size_t len, unsigned char out[CH_SHA2_MAX]);

#endif
