/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_function.h"

#include "ep_math.h"

void ep_erf_f32(const ep_function_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const float v = x[i];
        if (v > -0.5f && v < 0.5f) { /* its series, as 1 - erfc cancels near 0 */
            const float s = v * v;
            const float tail = 0.1f - s * (0.0238095238f - s * 0.00462962963f);
            y[i] = 1.12837917f * v * (1.0f - s * (0.333333333f - s * tail));
        } else {
            y[i] = 1.0f - ep_erfcf(v);
        }
    }
}
