#include "ep_unpack_s8.h"

EP_WEAK void ep_unpack2_s8(const uint32_t *codes, int32_t n, const int8_t *values, int8_t *to)
{
    const int8_t *const end = to + n;
    do {
        uint32_t word = *codes++;
        for (int32_t k = 0; k < 4; k++) {
            to[0] = values[word & 3u];
            to[1] = values[word >> 2 & 3u];
            to[2] = values[word >> 4 & 3u];
            to[3] = values[word >> 6 & 3u];
            word >>= 8;
            to += 4;
        }
    } while (to < end);
}
