/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_unpack.h"

void ep_unpack4_s8(const uint32_t *codes, int32_t n, const uint16_t *pairs, int8_t *to)
{
    uint16_t *two = (uint16_t *)(void *)to;
    const int8_t *const end = to + n;
    do {
        const uint32_t word = *codes++;
        two[0] = pairs[word & 255u];
        two[1] = pairs[word >> 8 & 255u];
        two[2] = pairs[word >> 16 & 255u];
        two[3] = pairs[word >> 24];
        two += 4;
    } while ((const int8_t *)two < end);
}
