/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_unpack_s8_avr.h"

void ep_unpack_ternary_s8_avr(const __flash uint8_t *codes, int32_t n,
                              const __flash int8_t *values, int8_t *to)
{
    const int8_t *const end = to + n;
    do {
        uint8_t rest = *codes++; /* behind the point; three times it has a digit in front */
        for (uint8_t k = 0; k < 5; k++) {
            const uint16_t three = (uint16_t)(3u * rest);
            *to++ = values[three >> 8];
            rest = (uint8_t)three;
        }
    } while (to < end);
}
