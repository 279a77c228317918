/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_quantize.h"

void ep_quantize_f32_s8(const ep_quantize_f32_s8_params *p, const float *x, int8_t *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const float v = x[i] / p->scale;
        /* Beyond +-1000 everything saturates, whatever the zero point. */
        const float cut = !(v > -1000.0f) ? -1000.0f : v > 1000.0f ? 1000.0f : v;
        const int32_t whole = (int32_t)cut;
        const float rest = cut - (float)whole;
        const int32_t step = rest >= 0.5f ? 1 : rest <= -0.5f ? -1 : 0;
        y[i] = (int8_t)ep_limit(whole + step + p->zero, -128, 127);
    }
}
