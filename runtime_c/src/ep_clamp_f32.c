/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_clamp.h"

void ep_clamp_f32(const ep_clamp_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const float v = x[i];
        y[i] = ep_limit_f32(v, p->low, p->high);
    }
}
