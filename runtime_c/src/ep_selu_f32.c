/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_selu.h"

#include "ep_math.h"

void ep_selu_f32(const ep_selu_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const float v = x[i];
        y[i] = v >= 0.0f ? p->above * v : p->below * ep_expm1f(p->inner * v);
    }
}
