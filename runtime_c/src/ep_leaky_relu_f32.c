/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_leaky_relu.h"

void ep_leaky_relu_f32(const ep_leaky_relu_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const float v = x[i];
        y[i] = v >= 0.0f ? v : p->alpha * v;
    }
}
