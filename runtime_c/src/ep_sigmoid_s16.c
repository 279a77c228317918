/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_sigmoid.h"

void ep_sigmoid_s16(const ep_sigmoid_s16_params *p, const uint16_t *table, const int16_t *x,
                    int16_t *y)
{
    const int32_t fraction = 9 - p->twice; /* bits between two entries */
    const int32_t round = (int32_t)1 << fraction;
    const int32_t half = p->shift > 0 ? (int32_t)1 << (p->shift - 1) : 0;
    for (int32_t i = 0; i < p->length; i++) {
        const int32_t at = (x[i] * p->mult + half) >> p->shift;
        const int32_t distance = at < 0 ? -at : at;
        const int32_t index = distance >> fraction;
        int32_t v = p->twice != 0 ? (int32_t)0xFFFF << 8 : (int32_t)0x7FFF << 10;
        if (index < 255) {
            const int32_t low = table[index], high = table[index + 1];
            v = low * round + (distance & (round - 1)) * (high - low);
        }
        if (p->twice != 0) { /* v in 2^-24 */
            const int32_t centred = v - ((int32_t)1 << 23);
            v = (at >= 0 ? centred + 128 : 127 - centred) >> 8;
        } else { /* v in 2^-25 */
            v = (at >= 0 ? v + 512 : ((int32_t)1 << 25) - v + 511) >> 10;
        }
        y[i] = (int16_t)v;
    }
}
