/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_unpack.h"

/* The two bytes of a uint16 by their places in memory. */
#if defined(__BYTE_ORDER__) && defined(__ORDER_BIG_ENDIAN__) \
    && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define EP_BOTH(first, second) ((uint16_t)((first) << 8 | ((second) & 255u)))
#else
#define EP_BOTH(first, second) ((uint16_t)((first) + ((second) << 8)))
#endif

void ep_pair_table_s8(const int8_t *values, int32_t kinds, int32_t tied, uint16_t *pairs)
{
    for (int32_t a = 0; a < kinds; a++) {
        const uint32_t less = tied != 0 && values[a] < 0 ? 1 : 0;
        const uint32_t first = (uint32_t)values[a] & 255u;
        const int8_t *second = values;
        const uint16_t *const end = pairs + kinds;
        do {
            *pairs++ = EP_BOTH(first, (uint32_t)*second++ - less);
        } while (pairs != end);
    }
}
