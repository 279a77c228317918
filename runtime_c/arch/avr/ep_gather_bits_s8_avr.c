/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_gather_bits_s8_avr.h"

void ep_gather_bits_s8_avr(const ep_gather_bits_s8_params *p, const __flash uint8_t *kept,
                           const int8_t *x, int8_t *y)
{
    for (uint16_t row = (uint16_t)p->rows; row != 0; row--) {
        const __flash uint8_t *from = kept;
        int16_t left = (int16_t)p->in_len;
        for (; left > 0; left -= 8) {
            const int8_t *at = x;
            for (uint8_t bits = *from++; bits != 0; bits >>= 1) {
                if ((bits & 1u) != 0) {
                    *y++ = *at;
                }
                at++;
            }
            x += 8;
        }
        x += left; /* the last byte may reach behind the row */
    }
}
