/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_table.h"

EP_WEAK void ep_table_s8(const ep_table_s8_params *p, const int8_t *table, const int8_t *x, int8_t *y)
{
    const int8_t *const zero = table + 128;
    const int8_t *const unrolled = x + (EP_UNROLL * (p->length & ~3));
    const int8_t *const end = x + p->length;
    while (x != unrolled) {
        y[0] = zero[x[0]];
        y[1] = zero[x[1]];
        y[2] = zero[x[2]];
        y[3] = zero[x[3]];
        x += 4;
        y += 4;
    }
    while (x != end) {
        *y++ = zero[*x++];
    }
}
