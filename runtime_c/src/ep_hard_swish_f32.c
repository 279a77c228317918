/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_function.h"

void ep_hard_swish_f32(const ep_function_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const float v = x[i];
        y[i] = v * ep_limit_f32(v + 3.0f, 0.0f, 6.0f) * (1.0f / 6.0f);
    }
}
