/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_unpack_s8_avr.h"

void ep_unpack3_s8_avr(const __flash uint8_t *codes, int32_t n, const __flash int8_t *values,
                       int8_t *to)
{
    const int8_t *const end = to + n;
    do {
        const uint8_t a = codes[0], b = codes[1], c = codes[2];
        codes += 3;
        to[0] = values[a >> 3 & 7u];
        to[1] = values[a & 7u];
        to[2] = values[b >> 1 & 7u];
        to[3] = values[(uint8_t)(a >> 6 | b << 2) & 7u];
        to[4] = values[(uint8_t)(b >> 7 | c << 1) & 7u];
        to[5] = values[b >> 4 & 7u];
        to[6] = values[c >> 5];
        to[7] = values[c >> 2 & 7u];
        to += 8;
    } while (to < end);
}
