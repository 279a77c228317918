/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_mean_rows.h"

void ep_mean_rows_s8(const ep_mean_rows_s8_params *p, const int8_t *x, void *scratch, int8_t *y)
{
    int32_t *const sums = (int32_t *)scratch;
    ep_add_rows_s8(x, p->count, p->inner, p->first, sums);
    for (int32_t k = 0; k < p->inner && p->last != 0; k++) {
        const int32_t v = ep_rescale(sums[k] - p->offset, p->mult, p->shift) + p->y_zero;
        y[k] = (int8_t)ep_limit(v, -128, 127);
    }
}
