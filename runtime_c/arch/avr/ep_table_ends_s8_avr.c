/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_table_ends_s8_avr.h"

void ep_table_ends_s8_avr(const ep_table_ends_s8_params *p, const __flash int8_t *table,
                          const int8_t *x, int8_t *y)
{
    const int8_t low = (int8_t)p->low, high = (int8_t)p->high;
    for (uint16_t i = (uint16_t)p->length; i != 0; i--) {
        const int8_t v = *x++;
        *y++ = table[(v < low ? low : v > high ? high : v) - low];
    }
}
