/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_elu.h"

#include "ep_math.h"

void ep_elu_f32(const ep_elu_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const float v = x[i];
        y[i] = v >= 0.0f ? v : p->alpha * ep_expm1f(v);
    }
}
