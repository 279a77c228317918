/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_unpack_s8_avr.h"

void ep_unpack2_s8_avr(const __flash uint32_t *codes, int32_t n, const __flash int8_t *values,
                       int8_t *to)
{
    const __flash uint8_t *bytes = (const __flash uint8_t *)codes; /* the lowest first */
    const __flash uint8_t *const end = bytes + (uint16_t)((n + 15) / 16 * 4);
    do {
        const uint8_t byte = *bytes++;
        *to++ = values[byte >> 2 & 3u];
        *to++ = values[byte & 3u];
        *to++ = values[byte >> 6];
        *to++ = values[byte >> 4 & 3u];
    } while (bytes != end);
}
