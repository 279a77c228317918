/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_unpack.h"

void ep_unpack3_s8(const uint8_t *codes, int32_t n, const uint16_t *pairs, int8_t *to)
{
    uint16_t *two = (uint16_t *)(void *)to;
    const int8_t *const end = to + n;
    do {
        const uint32_t word = codes[0] | (uint32_t)codes[1] << 8 | (uint32_t)codes[2] << 16;
        codes += 3;
        two[0] = pairs[word & 63u];
        two[1] = pairs[word >> 6 & 63u];
        two[2] = pairs[word >> 12 & 63u];
        two[3] = pairs[word >> 18];
        two += 4;
    } while ((const int8_t *)two < end);
}
