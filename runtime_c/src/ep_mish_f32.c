/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_function.h"

#include "ep_math.h"

void ep_mish_f32(const ep_function_f32_params *p, const float *x, float *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const float v = x[i];
        if (v < 20.0f) {
            const float e = ep_expf(v);
            const float n = e * (e + 2.0f); /* tanh(log(1 + e)) = n / (n + 2) */
            y[i] = v * (n / (n + 2.0f));
        } else {
            y[i] = v; /* also NaN */
        }
    }
}
