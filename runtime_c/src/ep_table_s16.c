/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_table.h"

void ep_table_s16(const ep_table_s16_params *p, const int16_t *table, const int16_t *x, int16_t *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const int32_t v = x[i];
        const int16_t *const end = table + 256 + (v >> 7);
        const int32_t rise = (int32_t)end[1] - end[0];
        y[i] = (int16_t)(end[0] + ((rise * (v & 127) + 64) >> 7));
    }
}
