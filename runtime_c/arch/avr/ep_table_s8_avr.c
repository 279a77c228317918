/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_table_s8_avr.h"

void ep_table_s8_avr(const ep_table_s8_params *p, const __flash int8_t *table, const int8_t *x,
                     int8_t *y)
{
    for (uint16_t i = (uint16_t)p->length; i != 0; i--) {
        *y++ = table[*x++ + 128];
    }
}
