/* powers_of_five.h: the table by which doubles are parsed and printed. */
#ifndef CHERT_BASE_POWERS_OF_FIVE_H
#define CHERT_BASE_POWERS_OF_FIVE_H

#include <stdint.h>

enum { CH_POWER_MIN = -342, CH_POWER_MAX = 324 };

/* The 128 leading bits of 5^q, for q < 0 those of its reciprocal plus one unit (of the last of 128 bits if q >= -27, of
 * something beyond them else): [q - CH_POWER_MIN], the high half first. */
typedef uint64_t ch_power_of_five[2];
const ch_power_of_five *ch_powers_of_five(void);

#endif
