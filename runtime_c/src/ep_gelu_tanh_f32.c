/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_function.h"

#include "ep_math.h"

void ep_gelu_tanh_f32(const ep_function_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const float v = x[i];
        y[i] = 0.5f * v * (1.0f + ep_tanhf(0.79788456f * (v + 0.044715f * v * v * v)));
    }
}
