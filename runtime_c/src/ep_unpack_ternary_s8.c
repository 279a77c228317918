#include "ep_unpack_s8.h"

EP_WEAK void ep_unpack_ternary_s8(const uint8_t *codes, int32_t n, const int8_t *values,
                                  int8_t *to)
{
    const int8_t *const end = to + n;
    do {
        uint32_t rest = *codes++; /* behind the point; three times it has a digit in front */
        for (int32_t k = 0; k < 5; k++) {
            rest *= 3u;
            *to++ = values[rest >> 8];
            rest &= 255u;
        }
    } while (to < end);
}
