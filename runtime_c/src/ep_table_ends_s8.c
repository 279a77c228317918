/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_table_ends.h"

void ep_table_ends_s8(const ep_table_ends_s8_params *p, const int8_t *table, const int8_t *x,
                      int8_t *y)
{
    const int32_t low = p->low, high = p->high;
    const int8_t *const end = x + p->length;
    while (x != end) {
        *y++ = table[ep_limit(*x++, low, high) - low];
    }
}
