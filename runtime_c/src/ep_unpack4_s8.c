#include "ep_unpack_s8.h"

EP_WEAK void ep_unpack4_s8(const uint32_t *codes, int32_t n, const int8_t *values, int8_t *to)
{
    const int8_t *const end = to + n;
    do {
        const uint32_t word = *codes++;
        to[0] = values[word & 15u];
        to[1] = values[word >> 4 & 15u];
        to[2] = values[word >> 8 & 15u];
        to[3] = values[word >> 12 & 15u];
        to[4] = values[word >> 16 & 15u];
        to[5] = values[word >> 20 & 15u];
        to[6] = values[word >> 24 & 15u];
        to[7] = values[word >> 28];
        to += 8;
    } while (to < end);
}
