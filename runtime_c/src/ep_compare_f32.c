/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_compare.h"

void ep_compare_f32(const ep_compare_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const float v = x[i];
        y[i] = v > p->bound ? p->above : v < p->bound ? p->below : v >= p->bound ? p->equal : p->unordered;
    }
}
