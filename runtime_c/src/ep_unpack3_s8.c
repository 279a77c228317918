#include "ep_unpack_s8.h"

EP_WEAK void ep_unpack3_s8(const uint8_t *codes, int32_t n, const int8_t *values, int8_t *to)
{
    const int8_t *const end = to + n;
    do {
        const uint32_t word = codes[0] | (uint32_t)codes[1] << 8 | (uint32_t)codes[2] << 16;
        codes += 3;
        to[0] = values[word & 7u];
        to[1] = values[word >> 3 & 7u];
        to[2] = values[word >> 6 & 7u];
        to[3] = values[word >> 9 & 7u];
        to[4] = values[word >> 12 & 7u];
        to[5] = values[word >> 15 & 7u];
        to[6] = values[word >> 18 & 7u];
        to[7] = values[word >> 21];
        to += 8;
    } while (to < end);
}
