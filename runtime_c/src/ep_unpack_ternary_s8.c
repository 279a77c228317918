/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_unpack.h"

void ep_unpack_ternary_s8(const uint8_t *codes, int32_t n, const uint16_t *pairs, int8_t *to)
{
    uint16_t *two = (uint16_t *)(void *)to;
    const int8_t *const end = to + n;
    do {
        /* What is behind the point, times 9: two digits are in front of it. */
        const uint32_t a = codes[0] * 9u, b = (a & 255u) * 9u, c = (b & 255u) * 3u;
        const uint32_t d = codes[1] * 3u, e = (d & 255u) * 9u, f = (e & 255u) * 9u;
        codes += 2;
        two[0] = pairs[a >> 8];
        two[1] = pairs[b >> 8];
        two[2] = pairs[(c >> 8) * 3u + (d >> 8)];
        two[3] = pairs[e >> 8];
        two[4] = pairs[f >> 8];
        two += 5;
    } while ((const int8_t *)two < end);
}
