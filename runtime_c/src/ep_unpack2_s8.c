/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_unpack.h"

void ep_unpack2_s8(const uint32_t *codes, int32_t n, const uint16_t *pairs, int8_t *to)
{
    uint16_t *two = (uint16_t *)(void *)to;
    const int8_t *const end = to + n;
    do {
        const uint32_t word = *codes++;
        two[0] = pairs[word & 15u];
        two[1] = pairs[word >> 4 & 15u];
        two[2] = pairs[word >> 8 & 15u];
        two[3] = pairs[word >> 12 & 15u];
        two[4] = pairs[word >> 16 & 15u];
        two[5] = pairs[word >> 20 & 15u];
        two[6] = pairs[word >> 24 & 15u];
        two[7] = pairs[word >> 28];
        two += 8;
    } while ((const int8_t *)two < end);
}
