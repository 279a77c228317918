/* SPDX-License-Identifier: Apache-2.0 */
#include "ep_quantize.h"

void ep_quantize_f32_s16(const ep_quantize_f32_s16_params *p, const float *x, int16_t *y)
{
    for (int32_t i = 0; i < p->length; i++) {
        const float v = x[i] / p->scale;
        /* Beyond +-99999 everything saturates, whatever the zero point. */
        const float cut = !(v > -99999.0f) ? -99999.0f : v > 99999.0f ? 99999.0f : v;
        const int32_t whole = (int32_t)cut;
        const float rest = cut - (float)whole;
        const int32_t step = rest >= 0.5f ? 1 : rest <= -0.5f ? -1 : 0;
        y[i] = (int16_t)ep_limit(whole + step + p->zero, -32768L, 32767);
    }
}
